"""Transposed convolution: the scatter by hand, by loops, and as the adjoint of convolution."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from minicnn import functional as F
from minicnn.axis import Slide, Transposed
from minicnn.errors import ArgumentError, DTypeError, ShapeError


def integers(*shape, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).integers(-3, 4, shape).astype(dtype)


def brute(x, weight, bias, rows, columns, groups):
    """The definition: every input lays its kernel down."""
    n, channels, height, width = x.shape
    outputs = weight.shape[1]
    y = np.zeros((n, groups * outputs, rows.out_size(height), columns.out_size(width)), x.dtype)
    for a, c, h, w in np.ndindex(x.shape):
        group = c // (channels // groups)
        for k, i, j in np.ndindex(weight.shape[1:]):
            p = h * rows.stride + i * rows.dilation - rows.before
            q = w * columns.stride + j * columns.dilation - columns.before
            if 0 <= p < y.shape[2] and 0 <= q < y.shape[3]:
                y[a, group * outputs + k, p, q] += x[a, c, h, w] * weight[c, k, i, j]
    return y + bias.reshape(-1, 1, 1)


def test_hand_worked():
    x = np.array([[[[1, 2], [3, 4]]]], np.float32)
    weight = np.array([[[[1, 1, 1], [1, 1, 1]]]], np.float32)
    # columns overlap where 2·0 + 2 = 2·1 + 0; rows where 0 + 1 = 1 + 0
    assert_array_equal(F.conv_transpose2d(x, weight, stride=(1, 2)), [[[[1, 1, 3, 2, 2], [4, 4, 10, 6, 6], [3, 3, 7, 4, 4]]]])
    assert_array_equal(F.conv_transpose2d(x, weight, stride=(1, 2), padding=1), [[[[4, 10, 6]]]])
    assert_array_equal(F.conv_transpose2d(x, weight, stride=(1, 2), padding=((1, 0), (0, 2))), [[[[4, 4, 10], [3, 3, 7]]]])


def test_what_receives_nothing_holds_the_bias():
    x, weight, bias = np.ones((1, 1, 2, 2)), np.ones((1, 2, 1, 1)), np.array([0.5, -3.0])
    y = F.conv_transpose2d(x, weight, bias, stride=3, output_padding=2)
    expected = np.zeros((6, 6))
    expected[::3, ::3] = 1
    assert_array_equal(y, [[expected + 0.5, expected - 3]])


@st.composite
def transposes(draw):
    kernel, stride, dilation, n = (draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(1, 4)))
    extra = draw(st.integers(0, max(stride, dilation) - 1))
    before, after = draw(st.integers(0, 4)), draw(st.integers(0, 4))
    return Transposed(kernel, stride, before, after, dilation, extra), n


@settings(deadline=None)
@given(transposes(), transposes(), st.sampled_from([(1, 2, 3), (2, 1, 2), (3, 1, 1)]), st.integers(0, 2))
def test_against_the_definition(vertical, horizontal, grouping, batch):
    (rows, height), (columns, width) = vertical, horizontal
    groups, inputs, outputs = grouping
    x = integers(batch, groups * inputs, height, width)
    weight, bias = integers(groups * inputs, outputs, rows.kernel, columns.kernel, seed=1), integers(groups * outputs, seed=2)
    options = {
        "stride": (rows.stride, columns.stride),
        "padding": ((rows.before, rows.after), (columns.before, columns.after)),
        "output_padding": (rows.output_padding, columns.output_padding),
        "groups": groups,
        "dilation": (rows.dilation, columns.dilation),
    }
    try:
        expected = brute(x, weight, bias, rows, columns, groups)
    except ShapeError:
        with pytest.raises(ShapeError, match=r"^conv_transpose2d: nothing is left of the output: over the (rows|columns) \("):
            F.conv_transpose2d(x, weight, bias, **options)
        return
    y = F.conv_transpose2d(x, weight, bias, **options)
    assert y.dtype == np.float32
    assert_array_equal(y, expected)


def test_adjoint_of_convolution():
    """⟨g, conv x⟩ = ⟨convᵀ g, x⟩, the convolution in loops over what its outputs see."""
    rows, columns = Slide(3, 2, 1, 1, 1), Slide(2, 3, 0, 1, 2)
    x, weight = integers(2, 3, 7, 10, dtype=float), integers(4, 3, 3, 2, seed=1, dtype=float)  # weight (K, C, kh, kw)
    size = rows.out_size(7), columns.out_size(10)
    y = np.zeros((2, 4, *size))
    for p, q in np.ndindex(size):
        for i, j in np.ndindex(3, 2):
            r, c = p * 2 - 1 + i, q * 3 + j * 2
            if r in rows.sees(p, 7) and c in columns.sees(q, 10):
                y[:, :, p, q] += x[:, :, r, c] @ weight[:, :, i, j].T
    g = integers(*y.shape, seed=2, dtype=float)
    left_over = [
        n - Transposed(s.kernel, s.stride, s.before, s.after, s.dilation).out_size(o)
        for n, s, o in zip((7, 10), (rows, columns), size, strict=True)
    ]
    back = F.conv_transpose2d(g, weight, None, (2, 3), ((1, 1), (0, 1)), tuple(left_over), 1, (1, 2))
    assert back.shape == x.shape
    assert (g * y).sum() == (back * x).sum()


def test_linear_in_x_and_weight():
    x, y, weight = integers(1, 2, 3, 4), integers(1, 2, 3, 4, seed=1), integers(2, 3, 2, 3, seed=2)
    both = F.conv_transpose2d(2 * x + y, weight, stride=2)
    assert_array_equal(both, 2 * F.conv_transpose2d(x, weight, stride=2) + F.conv_transpose2d(y, weight, stride=2))
    assert_array_equal(F.conv_transpose2d(x, 2 * weight, stride=2), F.conv_transpose2d(2 * x, weight, stride=2))


def test_errors():
    x, weight = np.zeros((1, 4, 5, 6)), np.zeros((4, 3, 2, 2))
    with pytest.raises(ShapeError, match=r"^conv_transpose2d: weight expects 4 input channels but x has 6 .*NHWC"):
        F.conv_transpose2d(x.transpose(0, 3, 2, 1), weight)
    with pytest.raises(ShapeError, match=r"^conv_transpose2d: weight expects 4 input channels but x has 6 .*That looks like HWC"):
        F.conv_transpose2d(x[0].transpose(2, 1, 0), weight)
    with pytest.raises(ShapeError, match=r"^conv_transpose2d: groups must divide the input channels, but 4 / 3 leaves 1 over"):
        F.conv_transpose2d(x, weight, groups=3)
    with pytest.raises(ShapeError, match=r"^conv_transpose2d: bias must .* weight\.shape\[1\]·groups = 3·2 = 6, but bias\.shape=\(3,\)"):
        F.conv_transpose2d(x, weight, np.zeros(3), groups=2)
    with pytest.raises(ShapeError, match=r"^conv_transpose2d: weight must be \(in_channels, .* but weight\.shape=\(4, 3, 2\)"):
        F.conv_transpose2d(x, weight[..., 0])
    with pytest.raises(ShapeError, match=r"weight\.shape=\(4, 0, 2, 2\)"):
        F.conv_transpose2d(x, weight[:, :0])
    with pytest.raises(
        ShapeError, match=r"^conv_transpose2d: nothing is left of the output: over the rows \(5 - 1\)·1 - 3 - 3 .*= 0, but an output"
    ):
        F.conv_transpose2d(x, weight, padding=3)
    with pytest.raises(
        ArgumentError,
        match=r"^conv_transpose2d: output_padding must be smaller .* over the columns it is 2, with stride 2 and dilation 1; use at most 1",
    ):
        F.conv_transpose2d(x, weight, stride=2, output_padding=(1, 2))
    for name, least in (("stride", 1), ("dilation", 1), ("groups", 1), ("padding", 0), ("output_padding", 0)):
        with pytest.raises(ArgumentError, match=rf"^conv_transpose2d: {name} must be at least {least}, but it is {least - 1}"):
            F.conv_transpose2d(x, weight, **{name: least - 1})
    with pytest.raises(ArgumentError, match=r"^conv_transpose2d: padding must be a number, a pair or two pairs, but it is 'same'"):
        F.conv_transpose2d(x, weight, padding="same")
    with pytest.raises(DTypeError, match=r"^conv_transpose2d: all arrays must have one dtype, but x is float64 and bias is float32"):
        F.conv_transpose2d(x, weight, np.zeros(3, np.float32))
