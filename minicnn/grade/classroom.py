"""Which question: what are the grades of a class?

Idea: each entry of a folder is a student's submission.  Each is graded by itself, in one of a few processes, and its result is
written at once, whole, beside a key: a hash of all that the grade depends on.  Whoever runs it again keeps the results whose key is
still the same, so an interruption costs the submissions in hand and nothing else.

    submissions/ada.zip ─► a process ─► take ─► key known? ─► runner, checks ─► results/students/ada.json, ada.html

Cost: a few seconds a submission and process.  What it does not do: compare submissions with each other; send anything anywhere.
Source: none.  Next rooms: handed_in.py for one of them, processes.py, results.py for the tables.
"""

import contextlib
import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from minicnn import __version__
from minicnn.errors import ArgumentError, MinicnnError, UnknownNameError, nearest
from minicnn.grade.assignments import find
from minicnn.grade.handed_in import USUAL, Manner, asked_by, grade_submission, slug, unchecked
from minicnn.grade.page import page
from minicnn.grade.processes import in_processes
from minicnn.grade.report import GradeReport
from minicnn.grade.results import ItemAnalysis, class_csv
from minicnn.grade.seeds import seed_of
from minicnn.grade.submission import Submission, take
from minicnn.grade.task import Assignment
from minicnn.load.whole import written

LONGEST_NAME = 150  # bytes of a student's name that go into the name of a file; some systems take 255 in all
ENDINGS = (".tar.gz", ".tar.bz2", ".tgz", ".tbz2")
FORMAT = 1


@dataclass(frozen=True)
class Order:
    """All that grading one student takes: it goes to another process, so it is plain."""

    student: str
    path: Path
    results: Path
    assignment: str
    secret: bytes
    manner: Manner
    again: bool = False


def students(folder, besides=None) -> dict[str, Path]:
    """Return {student: path} of a folder of submissions; a student is called as the entry is, without its ending.

    Hidden entries are none, nor is the folder of results, `besides`.  Where two entries would be called alike (ada.py, ada.zip; Bob.py, bob.zip, which some systems hold for one
    name) all of them keep their endings, and a hash of the entry's name where that is not enough.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ArgumentError(
            f"grade: submissions stand in a folder, one file, folder or zip a student, but there is none at {str(folder)!r}; unpack what you downloaded."
        )
    found = sorted(path for path in folder.iterdir() if not path.name.startswith(".") and path.name != "__MACOSX")
    found = [path for path in found if besides is None or path.resolve() != Path(besides).resolve()]
    if not found:
        raise ArgumentError(f"grade: {str(folder)!r} is empty; put one file, folder or zip a student into it.")
    names = {path: _printable(_without_ending(path)) for path in found}
    for longer in (lambda path: _printable(path.name), lambda path: f"{_printable(path.name)}-{_hash(path.name)}"):
        taken = Counter(name.casefold() for name in names.values())
        names = {path: name if taken[name.casefold()] == 1 else longer(path) for path, name in names.items()}
    return {name: path for path, name in names.items()}


def _hash(name: str) -> str:
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:8]


def _without_ending(path: Path) -> str:
    ending = next((each for each in ENDINGS if path.name.lower().endswith(each)), path.suffix)
    return path.name if path.is_dir() or not ending else path.name[: -len(ending)]


def _printable(name: str) -> str:
    name = name.encode("utf-8", "backslashreplace").decode()
    return "".join(letter if letter.isprintable() else "�" for letter in name)


def result_file(results: Path, student: str) -> Path:
    """Return where a student's result is: results/students/NAME.json; a long name is cut, and marked by a hash of all of it."""
    name = student.encode()
    if len(name) > LONGEST_NAME:
        student = name[:LONGEST_NAME].decode(errors="ignore") + "-" + hashlib.sha256(name).hexdigest()[:8]
    return results / "students" / f"{student}.json"


def grade_class(
    assignment: str,
    folder,
    results,
    secret: bytes,
    *,
    only: str | None = None,
    workers: int | None = None,
    manner: Manner = USUAL,
    told: Callable[[str], None] = lambda student: None,
) -> tuple[GradeReport, ...]:
    """Grade a folder of submissions into a folder of results, and return every student's report there is.

    assignment : a number or a folder     secret : the course's, see seeds.py     workers : processes, all cores by default
    only : regrade this student and nobody else     told : called with a student's name when that one's result is written
    Raises UnsupportedError where a sandbox is required and there is none, before anything is graded.
    """
    chosen = find(assignment)
    class_, results = students(folder, results), Path(results)
    if only is not None and only not in class_:
        raise UnknownNameError(f"grade: there is no student {only!r} in {str(folder)!r}.{nearest(only, class_)}")
    _may_be_kept_apart(chosen, manner)
    (results / "students").mkdir(parents=True, exist_ok=True)
    asked = [only] if only is not None else list(class_)
    orders = [Order(student, class_[student], results, assignment, secret, manner, again=only is not None) for student in asked]
    _all(orders, min(workers or os.cpu_count() or 1, len(orders)), told)
    return tuple(report for student in class_ if (report := _read(result_file(results, student))[1]) is not None)


