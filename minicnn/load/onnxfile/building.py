"""Which question: how do the operators of an ONNX graph become named layers, one after the other?

Idea: a `Value` is what an operator takes and gives: an array that is known already, or a map that the network will
compute, of which only shape and dtype are known.  An operator's function asks for its inputs and attributes, and
hangs layers of ours on them.  Where all that goes into a layer is known, its value is computed at once: that is how
the small integer arithmetic disappears with which exporters work out a shape.

    known ── layer ──► known           nothing is left of it in the network
    map   ── layer ──► map             a node

Cost: that of the arrays that are worked out.  Numbers that the file does not hold itself are bounded.
Does not do: subgraphs (If, Loop), shapes that depend on numbers of the input.
Source: onnx.proto (NodeProto, AttributeProto); ONNX's "Intermediate Representation".  Next room: table.py.
"""

import functools
from dataclasses import dataclass
from math import prod

import numpy as np

from minicnn.errors import FileFormatError, MinicnnError, ShapeError, UnsupportedError
from minicnn.layers import Cast, Constant, Layer, Reshape, Squeeze, Unsqueeze
from minicnn.load.onnxfile.tensors import array_of
from minicnn.network import Node

REQUIRED = object()
MOST_BYTES = 2**30  # of arrays that a file makes out of a few numbers: a VGG19 of constants has 0.6 of it
DAMAGED = (ArithmeticError, LookupError, TypeError, ValueError, MemoryError)  # what a hostile attribute can make of our arithmetic


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """An array that is known (`array`), or a map that the network will compute (`name`)."""

    shape: tuple[int, ...]
    dtype: np.dtype
    name: str | None = None
    array: np.ndarray | None = None

    @classmethod
    def known(cls, array: np.ndarray) -> "Value":
        return cls(array.shape, array.dtype, array=array)

    @property
    def is_known(self) -> bool:
        return self.array is not None


