"""Which question: where is an assignment, and what does it ask?

Idea: an assignment is a folder with a checks.py that says ASSIGNMENT = Assignment(…); it is found by its number, its name or its path, and
loaded by path, so that an instructor's own folder works as the package's six do.  They lie beside the package in a checkout and inside it
in a wheel (minicnn/lessons).

Cost: Hypothesis loads with the first one, some 0.3 s.  What it does not do: check submissions (checking.py); run them (runner/).  checks.py
itself is run as it stands: it is the instructor's, who is trusted.
Source: Python's documentation of exec and compile.  Next room: case.py.
"""

import functools
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np

from minicnn.errors import ArgumentError, FileFormatError, UnknownNameError, nearest
from minicnn.grade.task import Assignment

__all__ = ["all_of_them", "find", "folder_of_lessons"]


def find(assignment, what: str = "find") -> Assignment:
    """Return the assignment of a number ("02", 2), of a name ("02_conv2d", "conv2d") or of a folder that holds a checks.py.

    Its `folder` says where README.md, starter.py and checks.py are.

    Raises UnknownNameError where there is none, FileFormatError where its checks.py cannot be used, ArgumentError for what is no name.
    Source: minicnn assignment list.

    >>> find(2).title, find("conv2d_backward").number, [task.name for task in find("01").tasks]
    ('conv2d', '05', ['output_size', 'same_padding', 'receptive_field'])
    """
    if isinstance(assignment, bool) or not isinstance(assignment, int | str | Path):
        raise ArgumentError(
            f"{what}: an assignment is a number such as '02', a name or a folder, but it is {assignment!r}; use find('02')."
        )
    if isinstance(assignment, str | Path) and (Path(assignment) / "checks.py").is_file():
        return _load(Path(assignment).resolve())
    known = {folder.name: folder for folder in _folders()}
    wanted = f"{assignment:02}" if isinstance(assignment, int) else str(assignment).strip()
    for name, folder in known.items():
        number, _, title = name.partition("_")
        if wanted in (name, number, number.lstrip("0"), title):
            return _load(folder)
    if isinstance(assignment, Path) or "/" in wanted or "\\" in wanted:
        raise UnknownNameError(
            f"{what}: the folder of an assignment holds a checks.py, but {assignment} {_instead(Path(assignment))}; "
            "`minicnn assignment make DIR` writes one."
        )
    raise UnknownNameError(f"{what}: there is no assignment {wanted!r}.{nearest(wanted, known)}")


def all_of_them() -> tuple[Assignment, ...]:
    """Return the assignments that come with minicnn, in their order.

    Raises FileFormatError where the installation lacks them.  Source: lessons/assignments.

    >>> [assignment.number for assignment in all_of_them()]
    ['01', '02', '03', '04', '05', '06']
    """
    return tuple(_load(folder) for folder in _folders())


def folder_of_lessons() -> Path:
    """Return where the lessons lie: inside the package (a wheel) or beside it (a checkout).

    Raises FileFormatError where neither has them.  Source: pyproject.toml, force-include.

    >>> (folder_of_lessons() / "assignments" / "02_conv2d" / "starter.py").is_file()
    True
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "lessons", package.parent / "lessons"):
        if (folder / "assignments").is_dir():
            return folder
    raise FileFormatError(
        f"find: the assignments belong into {package / 'lessons'}, but they are not there; install again: pip install minicnn-engine."
    )


def _folders() -> list[Path]:
    return sorted(checks.parent for checks in (folder_of_lessons() / "assignments").glob("*/checks.py"))


def _instead(folder: Path) -> str:
    return "has none" if folder.is_dir() else "is no folder" if folder.exists() else "does not exist"


@functools.cache
def _load(folder: Path) -> Assignment:
    """Run a folder's checks.py and return its ASSIGNMENT, with the folder, its examples locked."""
    path = folder / "checks.py"
    module = ModuleType(f"checks_of_{folder.name}")
    module.__file__ = str(path)
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), vars(module))  # an import would leave a __pycache__ in the folder
    except Exception as error:
        raise FileFormatError(
            f"find: {path} must run, but it raised {type(error).__name__}: {error}{_line_of(error, path)}; mend it there."
        ) from error
    assignment = getattr(module, "ASSIGNMENT", None)
    if not isinstance(assignment, Assignment):
        raise FileFormatError(f"find: {path} must say ASSIGNMENT = Assignment(…), but ASSIGNMENT is {assignment!r}; add it at its end.")
    for task in assignment.tasks:
        for example in task.examples:
            _lock((*example.arguments.values(), example.expected))
    return replace(assignment, folder=folder)


def _lock(values) -> None:
    """Make the example's arrays read-only: they are shared by every grading of a process."""
    for value in values:
        if isinstance(value, np.ndarray):
            value.setflags(write=False)
        elif isinstance(value, tuple):
            _lock(value)


def _line_of(error: Exception, path: Path) -> str:
    """Return ' (line 12)', the last line of that file on the way to the error."""
    line, trace = getattr(error, "lineno", None), error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return f" (line {line})" if line else ""
