"""Which question: how is a grade kept, and read again?

Idea: a report as plain data for JSON: an array as its dtype, shape and numbers, a tuple as such, NaN and infinities as words, so that what is
read again is what was kept.  A value that is too large to be kept is replaced by what it is, in words; a misconception comes
back with its name and its sentence, without its code.

Cost: O(numbers kept), at most 20,000 a value.  What it does not do: write files (classroom.py).
Source: RFC 8259, section 6, which has no NaN.  Next room: results.py, for many of them.
"""

import math
from collections.abc import Callable
from dataclasses import fields
from typing import Any, NoReturn

import numpy as np

from minicnn import __version__
from minicnn.errors import FileFormatError, UnsupportedError
from minicnn.grade.outcome import Outcome
from minicnn.grade.report import Failure, GradeReport, PartResult
from minicnn.grade.task import Account
from minicnn.grade.words import clean, words
from minicnn.misconceptions.misconception import Misconception

FORMAT = 1
MOST_NUMBERS = 20_000
DEEPEST = 4  # tuples in each other
DTYPES = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64")


class LeftOut(str):
    """What a value was, in words, where it was too large to be kept."""

    def __repr__(self) -> str:
        return str(self)


def to_dict(report: GradeReport) -> dict:
    """Return a report as plain data: dictionaries, lists, strings, finite numbers, None.

    >>> found = to_dict(GradeReport("02", "conv2d", (PartResult("conv2d", "stride 1", 4, 50, 0.1),), student="ada"))
    >>> found["student"], found["earned"], found["parts"][0]["part"], from_dict(found).earned
    ('ada', 4.0, 'stride 1', 4)
    """
    own = {name: _kept(getattr(report, name)) for name in _names(GradeReport) if name != "parts"}
    parts = [{**_fields(part), "earned": float(part.earned), "failure": part.failure and _failure(part.failure)} for part in report.parts]
    totals = {"earned": float(report.earned), "points": float(report.points), "passed": report.passed}
    own |= {"advice": list(report.advice), "in_force": list(report.in_force)}
    return {"minicnn": __version__, "format": FORMAT, **own, **totals, "parts": parts}


def from_dict(document: dict) -> GradeReport:
    """Return the report that to_dict made plain data of.

    Raises FileFormatError where it is none, or one of another format.
    """
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        found = f"format {document.get('format')!r}" if isinstance(document, dict) else f"a {type(document).__name__}"
        raise FileFormatError(
            f"from_dict: a kept report is a dictionary of format {FORMAT}, but this is {found}; grade the submission again."
        )
    try:
        parts = tuple(_made(PartResult, part, failure=_optional(_failure_of)) for part in document["parts"])
        lists = {name: tuple(map(str, document[name])) for name in ("advice", "in_force")}
        return _made(GradeReport, {**document, **lists, "parts": parts}, parts=tuple, advice=tuple, in_force=tuple)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        told = f"{type(error).__name__}: {error}"
        raise FileFormatError(
            f"from_dict: this is no whole report, a field is missing or of another kind ({clean(told, 200)}); grade the submission again."
        ) from error


def _failure(failure: Failure) -> dict:
    own = _fields(failure) | {"arguments": _mapping(failure.arguments), "alike": list(failure.alike)}
    own["first"] = None if failure.first is None else [int(n) for n in failure.first]
    own["outcome"] = failure.outcome and _fields(failure.outcome) | {"after": _mapping(failure.outcome.after)}
    own["account"] = failure.account and _fields(failure.account)
    belief = failure.misconception
    own["misconception"] = belief and {name: getattr(belief, name) for name in ("name", "function", "says", "lesson")}
    return own


def _failure_of(kept: dict) -> Failure:
    return _made(
        Failure,
        kept,
        arguments=_optional(_mapping_of),
        first=_optional(lambda index: tuple(map(int, index))),
        outcome=_optional(lambda own: _made(Outcome, own, after=_mapping_of)),
        account=_optional(lambda own: _made(Account, own)),
        misconception=_optional(lambda own: Misconception(own["name"], own["function"], own["says"], own["lesson"], wrong=_forgotten)),
        alike=tuple,
    )


def _forgotten(*args, **arguments) -> NoReturn:
    raise UnsupportedError(
        "Misconception: this one was read from a file, which has its words and not its code; see minicnn.misconceptions."
    )


def _names(kind: type) -> list[str]:
    return [each.name for each in fields(kind)]


def _fields(value) -> dict:
    """Return the fields of a frozen value that are values themselves."""
    inner = (Failure, Outcome, Account, Misconception, dict)
    return {name: None if isinstance(found := getattr(value, name), inner) else _kept(found) for name in _names(type(value))}


def _made(kind: type, kept: dict, **own: Callable) -> Any:
    return kind(**{name: own.get(name, _value)(kept[name]) for name in _names(kind)})


def _optional(make: Callable) -> Callable:
    return lambda kept: None if kept is None else make(kept)


def _mapping(values) -> dict | None:
    return None if values is None else {str(name): _kept(value) for name, value in values.items()}


def _mapping_of(kept: dict) -> dict:
    return {name: _value(value) for name, value in kept.items()}


def _kept(value, deep: int = DEEPEST) -> Any:
    """Return a value as plain data."""
    if isinstance(value, LeftOut):
        return {"left out": str(value)}
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, np.generic):
        return _kept(value.item()) if value.dtype.name in DTYPES else {"left out": words(value)}
    if isinstance(value, int):
        return value if value.bit_length() <= 64 else {"left out": words(value)}
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, tuple | list) and len(value) <= MOST_NUMBERS and deep:
        return {"tuple": [_kept(item, deep - 1) for item in value]}
    return {"left out": words(value)}


def _array(array: np.ndarray) -> dict:
    if array.size > MOST_NUMBERS or array.dtype.name not in DTYPES:
        return {"left out": words(array)}
    numbers = [n if math.isfinite(n) else str(n) for n in array.ravel().tolist()]
    return {"array": array.dtype.name, "shape": list(array.shape), "numbers": numbers}


def _value(kept) -> Any:
    """Return the value that plain data stands for."""
    if not isinstance(kept, dict):
        return kept
    if "array" in kept:
        if kept["array"] not in DTYPES:
            raise ValueError(f"an array of {kept['array']!r}")
        numbers = [float(n) if isinstance(n, str) else n for n in kept["numbers"]]
        return np.array(numbers, dtype=kept["array"]).reshape([int(n) for n in kept["shape"]])
    if "tuple" in kept:
        return tuple(map(_value, kept["tuple"]))
    return float(kept["float"]) if "float" in kept else LeftOut(kept["left out"])
