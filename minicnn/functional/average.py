"""Which question: what is the mean of each window that slides over a map, and where does its gradient go?

Idea: the sum over a rectangle is the sum over its rows of the sums over its columns. So one axis is done after the
other, by one function, with a loop over that axis's taps on strided slices: kh + kw passes in place of kh·kw, and the
padding is never stored. Backwards the same slices are read the other way: every input of a window gets
its share of the window's gradient.

Cost: kh + kw passes over shrinking maps, either way.  When it loses: maps far larger than the cache travel once per tap.
What it does not do: padding beyond half a kernel; dilation.
Source: PyTorch's documentation of avg_pool2d; its divisor rule as stated in avg_pool2d's card.
Next room: adaptive.py.
"""

from dataclasses import replace

import numpy as np

from minicnn import check
from minicnn.axis import Slide
from minicnn.functional import arguments
from minicnn.functional.pooling import COLUMNS, ROWS, Rules, window_rules
from minicnn.functional.taps import along, resized, taps

__all__ = ["avg_pool2d", "avg_pool2d_backward"]


def avg_pool2d(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None) -> np.ndarray:
    """Return the mean of what each window covers.

    y[n,c,p,q] = Σ of the inputs that the window sees / divisor, where the divisor is
    divisor_override if given; else the positions the window covers of the padded input (count_include_pad), or of the
    input alone. What ceil_mode lets hang out beyond the padding is never counted.
    x: (N, C, H, W) or (C, H, W), float32 or float64, the same out and summed in it; stride and padding as in max_pool2d.

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.nn.functional.avg_pool2d.

    >>> x = np.arange(20.0).reshape(1, 1, 4, 5)
    >>> avg_pool2d(x, 2)
    array([[[[ 3.,  5.],
             [13., 15.]]]])
    """
    batch, unbatched = check.image_batch(x, "avg_pool2d")
    size = batch.shape[2:]
    override = _override(divisor_override, "avg_pool2d")
    rows, columns = rules = window_rules("avg_pool2d", size, kernel_size, stride, padding, 1, ceil_mode)
    y = sum_along(sum_along(batch, rows, ROWS), columns, COLUMNS)
    with np.errstate(all="ignore"):
        np.divide(y, _divisors(rules, size, count_include_pad, override, y.dtype), out=y)
    return y[0] if unbatched else y


def avg_pool2d_backward(
    grad_output, x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None
) -> np.ndarray:
    """Return the gradient of Σ grad_output·avg_pool2d(x, …) by x: every input of a window gets an equal share.

    grad_x[n,c,h,w] = Σ grad_output[n,c,p,q] / divisor[p,q] over the windows (p, q) that see (h, w), with avg_pool2d's divisor.
    x: (N, C, H, W) or (C, H, W), the array or its shape, only this counts; grad_output: the shape of the output.

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.nn.functional.avg_pool2d.

    >>> avg_pool2d_backward(np.array([[[[4.0, 8.0]]]]), (1, 1, 2, 5), 2)         # the last column is in no window
    array([[[[1., 1., 2., 2., 0.],
             [1., 1., 2., 2., 0.]]]])
    """
    what = "avg_pool2d_backward"
    shape, unbatched = arguments.image_shape(x, what)
    override = _override(divisor_override, what)
    rows, columns = rules = window_rules(what, shape[2:], kernel_size, stride, padding, 1, ceil_mode)
    out = (*shape[:2], rows.out_size(shape[ROWS]), columns.out_size(shape[COLUMNS]))
    grad = arguments.gradient(grad_output, out[unbatched:], what, **arguments.arrays_among(x=x)).reshape(out)
    with np.errstate(all="ignore"):
        shares = grad / _divisors(rules, shape[2:], count_include_pad, override, grad.dtype)
    grad_x = _spread_along(_spread_along(shares, columns, shape[COLUMNS], COLUMNS), rows, shape[ROWS], ROWS)
    return grad_x[0] if unbatched else grad_x


def _override(divisor_override, what: str) -> int | None:
    return None if divisor_override is None else check.integer(divisor_override, "divisor_override", what, 1)


def _divisors(rules: Rules, size: tuple[int, int], count_include_pad, override: int | None, dtype) -> np.ndarray:
    """Return what each window's sum is divided by: (P, Q), or one number."""
    if override is not None:
        return np.array(override, dtype)
    counts = (_counts(rule, n, count_include_pad) for rule, n in zip(rules, size, strict=True))
    return np.multiply.outer(*counts).astype(dtype)


def _counts(rule: Slide, n: int, include_padding: bool) -> list[int]:
    """Return how many positions of one axis each window covers."""
    outputs = range(rule.out_size(n))
    if not include_padding:
        return [len(rule.sees(i, n)) for i in outputs]
    unpadded = replace(rule, before=0, after=0)  # the same windows over an axis that holds its padding
    return [len(unpadded.sees(i, n + rule.before + rule.after)) for i in outputs]


def sum_along(x: np.ndarray, rule: Slide, axis: int) -> np.ndarray:
    """Return the sum over each window of one axis."""
    n = x.shape[axis]
    total = np.zeros(resized(x, axis, rule.out_size(n)), x.dtype)
    with np.errstate(all="ignore"):
        for _, outputs, inputs in taps(rule, n, total.shape[axis]):
            here = along(total, axis, outputs)
            np.add(here, along(x, axis, inputs), out=here)
    return total


def _spread_along(shares: np.ndarray, rule: Slide, n: int, axis: int) -> np.ndarray:
    """Return for each of n inputs of one axis the sum over the windows that see it: `sum_along` turned round."""
    total = np.zeros(resized(shares, axis, n), shares.dtype)
    with np.errstate(all="ignore"):
        for _, outputs, inputs in taps(rule, n, shares.shape[axis]):
            here = along(total, axis, inputs)
            np.add(here, along(shares, axis, outputs), out=here)
    return total
