"""Which question: how is a map of any size pooled to a size that is given, and where do the gradients go?

Idea: output i shares the axis fairly: it sees floor(i·n/out) … ceil((i+1)·n/out) - 1, so windows differ by one in
length and may overlap. As in average.py the rectangle is done one axis after the other. With size 1 it is global
pooling, which lets one network take images of any size. Backwards as in average.py and pooling.py: equal shares, or
all to the winner.

Cost: about one pass over the map, in out_h + out_w calls; global means are one call of a kernel.  When it loses: sizes that do not divide weigh the shared
inputs twice.  What it does not do: a size of 0.
Source: PyTorch's documentation of adaptive_avg_pool2d; Lin, Chen & Yan (2014), "Network in network", section 3.2,
for global pooling.  Next room: unpooling.py.
"""

import numpy as np

from minicnn import check
from minicnn.axis import Adaptive, Slide
from minicnn.conv.algorithm import plain
from minicnn.conv.memory_format import A_MOVE, flat, is_channels_last
from minicnn.errors import ArgumentError
from minicnn.functional import arguments
from minicnn.functional.average import sum_along
from minicnn.functional.passes import WORTH_A_KERNEL, by_planes
from minicnn.functional.pooling import COLUMNS, ROWS, MaxAndPlaces, needs_values
from minicnn.functional.taps import along, resized
from minicnn.functional.winners import check_indices, collect

__all__ = ["adaptive_avg_pool2d", "adaptive_avg_pool2d_backward", "adaptive_max_pool2d", "adaptive_max_pool2d_backward"]

Rules = tuple[Adaptive, Adaptive]
FEW_TAPS = 8  # where windows are longer, a call for each of them is fewer


def adaptive_avg_pool2d(x, output_size) -> np.ndarray:
    """Return the mean of each of output_size windows that share the map.

    y[n,c,p,q] = mean of x[n, c, floor(p·H/P) : ceil((p+1)·H/P), floor(q·W/Q) : ceil((q+1)·W/Q)].
    x: (N, C, H, W) or (C, H, W), float32 or float64, the same out and summed in it;
    output_size: a number or a pair (P, Q), None keeps an axis.

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.nn.functional.adaptive_avg_pool2d.

    >>> adaptive_avg_pool2d(np.arange(12.0).reshape(1, 1, 3, 4), (1, 2))
    array([[[[4.5, 6.5]]]])
    """
    batch, unbatched = check.image_batch(x, "adaptive_avg_pool2d")
    rows, columns = rules = _rules("adaptive_avg_pool2d", output_size)
    if (rows.out, columns.out) == (1, 1) and batch.size >= WORTH_A_KERNEL:
        y = _plane_means(batch)
        return y[0] if unbatched else y
    with np.errstate(all="ignore"):
        y = _summed(_summed(batch, rows, ROWS), columns, COLUMNS)
        np.divide(y, _window_sizes(rules, batch.shape, y.dtype), out=y)
    return y[0] if unbatched else y


def adaptive_avg_pool2d_backward(grad_output, x, output_size) -> np.ndarray:
    """Return the gradient of Σ grad_output·adaptive_avg_pool2d(x, output_size) by x: equal shares for all of a window.

    grad_x[n,c,h,w] = Σ grad_output[n,c,p,q] / size[p,q] over the windows (p, q) that hold (h, w), size their number of inputs.
    x: (N, C, H, W) or (C, H, W), the array or its shape, only this counts; grad_output: the shape of the output.

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.nn.functional.adaptive_avg_pool2d.

    >>> adaptive_avg_pool2d_backward(np.array([[[[6.0, 8.0]]]]), (1, 1, 2, 3), (1, 2))       # the middle column is in both
    array([[[[1.5, 3.5, 2. ],
             [1.5, 3.5, 2. ]]]])
    """
    what = "adaptive_avg_pool2d_backward"
    shape, unbatched = arguments.image_shape(x, what)
    rows, columns = rules = _rules(what, output_size)
    out = _out_shape(rules, shape)
    grad = arguments.gradient(grad_output, out[unbatched:], what, **arguments.arrays_among(x=x)).reshape(out)
    with np.errstate(all="ignore"):
        shares = grad / _window_sizes(rules, shape, grad.dtype)
        grad_x = _spread(_spread(shares, columns, shape[COLUMNS], COLUMNS), rows, shape[ROWS], ROWS)
    return grad_x[0] if unbatched else grad_x


