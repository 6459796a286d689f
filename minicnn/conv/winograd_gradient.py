"""The gradient by a 3×3 weight, through Winograd's points.

    y = A·[ (G·w·Gᵀ) ⊙ (B·d·Bᵀ) ]·Aᵀ    so    ∂L/∂w = Gᵀ·[ Σ_tiles (Aᵀ·g·A) ⊙ (B·d·Bᵀ) ]·G          g = ∂L/∂y, tile by tile

Idea: y is linear in w, so its gradient walks the same three steps the other way: the gradient of a tile is spread to the 36
points, where the sum over tiles is a matrix product of (C × tiles) with (tiles × K); what it gives is taken back to nine taps.
The products of the tiles of jit/tile.py again, a quarter of the equation's.
Cost: as winograd4; the sums at the points are 4 times as large as the weight, so few tiles do not repay them.
What it does not do: what winograd4 does not; it is for accuracy="fast".
Source: Lavin, Gray (2015), section 4.3, and the chain rule.  Next room: gradient_weight.py, which chooses.
"""

from math import prod

import numpy as np

from minicnn.conv.algorithm import plain, scratch
from minicnn.conv.jit import jit, prange
from minicnn.conv.jit.machine import COLUMNS, LANES, ROWS
from minicnn.conv.jit.threads import workers_for
from minicnn.conv.jit.tile import load_tile, outer, store_tile, zeros
from minicnn.conv.strips import fill_strip
from minicnn.conv.winograd_transforms import bring_4, gather_4, spread_4

M, POINTS = 4, 36  # outputs of a tile over an axis, and points
TILES = 56  # about, that are multiplied at a time
FEW_SUMS = 128 * 128  # channels times filters, up to which each worker may have sums of its own


