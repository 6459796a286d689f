"""Which question: how does ONNX say what slides, pools, pads and resizes?

Idea: one word where ONNX has one that means the same, else the same numbers by other words:

    ceil_mode         as padding at the end: which windows there are is known, and every runtime agrees on that
    winning indices   ONNX counts over the whole batch, minicnn within a plane: the remainder by H·W
    adaptive means    two matrices of shares, MatMul from the left and the right, unless one AveragePool does
    adaptive maxima   each window's rows, then columns, gathered and compared, unless one MaxPool does
    Unfold and Fold   a convolution with a filter for each tap, forwards and backwards
    Upsample          Resize where float32 finds the same cells, else a table of cells or of weights per axis

Cost: a table is as long as the output and as wide as the input, per axis.
When it loses: shares of 0 carry a NaN to the whole row; a NaN in a pooled window is the runtime's own affair.
Source: onnx.ai/onnx/operators.  Next room: __init__.py, the table.
"""

from math import floor, prod

import numpy as np

from minicnn.axis import Adaptive, Resize
from minicnn.load.onnx_out.drawing import Here
from minicnn.window import Sides, Window, from_torch_pad

PAD_MODES = {"zeros": "constant", "constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def pads_of(sides: Sides) -> list[int]:
    """Return our sides in ONNX's order: all the begins, then all the ends.

    >>> pads_of(((3, 4), (1, 2)))
    [3, 1, 4, 2]
    """
    (top, bottom), (left, right) = sides
    return [top, left, bottom, right]


def bordered(here: Here, x: str, sides: Sides, mode: str) -> str:
    """Return x with a border."""
    if mode == "circular":
        here.needs(19, "Pad with mode='wrap'")
    (top, bottom), (left, right) = sides
    return here("Pad", x, here.whole("pads", [0, 0, top, left, 0, 0, bottom, right]), mode=PAD_MODES[mode])


def pad(here: Here) -> str:
    sides = from_torch_pad(*here.layer.padding)
    return bordered(here, here.x, sides, here.layer.padding_mode) if any(map(any, sides)) else here("Identity", here.x)


def _slides(here: Here):
    """Return kernel, strides, dilations and the padding with which every window of the layer fits, and none more."""
    window, ends = here.layer.window.resolve(here.shape[2:]), []
    for rule, n, out in zip(window.axes(here.shape[2:]), here.shape[2:], here.out_shape[2:], strict=True):
        ends.append(max((out - 1) * rule.stride + rule.extent - n - rule.before, 0))
    (top, _), (left, _) = window.padding
    settings = {"kernel_shape": window.kernel, "strides": window.stride, "pads": [top, left, *ends]}
    return window, settings, ((top, ends[0]), (left, ends[1]))


def max_pool(here: Here):
    """A runtime takes less padding than the kernel has taps; a dilated window may need more, which is then a border of its own."""
    window, settings, sides = _slides(here)
    indices = here.layer.return_indices
    x, within = here.x, all(max(pair) < size for pair, size in zip(sides, window.kernel, strict=True))
    if not within:
        lowest = here.constant("lowest", -np.inf)
        x = here("Pad", x, here.whole("pads", [0, 0, sides[0][0], sides[1][0], 0, 0, sides[0][1], sides[1][1]]), lowest)
        settings["pads"] = [0, 0, 0, 0]
    if not indices:
        return here("MaxPool", x, dilations=window.dilation, **settings)
    y, places = here("MaxPool", x, dilations=window.dilation, results=2, **settings)
    return y, _inside(here, places, sides if not within else ((0, 0), (0, 0)))


def _inside(here: Here, places: str, border: Sides) -> str:
    """Return places in the batch as places in their plane, and those in a plane with a border as those in the one without."""
    (top, bottom), (left, right) = border
    rows, columns = here.shape[2:]
    wide = columns + left + right
    place = here("Mod", places, here.whole("plane", (rows + top + bottom) * wide))
    if (left, right, top) == (0, 0, 0):
        return place
    row = here("Sub", here("Div", place, here.whole("wide", wide)), here.whole("top", top))
    column = here("Sub", here("Mod", place, here.whole("wide", wide)), here.whole("left", left))
    return here("Add", here("Mul", row, here.whole("columns", columns)), column)


def avg_pool(here: Here) -> str:
    """What the sum is divided by is the kernel's size for ONNX, unless only cells of the map count; another divisor is a factor."""
    layer = here.layer
    window, settings, _ = _slides(here)
    if not layer.count_include_pad and layer.divisor_override is None:
        return here("AveragePool", here.x, count_include_pad=0, **settings)
    y = here("AveragePool", here.x, count_include_pad=1, **settings)
    size = prod(window.kernel)
    if layer.divisor_override is not None:
        return y if layer.divisor_override == size else here("Mul", y, here.constant("share", size / layer.divisor_override))
    counts = []
    for rule, n, out in zip(window.axes(here.shape[2:]), here.shape[2:], here.out_shape[2:], strict=True):
        starts = np.arange(out) * rule.stride
        counts.append(np.minimum(starts + rule.kernel, n + rule.before + rule.after) - starts)  # the padding asked for counts, no more
    divisors = np.outer(*counts)
    return y if (divisors == size).all() else here("Mul", y, here.constant("share", size / divisors))


def _shared(here: Here) -> list[list[tuple[int, ...]]]:
    """Return for rows and columns which inputs each output of an adaptive pooling looks at."""
    return [
        [rule.sees(i, n) for i in range(out)]
        for rule, n, out in zip(map(Adaptive, here.layer.output_size), here.shape[2:], here.out_shape[2:], strict=True)
    ]


def _even(here: Here) -> dict | None:
    """Return the window that does an adaptive pooling where every output looks at as many inputs as the next, else None."""
    sizes = list(zip(here.shape[2:], here.out_shape[2:], strict=True))
    if any(n % out for n, out in sizes):
        return None
    steps = [n // out for n, out in sizes]
    return {"kernel_shape": steps, "strides": steps}


def adaptive_avg(here: Here) -> str:
    if here.out_shape[2:] == (1, 1):
        return here("GlobalAveragePool", here.x)
    if _even(here):
        return here("AveragePool", here.x, **_even(here))
    rows, columns = (_shares(looked, n) for looked, n in zip(_shared(here), here.shape[2:], strict=True))
    return mixed(here, rows, columns)


def _shares(looked, n: int) -> np.ndarray:
    """Return the matrix (outputs, n) that takes the mean of what each output looks at."""
    matrix = np.zeros((len(looked), n))
    for i, inputs in enumerate(looked):
        matrix[i, list(inputs)] = 1 / len(inputs)
    return matrix


def mixed(here: Here, rows: np.ndarray, columns: np.ndarray) -> str:
    """Return rows · x · columnsᵀ, plane by plane."""
    return here("MatMul", here("MatMul", here.constant("rows", rows), here.x), here.constant("columns", columns.T))


def adaptive_max(here: Here):
    indices, even = here.layer.return_indices, _even(here)
    if even and not indices:
        return here("GlobalMaxPool", here.x) if here.out_shape[2:] == (1, 1) else here("MaxPool", here.x, **even)
    if even:
        y, places = here("MaxPool", here.x, results=2, **even)
        return y, _inside(here, places, ((0, 0), (0, 0)))
    (rows, tall), (columns, wide) = map(_tables, _shared(here))
    (_, channels, P, Q), cells = here.out_shape, tall * wide
    by_rows = here("Gather", here.x, here.whole("rows", rows), axis=2)  # (N, C, P, tall, W)
    windows = here("Gather", by_rows, here.whole("columns", columns), axis=4)  # (N, C, P, tall, Q, wide)
    windows = here("Transpose", windows, perm=(0, 1, 2, 4, 3, 5))
    windows = here.reshaped(windows, 0, channels, P * Q, cells)
    if not indices:
        return here.reshaped(here.reduced("ReduceMax", windows, 3), 0, channels, P, Q)
    best, winner = here("TopK", windows, here.whole("one", [1]), results=2, axis=-1)  # of equal numbers the first
    y = here.reshaped(best, 0, channels, P, Q)
    winner = here.reshaped(winner, 0, channels, P, Q)
    row = here("Add", here("Div", winner, here.whole("wide", wide)), here.whole("tops", rows[:, :1]))
    column = here("Add", here("Mod", winner, here.whole("wide", wide)), here.whole("lefts", columns[:, 0]))
    return y, here("Add", here("Mul", row, here.whole("across", here.shape[3])), column)


def _tables(looked) -> tuple[np.ndarray, int]:
    """Return which inputs each output looks at as a table of equal rows, the last one again where there are fewer, and its width."""
    most = max(map(len, looked))
    return np.array([(*inputs, *[inputs[-1]] * (most - len(inputs))) for inputs in looked]), most


def max_unpool(here: Here) -> str:
    """Each plane is one row of numbers, into whose zeros the given ones are put."""
    x, indices = here.inputs
    here.drawing.kinds[indices] = np.dtype(np.int64)  # it may be an input of the network
    (_, channels, *rest), size = here.shape, here.out_shape[2:]
    flat, places = (here.reshaped(each, 0, channels, prod(rest)) for each in (x, indices))
    planes = here("Gather", here("Shape", x), here.whole("first", [0, 1]))
    zeros = here("Expand", here.constant("zero", 0), here("Concat", planes, here.whole("positions", [prod(size)]), axis=0))
    return here.reshaped(here("ScatterElements", zeros, places, flat, axis=2), 0, channels, *size)


def _one_tap_each(here: Here, channels: int, kernel) -> str:
    """Return filters (channels · taps, 1, rows, columns), each of which sees one tap of one channel."""
    taps = np.eye(prod(kernel)).reshape(-1, 1, *kernel)
    return here.constant("taps", np.tile(taps, (channels, 1, 1, 1)))


def unfold(here: Here) -> str:
    layer, channels = here.layer, here.shape[1]
    window = Window.of(layer.kernel_size, layer.stride, layer.padding, layer.dilation).resolve(here.shape[2:])
    settings = {"kernel_shape": window.kernel, "strides": window.stride, "pads": pads_of(window.padding), "dilations": window.dilation}
    columns = here("Conv", here.x, _one_tap_each(here, channels, window.kernel), group=channels, **settings)
    return here.reshaped(columns, 0, *here.out_shape[1:])


def fold(here: Here) -> str:
    layer, channels, size = here.layer, here.out_shape[1], here.out_shape[2:]
    window = Window.of(layer.kernel_size, layer.stride, layer.padding, layer.dilation).resolve(size)
    rules = window.axes(size)
    P, Q = (rule.out_size(n) for rule, n in zip(rules, size, strict=True))
    left = [
        n - ((rule.out_size(n) - 1) * rule.stride + rule.extent - rule.before - rule.after) for rule, n in zip(rules, size, strict=True)
    ]
    settings = {"kernel_shape": window.kernel, "strides": window.stride, "pads": pads_of(window.padding), "dilations": window.dilation}
    maps = here.reshaped(here.x, 0, here.shape[1], P, Q)
    return here("ConvTranspose", maps, _one_tap_each(here, channels, window.kernel), group=channels, output_padding=left, **settings)


def flatten(here: Here) -> str:
    """ONNX's Flatten always leaves two axes; any other is a new shape, in which the axes that are joined take what is left."""
    start, end = (axis % len(here.shape) for axis in (here.layer.start_dim, here.layer.end_dim))
    if (start, end) == (1, len(here.shape) - 1):
        return here("Flatten", here.x, axis=1)
    return here.reshaped(here.x, *[0] * start, -1, *here.shape[end + 1 :])


def upsample(here: Here) -> str:
    layer, rules, in_size = here.layer, here.layer.axes(here.shape)[0], here.shape[2:]
    nearest = layer.mode == "nearest"
    scales = [_scale(rule, n) for rule, n in zip(rules, in_size, strict=True)]
    if None not in scales:
        where = "asymmetric" if nearest else "align_corners" if layer.align_corners else "half_pixel"
        how = {"mode": "nearest", "nearest_mode": "floor"} if nearest else {"mode": "linear"}
        four = here.constant("scales", [1, 1, *scales], np.float32)
        return here("Resize", here.x, "", four, coordinate_transformation_mode=where, **how)
    return picked(here, rules) if nearest else mixed(here, *(weights(rule, n) for rule, n in zip(rules, in_size, strict=True)))


def picked(here: Here, rules) -> str:
    """Return x with each output row and column copied from the one cell that its rule names."""
    rows, columns = ([rule.sees(i, n)[0] for i in range(rule.out)] for rule, n in zip(rules, here.shape[2:], strict=True))
    return here("Gather", here("Gather", here.x, here.whole("rows", rows), axis=2), here.whole("columns", columns), axis=3)


def weights(rule, n: int) -> np.ndarray:
    """Return the matrix (outputs, n) of what each output takes of each input."""
    matrix = np.zeros((rule.out, n))
    for i in range(rule.out):
        for source, weight in rule.taps(i, n):
            matrix[i, source] = float(weight)
    return matrix


def _scale(rule: Resize, n: int) -> np.float32 | None:
    """Return the float32 with which a runtime comes to the size of this axis and, for 'nearest', to its cells; None where there is none.

    >>> from fractions import Fraction
    >>> _scale(Resize(6), 3), _scale(Resize(5), 3), _scale(Resize(8, scale=Fraction(17, 10)), 5)
    (np.float32(2.0), np.float32(1.6666667), np.float32(1.7))
    """
    exact = np.float32(rule.out / n if rule.align_corners else 1 / rule.step(n))
    for scale in (exact, np.nextafter(exact, np.float32(np.inf))):
        sized = floor(np.float32(n) * scale) == floor(n * float(scale)) == rule.out
        if sized and (rule.mode != "nearest" or all(int(np.float32(i) / scale) == rule.sees(i, n)[0] for i in range(rule.out))):
            return scale
    return None
