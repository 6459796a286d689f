"""Which question: how are channels normalised where batches are too small to measure anything?

Idea: the channels of one image are dealt into groups, in order; each group takes one mean and one variance over
its channels and all positions, and every channel has its own weight and bias.  One group is layer norm over
(C, H, W) with a weight per channel; as many groups as channels is instance norm.

    group of channel c = c·G // C     y[n,c,…] = (x[n,c,…] - mean[n,g]) / √(var[n,g] + eps) · weight[c] + bias[c]

Cost: moments.py's and no more: weight and bias go into one line per image and channel.
When it loses: with large batches batch norm trains better and is free at inference; this measures every time.
What it does not do: running statistics.
Source: Wu & He (2018), "Group normalization", equations 1, 2 and 7.  Next room: dropout.py.
"""

import math

import numpy as np

from minicnn import check
from minicnn.errors import ArgumentError, ShapeError
from minicnn.functional import arguments
from minicnn.functional.moments import checked_eps, line, pulled_back, restored, standardised, total

__all__ = ["group_norm", "group_norm_backward"]

OVER = (2, 3)  # of x as (N, groups, channels of a group, positions)


def group_norm(x, num_groups, weight=None, bias=None, eps=1e-5) -> np.ndarray:
    """Return x with every group of channels of every image normalised by its own mean and variance.

    y[n,c,…] = (x[n,c,…] - mean[n,g]) / √(var[n,g] + eps) · weight[c] + bias[c], where g = c // (C / num_groups), the variance is
    divided by n, weight is 1 and bias 0 where None.  A group of a single number has nothing left: y is bias.
    x: (N, C) or (N, C, …), float32 or float64, the same out, statistics summed in float64; weight, bias: (C,).

    Raises ShapeError, DTypeError; ArgumentError for a num_groups that does not divide C or a negative eps.
    Source: torch.nn.functional.group_norm; Wu & He (2018).

    >>> x = np.array([[1.0, 3.0, 10.0, 50.0]])
    >>> group_norm(x, 2, eps=0.0), group_norm(x, 2, weight=np.array([1.0, 1.0, 2.0, 2.0]), eps=0.0)
    (array([[-1.,  1., -1.,  1.]]), array([[-1.,  1., -2.,  2.]]))
    """
    return group_norm_saving(x, num_groups, weight, bias, eps)[0]


def group_norm_saving(x, num_groups, weight=None, bias=None, eps=1e-5):
    """Return what group_norm does, and what its gradient would measure again: (mean, inverse deviation), (N, groups) each."""
    x, groups, weight, bias = _checked("group_norm", x, num_groups, weight, bias)
    eps = checked_eps(eps, "group_norm")
    with np.errstate(all="ignore"):
        d, left, mean, inverse = standardised(_grouped(x, groups), OVER, eps)
        scale = inverse * _per_channel(weight, groups, 1)  # (N, groups, channels of a group, 1)
        y = line(d, scale, _per_channel(bias, groups, 0) - left * scale)
    return y.reshape(x.shape), (mean.reshape(len(x), groups), inverse.reshape(len(x), groups))


