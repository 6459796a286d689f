"""A report as JSON: what is read again is what was kept."""

import json

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sample_reports import FLIPPED, backward, one_of_each, report, wrong_numbers

from minicnn.errors import FileFormatError, UnsupportedError
from minicnn.grade.kept import DTYPES, MOST_NUMBERS
from minicnn.grade.outcome import VALUE, Outcome
from minicnn.grade.report import GradeReport

SHAPES = arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
PLAIN = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text() | arrays.arrays(st.sampled_from(DTYPES), SHAPES)
VALUES = PLAIN | st.lists(PLAIN, max_size=3).map(tuple)


def again(one: GradeReport) -> GradeReport:
    return GradeReport.from_dict(json.loads(json.dumps(one.to_dict(), allow_nan=False)))


def assert_same(one, other):
    assert type(one) is type(other)
    if isinstance(one, tuple):
        assert len(one) == len(other)
        for pair in zip(one, other, strict=True):
            assert_same(*pair)
    elif isinstance(one, np.ndarray):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        np.testing.assert_array_equal(one, other)
    else:
        assert one == other or one != one


def test_every_kind_of_failure_comes_back():
    for each in (one_of_each(), report(), report(problem="line 3 is no Python", student="")):
        found = again(each)
        assert found.to_dict() == each.to_dict()
        assert str(found) == str(each)
        assert found._repr_html_() == each._repr_html_()


def test_by_hand():
    kept = report(None, backward()).to_dict()
    assert (kept["assignment"], kept["earned"], kept["points"], kept["passed"], kept["seed"]) == ("02", 2.0, 4.0, False, "f00d")
    why = kept["parts"][1]["failure"]
    assert why["first"] == [1, 0, 1, 0, 1]
    assert why["expected"]["tuple"][2] == {"array": "float64", "shape": [1], "numbers": [5.0]}


@given(VALUES)
@example(float("nan"))
@example(-float("inf"))
@example((-0.0, np.array([[np.nan, 1.5, -np.inf]], np.float16)))
@example(np.zeros((2, 0, 3), bool))
def test_values_come_back(value):
    why = again(report(wrong_numbers(outcome=Outcome(VALUE, value, after={"x": value}), arguments={"x": value}))).parts[0].failure
    for found in (why.outcome.value, why.outcome.after["x"], why.arguments["x"]):
        assert_same(value, found)


def test_a_misconception_keeps_its_words_and_not_its_code():
    belief = again(report(wrong_numbers())).parts[0].failure.misconception
    assert (belief.name, belief.function, belief.says, belief.lesson) == (FLIPPED.name, "conv2d", FLIPPED.says, "02")
    with pytest.raises(UnsupportedError, match="read from a file, which has its words and not its code"):
        belief(x=1)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.zeros(MOST_NUMBERS + 1), "an array of 20001, float64"),
        (np.zeros((2, 3), complex), "an array of 2×3, complex128"),
        (10**5000, "about 2^16609"),
        ((0,) * (MOST_NUMBERS + 1), "(0, 0, 0, 0, 0, 0, …)"),
        (((((5,),),),), "((((5,),),),)"),
        ((((((5,),),),),), "(((((5,),),),),)"),
        (object, "<class 'object'>"),
    ],
    ids=["large", "complex", "huge", "long", "4 deep", "5 deep", "no plain value"],
)
def test_what_is_too_large_is_kept_in_words(value, words):
    once = again(report(wrong_numbers(outcome=Outcome(VALUE, value))))
    assert repr(once.parts[0].failure.outcome.value) == words
    assert again(once).to_dict() == once.to_dict()


def test_tuples_without_end_are_kept_in_words():
    value = ()
    for _ in range(100_000):
        value = (value,)
    assert "left out" in json.dumps(report(wrong_numbers(outcome=Outcome(VALUE, value))).to_dict())


def without(kept: dict, *names: str) -> dict:
    return {name: value for name, value in kept.items() if name not in names}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda kept: [kept], "a kept report is a dictionary of format 1, but this is a list"),
        (lambda kept: kept | {"format": 2}, "but this is format 2; grade the submission again"),
        (lambda kept: without(kept, "title"), "no whole report, a field is missing or of another kind .KeyError: 'title'"),
        (lambda kept: kept | {"parts": None}, "no whole report.*TypeError"),
        (lambda kept: kept | {"student": {"array": "object", "shape": [1], "numbers": [1]}}, "no whole report.*an array of 'object'"),
        (lambda kept: kept | {"student": {"array": "float32", "shape": [2, 3], "numbers": [1.0]}}, "no whole report.*reshape"),
        (lambda kept: kept | {"student": {"array": "int8", "shape": [1], "numbers": [300]}}, "no whole report"),
        (lambda kept: kept | {"student": {}}, "no whole report.*left out"),
    ],
)
def test_what_is_no_report_is_told(change, message):
    with pytest.raises(FileFormatError, match=f"^from_dict: .*{message}"):
        GradeReport.from_dict(change(report(None).to_dict()))
