"""Which question: what comes back along an axis whose positions were picked, some of them several times, some never?

Idea: forward, output i is input sources[i], which is NumPy's take.  On the way back an input collects from all its copies, and
one that nobody picked gets 0.  Round r adds the r-th copy of every input that has so many: few passes over whole maps, in a
fixed order.

Cost: one pass, and one over the copies for each further round.  When it loses: one position picked a thousand times is a thousand
small rounds.  What it does not do: weights between 0 and 1; resize.py has those.
Source: NumPy's take and add.at; PyTorch's index_select and index_add.  Next room: resize.py.
"""

from collections.abc import Sequence

import numpy as np

from minicnn.functional.taps import resized


def given_back(grad: np.ndarray, sources: Sequence[int], n: int, axis: int) -> np.ndarray:
    """Return for each of n inputs along an axis the sum of what came back to its copies: position i is a copy of sources[i].

    >>> given_back(np.array([1.0, 10.0, 100.0]), [2, 0, 2], 4, axis=0)
    array([ 10.,   0., 101.,   0.])
    """
    sources = np.asarray(sources, np.int64)
    total = np.zeros(resized(grad, axis, n), grad.dtype)
    with np.errstate(all="ignore"):
        for places in _rounds(sources):
            everywhere = np.array_equal(sources[places], np.arange(n))  # a list of positions costs a copy there and back
            into = slice(None) if everywhere else sources[places]
            total[(slice(None),) * axis + (into,)] += grad.take(places, axis=axis) if len(places) < len(sources) else grad
    return total


def _rounds(sources: np.ndarray) -> list[np.ndarray]:
    """Return the places of the first copy of every source, then of the second of those that have one, …

    >>> [places.tolist() for places in _rounds(np.array([5, 3, 5, 5]))]
    [[0, 1], [2], [3]]
    """
    order = np.argsort(sources, kind="stable")
    ordered = sources[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(sources) else np.empty(0, np.int64)
    rank = np.empty(len(sources), np.int64)
    rank[order] = np.arange(len(sources)) - np.repeat(starts, np.diff(np.r_[starts, len(sources)]))
    return [np.flatnonzero(rank == place) for place in range(rank.max(initial=-1) + 1)]
