"""Moving positions: flatten and pad."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from minicnn import functional as F
from minicnn.errors import ArgumentError, ShapeError

NUMPY_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


class TestFlatten:
    def test_hand_worked(self):
        x = np.arange(24.0).reshape(2, 3, 1, 4)
        assert_array_equal(F.flatten(x), [np.arange(12), np.arange(12, 24)])
        assert F.flatten(x, 0).shape == (24,)
        assert F.flatten(x, 1, 2).shape == (2, 3, 4)
        assert F.flatten(x, -2).shape == (2, 3, 4)
        assert F.flatten(x, 2, 2).shape == x.shape

    def test_the_order_is_that_of_the_indices_whatever_the_memory_looks_like(self):
        x = np.arange(24.0).reshape(2, 3, 4).transpose(2, 0, 1)
        assert_array_equal(F.flatten(x), [[x[a, b, c] for b in range(2) for c in range(3)] for a in range(4)])

    def test_a_view_where_memory_allows(self):
        x = np.arange(24.0).reshape(2, 3, 4)
        assert np.shares_memory(F.flatten(x), x)
        assert not np.shares_memory(F.flatten(x.transpose(0, 2, 1)), x)

    def test_nothing(self):
        assert F.flatten(np.zeros((0, 3, 4))).shape == (0, 12)
        assert F.flatten(np.zeros((2, 0, 4))).shape == (2, 0)

    def test_errors(self):
        x = np.zeros((2, 3, 4))
        with pytest.raises(ArgumentError, match=r"^flatten: start_dim must not come after end_dim, but they are axes 2 and 0 of x\.shape="):
            F.flatten(x, 2, 0)
        with pytest.raises(ArgumentError, match=r"^flatten: start_dim must be between -3 and 2 .* but it is 3"):
            F.flatten(x, 3)
        with pytest.raises(ArgumentError, match=r"^flatten: end_dim must be between -3 and 2 .* but it is -4"):
            F.flatten(x, 0, -4)
        with pytest.raises(ArgumentError, match=r"^flatten: start_dim must be between -1 and 0"):
            F.flatten(np.zeros(5))
        with pytest.raises(ShapeError, match=r"^flatten: x needs at least one axis, but x\.shape=\(\)"):
            F.flatten(np.zeros(()))


class TestPad:
    @pytest.mark.parametrize(
        ("mode", "row"),
        [
            ("constant", [0, 0, 1, 2, 3, 0]),
            ("reflect", [3, 2, 1, 2, 3, 2]),
            ("replicate", [1, 1, 1, 2, 3, 3]),
            ("circular", [2, 3, 1, 2, 3, 1]),
        ],
    )
    def test_hand_worked(self, mode, row):
        assert_array_equal(F.pad(np.array([[[1.0, 2.0, 3.0]]]), (2, 1), mode), [[row]])

    def test_the_order_starts_at_the_last_axis(self):
        y = F.pad(np.ones((1, 1, 2, 3), np.float32), (1, 0, 0, 2), value=7)
        assert_array_equal(y, [[[[7, 1, 1, 1], [7, 1, 1, 1], [7, 7, 7, 7], [7, 7, 7, 7]]]])

    @settings(deadline=None)
    @given(st.sampled_from(list(NUMPY_MODES)), st.tuples(*[st.integers(0, 5)] * 4), st.integers(1, 6), st.integers(1, 6))
    def test_against_numpy(self, mode, pad, height, width):
        left, right, top, bottom = pad
        x = np.random.default_rng(0).normal(size=(2, 3, height, width))
        excess = {"reflect": 1, "circular": 0}.get(mode)
        if excess is not None and (max(left, right) > width - excess or max(top, bottom) > height - excess):
            with pytest.raises(ShapeError, match=rf"^pad: {mode} padding takes at most .*; pad less, or use mode='constant'\.$"):
                F.pad(x, pad, mode)
            return
        expected = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), mode=NUMPY_MODES[mode])
        assert_array_equal(F.pad(x, pad, mode), expected)

    def test_values(self):
        x = np.zeros((1, 1, 1), np.float32)
        assert_array_equal(F.pad(x, (1, 0), value=-np.inf), [[[-np.inf, 0]]])
        assert_array_equal(F.pad(x, (1, 0), value=np.nan), [[[np.nan, 0]]])
        assert F.pad(x, (1, 0), value=0.1).dtype == np.float32

    def test_errors(self):
        x = np.zeros((1, 2, 4, 5))
        with pytest.raises(ArgumentError, match=r"^pad: padding must not be negative, but pad is \(-1, 0\); .* slice: x\[\.\.\., 1:\]\.$"):
            F.pad(x, (-1, 0))
        for pad, crop in (((0, -2), ":-2"), ((0, 0, -3, 0), "3:, :"), ((0, 0, 0, -1), ":-1, :")):
            with pytest.raises(ArgumentError, match=rf"slice: x\[\.\.\., {crop}\]\.$"):
                F.pad(x, pad)
        for pad in ((1,), (1, 1, 1), (1,) * 6, 1, ()):
            with pytest.raises(ArgumentError, match=r"^pad: pad must be \(left, right\) or \(left, right, top, bottom\), .* but it is "):
                F.pad(x, pad)
        with pytest.raises(ArgumentError, match=r"^pad: pad\[1\] must be a whole number, but it is 1\.5"):
            F.pad(x, (1, 1.5))
        with pytest.raises(
            ArgumentError, match=r"^pad: mode must be one of 'constant', 'reflect', 'replicate', 'circular', but it is 'edge'"
        ):
            F.pad(x, (1, 1), "edge")
        with pytest.raises(ArgumentError, match=r"^pad: only mode='constant' takes a value, but mode is 'reflect' and value is 1\.0"):
            F.pad(x, (1, 1), "reflect", 1.0)
        with pytest.raises(ArgumentError, match=r"^pad: value must be a real number, but it is None"):
            F.pad(x, (1, 1), value=None)
        with pytest.raises(ShapeError, match=r"^pad: reflect padding takes at most 4 from 5 columns, but padding is \(5, 0\); pad less"):
            F.pad(x, (5, 0), "reflect")
