"""Which question: of what is the memory of a training step made, moment by moment, forward and backward?

Idea: probe.memory's curve as an area of layers that lie on each other: what stands all the while (parameters, statistics, prepared weights,
the optimizer's arrays), the maps that wait for their gradient, the gradients of parameters, which add up, and at the top the gradients of
maps that are on their way, with what a layer needs beside them.  Forward the pile of maps grows; backward it stays, and gradients come.

    alive(moment) = standing + maps kept and in use + gradients of parameters so far + gradients of maps and workspace

Cost: O(nodes), nothing is computed.
What it does not do: let go of maps on the way back, since a trace holds them until the step ends.
Source: Chen, Xu, Zhang, Guestrin, "Training Deep Nets with Sublinear Memory Cost" (2016), section 3.  Next room: depth.py, for one forward pass.
"""

from math import prod

from minicnn.errors import ShapeError
from minicnn.network import Description
from minicnn.network.node import gradient_keeps, owners
from minicnn.probe import memory
from minicnn.show.style import COLOURS, INK, MEGABYTE, NORMAL, QUIET, SMALL, Picture, name_nodes, picture, plot_axes
from minicnn.text import count

BACK, END = " back", "end of the step"
BANDS = (  # name, colour and hatching, from the bottom
    ("parameters", COLOURS[6], ""),
    ("statistics, prepared weights, optimizer", "#8c8c8c", "///"),
    ("maps kept and in use", COLOURS[0], ""),
    ("gradients of parameters", COLOURS[1], "\\\\\\"),
    ("gradients of maps, workspace", COLOURS[4], ""),
    ("the next parameters and arrays", COLOURS[3], "xx"),
)


def memory_timeline(
    description: Description, optimizer: str | int | None = None, *, title: str = "What a training step holds, moment by moment", ax=None
) -> Picture:
    """Return the bytes of a training step over its moments, in MB (10⁶ bytes): each node forward, then each node's gradient.

    `optimizer` is 'SGD', 'momentum', 'Adam', 'AdamW' or how many arrays it holds per parameter, as probe.memory takes it, and then the step is
    train.fit's.  With `ax`, the areas are drawn there, and ax is returned.

    >>> from minicnn import describe, models
    >>> figure = memory_timeline(describe(models.lenet5(), (64, 1, 32, 32)), "Adam")
    >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()][:3]
    ['parameters', 'statistics, prepared weights, optimizer', 'maps kept and in use']
    >>> figure.texts[1].get_text()
    'train.fit with Adam holds 8.80 MB at most, at c1 back; the same pass without training holds 3.13 MB.'

    Raises ShapeError for a network without nodes, and what probe.memory raises.
    Source: Chen et al. (2016), section 3.
    """
    if not len(description.net):
        raise ShapeError("show.memory_timeline: the network has no nodes, so nothing is held; add a layer.")
    found = memory(description.net, _input(description), True, optimizer, dtype=_dtype(description))
    moments, bands = _bands(description, found)
    totals = [sum(column) / MEGABYTE for column in zip(*bands, strict=True)]
    peak = max(range(len(totals)), key=totals.__getitem__)
    figure = None
    if ax is None:
        plain = memory(description.net, _input(description), dtype=_dtype(description)).total_bytes
        what = f"train.fit with {found.optimizer}" if found.optimizer else "A training step"
        below = f"{what} holds {count(round(totals[peak] * MEGABYTE), 'B')} at most, at {moments[peak]}; the same pass without training holds {count(plain, 'B')}."
        figure = picture(10, 4.9, title, below)
        ax = plot_axes(figure, 0.75, 0.95, 9.05, 2.75, "alive (MB)")
    else:
        ax.set_title(title, fontsize=NORMAL, color=INK, loc="left")
        ax.set_ylabel("alive (MB)", fontsize=NORMAL, color=INK)
    _areas(ax, moments, bands)
    _marks(ax, moments, totals, peak)
    place = ("lower left", (0, 1.0), 3) if figure is not None else ("upper center", (0.5, -0.24), 2)
    where = dict(zip(("loc", "bbox_to_anchor", "ncols"), place, strict=True))
    ax.legend(fontsize=SMALL, frameon=False, borderpad=0.2, handlelength=2, **where)
    return figure if figure is not None else ax


