"""Which question: which node of one network is which of another?

Idea: two answers, each a list of pairs in the order of both networks, with None where there is no mate.
Cost: difflib's, the square of the number of nodes at the worst.  Next room: compare.py, which takes the better one.
"""

from difflib import SequenceMatcher

from minicnn.network import Description

Pairs = list[tuple[str | None, str | None]]


def by_name(a: Description, b: Description) -> tuple[Pairs, set[str]]:
    """Return the pairs of one name, those left by their place between them, and the names that stand in another order."""
    return pairs_of_names([row.name for row in a], [row.name for row in b])


def pairs_of_names(a: list[str], b: list[str]) -> tuple[Pairs, set[str]]:
    """Return the pairs of names in b's order, those without a mate where they stood, and the names that stand in another order.

    >>> pairs_of_names(["x", "conv", "relu", "old"], ["x", "conv", "silu", "new", "more"])
    ([('x', 'x'), ('conv', 'conv'), ('relu', None), ('old', None), (None, 'silu'), (None, 'new'), (None, 'more')], set())
    >>> pairs_of_names(["x", "conv", "relu", "end"], ["x", "conv", "silu", "end"])[0]
    [('x', 'x'), ('conv', 'conv'), ('relu', 'silu'), ('end', 'end')]
    """
    both, pairs, moved = {*a} & {*b}, [], set()
    for _, a_from, a_to, b_from, b_to in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        old, new = a[a_from:a_to], b[b_from:b_to]
        if old == new:
            pairs += zip(old, new, strict=True)
            continue
        moved |= {*new} & both
        left, right = ([name for name in names if name not in both] for names in (old, new))
        if len(left) == len(right):
            mates = dict(zip(right, left, strict=True))
        else:
            mates = {}
            pairs += [(name, None) for name in left]
        pairs += [(name if name in both else mates.get(name), name) for name in new]
    return pairs, moved


def by_layer(a: Description, b: Description) -> tuple[Pairs, set[str]]:
    """Return the pairs of the longest common sequence of layers, in between those of one class in their order; nothing is moved.

    >>> from minicnn import describe, nn
    >>> old, new = nn.Sequential(nn.ReLU(), nn.Tanh()), nn.Sequential(nn.SiLU(), nn.ReLU(), nn.SiLU(), nn.Tanh())
    >>> by_layer(describe(old, (1, 2, 3)), describe(new, (1, 2, 3)))[0]
    [('x', 'x'), (None, 'silu1'), ('relu1', 'relu1'), (None, 'silu2'), ('tanh1', 'tanh1')]
    """
    rows, pairs = (list(a), list(b)), []
    for tag, a_from, a_to, b_from, b_to in SequenceMatcher(
        None, *([repr(row.layer) for row in side] for side in rows), autojunk=False
    ).get_opcodes():
        old, new = rows[0][a_from:a_to], rows[1][b_from:b_to]
        if tag == "equal" or len(old) == len(new):
            pairs += [(x.name, y.name) for x, y in zip(old, new, strict=True)]
        else:
            pairs += _of_one_class(old, new)
    return pairs, set()


def _of_one_class(old, new) -> Pairs:
    pairs: Pairs = []
    for tag, a_from, a_to, b_from, b_to in SequenceMatcher(
        None, *([type(row.layer) for row in side] for side in (old, new)), autojunk=False
    ).get_opcodes():
        left, right = ([row.name for row in side] for side in (old[a_from:a_to], new[b_from:b_to]))
        pairs += zip(left, right, strict=True) if tag == "equal" else [(name, None) for name in left] + [(None, name) for name in right]
    return pairs
