"""The predict cell, in Python: what a lesson may ask, what travels to the page, what a lesson's mistakes are told."""

import builtins
import json
import sys

import numpy as np
import pytest

from minicnn import quiz
from minicnn.errors import ArgumentError, UnknownNameError, UnsupportedError
from minicnn.quiz import cell as cell_room
from minicnn.quiz.plain_answers import example, plain, same
from minicnn.quiz.question import Question, Wrong


def test_a_question_travels_as_plain_data():
    wrong = {(8, 10): "That is ceil."}
    cell = quiz.predict("How many?", answer=(7, 9), wrong=wrong, because="floor((15 - 3)/2) + 1 = 7")
    assert cell.answer == {"kind": "numbers", "numbers": [7, 9], "text": "7×9"}
    assert cell.wrong == [{"value": {"kind": "numbers", "numbers": [8, 10], "text": "8×10"}, "says": "That is ceil."}]
    assert cell.because == ["floor((15 - 3)/2) + 1 = 7"]
    assert (cell.form, cell.choices, cell.typed, cell.state, cell.tries) == ("8x9", [], "", "open", 0)
    assert wrong == {(8, 10): "That is ceil."}
    json.dumps(cell.get_state(), default=repr)


@pytest.mark.parametrize(
    ("answer", "form", "travels"),
    [
        (7, "", {"kind": "integer", "numbers": [7], "text": "7"}),
        (np.int64(7), "", {"kind": "integer", "numbers": [7], "text": "7"}),
        (0.25, "", {"kind": "real", "numbers": [0.25], "within": 0.005, "text": "0.25"}),
        (0.2369, "0.123", {"kind": "real", "numbers": [0.2369], "within": 0.0005, "text": "0.237"}),
        (1 / 3, "", {"kind": "real", "numbers": [1 / 3], "within": 0.0005, "text": "0.333"}),
        (15470.3, "", {"kind": "real", "numbers": [15470.3], "within": 50.0, "text": "15470"}),
        (np.float64(2.5), "", {"kind": "real", "numbers": [2.5], "within": 0.05, "text": "2.5"}),
        ([1, 3, 5], "", {"kind": "numbers", "numbers": [1, 3, 5], "text": "1×3×5"}),
        ({(1, 0), (0, 2)}, "", {"kind": "set", "members": [[0, 2], [1, 0]], "text": "(0, 2) (1, 0)"}),
        (" valid ", "", {"kind": "word", "word": "valid", "text": "valid"}),
    ],
)
def test_every_kind_of_answer(answer, form, travels):
    assert plain(answer, "predict", form=form) == travels


@pytest.mark.parametrize("answer", [7, 12, (8, 9), (7, 9), (3,), (2, 8, 9), (1, 2, 8, 9), (2, 3, 4, 5, 6), 0.25, 12.3, {(0, 2)}])
def test_the_example_is_not_the_answer(answer):
    right = plain(answer, "predict")
    shown = example(right)
    assert shown
    numbers = [float(part) for part in shown.replace("x", " ").replace(",", " ").replace("(", " ").replace(")", " ").split()]
    if right["kind"] == "set":
        assert numbers == [0, 1, 2, 3]
    else:
        assert len(numbers) == len(right["numbers"])
        assert not same({"kind": right["kind"], "numbers": numbers}, right)


def test_choices_are_shown_as_they_are_read():
    cell = quiz.predict("Which?", (7, 9), choices=[(7, 9), (8, 10)], wrong={(8, 10): "That is ceil."})
    assert cell.choices == ["7×9", "8×10"]
    assert cell.answer == {"kind": "word", "word": "7×9", "text": "7×9"}
    assert cell.wrong[0]["value"]["word"] == "8×10"
    assert cell.form == ""


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("", 7), r"predict: question is a text, but it is ''; ask for one thing"),
        ((3, 7), r"predict: question is a text, but it is 3"),
        (("q", True), r"predict: an answer is a whole number, .* but it is True; for yes or no, give choices=\('yes', 'no'\)\."),
        (("q", None), r"predict: an answer is .* but it is None"),
        (("q", (1, 2.5)), r"but it is \(1, 2\.5\)|but it is 2\.5"),
        (("q", float("nan")), r"but it is nan"),
        (("q", ()), r"but it is \(\)"),
        (("q", " "), r"but it is ' '"),
        (("q", 7, {}, 5), r"predict: because is a line of text or several, but it is 5\."),
        (("q", 7, {}, ("1", 5)), r"predict: because is .*\('1', 5\)\."),
        (("q", 7, {}, "1", (), 5), r"predict: form is an example of what to type, a text such as '8x9', but it is 5\."),
    ],
)
def test_what_cannot_be_asked(arguments, error):
    with pytest.raises(ArgumentError, match=error):
        quiz.predict(*arguments[:2], **dict(zip(("wrong", "because", "choices", "form"), arguments[2:], strict=False)))


