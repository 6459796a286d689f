"""How does the ladder climb to the roof?  One picture: a dot a rung, under what the device can do.

Idea: the axes are those of a roofline, operations per byte and GFLOP/s, both logarithmic.  One layer stands for all, the 3×3 of most operations that
every rung ran, so that the rungs stand above each other at its intensity; cuDNN is a hollow diamond beside them.  Small grey dots are the best rung
of every other layer.
Cost: a second.  What it does not do: measure; it draws the document that gpu.py writes.
Source: Williams, Waterman, Patterson, "Roofline" (2009).  Next room: chart.py, for the CPU.
"""

from pathlib import Path

from chart import _intensity, _roof
from gpu_report import LADDER, SPECIAL

from minicnn.show.style import COLOURS, INK, QUIET, SMALL, Picture, axes, picture

SHAPES = dict(zip((*LADDER, *SPECIAL), ("o", "s", "^", "P", "X", "v"), strict=True))
PEERS = {"cudnn": "cuDNN, fp32", "cudnn_tf32": "cuDNN, TF32"}
ROOM = 8  # times: right of the layers, for the names of peers
APART = 1.16  # times: labels nearer than that are moved apart


def draw(document: dict, path: str) -> str:
    """Write the ladder to a PNG; return its name."""
    Path(path).write_bytes(ladder(document).png())
    return path


def example(rows: list[dict]) -> dict:
    """Return the layer that stands for all: of those that most rungs ran, 3×3 before others, that of most operations."""
    return max(rows, key=lambda row: (sum(name in LADDER for name in row["gflops"]), row["kind"] == "3x3", row["multiply_adds"]))


def ladder(document: dict) -> Picture:
    """Return the picture."""
    rows = [row for row in document["layers"] if row["gflops"]]
    ceiling, facts = document["ceiling"], document["facts"]
    below = f"{facts.get('device', facts['machine'])}, {facts['date']}; fp32, medians of device time"
    figure = picture(8.2, 6.0, "The ladder under the roof of one GPU", below if rows else f"{below}\nno layer was measured")
    ax = axes(figure, 0.85, 0.65, 7.1, 4.45)
    if not rows:
        return figure
    shown = example(rows)
    speeds = {name: shown["gflops"][name] for name in (*SHAPES, *PEERS) if name in shown["gflops"]}
    rest = [row for row in rows if row is not shown and row["best"]]
    lowest = min([*speeds.values(), *(row["gflops"][row["best"]] for row in rest)])
    most = max(_intensity(row) for row in rows)
    _roof(ax, ceiling, [*(_intensity(row) for row in rows), ROOM * most], lowest)
    ax.set_ylim(top=2 * max(ceiling["peak_gflops"], *speeds.values()))
    ax.scatter([_intensity(row) for row in rest], [row["gflops"][row["best"]] for row in rest], s=14, color="#b0b0b0", zorder=2)
    _dots(ax, _intensity(shown), speeds, ceiling["peak_gflops"])
    ax.set_xlabel("operations per byte of input, weight and output, each moved once", fontsize=SMALL, color=QUIET)
    ax.set_ylabel("GFLOP/s", fontsize=SMALL, color=QUIET)
    ax.set_title(
        f"dots: {shown['name']}, batch {shown['batch']}; small: the best rung of every other layer", fontsize=SMALL, color=INK, loc="left"
    )
    return figure


def _dots(ax, x: float, speeds: dict[str, float], peak: float) -> None:
    """Draw a dot a rung, and its name, speed and share of the peak on the left of it, apart from one another; peers on the right."""
    own, peers = ({name: value for name, value in speeds.items() if (name in SHAPES) == mine} for mine in (True, False))
    for number, (name, value) in enumerate(own.items()):
        ax.scatter(
            [x], [value], s=64, marker=SHAPES[name], color=COLOURS[number % len(COLOURS)], edgecolors="white", linewidths=0.7, zorder=4
        )
    for value in peers.values():
        ax.scatter([x], [value], s=70, marker="D", facecolors="none", edgecolors=INK, linewidths=1.2, zorder=5)
    for group, side, shift in ((own, "right", 0.85), (peers, "left", 1 / 0.85)):
        for name, place in _apart(group).items():
            label = f"{PEERS.get(name, name.removeprefix('cuda_'))}  {group[name]:,.0f} ({group[name] / peak:.0%})"
            ax.text(x * shift, place, label, ha=side, va="center", fontsize=SMALL, color=INK, zorder=6, bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.8})  # fmt: skip


def _apart(speeds: dict[str, float]) -> dict[str, float]:
    """Return where labels stand, from the slowest up, none too near to the one below.

    >>> {name: round(place, 2) for name, place in _apart({"a": 1.0, "b": 1.01, "c": 9.0}).items()}
    {'a': 1.0, 'b': 1.16, 'c': 9.0}
    """
    places: dict[str, float] = {}
    below = 0.0
    for name in sorted(speeds, key=speeds.get):
        below = places[name] = max(speeds[name], below * APART)
    return places
