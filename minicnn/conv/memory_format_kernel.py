"""The copies of memory_format.py: a row of pixels at a time, with zeros around."""

from minicnn.conv.jit import jit, prange
from minicnn.conv.jit.machine import LANES
from minicnn.conv.jit.words import store, weave, wide_broadcast, wide_load


@jit(allocates=False)
def copy_numbers(source, i, to, j, count):
    """Copy count numbers, by vectors as far as they go."""
    done = 0
    while done + LANES <= count:
        store(to, j + done, wide_load(source, i + done))
        done += LANES
    while done < count:
        to[j + done] = source[i + done]
        done += 1


@jit(allocates=False)
def clear_numbers(to, j, count):
    """Write count zeros."""
    done = 0
    while done + LANES <= count:
        store(to, j + done, wide_broadcast(0.0))
        done += LANES
    while done < count:
        to[j + done] = 0
        done += 1


@jit(allocates=False)
def place_of_row(row, H, top, bottom, clear, to, count):
    """Return the image and the row of it that lies in this row of the padded one; a row of padding is cleared, and gives -1."""
    n, h = row // (top + H + bottom), row % (top + H + bottom) - top
    if h < 0 or h >= H:
        clear_numbers(clear, to, count)
        h = -1
    return n, h


@jit(allocates=False)
def some_rows(worker, workers, rows, x, wide, C, H, W, top, bottom, left, right):
    """This worker's share of the rows."""
    for row in range(rows * worker // workers, rows * (worker + 1) // workers):
        to = row * (left + W + right) * C
        n, h = place_of_row(row, H, top, bottom, wide, to, (left + W + right) * C)
        if h >= 0:
            clear_numbers(wide, to, left * C)
            copy_numbers(x, (n * H + h) * W * C, wide, to + left * C, W * C)
            clear_numbers(wide, to + (left + W) * C, right * C)


@jit(parallel=True, worker=some_rows, allocates=False)
def lay_rows(workers, rows, x, wide, C, H, W, top, bottom, left, right):
    """Fill wide (N, top + H + bottom, left + W + right, C), flat, from x (N, H, W, C), flat."""
    for worker in prange(workers):
        some_rows(worker, workers, rows, x, wide, C, H, W, top, bottom, left, right)


@jit(allocates=False)
def lay_three(x, start, area, W, y, to):
    """Write W pixels of three channels, `area` apart in x."""
    w = 0
    while w + LANES <= W:
        at = start + w
        weave(y, to + 3 * w, wide_load(x, at), wide_load(x, at + area), wide_load(x, at + 2 * area))
        w += LANES
    while w < W:
        y[to + 3 * w], y[to + 3 * w + 1], y[to + 3 * w + 2] = x[start + w], x[start + area + w], x[start + 2 * area + w]
        w += 1


@jit(allocates=False)
def lay_row(x, start, area, C, W, y, to):
    """Write W pixels of C channels, `area` apart in x."""
    if C == 3:
        lay_three(x, start, area, W, y, to)
    else:
        for c in range(C):
            for w in range(W):
                y[to + w * C + c] = x[start + c * area + w]


@jit(allocates=False)
def some_planes(worker, workers, rows, x, y, C, H, W):
    """This worker's share of the rows."""
    for row in range(rows * worker // workers, rows * (worker + 1) // workers):
        n, h = row // H, row % H
        lay_row(x, (n * C * H + h) * W, H * W, C, W, y, row * W * C)


@jit(parallel=True, worker=some_planes, allocates=False)
def lay_planes(workers, rows, x, y, C, H, W):
    """Fill y (N, H, W, C), flat, from x (N, C, H, W), flat."""
    for worker in prange(workers):
        some_planes(worker, workers, rows, x, y, C, H, W)
