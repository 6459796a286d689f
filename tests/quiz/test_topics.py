"""Every topic of the quiz: each question has one right answer, found again by counting, and wrong ones that say what was believed."""

import random
import re

import brute_force
import numpy as np
import pytest
from hypothesis import settings as profile

from minicnn import conv2d
from minicnn.errors import ShapeError
from minicnn.misconceptions.output_size import ceil_for_floor, first_window_not_counted, not_rounded_at_all, padding_forgotten
from minicnn.quiz.catalogue import TOPICS, question
from minicnn.quiz.question import Question, Wrong, shown
from minicnn.quiz.topics import _making
from minicnn.quiz.topics.field_of_stack import described
from minicnn.quiz.topics.layout_and_strides import steps
from minicnn.quiz.topics.parameters import learned
from minicnn.quiz.topics.pixel_box import seen, span
from minicnn.quiz.topics.which_outputs import feeds
from minicnn.quiz.typed import typed

MANY = {5: 25, 50: 100, 200: 1000, 2000: 10_000}[profile.default.max_examples]  # few, dev, ci, deep
NAMES = [
    "output_shape",
    "padding_for_size",
    "same_with_stride",
    "transposed",
    "which_inputs",
    "which_outputs",
    "all_settings",
    "groups",
    "parameters",
    "wrong_line",
    "field_of_stack",
    "field_and_size",
    "pixel_box",
    "bytes",
    "layout_and_strides",
    "multiply_adds",
]


def questions(topic: str, many: int):
    """Yield questions of all levels in turn."""
    levels = TOPICS[topic].levels
    return (question(topic, 1 + seed % levels, seed) for seed in range(many))


def numbers_of(text: str) -> set[int]:
    return {int(number) for number in re.findall(r"-?\d+", text)}


def all_ints(answer) -> bool:
    """Return whether a tuple, or each tuple of a set, holds Python's own ints: NumPy's are not written to JSON."""
    flat = answer if isinstance(answer, tuple) else (part for each in answer for part in each)
    return all(type(part) is int for part in flat)


class TestCatalogue:
    def test_the_topics_are_these(self):
        assert set(TOPICS) == set(NAMES)
        assert {each.lesson for each in TOPICS.values()} <= {f"0{lesson}" for lesson in range(1, 9)}
        assert all(each.levels in (2, 3) and each.title for each in TOPICS.values())

    @pytest.mark.parametrize("topic", NAMES)
    def test_a_seed_gives_one_question_whatever_was_drawn_before(self, topic):
        first = question(topic, 2, 11)
        random.seed(3)
        assert question(topic, 2, 11) == first
        assert (first.topic, first.level, first.seed, first.lesson) == (topic, 2, 11, TOPICS[topic].lesson)

    @pytest.mark.parametrize("topic", NAMES)
    def test_questions_differ(self, topic):
        for level in range(1, TOPICS[topic].levels + 1):
            drawn = [question(topic, level, seed) for seed in range(60)]
            assert len({each.text for each in drawn}) >= 50
            assert len({shown(each.answer) for each in drawn}) >= (5 if not drawn[0].choices else len(drawn[0].choices))


