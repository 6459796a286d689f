"""What can go wrong, as a tree.

    MinicnnError
    ├── ShapeError         (ValueError)  shapes, channels or sizes that cannot meet
    ├── DTypeError         (TypeError)   not a NumPy array, not float32/float64, or two dtypes mixed
    ├── ArgumentError      (ValueError)  an argument outside its range: stride 0, negative padding, …
    ├── UnsupportedError   (ValueError)  a sound request that this algorithm or layer does not answer
    ├── UnknownNameError   (ValueError)  a node, algorithm, layer or model that does not exist
    ├── WeightsError       (ValueError)  weights that are missing, left over or of another shape
    ├── FileFormatError    (ValueError)  a file that is unreadable, truncated, or holds what we refuse
    └── TrainingError      (ArithmeticError)  training that cannot go on: a loss that is no finite number

Every message has three parts: the rule, what was received, and the remedy, with the arithmetic.
Each class is also one of Python's own, so `except ValueError` keeps working.
"""

from collections.abc import Iterable

__all__ = [
    "ArgumentError",
    "DTypeError",
    "FileFormatError",
    "MinicnnError",
    "ShapeError",
    "TrainingError",
    "UnknownNameError",
    "UnsupportedError",
    "WeightsError",
]


class MinicnnError(Exception):
    """Base of every error that minicnn raises for something its user can mend."""


class ShapeError(MinicnnError, ValueError):
    """Shapes, channel counts or sizes that cannot meet."""


class DTypeError(MinicnnError, TypeError):
    """Not a NumPy array, not float32 or float64, or two dtypes mixed."""


class ArgumentError(MinicnnError, ValueError):
    """An argument outside its range: stride 0, negative padding, an unknown mode."""


class UnsupportedError(MinicnnError, ValueError):
    """A sound request that the chosen algorithm or layer does not answer."""


class UnknownNameError(MinicnnError, ValueError):
    """A node, algorithm, layer or model of that name does not exist."""


class WeightsError(MinicnnError, ValueError):
    """Weights that are missing, left over or of another shape."""


class FileFormatError(MinicnnError, ValueError):
    """A file that cannot be read, is cut short, or holds what we refuse to load."""


class TrainingError(MinicnnError, ArithmeticError):
    """Training that cannot go on: a loss that is no finite number.  `run` is what the last finished epoch left."""

    run = None


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ' Did you mean …?' for the closest known name, or the whole list when none is close.

    >>> nearest("con1", ["conv1", "pool1"])
    " Did you mean 'conv1'?"
    >>> nearest("zebra", ["conv1", "pool1"])
    ' Known: conv1, pool1.'
    """
    import difflib  # only a mistake pays for it

    known = list(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if close:
        return f" Did you mean {close[0]!r}?"
    shown = ", ".join(known[:40]) + (f", … ({len(known)} in all)" if len(known) > 40 else "")
    return f" Known: {shown or 'none'}."
