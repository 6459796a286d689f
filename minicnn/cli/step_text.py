"""Which question: how does one step of a kernel read in a terminal?

Idea: the padded input with the window in brackets, the kernel, their products and the output as far as it has come stand side by side, as
many as the width takes; below them the arithmetic of the place, of the sum and of the bias.  Nothing is told by colour alone, so a file or
a pipe gets the same lines.  What is larger than the room for it is shown around the window, and its head says which part.

Cost: none.  What it does not do: compute; probe/sliding.py holds the numbers.
Source: Dumoulin & Visin (2016), figures 2.1-2.7.  Next room: step_app.py.
"""

import textwrap

from rich.text import Text

from minicnn.probe.sliding import Sliding, Step, added, finished, place, short
from minicnn.text import times

TALLEST = 12  # rows of a block
GAP = 2  # columns between blocks
MOST = 3  # lines for the products of one channel
WINDOW, NOW, QUIET, HEAD = "bold white on #0072b2", "bold reverse", "dim", "bold"
LEGEND = "[ ] the window, and the number that it makes   · padding   . not yet computed"


def drawn(found: Sliding, step: Step, width: int = 80, channels=None) -> list[Text]:
    """Return one step as lines; `channels` of the input, all where None.

    >>> import numpy as np
    >>> from minicnn.probe.sliding import sliding
    >>> s = sliding(np.array([[5.0, 6.0, 7.0]]), np.array([[1.0, -1.0]]), bias=2.0, stride=2, padding=(0, 1))
    >>> for line in drawn(s, s.step(1)):
    ...     print(line.plain.rstrip())
    step 2 of 2: output row 0, column 1
    <BLANKLINE>
    input 1×3, padded 1×5  kernel 1×2  products  output 1×2
     ·  5 [6][7] ·           1  -1       6  -7    -3  [1]
    <BLANKLINE>
    row     p·stride - padding + i·dilation = 0·2 - 0 + 0·1 = 0
    column  q·stride - padding + j·dilation = 1·2 - 1 + (0…1)·1 = 1, 2
    sum     6·1 + 7·(-1) = -1
    output  y[0, 0, 1] = -1 + bias 2 = 1
    """
    every = range(len(found.x))
    channels = every if channels is None else channels
    lines = [Text(f"step {step.number + 1} of {len(found)}: output row {step.at[0]}, column {step.at[1]}", HEAD), Text()]
    for channel in channels:
        lines += [Text()] if len(lines) > 2 else []
        head = f"channel {channel}: " if len(every) > 1 else ""
        blocks = [_input(found, step, channel, head, width), _kernel(step, channel), _products(found, step, channel)]
        if channel == channels[-1]:
            blocks.append(_output(found, step, width))
        lines += arranged(blocks, width)
    return [*lines, Text(), *_arithmetic(found, step, channels, width)]


def arranged(blocks: list[list[Text]], width: int) -> list[Text]:
    """Return blocks side by side where they fit, else the first beside the others, else in rows of blocks."""
    first, *others = blocks
    room = width - len(first[0]) - GAP
    if sum(len(other[0]) + GAP for other in others) - GAP <= room:
        return beside(blocks)
    right = flowed(others, room)
    return beside([first, right]) if max(map(len, right)) <= room else flowed(blocks, width)


def flowed(blocks: list[list[Text]], width: int) -> list[Text]:
    """Return blocks in as many rows of blocks as the width asks for, all lines of one length."""
    rows: list[list[list[Text]]] = [[]]
    for each in blocks:
        used = sum(len(other[0]) + GAP for other in rows[-1]) + len(each[0])
        if rows[-1] and used > width:
            rows.append([])
        rows[-1].append(each)
    lines: list[Text] = []
    for row in rows:
        lines += [Text()] if lines else []
        lines += beside(row)
    return padded(lines)


def beside(blocks: list[list[Text]]) -> list[Text]:
    """Return blocks side by side."""
    tall = max(map(len, blocks))
    rows = ([each[at] if at < len(each) else Text(" " * len(each[0])) for each in blocks] for at in range(tall))
    return [Text(" " * GAP).join(row) for row in rows]


def padded(lines: list[Text]) -> list[Text]:
    """Return lines that are all as long as the longest."""
    most = max(map(len, lines))
    for line in lines:
        line.pad_right(most - len(line))
    return lines


