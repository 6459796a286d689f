"""Which question: how is one of two numbers chosen at every position, as fast as an addition?

Idea: a choice by `if` is guessed by the processor, and the sign of a feature map is as hard to guess as a
coin; np.where and np.copyto(where=…) then wait for about half of their guesses.  Multiplying the *bits* of a number,
read as an integer, by 0 or 1 needs no guess, and it turns even NaN and ∞ into 0, which ∞·0 would not.
The other half of the trick is a ⊕ (a ⊕ b)·0 = a and a ⊕ (a ⊕ b)·1 = b, where ⊕ is "exclusive or" of bits.

Cost: one pass (`pass_where`) or three (`copy_where`) over memory that no position can slow down, one byte a
position for the mask.  When it loses: where all positions choose alike, np.copyto is as fast.
What it does not do: check its arguments; it is for the operations of this room, on arrays that nobody has seen yet.
Source: Warren (2012), "Hacker's Delight", chapter 2, on exchanging numbers by exclusive or.  Next room: smooth.py.
"""

import numpy as np


def pass_where(values: np.ndarray, where: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Return values where `where` is true, else 0; into `out`, which may be `values`, or a new array.

    >>> pass_where(np.array([1.0, np.inf, np.nan]), np.array([True, False, False]))
    array([1., 0., 0.])
    """
    out = np.empty(values.shape, values.dtype) if out is None else out
    np.multiply(_bits(values), where, out=_bits(out))
    return out


def copy_where(into: np.ndarray, values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Write values over `into`, an array of this room's own, where `where` is true; return it.

    >>> copy_where(np.array([1.0, 2.0]), np.array([np.nan, 5.0]), np.array([False, True]))
    array([1., 5.])
    """
    differing = np.bitwise_xor(_bits(into), _bits(values), out=np.empty(into.shape, _bits(into).dtype))
    np.multiply(differing, where, out=differing)
    np.bitwise_xor(_bits(into), differing, out=_bits(into))
    return into


def _bits(array: np.ndarray) -> np.ndarray:
    return array.view(np.int32 if array.dtype == np.float32 else np.int64)
