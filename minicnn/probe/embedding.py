"""Which question: what is a photo to a network, as one row of numbers, and which photos are near to each other?

Idea: what stands before the last linear layer has been made so that classes lie apart; there, nearness means likeness.
Maps become a row by their mean over rows and columns (global average pooling); nearness is the cosine of the angle,

    cos(a, b) = a·b / (|a|·|b|)

Cost: one forward pass per photo, as far as the node; neighbours are one matrix product.
What it does not do: index millions of rows; draw them in two dimensions.
Source: Krizhevsky, Sutskever, Hinton (2012), section 6.1, for neighbours among last features; Lin, Chen, Yan, "Network in Network"
(2014), section 3.2, for the pooling.
Next room: top_patches.py.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minicnn import check
from minicnn.errors import ArgumentError, ShapeError, UnknownNameError
from minicnn.errors import nearest as nearest_name
from minicnn.layers import Linear
from minicnn.network.graph import as_network
from minicnn.network.trace import locked
from minicnn.probe import asked
from minicnn.probe.top_patches import batches
from minicnn.text import times

WHAT = "embedding"


@dataclass(frozen=True, eq=False)
class Embedding:
    """Photos as rows of numbers: `rows` (N, D), taken at `node`."""

    node: str
    rows: np.ndarray
    normalized: bool

    def __len__(self) -> int:
        return len(self.rows)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.rows, dtype=dtype) if copy or dtype not in (None, self.rows.dtype) else self.rows

    def __repr__(self) -> str:
        lengths = np.linalg.norm(self.rows.astype(np.float64), axis=1)
        head = f"Embedding of {len(self)} photos at {self.node!r}: {self.rows.shape[1]:,} numbers each, {self.rows.dtype}"
        return f"{head}\n  length {lengths.min():.4g} … {lengths.max():.4g}, {np.mean(self.rows == 0):.1%} zeros"


class Neighbours(NamedTuple):
    """The nearest rows to each query, nearest first: their numbers and cosines, both (M, k)."""

    indices: np.ndarray
    cosines: np.ndarray


def embedding(net, x, node: str | None = None, *, normalize: bool = False) -> Embedding:
    """Return photos as rows of numbers: a node's features, averaged over rows and columns.

    row[n, c] = mean_{h,w} map[n, c, h, w], or the map itself where it is (N, D); with normalize=True divided by its length.
    The node is the input of the last Linear where None, or the last map where the network has none.
    x: (N, C, H, W) or (C, H, W), or anything that hands out such arrays.

    >>> from minicnn import nn
    >>> net = nn.Sequential(nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear.of(np.ones((2, 2))))
    >>> embedding(net, np.array([[[[3.0, 3.0]], [[8.0, 0.0]]]]), normalize=True).rows
    array([[0.6, 0.8]])

    Raises ArgumentError, ShapeError, DTypeError, UnknownNameError.
    Source: Krizhevsky, Sutskever, Hinton (2012), section 6.1; Lin, Chen, Yan (2014), section 3.2.
    """
    net = as_network(net, WHAT)
    asked.one_input(net, WHAT)
    normalize = check.flag(normalize, "normalize", WHAT)
    node = _features(net) if node is None else node
    if node not in net and node not in net.inputs:
        raise UnknownNameError(f"{WHAT}: there is no map {node!r}.{nearest_name(str(node), [*net.inputs, *(each.name for each in net)])}")
    front = asked.leading_to(net, node)
    parts = [_averaged(front(batch, accuracy="exact"), node) for batch in batches(x, WHAT)]
    if not sum(map(len, parts)):
        raise ArgumentError(f"{WHAT}: at least one photo is needed, but none came.")
    rows = np.concatenate(parts)
    return Embedding(node, locked(_unit(rows).astype(rows.dtype) if normalize else rows), normalize)


def _features(net) -> str:
    """Return the map whose features are meant: what the last Linear takes, or the last map."""
    return next((node.inputs[0] for node in reversed(net.nodes) if isinstance(node.layer, Linear)), net.outputs[0])


def _averaged(maps: np.ndarray, node: str) -> np.ndarray:
    if maps.ndim == 4:
        return maps.mean(axis=(2, 3), dtype=np.float64).astype(maps.dtype)
    if maps.ndim != 2:
        raise ShapeError(f"{WHAT}: features are a map (N, C, H, W) or rows (N, D), but {node!r} is {times(maps.shape)}; name another node.")
    return maps


def _unit(rows: np.ndarray) -> np.ndarray:
    """Return rows of length 1, in float64; a row of zeros stays one."""
    rows = rows.astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1.0)


def neighbours(embeddings, query, k: int = 5) -> Neighbours:
    """Return which rows are nearest to each query by the angle between them, nearest first.

    cos = a·b / (|a|·|b|), 0 where a row is all zeros; equals go by number.  embeddings: (N, D) or an Embedding; query: a row
    (D,), several (M, D), or an Embedding; k: at most N.

    >>> found = neighbours(np.array([[1.0, 0.0], [3.0, 4.0], [0.0, 2.0]]), np.array([0.0, 1.0]), k=2)
    >>> found.indices, found.cosines
    (array([[2, 1]]), array([[1. , 0.8]]))

    Raises ArgumentError, ShapeError, DTypeError.  Source: Krizhevsky, Sutskever, Hinton (2012), section 6.1.
    """
    what = "neighbours"
    rows, asking = (
        each.rows if isinstance(each, Embedding) else check.float_array(each, name, what)
        for each, name in ((embeddings, "embeddings"), (query, "query"))
    )
    asking = asking[None] if asking.ndim == 1 else asking
    if rows.ndim != 2 or asking.ndim != 2 or rows.shape[1] != asking.shape[1]:
        raise ShapeError(
            f"{what}: embeddings are (N, D) and a query has as many numbers, (D,) or (M, D), but they are {rows.shape} and "
            f"{asking.shape}; take both at one node."
        )
    if check.integer(k, "k", what, 1) > len(rows):
        raise ArgumentError(f"{what}: k is at most the number of embeddings, {len(rows)}, but it is {k}.")
    cosines = _unit(asking) @ _unit(rows).T
    indices = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
    return Neighbours(indices, np.take_along_axis(cosines, indices, axis=1))
