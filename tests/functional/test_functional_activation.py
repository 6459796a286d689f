"""Activations: hand-worked values, the equation in float64, and what NaN and infinities do."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.testing import assert_array_equal

from minicnn import functional as F
from minicnn.errors import ArgumentError, ShapeError

NAN, INF = np.nan, np.inf
BOTH = pytest.mark.parametrize("dtype", [np.float32, np.float64])
numbers = arrays.arrays(np.float64, st.tuples(st.integers(1, 3), st.integers(1, 4)), elements=st.floats(-60, 60))


@BOTH
@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (F.relu, [NAN, 0, 0, 0, 0.5, 7, INF]),
        (F.relu6, [NAN, 0, 0, 0, 0.5, 6, 6]),
        (lambda x: F.leaky_relu(x, 0.25), [NAN, -INF, -0.5, 0, 0.5, 7, INF]),
        (lambda x: F.leaky_relu(x, 0.0), [NAN, NAN, 0, 0, 0.5, 7, INF]),  # -inf·0 has no value
        (lambda x: F.leaky_relu(x, -1), [NAN, INF, 2, 0, 0.5, 7, INF]),
    ],
)
def test_hand_worked(function, expected, dtype):
    x = np.array([NAN, -INF, -2, 0, 0.5, 7, INF], dtype)
    y = function(x)
    assert y.dtype == dtype
    assert_array_equal(y, np.array(expected, dtype))


def test_leaky_relu_leaks_a_hundredth_by_default():
    assert_array_equal(F.leaky_relu(np.array([-100.0, 3.0])), [-1.0, 3.0])


@BOTH
def test_sigmoid_and_silu_at_the_ends(dtype):
    x = np.array([-INF, -1e4, 0, 1e4, INF, NAN], dtype)
    assert_array_equal(F.sigmoid(x), np.array([0, 0, 0.5, 1, 1, NAN], dtype))
    assert_array_equal(F.silu(x), np.array([NAN, 0, 0, 1e4, INF, NAN], dtype))  # -inf·0 has no value


def test_sigmoid_keeps_the_digits_of_small_results():
    x = np.array([-700.0, -40.0, -1.0])
    expected = [math.exp(value) / (1 + math.exp(value)) for value in x]
    np.testing.assert_allclose(F.sigmoid(x), expected, rtol=4 * np.finfo(float).eps)
    # 1 / (1 + e^100) is below the smallest normal float32, and not zero
    assert 0 < F.sigmoid(np.array([-100], np.float32))[0] < np.finfo(np.float32).tiny


@settings(deadline=None)
@given(numbers)
def test_sigmoid_is_its_equation_and_symmetric(x):
    y = F.sigmoid(x)
    np.testing.assert_allclose(y, [[1 / (1 + math.exp(-value)) for value in row] for row in x], rtol=8 * np.finfo(float).eps)
    np.testing.assert_allclose(y + F.sigmoid(-x), 1, rtol=4 * np.finfo(float).eps)
    np.testing.assert_allclose(F.silu(x), x * y, rtol=2 * np.finfo(float).eps)


def test_softmax_hand_worked():
    x = np.log(np.array([[1.0, 2.0, 5.0], [4.0, 4.0, 8.0]]))
    np.testing.assert_allclose(F.softmax(x, dim=1), [[0.125, 0.25, 0.625], [0.25, 0.25, 0.5]], rtol=1e-15)
    np.testing.assert_allclose(F.softmax(x, 0), [[1 / 5, 1 / 3, 5 / 13], [4 / 5, 2 / 3, 8 / 13]], rtol=1e-15)


@settings(deadline=None)
@given(numbers, st.floats(-1e3, 1e3), st.sampled_from([0, 1, -1, -2]))
def test_softmax_sums_to_one_and_forgets_a_common_offset(x, offset, dim):
    y = F.softmax(x, dim)
    eps = np.finfo(float).eps
    np.testing.assert_allclose(y.sum(axis=dim), 1, rtol=8 * eps)
    # x + offset is rounded by at most eps·max|x + offset| / 2 per number, which e turns into a factor
    np.testing.assert_allclose(F.softmax(x + offset, dim), y, rtol=2 * eps * (60 + abs(offset)) + 8 * eps, atol=1e-300)


def test_softmax_does_not_overflow_and_keeps_nan_to_its_own_line():
    x = np.array([[1e308, 1e308], [NAN, 0], [INF, 0], [-INF, 0], [-INF, -INF]])
    assert_array_equal(F.softmax(x, 1), [[0.5, 0.5], [NAN, NAN], [NAN, NAN], [0, 1], [NAN, NAN]])


def test_softmax_of_nothing():
    assert F.softmax(np.zeros((0, 3), np.float32), 1).shape == (0, 3)
    assert F.softmax(np.zeros((2, 0)), 1).shape == (2, 0)


@pytest.mark.parametrize("function", [F.relu, F.relu6, F.leaky_relu, F.sigmoid, F.silu])
@pytest.mark.parametrize("shape", [(), (3,), (0, 4), (2, 3, 4, 5, 6)])
def test_any_shape_is_taken_and_kept(function, shape):
    y = function(np.full(shape, -0.5, np.float32))
    assert isinstance(y, np.ndarray)
    assert y.shape == shape
    assert y.flags.c_contiguous


def test_errors():
    with pytest.raises(ArgumentError, match=r"^leaky_relu: negative_slope must be a real number, but it is '0\.1'"):
        F.leaky_relu(np.zeros(3), "0.1")
    with pytest.raises(ArgumentError, match=r"^softmax: dim must be between -2 and 1 .* but it is 2\."):
        F.softmax(np.zeros((2, 3)), 2)
    with pytest.raises(ArgumentError, match=r"^softmax: dim must be a whole number, but it is None; .* dim=1\.$"):
        F.softmax(np.zeros((2, 3)), None)
    with pytest.raises(ShapeError, match=r"^softmax: x needs at least one axis"):
        F.softmax(np.zeros(()), 0)
