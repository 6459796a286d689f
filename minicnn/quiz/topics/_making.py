"""Which question: what do all topics do with the numbers they have drawn?

Idea: `made` puts a question together, `telling` draws until enough of the known mistakes give answers of their own, `under` asks what
comes out for who believes something else.  Settings and rules are worded here once, so that every topic says them alike.

Cost: integers.  What it does not do: choose numbers.  Source: none.  Next rooms: output_shape.py and its neighbours; question.py.
"""

import re
from collections.abc import Callable, Iterable, Iterator

from minicnn.axis import Slide
from minicnn.errors import ShapeError
from minicnn.misconceptions import Misconception
from minicnn.quiz.question import Answer, Question, Wrong, distinct, shown
from minicnn.text import times

SIZE_RULE = "out = floor((in + 2·padding - dilation·(kernel - 1) - 1) / stride) + 1"
TELLING = 2  # known wrong answers that a question has at least


def made(
    text: str, answer: Answer, form: str, derivation: Iterable[str], candidates: Iterable[Wrong | None], choices: tuple[str, ...] = ()
) -> Question:
    """Return the question; its topic, level, lesson and seed are the catalogue's to fill in.

    >>> made("1 + 1?", 2, "8", ["1 + 1 = 2"], [Wrong(11, "You write them side by side."), Wrong(2, "No mistake at all.")]).wrong
    (Wrong(value=11, says='You write them side by side.', lesson=''),)
    """
    return Question("", 1, text, answer, form, tuple(derivation), distinct(answer, candidates), choices)


def telling(draw: Callable[[], Question | None]) -> Question:
    """Return the first question drawn that tells mistakes apart: at least two of them give wrong answers, and different ones.

    `draw` returns None, or meets a kernel that does not fit, where its numbers make no question.  Source: none.

    >>> drawn = iter([None, made("a", 1, "8", ["1"], []), made("b", 1, "8", ["1"], [Wrong(2, "…"), Wrong(3, "…")])])
    >>> telling(lambda: next(drawn)).text
    'b'
    """
    while True:
        try:
            question = draw()
        except ShapeError:
            continue
        if question is not None and len(question.wrong) >= TELLING and _digits(question.form) != _digits(shown(question.answer)):
            return question


def _digits(text: str) -> list[str]:
    """Return the numbers of a text, to see that an example of what to type is not the answer."""
    return re.findall(r"-?\d+", text)


def under(beliefs: Iterable[Misconception], compute: Callable, least: int | None = 1) -> Iterator[Wrong]:
    """Yield the answer of who believes each of these: compute(belief), where the belief stands in for the right function.

    least : answers below it are left out (a size of 0 is nobody's None keeps all.  What nobody would type is left out, too.

    >>> from minicnn.misconceptions.output_size import ceil_for_floor, first_window_not_counted
    >>> [wrong.value for wrong in under([ceil_for_floor, first_window_not_counted], lambda size: size(16, 3, 2, 0, 1))]
    [8, 6]
    """
    for belief in beliefs:
        try:
            value = compute(belief)
        except (ArithmeticError, ValueError, LookupError):  # wrong arithmetic may divide by nothing
            continue
        parts = value if isinstance(value, tuple) else (value,)
        if _typed_by_somebody(value) and (least is None or all(part >= least for part in parts)):
            yield Wrong(value, belief.says, belief.lesson)


def _typed_by_somebody(value: Answer) -> bool:
    """Return whether a value is one that can be typed: 7.5 and whole numbers are, 3.666… is not."""
    if isinstance(value, float):
        return value == round(value, 2)
    return not isinstance(value, tuple) or all(isinstance(part, int) for part in value)


def settings(kernel, stride=1, padding=0, dilation=1) -> str:
    """Return the settings in words; a pair is rows × columns, one number where both are the same, and dilation is named where it is not 1.

    >>> settings((3, 5), (2, 1), (1, 1)), settings(3, dilation=2)
    ('kernel 3×5, stride 2×1, padding 1', 'kernel 3, stride 1, padding 0, dilation 2')
    """
    words = {"stride": _word(stride), "padding": _word(padding), "dilation": _word(dilation)}
    if words["dilation"] == "1":
        del words["dilation"]
    return ", ".join(
        [f"kernel {times(kernel) if isinstance(kernel, tuple) else kernel}", *(f"{name} {word}" for name, word in words.items())]
    )


def _word(value) -> str:
    """Return one number for both axes, or rows × columns where they differ."""
    if isinstance(value, tuple):
        return times(value) if value[0] != value[1] else f"{value[0]}"
    return f"{value}"


def slide(kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> Slide:
    """Return the rule of one axis with the same padding on both sides.

    >>> slide(3, 2, 1).out_size(15)
    8
    """
    return Slide(kernel, stride, padding, padding, dilation)


def listed(numbers: Iterable[int]) -> str:
    """Return numbers with commas between.

    >>> listed((0, 1, 2))
    '0, 1, 2'
    """
    return ", ".join(map(str, numbers))
