"""Which question: how does an answer reach a terminal, a file or a pipe unharmed?

Idea: answers go to stdout, notes and progress to stderr.  Lines are as wide as the terminal (80
where nothing is known) and prose is wrapped to it.  Colours appear on terminals only, and not under
NO_COLOR.  A stream that cannot print × or ← gets x or <- instead: nothing crashes over a letter.

Cost: none to speak of.  What it does not do: pages, boxes, input.
Source: rich's documentation of Console.  Next room: table.py.
"""

import contextlib
import json
import math
import textwrap
from collections.abc import Callable, Iterator
from functools import cached_property

from rich.console import Console
from rich.text import Text

PLAIN = {"×": "x", "·": "*", "→": "->", "←": "<-", "…": "...", "–": "-", "—": "-", "−": "-", "√": "sqrt", "Σ": "sum", "≤": "<=", "≥": ">="}
PLAIN |= {"█": "#", "▏": "", "▎": "", "▍": "", "▌": "", "▋": "#", "▊": "#", "▉": "#", "─": "-", "’": "'", "±": "+-", "½": "1/2", "⁶": "^6"}
WIDEST = 100  # prose is not wrapped wider than a page of a book
FIRM = "\N{NO-BREAK SPACE}"  # where a line must not be broken, as between a number and its unit; printed as a space
LABEL = 14  # columns for the word in front of a fact


class Terminal:
    """Where a command writes: `say`, `line`, `fact` and `json` to stdout; `note`, `error` and `progress` to stderr."""

    @cached_property
    def out(self) -> Console:
        return _console()

    @cached_property
    def err(self) -> Console:
        return _console(stderr=True)

    @property
    def width(self) -> int:
        return max(self.out.width, 40)

    def line(self, text: str = "", style: str = "") -> None:
        """Print one line as it is."""
        _print(self.out, text, style)

    def say(self, text: str, style: str = "") -> None:
        """Print prose, wrapped."""
        for line in wrapped(plain(text, self.out.encoding), min(self.width, WIDEST)):
            self.line(line, style)

    def fact(self, label: str, text: str) -> None:
        """Print a word and what there is to say of it, wrapped beside the word."""
        label, text = (plain(part, self.out.encoding) for part in (label, text))
        for line in wrapped(text, min(self.width, WIDEST), first=f"{label:<{LABEL}}", rest=" " * LABEL):
            self.line(line)

    def json(self, document) -> None:
        """Print one JSON document; numbers that JSON does not know become null (NaN) or strings (infinities)."""
        print(json.dumps(jsonable(document), indent=2, allow_nan=False))

    def note(self, text: str) -> None:
        """Tell something on the side, on stderr."""
        for line in wrapped(plain(text, self.err.encoding), min(max(self.err.width, 40), WIDEST)):
            _print(self.err, line, "dim")

    def error(self, text: str) -> None:
        """Tell what went wrong, on stderr."""
        for line in wrapped(plain(f"error: {text}", self.err.encoding), min(max(self.err.width, 40), WIDEST)):
            _print(self.err, line)

    @contextlib.contextmanager
    def progress(self, what: str, total: int) -> Iterator[Callable[[str], None]]:
        """Show a bar on stderr while something runs, on terminals only; call what is yielded after each step."""
        if not self.err.is_terminal:
            yield lambda step: None
            return
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=24), TimeElapsedColumn())
        with Progress(*columns, console=self.err, transient=True) as bar:
            task = bar.add_task(plain(what, self.err.encoding), total=total)
            yield lambda step: bar.update(task, advance=1, description=plain(f"{what}: {step}", self.err.encoding))

    def compiling(self):
        """Return a context in which the first kernel to be compiled is announced, once."""
        from minicnn import compiling

        told = []

        def tell(kernel: str) -> None:
            if not told:
                told.append(kernel)
                self.note("compiling kernels for this machine, once (about 10 s) …")

        return compiling(tell)


def _console(**where) -> Console:
    console = Console(highlight=False, markup=False, emoji=False, **where)
    console.width = max(console.width, 40)  # COLUMNS=0 would crop every line to nothing
    return console


def _print(console: Console, text: str, style: str = "") -> None:
    console.print(Text(plain(text, console.encoding), style), soft_wrap=True)


def plain(text: str, encoding: str) -> str:
    """Return the text with what the encoding lacks replaced.

    >>> plain("3×3 → 1", "ascii"), plain("3×3 → 1", "latin-1"), plain("3×3 → 1", "utf-8")
    ('3x3 -> 1', '3×3 -> 1', '3×3 → 1')
    """
    try:
        text.replace(FIRM, " ").encode(encoding)
        return text
    except UnicodeEncodeError:
        return "".join(_known(character, encoding) for character in text)


def _known(character: str, encoding: str) -> str:
    if character == FIRM:
        return character
    try:
        character.encode(encoding)
        return character
    except UnicodeEncodeError:
        return PLAIN.get(character, "?")


def wrapped(text: str, width: int, *, first: str = "", rest: str = "") -> list[str]:
    """Return lines no wider than `width`; the text's own line breaks and indented lines stay.

    >>> wrapped("one two three\\n  four five six", 9)
    ['one two', 'three', '  four five six']
    """
    lines: list[str] = []
    for paragraph in text.split("\n"):
        if paragraph.startswith(" "):  # drawn, not written: a caret under its place, a list
            lines.append(paragraph)
            continue
        start = rest if lines else first
        fill = {"initial_indent": start, "subsequent_indent": rest, "break_long_words": False, "break_on_hyphens": False}
        lines += textwrap.wrap(paragraph, width, **fill) or [start.rstrip()]
    return [line.replace(FIRM, " ") for line in lines]


def jsonable(value):
    """Return plain data that every JSON reader understands.

    >>> jsonable({"a": (1, float("nan")), "b": float("-inf")})
    {'a': [1, None], 'b': '-inf'}
    """
    if isinstance(value, dict):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
