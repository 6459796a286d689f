"""Which question: how do channels come to lie side by side, so that a vector holds one pixel of each?

    strip[row, column, lane] = x[n, c + lane, first + row, column - left]        zeros outside x

Idea: in (N, C, H, W) the channels of a pixel lie H·W numbers apart.  Some rows of LANES channels are turned, eight
by eight numbers in registers, into a strip that stays in the cache; what was computed there is turned back.
Then every vector is a pixel, whatever the width of the map, the stride and the dilation.
Where x is channels_last (memory_format.py) they lie side by side already: a strip is a copy, with zeros around it.
Cost: a load, a store and three shuffles for eight numbers, each way, the copy a load and a store for LANES; ragged ends
go number by number.
Source: Georganas et al., "Anatomy of High-Performance Deep Learning Convolutions on SIMD Architectures" (2018),
section II, which keeps whole networks in such a layout.  Next rooms: depthwise_kernel.py, winograd_kernel.py.
"""

import numpy as np

from minicnn.conv.jit import jit
from minicnn.conv.jit.machine import LANES
from minicnn.conv.jit.words import load, select, silu, store, subtract, transpose, wide_broadcast, wide_load


@jit(allocates=False, inlined=True)
def finished(v, kind, most):
    """Return v as it is stored: as it is (kind 0), cut off below 0 and above `most` (1), or through SiLU (2); NaN stays NaN."""
    if kind == 1:
        v = select(v, wide_broadcast(np.float32(0)), v)
        v = select(subtract(most, v), most, v)
    elif kind == 2:
        v = silu(v)
    return v


@jit(allocates=False)
def finish_strip(strip, at, count, kind, most):
    """Finish count pixels."""
    if kind:
        limit = wide_broadcast(most)
        for i in range(at, at + count * LANES, LANES):
            store(strip, i, finished(wide_load(strip, i), kind, limit))


@jit(allocates=False)
def clear(strip, at, count):
    """Write count columns of zeros."""
    for i in range(count):
        store(strip, at + i * LANES, wide_broadcast(np.float32(0)))


@jit(allocates=False)
def turn_in(x, start, channels, area, count, width, strip, to, columns):
    """Write count pixels of up to eight channels, `area` apart in x, channel beside channel: rows of `width` pixels, `columns` apart."""
    c0, c1, c2, c3 = start, start + area * min(1, channels - 1), start + area * min(2, channels - 1), start + area * min(3, channels - 1)
    c4, c5 = start + area * min(4, channels - 1), start + area * min(5, channels - 1)
    c6, c7 = start + area * min(6, channels - 1), start + area * min(7, channels - 1)
    gap = (columns - width) * LANES
    for i in range(0, count, 8):
        i = min(i, count - 8)  # the last eight go back over some that are done
        v0, v1, v2, v3, v4, v5, v6, v7 = transpose(
            load(x, c0 + i),
            load(x, c1 + i),
            load(x, c2 + i),
            load(x, c3 + i),
            load(x, c4 + i),
            load(x, c5 + i),
            load(x, c6 + i),
            load(x, c7 + i),
        )
        row, column = i // width, i % width
        p = to + (row * columns + column) * LANES
        if column + 8 <= width:
            store(strip, p, v0)
            store(strip, p + LANES, v1)
            store(strip, p + 2 * LANES, v2)
            store(strip, p + 3 * LANES, v3)
            store(strip, p + 4 * LANES, v4)
            store(strip, p + 5 * LANES, v5)
            store(strip, p + 6 * LANES, v6)
            store(strip, p + 7 * LANES, v7)
            continue
        store(strip, p, v0)
        p, column = next_pixel(p, column, width, gap)
        store(strip, p, v1)
        p, column = next_pixel(p, column, width, gap)
        store(strip, p, v2)
        p, column = next_pixel(p, column, width, gap)
        store(strip, p, v3)
        p, column = next_pixel(p, column, width, gap)
        store(strip, p, v4)
        p, column = next_pixel(p, column, width, gap)
        store(strip, p, v5)
        p, column = next_pixel(p, column, width, gap)
        store(strip, p, v6)
        p, column = next_pixel(p, column, width, gap)
        store(strip, p, v7)


@jit(allocates=False, inlined=True)
def next_pixel(place, column, width, gap):
    """Return the next pixel's place in a strip and its column: after a row's end comes the gap before the next row."""
    end = column + 1 == width
    return place + LANES + (gap if end else 0), 0 if end else column + 1