class Operator:
    """One node of the graph, while it becomes layers: what it was given, and where its layers are hung.

    `inputs` holds a Value or None (left out) for each input, `names` what the file calls them.
    """

    def __init__(self, proto, called: list[str], inputs: list[Value | None], opset: int, builder: "Builder"):
        self.proto, self.inputs, self.opset = proto, inputs, opset
        self.kind, self.names = proto.op_type, tuple(proto.input)
        self._builder, self._called, self._named = builder, called, False
        self._attributes = {attribute.name: attribute for attribute in proto.attribute}

    # --- What it was given ---

    def map(self, place: int) -> Value:
        """Return an input, map or known array."""
        if place >= len(self.inputs) or self.inputs[place] is None:
            raise FileFormatError(f"has no input {place + 1}, which {self.kind} needs; the file is damaged.")
        return self.inputs[place]

    def has(self, place: int) -> bool:
        return place < len(self.inputs) and self.inputs[place] is not None

    def known(self, place: int, what: str, default=REQUIRED) -> np.ndarray:
        """Return an input that must be known when the file is loaded: a weight, a shape, a list of axes."""
        if not self.has(place) and default is not REQUIRED:
            return default
        value = self.map(place)
        if not value.is_known:
            raise UnsupportedError(
                f"its {what}, {self.names[place]!r}, must be known when the file is loaded, but the network would compute it; "
                f"where it is an input, give it: load.onnx(path, fixed={{{self.names[place]!r}: array}})."
            )
        return value.array

    def whole_numbers(self, place: int, what: str, default=REQUIRED) -> "tuple[int, ...] | object":
        """Return an input that is a list of whole numbers."""
        if not self.has(place) and default is not REQUIRED:
            return default
        array = self.known(place, what)
        if array.dtype.kind not in "iu" or array.ndim > 1:
            raise FileFormatError(
                f"its {what} must be whole numbers in a row, but they are {array.dtype} of shape {array.shape}; the file is damaged."
            )
        return tuple(int(n) for n in array.reshape(-1))

    def attribute(self, name: str, default=REQUIRED):
        """Return an attribute: int, float, str, tuple of ints or floats, or array; its type is that of the default, where it has one."""
        if name not in self._attributes:
            if default is REQUIRED:
                raise FileFormatError(f"has no attribute {name!r}, which {self.kind} needs; the file is damaged.")
            return default
        value = _attribute(self._attributes[name], self._builder.folder)
        wanted = type(default)
        if default not in (REQUIRED, None) and type(value) is not wanted and not (wanted is float and type(value) is int):
            raise FileFormatError(f"its attribute {name!r} must be a {wanted.__name__}, but it is {value!r:.60}; the file is damaged.")
        return value

    def refuse(self, why: str):
        raise UnsupportedError(why)

    # --- What it becomes ---

    @functools.cached_property
    def name(self) -> str:
        """What its node is called; chosen when it has one, so that arithmetic that disappears takes no name."""
        return self._builder.free_name(*self._called)

    def hang(self, layer: Layer, *values: Value, part: str = "") -> Value:
        """Return what comes out of a layer: at once where all that goes in is known, else as a new node's map.

        The layer hung without a `part` has the operator's name, those around it 'name.part'.
        """
        if all(value.is_known for value in values):
            return self._builder.computed(layer, values)
        own = not part and not self._named
        self._named = self._named or own
        name = self.name if own else self._builder.free_name(f"{self.name}.{part or layer.kind}")
        return self._builder.hung(layer, values, name)

    def came_from(self, value: Value, kind: type) -> tuple[Layer, Value] | None:
        """Return the layer of that kind that a map comes out of, and what went into it, or None."""
        return None if value.is_known else self._builder.came_from(value, kind)

    def makes(self, shape: tuple[int, ...], dtype) -> None:
        """Count an array that is about to be made from a few numbers, before it is made."""
        self._builder.makes(prod(shape) * np.dtype(dtype).itemsize)

    def in_four_axes(self, x: Value, hang) -> Value:
        """Return hang(x) where x is (N, C, H, W); (N, C, W) and (N, C) go through unit axes there and back."""
        if len(x.shape) == 4:
            return hang(x)
        if len(x.shape) not in (2, 3):
            self.refuse(
                f"its input has the shape {x.shape}, and only maps of one or two spatial axes, (N, C, W) and (N, C, H, W), are computed here."
            )
        units = (2,) if len(x.shape) == 3 else (2, 3)
        return self.hang(Squeeze(units), hang(self.hang(Unsqueeze(units), x, part="unsqueeze")), part="squeeze")

    @property
    def outputs(self) -> int:
        """How many of its outputs are asked for."""
        return max((place for place, name in enumerate(self.proto.output, 1) if name), default=0)


class Builder:
    """The network's nodes while the graph is walked."""

    def __init__(self, inputs: dict[str, Value], folder):
        self.nodes: list[Node] = []
        self.folder = folder
        self.made_bytes = 0
        self._taken = {value.name for value in inputs.values()}
        self._anchor = next(value.name for value in inputs.values())
        self._constants: dict[int, Value] = {}
        self._maps = {value.name: value for value in inputs.values()}

    def free_name(self, *wanted: str) -> str:
        """Return the first of the wanted names that is free, as a word that a node may have."""
        words = [word for name in wanted if (word := "".join(c if c.isprintable() else "_" for c in name.replace(":", "_")))] or ["node"]
        name = next((word for word in words if word not in self._taken), None)
        number = 2
        while name is None:
            name = f"{words[0]}_{number}" if f"{words[0]}_{number}" not in self._taken else None
            number += 1
        self._taken.add(name)
        return name

    def computed(self, layer: Layer, values: tuple[Value, ...]) -> Value:
        """Return a layer's result for arrays that are known."""
        shape, dtype = _result(layer, values)
        self.makes(prod(shape) * dtype.itemsize)
        result = layer.forward(*(value.array for value in values), accuracy="exact")
        return Value.known(np.ascontiguousarray(result[0] if isinstance(result, tuple) else result).reshape(shape))

    def hung(self, layer: Layer, values: tuple[Value, ...], name: str) -> Value:
        """Return the map of a new node."""
        shape, dtype = _result(layer, values)
        self.nodes.append(Node(name, layer, tuple(self.map_of(value).name for value in values)))
        self._maps[name] = Value(shape, dtype, name)
        return self._maps[name]

    def came_from(self, value: Value, kind: type) -> tuple[Layer, Value] | None:
        """Return the layer that a map comes out of and what went into it, where that is a layer of this kind and of one input."""
        node = next((node for node in reversed(self.nodes) if node.name == value.name), None)
        return (node.layer, self._maps[node.inputs[0]]) if node and isinstance(node.layer, kind) and node.inputs[0] in self._maps else None

    def map_of(self, value: Value) -> Value:
        """Return a value as a map of the network: a known array becomes a node that holds it."""
        if not value.is_known:
            return value
        if id(value) not in self._constants:
            name = self.free_name("constant")
            self.nodes.append(Node(name, Constant(value.array), (self._anchor,)))
            self._constants[id(value)] = Value(value.shape, value.dtype, name)
        return self._constants[id(value)]

    def makes(self, nbytes: int) -> None:
        """Count the bytes of an array that the file does not hold itself."""
        self.made_bytes += nbytes
        if self.made_bytes > MOST_BYTES:
            raise FileFormatError(
                f"makes arrays of {self.made_bytes:,} bytes out of numbers that it works out, and at most {MOST_BYTES:,} are trusted; it is damaged or hostile."
            )


