"""The operations beside convolution against the host's functions of the same name, in the simulator or on a GPU.

Bounds.  u is half of float32's eps; a sum of n numbers in any order is within n·u·Σ|x| of the true one, to first order, so two of them are
within (n + 2)·eps·Σ|x| of each other, the division and the bias included.  Where a sum is a product and a term, the device may round once
where the host rounds twice.  The device's e^x is within 2 units in the last place (CUDA C++ Programming Guide, table of mathematical
functions), the host's within 1, and every step beside it within half a unit on either side: CURVE units hold a curve of one exponential.
"""

import numpy as np
import pytest
from device_marks import needs_device

from minicnn import functional as F
from minicnn.axis import Resize
from minicnn.conv.cuda import device
from minicnn.errors import ArgumentError, ShapeError, UnsupportedError

pytestmark = [
    needs_device,
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),  # the simulator's threads are NumPy's scalars, which say so where NaN comes about
]

EPS = np.finfo(np.float32).eps
TINY = 4 * np.finfo(np.float32).smallest_subnormal
CURVE = 8
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 3.0, -3.0, 6.0, -6.0, 1e-40, -1e-40, 88.0, -104.0, 3e38, -3e38], np.float32)
SHAPE = (2, 3, 5, 7)


@pytest.fixture(autouse=True)
def aligned(monkeypatch):
    """Let the simulator refuse what a device would: 16 bytes from an address that is no multiple of 16."""
    if device.simulated():
        from minicnn.functional.cuda import activation, add, batch_norm, concat

        for module in (activation, add, batch_norm, concat):
            monkeypatch.setattr(module, "load4", lambda x, i, load=module.load4: load(x, multiple(i)))
            monkeypatch.setattr(module, "store4", lambda x, i, *four, store=module.store4: store(x, multiple(i), *four))


def multiple(i):
    assert i % 4 == 0
    return i


def numbers(shape, seed=0, scale=4.0) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal(shape) * scale).astype(np.float32)


def with_specials(shape, seed=0) -> np.ndarray:
    x = numbers(shape, seed)
    places = np.random.default_rng(seed + 1).permutation(x.size)[: len(SPECIAL)]
    x.reshape(-1)[places] = SPECIAL[: len(places)]
    return x


def there(function, *arrays, **settings) -> np.ndarray:
    """Run a function on copies on the device, which must stay as they were, and fetch what it gives."""
    up = [device.uploaded(x) for x in arrays]
    y = device.downloaded(function(*up, **settings))
    for x, after in zip(arrays, up, strict=True):
        np.testing.assert_array_equal(device.downloaded(after), x)
    assert y.dtype == np.float32
    return y


def assert_near(ours, theirs, bound) -> None:
    """Assert |ours - theirs| ≤ bound, and the same NaN and ∞."""
    assert ours.shape == theirs.shape
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
    with np.errstate(all="ignore"):
        fine = np.isnan(theirs) | (ours == theirs) | (np.abs(ours - theirs) <= bound + TINY)
    assert fine.all(), (ours[~fine], theirs[~fine])


# ── activations ──


@pytest.mark.parametrize("size", [1, 3, 4, 30, 128, 131])
@pytest.mark.parametrize("name", ["relu", "relu6", "leaky_relu", "hardswish", "sigmoid", "silu"])
def test_activations(name, size):
    from minicnn.functional.cuda import activation

    x = with_specials((size,), seed=size)
    ours, theirs = there(getattr(activation, name), x), getattr(F, name)(x)
    exact = name in ("relu", "relu6", "leaky_relu")
    assert_near(ours, theirs, 0 if exact else CURVE * EPS * np.abs(theirs))


def test_leaky_relu_takes_a_slope():
    from minicnn.functional.cuda.activation import leaky_relu

    np.testing.assert_array_equal(there(leaky_relu, np.array([-2.0, 0.5], np.float32), negative_slope=0.25), [-0.5, 0.5])


