"""Which question: do numbers keep their size from layer to layer?

Idea: each layer multiplies the scale of what it is given by some factor, and a factor that is wrong by a little is wrong by its power
at the end.  So the root mean square of each layer's output is compared with the largest and the smallest before it on its way.

    exploding scale     numbers that grow by a factor of 10,000 from layer to layer
    vanishing scale     numbers that shrink by as much

Judged are convolutions and linear layers behind which no normalization sets the scale, normalizations, and sums.  A normalization by
the numbers themselves begins anew; batch norm in inference is a line like any other.
Cost: one read of every judged map.  When it loses: a network that is well in training and is traced in inference before its batch norms
have measured anything; the finding then says so.
What it does not do: look at gradients.  He's condition for the way forward is, up to a constant, that for the way back (section 2.2).
Source: He, Zhang, Ren, Sun, "Delving Deep into Rectifiers" (2015), section 2.2.  Next room: checks_channels.py.
"""

from math import prod, sqrt
from typing import NamedTuple

import numpy as np

from minicnn.layers import Add, BatchNorm2d, Conv2d, ConvTranspose2d, Linear
from minicnn.network import Node
from minicnn.network.trace import NORMALIZATIONS
from minicnn.probe.finding import Case, Finding

# With a first scale that is wrong by 1/√2 a layer, the paper's network of 22 layers still converges (in all 1/2,048), that of 30 stalls
# (1/32,768): between the two.
SCALE = 1e4

PRODUCTS = (Conv2d, ConvTranspose2d, Linear)


class Level(NamedTuple):
    """The root mean square of a judged map, and how many of them there are up to it."""

    rms: float
    node: str
    depth: int


class Way(NamedTuple):
    """What lies behind a node: the smallest and the largest level, and whether a change was told already."""

    low: Level | None = None
    high: Level | None = None
    depth: int = 0
    told: bool = False


def exploding_scale(case: Case) -> list[Finding]:
    """Find the node at which numbers have grown by a factor of 10,000 since some layer before it."""
    return [_told(case, "exploding scale", before, here) for before, here in _changes(case) if here.rms > before.rms]


def vanishing_scale(case: Case) -> list[Finding]:
    """Find the node at which numbers have shrunk by a factor of 10,000 since some layer before it."""
    return [_told(case, "vanishing scale", before, here) for before, here in _changes(case) if here.rms < before.rms]


def _changes(case: Case) -> list[tuple[Level, Level]]:
    """Return (before, here) for each node at which the scale has changed too much, the first on each way."""
    ways, found = dict.fromkeys(case.net.inputs, Way()), []
    for node in case.net:
        way = _joined([ways[name.split(":")[0]] for name in node.inputs])
        rms = _rms(case, node.name) if _is_judged(case, node) else 0.0
        if rms > 0:
            here = Level(rms, node.name, way.depth + 1)
            if _starts_anew(case, node):
                way = Way()
            if way.low and not way.told and rms >= SCALE * way.low.rms:
                found.append((way.low, here))
                way = way._replace(told=True)
            elif way.high and not way.told and SCALE * rms <= way.high.rms and not _sets_the_scale(node):
                found.append((way.high, here))
                way = way._replace(told=True)
            high = here if _sets_the_scale(node) else max(way.high or here, here)  # what was large before may well be scaled down here
            way = Way(min(way.low or here, here), high, here.depth, way.told)
        ways[node.name] = way
    return found


def _joined(ways: list[Way]) -> Way:
    lows, highs = [way.low for way in ways if way.low], [way.high for way in ways if way.high]
    told = any(way.told for way in ways)
    return Way(min(lows, default=None), max(highs, default=None), max(way.depth for way in ways), told)


def _is_judged(case: Case, node: Node) -> bool:
    if isinstance(node.layer, PRODUCTS):
        readers = case.readers[node.name]
        return not readers or not all(isinstance(reader.layer, NORMALIZATIONS) for reader in readers)
    return isinstance(node.layer, (*NORMALIZATIONS, Add))


def _starts_anew(case: Case, node: Node) -> bool:
    """Whether a node's scale does not depend on that of its input: it is normalized by its own numbers."""
    return isinstance(node.layer, NORMALIZATIONS) and (case.trace.training or not isinstance(node.layer, BatchNorm2d))


def _sets_the_scale(node: Node) -> bool:
    """Whether a node is a batch norm that has learned which scale comes in."""
    return isinstance(node.layer, BatchNorm2d) and not _unmeasured(node)


def _rms(case: Case, name: str) -> float:
    """Return √(mean of squares) of a map, 0 where it holds numbers that are not finite."""
    if not case.sound(name):
        return 0.0
    seen = case.maps[name].statistics
    return sqrt(seen.mean**2 + seen.std**2)


def _told(case: Case, kind: str, before: Level, here: Level) -> Finding:
    layers = here.depth - before.depth
    each = (here.rms / before.rms) ** (1 / layers)
    told = f"the root mean square is {before.rms:.3g} at {before.node} and {here.rms:.3g} here, {layers} layer{'s' * (layers != 1)} on: "
    told += f"times {each:.3g} a layer."
    gain = he_gain(case.net[here.node])
    if gain is not None:
        told += f" The weights are {gain:.2g} times He's √(2 / fan in)."
    numbers = {"from": before.node, "rms_from": before.rms, "rms": here.rms, "layers": layers, "factor": each, "he_gain": gain}
    unmeasured = [node.name for node in case.net if _unmeasured(node)]
    if unmeasured and not case.trace.training:
        cause = f"{len(unmeasured)} batch norms, {unmeasured[0]} first, hold mean 0 and variance 1: they have measured nothing, and normalize nothing."
        remedy = "load their running statistics too; before training look at trace(net, x, training=True)."
        return Finding(kind, here.node, told, cause, remedy, numbers)
    size, goes = ("large", "explode") if here.rms > before.rms else ("small", "vanish")
    cause = f"first weights too {size} for the fan in, so that gradients {goes} as well (He et al. 2015)."
    remedy = "draw weights with the standard deviation √(2 / fan in), or put normalization between the layers."
    return Finding(kind, here.node, told, cause, remedy, numbers)


def he_gain(layer) -> float | None:
    """Return how many times He's first scale the weights of a convolution or linear layer have; None for other layers.

    gain = √(mean of w²) / √(2 / fan in), fan in = C/groups · rows · columns.  Source: He et al. (2015), equation 10.

    >>> he_gain(Linear.of(np.full((3, 8), 0.5)))
    1.0
    """
    if not isinstance(layer, Conv2d | Linear):
        return None
    weight = layer.weight.astype(np.float64)
    return float(np.sqrt((weight**2).mean() * prod(weight.shape[1:]) / 2))


def _unmeasured(node: Node) -> bool:
    layer = node.layer
    return isinstance(layer, BatchNorm2d) and not layer.running_mean.any() and bool((layer.running_var == 1).all())
