"""Which question: how does a kernel slide, as a picture that moves?

Idea: one frame for each place of the kernel: the padded input with the window on it, the kernel, their products, and the output as far as
it has come; above, the arithmetic of the place, below, that of the sum and the bias.  Padding is hatched; stride and dilation are seen in
which cells the window covers.  Every number is the engine's own (probe/sliding.py).

Cost: about a tenth of a second a frame.
When it loses: on inputs whose cells cannot be read, so it takes up to 16×16 of them with their padding.
What it does not do: several filters at a time; the page of the same steps is sliding_page.py's.
Source: Dumoulin & Visin, "A guide to convolution arithmetic for deep learning" (2016), whose animations these frames follow.
Next rooms: animation.py, sliding_page.py.
"""

from pathlib import Path
from typing import NamedTuple

from matplotlib.patches import Rectangle

from minicnn.errors import ArgumentError, ShapeError
from minicnn.probe.sliding import Sliding, Step, added, checked_filter, finished, place, short, sliding
from minicnn.show.animation import animation
from minicnn.show.files import check_free, write
from minicnn.show.sliding_page import page
from minicnn.show.style import COLOURS, INK, NORMAL, OUTSIDE, QUIET, SMALL, Picture, axes, picture
from minicnn.text import times

WHAT = "show.sliding_kernel"
CELLS, CHANNELS, STEPS = 16, 3, 256  # rows or columns with padding, channels, steps that a picture can show
CELL, GAP, MARGIN, HEAD, FOOT = 0.36, 0.45, 0.25, 0.72, 0.72  # inches
LETTER, EDGE = 0.08, 0.03  # of a line of text; around the drawing, for its outermost lines
GREY = "#b0b0b0"


class Tile(NamedTuple):
    """One cell: what it says, how it looks, and small words in its corner."""

    text: str
    face: str = "white"
    edge: str = GREY
    hatched: bool = False
    corner: str = ""


def sliding_kernel(
    x,
    weight,
    bias=None,
    stride=1,
    padding=0,
    dilation=1,
    path="conv.gif",
    *,
    filter: int = 0,
    seconds: float = 0.8,
    title: str | None = None,
) -> Path:
    """Write a kernel that slides over a small input as an animation (.gif), or as a page to step through (.html); return its path.

    y[k,p,q] = b[k] + Σ_c Σ_i Σ_j w[k,c,i,j] · x[c, p·stride - top + i·dilation, q·stride - left + j·dilation]

    x is (H, W) or (C, H, W), up to 3 channels, and 16×16 with its padding; weight (R, S), (C, R, S) or (K, C, R, S), of which `filter` is
    drawn; `seconds` are those of a step.  A file that minicnn did not write is not replaced.

    >>> import tempfile, numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = sliding_kernel(np.ones((2, 3)), np.ones((2, 2)), path=Path(folder, "conv.gif"))
    ...     path.name, path.read_bytes()[:6]
    ('conv.gif', b'GIF89a')

    Raises ShapeError, DTypeError and ArgumentError as conv2d does, and for what is too large to be read; OSError where it cannot be written.
    Source: Dumoulin & Visin (2016).
    """
    path, found = Path(path), sliding(x, weight, bias, stride, padding, dilation, what=WHAT)
    filter = checked_filter(found, filter, WHAT)
    _check_size(found)
    if not isinstance(seconds, int | float) or not 0.02 <= seconds <= 60:
        raise ArgumentError(f"{WHAT}: seconds is the time of a step, from 0.02 to 60, but it is {seconds!r}.")
    if path.suffix.lower() not in (".gif", ".html"):
        raise ArgumentError(f"{WHAT}: steps are written as .gif or .html, but the file is called {path.name!r}; call it {path.stem}.gif.")
    check_free(path, WHAT)
    title = title or heading(found)
    if path.suffix.lower() == ".html":
        return write(path, page(found, filter, title, seconds).encode())
    return write(path, animation([frame(found, found.step(n, filter), title) for n in range(len(found))], seconds))


