"""Which question: what do the layers answer that take some positions of an array and leave others?

Slice takes every step-th position of a range, Take those that a list names; on the way back an input collects from its copies, and
what was left out gets 0.  Taking is NumPy's own work, and the way back is functional/pick.py's.  Where rows or columns of a
map are picked, the rule of that axis names the one input that each output sees.
Source: ONNX's Slice and Gather; NumPy's indexing; PyTorch's index_select.  Next room: padding.py, for borders.
"""

from math import prod

import numpy as np

from minicnn import check
from minicnn.axis import POINT, Pick, Whole
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.functional.arguments import axis as one_axis
from minicnn.functional.pick import given_back
from minicnn.layers.arrays import WHOLE_NUMBERS, axes_among, constant_of, numbers, positions, whole_numbers, written
from minicnn.layers.base import Layer, ShapeOnly

WRITTEN_OUT = 64  # so many indices stand in a repr as they are


class Slice(Layer):
    """Every step-th position from start up to end, end left out, of each axis in `dims`: x[start:end:step].

    Negative places count from the end and places outside are moved to it, as in NumPy; with a step below 0 the way is backwards,
    and an end below -length goes past the first position.  dims None is the first axes in order, steps None is 1.
    Any array of float32, float64, int64 or bool; the result is a view.

    >>> Slice((1,), (4,), (1,))(np.array([[0, 1, 2, 3, 4]])).tolist(), Slice((-1,), (-9,), (1,), (-2,))(np.array([[0, 1, 2, 3, 4]])).tolist()
    ([[1, 2, 3]], [[4, 2, 0]])

    Raises ShapeError, DTypeError, ArgumentError.  Source: ONNX's Slice, version 10 and later.
    """

    kind, is_view = "slice", True

    def __init__(self, starts, ends, dims=None, steps=None):
        starts, ends = whole_numbers(starts, "starts", "Slice"), whole_numbers(ends, "ends", "Slice")
        dims = tuple(range(len(starts))) if dims is None else whole_numbers(dims, "dims", "Slice")
        steps = (1,) * len(starts) if steps is None else whole_numbers(steps, "steps", "Slice")
        if not len(starts) == len(ends) == len(dims) == len(steps):
            raise ArgumentError(
                f"Slice: starts, ends, dims and steps hold one number per axis, but they hold {len(starts)}, {len(ends)}, {len(dims)} "
                f"and {len(steps)}; give each as many."
            )
        if 0 in steps:
            raise ArgumentError(f"Slice: a step of 0 goes nowhere, but steps is {steps}; 1 takes every position.")
        self._set(starts=starts, ends=ends, dims=dims, steps=steps)

    def fields(self) -> dict:
        return {"starts": self.starts, "ends": self.ends, "dims": self.dims, "steps": self.steps}

    def _ranges(self, shape) -> dict[int, range]:
        """Return which positions are taken, by axis."""
        axes = axes_among(self.dims, len(shape), "Slice")
        parts = zip(axes, self.starts, self.ends, self.steps, strict=True)
        return {axis: range(*slice(start, end, step).indices(shape[axis])) for axis, start, end, step in parts}

    def _slices(self, shape) -> tuple[slice, ...]:
        ranges = self._ranges(shape)
        return tuple(_as_slice(ranges[axis]) if axis in ranges else slice(None) for axis in range(len(shape)))

    def forward(self, x, *, accuracy: str = "fast"):
        x = numbers(x, "Slice")
        return x[self._slices(x.shape)]

    def backward(self, grads, passage):
        shape = passage.shapes[0]
        grad = np.zeros(shape, grads[0].dtype)
        grad[self._slices(shape)] = grads[0]
        return (grad,), {}

    def output_shape(self, shape):
        ranges = self._ranges(shape)
        return tuple(len(ranges[axis]) if axis in ranges else n for axis, n in enumerate(shape))

    def axes(self, shape):
        ranges, rules = self._ranges(shape), [POINT, POINT]
        for axis, taken in ranges.items():
            if len(shape) == 4 and axis >= 2 and taken != range(shape[axis]):
                rules[axis - 2] = Pick(tuple(taken))
        return (tuple(rules),)

    def workspace_bytes(self, *shapes, itemsize: int = 4, back: bool = False) -> int:
        return prod(shapes[0]) * itemsize if back else 0  # what comes back is no view

    def describe_arguments(self) -> str:
        rest = f", {self.dims}" + ("" if set(self.steps) <= {1} else f", {self.steps}")
        return f"{self.starts}, {self.ends}{rest}"


