"""Keras' three kinds of file, written by h5py alone at tiny widths: what the tests of their reader read."""

import contextlib
import io
import json
import zipfile

import numpy as np
import pytest

from minicnn.load import hdf5 as reading

h5py = pytest.importorskip("h5py", reason='h5py is not installed: pip install "minicnn-engine[keras]"')  # whoever imports this skips too


@contextlib.contextmanager
def one_reader():
    """Keep one process for all HDF5 files, where each call would start its own."""
    with reading.Reader() as reader, contextlib.ExitStack() as undo:
        undo.callback(setattr, reading, "Reader", reading.Reader)
        reading.Reader = lambda: contextlib.nullcontext(reader)
        yield reader


def counting(*shape, start=1, dtype=np.float32) -> np.ndarray:
    """Small whole numbers, all different enough that a wrong order shows."""
    return ((np.arange(np.prod(shape, dtype=int)) * 7 + start) % 23 - 11).reshape(shape).astype(dtype)


def hdf5(fill, **options) -> bytes:
    stream = io.BytesIO()
    with h5py.File(stream, "w", **options) as file:
        fill(file)
    return stream.getvalue()


def by_name(layers: dict[str, dict[str, np.ndarray]], config: dict | None = None, **options) -> bytes:
    """A .h5 of Keras 1 to 3: {layer: {weight's full name: array}}; with a configuration it is a whole model's."""

    def fill(file):
        root = file if config is None else file.create_group("model_weights")
        if config is not None:
            file.attrs["model_config"] = json.dumps(config).encode()
        root.attrs["layer_names"] = np.array([name.encode() for name in layers])
        root.attrs["backend"], root.attrs["keras_version"] = b"tensorflow", b"2.4.0"
        for name, weights in layers.items():
            group = root.create_group(name)
            group.attrs["weight_names"] = np.array([weight.encode() for weight in weights]) if weights else np.zeros(0)
            for weight, array in weights.items():
                group.create_dataset(weight, data=array)

    return hdf5(fill, **options)


def by_number(layers: dict[str, list[np.ndarray]], names: dict[str, str] | None = None, **options) -> bytes:
    """A .weights.h5 of Keras 3: {path: arrays}."""

    def fill(file):
        for path, arrays in layers.items():
            group = file.create_group(f"{path}/vars")
            if names is not None:
                group.attrs["name"] = names[path]
            for number, array in enumerate(arrays):
                group[str(number)] = array

    return hdf5(fill, **options)


def zipped(config: dict | str, weights: bytes, **options) -> bytes:
    """A .keras."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", **options) as archive:
        archive.writestr("metadata.json", '{"keras_version": "3.15.1"}')
        archive.writestr("config.json", config if isinstance(config, str) else json.dumps(config))
        archive.writestr("model.weights.h5", weights)
    return stream.getvalue()


def layer(kind: str, name: str, *before: str, **settings) -> dict:
    """One layer of a configuration, in Keras 3's spelling; `before` are the layers that it takes its inputs from."""
    entry = {"class_name": kind, "config": {"name": name, **settings}}
    tensors = [{"class_name": "__keras_tensor__", "config": {"shape": [None], "keras_history": [source, 0, 0]}} for source in before]
    if before:
        entry["inbound_nodes"] = [{"args": [tensors if len(tensors) > 1 else tensors[0]], "kwargs": {}}]
    return entry


def sequential(*layers: dict) -> dict:
    return {"class_name": "Sequential", "config": {"name": "sequential", "layers": list(layers)}}


def functional(*layers: dict, outputs=None) -> dict:
    config = {"name": "functional", "layers": list(layers)}
    return {"class_name": "Functional", "config": config | ({"output_layers": outputs} if outputs else {})}
