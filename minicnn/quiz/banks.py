"""Which question: how do questions get into Moodle, or into a program of one's own?

    quiz.bank("shapes.gift", "shapes", n=50)       Moodle: Question bank › Import › GIFT
    quiz.bank("shapes.json", "shapes", n=50)       one JSON document

Idea: as many different questions as wished, in Moodle's text format: numbers are typed, everything else is chosen among the answer and
the wrong answers that are known.  Each wrong answer brings its sentence along, and the derivation is what Moodle shows at the end.

Cost: drawing the questions.  What it does not do: read a bank; change one that is there.
Source: Moodle's documentation, "GIFT format".  Next room: catalogue.py.
"""

import json
import random
import re
from collections.abc import Sequence
from pathlib import Path

from minicnn import check
from minicnn.errors import ArgumentError
from minicnn.load.whole import named_path, places, written
from minicnn.quiz.catalogue import TOPICS, find, question, topics_of
from minicnn.quiz.question import Question, shown
from minicnn.quiz.student import OPEN

__all__ = ["as_gift", "as_json", "bank", "different"]

MOST = 100_000
IN_VAIN = 500  # draws in a row without a new question, after which there are no more
CHOICES = 6  # that a reader can keep apart
SPECIAL = re.compile(r"[\\~=#{}:]")  # what GIFT reads as its own


def bank(
    path,
    topic: str | None = None,
    *,
    n: int = 50,
    level: int | None = None,
    seed: int = 0,
    student: str = "",
    key: bytes = OPEN,
    overwrite: bool = False,
) -> tuple[Question, ...]:
    """Write n different questions to a file, GIFT for .gift and .txt, JSON for .json, and return them.

    topic : one, or a lesson's number or name; None takes all     level : one, or None for all in turn     seed, student, key : as in `question`
    Raises ArgumentError for another ending, a file that is there, or more questions than there are.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     len(bank(f"{folder}/shapes.gift", "output_shape", n=3))
    3
    """
    ending = named_path(path, "bank").suffix.lower()
    if ending not in (".gift", ".txt", ".json"):
        raise ArgumentError(f"bank: a bank is written as .gift (Moodle) or .json, but the file is called {Path(path).name!r}.")
    places(path, overwrite, "bank")
    names = tuple(TOPICS) if topic is None else tuple(each.name for each in topics_of(topic, "bank"))
    questions = different(names, n, level=level, seed=seed, student=student, key=key)
    text = as_json(questions) if ending == ".json" else as_gift(questions)
    written(path, lambda stream: stream.write(text.encode()), overwrite=overwrite, what="bank")
    return questions


def different(
    names: Sequence[str], n: int, *, level: int | None = None, seed: int = 0, student: str = "", key: bytes = OPEN
) -> tuple[Question, ...]:
    """Return n different questions of these topics in turn; those of one topic stand together, its lower levels first.

    >>> [q.level for q in different(("output_shape",), 5, level=2)], len({q.text for q in different(("output_shape",), 30)})
    ([2, 2, 2, 2, 2], 30)
    """
    topics = [find(name, "bank") for name in names]
    if check.integer(n, "n", "bank", 1) > MOST:
        raise ArgumentError(f"bank: at most {MOST:,} questions are drawn at once, but n is {n:,}.")
    kinds = [(topic, each) for topic in topics for each in ([level] if level is not None else range(1, topic.levels + 1))]
    first = check.integer(seed, "seed", "bank", 0) * MOST * IN_VAIN  # the seeds of one bank do not reach those of the next
    drawn: list[list[Question]] = [[] for _ in kinds]
    texts: set[str] = set()
    for place in range(n):
        (topic, of_level), kept = kinds[place % len(kinds)], drawn[place % len(kinds)]
        found = _new(topic.name, of_level, first + place * IN_VAIN, texts, student, key)
        if found is None:
            raise ArgumentError(
                f"bank: {n:,} different questions are asked for, but {topic.name} has no more than about {len(kept)} at level {of_level}; "
                f"ask for fewer, or for more topics."
            )
        kept.append(found)
        texts.add(found.text)
    return tuple(each for of_kind in drawn for each in of_kind)


def _new(topic: str, level: int, first: int, texts: set[str], student: str, key: bytes) -> Question | None:
    """Return a question whose text is not among these, None where drawing finds none."""
    drawn = (question(topic, level, first + again, student, key=key) for again in range(IN_VAIN))
    return next((each for each in drawn if each.text not in texts), None)


def as_json(questions: Sequence[Question]) -> str:
    """Return the questions as one JSON document."""
    return (
        json.dumps({"format": "minicnn question bank", "version": 1, "questions": [each.to_dict() for each in questions]}, indent=1) + "\n"
    )


def as_gift(questions: Sequence[Question]) -> str:
    """Return the questions as Moodle reads them, a category for each topic.

    >>> from minicnn.quiz.question import Wrong
    >>> print(as_gift([Question("t", 1, "How many rows?", 7, "8", ("15 - 3 = 12", "12/2 + 1 = 7"), (Wrong(8, "You round up."),), seed=5)]))
    $CATEGORY: $course$/minicnn/t
    <BLANKLINE>
    ::t, level 1, 5::[plain]How many rows?{#
      =7:0
      =%0%8:0#You round up.
      ####15 - 3 \\= 12\\n12/2 + 1 \\= 7
    }
    <BLANKLINE>
    """
    blocks, category = [], None
    for each in questions:
        if each.topic != category:
            category = each.topic
            title = TOPICS[category].title if category in TOPICS else category
            blocks.append(f"$CATEGORY: $course$/minicnn/{_line(title).replace('/', '//')}")
        blocks.append(_block(each))
    return "\n\n".join(blocks) + "\n"


def _block(asked: Question) -> str:
    numeric = isinstance(asked.answer, int)
    lines = _numbers(asked) if numeric else _choices(asked)
    name = _escaped(f"{asked.topic}, level {asked.level}, {asked.seed}")
    body = "\n".join(f"  {line}" for line in [*lines, f"####{_escaped(chr(10).join(asked.derivation))}"])
    return f"::{name}::[plain]{_escaped(asked.text)}{{{'#' if numeric else ''}\n{body}\n}}"


def _numbers(asked: Question) -> list[str]:
    """Return the answer and the wrong answers as numbers to be typed, exact."""
    wrong = [f"=%0%{each.value}:0#{_escaped(each.says)}" for each in asked.wrong if isinstance(each.value, int | float)]
    return [f"={asked.answer}:0", *wrong]


def _choices(asked: Question) -> list[str]:
    """Return all that there is to choose from, in an order that does not give the answer away."""
    says = {each.value: each.says for each in asked.wrong}
    values = list(asked.choices or [asked.answer, *list(says)[: CHOICES - 1]])
    if not asked.choices:
        random.Random(f"{asked.topic} {asked.seed}").shuffle(values)
    lines = []
    for value in values:
        feedback = f"#{_escaped(says[value])}" if value in says else ""
        lines.append(f"{'=' if value == asked.answer else '~'}{_escaped(shown(value, asked.form))}{feedback}")
    return lines


def _escaped(text: str) -> str:
    """Return a text in which nothing is GIFT's own; a line break is written as \\n.

    >>> print(_escaped("a = {1}"))
    a \\= \\{1\\}
    """
    return SPECIAL.sub(r"\\\g<0>", text).replace("\r", "").replace("\n", "\\n")


def _line(text: str) -> str:
    return " ".join(text.split())
