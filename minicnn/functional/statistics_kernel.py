"""The kernel of statistics.py, in a file of its own so that Numba loads only when a map is asked."""

import numpy as np

from minicnn.conv.jit import jit, prange


@jit(parallel=True)
def channel_sums(x, rows):
    """Fill rows[c] = shift, Σ(x - shift), Σ(x - shift)², min, max, zeros over x[:, c, :]."""
    N, C, L = x.shape
    for c in prange(C):
        shift = np.float64(x[0, c, 0])
        s1 = 0.0
        s2 = 0.0
        low = x[0, c, 0]
        high = x[0, c, 0]
        zeros = 0
        bad = 0
        for n in range(N):
            for i in range(L):
                value = x[n, c, i]
                d = np.float64(value) - shift
                s1 += d
                s2 += d * d
                low = min(low, value)
                high = max(high, value)
                zeros += value == 0
                bad += value != value
        rows[c, 0] = shift
        rows[c, 1] = s1
        rows[c, 2] = s2
        rows[c, 3] = np.nan if bad else low
        rows[c, 4] = np.nan if bad else high
        rows[c, 5] = zeros
