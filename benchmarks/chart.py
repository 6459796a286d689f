"""How do the figures of a hundred layers look at a glance?  A dot per layer and peer, and a roofline.

Idea: the first picture has a row per layer, grouped by class, and a column per number of threads and batch size; a dot right
of the line at 1 says that we are faster; the axis is logarithmic, so that twice as fast and half as fast lie equally far
from the line.  The second has a dot per layer under the roof that the machine's peak and bandwidth make.  Peers and
classes are told apart by colour and by shape, in colours that colour-blind readers know apart.
Cost: a second.  What it does not do: measure; it draws the document that conv.py writes.
Source: Okabe & Ito, "Color Universal Design" (2008); Williams, Waterman, Patterson, "Roofline" (2009).
Next room: minicnn/show/style.py.
"""

from pathlib import Path

from layers import CLASSES, TINY_BATCH
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator
from report import candidates, means, ratio, words

from minicnn.show.style import COLOURS, INK, NORMAL, QUIET, SMALL, axes, picture

ROW, NAMES, PANEL, GAP = 0.145, 2.0, 2.9, 0.2  # inches: a row, the names on the left, a column, between columns
TOP, BOTTOM = 1.25, 0.75
SHAPES = ("o", "D", "^", "s", "v", "P", "X", "*")
ONE_SIZE = ("tiny", "course")  # classes that --batch does not touch
TITLES = {"torch": "PyTorch, NCHW", "channels_last": "PyTorch, channels_last", "onnxruntime": "ONNX Runtime", "loops": "seven Python loops",
          "im2col-dot": "im2col and np.dot", "scipy": "scipy.signal.correlate"}  # fmt: skip


def draw(document: dict, path: str) -> list[str]:
    """Write the ratios to `path` and the roofline to the same name with '-roofline'; return both names."""
    first = Path(path)
    second = first.with_name(f"{first.stem}-roofline{first.suffix or '.png'}")
    first.write_bytes(ratios(document).png())
    second.write_bytes(roofline(document).png())
    return [str(first), str(second)]


def ratios(document: dict):
    """Return the picture of every layer's ratios."""
    rows = [row for run in document["runs"] for row in run["rows"]]
    peers, panels = candidates(rows), _panels(document)
    places, heads, height = _places(rows)
    width = NAMES + len(panels) * (PANEL + GAP) + GAP
    tall = TOP + BOTTOM + height * ROW
    note = "a peer's time / minicnn's time, median over rounds; right of the line at 1 minicnn is faster"
    figure = picture(max(width, 6.4), tall, "How fast is each convolution, beside others?", f"{note}\n{_machine(document)}")
    handles = [_mark(number, TITLES[peer]) for number, peer in enumerate(peers)]
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.1 / width, 1 - 0.78 / tall),
        ncols=len(peers) or 1,
        frameon=False,
        fontsize=NORMAL,
        handletextpad=0.1,
    )
    for number, (run, batch) in enumerate(panels):
        ax = axes(figure, NAMES + number * (PANEL + GAP), BOTTOM, PANEL, height * ROW)
        _panel(ax, [row for row in run["rows"] if _column(row, run) == batch], places, height, peers)
        ax.set_title(f"{words(run['threads'])}, {_images(batch)}", fontsize=NORMAL, color=INK, loc="left", pad=4)
        ax.set_yticks(list(places.values()), list(places) if number == 0 else [""] * len(places), fontsize=SMALL - 1.5, color=INK)
        ax.tick_params(axis="y", length=0)
        for kind, place in heads.items():
            if number == 0:
                ax.text(
                    -0.02,
                    place,
                    kind,
                    transform=ax.get_yaxis_transform(),
                    ha="right",
                    va="center",
                    fontsize=SMALL,
                    fontweight="bold",
                    color=INK,
                )
            _mean(ax, [row for row in run["rows"] if _column(row, run) == batch and row["kind"] == kind], place, peers)
    _same_limits(figure.axes, rows)
    return figure


def _panels(document: dict) -> list[tuple[dict, int]]:
    """Return (run, batch) of each column; layers of one batch size alone stand in the first column of their run."""
    return [(run, batch) for run in document["runs"] for batch in dict.fromkeys(_column(row, run) for row in run["rows"])]


def _column(row: dict, run: dict) -> int:
    large = [each["batch"] for each in run["rows"] if each["kind"] not in ONE_SIZE]
    return row["batch"] if row["kind"] not in ONE_SIZE or not large else large[0]


def _places(rows: list[dict]) -> tuple[dict[str, int], dict[str, int], int]:
    """Return the row of each layer and of each class's heading, and how many rows there are."""
    names = {kind: list(dict.fromkeys(_name(row) for row in rows if row["kind"] == kind)) for kind in CLASSES}
    places, heads, at = {}, {}, 0
    for kind, members in names.items():
        if members:
            heads[kind] = at
            places.update({name: at + 1 + number for number, name in enumerate(members)})
            at += len(members) + 2
    return places, heads, at


def _name(row: dict) -> str:
    return row["name"] + (f" ×{TINY_BATCH}" if row["kind"] == "tiny" and row["batch"] == TINY_BATCH else "")


