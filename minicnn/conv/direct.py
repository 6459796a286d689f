"""Direct: eight output channels side by side, eight output positions at a time, all sums in registers.

    for a block (image n, eight filters k…k+7), and for every eight output positions:
        a0 … a7 = b[k…k+7]                              one vector of channels per position
        for each tap t = (i, c, j) that meets the input:
            w = weight[t, k…k+7]
            aᵢ += x[start of position i + offset of t] · w     for the eight positions
        y[n, k…k+7, positions] = transpose(a0 … a7)

Idea: a lane is an output channel, so a number of x meets eight filters in one instruction, whatever the
stride and the dilation; two tables turn them into sums of two whole numbers, start + offset.  The loop
over taps touches memory only to read: one vector of weights and eight numbers of x for eight
multiply-adds of vectors.
Cost: K rounded up to eights; a padded copy of x, a packed one of the weight, two tables of whole numbers; for
maps of fewer than eight positions a copy of y.  It is bound by loads, two a
cycle, so it reaches about half of what the machine multiplies; the packed weights must stay in the
first-level cache, so it wins for few taps: C/G·R·S up to about 400.
When it loses: many channels, where BLAS (im2col.py) reuses what it loads more often.
What it does not do: float64; multiply padding zeros by an infinite weight (0·∞ is NaN where the law skips
the tap): with such weights taps are added one by one.
Source: Zhang, Franchetti, Low, "High Performance Zero-Memory Overhead Direct Convolutions" (2018).
Next room: pointwise.py, where nothing slides.
"""

from math import prod

import numpy as np

from minicnn.conv.algorithm import Prepared, activate, finish, output_shape, plain, tap_by_tap
from minicnn.conv.jit import jit, prange
from minicnn.conv.jit.words import fma, load, spread, store, transpose
from minicnn.conv.layout import eight_or_more, in_lanes, kernel_rows, padded, starts_of, taps_of

WORTH_WAKING = 1 << 20  # products: one core is done with them before the others are awake


@jit
def eight_positions(x, first, starts, at, taps, begin, end, weight, packed, bias, place, rows):
    """Sum eight positions, from starts[at] on, under the eight filters of bias[place …] and taps begin … end - 1.

    Fills rows: 8 filters × 8 positions.
    """
    a0 = load(bias, place)
    s0, s1, s2, s3 = first + starts[at], first + starts[at + 1], first + starts[at + 2], first + starts[at + 3]
    s4, s5, s6, s7 = first + starts[at + 4], first + starts[at + 5], first + starts[at + 6], first + starts[at + 7]
    a1, a2, a3, a4, a5, a6, a7 = a0, a0, a0, a0, a0, a0, a0
    for t in range(begin, end):
        w, o = load(weight, packed + 8 * t), taps[t]
        a0 = fma(spread(x, s0 + o), w, a0)
        a1 = fma(spread(x, s1 + o), w, a1)
        a2 = fma(spread(x, s2 + o), w, a2)
        a3 = fma(spread(x, s3 + o), w, a3)
        a4 = fma(spread(x, s4 + o), w, a4)
        a5 = fma(spread(x, s5 + o), w, a5)
        a6 = fma(spread(x, s6 + o), w, a6)
        a7 = fma(spread(x, s7 + o), w, a7)
    c0, c1, c2, c3, c4, c5, c6, c7 = transpose(a0, a1, a2, a3, a4, a5, a6, a7)
    store(rows, 0, c0)
    store(rows, 8, c1)
    store(rows, 16, c2)
    store(rows, 24, c3)
    store(rows, 32, c4)
    store(rows, 40, c5)
    store(rows, 48, c6)
    store(rows, 56, c7)