@jit(allocates=False)
def spread_rows(x, grad, room, v, g, strip, spare, first, last, tiles, k_first, k_last, sizes):
    """Fill V and S, [point, tile, channel] and [point, tile, filter], for the rows first … last - 1 of tiles of 4×4, at 36 points."""
    C, H, W, K, P, Q, top, left, high, wide = sizes
    deep, across = -(-C // LANES) * LANES, k_last - k_first
    columns = wide * 4 + 2
    for r in range(first, last):
        n, row, at = r // high, r % high, (r - first) * wide
        for c in range(0, C, LANES):
            fill_strip(x, (n * C + c) * H * W, min(LANES, C - c), H, W, row * 4 - top, left, 6, columns, room, strip)
            for t in range(wide):
                bring_4(room, strip + t * 4 * LANES, columns * LANES, room, v + (at + t) * deep + c, tiles * deep + LANES, spare)
        for k in range(k_first, min(K, k_last), LANES):
            fill_strip(grad, (n * K + k) * P * Q, min(LANES, K - k), P, Q, row * 4, 0, 4, wide * 4, room, strip)
            for t in range(wide):
                spread_4(
                    room, strip + t * 4 * LANES, wide * 4 * LANES, room, g + (at + t) * across + k - k_first, tiles * across + LANES, spare
                )


@jit(allocates=False)
def add_products(a, i, step_a, b, j, step_b, depth, y, place, width, going_on):
    """Add to a tile of y the sum over `depth` rows of a column of ROWS numbers of a times a row of COLUMNS numbers of b."""
    tile = load_tile(y, place, width) if going_on else zeros()
    for t in range(depth):
        tile = outer(tile, a, i + t * step_a, 1, b, j + t * step_b)
    store_tile(y, place, width, tile)


@jit(allocates=False)
def one_block(block, x, grad, sums, room, own, tile_rows, together, shares, parts, sizes):
    """Fill the sums at the points of some rows of tiles (a part) and some filters (a share)."""
    C, _, _, K, _, _, _, _, _, wide = sizes
    share, part = block % shares, block // shares
    panels, deep = -(-K // COLUMNS), -(-C // LANES) * LANES
    first_panel, last_panel = panels * share // shares, panels * (share + 1) // shares
    begin, end = tile_rows * part // parts, tile_rows * (part + 1) // parts
    tiles, across, width = together * wide, (last_panel - first_panel) * COLUMNS, panels * COLUMNS
    g = own + 36 * (tiles * deep + LANES)
    strip = g + 36 * (tiles * -(-panels // shares) * COLUMNS + LANES)
    spare = strip + 6 * (wide * 4 + 2) * LANES
    for first in range(begin, end, together):
        last = min(end, first + together)
        spread_rows(x, grad, room, own, g, strip, spare, first, last, tiles, first_panel * COLUMNS, last_panel * COLUMNS, sizes)
        for point in range(36):
            a, b = own + point * (tiles * deep + LANES), g + point * (tiles * across + LANES)
            to = (part * 36 + point) * (deep * width + LANES)
            for panel in range(first_panel, last_panel):
                j = b + (panel - first_panel) * COLUMNS
                for c in range(0, deep, ROWS):
                    place = to + c * width + panel * COLUMNS
                    add_products(room, a + c, deep, room, j, across, (last - first) * wide, sums, place, width, first > begin)


@jit(allocates=False)
def some_blocks(worker, workers, blocks, x, grad, sums, room, tile_rows, together, shares, parts, sizes):
    """Every workers-th block, in scratch of their own."""
    own = worker * (room.size // workers)
    for block in range(worker, blocks, workers):
        one_block(block, x, grad, sums, room, own, tile_rows, together, shares, parts, sizes)


@jit(parallel=True, worker=some_blocks, allocates=False)
def all_blocks(workers, blocks, x, grad, sums, room, tile_rows, together, shares, parts, sizes):
    """Fill sums [part, point, channel, filter], flat; `sizes` are C, H, W, K, P, Q, the padding above and to the left, and tiles over rows and columns."""
    for worker in prange(workers):
        some_blocks(worker, workers, blocks, x, grad, sums, room, tile_rows, together, shares, parts, sizes)


@jit(allocates=False)
def take_channel(c, sums, gradient, room, own, deep, width, parts):
    """Write the gradient by the filters of one channel, the parts added in their order."""
    K = len(gradient)
    for k in range(0, K, LANES):
        at, far = c * width + k, deep * width + LANES
        for part in range(1, parts):
            for point in range(36):
                for lane in range(LANES):
                    sums[at + point * far + lane] += sums[at + (part * 36 + point) * far + lane]
        gather_4(sums, at, far, room, own, own + 9 * LANES)
        for i in range(3):
            for j in range(3):
                for lane in range(min(LANES, K - k)):
                    gradient[k + lane, c, i, j] = room[own + (3 * i + j) * LANES + lane]


@jit(parallel=True, allocates=False)
def take_channels(sums, gradient, room, deep, width, parts):
    """Write the gradient by the weight (K, C, 3, 3) from the sums at the points."""
    for c in prange(gradient.shape[1]):
        take_channel(c, sums, gradient, room, c * (room.size // gradient.shape[1]), deep, width, parts)


def cut(x_shape, weight_shape, out_size) -> tuple[int, int, int, int]:
    """Return how many rows of tiles there are, how many go together, and in how many shares filters and parts tiles are cut.

    From shapes alone, so that the bits do not depend on the number of threads.
    """
    wide, (K, C) = -(-out_size[1] // M), weight_shape[:2]
    tile_rows, panels = x_shape[0] * -(-out_size[0] // M), -(-K // COLUMNS)
    together = min(tile_rows, max(1, TILES // wide))
    parts = 2 if K * C <= FEW_SUMS and tile_rows >= 4 * together else 1
    return tile_rows, together, 1 if parts > 1 else min(2, panels), parts


def sizes_of(x_shape, weight_shape, out_size) -> tuple[int, int]:
    """Return how many numbers the sums at the points have, and how many a worker's scratch has."""
    (K, C), wide = weight_shape[:2], -(-out_size[1] // M)
    _, together, shares, parts = cut(x_shape, weight_shape, out_size)
    deep, panels = -(-C // LANES) * LANES, -(-K // COLUMNS)
    room = (
        POINTS * (together * wide * (deep + -(-panels // shares) * COLUMNS) + 2 * LANES) + (M + 2) * (wide * M + 2) * LANES + POINTS * LANES
    )
    return parts * POINTS * (deep * panels * COLUMNS + LANES), room


def weight_gradient(grad, x, window, weight_shape) -> np.ndarray:
    """Return the gradient by the weight (K, C, 3, 3)."""
    (K, P, Q), (_, C, H, W), ((top, _), (left, _)) = grad.shape[1:], x.shape, window.padding
    tile_rows, together, shares, parts = cut(x.shape, weight_shape, (P, Q))
    count, own = sizes_of(x.shape, weight_shape, (P, Q))
    sums, workers = scratch(1, count), workers_for(grad.size * C * 9)
    sizes = (C, H, W, K, P, Q, top, left, -(-P // M), -(-Q // M))
    kernel = all_blocks if workers > 1 else all_blocks.alone
    numbers = plain(x).reshape(-1), plain(grad).reshape(-1), sums, scratch(workers, own)
    kernel(workers, shares * parts, *numbers, tile_rows, together, shares, parts, sizes)
    gradient = np.empty(weight_shape, x.dtype)
    take = take_channels if workers > 1 else take_channels.alone
    take(sums, gradient, scratch(C, (9 + 18) * LANES), -(-C // LANES) * LANES, -(-K // COLUMNS) * COLUMNS, parts)
    return gradient


def weight_gradient_bytes(x_shape, weight_shape, out_size) -> int:
    """Return about what is held: the sums at the points and the scratch of as many threads as there are."""
    count, own = sizes_of(x_shape, weight_shape, out_size)
    return 4 * (count + workers_for(x_shape[0] * prod(out_size) * prod(weight_shape)) * own)
