"""Which question: how is a map drawn at another size?

Idea: every output lies somewhere between input positions. 'nearest' copies the one it falls on; 'bilinear' mixes the
two on either side by distance, first over rows, then over columns. window.py's Resize gives inputs and
weights as exact fractions; a weight that is 0 is not multiplied, so a NaN stays where it is seen.

Cost: about four multiply-adds per output for 'bilinear', none for 'nearest'; the weights are O(out_h + out_w).
When it loses: making a map much smaller looks at two inputs per axis only and skips the rest (average pooling
does not).  What it does not do: bicubic, area, antialias, gradients; PyTorch's use of a fractional scale_factor
for the positions (here the two sizes decide, as with its recompute_scale_factor=True).
Source: torch.nn.functional.interpolate.  Next room: transposed.py.
"""

import math
import sys

import numpy as np

from minicnn import check
from minicnn.axis import Resize
from minicnn.errors import ArgumentError, ShapeError
from minicnn.functional import arguments

__all__ = ["interpolate"]

MODES = ("nearest", "bilinear")


def interpolate(x, size=None, scale_factor=None, mode="nearest", align_corners=None) -> np.ndarray:
    """Return x at another size.

    nearest: y[p, q] = x[floor(p·H/P), floor(q·W/Q)].  bilinear: y[p, q] = Σ of the up to four inputs around
    ((2p+1)·H/(2P) - 1/2, (2q+1)·W/(2Q) - 1/2), or around (p·(H-1)/(P-1), q·(W-1)/(Q-1)) with align_corners, by distance.
    x: (N, C, H, W) or (C, H, W), float32 or float64, the same out; size: a number or (P, Q); or scale_factor: a number
    or a pair, P = floor(H·scale). align_corners belongs to 'bilinear' and is False where None.

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.nn.functional.interpolate.

    >>> interpolate(np.array([[[0.0, 4.0]]]), size=(1, 4), mode="bilinear")
    array([[[0., 1., 3., 4.]]])
    """
    batch, unbatched = check.image_batch(x, "interpolate")
    mode = check.one_of(mode, "mode", "interpolate", MODES)
    if align_corners is not None and mode == "nearest":
        raise ArgumentError("interpolate: align_corners belongs to mode='bilinear', but mode is 'nearest'; leave align_corners out.")
    y = batch
    for axis, out in zip((2, 3), _output_size(batch.shape[2:], size, scale_factor), strict=True):
        y = _resized_along(y, Resize(out, mode, bool(align_corners)), axis)
    return y[0] if unbatched else y


def _output_size(in_size: tuple[int, int], size, scale_factor) -> tuple[int, int]:
    if (size is None) == (scale_factor is None):
        raise ArgumentError(
            f"interpolate: give one of size and scale_factor, but size is {size!r} and scale_factor is {scale_factor!r}; leave one out."
        )
    if size is not None:
        return check.pair(size, "size", "interpolate", 1)
    factors = scale_factor if isinstance(scale_factor, list | tuple) else (scale_factor, scale_factor)
    if len(factors) != 2:
        raise ArgumentError(f"interpolate: scale_factor must be one number or a pair (vertical, horizontal), but it is {scale_factor!r}.")
    rows, columns = (_scaled(n, factor) for n, factor in zip(in_size, factors, strict=True))
    return rows, columns


def _scaled(n: int, factor) -> int:
    factor = arguments.real(factor, "scale_factor", "interpolate")
    if not 0 < factor < math.inf:
        raise ArgumentError(f"interpolate: scale_factor must be positive and finite, but it is {factor}; 2.0 doubles, 0.5 halves.")
    product = n * factor
    if product < 1 or product > sys.maxsize:
        raise ShapeError(
            f"interpolate: an output needs at least 1 position and a size that memory has, but {n}·{factor} = {product:g}; "
            "use another scale_factor."
        )
    return math.floor(product)


def _resized_along(x: np.ndarray, rule: Resize, axis: int) -> np.ndarray:
    """Return x resized along one axis."""
    n = x.shape[axis]
    taps = [rule.taps(i, n) for i in range(rule.out_size(n))]
    y = x.take([inputs[0][0] for inputs in taps], axis=axis)
    mixed = [i for i, inputs in enumerate(taps) if len(inputs) == 2]  # the others are plain copies
    if mixed:
        here = _weights([inputs[0][1] for inputs in taps], y, axis)
        there = _weights([taps[i][1][1] for i in mixed], y, axis)
        with np.errstate(all="ignore"):
            y *= here
            y[(slice(None),) * axis + (mixed,)] += x.take([taps[i][1][0] for i in mixed], axis=axis) * there
    return y


def _weights(fractions: list, y: np.ndarray, axis: int) -> np.ndarray:
    """Return one weight per position of the axis, shaped to lie along it."""
    return np.array([float(fraction) for fraction in fractions], y.dtype).reshape((-1,) + (1,) * (y.ndim - axis - 1))
