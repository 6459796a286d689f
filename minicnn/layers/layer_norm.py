"""Which question: what do layer, group and instance normalization hold, and what do they answer?

A weight and a bias, per element of the last axes or per channel; what they divide by is measured on
every input anew, in training and after it.  So no number of their output is a matter of one position:
every output sees all that it is measured with, and `axes` says so.
Instance norm is group norm with a group for every channel.
Source: Ba, Kiros & Hinton, "Layer Normalization" (2016); Wu & He, "Group Normalization" (2018); Ulyanov, Vedaldi & Lempitsky,
"Instance Normalization" (2016); PyTorch's LayerNorm, GroupNorm and InstanceNorm2d.
"""

from math import prod

import numpy as np

from minicnn import check
from minicnn.axis import POINT, Whole
from minicnn.errors import ShapeError, UnsupportedError
from minicnn.functional.group_norm import checked_groups, group_norm_backward, group_norm_saving
from minicnn.functional.layer_norm import checked_sizes, layer_norm_backward, layer_norm_saving, wants_last_axes
from minicnn.functional.moments import checked_eps
from minicnn.functional.normalization import checked_momentum
from minicnn.layers.base import Layer, checked_array, constant, float_dtype, generator, spelled


class _Measuring(Layer):
    """What both share: a weight and a bias of one shape, and statistics that every input is measured for."""

    keeps = ("input",)
    arrays = ("weight", "bias")

    def forward(self, x, *, accuracy: str = "fast"):
        return self._saving(x, *self._weights(x))[0]

    def forward_saving(self, x, *, accuracy: str, training: bool, rng):
        return *self._saving(x, *self._weights(x)), {}

    def backward(self, grads, passage):
        by_x, *by_arrays = self._back(grads[0], passage.x, self._weights(passage.x)[0], passage.saved)
        needed = self.parameters() if passage.needs_parameters else {}
        by_name = {name: part for name, part in zip(self.arrays, by_arrays, strict=True) if name in needed}
        return (by_x if passage.needs[0] else None,), by_name

    def _weights(self, x) -> list:
        """Return weight and bias in x's dtype, when x fits them."""
        self.output_shape(check.float_array(x, "x", type(self).__name__).shape)
        return [self.weights_for(x, name) for name in self.arrays]

    @classmethod
    def _checked(cls, weight, bias, shape: tuple[int, ...], of: str) -> dict:
        """Return weight and bias by name, when they have one shape and one dtype."""
        what = cls.__name__
        given = {name: checked_array(array, name, what) for name, array in (("weight", weight), ("bias", bias))}
        for name, array in given.items():
            if array is not None and tuple(array.shape) != shape:
                raise ShapeError(f"{what}: {name} must have the shape {shape} of {of}, but {name}.shape={tuple(array.shape)}.")
        if weight is not None and bias is not None:
            check.same_dtype(what, **given)
        return given


