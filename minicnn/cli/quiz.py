"""Which question: do I know what comes out, before the computer says it?

    minicnn quiz                             questions of all topics; comes back to what went wrong until it is gone
    minicnn quiz shapes --level 2 --n 5      of one lesson, or one topic; --list shows them
    minicnn quiz shapes --bank bank.gift     fifty of them for Moodle, or as .json

Idea: a door to minicnn.quiz.  With a terminal it asks (quiz_talk.py); into a file or a pipe the questions are printed.
Cost: integers.  What it does not do: keep results.  Exit codes: 0 done, 1 a mistake, 130 interrupted, after telling what was answered.
Source: none.  Next rooms: quiz_talk.py, minicnn/quiz/asking.py.
"""

import random
import shlex
import sys
from typing import Annotated

import typer

from minicnn.cli.answering import JsonOption
from minicnn.cli.terminal import Terminal
from minicnn.errors import ArgumentError

PLANNED, BANKED = 10, 50  # questions where --n says nothing
SEEDS = 10**6  # a seed that is drawn is short enough to be written down


def quiz(
    topic: Annotated[
        str | None,
        typer.Argument(help="A topic, or a lesson by its number or name, such as shapes; all by default.", show_default=False),
    ] = None,
    level: Annotated[
        int | None, typer.Option(min=1, help="Stay at one level; by default they rise with right answers.", show_default=False)
    ] = None,
    n: Annotated[int | None, typer.Option("--n", min=1, help="How many questions; 10, or 50 for a bank.", show_default=False)] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="The same seed, the same questions.", show_default=False)] = None,
    student: Annotated[str, typer.Option(metavar="NAME", help="Questions of this student's own.", show_default=False)] = "",
    key: Annotated[
        str | None, typer.Option(metavar="FILE", help="The course's secret, for --student's questions.", show_default=False)
    ] = None,
    bank: Annotated[str | None, typer.Option(metavar="FILE", help="Write a bank: .gift for Moodle, or .json.", show_default=False)] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a bank that is there.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="Show the topics.")] = False,
    json: JsonOption = False,
) -> None:
    """Ask about shapes, fields, parameters and cost; come back to a misconception until it is gone."""
    terminal = Terminal()
    if list_:
        _list(terminal, topic, json)
        return
    drawn = {"level": level, "student": student, **_secret(key, student)}
    if bank is not None:
        _bank(terminal, bank, topic, {"n": n or BANKED, "seed": seed or 0, "overwrite": overwrite, **drawn}, json)
        return
    session = _session(topic, n=n or PLANNED, seed=_seed(seed, student), **drawn)
    if json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        _print(terminal, session, json)
        return
    _talk(terminal, session, _again(session, topic, key))


def _session(topic: str | None, **drawn):
    from minicnn.quiz.asking import Session
    from minicnn.quiz.catalogue import topics_of

    return Session(tuple(each.name for each in topics_of(topic)) if topic else (), **drawn)


def _seed(seed: int | None, student: str) -> int:
    """Return the seed; a student's quiz is the same one again, another's a new one."""
    if seed is not None:
        return seed
    return 0 if student else random.randrange(SEEDS)


def _secret(path: str | None, student: str) -> dict:
    from minicnn.grade.seeds import read_secret

    if path is None:
        return {}
    if not student:
        raise ArgumentError("--key: the course's secret makes a student's questions, but no student is named; add --student NAME.")
    return {"key": read_secret(path)}


def _list(terminal: Terminal, topic: str | None, json: bool) -> None:
    """Show the topics."""
    from minicnn.quiz.catalogue import TOPICS, topics_of
    from minicnn.text import table

    found = topics_of(topic) if topic else tuple(TOPICS.values())
    if json:
        terminal.json([{name: getattr(each, name) for name in ("name", "title", "lesson", "levels")} for each in found])
        return
    rows = [(each.lesson, each.name, each.levels, each.title) for each in found]
    terminal.line(table(("lesson", "topic", "levels", "what is asked"), rows, align="llrl"))
    terminal.say(f"To begin: minicnn quiz {found[0].name}")


def _bank(terminal: Terminal, path: str, topic: str | None, drawn: dict, json: bool) -> None:
    """Write a bank, and say what is in it."""
    from minicnn import quiz

    try:
        questions = quiz.bank(path, topic, **drawn)
    except ArgumentError as error:
        raise ArgumentError(
            str(error).replace("save under another name, or pass overwrite=True", "name another file, or add --overwrite")
        ) from None
    names = list(dict.fromkeys(each.topic for each in questions))
    if json:
        terminal.json({"bank": path, "questions": len(questions), "topics": names})
        return
    terminal.fact("bank", f"{len(questions):,} questions in {path}")
    terminal.fact("topics", ", ".join(names))
    if not path.lower().endswith(".json"):
        terminal.fact("into Moodle", "Question bank, Import, GIFT format")


def _print(terminal: Terminal, session, json: bool) -> None:
    """Print the questions that somebody gets who knows all the answers."""
    from minicnn.cli.quiz_talk import put

    seed, questions = session.seed, []
    while asked := session.next():
        session = session.answered(asked, asked.question.answer)
        questions.append(asked.question)
    if json:
        terminal.json({"seed": seed, "student": session.student, "questions": [each.to_dict() for each in questions]})
        return
    for place, each in enumerate(questions, 1):
        put(terminal, each, f"{place}  {each.topic}, level {each.level}")
    terminal.note("these are the questions only, since nobody can answer here; --json has the answers and their derivations.")


def _talk(terminal: Terminal, session, again: str) -> None:
    """Ask, tell how it went, and leave with 130 where it was interrupted."""
    from minicnn.cli.quiz_talk import summary, talk

    if hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(errors="replace")  # a letter in another encoding is a typing error, not the end
    session, interrupted = talk(session, terminal, _read)
    summary(terminal, session, again)
    if interrupted:
        raise typer.Exit(130)


def _again(session, topic: str | None, key: str | None) -> str:
    """Return the command that asks the same questions again."""
    words = ["minicnn quiz", *([topic] if topic else []), *(["--level", str(session.level)] if session.level else [])]
    words += ["--n", str(session.n)] if session.n != PLANNED else []
    words += ["--student", shlex.quote(session.student)] if session.student else []
    words += ["--key", shlex.quote(key)] if key else []
    return " ".join([*words, "--seed", str(session.seed)])


def _read(prompt: str) -> str:
    import contextlib

    with contextlib.suppress(ImportError):
        import readline  # noqa: F401 - what was typed can be edited, and called back with the arrow keys
    return input(prompt)
