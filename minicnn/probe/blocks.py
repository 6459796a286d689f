"""Which question: how do windows of numbers stand side by side in a terminal?

Idea: a block is a title and rows of cells of one width, all in one unit: where the largest number is small or large it is 1e-3, 1e3, …,
named in the title, so that every number has digits.  Blocks stand beside each other with · and = between them, as in the lecture, in
as many rows of blocks as the width asks for.

Cost: none.  What it does not do: cut anything; who has too many numbers asks for a table.
Source: none.  Next room: equation.py.
"""

from itertools import pairwise

import numpy as np

from minicnn.probe.terms import PADDING

CELL = 7  # columns for a number
SIGNS = ("", "·", "=")  # in front of the patch, the filter and the products


def span(word: str, places) -> str:
    """Return positions in few letters.

    >>> span("row", [3, 4, 5]), span("row", [3, 5, 7]), span("row", [1, 0, 1]), span("row", [4])
    ('rows 3…5', 'rows 3…7 by 2', 'rows 1, 0, 1', 'row 4')
    """
    places = [int(place) for place in places]
    steps = {b - a for a, b in pairwise(places)}
    if len(places) == 1:
        return f"{word} {places[0]}"
    if len(steps) == 1 and (step := steps.pop()) > 0:
        return f"{word}s {places[0]}…{places[-1]}" + ("" if step == 1 else f" by {step}")
    return f"{word}s {', '.join(map(str, places))}"


def drawn(title: str, numbers: np.ndarray, marks=None, winner: int | None = None) -> tuple[str, list[str]]:
    """Return a title and the rows of a block of numbers, in a unit in which they have digits.

    >>> drawn("filter", np.array([[0.0125, -0.5e-3]]))
    ('filter, in 1e-3', ['  12.50  -0.50'])
    """
    form, unit = _form(numbers)
    cells = [form(value) for value in numbers.ravel()]
    if marks is not None:
        cells = ["pad" if mark == PADDING else cell for cell, mark in zip(cells, marks.ravel(), strict=True)]
    if winner is not None:
        cells[winner] = f"[{cells[winner]}]"
    columns = numbers.shape[1]
    rows = ["".join(f"{cell:>{CELL}}" for cell in cells[at : at + columns]) for at in range(0, len(cells), columns)]
    return f"{title}{f', in {unit}' if unit else ''}", rows


def _form(numbers: np.ndarray):
    """Return how a block's numbers are written in six letters, and the unit in which."""
    finite = np.abs(numbers[np.isfinite(numbers)])
    largest = float(finite.max()) if finite.size else 0.0
    if largest < 1e5 and (finite == np.rint(finite)).all():
        return (lambda value: f"{value + 0:.0f}"), ""  # + 0 takes the sign off -0
    power = 0 if 0.1 <= largest < 1000 else 3 * int(np.floor(np.log10(largest) / 3))
    scale = 10.0**power
    shown = largest / scale
    digits = 3 if shown < 9.9995 else 2 if shown < 99.995 else 1
    zero, below = f"{0:.{digits}f}", f"-{0:.{digits}f}"

    def form(value: float) -> str:
        text = f"{value / scale:.{digits}f}"
        return zero if text == below else text

    return form, f"1e{power}" if power else ""


def beside(blocks, columns: int, width: int) -> list[str]:
    """Return blocks side by side with · and = between them, in as many rows of blocks as the width asks for.

    >>> for line in beside([drawn("patch", np.eye(2)), drawn("filter", np.eye(2) * 3)], 2, 80):
    ...     print(line.rstrip())
          patch              filter
            1      0  ·         3      0
            0      1            0      3
    """
    wide = max(columns * CELL, *(len(title) for title, _ in blocks))
    fit = max(1, (width + 3) // (wide + 5))
    lines: list[str] = []
    for first in range(0, len(blocks), fit):
        some, signs = blocks[first : first + fit], SIGNS[first : first + fit]
        lines.append(("  " + "     ".join(f"{title:^{wide}}" for title, _ in some)).rstrip())
        tall = max(len(rows) for _, rows in some)
        for row in range(tall):
            middle = row == (tall - 1) // 2
            text = (f"{signs[0]:<2}" if middle else "  ") + f"{some[0][1][row]:>{wide}}"
            for (_, rows), sign in zip(some[1:], signs[1:], strict=False):
                text += (f"  {sign}  " if middle else "     ") + f"{rows[row]:>{wide}}"
            lines.append(text)
    return lines
