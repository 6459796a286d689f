"""Which question: how much of the photo does one number of each stage look at?

Idea: two answers side by side.  Left, exactly: the box that holds every pixel the number is computed
from, which ends where the photo ends.  Right, the closed form (size, stride, start), which does not
know where the photo ends: what lies outside is padding, and is drawn as such.

Cost: one walk back through the network per unit, some milliseconds.
What it does not do: how much each pixel matters; inside a box the middle weighs most (Luo et al. 2016).
Source: Araujo, Norris, Sim, "Computing Receptive Fields of Convolutional Neural Networks" (2019).
Next room: maps.py.
"""

from typing import NamedTuple

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from minicnn.errors import ArgumentError, ShapeError
from minicnn.field import Box
from minicnn.network import Description
from minicnn.show.style import COLOURS, DASHES, INK, NORMAL, OUTSIDE, QUIET, SMALL, Picture, axes, picture
from minicnn.text import times


class Unit(NamedTuple):
    """One number of a map: where it is, what it sees, and what the closed form says."""

    name: str
    row: int
    column: int
    exact: Box | None
    field: Box | None


def stages(description: Description) -> list[str]:
    """Return one node per resolution, the last with a receptive field, at most one for each colour.

    >>> from minicnn import describe, models
    >>> stages(describe(models.lenet5(), (1, 32, 32)))
    ['relu1', 's2', 'relu3', 's4', 'relu5']
    """
    last = {row.shape[2:]: row.name for row in description if row.layer is not None and len(row.shape) == 4 and row.field.size is not None}
    names = list(last.values())
    step = -(-len(names) // len(COLOURS))
    return names[:: -step or None][::-1]


def boxes_on_photo(trace, image, units=None, *, title: str = "What one number looks at", ax=None) -> Picture:
    """Return a photo with the box of one unit per stage: exact on the left, the closed form on the right.

    `trace` is a Trace or a Description; `image` is the photo that the network saw, (H, W, 3) in [0, 1]
    (see load.to_hwc); `units` are node names, whose centre unit is taken, or (name, row, column).
    Outlines are told apart by colour, dashes and number.  With `ax`, the exact boxes are drawn there, and ax is returned.

    >>> from minicnn import describe, models
    >>> figure = boxes_on_photo(describe(models.lenet5(), (1, 32, 32)), np.zeros((32, 32, 3)), ["c3", ("s4", 0, 0)])
    >>> [text.get_text() for text in figure.legends[0].get_texts()][1]
    '2  unit (0, 0) of s4 sees rows 0–15, columns 0–15: 16×16 px; closed form 16×16 px'

    Raises ShapeError where the photo has another size than the network's input, ArgumentError for more
    units than can be told apart, UnknownNameError for a node that does not exist.
    """
    facts = getattr(trace, "description", trace)
    size = tuple(facts[facts.net.inputs[0]].shape[2:])
    if not isinstance(image, np.ndarray) or image.shape != (*size, 3):
        received = f"shape {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise ShapeError(
            f"show.boxes_on_photo: image must be the photo that the network saw, {times(size)}×3, but it is {received}; "
            "pass load.to_hwc(x, mean, std)."
        )
    found = [_unit(facts, unit) for unit in (stages(facts) if units is None else units)]
    if len(found) > len(COLOURS):
        raise ArgumentError(f"show.boxes_on_photo: at most {len(COLOURS)} outlines can be told apart, but {len(found)} units were given.")
    looks = [(COLOURS[place], DASHES[place], str(place + 1)) for place in range(len(found))]
    if ax is not None:
        outlines_on(ax, image, [unit.exact for unit in found], looks)
        ax.set_title(title, fontsize=NORMAL, color=INK, loc="left")
        ax.legend(*_lines(found, size), fontsize=SMALL, loc="upper center", bbox_to_anchor=(0.5, -0.08), frameon=False)
        return ax
    side, foot = 4.3, 0.19 * len(found) + 0.55  # inches
    figure = picture(10, foot + side + 1.0, title, f"{_which(units)} on the {times(size)} photo.")
    left, right = (axes(figure, x, foot, side, side) for x in (0.55, 5.5))
    outlines_on(left, image, [unit.exact for unit in found], looks)
    outlines_on(right, image, [unit.field for unit in found], [(colour, (0, (5, 3)), number) for colour, _, number in looks])
    left.set_title("exact: the pixels it is computed from", fontsize=NORMAL, color=INK, loc="left")
    right.set_title("closed form: dashed, as if the photo had no end", fontsize=NORMAL, color=INK, loc="left")
    _legend(figure, found, size)
    return figure


def _which(units) -> str:
    """Say which units are drawn: those of the reader, or the ones that stand for the stages."""
    if units is None:
        return "One unit per stage, the one at the centre of its map,"
    return f"{len(units)} unit{'s' * (len(units) != 1)}, each with the pixels that it sees,"


