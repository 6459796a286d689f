"""Which question: which numbers of its inputs does one number of a map come from, and with what factors?

Idea: a layer's equation, written down for one output number, is a list of terms: a cell of an input map, what it is
multiplied by, and the product.  A `Part` holds the terms that come from one input map, as arrays (a convolution of 512
channels has 4,608 of them); a `Working` is all parts with what is added and applied behind them, the sum in float64, and how
far the stored number may lie from it.  `Question` is what is asked: one number of one node, with the maps that go into it.

A cell outside its map is padding: its value counts as 0, or, in the modes that mirror, repeat or wrap, it is a border cell that
stands for one inside.
Cost: O(terms).  What it does not do: know any layer; weighted.py, moved.py and bent.py do.
Source: none; the equations are the layers' own.  Next room: weighted.py.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from minicnn.axis import Slide, reflected
from minicnn.layers import Layer

PADDING, BORDER = 1, 2
MARKS = ("", "padding", "border")


class Term(NamedTuple):
    """One cell of an input map, what it is multiplied by, and what that gives.

    `index` is the place in the map: image, channel, row, column.  `mark` is 'padding' for a cell outside the map, 'border'
    for one that stands for a place outside, 'winner' for the largest of a window, else ''.  `factor` is None where a layer
    does not multiply.

    >>> Term("x", (0, 2, 4, 5), 3.0, 2.0, 6.0).channel
    2
    """

    map: str
    index: tuple[int, ...]
    value: float
    factor: float | None
    product: float
    mark: str = ""

    channel = property(lambda self: placed(self.index)[0])
    at = property(lambda self: placed(self.index)[1])

    def to_dict(self) -> dict:
        """Return the term as plain data; the value of a padding cell is the word."""
        value = "padding" if self.mark == "padding" else self.value
        place = {"map": self.map, "channel": self.channel, "at": list(self.at), "image": image_of(self.index)}
        return {**place, "value": value, "factor": self.factor, "product": self.product, "mark": self.mark}


def placed(index: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """Return (channel, the place within it) of an index: the first axis counts images, but where there is no other.

    >>> placed((0, 3, 4, 5)), placed((0, 7)), placed((7,)), placed(())
    ((3, (4, 5)), (7, ()), (7, ()), (0, ()))
    """
    index = tuple(map(int, index))
    own = index[1:] if len(index) > 1 else index
    return (own[0], own[1:]) if own else (0, ())


def label(name: str, place: tuple[int, ...]) -> str:
    """Return a number's name: its map, and channel, row and column.

    >>> label("x", (2, 0, 4)), label("", (2,))
    ('x[2, 0, 4]', '[2]')
    """
    return f"{name}[{', '.join(map(str, place))}]"


def image_of(index: tuple[int, ...]) -> int:
    """Return which image an index lies in."""
    return int(index[0]) if len(index) > 1 else 0


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The terms that come from one input map, as arrays of one entry per term."""

    map: str
    index: np.ndarray  # (terms, axes of the map)
    values: np.ndarray  # float64, 0 for padding
    products: np.ndarray  # float64
    factors: np.ndarray | None = None  # float64
    marks: np.ndarray | None = None  # PADDING, BORDER or 0
    block: tuple[int, int, int] | None = None  # channels × rows × columns, where the cells are a window

    def __len__(self) -> int:
        return len(self.values)

    @property
    def channels(self) -> np.ndarray:
        """The channel of each term."""
        axes = self.index.shape[1]
        return self.index[:, min(1, axes - 1)] if axes else np.zeros(len(self), int)

    def mark(self, place: int) -> int:
        return 0 if self.marks is None else int(self.marks[place])

    def term(self, place: int, winner: bool = False) -> Term:
        factor = None if self.factors is None else float(self.factors[place])
        mark = "winner" if winner else MARKS[self.mark(place)]
        index = tuple(map(int, self.index[place]))
        return Term(self.map, index, float(self.values[place]), factor, float(self.products[place]), mark)


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """One number of one node: its layer, the maps that go into it, and where it stands."""

    name: str  # of the map: 'pool:indices' for a second result
    layer: Layer
    names: tuple[str, ...]  # of the inputs
    inputs: tuple[np.ndarray, ...]
    index: tuple[int, ...]  # in the map
    shape: tuple[int, ...]  # of the map
    stored: float
    dtype: np.dtype  # of the map
    saved: object = None  # what the trace kept for the layer's gradient
    training: bool = False

    x = property(lambda self: self.inputs[0])
    result = property(lambda self: self.name.partition(":")[2])
    eps = property(lambda self: float(np.finfo(self.dtype).eps) if self.dtype.kind == "f" else 0.0)
    smallest = property(lambda self: float(np.finfo(self.dtype).smallest_subnormal) if self.dtype.kind == "f" else 0.0)
    largest = property(lambda self: float(np.finfo(self.dtype).max) if self.dtype.kind == "f" else np.inf)


