"""Which question: what does an emitter see of its node, and how do its steps become ONNX nodes?

Idea: a `Here` stands for one node of the network.  Calling it adds a step and returns the name of what the step gives; the emitter
returns the name of the last one, which then takes the node's own name.  Steps in between are called "conv1/Pad".

    def silu(here):  return here("Mul", here.x, here("Sigmoid", here.x))

Arrays of a layer become initializers under the names of net.parameters(), as they are: a layer that stands in two nodes has them once.

Cost: none beyond the arrays.  What it does not do: decide which operators a layer needs; that is the emitters' (sums.py, windows.py, …).
Source: onnx.ai/onnx/repo-docs/IR.md.  Next room: sums.py.
"""

from dataclasses import dataclass, field
from itertools import count

import numpy as np

from minicnn.errors import UnsupportedError
from minicnn.network.node import Node, result_names

Shape = tuple[int, ...]
Shapes = dict[str, Shape]


@dataclass
class Drawing:
    """The ONNX graph while it is being written."""

    shapes: Shapes
    dtype: np.dtype
    opset: int
    raises: bool  # whether a layer that needs a newer opset may have it
    taken: set[str]  # names of values, arrays and steps
    first: dict[int, str]  # the node that a layer's arrays go by, by the layer's identity
    nodes: list = field(default_factory=list)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    held: dict[tuple, str] = field(default_factory=dict)  # the name of a layer's array
    kinds: dict[str, np.dtype] = field(default_factory=dict)  # the dtypes of maps that have not the network's
    fixed: bool = False  # whether a layer has no words for another batch

    def free(self, name: str) -> str:
        """Return a name that nothing goes by yet, and take it."""
        found = next(each for number in count(1) if (each := name if number == 1 else f"{name}.{number}") not in self.taken)
        self.taken.add(found)
        return found

    def constant(self, name: str, array: np.ndarray) -> str:
        """Return the name of an initializer that holds this array."""
        name = self.free(name)
        self.arrays[name] = array
        return name


@dataclass
class Here:
    """One node of the network, as its emitter sees it."""

    drawing: Drawing
    node: Node
    steps: list = field(default_factory=list)

    layer = property(lambda self: self.node.layer)
    inputs = property(lambda self: self.node.inputs)
    x = property(lambda self: self.node.inputs[0])
    shape = property(lambda self: self.drawing.shapes[self.x])
    out_shape = property(lambda self: self.drawing.shapes[self.node.name])
    kind = property(lambda self: np.dtype(self.drawing.kinds.get(self.x, self.drawing.dtype)))  # x's dtype

    def __call__(self, operator: str, *inputs: str, results: int = 1, **attributes):
        """Add a step, and return the name of its result (a tuple of names where it has several)."""
        names = tuple(self.drawing.free(f"{self.node.name}/{operator}") for _ in range(results))
        self.steps.append((operator, inputs, names, attributes))
        return names[0] if results == 1 else names

    def array(self, name: str) -> str | None:
        """Return the name of the initializer that holds one of the layer's arrays, None where the layer has none."""
        array = getattr(self.layer, name)
        if array is None:
            return None
        follows = array.dtype.kind == "f" and self.kind.kind == "f"  # whole numbers stay, and floats follow the map
        array = array.astype(self.kind, copy=False) if follows else array
        key = (id(self.layer), name, array.dtype)
        if key not in self.drawing.held:
            self.drawing.held[key] = self.drawing.constant(f"{self.drawing.first[key[0]]}.{name}", array)
        return self.drawing.held[key]

    def constant(self, word: str, values, dtype=None) -> str:
        """Return the name of an initializer with these values, in the map's dtype unless another is named."""
        return self.drawing.constant(f"{self.node.name}/{word}", np.asarray(values, self.kind if dtype is None else dtype))

    def whole(self, word: str, values) -> str:
        """Return the name of an initializer of whole numbers: a shape, axes, pads."""
        return self.constant(word, values, np.int64)

    def reshaped(self, x: str, *sizes: int) -> str:
        """Return x in another shape; 0 keeps the size of that axis, as that of the batch, and -1 takes what is left."""
        return self("Reshape", x, self.whole("shape", sizes))

    def reduced(self, operator: str, x: str, *axes: int, keepdims: int = 1) -> str:
        """Return x reduced over axes, which opset 18 made an input (ReduceSum's were one before)."""
        if self.drawing.opset < 18 and operator != "ReduceSum":
            return self(operator, x, axes=axes, keepdims=keepdims)
        return self(operator, x, self.whole("axes", axes), keepdims=keepdims)

    def needs(self, opset: int, words: str) -> int:
        """Return the opset that is written, at least the one in which ONNX came to know these words."""
        if self.drawing.opset < opset:
            if not self.drawing.raises:
                raise UnsupportedError(
                    f"{type(self.layer).__name__} needs {words}, which ONNX has from opset {opset} on, but opset is "
                    f"{self.drawing.opset}; leave opset out, or pass opset={opset}."
                )
            self.drawing.opset = opset
        return self.drawing.opset

    def close(self, answer) -> None:
        """Write the steps, the last of which take the names of the node and of its results."""
        from onnx import helper

        self.drawing.kinds.setdefault(self.node.name, self.kind)
        results = answer if isinstance(answer, tuple) else (answer,)
        named = dict(zip(results, result_names(self.node), strict=False))
        last = self.steps[-1][2]
        for operator, inputs, names, attributes in self.steps:
            label = self.node.name if names == last else names[0]
            inputs, names = ([named.get(name, name) for name in each] for each in (inputs, names))
            self.drawing.nodes.append(helper.make_node(operator, inputs, names, name=label, **attributes))
