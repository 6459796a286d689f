"""Which question: what in the photo made one channel answer so strongly there?

Idea: the way back of Zeiler and Fergus, by backward(rules=…): the activation stands alone in its map, everything else is 0, and
goes back to pixels layer by layer:

    max pooling    unpool: each number to the place that won (its switch)
    ReLU           rectify: max(g, 0), whatever the ReLU saw on the way forward
    convolution    filter with the same weights turned round: the transposed convolution, without the bias

Only the second differs from the gradient, which would pass g where the ReLU's input was positive; guided
backpropagation (saliency.py) does both.

Cost: one walk back from the map.  When it loses: networks without max pooling keep no switches, and pictures get blurred.
What it does not do: invert the network; layers beside these (batch norm, sums, other activations) pass their own gradient.
Source: Zeiler & Fergus, "Visualizing and Understanding Convolutional Networks" (2014), section 2.1; Simonyan et al. (2014), section 4,
for the kinship with gradients.
Next room: top_patches.py, for the photos that make a channel answer.
"""

from dataclasses import dataclass

import numpy as np

from minicnn.errors import ArgumentError
from minicnn.field import Box
from minicnn.network import backward
from minicnn.probe import asked
from minicnn.text import times

WHAT = "deconvnet"


@dataclass(frozen=True, eq=False)
class Deconvnet:
    """What one activation goes back to: `picture` (C, H, W), of no unit; `box` is what the activation can see."""

    node: str
    channel: int
    at: tuple[int, int]
    value: float
    picture: np.ndarray
    box: Box | None

    def __repr__(self) -> str:
        box = "padding only" if self.box is None else f"{times(self.box.size)} pixels"
        return (
            f"Deconvnet of {self.node!r}, channel {self.channel}, place {self.at}: value {self.value:.4g}, sees {box}"
            f"\n  picture {times(self.picture.shape)}, {self.picture.min():.3g} … {self.picture.max():.3g}"
        )


def deconvnet(net, trace, node: str, channel: int, at: tuple[int, int] | None = None) -> Deconvnet:
    """Return the pattern that one activation goes back to, in the pixels of the photo.

    seed[channel, at] = activation;  back by transposed convolutions, switches of max pooling, and max(g, 0) at each ReLU and ReLU6.
    The place is that of the channel's strongest activation where None.

    >>> from minicnn import nn, trace
    >>> net = nn.Sequential(nn.Conv2d.of(np.array([[[[1.0, -1.0]]]])), nn.ReLU(), nn.MaxPool2d((1, 2)))
    >>> x = np.array([[[[3.0, 1.0, 0.0, 0.0, 1.0]]]])
    >>> found = deconvnet(net, trace(net, x), "pool1", 0)
    >>> found.at, found.value, found.picture            # 3 - 1 = 2 came from the first pair
    ((0, 0), 2.0, array([[[ 2., -2.,  0.,  0.,  0.]]]))

    Raises ArgumentError, ShapeError, UnknownNameError; UnsupportedError for a fused network, which has no gradient.
    Source: Zeiler & Fergus (2014), section 2.1.
    """
    net, photo = asked.photo_of(net, trace, WHAT)
    seen = asked.map_of(trace, node, WHAT)
    channel = asked.channel_of(seen.shape, channel, node, WHAT)
    plane = seen.data[0, channel]
    if at is None:
        row, column = np.unravel_index(int(np.argmax(plane)), plane.shape)
        place = int(row), int(column)
    else:
        place = asked.place_of(seen.shape, at, node, WHAT)
    value = float(plane[place])
    if not value > 0:
        where = f"nowhere above 0 on this photo (at most {value:.3g})" if at is None else f"{value:.3g} at {place}"
        raise ArgumentError(f"{WHAT}: an activation above 0 is taken back, but channel {channel} of {node!r} is {where}; take another.")
    seed = asked.only(seen.shape, seen.dtype, 0, channel, *place) * seen.dtype.type(value)
    rules = dict.fromkeys(asked.rectifiers_of(net), lambda layer, grad, passage: np.maximum(grad, 0))
    picture = backward(net, trace, {node: seed}, rules, wrt="inputs")[0][photo][0]
    return Deconvnet(node, channel, place, value, picture, seen.box(*place, photo))
