"""Which question: how many multiply-adds does a convolution cost?

Idea: every number that comes out is a sum of C·rows·columns products.  First a size that stays, then a stride, then a depthwise
convolution and a 1×1 beside the full one that they stand in for.

Cost: integers; layers are made of shapes alone.  What it does not do: memory (bytes.py).
Counting: taps in the padding are counted, biases are not.
Source: Howard et al., MobileNets (2017), section 3.1, for the pair.  Next room: bytes.py.
"""

from minicnn import nn
from minicnn.quiz.question import Question, Wrong
from minicnn.quiz.topics._making import made, settings, slide, telling

TITLE = "multiply-adds"
LESSON = "07"
LEVELS = 3

COUNTED = "Count a multiplication with its addition as one, taps in the padding too, and no biases."
APART = "You count multiplications and additions apart: a multiply-add is both."
INPUT_SIZE = "You count the input's places: a sum is made for every place of the map that comes out."
ONE_SLICE = "You count one input channel: every sum goes over all of them."
ONE_MAP = "You count one map: every filter makes one."
NO_TAPS = "You leave the kernel out: every number that comes out has rows × columns products for each channel."


def question(rng, level: int) -> Question:
    """Draw a question: stride 1 (level 1), a stride and a kernel that is not square (2), depthwise and 1×1 together (3).

    >>> import random
    >>> question(random.Random(3), 1).derivation[-1]
    'each a sum of 3·3·3 = 27 products: 4158·27 = 112266'
    """
    return telling({1: lambda: _plain(rng, False), 2: lambda: _plain(rng, True), 3: lambda: _separated(rng)}[level])


def _plain(rng, strided: bool) -> Question:
    channels, filters = rng.randint(2, 8), rng.randint(2, 16)
    rows, columns = rng.sample(range(10, 40), 2)
    kernel = tuple(rng.sample((1, 3, 5), 2)) if strided else (3, 3)
    stride, padding = (rng.randint(2, 3), rng.randint(0, 1)) if strided else (1, rng.randint(0, 1))
    layer = nn.Conv2d(channels, filters, kernel, stride, padding, rng=nn.SHAPE_ONLY)
    shape = (1, channels, rows, columns)
    answer, (_, _, p, q) = layer.multiply_adds(shape), layer.output_shape(shape)
    taps = kernel[0] * kernel[1]
    text = (
        f"A map of {channels}×{rows}×{columns} (channels × rows × columns) goes through a convolution with {filters} filters, "
        f"{settings(kernel, stride, padding)}. How many multiply-adds? {COUNTED}"
    )
    wrong = (
        Wrong(filters * channels * taps * rows * columns, INPUT_SIZE, "07"),
        Wrong(2 * answer, APART, "07"),
        Wrong(answer // channels, ONE_SLICE, "07"),
        Wrong(answer // filters, ONE_MAP, "07"),
        Wrong(answer // taps, NO_TAPS, "07"),
        Wrong(answer + filters * p * q, "You count the biases: by agreement they are left out.", "07"),
        Wrong(filters * channels * taps, "You count the weights: each of them is used at every place of the map.", "07"),
    )
    lines = (
        f"rows: {slide(kernel[0], stride, padding).derivation(rows)}; columns: {slide(kernel[1], stride, padding).derivation(columns)}",
        f"numbers that come out: {filters}·{p}·{q} = {filters * p * q}",
        f"each a sum of {channels}·{kernel[0]}·{kernel[1]} = {channels * taps} products: {filters * p * q}·{channels * taps} = {answer}",
    )
    return made(text, answer, "17000", lines, wrong)


def _separated(rng) -> Question:
    channels, filters, kernel = rng.randint(4, 24), rng.randint(6, 32), rng.choice((3, 5))
    rows, columns = rng.sample(range(8, 30), 2)
    deep = nn.Conv2d(channels, channels, kernel, 1, kernel // 2, groups=channels, rng=nn.SHAPE_ONLY)
    mixing, full = (nn.Conv2d(channels, filters, k, 1, k // 2, rng=nn.SHAPE_ONLY) for k in (1, kernel))
    shape = (1, channels, rows, columns)
    first, second = deep.multiply_adds(shape), mixing.multiply_adds(shape)
    text = (
        f"A map of {channels}×{rows}×{columns} (channels × rows × columns) goes through a depthwise convolution with "
        f"{settings((kernel, kernel), 1, kernel // 2)}, then through a 1×1 convolution with {filters} filters. "
        f"How many multiply-adds have both? {COUNTED}"
    )
    wrong = (
        Wrong(
            full.multiply_adds(shape),
            "You count the full convolution that the two stand in for: a depthwise filter sees one channel.",
            "07",
        ),
        Wrong(channels * first + second, "You let each depthwise filter see all channels: it sees its own.", "07"),
        Wrong(first, "You forget the 1×1 convolution: it costs channels·filters at every place.", "07"),
        Wrong(second, "You forget the depthwise convolution: it costs channels·rows·columns of the kernel at every place.", "07"),
        Wrong(first * second, "You multiply the two: they run one after the other, so their costs add.", "07"),
        Wrong(2 * (first + second), APART, "07"),
    )
    lines = (
        f"depthwise: {channels}·{rows}·{columns} numbers of {kernel}·{kernel} products: {first}",
        f"1×1: {filters}·{rows}·{columns} numbers of {channels} products: {second}",
        f"{first} + {second} = {first + second}",
    )
    return made(text, first + second, "17000", lines, wrong)
