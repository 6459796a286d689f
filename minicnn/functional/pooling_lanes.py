"""The fast kernel of max pooling: eight float32 numbers at a time, for strides of 1 and 2 over the columns.

As in pooling_kernel.py the maximum of a rectangle is taken over its rows first, into a line that carries its padding
of -∞, then over the columns of that line.  Eight columns are eight lanes.  The last eight of a line go back over some of
the block before, which changes nothing, since a maximum is written and never added to.  So there is no remainder, which
for maps of 14 columns would take longer than all the rest.  A map of fewer than eight columns is for the plain loops.

Some lines are done over their rows, then the same lines over their columns: they stay in the nearest memory, and
a line is not read right after it was written, in vectors that would not match those of the writing.
An output line of fewer than eight is written as eight all the same: what it spills stands where the next lines
of this block are written later; at the end of the block it goes the long way.

Cost: the time of reading the map: one load and three instructions per tap of eight numbers; 16 KB of workspace.
Source: the card of pooling_kernel.py.  Next room: pooling.py, which chooses.
"""

import numpy as np

from minicnn.conv.jit import jit, prange
from minicnn.conv.jit.words import evens, load, maximum, store


@jit
def over_rows(x, starts, counts, step, rows, width, lines, length, left):
    """Fill line i, from `left` on, with the maximum over counts[i] rows of x from starts[i] on, `step` apart."""
    for i in range(rows):
        line, start, count = i * length + left, starts[i], counts[i]
        c = 0
        while c < width:
            c = min(c, width - 8)
            best = load(x, start + c)
            if count == 3:
                best = maximum(maximum(best, load(x, start + step + c)), load(x, start + 2 * step + c))
            else:
                for r in range(1, count):
                    best = maximum(best, load(x, start + r * step + c))
            store(lines, line + c, best)
            c += 8


@jit
def over_columns(lines, length, rows, kernel, stride, dilation, y, at, width):
    """Fill `rows` lines of y from `at` on with the maximum over `kernel` columns of each line; stride is 1 or 2."""
    for i in range(rows):
        q = 0
        while q < width:
            q = max(0, min(q, width - 8))
            tap = i * length + q * stride
            if stride == 1:
                best = load(lines, tap)
                for _ in range(1, kernel):
                    tap += dilation
                    best = maximum(best, load(lines, tap))
            else:
                best = evens(load(lines, tap), load(lines, tap + 8))
                for _ in range(1, kernel):
                    tap += dilation
                    best = maximum(best, evens(load(lines, tap), load(lines, tap + 8)))
            if at + q + 8 <= y.shape[0]:
                store(y, at + q, best)
            else:  # the end of the block, and fewer than eight: by way of this line, which is done
                store(lines, i * length, best)
                for j in range(width):
                    y[at + j] = lines[i * length + j]
                lines[i * length : i * length + 8] = -np.inf  # its padding may have been there
            q += 8
        at += width


@jit(allocates=True)
def pool_some(x, y, starts, counts, step, size, out_size, kernel, stride, dilation, left):
    """Pool planes that lie one after the other in x, of `size`, into planes of y, of `out_size`."""
    (H, W), (P, Q) = size, out_size
    length = left + W + stride * max(Q, 8) + (kernel - 1) * dilation + 16
    group = min(P, max(1, 4096 // length))
    lines = np.full(group * length, -np.inf, x.dtype)
    for b in range(x.shape[0] // (H * W)):
        plane = x[b * H * W : (b + 1) * H * W]
        for p in range(0, P, group):
            rows = min(P - p, group)
            over_rows(plane, starts[p:], counts[p:], step, rows, W, lines, length, left)
            over_columns(lines, length, rows, kernel, stride, dilation, y, (b * P + p) * Q, Q)


@jit(parallel=True)
def largest_in_lanes(x, y, starts, counts, step, kernel, stride, dilation, left):
    """Fill y[b, p, q] with the maximum of what its window sees of x[b].

    Over rows the window of line p is counts[p] rows, at least one, that begin at starts[p] and lie `step` numbers apart;
    over columns it is given by kernel, stride (1 or 2), dilation and what is padded on the left.  x has eight columns or more.
    """
    planes, H, W = x.shape
    P, Q = y.shape[1], y.shape[2]
    flat, flat_y = x.reshape(-1), y.reshape(-1)
    each = max(1, 16384 // (H * W))  # planes of a block: it depends on the shape only
    for block in prange((planes + each - 1) // each):
        first, last = block * each, min(planes, block * each + each)
        part, part_y = flat[first * H * W : last * H * W], flat_y[first * P * Q : last * P * Q]
        pool_some(part, part_y, starts, counts, step, (H, W), (P, Q), kernel, stride, dilation, left)
