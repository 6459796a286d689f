"""Which question: what do the filters of the first layer look for, and what did training make of them?

Idea: only the first layer's filters can be read as pictures, because only its input is one.  Each
is a small image per input channel, red above zero, blue below, white at zero; all share one scale,
before and after too, so that what grew looks larger and what was chosen at random looks random.

Cost: one image per row of filters.
What it does not do: deeper layers, whose channels mean nothing by themselves; colour pictures, which
would hide the sign.
Source: Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep CNNs" (2012), figure 3.
Next room: maps.py, for what these filters answer.
"""

from math import ceil
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle

from minicnn import check
from minicnn.errors import ArgumentError, ShapeError
from minicnn.show.maps import NOT_FINITE, TINY
from minicnn.show.style import INK, NORMAL, QUIET, SIGNED, SMALL, Picture, axes, finite_range, picture
from minicnn.text import times

WHAT = "show.filters"
MOST, CHANNELS, ACROSS = 64, 4, 16
LABEL, BETWEEN, HEADER = 0.17, 0.04, 0.28  # inches: a filter's number, between channels, the words before and after
FOOT, HEAD = 0.2, 0.88


class Grid(NamedTuple):
    """Where the tiles of one panel stand, in inches; a band is a row of filters, with a row of tiles per channel."""

    across: int
    bands: int
    tile: tuple[float, float]  # (high, wide)
    gap: float
    repeat: int  # dots per cell
    channels: int

    @property
    def band(self) -> float:
        return LABEL + self.channels * (self.tile[0] + BETWEEN)

    @property
    def size(self) -> tuple[float, float]:
        return self.bands * self.band, self.across * (self.tile[1] + self.gap)


def filters(weight, *, before=None, names=None, title: str = "The filters of the first layer") -> Picture:
    """Return the filters (K, C/groups, kh, kw) of a first layer as small images, `before` training above those after it.

    Up to 64 filters stand in rows of up to 16, numbered; each input channel (up to 4) has a row of
    its own, called by `names`. Colours run from -m (blue) over 0 (white) to m (red), where m is the
    largest |weight| of all that is drawn.

    >>> rng = np.random.default_rng(0)
    >>> first, later = (rng.standard_normal((6, 1, 5, 5)).astype(np.float32) for _ in range(2))
    >>> figure = filters(later, before=first)
    >>> [text.get_text() for text in figure.texts][2:]
    ['before', 'after']

    Raises ShapeError for weights of other shapes, DTypeError for something else than float arrays,
    ArgumentError for names that do not fit.
    Source: Krizhevsky et al. (2012), figure 3.
    """
    weight = _checked(weight, "weight")
    panels = [weight]
    if before is not None:
        before = _checked(before, "before")
        if before.shape != weight.shape:
            raise ShapeError(f"{WHAT}: before must have the shape of weight, {times(weight.shape)}, but it is {times(before.shape)}.")
        panels = [before, weight]
    names = _named(names, weight.shape[1])
    grid = _grid(weight.shape)
    margin = 0.25 + (0.075 * max(map(len, names)) if names else 0)
    header = HEADER if before is not None else 0.0
    high, wide = grid.size
    top = max(max(map(abs, finite_range(panel))) for panel in panels) or 1.0
    tall = len(panels) * (high + header)
    figure = picture(max(margin + wide + 1.0, 6.4), FOOT + tall + HEAD, title, _below(panels))
    norm, palette = Normalize(-top, top), matplotlib.colormaps[SIGNED].with_extremes(bad=NOT_FINITE)
    for place, panel in enumerate(panels):
        bottom = FOOT + tall - (place + 1) * (high + header)
        ax = axes(figure, margin, bottom, wide, high)
        _draw(ax, grid, palette(norm(np.ma.masked_invalid(panel))), names)
        if header:
            inches = figure.get_size_inches()
            word = ("before", "after")[place]
            figure.text(margin / inches[0], (bottom + high + 0.04) / inches[1], word, fontsize=NORMAL, fontweight="bold", color=INK)
    _colour_scale(figure, margin + wide + 0.1, FOOT, tall - header, ScalarMappable(norm, palette))
    return figure


def _checked(weight, name: str) -> np.ndarray:
    if hasattr(weight, "weight"):
        raise ShapeError(f"{WHAT}: {name} is the array of a layer's weights, but it is the layer; pass {name}.weight.")
    weight = check.float_array(weight, name, WHAT)
    if weight.ndim != 4 or 0 in weight.shape:
        raise ShapeError(
            f"{WHAT}: {name} must be (K, C, kh, kw), as a Conv2d's weight is, but its shape is {weight.shape}; pass net[0].weight."
        )
    count, channels = weight.shape[:2]
    if channels > CHANNELS:
        raise ShapeError(
            f"{WHAT}: a first layer sees at most {CHANNELS} channels, but {name} has {channels} ({times(weight.shape)}), so its filters are no "
            f"pictures; pass the first layer's weight, or some channels: {name}[:, :3]."
        )
    if count > MOST:
        raise ShapeError(f"{WHAT}: at most {MOST} filters can be told apart, but {name} has {count}; pass some of them: {name}[:{MOST}].")
    return weight


