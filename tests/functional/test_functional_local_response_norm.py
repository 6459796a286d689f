"""Local response normalization against its definition, written as loops; its gradient by differences."""

import numpy as np
import pytest
from differences import assert_is_derivative, spread
from numpy.testing import assert_allclose, assert_array_equal

from minicnn import functional as F
from minicnn.errors import ArgumentError, ShapeError


def by_loops(x, size, alpha, beta, k, longer):
    """Sums over the channels c - below … c + above, as the papers write them."""
    below, above = (size // 2, (size - 1) // 2) if longer == "below" else ((size - 1) // 2, size // 2)
    y = np.empty_like(x)
    for c in range(x.shape[1]):
        window = x[:, max(0, c - below) : c + above + 1]
        y[:, c] = x[:, c] / (k + alpha / size * (window * window).sum(axis=1)) ** beta
    return y


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 9])
@pytest.mark.parametrize("longer", ["below", "above"])
@pytest.mark.parametrize("shape", [(2, 5), (2, 5, 3, 4), (1, 4, 2, 3, 2), (2, 1, 3)])
def test_against_the_definition(size, longer, shape):
    x = np.random.default_rng(0).normal(size=shape) * 3
    y = F.local_response_norm(x, size, 0.5, 0.75, 2.0, longer=longer)
    # both sum size squares, take a power and divide
    assert_allclose(y, by_loops(x, size, 0.5, 0.75, 2.0, longer), rtol=(size + 8) * np.finfo(float).eps)


def test_by_hand():
    x = np.array([[[3.0], [4.0], [0.0]]])
    assert_array_equal(F.local_response_norm(x, 2, 2.0, 0.5, 0.0)[0, :2, 0], [1, 0.8])
    assert_array_equal(F.local_response_norm(x, 2, 2.0, 0.5, 0.0, longer="above")[0, :2, 0], [0.6, 1])
    assert_array_equal(F.local_response_norm(x, 3, 3.0, 1.0, 0.0)[0, :2, 0], [3 / 25, 4 / 25])


@pytest.mark.parametrize(("size", "longer"), [(1, "below"), (2, "below"), (2, "above"), (5, "below"), (4, "above")])
def test_the_gradient_is_the_derivative(size, longer):
    x, g = spread((2, 6, 3)), np.random.default_rng(1).normal(size=(2, 6, 3))
    grad = F.local_response_norm_backward(g, x, size, 0.4, 0.75, 1.5, longer=longer)
    assert_is_derivative(lambda x: F.local_response_norm(x, size, 0.4, 0.75, 1.5, longer=longer), [grad], [x], [g])


def test_mistakes():
    x = np.ones((1, 2, 3))
    with pytest.raises(ArgumentError, match="local_response_norm: size must be at least 1, but it is 0"):
        F.local_response_norm(x, 0)
    with pytest.raises(ArgumentError, match="longer must be one of 'below', 'above', but it is 'left'"):
        F.local_response_norm(x, 2, longer="left")
    with pytest.raises(ArgumentError, match="alpha must be a real number"):
        F.local_response_norm(x, 2, "a")
    with pytest.raises(ShapeError, match=r"x must be \(N, C, …\), but x.shape=\(3,\) has no channel axis; give it one, x\[None\]"):
        F.local_response_norm(np.ones(3), 2)
    with pytest.raises(ShapeError, match="local_response_norm_backward: grad_output must have the output's shape"):
        F.local_response_norm_backward(np.ones(6), x, 2)
