"""Moving positions and back: flatten, pad and their gradients."""

import numpy as np
import pytest
from differences import assert_adjoint, assert_is_derivative, spread
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from minicnn import functional as F
from minicnn.errors import ArgumentError, DTypeError, ShapeError

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


class TestFlattenBackward:
    @pytest.mark.parametrize(("start", "end"), [(0, -1), (1, -1), (1, 2), (2, 2), (-2, -1)])
    def test_it_is_the_inverse(self, start, end):
        x = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
        g = F.flatten(x, start, end)
        for given_x in (x, x.shape):
            assert_array_equal(F.flatten_backward(g, given_x, start, end), x)
        assert np.shares_memory(F.flatten_backward(g, x.shape, start, end), g)  # a view, as its card says

    def test_nothing(self):
        assert F.flatten_backward(np.zeros((0, 12)), (0, 3, 4)).shape == (0, 3, 4)

    def test_errors(self):
        with pytest.raises(
            ShapeError,
            match=r"^flatten_backward: grad_output must have .* flatten returns \(2, 12\) here, .*: grad_output\.reshape\(\(2, 12\)\)",
        ):
            F.flatten_backward(np.zeros((2, 3, 4)), (2, 3, 4))
        with pytest.raises(ArgumentError, match=r"^flatten_backward: start_dim must not come after end_dim, but they are axes 2 and 0"):
            F.flatten_backward(np.zeros((2, 12)), (2, 3, 4), 2, 0)
        with pytest.raises(ArgumentError, match=r"^flatten_backward: end_dim must be between -3 and 2"):
            F.flatten_backward(np.zeros((2, 12)), (2, 3, 4), 1, 3)
        with pytest.raises(DTypeError, match=r"^flatten_backward: all arrays must have one dtype"):
            F.flatten_backward(np.zeros((2, 12)), np.zeros((2, 3, 4), np.float32))


class TestPadBackward:
    @pytest.mark.parametrize(
        ("mode", "row"),
        [
            ("constant", [4, 8, 16]),  # of 1 2 4 8 16 32
            ("reflect", [4, 2 + 8 + 32, 1 + 16]),  # 3 2 1 2 3 2
            ("replicate", [1 + 2 + 4, 8, 16 + 32]),  # 1 1 1 2 3 3
            ("circular", [4 + 32, 1 + 8, 2 + 16]),  # 2 3 1 2 3 1
        ],
    )
    def test_hand_worked(self, mode, row):
        g = np.array([[[1.0, 2.0, 4.0, 8.0, 16.0, 32.0]]])
        assert_array_equal(F.pad_backward(g, (1, 1, 3), (2, 1), mode), [[row]])
        columns = F.pad_backward(g.transpose(0, 2, 1), (1, 3, 1), (0, 0, 2, 1), mode)
        assert_array_equal(columns, np.array(row).reshape(1, 3, 1))

    @settings(deadline=None, max_examples=30)
    @given(st.sampled_from(list(NUMPY_MODES)), st.tuples(*[st.integers(0, 4)] * 4), st.integers(1, 6), st.integers(1, 6), st.booleans())
    def test_adjoint(self, mode, pad, height, width, batched):
        most = {"reflect": (width - 1, height - 1), "circular": (width, height)}.get(mode, (4, 4))
        pad = tuple(min(amount, most[i // 2]) for i, amount in enumerate(pad))
        rng = np.random.default_rng(0)
        x = rng.integers(-4, 5, (*(2, 3)[not batched :], height, width)).astype(np.float32)
        g = rng.integers(-4, 5, F.pad(x, pad, mode).shape).astype(np.float32)
        assert_adjoint(lambda x: F.pad(x, pad, mode), lambda g: F.pad_backward(g, x, pad, mode), x, g)
        assert_array_equal(F.pad_backward(g, x, pad, mode), F.pad_backward(g, x.shape, pad, mode))

    @pytest.mark.parametrize("mode", NUMPY_MODES)
    def test_the_derivative(self, mode):
        x, g = spread((2, 2, 3, 4)), spread((2, 2, 6, 7), 1)
        assert_is_derivative(lambda x: F.pad(x, (3, 0, 1, 2), mode, 0.0), (F.pad_backward(g, x, (3, 0, 1, 2), mode),), (x,), (g,))

    def test_errors(self):
        g, shape = np.zeros((1, 2, 6, 8)), (1, 2, 4, 5)
        with pytest.raises(ShapeError, match=r"^pad_backward: grad_output must have .* pad returns \(1, 2, 4, 7\) here"):
            F.pad_backward(g, shape, (1, 1))
        with pytest.raises(ArgumentError, match=r"^pad_backward: pad must be \(left, right\) or"):
            F.pad_backward(g, shape, (1,))
        with pytest.raises(ArgumentError, match=r"^pad_backward: padding must not be negative, but pad is \(-1, 0\)"):
            F.pad_backward(g, shape, (-1, 0))
        with pytest.raises(ArgumentError, match=r"^pad_backward: mode must be one of 'constant', .* 'edge'"):
            F.pad_backward(g, shape, (1, 1), "edge")
        with pytest.raises(ShapeError, match=r"^pad_backward: reflect padding takes at most 4 from 5 columns, .* use mode='constant'\.$"):
            F.pad_backward(g, shape, (5, 0), "reflect")
        with pytest.raises(ShapeError, match=r"^pad_backward: x must be \(N, C, H, W\) or \(C, H, W\), but x\.shape=\(4, 5\) has 2 axes"):
            F.pad_backward(g, (4, 5), (1, 1))
        with pytest.raises(DTypeError, match=r"^pad_backward: all arrays must have one dtype"):
            F.pad_backward(g, np.zeros(shape, np.float32), (2, 1, 1, 1))
