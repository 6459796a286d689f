"""Depthwise convolution: every channel has filters of its own, and channels never mix.

    y[n, k, p, q] = b[k] + Σ_i Σ_j  w[k, 0, i, j] · x[n, floor(k/M), p·stride_h + i·dil_h - top, q·stride_w + j·dil_w - left]

with M = K/C filters per input channel.  Idea: there are only R·S products per output, so the time is
that of reading x and writing y; one output row at a time takes all its taps while it is in the
first-level cache.  Blocks are the output planes (n, k), spread over all cores.
Cost: N·K·P·Q·R·S multiply-adds, no workspace, bound by memory.  When it loses: not on its own ground;
it does nothing else.
Source: Howard et al., "MobileNets" (2017), section 3.1.  Next room: fft.py.
"""

from minicnn.conv.algorithm import Prepared, plain, run_loops
from minicnn.conv.jit import jit, prange
from minicnn.conv.jit.ranges import inside


@jit(parallel=True)
def slide_planes(x, weight, bias, y, stride_h, stride_w, dilation_h, dilation_w, top, left):
    N, C, H, W = x.shape
    K, _, R, S = weight.shape
    P, Q = y.shape[2], y.shape[3]
    for block in prange(N * K):
        n = block // K
        k = block % K
        c = k // (K // C)
        for p in range(P):
            for q in range(Q):
                y[n, k, p, q] = bias[k]
            for i in range(R):
                h = p * stride_h + i * dilation_h - top
                if 0 <= h < H:
                    for j in range(S):
                        tap = j * dilation_w - left
                        q0, q1 = inside(tap, stride_w, W, Q)
                        w = weight[k, 0, i, j]
                        for q in range(q0, q1):
                            y[n, k, p, q] += w * x[n, c, h, q * stride_w + tap]


def why_not(x_shape, w_shape, window, dtype) -> str | None:
    if w_shape[1] != 1:
        groups = x_shape[1] // w_shape[1]
        return f"it is for one input channel per group (groups = C = {x_shape[1]}), and groups is {groups}"
    return None


def prepare(weight, window) -> Prepared:
    return Prepared(plain(weight), weight.shape, window)


def run(x, prepared, bias=None, activation=None):
    return run_loops(slide_planes, x, prepared, bias, activation)


def error_factor(terms: int) -> float:
    """Any order of summing `terms` products and a bias: see contract.py."""
    return terms + 2.0


def workspace_bytes(x_shape, w_shape, window, itemsize: int) -> int:
    return 0
