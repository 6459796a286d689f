"""Which question: where in the photo does a late map speak for a class?

Idea: a channel speaks for a class as much as the score rises with it, on average over its places; the channels are added
with these weights, and what speaks against is cut off:

    α_k = mean_{i,j} ∂score / ∂A[k, i, j],      map = ReLU( Σ_k α_k · A[k] )

Behind global average pooling and one linear layer, α_k is the class's weight over the number of places, so the map is the class
activation map of Zhou et al. (2016).

Cost: one walk back, only as far as the map.
What it does not do: see finer than its map; what is drawn on the photo is 7×7 numbers, made larger.  Nor is the ReLU's zero
"no influence": it may have been against.
Source: Selvaraju et al., "Grad-CAM" (2017), equations 1 and 2; Zhou et al., "Learning Deep Features for Discriminative
Localization" (2016).
Next rooms: occlusion.py, which needs no gradient; saliency.py.
"""

from dataclasses import dataclass

import numpy as np

from minicnn import functional as F
from minicnn.errors import ArgumentError
from minicnn.network import backward
from minicnn.network.trace import locked
from minicnn.probe import asked
from minicnn.text import times

WHAT = "grad_cam"


@dataclass(frozen=True, eq=False)
class GradCam:
    """Where a map speaks for a class: `map` (h, w) of the node, `resized` (H, W) of the photo, `signed` before the ReLU."""

    node: str
    class_index: int
    score: float  # before softmax
    probability: float
    weights: np.ndarray  # α, one for each channel
    signed: np.ndarray
    map: np.ndarray
    resized: np.ndarray

    @property
    def strongest(self) -> tuple[int, int]:
        """The place (row, column) of the node's map that speaks most for the class."""
        row, column = np.unravel_index(int(np.argmax(self.map)), self.map.shape)
        return int(row), int(column)

    def __repr__(self) -> str:
        head = f"GradCam of class {self.class_index} at {self.node!r}: score {self.score:.4g}, probability {self.probability:.1%}"
        best = int(np.argmax(self.weights))
        return (
            f"{head}\n  {times(self.map.shape)} places, {np.count_nonzero(self.map)} of them for the class, most of all {self.strongest}"
            f"\n  {len(self.weights)} channels, the largest weight {self.weights[best]:.3g} on channel {best}"
        )


def grad_cam(net, trace, node: str | None = None, class_index: int | None = None) -> GradCam:
    """Return where a map speaks for a class, at its own size and at the photo's.

    α_k = mean_{i,j} ∂score/∂A[k,i,j];   map = ReLU(Σ_k α_k·A[k]);   resized = interpolate(map, (H, W), mode="bilinear").
    The node is the last with more than one place on the way to the scores where None, the class that of the largest score.

    >>> from minicnn import nn, trace
    >>> net = nn.Sequential(nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear.of(np.array([[1.0, -2.0], [4.0, 0.0]])))
    >>> x = np.array([[[[2.0, 0.0, 1.0]], [[0.0, 3.0, 0.0]]]])
    >>> grad_cam(net, trace(net, x), class_index=0).signed * 3      # Zhou's map: 1·channel 0 - 2·channel 1
    array([[ 2., -6.,  1.]])

    Raises ArgumentError, ShapeError, UnknownNameError; UnsupportedError for a fused network, which has no gradient.
    Source: Selvaraju et al. (2017).
    """
    net, photo = asked.photo_of(net, trace, WHAT)
    name = asked.scores_of(net, WHAT)
    scores = trace[name].data
    index = asked.class_of(scores, class_index, name, WHAT)
    node = last_map(net, trace, name) if node is None else node
    seen = asked.map_of(trace, node, WHAT)
    if node not in net.inputs and node.split(":")[0] not in asked.leading_to(net, name):
        raise ArgumentError(f"{WHAT}: the scores {name!r} do not depend on {node!r}; name a map on the way to them.")
    seed = asked.only(scores.shape, scores.dtype, 0, index)
    gradient = backward(net, trace, {name: seed}, wrt="inputs", maps=(node,))[0][node][0]
    weights = gradient.mean(axis=(1, 2), dtype=np.float64)
    signed = np.einsum("k,kij->ij", weights, seen.data[0], dtype=np.float64)
    small = np.maximum(signed, 0)
    large = F.interpolate(small[None, None], size=trace.shapes[photo][2:], mode="bilinear")[0, 0]
    chance = float(asked.probability(scores)[0, index])
    arrays = (locked(array) for array in (weights, signed, small, large))
    return GradCam(node, index, float(scores.reshape(-1)[index]), chance, *arrays)


def last_map(net, trace, name: str) -> str:
    """Return the last map with more than one place on the way to the scores."""
    for node in reversed(asked.leading_to(net, name).nodes):
        shape = trace.shapes[node.name]
        if len(shape) == 4 and shape[2] * shape[3] > 1:
            return node.name
    raise ArgumentError(
        f"{WHAT}: there is no map with more than one place before the scores {name!r}; name one: grad_cam(net, trace, node)."
    )
