"""Which question: what grows, what shrinks, and what does it weigh, from the photo to the answer?

Idea: everything here is known from shapes alone, so a Description is enough.  `memory_curve` draws
the bytes that are alive while each node is computed, and what a trace holds, which lets nothing go.
`growth` draws resolution, channels and receptive field over the same axis of nodes.

Cost: O(nodes).  What it does not do: the memory of weights and of the workspace of a convolution.
Source: the counting rules stand in network/describe.py.  Next room: learning.py.
"""

from itertools import accumulate

from minicnn.errors import ShapeError
from minicnn.network import Description
from minicnn.show.style import (
    COLOURS,
    DASHES,
    INK,
    MEGABYTE,
    NORMAL,
    QUIET,
    SMALL,
    Picture,
    name_nodes,
    picture,
    plot_axes,
)
from minicnn.text import times


def memory_curve(description: Description, *, title: str = "What is held in memory along the way") -> Picture:
    """Return the bytes of maps along a forward pass, its peak named, and what a trace holds, in MB (10⁶ bytes).

    alive(n) = Σ bytes of the maps that node n or a later one still needs;  held(n) = Σ bytes of all maps up to n

    >>> from minicnn import describe, models
    >>> memory_curve(describe(models.lenet5(), (1, 32, 32))).texts[1].get_text()
    'A plain forward pass lets a map go after its last use: 0.0376 MB at most, at relu1. A trace keeps all: 0.063 MB.'

    Raises ShapeError for a network without nodes.
    """
    curve = description.memory_curve()
    if not curve:
        raise ShapeError("show.memory_curve: the network has no nodes, so nothing is held; add a layer.")
    names, live = [name for name, _ in curve], [size / MEGABYTE for _, size in curve]
    inputs = sum(description[name].bytes for name in description.net.inputs)
    held = [total / MEGABYTE for total in accumulate((description[name].bytes for name in names), initial=inputs)][1:]
    peak = max(range(len(live)), key=live.__getitem__)
    below = f"A plain forward pass lets a map go after its last use: {live[peak]:.3g} MB at most, at {names[peak]}. A trace keeps all: {held[-1]:.3g} MB."
    figure = picture(10, 5.4, title, below)
    upper = plot_axes(figure, 0.75, 2.85, 9.05, 1.85, "alive (MB)")
    lower = plot_axes(figure, 0.75, 0.75, 9.05, 1.85, "held (MB)")
    places = range(len(names))
    upper.fill_between(places, live, step="mid", color=COLOURS[0], alpha=0.25, linewidth=0)
    upper.step(places, live, where="mid", color=COLOURS[0], linewidth=1.6, label="forward pass")
    upper.set_ylim(0, live[peak] * 1.3)
    upper.tick_params(labelbottom=False)
    lower.step(places, held, where="mid", color=COLOURS[1], linewidth=2.6, label="trace (every map kept)")
    lower.step(places, live, where="mid", color=COLOURS[0], linewidth=1.2, label="forward pass, on the same scale")
    lower.set_ylim(0, held[-1] * 1.12)
    _mark_peak(upper, peak, live[peak], names)
    lower.legend(loc="upper left", fontsize=SMALL, frameon=False, handlelength=3)
    name_nodes(lower, names)
    upper.set_xlim(lower.get_xlim())
    upper.set_xticks(lower.get_xticks())
    return figure


def _mark_peak(ax, place: int, value: float, names: list[str]) -> None:
    ax.plot([place], [value], marker="v", markersize=8, color=COLOURS[1], clip_on=False, label="peak", linestyle="none")
    ax.annotate(
        f"peak {value:.3g} MB while {names[place]} is computed",
        (place, value),
        xytext=(0, 7),
        textcoords="offset points",
        ha="left" if place < len(names) / 2 else "right",
        fontsize=NORMAL,
        color=INK,
    )


