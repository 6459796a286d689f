"""Which question: how large is the map that comes out?

Idea: one axis, then rows and columns with settings of their own, then two layers in a row, the second dilated.

Cost: integers.  What it does not do: channels (parameters.py, groups.py).
Source: Dumoulin & Visin (2016), relationship 14.  Next room: padding_for_size.py.
"""

from minicnn.misconceptions import MISCONCEPTIONS
from minicnn.misconceptions.conv2d_windows import one_stride_for_both_axes, paddings_swapped, strides_swapped
from minicnn.quiz.question import Question, Wrong
from minicnn.quiz.topics._making import SIZE_RULE, made, settings, slide, telling, under

TITLE = "the size that comes out"
LESSON = "02"
LEVELS = 3

BELIEFS = MISCONCEPTIONS["output_size"]


def question(rng, level: int) -> Question:
    """Draw a question: one axis (level 1), two axes (2), two layers (3).

    >>> import random
    >>> question(random.Random(3), 1).text
    'A row of 22 cells goes through a convolution with kernel 6, stride 2, padding 1. How many cells come out?'
    """
    return telling({1: lambda: _one_axis(rng), 2: lambda: _two_axes(rng), 3: lambda: _two_layers(rng)}[level])


def _one_axis(rng) -> Question:
    n, kernel, stride, padding = rng.randint(7, 40), rng.randint(2, 6), rng.randint(1, 4), rng.randint(0, 2)
    rule = slide(kernel, stride, padding)
    text = f"A row of {n} cells goes through a convolution with {settings(kernel, stride, padding)}. How many cells come out?"
    wrong = under(BELIEFS, lambda size: size(n, kernel, stride, padding, 1))
    return made(text, rule.out_size(n), "17", (SIZE_RULE, rule.derivation(n)), wrong)


def _two_axes(rng) -> Question | None:
    rows, columns = rng.sample(range(9, 40), 2)
    kernel, stride, padding = (tuple(rng.randint(low, high) for _ in "hw") for low, high in ((2, 5), (1, 3), (0, 2)))
    if stride[0] == stride[1]:
        return None

    def sizes(size, stride=stride, padding=padding):
        return tuple(size(n, k, s, p, 1) for n, k, s, p in zip((rows, columns), kernel, stride, padding, strict=True))

    def right(n, kernel, stride, padding, dilation):
        return slide(kernel, stride, padding, dilation).out_size(n)

    swapped = (
        Wrong(sizes(right, stride=stride[::-1]), strides_swapped.says, "02"),
        Wrong(sizes(right, padding=padding[::-1]), paddings_swapped.says, "02"),
        Wrong(sizes(right, stride=(stride[0],) * 2), one_stride_for_both_axes.says, "02"),
    )
    text = (
        f"A map of {rows}×{columns} (rows × columns) goes through a convolution with {settings(kernel, stride, padding)}. "
        f"How large is the map that comes out?"
    )
    lines = [
        f"{word}: {slide(*one).derivation(n)}"
        for word, n, one in zip(("rows", "columns"), (rows, columns), zip(kernel, stride, padding, strict=True), strict=True)
    ]
    return made(text, sizes(right), "17x23", (SIZE_RULE, *lines), (*under(BELIEFS, sizes), *swapped))


def _two_layers(rng) -> Question:
    rows, columns = rng.sample(range(20, 60), 2)
    first = (rng.randint(3, 7), 2, rng.randint(0, 3), 1)
    second = (rng.randint(2, 4), rng.randint(1, 3), rng.randint(0, 2), rng.randint(2, 3))

    def sizes(size):
        return tuple(size(size(n, *first), *second) for n in (rows, columns))

    def right(n, *setting):
        return slide(*setting).out_size(n)

    text = (
        f"A map of {rows}×{columns} (rows × columns) goes through two convolutions, the first with {settings(*first)}, "
        f"the second with {settings(*second)}. How large is the map that comes out?"
    )
    lines = [
        f"{word}, layer {place}: {slide(*setting).derivation(size)}"
        for word, n in (("rows", rows), ("columns", columns))
        for place, setting, size in ((1, first, n), (2, second, right(n, *first)))
    ]
    return made(text, sizes(right), "17x23", (SIZE_RULE, *lines), under(BELIEFS, sizes))
