"""Which question: how are numbers held between two bounds, and what comes back through?

Idea: clamp cuts off what lies outside, and hardsigmoid is a line cut off at 0 and 1: a sigmoid of straight lines.  What comes
back passes where the line was followed.  At a bound itself the two differ, as PyTorch's do: clamp lets it pass, hardsigmoid does not.
A NaN that comes in goes out, and nothing comes back to it.

Cost: clamp one pass, hardsigmoid three; the gradients two to three.  When it loses: ReLU6 is clamp(x, 0, 6) in a kernel.
What it does not do: bounds that are arrays.
Source: torch.clamp; torch.nn.functional.hardsigmoid; ONNX's Clip and HardSigmoid, which has the slope free.
Next room: arithmetic.py.
"""

import numpy as np

from minicnn import check
from minicnn.conv.memory_format import empty_like
from minicnn.functional import arguments
from minicnn.functional.select import pass_where
from minicnn.functional.smooth import output_and_gradient

__all__ = ["clamp", "clamp_backward", "hardsigmoid", "hardsigmoid_backward"]

SLOPE, MIDDLE = 1 / 6, 0.5


def clamp(x, min=None, max=None) -> np.ndarray:
    """Return x with everything below min replaced by min, and above max by max; None is no bound.

    y = min(max(x, lower bound), upper bound), for any shape; float32 or float64, the same out. Where min > max, y is max.

    Raises DTypeError; ArgumentError for a bound that is no number.  Source: torch.clamp.

    >>> clamp(np.array([-2.0, 0.5, 9.0, np.nan]), 0, 6)
    array([0. , 0.5, 6. , nan])
    """
    x = check.float_array(x, "x", "clamp")
    low, high = checked_bounds(min, max, "clamp")
    with np.errstate(all="ignore"):
        return np.clip(x, low, high, out=empty_like(x)) if (low, high) != (None, None) else x.copy(order="K")


def clamp_backward(grad_output, x, min=None, max=None) -> np.ndarray:
    """Return the gradient of clamp by x: what came back, where x lies within the bounds.

    grad_x = grad_output where min ≤ x ≤ max, else 0; so at the bounds it passes, and at NaN it does not.
    x: any shape; grad_output, grad_x: x's shape.

    Raises DTypeError, ShapeError; ArgumentError for a bound that is no number.  Source: torch.clamp.

    >>> clamp_backward(np.array([5.0, 5.0, 5.0]), np.array([-2.0, 0.0, 0.5]), min=0)
    array([0., 5., 5.])
    """
    x = check.float_array(x, "x", "clamp_backward")
    grad = arguments.gradient(grad_output, x.shape, "clamp_backward", x=x)
    low, high = checked_bounds(min, max, "clamp_backward")
    if (low, high) == (None, None):
        return grad.copy(order="K")
    within = np.ones(x.shape, bool)
    with np.errstate(all="ignore"):
        if low is not None:
            np.logical_and(within, x >= low, out=within)
        if high is not None:
            np.logical_and(within, x <= high, out=within)
        return pass_where(grad, within)


def hardsigmoid(x, alpha=SLOPE, beta=MIDDLE) -> np.ndarray:
    """Return a line held between 0 and 1, a sigmoid for hardware that has no exponential.

    y = min(max(alpha·x + beta, 0), 1), for any shape; float32 or float64, the same out. alpha, beta: numbers; PyTorch has 1/6
    and 1/2 only, ONNX 0.2 and 1/2 where nothing is said.

    Raises DTypeError; ArgumentError for what is no number.  Source: torch.nn.functional.hardsigmoid; ONNX's HardSigmoid.

    >>> hardsigmoid(np.array([-4.0, 0.0, 1.5, 4.0]))
    array([0.  , 0.5 , 0.75, 1.  ])
    """
    x = check.float_array(x, "x", "hardsigmoid")
    alpha, beta = (arguments.real(value, name, "hardsigmoid") for name, value in (("alpha", alpha), ("beta", beta)))
    with np.errstate(all="ignore"):
        y = np.multiply(x, alpha, out=empty_like(x))
        np.add(y, beta, out=y)
        return np.clip(y, 0, 1, out=y)


def hardsigmoid_backward(grad_output, x, alpha=SLOPE, beta=MIDDLE, *, output=None) -> np.ndarray:
    """Return the gradient of hardsigmoid by x: alpha of what came back, where the line was not cut off.

    grad_x = alpha·grad_output where 0 < y < 1, else 0; so 0 at both bounds and at NaN.
    x: any shape, or None where output=hardsigmoid(x) is at hand; grad_output, grad_x: x's shape.

    Raises DTypeError, ShapeError; ArgumentError for what is no number.  Source: torch.nn.functional.hardsigmoid.

    >>> hardsigmoid_backward(np.array([6.0, 6.0, 6.0]), np.array([-3.0, 0.0, 2.0]))
    array([0., 1., 1.])
    """
    what = "hardsigmoid_backward"
    alpha = arguments.real(alpha, "alpha", what)
    y, grad = output_and_gradient(lambda x: hardsigmoid(x, alpha, beta), grad_output, x, output, what)
    with np.errstate(all="ignore"):
        through = np.logical_and(y > 0, y < 1)
        return pass_where(np.multiply(grad, alpha, out=np.empty(y.shape, y.dtype)), through)


def checked_bounds(low, high, what: str) -> tuple[float | None, float | None]:
    """Return min and max as floats, or None where there is no bound."""
    return tuple(None if bound is None else arguments.real(bound, name, what) for name, bound in (("min", low), ("max", high)))
