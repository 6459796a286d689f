"""Which question: what does grading hand out?

Idea: frozen values: for every part what it earned, and of the first thing that went wrong all that a reader needs to see it: the smallest
case, what was expected and received, the first wrong number with the terms that it should have summed, and the misconception.

Cost: none.  What it does not do: grade (checking.py); draw (terminal.py, page.py, gradescope.py).  Source: none.
Next rooms: checking.py, page.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from minicnn.grade.outcome import Outcome
from minicnn.grade.task import Account
from minicnn.misconceptions.misconception import Misconception


@dataclass(frozen=True, eq=False)
class Failure:
    """The first thing that went wrong in a part.

    stage : 'example', 'whole numbers', 'any numbers', 'inputs kept', 'same again', 'speed' or a law's name
    says : what is wrong, in one sentence
    case : the case in words ("2 images of 3 channels, 5×4; …, float32, not contiguous"), '' for the example
    arguments, expected : the smallest case that fails, and its right result
    outcome : what came back
    first : index of the first wrong element (for a tuple (item, *index)), None where there is none
    account : how the right number there comes about
    misconception : what explains all wrong answers, None where nothing known does; `alike` are others that no input tells apart
    """

    stage: str
    says: str
    case: str = ""
    arguments: Mapping[str, Any] | None = None
    expected: Any = None
    outcome: Outcome | None = None
    first: tuple[int, ...] | None = None
    account: Account | None = None
    misconception: Misconception | None = None
    alike: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class PartResult:
    """What one part of a task earned; failure is None where it passed."""

    task: str
    part: str
    points: float
    cases: int
    seconds: float
    failure: Failure | None = None

    @property
    def earned(self) -> float:
        return 0.0 if self.failure else self.points


@dataclass(frozen=True, eq=False)
class GradeReport:
    """The grade of one submission.

    assignment, title : "02" and its title     student : a name, '' in practice
    parts : a PartResult for every part          problem : why nothing could be checked (a syntax error, an empty file), '' otherwise
    advice : sentences about the source that cost no points     in_force : what kept the submission apart while it ran, '' in practice
    seed : where the drawn cases began
    """

    assignment: str
    title: str
    parts: tuple[PartResult, ...]
    student: str = ""
    problem: str = ""
    advice: tuple[str, ...] = ()
    in_force: tuple[str, ...] = ()
    seed: str = ""
    seconds: float = 0.0

    @property
    def earned(self) -> float:
        return sum(part.earned for part in self.parts)

    @property
    def points(self) -> float:
        return sum(part.points for part in self.parts)

    @property
    def passed(self) -> bool:
        return not self.problem and all(part.failure is None for part in self.parts)

    def with_(self, **changes) -> "GradeReport":
        """Return the report with some fields changed."""
        return replace(self, **changes)

    def to_dict(self) -> dict:
        """Return everything as plain data, for JSON; GradeReport.from_dict reads it again."""
        from minicnn.grade.kept import to_dict  # what draws a report knows it, so it is asked for late

        return to_dict(self)

    @staticmethod
    def from_dict(document: dict) -> "GradeReport":
        """Return the report that to_dict made plain data of; FileFormatError where it is none."""
        from minicnn.grade.kept import from_dict

        return from_dict(document)

    def __str__(self) -> str:
        from minicnn.grade.terminal import text

        return text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from minicnn.grade.page import fragment

        return fragment(self)
