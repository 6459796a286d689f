"""Which question: how did a class do, and what did it not understand?

Idea: a table with a row for every student and a column for every part; and an item analysis: for every part how many passed, and what the
others were held up by, which is a misconception by name where one explains their answers, so that the next lecture can begin with it.

    reports ─► class_csv: who has how much        reports ─► item_analysis: which part, why, how often

Cost: one pass over the reports.  What it does not do: grade; write files (classroom.py).
Source: RFC 4180 for CSV; OWASP, "CSV Injection", for cells that a spreadsheet would take for a formula.  Next room: classroom.py.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from minicnn.grade.drawing import where
from minicnn.grade.kept import from_dict, to_dict
from minicnn.grade.outcome import DIED, LATE, MISSING, RAISED, REFUSED
from minicnn.grade.report import Failure, GradeReport
from minicnn.grade.terminal import wrapped
from minicnn.grade.words import clean, points

__all__ = ["Item", "ItemAnalysis", "Reason", "class_csv", "from_dict", "item_analysis", "to_dict"]

ENDED = {
    RAISED: "raised an exception",
    MISSING: "is not defined",
    REFUSED: "returned what is no number or array",
    LATE: "took too long",
    DIED: "ended its process",
}
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Reason:
    """What held students up: kind is 'misconception', 'outcome' (there was no value) or 'stage' (wrong, and nothing known explains it)."""

    kind: str
    name: str
    count: int


@dataclass(frozen=True)
class Item:
    """One part: how many passed and failed it, and why, the most frequent reason first."""

    task: str
    part: str
    points: float
    passed: int
    failed: int
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class ItemAnalysis:
    """The parts of an assignment over a class; `unchecked` submissions could not be asked anything and are in no item."""

    assignment: str
    title: str
    submissions: int
    unchecked: int
    mean: float
    points: float
    items: tuple[Item, ...]

    def text(self, width: int = 80) -> str:
        """Return the analysis as text for a terminal."""
        many = f"{self.submissions} submission{'s' * (self.submissions != 1)}"
        head = f"Assignment {self.assignment}, {self.title}: {many}, mean {self.mean:.2f} of {points(self.points)} points"
        rows = wrapped(head, width)
        if self.unchecked:
            rows += wrapped(
                f"{self.unchecked} could not be checked at all (a syntax error, an empty file) and are not counted below.", width
            )
        for item in self.items:
            asked = item.passed + item.failed
            rows += wrapped(f"{item.task}: {item.part} ({points(item.points)} points): {item.passed} of {asked} passed", width)
            for reason in item.reasons:
                rows += wrapped(reason.name, width, indent=2, first=f"{reason.count:>4}  ")
        return "\n".join(row for row, _ in rows)

    __str__ = text

    def csv(self) -> str:
        """Return the analysis as CSV: a row for every reason of every part, one without a reason where nobody failed."""
        head = ("task", "part", "points", "passed", "failed", "kind", "reason", "how often")
        rows = [
            (
                item.task,
                item.part,
                points(item.points),
                item.passed,
                item.failed,
                *((why.kind, why.name, why.count) if why else ("", "", 0)),
            )
            for item in self.items
            for why in item.reasons or (None,)
        ]
        return _csv(head, rows)

    def to_dict(self) -> dict:
        """Return the analysis as plain data, for JSON."""
        return asdict(self)


def class_csv(reports: Sequence[GradeReport]) -> str:
    """Return a class as CSV: a row for every report, a column for every part.

    >>> from minicnn.grade.report import PartResult
    >>> print(class_csv([GradeReport("02", "conv2d", (PartResult("conv2d", "stride 1", 4, 50, 0.1),), student="ada")]))
    student,earned,points,passed,problem,misconceptions,conv2d: stride 1
    ada,4,4,yes,,,4
    <BLANKLINE>
    """
    worth = _parts(reports)
    head = ("student", "earned", "points", "passed", "problem", "misconceptions", *(f"{task}: {part}" for task, part in worth))
    rows = []
    for report in reports:
        earned = {(part.task, part.part): part.earned for part in report.parts}
        facts = (report.student, points(report.earned), points(sum(worth.values())), "yes" if report.passed else "no")
        beliefs = dict.fromkeys(part.failure.misconception.name for part in report.parts if part.failure and part.failure.misconception)
        rows.append((*facts, clean(report.problem, 400), "; ".join(beliefs), *(points(earned.get(key, 0.0)) for key in worth)))
    return _csv(head, rows)


def item_analysis(reports: Sequence[GradeReport]) -> ItemAnalysis:
    """Return which parts a class passed, and what held the others up.

    >>> from minicnn.grade.report import PartResult
    >>> failed = PartResult("conv2d", "stride 1", 4, 50, 0.1, Failure("whole numbers", "…"))
    >>> print(item_analysis([GradeReport("02", "conv2d", (failed,))]))
    Assignment 02, conv2d: 1 submission, mean 0.00 of 4 points
    conv2d: stride 1 (4 points): 0 of 1 passed
         1  wrong in: whole numbers
    """
    worth, first = _parts(reports), reports[0] if reports else GradeReport("", "", ())
    asked = [report for report in reports if not report.problem]
    items = []
    for (task, part), value in worth.items():
        found = [each for report in asked for each in report.parts if (each.task, each.part) == (task, part)]
        why = Counter(_reason(each.failure) for each in found if each.failure)
        reasons = tuple(Reason(*key, count) for key, count in sorted(why.items(), key=lambda pair: (-pair[1], pair[0])))
        items.append(Item(task, part, value, sum(each.failure is None for each in found), sum(why.values()), reasons))
    mean = sum(report.earned for report in reports) / max(len(reports), 1)
    unchecked = len(reports) - len(asked)
    return ItemAnalysis(first.assignment, first.title, len(reports), unchecked, mean, sum(worth.values()), tuple(items))


def _parts(reports: Iterable[GradeReport]) -> dict[tuple[str, str], float]:
    """Return what every part of a class's reports is worth, in the order of the reports."""
    return {(part.task, part.part): float(part.points) for report in reports for part in report.parts}


def _reason(failure: Failure) -> tuple[str, str]:
    if failure.misconception:
        return "misconception", failure.misconception.name
    if failure.outcome and failure.outcome.kind in ENDED:
        return "outcome", ENDED[failure.outcome.kind]
    return "stage", f"wrong in: {where(failure)}"


def _csv(head: Iterable[str], rows: Iterable[Iterable]) -> str:
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    table.writerows([[_cell(cell) for cell in row] for row in (head, *rows)])
    return stream.getvalue()


def _cell(value) -> str:
    """Return a cell as one line that no spreadsheet takes for a formula: such a text begins with an apostrophe.

    >>> _cell("=1+1"), _cell("two\\nlines"), _cell(3)
    ("'=1+1", 'two lines', '3')
    """
    text = str(value).replace("\n", " ")
    return f"'{text}" if text.startswith(FORMULA) and not isinstance(value, int | float) else text
