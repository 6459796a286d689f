"""Which question: which topics are there, and what is the next question of one?

Idea: a topic is a file of topics/ with TITLE, LESSON, LEVELS and question(rng, level); the catalogue reads them from the files,
in the order of their lessons.  Numbers are drawn by a generator that starts from topic, level and seed: the same three, the same question.

Cost: importing the topics, once.  What it does not do: remember what was asked (asking.py).
Source: none.  Next rooms: topics/, student.py, asking.py.
"""

import importlib
import pkgutil
import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from minicnn import check
from minicnn.errors import ArgumentError, UnknownNameError, nearest
from minicnn.quiz import topics
from minicnn.quiz.question import Question
from minicnn.quiz.student import OPEN, seed_for

__all__ = ["LESSONS", "TOPICS", "Topic", "find", "question", "topics_of"]

LESSONS = {  # what a lesson is called, beside its number
    "feature_maps": "01",
    "shapes": "02",
    "channels": "03",
    "relu_pooling": "04",
    "receptive_fields": "05",
    "real_network": "06",
    "memory_and_layout": "07",
    "five_ways": "08",
}

SEEDS = 2**32  # a seed that nobody named is drawn below it: short enough to be written down


@dataclass(frozen=True)
class Topic:
    """What one file of topics/ says: its name, title, lesson, how many levels it has, and how a question is drawn."""

    name: str
    title: str
    lesson: str
    levels: int
    draw: Callable[[random.Random, int], Question]

    def __repr__(self):
        return f"Topic({self.name}: {self.title}; lesson {self.lesson}, {self.levels} levels)"


def _from_the_files() -> dict[str, Topic]:
    """Return every topic by its name, in the order of the lessons; of one lesson first those that begin gently, in more levels."""
    found = []
    for file in pkgutil.iter_modules(topics.__path__):
        if not file.name.startswith("_"):
            module = importlib.import_module(f"{topics.__name__}.{file.name}")
            if hasattr(module, "TITLE"):  # a file that several topics share has none
                found.append(Topic(file.name, module.TITLE, module.LESSON, module.LEVELS, module.question))
    return {topic.name: topic for topic in sorted(found, key=lambda topic: (topic.lesson, -topic.levels, topic.name))}


TOPICS = _from_the_files()


def find(name: str, what: str = "question") -> Topic:
    """Return the topic of this name; hyphens and blanks may stand for underscores.  Raises UnknownNameError with the nearest one."""
    if not isinstance(name, str):
        raise ArgumentError(f"{what}: a topic is named by a word such as {next(iter(TOPICS))!r}, but it is {name!r}.")
    if _plain(name) not in TOPICS:
        raise UnknownNameError(f"{what}: there is no topic {name!r}.{nearest(_plain(name), TOPICS)}")
    return TOPICS[_plain(name)]


def topics_of(name: str, what: str = "quiz") -> tuple[Topic, ...]:
    """Return the topics that a word names: one by its name, or all of a lesson by its number or name, as in `minicnn quiz shapes`.

    Raises UnknownNameError with the nearest name.

    >>> "output_shape" in {topic.name for topic in topics_of("shapes")}, topics_of("02") == topics_of("shapes")
    (True, True)
    """
    if not isinstance(name, str) or _plain(name) in TOPICS:
        return (find(name, what),)
    lesson = LESSONS.get(_plain(name), _plain(name).zfill(2))
    found = tuple(topic for topic in TOPICS.values() if topic.lesson == lesson)
    if not found and lesson in LESSONS.values():
        known = ", ".join(sorted({topic.lesson for topic in TOPICS.values()}))
        raise UnknownNameError(f"{what}: lesson {lesson} has no quiz of its own; the lessons that have are {known}.")
    if not found:
        raise UnknownNameError(f"{what}: there is no topic or lesson {name!r}.{nearest(_plain(name), [*TOPICS, *LESSONS])}")
    return found


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "_").replace(" ", "_")


def question(topic: str, level: int = 1, seed: int | None = None, student: str = "", *, key: bytes = OPEN) -> Question:
    """Return one question of a topic; the same topic, level, seed and student give the same question.

    level : 1 for whole small numbers, more for settings that trip people up     seed : None draws one; it stands in `seed` of what is returned
    student : a name, whose questions are then this student's own               key : the course's secret, without which anybody can tell them
    Raises UnknownNameError for a topic, ArgumentError for a level that does not exist or a seed below 0.

    >>> first = question("output_shape", seed=7)
    >>> first == question("output_shape", seed=7), first == question("output_shape", seed=8), first.is_right(first.answer)
    (True, False, True)
    """
    chosen = find(topic)
    level = check.integer(level, "level", "question", 1)
    if level > chosen.levels:
        raise ArgumentError(f"question: {chosen.name} has levels 1 to {chosen.levels}, but level is {level}.")
    seed = random.randrange(SEEDS) if seed is None else check.integer(seed, "seed", "question", 0)
    if student:
        seed = seed_for(student, chosen.name, seed, key)
    drawn = chosen.draw(random.Random(f"{chosen.name} {level} {seed}"), level)
    return replace(drawn, topic=chosen.name, level=level, lesson=drawn.lesson or chosen.lesson, seed=seed)
