"""Linear layers, sums and joins, and their gradients: linear, add, concat."""

import numpy as np
import pytest
from differences import assert_adjoint, assert_is_derivative, spread
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


class TestLinearBackward:
    def test_hand_worked(self):
        x, weight = np.array([[1, 2, 3], [4, 5, 6]], np.float32), np.array([[1, 0, -1], [2, 1, 0]], np.float32)
        grad_x, grad_weight, grad_bias = F.linear_backward(np.array([[1, 10], [100, 1000]], np.float32), x, weight)
        assert_array_equal(grad_x, [[21, 10, -1], [2100, 1000, -100]])
        assert_array_equal(grad_weight, [[401, 502, 603], [4010, 5020, 6030]])
        assert_array_equal(grad_bias, [101, 1010])

    @pytest.mark.parametrize("leading", [(), (4,), (2, 3), (2, 3, 5)])
    def test_the_derivative(self, leading):
        x, weight, bias, g = spread((*leading, 5)), spread((3, 5), 1), spread((3,), 2), spread((*leading, 3), 3)
        assert_is_derivative(F.linear, F.linear_backward(g, x, weight), (x, weight, bias), (g,))

    @pytest.mark.parametrize("leading", [(), (4,), (2, 3, 5), (0,), (2, 0, 3)])
    def test_adjoints(self, leading):
        """linear is linear in x, in weight and in bias, one at a time."""
        x, weight, bias, g = integers(*leading, 7), integers(4, 7, seed=1), integers(4, seed=2), integers(*leading, 4, seed=3)
        grad_x, grad_weight, grad_bias = F.linear_backward(g, x, weight)
        assert_adjoint(lambda x: F.linear(x, weight), lambda g: grad_x, x, g)
        assert_adjoint(lambda w: F.linear(x, w), lambda g: grad_weight, weight, g)
        assert_adjoint(lambda b: F.linear(np.zeros_like(x), weight, b), lambda g: grad_bias, bias, g)
        assert [part.shape for part in (grad_x, grad_weight, grad_bias)] == [x.shape, weight.shape, bias.shape]

    def test_only_what_is_needed(self):
        g, x, weight = integers(2, 3), integers(2, 5, seed=1), integers(3, 5, seed=2)
        every = F.linear_backward(g, x, weight)
        for place in range(3):
            found = F.linear_backward(g, x, weight, needs=tuple(place == k for k in range(3)))
            assert [part is None for part in found] == [place != k for k in range(3)]
            assert_array_equal(found[place], every[place])

    def test_nan_reaches_its_own_row_of_x_and_its_own_row_of_weight(self):
        g = integers(4, 3)
        g[2, 1] = np.nan
        grad_x, grad_weight, grad_bias = F.linear_backward(g, integers(4, 5), integers(3, 5, seed=1))
        assert_array_equal(np.isnan(grad_x).all(axis=1), [False, False, True, False])
        assert_array_equal(np.isnan(grad_weight).all(axis=1), [False, True, False])
        assert_array_equal(np.isnan(grad_bias), [False, True, False])

    def test_errors(self):
        x, weight = np.zeros((2, 5)), np.zeros((4, 5))
        with pytest.raises(
            ShapeError,
            match=r"^linear_backward: grad_output must have the output's shape, linear returns \(2, 4\) here, but grad_output\.shape=\(4,\); use",
        ):
            F.linear_backward(np.zeros(4), x, weight)
        with pytest.raises(ShapeError, match=r"^linear_backward: weight expects 3 features in the last axis but x has 5"):
            F.linear_backward(np.zeros((2, 4)), x, np.zeros((4, 3)))
        with pytest.raises(ShapeError, match=r"^linear_backward: weight must be \(out_features, in_features\), .* weight\.shape=\(4,\)"):
            F.linear_backward(np.zeros((2, 4)), x, np.zeros(4))
        with pytest.raises(
            DTypeError, match=r"^linear_backward: all arrays must have one dtype, but x is float64 and grad_output is float32"
        ):
            F.linear_backward(np.zeros((2, 4), np.float32), x, weight)


class TestAddBackward:
    def test_hand_worked(self):
        g = np.array([[[[1.0, 2.0]], [[3.0, 4.0]]], [[[10.0, 20.0]], [[30.0, 40.0]]]])  # (2, 2, 1, 2)
        for place in (0, 1):
            small = [(1, 2, 1, 1), g.shape][:: 1 if place == 0 else -1]
            found = F.add_backward(g, *small)
            assert_array_equal(found[1 - place], g)
            assert_array_equal(found[place], [[[[33]], [[77]]]])
        assert_array_equal(F.add_backward(g, g, (2, 2, 1, 1))[1], [[[[3]], [[7]]], [[[30]], [[70]]]])
        assert_array_equal(F.add_backward(g[0], (2, 1, 1), g[0])[0], [[[3]], [[7]]])

    @pytest.mark.parametrize("other", [(2, 3, 4, 5), (2, 3, 1, 1), (1, 3, 1, 1)])
    def test_adjoint(self, other):
        x, y, g = integers(2, 3, 4, 5), integers(*other, seed=1), integers(2, 3, 4, 5, seed=2)
        grad_x, grad_y = F.add_backward(g, x, y)
        assert_adjoint(lambda x: F.add(x, np.zeros_like(y)), lambda g: grad_x, x, g)
        assert_adjoint(lambda y: F.add(np.zeros_like(x), y), lambda g: grad_y, y, g)
        for by_array, by_shape in zip((grad_x, grad_y), F.add_backward(g, x.shape, list(y.shape)), strict=True):
            assert_array_equal(by_array, by_shape)

    def test_the_derivative(self):
        x, y, g = spread((2, 3, 4, 5)), spread((1, 3, 1, 1), 1), spread((2, 3, 4, 5), 2)
        assert_is_derivative(F.add, F.add_backward(g, x, y), (x, y), (g,))

    def test_each_side_has_memory_of_its_own(self):
        g = integers(2, 3)
        grad_x, grad_y = F.add_backward(g, g.shape, g.shape)
        assert not np.shares_memory(grad_x, grad_y)
        assert not np.shares_memory(grad_x, g)

    def test_errors(self):
        g = np.zeros((2, 3, 4, 5))
        with pytest.raises(ShapeError, match=r"^add_backward: x and y must have one shape.* y\.shape=\(3,\)\. y looks like one number per"):
            F.add_backward(g, g, (3,))
        with pytest.raises(ShapeError, match=r"^add_backward: grad_output must have the output's shape, add returns \(2, 3, 4, 5\) here"):
            F.add_backward(g[0], g, g)
        with pytest.raises(ArgumentError, match=r"^add_backward: y\[1\] must be a whole number, but it is 1\.5"):
            F.add_backward(g, g, (2, 1.5))
        with pytest.raises(DTypeError, match=r"^add_backward: all arrays must have one dtype, but y is float32 and grad_output is float64"):
            F.add_backward(g, g.shape, g.astype(np.float32))
        with pytest.raises(DTypeError, match=r"^add_backward: y must be a NumPy array, but it is a float"):
            F.add_backward(g, g, 1.0)


