"""Which question: which layers does a file of Keras hold, with which arrays?

Idea: Keras has written three kinds of file, each an HDF5 tree or a zip around one:

    .h5 (Keras 1 to 3)   layer_names = [c1, …]; c1/weight_names = [c1/kernel:0, …]; model_config in whole models
    .weights.h5          layers/conv2d/vars/0, vars/1; the second Conv2D is conv2d_1; no configuration
    .keras               a zip: config.json, metadata.json, model.weights.h5

All become a list of layers with named arrays, in Keras' order where the file has one; keras_layout.py then
turns the arrays.  Of a configuration only words and numbers are read; no layer is built and no code is run.

Cost: the file through hdf5.py's child, one copy of each array.
Does not do: optimizer states, weights cut into several files (.weights.json), quantized layers, SavedModel folders,
the kernels of Keras 1 with Theano's order of axes (they do not fit, and are refused as another shape).
Source: keras/src/saving/saving_lib.py; keras/src/legacy/saving/legacy_h5_format.py.  Next rooms: keras_layout.py, keras_into.py.
"""

import io
import re
import zipfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minicnn.errors import FileFormatError
from minicnn.load import hdf5
from minicnn.load.archives import refuse_repeated_names
from minicnn.load.files import HEAD, kind_of, wants_bytes_within
from minicnn.load.keras_config import ROW, LayerFacts, layers_in, snake
from minicnn.load.keras_layout import (
    AFFINE,
    DENSE,
    DEPTHWISE,
    FIELDS,
    FOUR_AXES,
    KINDS,
    NORM,
    KerasLayer,
    arrays_of,
    fits,
    kind_from,
    numbered,
    split,
)
from minicnn.load.kinds import widening

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
CONTAINERS = ("layers", "_layer_checkpoint_dependencies")  # groups that only hold others
CLASSES = {snake(name): name for name in [*KINDS, "SeparableConv2D"]}


class KerasFile(NamedTuple):
    """What a file holds: its layers; "all" where they lie in the network's order, "kind" where those of one class do, or "";
    whether there is a configuration."""

    layers: list[KerasLayer]
    order: str
    configured: bool
    remarks: list[str]


def is_keras_zip(file: Path) -> bool:
    """Return whether a zip file is what Keras 3 writes as .keras."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return False
    return WEIGHTS in names and CONFIG in names


def read(file: Path) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return the arrays by name, turned, and what a person should know about them."""
    found = contents(file)
    arrays: dict[str, np.ndarray] = {}
    for name, layer in named(found.layers):
        arrays.update({f"{name}.{field}": array for field, array in arrays_of(layer).items()})
    return arrays, [*found.remarks, *_unturned(found)]


def texts(file: Path) -> dict[str, str]:
    """Return {}: files of Keras carry no text of ours; whatever is no such file is refused."""
    contents(file)
    return {}


def contents(file: Path) -> KerasFile:
    """Return the layers of a Keras file of any kind."""
    with file.open("rb") as stream, hdf5.Reader() as reader:
        if kind_of(stream.read(HEAD)) == "a zip archive":
            stream.seek(0)
            config, data = _zipped(stream, file.stat().st_size)
            return _by_number(reader.read(io.BytesIO(data), len(data)), layers_in(config))
        stream.seek(0)
        tree = reader.read(stream, file.stat().st_size)
    root = "model_weights" if "model_weights" in tree.groups else ""
    if _texts(tree, root, "layer_names") is not None:
        return _by_name(tree, root)
    if any(path.split("/")[-1] == "vars" for path in tree.groups):
        return _by_number(tree, None)
    raise FileFormatError(
        f"is an HDF5 file with neither Keras' layer_names nor its vars (groups: {', '.join(list(tree.groups)[1:6]) or 'none'}); "
        "save the model with model.save_weights('name.weights.h5'), or its arrays with numpy.savez."
    )


def named(layers: list[KerasLayer]) -> list[tuple[str, KerasLayer]]:
    """Return each layer with a name of its own: the author's, or its path where two parts of a model use one name."""
    times = Counter(layer.name for layer in layers)
    return [(layer.name if times[layer.name] == 1 else _place(layer), layer) for layer in layers]


