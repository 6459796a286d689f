"""Rung 2, coalesced: the naive rung's sums, with the threads numbered along the map.

    thread t → q = t % Q, p = t / Q % P, k = t / (P·Q) % K, n = t / (K·P·Q)          y[t] = act(b[k] + Σ_c Σ_i Σ_j  w·x)

Idea: memory is moved in sectors of 32 bytes, 8 numbers.  The 32 threads of a warp run in step; where their addresses lie side by side, one load
of the warp is 4 sectors, all of them used, and not 32.  Here neighbours in a warp are neighbours on the map: they write neighbours, read
neighbours of x, and read one and the same weight, which is one broadcast.  Nothing else has changed since the naive rung.

Memory traffic per output: 2·(C/G)·R·S reads as before, of which the weight's are shared by a warp and x's come from L1 for all but one tap
of a row.  Arithmetic intensity: 2 flop for 8 bytes asked for, 0.25 flop/byte; of what is moved in sectors all is used (stride 1).
Occupancy, sm_90: 32 registers a thread, no shared memory: 8 blocks of 256, all 64 warps.  What limits it: two loads for every
multiplication; the load units take a warp a cycle at best, the multipliers four.
It skips taps outside the input, so weights that are not finite are right here, and other rungs send them here.
When it loses: strides above 1 leave part of each sector unused; maps narrower than a warp read in pieces.
Source: "CUDA C++ Best Practices Guide", section on coalesced access to global memory.  Next room: tiled.py.
"""

from numba import cuda, int32

from minicnn.conv.cuda import family
from minicnn.conv.cuda.family import error_factor, why_not, workspace_bytes
from minicnn.conv.cuda.finish import finished
from minicnn.conv.cuda.kernel import kernel
from minicnn.conv.cuda.words import inside, load1, split

__all__ = ["error_factor", "prepare", "run", "why_not", "workspace_bytes"]

THREADS = 256


@kernel("f4[::1], f4[::1], f4[::1], f4[::1], i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, f4")
def along(x, weight, bias, y, N, C, H, W, K, channels, R, S, P, Q, stride_h, stride_w, dil_h, dil_w, top, left, G, kind, cap):
    """A thread for every output, the column fastest."""
    t = cuda.grid(1)
    if t >= N * K * P * Q:
        return
    rest, q = split(t, Q)
    rest, p = split(rest, P)
    n, k = split(rest, K)
    g, _ = split(k, split(K, G)[0])
    image = int32((n * C + g * channels) * H * W)
    at = int32(k * channels * R * S)
    total = load1(bias, k)
    for _ in range(channels):
        for i in range(R):
            h = int32(p * stride_h + i * dil_h - top)
            if inside(h, H):
                row = int32(image + h * W)
                for j in range(S):
                    w = int32(q * stride_w + j * dil_w - left)
                    if inside(w, W):
                        total += load1(weight, at + i * S + j) * load1(x, row + w)
        image = int32(image + H * W)
        at = int32(at + R * S)
    y[t] = finished(total, kind, cap)


def launch(x, prepared, bias, kind, cap, y) -> None:
    """Run it on device arrays."""
    family.a_thread_each(along, THREADS, x, prepared, bias, kind, cap, y)


def prepare(weight, window, groups: int = 1):
    return family.as_given(weight, window)


def run(x, prepared, bias=None, activation=None):
    return family.through(x, prepared, bias, activation, launch)
