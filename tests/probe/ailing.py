"""For each check of the doctor: a small network with the fault planted in it, and its healthy counterpart, which differs in nothing else."""

import numpy as np

from minicnn import nn
from minicnn.layers.conv import Conv2d


def photo(*shape, seed=0):
    """Return numbers as a photo has them once it is scaled: around 0, different everywhere."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def conv(channels, filters, kernel=3, *, seed=1, gain=1.0, bias=0.0, **settings) -> Conv2d:
    """Return a convolution with He's first scale times `gain`, and one bias."""
    rows, columns = (kernel, kernel) if isinstance(kernel, int) else kernel
    rng, groups = np.random.default_rng(seed), settings.get("groups", 1)
    shape = filters, channels // groups, rows, columns
    weight = rng.standard_normal(shape) * gain * np.sqrt(2 / np.prod(shape[1:]))
    return nn.Conv2d.of(weight.astype(np.float32), np.full(filters, bias, np.float32), **settings)


def deep(gain, layers=12):
    """Return a plain network of `layers` convolutions, each with He's scale times `gain`."""
    named = [("conv0", conv(3, 16, gain=1.0, padding=1)), ("relu0", nn.ReLU())]
    for at in range(1, layers):
        named += [(f"conv{at}", conv(16, 16, seed=at, gain=gain, padding=1)), (f"relu{at}", nn.ReLU())]
    return nn.Sequential(*named)


def dead(bias):
    return nn.Sequential(conv(3, 12, bias=bias), nn.ReLU(), conv(12, 5, bias=0.5), nn.ReLU())


def constant(scale):
    ones = np.ones(5, np.float32)
    norm = nn.BatchNorm2d.of(0 * ones, ones, scale * ones, ones)
    return nn.Sequential(conv(3, 5), norm, nn.ReLU(), conv(5, 4))


def saturated(gain):
    return nn.Sequential(conv(3, 6, gain=gain), nn.Tanh(), conv(6, 4))


def duplicated(factor):
    """Channel 4 is `factor` times channel 1, plus a little that is its own where factor is None."""
    weight = np.array(conv(3, 6).weight)
    weight[4] = weight[1] + 0.1 * weight[4] if factor is None else factor * weight[1]
    return nn.Sequential(nn.Conv2d.of(weight), nn.ReLU(), conv(6, 4))


def grown(directions):
    """Return a network in which 60 filters are mixtures of so many."""
    rng = np.random.default_rng(5)
    mixed = rng.standard_normal((60, directions)) @ rng.standard_normal((directions, 24))
    return nn.Sequential(("narrow", conv(3, 24)), ("wide", nn.Conv2d.of(mixed[:, :, None, None].astype(np.float32))), ("relu", nn.ReLU()))


def not_a_number(variance):
    ones = np.ones(4, np.float32)
    norm = nn.BatchNorm2d.of(0 * ones, ones * np.array([1, 1, variance, 1], np.float32))
    return nn.Sequential(conv(3, 4), norm, nn.ReLU())


def early(stride):
    return nn.Sequential(conv(3, 8, (7, 5), stride=stride, padding=2), nn.ReLU(), nn.MaxPool2d(2), conv(8, 4))


def collapsed(halvings):
    layers = [layer for at in range(halvings) for layer in (conv(3, 3, padding=1, seed=at), nn.ReLU(), nn.MaxPool2d(2))]
    return nn.Sequential(*layers, ("last", conv(3, 4, padding=1)), nn.ReLU())


def small_field(kernel):
    return nn.Sequential(conv(3, 4, kernel), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))


def large_field(layers):
    """Return a network of three strides, which leave 4×5 of 26×34 positions, and so many kernels of 5×5 behind them."""
    strides = [conv(3, 3, 3, stride=2, padding=1, seed=at) for at in range(3)]
    return nn.Sequential(*strides, *(conv(3, 3, 5, padding=2, seed=at) for at in range(layers)), nn.AdaptiveAvgPool2d(1))


def branches(left):
    """Return two branches of one size that meet: a convolution whose padding is `left` on the left, 4 - left on the right, and x."""
    graph = nn.Graph()
    x = graph.input("x")
    shifted = x.then("conv", conv(3, 3, (1, 5), padding=((0, 0), (left, 4 - left))))
    return graph.network(graph.join("add", nn.Add(), shifted, x))


def transposed(kernel):
    return nn.Sequential(conv(3, 4), nn.ConvTranspose2d(4, 3, kernel, stride=2, rng=np.random.default_rng(3)))


def even(padding):
    return nn.Sequential(conv(3, 4, (2, 3), padding=padding), nn.ReLU())


X = photo(1, 3, 26, 34)

# check: (the fault, its counterpart, the input, the node that is told)
PLANTED = {
    "not a number": (not_a_number(-2.0), not_a_number(2.0), X, "bn1"),
    "dead channels": (dead(-99.0), dead(0.0), X, "relu1"),
    "constant maps": (constant(0.0), constant(1.0), X, "bn1"),
    "saturated units": (saturated(20.0), saturated(0.5), X, "tanh1"),
    "exploding scale": (deep(3.0), deep(1.0), X, "conv10"),
    "vanishing scale": (deep(0.3), deep(1.0), X, "conv8"),
    "duplicated channels": (duplicated(1.5), duplicated(None), X, "conv1"),
    "growth without benefit": (grown(2), grown(24), X, "wide"),
    "early downsampling": (early(4), early(2), X, "pool1"),
    "collapsed maps": (collapsed(4), collapsed(3), X, "last"),
    "small field": (small_field(5), small_field((7, 9)), X, "relu1"),
    "large field": (large_field(10), large_field(2), X, "conv13"),
    "misaligned branches": (branches(0), branches(2), X, "add"),
    "checkerboard": (transposed((4, 3)), transposed((4, 2)), X, "convT1"),
    "even kernels": (even(((0, 1), (1, 1))), even(((1, 1), (1, 1))), X, "conv1"),
}
