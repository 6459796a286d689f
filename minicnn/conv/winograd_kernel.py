"""The blocks of winograd.py: transform the inputs of some tiles, multiply, transform back.

A strip (strips.py) is what one row of tiles needs of LANES channels.  Scratch of a worker: V (what was brought), S (the sums), a strip, and room for one tile's transform.
From one point to the next there is a cache line more than the numbers take: a tile is written at all points at once, and places that
lie a power of two apart would share one set of the cache.
"""

from minicnn.conv.jit import jit, prange
from minicnn.conv.jit.machine import AHEAD, COLUMNS, LANES, LINE, ROWS
from minicnn.conv.jit.tile import outer, store_tile, zeros
from minicnn.conv.jit.words import fetch
from minicnn.conv.strips import copy_back, copy_in, empty_strip, fill_strip, finish_strip
from minicnn.conv.winograd_transforms import bring_2, bring_4, take_2, take_4


@jit(allocates=False)
def multiply_tile(a, i, step, b, j, depth, y, place, width):
    """Write one tile of the product of a (rows `step` apart) and b (rows of COLUMNS)."""
    tile = zeros()
    for k in range(depth):
        for r in range(0, COLUMNS, LINE):
            fetch(b, j + (k + AHEAD) * COLUMNS + r)
        tile = outer(tile, a, i + k, step, b, j + k * COLUMNS)
    store_tile(y, place, width, tile)


@jit(allocates=False)
def bring_rows(x, scratch, v, strip, spare, first, last, tiles, sizes):
    """Fill V [point, tile, channel] for the rows first … last - 1 of tiles."""
    C, H, W, _, _, _, top, left, m, high, wide, _, _, _, last_axis = sizes
    deep = -(-C // LANES) * LANES
    columns = wide * m + 2
    for r in range(first, last):
        n, row = r // high, r % high
        for c in range(0, C, LANES):
            if last_axis:
                copy_in(x, n * H * W * C, C, c, H, W, row * m - top, left, m + 2, columns, scratch, strip)
            else:
                fill_strip(x, (n * C + c) * H * W, min(LANES, C - c), H, W, row * m - top, left, m + 2, columns, scratch, strip)
            for t in range(wide):
                at, place = strip + t * m * LANES, v + ((r - first) * wide + t) * deep + c
                if m == 4:
                    bring_4(scratch, at, columns * LANES, scratch, place, tiles * deep + LANES, spare)
                else:
                    bring_2(scratch, at, columns * LANES, scratch, place, tiles * deep + LANES, spare)


@jit(allocates=False)
def take_rows(scratch, s, strip, spare, bias, y, first, last, tiles, k_first, k_last, across, sizes, kind, most):
    """Write filters k_first … k_last - 1 of those rows from S [point, tile, filter]."""
    _, _, _, K, P, Q, _, _, m, high, wide, _, _, _, last_axis = sizes
    columns = wide * m
    for r in range(first, last):
        n, row = r // high, r % high
        for k in range(k_first, k_last, LANES):
            for t in range(wide):
                at = s + ((r - first) * wide + t) * across + k - k_first
                place = strip + t * m * LANES
                if m == 4:
                    take_4(scratch, at, tiles * across + LANES, scratch, place, columns * LANES, bias, k, spare)
                else:
                    take_2(scratch, at, tiles * across + LANES, scratch, place, columns * LANES, bias, k, spare)
            if last_axis:
                copy_back(scratch, strip, columns, y, n * P * Q * K, K, k, min(LANES, k_last - k), P, Q, row * m, m, kind, most)
            else:
                finish_strip(scratch, strip, m * columns, kind, most)
                empty_strip(scratch, strip, columns, y, (n * K + k) * P * Q, min(LANES, k_last - k), P, Q, row * m, m)


@jit(allocates=False)
def some_blocks(worker, workers, blocks, x, weight, bias, y, scratch, tile_rows, sizes, kind, most):
    """Every workers-th block: the outputs of some rows of tiles under some filters, in scratch of the worker's own."""
    C, _, _, K, _, _, _, _, m, _, wide, pieces, shares, chunk, _ = sizes
    panels, points, deep = -(-K // COLUMNS), (m + 2) * (m + 2), -(-C // LANES) * LANES
    most_rows = -(-tile_rows // pieces)
    tiles = -(-most_rows * wide // ROWS) * ROWS
    own = worker * (scratch.size // workers)
    s = own + points * (tiles * deep + LANES)
    strip = s + points * (tiles * chunk * COLUMNS + LANES)
    spare = strip + (m + 2) * (wide * m + 2) * LANES
    for block in range(worker, blocks, workers):
        share, piece = block % shares, block // shares
        first, last = tile_rows * piece // pieces, tile_rows * (piece + 1) // pieces
        first_panel, last_panel = panels * share // shares, panels * (share + 1) // shares
        bring_rows(x, scratch, own, strip, spare, first, last, tiles, sizes)
        wanted = -(-(last - first) * wide // ROWS) * ROWS
        for panel in range(first_panel, last_panel, chunk):
            here = min(chunk, last_panel - panel)
            across = here * COLUMNS
            for point in range(points):
                for j in range(here):
                    b = point * (panels * C * COLUMNS + LANES) + (panel + j) * C * COLUMNS
                    for t in range(0, wanted, ROWS):
                        a, to = own + point * (tiles * deep + LANES) + t * deep, s + point * (tiles * across + LANES) + t * across
                        multiply_tile(scratch, a, deep, weight, b, C, scratch, to + j * COLUMNS, across)
            k_last = min(K, (panel + here) * COLUMNS)
            take_rows(scratch, s, strip, spare, bias, y, first, last, tiles, panel * COLUMNS, k_last, across, sizes, kind, most)


@jit(parallel=True, worker=some_blocks, allocates=False)
def all_blocks(workers, blocks, x, weight, bias, y, scratch, tile_rows, sizes, kind, most):
    """Fill y (N, K, P, Q), flat, or where x is channels_last (N, P, Q, K).

    weight is [point, COLUMNS filters, channel, filter]; `sizes` are C, H, W, K, P, Q, the padding above and to the left, m, tiles
    over the rows and the columns of an image, how rows of tiles and filters are cut, and whether x is channels_last.
    """
    for worker in prange(workers):
        some_blocks(worker, workers, blocks, x, weight, bias, y, scratch, tile_rows, sizes, kind, most)
