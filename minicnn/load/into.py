"""Which question: how do the arrays of a file come into a network, and what did not fit?

Idea: by name.  The network says which names and shapes it wants, the file what it has, and all
differences are listed at once, so that one look tells a renamed layer from another architecture.

    net + {"conv1.weight": array, …} ─► another network, which holds these numbers

A file of Keras has no names of ours: keras_into.py finds its layers' nodes, by their names or in their
order, and turns the arrays.

Cost: reading the file, and one copy of each array.
Does not do: rename, cut or guess; rename the keys of load.weights(path) and pass the mapping.
Source: PyTorch's Module.load_state_dict, which lists the same.  Next rooms: report.py, models.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minicnn import check
from minicnn.errors import ArgumentError, MinicnnError, WeightsError
from minicnn.load import kerasfile
from minicnn.load.keras_into import matched
from minicnn.load.report import LoadReport, compared
from minicnn.load.weightfile import is_keras, notify, read_weights, told
from minicnn.network import Network

WHAT = "load.load_weights"


class Given(NamedTuple):
    """Weights under the names of a network, where they are from, and what is to be said about them."""

    arrays: Mapping[str, np.ndarray]
    source: str
    remarks: list[str]
    settings: list[str]


def load_weights(net: Network, weights, *, strict: bool = True) -> Network:
    """Return another network that holds these weights; `weights` is a path or a mapping from names to arrays.

    strict: all parameters must be there, under the names and with the shapes of net.parameters().
    Buffers (running statistics) that are not there stay as they are, where the network has numbers
    for them. With strict=False what fits is loaded, the rest stays as it is (shape-only parameters
    without numbers stay so), and one WeightsNotice lists what was missing, left over or of another
    shape; compare_weights(net, weights) is that list as a value, before anything is loaded.

    Layers of a Keras file are taken by name where every layer of a kind has a node of its name, else in the
    file's order. Axes are turned, and the columns of a Linear behind a Flatten go from Keras' (H, W, C) to
    (C, H, W) order. An eps of BatchNorm2d that is not the file's counts as a difference, because it changes
    numbers; what Keras calls momentum is 1 - momentum here, and a notice says where it differs.

    Raises WeightsError that lists what is missing, what is left over and what has another shape;
    FileFormatError for a file that cannot be read; ArgumentError for something else than a network.
    Source: PyTorch's load_state_dict(strict=True), without changing the network it is given.

    >>> from minicnn import nn
    >>> net = nn.Sequential(nn.Conv2d(1, 2, 3))
    >>> try:
    ...     load_weights(net, {"conv.weight": net["conv1"].weight, "conv1.bias": net["conv1"].bias})
    ... except MinicnnError as error:
    ...     print(str(error).split(": ", 2)[2])
    the weights must fit its 2 arrays, but 0 have another shape, 1 are missing and 1 are left over; net.parameters() and net.buffers() list what it wants:
      missing: conv1.weight (2, 1, 3, 3)
      left over: conv.weight (2, 1, 3, 3)
    """
    _check(net, weights, WHAT)
    strict = check.flag(strict, "strict", WHAT)
    given = _given(net, weights, WHAT)
    try:
        if not strict:
            report = compared(net, given.arrays, given.source, given.settings)
            loaded = _with_fitting(net, given.arrays, report)
        else:
            loaded = net.with_parameters(given.arrays)
            _refuse_settings(given)
    except MinicnnError as error:
        notes = "".join(f"\n  about the file: {remark}." for remark in given.remarks)
        raise type(error)(f"{WHAT}: {given.source}: {str(error).removeprefix('network: ')}{notes}") from None
    differences = [] if strict or report.fits else [str(report).removeprefix(f"{given.source} ")]
    notify(WHAT, given.source, [*given.remarks, *differences], stacklevel=3)
    return loaded


def compare_weights(net: Network, weights) -> LoadReport:
    """Return what load_weights would load from a path or a mapping, and what is missing, left over or of another shape.

    Raises FileFormatError for a file that cannot be read; ArgumentError for something else than a network and weights.
    Source: PyTorch's load_state_dict(strict=False), which returns missing_keys and unexpected_keys.

    >>> from minicnn import nn
    >>> net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 5))
    >>> print(compare_weights(net, {**net.parameters(), "linear1.weight": np.zeros((9, 8)), "head": np.zeros(3)}))
    the mapping fits 3 of the network's 4 arrays: 0 missing, 1 left over, 1 of another shape
      another shape  linear1.weight  (9, 8)  the network wants (5, 8)
      left over      head            (3,)
    """
    what = "load.compare_weights"
    _check(net, weights, what)
    given = _given(net, weights, what)
    notify(what, given.source, given.remarks, stacklevel=3)
    return compared(net, given.arrays, given.source, given.settings)


def _check(net, weights, what: str) -> None:
    if not isinstance(net, Network):
        raise ArgumentError(f"{what}: net is a network, but it is a {type(net).__name__}; the network comes first, then the weights.")
    if not isinstance(weights, str | os.PathLike | Mapping):
        raise ArgumentError(f"{what}: weights is a path or a mapping from names to arrays, but it is a {type(weights).__name__}.")


def _given(net: Network, weights, what: str) -> Given:
    """Return the weights under the network's names, those of Keras turned."""
    if isinstance(weights, Mapping):
        return Given(weights, "the mapping", [], [])
    if not is_keras(weights, what):
        return Given(read_weights(weights, None, what, stacklevel=4), Path(weights).name, [], [])
    match, name = told(weights, what, lambda file: matched(kerasfile.contents(file), net))
    return Given(match.arrays, name, match.remarks, match.conflicts)


def _refuse_settings(given: Given) -> None:
    if given.settings:
        shown = "\n".join(f"  {line}" for line in given.settings[:12])
        raise WeightsError(
            f"network: its settings must make the file's numbers, but {len(given.settings)} differ; build it with the file's, "
            f"or keep the network's with strict=False:\n{shown}"
        )


def _with_fitting(net: Network, arrays: Mapping, report: LoadReport) -> Network:
    """Return the network with the arrays that fit; a layer that stands in two nodes stays one layer."""
    fitting, layers, made = set(report.loaded), {}, {}
    for node in net.nodes:
        if id(node.layer) not in made:
            names = (*node.layer.arrays, *node.layer.statistics)
            own = {name: arrays[f"{node.name}.{name}"] for name in names if f"{node.name}.{name}" in fitting}
            made[id(node.layer)] = node.layer.with_(**own) if own else node.layer
        layers[node.name] = made[id(node.layer)]
    return net.with_layers(layers)
