"""Which question: what does each rung of the GPU's ladder read and write, and how do the threads of a warp lie on memory?

    memory_traffic({"naive": count("cuda_naive", x, weight), "tiled": count("cuda_tiled", x, weight)})

Idea: above, a bar a rung: what is asked for each number of y, of global and of shared memory, and how many sectors of 32 bytes a request of a
warp needs (4 where 32 threads read 32 neighbours).  Below, one request of each rung for each array: a dot where a thread (row) touches an
address (column), over the sectors that are moved for it.  A full sector is used; a sector with one dot is moved for 4 of its 32 bytes.

Cost: a sort of the log of accesses.  What it does not do: count (conv/cuda/counting.py); model caches.
When it loses: arrays of few sectors, where all rungs look alike.
Source: NVIDIA, "CUDA C++ Best Practices Guide", section on coalesced access, whose pictures these are.  Next room: conv/cuda/naive.py.
"""

from collections.abc import Mapping

import numpy as np
from matplotlib.ticker import FuncFormatter, MultipleLocator, NullLocator

from minicnn.conv.cuda.accesses import Accesses
from minicnn.errors import ArgumentError
from minicnn.show.style import COLOURS, INK, NORMAL, OUTSIDE, QUIET, SMALL, Picture, axes, picture

KINDS = (  # as Accesses calls it, its label, colour and hatching
    ("global_reads", "global reads", COLOURS[0], ""),
    ("global_writes", "global writes", COLOURS[5], "///"),
    ("shared_reads", "shared reads", COLOURS[4], ""),
    ("shared_writes", "shared writes", COLOURS[1], "\\\\\\"),
)
SECTOR, WARP, MOST, NEAR = 32, 32, 3, 10  # bytes, threads, rungs whose warps are drawn, sectors from which on the gaps are left out
HEADING = "One request of one warp, array by array: a dot where a thread touches an address; light blue are the sectors moved for it, beige what is not."
BAR, WIDTH, PANEL, TOP = 0.19, 10.0, 1.35, 1.15  # inches


def memory_traffic(accesses_by_rung: Mapping, *, title: str = "What each rung reads and writes, and how a warp lies on memory") -> Picture:
    """Return the memory traffic of rungs for one convolution: numbers per output, sectors per request, and one warp's addresses.

    accesses_by_rung : conv.cuda.counting.Accesses by the name that the picture gives them; the warps of at most three are drawn:
        naive, coalesced and tiled where they are there, else the first.  Threads at a border skip the taps in the padding, and a warp
        is then in several places at once: without padding its picture is the plain one.

    >>> memory_traffic({})
    Traceback (most recent call last):
        ...
    minicnn.errors.ArgumentError: show.memory_traffic: at least one rung must have been counted, but there is none; use conv.cuda.counting.count.

    Raises ArgumentError where nothing was counted.  Source: as in the room card.
    """
    if not accesses_by_rung:
        raise ArgumentError(
            "show.memory_traffic: at least one rung must have been counted, but there is none; use conv.cuda.counting.count."
        )
    for name, each in accesses_by_rung.items():
        if not isinstance(each, Accesses):
            raise ArgumentError(
                f"show.memory_traffic: each rung comes with what conv.cuda.counting.count returned, but {name!r} has a {type(each).__name__}."
            )
    names = list(accesses_by_rung)
    drawn = _drawn(names)
    bars = len(names) * (len(KINDS) + 1.2) * BAR
    warps = len(drawn) * (PANEL + 0.62)
    height = TOP + bars + 0.95 + warps + 0.2
    some = next(iter(accesses_by_rung.values()))
    below = f"y has {some.y.size:,} numbers; {2 * some.multiply_adds:,} operations, the same for every rung"
    figure = picture(WIDTH, height, title, below)
    _numbers(axes(figure, 1.5, height - TOP - bars, 4.6, bars), accesses_by_rung)
    _sectors(axes(figure, 6.75, height - TOP - bars, 2.9, bars), accesses_by_rung)
    figure.text(0.15 / WIDTH, (warps + 0.32) / height, HEADING, fontsize=NORMAL, color=QUIET)
    for row, name in enumerate(drawn):
        _rung(figure, name, accesses_by_rung[name], 0.48 + (len(drawn) - 1 - row) * (PANEL + 0.62))
    return figure


def _drawn(names: list[str]) -> list[str]:
    known = [name for word in ("naive", "coalesced", "tiled") for name in names if name.removeprefix("cuda_") == word]
    return known or names[:MOST]


def _numbers(ax, rungs: Mapping) -> None:
    """Draw what is asked for each output, four bars a rung, on a logarithmic axis: 1 and 1000 are both to be read."""
    step = len(KINDS) + 1.2
    most = max(found.per_output(kind) for found in rungs.values() for kind, *_ in KINDS)
    least = min([0.1, *(value / 3 for found in rungs.values() for kind, *_ in KINDS if (value := found.per_output(kind)))])
    ax.set(xscale="log", xlim=(least, 6 * most), ylim=(step * len(rungs) - 1.1, -0.8))
    for row, found in enumerate(rungs.values()):
        for place, (kind, label, colour, hatch) in enumerate(KINDS):
            value, at = found.per_output(kind), row * step + place
            if value:
                ax.barh(at, value, 0.86, color=colour, hatch=hatch, edgecolor="white", linewidth=0, label=label)
            ax.text(
                max(value, least) * 1.12,
                at,
                f"{value:.3g}" if value else "none",
                va="center",
                fontsize=SMALL,
                color=INK if value else QUIET,
            )
    ax.set_yticks([row * step + 1.5 for row in range(len(rungs))], list(rungs), fontsize=NORMAL, color=INK)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_locator(NullLocator())
    _open(ax, "numbers per output, on a logarithmic axis")
    handles = dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    labels = [label for _, label, *_ in KINDS if label in handles]
    where = {"loc": "lower left", "bbox_to_anchor": (-0.02, 1.0), "ncols": 4, "frameon": False, "fontsize": SMALL, "columnspacing": 1.2}
    ax.legend([handles[label] for label in labels], labels, **where)


