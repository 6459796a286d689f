"""Batch normalisation: with running statistics, with the batch's, and its gradient in both."""

import numpy as np
import pytest
from differences import assert_adjoint, assert_is_derivative, spread
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from minicnn import functional as F
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.functional.normalization import batch_norm_training, scale_and_shift


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
    with pytest.raises(
        ArgumentError, match=r"^batch_norm: training is True or False, but it is 1e-05; PyTorch's order is weight, bias, training"
    ):
        F.batch_norm(x, mean, var, weight, bias, 1e-5)
    with pytest.raises(
        ArgumentError, match=r"^batch_norm: training=False normalises by the running statistics, but running_mean is None; pass"
    ):
        F.batch_norm(x, None, None)


# In training.


def test_training_by_hand():
    """Channel 0 holds 1, 3, 1, 3: mean 2, variance 1, 4/3 of it where n - 1 divides; channel 1 ten times that."""
    x = np.array([[[[1, 3]], [[10, 30]]], [[[1, 3]], [[10, 30]]]], np.float64)  # (2, 2, 1, 2)
    mean, var = np.array([0.0, 4.0]), np.array([2.0, 0.0])
    y, new_mean, new_var = F.batch_norm(x, mean, var, training=True, momentum=0.75, eps=0)
    assert_array_equal(y, [[[[-1, 1]], [[-1, 1]]]] * 2)
    assert_array_equal(new_mean, [1.5, 16])  # 0.75·2, and 0.25·4 + 0.75·20
    assert_array_equal(new_var, [1.5, 100])  # 0.25·2 + 0.75·4/3, and 0.75·400/3
    assert_array_equal(mean, [0, 4])
    assert_array_equal(var, [2, 0])
    y, *_ = F.batch_norm(x, mean, var, np.array([5.0, 1.0]), np.array([0.0, 7.0]), True, 0.75, 0)
    assert_array_equal(y, [[[[-5, 5]], [[6, 8]]]] * 2)


def test_training_without_running_statistics():
    y, mean, var = F.batch_norm(np.array([[1.0], [3.0]]), None, None, training=True, eps=0)
    assert_array_equal(y, [[-1], [1]])
    assert mean is var is None


@pytest.mark.parametrize("momentum", [0, 1])
def test_momentum_is_the_share_of_the_batch(momentum):
    x, (mean, var, *_) = spread((4, 3, 5), 1), statistics(3)
    _, new_mean, new_var = F.batch_norm(x, mean, var, training=True, momentum=momentum)
    np.testing.assert_allclose(new_mean, x.mean(axis=(0, 2)) if momentum else mean, rtol=1e-13)
    np.testing.assert_allclose(new_var, x.var(axis=(0, 2), ddof=1) if momentum else var, rtol=1e-13)


def test_a_share_of_one_k_th_for_the_k_th_batch_is_the_average_of_all():
    """What the error about momentum=None promises."""
    batches = [spread((4, 2, 3), seed) for seed in range(3)]
    mean, var = np.full(2, 77.0), np.full(2, 77.0)
    for k, x in enumerate(batches, 1):
        _, mean, var = F.batch_norm(x, mean, var, training=True, momentum=1 / k)
    np.testing.assert_allclose(mean, np.mean([x.mean(axis=(0, 2)) for x in batches], axis=0), rtol=1e-13)
    np.testing.assert_allclose(var, np.mean([x.var(axis=(0, 2), ddof=1) for x in batches], axis=0), rtol=1e-13)


def exact(x, weight, bias, eps=1e-5):
    """The equation in long double, per channel of (N, C, …): y, mean, variance, and 1/√(variance + eps)·weight."""
    x = x.astype(np.longdouble)
    axes = (0, *range(2, x.ndim))
    mean, column = x.mean(axis=axes, keepdims=True), (-1,) + (1,) * (x.ndim - 2)
    var = ((x - mean) ** 2).mean(axis=axes, keepdims=True)
    scale = weight.astype(np.longdouble).reshape(column) / np.sqrt(var + np.longdouble(eps))
    return (x - mean) * scale + bias.astype(np.longdouble).reshape(column), mean, var, scale


