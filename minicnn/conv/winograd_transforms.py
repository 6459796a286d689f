"""Which question: into which sums must a 3×3 convolution be brought so that fewer products remain?

In one axis m outputs of a filter of three taps come from m + 2 inputs d by

    y = A · [ (G·w) ⊙ (B·d) ]          ⊙ multiplies number by number: m + 2 products instead of 3·m

because polynomials are multiplied by their values at m + 2 points: B takes d there, A comes back.  Over two
axes the same transform is applied to the columns and then to the rows.  Points 0, ±1 and ∞ give F(2, 3);
0, ±1, ±2 and ∞ give F(4, 3), whose larger factors cost digits (contract.py counts them).

`bring` is B·d·Bᵀ and `take` is A·s·Aᵀ, for vectors whose lanes are channels.
Source: Winograd, "Arithmetic Complexity of Computations" (1980), chapter V; Lavin, Gray, "Fast Algorithms for
Convolutional Neural Networks" (2015), section 4.  Next room: winograd_kernel.py.
"""

import numpy as np

from minicnn.conv.jit import jit
from minicnn.conv.jit.machine import LANES
from minicnn.conv.jit.words import add, fma, multiply, select, store, subtract, wide_broadcast, wide_load

A = {
    2: np.array([[1, 1, 1, 0], [0, 1, -1, -1]], np.float64),
    4: np.array([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]], np.float64),
}
B = {
    2: np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]], np.float64),
    4: np.array(
        [[4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0], [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1]],
        np.float64,
    ),
}
G = {
    2: np.array([[2, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2]], np.float64) / 2,
    4: np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]], np.float64) / 24,
}


@jit(allocates=False)
def bring_2(source, at, row, to, place, far, spare):
    """Write the sixteen numbers of B·d·Bᵀ `far` apart from `place` on; d[i, j] is source[at + i·row + j·LANES]."""
    for j in range(4):
        d = at + j * LANES
        d0, d1, d2, d3 = wide_load(source, d), wide_load(source, d + row), wide_load(source, d + 2 * row), wide_load(source, d + 3 * row)
        s = spare + j * LANES
        store(source, s, subtract(d0, d2))
        store(source, s + 4 * LANES, add(d1, d2))
        store(source, s + 8 * LANES, subtract(d2, d1))
        store(source, s + 12 * LANES, subtract(d1, d3))
    for i in range(4):
        s, p = spare + 4 * i * LANES, place + 4 * i * far
        d0, d1 = wide_load(source, s), wide_load(source, s + LANES)
        d2, d3 = wide_load(source, s + 2 * LANES), wide_load(source, s + 3 * LANES)
        store(to, p, subtract(d0, d2))
        store(to, p + far, add(d1, d2))
        store(to, p + 2 * far, subtract(d2, d1))
        store(to, p + 3 * far, subtract(d1, d3))


@jit(allocates=False)
def bring_4(source, at, row, to, place, far, spare):
    """Write the thirty-six numbers of B·d·Bᵀ, as bring_2 does."""
    two, four = wide_broadcast(np.float32(2)), wide_broadcast(np.float32(4))
    minus_four, minus_five = wide_broadcast(np.float32(-4)), wide_broadcast(np.float32(-5))
    for j in range(6):
        d = at + j * LANES
        d0, d1, d2 = wide_load(source, d), wide_load(source, d + row), wide_load(source, d + 2 * row)
        d3, d4, d5 = wide_load(source, d + 3 * row), wide_load(source, d + 4 * row), wide_load(source, d + 5 * row)
        even, odd = fma(minus_four, d2, d4), fma(minus_four, d1, d3)
        even2, odd2 = subtract(d4, d2), multiply(two, subtract(d3, d1))
        s = spare + j * LANES
        store(source, s, fma(four, d0, fma(minus_five, d2, d4)))
        store(source, s + 6 * LANES, add(even, odd))
        store(source, s + 12 * LANES, subtract(even, odd))
        store(source, s + 18 * LANES, add(even2, odd2))
        store(source, s + 24 * LANES, subtract(even2, odd2))
        store(source, s + 30 * LANES, fma(four, d1, fma(minus_five, d3, d5)))
    for i in range(6):
        s, p = spare + 6 * i * LANES, place + 6 * i * far
        d0, d1, d2 = wide_load(source, s), wide_load(source, s + LANES), wide_load(source, s + 2 * LANES)
        d3, d4, d5 = wide_load(source, s + 3 * LANES), wide_load(source, s + 4 * LANES), wide_load(source, s + 5 * LANES)
        even, odd = fma(minus_four, d2, d4), fma(minus_four, d1, d3)
        even2, odd2 = subtract(d4, d2), multiply(two, subtract(d3, d1))
        store(to, p, fma(four, d0, fma(minus_five, d2, d4)))
        store(to, p + far, add(even, odd))
        store(to, p + 2 * far, subtract(even, odd))
        store(to, p + 3 * far, add(even2, odd2))
        store(to, p + 4 * far, subtract(even2, odd2))
        store(to, p + 5 * far, fma(four, d1, fma(minus_five, d3, d5)))


