"""Which question: which activations are there, and what does each answer?

All of them leave positions alone and cost no multiply-adds, and all but PReLU hold nothing.  `keeps` says which of
their maps the gradient reads: the output where that suffices, since the next layer keeps it anyway.  A new one is a
class of a few lines and a name in LAYERS: its operation, its gradient (a function of grad_output, the map that `keeps`
names, and the settings), and the names of its settings.  PyTorch's argument `inplace` is taken, so that its models
can be pasted, and changes nothing.
Source: PyTorch's layers of the same names.  Next room: prelu.py.
"""

from minicnn import check
from minicnn import functional as F
from minicnn.axis import POINT, Whole
from minicnn.errors import ShapeError
from minicnn.functional.arguments import real
from minicnn.functional.gelu import GELUS
from minicnn.functional.smooth import softplus_settings
from minicnn.layers.base import Layer


def no_data(inplace, what: str) -> None:
    """Check PyTorch's `inplace`, in whose place data is often given by mistake."""
    check.flag(inplace, "inplace", what, f"data goes into the layer, not into its constructor: nn.{what}()(x)")


class _Activation(Layer):
    is_activation = True
    settings: tuple[str, ...] = ()  # the fields, in the order in which `function` and `gradient` take them

    def __init__(self, inplace: bool = False):
        """`inplace` is PyTorch's, so that its models can be pasted; nothing here is ever changed in place."""
        no_data(inplace, type(self).__name__)

    def fields(self) -> dict:
        return {name: getattr(self, name) for name in self.settings}

    def forward(self, x, *, accuracy: str = "fast"):
        return type(self).function(x, *self.fields().values())

    def backward(self, grads, passage):
        kept = passage.y if "output" in self.keeps else passage.x
        return (type(self).gradient(grads[0], kept, *self.fields().values()),), {}


class ReLU(_Activation):
    """Rectified linear unit: y = max(x, 0); NaN stays NaN.  Any shape, float32 or float64.

    >>> import numpy as np
    >>> ReLU()(np.array([-2.0, 0.0, 3.0])).tolist()
    [0.0, 0.0, 3.0]

    Raises DTypeError.  Source: PyTorch's ReLU; Nair & Hinton (2010).
    """

    kind, keeps = "relu", ("output",)
    function, gradient = staticmethod(F.relu), staticmethod(F.relu_backward)


class ReLU6(_Activation):
    """ReLU with a ceiling: min(max(x, 0), 6).

    >>> import numpy as np
    >>> ReLU6()(np.array([-2.0, 3.0, 9.0])).tolist()
    [0.0, 3.0, 6.0]

    Raises DTypeError.  Source: PyTorch's ReLU6; Howard et al., "MobileNets" (2017).
    """

    kind, keeps = "relu6", ("output",)
    function, gradient = staticmethod(F.relu6), staticmethod(F.relu6_backward)


class Hardswish(_Activation):
    """SiLU of straight lines: x · min(max(x + 3, 0), 6) / 6.

    >>> import numpy as np
    >>> Hardswish()(np.array([-4.0, -1.5, 4.0])).tolist()
    [-0.0, -0.375, 4.0]

    Raises DTypeError.  Source: PyTorch's Hardswish; Howard et al., "Searching for MobileNetV3" (2019).
    """

    kind, keeps = "hardswish", ("input",)
    function, gradient = staticmethod(F.hardswish), staticmethod(F.hardswish_backward)


class Sigmoid(_Activation):
    """Logistic function: 1 / (1 + exp(-x)).

    >>> import numpy as np
    >>> Sigmoid()(np.array([0.0])).tolist()
    [0.5]

    Raises DTypeError.  Source: PyTorch's Sigmoid.
    """

    kind, keeps = "sigmoid", ("output",)
    function, gradient = staticmethod(F.sigmoid), staticmethod(lambda grad, y: F.sigmoid_backward(grad, None, output=y))


class Tanh(_Activation):
    """Hyperbolic tangent: (exp(x) - exp(-x)) / (exp(x) + exp(-x)).

    >>> import numpy as np
    >>> Tanh()(np.array([0.0, 1000.0])).tolist()
    [0.0, 1.0]

    Raises DTypeError.  Source: PyTorch's Tanh.
    """

    kind, keeps = "tanh", ("output",)
    function, gradient = staticmethod(F.tanh), staticmethod(lambda grad, y: F.tanh_backward(grad, None, output=y))


class SiLU(_Activation):
    """Sigmoid linear unit: x · sigmoid(x).

    >>> import numpy as np
    >>> SiLU()(np.array([0.0])).tolist()
    [0.0]

    Raises DTypeError.  Source: PyTorch's SiLU; Elfwing, Uchibe, Doya (2018).
    """

    kind, keeps = "silu", ("input",)
    function, gradient = staticmethod(F.silu), staticmethod(F.silu_backward)


