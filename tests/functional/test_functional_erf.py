"""erf and erfc: against Python's math, in units in the last place, over all three intervals; symmetry; the ends."""

import math

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minicnn.functional.erf import BLOCK, ERF_EDGE, ERFC_EDGE, NEAR_ENDS, erf, erfc

BOTH = pytest.mark.parametrize("dtype", [np.float32, np.float64])
CASES = [(erf, math.erf, {np.float64: 2, np.float32: 2}), (erfc, math.erfc, {np.float64: 8, np.float32: 12})]


def arguments(dtype):
    """All intervals, dense around their edges, down to the smallest numbers and out to where erfc ends."""
    edges = [edge + sign * 10.0 ** -np.arange(1, 16) for edge in (ERF_EDGE, ERFC_EDGE, NEAR_ENDS) for sign in (-1, 0, 1)]
    last = 26.5 if dtype == np.float64 else 9.1
    positive = np.concatenate([np.linspace(0, 6.5, 4001), np.linspace(5, last, 3001), 10.0 ** np.arange(-37, 0), *edges])
    return np.concatenate([positive, -positive]).astype(dtype)


@BOTH
@pytest.mark.parametrize(("ours", "exact", "bound"), CASES, ids=["erf", "erfc"])
def test_within_the_units_that_the_card_promises(ours, exact, bound, dtype):
    x = arguments(dtype)
    expected = np.array([exact(float(value)) for value in x])
    found = ours(x)
    assert found.dtype == dtype
    unit = np.spacing(np.abs(expected).astype(dtype)).astype(np.float64)
    assert (np.abs(found.astype(np.float64) - expected) / unit).max() <= bound[dtype]


@BOTH
def test_the_ends_and_the_middle(dtype):
    x = np.array([np.nan, -np.inf, -100, -0.0, 0, 100, np.inf], dtype)
    assert_array_equal(erf(x), np.array([np.nan, -1, -1, -0.0, 0, 1, 1], dtype))
    assert_array_equal(np.signbit(erf(x)), [False, True, True, True, False, False, False])
    assert_array_equal(erfc(x), np.array([np.nan, 2, 2, 1, 1, 0, 0], dtype))


@BOTH
def test_erf_is_odd_and_never_falls(dtype):
    x = arguments(dtype)
    assert_array_equal(erf(-x), -erf(x))
    ordered = erf(np.linspace(-5, 5, 2001, dtype=dtype))
    assert (np.diff(ordered) >= 0).all()


@pytest.mark.parametrize("shape", [(), (0, 3), (2, 3, 4), (3, BLOCK - 1)])
def test_any_shape_and_layout(shape):
    x = np.random.default_rng(0).normal(scale=3, size=shape)
    kept = x.copy()
    for function in (erf, erfc):
        y = function(x)
        assert y.shape == shape
        assert_array_equal(function(np.asfortranarray(x)), y)
        assert_array_equal(function(x.reshape(-1)), y.reshape(-1))
    assert_array_equal(x, kept)
