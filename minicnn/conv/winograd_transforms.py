"""Which question: into which sums must a 3×3 convolution be brought so that fewer products remain?

In one axis m outputs of a filter of three taps come from m + 2 inputs d by

    y = A · [ (G·w) ⊙ (B·d) ]          ⊙ multiplies number by number: m + 2 products instead of 3·m

because polynomials are multiplied by their values at m + 2 points: B takes d there, A comes back.  Over two
axes the same transform is applied to the columns and then to the rows.  Points 0, ±1 and ∞ give F(2, 3);
0, ±1, ±2 and ∞ give F(4, 3), whose larger factors cost digits (contract.py counts them).

`bring` is B·d·Bᵀ and `take` is A·s·Aᵀ, for vectors whose lanes are channels; `give` is G·w·Gᵀ, whose lanes are filters.
`spread_4` is Aᵀ·g·A and `gather_4` is Gᵀ·u·G, the transposed maps of take_4 and give_4: what a gradient passes on its way back.
Source: Winograd, "Arithmetic Complexity of Computations" (1980), chapter V; Lavin, Gray, "Fast Algorithms for
Convolutional Neural Networks" (2015), section 4.  Next room: winograd_kernel.py.
"""

import numpy as np

from minicnn.conv.jit import jit
from minicnn.conv.jit.machine import LANES
from minicnn.conv.jit.words import add, fma, multiply, store, subtract, wide_broadcast, wide_load

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


@jit(allocates=False)
def take_2(sums, at, far, to, place, row, bias, k, spare):
    """Write A·s·Aᵀ + bias, 2×2, at to[place + i·row + j·LANES]; s[i, j] is sums[at + (4·i + j)·far]."""
    offset = wide_load(bias, k)
    for j in range(4):
        s = at + j * far
        s0, s1, s2, s3 = wide_load(sums, s), wide_load(sums, s + 4 * far), wide_load(sums, s + 8 * far), wide_load(sums, s + 12 * far)
        store(to, spare + j * LANES, add(s0, add(s1, s2)))
        store(to, spare + (4 + j) * LANES, subtract(subtract(s1, s2), s3))
    for i in range(2):
        s, p = spare + 4 * i * LANES, place + i * row
        s0, s1, s2, s3 = wide_load(to, s), wide_load(to, s + LANES), wide_load(to, s + 2 * LANES), wide_load(to, s + 3 * LANES)
        store(to, p, add(add(s0, add(s1, s2)), offset))
        store(to, p + LANES, add(subtract(subtract(s1, s2), s3), offset))


@jit(allocates=False)
def take_4(sums, at, far, to, place, row, bias, k, spare):
    """Write A·s·Aᵀ + bias, 4×4, as take_2 does."""
    offset = wide_load(bias, k)
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
        store(to, p, add(add(s0, add(both, both2)), offset))
        store(to, p + LANES, add(fma(two, less2, less), offset))
        store(to, p + 2 * LANES, add(fma(four, both2, both), offset))
        store(to, p + 3 * LANES, add(add(fma(eight, less2, less), s5), offset))


@jit(allocates=False)
def give_2(taps, at, to, place, far, spare):
    """Write the sixteen numbers of G·w·Gᵀ `far` apart from `place` on; w[i, j] is taps[at + (3·i + j)·LANES]."""
    half = wide_broadcast(np.float32(0.5))
    for j in range(3):
        t = at + j * LANES
        w0, w1, w2 = wide_load(taps, t), wide_load(taps, t + 3 * LANES), wide_load(taps, t + 6 * LANES)
        outer, inner = multiply(half, add(w0, w2)), multiply(half, w1)
        s = spare + j * LANES
        store(taps, s, w0)
        store(taps, s + 3 * LANES, add(outer, inner))
        store(taps, s + 6 * LANES, subtract(outer, inner))
        store(taps, s + 9 * LANES, w2)
    for i in range(4):
        s, p = spare + 3 * i * LANES, place + 4 * i * far
        w0, w1, w2 = wide_load(taps, s), wide_load(taps, s + LANES), wide_load(taps, s + 2 * LANES)
        outer, inner = multiply(half, add(w0, w2)), multiply(half, w1)
        store(to, p, w0)
        store(to, p + far, add(outer, inner))
        store(to, p + 2 * far, subtract(outer, inner))
        store(to, p + 3 * far, w2)


