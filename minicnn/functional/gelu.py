"""Which question: how does a transformer, or ConvNeXt, bend its values, and what comes back through the bend?

Idea: gelu asks of each x which share Φ(x) of a bell curve lies below it, and keeps that share of x: relu with a kink that
is as soft as chance.  The derivative is Φ(x) + x·φ(x), since the slope of Φ is the bell curve φ.  The approximation puts
σ(2u) in the place of Φ, with a cubic u(x) that was fitted once; it was quicker where erf was slow.

Cost: one pass over memory and some 120 operations a number (gelu_kernel.py), about ten passes for "tanh"; the gradient about
forty over numbers that mostly stay in the nearest memory (the card of erf.py).  No multiply-adds are counted.  When it
loses: where time counts; relu is a single operation.
What it does not do: read the gradient off the output, which takes most of its values below 0 twice.
Source: Hendrycks & Gimpel (2016), "Gaussian error linear units".  Next room: erf.py.
"""

import math

import numpy as np

from minicnn import check
from minicnn.conv.memory_format import empty_like
from minicnn.functional import arguments
from minicnn.functional.erf import CENTRE, ERFC_EDGE, FAR, NEAR, NEAR_ENDS, NOTHING_LEFT, erfc
from minicnn.functional.passes import WORTH_A_KERNEL, one_pass
from minicnn.functional.smooth import stable_sigmoid

__all__ = ["gelu", "gelu_backward"]

GELUS = ("none", "tanh")
STEEPNESS, CUBIC = math.sqrt(2 / math.pi), 0.044715


def gelu(x, approximate="none") -> np.ndarray:
    """Return x weighted by the share of a bell curve that lies below it.

    approximate = "none":  y = x·Φ(x),  Φ(x) = (1 + erf(x/√2))/2 = erfc(-x/√2)/2, which keeps the digits of small results
    approximate = "tanh":  y = x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))/2, within 0.0005 of it
    Any shape; float32 or float64, the same out. As in the equation, -∞ gives -∞·0 = NaN.

    Raises DTypeError; ArgumentError for another word.
    Source: torch.nn.functional.gelu; Hendrycks & Gimpel (2016), "Gaussian error linear units".

    >>> gelu(np.array([-1.0, 0.0, 1.0])).round(4), gelu(np.array([-1.0, 0.0, 1.0]), "tanh").round(4)
    (array([-0.1587,  0.    ,  0.8413]), array([-0.1588,  0.    ,  0.8412]))
    """
    x = check.float_array(x, "x", "gelu")
    exact = check.one_of(approximate, "approximate", "gelu", GELUS) == "none"
    if exact and x.size >= WORTH_A_KERNEL:
        from minicnn.functional.gelu_kernel import gelu_all  # Numba loads here, not with the package

        return one_pass(gelu_all, x.shape, x, settings=((ERFC_EDGE, NEAR_ENDS, NOTHING_LEFT), *CENTRE, *NEAR, *FAR))
    share = _bell_share if exact else _bell_share_by_tanh
    with np.errstate(all="ignore"):
        y = share(x)
        return np.multiply(y, x, out=y)


def gelu_backward(grad_output, x, approximate="none") -> np.ndarray:
    """Return the gradient of gelu by x.

    approximate = "none":  grad_x = grad_output·(Φ(x) + x·φ(x)),  φ(x) = e^(-x²/2) / √(2π), the bell curve
    approximate = "tanh":  grad_x = grad_output·(s + x·s′),  s = (1 + tanh u)/2,  s′ = (1 - tanh²u)/2·u′,
                           u = √(2/π)·(x + 0.044715·x³),  u′ = √(2/π)·(1 + 3·0.044715·x²)
    NaN at ±∞, where the equations say ∞·0.  x: any shape; grad_output, grad_x: x's shape.

    Raises DTypeError, ShapeError; ArgumentError for another word.  Source: torch.nn.functional.gelu.

    >>> gelu_backward(np.array([1.0, 1.0, 1.0]), np.array([-1.0, 0.0, 1.0])).round(4)
    array([-0.0833,  0.5   ,  1.0833])
    """
    x = check.float_array(x, "x", "gelu_backward")
    grad = arguments.gradient(grad_output, x.shape, "gelu_backward", x=x)
    exact = check.one_of(approximate, "approximate", "gelu_backward", GELUS) == "none"
    with np.errstate(all="ignore"):
        share = _bell_share(x) if exact else _bell_share_by_tanh(x)
        if exact:
            slope = np.exp(x * x * -0.5) * (x * (2 * math.pi) ** -0.5)
        else:  # (1 - tanh²)/2 = 2·s·(1 - s)
            slope = 2 * share * (1 - share) * (STEEPNESS * (1 + 3 * CUBIC * (x * x))) * x
        return np.multiply(share + slope, grad, out=empty_like(x))


def _bell_share(x: np.ndarray) -> np.ndarray:
    y = erfc(np.multiply(x, -math.sqrt(0.5), out=empty_like(x)))
    return np.multiply(y, 0.5, out=y)


def _bell_share_by_tanh(x: np.ndarray) -> np.ndarray:
    """Return (1 + tanh u)/2, which is σ(2u)."""
    y = np.multiply(x, x, out=empty_like(x))
    np.multiply(y, CUBIC, out=y)
    np.add(y, 1, out=y)
    np.multiply(y, x, out=y)
    return stable_sigmoid(np.multiply(y, 2 * STEEPNESS, out=y))