def _sectors(ax, rungs: Mapping) -> None:
    values = [found.sectors_per_request for found in rungs.values()]
    most, step = max(*values, 8), len(KINDS) + 1.2
    places = [row * step + 1.5 for row in range(len(rungs))]
    ax.barh(places, values, 2.2, color=COLOURS[2])
    ax.axvline(4, color=INK, linewidth=1, linestyle=(0, (3, 2)))
    ax.text(4, 1.01, " 4: neighbours read neighbours", transform=ax.get_xaxis_transform(), fontsize=SMALL, color=QUIET, va="bottom")
    for place, value in zip(places, values, strict=True):
        beside = 4 if 2.5 < value < 4 else value  # not on the line
        ax.text(beside + 0.03 * most, place, f"{value:.1f}", va="center", fontsize=SMALL, color=INK)
    ax.set(xlim=(0, 1.15 * most), ylim=(step * len(rungs) - 1.1, -0.8))
    ax.set_yticks(places, [""] * len(places))
    ax.xaxis.set_major_locator(MultipleLocator(4))
    _open(ax, "sectors of 32 bytes per request of a warp")


def _open(ax, label: str) -> None:
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel(label, fontsize=SMALL, color=QUIET)


def _rung(figure: Picture, name: str, found, bottom: float) -> None:
    """Draw one request of a rung for each of the arrays that it touches most: two that it reads, and the one that it writes."""
    launch = max(found.launches, key=lambda each: len(each.log))
    for column, (array, write) in enumerate(_arrays(launch)):
        ax = axes(figure, 1.0 + column * 2.95, bottom, 2.75, PANEL)
        lanes, offsets, size = _request(launch, array, write)
        sectors = _warp(ax, lanes, offsets, size)
        verb = "writes" if write else "reads"
        used = len(np.unique(offsets)) * size
        words = f"{verb} {launch.arrays[array].name}: {sectors} sector{'s' * (sectors != 1)}, {100 * used / (SECTOR * sectors):.0f}% used"
        ax.set_title(f"{name} {words}", fontsize=SMALL, color=INK, loc="left", pad=3)
        if column == 0:
            ax.set_ylabel("thread of the warp", fontsize=SMALL, color=INK)
        else:
            ax.set_yticklabels([])


def _arrays(launch) -> list[tuple[int, bool]]:
    """Return two arrays that are read, x and the weight where they go by these names, and the one that is written most."""
    rows = launch.log
    shared = np.array([each.shared for each in launch.arrays])[rows["array"]]
    reads = np.bincount(rows["array"][~shared & ~rows["write"]], minlength=len(launch.arrays))
    writes = np.bincount(rows["array"][~shared & rows["write"]], minlength=len(launch.arrays))
    names = [each.name for each in launch.arrays]
    most = [at for at in sorted(range(len(names)), key=lambda at: (names[at] not in ("x", "weight"), -reads[at])) if reads[at]][:2]
    return [(each, False) for each in sorted(most)] + [(int(writes.argmax()), True)]


def _request(launch, array: int, write: bool) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the lanes of the request that most threads of a warp take part in, the first of those, their offsets, and the bytes of each."""
    requests = launch.requests
    own = requests[(requests.array == array) & (requests.write == write)]
    one = own[np.argmax(own.lanes)]
    rows = launch.log
    chosen = (rows["array"] == array) & (rows["write"] == write) & (rows["place"] == one.place) & (rows["turn"] == one.turn)
    rows = rows[chosen & (launch.warp_of(rows["thread"]) == one.warp)]
    each = launch.threads[0] * launch.threads[1] * launch.threads[2]
    return rows["thread"] % each % WARP, rows["offset"], int(rows["bytes"][0])


def _warp(ax, lanes: np.ndarray, offsets: np.ndarray, size: int) -> int:
    """Draw which address each thread touches, over the sectors that are moved; return how many there are.

    Sectors that nobody touches are left out where there are many, and the labels then name the sectors that are there.
    """
    touched = np.unique(offsets // SECTOR)
    spread = int(touched[-1] - touched[0]) + 1
    shown = touched if spread > max(NEAR, 3 * len(touched)) or spread > 64 else np.arange(touched[0], touched[-1] + 1)
    place = {int(sector): at for at, sector in enumerate(shown)}
    for sector in touched:
        ax.axvspan(place[int(sector)], place[int(sector)] + 1, facecolor="#cfe3f1", edgecolor="white", linewidth=0.8, zorder=0)
    ax.set_facecolor(OUTSIDE)
    starts = np.array([place[int(at // SECTOR)] + at % SECTOR / SECTOR for at in offsets])
    ax.barh(lanes, size / SECTOR, 1, left=starts, color=COLOURS[0], linewidth=0)
    few = max(len(shown), 2)
    ax.set(xlim=(0, few), ylim=(WARP - 0.5, -0.5))
    ax.set_yticks([0, 8, 16, 24, 31], ["0", "8", "16", "24", "31"])
    at = np.unique(np.linspace(0, len(shown) - 1, min(len(shown), 5)).round().astype(int))
    ax.set_xticks(at, [f"{SECTOR * int(shown[each]):,}" for each in at], fontsize=SMALL - 0.5)
    gaps = len(shown) < spread
    ax.set_xlabel(f"address (bytes{', gaps left out' if gaps else ''})", fontsize=SMALL - 0.5, color=QUIET, labelpad=1.5)
    return len(touched)
