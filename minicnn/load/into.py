"""Which question: how do the arrays of a file come into a network?

Idea: by name.  The network says which names and shapes it wants, the file what it has, and all
differences are listed at once, so that one look tells a renamed layer from another architecture.

    net + {"conv1.weight": array, …} ─► another network, which holds these numbers

Cost: reading the file, and one copy of each array.
Does not do: rename, cut or guess; rename the keys of load.weights(path) and pass the mapping.
Source: PyTorch's Module.load_state_dict(strict=True), which lists the same.  Next room: models.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from minicnn.errors import ArgumentError, MinicnnError
from minicnn.load.weightfile import read_weights
from minicnn.network import Network

WHAT = "load.load_weights"


def load_weights(net: Network, weights) -> Network:
    """Return another network that holds these weights; `weights` is a path or a mapping from names to arrays.

    All parameters must be there, under the names and with the shapes of net.parameters(). Buffers
    (running statistics) that are not there stay as they are, where the network has numbers for them.

    Raises WeightsError that lists what is missing, what is left over and what has another shape;
    FileFormatError for a file that cannot be read; ArgumentError for something else than a network.
    Source: PyTorch's load_state_dict(strict=True), without changing the network it is given.

    >>> from minicnn import nn
    >>> net = nn.Sequential(nn.Conv2d(1, 2, 3))
    >>> try:
    ...     load_weights(net, {"conv.weight": net["conv1"].weight, "conv1.bias": net["conv1"].bias})
    ... except MinicnnError as error:
    ...     print(str(error).split(": ", 2)[2])
    the weights must fit its 2 arrays, but 0 have another shape, 1 are missing and 1 are left over; net.parameters() and net.buffers() list what it wants:
      missing: conv1.weight (2, 1, 3, 3)
      left over: conv.weight (2, 1, 3, 3)
    """
    if not isinstance(net, Network):
        raise ArgumentError(f"{WHAT}: net is a network, but it is a {type(net).__name__}; the network comes first, then the weights.")
    if not isinstance(weights, str | os.PathLike | Mapping):
        raise ArgumentError(f"{WHAT}: weights is a path or a mapping from names to arrays, but it is a {type(weights).__name__}.")
    source = "the mapping" if isinstance(weights, Mapping) else Path(weights).name
    arrays = weights if isinstance(weights, Mapping) else read_weights(weights, None, WHAT, stacklevel=3)
    try:
        return net.with_parameters(arrays)
    except MinicnnError as error:
        raise type(error)(f"{WHAT}: {source}: {str(error).removeprefix('network: ')}") from None
