"""Which question: how do the numbers of a file become an array of its reader's own?

Idea: whatever the file, an array leaves this room C-contiguous, writable, in native byte order and
sharing memory with nothing.  Two kinds of half precision become float32, which holds each of their
values: float16, and bfloat16, which NumPy does not have and which is the upper half of a float32:

    bfloat16 0x3FC0  →  float32 0x3FC00000 = 1.5

Cost: one copy.  Does not do: 8-bit floats and other numbers that NumPy lacks.
Source: IEEE 754-2019 (binary16); Google's "bfloat16: the secret to high performance on Cloud TPUs" (2019).
Next rooms: tensors.py, safetensorsfile.py, npzfile.py, each of which finds the bytes.
"""

from collections.abc import Mapping

import numpy as np

# A kind of number → how NumPy reads its bytes.  A bool is a byte.
READ_AS = {
    "float32": "f4", "float64": "f8", "float16": "f2", "bfloat16": "u2",
    "int64": "i8", "int32": "i4", "int16": "i2", "int8": "i1",
    "uint8": "u1", "uint16": "u2", "uint32": "u4", "uint64": "u8", "bool": "u1",
    "complex64": "c8", "complex128": "c16",
}  # fmt: skip
WIDENED = ("float16", "bfloat16")


def widening(widened: Mapping[str, int], count: int) -> list[str]:
    """Return a remark on a file of `count` arrays where half precision was widened.

    >>> widening({"float16": 3}, 5), widening({}, 5)
    (['has 3 float16 of 5 tensors, now float32 (exactly)'], [])
    """
    words = " and ".join(f"{number} {kind}" for kind, number in widened.items())
    return [f"has {words} of {count} tensors, now float32 (exactly)"] if words else []


def own_array(values: np.ndarray, kind: str) -> np.ndarray:
    """Return a copy of values, read as READ_AS says, as the numbers of that kind.

    >>> own_array(np.array([[0x3FC0, 0xC000]], dtype=np.uint16), "bfloat16")
    array([[ 1.5, -2. ]], dtype=float32)
    """
    if kind == "bool":
        return np.array(values != 0, order="C")  # a byte of 2 would make a bool that is neither True nor False
    if kind == "bfloat16":
        upper = np.empty(values.shape, np.float32)
        upper.view(np.uint32)[...] = np.left_shift(values, 16, dtype=np.uint32)
        return upper
    wide = np.float32 if kind == "float16" else values.dtype.newbyteorder("=")
    with np.errstate(invalid="ignore"):  # a signalling NaN becomes a quiet one, which some processors report
        return values.astype(wide, order="C", copy=True)
