"""Which question: where was a number taken from, where its layer only hands numbers on?

Idea: pooling hands on the largest of a window; unpooling, padding, flattening, joining and unfolding hand on one cell each, which the
arithmetic of places finds.  Nothing is computed, so the stored number is the cell's, to the bit.

    max pooling        the first of equal cells in reading order wins; a NaN wins, and of several the last
    unpooling          of several numbers with one place the last in reading order stays

Cost: O(window); unpooling reads the indices of a plane.  What it does not do: products (weighted.py).
Source: PyTorch's documentation of max_pool2d and max_unpool2d.  Next room: bent.py.
"""

import numpy as np

from minicnn.probe.terms import PADDING, Question, Working, cells, places, window
from minicnn.probe.weighted import contract, summed
from minicnn.window import Window


def largest(asked: Question) -> Working:
    """Return the cells of a pooling window, and which of them won."""
    x, (*lead, c, i, j) = asked.x, asked.index
    rows, columns = (places(rule, at, n) for rule, at, n in zip(asked.layer.axes(x.shape)[0], (i, j), x.shape[-2:], strict=True))
    part = window(asked.names[0], x, tuple(lead), c, rows, columns)
    inside = np.flatnonzero(part.marks != PADDING)
    equation = f"y = the largest of {len(inside)} cells"
    if not len(inside):
        return Working("winner", equation, (part,), -np.inf, -np.inf, 0.0, notes=("the window lies in the padding alone",))
    winner = int(inside[_winner(part.values[inside])])
    value, notes = float(part.values[winner]), []
    equals = int((part.values[inside] == value).sum())
    if equals > 1:
        notes.append(f"{equals} cells are equal: the first in reading order wins")
    if asked.result == "indices":
        row, column = map(int, part.index[winner][-2:])
        value = float(row * x.shape[-1] + column)
        equation += ": where it stands, as row·width + column"
        notes.append(f"{row}·{x.shape[-1]} + {column} = {row * x.shape[-1] + column}")
    return Working("winner", equation, (part,), value, value, 0.0, main=winner, notes=tuple(notes))


def _winner(values: np.ndarray) -> int:
    """Return the place of the largest: the first of equals, of several NaN the last.

    >>> _winner(np.array([1.0, 3.0, 3.0])), _winner(np.array([np.nan, 3.0, np.nan, 4.0]))
    (1, 2)
    """
    nans = np.flatnonzero(np.isnan(values))
    return int(nans[-1]) if len(nans) else int(values.argmax())


def unpooled(asked: Question) -> Working:
    """Return the number whose index names this place, if any does."""
    x, indices = asked.inputs
    *lead, c, i, j = asked.index
    width = asked.shape[-1]
    plane = indices[(*lead, c)]
    naming = np.argwhere(plane == i * width + j)
    equation = f"y = the number whose index is {i}·{width} + {j} = {i * width + j}, else 0"
    if not len(naming):
        return summed(asked, equation, [], notes=("no index names this place: y = 0",))
    notes = [f"{len(naming)} indices name this place: the last in reading order stays"] if len(naming) > 1 else []
    return summed(asked, equation, [cells(asked.names[0], x, (*lead, c, *naming[-1]), 1)], notes=notes)


def padded(asked: Question) -> Working:
    """Return the cell that a padding layer shows at a place: itself, one that a border repeats, or a zero."""
    x, (*lead, c, i, j) = asked.x, asked.index
    rows, columns = (places(rule, at, n) for rule, at, n in zip(asked.layer.axes(x.shape)[0], (i, j), x.shape[-2:], strict=True))
    part = window(asked.names[0], x, tuple(lead), c, rows, columns, 1)
    mark = {0: "inside the border", PADDING: "in the border: 0"}.get(part.mark(0), f"in the border: {asked.layer.padding_mode}")
    return summed(asked, "y = x, with a border", [part], notes=(mark,), allowed=0.0)


def same(asked: Question) -> Working:
    """Return the cell at the same place."""
    return summed(asked, "y = x", [cells(asked.names[0], asked.x, asked.index, 1)])


def dropped(asked: Question) -> Working:
    """Return the cell at the same place, in training scaled or dropped by the mask that was drawn."""
    if asked.saved is None:
        return same(asked)
    p, kept = asked.layer.p, bool(asked.saved[asked.index])
    part = cells(asked.names[0], asked.x, asked.index, 1 / (1 - p) if kept and p < 1 else 0)
    return summed(asked, "y = x · mask / (1 - p)", [part], notes=("kept" if kept else "dropped",), allowed=contract(asked, [part]))


def flattened(asked: Question) -> Working:
    """Return the cell that stands so far along in reading order."""
    flat = int(np.ravel_multi_index(asked.index, asked.shape))
    return summed(asked, "y = x, in reading order", [cells(asked.names[0], asked.x, np.unravel_index(flat, asked.x.shape), 1)])


def joined(asked: Question) -> Working:
    """Return the cell of the branch that a channel came from."""
    axis = asked.layer.dim % len(asked.shape)
    left = asked.index[axis]
    branch = 0
    while left >= asked.inputs[branch].shape[axis]:
        left -= asked.inputs[branch].shape[axis]
        branch += 1
    name, x = asked.names[branch], asked.inputs[branch]
    index = (*asked.index[:axis], left, *asked.index[axis + 1 :])
    word = {1: "channel", 2: "row", 3: "column"}.get(axis, f"axis {axis}, place")
    note = f"{word} {asked.index[axis]} is {word} {left} of {name}, branch {branch + 1} of {len(asked.names)}"
    return summed(asked, "y = the branches, one after the other", [cells(name, x, index, 1)], notes=(note,))


def unfolded(asked: Question) -> Working:
    """Return the cell that one tap of one window reads."""
    layer, x, (*lead, row, column) = asked.layer, asked.x, asked.index
    rules = Window.of(layer.kernel_size, layer.stride, layer.padding, layer.dilation, what="Unfold").axes(x.shape[-2:])
    (c, tap), (i, j) = divmod(row, layer.kernel_size[0] * layer.kernel_size[1]), divmod(column, rules[1].out_size(x.shape[-1]))
    taps = divmod(tap, layer.kernel_size[1])
    one = (places(rule, at, n) for rule, at, n in zip(rules, (i, j), x.shape[-2:], strict=True))
    rows, columns = (type(p)(p.at[t : t + 1], p.marks[t : t + 1]) for p, t in zip(one, taps, strict=True))
    part = window(asked.names[0], x, tuple(lead), c, rows, columns, 1)
    note = f"tap ({taps[0]}, {taps[1]}) of the window at ({i}, {j})"
    return summed(asked, "y = the cell under one tap of one window", [part], notes=(note,), allowed=0.0)
