"""Which question: how does a number or a table read in a terminal?

Small bits that reprs need: counts with their unit, and a table of aligned columns.
"""

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
