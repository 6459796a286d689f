"""Which question: what are the mean and the spread of numbers taken together, and what goes back through them?

Idea: batch, layer and group norm differ in which numbers they take together; the arithmetic is one.
Sums are float64. The mean is taken off in x's dtype, by its nearest number `near` there; what that misses,
`left`, is carried along, so nothing cancels, however far from 0 the numbers lie.

    d = x - near     left = mean - near     variance = Σd²/n - left²     inverse = 1/√(variance + eps)
    x̂ = (d - left)·inverse,  y = x̂·w + b  →  h = g·w,  ∂x = inverse·(h - mean(h) - x̂·mean(h·x̂))

Cost: x is read twice and d written and read once; the gradient reads g twice and makes one more array.
Error: the mean is within n·2⁻⁵³ of the mean of |x|; each d is rounded once, which moves the variance by at
most one eps of x's dtype. Left alone: float64 numbers beyond 1e154, whose squares overflow.
What it does not do: decide which numbers go together; normalization.py, layer_norm.py and group_norm.py do.
Source: Chan, Golub & LeVeque, "Algorithms for computing the sample variance" (1983), the corrected two-pass
algorithm; Ioffe & Szegedy (2015), section 3, for the gradient.  Next room: normalization.py.
"""

import math

import numpy as np

from minicnn import check
from minicnn.errors import ArgumentError, ShapeError
from minicnn.functional import arguments


def total(*arrays: np.ndarray, over: tuple[int, ...]) -> np.ndarray:
    """Return Σ of the product of the arrays over some axes, in float64, those axes kept with length 1.

    >>> total(np.array([[1.0, 2.0], [3.0, 4.0]]), over=(1,))
    array([[3.],
           [7.]])
    """
    axes = list(range(arrays[0].ndim))
    operands = [part for array in arrays for part in (array, axes)]
    return np.expand_dims(np.einsum(*operands, [axis for axis in axes if axis not in over], dtype=np.float64), over)


def centred(x: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return x - near and mean - near, where near is the float64 mean in x's dtype."""
    near = mean.astype(x.dtype)
    return np.subtract(x, near, out=np.empty(x.shape, x.dtype)), mean - near


def moments(x: np.ndarray, over: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return d, left, the mean and the variance (divided by n) of the numbers along some axes.

    >>> d, left, mean, variance = moments(np.array([[1.0, 2.0, 6.0]]), over=(1,))
    >>> d.tolist(), mean.item(), round(variance.item(), 12)
    ([[-2.0, -1.0, 3.0]], 3.0, 4.666666666667)
    """
    n = math.prod(x.shape[axis] for axis in over)
    mean = total(x, over=over) / n
    d, left = centred(x, mean)
    variance = np.maximum(total(d, d, over=over) / n - left * left, 0)  # equal numbers may miss 0 by a rounding
    return d, left, mean, variance


def standardised(x: np.ndarray, over: tuple[int, ...], eps: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return d, left, the mean and 1/√(variance + eps) of the numbers along some axes."""
    d, left, mean, variance = moments(x, over)
    return d, left, mean, 1 / np.sqrt(variance + eps)


def restored(x: np.ndarray, over: tuple[int, ...], eps: float, saved, what: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return d, left and 1/√(variance + eps), from what was saved on the way forward or from x."""
    if saved is None:
        d, left, _, inverse = standardised(x, over, eps)
        return d, left, inverse
    kept = tuple(1 if axis in over else size for axis, size in enumerate(x.shape))
    mean, inverse = _checked(saved, kept, what)
    return *centred(x, mean), inverse


def _checked(saved, kept: tuple[int, ...], what: str) -> tuple[np.ndarray, np.ndarray]:
    """Return saved's mean and inverse deviation in float64 when there is one number for each group."""
    groups, remedy = math.prod(kept), "leave saved out, and both are measured again"
    if not isinstance(saved, tuple | list) or len(saved) != 2:
        raise ArgumentError(f"{what}: saved is the pair (mean, inverse deviation), but it is {type(saved).__name__}; {remedy}.")
    pair = [check.float_array(array, f"saved[{place}]", what) for place, array in enumerate(saved)]
    for place, array in enumerate(pair):
        if array.size != groups:
            raise ShapeError(
                f"{what}: saved[{place}] holds one number for each of the {groups} means of x, "
                f"but saved[{place}].shape={array.shape}; {remedy}."
            )
    mean, inverse = (array.astype(np.float64).reshape(kept) for array in pair)
    return mean, inverse


def line(d: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Turn d, which is the caller's own, into d·scale + shift; both are rounded to its dtype once."""
    np.multiply(d, scale.astype(d.dtype), out=d)
    return np.add(d, shift.astype(d.dtype), out=d)


def pulled_back(g, scale, d, left, inverse, mean_h, mean_hx) -> np.ndarray:
    """Return ∂x = g·scale - inverse·mean(h) - x̂·inverse·mean(h·x̂); d, which is the caller's own, becomes it.

    scale is inverse·w where g is the gradient by y, and inverse where it is h already.
    """
    slope = -inverse * inverse * mean_hx  # x̂ = (d - left)·inverse makes the last two terms one line in d
    line(d, slope, -inverse * mean_h - left * slope)
    return np.add(d, np.multiply(g, scale.astype(g.dtype)), out=d)


def checked_eps(eps, what: str) -> float:
    """Return eps when it is a number that is not negative."""
    eps = arguments.real(eps, "eps", what)
    if not eps >= 0:
        raise ArgumentError(f"{what}: eps must not be negative, since it keeps √(var + eps) from 0, but it is {eps}; usual is 1e-5.")
    return eps
