"""Which question: which inputs does each output row and column of a node see, as tables that a page can walk back through?

Idea: the one-axis rules answer `sees(i, n)` for every i; of the answer the page needs the first and the last.  Where every output sees
everything one word is enough.  How far windows reach outside of the map is the padding to be hatched.

`Sight` walks the same rules forwards and finds, for every row of every map, which rows of the input it sees, as a matrix of
booleans, columns likewise: seen(node) = sees · seen(input).  The pixels of a number are then rows × columns, exactly, as long as of the
branches that meet one holds the others; where that is not so, the masks of network/geometry.py are asked.

Cost: one small matrix product per node and axis, some milliseconds for a hundred layers; geometry.py's walk is as long for one number.
What it does not do: channels.  Source: Araujo, Norris, Sim (2019).  Next room: units.py.
"""

import functools

import numpy as np

from minicnn.axis import POINT, Slide
from minicnn.field import Box
from minicnn.network import Description, Node
from minicnn.network.geometry import grid
from minicnn.network.node import source


def tables(node: Node, shapes: dict, name: str) -> list:
    """Return [rows, columns] for every input of a node: first and last input of each output, or {"all": outputs}.

    >>> from minicnn import nn
    >>> net = nn.Sequential(nn.Conv2d(1, 1, (3, 1), padding=(1, 0)))
    >>> tables(net.nodes[0], {"x": (1, 1, 3, 2), "conv1": (1, 1, 3, 2)}, "conv1")
    [[{'lo': [0, 0, 1], 'hi': [1, 2, 2]}, {'lo': [0, 1], 'hi': [0, 1]}]]
    """
    outputs = grid(shapes[name])
    return [
        [_table(rule, n, out) for rule, n, out in zip(rules, grid(shapes[feeder]), outputs, strict=True)]
        for feeder, rules in zip(node.inputs, rules_of(node, shapes), strict=True)
    ]


def rules_of(node: Node, shapes: dict):
    """Return the rules for rows and columns of every input."""
    return node.layer.axes(*(shapes[feeder] for feeder in node.inputs))


@functools.lru_cache(4096)
def _sees(rule, n: int, out: int) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(rule.sees(i, n)) for i in range(out))


def _table(rule, n: int, out: int) -> dict:
    seen = _sees(rule, n, out)
    if n > 1 and all(len(inputs) == n for inputs in seen):
        return {"all": out}
    return {"lo": [min(inputs, default=-1) for inputs in seen], "hi": [max(inputs, default=-1) for inputs in seen]}


def reach(node: Node, shapes: dict, name: str) -> dict | None:
    """Return how far the windows of a node reach outside of its first input, None where it has no windows or they stay inside.

    >>> from minicnn import nn
    >>> net = nn.Sequential(nn.MaxPool2d(3, 2, padding=1))
    >>> reach(net.nodes[0], {"x": (1, 1, 5, 6), "pool1": (1, 1, 3, 3)}, "pool1")
    {'top': 1, 'left': 1, 'bottom': 1, 'right': 0}
    """
    rows, columns = rules_of(node, shapes)[0] if node.inputs else (None, None)
    if not (isinstance(rows, Slide) and isinstance(columns, Slide)):
        return None
    (top, bottom), (left, right) = (
        _outside(rule, n, out) for rule, n, out in zip((rows, columns), grid(shapes[node.inputs[0]]), grid(shapes[name]), strict=True)
    )
    return {"top": top, "left": left, "bottom": bottom, "right": right} if top or left or bottom or right else None


def _outside(rule: Slide, n: int, out: int) -> tuple[int, int]:
    """Return how many positions before the first and behind the last input the windows of `out` outputs cover."""
    return max(rule.before, 0), max((out - 1) * rule.stride - rule.before + rule.extent - n, 0)


class Sight:
    """Which pixels of the first input each number of a network looks at, all maps at once.

    >>> from minicnn import describe, nn
    >>> sight = Sight(describe(nn.Sequential(nn.Conv2d(1, 1, 3), nn.MaxPool2d(2)), (1, 6, 8)))
    >>> sight.pixels("pool1", 1, 0)                       # 2·1 … 2·1 + 3 rows, 0 … 3 columns
    (Box(top=2, left=0, bottom=5, right=3), 16)
    """

    def __init__(self, description: Description):
        net, shapes = description.net, description.shapes
        self.description = description
        first = net.inputs[0]
        self.seen = {name: _nothing(grid(shapes[name]), grid(shapes[first])) for name in net.inputs}
        self.seen[first] = tuple(np.eye(n, dtype=bool) for n in grid(shapes[first]))
        self.whole = dict.fromkeys(net.inputs, True)  # whether rows × columns is all that is to be said
        for node in net.nodes:
            self._add(node, shapes)

    def _add(self, node: Node, shapes: dict) -> None:
        found, outputs = [], grid(shapes[node.name])
        for feeder, rules in zip(node.inputs, rules_of(node, shapes), strict=True):
            sizes = zip(rules, grid(shapes[feeder]), outputs, self.seen[source(feeder)], strict=True)
            found.append(tuple(_through(rule, n, out, seen) for rule, n, out, seen in sizes))
        largest = max(found, key=lambda seen: int(seen[0].sum()) * int(seen[1].sum()))
        self.whole[node.name] = all(self.whole[source(feeder)] for feeder in node.inputs) and all(
            not (part & ~most).any() for seen in found for part, most in zip(seen, largest, strict=True)
        )
        self.seen[node.name] = largest

    def pixels(self, name: str, i: int = 0, j: int = 0) -> tuple[Box | None, int]:
        """Return the smallest box that holds all pixels that a number sees, and how many they are."""
        base, first = source(name), self.description.net.inputs[0]
        if not self.whole[base]:
            return self.description.box(base, i, j, first), int(self.description.pixels(base, i, j, first).sum())
        rows, columns = (np.flatnonzero(seen[at]) for seen, at in zip(self.seen[base], (i, j), strict=True))
        if not (rows.size and columns.size):
            return None, 0
        return Box(int(rows[0]), int(columns[0]), int(rows[-1]), int(columns[-1])), rows.size * columns.size


def _nothing(own, first) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((own[0], first[0]), bool), np.zeros((own[1], first[1]), bool)


def _through(rule, n: int, out: int, seen: np.ndarray) -> np.ndarray:
    """Return what the outputs of one axis see, given what its n inputs see."""
    if rule == POINT and n == out:
        return seen
    return (_matrix(rule, n, out) @ seen.astype(np.float32)) > 0


@functools.lru_cache(256)
def _matrix(rule, n: int, out: int) -> np.ndarray:
    matrix = np.zeros((out, n), np.float32)
    for i, inputs in enumerate(_sees(rule, n, out)):
        matrix[i, list(inputs)] = 1
    return matrix
