"""Which question: what is this submission worth, and what goes wrong in it first?

Idea: every part of every task goes through stages, and the first that fails ends the part:

    worked example → whole numbers, exact → any numbers, within the bound → inputs kept → same again → laws → speed

The right values are computed here, from the reference, in float64; the submission is asked through an `Answer` and sees arguments only.
A case that fails is made smaller for as long as it fails in the same way; then all answers are held against the misconceptions.

Cost: `budget` calls a part, at most 150 more to make a failing case small; who dies or hangs is asked no more than needed.
What it does not do: run the submission (runner/, in_process.py); draw the report (terminal.py, page.py).
Source: Zeller & Hildebrandt, Simplifying and isolating failure-inducing input (2002).  Next rooms: comparing.py, explaining.py, racing.py.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from minicnn import check
from minicnn.errors import ArgumentError
from minicnn.grade.case import LENGTH, Case, cases, drawing, shrunk, spellings
from minicnn.grade.comparing import Difference, allowed, changed, difference
from minicnn.grade.explaining import explained
from minicnn.grade.outcome import DIED, LATE, MISSING, Answer, Outcome
from minicnn.grade.racing import race
from minicnn.grade.report import Failure, GradeReport, PartResult
from minicnn.grade.task import Assignment, Law, Part, Task

__all__ = ["grade"]

WHOLE = 0.6  # of the budget; the rest is for any numbers
AGAIN, LAWFUL = 6, 10  # cases asked a second time; cases held against the laws
SHRINK = 150  # calls to make a failing case smaller
SLOW = 2  # calls of a task that may run into the time limit; after them it is asked no more


@dataclass(frozen=True, eq=False)
class Tried:
    """One call and what it should have come to; `wrong` is how it differs, None where it is right."""

    arguments: Mapping[str, Any]
    expected: Any
    outcome: Outcome
    wrong: Difference | None
    case: Case | None = None

    @property
    def changed(self) -> Difference | None:
        """What the call did to its arguments."""
        return changed(self.arguments, self.outcome.after)


@dataclass(eq=False)
class Asked:
    """What one task has asked of one submission: every call in its order, and what each case came to."""

    task: Task
    answer: Answer
    evidence: list[tuple[Mapping[str, Any], Outcome]] = field(default_factory=list)
    known: dict[tuple, Tried] = field(default_factory=dict)
    seen: set[tuple] = field(default_factory=set)  # the cases of the part at hand
    late: int = 0  # calls that ran into the time limit

    def of(self, case: Case) -> Tried:
        """Return what a case comes to; the submission is asked the first time only."""
        self.seen.add(case.key)
        if case.key not in self.known:
            self.known[case.key] = self.call(case.arguments(self.task), case=case)
        return self.known[case.key]

    def call(self, arguments: Mapping[str, Any], expected=None, case: Case | None = None) -> Tried:
        """Ask the submission, and compare with the reference or with a result that was written down."""
        if expected is None:
            wide = {name: np.array(value, np.float64) if isinstance(value, np.ndarray) else value for name, value in arguments.items()}
            expected = self.task.reference(**wide)
        outcome = self.reply(self.task.name, case.arguments(self.task) if case else arguments)
        self.evidence.append((arguments, outcome))
        return Tried(arguments, expected, outcome, difference(expected, outcome, allowed(self.task, arguments, expected)), case)

    def reply(self, function: str, arguments: Mapping[str, Any]) -> Outcome:
        """Return what the submission answers; who was late too often is not asked."""
        if self.late >= SLOW:
            return Outcome(LATE, says=f"{function}: it was asked no more after {SLOW} calls had run into the time limit.")
        outcome = self.answer(function, arguments)
        self.late += outcome.kind == LATE
        return outcome


def grade(assignment: Assignment, answer: Answer, *, seed: int | str = 0, budget: int = 100, student: str = "") -> GradeReport:
    """Return what a submission, asked through `answer`, is worth, and what goes wrong in it first.

    points = Σ over the parts in which every stage holds

    seed : where the drawn cases begin; the same seed draws the same ones on every machine
    budget : cases a part may cost; 0 leaves the worked example
    Raises ArgumentError for a budget that is no whole number; nothing for what a submission does.
    Source: the assignment's checks.py.

    >>> from minicnn.grade.assignments import find
    >>> from minicnn.grade.in_process import answering
    >>> report = grade(find("01"), answering({"same_padding": lambda kernel, dilation: (dilation * (kernel - 1) // 2,) * 2}), budget=20)
    >>> [(part.part, part.earned) for part in report.parts if part.task == "same_padding"]
    [('odd kernels', 1), ('every kernel', 0.0)]
    """
    start, budget = time.perf_counter(), check.integer(budget, "budget", "grade", 0)
    results = [result for task in assignment.tasks for result in _of_task(Asked(task, answer), f"{seed}/{assignment.number}", budget)]
    seconds = time.perf_counter() - start
    return GradeReport(assignment.number, assignment.title, tuple(results), student=student, seed=str(seed), seconds=seconds)


def _of_task(asked: Asked, seed: str, budget: int) -> list[PartResult]:
    """Return what the parts of a task earned, the race last."""
    task = asked.task
    examples = [asked.call(example.arguments, example.expected) for example in task.examples]
    bad = next((tried for tried in examples if tried.wrong or tried.changed), None)
    failure = bad and _failure(task, "example", replace(bad, wrong=bad.wrong or bad.changed))
    results, spans = [], []
    for part in task.parts:
        start, first = time.perf_counter(), len(asked.evidence)
        asked.seen.clear()
        own = _of_part(asked, part, f"{seed}/{task.name}/{part.name}", budget)
        spans.append(slice(first, len(asked.evidence)))
        seconds = time.perf_counter() - start
        results.append(PartResult(task.name, part.name, part.points, len(asked.seen), seconds, own))
    results = explained(asked, _with_example(results, failure), spans, f"{seed}/{task.name}")
    return [*results, _of_race(asked, results, f"{seed}/{task.name}")] if task.speed else results


def _with_example(results: list[PartResult], failure: Failure | None) -> list[PartResult]:
    """Show a failed example in the first part that failed; where no part did, it fails them all.

    The example is of everything at once, so who has not come to padding yet keeps the points of the parts without it.
    """
    if failure is None:
        return results
    failed = [number for number, result in enumerate(results) if result.failure]
    shown = failed[:1] or range(len(results))
    return [replace(result, failure=failure) if number in shown else result for number, result in enumerate(results)]


def _of_part(asked: Asked, part: Part, seed: str, budget: int) -> Failure | None:
    """Return the first failure among a part's cases, stage after stage."""
    counts = {"whole": budget, "any": 0}
    if any(isinstance(value, np.ndarray) for value in _simplest(asked.task, part).values()):
        counts = {"whole": round(budget * WHOLE), "any": budget - round(budget * WHOLE)}
    drawn = {}
    for numbers, count in counts.items():
        drawn[numbers] = (drawing(cases(part.settings, numbers)), list(spellings(f"{seed}/{numbers}", count))[:count])
        if failure := _search(asked, *drawn[numbers], f"{numbers} numbers", lambda tried: None):
            return failure
    for stage, look, most in _stages(asked):
        for read, spelled in drawn.values():
            if failure := _search(asked, read, spelled[:most], stage, look):
                return failure
    return None


def _simplest(task: Task, part: Part) -> Mapping[str, Any]:
    """Return the arguments of a part's simplest case, which every part must have."""
    case = drawing(cases(part.settings, "whole"))(bytes(LENGTH))
    if case is None:
        raise ArgumentError(
            f"grade: the settings of {task.name}'s part {part.name!r} must be drawn from {LENGTH} bytes, the simplest from zeros, but they are not; "
            "draw fewer numbers in checks.py, and draw only what fits rather than filter it."
        )
    return case.arguments(task)


def _stages(asked: Asked) -> Iterator[tuple[str, Callable[[Tried], Tried | None], int | None]]:
    """Yield (stage, look, cases) of what is asked of right answers: look(tried) is None, or what is wrong with it."""
    yield "inputs kept", lambda tried: (bad := tried.changed) and replace(tried, wrong=bad), None

    def again(tried: Tried) -> Tried | None:
        second = asked.call(tried.arguments, tried.expected, tried.case)
        says, first = second.wrong or ("", None)
        return replace(second, wrong=(f"The first answer to these arguments was right, the second is not. {says}", first)) if says else None

    yield "same again", again, AGAIN
    for law in asked.task.laws:
        yield law.name, lambda tried, law=law: _against(law, tried), LAWFUL


def _against(law: Law, tried: Tried) -> Tried | None:
    broken = law.broken(tried.arguments, tried.outcome.value)
    return replace(tried, wrong=(broken, None)) if broken else None


def _search(asked: Asked, read, spelled: list[bytes], stage: str, look) -> Failure | None:
    """Return the failure of the first case that is wrong, or that `look` finds fault with, made as small as can be; None without one."""

    def fault(spelling: bytes) -> Tried | None:
        case = read(spelling)
        tried = case and asked.of(case)
        return tried and (tried if tried.wrong else look(tried))

    for spelling in spelled:
        bad = fault(spelling)
        if bad:
            return _failure(asked.task, stage, _smallest(asked, fault, spelling, bad))
    return None


def _smallest(asked: Asked, fault, spelling: bytes, bad: Tried) -> Tried:
    """Return the smallest case that fails in the same way; the one given, where each call costs a process."""
    if bad.outcome.kind in (MISSING, LATE, DIED):
        return bad
    best, most = bad, len(asked.evidence) + SHRINK

    def fails(candidate: bytes) -> bool:
        nonlocal best
        found = fault(candidate) if len(asked.evidence) < most else None
        same = found is not None and found.outcome.kind == bad.outcome.kind
        best = found if same else best
        return same

    shrunk(spelling, fails)
    return best


def _failure(task: Task, stage: str, bad: Tried) -> Failure:
    """Return what a report says of a call that went wrong."""
    says, first = bad.wrong
    account = task.account(bad.arguments, first) if task.account and first is not None else None
    words = bad.case.words(task) if bad.case else ""
    if stage == "speed":  # its arrays are too large to be read
        return Failure(stage, says, words, first=first, account=account)
    return Failure(stage, says, words, bad.arguments, bad.expected, bad.outcome, first, account)


def _of_race(asked: Asked, results: list[PartResult], seed: str) -> PartResult:
    """Return what the part for speed earned: a function that is not right is not timed."""
    speed, start, calls = asked.task.speed, time.perf_counter(), len(asked.evidence)
    if any(result.failure for result in results):
        failure = Failure("speed", f"{asked.task.name} was not timed: only right answers count, so mend the parts above first.")
    else:
        bad = race(asked, seed)
        failure = bad and _failure(asked.task, "speed", bad)
    return PartResult(asked.task.name, speed.name, speed.points, len(asked.evidence) - calls, time.perf_counter() - start, failure)
