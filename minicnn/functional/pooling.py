"""Which question: what is the largest value, or the mean, of each window that slides over a map?

Idea: a window is a rectangle, and the largest of a rectangle is the largest over its rows of the largest
over its columns (the sum likewise). So one axis is done after the other, by one function, with a loop over
that axis's taps on strided slices: kh + kw passes in place of kh·kw, and the padding is never stored.

Cost: kh + kw passes over shrinking maps; the indices cost about four times the values.  When it loses: maps far
larger than the cache travel once per tap.  What it does not do: gradients; padding beyond half a kernel.
Source: PyTorch's documentation of max_pool2d and avg_pool2d; its divisor rule as stated in avg_pool2d's card.
Next room: adaptive.py.
"""

from dataclasses import replace

import numpy as np

from minicnn import check
from minicnn.axis import Slide
from minicnn.errors import ArgumentError, ShapeError
from minicnn.functional.taps import along, resized, taps
from minicnn.window import Window

__all__ = ["max_pool2d", "avg_pool2d"]

ROWS, COLUMNS = 2, 3  # the axes of N C H W
MaxAndPlaces = np.ndarray | tuple[np.ndarray, np.ndarray]  # the pair with return_indices


def max_pool2d(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False) -> MaxAndPlaces:
    """Return the largest value that each window sees, and where it stood if asked.

    y[n,c,p,q] = max over i, j of x[n, c, p·stride_h + i·dil_h - top, q·stride_w + j·dil_w - left], inside x only.
    x: (N, C, H, W) or (C, H, W), float32 or float64, the same out; stride: kernel_size where None; padding: a number,
    a pair or ((top, bottom), (left, right)), at most half the kernel. indices: int64, row·W + column in the input
    plane; the first of equal values in reading order. A NaN wins, and of several the last, as in PyTorch.

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.nn.functional.max_pool2d.

    >>> x = np.arange(20.0).reshape(1, 1, 4, 5)
    >>> max_pool2d(x, 2, return_indices=True)
    (array([[[[ 6.,  8.],
             [16., 18.]]]]), array([[[[ 6,  8],
             [16, 18]]]]))
    """
    batch, unbatched = check.image_batch(x, "max_pool2d")
    rows, columns = _rules("max_pool2d", batch, kernel_size, stride, padding, dilation, ceil_mode)
    if not return_indices:
        y = largest_along(largest_along(batch, rows, ROWS), columns, COLUMNS)
        return y[0] if unbatched else y
    _every_window_sees_something(batch, rows, columns)
    places = positions_in_plane(batch)
    # Columns first: the first of equals is then found per row, and the first such row last.
    y, places = _largest_and_where(*_largest_and_where(batch, places, columns, COLUMNS), rows, ROWS)
    return (y[0], places[0]) if unbatched else (y, places)


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
    if divisor_override is not None:
        divisor_override = check.integer(divisor_override, "divisor_override", "avg_pool2d", 1)
    rows, columns = _rules("avg_pool2d", batch, kernel_size, stride, padding, 1, ceil_mode)
    y = _sum_along(_sum_along(batch, rows, ROWS), columns, COLUMNS)
    if divisor_override is not None:
        divisor = np.array(divisor_override, y.dtype)
    else:
        counts = (_counts(rule, batch.shape[axis], count_include_pad) for rule, axis in ((rows, ROWS), (columns, COLUMNS)))
        divisor = np.multiply.outer(*counts).astype(y.dtype)  # (P, Q)
    with np.errstate(all="ignore"):
        np.divide(y, divisor, out=y)
    return y[0] if unbatched else y


def _rules(what: str, batch: np.ndarray, kernel_size, stride, padding, dilation, ceil_mode) -> tuple[Slide, Slide]:
    """Return the rules for rows and columns, with the settings and the sizes checked."""
    stride = kernel_size if stride is None else stride
    window = Window.of(kernel_size, stride, padding, dilation, ceil_mode=ceil_mode, what=what)
    check_padding(window, batch.shape[2:], what)
    window.output_size(batch.shape[2:], what)
    return window.axes(batch.shape[2:])


