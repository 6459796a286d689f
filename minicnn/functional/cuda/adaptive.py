"""Which question: how is a map of any size averaged to a size that is given, on a GPU?

    global:  32 threads a plane      y[n,c] = Σ x[n,c,…] / (H·W)
    other:   a thread (n, c, p, q)   the mean of x[n, c, ⌊p·H/P⌋ : ⌈(p+1)·H/P⌉, ⌊q·W/Q⌋ : ⌈(q+1)·W/Q⌉]

Idea: with one output a plane, a thread alone would add up a whole plane while its neighbours read 32 other planes.  Instead 32 threads
share a plane: each adds every 32nd number, so that they read side by side, and the 32 sums become one in five steps through shared memory.
Eight planes make a block.

Memory traffic per output: its window, once.  Arithmetic intensity: 1 flop for 4 bytes.  Occupancy for sm_90: 100% (31 registers, 1 KiB of
shared memory a block) and 75% (40).  What limits it: memory; on planes of 7×7 numbers 15 of 64 turns find nothing to add.
When it loses: the other sizes on large windows, where a thread reads rows of its own.
Source: Lin, Chen & Yan, "Network in network" (2014), section 3.2; Harris, "Optimizing Parallel Reduction in CUDA" (2007).
Next room: linear.py.
"""

from numba import cuda, float32

from minicnn import check
from minicnn.conv.cuda.family import flat
from minicnn.conv.cuda.kernel import blocks_for, kernel
from minicnn.conv.cuda.words import split
from minicnn.functional.cuda.launch import WARP, spread, target

PLANES = 8  # a block
SUMS = PLANES * WARP


@kernel("f4[::1], f4[::1], i4, i4")
def plane_means(x, y, positions, planes):
    """32 threads a plane, 8 planes a block."""
    sums = cuda.shared.array(SUMS, float32)
    lane, row = cuda.threadIdx.x, cuda.threadIdx.y
    plane = cuda.blockIdx.x * PLANES + row
    total = float32(0)
    if plane < planes:
        for i in range(lane, positions, WARP):
            total += x[plane * positions + i]
    sums[row * WARP + lane] = total
    half = WARP // 2
    while half > 0:
        cuda.syncthreads()
        if lane < half:
            sums[row * WARP + lane] += sums[row * WARP + lane + half]
        half //= 2
    if lane == 0 and plane < planes:
        y[plane] = sums[row * WARP] / float32(positions)


@kernel("f4[::1], f4[::1], i4, i4, i4, i4, i4")
def shares(x, y, H, W, P, Q, size):
    """A thread for every output, columns fastest."""
    t = cuda.grid(1)
    if t < size:
        line, q = split(t, Q)
        plane, p = split(line, P)
        above, _ = split(p * H, P)
        below, _ = split((p + 1) * H + P - 1, P)
        before, _ = split(q * W, Q)
        behind, _ = split((q + 1) * W + Q - 1, Q)
        total = float32(0)
        for h in range(above, below):
            for w in range(before, behind):
                total += x[(plane * H + h) * W + w]
        y[t] = total / float32((below - above) * (behind - before))


def adaptive_avg_pool2d(x, output_size, *, out=None):
    """Return the mean of each of output_size windows that share the map.

    x: (N, C, H, W); output_size: a number or (P, Q), None keeping one.

    Raises ArgumentError for a size below 1.  Source: torch.nn.functional.adaptive_avg_pool2d.

    >>> import numpy as np
    >>> adaptive_avg_pool2d(cuda.to_device(np.arange(12, dtype=np.float32).reshape(1, 1, 3, 4)), 1).copy_to_host()     # doctest: +SKIP
    array([[[[5.5]]]], dtype=float32)
    """
    (N, C, H, W), what = x.shape, "adaptive_avg_pool2d"
    sizes = tuple(output_size) if isinstance(output_size, list | tuple) else (output_size, output_size)
    P, Q = (n if size is None else check.integer(size, "output_size", what, 1) for size, n in zip(sizes, (H, W), strict=True))
    y = target(out, (N, C, P, Q))
    if (P, Q) != (1, 1):
        spread(shares, y.size, flat(x), flat(y), H, W, P, Q, y.size)
    elif y.size:
        plane_means(blocks_for(y.size, PLANES), (WARP, PLANES), flat(x), flat(y), H * W, y.size)
    return y
