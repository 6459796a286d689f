"""conv2d's gradients: by hand, against the law's own loops, as an adjoint, and against finite differences of the law."""

import numpy as np
import pytest
from convolutions import convolutions
from differences import assert_adjoint, assert_is_derivative
from hypothesis import given
from hypothesis import strategies as st

from minicnn.conv import winograd_gradient
from minicnn.conv.dispatch import conv2d
from minicnn.conv.gradient import conv2d_backward, convolve_backward
from minicnn.conv.gradient_input import phases
from minicnn.conv.gradient_weight import FEW_TAPS, through_points
from minicnn.conv.reference import run_backward
from minicnn.conv.winograd_transforms import A, B, G
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.window import Window

MODES = ("zeros", "reflect", "replicate", "circular")


def integers(shape, dtype, seed=0):
    return np.random.default_rng(seed).integers(-6, 7, shape).astype(dtype)


# 1. By hand.


def test_hand_worked():
    """x (2, 3), a kernel of one row: y[p, q] = 2·x[p, q] - x[p, q + 1]; every number of x meets both weights where it can."""
    x, weight = np.array([[[[1.0, 2, 3], [4, 5, 6]]]]), np.array([[[[2.0, -1]]]])
    grad = np.array([[[[1.0, 10], [100, 1000]]]])
    grad_x, grad_weight, grad_bias = conv2d_backward(grad, x, weight)
    np.testing.assert_array_equal(grad_x[0, 0], [[2, 20 - 1, -10], [200, 2000 - 100, -1000]])
    np.testing.assert_array_equal(grad_weight[0, 0], [[1 * 1 + 2 * 10 + 4 * 100 + 5 * 1000, 2 * 1 + 3 * 10 + 5 * 100 + 6 * 1000]])
    np.testing.assert_array_equal(grad_bias, [1111])


def test_a_stride_leaves_rows_unread():
    """Stride 2 on 6 rows with a kernel of 1: rows 1, 3, 5 are never read."""
    grad_x, _, _ = conv2d_backward(np.ones((1, 1, 3, 4)), np.zeros((1, 1, 6, 4)), np.full((1, 1, 1, 1), 7.0), stride=(2, 1))
    np.testing.assert_array_equal(grad_x[0, 0], np.array([[7.0], [0], [7], [0], [7], [0]]) * np.ones((1, 4)))
    grad_x, _, _ = conv2d_backward(np.ones((1, 1, 2, 1)), np.zeros((1, 1, 6, 4)), np.ones((1, 1, 2, 3)), stride=3)
    np.testing.assert_array_equal(grad_x[0, 0], [[1, 1, 1, 0]] * 2 + [[0] * 4] + [[1, 1, 1, 0]] * 2 + [[0] * 4])


def test_padding_gets_no_gradient():
    """A kernel of three ones, padding 1: the ends of x are read by two outputs, the middle by three."""
    grad_x, grad_weight, _ = conv2d_backward(np.ones((1, 1, 1, 4)), np.ones((1, 1, 1, 4)), np.ones((1, 1, 1, 3)), padding=(0, 1))
    np.testing.assert_array_equal(grad_x.ravel(), [2, 3, 3, 2])
    np.testing.assert_array_equal(grad_weight.ravel(), [3, 4, 3])


def test_a_border_that_repeats_gives_back():
    """Reflection: x[1] is read by itself and by its mirror image."""
    x, weight, grad = np.zeros((1, 1, 1, 3)), np.array([[[[1.0, 0, 0]]]]), np.array([[[[1.0, 10, 100]]]])
    got = {mode: conv2d_backward(grad, x, weight, padding=(0, 1), padding_mode=mode)[0].ravel().tolist() for mode in MODES}
    # output q reads padded position q: the border, x[0], x[1]
    assert got == {"zeros": [10, 100, 0], "reflect": [10, 101, 0], "replicate": [11, 100, 0], "circular": [10, 100, 1]}


# 2. Against the law's own loops, exactly.