@jit(allocates=False)
def fill_strip(x, plane, channels, H, W, first, left, rows, columns, strip, to):
    """Fill a strip from x[plane …], rows first … of `channels` channels, zeros outside x; lanes without a channel hold anything finite."""
    above, seen = min(rows, max(0, -first)), max(0, min(W, columns - left))
    inside = max(0, min(rows, H - first) - above)
    clear(strip, to, above * columns)
    clear(strip, to + (above + inside) * columns * LANES, (rows - above - inside) * columns)
    for i in range(above, above + inside):
        row = to + i * columns * LANES
        clear(strip, row, min(left, columns))
        clear(strip, row + (left + seen) * LANES, columns - left - seen)
    place, start, count = to + (above * columns + left) * LANES, plane + (first + above) * W, inside * W
    for half in range(0, LANES, 8):
        here = min(8, channels - half)
        if here > 0 and seen == W and count >= 8:
            turn_in(x, start + half * H * W, here, H * W, count, W, strip, place + half, columns)
        else:
            for i in range(inside):
                for w in range(seen):
                    for c in range(8):
                        value = x[start + (half + min(c, here - 1)) * H * W + i * W + w] if here > 0 else np.float32(0)
                        strip[place + (i * columns + w) * LANES + half + c] = value


@jit(allocates=False)
def turn_out(strip, at, y, place, channels, area, count):
    """Write count pixels of up to eight channels from the strip into rows of y, `area` apart."""
    for i in range(0, count, 8):
        i = min(i, count - 8)
        p, o = at + i * LANES, place + i
        v0, v1, v2, v3, v4, v5, v6, v7 = transpose(
            load(strip, p),
            load(strip, p + LANES),
            load(strip, p + 2 * LANES),
            load(strip, p + 3 * LANES),
            load(strip, p + 4 * LANES),
            load(strip, p + 5 * LANES),
            load(strip, p + 6 * LANES),
            load(strip, p + 7 * LANES),
        )
        store(y, o, v0)
        if channels > 1:
            store(y, o + area, v1)
        if channels > 2:
            store(y, o + 2 * area, v2)
        if channels > 3:
            store(y, o + 3 * area, v3)
        if channels > 4:
            store(y, o + 4 * area, v4)
        if channels > 5:
            store(y, o + 5 * area, v5)
        if channels > 6:
            store(y, o + 6 * area, v6)
        if channels > 7:
            store(y, o + 7 * area, v7)


@jit(allocates=False)
def empty_strip(strip, at, columns, y, plane, channels, P, Q, first, rows):
    """Write a strip of outputs into rows first … of y[plane …]; the strip's rows are `columns` pixels apart, Q of them wanted."""
    rows = min(rows, P - first)
    length, runs = (rows * Q, 1) if columns == Q else (Q, rows)  # where rows follow one another they are one run
    for half in range(0, min(LANES, channels), 8):
        here = min(8, channels - half)
        for i in range(runs):
            p, place = at + i * columns * LANES + half, plane + half * P * Q + (first + i) * Q
            if length >= 8:
                turn_out(strip, p, y, place, here, P * Q, length)
            else:
                for c in range(here):
                    for q in range(length):
                        y[place + c * P * Q + q] = strip[p + q * LANES + c]


@jit(allocates=False)
def copy_in(x, image, C, c, H, W, first, left, rows, columns, strip, to):
    """Fill a strip as fill_strip does, from x[image …], channels_last: channels c … of C, zeros for those that are not there."""
    above, seen = min(rows, max(0, -first)), max(0, min(W, columns - left))
    inside = max(0, min(rows, H - first) - above)
    clear(strip, to, above * columns)
    clear(strip, to + (above + inside) * columns * LANES, (rows - above - inside) * columns)
    for i in range(above, above + inside):
        row, source = to + i * columns * LANES, image + (first + i) * W * C + c
        clear(strip, row, min(left, columns))
        clear(strip, row + (left + seen) * LANES, columns - left - seen)
        place = row + left * LANES
        if c + LANES <= C:
            for w in range(seen):
                store(strip, place + w * LANES, wide_load(x, source + w * C))
        else:
            clear(strip, place, seen)
            for w in range(seen):
                for lane in range(C - c):
                    strip[place + w * LANES + lane] = x[source + w * C + lane]


@jit(allocates=False)
def copy_back(strip, at, columns, y, image, K, k, count, P, Q, first, rows, kind, most):
    """Write a strip of outputs as empty_strip does, to y[image …], channels_last: `count` channels from k on of K; finished on the way."""
    limit = wide_broadcast(most)
    for i in range(min(rows, P - first)):
        p, place = at + i * columns * LANES, image + (first + i) * Q * K + k
        if count >= LANES:
            for q in range(Q):
                store(y, place + q * K, finished(wide_load(strip, p + q * LANES), kind, limit))
        else:
            finish_strip(strip, p, Q, kind, most)
            for q in range(Q):
                for lane in range(count):
                    y[place + q * K + lane] = strip[p + q * LANES + lane]
