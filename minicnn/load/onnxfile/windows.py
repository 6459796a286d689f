"""Which question: how are ONNX's convolutions and poolings ours?

Idea: strides, dilations and pads are lists, one entry a spatial axis (pads: all befores, then all afters); auto_pad
asks for TensorFlow's SAME at this input's size, the odd cell after (SAME_UPPER) or before (SAME_LOWER).  A map of one
spatial axis goes through a unit axis.

    SAME: out = ceil(n / stride),  total = (out - 1)·stride + dilation·(kernel - 1) + 1 - n

Source: ONNX's documents of Conv, ConvTranspose, MaxPool, AveragePool, GlobalAveragePool, GlobalMaxPool.
Next room: elementwise.py.
"""

from math import prod

import numpy as np

from minicnn.layers import (
    AdaptiveAvgPool2d,
    AdaptiveMaxPool2d,
    Arithmetic,
    AvgPool2d,
    Conv2d,
    ConvTranspose2d,
    MaxPool2d,
    Pad,
    Squeeze,
)
from minicnn.load.onnxfile.building import Operator, Value

Pads = tuple[tuple[int, int], ...]


def conv(op: Operator) -> Value:
    x, weight = op.map(0), op.known(1, "weight")
    bias = op.known(2, "bias", None)
    return op.in_four_axes(x, lambda x: _conv(op, x, _two_axes(weight), bias))


def _conv(op: Operator, x: Value, weight: np.ndarray, bias) -> Value:
    kernel = weight.shape[2:]
    strides, dilations, pads = _slide(op, x.shape[2:], kernel)
    groups = op.attribute("group", 1)
    return op.hang(Conv2d.of(weight, bias, strides, pads, dilations, groups), x)


def conv_transpose(op: Operator) -> Value:
    x, weight = op.map(0), op.known(1, "weight")
    bias = op.known(2, "bias", None)
    return op.in_four_axes(x, lambda x: _conv_transpose(op, x, _two_axes(weight), bias))


def _conv_transpose(op: Operator, x: Value, weight: np.ndarray, bias) -> Value:
    kernel = weight.shape[2:]
    strides, dilations = _spatial(op, "strides", 1), _spatial(op, "dilations", 1)
    more = _spatial(op, "output_padding", 0)
    pads, more = _transposed_pads(op, x.shape[2:], kernel, strides, dilations, more)
    groups = op.attribute("group", 1)
    crop = tuple((max(0, -before), max(0, -after)) for before, after in pads)
    pads = tuple((max(0, before), max(0, after)) for before, after in pads)
    if any(map(any, crop)):
        op.refuse(f"its pads are negative, {pads}, and transposed convolutions that grow beyond their stamps are not read.")
    fits = all(o < max(s, d) for o, s, d in zip(more, strides, dilations, strict=True))
    if fits:
        return op.hang(ConvTranspose2d.of(weight, bias, strides, pads, more, groups, dilations), x)
    op.refuse(f"its output_padding {more} must be smaller than its strides {strides} or dilations {dilations}.")
    return x  # pragma: no cover


def _transposed_pads(op: Operator, sizes, kernel, strides, dilations, more) -> tuple[Pads, tuple[int, ...]]:
    """Return pads and output_padding: those that are given, or those that make output_shape or SAME."""
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)]
    wanted = op.attribute("output_shape", None)
    auto = op.attribute("auto_pad", "NOTSET")
    if wanted is None and auto not in ("SAME_UPPER", "SAME_LOWER"):
        return _pads(op, "VALID" if auto == "VALID" else "NOTSET"), more
    wanted = (1, *wanted) if wanted is not None and len(wanted) == 1 else wanted
    wanted = tuple(n * s for n, s in zip(sizes, strides, strict=True)) if wanted is None else wanted[-2:]
    pads, grown = [], []
    for n, s, span, extra, out in zip(sizes, strides, spans, more, wanted, strict=True):
        total = s * (n - 1) + extra + span - out
        if total < 0:  # the output is larger than the stamps reach: what is missing is output padding
            extra, total = extra - total, 0
        small, large = total // 2, total - total // 2
        pads.append((small, large) if auto == "SAME_UPPER" else (large, small))
        grown.append(extra)
    return tuple(pads), tuple(grown)


def max_pool(op: Operator) -> "Value | tuple[Value, Value]":
    x, wants_indices = op.map(0), op.outputs > 1
    if not wants_indices:
        return op.in_four_axes(x, lambda x: _max_pool(op, x, False))
    if op.attribute("storage_order", 0):
        op.refuse("its indices are asked for in column-major order (storage_order=1); only row-major ones are read.")
    four = op.in_four_axes(x, lambda x: _max_pool(op, x, True))
    return four, _whole_indices(op, x, four)


def _max_pool(op: Operator, x: Value, indices: bool) -> Value:
    kernel = _kernel(op)
    strides, dilations, pads = _slide(op, x.shape[2:], kernel)
    ceil = bool(op.attribute("ceil_mode", 0))
    if not _fits_half(kernel, pads):  # padding that our pooling does not take becomes a layer of its own
        x, pads = op.hang(Pad(((0, 0), (0, 0), *pads), "constant", -np.inf), x, part="pad"), ((0, 0), (0, 0))
    return op.hang(MaxPool2d(kernel, strides, pads, dilations, indices, ceil), x)


