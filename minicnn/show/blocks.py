"""Which question: which row of stages stands for a network, and where does it branch?

Idea: people name the nodes of a block alike, block3.expand.conv, block3.project.bn: nodes that follow each other and share their
name up to a dot are one stage, up to the first dot that leaves them few enough to look at.  Where names say nothing, a stage
goes on as long as each node is fed by the one before and by nothing else, and the resolution stays.
Edges are those of the nodes; a stage's column is the longest way that leads to it, its lane the first that is free, its feeder's before others.

Cost: O(nodes).  What it does not do: find what an author meant.  Source: the layered drawing of Sugiyama, Tagawa, Toda (1981), first step.
Next room: payload.py.
"""

import re
from itertools import groupby, pairwise

from minicnn.network import Description, Network, Node
from minicnn.network.geometry import grid
from minicnn.network.node import source

MOST = 12  # nodes of a stage whose names tell it apart
Run = tuple[str, list[Node]]


def blocks(description: Description) -> tuple[list[dict], list[list[int]]]:
    """Return the stages of a network, inputs first, and the edges between them as pairs of their places.

    >>> from minicnn import describe, nn
    >>> net = nn.Sequential(("stem.conv", nn.Conv2d(3, 4, 3)), ("stem.relu", nn.ReLU()), ("pool", nn.MaxPool2d(2)))
    >>> found, edges = blocks(describe(net, (3, 8, 9)))
    >>> [(stage["name"], stage["nodes"]) for stage in found], edges
    ([('x', ['x']), ('stem', ['stem.conv', 'stem.relu']), ('pool', ['pool'])], [[0, 1], [1, 2]])
    """
    net = description.net
    runs = [part for name, nodes in _alike(list(net.nodes), 1) for part in _parts(name, nodes, description)]
    stages = [{"name": name, "nodes": [name]} for name in net.inputs]
    stages += [{"name": name, "nodes": [node.name for node in nodes]} for name, nodes in runs]
    place = {name: number for number, stage in enumerate(stages) for name in stage["nodes"]}
    edges = {(place[source(feeder)], place[node.name]): None for node in net.nodes for feeder in node.inputs}
    edges = [edge for edge in edges if edge[0] != edge[1]]
    _lay_out(stages, edges)
    return stages, [list(edge) for edge in edges]


def _alike(nodes: list[Node], depth: int) -> list[Run]:
    """Return runs of nodes whose names agree up to separator number `depth`; those that have none are runs without a name."""
    runs: list[Run] = []
    for prefix, group in groupby(nodes, key=lambda node: _prefix(node.name, depth)):
        members = list(group)
        if prefix is not None and len(members) > MOST and any(_prefix(node.name, depth + 1) for node in members):
            runs += _alike(members, depth + 1)
        else:
            runs.append((prefix or "", members))
    return runs


def _prefix(name: str, depth: int) -> str | None:
    """Return a name up to one of its separators.

    >>> _prefix("layer1.0.conv1", 2), _prefix("conv1", 1), _prefix("/stem/Conv", 2)
    ('layer1.0', None, '/stem')
    """
    ends = [found.start() for found in re.finditer(r"[./]", name)]
    return name[: ends[depth - 1]] if len(ends) >= depth else None


def _parts(name: str, nodes: list[Node], description: Description) -> list[Run]:
    """Return a run as it is, or where it has no name or is too long cut where it branches or its resolution changes."""
    return [(name, nodes)] if name and len(nodes) <= MOST else _chains(nodes, description)


def _chains(nodes: list[Node], description: Description) -> list[Run]:
    readers = _readers(description.net)
    runs, own = [], [nodes[0]]
    for before, node in pairwise(nodes):
        joined = node.inputs == (before.name,) and readers[before.name] == 1
        same = grid(description.shapes[node.name]) == grid(description.shapes[before.name])
        if joined and same and len(own) < MOST:
            own.append(node)
        else:
            runs.append(own)
            own = [node]
    return [(_span(run), run) for run in [*runs, own]]


def _span(nodes: list[Node]) -> str:
    return nodes[0].name if len(nodes) == 1 else f"{nodes[0].name} … {nodes[-1].name}"


def _readers(net: Network) -> dict[str, int]:
    """Return how many nodes read each node, the network's own readers counted."""
    readers = dict.fromkeys((*net.inputs, *(node.name for node in net.nodes)), 0)
    for name in (*(source(feeder) for node in net.nodes for feeder in node.inputs), *(source(name) for name in net.outputs)):
        readers[name] += 1
    return readers


def _lay_out(stages: list[dict], edges: list[tuple[int, int]]) -> None:
    """Give every stage its column and lane; edges lead from earlier stages to later ones."""
    feeders: dict[int, list[int]] = {number: [] for number in range(len(stages))}
    for start, end in edges:
        feeders[end].append(start)
    taken: set[tuple[int, int]] = set()
    for number, stage in enumerate(stages):
        column = 1 + max((stages[feeder]["column"] for feeder in feeders[number]), default=-1)
        wished = min((stages[feeder]["lane"] for feeder in feeders[number]), default=0)
        free = (lane for lane in (wished, *range(len(stages))) if (column, lane) not in taken)
        stage |= {"column": column, "lane": next(free)}
        taken.add((column, stage["lane"]))
