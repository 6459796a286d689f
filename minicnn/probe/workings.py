"""Which question: which function knows how a layer's numbers come about?

Idea: one table, layer class → function of the question (terms.Question) that returns the working.  A class that is not in it is looked up by the
classes that it derives from, and a layer that nobody has written a function for is asked itself:

    moves numbers      its forward, given the addresses of the cells in place of their values, answers with the address
    anything else      its forward gives the number again, and its gradient says which cells the number depends on, and how much:
                       no equation is made up

Cost: the table's functions O(terms); a layer that is asked itself one or two forward passes and a gradient of that one layer.
What it does not do: tell more than the layer does; where it has no gradient, which cells count stays open.
Source: none; the equations are the layers' own.  Next room: explaining.py.
"""

from collections.abc import Callable

import numpy as np

from minicnn import layers
from minicnn.errors import MinicnnError
from minicnn.layers.base import Passage
from minicnn.probe import bent, combined, moved, weighted
from minicnn.probe.terms import Question, Working, cells
from minicnn.probe.weighted import summed

WORKINGS: dict[str, Callable[[Question], Working | None]] = {
    "Conv2d": weighted.convolution,
    "ConvTranspose2d": weighted.transposed,
    "Linear": weighted.linear,
    "AvgPool2d": weighted.average,
    "AdaptiveAvgPool2d": weighted.shared_average,
    "Upsample": weighted.resized,
    "Add": weighted.added,
    "Fold": weighted.folded,
    "MaxPool2d": moved.largest,
    "AdaptiveMaxPool2d": moved.largest,
    "MaxUnpool2d": moved.unpooled,
    **dict.fromkeys(("ZeroPad2d", "ReflectionPad2d", "ReplicationPad2d", "CircularPad2d"), moved.padded),
    "Flatten": moved.flattened,
    "Concat": moved.joined,
    "Unfold": moved.unfolded,
    "Dropout": moved.dropped,
    **dict.fromkeys(("Identity", "ChannelsLast"), moved.same),
    "BatchNorm2d": bent.batch_normalized,
    "LayerNorm": bent.layer_normalized,
    "GroupNorm": bent.group_normalized,
    "Softmax": bent.shares,
    **dict.fromkeys((name.split()[0] for name in bent.FORMULAS), bent.pointwise),
    "Arithmetic": combined.of_floats(combined.arithmetic),
    "Elementwise": combined.of_floats(combined.elementwise),
    "Clamp": combined.of_floats(combined.clamped),
    "Hardsigmoid": combined.hard_sigmoid,
    "Reduce": combined.of_floats(combined.reduced),
    "MatMul": combined.of_floats(combined.multiplied),
    "Resample": weighted.resized,
    "Constant": combined.constant,
    "Cast": combined.cast,
}


def working(asked: Question) -> Working:
    """Return how a number came about."""
    for kind in type(asked.layer).__mro__:
        if kind.__name__ in WORKINGS and getattr(layers, kind.__name__, None) is kind:
            return WORKINGS[kind.__name__](asked) or by_the_layer(asked)
    return by_the_layer(asked)


def by_the_layer(asked: Question) -> Working:
    """Return the working of a layer that the table does not know, as far as the layer itself tells it."""
    return _handed_on(asked) or _cells_that_count(asked)


def _handed_on(asked: Question) -> Working | None:
    """Return the one cell that the number is a copy of, if the layer only moves numbers.

    Forward is given the addresses 1, 2, 3, … of all cells, and once more in falling order: a layer that compares or computes gives itself
    away, since it then does not come to the same cell twice.
    """
    moving = [place for place, x in enumerate(asked.inputs) if x.dtype.kind == "f" and x.size]
    total = sum(asked.inputs[place].size for place in moving)
    found = []
    for first, step in ((1, 1), (2 * total, -1)):
        given, at = list(asked.inputs), 0
        for place in moving:
            x = asked.inputs[place]
            given[place] = (first + step * (at + np.arange(x.size, dtype=np.float64))).reshape(x.shape)
            at += x.size
        address = _forward(asked, tuple(given))
        if address is None or not address.is_integer():
            return None
        found.append((int(address) - first) * step)
    if found[0] != found[1] or not 0 <= found[0] < total:
        return None
    cell = found[0]
    for place in moving:
        x = asked.inputs[place]
        if cell < x.size:
            index = np.unravel_index(cell, x.shape)
            if not _equal(float(x[index]), asked.stored):
                return None
            return summed(asked, "y = x, moved", [cells(asked.names[place], x, index, 1)])
        cell -= x.size
    return None


def _cells_that_count(asked: Question) -> Working:
    """Return the cells that the number depends on, each with its slope, and the number as forward gives it again."""
    value = _forward(asked, asked.inputs)
    result = asked.stored if value is None else value
    parts, notes = [], []
    for name, x, slope in zip(asked.names, asked.inputs, _slopes(asked), strict=True):
        if slope is None:
            if x.dtype.kind == "f" or len(asked.inputs) == 1:
                notes.append(f"which cells of {name} count, the layer does not say")
            continue
        index = np.argwhere(slope != 0)  # NaN counts
        parts.append(cells(name, x, index, slope[tuple(index.T)]))
    kind = type(asked.layer).__name__
    if sum(map(len, parts)):
        notes.insert(0, f"{kind} is no sum of products: beside each cell stands the slope dy/dx, how much y moves with it")
    elif not notes:
        notes.append("no input cell counts: the number is the same whatever comes in, or moves in steps")
    allowed = 8 * asked.eps * abs(result) if np.isfinite(result) else 0.0  # the same steps again, on arrays that lie elsewhere in memory
    return Working("cells", f"y = {kind}.forward({', '.join(asked.names)})", tuple(parts), result, result, allowed, notes=tuple(notes))


def _forward(asked: Question, inputs: tuple) -> float | None:
    """Return the number that the layer makes of these inputs, None where it refuses them."""
    try:
        with np.errstate(all="ignore"):
            results = asked.layer.forward(*inputs, accuracy="exact")
    except MinicnnError:
        return None
    results = results if isinstance(results, tuple) else (results,)
    return float(results[asked.layer.results.index(asked.result) if asked.result else 0][asked.index])


def _slopes(asked: Question) -> list[np.ndarray | None]:
    """Return dy/dx for every cell of every input, None where there is none."""
    if asked.result or asked.dtype.kind != "f":
        return [None] * len(asked.inputs)
    grad = np.zeros(asked.shape, asked.dtype)
    grad[asked.index] = 1
    y = asked.layer.forward(*asked.inputs, accuracy="exact")
    shapes = tuple(x.shape for x in asked.inputs)
    needs = (True,) * len(shapes)
    outputs = y if isinstance(y, tuple) else (y,)
    passage = Passage(asked.inputs, outputs, shapes, asked.saved, asked.training, needs, False)
    grads = (grad, *(None for _ in outputs[1:]))
    try:
        return list(asked.layer.backward(grads, passage)[0])
    except (MinicnnError, NotImplementedError):
        return [None] * len(asked.inputs)


def _equal(a: float, b: float) -> bool:
    return a == b or (a != a and b != b)
