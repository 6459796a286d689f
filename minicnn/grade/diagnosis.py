"""Which question: which misconception explains these wrong answers?

Idea: whoever believes it computes the same wrong numbers.  So a candidate must agree with every answer seen so far, wrong or right: the same
numbers, an exception where it raises, the same arguments changed.  Then the student's function is asked on: on a few cases whatever they
show, so that nobody is named by chance after a tiny case, and on cases on which the candidates that are left foretell different answers.

Cost: at most `MOST` further calls of the student's function on small cases, a few milliseconds of candidates.
When it loses: two mistakes at once, where no single belief explains all answers: nothing is named then, rather than something wrong.
What it does not do: decide whether an answer is right (comparing.py).
Source: Brown & Burton (1978), whose DEBUGGY asks on in the same way.  Next room: misconceptions/__init__.py.
"""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np

from minicnn.grade.case import Case, cases, drawing, spellings
from minicnn.grade.outcome import RAISED, VALUE, Answer, Outcome
from minicnn.misconceptions.misconception import Misconception

__all__ = ["diagnose"]

ALWAYS, MOST, DRAWN = 8, 24, 160  # calls of the student's function in any case, and at most; cases that are looked at
Evidence = Iterable[tuple[Mapping[str, Any], Outcome]]


def diagnose(task, answer: Answer, evidence: Evidence, rng=None) -> tuple[Misconception | None, tuple[str, ...]]:
    """Return the misconception that explains all answers, None where none does, and the names of others that were not told apart from it.

    evidence : (arguments, Outcome) of every call worth explaining, at least one of them wrong
    rng : a NumPy generator, where the cases begin that are drawn from the task's parts

    >>> from types import SimpleNamespace
    >>> from hypothesis import strategies as st
    >>> from minicnn.grade.task import Part
    >>> from minicnn.misconceptions import MISCONCEPTIONS
    >>> part = Part("sizes", 1, st.fixed_dictionaries({"kernel": st.integers(1, 5), "dilation": st.integers(1, 3)}))
    >>> task = SimpleNamespace(name="same_padding", parts=(part,), bound=None, misconceptions=MISCONCEPTIONS["same_padding"])
    >>> task.arguments = lambda settings, array: settings
    >>> def student(function, arguments):
    ...     return Outcome("value", (arguments["kernel"] // 2, arguments["kernel"] // 2))
    >>> diagnose(task, student, [({"kernel": 2, "dilation": 1}, Outcome("value", (1, 1)))])
    (Misconception(same_padding: half the kernel), ())
    """
    evidence = list(evidence)
    spoke = any(_speaks(outcome) for _, outcome in evidence)  # whose code always raises believes nothing that is known
    left = [m for m in task.misconceptions if all(_agree(task, seen, _foretold(m, seen), outcome) for seen, outcome in evidence)]
    asked = 0
    for case in _cases(task, rng) if evidence and left else ():
        if not left or asked == MOST or asked >= ALWAYS and spoke and len(left) == 1:
            break
        foretold = [_foretold(m, case.arguments(task)) for m in left]
        if asked >= ALWAYS and not (_differ(task, case.arguments(task), foretold) if spoke else any(own.kind == VALUE for own in foretold)):
            continue
        outcome = answer(task.name, case.arguments(task))
        left = [m for m, own in zip(left, foretold, strict=True) if _agree(task, case.arguments(task), own, outcome)]
        asked, spoke = asked + 1, spoke or _speaks(outcome)
    if not evidence or not left or not spoke:
        return None, ()
    return left[0], tuple(m.name for m in left[1:])


