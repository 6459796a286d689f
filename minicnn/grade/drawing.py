"""Which question: what of a failure is there to see, whatever it is drawn on?

Idea: the part of the two results around the first wrong number, as two grids with the same rows and columns; and the terms of the right number,
laid out as the windows that their places name ("x[0, 1, 2, 3]" is row 2, column 3 of x[0, 1]).  Terms that lie in no window stay a list.

Cost: none to speak of; at most 7×7 numbers of a result are looked at.  What it does not do: compare (comparing.py), colour.
Source: none.  Next rooms: terminal.py, page.py.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minicnn.grade.outcome import MISSING
from minicnn.grade.report import Failure, PartResult
from minicnn.grade.task import Account
from minicnn.grade.words import number, words
from minicnn.text import times

MOST_CELLS = 7  # rows, and columns, of a result
MOST_PLANE = 12  # rows, and columns, of an input around its window
COMPARED = ("example", "whole numbers", "any numbers")  # stages whose results are held side by side even where no first number is known
WRONG, WINDOW, PADDING = "wrong", "window", "padding"
PLACE = re.compile(r"(\w+)\[(-?\d+(?:, *-?\d+)+)\]")
Term = tuple[str, float, float | None, float | None]


def where(failure: Failure) -> str:
    """Return at which stage a part failed, in words.

    >>> where(Failure("example", "")), where(Failure("whole numbers", ""))
    ("the README's example", 'whole numbers')
    """
    return "the README's example" if failure.stage == "example" else failure.stage


@dataclass(frozen=True)
class Grid:
    """Numbers to draw: `cells` are rows of (text, looks), looks a subset of wrong, window and padding; `rows` and `columns` are their indices, or ()."""

    caption: str
    cells: tuple[tuple[tuple[str, frozenset[str]], ...], ...]
    rows: tuple[int, ...] = ()
    columns: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Window:
    """Terms that lie in a rectangle of one plane: `at` maps (row, column) to the term; `plane` is the whole of it, None where it is not known."""

    name: str
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    at: Mapping[tuple[int, int], Term]
    plane: np.ndarray | None = None

    @property
    def products(self) -> float | None:
        """The sum of the products, None where there are none."""
        found = [term[3] for term in self.at.values()]
        return None if None in found else float(sum(found))

    @property
    def strongest(self) -> tuple[Term, ...]:
        """The terms, those that weigh most first: what is told of a window that is too large to draw."""
        return tuple(sorted(self.at.values(), key=lambda term: -abs(term[1] if term[3] is None else term[3])))


def said_before(parts: Sequence[PartResult]) -> frozenset[str]:
    """Return the misconceptions and tracebacks that these parts have told, which need not be told again below them."""
    failures = [part.failure for part in parts if part.failure]
    beliefs = {why.misconception.name for why in failures if why.misconception}
    return frozenset(beliefs | {why.outcome.traceback for why in failures if why.outcome})


def shows_case(failure: Failure) -> bool:
    """Return whether the call tells anything: of a function that is not there it does not."""
    return bool(failure.arguments) and (failure.outcome is None or failure.outcome.kind != MISSING)


def received(failure: Failure) -> bool:
    """Return whether there are two results to be held side by side."""
    compared = failure.first is not None or failure.stage in COMPARED
    return compared and failure.expected is not None and failure.outcome is not None and failure.outcome.kind == "value"


def told(failure: Failure) -> tuple[str, ...]:
    """Return the two results in words: the first wrong number where there is one, else what each is."""
    right, wrong, index, name = _pair(failure)
    if index is not None and _inside(right, index) and _inside(wrong, index):
        right, wrong = (np.asarray(value)[index] for value in (right, wrong))
        digits = max(_digits(right, wrong), 9)
        name += f"[{', '.join(map(str, index))}]" if index else ""
        return (f"{name} should be {number(right, digits)}, but it is {number(wrong, digits)}.",)
    return f"expected: {words(failure.expected)}", f"received: {words(failure.outcome.value)}"


def results(failure: Failure, most: int = MOST_CELLS) -> tuple[Grid, ...]:
    """Return the two results around the first wrong number, expected and received; () where they are no arrays."""
    if failure.first is None and isinstance(failure.expected, tuple):
        return ()
    right, wrong, index, name = _pair(failure)
    if not (_drawable(right) and _drawable(wrong)):
        return ()
    marked = index is not None and right.shape == wrong.shape and _inside(right, index)
    digits = _digits(right[index], wrong[index]) if marked else 4
    at = index if marked else None
    return _around("expected", right, at, name, digits, most), _around("received", wrong, at, name, digits, most)


def windows(account: Account, arguments: Mapping[str, Any] | None) -> tuple[tuple[Window, ...], tuple[Term, ...]]:
    """Return the windows in which terms lie, and the terms that lie in none.

    >>> found, rest = windows(Account("", (("x[0, 0, 1]", 5, 2, 10), ("x[0, 0, 2]", 6, 3, 18), ("bias[4]", 7, None, 7)), 35), None)
    >>> found[0].name, found[0].rows, found[0].columns, found[0].products, rest
    ('x[0]', (0,), (1, 2), 28.0, (('bias[4]', 7, None, 7),))
    """
    planes: dict[tuple[str, tuple[int, ...]], dict[tuple[int, int], Term]] = {}
    for term in account.terms:
        name, index = _place(term[0])
        if len(index) >= 2:
            planes.setdefault((name, index[:-2]), {})[index[-2], index[-1]] = term
    found, inside = [], set()
    for (name, lead), at in planes.items():
        rows, columns = (tuple(sorted({place[axis] for place in at})) for axis in (0, 1))
        if 1 < len(at) == len(rows) * len(columns):
            whole = f"{name}[{', '.join(map(str, lead))}]" if lead else name
            found.append(Window(whole, rows, columns, at, _plane((arguments or {}).get(name), lead)))
            inside |= {term[0] for term in at.values()}
    return tuple(found), tuple(term for term in account.terms if term[0] not in inside)


def cells(window: Window, which: int, caption: str) -> Grid:
    """Return what a window holds as a grid: its values (1), factors (2) or products (3)."""
    outside = {place for place in window.at if which == 1 and not _holds(window, place)}
    rows = tuple(
        tuple((number(window.at[i, j][which]), frozenset({PADDING} if (i, j) in outside else ())) for j in window.columns)
        for i in window.rows
    )
    return Grid(caption, rows, *((window.rows, window.columns) if which == 1 else ()))


def steps(window: Window) -> tuple[Grid, ...]:
    """Return a window's values, its factors, unless they are all one number, and the products, where there are any."""
    values = cells(window, 1, window.name)
    if window.products is None:
        return (values,)
    factors = {term[2] for term in window.at.values()}
    if len(factors) == 1:  # a mean
        return values, cells(window, 3, f"times {number(factors.pop())} each")
    return values, cells(window, 2, "factors"), cells(window, 3, "products")