def _whole_indices(op: Operator, x: Value, pooled: Value) -> Value:
    """Return the winning places counted over the whole input, as ONNX counts them; ours are counted within a plane."""
    n, channels = x.shape[:2]
    op.makes((n, channels), np.int64)
    planes = (np.arange(n * channels, dtype=np.int64) * prod(x.shape[2:])).reshape(n, channels, 1, 1)
    node = pooled.name.removesuffix(".squeeze") if pooled.name else None
    if node is None:
        op.refuse("pools an array that is known already and asks where the largest numbers were; that is not read.")
    places = Value((*pooled.shape[:2], *((1,) if len(x.shape) == 3 else ()), *pooled.shape[2:]), np.dtype(np.int64), f"{node}:indices")
    if n * channels > 1:
        places = op.hang(Arithmetic("add", planes), places, part="indices")
    return op.hang(Squeeze((2,)), places, part="places") if len(x.shape) == 3 else places


def average_pool(op: Operator) -> Value:
    return op.in_four_axes(op.map(0), lambda x: _average_pool(op, x))


def _average_pool(op: Operator, x: Value) -> Value:
    kernel = _kernel(op)
    strides, dilations, pads = _slide(op, x.shape[2:], kernel)
    ceil, counts = bool(op.attribute("ceil_mode", 0)), bool(op.attribute("count_include_pad", 0))
    if any(d > 1 for d in dilations) or not _fits_half(kernel, pads):
        return _summed_average(op, x, kernel, strides, dilations, pads, counts, ceil)
    return op.hang(AvgPool2d(kernel, strides, pads, ceil, counts), x)


def _summed_average(op: Operator, x: Value, kernel, strides, dilations, pads, counts: bool, ceil: bool) -> Value:
    """Return a mean that AvgPool2d does not know, with gaps or wide padding: a depthwise convolution with ones, divided by the cells that count."""
    window = MaxPool2d(kernel, strides, 0, dilations, False, ceil)
    padded = [n + sum(pad) for n, pad in zip(x.shape[2:], pads, strict=True)]
    size = window.output_shape((1, 1, *padded))[2:]  # ceil_mode may ask for cells beyond the padding
    spans = [(out - 1) * s + d * (k - 1) + 1 for out, s, d, k in zip(size, strides, dilations, kernel, strict=True)]
    more = tuple((before, after + max(0, span - n)) for (before, after), n, span in zip(pads, padded, spans, strict=True))
    channels = x.shape[1]
    ones = np.ones((channels, 1, *kernel), x.dtype)
    op.makes((*padded, len(kernel) + 1), np.float64)
    there = np.ones(padded) if counts else np.pad(np.ones(x.shape[2:]), pads)  # the cells that count
    there = np.pad(there, [(0, m[1] - p[1]) for m, p in zip(more, pads, strict=True)])
    count = Conv2d.of(np.ones((1, 1, *kernel)), None, strides, 0, dilations)(there[None, None])
    total = op.hang(Conv2d.of(ones, None, strides, more, dilations, channels), x, part="sum")
    return op.hang(Arithmetic("div", np.maximum(count, 1).astype(x.dtype)), total)


def global_average_pool(op: Operator) -> Value:
    return op.in_four_axes(op.map(0), lambda x: op.hang(AdaptiveAvgPool2d(1), x))


def global_max_pool(op: Operator) -> Value:
    return op.in_four_axes(op.map(0), lambda x: op.hang(AdaptiveMaxPool2d(1), x))


# --- Windows --------------------------------------------------------------------------------------------------------


def _two_axes(weight: np.ndarray) -> np.ndarray:
    return weight[:, :, None] if weight.ndim == 3 else weight


def _spatial(op: Operator, name: str, default: int) -> tuple[int, int]:
    """Return an attribute of one number a spatial axis, for rows and columns."""
    numbers = op.attribute(name, ())
    if not numbers:
        return (default, default)
    return tuple(numbers) if len(numbers) > 1 else (default, numbers[0])


def _kernel(op: Operator) -> tuple[int, int]:
    kernel = op.attribute("kernel_shape")
    return tuple(kernel) if len(kernel) > 1 else (1, kernel[0])


def _pads(op: Operator, auto: str) -> Pads:
    pads = op.attribute("pads", ())
    if auto == "VALID" or not pads:
        return ((0, 0), (0, 0))
    if len(pads) == 2:
        return ((0, 0), (pads[0], pads[1]))
    if len(pads) != 4:
        op.refuse(f"its pads are {tuple(pads)}, and windows over one or two spatial axes have two or four.")
    return ((pads[0], pads[2]), (pads[1], pads[3]))


def _slide(op: Operator, sizes, kernel) -> tuple[tuple[int, int], tuple[int, int], Pads]:
    """Return strides, dilations and pads of a window over an input of these sizes."""
    strides, dilations = _spatial(op, "strides", 1), _spatial(op, "dilations", 1)
    auto = op.attribute("auto_pad", "NOTSET")
    if auto not in ("SAME_UPPER", "SAME_LOWER"):
        return strides, dilations, _pads(op, auto)
    pads = []
    for n, k, s, d in zip(sizes, kernel, strides, dilations, strict=True):
        total = max(0, (-(-n // s) - 1) * s + d * (k - 1) + 1 - n)
        small, large = total // 2, total - total // 2
        pads.append((small, large) if auto == "SAME_UPPER" else (large, small))
    return strides, dilations, tuple(pads)


def _fits_half(kernel, pads: Pads) -> bool:
    return all(2 * max(side) <= k for side, k in zip(pads, kernel, strict=True))
