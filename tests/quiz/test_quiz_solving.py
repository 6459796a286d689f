"""solve: every setting that meets the wishes, against windows counted one by one, and which wish fails."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicnn.errors import ArgumentError
from minicnn.quiz import solve
from minicnn.quiz.wishes import Setting


def windows(n: int, kernel: int, stride: int, padding: int, dilation: int) -> list[list[int]]:
    """Return the taps of every window that lies inside the padded row, found by trying every place."""
    cells = range(-padding, n + padding)
    places = [[start + tap * dilation for tap in range(kernel)] for start in cells]
    return [taps for place, taps in enumerate(places) if place % stride == 0 and taps[-1] < n + padding]


def counted(n: int, setting, layers: int) -> tuple[int, int] | None:
    """Return what comes out and what the first output's taps span, from sets of cells."""
    seen = {i: {i} for i in range(-2000, 2000)}  # cells outside stand for padding: a span counts them, too
    for _ in range(layers):
        found = windows(n, *setting)
        if not found:
            return None
        reach = {}
        for out in range(-40, 40):  # outputs of an endless row, so that no border cuts the field
            first = out * setting[1] - setting[2]
            reach[out] = set().union(*(seen[first + tap * setting[3]] for tap in range(setting[0]) if first + tap * setting[3] in seen))
        seen, n = reach, len(found)
    return n, max(seen[0]) - min(seen[0]) + 1


@pytest.mark.parametrize(
    "wishes",
    [
        {"in_size": 32, "out_size": 15, "kernel": range(1, 8), "stride": range(1, 4), "padding": range(4), "dilation": range(1, 4)},
        {"in_size": 15, "out_size": 4, "kernel": (2, 3, 5), "stride": (1, 2, 3), "padding": (0, 1, 2), "dilation": (1, 2), "layers": 2},
        {"in_size": 20, "min_field": 7, "kernel": (2, 3), "stride": (1, 2), "padding": (0, 1), "dilation": (1, 3), "layers": 2},
        {"in_size": 9, "out_size": 9, "kernel": (1, 3, 4), "stride": (1, 2), "padding": range(4), "dilation": (1, 2)},
    ],
)
def test_against_windows_counted_one_by_one(wishes):
    choices = product(wishes["kernel"], wishes["stride"], wishes["padding"], wishes["dilation"])
    expected = set()
    for setting in choices:
        found = counted(wishes["in_size"], setting, wishes.get("layers", 1))
        if found and wishes.get("out_size") in (None, found[0]) and found[1] >= wishes.get("min_field", 1):
            expected.add(setting)
    solved = solve(**wishes)
    assert expected
    assert set(solved) == expected
    assert len(solved) == len(expected)


def test_by_hand():
    assert solve(in_size=7, out_size=4, kernel=3, padding=1, dilation=1).settings == (Setting(3, 2, 1, 1),)
    solved = solve(in_size=32, out_size=15, kernel=3)
    assert solved.settings == ((3, 2, 0, 1), (3, 2, 1, 2), (3, 2, 2, 3), (3, 2, 3, 4))
    assert [each.field for each in solved.found] == [3, 5, 7, 9]
    assert list(solve(in_size=(32, 48), out_size=(8, 12), kernel=3, stride=2, dilation=1, layers=2)) == [(3, 2, 1, 1)]
    long = solve(in_size=32, out_size=15, kernel=range(1, 33), stride=1, dilation=1, padding=range(9), min_field=20)
    assert long.settings == tuple((18 + 2 * padding, 1, padding, 1) for padding in range(1, 8))  # 32 + 2·padding - (kernel - 1) = 15


def test_one_tap_has_no_gaps():
    assert solve(in_size=8, out_size=8, kernel=1).settings == ((1, 1, 0, 1),)
    assert solve(in_size=8, out_size=8, kernel=1, dilation=2).settings == ((1, 1, 0, 2),)


def test_which_wish_fails():
    solved = solve(in_size=32, out_size=15, kernel=3, stride=2, padding=1, dilation=1)
    assert not solved
    assert {each.wishes: each.nearest.setting for each in solved.failing} == {
        ("out_size",): (3, 2, 1, 1),
        ("kernel",): (5, 2, 1, 1),
        ("padding",): (3, 2, 0, 1),
        ("dilation",): (3, 2, 1, 2),
    }
    assert str(solved).splitlines()[:2] == [
        "No setting meets in_size=32, out_size=15, kernel=3, stride=2, padding=1, dilation=1.",
        "Without out_size=15 the nearest is kernel 3, stride 2, padding 1, dilation 1: 32 → 16, field 3.",
    ]


