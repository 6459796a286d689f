"""Which networks are measured?  VGG16, ResNet-50, MobileNetV2, EfficientNet-Lite0 and LeNet-5, with numbers or as shapes only.

Idea: the networks are those of minicnn.models; `build(name)` knows shapes, `build(name, rng)` has random numbers
that keep every map near size 1: He's weights, and batch norm's statistics measured on noise,
so that nothing overflows or sinks into denormal numbers, which processors are slow at.
Cost: 0.5 s for the numbers of VGG16.  What it does not do: pretrained weights; speed does not depend on them.
Source: He et al. (2015), "Delving Deep into Rectifiers"; the papers are named in minicnn.models.
Next rooms: layers.py, net.py.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from minicnn import models, nn, trace


class Published(NamedTuple):
    """A network under its name in tables: how it is built, the image that it takes."""

    title: str
    short: str  # for rows of layers
    make: Callable[[], nn.Network]
    shape: tuple[int, int, int]


NETWORKS = {
    "vgg16": Published("VGG16", "VGG", models.vgg16, (3, 224, 224)),
    "resnet50": Published("ResNet-50", "ResNet", models.resnet50, (3, 224, 224)),
    "mobilenet_v2": Published("MobileNetV2", "MBv2", models.mobilenet_v2, (3, 224, 224)),
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
