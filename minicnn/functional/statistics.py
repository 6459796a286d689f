"""Which question: what do the numbers of a feature map say, in one pass?

Idea: per channel, sums of (x - a) and (x - a)² with a the channel's first number, so that nothing
cancels; smallest, largest and the number of zeros on the way.  Sums are float64.  Channels are
blocks, so all cores read the map once.  A channel is dead where every number is zero.

    mean = a + s1/n,   std = √(s2/n - (s1/n)²)      over all numbers, population form (divided by n)

Cost: one read of the map.  NaN anywhere makes mean, std, min and max NaN; infinities go as in NumPy.
What it does not do: numbers beyond half the range of float64, whose differences overflow.
Source: Chan, Golub, LeVeque, "Algorithms for Computing the Sample Variance" (1983), shifted data.
"""

from dataclasses import dataclass

import numpy as np

from minicnn.errors import DTypeError

WORTH_WAKING = 1 << 17  # numbers: reading them takes one core as long as waking the others


@dataclass(frozen=True, slots=True)
class Statistics:
    """What one pass over a map found; `zeros` is a share from 0 to 1, `dead_channels` are their numbers.

    >>> print(statistics(np.array([[[[1.0, 3.0]], [[0.0, 0.0]]]])))
    mean 1, std 1.225, min 0, max 3, zeros 50.0%, dead channels 1 (1)
    """

    mean: float
    std: float
    min: float
    max: float
    zeros: float
    dead_channels: tuple[int, ...]
    size: int

    def __str__(self) -> str:
        text = f"mean {self.mean:.4g}, std {self.std:.4g}, min {self.min:.4g}, max {self.max:.4g}, zeros {self.zeros:.1%}"
        if not self.dead_channels:
            return text
        shown = ", ".join(map(str, self.dead_channels[:8])) + (", …" if len(self.dead_channels) > 8 else "")
        return f"{text}, dead channels {len(self.dead_channels)} ({shown})"


def statistics(x: np.ndarray) -> Statistics:
    """Return mean, std, min, max, share of zeros and dead channels of a map (N, C, …).

    >>> s = statistics(np.array([[[[1.0, 3.0]], [[0.0, 0.0]]]]))
    >>> s.mean, s.min, s.max, s.zeros, s.dead_channels
    (1.0, 0.0, 3.0, 0.5, (1,))

    Raises DTypeError.  Source: Chan, Golub, LeVeque (1983), shifted data.
    """
    if not isinstance(x, np.ndarray) or x.dtype.kind not in "fiub" or x.ndim == 0:
        kind = f"an array of {x.dtype}, shape {x.shape}" if isinstance(x, np.ndarray) else f"a {type(x).__name__}"
        raise DTypeError(f"statistics: x must be an array of real numbers, (N, C, …), but it is {kind}; pass np.asarray(x, np.float32).")
    channels = x.shape[1] if x.ndim > 1 else 1
    if x.size == 0:
        return Statistics(*[float("nan")] * 5, (), 0)
    from minicnn.conv.algorithm import plain
    from minicnn.functional.statistics_kernel import channel_sums  # Numba loads here, not with the package

    floats = x if x.dtype in (np.float32, np.float64) else x.astype(np.float64)  # winning indices are whole numbers
    flat = plain(floats.reshape(x.shape[0], channels, -1))
    bits = flat.view(np.int32 if flat.dtype == np.float32 else np.int64)
    sign, mask = 8 * bits.itemsize - 1, np.iinfo(bits.dtype).max
    rows, keys = np.empty((channels, 4)), np.empty((channels, 2), np.int64)
    kernel = channel_sums.alone if flat.size < WORTH_WAKING else channel_sums
    with np.errstate(all="ignore"):  # uncompiled, NumPy would remark on infinities
        kernel(flat, bits, sign, mask, rows, keys)
    edges = (keys ^ ((keys >> sign) & mask)).astype(bits.dtype).view(flat.dtype).astype(np.float64)
    return _combined(rows, edges, flat.shape[0] * flat.shape[2])


def _combined(rows, edges, n: int) -> Statistics:
    """Combine channels of n numbers each; the columns of rows are shift, s1, s2 and zeros."""
    shift, s1, s2, zeros = rows.T
    total = n * len(rows)
    with np.errstate(invalid="ignore", over="ignore"):
        away = shift - shift[0] + s1 / n  # each channel's mean, seen from the first shift, so that nothing cancels
        mean = shift[0] + away.mean()
        inside = s2 - s1 * s1 / n  # squared deviations from the channel's own mean
        variance = (inside.sum() + n * ((away - away.mean()) ** 2).sum()) / total
        std = float(np.sqrt(np.maximum(variance, 0)))
    low, high = (np.nan, np.nan) if np.isnan(edges).any() else (edges.min(), edges.max())
    dead = tuple(int(c) for c in np.flatnonzero(zeros == n))
    return Statistics(float(mean), std, float(low), float(high), float(zeros.sum() / total), dead, total)
