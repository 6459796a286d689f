"""Implicit GEMM: the matrix product of im2col, whose columns are laid out a few at a time, in the cache.

    y[n, k, v] = b[k] + Σ_t  weight[k, t] · cols[t, v]          t a tap (c, i, j), v an output position, cols as in im2col.py

    for a block (image, group, some panels of COLUMNS positions, some filters):
        for a few hundred taps:
            panel[t, v] = x split[start of v + shift of t]           copied by vectors: phases.py
            for every ROWS filters, for every panel:
                tile  = b, or the sums so far                        in registers: jit/tile.py
                tile += weight[k, t] · panel[t, v]    for those taps
                sums  = tile; after the last tap y = tile, through the activation

Idea: the columns need never stand in memory as a whole.  A panel stays in the cache while every filter meets it, and
a tile of sums stays in registers while its taps pass.  The weight is laid out in prepare, in the order in which it is read.
Any stride, dilation, padding and grouping; float32.
Cost: the multiply-adds of the equation, filters rounded up to ROWS and positions to COLUMNS; a copy of x where
there is padding or a stride; scratch of about 300 KB a thread.
When it loses: few filters per group, where a panel is used once; 3×3 kernels of many channels, where winograd.py
multiplies less.
What it does not do: float64; multiply padding zeros by an infinite weight (0·∞ is NaN where the law skips
the tap): with such weights taps are added one by one.
Source: Chetlur et al., "cuDNN: Efficient Primitives for Deep Learning" (2014), section 3; Goto, van de Geijn,
"Anatomy of High-Performance Matrix Multiplication" (2008).  Next room: winograd.py.
"""

import functools
from math import prod
from typing import NamedTuple

import numpy as np

from minicnn.conv.algorithm import Prepared, at_the_store, finish, float32_only, locked_view, output_shape, plain, scratch, tap_by_tap
from minicnn.conv.jit import jit, prange
from minicnn.conv.jit.machine import COLUMNS, LANES, ROWS
from minicnn.conv.jit.threads import workers_for
from minicnn.conv.jit.tile import columns_of, load_tile, outer, rectified, smooth, store_tile
from minicnn.conv.jit.words import store, wide_load
from minicnn.conv.layout import bias_in_lanes
from minicnn.conv.memory_format_kernel import copy_numbers
from minicnn.conv.phases import phases_of, plane_distance, shifts_of, split, split_bytes

TAPS = 256  # at the most, that are laid out at a time: a panel of them fills two thirds of a first-level cache of 48 KB
PANELS = 4  # at the most, that a block lays out: 128 KB, in the second-level cache
FEW_FILTERS = 1 << 15  # numbers of weight; one core has packed them before the others are awake
HEIGHTS = 64  # ROWS filters, at the most, in a block: with more taps than TAPS its sums wait in the second-level cache
BLOCKS = 2  # at the least, where there are filters to share out: work for as many cores


@jit(allocates=False)
def pieces_of(position, count, sizes, table, own):
    """Write which vectors make up a row of a panel: where each goes, and COLUMNS farther where it comes from; return how many.

    A vector may reach past the end of its row of outputs: the next one is written over it.
    """
    image, _, pitch, width, area, _, _, _, _, _, _, _ = sizes
    n, place = position // area, position % area
    p, q = place // width, place % width
    found, at = 0, 0
    while at < count:
        run = min(width - q, count - at)
        for i in range(0, run, LANES):
            table[own + found], table[own + COLUMNS + found] = at + i, n * image + p * pitch + q + i
            found += 1
        at, p, q = at + run, p + 1, 0
        if p * width == area:
            n, p = n + 1, 0
    return found


