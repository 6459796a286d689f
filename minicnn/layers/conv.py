"""Which question: what do Conv2d and ConvTranspose2d hold, and what do they answer?

Conv2d holds a weight (K, C/groups, kernel rows, kernel columns), a bias (K,) and a Window; its value
is conv/dispatch.py's.  ConvTranspose2d holds a weight (C, K/groups, rows, columns): the same product
walked backwards, so it enlarges.  First numbers are drawn as PyTorch does, evenly from
±1/√fan_in with fan_in = C/groups·rows·columns.

Source: PyTorch's Conv2d and ConvTranspose2d; Dumoulin & Visin (2016), chapters 2 and 4.
Next room: conv/reference.py.
"""

from math import prod

import numpy as np

from minicnn import check
from minicnn.conv.cost import workspace_bytes as forward_workspace
from minicnn.conv.dispatch import ACCURACIES, check_algorithm, check_groups, check_weight, choose_algorithm, convolve, refuse_unfit
from minicnn.conv.gradient import convolve_backward
from minicnn.conv.gradient import workspace_bytes as gradient_workspace
from minicnn.errors import ArgumentError, ShapeError
from minicnn.functional.transposed import conv_transpose2d, transposed_gradients, transposed_rules
from minicnn.layers.base import Layer, ShapeOnly, batched, checked_array, drawn, float_dtype, generator, like, short, spelled
from minicnn.window import Window, sides


