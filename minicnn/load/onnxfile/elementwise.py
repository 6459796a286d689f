"""Which question: what do ONNX's operators do to each number, and to two arrays number by number?

Idea: an activation is a layer of the same name; arithmetic of two maps is a layer of two inputs, and with an array that
the file holds a layer of one input that holds it.  What has a layer of its own in a CNN gets that one: Add of two maps
of one shape is a residual sum, Clip from 0 to 6 is ReLU6.

Source: ONNX's documents of each operator.  Next room: dense.py.
"""

import functools
from math import prod

import numpy as np

from minicnn import layers
from minicnn.layers import Add, Arithmetic, Clamp, Elementwise, PReLU, ReLU6
from minicnn.load.onnxfile.building import Operator, Value, reshaped


def plain(layer: type) -> "callable":
    """Return an operator without attributes that is one layer."""
    return lambda op: op.hang(layer(), op.map(0))


def function(name: str):
    """Return an operator that is one of Elementwise's functions."""
    return lambda op: op.hang(Elementwise(name), op.map(0))


def leaky_relu(op: Operator) -> Value:
    return op.hang(layers.LeakyReLU(op.attribute("alpha", 0.01)), op.map(0))


def elu(op: Operator) -> Value:
    return op.hang(layers.ELU(op.attribute("alpha", 1.0)), op.map(0))


def selu(op: Operator) -> Value:
    """gamma · ELU with alpha."""
    alpha, gamma = op.attribute("alpha", 1.67326319217681884765625), op.attribute("gamma", 1.05070102214813232421875)
    x = op.map(0)
    return op.hang(Arithmetic("mul", np.array(gamma, x.dtype)), op.hang(layers.ELU(alpha), x, part="elu"))


def hard_sigmoid(op: Operator) -> Value:
    return op.hang(layers.Hardsigmoid(op.attribute("alpha", 0.2), op.attribute("beta", 0.5)), op.map(0))


def softsign(op: Operator) -> Value:
    """x / (1 + |x|)."""
    x = op.map(0)
    below = op.hang(Arithmetic("add", np.ones((), x.dtype)), op.hang(Elementwise("abs"), x, part="abs"), part="plus1")
    return op.hang(Arithmetic("div"), x, below)


def gelu(op: Operator) -> Value:
    return op.hang(layers.GELU(op.attribute("approximate", "none")), op.map(0))


def prelu(op: Operator) -> Value:
    """One slope, or one a channel, is our PReLU; others are max(x, 0) + slope · min(x, 0)."""
    x, slope = op.map(0), op.map(1)
    channels = x.shape[1] if len(x.shape) > 1 else None
    one_each = slope.shape[-len(x.shape) + 1 :] == (channels, *(1,) * (len(x.shape) - 2)) and prod(slope.shape) == channels
    if slope.is_known and (prod(slope.shape) == 1 or one_each):
        return op.hang(PReLU.of(slope.array.reshape(-1)), x)
    if op.opset < 7 and slope.is_known and slope.shape == (channels,):
        return op.hang(PReLU.of(slope.array), x)
    above = op.hang(layers.ReLU(), x, part="above")
    below = op.hang(Clamp(max=0.0), x, part="below")
    return op.hang(Arithmetic("add"), above, _two(op, "mul", below, slope, part="slope"))


def clip(op: Operator) -> Value:
    x = op.map(0)
    least, most = op.attribute("min", None), op.attribute("max", None)
    if op.opset >= 11:
        least, most = _number(op, 1, "min"), _number(op, 2, "max")
    unbounded = (least is None or least <= np.finfo(np.float32).min), (most is None or most >= np.finfo(np.float32).max)
    least, most = (None if unbounded[0] else least), (None if unbounded[1] else most)
    if (least, most) == (0, 6):
        return op.hang(ReLU6(), x)
    if (least, most) == (None, None):
        return x
    if None not in (least, most) and least > most:
        least = most  # ONNX: max wins
    return op.hang(Clamp(least, most), x)


def _number(op: Operator, place: int, what: str) -> float | None:
    array = op.known(place, what, None)
    return None if array is None else array.reshape(-1)[0].item()


def arithmetic(name: str):
    """Return an operator of two inputs, or of any number of them one after the other (Sum, Max, Min)."""

    def operator(op: Operator) -> Value:
        values = [op.map(place) for place in range(len(op.names))]
        if op.opset < 7 and len(values) == 2:
            values[1] = _broadcast_as_before(op, *values)
        if name == "add" and not any(value.is_known for value in values) and len({value.shape for value in values}) == 1:
            return op.hang(Add(), *values) if len(values) > 1 else values[0]
        if len(values) == 1:
            return values[0]
        *first, last = values
        joined = functools.reduce(lambda a, b: _two(op, name, a, b, part="part"), first)
        return _two(op, name, joined, last)

    return operator


def _two(op: Operator, name: str, a: Value, b: Value, part: str = "") -> Value:
    """Return `a name b`: a layer of two inputs, or of one that holds the array that is known."""
    a, b = (_as_int64(value) for value in (a, b))
    if a.is_known == b.is_known:
        return op.hang(Arithmetic(name), a, b, part=part)
    if b.is_known:
        return op.hang(Arithmetic(name, b.array), a, part=part)
    return op.hang(Arithmetic(name, a.array, other_first=True), b, part=part)


def _as_int64(value: Value) -> Value:
    """Return whole numbers of any width as int64, the one kind that our layers hold."""
    narrow = value.is_known and value.dtype.kind in "iu" and value.dtype != np.int64
    return Value.known(value.array.astype(np.int64)) if narrow else value


def _broadcast_as_before(op: Operator, a: Value, b: Value) -> Value:
    """Return b with the axes that opset 6 gives it: broadcast=1 lays it on a's axes from `axis` on."""
    axis = op.attribute("axis", None)
    if not op.attribute("broadcast", 0) or axis is None or len(a.shape) == len(b.shape):
        return b
    behind = len(a.shape) - (axis % len(a.shape)) - len(b.shape)
    return reshaped(op, b, (*b.shape, *(1,) * behind), part="axes")


def known_only(compute):
    """Return an operator that is worked out when the file is loaded, where exporters use it: arithmetic of shapes."""

    def operator(op: Operator) -> Value:
        if not all(value.is_known for value in op.inputs if value is not None):
            op.refuse(
                f"{op.kind} is read where all that goes into it is known when the file is loaded (arithmetic of shapes), and here it is a map."
            )
        arrays = [value.array for value in op.inputs if value is not None]
        op.makes(np.broadcast_shapes(*(array.shape for array in arrays)), arrays[0].dtype)
        return Value.known(np.asarray(compute(*arrays)))

    return operator


def range_(op: Operator) -> Value:
    """start, start + step, … below limit."""
    start, limit, step = (op.known(place, what).reshape(-1)[0] for place, what in enumerate(("start", "limit", "step")))
    op.makes((max(0, -int((start - limit) // step)),), np.asarray(start).dtype)
    return Value.known(np.arange(start, limit, step, dtype=np.asarray(start).dtype))
