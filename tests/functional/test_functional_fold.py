"""Unfold and fold: against the definition, against convolution, and each as the other's adjoint."""

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


def by_definition(x, kernel, dilation, sides, stride):
    """Every number looked up for itself."""
    (n, channels, height, width), (kh, kw) = x.shape, kernel
    (top, bottom), (left, right) = sides
    P = (height + top + bottom - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    Q = (width + left + right - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    y = np.zeros((n, channels * kh * kw, P * Q), x.dtype)
    for a, c, i, j, p, q in np.ndindex(n, channels, kh, kw, P, Q):
        h, w = p * stride[0] + i * dilation[0] - top, q * stride[1] + j * dilation[1] - left
        if 0 <= h < height and 0 <= w < width:
            y[a, (c * kh + i) * kw + j, p * Q + q] = x[a, c, h, w]
    return y


@st.composite
def windows(draw):
    """A map's size, and a kernel, dilation, padding and stride that fit it."""

    def axis():
        kernel, dilation, before, after = draw(st.integers(1, 3)), draw(st.integers(1, 2)), draw(st.integers(0, 3)), draw(st.integers(0, 2))
        least = max(dilation * (kernel - 1) + 1 - before - after, 1)
        return draw(st.integers(least, least + 4)), kernel, dilation, (before, after), draw(st.integers(1, 3))

    return tuple(zip(axis(), axis(), strict=True))


def test_hand_worked():
    x = np.arange(1.0, 7.0).reshape(1, 1, 2, 3)  # 1 2 3 / 4 5 6
    assert_array_equal(F.unfold(x, (2, 1)), [[[1, 2, 3], [4, 5, 6]]])
    assert_array_equal(F.unfold(x, (1, 2), padding=((0, 0), (1, 0)), stride=(1, 2)), [[[0, 2, 0, 5], [1, 3, 4, 6]]])
    assert_array_equal(F.unfold(x, (1, 2), dilation=(1, 2)), [[[1, 4], [3, 6]]])
    columns = np.array([[[1.0, 2.0], [10.0, 20.0]]])
    assert_array_equal(F.fold(columns, (1, 3), (1, 2)), [[[[1, 12, 20]]]])
    assert_array_equal(F.fold(columns, (3, 1), (2, 1)), [[[[1], [12], [20]]]])
    assert_array_equal(F.fold(columns, (1, 2), (1, 2), padding=((0, 0), (1, 0))), [[[[10 + 2, 20]]]])


@settings(deadline=None, max_examples=30)
@given(windows())
def test_unfold_is_its_definition(drawn):
    size, kernel, dilation, sides, stride = drawn
    x = integers(2, 3, *size)
    assert_array_equal(F.unfold(x, kernel, dilation, sides, stride), by_definition(x, kernel, dilation, sides, stride))


@settings(deadline=None, max_examples=30)
@given(windows(), st.booleans())
def test_each_is_the_others_adjoint_and_gradient(drawn, batched):
    size, *settings = drawn
    x = integers(*(2, 3)[not batched :], *size)
    columns = integers(*F.unfold(x, *settings).shape, seed=1)
    assert_adjoint(lambda x: F.unfold(x, *settings), lambda g: F.fold(g, size, *settings), x, columns)
    for given_x, given_columns in ((x, columns), (x.shape, columns.shape)):
        assert_array_equal(F.unfold_backward(columns, given_x, *settings), F.fold(columns, size, *settings))
        assert_array_equal(F.fold_backward(x, given_columns, size, *settings), F.unfold(x, *settings))


def test_the_derivative():
    x, columns = spread((2, 2, 5, 4)), spread((2, 12, 6), 1)
    settings = ((2, 3), (2, 1), ((1, 0), (0, 1)), (1, 2))
    g = spread(F.unfold(x, *settings).shape, 2)
    assert_is_derivative(lambda x: F.unfold(x, *settings), (F.unfold_backward(g, x, *settings),), (x,), (g,))
    g = spread((2, 2, 4, 4), 3)
    assert_is_derivative(lambda c: F.fold(c, 4, (2, 3)), (F.fold_backward(g, columns, 4, (2, 3)),), (columns,), (g,))


def test_folding_back_counts_the_windows_over_each_position():
    x = integers(2, 3, 5, 7)
    counts = F.fold(F.unfold(np.ones_like(x), (3, 2)), (5, 7), (3, 2))
    assert_array_equal(counts[0, 0], np.outer([1, 2, 3, 2, 1], [1, 2, 2, 2, 2, 2, 1]))
    assert_array_equal(F.fold(F.unfold(x, (3, 2)), (5, 7), (3, 2)), x * counts)


def test_a_convolution_is_one_product_with_the_columns():
    x, weight = integers(2, 3, 6, 7), integers(4, 3, 3, 2, seed=1)
    y = weight.reshape(4, -1) @ F.unfold(x, (3, 2), (1, 2), ((1, 0), (0, 2)), (2, 3))
    expected = F.conv2d(x, weight, None, (2, 3), ((1, 0), (0, 2)), (1, 2))
    assert_array_equal(y.reshape(expected.shape), expected)


def test_single_images_empty_batches_and_same():
    x = integers(2, 3, 5, 7)
    assert_array_equal(F.unfold(x[1], 2), F.unfold(x, 2)[1])
    columns = F.unfold(x, 3, padding="same", stride=(2, 3))
    assert columns.shape == (2, 27, 9)
    assert_array_equal(F.fold(columns[1], (5, 7), 3, padding="same", stride=(2, 3)), F.fold(columns, (5, 7), 3, 1, "same", (2, 3))[1])
    assert F.unfold(x[:0], 2).shape == (0, 12, 24)
    assert F.fold(columns[:0], (5, 7), 3, 1, "same", (2, 3)).shape == (0, 3, 5, 7)


def test_errors_of_unfold():
    x = np.zeros((1, 2, 4, 5))
    with pytest.raises(ShapeError, match=r"^unfold: the kernel must fit into the padded input, but over the rows .* spans 5"):
        F.unfold(x, 5)
    with pytest.raises(ArgumentError, match=r"^unfold: kernel_size must be at least 1, but it is 0"):
        F.unfold(x, 0)
    with pytest.raises(ArgumentError, match=r"^unfold: dilation must be at least 1"):
        F.unfold(x, 2, 0)
    with pytest.raises(ShapeError, match=r"^unfold: x must be \(N, C, H, W\) or \(C, H, W\)"):
        F.unfold(x[0, 0], 2)
    with pytest.raises(
        ShapeError, match=r"^unfold_backward: grad_output must have .* unfold returns \(1, 8, 12\) here, but .*\(1, 8, 11\)"
    ):
        F.unfold_backward(np.zeros((1, 8, 11)), x, 2)
    with pytest.raises(DTypeError, match=r"^unfold_backward: all arrays must have one dtype"):
        F.unfold_backward(np.zeros((1, 8, 12), np.float32), x, 2)
    with pytest.raises(ShapeError, match=r"^unfold_backward: the kernel must fit"):
        F.unfold_backward(np.zeros((1, 8, 12)), x, 6)


def test_errors_of_fold():
    with pytest.raises(
        ShapeError,
        match=r"^fold: x must have one column per window, and in 4×5 there are 3·4 = 12 "
        r"\(rows floor\(\(4 \+ 0 \+ 0 - 1·\(2 - 1\) - 1\) / 1\) \+ 1 = 3, columns floor\(.*\) \+ 1 = 4\), "
        r"but x\.shape=\(1, 8, 10\) has 10; use the output_size, padding, dilation and stride that it was unfolded with\.$",
    ):
        F.fold(np.zeros((1, 8, 10)), (4, 5), 2)
    with pytest.raises(
        ShapeError,
        match=r"^fold: a column holds C·kh·kw numbers, a multiple of 3·2 = 6, but x\.shape=\(1, 8, 12\) has 8; use the kernel_size",
    ):
        F.fold(np.zeros((1, 8, 12)), (4, 5), (3, 2))
    for shape in ((8,), (1, 2, 4, 5), (1, 0, 12), (1, 8, 0), ()):
        with pytest.raises(
            ShapeError, match=r"^fold: x must be \(N, C·kh·kw, L\) or \(C·kh·kw, L\), and only the batch may be empty, but x\.shape="
        ):
            F.fold(np.zeros(shape), (4, 5), 2)
    with pytest.raises(ArgumentError, match=r"^fold: output_size must be at least 1, but it is 0"):
        F.fold(np.zeros((1, 8, 12)), 0, 2)
    with pytest.raises(ShapeError, match=r"^fold: the kernel must fit into the padded input"):
        F.fold(np.zeros((1, 8, 12)), (1, 5), 2)
    with pytest.raises(ShapeError, match=r"^fold_backward: grad_output must have .* fold returns \(1, 2, 4, 5\) here, but .*\(2, 4, 5\)"):
        F.fold_backward(np.zeros((2, 4, 5)), (1, 8, 12), (4, 5), 2)
    with pytest.raises(ShapeError, match=r"^fold_backward: x must have one column per window"):
        F.fold_backward(np.zeros((1, 2, 4, 5)), (1, 8, 13), (4, 5), 2)
    with pytest.raises(DTypeError, match=r"^fold_backward: all arrays must have one dtype"):
        F.fold_backward(np.zeros((2, 4, 5)), np.zeros((8, 12), np.float32), (4, 5), 2)
