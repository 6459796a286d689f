"""Which question: which input pixels does one number of a feature map look at?

Two answers, both from integers alone:

- The closed form.  `ReceptiveField` says size, stride and start per axis, so that output (i, j) sees
  no pixel outside  start + i·stride … start + i·stride + size - 1.  Layers compose it:

      start ← start + stride·start_l,   size ← size + (size_l - 1)·stride,   stride ← stride·stride_l

  It is exact away from borders for plain convolution and pooling, and a superset elsewhere: it does
  not know that an inner map has an end, or that pooling dropped a row.
- The exact set.  `looked_at` takes a mask of positions of a layer's output back to the positions of
  its input, by the rule that each axis has; walking a network back with it is network/geometry.py.

Cost: the closed form O(layers); a mask O(positions) per layer.
What it does not do: how much a pixel matters (that is the effective field, Luo et al. 2016).
Source: Araujo, Norris, Sim, "Computing Receptive Fields of Convolutional Neural Networks" (2019).
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

import numpy as np

from minicnn.axis import EVERYTHING, NOTHING, Axis, Reach, whole
from minicnn.text import times

Pair = tuple[int | Fraction, int | Fraction]


@dataclass(frozen=True, slots=True)
class ReceptiveField:
    """Size, stride and start of what a map's outputs see, (rows, columns), in input pixels.

    Where no single size exists (a layer that sees everything, branches of different strides), the
    three are None and `reason` says why.  `aligned` is False where branches with different centres
    meet; the field is then the smallest that holds them all, and `reason` names the shift.
    Strides and sizes are fractions behind layers that enlarge.

    >>> field = ReceptiveField().through((Reach(3, 2, -1), Reach(3, 2, -1)))
    >>> field.size, field.stride, field.padding
    ((3, 3), (2, 2), (1, 1))
    >>> field.box(4, 0)          # rows 7 … 9, columns -1 … 1: one is padding
    Box(top=7, left=-1, bottom=9, right=1)
    """

    size: Pair | None = (1, 1)
    stride: Pair | None = (1, 1)
    start: Pair | None = (0, 0)
    reason: str = ""
    aligned: bool = True

    @property
    def padding(self) -> Pair | None:
        """Return -start, as Araujo et al. write it."""
        return None if self.start is None else (-self.start[0], -self.start[1])

    def through(self, reaches: tuple[Reach | str, Reach | str]) -> "ReceptiveField":
        """Return the field behind one more layer, whose closed forms for rows and columns are given."""
        reason = next((reach for reach in reaches if isinstance(reach, str)), "")
        if reason.startswith(NOTHING):
            return unknown(reason)  # whatever its input sees
        if self.size is None or reason:
            return unknown(self.reason if self.size is None else reason)
        parts = zip(self.size, self.stride, self.start, reaches, strict=True)
        composed = [(size + (r.size - 1) * stride, stride * r.stride, start + stride * r.start) for size, stride, start, r in parts]
        sizes, strides, starts = ((whole(a), whole(b)) for a, b in zip(*composed, strict=True))
        return ReceptiveField(sizes, strides, starts, self.reason, self.aligned)

    @property
    def sees_everything(self) -> bool:
        """Whether there is no single size because every pixel is seen."""
        return self.size is None and self.reason.startswith(EVERYTHING)

    @property
    def sees_nothing(self) -> bool:
        """Whether there is no single size because this input is not looked at."""
        return self.size is None and self.reason.startswith(NOTHING)

    def short(self) -> str:
        """Return size/stride for a table's cell: '7/2', '7×5/2', 'all' where everything is seen, 'none' where no single one exists.

        >>> ReceptiveField((7, 5), (2, 2)).short(), unknown(EVERYTHING + "flatten").short()
        ('7×5/2', 'all')
        """
        if self.size is None:
            return "all" if self.sees_everything else "none"
        return "/".join(times(pair) if pair[0] != pair[1] else f"{pair[0]}" for pair in (self.size, self.stride))

    def box(self, i: int, j: int) -> "Box | None":
        """Return the pixels that output (i, j) sees at most, not clipped to the input; None where size is None."""
        if self.size is None:
            return None
        low = [ceil(start + at * stride) for start, stride, at in zip(self.start, self.stride, (i, j), strict=True)]
        high = [
            floor(start + at * stride + size - 1)
            for size, start, stride, at in zip(self.size, self.start, self.stride, (i, j), strict=True)
        ]
        return Box(low[0], low[1], high[0], high[1])

    def to_dict(self) -> dict:
        """Return the field as plain data, for JSON; fractions become floats.

        >>> ReceptiveField((3, 3), (2, 2), (-1, -1)).to_dict()
        {'size': [3, 3], 'stride': [2, 2], 'start': [-1, -1], 'aligned': True, 'reason': ''}
        """
        plain = {
            name: None if value is None else [n if isinstance(n, int) else float(n) for n in value]
            for name, value in (("size", self.size), ("stride", self.stride), ("start", self.start))
        }
        return {**plain, "aligned": self.aligned, "reason": self.reason}

    def __str__(self) -> str:
        if self.size is None:
            return self.reason
        size, stride, padding = (f"{a}" if a == b else f"{a}×{b}" for a, b in (self.size, self.stride, self.padding))
        return f"{size} / {stride} / {padding}" + ("" if self.aligned else f" ({self.reason})")


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of pixels, first and last row and column included.

    >>> Box(0, 2, 4, 6).size
    (5, 5)
    """

    top: int
    left: int
    bottom: int
    right: int

    @property
    def size(self) -> tuple[int, int]:
        return self.bottom - self.top + 1, self.right - self.left + 1

    def clip(self, size: tuple[int, int]) -> "Box":
        """Return the part of the box inside an input of (rows, columns)."""
        return Box(max(self.top, 0), max(self.left, 0), min(self.bottom, size[0] - 1), min(self.right, size[1] - 1))


