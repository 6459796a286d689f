"""What holds for every operation: dtypes, layouts, empty batches, single images, untouched arguments, NaN, no warnings."""

import inspect
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import minicnn.functional
from minicnn import functional as F
from minicnn.axis import Adaptive, Resampled, Resize, Transposed
from minicnn.errors import DTypeError, ShapeError
from minicnn.window import Window

SHAPE = (2, 4, 5, 7)  # N C H W, all different
SIZE = SHAPE[2:]
LABELS = np.arange(2 * 5 * 7).reshape(2, 5, 7) % 4  # what a loss is asked: a target may be whole numbers or floats, so it is
SHARES = np.arange(2 * 4 * 5 * 7).reshape(SHAPE) % 3 / 4  # none of the table's arrays, which must be floats


def corners(shape):
    """Return the indices of windows of 2×2 without overlap whose winner is the upper right number."""
    rows, columns = shape[-2:]
    return np.broadcast_to(4 * columns * np.arange(rows)[:, None] + 2 * np.arange(columns) + 1, shape)


def shares_for(x):
    """Return class probabilities for a batch of as many images, in its dtype."""
    return SHARES[: len(x)].astype(np.asarray(x).dtype)


# name: (call, shapes of its arrays)
OPERATIONS = {
    "conv2d": (lambda x, w, b: F.conv2d(x, w, b, (2, 3), ((1, 0), (0, 2)), (1, 2), 2), [SHAPE, (6, 2, 3, 2), (6,)]),
    "conv2d_backward": (
        lambda g, x, w: F.conv2d_backward(g, x, w, (2, 3), ((1, 0), (0, 2)), (1, 2), 2),
        [(2, 6, 2, 3), SHAPE, (6, 2, 3, 2)],
    ),
    "conv_transpose2d_backward": (
        lambda g, x, w: F.conv_transpose2d_backward(g, x, w, (2, 3), (1, 0), (0, 2), 2, (1, 2)),
        [(2, 6, 9, 23), SHAPE, (4, 3, 3, 2)],
    ),
    "relu": (F.relu, [SHAPE]),
    "relu6": (F.relu6, [SHAPE]),
    "leaky_relu": (F.leaky_relu, [SHAPE]),
    "sigmoid": (F.sigmoid, [SHAPE]),
    "silu": (F.silu, [SHAPE]),
    "softmax": (lambda x: F.softmax(x, dim=1), [SHAPE]),
    "relu_backward": (lambda g, x: F.relu_backward(g, x), [SHAPE, SHAPE]),
    "relu6_backward": (lambda g, x: F.relu6_backward(g, x), [SHAPE, SHAPE]),
    "leaky_relu_backward": (lambda g, x: F.leaky_relu_backward(g, x), [SHAPE, SHAPE]),
    "prelu": (F.prelu, [SHAPE, (4,)]),
    "prelu one slope": (F.prelu, [SHAPE, (1,)]),
    "prelu_backward": (F.prelu_backward, [SHAPE, SHAPE, (4,)]),
    "prelu_backward one slope": (F.prelu_backward, [SHAPE, SHAPE, (1,)]),
    "hardswish": (F.hardswish, [SHAPE]),
    "hardswish_backward": (F.hardswish_backward, [SHAPE, SHAPE]),
    "sigmoid_backward": (lambda g, x: F.sigmoid_backward(g, x), [SHAPE, SHAPE]),
    "sigmoid_backward of output": (lambda g, output: F.sigmoid_backward(g, None, output=output), [SHAPE, SHAPE]),
    "silu_backward": (F.silu_backward, [SHAPE, SHAPE]),
    "tanh": (F.tanh, [SHAPE]),
    "tanh_backward": (lambda g, x: F.tanh_backward(g, x), [SHAPE, SHAPE]),
    "tanh_backward of both": (lambda g, x, output: F.tanh_backward(g, x, output=output), [SHAPE, SHAPE, SHAPE]),
    "elu": (F.elu, [SHAPE]),
    "elu_backward": (lambda g, x: F.elu_backward(g, x), [SHAPE, SHAPE]),
    "gelu": (F.gelu, [SHAPE]),
    "gelu tanh": (lambda x: F.gelu(x, "tanh"), [SHAPE]),
    "gelu_backward": (lambda g, x: F.gelu_backward(g, x), [SHAPE, SHAPE]),
    "gelu_backward tanh": (lambda g, x: F.gelu_backward(g, x, "tanh"), [SHAPE, SHAPE]),
    "softplus": (F.softplus, [SHAPE]),
    "softplus_backward": (lambda g, x: F.softplus_backward(g, x), [SHAPE, SHAPE]),
    "softmax_backward": (lambda g, x: F.softmax_backward(g, x, dim=1), [SHAPE, SHAPE]),
    "softmax_backward of output": (lambda g, output: F.softmax_backward(g, None, 1, output=output), [SHAPE, SHAPE]),
    "log_softmax": (lambda x: F.log_softmax(x, dim=1), [SHAPE]),
    "log_softmax_backward": (lambda g, x: F.log_softmax_backward(g, x, dim=1), [SHAPE, SHAPE]),
    "max_pool2d": (lambda x: F.max_pool2d(x, (3, 2), (2, 3), (1, 0), ceil_mode=True), [SHAPE]),
    "max_pool2d with indices": (lambda x: F.max_pool2d(x, (2, 3), (2, 1), (0, 1), (1, 2), return_indices=True), [SHAPE]),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, (3, 2), (2, 3), (1, 0), ceil_mode=True), [SHAPE]),
    "adaptive_avg_pool2d": (lambda x: F.adaptive_avg_pool2d(x, (3, 2)), [SHAPE]),
    "adaptive_max_pool2d": (lambda x: F.adaptive_max_pool2d(x, (3, 2)), [SHAPE]),
    "adaptive_max_pool2d with indices": (lambda x: F.adaptive_max_pool2d(x, (None, 3), return_indices=True), [SHAPE]),
    "max_pool2d_backward": (lambda g, x: F.max_pool2d_backward(g, x, (3, 2), (2, 1), (1, 0)), [(2, 4, 3, 6), SHAPE]),
    "max_pool2d_backward indices": (
        lambda g: F.max_pool2d_backward(g, (*np.shape(g)[:-2], 10, 14), 2, indices=corners(np.shape(g))),
        [SHAPE],
    ),
    "avg_pool2d_backward": (lambda g: F.avg_pool2d_backward(g, (*np.shape(g)[:-2], 6, 7), 2, 1, (0, 1), True), [(2, 4, 5, 8)]),
    "adaptive_avg_pool2d_backward": (lambda g: F.adaptive_avg_pool2d_backward(g, (*np.shape(g)[:-2], 6, 4), (5, 7)), [SHAPE]),
    "adaptive_max_pool2d_backward": (lambda g, x: F.adaptive_max_pool2d_backward(g, x, (3, 2)), [(2, 4, 3, 2), SHAPE]),
    "max_unpool2d": (lambda x: F.max_unpool2d(x, corners(np.shape(x)), 2), [SHAPE]),
    "max_unpool2d_backward": (
        lambda g: F.max_unpool2d_backward(g, (len(g), *SHAPE[1:]), corners((len(g), *SHAPE[1:])), 2),
        [(2, 4, 10, 14)],
    ),
    "batch_norm": (F.batch_norm, [SHAPE, (4,), (4,), (4,), (4,)]),
    "batch_norm_backward": (F.batch_norm_backward, [SHAPE, SHAPE, (4,), (4,), (4,)]),
    "layer_norm": (lambda x, w, b: F.layer_norm(x, (5, 7), w, b), [SHAPE, (5, 7), (5, 7)]),
    "layer_norm_backward": (lambda g, x, w: F.layer_norm_backward(g, x, (5, 7), w), [SHAPE, SHAPE, (5, 7)]),
    "group_norm": (lambda x, w, b: F.group_norm(x, 2, w, b), [SHAPE, (4,), (4,)]),
    "group_norm_backward": (lambda g, x, w: F.group_norm_backward(g, x, 2, w), [SHAPE, SHAPE, (4,)]),
    "dropout": (lambda x: F.dropout(x, 0.25, rng=np.random.default_rng(0)), [SHAPE]),
    "dropout off": (lambda x: F.dropout(x, training=False), [SHAPE]),
    "dropout_backward": (lambda g: F.dropout_backward(g, np.arange(np.size(g)).reshape(np.shape(g)) % 3 > 0, 0.25), [SHAPE]),
    "linear": (F.linear, [SHAPE, (3, 7), (3,)]),
    "add": (F.add, [SHAPE, SHAPE]),
    "add per channel": (F.add, [SHAPE, (1, 4, 1, 1)]),
    "concat": (lambda x, y: F.concat([x, y]), [SHAPE, (2, 3, 5, 7)]),
    "concat one": (lambda x: F.concat([x]), [SHAPE]),
    "flatten": (F.flatten, [SHAPE]),
    "pad": (lambda x: F.pad(x, (1, 2, 3, 0)), [SHAPE]),
    "pad nothing": (lambda x: F.pad(x, (0, 0)), [SHAPE]),
    "pad circular": (lambda x: F.pad(x, (1, 2, 3, 0), "circular"), [SHAPE]),
    "interpolate": (lambda x: F.interpolate(x, (3, 9)), [SHAPE]),
    "interpolate bilinear": (lambda x: F.interpolate(x, (3, 9), mode="bilinear"), [SHAPE]),
    "interpolate scale": (lambda x: F.interpolate(x, None, (1.7, 0.6), mode="bilinear"), [SHAPE]),
    "linear_backward": (F.linear_backward, [(2, 4, 5, 3), SHAPE, (3, 7)]),
    "add_backward": (lambda g: F.add_backward(g, np.shape(g), np.shape(g)), [SHAPE]),
    "add_backward per channel": (lambda g: F.add_backward(g, np.shape(g), (len(g), 4, 1, 1)), [SHAPE]),
    "concat_backward": (lambda g: F.concat_backward(g, [(len(g), 1, 5, 7), (len(g), 3, 5, 7)]), [SHAPE]),
    "flatten_backward": (lambda g: F.flatten_backward(g, (len(g), 4, 5, 7)), [(2, 140)]),
    "pad_backward": (lambda g: F.pad_backward(g, (*np.shape(g)[:-2], 2, 4), (1, 2, 3, 0)), [SHAPE]),
    "pad_backward nothing": (lambda g: F.pad_backward(g, np.shape(g), (0, 0)), [SHAPE]),
    "pad_backward circular": (lambda g: F.pad_backward(g, (*np.shape(g)[:-2], 3, 4), (1, 2, 2, 0), "circular"), [SHAPE]),
    "interpolate_backward": (lambda g: F.interpolate_backward(g, (*np.shape(g)[:-2], 3, 9), (5, 7)), [SHAPE]),
    "interpolate_backward bilinear": (lambda g: F.interpolate_backward(g, (*np.shape(g)[:-2], 8, 4), (5, 7), mode="bilinear"), [SHAPE]),
    "unfold": (lambda x: F.unfold(x, (3, 2), (1, 2), ((1, 0), (0, 2)), (2, 3)), [SHAPE]),
    "unfold_backward": (lambda g: F.unfold_backward(g, (len(g), 2, 4, 5), (2, 1), padding=(0, 1), stride=(2, 1)), [(2, 4, 14)]),
    "fold": (lambda x: F.fold(x, (4, 5), (2, 1), padding=(0, 1), stride=(2, 1)), [(2, 4, 14)]),
    "fold_backward": (lambda g: F.fold_backward(g, (len(g), 24, 6), (5, 7), (3, 2), (1, 2), ((1, 0), (0, 2)), (2, 3)), [SHAPE]),
    # A loss of 'none' has one number per position and is an operation like any other. With 'mean' and 'sum' it is a single
    # number that has no batch axis, so these stand here by their gradients only; functional/test_loss.py asks the rest.
    "cross_entropy": (lambda x, w: F.cross_entropy(x, LABELS[: len(x)], w, 3, "none", 0.25), [SHAPE, (4,)]),
    "cross_entropy probabilities": (lambda x, w: F.cross_entropy(x, shares_for(x), w, reduction="none"), [SHAPE, (4,)]),
    "cross_entropy_backward": (
        lambda g, x, w: F.cross_entropy_backward(g, x, LABELS[: len(x)], w, 3, "none"),
        [(2, 5, 7), SHAPE, (4,)],
    ),
    "cross_entropy_backward mean": (lambda x: F.cross_entropy_backward(0.5, x, shares_for(x), label_smoothing=0.25), [SHAPE]),
    "mse_loss": (lambda x, t: F.mse_loss(x, t, "none"), [SHAPE, SHAPE]),
    "mse_loss_backward": (lambda g, x, t: F.mse_loss_backward(g, x, t, "none"), [SHAPE, SHAPE, SHAPE]),
    "mse_loss_backward mean": (lambda x, t: F.mse_loss_backward(0.5, x, t), [SHAPE, SHAPE]),
    "clamp": (lambda x: F.clamp(x, -2, 3), [SHAPE]),
    "clamp nothing": (F.clamp, [SHAPE]),
    "clamp_backward": (lambda g, x: F.clamp_backward(g, x, -2, 3), [SHAPE, SHAPE]),
    "clamp_backward nothing": (F.clamp_backward, [SHAPE, SHAPE]),
    "hardsigmoid": (F.hardsigmoid, [SHAPE]),
    "hardsigmoid_backward": (lambda g, x: F.hardsigmoid_backward(g, x), [SHAPE, SHAPE]),
    "hardsigmoid_backward of output": (lambda g, output: F.hardsigmoid_backward(g, None, output=output), [SHAPE, SHAPE]),
    "local_response_norm": (lambda x: F.local_response_norm(x, 3, 0.5), [SHAPE]),
    "local_response_norm_backward": (lambda g, x: F.local_response_norm_backward(g, x, 2, 0.5, longer="above"), [SHAPE, SHAPE]),
    "matmul": (F.matmul, [SHAPE, (2, 1, 7, 3)]),
    "matmul rows and columns": (F.matmul, [SHAPE, (7,)]),
    "matmul_backward": (F.matmul_backward, [(2, 4, 5, 3), SHAPE, (7, 3)]),
    "pixel_shuffle": (lambda x: F.pixel_shuffle(x, 2), [SHAPE]),
    "pixel_shuffle DCR": (lambda x: F.pixel_shuffle(x, 2, "DCR"), [SHAPE]),
    "pixel_shuffle by 1": (lambda x: F.pixel_shuffle(x, 1), [SHAPE]),
    "pixel_shuffle_backward": (lambda g: F.pixel_shuffle_backward(g, (*np.shape(g)[:-3], 16, 3, 4), 2), [(2, 4, 6, 8)]),
    "pixel_unshuffle": (lambda x: F.pixel_unshuffle(x, 2), [(2, 3, 4, 6)]),
    "pixel_unshuffle DCR": (lambda x: F.pixel_unshuffle(x, 2, "DCR"), [(2, 3, 4, 6)]),
    "pixel_unshuffle_backward": (lambda g: F.pixel_unshuffle_backward(g, (*np.shape(g)[:-3], 1, 10, 14), 2, "DCR"), [SHAPE]),
    "resample": (lambda x: F.resample(x, (3, 9)), [SHAPE]),
    "resample linear": (lambda x: F.resample(x, None, "linear", "align_corners", scales=(1.7, 0.6)), [SHAPE]),
    "resample_backward": (lambda g: F.resample_backward(g, (*np.shape(g)[:-2], 3, 9), (5, 7), coordinates="asymmetric"), [SHAPE]),
    "resample_backward linear": (lambda g: F.resample_backward(g, (*np.shape(g)[:-2], 8, 4), (5, 7), "linear"), [SHAPE]),
    "conv_transpose2d": (
        lambda x, w, b: F.conv_transpose2d(x, w, b, (2, 3), (1, 0), (0, 2), 2, (1, 2)),
        [SHAPE, (4, 3, 3, 2), (6,)],
    ),
}
IMAGES = ("pad", "interpolate", "resample", "pixel_shuffle", "pixel_unshuffle")
SINGLE_IMAGES = [name for name in OPERATIONS if name.split()[0].endswith("2d") or name.split()[0] in IMAGES]
EVERY = pytest.mark.parametrize("name", OPERATIONS)


