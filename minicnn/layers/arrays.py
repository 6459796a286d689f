"""Which question: what do the layers share that take arrays of any number of axes?

Idea: they come from files, where a network is a graph of small steps and not all numbers are maps: shapes are computed from
shapes, in int64.  So these layers compute with int64 and bool too, where that has a meaning (`numbers`), they hold constant
arrays (`held`, `written`), and a map of theirs need not be (N, C, H, W).  A map of another number of axes counts as one
position; `positions` says what an output sees across that change.

Cost: nothing.  What it does not do: gradients of whole numbers; there are none.
Source: ONNX's operators, whose constants and shapes are arrays like any other.  Next room: arithmetic.py.
"""

import numpy as np

from minicnn import check
from minicnn.axis import POINT, Axis, Broadcast, Whole
from minicnn.errors import ArgumentError, DTypeError, WeightsError
from minicnn.layers.base import Layer, Shape, ShapeOnly

WHOLE_NUMBERS = np.dtype(np.int64)
TRUTH = np.dtype(bool)
NUMBERS = (*check.FLOATS, WHOLE_NUMBERS)
ANY = (*NUMBERS, TRUTH)


def numbers(x, what: str, dtypes: tuple[np.dtype, ...] = ANY, name: str = "x") -> np.ndarray:
    """Return x as a plain array when its dtype is one that the layer takes.

    >>> numbers(np.array([1, 2]), "Reshape")
    array([1, 2])
    """
    if not isinstance(x, np.ndarray) or isinstance(x, np.ma.MaskedArray):
        return check.float_array(x, name, what)  # which says what to pass
    x = np.asarray(x)
    if x.dtype in dtypes and x.dtype.isnative:
        return x
    known = " or ".join([", ".join(map(str, dtypes[:-1])), str(dtypes[-1])] if len(dtypes) > 1 else [str(dtypes[0])])
    raise DTypeError(f"{what}: {name} must be {known}, but its dtype is {x.dtype}; convert it with {name}.astype(np.{dtypes[0]}).")


def held(value, name: str, what: str, dtypes: tuple[np.dtype, ...] = ANY) -> np.ndarray | ShapeOnly:
    """Return a constant that a layer is to hold: an array, or its shape alone.

    >>> held(ShapeOnly((2, 3), "float32"), "other", "Arithmetic").nbytes
    24
    """
    if isinstance(value, ShapeOnly):
        return ShapeOnly(tuple(value.shape), np.dtype(value.dtype))
    if isinstance(value, np.generic):
        value = np.asarray(value)
    return numbers(value, what, dtypes, name)


def written(array: np.ndarray | ShapeOnly) -> str:
    """Return how a constant array is written in a repr: its shape and dtype, which build the layer without its numbers.

    >>> written(np.zeros((2, 3), np.float32))
    "nn.ShapeOnly((2, 3), 'float32')"
    """
    return f"nn.ShapeOnly({tuple(array.shape)}, '{array.dtype}')"


def constant_of(layer: Layer, name: str) -> np.ndarray:
    """Return a constant array of a layer, or say that the layer holds its shape alone."""
    array = getattr(layer, name)
    if isinstance(array, ShapeOnly):
        raise WeightsError(
            f"{layer!r} is shape-only: it knows that its {name} is {array.shape} but holds no numbers; give it an array of that shape."
        )
    return array


def in_dtype_of(x: np.ndarray, layer: Layer, name: str) -> np.ndarray:
    """Return a constant of a layer for use beside x: as `weights_for` does for maps of floats, as it is for whole numbers."""
    array = constant_of(layer, name)
    return layer.weights_for(x, name) if x.dtype in check.FLOATS and array.dtype in check.FLOATS else array


def axes_among(dims, rank: int, what: str, of: str = "x") -> tuple[int, ...]:
    """Return the axes that `dims` names, 0 … rank - 1 each, none of them twice.

    >>> axes_among((0, -1), 4, "Squeeze")
    (0, 3)
    """
    found = []
    for dim in dims:
        if not -rank <= dim < rank:
            raise ArgumentError(f"{what}: {dim} is not an axis of {of}, which has {rank}; use {-rank} … {rank - 1}.")
        found.append(dim % rank)
    if len(set(found)) < len(found):
        raise ArgumentError(f"{what}: every axis is named once, but {tuple(dims)} are the axes {tuple(found)} of the {rank} of {of}.")
    return tuple(found)


def whole_numbers(values, name: str, what: str, least: int = -(2**63)) -> tuple[int, ...]:
    """Return a tuple of whole numbers from one number, a list, a tuple or an array of them.

    >>> whole_numbers([2, np.int64(-1)], "dims", "Permute"), whole_numbers(3, "dims", "Squeeze")
    ((2, -1), (3,))
    """
    if isinstance(values, np.ndarray):
        values = values.tolist()
    values = values if isinstance(values, list | tuple) else (values,)
    return tuple(check.integer(value, name if len(values) == 1 else f"{name}[{place}]", what, least) for place, value in enumerate(values))


def positions(shape: Shape, result: Shape, why: str, rows: Axis | None = None, columns: Axis | None = None) -> tuple[Axis, Axis]:
    """Return the rules for rows and columns of a layer that may change the number of axes.

    Where both maps are (N, C, H, W) they are `rows` and `columns`, by default that each output sees all inputs, because of `why`;
    where one of the two is not, it is a single position, which sees everything or is laid over everything.

    >>> positions((2, 3, 4, 5), (2, 60), "reshape")
    (Whole(why='reshape', out=1), Whole(why='reshape', out=1))
    """
    if len(shape) != 4 and len(result) != 4:
        return POINT, POINT
    if len(shape) != 4:
        return Broadcast(result[2]), Broadcast(result[3])
    if len(result) != 4:
        return Whole(why), Whole(why)
    return rows or Whole(why, result[2]), columns or Whole(why, result[3])


def positions_laid_over(shape: Shape, result: Shape, why: str) -> tuple[Axis, Axis]:
    """Return the rules of an input that broadcasting lays over a result: a row or column of length 1 is seen from everywhere.

    >>> positions_laid_over((2, 3, 1, 5), (2, 3, 4, 5), "sum")[0]
    Broadcast(out=4)
    """
    if len(shape) != 4 or len(result) != 4:
        return positions(shape, result, why)
    rows, columns = (POINT if n == out else Broadcast(out) for n, out in zip(shape[2:], result[2:], strict=True))
    return rows, columns
