"""Which question: how is a map of any size pooled to a size that is given?

Idea: output i shares the axis fairly: it sees floor(i·n/out) … ceil((i+1)·n/out) - 1, so windows differ by one in
length and may overlap. As in pooling.py the rectangle is done one axis after the other. With size 1 it is global
pooling, which lets one network take images of any size.

Cost: about one pass over the map, in out_h + out_w calls.  When it loses: sizes that do not divide weigh the shared
inputs twice.  What it does not do: gradients; a size of 0.
Source: PyTorch's documentation of adaptive_avg_pool2d; Lin, Chen & Yan (2014), "Network in network", section 3.2,
for global pooling.  Next room: normalization.py.
"""

import numpy as np

from minicnn import check
from minicnn.axis import Adaptive
from minicnn.errors import ArgumentError
from minicnn.functional.pooling import COLUMNS, ROWS, MaxAndPlaces, positions_in_plane, take_larger
from minicnn.functional.taps import along, resized

__all__ = ["adaptive_avg_pool2d", "adaptive_max_pool2d"]


def adaptive_avg_pool2d(x, output_size) -> np.ndarray:
    """Return the mean of each of output_size windows that share the map.

    y[n,c,p,q] = mean of x[n, c, floor(p·H/P) : ceil((p+1)·H/P), floor(q·W/Q) : ceil((q+1)·W/Q)].
    x: (N, C, H, W) or (C, H, W), float32 or float64, the same out and summed in it;
    output_size: a number or a pair (P, Q), None keeps an axis.

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.nn.functional.adaptive_avg_pool2d.

    >>> adaptive_avg_pool2d(np.arange(12.0).reshape(1, 1, 3, 4), (1, 2))
    array([[[[4.5, 6.5]]]])
    """
    batch, unbatched = check.image_batch(x, "adaptive_avg_pool2d")
    rows, columns = _rules("adaptive_avg_pool2d", output_size)
    counts = (_counts(rule, batch.shape[axis]) for rule, axis in ((rows, ROWS), (columns, COLUMNS)))
    with np.errstate(all="ignore"):
        y = _reduced(np.sum, _reduced(np.sum, batch, rows, ROWS), columns, COLUMNS)
        np.divide(y, np.multiply.outer(*counts).astype(y.dtype), out=y)  # (P, Q) window sizes
    return y[0] if unbatched else y


def adaptive_max_pool2d(x, output_size, return_indices=False) -> MaxAndPlaces:
    """Return the largest of each of output_size windows that share the map, and where it stood if asked.

    y[n,c,p,q] = max of x[n, c, floor(p·H/P) : ceil((p+1)·H/P), floor(q·W/Q) : ceil((q+1)·W/Q)].
    x: (N, C, H, W) or (C, H, W), float32 or float64, the same out; output_size: a number or a pair (P, Q), None keeps an
    axis. indices: int64, row·W + column; the first of equals, and of several NaN the last, as in max_pool2d.

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.nn.functional.adaptive_max_pool2d.

    >>> adaptive_max_pool2d(np.arange(12.0).reshape(1, 1, 3, 4), (1, 2), return_indices=True)
    (array([[[[ 9., 11.]]]]), array([[[[ 9, 11]]]]))
    """
    batch, unbatched = check.image_batch(x, "adaptive_max_pool2d")
    rows, columns = _rules("adaptive_max_pool2d", output_size)
    if not return_indices:
        y = _reduced(np.max, _reduced(np.max, batch, rows, ROWS), columns, COLUMNS)
        return y[0] if unbatched else y
    places = positions_in_plane(batch)
    y, places = _largest_and_where(*_largest_and_where(batch, places, columns, COLUMNS), rows, ROWS)
    return (y[0], places[0]) if unbatched else (y, places)


def _rules(what: str, output_size) -> tuple[Adaptive, Adaptive]:
    pair = tuple(output_size) if isinstance(output_size, list | tuple) else (output_size, output_size)
    if len(pair) != 2:
        raise ArgumentError(f"{what}: output_size must be one whole number or a pair (rows, columns), but it is {output_size!r}.")
    rows, columns = (Adaptive(None if size is None else check.integer(size, "output_size", what, 1)) for size in pair)
    return rows, columns


def _reduced(reduce, x: np.ndarray, rule: Adaptive, axis: int) -> np.ndarray:
    """Return reduce (np.sum or np.max) over each window of one axis."""
    n = x.shape[axis]
    y = np.empty(resized(x, axis, rule.out_size(n)), x.dtype)
    for i in range(y.shape[axis]):
        cells = rule.sees(i, n)
        # not out=: NumPy before 2.2 takes a wrong maximum of a reversed view into a strided out
        along(y, axis, i)[...] = reduce(along(x, axis, slice(cells[0], cells[-1] + 1)), axis=axis)
    return y


def _largest_and_where(x: np.ndarray, places: np.ndarray, rule: Adaptive, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the maximum over each window of one axis and the place it came from."""
    n = x.shape[axis]
    shape = resized(x, axis, rule.out_size(n))
    best, found = np.full(shape, -np.inf, x.dtype), np.full(shape, -1, np.int64)
    for i in range(shape[axis]):
        for cell in rule.sees(i, n):
            take_larger(along(best, axis, i), along(found, axis, i), along(x, axis, cell), along(places, axis, cell))
    return best, found


def _counts(rule: Adaptive, n: int) -> list[int]:
    return [len(rule.sees(i, n)) for i in range(rule.out_size(n))]