def arrays(name, dtype=np.float32):
    """Small positive and negative whole numbers, so that every sum is exact whatever its order."""
    rng = np.random.default_rng(0)
    return [rng.integers(-4, 5, shape).astype(dtype) for shape in OPERATIONS[name][1]]


def results(name, given):
    y = OPERATIONS[name][0](*given)
    return y if isinstance(y, tuple) else (y,)


def test_every_public_operation_is_in_the_table():
    assert {name.split()[0] for name in OPERATIONS} == set(minicnn.functional.__all__)
    for name in minicnn.functional.__all__:
        assert inspect.isfunction(getattr(F, name))


def test_importing_loads_nothing_heavier_than_numpy():
    code = (
        "import sys, minicnn.functional; "
        "print(sorted({'numba', 'torch', 'scipy', 'matplotlib', 'PIL', 'hypothesis', 'rich', 'typer'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@EVERY
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_in_is_dtype_out(name, dtype):
    y, *indices = results(name, arrays(name, dtype))
    assert type(y) is np.ndarray
    assert y.dtype == dtype
    assert all(other.dtype == (dtype if "_backward" in name else np.int64) for other in indices)  # gradients, or winning indices


def permuted(x):
    return np.ascontiguousarray(x.T).T


def reversed_strides(x):
    return np.ascontiguousarray(np.flip(x))[(slice(None, None, -1),) * x.ndim]


def every_other(x):
    wide = np.full([2 * size for size in x.shape], np.nan, x.dtype)
    wide[(slice(None, None, 2),) * x.ndim] = x
    return wide[(slice(None, None, 2),) * x.ndim]


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


@EVERY
@pytest.mark.parametrize("layout", [permuted, reversed_strides, every_other, read_only])
def test_any_memory_layout(name, layout):
    given = arrays(name)
    turned = [layout(x) for x in given]
    for x, y in zip(given, turned, strict=True):
        assert_array_equal(x, y)
    for expected, y in zip(results(name, given), results(name, turned), strict=True):
        assert_array_equal(y, expected)


@EVERY
def test_memory_mapped_files(name, tmp_path):
    given, mapped = arrays(name), []
    for i, x in enumerate(given):
        np.save(tmp_path / f"{i}.npy", x)
        mapped.append(np.load(tmp_path / f"{i}.npy", mmap_mode="r"))
    for expected, y in zip(results(name, given), results(name, mapped), strict=True):
        assert type(y) is np.ndarray
        assert_array_equal(y, expected)


@EVERY
def test_arguments_are_untouched_and_results_are_new(name):
    given = arrays(name)
    before = [x.copy() for x in given]
    found = results(name, given)
    for x, copy in zip(given, before, strict=True):
        assert_array_equal(x, copy)
        if not name.startswith("flatten"):  # whose cards say so
            assert not any(np.shares_memory(x, y) for y in found)
    if not name.startswith("flatten"):
        assert all(y.flags.writeable for y in found)


@EVERY
def test_an_empty_batch_has_the_right_shape(name):
    given = arrays(name)
    full = results(name, given)
    empty = results(name, [x[:0] if x.shape[:1] == (2,) else x for x in given])
    assert [y.shape for y in empty] == [(0, *y.shape[1:]) if y.shape[:1] == (2,) else y.shape for y in full]  # a weight has no batch
    assert [y.dtype for y in empty] == [y.dtype for y in full]


@pytest.mark.parametrize("name", SINGLE_IMAGES)
def test_a_single_image_is_its_row_of_the_batch(name):
    x, *others = arrays(name)
    for y, single in zip(results(name, [x, *others]), results(name, [x[1], *others]), strict=True):
        assert_array_equal(single, y[1])


@pytest.mark.parametrize("name", SINGLE_IMAGES)
def test_two_axes_five_axes_and_empty_planes_are_refused(name):
    x, *others = arrays(name)
    what = name.split()[0]
    with pytest.raises(ShapeError, match=rf"^{what}: x must be \(N, C, H, W\).*has 2 axes\. .* x\[None, None\]\.$"):
        results(name, [x[0, 0], *others])
    with pytest.raises(
        ShapeError, match=rf"^{what}: x must be \(N, C, H, W\) or \(C, H, W\), but x\.shape=\(1, 2, \d, \d, \d\) has 5 axes"
    ):
        results(name, [x[None], *others])
    with pytest.raises(ShapeError, match=rf"^{what}: only the batch may be empty"):
        results(name, [x[:, :, :0], *others])


@EVERY
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda x: x.astype(np.uint8), r"must be float32 or float64, but its dtype is uint8; .*/ 255"),
        (lambda x: x.astype(object), r"must be float32 or float64, but its dtype is object"),
        (lambda x: x.astype(np.float16), r"must be float32 or float64, but its dtype is float16"),
        (lambda x: x.tolist(), r"must be a NumPy array, but it is a list; pass np\.asarray"),
    ],
)
def test_every_array_is_checked(name, spoil, message):
    given = arrays(name)
    for i in range(len(given)):
        with pytest.raises(DTypeError, match=rf"^{name.split()[0]}: .*{message}"):
            results(name, [spoil(x) if i == k else x for k, x in enumerate(given)])


