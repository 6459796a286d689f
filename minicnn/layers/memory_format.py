"""Which question: how does a network come to keep the channels of a pixel side by side in memory?

Idea: a layer whose output has its input's shape and numbers, in another order in memory.  Convolutions, pooling and
activations that are given channels_last give channels_last, so one such node behind a network's input is enough.
minicnn.fuse puts it there where that pays.

Cost: one copy of the input.  When it loses: few channels.  What it does not do: change any number.
Source: PyTorch's "channels last" tutorial.  Next room: conv/memory_format.py.
"""

from minicnn import check
from minicnn.conv.memory_format import channels_last, is_channels_last, lay_out
from minicnn.layers.base import Layer


class ChannelsLast(Layer):
    """x itself, with the channels of a pixel side by side in memory.

    y[n,c,h,w] = x[n,c,h,w], and y.strides are those of an (N, H, W, C) array; (C, H, W) is one image.

    >>> import numpy as np
    >>> y = ChannelsLast()(np.zeros((1, 3, 4, 5), np.float32))
    >>> y.shape, y.strides
    ((1, 3, 4, 5), (240, 4, 60, 12))

    Raises ShapeError, DTypeError.  Source: PyTorch's memory_format=torch.channels_last.
    """

    kind = "channels_last"

    def forward(self, x, *, accuracy: str = "fast"):
        batch, unbatched = check.image_batch(x, "ChannelsLast")
        y = channels_last(batch)
        return y[0] if unbatched else y

    def bound(self, x, *, accuracy: str):
        return None if is_channels_last(x) or x.shape[1] == 1 else lambda x_, y, shape=x.shape: lay_out(x_, y, shape)

    def backward(self, grads, passage):
        return (grads[0],), {}
