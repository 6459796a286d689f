"""Group normalisation and its gradient."""

import numpy as np
import pytest
from differences import assert_is_derivative, spread
from numpy.testing import assert_array_equal

from minicnn import functional as F
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.functional.group_norm import group_norm_saving


def test_hand_worked():
    """Two groups of two channels of two positions: 1 3 1 3 and 12 28 28 12."""
    x = np.array([1.0, 3, 1, 3, 12, 28, 28, 12]).reshape(1, 4, 1, 2)
    assert_array_equal(F.group_norm(x, 2, eps=0).ravel(), [-1, 1, -1, 1, -1, 1, 1, -1])
    weight, bias = np.array([1.0, 2, 3, 0]), np.array([0.0, 5, 0, 7])
    assert_array_equal(F.group_norm(x, 2, weight, bias, 0).ravel(), [-1, 1, 3, 7, -3, 3, 7, 7])


def test_one_group_is_layer_norm_and_a_group_each_is_instance_norm():
    x = spread((3, 4, 5, 2))
    assert_array_equal(F.group_norm(x, 1), F.layer_norm(x, (4, 5, 2)))
    assert_array_equal(F.group_norm(x, 4), F.layer_norm(x, (5, 2)))


def test_a_group_of_one_number_leaves_bias():
    assert_array_equal(F.group_norm(np.array([[3.0, -7.0]]), 2, None, np.array([1.0, 2.0])), [[1, 2]])


def test_groups_do_not_see_each_other_and_a_nan_stays_in_its_group():
    x = spread((2, 6, 2, 3))
    clean = F.group_norm(x, 3)
    x[1, 3, 1, 2] = np.nan
    y = F.group_norm(x, 3)
    assert np.isnan(y[1, 2:4]).all()
    y[1, 2:4] = clean[1, 2:4]
    assert_array_equal(y, clean)


