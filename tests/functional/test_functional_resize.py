"""Interpolation and its gradient against exact fractions."""

from fractions import Fraction

import numpy as np
import pytest
from differences import assert_adjoint, assert_is_derivative, spread
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from minicnn import functional as F
from minicnn.axis import Resize, ratio
from minicnn.errors import ArgumentError, DTypeError, ShapeError

WAYS = [("nearest", None), ("bilinear", None), ("bilinear", True)]


def exact(x, rows, columns):
    """The definition in fractions: every output is a weighted sum over rows and columns."""
    n, channels, height, width = x.shape
    y = np.empty((n, channels, rows.out, columns.out), object)
    for a, b, p, q in np.ndindex(y.shape):
        y[a, b, p, q] = sum(Fraction(float(x[a, b, r, c])) * v * w for r, v in rows.taps(p, height) for c, w in columns.taps(q, width))
    return y


def test_hand_worked():
    x = np.array([[[[0.0, 4.0], [8.0, 12.0]]]])
    assert_array_equal(F.interpolate(x, scale_factor=(1, 2)), [[[[0, 0, 4, 4], [8, 8, 12, 12]]]])
    assert_array_equal(F.interpolate(x, (2, 4), mode="bilinear"), [[[[0, 1, 3, 4], [8, 9, 11, 12]]]])
    assert_array_equal(F.interpolate(x, 3, mode="bilinear", align_corners=True), [[[[0, 2, 4], [4, 6, 8], [8, 10, 12]]]])
    assert_array_equal(F.interpolate(x, 1, mode="bilinear"), [[[[6]]]])
    assert_array_equal(F.interpolate(x, 1), [[[[0]]]])


@settings(deadline=None)
@given(
    st.sampled_from(WAYS),
    st.tuples(st.integers(1, 6), st.integers(1, 6)),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.sampled_from(["f4", "f8"]),
)
def test_against_the_definition(way, in_size, out_size, dtype):
    mode, align = way
    x = np.random.default_rng(0).integers(-9, 10, (2, 1, *in_size)).astype(dtype)
    y = F.interpolate(x, out_size, None, mode, align)
    expected = exact(x, *(Resize(out, mode, bool(align)) for out in out_size))
    # per axis: weights and products are rounded, and one sum; 2 axes
    error = max(abs(Fraction(float(a)) - b) for a, b in zip(y.flat, expected.flat, strict=True))
    assert error <= 6 * np.finfo(dtype).eps * 9
    if mode == "nearest":
        assert error == 0


def test_the_same_size_is_a_copy_to_the_bit():
    x = np.random.default_rng(1).normal(size=(2, 3, 4, 5))
    for mode, align in WAYS:
        y = F.interpolate(x, (4, 5), None, mode, align)
        assert_array_equal(y, x)
        assert not np.shares_memory(x, y)


def test_halving_by_bilinear_is_the_mean_of_four():
    x = np.random.default_rng(2).integers(0, 9, (1, 2, 6, 8)).astype(np.float32)
    assert_array_equal(F.interpolate(x, scale_factor=0.5, mode="bilinear"), F.avg_pool2d(x, 2))


def test_constant_maps_stay_constant_and_corners_are_kept():
    x = np.random.default_rng(3).normal(size=(1, 1, 3, 4))
    y = F.interpolate(x, (7, 9), mode="bilinear", align_corners=True)
    assert_array_equal(y[0, 0][np.ix_([0, -1], [0, -1])], x[0, 0][np.ix_([0, -1], [0, -1])])
    np.testing.assert_allclose(F.interpolate(np.full((1, 1, 3, 4), 0.1), (7, 9), mode="bilinear"), 0.1, rtol=1e-15)


def test_infinity_is_not_multiplied_by_a_weight_of_zero():
    x = np.array([[[np.inf, 1.0, 2.0]]])
    # sources 0, 2/3, 4/3, 2 in thirds of the way: only the first two outputs see the infinity
    assert_array_equal(np.isinf(F.interpolate(x, (1, 4), mode="bilinear", align_corners=True)), [[[True, True, False, False]]])


@pytest.mark.parametrize(("factor", "size"), [(2, (6, 10)), (1.5, (4, 7)), ((0.4, 2.9), (1, 14)), (np.float32(2), (6, 10))])
def test_scale_factor_rounds_down(factor, size):
    x = np.random.default_rng(4).normal(size=(2, 3, 5))
    for mode, align in WAYS:
        assert_array_equal(F.interpolate(x, None, factor, mode, align, True), F.interpolate(x, size, None, mode, align))