@given(case=convolutions(values="integer", padding_modes=MODES))
def test_exact_on_small_integers(case):
    grad = integers(conv2d(*case.arrays, **case.arguments).shape, case.x.dtype)
    given_arrays = grad, case.x, case.weight
    before = [array.copy() for array in given_arrays]
    ours, law = (conv2d_backward(*given_arrays, **case.arguments, algorithm=name) for name in ("auto", "reference"))
    for found, expected, like in zip(ours, law, (case.x, case.weight, case.weight[:, 0, 0, 0]), strict=True):
        assert found.shape == like.shape
        assert found.dtype == case.x.dtype
        np.testing.assert_array_equal(found, expected)
    for array, copy in zip(given_arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize(
    ("x_shape", "weight_shape", "arguments"),
    [
        ((5, 3, 40, 37), (19, 3, 3, 5), {"padding": (1, 2)}),  # more positions than a piece, filters that do not fill eights
        ((20, 2, 6, 9), (8, 2, 3, 3), {"stride": (2, 1)}),  # more images than parts
        ((2, 50, 7, 9), (6, 50, 3, 3), {}),  # more taps than registers are for
        ((6, 18, 30, 27), (3, 18, 5, 5), {}),  # more rows of windows than are laid out at a time
        ((3, 4, 12, 15), (12, 2, 3, 3), {"stride": 3, "groups": 2}),  # windows that touch
        ((3, 4, 13, 17), (12, 2, 3, 3), {"stride": 4, "groups": 2, "padding": ((1, 0), (2, 1))}),  # windows with gaps
        ((4, 6, 5, 7), (9, 6, 5, 7), {}),  # one window: a fully connected layer
        ((2, 6, 8, 9), (6, 1, 3, 3), {"groups": 6, "stride": (1, 2), "dilation": (2, 1)}),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_exact_where_the_ways_part(x_shape, weight_shape, arguments, dtype):
    x, weight = integers(x_shape, dtype, 1), integers(weight_shape, dtype, 2)
    grad = integers(conv2d(x, weight, **arguments).shape, dtype, 3)
    ours, law = (conv2d_backward(grad, x, weight, **arguments, algorithm=name) for name in ("auto", "reference"))
    for found, expected in zip(ours, law, strict=True):
        np.testing.assert_array_equal(found, expected)
    assert FEW_TAPS < 50 * 9


@given(case=convolutions(dtype=np.float32))
def test_rounding(case):
    """A sum of T products errs by at most (T + 2)·eps·Σ|products| (contract.py), whatever its order; T are those of each gradient."""
    grad = np.random.default_rng(5).standard_normal(conv2d(*case.arrays, **case.arguments).shape).astype(np.float32)
    ours, law = (conv2d_backward(grad, case.x, case.weight, **case.arguments, algorithm=name) for name in ("auto", "reference"))
    wide = [np.abs(array.astype(np.float64)) for array in (grad, case.x, case.weight)]
    sizes = conv2d_backward(*wide, **case.arguments, algorithm="reference")
    N, K, P, Q = grad.shape
    per_group = K // case.arguments["groups"]
    terms = per_group * case.weight.shape[2] * case.weight.shape[3], N * P * Q, N * P * Q
    for found, expected, size, count in zip(ours, law, sizes, terms, strict=True):
        assert (np.abs(found.astype(np.float64) - expected) <= (count + 2) * np.finfo(np.float32).eps * size + 1e-42).all()


def test_non_finite_numbers_pass_as_in_the_law():
    rng = np.random.default_rng(0)
    for seed in range(40):
        arrays = [integers(shape, np.float32, seed) for shape in ((2, 8, 3, 4), (2, 2, 5, 7), (8, 1, 3, 3))]
        arrays[seed % 3].flat[rng.integers(arrays[seed % 3].size)] = rng.choice([np.nan, np.inf, -np.inf])
        options = {"stride": 2, "padding": ((1, 1), (1, 2)), "groups": 2}
        ours, law = (conv2d_backward(*arrays, **options, algorithm=name) for name in ("auto", "reference"))
        for found, expected in zip(ours, law, strict=True):
            np.testing.assert_array_equal(found, expected)


# 3. Properties.


@given(case=convolutions(values="integer", dtype=np.float64, padding_modes=MODES))
def test_adjoint_in_x_and_in_weight(case):
    grad = integers(conv2d(case.x, case.weight, **case.arguments).shape, np.float64)
    back = lambda g: conv2d_backward(g, case.x, case.weight, **case.arguments)  # noqa: E731
    assert_adjoint(lambda x: conv2d(x, case.weight, **case.arguments), lambda g: back(g)[0], case.x, grad)
    assert_adjoint(lambda w: conv2d(case.x, w, **case.arguments), lambda g: back(g)[1], case.weight, grad)


@given(case=convolutions(dtype=np.float64, padding_modes=MODES))
def test_derivative_of_the_law(case):
    bias = np.zeros(len(case.weight))
    grad = np.random.default_rng(1).standard_normal(conv2d(*case.arrays, **case.arguments).shape)
    found = conv2d_backward(grad, case.x, case.weight, **case.arguments)
    law = lambda x, w, b: conv2d(x, w, b, **case.arguments, algorithm="reference")  # noqa: E731
    assert_is_derivative(law, found, (case.x, case.weight, bias), (grad,), directions=2)


@given(kernel=st.integers(1, 6), stride=st.integers(1, 5), dilation=st.integers(1, 4), before=st.integers(0, 5), n=st.integers(1, 12))
def test_phases_cover_each_position_and_tap_once(kernel, stride, dilation, before, n):
    outputs = max(0, (n + before - dilation * (kernel - 1) - 1) // stride + 1)
    found = phases(kernel, stride, dilation, before, n, outputs)
    positions = [h for phase in found for h in range(phase.first, n, stride)]
    assert len(positions) == len(set(positions))
    assert all(len(range(phase.first, n, stride)) == phase.count for phase in found)
    readers = {
        h: {(h + before - i * dilation) // stride for i in range(kernel) if (h + before - i * dilation) % stride == 0} for h in range(n)
    }
    for h in range(n):
        reached = any(0 <= p < outputs for p in readers[h])
        assert not reached or h in positions


def test_long_sums_of_one_sign():
    """A million equal terms: summed one after the other in float32 three digits would go; pieces of 512 are added up instead.

    A sum in pieces of 512 that are added up in 16 parts errs by at most 512 + (pieces in a part) + 16 roundings: here 512 + 130 + 16.
    """
    x, grad = np.full((1, 1, 1020, 1026), 0.1, np.float32), np.full((1, 1, 1018, 1024), 0.1, np.float32)
    _, grad_weight, grad_bias = conv2d_backward(grad, x, np.ones((1, 1, 3, 3), np.float32))
    allowed = (512 + 130 + 16) * np.finfo(np.float32).eps
    exact = grad.astype(np.float64).sum()
    assert abs(grad_bias.item() / exact - 1) <= allowed
    assert (np.abs(grad_weight / (exact * np.float64(np.float32(0.1))) - 1) <= allowed).all()


def test_the_tables_of_large_maps_are_not_kept_and_none_can_be_written():
    from minicnn.conv import layout
    from minicnn.window import Window

    small = layout.starts_of(Window.of(3), (4, 5), 7)
    assert layout.starts_of(Window.of(3), (4, 5), 7) is small
    large = layout.starts_of(Window.of(3), (400, 500), 502)
    assert layout.starts_of(Window.of(3), (400, 500), 502) is not large
    for table in (small, layout.taps_of(2, Window.of(3), (5, 6)), layout.kernel_rows(Window.of(3), 5, (3, 4))):
        with pytest.raises(ValueError, match="cannot set WRITEABLE"):
            table.flags.writeable = True


def test_an_empty_batch_and_a_single_image():
    weight = integers((6, 2, 3, 2), np.float32)
    grad_x, grad_weight, grad_bias = conv2d_backward(np.zeros((0, 6, 3, 6), np.float32), np.zeros((0, 2, 5, 7), np.float32), weight)
    assert grad_x.shape == (0, 2, 5, 7)
    np.testing.assert_array_equal(grad_weight, np.zeros_like(weight))
    np.testing.assert_array_equal(grad_bias, np.zeros(6))
    x, grad = integers((2, 5, 7), np.float32), integers((6, 3, 6), np.float32, 1)
    for one, batch in zip(conv2d_backward(grad, x, weight), conv2d_backward(grad[None], x[None], weight), strict=True):
        np.testing.assert_array_equal(one, batch.reshape(one.shape))


def test_bits_do_not_depend_on_the_run_or_on_threads():
    import numba

    rng = np.random.default_rng(2)
    x, weight, grad = (rng.standard_normal(shape, np.float32) for shape in ((30, 3, 20, 18), (7, 3, 3, 3), (30, 7, 18, 16)))
    first = conv2d_backward(grad, x, weight)
    threads = numba.get_num_threads()
    try:
        for count in (1, threads):
            numba.set_num_threads(count)
            for found, expected in zip(conv2d_backward(grad, x, weight), first, strict=True):
                np.testing.assert_array_equal(found, expected)
    finally:
        numba.set_num_threads(threads)


# 4. Mistakes.


def test_mistakes_are_taught():
    x, weight = np.zeros((2, 4, 5, 7), np.float32), np.zeros((6, 4, 3, 3), np.float32)
    grad = np.zeros((2, 6, 3, 5), np.float32)
    with pytest.raises(
        ShapeError, match=r"conv2d_backward: grad_output must have the output's shape, conv2d returns \(2, 6, 3, 5\) here, "
    ):
        conv2d_backward(grad[:, :, :2], x, weight)
    with pytest.raises(ShapeError, match=r"conv2d returns \(2, 6, 5, 7\) here, but grad_output.shape=\(2, 6, 3, 5\)"):
        conv2d_backward(grad, x, weight, padding=1)
    with pytest.raises(ShapeError, match=r"conv2d_backward: weight expects 4 input channels but x has 7"):
        conv2d_backward(grad, x.transpose(0, 3, 1, 2), weight)
    with pytest.raises(DTypeError, match=r"conv2d_backward: all arrays must have one dtype, but x is float32 and grad_output is float64"):
        conv2d_backward(grad.astype(np.float64), x, weight)
    with pytest.raises(ArgumentError, match=r"conv2d_backward: groups must divide the output channels, but 6 / 4 leaves 2"):
        conv2d_backward(grad, x, weight, groups=4)
    with pytest.raises(ArgumentError, match=r"conv2d_backward: algorithm must be one of 'auto', 'reference', but it is 'fft'"):
        conv2d_backward(grad, x, weight, algorithm="fft")
    with pytest.raises(ArgumentError, match=r"conv2d_backward: stride must be at least 1, but it is 0"):
        conv2d_backward(grad, x, weight, stride=0)


# Through Winograd's points.


def law_of_weight_gradient(grad, x, shape, window):
    by_weight = run_backward(grad, x, np.zeros(shape, x.dtype), window)[1]
    return by_weight.astype(np.float64)


@pytest.mark.parametrize("K", [1, 8, 15, 17, 31, 33, 65])
@pytest.mark.parametrize("C", [1, 7, 9, 16, 17, 33])
@pytest.mark.parametrize("size", [(3, 3), (4, 9), (7, 5), (13, 8)])
def test_weight_gradient_through_points_is_whole_on_small_integers(K, C, size):
    """Every rest of filters, channels and tiles; the matrix G has 1/24, so whole numbers come out nearly whole."""
    rng = np.random.default_rng(K * 100 + C)
    window = Window.of(3, padding=((1, 0), (2, 1)))
    x = rng.integers(-3, 4, (2, C, *size)).astype(np.float32)
    grad = rng.integers(-3, 4, (2, K, *window.output_size(size))).astype(np.float32)
    found = winograd_gradient.weight_gradient(grad, x, window, (K, C, 3, 3))
    np.testing.assert_array_equal(np.rint(found), law_of_weight_gradient(grad, x, (K, C, 3, 3), window))


@pytest.mark.parametrize("shape", [(1, 17, 20, 33, 40), (3, 33, 16, 29, 18), (1, 64, 64, 56, 56), (1, 160, 130, 14, 15)])
def test_weight_gradient_through_points_stays_within_its_roundings(shape):
    """|error| ≤ n·eps·S: S is the sum of absolute values that went through the three steps (contract.py's argument), n its roundings:
    the longest rows of A, B and G along two axes, one more for G's own entries, the product and a sum over all tiles."""
    N, K, C, H, W = shape
    rng, window = np.random.default_rng(0), Window.of(3, padding=1)
    x, grad = rng.standard_normal((N, C, H, W), np.float32), rng.standard_normal((N, K, H, W), np.float32)
    found = winograd_gradient.weight_gradient(grad, x, window, (K, C, 3, 3))
    high, wide = -(-H // 4), -(-W // 4)
    room, gone = np.zeros((N, C, high * 4 + 2, wide * 4 + 2)), np.zeros((N, K, high * 4, wide * 4))
    room[:, :, 1 : 1 + H, 1 : 1 + W], gone[:, :, :H, :W] = np.abs(x), np.abs(grad)
    tiles = np.lib.stride_tricks.sliding_window_view(room, (6, 6), axis=(2, 3))[:, :, ::4, ::4]
    parts = gone.reshape(N, K, high, 4, wide, 4).swapaxes(3, 4)
    a, b, g = (np.abs(matrix[4]) for matrix in (A, B, G))
    brought, spread = (b @ tiles @ b.T).reshape(N, C, high * wide, 36), (a.T @ parts @ a).reshape(N, K, high * wide, 36)
    sums = np.einsum("nctp,nktp->kcp", brought, spread).reshape(K, C, 6, 6)
    scale = g.T @ sums @ g
    roundings = 2 * (5 + 3 + 1) + 2 * 4 + 1 + N * high * wide + 2
    assert (np.abs(found - law_of_weight_gradient(grad, x, (K, C, 3, 3), window)) <= roundings * np.finfo(np.float32).eps * scale).all()


def test_weight_gradient_through_points_is_taken_for_many_channels_and_tiles():
    window = Window.of(3, padding=1)
    taken = lambda *shapes, dtype=np.float32, window=window: through_points(*shapes, dtype)  # noqa: E731
    assert taken((1, 64, 56, 56), (64, 64, 3, 3), window, (56, 56))
    assert taken((1, 256, 14, 13), (260, 256, 3, 3), window, (14, 13))  # sixteen tiles of many pairs
    assert not taken((1, 64, 14, 13), (64, 64, 3, 3), window, (14, 13))
    assert not taken((1, 64, 7, 7), (64, 64, 3, 3), window, (7, 7))
    assert not taken((1, 3, 56, 56), (64, 3, 3, 3), window, (56, 56))
    assert not taken((1, 64, 56, 56), (64, 64, 3, 3), window, (56, 56), dtype=np.float64)
    assert not taken((1, 64, 56, 56), (64, 64, 3, 3), Window.of(3, stride=2, padding=1), (28, 28))
    x, w = np.ones((1, 16, 40, 40), np.float32), np.ones((16, 16, 3, 3), np.float32)
    exact = conv2d_backward(np.ones((1, 16, 40, 40), np.float32), x, w, padding=1)[1]
    fast = convolve_backward(np.ones((1, 16, 40, 40), np.float32), x, w, window, accuracy="fast")[1]
    np.testing.assert_allclose(fast, exact, rtol=1e-4)
