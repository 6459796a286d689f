"""Networks: named layers with the names of their inputs, and what can be asked of them.

graph.py holds Node, Network and Sequential; build.py draws branches; describe.py answers from
shapes alone; geometry.py follows pixels; trace.py runs and hands out every feature map.
"""

from minicnn.network.build import Graph
from minicnn.network.describe import Description, NodeFacts, describe
from minicnn.network.graph import Network, Node, Sequential
from minicnn.network.trace import FeatureMap, Trace, trace

__all__ = ["Description", "FeatureMap", "Graph", "Network", "Node", "NodeFacts", "Sequential", "Trace", "describe", "trace"]
