"""Which question: which arrays does this weights file hold, and under which names?

Idea: the file's kind is told from its first bytes, never from its name, and each kind has a file
of its own here, with the same two functions.

    torch.save (.pth, .pt)   torchfile.py          read(file) → arrays by name
    safetensors              safetensorsfile.py    texts(file) → the text beside them
    NumPy archive (.npz)     npzfile.py
    Keras (.keras, .h5)      kerasfile.py

Cost: that of the format; see its file.
Does not do: ONNX, GGUF (they are named and refused).
Source: each format's own documentation.  Next rooms: the four files; save.py, which writes.
"""

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from minicnn.errors import ArgumentError, FileFormatError, MinicnnError
from minicnn.load import kerasfile, npzfile, safetensorsfile, torchfile
from minicnn.load.files import HDF5, HEAD, existing_file, kind_of
from minicnn.load.kinds import widening


class WeightsNotice(UserWarning):
    """Something about loaded weights that is worth knowing: half precision was widened, an order was not known, a part did not fit."""


def weights(path, *, key: str | None = None) -> dict[str, np.ndarray]:
    """Return the arrays of a weights file by name: PyTorch (.pth), safetensors, Keras (.keras, .h5) or .npz, told apart by content.

    array[i, j, …] = storage[offset + i·stride_0 + j·stride_1 + …]

    PyTorch files are read without PyTorch and without running the file: what
    `torch.save(model.state_dict(), path)` writes, in the zip layout and in the layout
    before PyTorch 1.6. Of a checkpoint such as {"state_dict": {…}, "epoch": 3} the entry
    "state_dict", "model_state_dict" or "model" is taken when it is the only one that maps names to
    tensors; `key` names another one. Nothing in an .npz is unpickled.

    Keras files (.keras, .weights.h5 and .h5; extra `keras`) give "layer.weight", "layer.bias",
    "layer.running_mean", "layer.running_var", turned into the order of axes of this package; no layer of
    their configuration is built. load_weights(net, path) finds the nodes for them.

    Names and shapes are the file's, and so is the order, which for safetensors is alphabetical.
    float16 and bfloat16 become float32 (exactly, with a WeightsNotice); all other dtypes stay. Every
    array is a copy of its own: C-contiguous, writable, in native byte order; tensors that shared
    memory in PyTorch do not share it here.

    Raises FileFormatError for a file that is missing, of another kind, cut short or damaged, for one
    that asks to run code, and for claims that its bytes do not bear out; UnknownNameError for a key
    that is not there, ArgumentError for one where the file has no entries.
    Source: torch/serialization.py for PyTorch's layouts; the safetensors format; NumPy's NEP 1.

    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "model.npz")
    ...     np.savez(file, **{"conv1.bias": np.array([1.0, 2.0])})
    ...     weights(file)
    {'conv1.bias': array([1., 2.])}
    """
    return read_weights(path, key, "load.weights", stacklevel=3)


def read_weights(path, key: str | None, what: str, stacklevel: int) -> dict[str, np.ndarray]:
    """Return the arrays of a weights file for the public function `what`, `stacklevel` calls above this warning."""
    if key is not None and not isinstance(key, str):
        raise ArgumentError(f"{what}: key must be the str that names an entry of the file, but it is a {type(key).__name__}.")
    (arrays, remarks), name = told(path, what, lambda file: _read(file, key))
    notify(what, name, remarks, stacklevel + 1)
    return arrays


def notify(what: str, name: str, remarks: list[str], stacklevel: int) -> None:
    """Warn once for each remark about a file."""
    for remark in remarks:
        joint = " " if remark.startswith(("has ", "fits ")) else ": "
        stop = "" if "\n" in remark else "."
        warnings.warn(f"{what}: {name}{joint}{remark}{stop}", WeightsNotice, stacklevel=stacklevel)


def metadata(path) -> dict[str, str]:
    """Return the text that a safetensors or .npz file carries beside its arrays, {} where there is none.

    It is what was given to save_weights; safetensors files of other programs may have some too.
    PyTorch files have none.

    Raises FileFormatError for a file that is missing, damaged or no weights file.
    Source: the safetensors format ("__metadata__"); in an .npz, JSON in a member of that name.

    >>> import tempfile, pathlib
    >>> from minicnn import load
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "model.safetensors")
    ...     _ = load.save_weights({"w": np.zeros(3)}, path, metadata={"epoch": "3"})
    ...     metadata(path)
    {'epoch': '3'}
    """
    return told(path, "load.metadata", lambda file: _format(file).texts(file))[0]


def _read(file: Path, key: str | None) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return the arrays, and what a person should know about them."""
    found = _format(file)
    if key is not None and found is not torchfile:
        raise ArgumentError(f"has no entries to choose from, only arrays; key={key!r} is for checkpoints of torch.save, so leave it out.")
    if found is kerasfile:
        return kerasfile.read(file)
    arrays, widened = torchfile.read(file, key) if found is torchfile else found.read(file)
    return arrays, widening(widened, len(arrays))


def is_keras(path, what: str) -> bool:
    """Return whether a path leads to a file of Keras."""
    return told(path, what, _format)[0] is kerasfile


def _format(file: Path):
    """Return the module that reads this file; torchfile also says what else a file may be."""
    with file.open("rb") as stream:
        kind = kind_of(stream.read(HEAD))
    if kind == HDF5 or kind == "a zip archive" and kerasfile.is_keras_zip(file):
        return kerasfile
    if kind == "a safetensors file":
        return safetensorsfile
    return npzfile if kind == "a zip archive" and npzfile.is_npz(file) else torchfile


def told(path, what: str, work: Callable[[Path], object]):
    """Return what work makes of the file, and the file's name; whatever goes wrong is told as one sentence about the file."""
    file = existing_file(path, what)
    try:
        return work(file), file.name
    except MinicnnError as error:
        raise type(error)(f"{what}: {file.name} {error}") from None
    except PermissionError:
        raise FileFormatError(f"{what}: {file.name} may not be read by this user; change its permissions.") from None
    except Exception as error:  # whatever a damaged file makes of the readers
        raise FileFormatError(
            f"{what}: {file.name} is damaged or cut short ({type(error).__name__}: {str(error)[:200]}); fetch or save it again."
        ) from None
