"""Which question: which pixels would change the score of a class most, if they changed a little?

Idea: the gradient of the score by the photo, one walk back.  A pixel counts by its strongest colour:

    saliency[h, w] = max_c |∂score / ∂x[c, h, w]|

The score is the class's number before softmax, since a probability also rises where another class falls.  Guided
backpropagation lets a gradient through a ReLU only where it is positive too: clearer pictures, which say less of the
class, since they are near to an edge detector's.

Cost: about two forward passes less the gradients of parameters.
What it does not do: say what the score rests on; where the network is saturated, important pixels have no gradient.
Source: Simonyan, Vedaldi, Zisserman, "Deep Inside Convolutional Networks" (2014), section 3; Springenberg et al., "Striving for
Simplicity" (2015), section 3.4; Adebayo et al., "Sanity Checks for Saliency Maps" (2018), for the caution.
Next rooms: grad_cam.py, deconvnet.py.
"""

from dataclasses import dataclass

import numpy as np

from minicnn import check
from minicnn.errors import ArgumentError
from minicnn.network import backward
from minicnn.network.trace import locked
from minicnn.probe import asked

WHAT = "saliency"


@dataclass(frozen=True, eq=False)
class Saliency:
    """How strongly each pixel acts on a class's score: `map` (H, W), from `gradient` (C, H, W)."""

    class_index: int
    score: float  # before softmax
    probability: float
    gradient: np.ndarray
    map: np.ndarray
    guided: bool

    @property
    def strongest(self) -> tuple[int, int]:
        """The pixel (row, column) that acts most."""
        row, column = np.unravel_index(int(np.argmax(self.map)), self.map.shape)
        return int(row), int(column)

    def __repr__(self) -> str:
        how = "guided backpropagation" if self.guided else "gradient"
        head = f"Saliency of class {self.class_index} ({how}): score {self.score:.4g}, probability {self.probability:.1%}"
        return f"{head}\n  max_c |∂score/∂x| is {self.map.max():.3g} at most, at pixel {self.strongest}, {self.map.mean():.3g} on average"


def saliency(net, trace, class_index: int | None = None, *, guided: bool = False) -> Saliency:
    """Return how strongly each pixel of a photo acts on the score of a class.

    saliency[h, w] = max_c |∂score/∂x[c, h, w]|, the score before softmax;  with guided=True each ReLU (and ReLU6) passes
    max(g, 0)·∂relu in place of g·∂relu.  The class is the one of the largest score where None.

    >>> from minicnn import nn, trace
    >>> net = nn.Sequential(nn.Conv2d.of(np.array([[[[2.0]], [[-5.0]]]])), nn.Flatten(), nn.Linear.of(np.array([[1.0, 3.0]])))
    >>> found = saliency(net, trace(net, np.ones((1, 2, 1, 2))), 0)
    >>> found.map                                   # |2| and |-5|, times the weight behind them
    array([[ 5., 15.]])
    >>> found.strongest, found.score
    ((0, 1), -12.0)

    Raises ArgumentError, ShapeError, UnknownNameError; UnsupportedError for a fused network, which has no gradient.
    Source: Simonyan, Vedaldi, Zisserman (2014); Springenberg et al. (2015).
    """
    net, photo = asked.photo_of(net, trace, WHAT)
    guided = check.flag(guided, "guided", WHAT)
    name = asked.scores_of(net, WHAT)
    scores = trace[name].data
    index = asked.class_of(scores, class_index, name, WHAT)
    rules = dict.fromkeys(asked.rectifiers_of(net), _guided) if guided else None
    if guided and not rules:
        raise ArgumentError(f"{WHAT}: guided backpropagation changes what ReLU passes back, but this network has none; use guided=False.")
    seed = asked.only(scores.shape, scores.dtype, 0, index)
    gradient = backward(net, trace, {name: seed}, rules, wrt="inputs")[0][photo][0]
    chance = float(asked.probability(scores)[0, index])
    return Saliency(index, float(scores.reshape(-1)[index]), chance, gradient, locked(np.abs(gradient).max(axis=0)), guided)


def _guided(layer, grad, passage):
    """Let a gradient through where the ReLU did and where it is positive."""
    return layer.backward((np.maximum(grad, 0),), passage)[0][0]
