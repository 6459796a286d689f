"""Which question: what is there to ask of one number and its equation?

Idea: a frozen value that holds the terms as arrays (terms.Part) and makes what is asked of them: single terms, sums per channel, how
far the stored number lies off, what was used most, the same question one level further back, and the pixels.

Cost: each answer O(terms); the pixels a walk of masks, once.  What it does not do: find the terms; explaining.py does.
Source: none.  Next room: equation.py, which prints it.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from minicnn import check
from minicnn.field import Box, hull
from minicnn.layers import Layer
from minicnn.network.graph import Network
from minicnn.network.node import source
from minicnn.network.trace import Trace
from minicnn.probe.terms import PADDING, Part, Term, image_of


class Place(NamedTuple):
    """A number of a trace: explain(net, trace, *place) explains it."""

    node: str
    channel: int
    at: tuple[int, ...]


class Group(NamedTuple):
    """What one channel of an input map adds to a sum."""

    map: str
    channel: int
    sum: float
    count: int


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """One number of a map as the equation that it comes from, with the equation's own terms; print it, or ask it.

    `sum` is Σ products + bias in float64, `result` the same behind what the layer applies to it (an activation at the store, a quotient),
    `stored` the number in the map and `allowed` how far the two may lie apart; `agrees` says that they do not.

    >>> from minicnn import nn, trace
    >>> from minicnn.probe import explain
    >>> net = nn.Sequential(nn.Conv2d.of(np.array([[[[1.0, 2.0]]]]), np.array([10.0])))
    >>> e = explain(net, trace(net, np.array([[[[3.0, 4.0, 5.0]]]])), "conv1", 0, (0, 1))
    >>> [(t.value, t.factor, t.product) for t in e.terms], e.bias, e.sum, e.stored, e.agrees
    ([(4.0, 1.0, 4.0), (5.0, 2.0, 10.0)], 10.0, 24.0, 24.0, True)
    >>> e.strongest, e.box
    (Place(node='x', channel=0, at=(0, 2)), Box(top=0, left=1, bottom=0, right=2))
    """

    net: Network
    trace: Trace
    node: str  # the map: 'pool:indices' for a second result
    layer: Layer | None  # None for an input of the network
    channel: int
    at: tuple[int, ...]
    image: int
    kind: str  # 'products', 'winner', 'function', 'normalization', 'softmax', 'cells', 'input'
    equation: str
    worked: str  # the equation with its numbers, where it is short
    parts: tuple[Part, ...]
    bias: float | None
    activation: str | None  # applied at the store
    sum: float
    result: float
    stored: float
    allowed: float
    notes: tuple[str, ...]
    main: int | None  # the term that decides, where it is not the largest product

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """Every cell with its factor and product, input by input."""
        return tuple(self.term(place) for place in range(len(self)))

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def term(self, place: int) -> Term:
        """Return one of the terms."""
        for part in self.parts:
            if place < len(part):
                return part.term(place, winner=self.kind == "winner" and place == self.main)
            place -= len(part)
        raise IndexError(place)

    @property
    def products(self) -> np.ndarray:
        """What every term adds, in float64."""
        return np.concatenate([part.products for part in self.parts]) if self.parts else np.zeros(0)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The sums per channel of each input, in order."""
        found = []
        for part in self.parts:
            channels, where, counts = np.unique(part.channels, return_inverse=True, return_counts=True)
            sums = np.bincount(where.ravel(), part.products, len(channels))
            found += [Group(part.map, int(c), float(s), int(n)) for c, s, n in zip(channels, sums, counts, strict=True)]
        return tuple(found)

    @property
    def difference(self) -> float:
        """How far the stored number lies from the result; 0 where both are NaN or the same infinity."""
        same = self.stored == self.result or (np.isnan(self.stored) and np.isnan(self.result))
        return 0.0 if same else abs(self.stored - self.result)

    @property
    def agrees(self) -> bool:
        return self.difference == 0 or self.difference <= self.allowed  # 0 where both are NaN, whose bound is NaN too

    def ranked(self) -> np.ndarray:
        """Return the places of the terms, what decided or weighed most first; padding is left out."""
        marks = [part.marks if part.marks is not None else np.zeros(len(part), int) for part in self.parts]
        inside = np.flatnonzero(np.concatenate(marks) != PADDING) if marks else np.zeros(0, int)
        weights = np.abs(self.products[inside])
        weights[np.isnan(weights)] = np.inf  # where NaN came in
        order = inside[np.argsort(-weights, kind="stable")]
        return order if self.main is None else np.concatenate([[self.main], order[order != self.main]])

    @property
    def strongest(self) -> Place | None:
        """The number that was used most: the largest |product|, or the winner; None where none was."""
        order = self.ranked()
        return self._place(self.term(int(order[0]))) if len(order) else None

    @staticmethod
    def _place(term: Term) -> Place:
        return Place(term.map, term.channel, term.at)

    def back(self, most: int = 3) -> tuple["Explanation", ...]:
        """Return the explanations of the numbers that were used most, at most so many."""
        most = check.integer(most, "most", "Explanation.back", 1)
        from minicnn.probe.explaining import explain  # which hands out explanations

        terms = [self.term(int(place)) for place in self.ranked()[:most]]
        return tuple(explain(self.net, self.trace, *self._place(t), image=image_of(t.index)) for t in terms)

    def follow(self, depth: int | None = None) -> tuple["Explanation", ...]:
        """Return this and, level by level, the number that each used most, down to a pixel or `depth` levels.

        >>> from minicnn import nn, trace
        >>> from minicnn.probe import explain
        >>> net = nn.Sequential(nn.MaxPool2d(2), nn.ReLU())
        >>> e = explain(net, trace(net, np.array([[[[1.0, 7.0], [3.0, 5.0]]]])), "relu1", 0, (0, 0))
        >>> [(level.node, level.at) for level in e.follow()]
        [('relu1', (0, 0)), ('pool1', (0, 0)), ('x', (0, 1))]
        """
        depth = None if depth is None else check.integer(depth, "depth", "Explanation.follow", 0)
        found = [self]
        while (depth is None or len(found) <= depth) and (behind := found[-1].back(1) if len(found[-1]) else ()):
            found += behind
        return tuple(found)

    def levels(self, depth: int | None = None, width: int = 80) -> str:
        """Return the path to the pixels as text, one line a level: the number, its value, and how it came from the next one."""
        from minicnn.probe.levels import path

        return path(self.follow(depth), check.integer(width, "width", "Explanation.levels", 40))

    def pixels(self, input: str | None = None) -> np.ndarray:
        """Return which pixels of an input of the network the number looks at: a mask (rows, columns)."""
        i, j = self.at if len(self.at) == 2 else (0, 0)
        return self.trace.description.pixels(source(self.node), i, j, input or self.net.inputs[0])

    @cached_property
    def seen(self) -> np.ndarray:
        """The pixels that the number looks at, of the first input: what pixels() returns."""
        return self.pixels()

    @property
    def box(self) -> Box | None:
        """The smallest box that holds its pixels, of the first input; None where it looks at none of them."""
        return hull(self.seen)

    def to_dict(self) -> dict:
        """Return everything as plain data, for JSON."""
        names = ("node", "channel", "at", "image", "kind", "equation", "worked", "bias", "activation")
        after = ("sum", "result", "stored", "difference", "allowed", "agrees", "notes")
        box, strongest = self.box, self.strongest
        return {
            **{name: getattr(self, name) for name in names},
            "layer": "input" if self.layer is None else repr(self.layer),
            "terms": [term.to_dict() for term in self.terms],
            "groups": [group._asdict() for group in self.groups],
            **{name: getattr(self, name) for name in after},
            "strongest": strongest and strongest._asdict(),
            "box": box and {side: getattr(box, side) for side in ("top", "left", "bottom", "right")},
            "pixels": int(self.seen.sum()),
        }

    def text(self, width: int = 80, most: int = 8) -> str:
        """Return the printed answer for a terminal of some width, with at most so many channels or cells in a table."""
        from minicnn.probe.equation import told

        return told(self, check.integer(width, "width", "Explanation.text", 40), check.integer(most, "most", "Explanation.text", 1))

    def __str__(self) -> str:
        return self.text()

    __repr__ = __str__
