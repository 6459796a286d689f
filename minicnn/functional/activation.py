"""Which question: how does a network bend its values, one number at a time (and softmax, one line at a time)?

Idea: each function is its equation, written on whole arrays with one result array and at most one temporary.
A NaN that comes in goes out, and infinities follow the equation, without NumPy's warnings. The exponential is
only ever taken of numbers that are not positive, so it cannot overflow.

Cost: one to five passes over memory; no multiply-adds are counted.  When it loses: an activation at the
store of a convolution would save the passes.  What it does not do: gradients.
Source: PyTorch's documentation of torch.nn.functional; SiLU: Elfwing, Uchibe & Doya (2018),
"Sigmoid-weighted linear units".  Next room: pooling.py.
"""

import numpy as np

from minicnn import check
from minicnn.functional import arguments

__all__ = ["relu", "relu6", "leaky_relu", "sigmoid", "silu", "softmax"]


def relu(x) -> np.ndarray:
    """Return x where it is positive, else 0.

    y = max(x, 0), for any shape; float32 or float64, the same out.

    Raises DTypeError.  Source: torch.nn.functional.relu.

    >>> relu(np.array([-2.0, 0.5, np.nan]))
    array([0. , 0.5, nan])
    """
    x = check.float_array(x, "x", "relu")
    with np.errstate(all="ignore"):
        return np.maximum(x, 0, out=np.empty(x.shape, x.dtype))  # np.maximum keeps NaN, where x * (x > 0) would make inf one


def relu6(x) -> np.ndarray:
    """Return x held between 0 and 6, which keeps values small enough for 8-bit arithmetic.

    y = min(max(x, 0), 6), for any shape; float32 or float64, the same out.

    Raises DTypeError.  Source: torch.nn.functional.relu6; Howard et al. (2017), MobileNets.

    >>> relu6(np.array([-2.0, 0.5, 7.0]))
    array([0. , 0.5, 6. ])
    """
    x = check.float_array(x, "x", "relu6")
    with np.errstate(all="ignore"):
        return np.clip(x, 0, 6, out=np.empty(x.shape, x.dtype))


def leaky_relu(x, negative_slope=0.01) -> np.ndarray:
    """Return x where it is positive, else a small part of it.

    y = x where x > 0, else negative_slope·x, for any shape; float32 or float64, the same out.

    Raises DTypeError; ArgumentError for a slope that is no number.  Source: torch.nn.functional.leaky_relu.

    >>> leaky_relu(np.array([-2.0, 0.5]), 0.25)
    array([-0.5,  0.5])
    """
    x = check.float_array(x, "x", "leaky_relu")
    slope = arguments.real(negative_slope, "negative_slope", "leaky_relu")
    with np.errstate(all="ignore"):
        y = np.multiply(x, slope, out=np.empty(x.shape, x.dtype))
        np.copyto(y, x, where=x > 0)
    return y


def sigmoid(x) -> np.ndarray:
    """Return x squeezed into 0 … 1.

    y = 1 / (1 + e⁻ˣ), computed as e⁻ˡˣˡ / (1 + e⁻ˡˣˡ) where x < 0, so that nothing overflows and small results
    keep their digits. Any shape; float32 or float64, the same out.

    Raises DTypeError.  Source: torch.nn.functional.sigmoid.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    return _sigmoid(check.float_array(x, "x", "sigmoid"))


def _sigmoid(x: np.ndarray) -> np.ndarray:
    y = np.empty(x.shape, x.dtype)
    with np.errstate(all="ignore"):
        np.abs(x, out=y)
        np.negative(y, out=y)
        np.exp(y, out=y)  # e⁻ˡˣˡ, in 0 … 1
        below = y + 1  # the denominator
        np.copyto(y, 1, where=x >= 0)  # the numerator: e⁻ˡˣˡ stays where x < 0 or x is NaN
        return np.divide(y, below, out=y)


def silu(x) -> np.ndarray:
    """Return x weighted by its own sigmoid (also called swish).

    y = x·σ(x), for any shape; float32 or float64, the same out. As in the equation, -∞ gives -∞·0 = NaN.

    Raises DTypeError.  Source: torch.nn.functional.silu; Elfwing, Uchibe & Doya (2018).

    >>> silu(np.array([-1000.0, 0.0, 1000.0]))
    array([  -0.,    0., 1000.])
    """
    x = check.float_array(x, "x", "silu")
    y = _sigmoid(x)
    with np.errstate(all="ignore"):
        return np.multiply(y, x, out=y)


def softmax(x, dim) -> np.ndarray:
    """Return shares that are positive and sum to 1 along one axis.

    y_i = e^(x_i - m) / Σ_j e^(x_j - m) with m = max_j x_j, which cancels and keeps e from overflowing.
    x: at least one axis; dim: the axis that sums to 1, from the end where negative. For logits (N, K) it is 1.
    A NaN or +∞ makes its own line NaN and no other.

    Raises DTypeError; ArgumentError for a dim that x does not have.  Source: torch.nn.functional.softmax.

    >>> softmax(np.log(np.array([[1.0, 2.0, 5.0]])), dim=1).round(3)
    array([[0.125, 0.25 , 0.625]])
    """
    x = check.float_array(x, "x", "softmax")
    axis = arguments.axis(dim, x, "softmax")
    y = np.empty(x.shape, x.dtype)
    if x.size == 0:  # no line has a maximum, and there is nothing to fill
        return y
    with np.errstate(all="ignore"):
        np.subtract(x, x.max(axis=axis, keepdims=True), out=y)
        np.exp(y, out=y)
        return np.divide(y, y.sum(axis=axis, keepdims=True), out=y)
