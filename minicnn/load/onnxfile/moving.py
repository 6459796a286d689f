"""Which question: how do ONNX's operators move, cut, join and reduce arrays?

Idea: they change where numbers are, not what they are; each is one layer of ours, and where a CNN has a name for it
that name: Flatten, ZeroPad2d, Upsample, global average pooling.  Settings that opset 13 and later take as inputs were
attributes before; both are read.

Source: ONNX's documents of each operator.  Next room: table.py.
"""

from math import prod

import numpy as np

from minicnn import layers
from minicnn.layers import Arithmetic, Cast, Concat, Flatten, Permute, PixelShuffle, PixelUnshuffle, Reduce, Slice, Squeeze, Take, Unsqueeze
from minicnn.load.onnxfile.building import Operator, Value, reshaped
from minicnn.load.onnxfile.tensors import KINDS

PADS = {"reflect": layers.ReflectionPad2d, "edge": layers.ReplicationPad2d, "wrap": layers.CircularPad2d}


def identity(op: Operator) -> Value:
    return op.map(0)


def dropout(op: Operator) -> "Value | tuple[Value, Value]":
    """Nothing, once training is over; the mask then lets everything through."""
    x = op.map(0)
    if (
        op.has(2)
        and bool(op.known(2, "training_mode").reshape(-1)[0])
        and (not op.has(1) or float(op.known(1, "ratio").reshape(-1)[0]) > 0)
    ):
        op.refuse("it drops numbers (training_mode=True); export the network for inference: model.eval().")
    if op.outputs < 2:
        return x
    op.makes(x.shape, bool)
    return x, Value.known(np.ones(x.shape, bool if op.opset >= 10 else x.dtype))


def constant(op: Operator) -> Value:
    for name, dtype in (("value_float", np.float32), ("value_floats", np.float32), ("value_int", np.int64), ("value_ints", np.int64)):
        found = op.attribute(name, None)
        if found is not None:
            return Value.known(np.array(found, dtype))
    value = op.attribute("value", None)
    if not isinstance(value, np.ndarray):
        op.refuse("it holds a text or a sparse tensor; numbers are read.")
    return Value.known(value)


def constant_of_shape(op: Operator) -> Value:
    shape = op.whole_numbers(0, "shape")
    value = op.attribute("value", None)
    value = np.zeros(1, np.float32) if value is None else value
    op.makes(shape, value.dtype)
    return Value.known(np.full(shape, value.reshape(-1)[0]))


def shape(op: Operator) -> Value:
    """The lengths of an input, known since all lengths are."""
    whole = op.map(0).shape
    return Value.known(np.array(whole[slice(op.attribute("start", 0), op.attribute("end", len(whole)))], np.int64))


def cast(op: Operator) -> Value:
    x, to = op.map(0), op.attribute("to")
    kind = KINDS[to][0] if to in KINDS else f"ONNX's data type {to}"
    if x.is_known and kind not in ("float16", "bfloat16") and to in KINDS:
        with np.errstate(invalid="ignore"):
            return Value.known(x.array.astype(kind))
    if kind not in ("float32", "float64", "int64", "int32", "bool"):
        op.refuse(f"it casts a map to {kind}; float32, float64, int64 and bool are read.")
    kind = "int64" if kind == "int32" else kind
    return x if x.dtype == np.dtype(kind) else op.hang(Cast(np.dtype(kind)), x)


