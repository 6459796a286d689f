"""Which question: how do two arrays meet, number by number?

`Arithmetic` is one of seven operations of a table (functional/arithmetic.py), of two maps or of a map and a constant that the
layer holds; broadcasting lays the smaller over the larger.  The constant is a buffer: it is neither learned nor measured.
A row or column of length 1 is seen from every position, as in squeeze-and-excitation, where one number per channel is
multiplied with a map.
Source: ONNX's Add, Sub, Mul, Div, Pow, Max, Min; PyTorch's torch.add, torch.sub, …  Next room: elementwise.py.
"""

import numbers as python_numbers

import numpy as np

from minicnn import check
from minicnn import functional as F
from minicnn.errors import ArgumentError, DTypeError
from minicnn.functional.arithmetic import OPERATIONS
from minicnn.functional.broadcast import broadcast_shape, summed_to
from minicnn.layers.arrays import NUMBERS, held, in_dtype_of, numbers, positions_laid_over, written
from minicnn.layers.base import Layer, ShapeOnly


class Arithmetic(Layer):
    """x + y, x - y, x·y, x/y, x^y, or the larger or smaller of the two: "add", "sub", "mul", "div", "pow", "max", "min".

    Without `other` it takes two inputs.  With it, it takes one, and other is y, or x with other_first=True: an array (float32
    follows a float64 input, never the other way), or a Python number, which follows every input.
    Both are float32, both float64 or both int64; only an exponent may differ, and the power keeps the dtype of its base.
    At a tie of max and min either side gets half of the gradient, and 0 to the power of y ≥ 0 gives none to y, as in PyTorch.

    >>> Arithmetic("mul", np.array([[10.0], [100.0]]))(np.array([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [[10.0, 20.0], [300.0, 400.0]]
    >>> Arithmetic("div", 1, other_first=True)(np.array([2.0, 4.0])).tolist(), Arithmetic("div")(np.array([-7]), np.array([2])).tolist()
    ([0.5, 0.25], [-3])

    Raises ShapeError, DTypeError, ArgumentError.  Source: ONNX's Add, Sub, Mul, Div, Pow, Max, Min, version 14 and later.
    """

    kind = "arithmetic"

    def __init__(self, operation: str, other=None, *, other_first: bool = False):
        check.one_of(operation, "operation", "Arithmetic", tuple(OPERATIONS))
        other_first = check.flag(other_first, "other_first", "Arithmetic")
        if other is None and other_first:
            raise ArgumentError("Arithmetic: other_first says where other stands, but there is none; give other, or exchange the inputs.")
        if isinstance(other, python_numbers.Real) and not isinstance(other, bool | np.bool_ | np.generic):
            other = other if isinstance(other, int) else float(other)
        elif other is not None:
            other = held(other, "other", "Arithmetic", NUMBERS)
        self._set(operation=operation, other=other, other_first=other_first)

    inputs = property(lambda self: 2 if self.other is None else 1)
    statistics = property(lambda self: ("other",) if isinstance(self.other, np.ndarray | ShapeOnly) else ())

    def fields(self) -> dict:
        return {"operation": self.operation, "other": self.other, "other_first": self.other_first}

    @property
    def keeps(self) -> tuple[str, ...]:
        """The inputs, unless the derivatives that are asked for read nothing but the constant."""
        row, held_one = OPERATIONS[self.operation], "" if self.other is None else "x" if self.other_first else "y"
        reads = (row.by_x_reads if held_one != "x" else "") + (row.by_y_reads if held_one != "y" else "")
        return ("input",) if reads.replace(held_one, "") else ()

    def forward(self, *inputs, accuracy: str = "fast"):
        x, y = self._meeting(inputs)
        broadcast_shape(x.shape, y.shape, "Arithmetic", self._names())
        if self.operation == "add" and x.shape == y.shape and x.dtype.kind == "f":
            return F.add(x, y)  # whose kernel uses all cores
        with np.errstate(all="ignore"):
            return np.asarray(OPERATIONS[self.operation].value(x, y))

    def backward(self, grads, passage):
        (grad,), row = grads, OPERATIONS[self.operation]
        inputs = self._sides(passage.inputs, grad)
        shapes = self._sides(passage.shapes, None)
        needs = self._sides(passage.needs, None)
        parts = []
        with np.errstate(all="ignore"):
            for derivative, shape, needed, operand in zip((row.by_x, row.by_y), shapes, needs, inputs, strict=True):
                if shape is None or not needed or (operand is not None and operand.dtype.kind != "f"):
                    parts.append(None)
                else:
                    part = summed_to(shape, derivative(grad, *inputs))
                    parts.append(part if operand is None else part.astype(operand.dtype, copy=False))
        return tuple(part for part, shape in zip(parts, shapes, strict=True) if shape is not None), {}

    def _sides(self, inputs: tuple, like: np.ndarray | None) -> tuple:
        """Return what belongs to x and to y; in the constant's place it, in the dtype of `like`, or None where that is None."""
        if self.other is None:
            return tuple(inputs)
        constant = None if like is None else self._constant(like)
        return (constant, *inputs) if self.other_first else (*inputs, constant)

    def _constant(self, x: np.ndarray) -> np.ndarray:
        if isinstance(self.other, np.ndarray) and self.operation == "pow" and not self.other_first:
            return self.other  # an exponent follows its base
        if isinstance(self.other, np.ndarray | ShapeOnly):
            return in_dtype_of(x, self, "other")
        whole = isinstance(self.other, int)
        return np.asarray(self.other, x.dtype if whole or x.dtype.kind == "f" else np.float64)

    def _meeting(self, inputs) -> tuple[np.ndarray, np.ndarray]:
        """Return both operands, when their dtypes meet."""
        given = [numbers(x, "Arithmetic", NUMBERS, name) for x, name in zip(inputs, ("x", "y"), strict=False)]
        x, y = self._sides(tuple(given), given[0])
        if x.dtype != y.dtype and self.operation != "pow":
            first, second = self._names()
            raise DTypeError(
                f"Arithmetic: both must have one dtype, but {first} is {x.dtype} and {second} is {y.dtype}; convert one, such as "
                f"{second}.astype(np.{x.dtype})."
            )
        return x, y

    def _names(self) -> tuple[str, str]:
        return ("x", "y") if self.other is None else ("other", "x") if self.other_first else ("x", "other")

    def _constant_shape(self) -> tuple[int, ...]:
        return tuple(self.other.shape) if isinstance(self.other, np.ndarray | ShapeOnly) else ()

    def output_shape(self, *shapes):
        if self.other is None:
            return broadcast_shape(*shapes, "Arithmetic")
        pair = (self._constant_shape(), shapes[0]) if self.other_first else (shapes[0], self._constant_shape())
        return broadcast_shape(*pair, "Arithmetic", self._names())

    def axes(self, *shapes):
        result = self.output_shape(*shapes)
        return tuple(positions_laid_over(shape, result, self.operation) for shape in shapes)

    def describe_arguments(self) -> str:
        if self.other is None:
            return f"{self.operation!r}"
        other = written(self.other) if isinstance(self.other, np.ndarray | ShapeOnly) else f"{self.other!r}"
        return f"{self.operation!r}, {other}" + (", other_first=True" if self.other_first else "")