@pytest.mark.parametrize("name", [name for name, (_, shapes) in OPERATIONS.items() if len(shapes) > 1])
def test_mixed_dtypes_are_refused(name):
    given = arrays(name)
    for i in range(1, len(given)):
        with pytest.raises(
            DTypeError,
            match=rf"^{name.split()[0]}: all arrays must have one dtype, but .*(float32 and .*float64|float64 and .*float32); convert one",
        ):
            results(name, [x.astype(np.float64) if i == k else x for k, x in enumerate(given)])


@EVERY
def test_extreme_numbers_raise_no_warning(name):
    """Under every setting of NumPy's: infinities, NaN, the largest and the smallest pass as in the equation."""
    values = np.array([np.inf, -np.inf, np.nan, 0, -0.0, 3e38, -3e38, 1e-45, 1, -1000], np.float32)
    rng = np.random.default_rng(1)
    given = [rng.choice(values, shape) for shape in OPERATIONS[name][1]]
    with np.errstate(all="raise"):
        results(name, given)
    with np.errstate(all="warn"):
        results(name, given)


def axes_of(call):
    """The two rules of an operation that moves over positions."""
    return {
        "max": Window.of((3, 2), (2, 3), ((1, 0), (0, 1)), (1, 2), ceil_mode=True).axes(SIZE),
        "avg": Window.of((3, 2), (2, 3), ((1, 0), (0, 1)), ceil_mode=True).axes(SIZE),
        "adaptive": (Adaptive(3), Adaptive(4)),
        "nearest": (Resize(3), Resize(9)),
        "bilinear": (Resize(3, "bilinear"), Resize(10, "bilinear")),
        "corners": (Resize(9, "bilinear", True), Resize(4, "bilinear", True)),
        "rounded": (
            Resampled(3, "nearest", "half_pixel", "round_prefer_ceil"),
            Resampled(12, "nearest", "half_pixel", "round_prefer_ceil"),
        ),
        "symmetric": (
            Resampled(3, "linear", "half_pixel_symmetric", scale=Fraction(7, 10)),
            Resampled(11, "linear", "half_pixel_symmetric", scale=Fraction(17, 10)),
        ),
        "transposed": (Transposed(3, 2, 1, 0, 1, 1), Transposed(2, 3, 0, 1, 4, 2)),
        "reflect": Window.of(1, padding=((2, 1), (0, 3)), padding_mode="reflect").axes(SIZE),
    }[call]


