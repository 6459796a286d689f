"""Which question: is what a student wrote right, and if not, which idea behind it is wrong?

    grade.check(conv2d, "02")                             in a notebook, for practice
    with grade.Runner(source) as answer:                  a file, in a process that has nothing but NumPy
        grade.grade(grade.find("02"), answer)

Idea: an assignment (task.py) says what is right; the engine (checking.py) asks the submission through an `Answer` and compares; a Runner
(runner/) is the answer of a file that nobody here trusts; a GradeReport (report.py) is what comes of it, drawn by terminal.py, page.py and gradescope.py.

Cost: each name is imported when it is first used; Hypothesis loads with the first check.  What it does not do: believe what it is told.
Source: none.  Next rooms: task.py, checking.py, runner/session.py.
"""

_HOME = {
    "Account": "task",
    "Assignment": "task",
    "Example": "task",
    "Failure": "report",
    "GradeReport": "report",
    "Law": "task",
    "Limits": "runner",
    "Outcome": "outcome",
    "Part": "task",
    "PartResult": "report",
    "Runner": "runner",
    "Speed": "task",
    "Task": "task",
    "all_of_them": "assignments",
    "check": "practice",
    "find": "assignments",
    "grade": "checking",
}

__all__ = list(_HOME)


def __getattr__(name: str):
    import importlib

    if name not in _HOME:
        raise AttributeError(f"module 'minicnn.grade' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"minicnn.grade.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted(__all__)
