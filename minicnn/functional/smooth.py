"""Which question: how does a network bend its values along curves, and what comes back through the bend?

Idea: each function is its equation on whole arrays, and its derivative stands below it. The derivative of an
exponential is made of the exponential itself, so that some gradients can be read off the output: those take `output=`.
The exponential is only ever taken of numbers that are not positive, so it cannot overflow.  A NaN that comes in
goes out, and infinities follow the equation, without NumPy's warnings.

Cost: sigmoid and silu one pass over memory (passes.py), the others and the gradients three to ten; one exponential a number,
softplus a logarithm too; no multiply-adds are counted.  When it loses: where x is large these curves are nearly lines, and relu is a single pass.
What it does not do: gelu, which needs a file of its own; gradients of gradients.
Source: PyTorch's documentation of torch.nn.functional; each function names its paper.  Next room: gelu.py.
"""

import math

import numpy as np

from minicnn import check
from minicnn.conv.memory_format import empty_like
from minicnn.errors import ArgumentError, ShapeError
from minicnn.functional import arguments
from minicnn.functional.passes import WORTH_A_KERNEL, one_pass
from minicnn.functional.select import copy_where

__all__ = [
    "sigmoid",
    "sigmoid_backward",
    "silu",
    "silu_backward",
    "tanh",
    "tanh_backward",
    "elu",
    "elu_backward",
    "softplus",
    "softplus_backward",
]