def adaptive_max_pool2d(x, output_size, return_indices=False) -> MaxAndPlaces:
    """Return the largest of each of output_size windows that share the map, and where it stood if asked.

    y[n,c,p,q] = max of x[n, c, floor(p·H/P) : ceil((p+1)·H/P), floor(q·W/Q) : ceil((q+1)·W/Q)].
    x: (N, C, H, W) or (C, H, W), float32 or float64, the same out; output_size: a number or a pair (P, Q), None keeps an
    axis. indices: int64, row·W + column; the first of equals, and of several NaN the last, as in max_pool2d.

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.nn.functional.adaptive_max_pool2d.

    >>> adaptive_max_pool2d(np.arange(12.0).reshape(1, 1, 3, 4), (1, 2), return_indices=True)
    (array([[[[ 9., 11.]]]]), array([[[[ 9, 11]]]]))
    """
    batch, unbatched = check.image_batch(x, "adaptive_max_pool2d")
    rows, columns = _rules("adaptive_max_pool2d", output_size)
    if not return_indices:
        y = _reduced(np.max, _reduced(np.max, batch, rows, ROWS), columns, COLUMNS)
        return y[0] if unbatched else y
    y, places = _winners(batch, (rows, columns))
    return (y[0], places[0]) if unbatched else (y, places)


def adaptive_max_pool2d_backward(grad_output, x, output_size, *, indices=None) -> np.ndarray:
    """Return the gradient of Σ grad_output·adaptive_max_pool2d(x, output_size) by x: each window's goes to its winner.

    grad_x[n,c,h,w] = Σ grad_output[n,c,p,q] over the windows (p, q) whose index is h·W + w, added in reading order.
    Of equal values the first takes it all, and of several NaN the last: a sub-gradient, PyTorch's.
    x: (N, C, H, W) or (C, H, W); its shape is enough where indices= are what adaptive_max_pool2d(…, return_indices=True)
    returned. grad_output: the shape of the output.

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.nn.functional.adaptive_max_pool2d.

    >>> adaptive_max_pool2d_backward(np.array([[[[1.0, 10.0]]]]), np.array([[[[0.0, 5.0, 3.0]]]]), (1, 2))
    array([[[[ 0., 11.,  0.]]]])
    """
    what = "adaptive_max_pool2d_backward"
    shape, unbatched = arguments.image_shape(needs_values(x, indices, what), what)
    rules = _rules(what, output_size)
    out = _out_shape(rules, shape)
    grad = arguments.gradient(grad_output, out[unbatched:], what, **arguments.arrays_among(x=x))
    if indices is None:
        indices = _winners(x.reshape(shape), rules)[1]
    else:
        indices = check_indices(indices, out[unbatched:], shape[2:], what)
    grad_x = collect(grad.reshape(out), indices.reshape(out), shape)
    return grad_x[0] if unbatched else grad_x


def _rules(what: str, output_size) -> Rules:
    pair = tuple(output_size) if isinstance(output_size, list | tuple) else (output_size, output_size)
    if len(pair) != 2:
        raise ArgumentError(f"{what}: output_size must be one whole number or a pair (rows, columns), but it is {output_size!r}.")
    rows, columns = (Adaptive(None if size is None else check.integer(size, "output_size", what, 1)) for size in pair)
    return rows, columns


def bind_means(shape: tuple[int, int, int, int]):
    """Return fill(x, y) that takes the mean of each channel of channels_last maps of one shape, flat."""
    from minicnn.conv.jit.threads import workers_for  # Numba loads here, not with the package
    from minicnn.functional.pixels_kernel import sum_images

    n, channels, height, width = shape

    def fill(x, y):
        workers = workers_for(n * channels * height * width * A_MOVE)
        (sum_images if workers > 1 else sum_images.alone)(workers, n, x, height * width, channels, y)
        np.divide(y, height * width, out=y)

    return fill


