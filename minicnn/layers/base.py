"""Which question: what is a layer?

An immutable value that answers, for inputs of given shapes:

    output_shape(*shapes)    which shape comes out              from integers alone
    axes(*shapes)            which positions an output sees     one pair of one-axis rules per input
    multiply_adds(*shapes)   what it costs                      from integers alone
    forward(*inputs)         its value
    backward(grads, passage) its gradient               by inputs and by parameters

A gradient needs some of what was there on the way forward: a `Passage` holds it, so the layer itself
remembers nothing.  `forward_saving` is `forward` that also hands out what no map holds: winning
indices, masks, batch statistics, and (in training) the new running statistics.

Its fields are those of its constructor `of`, so `layer.with_(stride=2)` makes another layer, and
pickle and deepcopy rebuild it, arrays locked.  Identity is equality: two layers are one when they
are the same object, which is how a network knows that two nodes share their weights.

A layer built with rng=SHAPE_ONLY knows the shapes of its arrays and holds no numbers: networks can
be described without memory.  A layer built without rng draws from one generator of this package,
which starts from seed 0; pass rng=np.random.default_rng(seed) for weights that do not depend on
what was built before.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np

from minicnn import check
from minicnn.axis import POINT, Axis
from minicnn.errors import ArgumentError, DTypeError, WeightsError

SHAPE_ONLY = "shape-only"

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ShapeOnly:
    """An array that is not there: its shape and dtype."""

    shape: Shape
    dtype: np.dtype

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize


@dataclass(frozen=True, slots=True, eq=False)
class Passage:
    """What one way through a layer left for the way back.

    `inputs` and `outputs` hold None where a map was not kept (a layer's `keeps` says which it needs);
    `saved` is what `forward_saving` handed out, or None after a plain forward, where a layer works it
    out again from its inputs.  `needs` says of each input whether its gradient is asked for.
    """

    inputs: tuple[np.ndarray | None, ...]
    outputs: tuple[np.ndarray | None, ...]
    shapes: tuple[Shape, ...]  # of the inputs
    saved: object = None
    training: bool = False
    needs: tuple[bool, ...] = ()
    needs_parameters: bool = True

    @property
    def x(self) -> np.ndarray:
        """The input of a layer that has one."""
        return self.inputs[0]

    @property
    def y(self) -> np.ndarray:
        """The first output."""
        return self.outputs[0]


Gradients = tuple[tuple[np.ndarray | None, ...], dict[str, np.ndarray]]  # by inputs, and by parameters


class Layer:
    """Base of all layers; see the module's docstring.  Subclasses set the class attributes they differ in."""

    kind = "layer"  # the first part of the name that Sequential gives to a node
    inputs: int | None = 1  # how many inputs it takes; None is one or more
    results: tuple[str, ...] = ("output",)  # names of what it returns; a network refers to others as "node:name"
    is_activation = False
    activation: str | None = None  # what is applied to the output as it is stored: network/fuse.py puts it there
    is_view = False  # whether its output is its input's memory
    passes_gradient_on = False  # whether the gradient of its output is that of its inputs, the same array
    keeps: tuple[str, ...] = ()  # which maps its gradient needs: "input", "output"
    arrays: tuple[str, ...] = ()  # the fields that are learned
    statistics: tuple[str, ...] = ()  # the array fields that are not

    def _set(self, **fields) -> None:
        for name, value in fields.items():
            object.__setattr__(self, name, _locked(value) if isinstance(value, np.ndarray) else value)

    def __setattr__(self, name, value):
        raise AttributeError(f"{type(self).__name__} is immutable; make another with layer.with_({name}=…).")

    def __delattr__(self, name):
        raise AttributeError(f"{type(self).__name__} is immutable; make another with layer.with_({name}=…).")

    @classmethod
    def of(cls, **fields) -> "Layer":
        """Build the layer from its fields; layers with arrays take the arrays themselves."""
        return cls(**fields)

    def fields(self) -> dict:
        """Return what `of` takes, by name."""
        return {}

    def with_(self, **changes) -> "Layer":
        """Return another layer that differs in the given fields."""
        fields = self.fields()
        for name in changes:
            if name not in fields:
                known = ", ".join(fields) or "none"
                raise ArgumentError(f"{type(self).__name__}.with_: there is no field {name!r}; fields: {known}.")
        return type(self).of(**{**fields, **changes})

    def with_arrays(self, arrays: dict) -> "Layer":
        """Return the same layer around other arrays of the same names, shapes and dtypes: what with_ does, with nothing to check.

        So a layer must not derive a field from an array's numbers.
        """
        layer = object.__new__(type(self))
        for name, value in self.__dict__.items():
            object.__setattr__(layer, name, _locked(arrays[name]) if name in arrays else value)
        return layer

    def __reduce__(self):
        return _rebuild, (type(self), self.fields())

    def parameters(self) -> dict:
        """Return the learned arrays by name (ShapeOnly where the layer holds no numbers)."""
        return {name: getattr(self, name) for name in self.arrays if getattr(self, name) is not None}

    def buffers(self) -> dict:
        """Return the arrays that are measured, not learned, by name."""
        return {name: getattr(self, name) for name in self.statistics if getattr(self, name) is not None}

    @property
    def is_shape_only(self) -> bool:
        return any(isinstance(array, ShapeOnly) for array in {**self.parameters(), **self.buffers()}.values())

    def __call__(self, *inputs, accuracy: str = "fast"):
        """Return the layer's value for its inputs; see `forward`."""
        self._count(inputs)
        return self.forward(*inputs, accuracy=accuracy)

    def _count(self, inputs) -> None:
        if len(inputs) != self.inputs and (self.inputs is not None or not inputs):
            wants = "at least one input" if self.inputs is None else f"{self.inputs} input{'s' * (self.inputs != 1)}"
            raise ArgumentError(f"{type(self).__name__} takes {wants}, but received {len(inputs)}.")

    def forward(self, *inputs, accuracy: str):
        raise NotImplementedError  # pragma: no cover  (every layer has its own; tests/layers checks)

    def forward_saving(self, *inputs, accuracy: str, training: bool, rng) -> tuple[object, object, dict[str, np.ndarray]]:
        """Return (value, saved, updates): forward, what the gradient needs beside maps, and new statistics by name."""
        return self.forward(*inputs, accuracy=accuracy), None, {}

    def backward(self, grads: tuple, passage: Passage) -> Gradients:
        """Return the gradients by the inputs (None where not needed) and by the parameters, by name.

        `grads` holds one gradient per result; None for one that nothing was asked of.
        """
        raise NotImplementedError  # pragma: no cover  (every layer has its own; tests/layers checks)

    def bound(self, *inputs: np.ndarray, accuracy: str) -> Callable | None:
        """Return fill(*inputs, output) that computes forward for float32 inputs of these very shapes and memory formats, or None.

        It takes and fills flat arrays, in the order in which maps lie in memory, and has nothing left to check: network/repeat.py
        calls it when a network is given inputs of a shape that it has seen.  None where forward is all that there is.
        """
        return None

    def output_shape(self, *shapes: Shape):
        """Return the shape that comes out (a tuple of shapes where there are several results)."""
        return shapes[0]

    def axes(self, *shapes: Shape) -> tuple[tuple[Axis, Axis], ...]:
        """Return, for each input, the rule for rows and the rule for columns."""
        return ((POINT, POINT),) * len(shapes)

    def multiply_adds(self, *shapes: Shape) -> int:
        return 0

    def saved_bytes(self, *shapes: Shape, itemsize: int = 4) -> int:
        """Return the bytes that a gradient needs beside the maps in `keeps`: winning indices, batch statistics."""
        return 0

    def workspace_bytes(self, *shapes: Shape, itemsize: int = 4, back: bool = False) -> int:
        """Return the bytes that forward (or backward) holds beside inputs, outputs and gradients while it runs."""
        return 0

    def prepared_bytes(self, *shapes: Shape, itemsize: int = 4) -> int:
        """Return the bytes that the layer's first call leaves behind for the next ones, beside the layer's own arrays."""
        return 0

    def weights_for(self, x: np.ndarray, name: str, *, widen: bool = True) -> np.ndarray | None:
        """Return an array of this layer in x's dtype: float32 weights follow a float64 x, never the other way.

        With widen=False float32 stays, for a caller that widens once and keeps the result.
        """
        array = getattr(self, name)
        if isinstance(array, ShapeOnly):
            raise WeightsError(
                f"{self!r} is shape-only: it knows that its {name} is {array.shape} but holds no numbers. "
                "Build the model with weights=… or rng=np.random.default_rng(0); describe(net, input_shape) needs neither."
            )
        if array is None or not isinstance(x, np.ndarray) or array.dtype == x.dtype or x.dtype not in check.FLOATS:
            return array
        if array.dtype == np.float32:
            return array.astype(np.float64) if widen else array
        raise DTypeError(
            f"{self!r}: {name} is float64 and x is float32, so the result would lose digits. "
            f"Convert one: x.astype(np.float64), or layer.with_({name}=layer.{name}.astype(np.float32))."
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.describe_arguments()})"

    def describe_arguments(self) -> str:
        """Return the constructor's arguments as a person would write them, defaults left out."""
        return ""


