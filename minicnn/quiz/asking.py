"""Which question: what is asked next, after all that was answered?

    session = Session(("output_shape", "groups"), n=6)
    while asked := session.next():
        session = session.answered(asked, value)          another session, one answer longer

Idea: a session is a frozen value, and what comes next follows from its answers alone.  A wrong answer opens an idea: its topic and
the sentence that was told.  The session comes back to it with a question on which that idea would show again, after another
question where there is one, until two in a row were answered right; then the idea is gone.

    planned ─ wrong ─► open ─ another question ─► back to it ─ right, twice in a row ─► gone
                         ▲────────────── wrong ◄──────┘           wrong 4 times ─► put off, to be read about

Cost: none; questions are drawn until one fits.  What it does not do: read, print, or remember anything outside itself.
Source: Corbett & Anderson, Knowledge tracing (1995), for practice until mastery.  Next rooms: catalogue.py, cli/quiz.py.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from minicnn import check
from minicnn.errors import ArgumentError
from minicnn.quiz.catalogue import TOPICS, find, question
from minicnn.quiz.question import Answer, Question, Wrong
from minicnn.quiz.student import OPEN, seed_for

__all__ = ["Answered", "Asked", "Idea", "Session"]

ENOUGH = 2  # right answers in a row: one may be luck
MOST = 4  # wrong answers of one idea, after which asking again does not help
LONGEST = 1000  # questions planned
TRIES = 40  # questions drawn to find one on which an idea would show
APART = 1000  # seeds between one question and the next


@dataclass(frozen=True)
class Asked:
    """A question of a session, and whether it comes back to an idea; `back_to` is the sentence about it."""

    question: Question
    back_to: "Idea | None" = None


@dataclass(frozen=True)
class Answered:
    """What was asked and what came: a value, or None where the derivation was shown instead."""

    asked: Asked
    value: Answer | None

    @property
    def right(self) -> bool:
        return self.value is not None and self.asked.question.is_right(self.value)

    @property
    def wrong(self) -> Wrong | None:
        """The wrong answer that is known, where it was one."""
        return None if self.value is None else self.asked.question.why(self.value)


@dataclass(frozen=True)
class Idea:
    """A misconception of a topic; `says` is "" where a wrong answer is not known, and then any question of the topic will do."""

    topic: str
    says: str
    lesson: str = field(compare=False, default="")
    told: str = field(compare=False, default="")

    def shows_in(self, question: Question) -> bool:
        """Return whether somebody with this idea would give a wrong answer to a question, and be known by it."""
        return question.topic == self.topic and (not self.says or any(_without_numbers(each.says) == self.says for each in question.wrong))


@dataclass(frozen=True)
class Standing:
    """How it stands with an idea: wrong answers so far, right ones since the last, and when it was asked last."""

    idea: Idea
    wrong: int = 0
    in_a_row: int = 0
    last: int = 0

    @property
    def gone(self) -> bool:
        return self.in_a_row >= ENOUGH

    @property
    def put_off(self) -> bool:
        return not self.gone and self.wrong >= MOST


@dataclass(frozen=True)
class Session:
    """A quiz: topics by name, how many questions are planned, and what was answered.

    level : None begins at 1, and goes up by one with each right answer to a topic, back to 1 with a wrong one
    seed, student, key : as in `question`                  answers : in the order in which they came
    Raises ArgumentError or UnknownNameError for what does not exist.

    >>> session = Session(("output_shape",), n=1, seed=3)
    >>> first = session.next()
    >>> session.answered(first, first.question.answer).next() is None
    True
    >>> missed = session.answered(first, first.question.wrong[0].value)
    >>> missed.next().back_to.says == missed.standings[0].idea.says
    True
    """

    topics: tuple[str, ...] = ()
    n: int = 10
    level: int | None = None
    seed: int = 0
    student: str = ""
    key: bytes = field(default=OPEN, repr=False)
    answers: tuple[Answered, ...] = ()

    def __post_init__(self):
        if isinstance(self.topics, str):
            raise ArgumentError(f"quiz: topics is a tuple of names, but it is {self.topics!r}; write ({self.topics!r},).")
        names = tuple(find(name, "quiz").name for name in self.topics) or tuple(TOPICS)
        object.__setattr__(self, "topics", names)
        if check.integer(self.n, "n", "quiz", 1) > LONGEST:
            raise ArgumentError(f"quiz: at most {LONGEST:,} questions are planned, but n is {self.n:,}; write more of them to a bank.")
        most = max(TOPICS[name].levels for name in names)
        if self.level is not None and check.integer(self.level, "level", "quiz", 1) > most:
            raise ArgumentError(
                f"quiz: {', '.join(names) if len(names) < 4 else 'a topic'} has levels 1 to {most}, but level is {self.level}."
            )

    def answered(self, asked: Asked, value: Answer | None) -> "Session":
        """Return the session with one answer more; None says that the derivation was asked for."""
        return replace(self, answers=(*self.answers, Answered(asked, value)))

    @property
    def plan(self) -> tuple[str, ...]:
        """The topics of the planned questions: spread over all of them, in the order of the lessons."""
        rounds, rest = divmod(self.n, len(self.topics))
        chosen = set(random.Random(f"plan {self.student} {self.seed}").sample(self.topics, rest))
        return self.topics * rounds + tuple(name for name in self.topics if name in chosen)

    @property
    def standings(self) -> tuple[Standing, ...]:
        """How it stands with each idea that showed, in the order in which they did."""
        return standings(self.answers)

    def next(self) -> Asked | None:
        """Return what is asked next, None at the end."""
        still = [each for each in self.standings if not each.gone and not each.put_off]
        rested = [each for each in still if each.last < len(self.answers) - 1]
        planned = sum(each.asked.back_to is None for each in self.answers)
        if rested or (still and planned >= self.n):
            idea = min(rested or still, key=lambda each: each.last).idea
            return Asked(self._that_shows(idea), idea)
        return Asked(self._drawn(self.plan[planned])) if planned < self.n else None

    def level_of(self, topic: str) -> int:
        """Return the level of the next question of a topic."""
        if self.level is not None:
            return min(self.level, TOPICS[topic].levels)
        level = 1
        for each in self.answers:
            if each.asked.question.topic == topic:
                level = level + 1 if each.right else 1
        return min(level, TOPICS[topic].levels)

    def _drawn(self, topic: str, level: int = 0, again: int = 0) -> Question:
        place = (self.seed * APART + len(self.answers)) * APART + again
        seed = seed_for(self.student, topic, place, self.key) if self.student else place
        return question(topic, level or self.level_of(topic), seed)

    def _that_shows(self, idea: Idea) -> Question:
        """Return a question on which an idea would show: at the level of now or, failing that, where it showed before."""
        before = next(each.asked.question for each in reversed(self.answers) if idea.shows_in(each.asked.question))
        asked = {each.asked.question.text for each in self.answers}
        for level in (self.level_of(idea.topic), before.level):
            for again in range(TRIES):
                drawn = self._drawn(idea.topic, level, again)
                if idea.shows_in(drawn) and drawn.text not in asked:
                    return drawn
        return before  # so rare that the same one has to do


def standings(answers: Sequence[Answered]) -> tuple[Standing, ...]:
    """Return how it stands with each idea, from the answers alone."""
    found: dict[Idea, Standing] = {}
    for place, each in enumerate(answers):
        if each.right:
            for idea, standing in found.items():
                if idea.shows_in(each.asked.question) and not standing.gone:
                    found[idea] = replace(standing, in_a_row=standing.in_a_row + 1, last=place)
            continue
        idea = _idea(each)
        found[idea] = Standing(idea, wrong=found[idea].wrong + 1 if idea in found else 1, last=place)
    return tuple(found.values())


def _idea(answer: Answered) -> Idea:
    """Return the idea behind a wrong answer; one that is not known, on the way back to an idea, is that idea still."""
    asked, wrong = answer.asked.question, answer.wrong
    if wrong is None:
        return answer.asked.back_to or Idea(asked.topic, "", asked.lesson)
    return Idea(asked.topic, _without_numbers(wrong.says), wrong.lesson or asked.lesson, wrong.says)


def _without_numbers(text: str) -> str:
    """Return a sentence without its numbers, which differ from question to question."""
    return re.sub(r"\d+", "#", text)