def test_a_scale_factor_decides_the_positions():
    x = np.arange(5.0).reshape(1, 1, 5)
    # 8 = floor(5·1.7): output i looks at i/1.7 = 0, 0.59, 1.18, 1.76, 2.35, 2.94, 3.53, 4.12, by the sizes at i·5/8
    assert_array_equal(F.interpolate(x, scale_factor=(1, 1.7)), [[[0, 0, 1, 1, 2, 2, 3, 4]]])
    assert_array_equal(F.interpolate(x, scale_factor=(1, 1.7), recompute_scale_factor=True), [[[0, 0, 1, 1, 2, 3, 3, 4]]])
    # 12 = floor(5·2.5): at (2i+1)/5 - 1/2, held inside 0 … 4
    expected = [0, 0.1, 0.5, 0.9, 1.3, 1.7, 2.1, 2.5, 2.9, 3.3, 3.7, 4]
    np.testing.assert_allclose(F.interpolate(x, scale_factor=(1, 2.5), mode="bilinear")[0, 0], expected, rtol=4e-16 * 5)
    assert_array_equal(F.interpolate(x, scale_factor=(1, 0.6), mode="bilinear"), F.interpolate(x, (1, 3), mode="bilinear"))  # 3 = 5·0.6


def test_a_scale_factor_that_leaves_the_size_moves_nothing():
    x = np.random.default_rng(5).normal(size=(2, 3, 5))
    for mode in ("nearest", "bilinear"):
        assert_array_equal(F.interpolate(x, scale_factor=(1.3, 1.15), mode=mode), x)
    assert_array_equal(F.interpolate(x, scale_factor=(2.3, 1)), np.repeat(x, 2, axis=1))  # nearest, and 6 = 2·3


@settings(deadline=None, max_examples=30)
@given(
    st.sampled_from(WAYS),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.sampled_from([(1.7, 0.6), (2.5, 1.1), (5 / 3, 0.7), (1.3, 3)]),
)
def test_scale_factors_against_the_definition(way, in_size, factors):
    mode, align = way
    if any(n * factor < 1 for n, factor in zip(in_size, factors, strict=True)):
        return
    x = np.random.default_rng(0).integers(-9, 10, (2, 1, *in_size)).astype(np.float64)
    y = F.interpolate(x, None, factors, mode, align)
    rules = (Resize(int(n * factor), mode, bool(align), ratio(factor)) for n, factor in zip(in_size, factors, strict=True))
    expected = exact(x, *rules)
    assert max(abs(Fraction(float(a)) - b) for a, b in zip(y.flat, expected.flat, strict=True)) <= 6 * np.finfo(float).eps * 9


class TestBackward:
    def test_hand_worked(self):
        g = np.array([[[1.0, 2.0, 4.0, 8.0, 16.0]]])
        assert_array_equal(F.interpolate_backward(g, (1, 1, 3), (1, 5)), [[[1 + 2, 4 + 8, 16]]])  # from 0 0 1 1 2
        # from (0), (3/4, 1/4), (1/4, 3/4), (1): and a map made smaller leaves some inputs out
        assert_array_equal(F.interpolate_backward(g[..., :4], (1, 1, 2), (1, 4), mode="bilinear"), [[[1 + 1.5 + 1, 0.5 + 3 + 8]]])
        assert_array_equal(F.interpolate_backward(g[..., :2], (1, 1, 8), (1, 2), mode="bilinear"), [[[0, 0.5, 0.5, 0, 0, 1, 1, 0]]])
        assert_array_equal(F.interpolate_backward(g[..., :3], (1, 1, 2), (1, 3), None, "bilinear", True), [[[1 + 1, 1 + 4]]])
        rows = F.interpolate_backward(g.transpose(0, 2, 1), (1, 3, 1), (5, 1))
        assert_array_equal(rows, [[[3], [12], [16]]])

    @settings(deadline=None, max_examples=30)
    @given(st.tuples(*[st.integers(1, 6)] * 2), st.tuples(*[st.integers(1, 9)] * 2), st.booleans())
    def test_adjoint_of_nearest(self, in_size, out_size, batched):
        rng = np.random.default_rng(0)
        x, g = (rng.integers(-4, 5, (*(2, 3)[not batched :], *size)).astype(np.float32) for size in (in_size, out_size))
        assert_adjoint(lambda x: F.interpolate(x, out_size), lambda g: F.interpolate_backward(g, x, out_size), x, g)
        assert_array_equal(F.interpolate_backward(g, x, out_size), F.interpolate_backward(g, x.shape, out_size))

    @pytest.mark.parametrize(
        ("in_size", "options"),
        [
            ((3, 5), {"scale_factor": (2, 4)}),
            ((8, 4), {"scale_factor": (0.5, 0.25)}),
            ((3, 2), {"size": (5, 9), "align_corners": True}),
            ((5, 3), {"size": (2, 1)}),
            ((5, 4), {"scale_factor": (1, 1.6)}),
        ],
    )
    def test_adjoint_of_bilinear_where_weights_are_binary_fractions(self, in_size, options):
        rng = np.random.default_rng(0)
        x = rng.integers(-4, 5, (2, 3, *in_size)) * 64.0  # weights are multiples of 1/64 at the finest
        g = rng.integers(-4, 5, F.interpolate(x, mode="bilinear", **options).shape).astype(float)
        linear = {"mode": "bilinear", **options}
        assert_adjoint(lambda x: F.interpolate(x, **linear), lambda g: F.interpolate_backward(g, x, **linear), x, g)

    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize("options", [{"size": (7, 3)}, {"scale_factor": (1.7, 0.6)}, {"scale_factor": (0.7, 2.5)}])
    def test_the_derivative(self, way, options):
        x = spread((2, 2, 4, 5))
        settings = {"mode": way[0], "align_corners": way[1], **options}
        g = spread(F.interpolate(x, **settings).shape, 1)
        assert_is_derivative(lambda x: F.interpolate(x, **settings), (F.interpolate_backward(g, x, **settings),), (x,), (g,))

    def test_an_infinity_reaches_what_was_seen_and_no_more(self):
        g = np.array([[[1.0, np.inf, 1.0, 1.0]]])
        found = F.interpolate_backward(g, (1, 1, 3), (1, 4), None, "bilinear", True)  # sources 0, 2/3, 4/3, 2
        assert_array_equal(np.isinf(found), [[[True, True, False]]])

    def test_errors(self):
        g, shape = np.zeros((1, 2, 6, 10)), (1, 2, 3, 5)
        with pytest.raises(ShapeError, match=r"^interpolate_backward: grad_output must have .* interpolate returns \(1, 2, 6, 5\) here"):
            F.interpolate_backward(g, shape, (6, 5))
        with pytest.raises(ArgumentError, match=r"^interpolate_backward: give one of size and scale_factor"):
            F.interpolate_backward(g, shape)
        with pytest.raises(ArgumentError, match=r"^interpolate_backward: mode must be one of"):
            F.interpolate_backward(g, shape, 2, mode="area")
        with pytest.raises(ArgumentError, match=r"^interpolate_backward: scale_factor must be positive and finite"):
            F.interpolate_backward(g, shape, scale_factor=-2)
        with pytest.raises(ShapeError, match=r"^interpolate_backward: an output needs at least 1 position"):
            F.interpolate_backward(g, shape, scale_factor=0.1)
        with pytest.raises(DTypeError, match=r"^interpolate_backward: all arrays must have one dtype"):
            F.interpolate_backward(g, np.zeros(shape, np.float32), scale_factor=2)