def _panel(ax, rows: list[dict], places: dict[str, int], height: int, peers: list[str]) -> None:
    ax.set_ylim(height - 0.5, -1)
    ax.set_xscale("log")
    ax.axvline(1, color=INK, linewidth=1)
    ax.hlines(list(places.values()), 0, 1, transform=ax.get_yaxis_transform(), color="#ececec", linewidth=0.6, zorder=0)
    for number, peer in enumerate(peers):
        points = [(row["ratios"][peer], places[_name(row)]) for row in rows if peer in row["ratios"]]
        if points:
            ax.scatter(*zip(*points, strict=True), **_look(number), zorder=3)


def _mean(ax, rows: list[dict], place: float, peers: list[str]) -> None:
    """Write the geometric means of a class on its heading's row."""
    found = means(rows, peers)
    parts = [ratio(found.get(peer)) for peer in peers]
    if found:
        step = 0.17
        for number, part in enumerate(parts):
            colour = COLOURS[number % len(COLOURS)]
            ax.text(
                1 - step * (len(parts) - 1 - number) - 0.01,
                place,
                part,
                transform=ax.get_yaxis_transform(),
                ha="right",
                va="center",
                fontsize=SMALL - 1,
                color=colour,
                fontweight="bold",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},  # the line at 1 may pass behind it
            )


def _look(number: int, size: float = 15) -> dict:
    """Return colour and shape of the number-th series; every second one is hollow."""
    colour = COLOURS[number % len(COLOURS)]
    return {
        "marker": SHAPES[number % len(SHAPES)],
        "s": size,
        "facecolors": "white" if number % 2 else colour,
        "edgecolors": colour,
        "linewidths": 1,
    }


def _mark(number: int, label: str):
    """Return the number-th series as a legend shows it."""
    look = _look(number)
    return Line2D(
        [], [], linestyle="", marker=look["marker"], markersize=5, color=look["edgecolors"], markerfacecolor=look["facecolors"], label=label
    )


def _same_limits(panels, rows: list[dict]) -> None:
    values = [value for row in rows for value in row["ratios"].values()]
    low, high = min([0.5, *values]) / 1.15, max([2.0, *values]) * 1.15
    for ax in panels:
        ax.set_xlim(low, high)
        ax.xaxis.set_major_locator(LogLocator(base=2 if high / low < 100 else 10))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.grid(axis="x", color="#e0e0e0", linewidth=0.6)
        ax.set_axisbelow(True)
        ax.set_xlabel("times as fast as the peer", fontsize=SMALL, color=QUIET)


def roofline(document: dict):
    """Return the picture of what each layer reaches of what the machine could do."""
    runs = document["runs"]
    wide, high, left = 4.6, 4.0, 0.75
    width = left + len(runs) * (wide + 0.7)
    figure = picture(
        max(width, 6.4),
        high + 2.1,
        "What each convolution reaches under the roofline",
        f"the roof: the lesser of the peak of FMAs and of bandwidth × operations per byte\n{_machine(document)}",
    )
    every = [row for run in runs for row in run["rows"]]
    kinds = [kind for kind in CLASSES if any(row["kind"] == kind for row in every)]
    for number, run in enumerate(runs):
        ax = axes(figure, left + number * (wide + 0.7), 0.95, wide, high)
        _roof(ax, run, [_intensity(row) for row in every], min(row["gflops"] for row in every))
        for kind in kinds:
            points = [(_intensity(row), row["gflops"]) for row in run["rows"] if row["kind"] == kind]
            if points:
                ax.scatter(*zip(*points, strict=True), **_look(CLASSES.index(kind), 22), zorder=3)
        ax.set_title(words(run["threads"]), fontsize=NORMAL, color=INK, loc="left")
        ax.set_xlabel("operations per byte of input, weight and output", fontsize=SMALL, color=QUIET)
        ax.set_ylabel("GFLOP/s" if number == 0 else "", fontsize=NORMAL, color=INK)
    handles = [_mark(CLASSES.index(kind), kind) for kind in kinds]
    figure.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.02, 0.01),
        ncols=4 if len(runs) == 1 else 7,
        frameon=False,
        fontsize=SMALL,
        handletextpad=0.1,
    )
    return figure


def _roof(ax, run: dict, intensities: list[float], lowest: float) -> None:
    peak, bandwidth = run["peak_gflops"], run["copy_gb_per_second"]
    low, high = min([*intensities, peak / bandwidth / 4]) / 1.5, max([*intensities, peak / bandwidth * 4]) * 1.5
    corner = peak / bandwidth
    ax.plot([low, corner, high], [low * bandwidth, peak, peak], color=INK, linewidth=1.3)
    ax.text(high / 1.1, peak * 1.06, f"{peak:.0f} GFLOP/s", ha="right", va="bottom", fontsize=SMALL, color=INK)
    ax.text(low * 1.45, low * bandwidth * 1.1, f"{bandwidth:.0f} GB/s", ha="left", va="center", fontsize=SMALL, color=INK)
    ax.set(xscale="log", yscale="log", xlim=(low, high), ylim=(min(lowest, low * bandwidth) / 1.5, peak * 2))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
    ax.grid(color="#e6e6e6", linewidth=0.6)
    ax.set_axisbelow(True)


def _intensity(row: dict) -> float:
    return 2 * row["multiply_adds"] / row["bytes"]


def _images(batch: int) -> str:
    return "one image" if batch == 1 else f"{batch} images"


def _machine(document: dict) -> str:
    facts = document["facts"]
    return f"{facts['machine']}, {facts['date']}"
