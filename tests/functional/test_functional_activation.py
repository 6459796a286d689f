"""Straight-lined activations and their gradients: hand-worked values, what kinks, NaN and infinities do, derivatives, errors."""

import numpy as np
import pytest
from differences import assert_is_derivative, spread
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.testing import assert_array_equal

from minicnn import functional as F
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.functional.select import copy_where, pass_where

NAN, INF = np.nan, np.inf
BOTH = pytest.mark.parametrize("dtype", [np.float32, np.float64])
X = [NAN, -INF, -2, -0.0, 0, 0.5, 6, 7, INF]

# What comes of a gradient of 3 at each position of X.
GRADIENTS = {
    "relu": (F.relu_backward, [3, 0, 0, 0, 0, 3, 3, 3, 3]),
    "relu6": (F.relu6_backward, [0, 0, 0, 0, 0, 3, 0, 0, 0]),
    "leaky_relu 0.25": (lambda g, x: F.leaky_relu_backward(g, x, 0.25), [0.75, 0.75, 0.75, 0.75, 0.75, 3, 3, 3, 3]),
    "leaky_relu 0": (lambda g, x: F.leaky_relu_backward(g, x, 0.0), [0, 0, 0, 0, 0, 3, 3, 3, 3]),
    "leaky_relu -1": (lambda g, x: F.leaky_relu_backward(g, x, -1), [-3, -3, -3, -3, -3, 3, 3, 3, 3]),
    "prelu 0.25": (lambda g, x: F.prelu_backward(g, x, np.array([0.25], x.dtype))[0], [0.75, 0.75, 0.75, 0.75, 0.75, 3, 3, 3, 3]),
}


@BOTH
@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (F.relu, [NAN, 0, 0, 0, 0.5, 7, INF]),
        (F.relu6, [NAN, 0, 0, 0, 0.5, 6, 6]),
        (lambda x: F.leaky_relu(x, 0.25), [NAN, -INF, -0.5, 0, 0.5, 7, INF]),
        (lambda x: F.leaky_relu(x, 0.0), [NAN, NAN, 0, 0, 0.5, 7, INF]),  # -inf·0 has no value
        (lambda x: F.leaky_relu(x, -1), [NAN, INF, 2, 0, 0.5, 7, INF]),
        (lambda x: F.prelu(x, np.array([0.25], x.dtype)), [NAN, -INF, -0.5, 0, 0.5, 7, INF]),
        (lambda x: F.prelu(x, np.array([0], x.dtype)), [NAN, NAN, 0, 0, 0.5, 7, INF]),
    ],
)
def test_hand_worked(function, expected, dtype):
    x = np.array([NAN, -INF, -2, 0, 0.5, 7, INF], dtype)
    y = function(x)
    assert y.dtype == dtype
    assert_array_equal(y, np.array(expected, dtype))


@BOTH
def test_hardswish_hand_worked(dtype):
    x = np.array([NAN, -INF, -4, -3, -1.5, 0, 1.5, 3, 7, INF, 3e38], dtype)
    assert_array_equal(F.hardswish(x), np.array([NAN, NAN, 0, 0, -0.375, 0, 1.125, 3, 7, INF, 3e38], dtype))  # 3e38·6 would overflow
    x = np.array([NAN, -INF, -7, -3, -1.5, 0, 1.5, 3, 4, INF], dtype)
    assert_array_equal(F.hardswish_backward(np.full(10, 2, dtype), x), np.array([NAN, 0, 0, 0, 0, 1, 2, 2, 2, 2], dtype))


@BOTH
@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_hand_worked(name, dtype):
    gradient, expected = GRADIENTS[name]
    x = np.array(X, dtype)
    grad = gradient(np.full(len(X), 3, dtype), x)
    assert grad.dtype == dtype
    assert_array_equal(grad, np.array(expected, dtype))


@BOTH
@pytest.mark.parametrize("came", [NAN, INF, -INF])
def test_what_is_stopped_is_0_whatever_came_back(came, dtype):
    x = np.array([-2, 0, 0.5, 6], dtype)
    grad = np.full(4, came, dtype)
    assert_array_equal(F.relu_backward(grad, x), np.array([0, 0, came, came], dtype))
    assert_array_equal(F.relu6_backward(grad, x), np.array([0, 0, came, 0], dtype))
    assert_array_equal(F.hardswish_backward(grad, np.array([-4, -3, 1, 3], dtype)), np.array([0, 0, came, came], dtype))


