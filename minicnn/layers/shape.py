"""Which question: what do the layers answer that change an array's axes and none of its numbers?

Reshape counts the same numbers off into other axes, Squeeze and Unsqueeze drop and add axes of length 1, Permute exchanges
axes.  They move nothing in memory where its order allows, so what comes out is a view, and what comes back goes the same way in
reverse.  This is NumPy's own work, in the logical order (N, C, H, W) whatever lies in memory, so no function of ours stands behind.
Rows and columns stay positions where they stay the last two of four axes; a map of another number of axes is one position.
Source: ONNX's Reshape, Squeeze, Unsqueeze, Transpose; PyTorch's torch.reshape, squeeze, unsqueeze, permute.  Next room: pick.py.
"""

from math import prod

import numpy as np

from minicnn import check
from minicnn.axis import POINT, Whole
from minicnn.errors import ArgumentError, ShapeError
from minicnn.layers.arrays import axes_among, numbers, positions, whole_numbers
from minicnn.layers.base import Layer


class _Renamed(Layer):
    """What the three share that keep the order of the numbers: the result is x in another shape."""

    is_view = True

    def forward(self, x, *, accuracy: str = "fast"):
        x = numbers(x, type(self).__name__)
        return x.reshape(self.output_shape(x.shape))

    def backward(self, grads, passage):
        return (grads[0].reshape(passage.shapes[0]),), {}

    def axes(self, shape):
        shape, result = tuple(shape), self.output_shape(shape)
        kept = (
            [POINT if n == out else None for n, out in zip(shape[2:], result[2:], strict=False)] if len(shape) == len(result) == 4 else []
        )
        last = kept[-1:] == [POINT]  # columns stay where the last axis does; rows only where both do
        rows, columns = (kept[0] if last else None, kept[1] if last else None) if kept else (None, None)
        return (positions(shape, result, self.kind, rows, columns),)


class Reshape(_Renamed):
    """The same numbers, in order, counted off into other axes; one length may be -1, "as many as are left".

    A length of 0 means that of x's axis at this place, as in ONNX; with allowzero=True it means an axis without numbers.
    Any array of float32, float64, int64 or bool.

    >>> Reshape((0, -1))(np.ones((2, 3, 4, 5))).shape, Reshape((3, 2))(np.arange(6).reshape(2, 3)).tolist()
    ((2, 60), [[0, 1], [2, 3], [4, 5]])

    Raises ShapeError, DTypeError, ArgumentError.  Source: ONNX's Reshape; PyTorch's torch.reshape, whose 0 is a length.
    """

    kind = "reshape"

    def __init__(self, shape, *, allowzero: bool = False):
        shape = whole_numbers(shape, "shape", "Reshape", -1)
        allowzero = check.flag(allowzero, "allowzero", "Reshape")
        if shape.count(-1) > 1:
            raise ArgumentError(
                f"Reshape: one length may be -1, which is worked out from the others, but shape is {shape}; give the others."
            )
        if allowzero and -1 in shape and 0 in shape:
            raise ArgumentError(f"Reshape: beside an axis of length 0 nothing tells what -1 is, but shape is {shape}; give that length.")
        self._set(shape=shape, allowzero=allowzero)

    def fields(self) -> dict:
        return {"shape": self.shape, "allowzero": self.allowzero}

    def output_shape(self, shape):
        copied = [] if self.allowzero else [axis for axis, length in enumerate(self.shape) if length == 0]
        for axis in copied:
            if axis >= len(shape):
                raise ShapeError(
                    f"Reshape: 0 means the length of x's axis at this place, axis {axis}, but x.shape={tuple(shape)} has "
                    f"{len(shape)} axes; give the length."
                )
        wanted = [shape[axis] if axis in copied else length for axis, length in enumerate(self.shape)]
        # what is copied stands on both sides and cancels, so that -1 is known for an empty batch too
        left = prod(n for axis, n in enumerate(shape) if axis not in copied)
        given = prod(length for axis, length in enumerate(self.shape) if axis not in copied and length != -1)
        if -1 in self.shape and given and left % given == 0:
            wanted[self.shape.index(-1)] = left // given
        elif -1 in self.shape or prod(wanted) != prod(shape):
            raise ShapeError(
                f"Reshape: the numbers stay the same, but x.shape={tuple(shape)} holds {' · '.join(map(str, shape)) or '1'} = {prod(shape)} "
                f"and shape={self.shape} " + (f"a multiple of {given * prod(shape[axis] for axis in copied)}" if -1 in self.shape else f"{prod(wanted)}")
                + "; let one length be -1."
            )  # fmt: skip
        return tuple(wanted)

    def describe_arguments(self) -> str:
        return f"{self.shape}" + (", allowzero=True" if self.allowzero else "")