def surrounded(window: Window, caption: str) -> Grid:
    """Return the plane in which a window lies, or as much of it as is small, with the window's cells marked."""
    if window.plane is None:
        return cells(window, 1, caption)
    rows, columns = (_reach(places, size) for places, size in zip((window.rows, window.columns), window.plane.shape, strict=True))

    def cell(i: int, j: int) -> tuple[str, frozenset[str]]:
        inside = _holds(window, (i, j))
        looks = frozenset({WINDOW} if (i, j) in window.at else ()) | frozenset(() if inside else {PADDING})
        return (number(window.plane[i, j]) if inside else number(window.at[i, j][1]) if (i, j) in window.at else ""), looks

    return Grid(caption, tuple(tuple(cell(i, j) for j in columns) for i in rows), rows, columns)


def _pair(failure: Failure) -> tuple[Any, Any, tuple[int, ...] | None, str]:
    """Return both results, the index of the first wrong number and what it is an index of: of tuples, the item that it names."""
    right, wrong, first = failure.expected, failure.outcome.value, failure.first
    if not isinstance(right, tuple) or not first:
        return right, wrong, first, "result"
    items = (value[first[0]] if isinstance(value, tuple) and 0 <= first[0] < len(value) else None for value in (right, wrong))
    return *items, tuple(first[1:]), f"result[{first[0]}]"


