"""Which question: what is every feature map of this network, on this input?

Idea: the same walk as net(x), but every map is kept and handed out, with its name, what it looks at
and statistics on demand.  Data comes from data, positions from shapes; the two never mix.  A hook is
called once per node with (node, inputs, output), all locked.

The trace is also what backward.py walks back over: with training=True layers behave as in training,
what their gradients need beside maps (winning indices, masks, batch statistics) is in `saved`, and new
running statistics are in `updates`, by the names of net.buffers().  No layer remembers anything.

The default accuracy is "exact": every number is a sum of the equation's own products.
Cost: the forward pass and the memory of all maps (keep="gradient": of those that a gradient needs);
statistics are one pass over a map, when asked for.
Next rooms: backward.py; functional/statistics.py for that pass, describe.py for what is known without data.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from minicnn import check
from minicnn.errors import ArgumentError, UnknownNameError, nearest
from minicnn.layers import BatchNorm2d, GroupNorm, LayerNorm
from minicnn.network.describe import Description, describe
from minicnn.network.featuremap import FeatureMap
from minicnn.network.graph import Network, as_network, bind_inputs
from minicnn.network.node import Node, first_nodes, gradient_keeps, one_image, result_names, results_of, results_saving
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
    dtype: np.dtype
    training: bool
    shapes: dict[str, tuple[int, ...]]  # of every map, kept or not
    saved: dict[str, object]  # by node: what its gradient needs beside maps
    updates: dict[str, np.ndarray]  # by buffer: the new running statistics

    description = property(lambda self: self.describing())

    def __contains__(self, name) -> bool:
        return isinstance(name, str) and name in self.maps

    def __getitem__(self, name: str) -> FeatureMap:
        if name not in self:
            if name in self.shapes:
                raise UnknownNameError(
                    f"trace: the map {name!r} was let go, since keep='gradient' keeps what a gradient needs; trace(net, x) keeps every map."
                )
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

    def _repr_html_(self) -> str:
        from minicnn.network.notebook import trace_html  # only a notebook pays for it

        return trace_html(self)


Hook = Callable[[Node, tuple[np.ndarray, ...], np.ndarray], None]


KEEP = ("all", "gradient")
NORMALIZATIONS = (BatchNorm2d, GroupNorm, LayerNorm)


def trace(
    net: Network,
    *inputs: np.ndarray,
    hooks: Hook | Mapping[str, Hook] | None = None,
    accuracy: str = "exact",
    training: bool = False,
    rng: "np.random.Generator | None" = None,
    keep: str = "all",
) -> Trace:
    """Run a network and return every feature map.

    `hooks` is a function of (node, inputs, output), called for every node, or a mapping from node
    names to such functions.  An image (C, H, W) is taken as a batch of one, and maps keep that axis.
    With training=True batch norm uses the batch's statistics and dropout drops, drawing from `rng`;
    keep="gradient" lets go of the maps that no gradient needs.

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
    training, keep = check.flag(training, "training", "trace"), check.one_of(keep, "keep", "trace", KEEP)
    bound, unbatched = bind_inputs(net, inputs)
    walk = _Walk(net, {name: locked(x.copy()) for name, x in bound.items()})  # the giver may change his; the trace stays as it was
    with one_image(unbatched):
        for node in net.nodes:
            walk.step(node, accuracy, training, keep, rng)
            hook = hook_of(node.name)
            if hook is not None:
                hook(node, tuple(walk.arrays[name] for name in node.inputs), walk.arrays[node.name])
            if keep == "gradient":
                walk.let_go(node)
    kinds, describing = _kinds(net), _Describing(net, {name: walk.shapes[name] for name in net.inputs}, walk.dtype)
    nodes = {node.name: node for node in net.nodes}
    found = {
        name: FeatureMap(name, nodes.get(name.split(":")[0]), array, kinds.get(name, "other"), describing)
        for name, array in walk.arrays.items()
    }
    return Trace(net, found, describing, walk.dtype, training, walk.shapes, walk.saved, walk.updates)


class _Walk:
    """What has been computed so far on the way through a network."""

    def __init__(self, net: Network, arrays: dict[str, np.ndarray]):
        self.arrays, self.saved, self.updates = arrays, {}, {}
        self.shapes = {name: array.shape for name, array in arrays.items()}
        self.dtype = arrays[net.inputs[0]].dtype
        self.first, self.latest = first_nodes(net), {}
        self.needed = gradient_keeps(net) | set(net.outputs)
        self.last_use = {name: node.name for node in net.nodes for name in node.inputs}

    def step(self, node: Node, accuracy: str, training: bool, keep: str, rng) -> None:
        """Compute one node from what is there."""
        arguments = [self.arrays[name] for name in node.inputs]
        if training or keep == "gradient":
            layer = self.latest.get(id(node.layer), node.layer)  # a second use of a batch norm goes on from the first one's statistics
            results, saved, new = results_saving(node, layer, arguments, accuracy, training, rng)
            if saved is not None:
                self.saved[node.name] = saved
            if new:
                self.latest[id(node.layer)] = layer.with_(**new)
                self.updates.update({f"{self.first[id(node.layer)]}.{name}": locked(array) for name, array in new.items()})
        else:
            results = results_of(node, arguments, accuracy)
        self.arrays.update({name: locked(array) for name, array in results.items()})
        self.shapes.update({name: array.shape for name, array in results.items()})

    def let_go(self, node: Node) -> None:
        """Drop the maps that were used for the last time and that no gradient needs."""
        for name in {*node.inputs, *result_names(node)}:
            if name not in self.needed and self.last_use.get(name, node.name) == node.name:
                del self.arrays[name]


def locked(array: np.ndarray) -> np.ndarray:
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
    """Say of each map whether it goes into an activation or comes out of one (a normalization in between does not count)."""
    kinds = dict.fromkeys(net.inputs, "input")
    for node in reversed(net.nodes):
        if node.layer.is_activation or node.layer.activation is not None:
            kinds[node.name] = "activation"
        first = node.inputs[0]
        passes_on = isinstance(node.layer, NORMALIZATIONS) and kinds.get(node.name) == "pre-activation"
        if first not in kinds and (node.layer.is_activation or passes_on):
            kinds[first] = "pre-activation"
    return kinds