def check_padding(window: Window, in_size: tuple[int, int], what: str) -> None:
    """Raise where padding is more than half the kernel, as PyTorch does."""
    for rule, word in zip(window.axes(in_size), ("rows", "columns"), strict=True):
        if max(rule.before, rule.after) > rule.kernel // 2:
            raise ArgumentError(
                f"{what}: padding must be at most half the kernel, but over the {word} it is ({rule.before}, {rule.after}) "
                f"and {rule.kernel} // 2 = {rule.kernel // 2}, so that a window could lie in the padding alone. "
                f"Use padding {rule.kernel // 2} or less, or a larger kernel."
            )


def _every_window_sees_something(batch: np.ndarray, rows: Slide, columns: Slide) -> None:
    for rule, axis, word in ((rows, ROWS, "row"), (columns, COLUMNS, "column")):
        n = batch.shape[axis]
        # Only a dilated kernel can have all its taps in the padding, around a map smaller than its gaps.
        blind = next((i for i in range(rule.out_size(n)) if not rule.sees(i, n)), None) if rule.dilation > 1 else None
        if blind is not None:
            raise ShapeError(
                f"max_pool2d: return_indices needs every window to see an input, but output {word} {blind} sees none: "
                f"its taps lie {rule.dilation} apart around {n} {word}s. Use less padding or dilation, or leave return_indices out."
            )


def largest_along(x: np.ndarray, rule: Slide, axis: int) -> np.ndarray:
    """Return the maximum over each window of one axis; -inf where a window sees nothing."""
    n = x.shape[axis]
    best = np.full(resized(x, axis, rule.out_size(n)), -np.inf, x.dtype)
    for _, outputs, inputs in taps(rule, n, best.shape[axis]):
        here = along(best, axis, outputs)
        np.maximum(here, along(x, axis, inputs), out=here)
    return best


def positions_in_plane(batch: np.ndarray) -> np.ndarray:
    """Return row·W + column for every input, the same for all images and channels (a view that stores one plane)."""
    height, width = batch.shape[2:]
    return np.broadcast_to(np.arange(height * width, dtype=np.int64).reshape(height, width), batch.shape)


def _largest_and_where(x: np.ndarray, places: np.ndarray, rule: Slide, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the maximum over each window of one axis and the place it came from."""
    n = x.shape[axis]
    shape = resized(x, axis, rule.out_size(n))
    best, found = np.full(shape, -np.inf, x.dtype), np.full(shape, -1, np.int64)
    for _, outputs, inputs in taps(rule, n, shape[axis]):
        take_larger(along(best, axis, outputs), along(found, axis, outputs), along(x, axis, inputs), along(places, axis, inputs))
    return best, found


def take_larger(best: np.ndarray, found: np.ndarray, value: np.ndarray, place: np.ndarray) -> None:
    """Write value and place over best and found where value is larger, is NaN, or is the first to be seen (found is -1)."""
    better = value > best
    better |= np.isnan(value)
    better |= found < 0  # a window of nothing but -inf has a place too
    np.copyto(best, value, where=better)
    np.copyto(found, place, where=better)


def _sum_along(x: np.ndarray, rule: Slide, axis: int) -> np.ndarray:
    """Return the sum over each window of one axis."""
    n = x.shape[axis]
    total = np.zeros(resized(x, axis, rule.out_size(n)), x.dtype)
    with np.errstate(all="ignore"):
        for _, outputs, inputs in taps(rule, n, total.shape[axis]):
            here = along(total, axis, outputs)
            np.add(here, along(x, axis, inputs), out=here)
    return total


def _counts(rule: Slide, n: int, include_padding: bool) -> list[int]:
    """Return how many positions of one axis each window covers."""
    outputs = range(rule.out_size(n))
    if not include_padding:
        return [len(rule.sees(i, n)) for i in outputs]
    unpadded = replace(rule, before=0, after=0)  # the same windows over an axis that holds its padding
    return [len(unpadded.sees(i, n + rule.before + rule.after)) for i in outputs]