class Squeeze(_Renamed):
    """The same numbers without the axes that `dims` names, which must have length 1; None is all that do.

    >>> Squeeze((2, 3))(np.ones((2, 5, 1, 1))).shape, Squeeze()(np.ones((1, 3, 1))).shape
    ((2, 5), (3,))

    Raises ShapeError, DTypeError, ArgumentError.  Source: ONNX's Squeeze; PyTorch's torch.squeeze, which passes over longer axes.
    """

    kind = "squeeze"

    def __init__(self, dims=None):
        self._set(dims=None if dims is None else whole_numbers(dims, "dims", "Squeeze"))

    def fields(self) -> dict:
        return {"dims": self.dims}

    def output_shape(self, shape):
        if self.dims is None:
            return tuple(n for n in shape if n != 1)
        dropped = axes_among(self.dims, len(shape), "Squeeze")
        for axis in dropped:
            if shape[axis] != 1:
                raise ShapeError(
                    f"Squeeze: only an axis of length 1 can go, but axis {axis} of x.shape={tuple(shape)} has {shape[axis]}; "
                    "leave it out of dims, or take one position of it with nn.Take."
                )
        return tuple(n for axis, n in enumerate(shape) if axis not in dropped)

    def describe_arguments(self) -> str:
        return "" if self.dims is None else f"{self.dims}"


class Unsqueeze(_Renamed):
    """The same numbers with new axes of length 1, where `dims` says that they stand in the result.

    >>> Unsqueeze((0, -1))(np.ones((3, 4))).shape
    (1, 3, 4, 1)

    Raises DTypeError, ArgumentError.  Source: ONNX's Unsqueeze; PyTorch's torch.unsqueeze, which adds one.
    """

    kind = "unsqueeze"

    def __init__(self, dims):
        self._set(dims=whole_numbers(dims, "dims", "Unsqueeze"))

    def fields(self) -> dict:
        return {"dims": self.dims}

    def output_shape(self, shape):
        new = axes_among(self.dims, len(shape) + len(self.dims), "Unsqueeze", "the result")
        kept = iter(shape)
        return tuple(1 if axis in new else next(kept) for axis in range(len(shape) + len(self.dims)))

    def describe_arguments(self) -> str:
        return f"{self.dims}"


class Permute(Layer):
    """The axes in another order: axis k of the result is axis dims[k] of x; None reverses them.

    >>> Permute((0, 2, 3, 1))(np.ones((2, 3, 4, 5))).shape            # N C H W to N H W C
    (2, 4, 5, 3)

    Raises ShapeError, DTypeError, ArgumentError.  Source: PyTorch's torch.permute; ONNX's Transpose.
    """

    kind, is_view = "permute", True

    def __init__(self, dims=None):
        self._set(dims=None if dims is None else whole_numbers(dims, "dims", "Permute"))

    def fields(self) -> dict:
        return {"dims": self.dims}

    def _order(self, shape) -> tuple[int, ...]:
        if self.dims is None:
            return tuple(reversed(range(len(shape))))
        if len(self.dims) != len(shape):
            raise ShapeError(
                f"Permute: dims names every axis of x once, but dims={self.dims} names {len(self.dims)} and x.shape={tuple(shape)} has {len(shape)}."
            )
        return axes_among(self.dims, len(shape), "Permute")

    def forward(self, x, *, accuracy: str = "fast"):
        x = numbers(x, "Permute")
        return x.transpose(self._order(x.shape))

    def backward(self, grads, passage):
        return (grads[0].transpose(np.argsort(self._order(passage.shapes[0]))),), {}

    def output_shape(self, shape):
        return tuple(shape[axis] for axis in self._order(shape))

    def axes(self, shape):
        order, result = self._order(shape), self.output_shape(shape)
        rules = [POINT if order[axis] == axis else Whole("permute", result[axis]) for axis in (2, 3)] if len(shape) == 4 else [None, None]
        return (positions(tuple(shape), result, "permute", *rules),)

    def describe_arguments(self) -> str:
        return "" if self.dims is None else f"{self.dims}"
