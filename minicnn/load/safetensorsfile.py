"""Which question: what is in a safetensors file, and how is one written?

Idea: a header in JSON says of each tensor its kind, its shape and where its bytes lie; the bytes
follow, one tensor after the other, without a gap.

    length of the header · {"__metadata__": {…}, "b": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}} · bytes

Reading goes through the format's own package, which checks every claim of the header.  Writing is
done here, because that package writes the metadata in another order each time, and a file of ours
is a function of what is in it: the same bytes for the same weights.

Cost: reading takes twice the file's size in memory, writing none beyond the arrays.
Does not do: keep the order of names (tensors lie by kind, then by name), complex numbers, 8-bit floats.
Source: the format's page, huggingface.co/docs/safetensors.  Next room: npzfile.py.
"""

import json
import math
from collections import Counter
from pathlib import Path
from typing import BinaryIO

import numpy as np

from minicnn.errors import FileFormatError
from minicnn.load.kinds import READ_AS, WIDENED, own_array

METADATA = "__metadata__"
# The format's kinds in the order in which tensors lie, the widest first, so that each begins at a multiple of its own size.
KINDS = {
    "U64": "uint64", "I64": "int64", "F64": "float64", "C64": "complex64", "F32": "float32", "U32": "uint32", "I32": "int32",
    "BF16": "bfloat16", "F16": "float16", "U16": "uint16", "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip
CODES = {kind: code for code, kind in KINDS.items()}
ORDER = tuple(CODES)


def read(file: Path) -> tuple[dict[str, np.ndarray], Counter]:
    """Return the arrays by name, in alphabetical order, and how many of each kind of half precision were widened."""
    from safetensors import deserialize

    arrays, widened = {}, Counter()
    for name, claim in sorted(deserialize(file.read_bytes()), key=lambda entry: entry[0]):
        if claim["dtype"] not in KINDS:
            raise FileFormatError(
                f"holds numbers of the type {claim['dtype']} under {name[:80]!r}, which NumPy does not have; convert them with .float() before saving."
            )
        kind = KINDS[claim["dtype"]]
        values = np.frombuffer(claim["data"], np.dtype(READ_AS[kind]).newbyteorder("<"))
        arrays[name] = own_array(values.reshape(claim["shape"]), kind)
        widened.update([kind] if kind in WIDENED else [])
    return arrays, widened


def texts(file: Path) -> dict[str, str]:
    """Return the metadata of a file, {} where it has none."""
    from safetensors import safe_open

    with safe_open(file, framework="numpy") as opened:
        return dict(sorted((opened.metadata() or {}).items()))


def write(stream: BinaryIO, arrays: dict[str, np.ndarray], notes: dict[str, str]) -> None:
    r"""Write little-endian, C-contiguous arrays and their notes as one safetensors file.

    >>> import io
    >>> stream = io.BytesIO()
    >>> write(stream, {"b": np.array([1, 2], np.uint8)}, {"epoch": "3"})
    >>> stream.getvalue()[8:]
    b'{"__metadata__":{"epoch":"3"},"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}      \x01\x02'
    """
    names = sorted(arrays, key=lambda name: (ORDER.index(arrays[name].dtype.name), name))
    header, start = ({METADATA: dict(sorted(notes.items()))} if notes else {}), 0
    for name in names:
        stop = start + arrays[name].nbytes
        header[name] = {"dtype": CODES[arrays[name].dtype.name], "shape": list(arrays[name].shape), "data_offsets": [start, stop]}
        start = stop
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    length = 8 * math.ceil(len(text) / 8)
    stream.write(length.to_bytes(8, "little") + text.ljust(length))  # the bytes begin at a multiple of 8
    for name in names:
        stream.write(arrays[name].data)
