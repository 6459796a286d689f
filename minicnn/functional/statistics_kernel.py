"""The kernels of statistics.py, in a file of their own so that Numba loads only when a map is asked.

Sums: one addition after the other waits for the last; in lanes, many go at once.  So `sums` lets the
compiler reorder them (reassoc, and no other liberty).  The order depends on the shape and the machine,
never on the number of threads.

Extremes: IEEE 754 numbers are ordered as their bits are, once those of negative numbers are turned
round, with -NaN below -∞ and NaN above ∞.  Comparing integers, sixteen at once, is ten times as fast as
comparing floats that may be NaN, and the NaNs come out at the ends.
Source: IEEE 754-2019, section 5.10 (totalOrder).
"""

import numpy as np

from minicnn.conv.jit import jit, prange


@jit(fastmath={"reassoc"})
def sums(row, shift):
    """Return Σ(x - shift), Σ(x - shift)² and the number of zeros."""
    s1 = 0.0
    s2 = 0.0
    zeros = 0
    for i in range(row.shape[0]):
        d = np.float64(row[i]) - shift
        s1 += d
        s2 += d * d
        zeros += row[i] == 0
    return s1, s2, zeros


@jit
def extremes(bits, sign, mask):
    """Return the smallest and the largest key; a key is its own inverse: bits ^ ((bits >> sign) & mask)."""
    low = bits[0] ^ ((bits[0] >> sign) & mask)
    high = low
    for i in range(bits.shape[0]):
        key = bits[i] ^ ((bits[i] >> sign) & mask)
        low = min(low, key)
        high = max(high, key)
    return low, high


@jit(parallel=True)
def channel_sums(x, bits, sign, mask, rows, keys):
    """Fill rows[c] = shift, Σ(x - shift), Σ(x - shift)², zeros and keys[c] = smallest, largest, over x[:, c, :].

    `bits` is the memory of x as integers, `sign` the place of their sign bit, `mask` the bits below it.
    """
    N, C, L = x.shape
    for c in prange(C):
        shift = np.float64(x[0, c, 0])
        if not np.isfinite(shift):
            shift = 0.0
        s1 = 0.0
        s2 = 0.0
        zeros = 0
        low, high = extremes(bits[0, c, :1], sign, mask)
        for n in range(N):
            for first in range(0, L, 4096):  # a piece stays in the first-level cache for its second reading
                last = min(first + 4096, L)
                a, b, z = sums(x[n, c, first:last], shift)
                least, most = extremes(bits[n, c, first:last], sign, mask)
                s1 += a
                s2 += b
                zeros += z
                low = min(low, least)
                high = max(high, most)
        rows[c, 0] = shift
        rows[c, 1] = s1
        rows[c, 2] = s2
        rows[c, 3] = zeros
        keys[c, 0] = low
        keys[c, 1] = high
