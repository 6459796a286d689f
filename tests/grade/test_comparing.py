"""Cases are the same everywhere and become small; a wrong value is told in a sentence that teaches."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from minicnn.grade.case import LAYOUTS, LENGTH, Case, cases, drawing, in_layout, shrunk, spellings
from minicnn.grade.comparing import allowed, changed, difference
from minicnn.grade.outcome import DIED, VALUE, Outcome

SIZES = st.fixed_dictionaries({"H": st.integers(1, 5), "W": st.integers(1, 6)})
TASK = SimpleNamespace(arguments=lambda settings, array: {"x": array(settings["H"], settings["W"])})
READ = {numbers: drawing(cases(SIZES, numbers)) for numbers in ("whole", "any")}  # Hypothesis wants none made inside @given


# ── cases ──


def test_a_case_is_the_same_numbers_at_every_call_in_memory_of_its_layout():
    plain = Case({"H": 2, "W": 3}, seed=7).arguments(TASK)["x"]
    for layout in LAYOUTS:
        x = Case({"H": 2, "W": 3}, layout=layout, seed=7).arguments(TASK)["x"]
        assert_array_equal(x, plain)
        assert x.flags.c_contiguous == (layout == "plain")
    assert Case({"H": 2, "W": 3}, "whole", seed=7).arguments(TASK)["x"].tolist() != plain.tolist()
    assert Case({"H": 1, "W": 2}, dtype="float32").arguments(TASK)["x"].dtype == np.float32
    assert in_layout(np.array(2.0), "strided") == 2
    assert Case({"H": 2, "W": 3}, "any", "float32", "reversed").words(TASK) == "x 2×3; float32, not contiguous (backwards in memory)"
    sizes = SimpleNamespace(arguments=lambda settings, _: {"in_size": 5, "kernel": 2})
    assert Case({}).words(sizes) == "in_size 5, kernel 2"


@given(st.integers())
def test_cases_of_a_seed_are_the_same_again_and_those_of_another_are_not(seed):
    def drawn(text):
        return [READ["any"](spelling).key for spelling in spellings(text, 6)]

    assert drawn(f"{seed}") == drawn(f"{seed}")
    assert drawn(f"{seed}")[1:] != drawn(f"{seed}/")[1:]
    assert dict(drawn(f"{seed}")[0][0]) == {"H": 1, "W": 1}


@given(st.binary(min_size=LENGTH, max_size=LENGTH), st.integers(1, 4), st.integers(1, 5))
def test_shrinking_finds_the_smallest_sizes(spelling, height, width):
    read = READ["whole"]

    def fails(candidate):
        case = read(candidate)
        return case is not None and case.settings["H"] > height and case.settings["W"] > width

    if fails(spelling):
        assert read(shrunk(spelling, fails)).key == ((("H", height + 1), ("W", width + 1)), "whole", "float64", "plain", 0)


# ── comparing ──

RIGHT = np.array([[1.0, 2, 4], [3, 5, 8]])


def plus(*row):
    return RIGHT + np.array(row)


@pytest.mark.parametrize(
    ("expected", "value", "says", "first"),
    [
        (RIGHT, None, r"is None, but a NumPy array of shape \(2, 3\).*Is there a `return`", None),
        (RIGHT, RIGHT[:, :2], r"shape \(2, 2\), but \(2, 3\) is right: axis 1 is 3 - 2 = 1 too short", None),
        (RIGHT, RIGHT.T, "the same lengths in another order", None),
        (RIGHT, RIGHT[None], "3 axes in place of 2", None),
        (RIGHT, RIGHT.astype(int), "int64, which drops fractions", None),
        (RIGHT, RIGHT.astype(np.float16), "float16, but float32 or float64", None),
        (RIGHT, plus(0, np.inf, 0), r"2 NaN or infinite numbers of 6, the first at \[0, 1\]: inf", (0, 1)),
        (RIGHT, 0 * RIGHT, "All of yours are 0", (0, 0)),
        (RIGHT, RIGHT[::-1, ::-1], "reverse order", (0, 0)),
        (RIGHT[:, :2], RIGHT[:, :2].T, "last two axes swapped", (0, 1)),
        (RIGHT, RIGHT - 2.5, "off by the same -2.5", (0, 0)),
        (RIGHT, RIGHT * 1.5, "is 1.5 times the right one", (0, 0)),
        (RIGHT, plus(0, 0, 1), "2 wrong numbers of 6, the first at .*5 where 4 is right. .*last index of axis 1", (0, 2)),
        (RIGHT, RIGHT + np.array([[0], [9]]), "last index of axis 0", (1, 0)),
        (RIGHT, plus(5, 0, 1), "the two ends of axis 1", (0, 0)),
        (RIGHT, plus(0, 7, 1), "Only index 0 of axis 1 is right", (0, 1)),
        (RIGHT, plus(1, 0, 0), "at index 0 of axis 1", (0, 0)),
        (RIGHT / 3, (RIGHT / 3).astype(np.float32), "float32's rounding", (0, 0)),
        (RIGHT / 3, (RIGHT / 3).astype(np.float16).astype(float), "as if float16", (0, 0)),
        (np.array([2.0]), np.array([3.0]), "holds 3, but 2 is right", (0,)),
        (4, 5, "is 5, but 4 is right. Yours is 1 too large", ()),
        (4, 4.0, "in place of /", ()),
        (4, np.array(3.5), "Divide with // where / leaves a fraction", ()),
        (4, True, "a bool, but an int is wanted: 4", None),
        (0.5, float("nan"), "holds nan, but 0.5", ()),
        ((1, 2), 1, "an int, but a tuple of 2 values", None),
        ((1, 2), (1, 2, 3), "a tuple of 3, but", None),
        ((1, 2), (1, 4), r"Your result\[1\] is 4, but 2 is right", (1,)),
        ((RIGHT, 3), (plus(0, 0, 1), 3), r"Your result\[0\] has 2 wrong", (0, 0, 2)),
    ],
)
def test_a_wrong_value_is_told_in_a_sentence(expected, value, says, first):
    found = difference(expected, Outcome(VALUE, value), 1e-12)
    assert found is not None
    assert re.search(says, found[0]), found[0]
    assert found[1] == first


def test_right_values_differ_in_nothing():
    for value in (RIGHT, RIGHT.astype(np.float32), RIGHT + 1e-7):
        assert difference(RIGHT, Outcome(VALUE, value), None) is None
    assert difference(RIGHT / 3, Outcome(VALUE, RIGHT / 3 + 1e-13), 1e-12) is None
    assert difference(4, Outcome(VALUE, np.array(4)), None) is None
    assert difference((1, RIGHT), Outcome(VALUE, (1, RIGHT)), (None, None)) is None
    assert difference(RIGHT, Outcome(DIED, says="It died."), None) == ("It died.", None)


def test_whole_numbers_are_exact_only_where_the_arguments_are_whole_too():
    task = SimpleNamespace(bound=lambda arguments: (0.5, 0.25))
    assert allowed(task, {"x": RIGHT, "stride": (1, 2)}, (RIGHT, RIGHT / 2)) == (None, 0.25)
    assert allowed(task, {"x": RIGHT / 2}, (RIGHT, RIGHT)) == (0.5, 0.25)
    assert allowed(SimpleNamespace(bound=lambda arguments: 0.5), {"x": RIGHT / 2}, RIGHT) == 0.5
    assert allowed(SimpleNamespace(bound=None), {"k": 3}, 4) is None


def test_what_a_call_did_to_its_arguments():
    assert changed({"x": RIGHT, "stride": (1, 2)}, {"x": RIGHT.copy()}) is None
    assert "its shape is (3,) and was (2, 3)" in changed({"x": RIGHT}, {"x": RIGHT[0]})[0]
