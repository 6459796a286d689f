"""Which question: what does a layer answer that makes one number of many along some axes?

`Reduce` takes the reduction from a table (functional/reduce.py): mean, sum, product, maximum, minimum.  An output sees all rows
where the rows went, and all columns where they did; over both it is global pooling.
Source: ONNX's ReduceMean, ReduceSum, ReduceProd, ReduceMax, ReduceMin; PyTorch's torch.mean, sum, prod, amax, amin.
Next room: matmul.py.
"""

from math import prod

import numpy as np

from minicnn import check
from minicnn.axis import POINT, Whole
from minicnn.errors import ShapeError
from minicnn.functional.reduce import REDUCTIONS
from minicnn.layers.arrays import NUMBERS, axes_among, numbers, positions, whole_numbers
from minicnn.layers.base import Layer


class Reduce(Layer):
    """The "mean", "sum", "prod", "max" or "min" along the axes in `dims`, which stay with length 1, or go with keepdims=False.

    dims None is all axes.  Any shape, float32 or float64, the same out; all but the mean also of int64.
    Where several numbers are the maximum or minimum, the gradient is shared evenly among them, as PyTorch's amax and amin do.

    >>> Reduce("mean", (2, 3), keepdims=False)(np.array([[[[1.0, 2.0], [3.0, 6.0]]]])).tolist()
    [[3.0]]
    >>> Reduce("max", 1)(np.array([[1, 5, 2]])).tolist()
    [[5]]

    Raises ShapeError, DTypeError, ArgumentError.  Source: ONNX's ReduceMean, ReduceSum, ReduceProd, ReduceMax, ReduceMin.
    """

    kind = "reduce"

    def __init__(self, function: str, dims=None, keepdims: bool = True):
        check.one_of(function, "function", "Reduce", tuple(REDUCTIONS))
        dims = None if dims is None else whole_numbers(dims, "dims", "Reduce")
        self._set(function=function, dims=dims, keepdims=check.flag(keepdims, "keepdims", "Reduce"))

    def fields(self) -> dict:
        return {"function": self.function, "dims": self.dims, "keepdims": self.keepdims}

    keeps = property(lambda self: ("input",) if REDUCTIONS[self.function].reads_input else ())

    def _axes(self, shape) -> tuple[int, ...]:
        """Return the axes that go, when there are numbers along them where the reduction needs some."""
        axes = tuple(range(len(shape))) if self.dims is None else axes_among(self.dims, len(shape), "Reduce")
        along, others = (prod(n for axis, n in enumerate(shape) if (axis in axes) == inside) for inside in (True, False))
        if along == 0 and others and not REDUCTIONS[self.function].of_nothing:
            raise ShapeError(
                f"Reduce: there is no {self.function} of no numbers, but x.shape={tuple(shape)} has none along {axes}; give x at least one there."
            )
        return axes

    def forward(self, x, *, accuracy: str = "fast"):
        row = REDUCTIONS[self.function]
        x = numbers(x, f"Reduce({self.function!r})", NUMBERS if row.of_whole_numbers else check.FLOATS)
        axes = self._axes(x.shape)
        if not axes:
            return x.copy()
        if x.size == 0 and not row.of_nothing:
            return np.empty(self.output_shape(x.shape), x.dtype)
        with np.errstate(all="ignore"):
            return np.asarray(row.value(x, axis=axes, keepdims=self.keepdims), x.dtype)

    def backward(self, grads, passage):
        row, shape = REDUCTIONS[self.function], passage.shapes[0]
        axes = self._axes(shape)
        grad = grads[0].reshape([1 if axis in axes else n for axis, n in enumerate(shape)])
        with np.errstate(all="ignore"):
            return (row.back(grad, shape, passage.x if row.reads_input else None, axes),), {}

    def output_shape(self, shape):
        axes = self._axes(shape)
        return tuple(1 if axis in axes else n for axis, n in enumerate(shape) if self.keepdims or axis not in axes)

    def axes(self, shape):
        gone = self._axes(shape)
        rules = (None, None)
        if len(shape) == 4:
            both = {2, 3} <= set(gone)
            why = f"global {self.function}" if both else f"{self.function} over this axis"
            rules = tuple(Whole(why) if axis in gone and shape[axis] > 1 else POINT for axis in (2, 3))
        return (positions(tuple(shape), self.output_shape(shape), self.function, *rules),)

    def describe_arguments(self) -> str:
        dims = "" if self.dims is None else f", {self.dims}"
        return f"{self.function!r}{dims}" + ("" if self.keepdims else ", keepdims=False")
