"""Which question: what is the grade of what was handed in?

Idea: the text goes to a runner, the engine asks the runner, and what cannot be asked at all is a report too: every part of it
failed, with the one sentence that says why.

Cost: the runner's start (a process with NumPy) and the checks.  What it does not do: judge (checking.py); keep apart (runner/).
Source: none.  Next rooms: classroom.py for many, submission.py, runner/, checking.py.
"""

from pathlib import Path
from typing import NamedTuple

from minicnn.errors import ArgumentError
from minicnn.grade.advice import advice
from minicnn.grade.assignments import all_of_them
from minicnn.grade.checking import grade
from minicnn.grade.report import Failure, GradeReport, PartResult
from minicnn.grade.runner import Runner
from minicnn.grade.submission import Submission, definitions
from minicnn.grade.task import Assignment


class Manner(NamedTuple):
    """How submissions are graded: cases a part may cost, what keeps the runner apart, and whether there is no grade without it."""

    budget: int = 100
    sandbox: str = "auto"
    require_sandbox: bool = False


USUAL = Manner()


def grade_submission(assignment: Assignment, handed_in: Submission, *, student="", seed=0, manner: Manner = USUAL) -> GradeReport:
    """Return the grade of a submission, asked in a runner of its own; never an exception for what a student did."""
    if handed_in.problem:
        return unchecked(assignment, handed_in.problem, student=student, advice=handed_in.notes)
    remarks = (*handed_in.notes, *advice(handed_in.source))
    with Runner(handed_in.source, sandbox=manner.sandbox, require_sandbox=manner.require_sandbox) as answer:
        if answer.problem:
            report = unchecked(assignment, answer.problem, student=student)
        else:
            report = grade(assignment, answer, seed=seed, budget=manner.budget, student=student)
        return report.with_(advice=(*remarks, *report.advice), in_force=tuple(answer.in_force))


def unchecked(assignment: Assignment, problem: str, *, student: str = "", advice: tuple[str, ...] = ()) -> GradeReport:
    """Return the report of a submission that nothing could be asked: every part failed, for one reason."""
    failure = Failure("example", "Nothing could be asked: see what is said of the whole file.")
    worth = [(task.name, part.name, part.points) for task in assignment.tasks for part in (*task.parts, *filter(None, [task.speed]))]
    parts = tuple(PartResult(*each, cases=0, seconds=0.0, failure=failure) for each in worth)
    return GradeReport(assignment.number, assignment.title, parts, student=student, problem=problem, advice=advice)


def slug(assignment: Assignment) -> str:
    """Return what the student's file is called, without .py: the folder's name without its number."""
    name = assignment.folder.name if assignment.folder else assignment.number
    return name.lstrip("0123456789").lstrip("_- ") or name


def asked_by(handed_in: Submission, path: Path) -> Assignment:
    """Return the assignment whose functions a submission defines; where two ask for the same ones, the names of file and folder decide.

    Raises ArgumentError where none or several fit.
    """
    defined = set(definitions(handed_in.source)) if not handed_in.problem else set()
    known = all_of_them()
    shared = {each.number: len(defined & {task.name for task in each.tasks}) / len(each.tasks) for each in known}
    best = [each for each in known if shared[each.number] == max(shared.values()) > 0]
    words = {Path(handed_in.file).stem, path.stem, path.absolute().parent.name}
    named = [each for each in best or known if words & {slug(each), each.folder.name, each.number}]
    for fitting in (named, best):
        if len(fitting) == 1:
            return fitting[0]
    if best:
        which = " and ".join(f"{each.number} ({each.title})" for each in best)
        functions = ", ".join(sorted(defined & {task.name for each in best for task in each.tasks}))
        raise ArgumentError(f"{path.name} defines {functions}, which {which} ask for; say which is meant: --assignment {best[0].number}.")
    if handed_in.problem:
        raise ArgumentError(f"{handed_in.problem} Nor can be seen which assignment it is: --assignment {known[0].number} says it.")
    wanted = "; ".join(f"{each.number}: {', '.join(task.name for task in each.tasks)}" for each in known)
    raise ArgumentError(
        f"{path.name} defines no function that an assignment asks for ({wanted}); say which is meant: --assignment {known[0].number}."
    )
