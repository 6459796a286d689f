"""Which question: how much of a bell curve lies within x of its middle?  GELU asks, and NumPy has no erf.

Idea: erf(x) = 2/√π·∫₀ˣ e^(-t²) dt has no closed form, but near 0 it is nearly a line, and far out it is 1 less a tail that
dies like e^(-x²)/x.  So there are three intervals, and in each one quotient R of two polynomials that was fitted once:

    |x| ≤ edge     erf(x)  = x + x·R(x²)
    |x| ≤ 4        erfc(x) = e^(-x²)·R(x)                       erfc = 1 - erf
    |x| > 4        erfc(x) = e^(-x²)/x·(1/√π - R(1/x²)/x²)

erfc is worked out by itself, since 1 - erf(6) would have lost every digit.  The first two are worked out for every number
and one is chosen, which costs less than sorting; the third only where there is such a number.

Cost: about 30 multiply-adds, three quotients and two exponentials for each number, in blocks that fit into the processor's
nearest memory.  When it loses: for a single number math.erf is quicker.  Error, in units in the last place, against
math.erf and math.erfc: at most 2 and 8 in float64, 2 and 12 in float32 (all work is done in x's dtype; tests measure it).
What it does not do: check its arguments; complex numbers; the inverse.
Source: Cody (1969), "Rational Chebyshev approximations for the error function", Mathematics of Computation 23, and his
routine CALERF (netlib.org/specfun/erf) for the outer two; Sun Microsystems (1993), FDLIBM's s_erf.c, for the inner one.
Next room: softmax.py.
"""

import math

import numpy as np

from minicnn.functional.select import copy_where

ERF_EDGE, ERFC_EDGE = 0.84375, 0.46875  # where the inner interval ends: each function leaves it where it would lose digits
NEAR_ENDS = 4.0
NOTHING_LEFT = 30.0  # e^(-30²) is 0 in float64, and so is the tail from 27.3 on
BLOCK = 1 << 13  # numbers at a time: 64 KiB of float64

# Highest power first: (numerator, denominator).
CENTRE = (
    (
        *(-2.37630166566501626084e-5, -5.77027029648944159157e-3, -2.84817495755985104766e-2),
        *(-3.25042107247001499370e-1, 1.28379167095512558561e-1),
    ),
    (
        *(-3.96022827877536812320e-6, 1.32494738004321644526e-4, 5.08130628187576562776e-3),
        *(6.50222499887672944485e-2, 3.97917223959155352819e-1, 1.0),
    ),
)
NEAR = (
    (
        *(2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e1, 2.98635138197400131e2),
        *(8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3),
    ),
    (
        *(1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3),
        *(3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3),
    ),
)
FAR = (
    (
        *(1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1),
        *(1.60837851487422766e-2, 6.58749161529837803e-4),
    ),
    (
        *(1.0, 2.56852019228982242e0, 1.87295284992346725e0, 5.27905102951428412e-1),
        *(6.05183413124413191e-2, 2.33520497626869185e-3),
    ),
)


def erf(x: np.ndarray) -> np.ndarray:
    """Return the error function of every number: odd, 0 at 0, 1 at ∞.

    erf(x) = 2/√π · ∫₀ˣ e^(-t²) dt, for any shape; float32 or float64, the same out; NaN stays NaN.

    Source: Cody (1969).

    >>> erf(np.array([0.0, 0.5, -np.inf])).round(4)
    array([ 0.    ,  0.5205, -1.    ])
    """
    return _in_blocks(x, ERF_EDGE, lambda middle: middle, lambda tail, x: np.copysign(1 - tail, x))


def erfc(x: np.ndarray) -> np.ndarray:
    """Return 1 - erf(x) of every number, with all its digits where it is small.

    erfc(x) = 2/√π · ∫ₓ^∞ e^(-t²) dt, for any shape; float32 or float64, the same out; NaN stays NaN.

    Source: Cody (1969).

    >>> print(*(f"{value:.4g}" for value in erfc(np.array([0.0, 10.0, -np.inf]))))
    1 2.088e-45 2
    """
    return _in_blocks(x, ERFC_EDGE, lambda middle: 1 - middle, lambda tail, x: copy_where(2 - tail, tail, x > 0))


def _in_blocks(x: np.ndarray, edge: float, from_erf, from_tail) -> np.ndarray:
    """Fill a new array: from erf(x) where |x| ≤ edge, from erfc(|x|) and x beyond."""
    y = np.empty(x.shape, x.dtype)
    numbers, results = np.ascontiguousarray(x).reshape(-1), y.reshape(-1)
    with np.errstate(all="ignore"):
        for start in range(0, numbers.size, BLOCK):
            block = numbers[start : start + BLOCK]
            size = np.minimum(np.abs(block), NOTHING_LEFT)  # NaN stays
            result = from_tail(_tail(size), block)
            middle = block + block * _quotient(block * block, CENTRE)
            results[start : start + BLOCK] = copy_where(result, from_erf(middle), size <= edge)
    return y


def _tail(size: np.ndarray) -> np.ndarray:
    """Return erfc of numbers in 0 … NOTHING_LEFT; good beyond ERFC_EDGE."""
    rest = _quotient(size, NEAR)  # erfc(x)·e^(x²)
    far = size > NEAR_ENDS
    if far.any():
        outer = size[far]
        inverse = 1 / (outer * outer)
        rest[far] = (1 / math.sqrt(math.pi) - inverse * _quotient(inverse, FAR)) / outer
    # x² would be rounded, and e would turn that into x² times the error; so x is steps of 1/16, whose square is exact, and a rest:
    # x² = steps² + (x - steps)·(x + steps)
    steps = np.floor(size * 16) / 16
    return rest * np.exp(-steps * steps) * np.exp((steps - size) * (size + steps))


def _quotient(t: np.ndarray, polynomials) -> np.ndarray:
    """Return the quotient of two polynomials by Horner's rule: ((a·t + b)·t + c)·t + …"""
    values = []
    for first, *others in polynomials:
        value = np.full_like(t, first)
        for coefficient in others:
            value *= t
            value += coefficient
        values.append(value)
    return np.divide(*values)
