"""Which question: does every channel of a map say something of its own?

Idea: a map of K channels at n places is a matrix of K rows.  Two rows that are the same up to a factor and an offset say the same;
and how many directions the rows span, counted by how evenly the singular values share, is what the channels are worth together.

    duplicated channels       outputs of a layer with weights, of which one repeats another
    growth without benefit    twice the channels and more, and half the directions or less behind the activation

    effective rank = exp(-Σ p_i log p_i),   p_i = σ_i / Σ σ,     σ the singular values of the map, each channel's mean taken away

Cost: K²·n products for each layer with weights, n at most 4,096; a singular value decomposition where channels double.
When it loses: few places.  Eight numbers are needed to call channels equal, and a map that spans half of what its places allow is
not asked for more.
Source: Roy & Vetterli, "The Effective Rank" (2007), equation 1.  Next room: doctor.py.
"""

import numpy as np

from minicnn.layers import Conv2d, ConvTranspose2d, Linear
from minicnn.network import Node
from minicnn.network.trace import NORMALIZATIONS
from minicnn.probe.finding import SILENT, Case, Finding, constant

PLACES = 4096  # of a map are compared at the most, evenly spread; candidates are compared at all of them

# Two channels are the same where what is left of one, less the best multiple of the other, is below a thousandth of it: more than
# rounding leaves of a thousand summed products in float32 (1000 · 6e-8), less than a step of an 8-bit image (1/256).
SAME = 1e-3

# In n numbers two unrelated channels are as alike as that with a probability of about SAME^(n - 2): below 1e-12 for the million pairs
# of a thousand channels where n is 8.  They must differ, since rectified channels that are 0 but for one place are alike by themselves.
DISTINCT = 8

# The room that places leave: a map of n places has n - 1 directions at the most.  One whose input fills half of them cannot show more.
ROOM = 0.5

# Twice as many channels and half as many directions.  Filters that are just drawn, and know nothing, hand on three quarters of the
# directions and more (U-Net's last doubling; EfficientNet-Lite0, trained, 1.4 times as many and more): half is worse than chance.
GROWTH = 2
BENEFIT = 0.5


def duplicated_channels(case: Case) -> list[Finding]:
    """Find outputs of convolutions and linear layers of which one repeats another."""
    found = []
    for node in case.net:
        if not isinstance(node.layer, Conv2d | ConvTranspose2d | Linear) or not case.sound(node.name):
            continue
        pairs = repeated(rows_of(case.maps[node.name].data), ~constant(*case.ranges[node.name]))
        if not pairs:
            continue
        channels = case.maps[node.name].shape[1]
        shown = ", ".join(f"{again} as {first}" for again, first in list(pairs.items())[:4]) + (", …" if len(pairs) > 4 else "")
        same = _equal_filters(node, pairs)
        told = (
            f"{len(pairs):,} of {channels:,} channels repeat another at all {case.numbers_each(node.name):,} places, up to a factor and an "
        )
        told += f"offset: {shown}" + (f"; {same} of their filters are equal number by number." if same else ".")
        cause = "filters that began with the same numbers and got the same gradients ever since, or that were copied."
        remedy = "draw first weights at random (rng=np.random.default_rng(seed)); in a trained network, leave the repeated filters out."
        found.append(Finding("duplicated channels", node.name, told, cause, remedy, {"pairs": tuple(pairs.items()), "channels": channels}))
    return found


def rows_of(data: np.ndarray) -> np.ndarray:
    """Return a map (N, C, …) as one row of float64 per channel, its numbers at all places of all images."""
    return np.moveaxis(data, 1, 0).reshape(data.shape[1], -1).astype(np.float64)


