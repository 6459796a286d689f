"""Which question: how does a number hold down the numbers of the channels beside it?

Idea: every number is divided by a power of the mean square over a window of neighbouring channels at its own position, so that
a strong response makes its neighbours weaker.  With D = k + alpha/size · Σ x² over the window of channel c,

    y[c] = x[c] · D[c]^-beta      ∂x[i] = g[i]·D[i]^-beta - 2·alpha·beta/size · x[i] · Σ g[c]·x[c]·D[c]^(-beta-1) over c whose window holds i

A window of `size` channels has its own in the middle; where size is even, PyTorch takes the channel more below and ONNX above,
and `longer` says which.  Channels outside count as 0.
Cost: size + 4 passes over the map, about twice that on the way back; one power a number.
When it loses: networks since VGG (2014) do without it.  What it does not do: windows over rows and columns.
Source: Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep convolutional neural networks" (2012), section 3.3, whose
alpha is not divided by size; torch.nn.functional.local_response_norm; ONNX's LRN.  Next room: shuffle.py.
"""

import numpy as np

from minicnn import check
from minicnn.axis import Slide
from minicnn.errors import ShapeError
from minicnn.functional import arguments
from minicnn.functional.taps import along, taps

__all__ = ["local_response_norm", "local_response_norm_backward"]

LONGER = ("below", "above")


def local_response_norm(x, size, alpha=1e-4, beta=0.75, k=1.0, *, longer="below") -> np.ndarray:
    """Return x divided by a power of the mean square over `size` neighbouring channels.

    y[n,c,…] = x[n,c,…] / (k + alpha/size · Σ_j x[n,j,…]²)^beta, j = c - below … c + above inside the channels, below + above = size - 1.
    They are equal, or one more is `longer`: "below" as in PyTorch, "above" as in ONNX.
    x: (N, C, …), float32 or float64, the same out.

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.nn.functional.local_response_norm; Krizhevsky et al. (2012), section 3.3.

    >>> local_response_norm(np.array([[[3.0], [4.0]]]), 2, alpha=2.0, beta=0.5, k=0.0).ravel()      # 3/√9, 4/√(9 + 16)
    array([1. , 0.8])
    """
    x, rule = _checked(x, size, longer, "local_response_norm")
    alpha, beta, k = _reals("local_response_norm", alpha=alpha, beta=beta, k=k)
    with np.errstate(all="ignore"):
        divisor = np.power(_divisor(x, rule, alpha, k), beta)
        return np.divide(x, divisor, out=divisor)


def local_response_norm_backward(grad_output, x, size, alpha=1e-4, beta=0.75, k=1.0, *, longer="below") -> np.ndarray:
    """Return the gradient of local_response_norm by x.

    grad_x[n,i,…] = g[n,i,…]·D[n,i,…]^-beta - 2·alpha·beta/size · x[n,i,…] · Σ_c g[n,c,…]·x[n,c,…]·D[n,c,…]^(-beta-1), over the channels c
    whose window holds i, with g = grad_output and D = k + alpha/size · Σ x² over the window.
    x: (N, C, …); grad_output, grad_x: x's shape.

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.nn.functional.local_response_norm.

    >>> local_response_norm_backward(np.array([[[1.0]]]), np.array([[[3.0]]]), 1, alpha=1.0, beta=1.0, k=1.0)   # (1 - 9)/(1 + 9)²
    array([[[-0.08]]])
    """
    what = "local_response_norm_backward"
    x, rule = _checked(x, size, longer, what)
    grad = arguments.gradient(grad_output, x.shape, what, x=x)
    alpha, beta, k = _reals(what, alpha=alpha, beta=beta, k=k)
    turned = Slide(rule.kernel, before=rule.after, after=rule.before)  # the channels whose window holds this one
    with np.errstate(all="ignore"):
        divisor = _divisor(x, rule, alpha, k)
        scale = np.power(divisor, -beta)
        pulls = _window_sums(grad * x * scale / divisor, turned)
        return grad * scale - (2 * alpha * beta / rule.kernel) * x * pulls


def _divisor(x: np.ndarray, rule: Slide, alpha: float, k: float) -> np.ndarray:
    total = _window_sums(x * x, rule)
    np.multiply(total, alpha / rule.kernel, out=total)
    return np.add(total, k, out=total)


def _window_sums(values: np.ndarray, rule: Slide) -> np.ndarray:
    """Return the sum over the window of every channel, in the order of the channels."""
    total = np.zeros(values.shape, values.dtype)
    channels = values.shape[1]
    for _, served, read in taps(rule, channels, channels):
        along(total, 1, served)[...] += along(values, 1, read)
    return total


def window(size, longer, what: str) -> Slide:
    """Return the rule of a window over the channels, checked."""
    size = check.integer(size, "size", what, 1)
    less, more = (size - 1) // 2, size // 2
    before, after = (more, less) if check.one_of(longer, "longer", what, LONGER) == "below" else (less, more)
    return Slide(size, before=before, after=after)


def wants_channel_axis(shape: tuple[int, ...], what: str) -> None:
    """Raise unless an array of this shape has channels."""
    if len(shape) < 2:
        raise ShapeError(f"{what}: x must be (N, C, …), but x.shape={tuple(shape)} has no channel axis; give it one, x[None].")


def _checked(x, size, longer, what: str) -> tuple[np.ndarray, Slide]:
    x = check.float_array(x, "x", what)
    wants_channel_axis(x.shape, what)
    return x, window(size, longer, what)


def _reals(what: str, **settings) -> list[float]:
    return [arguments.real(value, name, what) for name, value in settings.items()]
