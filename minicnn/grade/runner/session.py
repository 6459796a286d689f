"""Which question: what does a student's function answer?

Idea: a Runner is called like the function and gives an Outcome, whatever happens on the other side.  A process that died, was late or answered
nonsense is ended, and the next call gets a new one with the same file, so one bad case costs one case.

Cost: 0.2 s for the first call, then about 0.2 ms each.  What it does not do: compare, or trust.
When it loses: sandbox="plain" is a limit on accidents, not on intent; `in_force` says what holds.
Source: none.  Next room: checking.py, one floor up, which asks.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from minicnn.errors import ArgumentError, DTypeError, UnsupportedError, nearest
from minicnn.grade.outcome import DIED, LATE, MISSING, RAISED, REFUSED, VALUE, Outcome
from minicnn.grade.runner import sandbox
from minicnn.grade.runner.process import Died, Late, Process
from minicnn.grade.runner.protocol import MOST_TEXT, NoAnswer, NotPlain, decoded, encoded
from minicnn.grade.runner.sandbox import Limits
from minicnn.grade.runner.words import in_force_words

DEFAULT = Limits()


class Runner:
    """A student's file in a process of its own: `runner(function, arguments)` is what its function answers.

    source : the file's text; nothing else of it is taken
    limits : what the process may use          sandbox : 'auto', 'bubblewrap', 'unshare' or 'plain'
    require_sandbox : refuse to run without bubblewrap or unshare

    Shapes: whatever the function takes; arrays arrive with the strides that they have here.
    Raises UnsupportedError where the sandbox does not work here; ArgumentError for an unknown one, or a call outside `with`.

    >>> source = "def double(x):\\n    return 2 * x"
    >>> with Runner(source, sandbox="plain") as answer:
    ...     answer("double", {"x": 21}).value, answer("half", {"x": 21}).says
    (42, 'half: there is no such function in your file; define it with `def half(…):`, at the left margin. Your file defines double.')
    """

    def __init__(self, source: str, limits: Limits = DEFAULT, sandbox: str = "auto", require_sandbox: bool = False):
        if not isinstance(source, str):
            raise ArgumentError(f"Runner: source must be the text of a Python file, but it is a {type(source).__name__}; read it first.")
        self._source, self._limits, self._process = source, limits, None
        self._wanted, self._required = sandbox, require_sandbox
        self._broken: Outcome | None = None
        self._open = False
        self.kind, self.defines, self.in_force = "", (), ()

    def __enter__(self) -> "Runner":
        self.kind = sandbox.choose(self._wanted, self._required)
        self._open = True
        self.restart()
        return self

    def __exit__(self, *_) -> None:
        self._open = False
        self._end()

    @property
    def problem(self) -> str:
        """Why the file could not be imported, with the student's traceback; '' where it could."""
        return "" if self._broken is None else f"{self._broken.says}\n{self._broken.traceback}".strip()

    def another(self, source: str) -> "Runner":
        """Return a runner of the same kind for other code, such as the loops that a submission is raced against."""
        return Runner(source, self._limits, self.kind or self._wanted, self._required)

    def restart(self) -> None:
        """End the process, and start another with the same file."""
        if not self._open:
            raise ArgumentError("Runner: it runs inside `with Runner(source) as answer:` only, where its end is sure; call it there.")
        self._end()
        self._broken = None
        self._process = Process(self.kind, self._limits)
        try:
            self._begin()
            self._broken = self._load()
        except BaseException:
            self._end()
            raise
        if self._broken is not None:
            self._end()

    def __call__(self, function: str, arguments: Mapping[str, Any]) -> Outcome:
        if self._process is None and self._broken is None:
            self.restart()
        if self._broken is not None:
            return self._broken
        raw: list[bytes] = []
        try:
            words = [encoded(value, raw, f"argument {name}", layout=True) for name, value in arguments.items()]
        except NotPlain as error:
            raise DTypeError(f"Runner: {error}") from None
        request = {"do": "call", "function": function, "names": list(arguments), "arguments": {"tuple": words}}
        outcome = self._ask(request, raw, function, arguments)
        return replace(outcome, says=f"{outcome.says} {self._defined(function)}") if outcome.kind == MISSING else outcome

    def _defined(self, function: str) -> str:
        """Say what the file defines, and what of it comes nearest to a name that is missing."""
        close = nearest(function, self.defines)
        shown = ", ".join(self.defines[:20]) + (", …" if len(self.defines) > 20 else "")
        return f"Your file defines {shown or 'no function'}.{close if close.startswith(' Did') else ''}"

    def _ask(self, request: dict, raw: list[bytes], what: str, arguments: Mapping[str, Any] | None) -> Outcome:
        """Return what one exchange came to; end the process where it came to no answer."""
        began, wall = time.perf_counter(), self._limits.wall
        try:
            header, blob = self._process.exchange(request, raw, wall)
            return outcome_of(header, blob, what, arguments, time.perf_counter() - began)
        except Late:
            self._end(patience=0)
            kind = LATE
            says = f"no answer within {wall:g} s, so it was stopped. Look for a loop that does not end, or for far too many steps."
        except Died:
            how = self._end() or "it closed its pipe"
            most = f" It may use {self._limits.memory >> 20} MiB of memory and {self._limits.cpu} s of processor time."
            kind, says = DIED, f"the process ended before it answered ({how}).{most if 'killed' in how else ''}"
        except NoAnswer as error:
            self._end(patience=0)
            kind, says = DIED, f"what came back is no function's result: {error}. A function returns its result, and writes to no pipe."
        return Outcome(kind, says=f"{what}: {says}", seconds=time.perf_counter() - began)

    def _begin(self) -> None:
        """Let the child shut its doors; nothing of the student's has run until it has said that they are shut."""
        limits, process = self._limits, self._process
        most = {"CPU": limits.cpu, "AS": limits.memory, "FSIZE": limits.file_size, "NOFILE": limits.open_files, "CORE": 0}
        try:
            request = {"do": "begin", "limits": most, "output": limits.output, "user": process.user}
            facts, _ = process.exchange(request, [], limits.startup)
        except (Late, Died, NoAnswer) as error:
            why = f"not within {limits.startup:g} s" if isinstance(error, Late) else process.complaint() or "it ended and said nothing"
            raise UnsupportedError(
                f"Runner: Python with NumPy does not start in a {self.kind} process here ({why}). "
                "Try another sandbox=, or a longer Limits(startup=…)."
            ) from None
        self.in_force = in_force_words(self.kind, limits, facts)

    def _load(self) -> Outcome | None:
        """Give the child the file; return what is wrong with that, None where all is well."""
        answer = self._ask({"do": "load", "source": self._source}, [], "importing your file", None)
        self.defines = tuple(answer.after.get("defines", ()))
        return None if answer.kind == VALUE else answer

    def _end(self, patience: float = 0.3) -> str:
        process, self._process = self._process, None
        return process.end(patience) if process else ""


