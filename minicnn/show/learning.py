"""Which question: did the network learn, and does what it learned hold for images it has not seen?

Idea: a history, one dict per epoch, drawn over epochs: left the loss, of each step (thin) and of
each epoch, right the accuracy, training and held out.  Where training goes on improving and held
out does not, the network learns its images by heart.

A mean over an epoch stands at the epoch's middle, because the network changed all the while; what
is held out is measured once, at the epoch's end.  Drawn at one place, training would look half an
epoch worse than it is.

Cost: O(steps).  What it does not do: smooth, or say when to stop.
Source: Goodfellow, Bengio, Courville, "Deep Learning" (2016), figure 7.3.  Next room: filters.py.
"""

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.ticker import MaxNLocator

from minicnn import check
from minicnn.errors import ArgumentError
from minicnn.show.style import COLOURS, DASHES, INK, NORMAL, SMALL, Picture, picture, plot_axes

WHAT = "show.learning_curve"
SHARES = ("accuracy", "held_out_accuracy")
TRAINING = {"color": COLOURS[0], "linewidth": 1.8, "marker": "o", "label": "training epoch"}
HELD_OUT = {"color": COLOURS[1], "linewidth": 1.8, "marker": "s", "linestyle": DASHES[1], "label": "held out"}


def learning_curve(history, *, title: str = "How the network learned", loss: str = "loss") -> Picture:
    """Return loss (each step and each epoch) and accuracy, training and held out, over the epochs of a history.

    `history` is a list of dicts, one per epoch: "epoch" (1, 2, …) and "loss", and as far as they are
    known "step_losses", "held_out_loss", "accuracy" and "held_out_accuracy" (shares from 0 to 1),
    "seconds". `loss` is the label of the loss axis, with the loss's unit: "cross-entropy (nats)".

    >>> history = [{"epoch": 1, "loss": 0.9, "accuracy": 0.7, "held_out_accuracy": 0.8}]
    >>> history += [{"epoch": 2, "loss": 0.4, "accuracy": 0.85, "held_out_accuracy": 0.9}]
    >>> figure = learning_curve(history)
    >>> [ax.get_ylabel() for ax in figure.axes], [text.get_text() for text in figure.axes[1].texts]
    (['loss', 'accuracy (%)'], ['85.0 % training', '90.0 % held out'])

    Raises ArgumentError for a history that is none, with the epoch and the entry.
    Source: Goodfellow et al. (2016), figure 7.3.
    """
    rows = _checked(history)
    shares = any(key in row for row in rows for key in SHARES)
    figure = picture(10, 4.65, title, _summary(rows))
    first, last = rows[0]["epoch"] - 1, rows[-1]["epoch"]
    left = plot_axes(figure, 0.75, 0.55, 3.95 if shares else 9.0, 3.0, loss)
    _losses(left, rows)
    panels = [left]
    if shares:
        right = plot_axes(figure, 5.45, 0.55, 3.25, 3.0, "accuracy (%)")
        _accuracies(right, rows)
        panels.append(right)
    for ax in panels:
        ax.set_xlim(first, last)
        ax.xaxis.set_major_locator(MaxNLocator(nbins=10, integer=True))
        ax.set_xlabel("epochs of training", fontsize=NORMAL, color=INK)
        if ax.lines:  # none where every number is NaN or infinite
            ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, fontsize=SMALL, frameon=False, borderpad=0.2, handlelength=3.4)
    return figure


def _checked(history) -> list[dict]:
    """Return the rows of a history, each number a float and each epoch an int."""
    if not isinstance(history, list | tuple) or not history:
        shown = "empty" if isinstance(history, list | tuple) else f"a {type(history).__name__}"
        raise ArgumentError(f"{WHAT}: history is a list of dicts, one per epoch, but it is {shown}; train for at least one epoch.")
    rows: list[dict] = []
    for place, row in enumerate(history):
        if not isinstance(row, Mapping) or not {"epoch", "loss"} <= set(row):
            shown = (
                f"has the keys {', '.join(map(repr, row)) or 'of an empty dict'}"
                if isinstance(row, Mapping)
                else f"is a {type(row).__name__}"
            )
            raise ArgumentError(
                f"{WHAT}: each epoch is a dict with at least 'epoch' and 'loss', but history[{place}] {shown}; pass one dict per epoch."
            )
        epoch = check.integer(row["epoch"], f"history[{place}]['epoch']", WHAT, 1)
        if rows and epoch <= rows[-1]["epoch"]:
            raise ArgumentError(f"{WHAT}: epochs must grow, but epoch {epoch} comes after epoch {rows[-1]['epoch']}; sort the history.")
        rows.append({"epoch": epoch, **_numbers(row, epoch)})
    return rows


