"""Which question: what does the layer that undoes a max pooling answer?

It takes two inputs, the numbers and the places that max pooling handed out as its second result:

    pool = x.then("pool", nn.MaxPool2d(2, return_indices=True))
    up = g.join("up", nn.MaxUnpool2d(2), pool, pool.result("indices"))

An index may name any position, so nothing is known of what an output sees before there are indices: the layer says that
it sees everything, which is true of the channel it stands in and a superset for a single output.
What it does not do: another size than the default, where pooling dropped what did not divide; F.max_unpool2d takes output_size.
Source: PyTorch's MaxUnpool2d; Zeiler & Fergus (2014), section 2.1.  Next room: functional/unpooling.py.
"""

from math import prod

from minicnn import functional as F
from minicnn.axis import Whole
from minicnn.errors import ShapeError
from minicnn.functional.unpooling import unpooled_size, unpooling_rules
from minicnn.layers.base import Layer, batched, like, short


class MaxUnpool2d(Layer):
    """A larger map of zeros that holds the numbers of the first input at the places that the second names.

    >>> import numpy as np
    >>> MaxUnpool2d(2)(np.array([[[[6.0, 8.0]]]]), np.array([[[[5, 2]]]])).tolist()
    [[[[0.0, 0.0, 8.0, 0.0], [0.0, 6.0, 0.0, 0.0]]]]

    Raises ShapeError, DTypeError, ArgumentError.  Source: PyTorch's MaxUnpool2d.
    """

    kind = "unpool"
    inputs = 2

    def __init__(self, kernel_size, stride=None, padding=0):
        rules = unpooling_rules("MaxUnpool2d", kernel_size, stride, padding)
        kernel, stride = (tuple(getattr(rule, name) for rule in rules) for name in ("kernel", "stride"))
        self._set(kernel_size=kernel, stride=stride, padding=tuple((rule.before, rule.after) for rule in rules))

    def fields(self) -> dict:
        return {"kernel_size": self.kernel_size, "stride": self.stride, "padding": self.padding}

    def _settings(self):
        return self.kernel_size, self.stride, self.padding

    def forward(self, x, indices, *, accuracy: str = "fast"):
        return F.max_unpool2d(x, indices, *self._settings())

    def forward_saving(self, x, indices, *, accuracy: str, training: bool, rng):
        return self.forward(x, indices), indices, {}

    def backward(self, grads, passage):
        indices = passage.inputs[1] if passage.saved is None else passage.saved
        return (F.max_unpool2d_backward(grads[0], passage.shapes[0], indices, *self._settings()), None), {}

    def _size(self, shape) -> tuple[int, int]:
        return unpooled_size("MaxUnpool2d", shape[-2:], *self._settings())

    def output_shape(self, shape, indices_shape):
        if tuple(shape) != tuple(indices_shape):
            raise ShapeError(
                f"MaxUnpool2d: the two inputs are numbers and their places, of one shape, but they have {tuple(shape)} and "
                f"{tuple(indices_shape)}; join the pooled map, or what became of it, with pool.result('indices')."
            )
        batch = batched(shape, "MaxUnpool2d")
        return like(shape, (*batch[:2], *self._size(shape)))

    def axes(self, shape, indices_shape):
        rows, columns = (Whole("unpooling by indices, which may name any position", size) for size in self._size(shape))
        return ((rows, columns),) * 2

    def saved_bytes(self, shape, indices_shape, itemsize: int = 4) -> int:
        return 8 * prod(indices_shape)  # int64; where pooling saved them too they are one array, counted twice

    def describe_arguments(self) -> str:
        text = f"kernel_size={short(self.kernel_size)}, stride={short(self.stride)}"
        return text + (f", padding={short(self.padding)!r}" if self.padding != ((0, 0), (0, 0)) else "")
