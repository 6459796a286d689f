"""Every misconception, handed in as a submission to every assignment that asks for its function: who is caught, and what is it called?"""

from collections import Counter
from dataclasses import dataclass, replace

from minicnn.grade.assignments import all_of_them
from minicnn.grade.checking import grade
from minicnn.grade.in_process import answering
from minicnn.misconceptions import Misconception

# Pairs of one function that no input of the assignments' domains can tell apart, each with the reason.  There are none.
EQUAL: dict[frozenset[str], str] = {}
TASKS = [(assignment, replace(task, speed=None)) for assignment in all_of_them() for task in assignment.tasks]
SUBMISSIONS = [(assignment, task, wrong) for assignment, task in TASKS for wrong in task.misconceptions]


@dataclass(frozen=True)
class Verdict:
    """What became of one wrong implementation in one assignment: the parts that failed, and what each failure was called."""

    assignment: str
    function: str
    wrong: str
    earned: float
    failed: tuple[str, ...]
    called: tuple[str, ...]
    alike: frozenset[str]

    @property
    def right(self) -> bool:
        """Whether every part that failed was given the right name, or one that EQUAL allows."""
        names = (name == self.wrong or frozenset((name, self.wrong)) in EQUAL for name in self.called)
        return bool(self.called) and all(names) and all(frozenset((self.wrong, other)) in EQUAL for other in self.alike - {self.wrong})


def verdict(assignment, task, wrong: Misconception, seed="0") -> Verdict:
    """Grade one wrong implementation with the default budget."""
    report = grade(replace(assignment, tasks=(task,)), answering({task.name: wrong.wrong}), seed=seed)
    failures = [part.failure for part in report.parts if part.failure]
    called = tuple(failure.misconception.name if failure.misconception else "nothing" for failure in failures)
    stages = tuple(failure.stage for failure in failures)
    alike = frozenset(name for failure in failures for name in failure.alike)
    return Verdict(assignment.number, task.name, wrong.name, report.earned, stages, called, alike)


def matrix(verdicts: list[Verdict]) -> str:
    """Return the confusion matrix as text: a row for each wrong implementation, how many of its failed parts were called what."""
    lines = []
    for own in verdicts:
        names = Counter(own.called).most_common()
        called = ", ".join(f"{count}× {'✓' if name == own.wrong else name}" for name, count in names) or "NOT CAUGHT"
        alike = f"   alike: {', '.join(sorted(own.alike))}" if own.alike else ""
        lines.append(f"{own.assignment} {own.function:18} {own.wrong:38} {own.earned:4g} points  {called}{alike}")
    caught, right = sum(bool(own.called) for own in verdicts), sum(own.right for own in verdicts)
    return "\n".join([*lines, f"{len(verdicts)} wrong implementations: {caught} caught, {right} named right ({right / len(verdicts):.1%})"])
