"""Which question: how are the numbers of every map distributed, from the photo to the answer?

Idea: a column for each map, in the order of computation; a column's cells are the bins of its histogram, dark where many numbers lie, on
a logarithmic scale, since a tail of one number in a million says something too.  Zero is in the middle, and the axis of values is even
around it and logarithmic further out (asinh(value / width), width a typical deviation), so that small and large maps can be read side by side.  Below stand the zeros.

    share[bin] = numbers of the map in the bin / numbers of the map

Cost: one sorted pass over every map.
What it does not do: channels apart (map_grid), or moments (print the trace); numbers that are not finite are counted, not drawn.
Source: Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010), figures 2-4.
Next room: depth.py, for what grows along the same axis.
"""

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm

from minicnn import check
from minicnn.errors import ArgumentError
from minicnn.network import Trace
from minicnn.show.style import COLOURS, DASHES, INK, NORMAL, QUIET, SMALL, Picture, axes, finite_range, name_nodes, picture, plot_axes

WHAT = "show.histograms"
FEWEST, MOST = 15, 101  # bins, odd, so that zero is the middle of one
APART = 0.13  # of the half axis, between two ticks
NOT_FINITE = "#ff00ff"
SHADES = "viridis_r"


def histograms(trace: Trace, names=None, *, title: str = "How the numbers of each map are distributed", ax=None) -> Picture:
    """Return the distribution of every map of a trace along the depth, with mean and mean ± one standard deviation, and its zeros.

    `names` are the maps to draw, all that hold floating-point numbers where None.  With `ax`, the distributions are drawn there, without
    the zeros, and ax is returned.

    >>> from minicnn import nn, trace
    >>> found = trace(nn.Sequential(nn.ReLU()), np.array([[[[-2.0, 0.0, 0.0, 2.0]]]]))
    >>> figure = histograms(found)
    >>> [panel.get_ylabel() for panel in figure.axes], figure.axes[1].containers[0].datavalues.tolist()
    (['value', 'zeros (%)', 'share of the map'], [50.0, 75.0])

    Raises ArgumentError where there is nothing to draw, UnknownNameError for a map that is not there.
    Source: Glorot & Bengio (2010).
    """
    maps = _chosen(trace, names)
    labels = [each.name for each in maps]
    edges, shares, width = _counted(maps)
    bad = [each.name for each in maps if not np.isfinite(each.data).all()]
    if ax is not None:
        mappable = _columns(ax, edges, shares, width, maps)
        ax.figure.colorbar(mappable, ax=ax, label="share of the map")
        ax.set_title(title, fontsize=NORMAL, color=INK, loc="left")
        name_nodes(ax, labels)
        return ax
    figure = picture(10, 5.9, title, _below(maps, bad))
    upper = plot_axes(figure, 0.85, 1.95, 8.0, 2.95, "value")
    lower = plot_axes(figure, 0.85, 0.85, 8.0, 0.85, "zeros (%)")
    mappable = _columns(upper, edges, shares, width, maps)
    upper.legend(fontsize=SMALL, frameon=False, loc="lower right", bbox_to_anchor=(1, 0.99), ncols=3, borderpad=0.1)
    lower.bar(range(len(maps)), [100 * _zeros(each.data) for each in maps], color=COLOURS[0], width=0.8)
    lower.set_ylim(0, 100)
    name_nodes(lower, labels)
    upper.set_xlim(lower.get_xlim())
    upper.set_xticks(lower.get_xticks())
    upper.tick_params(labelbottom=False)
    bar = figure.colorbar(mappable, cax=axes(figure, 9.0, 1.95, 0.14, 2.95))
    bar.outline.set_visible(False)
    bar.set_label("share of the map", fontsize=SMALL, color=QUIET)
    bar.ax.tick_params(labelsize=SMALL, colors=QUIET, length=3)
    return figure


def _chosen(trace: Trace, names):
    """Return the maps to draw."""
    if not isinstance(trace, Trace):
        raise ArgumentError(f"{WHAT}: the first argument is what trace(net, x) returned, but it is a {type(trace).__name__}.")
    maps = list(trace) if names is None else [trace[name] for name in ([names] if isinstance(names, str) else names)]
    maps = [each for each in maps if each.data.dtype in check.FLOATS and each.data.size]
    if not maps:
        raise ArgumentError(
            f"{WHAT}: at least one map with floating-point numbers must be drawn, but there is none; trace a network first."
        )
    return maps


