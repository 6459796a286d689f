"""Pooling where the channels of a pixel lie side by side (conv/memory_format.py): a vector holds one pixel of LANES channels.

Neither strides nor the map's width matter then: a window is some pixels, and its maximum or sum is taken vector by vector.
Cost: the time of reading the map, once for each window that a pixel is in.  Next room: pooling.py and adaptive.py, which choose.
"""

import numpy as np

from minicnn.conv.jit import jit, prange
from minicnn.conv.jit.machine import LANES
from minicnn.conv.jit.words import add, maximum, store, wide_broadcast, wide_load


@jit(allocates=False)
def largest_pixel(x, start, rows, down, columns, across, C, y, to):
    """Write the maximum of rows × columns pixels, `down` and `across` apart from x[start] on, channel by channel; a NaN wins."""
    c = 0
    while c + LANES <= C:
        best = wide_load(x, start + c)
        for i in range(rows):
            for j in range(columns):
                best = maximum(best, wide_load(x, start + i * down + j * across + c))
        store(y, to + c, best)
        c += LANES
    while c < C:
        top = x[start + c]
        for i in range(rows):
            for j in range(columns):
                value = x[start + i * down + j * across + c]
                if value > top or value != value:
                    top = value
        y[to + c] = top
        c += 1


@jit(allocates=False)
def largest_row(x, image, p, starts, counts, lefts, widths, down, across, C, y, to):
    """Write one row of outputs; -∞ where a window sees nothing."""
    for q in range(lefts.size):
        if counts[p] > 0 and widths[q] > 0:
            largest_pixel(x, image + starts[p] + lefts[q] * C, counts[p], down, widths[q], across, C, y, to + q * C)
        else:
            for c in range(C):
                y[to + q * C + c] = -np.inf


@jit(allocates=False)
def some_rows(worker, workers, blocks, x, starts, counts, lefts, widths, down, across, C, image, y):
    """This worker's share of the rows of outputs."""
    for block in range(blocks * worker // workers, blocks * (worker + 1) // workers):
        n, p = block // starts.size, block % starts.size
        largest_row(x, n * image, p, starts, counts, lefts, widths, down, across, C, y, block * lefts.size * C)


@jit(parallel=True, worker=some_rows, allocates=False)
def largest_pixels(workers, blocks, x, starts, counts, lefts, widths, down, across, C, image, y):
    """Fill y (N, P, Q, C), flat, from x (N, H, W, C), flat, of `image` numbers an image; a row of outputs is a block.

    Row p sees counts[p] rows from place starts[p] of its image on, `down` numbers apart; column q sees widths[q] columns from column
    lefts[q] on, `across` numbers apart.
    """
    for worker in prange(workers):
        some_rows(worker, workers, blocks, x, starts, counts, lefts, widths, down, across, C, image, y)


@jit(allocates=False)
def sum_image(x, image, count, C, y, to):
    """Write the sums over `count` pixels, channel by channel."""
    c = 0
    while c + LANES <= C:
        total = wide_broadcast(0.0)
        for i in range(count):
            total = add(total, wide_load(x, image + i * C + c))
        store(y, to + c, total)
        c += LANES
    while c < C:
        last = np.float32(0)
        for i in range(count):
            last += x[image + i * C + c]
        y[to + c] = last
        c += 1


@jit(allocates=False)
def some_sums(worker, workers, images, x, count, C, y):
    """This worker's share of the images."""
    for n in range(images * worker // workers, images * (worker + 1) // workers):
        sum_image(x, n * count * C, count, C, y, n * C)


@jit(parallel=True, worker=some_sums, allocates=False)
def sum_images(workers, images, x, count, C, y):
    """Fill y (N, C), flat, with the sums over the pixels of x (N, count, C), flat."""
    for worker in prange(workers):
        some_sums(worker, workers, images, x, count, C, y)
