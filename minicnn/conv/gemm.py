"""Implicit GEMM: the matrix product of im2col, whose columns are laid out a few at a time, in the cache.

    y[n, k, v] = b[k] + Σ_t  weight[k, t] · cols[t, v]          t a tap (c, i, j), v an output position, cols as in im2col.py

    for a block (image, group, some panels of COLUMNS positions, some filters):
        for a few hundred taps:
            panel[t, v] = x split[start of v + shift of t]           copied by vectors: phases.py
            for every ROWS filters, for every panel:
                tile  = y so far, or b                               in registers: jit/tile.py
                tile += weight[k, t] · panel[t, v]    for those taps
                y     = tile, through the activation after the last tap

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

from math import prod

import numpy as np

from minicnn.conv.algorithm import Prepared, activate, finish, float32_only, limits, output_shape, plain, scratch, tap_by_tap
from minicnn.conv.jit import jit, prange
from minicnn.conv.jit.machine import COLUMNS, LANES, ROWS
from minicnn.conv.jit.threads import workers_for
from minicnn.conv.jit.tile import columns_of, load_tile, outer, rectified, store_tile
from minicnn.conv.jit.words import store, wide_load
from minicnn.conv.layout import in_lanes
from minicnn.conv.phases import phases_of, shifts_of, split, split_bytes

TAPS = 256  # at the most, that are laid out at a time: a panel of them fills two thirds of a first-level cache of 48 KB
PANELS = 8  # at the most, that a block lays out: 256 KB, in the second-level cache
BLOCKS = 2  # at the least, where there are filters to share out: work for as many cores


@jit(allocates=False)
def pieces_of(position, count, pitch, width, table, own):
    """Write which vectors make up a row of a panel: where each goes, and COLUMNS farther its distance from position 0; return how many.

    A vector may reach past the end of its row of outputs: the next one is written over it.
    """
    found, at, p, q = 0, 0, position // width, position % width
    while at < count:
        run = min(width - q, count - at)
        for i in range(0, run, LANES):
            table[own + found], table[own + COLUMNS + found] = at + i, p * pitch + q + i
            found += 1
        at, p, q = at + run, p + 1, 0
    return found


@jit(allocates=False)
def lay_out(x, first, shifts, begin, end, table, own, found, count, panel, to):
    """Fill rows of COLUMNS at panel[to …] with the taps begin … end - 1; up to LANES - 1 places after a row are overwritten."""
    sources = own + COLUMNS
    nearest, farthest = table[sources], table[sources + found - 1]
    simple = found == COLUMNS // LANES and farthest - nearest == COLUMNS - LANES
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
def sum_tile(weight, w, panel, to, taps, bias, k, y, place, positions, rows, columns, going_on, rectify, most, edge):
    """Add the products of `taps` taps to one tile of y at `place`, of which rows × columns are wanted.

    going_on says that y holds sums of earlier taps; rectify that these taps are the last, before a ReLU.
    A tile that is wanted in part goes through `edge`, at the end of panel.
    """
    whole = rows == ROWS and columns == COLUMNS
    if not going_on:
        tile = columns_of(bias, k)
    elif whole:
        tile = load_tile(y, place, positions)
    else:
        for r in range(rows):
            for s in range(columns):
                panel[edge + r * COLUMNS + s] = y[place + r * positions + s]
        tile = load_tile(panel, edge, COLUMNS)
    for t in range(taps):
        tile = outer(tile, weight, w + t * ROWS, 1, panel, to + t * COLUMNS)
    if rectify:
        tile = rectified(tile, most)
    if whole:
        store_tile(y, place, positions, tile)
    else:
        store_tile(panel, edge, COLUMNS, tile)
        for r in range(rows):
            for s in range(columns):
                y[place + r * positions + s] = panel[edge + r * COLUMNS + s]


@jit(allocates=False)
def one_block(block, x, weight, bias, y, shifts, scratch, own, table, line, sizes, rectify, most):
    """Fill the outputs of one block; scratch[own …] and table[line …] are this worker's."""
    image, group, pitch, width, positions, filters, groups, pieces, shares, deepest = sizes
    taps, sixteenths = shifts.size, -(-filters // ROWS)
    share, rest = block % shares, block // shares
    piece, rest = rest % pieces, rest // pieces
    g, n = rest % groups, rest // groups
    panels = -(-positions // COLUMNS)
    first_panel, last_panel = panels * piece // pieces, panels * (piece + 1) // pieces
    first_rows, last_rows = sixteenths * share // shares, sixteenths * (share + 1) // shares
    edge = own + (last_panel - first_panel) * deepest * COLUMNS + LANES
    for begin in range(0, taps, deepest):
        end = min(taps, begin + deepest)
        for panel in range(first_panel, last_panel):
            count = min(COLUMNS, positions - panel * COLUMNS)
            to = own + (panel - first_panel) * deepest * COLUMNS
            found = pieces_of(panel * COLUMNS, count, pitch, width, table, line)
            lay_out(x, n * image + g * group, shifts, begin, end, table, line, found, count, scratch, to)
        for row in range(first_rows, last_rows):
            k = g * sixteenths + row
            rows = min(ROWS, filters - row * ROWS)
            top = (n * groups + g) * filters + row * ROWS
            for panel in range(first_panel, last_panel):
                count = min(COLUMNS, positions - panel * COLUMNS)
                to = own + (panel - first_panel) * deepest * COLUMNS
                w = (k * taps + begin) * ROWS
                place = top * positions + panel * COLUMNS
                last = rectify and end == taps
                sum_tile(weight, w, scratch, to, end - begin, bias, k * ROWS, y, place, positions, rows, count, begin > 0, last, most, edge)


@jit(allocates=False)
def some_blocks(worker, workers, blocks, x, weight, bias, y, shifts, scratch, table, sizes, rectify, most):
    """Every workers-th block, in scratch of their own."""
    own = worker * (scratch.size // workers)
    for block in range(worker, blocks, workers):
        one_block(block, x, weight, bias, y, shifts, scratch, own, table, 2 * COLUMNS * worker, sizes, rectify, most)


@jit(parallel=True, allocates=False)
def all_blocks(workers, blocks, x, weight, bias, y, shifts, scratch, table, sizes, rectify, most):
    """Fill y (N, K, positions), flat.

    x is split by phases; weight is [group, ROWS filters, tap, filter], bias the same without taps; `sizes` are the numbers
    of x per image and group, those from one row of outputs to the next, output columns, output positions, filters
    of a group, groups, and how positions, filters and taps are cut.
    """
    for worker in prange(workers):
        some_blocks(worker, workers, blocks, x, weight, bias, y, shifts, scratch, table, sizes, rectify, most)


def why_not(x_shape, w_shape, window, dtype) -> str | None:
    return float32_only(dtype)


def prepare(weight, window, groups: int = 1) -> Prepared:
    if not np.isfinite(weight).all():
        return Prepared(plain(weight), weight.shape, window, finite=False)
    return Prepared(in_lanes(weight.reshape(len(weight), -1), groups, ROWS), weight.shape, window)


def run(x, prepared, bias=None, activation=None):
    window = prepared.window.resolve(x.shape[2:])
    y = np.empty(output_shape(x.shape, prepared.shape, window), x.dtype)
    if not prepared.finite:
        return finish(tap_by_tap(x, prepared.weight, window, y), bias, activation)
    return multiply(split(x, window, y.shape[2:]), x.shape, prepared, window, y, bias, activation)


def multiply(wide, x_shape, prepared, window, y, bias, activation) -> np.ndarray:
    """Fill y from an input that is split by phases."""
    (N, K, P, Q), C, channels = y.shape, x_shape[1], prepared.shape[1]
    G, phases = C // channels, phases_of(window, (P, Q))
    area = prod(phases.count) * prod(phases.size)
    width, rows = (Q, P) if phases.size[1] != Q else (P * Q, 1)  # where rows follow one another they are one row
    positions, taps = rows * width, prod(prepared.shape[1:])
    pieces, shares, deepest = cut(N * G, positions, K // G, taps)
    sizes = (C * area, channels * area, phases.size[1], width, positions, K // G, G, pieces, shares, deepest)
    offsets = plain(np.zeros(-(-K // G // ROWS) * ROWS * G, np.float32)) if bias is None else in_lanes(bias, G, ROWS)
    workers = workers_for(y.size * taps)
    room = scratch(workers, scratch_size(positions, pieces, deepest))
    table = np.empty(workers * 2 * COLUMNS, np.int64)
    rectify, most = limits(activation)
    kernel = all_blocks if workers > 1 else all_blocks.alone
    shifts = plain(shifts_of(channels, window, (P, Q)))
    blocks = N * G * pieces * shares
    kernel(workers, blocks, wide, prepared.weight, offsets, y.reshape(-1), shifts, room, table, sizes, rectify, most)
    return y if rectify else activate(y, activation)


def cut(items: int, positions: int, filters: int, taps: int) -> tuple[int, int, int]:
    """Return into how many pieces positions are cut, in how many shares filters, and how many taps go at a time.

    From shapes alone, so that the bits do not depend on the number of threads.

    >>> cut(1, 56 * 56, 64, 576)[2]                        # two batches of 192, rather than two of 256 and a rest
    192
    """
    panels = -(-positions // COLUMNS)
    pieces = -(-panels // PANELS)
    if items * pieces > 1:
        pieces = min(panels, -(-pieces // 2) * 2)  # in even numbers, since so are cores
    shares = min(-(-filters // ROWS), max(1, BLOCKS // (items * pieces)))
    return pieces, shares, -(-taps // -(-taps // TAPS))


def scratch_size(positions: int, pieces: int, deepest: int) -> int:
    """Return how many numbers a worker needs: its panels, a vector that may be overwritten, and a tile."""
    panels = -(-positions // COLUMNS)
    return -(-panels // pieces) * deepest * COLUMNS + LANES + ROWS * COLUMNS


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
    positions, groups = prod(window.output_size(x_shape[2:])), x_shape[1] // w_shape[1]
    taps, filters = prod(w_shape[1:]), w_shape[0] // groups
    pieces, _, deepest = cut(x_shape[0] * groups, positions, filters, taps)
    workers = workers_for(x_shape[0] * positions * w_shape[0] * taps)
    tables = 8 * taps + 4 * (filters + ROWS) * groups
    return split_bytes(x_shape, window, itemsize) + workers * scratch_size(positions, pieces, deepest) * itemsize + tables
