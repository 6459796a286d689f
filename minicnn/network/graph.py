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

import itertools
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

import numpy as np

from minicnn import check
from minicnn.errors import ArgumentError, ShapeError, UnknownNameError, WeightsError, nearest
from minicnn.field import Box, hull
from minicnn.layers import Layer
from minicnn.network import repeat
from minicnn.network.geometry import pixel_mask, which_input
from minicnn.network.node import Node, one_image, result_names, results_of, source
from minicnn.network.shapes import is_one_image, shapes_of
from minicnn.text import plural


class Network:
    """Named layers, each with the names of its inputs.

    Parameters
    ----------
    nodes : Node or (name, layer, inputs), in an order in which every input is known before it is used
    inputs : the names of what is fed in
    outputs : the names of what is handed out; the last node by default
    input_shapes : {name: shape} where the file that the network comes from fixes how many axes its inputs have; an input of
        three axes is then no single image.  The lengths are what describe and the command line take where none are given

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

    def __init__(self, nodes, inputs=("x",), outputs=None, *, input_shapes: Mapping[str, tuple[int, ...]] | None = None):
        if not isinstance(nodes, list | tuple):
            raise ArgumentError(f"network: nodes is a list of (name, layer, inputs), but it is a {type(nodes).__name__}.")
        nodes, inputs = tuple(_as_node(node) for node in nodes), _names(inputs, "inputs")
        outputs = (nodes[-1].name if nodes else inputs[0],) if outputs is None else _names(outputs, "outputs")
        _check_names(nodes, inputs, outputs)
        known = _known_shapes(inputs, input_shapes)
        for name, value in {"nodes": nodes, "inputs": inputs, "outputs": outputs, "input_shapes": known}.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "_places", {node.name: place for place, node in enumerate(nodes)})

    def __setattr__(self, name, value):
        raise AttributeError("a Network is immutable; build another from net.nodes, or net.with_layers({name: layer}).")

    def __delattr__(self, name):
        raise AttributeError("a Network is immutable; build another from net.nodes.")

    def __reduce__(self):
        return _rebuilt, (self.nodes, self.inputs, self.outputs, dict(self.input_shapes))

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    def __contains__(self, name) -> bool:
        return isinstance(name, str) and name in self._places

    def __getitem__(self, key: str | int) -> Layer:
        """Return the layer of a node, by name or by place."""
        if isinstance(key, int) and -len(self) <= key < len(self):
            return self.nodes[key].layer
        return self.node(key).layer

    def node(self, name: str) -> Node:
        """Return a node by its name."""
        if name not in self:
            raise UnknownNameError(f"network: there is no node {name!r}.{nearest(str(name), self._places)}")
        return self.nodes[self._places[name]]

    def with_layers(self, layers: Mapping[str, Layer]) -> "Network":
        """Return another network in which the named nodes hold other layers."""
        for name in layers:
            self.node(name)
        nodes = [(n.name, layers.get(n.name, n.layer), n.inputs) for n in self.nodes]
        return Network(nodes, self.inputs, self.outputs, input_shapes=self.input_shapes)

    def parameters(self) -> dict:
        """Return the learned arrays as {"conv1.weight": array}; a shared layer appears once, under its first node."""
        return _collect(self, Layer.parameters)

    def buffers(self) -> dict:
        """Return the measured arrays (running statistics) as {"bn1.running_mean": array}."""
        return _collect(self, Layer.buffers)

    def with_parameters(self, arrays: Mapping[str, np.ndarray]) -> "Network":
        """Return another network that holds these parameters (all of them) and buffers, by the names of this one.

        Buffers that are not given stay as they are, where the network has numbers for them.
        Raises WeightsError that lists what is missing, what is left over and what has another shape.
        """
        if not isinstance(arrays, Mapping):
            raise WeightsError(f"network: parameters are a mapping from names to arrays, but received a {type(arrays).__name__}.")
        buffers = self.buffers()
        wanted = {**self.parameters(), **buffers}
        arrays = {name: array for name, array in arrays.items() if not name.endswith("num_batches_tracked")}  # a counter of PyTorch's
        arrays = {**{name: array for name, array in buffers.items() if isinstance(array, np.ndarray)}, **arrays}
        _check_fit(wanted, arrays)
        layers, made = {}, {}
        for node in self.nodes:
            own = {
                name: arrays[f"{node.name}.{name}"]
                for name in (*node.layer.arrays, *node.layer.statistics)
                if f"{node.name}.{name}" in wanted
            }
            if id(node.layer) not in made:
                made[id(node.layer)] = _with_arrays(node.layer, own) if own else node.layer
            layers[node.name] = made[id(node.layer)]
        return self.with_layers(layers)

    def __call__(self, *inputs, accuracy: str = "fast"):
        """Return the output, or a tuple where the network has several.

        x is (N, C, H, W); one image (C, H, W) is taken as a batch of one and comes out without that axis.
        The outputs are new arrays, never views of the inputs.
        """
        maps, unbatched = bind_inputs(self, inputs)
        given = list(maps.values())
        key = repeat.key_of(given) if accuracy == "fast" else None
        known = None if key is None else repeat.steps_of(self, key)
        outputs = self._node_by_node(maps, accuracy, unbatched, key) if known is None else repeat.walk(known, given)
        outputs = tuple(_own(y, given)[0] if unbatched else _own(y, given) for y in outputs)
        return outputs[0] if len(outputs) == 1 else outputs

    def _node_by_node(self, maps: dict[str, np.ndarray], accuracy: str, unbatched: bool, key) -> list[np.ndarray]:
        """Return the outputs; the steps of a shape that comes for the first time are written down (repeat.py)."""
        kept = set(self.outputs)
        last_use = {name: node.name for node in self.nodes for name in node.inputs}
        recorder = None if key is None or repeat.seen(self, key) else repeat.Recorder(self, maps)
        with one_image(unbatched):
            for node in self.nodes:
                arguments = [maps[name] for name in node.inputs]
                results = results_of(node, arguments, accuracy)
                if recorder is not None:
                    recorder.add(node, arguments, results[node.name], accuracy)
                maps.update(results)
                for name in {*node.inputs, *results}:
                    if name not in kept and last_use.get(name, node.name) == node.name:
                        del maps[name]
        if recorder is not None:
            repeat.keep(self, key, recorder.steps_or_none())
        return [maps[name] for name in self.outputs]

    def pixels(self, name: str, i: int, j: int, input_shape, input: str | None = None) -> np.ndarray:
        """Return which input pixels output (i, j) of a node sees, as a mask (H, W), exact."""
        if name not in self.inputs:
            self.node(source(str(name)))
        return pixel_mask(self, shapes_of(self, input_shape), name, i, j, which_input(self, input))

    def box(self, name: str, i: int, j: int, input_shape, input: str | None = None) -> Box | None:
        """Return the smallest box that holds `pixels`; None where the output sees padding only."""
        return hull(self.pixels(name, i, j, input_shape, input))

    def __repr__(self) -> str:
        width = max((len(node.name) for node in self.nodes), default=0)
        lines = [f"  {n.name:{width}}  {n.layer!r}  ← {', '.join(n.inputs)}" for n in self.nodes]
        count = sum(array.size for array in self.parameters().values())
        head = f"Network({', '.join(self.inputs)} → {', '.join(self.outputs)}): {plural(len(self.nodes), 'node')}, {count:,} parameters"
        return "\n".join([head, *lines])

    def _repr_html_(self) -> str:
        from minicnn.network.notebook import network_html  # only a notebook pays for it

        return network_html(self)


def _rebuilt(nodes, inputs, outputs, input_shapes) -> Network:
    return Network(nodes, inputs, outputs, input_shapes=input_shapes)


def Sequential(*layers) -> Network:
    """Return a network of layers one after the other, named after their kind: conv1, relu1, conv2, …

    Give (name, layer) pairs, or one mapping, for names of your own.  A network of one input and one
    output may stand where a layer may; its nodes get its name in front: seq1.conv1.

    >>> from minicnn import nn
    >>> net = Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), Sequential(nn.Conv2d(8, 4, 1)))
    >>> [node.name for node in net]
    ['conv1', 'relu1', 'seq1.conv1']

    Raises ArgumentError.  Source: PyTorch's Sequential, whose names are 0, 1, 2, ….
    """
    if len(layers) == 1 and isinstance(layers[0], Mapping):
        layers = tuple(layers[0].items())
    taken = {item[0] for item in layers if isinstance(item, tuple) and item and isinstance(item[0], str)}
    nodes: list[Node] = []
    before = "x"
    for item in layers:
        name, layer = _named_item(item, taken)
        if isinstance(layer, Network):
            inner, before = inlined(name, layer, (before,))
            nodes += inner
        else:
            nodes.append(Node(name, layer, (before,)))
            before = name
    return Network(nodes)


def _named_item(item, taken: set[str]) -> tuple[str, "Layer | Network"]:
    """Return (name, layer) of one of Sequential's items; a layer without a name gets the next one of its kind."""
    if isinstance(item, Layer | Network):
        kind = item.kind if isinstance(item, Layer) else "seq"
        name = next(name for number in itertools.count(1) if (name := f"{kind}{number}") not in taken)
        taken.add(name)
        return name, item
    if isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str) and isinstance(item[1], Layer | Network | type):
        return item
    if isinstance(item, list | tuple):
        raise ArgumentError(
            f"Sequential: give layers or (name, layer) pairs one by one, but received a {type(item).__name__}; write Sequential(*layers)."
        )
    if isinstance(item, type):
        raise ArgumentError(f"Sequential: give layers, but received the class {item.__name__}; write nn.{item.__name__}() with brackets.")
    raise ArgumentError(f"Sequential: give layers, or (name, layer) pairs, but received {item!r}.")


