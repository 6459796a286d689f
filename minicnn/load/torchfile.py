"""Which question: which tensors does a file of torch.save hold, and which of its dicts is the network?

Idea: its pickle is read without running anything, the one mapping of names to tensors in it is
found, and each tensor becomes an array of its own.

    model.pth ─► archives ─► pickles + tensors ─► {"conv1.weight": array, …}

Cost: the file's size in time and memory, twice that in memory for the older layout.
Does not do: write; guess between several mappings (`key` says which).
Source: PyTorch's "Serialization semantics" notes.  Next room: archives.py.
"""

from collections import Counter
from pathlib import Path
from typing import BinaryIO

import numpy as np

from minicnn.errors import FileFormatError, UnknownNameError, nearest
from minicnn.load.archives import Contents, is_stream, read_stream, read_zip
from minicnn.load.files import HEAD, kind_of, wants_bytes_within
from minicnn.load.kinds import WIDENED
from minicnn.load.tensors import RESAVE, Tensor, as_array

USUAL_KEYS = ("state_dict", "model_state_dict", "model")


def read(file: Path, key: str | None) -> tuple[dict[str, np.ndarray], Counter]:
    """Return the arrays by name, and how many of each kind of half precision were widened."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        contents = _contents(stream, size)
        tensors = named_tensors(contents.value, key)
        wants_bytes_within(sum(tensor.nbytes for tensor in tensors.values()), size)
        arrays = _arrays(tensors, contents)
    return arrays, Counter(tensor.kind.name for tensor in tensors.values() if tensor.kind.name in WIDENED)


def texts(file: Path) -> dict[str, str]:
    """Return {}: a file of torch.save carries no text of ours; whatever is no such file is refused."""
    with file.open("rb") as stream:
        _contents(stream, file.stat().st_size)
    return {}


def _contents(stream: BinaryIO, size: int) -> Contents:
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
        raise FileFormatError(f"is {kind}, and only PyTorch (torch.save), safetensors, Keras and .npz files are read.")
    if head[:1] == b"\x80":
        raise FileFormatError(f"is a plain Python pickle or the beginning of one, not a file of torch.save; {RESAVE}.")
    raise FileFormatError(
        f"is not a PyTorch, safetensors, Keras or .npz file (it begins with {head[:8]!r}); if it came from PyTorch, {RESAVE}."
    )


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