@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 5), (2, 3, 4, 5), (2, 3, 2, 4, 5)])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("offset", [0, 1e4])
def test_training_is_its_equation_however_far_from_zero(shape, dtype, offset):
    mean, var, weight, bias = statistics(3, dtype)
    x = (np.random.default_rng(0).normal(size=shape) + offset).astype(dtype)
    y, new_mean, new_var = F.batch_norm(x, mean, var, weight, bias, training=True)
    expected, batch_mean, batch_var, scale = exact(x, weight, bias)
    n, info = x.size // 3, np.finfo(dtype)
    # d, scale, product: half an eps each; the variance at most one, half of which reaches its root; shift and sum: half of each.
    # near misses the mean by half an eps of it, which d carries too. Sums of n float64 numbers: n·2⁻⁵³ of what they sum.
    carried = info.eps / 2 * abs(batch_mean * scale)
    product, shift = abs((x - batch_mean) * scale) + carried, abs(bias.reshape(scale.shape[1:])) + carried
    sums = n * 2.0**-52 * (abs(x).max() * abs(scale) + product)
    assert (abs(y - expected) <= 1.01 * (info.eps * (2 * product + shift / 2 + abs(expected) / 2) + sums)).all()
    batch_mean, batch_var = batch_mean.ravel(), batch_var.ravel() * n / (n - 1)
    for new, old, measured, off in ((new_mean, mean, batch_mean, 0), (new_var, var, batch_var, info.eps * batch_var)):
        moved = np.longdouble(0.9) * old + np.longdouble(0.1) * measured
        rounded = (
            info.eps * abs(moved) + 0.1 * off + n * 2.0**-52 * (abs(measured) + abs(x).max() * (measured is batch_mean)) + 4e-16 * abs(old)
        )
        assert (abs(new - moved) <= 1.01 * rounded).all()


def test_equal_numbers_have_no_spread_and_no_nan():
    x = np.full((3, 2, 5), 0.1, np.float32)
    y, _, var = F.batch_norm(x, np.zeros(2, np.float32), np.zeros(2, np.float32), training=True)
    assert (abs(y) <= 1e-6).all()
    assert (var >= 0).all()
    assert (var <= 1e-12).all()


def test_a_nan_stays_in_its_channel_in_training():
    x = spread((2, 3, 4, 5))
    x[1, 2, 3, 4] = np.nan
    y, mean, var = F.batch_norm(x, np.zeros(3), np.ones(3), training=True)
    for result in (y.swapaxes(0, 1).reshape(3, -1), mean[:, None], var[:, None]):
        assert_array_equal(np.isnan(result).all(axis=1), [False, False, True])
        assert_array_equal(np.isnan(result).any(axis=1), [False, False, True])


def test_extreme_numbers_raise_no_warning_in_training():
    values = np.array([np.inf, -np.inf, np.nan, 0, -0.0, 3e38, -3e38, 1e-45, 1, -1000], np.float32)
    rng = np.random.default_rng(1)
    x, g = rng.choice(values, (2, 2, 3, 4, 5))
    mean, var, weight, bias = rng.choice(values, (4, 3))
    with np.errstate(all="raise"):
        F.batch_norm(x, mean, var, weight, bias, training=True)
        F.batch_norm_backward(g, x, mean, var, weight, training=True)


def turned(x):
    return np.ascontiguousarray(x.T).T


@pytest.mark.parametrize("training", [False, True])
def test_arguments_are_untouched_and_layouts_do_not_count(training):
    x, g, (mean, var, weight, bias) = spread((2, 3, 4, 5)), spread((2, 3, 4, 5), 1), statistics(3)
    given = [x, g, mean, var, weight, bias]
    before = [array.copy() for array in given]
    with np.errstate(all="raise"):
        found = F.batch_norm(x, mean, var, weight, bias, training), F.batch_norm_backward(g, x, mean, var, weight, training)
        again = (
            F.batch_norm(turned(x), mean, var, weight, bias, training),
            F.batch_norm_backward(turned(g), turned(x), mean, var, weight, training),
        )
    for array, copy in zip(given, before, strict=True):
        assert_array_equal(array, copy)
    for ours, theirs in zip((*found[0], *found[1]), (*again[0], *again[1]), strict=True):
        assert_array_equal(ours, theirs)
        assert not any(np.shares_memory(ours, array) for array in given)


