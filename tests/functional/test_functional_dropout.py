"""Dropout: what is drawn, what is kept, and the way back through the mask."""

import numpy as np
import pytest
from differences import assert_adjoint
from numpy.testing import assert_array_equal

from minicnn import functional as F
from minicnn.errors import ArgumentError, DTypeError, ShapeError


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("p", [0.2, 0.5, 0.75])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_what_is_kept_is_scaled_and_the_rest_is_zero(p, dtype):
    x = rng(1).normal(size=(3, 5, 7)).astype(dtype)
    before = x.copy()
    y, mask = F.dropout(x, p, rng=rng(), return_mask=True)
    assert y.dtype == dtype
    assert mask.dtype == bool
    assert_array_equal(mask, rng().random((3, 5, 7), np.float32) >= p)  # the draw that the docstring states, whatever the dtype
    assert_array_equal(y[mask], x[mask] * np.dtype(dtype).type(1 / (1 - p)))
    assert_array_equal(y[~mask], 0)
    assert_array_equal(F.dropout(x, p, rng=rng()), y)
    assert_array_equal(x, before)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_p_is_the_share_that_is_dropped(p):
    y, mask = F.dropout(np.ones(100_000), p, rng=rng(2), return_mask=True)
    deviation = (p * (1 - p) / mask.size) ** 0.5
    assert abs(1 - mask.mean() - p) < 5 * deviation
    assert abs(y.mean() - 1) < 5 * deviation / (1 - p)  # the expected value stays


def test_nothing_and_everything():
    x = np.array([-2.0, 0.0, 3.0])
    assert_array_equal(F.dropout(x, 0, rng=rng()), x)
    assert_array_equal(F.dropout(x, 1, rng=rng()), [0, 0, 0])
    assert_array_equal(F.dropout_backward(x, np.zeros(3, bool), 1), [0, 0, 0])


def test_without_training_it_is_a_copy_and_draws_nothing():
    x, generator = np.array([[1.0, np.nan, -np.inf]]), rng()
    y, mask = F.dropout(x, 0.5, False, rng=generator, return_mask=True)
    assert_array_equal(y, x)
    assert mask is None
    assert not np.shares_memory(x, y)
    assert generator.random() == rng().random()
    assert_array_equal(F.dropout(x, training=False), x)
    assert_array_equal(F.dropout_backward(x, None, 0.5), x)
    assert not np.shares_memory(F.dropout_backward(x, None), x)


def test_a_dropped_nan_or_infinity_is_not_hidden_and_a_large_number_is_zero():
    x = np.repeat(np.array([np.nan, np.inf, -np.inf, 3e38], np.float32), 20)
    with np.errstate(all="raise"):
        y, mask = F.dropout(x, 0.5, rng=rng(), return_mask=True)
    assert 0 < mask.sum() < mask.size
    assert_array_equal(y[~mask & ~np.isfinite(x)], np.nan)
    assert_array_equal(y[~mask & np.isfinite(x)], 0)
    assert_array_equal(y[mask & np.isinf(x)], x[mask & np.isinf(x)])


def test_the_gradient_goes_through_the_same_mask():
    g = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], np.float32)
    mask = np.array([[True, False, True], [False, True, True]])
    found = F.dropout_backward(g, mask, p=0.75)
    assert_array_equal(found, [[4, 0, 12], [0, 20, 24]])
    assert found.dtype == np.float32


def test_it_is_its_own_adjoint():
    x, g = (rng(seed).integers(-9, 10, (3, 4, 5)).astype(float) for seed in (0, 1))
    _, mask = F.dropout(x, 0.5, rng=rng(7), return_mask=True)
    assert_adjoint(lambda x: F.dropout(x, 0.5, rng=rng(7)), lambda g: F.dropout_backward(g, mask, 0.5), x, g)


def test_errors():
    x = np.ones((2, 3))
    with pytest.raises(
        ArgumentError, match=r"^dropout: training=True draws which numbers are dropped, but rng is None; pass rng=np\.random\.default"
    ):
        F.dropout(x)
    with pytest.raises(ArgumentError, match=r"^dropout: rng must be a NumPy generator, such as np\.random\.default_rng\(0\), but it is 42"):
        F.dropout(x, rng=42)
    for p, match in ((1.5, r"1\.5\. 1\.5 percent is p=0\.015"), (-0.5, r"-0\.5\.$"), (50, r"50\. 50 percent is p=0\.5"), (np.nan, "nan")):
        with pytest.raises(ArgumentError, match=r"^dropout: p is the probability of being dropped, between 0 and 1, but it is " + match):
            F.dropout(x, p, rng=rng())
    with pytest.raises(ArgumentError, match=r"^dropout: p must be a real number"):
        F.dropout(x, "0.5", rng=rng())
    with pytest.raises(ArgumentError, match=r"^dropout: training is True or False, but it is 1"):
        F.dropout(x, 0.5, 1, rng=rng())
    with pytest.raises(ArgumentError, match=r"^dropout: return_mask is True or False"):
        F.dropout(x, 0.5, rng=rng(), return_mask="yes")
    with pytest.raises(
        DTypeError, match=r"^dropout_backward: mask is the boolean array of dropout.*, or None, but it is an array of float64"
    ):
        F.dropout_backward(x, x)
    with pytest.raises(DTypeError, match=r"^dropout_backward: mask is .* but it is a list"):
        F.dropout_backward(x, [True])
    with pytest.raises(
        ShapeError, match=r"^dropout_backward: grad_output and mask .* grad_output\.shape=\(2, 3\) and mask\.shape=\(3,\); use"
    ):
        F.dropout_backward(x, np.ones(3, bool))
    with pytest.raises(ArgumentError, match=r"^dropout_backward: p is the probability"):
        F.dropout_backward(x, np.ones((2, 3), bool), 2)
    with pytest.raises(DTypeError, match=r"^dropout_backward: grad_output must be float32 or float64"):
        F.dropout_backward(x.astype(int), None)
