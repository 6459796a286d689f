"""Which question: how do numbers become shares that sum to 1, and what comes back through them?

Idea: e^x makes every number positive, and dividing by the sum makes shares.  A common offset cancels, so the
maximum is taken off first, and e cannot overflow; the logarithm of a share is worked out without the share, which may
have become 0.  Every output sees its whole line, so a gradient is each number's own part less a common one:

    softmax       grad_x = y·(grad - Σ grad·y)
    log_softmax   grad_x = grad - e^y·Σ grad

Cost: softmax two passes over memory, log_softmax and the gradients about five; one exponential a number; no multiply-adds are counted.  When it loses: for the largest
share alone np.argmax of x is enough.  What it does not do: masks; temperatures, which are softmax(x / t).
Source: Bridle (1990), "Probabilistic interpretation of feedforward classification network outputs"; PyTorch's
documentation of torch.nn.functional.  Next room: pooling.py.
"""

import math

import numpy as np

from minicnn import check
from minicnn.conv.algorithm import plain
from minicnn.functional import arguments
from minicnn.functional.passes import PIECE, WORTH_A_KERNEL
from minicnn.functional.smooth import output_and_gradient
from minicnn.functional.winners import run

__all__ = ["softmax", "softmax_backward", "log_softmax", "log_softmax_backward"]


def softmax(x, dim) -> np.ndarray:
    """Return shares that are positive and sum to 1 along one axis.

    y_i = e^(x_i - m) / Σ_j e^(x_j - m) with m = max_j x_j, which cancels and keeps e from overflowing.
    x: at least one axis; dim: the axis that sums to 1, from the end where negative. For logits (N, K) it is 1.
    A NaN or +∞ makes its own line NaN and no other.

    Raises DTypeError, ShapeError; ArgumentError for a dim that x does not have.  Source: torch.nn.functional.softmax.

    >>> softmax(np.log(np.array([[1.0, 2.0, 5.0]])), dim=1).round(3)
    array([[0.125, 0.25 , 0.625]])
    """
    x = check.float_array(x, "x", "softmax")
    axis = arguments.axis(dim, x, "softmax")
    y = np.empty(x.shape, x.dtype)
    if x.size == 0:  # no line has a maximum, and there is nothing to fill
        return y
    if x.size >= WORTH_A_KERNEL:
        return _shares(x, axis, y)
    with np.errstate(all="ignore"):
        np.subtract(x, x.max(axis=axis, keepdims=True), out=y)
        np.exp(y, out=y)
        return np.divide(y, y.sum(axis=axis, keepdims=True), out=y)


def _shares(x: np.ndarray, axis: int, y: np.ndarray) -> np.ndarray:
    """Fill y by kernels: lines along the last axis one by one, others side by side."""
    from minicnn.functional.smooth_kernel import shares_across, shares_along  # Numba loads here, not with the package

    before, after = math.prod(x.shape[:axis]), math.prod(x.shape[axis + 1 :])
    shape = (before, x.shape[axis], after)
    lines = plain(x).reshape(shape)
    with np.errstate(all="ignore"):
        tops = plain(lines.max(axis=1))
        if after == 1:
            run(shares_along, x.size, lines[..., 0], tops[:, 0], y.reshape(shape[:2]))
        else:
            run(shares_across, x.size, lines, tops, y.reshape(shape), max(64, PIECE // shape[1]))
    return y


def softmax_backward(grad_output, x, dim, *, output=None) -> np.ndarray:
    """Return the gradient of softmax by x.

    grad_x_i = y_i·(grad_output_i - Σ_j grad_output_j·y_j) with y = softmax(x, dim); it sums to 0 along dim.
    x: at least one axis, or None where output is given; output: softmax(x, dim), where it is at hand.
    grad_output, grad_x: x's shape.

    Raises DTypeError, ShapeError; ArgumentError for a dim that x does not have, or where both x and output are None.
    Source: torch.nn.functional.softmax; Bridle (1990).

    >>> softmax_backward(np.array([[4.0, 0.0, 0.0]]), np.array([[0.0, 0.0, -1000.0]]), dim=1)
    array([[ 1., -1., -0.]])
    """
    y, grad = output_and_gradient(
        lambda x: softmax(x, arguments.axis(dim, x, "softmax_backward")), grad_output, x, output, "softmax_backward"
    )
    axis = arguments.axis(dim, y, "softmax_backward")
    with np.errstate(all="ignore"):
        grad_x = np.multiply(grad, y, out=np.empty(y.shape, y.dtype))
        np.subtract(grad, grad_x.sum(axis=axis, keepdims=True), out=grad_x)
        return np.multiply(grad_x, y, out=grad_x)


def log_softmax(x, dim) -> np.ndarray:
    """Return the logarithm of softmax, with the digits that a share near 0 or 1 would have lost.

    y_i = x_i - m - log Σ_j e^(x_j - m) with m = max_j x_j
    x: at least one axis; dim: the axis along which e^y sums to 1, from the end where negative.
    A NaN or +∞ makes its own line NaN and no other.

    Raises DTypeError, ShapeError; ArgumentError for a dim that x does not have.  Source: torch.nn.functional.log_softmax.

    >>> log_softmax(np.array([[0.0, 0.0], [0.0, -1000.0]]), dim=1).round(4)
    array([[-6.931e-01, -6.931e-01],
           [ 0.000e+00, -1.000e+03]])
    """
    x = check.float_array(x, "x", "log_softmax")
    axis = arguments.axis(dim, x, "log_softmax")
    y = np.empty(x.shape, x.dtype)
    if x.size == 0:
        return y
    with np.errstate(all="ignore"):
        np.subtract(x, x.max(axis=axis, keepdims=True), out=y)
        total = np.exp(y).sum(axis=axis, keepdims=True)
        return np.subtract(y, np.log(total, out=total), out=y)


def log_softmax_backward(grad_output, x, dim, *, output=None) -> np.ndarray:
    """Return the gradient of log_softmax by x.

    grad_x_i = grad_output_i - e^(y_i)·Σ_j grad_output_j with y = log_softmax(x, dim); it sums to 0 along dim.
    x: at least one axis, or None where output is given; output: log_softmax(x, dim), where it is at hand.
    grad_output, grad_x: x's shape.

    Raises DTypeError, ShapeError; ArgumentError for a dim that x does not have, or where both x and output are None.
    Source: torch.nn.functional.log_softmax.

    >>> log_softmax_backward(np.array([[-1.0, 0.0]]), np.log(np.array([[0.25, 0.75]])), dim=1)   # of -log y_0
    array([[-0.75,  0.75]])
    """
    y, grad = output_and_gradient(
        lambda x: log_softmax(x, arguments.axis(dim, x, "log_softmax_backward")), grad_output, x, output, "log_softmax_backward"
    )
    axis = arguments.axis(dim, y, "log_softmax_backward")
    with np.errstate(all="ignore"):
        grad_x = np.exp(y, out=np.empty(y.shape, y.dtype))
        np.multiply(grad_x, grad.sum(axis=axis, keepdims=True), out=grad_x)
        return np.subtract(grad, grad_x, out=grad_x)
