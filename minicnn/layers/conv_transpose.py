"""Which question: what does ConvTranspose2d hold, and what does it answer?

A weight (C, K/groups, rows, columns) and a bias (K,): a convolution's product walked backwards, so maps grow.
Its first numbers are drawn as Conv2d's, and its value is that of a convolution's gradient by its input.

Source: PyTorch's ConvTranspose2d; Dumoulin & Visin (2016), chapter 4.
Next room: functional/transposed.py.
"""

from math import prod

import numpy as np

from minicnn import check
from minicnn.conv.gallery import check_weight
from minicnn.errors import ArgumentError, ShapeError
from minicnn.functional.transposed import conv_transpose2d, transposed_gradients, transposed_rules
from minicnn.layers.base import Layer, ShapeOnly, batched, checked_array, drawn, float_dtype, generator, like, short
from minicnn.layers.conv import named, nondefault, weight_shape
from minicnn.window import sides


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
        shape, bound = weight_shape("ConvTranspose2d", in_channels, out_channels, kernel_size, groups, transposed=True)
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
        return (by_x,), named(self, by_weight, by_bias) if passage.needs_parameters else {}

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
        return f"{self.in_channels}, {self.out_channels}, kernel_size={short(tuple(self.weight.shape[2:]))}" + nondefault(
            stride=(short(self.stride), 1),
            padding=(short(self.padding), 0),
            output_padding=(short(self.output_padding), 0),
            groups=(self.groups, 1),
            bias=(self.bias is not None, True),
            dilation=(short(self.dilation), 1),
        )
