"""What people type, understood or met by an example."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicnn.errors import ArgumentError
from minicnn.quiz.question import shown
from minicnn.quiz.typed import typed

PLACES = frozenset({(4, 5)})


@pytest.mark.parametrize(
    "text", ["8x9", "8X9", "(8, 9)", "8,9", "8 × 9", "[8 9]", " 8  9 ", "8 by 9", "8*9", "8;9", "(8,9)", "8 and 9", "8\u00a0×\u00a09"]
)
def test_a_pair(text):
    assert typed(text, like=(1, 1)) == (8, 9)


@pytest.mark.parametrize(
    ("text", "like", "value"),
    [
        ("8", (1, 1), (8, 8)),
        ("3x7x9", (1, 1, 1), (3, 7, 9)),
        ("-1, 2", (1, 1), (-1, 2)),
        ("−1, 2", (1, 1), (-1, 2)),
        ("8.5 x 9.0", (1, 1), (8.5, 9)),
        ("1728", 1, 1728),
        ("1,728", 1, 1728),
        ("1 728 000", 1, 1728000),
        ("1_728", 1, 1728),
        ("= 12", 1, 12),
        ("(12)", 1, 12),
        ("12 px", 1, 12),
        ("12 multiply-adds", 1, None),
        ("12.", 1, 12),
        ("7.5", 1, 7.5),
        ("-3", 1, -3),
        ("8.0", 1, 8),
        ("(0, 1) (2, 3)", PLACES, {(0, 1), (2, 3)}),
        ("{(0,1), (2,3)}", PLACES, {(0, 1), (2, 3)}),
        ("[0 1] [2 3]", PLACES, {(0, 1), (2, 3)}),
        ("0,1; 2,3", PLACES, {(0, 1), (2, 3)}),
        ("0,1 2,3", PLACES, {(0, 1), (2, 3)}),
        ("0, 1  2, 3", PLACES, {(0, 1), (2, 3)}),
        ("2,3 2,3", PLACES, {(2, 3)}),
        ("none", PLACES, set()),
        ("None", PLACES, set()),
        ("{}", PLACES, set()),
        ("0,1 2,3", frozenset(), {(0, 1), (2, 3)}),
        ("3,2,1", frozenset({(1, 1, 1)}), {(3, 2, 1)}),
    ],
)
def test_what_is_meant(text, like, value):
    if value is None:
        with pytest.raises(ArgumentError):
            typed(text, like=like)
        return
    found = typed(text, like=like)
    assert found == value
    assert isinstance(found, frozenset) == isinstance(like, frozenset)
    assert not isinstance(found, float) or found != int(found)


@pytest.mark.parametrize("text", ["8x", "8 ×", "8 *"])
def test_half_a_pair_is_no_square(text):
    with pytest.raises(ArgumentError, match=r"2 numbers are asked for, but .* has 1"):
        typed(text, like=(1, 1))


@pytest.mark.parametrize(
    ("text", "value"), [("line 2", "line 2"), ("LINE  2", "line 2"), ("1", "line 2"), ("2.", "3x3 conv"), ("3×3 conv", "3x3 conv")]
)
def test_a_choice(text, value):
    assert typed(text, like="line 2", choices=("line 2", "3x3 conv")) == value


@pytest.mark.parametrize(
    ("text", "like", "message"),
    [
        ("eight", 1, r"^answer: numbers are typed in digits, but 'eight' has none; type for example 12\.$"),
        ("eight", (1, 1), r"^answer: numbers are typed in digits, but 'eight' has none; type for example 3x5\.$"),
        ("", 1, r"^answer: nothing was typed; type for example 12"),
        ("  ", (1, 1), r"^answer: nothing was typed"),
        ("8x8", 1, r"^answer: one number is asked for, but '8x8' has 2"),
        ("2·8", 1, r"has 2"),
        ("8-", 1, r"^answer: a number by itself is asked for, worked out, but it is '8-'"),
        ("about 8", 1, r"^answer: a number by itself"),
        ("8", (1, 1, 1), r"^answer: 3 numbers are asked for, but '8' has 1; type for example 3x5x7"),
        ("8x9x1", (1, 1), r"^answer: 2 numbers are asked for, but '8x9x1' has 3"),
        ("8 or 9", (1, 1), r"^answer: 'or' in '8 or 9' is not understood; type for example 3x5"),
        ("0,1 7", PLACES, r"^answer: 2 numbers are asked for, but '7' has 1; type for example \(0, 1\) \(2, 3\), or none"),
        ("(0, 1) 7", PLACES, r"^answer: '7' in '\(0, 1\) 7' stands in no brackets"),
        ("all of them", PLACES, r"has none"),
        ("1" * 401, 1, r"^answer: an answer has at most 400 characters, but this one has 401"),
        ("1" * 60, 1, r"^answer: numbers are typed in up to 15 digits, but '1{60}' has none"),
    ],
)
def test_what_cannot_be_meant_is_met_by_an_example(text, like, message):
    with pytest.raises(ArgumentError, match=message):
        typed(text, like=like)


def test_an_example_of_its_own_and_never_the_answer():
    with pytest.raises(ArgumentError, match=r"type for example 5x7\.$"):
        typed("x", like=(1, 1), form="5x7")
    with pytest.raises(ArgumentError, match=r"type for example 20\.$"):
        typed("x", like=12)
    with pytest.raises(ArgumentError, match=r"type for example 4x6\.$"):
        typed("x", like=(3, 5))
    with pytest.raises(
        ArgumentError, match=r"^answer: one of the 2 choices is asked for, but it is '3'; type its words, or its number, 1 to 2\.$"
    ):
        typed("3", like="a", choices=("a", "b"))
    with pytest.raises(ArgumentError, match=r"^answer: what was typed is a text, but it is a int; pass str"):
        typed(8, like=8)


@given(
    st.one_of(
        st.integers(-(10**12), 10**12),
        st.lists(st.integers(-99, 10**6), min_size=2, max_size=4).map(tuple),
        st.frozensets(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=9),
    )
)
def test_an_answer_as_it_is_shown_is_understood(value):
    assert typed(shown(value), like=value) == value
    if not isinstance(value, frozenset):
        assert typed(str(value), like=value) == value


@given(st.integers(0, 10**14), st.sampled_from([",", "_", " "]))
def test_thousands(value, mark):
    assert typed(f"{value:,}".replace(",", mark), like=1) == value


@given(st.text(max_size=60), st.sampled_from([1, (1, 1), PLACES, frozenset()]))
def test_any_text_is_a_value_or_one_message(text, like):
    try:
        found = typed(text, like=like)
    except ArgumentError as error:
        found = str(error)
    assert isinstance(found, frozenset | tuple | int | float) or (found.startswith("answer: ") and found.endswith("."))
