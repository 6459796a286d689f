"""Which question: what do layers answer that hold numbers between two bounds?

Clamp cuts off what lies outside; Hardsigmoid is a line cut off at 0 and 1.  ReLU6 is Clamp(0, 6), in a kernel of its own.
Source: PyTorch's torch.clamp and Hardsigmoid; ONNX's Clip and HardSigmoid.  Next room: functional/clamp.py.
"""

import math

import numpy as np

from minicnn import functional as F
from minicnn.functional.arguments import real
from minicnn.functional.clamp import MIDDLE, SLOPE, checked_bounds
from minicnn.layers.activation import no_data
from minicnn.layers.arrays import NUMBERS, numbers
from minicnn.layers.base import Layer, spelled


class Clamp(Layer):
    """Numbers held between two bounds: min(max(x, min), max); NaN stays NaN.  None is no bound.

    Any shape; float32, float64 or int64, the same out.  The gradient passes within the bounds and at them.

    >>> Clamp(0, 6)(np.array([-2.0, 3.0, 9.0])).tolist(), Clamp(max=2.5)(np.array([1, 7])).tolist()
    ([0.0, 3.0, 6.0], [1, 2])

    Raises DTypeError, ArgumentError.  Source: PyTorch's torch.clamp; ONNX's Clip.
    """

    kind, keeps, is_activation = "clamp", ("input",), True

    def __init__(self, min=None, max=None):
        low, high = checked_bounds(min, max, "Clamp")
        self._set(min=low, max=high)

    def fields(self) -> dict:
        return {"min": self.min, "max": self.max}

    def forward(self, x, *, accuracy: str = "fast"):
        x = numbers(x, "Clamp", NUMBERS)
        if x.dtype.kind == "f":
            return F.clamp(x, self.min, self.max)
        low = None if self.min is None else _whole(math.ceil, self.min)
        high = None if self.max is None else _whole(math.floor, self.max)
        return np.clip(x, low, high) if (low, high) != (None, None) else x.copy()

    def backward(self, grads, passage):
        return (F.clamp_backward(grads[0], passage.x, self.min, self.max),), {}

    def describe_arguments(self) -> str:
        return spelled(min=self.min, max=self.max)


def _whole(rounding, bound: float) -> int:
    """Return the last int64 within a bound."""
    least, most = np.iinfo(np.int64).min, np.iinfo(np.int64).max
    return least if bound <= least else most if bound >= most else rounding(bound)


class Hardsigmoid(Layer):
    """A sigmoid of straight lines: min(max(alpha·x + beta, 0), 1), with PyTorch's alpha = 1/6 and beta = 1/2.

    >>> Hardsigmoid()(np.array([-4.0, 0.0, 1.5])).tolist(), Hardsigmoid(0.25)(np.array([1.0])).tolist()
    ([0.0, 0.5, 0.75], [0.75])

    Raises DTypeError, ArgumentError.  Source: PyTorch's Hardsigmoid; ONNX's HardSigmoid, whose alpha is 0.2 if nothing is said.
    """

    kind, keeps, is_activation = "hardsigmoid", ("output",), True

    def __init__(self, alpha: float = SLOPE, beta: float = MIDDLE, *, inplace: bool = False):
        no_data(inplace, "Hardsigmoid")
        self._set(alpha=real(alpha, "alpha", "Hardsigmoid"), beta=real(beta, "beta", "Hardsigmoid"))

    def fields(self) -> dict:
        return {"alpha": self.alpha, "beta": self.beta}

    def forward(self, x, *, accuracy: str = "fast"):
        return F.hardsigmoid(x, self.alpha, self.beta)

    def backward(self, grads, passage):
        return (F.hardsigmoid_backward(grads[0], None, self.alpha, self.beta, output=passage.y),), {}

    def describe_arguments(self) -> str:
        return spelled(alpha=None if self.alpha == SLOPE else self.alpha, beta=None if self.beta == MIDDLE else self.beta)
