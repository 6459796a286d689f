"""Which question: which pixels of the input does a number deep in the network look at?

Idea: from the back, with masks.  The asked position marks one cell of its map; each layer takes the
marks of its output to its input by its one-axis rules (field.looked_at); a map that feeds several
layers collects the marks of all; what arrives at the network's input is the answer.  Inner maps end
where they end, so nothing is seen through a border or a row that pooling dropped.

Maps that are not N C H W (after flattening) count as one position.
Cost: one mask per node on the way, a few milliseconds for a hundred layers.
"""

import numpy as np

from minicnn.field import ReceptiveField, looked_at, unite, unknown
from minicnn.network.graph import Network, Node

POSITIONLESS = (1, 1)


def grid(shape) -> tuple[int, int]:
    """Return (rows, columns) of a map, one position where it is not (N, C, H, W)."""
    return (shape[2], shape[3]) if len(shape) == 4 else POSITIONLESS


def source(name: str) -> str:
    """Return the node (or input) that a result belongs to: 'pool' for 'pool:indices'."""
    return name.split(":")[0]


def pixel_mask(net: Network, shapes: dict, name: str, i: int, j: int, input: str) -> np.ndarray:
    """Return which positions of `input` output (i, j) of `name` is computed from."""
    marks = {name: np.zeros(grid(shapes[name]), bool)}
    marks[name][i, j] = True
    for node in reversed(net.nodes):
        mask = marks.pop(node.name, None)
        if mask is None or node.name == input:
            continue
        for feeder, rules in zip(node.inputs, node.layer.axes(*(shapes[f] for f in node.inputs)), strict=True):
            seen, feeder = looked_at(mask, rules, grid(shapes[feeder])), source(feeder)
            marks[feeder] = marks[feeder] | seen if feeder in marks else seen
    return marks.get(input, np.zeros(grid(shapes[input]), bool))


def fields_from(net: Network, shapes: dict, input: str) -> dict[str, ReceptiveField]:
    """Return the closed form of every node with respect to one input."""
    fields = {name: ReceptiveField() if name == input else unknown(f"does not look at {input}") for name in net.inputs}
    for node in net.nodes:
        fields[node.name] = _field(node, shapes, fields)
    return fields


def _field(node: Node, shapes, fields) -> ReceptiveField:
    behind, names = [], []
    in_shapes = [shapes[feeder] for feeder in node.inputs]
    for feeder, rules in zip(node.inputs, node.layer.axes(*in_shapes), strict=True):
        field = fields[source(feeder)]
        if field.size is None and field.reason.startswith("does not look"):
            continue  # a branch that never sees this input has no say
        rows, columns = (rule.reach(n) for rule, n in zip(rules, grid(shapes[feeder]), strict=True))
        behind.append(field.through((rows, columns)))
        names.append(feeder)
    return unite(behind, names) if behind else fields[source(node.inputs[0])]