def group_norm_backward(grad_output, x, num_groups, weight=None, eps=1e-5, *, saved=None):
    """Return (grad_x, grad_weight, grad_bias).

    With x̂ = (x - mean)·r, r = 1/√(var + eps), g = grad_output and h = g·weight:
    grad_bias = Σ g and grad_weight = Σ g·x̂ over images and positions, and
    grad_x = r·(h - mean(h) - x̂·mean(h·x̂)), means over a group of an image.
    grad_output, grad_x: the shape of x; grad_weight, grad_bias: (C,), also where the operation had none.
    saved: (mean, r) where they are at hand, (N, num_groups) each.

    Raises ShapeError, DTypeError, ArgumentError.  Source: Wu & He (2018); torch.autograd.

    >>> g = np.array([[[1.0, 0.0, 0.0]]])
    >>> x = np.array([[[-1.0, 0.0, 1.0]]]) * 1.5**0.5
    >>> [part.round(3).tolist() for part in group_norm_backward(g, x, 1, eps=0.0)]
    [[[[0.167, -0.333, 0.167]]], [-1.225], [1.0]]
    """
    what = "group_norm_backward"
    x, groups, weight, _ = _checked(what, x, num_groups, weight, None)
    grad = arguments.gradient(grad_output, x.shape, what, x=x)
    eps = checked_eps(eps, what)
    rows, g = _grouped(x, groups), _grouped(grad, groups)
    n = math.prod(rows.shape[2:])
    with np.errstate(all="ignore"):
        weight = _per_channel(weight, groups, 1)
        d, left, inverse = restored(rows, OVER, eps, saved, what)
        sum_g = total(g, over=(3,))  # per image and channel; weight is one number there, so h needs no sums of its own
        sum_gx = inverse * (total(g, d, over=(3,)) - left * sum_g)
        mean_h, mean_hx = ((weight * part).sum(axis=2, keepdims=True) / n for part in (sum_g, sum_gx))
        grad_x = pulled_back(g, weight * inverse, d, left, inverse, mean_h, mean_hx)
        by_weight, by_bias = (part.sum(axis=0).astype(x.dtype).ravel() for part in (sum_gx, sum_g))
    return grad_x.reshape(x.shape), by_weight, by_bias


def checked_groups(num_groups, channels: int, what: str, name: str = "the channels of x") -> int:
    """Return num_groups when it divides the channels."""
    groups = check.integer(num_groups, "num_groups", what, 1)
    if channels % groups:
        divisors = ", ".join(str(k) for k in range(1, channels + 1) if channels % k == 0)
        raise ArgumentError(
            f"{what}: num_groups must divide {name}, but {channels} / {groups} leaves {channels % groups}; "
            f"{channels} channels can be dealt into {divisors}."
        )
    return groups


def _checked(what: str, x, num_groups, weight, bias):
    """Return x, the number of groups, weight and bias, when they fit each other."""
    x = check.float_array(x, "x", what)
    given = {"weight": weight, "bias": bias}
    given = {name: None if array is None else check.float_array(array, name, what) for name, array in given.items()}
    check.same_dtype(what, x=x, **given)
    if x.ndim < 2:
        raise ShapeError(f"{what}: x must be (N, C) or (N, C, …), but x.shape={x.shape} has no channel axis; give it one, x[None].")
    if 0 in x.shape[1:]:
        raise ShapeError(f"{what}: only the batch may be empty, but x.shape={x.shape} has groups of no numbers.")
    for name, array in given.items():
        if array is None:
            continue
        if array.ndim != 1:
            raise ShapeError(f"{what}: {name} must have one axis, (C,), but its shape is {array.shape}; use {name}.reshape(-1).")
        if x.ndim == 4:
            check.wants_channels(what, x, len(array), source=name)
        elif x.shape[1] != len(array):
            raise ShapeError(f"{what}: {name} has {len(array)} channels but x has {x.shape[1]} (x.shape={x.shape}). Channels are axis 1.")
    return x, checked_groups(num_groups, x.shape[1], what), given["weight"], given["bias"]


def _grouped(x: np.ndarray, groups: int) -> np.ndarray:
    """Return x as (N, groups, channels of a group, positions)."""
    images, channels = x.shape[:2]
    return np.ascontiguousarray(x).reshape(images, groups, channels // groups, math.prod(x.shape[2:]))


def _per_channel(array: np.ndarray | None, groups: int, otherwise: float) -> np.ndarray:
    """Return C numbers as float64 that fit x as (N, groups, channels of a group, positions)."""
    return np.full((1, 1, 1, 1), float(otherwise)) if array is None else array.astype(np.float64).reshape(1, groups, -1, 1)
