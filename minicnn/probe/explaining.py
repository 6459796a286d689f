"""Which question: where does this one number of a feature map come from?

Idea: every number is the end of an equation whose terms are numbers of the maps before it.  `explain` writes the equation down with its
own terms (workings.py knows each layer's), sums them in float64 and holds the sum against the stored number: they agree within the
contract of the layer.  What the number used most is a number itself, so the question can be asked again, level by level, down to the
pixels.

Cost: O(terms) of one number, some milliseconds; nothing is run again.  Its pixels are a walk of masks through the network (geometry.py),
when they are asked for.
What it does not do: add up what all paths contribute; that is a gradient, and saliency and the effective field ask for it.
Source: the equations of the layers; Higham (2002) for the contract.  Next rooms: explanation.py, workings.py.
"""

import numpy as np

from minicnn import check
from minicnn.errors import ArgumentError, UnknownNameError, nearest
from minicnn.network.graph import Network, as_network
from minicnn.network.node import source
from minicnn.network.trace import Trace
from minicnn.probe.explanation import Explanation
from minicnn.probe.terms import Question, Working, image_of, placed
from minicnn.probe.workings import working


def explain(net: Network, trace: Trace, node: str, channel: int, at=None, *, image: int = 0) -> Explanation:
    """Return where one number of a map comes from: the equation with the number's own terms.

    y = Σ factor · cell + bias, in the numbers of this trace, equal to the stored y within the layer's contract.

    Parameters
    ----------
    net, trace : a network and what trace(net, x) returned
    node, channel : the name of a map, and a channel of it, or a feature where the map is (N, F)
    at : (row, column) of a map (N, C, H, W); what follows the channel in any other; nothing for (N, F)
    image : which image of the batch

    >>> from minicnn import nn, trace
    >>> net = nn.Sequential(nn.Conv2d.of(np.array([[[[1.0, 2.0], [3.0, 4.0]]]]), padding=1), nn.ReLU())
    >>> t = trace(net, np.array([[[[5.0, -6.0, 7.0], [8.0, 9.0, 1.0]]]]))
    >>> print(explain(net, t, "conv1", 0, (0, 1)))
    conv1, channel 0, row 0, column 1
    Conv2d(1, 1, kernel_size=2, padding=1, bias=False) of x
    y[0, 0, 1] = Σ w[0, c, i, j] · x[c, 0 + i - 1, 1 + j - 1]
    <BLANKLINE>
    channel 0 of x: rows -1…0, columns 0…1
         patch                filter             products
         pad    pad     ·      1      2     =    pad    pad
           5     -6            3      4           15    -24
                                              sum      -9
    <BLANKLINE>
      sum of 4 products         -9
      stored                    -9   (float64), exactly
    used most: x[0, 0, 1]
    looks at row 0, columns 0…1 of x: 2 pixels

    Raises UnknownNameError for a node or map that is not there, ArgumentError for a place outside the map or a trace of another network.
    Source: the layers' equations; Higham (2002), section 3.1, for how near the stored number must be.
    """
    net = as_network(net, "explain")
    _check_trace(net, trace)
    data = _map(trace, node)
    channel, index = _index(node, data.shape, channel, at, image)
    stored = float(data[index])
    own = placed(index)[1]
    if node in net.inputs:
        found = Working("input", "a pixel of the input" if data.ndim == 4 else "a number of the input", (), stored, stored, 0.0)
        layer = None
    else:
        found, layer = _working(net, trace, node, index, stored), net.node(source(node)).layer
    facts = (found.kind, found.equation, found.worked, found.parts, found.bias, found.activation)
    numbers = (found.sum, found.result, stored, found.allowed)
    return Explanation(net, trace, node, layer, channel, own, image_of(index), *facts, *numbers, found.notes, found.main)


def _working(net: Network, trace: Trace, name: str, index, stored: float) -> Working:
    node, data = net.node(source(name)), trace[name].data
    inputs = tuple(_map(trace, feeder, node.name) for feeder in node.inputs)
    saved = trace.saved.get(node.name)
    return working(Question(name, node.layer, node.inputs, inputs, index, data.shape, stored, data.dtype, saved, trace.training))


def _check_trace(net: Network, trace) -> None:
    if not isinstance(trace, Trace):
        raise ArgumentError(f"explain: the second argument is what trace(net, x) returned, but it is a {type(trace).__name__}.")
    own, other = net.nodes, trace.net.nodes
    same = trace.net is net or (
        trace.net.inputs == net.inputs
        and len(own) == len(other)
        and all(a.name == b.name and a.layer is b.layer and a.inputs == b.inputs for a, b in zip(own, other, strict=True))
    )
    if not same:
        raise ArgumentError(
            "explain: the trace must be of this network, since its maps are the equation's terms, but it is of another one "
            f"({len(other)} nodes, this one has {len(own)}, or other layers); trace this network: trace(net, x)."
        )


def _map(trace: Trace, name, reader: str = "") -> np.ndarray:
    """Return the numbers of a map, `reader` being the node that was computed from it."""
    if not isinstance(name, str) or name not in trace.shapes:
        raise UnknownNameError(f"explain: there is no map {name!r} in this trace.{nearest(str(name), trace.shapes)}")
    if name not in trace:
        of = f"the terms of {reader!r} are numbers of the map {name!r}, which" if reader else f"the map {name!r}"
        raise UnknownNameError(
            f"explain: {of} was let go, since keep='gradient' keeps what a gradient needs; trace(net, x) keeps every map."
        )
    return trace[name].data


def _index(name: str, shape: tuple[int, ...], channel, at, image) -> tuple[int, tuple[int, ...]]:
    """Return the channel and the place in the map, when the map has it."""
    lengths = shape[1:] if len(shape) > 1 else shape
    words = _words(shape)
    at = () if at is None else tuple(at) if isinstance(at, tuple | list | np.ndarray) else (at,)
    if len(at) != max(len(lengths) - 1, 0):
        wanted = f"at=({', '.join(words[1:])})" if len(lengths) > 1 else "no `at`"
        example = f", such as at=({', '.join(str(n // 2) for n in lengths[1:])})" if len(lengths) > 1 else ""
        raise ArgumentError(
            f"explain: the map {name!r} has the shape {shape}, so a number of it has a {words[0]} and {wanted}{example}, but at is {at!r}."
        )
    image = _inside(image, "image", "images", shape[0] if len(shape) > 1 else 1, name)
    if not lengths:
        return _inside(channel, "channel", "channels", 1, name), ()
    own = tuple(_inside(n, word, f"{word}s", length, name) for n, word, length in zip((channel, *at), words, lengths, strict=True))
    return own[0], (image, *own) if len(shape) > 1 else own


def _words(shape: tuple[int, ...]) -> tuple[str, ...]:
    """Return what the axes behind the images are called."""
    if len(shape) == 4:
        return "channel", "row", "column"
    if len(shape) == 2:
        return ("feature",)
    return ("channel", *(f"place{n + 1}" for n in range(len(shape) - 2)))


def _inside(value, word: str, words: str, length: int, name: str) -> int:
    value = check.integer(value, word, "explain", 0)
    if value >= length:
        remedy = f"use 0 … {length - 1}" if length else "trace a batch that is not empty"
        raise ArgumentError(f"explain: the map {name!r} has {length} {words}, but {word} {value} was asked for; {remedy}.")
    return value