PROBES = {
    "max_pool2d": ("max", lambda x: F.max_pool2d(x, (3, 2), (2, 3), ((1, 0), (0, 1)), (1, 2), True)),
    "max_pool2d with indices": ("max", lambda x: F.max_pool2d(x, (3, 2), (2, 3), ((1, 0), (0, 1)), (1, 2), True, True)[0]),
    "avg_pool2d": ("avg", lambda x: F.avg_pool2d(x, (3, 2), (2, 3), ((1, 0), (0, 1)), True)),
    "adaptive_avg_pool2d": ("adaptive", lambda x: F.adaptive_avg_pool2d(x, (3, 4))),
    "adaptive_max_pool2d": ("adaptive", lambda x: F.adaptive_max_pool2d(x, (3, 4))),
    "adaptive_max_pool2d with indices": ("adaptive", lambda x: F.adaptive_max_pool2d(x, (3, 4), True)[0]),
    "interpolate nearest": ("nearest", lambda x: F.interpolate(x, (3, 9))),
    "interpolate bilinear": ("bilinear", lambda x: F.interpolate(x, (3, 10), mode="bilinear")),
    "interpolate corners": ("corners", lambda x: F.interpolate(x, (9, 4), mode="bilinear", align_corners=True)),
    "resample nearest": ("rounded", lambda x: F.resample(x, (3, 12), rounding="round_prefer_ceil")),
    "resample linear": ("symmetric", lambda x: F.resample(x, None, "linear", "half_pixel_symmetric", scales=(0.7, 1.7))),
    "conv_transpose2d": (
        "transposed",
        lambda x: F.conv_transpose2d(x, np.ones((4, 3, 3, 2), x.dtype), None, (2, 3), ((1, 0), (0, 1)), (1, 2), 1, (1, 4)),
    ),
    "pad reflect": ("reflect", lambda x: F.pad(x, (0, 3, 2, 1), "reflect")),
}


