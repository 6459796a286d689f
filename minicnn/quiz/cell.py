"""Which question: how does a notebook ask before it tells?

Idea: a small widget (anywidget: marimo, JupyterLab, Colab, VS Code).  The reader types or chooses, is told right or wrong by cell.js, meets the
sentence that belongs to a wrong answer, and reads the derivation when the answer is right or wished for.  All that it needs lies
in the widget's own data, so it asks no Python: a notebook that was only saved, and a static page, ask as well.

Cost: some kilobytes for each question.  What it does not do: keep the answer from someone who reads the page's source; `ask`'s next question
needs Python.
Source: anywidget's documentation; White & Gunstone, "Probing Understanding" (1992), on predict, observe, explain.
Next rooms: plain_answers.py, reading.js, cell.js, catalogue.py.
"""

import functools
from collections.abc import Iterable, Mapping
from html import escape
from importlib.resources import files

from minicnn.errors import ArgumentError, UnsupportedError
from minicnn.quiz.plain_answers import example, plain, same
from minicnn.quiz.question import Question, shown
from minicnn.quiz.student import OPEN

__all__ = ["ask", "predict"]

WHAT = "predict"
SEEDS = 2**32  # as many as quiz.question draws from


def predict(question: str, answer, *, wrong: Mapping = {}, because: str | Iterable[str] = (), choices: Iterable = (), form: str = ""):
    """Return a widget that asks a question of yours and meets a wrong answer with its reason; the last line of a cell shows it.

    question : text; `words` between backticks are code, indented lines keep their columns
    answer   : an int, a float (right to the digits of `form`, or of the answer), a tuple of ints, a set of such tuples, or a word
    wrong    : {value: the sentence to who answers so}      because : the derivation, a line or several
    choices  : values to choose from, the answer among them  form : an example of what to type, "8x9"; never the answer

    >>> cell = predict("How many rows?", 7, wrong={8: "That is ceil; a window that does not fit is dropped."}, because="floor((15 - 3)/2) + 1 = 7")
    >>> cell.answer, cell.form, cell.state, cell.tries
    ({'kind': 'integer', 'numbers': [7], 'text': '7'}, '12', 'open', 0)

    Raises ArgumentError for a question without text, an answer that cannot be typed, or a wrong value that is the answer;
    UnsupportedError where anywidget is not installed.  Source: White & Gunstone (1992).
    """
    return _cell_class()(**_asked(question, answer, wrong, because, choices, form))


def ask(topic: str, level: int = 1, seed: int | None = None, student: str = "", *, key: bytes = OPEN):
    """Return the same widget for a generated question, with a button for the next one, which needs Python.

    topic, level, seed, student, key : as in quiz.question

    >>> ask("output_shape", seed=7).topic
    'output_shape'

    Raises what quiz.question raises; UnsupportedError where anywidget is not installed.  Source: none.
    """
    from minicnn.quiz.catalogue import question as drawn  # and with it every topic

    first = drawn(topic, level, seed, student, key=key)
    numbers = iter(range((seed or 0) + 1, SEEDS))
    widget = _cell_class()(topic=first.topic, **_of(first))

    def turn(own, content, buffers):
        if content == {"kind": "next"}:
            following = drawn(topic, level, None if seed is None else next(numbers), student, key=key)
            with own.hold_sync():
                for name, value in {**_of(following), "typed": "", "state": "open", "tries": 0}.items():
                    setattr(own, name, value)
                own.turn += 1

    widget.on_msg(turn)
    return widget


def _of(made: Question) -> dict:
    wrong = {each.value: each.says for each in made.wrong}
    return _asked(made.text, made.answer, wrong, made.derivation, made.choices, made.form)


def _asked(question, answer, wrong, because, choices, form) -> dict:
    """Return what the page is given, as plain data; the place where a lesson's mistakes are met."""
    if not isinstance(question, str) or not question.strip():
        raise ArgumentError(f"{WHAT}: question is a text, but it is {question!r}; ask for one thing, such as 'How many rows has the map?'.")
    if not isinstance(form, str):
        raise ArgumentError(f"{WHAT}: form is an example of what to type, a text such as '8x9', but it is {form!r}.")
    because = [because] if isinstance(because, str) and because else because
    if not isinstance(because, Iterable) or not all(isinstance(line, str) for line in because):
        raise ArgumentError(f"{WHAT}: because is a line of text or several, but it is {because!r}.")
    choices = [shown(each) for each in choices]
    right = plain(shown(answer) if choices else answer, WHAT, form=form)
    if choices:
        _check_choices(choices, right["text"], wrong)
    form = form or ("" if choices else example(right))
    return {
        "question": question.strip("\n"),
        "answer": right,
        "wrong": _diagnosed(wrong, right, bool(choices), form),
        "because": list(because),
        "choices": choices,
        "form": form,
    }


