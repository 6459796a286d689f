"""Which question: how are channels brought to a common mean and spread, in training and after it?

Idea: in training, by the mean and variance of the batch, which also move the running statistics a little;
after it, by the running statistics, which makes (x - mean) / √(var + eps) · weight + bias a straight line per
channel: one scale and one shift, worked out in float64 from C numbers and rounded once.  Nothing is written
into: new running statistics are handed out.

Cost: at inference one pass over memory, folded into the convolution before it none; in training x is read
twice more, for the mean and for the variance; the gradient in training is nine passes, seven with what was saved.
When it loses: small batches, whose statistics are noise (group_norm.py asks for none); at inference where |mean|
is many times the spread, x·scale and shift nearly cancel and the last digits go, by about eps·|mean|·scale.
What it does not do: gradients by the running statistics, which are measured, not learned.
Source: Ioffe & Szegedy (2015), "Batch normalization", algorithms 1 and 2.  Next room: layer_norm.py.
"""

import math

import numpy as np

from minicnn import check
from minicnn.conv.algorithm import plain
from minicnn.errors import ArgumentError, ShapeError
from minicnn.functional import arguments
from minicnn.functional.moments import centred, checked_eps, line, moments, pulled_back, restored, total
from minicnn.functional.passes import WORTH_A_KERNEL, by_planes

__all__ = ["batch_norm", "batch_norm_backward"]

LONG_ENOUGH = 16  # positions: shorter lines are NumPy's
OVER = (0, 2)  # of x as (N, C, positions): a channel's numbers are those of all images and positions


