"""Which question: what is in a NumPy archive (.npz), and how is one written?

Idea: a zip of .npy members, each a short header (kind, order, shape) and the bytes of one array.

    conv1.weight.npy    {'descr': '<f4', 'fortran_order': False, 'shape': (6, 1, 5, 5), } · 600 bytes
    __metadata__.npy    JSON text as an array of bytes, which np.load reads like any other array

A header is compared with the member's size before an array is made of it, and members that hold
Python objects, which would have to be unpickled, are refused.  A zip notes when each member was
written; ours note the first day that a zip can, so that the same weights are the same bytes.

Cost: the file's size, and one copy of each array.
Does not do: compress; arrays of text, dates, objects or fields.
Source: NumPy Enhancement Proposal 1, "A simple file format for NumPy arrays".  Next room: save.py.
"""

import io
import json
import math
import zipfile
from collections import Counter
from pathlib import Path
from typing import BinaryIO

import numpy as np

from minicnn.errors import FileFormatError
from minicnn.load.archives import refuse_repeated_names
from minicnn.load.files import wants_bytes_within
from minicnn.load.kinds import READ_AS, WIDENED, own_array

METADATA = "__metadata__"
FIRST_DAY = (1980, 1, 1, 0, 0, 0)
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def is_npz(file: Path) -> bool:
    """Return whether a zip file holds .npy members and not the pickle of a PyTorch file."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return False
    return any(name.endswith(".npy") for name in names) and not any(name.endswith("/data.pkl") for name in names)


def read(file: Path) -> tuple[dict[str, np.ndarray], Counter]:
    """Return the arrays by name, in the file's order, and how many float16 were widened."""
    arrays, widened = {}, Counter()
    with zipfile.ZipFile(file) as archive:
        for name, entry in _members(archive, file.stat().st_size).items():
            if name != METADATA:
                values, kind = _array(archive.read(entry), name)
                arrays[name] = own_array(values.view(np.uint8) if kind == "bool" else values, kind)
                widened.update([kind] if kind in WIDENED else [])
    return arrays, widened


def texts(file: Path) -> dict[str, str]:
    """Return the text that save_weights wrote beside the arrays, {} where there is none."""
    with zipfile.ZipFile(file) as archive:
        members = _members(archive, file.stat().st_size)
        if METADATA not in members:
            return {}
        values, kind = _array(archive.read(members[METADATA]), METADATA)
    try:
        notes = json.loads(values.tobytes()) if kind == "uint8" else None
    except ValueError:
        notes = None
    if not isinstance(notes, dict) or not all(isinstance(text, str) for text in notes.values()):
        raise FileFormatError(f"has a member {METADATA!r} that is not JSON of names and texts; save it with load.save_weights.")
    return notes


def _members(archive: zipfile.ZipFile, size: int) -> dict[str, zipfile.ZipInfo]:
    """Return the entries of the zip by the names of their arrays, their claims within bounds."""
    listed = archive.infolist()
    refuse_repeated_names(listed)
    wants_bytes_within(sum(entry.file_size for entry in listed), size)
    for entry in listed:
        if not entry.filename.endswith(".npy"):
            raise FileFormatError(f"holds {entry.filename[:80]!r} among its arrays; every member of a NumPy archive must be a .npy.")
    return {entry.filename.removesuffix(".npy"): entry for entry in listed}


def _array(data: bytes, name: str) -> tuple[np.ndarray, str]:
    """Return one .npy member as a view of its bytes, and its kind; read as np.load(allow_pickle=False) would."""
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    if version not in HEADERS:
        raise FileFormatError(f"has version {version[0]}.{version[1]} of the .npy format under {name[:80]!r}; weights need 1.0 or 2.0.")
    shape, fortran, dtype = HEADERS[version](stream)
    if dtype.hasobject:
        raise FileFormatError(f"holds Python objects under {name[:80]!r}, which are never unpickled here; save arrays of numbers.")
    if dtype.subdtype is not None or dtype.name not in READ_AS:
        raise FileFormatError(f"holds an array of {dtype} under {name[:80]!r}, and weights are numbers; leave it out before saving.")
    claimed, have = math.prod(shape) * dtype.itemsize, len(data) - stream.tell()
    if claimed != have:
        raise FileFormatError(f"claims {claimed:,} bytes for {name[:80]!r} but holds {have:,}; it is damaged or cut short.")
    values = np.frombuffer(memoryview(data)[stream.tell() :], dtype)
    return values.reshape(shape, order="F" if fortran else "C"), dtype.name


def write(stream: BinaryIO, arrays: dict[str, np.ndarray], notes: dict[str, str]) -> None:
    """Write little-endian, C-contiguous arrays and their notes as one NumPy archive.

    >>> stream = io.BytesIO()
    >>> write(stream, {"conv1.bias": np.array([1.0, 2.0])}, {"epoch": "3"})
    >>> found = np.load(io.BytesIO(stream.getvalue()))
    >>> found["conv1.bias"], found["__metadata__"].tobytes()
    (array([1., 2.]), b'{"epoch":"3"}')
    """
    if notes:
        text = json.dumps(notes, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        arrays = {METADATA: np.frombuffer(text, np.uint8), **arrays}
    with zipfile.ZipFile(stream, "w") as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy", FIRST_DAY)
            entry.create_system, entry.external_attr = 3, 0o644 << 16  # as on Unix, wherever it was written
            with archive.open(entry, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