def _check_choices(choices: list[str], right: str, wrong: Mapping) -> None:
    if len(choices) < 2 or len(set(choices)) < len(choices):
        raise ArgumentError(f"{WHAT}: choices are two or more different values, but they are {', '.join(choices)}.")
    for value in [right, *map(shown, wrong)]:
        if value not in choices:
            raise ArgumentError(f"{WHAT}: an answer is one of choices, but {value!r} is not among {', '.join(choices)}.")


def _diagnosed(wrong: Mapping, right: dict, chosen: bool, form: str) -> list[dict]:
    """Return the wrong values with their sentences; none is the answer."""
    if not isinstance(wrong, Mapping):
        raise ArgumentError(f"{WHAT}: wrong is {{value: sentence}}, but it is {wrong!r}; for example wrong={{8: 'That is ceil.'}}.")
    found = []
    for value, says in wrong.items():
        if not isinstance(says, str) or not says.strip():
            raise ArgumentError(f"{WHAT}: wrong gives each value a sentence, but that of {value!r} is {says!r}.")
        each = plain(shown(value) if chosen else value, WHAT, form=form, beside=right)
        if same(each, right):
            raise ArgumentError(f"{WHAT}: a wrong value is not the answer, but {value!r} is taken for {right['text']}; leave it out.")
        found.append({"value": each, "says": says})
    return found


def _fallback(cell) -> str:
    """Return the question for a page that runs nothing, such as a notebook looked at on GitHub."""
    lines = "".join(f"<li>{escape(line)}</li>" for line in cell.because)
    return (
        f'<p style="white-space:pre-wrap"><strong>Predict.</strong> {escape(cell.question)}</p>'
        f"<details><summary>The answer</summary><p>{escape(cell.answer['text'])}</p><ul>{lines}</ul></details>"
    )


def script() -> str:
    """Return the ES module of the cell: what reads an answer, then what draws."""
    return "\n".join(_own(name) for name in ("reading.js", "cell.js"))


def style() -> str:
    """Return the cell's style sheet."""
    return _own("cell.css")


def _own(name: str) -> str:
    return files("minicnn.quiz").joinpath(name).read_text(encoding="utf-8")


@functools.cache
def _cell_class():
    """Return the widget's class; anywidget is imported when the first one is made."""
    try:
        import anywidget
        import traitlets
    except ImportError:
        raise UnsupportedError(
            f'{WHAT}: a question in a notebook needs the package anywidget, which is not installed: pip install "minicnn-engine[lessons]". '
            "In a terminal, `minicnn quiz` asks without it."
        ) from None

    def synced(kind, **how):
        return kind(**how).tag(sync=True)

    class Cell(anywidget.AnyWidget):
        """A question in a notebook: what is asked, what was `typed`, and whether its `state` is open, right or shown."""

        _esm = script()
        _css = style()
        question = synced(traitlets.Unicode)
        answer = synced(traitlets.Dict)
        wrong = synced(traitlets.List)
        because = synced(traitlets.List)
        choices = synced(traitlets.List)
        form = synced(traitlets.Unicode)
        topic = synced(traitlets.Unicode)
        typed = synced(traitlets.Unicode)
        state = synced(traitlets.Enum, values=["open", "right", "shown"], default_value="open")
        tries = synced(traitlets.Int)
        turn = synced(traitlets.Int)

        def __repr__(self):
            return f"[question: {' '.join(self.question.split())}]"

        def _repr_mimebundle_(self, **arguments):
            bundle = super()._repr_mimebundle_(**arguments)
            data, meta = bundle if isinstance(bundle, tuple) else (bundle, {})
            return ({"text/plain": repr(self), "text/html": _fallback(self)} | data | {"text/plain": repr(self)}, meta)

    return Cell