def _result(layer: Layer, values: tuple[Value, ...]) -> tuple[tuple[int, ...], np.dtype]:
    """Return the shape and the dtype that come out of a layer (of the first of several results)."""
    shape = layer.output_shape(*(value.shape for value in values))
    dtype = layer.dtype if isinstance(layer, Cast) else layer.value.dtype if isinstance(layer, Constant) else values[0].dtype
    return tuple(shape[0] if len(layer.results) > 1 else shape), dtype


def reshaped(op: Operator, x: Value, shape: tuple[int, ...], part: str = "") -> Value:
    """Return x in another shape; a first axis that stays is written as 0, so that the network takes other batches too."""
    if x.shape and shape and shape[0] == x.shape[0] and not x.is_known and 0 not in x.shape:
        shape = (0, *shape[1:])
    return op.hang(Reshape(shape), x, part=part)


def _attribute(proto, folder):
    """Return an AttributeProto's value as plain Python."""
    kinds = {1: "f", 2: "i", 3: "s", 4: "t", 6: "floats", 7: "ints", 8: "strings"}
    if proto.type not in kinds:
        raise UnsupportedError(
            f"its attribute {proto.name!r} holds a graph, a sparse tensor or another thing that is not read; numbers, texts and tensors are."
        )
    value = getattr(proto, kinds[proto.type])
    if proto.type == 3:
        return value.decode("utf-8", "replace")
    if proto.type == 4:
        return array_of(value, folder)
    if proto.type == 8:
        return tuple(text.decode("utf-8", "replace") for text in value)
    return tuple(value) if proto.type in (6, 7) else value


def module_of(name: str) -> str:
    """Return the PyTorch module that a node is from: its exporter names nodes by the path of modules, then the operator.

    >>> module_of("/layer1/layer1.0/conv1/Conv"), module_of("/layer2/layer2.0/downsample/downsample.0/Conv"), module_of("Relu_3")
    ('layer1.0.conv1', 'layer2.0.downsample.0', '')
    """
    path = last = ""
    for word in name.split("/")[1:-1]:  # a Sequential's children repeat its name: downsample, downsample.0
        path = path.removesuffix(last) + word if last and word.startswith(f"{last}.") else f"{path}.{word}" if path else word
        last = word
    return path


def wrap(error: Exception, place: str) -> MinicnnError:
    """Return an error of ours that says where in the file it happened."""
    if isinstance(error, MinicnnError):
        return (
            type(error)(f"{place} {error}")
            if isinstance(error, FileFormatError | UnsupportedError | ShapeError)
            else FileFormatError(f"{place} {error}")
        )
    return FileFormatError(
        f"{place} its inputs and attributes do not fit each other ({type(error).__name__}: {error}); the file is damaged."
    )