def _as_slice(taken: range) -> slice:
    """Return the slice that takes the same positions; to a slice a place below 0 would count from the end."""
    return slice(0, 0) if len(taken) == 0 else slice(taken.start, None if taken.stop < 0 else taken.stop, taken.step)


class Take(Layer):
    """The positions of one axis that `indices` names, in its order; several times, if it names one so often.

    indices: whole numbers, negative ones counted from the end; their axes take the place of the axis `dim`, so that one number
    takes that axis away and a list keeps it.  Any array of float32, float64, int64 or bool.

    >>> Take([2, 0], dim=1)(np.array([[10, 11, 12]])).tolist(), Take(-1, dim=1)(np.array([[10, 11, 12]])).tolist()
    ([[12, 10]], [12])

    Raises ShapeError, DTypeError, ArgumentError.  Source: ONNX's Gather; NumPy's take; PyTorch's index_select.
    """

    kind = "take"

    def __init__(self, indices, dim: int = 0):
        self._set(indices=_index_array(indices), dim=check.integer(dim, "dim", "Take", -32))

    def fields(self) -> dict:
        return {"indices": self.indices, "dim": self.dim}

    def _sources(self, shape) -> tuple[int, np.ndarray]:
        """Return the axis, and the positions that are taken, none of them negative."""
        axis = one_axis(self.dim, tuple(shape), "Take")
        n, indices = shape[axis], constant_of(self, "indices")
        outside = (indices < -n) | (indices >= n)
        if outside.any():
            raise ShapeError(
                f"Take: axis {axis} of x.shape={tuple(shape)} has the positions {-n} … {n - 1}, but indices names "
                f"{indices[outside].flat[0]}; take others."
            )
        return axis, np.where(indices < 0, indices + n, indices)

    def forward(self, x, *, accuracy: str = "fast"):
        x = numbers(x, "Take")
        axis, sources = self._sources(x.shape)
        return np.asarray(x.take(sources, axis=axis))

    def backward(self, grads, passage):
        shape = passage.shapes[0]
        axis, sources = self._sources(shape)
        flat = grads[0].reshape(*shape[:axis], sources.size, *shape[axis + 1 :])
        return (given_back(flat, sources.reshape(-1), shape[axis], axis),), {}

    def output_shape(self, shape):
        axis = one_axis(self.dim, tuple(shape), "Take") if isinstance(self.indices, ShapeOnly) else self._sources(shape)[0]
        return (*shape[:axis], *self.indices.shape, *shape[axis + 1 :])

    def axes(self, shape):
        result, axis = self.output_shape(shape), self.dim % len(shape)
        if len(shape) != 4 or len(self.indices.shape) > 1 or axis < 2:
            kept = (POINT, POINT) if len(self.indices.shape) == 1 else (None, None)
            return (positions(tuple(shape), result, "take", *kept),)
        picked = Whole("take", result[axis] if len(result) == 4 else 1)
        if not isinstance(self.indices, ShapeOnly):
            picked = Pick(tuple(self._sources(shape)[1].reshape(-1).tolist()))
        beside = POINT if len(result) == 4 else Whole("take")  # one number takes the axis away: what is left is one position
        return ((picked, beside) if axis == 2 else (beside, picked),)

    def describe_arguments(self) -> str:
        short = isinstance(self.indices, np.ndarray) and self.indices.size <= WRITTEN_OUT
        return f"{self.indices.tolist() if short else written(self.indices)}, dim={self.dim}"


def _index_array(indices) -> np.ndarray | ShapeOnly:
    """Return indices as int64, or their shape alone."""
    if isinstance(indices, ShapeOnly):
        return ShapeOnly(tuple(indices.shape), WHOLE_NUMBERS)
    try:
        array = np.asarray(indices)
    except ValueError:
        raise ArgumentError("Take: indices are whole numbers in lists of equal lengths, but the lengths of these differ.") from None
    if array.dtype.kind not in "iu" and array.size:
        raise DTypeError(f"Take: indices are whole numbers, but their dtype is {array.dtype}; use .astype(np.int64).")
    return array.astype(WHOLE_NUMBERS)
