"""Which question: how does an instructor make an assignment of one's own?

Idea: one Python file says it all: what is right (the first function), which whole numbers a case is made of (DOMAIN), how they become
arguments, and how one goes wrong (every further function with the same arguments, its docstring said to whom it explains).  From it
come the three files of an assignment, written to be read and edited: checks.py, starter.py, README.md.

Cost: running that file once.  What it does not do: derive a bound for rounding errors; the one written is wide, and says so.
Source: none.  Next rooms: center_crop.py, such a file; task.py, what checks.py is made of.
"""

import ast
import importlib.util
import inspect
import json
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import numpy as np

from minicnn.errors import ArgumentError, FileFormatError
from minicnn.grade.assignments import find
from minicnn.grade.case import Case
from minicnn.grade.checking import grade
from minicnn.grade.in_process import answering
from minicnn.grade.report import GradeReport
from minicnn.grade.templates import CHECKS, README, STARTER
from minicnn.load.whole import places, written

SAMPLE = Path(__file__).with_name("center_crop.py")
POINTS = 10


@dataclass(frozen=True, eq=False)
class Made:
    """What an instructor's file says, and its example: arguments and the right result."""

    source: str
    module: ModuleType
    name: str
    mutants: tuple[str, ...]
    example: dict
    expected: object


def make(folder, reference=None) -> tuple[Path, ...]:
    """Write an assignment into a folder, from a file with a reference function, its domain and mutants; return the paths.

    reference : a Python file; by default the package's own sample, center_crop.py
    Raises FileFormatError where that file cannot be used, ArgumentError where one of the three is there already.
    """
    folder = Path(folder)
    made = _read(Path(reference) if reference is not None else SAMPLE)
    texts = {"checks.py": _checks(made, folder), "starter.py": _starter(made, folder), "README.md": _readme(made, folder)}
    folder.mkdir(parents=True, exist_ok=True)
    for name in texts:
        places(folder / name, False, "make")
    for name, text in texts.items():
        written(folder / name, lambda stream, text=text: stream.write(text.encode()), overwrite=False, what="make")
    return tuple(folder / name for name in texts)


def tried(folder) -> dict[str, GradeReport]:
    """Return what an assignment's own checks make of its reference and of each of its misconceptions, in this process, by their names."""
    assignment, found = find(folder), {}
    for task in assignment.tasks:
        for name, function in {
            f"{task.name}, as it should be": task.reference,
            **{each.name: each for each in task.misconceptions},
        }.items():
            found[name] = grade(replace(assignment, tasks=(task,)), answering({task.name: function}))
    return found