def most_often(class_: dict[str, Path], most: int = 20) -> str:
    """Return the number of the assignment that most of a class's first submissions define the functions of."""
    votes: Counter[str] = Counter()
    for path in list(class_.values())[:most]:
        with contextlib.suppress(ArgumentError):
            votes[asked_by(take(path), path).number] += 1
    if not votes:
        raise ArgumentError(
            "grade: an assignment is known by its functions, but the submissions do not say which one is meant; say it: --assignment 02."
        )
    return votes.most_common(1)[0][0]


def write_tables(results: Path, reports: Sequence[GradeReport], analysis: ItemAnalysis) -> None:
    """Write class.csv, items.csv and items.json into the folder of results; they are made anew every time."""
    items = json.dumps(analysis.to_dict(), indent=2)
    for name, text in (("class.csv", class_csv(reports)), ("items.csv", analysis.csv()), ("items.json", items)):
        written(
            results / name,
            lambda stream, name=name, text=text: stream.write(text.encode("utf-8" if name.endswith("json") else "utf-8-sig")),
            overwrite=True,
            what="grade",
        )


def _may_be_kept_apart(assignment: Assignment, manner: Manner) -> None:
    """Raise what a runner raises where it cannot be had, before anybody waits for 500 of them."""
    if manner.require_sandbox:
        grade_submission(assignment, Submission("nothing.py", "pass\n"), manner=manner._replace(budget=0))


def _all(orders: Sequence[Order], workers: int, told) -> None:
    """Carry out all orders; where a process dies, the ones that it may have died of are tried again alone."""
    while orders:
        lost = in_processes(carry_out, orders, workers, lambda order: told(order.student))
        for order in lost[: workers + 1]:  # in hand, or next in line, when it died
            if in_processes(carry_out, [order], 1, lambda order: None):
                problem = "the grader's own process ended on this submission; please tell your instructor."
                _write(order, "", unchecked(find(order.assignment), problem))
            told(order.student)
        orders = lost[workers + 1 :]


def carry_out(order: Order) -> None:
    """Grade one student, unless the result that is there is of the same submission, checks, secret and manner."""
    assignment = find(order.assignment)
    handed_in = take(order.path, slug(assignment))
    key = _key(order, assignment, handed_in)
    if not order.again and _read(result_file(order.results, order.student))[0] == key:
        return
    try:
        seed = seed_of(order.secret, order.student, assignment.number)
        report = grade_submission(assignment, handed_in, student=order.student, seed=seed, manner=order.manner)
    except MinicnnError:
        raise
    except Exception as error:  # a defect of ours: the others go on, and this one is graded again the next time
        key, report = "", unchecked(assignment, f"the grader failed ({type(error).__name__}: {error}); please tell your instructor.")
    _write(order, key, report.with_(seed="from the course's secret"))


def _key(order: Order, assignment: Assignment, handed_in: Submission) -> str:
    """Return a hash of all that a grade depends on."""
    checks = (assignment.folder / "checks.py").read_bytes()
    secret = hashlib.sha256(b"key" + order.secret).hexdigest()
    parts = (FORMAT, __version__, hashlib.sha256(checks).hexdigest(), handed_in.digest, order.student, secret, order.manner)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _write(order: Order, key: str, report: GradeReport) -> None:
    """Write a student's page, and then the result; each is whole or not there."""
    file, report = result_file(order.results, order.student), report.with_(student=order.student)
    document = json.dumps({"key": key, "report": report.to_dict()}, allow_nan=False)
    for path, text in ((file.with_suffix(".html"), page(report)), (file, document)):
        written(path, lambda stream, text=text: stream.write(text.encode()), overwrite=True, what="grade")


def _read(file: Path) -> tuple[str | None, GradeReport | None]:
    """Return the key and the report of a result; None and None where there is none, or none that can be read."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        return document["key"], GradeReport.from_dict(document["report"])
    except (OSError, ValueError, LookupError, TypeError, MinicnnError):
        return None, None
