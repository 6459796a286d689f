"""Which question: what does a layer answer whose output is the same for every input, and one that only changes the dtype?

Constant hands out an array that it holds and looks at nothing: no pixel is in its field, and its gradient is 0.  Cast rounds
to another dtype; between floats the gradient goes through, and behind whole numbers, which move in steps, there is none.
Source: ONNX's Constant and Cast; PyTorch's Tensor.to.  Next room: reduce.py.
"""

import numpy as np

from minicnn import check
from minicnn.axis import POINT, Nothing
from minicnn.errors import DTypeError
from minicnn.layers.arrays import ANY, constant_of, held, numbers, written
from minicnn.layers.base import Layer


class Constant(Layer):
    """An array that is the same whatever comes in, of any shape: float32, float64, int64 or bool; it is a buffer, "value".

    float32 follows a float64 input, so that a network may be run in either.

    >>> Constant(np.array([1.0, 2.0]))(np.ones((1, 3, 4, 5))).tolist()
    [1.0, 2.0]

    Raises DTypeError; WeightsError where it was built from a shape.  Source: ONNX's Constant.
    """

    kind, statistics = "constant", ("value",)

    def __init__(self, value):
        if isinstance(value, bool | int | float):
            value = np.asarray(value)
        self._set(value=held(value, "value", "Constant"))

    def fields(self) -> dict:
        return {"value": self.value}

    def forward(self, x, *, accuracy: str = "fast"):
        x, value = numbers(x, "Constant"), constant_of(self, "value")
        return value.astype(np.float64) if (x.dtype, value.dtype) == (np.float64, np.float32) else value

    def backward(self, grads, passage):
        like = next((grad.dtype for grad in grads if grad is not None and grad.dtype.kind == "f"), np.dtype(np.float32))
        return (np.zeros(passage.shapes[0], like),), {}

    def output_shape(self, shape):
        return tuple(self.value.shape)

    def axes(self, shape):
        rows, columns = self.value.shape[2:] if len(self.value.shape) == 4 else (1, 1)
        return ((Nothing(rows), Nothing(columns)),)

    def describe_arguments(self) -> str:
        return written(self.value)


class Cast(Layer):
    """The same numbers as float32, float64, int64 or bool; towards int64 they are cut off towards 0, and all but 0 are True.

    >>> Cast("int64")(np.array([1.9, -1.9])).tolist(), Cast("float32")(np.array([True, False])).tolist()
    ([1, -1], [1.0, 0.0])

    Raises DTypeError.  Source: ONNX's Cast; PyTorch's Tensor.to.
    """

    kind = "cast"

    def __init__(self, dtype):
        try:
            found = None if dtype is None else np.dtype(dtype)
        except TypeError:
            found = None
        if found is None or found not in ANY:  # None would pass for float64
            raise DTypeError(
                f"Cast: dtype must be {', '.join(map(str, ANY[:-1]))} or {ANY[-1]}, but it is {dtype!r}; float32 holds what maps hold."
            )
        self._set(dtype=found)

    def fields(self) -> dict:
        return {"dtype": self.dtype}

    def forward(self, x, *, accuracy: str = "fast"):
        if not isinstance(x, np.ndarray) or x.dtype.kind not in "fiub":
            check.float_array(x, "x", "Cast")
        with np.errstate(all="ignore"):
            return np.asarray(x).astype(self.dtype)

    def forward_saving(self, x, *, accuracy: str, training: bool, rng):
        return self.forward(x), x.dtype, {}

    def backward(self, grads, passage):
        dtype = passage.saved if passage.saved is not None else passage.x.dtype
        if dtype.kind != "f":
            return (None,), {}
        grad = grads[0]
        passes = grad is not None and self.dtype.kind == "f"
        return (grad.astype(dtype) if passes else np.zeros(passage.shapes[0], dtype),), {}

    def axes(self, shape):
        return ((POINT, POINT),)

    def describe_arguments(self) -> str:
        return f"{self.dtype.name!r}"
