"""Which networks are measured?  VGG16, ResNet-50, MobileNetV2, EfficientNet-Lite0 and LeNet-5, with numbers or as shapes only.

Idea: structures as torchvision builds them, written with nn.Graph; `build(name)` knows shapes, `build(name, rng)`
has random numbers that keep every map near size 1: He's weights, and batch norm's statistics measured on noise,
so that nothing overflows or sinks into denormal numbers, which processors are slow at.
Cost: 0.5 s for the numbers of VGG16.  What it does not do: pretrained weights; speed does not depend on them.
Source: Simonyan & Zisserman (2015), configuration D; He et al. (2016), table 1, with the stride in the 3×3 ("v1.5", as
torchvision has it); Sandler et al. (2018), table 2; He et al. (2015), "Delving Deep into Rectifiers".
Next rooms: layers.py, net.py.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from minicnn import models, nn, trace

OWN = {"rng": nn.SHAPE_ONLY}
VGG16 = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
RESNET50 = ((64, 3), (128, 4), (256, 6), (512, 3))  # width and blocks of a stage
MOBILENET_V2 = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def vgg16() -> nn.Network:
    """13 convolutions of 3×3 in five stages, then three linear layers."""
    g = nn.Graph()
    value, channels = g.input("x"), 3
    for stage, widths in enumerate(VGG16, 1):
        for place, out in enumerate(widths, 1):
            conv = nn.Conv2d(channels, out, 3, padding=1, **OWN)
            value = value.then(f"conv{stage}_{place}", conv).then(f"relu{stage}_{place}", nn.ReLU())
            channels = out
        value = value.then(f"pool{stage}", nn.MaxPool2d(2))
    value = value.then("flatten", nn.Flatten())
    for number, (before, after) in enumerate(pairwise((512 * 7 * 7, 4096, 4096, 1000)), 1):
        value = value.then(f"fc{number}", nn.Linear(before, after, **OWN))
        value = value.then(f"fcrelu{number}", nn.ReLU()) if number < 3 else value
    return g.network(value)


def resnet50() -> nn.Network:
    """A stem of 7×7, 16 bottlenecks, the mean, one linear layer."""
    g = nn.Graph()
    value = _normalized(g.input("x"), "stem", 3, 64, 7, 2, activation=nn.ReLU()).then("pool", nn.MaxPool2d(3, 2, 1))
    channels = 64
    for stage, (width, blocks) in enumerate(RESNET50, 1):
        for place in range(blocks):
            name, stride, out = f"stage{stage}.{place}", 2 if place == 0 and stage > 1 else 1, 4 * width
            inner = _normalized(value, f"{name}.a", channels, width, 1, activation=nn.ReLU())
            inner = _normalized(inner, f"{name}.b", width, width, 3, stride, activation=nn.ReLU())
            inner = _normalized(inner, f"{name}.c", width, out, 1)
            skip = value if channels == out else _normalized(value, f"{name}.skip", channels, out, 1, stride)
            value = g.join(f"{name}.add", nn.Add(), inner, skip).then(f"{name}.relu", nn.ReLU())
            channels = out
    return g.network(_classes(value, channels))


def mobilenet_v2() -> nn.Network:
    """17 inverted residuals: widen by 1×1, filter each channel by 3×3, narrow by 1×1."""
    g = nn.Graph()
    value, channels, number = _normalized(g.input("x"), "stem", 3, 32, 3, 2, activation=nn.ReLU6()), 32, 0
    for expansion, out, blocks, first in MOBILENET_V2:
        for place in range(blocks):
            name, stride, wide, before = f"block{number}", first if place == 0 else 1, channels * expansion, value
            if expansion > 1:
                value = _normalized(value, f"{name}.expand", channels, wide, 1, activation=nn.ReLU6())
            value = _normalized(value, f"{name}.depthwise", wide, wide, 3, stride, groups=wide, activation=nn.ReLU6())
            value = _normalized(value, f"{name}.project", wide, out, 1)
            value = g.join(f"{name}.add", nn.Add(), before, value) if stride == 1 and channels == out else value
            channels, number = out, number + 1
    return g.network(_classes(_normalized(value, "head", channels, 1280, 1, activation=nn.ReLU6()), 1280))


def _normalized(value, name, channels, out, kernel, stride=1, groups=1, activation=None):
    conv = nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False, **OWN)
    value = value.then(f"{name}.conv", conv).then(f"{name}.bn", nn.BatchNorm2d(out, **OWN))
    return value.then(f"{name}.relu", activation) if activation else value


def _classes(value, channels):
    value = value.then("mean", nn.AdaptiveAvgPool2d(1)).then("flatten", nn.Flatten())
    return value.then("classifier", nn.Linear(channels, 1000, **OWN))


class Published(NamedTuple):
    """A network under its name in tables: how it is built, the image that it takes."""

    title: str
    short: str  # for rows of layers
    make: Callable[[], nn.Network]
    shape: tuple[int, int, int]


NETWORKS = {
    "vgg16": Published("VGG16", "VGG", vgg16, (3, 224, 224)),
    "resnet50": Published("ResNet-50", "ResNet", resnet50, (3, 224, 224)),
    "mobilenet_v2": Published("MobileNetV2", "MBv2", mobilenet_v2, (3, 224, 224)),
    "efficientnet_lite0": Published("EfficientNet-Lite0", "Lite0", models.efficientnet_lite0, (3, 224, 224)),
    "lenet5": Published("LeNet-5", "LeNet", models.lenet5, (1, 32, 32)),
}


def build(name: str, rng: np.random.Generator | None = None) -> nn.Network:
    """Return a network of NETWORKS: shapes only, or with random numbers as in the room card."""
    published = NETWORKS[name]
    net = published.make()
    return net if rng is None else _measured(_drawn(net, rng), published.shape, rng)


def _drawn(net: nn.Network, rng: np.random.Generator) -> nn.Network:
    """Return the network with weights of variance 2 / fan-in, small biases, and scales around 1."""
    arrays = {}
    for name, array in {**net.parameters(), **net.buffers()}.items():
        field = name.rpartition(".")[2]
        if len(array.shape) > 1:
            fan_in = array.size // array.shape[0]
            arrays[name] = rng.standard_normal(array.shape, np.float32) * np.float32((2 / fan_in) ** 0.5)
        elif field == "bias" or field == "running_mean":
            arrays[name] = rng.uniform(-0.1, 0.1, array.shape).astype(np.float32)
        else:  # scales and variances
            arrays[name] = rng.uniform(0.5, 1.5, array.shape).astype(np.float32)
    return net.with_parameters(arrays)


def _measured(net: nn.Network, shape: tuple[int, int, int], rng: np.random.Generator) -> nn.Network:
    """Return the network whose running statistics are those of two noisy images, so that every normalized map has size 1."""
    normal = {node.name: node.layer.with_(momentum=1.0) for node in net if isinstance(node.layer, nn.BatchNorm2d)}
    if not normal:
        return net
    x = rng.standard_normal((2, shape[0], shape[1] // 2, shape[2] // 2), np.float32)
    updates = trace(net.with_layers(normal), x, training=True, rng=rng).updates
    return net.with_parameters({**net.parameters(), **updates})
