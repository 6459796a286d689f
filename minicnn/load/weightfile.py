"""Which question: which arrays does this PyTorch file hold, and under which names?

Idea: the file's kind is told from its first bytes, its pickle is read without running anything, the
one mapping of names to tensors in it is found, and each tensor becomes an array of its own.

    model.pth ─► archives ─► pickles + tensors ─► {"conv1.weight": array, …}

Cost: the file's size in time and memory, twice that in memory for the older layout.
Does not do: write files; read safetensors, ONNX, HDF5 or NumPy archives (they are named and refused).
Source: PyTorch's "Serialization semantics" notes.  Next room: models, which checks these names.
"""

import warnings
from collections import Counter
from pathlib import Path

import numpy as np

from minicnn.errors import ArgumentError, FileFormatError, MinicnnError, UnknownNameError, nearest
from minicnn.load.archives import Contents, is_stream, read_stream, read_zip
from minicnn.load.files import HEAD, existing_file, kind_of
from minicnn.load.tensors import RESAVE, WIDENED, Tensor, as_array

USUAL_KEYS = ("state_dict", "model_state_dict", "model")
# Expanded and shared tensors may unpack to more than the file, within reason.
FREE_BYTES, TIMES_THE_FILE = 2**26, 16


class WeightsNotice(UserWarning):
    """Something about loaded weights that is harmless and worth knowing: half precision was widened."""


def weights(path, *, key: str | None = None) -> dict[str, np.ndarray]:
    """Return the arrays of a PyTorch weights file (.pth, .pt) by name, without PyTorch and without running the file.

    array[i, j, …] = storage[offset + i·stride_0 + j·stride_1 + …]

    Reads what `torch.save(model.state_dict(), path)` writes, in the zip layout and in the layout
    before PyTorch 1.6. Of a checkpoint such as {"state_dict": {…}, "epoch": 3} the entry
    "state_dict", "model_state_dict" or "model" is taken when it is the only one that maps names to
    tensors; `key` names another one.

    Names, order and shapes are the file's. float16 and bfloat16 become float32 (exactly, with a
    WeightsNotice); all other dtypes stay. Every array is a copy of its own: C-contiguous, writable,
    in native byte order; tensors that shared memory in PyTorch do not share it here.

    Raises FileFormatError for a file that is missing, of another kind, cut short or damaged, for one
    that asks to run code, and for claims that its bytes do not bear out; UnknownNameError for a key
    that is not there.
    Source: torch/serialization.py for the layouts.

    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "model.safetensors")
    ...     _ = file.write_bytes(bytes([2, 0, 0, 0, 0, 0, 0, 0]) + b'{"}')
    ...     try:
    ...         weights(file)
    ...     except FileFormatError as error:
    ...         print(error)
    load.weights: model.safetensors is a safetensors file, and only PyTorch files (torch.save) are read in this version.
    """
    if key is not None and not isinstance(key, str):
        raise ArgumentError(f"load.weights: key must be the str that names an entry of the file, but it is a {type(key).__name__}.")
    file = existing_file(path, "load.weights")
    try:
        arrays, widened = _read(file, key)
    except MinicnnError as error:
        raise type(error)(f"load.weights: {file.name} {error}") from None
    except PermissionError:
        raise FileFormatError(f"load.weights: {file.name} may not be read by this user; change its permissions.") from None
    except Exception as error:  # whatever a damaged file makes of the zip and pickle readers
        raise FileFormatError(
            f"load.weights: {file.name} is damaged or cut short ({type(error).__name__}: {str(error)[:200]}); fetch or save it again."
        ) from None
    if widened:
        words = " and ".join(f"{count} {name}" for name, count in widened.items())
        warnings.warn(
            f"load.weights: {file.name} has {words} of {len(arrays)} tensors, now float32 (exactly).", WeightsNotice, stacklevel=2
        )
    return arrays


def _read(file: Path, key: str | None) -> tuple[dict[str, np.ndarray], Counter]:
    size = file.stat().st_size
    with file.open("rb") as stream:
        contents = _contents(stream, size)
        tensors = named_tensors(contents.value, key)
        room = FREE_BYTES + TIMES_THE_FILE * size
        total = sum(tensor.nbytes for tensor in tensors.values())
        if total > room:
            raise FileFormatError(
                f"claims tensors of {total:,} bytes, but {size:,} bytes of file are trusted with at most "
                f"{TIMES_THE_FILE}·{size:,} + {FREE_BYTES:,} = {room:,}; it is damaged or hostile."
            )
        arrays = _arrays(tensors, contents)
    return arrays, Counter(tensor.kind.name for tensor in tensors.values() if tensor.kind.name in WIDENED)


