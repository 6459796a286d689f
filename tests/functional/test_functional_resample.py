"""ONNX's resizing against exact fractions; the examples of its documentation; the gradient's adjoint."""

from fractions import Fraction

import numpy as np
import pytest
from differences import assert_adjoint
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from minicnn import functional as F
from minicnn.errors import ArgumentError, ShapeError
from minicnn.functional.resample import COORDINATES, exact, rules_for
from minicnn.functional.resample import settings as checked

X = np.arange(1.0, 17.0).reshape(1, 1, 4, 4)
EIGHT = np.array([[[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]]])


def test_examples_of_the_operators_documentation():
    """The conformance cases of ONNX's Resize, as printed there."""
    assert_allclose(F.resample(EIGHT, scales=(0.6, 0.6), mode="linear"), [[[[2.6666665, 4.3333331]]]], rtol=1e-6)
    assert_allclose(F.resample(EIGHT, scales=(0.6, 0.6), mode="linear", coordinates="align_corners"), [[[[1.0, 3.142857]]]], rtol=1e-6)
    assert_array_equal(F.resample(EIGHT, scales=(0.6, 0.6)), [[[[1, 3]]]])
    assert_array_equal(F.resample(EIGHT, (1, 3)), [[[[1, 2, 4]]]])
    assert_allclose(F.resample(X, (3, 1), "linear", "pytorch_half_pixel"), [[[[1.6666666], [7.0], [12.333333]]]], rtol=1e-6)
    assert_array_equal(
        F.resample(X, (8, 8), coordinates="half_pixel", rounding="ceil")[0, 0, ::7],
        [[1, 2, 2, 3, 3, 4, 4, 4], [13, 14, 14, 15, 15, 16, 16, 16]],
    )
    assert_array_equal(
        F.resample(X, (8, 8), coordinates="align_corners", rounding="floor")[0, 0, ::7],
        [[1, 1, 1, 2, 2, 3, 3, 4], [13, 13, 13, 14, 14, 15, 15, 16]],
    )
    assert_array_equal(
        F.resample(X, (8, 8), coordinates="asymmetric", rounding="round_prefer_ceil")[0, 0, ::7],
        [[1, 2, 2, 3, 3, 4, 4, 4], [13, 14, 14, 15, 15, 16, 16, 16]],
    )


def test_half_pixel_symmetric_keeps_the_middle():
    """2.3 of 4 is floor 9: the outputs stand around the same middle as the inputs."""
    x = np.arange(4.0).reshape(1, 1, 1, 4)
    y = F.resample(x, scales=(1, 2.3), mode="linear", coordinates="half_pixel_symmetric")
    assert_allclose(y + y[..., ::-1], np.full((1, 1, 1, 9), 3.0), rtol=1e-12)
    plain = F.resample(x, scales=(1, 2.3), mode="linear", coordinates="half_pixel")
    assert abs(plain + plain[..., ::-1] - 3).max() > 0.05


@settings(deadline=None)
@given(
    st.sampled_from(("nearest", "linear")),
    st.sampled_from(COORDINATES),
    st.sampled_from(("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")),
    st.tuples(st.integers(1, 6), st.integers(1, 6)),
    st.tuples(st.integers(1, 9), st.integers(1, 9)) | st.sampled_from((0.5, 0.7, 1.5, 2.3)),
    st.sampled_from(("f4", "f8")),
)
def test_against_exact_fractions(mode, coordinates, rounding, in_size, size, dtype):
    out, scales = (size, None) if isinstance(size, tuple) else (None, size)
    if scales is not None and min(in_size) * scales < 1:
        out = (1, 2)
    x = np.random.default_rng(0).integers(-9, 10, (2, 1, *in_size)).astype(dtype)
    rows, columns = rules_for(in_size, checked(out, mode, coordinates, rounding, scales, "test"), "test")
    y = F.resample(x, out, mode, coordinates, rounding, scales)
    assert y.shape == (2, 1, rows.out, columns.out)
    for a, _, p, q in np.ndindex(y.shape):
        wanted = sum(Fraction(float(x[a, 0, r, c])) * v * w for r, v in rows.taps(p, in_size[0]) for c, w in columns.taps(q, in_size[1]))
        # per axis: weights and products are rounded, and one sum; 2 axes
        assert abs(Fraction(float(y[a, 0, p, q])) - wanted) <= (0 if mode == "nearest" else 6 * np.finfo(dtype).eps * 9)


@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize("coordinates", COORDINATES)
def test_what_comes_back_is_the_adjoint(mode, coordinates):
    rng = np.random.default_rng(0)
    x = rng.integers(-9, 10, (2, 3, 4, 5)).astype(float)
    for out, scales in (((8, 10), None), ((2, 3), None), (None, (1.5, 0.5))):
        g = rng.integers(-9, 10, F.resample(x, out, mode, coordinates, scales=scales).shape).astype(float)
        back = F.resample_backward(g, x.shape, out, mode, coordinates, scales=scales)
        if mode == "nearest":
            assert_adjoint(lambda x, o=out, s=scales: F.resample(x, o, mode, coordinates, scales=s), lambda g, b=back: b, x, g)
        else:  # weights such as 1/3 are rounded: 60 inputs by 4 products and sums of numbers below 81
            found = float(np.sum(g * F.resample(x, out, mode, coordinates, scales=scales)))
            assert abs(found - float(np.sum(back * x))) <= g.size * 4 * 81 * 4 * np.finfo(float).eps


def test_a_scale_of_float32_is_the_fraction_that_was_meant():
    assert exact(float(np.float32(0.7))) == Fraction(7, 10)
    assert F.resample(np.ones((1, 1, 10, 1)), scales=(float(np.float32(0.7)), 1)).shape == (1, 1, 7, 1)
    assert exact(1 / 3) == Fraction(1, 3)


@pytest.mark.parametrize(
    ("error", "match", "arguments"),
    [
        (ArgumentError, r"give out=\(rows, columns\), the size, or scales=2, how many times, but both are None", {}),
        (ArgumentError, r"mode must be one of 'nearest', 'linear', but it is 'cubic'", {"out": 2, "mode": "cubic"}),
        (ArgumentError, r"coordinates must be one of 'half_pixel', .* but it is 'tf_crop_and_resize'", {"out": 2, "coordinates": "tf_crop_and_resize"}),
        (ArgumentError, r"rounding must be one of 'round_prefer_floor'", {"out": 2, "rounding": "half_down"}),
        (ArgumentError, r"out must be at least 1, but it is 0", {"out": 0}),
        (ArgumentError, r"scales is a positive number or a pair .* but it is \(-1.0, -1.0\)", {"scales": -1}),
        (ArgumentError, r"scales is a positive number or a pair .* but it is \(1.0, 2.0, 3.0\)", {"scales": (1, 2, 3)}),
        (ShapeError, r"something must come out, but floor\(2 · 0.4\) × floor\(4 · 0.4\) = 0 × 1; use larger scales", {"scales": 0.4}),
    ],
)  # fmt: skip
def test_mistakes(error, match, arguments):
    with pytest.raises(error, match=f"^resample: {match}"):
        F.resample(EIGHT, **arguments)
