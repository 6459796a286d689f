"""The kernels of statistics.py, in a file of their own so that Numba loads only when a map is asked.

A sum in the order of the loop is one addition after the other; in lanes it is many at once.  So `sums`
lets the compiler reorder (reassoc), and `extremes` lets it assume that no number is NaN (nnan, and nsz:
0 and -0 are one).  That assumption is checked by the sums, which are not finite where a number is
not; such a channel is asked again by `exactly`, in order and without liberties.

The order of a sum depends on the shape and the machine, never on the number of threads.
"""

import numpy as np

from minicnn.conv.jit import jit, prange


@jit(fastmath={"reassoc"})
def sums(row, shift):
    s1 = 0.0
    s2 = 0.0
    zeros = 0
    for i in range(row.shape[0]):
        d = np.float64(row[i]) - shift
        s1 += d
        s2 += d * d
        zeros += row[i] == 0
    return s1, s2, zeros


@jit(fastmath={"reassoc", "nnan", "nsz"})
def extremes(row):
    low = row[0]
    high = row[0]
    for i in range(row.shape[0]):
        low = min(low, row[i])
        high = max(high, row[i])
    return low, high


@jit
def exactly(x, c):
    """Return min and max of channel c where numbers are not finite; NaN wins."""
    low = np.inf
    high = -np.inf
    for n in range(x.shape[0]):
        for i in range(x.shape[2]):
            value = np.float64(x[n, c, i])
            if value != value:
                return np.nan, np.nan
            low = min(low, value)
            high = max(high, value)
    return low, high


@jit(parallel=True)
def channel_sums(x, rows):
    """Fill rows[c] = shift, Σ(x - shift), Σ(x - shift)², min, max, zeros over x[:, c, :]."""
    N, C, L = x.shape
    for c in prange(C):
        shift = np.float64(x[0, c, 0])
        s1 = 0.0
        s2 = 0.0
        zeros = 0
        low = np.inf
        high = -np.inf
        for n in range(N):
            for first in range(0, L, 4096):  # a piece stays in the first-level cache for its second reading
                piece = x[n, c, first : min(first + 4096, L)]
                a, b, z = sums(piece, shift)
                least, most = extremes(piece)
                s1 += a
                s2 += b
                zeros += z
                low = min(low, np.float64(least))
                high = max(high, np.float64(most))
        if not np.isfinite(s2):
            low, high = exactly(x, c)
        rows[c, 0] = shift
        rows[c, 1] = s1
        rows[c, 2] = s2
        rows[c, 3] = low
        rows[c, 4] = high
        rows[c, 5] = zeros
