"""Which question: what does a function of this very process answer?

Idea: what a runner does, without the wall: arguments and result go through the runner's own frames (protocol.py), so that a function
gets the same arrays, and is refused the same values, as when it is graded.

Cost: two copies and the call.  What it does not do: keep anything apart.  A function may read the checks, change NumPy or never return: this
is for practice, and for loops of our own that are raced against; grades come from a runner (runner/session.py).
Source: none.  Next room: practice.py.
"""

import time
import traceback
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from minicnn.grade.outcome import MISSING, RAISED, REFUSED, VALUE, Answer, Outcome
from minicnn.grade.runner.child import cannot_bind
from minicnn.grade.runner.protocol import NotPlain, decoded, encoded
from minicnn.grade.runner.sandbox import Limits

__all__ = ["answering", "copied"]


def answering(functions: Mapping[str, Callable]) -> Answer:
    """Return the answer of these functions, by their names.

    >>> import numpy as np
    >>> ask = answering({"relu": lambda x: np.maximum(x, 0)})
    >>> ask("relu", {"x": np.array([-1.0, 2.0])}).value, ask("tanh", {}).kind
    (array([0., 2.]), 'missing')
    """

    def answer(name: str, arguments: Mapping[str, Any]) -> Outcome:
        function = functions.get(name)
        if not callable(function):
            return Outcome(MISSING, says=f"{name}: there is no such function among those given; define it with `def {name}(…):`.")
        given = {key: copied(value, layout=True) for key, value in arguments.items()}
        if problem := cannot_bind(name, function, given):
            return Outcome(RAISED, says=problem)
        start = time.perf_counter()
        try:
            value = function(**given)
        except KeyboardInterrupt:  # the reader's own, who has waited long enough
            raise
        except BaseException as error:  # SystemExit is an answer too
            return _raised(name, error)
        seconds = time.perf_counter() - start
        try:
            return Outcome(VALUE, copied(value, most=Limits.output), after=given, seconds=seconds)
        except NotPlain as refusal:
            return Outcome(REFUSED, says=f"{name}: {refusal}", seconds=seconds)

    return answer


def _raised(name: str, error: BaseException) -> Outcome:
    """Return the outcome of an exception: one sentence, and the traceback from the function's own lines on."""
    lines = traceback.format_exception(type(error), error, error.__traceback__.tb_next, chain=False)
    words = (
        line.strip() for line in traceback.format_exception_only(error) if not line.startswith(" ")
    )  # an ExceptionGroup has several lines
    last = next(words, type(error).__name__)[:500]
    says = f"raises {last}: this is still to be written." if isinstance(error, NotImplementedError) else f"raised {last}"
    return Outcome(RAISED, says=f"{name}: it {says}", traceback="".join(lines))


def copied(value, layout: bool = False, most: float = float("inf")):
    """Return a value as it comes out of a runner's frame; with `layout` an array lies in its memory as the given one does.  most : bytes.

    Raises NotPlain for what no frame holds: a list, a dictionary, an object.  Source: runner/protocol.py.

    >>> import numpy as np
    >>> copied(np.arange(4.0)[::-2], layout=True).strides, copied((np.int64(3), None))
    ((-16,), (3, None))
    """
    raw: list[bytes] = []
    words = encoded(value, raw, layout=layout, most=most)
    return decoded(words, b"".join(raw), layout=layout)


def loops_of(source: str) -> Answer:
    """Return the answer of a source text of ours, such as the loops of a race."""
    module = SimpleNamespace()
    exec(compile(source, "loops.py", "exec"), vars(module))
    return answering(vars(module))
