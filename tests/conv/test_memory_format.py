"""channels_last: the same numbers under other strides, and every operation that knows the format keeps it and gives the same bits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minicnn import functional as F
from minicnn import nn
from minicnn.conv.dispatch import choose_algorithm
from minicnn.conv.jit.machine import LANES
from minicnn.conv.memory_format import channels_last, empty_like, flat, is_channels_last, laid_around, pixels, shaped
from minicnn.window import Window

RNG = np.random.default_rng(3)
SHAPES = [(2, 3, 5, 7), (1, 3, 4, LANES + 1), (1, 3, 2, LANES), (3, 5, 1, 2), (1, LANES + 3, 6, 5), (2, 2, 3, 1)]


def maps(*shape, dtype=np.float32):
    return RNG.integers(-9, 10, shape).astype(dtype)


def test_one_pixel_by_hand():
    """Two channels of three columns: red 0 1 2, green 3 4 5; in memory 0 3, 1 4, 2 5."""
    x = np.arange(6.0, dtype=np.float32).reshape(1, 2, 1, 3)
    y = channels_last(x)
    assert y.shape == x.shape
    assert y[0, 1, 0, 2] == 5
    assert y.strides == (24, 4, 24, 8)  # one float from a channel to the next, two from a column to the next
    np.testing.assert_array_equal(flat(y), [0, 3, 1, 4, 2, 5])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_there_and_back(shape, dtype):
    x = maps(*shape, dtype=dtype)
    y = channels_last(x)
    np.testing.assert_array_equal(y, x)
    assert is_channels_last(y)
    assert not is_channels_last(x)
    assert y.dtype == dtype
    assert channels_last(y) is y
    assert pixels(y).flags.c_contiguous
    np.testing.assert_array_equal(flat(y), x.transpose(0, 2, 3, 1).ravel())
    np.testing.assert_array_equal(shaped(flat(y), shape, True), x)
    np.testing.assert_array_equal(shaped(flat(x), shape, False), x)
    assert is_channels_last(empty_like(y))
    assert empty_like(x).flags.c_contiguous


@given(arrays(np.float32, st.tuples(*(st.integers(1, size) for size in (3, 20, 6, 40))), elements=st.floats(width=32)))
def test_every_number_stays_itself(x):
    np.testing.assert_array_equal(np.ascontiguousarray(channels_last(x)).view(np.int32), x.view(np.int32))  # NaN too


def test_what_is_in_order_anyway_is_left_alone():
    for shape in [(2, 1, 5, 7), (0, 3, 5, 7)]:
        x = np.zeros(shape, np.float32)
        assert channels_last(x).shape == shape
        assert not is_channels_last(channels_last(x))
    assert not is_channels_last(np.zeros((2, 3, 4), np.float32))
    assert not is_channels_last(np.zeros((2, 3, 4, 5), np.float32)[:, :, ::2])
    y = channels_last(np.zeros((2, 5, 1, 1), np.float32))  # one pixel: both orders at once
    assert y.flags.c_contiguous


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("padding", [((1, 2), (3, 0)), ((0, 0), (0, 1)), ((2, 0), (0, 0))])
def test_zeros_around(shape, padding):
    x = maps(*shape)
    wide = laid_around(flat(channels_last(x)), shape, padding)
    np.testing.assert_array_equal(wide, np.pad(x, ((0, 0), (0, 0), *padding)).transpose(0, 2, 3, 1).ravel())
    assert not wide.flags.writeable


OPERATIONS = {
    "relu": F.relu,
    "relu6": F.relu6,
    "hardswish": F.hardswish,
    "leaky_relu": lambda x: F.leaky_relu(x, 0.1),
    "sigmoid": F.sigmoid,
    "silu": F.silu,
    "tanh": F.tanh,
    "elu": F.elu,
    "softplus": F.softplus,
    "add": lambda x: F.add(x, x, activation="relu"),
    "concat": lambda x: F.concat([x, x]),
    "max_pool": lambda x: F.max_pool2d(x, (3, 2), (2, 1), padding=(1, 0)),
    "conv 1x1": lambda x: nn.Conv2d.of(np.resize(np.arange(7, dtype=np.float32) - 3, (20, x.shape[1], 1, 1)))(x),
    "conv 3x3": lambda x: nn.Conv2d.of(np.resize(np.arange(7, dtype=np.float32) - 3, (20, x.shape[1], 3, 3)), padding=1, stride=2)(x),
    "depthwise": lambda x: nn.Conv2d.of(np.resize(np.arange(7, dtype=np.float32) - 3, (x.shape[1], 1, 3, 3)), padding=1, groups=x.shape[1])(
        x
    ),
}


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("shape", [(2, 18, 6, 7), (1, 33, 41, 29)], ids=["small", "large"])
def test_an_operation_that_knows_the_format_keeps_it(name, shape):
    """Whole numbers, so that sums in any order are the same bits."""
    x = maps(*shape)
    y, last = OPERATIONS[name](x), OPERATIONS[name](channels_last(x))
    assert y.flags.c_contiguous
    assert is_channels_last(last)
    np.testing.assert_array_equal(last, y)


@pytest.mark.parametrize("operation", [F.adaptive_avg_pool2d, F.adaptive_max_pool2d])
@pytest.mark.parametrize("size", [1, (2, 3)])
def test_what_does_not_know_the_format_is_as_right(operation, size):
    x = maps(2, 33, 40, 29)
    np.testing.assert_allclose(operation(channels_last(x), size), operation(x, size), rtol=1e-6, atol=40 * 29 * 9 * 2.0**-24)


def test_means_over_all_pixels():
    """33·29·16 whole numbers: sums below 2²⁴ are exact in any order, and so is one division."""
    x = maps(3, LANES + 17, 33, 29)
    np.testing.assert_array_equal(F.adaptive_avg_pool2d(channels_last(x), 1), F.adaptive_avg_pool2d(x, 1))


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "dilation", "ceil_mode"),
    [
        (2, 2, 0, 1, False),
        (3, 2, 1, 1, True),
        ((3, 5), (1, 3), (1, 2), (2, 1), False),
        (4, 3, 2, 1, True),
        ((1, 2), (5, 4), (0, 1), 3, False),
    ],
)
def test_max_pooling_of_every_window(kernel, stride, padding, dilation, ceil_mode):
    x = RNG.standard_normal((2, LANES + 5, 11, 13)).astype(np.float32)
    x[:, :, 2:4, 3] = -np.inf
    x[0, ::3, 5, 6] = np.nan
    x[:, :, 8, :] = -0.0
    arguments = (kernel, stride, padding, dilation, ceil_mode)
    np.testing.assert_array_equal(F.max_pool2d(channels_last(x), *arguments), F.max_pool2d(x, *arguments))


def test_a_window_that_sees_nothing_gives_minus_infinity():
    """A map of 2×2 between the taps of a dilated kernel."""
    x = np.ones((1, 3, 2, 2), np.float32)
    y = F.max_pool2d(channels_last(x), 2, 1, 1, 3)
    np.testing.assert_array_equal(y, F.max_pool2d(x, 2, 1, 1, 3))
    assert np.isinf(y).all()
    assert y.size


def test_float64_and_padding_by_mode_read_a_copy():
    x, weight = RNG.standard_normal((2, 17, 9, 8)), RNG.standard_normal((18, 17, 3, 3))
    np.testing.assert_array_equal(F.conv2d(channels_last(x), weight, padding=1), F.conv2d(x, weight, padding=1))
    x, weight = maps(2, 17, 9, 8), maps(18, 17, 3, 3)
    for mode in ("reflect", "replicate", "circular"):
        y = F.conv2d(channels_last(x), weight, padding=1, padding_mode=mode)
        np.testing.assert_array_equal(y, F.conv2d(x, weight, padding=1, padding_mode=mode))


def test_infinite_weights_skip_the_padding_in_either_format():
    x, weight = maps(1, 3, 5, 6), maps(4, 3, 3, 3)
    weight[1, 2, 0, 0] = np.inf
    law = F.conv2d(x, weight, padding=1, algorithm="reference")
    np.testing.assert_array_equal(F.conv2d(channels_last(x), weight, padding=1), law)
    assert np.isfinite(law).any()
    assert not np.isfinite(law).all()


@pytest.mark.parametrize(
    ("x_shape", "w_shape", "window", "name"),
    [
        ((1, 64, 56, 56), (256, 64, 1, 1), Window.of(1), "channels_last"),
        ((1, 64, 56, 56), (64, 64, 3, 3), Window.of(3, stride=2), "channels_last"),
        ((1, 64, 56, 56), (64, 64, 3, 3), Window.of(3), "winograd4"),
        ((1, 64, 56, 56), (64, 1, 3, 3), Window.of(3), "depthwise"),
        ((1, 6, 9, 9), (8, 6, 3, 3), Window.of(3), "channels_last"),
    ],
)
def test_the_choice(x_shape, w_shape, window, name):
    assert choose_algorithm(x_shape, w_shape, window, np.float32, "fast", channels_last=True) == name
    assert choose_algorithm(x_shape, w_shape, window, np.float64, "fast", channels_last=True) in ("im2col", "depthwise", "pointwise")
    exact = choose_algorithm(x_shape, w_shape, window, np.float32, "exact", channels_last=True)
    assert exact == ("depthwise" if name == "depthwise" else "channels_last")


def test_the_layer():
    layer, x = nn.ChannelsLast(), maps(2, 3, 4, 5)
    assert is_channels_last(layer(x))
    assert (layer(x) == x).all()
    assert layer(x[0]).shape == (3, 4, 5)
    assert layer.output_shape((2, 3, 4, 5)) == (2, 3, 4, 5)
