"""Which question: what is the mean, sum, product, maximum or minimum of numbers along some axes, and what comes back to each?

Idea: a table.  A row is a reduction: its function, and its derivative, given what came back with the axes that went kept at length 1:

    mean   Σx / n           grad / n
    sum    Σx               grad
    prod   Πx               grad times the product of the others
    max, min                grad, shared evenly among those that are equal to the result, as torch.amax does

Sums of floats are NumPy's, in x's dtype; those of int64 are exact.
Cost: one pass, and one to four on the way back; the derivative of prod multiplies from both ends, so that a 0 does no harm.
When it loses: over rows and columns of a map AdaptiveAvgPool2d(1) is the same mean.  What it does not do: norms, arg max.
Source: ONNX's ReduceMean, ReduceSum, ReduceProd, ReduceMax, ReduceMin; torch.mean, sum, prod, amax, amin.
Next room: matmul.py.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

Array = np.ndarray
Axes = tuple[int, ...]


class Reduction(NamedTuple):
    """One row: (x, axis=, keepdims=) → value, and (grad, shape of x, x or None, axes) → what comes back to x."""

    value: Callable
    back: Callable[[Array, tuple[int, ...], Array | None, Axes], Array]
    reads_input: bool = False
    of_nothing: bool = True  # whether it is known of no numbers at all
    of_whole_numbers: bool = True


def _of_each(grad: Array, shape: tuple[int, ...], x: None, axes: Axes) -> Array:
    return np.broadcast_to(grad, shape).copy()


def _of_the_mean(grad: Array, shape: tuple[int, ...], x: None, axes: Axes) -> Array:
    return np.broadcast_to(grad / grad.dtype.type(max(math.prod(shape[axis] for axis in axes), 1)), shape).copy()


def _of_the_product(grad: Array, shape: tuple[int, ...], x: Array, axes: Axes) -> Array:
    return grad * product_of_others(x, axes)


def _of_the_chosen(choose: Callable) -> Callable:
    def back(grad: Array, shape: tuple[int, ...], x: Array, axes: Axes) -> Array:
        if x.size == 0:
            return np.zeros(shape, grad.dtype)
        chosen = choose(x, axis=axes, keepdims=True)
        equal = (x == chosen) | (np.isnan(x) & np.isnan(chosen))  # a NaN is what was chosen
        shares = equal.sum(axis=axes, keepdims=True).astype(grad.dtype)
        return np.where(equal, grad / shares, grad.dtype.type(0))

    return back


def product_of_others(x: Array, axes: Axes) -> Array:
    """Return for each number the product of all others along the axes: of those before it and of those behind.

    >>> product_of_others(np.array([2.0, 3.0, 0.0]), (0,))
    array([0., 0., 6.])
    """
    order = (*(axis for axis in range(x.ndim) if axis not in axes), *axes)
    turned = x.transpose(order)
    kept = x.ndim - len(axes)
    rows = turned.reshape(*turned.shape[:kept], math.prod(turned.shape[kept:]))
    before, behind = np.ones_like(rows), np.ones_like(rows)
    np.cumprod(rows[..., :-1], axis=-1, out=before[..., 1:])
    np.cumprod(rows[..., :0:-1], axis=-1, out=behind[..., -2::-1] if rows.shape[-1] > 1 else behind[..., :0])
    return (before * behind).reshape(turned.shape).transpose(np.argsort(order))


REDUCTIONS = {
    "mean": Reduction(np.mean, _of_the_mean, of_nothing=False, of_whole_numbers=False),
    "sum": Reduction(np.sum, _of_each),
    "prod": Reduction(np.prod, _of_the_product, True),
    "max": Reduction(np.max, _of_the_chosen(np.max), True, of_nothing=False),
    "min": Reduction(np.min, _of_the_chosen(np.min), True, of_nothing=False),
}
