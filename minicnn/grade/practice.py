"""Which question: how does a notebook check a function that was just written?

Idea: the grader's own checks, asked of functions of this process.  It is the quick way to see what is wrong; it is no grade, since nothing
keeps the functions from the checks.

Cost: a second or two.  What it does not do: limit time or memory; a loop without end is stopped by interrupting the notebook.
Source: none.  Next room: checking.py.
"""

from collections.abc import Callable, Iterable, Mapping

from minicnn.errors import ArgumentError, UnknownNameError, nearest
from minicnn.grade.assignments import find
from minicnn.grade.checking import grade
from minicnn.grade.in_process import answering
from minicnn.grade.report import GradeReport
from minicnn.grade.task import Assignment

PRACTICE = (
    "This is for practice: your functions ran in this process, where nothing keeps them from the checks. "
    "Grades come from `minicnn assignment grade`, which runs a file behind a wall."
)


def check(functions, assignment, *, seed: int | str = 0, budget: int = 100) -> GradeReport:
    """Return what functions of this notebook are worth, for practice.

    functions : a function, several in a list, or {name: function} such as globals(); those of other names are passed over, but a single
        function stands for the assignment's only one
    assignment : its number, its folder, or an Assignment
    Raises ArgumentError for what is no function, UnknownNameError where none of them is asked for.
    Source: minicnn assignment list.

    >>> import numpy as np
    >>> def global_avg_pool2d(x):
    ...     return x.sum(axis=(2, 3))
    >>> report = check(global_avg_pool2d, "04", budget=20)
    >>> [part.failure.misconception.name for part in report.parts if part.task == "global_avg_pool2d"]
    ['sum for mean']
    """
    assignment = assignment if isinstance(assignment, Assignment) else find(assignment, what="check")
    wanted = [task.name for task in assignment.tasks]
    given = {name: function for name, function in _by_name(functions, wanted).items() if name in wanted}
    if not given:
        names = list(_by_name(functions, wanted))
        raise UnknownNameError(
            f"check: assignment {assignment.number} asks for {', '.join(wanted)}, but {', '.join(names[:5]) or 'nothing'} was given."
            f"{nearest(names[0], wanted) if names else ''} Define one of them under its name."
        )
    report = grade(assignment, answering(given), seed=seed, budget=budget)
    return report.with_(advice=(*report.advice, PRACTICE))


def _by_name(functions, wanted: list[str]) -> Mapping[str, Callable]:
    """Return {name: function} of a function, several, or a dictionary."""
    if isinstance(functions, Mapping):
        return functions
    if callable(functions):
        return {wanted[0] if len(wanted) == 1 else getattr(functions, "__name__", repr(functions)): functions}
    several = list(functions) if isinstance(functions, Iterable) and not isinstance(functions, str | bytes) else [functions]
    for function in several:
        if not callable(function):
            raise ArgumentError(
                f"check: give a function, a list of functions or {{name: function}}, but there is {function!r}; for example check(conv2d, '02')."
            )
    return {getattr(function, "__name__", repr(function)): function for function in several}