def reshape(op: Operator) -> Value:
    x, wanted = op.map(0), op.whole_numbers(1, "shape")
    if op.attribute("allowzero", 0) and 0 in wanted:
        return op.hang(layers.Reshape(wanted, allowzero=True), x)
    full = tuple(x.shape[place] if n == 0 and place < len(x.shape) else n for place, n in enumerate(wanted))
    if full.count(-1) == 1 and 0 not in full:
        rest = prod(n for n in full if n != -1)
        full = tuple(prod(x.shape) // rest if n == -1 else n for n in full)
    if len(x.shape) == 4 and full == (x.shape[0], prod(x.shape[1:])):
        return op.hang(Flatten(), x)
    return _channels_shuffled(op, x, full) or reshaped(op, x, full)


def _channels_shuffled(op: Operator, x: Value, shape: tuple[int, ...]) -> Value | None:
    """Return what ShuffleNet's three steps come to, channels dealt out anew, so that positions stay positions; None for other steps.

    (N, a·b, H, W) → (N, a, b, H, W) → (N, b, a, H, W) → (N, b·a, H, W): channel j·a + i is channel i·b + j.
    """
    exchanged = op.came_from(x, Permute)
    parted = exchanged and exchanged[0].dims == (0, 2, 1, 3, 4) and op.came_from(exchanged[1], layers.Reshape)
    if not parted or parted[1].shape != shape or exchanged[1].shape[-2:] != shape[-2:]:
        return None
    order = np.arange(shape[1]).reshape(exchanged[1].shape[1:3]).T.reshape(-1)
    return op.hang(Take(order, 1), parted[1])


def flatten(op: Operator) -> Value:
    x, axis = op.map(0), op.attribute("axis", 1)
    axis = axis + len(x.shape) if axis < 0 else axis
    if axis == 1 and len(x.shape) > 1:
        return op.hang(Flatten(), x)
    return reshaped(op, x, (prod(x.shape[:axis]), prod(x.shape[axis:])))


def squeeze(op: Operator) -> Value:
    x = op.map(0)
    axes = _axes(op, 1, 13)
    if axes is None:
        axes = tuple(place for place, n in enumerate(x.shape) if n == 1)
    return op.hang(Squeeze(axes), x) if axes else x


def unsqueeze(op: Operator) -> Value:
    x, axes = op.map(0), _axes(op, 1, 13)
    rank = len(x.shape) + len(axes)
    return op.hang(Unsqueeze(tuple(sorted(axis % rank for axis in axes))), x)


def _axes(op: Operator, place: int, since: int) -> tuple[int, ...] | None:
    """Return the axes that an operator names: an input since opset `since`, an attribute before."""
    return op.whole_numbers(place, "axes", None) if op.opset >= since else op.attribute("axes", None)


def transpose(op: Operator) -> Value:
    x = op.map(0)
    return op.hang(Permute(op.attribute("perm", tuple(range(len(x.shape)))[::-1])), x)


def concat(op: Operator) -> Value:
    values = [op.map(place) for place in range(len(op.names))]
    axis = op.attribute("axis", 1 if op.opset < 11 else -1)
    if all(value.is_known for value in values):
        op.makes((sum(value.array.size for value in values),), values[0].dtype)
        return Value.known(np.concatenate([value.array for value in values], axis))
    return op.hang(Concat(axis % len(values[0].shape)), *values) if len(values) > 1 else values[0]


def split(op: Operator) -> tuple[Value, ...]:
    x = op.map(0)
    axis = op.attribute("axis", 0) % len(x.shape)
    sizes = op.whole_numbers(1, "split", None) if op.opset >= 13 else op.attribute("split", None)
    if sizes is None:
        parts = op.attribute("num_outputs", None) or len(op.proto.output)
        each = -(-x.shape[axis] // parts)
        sizes = tuple(min(each, x.shape[axis] - place * each) for place in range(parts))
    if sum(sizes) != x.shape[axis] or min(sizes) < 0:
        op.refuse(f"it splits {x.shape[axis]} into {sizes}, which are {sum(sizes)} together.")
    ends = np.cumsum(sizes).tolist()
    return tuple(
        op.hang(Slice((end - size,), (end,), (axis,), (1,)), x, part=f"part{place}")
        for place, (size, end) in enumerate(zip(sizes, ends, strict=True), 1)
    )


def slice_(op: Operator) -> Value:
    x = op.map(0)
    if op.opset < 10:
        starts, ends = op.attribute("starts"), op.attribute("ends")
        axes, steps = op.attribute("axes", tuple(range(len(starts)))), (1,) * len(starts)
    else:
        starts, ends = op.whole_numbers(1, "starts"), op.whole_numbers(2, "ends")
        axes = op.whole_numbers(3, "axes", tuple(range(len(starts))))
        steps = op.whole_numbers(4, "steps", (1,) * len(starts))
    return op.hang(Slice(starts, ends, axes, steps), x)


def gather(op: Operator) -> Value:
    x, axis = op.map(0), op.attribute("axis", 0)
    return op.hang(Take(op.known(1, "indices").astype(np.int64), axis % len(x.shape)), x)


def expand(op: Operator) -> Value:
    """Broadcast to a shape: a sum with zeros of it."""
    x = op.map(0)
    whole = np.broadcast_shapes(x.shape, op.whole_numbers(1, "shape"))
    op.makes(whole, x.dtype)
    if x.is_known:
        return Value.known(np.ascontiguousarray(np.broadcast_to(x.array, whole)))
    return x if whole == x.shape else op.hang(Arithmetic("add", np.zeros(whole, x.dtype)), x)


def tile(op: Operator) -> Value:
    """Copies side by side, one axis after the other."""
    x, repeats = op.map(0), op.whole_numbers(1, "repeats")
    if op.opset < 6:
        op.refuse("before opset 6 it repeats one axis only; convert it with onnx.version_converter.")
    op.makes(tuple(n * r for n, r in zip(x.shape, repeats, strict=True)), x.dtype)
    for axis, (n, times) in enumerate(zip(x.shape, repeats, strict=True)):
        x = op.hang(Take(np.tile(np.arange(n), times), axis), x) if times != 1 else x
    return x


def pad(op: Operator) -> Value:
    x, mode = op.map(0), op.attribute("mode", "constant")
    rank = len(x.shape)
    if op.opset >= 11:
        pads = op.whole_numbers(1, "pads")
        value = op.known(2, "constant value", np.zeros(1, np.float32)).reshape(-1)
        value = value[0].item() if value.size else 0.0
        axes = op.whole_numbers(3, "axes", tuple(range(rank)))
    else:
        pads, value, axes = op.attribute("pads"), op.attribute("value", 0.0), tuple(range(rank))
    if len(pads) != 2 * len(axes):
        op.refuse(f"its pads {pads} must be two numbers, before and after, for each of {len(axes)} axes.")
    sides = [(0, 0)] * rank
    for axis, before, after in zip(axes, pads[: len(axes)], pads[len(axes) :], strict=True):
        sides[axis % rank] = (before, after)
    spatial = rank == 4 and sides[:2] == [(0, 0), (0, 0)] and min(min(side) for side in sides) >= 0
    (top, bottom), (left, right) = sides[-2:] if rank > 1 else ((0, 0), (0, 0))
    kind = layers.ZeroPad2d if mode == "constant" and value == 0 else PADS.get(mode)
    if spatial and kind is not None and not x.is_known:
        return op.hang(kind((left, right, top, bottom)), x)
    return op.hang(layers.Pad(tuple(sides), mode, value), x)


def reduce(name: str, since: int):
    """Return the operator that reduces axes to one number; they are an input since opset `since`."""

    def operator(op: Operator) -> Value:
        x, axes = op.map(0), _axes(op, 1, since)
        if not axes:
            if op.attribute("noop_with_empty_axes", 0):
                return x
            axes = tuple(range(len(x.shape)))
        axes, keep = tuple(sorted(axis % len(x.shape) for axis in axes)), bool(op.attribute("keepdims", 1))
        if name == "mean" and len(x.shape) == 4 and axes == (2, 3) and keep and not x.is_known:
            return op.hang(layers.AdaptiveAvgPool2d(1), x)  # the name that a CNN has for it
        return op.hang(Reduce(name, axes, keep), x)

    return operator


def depth_to_space(op: Operator) -> Value:
    return op.hang(PixelShuffle(op.attribute("blocksize"), op.attribute("mode", "DCR")), op.map(0))


def space_to_depth(op: Operator) -> Value:
    return op.hang(PixelUnshuffle(op.attribute("blocksize"), op.attribute("mode", "DCR")), op.map(0))