@jit(allocates=False)
def lay_out(x, first, shifts, begin, end, table, own, found, count, panel, to):
    """Fill rows of COLUMNS at panel[to …] with the taps begin … end - 1; up to LANES - 1 places after a row are overwritten."""
    sources = own + COLUMNS
    nearest, farthest = table[sources], table[sources + found - 1]
    simple = found == COLUMNS // LANES and farthest - nearest == COLUMNS - LANES == table[own + found - 1]  # one whole run
    for t in range(begin, end):
        row, start = to + (t - begin) * COLUMNS, first + shifts[t]
        if start + farthest + LANES > x.size:  # the last vector would read past the end of x
            for r in range(found):
                at, stop = table[own + r], table[own + r + 1] if r + 1 < found else count
                for j in range(stop - at):
                    panel[row + at + j] = x[start + table[sources + r] + j]
        elif simple:
            for i in range(0, COLUMNS, LANES):
                store(panel, row + i, wide_load(x, start + nearest + i))
        else:
            for r in range(found):
                store(panel, row + table[own + r], wide_load(x, start + table[sources + r]))


@jit(allocates=False)
def copy_out(panel, edge, y, k, position, rows, count, sizes):
    """Copy the wanted rows and columns of a tile from panel[edge …] to y; they may lie in several images."""
    _, _, _, _, area, filters, _, _, _, _, _, _ = sizes
    at = 0
    while at < count:
        n, place = (position + at) // area, (position + at) % area
        run = min(area - place, count - at)
        for r in range(rows):
            copy_numbers(panel, edge + r * COLUMNS + at, y, (n * filters + k + r) * area + place, run)
        at += run


@jit(allocates=False)
def sum_tile(weight, w, panel, to, taps, bias, b, sums, y, k, position, rows, count, first, last, kind, most, edge, sizes):
    """Add the products of `taps` taps to one tile: filters k …, positions `position` …, of which rows × count are wanted.

    Before the first taps it begins at the bias, else where panel[sums …] holds it; after the last it goes through the activation to y.
    A tile that is wanted in part, or lies in several images, goes through `edge`, at the end of panel.
    """
    _, _, _, _, area, filters, _, _, _, _, _, _ = sizes
    if first:
        tile = columns_of(bias, b)
    else:
        tile = load_tile(panel, sums, COLUMNS)
    for t in range(taps):
        tile = outer(tile, weight, w + t * ROWS, 1, panel, to + t * COLUMNS)
    if not last:
        store_tile(panel, sums, COLUMNS, tile)
        return
    if kind == 1:
        tile = rectified(tile, most)
    elif kind == 2:
        tile = smooth(tile)
    n, i = position // area, position % area
    if rows == ROWS and count == COLUMNS and i + COLUMNS <= area:
        store_tile(y, (n * filters + k) * area + i, area, tile)
    else:
        store_tile(panel, edge, COLUMNS, tile)
        copy_out(panel, edge, y, k, position, rows, count, sizes)


