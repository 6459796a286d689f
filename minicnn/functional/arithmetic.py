"""Which question: what do +, -, ·, /, power, maximum and minimum of two arrays give, and what comes back to each?

Idea: a table.  A row is an operation: its function of two arrays that broadcasting has laid over each other, and its two
derivatives, each times what came back.  A new operation is a row.

    add x + y   sub x - y   mul x·y   div x/y   pow x^y   max, min of the two

Whole numbers (int64) stay whole numbers: a quotient is cut off towards 0, and a negative power is refused.
Cost: one pass over memory a function, one to four a derivative.  When it loses: functional.add, which takes no broadcasting
but one number per channel, is quicker on large maps (its kernel uses all cores).
What it does not do: check shapes and dtypes; layers/arithmetic.py does.
Source: ONNX's operators Add, Sub, Mul, Div, Pow, Max, Min; torch.autograd for ties and for powers of 0.
Next room: elementwise.py.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from minicnn.errors import ArgumentError

Array = np.ndarray


class Operation(NamedTuple):
    """One row: x, y → value, and (grad, x, y) → what comes back to x, and to y.

    A derivative that reads no array (add's) is given None for both, one that reads the other operand only that one.
    """

    value: Callable[[Array, Array], Array]
    by_x: Callable
    by_y: Callable
    by_x_reads: str = "xy"  # which operands the derivative by x reads: "", "y" or "xy"
    by_y_reads: str = "xy"  # and the derivative by y: "", "x" or "xy"


def divided(x: Array, y: Array) -> Array:
    """Return x/y, of whole numbers cut off towards 0.

    >>> divided(np.array([7, -7]), np.array([2, 2])), divided(np.array([7.0]), np.array([2.0]))
    (array([ 3, -3]), array([3.5]))
    """
    if x.dtype.kind == "f":
        return np.divide(x, y)
    if not np.all(y):
        raise ArgumentError("Arithmetic: a whole number cannot be divided by 0, but y holds one; convert both to float32 first.")
    quotient = np.floor_divide(x, y)
    return quotient + ((quotient < 0) & (quotient * y != x))


def raised(x: Array, y: Array) -> Array:
    """Return x to the power of y in x's dtype, whatever that of y.

    >>> raised(np.array([2.0, 3.0]), np.array([2, 3])), raised(np.array([4, 3]), np.array([0.5, 2.0]))
    (array([ 4., 27.]), array([2, 9]))
    """
    if x.dtype.kind == "f":
        return np.power(x, y.astype(x.dtype, copy=False))
    if y.dtype.kind == "f":
        return np.power(x.astype(np.float64), y).astype(x.dtype)
    if np.any(y < 0):
        raise ArgumentError(
            f"Arithmetic: a whole number has no negative power among whole numbers, but y holds {y.min()}; convert x to float32 first."
        )
    return np.power(x, y)


def _power_by_x(grad: Array, x: Array, y: Array) -> Array:
    y = y.astype(x.dtype, copy=False)
    return grad * np.where(y == 0, 0, y * np.power(x, y - 1)).astype(x.dtype, copy=False)


def _power_by_y(grad: Array, x: Array, y: Array) -> Array:
    y = y.astype(x.dtype, copy=False)
    return np.where((x == 0) & (y >= 0), x.dtype.type(0), grad * (np.power(x, y) * np.log(x)))


def _chosen(grad: Array, own: Array, other: Array, loses: Callable) -> Array:
    """Return what comes back to one side of a maximum or minimum: half of it where the two are equal, nothing where it lost."""
    shared = np.where(own == other, grad / 2, grad)
    return np.where(loses(own, other), grad.dtype.type(0), shared)


OPERATIONS = {
    "add": Operation(np.add, lambda g, x, y: g, lambda g, x, y: g, "", ""),
    "sub": Operation(np.subtract, lambda g, x, y: g, lambda g, x, y: -g, "", ""),
    "mul": Operation(np.multiply, lambda g, x, y: g * y, lambda g, x, y: g * x, "y", "x"),
    "div": Operation(divided, lambda g, x, y: g / y, lambda g, x, y: -g * (x / y) / y, "y"),
    "pow": Operation(raised, _power_by_x, _power_by_y),
    "max": Operation(np.maximum, lambda g, x, y: _chosen(g, x, y, np.less), lambda g, x, y: _chosen(g, y, x, np.less)),
    "min": Operation(np.minimum, lambda g, x, y: _chosen(g, x, y, np.greater), lambda g, x, y: _chosen(g, y, x, np.greater)),
}
