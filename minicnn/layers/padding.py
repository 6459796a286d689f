"""Which question: what do the padding layers answer?

Each adds a border: zeros, a mirror image, copies of the edge, or the opposite side; on the way back every
input collects from its copies.  One class body, four names.  Source: PyTorch's ZeroPad2d, ReflectionPad2d, ReplicationPad2d, CircularPad2d.
"""

from minicnn import check
from minicnn import functional as F
from minicnn.errors import ArgumentError
from minicnn.layers.base import Layer, batched, like
from minicnn.window import Window, from_torch_pad


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
