"""Curved activations and their gradients: hand-worked values, the equation by Python's math, the ends, derivatives, errors."""

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
BOTH = pytest.mark.parametrize("dtype", [np.float32, np.float64])
numbers = arrays.arrays(np.float64, st.tuples(st.integers(1, 3), st.integers(1, 4)), elements=st.floats(-60, 60))

# The operation, its gradient, and both equations for one number, written the plainest way.
CURVES = {
    "sigmoid": (F.sigmoid, F.sigmoid_backward),
    "silu": (F.silu, F.silu_backward),
    "tanh": (F.tanh, F.tanh_backward),
    "elu": (F.elu, F.elu_backward),
    "elu 2.5": (lambda x: F.elu(x, 2.5), lambda g, x: F.elu_backward(g, x, 2.5)),
    "elu -0.5": (lambda x: F.elu(x, -0.5), lambda g, x: F.elu_backward(g, x, -0.5)),
    "gelu": (F.gelu, F.gelu_backward),
    "gelu tanh": (lambda x: F.gelu(x, "tanh"), lambda g, x: F.gelu_backward(g, x, "tanh")),
    "softplus": (F.softplus, F.softplus_backward),
    "softplus 2, 3": (lambda x: F.softplus(x, 2, 3), lambda g, x: F.softplus_backward(g, x, 2, 3)),
    "softplus -0.5": (lambda x: F.softplus(x, -0.5), lambda g, x: F.softplus_backward(g, x, -0.5)),
}
EVERY = pytest.mark.parametrize("name", CURVES)


def each(equation, x):
    return np.array([equation(float(value)) for value in x.ravel()]).reshape(x.shape)


@BOTH
def test_sigmoid_and_silu_at_the_ends(dtype):
    x = np.array([-INF, -1e4, 0, 1e4, INF, NAN], dtype)
    assert_array_equal(F.sigmoid(x), np.array([0, 0, 0.5, 1, 1, NAN], dtype))
    assert_array_equal(F.silu(x), np.array([NAN, 0, 0, 1e4, INF, NAN], dtype))  # -inf·0 has no value


@BOTH
def test_gradients_at_the_ends(dtype):
    x, g = np.array([-INF, -1e4, 0, 1e4, INF, NAN], dtype), np.full(6, 8, dtype)
    for gradient, expected in (
        (F.sigmoid_backward, [0, 0, 2, 0, 0, NAN]),
        (F.tanh_backward, [0, 0, 8, 0, 0, NAN]),
        (F.silu_backward, [NAN, 0, 4, 8, NAN, NAN]),  # ∞·0 has no value
        (F.gelu_backward, [NAN, 0, 4, 8, NAN, NAN]),
        (lambda g, x: F.gelu_backward(g, x, "tanh"), [NAN, 0, 4, 8, NAN, NAN]),
        (F.elu_backward, [0, 0, 8, 8, 8, NAN]),
        (lambda g, x: F.elu_backward(g, x, 0.5), [0, 0, 4, 8, 8, NAN]),  # from below, at 0
        (F.softplus_backward, [0, 0, 4, 8, 8, NAN]),
        (lambda g, x: F.softplus_backward(g, x, -2), [8, 8, 4, 0, 0, NAN]),
    ):
        found = gradient(g, x)
        assert found.dtype == dtype
        assert_array_equal(found, np.array(expected, dtype))


@BOTH
def test_the_others_at_the_ends(dtype):
    x = np.array([-INF, -1e4, 0, 1e4, INF, NAN], dtype)
    assert_array_equal(F.tanh(x), np.array([-1, -1, 0, 1, 1, NAN], dtype))
    assert_array_equal(F.elu(x, 2), np.array([-2, -2, 0, 1e4, INF, NAN], dtype))
    assert_array_equal(F.gelu(x), np.array([NAN, 0, 0, 1e4, INF, NAN], dtype))
    assert_array_equal(F.gelu(x, "tanh"), np.array([NAN, 0, 0, 1e4, INF, NAN], dtype))
    assert_array_equal(F.softplus(x), np.array([0, 0, dtype(math.log(2)), 1e4, INF, NAN], dtype))
    assert_array_equal(F.softplus(x, -1), np.array([-INF, -1e4, -dtype(math.log(2)), 0, 0, NAN], dtype))


