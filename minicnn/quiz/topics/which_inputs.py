"""Which question: which cells of the input is one output computed from?

Idea: a window in the middle, then at a corner, where cells of the padding are no cells, then dilated.

Cost: integers.  What it does not do: stacks of layers (pixel_box.py).
Source: Dumoulin & Visin (2016), chapter 2.  Next room: which_outputs.py.
"""

from itertools import product

from minicnn.misconceptions.conv2d_windows import padding_forgotten, stride_as_dilation, stride_forgotten, strides_swapped
from minicnn.misconceptions.output_size import dilation_forgotten
from minicnn.quiz.question import Question, Wrong
from minicnn.quiz.topics._making import made, settings, slide, telling

TITLE = "the inputs of one output"
LESSON = "02"
LEVELS = 3

AXES = ("rows", "columns")


def question(rng, level: int) -> Question:
    """Draw a question: no padding (level 1), padding at a corner (2), dilation (3).

    >>> import random
    >>> question(random.Random(3), 1).derivation[0]
    'rows: 3·1 - 0 = 3 is the first of 3, 1 apart: 3, 4, 5'
    """
    return telling(lambda: _cells(rng, level))


def cells(rows, columns) -> frozenset[tuple[int, int]]:
    """Return every pair of one of the rows and one of the columns.

    >>> sorted(cells((0, 1), (4,)))
    [(0, 4), (1, 4)]
    """
    return frozenset(product(rows, columns))


def _cells(rng, level: int) -> Question | None:
    size = tuple(rng.sample(range(8, 20), 2))
    kernel, stride = rng.choice(((2, 2), (1, 3), (3, 1), (2, 3), (3, 2))), (rng.randint(1, 3), rng.randint(1, 3))
    padding = (rng.randint(1, 2), rng.randint(0, 2)) if level == 2 else (0, 0)
    dilation = (rng.randint(2, 3), rng.randint(1, 3)) if level == 3 else (1, 1)
    at = tuple(rng.randint(0, 1) if level == 2 else rng.randint(1, 3) for _ in AXES)
    rules = [slide(*one) for one in zip(kernel, stride, padding, dilation, strict=True)]
    if stride == (1, 1) or any(i >= rule.out_size(n) for i, rule, n in zip(at, rules, size, strict=True)):
        return None
    answer = cells(*(rule.sees(i, n) for rule, i, n in zip(rules, at, size, strict=True)))
    if not answer:
        return None
    text = (
        f"A map of {size[0]}×{size[1]} (rows × columns) goes through a convolution with {settings(kernel, stride, padding, dilation)}. "
        f"Which cells (row, column) of the map is output ({at[0]}, {at[1]}) computed from? All are counted from 0; padding is no cell."
    )
    lines = [_line(*of) for of in zip(AXES, at, kernel, stride, padding, dilation, size, strict=True)]
    return made(
        text,
        answer,
        "(17, 2) (17, 3)",
        (*lines, f"every row with every column: {len(answer)}"),
        _wrong(at, kernel, stride, padding, dilation, size),
    )


def _line(word: str, i: int, kernel: int, stride: int, padding: int, dilation: int, n: int) -> str:
    """Return the taps of one axis with their numbers."""
    taps = [i * stride - padding + t * dilation for t in range(kernel)]
    text = f"{word}: {i}·{stride} - {padding} = {taps[0]} is the first of {kernel}, {dilation} apart: {', '.join(map(str, taps))}"
    inside = [tap for tap in taps if 0 <= tap < n]
    return text if inside == taps else f"{text}; inside 0 … {n - 1}: {', '.join(map(str, inside)) or 'none'}"


def _wrong(at, kernel, stride, padding, dilation, size):
    """Return the cells of who places the window otherwise."""

    def placed(stride=stride, padding=padding, dilation=dilation, inside=True):
        rows, columns = (
            [tap for t in range(k) if 0 <= (tap := i * s - p + t * d) < n or not inside]
            for i, k, s, p, d, n in zip(at, kernel, stride, padding, dilation, size, strict=True)
        )
        return cells(rows, columns)

    candidates = (
        Wrong(placed(inside=False), "You list cells of the padding: they are zeros that lie outside the map.", "02"),
        Wrong(placed(stride=(1, 1)), stride_forgotten.says, "02"),
        Wrong(placed(padding=(0, 0)), padding_forgotten.says, "02"),
        Wrong(placed(dilation=(1, 1)), dilation_forgotten.says, "02"),
        Wrong(placed(dilation=stride), stride_as_dilation.says, "02"),
        Wrong(placed(stride=stride[::-1]), strides_swapped.says, "02"),
        Wrong(
            placed(padding=tuple(-p for p in padding)),
            "You move the window by the padding to the wrong side: it begins before cell 0.",
            "02",
        ),
        Wrong(frozenset((c, r) for r, c in placed()), "You swap the axes: a cell is (row, column).", "02"),
    )
    return [each for each in candidates if each.value]