def heading(found: Sliding) -> str:
    """Return the setting in words.

    >>> import numpy as np
    >>> heading(sliding(np.ones((4, 5)), np.ones((3, 2)), stride=(2, 1), padding=((0, 1), (1, 1))))
    'A 3×2 kernel over 4×5: stride 2×1, padding 0 + 1 × 1 + 1'
    """
    window = found.layer.window.resolve(found.size)
    words = [f"stride {_both(window.stride)}"]
    if any(map(any, window.padding)):
        words.append(f"padding {_sides(window.padding)}")
    if window.dilation != (1, 1):
        words.append(f"dilation {_both(window.dilation)}")
    return f"A {times(window.kernel)} kernel over {times(found.x.shape[len(found.x) == 1 :])}: {', '.join(words)}"


def _both(pair) -> str:
    return str(pair[0]) if pair[0] == pair[1] else times(pair)


def _sides(padding) -> str:
    every = {side for axis in padding for side in axis}
    return str(every.pop()) if len(every) == 1 else " × ".join(f"{before} + {after}" for before, after in padding)


def _check_size(found: Sliding) -> None:
    padded = tuple(map(len, found.spans))
    channels, kernel = len(found.x), found.layer.window.kernel
    if max(*padded, *kernel) > CELLS or channels > CHANNELS or len(found) > STEPS:
        raise ShapeError(
            f"{WHAT}: a picture has room for {CELLS}×{CELLS} cells of input and padding, {CHANNELS} channels and {STEPS} steps, but here are "
            f"{times(padded)} cells, {channels} channel{'s' * (channels != 1)} and {len(found)} steps; take a part of x, or a larger stride."
        )


def frame(found: Sliding, step: Step, title: str = "") -> Picture:
    """Return one step as a figure.

    >>> import numpy as np
    >>> found = sliding(np.ones((2, 3)), np.full((2, 2), 2.0), bias=1.0)
    >>> figure = frame(found, found.step(1))
    >>> [text.get_text() for text in figure.texts][2:]
    ['1·2 + 1·2 + 1·2 + 1·2 = 8', 'y[0, 0, 1] = 8 + bias 1 = 9']
    """
    rows, columns = found.spans
    kernel, out = found.layer.window.kernel, found.out
    channels = len(found.x)
    high = max(len(rows), kernel[0]) * CELL + GAP
    wide = (len(columns) + 2 * kernel[1] + out[1]) * CELL + 3 * GAP
    tall = max(channels * high, out[0] * CELL + GAP)
    foot = FOOT + 0.2 * (channels - 1)
    axis = zip(("row", "column"), found.rules, step.at, strict=True)
    where = "\n".join(f"{word}  {place(rule, at, word)}" for word, rule, at in axis)
    figure = picture(max(wide + 2 * MARGIN, 6.8), HEAD + tall + foot, title, where)
    ax = axes(figure, MARGIN - EDGE, foot - EDGE, wide + 2 * EDGE, tall + 2 * EDGE)
    ax.set_axis_off()
    ax.set_xlim(-EDGE, wide + EDGE)
    ax.set_ylim(tall + EDGE, -EDGE)
    for channel in range(channels):
        _channel(ax, found, step, channel, channel * high)
    left = (len(columns) + 2 * kernel[1]) * CELL + 3 * GAP
    _sign(ax, "→", left - GAP / 2, tall / 2)
    _tiles(ax, f"output {times(out)}", _output(found, step), left, (tall - out[0] * CELL - GAP) / 2)
    inches = figure.get_size_inches()
    for line, text in enumerate([*(_told(step, channel, inches[0]) for channel in range(channels)), finished(step)]):
        look = {"fontsize": NORMAL, "color": INK, "va": "top", "fontweight": "bold" if line == channels else "normal"}
        figure.text(MARGIN / inches[0], (foot - 0.13 - 0.22 * line) / inches[1], text, **look)
    return figure


def _told(step: Step, channel: int, inches: float) -> str:
    head = f"channel {channel}: " if len(step.cells) > 1 else ""
    text = head + added(step, channel)
    if len(text) * LETTER <= inches - 2 * MARGIN:
        return text
    return f"{head}the sum of {int((~step.padding).sum())} products = {short(step.sums[channel])}"