def test_hand_worked_gradients():
    """At x = log 2, σ = 2/3, tanh = 3/5 and e^-x = 1/2."""
    x, g = np.array([math.log(2), -math.log(2)]), np.array([9.0, 9.0])
    np.testing.assert_allclose(F.sigmoid_backward(g, x), [2, 2], rtol=4 * EPS)  # 2/3·1/3
    np.testing.assert_allclose(F.tanh_backward(g, x), [9 * 0.64, 9 * 0.64], rtol=4 * EPS)  # 1 - 9/25
    np.testing.assert_allclose(F.silu_backward(g, x), [6 + 2 * x[0], 3 + 2 * x[1]], rtol=8 * EPS)
    np.testing.assert_allclose(F.elu_backward(g, x, 4.0), [9, 18], rtol=4 * EPS)
    np.testing.assert_allclose(F.softplus_backward(g, x), [6, 3], rtol=4 * EPS)
    np.testing.assert_allclose(F.softplus(x), [math.log(3), math.log(1.5)], rtol=4 * EPS)
    np.testing.assert_allclose(F.elu(x, 4.0), [math.log(2), -2], rtol=4 * EPS)


def test_sigmoid_keeps_the_digits_of_small_results():
    x = np.array([-700.0, -40.0, -1.0])
    expected = [math.exp(value) / (1 + math.exp(value)) for value in x]
    np.testing.assert_allclose(F.sigmoid(x), expected, rtol=4 * EPS)
    # 1 / (1 + e^100) is below the smallest normal float32, and not zero
    assert 0 < F.sigmoid(np.array([-100], np.float32))[0] < np.finfo(np.float32).tiny


def test_the_others_keep_the_digits_of_small_results():
    x = np.array([-30.0, -7.0, -1e-12])
    np.testing.assert_allclose(F.softplus(x), each(lambda v: math.log1p(math.exp(v)), x), rtol=4 * EPS)
    np.testing.assert_allclose(F.elu(x), each(math.expm1, x), rtol=4 * EPS)
    # x/√2 is rounded by half an eps, which e^(-x²/2) turns into x²/2 of them; erfc is within 8
    np.testing.assert_allclose(F.gelu(x), each(lambda v: v * math.erfc(-v * math.sqrt(0.5)) / 2, x), rtol=(12 + 900) * EPS)


@settings(deadline=None, max_examples=25)
@given(numbers)
def test_sigmoid_is_its_equation_and_symmetric(x):
    y = F.sigmoid(x)
    np.testing.assert_allclose(y, each(lambda value: 1 / (1 + math.exp(-value)), x), rtol=8 * EPS)
    np.testing.assert_allclose(y + F.sigmoid(-x), 1, rtol=4 * EPS)
    np.testing.assert_allclose(F.silu(x), x * y, rtol=2 * EPS)


@settings(deadline=None, max_examples=25)
@given(numbers)
def test_softplus_and_gelu_differ_from_their_mirror_image_by_x(x):
    """softplus(x) - softplus(-x) = x = gelu(x) - gelu(-x), as for relu; the threshold of 20 leaves out e^-20."""
    np.testing.assert_allclose(F.softplus(x) - F.softplus(-x), x, rtol=8 * EPS, atol=math.exp(-20) + 4 * EPS)
    for approximate in ("none", "tanh"):
        np.testing.assert_allclose(
            F.gelu(x, approximate) + F.gelu(-x, approximate), x * (2 * each(PHI[approximate], x) - 1), atol=60 * 8 * EPS
        )
        tiny = np.finfo(x.dtype).smallest_subnormal  # each side may lose half of it: half of the smallest number is 0
        np.testing.assert_allclose(F.gelu(x, approximate) - F.gelu(-x, approximate), x, rtol=8 * EPS, atol=tiny)


