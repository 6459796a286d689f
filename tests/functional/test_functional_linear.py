"""Linear layers, sums and joins: linear, add, concat."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from minicnn import functional as F
from minicnn.errors import ArgumentError, DTypeError, ShapeError


def integers(*shape, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).integers(-4, 5, shape).astype(dtype)


class TestLinear:
    def test_hand_worked(self):
        x, weight = np.array([[1, 2, 3], [4, 5, 6]], np.float32), np.array([[1, 0, 0], [1, 1, 1], [0, -1, 2], [9, 9, 9]], np.float32)
        assert_array_equal(F.linear(x, weight), [[1, 6, 4, 54], [4, 15, 7, 135]])
        assert_array_equal(F.linear(x, weight, np.array([10, 20, 30, 40], np.float32)), [[11, 26, 34, 94], [14, 35, 37, 175]])

    @settings(deadline=None)
    @given(st.lists(st.integers(0, 3), max_size=3), st.integers(1, 6), st.integers(1, 5), st.booleans())
    def test_against_the_definition_for_any_leading_axes(self, leading, features, outputs, biased):
        x, weight, bias = integers(*leading, features), integers(outputs, features, seed=1), integers(outputs, seed=2)
        y = F.linear(x, weight, bias if biased else None)
        assert y.dtype == np.float32
        assert y.shape == (*leading, outputs)
        for place in np.ndindex(*leading, outputs):
            terms = [weight[place[-1], c] * x[(*place[:-1], c)] for c in range(features)]
            assert y[place] == sum(terms) + (bias[place[-1]] if biased else 0)

    def test_nan_reaches_its_own_row_only(self):
        x = integers(4, 5)
        x[2, 3] = np.nan
        assert_array_equal(np.isnan(F.linear(x, integers(3, 5))).all(axis=1), [False, False, True, False])

    def test_errors(self):
        weight = np.zeros((4, 3))
        with pytest.raises(
            ShapeError, match=r"^linear: weight expects 3 features in the last axis but x has 5 \(x\.shape=\(2, 5\), .*Give x"
        ):
            F.linear(np.zeros((2, 5)), weight)
        with pytest.raises(
            ShapeError, match=r"weight\.shape=\(4, 3\)\)\. weight is \(out_features, in_features\): it may want weight\.T\.$"
        ):
            F.linear(np.zeros((2, 4)), weight)
        with pytest.raises(ShapeError, match=r"2·3·5 = 30: flatten x first, flatten\(x\)\.$"):
            F.linear(np.zeros((7, 2, 3, 5)), np.zeros((4, 30)))
        with pytest.raises(ShapeError, match=r"^linear: weight must be \(out_features, in_features\), .* but weight\.shape=\(3,\)"):
            F.linear(np.zeros((2, 3)), np.zeros(3))
        with pytest.raises(ShapeError, match=r"weight\.shape=\(4, 0\)"):
            F.linear(np.zeros((2, 0)), np.zeros((4, 0)))
        with pytest.raises(ShapeError, match=r"^linear: bias must have one number per output feature, \(4,\), but bias\.shape=\(1,\)"):
            F.linear(np.zeros((2, 3)), weight, np.zeros(1))
        with pytest.raises(ShapeError, match=r"^linear: x must be \(…, in_features\), but x\.shape=\(\)"):
            F.linear(np.zeros(()), weight)
        with pytest.raises(DTypeError, match=r"^linear: all arrays must have one dtype, but x is float32 and weight is float64"):
            F.linear(np.zeros((2, 3), np.float32), weight)


class TestAdd:
    def test_equal_shapes(self):
        x, y = integers(2, 3, 4, 5), integers(2, 3, 4, 5, seed=1)
        assert_array_equal(F.add(x, y), x + y)
        assert F.add(np.ones(()), np.ones(())).shape == ()

    @pytest.mark.parametrize("batch", [1, 2])
    def test_one_number_per_channel(self, batch):
        x, y = integers(2, 3, 4, 5), integers(batch, 3, 1, 1, seed=1)
        assert_array_equal(F.add(x, y), x + y)
        assert_array_equal(F.add(y, x), x + y)

    @pytest.mark.parametrize(
        ("x", "y", "remedy"),
        [
            ((2, 3, 4, 5), (3,), r"y looks like one number per channel: y\.reshape\(1, 3, 1, 1\)\.$"),
            ((3,), (2, 3, 4), r"x looks like one number per channel: x\.reshape\(1, 3, 1\)\.$"),
            ((2, 3, 4, 5), (3, 4, 5), r"x has 4 axes and y has 3"),
            ((2, 3, 4, 5), (2, 6, 4, 5), r"the channels, is 3 in x and 6 in y: .* 1×1 convolution"),
            ((2, 3, 4, 5), (2, 3, 4, 1), r"Axis 3 is 5 in x and 1 in y: compare the strides and paddings"),
            ((2, 3, 4, 5), (2, 1, 1, 1), r"Axis 1"),
            ((2, 3, 4, 5), (4, 3, 4, 5), r"Axis 0 is 2 in x and 4 in y"),
            ((2, 3), (1, 3), r"Axis 0"),
            ((), (1,), r"x has 0 axes and y has 1"),
        ],
    )
    def test_shapes_that_do_not_meet(self, x, y, remedy):
        with pytest.raises(ShapeError, match=r"^add: x and y must have one shape.*" + remedy):
            F.add(np.zeros(x), np.zeros(y))


class TestConcat:
    def test_hand_worked(self):
        x, y = np.array([[1.0, 2.0]]), np.array([[3.0]])
        assert_array_equal(F.concat([x, y]), [[1, 2, 3]])
        assert_array_equal(F.concat((x, x), dim=0), [[1, 2], [1, 2]])

    @settings(deadline=None)
    @given(st.lists(st.integers(0, 3), min_size=1, max_size=4), st.integers(-4, 3))
    def test_pieces_come_back(self, lengths, dim):
        shape = [2, 3, 4, 5]
        pieces = []
        for seed, length in enumerate(lengths):
            shape[dim] = length
            pieces.append(integers(*shape, seed=seed))
        y, start = F.concat(pieces, dim), 0
        for piece, length in zip(pieces, lengths, strict=True):
            assert_array_equal(np.take(y, range(start, start + length), axis=dim), piece)
            start += length
        assert y.shape[dim] == start

    def test_errors(self):
        x = np.zeros((2, 3, 4, 5))
        with pytest.raises(
            ArgumentError, match=r"^concat: arrays must be a list of at least one array, but it is empty; write concat\(\[x, y\]\)"
        ):
            F.concat([])
        with pytest.raises(ArgumentError, match="but it is one ndarray"):
            F.concat(x)
        with pytest.raises(
            ShapeError,
            match=r"^concat: shapes must be equal except along dim=1, but arrays\[0\]\.shape=\(2, 3, 4, 5\) and arrays\[1\]\.shape=\(2, 3, 4, 6\); crop",
        ):
            F.concat([x, np.zeros((2, 3, 4, 6))])
        with pytest.raises(ShapeError, match=r"arrays\[2\]\.shape=\(3, 4, 5\); give both 4 axes, for one image arrays\[2\]\[None\]"):
            F.concat([x, x, x[0]])
        with pytest.raises(ArgumentError, match=r"^concat: dim must be between -4 and 3 .* arrays\[0\]\.shape=\(2, 3, 4, 5\), but it is 4"):
            F.concat([x, x], dim=4)
        with pytest.raises(
            DTypeError, match=r"^concat: all arrays must have one dtype, but arrays\[0\] is float64 and arrays\[1\] is float32"
        ):
            F.concat([x, x.astype(np.float32)])
        with pytest.raises(DTypeError, match=r"^concat: arrays\[1\] must be a NumPy array, but it is a list"):
            F.concat([x, [1.0]])
