"""Which question: how do numbers cross a pipe without anything else crossing with them?

Idea: a frame is two lengths, a JSON header and raw bytes.  The header says what the bytes are (dtype, shape), from a short list; whoever reads
checks every length before it takes memory, and copies.  Nothing that is read is ever run: no pickle, no eval, no class by name.

Cost: one copy each way.  What it does not do: lists, dictionaries, objects, complex numbers (they are refused in a sentence).
Both ends use this file, and the child has nothing of minicnn: it imports the standard library and NumPy only.
Source: none.  Next rooms: child.py, process.py.
"""

import json
import math
import struct

import numpy as np

LENGTHS = struct.Struct(">IQ")  # bytes of the header, bytes after it
DTYPES = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64")
MOST_HEADER = 1 << 20
MOST_TEXT = 10_000
MOST_ITEMS = 64
DEEPEST = 4
MOST_BITS = 256  # of an integer


class NoAnswer(Exception):
    """What was read is no frame, or a frame whose numbers contradict one another."""


class NotPlain(Exception):
    """A value that cannot cross; its text says which, and what to return instead."""


def packed(header: dict, raw: list[bytes] = ()) -> bytes:
    """Return a frame: lengths, header, bytes.

    >>> packed({"a": 1}, [b"xyz"])[12:]
    b'{"a": 1}xyz'
    """
    text = json.dumps(header).encode()
    return b"".join((LENGTHS.pack(len(text), sum(map(len, raw))), text, *raw))


def read_frame(read, most: int) -> tuple[dict, bytes]:
    """Return (header, bytes) of the next frame; `read(n)` gives exactly n bytes, `most` bounds what follows the header."""
    header_size, raw_size = LENGTHS.unpack(read(LENGTHS.size))
    if header_size > MOST_HEADER or raw_size > most:
        raise NoAnswer(f"a frame of {header_size} + {raw_size} bytes, where {MOST_HEADER} + {most} are allowed")
    try:
        header = json.loads(read(header_size))
    except (ValueError, RecursionError):
        raise NoAnswer("a header that is no JSON") from None
    if not isinstance(header, dict):
        raise NoAnswer("a header that is no JSON object")
    return header, read(raw_size)


def encoded(value, raw: list[bytes], place: str = "the result", layout: bool = False, depth: int = 0, most: float = math.inf):
    """Return the header's words for a value; an array's bytes are appended to `raw`.

    `layout=True` (requests) also tells an array's strides, so that the other end can build one that lies in memory in the same way.
    `most` bounds the bytes in `raw`; what is larger is refused before it is copied.
    Raises NotPlain, with a sentence for the student.
    """
    if value is None or isinstance(value, (bool, np.bool_)):
        return None if value is None else bool(value)
    if isinstance(value, (int, np.integer)) and int(value).bit_length() <= MOST_BITS:
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value)
    if isinstance(value, str) and len(value) <= MOST_TEXT:
        return value
    if isinstance(value, np.ndarray):
        return _encoded_array(value, raw, place, layout, most)
    if isinstance(value, tuple) and len(value) <= MOST_ITEMS and depth < DEEPEST:
        return {"tuple": [encoded(item, raw, f"item {number} of {place}", layout, depth + 1, most) for number, item in enumerate(value)]}
    raise NotPlain(_refusal(value, place))


def _encoded_array(array: np.ndarray, raw: list[bytes], place: str, layout: bool, most: float) -> dict:
    name = array.dtype.name
    if name not in DTYPES:
        hint = ", such as result.real (after an FFT)" if array.dtype.kind == "c" else ""
        raise NotPlain(f"{place} is an array of dtype {name}; return float32 or float64{hint}.")
    shape = np.ndarray.shape.__get__(array)  # a subclass may say what it likes
    size = math.prod(shape) * np.dtype(name).itemsize
    if size + sum(map(len, raw)) > most:
        raise NotPlain(
            f"{place} is an array of shape {'×'.join(map(str, shape))}, which is {size:,} bytes of {name}; the right result of these arguments "
            f"is never that large (at most {most:,} bytes are taken in all): compare its shape with the one that the task states."
        )
    plain = np.array(array, dtype=name, order="C", subok=False)  # a copy in this machine's byte order; a subclass is the numbers it holds
    raw.append(plain.tobytes())
    strides = list(array.strides) if layout and not array.flags.c_contiguous else None
    return {"array": [name, list(plain.shape), strides]}


def _refusal(value, place: str) -> str:
    kind = type(value).__name__
    if isinstance(value, list):
        return f"{place} is a list; return a NumPy array, np.array(…), or a tuple where several results are asked for."
    if isinstance(value, (int, np.integer)):
        return f"{place} is an integer of {int(value).bit_length()} bits; no right answer is that large."
    if isinstance(value, (str, tuple)):
        return f"{place} is a {kind} of {len(value)} items or too deep a one; no right answer is."
    return f"{place} is a {kind}; return a NumPy array, a number, or a tuple of them."


def decoded(words, raw: bytes, layout: bool = False):
    """Return the value that a header's words and a frame's bytes stand for, copied; raise NoAnswer where they contradict each other."""
    view, taken = memoryview(raw), 0

    def take(size: int) -> memoryview:
        nonlocal taken
        taken += size
        if taken > len(view):
            raise NoAnswer("an array that announces more bytes than came")
        return view[taken - size : taken]

    value = _decoded(words, take, layout, 0)
    if taken != len(view):
        raise NoAnswer("bytes that belong to no array")
    return value


def _decoded(words, take, layout: bool, depth: int):
    if words is None or type(words) in (bool, float):
        return words
    if type(words) is int and words.bit_length() <= MOST_BITS:
        return words
    if type(words) is str and len(words) <= MOST_TEXT:
        return words
    if type(words) is dict and len(words) == 1:
        ((kind, content),) = words.items()
        if kind == "tuple" and type(content) is list and len(content) <= MOST_ITEMS and depth <= DEEPEST:
            return tuple(_decoded(item, take, layout, depth + 1) for item in content)
        if kind == "array" and type(content) is list and len(content) == 3:
            return _decoded_array(*content, take, layout)
    raise NoAnswer("words that are no value")


def _decoded_array(name, shape, strides, take, layout: bool) -> np.ndarray:
    if name not in DTYPES or type(shape) is not list or len(shape) > 32 or not all(type(n) is int and 0 <= n < 2**40 for n in shape):
        raise NoAnswer("an array of a dtype or shape that is none")
    dtype = np.dtype(name)
    content = bytearray(take(math.prod(shape) * dtype.itemsize))
    try:
        array = np.ndarray(shape, dtype, content)
    except ValueError:  # an empty array whose other sizes overflow
        raise NoAnswer("an array of a shape that no memory holds") from None
    if dtype.kind == "b" and array.view(np.uint8).max(initial=0) > 1:
        raise NoAnswer("truth values that are neither 0 nor 1")
    return array if strides is None or not layout else laid_out(array, strides)


def laid_out(array: np.ndarray, strides: list[int]) -> np.ndarray:
    """Return the same numbers in memory that is walked with `strides`: a slice, a transpose or a reversed view, as the asker had it.

    >>> laid_out(np.arange(3, dtype=np.int8), [-2])
    array([0, 1, 2], dtype=int8)
    """
    steps = [(n - 1) * step for n, step in zip(array.shape, strides, strict=True)]
    before, after = -sum(min(0, step) for step in steps), sum(max(0, step) for step in steps)
    room = bytearray(before + after + array.itemsize)
    view = np.ndarray(array.shape, array.dtype, room, before, strides)
    view[...] = array
    return view
