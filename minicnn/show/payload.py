"""Which question: what must a page know of a network and a photo to show both?

Idea: one dictionary of plain data, made once, read by the viewer (viewer/main.js) in a report and in a notebook alike: for every map what
describe says, its statistics, small pictures of its channels, tables of which inputs its outputs see, and a few numbers with their own terms.
What does not fit is left out by a rule (held.py, units.py), and `held` says in words what is there and how exact it is.

Cost: one read of every map for statistics, one for its histogram, one for its channels; a second for 143 maps of EfficientNet-Lite0.
What it does not do: run the network; draw.  Source: none.  Next rooms: report.py, stepper.py.
"""

import numpy as np

from minicnn import __version__
from minicnn.errors import ArgumentError, UnknownNameError
from minicnn.network import FeatureMap, Network, Trace
from minicnn.network.graph import as_network
from minicnn.network.thumbnail import planes
from minicnn.show import held
from minicnn.show.blocks import blocks
from minicnn.show.encoded import encoded, jsonable
from minicnn.show.pictures import input_picture
from minicnn.show.positions import Sight, reach, tables
from minicnn.show.units import explained
from minicnn.text import count

FORMAT = 1
EXACT_INPUT = 200_000  # numbers of an input that are held as they are


def payload(
    net: Network, trace: Trace, *, photo=None, title: str | None = None, full: bool = False, ask: bool = False, what: str = "show.payload"
) -> dict:
    """Return everything that a page shows of a network on its input, as plain data for JSON.

    `photo` is the picture of the first input, (rows, columns, 3) in [0, 1] or bytes, where the array alone does not tell how it
    looked; full=True holds every map of the first image; ask=True leaves out what a notebook's page asks Python for.

    >>> from minicnn import nn, trace
    >>> net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())
    >>> found = payload(net, trace(net, np.ones((1, 1, 4, 5), np.float32)))
    >>> [node["name"] for node in found["nodes"]], found["outputs"], found["stages"][1]["nodes"]
    (['x', 'conv1', 'relu1'], ['relu1'], ['conv1', 'relu1'])

    Raises ArgumentError for a trace that is none, of another network or of no image; UnknownNameError where maps were let go; ShapeError for
    a photo of another size than the input.
    """
    net = checked(net, trace, what)
    description = trace.description
    stages, edges = blocks(description)
    shapes = [_planes_shape(each.data.shape) for each in trace]
    sizes = held.thumbnail_sizes(shapes)
    exact = [full or ask or fits for fits in held.exact_statistics([each[0] for each in shapes])]
    whole = [] if ask else held.chosen_maps(stages, description.shapes, net.inputs)
    share = dict(zip(whole, held.fair([int(np.prod(trace[name].shape[1:])) for name in whole], held.MAPS, held.LEAST), strict=True))
    sight = None if ask else Sight(description)
    every = {} if ask else explained(net, trace, sight, full)
    nodes, errors = [], []
    for each, most, exactly in zip(trace, sizes, exact, strict=True):
        units = every.get(each.name, {})
        wanted = [int(unit.partition(",")[0]) for unit in units]
        node, error = _node(trace, each, most, wanted, exactly)
        node["maps"], finer = _maps(each, share.get(each.name), wanted, full and not ask)
        node["explained"] = units
        nodes.append(node)
        errors.append((max(error, finer), each.name))
    return {
        "format": FORMAT,
        "title": title or f"{net.inputs[0]} → {', '.join(net.outputs)}: {len(net)} nodes",
        "made_by": f"minicnn {__version__}",
        "dtype": str(trace.dtype),
        "held": told(trace, nodes, max(errors, default=(0.0, "")), full, ask),
        "inputs": [_input(trace[name], photo if name == net.inputs[0] else None, full) for name in net.inputs],
        "outputs": list(net.outputs),
        "nodes": nodes,
        "stages": stages,
        "edges": edges,
    }


def checked(net, trace, what: str) -> Network:
    """Return the network, when the trace is one of it and holds every map of at least one image."""
    net = as_network(net, what)
    if not isinstance(trace, Trace):
        raise ArgumentError(f"{what}: the second argument is what trace(net, x) returned, but it is a {type(trace).__name__}.")
    other = trace.net
    names = [(node.name, node.inputs, id(node.layer)) for node in net.nodes]
    if other is not net and (other.inputs != net.inputs or names != [(node.name, node.inputs, id(node.layer)) for node in other.nodes]):
        raise ArgumentError(
            f"{what}: the trace must be of this network, since both are shown side by side, but it is of another one "
            f"({len(other)} nodes, this one has {len(net)}, or other layers); trace this network: trace(net, x)."
        )
    if missing := [name for name in trace.shapes if name not in trace]:
        raise UnknownNameError(
            f"{what}: every map is shown, but {len(missing)} of {len(trace.shapes)} were let go, such as {missing[0]!r}, since "
            "keep='gradient' keeps what a gradient needs; trace(net, x) keeps every map."
        )
    first = trace[net.inputs[0]]
    if first.ndim and not first.shape[0]:
        raise ArgumentError(
            f"{what}: the first image of a batch is shown, but the batch is empty ({first.name}.shape={first.shape}); trace one image."
        )
    return net


