"""The arithmetic that batch, layer and group norm share: float64 sums, and gradients that do not suffer far from zero."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minicnn import functional as F
from minicnn.functional.moments import centred, moments, total


def test_total_by_hand():
    x = np.arange(1.0, 7).reshape(2, 3)
    assert_array_equal(total(x, over=(0,)), [[5, 7, 9]])
    assert_array_equal(total(x, x, over=(1,)), [[14], [77]])
    assert_array_equal(total(x, np.array([[10.0], [1]]), over=(0,)), [[14, 25, 36]])  # an axis of 1 is spread


def test_sums_are_float64():
    x = np.full((1, 2**25), 1, np.float32)  # one after the other, float32 stops at 2²⁴
    assert total(x, over=(1,)).item() == 2**25


def test_moments_by_hand():
    """16777217 is no float32: near is 16777216, and what is left is carried."""
    x = np.array([[16777216, 16777218]], np.float32)
    d, left, mean, variance = moments(x, (1,))
    assert_array_equal(d, [[0, 2]])
    assert (left.item(), mean.item(), variance.item()) == (1, 16777217, 1)
    assert d.dtype == np.float32
    d, left = centred(x, np.array([[16777216.0]]))
    assert_array_equal(d, [[0, 2]])
    assert left.item() == 0


GRADIENTS = {  # x as (2, 6, 4, 5): the gradient's call, the axes of a mean, of a parameter's sum, the weight's shape
    "batch_norm": (lambda g, x, w: F.batch_norm_backward(g, x, None, None, w.ravel(), True), (0, 2, 3), (0, 2, 3), (6, 1, 1)),
    "layer_norm": (lambda g, x, w: F.layer_norm_backward(g, x, (4, 5), w), (2, 3), (0, 1), (4, 5)),
    "group_norm": (lambda g, x, w: F.group_norm_backward(g, x, 6, w.ravel()), (2, 3), (0, 2, 3), (6, 1, 1)),
}


@pytest.mark.parametrize("name", GRADIENTS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("offset", [0, 1e4])
def test_gradients_are_their_equation_however_far_from_zero(name, dtype, offset):
    call, axes, outer, weight_shape = GRADIENTS[name]
    rng = np.random.default_rng(0)
    x, g = (rng.normal(size=(2, 6, 4, 5)) + offset).astype(dtype), (rng.normal(size=(2, 6, 4, 5)) + 3).astype(dtype)
    weight, info = rng.normal(size=weight_shape).astype(dtype), np.finfo(dtype)
    wide, wide_g = x.astype(np.longdouble), g.astype(np.longdouble)

    def mean(array):
        return array.mean(axis=axes, keepdims=True)

    r = 1 / np.sqrt(mean((wide - mean(wide)) ** 2) + np.longdouble(1e-5))
    hat, h = (wide - mean(wide)) * r, wide_g * weight
    expected = r * (h - mean(h) - hat * mean(h * hat)), (wide_g * hat).sum(axis=outer), wide_g.sum(axis=outer)
    # In units of eps, of r·|h|, r·mean|h| and r·|x̂|·mean|h·x̂|: r 1/2 (the variance 1), each factor and product 1/2, x̂ inside the mean 3/2,
    # two sums 1/2 each: at most 6. near misses the mean by eps/2 of it, which x̂ carries. Sums of n float64 numbers: n·2⁻⁵² of what they sum,
    # where a mean of x that is off moves x̂ by r times that.
    carried = abs(hat) + info.eps / 2 * abs(mean(wide)) * r
    n = x.size * 2.0**-52 * (1 + offset)
    sizes = (
        r * (abs(h) + mean(abs(h)) + carried * mean(abs(h) * carried)),
        (abs(wide_g) * carried).sum(axis=outer),
        abs(wide_g).sum(axis=outer),
    )
    for found, exact, size, units in zip(call(g, x, weight), expected, sizes, (6, 2, 1), strict=True):
        assert found.dtype == dtype
        assert (abs(found - exact.reshape(found.shape)) <= 1.01 * ((units * info.eps + n) * size).reshape(found.shape)).all()
