"""Which question: what is every feature map of this network, on this input?

Idea: the same walk as net(x), but every map is kept and handed out, with its name, what it looks at
and statistics on demand.  Data comes from data, positions from shapes; the two never mix.  A hook is
called once per node with (node, inputs, output), all locked.

The default accuracy is "exact": every number is a sum of the equation's own products.
Cost: the forward pass and the memory of all maps; statistics are one pass over a map, when asked for.
Next room: functional/statistics.py for that pass, describe.py for what is known without data.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from minicnn.errors import ArgumentError, UnknownNameError, nearest
from minicnn.layers import BatchNorm2d
from minicnn.network.describe import Description, describe
from minicnn.network.featuremap import FeatureMap
from minicnn.network.graph import Network, as_network, bind_inputs
from minicnn.network.node import Node, one_image, results_of
from minicnn.text import count, table


@dataclass(frozen=True, eq=False)
class Trace:
    """Every feature map of one forward pass, by node name; print it, index it, or walk over it.

    >>> from minicnn import nn
    >>> t = trace(nn.ReLU(), np.ones((1, 2, 3, 4), np.float32))
    >>> [m.name for m in t], "relu1" in t, t.nbytes
    (['x', 'relu1'], True, 192)
    """

    net: Network
    maps: dict[str, FeatureMap]
    describing: Callable[[], Description]

    description = property(lambda self: self.describing())

    def __contains__(self, name) -> bool:
        return isinstance(name, str) and name in self.maps

    def __getitem__(self, name: str) -> FeatureMap:
        if name not in self:
            raise UnknownNameError(f"trace: there is no map {name!r}.{nearest(str(name), self.maps)}")
        return self.maps[name]

    def __iter__(self) -> Iterator[FeatureMap]:
        return iter(self.maps.values())

    def __len__(self) -> int:
        return len(self.maps)

    @property
    def outputs(self) -> tuple[np.ndarray, ...]:
        """The data of the network's outputs, in order."""
        return tuple(self.maps[name].data for name in self.net.outputs)

    nbytes = property(lambda self: sum(m.nbytes for m in self))

    def __repr__(self) -> str:
        head = ("map", "kind", "shape", "mean", "std", "min", "max", "zeros", "dead")
        rows = []
        for m in self:
            s = m.statistics
            numbers = [f"{value:.3g}" for value in (s.mean, s.std, s.min, s.max)]
            rows.append((m.name, m.kind, "×".join(map(str, m.shape)), *numbers, f"{s.zeros:.0%}", str(len(s.dead_channels) or "")))
        return table(head, rows, ("total", "", count(self.nbytes, "B"), "", "", "", "", "", ""), align="lllrrrrrr")


Hook = Callable[[Node, tuple[np.ndarray, ...], np.ndarray], None]


def trace(net: Network, *inputs: np.ndarray, hooks: Hook | Mapping[str, Hook] | None = None, accuracy: str = "exact") -> Trace:
    """Run a network and return every feature map.

    `hooks` is a function of (node, inputs, output), called for every node, or a mapping from node
    names to such functions.  An image (C, H, W) is taken as a batch of one, and maps keep that axis.

    >>> from minicnn import nn
    >>> net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())
    >>> t = trace(net, np.ones((1, 3, 6, 8), np.float32), hooks={"conv1": lambda node, inputs, output: print(output.shape)})
    (1, 8, 4, 6)
    >>> t["conv1"].kind, t["relu1"].field.size
    ('pre-activation', (3, 3))

    Raises UnknownNameError for a hook on a node that does not exist, and what the layers raise.
    """
    net = as_network(net, "trace")
    hook_of = _hooks(net, hooks)
    bound, unbatched = bind_inputs(net, inputs)
    arrays = {name: _locked(x.copy()) for name, x in bound.items()}  # the giver may change his; the trace stays as it was
    with one_image(unbatched):
        for node in net.nodes:
            results = results_of(node, [arrays[name] for name in node.inputs], accuracy)
            arrays.update({name: _locked(array) for name, array in results.items()})
            hook = hook_of(node.name)
            if hook is not None:
                hook(node, tuple(arrays[name] for name in node.inputs), arrays[node.name])
    kinds, describing = _kinds(net), _Describing(net, {name: arrays[name].shape for name in net.inputs}, arrays[net.inputs[0]].dtype)
    nodes = {node.name: node for node in net.nodes}
    found = {
        name: FeatureMap(name, nodes.get(name.split(":")[0]), array, kinds.get(name, "other"), describing) for name, array in arrays.items()
    }
    return Trace(net, found, describing)


def _locked(array: np.ndarray) -> np.ndarray:
    """Return a view of memory that is locked too, so that the view cannot be unlocked."""
    array.flags.writeable = False
    return array.view()


class _Describing:
    """The description of a trace, made when it is first asked for."""

    def __init__(self, net: Network, shapes: dict, dtype):
        self._arguments = net, shapes, dtype

    def __call__(self) -> Description:
        return self._description

    @functools.cached_property
    def _description(self) -> Description:
        net, shapes, dtype = self._arguments
        return describe(net, shapes, dtype=dtype)


def _hooks(net: Network, hooks):
    if hooks is None:
        return lambda name: None
    if isinstance(hooks, Mapping):
        for name, hook in hooks.items():
            net.node(name)
            if not callable(hook):
                raise ArgumentError(f"trace: the hook of {name!r} must be a function of (node, inputs, output), but it is {hook!r}.")
        return hooks.get
    if not callable(hooks):
        raise ArgumentError(
            f"trace: hooks is a function of (node, inputs, output), or a mapping from node names to such, but it is {hooks!r}."
        )
    return lambda name: hooks


def _kinds(net: Network) -> dict[str, str]:
    """Say of each map whether it goes into an activation or comes out of one (batch norm in between does not count)."""
    kinds = dict.fromkeys(net.inputs, "input")
    for node in reversed(net.nodes):
        if node.layer.is_activation:
            kinds[node.name] = "activation"
        first = node.inputs[0]
        passes_on = isinstance(node.layer, BatchNorm2d) and kinds.get(node.name) == "pre-activation"
        if first not in kinds and (node.layer.is_activation or passes_on):
            kinds[first] = "pre-activation"
    return kinds