def test_nearest_is_nearest_to_the_wish_that_is_given_up():
    solved = solve(in_size=32, out_size=32, kernel=(3, 5), stride=1, dilation=1, min_field=9)
    assert dict(solved.failing)[("min_field",)].setting == (5, 1, 2, 1)
    assert dict(solved.failing)[("kernel",)].setting == (9, 1, 4, 1)


def test_two_wishes_at_once():
    solved = solve(in_size=32, out_size=15, kernel=3, stride=2, padding=1, dilation=1, min_field=60)
    assert all(len(each.wishes) == 2 and "min_field" in each.wishes for each in solved.failing)
    assert "Without out_size=15 and min_field=60 the nearest is" in str(solved)
    assert all(counted(32, each.nearest.setting, 1) == (each.nearest.out_size[0], each.nearest.field) for each in solved.failing)


def test_how_it_reads():
    text = str(solve(in_size=(32, 48), out_size=(16, 24)))
    assert text.startswith(f"{len(solve(in_size=(32, 48), out_size=(16, 24)))} settings for in_size=32×48, out_size=16×24:\n")
    assert "comes out" in text
    assert "16×24" in text
    assert ".settings has them all." in text
    assert "kernel=1…3, padding=(0, 2)" in str(solve(in_size=9, out_size=9, kernel=range(1, 4), padding=[0, 2]))
    assert repr(solve(in_size=7, out_size=4, kernel=3, padding=1, dilation=1)).startswith("1 setting for in_size=7")


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 3), st.integers(1, 30))
def test_every_setting_meets_the_wishes_or_some_are_given_up(n, out, layers, field):
    solved = solve(in_size=n, out_size=out, layers=layers, min_field=field, kernel=(1, 2, 3, 5), stride=(1, 2), dilation=(1, 2))
    for setting in solved:
        found, span = counted(n, setting, layers)
        assert found == out
        assert span >= field
    assert bool(solved) != bool(solved.failing)


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"in_size": 0}, r"^solve: in_size must be at least 1, but it is 0"),
        ({"in_size": 3.5}, r"^solve: in_size must be a whole number, but it is 3\.5"),
        ({"in_size": (1, 2, 3)}, r"^solve: in_size must be one whole number or a pair"),
        ({"in_size": 10**7}, r"^solve: in_size is at most 1,000,000 cells, but it is 10000000"),
        (
            {"in_size": 8, "out_size": (4, 4)},
            r"^solve: in_size and out_size are one number each, or \(rows, columns\) each, but they are 8 and \(4, 4\)",
        ),
        ({"in_size": 8, "kernel": 0}, r"^solve: kernel must be at least 1"),
        ({"in_size": 8, "kernel": "3"}, r"^solve: kernel must be a whole number, but it is '3'"),
        ({"in_size": 8, "stride": (1, 0)}, r"^solve: a value of stride must be at least 1"),
        ({"in_size": 8, "padding": -1}, r"^solve: padding must be at least 0"),
        ({"in_size": 8, "padding": []}, r"^solve: padding is a number or several to choose from, but it is empty"),
        ({"in_size": 8, "kernel": 10**8}, r"^solve: kernel is at most 1,000,000, but it is 100,000,000"),
        ({"in_size": 8, "min_field": 0}, r"^solve: min_field must be at least 1"),
        ({"in_size": 8, "layers": 0}, r"^solve: layers must be at least 1"),
        ({"in_size": 8, "layers": 101}, r"^solve: at most 100 equal layers are tried, but layers is 101"),
        (
            {"in_size": 8, "kernel": range(1, 10**9)},
            r"^solve: at most 200,000 settings, times the layers, are tried, but these wishes leave [\d,]+; name",
        ),
    ],
)
def test_wishes_that_are_none(wishes, message):
    with pytest.raises(ArgumentError, match=message):
        solve(**wishes)


def test_so_many_values_that_not_all_wishes_can_be_given_up():
    solved = solve(in_size=8, out_size=2, kernel=3, stride=1, dilation=1, padding=range(10, 30_000))
    assert ("out_size",) in {each.wishes for each in solved.failing}
