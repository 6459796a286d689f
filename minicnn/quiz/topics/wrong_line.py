"""Which question: which line of this table of shapes is wrong?

Idea: one line is what a known mistake makes of it, and all lines after it go on from there, so that they are right for what they are given.
First sizes alone, then channels and pooling as well.

Cost: integers.  What it does not do: more than one mistake in a table.
Source: Dumoulin & Visin (2016), relationships 6 and 14.  Next room: all_settings.py.
"""

from minicnn.misconceptions import MISCONCEPTIONS
from minicnn.quiz.question import Question, Wrong
from minicnn.quiz.topics._making import made, settings, slide, telling
from minicnn.text import times

TITLE = "the wrong line of a shape table"
LESSON = "04"
LEVELS = 2

KEPT = "You keep the channels of the input: a convolution makes one map for each filter."


def question(rng, level: int) -> Question:
    """Draw a question: four convolutions over one map (level 1), convolutions and pooling with channels (2).

    >>> import random
    >>> print(question(random.Random(3), 1).text)
    One line of this table is wrong; the lines after it go on from what it says. Which one is it?
      input: 1×54×58
      line 1: convolution, 4 filters, kernel 3, stride 1, padding 1: 4×54×58
      line 2: convolution, 4 filters, kernel 5, stride 1, padding 2: 4×54×58
      line 3: convolution, 4 filters, kernel 2, stride 2, padding 1: 4×28×30
      line 4: convolution, 4 filters, kernel 3, stride 1, padding 2: 4×26×28
    """
    return telling(lambda: _table(rng, level))


def _layers(rng, level: int) -> list[tuple[str, int, tuple[int, int, int, int]]]:
    """Return (kind, filters, settings) of each line."""
    made = []
    for _ in range(4 if level == 1 else 5):
        if level == 2 and made and rng.random() < 0.35:
            made.append(("max pooling", 0, (rng.randint(2, 3), 2, rng.randint(0, 1), 1)))
        else:
            filters = 4 if level == 1 else rng.randint(2, 32)
            made.append(("convolution", filters, (rng.randint(2, 5), rng.randint(1, 2), rng.randint(0, 2), 1)))
    return made


def _right(layer, shape) -> tuple[int, int, int]:
    """Return (channels, rows, columns) behind a layer."""
    _, filters, setting = layer
    return filters or shape[0], *(slide(*setting).out_size(n) for n in shape[1:])


def _mistaken(rng, layer, shape):
    """Return the shape that a known mistake gives this line, and what the mistake is; or None."""
    _, filters, setting = layer
    beliefs = [(belief, belief.says) for belief in MISCONCEPTIONS["output_size"]]
    belief, says = rng.choice([*beliefs, *([(None, KEPT)] * 6 if filters not in (0, shape[0]) else [])])
    if belief is None:
        return (shape[0], *_right(layer, shape)[1:]), says
    sizes = tuple(belief(n, *setting) for n in shape[1:])
    fits = all(isinstance(size, int) and size > 0 for size in sizes)
    found = (filters or shape[0], *sizes)
    return (found, says) if fits and found != _right(layer, shape) else None


def _table(rng, level: int) -> Question | None:
    layers, shape = _layers(rng, level), (1 if level == 1 else 3, *rng.sample(range(24, 64), 2))
    bad, shapes = rng.randrange(len(layers)), [shape]
    for place, layer in enumerate(layers):
        if place != bad:
            shapes.append(_right(layer, shapes[-1]))
            continue
        mistake = _mistaken(rng, layer, shapes[-1])
        if mistake is None:
            return None
        shapes.append(mistake[0])
    right, says = _right(layers[bad], shapes[bad]), mistake[1]
    text = "One line of this table is wrong; the lines after it go on from what it says. Which one is it?" + f"\n  input: {times(shape)}"
    for place, (layer, after) in enumerate(zip(layers, shapes[1:], strict=True), 1):
        kind, filters, setting = layer
        text += f"\n  line {place}: {kind}{f', {filters} filters' if filters else ''}, {settings(*setting)}: {times(after)}"
    choices = tuple(f"line {place}" for place in range(1, len(layers) + 1))
    lines = (
        f"{choices[bad]}: {_sum(layers[bad], shapes[bad])}",
        f"it is {times(right)}, but the table says {times(shapes[bad + 1])}",
        f"what may be behind it: {says}",
    )
    others = [
        Wrong(
            choices[place],
            f"{choices[place].capitalize()} is right{' for what the line before says' if place > bad else ''}: {_sum(layer, shapes[place])}.",
            LESSON,
        )
        for place, layer in enumerate(layers)
        if place != bad
    ]
    return made(text, choices[bad], "line 1, or 1", lines, others, choices)


def _sum(layer, shape) -> str:
    """Return the arithmetic of one line."""
    _, filters, setting = layer
    rows, columns = (slide(*setting).derivation(n) for n in shape[1:])
    channels = f"{filters} filters, so {filters} channels" if filters else f"pooling leaves {shape[0]} channels"
    return f"{channels}; rows {rows}; columns {columns}"