def unknown(reason: str) -> ReceptiveField:
    """Return the field that is None, with its reason."""
    return ReceptiveField(None, None, None, reason)


def unite(fields: list[ReceptiveField], names: list[str]) -> ReceptiveField:
    """Return the field of a layer whose inputs have the given fields, or say why there is none.

    Branches with one stride unite to the smallest field that holds them all.  Where their centres
    differ they are misaligned: the layer adds or joins numbers that look at different places.

    >>> a, b = ReceptiveField((3, 3), (1, 1), (-1, -1)), ReceptiveField((1, 1), (1, 1), (0, 0))
    >>> str(unite([a, b], ["conv", "x"]))
    '3 / 1 / 1'
    >>> str(unite([ReceptiveField((2, 2), (1, 1), (0, 0)), b], ["even", "x"]))
    '2 / 1 / 0 (misaligned: even is centred 1/2 rows and 1/2 columns from x)'
    """
    if len(fields) == 1:
        return fields[0]
    for field, name in zip(fields, names, strict=True):
        if field.size is None:
            return unknown(field.reason)
        if field.stride != fields[0].stride:
            return unknown(f"branches meet with different strides: {names[0]} {fields[0].stride}, {name} {field.stride}")
    start = tuple(min(field.start[axis] for field in fields) for axis in (0, 1))
    size = tuple(whole(max(field.start[axis] + field.size[axis] for field in fields) - start[axis]) for axis in (0, 1))
    inherited = next((field.reason for field in fields if not field.aligned), "")
    reason = _shift(fields, names) or inherited  # its own first: a second shift is not hidden behind the first
    return ReceptiveField(size, fields[0].stride, start, reason, aligned=not reason)


def _shift(fields, names) -> str:
    first = _centre(fields[0])
    for field, name in zip(fields[1:], names[1:], strict=True):
        rows, columns = (whole(a - b) for a, b in zip(first, _centre(field), strict=True))
        if (rows, columns) != (0, 0):
            return f"misaligned: {names[0]} is centred {abs(rows)} rows and {abs(columns)} columns from {name}"
    return ""


def _centre(field: ReceptiveField) -> tuple[Fraction, Fraction]:
    rows, columns = (start + Fraction(size - 1) / 2 for start, size in zip(field.start, field.size, strict=True))
    return rows, columns


def looked_at(mask: np.ndarray, rules: tuple[Axis, Axis], in_size: tuple[int, int]) -> np.ndarray:
    """Return which input positions the marked outputs see: a mask (H, W) from a mask (P, Q).

    An output sees a product of rows and columns, so the mask goes back through one axis at a time.

    >>> from minicnn.axis import Slide
    >>> looked_at(np.array([[False, True]]), (Slide(2), Slide(2, stride=2)), (2, 5)).astype(int)
    array([[0, 0, 1, 1, 0],
           [0, 0, 1, 1, 0]])
    """
    for rule, n in zip(rules, in_size, strict=True):
        mask = _back(mask, rule, n).T
    return mask


def _back(mask, rule, n):
    """Take the first axis of the mask back through one rule."""
    back = np.zeros((n, mask.shape[1]), bool)
    for i in np.flatnonzero(mask.any(axis=1)):
        back[list(rule.sees(int(i), n))] |= mask[i]
    return back


def hull(mask: np.ndarray) -> Box | None:
    """Return the smallest box that holds every marked position, None where none is marked.

    >>> hull(np.array([[0, 0, 0], [0, 1, 1]], bool))
    Box(top=1, left=1, bottom=1, right=2)
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return None
    return Box(int(rows[0]), int(columns[0]), int(rows[-1]), int(columns[-1]))
