"""Which question: how does a small data set go further?

Idea: a digit that stands two pixels further left is the same digit; showing it so teaches the network what
does not matter.  An augmentation is a function of a batch and a generator that returns another batch:
anything callable will do.
Cost: a copy of the batch.  What it does not do: labels that change with the image.
Source: Simard, Steinkraus, Platt, "Best Practices for Convolutional Neural Networks Applied to Visual
Document Analysis" (2003), section 2.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from minicnn import check
from minicnn.errors import ArgumentError


@dataclass(frozen=True)
class Shift:
    """Move every image of a batch by up to `pixels` rows and columns, each by an amount of its own; zeros come in at the edge.

    y[n, c, h, w] = x[n, c, h + a_n, w + b_n],  a_n and b_n whole numbers from -pixels … pixels

    >>> Shift(1)(np.ones((2, 1, 2, 3)), np.random.default_rng(0))[:, 0].tolist()
    [[[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]], [[0.0, 1.0, 1.0], [0.0, 1.0, 1.0]]]

    Raises ShapeError, DTypeError, ArgumentError.  Source: Simard, Steinkraus, Platt (2003), section 2.
    """

    pixels: int

    def __post_init__(self):
        object.__setattr__(self, "pixels", check.integer(self.pixels, "pixels", "Shift", 0))

    def __call__(self, x: np.ndarray, rng: "np.random.Generator") -> np.ndarray:
        """Return another batch, moved as `rng` draws."""
        batch, unbatched = check.image_batch(x, "Shift")
        if not isinstance(rng, np.random.Generator):
            raise ArgumentError(f"Shift: rng must be a NumPy generator, such as np.random.default_rng(0), but it is {rng!r}.")
        room = self.pixels
        wide = np.pad(batch, ((0, 0), (0, 0), (room, room), (room, room)))
        down, right = rng.integers(0, 2 * room + 1, (2, len(batch)))
        places = sliding_window_view(wide, batch.shape[2:], axis=(2, 3))  # (N, C, 2·pixels + 1, 2·pixels + 1, H, W), a view
        moved = places[np.arange(len(batch)), :, down, right]
        return moved[0] if unbatched else moved
