"""Which question: what does a layer answer that multiplies matrices?

MatMul takes two maps, or one and a matrix (or a stack of them) that it holds and learns.  Over the last two axes of a map
(N, C, H, W) an output sees one row of the left operand and one column of the right.
Source: PyTorch's torch.matmul; ONNX's MatMul; Vaswani et al. (2017), section 3.2, for where two maps are multiplied.
Next room: linear.py.
"""

from math import prod

import numpy as np

from minicnn import check
from minicnn.axis import POINT, Whole
from minicnn.errors import ArgumentError
from minicnn.functional.matmul import matmul, matmul_backward, product_shape
from minicnn.layers.arrays import NUMBERS, numbers, positions, written
from minicnn.layers.base import Layer, checked_array


class MatMul(Layer):
    """The matrix product of two maps, or of a map and the matrix `other`: y[…, i, j] = Σ_k x[…, i, k] · other[…, k, j].

    Without `other` it takes two inputs.  With it, it takes one, and other, a parameter, stands on the right, or on the left
    with other_first=True.  Axes before the last two are laid over each other; an array of one axis is a row on the left and a
    column on the right.  float32 or float64, the same out; int64 where both are.

    >>> MatMul()(np.ones((2, 3, 4)), np.ones((4, 5))).shape, MatMul(np.eye(3)[:, :2])(np.array([[1.0, 2.0, 3.0]])).tolist()
    ((2, 3, 5), [[1.0, 2.0]])

    Raises ShapeError, DTypeError, ArgumentError.  Source: PyTorch's torch.matmul; ONNX's MatMul.
    """

    kind, keeps, arrays = "matmul", ("input",), ("other",)

    def __init__(self, other=None, *, other_first: bool = False):
        other_first = check.flag(other_first, "other_first", "MatMul")
        if other is None and other_first:
            raise ArgumentError("MatMul: other_first says where other stands, but there is none; give other, or exchange the inputs.")
        self._set(other=checked_array(other, "other", "MatMul"), other_first=other_first)

    inputs = property(lambda self: 2 if self.other is None else 1)

    def fields(self) -> dict:
        return {"other": self.other, "other_first": self.other_first}

    def _pair(self, inputs: tuple, other) -> tuple:
        """Return what stands on the left and on the right."""
        return inputs if self.other is None else (other, *inputs) if self.other_first else (*inputs, other)

    def forward(self, *inputs, accuracy: str = "fast"):
        if self.other is None and all(isinstance(x, np.ndarray) and x.dtype == np.int64 for x in inputs):
            self.output_shape(*(x.shape for x in inputs))
            return np.asarray(np.matmul(*inputs))
        given = tuple(numbers(x, "MatMul", NUMBERS, name) for x, name in zip(inputs, ("x", "y"), strict=False))
        self.output_shape(*(x.shape for x in given))
        return matmul(*self._pair(given, None if self.other is None else self.weights_for(given[0], "other")))

    def backward(self, grads, passage):
        pair = self._pair(passage.inputs, None if self.other is None else self.weights_for(passage.inputs[0], "other"))
        parts = matmul_backward(grads[0], *pair, needs=self._pair(passage.needs, passage.needs_parameters))
        if self.other is None:
            return parts, {}
        by_x, by_other = reversed(parts) if self.other_first else parts
        return (by_x,), ({"other": by_other} if passage.needs_parameters else {})

    def output_shape(self, *shapes):
        return product_shape(*self._shapes(shapes), "MatMul", self._names())

    def _shapes(self, shapes) -> tuple:
        return self._pair(tuple(map(tuple, shapes)), None if self.other is None else tuple(self.other.shape))

    def _names(self) -> tuple[str, str]:
        return ("x", "y") if self.other is None else ("other", "x") if self.other_first else ("x", "other")

    def axes(self, *shapes):
        result, pair = self.output_shape(*shapes), self._shapes(shapes)
        rules = [(None, None), (None, None)]
        if len(result) == 4:
            rules = [(POINT, Whole("matmul", result[3])), (Whole("matmul", result[2]), POINT)]
        left, right = (positions(shape, result, "matmul", *pair) for shape, pair in zip(pair, rules, strict=True))
        return (left, right) if self.other is None else (right,) if self.other_first else (left,)

    def multiply_adds(self, *shapes) -> int:
        left, _ = self._shapes(shapes)
        return prod(self.output_shape(*shapes)) * left[-1]

    def describe_arguments(self) -> str:
        if self.other is None:
            return ""
        return written(self.other) + (", other_first=True" if self.other_first else "")
