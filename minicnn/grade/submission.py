"""Which question: which text did a student hand in?

Idea: one file is taken out of a path, a folder, a zip or a tar, by its name or because it is the only one; a notebook gives its
code cells.  Nothing is run or unpacked, nothing beside that file reaches the runner: no conftest.py, no .pth, no numpy.py.
Where no text can be had, there is one sentence instead, so that every submission leads to a result.

Cost: reading one file of at most 1 MB (a notebook: 16 MB).  What it does not do: run or judge the text (checking.py).
Source: the documentation of ast; nbformat's description of notebooks.  Next rooms: containers.py, advice.py, handed_in.py.
"""

import ast
import hashlib
import json
import os
import re
import sys
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from minicnn.errors import ArgumentError
from minicnn.grade.containers import Entry, NotTakenError, entries

MOST_SOURCE = 2**20
MOST_NOTEBOOK = 16 * 2**20
KINDS = (".py", ".ipynb")
NEVER = {"conftest.py", "sitecustomize.py", "usercustomize.py", "__init__.py", "__main__.py", "setup.py", "numpy.py"}
CELL = "# cell {}"
NO_PYTHON = r"^(\s*)([%!].*|\?{1,2}[\w.]+|[\w.]+\?{1,2}|\w+\s*=\s*[%!].*)$"
PYTHON_MAGICS = {"time", "timeit", "capture", "prun", "memit"}


