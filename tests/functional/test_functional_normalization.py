"""Batch normalisation with fixed statistics."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from minicnn import functional as F
from minicnn.errors import ArgumentError, ShapeError
from minicnn.functional.normalization import scale_and_shift


def statistics(channels, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    mean, weight, bias = rng.normal(size=(3, channels)).astype(dtype)
    return mean, rng.uniform(0.1, 4, channels).astype(dtype), weight, bias


def test_hand_worked():
    x = np.array([[[[1, 3]], [[10, 30]]]], np.float32)
    mean, var = np.array([2, 20], np.float32), np.array([1, 100], np.float32)
    assert_array_equal(F.batch_norm(x, mean, var, eps=0), [[[[-1, 1]], [[-1, 1]]]])
    weight, bias = np.array([5, 1], np.float32), np.array([0, 7], np.float32)
    assert_array_equal(F.batch_norm(x, mean, var, weight, bias, eps=0), [[[[-5, 5]], [[6, 8]]]])
    assert_array_equal(F.batch_norm(x, mean, var, weight, eps=0), [[[[-5, 5]], [[-1, 1]]]])
    assert_array_equal(F.batch_norm(x, mean, var, None, bias, eps=0), [[[[-1, 1]], [[6, 8]]]])


@settings(deadline=None)
@given(st.sampled_from([(4, 3), (2, 3, 5), (2, 3, 4, 5), (2, 3, 2, 4, 5), (0, 3, 4, 5)]), st.sampled_from(["f4", "f8"]), st.integers(0, 9))
def test_is_its_equation(shape, dtype, seed):
    mean, var, weight, bias = statistics(3, dtype, seed)
    x = np.random.default_rng(seed).normal(size=shape).astype(dtype)
    y = F.batch_norm(x, mean, var, weight, bias)
    assert y.dtype == dtype
    assert y.shape == shape
    mean, var, weight, bias = (each.astype(np.longdouble).reshape(3, *(1,) * (len(shape) - 2)) for each in (mean, var, weight, bias))
    scale = weight / np.sqrt(var + np.longdouble(1e-5))
    # Rounded in x's dtype: scale and product (half an eps each of x·scale), shift, sum. Before that, in float64: at most 5 roundings.
    product, shift, exact = abs(x * scale), abs(bias - mean * scale), (x - mean) * scale + bias
    bound = np.finfo(dtype).eps * (product + shift / 2 + abs(exact) / 2) + 5 * np.finfo(float).eps * (
        product + abs(mean * scale) + abs(bias)
    )
    assert (abs(y - exact) <= bound * 1.01).all()


def test_scale_and_shift_are_float64_for_float32_statistics():
    mean, var, weight, bias = statistics(3, np.float32)
    scale, shift = scale_and_shift(mean, var, weight, bias, 1e-5)
    assert scale.dtype == shift.dtype == np.float64
    np.testing.assert_allclose(scale, weight / np.sqrt(var.astype(float) + 1e-5), rtol=4e-16)


def test_a_nan_stays_in_its_place_and_nan_statistics_in_their_channel():
    mean, var, weight, bias = statistics(3)
    x = np.zeros((2, 3, 4, 5))
    x[1, 2, 3, 4] = np.nan
    assert_array_equal(np.isnan(F.batch_norm(x, mean, var, weight, bias)), np.isnan(x))
    mean[1] = np.inf
    y = F.batch_norm(np.zeros((2, 3, 4, 5)), mean, var, abs(weight), bias)
    assert (y[:, 1] == -np.inf).all()
    assert np.isfinite(y[:, [0, 2]]).all()
    var[0] = -1  # no square root
    assert np.isnan(F.batch_norm(np.zeros((2, 3)), mean, var)[:, 0]).all()


def test_errors():
    x, (mean, var, weight, bias) = np.zeros((2, 3, 4, 5)), statistics(3)
    with pytest.raises(ShapeError, match=r"^batch_norm: running_mean expects 3 input channels but x has 5 .* That looks like NHWC"):
        F.batch_norm(x.transpose(0, 3, 2, 1), mean, var)
    with pytest.raises(ShapeError, match=r"^batch_norm: running_mean expects 4 input channels but x has 3 \(x\.shape=\(2, 3, 4, 5\)\)"):
        F.batch_norm(x, *statistics(4))
    with pytest.raises(ShapeError, match=r"^batch_norm: running_mean has 3 channels but x has 4 .* its batch axis: x\[None\]\.$"):
        F.batch_norm(x[0], mean, var)
    with pytest.raises(
        ShapeError, match=r"^batch_norm: running_mean has 3 channels but x has 2 \(x\.shape=\(4, 2\)\)\. Channels are axis 1"
    ):
        F.batch_norm(np.zeros((4, 2)), mean, var)
    with pytest.raises(ShapeError, match=r"^batch_norm: x must be \(N, C\) or \(N, C, …\), but x\.shape=\(3,\)"):
        F.batch_norm(np.zeros(3), mean, var)
    with pytest.raises(ShapeError, match=r"^batch_norm: running_mean must have one axis, \(C,\), but its shape is \(3, 1\)"):
        F.batch_norm(x, mean[:, None], var)
    for position, name in enumerate(("running_var", "weight", "bias")):
        given = [var, weight, bias]
        given[position] = np.zeros(2)
        with pytest.raises(ShapeError, match=rf"^batch_norm: {name} must have one number per channel, .* has 3, but {name}\.shape=\(2,\)"):
            F.batch_norm(x, mean, *given)
    with pytest.raises(ArgumentError, match=r"^batch_norm: eps must not be negative, .* but it is -1\.0"):
        F.batch_norm(x, mean, var, eps=-1)
    with pytest.raises(ArgumentError, match=r"^batch_norm: eps must be a real number"):
        F.batch_norm(x, mean, var, eps="1e-5")
    with pytest.raises(TypeError, match="positional"):
        F.batch_norm(x, mean, var, weight, bias, 1e-5)
