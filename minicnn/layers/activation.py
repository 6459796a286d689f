"""Which question: which activations are there, and what does each answer?

All of them leave positions alone, hold nothing and cost no multiply-adds; `keeps` says which of their
maps a gradient would need.  A new one is a class of four lines and a name in LAYERS.  PyTorch's
argument `inplace` is taken, so that its models can be pasted, and changes nothing.
Source: PyTorch's layers of the same names.
"""

from minicnn import check
from minicnn import functional as F
from minicnn.axis import POINT, Whole
from minicnn.errors import ShapeError
from minicnn.functional.arguments import real
from minicnn.layers.base import Layer


def _no_data(inplace, what: str) -> None:
    check.flag(inplace, "inplace", what, f"data goes into the layer, not into its constructor: nn.{what}()(x)")


class _Activation(Layer):
    is_activation = True

    def __init__(self, inplace: bool = False):
        """`inplace` is PyTorch's, so that its models can be pasted; nothing here is ever changed in place."""
        _no_data(inplace, type(self).__name__)

    def forward(self, x, *, accuracy: str = "fast"):
        return type(self).function(x)


class ReLU(_Activation):
    """Rectified linear unit: y = max(x, 0); NaN stays NaN.  Any shape, float32 or float64.

    >>> import numpy as np
    >>> ReLU()(np.array([-2.0, 0.0, 3.0])).tolist()
    [0.0, 0.0, 3.0]

    Raises DTypeError.  Source: PyTorch's ReLU; Nair & Hinton (2010).
    """

    kind, keeps, function = "relu", ("output",), staticmethod(F.relu)


class ReLU6(_Activation):
    """ReLU with a ceiling: min(max(x, 0), 6).

    >>> import numpy as np
    >>> ReLU6()(np.array([-2.0, 3.0, 9.0])).tolist()
    [0.0, 3.0, 6.0]

    Raises DTypeError.  Source: PyTorch's ReLU6; Howard et al., "MobileNets" (2017).
    """

    kind, keeps, function = "relu6", ("output",), staticmethod(F.relu6)


class Sigmoid(_Activation):
    """Logistic function: 1 / (1 + exp(-x)).

    >>> import numpy as np
    >>> Sigmoid()(np.array([0.0])).tolist()
    [0.5]

    Raises DTypeError.  Source: PyTorch's Sigmoid.
    """

    kind, keeps, function = "sigmoid", ("output",), staticmethod(F.sigmoid)


class SiLU(_Activation):
    """Sigmoid linear unit: x · sigmoid(x).

    >>> import numpy as np
    >>> SiLU()(np.array([0.0])).tolist()
    [0.0]

    Raises DTypeError.  Source: PyTorch's SiLU; Elfwing, Uchibe, Doya (2018).
    """

    kind, keeps, function = "silu", ("input",), staticmethod(F.silu)


class LeakyReLU(Layer):
    """ReLU that leaks: x where x ≥ 0, negative_slope · x elsewhere.

    >>> import numpy as np
    >>> LeakyReLU(0.5)(np.array([-2.0, 3.0])).tolist()
    [-1.0, 3.0]

    Raises DTypeError, ArgumentError.  Source: PyTorch's LeakyReLU; Maas, Hannun, Ng (2013).
    """

    kind, keeps, is_activation = "leakyrelu", ("output",), True

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False):
        _no_data(inplace, "LeakyReLU")
        self._set(negative_slope=real(negative_slope, "negative_slope", "LeakyReLU"))

    def fields(self) -> dict:
        return {"negative_slope": self.negative_slope}

    def forward(self, x, *, accuracy: str = "fast"):
        return F.leaky_relu(x, self.negative_slope)

    def describe_arguments(self) -> str:
        return f"{self.negative_slope}"


class Softmax(Layer):
    """Numbers as shares: exp(x) / Σ exp(x) along one axis, which sums to 1.

    >>> import numpy as np
    >>> Softmax(dim=1)(np.array([[0.0, 0.0]])).tolist()
    [[0.5, 0.5]]

    Raises DTypeError, ShapeError, ArgumentError.  Source: PyTorch's Softmax.
    """

    kind, keeps, is_activation = "softmax", ("output",), True

    def __init__(self, dim: int = 1):
        self._set(dim=check.integer(dim, "dim", "Softmax", -4))

    def fields(self) -> dict:
        return {"dim": self.dim}

    def forward(self, x, *, accuracy: str = "fast"):
        return F.softmax(x, self.dim)

    def output_shape(self, shape):
        if not -len(shape) <= self.dim < len(shape):
            raise ShapeError(f"Softmax: dim {self.dim} is not an axis of x.shape={tuple(shape)}; use {-len(shape)} … {len(shape) - 1}.")
        return tuple(shape)

    def axes(self, shape):
        everything = Whole("softmax over this axis", None)
        axis = self.dim % len(shape) if shape else 0
        return ((everything if axis == 2 else POINT, everything if axis == 3 else POINT) if len(shape) == 4 else (POINT, POINT),)

    def describe_arguments(self) -> str:
        return f"dim={self.dim}"
