"""PyTorch's namespace, filled with our layers: `from minicnn import nn`, then nn.Conv2d, nn.Sequential, …

Nothing is defined here; layers/ and network/ are the rooms.
"""

from minicnn.layers import *  # noqa: F403
from minicnn.layers import __all__ as _layers
from minicnn.network import Graph, Network, Node, Sequential

__all__ = [*_layers, "Graph", "Network", "Node", "Sequential"]
