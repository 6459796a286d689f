"""Which question: how do arrays and numbers travel into a page, exactly?

Idea: JSON knows neither arrays of four bytes a number nor NaN.  An array becomes {"dtype", "shape", "data"}, its bytes in
base64, little-endian; a number that JSON does not know becomes the word "NaN", "Infinity" or "-Infinity", which JavaScript's Number() reads.

Cost: a copy, 4 letters for 3 bytes.  What it does not do: compress; the page as a whole is deflated (report.py).
Source: RFC 4648 (base64), RFC 8259 (JSON).  Next room: payload.py.
"""

import math
from binascii import b2a_base64

import numpy as np

DTYPES = {"u1": np.uint8, "f4": "<f4", "f8": "<f8"}


def encoded(array, dtype: str) -> dict:
    """Return an array as plain data: u1, f4 or f8.

    >>> encoded(np.array([1, 2, 3]), "u1")
    {'dtype': 'u1', 'shape': [3], 'data': 'AQID'}
    """
    with np.errstate(all="ignore"):  # a float64 beyond float32 becomes an infinity
        plain = np.ascontiguousarray(array, DTYPES[dtype])
    return {"dtype": dtype, "shape": list(plain.shape), "data": b2a_base64(plain, newline=False).decode()}


def encoded_exactly(array: np.ndarray) -> dict:
    """Return float64 numbers in four bytes each where that loses nothing, else in eight.

    >>> encoded_exactly(np.array([0.5, np.nan]))["dtype"], encoded_exactly(np.array([0.1]))["dtype"]
    ('f4', 'f8')
    """
    with np.errstate(all="ignore"):
        short = array.astype(np.float32)
    return encoded(array, "f4" if np.array_equal(short.astype(np.float64), array, equal_nan=True) else "f8")


def decoded(plain: dict) -> np.ndarray:
    """Return the array that `encoded` was given.

    >>> decoded(encoded(np.array([[1.5, np.inf]]), "f4"))
    array([[1.5, inf]], dtype=float32)
    """
    from base64 import b64decode

    return np.frombuffer(b64decode(plain["data"]), DTYPES[plain["dtype"]]).reshape(plain["shape"])


def jsonable(value):
    """Return plain data that JSON can hold: tuples as lists, NumPy's numbers as Python's, NaN and infinities as words.

    >>> jsonable({"a": (1, np.float32(0.5)), "b": float("-inf")})
    {'a': [1, 0.5], 'b': '-Infinity'}
    """
    if isinstance(value, dict):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
