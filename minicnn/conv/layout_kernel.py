"""The padded copy of layout.py: every plane laid into the middle of a larger one, whose border is zero."""

from minicnn.conv.jit import jit, prange


@jit(parallel=True)
def lay_in(x, wide, top, left):
    """Fill wide (planes, rows, columns): x at (top, left), zeros around it."""
    planes, H, W = x.shape
    for n in prange(planes):
        for h in range(wide.shape[1]):
            if top <= h < top + H:
                wide[n, h, :left] = 0
                for w in range(W):
                    wide[n, h, left + w] = x[n, h - top, w]
                wide[n, h, left + W :] = 0
            else:
                wide[n, h] = 0
