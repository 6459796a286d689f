"""What every number looks at, counted by plain loops, with nothing of minicnn but the layers' settings.

Each position of each map holds the frozenset of input pixels (row, column) that it is computed from.
A layer's definition is written out per axis as a list: for each output, the list of inputs.
"""

from fractions import Fraction
from itertools import count
from math import floor

from minicnn import nn

NOTHING = frozenset()
Lines = list[list[int | None]]  # for each output of one axis its inputs; None is padding


def what_is_seen(net: nn.Network, size: tuple[int, int]) -> dict[str, list[list[frozenset]]]:
    """Return for each node the grid of sets, one cell where a map has no positions."""
    grids = {net.inputs[0]: [[frozenset([(r, c)]) for c in range(size[1])] for r in range(size[0])]}
    flat = set()  # maps without positions: everything behind a Flatten
    for node in net:
        feeders = [grids[name] for name in node.inputs]
        if node.inputs[0] in flat or isinstance(node.layer, nn.Flatten):
            flat.add(node.name)
            grids[node.name] = [[NOTHING.union(*(cell for row in feeders[0] for cell in row))]]
        else:
            meets = isinstance(node.layer, nn.Add | nn.Concat | nn.Arithmetic)
            grids[node.name] = joined(feeders) if meets else through(node.layer, feeders[0])
    return grids


def joined(feeders):
    height, width = max(map(len, feeders)), max(len(grid[0]) for grid in feeders)
    feeders = [
        [[grid[r % len(grid)][c % len(grid[0])] for c in range(width)] for r in range(height)] for grid in feeders
    ]  # 1 is laid over all
    return [[NOTHING.union(*cells) for cells in zip(*rows, strict=True)] for rows in zip(*feeders, strict=True)]


def through(layer, grid):
    height, width = len(grid), len(grid[0])
    rows, columns = lines_of(layer, height, 0), lines_of(layer, width, 1)
    return [[NOTHING.union(*(grid[r][c] for r in row for c in column if None not in (r, c))) for column in columns] for row in rows]


def lines_of(layer, n: int, axis: int) -> Lines:
    """Return what each output of one axis (0 rows, 1 columns) is computed from."""
    if isinstance(layer, nn.ReLU | nn.BatchNorm2d | nn.Identity):
        return [[q] for q in range(n)]
    if isinstance(layer, nn.Linear):  # of a map: over the last axis, one line at a time
        return [[q] for q in range(n)] if axis == 0 else [list(range(n))] * layer.out_features
    if isinstance(layer, nn.ConvTranspose2d):
        return stamped(
            n, *(pair[axis] for pair in (layer.weight.shape[2:], layer.stride, layer.padding, layer.dilation, layer.output_padding))
        )
    if isinstance(layer, nn.AdaptiveAvgPool2d | nn.AdaptiveMaxPool2d):
        return shared(n, layer.output_size[axis])
    if isinstance(layer, nn.Upsample):
        return resized(n, layer, axis)
    if type(layer) in MOVED:
        return MOVED[type(layer)](list(range(n)), layer, axis)
    if hasattr(layer, "padding_mode"):  # the padding layers: each padded position is an output
        left, right, top, bottom = layer.padding
        return [[q] for q in padded_line(n, *((top, bottom), (left, right))[axis], layer.padding_mode)]
    window = layer.window
    sides = window.padding if window.padding == "same" else window.padding[axis]
    return windows(n, window.kernel[axis], window.stride[axis], sides, window.dilation[axis], window.padding_mode, window.ceil_mode)


def padded_line(n: int, before: int, after: int, mode: str) -> list[int | None]:
    """Lay the inputs out with their border."""
    line = list(range(n))
    if mode == "reflect":
        return line[1 : before + 1][::-1] + line + line[::-1][1 : after + 1]
    if mode == "replicate":
        return line[:1] * before + line + line[-1:] * after
    if mode == "circular":
        return line[n - before :] + line + line[:after]
    return [None] * before + line + [None] * after


def starts(length: int, extent: int, stride: int) -> list[int]:
    """Walk along and write down where a window fits."""
    return [start for start in range(length) if start % stride == 0 and start + extent <= length]


def smallest_same(n: int, extent: int, stride: int) -> tuple[int, int]:
    """Pad by one cell more, after first, until a window fits for every stride-th input."""
    wanted = len(range(0, n, stride))
    for total in count():
        before = total // 2
        if len(starts(n + total, extent, stride)) >= wanted:
            return before, total - before


def windows(n, kernel, stride, sides, dilation, mode="zeros", ceil=False) -> Lines:
    extent = 1 + sum(dilation for _ in range(kernel - 1))
    before, after = smallest_same(n, extent, stride) if sides == "same" else sides
    line = padded_line(n, before, after, mode)
    found = starts(len(line), extent, stride)
    if ceil:
        uncovered, following = len(line) - (found[-1] + extent), found[-1] + stride
        if uncovered and following < before + n:  # one more that hangs over, if it starts inside or before
            found.append(following)
            line = line + [None] * extent
    return [[line[start + t * dilation] for t in range(kernel)] for start in found]