@jit(allocates=True)
def one_block(block, x, weight, bias, y, starts, taps, met, image, group, filters, positions):
    """Fill 512 positions of eight output channels of an image; for the arguments see `slide`."""
    eights = -(-filters // 8)
    G = bias.size // (8 * eights)
    pieces = -(-positions // 512)
    piece, of = block % pieces, block // pieces
    n, lanes = of // (G * eights), of % (G * eights)
    g, k = lanes // eights, lanes % eights * 8
    rows = np.empty(64, np.float32)
    first_row = (n * G + g) * filters + k
    wanted = min(8, filters - k)
    for begin in range(512 * piece, min(positions, 512 * (piece + 1)), 8):
        at = max(0, min(begin, positions - 8))  # the last eight go back over some that are done
        first, last = met[begin // 8, 0], met[begin // 8, 1]
        packed = 8 * taps.size * lanes
        eight_positions(x, n * image + g * group, starts, at, taps, first, last, weight, packed, bias, 8 * lanes, rows)
        for row in range(wanted):
            place = (first_row + row) * positions + at
            if positions >= 8:
                store(y, place, load(rows, 8 * row))
            else:
                for i in range(positions):
                    y[place + i] = rows[8 * row + i]


@jit(parallel=True)
def slide(x, weight, bias, y, starts, taps, met, image, group, filters, positions, blocks):
    """Fill y (N, K, positions), flat, in blocks of 512 positions of eight channels, so that one image keeps all cores busy.

    `image` and `group` are the numbers of x per image and per group, `filters` those of a group; weight is
    [group, eight filters, tap, filter], bias likewise without taps; met[b] are the first and the end of the
    taps that meet the input, not its padding, for the eight positions b.
    """
    for block in prange(blocks):
        one_block(block, x, weight, bias, y, starts, taps, met, image, group, filters, positions)


def why_not(x_shape, w_shape, window, dtype) -> str | None:
    if dtype != np.float32:
        return f"its vectors hold float32, and x is {np.dtype(dtype)}"
    return None


def prepare(weight, window, groups: int = 1) -> Prepared:
    return Prepared(plain(weight), weight.shape, window, finite=bool(np.isfinite(weight).all()))


def run(x, prepared, bias=None, activation=None):
    window = prepared.window.resolve(x.shape[2:])
    C, (K, channels, R, S) = x.shape[1], prepared.shape
    y = np.empty(output_shape(x.shape, prepared.shape, window), x.dtype)
    if not prepared.finite and window.padded(x.shape[2:]):
        return finish(tap_by_tap(x, prepared.weight, window, y), bias, activation)
    N, G, (P, Q) = x.shape[0], C // channels, y.shape[2:]
    wide = padded(x, window)
    area = wide.shape[2] * wide.shape[3]
    # Taps row by row of the kernel, so that those in the padding above or below a block are at the ends.
    starts, taps = starts_of(window, (P, Q), wide.shape[3]), taps_of(channels, window, wide.shape[2:]).swapaxes(0, 1).reshape(-1)
    numbers = wide.reshape(-1), prepared.weight.swapaxes(1, 2).reshape(K, R * channels * S), bias
    if P * Q >= 8:
        met = kernel_rows(window, x.shape[2], (P, Q)) * (channels * S)
        summed(*numbers, y, starts, taps, met, C * area, channels * area, G, P * Q)
        return activate(y, activation)
    # Positions of all images in one row, since those of one do not fill a vector.
    starts = eight_or_more(np.add.outer(np.arange(N) * (C * area), starts[: P * Q]).reshape(-1))
    rows = np.empty((K, N * P * Q), x.dtype)
    summed(*numbers, rows, starts, taps, every_tap(taps, N * P * Q), 0, channels * area, G, N * P * Q)
    y[...] = rows.reshape(K, N, P, Q).swapaxes(0, 1)
    return activate(y, activation)


def products(x, weight, bias=None) -> np.ndarray:
    """Return every sum of products of a row of x (M, T) with a row of weight (K, T), as (M, K): rows are positions.

    >>> products(np.array([[1, 2]], np.float32), np.array([[10, 1], [0, 1], [1, 1]], np.float32))
    array([[12.,  2.,  3.]], dtype=float32)
    """
    (M, T), K = x.shape, len(weight)
    y = np.empty((K, M), x.dtype)
    starts, taps = eight_or_more(np.arange(M) * T), np.arange(T)
    summed(np.ascontiguousarray(x).reshape(-1), weight, bias, y, starts, taps, every_tap(taps, M), 0, 0, 1, M)
    return np.ascontiguousarray(y.T)


def every_tap(taps, positions: int) -> np.ndarray:
    """Return met for a kernel of which every tap meets the input, as kernel_rows does for the others."""
    return np.broadcast_to(np.array([0, taps.size]), (-(-positions // 8), 2)).copy()


def summed(numbers, weight, bias, y, starts, taps, met, image: int, group: int, groups: int, positions: int) -> None:
    """Fill y by the kernel, the weight (K, taps) and the bias packed in eights."""
    K = len(weight)
    eights = groups * -(-(K // groups) // 8)
    offsets = plain(np.zeros(8 * eights, np.float32)) if bias is None else in_lanes(bias, groups, 8)
    kernel = slide.alone if y.size * taps.size < WORTH_WAKING else slide
    blocks = y.size // (K * positions) * eights * -(-positions // 512)
    packed = plain(numbers), in_lanes(weight, groups, 8), offsets
    kernel(*packed, y.reshape(-1), plain(starts), plain(taps), plain(met), image, group, K // groups, positions, blocks)


def error_factor(terms: int) -> float:
    """Any order of summing `terms` products and a bias: see contract.py."""
    return terms + 2.0


def workspace_bytes(x_shape, w_shape, window, itemsize: int) -> int:
    """The padded copy of x, the packed weight, the tables, and a copy of y where maps are small."""
    (N, C), (K, channels, R, S) = x_shape[:2], w_shape
    window = window.resolve(x_shape[2:])
    positions = prod(window.output_size(x_shape[2:]))
    rows, columns = (n + sum(side) for n, side in zip(x_shape[2:], window.padding, strict=True))
    wide = N * C * rows * columns * itemsize if window.padded(x_shape[2:]) else 0
    packed = (C // channels) * -(-K // (8 * (C // channels))) * 8 * (channels * R * S + 1) * itemsize
    small = N * positions * (K * itemsize + 8) if positions < 8 else 0
    return wide + packed + small + 8 * (positions + positions // 4 + channels * R * S)
