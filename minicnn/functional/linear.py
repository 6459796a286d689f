"""Which question: what is a weighted sum of all features?

Idea: y = x·Wᵀ + b, one matrix product of all rows at once. It is a convolution whose kernel covers the
whole map, and a 1×1 convolution is this at every position.

Cost: rows·in·out multiply-adds and one pass over the weight, which is what a single row waits for.
When it loses: on flattened maps the weight is most of the network (103 of VGG16's 138 million parameters are
one such layer).  What it does not do: gradients.
Source: torch.nn.functional.linear.  Next room: rearrange.py.
"""

import math

import numpy as np

from minicnn import check
from minicnn.errors import ShapeError

__all__ = ["linear"]


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
    _shapes_meet(x, weight, bias)
    leading = x.shape[:-1]
    rows = np.ascontiguousarray(x).reshape(math.prod(leading), x.shape[-1])  # one row per set of features
    with np.errstate(all="ignore"):
        y = rows @ weight.T  # (rows, out_features)
        if bias is not None:
            y += bias
    return y.reshape(*leading, len(weight))


def _shapes_meet(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None) -> None:
    if weight.ndim != 2 or 0 in weight.shape:
        raise ShapeError(f"linear: weight must be (out_features, in_features), none of them 0, but weight.shape={weight.shape}.")
    if x.ndim == 0:
        raise ShapeError("linear: x must be (…, in_features), but x.shape=() is a single number; use x.reshape(1).")
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
            f"linear: weight expects {in_features} features in the last axis but x has {x.shape[-1]} "
            f"(x.shape={x.shape}, weight.shape={weight.shape}). {remedy}"
        )
    if bias is not None and bias.shape != (out_features,):
        raise ShapeError(
            f"linear: bias must have one number per output feature, ({out_features},), but bias.shape={bias.shape}; "
            f"weight.shape={weight.shape} makes {out_features} of them."
        )
