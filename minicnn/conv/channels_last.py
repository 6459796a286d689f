"""A product of matrices where the channels of a pixel lie side by side: nothing has to be laid out first.

    y[v, k] = b[k] + Σ_t  x[start of v + shift of t] · weight[t, k]          t a tap (i, j, c), v an output position

    for a block (group, some positions, some filters):
        table = where the windows of these positions begin
        for every two vectors of filters, for every HEIGHT positions:
            tile  = b                                                        in registers: jit/tile.py
            tile += x[table + shift of t] · weight[t]      for all taps
            y     = tile, through the activation

Idea: in channels_last (memory_format.py) the taps of one row of a kernel are one run of S·C numbers, so a
product can walk along x as it stands, in as many places at once as a tile has rows, and what it writes are pixels
again.  im2col's columns, and gemm.py's panels, are addresses here.
Any stride, dilation, padding and grouping; float32.  An input in NumPy's order is turned, and so is what comes out.
Cost: the multiply-adds of the equation, filters rounded up to a vector and positions to HEIGHT; a copy of x where it has padding, and
where it is not channels_last yet; a small table a thread.
When it loses: 3×3 kernels of stride 1 and many channels, where winograd.py multiplies less; few filters, which fill no vector.
What it does not do: float64; multiply padding zeros by an infinite weight (0·∞ is NaN where the law skips the tap): with such
weights taps are added one by one.
Source: Dukhan, "The Indirect Convolution Algorithm" (2019), for addresses in place of columns; Georganas et al., "Anatomy of
High-Performance Deep Learning Convolutions on SIMD Architectures" (2018).  Next room: winograd.py.
"""

import functools
from math import prod
from typing import NamedTuple

import numpy as np

from minicnn.conv.algorithm import Prepared, at_the_store, finish, float32_only, lined_up, output_shape, plain, tap_by_tap
from minicnn.conv.channels_last_kernel import all_blocks
from minicnn.conv.jit.machine import HEIGHT, LANES
from minicnn.conv.jit.threads import workers_for
from minicnn.conv.layout import bias_in_lanes, kept, locked
from minicnn.conv.memory_format import channels_last, contiguous, empty, flat, is_channels_last, laid_around, pixels

INPUTS = 1 << 17  # numbers of x that a block reads, about: 512 KB, half of a second-level cache
MOST, LEAST = 448, 49  # positions of a block, about: more would not fit a table in the nearest cache, fewer read the weight too often
BLOCKS = 2  # at the least, where there are filters to share out: work for as many cores


def why_not(x_shape, w_shape, window, dtype) -> str | None:
    return float32_only(dtype)