def _counted(maps) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the edges of the bins in asinh(value / width), each map's shares (maps, bins), and the width: a typical deviation."""
    ranges = [finite_range(each.data) for each in maps]
    top = max(max(map(abs, pair)) for pair in ranges) or 1.0
    spreads = [spread for each in maps if 0 < (spread := _moments(each.data)[1]) < np.inf]
    width = min(float(np.median(spreads)), top) if spreads else top
    far = np.arcsinh(top / width) * (1 + 1e-9)
    bins = int(np.clip(np.sqrt(max(each.data.size for each in maps)), FEWEST, MOST)) // 2 * 2 + 1
    edges = np.linspace(-far, far, bins + 1)
    shares = np.zeros((len(maps), bins))
    for row, each in zip(shares, maps, strict=True):
        values = each.data[np.isfinite(each.data)].astype(np.float64)
        row[:] = np.histogram(np.arcsinh(values / width), edges)[0] / each.data.size
    return edges, shares, width


def _columns(ax, edges: np.ndarray, shares: np.ndarray, width: float, maps):
    """Draw the histograms as columns with their means; return what a scale of colours needs."""
    norm = LogNorm(min(shares[shares > 0].min() if shares.any() else 0.1, 0.1), 1)
    places = np.arange(len(maps) + 1) - 0.5
    ax.pcolormesh(places, edges, np.ma.masked_equal(shares, 0).T, norm=norm, cmap=SHADES, zorder=1.5, rasterized=True)
    means, deviations = np.array([_moments(each.data) for each in maps]).T
    middle = places[:-1] + 0.5
    ax.plot(
        middle, np.arcsinh(means / width), color=COLOURS[1], linewidth=1.2, marker="." if len(maps) < 40 else None, label="mean", zorder=3
    )
    for sign, label in ((1, "mean ± standard deviation"), (-1, None)):
        ax.plot(
            middle,
            np.arcsinh((means + sign * deviations) / width),
            color=COLOURS[1],
            linewidth=0.9,
            linestyle=DASHES[2],
            label=label,
            zorder=3,
        )
    bad = [place for place, each in enumerate(maps) if not np.isfinite(each.data).all()]
    if bad:
        where = {"transform": ax.get_xaxis_transform(), "linestyle": "none"}
        ax.plot(bad, [0.95] * len(bad), marker="v", color=NOT_FINITE, markersize=7, label="not finite", zorder=4, **where)
    ax.set_ylim(edges[0], edges[-1])
    ticks = ticks_around_zero(edges[-1], width)
    ax.set_yticks(np.arcsinh(np.array(ticks) / width), [f"{tick:g}" for tick in ticks])
    ax.set_ylabel("value", fontsize=NORMAL, color=INK)
    return ScalarMappable(norm, SHADES)


def ticks_around_zero(far: float, width: float) -> list[float]:
    """Return zero and powers of ten on both sides that stand apart on an axis of asinh(value / width) up to `far`.

    >>> ticks_around_zero(6.3, 1.0), ticks_around_zero(0.5, 1.0)
    ([-100.0, -10.0, -1.0, 0.0, 1.0, 10.0, 100.0], [-0.1, 0.0, 0.1])
    """
    found: list[float] = []
    for power in range(int(np.floor(np.log10(width) + (far - np.log(2)) / np.log(10))) + 1, -330, -1):
        place = np.arcsinh(10.0**power / width) / far if power < 308 else np.inf
        if place < APART:
            break
        if place <= 1 and (not found or np.arcsinh(found[-1] / width) / far - place >= APART):
            found.append(10.0**power)
    return [*(-tick for tick in found), 0.0, *reversed(found)]


def _moments(data: np.ndarray) -> tuple[float, float]:
    """Return mean and standard deviation of the finite numbers, NaN where there is none."""
    finite = data[np.isfinite(data)]
    if not finite.size:
        return np.nan, np.nan
    with np.errstate(over="ignore"):  # a square beyond float64 makes the deviation infinite
        return float(finite.mean(dtype=np.float64)), float(finite.std(dtype=np.float64))


def _zeros(data: np.ndarray) -> float:
    return float((data == 0).mean())


def _below(maps, bad: list[str]) -> str:
    text = f"{len(maps)} map{'s' * (len(maps) != 1)}; a darker cell holds more of its map’s numbers, on a logarithmic scale; zero is in the middle."
    if not bad:
        return text
    shown = ", ".join(bad[:3]) + (f" and {len(bad) - 3} more" if len(bad) > 3 else "")
    return f"{text}\nNot drawn, since they are not finite: numbers of {shown}."
