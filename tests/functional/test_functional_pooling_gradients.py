"""The gradients of pooling: by hand, against the definition, as adjoints, as derivatives; and who refuses what."""

import math

import numpy as np
import pytest
from differences import assert_adjoint, assert_is_derivative, spread
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from minicnn import functional as F
from minicnn.axis import Adaptive
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.window import Window

NAN, INF = np.nan, np.inf
SETTINGS = [  # kernel, stride, padding, dilation, ceil_mode: overlap, gaps, unequal sides, what hangs out
    ((2, 3), None, 0, 1, False),
    ((3, 2), (1, 3), (1, 0), 1, False),
    ((3, 2), (2, 1), ((0, 1), (1, 0)), (2, 3), False),
    ((2, 4), (3, 3), (1, 2), 1, True),
    ((1, 1), (2, 3), 0, 1, True),
    ((3, 3), (2, 2), "same", 1, False),
]
EVERY = pytest.mark.parametrize("given", SETTINGS)
UNDILATED = pytest.mark.parametrize("given", [row for row in SETTINGS if row[3] == 1])
SIZE = (7, 10)


def whole(shape, seed=0):
    return np.random.default_rng(seed).integers(-9, 10, shape).astype(float)


def winner(values):
    """Return which of a list wins: a later one must be larger, or NaN."""
    best = 0
    for place, value in enumerate(values):
        if value > values[best] or math.isnan(value):
            best = place
    return best


def brute_max_backward(grad, x, rows, columns):
    """The definition: each output's gradient is added where its winner stands."""
    grad_x = np.zeros_like(x)
    height, width = x.shape[2:]
    for n, c, p, q in np.ndindex(grad.shape):
        cells = [(r, k) for r in rows.sees(p, height) for k in columns.sees(q, width)]
        grad_x[(n, c, *cells[winner([x[n, c, r, k] for r, k in cells])])] += grad[n, c, p, q]
    return grad_x


