"""Which question: what do the channels of one feature map look like?

Idea: a grid of channels drawn as one mosaic.  Maps that have negative numbers get a diverging scale
whose middle colour is zero, the others viridis from zero up.  Either all channels share one scale,
so that they can be compared, or each is stretched by its own largest |value|, so that faint ones show.

Cost: one image, whatever the number of channels.
What it does not do: say which channel matters; a strong activation is not importance.
Source: Zeiler & Fergus, "Visualizing and Understanding Convolutional Networks" (2014), for looking at maps at all.
Next room: depth.py.
"""

from math import ceil, floor, log, sqrt

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle

from minicnn import check
from minicnn.errors import ArgumentError, ShapeError
from minicnn.network import FeatureMap
from minicnn.show.style import DEAD, INK, NORMAL, QUIET, RECTIFIED, SIGNED, SMALL, Picture, axes, finite_range, picture
from minicnn.text import times

TINY = SMALL - 1.5  # points: the numbers above tiles
NOT_FINITE = "#ff00ff"
MOST = 64  # channels, unless asked for others
ORDERS = ("first", "strongest")
SCALES = ("shared", "each")


def map_grid(feature_map: FeatureMap, channels="first", *, scale: str = "shared", image: int = 0, ax=None) -> Picture:
    """Return a grid of the channels of one map, dead ones marked.

    `channels` is "first" (up to 64), "strongest" (the 64 of largest mean |value|), or their numbers;
    `scale` is "shared" (one colour scale) or "each" (each channel divided by its own largest |value|);
    `image` is the place in the batch.  With `ax`, the grid is drawn there, a shared scale beside it, and ax is returned.

    >>> from minicnn import nn, trace
    >>> found = trace(nn.Sequential(nn.MaxPool2d(2)), np.ones((1, 5, 6, 8), np.float32))
    >>> figure = map_grid(found["pool1"])
    >>> [text.get_text() for text in figure.texts]
    ['pool1: 5×3×4, other', 'each number looks at 2×2 px, step 2 px; all 5 channels,\\none colour scale for all']

    Raises ShapeError for a map without rows and columns, ArgumentError for a channel that does not exist.
    """
    check.one_of(scale, "scale", "show.map_grid", SCALES)
    data = _one_image(feature_map, image)
    chosen, how = _chosen(data, channels)
    tiles = data[chosen].astype(np.float64)
    signed = finite_range(data)[0] < 0
    if scale == "each":
        tops = [_largest(tile) for tile in tiles]
        tiles = np.stack([tile / (top or 1.0) for tile, top in zip(tiles, tops, strict=True)])
        notes, top = [f"{'±' if signed else 'to '}{top:.2g}" for top in tops], 1.0
    else:
        notes, top = [""] * len(chosen), _largest(data) or 1.0
    norm = Normalize(-top if signed else 0.0, top)
    return _grid(feature_map, tiles, list(zip(chosen, notes, strict=True)), how, norm, SIGNED if signed else RECTIFIED, scale, ax)


def _largest(values: np.ndarray) -> float:
    """Return the largest finite |value|."""
    return max(map(abs, finite_range(values)))


def _one_image(feature_map: FeatureMap, image: int) -> np.ndarray:
    data = feature_map.data
    if data.ndim != 4:
        raise ShapeError(
            f"show.map_grid: a grid needs a map (N, C, H, W), but {feature_map.name!r} is {times(data.shape)}: it has no rows and columns."
        )
    if not 0 <= image < data.shape[0]:
        raise ArgumentError(f"show.map_grid: the batch has {data.shape[0]} images, but image {image} was asked for.")
    return data[image]


def _chosen(data: np.ndarray, channels) -> tuple[list[int], str]:
    """Return the channels to draw and how they were chosen, in words."""
    count = len(data)
    if isinstance(channels, str):
        check.one_of(channels, "channels", "show.map_grid", ORDERS)
        if count <= MOST:
            return list(range(count)), f"all {count} channels" if count > 1 else "its one channel"
        if channels == "first":
            return list(range(MOST)), f"the first {MOST} of {count} channels"
        strength = np.abs(np.nan_to_num(data, nan=0, posinf=0, neginf=0)).mean(axis=(1, 2), dtype=np.float64)
        return sorted(np.argsort(-strength, kind="stable")[:MOST].tolist()), f"the {MOST} of {count} channels with the largest mean |value|"
    numbers = [int(c) for c in np.atleast_1d(channels)]
    for number in numbers:
        if not 0 <= number < count:
            raise ArgumentError(f"show.map_grid: the map has channels 0 … {count - 1}, but channel {number} was asked for.")
    if len(numbers) == 1:
        return numbers, f"channel {numbers[0]} of {count}"
    if not numbers:
        raise ArgumentError("show.map_grid: at least one channel must be drawn, but channels is empty.")
    return numbers, f"{len(numbers)} of {count} channels"


