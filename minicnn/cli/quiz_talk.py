"""Which question: how does a quiz read, line by line?

Idea: a question, an answer, and what there is to say: a wrong answer is met by the idea behind it and may be mended once, a right one
by the derivation.  The first answer counts.  What the session makes of it (quiz/asking.py) is told at the end: what is gone, what is
left, and the lesson to reread.

Cost: none.  What it does not do: decide what is asked next.  `read` is any function that returns a line, which is how the tests talk.
Source: none.  Next rooms: minicnn/quiz/asking.py, minicnn/quiz/typed.py.
"""

from collections.abc import Callable

from minicnn.cli.terminal import Terminal
from minicnn.errors import ArgumentError
from minicnn.quiz.asking import Asked, Idea, Session
from minicnn.quiz.catalogue import TOPICS
from minicnn.quiz.question import Answer, Question, shown
from minicnn.quiz.typed import typed

SHOW, LEAVE = ("?", "show", "show me"), ("q", "quit", "exit")


class Left(Exception):
    """Raised by who types q."""


def talk(session: Session, terminal: Terminal, read: Callable[[str], str]) -> tuple[Session, bool]:
    """Ask until there is nothing left to ask, or somebody leaves; return the session and whether it was interrupted."""
    terminal.say(f"{session.n} question{'s' * (session.n != 1)}. Type ? to be shown the derivation, q to leave.")
    try:
        while asked := session.next():
            put(terminal, asked.question, _head(session, asked))
            value = _reply(terminal, asked.question, read)
            before, session = session, session.answered(asked, value)
            if not _told(terminal, asked.question, value, again=True) and value is not None:
                _told(terminal, asked.question, _reply(terminal, asked.question, read), again=False)
            _what_changed(terminal, before, session)
    except KeyboardInterrupt:
        terminal.line()
        terminal.note("interrupted; what was answered until then:")
        return session, True
    except EOFError:
        terminal.line()
    except Left:
        pass
    return session, False


def put(terminal: Terminal, question: Question, head: str) -> None:
    """Print a question and what there is to choose from."""
    terminal.line()
    terminal.say(head, "bold")
    terminal.say(question.text)
    for place, choice in enumerate(question.choices, 1):
        terminal.fact(f"  {place}", choice)


def _head(session: Session, asked: Asked) -> str:
    question, place = asked.question, len(session.answers) + 1
    return f"{place}  {question.topic}, level {question.level}" + (" (back to what went wrong)" if asked.back_to else "")


def _reply(terminal: Terminal, question: Question, read: Callable[[str], str]) -> Answer | None:
    """Return the value that was typed, None where the derivation is asked for; what cannot be read is asked for again."""
    while True:
        text = read("> ").strip()
        if text.lower() in LEAVE:
            raise Left
        if text.lower() in SHOW:
            return None
        try:
            return typed(text, like=question.answer, choices=question.choices, form=question.form)
        except ArgumentError as error:
            terminal.say(str(error).removeprefix("answer: "))


def _told(terminal: Terminal, question: Question, value: Answer | None, *, again: bool) -> bool:
    """Say what there is to say of an answer; return whether it was right.  The derivation waits while there is another try."""
    right = value is not None and question.is_right(value)
    if right:
        terminal.say("Right.", "bold")
    elif value is not None:
        why = question.why(value)
        terminal.say(f"Not {shown(value, question.form)}. {why.says if why else 'Go through it step by step.'}")
        if again:
            terminal.say("Once more, or ? for the derivation.", "dim")
            return False
    for line in question.derivation:
        terminal.line(f"  {line}")
    return right


def _what_changed(terminal: Terminal, before: Session, after: Session) -> None:
    """Tell of an idea that is gone, or that asking does not help against."""
    old = {each.idea: each for each in before.standings}
    for each in after.standings:
        was = old.get(each.idea)
        if each.gone and not (was and was.gone):
            terminal.say(f"Gone: {_name(each.idea)}")
        if each.put_off and not (was and was.put_off):
            terminal.say(f"Enough of that for now; lesson {each.idea.lesson} explains it.")


def summary(terminal: Terminal, session: Session, words: str) -> None:
    """Tell how it went: right answers by topic, what is gone, what is left, and how to get the same questions again."""
    from minicnn.text import table

    terminal.line()
    if not session.answers:
        terminal.say("Nothing was answered.")
    else:
        right = sum(each.right for each in session.answers)
        terminal.say(f"{right} of {len(session.answers)} right at the first try.", "bold")
        by_topic: dict[str, list[bool]] = {}
        for each in session.answers:
            by_topic.setdefault(each.asked.question.topic, []).append(each.right)
        terminal.line(table(("topic", "right", "asked"), [(name, sum(of), len(of)) for name, of in by_topic.items()], align="lrr"))
    for each in session.standings:
        if each.gone:
            terminal.fact("gone", _name(each.idea))
        else:
            terminal.fact("still there", f"{_name(each.idea)} To reread: minicnn lesson {each.idea.lesson}")
    terminal.fact("again", words)


def _name(idea: Idea) -> str:
    """Return what an idea is called: the sentence that was told, or where none is known the topic's title."""
    return idea.told or f"{TOPICS[idea.topic].title}."
