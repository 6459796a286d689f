"""Which question: which pixels of the image does this unit see?

Idea: the first and the last pixel of one row, then with padding, where the field is cut off at the image's border, then rows and columns,
where an inner map has ended too and a stride has dropped pixels.

Cost: integers.  What it does not do: how much each pixel counts (minicnn.probe does).
Source: Araujo, Norris, Sim, Computing Receptive Fields of Convolutional Neural Networks (2019).  Next room: which_inputs.py.
"""

from minicnn import ReceptiveField
from minicnn.misconceptions import MISCONCEPTIONS
from minicnn.quiz.question import Question, Wrong
from minicnn.quiz.topics._making import made, slide, telling, under
from minicnn.quiz.topics.field_of_stack import described, stack, step

TITLE = "the pixels that a unit sees"
LESSON = "05"
LEVELS = 3

BELIEFS = MISCONCEPTIONS["receptive_field"]
CUT = "You leave out that the image ends: cells of the padding are no pixels."
INNER = "You cut the field off at the image only: an inner map ends as well, and what it has dropped or padded is seen by nobody."


def question(rng, level: int) -> Question:
    """Draw a question: no padding (level 1), padding near the border (2), rows and columns of a map (3).

    >>> import random
    >>> question(random.Random(3), 1).text.splitlines()[-1]
    'The row has 46 pixels. Which are the first and the last pixel that output 5 sees? All are counted from 0.'
    """
    return telling(lambda: _box(rng) if level == 3 else _row(rng, level))


def seen(layers, n: int, i: int) -> tuple[int, int] | None:
    """Return the first and the last of n cells that output i of a stack sees, None where it sees none or is not there.

    >>> seen([(3, 2, 1, 1), (3, 1, 1, 1)], 15, 0)
    (0, 3)
    """
    rules, sizes = [slide(*layer) for layer in layers], [n]
    for rule in rules:
        if sizes[-1] + 2 * rule.before < rule.extent:
            return None
        sizes.append(rule.out_size(sizes[-1]))
    cells = {i} if 0 <= i < sizes[-1] else set()
    for rule, size in zip(rules[::-1], sizes[-2::-1], strict=True):
        cells = {cell for output in cells for cell in rule.sees(output, size)}
    return (min(cells), max(cells)) if cells else None


def span(facts, i: int) -> tuple[int, int]:
    """Return first and last pixel of output i by size, stride and start; both may lie outside.

    >>> span((7, 2, -3), 1)
    (-1, 5)
    """
    size, stride, start = facts
    return start + i * stride, start + i * stride + size - 1


def cut(ends: tuple[int, int], n: int) -> tuple[int, int]:
    """Return the part of a span inside 0 … n - 1."""
    return max(ends[0], 0), min(ends[1], n - 1)


def _facts(layers) -> tuple[tuple[int, int, int], list[str]]:
    """Return size, stride and start of a stack, and the lines that lead there."""
    field, lines = ReceptiveField(), []
    for place, layer in enumerate(layers, 1):
        reach = slide(*layer).reach(0)
        before, field = field, field.through((reach, reach))
        lines.append(step(place, layer, before, field))
    return (field.size[0], field.stride[0], field.start[0]), lines


def _line(facts, i: int, n: int, answer: tuple[int, int], what: str = "output") -> str:
    """Return the last step: from the field to the pixels of one output."""
    size, stride, start = facts
    first, last = span(facts, i)
    text = f"{what} {i}: first {start} + {i}·{stride} = {first}, last {first} + {size} - 1 = {last}"
    if cut((first, last), n) != (first, last):
        text += f"; inside 0 … {n - 1}: {cut((first, last), n)}"
    if answer != cut((first, last), n):
        text += f"; inner maps end too, so that {answer} is what is seen"
    return text


def _row(rng, level: int) -> Question | None:
    layers, n = stack(rng, (2, 3), padded=level == 2, dilated=False), rng.randint(16, 48)
    i = rng.randint(1, 5) if level == 1 else rng.choice((0, 0, 1))
    answer, (facts, lines) = seen(layers, n, i), _facts(layers)
    if answer is None or (level == 2 and answer == span(facts, i)):
        return None
    text = (
        f"{described(layers)}\nThe row has {n} pixels. Which are the first and the last pixel that output {i} sees? All are counted from 0."
    )
    own = (Wrong(span(facts, i), CUT, "05"), Wrong(cut(span(facts, i), n), INNER, "05"))
    wrong = (*own, *under(BELIEFS, lambda walk: cut(span(walk(layers), i), n), least=0))
    return made(text, answer, "17, 23", (*lines, _line(facts, i, n, answer)), (each for each in wrong if each.value[0] <= each.value[1]))


def _box(rng) -> Question | None:
    layers = stack(rng, (2, 3), padded=True, dilated=False)
    sizes, places = rng.sample(range(12, 40), 2), (rng.randint(0, 5), rng.randint(0, 5))
    ends = [seen(layers, n, i) for n, i in zip(sizes, places, strict=True)]
    facts, lines = _facts(layers)
    if None in ends or all(end == span(facts, i) for end, i in zip(ends, places, strict=True)):
        return None

    def box(end):
        (top, bottom), (left, right) = (end(n, i) for n, i in zip(sizes, places, strict=True))
        return top, left, bottom, right

    text = (
        f"{described(layers).replace('row of pixels', 'map', 1)}\nThe map has {sizes[0]}×{sizes[1]} pixels (rows × columns), and the "
        f"settings are those of both axes. Which box does output ({places[0]}, {places[1]}) see: top, left, bottom, right? "
        f"First and last pixels, counted from 0."
    )
    answer = box(lambda n, i: seen(layers, n, i))
    wrong = (
        Wrong(box(lambda n, i: span(facts, i)), CUT, "05"),
        Wrong(box(lambda n, i: cut(span(facts, i), n)), INNER, "05"),
        Wrong((answer[1], answer[0], answer[3], answer[2]), "You swap the axes: rows come first, so top is before left.", "05"),
        *under(BELIEFS, lambda walk: box(lambda n, i: cut(span(walk(layers), i), n)), least=0),
    )
    last = [_line(facts, i, n, end, word) for i, n, end, word in zip(places, sizes, ends, ("row", "column"), strict=True)]
    wrong = (each for each in wrong if each.value[0] <= each.value[2] and each.value[1] <= each.value[3])
    return made(text, answer, "1, 2, 17, 23", (*lines, *last, f"top, left, bottom, right = {answer}"), wrong)
