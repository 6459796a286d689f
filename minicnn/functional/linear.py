"""Which question: what is a weighted sum of all features, and how does it change with each of them?

Idea: y = x·Wᵀ + b, one matrix product of all rows at once. It is a convolution whose kernel covers the
whole map, and a 1×1 convolution is this at every position.

The gradient is the same product twice more: grad·W spreads what is asked of each sum over its features,
gradᵀ·x collects it for each weight over all rows.

Cost: rows·in·out multiply-adds and one pass over the weight, which is what a single row waits for;
the gradient twice that.  float32 products of up to 2²² multiply-adds and eight rows or more run in the convolutions'
registers (conv/direct.py), which loads Numba, 0.5 s, once: BLAS would wake its threads.  The two sum in orders of
their own, so the last bits of a row may depend on how many rows stand beside it.
When it loses: on flattened maps the weight is most of the network (103 of VGG16's 138 million parameters are
one such layer).
Source: torch.nn.functional.linear.  Next room: rearrange.py.
"""

import math

import numpy as np

from minicnn import check
from minicnn.conv.dispatch import FEW_PRODUCTS
from minicnn.errors import ShapeError
from minicnn.functional import arguments

__all__ = ["linear", "linear_backward"]


FEW_ROWS = 16  # above, BLAS reuses what it loads more often
A_READ_EACH = 8  # a product takes as long as so many in registers, since its weight comes from memory


def linear(x, weight, bias=None) -> np.ndarray:
    """Return weighted sums of the last axis.

    y[…, k] = bias[k] + Σ_c weight[k, c]·x[…, c].
    x: (…, in_features); weight: (out_features, in_features); bias: (out_features,) or None; y: (…, out_features).
    float32 or float64, the same out and summed in it.

    Raises ShapeError, DTypeError.  Source: torch.nn.functional.linear.

    >>> linear(np.array([[1.0, 2.0]]), np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), np.array([0.0, 0.0, 10.0]))
    array([[ 1.,  2., 13.]])
    """
    x = check.float_array(x, "x", "linear")
    weight = check.float_array(weight, "weight", "linear")
    bias = None if bias is None else check.float_array(bias, "bias", "linear")
    check.same_dtype("linear", x=x, weight=weight, bias=bias)
    _shapes_meet("linear", x, weight, bias)
    rows = _rows(x)
    if rows.dtype == np.float32 and _fits_registers(len(rows), weight):
        from minicnn.conv.direct import products

        return products(rows, weight, bias).reshape(*x.shape[:-1], len(weight))
    if rows.dtype == np.float32 and 0 < len(rows) <= FEW_ROWS and len(weight) >= 4:
        return _few_rows(rows, weight, bias).reshape(*x.shape[:-1], len(weight))
    with np.errstate(all="ignore"):
        y = rows @ weight.T  # (rows, out_features)
        if bias is not None:
            y += bias
    return y.reshape(*x.shape[:-1], len(weight))


def linear_backward(grad_output, x, weight, *, needs=(True, True, True)) -> tuple[np.ndarray | None, np.ndarray | None, np.ndarray | None]:
    """Return the gradients of Σ grad_output·linear(x, weight, bias) by x, by weight and by bias.

    grad_x[…, c] = Σ_k grad_output[…, k]·weight[k, c];  grad_weight[k, c] = Σ_… grad_output[…, k]·x[…, c];
    grad_bias[k] = Σ_… grad_output[…, k], both sums over all leading axes.
    grad_output: (…, out_features); x: (…, in_features); weight: (out_features, in_features); each gradient has
    the shape of what it is the gradient by. float32 or float64, the same out and summed in it.
    needs: which of the three are computed; None stands in the place of the others.

    Raises ShapeError, DTypeError.  Source: torch.nn.functional.linear; Rumelhart, Hinton, Williams (1986).

    >>> x, weight = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[5.0, 6.0]])
    >>> for gradient in linear_backward(np.array([[1.0], [10.0]]), x, weight):
    ...     print(gradient.tolist())
    [[5.0, 6.0], [50.0, 60.0]]
    [[31.0, 42.0]]
    [11.0]
    """
    x = check.float_array(x, "x", "linear_backward")
    weight = check.float_array(weight, "weight", "linear_backward")
    check.same_dtype("linear_backward", x=x, weight=weight)
    _shapes_meet("linear_backward", x, weight, None)
    grad = _rows(arguments.gradient(grad_output, (*x.shape[:-1], len(weight)), "linear_backward", x=x))
    by_x, by_weight, by_bias = needs
    rows = _rows(x)
    small = rows.dtype == np.float32 and _fits_registers(len(rows), weight)
    with np.errstate(all="ignore"):
        grad_x = _grad_x(grad, weight, small).reshape(x.shape) if by_x else None
        grad_weight = _grad_weight(grad, rows, small) if by_weight else None
        grad_bias = grad.sum(axis=0) if by_bias else None
    return grad_x, grad_weight, grad_bias


