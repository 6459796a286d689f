"""Which question: how is a convolution turned into one matrix product, and the columns back into a map?

Idea: unfold lays every window out as a column: one row per channel and tap, one column per position of the window
(im2col). fold is the way back: it adds every number where unfold would have read it, so that overlapping windows
sum up. Each is the other's adjoint, ⟨unfold(x), g⟩ = ⟨x, fold(g)⟩, and therefore the other's gradient.

    conv2d(x, w) = (w as K × C·kh·kw) @ unfold(x)            one column per output position

Cost: kh·kw strided copies of the map; the columns take kh·kw/(stride_h·stride_w) times its memory.
When it loses: the columns are rarely worth their memory (conv/im2col.py makes them for one image at a time).
What it does not do: padding modes other than zeros (pad first).
Source: torch.nn.functional.unfold and fold; Chellapilla, Puri, Simard (2006), section 2.1.  Next room: transposed.py.
"""

from collections.abc import Iterator

import numpy as np

from minicnn import check
from minicnn.axis import Slide
from minicnn.errors import ShapeError
from minicnn.functional import arguments
from minicnn.functional.taps import taps
from minicnn.window import Window

__all__ = ["fold", "fold_backward", "unfold", "unfold_backward"]

Rules = tuple[Slide, Slide]


def unfold(x, kernel_size, dilation=1, padding=0, stride=1) -> np.ndarray:
    """Return every window of x as a column.

    y[n, (c·kh + i)·kw + j, p·Q + q] = x[n, c, p·stride_h + i·dil_h - top, q·stride_w + j·dil_w - left], 0 outside.
    x: (N, C, H, W) or (C, H, W), float32 or float64, the same out; y: (N, C·kh·kw, P·Q) or (C·kh·kw, P·Q).
    kernel_size, dilation, stride: a number or a pair; padding: also ((top, bottom), (left, right)).

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.nn.functional.unfold, its order of arguments and of columns.

    >>> unfold(np.arange(6.0).reshape(1, 2, 3), kernel_size=2)
    array([[0., 1.],
           [1., 2.],
           [3., 4.],
           [4., 5.]])
    """
    batch, unbatched = check.image_batch(x, "unfold")
    columns = _unfolded(batch, _rules("unfold", batch.shape[2:], kernel_size, dilation, padding, stride))
    return columns[0] if unbatched else columns


def unfold_backward(grad_output, x, kernel_size, dilation=1, padding=0, stride=1) -> np.ndarray:
    """Return the gradient of Σ grad_output·unfold(x, …) by x: fold(grad_output).

    grad_x[n, c, h, w] = Σ grad_output[n, (c·kh + i)·kw + j, p·Q + q] over all windows (p, q) and taps (i, j) that read x[n, c, h, w].
    x: (N, C, H, W) or (C, H, W), the array or its shape, only this counts; grad_output: (N, C·kh·kw, P·Q) or (C·kh·kw, P·Q).

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.nn.functional.unfold.

    >>> unfold_backward(np.ones((4, 2)), (1, 2, 3), kernel_size=2)       # the middle column is read by both windows
    array([[[1., 2., 1.],
            [1., 2., 1.]]])
    """
    shape, unbatched = arguments.image_shape(x, "unfold_backward")
    rules = _rules("unfold_backward", shape[2:], kernel_size, dilation, padding, stride)
    columns = _columns_shape(shape, rules)
    grad = arguments.gradient(grad_output, columns[unbatched:], "unfold_backward", **arguments.arrays_among(x=x))
    maps = _folded(grad.reshape(columns), shape, rules)
    return maps[0] if unbatched else maps


def fold(x, output_size, kernel_size, dilation=1, padding=0, stride=1) -> np.ndarray:
    """Return the map of output_size in which every column of x is added to its window.

    y[n, c, h, w] = Σ x[n, (c·kh + i)·kw + j, p·Q + q] over all windows (p, q) and taps (i, j) that lie on (h, w).
    x: (N, C·kh·kw, L) or (C·kh·kw, L), float32 or float64, the same out, with L = P·Q the number of windows in
    output_size; y: (N, C, H, W) or (C, H, W). fold(unfold(x)) is x times the number of windows over each position.

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.nn.functional.fold, its order of arguments.

    >>> fold(unfold(np.ones((1, 2, 3)), 2), (2, 3), 2)
    array([[[1., 2., 1.],
            [1., 2., 1.]]])
    """
    x = check.float_array(x, "x", "fold")
    shape, rules = maps_shape("fold", x.shape, output_size, kernel_size, dilation, padding, stride)
    columns = x.reshape(_columns_shape(shape, rules))
    maps = _folded(columns, shape, rules)
    return maps[0] if x.ndim == 2 else maps