def block(title: str, cells: list[list[tuple[str, str]]], wide: int = 0) -> list[Text]:
    """Return a title above rows of (text, style), cells of at least `wide` letters; a cell whose style is the window's or the current one stands in brackets.

    >>> [line.plain for line in block("two", [[("1", ""), ("-2", WINDOW)]])]
    ['two     ', '  1 [-2]']
    >>> [line.plain for line in block("", [[("1", WINDOW), ("-20", "")]])][1]
    '  [1] -20 '
    """
    wide = max(wide, *(len(text) for row in cells for text, _ in row))
    lines = [Text(title, HEAD)]
    for row in cells:
        line = Text()
        for text, style in row:
            told = f"[{text}]" if style in (WINDOW, NOW) else f"{text} "
            line.append(" " * (wide + 2 - len(told))).append(told, style)
        lines.append(line)
    return padded(lines)


def part(whole: range, least: int, most: int, room: int) -> range:
    """Return the part of a range that is shown in some room: all, or what holds least … most in its middle.

    >>> part(range(-1, 6), 3, 5, 12), part(range(-1, 33), 10, 12, 5), part(range(-1, 33), 30, 32, 5)
    (range(-1, 6), range(9, 14), range(28, 33))
    """
    if len(whole) <= room:
        return whole
    first = (least + most + 1) // 2 - room // 2
    first = min(max(first, whole.start), whole.stop - room)
    return range(first, first + room)


def _input(found: Sliding, step: Step, channel: int, head: str, width: int) -> list[Text]:
    data = found.x[channel]
    texts = [[short(value) for value in row] for row in data]
    fit = max(1, width // (2 + max(len(text) for row in texts for text in row)))
    rows = part(found.spans[0], step.rows[0], step.rows[-1], TALLEST)
    columns = part(found.spans[1], step.columns[0], step.columns[-1], fit)
    cells = []
    for i in rows:
        row = []
        for j in columns:
            inside = 0 <= i < data.shape[0] and 0 <= j < data.shape[1]
            covered = i in step.rows and j in step.columns
            row.append((texts[i][j] if inside else "·", WINDOW if covered else "" if inside else QUIET))
        cells.append(row)
    whole = tuple(map(len, found.spans))
    more = f", padded {times(whole)}" if whole != tuple(data.shape) else ""
    return block(f"{head}input {times(data.shape)}{more}{_shown((rows, columns), whole)}", cells)


def _shown(spans, whole) -> str:
    """Return which part is shown, in words, where it is not all."""
    if all(len(span) == n for span, n in zip(spans, whole, strict=True)):
        return ""
    rows, columns = (f"{span.start}…{span.stop - 1}" for span in spans)
    return f" (rows {rows}, columns {columns})"


def _kernel(step: Step, channel: int) -> list[Text]:
    weight = step.weight[channel]
    return block(f"kernel {times(weight.shape)}", [[(short(value), "") for value in row] for row in weight])


def _products(found: Sliding, step: Step, channel: int) -> list[Text]:
    cells = [
        [("·", QUIET) if outside else (short(value), "") for value, outside in zip(*row, strict=True)]
        for row in zip(step.products[channel], step.padding, strict=True)
    ]
    return block("products", cells, found.longest_product)


def _output(found: Sliding, step: Step, width: int) -> list[Text]:
    data = found.y[step.filter]
    texts = [[short(value) for value in row] for row in data]
    fit = max(1, width // (2 + max(len(text) for row in texts for text in row)))
    spans = [part(range(n), at, at, room) for n, at, room in zip(found.out, step.at, (TALLEST, fit), strict=True)]
    cells = []
    for p in spans[0]:
        numbers = [(found.number((p, q)), texts[p][q]) for q in spans[1]]
        cells.append([(text, NOW if n == step.number else "") if n <= step.number else (".", QUIET) for n, text in numbers])
    return block(f"output {times(found.out)}{_shown(spans, found.out)}", cells)


def _arithmetic(found: Sliding, step: Step, channels, width: int) -> list[Text]:
    """Return the arithmetic of the place, of each channel's sum, and of the number."""
    lines = [_labelled(word, place(rule, at, word), width) for rule, at, word in zip(found.rules, step.at, ("row", "column"), strict=True)]
    for channel in channels:
        label = "sum" if len(found.x) == 1 else f"sum {channel}"
        told = _labelled(label, added(step, channel), width)
        inside = int((~step.padding).sum())
        lines.append(told if len(told) <= MOST else _labelled(label, f"{inside} products = {short(step.sums[channel])}", width))
    lines.append(_labelled("output", finished(step), width))
    if step.stored != step.sum and step.stored == step.stored:
        lines.append(_labelled("", f"stored {step.stored!r}; summed in float64 {step.sum!r}", width))
    return [line for group in lines for line in group]


def _labelled(label: str, text: str, width: int) -> list[Text]:
    fill = {"initial_indent": f"{label:<8}", "subsequent_indent": " " * 8, "break_long_words": False, "break_on_hyphens": False}
    lines = textwrap.wrap(text, width, **fill)
    return [Text(line) for line in lines]
