"""Which question: how many pixels does a number deep in a stack see?

Idea: a few layers, then longer stacks with dilation, then size, stride and start together.

Cost: integers.  What it does not do: borders (pixel_box.py).
Source: Araujo, Norris, Sim, Computing Receptive Fields of Convolutional Neural Networks (2019).  Next room: pixel_box.py.
"""

from minicnn import ReceptiveField
from minicnn.misconceptions import MISCONCEPTIONS
from minicnn.quiz.question import Question
from minicnn.quiz.topics._making import made, settings, slide, telling, under

TITLE = "the receptive field of a stack"
LESSON = "05"
LEVELS = 3

BELIEFS = MISCONCEPTIONS["receptive_field"]


def question(rng, level: int) -> Question:
    """Draw a question: two or three layers (level 1), three or four with dilation (2), size, stride and start (3).

    >>> import random
    >>> print(question(random.Random(3), 1).text)
    A row of pixels goes through 2 layers:
      1. kernel 3, stride 2, padding 0
      2. kernel 5, stride 3, padding 0
    How many pixels wide is the receptive field of an output, away from the borders?
    """
    return telling(lambda: _stack(rng, level))


def _stack(rng, level: int) -> Question | None:
    layers = stack(rng, (2, 3) if level == 1 else (3, 4), padded=level == 3, dilated=level == 2)
    if all(stride == 1 for _, stride, _, _ in layers[:-1]):
        return None  # without a stride before the last layer there is nothing to trip over
    starts = ", start ← start - padding·stride" if level == 3 else ""
    field, lines = ReceptiveField(), [f"size ← size + dilation·(kernel - 1)·stride{starts}, then stride ← stride·its own"]
    for place, layer in enumerate(layers, 1):
        reach = slide(*layer).reach(0)
        before, field = field, field.through((reach, reach))
        lines.append(step(place, layer, before, field, level == 3))
    facts = field.size[0], field.stride[0], field.start[0]
    asked = (
        "What are size, stride and start of the receptive field of output 0, in pixels? Start is its first pixel, below 0 in the padding."
        if level == 3
        else "How many pixels wide is the receptive field of an output, away from the borders?"
    )
    wrong = under(BELIEFS, (lambda walk: walk(layers)) if level == 3 else (lambda walk: walk(layers)[0]), least=None)
    return made(f"{described(layers)}\n{asked}", facts if level == 3 else facts[0], "17, 8, -3" if level == 3 else "17", lines, wrong)


def stack(rng, deep: tuple[int, int], padded: bool, dilated: bool) -> list[tuple[int, int, int, int]]:
    """Return (kernel, stride, padding, dilation) for each of a few layers."""
    return [
        (rng.randint(2, 5), rng.randint(1, 3), rng.randint(0, 2) if padded else 0, rng.choice((1, 1, 2, 3)) if dilated else 1)
        for _ in range(rng.randint(*deep))
    ]


def described(layers) -> str:
    """Return the layers as lines of a question.

    >>> print(described([(3, 2, 1, 1)]))
    A row of pixels goes through 1 layer:
      1. kernel 3, stride 2, padding 1
    """
    lines = "".join(f"\n  {place}. {settings(*layer)}" for place, layer in enumerate(layers, 1))
    return f"A row of pixels goes through {len(layers)} layer{'s' if len(layers) > 1 else ''}:{lines}"


def step(place: int, layer, before: ReceptiveField, field: ReceptiveField, with_start: bool = True) -> str:
    """Return what one layer does to the field, with its numbers."""
    (kernel, stride, padding, dilation), wide = layer, before.stride[0]
    text = f"layer {place}: size {before.size[0]} + {dilation}·({kernel} - 1)·{wide} = {field.size[0]}"
    if with_start:
        text += f", start {before.start[0]} - {padding}·{wide} = {field.start[0]}"
    return f"{text}, stride {wide}·{stride} = {field.stride[0]}"
