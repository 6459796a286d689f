"""Which question: how does the output of a convolution change with its input, its weight and its bias?

With grad[n,k,p,q] the derivative of a number L by y[n,k,p,q], the chain rule over the equation gives

    ∂L/∂x[n,c,h,w]   = Σ_k Σ_i Σ_j Σ_(p,q)  grad[n,k,p,q] · w[k,c,i,j]      where p·stride_h + i·dil_h - top = h, likewise w
    ∂L/∂w[k,c,i,j]   = Σ_n Σ_(p,q)          grad[n,k,p,q] · x[n,c, p·stride_h + i·dil_h - top, q·stride_w + j·dil_w - left]
    ∂L/∂b[k]         = Σ_n Σ_(p,q)          grad[n,k,p,q]

Idea.  By the input it is again a convolution, of grad with the weight turned by half a turn and its two
channel axes exchanged.  A stride splits it into phases: the input rows h with equal (h + top) mod stride
are reached by the same taps, every one of which is a small convolution of stride 1.  So dispatch picks
the algorithm, and no zeros are multiplied.  Where windows do not overlap, each position has one product
sum: one matrix product, laid down.
By the weight it is a sum over all images and positions: eight filters by eight taps in registers
(gradient_kernel.py) where there are few taps, a matrix product over the windows laid out as rows elsewhere.

Rows that a stride never reads have gradient zero.  Cost: about twice the forward pass.
Source: Goodfellow, Bengio, Courville (2016), section 9.5; Dumoulin & Visin (2016), chapter 4.
Next room: functional/, whose operations have their gradients beside them.
"""

from dataclasses import dataclass
from itertools import product
from math import gcd

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from minicnn import check
from minicnn.conv.algorithm import plain
from minicnn.conv.dispatch import FEW_PRODUCTS, check_groups, check_weight, choose_algorithm, convolve, pad_by_mode
from minicnn.conv.layout import padded, starts_of, taps_of
from minicnn.errors import ShapeError
from minicnn.window import Window

ALGORITHMS = ("auto", "reference")
ALL = (True, True, True)
FEW_TAPS = 400  # above it, BLAS reuses what it loads more often than registers do
ROWS_AT_ONCE = 1 << 20  # numbers of windows that are laid out as rows at a time: about the second-level cache


