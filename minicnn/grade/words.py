"""Which question: how is a value, or what a student's code said, written down?

Idea: numbers in few letters, arrays by what they are or as the line of Python that makes them, so that a failing case can be typed again.
What a student's code said is text: letters that would steer a terminal are written out, and what is long is cut in the middle.

Cost: none to speak of.  What it does not do: lay out (drawing.py).
Source: Boucher & Anderson, Trojan Source (2021), for letters that hide others.  Next room: drawing.py.
"""

import numpy as np

from minicnn.text import times

MOST_PRINTED = 200  # numbers of an array
MOST_LETTERS = 4000


def clean(text: str, most: int = MOST_LETTERS) -> str:
    """Return text without letters that steer a terminal or hide others, cut in the middle where it is long.

    >>> clean("a\\x1b[31m red"), clean("0123456789", 4)
    ('a\\\\x1b[31m red', '01 … 6 letters left out … 89')
    """
    if len(text) > most:
        text = f"{text[: most // 2]} … {len(text) - most // 2 * 2:,} letters left out … {text[-(most // 2) :]}"
    text = text.replace("\r\n", "\n").expandtabs(4)
    return "".join(letter if letter.isprintable() or letter == "\n" else repr(letter)[1:-1] for letter in text)


def number(value, digits: int = 4) -> str:
    """Return a number in few letters; whole ones as they are.

    >>> number(3.0), number(0.123456), number(np.float32(1e-9)), number(float("nan")), number(True), number(10**30)
    ('3', '0.1235', '1e-09', 'nan', 'True', 'about 2^99')
    """
    value = value.item() if isinstance(value, np.generic | np.ndarray) else value
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int):
        return str(value) if value.bit_length() < 64 else f"about {'-' if value < 0 else ''}2^{value.bit_length() - 1}"
    return str(int(value)) if abs(value) < 1e6 and value == int(value) else f"{value:.{digits}g}"


def points(value: float) -> str:
    """Return points without zeros behind them.

    >>> points(2.0), points(0.5)
    ('2', '0.5')
    """
    return f"{value:g}"


def words(value, deep: int = 3) -> str:
    """Return what a value is, in a few words.

    >>> words(5), words((1, 2)), words(np.zeros((2, 3), np.float32)), words("so"), words(None)
    ('5', '(1, 2)', 'an array of 2×3, float32', "'so'", 'None')
    """
    if isinstance(value, np.ndarray) and value.ndim:
        return f"an array of {times(value.shape)}, {value.dtype}"
    if isinstance(value, tuple):
        inside = ", ".join(words(item, deep - 1) for item in value[:6]) if deep else "…"
        return f"({inside}{', …' if len(value) > 6 else ',' if len(value) == 1 else ''})"
    if isinstance(value, int | float | np.generic | np.ndarray):
        return number(value, 9)
    return clean(repr(value), 80)


def code(name: str, value, width: int = 80) -> str:
    """Return the line of Python that makes an argument, where it is short enough to be typed.

    >>> print(code("x", np.array([[1, 2], [3, 4]], np.float32)))
    x = np.array([[1., 2.],
                  [3., 4.]], dtype=np.float32)
    """
    if not isinstance(value, np.ndarray):
        return f"{name} = {clean(repr(value), 400)}"
    if value.size > MOST_PRINTED:
        return f"{name} = …  # {words(value)}"
    if not value.size:
        return f"{name} = np.zeros({value.shape}, dtype=np.{value.dtype})"
    head = f"{name} = np.array("
    body = np.array2string(value, separator=", ", prefix=head, max_line_width=width, threshold=MOST_PRINTED + 1, floatmode="unique")
    lines = [line for line in body.split("\n") if line.strip()]  # NumPy parts planes by empty lines
    return "\n".join([head + lines[0], *lines[1:]]) + f", dtype=np.{value.dtype})"