def _numbers(row: Mapping, epoch: int) -> dict:
    found = {}
    for key in ("loss", "held_out_loss", *SHARES, "seconds", "step_losses"):
        if row.get(key) is None:
            continue
        try:
            found[key] = np.asarray(row[key], dtype=np.float64)
        except (TypeError, ValueError):
            found[key] = None
        if found[key] is None or found[key].ndim != (key == "step_losses"):
            wanted = "a list of numbers, one per step" if key == "step_losses" else "one number"
            raise ArgumentError(f"{WHAT}: {key} is {wanted}, but in epoch {epoch} it is {row[key]!r:.60}.")
        if key in SHARES and not np.isnan(found[key]) and not 0 <= found[key] <= 1:
            raise ArgumentError(f"{WHAT}: {key} is a share from 0 to 1, but in epoch {epoch} it is {row[key]!r}; divide percents by 100.")
    return found


def _points(rows: list[dict], key: str, shift: float) -> tuple[list[float], list[float]]:
    """Return where and what of one entry, `shift` epochs from the epoch's end, as far as it is there and finite."""
    found = [(row["epoch"] + shift, float(row[key])) for row in rows if key in row and np.isfinite(row[key])]
    return [x for x, _ in found], [y for _, y in found]


def _line(ax, points, look: dict, scale: float = 1.0) -> None:
    if points[0]:
        every = math.ceil(len(points[0]) / 25)
        marked = ((len(points[0]) - 1) % every, every)  # the last point is one of them
        ax.plot(points[0], [scale * y for y in points[1]], markersize=4.5, markevery=marked, clip_on=False, zorder=3, **look)


def _losses(ax, rows: list[dict]) -> None:
    steps = [(row["epoch"] - 1 + (np.arange(n) + 0.5) / n, row["step_losses"]) for row in rows if (n := len(row.get("step_losses", ())))]
    if steps:
        places, values = (np.concatenate(part) for part in zip(*steps, strict=True))
        values[~np.isfinite(values)] = np.nan  # a gap
        if np.isfinite(values).any():
            ax.plot(places, values, color=COLOURS[0], linewidth=0.7, alpha=0.5, label="training step")
    _line(ax, _points(rows, "loss", -0.5), TRAINING)
    _line(ax, _points(rows, "held_out_loss", 0), HELD_OUT)
    low, high = ax.get_ylim()
    ax.set_ylim(0 if low > -0.1 * high else low, high)


def _accuracies(ax, rows: list[dict]) -> None:
    ends = []
    for key, shift, look, word in zip(SHARES, (-0.5, 0), (TRAINING, HELD_OUT), ("training", "held out"), strict=True):
        places, shares = _points(rows, key, shift)
        _line(ax, (places, shares), look, 100)
        if places:
            ends.append((places[-1], 100 * shares[-1], word, look["color"]))
    low = min((y for line in ax.lines for y in line.get_ydata()), default=0)
    bottom = 10 * math.floor(max(low - 1, 0) / 10)
    ax.set_ylim(bottom, 100)
    right = max((x for x, *_ in ends), default=0)
    for y, (_, value, word, colour) in zip(_apart([value for _, value, *_ in ends], 0.055 * (100 - bottom)), ends, strict=True):
        look = {"fontsize": SMALL, "color": colour, "va": "center", "annotation_clip": False}
        ax.annotate(f"{value:.1f} % {word}", (right, y), xytext=(9, 0), textcoords="offset points", **look)


def _apart(places: list[float], least: float) -> list[float]:
    """Return one or two places at least that far from each other, moved as little as possible.

    >>> _apart([90.0, 91.0], 4.0)
    [88.5, 92.5]
    """
    if len(places) < 2 or abs(places[0] - places[1]) >= least:
        return places
    middle, half = sum(places) / 2, least / 2
    return [middle + half, middle - half] if places[0] > places[1] else [middle - half, middle + half]


def _summary(rows: list[dict]) -> str:
    """Return what was trained, and either how to read the points or what went wrong."""
    steps = sum(len(row.get("step_losses", ())) for row in rows)
    seconds = sum(float(row.get("seconds", 0)) for row in rows)
    parts = [
        f"{len(rows)} epoch{'s' * (len(rows) != 1)}",
        *([f"{steps:,} steps"] if steps else []),
        *([f"{seconds:.3g} s"] if seconds else []),
    ]
    bad = [row["epoch"] for row in rows if not all(np.isfinite(row.get(key, 0)).all() for key in ("loss", "held_out_loss", "step_losses"))]
    if bad:
        return f"{', '.join(parts)}.\nFrom epoch {bad[0]} on, losses are NaN or infinite and cannot be drawn: lower the learning rate."
    return (
        f"{', '.join(parts)}; at the end the loss is {float(rows[-1]['loss']):.3g}.\n"
        "A training epoch is a mean and stands at the epoch’s middle; held out is measured at its end."
    )