class LayerNorm(_Measuring):
    """Layer normalization: y = weight · (x - mean) / √(var + eps) + bias over the last axes together, per position before them.

    normalized_shape is the sizes of those axes, or one number for the last; weight and bias have that shape.
    On maps (N, C, H, W), a normalized_shape of (C, H, W) takes an image as a whole.

    >>> LayerNorm((16, 4, 5))(np.ones((2, 16, 4, 5), np.float32)).shape
    (2, 16, 4, 5)

    Raises ShapeError, DTypeError, ArgumentError.  Source: PyTorch's LayerNorm; Ba, Kiros & Hinton (2016).
    """

    kind = "layernorm"

    def __init__(self, normalized_shape, eps: float = 1e-5, elementwise_affine=True, bias=True, *, rng=None, dtype=np.float32):
        what, instead = "LayerNorm", "give arrays through nn.LayerNorm.of(normalized_shape, weight, bias)"
        affine, bias = check.flag(elementwise_affine, "elementwise_affine", what, instead), check.flag(bias, "bias", what, instead)
        shape, rng, dtype = checked_sizes(normalized_shape, what), generator(rng, what), float_dtype(dtype, what)
        weight = constant(shape, 1, rng, dtype) if affine else None
        bias = constant(shape, 0, rng, dtype) if affine and bias else None
        self._set(normalized_shape=shape, weight=weight, bias=bias, eps=checked_eps(eps, what))

    @classmethod
    def of(cls, normalized_shape, weight=None, bias=None, eps=1e-5) -> "LayerNorm":
        """Build the layer around a weight and a bias of normalized_shape, or None."""
        layer, shape = object.__new__(cls), checked_sizes(normalized_shape, "LayerNorm")
        arrays = cls._checked(weight, bias, shape, "normalized_shape")
        layer._set(normalized_shape=shape, **arrays, eps=checked_eps(eps, "LayerNorm"))
        return layer

    def fields(self) -> dict:
        return {name: getattr(self, name) for name in ("normalized_shape", "weight", "bias", "eps")}

    def _saving(self, x, weight, bias):
        return layer_norm_saving(x, self.normalized_shape, weight, bias, self.eps)

    def _back(self, grad, x, weight, saved):
        return layer_norm_backward(grad, x, self.normalized_shape, weight, self.eps, saved=saved)

    def output_shape(self, shape):
        wants_last_axes("LayerNorm", tuple(shape), self.normalized_shape)
        return tuple(shape)

    def axes(self, shape):
        if len(shape) != 4:
            return ((POINT, POINT),)
        everything = Whole("layer norm over this axis", None)
        return ((everything if len(self.normalized_shape) > 1 else POINT, everything),)

    def saved_bytes(self, shape, itemsize: int = 4) -> int:
        return 2 * prod(shape[: len(shape) - len(self.normalized_shape)]) * 8  # mean and inverse deviation, in float64

    def describe_arguments(self) -> str:
        shape = self.normalized_shape
        options = spelled(
            eps=None if self.eps == 1e-5 else self.eps,
            elementwise_affine=False if self.weight is None else None,
            bias=False if self.weight is not None and self.bias is None else None,
        )
        return f"{shape[0] if len(shape) == 1 else shape}" + (f", {options}" if options else "")


class GroupNorm(_Measuring):
    """Group normalization: y = weight · (x - mean) / √(var + eps) + bias, mean and var of a group of channels of one image.

    x is (N, C, …); the C channels are dealt into num_groups, in order; weight and bias are one number per channel.

    >>> GroupNorm(4, 16)(np.ones((2, 16, 4, 5), np.float32)).shape
    (2, 16, 4, 5)

    Raises ShapeError, DTypeError, ArgumentError.  Source: PyTorch's GroupNorm; Wu & He (2018).
    """

    kind, over, counted = "groupnorm", "group", "num_channels"

    def __init__(self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True, *, rng=None, dtype=np.float32):
        what = "GroupNorm"
        affine = check.flag(affine, "affine", what, "give arrays through nn.GroupNorm.of(num_groups, num_channels, weight, bias)")
        rng, dtype = generator(rng, what), float_dtype(dtype, what)
        shape = (check.integer(num_channels, "num_channels", what, 1),)
        arrays = {name: constant(shape, first, rng, dtype) if affine else None for name, first in (("weight", 1), ("bias", 0))}
        self._build(num_groups, shape[0], arrays, eps)

    @classmethod
    def of(cls, num_groups, num_channels, weight=None, bias=None, eps=1e-5) -> "GroupNorm":
        """Build the layer around a weight and a bias of num_channels numbers, or None."""
        layer, channels = object.__new__(cls), check.integer(num_channels, "num_channels", "GroupNorm", 1)
        layer._build(num_groups, channels, cls._checked(weight, bias, (channels,), "num_channels"), eps)
        return layer

    def _build(self, num_groups, channels: int, arrays: dict, eps) -> None:
        groups = checked_groups(num_groups, channels, type(self).__name__, self.counted)
        self._set(num_groups=groups, num_channels=channels, **arrays, eps=checked_eps(eps, type(self).__name__))

    def fields(self) -> dict:
        return {name: getattr(self, name) for name in ("num_groups", "num_channels", "weight", "bias", "eps")}

    def _saving(self, x, weight, bias):
        return group_norm_saving(x, self.num_groups, weight, bias, self.eps)

    def _back(self, grad, x, weight, saved):
        return group_norm_backward(grad, x, self.num_groups, weight, self.eps, saved=saved)

    def output_shape(self, shape):
        if len(shape) < 2 or shape[1] != self.num_channels:
            if len(shape) == 4:
                check.wants_channels(type(self).__name__, shape, self.num_channels, source=self.counted)
            came = f"has {shape[1]} channels" if len(shape) > 1 else "has no channel axis"
            raise ShapeError(f"{type(self).__name__}: x must be (N, {self.num_channels}, …), but x.shape={tuple(shape)} {came}.")
        return tuple(shape)

    def axes(self, shape):
        everything = Whole(f"{self.over} norm over the map", None)
        return ((everything, everything) if len(shape) == 4 else (POINT, POINT),)

    def saved_bytes(self, shape, itemsize: int = 4) -> int:
        return 2 * shape[0] * self.num_groups * 8  # mean and inverse deviation, in float64

    def describe_arguments(self) -> str:
        options = spelled(eps=None if self.eps == 1e-5 else self.eps, affine=False if self.weight is None else None)
        return f"{self.num_groups}, {self.num_channels}" + (f", {options}" if options else "")