def _input(description: Description) -> dict:
    return {name: description.shapes[name] for name in description.net.inputs}


def _dtype(description: Description) -> str:
    return f"float{8 * description.itemsize}"


def _bands(description: Description, found) -> tuple[list[str], list[list[int]]]:
    """Return the moments, and the bytes of every band at each of them."""
    parts = {what: size for what, size, _ in found.parts}
    standing = sum(parts.get(name, 0) for name in ("statistics", "prepared", "optimizer"))
    kept, own = _kept(description), _parameter_bytes(description)
    columns, by_parameters, seen = [], 0, set()
    for moment, alive in found.curve:
        if moment.endswith(BACK):
            name = moment.removesuffix(BACK)
            layer = id(description.net.node(name).layer)
            by_parameters += own[name] if layer not in seen else 0
            seen.add(layer)
            rest = (kept, by_parameters, alive - kept - by_parameters, 0)
        elif moment in own:
            rest = (alive, 0, 0, 0)
        else:  # the end of a step: gradients, and what comes of them
            rest = (0, found.parameter_bytes, 0, alive - found.parameter_bytes)
        columns.append((parts.get("parameters", 0), standing, *rest))
    return [moment for moment, _ in found.curve], [list(band) for band in zip(*columns, strict=True)]


def _parameter_bytes(description: Description) -> dict[str, int]:
    return {node.name: sum(array.nbytes for array in node.layer.parameters().values()) for node in description.net}


def _kept(description: Description) -> int:
    """Return the bytes that wait for the way back: the batch, the maps that a gradient reads or that are asked for, and what layers save."""
    net, shapes, memory_of = description.net, description.shapes, owners(description.net)

    def size(name: str) -> int:
        return prod(shapes[name]) * (8 if ":" in name else description.itemsize)  # winning indices are int64

    maps = {memory_of[name] for name in gradient_keeps(net) | set(net.outputs)}
    saved = sum(node.layer.saved_bytes(*(shapes[name] for name in node.inputs), itemsize=description.itemsize) for node in net)
    return sum(map(size, net.inputs)) + sum(map(size, maps)) + saved


def _areas(ax, moments: list[str], bands: list[list[int]]) -> None:
    places = [edge for at in range(len(moments)) for edge in (at - 0.5, at + 0.5)]
    lower = [0.0] * len(places)
    for (name, colour, hatch), band in zip(BANDS, bands, strict=True):
        if not any(band):
            continue
        upper = [base + size / MEGABYTE for base, size in zip(lower, (size for size in band for _ in (0, 1)), strict=True)]
        look = {"facecolor": colour, "alpha": 0.75, "linewidth": 0, "hatch": hatch, "edgecolor": "white"}
        ax.fill_between(places, lower, upper, label=name, **look)
        lower = upper
    ax.plot(places, lower, color=INK, linewidth=0.8)
    ax.set_ylim(0, 1.22 * max(lower))


def _marks(ax, moments: list[str], totals: list[float], peak: int) -> None:
    """Name the two halves, the peak, and the nodes."""
    turn = next((at for at, moment in enumerate(moments) if moment.endswith(BACK)), len(moments)) - 0.5
    ax.axvline(turn, color=INK, linewidth=1, linestyle=(0, (2, 2)))
    top = ax.get_ylim()[1]
    for shift, side, word in ((-4, "right", "forward"), (4, "left", "backward")):
        look = {"xytext": (shift, -2), "textcoords": "offset points", "fontsize": SMALL, "color": QUIET, "ha": side, "va": "top"}
        ax.annotate(word, (turn, top), **look)
    name_nodes(ax, ["end" if moment == END else moment.removesuffix(BACK) for moment in moments])
    ax.plot([peak], [totals[peak]], marker="v", markersize=8, color=COLOURS[1], linestyle="none", clip_on=False, zorder=4)
    side = "left" if peak < len(moments) / 2 else "right"
    look = {"xytext": (0, 6), "textcoords": "offset points", "ha": side, "fontsize": NORMAL, "color": INK}
    ax.annotate(f"peak {totals[peak]:.3g} MB at {moments[peak]}", (peak, totals[peak]), **look)
