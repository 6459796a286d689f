"""Which question: which settings take this size to that one?

Idea: the rule of output_shape.py turned round: several settings may do, since the division rounds down.  First stride and padding, then
the kernel as well.

Cost: a few dozen sizes.  What it does not do: fields (field_and_size.py); wider searches (minicnn.quiz.solve).
Source: Dumoulin & Visin (2016), relationship 6.  Next room: field_and_size.py.
"""

from itertools import product

from minicnn.misconceptions import MISCONCEPTIONS
from minicnn.quiz.question import Question, Wrong
from minicnn.quiz.topics._making import SIZE_RULE, made, slide, telling, under

TITLE = "all settings for a wanted size"
LESSON = "02"
LEVELS = 2

STRIDES, PADDINGS, KERNELS = range(1, 5), range(4), (3, 5, 7)
MOST = 5  # answers that somebody is asked to type


def question(rng, level: int) -> Question:
    """Draw a question: stride and padding (level 1), kernel, stride and padding (2).

    >>> import random
    >>> sorted(question(random.Random(3), 1).answer)
    [(3, 2), (3, 3)]
    """
    return telling(lambda: _settings(rng, level))


def _right(n: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    return slide(kernel, stride, padding, dilation).out_size(n)


def _settings(rng, level: int) -> Question | None:
    n, kernels = rng.randint(8, 40), KERNELS if level == 2 else (rng.randint(2, 6),)
    out = _right(n, rng.choice(kernels), rng.choice(STRIDES[1:]), rng.choice(PADDINGS), 1)

    def fitting(size, exact: bool = False):
        found = (
            (kernel, stride, padding)
            for kernel, stride, padding in product(kernels, STRIDES, PADDINGS)
            if size(n, kernel, stride, padding, 1) == out and not (exact and (n + 2 * padding - kernel) % stride)
        )
        return frozenset(each if level == 2 else each[1:] for each in found)

    answer = fitting(_right)
    if not 2 <= len(answer) <= MOST:
        return None
    asked, kernel = ("(kernel, stride, padding)", "3, 5 or 7") if level == 2 else ("(stride, padding)", str(kernels[0]))
    text = (
        f"A convolution takes a row of {n} cells to {out}. Its kernel is {kernel}, its stride 1 to {STRIDES[-1]}, "
        f"its padding 0 to {PADDINGS[-1]} on both sides, without dilation. Which {asked} do that? Name all."
    )
    lines = [SIZE_RULE]
    lines += [
        f"{each}: {slide(*(each if level == 2 else (*kernels, *each))).derivation(n)}" for each in sorted(answer, key=lambda one: one[::-1])
    ]
    only = sorted(answer)[:-1]
    wrong = (
        Wrong(fitting(_right, exact=True), "You keep only strides that divide: the division rounds down, so others do as well.", "02"),
        Wrong(frozenset(each for each in answer if not each[-1]), "You leave padding out: it is one of the settings.", "02"),
        Wrong(
            frozenset(only),
            f"One is missing: more than {len(only)} of them do it; the strides and paddings are few enough to try all.",
            "02",
        ),
        *under(MISCONCEPTIONS["output_size"], fitting, least=None),
    )
    form = "(17, 1, 2) (17, 2, 3)" if level == 2 else "(17, 2) (17, 3)"
    return made(text, answer, form, lines, (each for each in wrong if 1 <= len(each.value) <= MOST))