def _locked(array: np.ndarray) -> np.ndarray:
    copy = np.array(array, order="C", copy=True, subok=False)
    copy.flags.writeable = False
    return copy.view()  # a view of locked memory cannot be unlocked


def _rebuild(cls, fields):
    return cls.of(**fields)


@functools.cache
def package_generator() -> "np.random.Generator":
    """Return the generator that layers made without rng draw from, in the order in which they are made; it starts from seed 0."""
    return np.random.default_rng(0)  # numpy.random takes 10 ms to import: not before it is needed


def generator(rng, what: str) -> "np.random.Generator | str":
    """Return where a layer's first numbers come from: a Generator, or SHAPE_ONLY."""
    if rng is None:
        return package_generator()
    if isinstance(rng, np.random.Generator) or (isinstance(rng, str) and rng == SHAPE_ONLY):
        return rng
    raise ArgumentError(f"{what}: rng must be a NumPy generator, such as np.random.default_rng(0), or nn.SHAPE_ONLY, but it is {rng!r}.")


def drawn(shape: Shape, bound: float, rng, dtype) -> np.ndarray | ShapeOnly:
    """Return numbers drawn evenly from -bound … bound, or their shape alone."""
    if isinstance(rng, str):
        return ShapeOnly(tuple(shape), np.dtype(dtype))
    return ((rng.random(shape, dtype=dtype) * 2 - 1) * bound).astype(dtype)