def test_an_array_that_begins_anywhere_is_bent_number_by_number(monkeypatch):
    from minicnn.functional.cuda import activation

    monkeypatch.setattr(device, "is_aligned", lambda x: False)
    x = numbers((33,))
    np.testing.assert_array_equal(there(activation.relu, x), np.maximum(x, 0))


# ── where branches meet ──


@pytest.mark.parametrize("activation", [None, "relu"])
@pytest.mark.parametrize("shape", [SHAPE, (1, 2, 2, 3), (5,)])
def test_add_is_exact(shape, activation):
    from minicnn.functional.cuda.add import add

    x, y = with_specials(shape, 1), with_specials(shape, 5)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(there(add, x, y, activation=activation), F.add(x, y, activation=activation))


def test_add_may_fill_one_of_its_own_maps():
    from minicnn.functional.cuda.add import add

    x, y = (device.uploaded(np.array(a, np.float32)) for a in ([1, 2, 3, 4, 5], [10, 20, 30, 40, 50]))
    assert device.downloaded(add(x, y, out=x)).tolist() == [11, 22, 33, 44, 55]
    assert device.downloaded(add(y, x, out=x)).tolist() == [21, 42, 63, 84, 105]


def test_add_of_two_shapes_is_refused():
    from minicnn.functional.cuda.add import add

    with pytest.raises(ShapeError, match=r"add: .* one shape, but x.shape=\(2, 3\) and y.shape=\(3, 2\)"):
        there(add, numbers((2, 3)), numbers((3, 2)))


@pytest.mark.parametrize("dim", [0, 1, 2, -1])
@pytest.mark.parametrize("lengths", [(4, 1, 8), (3, 1, 4)])
@pytest.mark.parametrize("rest", [(5, 7), (2, 4)])  # runs that 4 does not divide, and runs that it does
def test_concat_is_exact(dim, rest, lengths):
    from minicnn.functional.cuda.concat import concat

    shapes = [[2, 3, *rest] for _ in range(3)]
    for shape, length in zip(shapes, lengths, strict=True):
        shape[dim] = length
    arrays = [with_specials(tuple(shape), seed) for seed, shape in enumerate(shapes)]
    ours = there(lambda *up: concat(up, dim), *arrays)
    np.testing.assert_array_equal(ours, np.concatenate(arrays, axis=dim))


def test_concat_of_other_shapes_is_refused():
    from minicnn.functional.cuda.concat import concat

    with pytest.raises(ShapeError, match="concat: shapes must be equal except along dim=1"):
        concat([device.uploaded(numbers((1, 2, 3, 4))), device.uploaded(numbers((1, 2, 4, 3)))])
    with pytest.raises(ArgumentError, match="concat: dim must be between"):
        concat([device.uploaded(numbers((1, 2)))], 2)


# ── a line per channel ──


@pytest.mark.parametrize("positions", [(5, 7), (2, 6), (1, 1)])
def test_batch_norm(positions):
    from minicnn.functional.cuda.batch_norm import batch_norm, line

    x, (mean, var, weight, bias) = with_specials((4, 3, *positions)), (numbers((3,), seed) for seed in range(4))
    var = np.abs(var)
    scale, shift = line(mean, var, weight, bias, eps=1e-3)
    ours, theirs = there(batch_norm, x, scale=scale, shift=shift), F.batch_norm(x, mean, var, weight, bias, eps=1e-3)
    slope = np.abs(device.downloaded(scale)).reshape(-1, 1, 1)
    with np.errstate(all="ignore"):
        assert_near(
            ours, theirs, EPS * (np.abs(x) * slope + np.abs(theirs))
        )  # the host rounds the product, the sum, and the device both at once


def test_batch_norm_without_weight():
    from minicnn.functional.cuda.batch_norm import batch_norm, line

    scale, shift = line(np.array([2.0], np.float32), np.array([3.0], np.float32), None, None, eps=1.0)  # (x - 2) / 2
    np.testing.assert_array_equal(there(batch_norm, np.array([[[[4.0, 0.0]]]], np.float32), scale=scale, shift=shift), [[[[1.0, -1.0]]]])


# ── windows ──

