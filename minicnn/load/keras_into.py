"""Which question: which layer of a Keras file is which node of this network?

Idea: of the same kind, and either of the same name or in the same place.  Where every layer of a kind bears
the name of a node, names decide; otherwise the first Conv2D of the file is the first of the network, and so
on, provided that there are as many and that the file has an order.  Nothing is matched by guesswork: what
finds no partner keeps its own name and is listed as left over.

    c1 (Conv2D), bn (BatchNormalization), fc (Dense)   ─►   conv1, bn1, linear1

The network tells what the file may not: which Linear stands behind a Flatten, and how many channels that
folded.  Channels are followed from node to node; no input shape is needed (see keras_config.py).

Cost: one walk over the nodes.  Does not do: rename by likeness, match across kinds, nodes that hold several layers' arrays.
Source: Keras' and PyTorch's layouts, as in keras_layout.py.  Next room: into.py.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from minicnn import layers as nn
from minicnn.load.keras_layout import AFFINE, CONV, DENSE, DEPTHWISE, FOUR_AXES, NORM, SLOPE, TRANSPOSED, KerasLayer, arrays_of
from minicnn.load.kerasfile import KerasFile, named
from minicnn.network import Network, Node

KERAS_EPSILON = 1e-3  # of all normalizations, where it is not said otherwise
KINDS_HERE = (
    (nn.Conv2d, CONV), (nn.ConvTranspose2d, TRANSPOSED), (nn.Linear, DENSE), (nn.BatchNorm2d, NORM),
    (nn.LayerNorm, AFFINE), (nn.GroupNorm, AFFINE), (nn.PReLU, SLOPE),
)  # fmt: skip
# Layers that hand on the features of their first input, besides activations.
PASSING = (
    *(nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm, nn.Dropout, nn.Identity, nn.ChannelsLast, nn.Add, nn.Upsample),
    *(nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d, nn.MaxUnpool2d),
    *(nn.ZeroPad2d, nn.ReflectionPad2d, nn.ReplicationPad2d, nn.CircularPad2d),
)


class Match(NamedTuple):
    """A file's arrays under the names of a network, and what a person should know about how they came there."""

    arrays: dict[str, np.ndarray]
    remarks: list[str]
    conflicts: list[str]  # settings of the network that make other numbers than the file's


PIXELS = ("pixels", None)


def matched(found: KerasFile, net: Network) -> Match:
    """Return the file's arrays under the names of the network's parameters, turned."""
    pairs, remarks = _pairs(found, net)
    rows = flattened(net)
    arrays: dict[str, np.ndarray] = {}
    for name, layer in named(found.layers):
        node = pairs.get(id(layer))
        if node is None:  # left over, even where a node of another kind has its name
            name = f"{name} ({layer.kind or 'as in the file'})" if name in net else name
            arrays.update({f"{name}.{field}": array for field, array in arrays_of(layer).items()})
            continue
        kind = layer.kind if layer.certain else kind_of(node)
        turned = arrays_of(layer, kind, rows.get(node.name, layer.channels))
        arrays.update({f"{node.name}.{field}": array for field, array in turned.items()})
    lost = [node.name for layer in found.layers if (node := pairs.get(id(layer))) and rows.get(node.name, 0) is None and not layer.channels]
    if lost:
        remarks.append(
            f"the network does not tell how many channels are folded before {', '.join(lost)}, so a flattened map's columns stay in Keras' "
            "order (row, column, channel)"
        )
    both = [(layer, pairs[id(layer)]) for layer in found.layers if id(layer) in pairs]
    norms = [(layer, node) for layer, node in both if layer.kind in (NORM, AFFINE)]
    remarks += _about_momentum(both) + ([] if found.configured else _about_epsilon(norms))
    return Match(arrays, [*found.remarks, *remarks], _conflicts(norms))


def kind_of(node: Node) -> str | None:
    """Return which kind of Keras' layers a node is, None where it is none."""
    layer = node.layer
    if isinstance(layer, nn.Conv2d) and 1 < layer.groups == layer.weight.shape[1] * layer.groups:
        return DEPTHWISE
    return next((kind for cls, kind in KINDS_HERE if isinstance(layer, cls)), None)


def _pairs(found: KerasFile, net: Network) -> tuple[dict[int, Node], list[str]]:
    """Return the node of each layer by the layer's identity, and a remark where the order decided on branches."""
    first = {id(node.layer): node for node in reversed(net.nodes) if node.layer.arrays or node.layer.statistics}
    nodes = [node for node in net.nodes if first.get(id(node.layer)) is node and kind_of(node)]
    pairs: dict[int, Node] = {}
    by_order: list[tuple[str, str]] = []
    for kinds in _families(found):
        layers = [(name, layer) for name, layer in named(found.layers) if layer.kind in kinds]
        there = {node.name: node for node in nodes if kind_of(node) in kinds}
        partners = [(layer, there[name]) for name, layer in layers if name in there]
        if len(partners) < len(layers) == len(there) and found.order:
            in_order = list(zip(layers, there.values(), strict=True))
            if all(name == node.name or name not in there for (name, _), node in in_order):
                partners = [(layer, node) for (_, layer), node in in_order]
                by_order += [(name, node.name) for (name, _), node in in_order]
        pairs.update({id(layer): node for layer, node in partners if _can_be(layer, node)})
    chain = all(len(node.inputs) == 1 for node in net.nodes) and all(b.inputs[0] == a.name for a, b in pairwise(net.nodes))
    if chain or not _alike([net[node] for _, node in by_order]):
        return pairs, []
    shown = ", ".join(f"{mine} as {yours}" for mine, yours in by_order[:6]) + (", …" if len(by_order) > 6 else "")
    return pairs, [
        f"{len(by_order)} layers were taken in the file's order ({shown}), and the network has branches: where two of one shape may "
        "have changed places, name its nodes as Keras does"
    ]


