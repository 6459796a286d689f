"""Which question: how are channels brought to a common mean and spread, once the network is trained?

Idea: with the statistics fixed, (x - mean) / √(var + eps) · weight + bias is a straight line per channel:
one scale and one shift, worked out in float64 from C numbers and rounded once. The map is then read once,
multiplied and added to.

Cost: N·C·H·W multiply-adds, two passes over memory; folded into the convolution before it, none.
When it loses: where |mean| is many times the spread, x·scale and shift nearly cancel and the last
digits go, by about eps·|mean|·scale.  What it does not do: batch statistics (training), gradients.
Source: Ioffe & Szegedy (2015), "Batch normalization", algorithm 2.  Next room: linear.py.
"""

import numpy as np

from minicnn import check
from minicnn.errors import ArgumentError, ShapeError
from minicnn.functional import arguments

__all__ = ["batch_norm"]


def batch_norm(x, running_mean, running_var, weight=None, bias=None, *, eps=1e-5) -> np.ndarray:
    """Return x with every channel normalised by its running statistics.

    y[n,c,…] = (x[n,c,…] - running_mean[c]) / √(running_var[c] + eps) · weight[c] + bias[c],
    computed as scale[c]·x + shift[c]; weight is 1 and bias 0 where None.
    x: (N, C) or (N, C, …), float32 or float64, the same out; running_mean, running_var, weight, bias: (C,).

    Raises ShapeError, DTypeError; ArgumentError for an eps that is negative.
    Source: torch.nn.functional.batch_norm with training=False.

    >>> x = np.array([[1.0, 10.0], [3.0, 30.0]])
    >>> batch_norm(x, np.array([2.0, 20.0]), np.array([1.0, 100.0]), eps=0.0)
    array([[-1., -1.],
           [ 1.,  1.]])
    """
    x = check.float_array(x, "x", "batch_norm")
    given = {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}
    given = {
        name: None if array is None and name in ("weight", "bias") else check.float_array(array, name, "batch_norm")
        for name, array in given.items()
    }
    check.same_dtype("batch_norm", x=x, **given)
    _one_number_per_channel(x, given)
    eps = arguments.real(eps, "eps", "batch_norm")
    if eps < 0:
        raise ArgumentError(f"batch_norm: eps must not be negative, since it keeps √(var + eps) from 0, but it is {eps}; usual is 1e-5.")
    with np.errstate(all="ignore"):
        scale, shift = scale_and_shift(**given, eps=eps)
        per_channel = (-1,) + (1,) * (x.ndim - 2)  # (C, 1, 1) under (N, C, H, W)
        y = np.multiply(x, scale.astype(x.dtype).reshape(per_channel), out=np.empty(x.shape, x.dtype))
        return np.add(y, shift.astype(x.dtype).reshape(per_channel), out=y)


def scale_and_shift(running_mean, running_var, weight, bias, eps: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the float64 line (scale, shift) per channel that batch normalisation is, once trained.

    >>> scale_and_shift(np.array([2.0]), np.array([3.0]), np.array([10.0]), None, eps=1.0)
    (array([5.]), array([-10.]))
    """
    scale = 1 / np.sqrt(running_var.astype(np.float64) + eps)
    if weight is not None:
        scale = weight.astype(np.float64) * scale
    shift = -running_mean.astype(np.float64) * scale
    return scale, shift if bias is None else bias.astype(np.float64) + shift


def _one_number_per_channel(x: np.ndarray, given: dict[str, np.ndarray | None]) -> None:
    if x.ndim < 2:
        raise ShapeError(f"batch_norm: x must be (N, C) or (N, C, …), but x.shape={x.shape} has no channel axis; give it one, x[None].")
    mean = given["running_mean"]
    if mean.ndim != 1:
        raise ShapeError(f"batch_norm: running_mean must have one axis, (C,), but its shape is {mean.shape}; use running_mean.reshape(-1).")
    for name, array in given.items():
        if array is not None and array.shape != mean.shape:
            raise ShapeError(
                f"batch_norm: {name} must have one number per channel, as running_mean has {len(mean)}, "
                f"but {name}.shape={array.shape}; give it {len(mean)} numbers."
            )
    if x.ndim == 4:
        check.wants_channels("batch_norm", x, len(mean), source="running_mean")
    elif x.shape[1] != len(mean):
        hint = "A single image needs its batch axis: x[None]." if x.shape[0] == len(mean) and x.ndim == 3 else "Channels are axis 1 of x."
        raise ShapeError(f"batch_norm: running_mean has {len(mean)} channels but x has {x.shape[1]} (x.shape={x.shape}). {hint}")
