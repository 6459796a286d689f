"""The kernels of interpolate: every output row is drawn from one or two input rows, plane by plane.

    pick_planes     'nearest': numbers are copied; a row that looks at the same input row as the one above is that row again
    mix_planes      'bilinear': two rows are mixed into a line as long as they are, then two numbers of that line each

Where an output lies is worked out once, in resize.py: tables say which inputs it looks at and how much of each.
Tables of unsigned numbers are followed without asking whether a place counts from the end.

Where both inputs are the same, the number is copied and not multiplied, so that 0·∞ spoils nothing.
Cost: 'nearest' a copy of the output, 'bilinear' two products per input column and two per output.
Next room: resize.py.
"""

import numpy as np

from minicnn.conv.jit import jit, prange


@jit
def pick(x, y, rows, columns):
    for p in range(rows.shape[0]):
        out = y[p]
        if p > 0 and rows[p] == rows[p - 1]:
            out[:] = y[p - 1]
        else:
            line = x[rows[p]]
            for q in range(columns.shape[0]):
                out[q] = line[columns[q]]


@jit(parallel=True)
def pick_planes(x, y, rows, columns):
    """Fill y[b, p, q] with x[b, rows[p], columns[q]]."""
    for b in prange(x.shape[0]):
        pick(x[b], y[b], rows, columns)


@jit
def mix(x, y, line, rows, row_weights, columns, column_weights):
    """Fill one plane; line is room for one input row."""
    here, there, share_here, share_there = columns[0], columns[1], column_weights[0], column_weights[1]
    for p in range(y.shape[0]):
        out, above, below = y[p], x[rows[0, p]], x[rows[1, p]]
        if rows[0, p] == rows[1, p]:
            line[:] = above
        else:
            share_above, share_below = row_weights[0, p], row_weights[1, p]
            for c in range(line.shape[0]):
                line[c] = above[c] * share_above + below[c] * share_below
        for q in range(out.shape[0]):
            left = line[here[q]]
            both = left * share_here[q] + line[there[q]] * share_there[q]
            out[q] = left if here[q] == there[q] else both


@jit(allocates=True, parallel=True)
def mix_planes(x, y, rows, row_weights, columns, column_weights):
    """Fill y[b] with x[b] mixed over rows, then over columns: two inputs and two weights per output, (2, outputs)."""
    for b in prange(x.shape[0]):
        mix(x[b], y[b], np.empty(x.shape[2], x.dtype), rows, row_weights, columns, column_weights)