def _channel(ax, found: Sliding, step: Step, channel: int, top: float) -> None:
    """Draw input, kernel and products of one channel side by side, the smaller ones at the middle of the input's height."""
    rows, columns = found.spans
    kernel = found.layer.window.kernel
    head = f"channel {channel}: " if len(found.x) > 1 else ""
    size = times(found.size) + (f", padded {times((len(rows), len(columns)))}" if (len(rows), len(columns)) != found.size else "")
    _tiles(ax, f"{head}input {size}", _input(found, step, channel), 0, top)
    lower = top + max(0, (len(rows) - kernel[0]) * CELL / 2)
    middle = lower + GAP + kernel[0] * CELL / 2
    left = len(columns) * CELL + GAP
    _tiles(ax, "kernel", [[Tile(short(w), "#fbe3d3", COLOURS[1]) for w in row] for row in step.weight[channel]], left, lower)
    _sign(ax, "·", left - GAP / 2, middle)
    products = [
        [Tile("0" if outside else short(value), "#d3ece3", COLOURS[2], bool(outside)) for value, outside in zip(*row, strict=True)]
        for row in zip(step.products[channel], step.padding, strict=True)
    ]
    left += kernel[1] * CELL + GAP
    _sign(ax, "=", left - GAP / 2, middle)
    _tiles(ax, "products", products, left, lower)


def _input(found: Sliding, step: Step, channel: int) -> list[list[Tile]]:
    data, rows = found.x[channel], []
    for i in found.spans[0]:
        row = []
        for j in found.spans[1]:
            inside = 0 <= i < data.shape[0] and 0 <= j < data.shape[1]
            covered = i in step.rows and j in step.columns
            corner = f"×{short(step.weight[channel, step.rows.index(i), step.columns.index(j)])}" if covered else ""
            face = "#cfe3f2" if covered else "white" if inside else OUTSIDE
            row.append(Tile(short(data[i, j]) if inside else "", face, COLOURS[0] if covered else GREY, not inside, corner))
        rows.append(row)
    return rows


def _output(found: Sliding, step: Step) -> list[list[Tile]]:
    data = found.y[step.filter]
    return [
        [
            Tile(short(data[p, q]), "#f3dcea", COLOURS[3])
            if (p, q) == step.at
            else Tile(short(data[p, q]), "#ececec")
            if found.number((p, q)) < step.number
            else Tile("")
            for q in range(found.out[1])
        ]
        for p in range(found.out[0])
    ]


def _tiles(ax, title: str, tiles: list[list[Tile]], left: float, top: float) -> None:
    """Draw a title and rows of cells; coloured edges over grey ones.  (add_artist, since add_patch would ask for limits that are fixed.)"""
    ax.text(left, top + GAP - 0.07, title, fontsize=SMALL, color=QUIET, va="bottom")
    longest = max(len(tile.text) for row in tiles for tile in row)
    size = NORMAL if longest <= 4 else NORMAL * 4.2 / longest
    for i, row in enumerate(tiles):
        for j, tile in enumerate(row):
            x, y, strong = left + j * CELL, top + GAP + i * CELL, tile.edge != GREY
            ax.add_artist(Rectangle((x, y), CELL, CELL, facecolor=tile.face, edgecolor=GREY, linewidth=0.7, zorder=2))
            if tile.hatched:
                ax.add_artist(Rectangle((x, y), CELL, CELL, fill=False, edgecolor="#b9b3a4", hatch="////", linewidth=0, zorder=3))
            if strong:
                ax.add_artist(Rectangle((x, y), CELL, CELL, fill=False, edgecolor=tile.edge, linewidth=1.8, zorder=4))
            up = 0.05 if tile.corner else 0.0
            ax.text(x + CELL / 2, y + CELL / 2 - up, tile.text, fontsize=size, color=INK, ha="center", va="center", zorder=5)
            ax.text(
                x + CELL - 0.025,
                y + CELL - 0.02,
                tile.corner,
                fontsize=min(5.5, 38 / max(len(tile.corner), 1)),
                color="#a04400",
                ha="right",
                va="bottom",
                zorder=5,
            )


def _sign(ax, text: str, x: float, y: float) -> None:
    ax.text(x, y, text, fontsize=14, color=INK, ha="center", va="center")
