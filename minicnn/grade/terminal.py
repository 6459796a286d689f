"""Which question: how does a grade read on 80 columns?

Idea: a table of parts, then for each part that failed what is wrong, the misconception, the call, both results side by side and the
window.  Lines come with a style of rich's; every mark that a colour makes a word or a bracket makes too, so that nothing is lost on paper.

Cost: none to speak of.  What it does not do: print; who has a terminal does (cli), and a notebook shows page.py.
Source: rich's documentation of Text.wrap.  Next room: gradescope.py, which shows the same lines.
"""

from collections.abc import Iterable
from functools import cache

from rich.console import Console
from rich.text import Text

from minicnn.grade.drawing import (
    PADDING,
    WRONG,
    Grid,
    Term,
    Window,
    received,
    results,
    said_before,
    shows_case,
    steps,
    told,
    where,
    windows,
)
from minicnn.grade.report import Failure, GradeReport, PartResult
from minicnn.grade.words import clean, code, number, points
from minicnn.text import table

MOST_WINDOWS = 3
MOST_TERMS = 8
INDENT = 2
Line = tuple[str, str]  # text, and a style of rich's


def text(report: GradeReport, width: int = 80) -> str:
    """Return a report as plain text whose lines are no longer than `width`.

    >>> print(text(GradeReport("02", "conv2d", (PartResult("conv2d", "stride 1", 4, 50, 0.1),))))
    Assignment 02, conv2d: 4 of 4 points
    <BLANKLINE>
    part              result  points  cases
    ---------------------------------------
    conv2d: stride 1  passed  4 of 4     50
    """
    return "\n".join(line for line, _ in lines(report, width))


def lines(report: GradeReport, width: int = 80) -> list[Line]:
    """Return a report as lines of text, each with a style of rich's, '' for plain."""
    who = f" · {clean(report.student, 60)}" if report.student else ""
    head = f"Assignment {report.assignment}, {report.title}{who}: {points(report.earned)} of {points(report.points)} points"
    found = wrapped(head, width, "bold")
    if report.problem:
        found += [("", ""), *wrapped(report.problem, width, "bold red")]
    if report.parts:
        found += [("", ""), *_parts(report.parts, width)]
    for at, part in enumerate(report.parts):
        if part.failure and not report.problem:  # of which every part failed
            found += [("", ""), *failure(part, width, said_before(report.parts[:at]))]
    for heading, sentences in (("Notes (they cost no points)", report.advice), ("While your code ran", report.in_force)):
        if sentences:
            found += [("", ""), (heading, "bold")]
            found += [line for sentence in sentences for line in wrapped(sentence, width, indent=INDENT, first="- ")]
    return found


def failure(part: PartResult, width: int = 80, above: frozenset[str] = frozenset()) -> list[Line]:
    """Return what went wrong in a part as lines; what stands above them already is only named."""
    why = part.failure
    found = wrapped(f"{part.task}: {part.part} failed ({where(why)})", width, "bold red")
    found += wrapped(why.says, width, indent=INDENT)
    if why.misconception:
        found += [("", ""), *_misconception(why, width, above)]
    if why.outcome and why.outcome.traceback:
        found += [("", ""), *_traceback(why.outcome.traceback, width, above)]
    if shows_case(why):
        found += [("", ""), *wrapped(f"The smallest case that fails: {why.case}" if why.case else "The case", width, "bold", INDENT)]
        made = (code(name, value, width - INDENT) for name, value in why.arguments.items())
        found += [(row, "") for each in made for line in each.split("\n") for row in _firm(line, width)]
    if received(why):
        found += [("", ""), *_results(why, width)]
    if why.account:
        found += [("", ""), *_account(why, width)]
    return found


def wrapped(prose: str, width: int, style: str = "", indent: int = 0, first: str = "") -> list[Line]:
    """Return prose as lines, cleaned; `first` stands before the first, and as much room before the others."""
    room = max(width - indent - len(first), 10)
    rows = [str(row).rstrip() for line in clean(prose).split("\n") for row in Text(line).wrap(_measure(), room)] or [""]
    return [((" " * indent + (first if not at else " " * len(first)) + row).rstrip(), style) for at, row in enumerate(rows)]


@cache
def _measure() -> Console:
    return Console(file=None, color_system=None)  # wrap() asks it for a setting only; the width comes with the call


def _firm(line: str, width: int) -> list[str]:
    """Return a line of code, which is folded only where it must be."""
    room = width - INDENT
    return [" " * INDENT + line[start : start + room] for start in range(0, max(len(line), 1), room)]


def _parts(parts: Iterable[PartResult], width: int) -> list[Line]:
    rows, styles = [], []
    for part in parts:
        passed = part.failure is None
        name = clean(f"{part.task}: {part.part}")
        name = name if len(name) <= width - 32 else name[: width - 33] + "…"
        rows.append((name, "passed" if passed else "FAILED", f"{points(part.earned)} of {points(part.points)}", part.cases))
        styles.append("green" if passed else "bold red")
    drawn = table(("part", "result", "points", "cases"), rows, align="llrr").split("\n")
    return list(zip(drawn, ["bold", "dim", *styles], strict=True))


