"""Which question: how does a number, a table or a small picture read in a terminal or a notebook?

Small bits that reprs need: counts with their unit, a table of aligned columns, the same table as HTML with every cell
escaped, and a PNG from bytes, without an imaging library.
Source: PNG (Portable Network Graphics) Specification, sections 5.3 and 11.2.
"""

import struct
import zlib
from binascii import b2a_base64

_STEPS = ((10**9, "G"), (10**6, "M"), (10**3, "k"))


def count(number: int, unit: str = "") -> str:
    """Return a count in three or four figures: 1.81 G, 25.6 M, 802 k, 12; a unit follows the letter.

    >>> count(1814073344), count(12), count(51380224, "B"), count(0)
    ('1.81 G', '12', '51.4 MB', '0')
    """
    for step, letter in _STEPS:
        if number >= step:
            value = number / step
            digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
            return f"{value:.{digits}f} {letter}{unit}"
    return f"{number} {unit}".rstrip()


def plural(number: int, word: str) -> str:
    """Return a number of things as a person says it.

    >>> plural(1, "node"), plural(1515, "node")
    ('1 node', '1,515 nodes')
    """
    return f"{number:,} {word}{'s' * (number != 1)}"


def times(sizes) -> str:
    """Return sizes as they are read aloud.

    >>> times((32, 112, 112))
    '32×112×112'
    """
    return "×".join(map(str, sizes))


def table(head, rows, foot=None, align: str = "") -> str:
    """Return rows as aligned columns under a head, ruled off; `align` has l or r for each column.

    >>> print(table(("a", "n"), [("x", "1"), ("yy", "22")], align="lr"))
    a    n
    ------
    x    1
    yy  22
    """
    every = [head, *rows, *([foot] if foot else [])]
    widths = [max(len(str(row[column])) for row in every) for column in range(len(head))]
    align = align or "l" * len(head)

    def line(row):
        cells = (f"{cell!s:{'>' if side == 'r' else '<'}{width}}" for cell, width, side in zip(row, widths, align, strict=True))
        return "  ".join(cells).rstrip()

    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    lines = [line(head), rule, *map(line, rows)]
    return "\n".join(lines + ([rule, line(foot)] if foot else []))


def html_table(head, rows, align: str = "") -> str:
    """Return rows as an HTML table; every cell is escaped, but one that is `Markup` already.

    >>> html_table(("a",), [("<b>",), (Markup("<img>"),)])
    '<table><thead><tr><th scope="col">a</th></tr></thead><tbody><tr><td>&lt;b&gt;</td></tr><tr><td><img></td></tr></tbody></table>'
    """
    sides = [' align="right"' if side == "r" else "" for side in align.ljust(len(head), "l")]

    def row(cells, tag: str, scope: str = "") -> str:
        return "<tr>" + "".join(f"<{tag}{scope}{side}>{markup(cell)}</{tag}>" for cell, side in zip(cells, sides, strict=True)) + "</tr>"

    body = "".join(row(cells, "td") for cells in rows)
    top = row(head, "th", ' scope="col"')
    return f"<table><thead>{top}</thead><tbody>{body}</tbody></table>"


class Markup(str):
    """Text that is HTML already."""


def markup(text) -> Markup:
    """Return text as HTML: escaped, unless it is Markup.

    >>> markup("1 < 2 & 'x'"), markup(Markup("<br>"))
    ('1 &lt; 2 &amp; &#x27;x&#x27;', '<br>')
    """
    import html  # whose table of entities only this needs

    return text if isinstance(text, Markup) else Markup(html.escape(str(text)))


def png(pixels: bytes, columns: int, rows: int, palette: bytes = b"") -> bytes:
    """Return a PNG: three bytes a pixel (red, green, blue), or with a palette of such one byte that picks from it.

    >>> png(bytes([255, 0, 0]), 1, 1)[1:4], len(png(bytes(6), 3, 2, palette=bytes(3)))
    (b'PNG', 83)
    """
    wide = columns * (1 if palette else 3)
    lines = b"".join(b"\0" + pixels[start : start + wide] for start in range(0, rows * wide, wide))  # 0: the line is not filtered
    head = struct.pack(">IIBBBBB", columns, rows, 8, 3 if palette else 2, 0, 0, 0)
    parts = [(b"IHDR", head), *([(b"PLTE", palette)] if palette else []), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b"")]
    chunks = (struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def data_uri(picture: bytes, kind: str = "image/png") -> str:
    """Return bytes as an address that holds them.

    >>> data_uri(b"abc")
    'data:image/png;base64,YWJj'
    """
    return f"data:{kind};base64,{b2a_base64(picture, newline=False).decode()}"
