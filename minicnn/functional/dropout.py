"""Which question: how does a network learn not to lean on any one number?

Idea: in training every number is dropped with probability p, and what is kept is scaled by 1/(1 - p), so that
the expected value stays what it was and nothing has to be done after training.  The draw is a boolean mask,
which the gradient goes through again; randomness comes in as `rng`, never from a hidden state.

Cost: one random number per number of x, which is most of it, one byte each for the mask, two passes.
When it loses: beside batch norm, whose statistics then differ between training and inference; in small networks.
What it does not do: drop whole channels.
Source: Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov (2014), "Dropout", section 10 for the scaling.
Next room: linear.py.
"""

import numpy as np

from minicnn import check
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.functional import arguments

__all__ = ["dropout", "dropout_backward"]


def dropout(x, p=0.5, training=True, *, rng=None, return_mask=False):
    """Return x with numbers dropped at random, or (y, mask).

    y = x · mask / (1 - p), where mask is True with probability 1 - p, drawn number by number in x's order from
    rng.random(x.shape, dtype=np.float32) >= p.  With p = 1 every factor is 0.  As in PyTorch a dropped number is multiplied by 0,
    so NaN and infinities that are dropped become NaN; they are not hidden.
    training=False returns a copy of x, draws nothing, and has mask None.
    x: any shape, float32 or float64, the same out; the mask does not depend on the dtype.

    Raises DTypeError; ArgumentError for a p outside 0 … 1, and for training without rng.
    Source: torch.nn.functional.dropout, which draws from a hidden generator; Srivastava et al. (2014).

    >>> y, mask = dropout(np.array([1.0, 2.0, 3.0, 4.0]), 0.5, rng=np.random.default_rng(1), return_mask=True)
    >>> y, mask
    (array([0., 4., 6., 8.]), array([False,  True,  True,  True]))
    """
    x = check.float_array(x, "x", "dropout")
    p = probability(p, "dropout")
    return_mask = check.flag(return_mask, "return_mask", "dropout")
    if not check.flag(training, "training", "dropout"):
        y, mask = x.copy(order="C"), None
    else:
        mask = _generator(rng).random(x.shape, dtype=np.float32) >= p
        y = _scaled(x, mask, p)
    return (y, mask) if return_mask else y


def dropout_backward(grad_output, mask, p=0.5) -> np.ndarray:
    """Return grad_x = grad_output · mask / (1 - p), with the mask that dropout returned; a copy where mask is None.

    grad_output: the shape of x and of mask, float32 or float64, the same out.

    Raises ShapeError, DTypeError, ArgumentError.  Source: Srivastava et al. (2014); torch.autograd.

    >>> dropout_backward(np.array([1.0, 2.0, 3.0]), np.array([True, False, True]), p=0.75)
    array([ 4.,  0., 12.])
    """
    what = "dropout_backward"
    p = probability(p, what)
    if mask is None:
        return check.float_array(grad_output, "grad_output", what).copy(order="C")
    if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
        came = f"an array of {mask.dtype}" if isinstance(mask, np.ndarray) else f"a {type(mask).__name__}"
        raise DTypeError(f"{what}: mask is the boolean array of dropout(x, p, rng=rng, return_mask=True), or None, but it is {came}.")
    grad = check.float_array(grad_output, "grad_output", what)
    if grad.shape != mask.shape:
        raise ShapeError(
            f"{what}: grad_output and mask must have the shape of x, but grad_output.shape={grad.shape} and mask.shape={mask.shape}; "
            "use the mask of the same pass."
        )
    return _scaled(grad, np.asarray(mask), p)


def probability(p, what: str) -> float:
    """Return p when it is a probability.

    >>> probability(0, "dropout")
    0.0
    """
    p = arguments.real(p, "p", what)
    if not 0 <= p <= 1:
        share = f" {p:g} percent is p={p / 100:g}." if 1 < p <= 100 else ""
        raise ArgumentError(f"{what}: p is the probability of being dropped, between 0 and 1, but it is {p:g}.{share}")
    return p


def _generator(rng) -> "np.random.Generator":  # a string: numpy.random takes 10 ms to import
    if rng is None:
        raise ArgumentError(
            "dropout: training=True draws which numbers are dropped, but rng is None; "
            "pass rng=np.random.default_rng(0), one generator for the whole training."
        )
    if not isinstance(rng, np.random.Generator):
        raise ArgumentError(f"dropout: rng must be a NumPy generator, such as np.random.default_rng(0), but it is {rng!r}.")
    return rng


def _scaled(x: np.ndarray, mask: np.ndarray, p: float) -> np.ndarray:
    """Return x·mask/(1 - p): factors first, so that a large number that is dropped is multiplied by 0 alone."""
    factors = np.multiply(mask, 0 if p == 1 else 1 / (1 - p), dtype=x.dtype)
    with np.errstate(all="ignore"):
        return np.multiply(x, factors, out=np.empty(x.shape, x.dtype))
