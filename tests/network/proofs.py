"""The proofs of the geometry, as functions that raise AssertionError, so that wrong geometries can be held against them too."""

import numpy as np
from seen import what_is_seen

from minicnn import describe, nn, trace
from minicnn.field import Box

POOL_THEN_CONV = nn.Sequential(
    ("pool", nn.MaxPool2d(2)), ("conv", nn.Conv2d.of(np.ones((1, 1, 3, 3), np.float32), padding=1))
)  # on 5×5 the closed form of (1, 1) holds row 4, which pooling dropped


def grid_size(row) -> tuple[int, int]:
    return row.shape[2:] if len(row.shape) == 4 else (1, 1)


def spread(row, most: int = 6) -> list[tuple[int, int]]:
    """Return positions of a map: all corners, and more in between, at most `most` per axis."""
    rows, columns = (sorted({round(at) for at in np.linspace(0, n - 1, min(n, most))}) for n in grid_size(row))
    return [(i, j) for i in rows for j in columns]


def hull_of(cells) -> Box | None:
    if not cells:
        return None
    rows, columns = {r for r, _ in cells}, {c for _, c in cells}
    return Box(min(rows), min(columns), max(rows), max(columns))


def marked(mask) -> set:
    return {(int(r), int(c)) for r, c in zip(*np.nonzero(mask), strict=True)}


def nan_probe(net, shape) -> dict[str, np.ndarray]:
    """Return for each map which outputs turn NaN, (H·W, rows, columns), with one input pixel NaN at a time, all channels."""
    channels, height, width = shape
    x = np.random.default_rng(0).uniform(0.5, 1.5, (height * width, channels, height, width)).astype(np.float32)
    for pixel in range(height * width):
        x[pixel, :, pixel // width, pixel % width] = np.nan
    found = {}
    for m in trace(net, x):
        bad = np.isnan(m.data)
        found[m.name] = bad.any(axis=1) if bad.ndim == 4 else bad.any(axis=1)[:, None, None]
    return found


def prove_pixels(net, shape, pixels_of) -> None:
    """Raise AssertionError unless pixels_of(facts, node, i, j) is the set counted by plain loops."""
    facts, sets = describe(net, shape), what_is_seen(net, shape[1:])
    for row in facts:
        assert (len(sets[row.name]), len(sets[row.name][0])) == tuple(grid_size(row)), row.name
        for i, j in spread(row):
            assert marked(pixels_of(facts, row.name, i, j)) == sets[row.name][i][j], (row.name, i, j)


def prove_boxes(net, shape, box_of) -> None:
    """Raise AssertionError unless box_of(facts, node, i, j) is the hull of the set counted by plain loops."""
    facts, sets = describe(net, shape), what_is_seen(net, shape[1:])
    for row in facts:
        for i, j in spread(row):
            assert box_of(facts, row.name, i, j) == hull_of(sets[row.name][i][j]), (row.name, i, j)


def the_pixels(facts, name, i, j):
    return facts.pixels(name, i, j)


def the_box(facts, name, i, j):
    return facts.box(name, i, j)
