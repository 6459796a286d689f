"""Taps are window.py's sees(), turned round: per tap in place of per output."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from minicnn.axis import Slide
from minicnn.errors import ArgumentError, ShapeError
from minicnn.functional import arguments
from minicnn.functional.taps import along, resized, taps


def test_hand_worked():
    # input 0 1 2 3 4 with one position of padding before: windows (-, 0, 1) and (1, 2, 3)
    found = list(taps(Slide(kernel=3, stride=2, before=1), 5, outputs=2))
    assert found == [(0, slice(1, 2), slice(1, 2, 2)), (1, slice(0, 2), slice(0, 3, 2)), (2, slice(0, 2), slice(1, 4, 2))]


def test_a_tap_that_only_meets_padding_is_passed_over():
    assert [t for t, _, _ in taps(Slide(kernel=2, before=1, dilation=2), 1, outputs=0)] == []
    assert [t for t, _, _ in taps(Slide(kernel=3, before=2, after=2, dilation=2), 1, outputs=1)] == [1]


@settings(deadline=None)
@given(
    st.builds(
        Slide,
        kernel=st.integers(1, 5),
        stride=st.integers(1, 4),
        before=st.integers(0, 9),
        after=st.integers(0, 9),
        dilation=st.integers(1, 4),
        ceil=st.booleans(),
    ),
    st.integers(1, 12),
)
def test_taps_together_are_what_every_output_sees(rule, n):
    try:
        size = rule.out_size(n)
    except ShapeError:
        return
    seen = [[] for _ in range(size)]
    for _, outputs, inputs in taps(rule, n, size):
        pairs = list(zip(range(size)[outputs], range(n)[inputs], strict=True))
        assert pairs
        for i, position in pairs:
            seen[i].append(position)
    assert [tuple(positions) for positions in seen] == [rule.sees(i, n) for i in range(size)]


def test_along_and_resized():
    x = np.arange(24).reshape(2, 3, 4)
    assert_array_equal(along(x, 1, 2), x[:, 2])
    assert np.shares_memory(along(x, 2, slice(1, 3)), x)
    assert resized(x, 1, 7) == (2, 7, 4)


@pytest.mark.parametrize("value", ["1", None, True, 1j, np.array([1.0])])
def test_real_refuses_what_is_no_number(value):
    with pytest.raises(ArgumentError, match=r"^f: eps must be a real number, but it is .*; pass a float\.$"):
        arguments.real(value, "eps", "f")


def test_real_takes_numpy_numbers():
    assert arguments.real(np.float32(0.5), "eps", "f") == 0.5


def test_axis():
    x = np.zeros((2, 3, 4))
    assert [arguments.axis(dim, x, "f") for dim in (0, 2, -1, -3, np.int64(1))] == [0, 2, 2, 0, 1]
    with pytest.raises(ArgumentError, match=r"^f: dim must be between -3 and 2 for the 3 axes of x\.shape=\(2, 3, 4\), but it is 3\."):
        arguments.axis(3, x, "f")
    with pytest.raises(ArgumentError, match="but it is -4"):
        arguments.axis(-4, x, "f")
    with pytest.raises(ArgumentError, match=r"^f: dim must be a whole number, but it is None"):
        arguments.axis(None, x, "f")
    with pytest.raises(ArgumentError, match="but it is True"):
        arguments.axis(True, x, "f")
    with pytest.raises(ShapeError, match=r"^f: x needs at least one axis"):
        arguments.axis(0, np.zeros(()), "f")
