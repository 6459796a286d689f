"""Which question: which lessons are there, and which cells has one?

Idea: a lesson is a marimo notebook, and so a Python file: each cell is a function below @app.cell (or @app.function), and a cell that is one
mo.md("…") is text.  All of that is read from the file's syntax tree; nothing is run, and marimo need not be there.

Cost: reading a file.  What it does not do: run a cell.
Source: marimo's documentation of its file format; Python's documentation of ast.  Next rooms: lesson.py, lesson_notebook.py, lesson_page.py.
"""

import ast
import inspect
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

from minicnn.errors import FileFormatError, UnknownNameError, nearest
from minicnn.grade.assignments import folder_of_lessons

__all__ = ["Cell", "Lesson", "all_of_them", "cells", "find", "ordered"]


@dataclass(frozen=True)
class Lesson:
    """A lesson's number, title, minutes and file, as its first text says them."""

    number: str
    title: str
    minutes: str
    path: Path


@dataclass(frozen=True)
class Cell:
    """A cell's code, or where `text` is given its text; `hidden` is code that a reader need not see, `needs` and `gives` are names."""

    code: str
    text: str | None = None
    hidden: bool = False
    needs: tuple[str, ...] = ()
    gives: tuple[str, ...] = ()


def all_of_them(folder: Path | None = None) -> tuple[Lesson, ...]:
    """Return the lessons of a folder, those that come with minicnn by default, in order.  Raises FileFormatError where they are missing.

    >>> [lesson.number for lesson in all_of_them()][0]
    '01'
    """
    return tuple(map(_lesson, sorted(Path(folder or folder_of_lessons()).glob("[0-9][0-9]_*.py"))))


def find(word: str, folder: Path | None = None) -> Lesson:
    """Return the lesson of a number ("03", "3") or of a name ("03_channels", "channels").  Raises UnknownNameError with the nearest one."""
    known = all_of_them(folder)
    for lesson in known:
        name = lesson.path.stem
        if word in (lesson.number, lesson.number.lstrip("0"), name, name.partition("_")[2]):
            return lesson
    names = [lesson.path.stem for lesson in known]
    raise UnknownNameError(f"lesson: there is no lesson {word!r}.{nearest(word, names)} `minicnn lesson list` shows all.")


def _lesson(path: Path) -> Lesson:
    texts = "\n".join(cell.text for cell in cells(path) if cell.text)
    number = path.stem.partition("_")[0]
    title = re.search(r"^# (?:Lesson )?(?:\d+\s*[.:·–—-]?\s+)?(.+)$", texts, re.MULTILINE)
    minutes = re.search(r"(\d+(?:\s*(?:to|–|-)\s*\d+)?)\s+minutes", texts)
    return Lesson(number, title[1].strip() if title else path.stem, minutes[1] if minutes else "", path)


def cells(path: Path) -> tuple[Cell, ...]:
    """Return the cells of a marimo notebook in the order of the file.  Raises FileFormatError for a file that is none."""
    source = Path(path).read_text(encoding="utf-8")
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise FileFormatError(
            f"lesson: a lesson is Python, but {path} has an error in line {error.lineno}: {error.msg}; mend it there."
        ) from None
    return tuple(_cell(node, source) for node in tree.body if isinstance(node, ast.FunctionDef) and any(map(_is_cell, node.decorator_list)))


def ordered(all_cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """Return cells so that each comes after those that give what it needs; marimo lets them lie anywhere.

    >>> [cell.code for cell in ordered((Cell("b = a", needs=("a",), gives=("b",)), Cell("a = 1", gives=("a",))))]
    ['a = 1', 'b = a']
    """
    home = {name: cell for cell in all_cells for name in cell.gives}
    found: dict[int, Cell] = {}

    def visit(cell: Cell) -> None:
        for name in cell.needs if cell.text is None and id(cell) not in found else ():
            if name in home and home[name] is not cell:
                visit(home[name])
        found.setdefault(id(cell), cell)

    for cell in all_cells:
        visit(cell)
    return tuple(found.values())


def _is_cell(decorator: ast.expr) -> bool:
    return ast.unparse(decorator).startswith(("app.cell", "app.function"))


def _cell(node: ast.FunctionDef, source: str) -> Cell:
    hidden = any("hide_code=True" in ast.unparse(each) for each in node.decorator_list)
    if any(ast.unparse(each).startswith("app.function") for each in node.decorator_list):  # a cell that is one function
        return Cell(ast.get_source_segment(source, node), None, hidden, (), (node.name,))
    body = [each for each in node.body if not isinstance(each, ast.Return)]
    lines = source.splitlines()[node.body[0].lineno - 1 : body[-1].end_lineno] if body else []
    above = _comments_above(source.splitlines(), node)
    needs = tuple(argument.arg for argument in node.args.args)
    returned = [each for each in node.body if isinstance(each, ast.Return) and each.value]
    gives = tuple(name.id for each in returned for name in ast.walk(each.value) if isinstance(name, ast.Name))
    return Cell(_dedented([*above, *lines]), _text(body), hidden, needs, gives)


def _comments_above(lines: list[str], node: ast.FunctionDef) -> list[str]:
    """Return the comments between a cell's `def` and its first statement, which the syntax tree leaves out."""
    start = node.body[0].lineno - 1
    first = start
    while first > node.lineno and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    return lines[first:start]


def _dedented(lines: list[str]) -> str:
    return textwrap.dedent("\n".join(lines)).strip("\n")


def _text(body: list[ast.stmt]) -> str | None:
    """Return the text of a cell that is nothing but mo.md of a constant."""
    if len(body) != 1 or not isinstance(body[0], ast.Expr) or not isinstance(call := body[0].value, ast.Call):
        return None
    plain = ast.unparse(call.func) == "mo.md" and len(call.args) == 1 and isinstance(call.args[0], ast.Constant)
    return inspect.cleandoc(call.args[0].value) if plain and isinstance(call.args[0].value, str) else None
