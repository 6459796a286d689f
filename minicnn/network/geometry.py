"""Which question: which pixels of the input does a number deep in the network look at?

Idea: from the back, with masks.  The asked position marks one cell of its map; each layer takes the
marks of its output to its input by its one-axis rules (field.looked_at); a map that feeds several
layers collects the marks of all; what arrives at the network's input is the answer.  Inner maps end
where they end, so nothing is seen through a border or a row that pooling dropped.

Maps that are not N C H W (after flattening) count as one position.
Cost: one mask per node on the way, a few milliseconds for a hundred layers.
"""

import numpy as np

from minicnn import check
from minicnn.errors import ArgumentError, UnknownNameError, nearest
from minicnn.field import NOTHING, ReceptiveField, looked_at, unite, unknown
from minicnn.network.node import Node, source

POSITIONLESS = (1, 1)


def grid(shape) -> tuple[int, int]:
    """Return (rows, columns) of a map, one position where it is not (N, C, H, W)."""
    return (shape[2], shape[3]) if len(shape) == 4 else POSITIONLESS


def which_input(net, name: str | None) -> str:
    """Return the name of the input that is meant: the only one, or the one that is named."""
    if name is None and len(net.inputs) > 1:
        raise ArgumentError(f"describe: the network has {len(net.inputs)} inputs; say which with input=, one of {net.inputs}.")
    if name is not None and name not in net.inputs:
        raise UnknownNameError(f"describe: there is no input {name!r}.{nearest(name, net.inputs)}")
    return name or net.inputs[0]


def pixel_mask(net, shapes: dict, name: str, i: int, j: int, input: str) -> np.ndarray:
    """Return which positions of `input` output (i, j) of `name` is computed from."""
    name = source(name)  # a node's results look at the same places
    marks = {name: np.zeros(grid(shapes[name]), bool)}
    for at, size, word in ((i, marks[name].shape[0], "row"), (j, marks[name].shape[1], "column")):
        if not 0 <= check.integer(at, word, "describe", 0) < size:
            rows, columns = marks[name].shape
            raise ArgumentError(f"describe: {name!r} has {rows}×{columns} positions, but {word} {at} was asked for; use 0 … {size - 1}.")
    marks[name][i, j] = True
    for node in reversed(net.nodes):
        mask = marks.pop(node.name, None)
        if mask is None or node.name == input:
            continue
        for feeder, rules in zip(node.inputs, node.layer.axes(*(shapes[f] for f in node.inputs)), strict=True):
            seen, feeder = looked_at(mask, rules, grid(shapes[feeder])), source(feeder)
            marks[feeder] = marks[feeder] | seen if feeder in marks else seen
    return marks.get(input, np.zeros(grid(shapes[input]), bool))


def fields_from(net, shapes: dict, input: str) -> dict[str, ReceptiveField]:
    """Return the closed form of every node with respect to one input."""
    fields = {name: ReceptiveField() if name == input else unknown(NOTHING + input) for name in net.inputs}
    for node in net.nodes:
        fields[node.name] = _field(node, shapes, fields)
    return fields


def _field(node: Node, shapes, fields) -> ReceptiveField:
    behind, names = [], []
    in_shapes = [shapes[feeder] for feeder in node.inputs]
    for feeder, rules in zip(node.inputs, node.layer.axes(*in_shapes), strict=True):
        field = fields[source(feeder)]
        if field.sees_nothing:
            continue  # a branch that never sees this input has no say
        rows, columns = (rule.reach(n) for rule, n in zip(rules, grid(shapes[feeder]), strict=True))
        behind.append(field.through((rows, columns)))
        names.append(feeder)
    return unite(behind, names) if behind else fields[source(node.inputs[0])]
