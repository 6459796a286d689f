"""Which question: how is a small array laid over a large one, and what comes back to it?

Idea: axes meet from the last one on; where one of the two has length 1 its number stands for all, and axes that are missing in
front count as 1.  On the way back a number collects the sum of what came to all its copies.

Cost: none forward, since NumPy repeats without copying; a sum on the way back.
When it loses: a mistake in a shape may pass as a larger result, which is why functional.add takes one number per channel only.
Source: NumPy's and ONNX's "Broadcasting".  Next room: arithmetic.py.
"""

import numpy as np

from minicnn.errors import ShapeError

Shape = tuple[int, ...]


def broadcast_shape(x: Shape, y: Shape, what: str, names: tuple[str, str] = ("x", "y")) -> Shape:
    """Return the shape of arrays of two shapes laid over each other.

    >>> broadcast_shape((2, 3, 1, 5), (3, 4, 1), "Arithmetic")
    (2, 3, 4, 5)
    """
    rank = max(len(x), len(y))
    result = []
    for axis, (a, b) in enumerate(zip(*((1,) * (rank - len(shape)) + tuple(shape) for shape in (x, y)), strict=True)):
        if a != b and 1 not in (a, b):
            raise ShapeError(
                f"{what}: axes meet from the last one on and must be equal or 1, but {names[0]}.shape={tuple(x)} and "
                f"{names[1]}.shape={tuple(y)} have {a} and {b} at axis {axis - rank}; reshape, slice or pad one of them."
            )
        result.append(b if a == 1 else a)
    return tuple(result)


def summed_to(shape: Shape, grad: np.ndarray) -> np.ndarray:
    """Return what comes back to an array of this shape: grad itself, or its sums where the array was laid over more.

    >>> summed_to((3, 1), np.ones((2, 3, 4)))
    array([[8.],
           [8.],
           [8.]])
    """
    if grad.shape == tuple(shape):
        return grad
    new = grad.ndim - len(shape)
    stretched = tuple(axis for axis, n in enumerate(grad.shape) if axis < new or shape[axis - new] != n)
    with np.errstate(all="ignore"):
        return grad.sum(axis=stretched, keepdims=True).reshape(shape)