def growth(description: Description, *, title: str = "What shrinks and what grows along the way") -> Picture:
    """Return resolution, channels and receptive field along the depth of a network, one panel each.

    Receptive fields are the closed form, in pixels of the (first) input.

    >>> from minicnn import describe, models
    >>> [panel.get_ylabel() for panel in growth(describe(models.lenet5(), (1, 32, 32))).axes]
    ['rows, columns', 'channels', 'field (px)']

    Raises ShapeError where no map has rows and columns.
    """
    rows = list(description)
    names, spatial = [row.name for row in rows], [row for row in rows if len(row.shape) == 4]
    if not spatial:
        raise ShapeError(f"show.growth: resolution needs maps (N, C, H, W), but {names[0]} is {times(rows[0].shape)}; nothing grows here.")
    first, last = spatial[0].shape, rows[-1].shape
    figure = picture(10, 6.2, title, f"From the input, {times(first[1:])}, to {rows[-1].name}, {times(last[1:])}.")
    panels = [
        plot_axes(figure, 0.85, bottom, 8.95, 1.45, label)
        for bottom, label in ((4.05, "rows, columns"), (2.4, "channels"), (0.75, "field (px)"))
    ]
    _resolution(panels[0], rows)
    _channels(panels[1], rows)
    _field(panels[2], rows, first[2:])
    name_nodes(panels[2], names)
    for panel in panels[:2]:
        panel.set_xlim(panels[2].get_xlim())
        panel.set_xticks(panels[2].get_xticks())
        panel.tick_params(labelbottom=False)
    return figure


def _resolution(ax, rows) -> None:
    places = [at for at, row in enumerate(rows) if len(row.shape) == 4]
    heights, widths = ([rows[at].shape[axis] for at in places] for axis in (2, 3))
    ax.step(places, heights, where="mid", color=COLOURS[0], linewidth=1.8, label="rows")
    if widths != heights:
        ax.step(places, widths, where="mid", color=COLOURS[1], linewidth=1.8, linestyle=DASHES[1], label="columns")
        _legend_above(ax)
    _log2(ax, [*heights, *widths])


def _channels(ax, rows) -> None:
    ax.step(range(len(rows)), [row.shape[1] for row in rows], where="mid", color=COLOURS[2], linewidth=1.8, label="channels")
    most = max(rows, key=lambda row: row.shape[1])
    ax.annotate(
        f"{most.shape[1]:,} at {most.name}",
        (rows.index(most), most.shape[1]),
        xytext=(0, 3),
        textcoords="offset points",
        ha="right" if rows.index(most) > len(rows) / 2 else "left",
        fontsize=SMALL,
        color=INK,
    )
    ax.set_ylim(0, most.shape[1] * 1.25)


def _field(ax, rows, size) -> None:
    known = [(at, row.field.size) for at, row in enumerate(rows) if row.field.size is not None]
    places, sizes = [at for at, _ in known], [tuple(map(float, field)) for _, field in known]
    ax.step(places, [height for height, _ in sizes], where="mid", color=COLOURS[3], linewidth=1.8, label="field, rows")
    if any(height != width for height, width in sizes):
        ax.step(
            places, [width for _, width in sizes], where="mid", color=COLOURS[1], linewidth=1.8, linestyle=DASHES[1], label="field, columns"
        )
        _legend_above(ax)
    ax.axhline(size[0], color=INK, linewidth=1, linestyle=DASHES[2])
    photo = "the photo" if size[0] == size[1] else "the photo’s rows"
    ax.text(0, size[0], f"{photo}: {size[0]} px", fontsize=SMALL, color=INK, va="bottom")
    ax.set_ylim(0, max([size[0], *(max(pair) for pair in sizes)]) * 1.15)
    blind = [at for at, row in enumerate(rows) if row.field.size is None]
    if blind:
        ax.axvspan(blind[0] - 0.5, len(rows) - 0.5, color="#eeeeee", zorder=0)
        ax.annotate(
            f"from {rows[blind[0]].name} on: {rows[blind[0]].field.reason}",
            (blind[0] - 0.5, 0.08),
            xycoords=("data", "axes fraction"),
            xytext=(-5, 0),
            textcoords="offset points",
            ha="right",
            fontsize=SMALL,
            color=QUIET,
        )


def _legend_above(ax) -> None:
    ax.legend(fontsize=SMALL, frameon=False, loc="lower right", bbox_to_anchor=(1, 0.96), ncols=2, borderpad=0, handlelength=4)


def _log2(ax, sizes) -> None:
    """A scale on which halving is one step, its ticks the sizes that occur."""
    ax.set_yscale("log", base=2)
    ticks, apart = sorted(set(sizes)), []
    for tick in reversed(ticks):
        if not apart or apart[-1] / tick > 1.3:
            apart.append(tick)
    ax.set_yticks(apart, [str(tick) for tick in apart])
    ax.minorticks_off()
    ax.set_ylim(ticks[0] / 1.5, ticks[-1] * 1.5)
