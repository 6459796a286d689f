"""Which question: how many numbers does a convolution learn?

Idea: K filters, each over all C channels, and a bias each; then two layers in a row; then the other way round, from the count to the filters.

Cost: integers; layers are made of shapes alone.  What it does not do: groups (groups.py), multiply-adds (multiply_adds.py).
Source: torch.nn.Conv2d's documentation, weight and bias.  Next room: multiply_adds.py.
"""

from minicnn import nn
from minicnn.quiz.question import Question, Wrong
from minicnn.quiz.topics._making import made, telling

TITLE = "parameters of a convolution"
LESSON = "03"
LEVELS = 3

SHARED = "You count weights for every place of the map: one filter slides over all places, so its weights are counted once."
NO_BIAS = "You forget the bias: each filter has one."
ONE_SLICE = "You give a filter one slice: it has weights for every input channel."
ONE_SIDE = "You count one side of the kernel: it has rows × columns weights."
WIDE_BIAS = "You give a filter a bias for every input channel: the channels are added up first, and one number is added to the sum."


def question(rng, level: int) -> Question:
    """Draw a question: one layer (level 1), two layers and kernels that are not square (2), filters from parameters (3).

    >>> import random
    >>> question(random.Random(3), 1).text
    'A convolution with 2 input channels, 20 filters and kernel 3×3, each filter with a bias, runs over maps of 35×50. How many parameters?'
    """
    return telling({1: lambda: _one_layer(rng), 2: lambda: _two_layers(rng), 3: lambda: _filters(rng)}[level])


def learned(channels: int, filters: int, kernel: tuple[int, int], bias: bool = True, groups: int = 1) -> int:
    """Return what a layer of these settings holds.

    >>> learned(3, 64, (7, 7)), learned(3, 64, (7, 7), bias=False)
    (9472, 9408)
    """
    layer = nn.Conv2d(channels, filters, kernel, bias=bias, groups=groups, rng=nn.SHAPE_ONLY)
    return sum(array.size for array in layer.parameters().values())


def _one_layer(rng) -> Question:
    channels, filters, kernel = rng.choice((1, 2, 3, 4, 8, 16)), rng.randint(2, 32), rng.choice((2, 3, 5, 7))
    rows, columns = rng.sample(range(12, 64), 2)
    answer, weights = learned(channels, filters, (kernel, kernel)), filters * channels * kernel**2
    text = (
        f"A convolution with {channels} input channels, {filters} filters and kernel {kernel}×{kernel}, each filter with a bias, "
        f"runs over maps of {rows}×{columns}. How many parameters?"
    ).replace("1 input channels", "1 input channel")
    wrong = (
        Wrong(weights, NO_BIAS, "03"),
        Wrong(filters * kernel**2 + filters, ONE_SLICE, "03"),
        Wrong(filters * channels * kernel + filters, ONE_SIDE, "03"),
        Wrong(weights + filters * channels, WIDE_BIAS, "03"),
        Wrong(weights + 1, "You count one bias for the whole layer: each filter has its own.", "03"),
        Wrong(answer * rows * columns, SHARED, "03"),
    )
    line = f"filters·channels·rows·columns + filters = {filters}·{channels}·{kernel}·{kernel} + {filters} = {answer}"
    return made(text, answer, "1700", (line,), wrong)


def _two_layers(rng) -> Question:
    channels, middle, filters = rng.choice((1, 3, 4)), rng.randint(2, 12), rng.randint(2, 16)
    first, second = tuple(rng.sample((1, 3, 5, 7), 2)), tuple(rng.sample((1, 2, 3, 5), 2))
    parts = learned(channels, middle, first, bias=False), learned(middle, filters, second)
    answer, (rows, columns), (tall, wide) = sum(parts), first, second
    text = (
        f"Two convolutions in a row: {channels} → {middle} channels with kernel {rows}×{columns} and no bias, "
        f"then {middle} → {filters} channels with kernel {tall}×{wide} and a bias. How many parameters have both?"
    )
    wrong = (
        Wrong(answer - filters, NO_BIAS, "03"),
        Wrong(answer + middle, "You count biases that are not there: the first layer has none.", "03"),
        Wrong(parts[0] + filters * tall * wide + filters, ONE_SLICE, "03"),
        Wrong(
            parts[0] + filters * channels * tall * wide + filters,
            "You give the second layer the image's channels: its input has as many as the first layer has filters.",
            "03",
        ),
        Wrong(parts[1], "You count the second layer only.", "03"),
        Wrong(middle * channels * rows**2 + filters * middle * tall**2 + filters, "You take the kernels for squares.", "03"),
    )
    lines = (
        f"first: {middle}·{channels}·{rows}·{columns} = {parts[0]}",
        f"second: {filters}·{middle}·{tall}·{wide} + {filters} = {parts[1]}",
        f"{parts[0]} + {parts[1]} = {answer}",
    )
    return made(text, answer, "1700", lines, wrong)


def _filters(rng) -> Question:
    channels, filters, kernel = rng.randint(2, 16), rng.randint(6, 64), rng.choice((1, 3, 5))
    total, each = learned(channels, filters, (kernel, kernel)), channels * kernel**2 + 1
    text = (
        f"A convolution with {channels} input channels and kernel {kernel}×{kernel}, each filter with a bias, has {total} parameters. "
        f"How many filters does it have?"
    )
    wrong = (
        Wrong(round(total / (each - 1)), NO_BIAS, "03"),
        Wrong(round(total / (kernel**2 + 1)), ONE_SLICE, "03"),
        Wrong(round(total / (channels * kernel + 1)), ONE_SIDE, "03"),
        Wrong(
            total // channels, "You divide by the channels alone: a filter has rows × columns weights for each of them, and a bias.", "03"
        ),
        Wrong(total // kernel**2, "You divide by the kernel alone: a filter has one for every input channel, and a bias.", "03"),
    )
    lines = (f"one filter: {channels}·{kernel}·{kernel} + 1 = {each}", f"{total} / {each} = {filters}")
    return made(text, filters, "17", lines, wrong)