def _unit(facts: Description, unit) -> Unit:
    name, *place = (unit,) if isinstance(unit, str) else unit
    shape = facts[name].shape
    rows, columns = shape[2:] if len(shape) == 4 else (1, 1)
    row, column = place or (rows // 2, columns // 2)
    first = facts.net.inputs[0]
    return Unit(name, row, column, facts.box(name, row, column, first), facts.field(name, first).box(row, column))


def outlines_on(ax, image, outlines: list[Box | None], looks) -> None:
    """Draw the photo in a square that holds it and all outlines, what is outside of it hatched; a look is (colour, dashes, number)."""
    height, width = image.shape[:2]
    boxes = [Box(0, 0, height - 1, width - 1), *(box for box in outlines if box)]
    top, left = min(b.top for b in boxes), min(b.left for b in boxes)
    bottom, right = max(b.bottom for b in boxes), max(b.right for b in boxes)
    span = max(bottom - top + 1, right - left + 1) * 1.14
    x0, y0 = (left + right) / 2 - span / 2, (top + bottom) / 2 - span / 2
    ax.add_patch(Rectangle((x0, y0), span, span, facecolor=OUTSIDE, edgecolor="#d4cfc2", hatch="///", linewidth=0, zorder=0))
    # Pixel (i, j) covers i ± ½, j ± ½, so the photo's corner is at -½.
    ax.imshow(image, extent=(-0.5, width - 0.5, height - 0.5, -0.5), zorder=1)
    ax.set_xlim(x0, x0 + span)
    ax.set_ylim(y0 + span, y0)
    ax.set_xticks([0, width - 1])
    ax.set_yticks([0, height - 1])
    ax.set_xlabel("column (px)", fontsize=SMALL, color=QUIET, labelpad=1)
    ax.set_ylabel("row (px)", fontsize=SMALL, color=QUIET, labelpad=-6)
    ax.text(x0 + span * 0.015, y0 + span * 0.985, "hatched: outside the image", fontsize=SMALL, color=INK, va="bottom", zorder=5)
    for place, box in enumerate(outlines):
        if box is not None:
            _outline(ax, box, looks[place])
            _tag(ax, box, looks[place], span)


def _outline(ax, box: Box, look) -> None:
    colour, dash, number = look
    rows, columns = box.size
    corner = (box.left - 0.5, box.top - 0.5)
    ax.add_patch(Rectangle(corner, columns, rows, fill=False, edgecolor="white", linewidth=3.2, alpha=0.75, zorder=2))
    outline = Rectangle(corner, columns, rows, fill=False, edgecolor=colour, linewidth=1.9, linestyle=dash, zorder=3)
    outline.set_label(number)
    ax.add_patch(outline)


def _tag(ax, box: Box, look, span: float) -> None:
    """Write the unit's number: on the upper edge of a large box, beside a small one with a line to it."""
    colour, _, number = look
    place = int(number) - 1
    style = {"fontsize": SMALL, "color": "white", "fontweight": "bold", "ha": "center", "va": "center", "zorder": 6}
    style["bbox"] = {"boxstyle": "round,pad=0.18", "facecolor": colour, "edgecolor": "white", "linewidth": 0.8}
    rows, columns = box.size
    if columns > 0.25 * span:  # each a little further right, so that the tags of equal boxes stand side by side
        ax.text(box.left + columns * (0.1 + 0.08 * place), box.top - 0.5, number, **style)
        return
    right, down = ((-1, -1), (1, -1), (1, 1), (-1, 1))[place % 4]  # small boxes lie inside each other: a corner for each
    corner = (box.left + columns / 2 + right * columns / 2, box.top + rows / 2 + down * rows / 2)
    far = (corner[0] + right * 0.05 * span, corner[1] + down * 0.05 * span)
    ax.plot(*zip(corner, far, strict=True), color="white", linewidth=2.4, zorder=4)
    ax.plot(*zip(corner, far, strict=True), color=colour, linewidth=1.2, zorder=5)
    ax.text(*far, number, **style)


def _lines(units: list[Unit], size) -> tuple[list[Line2D], list[str]]:
    """Return what a legend shows: a piece of each outline, and its unit in words."""
    handles = [Line2D([], [], color=COLOURS[at], linestyle=DASHES[at], linewidth=2) for at in range(len(units))]
    return handles, [f"{at + 1}  {_sentence(unit, size)}" for at, unit in enumerate(units)]


def _legend(figure: Picture, units: list[Unit], size) -> None:
    handles, labels = _lines(units, size)
    wide, high = figure.get_size_inches()
    figure.legend(
        handles,
        labels,
        loc="lower left",
        bbox_to_anchor=(0.4 / wide, 0.02 / high),
        frameon=False,
        fontsize=SMALL,
        handlelength=4.5,
        labelspacing=0.35,
        borderpad=0.2,
    )


def _sentence(unit: Unit, size) -> str:
    head = f"unit ({unit.row}, {unit.column}) of {unit.name} sees "
    if unit.exact is None:
        return head + "padding only"
    box = unit.exact
    if box == Box(0, 0, size[0] - 1, size[1] - 1):
        text = head + "the whole photo"
    else:
        text = head + f"rows {box.top}–{box.bottom}, columns {box.left}–{box.right}: {times(box.size)} px"
    return text + (f"; closed form {times(unit.field.size)} px" if unit.field else "; it has no closed form")
