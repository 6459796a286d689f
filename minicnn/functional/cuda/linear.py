"""Which question: what is a weighted sum of all features, on a GPU?

    block of a tile:  y[m, o] = b[o] + Σ_i x[m, i]·w[o, i]          32 rows m by 32 sums o, in steps of 32 features i

Idea: a product of matrices by way of shared memory.  64 threads fetch 32×32 numbers of x and of w, side by side along the features, and
wait for each other; then each of them does 4 rows by 4 sums in registers: 8 reads of shared memory for 16 products.  So a number of x is
read from memory once for 32 sums, and a number of w once for 32 rows.  A line of the tiles is 33 numbers long: 32 would put a column into
one bank.

Memory traffic per output: 2·(in features)/32 numbers read, 1 written.  Arithmetic intensity: 8 flop/byte of memory, 1 of shared memory.
Occupancy: 44% for sm_90: 70 registers hold a multiprocessor to 14 blocks of 64 threads, 8.25 KiB of shared memory each; 16 sums a thread
hide some of the waiting.  What limits it: with few rows, as behind a flattened map, the reading of w, and too few blocks to keep all of it
busy.
When it loses: one row, of which 31 of 32 lanes are for nothing; very deep sums with few outputs, which split sums would share among blocks.
Taps beyond the last read 0 on both sides.
Source: CUDA C++ Programming Guide, "Shared Memory"; Volkov & Demmel, "Benchmarking GPUs to tune dense linear algebra" (2008).
Next room: conv_transpose.py.
"""

from math import prod

from numba import cuda, float32

from minicnn.conv.cuda.family import bias_on_device, flat
from minicnn.conv.cuda.kernel import blocks_for, kernel
from minicnn.conv.cuda.words import split
from minicnn.errors import ShapeError
from minicnn.functional.cuda.launch import target

TILE, STEP, EACH = 32, 32, 4  # rows and sums of a block, features at a time, rows and sums of a thread
SIDE = TILE // EACH  # threads along each side
LINE = STEP + 1
NUMBERS, LOADS = TILE * LINE, TILE * STEP


@kernel("f4[::1], f4[::1], f4[::1], f4[::1], i4, i4, i4")
def products(x, weight, bias, y, rows, features, sums):
    """A block for 32 rows by 32 sums; blocks of one tile of rows lie side by side."""
    xs = cuda.shared.array(NUMBERS, float32)
    ws = cuda.shared.array(NUMBERS, float32)  # on a line of its own: the simulator tells arrays apart by their lines
    total = cuda.local.array((EACH, EACH), float32)
    down, across = split(cuda.blockIdx.x, (sums + TILE - 1) // TILE)
    thread = cuda.threadIdx.x
    r, o = thread // SIDE, thread % SIDE  # this thread's rows are r, r + 8, …, and its sums o, o + 8, …
    for a in range(EACH):
        for b in range(EACH):
            total[a, b] = float32(0)
    for start in range(0, features, STEP):
        for load in range(thread, LOADS, SIDE * SIDE):
            row, i = load // STEP, load % STEP
            inside = start + i < features
            m, k = down * TILE + row, across * TILE + row
            xs[row * LINE + i] = x[m * features + start + i] if inside and m < rows else float32(0)
            ws[row * LINE + i] = weight[k * features + start + i] if inside and k < sums else float32(0)
        cuda.syncthreads()
        for i in range(STEP):
            for a in range(EACH):
                for b in range(EACH):
                    total[a, b] += xs[(r + a * SIDE) * LINE + i] * ws[(o + b * SIDE) * LINE + i]
        cuda.syncthreads()
    for a in range(EACH):
        for b in range(EACH):
            m, k = down * TILE + r + a * SIDE, across * TILE + o + b * SIDE
            if m < rows and k < sums:
                y[m * sums + k] = total[a, b] + bias[k]


def linear(x, weight, bias=None, *, out=None):
    """Return x · weightᵀ + bias over the last axis; x: (…, in), weight: (out, in), bias: (out,) or None, on the device.

    Raises ShapeError where the features of x and weight differ.  Source: torch.nn.functional.linear.

    >>> import numpy as np
    >>> x, weight = (cuda.to_device(np.array(a, np.float32)) for a in ([[1, 2]], [[1, 0], [1, 1]]))    # doctest: +SKIP
    >>> linear(x, weight).copy_to_host()                                                              # doctest: +SKIP
    array([[1., 3.]], dtype=float32)
    """
    shape, (sums, features) = tuple(x.shape), weight.shape
    if shape[-1] != features:
        raise ShapeError(
            f"linear: weight expects {features} features in the last axis but x has {shape[-1]} (x.shape={shape}, "
            f"weight.shape={tuple(weight.shape)}); flatten a map first: x.reshape(len(x), -1)."
        )
    rows = prod(shape[:-1])
    y = target(out, (*shape[:-1], sums))
    if rows:
        bias = bias_on_device(bias, sums)
        products(blocks_for(rows, TILE) * blocks_for(sums, TILE), SIDE * SIDE, flat(x), flat(weight), bias, flat(y), rows, features, sums)
    return y