def _contents(stream, size: int) -> Contents:
    """Return what the file holds by its layout, or say what other kind of file it is."""
    head = stream.read(HEAD)
    stream.seek(0)
    if is_stream(head):
        return read_stream(stream.read())
    kind = kind_of(head)
    if kind == "a zip archive":
        return read_zip(stream, size)
    if kind == "a tar archive":
        raise FileFormatError(f"is a tar archive, the layout of PyTorch before 0.1.10, which is not read; with a later PyTorch, {RESAVE}.")
    if kind:
        raise FileFormatError(f"is {kind}, and only PyTorch files (torch.save) are read in this version.")
    if head[:1] == b"\x80":
        raise FileFormatError(f"is a plain Python pickle or the beginning of one, not a file of torch.save; {RESAVE}.")
    raise FileFormatError(f"is not a PyTorch file (it begins with {head[:8]!r}); {RESAVE}.")


def named_tensors(value, key: str | None) -> dict[str, Tensor]:
    """Return the mapping of names to tensors in the value of a file."""
    if type(value) is Tensor:
        raise FileFormatError("holds one tensor without a name; save it as a dict, torch.save({'name': tensor}, path).")
    if type(value) is not dict:
        raise FileFormatError(f"holds a {type(value).__name__}, and weights are a dict of names and tensors; {RESAVE}.")
    if key is not None:
        if key not in value:
            raise UnknownNameError(f"has no entry {key!r}.{nearest(str(key), [str(name) for name in value])}")
        return _only_tensors(value[key], f"its entry {key!r}")
    if any(type(entry) is Tensor for entry in value.values()) and not _holders(value):
        return _only_tensors(value, "its dict")
    holders = _holders(value)
    if len(holders) == 1 and holders[0] in USUAL_KEYS:
        return _only_tensors(value[holders[0]], f"its entry {holders[0]!r}")
    if holders:
        shown = ", ".join(map(_shown, holders[:20]))
        raise FileFormatError(
            f"has {len(holders)} entr{'y that maps' if len(holders) == 1 else 'ies that map'} names to tensors ({shown}) among the keys "
            f"{_listed(value)}; say which one you mean: load.weights(path, key={_shown(holders[0])})."
        )
    raise FileFormatError(f"holds no tensors by name (keys: {_listed(value)}); {RESAVE}.")


def _holders(value: dict) -> list:
    """Return the keys of the entries that map something to tensors directly."""
    return [key for key, entry in value.items() if type(entry) is dict and any(type(item) is Tensor for item in entry.values())]


def _only_tensors(value, where: str) -> dict[str, Tensor]:
    if type(value) is not dict or not value:
        raise FileFormatError(f"has no tensors by name in {where}; {RESAVE}.")
    for name, entry in value.items():
        if type(name) is not str:
            raise FileFormatError(f"has the key {_shown(name)} in {where}, and the name of a tensor must be a str; {RESAVE}.")
        if type(entry) is not Tensor:
            raise FileFormatError(
                f"has a {type(entry).__name__} under {_shown(name)} in {where}, next to tensors; save only the tensors, "
                f"torch.save({{k: v for k, v in d.items() if torch.is_tensor(v)}}, path)."
            )
    return value


def _shown(key) -> str:
    return repr(key[:60] if isinstance(key, str | bytes) else key)


def _listed(value: dict) -> str:
    names = [_shown(key) for key in list(value)[:20]]
    return (", ".join(names) or "none") + (f", … ({len(value)} in all)" if len(value) > 20 else "")


def _arrays(tensors: dict[str, Tensor], contents: Contents) -> dict[str, np.ndarray]:
    """Return the arrays in the file's order, reading each storage once however many tensors view it."""
    views: dict[str, list[str]] = {}
    for name, tensor in tensors.items():
        views.setdefault(tensor.storage.key, []).append(name)
    arrays: dict[str, np.ndarray] = {}
    for names in views.values():
        block = contents.fetch(tensors[names[0]].storage)
        for name in names:
            arrays[name] = as_array(tensors[name], block, contents.order)
    return {name: arrays[name] for name in tensors}
