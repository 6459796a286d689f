"""Which question: what do groups change?

Idea: channels and filters are dealt into groups of neighbours that do not see each other.  First which channels a filter sees, then the
shape of the weight, then how many numbers there are to learn.

Cost: integers; layers are made of shapes alone.  What it does not do: multiply-adds (multiply_adds.py).
Source: Krizhevsky, Sutskever, Hinton (2012), section 3.5; torch.nn.Conv2d's documentation of groups.  Next room: parameters.py.
"""

from minicnn import nn
from minicnn.misconceptions.grouped_conv2d import filters_interleaved, first_channels_for_every_group, groups_forgotten
from minicnn.quiz.question import Question, Wrong
from minicnn.quiz.topics._making import made, telling
from minicnn.quiz.topics.parameters import NO_BIAS, ONE_SLICE, learned
from minicnn.text import times

TITLE = "groups of channels"
LESSON = "03"
LEVELS = 3


def question(rng, level: int) -> Question:
    """Draw a question: which channels a filter sees (level 1), the weight's shape (2), parameters (3).

    >>> import random
    >>> question(random.Random(3), 1).derivation[-1]
    'group 0 has channels 0·6 = 0 to 0 + 6 - 1 = 5'
    """
    return telling({1: lambda: _channels(rng), 2: lambda: _weight(rng), 3: lambda: _learned(rng)}[level])


def _dealt(rng) -> tuple[int, int, int]:
    """Return groups, and the channels and filters of one group."""
    return rng.randint(2, 6), rng.randint(2, 6), rng.randint(2, 6)


def _channels(rng) -> Question:
    groups, each, filters = _dealt(rng)
    k = rng.randrange(groups * filters)
    group = k // filters

    def of(group, size=each):
        return group * size, group * size + size - 1

    wrong = (
        Wrong(of(k % groups), filters_interleaved.says, "03"),
        Wrong(of(0), first_channels_for_every_group.says, "03"),
        Wrong(of(0, groups * each), groups_forgotten.says, "03"),
        Wrong((k, k), "You give a filter one channel: that is a depthwise convolution, with as many groups as channels.", "03"),
        Wrong(of(group, filters), "You divide the channels as the filters are: a group has C/G channels, and K/G filters.", "03"),
        Wrong(of(group + 1), "You count the groups from 1: the first channels belong to group 0.", "03"),
    )
    text = (
        f"A convolution with {groups * each} input channels, {groups * filters} filters and {groups} groups. "
        f"Which are the first and the last channel that filter {k} sees? Filters and channels are counted from 0."
    )
    lines = (
        f"each group: {groups * each}/{groups} = {each} channels and {groups * filters}/{groups} = {filters} filters",
        f"filter {k} is in group floor({k}/{filters}) = {group}",
        f"group {group} has channels {group}·{each} = {group * each} to {group * each} + {each} - 1 = {group * each + each - 1}",
    )
    return made(text, of(group), "17, 23", lines, wrong)


def _weight(rng) -> Question:
    groups, each, filters = _dealt(rng)
    rows, columns = rng.sample((1, 2, 3, 5, 7), 2)
    channels, all_filters = groups * each, groups * filters
    answer = nn.Conv2d(channels, all_filters, (rows, columns), groups=groups, rng=nn.SHAPE_ONLY).weight.shape
    wrong = (
        Wrong((all_filters, channels, rows, columns), groups_forgotten.says, "03"),
        Wrong((filters, each, rows, columns), "You give the filters of one group: the weight holds those of all.", "03"),
        Wrong((filters, channels, rows, columns), "You divide the filters: all K are there, and each sees C/G channels.", "03"),
        Wrong((each, all_filters, rows, columns), "You put channels first: the weight's first axis is the filters'.", "03"),
        Wrong((all_filters, each, columns, rows), "You swap the kernel's sides: rows come before columns.", "03"),
        Wrong((all_filters, groups, rows, columns), "You put the number of groups where the channels of one group belong.", "03"),
    )
    text = (
        f"A convolution with {channels} input channels, {all_filters} filters, kernel {rows}×{columns} and {groups} groups. "
        f"Which shape does its weight have: filters × channels that each sees × rows × columns?"
    )
    lines = (f"each filter sees {channels}/{groups} = {each} channels", f"filters × channels × rows × columns = {times(answer)}")
    return made(text, answer, "17×3×5×2", lines, wrong)


def _learned(rng) -> Question:
    groups, each, filters = _dealt(rng)
    if rng.random() < 0.4:
        each, filters = 1, rng.randint(1, 2)  # depthwise, with a multiplier
    channels, all_filters, kernel = groups * each, groups * filters, rng.choice((2, 3, 5))
    answer = learned(channels, all_filters, (kernel, kernel), groups=groups)
    weights = answer - all_filters
    wrong = (
        Wrong(learned(channels, all_filters, (kernel, kernel)), groups_forgotten.says, "03"),
        Wrong(weights, NO_BIAS, "03"),
        Wrong(weights // groups + all_filters, "You divide by the groups twice: all K filters are there, each over C/G channels.", "03"),
        Wrong(all_filters * kernel**2 + all_filters, ONE_SLICE.replace("every input channel", "every channel of its group"), "03"),
        Wrong(answer // groups, "You count one group: the layer has all of them.", "03"),
    )
    text = (
        f"A convolution with {channels} input channels, {all_filters} filters, kernel {kernel}×{kernel} and {groups} groups; "
        f"each filter has a bias. How many parameters?"
    )
    lines = (
        f"each filter sees {channels}/{groups} = {each} channel{'' if each == 1 else 's'}",
        f"{all_filters}·{each}·{kernel}·{kernel} + {all_filters} = {answer}",
    )
    return made(text, answer, "1700", lines, wrong)
