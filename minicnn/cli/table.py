"""Which question: how does a table of every map stay whole in 80 columns?

Idea: nodes are grouped by the word before the first dot, which becomes a heading, so that
block11.depthwise.relu6 is one heading and "depthwise.relu6".  Columns are as wide as what they hold;
the name gets the rest, and a name that does not fit stands on a line of its own.  Nothing is cut.

Cost: none.  Next room: maps.py, which fills it.
"""

from collections.abc import Iterable
from itertools import groupby

from minicnn.cli.terminal import FIRM
from minicnn.text import count, times


def grouped(head: tuple[str, ...], rows: Iterable[tuple[str, ...]], width: int, foot: tuple[str, ...] | None = None) -> list[str]:
    """Return the lines of a table; the first cell of a row is the node's name, the second stands left, the others right.

    >>> for line in grouped(("map", "layer", "n"), [("x", "input", "3"), ("stem.conv", "Conv", "32")], 40):
    ...     print(line)
    map       layer   n
    -------------------
    x         input   3
    stem
      conv    Conv   32
    """
    body = [_split(name, rest) for name, *rest in rows]
    every = [head, *([foot] if foot else []), *((name, *rest) for _, name, rest in body)]
    name, *widths = (max(len(row[column]) for row in every) for column in range(len(head)))
    gap = 2 if name + sum(widths) + 2 * len(widths) <= width else 1
    name = max(min(name, width - sum(widths) - gap * len(widths)), 8)

    def lines(cells) -> list[str]:
        first, second, *others = cells
        text = (" " * gap).join([f"{second:<{widths[0]}}", *(f"{cell:>{size}}" for cell, size in zip(others, widths[1:], strict=True))])
        if len(first) > name:
            return [first, (" " * (name + gap) + text).rstrip()]
        return [f"{first:<{name}}{' ' * gap}{text}".rstrip()]

    rule = "-" * (name + sum(widths) + gap * len(widths))
    found = [*lines(head), rule]
    for group, members in groupby(body, key=lambda row: row[0]):
        found += [group] if group else []
        for _, first, rest in members:
            found += lines((first, *rest))
    return found + ([rule, *lines(foot)] if foot else [])


def _split(name: str, rest) -> tuple[str, str, list[str]]:
    group, dot, last = name.partition(".")
    return (group, f"  {last}", rest) if dot else ("", name, rest)


def firm(number_: int, unit: str) -> str:
    """Return a count whose unit stays on its line when prose is wrapped."""
    return count(number_, unit).replace(" ", FIRM)


def number(value: float) -> str:
    """Return a measured number in few letters.

    >>> number(0.5152), number(-41.73), number(0.0), number(1.2e-5), number(float("nan"))
    ('0.515', '-41.7', '0', '1.2e-05', 'nan')
    """
    size = abs(value)
    if value == 0 or value != value or size == float("inf"):
        return f"{value:g}"
    if size < 5e-4 or size >= 1e4:
        return f"{value:.1e}"
    return f"{value:.3f}" if size < 10 else f"{value:.1f}"


def one_image(shape) -> str:
    """Return a shape as it is read aloud, the batch left out where it is one image.

    >>> one_image((1, 3, 224, 224)), one_image((2, 3, 4, 5)), one_image((1, 1000))
    ('3×224×224', '2×3×4×5', '1000')
    """
    shape = tuple(shape)
    return times(shape[1:] if len(shape) > 1 and shape[0] == 1 else shape) or "one number"


def kind_of(layer) -> str:
    """Return what kind of layer a node holds, without the 2d that all of them have."""
    return type(layer).__name__.removesuffix("2d") if layer is not None else "input"