def outcome_of(header: dict, blob: bytes, what: str, arguments: Mapping[str, Any] | None, seconds: float) -> Outcome:
    """Return a checked answer as an Outcome; raise NoAnswer where it is none."""
    kind, says, traceback = header.get("kind"), header.get("says", ""), header.get("traceback", "")
    if type(says) is not str or type(traceback) is not str or len(says) + len(traceback) > 2 * MOST_TEXT:
        raise NoAnswer("an explanation that is no text")
    if kind in (RAISED, MISSING, REFUSED):
        return Outcome(kind, says=says, traceback=traceback, seconds=seconds)
    values = decoded(header.get("value"), blob)
    changed, defines = header.get("after", []), header.get("defines", [])
    if kind != VALUE or type(values) is not tuple or not texts(changed) or not texts(defines):
        raise NoAnswer("a header that says nothing")
    if arguments is None:  # the file was imported
        return Outcome(VALUE, after={"defines": defines}, seconds=seconds)
    if len(values) != 1 + len(changed) or changed != [name for name, value in arguments.items() if isinstance(value, np.ndarray)]:
        raise NoAnswer("other arguments than were sent")
    return Outcome(VALUE, values[0], after={**arguments, **dict(zip(changed, values[1:], strict=True))}, seconds=seconds)


def texts(value) -> bool:
    return type(value) is list and all(type(item) is str for item in value)
