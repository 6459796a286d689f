"""Which question: what does Upsample answer?

It enlarges each channel by repeating cells ('nearest') or by blending neighbours ('bilinear').
Source: PyTorch's Upsample.  Next room: functional/resize.py.
"""

from math import floor

from minicnn import check
from minicnn import functional as F
from minicnn.axis import Resize
from minicnn.errors import ArgumentError, ShapeError
from minicnn.functional.arguments import real
from minicnn.layers.base import Layer, batched, like, short, spelled


class Upsample(Layer):
    """Resize rows and columns to `size`, or by `scale_factor`: out = floor(n · scale).

    >>> import numpy as np
    >>> Upsample(scale_factor=2)(np.array([[[[1.0, 2.0]]]])).tolist()
    [[[[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]]]

    Raises ShapeError, DTypeError, ArgumentError.  Source: PyTorch's Upsample.
    """

    kind = "upsample"

    def __init__(self, size=None, scale_factor=None, mode: str = "nearest", align_corners: bool | None = None):
        check.one_of(mode, "mode", "Upsample", ("nearest", "bilinear"))
        if (size is None) == (scale_factor is None):
            raise ArgumentError(f"Upsample: give size or scale_factor, one of them, but size={size!r} and scale_factor={scale_factor!r}.")
        if mode == "nearest" and align_corners is not None:
            raise ArgumentError("Upsample: align_corners is for mode='bilinear'; leave it out for 'nearest'.")
        if size is not None:
            size = check.pair(size, "size", "Upsample", 1)
        else:
            scale_factor = tuple(scale_factor) if isinstance(scale_factor, list | tuple) else (scale_factor, scale_factor)
            scale_factor = tuple(real(s, "scale_factor", "Upsample") for s in scale_factor)
            if len(scale_factor) != 2 or not all(0 < s < 1e6 for s in scale_factor):
                raise ArgumentError(f"Upsample: scale_factor is a positive number below 1,000,000 or a pair, but it is {scale_factor!r}.")
        self._set(size=size, scale_factor=scale_factor, mode=mode, align_corners=align_corners)

    def fields(self) -> dict:
        return {"size": self.size, "scale_factor": self.scale_factor, "mode": self.mode, "align_corners": self.align_corners}

    def forward(self, x, *, accuracy: str = "fast"):
        return F.interpolate(x, self.size, self.scale_factor, self.mode, self.align_corners)

    def axes(self, shape):
        size = self.size or tuple(floor(n * scale) for n, scale in zip(shape[-2:], self.scale_factor, strict=True))
        if 0 in size:
            raise ShapeError(
                f"Upsample: something must come out, but floor({shape[-2]} · {self.scale_factor[0]}) × floor({shape[-1]} · "
                f"{self.scale_factor[1]}) = {size[0]} × {size[1]}; use a larger scale_factor."
            )
        rows, columns = (Resize(out, self.mode, bool(self.align_corners)) for out in size)
        return ((rows, columns),)

    def output_shape(self, shape):
        batch = batched(shape, "Upsample")
        return like(shape, (*batch[:2], *(rule.out for rule in self.axes(batch)[0])))

    def describe_arguments(self) -> str:
        scale = None if self.scale_factor is None else short(self.scale_factor)
        mode = None if self.mode == "nearest" else self.mode
        return spelled(size=self.size and short(self.size), scale_factor=scale, mode=mode, align_corners=self.align_corners)