class Conv2d(Layer):
    """2-D convolution: K filters slide over the input, one output channel each.

    y[n,k,p,q] = b[k] + Σ_c Σ_i Σ_j w[k,c,i,j] · x[n, g·C/G + c, p·stride_h + i·dil_h - top, q·stride_w + j·dil_w - left]

    (N, C, H, W) → (N, K, P, Q) with P = floor((H + top + bottom - dilation·(rows - 1) - 1) / stride) + 1.
    Arguments are PyTorch's; padding also takes ((top, bottom), (left, right)).  `algorithm` names one
    of the gallery's; 'auto' picks.

    >>> conv = Conv2d(3, 16, 3, padding=1)
    >>> conv(np.zeros((8, 3, 32, 32), np.float32)).shape
    (8, 16, 32, 32)
    >>> conv
    Conv2d(3, 16, kernel_size=3, padding=1)

    Raises ShapeError, DTypeError, ArgumentError.  Source: PyTorch's Conv2d.
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
    ):
        shape, bound = _weight_shape("Conv2d", in_channels, out_channels, kernel_size, groups)
        rng, dtype = generator(rng, "Conv2d"), float_dtype(dtype, "Conv2d")
        bias = check.flag(bias, "bias", "Conv2d", "give arrays through nn.Conv2d.of(weight, bias)")
        weight = drawn(shape, bound, rng, dtype)
        offset = drawn(shape[:1], bound, rng, dtype) if bias else None
        self._build(weight, offset, stride, padding, dilation, groups, padding_mode, algorithm)

    @classmethod
    def of(cls, weight, bias=None, stride=1, padding=0, dilation=1, groups=1, padding_mode="zeros", algorithm="auto") -> "Conv2d":
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
        layer._build(weight, bias, stride, padding, dilation, groups, padding_mode, algorithm)
        return layer

    def _build(self, weight, bias, stride, padding, dilation, groups, padding_mode, algorithm):
        window = Window.of(weight.shape[2:], stride, padding, dilation, padding_mode=padding_mode, what="Conv2d")
        groups = check_groups(groups, weight, "Conv2d")
        if algorithm != "auto":
            check_algorithm(algorithm)
        self._set(weight=weight, bias=bias, window=window, groups=groups, algorithm=algorithm)

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
        }

    def forward(self, x, *, accuracy: str = "fast"):
        check.one_of(accuracy, "accuracy", "Conv2d", ACCURACIES)
        batch, unbatched = check.image_batch(x, "Conv2d")
        check.wants_channels("Conv2d", batch, self.in_channels, unbatched=unbatched)
        weight, bias = self.weights_for(batch, "weight", widen=False), self.weights_for(batch, "bias")
        y = convolve(batch, weight, bias, self.window, algorithm=self.algorithm, accuracy=accuracy, owner=self)
        return y[0] if unbatched else y

    def backward(self, grads, passage):
        needs = (passage.needs[0], passage.needs_parameters, passage.needs_parameters and self.bias is not None)
        weight = self.weights_for(passage.x, "weight")
        by_x, by_weight, by_bias = convolve_backward(grads[0], passage.x, weight, self.window, needs=needs, accuracy="fast")
        return (by_x,), _named(self, by_weight, by_bias) if passage.needs_parameters else {}

    def workspace_bytes(self, shape, itemsize: int = 4, back: bool = False) -> int:
        shapes, window = (batched(shape, "Conv2d"), self.weight.shape), self.window
        if back:
            return gradient_workspace(*shapes, window, itemsize)
        name = self.algorithm
        if name == "auto":
            name = choose_algorithm(*shapes, window, np.float32 if itemsize == 4 else np.float64)
        return forward_workspace(name, *shapes, window, itemsize)

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
        return f"{self.in_channels}, {self.out_channels}, kernel_size={short(window.kernel)}" + _nondefault(
            stride=(short(window.stride), 1),
            padding=(short(window.padding), 0),
            dilation=(short(window.dilation), 1),
            groups=(self.groups, 1),
            bias=(self.bias is not None, True),
            padding_mode=(window.padding_mode, "zeros"),
            algorithm=(self.algorithm, "auto"),
        )


class ConvTranspose2d(Layer):
    """Transposed 2-D convolution: each input number stamps its filter onto the output, so maps grow.

    (N, C, H, W) → (N, K, P, Q), P = (H - 1)·stride - top - bottom + dilation·(rows - 1) + output_padding + 1.

    >>> up = ConvTranspose2d(4, 2, 3, stride=2, padding=1, output_padding=1)
    >>> up(np.zeros((1, 4, 5, 7), np.float32)).shape
    (1, 2, 10, 14)

    Raises ShapeError, DTypeError, ArgumentError.  Source: PyTorch's ConvTranspose2d.
    """

    kind = "convT"
    keeps = ("input",)
    arrays = ("weight", "bias")

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size,
        stride=1,
        padding=0,
        output_padding=0,
        groups: int = 1,
        bias: bool = True,
        dilation=1,
        *,
        rng=None,
        dtype=np.float32,
    ):
        shape, bound = _weight_shape("ConvTranspose2d", in_channels, out_channels, kernel_size, groups, transposed=True)
        rng, dtype = generator(rng, "ConvTranspose2d"), float_dtype(dtype, "ConvTranspose2d")
        bias = check.flag(bias, "bias", "ConvTranspose2d", "give arrays through nn.ConvTranspose2d.of(weight, bias)")
        offset = drawn((shape[1] * groups,), bound, rng, dtype) if bias else None
        self._build(drawn(shape, bound, rng, dtype), offset, stride, padding, output_padding, groups, dilation)

    @classmethod
    def of(cls, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1) -> "ConvTranspose2d":
        """Build the layer around a weight (C, K/groups, rows, columns) and a bias (K,) or None."""
        layer = object.__new__(cls)
        weight, bias = checked_array(weight, "weight", "ConvTranspose2d"), checked_array(bias, "bias", "ConvTranspose2d")
        if not isinstance(weight, ShapeOnly):
            check_weight(weight, None, "ConvTranspose2d")
            if isinstance(bias, np.ndarray):
                check.same_dtype("ConvTranspose2d", weight=weight, bias=bias)
        layer._build(weight, bias, stride, padding, output_padding, groups, dilation)
        return layer

    def _build(self, weight, bias, stride, padding, output_padding, groups, dilation):
        what = "ConvTranspose2d"
        padding = sides(padding, what)
        if padding == "same":
            raise ArgumentError("ConvTranspose2d: padding='same' has no meaning where maps grow; give numbers.")
        stride, dilation = check.pair(stride, "stride", what, 1), check.pair(dilation, "dilation", what, 1)
        output_padding = check.pair(output_padding, "output_padding", what, 0)
        rules = transposed_rules(tuple(weight.shape[2:]), stride, padding, output_padding, dilation, what)
        groups = check.integer(groups, "groups", what, 1)
        if weight.shape[0] % groups:
            raise ArgumentError(
                f"{what}: groups must divide in_channels, but {weight.shape[0]} / {groups} leaves {weight.shape[0] % groups}."
            )
        if bias is not None and tuple(bias.shape) != (weight.shape[1] * groups,):
            raise ShapeError(
                f"{what}: bias holds one number per output channel, {weight.shape[1]}·{groups} = {weight.shape[1] * groups} for "
                f"weight.shape={tuple(weight.shape)}, but bias.shape={tuple(bias.shape)}."
            )
        self._set(
            weight=weight,
            bias=bias,
            stride=stride,
            padding=padding,
            output_padding=output_padding,
            groups=groups,
            dilation=dilation,
            rules=rules,
        )

    in_channels = property(lambda self: self.weight.shape[0])
    out_channels = property(lambda self: self.weight.shape[1] * self.groups)

    def fields(self) -> dict:
        return {name: getattr(self, name) for name in ("weight", "bias", "stride", "padding", "output_padding", "groups", "dilation")}

    def forward(self, x, *, accuracy: str = "fast"):
        weight, bias = self.weights_for(x, "weight"), self.weights_for(x, "bias")
        return conv_transpose2d(x, weight, bias, self.stride, self.padding, self.output_padding, self.groups, self.dilation)

    def backward(self, grads, passage):
        needs = (passage.needs[0], passage.needs_parameters, passage.needs_parameters and self.bias is not None)
        weight = self.weights_for(passage.x, "weight")
        by_x, by_weight, by_bias = transposed_gradients(grads[0], passage.x, weight, self.rules, needs, accuracy="fast")
        return (by_x,), _named(self, by_weight, by_bias) if passage.needs_parameters else {}

    def axes(self, shape):
        return (self.rules,)

    def output_shape(self, shape):
        batch = batched(shape, "ConvTranspose2d")
        check.wants_channels("ConvTranspose2d", batch, self.in_channels, unbatched=len(shape) == 3)
        size = (rule.out_size(n) for rule, n in zip(self.axes(batch)[0], batch[2:], strict=True))
        return like(shape, (batch[0], self.out_channels, *size))

    def multiply_adds(self, shape) -> int:
        return prod(shape) * prod(self.weight.shape[1:])

    def describe_arguments(self) -> str:
        return f"{self.in_channels}, {self.out_channels}, kernel_size={short(tuple(self.weight.shape[2:]))}" + _nondefault(
            stride=(short(self.stride), 1),
            padding=(short(self.padding), 0),
            output_padding=(short(self.output_padding), 0),
            groups=(self.groups, 1),
            bias=(self.bias is not None, True),
            dilation=(short(self.dilation), 1),
        )


def _weight_shape(what, in_channels, out_channels, kernel_size, groups, transposed=False):
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


def _named(layer: Layer, by_weight, by_bias) -> dict:
    """Return the gradients by name, without that of a bias that is not there."""
    return {"weight": by_weight} if layer.bias is None else {"weight": by_weight, "bias": by_bias}


def _nondefault(**values) -> str:
    text = spelled(**{name: value if value != default else None for name, (value, default) in values.items()})
    return f", {text}" if text else ""