def inlined(prefix: str, net: Network, names: tuple[str, ...]) -> tuple[list[Node], str]:
    """Return the nodes of a network, fed with `names` and named 'prefix.name', and the name of its output."""
    if len(names) != len(net.inputs) or len(net.outputs) != 1:
        raise ArgumentError(
            f"graph: {prefix!r} is a network of {len(net.inputs)} inputs and {len(net.outputs)} outputs; "
            f"give it {len(net.inputs)} values, and one output."
        )
    outer = dict(zip(net.inputs, names, strict=True))

    def renamed(name: str) -> str:
        return outer.get(name, f"{prefix}.{name}")

    return [Node(renamed(n.name), n.layer, tuple(map(renamed, n.inputs))) for n in net.nodes], renamed(net.outputs[0])


def as_network(value, what: str) -> Network:
    """Return a network; a single layer is a network of one node."""
    if isinstance(value, Network):
        return value
    if isinstance(value, Layer):
        return Sequential(value)
    remedy = "write nn.Sequential(*layers)" if isinstance(value, list | tuple) else "the network comes first, then the input"
    raise ArgumentError(f"{what}: the first argument is a network or a layer, but it is a {type(value).__name__}; {remedy}.")


def _names(names, what: str) -> tuple[str, ...]:
    names = (names,) if isinstance(names, str) else names
    if not isinstance(names, list | tuple) or not names or not all(isinstance(name, str) for name in names):
        raise ArgumentError(f"network: {what} are the names of at least one map, but they are {names!r}.")
    return tuple(names)


