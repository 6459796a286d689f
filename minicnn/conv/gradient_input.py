"""By the input, a convolution's gradient is again a convolution.

    grad_x[n,c,h,w] = Σ_k Σ_i Σ_j Σ_(p,q)  grad[n,k,p,q] · w[k,c,i,j]      where p·stride_h + i·dil_h - top = h, likewise w

Idea: it is grad under the weight turned by half a turn, its two channel axes exchanged.  A stride splits it into
phases: the input rows h with equal (h + top) mod stride are reached by the same taps, which are a small
convolution of stride 1.  So dispatch picks the algorithm, and no zeros are multiplied.  Where windows do not
overlap, each position has one product sum: one matrix product, laid down.
Cost: that of the forward pass, where it is not padded.  Rows that a stride never reads have gradient zero.
Source: Dumoulin & Visin (2016), chapter 4.  Next room: gradient.py, whose half this is.
"""

from dataclasses import dataclass
from itertools import product
from math import gcd

import numpy as np

from minicnn.conv.dispatch import FEW_PRODUCTS, choose_algorithm, convolve
from minicnn.conv.layout import windows_of_batch
from minicnn.window import Window

MANY_POSITIONS = 2000  # a gradient's weight is transformed for this call alone: fewer positions do not repay four times its size


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
    if weight.shape[2] * weight.shape[3] > 1 and windows_are_apart(window, grad.shape[2:]):
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
    name = choose_algorithm(part.shape, weight.shape, window, grad.dtype, accuracy)
    if name == "winograd4" and part.shape[0] * rows.count * columns.count < MANY_POSITIONS:
        name = "winograd2"
    return convolve(part, weight, None, window, algorithm=name, accuracy=accuracy)


def windows_are_apart(window: Window, out_size) -> bool:
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
    windows = windows_of_batch(wide, window, (P, Q), writeable=True).reshape(N, G, channels, P, Q, R, S)
    windows[...] = parts.transpose(1, 0, 4, 2, 3, 5, 6)
    return wide[:, :, top : top + H, left : left + W] if (top or bottom or left or right) else wide


def _row_products(rows, weight) -> np.ndarray:
    """Return rows @ weight for every group; a small one in registers, since BLAS wakes its threads and lets them spin."""
    if len(rows) == 1 and rows.dtype == np.float32 and rows.size * weight.shape[2] <= FEW_PRODUCTS:
        from minicnn.conv.direct import products

        return products(rows[0], weight[0].T)
    return np.matmul(rows, weight)


def input_gradient_bytes(x_shape, weight_shape, window: Window, out_size, itemsize: int) -> int:
    """Return about what the largest phase's convolution holds, and its result where there are several."""
    from minicnn.conv.cost import workspace_bytes as of_algorithm

    (N, C), (K, channels, R, S) = x_shape[:2], weight_shape
    if R * S > 1 and windows_are_apart(window, out_size):
        rows, columns = (n + sum(side) for n, side in zip(x_shape[2:], window.padding, strict=True))
        return N * C * (out_size[0] * out_size[1] * R * S + rows * columns) * itemsize
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
