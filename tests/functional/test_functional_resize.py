"""Interpolation against exact fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from minicnn import functional as F
from minicnn.axis import Resize
from minicnn.errors import ArgumentError, ShapeError

WAYS = [("nearest", None), ("bilinear", None), ("bilinear", True)]


def exact(x, rows, columns):
    """The definition in fractions: every output is a weighted sum over rows and columns."""
    n, channels, height, width = x.shape
    y = np.empty((n, channels, rows.out, columns.out), object)
    for a, b, p, q in np.ndindex(y.shape):
        y[a, b, p, q] = sum(Fraction(float(x[a, b, r, c])) * v * w for r, v in rows.taps(p, height) for c, w in columns.taps(q, width))
    return y


def test_hand_worked():
    x = np.array([[[[0.0, 4.0], [8.0, 12.0]]]])
    assert_array_equal(F.interpolate(x, scale_factor=(1, 2)), [[[[0, 0, 4, 4], [8, 8, 12, 12]]]])
    assert_array_equal(F.interpolate(x, (2, 4), mode="bilinear"), [[[[0, 1, 3, 4], [8, 9, 11, 12]]]])
    assert_array_equal(F.interpolate(x, 3, mode="bilinear", align_corners=True), [[[[0, 2, 4], [4, 6, 8], [8, 10, 12]]]])
    assert_array_equal(F.interpolate(x, 1, mode="bilinear"), [[[[6]]]])
    assert_array_equal(F.interpolate(x, 1), [[[[0]]]])


@settings(deadline=None)
@given(
    st.sampled_from(WAYS),
    st.tuples(st.integers(1, 6), st.integers(1, 6)),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.sampled_from(["f4", "f8"]),
)
def test_against_the_definition(way, in_size, out_size, dtype):
    mode, align = way
    x = np.random.default_rng(0).integers(-9, 10, (2, 1, *in_size)).astype(dtype)
    y = F.interpolate(x, out_size, None, mode, align)
    expected = exact(x, *(Resize(out, mode, bool(align)) for out in out_size))
    # per axis: weights and products are rounded, and one sum; 2 axes
    error = max(abs(Fraction(float(a)) - b) for a, b in zip(y.flat, expected.flat, strict=True))
    assert error <= 6 * np.finfo(dtype).eps * 9
    if mode == "nearest":
        assert error == 0


def test_the_same_size_is_a_copy_to_the_bit():
    x = np.random.default_rng(1).normal(size=(2, 3, 4, 5))
    for mode, align in WAYS:
        y = F.interpolate(x, (4, 5), None, mode, align)
        assert_array_equal(y, x)
        assert not np.shares_memory(x, y)


def test_halving_by_bilinear_is_the_mean_of_four():
    x = np.random.default_rng(2).integers(0, 9, (1, 2, 6, 8)).astype(np.float32)
    assert_array_equal(F.interpolate(x, scale_factor=0.5, mode="bilinear"), F.avg_pool2d(x, 2))


def test_constant_maps_stay_constant_and_corners_are_kept():
    x = np.random.default_rng(3).normal(size=(1, 1, 3, 4))
    y = F.interpolate(x, (7, 9), mode="bilinear", align_corners=True)
    assert_array_equal(y[0, 0][np.ix_([0, -1], [0, -1])], x[0, 0][np.ix_([0, -1], [0, -1])])
    np.testing.assert_allclose(F.interpolate(np.full((1, 1, 3, 4), 0.1), (7, 9), mode="bilinear"), 0.1, rtol=1e-15)


def test_infinity_is_not_multiplied_by_a_weight_of_zero():
    x = np.array([[[np.inf, 1.0, 2.0]]])
    # sources 0, 2/3, 4/3, 2 in thirds of the way: only the first two outputs see the infinity
    assert_array_equal(np.isinf(F.interpolate(x, (1, 4), mode="bilinear", align_corners=True)), [[[True, True, False, False]]])


@pytest.mark.parametrize(("factor", "size"), [(2, (6, 10)), (1.5, (4, 7)), ((0.4, 2.9), (1, 14)), (np.float32(2), (6, 10))])
def test_scale_factor_rounds_down(factor, size):
    x = np.random.default_rng(4).normal(size=(2, 3, 5))
    for mode, align in WAYS:
        assert_array_equal(F.interpolate(x, None, factor, mode, align), F.interpolate(x, size, None, mode, align))


def test_errors():
    x = np.zeros((1, 2, 3, 5))
    for arguments in ({}, {"size": 2, "scale_factor": 2}):
        with pytest.raises(ArgumentError, match=r"^interpolate: give one of size and scale_factor, but .*; leave one out\.$"):
            F.interpolate(x, **arguments)
    with pytest.raises(ArgumentError, match=r"^interpolate: align_corners belongs to mode='bilinear', but mode is 'nearest'"):
        F.interpolate(x, 2, align_corners=False)
    with pytest.raises(ArgumentError, match=r"^interpolate: mode must be one of 'nearest', 'bilinear', but it is 'bicubic'"):
        F.interpolate(x, 2, mode="bicubic")
    with pytest.raises(ArgumentError, match=r"^interpolate: size must be at least 1, but it is 0"):
        F.interpolate(x, 0)
    with pytest.raises(ArgumentError, match=r"^interpolate: size must be one whole number or a pair"):
        F.interpolate(x, (2, 2, 2))
    with pytest.raises(ArgumentError, match=r"^interpolate: scale_factor must be one number or a pair .* but it is \(1, 2, 3\)"):
        F.interpolate(x, scale_factor=(1, 2, 3))
    for factor in (0, -1, np.inf, np.nan):
        with pytest.raises(ArgumentError, match=r"^interpolate: scale_factor must be positive and finite, but it is "):
            F.interpolate(x, scale_factor=factor)
    with pytest.raises(ArgumentError, match=r"^interpolate: scale_factor must be a real number, but it is '2'"):
        F.interpolate(x, scale_factor="2")
    with pytest.raises(ShapeError, match=r"^interpolate: an output needs at least 1 position .* but 3·0\.3 = 0\.9"):
        F.interpolate(x, scale_factor=0.3)
    with pytest.raises(ShapeError, match=r"but 3·1e\+308 = inf"):
        F.interpolate(x, scale_factor=1e308)
