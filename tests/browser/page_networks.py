"""Networks and photos small enough to check by hand what the page says of them."""

import functools

import numpy as np

from minicnn import Graph, Network, Trace, nn, trace
from minicnn.show.payload import payload

DEAD = 2  # the channel of conv1 that no photo wakes


@functools.cache
def held(net: Network, found: Trace) -> dict[str, list[tuple[int, tuple[int, ...]]]]:
    """Return the numbers that a report explains, (channel, place) by map, in its order."""
    places = {node["name"]: [tuple(map(int, key.split(","))) for key in node["explained"]] for node in payload(net, found)["nodes"]}
    return {name: [(channel, tuple(at)) for channel, *at in each] for name, each in places.items()}


def photo(shape=(1, 3, 14, 19), seed=0) -> np.ndarray:
    """Numbers that are all different, so that no maximum has two winners."""
    numbers = np.linspace(-2, 2, int(np.prod(shape)))
    return np.random.default_rng(seed).permutation(numbers).reshape(shape).astype(np.float32)


@functools.cache
def branching() -> tuple[Network, Trace]:
    """A branch and one of each kind that the page steps through: stride, dilation and groups, padding, pooling, 1×1, batch norm, add."""
    own = {"rng": np.random.default_rng(3)}
    graph = Graph()
    trunk = graph.input("x").then("conv1", nn.Conv2d(3, 4, (3, 5), stride=2, padding=(1, 2), **own)).then("relu1", nn.ReLU())
    inner = trunk.then("conv2", nn.Conv2d(4, 4, 3, padding=2, dilation=2, groups=2, **own)).then("bn2", nn.BatchNorm2d(4))
    value = graph.join("add", nn.Add(), inner, trunk).then("relu2", nn.ReLU())
    value = value.then("pool", nn.MaxPool2d(3, 2, 1)).then("avg", nn.AvgPool2d((2, 1))).then("point", nn.Conv2d(4, 5, 1, **own))
    value = value.then("gap", nn.AdaptiveAvgPool2d(1)).then("flatten", nn.Flatten())
    net = measured(graph.network(value.then("fc", nn.Linear(5, 3, **own))))
    return net, trace(net, photo())


@functools.cache
def residual() -> tuple[Network, Trace]:
    """A block, named as one, that adds to its result what came in."""
    own = {"rng": np.random.default_rng(4)}
    graph = Graph()
    trunk = graph.input("x").then("stem", nn.Conv2d(1, 2, 3, padding=1, **own))
    inner = trunk.then("block.conv", nn.Conv2d(2, 2, 3, padding=1, **own)).then("block.bn", nn.BatchNorm2d(2))
    net = graph.network(graph.join("block.add", nn.Add(), inner, trunk))
    return net, trace(net, photo((1, 1, 6, 9)))


@functools.cache
def u_shaped() -> tuple[Network, Trace]:
    """Down twice and up again, with what was seen on the way down joined on the way up."""
    own = {"rng": np.random.default_rng(6)}
    graph = Graph()
    first = graph.input("x").then("down1.conv", nn.Conv2d(1, 2, 3, padding=1, **own)).then("down1.relu", nn.ReLU())
    second = (
        first.then("down2.pool", nn.MaxPool2d(2)).then("down2.conv", nn.Conv2d(2, 4, 3, padding=1, **own)).then("down2.relu", nn.ReLU())
    )
    value = second.then("bottom.pool", nn.MaxPool2d(2)).then("bottom.conv", nn.Conv2d(4, 8, 3, padding=1, **own))
    value = graph.join("up2.join", nn.Concat(), value.then("up2.twice", nn.Upsample(scale_factor=2)), second)
    value = value.then("up2.conv", nn.Conv2d(12, 4, 3, padding=1, **own))
    value = graph.join("up1.join", nn.Concat(), value.then("up1.twice", nn.Upsample(scale_factor=2)), first)
    net = graph.network(value.then("up1.conv", nn.Conv2d(6, 2, 1, **own)))
    return net, trace(net, photo((1, 1, 12, 20)))


def measured(net: Network) -> Network:
    """Return the network with a batch norm that does something, and channel DEAD of conv1 far below 0, so that behind the ReLU it is dead."""
    arrays = {name: array.copy() for name, array in {**net.parameters(), **net.buffers()}.items()}
    arrays["conv1.weight"][DEAD] = 0
    arrays["conv1.bias"][DEAD] = -1
    for name, first in {"weight": 0.75, "bias": -0.5, "running_mean": 0.25, "running_var": 1.5}.items():
        arrays[f"bn2.{name}"] = np.float32(first) + np.arange(4, dtype=np.float32) / 8
    return net.with_parameters(arrays)


@functools.cache
def one_node() -> tuple[Network, Trace]:
    net = nn.Sequential(nn.MaxPool2d(2))
    return net, trace(net, photo((1, 1, 6, 5)))


@functools.cache
def wide(channels: int = 2048) -> tuple[Network, Trace]:
    """So many channels of one cell each, behind a convolution of one cell."""
    net = nn.Sequential(nn.Conv2d(4, channels, 1, rng=np.random.default_rng(5)), nn.ReLU())
    return net, trace(net, photo((1, 4, 1, 1)))


@functools.cache
def not_finite() -> tuple[Network, Trace]:
    """A photo with NaN in one corner and both infinities beside it."""
    image = photo((1, 1, 5, 6))
    image[0, 0, 0, :3] = np.nan, np.inf, -np.inf
    net = nn.Sequential(nn.Conv2d.of(np.ones((1, 1, 1, 1), np.float32)), nn.MaxPool2d(2))
    return net, trace(net, image)
