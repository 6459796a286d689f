"""Networks of every shape that a page must show, small."""

import numpy as np

from minicnn import Network, nn, trace


def crooked():
    """Unequal kernels, strides and paddings, a dilation, a border that is not padding, a head."""
    rng = np.random.default_rng(5)
    net = nn.Sequential(
        ("wide.conv", nn.Conv2d(3, 5, (5, 3), stride=(2, 1), padding=(2, 1), rng=rng)),
        ("wide.relu", nn.ReLU()),
        ("pool", nn.MaxPool2d(3, 2, 1)),
        ("deep.conv", nn.Conv2d(5, 7, 3, dilation=2, padding=4, padding_mode="reflect", rng=rng)),
        ("deep.bn", nn.BatchNorm2d(7)),
        ("deep.relu", nn.ReLU()),
        ("mean", nn.AdaptiveAvgPool2d(1)),
        ("flatten", nn.Flatten()),
        ("classes", nn.Linear(7, 4, rng=rng)),
        ("share", nn.Softmax(1)),
    )
    return net, trace(net, np.random.default_rng(1).random((1, 3, 22, 31)).astype(np.float32))


def branching():
    """Two inputs, a branch of two ways, a second result, two outputs."""
    rng = np.random.default_rng(2)
    nodes = [
        ("left", nn.Conv2d(2, 3, 3, padding=1, rng=rng), ["a"]),
        ("pool", nn.MaxPool2d(2, return_indices=True), ["left"]),
        ("up", nn.MaxUnpool2d(2), ["pool", "pool:indices"]),
        ("right", nn.Conv2d(1, 3, 1, rng=rng), ["b"]),
        ("sum", nn.Add(), ["up", "right"]),
        ("head", nn.ReLU(), ["sum"]),
    ]
    net = Network(nodes, inputs=["a", "b"], outputs=["head", "pool"])
    draw = np.random.default_rng(3)
    return net, trace(net, draw.standard_normal((2, 2, 6, 8)), draw.standard_normal((2, 1, 6, 8)))


def shifted():
    """Branches of which neither holds what the other sees."""
    rng = np.random.default_rng(4)
    nodes = [
        ("low", nn.Conv2d(1, 1, (3, 1), padding=(1, 0), rng=rng), ["x"]),
        ("wide", nn.Conv2d(1, 1, (1, 3), padding=(0, 1), rng=rng), ["x"]),
    ]
    net = Network([*nodes, ("cross", nn.Add(), ["low", "wide"]), ("more", nn.Conv2d(1, 1, 2, rng=rng), ["cross"])])
    return net, trace(net, np.arange(30, dtype=np.float32).reshape(1, 1, 5, 6))


def bordered():
    """Rows and columns that see nothing: a border of zeros, set as a layer of its own."""
    net = nn.Sequential(nn.ZeroPad2d((1, 2, 0, 1)), nn.Conv2d(1, 2, (2, 1), rng=np.random.default_rng(6)))
    return net, trace(net, np.arange(12, dtype=np.float32).reshape(1, 1, 3, 4))


def one_node(x=None):
    net = nn.Sequential(nn.ReLU())
    return net, trace(net, np.array([[[[-1.0, 3.0, 2.0]]]], np.float32) if x is None else x)
