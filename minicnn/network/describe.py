"""Which question: what will this network do with an input of this shape, and what will it cost?

Idea: every layer answers shape, positions and cost from integers alone, so one walk over the nodes
fills a table without a single number of data: shape, receptive field, parameters, multiply-adds,
bytes of the map, bytes that training would keep.  152 layers take some milliseconds.

Counting: parameters are learned numbers (not running statistics), each shared layer once (as are prepared weights);
multiply-adds are those of convolutions and linear layers, padding counted, bias, normalization and
activations not.  Bytes are of one forward pass at the given batch and dtype.
Next room: geometry.py.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from math import prod

import numpy as np

from minicnn import check
from minicnn.errors import UnknownNameError, nearest
from minicnn.field import Box, ReceptiveField, hull
from minicnn.layers import Layer
from minicnn.layers.base import float_dtype
from minicnn.network.geometry import fields_from, pixel_mask, which_input
from minicnn.network.graph import Network, as_network
from minicnn.network.memory import training_bytes, training_curve
from minicnn.network.node import Node, gradient_keeps, owners, result_names, source
from minicnn.network.shapes import shapes_of
from minicnn.text import count, table, times


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """One row: what is known of a node before anything is computed."""

    name: str
    layer: Layer | None  # None for an input of the network
    inputs: tuple[str, ...]
    shape: tuple[int, ...]
    field: ReceptiveField
    parameters: int
    multiply_adds: int
    bytes: int  # of the map
    kept_bytes: int  # of what training would keep here: this map if a gradient needs it, and indices or statistics
    preparing: Callable[[], int] = field(repr=False, compare=False)

    @property
    def prepared_bytes(self) -> int:
        """What the first net(x) leaves behind for the next ones: packed weights.  Asked of the algorithm's module, so not before it is wanted."""
        return self.preparing()


@dataclass(frozen=True, repr=False)
class Description:
    """The table of a network at one input shape; print it, or ask it.

    `description["conv1"]` is a row; `.field(name)`, `.box(name, i, j)` and `.pixels(name, i, j)` are
    positions; the totals are `parameters`, `multiply_adds`, `bytes`, `kept_bytes`, `peak_bytes` (the most that
    a plain forward holds at one time, maps let go after their last use) and `prepared_bytes` (what layers keep
    beside their weights from their first call on: a form of the weight that the algorithm of net(x) reads faster).

    >>> from minicnn import nn
    >>> facts = describe(nn.Sequential(nn.Conv2d(1, 2, 3)), (1, 5, 6))
    >>> facts.parameters, facts.multiply_adds, facts["conv1"].bytes, facts.peak_bytes
    (20, 216, 96, 216)
    """

    net: Network
    rows: tuple[NodeFacts, ...]
    shapes: dict = field(repr=False)
    itemsize: int = 4

    def __iter__(self):
        return iter(self.rows)

    def __contains__(self, name) -> bool:
        return any(row.name == name for row in self.rows)

    def __getitem__(self, name: str) -> NodeFacts:
        """Return the row of a node or input; a port's is its node's."""
        base = source(str(name))
        for row in self.rows:
            if row.name == base:
                return row
        raise UnknownNameError(f"describe: there is no node {name!r}.{nearest(str(name), [row.name for row in self.rows])}")

    parameters = property(lambda self: sum(row.parameters for row in self.rows))
    multiply_adds = property(lambda self: sum(row.multiply_adds for row in self.rows))
    bytes = property(lambda self: sum(row.bytes for row in self.rows))
    kept_bytes = property(lambda self: sum(row.kept_bytes for row in self.rows))
    prepared_bytes = property(lambda self: sum(row.prepared_bytes for row in self.rows))
    peak_bytes = property(lambda self: max((live for _, live in self.memory_curve()), default=0))

    def field(self, name: str, input: str | None = None) -> ReceptiveField:
        """Return the closed form of a node's receptive field, with respect to one input of the network."""
        row, input = self[name], which_input(self.net, input)
        return row.field if input == self.net.inputs[0] else fields_from(self.net, self.shapes, input)[row.name]

    def pixels(self, name: str, i: int = 0, j: int = 0, input: str | None = None) -> np.ndarray:
        """Return which pixels of the input output (i, j) of a node sees: a mask (H, W), exact."""
        return pixel_mask(self.net, self.shapes, self[name].name, i, j, which_input(self.net, input))

    def box(self, name: str, i: int = 0, j: int = 0, input: str | None = None) -> Box | None:
        """Return the smallest box that holds `pixels(name, i, j)`; None where it sees padding only."""
        return hull(self.pixels(name, i, j, input))

    def memory_curve(self) -> list[tuple[str, int]]:
        """Return (node, bytes of maps alive while it is computed), in order: its inputs, its results, and what is still needed.

        It follows the evaluation of net(x); a view (flatten) takes no memory of its own and keeps its input alive.
        """
        memory = owners(self.net)
        last_use = {memory[name]: node.name for node in self.net.nodes for name in node.inputs}
        last_use.update({memory[name]: "" for name in self.net.outputs})  # never let go
        alive, curve = {name: self._size(name) for name in self.net.inputs}, []
        for node in self.net.nodes:
            alive.update({name: self._size(name) for name in result_names(node) if memory[name] == name})
            curve.append((node.name, sum(alive.values())))
            for name in {*node.inputs, *result_names(node)}:
                if last_use.get(memory[name], node.name) == node.name:
                    alive.pop(memory[name], None)
        return curve

    def training_curve(self) -> list[tuple[str, int]]:
        """Return (moment, bytes) along one training step: each node, then "node back" for its gradient; parameters not counted."""
        return training_curve(self.net, self.shapes, self.itemsize)

    def training_bytes(self, optimizer_arrays: int = 1) -> int:
        """Return the most that train.fit holds at a time at this batch, the data set not counted.

        `optimizer_arrays` are those that the optimizer holds per parameter: 0 for plain SGD, 1 with momentum, 2 for Adam.
        """
        arrays = check.integer(optimizer_arrays, "optimizer_arrays", "training_bytes", 0)
        prepared = 2 * self.prepared_bytes  # of the step's weights, and of those of the last finished epoch
        return training_bytes(self.net, self.training_curve(), arrays) + prepared

    def _size(self, name: str) -> int:
        return prod(self.shapes[name]) * (8 if ":" in name else self.itemsize)  # winning indices are int64

    def to_dict(self) -> dict:
        """Return the table as plain data, for JSON."""
        rows = [
            {
                "name": row.name,
                "layer": repr(row.layer) if row.layer else "input",
                "inputs": list(row.inputs),
                "shape": list(row.shape),
                "field": row.field.to_dict(),
                "parameters": row.parameters,
                "multiply_adds": row.multiply_adds,
                "bytes": row.bytes,
                "kept_bytes": row.kept_bytes,
                "prepared_bytes": row.prepared_bytes,
            }
            for row in self.rows
        ]
        names = ("parameters", "multiply_adds", "bytes", "kept_bytes", "peak_bytes", "prepared_bytes")
        return {"nodes": rows, "total": {name: getattr(self, name) for name in names}}

    def __str__(self) -> str:
        head = ("node", "layer", "shape", "field/stride", "params", "MAdds", "bytes")
        body = [_cells(row) for row in self.rows]
        foot = ("total", "", "", "", count(self.parameters), count(self.multiply_adds), count(self.bytes, "B"))
        lines = [table(head, body, foot, align="llllrrr")]
        lines.append(f"{self.parameters:,} parameters, {self.multiply_adds:,} multiply-adds.")
        lines.append(
            f"Maps: {count(self.bytes, 'B')} in all, {count(self.peak_bytes, 'B')} at the peak of a forward pass, "
            f"{count(self.kept_bytes, 'B')} kept for training."
        )
        if self.prepared_bytes:
            lines.append(f"Prepared weights: {count(self.prepared_bytes, 'B')} beside the parameters, from the first call on.")
        shifts = [row.field.reason for row in self.rows if not row.field.aligned]
        return "\n".join(lines + [f"Note: {reason}." for reason in dict.fromkeys(shifts)])

    __repr__ = __str__


