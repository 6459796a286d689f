"""Whatever the shape, it is right: every algorithm for float32, over every residue of its tiles, against the law.

Whole numbers must come out exactly, after rint where the arithmetic has fractions (winograd4); normal ones within the contract.
Tiles are LANES, ROWS and COLUMNS (machine.py); that any shape is right is all that is asked, so no constant of a kernel is named here.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wide_shapes import FAST, UNCOMPILED, WINOGRAD, applies, computed, made, ragged, wide_cases

from minicnn.conv.contract import allowed_error
from minicnn.conv.dispatch import conv2d
from minicnn.conv.jit.machine import COLUMNS, LANES

ACTIVATIONS = {None: lambda y: y, "relu": lambda y: np.maximum(y, 0), "relu6": lambda y: np.clip(y, 0, 6)}
STEP = 5 if UNCOMPILED else 1  # of the sweeps: Python's loops take a thousand times as long


def assert_exact(name, case, activation=None):
    law = conv2d(*case.arrays, **case.arguments, algorithm="reference")
    kept = [array.copy() for array in case.arrays if array is not None]
    y = computed(name, case, activation)
    what = f"{name}: x {case.x.shape}, weight {case.weight.shape}, {case.arguments}, {activation}"
    np.testing.assert_array_equal(np.rint(y) if name == "winograd4" else y, ACTIVATIONS[activation](law), what)
    for before, after in zip(kept, (array for array in case.arrays if array is not None), strict=True):
        np.testing.assert_array_equal(before, after)


# 1. Drawn.


@pytest.mark.parametrize("name", FAST)
@given(data=st.data())
def test_whole_numbers_are_exact(name, data):
    case = data.draw(wide_cases(name))
    assert applies(name, case)
    assert_exact(name, case, data.draw(st.sampled_from(list(ACTIVATIONS))))


@pytest.mark.parametrize("name", FAST)
@given(data=st.data())
def test_normal_numbers_keep_the_contract(name, data):
    case = data.draw(wide_cases(name, "normal"))
    y, law = computed(name, case).astype(np.float64), conv2d(*case.arrays, **case.arguments, algorithm="reference")
    assert (np.abs(y - law) <= allowed_error(name, *case.arrays, **case.arguments)).all()


# 2. Every residue, since drawing may miss one.


def kernel_of(name):
    return (1, 1) if name == "pointwise" else (3, 3) if name in WINOGRAD else (2, 3)


def weight_shape(name, filters, channels):
    return (filters, 1 if name == "depthwise" else channels, *kernel_of(name))


@pytest.mark.parametrize("name", FAST)
@pytest.mark.parametrize("filters", range(1, COLUMNS + 2, STEP))
def test_every_residue_of_the_filters(name, filters):
    channels = filters if name == "depthwise" else 3
    assert_exact(name, made((1, max(channels, 2), 4, 9), weight_shape(name, max(filters, 2), channels)), "relu")


@pytest.mark.parametrize("name", FAST)
@pytest.mark.parametrize("channels", range(1, LANES + 2, STEP))
def test_every_residue_of_the_channels(name, channels):
    filters = 2 * channels if name == "depthwise" else 5
    assert_exact(name, made((2, channels, 5, 7), weight_shape(name, filters, channels), padding=((1, 0), (0, 1))))


@pytest.mark.parametrize("name", FAST)
@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("columns", range(1, COLUMNS + LANES + 2, STEP))
def test_every_residue_of_the_positions(name, rows, columns):
    """Maps of rows × columns outputs, without padding and, in three images, with it, and with a stride where there may be one."""
    size, channels = kernel_of(name), 9 if name == "depthwise" else 2
    x_size, weight = (rows + size[0] - 1, columns + size[1] - 1), weight_shape(name, 9, channels)
    assert_exact(name, made((1, channels, *x_size), weight), "relu6")
    if size[1] > 1:
        assert_exact(
            name, made((3, channels, x_size[0], columns), weight, padding=((0, 0), (size[1] // 2, (size[1] - 1) // 2)), bias=False)
        )
    if name not in WINOGRAD:
        strided = rows * 2 + size[0] - 2, columns * 3 + size[1] - 3
        assert_exact(name, made((2, channels, *strided), weight, stride=(2, 3)))


@pytest.mark.parametrize("name", FAST)
@pytest.mark.parametrize("padding", [0, 1])
def test_every_map_of_up_to_forty_rows_and_columns(name, padding):
    """How rows of outputs end within vectors and panels depends on both extents."""
    size, sparse = kernel_of(name), 7 if UNCOMPILED else 1 if name in ("gemm", "pointwise") else 3
    channels = 2 if name == "depthwise" else 1
    for rows in range(size[0], 41, sparse):
        for columns in range(size[1], 41, sparse):
            assert_exact(name, made((1 + padding, channels, rows, columns), weight_shape(name, 2, channels), padding=padding))


@pytest.mark.parametrize("name", ["gemm", "direct"])
@pytest.mark.parametrize("width", range(2, LANES + 2, STEP))
def test_rows_that_break_off_within_a_vector(name, width):
    """From the end of one row of outputs to the begin of the next lie width - 1 numbers: any distance that a vector can span."""
    for rows in (2, 3):
        for columns in range(1, COLUMNS + 2, STEP):
            assert_exact(name, made((1, 1, rows, columns + width - 1), (2, 1, 1, width)))


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("side", [(3, 3), (5, 5), (3, 5), (7, 7), (1, 4)])
@pytest.mark.parametrize("padding", [0, 2, ((3, 0), (1, 4))])
def test_depthwise_kernels_of_every_side(side, stride, padding):
    for columns in range(7, 17, STEP):
        assert_exact("depthwise", made((1, 11, 8, columns), (11, 1, *side), stride=(1, stride), padding=padding), "relu6")


@pytest.mark.skipif(UNCOMPILED, reason="some million products, which the compiled kernels answer for")
@pytest.mark.parametrize("name", FAST)
@pytest.mark.parametrize(
    ("images", "filters", "channels", "size"),
    [(1, 2, 700, (3, 4)), (1, 290, 9, (4, 5)), (1, 3, 2, (61, 67)), (3, 70, 5, (13, 17)), (2, 2, 2, (4, 530)), (11, 35, 33, (4, 4))],
)
def test_extents_far_past_every_cut(name, images, filters, channels, size):
    """Taps, filters, positions, rows and images by the hundred: whatever a kernel cuts its work into, there are several of it, and a rest."""
    if name == "depthwise":
        channels = filters
    assert_exact(name, made((images, channels, *size), weight_shape(name, filters, channels), padding=1), "relu")
    if name not in WINOGRAD:
        assert_exact(name, made((images, channels, *size), weight_shape(name, filters, channels), padding=((2, 1), (0, 1)), stride=(2, 1)))
        assert_exact(name, made((images, channels, *size), weight_shape(name, filters, channels), stride=(1, 2), padding=1))


@pytest.mark.parametrize("name", FAST)
def test_small_ragged_shapes(name):
    for case in ragged(name):
        for activation in ACTIVATIONS:
            assert_exact(name, case, activation)