class TestByHand:
    """One question a topic that was worked on paper, from its text: what a seed draws stays as it is, too."""

    @pytest.mark.parametrize(
        ("topic", "level", "answer"),
        [
            ("output_shape", 1, 6),  # 16 cells, kernel 5, stride 3, padding 2: 20 - 5 = 15, 5 steps and the first window
            ("output_shape", 2, (18, 10)),  # 37×29, kernel 2×4, stride 2×3, padding 0×1: floor(35/2) + 1, floor(27/3) + 1
            ("padding_for_size", 1, 6),  # kernel 13: 12 cells, half on each side
            ("padding_for_size", 2, (2, 3)),  # kernel 6: 5 cells, the odd one after
            ("same_with_stride", 2, (1, 2)),  # 11 cells, kernel 5, stride 3: 4 windows span 14
            ("transposed", 1, 14),  # 5 cells, kernel 2, stride 4, padding 2: 16 + 2 - 4
            ("groups", 1, (2, 3)),  # 4 channels and 10 filters in 2 groups: filter 6 is in group 1
            ("parameters", 1, 1530),  # 30·2·25 + 30
            ("wrong_line", 1, "line 4"),  # floor((6 + 4 - 4)/2) + 1 = 4, and 3 is written
            ("which_inputs", 1, {(9, 9), (10, 9), (11, 9)}),  # output (3, 3), stride 3, kernel 3×1
            ("which_outputs", 2, 3),  # cell (8, 6), kernel 4×2, stride 1×2, padding 1: outputs 6, 7, 8 and 3
            ("field_and_size", 1, 4),  # 11 + 4·8 = 43
            ("all_settings", 1, {(3, 0), (4, 3)}),  # 29 to 9 by a kernel of 3: 26/3 = 8, 32/4 = 8
            ("layout_and_strides", 1, (1728, 288, 32, 4)),  # (4, 6, 9, 8) in float32
            ("layout_and_strides", 2, 973),  # 2·429 + 2·39 + 12·3 + 1
            ("bytes", 1, 472416),  # 7·12·37·19·8
            ("multiply_adds", 1, 71604),  # 13·17·12 sums of 27
            ("pixel_box", 1, (9, 22)),  # 3·3, then 14 pixels
            ("field_of_stack", 3, (128, 81, -16)),  # 1 + 4 + 6 + 9 + 108; 3·3·3·3; -1 - 6 - 9
        ],
    )
    def test_of_seed_1(self, topic, level, answer):
        assert question(topic, level, 1).answer == answer

    def test_the_topics_helpers(self):
        assert learned(1, 6, (5, 5)) == 156  # LeNet-5's first layer
        assert steps((2, 3, 5, 7), 4) == (420, 140, 28, 4)
        assert feeds(14, 15, (2, 2, 0, 1)) == ()  # 7 windows of 2 cells end at cell 13
        assert seen([(2, 2, 0, 1), (3, 1, 1, 1)], 5, 1) == (0, 3)  # pooling drops cell 4, which the closed form holds
        assert span((4 + 2 * 1, 2, -2), 1) == (0, 5)
        assert seen([(9, 1, 0, 1)], 5, 0) is None
        assert seen([(3, 1, 0, 1)], 5, 3) is None
        assert "2 layers" in described([(3, 1, 0, 1)] * 2)


