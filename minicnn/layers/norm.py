"""Which question: what does batch normalization hold, and what does it answer?

Four numbers per channel: the mean and variance that were measured in training, and the scale and
shift that were learned.  At inference it is one multiply and one add per channel.
Source: Ioffe & Szegedy, "Batch Normalization" (2015), algorithm 2; PyTorch's BatchNorm2d.
"""

import numpy as np

from minicnn import check
from minicnn.errors import ArgumentError, ShapeError
from minicnn.functional.arguments import real
from minicnn.functional.normalization import batch_norm
from minicnn.layers.base import Layer, batched, checked_array, constant, float_dtype, generator


class BatchNorm2d(Layer):
    """Batch normalization at inference: y = weight · (x - running_mean) / √(running_var + eps) + bias, per channel.

    Arguments are PyTorch's, less `momentum`, which belongs to training (so `affine` goes by name).

    >>> BatchNorm2d(16)(np.ones((2, 16, 4, 5), np.float32)).shape
    (2, 16, 4, 5)

    Raises ShapeError, DTypeError, ArgumentError.  Source: Ioffe & Szegedy (2015), algorithm 2.
    """

    kind = "bn"
    keeps = ("input",)
    arrays = ("weight", "bias")
    statistics = ("running_mean", "running_var")

    def __init__(self, num_features: int, eps: float = 1e-5, *, affine: bool = True, rng=None, dtype=np.float32):
        shape = (check.integer(num_features, "num_features", "BatchNorm2d", 1),)
        rng, dtype = generator(rng, "BatchNorm2d"), float_dtype(dtype, "BatchNorm2d")
        ones, zeros = constant(shape, 1, rng, dtype), constant(shape, 0, rng, dtype)
        self._build(zeros, ones, ones if affine else None, zeros if affine else None, eps)

    @classmethod
    def of(cls, running_mean, running_var, weight=None, bias=None, eps=1e-5) -> "BatchNorm2d":
        """Build the layer around its statistics and its learned scale and shift, one number per channel each."""
        layer = object.__new__(cls)
        given = {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}
        arrays = {name: checked_array(array, name, "BatchNorm2d") for name, array in given.items()}
        for name in ("running_mean", "running_var"):
            if arrays[name] is None:
                raise ArgumentError(f"BatchNorm2d: {name} must be an array of one number per channel, but it is None.")
        check.same_dtype("BatchNorm2d", **arrays)
        for name, array in arrays.items():
            if array is not None and (len(array.shape) != 1 or array.shape != arrays["running_mean"].shape):
                raise ShapeError(
                    f"BatchNorm2d: {name} must hold one number per channel, as running_mean.shape="
                    f"{arrays['running_mean'].shape} does, but {name}.shape={array.shape}."
                )
        layer._build(*arrays.values(), eps)
        return layer

    def _build(self, running_mean, running_var, weight, bias, eps):
        eps = real(eps, "eps", "BatchNorm2d")
        if not eps >= 0:
            raise ArgumentError(f"BatchNorm2d: eps must not be negative, but it is {eps!r}.")
        self._set(running_mean=running_mean, running_var=running_var, weight=weight, bias=bias, eps=eps)

    num_features = property(lambda self: self.running_mean.shape[0])

    def fields(self) -> dict:
        return {name: getattr(self, name) for name in ("running_mean", "running_var", "weight", "bias", "eps")}

    def forward(self, x, *, accuracy: str = "fast"):
        self.output_shape(check.float_array(x, "x", "BatchNorm2d").shape)
        mean, var, weight, bias = (self.weights_for(x, name) for name in ("running_mean", "running_var", "weight", "bias"))
        return batch_norm(x, mean, var, weight, bias, eps=self.eps)

    def output_shape(self, shape):
        if len(shape) != 4:
            raise ShapeError(
                f"BatchNorm2d: x must be (N, C, H, W), but x.shape={tuple(shape)} has {len(shape)} axes; one image is x[None]."
            )
        check.wants_channels("BatchNorm2d", batched(shape, "BatchNorm2d"), self.num_features, source="running_mean")
        return tuple(shape)

    def saved_bytes(self, shape, itemsize: int = 4) -> int:
        return 2 * self.num_features * itemsize  # the batch's mean and inverse deviation

    def describe_arguments(self) -> str:
        return (
            f"{self.num_features}" + (f", eps={self.eps}" if self.eps != 1e-5 else "") + (", affine=False" if self.weight is None else "")
        )
