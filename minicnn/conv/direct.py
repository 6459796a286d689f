"""Direct: some output channels side by side, eight output positions at a time, all sums in registers.

    for a block (image n, LANES filters k …), and for every eight output positions:
        a0 … a7 = b[k …]                              one vector of channels per position
        for each tap t = (i, c, j) that meets the input:
            w = weight[t, k …]
            aᵢ += x[start of position i + offset of t] · w     for the eight positions
        strip[positions, k …] = a0 … a7
        y[n, k …, positions] = transpose(strip)

Idea: a lane is an output channel, so a number of x meets LANES filters in one instruction, whatever the
stride and the dilation; two tables turn them into sums of two whole numbers, start + offset.  Nothing is laid out but
the weight, in prepare.  The loop over taps touches memory only to read: one vector of weights and eight
numbers of x for eight multiply-adds of vectors.
Cost: K rounded up to LANES, or to eights where there are no more; a padded copy of x, two tables of whole numbers; for
maps of fewer than eight positions a copy of y.  It is bound by loads, nine for eight multiply-adds; the packed weights of
LANES filters must stay in the first-level cache, so it wins for few taps: C/G·R·S up to about 400.
When it loses: many channels, where gemm.py reuses what it loads more often.
What it does not do: float64; multiply padding zeros by an infinite weight (0·∞ is NaN where the law skips
the tap): with such weights taps are added one by one.
Source: Zhang, Franchetti, Low, "High Performance Zero-Memory Overhead Direct Convolutions" (2018).
Next room: pointwise.py, where nothing slides.
"""

from math import prod

import numpy as np

from minicnn.conv.algorithm import Prepared, at_the_store, finish, float32_only, output_shape, plain, scratch, tap_by_tap
from minicnn.conv.jit import jit, prange
from minicnn.conv.jit.machine import LANES
from minicnn.conv.jit.threads import workers_for
from minicnn.conv.jit.words import fma, load, spread, store, wide_load, wide_spread
from minicnn.conv.layout import bias_in_lanes, eight_or_more, in_lanes, kernel_rows, padded, starts_of, taps_of
from minicnn.conv.strips import finish_strip, turn_out

POSITIONS = 256  # of a block: its strip stays in the first-level cache


@jit(allocates=False)
def eight_narrow(x, first, starts, at, taps, begin, end, weight, packed, bias, place, strip, to):
    """Sum eight positions, from starts[at] on, under the eight filters of bias[place …] and taps begin … end - 1, LANES apart in the strip."""
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
    store(strip, to, a0)
    store(strip, to + LANES, a1)
    store(strip, to + 2 * LANES, a2)
    store(strip, to + 3 * LANES, a3)
    store(strip, to + 4 * LANES, a4)
    store(strip, to + 5 * LANES, a5)
    store(strip, to + 6 * LANES, a6)
    store(strip, to + 7 * LANES, a7)


@jit(allocates=False)
def eight_wide(x, first, starts, at, taps, begin, end, weight, packed, bias, place, strip, to):
    """Do what eight_narrow does, under LANES filters."""
    a0 = wide_load(bias, place)
    s0, s1, s2, s3 = first + starts[at], first + starts[at + 1], first + starts[at + 2], first + starts[at + 3]
    s4, s5, s6, s7 = first + starts[at + 4], first + starts[at + 5], first + starts[at + 6], first + starts[at + 7]
    a1, a2, a3, a4, a5, a6, a7 = a0, a0, a0, a0, a0, a0, a0
    for t in range(begin, end):
        w, o = wide_load(weight, packed + LANES * t), taps[t]
        a0 = fma(wide_spread(x, s0 + o), w, a0)
        a1 = fma(wide_spread(x, s1 + o), w, a1)
        a2 = fma(wide_spread(x, s2 + o), w, a2)
        a3 = fma(wide_spread(x, s3 + o), w, a3)
        a4 = fma(wide_spread(x, s4 + o), w, a4)
        a5 = fma(wide_spread(x, s5 + o), w, a5)
        a6 = fma(wide_spread(x, s6 + o), w, a6)
        a7 = fma(wide_spread(x, s7 + o), w, a7)
    store(strip, to, a0)
    store(strip, to + LANES, a1)
    store(strip, to + 2 * LANES, a2)
    store(strip, to + 3 * LANES, a3)
    store(strip, to + 4 * LANES, a4)
    store(strip, to + 5 * LANES, a5)
    store(strip, to + 6 * LANES, a6)
    store(strip, to + 7 * LANES, a7)


