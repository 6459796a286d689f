"""Which question: which network does an ONNX file hold?

Idea: the file is a list of operators in the order in which they are computed.  Each becomes layers of ours by one
function of one table, shapes known from the first to the last, so that a loaded network can be described, traced and
questioned as any other.  Nothing in a file is run; what it says of sizes, names and other files is checked first.

    file ─ file.py ─► graph ─ building.py + table.py ─► nodes ─► Network

Cost: reading the file and one copy of each weight.
Does not do: training, control flow (If, Loop), sequences, strings, quantized operators, three spatial axes.
Source: ONNX's intermediate representation and operator documents.  Next rooms: file.py, building.py, table.py.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from minicnn.errors import ArgumentError, DTypeError, FileFormatError, MinicnnError, UnsupportedError, nearest
from minicnn.layers import Identity
from minicnn.load.files import existing_file
from minicnn.load.onnxfile.building import DAMAGED, Builder, Operator, Value, module_of, wrap
from minicnn.load.onnxfile.file import FLOATS, graph_of, opset_of, read_model
from minicnn.load.onnxfile.table import OPERATORS
from minicnn.load.onnxfile.tensors import KINDS, array_of
from minicnn.network import Network, Node
from minicnn.network.node import source

WHAT = "load.onnx"
DOMAINS = ("", "ai.onnx")
TO_CHANNELS_FIRST = (0, 3, 1, 2)


def onnx(path, *, input_shape=None, fixed: Mapping[str, np.ndarray] | None = None) -> Network:
    """Return the network of an ONNX file, with its weights: opset 7 to the newest, CNNs of one or two spatial axes, for inference.

    Parameters
    ----------
    input_shape : a shape, or {name: shape}, for inputs whose lengths the file leaves open; an open first axis is taken as a
        batch of 1 where none is given (the network then takes any batch)
    fixed : {name: array} for inputs that are no maps: shapes, axes, weights; they become part of the network

    Nodes are called what the file calls them; a layer whose weight is called 'conv1.weight' is called 'conv1', so that
    net.parameters() has the names of the framework that the file came from.  net.input_shapes are the file's; an input
    (N, H, W, C) that the file turns at once, as TensorFlow's do, is (N, C, H, W) here, and (N, C, W) stays so: unit axes are put
    in around convolutions.  Half precision is widened to float32.  Arithmetic that
    only works out shapes is done here, and is not in the network.

    Needs the extra `onnx`.  Raises FileFormatError for a file that is damaged or points outside its folder, UnsupportedError
    with the operator, its node and what there is, ArgumentError for shapes and names that do not fit.
    Source: ONNX's operator documents.

    >>> import tempfile
    >>> from minicnn import load, nn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = load.save_onnx(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), Path(folder, "two.onnx"), (3, 5, 7))
    ...     load.onnx(file)
    Network(x → relu1): 2 nodes, 224 parameters
      conv1  Conv2d(3, 8, kernel_size=3)  ← x
      relu1  ReLU()  ← conv1
    """
    file = existing_file(path, WHAT)
    try:
        return _network(read_model(file), file.parent, input_shape, dict(fixed or {}))
    except MinicnnError as error:
        raise type(error)(f"{WHAT}: {file.name} {error}") from None


def _network(model, folder: Path, input_shape, fixed: dict) -> Network:
    """Walk the graph once, from its inputs to its outputs."""
    graph, opset = graph_of(model), opset_of(model)
    known = {tensor.name: Value.known(array_of(tensor, folder)) for tensor in graph.initializer}
    inputs, turned = _turned(graph, _inputs(graph, known, input_shape, fixed))
    builder = Builder(inputs, folder)
    values = {**known, **inputs}
    later = {name for proto in graph.node for name in proto.output}
    modules = [module_of(proto.name) for proto in graph.node]
    containers = {module[:end] for module in modules for end, letter in enumerate(module) if letter == "."}
    for place, proto in enumerate(graph.node):
        gone = proto.op_type == "Transpose" and not turned.isdisjoint(proto.input[:1])  # its input comes in turned
        found = [inputs[proto.input[0]]] if gone else _results(proto, place, values, later, containers, opset, builder)
        for name, value in zip(proto.output, found, strict=False):
            if name in values:
                raise FileFormatError(f"computes {name!r} twice; every value has one name. It is damaged.")
            if name:
                values[name] = value
    outputs = [_output(builder, values, info.name) for info in graph.output]
    if not outputs:
        raise FileFormatError("names no output; it is damaged.")
    shapes = {value.name: value.shape for value in inputs.values()}
    return Network(_needed(builder.nodes, outputs), tuple(shapes), tuple(outputs), input_shapes=shapes)


def _turned(graph, inputs: dict[str, Value]) -> tuple[dict[str, Value], set[str]]:
    """Return the inputs, and the names of those that are taken as (N, C, H, W) since the file takes (N, H, W, C) and turns them at once."""
    turned = set()
    for name, value in inputs.items():
        readers = [proto for proto in graph.node if name in proto.input]
        perms = [
            tuple(attribute.ints)
            for proto in readers
            if proto.op_type == "Transpose"
            for attribute in proto.attribute
            if attribute.name == "perm"
        ]
        if len(value.shape) == 4 and perms == [TO_CHANNELS_FIRST] * len(readers) and readers and all(p.output for p in readers):
            turned.add(name)
    shapes = {
        name: tuple(value.shape[axis] for axis in TO_CHANNELS_FIRST) if name in turned else value.shape for name, value in inputs.items()
    }
    return {name: Value(shapes[name], value.dtype, value.name) for name, value in inputs.items()}, turned


def _inputs(graph, known: dict, input_shape, fixed: dict) -> dict[str, Value]:
    """Return the graph's inputs that are maps; what is fixed goes to what is known."""
    wanted = [info for info in graph.input if info.name not in known]
    for name, array in fixed.items():
        if name not in {info.name for info in graph.input}:
            raise ArgumentError(f"has no input {name!r} to fix.{nearest(str(name), [info.name for info in graph.input])}")
        if not isinstance(array, np.ndarray):
            raise DTypeError(f"takes arrays in `fixed`, but that of {name!r} is a {type(array).__name__}; write np.array(…).")
        known[name] = Value.known(np.array(array))
    wanted = [info for info in wanted if info.name not in fixed]
    if not wanted:
        raise UnsupportedError("has no input that is a map, so there is no network: all that it holds is known without one.")
    if len({_word(info.name) for info in wanted}) < len(wanted):
        names = ", ".join(repr(info.name) for info in wanted)
        raise UnsupportedError(f"has inputs whose names are one when ':' is written '_' ({names}); rename one of them in the file.")
    shapes = _given_shapes([info.name for info in wanted], input_shape)
    return {info.name: _input(info, shapes.get(info.name)) for info in wanted}


