"""Which question: how do shares that sum to 1 come about on a GPU?

    block of a line:  m = max_j x_j,   y_i = e^(x_i - m),   y_i ← y_i / Σ_j y_j

Idea: a block a line. Each thread goes through every 256th number (short lines have fewer threads), so that neighbours read neighbours;
what the threads found becomes one number in log₂ steps through shared memory, in which half of the threads that are left take in the other
half.  That is done twice: for the maximum, which keeps e from overflowing, and for the sum.

Memory traffic per output: x twice, y written twice and read once, 20 bytes; lines of some 1,000 numbers stay in the cache, and 8 remain.
Arithmetic intensity: some 20 flop for 8 bytes.  Occupancy: 100%, 32 registers for sm_90, 1 KiB of shared memory a block.
What limits it: the waiting at each step of the two sums; with few lines, as at the end of a classifier, a launch takes longer.
A NaN or +∞ makes its own line NaN and no other, as on the host.
When it loses: along an axis that is not the last, where neighbours of a line lie apart and each read moves 32 bytes for 4.
Source: Bridle (1990); Harris, "Optimizing Parallel Reduction in CUDA" (2007).  Next room: linear.py.
"""

import math
from math import prod

from numba import cuda, float32

from minicnn.conv.cuda.family import flat
from minicnn.conv.cuda.kernel import kernel
from minicnn.conv.cuda.words import split
from minicnn.functional import arguments
from minicnn.functional.cuda.launch import THREADS, WARP, larger, target


@kernel("f4[::1], f4[::1], i4, i4")
def softmax_lines(x, y, numbers, after):
    """A block a line of so many numbers, which lie `after` apart; as many threads as a power of 2, at most THREADS."""
    found = cuda.shared.array(THREADS, float32)
    lane, threads = cuda.threadIdx.x, cuda.blockDim.x
    before, place = split(cuda.blockIdx.x, after)
    first = before * numbers * after + place
    top = float32(-math.inf)
    for j in range(lane, numbers, threads):
        top = larger(top, x[first + j * after])
    found[lane] = top
    half = threads // 2
    while half > 0:
        cuda.syncthreads()
        if lane < half:
            found[lane] = larger(found[lane], found[lane + half])
        half //= 2
    cuda.syncthreads()
    top = found[0]
    cuda.syncthreads()  # all have read the maximum before sums take its place
    total = float32(0)
    for j in range(lane, numbers, threads):
        e = float32(math.exp(x[first + j * after] - top))
        y[first + j * after] = e
        total += e
    found[lane] = total
    half = threads // 2
    while half > 0:
        cuda.syncthreads()
        if lane < half:
            found[lane] += found[lane + half]
        half //= 2
    cuda.syncthreads()
    for j in range(lane, numbers, threads):
        y[first + j * after] /= found[0]


def softmax(x, dim: int, *, out=None):
    """Return e^x as shares of their sum along one axis; arguments and errors are functional.softmax's.

    >>> import numpy as np
    >>> softmax(cuda.to_device(np.log(np.array([[1, 2, 5]], np.float32))), 1).copy_to_host().round(3)          # doctest: +SKIP
    array([[0.125, 0.25 , 0.625]], dtype=float32)
    """
    axis, shape = arguments.axis(dim, tuple(x.shape), "softmax"), tuple(x.shape)
    y, numbers, after = target(out, shape), shape[axis], prod(shape[axis + 1 :])
    lines = x.size // max(1, numbers)
    if lines:
        threads = WARP
        while threads < min(numbers, THREADS):
            threads *= 2
        softmax_lines(lines, threads, flat(x), flat(y), numbers, after)
    return y