def _read(path: Path) -> Made:
    """Run an instructor's file, and return what it says."""
    if not path.is_file():
        raise ArgumentError(
            f"make: --reference is a Python file with the right function, but there is none at {str(path)!r}; check the path."
        )
    try:
        source = path.read_text(encoding="utf-8")
        spec = importlib.util.spec_from_loader(path.stem, None)
        module = importlib.util.module_from_spec(spec)
        exec(compile(source, str(path), "exec"), vars(module))  # the instructor's own file, as checks.py will be
    except Exception as error:
        raise FileFormatError(f"make: {path.name} must run, but it raised {type(error).__name__}: {error}; mend it there.") from error
    functions = [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    public = [name for name in functions if not name.startswith("_") and name != "arguments"]
    domain = getattr(module, "DOMAIN", None)
    if not public or "arguments" not in functions or not _is_domain(domain):
        raise FileFormatError(
            f"make: {path.name} must define DOMAIN = {{name: (least, most), …}}, arguments(settings, array) and the right function, but it defines "
            f"{', '.join(functions) or 'no function'} and DOMAIN = {domain!r}; see minicnn/grade/center_crop.py for one that does."
        )
    name, *others = public
    signature = _parameters(getattr(module, name))
    mutants = tuple(other for other in others if _parameters(getattr(module, other)) == signature)
    if silent := [mutant for mutant in mutants if not getattr(module, mutant).__doc__]:
        raise FileFormatError(
            f"make: the docstring of a mutant is what its author is told, but {silent[0]} in {path.name} has none; write one sentence there."
        )
    return Made(source, module, name, mutants, *_example(path, module, name))


def _is_domain(domain) -> bool:
    return isinstance(domain, dict) and bool(domain) and all(isinstance(ends, tuple) and len(ends) == 2 for ends in domain.values())


def _parameters(function) -> list[str]:
    return list(inspect.signature(function).parameters)


def _example(path: Path, module: ModuleType, name: str) -> tuple[dict, object]:
    """Return the arguments of a case from the middle of the domain, counting 1, 2, …, and the right result."""
    settings = {setting: (least + most) // 2 for setting, (least, most) in module.DOMAIN.items()}
    try:
        example = dict(module.arguments(settings, Case(settings, numbers="whole").array))
        expected = getattr(module, name)(**example)
    except Exception as error:
        raise FileFormatError(
            f"make: {path.name} must answer a case of its own domain, but {name} at {settings} raised {type(error).__name__}: {error}; mend it there."
        ) from error
    if list(example) != _parameters(getattr(module, name)):
        raise FileFormatError(
            f"make: arguments() must return the arguments of {name}, {', '.join(_parameters(getattr(module, name)))}, but it returns {', '.join(example)}."
        )
    return example, expected


def _checks(made: Made, folder: Path) -> str:
    """Return checks.py: the instructor's own text, its mutants marked as such, and the assignment."""
    _, *rest = _statements(made.source)
    rest = [(node, text) for node, text in rest if ast.unparse(node) != "import numpy as np"]
    imports = [text for node, text in rest if isinstance(node, ast.Import | ast.ImportFrom)]
    body = [_believed(node, text, made) for node, text in rest if not isinstance(node, ast.Import | ast.ImportFrom)]
    return CHECKS.format(
        title=_title(made),
        quoted=_quoted(_title(made)),
        imports="".join(text.lstrip("\n") for text in imports),
        body="".join(body).strip("\n"),
        number=_number(folder),
        name=made.name,
        points=POINTS,
        example="\n".join(_assigned(name, value, "    ") for name, value in {**made.example, "right_result": made.expected}.items()),
        given=", ".join(f'"{name}": {name}' for name in made.example),
        mutants=", ".join(made.mutants) + "," * (len(made.mutants) == 1),
    )


def _statements(source: str) -> list[tuple[ast.stmt, str]]:
    """Return the statements of a text, each with the comments and empty lines before it."""
    lines, found, before = source.splitlines(keepends=True), [], 0
    body = ast.parse(source).body
    if not body or not ast.get_docstring(ast.parse(source)):
        body = [ast.Pass(lineno=1, end_lineno=0), *body]  # where there is no docstring
    for node in body:
        found.append((node, "".join(lines[before : node.end_lineno])))
        before = node.end_lineno
    return found


def _believed(node: ast.stmt, text: str, made: Made) -> str:
    """Return a statement as it is; a mutant with the line that makes it a misconception, which takes over its docstring."""
    if getattr(node, "name", None) not in made.mutants:
        return text
    says = " ".join(getattr(made.module, node.name).__doc__.split())
    lines = text.splitlines(keepends=True)
    first = node.lineno - node.end_lineno - 1  # `def`, counted from the end of the text
    start, end = (line - node.end_lineno - 1 for line in (node.body[0].lineno, node.body[0].end_lineno + 1))
    kept = lines[first:start] + (lines[end:] if end else [])
    return "".join(lines[:first]) + f'@believed(\n    {_quoted(says)},\n    lesson="",\n    function="{made.name}",\n)\n' + "".join(kept)


def _starter(made: Made, folder: Path) -> str:
    function = getattr(made.module, made.name)
    docstring = inspect.cleandoc(function.__doc__ or "Say what is returned.").replace("\n", "\n    ")
    header = f"def {made.name}{inspect.signature(function)}:"
    return STARTER.format(title=_title(made), number=_number(folder), header=header, docstring=docstring.replace("\n    \n", "\n\n"))


def _readme(made: Made, folder: Path) -> str:
    words = inspect.cleandoc(made.module.__doc__ or made.name).split("\n", 1)
    task = words[1].strip() if len(words) > 1 else "Say here what is asked for, with its equation."
    call = "\n".join(">>> " + _assigned(name, value, "... ").removeprefix("... ") for name, value in made.example.items())
    call += f"\n>>> {made.name}({', '.join(made.example)})\n" + repr(made.expected).replace("\n\n", "\n").replace("\n\n", "\n")
    return README.format(title=_title(made), number=_number(folder), name=made.name, task=task, call=call)


def _title(made: Made) -> str:
    return (made.module.__doc__ or made.name).strip().split("\n")[0].rstrip(".")


def _number(folder: Path) -> str:
    """Return what an assignment is called by: the number in front of its folder's name, or that name.

    >>> _number(Path("07_center_crop")), _number(Path("center_crop"))
    ('07', 'center_crop')
    """
    name = folder.absolute().name
    digits = name[: len(name) - len(name.lstrip("0123456789"))]
    return digits or name


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # with double quotes, as the rest of the file


def _assigned(name: str, value, indent: str = "") -> str:
    """Return the lines that make a value, each behind `indent`.

    >>> print(_assigned("x", np.array([[1.0, 2.0], [3.0, 4.0]], np.float32), "    "))
        x = np.array([[1., 2.],
                      [3., 4.]], dtype=np.float32)
    """
    if not isinstance(value, np.ndarray):
        return f"{indent}{name} = {_written(value)}"
    head = f"{indent}{name} = np.array("
    body = np.array2string(value, separator=", ", prefix=head, threshold=value.size + 1, max_line_width=120, floatmode="unique")
    lines = [line for line in body.split("\n") if line.strip()]  # NumPy parts planes by empty lines
    rest = [indent + line[len(indent) :] for line in lines[1:]]
    return "\n".join([head + lines[0], *rest]) + ("" if value.dtype == np.float64 else f", dtype=np.{value.dtype}") + ")"


def _written(value) -> str:
    """Return a value as Python text.

    >>> _written((np.array([[1.0, 2.0]], np.float32), 1, np.int64(2)))
    '(np.array([[1.0, 2.0]], dtype=np.float32), 1, 2)'
    """
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_written, value)) + "," * (len(value) == 1) + ")"
    if isinstance(value, np.ndarray):
        return f"np.array({value.tolist()}{'' if value.dtype == np.float64 else f', dtype=np.{value.dtype}'})"
    return repr(value.item() if isinstance(value, np.generic) else value)
