"""Which question: how is one example brought to mean 0 and spread 1 on its own, without a batch?

Idea: the mean and variance of the last axes, taken together, for every position before them; then one weight
and one bias per element of those axes.  Training and inference are the same, and no example sees another.

Cost: moments.py's, and two more passes for weight and bias.
When it loses: on images, where neighbouring positions differ in brightness and this takes the difference out;
it cannot be folded into a convolution, since it measures what it is given.
What it does not do: running statistics.
Source: Ba, Kiros & Hinton (2016), "Layer normalization", equation 3.  Next room: group_norm.py.
"""

import math

import numpy as np

from minicnn import check
from minicnn.errors import ShapeError
from minicnn.functional import arguments
from minicnn.functional.moments import checked_eps, line, pulled_back, restored, standardised, total

__all__ = ["layer_norm", "layer_norm_backward"]

OVER = (1,)  # of x as (positions before, elements taken together)


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5) -> np.ndarray:
    """Return x with its last axes normalised together.

    y[…, e] = (x[…, e] - mean[…]) / √(var[…] + eps) · weight[e] + bias[e], with the mean and the variance (divided by n)
    over the n elements e of the last axes; weight is 1 and bias 0 where None.
    normalized_shape: the sizes of those axes, or one number for the last; weight, bias: of that shape.
    x: float32 or float64, the same out; statistics are summed in float64.

    Raises ShapeError, DTypeError; ArgumentError for a negative eps.  Source: torch.nn.functional.layer_norm.

    >>> layer_norm(np.array([[1.0, 3.0], [10.0, 50.0]]), 2, weight=np.array([1.0, 2.0]), eps=0.0)
    array([[-1.,  2.],
           [-1.,  2.]])
    """
    return layer_norm_saving(x, normalized_shape, weight, bias, eps)[0]


def layer_norm_saving(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    """Return what layer_norm does, and what its gradient would measure again: (mean, inverse deviation)."""
    x, sizes, weight, bias = _checked("layer_norm", x, normalized_shape, weight, bias)
    eps = checked_eps(eps, "layer_norm")
    rows = _rows(x, sizes)
    with np.errstate(all="ignore"):
        d, left, mean, inverse = standardised(rows, OVER, eps)
        y = line(d, inverse, -left * inverse)
        if weight is not None:
            np.multiply(y, weight.reshape(-1), out=y)
        if bias is not None:
            np.add(y, bias.reshape(-1), out=y)
    before = x.shape[: x.ndim - len(sizes)]
    return y.reshape(x.shape), (mean.reshape(before), inverse.reshape(before))


def layer_norm_backward(grad_output, x, normalized_shape, weight=None, eps=1e-5, *, saved=None):
    """Return (grad_x, grad_weight, grad_bias).

    With x̂ = (x - mean)·r, r = 1/√(var + eps), g = grad_output and h = g·weight:
    grad_bias = Σ g and grad_weight = Σ g·x̂ over all positions before the last axes, and
    grad_x = r·(h - mean(h) - x̂·mean(h·x̂)), means over the last axes.
    grad_output, grad_x: the shape of x; grad_weight, grad_bias: normalized_shape, also where the operation had none.
    saved: (mean, r) where they are at hand, of the shape of x without its last axes.

    Raises ShapeError, DTypeError, ArgumentError.  Source: Ba, Kiros & Hinton (2016); torch.autograd.

    >>> x, g = np.array([[-1.0, 0.0, 1.0]]) * 1.5**0.5, np.array([[1.0, 0.0, 0.0]])
    >>> [part.round(3).tolist() for part in layer_norm_backward(g, x, 3, eps=0.0)]
    [[[0.167, -0.333, 0.167]], [-1.225, 0.0, 0.0], [1.0, 0.0, 0.0]]
    """
    what = "layer_norm_backward"
    x, sizes, weight, _ = _checked(what, x, normalized_shape, weight, None)
    grad = arguments.gradient(grad_output, x.shape, what, x=x)
    eps = checked_eps(eps, what)
    rows, g, n = _rows(x, sizes), _rows(grad, sizes), math.prod(sizes)
    with np.errstate(all="ignore"):
        d, left, inverse = restored(rows, OVER, eps, saved, what)
        by_bias = total(g, over=(0,))
        by_weight = total(g, d, inverse, over=(0,)) - total(g, left * inverse, over=(0,))  # Σ g·x̂
        h = g if weight is None else np.multiply(g, weight.reshape(-1))
        sum_h = total(h, over=OVER)
        sum_hx = inverse * (total(h, d, over=OVER) - left * sum_h)
        grad_x = pulled_back(h, inverse, d, left, inverse, sum_h / n, sum_hx / n)
        by_weight, by_bias = (part.astype(x.dtype).reshape(sizes) for part in (by_weight, by_bias))
    return grad_x.reshape(x.shape), by_weight, by_bias


def checked_sizes(normalized_shape, what: str) -> tuple[int, ...]:
    """Return normalized_shape as a tuple of at least one whole number, each at least 1.

    >>> checked_sizes(5, "layer_norm"), checked_sizes([4, 5], "layer_norm")
    ((5,), (4, 5))
    """
    sizes = tuple(normalized_shape) if isinstance(normalized_shape, tuple | list) else (normalized_shape,)
    if not sizes:
        raise ShapeError(f"{what}: normalized_shape must name at least one axis, but it is {normalized_shape!r}; use x.shape[-1].")
    several = len(sizes) > 1
    return tuple(
        check.integer(size, f"normalized_shape[{place}]" if several else "normalized_shape", what, 1) for place, size in enumerate(sizes)
    )


def wants_last_axes(what: str, shape: tuple[int, ...], sizes: tuple[int, ...]) -> None:
    """Raise unless a shape ends in the sizes that are normalised together."""
    if shape[-len(sizes) :] == sizes:
        return
    ends = shape[-len(sizes) :]
    remedy = f"use normalized_shape={ends}" if len(ends) == len(sizes) else f"x has only {len(shape)} axes"
    if len(shape) == 4 and sizes == shape[1:2]:
        remedy = f"the channels of (N, C, H, W) are not its last axis: use group_norm(x, 1), or normalized_shape={shape[1:]}"
    raise ShapeError(
        f"{what}: normalized_shape must be the last axes of x, but it is {sizes} and x.shape={shape} ends in {ends}; {remedy}."
    )


def _checked(what: str, x, normalized_shape, weight, bias):
    """Return x, the sizes taken together, weight and bias, when they fit each other."""
    x = check.float_array(x, "x", what)
    sizes = checked_sizes(normalized_shape, what)
    given = {"weight": weight, "bias": bias}
    given = {name: None if array is None else check.float_array(array, name, what) for name, array in given.items()}
    check.same_dtype(what, x=x, **given)
    wants_last_axes(what, x.shape, sizes)
    for name, array in given.items():
        if array is not None and array.shape != sizes:
            remedy = f"{name}.reshape({sizes})" if array.size == math.prod(sizes) else f"give it {math.prod(sizes)} numbers"
            raise ShapeError(f"{what}: {name} must have the shape {sizes} of normalized_shape, but {name}.shape={array.shape}; {remedy}.")
    return x, sizes, given["weight"], given["bias"]


def _rows(x: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
    """Return x as (positions before, elements taken together)."""
    return np.ascontiguousarray(x).reshape(math.prod(x.shape[: x.ndim - len(sizes)]), math.prod(sizes))
