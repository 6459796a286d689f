"""The blocks of channels_last.py: tiles of HEIGHT positions by two vectors of filters, or by one where few filters are left."""

from minicnn.conv.jit import jit, prange
from minicnn.conv.jit.machine import AHEAD, HEIGHT, LANES, LINE
from minicnn.conv.jit.tile import add_part, outer_at, places, rectified, rows_of, smooth, store_part, store_tile
from minicnn.conv.jit.words import fetch


@jit(allocates=False)
def fill_table(table, line, position, count, origin, sizes):
    """Write where the windows of `count` positions begin in x, and the last one again until there are whole tiles of them."""
    pitch, step, width, area, image, _, _, _, _, _, _, _ = sizes
    n, rest = position // area, position % area
    p, q = rest // width, rest % width
    start = 0
    for i in range(count):
        start = origin + n * image + p * pitch + q * step
        table[line + i] = start
        q += 1
        if q == width:
            p, q = p + 1, 0
            if p * width == area:
                n, p = n + 1, 0
    for i in range(count, -(-count // HEIGHT) * HEIGHT):
        table[line + i] = start


@jit(allocates=False, inlined=True)
def summed(tile, x, starts, shifts, run, weight, w, filters):
    """Return the tile with all products added to it."""
    for i in range(shifts.size):
        for t in range(run):
            for line in range(0, filters, LINE):
                fetch(weight, w + (t + AHEAD) * filters + line)
            tile = outer_at(tile, x, starts, shifts[i] + t, weight, w + t * filters)
        w += run * filters
    return tile


@jit(allocates=False, inlined=True)
def ended(tile, kind, most):
    """Return the tile through the activation."""
    if kind == 1:
        tile = rectified(tile, most)
    elif kind == 2:
        tile = smooth(tile)
    return tile


@jit(allocates=False)
def wide_tile(x, table, at, shifts, run, weight, w, bias, b, y, place, width, rows, filters, kind, most):
    """Write rows × filters outputs, at most HEIGHT × 2·LANES; y has `width` numbers to a pixel."""
    tile = ended(summed(rows_of(bias, b, 2), x, places(table, at), shifts, run, weight, w, 2 * LANES), kind, most)
    if rows == HEIGHT and filters == 2 * LANES:
        store_tile(y, place, width, tile)
    else:
        store_part(y, place, width, tile, rows, filters)


@jit(allocates=False)
def narrow_tile(x, table, at, shifts, run, weight, w, bias, b, y, place, width, rows, filters, kind, most):
    """The same for at most LANES filters."""
    tile = ended(summed(rows_of(bias, b, 1), x, places(table, at), shifts, run, weight, w, LANES), kind, most)
    if rows == HEIGHT and filters == LANES:
        store_tile(y, place, width, tile)
    else:
        store_part(y, place, width, tile, rows, filters)


@jit(allocates=False)
def fetch_rows(other, place, width, rows, filters):
    """Ask for what will be added to a tile: it is there when the products are."""
    for r in range(rows):
        for line in range(0, filters, LINE):
            fetch(other, place + r * width + line)


@jit(allocates=False)
def wide_sum(x, table, at, shifts, run, weight, w, bias, b, other, y, place, width, rows, filters, kind, most):
    """Write what wide_tile does, with the other map added before the activation."""
    fetch_rows(other, place, width, rows, filters)
    tile = summed(rows_of(bias, b, 2), x, places(table, at), shifts, run, weight, w, 2 * LANES)
    tile = ended(add_part(tile, other, place, width, rows, filters), kind, most)
    if rows == HEIGHT and filters == 2 * LANES:
        store_tile(y, place, width, tile)
    else:
        store_part(y, place, width, tile, rows, filters)


@jit(allocates=False)
def narrow_sum(x, table, at, shifts, run, weight, w, bias, b, other, y, place, width, rows, filters, kind, most):
    """The same for at most LANES filters."""
    fetch_rows(other, place, width, rows, filters)
    tile = summed(rows_of(bias, b, 1), x, places(table, at), shifts, run, weight, w, LANES)
    tile = ended(add_part(tile, other, place, width, rows, filters), kind, most)
    if rows == HEIGHT and filters == LANES:
        store_tile(y, place, width, tile)
    else:
        store_part(y, place, width, tile, rows, filters)


@jit(allocates=False)
def one_block(block, x, weight, bias, adds, other, y, shifts, table, line, positions, sizes, kind, most):
    """Fill some positions under some filters of one group; table[line …] is this worker's."""
    _, _, _, _, _, group, width, filters, run, pieces, shares, _ = sizes
    share, piece, g = block % shares, block // shares % pieces, block // (shares * pieces)
    tiles, panels = -(-positions // HEIGHT), -(-filters // (2 * LANES))
    first, last = tiles * piece // pieces * HEIGHT, min(positions, tiles * (piece + 1) // pieces * HEIGHT)
    fill_table(table, line, first, last - first, g * group, sizes)
    taps, lanes = shifts.size * run, -(-filters // LANES) * LANES
    for panel in range(panels * share // shares, panels * (share + 1) // shares):
        k = panel * 2 * LANES
        here, w, b = min(2 * LANES, filters - k), (g * lanes + k) * taps, g * lanes + k
        for i in range(0, last - first, HEIGHT):
            rows, place = min(HEIGHT, last - first - i), (first + i) * width + g * filters + k
            if adds and here > LANES:
                wide_sum(x, table, line + i, shifts, run, weight, w, bias, b, other, y, place, width, rows, here, kind, most)
            elif adds:
                narrow_sum(x, table, line + i, shifts, run, weight, w, bias, b, other, y, place, width, rows, here, kind, most)
            elif here > LANES:
                wide_tile(x, table, line + i, shifts, run, weight, w, bias, b, y, place, width, rows, here, kind, most)
            else:
                narrow_tile(x, table, line + i, shifts, run, weight, w, bias, b, y, place, width, rows, here, kind, most)


@jit(allocates=False)
def some_blocks(worker, workers, blocks, x, weight, bias, adds, other, y, shifts, table, positions, sizes, kind, most):
    """This worker's share of the blocks, with a table of its own."""
    line = worker * (table.size // workers)
    for block in range(blocks * worker // workers, blocks * (worker + 1) // workers):
        one_block(block, x, weight, bias, adds, other, y, shifts, table, line, positions, sizes, kind, most)


@jit(parallel=True, worker=some_blocks, allocates=False)
def all_blocks(workers, blocks, x, weight, bias, adds, other, y, shifts, table, positions, sizes, kind, most):
    """Fill y (N, P, Q, K), flat, from x (N, rows, columns, C), flat, which holds its padding; `sizes` are a Plan's.

    Where `adds` is set, `other` (N, P, Q, K), flat, is added to the sums before they go through the activation.

    weight is [group, 2·LANES filters, tap, filter], the last of a group LANES filters where that is enough; bias [group, filter].
    """
    for worker in prange(workers):
        some_blocks(worker, workers, blocks, x, weight, bias, adds, other, y, shifts, table, positions, sizes, kind, most)
