"""Which question: what does AlexNet's normalization answer?

LocalResponseNorm holds down a number by its neighbours among the channels, at its own position: nothing is learned, nothing is
measured beforehand, and positions stay.
Source: PyTorch's LocalResponseNorm; Krizhevsky, Sutskever, Hinton (2012), section 3.3.  Next room: functional/local_response_norm.py.
"""

from math import prod

from minicnn import functional as F
from minicnn.functional.arguments import real
from minicnn.functional.local_response_norm import wants_channel_axis, window
from minicnn.layers.base import Layer, spelled


class LocalResponseNorm(Layer):
    """y[c] = x[c] / (k + alpha/size · Σ x²)^beta, the sum over `size` neighbouring channels; x is (N, C, …).

    Where size is even, the window has one channel more below, as in PyTorch; longer="above" puts it above, as ONNX does.

    >>> import numpy as np
    >>> LocalResponseNorm(2, alpha=2.0, beta=0.5, k=0.0)(np.array([[[3.0], [4.0]]])).tolist()
    [[[1.0], [0.8]]]

    Raises ShapeError, DTypeError, ArgumentError.  Source: PyTorch's LocalResponseNorm; Krizhevsky et al. (2012), section 3.3.
    """

    kind, keeps = "lrn", ("input",)

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0, *, longer: str = "below"):
        what = "LocalResponseNorm"
        rule = window(size, longer, what)
        self._set(size=rule.kernel, alpha=real(alpha, "alpha", what), beta=real(beta, "beta", what), k=real(k, "k", what), longer=longer)

    def fields(self) -> dict:
        return {name: getattr(self, name) for name in ("size", "alpha", "beta", "k", "longer")}

    def forward(self, x, *, accuracy: str = "fast"):
        return F.local_response_norm(x, **self.fields())

    def backward(self, grads, passage):
        return (F.local_response_norm_backward(grads[0], passage.x, **self.fields()),), {}

    def output_shape(self, shape):
        wants_channel_axis(shape, "LocalResponseNorm")
        return tuple(shape)

    def workspace_bytes(self, shape, itemsize: int = 4, back: bool = False) -> int:
        return prod(shape) * itemsize * (4 if back else 1)

    def describe_arguments(self) -> str:
        given = {"alpha": (self.alpha, 1e-4), "beta": (self.beta, 0.75), "k": (self.k, 1.0), "longer": (self.longer, "below")}
        rest = spelled(**{name: None if value == usual else value for name, (value, usual) in given.items()})
        return f"{self.size}" + (f", {rest}" if rest else "")
