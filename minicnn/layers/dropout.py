"""Which question: what does dropout hold, and what does it answer?

A probability and nothing else.  Called, it is its input, in memory of its own; in training it draws a
mask from the `rng` that the trace was given, and the mask is what its gradient goes through again.
Source: Srivastava et al., "Dropout" (2014); PyTorch's Dropout.
"""

from math import prod

from minicnn import check
from minicnn.functional.dropout import dropout, dropout_backward, probability
from minicnn.layers.base import Layer


class Dropout(Layer):
    """Dropout: in trace(net, x, training=True, rng=…) y = x · mask / (1 - p), mask True with probability 1 - p; else y = x.

    `inplace` is PyTorch's, so that its models can be pasted; nothing here is ever changed in place.

    >>> import numpy as np
    >>> from minicnn import trace
    >>> x = np.ones((1, 6), np.float32)
    >>> Dropout(0.5)(x).tolist(), trace(Dropout(0.5), x, training=True, rng=np.random.default_rng(0)).outputs[0].tolist()
    ([[1.0, 1.0, 1.0, 1.0, 1.0, 1.0]], [[2.0, 2.0, 2.0, 0.0, 0.0, 0.0]])

    Raises DTypeError, ArgumentError.  Source: PyTorch's Dropout; Srivastava et al. (2014).
    """

    kind = "dropout"

    def __init__(self, p: float = 0.5, inplace: bool = False):
        check.flag(inplace, "inplace", "Dropout", "data goes into the layer, not into its constructor: nn.Dropout()(x)")
        self._set(p=probability(p, "Dropout"))

    def fields(self) -> dict:
        return {"p": self.p}

    def forward(self, x, *, accuracy: str = "fast"):
        return dropout(x, self.p, training=False)

    def forward_saving(self, x, *, accuracy: str, training: bool, rng):
        y, mask = dropout(x, self.p, training, rng=rng, return_mask=True)
        return y, mask, {}

    def backward(self, grads, passage):
        return (dropout_backward(grads[0], passage.saved, self.p) if passage.needs[0] else None,), {}

    def saved_bytes(self, shape, itemsize: int = 4) -> int:
        return prod(shape)  # the mask, a byte for each number

    def describe_arguments(self) -> str:
        return f"{self.p}"