class TestMaxPool:
    def test_hand_worked(self):
        x = np.array([[[[1, 5, 2, 0, 9], [4, 3, 8, 8, 7], [6, 6, 0, 1, 2]]]], np.float32)
        # windows of 2×2, stride 1, over rows 0-1 and 1-2: winners 5 8 8 9 | 6 8 8 8, the first of two 8
        grad = np.array([[[[1, 2, 4, 8], [16, 32, 64, 128]]]], np.float32)
        grad_x = F.max_pool2d_backward(grad, x, 2, 1)
        assert_array_equal(grad_x, [[[[0, 1, 0, 0, 8], [0, 0, 2 + 4 + 32 + 64, 128, 0], [16, 0, 0, 0, 0]]]])
        assert grad_x.dtype == np.float32

    def test_ties_go_to_the_first_and_of_nan_to_the_last(self):
        x = np.array([[[1, 2, 2], [2, 2, 1]], [[NAN, 9, NAN], [NAN, 9, 9]], [[-INF] * 3] * 2, [[0.0, -0.0, 0.0]] * 2])
        grad_x = F.max_pool2d_backward(np.full((4, 1, 1), 3.0), x, (2, 3))
        assert_array_equal(grad_x, [[[0, 3, 0], [0, 0, 0]], [[0, 0, 0], [3, 0, 0]], [[3, 0, 0], [0, 0, 0]], [[3, 0, 0], [0, 0, 0]]])

    @EVERY
    def test_against_the_definition(self, given):
        x = np.random.default_rng(1).integers(-2, 3, (2, 3, *SIZE)).astype(float)
        x[np.random.default_rng(2).random(x.shape) < 0.1] = NAN
        y, places = F.max_pool2d(x, *given, return_indices=True)
        grad = whole(y.shape)
        expected = brute_max_backward(grad, x, *Window.of(given[0], given[1] or given[0], *given[2:4], ceil_mode=given[4]).axes(SIZE))
        assert_array_equal(F.max_pool2d_backward(grad, x, *given), expected)
        assert_array_equal(F.max_pool2d_backward(grad, x.shape, *given, indices=places), expected)
        assert_array_equal(F.max_pool2d_backward(grad[1], x[1], *given), expected[1])
        assert_array_equal(F.max_pool2d_backward(grad[1], x.shape[1:], *given, indices=places[1]), expected[1])

    @EVERY
    def test_is_the_derivative(self, given):
        x = spread((2, 3, *SIZE))
        y = F.max_pool2d(x, *given)
        grad = np.random.default_rng(0).standard_normal(y.shape)
        assert_is_derivative(lambda x: F.max_pool2d(x, *given), [F.max_pool2d_backward(grad, x, *given)], [x], [grad], directions=2)

    @settings(max_examples=20)
    @given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.integers(0, 3), st.integers(0, 9))
    def test_nothing_is_lost(self, kh, kw, stride_h, stride_w, extra, seed):
        """The sum of the gradients is kept, whatever overlaps: each goes to one place."""
        x = whole((2, 3, kh + extra, kw + 2 * extra), seed)
        grad = whole(F.max_pool2d(x, (kh, kw), (stride_h, stride_w)).shape, seed)
        grad_x = F.max_pool2d_backward(grad, x, (kh, kw), (stride_h, stride_w))
        assert_array_equal(grad_x.sum(axis=(2, 3)), grad.sum(axis=(2, 3)))

    def test_many_planes_on_all_cores_are_the_planes_one_by_one(self):
        x = np.random.default_rng(3).standard_normal((3, 70, 17, 12)).astype(np.float32)  # enough to wake the other cores
        y, places = F.max_pool2d(x, 3, 2, 1, return_indices=True)
        grad = np.random.default_rng(4).standard_normal(y.shape).astype(np.float32)
        assert_array_equal(F.max_pool2d(x, 3, 2, 1), y)
        grad_x = F.max_pool2d_backward(grad, x, 3, 2, 1)
        for n in range(3):
            one, where = F.max_pool2d(x[n, 5:7], 3, 2, 1, return_indices=True)
            assert_array_equal(one, y[n, 5:7])
            assert_array_equal(where, places[n, 5:7])
            assert_array_equal(F.max_pool2d_backward(grad[n, 5:7], x[n, 5:7], 3, 2, 1), grad_x[n, 5:7])


class TestAvgPool:
    def test_hand_worked(self):
        grad = np.array([[[[4.0, 8.0]]]])
        assert_array_equal(F.avg_pool2d_backward(grad, (1, 1, 2, 3), (2, 2), 1), [[[[1, 3, 2], [1, 3, 2]]]])
        # padding 1: the first window covers 9 positions of which 4 hold an input, the second 9 and 4
        for options, share in (({}, 9), ({"count_include_pad": False}, 4), ({"divisor_override": 7}, 7)):
            grad_x = F.avg_pool2d_backward(np.array([[[[9.0 * 4 * 7, 0.0]]]]), (1, 1, 2, 4), 3, 2, 1, **options)
            assert_array_equal(grad_x, [[[[252 / share, 252 / share, 0, 0]] * 2]])

    @UNDILATED
    @pytest.mark.parametrize("include", [False, True])
    @pytest.mark.parametrize("divisor", [None, 4])
    def test_is_the_derivative(self, given, include, divisor):
        kernel, stride, padding, _, ceil = given
        arguments = (kernel, stride, padding, ceil, include, divisor)
        x = spread((2, 3, *SIZE))
        grad = np.random.default_rng(0).standard_normal(F.avg_pool2d(x, *arguments).shape)
        found = F.avg_pool2d_backward(grad, x.shape, *arguments)
        assert_array_equal(found, F.avg_pool2d_backward(grad, x, *arguments))
        assert_is_derivative(lambda x: F.avg_pool2d(x, *arguments), [found], [x], [grad], directions=2)

    @UNDILATED
    def test_adjoint(self, given):
        kernel, stride, padding, _, ceil = given
        arguments = (kernel, stride, padding, ceil, True, 8)  # dividing by 8 rounds nothing
        x = whole((2, 3, *SIZE))
        g = whole(F.avg_pool2d(x, *arguments).shape, 1)
        assert_adjoint(lambda x: F.avg_pool2d(x, *arguments), lambda g: F.avg_pool2d_backward(g, x.shape, *arguments), x, g)