@jit(allocates=False)
def give_4(taps, at, to, place, far, spare):
    """Write the thirty-six numbers of G·w·Gᵀ, as give_2 does."""
    fourth, sixth = wide_broadcast(np.float32(1 / 4)), wide_broadcast(np.float32(1 / 6))
    minus, twelfth, last = wide_broadcast(np.float32(-1 / 6)), wide_broadcast(np.float32(1 / 12)), wide_broadcast(np.float32(1 / 24))
    for j in range(3):
        t = at + j * LANES
        w0, w1, w2 = wide_load(taps, t), wide_load(taps, t + 3 * LANES), wide_load(taps, t + 6 * LANES)
        outer, inner = multiply(minus, add(w0, w2)), multiply(sixth, w1)
        outer2, inner2 = fma(last, w0, multiply(sixth, w2)), multiply(twelfth, w1)
        s = spare + j * LANES
        store(taps, s, multiply(fourth, w0))
        store(taps, s + 3 * LANES, subtract(outer, inner))
        store(taps, s + 6 * LANES, add(outer, inner))
        store(taps, s + 9 * LANES, add(outer2, inner2))
        store(taps, s + 12 * LANES, subtract(outer2, inner2))
        store(taps, s + 15 * LANES, w2)
    for i in range(6):
        s, p = spare + 3 * i * LANES, place + 6 * i * far
        w0, w1, w2 = wide_load(taps, s), wide_load(taps, s + LANES), wide_load(taps, s + 2 * LANES)
        outer, inner = multiply(minus, add(w0, w2)), multiply(sixth, w1)
        outer2, inner2 = fma(last, w0, multiply(sixth, w2)), multiply(twelfth, w1)
        store(to, p, multiply(fourth, w0))
        store(to, p + far, subtract(outer, inner))
        store(to, p + 2 * far, add(outer, inner))
        store(to, p + 3 * far, add(outer2, inner2))
        store(to, p + 4 * far, subtract(outer2, inner2))
        store(to, p + 5 * far, w2)


@jit(allocates=False)
def spread_4(source, at, row, to, place, far, spare):
    """Write the thirty-six numbers of Aᵀ·g·A `far` apart from `place` on; g[i, j] is source[at + i·row + j·LANES]."""
    two, four, eight = wide_broadcast(np.float32(2)), wide_broadcast(np.float32(4)), wide_broadcast(np.float32(8))
    for j in range(4):
        g = at + j * LANES
        g0, g1, g2, g3 = wide_load(source, g), wide_load(source, g + row), wide_load(source, g + 2 * row), wide_load(source, g + 3 * row)
        even, odd, even2, odd2 = add(g0, g2), add(g1, g3), fma(four, g2, g0), fma(eight, g3, multiply(two, g1))
        s = spare + j * LANES
        store(source, s, g0)
        store(source, s + 4 * LANES, add(even, odd))
        store(source, s + 8 * LANES, subtract(even, odd))
        store(source, s + 12 * LANES, add(even2, odd2))
        store(source, s + 16 * LANES, subtract(even2, odd2))
        store(source, s + 20 * LANES, g3)
    for i in range(6):
        s, p = spare + 4 * i * LANES, place + 6 * i * far
        g0, g1 = wide_load(source, s), wide_load(source, s + LANES)
        g2, g3 = wide_load(source, s + 2 * LANES), wide_load(source, s + 3 * LANES)
        even, odd, even2, odd2 = add(g0, g2), add(g1, g3), fma(four, g2, g0), fma(eight, g3, multiply(two, g1))
        store(to, p, g0)
        store(to, p + far, add(even, odd))
        store(to, p + 2 * far, subtract(even, odd))
        store(to, p + 3 * far, add(even2, odd2))
        store(to, p + 4 * far, subtract(even2, odd2))
        store(to, p + 5 * far, g3)


@jit(allocates=False)
def gather_4(points, at, far, taps, own, spare):
    """Write the nine numbers of Gᵀ·u·G, a vector each, from taps[own] on; u[i, j] is points[at + (6·i + j)·far]."""
    fourth, sixth, twelfth = wide_broadcast(np.float32(1 / 4)), wide_broadcast(np.float32(1 / 6)), wide_broadcast(np.float32(1 / 12))
    last = wide_broadcast(np.float32(1 / 24))
    for j in range(6):
        u = at + j * far
        u0, u1, u2 = wide_load(points, u), wide_load(points, u + 6 * far), wide_load(points, u + 12 * far)
        u3, u4, u5 = wide_load(points, u + 18 * far), wide_load(points, u + 24 * far), wide_load(points, u + 30 * far)
        near, far_ = add(u1, u2), add(u3, u4)
        s = spare + j * LANES
        store(taps, s, fma(last, far_, subtract(multiply(fourth, u0), multiply(sixth, near))))
        store(taps, s + 6 * LANES, fma(twelfth, subtract(u3, u4), multiply(sixth, subtract(u2, u1))))
        store(taps, s + 12 * LANES, fma(sixth, subtract(far_, near), u5))
    for i in range(3):
        s, p = spare + 6 * i * LANES, own + 3 * i * LANES
        u0, u1, u2 = wide_load(taps, s), wide_load(taps, s + LANES), wide_load(taps, s + 2 * LANES)
        u3, u4, u5 = wide_load(taps, s + 3 * LANES), wide_load(taps, s + 4 * LANES), wide_load(taps, s + 5 * LANES)
        near, far_ = add(u1, u2), add(u3, u4)
        store(taps, p, fma(last, far_, subtract(multiply(fourth, u0), multiply(sixth, near))))
        store(taps, p + LANES, fma(twelfth, subtract(u3, u4), multiply(sixth, subtract(u2, u1))))
        store(taps, p + 2 * LANES, fma(sixth, subtract(far_, near), u5))
