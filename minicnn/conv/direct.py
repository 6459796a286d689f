"""The loops in another order: one tap at a time, over a whole row of outputs.

    for each image n and output channel k (a block; blocks run on all cores):
        y[p, q] = b[k]
        for each tap (c, i, j):   y[p, q] += w[k,c,i,j] · x[c, p·stride_h + i·dil_h - top, q·stride_w + j·dil_w - left]

Idea: with the tap outside and the columns inside, the inner loop is one long multiply-add over
neighbours, which the compiler turns into vector code; and the outputs whose tap falls outside the
input are left out by computing the first and last q once per tap, not by asking at every q.
Cost: no workspace; y is read and written once per tap, so it must stay in the cache to be fast.
When it loses: many channels, where BLAS (im2col.py) reuses each loaded number more often.
Source: Zhang, Franchetti, Low, "High Performance Zero-Memory Overhead Direct Convolutions" (2018).
Next room: pointwise.py, where nothing slides.
"""

from minicnn.conv.algorithm import Prepared, plain, run_loops
from minicnn.conv.jit import jit, prange
from minicnn.conv.jit.ranges import inside


@jit(parallel=True)
def slide(x, weight, bias, y, stride_h, stride_w, dilation_h, dilation_w, top, left):
    N, C, H, W = x.shape
    K, channels, R, S = weight.shape
    P, Q = y.shape[2], y.shape[3]
    per_group = K // (C // channels)
    for block in prange(N * K):
        n = block // K
        k = block % K
        first_channel = k // per_group * channels
        y[n, k] = bias[k]
        for c in range(channels):
            for i in range(R):
                p0, p1 = inside(i * dilation_h - top, stride_h, H, P)
                for j in range(S):
                    tap = j * dilation_w - left
                    q0, q1 = inside(tap, stride_w, W, Q)
                    w = weight[k, c, i, j]
                    for p in range(p0, p1):
                        h = p * stride_h + i * dilation_h - top
                        for q in range(q0, q1):
                            y[n, k, p, q] += w * x[n, first_channel + c, h, q * stride_w + tap]


def why_not(x_shape, w_shape, window, dtype) -> str | None:
    return None


def prepare(weight, window) -> Prepared:
    return Prepared(plain(weight), weight.shape, window)


def run(x, prepared, bias=None, activation=None):
    return run_loops(slide, x, prepared, bias, activation)


def error_factor(terms: int) -> float:
    """Any order of summing `terms` products and a bias: see contract.py."""
    return terms + 2.0


def workspace_bytes(x_shape, w_shape, window, itemsize: int) -> int:
    return 0