@jit(allocates=False, inlined=True)
def finished(v, offset, rectify, most):
    """Return v + offset, cut off below 0 and above `most` if `rectify`; NaN stays NaN."""
    v = add(v, offset)
    if rectify:
        v = select(v, wide_broadcast(np.float32(0)), v)
        v = select(subtract(most, v), most, v)
    return v


@jit(allocates=False)
def take_2(sums, at, far, to, place, row, bias, k, spare, rectify, most):
    """Write A·s·Aᵀ + bias, 2×2, at to[place + i·row + j·LANES]; s[i, j] is sums[at + (4·i + j)·far]."""
    offset, top = wide_load(bias, k), wide_broadcast(most)
    for j in range(4):
        s = at + j * far
        s0, s1, s2, s3 = wide_load(sums, s), wide_load(sums, s + 4 * far), wide_load(sums, s + 8 * far), wide_load(sums, s + 12 * far)
        store(to, spare + j * LANES, add(s0, add(s1, s2)))
        store(to, spare + (4 + j) * LANES, subtract(subtract(s1, s2), s3))
    for i in range(2):
        s, p = spare + 4 * i * LANES, place + i * row
        s0, s1, s2, s3 = wide_load(to, s), wide_load(to, s + LANES), wide_load(to, s + 2 * LANES), wide_load(to, s + 3 * LANES)
        store(to, p, finished(add(s0, add(s1, s2)), offset, rectify, top))
        store(to, p + LANES, finished(subtract(subtract(s1, s2), s3), offset, rectify, top))


@jit(allocates=False)
def take_4(sums, at, far, to, place, row, bias, k, spare, rectify, most):
    """Write A·s·Aᵀ + bias, 4×4, as take_2 does."""
    offset, top = wide_load(bias, k), wide_broadcast(most)
    two, four, eight = wide_broadcast(np.float32(2)), wide_broadcast(np.float32(4)), wide_broadcast(np.float32(8))
    for j in range(6):
        s = at + j * far
        s0, s1, s2 = wide_load(sums, s), wide_load(sums, s + 6 * far), wide_load(sums, s + 12 * far)
        s3, s4, s5 = wide_load(sums, s + 18 * far), wide_load(sums, s + 24 * far), wide_load(sums, s + 30 * far)
        both, less, both2, less2 = add(s1, s2), subtract(s1, s2), add(s3, s4), subtract(s3, s4)
        store(to, spare + j * LANES, add(s0, add(both, both2)))
        store(to, spare + (6 + j) * LANES, fma(two, less2, less))
        store(to, spare + (12 + j) * LANES, fma(four, both2, both))
        store(to, spare + (18 + j) * LANES, add(fma(eight, less2, less), s5))
    for i in range(4):
        s, p = spare + 6 * i * LANES, place + i * row
        s0, s1, s2 = wide_load(to, s), wide_load(to, s + LANES), wide_load(to, s + 2 * LANES)
        s3, s4, s5 = wide_load(to, s + 3 * LANES), wide_load(to, s + 4 * LANES), wide_load(to, s + 5 * LANES)
        both, less, both2, less2 = add(s1, s2), subtract(s1, s2), add(s3, s4), subtract(s3, s4)
        store(to, p, finished(add(s0, add(both, both2)), offset, rectify, top))
        store(to, p + LANES, finished(fma(two, less2, less), offset, rectify, top))
        store(to, p + 2 * LANES, finished(fma(four, both2, both), offset, rectify, top))
        store(to, p + 3 * LANES, finished(add(fma(eight, less2, less), s5), offset, rectify, top))