class LeakyReLU(_Activation):
    """ReLU that leaks: x where x > 0, negative_slope · x elsewhere.

    >>> import numpy as np
    >>> LeakyReLU(0.5)(np.array([-2.0, 3.0])).tolist()
    [-1.0, 3.0]

    Raises DTypeError, ArgumentError.  Source: PyTorch's LeakyReLU; Maas, Hannun, Ng (2013).
    """

    kind, settings = "leakyrelu", ("negative_slope",)
    function, gradient = staticmethod(F.leaky_relu), staticmethod(F.leaky_relu_backward)

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False):
        no_data(inplace, "LeakyReLU")
        self._set(negative_slope=real(negative_slope, "negative_slope", "LeakyReLU"))

    @property
    def keeps(self) -> tuple[str, ...]:
        """A slope below 0 makes both sides positive, and the output no longer tells where x was."""
        return ("output",) if self.negative_slope >= 0 else ("input",)

    def describe_arguments(self) -> str:
        return f"{self.negative_slope}"


class ELU(_Activation):
    """Exponential linear unit: x where x > 0, alpha · (exp(x) - 1) elsewhere.

    >>> import numpy as np
    >>> ELU(2.0)(np.array([-1000.0, 3.0])).tolist()
    [-2.0, 3.0]

    Raises DTypeError, ArgumentError.  Source: PyTorch's ELU; Clevert, Unterthiner, Hochreiter (2016).
    """

    kind, keeps, settings = "elu", ("input",), ("alpha",)
    function, gradient = staticmethod(F.elu), staticmethod(F.elu_backward)

    def __init__(self, alpha: float = 1.0, inplace: bool = False):
        no_data(inplace, "ELU")
        self._set(alpha=real(alpha, "alpha", "ELU"))

    def describe_arguments(self) -> str:
        return f"{self.alpha}" if self.alpha != 1 else ""


class GELU(_Activation):
    """Gaussian error linear unit: x · Φ(x), with Φ the share of a bell curve below x, or its approximation by tanh.

    >>> import numpy as np
    >>> GELU()(np.array([0.0, 1.0])).round(4).tolist()
    [0.0, 0.8413]

    Raises DTypeError, ArgumentError.  Source: PyTorch's GELU; Hendrycks & Gimpel (2016).
    """

    kind, keeps, settings = "gelu", ("input",), ("approximate",)
    function, gradient = staticmethod(F.gelu), staticmethod(F.gelu_backward)

    def __init__(self, approximate: str = "none"):
        self._set(approximate=check.one_of(approximate, "approximate", "GELU", GELUS))

    def describe_arguments(self) -> str:
        return f"{self.approximate!r}" if self.approximate != "none" else ""


class Softplus(_Activation):
    """ReLU with its kink rounded off: log(1 + exp(beta · x)) / beta, and x itself where beta · x > threshold.

    >>> import numpy as np
    >>> Softplus()(np.array([0.0, 1000.0])).round(4).tolist()
    [0.6931, 1000.0]

    Raises DTypeError, ArgumentError.  Source: PyTorch's Softplus.
    """

    kind, keeps, settings = "softplus", ("input",), ("beta", "threshold")
    function, gradient = staticmethod(F.softplus), staticmethod(F.softplus_backward)

    def __init__(self, beta: float = 1.0, threshold: float = 20.0):
        beta, threshold = softplus_settings(beta, threshold, "Softplus")
        self._set(beta=beta, threshold=threshold)

    def describe_arguments(self) -> str:
        return f"{self.beta}, {self.threshold}" if (self.beta, self.threshold) != (1, 20) else ""


class Softmax(_Activation):
    """Numbers as shares: exp(x) / Σ exp(x) along one axis, which sums to 1.

    >>> import numpy as np
    >>> Softmax(dim=1)(np.array([[0.0, 0.0]])).tolist()
    [[0.5, 0.5]]

    Raises DTypeError, ShapeError, ArgumentError.  Source: PyTorch's Softmax.
    """

    kind, keeps, settings = "softmax", ("output",), ("dim",)
    function, gradient = staticmethod(F.softmax), staticmethod(lambda grad, y, dim: F.softmax_backward(grad, None, dim, output=y))

    def __init__(self, dim: int = 1):
        self._set(dim=check.integer(dim, "dim", type(self).__name__, -4))

    def output_shape(self, shape):
        if not -len(shape) <= self.dim < len(shape):
            what = type(self).__name__
            raise ShapeError(f"{what}: dim {self.dim} is not an axis of x.shape={tuple(shape)}; use {-len(shape)} … {len(shape) - 1}.")
        return tuple(shape)

    def axes(self, shape):
        everything = Whole("softmax over this axis", None)
        axis = self.dim % len(shape) if shape else 0
        return ((everything if axis == 2 else POINT, everything if axis == 3 else POINT) if len(shape) == 4 else (POINT, POINT),)

    def describe_arguments(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(Softmax):
    """The logarithm of softmax: x - log Σ exp(x) along one axis.

    >>> import numpy as np
    >>> LogSoftmax(dim=1)(np.array([[0.0, 0.0]])).round(4).tolist()
    [[-0.6931, -0.6931]]

    Raises DTypeError, ShapeError, ArgumentError.  Source: PyTorch's LogSoftmax.
    """

    kind = "logsoftmax"
    function, gradient = staticmethod(F.log_softmax), staticmethod(lambda grad, y, dim: F.log_softmax_backward(grad, None, dim, output=y))
