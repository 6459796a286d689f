"""Which question: what does batch normalization hold, and what does it answer?

Four numbers per channel: the mean and variance that were measured in training, and the scale and
shift that were learned.  At inference it is one multiply and one add per channel.  In training the
batch's own mean and variance take their place, so that a number looks at every position of every
image of its batch (`axes` answers for inference, where it looks at its own alone); the running ones
move a little and are handed out as updates, never kept.
Source: Ioffe & Szegedy, "Batch Normalization" (2015), algorithms 1 and 2; PyTorch's BatchNorm2d.
"""

import numpy as np

from minicnn import check
from minicnn.errors import ArgumentError, ShapeError
from minicnn.functional.arguments import real
from minicnn.functional.normalization import batch_norm, batch_norm_training, checked_momentum, gradients
from minicnn.layers.base import Layer, batched, checked_array, constant, float_dtype, generator, spelled


class BatchNorm2d(Layer):
    """Batch normalization: y = weight · (x - mean) / √(var + eps) + bias, per channel; x is (N, C, H, W).

    Called, mean and var are running_mean and running_var.  In trace(net, x, training=True) they are the batch's, and the
    running ones that follow are in trace.updates: (1 - momentum) · running + momentum · batch's, which goes into
    net.with_parameters({**net.parameters(), **trace.updates}).
    Arguments are PyTorch's in its order; momentum=None and track_running_stats are not taken.

    >>> BatchNorm2d(16)(np.ones((2, 16, 4, 5), np.float32)).shape
    (2, 16, 4, 5)

    Raises ShapeError, DTypeError, ArgumentError.  Source: Ioffe & Szegedy (2015), algorithm 2.
    """

    kind = "bn"
    keeps = ("input",)
    arrays = ("weight", "bias")
    statistics = ("running_mean", "running_var")

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, affine: bool = True, *, rng=None, dtype=np.float32):
        affine = check.flag(
            affine, "affine", "BatchNorm2d", "give arrays through nn.BatchNorm2d.of(running_mean, running_var, weight, bias)"
        )
        shape = (check.integer(num_features, "num_features", "BatchNorm2d", 1),)
        rng, dtype = generator(rng, "BatchNorm2d"), float_dtype(dtype, "BatchNorm2d")
        ones, zeros = constant(shape, 1, rng, dtype), constant(shape, 0, rng, dtype)
        self._build(zeros, ones, ones if affine else None, zeros if affine else None, eps, momentum)

    @classmethod
    def of(cls, running_mean, running_var, weight=None, bias=None, eps=1e-5, momentum=0.1) -> "BatchNorm2d":
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
        layer._build(*arrays.values(), eps, momentum)
        return layer

    def _build(self, running_mean, running_var, weight, bias, eps, momentum):
        eps = real(eps, "eps", "BatchNorm2d")
        if not eps >= 0:
            raise ArgumentError(f"BatchNorm2d: eps must not be negative, but it is {eps!r}.")
        momentum = checked_momentum(momentum, "BatchNorm2d")
        self._set(running_mean=running_mean, running_var=running_var, weight=weight, bias=bias, eps=eps, momentum=momentum)

    num_features = property(lambda self: self.running_mean.shape[0])

    def fields(self) -> dict:
        return {name: getattr(self, name) for name in ("running_mean", "running_var", "weight", "bias", "eps", "momentum")}

    def _arrays(self, x) -> list:
        """Return the statistics, weight and bias in x's dtype, when x fits them."""
        self.output_shape(check.float_array(x, "x", "BatchNorm2d").shape)
        return [self.weights_for(x, name) for name in ("running_mean", "running_var", "weight", "bias")]

    def forward(self, x, *, accuracy: str = "fast"):
        return batch_norm(x, *self._arrays(x), eps=self.eps)

    def forward_saving(self, x, *, accuracy: str, training: bool, rng):
        if not training:
            return self.forward(x, accuracy=accuracy), None, {}
        y, mean, var, saved = batch_norm_training(x, *self._arrays(x), self.momentum, self.eps)
        updates = {"running_mean": mean.astype(self.running_mean.dtype), "running_var": var.astype(self.running_var.dtype)}
        return y, saved, updates

    def backward(self, grads, passage):
        x, (needs_x,) = passage.x, passage.needs
        mean, var, weight, _ = self._arrays(x)
        by_x, by_weight, by_bias = gradients(
            *(grads[0], x, mean, var, weight, passage.training, self.eps, passage.saved, needs_x, passage.needs_parameters)
        )
        by_name = {"weight": by_weight, "bias": by_bias} if passage.needs_parameters else {}
        return (by_x,), {name: by_name[name] for name in self.parameters() if name in by_name}

    def output_shape(self, shape):
        if len(shape) != 4:
            raise ShapeError(
                f"BatchNorm2d: x must be (N, C, H, W), but x.shape={tuple(shape)} has {len(shape)} axes; one image is x[None]."
            )
        check.wants_channels("BatchNorm2d", batched(shape, "BatchNorm2d"), self.num_features, source="running_mean")
        return tuple(shape)

    def saved_bytes(self, shape, itemsize: int = 4) -> int:
        return 2 * self.num_features * 8  # the batch's mean and inverse deviation, in float64

    def describe_arguments(self) -> str:
        shown = spelled(eps=None if self.eps == 1e-5 else self.eps, momentum=None if self.momentum == 0.1 else self.momentum)
        return ", ".join([f"{self.num_features}", *([shown] if shown else []), *(["affine=False"] if self.weight is None else [])])
