"""Rung 3, tiled: 16×16 outputs a block, which share what they read.

    block (m / 16, k / 16, g), thread (column, row):   y[k, m] = act(b[k] + Σ_t  w[k, t] · X[t, m])          X as in implicit.py

Idea: the 256 threads of a block are 16 filters × 16 pixels.  They walk over the taps 16 at a time: each thread brings one weight and one number of X
into shared memory, all wait, and each then multiplies a row of 16 weights by a column of 16 numbers.  What is fetched once is used 16 times.

Memory traffic per output: 2·T/16 numbers from global memory, T = C/G·R·S, a sixteenth of the rung before; but 2·T from shared memory.
Arithmetic intensity: 2 flop for 8/16 bytes, 4 flop/byte of global memory; 0.25 flop/byte of shared memory.
Occupancy, sm_90: 32 registers a thread and 2 KiB: 8 blocks of 256, all 64 warps.  What limits it: shared memory, two loads for every
multiplication; its units answer one warp a cycle, so the multipliers wait as before.  Only registers are faster.
When it loses: few filters a group, whose tiles are mostly empty; few taps, for which the waiting is not repaid.
Source: Kirk, Hwu, "Programming Massively Parallel Processors" (2016), chapter 4; "CUDA C++ Programming Guide", section on shared memory.
Next room: register_tiled.py.
"""

from numba import cuda, float32, int32

from minicnn.conv.cuda import implicit
from minicnn.conv.cuda.family import error_factor, why_not, workspace_bytes
from minicnn.conv.cuda.finish import finished
from minicnn.conv.cuda.implicit import ARRAYS, NUMBERS, corner, seen
from minicnn.conv.cuda.kernel import blocks_for, kernel
from minicnn.conv.cuda.words import load1, split

__all__ = ["error_factor", "prepare", "run", "why_not", "workspace_bytes"]

SIDE = 16


def tile(side: int):
    """Return the kernel for tiles of side × side outputs; the rung's is 16, and small ones are quick in the simulator."""

    @kernel(f"{ARRAYS}, {NUMBERS}, i4, f4")
    def share(x, weight, taps, bias, y, N, C, H, W, K, P, Q, G, filters, channels, terms, stride_h, stride_w, top, left, kind, cap):
        ours = cuda.shared.array((side, side), float32)
        theirs = cuda.shared.array((side, side), float32)  # on a line of its own: the simulator tells arrays apart by their lines
        row, column = int32(cuda.threadIdx.y), int32(cuda.threadIdx.x)
        rest, part = split(cuda.blockIdx.x, (filters + side - 1) // side)
        place, g = split(rest, G)
        k, m = int32(part * side + row), place * side + column
        first, h0, w0 = corner(m, N * P * Q, P, Q, C * H * W, stride_h, stride_w, top, left)
        first = int32(first + g * channels * H * W)
        ours_from = int32((g * filters + k) * terms)
        total = float32(0)
        for t0 in range(0, terms, side):
            ours[row, column] = load1(weight, ours_from + t0 + column) if k < filters and t0 + column < terms else float32(0)
            theirs[row, column] = seen(x, taps, t0 + row, first, h0, w0, H, W)
            cuda.syncthreads()  # nobody multiplies before all have fetched
            for t in range(side):
                total += ours[row, t] * theirs[t, column]
            cuda.syncthreads()  # nobody fetches before all have multiplied
        if k < filters and m < N * P * Q:
            n, pixel = split(m, P * Q)
            k = int32(g * filters + k)
            y[(n * K + k) * P * Q + pixel] = finished(total + load1(bias, k), kind, cap)

    return share


share = tile(SIDE)


def launch(x, prepared, bias, kind, cap, y, kernel=share, side: int = SIDE) -> None:
    """Run it on device arrays."""
    arguments = implicit.arguments(x, prepared, bias, y)
    (N, K, P, Q), groups = y.shape, x.shape[1] // prepared.shape[1]
    blocks = blocks_for(N * P * Q, side) * groups * blocks_for(K // groups, side)
    kernel(blocks, (side, side), *arguments, kind, cap)


def prepare(weight, window, groups: int = 1):
    return implicit.prepare(weight, window, groups, packed=False)


def run(x, prepared, bias=None, activation=None):
    return implicit.run(x, prepared, bias, activation, launch)
