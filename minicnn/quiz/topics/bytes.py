"""Which question: how much memory does a map take?

Idea: how many numbers, times the bytes of one.  First a batch as it is, then the maps behind a convolution, then the matrix that im2col
unrolls before its product.

Cost: integers.  What it does not do: count what training keeps (lesson 07 does).
Source: Chellapilla, Puri, Simard (2006) for im2col; NumPy's documentation of itemsize.  Next room: layout_and_strides.py.
"""

from math import prod

import numpy as np

from minicnn import describe, nn
from minicnn.misconceptions import MISCONCEPTIONS
from minicnn.quiz.question import Question, Wrong
from minicnn.quiz.topics._making import made, settings, slide, telling, under
from minicnn.text import times

TITLE = "bytes of a map"
LESSON = "07"
LEVELS = 3

BITS = "You count bits: 8 of them are a byte."
VALUES = "You count the numbers: each takes {} bytes."


def question(rng, level: int) -> Question:
    """Draw a question: a batch (level 1), the maps behind a convolution (2), the matrix of im2col (3).

    >>> import random
    >>> question(random.Random(3), 1).text
    'How many bytes does an array of shape 3×11×39×13 take in float64?'
    """
    return telling({1: lambda: _batch(rng), 2: lambda: _behind(rng), 3: lambda: _unrolled(rng)}[level])


def _batch(rng) -> Question:
    shape = (rng.randint(2, 8), rng.randint(2, 16), *rng.sample(range(5, 40), 2))
    dtype = rng.choice(("float32", "float64", "uint8"))
    size, numbers = np.dtype(dtype).itemsize, prod(shape)
    other = {8: 4, 4: 8, 1: 4}[size]
    wrong = (
        Wrong(numbers * other, f"You take {other} bytes for a number: in {dtype} it has {size}.", "07"),
        Wrong(numbers * size * 8, BITS, "07"),
        Wrong(numbers, VALUES.format(size), "07"),
        Wrong(prod(shape[1:]) * size, "You count one image: the batch has as many as the first axis says.", "07"),
        Wrong(prod(shape[2:]) * size, "You count one map: there is one for every channel of every image.", "07"),
        Wrong(sum(shape) * size, "You add the axes up: an array has as many numbers as the product of its axes.", "07"),
    )
    text = f"How many bytes does an array of shape {times(shape)} take in {dtype}?"
    lines = (f"numbers: {'·'.join(map(str, shape))} = {numbers}", f"bytes: {numbers}·{size} = {numbers * size}")
    return made(text, numbers * size, "17000", lines, wrong)


def _convolution(rng) -> tuple[tuple, int, tuple]:
    """Return the shape of a batch, the number of filters, and kernel, stride and padding."""
    shape = (rng.randint(1, 4), rng.randint(2, 8), *rng.sample(range(12, 48), 2))
    return shape, rng.randint(2, 16), (rng.choice((3, 5, 7)), rng.randint(1, 3), rng.randint(0, 3))


def _behind(rng) -> Question:
    shape, filters, setting = _convolution(rng)
    (n, channels, rows, columns), (kernel, stride, padding) = shape, setting
    layer = nn.Conv2d(channels, filters, kernel, stride, padding, rng=nn.SHAPE_ONLY)
    row = describe(nn.Sequential(layer), shape)["conv1"]
    (_, _, p, q), answer = row.shape, row.bytes
    text = (
        f"A batch of {times(shape)} in float32 goes through a convolution with {filters} filters, {settings(*setting)}. "
        f"How many bytes do its maps take?"
    )
    wrong = (
        Wrong(prod(shape) * 4, "You count the input: the maps are what comes out.", "07"),
        Wrong(n * channels * p * q * 4, "You keep the input's channels: there is one map for each filter.", "07"),
        Wrong(
            n * filters * channels * p * q * 4, "You count a map for every pair of filter and channel: a filter adds its channels up.", "07"
        ),
        Wrong(answer // 4, VALUES.format(4), "07"),
        Wrong(answer // n, "You count one image: every image of the batch has its maps.", "07"),
        *under(MISCONCEPTIONS["output_size"], lambda size: n * filters * size(rows, *setting, 1) * size(columns, *setting, 1) * 4),
    )
    lines = (
        f"rows: {slide(*setting).derivation(rows)}; columns: {slide(*setting).derivation(columns)}",
        f"{n}·{filters}·{p}·{q} = {answer // 4} numbers of 4 bytes: {answer}",
    )
    return made(text, answer, "17000", lines, wrong)


def _unrolled(rng) -> Question:
    shape, filters, setting = _convolution(rng)
    (n, channels, rows, columns), kernel = shape, setting[0]
    p, q = (slide(*setting).out_size(size) for size in (rows, columns))
    matrix = (n * p * q, channels * kernel**2)
    answer = prod(matrix) * 4
    text = (
        f"A batch of {times(shape)} in float32 meets a convolution with {filters} filters, {settings(*setting)}. im2col copies the window "
        f"of every output place into a row of its own, over all channels. How many bytes does this matrix take?"
    )
    wrong = (
        Wrong(prod(shape) * 4, "You count the input once: a number is copied into every window that it lies in.", "07"),
        Wrong(n * filters * p * q * 4, "You count the result: the matrix is what is multiplied by the filters.", "07"),
        Wrong(answer // channels, "You unroll one channel: a window reaches over all of them.", "07"),
        Wrong(answer * filters, "You unroll for every filter: they all multiply the same matrix.", "07"),
        Wrong(n * rows * columns * matrix[1] * 4, "You take a row for every input place: there is one for every output place.", "07"),
        Wrong(answer // 4, VALUES.format(4), "07"),
    )
    lines = (
        f"rows: {slide(*setting).derivation(rows)}; columns: {slide(*setting).derivation(columns)}",
        f"the matrix: {n}·{p}·{q} = {matrix[0]} rows of {channels}·{kernel}·{kernel} = {matrix[1]} numbers",
        f"{matrix[0]}·{matrix[1]}·4 = {answer}",
    )
    return made(text, answer, "17000", lines, wrong)