def sigmoid(x) -> np.ndarray:
    """Return x squeezed into 0 … 1.

    y = 1 / (1 + e⁻ˣ), computed as e⁻ˡˣˡ / (1 + e⁻ˡˣˡ) where x < 0, so that nothing overflows and small results
    keep their digits. Any shape; float32 or float64, the same out.

    Raises DTypeError.  Source: torch.nn.functional.sigmoid.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    return stable_sigmoid(check.float_array(x, "x", "sigmoid"))


def stable_sigmoid(x: np.ndarray) -> np.ndarray:
    """Return the sigmoid of a checked array, from exponentials of numbers that are not positive."""
    if x.size >= WORTH_A_KERNEL:
        from minicnn.functional.smooth_kernel import sigmoid_all  # Numba loads here, not with the package

        return one_pass(sigmoid_all, x.shape, x)
    y = empty_like(x)
    with np.errstate(all="ignore"):
        np.abs(x, out=y)
        np.negative(y, out=y)
        np.exp(y, out=y)  # e⁻ˡˣˡ, in 0 … 1
        below = np.add(y, 1, out=empty_like(x))  # the denominator
        copy_where(y, np.ones((), x.dtype), x >= 0)  # the numerator: e⁻ˡˣˡ stays where x < 0 or x is NaN
        return np.divide(y, below, out=y)


def sigmoid_backward(grad_output, x, *, output=None) -> np.ndarray:
    """Return the gradient of sigmoid by x.

    grad_x = grad_output·y·(1 - y) with y = sigmoid(x)
    x: any shape, or None where output is given; output: sigmoid(x), where it is at hand. grad_output, grad_x: x's shape.

    Raises DTypeError, ShapeError; ArgumentError where both x and output are None.  Source: torch.nn.functional.sigmoid.

    >>> sigmoid_backward(np.array([8.0, 8.0]), np.array([0.0, 1000.0]))
    array([2., 0.])
    """
    y, grad = output_and_gradient(sigmoid, grad_output, x, output, "sigmoid_backward")
    with np.errstate(all="ignore"):
        slope = np.subtract(1, y, out=np.empty(y.shape, y.dtype))
        np.multiply(slope, y, out=slope)
        return np.multiply(slope, grad, out=slope)


def silu(x) -> np.ndarray:
    """Return x weighted by its own sigmoid (also called swish).

    y = x·σ(x), for any shape; float32 or float64, the same out. As in the equation, -∞ gives -∞·0 = NaN.

    Raises DTypeError.  Source: torch.nn.functional.silu; Elfwing, Uchibe & Doya (2018), "Sigmoid-weighted linear units".

    >>> silu(np.array([-1000.0, 0.0, 1000.0]))
    array([  -0.,    0., 1000.])
    """
    x = check.float_array(x, "x", "silu")
    if x.size >= WORTH_A_KERNEL:
        from minicnn.functional.smooth_kernel import silu_all

        return one_pass(silu_all, x.shape, x)
    y = stable_sigmoid(x)
    with np.errstate(all="ignore"):
        return np.multiply(y, x, out=y)


def silu_backward(grad_output, x) -> np.ndarray:
    """Return the gradient of silu by x.

    grad_x = grad_output·σ(x)·(1 + x·(1 - σ(x))); NaN at ±∞, where the equation says ∞·0.
    x: any shape; grad_output, grad_x: x's shape.  The output does not suffice, since silu takes most of its values below 0 twice.

    Raises DTypeError, ShapeError.  Source: torch.nn.functional.silu; Elfwing, Uchibe & Doya (2018).

    >>> silu_backward(np.array([8.0, 8.0]), np.array([0.0, 1000.0]))
    array([4., 8.])
    """
    x = check.float_array(x, "x", "silu_backward")
    grad = arguments.gradient(grad_output, x.shape, "silu_backward", x=x)
    share = stable_sigmoid(x)
    with np.errstate(all="ignore"):
        slope = np.subtract(1, share, out=empty_like(x))
        np.multiply(slope, x, out=slope)
        np.add(slope, 1, out=slope)
        np.multiply(slope, share, out=slope)
        return np.multiply(slope, grad, out=slope)


def tanh(x) -> np.ndarray:
    """Return x squeezed into -1 … 1.

    y = (eˣ - e⁻ˣ) / (eˣ + e⁻ˣ), for any shape; float32 or float64, the same out.

    Raises DTypeError.  Source: torch.nn.functional.tanh; LeCun et al. (1998), "Efficient BackProp", section 4.4.

    >>> tanh(np.array([-1000.0, 0.0, np.log(2.0)]))
    array([-1. ,  0. ,  0.6])
    """
    x = check.float_array(x, "x", "tanh")
    with np.errstate(all="ignore"):
        return np.tanh(x, out=empty_like(x))


def tanh_backward(grad_output, x, *, output=None) -> np.ndarray:
    """Return the gradient of tanh by x.

    grad_x = grad_output·(1 - y²) with y = tanh(x)
    x: any shape, or None where output is given; output: tanh(x), where it is at hand. grad_output, grad_x: x's shape.

    Raises DTypeError, ShapeError; ArgumentError where both x and output are None.  Source: torch.nn.functional.tanh.

    >>> tanh_backward(np.array([8.0, 8.0]), np.array([0.0, 1000.0]))
    array([8., 0.])
    """
    y, grad = output_and_gradient(tanh, grad_output, x, output, "tanh_backward")
    with np.errstate(all="ignore"):
        slope = np.multiply(y, y, out=np.empty(y.shape, y.dtype))
        np.subtract(1, slope, out=slope)
        return np.multiply(slope, grad, out=slope)


def elu(x, alpha=1.0) -> np.ndarray:
    """Return x where it is positive, else an exponential that sinks to -alpha.

    y = x where x > 0, else alpha·(eˣ - 1), for any shape; float32 or float64, the same out.

    Raises DTypeError; ArgumentError for an alpha that is no number.
    Source: torch.nn.functional.elu; Clevert, Unterthiner & Hochreiter (2016), "Exponential linear units".

    >>> elu(np.array([-1000.0, -np.log(2.0), 3.0]), 2.0)
    array([-2., -1.,  3.])
    """
    x, alpha = check.float_array(x, "x", "elu"), arguments.real(alpha, "alpha", "elu")
    with np.errstate(all="ignore"):
        y = np.minimum(x, 0, out=empty_like(x))
        np.expm1(y, out=y)  # eˣ - 1 with all its digits near 0
        np.multiply(y, alpha, out=y)
        return copy_where(y, x, x > 0)


def elu_backward(grad_output, x, alpha=1.0) -> np.ndarray:
    """Return the gradient of elu by x.

    grad_x = grad_output where x > 0, else grad_output·alpha·eˣ; so alpha·grad_output at 0.
    x: any shape; grad_output, grad_x: x's shape.

    Raises DTypeError, ShapeError; ArgumentError for an alpha that is no number.  Source: torch.nn.functional.elu.

    >>> elu_backward(np.array([4.0, 4.0, 4.0]), np.array([-np.log(2.0), 0.0, 3.0]), 2.0)
    array([4., 8., 4.])
    """
    x, alpha = check.float_array(x, "x", "elu_backward"), arguments.real(alpha, "alpha", "elu_backward")
    grad = arguments.gradient(grad_output, x.shape, "elu_backward", x=x)
    with np.errstate(all="ignore"):
        y = np.minimum(x, 0, out=empty_like(x))
        np.exp(y, out=y)
        np.multiply(y, alpha, out=y)
        np.multiply(y, grad, out=y)
        return copy_where(y, grad, x > 0)


def softplus(x, beta=1.0, threshold=20.0) -> np.ndarray:
    """Return relu with its kink rounded off; the larger beta, the sharper.

    y = log(1 + e^(beta·x)) / beta, and x itself where beta·x > threshold, where the difference is lost anyway;
    computed as (max(z, 0) + log(1 + e⁻ˡᶻˡ)) / beta with z = beta·x. Any shape; float32 or float64, the same out.

    Raises DTypeError; ArgumentError for a beta that is 0 or not finite.  Source: torch.nn.functional.softplus.

    >>> softplus(np.array([-1000.0, 0.0, 1000.0])).round(4)
    array([0.000e+00, 6.931e-01, 1.000e+03])
    """
    x = check.float_array(x, "x", "softplus")
    beta, threshold = softplus_settings(beta, threshold, "softplus")
    with np.errstate(all="ignore"):
        z = np.multiply(x, beta, out=empty_like(x))
        y = np.abs(z, out=empty_like(x))
        np.negative(y, out=y)
        np.exp(y, out=y)
        np.log1p(y, out=y)  # log(1 + e⁻ˡᶻˡ)
        straight = z > threshold
        np.add(y, np.maximum(z, 0, out=z), out=y)
        np.divide(y, beta, out=y)
        return copy_where(y, x, straight)


def softplus_backward(grad_output, x, beta=1.0, threshold=20.0) -> np.ndarray:
    """Return the gradient of softplus by x.

    grad_x = grad_output·σ(beta·x), and grad_output itself where beta·x > threshold.
    x: any shape; grad_output, grad_x: x's shape.

    Raises DTypeError, ShapeError; ArgumentError for a beta that is 0 or not finite.  Source: torch.nn.functional.softplus.

    >>> softplus_backward(np.array([8.0, 8.0]), np.array([0.0, 1000.0]))
    array([4., 8.])
    """
    x = check.float_array(x, "x", "softplus_backward")
    grad = arguments.gradient(grad_output, x.shape, "softplus_backward", x=x)
    beta, threshold = softplus_settings(beta, threshold, "softplus_backward")
    with np.errstate(all="ignore"):
        z = np.multiply(x, beta, out=empty_like(x))
        y = stable_sigmoid(z)
        np.multiply(y, grad, out=y)
        return copy_where(y, grad, z > threshold)


def softplus_settings(beta, threshold, what: str) -> tuple[float, float]:
    """Return both as floats, once beta can be divided by."""
    beta, threshold = arguments.real(beta, "beta", what), arguments.real(threshold, "threshold", what)
    if beta == 0 or not math.isfinite(beta):
        raise ArgumentError(f"{what}: beta must be a finite number other than 0, since y is divided by it, but it is {beta}; usual is 1.")
    return beta, threshold


def output_and_gradient(function, grad_output, x, output, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Return function(x), as given in `output` or worked out where that is None, and the checked grad_output."""
    x = None if x is None else check.float_array(x, "x", what)
    output = None if output is None else check.float_array(output, "output", what)
    if x is None and output is None:
        raise ArgumentError(f"{what}: the gradient is worked out from x or from output, but both are None; give one of them.")
    if x is not None and output is not None and x.shape != output.shape:
        name = what.removesuffix("_backward")
        raise ShapeError(
            f"{what}: output is what {name} made of x and has its shape, {x.shape}, but output.shape={output.shape}; leave one of them out."
        )
    shape = x.shape if output is None else output.shape
    grad = arguments.gradient(grad_output, shape, what, x=x, output=output)
    return (function(x) if output is None else output), grad
