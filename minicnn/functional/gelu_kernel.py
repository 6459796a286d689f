"""The kernel of gelu: x·Φ(x), with erf.py's arithmetic on a number while it is in a register.

Φ(x) = erfc(t)/2 with t = -x/√2, as in erf.py: three quotients of polynomials, of which two are chosen away without a
branch, and e^(-t²) in two factors, since t² would be rounded.  The coefficients come in as tuples, from
erf.py, in x's dtype.

Cost: some 120 operations for a register of numbers.  Next room: gelu.py.
"""

import math

import numpy as np

from minicnn.conv.jit import jit, prange
from minicnn.functional.exponential_kernel import exponential


@jit
def horner(t, first, others):
    """Return ((first·t + others[0])·t + others[1])·t + …"""
    value = first
    for coefficient in others:
        value = value * t + coefficient
    return value


@jit
def gelu(x, edges, centre, centre_below, near, near_below, far, far_below, y):
    zero, one, two, half, sixteen = x.dtype.type(0), x.dtype.type(1), x.dtype.type(2), x.dtype.type(0.5), x.dtype.type(16)
    slope, flat = x.dtype.type(-math.sqrt(0.5)), x.dtype.type(1 / math.sqrt(math.pi))
    for i in range(x.shape[0]):
        t = x[i] * slope
        size = abs(t)
        size = edges[2] if size > edges[2] else size  # NaN stays
        square = t * t
        middle = one - (t + t * (horner(square, centre[0], centre[1:]) / horner(square, centre_below[0], centre_below[1:])))
        inverse = one / (size * size)
        outer = (flat - inverse * (horner(inverse, far[0], far[1:]) / horner(inverse, far_below[0], far_below[1:]))) / size
        rest = horner(size, near[0], near[1:]) / horner(size, near_below[0], near_below[1:])
        rest = outer if size > edges[1] else rest
        steps = np.floor(size * sixteen) / sixteen
        tail = rest * exponential(-steps * steps) * exponential((steps - size) * (size + steps))
        tail = tail if t > zero else two - tail
        y[i] = (middle if size <= edges[0] else tail) * half * x[i]


@jit(parallel=True)
def gelu_all(x, edges, centre, centre_below, near, near_below, far, far_below, y, block):
    for b in prange((x.shape[0] + block - 1) // block):
        part, out = x[b * block : (b + 1) * block], y[b * block : (b + 1) * block]
        gelu(part, edges, centre, centre_below, near, near_below, far, far_below, out)
