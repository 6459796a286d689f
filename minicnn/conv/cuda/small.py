"""Which question: how does a layer get ready on the device, without a copy from the host?

    packed[g, t, k] = weight[g·K/G + k, t]         a column of filters side by side: four of them are one load of 16 bytes
    taps[t] = (c, i·dil_h, j·dil_w, 0)             where tap t of a window looks, from the window's corner
    zeros(channels), all_finite(weight)

Idea: rows of taps are filled up to a multiple of TAPS, columns of filters to one of FILTERS, both with zeros, so that no tile has an edge.  A tap
that is not there looks FAR below the image, where every pixel reads as 0: one comparison, which is made anyhow, does the work of two.

Cost: once per layer; threads stride over the numbers.  What it does not do: change a number.
When it loses: layers of one input channel per group, whose columns would be mostly zeros (depthwise.py).
Source: Chetlur et al., "cuDNN: Efficient Primitives for Deep Learning" (2014), section 3, for the implicit product.  Next room: implicit.py.
"""

from math import prod

import numpy as np
from numba import cuda, float32, int32

from minicnn.conv.cuda import device
from minicnn.conv.cuda.family import flat
from minicnn.conv.cuda.kernel import Kernel, blocks_for, kernel
from minicnn.conv.cuda.words import split

THREADS = 128
MOST_BLOCKS = 1024
TAPS = 16  # the table's length is a multiple of it, and so of the 8 that register_tiled.py takes
FILTERS = 128
FAR = 1 << 29


@kernel("f4[::1], f4[::1], i4, i4, i4, i4, i4")
def pack(weight, packed, groups, filters, terms, rows, padded):
    """Turn (G, K/G, T) into (G, T, K/G), filled up with zeros to (groups, rows, padded)."""
    for at in range(cuda.grid(1), groups * rows * padded, cuda.gridsize(1)):
        rest, k = split(at, padded)
        g, t = split(rest, rows)
        value = float32(0)
        if k < filters and t < terms:
            value = weight[(g * filters + k) * terms + t]
        packed[at] = value


@kernel("i4[::1], i4, i4, i4, i4, i4, i4")
def look(taps, length, terms, R, S, dil_h, dil_w):
    """Write (c, i·dil_h, j·dil_w, 0) for every tap, and a place outside every image for those beyond the last."""
    for t in range(cuda.grid(1), length, cuda.gridsize(1)):
        rest, j = split(t, S)
        c, i = split(rest, R)
        taps[4 * t] = c if t < terms else int32(0)
        taps[4 * t + 1] = i * dil_h if t < terms else int32(FAR)
        taps[4 * t + 2] = j * dil_w if t < terms else int32(0)
        taps[4 * t + 3] = int32(0)


@kernel("f4[::1], i4")
def clear(y, numbers):
    for at in range(cuda.grid(1), numbers, cuda.gridsize(1)):
        y[at] = float32(0)


@kernel("f4[::1], i4[::1], i4")
def find_bad(weight, found, numbers):
    """Leave a 1 where any number is NaN or ±∞: such a number less itself is not 0."""
    for at in range(cuda.grid(1), numbers, cuda.gridsize(1)):
        value = weight[at]
        if value - value != float32(0):
            found[0] = int32(1)


def _run(work: Kernel, numbers: int, *arguments) -> None:
    work(max(1, min(blocks_for(numbers, 4 * THREADS), MOST_BLOCKS)), THREADS, *arguments)


def packed(weight, groups: int):
    """Return a weight (K, C/G, R, S) on the device as (G, T, K/G), filled up with zeros."""
    filters, terms = weight.shape[0] // groups, prod(weight.shape[1:])
    rows, padded = blocks_for(terms, TAPS) * TAPS, blocks_for(filters, FILTERS) * FILTERS
    room = device.empty((groups, rows, padded))
    _run(pack, groups * rows * padded, flat(weight), flat(room), groups, filters, terms, rows, padded)
    return room


def taps(shape, dilation):
    """Return where the taps of a weight of this shape look: a table on the device, 4 whole numbers each."""
    _, channels, R, S = shape
    terms = channels * R * S
    length = blocks_for(terms, TAPS) * TAPS
    table = device.empty((4 * length,), np.int32)
    _run(look, length, table, length, terms, R, S, *dilation)
    return table


def zeros(channels: int):
    """Return zeros on the device: the bias that a layer does not have."""
    room = device.empty((channels,))
    _run(clear, channels, room, channels)
    return room


def all_finite(weight) -> bool:
    """Whether every number of a device array is finite; four bytes come back to the host, which waits for them."""
    found = device.uploaded(np.zeros(1, np.int32))
    _run(find_bad, prod(weight.shape), flat(weight), found, prod(weight.shape))
    return not device.downloaded(found)[0]