def _cases(task, rng) -> Iterator[Case]:
    """Yield cases of the settings given, then of every part in turn, the last one first, in whole numbers and others by turns."""
    start = int((rng or np.random.default_rng(0)).integers(1, 2**31))
    parts = task.parts[::-1]
    readers = [drawing(cases(part.settings, numbers)) for numbers in ("any", "whole") for part in parts]
    drawn = [spellings(f"{start}/{number}", DRAWN // len(readers) + 1) for number in range(len(readers))]
    for spelled in islice(zip(*drawn, strict=True), 1, None):  # the simplest cases come first, and tell little
        found = (read(spelling) for read, spelling in zip(readers, spelled, strict=True))
        yield from (case for case in found if case is not None)


def _foretold(misconception: Misconception, arguments: Mapping[str, Any]) -> Outcome:
    """Return what somebody with that belief would get, with the arguments that were changed; those given stay as they are."""
    own = {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in arguments.items()}
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
            value = misconception(**own)
    except Exception as error:  # where their code would crash
        return Outcome(RAISED, says=type(error).__name__)
    arrays = ((name, array) for name, array in own.items() if isinstance(array, np.ndarray))
    return Outcome(
        VALUE, value, after={name: array for name, array in arrays if not np.array_equal(array, arguments[name], equal_nan=True)}
    )


def _agree(task, arguments, foretold: Outcome, outcome: Outcome) -> bool:
    """Return whether an answer is what was foretold, and the arguments were left as foretold."""
    if foretold.kind != outcome.kind or foretold.kind == RAISED:
        return foretold.kind == outcome.kind or _nothing_fits(foretold, outcome)
    left = {name: array for name, array in arguments.items() if isinstance(array, np.ndarray)} | dict(foretold.after)
    after = ((array, outcome.after[name]) for name, array in left.items() if name in outcome.after)
    limits = 0.0 if task.bound is None else task.bound(arguments)
    return _same(arguments, foretold.value, outcome.value, limits) and all(_same(arguments, *pair, limits=0.0) for pair in after)


def _nothing_fits(foretold: Outcome, outcome: Outcome) -> bool:
    """Return whether one of two raised and the other has no numbers: where no window fits, loops are silent and slices may fail.

    So it is where a window sees nothing of x: np.max of -inf is foretold, and max() of an empty list fails.
    """
    if {foretold.kind, outcome.kind} != {RAISED, VALUE}:
        return False
    value = foretold.value if foretold.kind == VALUE else outcome.value
    return isinstance(value, np.ndarray) and (not value.size or foretold.kind == VALUE and not np.isfinite(value).all())


def _speaks(outcome: Outcome) -> bool:
    """Return whether an answer is more than an exception or an empty array: those alone show no belief."""
    return outcome.kind == VALUE and not (isinstance(outcome.value, np.ndarray) and not outcome.value.size)


def _differ(task, arguments, foretold: list[Outcome]) -> bool:
    first, *others = foretold
    return any(other.after.keys() != first.after.keys() or not _agree(task, arguments, first, other) for other in others)


def _same(arguments, foretold, own, limits) -> bool:
    """Return whether two values are of one kind and shape, and the same within what a sound implementation may be off."""
    if isinstance(foretold, tuple) or isinstance(own, tuple):
        if not (isinstance(foretold, tuple) and isinstance(own, tuple) and len(foretold) == len(own)):
            return False
        limits = limits if isinstance(limits, tuple) else (limits,) * len(own)
        limits = (*limits, *limits[-1:] * len(own))  # where more came back than there should have been
        return all(_same(arguments, *pair, limit) for *pair, limit in zip(foretold, own, limits, strict=False))
    if isinstance(foretold, np.ndarray | np.generic | float) and isinstance(own, np.ndarray | np.generic | float):
        foretold, own = np.asarray(foretold), np.asarray(own)
        if not foretold.size and not own.size:
            return True  # np.array of empty lists has fewer axes than np.zeros of a size 0
        return foretold.shape == own.shape and foretold.dtype.kind == own.dtype.kind and _near(arguments, foretold, own, limits)
    return type(foretold) is type(own) and bool(foretold == own)


def _near(arguments, foretold: np.ndarray, own: np.ndarray, limit) -> bool:
    """Return whether numbers agree: whole ones after rounding, others within four bounds, in the precision in which both were stored."""
    if foretold.dtype.kind != "f":
        return np.array_equal(foretold, own)
    inputs = [value for value in arguments.values() if isinstance(value, np.ndarray) and value.dtype.kind == "f"]
    with np.errstate(all="ignore"):
        if all(np.array_equal(array, np.rint(array)) for array in (*inputs, foretold)):
            return np.array_equal(foretold, np.rint(own))
        eps = min((np.finfo(array.dtype).eps for array in inputs), default=np.finfo(float).eps)
        stored = max(eps, *(np.finfo(dtype).eps for dtype in (np.float16, np.float32) if _fits(foretold, dtype) and _fits(own, dtype)), 0.0)
        size = np.abs(foretold[np.isfinite(foretold)]).max(initial=0.0)
        slack = 4 * max(float(np.max(limit, initial=0.0)) * stored / eps, float(size * stored))
        return bool(np.allclose(own, foretold, rtol=0, atol=slack, equal_nan=True))


def _fits(array: np.ndarray, dtype) -> bool:
    """Return whether a float type of fewer digits holds every number: whoever summed in it shows nothing finer."""
    return np.array_equal(array.astype(dtype), array, equal_nan=True)