def _families(found: KerasFile) -> list[tuple[str, ...]]:
    """Return the kinds that are matched together: those with an order among them, or that a file cannot tell apart."""
    plain = [(DENSE,), (NORM,), (AFFINE,), (SLOPE,)]
    if not all(layer.certain for layer in found.layers):
        return [FOUR_AXES, *plain]
    return [*([(CONV, DEPTHWISE)] if found.order == "all" else [(CONV,), (DEPTHWISE,)]), (TRANSPOSED,), *plain]


def _alike(layers: list) -> bool:
    """Return whether two of these layers could change places unnoticed."""
    shapes = [(type(layer), layer.parameters()[layer.arrays[0]].shape) for layer in layers if layer.parameters()]
    return len(set(shapes)) < len(shapes)


def _can_be(layer: KerasLayer, node: Node) -> bool:
    """Return whether a layer's arrays can become the node's: a convolution is not turned into a transposed one."""
    return not layer.certain or (layer.kind == TRANSPOSED) == (kind_of(node) == TRANSPOSED)


def flattened(net: Network) -> dict[str, int | None]:
    """Return, by node, the channels that a Flatten has folded into the features it is given; None where that cannot be told.

    >>> from minicnn import nn
    >>> net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 5 * 6, 4), nn.Linear(4, 2))
    >>> flattened(net)
    {'linear1': 8}
    """
    forms: dict[str, tuple[str, int | None]] = {
        name: ("pixels", shape[1] if len(shape) == 4 else None) for name, shape in net.input_shapes.items()
    }
    rows: dict[str, int | None] = {}
    for node in net.nodes:
        given = [forms.get(name, PIXELS) for name in node.inputs]
        if given[0][0] == "row":
            rows[node.name] = given[0][1]
        forms[node.name] = _form(node.layer, given)
    return rows


def _form(layer, given: list[tuple[str, int | None]]) -> tuple[str, int | None]:
    """Return what a layer's features are: the channels of a map ('pixels'), a map laid out in a 'row', or 'plain'."""
    kind, channels = given[0]
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        return "pixels", layer.weight.shape[0] if isinstance(layer, nn.Conv2d) else layer.out_channels
    if isinstance(layer, nn.Linear) or kind == "plain":
        return "plain", None
    if isinstance(layer, nn.Flatten):
        return "row", channels if layer.start_dim == 1 else None
    if isinstance(layer, nn.BatchNorm2d):
        return "pixels", layer.num_features
    if isinstance(layer, nn.Concat):
        known = all(form == "pixels" and count is not None for form, count in given)
        return ("pixels", sum(count for _, count in given)) if known else ("row", None)
    if layer.is_activation or isinstance(layer, PASSING):
        return kind, channels
    return "row", None  # a layer that may move numbers about: whatever comes behind it cannot be told


def _conflicts(norms: list[tuple[KerasLayer, Node]]) -> list[str]:
    """Return the eps of the network that are not the file's."""
    return [
        f"eps: {node.name} has {node.layer.eps:g}, the file's {layer.name} {layer.epsilon:g}"
        for layer, node in norms
        if layer.epsilon is not None and not np.isclose(layer.epsilon, node.layer.eps, rtol=1e-6, atol=0)
    ]


def _about_epsilon(norms: list[tuple[KerasLayer, Node]]) -> list[str]:
    other = [node.name for _, node in norms if node.layer.eps != KERAS_EPSILON]
    if not other:
        return []
    return [
        f"the file does not say the eps of its normalizations, which is {KERAS_EPSILON} in Keras unless set otherwise, and "
        f"{', '.join(other[:4])} of the network has another; build it with eps=1e-3"
    ]


def _about_momentum(norms: list[tuple[KerasLayer, Node]]) -> list[str]:
    """Return a remark where training on would move the statistics at another pace: Keras' momentum is what stays, ours what comes."""
    for layer, node in norms:
        if layer.momentum is not None and not np.isclose(1 - layer.momentum, node.layer.momentum, rtol=1e-6, atol=0):
            return [
                f"momentum {layer.momentum:g} of Keras' {layer.name} is the share that stays, so it is {1 - layer.momentum:.6g} here, and "
                f"{node.name} has {node.layer.momentum:g}; only training feels it"
            ]
    return []
