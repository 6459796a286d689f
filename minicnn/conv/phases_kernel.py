"""The copy of phases.py: every plane's rows and columns, sorted by their remainder under the stride."""

import numpy as np

from minicnn.conv.jit import jit, prange
from minicnn.conv.jit.machine import LANES
from minicnn.conv.jit.ranges import inside
from minicnn.conv.jit.words import evens, store, wide_broadcast, wide_load


@jit(allocates=False)
def copy_every(x, source, stride, count, wide, to):
    """Write count numbers of x, `stride` apart, side by side; up to LANES - 1 places after them are overwritten."""
    done = 0
    if stride == 1:
        while done < count and source + done + LANES <= x.size:
            store(wide, to + done, wide_load(x, source + done))
            done += LANES
    elif stride == 2:
        while done < count and source + 2 * (done + LANES) <= x.size:
            s = source + 2 * done
            store(wide, to + done, evens(wide_load(x, s), wide_load(x, s + LANES)))
            done += LANES
    for i in range(done, count):
        wide[to + i] = x[source + i * stride]


@jit(allocates=False)
def write_zeros(wide, at, count):
    """Write zeros, by vectors; up to LANES - 1 places after them are overwritten."""
    for i in range(0, count, LANES):
        store(wide, at + i, wide_broadcast(np.float32(0)))


@jit(allocates=False)
def sort_plane(x, plane, H, W, wide, to, down, across, rows, columns, stride_h, stride_w, top, left):
    """Write x[plane …] (H, W) at wide[to …] as (phases, phases, rows, columns), zeros outside.

    From the first row to the last, so that what reaches past the end of a row is overwritten; LANES places after the plane are spare.
    """
    for a in range(down):
        for b in range(across):
            first, end = inside(b - left, stride_w, W, columns)
            for r in range(rows):
                h, at = r * stride_h + a - top, to + ((a * across + b) * rows + r) * columns
                if not 0 <= h < H or first >= end:
                    write_zeros(wide, at, columns)
                    continue
                write_zeros(wide, at, first)
                copy_every(x, plane + h * W + first * stride_w + b - left, stride_w, end - first, wide, at + first)
                write_zeros(wide, at + end, columns - end)


@jit(parallel=True, allocates=False)
def sort_planes(x, wide, planes, H, W, down, across, rows, columns, stride_h, stride_w, top, left):
    """Fill wide (planes, phases, phases, rows, columns), a little space after each plane, from x (planes, H, W); both flat."""
    size = down * across * rows * columns + LANES
    for plane in prange(planes):
        sort_plane(x, plane * H * W, H, W, wide, plane * size, down, across, rows, columns, stride_h, stride_w, top, left)
