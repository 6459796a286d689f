"""Which question: how far from the right number may a sound implementation of an assignment be?

    |y - law| ≤ eps·m·s,   s from the sizes of the numbers that were summed, m from how many there were

Derivation.  A sum of T products in any order, bias included, errs by at most γ(T + 1)·Σ|x·w| (Higham 2002, equation 3.5), and so does
the grader's own, in float64: two such errors are within (T + 2)·eps·Σ|x·w| (conv/contract.py has the steps).  By Cauchy and Schwarz over
the window, Σ|x·w| ≤ ‖x_n‖₂·‖w_k‖₂, the norms of the whole image and the whole filter.

Those norms are also what an FFT's error is relative to: over L points it errs by at most (6.7 + 3.35·√taps)·log2(L) + T/2 + 5 in
eps·‖x_n‖₂·‖w_k‖₂ (Higham, theorem 24.2, and the same room).  So, for every order of summing and for the FFT together,

    m = T + 8 + (7 + 3.4·√taps)·log2(L)

It is no loose cloth: a case of float64 allows some 1e-13, so that a sum in float32 or float16 is seen.

Cost: a few norms.  What it does not do: whole-number cases, which are exact.  Source: Higham, Accuracy and Stability of Numerical
Algorithms (2002), chapters 3, 4 and 24.  Next room: accounts.py.
"""

from math import log2, prod, sqrt

import numpy as np

__all__ = ["factor", "mean_bound", "norm", "of_conv2d", "of_conv2d_backward", "rounding"]


def rounding(array: np.ndarray) -> float:
    """Return eps of an array's dtype: the step from 1 to the next number.

    >>> rounding(np.zeros(2, np.float32))
    1.1920928955078125e-07
    """
    return float(np.finfo(array.dtype).eps)


def norm(array: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """Return the 2-norm over some axes, in float64.

    >>> norm(np.array([[3.0, 4.0], [0.0, 1.0]]), (1,))
    array([5., 1.])
    """
    return np.sqrt((array.astype(np.float64) ** 2).sum(axis=axes))


def factor(terms: int, taps: int, points: int) -> float:
    """Return m = terms + 8 + (7 + 3.4·√taps)·log2(points): a sum of `terms` products in any order, or by an FFT over `points`.

    >>> factor(terms=9, taps=4, points=32)
    86.0
    """
    return terms + 8 + (7 + 3.4 * sqrt(taps)) * log2(max(points, 2))


def of_conv2d(arguments) -> np.ndarray:
    """Return the bound of conv2d(x, weight, bias, …) for every image and filter: eps·m·(‖x_n‖₂·‖w_k‖₂ + |b_k|), (N, K, 1, 1).

    >>> of_conv2d({"x": np.ones((1, 1, 2, 2)), "weight": np.ones((3, 1, 1, 1)), "bias": np.zeros(3), "padding": (0, 0)}).shape
    (1, 3, 1, 1)
    """
    x, weight, bias = arguments["x"], arguments["weight"], arguments["bias"]
    scale = norm(x, (1, 2, 3))[:, None] * norm(weight, (1, 2, 3)) + np.abs(bias.astype(np.float64))
    m = factor(prod(weight.shape[1:]) + 1, prod(weight.shape[2:]), _points(arguments))
    return (rounding(x) * m * scale)[:, :, None, None]


def of_conv2d_backward(arguments) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the bounds of (grad_x, grad_weight, grad_bias), each a sum of products with grad_output g.

    grad_x[n,c]: ‖g_n‖₂·‖w_c‖₂ over K·kh·kw products;  grad_weight[k,c]: ‖g_k‖₂·‖x_c‖₂ over N·P·Q;  grad_bias[k]: Σ|g_k| over N·P·Q.

    >>> g, x, w = np.ones((2, 1, 1, 1)), np.ones((2, 3, 2, 2)), np.ones((1, 3, 2, 2))
    >>> [b.shape for b in of_conv2d_backward({"grad_output": g, "x": x, "weight": w, "padding": (0, 0)})]
    [(2, 3, 1, 1), (1, 3, 1, 1), (1,)]
    """
    grad, x, weight = arguments["grad_output"], arguments["x"], arguments["weight"]
    (N, K, P, Q), kernel, points, eps = grad.shape, prod(weight.shape[2:]), _points(arguments), rounding(x)
    by_x = norm(grad, (1, 2, 3))[:, None] * norm(weight, (0, 2, 3))
    by_weight = norm(grad, (0, 2, 3))[:, None] * norm(x, (0, 2, 3))
    by_bias = np.abs(grad.astype(np.float64)).sum(axis=(0, 2, 3))
    return (
        (eps * factor(K * kernel, kernel, points) * by_x)[:, :, None, None],
        (eps * factor(N * P * Q, P * Q, points) * by_weight)[:, :, None, None],
        eps * (N * P * Q + 8) * by_bias,
    )


def mean_bound(x: np.ndarray) -> np.ndarray:
    """Return the bound of any mean over cells of a plane: eps·4·(H·W + 8)·Σ|x|, (N, C, 1, 1).

    It covers every order, and a table of running sums: four corners, each a sum of at most H·W numbers.

    >>> bool(mean_bound(np.ones((1, 1, 2, 2)))[0, 0, 0, 0] == 4 * 12 * 4 * np.finfo(float).eps)
    True
    """
    cells = x.shape[2] * x.shape[3]
    return rounding(x) * 4 * (cells + 8) * np.abs(x.astype(np.float64)).sum(axis=(2, 3), keepdims=True)


def _points(arguments) -> int:
    """The points of an FFT of the padded image with room for the kernel, each axis rounded up to a power of two."""
    dilation = arguments.get("dilation", (1, 1))
    axes = zip(arguments["x"].shape[2:], arguments["padding"], arguments["weight"].shape[2:], dilation, strict=True)
    return prod(2 * (n + 2 * p + d * (k - 1) + 1) for n, p, k, d in axes)