def _planes_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return (channels, rows, columns) of a map's first image, as thumbnail.planes has them."""
    own = shape[1:] if len(shape) > 1 else shape
    own = own or (1,)
    return own[0], int(np.prod(own[1:-1], dtype=np.int64)) if len(own) > 1 else 1, own[-1] if len(own) > 1 else 1


def _node(trace: Trace, each: FeatureMap, most: int, wanted, exactly: bool) -> tuple[dict, float]:
    """Return one map as plain data, and how far its thumbnails are off."""
    row, own = trace.description[each.name], planes(each.data)
    port = each.name != row.name  # a second result: what the node costs is said of the first
    small, levels = held.thumbnails(own, most, wanted)
    shapes, node = trace.description.shapes, each.node
    field = row.field.to_dict()
    return {
        "name": each.name,
        "kind": "input" if node is None else type(node.layer).__name__,
        "layer": None if node is None else repr(node.layer),
        "inputs": [] if node is None else list(node.inputs),
        "shape": list(each.shape),
        "field": {"text": str(row.field), **{name: field[name] for name in ("size", "stride", "start", "reason", "aligned")}},
        "parameters": 0 if port else int(row.parameters),
        "multiply_adds": 0 if port else int(row.multiply_adds),
        "bytes": int(each.nbytes),
        "what": each.kind,
        "statistics": _statistics(each),
        "histogram": jsonable(held.histogram(each.data)),
        "channels": held.channel_statistics(own, exactly),
        "thumbnails": small,
        "axes": [] if node is None else tables(node, shapes, each.name),
        "padding": None if node is None else reach(node, shapes, each.name),
    }, levels.error if levels else 0.0


def _statistics(each: FeatureMap) -> dict:
    found = each.statistics
    numbers = {name: getattr(found, name) for name in ("mean", "std", "min", "max", "zeros")}
    spoiled = each.data.dtype.kind == "f" and not (np.isfinite(found.min) and np.isfinite(found.max))
    nan, inf = (int(np.isnan(each.data).sum()), int(np.isinf(each.data).sum())) if spoiled else (0, 0)
    return {**jsonable(numbers), "dead": list(found.dead_channels), "nan": nan, "inf": inf}


def _maps(each: FeatureMap, budget: int | None, wanted, full: bool) -> tuple[dict | None, float]:
    """Return what is held of a map at its whole resolution, and how far it is off."""
    if not each.data.size:
        return None, 0.0
    if full:
        return held.all_maps(planes(each.data)), 0.0
    if budget is None:
        return None, 0.0
    found, levels = held.whole_maps(planes(each.data), budget, wanted)
    return found, levels.error


def _input(each: FeatureMap, photo, full: bool) -> dict:
    exact = each.data.size and (full or each.data[:1].size <= EXACT_INPUT)
    values = encoded(each.data[:1] if each.ndim > 1 else each.data, "f4") if exact else None
    return {"name": each.name, "shape": list(each.shape), "picture": input_picture(each, photo), "values": values}


def told(trace: Trace, nodes: list[dict], worst: tuple[float, str], full: bool, ask: bool) -> str:
    """Return in words what the page holds and how exact it is."""
    images = trace[trace.net.inputs[0]].shape[:1]
    of = f" Maps are those of the first of {images[0]} images; statistics are of all." if images and images[0] > 1 else ""
    size, small = count(trace.nbytes, "B"), sum(len(node["thumbnails"]["channels"]) for node in nodes if node["thumbnails"])
    if ask:
        return f"{small:,} thumbnails of {len(nodes)} maps ({size}); whole maps and every number's terms are asked of Python.{of}"
    units = sum(len(node["explained"]) for node in nodes)
    whole = [node["name"] for node in nodes if node["maps"]]
    levels = sum(node["channels"]["mean"]["dtype"] == "u1" for node in nodes)
    coarse = f" The statistics of single channels of {levels} maps are rounded to one of 253 levels too." if levels else ""
    narrow = ", rounded to float32 from float64" if trace.dtype == np.float64 else ""
    if full:
        return f"This page holds every number of {len(nodes)} maps ({size}) in float32{narrow}, and {units:,} numbers with every term they are made of.{of}"
    return (
        f"This page holds {small:,} thumbnails of {len(nodes)} maps ({size}), {len(whole)} maps at their whole resolution (of the larger "
        f"ones the channels that vary most) in 253 levels, at most {worst[0]:.2g} away from the stored number (in {worst[1]}), and {units:,} numbers "
        f"exactly, with every term they are made of.{of}{coarse} show.report(…, full=True) holds every map."
    )
