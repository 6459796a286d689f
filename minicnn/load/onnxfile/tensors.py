"""Which question: which array does a tensor of an ONNX file stand for?

Idea: a tensor says its type, its sizes, and where its numbers are: as raw bytes, as a list of numbers, or in
another file beside the model.  All three are claims.  Sizes must account for every byte that is there, and a file
beside the model must lie inside the model's own folder, links followed.

    raw_data            little-endian bytes, dims × itemsize of them
    float_data, …       a list; float16 and bfloat16 as their bits in int32_data
    external_data       location (relative), offset, length: bytes of another file

Cost: one copy of each tensor.  float16 and bfloat16 become float32, which holds each of their values.
Does not do: strings, complex numbers, 8-bit floats, 4-bit integers, sparse tensors.
Source: onnx.proto (TensorProto); ONNX's "External Data".  Next room: building.py.
"""

from math import prod
from pathlib import Path

import numpy as np

from minicnn.errors import FileFormatError
from minicnn.load.kinds import READ_AS, own_array

# TensorProto.DataType → (our word for the kind, the field that lists its numbers)
KINDS = {
    1: ("float32", "float_data"), 11: ("float64", "double_data"), 10: ("float16", "int32_data"), 16: ("bfloat16", "int32_data"),
    7: ("int64", "int64_data"), 6: ("int32", "int32_data"), 5: ("int16", "int32_data"), 3: ("int8", "int32_data"),
    2: ("uint8", "int32_data"), 4: ("uint16", "int32_data"), 12: ("uint32", "uint64_data"), 13: ("uint64", "uint64_data"),
    9: ("bool", "int32_data"),
}  # fmt: skip
EXTERNAL = 1  # TensorProto.DataLocation
MOST_AXES = 32


def array_of(tensor, folder: Path | None) -> np.ndarray:
    """Return a TensorProto's numbers; `folder` is where files beside the model may lie, None where there is none."""
    name = repr(tensor.name[:60])
    if tensor.data_type not in KINDS:
        raise FileFormatError(
            f"holds tensor {name} of ONNX's data type {tensor.data_type}, which is not read; float32, float64 and integers are."
        )
    kind, field = KINDS[tensor.data_type]
    shape = tuple(tensor.dims)
    if len(shape) > MOST_AXES or any(n < 0 for n in shape):
        raise FileFormatError(f"claims tensor {name} to have the shape {shape[:8]}; it is damaged or hostile.")
    read_as = np.dtype(READ_AS[kind]).newbyteorder("<")
    if tensor.data_location == EXTERNAL:
        values = np.frombuffer(_beside(tensor, folder, prod(shape) * read_as.itemsize), read_as)
    elif tensor.HasField("raw_data"):
        if len(tensor.raw_data) != prod(shape) * read_as.itemsize:
            raise FileFormatError(
                f"claims tensor {name} to be {kind} of shape {shape}, {prod(shape) * read_as.itemsize:,} bytes, "
                f"but {len(tensor.raw_data):,} are there; it is damaged."
            )
        values = np.frombuffer(tensor.raw_data, read_as)
    else:
        values = _listed(getattr(tensor, field), prod(shape), kind, read_as, name)
    return own_array(values.reshape(shape), kind)


def _listed(numbers, count: int, kind: str, read_as: np.dtype, name: str) -> np.ndarray:
    if len(numbers) != count:
        raise FileFormatError(f"claims tensor {name} to have {count:,} numbers, but {len(numbers):,} are listed; it is damaged.")
    try:
        wide = np.array(numbers, np.int64 if read_as.kind in "iu" and read_as.itemsize < 8 or kind in ("float16", "bfloat16") else None)
        return wide.astype(np.uint16).view(np.float16) if kind == "float16" else wide.astype(read_as)
    except (OverflowError, ValueError) as error:
        raise FileFormatError(f"lists numbers for tensor {name} that are no {kind} ({error}); it is damaged.") from None


def _beside(tensor, folder: Path | None, nbytes: int) -> bytes:
    """Return the bytes of a tensor that lie in another file, which must be inside the model's folder."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    name, location = repr(tensor.name[:60]), entries.get("location", "")
    if not all(isinstance(text, str) for text in (*entries, *entries.values())):
        raise FileFormatError(f"says where tensor {name} lies in bytes that are no text; it is damaged.")
    if folder is None:
        raise FileFormatError(
            f"keeps tensor {name} in another file, {location[:80]!r}, and there is no folder to look in; load it by its path."
        )
    file = _inside(folder, location, name)
    try:
        offset, length = int(entries.get("offset", 0)), int(entries.get("length", nbytes))
    except ValueError:
        raise FileFormatError(f"gives tensor {name} an offset or a length that is no whole number; it is damaged.") from None
    size = file.stat().st_size
    if length != nbytes or offset < 0 or offset + nbytes > size:
        raise FileFormatError(
            f"wants {nbytes:,} bytes for tensor {name} from byte {offset:,} of {file.name!r} (it says {length:,}), which has {size:,}; "
            "the file beside the model is cut short or another one."
        )
    with file.open("rb") as stream:
        stream.seek(offset)
        return stream.read(nbytes)


def _inside(folder: Path, location: str, name: str) -> Path:
    home = folder.resolve()
    try:
        file = (home / location).resolve()
        there = file.is_file()
    except (OSError, ValueError):
        file, there = home, False
    if not location or file == home or not file.is_relative_to(home):
        raise FileFormatError(
            f"keeps tensor {name} in {location[:80]!r}, which is not inside the model's folder; nothing outside it is read. "
            "Put the file beside the model and save it with a relative location."
        )
    if not there:
        raise FileFormatError(f"keeps tensor {name} in {location[:80]!r}, and there is no such file beside the model; copy it there too.")
    return file
