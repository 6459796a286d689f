"""Pooling against its definition: plain loops over what window.py's rules see."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from minicnn import functional as F
from minicnn.axis import Adaptive, Slide
from minicnn.errors import ArgumentError, ShapeError
from minicnn.window import Window

NAN, INF = np.nan, np.inf


def cells(rows, columns, p, q, height, width):
    return [(r, c) for r in rows.sees(p, height) for c in columns.sees(q, width)]


def brute_max(x, rows, columns):
    """The definition: walk each window in reading order; a larger number or a NaN takes over."""
    n, channels, height, width = x.shape
    shape = (n, channels, rows.out_size(height), columns.out_size(width))
    y, places = np.full(shape, -INF, x.dtype), np.full(shape, -1)
    for a, b, p, q in np.ndindex(shape):
        for r, c in cells(rows, columns, p, q, height, width):
            value = x[a, b, r, c]
            if places[a, b, p, q] < 0 or value > y[a, b, p, q] or math.isnan(value):
                y[a, b, p, q], places[a, b, p, q] = value, r * width + c
    return y, places


def brute_avg(x, rows, columns, include_pad=True, divisor=None):
    """The definition: sum what is seen; count the covered positions one by one."""
    n, channels, height, width = x.shape
    shape = (n, channels, rows.out_size(height), columns.out_size(width))
    y = np.zeros(shape, x.dtype)

    def covered(rule, i, size):
        first = i * rule.stride - rule.before
        low, high = (-rule.before, size + rule.after) if include_pad else (0, size)
        return sum(low <= first + t < high for t in range(rule.kernel))

    for a, b, p, q in np.ndindex(shape):
        total = sum(x[a, b, r, c] for r, c in cells(rows, columns, p, q, height, width))
        y[a, b, p, q] = total / x.dtype.type(divisor or covered(rows, p, height) * covered(columns, q, width))
    return y


@st.composite
def slides(draw, dilations=3):
    """One axis and an input size that the kernel fits into."""
    kernel = draw(st.integers(1, 4))
    before, after = (draw(st.integers(0, kernel // 2)) for _ in range(2))
    dilation = draw(st.integers(1, dilations))
    least = max(1, dilation * (kernel - 1) + 1 - before - after)
    n = least + draw(st.integers(0, 5))
    return kernel, draw(st.integers(1, 4)), (before, after), dilation, n


def window_of(vertical, horizontal, ceil):
    kernel, stride, padding, dilation, size = zip(vertical, horizontal, strict=True)
    return Window.of(kernel, stride, padding, dilation, ceil_mode=ceil), size


def map_of(seed, size, dtype=np.float32, nans=0.0):
    rng = np.random.default_rng(seed)
    x = rng.integers(-3, 4, (2, 3, *size)).astype(dtype)  # few values, so that ties are common
    x[rng.random(x.shape) < nans] = NAN
    return x


class TestMaxPool:
    def test_hand_worked(self):
        x = np.array([[[[1, 5, 2, 0, 9], [4, 3, 8, 8, 7], [6, 6, 0, 1, 2], [9, 9, 9, 9, 9]]]], np.float32)
        y, places = F.max_pool2d(x, (2, 2), return_indices=True)
        assert_array_equal(y, [[[[5, 8], [9, 9]]]])  # column 4 is left over
        assert_array_equal(places, [[[[1, 7], [15, 17]]]])
        assert places.dtype == np.int64
        assert_array_equal(F.max_pool2d(x, (3, 2), stride=(2, 3), padding=(1, 0)), [[[[5, 9], [9, 9]]]])
        assert_array_equal(F.max_pool2d(x, 2, ceil_mode=True), [[[[5, 8, 9], [9, 9, 9]]]])
        assert_array_equal(F.max_pool2d(x, 2, 1, dilation=(2, 3)), [[[[6, 9], [9, 9]]]])

    def test_padding_is_minus_infinity_and_not_zero(self):
        y = F.max_pool2d(np.full((1, 1, 3, 4), -7.0), 3, padding=1)
        assert_array_equal(y, [[[[-7, -7]]]])

    def test_unequal_padding(self):
        x = np.arange(12.0).reshape(1, 3, 4)
        assert_array_equal(F.max_pool2d(x, 2, 2, padding=((1, 0), (0, 1))), [[[1, 3], [9, 11]]])

    def test_same_padding_is_its_sides(self):
        x = np.random.default_rng(0).normal(size=(1, 2, 7, 10))
        assert_array_equal(F.max_pool2d(x, 3, 2, padding="same"), F.max_pool2d(x, 3, 2, padding=((1, 1), (0, 1))))

    def test_first_of_equals_and_last_of_nan(self):
        x = np.array([[[1, 2, 2], [2, 2, 1]]], float)
        assert_array_equal(F.max_pool2d(x, (2, 3), return_indices=True)[1], [[[1]]])
        x = np.array([[[1, NAN, 9], [NAN, 9, NAN], [9, 9, 9]]])
        y, places = F.max_pool2d(x, 3, return_indices=True)
        assert_array_equal(y, [[[NAN]]])
        assert_array_equal(places, [[[5]]])

    def test_a_window_of_minus_infinities_has_a_place(self):
        y, places = F.max_pool2d(np.full((1, 4, 5), -INF), 3, 2, padding=1, return_indices=True)
        assert_array_equal(y, np.full((1, 2, 3), -INF))
        assert_array_equal(places, [[[0, 1, 3], [5, 6, 8]]])

    @settings(deadline=None)
    @given(slides(), slides(), st.booleans(), st.sampled_from([0.0, 0.15]), st.integers(0, 99))
    def test_against_the_definition(self, vertical, horizontal, ceil, nans, seed):
        window, size = window_of(vertical, horizontal, ceil)
        x = map_of(seed, size, nans=nans)
        expected, places = brute_max(x, *window.axes(size))
        arguments = (x, window.kernel, window.stride, window.padding, window.dilation, ceil)
        assert_array_equal(F.max_pool2d(*arguments), expected)
        if (places < 0).any():
            with pytest.raises(ShapeError, match="sees none"):
                F.max_pool2d(*arguments, return_indices=True)
        else:
            y, found = F.max_pool2d(*arguments, return_indices=True)
            assert_array_equal(y, expected)
            assert_array_equal(found, places)

    def test_indices_point_at_their_values(self):
        x = np.random.default_rng(1).normal(size=(2, 3, 7, 10))
        y, places = F.max_pool2d(x, (3, 2), (2, 3), (1, 0), return_indices=True)
        assert_array_equal(np.take_along_axis(x.reshape(2, 3, 70), places.reshape(2, 3, -1), 2).reshape(y.shape), y)


class TestAvgPool:
    def test_hand_worked(self):
        x = np.arange(1.0, 13).reshape(1, 1, 3, 4)
        assert_array_equal(F.avg_pool2d(x, (2, 3), stride=1), [[[[4, 5], [8, 9]]]])
        # corner: 1 + 2 + 5 + 6 = 14 over 9 positions with the padding, 4 without, 7 if we say so
        for options, corner in (({}, 14 / 9), ({"count_include_pad": False}, 14 / 4), ({"divisor_override": 7}, 2)):
            assert F.avg_pool2d(x, 3, 2, 1, **options)[0, 0, 0, 0] == corner

    def test_what_ceil_mode_lets_hang_out_is_not_counted(self):
        x = np.ones((1, 1, 4, 5))
        assert_array_equal(F.avg_pool2d(x, 2, 2, ceil_mode=True), np.ones((1, 1, 2, 3)))
        # 5 + 1 + 1 = 7 padded columns: a third window would start at 6, past the input, so there is none
        y = F.avg_pool2d(x, (4, 3), (1, 3), (0, 1), ceil_mode=True)
        assert_array_equal(y, [[[[2 / 3, 1]]]])
        # 6 + 1 + 1 = 8: it starts on the last input and covers that and one padding, 1 of 2; the third hangs out
        y = F.avg_pool2d(np.ones((1, 1, 4, 6)), (4, 3), (1, 3), (0, 1), ceil_mode=True)
        assert_array_equal(y, [[[[2 / 3, 1, 1 / 2]]]])

    @settings(deadline=None)
    @given(slides(dilations=1), slides(dilations=1), st.booleans(), st.booleans(), st.sampled_from([None, 1, 5]), st.integers(0, 99))
    def test_against_the_definition(self, vertical, horizontal, ceil, include_pad, divisor, seed):
        window, size = window_of(vertical, horizontal, ceil)
        x = map_of(seed, size)
        y = F.avg_pool2d(x, window.kernel, window.stride, window.padding, ceil, include_pad, divisor)
        assert_array_equal(y, brute_avg(x, *window.axes(size), include_pad, divisor))

    def test_linear(self):
        rng = np.random.default_rng(2)
        x, y = (rng.integers(-8, 9, (2, 3, 7, 10)).astype(float) for _ in range(2))
        pooled = [F.avg_pool2d(z, (2, 4), (3, 1), (1, 2), count_include_pad=True) for z in (x, y, 2 * x - 3 * y)]
        assert_array_equal(2 * pooled[0] - 3 * pooled[1], pooled[2])  # divisor 8: nothing is rounded


class TestAdaptive:
    def test_hand_worked(self):
        x = np.arange(21.0).reshape(1, 1, 3, 7)
        # 3 rows shared among 2 are 0 1 | 1 2; 7 columns among 3 are 0 1 2 | 2 3 4 | 4 5 6
        assert_array_equal(F.adaptive_avg_pool2d(x, (2, 3)), [[[[4.5, 6.5, 8.5], [11.5, 13.5, 15.5]]]])
        assert_array_equal(F.adaptive_max_pool2d(x, (2, 3)), [[[[9, 11, 13], [16, 18, 20]]]])
        assert_array_equal(F.adaptive_max_pool2d(-x, (2, 3), return_indices=True)[1], [[[[0, 2, 4], [7, 9, 11]]]])

    def test_global(self):
        x = np.random.default_rng(3).integers(-9, 10, (2, 3, 4, 8)).astype(np.float32)
        assert_array_equal(F.adaptive_avg_pool2d(x, 1)[..., 0, 0], x.sum(axis=(2, 3)) / 32)
        assert_array_equal(F.adaptive_max_pool2d(x, 1)[..., 0, 0], x.max(axis=(2, 3)))

    def test_none_keeps_an_axis(self):
        x = np.random.default_rng(3).normal(size=(2, 3, 4, 7))
        assert_array_equal(F.adaptive_max_pool2d(x, (None, 1))[..., 0], x.max(axis=3))
        assert_array_equal(F.adaptive_avg_pool2d(x, None), x)
        assert_array_equal(F.adaptive_max_pool2d(x, [None, 7], return_indices=True)[1][1, 2], np.arange(28).reshape(4, 7))

    def test_more_outputs_than_inputs_repeat(self):
        assert_array_equal(F.adaptive_avg_pool2d(np.array([[[1.0, 2.0]]]), (1, 4)), [[[1, 1, 2, 2]]])

    @settings(deadline=None)
    @given(
        st.tuples(st.integers(1, 9), st.integers(1, 9)),
        st.tuples(st.none() | st.integers(1, 7), st.none() | st.integers(1, 7)),
        st.sampled_from([0.0, 0.1]),
        st.integers(0, 99),
    )
    def test_against_the_definition(self, size, output_size, nans, seed):
        x = map_of(seed, size, nans=nans)
        rows, columns = map(Adaptive, output_size)
        expected, places = brute_max(x, rows, columns)
        assert_array_equal(F.adaptive_max_pool2d(x, output_size), expected)
        y, found = F.adaptive_max_pool2d(x, output_size, return_indices=True)
        assert_array_equal(y, expected)
        assert_array_equal(found, places)
        for p, q in np.ndindex(expected.shape[2:]):
            seen = cells(rows, columns, p, q, *size)
            total = sum(x[:, :, r, c] for r, c in seen)
            assert_array_equal(F.adaptive_avg_pool2d(x, output_size)[:, :, p, q], total / np.float32(len(seen)))


class TestErrors:
    @pytest.mark.parametrize(("function", "name"), [(F.max_pool2d, "max_pool2d"), (F.avg_pool2d, "avg_pool2d")])
    def test_settings(self, function, name):
        x = np.zeros((1, 2, 7, 9))
        with pytest.raises(
            ArgumentError,
            match=rf"^{name}: padding must be at most half the kernel, but over the columns it is \(2, 2\) and 3 // 2 = 1.*"
            r"Use padding 1 or less, or a larger kernel\.$",
        ):
            function(x, 3, padding=(1, 2))
        with pytest.raises(ArgumentError, match=rf"^{name}: padding must be at most half .* over the rows it is \(0, 2\)"):
            function(x, 3, padding=((0, 2), (0, 0)))
        with pytest.raises(ShapeError, match=rf"^{name}: the kernel must fit into the padded input, but over the rows a kernel of 8"):
            function(x, 8)
        with pytest.raises(ArgumentError, match=rf"^{name}: stride must be at least 1, but it is 0"):
            function(x, 2, 0)
        with pytest.raises(ArgumentError, match=rf"^{name}: kernel_size must be a whole number, but it is 2\.5"):
            function(x, 2.5)
        with pytest.raises(ArgumentError, match=rf"^{name}: padding must be at least 0, but it is -1"):
            function(x, 2, padding=-1)

    def test_dilated_kernel_is_half_of_its_taps(self):
        with pytest.raises(ArgumentError, match="3 // 2 = 1"):
            F.max_pool2d(np.zeros((1, 1, 9, 9)), 3, padding=2, dilation=2)

    def test_indices_where_a_window_sees_nothing(self):
        x = np.zeros((1, 1, 1, 9))  # taps at rows -1 and 1 around the only row 0
        assert_array_equal(F.max_pool2d(x, (2, 1), 1, (1, 0), (2, 1)), np.full((1, 1, 1, 9), -INF))
        with pytest.raises(ShapeError, match=r"^max_pool2d: return_indices .* output row 0 sees none: its taps lie 2 apart around 1 rows"):
            F.max_pool2d(x, (2, 1), 1, (1, 0), (2, 1), return_indices=True)

    def test_divisor(self):
        with pytest.raises(ArgumentError, match=r"^avg_pool2d: divisor_override must be at least 1, but it is 0"):
            F.avg_pool2d(np.zeros((1, 1, 4, 5)), 2, divisor_override=0)

    @pytest.mark.parametrize(
        ("function", "name"), [(F.adaptive_avg_pool2d, "adaptive_avg_pool2d"), (F.adaptive_max_pool2d, "adaptive_max_pool2d")]
    )
    def test_output_size(self, function, name):
        x = np.zeros((1, 2, 7, 9))
        with pytest.raises(ArgumentError, match=rf"^{name}: output_size must be one whole number or a pair .* but it is \(1, 2, 3\)"):
            function(x, (1, 2, 3))
        with pytest.raises(ArgumentError, match=rf"^{name}: output_size must be at least 1, but it is 0"):
            function(x, (2, 0))
        with pytest.raises(ArgumentError, match=rf"^{name}: output_size must be a whole number, but it is '1'"):
            function(x, "1")


def test_one_dimensional_rule_is_used_for_both_axes():
    # A map that is its own transpose's transpose: pooling commutes with exchanging rows and columns.
    x = np.random.default_rng(4).normal(size=(2, 3, 6, 9))
    turned = x.swapaxes(2, 3)
    assert_array_equal(F.max_pool2d(x, (2, 3), (1, 2)), F.max_pool2d(turned, (3, 2), (2, 1)).swapaxes(2, 3))
    assert Slide(3, 2).out_size(9) == F.max_pool2d(x, (2, 3), (1, 2)).shape[3]
