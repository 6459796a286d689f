"""Which question: how far does a class fall when a part of the photo is hidden?

Idea: hide and look.  A patch of one value stands on every place of a grid, and each time the network is asked again:

    drop[p, q] = P(class | photo) - P(class | photo with the patch at (p·stride, q·stride)),    P by softmax

It needs no gradient and no reason to trust one; what drops was needed, what rises (drop < 0) was in the way.

Cost: one forward pass per place, less what cannot have changed: the network is fused, each map is computed again only where
it sees the patch (windows.py), several places at a time.  On a 224×224 photo with a patch of 16 and a stride of 8, that is about
a fifth of EfficientNet-Lite0's own forward pass per place, and somewhat over a half of the fused one's.
When it loses: large patches, and networks that see everything early, whose windows end at once.
What it does not do: see what two parts do together; and a grey patch is itself something that the network has never seen.
Results are those of hiding and running net for every place, up to the rounding that fuse states and the contract of algorithms.
Source: Zeiler & Fergus, "Visualizing and Understanding Convolutional Networks" (2014), section 4.2; windows.py for the speed.
Next room: windows.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

import numpy as np

from minicnn import check
from minicnn.errors import ArgumentError, ShapeError
from minicnn.field import Box
from minicnn.network import fuse
from minicnn.network.graph import as_network
from minicnn.network.shapes import shapes_of
from minicnn.network.trace import locked
from minicnn.probe import asked
from minicnn.probe.windows import Plan, plan

WHAT = "occlusion"
AT_A_TIME = 9  # places: their maps stay in the caches
MEASURES = ("probability", "score")
Progress = Callable[[int, int], object]


@dataclass(frozen=True, eq=False)
class Occlusion:
    """How far a class falls where a patch hides the photo: `drop` (places down, places across)."""

    class_index: int
    measure: str
    clean: float  # probability (or score) of the whole photo
    hidden: np.ndarray  # the same with the patch at each place
    patch: tuple[int, int]
    stride: tuple[int, int]
    size: tuple[int, int]  # of the photo

    @property
    def drop(self) -> np.ndarray:
        """How far the class falls at each place: clean - hidden."""
        return self.clean - self.hidden

    @property
    def heat(self) -> np.ndarray:
        """Each pixel's drop (H, W): the mean over the patches that hide it; NaN where none does."""
        total, times_hidden = np.zeros(self.size), np.zeros(self.size)
        for place, value in np.ndenumerate(self.drop):
            box = self.box(*place)
            pixels = slice(box.top, box.bottom + 1), slice(box.left, box.right + 1)
            total[pixels] += value
            times_hidden[pixels] += 1
        return np.divide(total, times_hidden, out=np.full(self.size, np.nan), where=times_hidden > 0)

    def box(self, row: int, column: int) -> Box:
        """Return the pixels that the patch hides at a place of the grid."""
        top, left = row * self.stride[0], column * self.stride[1]
        return Box(top, left, top + self.patch[0] - 1, left + self.patch[1] - 1)

    @property
    def strongest(self) -> tuple[int, int]:
        """The place (row, column) of the grid where the class falls most."""
        row, column = np.unravel_index(int(np.argmax(self.drop)), self.drop.shape)
        return int(row), int(column)

    def __repr__(self) -> str:
        shown = "{:.1%}" if self.measure == "probability" else "{:.4g}"
        clean, least = shown.format(self.clean), shown.format(self.hidden[self.strongest])
        box, grid = self.box(*self.strongest), "×".join(map(str, self.drop.shape))
        return (
            f"Occlusion of class {self.class_index} by {self.patch[0]}×{self.patch[1]} at {grid} places: {self.measure} {clean}"
            f"\n  falls to {least} with rows {box.top}…{box.bottom}, columns {box.left}…{box.right} hidden"
            f"\n  falls at {np.count_nonzero(self.drop > 0)} places, rises at {np.count_nonzero(self.drop < 0)}"
        )


