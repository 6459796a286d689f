"""Which question: what do the layers answer that trade channels for positions?

PixelShuffle lays r·r channels out as a block of pixels, PixelUnshuffle takes such blocks apart.  Pixel p of the large map and pixel
floor(p / r) of the small one see each other, whatever the order of the channels.
Source: PyTorch's PixelShuffle and PixelUnshuffle; ONNX's DepthToSpace and SpaceToDepth.  Next room: functional/shuffle.py.
"""

from minicnn import functional as F
from minicnn.axis import Resize, Slide
from minicnn.functional.shuffle import checked, shuffled_shape, unshuffled_shape
from minicnn.layers.base import Layer, batched, like


class PixelShuffle(Layer):
    """(N, C·r², H, W) → (N, C, H·r, W·r): every r·r channels become a block of pixels, in PyTorch's order "CRD" or in "DCR".

    >>> import numpy as np
    >>> PixelShuffle(2)(np.arange(4.0).reshape(1, 4, 1, 1)).tolist()
    [[[[0.0, 1.0], [2.0, 3.0]]]]

    Raises ShapeError, DTypeError, ArgumentError.  Source: PyTorch's PixelShuffle; Shi et al. (2016).
    """

    kind = "shuffle"

    def __init__(self, upscale_factor: int, mode: str = "CRD"):
        factor, mode = checked(upscale_factor, "upscale_factor", mode, "PixelShuffle")
        self._set(upscale_factor=factor, mode=mode)

    def fields(self) -> dict:
        return {"upscale_factor": self.upscale_factor, "mode": self.mode}

    def forward(self, x, *, accuracy: str = "fast"):
        return F.pixel_shuffle(x, self.upscale_factor, self.mode)

    def backward(self, grads, passage):
        return (F.pixel_shuffle_backward(grads[0], passage.shapes[0], self.upscale_factor, self.mode),), {}

    def output_shape(self, shape):
        return like(shape, shuffled_shape(batched(shape, "PixelShuffle"), self.upscale_factor, "PixelShuffle"))

    def axes(self, shape):
        rows, columns = (Resize(n * self.upscale_factor) for n in shape[-2:])
        return ((rows, columns),)

    def describe_arguments(self) -> str:
        return f"{self.upscale_factor}" + ("" if self.mode == "CRD" else f", {self.mode!r}")


class PixelUnshuffle(Layer):
    """(N, C, H·r, W·r) → (N, C·r², H, W): every block of r·r pixels becomes r·r channels, in PyTorch's order "CRD" or in "DCR".

    >>> import numpy as np
    >>> PixelUnshuffle(2)(np.arange(4.0).reshape(1, 1, 2, 2)).shape
    (1, 4, 1, 1)

    Raises ShapeError, DTypeError, ArgumentError.  Source: PyTorch's PixelUnshuffle; ONNX's SpaceToDepth, whose order is DCR.
    """

    kind = "unshuffle"

    def __init__(self, downscale_factor: int, mode: str = "CRD"):
        factor, mode = checked(downscale_factor, "downscale_factor", mode, "PixelUnshuffle")
        self._set(downscale_factor=factor, mode=mode)

    def fields(self) -> dict:
        return {"downscale_factor": self.downscale_factor, "mode": self.mode}

    def forward(self, x, *, accuracy: str = "fast"):
        return F.pixel_unshuffle(x, self.downscale_factor, self.mode)

    def backward(self, grads, passage):
        return (F.pixel_unshuffle_backward(grads[0], passage.shapes[0], self.downscale_factor, self.mode),), {}

    def output_shape(self, shape):
        return like(shape, unshuffled_shape(batched(shape, "PixelUnshuffle"), self.downscale_factor, "PixelUnshuffle"))

    def axes(self, shape):
        rule = Slide(self.downscale_factor, self.downscale_factor)
        return ((rule, rule),)

    def describe_arguments(self) -> str:
        return f"{self.downscale_factor}" + ("" if self.mode == "CRD" else f", {self.mode!r}")
