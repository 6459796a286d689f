"""Which question: is this number a number, which axis does this `dim` mean, and does this gradient fit?

Idea: the checks that only the operations of this room ask; everything else is in minicnn/check.py.
Each returns the value in its plain form or raises an error with rule, received and remedy.

Cost: nothing.  What it does not do: ranges; the operation that has one says why.
Source: PyTorch's documentation (a negative dim counts from the end).  Next room: taps.py.
"""

import numbers
import operator

import numpy as np

from minicnn import check
from minicnn.errors import ArgumentError, ShapeError


def real(value, name: str, what: str) -> float:
    """Return value as a Python float.

    >>> real(1, "eps", "batch_norm")
    1.0
    """
    if isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_):
        return float(value)
    raise ArgumentError(f"{what}: {name} must be a real number, but it is {value!r}; pass a float.")


def axis(dim, array, what: str, *, name: str = "dim", of: str = "x") -> int:
    """Return the axis 0 … ndim - 1 of an array (or of its shape) that `dim` means, where -1 is the last.

    >>> axis(-1, np.zeros((2, 3, 4)), "softmax"), axis(-1, (2, 3, 4), "softmax_backward")
    (2, 2)
    """
    shape = tuple(getattr(array, "shape", array))
    if not shape:
        raise ShapeError(f"{what}: {of} needs at least one axis, but {of}.shape=() is a single number; use {of}.reshape(1).")
    try:
        number = None if isinstance(dim, bool | np.bool_) else operator.index(dim)
    except TypeError:
        number = None
    if number is None:
        raise ArgumentError(f"{what}: {name} must be a whole number, but it is {dim!r}; the channels of (N, C, H, W) are {name}=1.")
    if not -len(shape) <= number < len(shape):
        raise ArgumentError(
            f"{what}: {name} must be between {-len(shape)} and {len(shape) - 1} for the {len(shape)} axes of "
            f"{of}.shape={shape}, but it is {number}."
        )
    return number % len(shape)


def gradient(grad_output, shape: tuple[int, ...], what: str, **arrays) -> np.ndarray:
    """Return grad_output when it has the shape of the operation's output and the dtype of `arrays`.

    >>> gradient(np.ones((2, 3)), (2, 3), "relu_backward", x=np.ones((2, 3))).shape
    (2, 3)
    """
    grad = check.float_array(grad_output, "grad_output", what)
    check.same_dtype(what, **arrays, grad_output=grad)
    if grad.shape != tuple(shape):
        came = f"{what.removesuffix('_backward')} returns {tuple(shape)} here"
        remedy = "use the gradient of a loss by that output"
        if grad.size == int(np.prod(shape)):
            remedy = f"it holds as many numbers: grad_output.reshape({tuple(shape)})"
        elif grad.ndim == 0:
            remedy = f"for the gradient of the sum of all outputs pass np.full({tuple(shape)}, grad_output)"
        raise ShapeError(f"{what}: grad_output must have the output's shape, {came}, but grad_output.shape={grad.shape}; {remedy}.")
    return grad


def shape_of(x, what: str, name: str = "x") -> tuple[int, ...]:
    """Return the shape of x, which may be the array or (where only its shape counts) the shape itself.

    >>> shape_of(np.ones((2, 3)), "flatten_backward"), shape_of((2, 3), "flatten_backward")
    ((2, 3), (2, 3))
    """
    if isinstance(x, tuple | list):
        return tuple(check.integer(size, f"{name}[{axis}]", what, 0) for axis, size in enumerate(x))
    return check.float_array(x, name, what).shape


def arrays_among(**given) -> dict[str, np.ndarray]:
    """Return those of the arguments that are arrays and not shapes, for `gradient` to compare dtypes.

    >>> list(arrays_among(x=np.ones(2), y=(2,)))
    ['x']
    """
    return {name: value for name, value in given.items() if isinstance(value, np.ndarray)}


def image_shape(x, what: str) -> tuple[tuple[int, ...], bool]:
    """Return the shape of x (an array or its shape) as (N, C, H, W), and whether the batch axis was added.

    >>> image_shape((3, 4, 5), "pad_backward")
    ((1, 3, 4, 5), True)
    """
    stand_in = np.broadcast_to(np.float32(0), shape_of(x, what))  # one number in memory, so that both are checked in one wording
    batch, unbatched = check.image_batch(stand_in, what)
    return batch.shape, unbatched
