"""Which question: how is a map drawn at another size by the rules of other frameworks?

Idea: what differs between frameworks is where an output lies among the inputs (six conventions), and which way half a cell is
rounded (four).  axis.Resampled says both as exact fractions; the machinery of resize.py mixes and collects.

Cost: that of resize.py.  When it loses: interpolate has PyTorch's own two conventions under PyTorch's names.
What it does not do: cubic, antialias, exclude_outside, crop_and_resize, axes other than rows and columns.
Source: ONNX's Resize, versions 10 to 19, with its coordinate_transformation_mode and nearest_mode.  Next room: fold.py.
"""

from fractions import Fraction
from itertools import count

import numpy as np

from minicnn import check
from minicnn.axis import ROUNDINGS, Resampled, ratio
from minicnn.errors import ArgumentError, ShapeError
from minicnn.functional import arguments
from minicnn.functional.resize import by_rules, collected_along

__all__ = ["resample", "resample_backward"]

MODES = ("nearest", "linear")
COORDINATES = ("half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_half_pixel_for_nn")
LARGEST = 2**31


def resample(x, out=None, mode="nearest", coordinates="half_pixel", rounding="round_prefer_floor", scales=None) -> np.ndarray:
    """Return x at another size, output (p, q) taken from the place in x that `coordinates` says.

    axis.Resampled lists the places.  mode: "nearest" takes the input that the place is rounded to, by `rounding` ("round_prefer_floor",
    "round_prefer_ceil", "floor", "ceil"); "linear" mixes the up to four around it by distance.  A place outside is moved to the edge.
    x: (N, C, H, W) or (C, H, W), float32 or float64, the same out.  out: a number or (rows, columns); or scales: the same, and
    rows = floor(H·scale); with both, out is the size and scales are what places are worked out from.

    Raises ShapeError, DTypeError, ArgumentError.  Source: ONNX's Resize.

    >>> resample(np.array([[[1.0, 2.0, 3.0]]]), (1, 2)), resample(np.array([[[0.0, 4.0]]]), scales=(1, 2), mode="linear")
    (array([[[1., 3.]]]), array([[[0., 1., 3., 4.]]]))
    """
    batch, unbatched = check.image_batch(x, "resample")
    y = by_rules(batch, rules_for(batch.shape[2:], settings(out, mode, coordinates, rounding, scales, "resample"), "resample"))
    return y[0] if unbatched else y


def resample_backward(
    grad_output, x, out=None, mode="nearest", coordinates="half_pixel", rounding="round_prefer_floor", scales=None
) -> np.ndarray:
    """Return the gradient of Σ grad_output·resample(x, …) by x: every input collects from the outputs that it was mixed into.

    grad_x[h, w] = Σ_p Σ_q (weight of row h in row p)·(weight of column w in column q)·grad_output[p, q], with resample's weights.
    x: the array or its shape, only this counts; grad_output: the shape of the output; grad_x: x's.

    Raises ShapeError, DTypeError, ArgumentError.  Source: ONNX's Resize.

    >>> resample_backward(np.array([[[1.0, 1.0, 1.0, 10.0]]]), (1, 1, 2), (1, 4), "linear")           # weights 1, 3/4, 1/4, 0
    array([[[ 2., 11.]]])
    """
    what = "resample_backward"
    shape, unbatched = arguments.image_shape(x, what)
    rules = rules_for(shape[2:], settings(out, mode, coordinates, rounding, scales, what), what)
    result = (*shape[:2], *(rule.out for rule in rules))
    grad = arguments.gradient(grad_output, result[unbatched:], what, **arguments.arrays_among(x=x))
    grad = grad[None] if unbatched else grad
    for axis, rule in zip((3, 2), reversed(rules), strict=True):  # the way back: columns, then rows
        grad = collected_along(grad, rule, shape[axis], axis)
    return grad[0] if unbatched else grad


def settings(out, mode, coordinates, rounding, scales, what: str) -> dict:
    """Return the settings of resample, checked: out and scales as pairs or None."""
    check.one_of(mode, "mode", what, MODES)
    check.one_of(coordinates, "coordinates", what, COORDINATES)
    check.one_of(rounding, "rounding", what, tuple(ROUNDINGS))
    if out is None and scales is None:
        raise ArgumentError(f"{what}: give out=(rows, columns), the size, or scales=2, how many times, but both are None.")
    out = None if out is None else check.pair(out, "out", what, 1)
    if scales is not None:
        scales = scales.tolist() if isinstance(scales, np.ndarray) else scales
        scales = scales if isinstance(scales, list | tuple) else (scales, scales)
        scales = tuple(arguments.real(scale, "scales", what) for scale in scales)
        if len(scales) != 2 or not all(0 < scale < LARGEST for scale in scales):
            raise ArgumentError(f"{what}: scales is a positive number or a pair (vertical, horizontal) of them, but it is {scales!r}.")
    return {"out": out, "mode": mode, "coordinates": coordinates, "rounding": rounding, "scales": scales}


def rules_for(in_size: tuple[int, int], given: dict, what: str) -> tuple[Resampled, Resampled]:
    """Return the rules for rows and columns of an input of this size, from checked settings."""
    scales = (None, None) if given["scales"] is None else tuple(map(exact, given["scales"]))
    out = given["out"] or tuple(n * scale.numerator // scale.denominator for n, scale in zip(in_size, scales, strict=True))
    if 0 in out:
        raise ShapeError(
            f"{what}: something must come out, but floor({in_size[0]} · {given['scales'][0]}) × floor({in_size[1]} · {given['scales'][1]}) = "
            f"{out[0]} × {out[1]}; use larger scales."
        )
    rows, columns = (
        Resampled(size, given["mode"], given["coordinates"], given["rounding"], scale) for size, scale in zip(out, scales, strict=True)
    )
    return rows, columns


def exact(scale: float) -> Fraction:
    """Return the simple fraction that a scale stands for: files hold float32, where 0.6 is 0.60000002….

    >>> exact(0.6), exact(float(np.float32(0.6))), exact(1.5)
    (Fraction(3, 5), Fraction(3, 5), Fraction(3, 2))
    """
    if np.float32(scale) != scale:
        return ratio(scale)
    simple = (Fraction(scale).limit_denominator(10**digits) for digits in count())
    return next(fraction for fraction in simple if np.float32(float(fraction)) == np.float32(scale))