def constant(shape: Shape, value: float, rng, dtype) -> np.ndarray | ShapeOnly:
    """Return an array of one value, or its shape alone."""
    if isinstance(rng, str):
        return ShapeOnly(tuple(shape), np.dtype(dtype))
    return np.full(shape, value, dtype)


def float_dtype(dtype, what: str) -> np.dtype:
    """Return float32 or float64."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = None
    if found is None or dtype is None or found not in check.FLOATS:  # np.dtype(None) is float64
        raise DTypeError(f"{what}: dtype must be np.float32 or np.float64, but it is {dtype!r}.")
    return found


def checked_array(value, name: str, what: str) -> np.ndarray | ShapeOnly | None:
    """Return an array given to `of`, or its stand-in, or None."""
    return value if value is None or isinstance(value, ShapeOnly) else check.float_array(value, name, what)


def spelled(**arguments) -> str:
    """Return 'name=value' for each argument that is not None."""
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items() if value is not None)


def short(value):
    """Return one number for a pair of equal ones, so that a repr reads as it was written.

    >>> short((3, 3)), short((3, 5)), short(((1, 1), (1, 1))), short(((0, 1), (2, 2)))
    (3, (3, 5), 1, ((0, 1), (2, 2)))
    """
    if isinstance(value, tuple) and all(isinstance(side, tuple) for side in value):
        if any(before != after for before, after in value):
            return value
        value = tuple(before for before, _ in value)
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value


def batched(shape: Shape, what: str) -> Shape:
    """Return a map's shape as (N, C, H, W), or raise with what the layer takes."""
    if len(shape) == 3:
        return (1, *shape)
    if len(shape) != 4:
        check.image_batch(np.empty(shape, np.float32) if prod(shape) < 2**16 else np.empty((1,) * len(shape), np.float32), what)
    return tuple(shape)


def like(shape: Shape, result: Shape) -> Shape:
    """Return a batched result without its batch axis where the input came without one."""
    return result[1:] if len(shape) == 3 else result