WINDOWS = [
    {"kernel_size": 2},
    {"kernel_size": (3, 2), "stride": (2, 1), "padding": (1, 0)},
    {"kernel_size": 3, "stride": 2, "padding": ((1, 0), (0, 1)), "ceil_mode": True},
    {"kernel_size": (1, 3), "stride": (3, 2), "padding": (0, 1), "ceil_mode": True},
    {"kernel_size": 5, "stride": 1, "padding": 2},
    {"kernel_size": 3, "stride": 1, "padding": ((0, 1), (1, 0))},
]


@pytest.mark.parametrize("window", [*WINDOWS, {"kernel_size": (2, 3), "stride": 1, "padding": 1, "dilation": (3, 2)}], ids=str)
def test_max_pooling_is_exact(window):
    from minicnn.functional.cuda.pooling import max_pool2d

    x = with_specials(SHAPE)
    np.testing.assert_array_equal(there(max_pool2d, x, **window), F.max_pool2d(x, **window))


@pytest.mark.parametrize("rows", [8, 9, 11])  # strips of four outputs: whole ones, and one that hangs out
@pytest.mark.parametrize("window", [(2, 2, 0), (3, 2, 1), (3, 1, 1), (5, 1, 2)], ids=str)
def test_four_windows_a_thread_are_exact(window, rows):
    from minicnn.functional.cuda.pooling import max_pool2d

    x = with_specials((1, 2, rows, 6), rows)
    np.testing.assert_array_equal(
        there(max_pool2d, x, kernel_size=window[0], stride=window[1], padding=window[2]), F.max_pool2d(x, *window)
    )


@pytest.mark.parametrize("rule", [{}, {"count_include_pad": False}, {"divisor_override": 3}], ids=str)
@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_average_pooling(window, rule):
    from minicnn.functional.cuda.pooling import avg_pool2d

    x = numbers(SHAPE)
    n = np.prod(np.broadcast_to(window["kernel_size"], 2))
    bound = (n + 2) * EPS * F.avg_pool2d(np.abs(x), **window, **rule)
    assert_near(there(avg_pool2d, x, **window, **rule), F.avg_pool2d(x, **window, **rule), bound)


def test_a_mean_sees_what_is_not_finite():
    from minicnn.functional.cuda.pooling import avg_pool2d

    x = numbers((1, 1, 4, 6))
    x[0, 0, 0, 0], x[0, 0, 1, 2], x[0, 0, 3, 5] = np.nan, np.inf, -np.inf
    assert_near(
        there(avg_pool2d, x, kernel_size=2), F.avg_pool2d(x, 2), 6 * EPS * F.avg_pool2d(np.abs(np.nan_to_num(x, posinf=0, neginf=0)), 2)
    )


def test_pooling_says_what_the_host_says():
    from minicnn.functional.cuda.pooling import avg_pool2d, max_pool2d

    x = device.uploaded(numbers(SHAPE))
    with pytest.raises(ArgumentError, match="max_pool2d: padding must be at most half the kernel"):
        max_pool2d(x, 2, padding=2)
    with pytest.raises(ShapeError, match="max_pool2d: the kernel must fit"):
        max_pool2d(x, 8)
    with pytest.raises(ArgumentError, match="avg_pool2d: divisor_override must be at least 1"):
        avg_pool2d(x, 2, divisor_override=0)


@pytest.mark.parametrize("size", [1, (2, 3), (None, 1), (5, 7), 9])
def test_adaptive_pooling(size):
    from minicnn.functional.cuda.adaptive import adaptive_avg_pool2d

    x = numbers((3, 3, 5, 7))
    ours, theirs = there(adaptive_avg_pool2d, x, output_size=size), F.adaptive_avg_pool2d(x, size)
    assert_near(ours, theirs, (35 + 2) * EPS * F.adaptive_avg_pool2d(np.abs(x), size))