def _few_rows(rows: np.ndarray, weight: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    """Return rows @ weight.T + bias by reading the weight once (linear_kernel.py)."""
    from minicnn.conv.algorithm import plain

    y = np.empty((len(rows), len(weight)), np.float32)
    bind_linear(len(rows), weight, bias)(plain(rows).reshape(-1), y.reshape(-1))
    return y


def bind_linear(rows: int, weight: np.ndarray, bias: np.ndarray | None):
    """Return fill(x, y), flat, that computes so many rows of linear(x, weight, bias) for float32; None where that is not the way."""
    if not 0 < rows <= FEW_ROWS or len(weight) < 4 or _fits_registers(rows, weight):
        return None
    from minicnn.conv.algorithm import LINE, bias_or_zeros, plain, scratch
    from minicnn.conv.jit.threads import workers_for
    from minicnn.functional.linear_kernel import rows_times_weight

    (outputs, features), numbers, added = weight.shape, plain(weight).reshape(-1), bias_or_zeros(bias, len(weight), np.float32)
    blocks, products = -(-outputs // 4), rows * weight.size * A_READ_EACH

    def fill(x, y):
        workers = workers_for(products)
        kernel = rows_times_weight if workers > 1 else rows_times_weight.alone
        kernel(workers, blocks, x, numbers, added, y, features, outputs, scratch(workers, 4 * LINE))

    return fill


def _grad_x(grad: np.ndarray, weight: np.ndarray, small: bool) -> np.ndarray:
    if not small:
        return grad @ weight
    from minicnn.conv.direct import products

    return products(grad, weight.T)


def _grad_weight(grad: np.ndarray, rows: np.ndarray, small: bool) -> np.ndarray:
    if not small:
        return grad.T @ rows  # BLAS reads the transposed matrix where it lies
    from minicnn.conv.gradient_weight import products_over_rows

    count, features = rows.shape
    return products_over_rows(grad.T, rows.reshape(-1), np.arange(count) * features, np.arange(features), 0, 0, 1, grad.shape[1], count)[0]


def _fits_registers(rows: int, weight: np.ndarray) -> bool:
    """Whether BLAS, which wakes its threads and lets them spin, would take longer than the kernels of the convolutions."""
    return rows >= 8 and rows * weight.size <= FEW_PRODUCTS


def _rows(array: np.ndarray) -> np.ndarray:
    """Return one row per set of features; a copy only where memory does not lie in order."""
    return np.ascontiguousarray(array).reshape(math.prod(array.shape[:-1]), array.shape[-1])


def _shapes_meet(what: str, x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None) -> None:
    if weight.ndim != 2 or 0 in weight.shape:
        raise ShapeError(f"{what}: weight must be (out_features, in_features), none of them 0, but weight.shape={weight.shape}.")
    if x.ndim == 0:
        raise ShapeError(f"{what}: x must be (…, in_features), but x.shape=() is a single number; use x.reshape(1).")
    out_features, in_features = weight.shape
    if x.shape[-1] != in_features:
        remedy = f"Give x that many, or build the layer for what x has, in_features={x.shape[-1]}."
        if x.ndim == 4:
            flat = math.prod(x.shape[1:])
            remedy = f"If x is a map, flatten it first: {'·'.join(map(str, x.shape[1:]))} = {flat} features, so in_features={flat}."
        if x.ndim > 2 and math.prod(x.shape[1:]) == in_features:
            remedy = f"{'·'.join(map(str, x.shape[1:]))} = {in_features}: flatten x first, flatten(x)."
        elif x.shape[-1] == out_features:
            remedy = "weight is (out_features, in_features): it may want weight.T."
        raise ShapeError(
            f"{what}: weight expects {in_features} features in the last axis but x has {x.shape[-1]} "
            f"(x.shape={x.shape}, weight.shape={weight.shape}). {remedy}"
        )
    if bias is not None and bias.shape != (out_features,):
        raise ShapeError(
            f"{what}: bias must have one number per output feature, ({out_features},), but bias.shape={bias.shape}; "
            f"weight.shape={weight.shape} makes {out_features} of them."
        )
