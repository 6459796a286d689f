"""Which question: how good are the answers of a network on a data set?

Idea: the mean loss and, where outputs are scores of classes and targets are labels, the share of labels that
the largest score names.  Positions of a dense task (N, H, W) are counted one by one; those that are to be
ignored are not.  Where a share has no meaning there is none.
Cost: one forward pass over the set, a batch at a time.
"""

import numpy as np

from minicnn import check
from minicnn.network import Network
from minicnn.network.graph import as_network
from minicnn.train.data import IGNORED, are_labels, data_set
from minicnn.train.step import Loss, loss_function, loss_value


def evaluate(net: Network, data, *, loss: str | Loss = "cross_entropy", batch_size: int = 64) -> dict[str, float]:
    """Return the mean loss over a data set and, for labels, the share that the largest output names.

    >>> from minicnn import nn
    >>> evaluate(nn.Linear.of(np.array([[1.0], [-1.0]])), (np.array([[5.0], [-5.0]]), np.array([0, 1])))["accuracy"]
    1.0

    Raises ShapeError, DTypeError, ArgumentError.  Source: Goodfellow, Bengio, Courville (2016), section 5.1.2.
    """
    net, call = as_network(net, "evaluate"), loss_function(loss, "evaluate")
    batch_size = check.integer(batch_size, "batch_size", "evaluate", 1)
    images, targets = data_set(data, "data", "evaluate")
    tally = Tally()
    for start in range(0, len(images), batch_size):
        outputs, batch = net(images[start : start + batch_size]), targets[start : start + batch_size]
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        tally.add(loss_value(call, outputs, batch)[0], outputs, batch)
    return tally.result()


class Tally:
    """A running mean of losses, and of right answers where those can be told.

    >>> tally = Tally()
    >>> tally.add(0.5, (np.array([[1.0, 2.0], [4.0, 3.0]]),), np.array([1, 1]))
    >>> tally.result()
    {'loss': 0.5, 'accuracy': 0.5}
    """

    def __init__(self):
        self.loss, self.right, self.counted, self.weight = 0.0, 0, 0, 0
        self.told = True

    def add(self, value: float, outputs: tuple, targets: np.ndarray) -> None:
        """Add a batch."""
        answers = right_answers(outputs, targets)
        self.told = self.told and answers is not None
        right, counted = answers or (0, len(targets))
        self.right, self.counted = self.right + right, self.counted + counted
        if counted:  # a mean over nothing says nothing
            self.loss, self.weight = self.loss + value * counted, self.weight + counted

    def result(self) -> dict[str, float]:
        """Return {"loss": …} and, where every batch could be told, "accuracy"."""
        found = {"loss": self.loss / max(self.weight, 1)}
        return {**found, "accuracy": self.right / max(self.counted, 1)} if self.told else found


def right_answers(outputs: tuple, targets: np.ndarray) -> tuple[int, int] | None:
    """Return (right, counted) labels, or None where outputs are no scores of classes (N, K, …) or targets no labels (N, …).

    >>> right_answers((np.array([[1.0, 2.0], [4.0, 3.0]]),), np.array([1, -100]))
    (1, 1)
    >>> right_answers((np.array([[1.0], [4.0]]),), np.array([1, 0]))       # one number an image: what is right is the loss's to say
    """
    scores = outputs[0]
    if len(outputs) != 1 or not are_labels(targets) or scores.ndim < 2 or scores.shape[1] < 2:
        return None
    if targets.shape != (scores.shape[0], *scores.shape[2:]):
        return None
    counted = targets != IGNORED
    return int((scores.argmax(axis=1) == targets)[counted].sum()), int(counted.sum())
