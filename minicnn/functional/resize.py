"""Which question: how is a map drawn at another size?

Idea: every output lies somewhere between input positions. 'nearest' copies the one it falls on; 'bilinear' mixes the
two on either side by distance, first over rows, then over columns. axis.py's Resize gives inputs and
weights as exact fractions; a weight that is 0 is not multiplied, so a NaN stays where it is seen.
On the way back every input collects, with the same weights, from the outputs that it was mixed into.

Cost: about four multiply-adds per output for 'bilinear', none for 'nearest'; the weights are O(out_h + out_w), and the
last 64 small tables of them are kept, locked.  When it loses: the first call of a process loads Numba, 0.5 s; making a map
much smaller looks at two inputs per axis only and skips the rest (average pooling does not), so that the rest get no
gradient either.  What it does not do: bicubic, area, antialias.
Source: torch.nn.functional.interpolate.  Next room: resample.py, which has ONNX's rules for where an output lies.
"""

import functools
import math
import sys

import numpy as np

from minicnn import check
from minicnn.axis import Resampled, Resize, ratio
from minicnn.conv.algorithm import plain
from minicnn.conv.layout import WORTH_KEEPING, locked
from minicnn.errors import ArgumentError, ShapeError
from minicnn.functional import arguments
from minicnn.functional.taps import resized
from minicnn.functional.winners import run

__all__ = ["interpolate", "interpolate_backward"]

MODES = ("nearest", "bilinear")
Rule = Resize | Resampled  # each names the inputs of an output, and their weights


def interpolate(x, size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None) -> np.ndarray:
    """Return x at another size.

    nearest: y[p, q] = x[floor(p·a), floor(q·b)].  bilinear: y[p, q] = Σ of the up to four inputs around
    ((2p+1)·a/2 - 1/2, (2q+1)·b/2 - 1/2), or around (p·(H-1)/(P-1), q·(W-1)/(Q-1)) with align_corners, by distance.
    The steps are (a, b) = (H/P, W/Q), or 1/scale_factor where that is given (see axis.Resize for where it is not),
    unless recompute_scale_factor=True lets the sizes decide.
    x: (N, C, H, W) or (C, H, W), float32 or float64, the same out; size: a number or (P, Q); or scale_factor: a number
    or a pair, P = floor(H·scale). align_corners belongs to 'bilinear' and is False where None.

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.nn.functional.interpolate.

    >>> interpolate(np.array([[[0.0, 4.0]]]), size=(1, 4), mode="bilinear")
    array([[[0., 1., 3., 4.]]])
    """
    batch, unbatched = check.image_batch(x, "interpolate")
    y = by_rules(batch, _rules(batch.shape[2:], size, scale_factor, mode, align_corners, recompute_scale_factor))
    return y[0] if unbatched else y


def interpolate_backward(
    grad_output, x, size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None
) -> np.ndarray:
    """Return the gradient of Σ grad_output·interpolate(x, …) by x.

    grad_x[h, w] = Σ_p Σ_q (weight of row h in row p)·(weight of column w in column q)·grad_output[p, q], the weights being
    those of interpolate: 1 for 'nearest', 1 - distance for 'bilinear'. An input that no output looked at gets 0.
    x: (N, C, H, W) or (C, H, W), the array or its shape, only this counts; grad_output: the shape of the output.

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.nn.functional.interpolate.

    >>> interpolate_backward(np.array([[[1.0, 1.0, 1.0, 10.0]]]), (1, 1, 2), size=(1, 4), mode="bilinear")   # weights 1, 3/4, 1/4, 0
    array([[[ 2., 11.]]])
    """
    what = "interpolate_backward"
    shape, unbatched = arguments.image_shape(x, what)
    rules = _rules(shape[2:], size, scale_factor, mode, align_corners, recompute_scale_factor, what)
    resized_shape = (*shape[:2], *(rule.out for rule in rules))
    grad = arguments.gradient(grad_output, resized_shape[unbatched:], what, **arguments.arrays_among(x=x))
    grad = grad[None] if unbatched else grad
    for axis, rule in zip((3, 2), reversed(rules), strict=True):  # the way back: columns, then rows
        grad = collected_along(grad, rule, shape[axis], axis)
    return grad[0] if unbatched else grad