def test_recompute_scale_factor_is_for_scale_factors():
    x = np.zeros((1, 2, 3, 5))
    with pytest.raises(
        ArgumentError, match=r"^interpolate: recompute_scale_factor belongs to scale_factor, but size is 4; leave it out\.$"
    ):
        F.interpolate(x, 4, recompute_scale_factor=True)
    with pytest.raises(ArgumentError, match=r"^interpolate: recompute_scale_factor is True or False, but it is 1"):
        F.interpolate(x, scale_factor=2, recompute_scale_factor=1)


def test_errors():
    x = np.zeros((1, 2, 3, 5))
    for arguments in ({}, {"size": 2, "scale_factor": 2}):
        with pytest.raises(
            ArgumentError, match=r"^interpolate: give one of size and scale_factor, but .*; (leave one out|size=.* how many times)\.$"
        ):
            F.interpolate(x, **arguments)
    with pytest.raises(ArgumentError, match=r"^interpolate: align_corners belongs to mode='bilinear', but mode is 'nearest'"):
        F.interpolate(x, 2, align_corners=False)
    with pytest.raises(ArgumentError, match=r"^interpolate: mode must be one of 'nearest', 'bilinear', but it is 'bicubic'"):
        F.interpolate(x, 2, mode="bicubic")
    with pytest.raises(ArgumentError, match=r"^interpolate: size must be at least 1, but it is 0"):
        F.interpolate(x, 0)
    with pytest.raises(ArgumentError, match=r"^interpolate: size must be one whole number or a pair"):
        F.interpolate(x, (2, 2, 2))
    with pytest.raises(ArgumentError, match=r"^interpolate: scale_factor must be one number or a pair .* but it is \(1, 2, 3\)"):
        F.interpolate(x, scale_factor=(1, 2, 3))
    for factor in (0, -1, np.inf, np.nan):
        with pytest.raises(ArgumentError, match=r"^interpolate: scale_factor must be positive and finite, but it is "):
            F.interpolate(x, scale_factor=factor)
    with pytest.raises(ArgumentError, match=r"^interpolate: scale_factor must be a real number, but it is '2'"):
        F.interpolate(x, scale_factor="2")
    with pytest.raises(ShapeError, match=r"^interpolate: an output needs at least 1 position .* but 3·0\.3 = 0\.9"):
        F.interpolate(x, scale_factor=0.3)
    with pytest.raises(ShapeError, match=r"but 3·1e\+308 = inf"):
        F.interpolate(x, scale_factor=1e308)