def batch_norm(x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    """Return x with every channel normalised: by its running statistics, or in training by the batch's.

    y[n,c,…] = (x[n,c,…] - mean[c]) / √(var[c] + eps) · weight[c] + bias[c]; weight is 1 and bias 0 where None.
    training=False returns y; mean and var are running_mean and running_var.
    training=True returns (y, new_running_mean, new_running_var); mean and var are the batch's own, over its n numbers
    per channel, and new = (1 - momentum)·running + momentum·batch's, with var·n/(n - 1) for the variance; None for None.
    TensorFlow's momentum is 1 - momentum.
    x: (N, C) or (N, C, …), float32 or float64, the same out; running_mean, running_var, weight, bias: (C,).
    The batch's statistics are summed in float64; moments.py states their error.

    Raises ShapeError, also for fewer than 2 numbers per channel in training; DTypeError; ArgumentError for a negative
    eps or a momentum outside 0 … 1.  Source: torch.nn.functional.batch_norm, which writes into its running statistics.

    >>> x = np.array([[1.0, 10.0], [3.0, 30.0]])
    >>> batch_norm(x, np.array([2.0, 20.0]), np.array([1.0, 100.0]), eps=0.0)
    array([[-1., -1.],
           [ 1.,  1.]])
    >>> batch_norm(x, np.zeros(2), np.ones(2), training=True, momentum=0.5)[1:]
    (array([ 1., 10.]), array([  1.5, 100.5]))
    """
    if check.flag(training, "training", "batch_norm", "PyTorch's order is weight, bias, training, momentum, eps"):
        return batch_norm_training(x, running_mean, running_var, weight, bias, momentum, eps)[:3]
    checked_momentum(momentum, "batch_norm")
    x, given = _checked("batch_norm", x, running_mean, running_var, weight, bias, training=False)
    eps = checked_eps(eps, "batch_norm")
    with np.errstate(all="ignore"):
        scale, shift = (numbers.astype(x.dtype) for numbers in scale_and_shift(**given, eps=eps))
    return _on_lines(x, scale, shift)


def _on_lines(x: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Return x·scale + shift per channel; both steps are rounded."""
    y = np.empty(x.shape, x.dtype)
    positions = math.prod(x.shape[2:])
    if x.size >= WORTH_A_KERNEL and positions >= LONG_ENOUGH:
        from minicnn.functional.planes_kernel import scale_planes  # Numba loads here, not with the package

        by_planes(scale_planes, plain(x).reshape(-1, positions), y.reshape(-1, positions), scale, shift)
        return y
    per_channel = (-1,) + (1,) * (x.ndim - 2)  # (C, 1, 1) under (N, C, H, W)
    with np.errstate(all="ignore"):
        np.multiply(x, scale.reshape(per_channel), out=y)
        return np.add(y, shift.reshape(per_channel), out=y)


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


def batch_norm_training(x, running_mean, running_var, weight=None, bias=None, momentum=0.1, eps=1e-5):
    """Return what batch_norm(training=True) does, and what its gradient would measure again: (mean, inverse deviation).

    >>> y, mean, var, (batch_mean, inverse) = batch_norm_training(np.array([[0.0], [2.0]]), None, None, eps=0.0)
    >>> y.tolist(), mean, var, batch_mean, inverse
    ([[-1.0], [1.0]], None, None, array([1.]), array([1.]))
    """
    x, given = _checked("batch_norm", x, running_mean, running_var, weight, bias, training=True)
    momentum, eps = checked_momentum(momentum, "batch_norm"), checked_eps(eps, "batch_norm")
    rows, n = _rows(x, "batch_norm", training=True)
    with np.errstate(all="ignore"):
        d, left, mean, var = moments(rows, OVER)
        inverse = 1 / np.sqrt(var + eps)
        scale = inverse * _per_channel(given["weight"], 1)
        y = line(d, scale, _per_channel(given["bias"], 0) - left * scale)
        new_mean = _moved(given["running_mean"], mean, momentum)
        new_var = _moved(given["running_var"], var * n / (n - 1), momentum)
    return y.reshape(x.shape), new_mean, new_var, (mean.ravel(), inverse.ravel())


def batch_norm_backward(grad_output, x, running_mean, running_var, weight=None, training=False, eps=1e-5, *, saved=None):
    """Return (grad_x, grad_weight, grad_bias).

    With x̂ = (x - mean)·r, r = 1/√(var + eps) and g = grad_output, sums and means over the n numbers of a channel:
    grad_bias = Σ g,  grad_weight = Σ g·x̂,  and grad_x = weight·r·g with running statistics, which x does not move;
    in training, where it does, grad_x = weight·r·(g - mean(g) - x̂·mean(g·x̂)).
    grad_output, grad_x: the shape of x; grad_weight, grad_bias: (C,), also where the operation had none.
    saved: in training, the batch's (mean, r) where they are at hand, (C,) each; running_mean and running_var may be None.

    Raises ShapeError, DTypeError, ArgumentError.  Source: Ioffe & Szegedy (2015), section 3; torch.autograd.

    >>> x, g = np.array([[0.0], [2.0]]), np.array([[1.0], [0.0]])
    >>> batch_norm_backward(g, x, np.array([1.0]), np.array([1.0]), eps=0.0)
    (array([[1.],
           [0.]]), array([-1.]), array([1.]))
    >>> batch_norm_backward(g, x, None, None, training=True, eps=0.0)[0].ravel()    # two numbers always end at -1 and 1
    array([0., 0.])
    """
    return gradients(grad_output, x, running_mean, running_var, weight, training, eps, saved)


def gradients(grad_output, x, running_mean, running_var, weight, training, eps, saved, needs_x=True, needs_parameters=True):
    """Return what batch_norm_backward does; what is not needed may be None."""
    what = "batch_norm_backward"
    training = check.flag(training, "training", what, "PyTorch's order is weight, training, eps; there is no bias")
    x, given = _checked(what, x, running_mean, running_var, weight, None, training)
    grad = arguments.gradient(grad_output, x.shape, what, x=x)
    eps = checked_eps(eps, what)
    if saved is not None and not training:
        raise ArgumentError(f"{what}: saved holds the batch's statistics, which training=False does not use; leave it out.")
    (rows, n), (g, _) = _rows(x, what, training), _rows(grad, what, training)
    with np.errstate(all="ignore"):
        weight = _per_channel(given["weight"], 1)
        if training:
            found = _through_the_batch(g, *restored(rows, OVER, eps, saved, what), weight, n, needs_x)
        else:
            mean, inverse = _per_channel(given["running_mean"], 0), 1 / np.sqrt(_per_channel(given["running_var"], 1) + eps)
            found = _through_a_line(g, rows, mean, inverse, weight, needs_x, needs_parameters)
        grad_x, *by_parameters = found
        by_weight, by_bias = (None if part is None else part.astype(x.dtype).ravel() for part in by_parameters)
    return None if grad_x is None else grad_x.reshape(x.shape), by_weight, by_bias


def _through_the_batch(g, d, left, inverse, weight, n: int, needs_x: bool):
    """Return the gradients in training, where every number of a channel moves its mean and variance."""
    by_weight, by_bias = _by_parameters(g, d, left, inverse)
    if not needs_x:
        return None, by_weight, by_bias
    return pulled_back(g, weight * inverse, d, left, inverse, weight * by_bias / n, weight * by_weight / n), by_weight, by_bias


def _through_a_line(g, rows, mean, inverse, weight, needs_x: bool, needs_parameters: bool):
    """Return the gradients with running statistics, where y is x times a constant, and another constant."""
    by_parameters = _by_parameters(g, *centred(rows, mean), inverse) if needs_parameters else (None, None)
    grad_x = np.multiply(g, (weight * inverse).astype(g.dtype)) if needs_x else None
    return grad_x, *by_parameters


def _by_parameters(g, d, left, inverse) -> tuple[np.ndarray, np.ndarray]:
    by_bias = total(g, over=OVER)
    return inverse * (total(g, d, over=OVER) - left * by_bias), by_bias  # Σ g·x̂ and Σ g


def checked_momentum(momentum, what: str) -> float:
    """Return momentum when it is a share, 0 … 1; PyTorch's None is refused with what does the same."""
    if momentum is None:
        raise ArgumentError(
            f"{what}: momentum must be a number, but it is None, PyTorch's average over all batches, which counts them; "
            "nothing is counted here: give the k-th batch momentum=1/k, which makes the same average."
        )
    momentum = arguments.real(momentum, "momentum", what)
    if not 0 <= momentum <= 1:
        raise ArgumentError(f"{what}: momentum is the share of the new batch, between 0 and 1, but it is {momentum}; usual is 0.1.")
    return momentum


def _moved(running: np.ndarray | None, measured: np.ndarray, momentum: float) -> np.ndarray | None:
    """Return the running statistic, moved towards what the batch measured."""
    return None if running is None else ((1 - momentum) * running.astype(np.float64) + momentum * measured.ravel()).astype(running.dtype)


def _per_channel(array: np.ndarray | None, otherwise: float) -> np.ndarray:
    """Return C numbers as float64 that fit x as (N, C, positions)."""
    return np.full((1, 1, 1), float(otherwise)) if array is None else array.astype(np.float64).reshape(1, -1, 1)


def _rows(x: np.ndarray, what: str, training: bool) -> tuple[np.ndarray, int]:
    """Return x as (N, C, positions), and how many numbers a channel has: in training at least 2."""
    sizes = (x.shape[0], *x.shape[2:])
    n = math.prod(sizes)
    if training and n < 2:
        raise ShapeError(
            f"{what}: training=True measures a variance, which takes at least 2 numbers per channel, but x.shape={x.shape} has "
            f"{'·'.join(map(str, sizes))}{f' = {n}' if len(sizes) > 1 else ''}; use a larger batch, or training=False for the running "
            "statistics."
        )
    return np.ascontiguousarray(x).reshape(*x.shape[:2], math.prod(x.shape[2:])), n


def _checked(what: str, x, running_mean, running_var, weight, bias, training: bool) -> tuple[np.ndarray, dict]:
    """Return x and the arrays per channel by name, all of them floats of one dtype and of C numbers."""
    x = check.float_array(x, "x", what)
    given = {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}
    for name in ("running_mean", "running_var"):
        if given[name] is None and not training:
            raise ArgumentError(
                f"{what}: training=False normalises by the running statistics, but {name} is None; "
                "pass both, or training=True for the batch's own."
            )
    if (running_mean is None) != (running_var is None):
        missing = "running_mean" if running_mean is None else "running_var"
        raise ArgumentError(f"{what}: running_mean and running_var come together or not at all, but {missing} is None; pass both or None.")
    given = {name: None if array is None else check.float_array(array, name, what) for name, array in given.items()}
    check.same_dtype(what, x=x, **given)
    _one_number_per_channel(what, x, {name: array for name, array in given.items() if array is not None})
    return x, given


def _one_number_per_channel(what: str, x: np.ndarray, given: dict[str, np.ndarray]) -> None:
    if x.ndim < 2:
        raise ShapeError(f"{what}: x must be (N, C) or (N, C, …), but x.shape={x.shape} has no channel axis; give it one, x[None].")
    if not given:
        return
    lead, mean = next(iter(given.items()))  # running_mean, where there is one
    if mean.ndim != 1:
        raise ShapeError(f"{what}: {lead} must have one axis, (C,), but its shape is {mean.shape}; use {lead}.reshape(-1).")
    for name, array in given.items():
        if array.shape != mean.shape:
            raise ShapeError(
                f"{what}: {name} must have one number per channel, as {lead} has {len(mean)}, "
                f"but {name}.shape={array.shape}; give it {len(mean)} numbers."
            )
    if x.ndim == 4:
        check.wants_channels(what, x, len(mean), source=lead)
    elif x.shape[1] != len(mean):
        hint = "A single image needs its batch axis: x[None]." if x.shape[0] == len(mean) and x.ndim == 3 else "Channels are axis 1 of x."
        raise ShapeError(f"{what}: {lead} has {len(mean)} channels but x has {x.shape[1]} (x.shape={x.shape}). {hint}")
