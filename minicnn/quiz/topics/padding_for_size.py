"""Which question: how much padding gives the size that is wanted?

Idea: the size kept by an odd kernel, then by any kernel with dilation and two sides, then any size with a stride, where several paddings
may do and the smallest is asked for.

Cost: integers.  What it does not do: padding='same' with a stride (same_with_stride.py).
Source: Dumoulin & Visin (2016), section 2.2; TensorFlow's documentation of SAME padding.  Next room: same_with_stride.py.
"""

from minicnn.axis import Slide
from minicnn.misconceptions import MISCONCEPTIONS
from minicnn.quiz.question import Question, Wrong
from minicnn.quiz.topics._making import SIZE_RULE, made, slide, telling, under
from minicnn.window import same_sides

TITLE = "the padding for a wanted size"
LESSON = "02"
LEVELS = 3


def question(rng, level: int) -> Question:
    """Draw a question: keep the size (level 1), keep it with dilation and even kernels (2), reach a size with a stride (3).

    >>> import random
    >>> question(random.Random(3), 1).text
    'A row of 23 cells goes through a convolution with kernel 11, stride 1. How much padding on each side keeps the size?'
    """
    return telling({1: lambda: _kept(rng), 2: lambda: _kept_by_two_sides(rng), 3: lambda: _reached(rng)}[level])


def _kept(rng) -> Question | None:
    n, kernel = rng.randint(8, 64), 2 * rng.randint(1, 7) + 1
    padding, _ = same_sides(n, kernel, 1, 1)
    if n - kernel < 1:
        return None  # without padding at least two cells are to be left
    wrong = (
        Wrong(kernel - 1, f"You pad all of it on each side: {kernel - 1} cells are lost in all, half of them on each side.", "02"),
        Wrong(kernel // 2 + 1, "You share the whole kernel between the sides: what is lost is kernel - 1 cells.", "02"),
        Wrong(0, f"You do not pad at all: a window that has to fit takes kernel - 1 = {kernel - 1} cells away.", "02"),
        Wrong(
            kernel,
            f"You pad by the whole kernel on each side: only kernel - 1 = {kernel - 1} cells are lost, on both sides together.",
            "02",
        ),
    )
    text = f"A row of {n} cells goes through a convolution with kernel {kernel}, stride 1. How much padding on each side keeps the size?"
    lines = (
        f"without padding {n} - ({kernel} - 1) = {n - kernel + 1} cells come out: {kernel - 1} are lost",
        f"shared by both sides: ({kernel} - 1)/2 = {padding}",
    )
    return made(text, padding, "17", lines, wrong)


def _kept_by_two_sides(rng) -> Question:
    n, kernel, dilation = rng.randint(16, 64), rng.randint(2, 7), rng.randint(1, 3)
    answer, total = same_sides(n, kernel, 1, dilation), dilation * (kernel - 1)
    text = (
        f"A row of {n} cells goes through a convolution with kernel {kernel}, stride 1, dilation {dilation}. "
        f"Which padding (before, after) keeps the size? An odd cell goes after."
    )
    lines = (
        f"lost without padding: dilation·(kernel - 1) = {dilation}·({kernel} - 1) = {total}",
        f"before: floor({total}/2) = {answer[0]}; after: the rest, {total} - {answer[0]} = {answer[1]}",
    )
    wrong = under(MISCONCEPTIONS["same_padding"], lambda sides: sides(kernel, dilation), least=0)
    return made(text, answer, "17, 23", lines, (each for each in wrong if isinstance(each.value, tuple)))


def _reached(rng) -> Question | None:
    n, stride = rng.randint(10, 40), rng.randint(2, 4)
    kernel, dilation = rng.randint(2, 6), rng.randint(1, 3)
    out = slide(kernel, stride, rng.randint(1, 5), dilation).out_size(n + 6) - rng.randint(0, 2)

    def smallest(size):
        sizes = ((padding, size(n, kernel, stride, padding, dilation)) for padding in range(2 * n))
        return next((padding for padding, found in sizes if found == out), -1)

    rule, answer = Slide(kernel, stride, dilation=dilation), smallest(lambda n, k, s, p, d: _size(n, slide(k, s, p, d)))
    total = (out - 1) * stride + rule.extent - n  # what the windows span beyond the row
    if answer < 1 or out < 2:
        return None
    wrong = (
        Wrong(total, f"{total} is what the two sides need together: half of it goes on each side.", "02"),
        Wrong(total // 2, f"You round down: {total} cells do not fit on two sides of {total // 2}, and one window would be missing.", "02"),
        Wrong(answer + 1, f"Padding {answer + 1} is more than is needed: see whether {answer} gives {out} as well.", "02"),
    )
    text = (
        f"A row of {n} cells goes through a convolution with kernel {kernel}, stride {stride}, dilation {dilation}. "
        f"What is the smallest padding, the same on both sides, with which {out} cells come out?"
    )
    before = slide(kernel, stride, answer - 1, dilation)
    less = f"gives {_size(n, before)}" if _size(n, before) else "has no room for a single window"
    lines = (
        SIZE_RULE,
        f"{out} windows span ({out} - 1)·{stride} + {dilation}·({kernel} - 1) + 1 = {total + n} cells, {total} more than {n}; half of it goes on each side, rounded up",
        f"padding {answer}: {slide(kernel, stride, answer, dilation).derivation(n)}; padding {answer - 1} {less}, so it is {answer}",
    )
    return made(text, answer, "17", lines, (*under(MISCONCEPTIONS["output_size"], smallest, least=0), *wrong))


def _size(n: int, rule: Slide) -> int:
    """Return how many outputs there are, 0 where the kernel does not fit."""
    return rule.out_size(n) if n + rule.before + rule.after >= rule.extent else 0