def _place(layer: KerasLayer) -> str:
    part = re.search(r"\.(depthwise|pointwise)$", layer.name)
    return layer.path.replace("/", ".") + (part[0] if part else "")


def _unturned(found: KerasFile) -> list[str]:
    """Return a remark for Dense layers whose columns may count a flattened map in Keras' order."""
    dense = [layer for layer in found.layers if layer.kind == DENSE]
    if found.configured:
        doubtful = [layer.name for layer in dense if layer.lost]
    else:
        outputs = {array.shape[-1] for layer in found.layers for array in layer.arrays.values() if array.ndim}
        doubtful = [layer.name for layer in dense if layer.arrays["kernel"].shape[0] not in outputs]
    if not doubtful or not any(layer.kind in FOUR_AXES for layer in found.layers):  # without a convolution there is no map
        return []
    return [
        f"the file does not tell how many channels a Flatten before {', '.join(doubtful[:8])} folds, so a flattened map's columns stay in "
        "Keras' order (row, column, channel); load.load_weights(net, path) takes it from the network"
    ]


def _zipped(stream, size: int) -> tuple[str, bytes]:
    """Return the configuration and the HDF5 file in a .keras."""
    with zipfile.ZipFile(stream) as archive:
        listed = archive.infolist()
        refuse_repeated_names(listed)
        wanted = {entry.filename: entry for entry in listed if entry.filename in (CONFIG, WEIGHTS)}
        wants_bytes_within(sum(entry.file_size for entry in wanted.values()), size)
        return archive.read(wanted[CONFIG]).decode(), archive.read(wanted[WEIGHTS])


def _texts(tree: hdf5.Tree, group: str, name: str) -> list[str] | None:
    """Return a list of texts of a group; Keras cuts one that is long for HDF5 into name0, name1, …"""
    found = tree.groups.get(group, {})
    if isinstance(found.get(name), list):
        return found[name]
    parts = []
    while isinstance(part := found.get(f"{name}{len(parts)}"), list):
        parts.append(part)
    return [text for part in parts for text in part] if parts else None


def _by_name(tree: hdf5.Tree, root: str) -> KerasFile:
    """Return the layers of a .h5, whose names and order are in its attributes."""
    config = tree.groups[""].get("model_config")
    facts = {entry.name: entry for entry in layers_in(config)} if isinstance(config, str) and config else {}
    layers: list[KerasLayer] = []
    names = _texts(tree, root, "layer_names")
    _refuse_repeated(names)
    for outer in names:
        group = f"{root}/{outer}".lstrip("/")
        parts: dict[str, dict[str, np.ndarray]] = {}
        for weight in _texts(tree, group, "weight_names") or []:
            path = f"{group}/{weight}"
            if path not in tree.arrays:
                raise FileFormatError(f"names the array {path[:80]!r} and does not hold it; it is damaged or cut short.")
            inner, field = split(weight)
            parts.setdefault(inner, {})[field] = tree.arrays[path]
        for inner, arrays in parts.items():
            last = inner.split("/")[-1]
            name = outer if len(parts) == 1 and last not in facts else last
            layers += _layers(name, f"{outer}/{inner}", arrays, facts.get(name))
    return _file(layers, "all", bool(facts), tree)


def _by_number(tree: hdf5.Tree, config: list[LayerFacts] | None) -> KerasFile:
    """Return the layers of a .weights.h5, whose arrays are numbered; a configuration gives their order and names."""
    facts = {entry.path: entry for entry in config or []}
    numbers: dict[str, dict[int, np.ndarray]] = {}
    for path, array in tree.arrays.items():
        *parents, last = path.split("/")
        if parents and parents[-1] == "vars" and last.isdecimal():
            numbers.setdefault("/".join(parents[:-1]), {})[int(last)] = array
    layers: list[KerasLayer] = []
    for group, arrays in sorted(numbers.items(), key=lambda item: _natural(item[0])):
        path = "/".join(part for part in group.split("/") if part not in CONTAINERS)
        given = tree.groups[f"{group}/vars".lstrip("/")].get("name")
        known = facts.get(path)
        name = known.name if known else given if isinstance(given, str) and given else path.replace("/", ".") or "model"
        kind = known.kind if known else CLASSES.get(_class(path.split("/")[-1]))
        layers += _layers(name, path, _fields(kind, [arrays[n] for n in sorted(arrays)], known), known, kind)
    if config is not None:
        order = {path: place for place, path in enumerate(facts)}
        layers.sort(key=lambda layer: order.get(layer.path, len(order)))
    words = [layer.path.rpartition("/") for layer in layers]  # numbers that count a class are in the order of one container
    flat = len({outer for outer, _, _ in words}) < 2 and all(_class(word) in CLASSES for _, _, word in words)
    return _file(layers, "all" if config is not None else "kind" if flat else "", config is not None, tree)


