"""Which question: what is the largest value of each window that slides over a map, and where does its gradient go?

Idea: a window is a rectangle, and the largest of a rectangle is the largest over its columns of the largest over
its rows; pooling_lanes.py does both for eight numbers at a time, pooling_kernel.py one by one where it cannot (float64, strides from
3 on, maps of fewer than eight columns) and where winners are asked for; the padding never wins.  An output is a copy of one input, its winner, so on the way back the winner collects the gradient of every window that it won, and nobody else gets any.

Cost: one pass over the map; the indices cost about twice as much again.  When it loses: the first call of a process
loads Numba, 0.5 s.  What it does not do: padding beyond half a kernel.
Source: PyTorch's documentation of max_pool2d; Zeiler & Fergus (2014), section 2.1, call the winners switches.
Next room: winners.py.
"""

import functools

import numpy as np

from minicnn import check
from minicnn.axis import Slide
from minicnn.conv.algorithm import plain
from minicnn.conv.layout import WORTH_KEEPING, locked
from minicnn.conv.memory_format import A_MOVE, empty, flat, is_channels_last, pixels
from minicnn.errors import ArgumentError, ShapeError
from minicnn.functional import arguments
from minicnn.functional.winners import check_indices, collect, run
from minicnn.window import Window

__all__ = ["max_pool2d", "max_pool2d_backward"]

ROWS, COLUMNS = 2, 3  # the axes of N C H W
Rules = tuple[Slide, Slide]
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
    rules = window_rules("max_pool2d", batch.shape[2:], kernel_size, stride, padding, dilation, ceil_mode)
    if not return_indices:
        y = _largest(batch, rules)
        return y[0] if unbatched else y
    y, places = _largest_and_where(batch, rules, "max_pool2d")
    return (y[0], places[0]) if unbatched else (y, places)


def max_pool2d_backward(grad_output, x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, *, indices=None) -> np.ndarray:
    """Return the gradient of Σ grad_output·max_pool2d(x, …) by x: each window's gradient goes to its winner.

    grad_x[n,c,h,w] = Σ grad_output[n,c,p,q] over the windows (p, q) whose index is h·W + w, added in reading order.
    Of equal values the first takes it all, and of several NaN the last: a sub-gradient, PyTorch's.
    x: (N, C, H, W) or (C, H, W); its shape is enough where indices= are what max_pool2d(…, return_indices=True)
    returned. grad_output: the shape of the output.

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.nn.functional.max_pool2d.

    >>> max_pool2d_backward(np.array([[[[1.0, 10.0]]]]), np.array([[[[0.0, 5.0, 3.0]]]]), (1, 2), 1)    # overlapping
    array([[[[ 0., 11.,  0.]]]])
    """
    what = "max_pool2d_backward"
    shape, unbatched = arguments.image_shape(needs_values(x, indices, what), what)
    rules = window_rules(what, shape[2:], kernel_size, stride, padding, dilation, ceil_mode)
    out = (*shape[:2], *(rule.out_size(n) for rule, n in zip(rules, shape[2:], strict=True)))
    grad = arguments.gradient(grad_output, out[unbatched:], what, **arguments.arrays_among(x=x))
    if indices is None:
        indices = _largest_and_where(x.reshape(shape), rules, what)[1]
    else:
        indices = check_indices(indices, out[unbatched:], shape[2:], what)
    grad_x = collect(grad.reshape(out), indices.reshape(out), shape)
    return grad_x[0] if unbatched else grad_x


def needs_values(x, indices, what: str):
    """Return x, which must be the array itself where no indices are given."""
    if indices is None and isinstance(x, tuple | list) and all(isinstance(size, int) for size in x):
        raise ArgumentError(
            f"{what}: which input won must be known, but x is the shape {tuple(x)} and indices is None; "
            f"pass the array x, or indices= from {what.removesuffix('_backward')}(…, return_indices=True)."
        )
    return x if indices is not None else check.float_array(x, "x", what)


def window_rules(what: str, size: tuple[int, int], kernel_size, stride, padding, dilation, ceil_mode) -> Rules:
    """Return the rules for rows and columns, with the settings and the sizes checked."""
    stride = kernel_size if stride is None else stride
    window = Window.of(kernel_size, stride, padding, dilation, ceil_mode=ceil_mode, what=what)
    check_padding(window, size, what)
    window.output_size(size, what)
    return window.axes(size)


def check_padding(window: Window, in_size: tuple[int, int], what: str) -> None:
    """Raise where padding is more than half the kernel, as PyTorch does."""
    for rule, word in zip(window.axes(in_size), ("rows", "columns"), strict=True):
        if max(rule.before, rule.after) > rule.kernel // 2:
            raise ArgumentError(
                f"{what}: padding must be at most half the kernel, but over the {word} it is ({rule.before}, {rule.after}) "
                f"and {rule.kernel} // 2 = {rule.kernel // 2}, so that a window could lie in the padding alone. "
                f"Use padding {rule.kernel // 2} or less, or a larger kernel."
            )


