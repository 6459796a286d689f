"""Which question: what does Conv2d hold, and what does it answer?

A weight (K, C/groups, kernel rows, kernel columns), a bias (K,) and a Window; its value is
conv/dispatch.py's.  First numbers are drawn as PyTorch does, evenly from ±1/√fan_in with
fan_in = C/groups·rows·columns.

Source: PyTorch's Conv2d; Dumoulin & Visin (2016), chapter 2.
Next rooms: conv/reference.py; conv_transpose.py for the same product walked backwards.
"""

from math import prod

import numpy as np

from minicnn import check
from minicnn.conv.algorithm import ACTIVATIONS
from minicnn.conv.cost import prepared_bytes
from minicnn.conv.cost import workspace_bytes as forward_workspace
from minicnn.conv.dispatch import ACCURACIES, bind, choose_algorithm, convolve
from minicnn.conv.gallery import check_algorithm, check_groups, check_weight, refuse_unfit
from minicnn.conv.gradient import convolve_backward
from minicnn.conv.gradient import workspace_bytes as gradient_workspace
from minicnn.errors import ArgumentError
from minicnn.layers.base import Layer, ShapeOnly, batched, checked_array, drawn, float_dtype, generator, like, short, spelled
from minicnn.layers.store import checked_activation, refuse_gradient
from minicnn.window import Window


