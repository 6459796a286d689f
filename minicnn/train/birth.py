"""Which question: the loss is no finite number; where was that born?

Idea: the same batch goes through once more with every map kept, and the first thing in the order of
computing that is not finite while all before it is, is the place: the input, a parameter (which the step
before must have spoiled), a node, or the loss itself.
Cost: one forward pass, only when it happened.
"""

import numpy as np

from minicnn.network import Network, trace
from minicnn.text import times


def birthplace(net: Network, x, rng=None, *, training: bool = True) -> str:
    """Return in words where the first number that is not finite came from.

    >>> from minicnn import nn
    >>> birthplace(nn.Sequential(nn.Linear.of(np.full((1, 2), 3e38, np.float32))), np.full((1, 2), 2, np.float32))
    "it was born in node 'linear1', whose output (1×1) holds 1 number that is not finite while its inputs and parameters are finite"
    """
    if bad := _not_finite(x):
        return f"it came with the data: the batch holds {_numbers(bad)}"
    for name, array in {**net.parameters(), **net.buffers()}.items():
        if bad := _not_finite(array):
            return f"it was born in the step before, which left {_numbers(bad)} in {name!r} ({times(array.shape)})"
    for found in trace(net, x, training=training, rng=rng):
        if found.node is not None and found.dtype.kind == "f" and (bad := _not_finite(found.data)):
            place = f"node {found.node.name!r}, whose output ({times(found.shape)}) holds {_numbers(bad)}"
            return f"it was born in {place} while its inputs and parameters are finite"
    return "it was born in the loss itself: every map of the network is finite"


def _not_finite(array) -> int:
    return int(array.size - np.isfinite(array).sum())


def _numbers(count: int) -> str:
    return f"{count:,} number{'s' * (count != 1)} that {'is' if count == 1 else 'are'} not finite"