def test_errors_in_training():
    x, (mean, var, *_) = np.zeros((2, 3, 4, 5)), statistics(3)
    for shape, arithmetic in (((1, 3, 1, 1), r"1·1·1 = 1"), ((0, 3, 4, 5), r"0·4·5 = 0"), ((1, 3), r"1; use a larger batch")):
        match = (
            rf"^batch_norm: training=True measures a variance, which takes at least 2 numbers per channel, but x\.shape=.* has {arithmetic}"
        )
        with pytest.raises(ShapeError, match=match):
            F.batch_norm(np.zeros(shape), mean, var, training=True)
    with pytest.raises(ArgumentError, match=r"^batch_norm: momentum must be a number, but it is None, PyTorch's average .* momentum=1/k"):
        F.batch_norm(x, mean, var, training=True, momentum=None)
    with pytest.raises(
        ArgumentError, match=r"^batch_norm: momentum is the share of the new batch, between 0 and 1, but it is 1\.5; usual is 0\.1"
    ):
        F.batch_norm(x, mean, var, training=True, momentum=1.5)
    with pytest.raises(ArgumentError, match=r"^batch_norm: momentum must be a real number"):
        F.batch_norm(x, mean, var, momentum="0.1")
    with pytest.raises(
        ArgumentError, match=r"^batch_norm: running_mean and running_var come together or not at all, but running_var is None"
    ):
        F.batch_norm(x, mean, None, training=True)
    with pytest.raises(ShapeError, match=r"^batch_norm: weight expects 2 input channels but x has 3"):
        F.batch_norm(x, None, None, np.ones(2), training=True)
    with pytest.raises(ShapeError, match=r"^batch_norm: x must be \(N, C\) or \(N, C, …\), but x\.shape=\(3,\)"):
        F.batch_norm(np.zeros(3), None, None, training=True)
    with pytest.raises(DTypeError, match=r"^batch_norm: all arrays must have one dtype, but x is float64 and weight is float32"):
        F.batch_norm(x, None, None, np.ones(3, np.float32), training=True)


# The gradient.


def test_gradient_by_hand():
    """x̂ = -1, 1, -1, 1 and g = 1, 0, 0, 0: mean(g) = 1/4 and mean(g·x̂) = -1/4, so g - 1/4 + x̂/4 = 1/2, 0, -1/2, 0; deviation 2, weight 3."""
    x = np.array([8.0, 12, 8, 12]).reshape(2, 1, 1, 2)
    g = np.array([1.0, 0, 0, 0]).reshape(2, 1, 1, 2)
    grad_x, grad_weight, grad_bias = F.batch_norm_backward(g, x, None, None, np.array([3.0]), training=True, eps=0)
    assert_array_equal(grad_x.ravel(), [0.75, 0, -0.75, 0])
    assert_array_equal(grad_weight, [-1])
    assert_array_equal(grad_bias, [1])
    grad_x, grad_weight, grad_bias = F.batch_norm_backward(g, x, np.array([7.0]), np.array([4.0]), np.array([3.0]), eps=0)
    assert_array_equal(grad_x.ravel(), [1.5, 0, 0, 0])  # running statistics: 3/2 of g, and x̂ of the first is 1/2
    assert_array_equal(grad_weight, [0.5])
    assert_array_equal(grad_bias, [1])


@pytest.mark.parametrize("shape", [(5, 3), (2, 3, 4), (2, 3, 4, 5)])
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("affine", [False, True])
def test_the_gradient_is_the_derivative(shape, training, affine):
    x, g, (mean, var, weight, bias) = spread(shape), np.random.default_rng(1).normal(size=shape), statistics(3)
    if not affine:
        weight = None
    found = F.batch_norm_backward(g, x, mean, var, weight, training, 1e-3)

    def forward(x, weight, bias):
        y = F.batch_norm(x, mean, var, weight, bias, training, eps=1e-3)
        return y[0] if training else y

    assert_is_derivative(forward, found, (x, np.ones(3) if weight is None else weight, bias), (g,))
    for part, grad_shape in zip(found, (shape, (3,), (3,)), strict=True):
        assert part.shape == grad_shape


