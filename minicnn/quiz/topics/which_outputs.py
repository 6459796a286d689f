"""Which question: which outputs does one cell of the input take part in?

Idea: the question of which_inputs.py turned round: a cell is in every window that starts early enough and not too early.  First which
outputs, then how many, where a stride or the border may leave a cell in none, then with dilation.

Cost: integers.  What it does not do: stacks of layers.
Source: Dumoulin & Visin (2016), chapter 4, which turns a convolution round in the same way.  Next room: transposed.py.
"""

from minicnn.misconceptions.conv2d_windows import padding_forgotten, stride_forgotten, strides_swapped
from minicnn.misconceptions.output_size import dilation_forgotten
from minicnn.quiz.question import Question, Wrong
from minicnn.quiz.topics._making import listed, made, settings, slide, telling
from minicnn.quiz.topics.which_inputs import AXES, cells

TITLE = "the outputs of one input"
LESSON = "02"
LEVELS = 3

NEAREST = "You name the one output whose window begins nearest: windows overlap where the kernel is larger than the stride."
EVERY_TAP = "You count a window for every tap: with a stride, or at a border, some of these windows do not exist."
BEYOND = "You name windows that do not exist: one that would reach over the padded border is left out."
NO_WINDOW = "You find no window: try the windows that begin at this cell or up to a kernel before it."


def question(rng, level: int) -> Question:
    """Draw a question: which outputs (level 1), how many (2), which ones with dilation, and perhaps none (3).

    >>> import random
    >>> question(random.Random(3), 2).derivation[-1]
    '2 · 1 = 2'
    """
    return telling(lambda: _outputs(rng, level))


def feeds(cell: int, n: int, setting) -> tuple[int, ...]:
    """Return the outputs of one axis that see a cell.

    >>> feeds(4, 15, (3, 2, 1, 1)), feeds(5, 15, (3, 2, 1, 1)), feeds(14, 15, (2, 2, 0, 1))
    ((2,), (2, 3), ())
    """
    rule = slide(*setting)
    return tuple(i for i in range(rule.out_size(n)) if cell in rule.sees(i, n))


def _outputs(rng, level: int) -> Question | None:
    size = tuple(rng.sample(range(8, 16), 2))
    kernel, stride = tuple(rng.sample((2, 3, 4), 2)), tuple(rng.sample((1, 2, 3), 2))
    padding = (rng.randint(0, 1), rng.randint(0, 1)) if level < 3 else (rng.randint(0, 2), rng.randint(0, 2))
    dilation = (rng.randint(2, 3), rng.randint(1, 2)) if level == 3 else (1, 1)
    at = tuple(rng.randrange(n) for n in size)
    axes = list(zip(kernel, stride, padding, dilation, strict=True))

    def found(kernel=kernel, stride=stride, padding=padding, dilation=dilation):
        settings_of = zip(kernel, stride, padding, dilation, strict=True)
        both = cells(*(feeds(cell, n, one) for cell, n, one in zip(at, size, settings_of, strict=True)))
        return len(both) if level == 2 else both

    answer = found()
    if level != 2 and (len(answer) > 6 or level == 1 and len(answer) < 2 or not answer and rng.random() < 0.8):
        return None  # nobody types so many; and a cell that nobody sees is asked for now and then
    asked = "How many outputs does" if level == 2 else "Which outputs (row, column) does"
    text = (
        f"A map of {size[0]}×{size[1]} (rows × columns) goes through a convolution with {settings(kernel, stride, padding, dilation)}. "
        f"{asked} cell ({at[0]}, {at[1]}) take part in? All are counted from 0{'' if level == 2 else '; there may be none'}."
    )
    nearest = tuple((cell + p) // s for cell, s, p in zip(at, stride, padding, strict=True))
    beyond = [tuple(i for i in range(-n, 2 * n) if cell in _taps(i, one)) for cell, n, one in zip(at, size, axes, strict=True)]
    wrong = (
        Wrong(found(padding=(0, 0)), padding_forgotten.says, "02"),
        Wrong(found(stride=(1, 1)), stride_forgotten.says, "02"),
        Wrong(found(stride=stride[::-1]), strides_swapped.says, "02"),
        Wrong(found(dilation=(1, 1)), dilation_forgotten.says, "02"),
        Wrong(1 if level == 2 else frozenset({nearest}), NEAREST, "02"),
        Wrong(kernel[0] * kernel[1], EVERY_TAP, "02") if level == 2 else Wrong(cells(*beyond), BEYOND, "02"),
        Wrong(0 if level == 2 else frozenset(), NO_WINDOW, "02"),
    )
    lines = [_line(*of) for of in zip(AXES, at, size, axes, strict=True)]
    together = " · ".join(str(len(feeds(cell, n, one))) for cell, n, one in zip(at, size, axes, strict=True))
    count = len(answer) if level != 2 else answer
    return made(text, answer, "17" if level == 2 else "(17, 2) (17, 3), or none", (*lines, f"{together} = {count}"), wrong)


def _taps(i: int, setting) -> range:
    """Return the cells under window i, wherever it lies."""
    kernel, stride, padding, dilation = setting
    first = i * stride - padding
    return range(first, first + dilation * (kernel - 1) + 1, dilation)


def _line(word: str, cell: int, n: int, setting) -> str:
    """Return which outputs of one axis see the cell, and why."""
    kernel, stride, padding, dilation = setting
    apart = f"{cell} = output·{stride} - {padding} + tap·{dilation} with a tap of 0 … {kernel - 1}"
    return f"{word}: {apart}, outputs 0 … {slide(*setting).out_size(n) - 1}: {listed(feeds(cell, n, setting)) or 'none'}"