def test_global_pooling_keeps_planes_apart():
    from minicnn.functional.cuda.adaptive import adaptive_avg_pool2d

    x = np.arange(9 * 40, dtype=np.float32).reshape(3, 3, 5, 8)  # 9 planes: more than a block's; 40 numbers: more than 32
    x[1, 1, 0, 0], x[2, 0, 4, 7] = np.nan, np.inf
    np.testing.assert_array_equal(there(adaptive_avg_pool2d, x, output_size=1), x.mean(axis=(2, 3), keepdims=True))


# ── products and shares ──


@pytest.mark.parametrize(("rows", "features", "sums"), [(3, 5, 7), (33, 4, 2), (1, 70, 34), (32, 32, 32)])
def test_linear(rows, features, sums):
    from minicnn.functional.cuda.linear import linear

    x, weight, bias = numbers((rows, features)), numbers((sums, features), 1), numbers((sums,), 2)
    ours = there(linear, x, weight, bias)
    bound = (features + 2) * EPS * (np.abs(x) @ np.abs(weight).T + np.abs(bias))
    assert_near(ours, F.linear(x, weight, bias), bound)


def test_linear_of_whole_numbers_is_exact_and_keeps_axes():
    from minicnn.functional.cuda.linear import linear

    rng = np.random.default_rng(3)
    x, weight = rng.integers(-9, 9, (2, 3, 40)).astype(np.float32), rng.integers(-9, 9, (5, 40)).astype(np.float32)
    np.testing.assert_array_equal(there(linear, x, weight), x @ weight.T)


def test_linear_of_other_features_is_refused():
    from minicnn.functional.cuda.linear import linear

    with pytest.raises(ShapeError, match=r"linear: weight expects 3 features in the last axis but x has 5 .*flatten a map first"):
        linear(device.uploaded(numbers((2, 5))), device.uploaded(numbers((4, 3))))


def test_linear_spoils_only_the_rows_that_are_not_finite():
    from minicnn.functional.cuda.linear import linear

    x, weight = numbers((3, 5)), numbers((2, 5), 1)
    x[1, 2] = np.nan
    assert np.isnan(there(linear, x, weight)).tolist() == [[False] * 2, [True] * 2, [False] * 2]
    weight[0, 4] = np.inf
    ours = there(linear, numbers((2, 5)), weight)
    assert np.isinf(ours[:, 0]).all()
    assert np.isfinite(ours[:, 1]).all()


@pytest.mark.parametrize(("shape", "dim"), [((3, 10), 1), ((2, 70), -1), ((2, 5, 3, 2), 1), ((4, 3), 0), ((2, 1), 1)])
def test_softmax(shape, dim):
    from minicnn.functional.cuda.softmax import softmax

    x = numbers(shape, scale=10.0)
    ours, theirs = there(softmax, x, dim=dim), F.softmax(x, dim)
    n = shape[dim]
    assert_near(ours, theirs, (CURVE + n + 2) * EPS * theirs)  # of the sum, (n + 2)·eps; of a share's own exponential and quotient, CURVE


def test_softmax_of_what_is_not_finite():
    from minicnn.functional.cuda.softmax import softmax

    lines = [[1, np.nan, 2], [1, np.inf, 2], [1, -np.inf, 2], [-np.inf] * 3, [0, 0, 0], [3e38, -3e38, 3e38]]
    x = np.array(lines, np.float32)
    theirs = F.softmax(x, 1)
    assert_near(there(softmax, x, dim=1), theirs, (CURVE + 5) * EPS * np.nan_to_num(theirs))
    with pytest.raises(ArgumentError, match="softmax: dim must be between"):
        softmax(device.uploaded(x), 2)


