"""Which question: can what was asked be answered at all: is there such a map, channel, place, class?

Idea: the questions of this room take the same few things, a trace, a node, a channel, a place and a class, so they are
checked once, in one wording.  `what` is the name of the question.  Gradients are asked of one photo in inference; the score
of a class is what stands before the network's own softmax.
Cost: nothing to speak of.  Next rooms: saliency.py, effective_field.py.
"""

import numpy as np

from minicnn import check
from minicnn.errors import ArgumentError, ShapeError, UnknownNameError, nearest
from minicnn.functional import softmax
from minicnn.layers import LogSoftmax, ReLU, ReLU6, Softmax
from minicnn.network import FeatureMap, Network, Trace
from minicnn.network.graph import as_network
from minicnn.text import times

RECTIFIERS = (ReLU, ReLU6)


def photo_of(net, trace, what: str) -> tuple[Network, str]:
    """Return the network and the name of its input, once the trace is of this network, in inference, on one photo."""
    net = as_network(net, what)
    if not isinstance(trace, Trace):
        raise ArgumentError(f"{what}: the second argument is what trace(net, x) returned, but it is a {type(trace).__name__}.")
    if _parts(trace.net) != _parts(net):
        raise ArgumentError(f"{what}: the trace must be of this network, but it is of another one; trace this network: trace(net, x).")
    if trace.training:
        raise ArgumentError(f"{what}: the question is about inference, but the trace was made with training=True; use trace(net, x).")
    shape = trace.shapes[one_input(net, what)]
    if len(shape) != 4 or shape[0] != 1:
        raise ShapeError(f"{what}: one photo (1, C, H, W) is asked about, but the trace is of {shape}; trace one: trace(net, x[:1]).")
    return net, net.inputs[0]


def one_input(net: Network, what: str) -> str:
    """Return the name of the network's only input."""
    if len(net.inputs) != 1:
        raise ArgumentError(f"{what}: the network must have one input, the photo, but it has {len(net.inputs)}: {', '.join(net.inputs)}.")
    return net.inputs[0]


def _parts(net: Network) -> list:
    return [net.inputs, *((node.name, node.layer, node.inputs) for node in net.nodes)]  # layers are equal where they are the same


def map_of(trace: Trace, node, what: str) -> FeatureMap:
    """Return a map with rows and columns, by its name."""
    if node not in trace.shapes:
        raise UnknownNameError(f"{what}: there is no map {node!r}.{nearest(str(node), trace.shapes)}")
    shape = trace.shapes[node]
    if len(shape) != 4 or ":" in node:
        raise ShapeError(f"{what}: a map has channels, rows and columns, but {node!r} is {times(shape)}; name another: {_maps(trace)}.")
    return trace[node]


def _maps(trace: Trace) -> str:
    names = [name for name, shape in trace.shapes.items() if len(shape) == 4 and ":" not in name]
    return ", ".join(names[-5:]) if len(names) <= 5 else f"…, {', '.join(names[-5:])}"


def channel_of(shape, channel, node: str, what: str) -> int:
    """Return a channel that a map of this shape has."""
    channel = check.integer(channel, "channel", what, 0)
    if channel >= shape[1]:
        raise ArgumentError(f"{what}: {node!r} has channels 0 … {shape[1] - 1}, but channel {channel} was asked for.")
    return channel


def place_of(shape, at, node: str, what: str) -> tuple[int, int]:
    """Return a place (row, column) that a map of this shape has."""
    if not isinstance(at, list | tuple) or len(at) != 2:
        raise ArgumentError(f"{what}: at is a place (row, column) of {node!r}, but it is {at!r}.")
    place = check.integer(at[0], "at[0]", what, 0), check.integer(at[1], "at[1]", what, 0)
    if place[0] >= shape[2] or place[1] >= shape[3]:
        raise ArgumentError(
            f"{what}: {node!r} has rows 0 … {shape[2] - 1} and columns 0 … {shape[3] - 1}, but place {place} was asked for."
        )
    return place


def scores_of(net: Network, what: str) -> str:
    """Return the name of the map with one number for each class, before the network's own softmax."""
    if len(net.outputs) != 1:
        raise ArgumentError(
            f"{what}: the network must end in one row of class scores, but it has {len(net.outputs)} outputs: {', '.join(net.outputs)}."
        )
    name = net.outputs[0]
    while name in net and isinstance(net.node(name).layer, Softmax | LogSoftmax):
        name = net.node(name).inputs[0]
    return name


def class_of(scores: np.ndarray, class_index, name: str, what: str) -> int:
    """Return the class that is meant, the one of the largest score where None; scores is (1, K) or (1, K, 1, 1)."""
    if scores.ndim not in (2, 4) or scores.shape[2:] not in ((), (1, 1)):
        raise ShapeError(
            f"{what}: a class has one score, so the network must end in (N, K), but {name!r} is {times(scores.shape)}; "
            "end it in global pooling, or ask effective_field or deconvnet, which take any map."
        )
    if class_index is None:
        return int(np.argmax(scores))
    index = check.integer(class_index, "class_index", what, 0)
    if index >= scores.shape[1]:
        raise ArgumentError(f"{what}: the network has classes 0 … {scores.shape[1] - 1}, but class {index} was asked for.")
    return index


def probability(scores: np.ndarray) -> np.ndarray:
    """Return the shares (N, K) that the softmax of class scores gives, in float64.

    >>> probability(np.log(np.array([[1.0, 3.0]])))
    array([[0.25, 0.75]])
    """
    return softmax(scores.reshape(len(scores), -1).astype(np.float64), 1)


def only(shape, dtype, *places) -> np.ndarray:
    """Return zeros with a one at one place.

    >>> only((1, 3), np.float64, 0, 2)
    array([[0., 0., 1.]])
    """
    seed = np.zeros(shape, dtype)
    seed[places] = 1
    return seed


def leading_to(net: Network, name: str) -> Network:
    """Return the network that computes one map and nothing else."""
    needed, nodes = {name.split(":")[0]}, []
    for node in reversed(net.nodes):
        if node.name in needed:
            nodes.append(node)
            needed.update(feeder.split(":")[0] for feeder in node.inputs)
    return Network(nodes[::-1], net.inputs, (name,), input_shapes=net.input_shapes)


def rectifiers_of(net: Network) -> tuple[type, ...]:
    """Return which kinds of rectifier a network has: what rules may be given for."""
    return tuple(kind for kind in RECTIFIERS if any(isinstance(node.layer, kind) for node in net.nodes))
