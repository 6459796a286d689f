"""What holds for every operation: dtypes, layouts, empty batches, single images, untouched arguments, NaN, no warnings."""

import inspect
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import minicnn.functional
from minicnn import functional as F
from minicnn.axis import Adaptive, Resize, Transposed
from minicnn.errors import DTypeError, ShapeError
from minicnn.window import Window

SHAPE = (2, 4, 5, 7)  # N C H W, all different
SIZE = SHAPE[2:]

# name: (call, shapes of its arrays)
OPERATIONS = {
    "conv2d": (lambda x, w, b: F.conv2d(x, w, b, (2, 3), ((1, 0), (0, 2)), (1, 2), 2), [SHAPE, (6, 2, 3, 2), (6,)]),
    "relu": (F.relu, [SHAPE]),
    "relu6": (F.relu6, [SHAPE]),
    "leaky_relu": (F.leaky_relu, [SHAPE]),
    "sigmoid": (F.sigmoid, [SHAPE]),
    "silu": (F.silu, [SHAPE]),
    "softmax": (lambda x: F.softmax(x, dim=1), [SHAPE]),
    "max_pool2d": (lambda x: F.max_pool2d(x, (3, 2), (2, 3), (1, 0), ceil_mode=True), [SHAPE]),
    "max_pool2d with indices": (lambda x: F.max_pool2d(x, (2, 3), (2, 1), (0, 1), (1, 2), return_indices=True), [SHAPE]),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, (3, 2), (2, 3), (1, 0), ceil_mode=True), [SHAPE]),
    "adaptive_avg_pool2d": (lambda x: F.adaptive_avg_pool2d(x, (3, 2)), [SHAPE]),
    "adaptive_max_pool2d": (lambda x: F.adaptive_max_pool2d(x, (3, 2)), [SHAPE]),
    "adaptive_max_pool2d with indices": (lambda x: F.adaptive_max_pool2d(x, (None, 3), return_indices=True), [SHAPE]),
    "batch_norm": (F.batch_norm, [SHAPE, (4,), (4,), (4,), (4,)]),
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
    "conv_transpose2d": (
        lambda x, w, b: F.conv_transpose2d(x, w, b, (2, 3), (1, 0), (0, 2), 2, (1, 2)),
        [SHAPE, (4, 3, 3, 2), (6,)],
    ),
}
SINGLE_IMAGES = [name for name in OPERATIONS if name.split()[0].endswith("2d") or name.split()[0] in ("pad", "interpolate")]
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
    assert all(places.dtype == np.int64 for places in indices)


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
        if name != "flatten":  # which says so in its card
            assert not any(np.shares_memory(x, y) for y in found)
    if name != "flatten":
        assert all(y.flags.writeable for y in found)


@EVERY
def test_an_empty_batch_has_the_right_shape(name):
    given = arrays(name)
    full = results(name, given)
    empty = results(name, [x[:0] if x.shape[:1] == (2,) else x for x in given])
    assert [y.shape for y in empty] == [(0, *y.shape[1:]) for y in full]
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
    with pytest.raises(ShapeError, match=rf"^{what}: x must be \(N, C, H, W\) or \(C, H, W\), but x\.shape=\(1, 2, 4, 5, 7\) has 5 axes"):
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
            DTypeError, match=rf"^{name.split()[0]}: all arrays must have one dtype, but .*float32 and .*float64; convert one"
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
