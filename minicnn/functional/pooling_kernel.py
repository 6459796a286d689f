"""The kernels of max pooling, in a file of their own so that Numba loads only when a map is pooled.

    largest           the maximum of each window, where pooling_lanes.py cannot find it
    largest_at        the same, and which position it came from
    largest_of_four   the same for 2×2 windows that touch, which nearly all of a course's are: a third of the time
    add_at            numbers added up at the positions that indices name: the way back through a maximum
    put_at, last_put  numbers written to such positions, and the way back

The maximum of a rectangle is taken over its rows first: for one output row, column by column of the input,
neighbour beside neighbour, which the compiler turns into vector code whatever the stride; then over the columns of
that one line.  The line carries its padding, of -∞, so that the second loop asks for no border.

With positions the line also knows from which row each number came.  The winner is the first of equals in reading
order (of two columns the one whose row comes first, then the left one), and of several NaN the last; padding
claims to come from below the map, so that it never wins against a number that is there.

A plane is a block, so the bits do not depend on the number of threads.
Cost: kh vector steps and kw scalar steps a number; one line of workspace.
Next room: pooling.py, which checks everything before it comes here.
"""

import numpy as np

from minicnn.conv.jit import jit, prange


@jit
def larger(best, value):
    """Return the larger number; a NaN stays once it is there."""
    return value if (value > best) | (value != value) else best


@jit(allocates=True, parallel=True)
def largest(x, y, kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, top, left):
    """Fill y[b, p, q] with the maximum of what its window sees of x[b]; -∞ where it sees nothing."""
    planes, H, W = x.shape
    P, Q = y.shape[1], y.shape[2]
    length = max(left + W, (Q - 1) * stride_w + (kernel_w - 1) * dilation_w + 1)
    for b in prange(planes):
        line = np.full(length, -np.inf, x.dtype)
        inside = line[left : left + W]
        for p in range(P):
            start = p * stride_h - top
            first = start if start >= 0 else start % dilation_h  # the first tap that is not in the padding
            inside[:] = -np.inf
            for r in range(first, min(H, start + (kernel_h - 1) * dilation_h + 1), dilation_h):
                row = x[b, r]
                for c in range(W):
                    inside[c] = larger(inside[c], row[c])
            for q in range(Q):
                best = line[q * stride_w]
                for j in range(1, kernel_w):
                    best = larger(best, line[q * stride_w + j * dilation_w])
                y[b, p, q] = best


@jit(allocates=True, parallel=True)
def largest_at(x, y, places, kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, top, left):
    """Fill y as `largest` does, and places[b, p, q] with row·W + column of the winner; every window sees something."""
    planes, H, W = x.shape
    P, Q = y.shape[1], y.shape[2]
    length = max(left + W, (Q - 1) * stride_w + (kernel_w - 1) * dilation_w + 1)
    for b in prange(planes):
        line = np.full(length, -np.inf, x.dtype)
        rows = np.full(length, H, np.int64)
        inside = line[left : left + W]
        inside_rows = rows[left : left + W]
        for p in range(P):
            start = p * stride_h - top
            first = start if start >= 0 else start % dilation_h
            inside[:] = x[b, first]
            inside_rows[:] = first
            for r in range(first + dilation_h, min(H, start + (kernel_h - 1) * dilation_h + 1), dilation_h):
                row = x[b, r]
                for c in range(W):
                    wins = (row[c] > inside[c]) | (row[c] != row[c])
                    inside[c] = row[c] if wins else inside[c]
                    inside_rows[c] = r if wins else inside_rows[c]
            for q in range(Q):
                at = q * stride_w
                best, r = line[at], rows[at]
                for j in range(at + dilation_w, at + (kernel_w - 1) * dilation_w + 1, dilation_w):
                    value, i = line[j], rows[j]
                    earlier = (value == best) & (i < r)
                    later_nan = (value != value) & ((best == best) | (i >= r))
                    wins = (value > best) | earlier | later_nan
                    best = value if wins else best
                    r = i if wins else r
                    at = j if wins else at
                y[b, p, q] = best
                places[b, p, q] = r * W + at - left


@jit(parallel=True)
def largest_of_four(x, y, places):
    """Fill y and places as `largest_at` does for windows of 2×2 that touch: four comparisons, in reading order."""
    W = x.shape[2]
    P, Q = y.shape[1], y.shape[2]
    for b in prange(x.shape[0]):
        for p in range(P):
            for q in range(Q):
                first = 2 * p * W + 2 * q
                best, at = x[b, 2 * p, 2 * q], first
                value = x[b, 2 * p, 2 * q + 1]
                wins = (value > best) | (value != value)
                best, at = value if wins else best, first + 1 if wins else at
                value = x[b, 2 * p + 1, 2 * q]
                wins = (value > best) | (value != value)
                best, at = value if wins else best, first + W if wins else at
                value = x[b, 2 * p + 1, 2 * q + 1]
                wins = (value > best) | (value != value)
                best, at = value if wins else best, first + W + 1 if wins else at
                y[b, p, q] = best
                places[b, p, q] = at


@jit(parallel=True)
def add_at(values, places, y):
    """Fill y[b, i] with the sum of the values whose place is i, added in order; 0 where there are none."""
    for b in prange(values.shape[0]):
        y[b] = 0
        for t in range(values.shape[1]):
            y[b, places[b, t]] += values[b, t]


@jit(parallel=True)
def put_at(values, places, y):
    """Fill y[b, i] with the last of the values whose place is i; 0 where there are none."""
    for b in prange(values.shape[0]):
        y[b] = 0
        for t in range(values.shape[1]):
            y[b, places[b, t]] = values[b, t]


@jit(allocates=True, parallel=True)
def last_put(y, places, values):
    """Fill values[b, t] with y[b, its place]; with 0 where a later one has the same place: put_at wrote over it."""
    for b in prange(values.shape[0]):
        owner = np.empty(y.shape[1], np.int64)  # only what a place names is read
        for t in range(values.shape[1]):
            owner[places[b, t]] = t
        for t in range(values.shape[1]):
            values[b, t] = 0
            if owner[places[b, t]] == t:
                values[b, t] = y[b, places[b, t]]