PHI = {
    "none": lambda x: (1 + math.erf(x / math.sqrt(2))) / 2,
    "tanh": lambda x: (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2,
}


def test_gelus_approximation_is_within_its_promise():
    x = np.linspace(-6, 6, 12001)
    error = np.abs(F.gelu(x) - F.gelu(x, "tanh")).max()
    assert 0.0004 < error < 0.0005


def test_softplus_is_straight_beyond_the_threshold():
    x = np.array([1.5, 1.6])  # beta·x = 3, 3.2
    y = F.softplus(x, 2, 3)
    assert y[0] == pytest.approx(math.log1p(math.exp(3)) / 2, rel=4 * EPS)
    assert y[1] == 1.6
    assert_array_equal(F.softplus_backward(np.array([1.0, 1.0]), x, 2, 3) == 1, [False, True])


@EVERY
def test_the_gradient_is_the_derivative(name):
    function, gradient = CURVES[name]
    x, g = spread((2, 3, 4, 5), least=-4.1, most=4.3), spread((2, 3, 4, 5), 1)
    x[np.abs(x - 1.5) < 1e-3] += 0.01  # the threshold of softplus(x, 2, 3) is a step
    assert_is_derivative(function, [gradient(g, x)], [x], [g])


@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_the_output_spares_work_and_changes_nothing(name):
    function, gradient = CURVES[name]
    x, g = spread((3, 4, 5)).astype(np.float32), spread((3, 4, 5), 1).astype(np.float32)
    y = function(x)
    kept = y.copy()
    assert_array_equal(gradient(g, None, output=y), gradient(g, x))
    assert_array_equal(gradient(g, x, output=y), gradient(g, x))
    assert_array_equal(y, kept)
    assert_array_equal(gradient(g, None, output=np.zeros_like(y)), g * (0 if name == "sigmoid" else 1))  # it is what is read


@EVERY
@pytest.mark.parametrize("shape", [(), (3,), (0, 4), (2, 3, 4, 5, 6)])
def test_any_shape_is_taken_and_kept(name, shape):
    x = np.full(shape, -0.5, np.float32)
    for y in (CURVES[name][0](x), CURVES[name][1](x, x)):
        assert isinstance(y, np.ndarray)
        assert y.shape == shape
        assert y.flags.c_contiguous


@pytest.mark.parametrize("gradient", [F.sigmoid_backward, F.tanh_backward])
def test_errors_of_gradients_that_read_the_output(gradient):
    what, zeros = gradient.__name__, np.zeros(3)
    with pytest.raises(ArgumentError, match=rf"^{what}: .* from x or from output, but both are None; give one of them"):
        gradient(zeros, None)
    with pytest.raises(
        ShapeError, match=rf"^{what}: output is what \w+ made of x and has its shape, \(3,\), but output.shape=\(2,\); leave one"
    ):
        gradient(zeros, zeros, output=np.zeros(2))
    with pytest.raises(DTypeError, match=rf"^{what}: output must be a NumPy array"):
        gradient(zeros, None, output=[0.0])
    with pytest.raises(DTypeError, match=rf"^{what}: all arrays must have one dtype, but output is float32 and grad_output is float64"):
        gradient(zeros, None, output=np.zeros(3, np.float32))
    with pytest.raises(ShapeError, match=rf"^{what}: grad_output must have the output's shape, \w+ returns \(3,\) here, but .*=\(2,\)"):
        gradient(np.zeros(2), None, output=zeros)


def test_errors():
    x = np.zeros(3)
    for name, gradient in {name: pair[1] for name, pair in CURVES.items()}.items():
        what = f"{name.split()[0]}_backward"
        with pytest.raises(ShapeError, match=rf"^{what}: grad_output must have the output's shape"):
            gradient(np.zeros(2), x)
    for call in (lambda **settings: F.elu(x, **settings), lambda **settings: F.elu_backward(x, x, **settings)):
        with pytest.raises(ArgumentError, match=r"^elu(_backward)?: alpha must be a real number, but it is '1'"):
            call(alpha="1")
    for call in (lambda word: F.gelu(x, word), lambda word: F.gelu_backward(x, x, word)):
        with pytest.raises(ArgumentError, match=r"^gelu(_backward)?: approximate must be one of 'none', 'tanh', but it is 'erf'"):
            call("erf")
    for call in (lambda *settings: F.softplus(x, *settings), lambda *settings: F.softplus_backward(x, x, *settings)):
        for beta in (0, INF, NAN):
            with pytest.raises(
                ArgumentError, match=r"^softplus(_backward)?: beta must be a finite number other than 0, since y is divided by it"
            ):
                call(beta)
        with pytest.raises(ArgumentError, match=r"^softplus(_backward)?: threshold must be a real number, but it is None"):
            call(1, None)
