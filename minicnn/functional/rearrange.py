"""Which question: how are positions moved, without new arithmetic?

Idea: flatten lays maps out as one line per image, in the order they are stored: channel, row, column.
pad adds a border; every padded position is a copy of one input position, or a constant, and window.py's
rule says which: a kernel of size 1 that slides over the padded axis sees exactly it. On the way back an
input collects what comes back from all its copies.

Cost: flatten none where the memory already lies in order, else a copy; pad one or two copies, its gradient
one copy and one pass over the border.
When it loses: a convolution that pads by itself needs no padded copy.  What it does not do: axes other
than the last two, cropping (that is slicing).
Source: PyTorch's documentation of torch.flatten and torch.nn.functional.pad.  Next room: resize.py.
"""

import math

import numpy as np

from minicnn import check
from minicnn.axis import Slide
from minicnn.conv.border import collected
from minicnn.errors import ArgumentError, ShapeError
from minicnn.functional import arguments
from minicnn.window import Window, from_torch_pad

__all__ = ["flatten", "flatten_backward", "pad", "pad_backward"]

MODES = {"constant": "zeros", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}  # F.pad's word: window.py's


def flatten(x, start_dim=1, end_dim=-1) -> np.ndarray:
    """Return x with the axes start_dim … end_dim made into one.

    y[n, (c·H + h)·W + w] = x[n, c, h, w] by default. x: at least one axis, float32 or float64, the same out.
    The result is a view of x where its memory allows (as in PyTorch and NumPy), else a copy: copy() before writing into it.

    Raises DTypeError, ShapeError, ArgumentError.  Source: torch.flatten, whose default start_dim is 0; nn.Flatten's is 1.

    >>> flatten(np.zeros((2, 3, 4, 5))).shape
    (2, 60)
    """
    x = check.float_array(x, "x", "flatten")
    return x.reshape(_flat_shape(x.shape, start_dim, end_dim, "flatten"))


def flatten_backward(grad_output, x, start_dim=1, end_dim=-1) -> np.ndarray:
    """Return the gradient of Σ grad_output·flatten(x, start_dim, end_dim) by x: grad_output in the shape of x.

    grad_x[n, c, h, w] = grad_output[n, (c·H + h)·W + w] by default. x: the array or its shape, only this counts.
    The result is a view of grad_output where its memory allows, else a copy: copy() before writing into it.

    Raises DTypeError, ShapeError, ArgumentError.  Source: torch.flatten.

    >>> flatten_backward(np.arange(6.0).reshape(1, 6), (1, 2, 3))
    array([[[0., 1., 2.],
            [3., 4., 5.]]])
    """
    shape = arguments.shape_of(x, "flatten_backward")
    flat = _flat_shape(shape, start_dim, end_dim, "flatten_backward")
    return arguments.gradient(grad_output, flat, "flatten_backward", **arguments.arrays_among(x=x)).reshape(shape)


def _flat_shape(shape: tuple[int, ...], start_dim, end_dim, what: str) -> tuple[int, ...]:
    start = arguments.axis(start_dim, shape, what, name="start_dim")
    end = arguments.axis(end_dim, shape, what, name="end_dim")
    if start > end:
        raise ArgumentError(
            f"{what}: start_dim must not come after end_dim, but they are axes {start} and {end} of x.shape={shape}; exchange them."
        )
    return (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :])