def _drawable(value) -> bool:
    return isinstance(value, np.ndarray) and value.ndim > 0 and value.size > 0 and value.dtype.kind in "biuf"


def _inside(value, index: tuple[int, ...]) -> bool:
    if not (_drawable(value) or (np.ndim(value) == 0 and isinstance(value, int | float | np.generic | np.ndarray))):
        return False
    shape = np.shape(value)
    return len(shape) == len(index) and all(0 <= n < size for n, size in zip(index, shape, strict=True))


def _digits(right, wrong) -> int:
    """Return how many digits tell two numbers apart."""
    return next((digits for digits in range(4, 17) if number(right, digits) != number(wrong, digits)), 17)


def _around(word: str, array: np.ndarray, index: tuple[int, ...] | None, name: str, digits: int, most: int) -> Grid:
    thick = array.reshape((1,) * (2 - array.ndim) + array.shape)  # a row of numbers is a plane of one row
    at = (0,) * thick.ndim if index is None else (0,) * (2 - array.ndim) + tuple(index)
    plane, place = thick[at[:-2]], at[-2:]
    rows, columns = (_view(size, n, most) for size, n in zip(plane.shape, place, strict=True))
    wrong = None if index is None else place
    shown = tuple(tuple((number(plane[i, j], digits), frozenset({WRONG} if (i, j) == wrong else ())) for j in columns) for i in rows)
    lead = f"[{', '.join(map(str, at[:-2]))}]" if len(at) > 2 else ""
    part = "" if (len(rows), len(columns)) == plane.shape else f" of {times(plane.shape)}"
    whole = f", {times(array.shape)}" if index is None else ""
    return Grid(f"{word}: {name}{lead}{part}{whole}", shown, rows, columns)


def _view(size: int, at: int, most: int) -> tuple[int, ...]:
    """Return at most so many neighbouring places of an axis around one of them.

    >>> _view(20, 9, 5), _view(4, 3, 5), _view(20, 19, 3)
    ((7, 8, 9, 10, 11), (0, 1, 2, 3), (17, 18, 19))
    """
    start = max(min(at - most // 2, size - most), 0)
    return tuple(range(start, min(start + most, size)))


def _reach(places: Sequence[int], size: int) -> tuple[int, ...]:
    """Return the whole of an axis and what a window reaches beyond it; of a long one the window with a neighbour on either side."""
    first, last = min(0, places[0]), max(size - 1, places[-1])
    if last - first < MOST_PLANE:
        return tuple(range(first, last + 1))
    return tuple(range(max(places[0] - 1, first), min(places[-1] + 1, last) + 1))


def _place(text: str) -> tuple[str, tuple[int, ...]]:
    found = PLACE.match(text)
    return (found[1], tuple(int(n) for n in found[2].split(","))) if found else ("", ())


def _plane(array, lead: tuple[int, ...]) -> np.ndarray | None:
    """Return the plane of an argument that an index leads to, where it is one."""
    fits = _drawable(array) and array.ndim == len(lead) + 2 and all(0 <= n < size for n, size in zip(lead, array.shape, strict=False))
    return array[lead] if fits else None


def _holds(window: Window, place: tuple[int, int]) -> bool:
    return window.plane is None or all(0 <= n < size for n, size in zip(place, window.plane.shape, strict=True))