class Conv2d(Layer):
    """2-D convolution: K filters slide over the input, one output channel each.

    y[n,k,p,q] = b[k] + Σ_c Σ_i Σ_j w[k,c,i,j] · x[n, g·C/G + c, p·stride_h + i·dil_h - top, q·stride_w + j·dil_w - left]

    (N, C, H, W) → (N, K, P, Q) with P = floor((H + top + bottom - dilation·(rows - 1) - 1) / stride) + 1.
    Arguments are PyTorch's; padding also takes ((top, bottom), (left, right)).  `algorithm` names one
    of the gallery's; 'auto' picks.  `activation` ('relu', 'relu6', 'silu') is applied to y as it is stored; such a
    layer computes, and has no gradient (minicnn.fuse makes it from one that has).

    >>> conv = Conv2d(3, 16, 3, padding=1)
    >>> conv(np.zeros((8, 3, 32, 32), np.float32)).shape
    (8, 16, 32, 32)
    >>> conv
    Conv2d(3, 16, kernel_size=3, padding=1)

    Raises ShapeError, DTypeError, ArgumentError; UnsupportedError for a gradient through an activation.
    Source: PyTorch's Conv2d.
    """

    kind = "conv"
    keeps = ("input",)
    arrays = ("weight", "bias")

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        rng=None,
        dtype=np.float32,
        algorithm: str = "auto",
        activation: str | None = None,
    ):
        shape, bound = weight_shape("Conv2d", in_channels, out_channels, kernel_size, groups)
        rng, dtype = generator(rng, "Conv2d"), float_dtype(dtype, "Conv2d")
        bias = check.flag(bias, "bias", "Conv2d", "give arrays through nn.Conv2d.of(weight, bias)")
        weight = drawn(shape, bound, rng, dtype)
        offset = drawn(shape[:1], bound, rng, dtype) if bias else None
        self._build(weight, offset, stride, padding, dilation, groups, padding_mode, algorithm, activation)

    @classmethod
    def of(
        cls, weight, bias=None, stride=1, padding=0, dilation=1, groups=1, padding_mode="zeros", algorithm="auto", activation=None
    ) -> "Conv2d":
        """Build the layer around a weight (K, C/groups, rows, columns) and a bias (K,) or None.

        >>> Conv2d.of(np.ones((4, 2, 3, 5)), padding=(1, 2))
        Conv2d(2, 4, kernel_size=(3, 5), padding=(1, 2), bias=False)
        """
        layer = object.__new__(cls)
        weight, bias = checked_array(weight, "weight", "Conv2d"), checked_array(bias, "bias", "Conv2d")
        if not isinstance(weight, ShapeOnly):
            check_weight(weight, None if isinstance(bias, ShapeOnly) else bias, "Conv2d")
            if isinstance(bias, np.ndarray):
                check.same_dtype("Conv2d", weight=weight, bias=bias)
        layer._build(weight, bias, stride, padding, dilation, groups, padding_mode, algorithm, activation)
        return layer

    def _build(self, weight, bias, stride, padding, dilation, groups, padding_mode, algorithm, activation):
        window = Window.of(weight.shape[2:], stride, padding, dilation, padding_mode=padding_mode, what="Conv2d")
        groups = check_groups(groups, weight, "Conv2d")
        if algorithm != "auto":
            check_algorithm(algorithm)
        activation = checked_activation(activation, ACTIVATIONS[1:], "Conv2d")
        self._set(weight=weight, bias=bias, window=window, groups=groups, algorithm=algorithm, activation=activation)

    in_channels = property(lambda self: self.weight.shape[1] * self.groups)
    out_channels = property(lambda self: self.weight.shape[0])

    def fields(self) -> dict:
        window = self.window
        return {
            "weight": self.weight,
            "bias": self.bias,
            "stride": window.stride,
            "padding": window.padding,
            "dilation": window.dilation,
            "groups": self.groups,
            "padding_mode": window.padding_mode,
            "algorithm": self.algorithm,
            "activation": self.activation,
        }

    def forward(self, x, *, accuracy: str = "fast"):
        return self._convolved(x, accuracy, self.activation)

    def _convolved(self, x, accuracy: str, activation: str | None):
        check.one_of(accuracy, "accuracy", "Conv2d", ACCURACIES)
        batch, unbatched = check.image_batch(x, "Conv2d")
        check.wants_channels("Conv2d", batch, self.in_channels, unbatched=unbatched)
        weight, bias = self.weights_for(batch, "weight", widen=False), self.weights_for(batch, "bias")
        settings = {"algorithm": self.algorithm, "accuracy": accuracy, "activation": activation}
        y = convolve(batch, weight, bias, self.window, **settings, owner=self)
        return y[0] if unbatched else y

    def bound(self, x, *, accuracy: str):
        weight, bias = self.weights_for(x, "weight"), self.weights_for(x, "bias")
        return bind(x, weight, bias, self.window, algorithm=self.algorithm, accuracy=accuracy, activation=self.activation, owner=self)

    def backward(self, grads, passage):
        refuse_gradient(self)
        needs = (passage.needs[0], passage.needs_parameters, passage.needs_parameters and self.bias is not None)
        weight = self.weights_for(passage.x, "weight")
        by_x, by_weight, by_bias = convolve_backward(grads[0], passage.x, weight, self.window, needs=needs, accuracy="fast")
        return (by_x,), named(self, by_weight, by_bias) if passage.needs_parameters else {}

    def workspace_bytes(self, shape, itemsize: int = 4, back: bool = False) -> int:
        shapes, window = (batched(shape, "Conv2d"), self.weight.shape), self.window
        if back:
            return gradient_workspace(*shapes, window, itemsize)
        name = self.algorithm
        if name == "auto":
            name = choose_algorithm(*shapes, window, np.float32 if itemsize == 4 else np.float64)
        return forward_workspace(name, *shapes, window, itemsize)

    def prepared_bytes(self, shape, itemsize: int = 4) -> int:
        """What the algorithm that net(x) takes keeps of the weight; where it packs nothing, a weight widened for x is all that is kept."""
        shapes, dtype = (batched(shape, "Conv2d"), self.weight.shape), np.dtype(np.float32 if itemsize == 4 else np.float64)
        name = choose_algorithm(*shapes, self.window, dtype, "fast") if self.algorithm == "auto" else self.algorithm
        widened = 0 if self.weight.dtype == dtype else self.weight.size * itemsize
        return prepared_bytes(name, *shapes, self.window, itemsize) or widened

    def output_shape(self, shape):
        batch = batched(shape, "Conv2d")
        check.wants_channels("Conv2d", batch, self.in_channels, unbatched=len(shape) == 3)
        if self.algorithm != "auto":
            refuse_unfit(self.algorithm, batch, self.weight.shape, self.window, self.weight.dtype)
        return like(shape, (batch[0], self.out_channels, *self.window.output_size(batch[2:], "Conv2d")))

    def axes(self, shape):
        return (self.window.axes(shape[-2:]),)

    def multiply_adds(self, shape) -> int:
        return prod(self.output_shape(shape)) * prod(self.weight.shape[1:])

    def describe_arguments(self) -> str:
        window = self.window
        return f"{self.in_channels}, {self.out_channels}, kernel_size={short(window.kernel)}" + nondefault(
            stride=(short(window.stride), 1),
            padding=(short(window.padding), 0),
            dilation=(short(window.dilation), 1),
            groups=(self.groups, 1),
            bias=(self.bias is not None, True),
            padding_mode=(window.padding_mode, "zeros"),
            algorithm=(self.algorithm, "auto"),
            activation=(self.activation, None),
        )


def weight_shape(what, in_channels, out_channels, kernel_size, groups, transposed=False):
    """Return (out, in/groups, rows, columns), or (in, out/groups, rows, columns) if transposed, and PyTorch's bound 1/√fan_in."""
    in_channels = check.integer(in_channels, "in_channels", what, 1)
    out_channels = check.integer(out_channels, "out_channels", what, 1)
    groups = check.integer(groups, "groups", what, 1)
    for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
        if channels % groups:
            raise ArgumentError(
                f"{what}: groups must divide in_channels and out_channels, but {name} {channels} / groups {groups} "
                f"leaves {channels % groups}; use {name}={groups * -(-channels // groups)}, or other groups."
            )
    first, second = (in_channels, out_channels) if transposed else (out_channels, in_channels)
    shape = (first, second // groups, *check.pair(kernel_size, "kernel_size", what, 1))
    return shape, prod(shape[1:]) ** -0.5


def named(layer: Layer, by_weight, by_bias) -> dict:
    """Return the gradients by name, without that of a bias that is not there."""
    return {"weight": by_weight} if layer.bias is None else {"weight": by_weight, "bias": by_bias}


def nondefault(**values) -> str:
    text = spelled(**{name: value if value != default else None for name, (value, default) in values.items()})
    return f", {text}" if text else ""