def _known_shapes(inputs, shapes) -> Mapping[str, tuple[int, ...]]:
    if shapes is None:
        return MappingProxyType({})
    if not isinstance(shapes, Mapping) or not set(shapes) <= set(inputs):
        raise ArgumentError(f"network: input_shapes maps names of inputs ({', '.join(inputs)}) to shapes, but it is {shapes!r}.")
    return MappingProxyType(
        {name: tuple(check.integer(n, f"{name}'s shape", "network", 0) for n in shape) for name, shape in shapes.items()}
    )


def _as_node(node) -> Node:
    if not isinstance(node, Node):
        if not (isinstance(node, tuple | list) and len(node) == 3):
            raise ArgumentError(f"network: a node is (name, layer, inputs), but received {node!r}.")
        name, layer, inputs = node
        node = Node(name, layer, _names(inputs, f"the inputs of node {name!r}"))
    if not isinstance(node.layer, Layer):
        remedy = "give one of nn's layers"
        if isinstance(node.layer, type):
            remedy = "write nn.ReLU() with brackets"
        elif isinstance(node.layer, Network):
            remedy = "nn.Sequential and nn.Graph take networks in networks"
        raise ArgumentError(f"network: node {node.name!r} must hold a layer, but it holds a {type(node.layer).__name__}; {remedy}.")
    return node


def _check_name(name, known, what: str) -> None:
    if not isinstance(name, str) or not name or ":" in name or not name.isprintable():
        raise ArgumentError(f"network: the name of {what} is a word without ':', but it is {name!r}.")
    if name in known:
        raise ArgumentError(f"network: the name {name!r} is used twice; every node and input needs its own.")


def _check_names(nodes, inputs, outputs):
    known: list[str] = []
    for name in inputs:
        _check_name(name, known, "an input")
        known.append(name)
    for node in nodes:
        _check_name(node.name, known, "a node")
        for name in node.inputs:
            if name not in known:
                later = name in {n.name for n in nodes}
                why = f"it is computed later; move {name!r} before it." if later else f"there is none.{nearest(name, known)}"
                raise UnknownNameError(f"network: node {node.name!r} takes {name!r}, but {why}")
        if node.layer.inputs is not None and len(node.inputs) != node.layer.inputs:
            raise ArgumentError(
                f"network: node {node.name!r}, {node.layer!r}, takes {node.layer.inputs} input{'s' * (node.layer.inputs != 1)}, but is given {node.inputs}."
            )
        known += result_names(node)
    for name in outputs:
        if name not in known:
            raise UnknownNameError(f"network: output {name!r} is not a node.{nearest(name, known)}")


def _with_arrays(layer: Layer, arrays: dict) -> Layer:
    """Return the layer around other arrays, whose shapes fit; what they are is asked only where it is not what was there."""
    same = all(type(array) is np.ndarray and array.dtype == getattr(layer, name).dtype for name, array in arrays.items())
    return layer.with_arrays(arrays) if same else layer.with_(**arrays)


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
    arrays = [_as_array(x, name) for name, x in zip(net.inputs, inputs, strict=True)]
    single = [is_one_image(net, name, x.shape) for name, x in zip(net.inputs, arrays, strict=True)]
    if any(single) and not all(single):
        raise ShapeError("network: either all inputs are single images (C, H, W) or none is; add the batch axis with x[None].")
    return {name: x[None] if all(single) else x for name, x in zip(net.inputs, arrays, strict=True)}, all(single)


def _as_array(x, name: str) -> np.ndarray:
    """Return an input as an array; the map of another trace is taken as its data."""
    data = x if isinstance(x, np.ndarray) else getattr(x, "data", None)
    return data if isinstance(data, np.ndarray) else check.float_array(x, name, "network")


def _own(output: np.ndarray, given: list[np.ndarray]) -> np.ndarray:
    return output.copy() if any(np.may_share_memory(output, x) for x in given) else output