# ── maps that grow ──


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(
    "settings",
    [
        {"stride": 2, "kernel": (2, 2)},
        {"stride": (2, 3), "kernel": (3, 2), "padding": ((1, 0), (0, 1)), "output_padding": (1, 0), "dilation": (1, 2)},
        {"stride": 1, "kernel": (3, 1), "padding": ((1, 1), (0, 0)), "dilation": (2, 1)},
    ],
    ids=str,
)
def test_transposed_convolution(settings, groups):
    from minicnn.functional.cuda.conv_transpose import conv_transpose2d

    given = {"padding": ((0, 0), (0, 0)), "dilation": (1, 1), **settings}
    kernel, extra = given.pop("kernel"), given.pop("output_padding", 0)
    given["stride"] = tuple(np.broadcast_to(given["stride"], 2).tolist())
    x, weight, bias = with_specials((2, 4, 3, 5)), numbers((4, 3, *kernel), 1), numbers((3 * groups,), 2)
    theirs = F.conv_transpose2d(x, weight, bias, output_padding=extra, groups=groups, **given)
    size = F.conv_transpose2d(
        np.abs(np.nan_to_num(x, posinf=0, neginf=0)), np.abs(weight), np.abs(bias), output_padding=extra, groups=groups, **given
    )
    ours = there(lambda *up: conv_transpose2d(*up, groups=groups, **given, out=device.empty(theirs.shape)), x, weight, bias)
    with np.errstate(all="ignore"):
        assert_near(ours, theirs, (4 * weight[0, 0].size + 2) * EPS * size)


@pytest.mark.parametrize(
    "settings",
    [
        {"scale_factor": 2},
        {"size": (3, 11)},
        {"scale_factor": (1.7, 0.6)},
        {"scale_factor": 2, "mode": "bilinear"},
        {"size": (9, 4), "mode": "bilinear"},
        {"size": (8, 3), "mode": "bilinear", "align_corners": True},
        {"size": (1, 7), "mode": "bilinear", "align_corners": True},
    ],
    ids=str,
)
def test_upsampling(settings):
    from minicnn.functional.cuda.upsample import upsample
    from minicnn.layers import Upsample

    x = numbers(SHAPE)
    x[0, 0, 1, 1], x[1, 2, 4, 6], x[1, 0, 0, 0] = np.nan, np.inf, -np.inf
    rules = Upsample(**settings).axes(x.shape)[0]
    ours, theirs = there(lambda up: upsample(up, *rules), x), F.interpolate(x, **settings)
    if "mode" not in settings:
        np.testing.assert_array_equal(ours, theirs)
    else:  # two products and a sum, twice; weights are rounded once
        assert_near(ours, theirs, 6 * EPS * F.interpolate(np.abs(np.nan_to_num(x, posinf=0, neginf=0)), **settings))


def test_steps_beyond_32_bits_are_refused():
    from fractions import Fraction

    from minicnn.functional.cuda.upsample import upsample

    rule = Resize(4, scale=Fraction(2**33 + 1, 2**33))
    with pytest.raises(UnsupportedError, match="upsample: kernels count in 32 bits"):
        upsample(device.uploaded(numbers((1, 1, 3, 3))), rule, rule)


# ── nothing to do ──


def test_an_empty_batch_launches_nothing():
    from minicnn.functional.cuda.activation import relu
    from minicnn.functional.cuda.adaptive import adaptive_avg_pool2d
    from minicnn.functional.cuda.add import add
    from minicnn.functional.cuda.batch_norm import batch_norm
    from minicnn.functional.cuda.concat import concat
    from minicnn.functional.cuda.linear import linear
    from minicnn.functional.cuda.pooling import avg_pool2d, max_pool2d
    from minicnn.functional.cuda.softmax import softmax
    from minicnn.functional.cuda.upsample import upsample

    x, line, one = device.empty((0, 3, 4, 6)), device.uploaded(np.ones(3, np.float32)), Resize(8)
    assert relu(x).shape == add(x, x).shape == batch_norm(x, line, line).shape == softmax(x, 1).shape == (0, 3, 4, 6)
    assert max_pool2d(x, 2).shape == avg_pool2d(x, 2).shape == (0, 3, 2, 3)
    assert adaptive_avg_pool2d(x, 1).shape == (0, 3, 1, 1)
    assert concat([x, x]).shape == (0, 6, 4, 6)
    assert upsample(x, one, one).shape == (0, 3, 8, 8)
    assert linear(device.empty((0, 3)), device.uploaded(numbers((5, 3)))).shape == (0, 5)
