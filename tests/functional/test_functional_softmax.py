"""Softmax, its logarithm and their gradients: hand-worked values, sums, offsets, NaN and infinities, derivatives, errors."""

import math

import numpy as np
import pytest
from differences import assert_is_derivative, spread
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.testing import assert_array_equal

from minicnn import functional as F
from minicnn.errors import ArgumentError, DTypeError, ShapeError

NAN, INF, EPS = np.nan, np.inf, np.finfo(float).eps
numbers = arrays.arrays(np.float64, st.tuples(st.integers(1, 3), st.integers(1, 4)), elements=st.floats(-60, 60))
PAIRS = pytest.mark.parametrize(
    ("function", "gradient"), [(F.softmax, F.softmax_backward), (F.log_softmax, F.log_softmax_backward)], ids=["softmax", "log_softmax"]
)


def test_softmax_hand_worked():
    x = np.log(np.array([[1.0, 2.0, 5.0], [4.0, 4.0, 8.0]]))
    np.testing.assert_allclose(F.softmax(x, dim=1), [[0.125, 0.25, 0.625], [0.25, 0.25, 0.5]], rtol=1e-15)
    np.testing.assert_allclose(F.softmax(x, 0), [[1 / 5, 1 / 3, 5 / 13], [4 / 5, 2 / 3, 8 / 13]], rtol=1e-15)
    np.testing.assert_allclose(F.log_softmax(x, 1), np.log([[0.125, 0.25, 0.625], [0.25, 0.25, 0.5]]), rtol=8 * EPS)


def test_gradients_hand_worked():
    """Shares 1/4 and 3/4: what comes back, less its mean by the shares, times the shares."""
    x = np.log(np.array([[1.0, 3.0]]))
    g = np.array([[16.0, 0.0]])
    np.testing.assert_allclose(F.softmax_backward(g, x, 1), [[(16 - 4) / 4, -4 * 3 / 4]], rtol=8 * EPS)
    np.testing.assert_allclose(F.log_softmax_backward(g, x, 1), [[16 - 4, -12]], rtol=8 * EPS)
    np.testing.assert_allclose(F.softmax_backward(g, x, 0), [[0, 0]], atol=8 * EPS)  # a line of one is 1 whatever x is
    np.testing.assert_allclose(F.log_softmax_backward(g, x, 0), [[0, 0]], atol=16 * EPS)


@settings(deadline=None, max_examples=25)
@given(numbers, st.floats(-1e3, 1e3), st.sampled_from([0, 1, -1, -2]))
def test_softmax_sums_to_one_and_forgets_a_common_offset(x, offset, dim):
    y = F.softmax(x, dim)
    np.testing.assert_allclose(y.sum(axis=dim), 1, rtol=8 * EPS)
    # x + offset is rounded by at most eps·max|x + offset| / 2 per number, which e turns into a factor
    np.testing.assert_allclose(F.softmax(x + offset, dim), y, rtol=2 * EPS * (60 + abs(offset)) + 8 * EPS, atol=1e-300)
    # log: the differences reach 120 and are rounded by half an eps each
    np.testing.assert_allclose(np.exp(F.log_softmax(x, dim)), y, rtol=(2 * 120 + 16) * EPS)


@settings(deadline=None, max_examples=25)
@given(numbers, st.sampled_from([0, 1, -1, -2]))
def test_gradients_sum_to_zero_since_a_common_offset_changes_nothing(x, dim):
    g = np.arange(x.size, dtype=float).reshape(x.shape)
    for gradient in (F.softmax_backward, F.log_softmax_backward):
        # g is at most 11, so no number that is summed is over 4·11, and four of them are rounded a few times each
        np.testing.assert_allclose(gradient(g, x, dim).sum(axis=dim), 0, atol=4 * 44 * 8 * EPS)


def test_softmax_does_not_overflow_and_keeps_nan_to_its_own_line():
    x = np.array([[1e308, 1e308], [NAN, 0], [INF, 0], [-INF, 0], [-INF, -INF]])
    assert_array_equal(F.softmax(x, 1), [[0.5, 0.5], [NAN, NAN], [NAN, NAN], [0, 1], [NAN, NAN]])
    half = -math.log(2)
    assert_array_equal(F.log_softmax(x, 1), [[half, half], [NAN, NAN], [NAN, NAN], [-INF, 0], [NAN, NAN]])
    g = np.array([[4.0, 8.0]] * 5)
    assert_array_equal(F.softmax_backward(g, x, 1), [[-1, 1], [NAN, NAN], [NAN, NAN], [0, 0], [NAN, NAN]])
    assert_array_equal(F.log_softmax_backward(g, x, 1), [[-2, 2], [NAN, NAN], [NAN, NAN], [4, -4], [NAN, NAN]])


def test_the_logarithm_keeps_what_a_share_of_0_has_lost():
    x = np.array([[0.0, -1000.0, 40.0]])
    assert F.softmax(x, 1)[0, 1] == 0
    np.testing.assert_allclose(F.log_softmax(x, 1), [[-40, -1040, -math.exp(-40)]], rtol=4 * EPS, atol=math.exp(-40) * 2)


@PAIRS
def test_softmax_of_nothing(function, gradient):
    for shape in ((0, 3), (2, 0)):
        x = np.zeros(shape, np.float32)
        assert function(x, 1).shape == gradient(x, x, 1).shape == shape


@PAIRS
@pytest.mark.parametrize("dim", [0, 1, 2, -1])
def test_the_gradient_is_the_derivative(function, gradient, dim):
    x, g = spread((2, 3, 5), least=-3, most=4), spread((2, 3, 5), 1)
    assert_is_derivative(lambda x: function(x, dim), [gradient(g, x, dim)], [x], [g])


@PAIRS
def test_the_output_spares_work_and_changes_nothing(function, gradient):
    x, g = spread((3, 4, 5)).astype(np.float32), spread((3, 4, 5), 1).astype(np.float32)
    y = function(x, 1)
    assert_array_equal(gradient(g, None, 1, output=y), gradient(g, x, 1))
    assert_array_equal(gradient(g, x, 1, output=y), gradient(g, x, 1))
    assert_array_equal(
        gradient(g, None, 1, output=y * 0 - np.inf if function is F.log_softmax else y * 0), g if function is F.log_softmax else g * 0
    )


@PAIRS
def test_errors(function, gradient):
    what = function.__name__
    for name, call in (
        (what, lambda x, dim: function(x, dim)),
        (f"{what}_backward", lambda x, dim: gradient(x, x, dim)),
        (f"{what}_backward", lambda x, dim: gradient(x, None, dim, output=x)),
    ):
        with pytest.raises(ArgumentError, match=rf"^{name}: dim must be between -2 and 1 .* but it is 2\."):
            call(np.zeros((2, 3)), 2)
        with pytest.raises(ArgumentError, match=rf"^{name}: dim must be a whole number, but it is None; .* dim=1\.$"):
            call(np.zeros((2, 3)), None)
        with pytest.raises(ShapeError, match=rf"^{name}: x needs at least one axis"):
            call(np.zeros(()), 0)
    with pytest.raises(ArgumentError, match=rf"^{what}_backward: .* both are None"):
        gradient(np.zeros((2, 3)), None, 1)
    with pytest.raises(ShapeError, match=rf"^{what}_backward: grad_output must have the output's shape, {what} returns \(2, 3\) here"):
        gradient(np.zeros((3, 2)), np.zeros((2, 3)), 1)
    with pytest.raises(DTypeError, match=rf"^{what}_backward: all arrays must have one dtype"):
        gradient(np.zeros((2, 3), np.float32), np.zeros((2, 3)), 1)
