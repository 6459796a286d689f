"""Which question: what does Upsample answer?

It enlarges each channel by repeating cells ('nearest') or by blending neighbours ('bilinear'); on the way
back every input collects from the outputs that it went into.
Source: PyTorch's Upsample.  Next room: functional/resize.py.
"""

from math import floor

from minicnn import check
from minicnn import functional as F
from minicnn.axis import Resize, ratio
from minicnn.errors import ArgumentError, ShapeError
from minicnn.functional.arguments import real
from minicnn.layers.base import Layer, batched, like, short, spelled


class Upsample(Layer):
    """Resize rows and columns to `size`, or by `scale_factor`: out = floor(n · scale).

    Positions follow the scale_factor where it is given, or the two sizes with recompute_scale_factor=True.

    >>> import numpy as np
    >>> Upsample(scale_factor=2)(np.array([[[[1.0, 2.0]]]])).tolist()
    [[[[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]]]

    Raises ShapeError, DTypeError, ArgumentError.  Source: PyTorch's Upsample.
    """

    kind = "upsample"

    def __init__(
        self,
        size=None,
        scale_factor=None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ):
        check.one_of(mode, "mode", "Upsample", ("nearest", "bilinear"))
        if (size is None) == (scale_factor is None):
            raise ArgumentError(f"Upsample: give size or scale_factor, one of them, but size={size!r} and scale_factor={scale_factor!r}.")
        if mode == "nearest" and align_corners is not None:
            raise ArgumentError("Upsample: align_corners is for mode='bilinear'; leave it out for 'nearest'.")
        if recompute_scale_factor is not None:
            recompute_scale_factor = check.flag(recompute_scale_factor, "recompute_scale_factor", "Upsample")
        if recompute_scale_factor and size is not None:
            raise ArgumentError(f"Upsample: recompute_scale_factor belongs to scale_factor, but size is {size!r}; leave it out.")
        if size is not None:
            size = check.pair(size, "size", "Upsample", 1)
        else:
            scale_factor = tuple(scale_factor) if isinstance(scale_factor, list | tuple) else (scale_factor, scale_factor)
            scale_factor = tuple(real(s, "scale_factor", "Upsample") for s in scale_factor)
            if len(scale_factor) != 2 or not all(0 < s < 1e6 for s in scale_factor):
                raise ArgumentError(f"Upsample: scale_factor is a positive number below 1,000,000 or a pair, but it is {scale_factor!r}.")
        self._set(size=size, scale_factor=scale_factor, mode=mode, align_corners=align_corners)
        self._set(recompute_scale_factor=recompute_scale_factor)

    def fields(self) -> dict:
        names = ("size", "scale_factor", "mode", "align_corners", "recompute_scale_factor")
        return {name: getattr(self, name) for name in names}

    def forward(self, x, *, accuracy: str = "fast"):
        return F.interpolate(x, **self.fields())

    def backward(self, grads, passage):
        return (F.interpolate_backward(grads[0], passage.shapes[0], **self.fields()),), {}

    def axes(self, shape):
        size = self.size or tuple(floor(n * scale) for n, scale in zip(shape[-2:], self.scale_factor, strict=True))
        if 0 in size:
            raise ShapeError(
                f"Upsample: something must come out, but floor({shape[-2]} · {self.scale_factor[0]}) × floor({shape[-1]} · "
                f"{self.scale_factor[1]}) = {size[0]} × {size[1]}; use a larger scale_factor."
            )
        by_size = self.size is not None or self.recompute_scale_factor
        scales = (None, None) if by_size else tuple(map(ratio, self.scale_factor))
        rows, columns = (Resize(out, self.mode, bool(self.align_corners), scale) for out, scale in zip(size, scales, strict=True))
        return ((rows, columns),)

    def output_shape(self, shape):
        batch = batched(shape, "Upsample")
        return like(shape, (*batch[:2], *(rule.out for rule in self.axes(batch)[0])))

    def describe_arguments(self) -> str:
        scale = None if self.scale_factor is None else short(self.scale_factor)
        mode = None if self.mode == "nearest" else self.mode
        size = self.size and short(self.size)
        again = self.recompute_scale_factor
        return spelled(size=size, scale_factor=scale, mode=mode, align_corners=self.align_corners, recompute_scale_factor=again)
