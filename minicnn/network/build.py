"""Which question: how is a network with branches written down?

Idea: a `Value` is a name that something will have.  `then` hangs a layer (or a whole network) behind
it and returns the next; `join` brings several together; `Graph.network` closes the list.

    g = Graph()
    x = g.input("x")
    trunk = x.then("conv1", nn.Conv2d(3, 8, 3, padding=1)).then("relu1", nn.ReLU())
    skip = trunk.then("skip", nn.Conv2d(8, 8, 1))
    y = g.join("add", nn.Add(), trunk.then("conv2", nn.Conv2d(8, 8, 3, padding=1)), skip)
    net = g.network(y)
"""

from dataclasses import dataclass

from minicnn.errors import ArgumentError
from minicnn.layers import Layer
from minicnn.network.graph import Network, inlined
from minicnn.network.node import Node


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """Something that will be computed: a place to hang the next layer on."""

    graph: "Graph"
    name: str

    def then(self, name: str, layer: Layer | Network) -> "Value":
        """Return what comes out when this goes through a layer, or through a network whose nodes get 'name.' in front."""
        return self.graph.join(name, layer, self)

    def result(self, name: str) -> "Value":
        """Return another result of the same node: pool.result('indices')."""
        return Value(self.graph, f"{self.name}:{name}")


class Graph:
    """The list of nodes while it is being written.

    >>> from minicnn import nn
    >>> g = Graph()
    >>> x = g.input("x")
    >>> y = x.then("conv", nn.Conv2d(3, 3, 3, padding=1))
    >>> net = g.network(g.join("add", nn.Add(), x, y))
    >>> [node.inputs for node in net]
    [('x',), ('x', 'conv')]
    """

    def __init__(self):
        self._inputs: list[str] = []
        self._nodes: list[Node] = []

    def input(self, name: str = "x") -> Value:
        """Return a new input of the network."""
        self._inputs.append(name)
        return Value(self, name)

    def join(self, name: str, layer: Layer | Network, *values: Value) -> Value:
        """Return what comes out when several values go into one layer or one network."""
        for value in values:
            if not isinstance(value, Value) or value.graph is not self:
                raise ArgumentError(f"graph: {name!r} takes values of this graph, but received {value!r}.")
        names = tuple(value.name for value in values)
        if isinstance(layer, Network):
            nodes, output = inlined(name, layer, names)
            self._nodes += nodes
            return Value(self, output)
        self._nodes.append(Node(name, layer, names))
        return Value(self, name)

    def network(self, *outputs: Value) -> Network:
        """Return the network whose outputs these values are (the last node where none is given)."""
        for value in outputs:
            if not isinstance(value, Value):
                raise ArgumentError(f"graph: outputs are values of this graph, but received {value!r}.")
        return Network(self._nodes, self._inputs, tuple(value.name for value in outputs) or None)