def _rules(
    in_size: tuple[int, int], size, scale_factor, mode, align_corners, recompute, what: str = "interpolate"
) -> tuple[Resize, Resize]:
    """Return the rules for rows and columns, with all settings checked."""
    mode, corners = check.one_of(mode, "mode", what, MODES), bool(align_corners)
    if align_corners is not None and mode == "nearest":
        raise ArgumentError(f"{what}: align_corners belongs to mode='bilinear', but mode is 'nearest'; leave align_corners out.")
    if (size is None) == (scale_factor is None):
        raise ArgumentError(
            f"{what}: give one of size and scale_factor, but size is {size!r} and scale_factor is {scale_factor!r}; "
            + ("leave one out." if size is not None else "size=(rows, columns) says how large, scale_factor=2 how many times.")
        )
    recompute = None if recompute is None else check.flag(recompute, "recompute_scale_factor", what)
    if size is not None:
        if recompute:
            raise ArgumentError(f"{what}: recompute_scale_factor belongs to scale_factor, but size is {size!r}; leave it out.")
        height, width = check.pair(size, "size", what, 1)
        return Resize(height, mode, corners), Resize(width, mode, corners)
    factors = scale_factor if isinstance(scale_factor, list | tuple) else (scale_factor, scale_factor)
    if len(factors) != 2:
        raise ArgumentError(f"{what}: scale_factor must be one number or a pair (vertical, horizontal), but it is {scale_factor!r}.")
    factors = [_factor(factor, what) for factor in factors]
    rows, columns = (
        Resize(_scaled(n, factor, what), mode, corners, None if recompute else ratio(factor))
        for n, factor in zip(in_size, factors, strict=True)
    )
    return rows, columns


def _factor(factor, what: str) -> float:
    factor = arguments.real(factor, "scale_factor", what)
    if not 0 < factor < math.inf:
        raise ArgumentError(f"{what}: scale_factor must be positive and finite, but it is {factor}; 2.0 doubles, 0.5 halves.")
    return factor


def _scaled(n: int, factor: float, what: str) -> int:
    product = n * factor
    if product < 1 or product > sys.maxsize:
        raise ShapeError(
            f"{what}: an output needs at least 1 position and a size that memory has, but {n}·{factor} = {product:g}; "
            "use another scale_factor."
        )
    return math.floor(product)


def by_rules(batch: np.ndarray, rules: tuple[Rule, Rule]) -> np.ndarray:
    """Return a batch resized over rows, then over columns."""
    from minicnn.functional.resize_kernel import mix_planes, pick_planes  # Numba loads here, not with the package

    n, channels, height, width = batch.shape
    planes = plain(batch).reshape(n * channels, height, width)
    (rows, row_weights), (columns, column_weights) = (
        (_table if rule.out <= WORTH_KEEPING else _table.__wrapped__)(rule, size, batch.dtype)
        for rule, size in zip(rules, (height, width), strict=True)
    )
    y = np.empty((n * channels, rules[0].out, rules[1].out), batch.dtype)
    if rules[0].mode == "nearest":
        run(pick_planes, y.size, planes, y, rows[0], columns[0])
    else:
        run(mix_planes, y.size, planes, y, rows, row_weights, columns, column_weights)
    return y.reshape(n, channels, *y.shape[1:])


@functools.lru_cache(64)
def _table(rule: Rule, n: int, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """Return the two inputs that each output is mixed from, (2, outputs), and their weights; one input stands there twice, 1 and 0.

    >>> _table(Resize(4, "bilinear"), 2, np.dtype(np.float32))
    (array([[0, 0, 0, 1],
           [0, 1, 1, 1]], dtype=uint32), array([[1.  , 0.75, 0.25, 1.  ],
           [0.  , 0.25, 0.75, 0.  ]], dtype=float32))
    """
    taps = [rule.taps(i, n) for i in range(rule.out)]
    inputs = [[looked[place][0] for looked in taps] for place in (0, -1)]
    weights = [[float(looked[0][1]) for looked in taps], [float(looked[1][1]) if len(looked) == 2 else 0.0 for looked in taps]]
    return locked(np.array(inputs, np.uint32)), locked(np.array(weights, dtype))


def collected_along(grad: np.ndarray, rule: Rule, n: int, axis: int) -> np.ndarray:
    """Return for each of n inputs of one axis the weighted sum over the outputs that look at it.

    Round r adds what the r-th of these outputs has for each input, for all inputs that have so many: few passes over
    whole maps, in a fixed order.
    """
    looking: list[list[tuple[int, float]]] = [[] for _ in range(n)]
    for i in range(rule.out_size(n)):
        for source, weight in rule.taps(i, n):
            looking[source].append((i, weight))
    total = np.zeros(resized(grad, axis, n), grad.dtype)
    with np.errstate(all="ignore"):
        for place in range(max(map(len, looking))):
            inputs = [q for q, outputs in enumerate(looking) if len(outputs) > place]
            outputs, weights = zip(*(looking[q][place] for q in inputs), strict=True)
            part = grad.take(outputs, axis=axis)
            if rule.mode != "nearest":
                part *= _weights(weights, part, axis)
            everywhere = len(inputs) == n  # a list of positions costs a copy there and back
            total[(slice(None),) * axis + (slice(None) if everywhere else inputs,)] += part
    return total


def _weights(fractions: list, y: np.ndarray, axis: int) -> np.ndarray:
    """Return one weight per position of the axis, shaped to lie along it."""
    return np.array([float(fraction) for fraction in fractions], y.dtype).reshape((-1,) + (1,) * (y.ndim - axis - 1))
