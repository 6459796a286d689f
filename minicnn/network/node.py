"""Which question: what is one node of a network, and what does it hand on?

A node is a name, a layer and the names of its inputs.  Its results are known by its own name and, where
the layer has several, by "node:result".  What a layer raises is passed on with the node's name in front.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from minicnn.errors import MinicnnError, ShapeError
from minicnn.layers import Layer


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A named layer with the names of its inputs.

    >>> from minicnn import nn
    >>> Node("act", nn.ReLU(), ("conv1",))
    act = ReLU()(conv1)
    """

    name: str
    layer: Layer
    inputs: tuple[str, ...]

    def __repr__(self) -> str:
        return f"{self.name} = {self.layer!r}({', '.join(self.inputs)})"


def result_names(node: Node) -> tuple[str, ...]:
    """Return the names under which a node's results are known: its own, then 'node:result' for the others."""
    return (node.name, *(f"{node.name}:{result}" for result in node.layer.results[1:]))


def source(name: str) -> str:
    """Return the node (or input) that a result belongs to: 'pool' for 'pool:indices'."""
    return name.split(":")[0]


def owners(net) -> dict[str, str]:
    """Return whose memory each map is: its own, or for a view that of the map that it shows."""
    memory = {name: name for name in net.inputs}
    for node in net.nodes:
        memory.update({name: memory[node.inputs[0]] if node.layer.is_view else name for name in result_names(node)})
    return memory


def results_of(node: Node, arguments, accuracy: str) -> dict[str, np.ndarray]:
    """Return a node's results by name."""
    with named(node):
        results = node.layer(*arguments, accuracy=accuracy)
    return dict(zip(result_names(node), results if isinstance(results, tuple) else (results,), strict=True))


def results_saving(node: Node, layer: Layer, arguments, accuracy: str, training: bool, rng) -> tuple[dict[str, np.ndarray], object, dict]:
    """Return a node's results by name, what its gradient needs beside maps, and its new statistics.

    `layer` is the node's, or the same with statistics that an earlier node of this pass has measured.
    """
    with named(node):
        results, saved, updates = layer.forward_saving(*arguments, accuracy=accuracy, training=training, rng=rng)
    return dict(zip(result_names(node), results if isinstance(results, tuple) else (results,), strict=True)), saved, updates


def gradient_keeps(net) -> set[str]:
    """Return the names of the maps that some layer's gradient needs."""
    names: set[str] = set()
    for node in net.nodes:
        names.update(node.inputs if "input" in node.layer.keeps else ())
        names.update((node.name,) if "output" in node.layer.keeps else ())
    return names


def first_nodes(net) -> dict[int, str]:
    """Return the first node of each layer, by the layer's identity: the name that its arrays go by."""
    found: dict[int, str] = {}
    for node in net.nodes:
        found.setdefault(id(node.layer), node.name)
    return found


def result_shapes(node: Node, in_shapes) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a node's results by name."""
    with named(node):
        result = node.layer.output_shape(*in_shapes)
    return dict(zip(result_names(node), result if len(node.layer.results) > 1 else (tuple(result),), strict=True))


@contextlib.contextmanager
def named(node: Node) -> Iterator[None]:
    """Put the node's name in front of what its layer raises."""
    try:
        yield
    except MinicnnError as error:
        raise type(error)(f"node {node.name!r}: {error}") from error.__cause__


@contextlib.contextmanager
def one_image(unbatched: bool) -> Iterator[None]:
    """Give the remedy for one image where layers, which see a batch of one, give that for a batch."""
    try:
        yield
    except ShapeError as error:
        if not unbatched:
            raise
        text = str(error).replace("NHWC; minicnn uses NCHW: x.transpose(0, 3, 1, 2)", "HWC; minicnn uses CHW: x.transpose(2, 0, 1)")
        raise ShapeError(text) from None
