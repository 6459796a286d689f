"""Which question: how does a map look, small, in a handful of bytes?

Idea: three steps, each a function of its own.  `planes` is a map of one image as channels × rows × columns, whatever its axes;
`shrunk` takes the mean over the area that each cell of the small map stands for; `quantised` spaces 253 levels evenly from the
smallest to the largest finite number:

    level = round(252 · (x - lo) / (hi - lo)),   x ≈ lo + level · (hi - lo) / 252,   off by at most (hi - lo) / 252 / 2

and 253, 254, 255 mark NaN, +∞ and -∞.  `picture` paints levels: viridis for rectified maps, blue over white to red around zero else.
Cost: one read of the channels that are asked for.  What it does not do: choose them.
Source: adaptive average pooling for the areas; Smith & van der Walt, viridis (2015); ColorBrewer's RdBu.  Next room: notebook.py.
"""

import functools
from typing import NamedTuple

import numpy as np

from minicnn.text import png

SIDE = 28  # cells, at most
LEVELS = 252  # the last level
NAN, UP, DOWN = 253, 254, 255  # marks of what is not finite
VIRIDIS = (
    (68, 1, 84),
    (71, 44, 122),
    (59, 81, 139),
    (44, 113, 142),
    (33, 144, 141),
    (39, 173, 129),
    (92, 200, 99),
    (170, 220, 50),
    (253, 231, 37),
)
SIGNED = ((5, 48, 97), (67, 147, 195), (209, 229, 240), (247, 247, 247), (253, 219, 199), (214, 96, 77), (103, 0, 31))
NOT_FINITE, NOTHING = (255, 0, 255), (255, 255, 255)
COLOURS = 62  # of a palette, beside the two above: it is stored with each picture


class Levels(NamedTuple):
    """Numbers as one byte each: x ≈ lo + (hi - lo)·level/252; 253, 254, 255 are NaN, +∞, -∞."""

    data: np.ndarray
    lo: float
    hi: float

    @property
    def error(self) -> float:
        """How far a number may lie from what its level stands for."""
        return (self.hi - self.lo) / LEVELS / 2


def planes(data: np.ndarray, image: int = 0) -> np.ndarray:
    """Return the map of one image as (channels, rows, columns) of floats; what has no rows or columns has one.

    >>> planes(np.zeros((2, 3, 4, 5))).shape, planes(np.zeros((2, 7))).shape, planes(np.zeros((1, 3, 6))).shape, planes(np.zeros(())).shape
    ((3, 4, 5), (7, 1, 1), (3, 1, 6), (1, 1, 1))
    """
    own = data[image] if data.ndim > 1 else data.reshape(-1)
    columns = own.shape[-1] if own.ndim > 1 else 1
    rows = int(np.prod(own.shape[1:-1], dtype=np.int64)) if own.ndim > 1 else 1
    own = own.reshape(own.shape[0], rows, columns)
    return own if own.dtype in (np.float32, np.float64) else own.astype(np.float64)


def small_size(rows: int, columns: int, most: int = SIDE) -> tuple[int, int]:
    """Return the size of the small map: the longer side at most `most`, the shape kept.

    >>> small_size(112, 112), small_size(10, 400), small_size(7, 7)
    ((28, 28), (1, 28), (7, 7))
    """
    longer = max(rows, columns)
    if longer <= most:
        return rows, columns
    return max(1, round(rows * most / longer)), max(1, round(columns * most / longer))


def shrunk(x: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return (…, rows, columns) at a smaller size: cell i is the mean of floor(i·n/out) … ceil((i+1)·n/out) - 1.

    >>> shrunk(np.array([[1.0, 3.0, 5.0], [3.0, 5.0, 7.0]]), (1, 2))
    array([[3., 5.]])
    """
    with np.errstate(all="ignore"):  # an area that holds NaN is NaN
        return _along(_along(x, size[1]).swapaxes(-1, -2), size[0]).swapaxes(-1, -2)


def _along(x: np.ndarray, out: int) -> np.ndarray:
    n = x.shape[-1]
    if out == n:
        return x
    if n % out == 0:
        return x.reshape(*x.shape[:-1], out, n // out).mean(axis=-1)
    return np.stack([x[..., i * n // out : -(-(i + 1) * n // out)].mean(axis=-1) for i in range(out)], axis=-1)


def quantised(x: np.ndarray) -> Levels:
    """Return numbers as levels between their smallest and largest finite one.

    >>> quantised(np.array([0.0, 1.0, 2.0, np.nan, np.inf, -np.inf]))
    Levels(data=array([  0, 126, 252, 253, 254, 255], dtype=uint8), lo=0.0, hi=2.0)
    """
    finite = np.isfinite(x)
    inside = x[finite]
    lo, hi = (float(inside.min()), float(inside.max())) if inside.size else (0.0, 0.0)
    span = hi - lo  # inf where the numbers reach over more than float64 holds: then all are on level 0
    with np.errstate(all="ignore"):
        levels = np.rint((x.astype(np.float64) - lo) * (LEVELS / span)) if 0 < span < np.inf else np.zeros(x.shape)
        marks = np.where(np.isnan(x), NAN, np.where(x > 0, UP, DOWN))
        levels = np.where(finite, np.clip(levels, 0, LEVELS), marks).astype(np.uint8)
    return Levels(levels, lo, hi)


@functools.cache
def palette(signed: bool) -> bytes:
    """Return the colours of the levels, coarser, and of what is not finite and of the gaps."""
    anchors = np.array(SIGNED if signed else VIRIDIS, np.float64)
    at = np.linspace(0, len(anchors) - 1, COLOURS)
    colours = np.stack([np.interp(at, np.arange(len(anchors)), anchors[:, channel]) for channel in range(3)], axis=1)
    return np.rint(np.vstack([colours, [NOT_FINITE, NOTHING]])).astype(np.uint8).tobytes()


def picture(tiles: np.ndarray, across: int, signed: bool) -> bytes:
    """Return (tiles, rows, columns) of numbers as one PNG, at most so many tiles side by side, a cell between them.

    Rectified maps are painted from 0 or their smallest number on, signed ones around 0, all tiles on one scale.

    >>> picture(np.zeros((3, 2, 5)), 2, signed=False)[16:24]                       # 11 wide, 5 high
    b'\\x00\\x00\\x00\\x0b\\x00\\x00\\x00\\x05'
    """
    count, rows, columns = tiles.shape
    across = min(across, count)
    down = -(-count // across)
    canvas = np.full((down * (rows + 1) - 1, across * (columns + 1) - 1), COLOURS + 1, np.uint8)
    for place, tile in enumerate(_painted(tiles, signed)):
        top, left = place // across * (rows + 1), place % across * (columns + 1)
        canvas[top : top + rows, left : left + columns] = tile
    return png(canvas.tobytes(), canvas.shape[1], canvas.shape[0], palette(signed))


def _painted(tiles: np.ndarray, signed: bool) -> np.ndarray:
    """Return the place in the palette of every number."""
    tiles = tiles.astype(np.float64)
    finite = np.isfinite(tiles)
    inside = tiles[finite] if finite.any() else np.zeros(1)
    hi = max(abs(inside.min()), abs(inside.max())) if signed else inside.max()
    lo = -hi if signed else min(inside.min(), 0.0)
    with np.errstate(all="ignore"):
        share = (tiles / 2 - lo / 2) / (hi / 2 - lo / 2) if hi > lo else np.full(tiles.shape, 0.5 if signed else 0.0)
        return np.where(finite, np.rint(share * (COLOURS - 1)), COLOURS).astype(np.uint8)
