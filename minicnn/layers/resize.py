"""Which question: what do Upsample and Resample answer?

They enlarge each channel by repeating cells ('nearest') or by blending neighbours ('bilinear', 'linear'); on the way
back every input collects from the outputs that it went into.  Upsample places outputs as PyTorch does, Resample as ONNX says.
Source: PyTorch's Upsample; ONNX's Resize.  Next rooms: functional/resize.py and functional/resample.py.
"""

from math import floor

from minicnn import check
from minicnn import functional as F
from minicnn.axis import Resize, ratio
from minicnn.errors import ArgumentError, ShapeError
from minicnn.functional.arguments import real
from minicnn.functional.resample import rules_for, settings
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


class Resample(Layer):
    """Rows and columns at another size, by ONNX's rules: `coordinates` says where an output lies, `rounding` what "nearest" takes.

    out: (rows, columns) or a number; or scales: the same, and out = floor(n · scale); with both, out is the size and scales say
    where outputs lie.  mode: "nearest" or "linear"; a place outside the map is moved to its edge.
    coordinates: "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric" or "tf_half_pixel_for_nn";
    rounding: "round_prefer_floor", "round_prefer_ceil", "floor" or "ceil".

    >>> import numpy as np
    >>> Resample((1, 2))(np.array([[[[1.0, 2.0, 3.0]]]])).tolist()
    [[[[1.0, 3.0]]]]
    >>> Resample(scales=(1, 2), mode="linear", coordinates="asymmetric")(np.array([[[[0.0, 4.0]]]])).tolist()
    [[[[0.0, 2.0, 4.0, 4.0]]]]

    Raises ShapeError, DTypeError, ArgumentError.  Source: ONNX's Resize, versions 10 to 19.
    """

    kind = "resample"

    def __init__(self, out=None, mode="nearest", coordinates="half_pixel", rounding="round_prefer_floor", scales=None):
        self._set(**settings(out, mode, coordinates, rounding, scales, "Resample"))

    def fields(self) -> dict:
        return {name: getattr(self, name) for name in ("out", "mode", "coordinates", "rounding", "scales")}

    def forward(self, x, *, accuracy: str = "fast"):
        return F.resample(x, **self.fields())

    def backward(self, grads, passage):
        return (F.resample_backward(grads[0], passage.shapes[0], **self.fields()),), {}

    def axes(self, shape):
        return (rules_for(tuple(shape[-2:]), self.fields(), "Resample"),)

    def output_shape(self, shape):
        batch = batched(shape, "Resample")
        return like(shape, (*batch[:2], *(rule.out for rule in self.axes(batch)[0])))

    def describe_arguments(self) -> str:
        usual = {"mode": "nearest", "coordinates": "half_pixel", "rounding": "round_prefer_floor"}
        words = {name: None if getattr(self, name) == word else getattr(self, name) for name, word in usual.items()}
        return spelled(out=self.out and short(self.out), **words, scales=self.scales and short(self.scales))
