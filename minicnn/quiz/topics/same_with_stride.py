"""Which question: what does padding='same' mean where there is a stride?

Idea: TensorFlow's rule, ceil(in/stride) cells come out and as much is padded as that takes, the odd cell after.  First the size, then the
two sides, then both with dilation.

Cost: integers.  What it does not do: PyTorch's 'same', which refuses a stride.
Source: TensorFlow's documentation of SAME padding.  Next room: wrong_line.py.
"""

from minicnn.axis import Slide
from minicnn.misconceptions.same_padding import half_the_kernel, odd_cell_before
from minicnn.quiz.question import Question, Wrong
from minicnn.quiz.topics._making import made, telling
from minicnn.window import Window, same_sides

TITLE = "'same' with a stride"
LESSON = "02"
LEVELS = 3

LARGER = "You keep the input's size: with a stride 'same' means ceil(in/stride)."
STRIDE_1 = "You pad as for stride 1: with a stride the last window may end earlier, and less is needed."


def question(rng, level: int) -> Question:
    """Draw a question: the size (level 1), the sides (2), size and sides with dilation (3).

    >>> import random
    >>> question(random.Random(3), 1).derivation
    ("'same' with a stride: out = ceil(in / stride), whatever the kernel is", 'ceil(25 / 4) = 7')
    """
    return telling(lambda: _size(rng) if level == 1 else _sides(rng, level))


def _size(rng) -> Question:
    n, kernel, stride = rng.randint(10, 60), rng.randint(2, 7), rng.randint(2, 4)
    out, _ = Window.of(kernel, stride, "same").output_size((n, n))
    text = f"A row of {n} cells goes through a convolution with kernel {kernel}, stride {stride} and TensorFlow's padding 'same'. How many cells come out?"
    wrong = (
        Wrong(n, LARGER, "02"),
        Wrong(n // stride, "You round down: 'same' pads so that the last cells have a window as well, so round up.", "02"),
        Wrong(Slide(kernel, stride).out_size(n), "You pad nothing: 'same' pads as much as ceil(in/stride) windows take.", "02"),
        Wrong(out + 1, "You add a first window: ceil(in/stride) counts it.", "02"),
        Wrong(
            Window.of(kernel, stride, kernel // 2).output_size((n, n))[0],
            "You pad kernel // 2 on both sides: TensorFlow pads as much as ceil(in/stride) windows take, and no more.",
            "02",
        ),
    )
    lines = ("'same' with a stride: out = ceil(in / stride), whatever the kernel is", f"ceil({n} / {stride}) = {out}")
    return made(text, out, "17", lines, wrong)


def _sides(rng, level: int) -> Question | None:
    n, kernel, stride = rng.randint(10, 60), rng.randint(2, 7), rng.randint(2, 4)
    dilation = rng.randint(2, 3) if level == 3 else 1
    sides = before, after = same_sides(n, kernel, stride, dilation)
    out, span, total = Slide(kernel, stride, before, after, dilation).out_size(n), dilation * (kernel - 1) + 1, before + after
    if not total:
        return None

    def given(sides, size=out):
        return (size, *sides) if level == 3 else sides

    wrong = (
        Wrong(given(same_sides(n, kernel, 1, dilation)), STRIDE_1, "02"),
        Wrong(given((after, before)), odd_cell_before.says, "02"),
        Wrong(given(half_the_kernel(kernel, dilation)), half_the_kernel.says, "02"),
        Wrong(given((total, total)), f"You pad {total} on each side: that is what is needed in all.", "02"),
        Wrong(given((0, total)), "You put all the padding after: half of it goes before, and the odd cell after.", "02"),
        Wrong(given((before, before)), "You drop the odd cell: it goes after.", "02"),
        Wrong(given(same_sides(n, kernel, stride, 1)), "You forget the dilation: the kernel spans dilation·(kernel - 1) + 1 cells.", "02"),
        Wrong(given(sides, n), LARGER, "02"),
        Wrong(given(sides, n // stride), "You round down: 'same' gives ceil(in/stride).", "02"),
    )
    asked = "How many cells come out, and what is padded: out, before, after?" if level == 3 else "What is padded: before, after?"
    setting = f"kernel {kernel}, stride {stride}" + (f", dilation {dilation}" if level == 3 else "")
    text = f"A row of {n} cells goes through a convolution with {setting} and TensorFlow's padding 'same'. {asked}"
    lines = (
        f"out = ceil({n} / {stride}) = {out}",
        f"the windows span ({out} - 1)·{stride} + {dilation}·({kernel} - 1) + 1 = {(out - 1) * stride + span} cells, {total} more than {n}",
        f"before: floor({total}/2) = {before}; after: {total} - {before} = {after}",
    )
    return made(text, given(sides), "17, 8, 9" if level == 3 else "17, 23", lines, wrong)
