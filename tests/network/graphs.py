"""Random networks for Hypothesis, drawn so that every layer fits the map it is given.

networks()   1 to 7 nodes of every kind, branches and dead ends among them
chains()     plain convolutions and poolings one after the other, zeros around them, sides equal or not

Both draw (network, input shape) with H != W.  Weights are positive and never 0, so a NaN that goes
in comes out of everything that looks at it; numbers do not matter otherwise.
"""

import numpy as np
from hypothesis import strategies as st

from minicnn import nn

LARGEST = 15  # rows or columns of an inner map: what is seen is counted by plain loops
STRIDES = st.sampled_from((1, 1, 1, 2, 2, 3, 4))  # mostly small, or maps are soon one position
MODES = ("zeros", "zeros", "reflect", "replicate", "circular")
PADS = (nn.ZeroPad2d, nn.ReflectionPad2d, nn.ReplicationPad2d, nn.CircularPad2d)


def positive(*shape: int) -> np.ndarray:
    return np.random.default_rng(shape).uniform(0.5, 1.5, shape).astype(np.float32)


def most_padding(mode: str, n: int) -> int:
    return min(3, {"reflect": n - 1, "circular": n}.get(mode, 3))


@st.composite
def input_sizes(draw, largest: int = 11):
    """Rows and columns that differ."""
    height, width = draw(st.integers(1, largest)), draw(st.integers(1, largest - 1))
    return height, width + (width >= height)


