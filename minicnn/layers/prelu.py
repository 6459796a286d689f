"""Which question: what does an activation hold whose slope is learned, and what does it answer?

One slope for all channels, or one for each; everything else is LeakyReLU's.  The gradient by a slope is the sum of what
came back times x, over the positions that the slope had a part in, so x is kept, and not the output.
Source: PyTorch's PReLU; He et al., "Delving deep into rectifiers" (2015).  Next room: norm.py.
"""

import numpy as np

from minicnn import check
from minicnn import functional as F
from minicnn.errors import ArgumentError
from minicnn.functional.activation import count_slopes, fit_slopes
from minicnn.functional.arguments import real
from minicnn.layers.base import Layer, checked_array, constant, float_dtype, generator


class PReLU(Layer):
    """ReLU that leaks as much as it has learned to: x where x > 0, weight[c] · x elsewhere.

    >>> PReLU(init=0.5)(np.array([-2.0, 3.0])).tolist()
    [-1.0, 3.0]

    Raises ShapeError, DTypeError, ArgumentError.  Source: PyTorch's PReLU; He et al. (2015).
    """

    kind, keeps, is_activation = "prelu", ("input",), True
    arrays = ("weight",)

    def __init__(self, num_parameters: int = 1, init: float = 0.25, *, rng=None, dtype=np.float32):
        shape = (check.integer(num_parameters, "num_parameters", "PReLU", 1),)
        rng, dtype = generator(rng, "PReLU"), float_dtype(dtype, "PReLU")
        self._set(weight=constant(shape, real(init, "init", "PReLU"), rng, dtype))

    @classmethod
    def of(cls, weight) -> "PReLU":
        """Build the layer around its slopes: one, (1,), or one per channel, (C,).

        >>> PReLU.of(np.array([0.1, 0.2, 0.3]))
        PReLU(3)
        """
        layer = object.__new__(cls)
        weight = checked_array(weight, "weight", "PReLU")
        if weight is None:
            raise ArgumentError(
                "PReLU: weight must be an array of one slope, (1,), or one per channel, (C,), but it is None; use nn.PReLU()."
            )
        count_slopes(weight.shape, "PReLU")
        layer._set(weight=weight)
        return layer

    num_parameters = property(lambda self: self.weight.shape[0])

    def fields(self) -> dict:
        return {"weight": self.weight}

    def forward(self, x, *, accuracy: str = "fast"):
        return F.prelu(x, self.weights_for(x, "weight"))

    def backward(self, grads, passage):
        grad_x, grad_weight = F.prelu_backward(grads[0], passage.x, self.weights_for(passage.x, "weight"))
        return (grad_x if passage.needs[0] else None,), ({"weight": grad_weight} if passage.needs_parameters else {})

    def output_shape(self, shape):
        fit_slopes(shape, self.num_parameters, "PReLU")
        return tuple(shape)

    def describe_arguments(self) -> str:
        return f"{self.num_parameters}" if self.num_parameters > 1 else ""
