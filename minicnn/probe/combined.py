"""Which question: how did arrays of any number of axes come to one number, where a file's small steps combine them?

Idea: + and - are sums of two products with the factors 1 and -1, a product with a constant is one product, a mean or sum along axes is a sum
of equal products, a matrix product is the sum that it says; the others are a formula in one or two numbers, worked out again in float64.

Contract: sums as in weighted.py.  Formulas as in bent.py: so many eps for one evaluation, twice of that allowed; a constant that
is rounded to the map's dtype adds half an eps, and as much as the exponent is large where it is one.
Cost: O(terms).  What it does not do: whole numbers, arrays of one axis in a product, and products along axes; there the layer is
asked itself (workings.py).
Source: ONNX's operators; Higham (2002), chapter 3.  Next room: workings.py.
"""

import math
import operator

import numpy as np

from minicnn.probe.bent import bracketed, tidy
from minicnn.probe.terms import Question, Working, cells
from minicnn.probe.weighted import summed

SIGNS = {"add": "+", "sub": "-", "mul": "·", "div": "/", "pow": "^"}
FUNCTIONS = {  # how it is written, and in eps how far one evaluation may be off
    "sqrt": ("√({x})", lambda y: abs(y)),
    "exp": ("exp({x})", lambda y: 4 * abs(y)),
    "log": ("log({x})", lambda y: 4 * abs(y)),
    "sin": ("sin({x})", lambda y: 4.0),  # near a zero the last digits are those of the reduced argument
    "cos": ("cos({x})", lambda y: 4.0),
    "erf": ("erf({x})", lambda y: 4 * abs(y)),
    "reciprocal": ("1 / {x}", lambda y: abs(y)),
    "neg": ("-{x}", lambda y: 0.0),
    "abs": ("|{x}|", lambda y: 0.0),
    "floor": ("floor({x})", lambda y: 0.0),
    "ceil": ("ceil({x})", lambda y: 0.0),
    "round": ("round({x})", lambda y: 0.0),
    "sign": ("sign({x})", lambda y: 0.0),
}


def of_floats(function):
    """Return the function for maps of floats, and None for the others, which asks the layer itself."""
    return lambda asked: function(asked) if asked.dtype.kind == "f" and all(x.dtype.kind == "f" for x in asked.inputs) else None


