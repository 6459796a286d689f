"""Which question: how are positions moved, without new arithmetic?

Idea: flatten lays maps out as one line per image, in the order they are stored: channel, row, column.
pad adds a border; every padded position is a copy of one input position, or a constant, and window.py's
rule says which: a kernel of size 1 that slides over the padded axis sees exactly it.

Cost: flatten none where the memory already lies in order, else a copy; pad one or two copies.
When it loses: a convolution that pads by itself needs no padded copy.  What it does not do: axes other
than the last two, cropping (that is slicing), gradients.
Source: PyTorch's documentation of torch.flatten and torch.nn.functional.pad.  Next room: resize.py.
"""

import math

import numpy as np

from minicnn import check
from minicnn.axis import Slide
from minicnn.errors import ArgumentError, ShapeError
from minicnn.functional import arguments
from minicnn.window import Window, from_torch_pad

__all__ = ["flatten", "pad"]

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
    start = arguments.axis(start_dim, x, "flatten", name="start_dim")
    end = arguments.axis(end_dim, x, "flatten", name="end_dim")
    if start > end:
        raise ArgumentError(
            f"flatten: start_dim must not come after end_dim, but they are axes {start} and {end} of x.shape={x.shape}; exchange them."
        )
    return x.reshape(*x.shape[:start], math.prod(x.shape[start : end + 1]), *x.shape[end + 1 :])


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
    window = Window.of(1, padding=from_torch_pad(*_amounts(pad)), padding_mode=MODES[mode], what="pad")
    try:
        height, width = window.output_size(batch.shape[2:], "pad")
    except ShapeError as error:  # the same arithmetic, with this function's word for the remedy
        raise ShapeError(str(error).replace("padding_mode='zeros'", "mode='constant'")) from None
    (top, _), (left, _) = window.padding
    if mode == "constant":
        with np.errstate(all="ignore"):
            y = np.full((*batch.shape[:2], height, width), value, batch.dtype)
        y[:, :, top : top + batch.shape[2], left : left + batch.shape[3]] = batch
    else:
        rows, columns = (_sources(rule, n) for rule, n in zip(window.axes(batch.shape[2:]), batch.shape[2:], strict=True))
        y = batch.take(columns, axis=3).take(rows, axis=2)
    return y[0] if unbatched else y


def _amounts(pad) -> list[int]:
    """Return pad as two or four whole numbers that are not negative."""
    if not isinstance(pad, list | tuple) or len(pad) not in (2, 4):
        raise ArgumentError(
            f"pad: pad must be (left, right) or (left, right, top, bottom), from the last axis on as in torch.nn.functional.pad, but it is {pad!r}."
        )
    for amount, crop in zip(pad, ("x[..., {0}:]", "x[..., :{1}]", "x[..., {0}:, :]", "x[..., :{1}, :]"), strict=False):
        if isinstance(amount, int | np.integer) and amount < 0:
            raise ArgumentError(
                f"pad: padding must not be negative, but pad is {tuple(pad)}; to take positions away, slice: {crop.format(-amount, amount)}."
            )
    return [check.integer(amount, f"pad[{i}]", "pad", 0) for i, amount in enumerate(pad)]


def _sources(rule: Slide, n: int) -> list[int]:
    """Return for each padded position the one input position that it copies."""
    return [source for i in range(rule.out_size(n)) for source in rule.sees(i, n)]
