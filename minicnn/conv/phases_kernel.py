"""The copy of phases.py: every plane's rows and columns, sorted by their remainder under the stride."""

from minicnn.conv.jit import jit, prange
from minicnn.conv.jit.ranges import inside


@jit
def sort_plane(x, wide, plane, stride_h, stride_w, top, left):
    """Fill wide[plane] (phases, phases, rows, columns) from x[plane], zeros outside it."""
    _, H, W = x.shape
    _, down, across, rows, columns = wide.shape
    for a in range(down):
        for b in range(across):
            first, end = inside(b - left, stride_w, W, columns)
            for r in range(rows):
                h = r * stride_h + a - top
                if not 0 <= h < H or first >= end:
                    wide[plane, a, b, r] = 0
                    continue
                wide[plane, a, b, r, :first] = 0
                wide[plane, a, b, r, end:] = 0
                start = first * stride_w + b - left
                if stride_w == 1:  # three loops, so that the compiler knows how far apart the numbers are
                    for s in range(end - first):
                        wide[plane, a, b, r, first + s] = x[plane, h, start + s]
                elif stride_w == 2:
                    for s in range(end - first):
                        wide[plane, a, b, r, first + s] = x[plane, h, start + 2 * s]
                else:
                    for s in range(end - first):
                        wide[plane, a, b, r, first + s] = x[plane, h, start + s * stride_w]


@jit(parallel=True)
def sort_rows(x, wide, stride_h, stride_w, top, left):
    """Fill wide (planes, phases, phases, rows, columns)."""
    for plane in prange(x.shape[0]):
        sort_plane(x, wide, plane, stride_h, stride_w, top, left)