@dataclass(frozen=True)
class Submission:
    """What was handed in.

    file : the name of the file that was taken     source : its text, '' where there is a problem
    problem : one sentence: why nothing can be checked     notes : what its author should know of how it was taken
    """

    file: str
    source: str = ""
    problem: str = ""
    notes: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 of all that a grade of it can depend on."""
        parts = (self.file, self.source, self.problem, *self.notes)
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def take(path, wanted: str = "") -> Submission:
    """Return the text of one file, taken from a file, folder, zip or tar; `wanted` is its name without .py.

    Raises ArgumentError where there is nothing at that path; all else that is wrong is the submission's `problem`.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (pathlib.Path(folder) / "relu.py").write_text("def relu(x):\\n    return x * (x > 0)\\n")
    ...     _ = (pathlib.Path(folder) / "numpy.py").write_text("print('mine')\\n")
    ...     taken = take(folder, "relu")
    >>> taken.file, taken.problem, definitions(taken.source)
    ('relu.py', '', ('relu',))
    """
    path = Path(path)
    if not os.path.lexists(path):
        raise ArgumentError(f"take: a submission is a file, folder, zip or tar, but there is nothing at {str(path)!r}; check the path.")
    try:
        kind, found = entries(path)
        entry = found[0] if kind == "file" else _chosen(path.name, found, wanted)
        notes = (
            () if kind == "file" or len(found) == 1 else (f"Only {entry.name} was taken from {path.name}; nothing else in it was used.",)
        )
        source, more = _text(entry)
        _sound(entry.name, source)
    except NotTakenError as refused:
        return Submission(path.name, problem=str(refused))
    except OSError as error:
        return Submission(path.name, problem=f"{path.name} could not be read ({error.strerror or error}); hand it in again.")
    return Submission(entry.name, source, notes=notes + more)


def definitions(source: str) -> tuple[str, ...]:
    """Return the names that a sound text defines at its top level as functions or by assignment.

    >>> definitions("import numpy\\ndef f(): pass\\ng = lambda x: x\\n")
    ('f', 'g')
    """
    names: list[str] = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign):
            names += [target.id for target in node.targets if isinstance(target, ast.Name)]
    return tuple(dict.fromkeys(names))


def _chosen(where: str, found: list[Entry], wanted: str) -> Entry:
    """Return the file of the wanted name, nearest to the top, or else the only Python file."""
    possible = sorted((entry for entry in found if _may_be_taken(entry.name)), key=_rank)
    named = [entry for entry in possible if wanted and PurePosixPath(entry.name).stem.casefold() == wanted.casefold()]
    group = named or [entry for entry in possible if entry.name.lower().endswith(".py")] or possible
    if len(group) == 1 or (named and _rank(named[0]) < _rank(named[1])):
        return group[0]
    name = f"{wanted}.py" if wanted else "one Python file"
    shown = ", ".join(entry.name for entry in (group or found)[:3]) + (", …" if len(group or found) > 3 else "")
    if not group:
        raise NotTakenError(f"{where} holds no Python file and no notebook (found: {shown or 'nothing'}); hand in {name}.")
    raise NotTakenError(f"{where} holds {len(group)} files that could be meant ({shown}); hand in {name} alone.")


def _rank(entry: Entry) -> tuple[int, bool]:
    return entry.name.count("/"), not entry.name.lower().endswith(".py")


def _may_be_taken(name: str) -> bool:
    *folders, last = name.split("/")
    hidden = any(part.startswith((".", "__")) for part in folders) or last.startswith(".")
    return not hidden and last.lower().endswith(KINDS) and last.lower() not in NEVER


def _text(entry: Entry) -> tuple[str, tuple[str, ...]]:
    """Return the Python text of a file and what there is to say of it."""
    suffix = PurePosixPath(entry.name).suffix.lower()
    if suffix not in KINDS:
        raise NotTakenError(f"{entry.name} is no Python file (.py), notebook (.ipynb), zip or tar; hand in one Python file.")
    most = MOST_NOTEBOOK if suffix == ".ipynb" else MOST_SOURCE
    data = entry.read(most + 1) if entry.size <= most else b""
    if max(entry.size, len(data)) > most:
        remedy = "clear its outputs and save it again" if suffix == ".ipynb" else "hand in the code alone, without data"
        raise NotTakenError(f"{entry.name} has {max(entry.size, len(data)):,} bytes, and at most {most:,} are read; {remedy}.")
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise NotTakenError(f"{entry.name} is no UTF-8 text (byte {error.start}); save it as UTF-8 in your editor.") from None
    if "\0" in text:
        raise NotTakenError(f"{entry.name} holds zero bytes, so it is no text; save it as UTF-8 in your editor.")
    return _cells(entry.name, text) if suffix == ".ipynb" else (text, ())


def _cells(name: str, text: str) -> tuple[str, tuple[str, ...]]:
    """Return the code cells of a notebook, one after the other, each below a comment with its number."""
    try:
        cells = json.loads(text)["cells"]
        code = [(number, "".join(cell["source"])) for number, cell in enumerate(cells, 1) if cell["cell_type"] == "code"]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise NotTakenError(f"{name} is no notebook that can be read; save it again in Jupyter, or hand in a .py file.") from None
    source, left = definitions_alone("\n".join(f"{CELL.format(number)}\n{_without_magics(cell)}\n" for number, cell in code))
    more = (
        f" Left out, since they only show or test something, or need more than NumPy: {', '.join(left[:5])}{', …' if left[5:] else ''}."
        if left
        else ""
    )
    return source, (
        f"{name} is a notebook: its {len(code)} code cells were taken as one file, from top to bottom, outputs and text left out.{more}",
    )


def _without_magics(cell: str) -> str:
    """Return a cell with the lines that only a notebook understands (%timeit, !pip, np.pad?) as comments."""
    cell = cell.replace("\r\n", "\n")
    if magic := re.match(r"\s*%%(\w+)", cell):
        lines = cell.split("\n")
        first = next(number for number, line in enumerate(lines) if line.strip()) + 1
        ours = (
            first if magic[1] in PYTHON_MAGICS and _parses("\n".join(lines[first:])) else len(lines)
        )  # %%bash and its like hold no Python
        cell = "\n".join([f"# {line}" for line in lines[:ours]] + lines[ours:])
    return cell if _parses(cell) else re.sub(NO_PYTHON, r"\1pass  # \2", cell, flags=re.MULTILINE)


def definitions_alone(source: str) -> tuple[str, list[str]]:
    """Return a notebook's text with the lines as comments that define nothing, and what they began with.

    These are calls and checks that stand by themselves, imports of what is neither Python's nor NumPy, and statements that use those.

    >>> definitions_alone("import matplotlib.pyplot as plt\\nk = 3\\ndef f(): pass\\nplt.imshow(f())\\nimage = plt.imread('x')\\n")[0].split("\\n")[:2]
    ['# import matplotlib.pyplot as plt', 'k = 3']
    """
    if not _parses(source):
        return source, []  # _sound says why
    body = _parsed(source).body
    lines, left, absent = source.split("\n"), [], set()
    taken = Counter(line for node in body for line in range(node.lineno, node.end_lineno + 1))
    for node in body:
        strange = _strange_names(node)
        absent |= strange
        uses = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)} & absent
        shows = isinstance(node, ast.Expr | ast.Assert) and not isinstance(getattr(node, "value", None), ast.Constant)
        own = range(node.lineno, node.end_lineno + 1)
        if (strange or shows or (uses and not isinstance(node, ast.FunctionDef | ast.ClassDef))) and all(taken[line] == 1 for line in own):
            left.append(lines[node.lineno - 1].strip()[:40])
            for line in own:
                lines[line - 1] = f"# {lines[line - 1]}"
            absent |= {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
    return "\n".join(lines), left


def _strange_names(node: ast.stmt) -> set[str]:
    """Return the names that an import of neither Python's nor NumPy's modules would define."""
    if isinstance(node, ast.Import):
        roots = {alias.name.split(".")[0]: alias.asname or alias.name.split(".")[0] for alias in node.names}
    elif isinstance(node, ast.ImportFrom):
        root = (node.module or "").split(".")[0]
        return set() if root in (*sys.stdlib_module_names, "numpy") else {alias.asname or alias.name for alias in node.names}
    else:
        return set()
    return {name for root, name in roots.items() if root not in (*sys.stdlib_module_names, "numpy")}


def _parses(source: str) -> bool:
    try:
        _parsed(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _parsed(source: str) -> ast.Module:
    with warnings.catch_warnings():  # "\d" in a string is the student's affair
        warnings.simplefilter("ignore")
        return ast.parse(source)


def _sound(name: str, source: str) -> None:
    """Raise NotTakenError where a text is empty or is no Python."""
    try:
        body = _parsed(source).body
    except SyntaxError as error:
        shown = (error.text or "").strip()[:60]
        place = _place(name, source, error.lineno or 1)
        raise NotTakenError(
            f"{place}: Python cannot read {f'`{shown}`' if shown else 'this line'} ({error.msg}); so nothing of the file could be run. "
            f"Run the file yourself before you hand it in."
        ) from None
    except (ValueError, RecursionError, MemoryError):
        raise NotTakenError(f"{name} is nested too deeply for Python to read; write it in simpler lines.") from None
    if not [node for node in body if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))]:
        raise NotTakenError(f"{name} is empty: it holds no code; hand in the file that you wrote, saved.")


def _place(name: str, source: str, line: int) -> str:
    """Return where a line is: in a notebook the cell and the line in it."""
    if not name.lower().endswith(".ipynb"):
        return f"{name}, line {line}"
    above = source.split("\n")[:line]
    heads = [number for number, text in enumerate(above, 1) if re.fullmatch(CELL.format(r"\d+"), text)]
    return f"{name}, {above[heads[-1] - 1][2:]}, line {line - heads[-1]}" if heads else name
