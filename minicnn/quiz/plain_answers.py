"""Which question: how does an answer travel to a page, and what does a page take for the same answer?

Idea: an answer becomes a kind and plain numbers: {"kind": "numbers", "numbers": [7, 9], "text": "7×9"}.  A page compares numbers, not spellings; what
was typed is read by cell.js, as typed.py reads it in a terminal.  A real number carries `within`, half a step of the last digit that is asked for.

Cost: none.  What it does not do: read what was typed.
Source: none.  Next rooms: cell.py, cell.js.
"""

import numbers
from decimal import Decimal

from minicnn.errors import ArgumentError
from minicnn.quiz.question import bare, shown

__all__ = ["example", "plain", "same"]

FIGURES = 3  # of a real answer that no form says more of
LARGEST = 2**53  # beyond it a page's numbers have gaps
KINDS = "a whole number, a number with decimals, a tuple of whole numbers, a set of such tuples, or a word"


def plain(value, what: str, *, form: str = "", beside: dict | None = None) -> dict:
    """Return an answer as plain data.

    form : an example, whose digits say how many are asked for     beside : the right answer, whose kind and digits a wrong one takes

    >>> plain((7, 9), "predict"), plain(0.25, "predict")
    ({'kind': 'numbers', 'numbers': [7, 9], 'text': '7×9'}, {'kind': 'real', 'numbers': [0.25], 'within': 0.005, 'text': '0.25'})

    Raises ArgumentError for what nobody can type, and for a wrong value of another kind.
    """
    value = _simple(value, what)
    if beside and beside["kind"] == "numbers" and len(beside["numbers"]) == 2:
        value = (
            (value, value) if isinstance(value, int) else value * 2 if isinstance(value, tuple) and len(value) == 1 else value
        )  # of a square
    if isinstance(value, frozenset):
        found = {"kind": "set", "members": [list(each) for each in sorted(value)]}
    elif isinstance(value, tuple):
        found = {"kind": "numbers", "numbers": list(value)}
    elif isinstance(value, str):
        found = {"kind": "word", "word": value}
    elif isinstance(value, int) and (beside is None or beside["kind"] != "real"):
        found = {"kind": "integer", "numbers": [value]}
    else:
        found = {
            "kind": "real",
            "numbers": [value],
            "within": beside.get("within", 0) if beside else _within(value, form),
        }  # 7.5 beside a whole number: exactly
    numeric = ("integer", "numbers", "real")
    if beside and found["kind"] != beside["kind"] and not (found["kind"] in numeric and beside["kind"] in numeric):
        raise ArgumentError(
            f"{what}: a wrong value is of the answer's kind, but {value!r} stands beside {beside['text']}; give one that could be typed."
        )
    return found | {"text": _text(found, value, form)}


def _simple(value, what: str):
    """Return value as int, float, str, tuple of ints or frozenset of tuples."""
    if isinstance(value, str) and value.strip():
        return value.strip()
    if isinstance(value, numbers.Integral) and not isinstance(value, bool) and abs(value) <= LARGEST:
        return int(value)
    if isinstance(value, numbers.Real) and not isinstance(value, bool | numbers.Integral) and abs(float(value)) < float("inf"):
        return float(value)
    if isinstance(value, tuple | list) and value and all(isinstance(_simple(each, what), int) for each in value):
        return tuple(map(int, value))
    if isinstance(value, set | frozenset) and all(isinstance(_simple(each, what), tuple) for each in value):
        return frozenset(_simple(each, what) for each in value)
    raise ArgumentError(f"{what}: an answer is {KINDS}, but it is {value!r}; for yes or no, give choices=('yes', 'no').")


def _within(value: float, form: str) -> float:
    """Return half a step of the last digit of form's number, or of the answer's, which counts for three figures."""
    try:
        return float(Decimal(5).scaleb(Decimal(form.strip().rstrip("%")).as_tuple().exponent - 1))
    except ArithmeticError:
        text = repr(value) if len(Decimal(repr(value)).as_tuple().digits) <= FIGURES else f"{value:.{FIGURES - 1}e}"
        return float(Decimal(5).scaleb(Decimal(text).as_tuple().exponent - 1))


def _text(found: dict, value, form: str) -> str:
    if found["kind"] != "real":
        return shown(value, form)
    return f"{value:.{_decimals(found['within'])}f}" if found["within"] else repr(value)


def _decimals(within: float) -> int:
    return max(-Decimal(repr(within)).adjusted() - 1, 0)


def example(right: dict) -> str:
    """Return an example of what to type that is not the answer.

    >>> example({"kind": "integer", "numbers": [12]}), example({"kind": "numbers", "numbers": [7, 9]})
    ('8', '8x9')
    """
    kind, own = right["kind"], right.get("numbers", ())
    if kind in ("set", "word"):
        return "(0, 1) (2, 3)" if kind == "set" else ""
    if kind == "real":
        shown = [f"{value:.{_decimals(right['within'])}f}" for value in ((12.3456789, 4.56789) if own[0] > 1 else (0.3456789, 0.456789))]
    elif kind == "integer":
        shown = ["12", "8"]
    elif len(own) == 2:
        shown = ["8x9", "5x12"]
    else:
        shown = [f"({', '.join(map(str, range(least, least + len(own))))}{',' * (len(own) == 1)})" for least in (2, 3)]
    said = shown[0].strip("(),").replace("x", ", ").split(", ")
    return shown[same({"kind": kind, "numbers": list(map(float, said))}, right)]


def same(one: dict, other: dict) -> bool:
    """Return whether a page takes two answers for the same.

    >>> same(plain(2.5, "predict"), plain(2.54, "predict")), same(plain(7, "predict"), plain((7,), "predict"))
    (True, True)
    """
    if "numbers" in one and "numbers" in other:
        within = max(one.get("within", 0), other.get("within", 0))
        pairs = list(zip(one["numbers"], other["numbers"], strict=False))
        return len(one["numbers"]) == len(other["numbers"]) and all(abs(a - b) <= within * (1 + 1e-9) for a, b in pairs)
    if one["kind"] == "word" == other["kind"]:
        return bare(one["word"]) == bare(other["word"])
    return one["kind"] == other["kind"] and one["members"] == other["members"]
