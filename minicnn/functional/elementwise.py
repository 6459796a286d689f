"""Which question: which functions of one number does a network apply, beside its activations, and what comes back through each?

Idea: a table.  A row is a function, its derivative times what came back, and the map that the derivative is read off: the
output where that suffices, nothing where the derivative is a constant.  A new function is a row.

    sqrt, exp, log, sin, cos, erf, reciprocal 1/x   curves
    neg, abs                                        lines; abs has the slope 0 at 0
    floor, ceil, round, sign                        steps, flat nearly everywhere: the gradient is 0.  round takes halves to even

Cost: one pass over memory and a temporary or two; erf is the one of erf.py.
When it loses: a curve that is an activation has a faster room of its own (activation.py, smooth.py).
What it does not do: whole numbers, but for neg, abs, sign and rounding, which have a meaning there.
Source: ONNX's operators of these names; torch.autograd for the slopes at kinks.  Next room: clamp.py.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from minicnn.functional.erf import erf

Array = np.ndarray


class Function(NamedTuple):
    """One row: x → value, and (grad, the map that `reads` names) → what comes back to x."""

    value: Callable[[Array], Array]
    back: Callable[[Array, Array | None], Array]
    reads: str = "input"  # "input", "output" or ""
    of_whole_numbers: bool = False


def _nothing(grad: Array, kept: None) -> Array:
    return np.zeros_like(grad)


def _same(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Return a rounding that leaves whole numbers as they are, in their dtype."""
    return lambda x: function(x) if x.dtype.kind == "f" else x.copy()


FUNCTIONS = {
    "sqrt": Function(np.sqrt, lambda g, y: g / (2 * y), "output"),
    "exp": Function(np.exp, lambda g, y: g * y, "output"),
    "log": Function(np.log, lambda g, x: g / x),
    "sin": Function(np.sin, lambda g, x: g * np.cos(x)),
    "cos": Function(np.cos, lambda g, x: -g * np.sin(x)),
    "erf": Function(erf, lambda g, x: g * (2 / math.sqrt(math.pi) * np.exp(-x * x))),
    "reciprocal": Function(lambda x: 1 / x, lambda g, y: -g * y * y, "output"),
    "neg": Function(np.negative, lambda g, kept: -g, "", True),
    "abs": Function(np.abs, lambda g, x: g * np.sign(x), "input", True),
    "floor": Function(_same(np.floor), _nothing, "", True),
    "ceil": Function(_same(np.ceil), _nothing, "", True),
    "round": Function(_same(np.round), _nothing, "", True),
    "sign": Function(np.sign, _nothing, "", True),
}
