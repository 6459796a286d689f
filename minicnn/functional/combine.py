"""Which question: how do two branches of a network come together?

Idea: add lays one map over the other, number by number (residual connections), or one number per channel over a
map (attention to channels); concat puts maps side by side along one axis (dense connections). Both ask for shapes
that meet exactly: NumPy's broadcasting would let a mistake pass as a larger result.

Cost: one pass over what comes in.  When it loses: concat copies, where a network could have written in place.
What it does not do: broadcasting of any other kind; gradients.
Source: He et al. (2016) for addition; Huang et al. (2017), DenseNet, for concatenation.  Next room: rearrange.py.
"""

import numpy as np

from minicnn import check
from minicnn.errors import ArgumentError, ShapeError
from minicnn.functional import arguments

__all__ = ["add", "concat"]


def add(x, y) -> np.ndarray:
    """Return x + y, for two arrays of one shape, or of which one holds a single number per channel.

    z[n,c,h,w] = x[n,c,h,w] + y[n,c,h,w]; a (N, C, 1, 1) or (1, C, 1, 1) array counts at every position,
    and so does (C, 1, 1) under one image (C, H, W).
    x, y: any one shape, float32 or float64, the same out.

    Raises ShapeError, DTypeError.  Source: torch.add, with less broadcasting.

    >>> add(np.array([1.0, 2.0]), np.array([10.0, 20.0]))
    array([11., 22.])
    """
    x, y = check.float_array(x, "x", "add"), check.float_array(y, "y", "add")
    check.same_dtype("add", x=x, y=y)
    if not (x.shape == y.shape or _per_channel(x, y) or _per_channel(y, x)):
        raise ShapeError(
            "add: x and y must have one shape, or one of them a single number per channel, (N, C, 1, 1) or (1, C, 1, 1), "
            f"but x.shape={x.shape} and y.shape={y.shape}. {_remedy(x, y)}"
        )
    with np.errstate(all="ignore"):
        return np.add(x, y, out=np.empty(x.shape if _per_channel(y, x) else y.shape, x.dtype))


def _per_channel(small: np.ndarray, large: np.ndarray) -> bool:
    """Whether small is (N, C, 1, 1) or (1, C, 1, 1) under the large (N, C, H, W), or (C, 1, 1) under one image."""
    if small.ndim != large.ndim or large.ndim not in (3, 4):
        return False
    if large.ndim == 3:
        return small.shape == (large.shape[0], 1, 1)
    return small.shape[0] in (1, large.shape[0]) and small.shape[1] == large.shape[1] and set(small.shape[2:]) == {1}


def _remedy(x: np.ndarray, y: np.ndarray) -> str:
    for name, vector, other in (("x", x, y), ("y", y, x)):
        if vector.ndim == 1 and other.ndim >= 3 and len(vector) == other.shape[1]:
            ones = ", 1" * (other.ndim - 2)
            return f"{name} looks like one number per channel: {name}.reshape(1, {len(vector)}{ones})."
    if x.ndim != y.ndim:
        return f"x has {x.ndim} axes and y has {y.ndim}: give both the same."
    axis = next(i for i in range(x.ndim) if x.shape[i] != y.shape[i])
    if axis == x.ndim - 3:
        return f"Axis {axis}, the channels, is {x.shape[1]} in x and {y.shape[1]} in y: bring one to the other's with a 1×1 convolution."
    return f"Axis {axis} is {x.shape[axis]} in x and {y.shape[axis]} in y: compare the strides and paddings of the two branches."


def concat(arrays, dim=1) -> np.ndarray:
    """Return the arrays one after the other along one axis, the channels unless said otherwise.

    y[:, c₀ : c₀ + C_k] = arrays[k], where c₀ counts the channels before it.
    arrays: a list or tuple of float32 or float64 arrays, the same out, of equal shapes except along dim.

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.cat, whose default is dim=0.

    >>> concat([np.zeros((1, 2, 4, 5)), np.zeros((1, 3, 4, 5))]).shape
    (1, 5, 4, 5)
    """
    if not isinstance(arrays, list | tuple) or not arrays:
        raise ArgumentError(f"concat: arrays must be a list of at least one array, but it is {_described(arrays)}; write concat([x, y]).")
    named = {f"arrays[{i}]": check.float_array(array, f"arrays[{i}]", "concat") for i, array in enumerate(arrays)}
    check.same_dtype("concat", **named)
    first = named["arrays[0]"]
    axis = arguments.axis(dim, first, "concat", of="arrays[0]")
    for name, array in named.items():
        same_axes = array.ndim == first.ndim
        if not same_axes or array.shape[:axis] != first.shape[:axis] or array.shape[axis + 1 :] != first.shape[axis + 1 :]:
            remedy = "crop, pad or resize one of them first." if same_axes else f"give both {first.ndim} axes, for one image {name}[None]."
            raise ShapeError(
                f"concat: shapes must be equal except along dim={axis}, but arrays[0].shape={first.shape} and {name}.shape={array.shape}; "
                + remedy
            )
    return np.concatenate(list(named.values()), axis=axis)


def _described(value) -> str:
    return "empty" if isinstance(value, list | tuple) else f"one {type(value).__name__}"