class TestAdaptive:
    def test_hand_worked(self):
        # 3 rows shared among 2 are 0 1 | 1 2; 7 columns among 3 are 0 1 2 | 2 3 4 | 4 5 6: six inputs each
        grad = np.array([[[[6.0, 12, 18], [60, 120, 180]]]])
        expected = [[1, 1, 3, 2, 5, 3, 3], [11, 11, 33, 22, 55, 33, 33], [10, 10, 30, 20, 50, 30, 30]]
        assert_array_equal(F.adaptive_avg_pool2d_backward(grad, (1, 1, 3, 7), (2, 3)), [[expected]])
        x = np.arange(21.0).reshape(1, 1, 3, 7)  # winners 9 11 13 | 16 18 20
        grad_x = np.zeros(21)
        grad_x[[9, 11, 13, 16, 18, 20]] = [6, 12, 18, 60, 120, 180]
        assert_array_equal(F.adaptive_max_pool2d_backward(grad, x, (2, 3)), grad_x.reshape(x.shape))
        one = np.zeros((1, 1, 3, 7))
        one[..., 1, 2] = 5  # wins all four windows that it is in
        assert F.adaptive_max_pool2d_backward(grad, one, (2, 3))[0, 0, 1, 2] == 6 + 12 + 60 + 120

    @pytest.mark.parametrize("output_size", [1, (5, 3), (None, 4), (9, 13), (1, None)])
    def test_is_the_derivative(self, output_size):
        x = spread((2, 3, *SIZE))
        for forward, backward in (
            (F.adaptive_avg_pool2d, F.adaptive_avg_pool2d_backward),
            (F.adaptive_max_pool2d, F.adaptive_max_pool2d_backward),
        ):
            grad = np.random.default_rng(0).standard_normal(forward(x, output_size).shape)
            found = backward(grad, x, output_size)
            assert_is_derivative(lambda x, f=forward: f(x, output_size), [found], [x], [grad], directions=2)
            assert_array_equal(backward(grad[1], x[1], output_size), found[1])
        assert_array_equal(F.adaptive_avg_pool2d_backward(grad, x.shape, output_size), F.adaptive_avg_pool2d_backward(grad, x, output_size))
        places = F.adaptive_max_pool2d(x, output_size, return_indices=True)[1]
        assert_array_equal(F.adaptive_max_pool2d_backward(grad, x.shape, output_size, indices=places), found)

    def test_adjoint(self):
        x, g = whole((2, 3, 8, 6)), whole((2, 3, 4, 3), 1)  # windows of 2×2: dividing by 4 rounds nothing
        assert_adjoint(lambda x: F.adaptive_avg_pool2d(x, (4, 3)), lambda g: F.adaptive_avg_pool2d_backward(g, x, (4, 3)), x, g)

    def test_against_the_definition(self):
        x = np.random.default_rng(1).integers(-1, 2, (2, 3, *SIZE)).astype(float)
        x[np.random.default_rng(2).random(x.shape) < 0.1] = NAN
        grad = whole((2, 3, 3, 4))
        expected = brute_max_backward(grad, x, Adaptive(3), Adaptive(4))
        assert_array_equal(F.adaptive_max_pool2d_backward(grad, x, (3, 4)), expected)


