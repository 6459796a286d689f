"""Which question: what did an edit change, from one network to another?

Idea: describe both, pair their nodes, and tell of each pair only what differs.  Nodes are paired in two ways: by name, or by
the longest common sequence of their layers, where numbered names have shifted (features.2 is features.3 behind a layer more).
The way that leaves less to tell is taken.

    a ─ describe ─┐
                  ├─ pairs ─► changed, renamed, moved, added, removed, and totals with their ratio
    b ─ describe ─┘

Cost: two descriptions, no number is computed.
When it loses: two edits at once of a network of numbered names may be told as others that are as short.
What it does not do: compare weights' numbers.
Source: Ratcliff & Metzener, "Pattern Matching: The Gestalt Approach" (1988), by Python's difflib.  Next room: compare_pairs.py.
"""

from dataclasses import dataclass

import numpy as np

from minicnn.errors import MinicnnError
from minicnn.layers import Layer, ShapeOnly
from minicnn.layers.base import short
from minicnn.network import Description, NodeFacts, describe
from minicnn.network.graph import as_network
from minicnn.probe.compare_pairs import by_layer, by_name
from minicnn.probe.compare_told import one_image, times_as_much, told
from minicnn.text import count, times

WHAT = "compare"
TOTALS = {"parameters": "", "multiply_adds": "", "bytes": "B", "peak_bytes": "B", "kept_bytes": "B"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs, in words, and the two numbers behind it where it is a count."""

    what: str
    a: str
    b: str
    numbers: tuple[int, int] | None = None

    @property
    def ratio(self) -> str:
        """How many times as much b is: ×0.25; nothing for what is no count."""
        return "" if self.numbers is None else times_as_much(*self.numbers)


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a node: 'changed', 'renamed', 'moved', 'added' or 'removed'; a or b is None where there is none."""

    kind: str
    a: NodeFacts | None
    b: NodeFacts | None
    differences: tuple[Difference, ...]

    @property
    def name(self) -> str:
        """The node's name, or both of a renamed one: 'relu1 → act1'."""
        if self.a is None or self.b is None:
            return (self.a or self.b).name
        return self.a.name if self.a.name == self.b.name else f"{self.a.name} → {self.b.name}"


@dataclass(frozen=True, eq=False)
class Comparison:
    """What differs between two networks: print it, or take `changes` and `totals`; `same` counts the nodes that are alike.

    >>> from minicnn import nn
    >>> found = compare(nn.ReLU(), nn.Sequential(nn.ReLU(), nn.Flatten()), (3, 4, 5))
    >>> [(change.kind, change.name) for change in found.changes], found.same, found.totals[2].numbers
    ([('added', 'flatten1')], 1, (480, 720))
    """

    a: Description
    b: Description
    changes: tuple[Change, ...]
    same: int

    @property
    def totals(self) -> tuple[Difference, ...]:
        """Parameters, multiply-adds and bytes of both, those that are alike too."""
        pairs = {name: (getattr(self.a, name), getattr(self.b, name)) for name in TOTALS}
        return tuple(Difference(name, *(count(n, TOTALS[name]) for n in pair), pair) for name, pair in pairs.items())

    def to_dict(self) -> dict:
        """Return the comparison as plain data, for JSON."""
        changes = [
            {
                "change": each.kind,
                "a": each.a and each.a.name,
                "b": each.b and each.b.name,
                "differences": [
                    {"what": d.what, "a": d.numbers[0] if d.numbers else d.a, "b": d.numbers[1] if d.numbers else d.b}
                    for d in each.differences
                ],
            }
            for each in self.changes
        ]
        totals = {d.what: {"a": d.numbers[0], "b": d.numbers[1]} for d in self.totals}
        return {"changes": changes, "same": self.same, "totals": totals}

    def __str__(self) -> str:
        return told(self)

    __repr__ = __str__


def compare(net_a, net_b, input_shape=None, *, input_shape_b=None) -> Comparison:
    """Return what differs between two networks on an input of this shape: shapes, fields, parameters, multiply-adds, bytes.

    input_shape: what describe takes, for both networks unless input_shape_b is given for the second; None takes each one's own.
    Nodes are paired by name or by layer, whichever leaves less to tell; an input by its new name is no difference.

    >>> from minicnn import nn
    >>> a = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 1))
    >>> b = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.SiLU(), nn.Conv2d(8, 4, 1))
    >>> compare(a, b, (3, 32, 40))
    a: 3 nodes, b: 3 nodes; 2 changed, 1 renamed, 0 alike
    <BLANKLINE>
    ~ conv1
        stride  1       → 2
        shape   8×30×38 → 8×15×19
        field   3/1     → 3/2
        MAdds   246 k   → 61.6 k   ×0.250
        bytes   36.5 kB → 9.12 kB  ×0.250
    ~ relu1 → silu1
        layer   ReLU    → SiLU
        shape   8×30×38 → 8×15×19
        field   3/1     → 3/2
        bytes   36.5 kB → 9.12 kB  ×0.250
    ~ conv2
        shape   4×30×38 → 4×15×19
        field   3/1     → 3/2
        MAdds   36.5 k  → 9.12 k   ×0.250
        bytes   18.2 kB → 4.56 kB  ×0.250
    <BLANKLINE>
    total                         a        b   b / a
    ------------------------------------------------
    parameters                  260      260   ×1.00
    multiply-adds             283 k   70.7 k  ×0.250
    bytes of maps            107 kB  38.2 kB  ×0.358
    peak of a forward pass  73.0 kB  24.5 kB  ×0.336
    kept for training       51.8 kB  33.6 kB  ×0.648

    Raises what describe raises, with the network's place.  Source: difflib's SequenceMatcher.
    """
    a = _described(net_a, input_shape, "first")
    b = _described(net_b, input_shape if input_shape_b is None else input_shape_b, "second")
    told = [_compared(a, b, *pairs(a, b)) for pairs in (by_name, by_layer)]
    return min(told, key=lambda found: sum(1 + len(change.differences) for change in found.changes))


def _compared(a: Description, b: Description, pairs, moved) -> Comparison:
    """Return the comparison that these pairs of names make."""
    known = {old: new for old, new in pairs if old is not None and new is not None}
    changes, same = [], 0
    for old, new in pairs:
        before, after = (None if name is None else facts[name] for facts, name in ((a, old), (b, new)))
        found = _differences(before, after, known) if before and after else ()
        kind = (
            "added"
            if before is None
            else "removed"
            if after is None
            else "renamed"
            if old != new
            else "moved"
            if old in moved
            else "changed"
        )
        if found or kind != "changed":
            changes.append(Change(kind, before, after, found))
        same += not found and kind == "changed" and after.layer is not None
    return Comparison(a, b, tuple(changes), same)


def _described(net, input_shape, place: str) -> Description:
    try:
        return describe(as_network(net, WHAT), input_shape)
    except MinicnnError as error:
        text = str(error).removeprefix(f"{WHAT}: ").removeprefix("describe: ")
        raise type(error)(f"{WHAT}: the {place} network: {text}") from None


def _differences(a: NodeFacts, b: NodeFacts, known: dict) -> tuple[Difference, ...]:
    """Return what differs between two nodes; inputs by the names that they go by in b."""
    found = list(_of_layers(a.layer, b.layer))
    inputs = tuple(_renamed(name, known) for name in a.inputs)
    if b.inputs not in (inputs, a.inputs):
        found.append(Difference("inputs", ", ".join(a.inputs), ", ".join(b.inputs)))
    if a.shape != b.shape:
        found.append(Difference("shape", one_image(a.shape), one_image(b.shape)))
    if a.field != b.field:
        found.append(Difference("field", *_told(a.field, b.field)))
    for name, word, unit in (("parameters", "params", ""), ("multiply_adds", "MAdds", ""), ("bytes", "bytes", "B")):
        numbers = getattr(a, name), getattr(b, name)
        if numbers[0] != numbers[1]:
            found.append(Difference(word, *_apart(*numbers, unit), numbers))
    return tuple(found)


def _renamed(name: str, known: dict) -> str | None:
    base, colon, result = name.partition(":")
    return f"{known[base]}{colon}{result}" if base in known else None


def _told(a, b) -> tuple[str, str]:
    """Return two fields as size/stride, with where they start where that is all that differs."""
    short_a, short_b = a.short(), b.short()
    return (short_a, short_b) if short_a != short_b else (str(a), str(b))


def _apart(a: int, b: int, unit: str) -> tuple[str, str]:
    """Return two counts in few figures, or in all of them where few are the same."""
    few = count(a, unit), count(b, unit)
    return few if few[0] != few[1] else (f"{a:,} {unit}".rstrip(), f"{b:,} {unit}".rstrip())


def _of_layers(a: Layer | None, b: Layer | None):
    """Yield the settings that differ; arrays count by their shapes."""
    if a is None or b is None:
        if a is not b:
            yield Difference("layer", *(type(layer).__name__ if layer else "input" for layer in (a, b)))
        return
    if type(a) is not type(b):
        yield Difference("layer", type(a).__name__, type(b).__name__)
        return
    fields_a, fields_b = a.fields(), b.fields()
    for name in {**fields_a, **fields_b}:
        old, new = (_word(fields.get(name)) for fields in (fields_a, fields_b))
        if old != new:
            yield Difference(name, old, new)


def _word(value) -> str:
    return times(value.shape) if isinstance(value, np.ndarray | ShapeOnly) else str(short(value))
