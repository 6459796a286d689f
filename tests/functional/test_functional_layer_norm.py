"""Layer normalisation and its gradient."""

import numpy as np
import pytest
from differences import assert_is_derivative, spread
from numpy.testing import assert_array_equal

from minicnn import functional as F
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.functional.layer_norm import layer_norm_saving


def test_hand_worked():
    x = np.array([[1.0, 3, 1, 3], [10, 30, 10, 30]])
    assert_array_equal(F.layer_norm(x, 4, eps=0), [[-1, 1, -1, 1]] * 2)
    weight, bias = np.array([1.0, 2, 0, 3]), np.array([0.0, 0, 5, -1])
    assert_array_equal(F.layer_norm(x, (4,), weight, bias, 0), [[-1, 2, 5, 2]] * 2)
    assert_array_equal(F.layer_norm(x, [4], weight, eps=0), [[-1, 2, 0, 3]] * 2)
    assert_array_equal(F.layer_norm(x, 4, None, bias, 0), [[-1, 1, 4, 0]] * 2)


def test_the_last_axes_go_together():
    x = np.array([1.0, 3, 1, 3, 10, 30, 10, 30]).reshape(2, 2, 2)
    assert_array_equal(F.layer_norm(x, (2, 2), eps=0), [[[-1, 1], [-1, 1]]] * 2)
    assert_array_equal(F.layer_norm(x, x.shape[1:], eps=0), F.layer_norm(x.reshape(2, 4), 4, eps=0).reshape(x.shape))


@pytest.mark.parametrize(
    ("shape", "sizes"), [((6,), (6,)), ((3, 5), (5,)), ((2, 3, 4, 5), (5,)), ((2, 3, 4, 5), (4, 5)), ((2, 3, 4), (3, 4))]
)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("offset", [0, 1e4])
def test_is_its_equation_however_far_from_zero(shape, sizes, dtype, offset):
    rng = np.random.default_rng(0)
    x = (rng.normal(size=shape) + offset).astype(dtype)
    weight, bias = rng.normal(size=(2, *sizes)).astype(dtype)
    axes, info, n = tuple(range(-len(sizes), 0)), np.finfo(dtype), int(np.prod(sizes))
    wide = x.astype(np.longdouble)
    mean = wide.mean(axis=axes, keepdims=True)
    scale = weight / np.sqrt(((wide - mean) ** 2).mean(axis=axes, keepdims=True) + np.longdouble(1e-5))
    expected = (wide - mean) * scale + bias
    # d, inverse, product, weight's product: half an eps each; the variance one, half of which reaches its root; two sums: half of each.
    # near misses the mean by half an eps of it, which d and the shift carry. Sums of n float64 numbers: n·2⁻⁵³ of what they sum.
    product = abs((wide - mean) * scale) + info.eps / 2 * abs(mean * scale)
    bound = info.eps * (3.5 * product + abs(expected) / 2) + n * 2.0**-52 * (abs(x).max() * abs(scale) + product)
    y = F.layer_norm(x, sizes, weight, bias)
    assert y.dtype == dtype
    assert (abs(y - expected) <= 1.01 * bound).all()


def test_no_example_sees_another_and_a_nan_stays_in_its_row():
    x = spread((2, 3, 5))
    clean = F.layer_norm(x, 5)
    x[1, 2, 3] = np.nan
    y = F.layer_norm(x, 5)
    assert np.isnan(y[1, 2]).all()
    y[1, 2] = clean[1, 2]
    assert_array_equal(y, clean)


def test_gradient_by_hand():
    """As for batch norm, turned: x̂ = -1, 1, -1, 1 and h = g·weight = 1, 0, 0, 0 make 1/2, 0, -1/2, 0, divided by the deviation 2."""
    x, g, weight = np.array([[8.0, 12, 8, 12]]), np.array([[0.25, 0, 0, 3]]), np.array([4.0, 7, 7, 0])
    grad_x, grad_weight, grad_bias = F.layer_norm_backward(g, x, 4, weight, eps=0)
    assert_array_equal(grad_x, [[0.25, 0, -0.25, 0]])
    assert_array_equal(grad_weight, [-0.25, 0, 0, 3])
    assert_array_equal(grad_bias, [0.25, 0, 0, 3])


