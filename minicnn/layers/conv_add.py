"""Which question: how does a residual block end in one layer?

    z = activation( conv(x) + other )

Idea: the sum of a block and its shortcut is a pass over memory of its own, twice read and once written.  Where the shortcut
is added to the convolution's sums while they are still in registers, it is read once and that is all.  minicnn.fuse makes
such a layer of a 1×1 convolution and the Add behind it; its results are those of the two, bit by bit.

Cost: the convolution's, and one reading of the other map.  When it loses: in training, and where the map in between is to be looked at.
What it does not do: save anything where the algorithm is not channels_last: then it is the two steps.
Source: He et al., "Deep Residual Learning" (2016), section 3.2.  Next room: network/fuse.py.
"""

from math import prod

import numpy as np

from minicnn.axis import POINT
from minicnn.conv.dispatch import bind
from minicnn.conv.memory_format import is_channels_last
from minicnn.errors import ShapeError
from minicnn.functional.combine import add
from minicnn.layers.conv import Conv2d
from minicnn.layers.store import checked_activation, refuse_gradient


class ConvAdd(Conv2d):
    """A 2-D convolution with another map added to what it gives: Conv2d's arguments, two inputs.

    z = activation(y + other), y = conv2d(x, weight, bias, …); other has y's shape, `activation` is None or 'relu'.

    >>> import numpy as np
    >>> layer = ConvAdd.of(np.array([[[[2.0]]]]), np.array([1.0]), activation="relu")
    >>> layer(np.array([[[[1.0, 3.0]]]]), np.array([[[[10.0, -20.0]]]]))
    array([[[[13.,  0.]]]])

    Raises what Conv2d and functional.add raise.  Source: He et al. (2016), section 3.2.
    """

    kind, inputs = "conv_add", 2

    @classmethod
    def around(cls, conv: Conv2d, activation: str | None) -> "ConvAdd":
        """Return the layer around the arrays of a convolution that applies no activation of its own."""
        return cls.of(**{**conv.fields(), "activation": activation})

    def _build(self, weight, bias, stride, padding, dilation, groups, padding_mode, algorithm, activation):
        super()._build(weight, bias, stride, padding, dilation, groups, padding_mode, algorithm, None)
        self._set(activation=checked_activation(activation, ("relu",), "ConvAdd"))

    def forward(self, x, other, *, accuracy: str = "fast"):
        y = self._convolved(x, accuracy, None)
        if np.shape(other) != y.shape:  # functional.add would take one number per channel, a graph of shapes would not
            self.output_shape(x.shape, np.shape(other))
        return add(y, other, activation=self.activation)

    def bound(self, x, other, *, accuracy: str):
        weight, bias = self.weights_for(x, "weight"), self.weights_for(x, "bias")
        settings = {"algorithm": self.algorithm, "accuracy": accuracy, "activation": self.activation}
        y_shape = super().output_shape(x.shape)
        if other.shape != y_shape or is_channels_last(other) != is_channels_last(x):
            return None
        return bind(x, weight, bias, self.window, **settings, owner=self, adds=True)

    def backward(self, grads, passage):
        refuse_gradient(self)
        (by_x,), by_name = super().backward(grads, passage)
        return (by_x, grads[0] if passage.needs[1] else None), by_name

    def output_shape(self, shape, other):
        result = super().output_shape(shape)
        if tuple(other) != tuple(result):
            raise ShapeError(
                f"ConvAdd: the other map must have the shape of the convolution's output, {tuple(result)}, but it has {tuple(other)}; "
                "compare the strides and paddings of the two branches."
            )
        return result

    def axes(self, shape, other):
        return (*super().axes(shape), (POINT, POINT))

    def multiply_adds(self, shape, other) -> int:
        return prod(self.output_shape(shape, other)) * prod(self.weight.shape[1:])

    def workspace_bytes(self, shape, other, itemsize: int = 4, back: bool = False) -> int:
        return super().workspace_bytes(shape, itemsize, back)

    def prepared_bytes(self, shape, other, itemsize: int = 4) -> int:
        return super().prepared_bytes(shape, itemsize)