@pytest.mark.parametrize("shape", [(3, 6), (2, 6, 5), (2, 6, 4, 5)])
@pytest.mark.parametrize("groups", [1, 2, 3])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("offset", [0, 1e4])
def test_is_its_equation_however_far_from_zero(shape, groups, dtype, offset):
    rng = np.random.default_rng(0)
    x = (rng.normal(size=shape) + offset).astype(dtype)
    weight, bias = rng.normal(size=(2, 6)).astype(dtype)
    wide = x.astype(np.longdouble).reshape(len(x), groups, 6 // groups, -1)
    n, info = wide[0, 0].size, np.finfo(dtype)
    mean = wide.mean(axis=(2, 3), keepdims=True)
    scale = weight.reshape(groups, -1, 1) / np.sqrt(((wide - mean) ** 2).mean(axis=(2, 3), keepdims=True) + np.longdouble(1e-5))
    shift = bias.reshape(groups, -1, 1)
    expected = (wide - mean) * scale + shift
    # As for batch norm: d, scale, product and half the variance's eps; shift and sum half of each; near's half an eps; sums in float64.
    carried = info.eps / 2 * abs(mean * scale)
    product = abs((wide - mean) * scale) + carried
    bound = info.eps * (2 * product + (abs(shift) + carried + abs(expected)) / 2) + n * 2.0**-52 * (abs(x).max() * abs(scale) + product)
    y = F.group_norm(x, groups, weight, bias)
    assert y.dtype == dtype
    assert (abs(y.reshape(wide.shape) - expected) <= 1.01 * bound).all()


def test_gradient_by_hand():
    """As for layer norm: x̂ = -1, 1, -1, 1 over two channels, h = g·weight = 1, 0, 0, 0, deviation 2."""
    x, weight = np.array([8.0, 12, 8, 12]).reshape(1, 2, 1, 2), np.array([4.0, 7.0])
    g = np.array([0.25, 0, 0, 0]).reshape(1, 2, 1, 2)
    grad_x, grad_weight, grad_bias = F.group_norm_backward(g, x, 1, weight, eps=0)
    assert_array_equal(grad_x.ravel(), [0.25, 0, -0.25, 0])
    assert_array_equal(grad_weight, [-0.25, 0])
    assert_array_equal(grad_bias, [0.25, 0])


@pytest.mark.parametrize("shape", [(3, 6), (2, 6, 5), (2, 6, 4, 3)])
@pytest.mark.parametrize("groups", [1, 2, 3])
@pytest.mark.parametrize("affine", [False, True])
def test_the_gradient_is_the_derivative(shape, groups, affine):
    rng = np.random.default_rng(1)
    x, g, (weight, bias) = spread(shape), rng.normal(size=shape), rng.normal(size=(2, 6))
    found = F.group_norm_backward(g, x, groups, weight if affine else None, 1e-3)
    given = (x, weight if affine else np.ones(6), bias)
    assert_is_derivative(lambda x, w, b: F.group_norm(x, groups, w, b, 1e-3), found, given, (g,))


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_what_was_saved_spares_work_and_changes_nothing(dtype):
    x, g, weight = spread((2, 6, 4, 5)).astype(dtype) + 100, spread((2, 6, 4, 5), 1).astype(dtype), spread((6,), 2).astype(dtype)
    y, saved = group_norm_saving(x, 3, weight)
    assert_array_equal(y, F.group_norm(x, 3, weight))
    assert [array.shape for array in saved] == [(2, 3)] * 2
    before = [array.copy() for array in (x, g, weight, *saved)]
    again = F.group_norm_backward(g, x, 3, weight)
    for ours, theirs in zip(F.group_norm_backward(g, x, 3, weight, saved=saved), again, strict=True):
        assert ours.dtype == dtype
        assert_array_equal(ours, theirs)
    assert (F.group_norm_backward(g, x, 3, weight, saved=(saved[0], 2 * saved[1]))[0] != again[0]).any()  # it is used
    for array, copy in zip((x, g, weight, *saved), before, strict=True):
        assert_array_equal(array, copy)


def test_no_images():
    x = np.zeros((0, 6, 4, 5), np.float32)
    assert F.group_norm(x, 3).shape == x.shape
    grad_x, grad_weight, grad_bias = F.group_norm_backward(x, x, 3)
    assert grad_x.shape == x.shape
    assert_array_equal(grad_weight, np.zeros(6))
    assert_array_equal(grad_bias, np.zeros(6))


def test_errors():
    x = np.zeros((2, 6, 4, 5))
    with pytest.raises(
        ArgumentError, match=r"^group_norm: num_groups must divide the channels of x, but 6 / 4 leaves 2; .* dealt into 1, 2, 3, 6\."
    ):
        F.group_norm(x, 4)
    with pytest.raises(ArgumentError, match=r"^group_norm: num_groups must be at least 1, but it is 0"):
        F.group_norm(x, 0)
    with pytest.raises(ArgumentError, match=r"^group_norm: num_groups must be a whole number, but it is 2\.0"):
        F.group_norm(x, 2.0)
    with pytest.raises(ShapeError, match=r"^group_norm: x must be \(N, C\) or \(N, C, …\), but x\.shape=\(6,\) has no channel axis"):
        F.group_norm(np.zeros(6), 2)
    with pytest.raises(ShapeError, match=r"^group_norm: only the batch may be empty, but x\.shape=\(2, 6, 0, 5\)"):
        F.group_norm(x[:, :, :0], 2)
    with pytest.raises(ShapeError, match=r"^group_norm: weight expects 5 input channels but x has 6 .* That looks like NHWC"):
        F.group_norm(x, 2, np.ones(5))
    with pytest.raises(ShapeError, match=r"^group_norm: bias has 5 channels but x has 6 \(x\.shape=\(2, 6\)\)"):
        F.group_norm(x[:, :, 0, 0], 2, None, np.ones(5))
    with pytest.raises(
        ShapeError, match=r"^group_norm: weight must have one axis, \(C,\), but its shape is \(6, 1, 1\); use weight\.reshape\(-1\)"
    ):
        F.group_norm(x, 2, np.ones((6, 1, 1)))
    with pytest.raises(ArgumentError, match=r"^group_norm: eps must not be negative"):
        F.group_norm(x, 2, eps=-1.0)
    with pytest.raises(DTypeError, match=r"^group_norm: all arrays must have one dtype"):
        F.group_norm(x, 2, np.ones(6, np.float32))
    with pytest.raises(ShapeError, match=r"^group_norm_backward: grad_output must have the output's shape, group_norm returns"):
        F.group_norm_backward(x[:1], x, 2)
    with pytest.raises(ShapeError, match=r"^group_norm_backward: saved\[0\] holds one number for each of the 4 means of x, .*shape=\(2,\)"):
        F.group_norm_backward(x, x, 2, saved=(np.zeros(2), np.zeros(4)))
