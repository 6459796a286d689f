"""Questions as values, the catalogue, a student's own seeds, and the session that comes back to what went wrong."""

import random
import re
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicnn import quiz
from minicnn.errors import ArgumentError, UnknownNameError
from minicnn.misconceptions.output_size import ceil_for_floor, dilation_as_stride
from minicnn.quiz.asking import ENOUGH, MOST, Answered, Asked, Idea, Session
from minicnn.quiz.catalogue import LESSONS, TOPICS, Topic, find, topics_of
from minicnn.quiz.question import Question, Wrong, believed_value, distinct, shown
from minicnn.quiz.student import OPEN, seed_for
from minicnn.quiz.typed import typed

FORGET, SQUARE = "You forget to double {}.", "You square {}: double it."


def doubled(rng: random.Random, level: int) -> Question:
    """A topic of which everything is known: squaring shows in every other question only."""
    number = rng.randrange(3, 10**6)
    wrong = [Wrong(number, FORGET.format(number), "02")]
    if number % 2:
        wrong.append(Wrong(number * number, SQUARE.format(number), "03"))
    return Question("", 0, f"Level {level}: twice {number}?", 2 * number, "12", (f"2·{number} = {2 * number}",), tuple(wrong))


@pytest.fixture
def toy(monkeypatch):
    monkeypatch.setitem(TOPICS, "doubled", Topic("doubled", "doubling", "02", 3, doubled))
    monkeypatch.setitem(TOPICS, "tripled", Topic("tripled", "tripling", "03", 2, doubled))


def made(**changes) -> Question:
    facts = {"topic": "t", "level": 1, "text": "?", "answer": 7, "form": "8", "derivation": ("6 + 1 = 7",)}
    return Question(**facts | changes)


class TestQuestion:
    def test_it_knows_its_answers(self):
        asked = made(wrong=(Wrong(8, "a", "02"), Wrong(7.5, "b")))
        assert asked.is_right(7)
        assert not asked.is_right(8)
        assert not made(answer=1).is_right(True)
        assert asked.why(7.5).says == "b"
        assert asked.why(7) is None
        with pytest.raises(FrozenInstanceError):
            asked.answer = 8

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            (
                {"wrong": (Wrong(7, "a"),)},
                r"^Question: the values of wrong are all different and none is the answer, but 7 is the answer; make",
            ),
            ({"wrong": (Wrong(8, "a"), Wrong(8, "b"))}, r"but 8 is another wrong answer's"),
            ({"derivation": ()}, r"^Question: derivation is a tuple of lines, but it is \(\)"),
            ({"derivation": "a line"}, r"^Question: derivation is a tuple of lines, but it is 'a line'"),
            ({"answer": "a", "choices": ("b", "c")}, r"^Question: an answer is one of choices, but 'a' is not among b, c\.$"),
            ({"answer": "a", "choices": ("a", "b"), "wrong": (Wrong("c", "x"),)}, r"but 'c' is not among a, b"),
            ({"answer": "a", "choices": ("a", "b", "b")}, r"^Question: choices are all different"),
        ],
    )
    def test_one_that_cannot_be_answered_cannot_be_made(self, changes, message):
        with pytest.raises(ArgumentError, match=message):
            made(**changes)

    def test_distinct_and_believed_value(self):
        wrong = [Wrong(7, "right after all"), None, Wrong(8, "a"), Wrong(8, "b"), Wrong(9, "c")]
        assert [(each.value, each.says) for each in distinct(7, wrong)] == [(8, "a"), (9, "c")]
        assert len(wrong) == 5
        assert believed_value(ceil_for_floor, 16, 3, 2, 0, 1) == Wrong(8, ceil_for_floor.says, "02")
        assert believed_value(dilation_as_stride, 16, 3, 0, 0, 1) is None  # it would divide by 0

    def test_plain_data(self):
        asked = made(answer=frozenset({(3, 1), (0, 2)}), wrong=(Wrong(frozenset(), "a"), Wrong(frozenset({(1, 1)}), "b", "05")), seed=4)
        plain = asked.to_dict()
        assert plain["answer"] == [[0, 2], [3, 1]]
        assert plain["wrong"] == [{"value": [], "says": "a", "lesson": ""}, {"value": [[1, 1]], "says": "b", "lesson": "05"}]
        assert plain["seed"] == 4
        assert made(answer=(7, 9)).to_dict()["answer"] == [7, 9]
        assert [shown(value) for value in (7, (7, 9), frozenset({(1, 0)}), "b")] == ["7", "7×9", "(1, 0)", "b"]


