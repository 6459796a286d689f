"""Which question: of what are wrong implementations built?

Idea: right pieces in plain NumPy: all windows of a map as one view, and their sum of products.  A wrong implementation puts
them together wrongly in one place, so that one reads at a glance what its author believed.

Cost: a view and an einsum; nothing is compiled, so that naming a mistake starts at once.
What it does not do: check arguments; where a student's code would crash, NumPy's own error leaves it.
Source: none.  Next room: conv2d.py.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

Pair = tuple[int, int]


def windows(x: np.ndarray, kernel: Pair, stride: Pair, padding: Pair = (0, 0), dilation: Pair = (1, 1), fill: float = 0.0) -> np.ndarray:
    """Return (N, C, P, Q, kh, kw): what every window sees of x, with `fill` around it.

    >>> windows(np.arange(12.0).reshape(1, 1, 3, 4), (2, 3), (1, 1))[0, 0, 1, 1]
    array([[ 5.,  6.,  7.],
           [ 9., 10., 11.]])
    """
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    views = sliding_window_view(padded(x, *((p, p) for p in padding), fill=fill), spans, axis=(2, 3))
    return views[:, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]


def padded(x: np.ndarray, rows: Pair, columns: Pair, fill: float = 0.0) -> np.ndarray:
    """Return x with (before, after) cells of `fill` along its rows and columns."""
    return np.pad(x, ((0, 0), (0, 0), rows, columns), constant_values=fill)


def rounded_up(x: np.ndarray, kernel: Pair, stride: Pair, padding: Pair, fill: float = 0.0) -> np.ndarray:
    """Return x padded on both sides, and after its end by what a last window lacks that the stride does not reach in full.

    >>> rounded_up(np.ones((1, 1, 1, 4)), (1, 3), (1, 2), (0, 0))
    array([[[[1., 1., 1., 1., 0.]]]])
    """
    sides = [(p, p + -(n + 2 * p - k) % s) for n, k, s, p in zip(x.shape[2:], kernel, stride, padding, strict=True)]
    return padded(x, *sides, fill=fill)


def convolve(x, weight, bias, stride, padding: Pair = (0, 0), dilation: Pair = (1, 1)) -> np.ndarray:
    """Return Σ over channels and taps of window times weight, and the bias of each filter: what conv2d is.

    >>> convolve(np.arange(6.0).reshape(1, 1, 2, 3), np.array([[[[-1.0, 1.0]]]]), np.array([5.0]), (1, 1))
    array([[[[6., 6.],
             [6., 6.]]]])
    """
    return sums(windows(x, weight.shape[2:], stride, padding, dilation), weight) + bias[:, None, None]


def sums(seen: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return (N, K, P, Q): windows (N, C, P, Q, kh, kw) times filters (K, C, kh, kw), summed over channels and taps."""
    return np.einsum("ncpqij,kcij->nkpq", seen, weight)


def middle(x: np.ndarray, padding: Pair) -> np.ndarray:
    """Return x[…, p:-p, q:-q], which is empty where p or q is 0."""
    return x[:, :, padding[0] : -padding[0], padding[1] : -padding[1]]


def filled_from_p_to_minus_p(x: np.ndarray, padding: Pair, fill: float = 0.0) -> np.ndarray:
    """Return x padded as `room[…, p:-p, q:-q] = x` does it: a ValueError where p or q is 0."""
    room = np.full_like(padded(x, *((p, p) for p in padding)), fill)
    middle(room, padding)[...] = x
    return room


def divides(x: np.ndarray, kernel: Pair, stride: Pair, padding: Pair) -> None:
    """Raise unless the stride ends at the last cell of both axes, as an over-careful assert does."""
    for n, k, s, p in zip(x.shape[2:], kernel, stride, padding, strict=True):
        if (n + 2 * p - k) % s:
            raise AssertionError(f"({n} + 2·{p} - {k}) is not a multiple of {s}")