def _traceback(traceback: str, width: int, above: frozenset[str]) -> list[Line]:
    if traceback in above:
        return wrapped("Your traceback is the one above.", width, "bold", INDENT)
    rows = clean(traceback).rstrip().split("\n")
    return [("  Your traceback", "bold"), *(line for row in rows for line in wrapped(row, width, indent=INDENT))]


def _misconception(why: Failure, width: int, above: frozenset[str]) -> list[Line]:
    if why.misconception.name in above:
        return wrapped(f"What is behind it: {why.misconception.name}, as above", width, "bold yellow", INDENT)
    found = wrapped(f"What is behind it: {why.misconception.name}", width, "bold yellow", INDENT)
    found += wrapped(why.misconception.says, width, indent=INDENT)
    if why.alike:
        found += wrapped(f"These mistakes give the same answers: {', '.join(why.alike)}.", width, indent=INDENT)
    return found + (wrapped(f"To reread: lesson {why.misconception.lesson}.", width, indent=INDENT) if why.misconception.lesson else [])


def _results(why: Failure, width: int) -> list[Line]:
    found = [line for sentence in told(why) for line in wrapped(sentence, width, "bold", INDENT)]
    for most in (7, 5, 4, 3):  # as much as stands side by side
        blocks = [drawn(grid) for grid in results(why, most)]
        joints = ("", " " * 6)[: len(blocks)]
        if _wide(blocks, joints) <= width:
            break
    return found + [(row, "") for row in beside(blocks, joints, width)]


def _account(why: Failure, width: int) -> list[Line]:
    found, rest = windows(why.account, why.arguments)
    rows = wrapped("How the right number comes about", width, "bold", INDENT) + wrapped(why.account.equation, width, indent=INDENT)
    for window in found[:MOST_WINDOWS]:
        rows += [("", ""), *((row, "") for row in _window(window, width))]
    if len(found) > MOST_WINDOWS:
        rows += wrapped(f"and {len(found) - MOST_WINDOWS} more windows of the same kind", width, indent=INDENT)
    rows += [("", "")] if found else []
    rows += [(row, "") for row in _terms(rest)] if rest else []
    return [*rows, (f"  in all  {number(why.account.total, 9)}", "bold")]


def _window(window: Window, width: int) -> list[str]:
    """Return a window's values, factors and products beside each other, and their sum; where they do not fit, the strongest terms."""
    blocks = [drawn(grid) for grid in steps(window)]
    if max(_wide([block], ()) for block in blocks) > width:
        rows = _terms(window.strongest)
    else:
        rows = beside(blocks, {1: ("",), 2: ("", " = "), 3: ("", " · ", " = ")}[len(blocks)], width)
    return rows if window.products is None else [*rows, f"  {window.name} sums to {number(window.products, 9)}"]


def _terms(terms: tuple[Term, ...]) -> list[str]:
    rows = []
    for place, value, factor, product in terms[:MOST_TERMS]:
        how = "" if product is None else f" · {number(factor)} = {number(product)}" if factor is not None else f" = {number(product)}"
        rows.append(f"  {clean(place, 40)}:  {number(value)}{how}")
    return rows + ([f"  and {len(terms) - MOST_TERMS} more"] if len(terms) > MOST_TERMS else [])


def drawn(grid: Grid) -> list[str]:
    """Return a grid as lines of one length: its caption, the columns' numbers and the rows; a wrong number stands in [ ], padding in ( ).

    >>> for line in drawn(Grid("y", ((("7", frozenset()), ("12", frozenset({"wrong"}))),), rows=(3,), columns=(0, 1))):
    ...     print(line + "|")
    y         |
        0   1 |
    3   7 [12]|
    """
    marks = {WRONG: "[{}]", PADDING: "({})"}
    shown = [
        [next((form for look, form in marks.items() if look in looks), " {} ").format(text) for text, looks in row] for row in grid.cells
    ]
    wide = max((len(cell) for row in shown for cell in row), default=0)
    wide = max(wide, *(len(str(n)) + 2 for n in grid.columns), 0) if grid.columns else wide
    left = max((len(str(n)) for n in grid.rows), default=0) + 1 if grid.rows else 0
    rows = ["".join([" " * left, *(f" {n} ".rjust(wide) for n in grid.columns)])]
    for at, row in enumerate(shown):
        rows.append("".join([f"{grid.rows[at]} ".rjust(left) if grid.rows else "", *(cell.rjust(wide) for cell in row)]))
    whole = max(len(grid.caption), *map(len, rows))
    return [line.ljust(whole) for line in (grid.caption, *rows)]


def beside(blocks: list[list[str]], joints: tuple[str, ...], width: int) -> list[str]:
    """Return blocks of lines beside each other, a joint before each, or below each other where they are too wide."""
    if _wide(blocks, joints) > width:
        return [" " * INDENT + row.rstrip() for block in blocks for row in block if row.strip()]
    tallest = max(map(len, blocks), default=0)
    rows = [" " * INDENT] * tallest
    for block, joint in zip(blocks, joints, strict=True):
        empty = " " * len(block[0])
        for at in range(tallest):
            rows[at] += (joint if at == tallest // 2 + 1 else " " * len(joint)) + (block[at] if at < len(block) else empty)
    return [row.rstrip() for row in rows]


def _wide(blocks: list[list[str]], joints: tuple[str, ...]) -> int:
    return INDENT + sum(len(block[0]) for block in blocks) + sum(map(len, joints))