def stamped(n, kernel, stride, sides, dilation, extra) -> Lines:
    """Let every input stamp its kernel onto a canvas, then cut the sides off."""
    canvas = [[] for _ in range((n - 1) * stride + dilation * (kernel - 1) + 1 + extra)]
    for q in range(n):
        for t in range(kernel):
            canvas[q * stride + t * dilation].append(q)
    return canvas[sides[0] : len(canvas) - sides[1]]


def shared(n: int, out: int | None) -> Lines:
    """Cut the axis into `out` equal pieces; a piece sees the cells with which it shares some length."""
    out = n if out is None else out
    return [
        [q for q in range(n) if max(Fraction(i, out), Fraction(q, n)) < min(Fraction(i + 1, out), Fraction(q + 1, n))] for i in range(out)
    ]


def resized(n: int, layer, axis: int) -> Lines:
    out = layer.size[axis] if layer.size else floor(n * layer.scale_factor[axis])
    step = Fraction(n, out)
    by_factor = layer.scale_factor and not layer.recompute_scale_factor
    if by_factor and out not in ((n, 2 * n) if layer.mode == "nearest" else (n,)):
        step = 1 / Fraction(str(layer.scale_factor[axis]))  # 0.7 is 7/10 here
    if layer.mode == "nearest":  # the cell in which the left end of the output lies
        return [[q for q in range(n) if q <= i * step < q + 1] for i in range(out)]
    if layer.align_corners:  # first centre on first centre, last on last
        centres = [Fraction(i * (n - 1), max(out - 1, 1)) for i in range(out)]
    else:  # the middle of output i, in a coordinate whose integers are the middles of inputs
        centres = [Fraction(2 * i + 1, 2) * step - Fraction(1, 2) for i in range(out)]
    held = [min(max(centre, Fraction(0)), Fraction(n - 1)) for centre in centres]
    return [[q for q in range(n) if abs(centre - q) < 1] for centre in held]


# The layers that files of other frameworks are made of: what becomes of the line 0 … n-1, for the rows (axis 0) or columns (1).


def sliced(line, layer, axis) -> Lines:
    for dim, start, end, step in zip(layer.dims, layer.starts, layer.ends, layer.steps, strict=True):
        if dim == axis + 2:
            line = line[start:end:step]  # Python's own slices are the definition
    return [[q] for q in line]


def taken(line, layer, axis) -> Lines:
    return [[line[q]] for q in layer.indices.tolist()] if layer.dim == axis + 2 else [[q] for q in line]


def bordered(line, layer, axis) -> Lines:
    before, after = layer.pads[axis + 2]
    line = line[-before:] if before < 0 else line
    line = line[:after] if after < 0 else line
    last, found = len(line) - 1, []
    for k in range(-max(before, 0), len(line) + max(after, 0)):
        inside = {"constant": None, "edge": min(max(k, 0), last), "wrap": k % len(line), "reflect": -k if k < 0 else 2 * last - k}[
            layer.mode
        ]
        found.append([line[k]] if 0 <= k <= last else [None if inside is None else line[inside]])
    return found


def resampled(line, layer, axis) -> Lines:
    n = len(line)
    scale = None if layer.scales is None else Fraction(str(layer.scales[axis]))
    out = layer.out[axis] if layer.out else floor(n * scale)
    scale = scale or Fraction(out, n)
    half, length = Fraction(1, 2), n * scale
    places = {
        "asymmetric": lambda i: i / scale,
        "align_corners": lambda i: i * (n - 1) / (length - 1) if length != 1 else 0,
        "half_pixel": lambda i: (i + half) / scale - half,
        "pytorch_half_pixel": lambda i: (i + half) / scale - half if out > 1 else 0,
        "half_pixel_symmetric": lambda i: (i + half) / scale - half + Fraction(n, 2) * (1 - out / length),
        "tf_half_pixel_for_nn": lambda i: (i + half) / scale,
    }
    found = [Fraction(places[layer.coordinates](i)) for i in range(out)]
    if layer.mode == "linear":
        return [[q for q in line if abs(min(max(place, 0), n - 1) - q) < 1] for place in found]
    nearest = []
    for place in found:
        lower = max((q for q in range(-99, 99) if q <= place), default=0)
        up = {"floor": False, "ceil": place > lower, "round_prefer_floor": place - lower > half, "round_prefer_ceil": place - lower >= half}
        nearest.append([min(max(lower + up[layer.rounding], 0), n - 1)])
    return nearest


def drawn_larger(line, layer, axis) -> Lines:
    return [[q] for q in line for _ in range(layer.upscale_factor)]


def drawn_smaller(line, layer, axis) -> Lines:
    r = layer.downscale_factor
    return [line[at : at + r] for at in range(0, len(line), r)]


def reduced(line, layer, axis) -> Lines:
    return [line] if axis + 2 in layer.dims else [[q] for q in line]


def kept(line, layer, axis) -> Lines:
    return [[q] for q in line]


MOVED = {
    nn.Slice: sliced,
    nn.Take: taken,
    nn.Pad: bordered,
    nn.Resample: resampled,
    nn.PixelShuffle: drawn_larger,
    nn.PixelUnshuffle: drawn_smaller,
    nn.Reduce: reduced,
    nn.LocalResponseNorm: kept,
}
