"""Bounds and the straight sigmoid: values and gradients worked by hand, kinks, what a mistake gets."""

import numpy as np
import pytest
from differences import assert_is_derivative, spread
from numpy.testing import assert_array_equal

from minicnn import functional as F
from minicnn.errors import ArgumentError, ShapeError

NAN, INF = np.nan, np.inf


def test_clamp_by_hand():
    x = np.array([-INF, -1.0, 0.0, 2.0, 3.0, 4.0, INF, NAN])
    assert_array_equal(F.clamp(x, 0, 3), [0, 0, 0, 2, 3, 3, 3, NAN])
    assert_array_equal(F.clamp(x, max=0), [-INF, -1, 0, 0, 0, 0, 0, NAN])
    assert_array_equal(F.clamp_backward(np.full(8, 5.0), x, 0, 3), [0, 0, 5, 5, 5, 0, 0, 0])
    assert_array_equal(F.clamp_backward(np.full(8, 5.0), x, min=2), [0, 0, 0, 5, 5, 5, 5, 0])
    assert_array_equal(F.clamp_backward(np.full(8, INF), x, 0, 3), [0, 0, INF, INF, INF, 0, 0, 0])


def test_hardsigmoid_by_hand():
    x = np.array([-INF, -3.0, -1.5, 0.0, 1.5, 3.0, INF, NAN])
    assert_array_equal(F.hardsigmoid(x), [0, 0, 0.25, 0.5, 0.75, 1, 1, NAN])
    assert_array_equal(F.hardsigmoid_backward(np.full(8, 12.0), x), [0, 0, 2, 2, 2, 0, 0, 0])
    assert_array_equal(F.hardsigmoid_backward(np.full(8, 12.0), None, output=F.hardsigmoid(x)), [0, 0, 2, 2, 2, 0, 0, 0])
    assert_array_equal(F.hardsigmoid(np.array([-1.0, 1.0, 9.0]), 0.25, 0.25), [0, 0.5, 1])
    assert_array_equal(F.hardsigmoid_backward(np.ones(3), np.array([-1.0, 1.0, 9.0]), 0.25, 0.25), [0, 0.25, 0])


@pytest.mark.parametrize(
    ("function", "gradient"),
    [
        (lambda x: F.clamp(x, -3, 6), lambda g, x: F.clamp_backward(g, x, -3, 6)),
        (F.hardsigmoid, F.hardsigmoid_backward),
        (lambda x: F.hardsigmoid(x, -0.2, 0.6), lambda g, x: F.hardsigmoid_backward(g, x, -0.2, 0.6)),
    ],
)
def test_the_gradient_is_the_derivative(function, gradient):
    x, g = spread((3, 5, 7)), np.random.default_rng(0).normal(size=(3, 5, 7))
    assert_is_derivative(function, [gradient(g, x)], [x], [g])


def test_mistakes():
    x = np.ones(3)
    with pytest.raises(ArgumentError, match="clamp: max must be a real number, but it is 'a'"):
        F.clamp(x, 0, "a")
    with pytest.raises(ShapeError, match=r"clamp_backward: grad_output must have the output's shape, clamp returns \(3,\)"):
        F.clamp_backward(np.ones(4), x)
    with pytest.raises(ArgumentError, match="hardsigmoid: beta must be a real number"):
        F.hardsigmoid(x, 1, None)
    with pytest.raises(ArgumentError, match="hardsigmoid_backward: the gradient is worked out from x or from output, but both are None"):
        F.hardsigmoid_backward(x, None)
