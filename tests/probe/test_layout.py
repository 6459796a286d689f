"""probe.layout: the cells that are drawn are those in which the numbers lie."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicnn import nn, probe, trace
from minicnn.errors import ArgumentError, DTypeError
from minicnn.probe.layout_drawing import LONGEST, lines_of


def cells_of(array, lines=10**6):
    """Return {address: indices} of all cells that are drawn."""
    return {cell.address: cell.indices for line in probe.layout(array, lines=lines).lines for cell in line if cell.indices}


def law(array):
    """Return the same from the definition: the address of every index, counted from the lowest."""
    found = {}
    for index in np.ndindex(array.shape):
        address = sum(i * stride for i, stride in zip(index, array.strides, strict=True)) // array.itemsize
        label = ",".join("*" if n > 1 and stride == 0 else str(i) for i, n, stride in zip(index, array.shape, array.strides, strict=True))
        found.setdefault(address, set()).add(label)
    lowest = min(found)
    return {address - lowest: tuple(sorted(labels)) for address, labels in found.items()}


# By hand


def test_nchw_and_nhwc_by_hand():
    x = np.zeros((1, 2, 2, 3), np.float32)
    nchw, nhwc = probe.layout(x), probe.layout(np.zeros((1, 2, 3, 2), np.float32).transpose(0, 3, 1, 2))
    assert [str(cell) for cell in nchw.lines[1]] == ["0,0,1,0", "0,0,1,1", "0,0,1,2"]
    assert [str(cell) for cell in nhwc.lines[1]] == ["0,0,0,1", "0,1,0,1"]
    assert (nchw.steps, nhwc.steps) == ((12, 6, 3, 1), (12, 1, 6, 2))
    assert nchw.order == "C-contiguous, NCHW: a row of the map lies side by side"
    assert nhwc.order == "channels_last, NHWC: the channels of a pixel lie side by side"
    assert (nchw.copied_bytes, nhwc.copied_bytes) == (0, 48)
    assert (nchw.view, nhwc.view) == ((), ("A view of all 48 bytes of another array, in another order",))


def test_a_view_says_what_it_is():
    x = np.zeros((2, 3, 4, 6), np.float32)
    found = probe.layout(x[1:, :, ::-1, ::2])
    assert found.view == (
        "A view: it begins 360 bytes (90 numbers) behind the start of 576 bytes",
        "A step along h goes backwards",
        "It holds 36 of the 71 cells between its ends",
    )
    assert found.order == "not contiguous; from the longest step to the shortest: n c h w"
    assert [str(cell) for cell in found.lines[0]] == ["0,0,3,0", "·", "0,0,3,1", "·", "0,0,3,2"]
    wide = probe.layout(np.broadcast_to(np.zeros((3, 1), np.float64), (2, 3, 4)))
    assert [str(cell) for cell in wide.lines[0]] == ["*,0,*", "*,1,*", "*,2,*"]
    assert "A step along w goes nowhere: 4 indices share each cell (broadcast)" in wide.view
    assert (wide.nbytes, wide.owned_bytes, wide.copied_bytes) == (192, 24, 192)
    slid = probe.layout(np.lib.stride_tricks.sliding_window_view(np.zeros(6), 3))
    assert "Cells overlap: 12 indices lie in 6 cells (sliding windows)" in slid.view
    assert str(slid.lines[0][2]) == "0,2 +2"
    assert "A +1 says that one index more lies in the same cell." in str(slid)


@pytest.mark.parametrize(
    ("array", "order"),
    [
        (np.zeros((2, 3)).T, "F-contiguous: the first axis lies side by side"),
        (np.zeros((2, 1, 3, 4)), "C-contiguous, NCHW: a row of the map lies side by side; NHWC is the same here"),
        (np.zeros(()), "one cell"),
        (np.zeros(5)[::-1], "not contiguous"),
        (np.zeros((2, 3, 4)).transpose(0, 2, 1), "not contiguous; from the longest step to the shortest: c w h"),
    ],
)
def test_orders(array, order):
    assert probe.layout(array).order == order


def test_fields_of_records_and_nothing_at_all():
    records = np.zeros(4, dtype=[("a", "f4"), ("b", "f8")])["b"]
    assert probe.layout(records).steps == (1.5,)
    assert "Its steps are no whole numbers of cells, as those of a field of records" in probe.layout(records).view
    assert probe.layout(records).lines == ()
    assert probe.layout(np.zeros((0, 3, 4, 5))).view == ("It holds no numbers, since an axis has length 0",)


def test_a_feature_map_is_its_data():
    found = trace(nn.ReLU(), np.zeros((1, 2, 3, 4), np.float32))["relu1"]
    assert str(probe.layout(found)) == str(probe.layout(found.data))


# Properties


@st.composite
def views(draw):
    """Slices with any step, turned axes, broadcasts, and windows, of a small array."""
    x = np.zeros(tuple(draw(st.integers(1, 5)) for _ in range(draw(st.integers(1, 4)))), draw(st.sampled_from((np.float32, np.int16))))
    for axis, n in enumerate(x.shape):
        first, step = draw(st.integers(0, n - 1)), draw(st.sampled_from((1, 1, 2, -1, -2)))
        x = x[(slice(None),) * axis + (slice(first, None, step),)]
    x = x.transpose(draw(st.permutations(range(x.ndim))))
    if draw(st.booleans()):
        x = np.broadcast_to(x[:1], (draw(st.integers(1, 3)), *x.shape[1:]))
    if draw(st.booleans()):
        x = np.lib.stride_tricks.sliding_window_view(x, draw(st.integers(1, x.shape[-1])), axis=-1)
    return x


@given(views())
@settings(max_examples=150)
def test_every_cell_holds_its_indices(x):
    assert cells_of(x) == law(x)
    found = probe.layout(x)
    assert all(len(line) <= 80 for line in str(found).splitlines())
    addresses = [cell.address for line in probe.layout(x, lines=10**6).lines for cell in line]
    assert addresses == sorted(addresses)
    assert all(line[0].indices and line[-1].indices for line in found.lines)  # the dots between two lines are nobody's
    json.dumps(found.to_dict())
    copied = np.ascontiguousarray(x)
    assert found.copied_bytes == (0 if copied is x or x.flags.c_contiguous else copied.nbytes)


def test_walks_that_meet_in_one_cell_are_one_line():
    x = np.lib.stride_tricks.as_strided(np.zeros(5), (2, 3), (16, 8))  # 0, 1, 2 and 2, 3, 4
    assert [[str(cell) for cell in line] for line in probe.layout(x).lines] == [["0,0", "0,1", "0,2 +1", "1,1", "1,2"]]
    assert "more" not in str(probe.layout(x)).replace("index more", "")


def test_lines_too_long_to_walk():
    n = LONGEST + 7
    x = np.zeros((2, 3, n), np.float32)[:, ::-1]
    lines, total = lines_of(x.shape, x.strides, 4, 4)
    assert total == 6
    assert [(line[0].address, str(line[0]), str(line[-1])) for line in lines] == [
        (0, "0,2,0", f"0,2,{n - 1}"),
        (n, "0,1,0", f"0,1,{n - 1}"),
        (2 * n, "0,0,0", f"0,0,{n - 1}"),
        (3 * n, "1,2,0", f"1,2,{n - 1}"),
    ]
    assert lines[1][-1].address == 2 * n - 1
    assert "2 lines more" in str(probe.layout(x, lines=4))


# What is refused


@pytest.mark.parametrize(
    ("array", "lines", "error", "pattern"),
    [
        ([1.0], 6, DTypeError, r"array must be a NumPy array or a feature map, but it is a list; pass np.asarray\(…\)"),
        (np.zeros(2, "U3"), 6, DTypeError, r"array must hold numbers, but its dtype is <U3"),
        (np.zeros(2), -1, ArgumentError, "lines must be at least 0, but it is -1"),
    ],
)
def test_arguments_that_are_none(array, lines, error, pattern):
    with pytest.raises(error, match=f"^layout: {pattern}"):
        probe.layout(array, lines=lines)
