"""Which question: what is a network, and what comes out of it?

A network is a list of nodes in the order in which they are computed.  A node is a name, a layer and
the names of its inputs: other nodes, the network's inputs, or one result of a node with several
("pool:indices").  One layer may stand in two nodes; it is the same object, so it is shared.

    net(x)                    the outputs; maps are let go after their last use
    net["conv1"]              a layer by its node's name
    net.box("conv1", 5, 7, (3, 224, 224))      the pixels that one number looks at

Cost: that of its layers.  What it does not do: remember anything (trace.py hands maps out instead).
Next rooms: build.py for branches, describe.py, trace.py.
"""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from minicnn.errors import ArgumentError, ShapeError, UnknownNameError, WeightsError, nearest
from minicnn.field import Box, hull
from minicnn.layers import Layer
from minicnn.network.geometry import pixel_mask, which_input
from minicnn.network.node import Node, result_names, results_of, source
from minicnn.network.shapes import shapes_of


class Network:
    """Named layers, each with the names of its inputs.

    Parameters
    ----------
    nodes : Node or (name, layer, inputs), in an order in which every input is known before it is used
    inputs : the names of what is fed in
    outputs : the names of what is handed out; the last node by default

    >>> from minicnn import nn
    >>> net = Network(
    ...     [("left", nn.Conv2d(3, 4, 1), ["x"]), ("right", nn.Conv2d(3, 4, 3, padding=1), ["x"]),
    ...      ("sum", nn.Add(), ["left", "right"])],
    ...     inputs=["x"],
    ... )
    >>> net(np.zeros((2, 3, 5, 7), np.float32)).shape
    (2, 4, 5, 7)

    Raises ArgumentError for a name that is used twice, UnknownNameError for an input that is not known.
    """

    def __init__(self, nodes, inputs=("x",), outputs=None):
        if isinstance(inputs, str):
            inputs = (inputs,)
        nodes = tuple(_as_node(node) for node in nodes)
        outputs = (nodes[-1].name if nodes else inputs[0],) if outputs is None else (outputs,) if isinstance(outputs, str) else outputs
        _check_names(nodes, tuple(inputs), tuple(outputs))
        for name, value in {"nodes": nodes, "inputs": tuple(inputs), "outputs": tuple(outputs)}.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "_places", {node.name: place for place, node in enumerate(nodes)})

    def __setattr__(self, name, value):
        raise AttributeError("a Network is immutable; build another from net.nodes, or net.with_layers({name: layer}).")

    def __reduce__(self):
        return Network, (self.nodes, self.inputs, self.outputs)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    def __getitem__(self, key: str | int) -> Layer:
        """Return the layer of a node, by name or by place."""
        if isinstance(key, int):
            return self.nodes[key].layer
        return self.node(key).layer

    def node(self, name: str) -> Node:
        """Return a node by its name."""
        if name not in self._places:
            raise UnknownNameError(f"network: there is no node {name!r}.{nearest(str(name), self._places)}")
        return self.nodes[self._places[name]]

    def with_layers(self, layers: Mapping[str, Layer]) -> "Network":
        """Return another network in which the named nodes hold other layers."""
        for name in layers:
            self.node(name)
        return Network([(n.name, layers.get(n.name, n.layer), n.inputs) for n in self.nodes], self.inputs, self.outputs)

    def parameters(self) -> dict:
        """Return the learned arrays as {"conv1.weight": array}; a shared layer appears once, under its first node."""
        return _collect(self, Layer.parameters)

    def buffers(self) -> dict:
        """Return the measured arrays (running statistics) as {"bn1.running_mean": array}."""
        return _collect(self, Layer.buffers)

    def with_parameters(self, arrays: Mapping[str, np.ndarray]) -> "Network":
        """Return another network that holds these parameters and buffers, all of them, by the names of this one.

        Raises WeightsError that lists what is missing, what is left over and what has another shape.
        """
        wanted = {**self.parameters(), **self.buffers()}
        _check_fit(wanted, arrays)
        layers, made = {}, {}
        for node in self.nodes:
            own = {
                name: arrays[f"{node.name}.{name}"]
                for name in (*node.layer.arrays, *node.layer.statistics)
                if f"{node.name}.{name}" in wanted
            }
            if id(node.layer) not in made:
                made[id(node.layer)] = node.layer.with_(**own) if own else node.layer
            layers[node.name] = made[id(node.layer)]
        return self.with_layers(layers)

    def __call__(self, *inputs, accuracy: str = "fast"):
        """Return the output, or a tuple where the network has several.

        x is (N, C, H, W); one image (C, H, W) is taken as a batch of one and comes out without that axis.
        """
        maps, unbatched = bind_inputs(self, inputs)
        kept = set(self.outputs)
        last_use = {name: node.name for node in self.nodes for name in node.inputs}
        for node in self.nodes:
            arguments = [maps[name] for name in node.inputs]
            maps.update(results_of(node, arguments, accuracy))
            for name in {*node.inputs, *result_names(node)}:
                if name not in kept and last_use.get(name, node.name) == node.name:
                    del maps[name]
        outputs = tuple(maps[name][0] if unbatched else maps[name] for name in self.outputs)
        return outputs[0] if len(outputs) == 1 else outputs

    def pixels(self, name: str, i: int, j: int, input_shape, input: str | None = None) -> np.ndarray:
        """Return which input pixels output (i, j) of a node sees, as a mask (H, W), exact."""
        if name not in self.inputs:
            self.node(source(name))
        return pixel_mask(self, shapes_of(self, input_shape), name, i, j, which_input(self, input))

    def box(self, name: str, i: int, j: int, input_shape, input: str | None = None) -> Box | None:
        """Return the smallest box that holds `pixels`; None where the output sees padding only."""
        return hull(self.pixels(name, i, j, input_shape, input))

    def __repr__(self) -> str:
        width = max((len(node.name) for node in self.nodes), default=0)
        lines = [f"  {n.name:{width}}  {n.layer!r}  ← {', '.join(n.inputs)}" for n in self.nodes]
        count = sum(array.size for array in self.parameters().values())
        head = f"Network({', '.join(self.inputs)} → {', '.join(self.outputs)}): {len(self.nodes)} nodes, {count:,} parameters"
        return "\n".join([head, *lines])


