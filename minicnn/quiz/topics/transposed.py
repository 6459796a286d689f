"""Which question: what does a transposed convolution do to a size, and which inputs meet in one output?

Idea: every input writes its kernel, `stride` cells after its neighbour; padding is cut off on both sides.  First the size, then with
dilation and output_padding, then the inputs whose kernels meet.

Cost: integers.  What it does not do: values.
Source: Dumoulin & Visin (2016), chapter 4; torch.nn.ConvTranspose2d's documentation.  Next room: groups.py.
"""

from minicnn.axis import Transposed
from minicnn.quiz.question import Question, Wrong
from minicnn.quiz.topics._making import made, settings, telling

TITLE = "transposed convolution"
LESSON = "02"
LEVELS = 3

RULE = "out = (in - 1)·stride - 2·padding + dilation·(kernel - 1) + output_padding + 1"
WHAT = "In a transposed convolution every cell writes its kernel into the output, `stride` cells after its neighbour; padding is cut off."


def question(rng, level: int) -> Question:
    """Draw a question: the size (level 1), with dilation and output_padding (2), which inputs meet (3).

    >>> import random
    >>> question(random.Random(3), 1).derivation[1]
    '(11 - 1)·3 - 2 - 2 + 1·(3 - 1) + 0 + 1 = 29'
    """
    return telling(lambda: _meeting(rng) if level == 3 else _size(rng, level))


def _size(rng, level: int) -> Question | None:
    n, kernel, stride = rng.randint(4, 20), rng.randint(2, 5), rng.randint(2, 4)
    padding, dilation = rng.randint(0, 2), rng.randint(1, 3) if level == 2 else 1
    extra = rng.randrange(stride) if level == 2 else 0
    rule = Transposed(kernel, stride, padding, padding, dilation, extra)
    if level == 2 and (dilation, extra) == (1, 0):
        return None
    out, span = rule.out_size(n), dilation * (kernel - 1) + 1
    more = f", output_padding {extra}: as many cells are added after" if extra else ""
    text = f"{WHAT} A row of {n} cells goes through one with {settings(kernel, stride, padding, dilation)}{more}. How many cells come out?"
    wrong = (
        Wrong(n * stride, "You multiply the size by the stride: the first kernel and what is cut off decide what is added.", "02"),
        Wrong(out + stride, "You take a step for every cell: n cells are n - 1 steps apart, and the last one writes its kernel.", "02"),
        Wrong(out + 2 * padding, "You forget the padding: in a transposed convolution it is cut off, on both sides.", "02"),
        Wrong(out + padding, "You cut the padding off once: it is cut off on both sides.", "02"),
        Wrong(out + 4 * padding, "You add the padding: in a transposed convolution it is cut off.", "02"),
        Wrong(out - extra, "You forget output_padding: it is added after the last cell.", "02"),
        Wrong(out - span + kernel, "You forget the dilation: the taps that a cell writes are `dilation` cells apart.", "02"),
        Wrong(out - 1, "You leave out the + 1: a kernel spans dilation·(kernel - 1) + 1 cells.", "02"),
        Wrong(
            (n + 2 * padding - span) // stride + 1,
            "You use the rule of a convolution: a transposed one turns it round and enlarges.",
            "02",
        ),
    )
    return made(text, out, "17", (RULE, rule.derivation(n)), (each for each in wrong if each.value > 0))


def _meeting(rng) -> Question | None:
    n, kernel, stride, padding = rng.randint(5, 14), rng.randint(3, 7), rng.randint(1, 3), rng.randint(0, 2)
    rule = Transposed(kernel, stride, padding, padding)
    i = rng.randrange(rule.out_size(n))
    inputs = rule.sees(i, n)
    if not inputs:
        return None
    answer, place = (inputs[0], inputs[-1]), i + padding

    def met(place, kernel=kernel, stride=stride):
        found = [q for q in range(n) if 0 <= place - q * stride < kernel]
        return (found[0], found[-1]) if found else None

    candidates = (
        (met(i), "You forget that padding is cut off: output 0 stands where cell `padding` of all that is written stood."),
        (met(i - padding), "You take the padding off the wrong way: output 0 stands where cell `padding` of all that is written stood."),
        (met(place, stride=1), "You forget the stride: neighbours write `stride` cells apart."),
        ((i, i + kernel - 1), "You use the rule of a convolution, where an output sees `kernel` cells from its own place on."),
        ((place // stride,) * 2, "You take one input: kernels overlap where they are larger than the stride."),
        (met(place, kernel=kernel + 1), "You let a kernel write one cell too many: its taps are 0 … kernel - 1."),
        ((answer[0], (place // stride)), "You let a cell write that is not there: the row ends."),
        ((-(-(place - kernel + 1) // stride), answer[1]), "You let a cell before the row write: cells are counted from 0."),
    )
    text = (
        f"{WHAT} A row of {n} cells goes through one with {settings(kernel, stride, padding)}. "
        f"Which are the first and the last cell that write into output {i}? All are counted from 0."
    )
    lines = (
        f"before the padding is cut off, output {i} stands at {i} + {padding} = {place}",
        f"cell q writes q·{stride} … q·{stride} + {kernel - 1}; it writes {place} where {place - kernel + 1} ≤ q·{stride} ≤ {place}",
        f"of the cells 0 … {n - 1} these are {answer[0]} to {answer[1]}",
    )
    return made(text, answer, "17, 23", lines, (Wrong(value, says, "02") for value, says in candidates if value is not None))