def fold_backward(grad_output, x, output_size, kernel_size, dilation=1, padding=0, stride=1) -> np.ndarray:
    """Return the gradient of Σ grad_output·fold(x, …) by x: unfold(grad_output).

    grad_x[n, (c·kh + i)·kw + j, p·Q + q] = grad_output[n, c, p·stride_h + i·dil_h - top, q·stride_w + j·dil_w - left], 0 outside.
    x: (N, C·kh·kw, L) or (C·kh·kw, L), the array or its shape, only this counts; grad_output: (N, C, H, W) or (C, H, W).

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.nn.functional.fold.

    >>> fold_backward(np.array([[[1.0, 2.0, 3.0]]]), (2, 2), output_size=(1, 3), kernel_size=(1, 2))
    array([[1., 2.],
           [2., 3.]])
    """
    x_shape = arguments.shape_of(x, "fold_backward")
    shape, rules = maps_shape("fold_backward", x_shape, output_size, kernel_size, dilation, padding, stride)
    unbatched = len(x_shape) == 2
    grad = arguments.gradient(grad_output, shape[unbatched:], "fold_backward", **arguments.arrays_among(x=x))
    columns = _unfolded(grad.reshape(shape), rules)
    return columns[0] if unbatched else columns


def maps_shape(what: str, shape, output_size, kernel_size, dilation, padding, stride) -> tuple[tuple[int, ...], Rules]:
    """Return the (N, C, H, W) that columns of this shape fold into, and the rules for rows and columns, or say why they do not."""
    if len(shape) not in (2, 3) or 0 in shape[-2:]:
        raise ShapeError(
            f"{what}: x must be (N, C·kh·kw, L) or (C·kh·kw, L), and only the batch may be empty, but x.shape={tuple(shape)}; "
            "give it one column for each window, as unfold does."
        )
    size = check.pair(output_size, "output_size", what, 1)
    rules = _rules(what, size, kernel_size, dilation, padding, stride)
    batch, (taps_in_column, found) = 1 if len(shape) == 2 else shape[0], shape[-2:]
    kernel = rules[0].kernel * rules[1].kernel
    if taps_in_column % kernel:
        raise ShapeError(
            f"{what}: a column holds C·kh·kw numbers, a multiple of {rules[0].kernel}·{rules[1].kernel} = {kernel}, "
            f"but x.shape={tuple(shape)} has {taps_in_column}; use the kernel_size that it was unfolded with."
        )
    P, Q = (rule.out_size(n) for rule, n in zip(rules, size, strict=True))
    if found != P * Q:
        down, across = (rule.derivation(n) for rule, n in zip(rules, size, strict=True))
        raise ShapeError(
            f"{what}: x must have one column per window, and in {size[0]}×{size[1]} there are {P}·{Q} = {P * Q} "
            f"(rows {down}, columns {across}), but x.shape={tuple(shape)} has {found}; "
            "use the output_size, padding, dilation and stride that it was unfolded with."
        )
    return (batch, taps_in_column // kernel, *size), rules


def _rules(what: str, in_size, kernel_size, dilation, padding, stride) -> Rules:
    window = Window.of(kernel_size, stride, padding, dilation, what=what)
    window.output_size(in_size, what)
    return window.axes(in_size)


def _columns_shape(shape: tuple[int, ...], rules: Rules) -> tuple[int, int, int]:
    """Return the shape of the columns of maps (N, C, H, W)."""
    (n, channels, *size), (rows, columns) = shape, rules
    return n, channels * rows.kernel * columns.kernel, rows.out_size(size[0]) * columns.out_size(size[1])


def _windows_shape(shape: tuple[int, ...], rules: Rules) -> tuple[int, ...]:
    """Return the same with every axis of its own: (N, C, kh, kw, P, Q)."""
    return (*shape[:2], *(rule.kernel for rule in rules), *(rule.out_size(n) for rule, n in zip(rules, shape[2:], strict=True)))


def _unfolded(maps: np.ndarray, rules: Rules) -> np.ndarray:
    """Return the columns of maps (N, C, H, W), copied tap by tap."""
    windows = np.zeros(_windows_shape(maps.shape, rules), maps.dtype)
    for i, j, served, read in _taps(rules, maps.shape[2:]):
        windows[:, :, i, j, *served] = maps[:, :, *read]
    return windows.reshape(_columns_shape(maps.shape, rules))


def _folded(columns: np.ndarray, shape: tuple[int, ...], rules: Rules) -> np.ndarray:
    """Return the maps of this shape in which the columns are added up, tap by tap."""
    windows = columns.reshape(_windows_shape(shape, rules))
    maps = np.zeros(shape, columns.dtype)
    with np.errstate(all="ignore"):
        for i, j, served, read in _taps(rules, shape[2:]):
            maps[:, :, *read] += windows[:, :, i, j, *served]
    return maps


def _taps(rules: Rules, size) -> Iterator[tuple[int, int, tuple[slice, slice], tuple[slice, slice]]]:
    """Yield for each tap (i, j) the windows that find it inside the map, and the positions they find there."""
    down, across = (list(taps(rule, n, rule.out_size(n))) for rule, n in zip(rules, size, strict=True))
    for i, served_rows, read_rows in down:
        for j, served_columns, read_columns in across:
            yield i, j, (served_rows, served_columns), (read_rows, read_columns)