class InstanceNorm2d(GroupNorm):
    """Instance normalization: y = weight · (x - mean) / √(var + eps) + bias, mean and var of one channel of one image; x is (N, C, …).

    Arguments are PyTorch's in its order; weight and bias, one number per channel, are there with affine=True.  momentum is
    taken and changes nothing, since nothing is kept from one input to the next.

    >>> InstanceNorm2d(1, eps=0.0)(np.array([[[[1.0, 3.0]]]])).tolist()
    [[[[-1.0, 1.0]]]]

    Raises ShapeError, DTypeError, ArgumentError; UnsupportedError for track_running_stats=True.
    Source: PyTorch's InstanceNorm2d; Ulyanov, Vedaldi & Lempitsky (2016); ONNX's InstanceNormalization.
    """

    kind, over, counted = "instancenorm", "instance", "num_features"

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum=0.1, affine=False, track_running_stats=False, *, rng=None, dtype=np.float32
    ):
        what = "InstanceNorm2d"
        if momentum is not None:
            checked_momentum(momentum, what)
        if check.flag(track_running_stats, "track_running_stats", what):
            raise UnsupportedError(
                f"{what}: every input is measured by itself, so there are no running statistics, but track_running_stats is True; leave it "
                "out, or use nn.BatchNorm2d, which has them."
            )
        affine = check.flag(affine, "affine", what, "give arrays through nn.InstanceNorm2d.of(num_features, weight, bias)")
        rng, dtype = generator(rng, what), float_dtype(dtype, what)
        shape = (check.integer(num_features, "num_features", what, 1),)
        arrays = {name: constant(shape, first, rng, dtype) if affine else None for name, first in (("weight", 1), ("bias", 0))}
        self._build(shape[0], shape[0], arrays, eps)

    @classmethod
    def of(cls, num_features, weight=None, bias=None, eps=1e-5) -> "InstanceNorm2d":
        """Build the layer around a weight and a bias of num_features numbers, or None."""
        layer, channels = object.__new__(cls), check.integer(num_features, "num_features", "InstanceNorm2d", 1)
        layer._build(channels, channels, cls._checked(weight, bias, (channels,), "num_features"), eps)
        return layer

    num_features = property(lambda self: self.num_channels)

    def fields(self) -> dict:
        return {name: getattr(self, name) for name in ("num_features", "weight", "bias", "eps")}

    def describe_arguments(self) -> str:
        options = spelled(eps=None if self.eps == 1e-5 else self.eps, affine=True if self.weight is not None else None)
        return f"{self.num_features}" + (f", {options}" if options else "")