@jit(allocates=False)
def one_block(block, x, weight, bias, y, shifts, scratch, own, table, line, positions, sizes, kind, most):
    """Fill the outputs of one block; scratch[own …] and table[line …] are this worker's."""
    _, group, _, _, _, _, filters, _, pieces, shares, deepest, _ = sizes
    taps, heights = shifts.size, -(-filters // ROWS)
    share, piece, g = block % shares, block // shares % pieces, block // (shares * pieces)
    panels = -(-positions // COLUMNS)
    first_panel, last_panel = panels * piece // pieces, panels * (piece + 1) // pieces
    first_height, last_height = heights * share // shares, heights * (share + 1) // shares
    width, size = last_panel - first_panel, ROWS * COLUMNS
    edge = own + width * deepest * COLUMNS + LANES
    for begin in range(0, taps, deepest):
        end = min(taps, begin + deepest)
        for panel in range(first_panel, last_panel):
            count, to = min(COLUMNS, positions - panel * COLUMNS), own + (panel - first_panel) * deepest * COLUMNS
            found = pieces_of(panel * COLUMNS, count, sizes, table, line)
            lay_out(x, g * group, shifts, begin, end, table, line, found, count, scratch, to)
        for panel in range(width):  # it stays in the first-level cache while all filters meet it
            position, to = (first_panel + panel) * COLUMNS, own + panel * deepest * COLUMNS
            count = min(COLUMNS, positions - position)
            for height in range(first_height, last_height):
                b, k, rows = (g * heights + height) * ROWS, g * filters + height * ROWS, min(ROWS, filters - height * ROWS)
                w = ((g * taps + begin) * heights + height * (end - begin)) * ROWS
                at = edge + (1 + (height - first_height) * width + panel) * size
                sum_tile(
                    weight, w, scratch, to, end - begin, bias, b, at, y, k, position, rows, count,
                    begin == 0, end == taps, kind, most, edge, sizes,
                )  # fmt: skip


@jit(allocates=False)
def some_blocks(worker, workers, blocks, x, weight, bias, y, shifts, scratch, table, positions, sizes, kind, most):
    """Every workers-th block, in scratch of their own."""
    own, line = worker * (scratch.size // workers), worker * (table.size // workers)
    for block in range(worker, blocks, workers):
        one_block(block, x, weight, bias, y, shifts, scratch, own, table, line, positions, sizes, kind, most)


@jit(parallel=True, worker=some_blocks, allocates=False)
def all_blocks(workers, blocks, x, weight, bias, y, shifts, scratch, table, positions, sizes, kind, most):
    """Fill y (N, K, P·Q), flat; the positions of all images are numbered one after another.

    x is split by phases; weight is [group, taps that go together, ROWS filters, tap, filter], bias [group, filter]; `sizes` are a Plan's.
    """
    for worker in prange(workers):
        some_blocks(worker, workers, blocks, x, weight, bias, y, shifts, scratch, table, positions, sizes, kind, most)


@jit(allocates=False)
def pack_height(weight, packed, block, groups, deepest):
    """Write ROWS filters of a group, the taps that go together one after another, zeros for filters that are not there."""
    K, channels, R, S = weight.shape
    filters, taps = K // groups, channels * R * S
    heights = -(-filters // ROWS)
    g, height = block // heights, block % heights
    k, count = g * filters + height * ROWS, min(ROWS, filters - height * ROWS)
    t = 0
    for c in range(channels):
        for i in range(R):
            for j in range(S):
                begin = t // deepest * deepest
                deep = min(deepest, taps - begin)
                at = ((g * taps + begin) * heights + height * deep + t - begin) * ROWS
                for r in range(count):
                    packed[at + r] = weight[k + r, c, i, j]
                for r in range(count, ROWS):
                    packed[at + r] = np.float32(0)
                t += 1


@jit(parallel=True, allocates=False)
def pack_filters(weight, packed, blocks, groups, deepest):
    """Write weight (K, C/G, R, S), in any memory layout, as all_blocks reads it."""
    for block in prange(blocks):
        pack_height(weight, packed, block, groups, deepest)


def why_not(x_shape, w_shape, window, dtype) -> str | None:
    return float32_only(dtype)


def prepare(weight, window, groups: int = 1) -> Prepared:
    if not np.isfinite(weight).all():
        return Prepared(plain(weight), weight.shape, window, finite=False)
    K, taps = len(weight), prod(weight.shape[1:])
    heights = -(-K // groups // ROWS)
    packed = scratch(1, groups * heights * taps * ROWS)[: groups * heights * taps * ROWS]
    kernel = pack_filters if weight.size > FEW_FILTERS else pack_filters.alone
    kernel(locked_view(weight), packed, groups * heights, groups, together(taps))
    return Prepared(plain(packed), weight.shape, window)


def together(taps: int) -> int:
    """Return how many taps go together: TAPS at the most, in equal parts.

    >>> together(576)                    # three times 192, rather than two of 256 and a rest
    192
    """
    return -(-taps // -(-taps // TAPS))


class Plan(NamedTuple):
    """What the kernels are told of one convolution: a pure function of its shapes."""

    y_shape: tuple[int, int, int, int]
    positions: int  # of all images
    blocks: int
    sizes: tuple[int, ...]  # see plan()
    scratch: int  # numbers that a worker needs: its panels, a vector that may be overwritten, a tile, and the sums that wait


@functools.lru_cache(256)
def plan(x_shape, w_shape, window) -> Plan:
    """Return how a convolution is cut into blocks.

    `sizes` are the numbers of x per image and group, those from one row of outputs to the next, output columns, positions of an image,
    all filters, filters of a group, groups, in how many pieces positions and in how many shares filters are cut, and how many taps go at
    a time.  From shapes alone, so that the bits do not depend on the number of threads.

    >>> from minicnn.window import Window
    >>> plan((1, 64, 56, 56), (64, 64, 3, 3), Window.of(3, padding=1)).y_shape
    (1, 64, 56, 56)
    """
    (N, C), (K, channels) = x_shape[:2], w_shape[:2]
    P, Q = window.output_size(x_shape[2:])
    groups, taps, phases = C // channels, prod(w_shape[1:]), phases_of(window, (P, Q))
    plane = plane_distance(x_shape, window, phases)
    width = P * Q if phases.size[1] == Q else Q  # where rows follow one another they are one row
    panels, heights, deepest = -(-N * P * Q // COLUMNS), -(-K // groups // ROWS), together(taps)
    pieces = -(-panels // PANELS)
    if groups * pieces > 1:
        pieces = min(panels, -(-pieces // 2) * 2)  # in even numbers, since so are cores
    shares = min(heights, max(-(-heights // HEIGHTS), BLOCKS // (groups * pieces)))
    own = (C * plane, channels * plane, phases.size[1], width, P * Q, K, K // groups, groups)
    most_panels, tiles = -(-panels // pieces), 1 + (-(-panels // pieces) * -(-heights // shares) if deepest < taps else 0)
    room = most_panels * deepest * COLUMNS + LANES + tiles * ROWS * COLUMNS
    return Plan((N, K, P, Q), N * P * Q, groups * pieces * shares, (*own, pieces, shares, deepest, taps), room)


def run(x, prepared, bias=None, activation=None):
    window = prepared.window.resolve(x.shape[2:])
    if not prepared.finite:
        y = np.empty(output_shape(x.shape, prepared.shape, window), x.dtype)
        return finish(tap_by_tap(x, prepared.weight, window, y), bias, activation)
    planned = plan(x.shape, prepared.shape, window)
    y, out_size, groups = np.empty(planned.y_shape, x.dtype), planned.y_shape[2:], planned.sizes[7]
    channels = prepared.shape[1]
    shifts = plain(shifts_of(channels, window, out_size, planned.sizes[1] // channels))
    workers = workers_for(y.size * shifts.size)
    room, table = scratch(workers, planned.scratch), np.empty(workers * 2 * COLUMNS, np.int64)
    kernel = all_blocks if workers > 1 else all_blocks.alone
    numbers = split(x, window, out_size), prepared.weight, bias_in_lanes(bias, len(y[0]), groups, ROWS), y.reshape(-1)
    kernel(workers, planned.blocks, *numbers, shifts, room, table, planned.positions, planned.sizes, *at_the_store(activation))
    return y


def error_factor(terms: int) -> float:
    """Any order of summing `terms` products and a bias: see contract.py."""
    return terms + 2.0


def prepared_bytes(x_shape, w_shape, window, itemsize: int) -> int:
    """The weight with its filters rounded up to ROWS."""
    groups = x_shape[1] // w_shape[1]
    return groups * -(-w_shape[0] // groups // ROWS) * ROWS * prod(w_shape[1:]) * itemsize


def workspace_bytes(x_shape, w_shape, window, itemsize: int) -> int:
    """The copy that phases.py makes, and the scratch of as many threads as there are."""
    window = window.resolve(x_shape[2:])
    planned, taps = plan(tuple(x_shape), tuple(w_shape), window), prod(w_shape[1:])
    workers = workers_for(prod(planned.y_shape) * taps)
    return split_bytes(x_shape, window, itemsize) + workers * planned.scratch * itemsize + 8 * taps + 4 * (w_shape[0] + ROWS)
