"""Which question: what do the padding layers answer?

Each adds a border: zeros, a mirror image, copies of the edge, or the opposite side; on the way back every
input collects from its copies.  Around rows and columns: one class body, four names.  Pad does it on any axes of any array, with
NumPy's pad, and takes strips away too.
Source: PyTorch's ZeroPad2d, ReflectionPad2d, ReplicationPad2d, CircularPad2d; ONNX's Pad.
"""

import numpy as np

from minicnn import check
from minicnn import functional as F
from minicnn.axis import POINT, Pick, Slide
from minicnn.errors import ArgumentError, ShapeError
from minicnn.functional.arguments import real
from minicnn.functional.pick import given_back
from minicnn.layers.arrays import numbers
from minicnn.layers.base import Layer, batched, like
from minicnn.window import Window, from_torch_pad

MODES = ("constant", "reflect", "edge", "wrap")  # ONNX's words


class _Pad2d(Layer):
    kind = "pad"
    mode, padding_mode = "constant", "zeros"  # F.pad's word and Window's word

    def __init__(self, padding):
        what = type(self).__name__
        four = (padding,) * 4 if not isinstance(padding, list | tuple) else tuple(padding)
        if len(four) != 4:
            raise ArgumentError(f"{what}: padding is one number or (left, right, top, bottom), but it is {padding!r}.")
        self._set(padding=tuple(check.integer(side, "padding", what, 0) for side in four))

    def fields(self) -> dict:
        return {"padding": self.padding}

    @property
    def window(self) -> Window:
        return Window.of(1, padding=from_torch_pad(*self.padding), padding_mode=self.padding_mode, what=type(self).__name__)

    def forward(self, x, *, accuracy: str = "fast"):
        return F.pad(x, self.padding, mode=self.mode)

    def backward(self, grads, passage):
        return (F.pad_backward(grads[0], passage.shapes[0], self.padding, self.mode),), {}

    def output_shape(self, shape):
        batch = batched(shape, type(self).__name__)
        return like(shape, (*batch[:2], *self.window.output_size(batch[2:], type(self).__name__)))

    def axes(self, shape):
        return (self.window.axes(shape[-2:]),)

    def describe_arguments(self) -> str:
        return f"{self.padding[0] if len(set(self.padding)) == 1 else self.padding}"


class ZeroPad2d(_Pad2d):
    """A border of zeros: (left, right, top, bottom) or one number.

    >>> import numpy as np
    >>> ZeroPad2d((1, 0, 0, 2))(np.ones((1, 1, 3, 4))).shape
    (1, 1, 5, 5)

    (N, C, H, W) → (N, C, H + top + bottom, W + left + right).
    Raises ShapeError, DTypeError, ArgumentError.  Source: PyTorch's ZeroPad2d.
    """


class ReflectionPad2d(_Pad2d):
    """A border that mirrors the map, its edge not repeated.

    >>> import numpy as np
    >>> ReflectionPad2d((2, 0, 0, 0))(np.array([[[1.0, 2.0, 3.0]]])).tolist()
    [[[3.0, 2.0, 1.0, 2.0, 3.0]]]

    (N, C, H, W) → (N, C, H + top + bottom, W + left + right).
    Raises ShapeError, DTypeError, ArgumentError.  Source: PyTorch's ReflectionPad2d.
    """

    mode = padding_mode = "reflect"


class ReplicationPad2d(_Pad2d):
    """A border that repeats the edge.

    >>> import numpy as np
    >>> ReplicationPad2d((2, 0, 0, 0))(np.array([[[1.0, 2.0, 3.0]]])).tolist()
    [[[1.0, 1.0, 1.0, 2.0, 3.0]]]

    (N, C, H, W) → (N, C, H + top + bottom, W + left + right).
    Raises ShapeError, DTypeError, ArgumentError.  Source: PyTorch's ReplicationPad2d.
    """

    mode = padding_mode = "replicate"


class CircularPad2d(_Pad2d):
    """A border taken from the opposite side.

    >>> import numpy as np
    >>> CircularPad2d((2, 0, 0, 0))(np.array([[[1.0, 2.0, 3.0]]])).tolist()
    [[[2.0, 3.0, 1.0, 2.0, 3.0]]]

    (N, C, H, W) → (N, C, H + top + bottom, W + left + right).
    Raises ShapeError, DTypeError, ArgumentError.  Source: PyTorch's CircularPad2d.
    """

    mode = padding_mode = "circular"