def _plane_means(batch: np.ndarray) -> np.ndarray:
    """Return the mean of each plane, (N, C, 1, 1)."""
    from minicnn.functional.planes_kernel import sum_planes  # Numba loads here, not with the package

    n, channels, height, width = batch.shape
    if batch.dtype == np.float32 and is_channels_last(batch):
        means = np.empty(n * channels, np.float32)
        bind_means(batch.shape)(flat(batch), means)
        return means.reshape(n, channels, 1, 1)
    sums = by_planes(sum_planes, plain(batch).reshape(n * channels, height * width), np.empty(n * channels, batch.dtype))
    return np.divide(sums, height * width, out=sums).reshape(n, channels, 1, 1)


def _summed(x: np.ndarray, rule: Adaptive, axis: int) -> np.ndarray:
    """Return the sum over each window of one axis."""
    n = x.shape[axis]
    length, left = divmod(n, rule.out_size(n))
    if left == 0 and length <= FEW_TAPS:  # the windows of avg_pool2d: whole maps at once for each of a few taps
        return sum_along(x, Slide(length, length), axis)
    return _reduced(np.sum, x, rule, axis)


def _reduced(reduce, x: np.ndarray, rule: Adaptive, axis: int) -> np.ndarray:
    """Return reduce (np.sum or np.max) over each window of one axis."""
    n = x.shape[axis]
    y = np.empty(resized(x, axis, rule.out_size(n)), x.dtype)
    for i in range(y.shape[axis]):
        cells = rule.sees(i, n)
        # not out=: NumPy before 2.2 takes a wrong maximum of a reversed view into a strided out
        along(y, axis, i)[...] = reduce(along(x, axis, slice(cells[0], cells[-1] + 1)), axis=axis)
    return y


def _spread(shares: np.ndarray, rule: Adaptive, n: int, axis: int) -> np.ndarray:
    """Return for each of n inputs of one axis the sum over the windows that hold it."""
    total = np.zeros(resized(shares, axis, n), shares.dtype)
    for i in range(shares.shape[axis]):
        cells = rule.sees(i, n)
        here = along(total, axis, slice(cells[0], cells[-1] + 1))
        np.add(here, along(shares, axis, slice(i, i + 1)), out=here)
    return total


def _winners(batch: np.ndarray, rules: Rules) -> tuple[np.ndarray, np.ndarray]:
    """Return the maximum of each window and row·W + column of the input that it came from."""
    height, width = batch.shape[2:]
    # the same for all images and channels: a view that stores one plane
    places = np.broadcast_to(np.arange(height * width, dtype=np.int64).reshape(height, width), batch.shape)
    # Columns first: the first of equals is then found per row, and the first such row last.
    return _largest_and_where(*_largest_and_where(batch, places, rules[1], COLUMNS), rules[0], ROWS)


def _largest_and_where(x: np.ndarray, places: np.ndarray, rule: Adaptive, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the maximum over each window of one axis and the place it came from."""
    n = x.shape[axis]
    shape = resized(x, axis, rule.out_size(n))
    best, found = np.full(shape, -np.inf, x.dtype), np.full(shape, -1, np.int64)
    for i in range(shape[axis]):
        for cell in rule.sees(i, n):
            _take_larger(along(best, axis, i), along(found, axis, i), along(x, axis, cell), along(places, axis, cell))
    return best, found


def _take_larger(best: np.ndarray, found: np.ndarray, value: np.ndarray, place: np.ndarray) -> None:
    """Write value and place over best and found where value is larger, is NaN, or is the first to be seen (found is -1)."""
    better = value > best
    better |= np.isnan(value)
    better |= found < 0  # a window of nothing but -inf has a place too
    np.copyto(best, value, where=better)
    np.copyto(found, place, where=better)


def _out_shape(rules: Rules, shape: tuple[int, ...]) -> tuple[int, ...]:
    return (*shape[:2], *(rule.out_size(n) for rule, n in zip(rules, shape[2:], strict=True)))


def _window_sizes(rules: Rules, shape: tuple[int, ...], dtype) -> np.ndarray:
    """Return how many inputs each window holds, (P, Q)."""
    counts = ([len(rule.sees(i, n)) for i in range(rule.out_size(n))] for rule, n in zip(rules, shape[2:], strict=True))
    return np.multiply.outer(*counts).astype(dtype)
