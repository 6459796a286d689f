"""Which question: how does a student get an assignment checked, and an instructor a class?

    minicnn assignment list               the assignments: what is to be written, points, minutes
    minicnn assignment start 02           README.md and a file with the functions to write
    minicnn assignment check FILE         the grade of one file, and what goes wrong in it first
    minicnn assignment grade FOLDER       a class: results, tables, and what was not understood
    minicnn assignment make DIR           an assignment of your own
    minicnn assignment solutions FOLDER   solutions, checked and encrypted
    minicnn assignment make-gradescope 02 the two scripts that Gradescope runs

Idea: a door to minicnn.grade.  What is named by a number may be named by the folder of an assignment of one's own, too.
Cost: the checks.  What it does not do: overwrite unasked.
Exit codes: 0 passed (or done), 1 not passed, or a mistake.  Source: none.  Next rooms: teaching.py, grade/handed_in.py.
"""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from minicnn.cli import teaching
from minicnn.cli.answering import JsonOption
from minicnn.cli.teaching import AssignmentOption, BudgetOption, RequireOption, SandboxOption, Which
from minicnn.cli.terminal import Terminal

app = typer.Typer(
    name="assignment",
    help="Assignments that grade themselves: start one, check a file, grade a class, make your own.",
    epilog="Example: minicnn assignment start 02",
    rich_markup_mode="rich",
    no_args_is_help=True,
)


def _command(name: str, example: str):
    return app.command(name, epilog=f"Example: minicnn assignment {example}")


@_command("list", "list")
def list_(json: JsonOption = False) -> None:
    """Show the assignments: what is to be written, points, minutes."""
    from minicnn.grade.assignments import all_of_them
    from minicnn.text import table

    terminal, known = Terminal(), all_of_them()
    if json:
        facts = ("number", "title", "points", "minutes", "lesson")
        terminal.json(
            [{**{fact: getattr(each, fact) for fact in facts}, "functions": [task.name for task in each.tasks]} for each in known]
        )
        return
    rows = [(each.number, each.title, f"{each.points:g}", each.minutes) for each in known]
    terminal.line(table(("no.", "title", "points", "minutes"), rows, align="llrr"))
    for each in known:
        terminal.fact(each.number, ", ".join(task.name for task in each.tasks))
    terminal.say(f"To begin: minicnn assignment start {known[0].number}")


@_command("start", "start 02 week2")
def start(
    assignment: Which,
    folder: Annotated[
        str | None, typer.Argument(metavar="[DIR]", help="Where to; a folder of its own by default.", show_default=False)
    ] = None,
) -> None:
    """Write an assignment's README.md and the file with the functions to write; what is there stays."""
    from minicnn.grade.assignments import find
    from minicnn.grade.handed_in import slug
    from minicnn.load.whole import places, written

    chosen, terminal = find(assignment, "start"), Terminal()
    to = Path(folder if folder is not None else chosen.folder.name)
    to.mkdir(parents=True, exist_ok=True)
    own = to / f"{slug(chosen)}.py"
    texts = {path: (chosen.folder / name).read_bytes() for path, name in ((to / "README.md", "README.md"), (own, "starter.py"))}
    with teaching.nothing_lost():
        for path in texts:
            places(path, False, "start")
    for path, text in texts.items():
        written(path, lambda stream, text=text: stream.write(text), overwrite=False, what="start")
    terminal.fact("read", f"{to / 'README.md'} (about {chosen.minutes} minutes in all)")
    terminal.fact("write", f"{', '.join(task.name for task in chosen.tasks)} in {own}")
    whose = [] if chosen.folder.name[:1].isdigit() else ["--assignment", str(assignment)]
    terminal.fact("check", shlex.join(["minicnn", "assignment", "check", str(own), *whose]))


@_command("check", "check 02_conv2d/conv2d.py")
def check(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A Python file, a notebook, or an archive with one.", show_default=False)],
    assignment: AssignmentOption = None,
    html: Annotated[str | None, typer.Option(metavar="FILE.html", help="Write the report as a page too.", show_default=False)] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a page that is there.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Where the drawn cases begin.")] = 0,
    budget: BudgetOption = 100,
    sandbox: SandboxOption = "auto",
    require_sandbox: RequireOption = False,
    json: JsonOption = False,
) -> None:
    """Grade one file, and show the first thing that goes wrong in each part; exit code 1 unless all passed."""
    from minicnn.cli.report import free
    from minicnn.grade.assignments import find
    from minicnn.grade.handed_in import Manner, asked_by, grade_submission, slug
    from minicnn.grade.page import page
    from minicnn.grade.submission import take
    from minicnn.grade.terminal import lines
    from minicnn.load.whole import written

    terminal, path = Terminal(), Path(file)
    path = path.resolve() if path.exists() else path  # one's own link is followed; a class's are not
    if html is not None:
        free(html, overwrite)
    chosen = find(assignment, "check") if assignment is not None else asked_by(take(path), path)
    report = grade_submission(chosen, take(path, slug(chosen)), seed=seed, manner=Manner(budget, sandbox, require_sandbox))
    if html is not None:
        written(html, lambda stream: stream.write(page(report).encode()), overwrite=overwrite, what="check")
    if json:
        terminal.json(report.to_dict())
    else:
        for text, style in lines(report, min(terminal.width, 100)):
            terminal.line(text, style)
        if html is not None:
            terminal.fact("page", html)
    if not report.passed:
        raise typer.Exit(1)


for _name, _example, _teaches in (
    ("grade", "grade submissions --assignment 02 --out grades", teaching.grade),
    ("make", "make 07_center_crop --reference center_crop.py", teaching.make),
    ("solutions", "solutions solved --key ~/course.key --out solutions.sealed", teaching.solutions),
    ("make-gradescope", "make-gradescope 02 autograder", teaching.make_gradescope),
):
    _command(_name, _example)(_teaches)