def occlusion(
    net,
    x: np.ndarray,
    class_index: int | None = None,
    *,
    patch=16,
    stride=8,
    value=0.0,
    measure: str = "probability",
    batch: int | None = None,
    progress: Progress | None = None,
) -> Occlusion:
    """Return how far a class falls when a patch hides each part of a photo.

    drop[p, q] = P(class | x) - P(class | x with x[:, p·s : p·s + patch, q·s : q·s + patch] = value)

    Parameters
    ----------
    x : (1, C, H, W) or (C, H, W), as the network takes it
    patch, stride : rows and columns, one number for both
    value : what hides, in x's units: one number, or one for each channel; 0 is the mean of photos that were normalized
    measure : 'probability', the softmax of the scores before the network's own softmax, or 'score', those themselves
    batch : how many places are run at a time, at most a row of them; 9 where None
    progress : called as progress(places done, places in all) after each batch

    >>> from minicnn import nn
    >>> net = nn.Sequential(nn.Flatten(), nn.Linear.of(np.array([[0.0, 2.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0]])))
    >>> found = occlusion(net, np.ones((1, 1, 1, 4)), 0, patch=(1, 2), stride=(1, 2), measure="score")
    >>> found.drop
    array([[2., 1.]])
    >>> found.heat
    array([[2., 2., 1., 1.]])

    Raises ArgumentError, ShapeError, DTypeError.  Source: Zeiler & Fergus (2014), section 4.2.
    """
    net = as_network(net, WHAT)
    asked.one_input(net, WHAT)
    x = _photo(x)
    patch, stride = check.pair(patch, "patch", WHAT, 1), check.pair(stride, "stride", WHAT, 1)
    check.one_of(measure, "measure", WHAT, MEASURES)
    batch = AT_A_TIME if batch is None else check.integer(batch, "batch", WHAT, 1)
    shapes_of(net, x.shape)  # an image in another order is told before its sides are taken for rows and columns
    grid, filled = _grid(x, patch, stride), _filled(value, x, patch)
    name = asked.scores_of(net, WHAT)
    fused = fuse(asked.leading_to(net, name))
    clean = fused(x)
    index = asked.class_of(clean, class_index, name, WHAT)
    if measure == "probability" and clean.shape[1] == 1:
        raise ArgumentError(f"{WHAT}: with one score the softmax is always 1, so nothing can fall; use measure='score'.")
    unhidden = float(_measured(clean, index, measure)[0])
    if not np.isfinite(unhidden):
        raise ArgumentError(
            f"{WHAT}: a fall is measured from the {measure} of the whole photo, which must be a finite number, but it is {unhidden}; "
            "doctor(net, trace(net, x)) says where it was born."
        )
    planned = plan(fused, x, patch, *(np.arange(n) * step for n, step in zip(grid, stride, strict=True)))
    hidden = _walk(planned, grid, filled, batch, progress, lambda scores: _measured(scores, index, measure))
    return Occlusion(index, measure, unhidden, locked(hidden), patch, stride, x.shape[2:])


def _walk(planned: Plan, grid, filled: np.ndarray, batch: int, progress: Progress | None, measured) -> np.ndarray:
    """Return what is measured at each place of the grid, a part of a row at a time."""
    hidden, done = np.empty(grid), 0
    for row in range(grid[0]):
        for columns in np.array_split(np.arange(grid[1]), ceil(grid[1] / batch)):
            rows = np.full(len(columns), row)
            hidden[row, columns] = measured(planned.run(rows, columns, np.repeat(filled, len(columns), axis=0)))
            done += len(columns)
            if progress is not None:
                progress(done, hidden.size)
    return hidden


def _measured(scores: np.ndarray, index: int, measure: str) -> np.ndarray:
    """Return one number for each image: the class's probability or score, in float64."""
    if measure == "probability":
        return asked.probability(scores)[:, index]
    return scores.reshape(len(scores), -1)[:, index].astype(np.float64)


def _photo(x) -> np.ndarray:
    batch, _ = check.image_batch(x, WHAT)
    if len(batch) != 1:
        raise ShapeError(f"{WHAT}: one photo (1, C, H, W) is hidden part by part, but x.shape={x.shape} holds {len(batch)}; pass x[:1].")
    return batch


def _grid(x: np.ndarray, patch, stride) -> tuple[int, int]:
    """Return how many places there are, down and across: floor((size - patch) / stride) + 1."""
    for size, length, word in zip(x.shape[2:], patch, ("rows", "columns"), strict=True):
        if length > size:
            raise ArgumentError(
                f"{WHAT}: the patch must fit on the photo, but it has {length} {word} and the photo {size}; use patch={size}."
            )
    down, across = ((size - length) // step + 1 for size, length, step in zip(x.shape[2:], patch, stride, strict=True))
    return down, across


def _filled(value, x: np.ndarray, patch) -> np.ndarray:
    """Return the patch (1, C, *patch) with its value, or one for each channel."""
    try:
        numbers = np.asarray(value, dtype=x.dtype)
    except (TypeError, ValueError):
        numbers = np.array(np.nan)
    if numbers.shape not in ((), (x.shape[1],)) or not np.isfinite(numbers).all():
        raise ArgumentError(f"{WHAT}: value is a finite number, or one for each of the {x.shape[1]} channels, but it is {value!r}.")
    return np.broadcast_to(numbers.reshape(1, -1, 1, 1), (1, x.shape[1], *patch)).copy()
