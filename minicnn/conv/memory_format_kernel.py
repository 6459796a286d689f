"""The copies of memory_format.py: matrices that are turned, eight by eight numbers in registers, and rows of pixels with zeros around."""

from minicnn.conv.jit import jit, prange
from minicnn.conv.jit.machine import LANES
from minicnn.conv.jit.words import load, store, transpose, weave, wide_broadcast, wide_load


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
def turn_eight(x, i, down, y, j, across):
    """Write eight rows of eight numbers of x, `down` apart, as eight columns of y, `across` apart."""
    v0, v1, v2, v3, v4, v5, v6, v7 = transpose(
        load(x, i),
        load(x, i + down),
        load(x, i + 2 * down),
        load(x, i + 3 * down),
        load(x, i + 4 * down),
        load(x, i + 5 * down),
        load(x, i + 6 * down),
        load(x, i + 7 * down),
    )
    store(y, j, v0)
    store(y, j + across, v1)
    store(y, j + 2 * across, v2)
    store(y, j + 3 * across, v3)
    store(y, j + 4 * across, v4)
    store(y, j + 5 * across, v5)
    store(y, j + 6 * across, v6)
    store(y, j + 7 * across, v7)


@jit(allocates=False)
def turn_some(x, start, rows, columns, first, last, y):
    """Write columns first … last - 1 of a matrix of x as rows of y; the last eight, either way, go back over some that are done."""
    if rows < 8 or last - first < 8:
        for r in range(rows):
            for c in range(first, last):
                y[start + c * rows + r] = x[start + r * columns + c]
        return
    for c in range(first, last, 8):
        c = min(c, last - 8)
        for r in range(0, rows, 8):
            r = min(r, rows - 8)
            turn_eight(x, start + r * columns + c, columns, y, start + c * rows + r, rows)


@jit(allocates=False)
def some_columns(worker, workers, matrices, x, y, rows, columns):
    """This worker's share of the columns of each matrix; where it is three planes of pixels they are woven."""
    first, last = columns * worker // workers, columns * (worker + 1) // workers
    for matrix in range(matrices):
        start = matrix * rows * columns
        if rows == 3:
            lay_three(x, start + first, columns, last - first, y, start + 3 * first)
        else:
            turn_some(x, start, rows, columns, first, last, y)


@jit(parallel=True, worker=some_columns, allocates=False)
def turn_matrices(workers, matrices, x, y, rows, columns):
    """Fill y with the matrices of x, rows × columns each, turned: (N, C, H·W) as (N, H·W, C), and back."""
    for worker in prange(workers):
        some_columns(worker, workers, matrices, x, y, rows, columns)
