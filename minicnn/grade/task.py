"""Which question: what does an assignment ask, and what is right?

Idea: an assignment is a list of tasks, a task one function to write.  Its cases are whole numbers first (sizes, strides: `settings`, which
Hypothesis draws and shrinks), then arrays of those sizes.  A part is a corner of the task's domain with points of its own, so
that who has understood strides but not padding is told so, and paid for the first.

Cost: none.  What it does not do: check (checking.py).  Source: none.  Next room: case.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minicnn.misconceptions.misconception import Misconception

__all__ = ["Account", "Assignment", "Example", "Law", "Part", "Speed", "Task"]


@dataclass(frozen=True, eq=False)
class Part:
    """A corner of a task's domain: `settings` is a Hypothesis strategy of dictionaries of whole numbers, `points` what it is worth."""

    name: str
    points: float
    settings: Any


@dataclass(frozen=True, eq=False)
class Example:
    """Arguments and the result that the README works out by hand: numbers written down, not computed."""

    arguments: Mapping[str, Any]
    expected: Any


@dataclass(frozen=True, eq=False)
class Law:
    """A property of right results: `broken(arguments, value)` is None, or the sentence that says how it is broken, with its numbers."""

    name: str
    broken: Callable[[Mapping[str, Any], Any], str | None]


@dataclass(frozen=True, eq=False)
class Speed:
    """A part for speed: the task's function at `settings` takes at most 1/`times` of what `loops`, a source text, takes in a runner of the same kind."""

    name: str
    points: float
    settings: Mapping[str, int]
    times: float
    loops: str


@dataclass(frozen=True, eq=False)
class Account:
    """How one number of the right result comes about: `terms` are (place, value, factor, product) with None where there is none."""

    equation: str
    terms: tuple[tuple[str, float, float | None, float | None], ...]
    total: float


@dataclass(frozen=True, eq=False)
class Task:
    """One function to write.

    name : what it is called in the student's file
    arguments : arguments(settings, array) → the call's arguments by name; array(*shape) makes a new array of the case's kind
    reference : reference(**arguments) → the right value; in float64 from float64
    parts, examples, laws, speed : what is checked
    bound : bound(arguments) → how far a sound float64/float32 implementation may be off, an array or number that broadcasts, or for a tuple a
        tuple of them; None where results are whole numbers
    account : account(arguments, index) → how the right number at an index (of a tuple's item: (item, *index)) comes about; or None
    misconceptions : what its wrong answers are held against
    """

    name: str
    arguments: Callable[[Mapping[str, int], Callable], Mapping[str, Any]]
    reference: Callable
    parts: tuple[Part, ...]
    examples: tuple[Example, ...]
    bound: Callable[[Mapping[str, Any]], Any] | None = None
    account: Callable[[Mapping[str, Any], tuple[int, ...]], Account] | None = None
    misconceptions: tuple[Misconception, ...] = ()
    laws: tuple[Law, ...] = ()
    speed: Speed | None = None

    @property
    def points(self) -> float:
        return sum(part.points for part in self.parts) + (self.speed.points if self.speed else 0)


@dataclass(frozen=True, eq=False)
class Assignment:
    """Tasks under a number and a title; `folder` holds README.md, starter.py and checks.py."""

    number: str
    title: str
    tasks: tuple[Task, ...]
    minutes: int
    lesson: str
    folder: Path | None = None

    @property
    def points(self) -> float:
        return sum(task.points for task in self.tasks)