def test_the_channels_of_one_image_are_axis_0():
    with pytest.raises(ShapeError, match=r"Axis 0, the channels, is 3 in x and 6 in y: bring one to the other's with a 1×1 convolution\.$"):
        F.add(np.zeros((3, 4, 5)), np.zeros((6, 4, 5)))


class TestConcatBackward:
    def test_hand_worked(self):
        g = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
        first, second = F.concat_backward(g, [(2, 2), (2, 1)])
        assert_array_equal(first, [[1, 2], [4, 5]])
        assert_array_equal(second, [[3], [6]])
        assert_array_equal(F.concat_backward(g, ((1, 3), (1, 3)), dim=0)[1], [[4, 5, 6]])

    @settings(deadline=None, max_examples=20)
    @given(st.lists(st.integers(0, 3), min_size=1, max_size=4), st.integers(-4, 3))
    def test_the_gradient_of_a_whole_is_the_whole_of_the_gradients(self, lengths, dim):
        shape, shapes = [2, 3, 4, 5], []
        for length in lengths:
            shape[dim] = length
            shapes.append(tuple(shape))
        pieces, g = [integers(*shape) for shape in shapes], integers(*shapes[0][: dim % 4], sum(lengths), *shapes[0][dim % 4 + 1 :], seed=9)
        for given_arrays in (pieces, shapes):
            found = F.concat_backward(g, given_arrays, dim)
            assert [part.shape for part in found] == shapes
            assert_array_equal(F.concat(list(found), dim), g)
        assert not any(np.shares_memory(part, g) for part in found)
        assert float((g * F.concat(pieces, dim)).sum()) == sum(float((a * b).sum()) for a, b in zip(found, pieces, strict=True))

    def test_errors(self):
        g, x = np.zeros((2, 6, 4, 5)), np.zeros((2, 3, 4, 5))
        for nothing in ([], x):
            with pytest.raises(
                ArgumentError, match=r"^concat_backward: arrays must be a list of at least one array or shape, .*\[x, y\]\)\.$"
            ):
                F.concat_backward(g, nothing)
        with pytest.raises(
            ShapeError, match=r"^concat_backward: shapes must be equal except along dim=1, .* arrays\[1\]\.shape=\(2, 3, 4, 6\)"
        ):
            F.concat_backward(g, [x, (2, 3, 4, 6)])
        with pytest.raises(
            ShapeError, match=r"^concat_backward: grad_output must have .* concat returns \(2, 5, 4, 5\) here, but .*\(2, 6, 4, 5\)"
        ):
            F.concat_backward(g, [x, (2, 2, 4, 5)])
        with pytest.raises(ArgumentError, match=r"^concat_backward: dim must be between -4 and 3 .* but it is 4"):
            F.concat_backward(g, [x, x], 4)
        with pytest.raises(DTypeError, match=r"^concat_backward: all arrays must have one dtype, but arrays\[1\] is float32"):
            F.concat_backward(g, [x.shape, x.astype(np.float32)])


@pytest.mark.parametrize("rows", [1, 2, 7, 16])
@pytest.mark.parametrize("features", [1, 15, 31, 32, 33, 70])
@pytest.mark.parametrize("outputs", [4, 5, 6, 7, 9, 130])
def test_a_few_rows_read_the_weight_once(rows, features, outputs):
    """The kernel for few rows: every rest of features by vectors and of outputs by fours, exact on small integers."""
    rng = np.random.default_rng(features)
    x, weight = (rng.integers(-5, 6, shape).astype(np.float32) for shape in ((rows, features), (outputs, features)))
    bias = rng.integers(-5, 6, outputs).astype(np.float32)
    assert_array_equal(F.linear(x, weight, bias), x.astype(np.float64) @ weight.T + bias)
    assert_array_equal(F.linear(x, weight), x.astype(np.float64) @ weight.T)


def test_a_few_rows_keep_nan_and_infinity():
    weight = np.ones((5, 40), np.float32)
    x = np.zeros((1, 40), np.float32)
    x[0, 3] = np.inf
    assert (F.linear(x, weight) == np.inf).all()
    x[0, 39] = np.nan
    assert np.isnan(F.linear(x, weight)).all()