@pytest.mark.parametrize("topic", NAMES)
class TestEveryQuestion:
    def test_has_the_answer_that_counting_finds_and_no_other(self, topic):
        for each in questions(topic, MANY):
            counted = brute_force.found(each)
            assert each.answer == counted, f"{each.topic}, level {each.level}, seed {each.seed}: counted {counted}\n{each.text}"
            assert type(each.answer) in (int, str, tuple, frozenset)
            assert isinstance(each.answer, int | str) or all_ints(each.answer)
            assert all(wrong.value != counted for wrong in each.wrong)

    def test_meets_at_least_two_wrong_answers_with_what_was_believed(self, topic):
        for each in questions(topic, MANY):
            assert len(each.wrong) >= 2
            assert len({wrong.value for wrong in each.wrong}) == len(each.wrong)
            for wrong in each.wrong:
                assert wrong.lesson in {f"0{lesson}" for lesson in range(1, 9)}
                assert re.fullmatch(r"[A-Z1-9].*[.]", wrong.says), wrong.says
                assert not each.is_right(wrong.value)
                assert each.why(wrong.value) is wrong

    def test_is_answered_by_typing(self, topic):
        for each in questions(topic, MANY // 5):
            for value in (each.answer, *(wrong.value for wrong in each.wrong)):
                assert typed(written(value), each.answer, choices=each.choices) == value
            assert typed(each.form.partition(", or")[0], each.answer, choices=each.choices) is not None
            assert each.choices or typed(each.form.partition(", or")[0], each.answer) != each.answer

    def test_is_derived_to_its_answer_with_the_readers_numbers(self, topic):
        for each in questions(topic, MANY // 5):
            told = "\n".join(each.derivation)
            if isinstance(each.answer, str):
                assert each.derivation[0].startswith(each.answer)
                continue
            if each.topic != "which_inputs" and each.topic != "which_outputs" and isinstance(each.answer, frozenset):
                assert all(str(setting) in told for setting in each.answer)
            last = {each.answer} if isinstance(each.answer, int) else {part for value in each.answer for part in np.atleast_1d(value)}
            assert last <= numbers_of(told), f"{each.answer} is not in\n{told}"

    def test_reads_well(self, topic):
        for each in questions(topic, MANY // 5):
            words = "\n".join([each.text, *each.derivation, *(wrong.says for wrong in each.wrong)])
            assert not re.search(
                r"None|True|False|\{|\}|  \S+  |\b1 (pixels|cells|channels|layers|filters) ", words.replace("\n  ", "\n")
            ), words
            assert each.text[-1] in "?.0123456789"
            assert max(map(len, each.text.splitlines())) <= 420


def written(value) -> str:
    """Return a value as somebody types it."""
    if isinstance(value, frozenset):
        return " ".join(map(str, sorted(value))) or "none"
    return str(value)


class TestByNaN:
    """What is asked of single layers, put to the engine: a NaN in one cell reaches the outputs that see it, and no others."""

    @staticmethod
    def reached(each: Question, cell, size):
        (kernel, stride, padding, dilation) = zip(*brute_force.axis_settings(each.text)[0], strict=True)
        x = np.zeros((1, 1, *size))
        x[0, 0, *cell] = np.nan
        y = conv2d(x, np.ones((1, 1, *kernel)), stride=stride, padding=padding, dilation=dilation, algorithm="im2col")
        return frozenset(map(tuple, np.argwhere(np.isnan(y[0, 0])).tolist()))

    @pytest.mark.parametrize("level", [1, 2, 3])
    def test_which_outputs(self, level):
        for seed in range(10):
            each = question("which_outputs", level, seed)
            size, cell = (brute_force.numbers(rf"{what}(\d+)\D(?: )?(\d+)", each.text) for what in ("map of ", r"cell \("))
            found = self.reached(each, cell, size)
            assert each.answer == (len(found) if level == 2 else found)

    @pytest.mark.parametrize("level", [1, 2, 3])
    def test_which_inputs(self, level):
        for seed in range(3):
            each = question("which_inputs", level, seed)
            size, out = (brute_force.numbers(rf"{what}(\d+)\D(?: )?(\d+)", each.text) for what in ("map of ", r"output \("))
            found = (cell for cell in np.ndindex(size) if out in self.reached(each, cell, size))
            assert each.answer == frozenset(found)


class TestMaking:
    def test_telling_draws_again_until_two_mistakes_are_told_apart(self):
        def no_room():
            raise ShapeError("no room")

        few, enough = ([Wrong(n, "You add.") for n in range(2, 2 + many)] for many in (1, 2))
        draws = iter(
            [lambda: None, no_room, lambda: _making.made("a", 1, "8", ["1"], few), lambda: _making.made("b", 1, "8", ["1"], enough)]
        )
        assert _making.telling(lambda: next(draws)()).text == "b"

    def test_under_leaves_out_what_nobody_answers(self):
        beliefs = [ceil_for_floor, first_window_not_counted, not_rounded_at_all, padding_forgotten]
        one = list(_making.under(beliefs, lambda size: size(4, 3, 2, 0, 1)))
        assert [wrong.value for wrong in one] == [2, 1.5, 1]  # the 0 of who leaves out the first window is left out
        two = list(_making.under(beliefs, lambda size: (size(4, 3, 2, 0, 1), size(6, 3, 2, 0, 1))))
        assert [wrong.value for wrong in two] == [(2, 3), (1, 2)]  # and a tuple with 1.5
        thirds = _making.under([not_rounded_at_all], lambda size: size(7, 3, 3, 0, 1))
        assert list(thirds) == []  # 2.333… is typed by nobody
        assert all(wrong.says == belief.says for wrong, belief in zip(two, (ceil_for_floor, padding_forgotten), strict=True))

        def divides_by_nothing(*_):
            return 1 // 0

        assert list(_making.under([divides_by_nothing], lambda size: size(4, 3, 2, 0, 1))) == []

    def test_settings_are_worded_alike(self):
        assert _making.settings((3, 5), (2, 2), (0, 1), (1, 1)) == "kernel 3×5, stride 2, padding 0×1"
        assert _making.settings(3, 2, 1, 2) == "kernel 3, stride 2, padding 1, dilation 2"
        assert brute_force.axis_settings("kernel 3×5, stride 2, padding 0×1") == [[(3, 2, 0, 1), (5, 2, 1, 1)]]


class TestBruteForce:
    """The counting itself, on what is known from elsewhere."""

    def test_windows(self):
        assert brute_force.windows(5, 3, 2, 1) == [[-1, 0, 1], [1, 2, 3], [3, 4, 5]]
        assert brute_force.windows(7, 2, 1, 0, 3) == [[0, 3], [1, 4], [2, 5], [3, 6]]

    def test_field_of_vgg16(self):
        block = [(3, 1, 1, 1)]
        stack = [
            *block * 2,
            (2, 2, 0, 1),
            *block * 2,
            (2, 2, 0, 1),
            *block * 3,
            (2, 2, 0, 1),
            *block * 3,
            (2, 2, 0, 1),
            *block * 3,
            (2, 2, 0, 1),
        ]
        assert brute_force.field(stack) == (212, 32, -90)
