"""Which question: what does a layer make of one number, where it bends it or measures it against others?

Idea: an activation is a formula in x alone; softmax is one exponential of a line over the sum of all; a normalization is a line
in x whose slope and shift were measured: on the batch, on the image, or once and for all.  The formula is worked out again
in float64, by the layer itself, for one number.

Contract: an evaluation is off by so many eps of its result: half an eps for a sum, product or quotient, and for a setting that is
rounded to the map's dtype, 4 for exp, expm1, log1p and tanh; an error in an exponent adds as much as the exponent is large.  `EVALUATIONS` adds
these up for each formula; twice of that is allowed, since in float64 the one that explains is off as much as the one that is explained.
Normalization: sixteen roundings on either side, and where the statistics are measured again from n numbers, n roundings of float64
in each (moments.py), against S = (|x - mean| + |mean| + mean of |x|)·|weight|/√(var + eps) + |bias|.
Cost: O(1), of softmax and of measured statistics O(numbers taken together).
Source: Higham (2002), chapter 3; each layer's own paper.  Next room: workings.py.
"""

import math
import re

import numpy as np

from minicnn.functional.gelu import CUBIC, STEEPNESS
from minicnn.probe.terms import Part, Question, Working, cells

FORMULAS = {  # with {x} for the number and the layer's settings by name
    "ReLU": "max({x}, 0)",
    "ReLU6": "min(max({x}, 0), 6)",
    "LeakyReLU": "{x} where x > 0, else {negative_slope:g} · {x}",
    "PReLU": "{x} where x > 0, else {slope:g} · {x}",
    "Hardswish": "{x} · min(max({x} + 3, 0), 6) / 6",
    "Sigmoid": "1 / (1 + exp(-{x}))",
    "SiLU": "{x} / (1 + exp(-{x}))",
    "Tanh": "tanh({x})",
    "ELU": "{x} where x > 0, else {alpha:g} · (exp({x}) - 1)",
    "GELU": "{x} · (the share of a bell curve below {x})",
    "GELU tanh": "{x} / (1 + exp(-1.5958 · ({x} + 0.044715 · {x}^3)))",
    "Softplus": "log(1 + exp({beta:g} · {x})) / {beta:g}",
}


def _steepness(x: float) -> float:
    """Return how many times an error of the exponent 2u = √(8/π)·(x + 0.044715·x³) is felt in 1 / (1 + exp(-2u)), relative to it."""
    exponent = 2 * STEEPNESS * abs(x) * (1 + CUBIC * x * x)
    return exponent * (math.exp(-exponent) if x > 0 else 1.0)


EVALUATIONS = {  # in eps: how far one evaluation of y = f(x) may be off
    "ReLU": lambda layer, x, y: 0.0,
    "ReLU6": lambda layer, x, y: 0.0,
    "LeakyReLU": lambda layer, x, y: abs(y),
    "PReLU": lambda layer, x, y: abs(y),
    "Hardswish": lambda layer, x, y: 2 * abs(y),
    "Sigmoid": lambda layer, x, y: 7 * abs(y),
    "SiLU": lambda layer, x, y: 8 * abs(y),
    "Tanh": lambda layer, x, y: 4 * abs(y),
    "ELU": lambda layer, x, y: 5 * abs(y),
    "GELU": lambda layer, x, y: (14 + x * x) * abs(y),  # erfc is off by 12 units in the last place; its argument's rounding grows with x²
    "GELU tanh": lambda layer, x, y: (8 + 4 * _steepness(x)) * abs(y),
    "Softplus": lambda layer, x, y: (10 + abs(layer.beta * x)) * abs(y),
}


def pointwise(asked: Question) -> Working:
    """Return the number that an activation was given, and the formula with it."""
    layer, x = asked.layer, float(asked.x[asked.index])
    name = type(layer).__name__ + (" tanh" if getattr(layer, "approximate", "none") == "tanh" else "")
    settings = layer.fields()
    if name == "PReLU":
        settings = {"slope": float(layer.weight[asked.index[1] if layer.num_parameters > 1 else 0])}
    formula, y = FORMULAS[name], _evaluated(asked, x, settings)
    error = EVALUATIONS[name](layer, x, y) if math.isfinite(y) else 0.0
    allowed = 2 * asked.eps * error + (8 + 16 * abs(x)) * asked.smallest if error else 0.0
    worked = formula.format(x=bracketed(x), **settings) + f" = {y:.5g}"
    part = cells(asked.names[0], asked.x, asked.index, products=[y])
    return Working("function", "y = " + formula.format(x="x", **settings), (part,), y, y, allowed, worked=tidy(worked), main=0)


def _evaluated(asked: Question, x: float, settings: dict) -> float:
    """Return f(x) in float64; on which side of Softplus' threshold x lies is decided as it was, in the map's dtype."""
    layer = asked.layer
    if "slope" in settings:
        return x if x > 0 else settings["slope"] * x
    if "threshold" in settings:
        with np.errstate(all="ignore"):
            if (asked.x[asked.index].reshape(1) * layer.beta)[0] > layer.threshold:
                return x
        layer = layer.with_(threshold=math.inf)
    return float(layer.forward(np.array([x]), accuracy="exact")[0])


def bracketed(x: float) -> str:
    """Return a number as it stands in a formula."""
    return f"({x:.5g})" if x < 0 else f"{x:.5g}"


def tidy(worked: str) -> str:
    """Return an equation without brackets around a negative number that others open with.

    >>> tidy("max((-2), 0) = 0"), tidy("1 / (1 + exp(-(-2)))")
    ('max(-2, 0) = 0', '1 / (1 + exp(-(-2)))')
    """
    return re.sub(r"^\((-[^()]*)\) =", r"\1 =", re.sub(r"\(\((-[^()]*)\)", r"(\1", worked))