@BOTH
@pytest.mark.parametrize("slope", [0.25, 0.0])
def test_the_output_serves_as_well_as_x(slope, dtype):
    x = np.array([*X, 1e-45, -1e-45], dtype)
    g = np.arange(1, len(x) + 1).astype(dtype)
    assert_array_equal(F.relu_backward(g, F.relu(x)), F.relu_backward(g, x))
    assert_array_equal(F.relu6_backward(g, F.relu6(x)), F.relu6_backward(g, x))
    assert_array_equal(F.leaky_relu_backward(g, F.leaky_relu(x, slope), slope), F.leaky_relu_backward(g, x, slope))


def test_leaky_relu_leaks_a_hundredth_by_default():
    assert_array_equal(F.leaky_relu(np.array([-100.0, 3.0])), [-1.0, 3.0])
    assert_array_equal(F.leaky_relu_backward(np.array([100.0, 3.0]), np.array([-1.0, 1.0])), [1.0, 3.0])


@BOTH
def test_prelu_hand_worked(dtype):
    """Two channels of one image: slopes 1/4 and -2."""
    x = np.array([[[[-4, 3, 0]], [[-1, -5, 2]]]], dtype)
    g = np.array([[[[8, 8, 8]], [[1, 10, 100]]]], dtype)
    slopes = np.array([0.25, -2], dtype)
    assert_array_equal(F.prelu(x, slopes), np.array([[[[-1, 3, 0]], [[2, 10, 2]]]], dtype))
    grad_x, grad_weight = F.prelu_backward(g, x, slopes)
    assert_array_equal(grad_x, np.array([[[[2, 8, 2]], [[-2, -20, 100]]]], dtype))
    assert_array_equal(grad_weight, np.array([8 * -4, -1 - 50], dtype))
    one = F.prelu_backward(g, x, np.array([0.25], dtype))
    assert_array_equal(one[1], np.array([-32 - 51], dtype))
    assert one[1].dtype == dtype


@BOTH
def test_prelus_slope_has_no_part_in_what_is_positive(dtype):
    x = np.array([[NAN, 1.0], [-1.0, INF]], dtype)
    grad_x, grad_weight = F.prelu_backward(np.array([[2, INF], [4, NAN]], dtype), x, np.array([0.5, 0.5], dtype))
    assert_array_equal(grad_x, np.array([[1, INF], [2, NAN]], dtype))
    assert_array_equal(grad_weight, np.array([NAN, 0], dtype))


def test_prelus_slope_is_summed_in_float64():
    x = np.full((2, 1, 1 << 8, 1 << 11), -1, np.float32)
    g = np.full(x.shape, 0.1, np.float32)
    grad_weight = F.prelu_backward(g, x, np.array([0.25], np.float32))[1]
    assert grad_weight[0] == np.float32(-float(np.float32(0.1)) * x.size)


@settings(deadline=None, max_examples=20)
@given(
    arrays.arrays(np.float32, st.tuples(st.integers(1, 3), st.just(2), st.integers(0, 4)), elements=st.integers(-4, 4)),
    st.integers(-3, 3),
)
def test_gradients_are_linear_in_what_comes_back(x, factor):
    g = np.arange(x.size, dtype=np.float32).reshape(x.shape) - 3
    slopes = np.array([0.5, -2], np.float32)
    for gradient in (F.relu_backward, F.relu6_backward, lambda g, x: F.leaky_relu_backward(g, x, 0.25), F.hardswish_backward):
        np.testing.assert_allclose(gradient(factor * g, x), factor * gradient(g, x), rtol=1e-6)
    for one, many in zip(F.prelu_backward(g, x, slopes), F.prelu_backward(factor * g, x, slopes), strict=True):
        assert_array_equal(many, factor * one)


@pytest.mark.parametrize(
    ("function", "gradient"),
    [
        (F.relu, F.relu_backward),
        (F.relu6, F.relu6_backward),
        (lambda x: F.leaky_relu(x, 0.3), lambda g, x: F.leaky_relu_backward(g, x, 0.3)),
        (lambda x: F.leaky_relu(x, -0.3), lambda g, x: F.leaky_relu_backward(g, x, -0.3)),
        (F.hardswish, F.hardswish_backward),
    ],
)
def test_the_gradient_is_the_derivative(function, gradient):
    x, g = spread((2, 3, 4, 5)), spread((2, 3, 4, 5), 1)
    assert_is_derivative(function, [gradient(g, x)], [x], [g])