class Pad(Layer):
    """A border around any axes, or a strip less where its width is negative: pads is ((before, after), …), one pair per axis of x.

    mode says what is in the border, in ONNX's words: "constant" (value), "reflect" (the mirror image that does not repeat the
    edge), "edge" (the edge) or "wrap" (the opposite side).  Strips are taken away first, so that borders copy what is left.
    Any array of float32, float64, int64 or bool.

    >>> Pad(((0, 0), (2, -1)), "edge")(np.array([[1, 2, 3]])).tolist(), Pad(((0, 0), (0, 1)), value=9)(np.array([[1, 2]])).tolist()
    ([[1, 1, 1, 2]], [[1, 2, 9]])

    Raises ShapeError, DTypeError, ArgumentError.  Source: ONNX's Pad; NumPy's pad.
    """

    kind = "pad"

    def __init__(self, pads, mode: str = "constant", value: float = 0.0):
        what = "Pad: pads holds one pair (before, after) of whole numbers per axis of x, such as ((0, 0), (0, 0), (1, 1), (2, 2))"
        pads = pads.tolist() if isinstance(pads, np.ndarray) else pads
        if not isinstance(pads, list | tuple) or not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pads):
            raise ArgumentError(f"{what}, but it is {pads!r}; ONNX lists all befores, then all afters: pair them.")
        pads = tuple((check.integer(a, "pads", "Pad", -(2**31)), check.integer(b, "pads", "Pad", -(2**31))) for a, b in pads)
        mode, value = check.one_of(mode, "mode", "Pad", MODES), real(value, "value", "Pad")
        if mode != "constant" and value != 0:
            raise ArgumentError(f"Pad: only mode='constant' takes a value, but mode is {mode!r} and value is {value}; leave value out.")
        self._set(pads=pads, mode=mode, value=value)

    def fields(self) -> dict:
        return {"pads": self.pads, "mode": self.mode, "value": self.value}

    def _pairs(self, shape) -> list[tuple[int, int, int]]:
        """Return (axis, before, after) of the axes that change."""
        if len(self.pads) != len(shape):
            raise ShapeError(
                f"Pad: pads holds one pair per axis of x, but it holds {len(self.pads)} and x.shape={tuple(shape)} has {len(shape)} axes."
            )
        found = [(axis, *pair) for axis, pair in enumerate(self.pads) if pair != (0, 0)]
        for axis, before, after in found:
            left, most = shape[axis] + min(before, 0) + min(after, 0), max(before, after, 0)
            if left < 0 or left == 0 < most and self.mode != "constant":
                raise ShapeError(
                    f"Pad: something must be left of axis {axis}, but {shape[axis]} - {max(-before, 0)} - {max(-after, 0)} = {left} "
                    f"of x.shape={tuple(shape)}; take less away."
                )
            if self.mode == "reflect" and most >= max(left, 1):
                raise ShapeError(
                    f"Pad: a mirror of {left} positions shows {left - 1} beside its edge, but {most} are wanted of axis {axis}; pad less."
                )
        return found

    def _sources(self, n: int, before: int, after: int) -> list[int]:
        """Return which of n positions each position of a padded axis copies."""
        inside = np.arange(max(-before, 0), n - max(-after, 0))
        return np.pad(inside, (max(before, 0), max(after, 0)), self.mode).tolist()

    def forward(self, x, *, accuracy: str = "fast"):
        x = numbers(x, "Pad")
        result, pairs = self.output_shape(x.shape), self._pairs(x.shape)
        if self.mode == "constant":
            with np.errstate(all="ignore"):
                y = np.full(result, self.value, x.dtype)
            inner, outer = self._inside(x.shape)
            y[outer] = x[inner]
            return y
        for axis, before, after in pairs:
            x = x.take(self._sources(x.shape[axis], before, after), axis=axis)
        return x if pairs else x.copy()

    def _inside(self, shape) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
        """Return where what is left of x lies in x, and where in the result."""
        inner = tuple(slice(max(-before, 0), n - max(-after, 0)) for n, (before, after) in zip(shape, self.pads, strict=True))
        outer = tuple(
            slice(max(before, 0), max(before, 0) + part.stop - part.start) for part, (before, _) in zip(inner, self.pads, strict=True)
        )
        return inner, outer

    def backward(self, grads, passage):
        shape, grad = passage.shapes[0], grads[0]
        if self.mode == "constant":
            back = np.zeros(shape, grad.dtype)
            inner, outer = self._inside(shape)
            back[inner] = grad[outer]
            return (back,), {}
        pairs = self._pairs(shape)
        for axis, before, after in reversed(pairs):
            grad = given_back(grad, self._sources(shape[axis], before, after), shape[axis], axis)
        return (grad if pairs else grad.copy(),), {}

    def output_shape(self, shape):
        changed = {axis: before + after for axis, before, after in self._pairs(shape)}
        return tuple(n + changed.get(axis, 0) for axis, n in enumerate(shape))

    def axes(self, shape):
        rules = [POINT, POINT]
        for axis, before, after in self._pairs(shape):
            if len(shape) == 4 and axis >= 2:
                constant = self.mode == "constant"
                rules[axis - 2] = (
                    Slide(1, before=before, after=after) if constant else Pick(tuple(self._sources(shape[axis], before, after)))
                )
        return (tuple(rules),)

    def describe_arguments(self) -> str:
        mode = "" if self.mode == "constant" else f", {self.mode!r}"
        return f"{self.pads}{mode}" + (f", value={self.value}" if self.value else "")