def Sequential(*layers) -> Network:
    """Return a network of layers one after the other, named after their kind: conv1, relu1, conv2, …

    Give (name, layer) pairs, or one mapping, for names of your own.

    >>> from minicnn import nn
    >>> net = Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 1))
    >>> [node.name for node in net]
    ['conv1', 'relu1', 'conv2']
    """
    if len(layers) == 1 and isinstance(layers[0], Mapping):
        layers = tuple(layers[0].items())
    counts: dict[str, int] = {}
    nodes, before = [], "x"
    for item in layers:
        if isinstance(item, Layer):
            counts[item.kind] = counts.get(item.kind, 0) + 1
            item = (f"{item.kind}{counts[item.kind]}", item)
        if not (isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str)):
            raise ArgumentError(f"Sequential: give layers, or (name, layer) pairs, but received {item!r}.")
        nodes.append(Node(item[0], item[1], (before,)))
        before = item[0]
    return Network(nodes)


def _as_node(node) -> Node:
    if not isinstance(node, Node):
        if not (isinstance(node, tuple | list) and len(node) == 3):
            raise ArgumentError(f"network: a node is (name, layer, inputs), but received {node!r}.")
        name, layer, inputs = node
        node = Node(name, layer, (inputs,) if isinstance(inputs, str) else tuple(inputs))
    if not isinstance(node.layer, Layer):
        remedy = "write nn.ReLU() with brackets" if isinstance(node.layer, type) else "give one of nn's layers"
        raise ArgumentError(f"network: node {node.name!r} must hold a layer, but it holds {node.layer!r}; {remedy}.")
    if not isinstance(node.name, str) or not node.name or ":" in node.name:
        raise ArgumentError(f"network: a node's name is a word without ':', but it is {node.name!r}.")
    return node


def _check_names(nodes, inputs, outputs):
    known = list(inputs)
    for node in nodes:
        for name in node.inputs:
            if name not in known:
                later = name in {n.name for n in nodes}
                why = f"it is computed later; move {name!r} before it." if later else f"there is none.{nearest(name, known)}"
                raise UnknownNameError(f"network: node {node.name!r} takes {name!r}, but {why}")
        if node.layer.inputs is not None and len(node.inputs) != node.layer.inputs:
            raise ArgumentError(
                f"network: node {node.name!r}, {node.layer!r}, takes {node.layer.inputs} input, but is given {node.inputs}."
            )
        for name in result_names(node):
            if name in known:
                raise ArgumentError(f"network: the name {name!r} is used twice; every node and input needs its own.")
            known.append(name)
    for name in outputs:
        if name not in known:
            raise UnknownNameError(f"network: output {name!r} is not a node.{nearest(name, known)}")


def _collect(net, arrays_of: Callable) -> dict:
    seen, found = set(), {}
    for node in net.nodes:
        if id(node.layer) not in seen:
            seen.add(id(node.layer))
            found.update({f"{node.name}.{name}": array for name, array in arrays_of(node.layer).items()})
    return found


def _check_fit(wanted: Mapping, arrays: Mapping) -> None:
    missing = [f"  missing: {name} {tuple(array.shape)}" for name, array in wanted.items() if name not in arrays]
    left = [f"  left over: {name} {tuple(np.shape(array))}" for name, array in arrays.items() if name not in wanted]
    other = [
        f"  another shape: {name} is {tuple(np.shape(arrays[name]))}, the network wants {tuple(array.shape)}"
        for name, array in wanted.items()
        if name in arrays and tuple(np.shape(arrays[name])) != tuple(array.shape)
    ]
    problems = [*other, *missing, *left]
    if problems:
        shown = problems[:12] + ([f"  … and {len(problems) - 12} more"] if len(problems) > 12 else [])
        raise WeightsError(
            f"network: the weights must fit its {len(wanted)} arrays, but {len(other)} have another shape, {len(missing)} are missing and "
            f"{len(left)} are left over; net.parameters() and net.buffers() list what it wants:\n" + "\n".join(shown)
        )


def bind_inputs(net: Network, inputs) -> tuple[dict[str, np.ndarray], bool]:
    """Return the inputs by name, one image made a batch of one, and whether that was so."""
    if len(inputs) != len(net.inputs):
        names = ", ".join(net.inputs)
        raise ArgumentError(
            f"network: it takes {len(net.inputs)} input{'s' * (len(net.inputs) != 1)} ({names}), but received {len(inputs)}."
        )
    unbatched = all(isinstance(x, np.ndarray) and x.ndim == 3 for x in inputs)
    if not unbatched and any(isinstance(x, np.ndarray) and x.ndim == 3 for x in inputs):
        raise ShapeError("network: either all inputs are single images (C, H, W) or none is; add the batch axis with x[None].")
    return {name: x[None] if unbatched else x for name, x in zip(net.inputs, inputs, strict=True)}, unbatched
