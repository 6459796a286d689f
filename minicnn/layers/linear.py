"""Which question: what does a fully connected layer hold, and what does it answer?

A weight (out, in) and a bias (out,); y = x · weightᵀ + bias over the last axis.  After Flatten every
output sees the whole map.  Its gradient needs its input, and half of the work where one side is not asked for.  Source: PyTorch's Linear.
"""

from math import prod

import numpy as np

from minicnn import check
from minicnn.axis import POINT, Whole
from minicnn.errors import ShapeError
from minicnn.functional.linear import bind_linear, linear, linear_backward
from minicnn.layers.base import Layer, ShapeOnly, checked_array, drawn, float_dtype, generator


class Linear(Layer):
    """Fully connected: y[…, o] = bias[o] + Σ_i weight[o, i] · x[…, i].

    >>> Linear(512, 1000)(np.zeros((8, 512), np.float32)).shape
    (8, 1000)

    Raises ShapeError, DTypeError, ArgumentError.  Source: PyTorch's Linear.
    """

    kind = "linear"
    keeps = ("input",)
    arrays = ("weight", "bias")

    def __init__(self, in_features: int, out_features: int, bias: bool = True, *, rng=None, dtype=np.float32):
        shape = (check.integer(out_features, "out_features", "Linear", 1), check.integer(in_features, "in_features", "Linear", 1))
        rng, dtype, bound = generator(rng, "Linear"), float_dtype(dtype, "Linear"), shape[1] ** -0.5
        bias = check.flag(bias, "bias", "Linear", "give arrays through nn.Linear.of(weight, bias)")
        weight = drawn(shape, bound, rng, dtype)
        self._set(weight=weight, bias=drawn(shape[:1], bound, rng, dtype) if bias else None)

    @classmethod
    def of(cls, weight, bias=None) -> "Linear":
        """Build the layer around a weight (out, in) and a bias (out,) or None."""
        layer = object.__new__(cls)
        weight, bias = checked_array(weight, "weight", "Linear"), checked_array(bias, "bias", "Linear")
        if len(weight.shape) != 2:
            raise ShapeError(f"Linear: weight must be (out_features, in_features), but weight.shape={weight.shape}.")
        if bias is not None and bias.shape != weight.shape[:1]:
            raise ShapeError(f"Linear: bias must be ({weight.shape[0]},) for weight.shape={weight.shape}, but bias.shape={bias.shape}.")
        if bias is not None and not isinstance(weight, ShapeOnly):
            check.same_dtype("Linear", weight=weight, bias=bias)
        layer._set(weight=weight, bias=bias)
        return layer

    in_features = property(lambda self: self.weight.shape[1])
    out_features = property(lambda self: self.weight.shape[0])

    def fields(self) -> dict:
        return {"weight": self.weight, "bias": self.bias}

    def forward(self, x, *, accuracy: str = "fast"):
        return linear(x, self.weights_for(x, "weight"), self.weights_for(x, "bias"))

    def bound(self, x, *, accuracy: str):
        return bind_linear(prod(x.shape[:-1]), self.weight, self.bias) if x.ndim < 4 and self.weight.dtype == np.float32 else None

    def backward(self, grads, passage):
        learned = passage.needs_parameters
        needs = (all(passage.needs[:1]), learned, learned and self.bias is not None)
        weight = self.weights_for(passage.x, "weight")
        grad_x, *by_parameters = linear_backward(grads[0], passage.x, weight, needs=needs)
        named = zip(self.arrays, by_parameters, strict=True)
        return (grad_x,), {name: array for name, array in named if array is not None}

    def output_shape(self, shape):
        if not shape or shape[-1] != self.in_features:
            raise ShapeError(
                f"Linear: the last axis of x must hold in_features = {self.in_features} numbers, but x.shape={tuple(shape)}."
                + (
                    f" Flatten first: {' × '.join(map(str, shape[1:]))} = {prod(shape[1:])} numbers."
                    if len(shape) == 4
                    else f" Use Linear({shape[-1] if shape else 1}, {self.out_features})."
                )
            )
        return (*shape[:-1], self.out_features)

    def axes(self, shape):
        return ((POINT, Whole("linear over the last axis", self.out_features) if len(shape) == 4 else POINT),)

    def multiply_adds(self, shape) -> int:
        return prod(shape) * self.out_features

    def describe_arguments(self) -> str:
        return f"{self.in_features}, {self.out_features}" + ("" if self.bias is not None else ", bias=False")