def conv2d_backward(
    grad_output: np.ndarray,
    x: np.ndarray,
    weight: np.ndarray,
    stride=1,
    padding=0,
    dilation=1,
    groups: int = 1,
    *,
    padding_mode: str = "zeros",
    algorithm: str = "auto",
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (grad_x, grad_weight, grad_bias), the gradients of Σ grad_output · conv2d(x, weight, bias, …).

    grad_x[n,c,h,w] = Σ grad_output[n,k,p,q]·weight[k,c,i,j] over all k, p, q, i, j whose tap is (h, w);
    grad_weight[k,c,i,j] = Σ_n,p,q grad_output[n,k,p,q]·x[n,c,tap (i,j) of (p,q)];  grad_bias[k] = Σ_n,p,q grad_output[n,k,p,q].

    Parameters
    ----------
    grad_output : (N, K, P, Q) or (K, P, Q), the shape of conv2d's output
    x, weight, stride, padding, dilation, groups, padding_mode : conv2d's; no gradient depends on the bias
    algorithm : 'auto', or 'reference' for the equations as plain loops in float64, rounded once

    Returns
    -------
    arrays of the shapes of x, weight and (K,), in x's dtype

    Raises
    ------
    ShapeError, DTypeError, ArgumentError

    Examples
    --------
    >>> x = np.arange(6.0).reshape(1, 1, 2, 3)
    >>> edge = np.array([[[[-1.0, 1.0]]]])
    >>> grad_x, grad_weight, grad_bias = conv2d_backward(np.ones((1, 1, 2, 2)), x, edge)
    >>> grad_x[0, 0]
    array([[-1.,  0.,  1.],
           [-1.,  0.,  1.]])
    >>> grad_weight[0, 0], grad_bias
    (array([[ 8., 12.]]), array([4.]))

    Source: Goodfellow, Bengio, Courville (2016), section 9.5; torch.nn.grad.
    """
    what = "conv2d_backward"
    batch, unbatched = check.image_batch(x, what)
    weight, _ = check_weight(weight, None, what)
    grad = check.float_array(grad_output, "grad_output", what)
    check.same_dtype(what, x=batch, weight=weight, grad_output=grad)
    groups = check_groups(groups, weight, what)
    check.wants_channels(what, batch, weight.shape[1] * groups, unbatched=unbatched)
    window = Window.of(weight.shape[2:], stride, padding, dilation, padding_mode=padding_mode, what=what)
    check.one_of(algorithm, "algorithm", what, ALGORITHMS)
    shape = (batch.shape[0], weight.shape[0], *window.output_size(batch.shape[2:], what))
    _fits(grad, shape[1:] if unbatched else shape, what)
    grads = convolve_backward(grad[None] if unbatched else grad, batch, weight, window, algorithm=algorithm)
    return (grads[0][0] if unbatched else grads[0], *grads[1:])


def _fits(grad, shape, what: str) -> None:
    if grad.shape != shape:
        raise ShapeError(
            f"{what}: grad_output must have the output's shape, conv2d returns {shape} here, but grad_output.shape={grad.shape}; "
            "use the gradient of a loss by that output, and the same stride, padding and dilation as forward."
        )


def convolve_backward(grad, x, weight, window: Window, *, needs=ALL, algorithm: str = "auto", accuracy: str = "exact"):
    """Run checked arguments; `needs` says which of the gradients by x, weight and bias are wanted, None comes for the others."""
    padded_x, inner = pad_by_mode(x, window)
    if algorithm == "reference":
        from minicnn.conv.reference import run_backward

        grad_x, grad_weight, grad_bias = run_backward(grad, padded_x, weight, inner)
    else:
        with np.errstate(all="ignore"):  # numbers that are not finite pass as in the law, without NumPy's warnings
            grad_weight = grad_bias = None
            if needs[1]:
                grad_weight, grad_bias = weight_and_bias_gradients(grad, padded_x, inner, weight.shape)
            elif needs[2]:
                grad_bias = grad.sum(axis=(0, 2, 3))
            grad_x = input_gradient(grad, weight, inner, padded_x.shape, accuracy) if needs[0] else None
    if grad_x is not None and padded_x is not x:
        grad_x = unpadded(grad_x, window, x.shape[2:])
    return grad_x, grad_weight, grad_bias


def unpadded(grad, window: Window, in_size) -> np.ndarray:
    """Return the gradient by an input whose border was filled from its own positions: each gets back what its copies got."""
    for axis, (rule, n) in enumerate(zip(window.axes(in_size), in_size, strict=True), start=2):
        own = (slice(None),) * axis
        total = grad[(*own, slice(rule.before, rule.before + n))].copy()
        copies = Window.of(1, padding=window.resolve(in_size).padding, padding_mode=window.padding_mode).axes(in_size)[axis - 2]
        for place in (*range(rule.before), *range(rule.before + n, grad.shape[axis])):
            total[(*own, copies.sees(place, n)[0])] += grad[(*own, place)]
        grad = total
    return grad


# By the input


@dataclass(frozen=True, slots=True)
class Phase:
    """The input positions of one axis that the same taps reach, and the convolution of stride 1 that gives their gradient."""

    first: int  # positions first, first + stride, …
    count: int
    taps: slice  # of the kernel, in its own order
    dilation: int
    before: int  # padding of grad; negative where its first outputs do not count
    after: int


def phases(kernel: int, stride: int, dilation: int, before: int, n: int, outputs: int) -> list[Phase]:
    """Return the phases of one axis; positions that no tap reaches are in none.

    Position h = first + stride·u is read by output p through tap i where h + before = p·stride + i·dilation.
    Taps of one phase are `every` apart, and from one to the next the output moves by every·dilation / stride.

    >>> phases(3, 2, 1, 1, n=5, outputs=3)
    [Phase(first=1, count=2, taps=slice(0, 3, 2), dilation=1, before=0, after=0), Phase(first=0, count=3, taps=slice(1, 3, 2), dilation=1, before=0, after=0)]
    """
    every = stride // gcd(dilation, stride)
    found = []
    for tap in range(min(every, kernel)):  # the first tap of a phase
        residue = tap * dilation % stride
        first = (residue - before) % stride
        count = len(range(first, n, stride))
        number = len(range(tap, kernel, every))
        if count:
            step = every * dilation // stride
            output = (first + before - tap * dilation) // stride  # which reads `first` through `tap`
            ahead = (number - 1) * step - output
            found.append(Phase(first, count, slice(tap, kernel, every), step, ahead, count - outputs - ahead + (number - 1) * step))
    return found


def input_gradient(grad, weight, window: Window, in_shape, accuracy: str = "exact") -> np.ndarray:
    """Return the gradient by an input of shape (N, C, H, W), zeros outside it."""
    window = window.resolve(in_shape[2:])
    if in_shape[0] == 0:
        return np.zeros(in_shape, grad.dtype)
    if weight.shape[2] * weight.shape[3] > 1 and _windows_are_apart(window, grad.shape[2:]):
        return _laid_down(grad, weight, window, in_shape)
    G = in_shape[1] // weight.shape[1]
    turned = _channels_exchanged(weight, G)
    per_axis = [
        phases(k, s, d, before, n, outputs)
        for k, s, d, (before, _), n, outputs in zip(
            window.kernel, window.stride, window.dilation, window.padding, in_shape[2:], grad.shape[2:], strict=True
        )
    ]
    total = None
    for rows, columns in product(*per_axis):
        part = turned[:, :, rows.taps, columns.taps][:, :, ::-1, ::-1]
        here = _phase_gradient(grad, part, rows, columns, accuracy)
        if here.shape == tuple(in_shape):
            return here  # one phase covers all
        total = np.zeros(in_shape, grad.dtype) if total is None else total  # zeros where no tap reaches
        total[:, :, rows.first :: window.stride[0], columns.first :: window.stride[1]] = here
    return np.zeros(in_shape, grad.dtype) if total is None else total


def _channels_exchanged(weight, groups: int) -> np.ndarray:
    """Return (K, C/G, R, S) as (C, K/G, R, S)."""
    K, channels, R, S = weight.shape
    return weight.reshape(groups, K // groups, channels, R, S).swapaxes(1, 2).reshape(groups * channels, K // groups, R, S)


def _phase_gradient(grad, weight, rows: Phase, columns: Phase, accuracy: str) -> np.ndarray:
    """Convolve grad with the turned taps of one phase."""
    (P, Q), padding = grad.shape[2:], []
    kept = []
    for phase, outputs in ((rows, P), (columns, Q)):
        kept.append(slice(max(0, -phase.before), outputs - max(0, -phase.after)))
        padding.append((max(0, phase.before), max(0, phase.after)))
    part = grad[:, :, kept[0], kept[1]]
    if 0 in part.shape[2:]:
        return np.zeros((grad.shape[0], weight.shape[0], rows.count, columns.count), grad.dtype)
    window = Window(weight.shape[2:], (1, 1), tuple(padding), (rows.dilation, columns.dilation))
    return convolve(part, np.ascontiguousarray(weight), None, window, accuracy=accuracy)


def _windows_are_apart(window: Window, out_size) -> bool:
    """Whether no input position lies in two windows."""
    spans = (d * (k - 1) + 1 for k, d in zip(window.kernel, window.dilation, strict=True))
    return all(span <= s or outputs == 1 for span, s, outputs in zip(spans, window.stride, out_size, strict=True))


def _laid_down(grad, weight, window: Window, in_shape) -> np.ndarray:
    """One matrix product, whose rows are laid down where their windows were."""
    (N, K, P, Q), (_, channels, R, S) = grad.shape, weight.shape
    G = in_shape[1] // channels
    rows = grad.reshape(N, G, K // G, P * Q).transpose(1, 0, 3, 2).reshape(G, N * P * Q, K // G)  # one row per window
    parts = _row_products(rows, weight.reshape(G, K // G, channels * R * S)).reshape(G, N, P, Q, channels, R, S)
    (top, bottom), (left, right) = window.padding
    H, W = in_shape[2:]
    wide = np.zeros((N, in_shape[1], H + top + bottom, W + left + right), grad.dtype)
    windows = _windows(wide, window, (P, Q), writeable=True).reshape(N, G, channels, P, Q, R, S)
    windows[...] = parts.transpose(1, 0, 4, 2, 3, 5, 6)
    return wide[:, :, top : top + H, left : left + W] if (top or bottom or left or right) else wide


def _row_products(rows, weight) -> np.ndarray:
    """Return rows @ weight for every group; a small one in registers, since BLAS wakes its threads and lets them spin."""
    if len(rows) == 1 and rows.dtype == np.float32 and rows.size * weight.shape[2] <= FEW_PRODUCTS:
        from minicnn.conv.direct import products

        return products(rows[0], weight[0].T)
    return np.matmul(rows, weight)


def _windows(wide, window: Window, out_size, *, writeable: bool = False) -> np.ndarray:
    """Return every window of a padded batch, (N, C, P, Q, R, S): a view."""
    (R, S), (sh, sw), (dh, dw) = window.kernel, window.stride, window.dilation
    spans = sliding_window_view(wide, (dh * (R - 1) + 1, dw * (S - 1) + 1), axis=(2, 3), writeable=writeable)
    return spans[:, :, ::sh, ::sw, ::dh, ::dw][:, :, : out_size[0], : out_size[1]]


def workspace_bytes(x_shape, weight_shape, window: Window, itemsize: int) -> int:
    """Return the bytes that the gradients by weight and input hold beside their arguments and results, at the most.

    >>> workspace_bytes((2, 4, 9, 7), (6, 4, 3, 3), Window.of(3, padding=1), 4) >= 4 * 2 * 4 * 11 * 9      # x with its padding
    True
    """
    window = window.resolve(x_shape[2:])
    (N, C), (K, channels, R, S) = x_shape[:2], weight_shape
    P, Q = window.output_size(x_shape[2:])
    rows, columns = (n + sum(side) for n, side in zip(x_shape[2:], window.padding, strict=True))
    wide = N * C * rows * columns * itemsize if window.padded(x_shape[2:]) else 0
    if itemsize == 4 and channels * R * S <= FEW_TAPS and P * Q >= 8:
        by_weight = wide + min(16, N * -(-(P * Q) // 512)) * (K + 7) // 8 * 8 * (channels * R * S + 7) // 8 * 8 * itemsize
    else:
        chunk = min(N, max(1, ROWS_AT_ONCE // (C * R * S * P * Q)))
        by_weight = wide + chunk * (C * R * S + K) * P * Q * itemsize
    if R * S > 1 and _windows_are_apart(window, (P, Q)):
        return max(by_weight, N * C * (P * Q * R * S + rows * columns) * itemsize)
    return max(by_weight, _input_gradient_bytes(x_shape, weight_shape, window, (P, Q), itemsize))


def _input_gradient_bytes(x_shape, weight_shape, window: Window, out_size, itemsize: int) -> int:
    """Return what the largest phase's convolution holds, and its result where there are several."""
    from minicnn.conv.cost import workspace_bytes as of_algorithm

    (N, C), (K, channels) = x_shape[:2], weight_shape[:2]
    axes = zip(window.kernel, window.stride, window.dilation, window.padding, x_shape[2:], out_size, strict=True)
    per_axis = [phases(k, s, d, before, n, outputs) for k, s, d, (before, _), n, outputs in axes]
    most = 0
    for rows, columns in product(*per_axis):
        taps = tuple(len(range(*phase.taps.indices(k))) for phase, k in zip((rows, columns), window.kernel, strict=True))
        padding = tuple((max(0, phase.before), max(0, phase.after)) for phase in (rows, columns))
        part = Window(taps, (1, 1), padding, (rows.dilation, columns.dilation))
        shapes = (N, K, *out_size), (C, K * channels // C, *taps)
        name = choose_algorithm(*shapes, part, np.float32 if itemsize == 4 else np.float64)
        result = N * C * rows.count * columns.count * itemsize if len(per_axis[0]) * len(per_axis[1]) > 1 else 0
        most = max(most, of_algorithm(name, *shapes, part, itemsize) + result)
    return most


# By the weight


def weight_and_bias_gradients(grad, x, window: Window, weight_shape) -> tuple[np.ndarray, np.ndarray]:
    """Return the gradients by the weight and by the bias, which are sums over the same positions."""
    window = window.resolve(x.shape[2:])
    if grad.shape[0] == 0:
        return np.zeros(weight_shape, grad.dtype), np.zeros(weight_shape[0], grad.dtype)
    taps = weight_shape[1] * weight_shape[2] * weight_shape[3]
    if grad.dtype == np.float32 and taps <= FEW_TAPS:
        by_weight, by_bias = _in_registers(grad, x, window, weight_shape)
    else:
        by_weight, by_bias = _by_rows(grad, x, window, weight_shape), grad.sum(axis=(0, 2, 3))
    if window.padded(x.shape[2:]) and not np.isfinite(by_bias).all():  # 0·∞ is NaN: the padding must be skipped, not multiplied
        by_weight = _tap_by_tap(grad, x, window, weight_shape)
    return by_weight, by_bias


def _in_registers(grad, x, window: Window, weight_shape) -> tuple[np.ndarray, np.ndarray]:
    (N, K, P, Q), channels = grad.shape, weight_shape[1]
    wide = padded(x, window)
    area, G = wide.shape[2] * wide.shape[3], x.shape[1] // channels
    starts, taps = starts_of(window, (P, Q), wide.shape[3]), taps_of(channels, window, wide.shape[2:]).reshape(-1)
    numbers, image, positions = wide.reshape(-1), wide.shape[1] * area, P * Q
    if positions < 8:  # those of all images in one row, since those of one do not fill a vector
        starts = np.add.outer(np.arange(N) * image, starts[:positions]).reshape(-1)
        grad, image, positions = grad.swapaxes(0, 1), 0, N * positions
    by_weight, by_bias = products_over_rows(grad, numbers, starts, taps, image, channels * area, G, K, positions)
    return by_weight.reshape(weight_shape), by_bias


def products_over_rows(grad, numbers, starts, taps, image: int, group: int, groups: int, filters: int, positions: int):
    """Return Σ over all positions of grad (…, filters, positions) times the numbers at start + tap, (filters, taps), and Σ of grad."""
    from minicnn.conv.direct import WORTH_WAKING
    from minicnn.conv.gradient_kernel import PIECE, sum_over_positions

    T, eights = taps.size, -(-(filters // groups) // 8)
    taps = np.append(taps, np.full(-T % 8, taps[0]))  # the last eight are filled up; what comes of it is thrown away
    count = min(16, grad.size // (filters * positions) * -(-positions // PIECE))
    parts, sums = np.zeros((count, groups, eights, taps.size, 8), grad.dtype), np.zeros((count, groups, eights * 8), grad.dtype)
    arrays = plain(numbers), plain(np.ascontiguousarray(grad).reshape(-1)), parts.reshape(-1), sums.reshape(-1)
    kernel = sum_over_positions.alone if grad.size * T < WORTH_WAKING else sum_over_positions
    kernel(*arrays, count, plain(starts), plain(taps), image, group, filters // groups, positions)
    total = parts[0] if count == 1 else parts.sum(axis=0)  # parts in their order
    rows = total[:, :, :T].swapaxes(2, 3).reshape(groups, eights * 8, T)[:, : filters // groups]  # one row per filter
    return np.ascontiguousarray(rows).reshape(filters, T), sums.sum(axis=0)[:, : filters // groups].reshape(filters)


def _by_rows(grad, x, window: Window, weight_shape) -> np.ndarray:
    """Σ over chunks of images of grad (K, windows) times windows as rows (windows, taps)."""
    (N, K, P, Q), (_, channels, R, S) = grad.shape, weight_shape
    G, T = x.shape[1] // channels, channels * R * S
    total = np.zeros((G, K // G, T), grad.dtype)
    wide = padded(x, window)
    chunk = max(1, ROWS_AT_ONCE // (x.shape[1] * R * S * P * Q))
    for n in range(0, N, chunk):
        windows = _windows(wide[n : n + chunk], window, (P, Q))
        images = len(windows)
        rows = windows.reshape(images, G, channels, P, Q, R, S).transpose(1, 0, 3, 4, 2, 5, 6).reshape(G, images * P * Q, T)
        filters = grad[n : n + chunk].reshape(images, G, K // G, P * Q).transpose(1, 2, 0, 3).reshape(G, K // G, images * P * Q)
        total += np.matmul(filters, rows)
    return total.reshape(weight_shape)


def _tap_by_tap(grad, x, window: Window, weight_shape) -> np.ndarray:
    """One small product per kernel position, over the outputs that find it inside the input."""
    (N, K, P, Q), (_, channels, R, S) = grad.shape, weight_shape
    G, (H, W) = x.shape[1] // channels, x.shape[2:]
    rows, columns = window.axes((H, W))
    total = np.zeros((G, K // G, channels, R, S), grad.dtype)
    for i, j in np.ndindex(R, S):
        (p, h), (q, w) = rows.tap(i, H, P), columns.tap(j, W, Q)
        outputs = grad[:, :, p, q].reshape(N, G, K // G, -1)
        inputs = x[:, :, h, w].reshape(N, G, channels, -1)
        total[:, :, :, i, j] = np.matmul(outputs, inputs.swapaxes(2, 3)).sum(axis=0)
    return total.reshape(weight_shape)