def _cells(row: NodeFacts) -> tuple[str, ...]:
    text = row.field.short().replace("/", " / ") + ("" if row.field.aligned else " !")
    kind = type(row.layer).__name__ if row.layer else "input"
    return row.name, kind, times(row.shape), text, count(row.parameters), count(row.multiply_adds), count(row.bytes, "B")


def describe(net: Network, input_shape=None, *, dtype=np.float32) -> Description:
    """Return the table of a network: shapes, fields, parameters, multiply-adds and bytes, nothing computed.

    `input_shape` is (C, H, W), (N, C, H, W), any shape of two axes or more than four as it is, or a
    mapping from input names to such shapes.  A network that knows its `input_shapes`, as one from an ONNX file
    does, needs none.

    >>> from minicnn import nn
    >>> facts = describe(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3)), (3, 32, 40))
    >>> facts["conv2"].shape, facts.field("conv2").size, facts.box("conv2", 0, 0)
    ((1, 8, 28, 36), (5, 5), Box(top=0, left=0, bottom=4, right=4))

    Raises ShapeError with the node's name where a shape does not fit.
    """
    net = as_network(net, "describe")
    shapes, itemsize = shapes_of(net, input_shape), float_dtype(dtype, "describe").itemsize
    fields = fields_from(net, shapes, net.inputs[0])
    memory = owners(net)
    keepers = {memory[name] for name in gradient_keeps(net)}
    rows = [NodeFacts(n, None, (), shapes[n], fields[n], 0, 0, *_map_bytes(shapes[n], itemsize, n in keepers), int) for n in net.inputs]
    counted: set[int] = set()
    for node in net.nodes:
        rows.append(_facts(node, shapes, fields[node.name], itemsize, node.name in keepers, counted))
    return Description(net, tuple(rows), shapes, itemsize)


def _map_bytes(shape, itemsize: int, kept: bool) -> tuple[int, int]:
    size = prod(shape) * itemsize
    return size, size if kept else 0


def _facts(node: Node, shapes, seen, itemsize, kept_here, counted) -> NodeFacts:
    layer, in_shapes = node.layer, [shapes[name] for name in node.inputs]
    first = id(layer) not in counted
    parameters = sum(array.size for array in layer.parameters().values()) if first else 0
    preparing = partial(layer.prepared_bytes, *in_shapes, itemsize=itemsize) if first else int  # int() is 0
    counted.add(id(layer))
    size, kept = _map_bytes(shapes[node.name], itemsize, kept_here)
    size += sum(8 * prod(shapes[name]) for name in result_names(node)[1:])  # winning indices are int64
    kept += layer.saved_bytes(*in_shapes, itemsize=itemsize)
    products = layer.multiply_adds(*in_shapes)
    return NodeFacts(node.name, layer, node.inputs, shapes[node.name], seen, parameters, products, size, kept, preparing)
