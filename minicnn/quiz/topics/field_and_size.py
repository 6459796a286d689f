"""Which question: what has to be added so that a unit sees enough?

Idea: the rule of field_of_stack.py turned round.  First how many layers, then every setting of one more layer that gives a wanted size and
a wanted field at once.

Cost: a few dozen sizes.  What it does not do: more layers at once (minicnn.quiz.solve).
Source: Araujo, Norris, Sim, Computing Receptive Fields of Convolutional Neural Networks (2019).  Next room: minicnn/quiz/solving.py.
"""

from itertools import count, product

from minicnn import ReceptiveField
from minicnn.misconceptions import MISCONCEPTIONS
from minicnn.misconceptions.receptive_field import kernels_multiplied, own_stride_too_early, strides_do_not_widen, whole_kernel_added
from minicnn.quiz.question import Question, Wrong
from minicnn.quiz.topics._making import SIZE_RULE, made, slide, telling, under

TITLE = "settings for a size and a field"
LESSON = "05"
LEVELS = 2

STRIDES, PADDINGS, KERNELS = range(1, 4), range(4), (3, 5, 7)
MOST = 4  # answers that somebody is asked to type


def question(rng, level: int) -> Question:
    """Draw a question: how many layers (level 1), every setting of one more layer (2).

    >>> import random
    >>> question(random.Random(3), 1).derivation[-1]
    '39 ≤ 6 + layers·4, so layers = 9: 6 + 9·4 = 42'
    """
    return telling(lambda: _deep(rng) if level == 1 else _settings(rng))


def through(field: ReceptiveField, kernel: int, stride: int = 1) -> ReceptiveField:
    """Return the field behind one more layer.

    >>> through(ReceptiveField((7, 7), (2, 2)), 3).size
    (11, 11)
    """
    reach = slide(kernel, stride).reach(0)
    return field.through((reach, reach))


def _so_far(rng) -> tuple[ReceptiveField, str]:
    """Return a field that some layers have led to, and the words for it."""
    size, stride = rng.randint(3, 15), rng.randint(1, 4)
    words = f"sees {size} pixels of a row, and neighbouring units begin {stride} pixel{'s' * (stride > 1)} apart"
    return ReceptiveField((size,) * 2, (stride,) * 2), words


def _needed(field: ReceptiveField, kernel: int, wanted: int) -> int:
    """Return how many layers of this kernel and stride 1 it takes."""
    for layers in count():
        if field.size[0] >= wanted:
            return layers
        field = through(field, kernel)


def _deep(rng) -> Question:
    (field, words), kernel = _so_far(rng), rng.choice((2, 3, 5))
    size, stride = field.size[0], field.stride[0]
    wanted = size + rng.randint(3, 40)
    answer, missing, each = _needed(field, kernel, wanted), wanted - size, (kernel - 1) * stride
    text = (
        f"Each unit of a map {words}. How many more layers with kernel {kernel} and stride 1 does it take until a unit sees "
        f"{wanted} pixels or more of the row?"
    )
    product_of = next(layers for layers in count() if size * kernel**layers >= wanted)
    wrong = (
        Wrong(-(-missing // (kernel - 1)), strides_do_not_widen.says, "05"),
        Wrong(-(-missing // (kernel * stride)), whole_kernel_added.says, "05"),
        Wrong(missing // each, "You round down: the layers have to reach the wanted size, so round up.", "05"),
        Wrong(product_of, kernels_multiplied.says, "05"),
        Wrong(-(-(wanted - 1) // each), "You begin with one pixel: the map that is there sees some already.", "05"),
        Wrong(answer + 1, f"One layer less is enough: {size} + {answer}·{each} = {size + answer * each}.", "05"),
    )
    lines = (
        f"a layer adds (kernel - 1)·stride so far = ({kernel} - 1)·{stride} = {each} pixels",
        f"{wanted} ≤ {size} + layers·{each}, so layers = {answer}: {size} + {answer}·{each} = {size + answer * each}",
    )
    return made(text, answer, "17", lines, wrong)


def _right_size(n: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    return slide(kernel, stride, padding, dilation).out_size(n)


def _settings(rng) -> Question | None:
    (field, words), n = _so_far(rng), rng.randint(12, 36)
    size, stride = field.size[0], field.stride[0]
    out = _right_size(n, rng.choice(KERNELS), rng.choice(STRIDES), rng.choice(PADDINGS), 1)
    wanted = size + 2 * stride + rng.randint(1, 5 * stride)

    def fitting(out_size, seen):
        """Return every setting that reaches both wishes, by these rules for the size and for the field."""
        fits = (each for each in product(KERNELS, STRIDES, PADDINGS) if out_size(n, *each, 1) == out)
        return frozenset(each for each in fits if seen(*each[:2]) >= wanted)

    def right_field(kernel, own):
        return through(field, kernel, own).size[0]

    answer = fitting(_right_size, right_field)
    if not 1 <= len(answer) <= MOST:
        return None
    text = (
        f"Each unit of a map {words}. The map has {n} cells in a row. One more convolution is to take them to {out}, and a unit behind it is to see "
        f"{wanted} pixels or more. Its kernel is 3, 5 or 7, its stride 1 to {STRIDES[-1]}, its padding 0 to {PADDINGS[-1]} on both sides, "
        f"without dilation. Which (kernel, stride, padding) do that? Name all."
    )
    lines = [SIZE_RULE, f"field = {size} + (kernel - 1)·{stride}"]
    lines += [
        f"{each}: {slide(*each).derivation(n)}; {size} + ({each[0]} - 1)·{stride} = {right_field(*each[:2])}" for each in sorted(answer)
    ]
    believed = (
        (lambda kernel, own: wanted, "You ask for the size alone: the kernel has to be large enough for the field."),
        (lambda kernel, own: size + kernel - 1, strides_do_not_widen.says),
        (lambda kernel, own: size + kernel * stride, whole_kernel_added.says),
        (lambda kernel, own: size + (kernel - 1) * stride * own, own_stride_too_early.says),
    )
    wrong = [Wrong(fitting(_right_size, seen), says, "05") for seen, says in believed]
    wrong += under(MISCONCEPTIONS["output_size"], lambda size: fitting(size, right_field), least=None)
    return made(text, answer, "(17, 1, 2) (17, 2, 3)", lines, (each for each in wrong if 1 <= len(each.value) <= MOST))
