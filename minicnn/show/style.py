"""Which question: what do all our figures have in common?

Idea: one figure class, one set of colours, one way to write a title.  Figures are objects of their
own (matplotlib.figure.Figure), never pyplot's current one, so drawing changes nothing elsewhere and
works without a screen.  Axes are placed by hand: nothing is measured twice, nothing overlaps.

Colours are told apart by colour-blind readers, and lines also by their dashes.
Cost: importing this loads matplotlib (half a second).
Source: Okabe & Ito, "Color Universal Design" (2008), for the colours; Smith & van der Walt, viridis (2015).
Next rooms: photo.py, maps.py, depth.py.
"""

import io

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", (0, (7, 2)), (0, (2, 1.2)), (0, (7, 1.5, 1.5, 1.5)), (0, (4, 1, 1, 1, 1, 1)), (0, (9, 4)), (0, (1, 2)))
INK, QUIET, OUTSIDE, DEAD = "#222222", "#595959", "#f1efe9", "#d9d9d9"
RECTIFIED, SIGNED = "viridis", "RdBu_r"
DPI = 120
SMALL, NORMAL, LARGE = 8, 9, 12  # points
MEGABYTE = 1e6


class Picture(Figure):
    """A matplotlib Figure that notebooks show by themselves, without pyplot.

    >>> Picture(figsize=(1, 1)).png()[1:4]
    b'PNG'
    """

    def png(self, **metadata: str) -> bytes:
        """Return the figure as the bytes of a PNG file, with the given text entries."""
        stream = io.BytesIO()
        FigureCanvasAgg(self).print_png(stream, metadata=metadata)
        return stream.getvalue()

    def _repr_png_(self) -> bytes:
        return self.png()


def picture(width: float, height: float, title: str, below: str = "") -> Picture:
    """Return an empty figure of that many inches, with a title and a quieter line below it."""
    figure = Picture(figsize=(width, height), dpi=DPI, facecolor="white")
    figure.text(0.15 / width, 1 - 0.13 / height, title, fontsize=LARGE, fontweight="bold", color=INK, va="top")
    if below:
        figure.text(0.15 / width, 1 - 0.40 / height, below, fontsize=NORMAL, color=QUIET, va="top", linespacing=1.35)
    return figure


def axes(figure: Picture, left: float, bottom: float, width: float, height: float):
    """Return axes at a place given in inches from the lower left corner."""
    wide, high = figure.get_size_inches()
    ax = figure.add_axes((left / wide, bottom / high, width / wide, height / high))
    ax.tick_params(labelsize=SMALL, colors=QUIET, length=3)
    for side in ax.spines.values():
        side.set_color("#b0b0b0")
    return ax


def plot_axes(figure: Picture, left: float, bottom: float, width: float, height: float, label: str):
    """Return axes for lines: open at the top and right, thin horizontal lines, a label with its unit."""
    ax = axes(figure, left, bottom, width, height)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color="#e6e6e6", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.set_ylabel(label, fontsize=NORMAL, color=INK)
    return ax


def node_ticks(names: list[str], most: int = 26) -> tuple[list[int], list[str]]:
    """Return places and labels for an axis of nodes: one tick where a group (the name before its first dot) begins.

    >>> node_ticks(["x", "stem.conv", "stem.bn", "pool"])
    ([0, 1, 3], ['x', 'stem', 'pool'])
    """
    groups = [name.split(".")[0] for name in names]
    places = [at for at, group in enumerate(groups) if at == 0 or group != groups[at - 1]]
    step = -(-len(places) // most)
    kept: list[int] = []
    for at in reversed(places[::-step]):  # from the back, so that the output is named
        # Labels are slanted; two of them need as much room as a line of text is high.
        if not kept or at - kept[-1] >= len(names) / 55:
            kept.append(at)
    return kept, [groups[at] for at in kept]


def name_nodes(ax, names: list[str]) -> None:
    """Write node names along the x axis."""
    places, labels = node_ticks(names)
    ax.set_xticks(places, labels, rotation=55, ha="right", rotation_mode="anchor", fontsize=SMALL, color=INK)
    ax.set_xlim(-0.5, max(len(names) - 0.5, 0.5))


def finite_range(values: np.ndarray) -> tuple[float, float]:
    """Return the smallest and largest finite number, (0, 0) where there is none."""
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