class TestCatalogue:
    def test_the_function_is_not_the_module(self):
        assert callable(quiz.question)
        assert set(quiz.__all__) <= set(dir(quiz))
        with pytest.raises(AttributeError, match=r"'minicnn\.quiz' has no attribute 'frob'"):
            quiz.frob  # noqa: B018

    def test_the_same_numbers_the_same_question(self, toy):
        first = quiz.question("doubled", 2, seed=7)
        assert first == quiz.question("doubled", 2, seed=7)
        assert (first.topic, first.level, first.seed, first.lesson) == ("doubled", 2, 7, "02")
        assert len({quiz.question("doubled", seed=seed).text for seed in range(50)}) == 50
        drawn = quiz.question("doubled", 2)
        assert drawn == quiz.question("doubled", 2, seed=drawn.seed)
        assert quiz.question("doubled", 1, seed=7).answer != first.answer

    def test_students(self, toy):
        ada, emmy = (quiz.question("doubled", seed=3, student=name) for name in ("Ada", "Emmy"))
        assert ada != emmy
        assert ada == quiz.question("doubled", seed=3, student=" Ada ") == quiz.question("doubled", seed=ada.seed)
        assert ada != quiz.question("doubled", seed=3, student="Ada", key=b"a secret of 16 bytes")
        assert seed_for("Ada", "doubled", 1) != seed_for("Ada", "tripled", 1) != seed_for("Ada", "tripled", 2)
        assert len(OPEN) >= 16
        assert seed_for("Ada", "doubled", 12) != seed_for("Ada", "doubled 1", 2)
        with pytest.raises(ArgumentError, match=r"^student: a course's secret has at least 16 bytes, but it has 5; make one"):
            seed_for("Ada", "doubled", key=b"short")
        with pytest.raises(ArgumentError, match=r"^student: a course's secret is bytes, but it is a str; a text is key\.encode\(\)\.$"):
            seed_for("Ada", "doubled", key="a secret of 16 letters")
        with pytest.raises(ArgumentError, match=r"^quiz: topics is a tuple of names, but it is 'groups'; write \('groups',\)\.$"):
            quiz.Session("groups")

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            (("doubeld",), UnknownNameError, r"^question: there is no topic 'doubeld'\. Did you mean 'doubled'\?$"),
            ((3,), ArgumentError, r"^question: a topic is named by a word such as '\w+', but it is 3"),
            (("doubled", 4), ArgumentError, r"^question: doubled has levels 1 to 3, but level is 4"),
            (("doubled", 0), ArgumentError, r"^question: level must be at least 1, but it is 0"),
            (("doubled", 1, -1), ArgumentError, r"^question: seed must be at least 0"),
            (("doubled", 1, 1.5), ArgumentError, r"^question: seed must be a whole number, but it is 1\.5"),
            (("doubled", 1, 1, "  "), ArgumentError, r"^student: a student is named by a text such as 'Ada', but it is '  '"),
            (("doubled", 1, 1, 5), ArgumentError, r"^student: a student is named by a text"),
        ],
    )
    def test_what_does_not_exist(self, toy, arguments, error, message):
        with pytest.raises(error, match=message):
            quiz.question(*arguments)

    def test_a_lesson_by_its_number_or_name(self, toy):
        assert find("Output-Shape").name == "output_shape"
        for name in ("02", "2", "shapes", "Shapes "):
            assert "doubled" in {topic.name for topic in topics_of(name)}
            assert {topic.lesson for topic in topics_of(name)} == {"02"}
        assert [topic.name for topic in topics_of("doubled")] == ["doubled"]
        with pytest.raises(UnknownNameError, match=r"^quiz: there is no topic or lesson 'shaps'\. Did you mean 'shapes'\?$"):
            topics_of("shaps")

    def test_a_lesson_without_topics(self, monkeypatch):
        monkeypatch.setattr("minicnn.quiz.catalogue.TOPICS", {"doubled": Topic("doubled", "doubling", "02", 3, doubled)})
        with pytest.raises(UnknownNameError, match=r"^quiz: lesson 08 has no quiz of its own; the lessons that have are 02\.$"):
            topics_of("five_ways")

    def test_the_lessons_are_eight_in_order(self):
        assert list(LESSONS.values()) == [f"{number:02}" for number in range(1, 9)]
        assert [topic.lesson for topic in TOPICS.values()] == sorted(topic.lesson for topic in TOPICS.values())


