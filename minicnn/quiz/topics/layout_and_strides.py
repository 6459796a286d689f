"""Which question: where in memory does a number of a map lie?

Idea: the strides of an array that was just made, then the place of one element in two layouts, then the strides of a view, which shares
the memory that it looks at.

Cost: integers.  What it does not do: measure how fast a layout is (lesson 07 does).
Source: van der Walt, Colbert, Varoquaux, The NumPy array (2011), section 2; NumPy's documentation of ndarray.strides.  Next room: bytes.py.
"""

from math import prod

from minicnn.quiz.question import Question, Wrong
from minicnn.quiz.topics._making import listed, made, telling
from minicnn.text import times

TITLE = "layout and strides"
LESSON = "07"
LEVELS = 3

ITEMSIZE = {"float32": 4, "float64": 8}
PLACES = "You give steps in numbers: NumPy's strides are bytes."
TO_NHWC = (0, 2, 3, 1)


def question(rng, level: int) -> Question:
    """Draw a question: strides (level 1), the place of an element (2), strides of a view (3).

    >>> import random
    >>> question(random.Random(3), 1).text
    'x = np.zeros((2, 6, 9, 14), np.float64). What is x.strides, in bytes?'
    """
    return telling({1: lambda: _strides(rng), 2: lambda: _place(rng), 3: lambda: _view(rng)}[level])


def _shape(rng) -> tuple[int, ...]:
    return (rng.randint(2, 4), rng.choice((3, 5, 6)), *rng.sample(range(7, 15), 2))


def steps(shape, size: int = 1) -> tuple[int, ...]:
    """Return the strides of an array whose last axis is dense.

    >>> steps((2, 3, 5, 7), 4)
    (420, 140, 28, 4)
    """
    return tuple(prod(shape[axis + 1 :]) * size for axis in range(len(shape)))


def _strides(rng) -> Question:
    shape, dtype = _shape(rng), rng.choice(tuple(ITEMSIZE))
    size = ITEMSIZE[dtype]
    answer = steps(shape, size)
    wrong = (
        Wrong(steps(shape), PLACES, "07"),
        Wrong(steps(shape, 12 - size), f"You take {12 - size} bytes for a number: in {dtype} it has {size}.", "07"),
        Wrong(
            answer[::-1], "You let the first axis be the dense one: in C order neighbours of the last axis are neighbours in memory.", "07"
        ),
        Wrong(tuple(n * size for n in shape), "You give each axis its own length: a step skips all the axes behind it.", "07"),
        Wrong(
            tuple(prod(shape[axis:]) * size for axis in range(4)),
            "You include the axis itself: a step skips the axes behind it only.",
            "07",
        ),
    )
    text = f"x = np.zeros({shape}, np.{dtype}). What is x.strides, in bytes?"
    lines = [f"last axis: {size} bytes, one number of {dtype}"]
    lines += [f"axis {axis}: {shape[axis + 1]}·{answer[axis + 1]} = {answer[axis]}" for axis in (2, 1, 0)]
    return made(text, answer, "700, 170, 17, 1", lines, wrong)


def _place(rng) -> Question:
    shape, layout = _shape(rng), rng.choice(("NCHW", "NHWC"))
    index = tuple(rng.randrange(1, n) for n in shape)

    def place(axes):
        own = steps([shape[axis] for axis in axes])
        return sum(index[axis] * step for axis, step in zip(axes, own, strict=True))

    nchw, nhwc = (0, 1, 2, 3), TO_NHWC
    axes, other = (nchw, nhwc) if layout == "NCHW" else (nhwc, nchw)
    n, c, h, w = index
    answer = place(axes)
    wrong = (
        Wrong(
            place(other), f"You use the other layout: in {layout} {'columns' if layout == 'NCHW' else 'channels'} are the neighbours.", "07"
        ),
        Wrong(
            place((0, 1, 3, 2) if layout == "NCHW" else (0, 3, 2, 1)), "You swap rows and columns: a row's numbers lie side by side.", "07"
        ),
        Wrong(place(axes[::-1]), "You let the first axis run fastest: in C order it is the last one.", "07"),
        Wrong(answer + 1, "You count from 1: the first number lies at place 0.", "07"),
        Wrong(answer * 4, "You count bytes: the place is asked for in numbers.", "07"),
        Wrong(answer - n * prod(shape[1:]), "You forget the images before: each has channels·rows·columns numbers.", "07"),
    )
    text = (
        f"A batch of {times(shape)} (images × channels × rows × columns) lies in memory as {layout}, without gaps. At which place, counted in "
        f"numbers from 0, is image {n}, channel {c}, row {h}, column {w}?"
    )
    own = steps([shape[axis] for axis in axes])
    lines = (
        f"steps of {', '.join(layout)}: {listed(own)}",
        " + ".join(f"{index[axis]}·{step}" for axis, step in zip(axes, own, strict=True)) + f" = {answer}",
    )
    return made(text, answer, "1700", lines, wrong)


def _view(rng) -> Question:
    shape, turned, step = _shape(rng), rng.random() < 0.5, rng.randint(2, 3)
    plain = steps(shape, 4)
    if turned:
        view, answer = f"x.transpose{TO_NHWC}", tuple(plain[axis] for axis in TO_NHWC)
        copied, line = tuple(shape[axis] for axis in TO_NHWC), f"the view's axes are x's axes {listed(TO_NHWC)}: {listed(answer)}"
    else:
        view, answer = f"x[:, :, ::{step}, 1:]", (*plain[:2], plain[2] * step, plain[3])
        copied = (*shape[:2], -(-shape[2] // step), shape[3] - 1)
        line = f"::{step} steps over {step} rows: {step}·{plain[2]} = {answer[2]}; 1: starts later and keeps the step: {listed(answer)}"
    back = tuple(plain[axis] for axis in (0, 3, 1, 2))
    wrong = (
        Wrong(plain, "You keep x's strides: a view looks at the same memory by steps of its own.", "07"),
        Wrong(steps(copied, 4), "You give the strides of a copy: a view moves no number.", "07"),
        Wrong(tuple(each // 4 for each in answer), PLACES, "07"),
        Wrong(back, "You turn the axes the other way: axis i of the view is axis axes[i] of x.", "07") if turned else None,
        Wrong((*plain[:3], plain[3] * step), "You step over columns: the third axis is the rows'.", "07") if not turned else None,
    )
    text = f"x = np.zeros({shape}, np.float32) and y = {view}. What is y.strides, in bytes?"
    return made(text, answer, "700, 170, 17, 1", (f"x.strides: {listed(plain)}", line), wrong)