class TestErrors:
    @pytest.mark.parametrize(
        ("call", "out"),
        [
            (lambda g, x: F.max_pool2d_backward(g, x, 2, 3), "max_pool2d"),
            (lambda g, x: F.avg_pool2d_backward(g, x, 2, 3), "avg_pool2d"),
            (lambda g, x: F.adaptive_avg_pool2d_backward(g, x, (2, 3)), "adaptive_avg_pool2d"),
            (lambda g, x: F.adaptive_max_pool2d_backward(g, x, (2, 3)), "adaptive_max_pool2d"),
        ],
    )
    def test_the_gradients_shape_and_dtype(self, call, out):
        x = np.zeros((2, 4, 5, 9))
        with pytest.raises(
            ShapeError,
            match=rf"^{out}_backward: grad_output must have the output's shape, {out} returns \(2, 4, 2, 3\) here, but .*\(2, 4, 3, 2\)",
        ):
            call(np.zeros((2, 4, 3, 2)), x)
        with pytest.raises(DTypeError, match=rf"^{out}_backward: all arrays must have one dtype"):
            call(np.zeros((2, 4, 2, 3), np.float32), x)
        with pytest.raises(ShapeError, match=rf"^{out}_backward: x must be \(N, C, H, W\)"):
            call(np.zeros((2, 3)), x[0, 0])

    def test_settings_are_those_of_the_operation(self):
        g, x = np.zeros((1, 1, 3, 3)), np.zeros((1, 1, 7, 9))
        with pytest.raises(ArgumentError, match=r"^max_pool2d_backward: padding must be at most half the kernel"):
            F.max_pool2d_backward(g, x, 3, padding=2)
        with pytest.raises(ArgumentError, match=r"^avg_pool2d_backward: divisor_override must be at least 1, but it is 0"):
            F.avg_pool2d_backward(g, x, 2, divisor_override=0)
        with pytest.raises(ArgumentError, match=r"^adaptive_avg_pool2d_backward: output_size must be one whole number or a pair"):
            F.adaptive_avg_pool2d_backward(g, x, (1, 2, 3))
        with pytest.raises(ShapeError, match=r"^max_pool2d_backward: return_indices and gradients need every window to see an input"):
            F.max_pool2d_backward(np.zeros((1, 1, 1, 9)), np.zeros((1, 1, 1, 9)), (2, 1), 1, (1, 0), (2, 1))

    @pytest.mark.parametrize(
        ("call", "name"),
        [
            (lambda g, x, indices: F.max_pool2d_backward(g, x, 3, indices=indices), "max_pool2d"),
            (lambda g, x, indices: F.adaptive_max_pool2d_backward(g, x, (2, 3), indices=indices), "adaptive_max_pool2d"),
        ],
    )
    def test_indices(self, call, name):
        g, shape, places = np.zeros((1, 2, 2, 3)), (1, 2, 7, 9), np.zeros((1, 2, 2, 3), np.int64)
        with pytest.raises(
            ArgumentError,
            match=rf"^{name}_backward: which input won must be known, but x is the shape \(1, 2, 7, 9\) and indices is None; "
            rf"pass the array x, or indices= from {name}\(…, return_indices=True\)\.$",
        ):
            call(g, shape, None)
        with pytest.raises(DTypeError, match=rf"^{name}_backward: indices must be an int64 array, .* but it is an array of int32"):
            call(g, shape, places.astype(np.int32))
        with pytest.raises(DTypeError, match=rf"^{name}_backward: indices must be an int64 array, .* but it is a list"):
            call(g, shape, places.tolist())
        with pytest.raises(ShapeError, match=r"one place for every number of the output, \(1, 2, 2, 3\), but indices.shape=\(1, 2, 3, 2\)"):
            call(g, shape, places.reshape(1, 2, 3, 2))
        places[0, 1, 0, 2] = 63
        with pytest.raises(
            ArgumentError,
            match=r"an index is row·9 \+ column in a plane of 7×9 positions, so 0 … 7·9 - 1 = 62, but indices\[0, 1, 0, 2\] is 63 \(row 7, column 0\)",
        ):
            call(g, shape, places)
        places[0, 1, 0, 2] = -1
        with pytest.raises(ArgumentError, match=r"indices\[0, 1, 0, 2\] is -1 \(before the first\)"):
            call(g, shape, places)
