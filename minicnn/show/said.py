"""Which question: how does a notebook's cell say what it found, at once or when the reader asks?

Idea: three small values that are shown as HTML wherever a cell's last line is: lines of text, the same folded so that they can be
predicted first, and pictures in a row that breaks where the page is narrow.  A script prints them as plain text.

    show.said("8 rows", table)        show.later(y.shape)        show.side_by_side(show.described(…), show.described(…))

Cost: none.  What it does not do: ask (quiz/cell.py); draw (described.py).
Source: White & Gunstone, "Probing Understanding" (1992), on predicting before looking.  Next room: described.py.
"""

from dataclasses import dataclass
from html import escape

__all__ = ["Later", "Said", "SideBySide", "later", "said", "side_by_side"]

PROSE = 90  # letters of a line, from which on it is wrapped: no table of a lesson is so wide
SUMMARY = "I have predicted. What comes out?"


@dataclass(frozen=True, eq=False, repr=False)
class Said:
    """Lines of text that keep their columns; what has an HTML of its own is shown as that."""

    parts: tuple

    def __repr__(self):
        return "\n".join(map(str, self.parts))

    def _repr_html_(self) -> str:
        return "".join(each._repr_html_() if hasattr(each, "_repr_html_") else _lines(str(each)) for each in self.parts)


@dataclass(frozen=True, eq=False, repr=False)
class Later(Said):
    """The same, folded."""

    def _repr_html_(self) -> str:
        return f"<details><summary style='cursor:pointer'>{SUMMARY}</summary>{super()._repr_html_()}</details>"


@dataclass(frozen=True, eq=False, repr=False)
class SideBySide(Said):
    """Pictures in a row, below each other where the page is narrow."""

    def _repr_html_(self) -> str:
        return f"<div style='display:flex;flex-wrap:wrap;gap:.8rem;align-items:flex-end'>{super()._repr_html_()}</div>"


def _lines(text: str) -> str:
    wrap = "pre-wrap" if max(map(len, text.split("\n"))) > PROSE else "pre"
    look = f"margin:.3rem 0;padding:0;overflow-x:auto;overflow-wrap:anywhere;font-size:.9em;white-space:{wrap}"
    return f"<pre tabindex='0' style='{look}'>{escape(text)}</pre>"


def said(*parts) -> Said:
    """Return lines of text to be a cell's last line.

    parts : anything that str() makes lines of, or what shows itself as HTML.  Source: none.

    >>> said("rows", 7)
    rows
    7
    """
    return Said(_joined(parts))


def later(*parts) -> Later:
    """Return the same, folded: the reader predicts first, and opens it then.

    parts : as in `said`.  Source: White & Gunstone (1992).

    >>> later((1, 16, 30, 30))
    (1, 16, 30, 30)
    """
    return Later(_joined(parts))


def side_by_side(*pictures) -> SideBySide:
    """Return pictures in a row that breaks where the page is narrow.

    pictures : what shows itself as HTML, such as show.described(figure, alt).  Source: none.

    >>> side_by_side(said("left"), said("right"))
    left
    right
    """
    return SideBySide(pictures)


def _joined(parts: tuple) -> tuple:
    """Return the parts with neighbouring lines of text as one text."""
    found: list = []
    for each in parts:
        if hasattr(each, "_repr_html_"):
            found.append(each)
        elif found and isinstance(found[-1], str):
            found[-1] += f"\n{each}"
        else:
            found.append(str(each))
    return tuple(found)
