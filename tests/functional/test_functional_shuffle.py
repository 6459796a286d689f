"""Pixel shuffle and its way back against the definition, both orders of channels; adjoints with whole numbers."""

import numpy as np
import pytest
from differences import assert_adjoint
from numpy.testing import assert_array_equal

from minicnn import functional as F
from minicnn.errors import ArgumentError, ShapeError

CASES = pytest.mark.parametrize(("r", "mode"), [(1, "CRD"), (2, "CRD"), (3, "CRD"), (2, "DCR"), (3, "DCR")])


@CASES
def test_against_the_definition(r, mode):
    n, c, height, width = 2, 5, 3, 4
    x = np.arange(n * c * r * r * height * width, dtype=np.float64).reshape(n, c * r * r, height, width)
    y = F.pixel_shuffle(x, r, mode)
    assert y.shape == (n, c, height * r, width * r)
    for a, b, h, w, i, j in np.ndindex(n, c, height, width, r, r):
        channel = b * r * r + i * r + j if mode == "CRD" else (i * r + j) * c + b
        assert y[a, b, h * r + i, w * r + j] == x[a, channel, h, w]
    assert_array_equal(F.pixel_unshuffle(y, r, mode), x)
    assert_array_equal(F.pixel_shuffle(x[1], r, mode), y[1])


@CASES
def test_what_comes_back_is_the_adjoint(r, mode):
    rng = np.random.default_rng(0)
    x = rng.integers(-9, 10, (2, 2 * r * r, 3, 4)).astype(float)
    g = rng.integers(-9, 10, (2, 2, 3 * r, 4 * r)).astype(float)
    assert_adjoint(lambda x: F.pixel_shuffle(x, r, mode), lambda g: F.pixel_shuffle_backward(g, x, r, mode), x, g)
    assert_adjoint(lambda g: F.pixel_unshuffle(g, r, mode), lambda x: F.pixel_unshuffle_backward(x, g.shape, r, mode), g, x)


def test_mistakes():
    with pytest.raises(ShapeError, match=r"pixel_shuffle: a block of 2×2 pixels needs 4 channels, but x has 6 .* leaves 2; give x 8"):
        F.pixel_shuffle(np.ones((1, 6, 2, 3)), 2)
    with pytest.raises(
        ShapeError, match=r"pixel_unshuffle: rows and columns are cut into blocks of 2, but x has 4×5 .* leaves 0 and 1; pad or crop"
    ):
        F.pixel_unshuffle(np.ones((1, 1, 4, 5)), 2)
    with pytest.raises(ArgumentError, match="pixel_shuffle: upscale_factor must be at least 1, but it is 0"):
        F.pixel_shuffle(np.ones((1, 4, 2, 3)), 0)
    with pytest.raises(ArgumentError, match="mode must be one of 'CRD', 'DCR', but it is 'RCD'"):
        F.pixel_unshuffle(np.ones((1, 4, 2, 2)), 2, "RCD")
    with pytest.raises(
        ShapeError, match=r"pixel_shuffle_backward: grad_output must have the output's shape, pixel_shuffle returns \(1, 1, 4, 6\)"
    ):
        F.pixel_shuffle_backward(np.ones((1, 1, 2, 3)), (1, 4, 2, 3), 2)