def _grid(feature_map, tiles, labels: list[tuple[int, str]], how, norm, colours: str, scale: str, ax=None) -> Picture:
    """Place the tiles, a number above each, and its range where each has its own."""
    count, rows, columns = tiles.shape
    across = _across(count, 1.6 * rows / columns)
    down = ceil(count / across)
    tile_wide = min(1.6, max(0.45, 8.8 / across))
    tile_high = tile_wide * rows / columns
    gap, label = 0.06, 0.17  # inches between columns; inches above a tile, for its number
    wide, high = across * (tile_wide + gap), down * (tile_high + label)
    figure = None
    if ax is None:
        figure = picture(max(wide + 1.2, 6.4), high + 1.0, *_titles(feature_map, how, scale))
        ax = axes(figure, 0.2, 0.15, wide, high)
    else:
        ax.set_title(_titles(feature_map, how, scale)[0], fontsize=NORMAL, color=INK, loc="left")
        ax.set_aspect("equal")
    ax.set_axis_off()
    ax.set_xlim(0, wide)
    ax.set_ylim(high, 0)
    dead = set(np.flatnonzero(~feature_map.data.any(axis=(0, 2, 3))).tolist())
    palette = matplotlib.colormaps[colours].with_extremes(bad=NOT_FINITE)
    _mosaic(ax, palette(norm(np.ma.masked_invalid(tiles))), across, (tile_wide, tile_high), (gap, label))
    for place, (channel, note) in enumerate(labels):
        x, y = (place % across) * (tile_wide + gap), (place // across) * (tile_high + label) + label
        ax.text(x, y - 0.02, str(channel), fontsize=TINY, color=INK, va="bottom")
        ax.text(x + tile_wide, y - 0.02, "dead" if channel in dead else note, fontsize=TINY, color=QUIET, ha="right", va="bottom")
        if channel in dead:
            ax.add_patch(Rectangle((x, y), tile_wide, tile_high, facecolor=DEAD, edgecolor="#8c8c8c", hatch="xx", linewidth=0.5, zorder=3))
    if figure is None:
        ax.figure.colorbar(ScalarMappable(norm, palette), ax=ax, label="value" if scale == "shared" else "share of the largest |value|")
        return ax
    _colour_scale(figure, wide, high, norm, palette, scale)
    return figure


def _across(count: int, shape: float) -> int:
    """Return how many tiles stand side by side: about √(count · shape), and few places left empty."""
    ideal = max(1.0, min(sqrt(count * shape), count, 32))
    around = range(max(1, floor(ideal * 0.75)), min(count, ceil(ideal * 1.3), 32) + 1)
    return min(around, key=lambda n: 2 * (-count % n) / count + abs(log(n / ideal)))


def _titles(feature_map: FeatureMap, how: str, scale: str) -> tuple[str, str]:
    field = feature_map.field
    seen = f"looks at {field.size[0]}×{field.size[1]} px, step {_side(field.stride)} px" if field.size else field.reason
    stretch = "one colour scale for all" if scale == "shared" else "each stretched by its own largest |value|, given above it"
    title = f"{feature_map.name}: {times(feature_map.shape[1:])}, {feature_map.kind}"
    return title, f"each number {seen}; {how},\n{stretch}"


def _side(pair) -> str:
    return str(pair[0]) if pair[0] == pair[1] else times(pair)


def _mosaic(ax, colours: np.ndarray, across: int, tile: tuple[float, float], gaps: tuple[float, float]) -> None:
    """Draw all tiles as one picture: each channel's cells are repeated to whole dots, gaps stay transparent."""
    count, rows, columns, _ = colours.shape
    (wide, high), (gap, label) = tile, gaps
    dots = max(120, columns / wide)  # per inch, so that no cell of a large map is skipped
    times_ = max(1, round(dots * wide / columns))
    dots = columns * times_ / wide
    step_x, step_y = round((wide + gap) * dots), round((high + label) * dots)
    canvas = np.zeros((step_y * ceil(count / across), step_x * across, 4), np.float32)
    for place in range(count):
        x, y = (place % across) * step_x, (place // across) * step_y + step_y - rows * times_
        canvas[y : y + rows * times_, x : x + columns * times_] = colours[place].repeat(times_, 0).repeat(times_, 1)
    x1, y0 = ax.get_xlim()[1], ax.get_ylim()[0]
    ax.imshow(canvas, extent=(0, x1, y0, 0), aspect=ax.get_aspect(), interpolation="nearest" if times_ > 1 else "antialiased")


def _colour_scale(figure, wide, high, norm, palette, scale: str) -> None:
    tall = min(high, 3.0)
    ax = axes(figure, 0.2 + wide + 0.1, 0.15 + (high - tall) / 2, 0.14, tall)
    bar = figure.colorbar(ScalarMappable(norm, palette), cax=ax)
    bar.outline.set_visible(False)
    label = "value" if scale == "shared" else "share of the channel's largest |value|"
    bar.set_label(label, fontsize=NORMAL if high > 2 else SMALL, color=QUIET)
    ax.tick_params(labelsize=SMALL, colors=QUIET, length=3)
