"""Networks: named layers with the names of their inputs, and what can be asked of them.

node.py, shapes.py and geometry.py are about nodes and positions; graph.py holds Network and
Sequential; build.py draws branches; describe.py answers from shapes alone; trace.py runs and hands
out every feature map; backward.py walks a trace back to gradients; fuse.py joins nodes once training is over;
on_device.py runs a network on a GPU.
"""

from minicnn.network.backward import backward
from minicnn.network.build import Graph
from minicnn.network.describe import Description, NodeFacts, describe
from minicnn.network.featuremap import FeatureMap
from minicnn.network.fuse import fuse
from minicnn.network.graph import Network, Sequential
from minicnn.network.node import Node
from minicnn.network.on_device import DeviceNetwork, to_device
from minicnn.network.trace import Trace, trace

__all__ = [
    "Description",
    "DeviceNetwork",
    "FeatureMap",
    "Graph",
    "Network",
    "Node",
    "NodeFacts",
    "Sequential",
    "Trace",
    "backward",
    "describe",
    "fuse",
    "to_device",
    "trace",
]
