"""Which question: what is the product of two matrices, or of two stacks of them, and what comes back to each?

Idea: BLAS, through NumPy.  The last two axes are the matrices, the axes before them are laid over each other as in broadcasting, and
an array of one axis is a row on the left and a column on the right.  Back to each side goes the gradient times the other,
turned over, summed over the matrices that it was laid over.

    y = x·w      ∂x = grad·wᵀ      ∂w = xᵀ·grad

Cost: m·k·n products for (m, k)·(k, n), twice that on the way back.  When it loses: a weight that stays the same is quicker in
linear.py where rows are few.  What it does not do: whole numbers, which layers/matmul.py gives to NumPy as they are.
Source: torch.matmul; ONNX's MatMul.  Next room: local_response_norm.py.
"""

import numpy as np

from minicnn import check
from minicnn.errors import ShapeError
from minicnn.functional import arguments
from minicnn.functional.broadcast import broadcast_shape, summed_to

__all__ = ["matmul", "matmul_backward"]

Shape = tuple[int, ...]


def matmul(x, y) -> np.ndarray:
    """Return the matrix product of x and y, over all axes before the last two.

    z[…, i, j] = Σ_k x[…, i, k]·y[…, k, j].  x: (…, m, k) or (k,); y: (…, k, n) or (k,); z: (…, m, n), without the axis of an operand
    that has only one. float32 or float64, the same out and summed in it.

    Raises ShapeError, DTypeError.  Source: torch.matmul.

    >>> matmul(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]))
    array([[11.]])
    """
    x, y = _checked(x, y, "matmul")
    with np.errstate(all="ignore"):
        return np.asarray(np.matmul(x, y))


def matmul_backward(grad_output, x, y, *, needs=(True, True)) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return the gradients of Σ grad_output·matmul(x, y) by x and by y.

    grad_x[…, i, k] = Σ_j grad_output[…, i, j]·y[…, k, j] and grad_y[…, k, j] = Σ_i x[…, i, k]·grad_output[…, i, j], each summed
    over the matrices that the operand was laid over, and of the shape of its operand.
    needs: which of the two are computed; None stands in the place of the other.

    Raises ShapeError, DTypeError.  Source: torch.matmul.

    >>> matmul_backward(np.array([[1.0]]), np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]))
    (array([[3., 4.]]), array([[1.],
           [2.]]))
    """
    what = "matmul_backward"
    x, y = _checked(x, y, what)
    grad = arguments.gradient(grad_output, product_shape(x.shape, y.shape, what), what, x=x)
    rows = x[None] if x.ndim == 1 else x
    columns = y[:, None] if y.ndim == 1 else y
    if x.ndim == 1:
        grad = np.expand_dims(grad, -1 if y.ndim == 1 else -2)
    if y.ndim == 1:
        grad = np.expand_dims(grad, -1)
    with np.errstate(all="ignore"):
        by_x = summed_to(rows.shape, np.matmul(grad, np.swapaxes(columns, -1, -2))).reshape(x.shape) if needs[0] else None
        by_y = summed_to(columns.shape, np.matmul(np.swapaxes(rows, -1, -2), grad)).reshape(y.shape) if needs[1] else None
    return by_x, by_y


def product_shape(x: Shape, y: Shape, what: str, names: tuple[str, str] = ("x", "y")) -> Shape:
    """Return the shape of the product of arrays of two shapes.

    >>> product_shape((2, 3, 4), (4, 5), "matmul"), product_shape((4,), (2, 4, 5), "matmul")
    ((2, 3, 5), (2, 5))
    """
    given = f"{names[0]}.shape={tuple(x)} and {names[1]}.shape={tuple(y)}"
    if not x or not y:
        raise ShapeError(f"{what}: both need at least one axis, but {given}; a single number is multiplied by *.")
    inner, along = x[-1], y[-2] if len(y) > 1 else y[0]
    if inner != along:
        axis = "second last" if len(y) > 1 else "only"
        raise ShapeError(
            f"{what}: the last axis of {names[0]} and the {axis} axis of {names[1]} are summed over and must be equal, but they have "
            f"{inner} and {along} ({given})."
            + (f" Turn {names[1]} over: its last axis has {inner}." if len(y) > 1 and y[-1] == inner else "")
        )
    outer = broadcast_shape(x[:-2], y[:-2], f"{what}: before the last two", names)
    return (*outer, *(x[-2:-1] if len(x) > 1 else ()), *(y[-1:] if len(y) > 1 else ()))


def _checked(x, y, what: str) -> tuple[np.ndarray, np.ndarray]:
    x, y = check.float_array(x, "x", what), check.float_array(y, "y", what)
    check.same_dtype(what, x=x, y=y)
    product_shape(x.shape, y.shape, what)
    return x, y
