"""Which question: what does a typed answer mean?

    8x8    (8, 8)    8,8    8 × 8    [8 8]    8            all mean (8, 8) where a size is asked for
    1728    1,728    1 728    1_728    1728 px             all mean 1728 where one number is
    (0, 1) (2, 3)    0,1; 2,3    none                      places, as a set

Idea: how many numbers are asked for is known from the answer, so that whatever stands between them need not be.  What cannot be
meant is met by an example of what to type; it is not counted as a wrong answer.

Cost: none.  What it does not do: arithmetic, numbers in words, or say whether the answer is right.
Source: none.  Next rooms: asking.py, cell.js, which does the same in a browser.
"""

import re
from collections.abc import Sequence

from minicnn.errors import ArgumentError
from minicnn.quiz.question import Answer, bare

__all__ = ["typed"]

LONGEST = 400  # characters of an answer; a set of places is the longest that is asked for
NUMBER = re.compile(r"(?<![\d.])-?\d{1,15}(?:\.\d{1,15})?(?!\d|\.\d)")
THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:([,_ ])\d{3})(?:\1\d{3})*(?![\d,_])")
GROUP = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
UNFINISHED = re.compile(r"[x×*]\s*$", re.IGNORECASE)  # "8x" is no square
BETWEEN = re.compile(r"[\s,;x×*()\[\]]*|\s*(?:by|and)\s*", re.IGNORECASE)  # what may stand between two numbers of a tuple
NOTHING = ("none", "nothing", "{}", "()", "-", "∅", "empty")


def typed(text: str, like: Answer, *, choices: Sequence[str] = (), form: str = "") -> Answer:
    """Return what was typed as a value of the answer's kind: an int, a tuple of as many ints, a set of such tuples, or one of the choices.

    like : the answer, only whose kind is looked at     form : an example to show to whoever typed something else
    A number with a fraction stays a float, which is never right, but may be a wrong answer that is known: 7.5 windows.
    Raises ArgumentError with an example of what to type.

    >>> [typed(text, like=(1, 1)) for text in ("8x8", "(8, 8)", "8,8", "8 × 8", "8")]
    [(8, 8), (8, 8), (8, 8), (8, 8), (8, 8)]
    >>> typed("1,728", like=1), typed("b", like="a", choices=("a", "b")), sorted(typed("2,3 0,1", like=frozenset({(1, 1)})))
    (1728, 'b', [(0, 1), (2, 3)])
    """
    if not isinstance(text, str):
        raise ArgumentError(f"answer: what was typed is a text, but it is a {type(text).__name__}; pass str(value).")
    text = " ".join(text.replace("−", "-").replace("\N{NO-BREAK SPACE}", " ").split())
    example = form or _example(like, choices)
    if not text:
        raise ArgumentError(f"answer: nothing was typed; type for example {example}.")
    if len(text) > LONGEST:
        raise ArgumentError(
            f"answer: an answer has at most {LONGEST} characters, but this one has {len(text)}; type for example {example}."
        )
    if isinstance(like, str):
        return _choice(text, tuple(choices), example)
    if isinstance(like, frozenset):
        return _set(text, like, example)
    return _tuple(text, len(like), example) if isinstance(like, tuple) else _one(text, example)


def _one(text: str, example: str) -> int | float:
    """Return the one number of a text; a unit behind it is passed over."""
    text = THOUSANDS.sub(lambda found: re.sub(r"[,_ ]", "", found[0]), text)
    found = _numbers(text, example)
    if len(found) != 1:
        raise ArgumentError(f"answer: one number is asked for, but {text!r} has {len(found)}; type for example {example}.")
    before, after = NUMBER.split(text)
    if before.strip(" =([") or re.search(r"[^\w\s.)\]]|_", after):
        raise ArgumentError(f"answer: a number by itself is asked for, worked out, but it is {text!r}; type for example {example}.")
    return found[0]


def _tuple(text: str, length: int, example: str, *, square: bool = True) -> tuple:
    """Return the numbers of a text, `length` of them; one alone stands for both sides of a square."""
    found = _numbers(text, example)
    if len(found) == 1 and length == 2 and square and not UNFINISHED.search(text):
        found *= 2
    if len(found) != length:
        raise ArgumentError(f"answer: {length} numbers are asked for, but {text!r} has {len(found)}; type for example {example}.")
    for between in NUMBER.split(text):
        if not BETWEEN.fullmatch(between):
            raise ArgumentError(f"answer: {between.strip()!r} in {text!r} is not understood; type for example {example}.")
    return tuple(found)


def _set(text: str, like: frozenset, example: str) -> frozenset:
    """Return the tuples of a text: what stands in brackets, or between semicolons, or between blanks."""
    if text.lower() in NOTHING:
        return frozenset()
    length = len(next(iter(like))) if like else None
    inner = text.strip("{} ")
    if GROUP.search(inner):
        pieces = [found[1] for found in GROUP.finditer(inner)]
        stray = GROUP.sub("", inner).strip(" ,;")
        if stray:
            raise ArgumentError(f"answer: {stray!r} in {text!r} stands in no brackets; type for example {example}.")
    else:
        pieces = inner.split(";") if ";" in inner else re.sub(r"\s*([,x×])\s*", r"\1", inner).split()
    return frozenset(_tuple(piece, length or len(NUMBER.findall(piece)), example, square=False) for piece in pieces if piece.strip())


def _choice(text: str, choices: tuple[str, ...], example: str) -> str:
    """Return the choice of this name, or of this number in the list."""
    if not choices:
        return text
    plain = {bare(choice): choice for choice in choices}
    if bare(text) in plain:
        return plain[bare(text)]
    place = text.rstrip(".)")
    if place.isdecimal() and 1 <= int(place) <= len(choices):
        return choices[int(place) - 1]
    raise ArgumentError(f"answer: one of the {len(choices)} choices is asked for, but it is {text!r}; type {example}.")


def _numbers(text: str, example: str) -> list[int | float]:
    found = [float(number) if "." in number else int(number) for number in NUMBER.findall(text)]
    if not found:
        digits = "up to 15 digits" if any(map(str.isdecimal, text)) else "digits"
        raise ArgumentError(f"answer: numbers are typed in {digits}, but {text!r} has none; type for example {example}.")
    return [int(number) if number == int(number) else number for number in found]


def _example(like: Answer, choices: Sequence[str]) -> str:
    """Return an example of the answer's kind that is not the answer itself."""
    if isinstance(like, str):
        return f"its words, or its number, 1 to {len(choices)}"
    if isinstance(like, frozenset):
        return "(0, 1) (2, 3), or none"
    if isinstance(like, tuple):
        sizes = range(3, 3 + 2 * len(like), 2)
        return "x".join(map(str, sizes if tuple(sizes) != like else [size + 1 for size in sizes]))
    return "12" if like != 12 else "20"
