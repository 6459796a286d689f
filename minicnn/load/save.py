"""Which question: how do weights become a file?

Idea: everything is checked before anything is written, and the file is either whole or not there (whole.py).

    weights ─ check ─► bytes ─► model.safetensors

A file depends on nothing but what is in it: no dates, no order of a hash table.

Cost: one copy of arrays that are not C-contiguous and little-endian; the disk.
Does not do: PyTorch's format (a pickle), compression, complex numbers, merging into a file.
Source: each format's own, named in its file.  Next room: into.py, the way back into a network.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from minicnn import check
from minicnn.errors import ArgumentError, DTypeError, WeightsError
from minicnn.load import npzfile, safetensorsfile
from minicnn.load.whole import named_path, written
from minicnn.network import Network

WHAT = "load.save_weights"
WRITERS = {".safetensors": safetensorsfile.write, ".npz": npzfile.write}
LONGEST = 1000  # characters of a name


def save_weights(weights, path, *, metadata: Mapping[str, str] | None = None, overwrite: bool = False) -> Path:
    """Write a network's parameters and buffers, or a mapping from names to arrays, and return the path.

    The suffix of path chooses the format: .safetensors or .npz. load.weights(path) reads both back,
    bit for bit, and load.metadata(path) the texts given as `metadata`; PyTorch reads the first with
    safetensors.torch.load_file, NumPy the second with np.load. Arrays are of integers, bools or
    floats of 16, 32 or 64 bits. The same arrays and texts are the same bytes.

    The file is written whole or not at all. One that is there is replaced only with overwrite=True.

    Raises ArgumentError for a file that is there, another suffix, names and texts that are none;
    DTypeError for arrays of something else; WeightsError for a network without numbers; FileFormatError
    where the system refuses: no such folder, no permission, a full disk.
    Source: the safetensors format; NumPy's NEP 1.

    >>> import tempfile
    >>> from minicnn import load, nn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = save_weights(nn.Sequential(nn.Conv2d(1, 2, (3, 5))), Path(folder, "model.npz"))
    ...     {name: array.shape for name, array in load.weights(path).items()}
    {'conv1.weight': (2, 1, 3, 5), 'conv1.bias': (2,)}
    """
    check.flag(overwrite, "overwrite", WHAT)
    arrays, notes = _arrays(weights), _notes(metadata)
    file = _target(path)
    write = WRITERS[file.suffix.lower()]
    written(path, lambda stream: write(stream, arrays, notes), overwrite=overwrite, what=WHAT)
    return file


def _arrays(weights) -> dict[str, np.ndarray]:
    """Return the arrays to write by name: C-contiguous, little-endian, checked."""
    if isinstance(weights, Network):
        weights = {**weights.parameters(), **weights.buffers()}
        if not all(isinstance(array, np.ndarray) for array in weights.values()):
            raise WeightsError(
                f"{WHAT}: the network is shape-only, so it has no numbers to save; build it with rng=, or load weights first."
            )
    if not isinstance(weights, Mapping):
        raise ArgumentError(f"{WHAT}: weights is a network or a mapping from names to arrays, but it is a {type(weights).__name__}.")
    if not weights:
        raise ArgumentError(f"{WHAT}: there must be at least one array to save, but there is none.")
    return {_name(name): _plain(array, name) for name, array in weights.items()}


def _name(name) -> str:
    sound = isinstance(name, str) and 0 < len(name) <= LONGEST and name.isprintable() and "\\" not in name
    if not sound or name == npzfile.METADATA:
        shown = repr(name[:60]) if isinstance(name, str) else repr(name)
        raise ArgumentError(
            f"{WHAT}: the name of an array is a printable str of 1 to {LONGEST:,} characters without a backslash, other than "
            f"{npzfile.METADATA!r}, but it is {shown}; rename it."
        )
    return name


def _plain(array, name: str) -> np.ndarray:
    if isinstance(array, np.ma.MaskedArray):
        raise DTypeError(f"{WHAT}: {name!r} is a masked array, whose mask would be lost; fill it first, with .filled(0).")
    if not isinstance(array, np.ndarray | np.generic):
        remedy = "pass its .numpy()" if hasattr(array, "numpy") else "pass np.asarray(value)"
        raise DTypeError(f"{WHAT}: {name!r} must be a NumPy array, but it is a {type(array).__name__}; {remedy}.")
    array = np.asarray(array)
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        remedy = "save its .real and .imag" if array.dtype.kind == "c" else "convert it with .astype(np.float64), or leave it out"
        raise DTypeError(
            f"{WHAT}: {name!r} must hold integers, bools or floats of up to 64 bits, but its dtype is {array.dtype}; {remedy}."
        )
    return np.asarray(array, array.dtype.newbyteorder("<"), order="C")


def _notes(metadata) -> dict[str, str]:
    if metadata is None:
        return {}
    if not isinstance(metadata, Mapping):
        raise ArgumentError(f"{WHAT}: metadata is a mapping from names to texts, but it is a {type(metadata).__name__}.")
    for name, text in metadata.items():
        if not isinstance(name, str) or not isinstance(text, str):
            raise ArgumentError(
                f"{WHAT}: metadata is text by name, but it has {text!r:.60} under {name!r:.60}; write numbers as str(value), "
                f"anything else as json.dumps(value)."
            )
        if not _is_utf8(name + text):
            raise ArgumentError(f"{WHAT}: metadata must be text that UTF-8 can write, but {name!r:.60} has a lone surrogate; remove it.")
    return dict(metadata)


def _is_utf8(text: str) -> bool:
    try:
        return bool(text.encode()) or not text
    except UnicodeEncodeError:
        return False


def _target(path) -> Path:
    """Return the file to write, when its suffix names a format."""
    file = named_path(path, WHAT)
    if file.suffix.lower() not in WRITERS:
        remedy = "PyTorch reads .safetensors too" if file.suffix in (".pth", ".pt") else f"call it {file.stem or 'model'}.safetensors"
        raise ArgumentError(f"{WHAT}: weights are written as .safetensors or .npz, but the file is called {file.name!r}; {remedy}.")
    return file
