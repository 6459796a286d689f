"""Which question: what is a question, to a program?

Idea: a frozen value with one right answer, the lines that lead to it with the reader's numbers, and the wrong answers that people
give, each with a sentence to whoever gives it.  A wrong answer that is right after all, or stands there twice, cannot be made.

Cost: none.  What it does not do: draw numbers (topics/), read what was typed (typed.py), ask (asking.py, cell.py).
Source: Brown & Burton (1978), as in misconceptions/misconception.py.  Next rooms: catalogue.py, typed.py.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from minicnn.errors import ArgumentError
from minicnn.misconceptions import Misconception

__all__ = ["Answer", "Question", "Wrong", "bare", "believed_value", "distinct", "shown"]

Answer = int | float | tuple[int, ...] | frozenset[tuple[int, ...]] | str  # a float is a wrong answer only: 7.5 windows


@dataclass(frozen=True, slots=True)
class Wrong:
    """A wrong answer, one sentence to who gives it, and the lesson to reread.

    >>> Wrong(8, "You round up where the stride does not divide.", "02").value
    8
    """

    value: Answer
    says: str
    lesson: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A question, its one right answer, and the wrong ones that are known.

    answer  : int, tuple of ints, frozenset of tuples, or one of `choices`     form : what an answer looks like, "8 or 7x9"
    choices : () or the strings to choose from, in drawn order                 derivation : lines that end in the answer
    wrong   : values all different, none of them the answer                    seed : makes the same question again

    Raises ArgumentError for a question with no right answer, two of them, or no derivation.

    >>> q = Question("output_shape", 1, "How many rows?", 7, "8", ("floor((15 - 3)/2) + 1 = 7",), (Wrong(8, "You round up."),))
    >>> q.is_right(7), q.why(8).says, q.why(9)
    (True, 'You round up.', None)
    """

    topic: str
    level: int
    text: str
    answer: Answer
    form: str
    derivation: tuple[str, ...]
    wrong: tuple[Wrong, ...] = ()
    choices: tuple[str, ...] = ()
    lesson: str = ""
    seed: int | None = None

    def __post_init__(self):
        if not self.derivation or isinstance(self.derivation, str):
            raise ArgumentError(f"Question: derivation is a tuple of lines, but it is {self.derivation!r}.")
        seen = [self.answer]
        for each in self.wrong:
            if _among(each.value, seen):
                what = "the answer" if each.value == self.answer else "another wrong answer's"
                raise ArgumentError(
                    f"Question: the values of wrong are all different and none is the answer, but {each.value!r} is {what}; "
                    f"make them with distinct(answer, wrong)."
                )
            seen.append(each.value)
        if self.choices and not all(value in self.choices for value in seen):
            stray = next(value for value in seen if value not in self.choices)
            raise ArgumentError(f"Question: an answer is one of choices, but {stray!r} is not among {', '.join(self.choices)}.")
        if len(set(self.choices)) != len(self.choices):
            raise ArgumentError(f"Question: choices are all different, but they are {self.choices!r}.")

    def is_right(self, value: Answer) -> bool:
        """Return whether a value is the answer."""
        return _among(value, [self.answer])

    def why(self, value: Answer) -> Wrong | None:
        """Return the known wrong answer that a value is, or None."""
        return next((each for each in self.wrong if _among(value, [each.value])), None)

    def to_dict(self) -> dict:
        """Return the question as plain data, for JSON; a set becomes its tuples in order.

        >>> Question("t", 1, "Which?", frozenset({(1, 0), (0, 2)}), "0,2 1,0", ("…",)).to_dict()["answer"]
        [[0, 2], [1, 0]]
        """
        facts = {name: getattr(self, name) for name in ("topic", "level", "text", "form", "lesson", "seed")}
        wrong = [{"value": _jsonable(each.value), "says": each.says, "lesson": each.lesson} for each in self.wrong]
        return facts | {
            "answer": _jsonable(self.answer),
            "choices": list(self.choices),
            "derivation": list(self.derivation),
            "wrong": wrong,
        }


def distinct(answer: Answer, candidates: Iterable[Wrong | None]) -> tuple[Wrong, ...]:
    """Return the candidates whose values differ from the answer and from those before them; None is passed over.

    >>> [each.value for each in distinct(7, [Wrong(8, "a"), Wrong(7, "b"), None, Wrong(8, "c"), Wrong(6, "d")])]
    [8, 6]
    """
    kept, seen = [], [answer]
    for each in candidates:
        if each is not None and not _among(each.value, seen):
            kept.append(each)
            seen.append(each.value)
    return tuple(kept)


def believed_value(misconception: Misconception, *args, **arguments) -> Wrong | None:
    """Return the wrong answer of who believes this, None where the belief leads to no answer.

    >>> from minicnn.misconceptions.output_size import ceil_for_floor
    >>> believed_value(ceil_for_floor, 16, 3, 2, 0, 1).value
    8
    """
    try:
        value = misconception(*args, **arguments)
    except (ArithmeticError, ValueError, LookupError):  # the wrong arithmetic may divide by nothing
        return None
    return Wrong(value, misconception.says, misconception.lesson)


def shown(value: Answer, form: str = "") -> str:
    """Return an answer as it is written to a reader; form : an example, whose commas say that a tuple is no size.

    >>> shown(1728), shown((7, 9)), shown(frozenset({(1, 0), (0, 2)})), shown(frozenset()), shown("line 2")
    ('1728', '7×9', '(0, 2) (1, 0)', 'none', 'line 2')
    >>> shown((96, 32, 4), form="(8, 4, 2)")
    '(96, 32, 4)'
    """
    if isinstance(value, frozenset):
        return " ".join(f"({', '.join(map(str, each))})" for each in sorted(value)) or "none"
    if isinstance(value, tuple):
        return f"({', '.join(map(str, value))})" if "," in form else "×".join(map(str, value))
    return str(value)


def bare(text: str) -> str:
    """Return a word without what makes no difference between words.

    >>> bare(" 3 × 3 "), bare("Same")
    ('3x3', 'same')
    """
    return "".join(text.lower().replace("×", "x").split())


def _among(value: Answer, values: list) -> bool:
    """Return whether a value is one of these; True is not 1, and '1' is not 1."""
    return any(value == each and isinstance(value, bool) == isinstance(each, bool) for each in values)


def _jsonable(value: Answer):
    if isinstance(value, frozenset):
        return [list(each) for each in sorted(value)]
    return list(value) if isinstance(value, tuple) else value
