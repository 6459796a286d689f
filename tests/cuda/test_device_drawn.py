"""The operations beside convolution on drawn shapes: whole numbers, whose sums are exact, against the host's functions.

Division is rounded once on either side, so means of whole numbers are the same bits; the exponentials have their bounds in test_device_operations.py.
"""

import numpy as np
import pytest
from device_marks import needs_device
from hypothesis import given, settings
from hypothesis import strategies as st

from minicnn import functional as F
from minicnn.conv.cuda import device
from minicnn.errors import MinicnnError

pytestmark = needs_device
FEW = settings(max_examples=8)  # a simulated thread is a thread of Python's
SMALL = st.integers(1, 3)
SIZES = st.integers(1, 6)


@st.composite
def whole(draw, shape=None):
    """Draw a map of whole numbers, or an array of this shape."""
    shape = shape or (draw(st.integers(1, 2)), draw(SMALL), draw(SIZES), draw(SIZES))
    return np.random.default_rng(draw(st.integers(0, 2**32))).integers(-9, 10, shape).astype(np.float32)


def there(function, *arrays, **arguments) -> np.ndarray:
    return device.downloaded(function(*map(device.uploaded, arrays), **arguments))


def assert_alike(ours, theirs, *arrays, **arguments) -> None:
    """The same numbers as on the host, or a refusal of both: a window that does not fit."""
    try:
        expected = theirs(*arrays, **arguments)
    except MinicnnError as refusal:
        with pytest.raises(type(refusal)):
            there(ours, *arrays, **arguments)
        return
    np.testing.assert_array_equal(there(ours, *arrays, **arguments), expected)


@st.composite
def windows(draw):
    kernel = draw(SMALL), draw(SMALL)
    padding = tuple(draw(st.integers(0, size // 2)) for size in kernel)
    return {"kernel_size": kernel, "stride": (draw(SMALL), draw(SMALL)), "padding": padding, "ceil_mode": draw(st.booleans())}


@FEW
@given(x=whole(), window=windows(), dilation=SMALL)
def test_drawn_max_pooling(x, window, dilation):
    from minicnn.functional.cuda.pooling import max_pool2d

    assert_alike(max_pool2d, F.max_pool2d, x, **window, dilation=dilation)


@FEW
@given(x=whole(), side=st.sampled_from([(2, 2, 0), (3, 1, 1), (3, 2, 1), (5, 1, 2)]))
def test_drawn_max_pooling_of_four_windows_a_thread(x, side):
    from minicnn.functional.cuda.pooling import max_pool2d

    assert_alike(max_pool2d, F.max_pool2d, x, kernel_size=side[0], stride=side[1], padding=side[2])


@FEW
@given(x=whole(), window=windows(), counted=st.booleans())
def test_drawn_average_pooling(x, window, counted):
    from minicnn.functional.cuda.pooling import avg_pool2d

    assert_alike(avg_pool2d, F.avg_pool2d, x, **window, count_include_pad=counted)


@FEW
@given(x=whole(), size=st.tuples(SIZES, SIZES))
def test_drawn_adaptive_pooling(x, size):
    from minicnn.functional.cuda.adaptive import adaptive_avg_pool2d

    assert_alike(adaptive_avg_pool2d, F.adaptive_avg_pool2d, x, output_size=size)
    assert_alike(adaptive_avg_pool2d, F.adaptive_avg_pool2d, x, output_size=1)


@FEW
@given(data=st.data(), rows=st.integers(1, 40), features=st.integers(1, 40), sums=st.integers(1, 40))
def test_drawn_linear(data, rows, features, sums):
    from minicnn.functional.cuda.linear import linear

    shapes = (rows, features), (sums, features), (sums,)
    assert_alike(linear, F.linear, *(data.draw(whole(shape)) for shape in shapes))


@FEW
@given(data=st.data(), x=whole(), activation=st.sampled_from([None, "relu", "relu6"]))
def test_drawn_sums_and_rectifiers(data, x, activation):
    from minicnn.functional.cuda.activation import relu, relu6
    from minicnn.functional.cuda.add import add

    other = data.draw(whole(x.shape))
    bent = {None: np.asarray, "relu": F.relu, "relu6": F.relu6}[activation]
    np.testing.assert_array_equal(there(add, x, other, activation=activation), bent(x + other))
    assert_alike(relu, F.relu, x)
    assert_alike(relu6, F.relu6, x)


@FEW
@given(data=st.data(), x=whole())
def test_drawn_batch_norm(data, x):
    """Scale and shift are whole numbers: variance 1, eps 0."""
    from minicnn.functional.cuda.batch_norm import batch_norm, line

    mean, weight, bias = (data.draw(whole((x.shape[1],))) for _ in range(3))
    scale, shift = line(mean, np.ones_like(mean), weight, bias, eps=0.0)
    per_channel = (slice(None), None, None)
    np.testing.assert_array_equal(
        there(batch_norm, x, scale=scale, shift=shift), (x - mean[per_channel]) * weight[per_channel] + bias[per_channel]
    )


@FEW
@given(data=st.data(), x=whole(), more=SMALL)
def test_drawn_concatenation(data, x, more):
    from minicnn.functional.cuda.concat import concat

    other = data.draw(whole((x.shape[0], more, *x.shape[2:])))
    joined = device.downloaded(concat((device.uploaded(x), device.uploaded(other)), 1))
    np.testing.assert_array_equal(joined, np.concatenate([x, other], 1))


@FEW
@given(data=st.data(), x=whole(), filters=SMALL, kernel=st.tuples(SMALL, SMALL), stride=st.tuples(SMALL, SMALL))
def test_drawn_transposed_convolution(data, x, filters, kernel, stride):
    from minicnn.functional.cuda.conv_transpose import conv_transpose2d

    weight, bias = data.draw(whole((x.shape[1], filters, *kernel))), data.draw(whole((filters,)))
    plain = {"stride": stride, "padding": ((0, 0), (0, 0)), "groups": 1, "dilation": (1, 1)}
    expected = F.conv_transpose2d(x, weight, bias, **plain)
    np.testing.assert_array_equal(there(conv_transpose2d, x, weight, bias, **plain, out=device.empty(expected.shape)), expected)


@FEW
@given(x=whole(), dim=st.integers(-4, 3))
def test_drawn_softmax(x, dim):
    """The bound of test_device_operations.py: n + 2 roundings of the sum, 8 of a share's own exponential and quotient."""
    from minicnn.functional.cuda.softmax import softmax

    expected = F.softmax(x, dim)
    bound = (8 + x.shape[dim] + 2) * np.finfo(np.float32).eps * expected + 4 * np.finfo(np.float32).smallest_subnormal
    assert (np.abs(there(softmax, x, dim=dim) - expected) <= bound).all()
