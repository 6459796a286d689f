"""Which question: how are the numbers of a map bent on a GPU?

    thread t:  y[4t … 4t + 3] = f(x[4t … 4t + 3]),  f = relu, relu6, leaky_relu, silu, sigmoid or hardswish

Idea: one kernel that is told which function.  All threads take the same branch, so asking costs next to nothing; each moves 16 bytes each
way by one instruction, the last one of an array that 4 does not divide by up to three.

Memory traffic per output: 4 bytes read, 4 written.  Arithmetic intensity: at most some 20 flop for 8 bytes.  Occupancy: 100%, 26 registers
for sm_90.  What limits it: memory.  NaN stays NaN; the exponential is taken of numbers that are not positive, so it cannot overflow.
When it loses: behind a convolution, which bends its sums before it stores them (conv/cuda/finish.py).
Source: minicnn/functional/activation.py and smooth.py, whose equations these are.  Next room: add.py.
"""

import math

from numba import cuda, float32

from minicnn.conv.algorithm import at_the_store
from minicnn.conv.cuda.family import flat
from minicnn.conv.cuda.finish import finished
from minicnn.conv.cuda.kernel import blocks_for, kernel, word
from minicnn.conv.cuda.words import load4, store4
from minicnn.functional.cuda.launch import in_fours, spread, target

LEAKY, SIGMOID, HARDSWISH = 3, 4, 5  # behind finish.py's 0, 1 and 2


@word
def bent(v, kind, number):
    """Return f(v); `number` is where relu stops, or the slope of leaky_relu."""
    if kind < LEAKY:
        return finished(v, kind, number)
    if kind == LEAKY:
        return v if v > float32(0) else number * v
    if kind == SIGMOID:
        e = float32(math.exp(-abs(v)))
        return (float32(1) if v >= float32(0) else e) / (float32(1) + e)
    share = v + float32(3)
    if share < float32(0):
        share = float32(0)
    if share > float32(6):
        share = float32(6)
    return share / float32(6) * v  # the quotient first: the product could overflow


@kernel("f4[::1], f4[::1], i4, f4, i4, i4")
def bend(x, y, kind, number, size, fours):
    """A thread for four neighbours."""
    i = 4 * cuda.grid(1)
    if fours and i + 3 < size:
        a, b, c, d = load4(x, i)
        store4(y, i, bent(a, kind, number), bent(b, kind, number), bent(c, kind, number), bent(d, kind, number))
    else:
        for j in range(i, min(i + 4, size)):
            y[j] = bent(x[j], kind, number)


def relu(x, *, out=None):
    """Return max(x, 0) of any shape; -0 stays -0.

    >>> import numpy as np
    >>> relu(cuda.to_device(np.array([-2.0, 0.5, np.nan], np.float32))).copy_to_host()                # doctest: +SKIP
    array([0. , 0.5, nan], dtype=float32)
    """
    return _bent(x, *at_the_store("relu"), out)


def relu6(x, *, out=None):
    """Return min(max(x, 0), 6)."""
    return _bent(x, *at_the_store("relu6"), out)


def silu(x, *, out=None):
    """Return x·σ(x)."""
    return _bent(x, *at_the_store("silu"), out)


def leaky_relu(x, negative_slope: float = 0.01, *, out=None):
    """Return x where it is positive, else negative_slope·x."""
    return _bent(x, LEAKY, float(negative_slope), out)


def sigmoid(x, *, out=None):
    """Return 1 / (1 + e⁻ˣ)."""
    return _bent(x, SIGMOID, 0.0, out)


def hardswish(x, *, out=None):
    """Return x·min(max(x + 3, 0), 6) / 6."""
    return _bent(x, HARDSWISH, 0.0, out)


def _bent(x, kind: int, number, out):
    y = target(out, x.shape)
    spread(bend, blocks_for(x.size, 4), flat(x), flat(y), kind, number, x.size, int(in_fours(x, y)))
    return y