@pytest.mark.parametrize("name", list(TOPICS))
def test_every_topic_can_be_typed_and_told(name):
    for level in range(1, TOPICS[name].levels + 1):
        for seed in range(15):
            asked = quiz.question(name, level, seed)
            like = {"like": asked.answer, "choices": asked.choices, "form": asked.form}
            assert typed(shown(asked.answer), **like) == asked.answer
            assert all(asked.why(typed(shown(each.value), **like)) == each for each in asked.wrong)
            assert all(type(typed(form, **like)) is type(asked.answer) for form in re.split(r",? or ", asked.form))
            assert asked.to_dict()["seed"] == seed


def wrong_by(asked: Asked, says: str):
    """Return the wrong answer of who has an idea; the right one where it does not show."""
    start = says.split("{")[0]
    return next((each.value for each in asked.question.wrong if each.says.startswith(start)), asked.question.answer)


class TestSession:
    def test_all_right_is_as_planned(self, toy):
        session, levels = Session(("doubled",), n=5, seed=3), []
        while asked := session.next():
            levels.append(asked.question.level)
            session = session.answered(asked, asked.question.answer)
        assert levels == [1, 2, 3, 3, 3]
        assert session.standings == ()
        assert len({each.asked.question.text for each in session.answers}) == 5

    def test_it_comes_back_until_two_in_a_row_are_right(self, toy):
        session = Session(("doubled",), n=1, seed=3)
        session = session.answered(session.next(), wrong_by(session.next(), FORGET))
        backs = []
        while asked := session.next():
            backs.append(asked.back_to.told)
            session = session.answered(asked, asked.question.answer if len(backs) != 2 else wrong_by(asked, FORGET))
        assert len(backs) == 2 + ENOUGH  # right, wrong again, and then two in a row
        assert all(back.startswith("You forget to double") for back in backs)
        (standing,) = session.standings
        assert standing.gone
        assert standing.wrong == 2
        assert standing.idea.lesson == "02"

    def test_it_comes_back_with_a_question_on_which_the_idea_shows(self, toy):
        session = Session(("doubled",), n=12, seed=1)
        while asked := session.next():
            if asked.back_to:
                assert asked.back_to == Idea("doubled", "You square #: double it.")
                assert wrong_by(asked, SQUARE) != asked.question.answer
            session = session.answered(asked, wrong_by(asked, SQUARE) if not asked.back_to else asked.question.answer)
        assert any(each.asked.back_to for each in session.answers)
        assert sum(each.asked.back_to is None for each in session.answers) == 12

    def test_another_question_comes_in_between(self, toy):
        session = Session(("doubled", "tripled"), n=2, seed=5)
        first = session.next()
        session = session.answered(first, wrong_by(first, FORGET))
        second = session.next()
        assert second.back_to is None
        assert second.question.topic == "tripled"
        assert session.answered(second, second.question.answer).next().back_to.topic == "doubled"

    def test_four_wrong_answers_are_put_off(self, toy):
        session = Session(("doubled",), n=1)
        while asked := session.next():
            session = session.answered(asked, wrong_by(asked, FORGET))
        assert len(session.answers) == MOST
        assert session.standings[0].put_off
        assert not session.standings[0].gone

    def test_an_unknown_answer_or_none_is_an_idea_of_the_topic(self, toy):
        session = Session(("doubled",), n=1)
        session = session.answered(session.next(), -1)
        assert session.standings[0].idea == Idea("doubled", "")
        assert session.next().back_to.topic == "doubled"
        shown_first = Session(("doubled",), n=1)
        shown_first = shown_first.answered(shown_first.next(), None)
        assert shown_first.answers[0].wrong is None
        assert not shown_first.answers[0].right
        assert shown_first.next().back_to == Idea("doubled", "")

    def test_the_level_falls_to_1_with_a_wrong_answer_and_stays_where_it_is_told(self, toy):
        session = Session(("doubled",), n=9)
        for _ in range(2):
            session = session.answered(session.next(), session.next().question.answer)
        assert session.level_of("doubled") == 3
        session = session.answered(session.next(), -1)
        assert session.level_of("doubled") == 1
        assert Session(("tripled", "doubled"), level=3).level_of("tripled") == 2

    def test_plans_spread_over_the_topics_in_the_order_of_the_lessons(self, toy):
        names = tuple(TOPICS)
        plan = Session(n=3, seed=1).plan
        assert len(set(plan)) == 3
        assert sorted(plan, key=names.index) == list(plan)
        assert Session(("doubled", "tripled"), n=5).plan[:4] == ("doubled", "tripled") * 2
        assert len({Session(n=3, seed=seed).plan for seed in range(20)}) > 1

    def test_what_is_next_follows_from_the_answers_alone(self, toy):
        session = Session(("doubled", "tripled"), n=4, seed=8, student="Ada")
        for _ in range(5):
            asked = session.next()
            assert asked == session.next()
            session = session.answered(asked, wrong_by(asked, FORGET))
        again = Session(("doubled", "tripled"), n=4, seed=8, student="Ada", answers=session.answers)
        assert again.next() == session.next()
        assert Session(("doubled",), student="Ada").next() != Session(("doubled",), student="Emmy").next()

    @settings(max_examples=10)  # whoever guesses is asked a hundred times
    @given(st.integers(0, 10**6), st.lists(st.integers(0, 3), min_size=1, max_size=8), st.integers(1, 3))
    def test_it_ends_and_what_is_left_was_asked_often(self, seed, habits, n):
        session = Session(("transposed", "parameters"), n=n, seed=seed)
        while asked := session.next():
            values = [asked.question.answer, *(each.value for each in asked.question.wrong)]
            session = session.answered(asked, values[habits[len(session.answers) % len(habits)] % len(values)])
            assert len(session.answers) < 400
        assert all(each.gone or each.put_off for each in session.standings)

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ({"topics": ("frob",)}, UnknownNameError, r"^quiz: there is no topic 'frob'"),
            ({"n": 0}, ArgumentError, r"^quiz: n must be at least 1"),
            ({"n": 1001}, ArgumentError, r"^quiz: at most 1,000 questions are planned, but n is 1,001"),
            ({"topics": ("doubled",), "level": 4}, ArgumentError, r"^quiz: doubled has levels 1 to 3, but level is 4"),
            ({"level": 0}, ArgumentError, r"^quiz: level must be at least 1"),
        ],
    )
    def test_what_cannot_be_asked(self, toy, arguments, error, message):
        with pytest.raises(error, match=message):
            Session(**arguments)

    def test_an_answer_is_a_value(self, toy):
        asked = Session(("doubled",)).next()
        assert Answered(asked, asked.question.answer).right
        assert Answered(asked, asked.question.wrong[0].value).wrong == asked.question.wrong[0]
