"""Which question: what do instructors do with assignments?

Idea: grade a class, make an assignment, seal solutions, feed Gradescope; each is one call of minicnn.grade, told in words.
Cost: grading, a few seconds a submission and core.  What it does not do: publish anything.
Source: none.  Next rooms: assignment.py, where these are commands; grade/classroom.py.
"""

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from minicnn.cli.answering import JsonOption
from minicnn.cli.terminal import Terminal

Which = Annotated[str, typer.Argument(metavar="ASSIGNMENT", help="A number, such as 02, or an assignment's folder.", show_default=False)]
AssignmentOption = Annotated[
    str | None,
    typer.Option("--assignment", metavar="02", help="A number, or an assignment's folder.", show_default="as the functions say"),
]
BudgetOption = Annotated[int, typer.Option(min=0, help="Cases that a part may cost.")]
SandboxOption = Annotated[str, typer.Option(help="What keeps submissions apart: auto, bubblewrap, unshare or plain.")]
RequireOption = Annotated[bool, typer.Option("--require-sandbox", help="Do not grade without bubblewrap or unshare.")]


@contextlib.contextmanager
def nothing_lost():
    """Refuse a file that is there in the words of a command line."""
    from minicnn.errors import ArgumentError

    try:
        yield
    except ArgumentError as error:
        raise ArgumentError(str(error).replace("save under another name, or pass overwrite=True", "name another folder")) from None


def grade(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="One file, folder, zip or tar a student.", show_default=False)],
    out: Annotated[str, typer.Option(metavar="DIR", help="Where results go; those there are kept where nothing changed.")] = "grades",
    assignment: AssignmentOption = None,
    secret: Annotated[
        str | None, typer.Option(metavar="FILE", help="The course's secret.", show_default="secret.key in --out, made once")
    ] = None,
    only: Annotated[
        str | None, typer.Option(metavar="STUDENT", help="Grade this student again, and nobody else.", show_default=False)
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes.", show_default="all cores")] = None,
    budget: BudgetOption = 100,
    sandbox: SandboxOption = "auto",
    require_sandbox: RequireOption = False,
    json: JsonOption = False,
) -> None:
    """Grade a class: one result a student, a table, and what was not understood.  Interrupted, it goes on where it was."""
    from minicnn.grade import classroom, results, seeds
    from minicnn.grade.handed_in import Manner

    terminal, to = Terminal(), Path(out)
    class_ = classroom.students(folder, to)
    chosen = assignment if assignment is not None else classroom.most_often(class_)
    to.mkdir(parents=True, exist_ok=True)
    key = seeds.read_secret(secret) if secret is not None else seeds.new_secret(to / "secret.key")
    manner = Manner(budget, sandbox, require_sandbox)
    try:
        with terminal.progress("grading", 1 if only is not None else len(class_)) as step:
            reports = classroom.grade_class(chosen, folder, to, key, only=only, workers=jobs, manner=manner, told=step)
    except KeyboardInterrupt:
        terminal.note(f"What is graded is in {to / 'students'}; the same command goes on from there.")
        raise
    analysis = results.item_analysis(reports)
    classroom.write_tables(to, reports, analysis)
    if json:
        terminal.json(analysis.to_dict())
        return
    for line in analysis.text(min(terminal.width, 100)).split("\n"):
        terminal.line(line)
    terminal.line()
    terminal.fact("results", f"{to / 'students'}: a page and a JSON file a student")
    terminal.fact("tables", f"{to / 'class.csv'}, {to / 'items.csv'}")
    walls = dict.fromkeys(report.in_force[0] for report in reports if report.in_force)  # the rest is in every report
    terminal.fact("apart by", "; ".join(walls) or "no submission was run")


def make(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="Where the assignment is written.", show_default=False)],
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="A Python file: the right function, its DOMAIN, wrong ones.", show_default="center_crop, a sample"
        ),
    ] = None,
) -> None:
    """Write an assignment of your own, to be edited: checks.py, starter.py, README.md; and try it on your own right and wrong functions."""
    from minicnn.grade import making

    terminal = Terminal()
    with nothing_lost():
        for path in making.make(folder, reference):
            terminal.fact("written", str(path))
    proof = making.tried(folder)
    for name, report in proof.items():
        failure = next((part.failure for part in report.parts if part.failure), None)
        found = failure.misconception.name if failure and failure.misconception else "no misconception named"
        terminal.fact(f"{report.earned:g}/{report.points:g}", f"{name}: " + (f"caught ({failure.stage}; {found})" if failure else "passes"))
    right, *wrong = proof.values()
    if not right.passed or any(report.passed for report in wrong):
        terminal.note("The right function must pass and the wrong ones must not: widen DOMAIN in checks.py, or mend them.")
        raise typer.Exit(1)


def solutions(
    folder: Annotated[
        str | None, typer.Argument(metavar="[FOLDER]", help="Python files that solve assignments.", show_default=False)
    ] = None,
    key: Annotated[str, typer.Option(metavar="FILE", help="The key; made where there is none.")] = "solutions.key",
    out: Annotated[str, typer.Option(metavar="FILE", help="The archive to write.")] = "solutions.sealed",
    open: Annotated[str | None, typer.Option(metavar="ARCHIVE", help="Open an archive instead.", show_default=False)] = None,
    to: Annotated[str, typer.Option(metavar="DIR", help="With --open, where to.")] = "solutions",
    assignment: AssignmentOption = None,
) -> None:
    """Encrypt solutions that pass into one archive for instructors; or open one with its key."""
    from minicnn.errors import ArgumentError
    from minicnn.grade import sealed

    terminal = Terminal()
    if (folder is None) == (open is None):
        raise ArgumentError(
            "solutions: name a FOLDER to encrypt, or an archive by --open, one of them; see minicnn assignment solutions --help."
        )
    if open is not None:
        for path in sealed.unseal(open, key, to):
            terminal.fact("written", str(path))
        return
    for name, number in sealed.seal(folder, key, out, assignment=assignment).items():
        terminal.fact(f"passed {number}", name)
    terminal.fact("written", f"{out}; nobody opens it without {key}: keep that outside of any repository")


def make_gradescope(
    assignment: Which,
    folder: Annotated[str, typer.Argument(metavar="[DIR]", help="Where the files are written.")] = "autograder",
) -> None:
    """Write what Gradescope runs: setup.sh, run_autograder and a secret of the course."""
    from minicnn.grade import autograder

    terminal = Terminal()
    with nothing_lost():
        for path in autograder.make_gradescope(assignment, folder):
            terminal.fact("written", str(path))
    terminal.say("Zip these files, not the folder around them, and upload the zip on Gradescope: Configure Autograder.")