def _given_shapes(names: list[str], input_shape) -> dict[str, tuple[int, ...]]:
    if input_shape is None:
        return {}
    given = input_shape if isinstance(input_shape, Mapping) else {names[0]: input_shape}
    if len(names) > 1 and not isinstance(input_shape, Mapping):
        raise ArgumentError(f"has the inputs {', '.join(names)}; give input_shape as {{name: shape}} for each whose lengths are open.")
    for name, shape in given.items():
        if name not in names:
            raise ArgumentError(f"has no input {name!r}.{nearest(str(name), names)}")
        if not isinstance(shape, tuple | list) or not all(isinstance(n, int) and n >= 0 for n in shape):
            raise ArgumentError(f"takes input_shape as whole numbers, such as (1, 3, 224, 224), but that of {name!r} is {shape!r}.")
    return {name: tuple(shape) for name, shape in given.items()}


def _input(info, given: tuple[int, ...] | None) -> Value:
    """Return one input as a map: the file's lengths, with those that it leaves open taken from `given`."""
    if not info.type.HasField("tensor_type"):
        raise UnsupportedError(f"takes {info.name!r}, which is no tensor (a sequence, an optional or a map); nets of tensors are read.")
    kind = info.type.tensor_type.elem_type
    if kind not in KINDS:
        raise UnsupportedError(f"takes {info.name!r} of ONNX's data type {kind}; float32, float64 and whole numbers are read.")
    dtype = FLOATS.get(KINDS[kind][0]) or np.dtype(KINDS[kind][0])
    if not info.type.tensor_type.HasField("shape"):
        if given is None:
            raise ArgumentError(f"does not say how many axes the input {info.name!r} has; give input_shape, such as (1, 3, 224, 224).")
        return Value(given, dtype, _word(info.name))
    sizes = [dim.dim_value if dim.HasField("dim_value") and dim.dim_value >= 0 else None for dim in info.type.tensor_type.shape.dim]
    if given is not None and len(given) == len(sizes) - 1 == 3:
        given = (sizes[0] if sizes[0] else 1, *given)  # one image
    if given is None:
        given = tuple(1 if place == 0 and n is None else n for place, n in enumerate(sizes))
    if None in given:
        shown = ", ".join("?" if n is None else str(n) for n in given)
        raise ArgumentError(f"leaves lengths of its input {info.name!r} open, ({shown}); give input_shape, such as (1, 3, 224, 224).")
    fits = len(given) == len(sizes) and all(n in (None, g) or place == 0 for place, (n, g) in enumerate(zip(sizes, given, strict=True)))
    if not fits:
        shown = ", ".join("?" if n is None else str(n) for n in sizes)
        raise ArgumentError(
            f"says that its input {info.name!r} has the shape ({shown}), but input_shape is {given}; only ? and the batch are open."
        )
    return Value(given, dtype, _word(info.name))


