"""Which question: which numbers of a trace does a page hold, when it cannot hold all of them?

Idea: a page that is mailed around has so many bytes, and every map gets a fair share of them: what a small map does not use goes to the larger
ones.  Of a map that does not fit, the channels of the explained numbers and
those that vary most are held.  Pictures are one byte a number (thumbnail.quantised); of twelve
chosen maps, the last of their stages, whole resolutions too.  Explained numbers and the statistics of channels are exact where a map's share
has room for them: of ResNet-50 only some are, of EfficientNet-Lite0 all.

Cost: one read of every map.  What it does not do: say which channel matters; one that varies is not one that counts.
Source: max-min fairness (Bertsekas & Gallager, Data Networks, 1992, section 6.5.2).  Next room: payload.py.
"""

import numpy as np

from minicnn.network.notebook import varied
from minicnn.network.thumbnail import Levels, quantised, shrunk, small_size
from minicnn.show.encoded import encoded

THUMBNAILS, MAPS, CHANNELS, EXPLAINED = 660_000, 380_000, 1_100_000, 800_000  # bytes a page, before it is deflated
LEAST = 784  # bytes: one thumbnail of every map, however many maps there are
CHOSEN = 12


def fair(needs: list[int], total: int, least: int) -> list[int]:
    """Return how many bytes each may have: all alike, what one does not need shared among the others.

    >>> fair([10, 100, 300], 210, 1)
    [10, 100, 100]
    """
    given, left = [0] * len(needs), total
    order = sorted(range(len(needs)), key=needs.__getitem__)
    for rank, at in enumerate(order):
        given[at] = min(needs[at], max(left // (len(needs) - rank), least))
        left = max(left - given[at], 0)
    return given


def thumbnail_sizes(shapes: list[tuple[int, int, int]]) -> list[int]:
    """Return how many channels of each map (C, rows, columns) are held as thumbnails."""
    cells = [int(np.prod(small_size(rows, columns))) for _, rows, columns in shapes]
    needs = [cells_ * shape[0] for cells_, shape in zip(cells, shapes, strict=True)]
    shares = fair(needs, THUMBNAILS, LEAST)
    return [min(shape[0], max(1, share // max(size, 1))) for shape, share, size in zip(shapes, shares, cells, strict=True)]


def held_channels(own: np.ndarray, most: int, wanted) -> np.ndarray:
    """Return which channels of (C, rows, columns) are held: those that are wanted, and of the others the ones that vary most.

    >>> held_channels(np.array([[[0.0, 9.0]], [[0.0, 5.0]], [[0.0, 0.0]], [[0.0, 1.0]]]), 2, [2])
    array([0, 2])
    """
    wanted = sorted(set(wanted))[:most]
    others = [channel for channel in varied(own, most) if channel not in wanted]
    if len(wanted) + len(others) > most:
        rest = np.setdiff1d(np.arange(len(own)), wanted)
        others = rest[varied(own[rest], most - len(wanted))]
    return np.sort(np.array([*wanted, *others], np.int64))


def thumbnails(own: np.ndarray, most: int, wanted=()) -> tuple[dict | None, Levels | None]:
    """Return the wanted channels of (C, rows, columns) and those that vary most, small, as plain data, and their levels.

    >>> held, levels = thumbnails(np.arange(12.0).reshape(3, 2, 2), 2)
    >>> held["channels"], held["rows"], held["columns"], held["lo"], held["hi"], levels.error == 7 / 252 / 2
    ([0, 1], 2, 2, 0.0, 7.0, True)
    """
    if not own.size:
        return None, None
    channels = held_channels(own, most, wanted)
    rows, columns = small_size(*own.shape[1:])
    levels = quantised(shrunk(own[channels], (rows, columns)))
    return {"channels": channels.tolist(), "rows": rows, "columns": columns, **_packed(levels)}, levels


def whole_maps(own: np.ndarray, budget: int, wanted=()) -> tuple[dict, Levels]:
    """Return the wanted channels and those that vary most, at their whole resolution, as plain data, and their levels."""
    channels = held_channels(own, max(1, budget // max(own[0].size, 1)), wanted)
    levels = quantised(own[channels])
    return {"channels": channels.tolist(), **_packed(levels)}, levels


def all_maps(own: np.ndarray) -> dict:
    """Return every number of (C, rows, columns), in four bytes each."""
    return {"channels": list(range(len(own))), "data": encoded(own, "f4")}


def _packed(levels: Levels) -> dict:
    return {"lo": levels.lo, "hi": levels.hi, "data": encoded(levels.data, "u1")}


def _levels(levels: Levels) -> dict:
    """Return numbers that are read, not painted: an array that knows what its levels stand for."""
    return {**encoded(levels.data, "u1"), "lo": levels.lo, "hi": levels.hi}


def chosen_maps(stages: list[dict], shapes: dict[str, tuple[int, ...]], inputs) -> list[str]:
    """Return the maps that are held at their whole resolution: the last of each stage that has positions, at most twelve, evenly spread."""
    last = [stage["nodes"][-1] for stage in stages if stage["nodes"][-1] not in inputs]
    drawn = [name for name in last if len(shapes[name]) == 4 and shapes[name][2] * shapes[name][3] > 1]
    if len(drawn) <= CHOSEN:
        return drawn
    return [drawn[round(place * (len(drawn) - 1) / (CHOSEN - 1))] for place in range(CHOSEN)]


def exact_statistics(channels: list[int]) -> list[bool]:
    """Return of which maps, by their number of channels, the page holds the channels' statistics exactly.

    >>> exact_statistics([3, 64, 2048]), exact_statistics([2048] * 100).count(True)
    ([True, True, True], 0)
    """
    needs = [16 * number for number in channels]
    return [share >= need for share, need in zip(fair(needs, CHANNELS, 0), needs, strict=True)]


def channel_statistics(own: np.ndarray, exact: bool = True) -> dict:
    """Return mean, max, min and share of zeros of every channel, as plain data; NaN goes through.

    >>> from minicnn.show.encoded import decoded
    >>> decoded(channel_statistics(np.array([[[1.0, 0.0]]]))["zeros"])
    array([0.5], dtype=float32)
    """
    flat = own.reshape(len(own), -1)
    if not flat.size:
        return {name: encoded(np.full(len(own), np.nan), "f4") for name in ("mean", "max", "min", "zeros")}
    with np.errstate(all="ignore"):
        found = {
            "mean": flat.mean(axis=1, dtype=np.float64),
            "max": flat.max(axis=1),
            "min": flat.min(axis=1),
            "zeros": (flat == 0).mean(axis=1),
        }
    if exact:
        return {name: encoded(values, "f4") for name, values in found.items()}
    return {name: _levels(quantised(values)) for name, values in found.items()}


def histogram(data: np.ndarray, bins: int = 32) -> dict:
    """Return how the finite numbers of a map are spread, as edges and counts.

    >>> histogram(np.array([0.0, 1.0, 1.0, np.inf]), 2)
    {'edges': [0.0, 0.5, 1.0], 'counts': [1, 2]}
    """
    finite = np.isfinite(data)
    inside = data if finite.all() else data[finite]
    if not inside.size:
        return {"edges": [], "counts": []}
    lo, hi = float(inside.min()), float(inside.max())
    try:
        with np.errstate(all="ignore"):
            counts, edges = np.histogram(inside, bins, (lo, hi) if lo < hi else None)
    except (ValueError, IndexError):  # a range too small or too wide for so many bins
        return {"edges": [lo, hi], "counts": [int(inside.size)]}
    return {"edges": edges.astype(float).tolist(), "counts": counts.tolist()}