def _every_window_sees_something(rules: Rules, size: tuple[int, int], what: str) -> None:
    for rule, n, word in zip(rules, size, ("row", "column"), strict=True):
        # Only a dilated kernel can have all its taps in the padding, around a map smaller than its gaps.
        blind = next((i for i in range(rule.out_size(n)) if not rule.sees(i, n)), None) if rule.dilation > 1 else None
        if blind is not None:
            raise ShapeError(
                f"{what}: return_indices and gradients need every window to see an input, but output {word} {blind} sees none: "
                f"its taps lie {rule.dilation} apart around {n} {word}s. Use less padding or dilation, or leave return_indices out."
            )


def _largest(batch: np.ndarray, rules: Rules) -> np.ndarray:
    """Return the maximum of each window; -inf where a window sees nothing."""
    if batch.dtype == np.float32 and is_channels_last(batch):
        return _largest_pixels(batch, rules)
    planes, out, settings = _for_kernel(batch, rules)
    y = np.empty(out, batch.dtype)
    rows, columns = rules
    starts, counts = (rows_met if out[1] <= WORTH_KEEPING else rows_met.__wrapped__)(rows, planes.shape[1], planes.shape[2])
    if batch.dtype == np.float32 and planes.shape[2] >= 8 and columns.stride <= 2 and counts.min() > 0:
        from minicnn.functional.pooling_lanes import largest_in_lanes  # Numba loads here, not with the package

        step = rows.dilation * planes.shape[2]
        run(largest_in_lanes, batch.size, planes, y, starts, counts, step, columns.kernel, columns.stride, columns.dilation, columns.before)
    else:
        from minicnn.functional.pooling_kernel import largest

        run(largest, batch.size, planes, y, *settings)
    return y.reshape(*batch.shape[:2], *out[1:])


def _largest_pixels(batch: np.ndarray, rules: Rules) -> np.ndarray:
    """Return the same of a channels_last map, channels_last."""
    (rows, columns), (N, C, H, W) = rules, batch.shape
    y = empty((N, C, rows.out_size(H), columns.out_size(W)), batch.dtype)
    bind_largest(batch.shape, rules)(flat(batch), pixels(y).reshape(-1))
    return y


def bind_largest(shape: tuple[int, int, int, int], rules: Rules):
    """Return fill(x, y) for channels_last maps of one shape, flat."""
    from minicnn.conv.jit.threads import workers_for  # Numba loads here, not with the package
    from minicnn.functional.pixels_kernel import largest_pixels

    (N, C, H, W), (rows, columns) = shape, rules
    met = *rows_met(rows, H, W * C), *rows_met(columns, W, 1)
    steps = rows.dilation * W * C, columns.dilation * C, C, H * W * C  # from row to row, from tap to tap; channels; from image to image
    moves, blocks = N * C * H * W * A_MOVE, N * rows.out_size(H)

    def fill(x, y):
        workers = workers_for(moves)
        (largest_pixels if workers > 1 else largest_pixels.alone)(workers, blocks, x, *met, *steps, y)

    return fill


@functools.lru_cache(128)
def rows_met(rows: Slide, n: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return where in a plane the first row that each window meets begins, and how many rows it meets.

    >>> rows_met(Slide(kernel=3, stride=2, before=1, after=1), 5, width=10)        # rows 0 1 | 1 2 3 | 3 4
    (array([ 0, 10, 30]), array([2, 3, 2]))
    """
    above = np.arange(rows.out_size(n)) * rows.stride - rows.before  # where the first tap lies, negative in the padding
    first = np.maximum(0, -(above // rows.dilation))
    last = np.minimum(rows.kernel, (n - 1 - above) // rows.dilation + 1)
    return locked((above + first * rows.dilation) * width), locked(np.maximum(last - first, 0))


def _largest_and_where(batch: np.ndarray, rules: Rules, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the maximum of each window and the place it came from."""
    from minicnn.functional.pooling_kernel import largest_at, largest_of_four

    _every_window_sees_something(rules, batch.shape[2:], what)
    planes, out, settings = _for_kernel(batch, rules)
    y, places = np.empty(out, batch.dtype), np.empty(out, np.int64)
    fits = all(2 * outputs <= size for outputs, size in zip(out[1:], batch.shape[2:], strict=True))  # ceil_mode hangs out
    if settings == [2, 2, 2, 2, 1, 1, 0, 0] and fits:
        run(largest_of_four, batch.size, planes, y, places)
    else:
        run(largest_at, batch.size, planes, y, places, *settings)
    return y.reshape(*batch.shape[:2], *out[1:]), places.reshape(*batch.shape[:2], *out[1:])


def _for_kernel(batch: np.ndarray, rules: Rules) -> tuple[np.ndarray, tuple[int, int, int], list[int]]:
    """Return the map as a list of planes, the shape of what comes out, and the settings, rows before columns."""
    n, channels, height, width = batch.shape
    planes = plain(batch).reshape(n * channels, height, width)
    out = (n * channels, *(rule.out_size(size) for rule, size in zip(rules, (height, width), strict=True)))
    return planes, out, [getattr(rule, name) for name in ("kernel", "stride", "dilation", "before") for rule in rules]