@st.composite
def slide_axes(draw, n: int, mode: str):
    """Kernel, stride, sides and dilation of one axis; the dilated kernel fits into the padded n."""
    most = most_padding(mode, n)
    before, after = draw(st.integers(0, most)), draw(st.integers(0, most))
    dilation = draw(st.integers(1, 3))
    kernel = draw(st.integers(1, min(4, (n + before + after - 1) // dilation + 1)))
    return kernel, draw(STRIDES), (before, after), dilation


@st.composite
def pool_axes(draw, n: int, dilations: int):
    """The same for a pooling, whose padding is at most half its kernel."""
    kernel = draw(st.integers(1, min(4, n + 1)))
    before, after = draw(st.integers(0, kernel // 2)), draw(st.integers(0, kernel // 2))
    if kernel > n + before + after:
        before = kernel // 2
    room = n + before + after - 1
    dilation = draw(st.integers(1, max(1, min(dilations, room // max(kernel - 1, 1)))))
    return kernel, draw(STRIDES), (before, after), dilation


@st.composite
def transposed_axes(draw, n: int):
    """Kernel, stride, sides, dilation and output padding of one axis; something is left after cropping."""
    kernel, stride, dilation = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(1, 2))
    extra = draw(st.integers(0, max(stride, dilation) - 1))
    full = (n - 1) * stride + dilation * (kernel - 1) + 1 + extra
    before = draw(st.integers(0, min(3, full - 1)))
    return kernel, stride, (before, draw(st.integers(0, min(3, full - 1 - before)))), dilation, extra


def both(draw, axis, size, *arguments):
    """Draw one axis for rows and one for columns, and hand out kernels, strides, paddings, … as pairs."""
    return zip(*(draw(axis(n, *arguments)) for n in size), strict=True)


def convolution(draw, shape, kernel, stride, padding, dilation, mode="zeros"):
    channels = shape[0]
    groups = draw(st.sampled_from([g for g in (1, 2) if channels % g == 0]))
    out = groups * draw(st.integers(1, 2))
    weight, bias = positive(out, channels // groups, *kernel), positive(out) if draw(st.booleans()) else None
    return nn.Conv2d.of(weight, bias, stride, padding, dilation, groups, mode)


def conv(draw, shape):
    mode = draw(st.sampled_from(MODES))
    kernel, stride, padding, dilation = both(draw, slide_axes, shape[1:], mode)
    return convolution(draw, shape, kernel, stride, padding, dilation, mode)


def same_conv(draw, shape, stride=None):
    kernel = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    stride = (draw(STRIDES), draw(STRIDES)) if stride is None else stride
    mode = draw(st.sampled_from(("zeros", "zeros", "replicate")))  # the modes that pad any map by any amount
    return convolution(draw, shape, kernel, stride, "same", draw(st.integers(1, 2)), mode)


def max_pool(draw, shape):
    if draw(st.booleans()) and min(shape[1:]) >= 2:
        return nn.MaxPool2d(2, ceil_mode=draw(st.booleans()))  # what networks use, on odd sizes too
    kernel, stride, padding, dilation = both(draw, pool_axes, shape[1:], 3)
    return nn.MaxPool2d(kernel, stride, padding, dilation, ceil_mode=draw(st.booleans()))


def avg_pool(draw, shape):
    kernel, stride, padding, _ = both(draw, pool_axes, shape[1:], 1)
    return nn.AvgPool2d(kernel, stride, padding, draw(st.booleans()), draw(st.booleans()))


def transposed(draw, shape):
    kernel, stride, padding, dilation, extra = both(draw, transposed_axes, shape[1:])
    groups = draw(st.sampled_from([g for g in (1, 2) if shape[0] % g == 0]))
    weight = positive(shape[0], draw(st.integers(1, 2)), *kernel)
    return nn.ConvTranspose2d.of(weight, None, stride, padding, extra, groups, dilation)


def adaptive(draw, shape):
    kind = draw(st.sampled_from([nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d]))
    return kind(tuple(draw(st.none() | st.integers(1, 6)) for _ in range(2)))


def upsample(draw, shape):
    mode, corners = draw(st.sampled_from([("nearest", None), ("bilinear", None), ("bilinear", False), ("bilinear", True)]))
    if draw(st.booleans()):
        return nn.Upsample(size=tuple(draw(st.integers(1, 9)) for _ in range(2)), mode=mode, align_corners=corners)
    scales = tuple(draw(st.sampled_from([1, 1.5, 2, 3] + [0.5, 0.7] * (n >= 2))) for n in shape[1:])
    return nn.Upsample(scale_factor=scales, mode=mode, align_corners=corners)


def padded(draw, shape):
    kind = draw(st.sampled_from(PADS))
    sides = (draw(st.integers(0, most_padding(kind.padding_mode, n))) for n in (shape[2], shape[2], shape[1], shape[1]))
    return kind(tuple(sides))


def batch_norm(draw, shape):
    mean, var, weight, bias = (positive(shape[0]) for _ in range(4))
    return nn.BatchNorm2d.of(mean, var, weight, bias)


def relu(draw, shape):
    return nn.ReLU()


def rows_of_features(draw, shape):
    return nn.Linear.of(positive(draw(st.integers(1, 3)), shape[-1]))


def flatten(draw, shape):
    return nn.Flatten()


def sliced(draw, shape):
    dims, steps = draw(st.sampled_from([((2,), 1), ((3,), 1), ((2, 3), 1), ((3, 2), 1), ((3,), -1)])), []
    starts, ends = [], []
    for dim in dims[0]:
        n, step = shape[dim - 1], draw(st.integers(1, 3)) * dims[1]
        first = draw(st.integers(0, n - 1))
        starts.append(draw(st.sampled_from((first, first - n))))
        ends.append(draw(st.sampled_from((n, 99, first + 1) if step > 0 else (-99, first - 1 - n))))
        steps.append(step)
    return nn.Slice(starts, ends, dims[0], steps)


def taken(draw, shape):
    dim = draw(st.integers(2, 3))
    n = shape[dim - 1]
    return nn.Take(draw(st.lists(st.integers(-n, n - 1), min_size=1, max_size=6)), dim)


def bordered(draw, shape):
    mode = draw(st.sampled_from(("constant", "reflect", "edge", "wrap")))
    sides = []
    for n in shape[1:]:
        before = draw(st.integers(1 - n if n > 1 else 0, 3))
        left = n + min(before, 0)
        after = draw(st.integers(1 - left, 3))
        most = left + min(after, 0) - 1 if mode == "reflect" else 3
        sides.append((min(before, most), min(after, most)))
    return nn.Pad(((0, 0), (0, 0), *sides), mode)


def resampled(draw, shape):
    coordinates = draw(
        st.sampled_from(("half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_half_pixel_for_nn"))
    )
    rounding = draw(st.sampled_from(("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")))
    mode = draw(st.sampled_from(("nearest", "linear")))
    if draw(st.booleans()):
        return nn.Resample(tuple(draw(st.integers(1, 9)) for _ in range(2)), mode, coordinates, rounding)
    scales = tuple(draw(st.sampled_from([1, 1.5, 2, 3] + [0.5, 0.7] * (n >= 2))) for n in shape[1:])
    return nn.Resample(None, mode, coordinates, rounding, scales)


def shuffled(draw, shape):
    mode = draw(st.sampled_from(("CRD", "DCR")))
    fits = [r for r in (3, 2) if shape[1] % r == 0 == shape[2] % r]
    if fits and shape[0] * fits[0] ** 2 <= 36:
        return nn.PixelUnshuffle(fits[0], mode)
    return nn.PixelShuffle(2 if shape[0] % 4 == 0 else 1, mode)


def local_response(draw, shape):
    return nn.LocalResponseNorm(draw(st.integers(1, 3)))


KINDS = (conv, conv, same_conv, max_pool, avg_pool, transposed, adaptive, upsample, padded, batch_norm, relu, rows_of_features)
MOVES = (sliced, taken, bordered, resampled, shuffled, local_response)  # layers that other frameworks' files are made of


class Sketch:
    """The nodes drawn so far, and the shape (C, H, W) or (features,) of everything that has a name."""

    def __init__(self, draw, shape, largest: int = LARGEST, kinds=KINDS):
        self.draw, self.nodes, self.shapes, self.largest, self.kinds = draw, [], {"x": shape}, largest, kinds

    def add(self, make, *inputs: str, **arguments) -> str:
        layer = make if isinstance(make, nn.Layer) else make(self.draw, self.shapes[inputs[0]], **arguments)
        shape = tuple(layer.output_shape(*((1, *self.shapes[name]) for name in inputs))[1:])
        if len(shape) == 3 and max(shape[1:]) > self.largest:
            layer, shape = nn.ReLU(), self.shapes[inputs[0]]  # too large to count: nothing grows here
        name = f"{layer.kind}{len(self.nodes)}"
        self.nodes.append((name, layer, inputs))
        self.shapes[name] = shape
        return name

    def maps(self) -> list[str]:
        return [name for name, shape in self.shapes.items() if len(shape) == 3][::-1]  # the last first: shrinking makes chains

    def block(self, feeder: str) -> None:
        """Two branches of one size that meet again: a residual block, or one of Inception's."""
        stride = (self.draw(st.integers(1, 2)), self.draw(st.integers(1, 2)))
        left = self.add(same_conv, feeder, stride=stride)
        right = feeder if stride == (1, 1) and self.draw(st.booleans()) else self.add(same_conv, feeder, stride=stride)
        self.join(left, right)

    def join(self, *names: str) -> str:
        alike = len({self.shapes[name] for name in names}) == 1
        return self.add(nn.Add() if alike and self.draw(st.booleans()) else nn.Concat(), *names)

    def gate(self, feeder: str) -> None:
        """A map multiplied by one number per channel, row or column of itself: squeeze and excitation."""
        dims = self.draw(st.sampled_from(((2, 3), (2,), (3,))))
        small = self.add(nn.Reduce(self.draw(st.sampled_from(("mean", "max", "sum"))), dims), feeder)
        self.add(nn.Arithmetic(self.draw(st.sampled_from(("mul", "add", "max")))), *self.draw(st.permutations((feeder, small))))

    def grow(self) -> None:
        """Draw one node, or a block of two or three."""
        maps = self.maps()
        feeder = self.draw(st.sampled_from(maps[:1] * 2 + maps))
        gates = () if self.kinds == KINDS else (self.gate,)
        what = self.draw(st.sampled_from((*self.kinds, self.block, self.join, flatten, *gates)))
        if what in (self.block, self.gate):
            what(feeder)
        elif what == self.join:
            mates = [name for name in self.maps() if self.shapes[name][1:] == self.shapes[feeder][1:]]
            self.join(feeder, self.draw(st.sampled_from(mates)))
        elif what is flatten:
            flat = self.add(flatten, feeder)
            self.add(rows_of_features, flat)
        else:
            self.add(what, feeder)


@st.composite
def networks(draw, largest: int = 11, nodes: int = 7, kinds=KINDS):
    """Draw (network, input shape): up to `nodes` nodes, of which some may lead nowhere."""
    shape = (draw(st.integers(1, 2)), *draw(input_sizes(largest)))
    sketch = Sketch(draw, shape, kinds=kinds)
    for _ in range(draw(st.integers(1, nodes))):
        if len(sketch.nodes) < nodes:
            sketch.grow()
    return nn.Network(sketch.nodes[:nodes]), shape


@st.composite
def chains(draw, largest: int = 16, nodes: int = 4):
    """Draw (network, input shape): convolutions with zeros around them and poolings, each behind the last."""
    shape = (1, *draw(input_sizes(largest)))
    sketch, name = Sketch(draw, shape, largest=99), "x"
    for _ in range(draw(st.integers(1, nodes))):
        make = draw(st.sampled_from((zeros_conv, max_pool, avg_pool)))
        name = sketch.add(make, name)
    return nn.Network(sketch.nodes), shape


def zeros_conv(draw, shape):
    kernel, stride, padding, dilation = both(draw, slide_axes, shape[1:], "zeros")
    return convolution(draw, shape, kernel, stride, padding, dilation)