@pytest.mark.parametrize("weight", [[0.25], [0.5, -1.5, 0.0]])
def test_prelus_gradients_are_the_derivatives(weight):
    x, g, weight = spread((2, 3, 4, 5)), spread((2, 3, 4, 5), 1), np.array(weight)
    assert_is_derivative(F.prelu, F.prelu_backward(g, x, weight), [x, weight], [g])


@pytest.mark.parametrize("function", [F.relu, F.relu6, F.leaky_relu, F.hardswish, lambda x: F.prelu(x, np.array([0.25], x.dtype))])
@pytest.mark.parametrize("shape", [(), (3,), (0, 4), (2, 3, 4, 5, 6)])
def test_any_shape_is_taken_and_kept(function, shape):
    y = function(np.full(shape, -0.5, np.float32))
    assert isinstance(y, np.ndarray)
    assert y.shape == shape
    assert y.flags.c_contiguous


@pytest.mark.parametrize("gradient", [*(gradient for gradient, _ in GRADIENTS.values()), F.hardswish_backward])
@pytest.mark.parametrize("shape", [(), (3,), (0, 4), (2, 3, 4, 5, 6)])
def test_gradients_of_any_shape(gradient, shape):
    x = np.full(shape, -0.5)
    grad = gradient(np.ones(shape), x)
    assert isinstance(grad, np.ndarray)
    assert grad.shape == shape
    assert grad.flags.c_contiguous


def test_choosing_by_bits_is_np_where():
    rng = np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        a, b = (rng.choice(np.array([NAN, INF, -INF, -0.0, 1.5, -3], dtype), (3, 50)) for _ in "ab")
        where = rng.random((3, 50)) < 0.5
        before = a.copy()
        assert_array_equal(pass_where(a, where), np.where(where, a, dtype(0)))
        assert_array_equal(a, before)
        assert_array_equal(copy_where(a, b, where), np.where(where, b, before))
        assert_array_equal(np.signbit(copy_where(b.copy(), np.array(-0.0, dtype), where))[where], True)


def test_errors():
    zeros = np.zeros(3)
    for call in (lambda x, s: F.leaky_relu(x, s), lambda x, s: F.leaky_relu_backward(x, x, s)):
        with pytest.raises(ArgumentError, match=r"^leaky_relu(_backward)?: negative_slope must be a real number, but it is '0\.1'"):
            call(zeros, "0.1")
    for gradient in (F.relu_backward, F.relu6_backward, F.leaky_relu_backward, F.hardswish_backward):
        what = gradient.__name__
        with pytest.raises(ShapeError, match=rf"^{what}: grad_output must have the output's shape, .* returns \(3,\) here, but .*=\(2,\)"):
            gradient(np.zeros(2), zeros)
        with pytest.raises(DTypeError, match=rf"^{what}: all arrays must have one dtype, but x is float64 and grad_output is float32"):
            gradient(np.zeros(3, np.float32), zeros)


@pytest.mark.parametrize(
    ("shape", "weight", "match"),
    [
        ((2, 3), (2,), r"weight expects 2 input channels but x has 3 \(x.shape=\(2, 3\)\)"),
        ((2, 5, 7, 3), (3,), r"weight expects 3 .* but x has 5 .*That looks like NHWC; minicnn uses NCHW: x.transpose\(0, 3, 1, 2\)"),
        ((3,), (3,), r"weight has 3 slopes, one per channel, which is axis 1 of x, but x.shape=\(3,\) has no axis 1; give x a batch axis, x\[None\]"),
        ((3, 5, 7), (3,), r"weight has 3 slopes.* but x has 5 there \(x.shape=\(3, 5, 7\)\). A single image needs its batch axis: x\[None\]"),
        ((2, 3), (0,), r"weight holds one slope for all channels, \(1,\), or one for each, \(C,\), but weight.shape=\(0,\); give it at least one"),
        ((2, 3), (1, 3), r"weight holds one slope .* but weight.shape=\(1, 3\); use weight.reshape\(-1\)"),
        ((2, 3), (), r"weight holds one slope .* but weight.shape=\(\); use weight.reshape\(-1\)"),
    ],
)  # fmt: skip
def test_prelus_slopes_must_fit(shape, weight, match):
    x, weight = np.zeros(shape), np.zeros(weight)
    with pytest.raises(ShapeError, match=rf"^prelu: {match}"):
        F.prelu(x, weight)
    with pytest.raises(ShapeError, match=rf"^prelu_backward: {match}"):
        F.prelu_backward(x, x, weight)