def prepare(weight, window, groups: int = 1) -> Prepared:
    """Return the weight as [group, 2·LANES filters, tap (i, j, c), filter], a last LANES filters by themselves."""
    if not np.isfinite(weight).all():
        return Prepared(plain(weight), weight.shape, window, finite=False)
    K, channels, R, S = weight.shape
    filters, taps, wide = K // groups, channels * R * S, 2 * LANES
    lanes, whole = -(-filters // LANES) * LANES, -(-filters // LANES) // 2 * wide
    by_tap = np.zeros((groups, taps, lanes), np.float32)
    by_tap[:, :, :filters] = weight.reshape(groups, filters, channels, R, S).transpose(0, 3, 4, 2, 1).reshape(groups, taps, filters)
    packed = np.empty((groups, taps * lanes), np.float32)
    packed[:, : taps * whole] = by_tap[:, :, :whole].reshape(groups, taps, -1, wide).swapaxes(1, 2).reshape(groups, -1)
    packed[:, taps * whole :] = by_tap[:, :, whole:].reshape(groups, -1)
    return Prepared(lined_up(packed.reshape(-1)), weight.shape, window)


class Plan(NamedTuple):
    """What the kernels are told of one convolution: a pure function of its shapes."""

    y_shape: tuple[int, int, int, int]
    padding: tuple | None  # that x needs
    positions: int  # of all images
    blocks: int
    sizes: tuple[int, ...]  # see plan()
    places: int  # that a worker's table needs


@functools.lru_cache(256)
def plan(x_shape, w_shape, window) -> Plan:
    """Return how a convolution is cut into blocks.

    `sizes` are how far one row of outputs, one output and one image lie apart in x and how many outputs a row and an image have, C/G, K,
    K/G, the taps of a run, in how many pieces positions and in how many shares filters are cut, and the groups.  From shapes alone, so
    that the bits do not depend on the number of threads.

    >>> from minicnn.window import Window
    >>> planned = plan((1, 64, 28, 28), (96, 64, 3, 3), Window.of(3, stride=2, padding=1))
    >>> planned.y_shape, planned.sizes[:5]                    # from row to row 2·30·64 numbers
    ((1, 96, 14, 14), (3840, 128, 14, 196, 57600))
    """
    (N, C, H, W), (K, channels) = x_shape, w_shape[:2]
    padding, (P, Q), groups = window.resolve(x_shape[2:]).padding, window.output_size(x_shape[2:]), C // channels
    padded = window.padded(x_shape[2:])
    rows, columns = (n + before + after for n, (before, after) in zip((H, W), padding, strict=True))
    (stride_h, stride_w), positions, panels = window.stride, N * P * Q, -(-K // groups // (2 * LANES))
    each = max(LEAST, min(MOST, INPUTS // (C * stride_h * stride_w)))
    pieces = max(1, min(-(-positions // each), positions // LEAST))
    if groups * pieces > 1:
        pieces = min(-(-positions // HEIGHT), -(-pieces // 2) * 2)  # in even numbers, since so are cores
    shares = min(panels, max(1, BLOCKS // (groups * pieces)))
    apart = (stride_h * columns * C, stride_w * C, Q, P * Q, rows * columns * C)
    sizes = (*apart, channels, K, K // groups, run_of(channels, window, groups), pieces, shares, groups)
    tiles = -(-positions // HEIGHT)
    places = (-(-tiles // pieces) + 1) * HEIGHT
    return Plan((N, K, P, Q), padding if padded else None, positions, groups * pieces * shares, sizes, places)


def run_of(channels: int, window, groups: int) -> int:
    """Return how many taps lie side by side: a pixel's channels, or those of a kernel's row."""
    return channels * window.kernel[1] if groups == 1 and window.dilation[1] == 1 else channels


@kept(lambda window, width, C, run: prod(window.kernel))
def shifts_of(window, width: int, C: int, run: int) -> np.ndarray:
    """Return how far each run of taps lies from a window's start, in rows of `width` pixels of C channels.

    >>> from minicnn.window import Window
    >>> shifts_of(Window.of((2, 3)), 10, 4, 12), shifts_of(Window.of((2, 3), dilation=(1, 2)), 10, 4, 4)
    (array([ 0, 40]), array([ 0,  8, 16, 40, 48, 56]))
    """
    rows = np.arange(window.kernel[0]) * (window.dilation[0] * width * C)
    if run % C == 0 and run // C == window.kernel[1]:
        return locked(rows)
    return locked(np.add.outer(rows, np.arange(window.kernel[1]) * (window.dilation[1] * C)).reshape(-1))


def run(x, prepared, bias=None, activation=None):
    """Return the convolution, channels_last where x is."""
    if not prepared.finite:
        window = prepared.window.resolve(x.shape[2:])
        y = np.empty(output_shape(x.shape, prepared.shape, window), x.dtype)
        return finish(tap_by_tap(x, prepared.weight, window, y), bias, activation)
    y = empty(plan(x.shape, prepared.shape, prepared.window).y_shape, x.dtype)
    bind(x.shape, prepared, bias, activation)(flat(channels_last(x)), pixels(y).reshape(-1))
    return y if is_channels_last(x) else contiguous(y)


def bind(x_shape, prepared, bias, activation, *, adds: bool = False):
    """Return fill(x, y) for channels_last inputs of one shape, both flat: what depends on the shape alone is known already.

    With `adds` it is fill(x, other, y), and y the activation of what is convolved plus the other map.
    """
    _, padding, positions, blocks, sizes, places = planned = plan(x_shape, prepared.shape, prepared.window)
    (_, C, _, W), K, groups, length = x_shape, prepared.shape[0], sizes[11], sizes[8]
    width = W + sum(padding[1]) if padding else W
    shifts, offsets = plain(shifts_of(prepared.window, width, C, length)), bias_in_lanes(bias, K, groups, LANES)
    weight, products, end = prepared.weight, prod(planned.y_shape) * prod(prepared.shape[1:]), at_the_store(activation)

    def fill(x, other, y):
        if padding is not None:
            x = laid_around(x, x_shape, padding)
        workers = workers_for(products)
        kernel = all_blocks if workers > 1 else all_blocks.alone
        table = np.empty(workers * places, np.int64)
        kernel(workers, blocks, x, weight, offsets, adds, other, y, shifts, table, positions, sizes, *end)

    return fill if adds else lambda x, y: fill(x, offsets, y)


def error_factor(terms: int) -> float:
    """Any order of summing `terms` products and a bias: see contract.py."""
    return terms + 2.0


def prepared_bytes(x_shape, w_shape, window, itemsize: int) -> int:
    """The weight with its filters rounded up to LANES."""
    groups = x_shape[1] // w_shape[1]
    return groups * -(-w_shape[0] // groups // LANES) * LANES * prod(w_shape[1:]) * itemsize


def workspace_bytes(x_shape, w_shape, window, itemsize: int) -> int:
    """A copy of x with its padding; the tables of as many threads as there are."""
    planned = plan(x_shape, w_shape, window)
    workers = workers_for(prod(planned.y_shape) * prod(w_shape[1:]))
    rows, columns = (n + sum(sides) for n, sides in zip(x_shape[2:], planned.padding or ((0, 0), (0, 0)), strict=True))
    copy = x_shape[0] * x_shape[1] * rows * columns
    return copy * itemsize + workers * planned.places * 8
