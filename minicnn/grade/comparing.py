"""Which question: is this answer right, and if not, what is wrong with it?

Idea: the kind, the type, the shape, the dtype, then the numbers, in this order, since each makes the next meaningless.  Whole numbers must be
exact after rounding to the nearest one, so that an FFT passes; all others within the bound that the task derives.  Then a
look at the wrong numbers as a whole: swapped, reversed, a constant off, wrong in the last column only.

Cost: a few passes over small arrays.  What it does not do: name the misconception (diagnosis.py).  Source: none.  Next room: checking.py.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from minicnn.grade.outcome import VALUE, Outcome

__all__ = ["allowed", "changed", "difference"]

Difference = tuple[str, tuple[int, ...] | None]


def allowed(task, arguments: Mapping[str, Any], expected):
    """Return how far an answer may be off: None for exact whole numbers, else the task's bound; a tuple where the expected value is one.

    >>> from types import SimpleNamespace
    >>> task = SimpleNamespace(bound=lambda arguments: 1e-12)
    >>> allowed(task, {"x": np.ones(2)}, np.array([3.0, 4.0])), allowed(task, {"x": np.ones(2)}, np.array([0.5]))
    (None, 1e-12)
    """
    bound = 0.0 if task.bound is None else task.bound(arguments)
    whole = all(_whole(value) for value in arguments.values())
    if not isinstance(expected, tuple):
        return None if whole and _whole(expected) else bound
    bounds = bound if isinstance(bound, tuple) else (bound,) * len(expected)
    return tuple(None if whole and _whole(item) else own for item, own in zip(expected, bounds, strict=True))


def _whole(value) -> bool:
    return not isinstance(value, np.ndarray | float) or bool(np.all(np.rint(value) == value))


def difference(expected, outcome: Outcome, bound) -> Difference | None:
    """Return None where an answer is right, else what is wrong with it in a sentence or two, and the index of the first wrong number.

    bound : what `allowed` gives: None means exact after np.rint.     The index is None where there are no numbers to compare.

    >>> right = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> difference(right, Outcome("value", right + 1e-9), None)
    >>> difference(right, Outcome("value", right.T), None)
    ('Your result has 2 wrong numbers of 4, the first at [0, 1]: 3 where 2 is right. Yours has the last two axes swapped.', (0, 1))
    >>> difference(4, Outcome("value", 3.5), None)
    ('Your result is the number 3.5, but a whole number (int) is wanted: 4. Divide with // where / leaves a fraction.', ())
    """
    if outcome.kind != VALUE:
        return outcome.says or f"There is no result: {outcome.kind}.", None
    if not isinstance(expected, tuple):
        return _one(expected, outcome.value, bound, "Your result")
    value = outcome.value
    if not isinstance(value, tuple) or len(value) != len(expected):
        got = f"a tuple of {len(value)}" if isinstance(value, tuple) else _kind(value)
        return f"Your result is {got}, but a tuple of {len(expected)} values is wanted: return a, b.{_forgot(value)}", None
    bounds = bound if isinstance(bound, tuple) else (bound,) * len(expected)
    for item, (right, own, limit) in enumerate(zip(expected, value, bounds, strict=True)):
        found = _one(right, own, limit, f"Your result[{item}]")
        if found:
            says, first = found
            return says, None if first is None else (item, *first)
    return None


def _one(expected, value, bound, what: str) -> Difference | None:
    """Compare one item with its right value."""
    if isinstance(expected, np.ndarray | float | np.floating):
        expected = np.asarray(expected, np.float64)
        return _unlike(expected, value, what) or _numbers(expected, np.asarray(value, np.float64), bound, what)
    expected = int(expected) if isinstance(expected, np.integer) else expected
    if isinstance(value, np.ndarray) and value.shape == () and value.dtype.kind in "iu":
        value = int(value)  # a NumPy integer came as an array of no axes
    if type(value) is type(expected):
        return None if value == expected else (f"{what} is {value!r}, but {expected!r} is right.{_off(expected, value)}", ())
    if isinstance(value, np.ndarray) and value.shape == () and value.dtype.kind == "f":
        value = float(value)
    if isinstance(expected, int) and isinstance(value, float):
        remedy = "Divide with // where / leaves a fraction." if value % 1 else "Divide with // in place of /."
        return f"{what} is the number {value!r}, but a whole number (int) is wanted: {expected}. {remedy}", ()
    return f"{what} is {_kind(value)}, but {_kind(expected)} is wanted: {expected!r}.{_forgot(value)}", None


def _off(expected, value) -> str:
    """Say how far one whole number is from the right one, where that is a hint."""
    if isinstance(expected, bool | str) or expected is None or abs(value - expected) > 2:
        return ""
    return f" Yours is {abs(value - expected)} too {'large' if value > expected else 'small'}."


def _unlike(expected: np.ndarray, value, what: str) -> Difference | None:
    """Say why a value cannot be compared number by number: its type, shape or dtype, or numbers that are none."""
    if expected.ndim == 0 and isinstance(value, float):
        return None
    if not isinstance(value, np.ndarray):
        return f"{what} is {_kind(value)}, but a NumPy array of shape {expected.shape} is wanted.{_forgot(value)}", None
    if value.shape != expected.shape:
        return f"{what} has shape {value.shape}, but {expected.shape} is right: {_axes(expected.shape, value.shape)}.", None
    if value.dtype.kind in "iub":
        return f"{what} is of {value.dtype}, which drops fractions, but floats are wanted: give the array you fill x.dtype.", None
    if value.dtype not in (np.float32, np.float64):
        return f"{what} is of {value.dtype}, but float32 or float64 is wanted: {value.dtype} keeps too few digits of a sum.", None
    bad = np.argwhere(~np.isfinite(value))
    if len(bad):
        first = tuple(map(int, bad[0]))
        hint = "np.empty does not clear its memory, and a mean over no cells is 0/0."
        says = f"{what} has {_count(~np.isfinite(value), 'NaN or infinite')}, the first at {list(first)}: {value[first]}; {hint}"
        return says, first
    return None


def _axes(right: tuple[int, ...], own: tuple[int, ...]) -> str:
    """Say how two shapes differ, with the arithmetic.

    >>> _axes((1, 2, 3, 4), (1, 2, 3, 5)), _axes((2, 3), (3, 2)), _axes((2, 3), (6,))
    ('axis 3 is 5 - 4 = 1 too long', 'the same lengths in another order', '1 axis in place of 2')
    """
    if len(right) != len(own):
        return f"{len(own)} {'axis' if len(own) == 1 else 'axes'} in place of {len(right)}"
    if sorted(right) == sorted(own):
        return "the same lengths in another order"
    pairs = [(axis, mine, due) for axis, (mine, due) in enumerate(zip(own, right, strict=True)) if mine != due]
    return ", ".join(
        f"axis {axis} is {max(mine, due)} - {min(mine, due)} = {abs(mine - due)} too {'long' if mine > due else 'short'}"
        for axis, mine, due in pairs
    )


def _numbers(expected: np.ndarray, value: np.ndarray, bound, what: str) -> Difference | None:
    """Compare two arrays of one shape, both finite float64."""
    with np.errstate(all="ignore"):
        wrong = np.rint(value) != expected if bound is None else ~(np.abs(value - expected) <= bound)
    if not wrong.any():
        return None
    first = tuple(map(int, np.argwhere(wrong)[0]))
    own, right = (f"{array[first] + 0.0:.6g}" for array in (value, expected))
    if own == right:
        own, right = (f"{array[first]:.17g}" for array in (value, expected))
    if value.size == 1:
        says = f"{what} holds {own}, but {right} is right."
    else:
        says = f"{what} has {_count(wrong, 'wrong')}, the first at {list(first)}: {own} where {right} is right."
    return f"{says}{_pattern(expected, value, wrong)}", first


def _count(wrong: np.ndarray, word: str) -> str:
    """Return '1 wrong number of 4', '2 wrong numbers of 4'."""
    return f"{int(wrong.sum())} {word} number{'s' if wrong.sum() > 1 else ''} of {wrong.size}"


def _pattern(expected: np.ndarray, value: np.ndarray, wrong: np.ndarray) -> str:
    """Say what the wrong numbers have in common, '' where nothing is seen."""
    size = np.abs(expected).max()

    def same(a, b, within=1e-5):
        with np.errstate(all="ignore"):
            return a.shape == b.shape and bool(np.all(np.abs(a - b) <= within * (size + 1e-30)))

    if value.size > 1 and not value.any():
        return " All of yours are 0: is anything written into the array that you return?"
    if same(value, expected, 2e-6):
        return " The differences are no larger than float32's rounding: sum in the dtype of the arguments, and return that."
    if same(value, expected, 2e-3):
        return " The differences are small, as if float16 had been used, or a constant added under a division."
    if value.ndim > 1 and same(value, np.swapaxes(expected, -1, -2)):
        return " Yours has the last two axes swapped."
    if value.ndim > 1 and same(value, expected[..., ::-1, ::-1]):
        return " Yours has the last two axes in reverse order."
    if value.size > 2 and np.ptp(expected) > 1e-3 * size:
        if same(value - expected, np.full_like(expected, (value - expected).flat[0])):
            return f" Each of yours is off by the same {(value - expected).flat[0]:+.6g}."
        largest = np.unravel_index(np.abs(expected).argmax(), expected.shape)
        if same(value, expected * (value[largest] / expected[largest])):
            return f" Each of yours is {value[largest] / expected[largest]:.6g} times the right one."
    return _places(wrong)


def _places(wrong: np.ndarray) -> str:
    """Say where along one axis all wrong numbers lie.

    >>> _places(np.array([[False, False, True], [False, False, True]]))
    ' All wrong ones are at the last index of axis 1.'
    """
    for axis in range(wrong.ndim):
        along = wrong.any(axis=tuple(other for other in range(wrong.ndim) if other != axis))
        if len(along) < 2 or along.all():
            continue
        if not along[:-1].any():
            return f" All wrong ones are at the last index of axis {axis}."
        if not along[1:].any():
            return f" All wrong ones are at index 0 of axis {axis}."
        if along[1:].all():
            return f" Only index 0 of axis {axis} is right."
        if not along[1:-1].any():
            return f" All wrong ones are at the two ends of axis {axis}."
    return ""


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> Difference | None:
    """Return what a call did to its arguments, None where it left them alone.

    >>> changed({"x": np.array([-2.0, 1.0])}, {"x": np.array([0.0, 1.0])})[0]
    'Arguments belong to the caller, but the call changed x: at [0] it is 0 and was -2. Work on a copy: x = x.copy().'
    """
    for name, value in before.items():
        own = after.get(name)
        if not isinstance(value, np.ndarray) or not isinstance(own, np.ndarray) or np.array_equal(value, own):
            continue
        if value.shape != own.shape:
            where = f"its shape is {own.shape} and was {value.shape}"
        else:
            place = tuple(map(int, np.argwhere(value != own)[0]))
            where = f"at {list(place)} it is {own[place]:.6g} and was {value[place]:.6g}"
        return f"Arguments belong to the caller, but the call changed {name}: {where}. Work on a copy: {name} = {name}.copy().", None
    return None


def _kind(value) -> str:
    """Name a value's type for a sentence."""
    if isinstance(value, np.ndarray):
        return f"a NumPy array of shape {value.shape}"
    words = {type(None): "None", bool: "a bool", int: "an int", float: "a float", str: "a text", tuple: "a tuple"}
    return words.get(type(value), f"a {type(value).__name__}")


def _forgot(value) -> str:
    return " Is there a `return`?" if value is None else ""