def pad(x, pad, mode="constant", value=0.0) -> np.ndarray:
    """Return x with a border around its last two axes.

    y[n, c, h, w] = x[n, c, h - top, w - left] inside; outside the value ('constant'), the mirror image that does not repeat
    the edge ('reflect'), the edge ('replicate') or the opposite side ('circular').
    x: (N, C, H, W) or (C, H, W), float32 or float64, the same out; pad: (left, right) or (left, right, top, bottom).

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.nn.functional.pad.

    >>> pad(np.array([[[1.0, 2.0, 3.0]]]), (2, 1), mode="reflect")
    array([[[3., 2., 1., 2., 3., 2.]]])
    """
    batch, unbatched = check.image_batch(x, "pad")
    mode = check.one_of(mode, "mode", "pad", tuple(MODES))
    value = arguments.real(value, "value", "pad")
    if mode != "constant" and value != 0:
        raise ArgumentError(f"pad: only mode='constant' takes a value, but mode is {mode!r} and value is {value}; leave value out.")
    rows, columns = _border_rules(batch.shape[2:], pad, mode, "pad")
    height, width = batch.shape[2:]
    if mode == "constant":
        with np.errstate(all="ignore"):
            y = np.full((*batch.shape[:2], rows.out_size(height), columns.out_size(width)), value, batch.dtype)
        y[:, :, rows.before : rows.before + height, columns.before : columns.before + width] = batch
    else:
        y = batch.take(_sources(columns, width), axis=3).take(_sources(rows, height), axis=2)
    return y[0] if unbatched else y


def pad_backward(grad_output, x, pad, mode="constant") -> np.ndarray:
    """Return the gradient of Σ grad_output·pad(x, pad, mode) by x: each input collects from all its copies.

    grad_x[n, c, h, w] = Σ grad_output[n, c, p, q] over the padded positions (p, q) that pad filled from x[n, c, h, w];
    with 'constant' that is one, grad_output[n, c, h + top, w + left], and the border's gradient goes nowhere.
    x: (N, C, H, W) or (C, H, W), the array or its shape, only this counts; pad: (left, right) or (left, right, top, bottom).

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.nn.functional.pad.

    >>> pad_backward(np.array([[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]]), (1, 1, 3), (2, 1), "reflect")    # of 3 2 1 2 3 2
    array([[[ 3., 12.,  6.]]])
    """
    shape, unbatched = arguments.image_shape(x, "pad_backward")
    mode = check.one_of(mode, "mode", "pad_backward", tuple(MODES))
    rules = _border_rules(shape[2:], pad, mode, "pad_backward")
    padded = (*shape[:2], *(rule.out_size(n) for rule, n in zip(rules, shape[2:], strict=True)))
    grad = arguments.gradient(grad_output, padded[unbatched:], "pad_backward", **arguments.arrays_among(x=x))
    grad = grad[None] if unbatched else grad
    for axis, rule in zip((2, 3), rules, strict=True):
        grad = collected(grad, rule, shape[axis], axis)
    return grad[0] if unbatched else grad


def _border_rules(in_size: tuple[int, int], pad, mode: str, what: str) -> tuple[Slide, Slide]:
    """Return the rules for rows and columns of a kernel of size 1 that slides over the padded axis, checked."""
    window = Window.of(1, padding=from_torch_pad(*_amounts(pad, what)), padding_mode=MODES[mode], what=what)
    try:
        window.output_size(in_size, what)
    except ShapeError as error:  # the same arithmetic, with this function's word for the remedy
        raise ShapeError(str(error).replace("padding_mode='zeros'", "mode='constant'")) from None
    return window.axes(in_size)


def _amounts(pad, what: str) -> list[int]:
    """Return pad as two or four whole numbers that are not negative."""
    if not isinstance(pad, list | tuple) or len(pad) not in (2, 4):
        raise ArgumentError(
            f"{what}: pad must be (left, right) or (left, right, top, bottom), from the last axis on as in torch.nn.functional.pad, but it is {pad!r}."
        )
    for amount, crop in zip(pad, ("x[..., {0}:]", "x[..., :{1}]", "x[..., {0}:, :]", "x[..., :{1}, :]"), strict=False):
        if isinstance(amount, int | np.integer) and amount < 0:
            raise ArgumentError(
                f"{what}: padding must not be negative, but pad is {tuple(pad)}; to take positions away, slice: {crop.format(-amount, amount)}."
            )
    return [check.integer(amount, f"pad[{i}]", what, 0) for i, amount in enumerate(pad)]


def _sources(rule: Slide, n: int) -> list[int]:
    """Return for each padded position the one input position that it copies."""
    return [source for i in range(rule.out_size(n)) for source in rule.sees(i, n)]