def _named(names, channels: int) -> list[str]:
    """Return a name per input channel; a single channel needs none."""
    if names is None:
        return [f"channel {c}" for c in range(channels)] if channels > 1 else []
    if not isinstance(names, list | tuple) or len(names) != channels or not all(isinstance(name, str) for name in names):
        raise ArgumentError(f"{WHAT}: names has a str for each of the {channels} input channels, but it is {names!r}.")
    return list(names)


def _grid(shape: tuple[int, ...]) -> Grid:
    count, channels, rows, columns = shape
    bands = ceil(count / ACROSS)
    across = ceil(count / bands)
    wide = min(1.1, 8.8 / across - 0.07, 1.1 * columns / rows)
    repeat = ceil(24 / columns)
    dots = max(1, round(0.07 / wide * columns * repeat))  # the gap in dots, so that a row is one picture of whole dots
    gap = wide * dots / (columns * repeat)
    return Grid(across, bands, (wide * rows / columns, wide), gap, repeat, channels)


def _draw(ax, grid: Grid, colours: np.ndarray, names: list[str]) -> None:
    """Draw one panel from colours (K, C, kh, kw, 4)."""
    high, wide = grid.size
    (tile_high, tile_wide), step = grid.tile, grid.tile[1] + grid.gap
    ax.set_axis_off()
    ax.set_xlim(0, wide)
    ax.set_ylim(high, 0)
    for band in range(grid.bands):
        chosen = colours[band * grid.across : (band + 1) * grid.across]
        for place in range(len(chosen)):
            number = band * grid.across + place
            ax.text(place * step, band * grid.band + LABEL - 0.02, str(number), fontsize=TINY, color=INK, va="bottom")
        for channel in range(grid.channels):
            y = band * grid.band + LABEL + channel * (tile_high + BETWEEN)
            row = _side_by_side(chosen[:, channel], grid)
            ax.imshow(row, extent=(0, len(chosen) * step, y + tile_high, y), aspect="auto", interpolation="nearest")
            for place in range(len(chosen)):  # a border, because a weight of zero is as white as the paper
                ax.add_patch(Rectangle((place * step, y), tile_wide, tile_high, fill=False, edgecolor="#b8b8b8", linewidth=0.5))
            if names:
                ax.text(-0.06, y + tile_high / 2, names[channel], fontsize=TINY, color=QUIET, ha="right", va="center")


def _side_by_side(tiles: np.ndarray, grid: Grid) -> np.ndarray:
    """Return tiles (n, kh, kw, 4) as one picture, each cell repeated to whole dots, gaps transparent."""
    columns = tiles.shape[2]
    dots = round(grid.gap / grid.tile[1] * columns * grid.repeat)
    wide = tiles.repeat(grid.repeat, axis=2)
    padded = np.pad(wide, ((0, 0), (0, 0), (0, dots), (0, 0)))  # (n, kh, kw·repeat + dots, 4)
    return padded.transpose(1, 0, 2, 3).reshape(tiles.shape[1], -1, 4)


def _below(panels: list[np.ndarray]) -> str:
    count, *sides = panels[0].shape
    text = f"{count} filter{'s' * (count != 1)} of {times(sides)}; red above zero, blue below, one scale for all."
    if not all(np.isfinite(panel).all() for panel in panels):
        return text + "\nMagenta: not finite."
    if len(panels) == 2:
        change, first = (float(np.linalg.norm(array.astype(np.float64))) for array in (panels[1] - panels[0], panels[0]))
        text += f"\nTraining moved them by {change:.3g}" + (
            f", {100 * change / first:.0f} % of the length they had (the root of Σ w²)." if first else "."
        )
    return text


def _colour_scale(figure, left: float, bottom: float, high: float, mappable) -> None:
    tall = min(high - LABEL, 3.0)
    ax = axes(figure, left, bottom + (high - LABEL - tall) / 2 + BETWEEN, 0.14, tall)
    bar = figure.colorbar(mappable, cax=ax)
    bar.outline.set_visible(False)
    bar.set_label("weight", fontsize=SMALL, color=QUIET)
    if tall < 1:
        ax.yaxis.set_major_locator(matplotlib.ticker.MaxNLocator(3, symmetric=True))
    ax.tick_params(labelsize=SMALL, colors=QUIET, length=3)