@pytest.mark.parametrize("name", PROBES)
def test_a_poisoned_input_reaches_exactly_the_outputs_that_see_it(name):
    rules, call = PROBES[name]
    rows, columns = axes_of(rules)
    x = np.random.default_rng(2).normal(size=SHAPE).astype(np.float32)
    for r, c in np.ndindex(SIZE):
        poisoned = x.copy()
        poisoned[1, 2, r, c] = np.nan
        y = np.isnan(call(poisoned))
        assert y.shape[2:] == (rows.out_size(SIZE[0]), columns.out_size(SIZE[1]))
        sees_row = [r in rows.sees(p, SIZE[0]) for p in range(y.shape[2])]
        sees_column = [c in columns.sees(q, SIZE[1]) for q in range(y.shape[3])]
        expected = np.logical_and.outer(sees_row, sees_column)
        assert_array_equal(y[0], np.zeros_like(y[0]))  # the other image is clean
        for channel in range(y.shape[1]):
            reached = channel == 2 or name == "conv_transpose2d"  # which mixes the channels
            assert_array_equal(y[1, channel], expected if reached else np.zeros_like(expected))


def test_the_axes_of_shape_errors_name_a_channel_last_image():
    x = np.zeros((1, 224, 224, 3), np.float32)
    with pytest.raises(ShapeError, match=r"That looks like NHWC; minicnn uses NCHW: x\.transpose\(0, 3, 1, 2\)\."):
        F.conv_transpose2d(x, np.zeros((3, 1, 2, 2), np.float32))


def test_add_under_one_image_means_channels():
    x = np.zeros((3, 4, 5))
    per_channel = np.arange(3.0).reshape(3, 1, 1)
    assert_array_equal(F.add(x, per_channel), np.broadcast_to(per_channel, x.shape))
    with pytest.raises(ShapeError, match="add: x and y must have one shape"):
        F.add(np.ones((1, 4, 1)), x)