@jit(allocates=False)
def one_block(block, x, weight, bias, y, starts, taps, met, room, own, sizes, kind, most):
    """Fill some positions of some output channels of an image; room[own …] is this worker's strip; for the rest see all_blocks."""
    image, group, filters, positions, groups, lanes, pieces = sizes
    eights, blocks_of_lanes = -(-positions // 8), -(-filters // lanes)
    piece, rest = block % pieces, block // pieces
    of, rest = rest % blocks_of_lanes, rest // blocks_of_lanes
    g, n = rest % groups, rest // groups
    k, packed = of * lanes, (g * blocks_of_lanes + of) * lanes
    first, last = eights * piece // pieces, eights * (piece + 1) // pieces
    for eight in range(first, last):
        at = max(0, min(8 * eight, positions - 8))  # the last eight go back over some that are done
        to, source = own + (at - 8 * first) * LANES, n * image + g * group
        begin, end = met[eight, 0], met[eight, 1]
        if lanes == 8:
            eight_narrow(x, source, starts, at, taps, begin, end, weight, packed * taps.size, bias, packed, room, to)
        else:
            eight_wide(x, source, starts, at, taps, begin, end, weight, packed * taps.size, bias, packed, room, to)
    count = min(positions, 8 * last) - 8 * first
    finish_strip(room, own, max(count, min(8, positions)), kind, most)
    for half in range(0, min(lanes, filters - k), 8):
        here, row = min(8, filters - k - half), (n * groups + g) * filters + k + half
        if positions >= 8:
            turn_out(room, own + half, y, row * positions + 8 * first, here, positions, count)
        else:
            for c in range(here):
                for i in range(positions):
                    y[(row + c) * positions + i] = room[own + i * LANES + half + c]


@jit(allocates=False)
def some_blocks(worker, workers, blocks, x, weight, bias, y, starts, taps, met, room, sizes, kind, most):
    """Every workers-th block, with a strip of their own."""
    own = worker * (room.size // workers)
    for block in range(worker, blocks, workers):
        one_block(block, x, weight, bias, y, starts, taps, met, room, own, sizes, kind, most)


@jit(parallel=True, worker=some_blocks, allocates=False)
def all_blocks(workers, blocks, x, weight, bias, y, starts, taps, met, room, sizes, kind, most):
    """Fill y (N, K, positions), flat, in blocks of some positions of some channels, so that one image keeps all cores busy.

    weight is [group, lanes filters, tap, filter], bias likewise without taps; met[b] are the first and the end of the taps that meet the
    input, not its padding, for the eight positions b; `sizes` are the numbers of x per image and group, filters of a group, positions,
    groups, 8 or LANES, and how many pieces positions are cut into.
    """
    for worker in prange(workers):
        some_blocks(worker, workers, blocks, x, weight, bias, y, starts, taps, met, room, sizes, kind, most)


def why_not(x_shape, w_shape, window, dtype) -> str | None:
    return float32_only(dtype)


def lanes_for(filters: int) -> int:
    """Return how many of a group's filters go side by side: eight where there are no more."""
    return 8 if filters <= 8 else LANES


def prepare(weight, window, groups: int = 1) -> Prepared:
    if not np.isfinite(weight).all():
        return Prepared(plain(weight), weight.shape, window, finite=False)
    # Taps row by row of the kernel, so that those in the padding above or below some positions are at the ends.
    rows = weight.swapaxes(1, 2).reshape(len(weight), -1)
    return Prepared(in_lanes(rows, groups, lanes_for(len(weight) // groups)), weight.shape, window)


def run(x, prepared, bias=None, activation=None):
    window = prepared.window.resolve(x.shape[2:])
    y = np.empty(output_shape(x.shape, prepared.shape, window), x.dtype)
    if not prepared.finite:
        return finish(tap_by_tap(x, prepared.weight, window, y), bias, activation)
    (N, K, P, Q), (C, channels) = y.shape, (x.shape[1], prepared.shape[1])
    G, wide = C // channels, padded(x, window)
    area = wide.shape[2] * wide.shape[3]
    starts, taps = starts_of(window, (P, Q), wide.shape[3]), taps_of(channels, window, wide.shape[2:]).swapaxes(0, 1).reshape(-1)
    if P * Q >= 8:
        met = kernel_rows(window, x.shape[2], (P, Q)) * (channels * prepared.shape[3])
        fill(wide, prepared.weight, bias, y, starts, taps, met, (C * area, channels * area, K // G, P * Q, G), activation)
        return y
    # Positions of all images in one row, since those of one do not fill a vector.
    starts = eight_or_more(np.add.outer(np.arange(N) * (C * area), starts[: P * Q]).reshape(-1))
    rows = np.empty((K, N * P * Q), x.dtype)
    fill(
        wide, prepared.weight, bias, rows, starts, taps, every_tap(taps, N * P * Q), (0, channels * area, K // G, N * P * Q, G), activation
    )
    y[...] = rows.reshape(K, N, P, Q).swapaxes(0, 1)
    return y


def products(x, weight, bias=None) -> np.ndarray:
    """Return every sum of products of a row of x (M, T) with a row of weight (K, T), as (M, K): rows are positions.

    >>> products(np.array([[1, 2]], np.float32), np.array([[10, 1], [0, 1], [1, 1]], np.float32))
    array([[12.,  2.,  3.]], dtype=float32)
    """
    (M, T), K = x.shape, len(weight)
    y = np.empty((K, M), x.dtype)
    starts, taps = eight_or_more(np.arange(M) * T), np.arange(T)
    fill(np.ascontiguousarray(x), in_lanes(weight, 1, lanes_for(K)), bias, y, starts, taps, every_tap(taps, M), (0, 0, K, M, 1))
    return np.ascontiguousarray(y.T)


def every_tap(taps, positions: int) -> np.ndarray:
    """Return met for a kernel of which every tap meets the input, as kernel_rows does for the others."""
    return np.broadcast_to(np.array([0, taps.size]), (-(-positions // 8), 2)).copy()


def fill(x, weight, bias, y, starts, taps, met, sizes, activation=None) -> None:
    """Fill y by the kernel; `sizes` are all_blocks', without the last two."""
    _, _, filters, positions, groups = sizes
    lanes, pieces = lanes_for(filters), -(-positions // POSITIONS)
    workers = workers_for(y.size * taps.size)
    kernel = all_blocks if workers > 1 else all_blocks.alone
    blocks = y.size // (groups * filters * positions) * groups * -(-filters // lanes) * pieces
    room = scratch(workers, strip_size(positions))
    numbers = plain(x).reshape(-1), weight, bias_in_lanes(bias, groups * filters, groups, lanes), y.reshape(-1)
    kernel(workers, blocks, *numbers, plain(starts), plain(taps), plain(met), room, (*sizes, lanes, pieces), *at_the_store(activation))


def strip_size(positions: int) -> int:
    """Return how many numbers the strip of a block has, whole eights of positions."""
    return min(POSITIONS + 8, -(-positions // 8) * 8) * LANES


def error_factor(terms: int) -> float:
    """Any order of summing `terms` products and a bias: see contract.py."""
    return terms + 2.0


def prepared_bytes(x_shape, w_shape, window, itemsize: int) -> int:
    """The weight with its filters rounded up to the lanes."""
    groups = x_shape[1] // w_shape[1]
    lanes = lanes_for(w_shape[0] // groups)
    return groups * -(-w_shape[0] // groups // lanes) * lanes * prod(w_shape[1:]) * itemsize


def workspace_bytes(x_shape, w_shape, window, itemsize: int) -> int:
    """The padded copy of x, the strips, the tables, and a copy of y where maps are small."""
    (N, C), (K, channels, R, S) = x_shape[:2], w_shape
    window = window.resolve(x_shape[2:])
    positions = prod(window.output_size(x_shape[2:]))
    rows, columns = (n + sum(side) for n, side in zip(x_shape[2:], window.padding, strict=True))
    wide = N * C * rows * columns * itemsize if window.padded(x_shape[2:]) else 0
    small = N * positions * (K * itemsize + 8) if positions < 8 else 0
    strips = workers_for(N * K * positions * channels * R * S) * strip_size(positions) * itemsize
    return wide + strips + small + 8 * (positions + positions // 4 + channels * R * S)