def test_with_running_statistics_it_is_the_adjoint():
    x, g = (np.random.default_rng(seed).integers(-4, 5, (2, 3, 4, 5)).astype(float) for seed in (0, 1))
    zero, four, weight = np.zeros(3), np.full(3, 4.0), np.array([2.0, -6.0, 0.0])
    assert_adjoint(
        lambda x: F.batch_norm(x, zero, four, weight, eps=0), lambda g: F.batch_norm_backward(g, x, zero, four, weight, eps=0)[0], x, g
    )


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_what_was_saved_spares_work_and_changes_nothing(dtype):
    x, g = spread((2, 3, 4, 5)).astype(dtype) + 100, spread((2, 3, 4, 5), 1).astype(dtype)
    weight = statistics(3, dtype)[2]
    y, _, _, saved = batch_norm_training(x, None, None, weight)
    assert_array_equal(y, F.batch_norm(x, None, None, weight, training=True)[0])
    for ours, theirs in zip(
        F.batch_norm_backward(g, x, None, None, weight, True, saved=saved),
        F.batch_norm_backward(g, x, None, None, weight, True),
        strict=True,
    ):
        assert ours.dtype == dtype
        assert_array_equal(ours, theirs)
    wrong = F.batch_norm_backward(g, x, None, None, weight, True, saved=(saved[0], 2 * saved[1]))
    assert (wrong[0] != theirs[0]).any()  # it is used


def test_in_training_a_shift_and_a_scale_of_x_cost_nothing():
    """y does not change with them, so the gradient has no component along 1 and along x̂."""
    x, g = spread((2, 3, 4, 5)), np.random.default_rng(1).normal(size=(2, 3, 4, 5))
    grad_x, *_ = F.batch_norm_backward(g, x, None, None, training=True, eps=0)
    size = abs(grad_x).sum(axis=(0, 2, 3))
    assert (abs(grad_x.sum(axis=(0, 2, 3))) <= 40 * 1e-15 * size).all()
    assert (abs((grad_x * x).sum(axis=(0, 2, 3))) <= 40 * 1e-15 * size * abs(x).max()).all()


def test_an_empty_batch_with_running_statistics():
    mean, var, weight, _ = statistics(3, "f4")
    grad_x, grad_weight, grad_bias = F.batch_norm_backward(np.zeros((0, 3, 4, 5), "f4"), np.zeros((0, 3, 4, 5), "f4"), mean, var, weight)
    assert grad_x.shape == (0, 3, 4, 5)
    assert_array_equal(grad_weight, np.zeros(3, "f4"))
    assert_array_equal(grad_bias, np.zeros(3, "f4"))


def test_gradient_errors():
    x, (mean, var, weight, _) = np.zeros((2, 3, 4, 5)), statistics(3)
    with pytest.raises(
        ShapeError, match=r"^batch_norm_backward: grad_output must have the output's shape, batch_norm returns \(2, 3, 4, 5\) here"
    ):
        F.batch_norm_backward(x[:, :2], x, mean, var)
    with pytest.raises(
        DTypeError, match=r"^batch_norm_backward: all arrays must have one dtype, but x is float64 and grad_output is float32"
    ):
        F.batch_norm_backward(x.astype(np.float32), x, mean, var)
    with pytest.raises(ArgumentError, match=r"^batch_norm_backward: saved holds the batch's statistics, which training=False does not use"):
        F.batch_norm_backward(x, x, mean, var, saved=(mean, var))
    with pytest.raises(
        ArgumentError, match=r"^batch_norm_backward: saved is the pair \(mean, inverse deviation\), but it is ndarray; leave saved out"
    ):
        F.batch_norm_backward(x, x, mean, var, training=True, saved=mean)
    with pytest.raises(
        ShapeError, match=r"^batch_norm_backward: saved\[1\] holds one number for each of the 3 means .* saved\[1\]\.shape=\(2,\)"
    ):
        F.batch_norm_backward(x, x, mean, var, training=True, saved=(mean, var[:2]))
    with pytest.raises(DTypeError, match=r"^batch_norm_backward: saved\[0\] must be a NumPy array"):
        F.batch_norm_backward(x, x, mean, var, training=True, saved=([0, 0, 0], var))
    with pytest.raises(ArgumentError, match=r"^batch_norm_backward: training is True or False, .* there is no bias"):
        F.batch_norm_backward(x, x, mean, var, weight, mean)
    with pytest.raises(ShapeError, match=r"^batch_norm_backward: training=True measures a variance"):
        F.batch_norm_backward(x[:1, :, :1, :1], x[:1, :, :1, :1], mean, var, training=True)
    with pytest.raises(ArgumentError, match=r"^batch_norm_backward: eps must not be negative"):
        F.batch_norm_backward(x, x, mean, var, eps=-1.0)
    with pytest.raises(
        ArgumentError, match=r"^batch_norm_backward: training=False normalises by the running statistics, but running_mean is None"
    ):
        F.batch_norm_backward(x, x, None, None)
