"""Networks and photos that the tests of this room ask about."""

import numpy as np

from minicnn import Graph, nn


def spread_photo(shape, seed=0, dtype=np.float64):
    """Numbers that are all different and far from equal, so that no maximum has two winners."""
    numbers = np.linspace(-2, 2, int(np.prod(shape)))
    return np.random.default_rng(seed).permutation(numbers).reshape(shape).astype(dtype)


def small_classifier(dtype=np.float64, seed=3, rectifier=nn.ReLU):
    """Two convolutions, a residual sum, max pooling, and a linear head, for any (2, H, W)."""
    own = {"rng": np.random.default_rng(seed), "dtype": dtype}
    graph = Graph()
    value = graph.input("x").then("conv1", nn.Conv2d(2, 4, (3, 5), stride=(1, 2), padding=(1, 2), **own)).then("relu1", rectifier())
    inner = value.then("conv2", nn.Conv2d(4, 4, 3, padding=1, groups=2, **own)).then("bn2", nn.BatchNorm2d(4, dtype=dtype))
    value = graph.join("add", nn.Add(), inner, value).then("relu2", rectifier()).then("pool", nn.MaxPool2d((2, 3), (2, 2), (1, 1)))
    value = value.then("conv3", nn.Conv2d(4, 3, 1, **own)).then("relu3", rectifier())
    value = value.then("gap", nn.AdaptiveAvgPool2d(1)).then("flatten", nn.Flatten())
    return graph.network(value.then("fc", nn.Linear(3, 5, **own)))
