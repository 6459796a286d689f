"""Rung 1, naive: a thread for every output, which does the law's loops.

    thread (n, k, p, q):  y[n,k,p,q] = act(b[k] + Σ_c Σ_i Σ_j  w[k,c,i,j] · x[n, g·C/G + c, p·stride_h + i·dil_h - top, q·stride_w + j·dil_w - left])

Idea: none but the thread.  Threads are numbered with the filter k fastest, as a C programmer would nest the loops: the 32 threads of a warp then
compute 32 filters at one position.  They read the same number of x (one broadcast), but 32 weights that lie C/G·R·S apart, and write
32 outputs that lie P·Q apart: 32 transactions of 32 bytes each, of which 4 are used.

Memory traffic per output: 2·(C/G)·R·S reads, none of them shared by design.  Arithmetic intensity: 2 flop for 8 bytes, 0.25 flop/byte; of
what is moved in sectors an eighth is used.  Occupancy, sm_90: 45 registers a thread, 5 blocks of 256, 40 warps of 64.  What limits it:
uncoalesced loads and stores.
It skips taps outside the input, so weights that are not finite are right here, and other rungs send them here.
When it loses: always.  It is the first rung.
Source: Kirk, Hwu, "Programming Massively Parallel Processors" (2016), section 7.2.  Next room: coalesced.py.
"""

from numba import cuda

from minicnn.conv.cuda import family
from minicnn.conv.cuda.family import error_factor, why_not, workspace_bytes
from minicnn.conv.cuda.finish import finished
from minicnn.conv.cuda.kernel import kernel

__all__ = ["error_factor", "prepare", "run", "why_not", "workspace_bytes"]

THREADS = 256


@kernel("f4[::1], f4[::1], f4[::1], f4[::1], i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, f4")
def slide(x, weight, bias, y, N, C, H, W, K, channels, R, S, P, Q, stride_h, stride_w, dil_h, dil_w, top, left, G, kind, cap):
    """A thread for every output, the filter fastest."""
    t = cuda.grid(1)
    if t >= N * K * P * Q:
        return
    k, place = t % K, t // K
    q, p, n = place % Q, place // Q % P, place // (P * Q)
    first = (n * C + k // (K // G) * channels) * H * W
    total = bias[k]
    for c in range(channels):
        for i in range(R):
            h = p * stride_h + i * dil_h - top
            for j in range(S):
                w = q * stride_w + j * dil_w - left
                if h >= 0 and h < H and w >= 0 and w < W:
                    total += weight[((k * channels + c) * R + i) * S + j] * x[first + (c * H + h) * W + w]
    y[((n * K + k) * P + p) * Q + q] = finished(total, kind, cap)


def launch(x, prepared, bias, kind, cap, y) -> None:
    """Run it on device arrays."""
    family.a_thread_each(slide, THREADS, x, prepared, bias, kind, cap, y)


def prepare(weight, window, groups: int = 1):
    return family.as_given(weight, window)


def run(x, prepared, bias=None, activation=None):
    return family.through(x, prepared, bias, activation, launch)
