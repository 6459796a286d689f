"""Which question: what is one step of learning?

    record  = trace(net, x, training=True)           forward, keeping what the gradient needs
    value, grad = loss(output, target)               one number, and how the output should move
    grads   = backward(net, record, grad)            how every parameter should move
    params, state = optimizer.step(params, grads, state)
    net     = net.with_parameters({**params, **record.updates})

Idea: every line is a function from values to values; the network that comes out is another one, and the
one that went in is as it was.
Cost: about three forward passes.  What it does not do: anything over many steps (fit.py).
Next room: optimizer.py, fit.py.
"""

import functools
import numbers
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from minicnn import functional as F
from minicnn.errors import ArgumentError
from minicnn.network import Network, backward, trace

Loss = Callable[..., tuple[float, object]]


def cross_entropy(output, target) -> tuple[float, np.ndarray]:
    """Return the mean cross entropy of logits (N, K) under labels (N,), and its gradient.

    >>> value, grad = cross_entropy(np.zeros((1, 2)), np.array([0]))
    >>> round(float(value), 4), grad
    (0.6931, array([[-0.5,  0.5]]))

    Raises ShapeError, DTypeError, ArgumentError.  Source: functional.cross_entropy.
    """
    return F.cross_entropy(output, target), F.cross_entropy_backward(output.dtype.type(1), output, target)


def mse(output, target) -> tuple[float, np.ndarray]:
    """Return the mean squared error, and its gradient.

    >>> mse(np.array([[1.0, 3.0]]), np.array([[1.0, 1.0]]))
    (np.float64(2.0), array([[0., 2.]]))

    Raises ShapeError, DTypeError.  Source: functional.mse_loss.
    """
    return F.mse_loss(output, target), F.mse_loss_backward(output.dtype.type(1), output, target)[0]


LOSSES: dict[str, Loss] = {"cross_entropy": cross_entropy, "mse": mse}  # a new loss is one function and one row


def loss_function(loss, what: str) -> Loss:
    """Return a loss by its name, or the function itself: (output, target) → (value, gradient by the output)."""
    if callable(loss):
        return loss
    if not isinstance(loss, str) or loss not in LOSSES:
        raise ArgumentError(
            f"{what}: loss is one of {', '.join(map(repr, LOSSES))}, or a function (output, target) → (value, grad_output), but it is {loss!r}."
        )
    return LOSSES[loss]


def check_optimizer(optimizer, what: str) -> None:
    """Raise where it is no optimizer."""
    if isinstance(optimizer, type):
        raise ArgumentError(
            f"{what}: optimizer is a value, but it is the class {optimizer.__name__}; write train.{optimizer.__name__}(lr=…)."
        )
    if not callable(getattr(optimizer, "init", None)) or not callable(getattr(optimizer, "step", None)):
        raise ArgumentError(f"{what}: optimizer has `init` and `step`, such as train.SGD(lr=0.1), but it is {optimizer!r}.")


@dataclass(frozen=True, eq=False, slots=True)
class Step:
    """What one step returned: the next network and optimizer state, the loss before it, and the outputs that it was computed from.

    >>> Step(net=None, state={"step": 1}, loss=0.5, outputs=()).loss
    0.5
    """

    net: Network
    state: dict
    loss: float
    outputs: tuple[np.ndarray, ...]


def step(net: Network, state: dict, x, target, *, optimizer, loss="cross_entropy", rng=None) -> Step:
    """Return the network after one step on one batch, and what went with it.

    `state` is optimizer.init(net.parameters()) at first, then the last step's; `rng` is for dropout.  The first step
    of a process asks the C library to keep the memory of a step for the next one (glibc; see `_hold_pages`).

    >>> from minicnn import nn, train
    >>> net = nn.Sequential(nn.Linear.of(np.array([[1.0], [0.0]])))
    >>> sgd = train.SGD(lr=1.0)
    >>> after = step(net, sgd.init(net.parameters()), np.array([[1.0]]), np.array([1]), optimizer=sgd)
    >>> round(float(after.loss), 4), after.net.parameters()["linear1.weight"].round(3).tolist()
    (1.3133, [[0.269], [0.731]])

    Raises ShapeError, DTypeError, ArgumentError, WeightsError.  Source: Goodfellow, Bengio, Courville (2016), section 8.3.1.
    """
    call = loss_function(loss, "train.step")
    check_optimizer(optimizer, "train.step")
    _hold_pages()
    record = trace(net, x, training=True, rng=rng, keep="gradient", accuracy="fast")
    outputs = record.outputs
    value, grad = loss_value(call, outputs, target)
    _, grads = backward(net, record, grad, wrt="parameters")
    updates, params = record.updates, net.parameters()
    del record, grad  # the maps go before the new parameters come
    params, state = optimizer.step(params, grads, state)
    del grads
    return Step(net.with_parameters({**params, **updates}), state, value, outputs)


@functools.cache
def _hold_pages() -> None:
    """Let the C library keep the memory of one step for the next: once per process, it costs microseconds.

    glibc hands memory above a threshold back to the system, which zeroes and maps every page anew when the next step
    asks for it: a quarter of a LeNet step.  It raises the threshold to the largest block that was ever freed, up to 32 MB;
    so one that is taken and freed unused is enough.  Elsewhere it does nothing.
    """
    np.empty(31 << 20, np.uint8)


def loss_value(call: Loss, outputs: tuple, target) -> tuple[float, object]:
    """Return (value, gradient by the outputs) of a loss, its value as a float.

    >>> loss_value(mse, (np.array([[1.0, 3.0]]),), np.array([[1.0, 1.0]]))[0]
    2.0
    """
    answer = call(outputs[0] if len(outputs) == 1 else outputs, target)
    if not isinstance(answer, tuple) or len(answer) != 2:
        raise ArgumentError(f"train.step: a loss returns (value, gradient by the output), but it returned a {type(answer).__name__}.")
    value, grad = answer
    if not isinstance(value, numbers.Real) and not (isinstance(value, np.ndarray) and value.shape == () and value.dtype.kind == "f"):
        shown = f"an array of shape {value.shape}" if isinstance(value, np.ndarray) else repr(value)
        raise ArgumentError(
            f"train.step: the value of a loss is one real number, but it is {shown}; take its mean, and the mean's gradient."
        )
    return float(value), grad