@pytest.mark.parametrize(
    ("answer", "settings", "error"),
    [
        (7, {"wrong": {7: "…"}}, r"predict: a wrong value is not the answer, but 7 is taken for 7; leave it out\."),
        (2.5, {"wrong": {2.52: "…"}}, r"a wrong value is not the answer, but 2\.52 is taken for 2\.5"),
        ((8, 8), {"wrong": {8: "…"}}, r"but 8 is taken for 8×8"),
        (7, {"wrong": {"seven": "…"}}, r"a wrong value is of the answer's kind, but 'seven' stands beside 7"),
        (7, {"wrong": {8: ""}}, r"wrong gives each value a sentence, but that of 8 is ''"),
        (7, {"wrong": [8]}, r"wrong is \{value: sentence\}, but it is \[8\]"),
        ("a", {"choices": ["b", "c"]}, r"an answer is one of choices, but 'a' is not among b, c\."),
        ("a", {"choices": ["a"]}, r"choices are two or more different values, but they are a\."),
        ("a", {"choices": ["a", "b", "b"]}, r"choices are two or more different values"),
        ("a", {"choices": ["a", "b"], "wrong": {"c": "…"}}, r"but 'c' is not among a, b\."),
    ],
)
def test_mistakes_of_a_lesson(answer, settings, error):
    with pytest.raises(ArgumentError, match=error):
        quiz.predict("q", answer, **settings)


def test_a_square_may_be_answered_by_its_side():
    cell = quiz.predict("q", (7, 9), wrong={8: "Both?"})
    assert cell.wrong[0]["value"]["numbers"] == [8, 8]
    assert quiz.predict("q", (7, 9), wrong={(8,): "Both?"}).wrong[0]["value"]["numbers"] == [8, 8]


def test_strides_are_no_size_and_are_written_as_their_form():
    cell = quiz.predict("strides?", (96, 32, 4), wrong={(24, 8, 1): "bytes"}, form="(8, 4, 2)")
    assert (cell.answer["text"], cell.wrong[0]["value"]["text"]) == ("(96, 32, 4)", "(24, 8, 1)")


def test_a_student_of_a_course_gets_the_course_s_question():
    key = b"a course's secret key, of 30 bytes"
    cell = quiz.ask("output_shape", seed=2, student="Ada", key=key)
    assert cell.question == quiz.question("output_shape", 1, 2, "Ada", key=key).text != quiz.question("output_shape", 1, 2, "Ada").text
    cell._handle_custom_msg({"kind": "next"}, [])
    assert cell.question == quiz.question("output_shape", 1, 3, "Ada", key=key).text


def test_where_nothing_runs_the_question_and_its_answer_can_be_read():
    cell = quiz.predict("Is 3 < 4 & why?", 7, because=["a < b"])
    data, _ = cell._repr_mimebundle_()
    assert data["text/plain"] == "[question: Is 3 < 4 & why?]"
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "Is 3 &lt; 4 &amp; why?" in data["text/html"]
    assert "<summary>The answer</summary><p>7</p><ul><li>a &lt; b</li></ul>" in data["text/html"]


@pytest.fixture
def drawn(monkeypatch):
    """A catalogue of one topic whose answers are seeds, and what was asked of it."""
    asked = []

    def question(topic, level=1, seed=None, student="", *, key=b""):
        asked.append((topic, level, seed, student))
        return Question(topic, level, f"number {len(asked)}", seed or 0, "12", ("because",), (Wrong(-1, "No."),), seed=seed)

    monkeypatch.setattr("minicnn.quiz.catalogue.question", question)
    return asked


def test_the_next_question_comes_from_python(drawn):
    cell = quiz.ask("sizes", level=2, seed=7, student="Ada")
    assert (cell.topic, cell.question, cell.answer["numbers"]) == ("sizes", "number 1", [7])
    assert cell.wrong[0]["says"] == "No."
    cell.set_trait("state", "right"), cell.set_trait("typed", "7"), cell.set_trait("tries", 2)
    cell._handle_custom_msg({"kind": "next"}, [])
    assert (cell.question, cell.answer["numbers"], cell.state, cell.typed, cell.tries, cell.turn) == ("number 2", [8], "open", "", 0, 1)
    cell._handle_custom_msg({"kind": "other"}, [])
    assert cell.question == "number 2"
    assert drawn == [("sizes", 2, 7, "Ada"), ("sizes", 2, 8, "Ada")]


@pytest.mark.parametrize("topic", list(quiz.TOPICS))
def test_every_question_of_every_topic_can_be_asked(topic):
    for level in range(1, quiz.TOPICS[topic].levels + 1):
        for seed in range(40):
            cell, made = quiz.ask(topic, level, seed), quiz.question(topic, level, seed)
            assert cell.question == made.text
            assert [each["says"] for each in cell.wrong] == [each.says for each in made.wrong]


def test_half_a_window_is_known_beside_a_whole_number():
    cell = quiz.predict("How many?", 7, wrong={7.5: "No half windows."})
    assert cell.wrong[0]["value"] == {"kind": "real", "numbers": [7.5], "within": 0, "text": "7.5"}


def test_without_a_seed_each_question_is_drawn(drawn):
    quiz.ask("sizes")._handle_custom_msg({"kind": "next"}, [])
    assert drawn == [("sizes", 1, None, "")] * 2


def test_a_topic_that_is_none():
    with pytest.raises(UnknownNameError, match=r"question: there is no topic 'shapez'"):
        quiz.ask("shapez")


def test_without_anywidget(monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name == "anywidget":
            raise ImportError(name)
        return real(name, *rest)

    cell_room._cell_class.cache_clear()
    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.delitem(sys.modules, "anywidget", raising=False)
    with pytest.raises(
        UnsupportedError, match=r'predict: .* needs the package anywidget, which is not installed: pip install "minicnn-engine\[lessons\]"'
    ):
        quiz.predict("q", 7)
