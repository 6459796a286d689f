"""Matrix products and their gradients: whole numbers against loops, stacks laid over each other, arrays of one axis."""

import numpy as np
import pytest
from differences import assert_adjoint
from numpy.testing import assert_array_equal

from minicnn import functional as F
from minicnn.errors import DTypeError, ShapeError

SHAPES = pytest.mark.parametrize(
    ("x", "y"),
    [((3, 4), (4, 5)), ((4,), (4, 5)), ((3, 4), (4,)), ((4,), (4,)), ((2, 1, 3, 4), (6, 4, 5)), ((4,), (2, 4, 5)), ((2, 3, 4), (4,)), ((0, 3, 4), (4, 5))],
)  # fmt: skip


def whole(shape, seed):
    return np.random.default_rng(seed).integers(-5, 6, shape).astype(np.float64)


@SHAPES
def test_against_numpys_sums(x, y):
    x, y = whole(x, 0), whole(y, 1)
    rows, columns = x if x.ndim > 1 else x[None], y if y.ndim > 1 else y[:, None]
    expected = (rows[..., :, :, None] * columns[..., None, :, :]).sum(axis=-2)
    expected = expected[..., 0] if y.ndim == 1 else expected
    expected = (expected[..., 0] if y.ndim == 1 else expected[..., 0, :]) if x.ndim == 1 else expected
    z = F.matmul(x, y)
    assert z.shape == expected.shape
    assert_array_equal(z, expected)


@SHAPES
def test_what_comes_back_is_the_adjoint(x, y):
    x, y = whole(x, 0), whole(y, 1)
    g = whole(F.matmul(x, y).shape, 2)
    by_x, by_y = F.matmul_backward(g, x, y)
    assert (by_x.shape, by_y.shape) == (x.shape, y.shape)
    assert_adjoint(lambda x: F.matmul(x, y), lambda g: F.matmul_backward(g, x, y)[0], x, g)
    assert_adjoint(lambda y: F.matmul(x, y), lambda g: F.matmul_backward(g, x, y)[1], y, g)
    assert F.matmul_backward(g, x, y, needs=(False, True))[0] is None
    assert F.matmul_backward(g, x, y, needs=(True, False))[1] is None


def test_mistakes():
    with pytest.raises(
        ShapeError,
        match=r"matmul: the last axis of x and the second last axis of y .* have 3 and 2 \(x.shape=\(2, 3\) and y.shape=\(2, 5\)\)\.$",
    ):
        F.matmul(np.ones((2, 3)), np.ones((2, 5)))
    with pytest.raises(ShapeError, match=r"the only axis of y are summed over and must be equal, but they have 3 and 2"):
        F.matmul(np.ones((2, 3)), np.ones(2))
    with pytest.raises(ShapeError, match=r"before the last two: axes meet from the last one on"):
        F.matmul(np.ones((2, 1, 3)), np.ones((3, 3, 2)))
    with pytest.raises(ShapeError, match="both need at least one axis"):
        F.matmul(np.ones(()), np.ones(2))
    with pytest.raises(DTypeError, match="all arrays must have one dtype"):
        F.matmul(np.ones((2, 2)), np.ones((2, 2), np.float32))
    with pytest.raises(ShapeError, match="matmul_backward: grad_output must have the output's shape"):
        F.matmul_backward(np.ones((2, 2)), np.ones((2, 3)), np.ones((3, 4)))
