"""Which question: of all the pixels that a number could see, which ones does it look at?

Idea: the gradient by the photo.  The receptive field says which pixels take part; how much each matters
falls off from the middle, since a pixel there is on many more ways to the number than one at the rim:

    weight[h, w] = Σ_c |∂y / ∂x[c, h, w]|,  divided by its sum

A pixel belongs to the effective field where its weight exceeds 1 - 95.45 % of the largest, which for a bell curve is all within
about 2.5 standard deviations; the paper compares with the centre's, which on one photo may happen to be small.

Cost: one walk back from the map.
What it does not do: average.  The paper takes the mean over random inputs (and weights) to see the architecture; this is one
photo and these weights, zeros of ReLU included.
Source: Luo, Li, Urtasun, Zemel, "Understanding the Effective Receptive Field in Deep CNNs" (2016), sections 2 and 3.
Next rooms: network/geometry.py for the field itself; saliency.py for classes.
"""

from dataclasses import dataclass

import numpy as np

from minicnn.field import Box, hull
from minicnn.network import backward
from minicnn.network.trace import locked
from minicnn.probe import asked
from minicnn.text import times

WHAT = "effective_field"
THRESHOLD = 1 - 0.9545  # of the largest weight: two standard deviations' worth, as in the paper


@dataclass(frozen=True, eq=False)
class EffectiveField:
    """What a number looks at: `weight` (H, W) sums to 1; `box` and `mask` hold the effective field, `theoretical` all that it sees."""

    node: str
    at: tuple[int, int]
    channel: int | None
    gradient: np.ndarray  # ∂y/∂x, (C, H, W)
    weight: np.ndarray
    mask: np.ndarray  # the effective field
    theoretical: np.ndarray  # the pixels that it sees, a mask
    box: Box | None  # of the effective field
    theoretical_box: Box | None
    centre: tuple[float, float]  # of the weight
    deviation: tuple[float, float]  # standard deviations along rows and columns, in pixels

    @property
    def pixels(self) -> int:
        """How many pixels the effective field has."""
        return int(self.mask.sum())

    @property
    def share(self) -> float:
        """The part of the theoretical field, by area, that is effective; 0 where it sees no pixel."""
        return self.pixels / max(int(self.theoretical.sum()), 1)

    @property
    def zeros(self) -> int:
        """How many pixels of the theoretical field have no gradient at all on this photo."""
        return int((self.theoretical & (self.weight == 0)).sum())

    @property
    def radius(self) -> float:
        """The standard deviation over both axes, √((σ_rows² + σ_columns²) / 2), in pixels."""
        return float(np.sqrt(np.mean(np.square(self.deviation))))

    def __repr__(self) -> str:
        channel = "the sum of all channels" if self.channel is None else f"channel {self.channel}"
        seen = int(self.theoretical.sum())
        head = f"EffectiveField of {self.node!r} at {self.at}, {channel}"
        sees = f"  it sees {seen:,} pixels" + (f" ({times(self.theoretical_box.size)})" if self.theoretical_box else ": padding only")
        if self.box is None:
            return f"{head}\n{sees}; none of them has a gradient here"
        looks = f"  it looks at {self.pixels:,} of them ({self.share:.1%}), within {times(self.box.size)}; {self.zeros:,} have no gradient"
        spread = (
            f"  centre ({self.centre[0]:.1f}, {self.centre[1]:.1f}), standard deviation {self.deviation[0]:.1f}×{self.deviation[1]:.1f} px"
        )
        return "\n".join((head, sees, looks, spread))


def effective_field(net, trace, node: str, at: tuple[int, int], *, channel: int | None = None) -> EffectiveField:
    """Return how much each pixel of a photo matters to one number of a map, by the gradient.

    weight[h, w] = Σ_c |∂y/∂x[c,h,w]| / Σ_{c,h,w} |∂y/∂x|, with y = map[channel, at], or Σ_k map[k, at] where channel is None;
    effective are the pixels whose weight is above (1 - 0.9545)·max.

    >>> from minicnn import nn, trace
    >>> ones = nn.Conv2d.of(np.ones((1, 1, 1, 3)))
    >>> net = nn.Sequential(ones, ones)
    >>> found = effective_field(net, trace(net, np.ones((1, 1, 1, 7))), "conv2", (0, 1))
    >>> found.weight * 9                                    # 1 2 3 2 1: how many ways lead to each pixel
    array([[0., 1., 2., 3., 2., 1., 0.]])
    >>> found
    EffectiveField of 'conv2' at (0, 1), the sum of all channels
      it sees 5 pixels (1×5)
      it looks at 5 of them (100.0%), within 1×5; 0 have no gradient
      centre (0.0, 3.0), standard deviation 0.0×1.2 px

    Raises ArgumentError, ShapeError, UnknownNameError; UnsupportedError for a fused network, which has no gradient.
    Source: Luo, Li, Urtasun, Zemel (2016).
    """
    net, photo = asked.photo_of(net, trace, WHAT)
    seen = asked.map_of(trace, node, WHAT)
    place = asked.place_of(seen.shape, at, node, WHAT)
    which = slice(None) if channel is None else asked.channel_of(seen.shape, channel, node, WHAT)
    seed = asked.only(seen.shape, seen.dtype, 0, which, *place)
    gradient = backward(net, trace, {node: seed}, wrt="inputs")[0][photo][0]
    weight = np.abs(gradient).sum(axis=0, dtype=np.float64)
    weight = weight / (weight.sum() or 1.0)
    mask = weight > THRESHOLD * weight.max()
    theoretical = seen.pixels(*place, photo)
    centre, deviation = _moments(weight)
    arrays = (locked(array) for array in (weight, mask, theoretical))
    return EffectiveField(
        node, place, None if channel is None else which, gradient, *arrays, hull(mask), hull(theoretical), centre, deviation
    )


def _moments(weight: np.ndarray) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the mean and the standard deviation of row and column numbers under a weight that sums to 1."""
    means, deviations = [], []
    for axis in (0, 1):
        along, places = weight.sum(axis=1 - axis), np.arange(weight.shape[axis])
        means.append(float(along @ places))
        deviations.append(float(np.sqrt(along @ (places - means[-1]) ** 2)))
    return (means[0], means[1]), (deviations[0], deviations[1])
