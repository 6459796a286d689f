"""Which question: which layers does "Conv2d(3, 64, 7, stride=2) ReLU" name?

Idea: the text is cut at its brackets into calls; each is read by Python's own parser into a tree of
which only names, literals and keywords are accepted.  Nothing is ever evaluated: a text is data.
Spaces, commas, arrows and new lines separate calls, a layer without arguments needs no brackets, and
"nn." and a surrounding Sequential(…) are passed over, so that a model can be pasted as it stands.

Cost: none.  What it does not do: variables, arithmetic, branches.
Source: Python's documentation, "ast".  Next room: shape.py.
"""

import ast
import inspect
import re
import warnings
from typing import NamedTuple

from minicnn import nn
from minicnn.errors import ArgumentError, MinicnnError, UnknownNameError, UnsupportedError, nearest

SEPARATOR = re.compile(r"(?:[\s,;|]|->|=>|→)*")
NAME = re.compile(r"(?:torch\.)?(?:nn\.)?([^\W\d]\w*)")
CLOSING = {"(": ")", "[": "]", "{": "}"}
HIDDEN = ("rng", "dtype")  # keywords about numbers, of which there are none here
LONGEST, LARGEST, SHOWN = 20_000, 1_000_000, 66


class Call(NamedTuple):
    """One layer as it was written."""

    name: str
    args: tuple
    kwargs: dict
    text: str


def read_layers(text: str) -> list[nn.Layer]:
    """Return the layers that a text names, their arrays as shapes only.

    >>> read_layers("Conv2d(3, 8, 3, padding=1) -> ReLU, nn.MaxPool2d(2)")
    [Conv2d(3, 8, kernel_size=3, padding=1), ReLU(), MaxPool2d(kernel_size=2, stride=2)]

    Raises ArgumentError with a caret under the place, UnknownNameError, UnsupportedError.
    """
    if len(text) > LONGEST:
        raise ArgumentError(f"shape: at most {LONGEST:,} letters are read, but the text has {len(text):,}; ask for a part of it.")
    layers = [_built(call) for call in _calls(text, 0, len(text))]
    if not layers:
        raise ArgumentError('shape: at least one layer is needed, but the text names none; write "Conv2d(3, 64, 7, stride=2, padding=3)".')
    return layers


def _calls(text: str, start: int, end: int) -> list[Call]:
    found, at = [], start
    while (at := SEPARATOR.match(text, at, end).end()) < end:
        match = NAME.match(text, at, end)
        if match is None:
            raise _mistake(text, at, f"here the name of a layer is expected, but there is {text[at]!r}")
        opening = re.compile(r"[ \t]*\(").match(text, match.end(), end)
        if opening is None:
            found.append(Call(match[1], (), {}, match[1]))
            at = match.end()
            continue
        close = _closing(text, opening.end() - 1, end)
        if match[1] == "Sequential":
            found += _calls(text, opening.end(), close)
        else:
            found.append(_call(text, match, close))
        at = close + 1
    return found


def _closing(text: str, opening: int, end: int) -> int:
    """Return where the bracket that opens at `opening` closes; text in quotes is passed over."""
    waiting, quote = [], ""
    for at in range(opening, end):
        letter = text[at]
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in CLOSING:
            waiting.append(at)
        elif letter in CLOSING.values():
            if letter != CLOSING[text[waiting[-1]]]:
                raise _mistake(text, at, f"{CLOSING[text[waiting[-1]]]!r} is expected here, but there is {letter!r}")
            waiting.pop()
            if not waiting:
                return at
        if len(waiting) > 20:
            raise _mistake(text, at, "brackets are nested more than 20 deep")
    raise _mistake(text, waiting[-1], f"this bracket is never closed; add {CLOSING[text[waiting[-1]]]!r}")


def _call(text: str, match: re.Match, close: int) -> Call:
    start = match.start(1)
    source = text[start : close + 1]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a strange escape in a string is ours to refuse, not Python's to remark on
            tree = ast.parse(source, mode="eval").body
    except SyntaxError as error:
        raise _mistake(
            text,
            start + _offset(source, error.lineno or 1, (error.offset or 1) - 1),
            f"this is not a call as Python writes them ({error.msg})",
        ) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise _mistake(text, start, f"this cannot be read ({error})") from None

    def literal(node: ast.expr):
        try:
            value = ast.literal_eval(node)
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            line = source.split("\n")[node.lineno - 1]
            column = len(line.encode()[: node.col_offset].decode())  # the tree counts bytes
            place = start + _offset(source, node.lineno, column)
            raise _mistake(text, place, f"arguments are plain values (3, (1, 2), 'same', True), but this is {ast.unparse(node)}") from None
        _check_size(value, text, start)
        return value

    args = tuple(literal(node) for node in tree.args)
    if any(keyword.arg is None for keyword in tree.keywords):
        raise _mistake(text, start, "write each argument out; ** is not read")
    return Call(match[1], args, {keyword.arg: literal(keyword.value) for keyword in tree.keywords}, " ".join(source.split()))


def _check_size(value, text: str, place: int) -> None:
    for item in value if isinstance(value, list | tuple | set) else (value,):
        if isinstance(item, list | tuple):
            _check_size(item, text, place)
        elif isinstance(item, int | float) and not -LARGEST <= item <= LARGEST:
            raise _mistake(text, place, f"numbers go up to {LARGEST:,}, and an argument of this layer is larger")


def _offset(source: str, line: int, column: int) -> int:
    return sum(len(part) + 1 for part in source.split("\n")[: line - 1]) + column


def _mistake(text: str, place: int, message: str) -> ArgumentError:
    """Return an error that shows the place with a caret."""
    first = max(0, min(place - SHOWN // 2, len(text) - SHOWN))
    part = "".join(" " if letter.isspace() else letter for letter in text[first : first + SHOWN])
    return ArgumentError(f"shape: {message}:\n    {part.rstrip()}\n    {' ' * (place - first)}^")


def _built(call: Call) -> nn.Layer:
    """Return the layer of a call; what it holds is shapes only."""
    if call.name not in nn.LAYERS:
        raise UnknownNameError(f"shape: there is no layer {call.name!r}.{nearest(call.name, nn.LAYERS)}")
    cls = nn.LAYERS[call.name]
    if cls.inputs != 1:
        raise UnsupportedError(
            f"shape: {call.name} joins several inputs, and a row of layers hands on one; build a nn.Graph in Python and describe that."
        )
    taken = inspect.signature(cls).parameters
    visible = inspect.Signature(
        [parameter for name, parameter in taken.items() if name not in HIDDEN or parameter.kind != parameter.KEYWORD_ONLY]
    )
    usage = f"write {call.name}{_without_types(visible)}" if visible.parameters else f"{call.name} takes no arguments: write {call.name}"
    try:
        visible.bind(*call.args, **call.kwargs)
    except TypeError as error:
        raise ArgumentError(f"shape: {call.text}: {error}; {usage}.") from None
    own = {"rng": nn.SHAPE_ONLY} if "rng" in taken else {}
    try:
        return cls(*call.args, **call.kwargs, **own)
    except MinicnnError as error:
        raise type(error)(f"shape: {call.text}: {error}") from None
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise ArgumentError(f"shape: {call.text}: its arguments do not fit ({error}); {usage}.") from None


def _without_types(signature: inspect.Signature) -> str:
    bare = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in signature.parameters.values()]
    return str(inspect.Signature(bare))