@dataclass(frozen=True, slots=True, eq=False)
class Working:
    """How one number came about: what a layer's function hands to explain."""

    kind: str  # 'products', 'winner', 'function', 'normalization', 'softmax', 'cells'
    equation: str
    parts: tuple[Part, ...]
    sum: float  # Σ products + bias
    result: float  # behind the activation or the quotient
    allowed: float  # how far the stored number may lie from the result
    bias: float | None = None
    activation: str | None = None
    worked: str = ""  # the equation with its numbers
    main: int | None = None  # the term that decides, where it is not the largest product
    notes: tuple[str, ...] = field(default=())


class Places(NamedTuple):
    """Positions along one axis, and the mark of each: inside, padding or border."""

    at: np.ndarray
    marks: np.ndarray


def places(rule, i: int, n: int) -> Places:
    """Return the positions that output i looks at along an axis of n cells, those outside included.

    >>> places(Slide(3, before=1), 0, 5)
    Places(at=array([-1,  0,  1]), marks=array([1, 0, 0]))
    >>> places(Slide(3, before=1, mode="reflect"), 0, 5)
    Places(at=array([1, 0, 1]), marks=array([2, 0, 0]))
    """
    if not isinstance(rule, Slide):
        return inside(rule.sees(i, n))
    at = i * rule.stride - rule.before + rule.dilation * np.arange(rule.kernel)
    outside = (at < 0) | (at >= n)
    if rule.mode == "zeros":
        return Places(at, np.where(outside, PADDING, 0))
    inner = [reflected(int(t), n, rule.mode) if out else int(t) for t, out in zip(at, outside, strict=True)]
    return Places(np.array(inner), outside * BORDER)


def inside(at) -> Places:
    """Return positions that all lie inside the map."""
    at = np.array(at, np.int64)
    return Places(at, np.zeros(len(at), np.int64))


def window(name: str, x: np.ndarray, lead: tuple[int, ...], channels, rows: Places, columns: Places, factors=None) -> Part:
    """Return the cells of a window over some channels, row by row; factors are (channels, rows, columns), or one for all.

    `lead` is what stands in front of the channel in an index: the image.
    """
    channels = np.atleast_1d(np.asarray(channels, np.int64))
    shape = (len(channels), len(rows.at), len(columns.at))
    marks = np.maximum(rows.marks[:, None], columns.marks)
    padding = (rows.marks[:, None] == PADDING) | (columns.marks == PADDING)
    height, width = x.shape[-2:]
    held = rows.at.clip(0, height - 1)[:, None], columns.at.clip(0, width - 1)
    values = np.where(padding, 0.0, x[lead][channels[:, None, None], *held].astype(np.float64))
    grid = np.meshgrid(channels, rows.at, columns.at, indexing="ij")
    index = np.stack([*(np.full(shape, n) for n in lead), *grid], axis=-1).reshape(-1, len(lead) + 3)
    marks = np.broadcast_to(np.where(padding, PADDING, marks), shape).ravel()
    weights = None if factors is None else np.broadcast_to(np.asarray(factors, np.float64), shape)
    with np.errstate(all="ignore"):
        products = values if weights is None else np.where(padding, 0.0, values * weights)
    return Part(name, index, values.ravel(), products.ravel(), None if weights is None else weights.ravel(), marks, shape)


def cells(name: str, x: np.ndarray, index, factors=None, products=None) -> Part:
    """Return some cells of a map by their indices, (terms, axes)."""
    index = np.asarray(index, np.int64).reshape(-1, x.ndim)
    values = x[tuple(index.T)].astype(np.float64).reshape(-1)
    factors = None if factors is None else np.broadcast_to(np.asarray(factors, np.float64), values.shape)
    with np.errstate(all="ignore"):
        products = products if products is not None else values if factors is None else values * factors
    return Part(name, index, values, np.asarray(products, np.float64), factors)