def laid_over(index: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return which cell of an array of this shape broadcasting lays over a place.

    >>> laid_over((1, 2, 3, 4), (2, 1, 5)), laid_over((1, 2), ())
    ((2, 0, 4), ())
    """
    own = index[len(index) - len(shape) :]
    return tuple(0 if n == 1 else at for at, n in zip(own, shape, strict=True))


def arithmetic(asked: Question) -> Working:
    """Return the two numbers that an operation was given: both cells, or one and a constant of the layer."""
    layer, operation = asked.layer, asked.layer.operation
    given = [cells(name, x, laid_over(asked.index, x.shape)) for name, x in zip(asked.names, asked.inputs, strict=True)]
    values = [float(part.values[0]) for part in given]
    if layer.other is not None:
        array = np.asarray(layer.other)
        constant = float(array[laid_over(asked.index, array.shape)])
        values.insert(0 if layer.other_first else 1, constant)
    names = [*asked.names] if layer.other is None else ["constant", *asked.names] if layer.other_first else [*asked.names, "constant"]
    sign = SIGNS.get(operation)
    equation = f"y = {names[0]} {sign} {names[1]}" if sign else f"y = {operation}({names[0]}, {names[1]})"
    if operation in ("add", "sub"):
        factors = [1.0, 1.0 if operation == "add" else -1.0]
        own = factors if layer.other is None else [factors[1 if layer.other_first else 0]]
        bias = None if layer.other is None else constant * factors[0 if layer.other_first else 1]
        parts = [_factored(part, factor) for part, factor in zip(given, own, strict=True)]
        return summed(asked, equation, parts, bias)
    if operation == "mul" and layer.other is not None:
        part = _factored(given[0], constant)
        return summed(asked, equation, [part], allowed=2 * asked.eps * abs(float(part.products[0])) + 2 * asked.smallest)
    return _of_two(asked, given, values, equation)


def _factored(part, factor: float):
    with np.errstate(all="ignore"):
        return type(part)(part.map, part.index, part.values, part.values * factor, np.array([factor]))


def _of_two(asked: Question, given, values, equation: str) -> Working:
    """Return a formula of two numbers."""
    operation, (a, b) = asked.layer.operation, values
    with np.errstate(all="ignore"):
        wide = {"mul": operator.mul, "div": operator.truediv, "pow": operator.pow, "max": np.maximum, "min": np.minimum}[operation]
        y = float(wide(np.float64(a), np.float64(b)))
    error = 2.0
    if operation == "pow":
        error = 8 + abs(b * math.log(abs(a))) if a and math.isfinite(a) else 0.0
    allowed = 2 * asked.eps * error * abs(y) + 4 * asked.smallest if math.isfinite(y) else 0.0
    allowed = math.inf if abs(y) > asked.largest else allowed
    sign = SIGNS.get(operation)
    worked = f"{bracketed(a)} {sign} {bracketed(b)}" if sign else f"{operation}({a:.5g}, {b:.5g})"
    main = 0
    if operation in ("max", "min") and len(given) == 2 and y == b != a:
        main = 1
    return Working("function", equation, tuple(given), y, y, allowed, worked=f"{worked} = {y:.5g}", main=main)


def elementwise(asked: Question) -> Working:
    """Return the number that a function of one number was given."""
    formula, error = FUNCTIONS[asked.layer.function]
    return _of_one(asked, formula, error)


def clamped(asked: Question) -> Working:
    """Return the number and the bounds that it is held between."""
    low, high = asked.layer.min, asked.layer.max
    formula = "{x}" if low is None else f"max({{x}}, {low:g})"
    formula = formula if high is None else f"min({formula}, {high:g})"
    return _of_one(asked, formula, abs)  # a bound is rounded to the map's dtype


def hard_sigmoid(asked: Question) -> Working:
    """Return the number and the line, cut off at 0 and 1."""
    alpha, beta = asked.layer.alpha, asked.layer.beta
    size = abs(alpha * float(asked.x[asked.index])) + abs(beta)
    return _of_one(asked, f"min(max({alpha:.4g} · {{x}} + {beta:g}, 0), 1)", lambda y: 3 * size)


def cast(asked: Question) -> Working:
    """Return the number in the other dtype."""
    part = cells(asked.names[0], asked.x, asked.index)
    with np.errstate(all="ignore"):
        y = float(asked.x[asked.index].astype(asked.layer.dtype))
    worked = f"{float(part.values[0]):.8g} as {asked.layer.dtype} = {y:.8g}"
    return Working("function", f"y = x as {asked.layer.dtype}", (part,), y, y, 0.0, worked=worked, main=0)


def _of_one(asked: Question, formula: str, error) -> Working:
    """Return a formula of one number, evaluated by the layer itself in float64."""
    x = float(asked.x[asked.index])
    y = float(asked.layer.forward(np.array([x]), accuracy="exact")[0])
    off = error(y) if math.isfinite(y) else 0.0
    allowed = 2 * asked.eps * off + 8 * asked.smallest if off else 0.0
    part = cells(asked.names[0], asked.x, asked.index, products=[y])
    worked = tidy(f"{formula.format(x=bracketed(x))} = {y:.5g}")
    allowed = math.inf if abs(y) > asked.largest else allowed
    return Working("function", "y = " + formula.format(x="x"), (part,), y, y, allowed, worked=worked, main=0)


def reduced(asked: Question) -> Working | None:
    """Return the numbers along the axes that were taken together: their sum, their mean, or which of them won."""
    layer, x, function = asked.layer, asked.x, asked.layer.function
    axes = tuple(range(x.ndim)) if layer.dims is None else tuple(dim % x.ndim for dim in layer.dims)
    own = iter(asked.index if not layer.keepdims else [n for axis, n in enumerate(asked.index) if axis not in axes])
    spans = [np.arange(n) if axis in axes else np.array([next(own)]) for axis, n in enumerate(x.shape)]
    index = np.stack(np.meshgrid(*spans, indexing="ij"), axis=-1).reshape(-1, x.ndim)
    count, along = len(index), f"{len(index):,} numbers along {'axis' if len(axes) == 1 else 'axes'} {', '.join(map(str, sorted(axes)))}"
    if function == "prod" or not count:
        return None
    if function in ("sum", "mean"):
        part = cells(asked.names[0], x, index, 1 if function == "sum" else 1 / count)
        return summed(asked, f"y = the {function} of {along}", [part])
    part = cells(asked.names[0], x, index)
    nans = np.flatnonzero(np.isnan(part.values))
    winner = int(nans[0] if len(nans) else part.values.argmax() if function == "max" else part.values.argmin())
    value = float(part.values[winner])
    word = "largest" if function == "max" else "smallest"
    return Working("winner", f"y = the {word} of {along}", (part,), value, value, 0.0, main=winner)


def multiplied(asked: Question) -> Working | None:
    """Return the products of a row and a column."""
    layer = asked.layer
    pair = [*asked.inputs] if layer.other is None else [layer.other, asked.x] if layer.other_first else [asked.x, layer.other]
    left, right = pair
    if left.ndim < 2 or right.ndim < 2:
        return None
    lead, (i, j), inner = asked.index[:-2], asked.index[-2:], np.arange(left.shape[-1])
    row = [(*laid_over(lead, left.shape[:-2]), i, k) for k in inner]
    column = [(*laid_over(lead, right.shape[:-2]), k, j) for k in inner]
    if layer.other is not None and layer.other_first:
        factors = left[tuple(np.array(row).T)]
        return summed(asked, f"y[{i}, {j}] = Σ other[{i}, k] · x[k, {j}]", [cells(asked.names[0], asked.x, column, factors)])
    factors, name = right[tuple(np.array(column).T)], asked.names[1] if layer.other is None else "other"
    notes = (f"the factors are numbers of {name}",) if layer.other is None else ()
    part = cells(asked.names[0], left, row, factors)
    return summed(asked, f"y[{i}, {j}] = Σ {asked.names[0]}[{i}, k] · {name}[k, {j}]", [part], notes=notes)


def constant(asked: Question) -> Working:
    """Return the layer's own number: no input has a part in it."""
    value = float(np.asarray(asked.layer.value)[asked.index])
    return summed(asked, "y = a constant of the layer, whatever comes in", [], value, allowed=0.0)