def _word(name: str) -> str:
    return "".join(c if c.isprintable() and c != ":" else "_" for c in name) or "x"


def _results(proto, place: int, values: dict, later: set, containers: set, opset: int, builder: Builder) -> list[Value]:
    """Return what one node of the graph gives, its layers hung on the builder."""
    where = f"node {repr(proto.name) if proto.name else place + 1} ({proto.op_type}):"
    if proto.domain not in DOMAINS or proto.op_type not in OPERATORS:
        kind = f"{proto.domain}.{proto.op_type}" if proto.domain not in DOMAINS else proto.op_type
        names = ", ".join(sorted(OPERATORS))
        raise UnsupportedError(
            f"holds the operator {kind} in node {repr(proto.name) if proto.name else place + 1}, which is not read. Operators that are: {names}."
        )
    for name in proto.input:
        if name and name not in values:
            why = "is computed later, so nodes are not in order or go in a circle" if name in later else "is not there"
            raise FileFormatError(f"{where} its input {name!r} {why}; the file is damaged.")
    inputs = [values[name] if name else None for name in proto.input]
    operator = Operator(proto, _names(proto, place, inputs, containers), inputs, opset, builder)
    try:
        found = OPERATORS[proto.op_type](operator)
    except (MinicnnError, *DAMAGED) as error:
        raise wrap(error, where) from None
    found = found if isinstance(found, tuple) else (found,)
    if len(found) < operator.outputs:
        raise UnsupportedError(f"{where} {operator.outputs} outputs are asked for, and {len(found)} are computed here.")
    return list(found)


def _names(proto, place: int, inputs: list, containers: set[str]) -> list[str]:
    """Return what a node could be called, the best first: what its weight is called, its module, its own name, its output's."""
    owner = [
        name.removesuffix(".weight")
        for name, value in zip(proto.input[1:2], inputs[1:2], strict=True)
        if value is not None and value.is_known
    ]
    owner = [name for name in owner if name and name != proto.input[1]]
    module = module_of(proto.name)
    within = [f"{module}.{proto.op_type.lower()}"] if module else []  # a sum in a block is no module of its own
    module = [module] if module and module not in containers else []
    return [*owner, *module, *within, *filter(None, (proto.name, *proto.output[:1])), f"{proto.op_type.lower()}{place + 1}"]


def _output(builder: Builder, values: dict, name: str) -> str:
    if name not in values:
        raise FileFormatError(f"names the output {name!r}, which no node computes; it is damaged.")
    value = builder.map_of(values[name])
    if any(value.name == node.name or source(value.name) == node.name for node in builder.nodes):
        return value.name
    builder.nodes.append(Node(builder.free_name(name), Identity(), (value.name,)))  # an input, handed through
    return builder.nodes[-1].name


def _needed(nodes: list[Node], outputs: list[str]) -> list[Node]:
    """Return the nodes that an output depends on."""
    wanted, kept = {source(name) for name in outputs}, []
    for node in reversed(nodes):
        if node.name in wanted:
            wanted.update(map(source, node.inputs))
            kept.append(node)
    return kept[::-1]