@pytest.mark.parametrize(("shape", "sizes"), [((5,), (5,)), ((3, 5), (5,)), ((2, 3, 4, 5), (4, 5)), ((2, 3, 4), (3, 4))])
@pytest.mark.parametrize("affine", [False, True])
def test_the_gradient_is_the_derivative(shape, sizes, affine):
    rng = np.random.default_rng(1)
    x, g, (weight, bias) = spread(shape), rng.normal(size=shape), rng.normal(size=(2, *sizes))
    found = F.layer_norm_backward(g, x, sizes, weight if affine else None, 1e-3)
    given = (x, weight if affine else np.ones(sizes), bias)
    assert_is_derivative(lambda x, w, b: F.layer_norm(x, sizes, w, b, 1e-3), found, given, (g,))


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_what_was_saved_spares_work_and_changes_nothing(dtype):
    x, g, weight = spread((2, 3, 4, 5)).astype(dtype) + 100, spread((2, 3, 4, 5), 1).astype(dtype), spread((4, 5), 2).astype(dtype)
    y, saved = layer_norm_saving(x, (4, 5), weight)
    assert_array_equal(y, F.layer_norm(x, (4, 5), weight))
    assert [array.shape for array in saved] == [(2, 3)] * 2
    before = [array.copy() for array in (x, g, weight, *saved)]
    again = F.layer_norm_backward(g, x, (4, 5), weight)
    for ours, theirs in zip(F.layer_norm_backward(g, x, (4, 5), weight, saved=saved), again, strict=True):
        assert ours.dtype == dtype
        assert_array_equal(ours, theirs)
    assert (F.layer_norm_backward(g, x, (4, 5), weight, saved=(saved[0], 2 * saved[1]))[0] != again[0]).any()  # it is used
    for array, copy in zip((x, g, weight, *saved), before, strict=True):
        assert_array_equal(array, copy)


def test_no_rows():
    x = np.zeros((0, 3, 5), np.float32)
    assert F.layer_norm(x, (3, 5)).shape == (0, 3, 5)
    grad_x, grad_weight, grad_bias = F.layer_norm_backward(x, x, (3, 5))
    assert grad_x.shape == (0, 3, 5)
    assert_array_equal(grad_weight, np.zeros((3, 5)))
    assert_array_equal(grad_bias, np.zeros((3, 5)))


def test_errors():
    x = np.zeros((2, 3, 4, 5))
    with pytest.raises(
        ShapeError, match=r"^layer_norm: normalized_shape must be the last axes of x, but it is \(4,\) and .* ends in \(5,\); use nor"
    ):
        F.layer_norm(x, 4)
    with pytest.raises(
        ShapeError, match=r"the channels of \(N, C, H, W\) are not its last axis: use group_norm\(x, 1\), or normalized_shape=\(3, 4, 5"
    ):
        F.layer_norm(x, 3)
    with pytest.raises(ShapeError, match=r"it is \(2, 3, 4\) and x\.shape=\(3, 4\) ends in \(3, 4\); x has only 2 axes"):
        F.layer_norm(x[0, 0, :3, :4], (2, 3, 4))
    with pytest.raises(ShapeError, match=r"^layer_norm: normalized_shape must name at least one axis, but it is \(\)"):
        F.layer_norm(x, ())
    with pytest.raises(ArgumentError, match=r"^layer_norm: normalized_shape must be at least 1, but it is 0"):
        F.layer_norm(x, 0)
    with pytest.raises(ArgumentError, match=r"^layer_norm: normalized_shape\[1\] must be a whole number, but it is 5\.0"):
        F.layer_norm(x, (4, 5.0))
    with pytest.raises(
        ShapeError, match=r"^layer_norm: weight must have the shape \(4, 5\) .* weight\.shape=\(20,\); weight\.reshape\(\(4, 5\)\)"
    ):
        F.layer_norm(x, (4, 5), np.ones(20))
    with pytest.raises(ShapeError, match=r"^layer_norm: bias must have the shape \(5,\) .* bias\.shape=\(4,\); give it 5 numbers"):
        F.layer_norm(x, 5, None, np.ones(4))
    with pytest.raises(ArgumentError, match=r"^layer_norm: eps must not be negative"):
        F.layer_norm(x, 5, eps=-1.0)
    with pytest.raises(DTypeError, match=r"^layer_norm: weight must be a NumPy array"):
        F.layer_norm(x, 5, [1.0] * 5)
    with pytest.raises(ShapeError, match=r"^layer_norm_backward: grad_output must have the output's shape, layer_norm returns"):
        F.layer_norm_backward(x[:1], x, 5)
    with pytest.raises(
        ShapeError, match=r"^layer_norm_backward: saved\[0\] holds one number for each of the 24 means of x, .*shape=\(2,\)"
    ):
        F.layer_norm_backward(x, x, 5, saved=(np.zeros(2), np.zeros(24)))
