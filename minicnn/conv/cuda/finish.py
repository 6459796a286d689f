"""Which question: what happens to a sum before a thread stores it?

    kind 0: nothing     1: cut off below 0 and above `cap`     2: SiLU, v / (1 + e^-v)

Idea: an activation costs no second pass over the map where it is applied to a number that is still in a register.  NaN stays NaN.
Cost: a comparison or two.  What it does not do: the bias, which the sum begins with.
When it loses: never.  Source: as at the store of the CPU's kernels, conv/algorithm.py.  Next room: naive.py.
"""

import math

from numba import float32

from minicnn.conv.cuda.kernel import word


@word
def finished(v, kind, cap):
    """Return the number that is stored."""
    if kind == 1:
        if v < float32(0):
            return float32(0)
        return cap if v > cap else v
    if kind == 2:
        e = float32(math.exp(-abs(v)))  # never above 1: e^-v would overflow
        return (v if v >= float32(0) else v * e) / (float32(1) + e)
    return v