def repeated(rows: np.ndarray, varies: np.ndarray) -> dict[int, int]:
    """Return {channel: the first channel that it repeats} of the rows that vary.

    >>> rows = np.random.default_rng(0).random((3, 40))
    >>> rows[2] = 3 * rows[0] + 1
    >>> repeated(rows, np.array([True, True, True]))
    {2: 0}
    """
    step, pairs = max(1, rows.shape[1] // PLACES), {}
    candidates = np.flatnonzero(varies)
    alike = np.triu(_correlation(rows[candidates, ::step]) >= 1 - SAME**2, 1)  # a wider net than below, for fewer places
    for first, again in np.argwhere(alike):
        first, again = int(candidates[first]), int(candidates[again])
        if again not in pairs and first not in pairs and _is_same(rows[first], rows[again]):
            pairs[again] = first
    return pairs


def _correlation(rows: np.ndarray) -> np.ndarray:
    away = rows - rows.mean(axis=1, keepdims=True)
    length = np.sqrt((away**2).sum(axis=1, keepdims=True))
    away /= np.where(length > 0, length, 1)
    return away @ away.T


def _is_same(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether what is left of b, less the best multiple of a, both without their means, is below SAME of b."""
    if min(len(np.unique(a)), len(np.unique(b))) < DISTINCT:
        return False
    a, b = a - a.mean(), b - b.mean()
    factor = (a @ b) / (a @ a)
    return bool(np.linalg.norm(b - factor * a) <= SAME * np.linalg.norm(b))


def _equal_filters(node: Node, pairs: dict[int, int]) -> int:
    weight = node.layer.weight
    if isinstance(node.layer, ConvTranspose2d):
        return 0
    return sum(bool((weight[again] == weight[first]).all()) for again, first in pairs.items())


def growth_without_benefit(case: Case) -> list[Finding]:
    """Find convolutions that at least double the channels, and behind whose activation the map spans half as many directions or fewer."""
    found = []
    for node in case.net:
        end = _behind_activation(case, node)
        if end is None or not case.sound(node.inputs[0]) or not case.sound(end) or case.maps[end].ndim != 4:
            continue
        if case.silent(end) > SILENT:
            continue  # its channels are dead or constant, which other checks tell
        before, after = case.maps[node.inputs[0]].data, case.maps[end].data
        room = min(after.shape[1], case.numbers_each(end) - 1, case.numbers_each(node.inputs[0]) - 1)
        if after.shape[1] < GROWTH * before.shape[1]:
            continue
        had = effective_rank(before)
        if not 1 / BENEFIT <= had <= ROOM * room:  # a map that says anything has a rank of 1, so one below 2 cannot halve
            continue
        has = effective_rank(after)
        if has <= BENEFIT * had:
            told = f"{before.shape[1]} channels with an effective rank of {had:.1f} go in, and {after.shape[1]} with {has:.1f} come out of {end}."
            cause = "the new channels are mixtures of the old ones: filters too alike, or dead behind the activation."
            remedy = f"fewer filters do the same: about {max(1, round(has))}; or train longer, from first weights that differ."
            numbers = {"channels": (before.shape[1], after.shape[1]), "effective_rank": (had, has), "behind": end}
            found.append(Finding("growth without benefit", node.name, told, cause, remedy, numbers))
    return found


def _behind_activation(case: Case, node: Node) -> str | None:
    """Return the activation that a convolution ends in, through a normalization, where nobody else reads what lies between."""
    if not isinstance(node.layer, Conv2d):
        return None
    while not node.layer.is_activation and node.layer.activation is None:
        readers = case.readers[node.name]
        if len(readers) != 1 or not (readers[0].layer.is_activation or isinstance(readers[0].layer, NORMALIZATIONS)):
            return None
        node = readers[0]
    return node.name


def effective_rank(data: np.ndarray) -> float:
    """Return how many directions the channels of a map (N, C, …) span, counted by their evenness: 1 … C, 0 for a constant map.

    exp(-Σ p log p), p = σ / Σσ, σ the singular values of the matrix (C, places), each channel's mean taken away.
    Source: Roy & Vetterli (2007), equation 1.

    >>> wave = np.array([1.0, -1.0, 1.0, -1.0]), np.array([1.0, 1.0, -1.0, -1.0])
    >>> round(effective_rank(np.array([[wave[0], wave[1]]])), 6), round(effective_rank(np.array([[wave[0], 5 * wave[0]]])), 6)
    (2.0, 1.0)
    """
    rows = rows_of(data)
    rows -= rows.mean(axis=1, keepdims=True)
    squares = np.linalg.eigvalsh(rows @ rows.T if len(rows) <= rows.shape[1] else rows.T @ rows)  # σ², of the smaller side
    sigma = np.sqrt(np.maximum(squares, 0))
    sigma = sigma[sigma > 1e-6 * sigma.max(initial=0)]  # below about √eps of the largest, σ is what rounding left of 0
    if not sigma.size:
        return 0.0
    p = sigma / sigma.sum()
    return float(np.exp(-(p * np.log(p)).sum()))