def shares(asked: Question) -> Working:
    """Return the exponentials along a line, whose sum divides the number's own; of LogSoftmax the logarithm of that."""
    logarithm = type(asked.layer).__name__ == "LogSoftmax"
    x, axis = asked.x, asked.layer.dim % asked.x.ndim
    own, count = asked.index[axis], x.shape[axis]
    index = np.tile(np.array(asked.index, np.int64), (count, 1))
    index[:, axis] = np.arange(count)
    values = x[tuple(index.T)].astype(np.float64)
    with np.errstate(all="ignore"):
        top = float(values.max())
        depths = values - top
        raised = np.exp(depths)
        total = float(raised.sum())
        errors = np.where(raised > 0, np.abs(depths) / 2 + 4, 0.0)  # of each exponential, in eps of it
        relative = float(raised @ errors) / total + count / 2 if math.isfinite(total) else 0.0
        depth = float(depths[own])
        if logarithm:
            result = depth - math.log(total) if total > 0 else math.nan
            error = abs(depth) / 2 + relative + 4 * abs(math.log(total) if total > 0 else 0) + abs(result) / 2
        else:
            result = float(raised[own]) / total
            error = (abs(depth) / 2 + 5 + relative) * abs(result) if result else 0.0
    allowed = 2 * asked.eps * error + 4 * asked.smallest if math.isfinite(error) else 0.0
    part = Part(asked.names[0], index, values, raised)
    equation = "x - max - log Σ exp(x - max)" if logarithm else "exp(x - max) / Σ exp(x - max)"
    own_x, largest = f"{values[own]:.5g}", bracketed(top)
    worked = f"{own_x} - {largest} - log({total:.6g})" if logarithm else f"exp({own_x} - {largest}) / {total:.6g}"
    notes, worked = (f"max = {top:.6g}, over {count} numbers along axis {axis}",), f"{worked} = {result:.6g}"
    return Working("softmax", f"y = {equation}", (part,), total, result, allowed, worked=worked, main=int(own), notes=notes)


def batch_normalized(asked: Question) -> Working:
    """Return the line of a channel: of a training trace by the batch's statistics, else by the running ones."""
    layer, c = asked.layer, asked.index[1]
    if asked.training and asked.saved is not None:
        mean, inverse = (float(part[c]) for part in asked.saved)
        return _line(asked, mean, _variance(inverse, layer.eps), inverse, c, "of the batch", asked.x[:, c])
    mean, var = float(layer.running_mean[c]), float(layer.running_var[c])
    with np.errstate(all="ignore"):
        inverse = float(1 / np.sqrt(np.float64(var + layer.eps)))
    return _line(asked, mean, var, inverse, c, "running statistics")


def _variance(inverse: float, eps: float) -> float:
    """Return the variance that an inverse deviation was made of."""
    return inverse**-2 - eps if inverse else math.inf


def layer_normalized(asked: Question) -> Working:
    """Return the line whose mean and variance are those of the last axes together."""
    axes = len(asked.layer.normalized_shape)
    lead, own = asked.index[: len(asked.index) - axes], asked.index[len(asked.index) - axes :]
    together = asked.x[lead]
    return _measured(asked, together, own, f"the last {axes} axes together" if axes > 1 else "the last axis")


def group_normalized(asked: Question) -> Working:
    """Return the line whose mean and variance are those of a group of channels of one image."""
    layer, c = asked.layer, asked.index[1]
    size = layer.num_channels // layer.num_groups
    first = c // size * size
    together = asked.x[asked.index[0], first : first + size]
    return _measured(asked, together, c, f"channels {first}…{first + size - 1} of the image" if size > 1 else f"channel {c} of the image")


def _measured(asked: Question, together: np.ndarray, own, over: str) -> Working:
    numbers = together.astype(np.float64)
    with np.errstate(all="ignore"):
        mean = float(numbers.mean())
        var = float(((numbers - mean) ** 2).mean())
        inverse = float(1 / np.sqrt(np.float64(var + asked.layer.eps)))
    return _line(asked, mean, var, inverse, own, f"of {numbers.size:,} numbers, {over}", numbers)


def _line(asked: Question, mean: float, var: float, inverse: float, own, over: str, measured=None) -> Working:
    """Return weight · (x - mean) / √(var + eps) + bias with its numbers; `own` is the place in weight and bias."""
    layer, x = asked.layer, float(asked.x[asked.index])
    weight = 1.0 if layer.weight is None else float(layer.weight[own])
    bias = 0.0 if layer.bias is None else float(layer.bias[own])
    slope = weight * inverse
    with np.errstate(all="ignore"):
        result = float((np.float64(x) - mean) * slope + bias)
        around = 0.0 if measured is None else float(np.abs(measured, dtype=np.float64).mean())
        size = (abs(x - mean) + abs(mean) + around) * abs(slope) + abs(bias)
    steps = 16 * asked.eps + (0.0 if measured is None else 2 * measured.size * 2.0**-53)
    allowed = np.inf if size > asked.largest else steps * size + 4 * asked.smallest
    part = cells(asked.names[0], asked.x, asked.index, slope)
    worked = f"{bracketed(x)} - {bracketed(mean)}"
    worked = f"{bracketed(weight)} · ({worked}) / √({var:.5g} + {layer.eps:g}) + {bracketed(bias)} = {result:.6g}"
    notes = (f"mean {mean:.6g}, variance {var:.6g}: {over}",)
    equation = "y = weight · (x - mean) / √(var + eps) + bias"
    shift = bias - mean * slope
    return Working("normalization", equation, (part,), result, result, allowed, bias=shift, worked=tidy(worked), main=0, notes=notes)