def _class(word: str) -> str:
    return re.sub(r"_\d+$", "", word)


def _natural(path: str) -> list:
    """Return a key that sorts conv2d_2 before conv2d_10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", path)]


def _fields(kind: str | None, arrays: list[np.ndarray], known: LayerFacts | None) -> dict[str, np.ndarray]:
    """Return numbered arrays by the names that they have in a layer of that class, or by their numbers."""
    sort = "separable" if kind == "SeparableConv2D" else KINDS.get(kind)
    names = numbered(sort, len(arrays), known.settings if known else None) if sort else None
    if names is None and kind is None:  # a class of the author's own: what its shapes say
        axes = [array.ndim for array in arrays]
        names = ("kernel", "bias") if axes in ([4, 1], [2, 1]) else ("kernel",) if axes in ([4], [2]) else None
        names = FIELDS[NORM] if axes == [1] * 4 else names
    return dict(zip(names or map(str, range(len(arrays))), arrays, strict=True))


def _layers(name: str, path: str, arrays: dict[str, np.ndarray], known: LayerFacts | None, kind: str | None = None) -> list[KerasLayer]:
    """Return one layer of the file as ours, or as two where it is a SeparableConv2D."""
    kind = known.kind if known else kind
    if set(arrays) - {"bias"} == {"depthwise_kernel", "pointwise_kernel"}:
        pointwise = {"kernel": arrays["pointwise_kernel"], **({"bias": arrays["bias"]} if "bias" in arrays else {})}
        return [
            KerasLayer(f"{name}.depthwise", path, DEPTHWISE, {"kernel": arrays["depthwise_kernel"]}),
            KerasLayer(f"{name}.pointwise", path, "conv", pointwise),
        ]
    sort = KINDS.get(kind) if kind else kind_from(name, arrays)
    sort = sort if sort and fits(sort, arrays) else None
    layer = KerasLayer(name, path, sort, arrays, certain=kind is not None or sort not in FOUR_AXES)
    if known is None:
        return [layer]
    number = {field: known.settings.get(field) for field in ("epsilon", "momentum")}
    number = {field: float(value) for field, value in number.items() if isinstance(value, int | float)}
    row = known.given is not None and known.given.kind == ROW
    return [
        layer._replace(
            channels=known.given.channels if row else None,
            lost=sort == DENSE and known.given is None,
            reshaped=known.reshaped,
            **(number if sort in (NORM, AFFINE) else {}),
        )
    ]


def _refuse_repeated(names: list[str]) -> None:
    if len(set(names)) < len(names):
        twice = Counter(names).most_common(1)[0][0]
        raise FileFormatError(f"names the layer {twice[:80]!r} twice, so it is not clear which is meant; it is damaged or hostile.")


def _file(layers: list[KerasLayer], order: str, configured: bool, tree: hdf5.Tree) -> KerasFile:
    if not layers:
        raise FileFormatError("is a file of Keras without a single array; save the model after it has been built.")
    _refuse_repeated([name for name, _ in named(layers)])
    strange = [layer.name for layer in layers if layer.kind is None]
    remarks = widening(tree.widened, len(tree.arrays))
    if strange:
        remarks.append(
            f"the arrays of {', '.join(strange[:8])} are as they were in the file: not of a layer that is converted, or of one that a "
            ".weights.h5 does not tell enough about (a .keras does)"
        )
    reshaped = [layer.name for layer in layers if layer.reshaped]
    if reshaped:
        remarks.append(f"the outputs of {', '.join(reshaped[:8])} are cut into a map and stay in Keras' order (row, column, channel)")
    return KerasFile(layers, order, configured, remarks)
