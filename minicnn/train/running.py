"""Which question: what is a sum, a running mean or a quotient, in memory of its own?

Idea: the expressions that optimizers are made of, each written into one new array, which is the only memory
it takes. Parameters may have any shape, () too, and come out as arrays.

Cost: two to four passes.  What it does not do: errors; the optimizer has asked its questions before.
Source: PyTorch's add, lerp and addcmul, which are these in place.  Next room: optimizer.py.
"""

import numpy as np


def in_dtypes_of(params, numbers: tuple[float, ...]) -> dict[np.dtype, tuple[np.ndarray, ...]]:
    """Return the numbers in every dtype that the parameters have; NumPy takes them twice as fast as Python's floats.

    >>> in_dtypes_of({"w": np.ones(3, np.float32)}, (0.5,))
    {dtype('float32'): (array(0.5, dtype=float32),)}
    """
    return {dtype: tuple(np.array(number, dtype) for number in numbers) for dtype in {array.dtype for array in params.values()}}


def added(x: np.ndarray, y: np.ndarray, factor) -> np.ndarray:
    """Return x + factor·y.

    >>> added(np.array([1.0]), np.array([4.0]), 0.5)
    array([3.])
    """
    z = np.multiply(y, factor, out=np.empty(y.shape, y.dtype))
    return np.add(x, z, out=z)


def moved_towards(mean: np.ndarray, value: np.ndarray, share) -> np.ndarray:
    """Return (1 - share)·mean + share·value, as the mean moved towards the value.

    >>> moved_towards(np.array([4.0]), np.array([8.0]), 0.25)
    array([5.])
    """
    z = np.subtract(value, mean, out=np.empty(mean.shape, mean.dtype))
    np.multiply(z, share, out=z)
    return np.add(mean, z, out=z)


def moved_towards_square(square: np.ndarray, value: np.ndarray, keep, share) -> np.ndarray:
    """Return keep·square + share·value²; nothing is subtracted, so infinity stays infinity.

    >>> moved_towards_square(np.array([4.0]), np.array([4.0]), 0.75, 0.25)
    array([7.])
    """
    z = np.multiply(value, value, out=np.empty(value.shape, value.dtype))
    np.multiply(z, share, out=z)
    return np.add(z, square * keep, out=z)


def quotient_by_root(mean: np.ndarray, square: np.ndarray, eps) -> np.ndarray:
    """Return mean / (√square + eps).

    >>> quotient_by_root(np.array([6.0]), np.array([4.0]), 1.0)
    array([2.])
    """
    z = np.sqrt(square, out=np.empty(square.shape, square.dtype))
    np.add(z, eps, out=z)
    return np.divide(mean, z, out=z)
