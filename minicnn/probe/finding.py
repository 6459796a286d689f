"""Which question: what does a check of the doctor get, and what does it hand back?

Idea: a check is a function from a `Case` to a list of `Finding`s.  The case holds the network, what describe says of it, and, if
the doctor was given one, the trace, with the range of every channel taken once for all checks.  A finding says what was seen, what
it probably means and what to do, each in a sentence, and the numbers behind it.

Cost: the ranges are one read of every map, when the first check asks.  What it does not do: judge.
Next rooms: checks_shape.py, checks_numbers.py, checks_channels.py; doctor.py, which asks them all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil

import numpy as np

from minicnn.network import Description, FeatureMap, Network, Node, Trace

ROUNDINGS = 1e-6  # of a number: what float32, whose eps is 1.2e-7, may differ by where the same terms are summed in another order

# The share of silent channels from which on a map is taken as silent.  So many there may be without a fault: deep in a network that was
# just drawn, what a channel sees hardly varies from place to place (Poole et al., "Exponential Expressivity in Deep Neural Networks
# through Transient Chaos" (2016)), so that its sign is that of its offset, and half of them are off behind a ReLU.
SILENT = 0.5


@dataclass(frozen=True)
class Finding:
    """One thing that a check found at one node.

    >>> found = Finding("checkerboard", "up1", "the kernel is 3 and the stride 2.", "uneven sums.", "use a kernel of 4.", {"kernel": 3})
    >>> print(found)
    checkerboard: up1
      seen     the kernel is 3 and the stride 2.
      likely   uneven sums.
      remedy   use a kernel of 4.
    """

    kind: str  # the name of the check
    node: str
    evidence: str
    cause: str
    remedy: str
    numbers: Mapping[str, object] = field(default_factory=dict, hash=False)

    def to_dict(self) -> dict:
        """Return the finding as plain data, for JSON."""
        words = {name: getattr(self, name) for name in ("kind", "node", "evidence", "cause", "remedy")}
        return {**words, "numbers": {name: _plain(value) for name, value in self.numbers.items()}}

    def lines(self) -> tuple[tuple[str, str], ...]:
        """Return what is printed below the title: a word and a sentence each."""
        return ("seen", self.evidence), ("likely", self.cause), ("remedy", self.remedy)

    def __str__(self) -> str:
        import textwrap

        told = [f"{self.kind}: {self.node}"]
        for word, text in self.lines():
            told += textwrap.wrap(text, 80, initial_indent=f"  {word:<9}", subsequent_indent=" " * 11, break_on_hyphens=False)
        return "\n".join(told)


@dataclass(frozen=True, eq=False)
class Case:
    """What a check may look at: the network, its description, and a trace of it or None."""

    net: Network
    facts: Description
    trace: Trace | None = None

    @property
    def input_size(self) -> tuple[int, int] | None:
        """Rows and columns of the first input, where it has them."""
        shape = self.facts.shapes[self.net.inputs[0]]
        return (shape[2], shape[3]) if len(shape) == 4 else None

    @property
    def images(self) -> int:
        """How many images the trace is of."""
        return self.facts.shapes[self.net.inputs[0]][0]

    def in_shapes(self, node: Node) -> list[tuple[int, ...]]:
        """The shapes of a node's inputs."""
        return [self.facts.shapes[name] for name in node.inputs]

    @cached_property
    def readers(self) -> dict[str, list[Node]]:
        """The nodes that read each map, by its node's name."""
        found: dict[str, list[Node]] = {name: [] for name in (*self.net.inputs, *(node.name for node in self.net))}
        for node in self.net:
            for name in node.inputs:
                found[name.split(":")[0]].append(node)
        return found

    @cached_property
    def maps(self) -> dict[str, FeatureMap]:
        """The maps that hold channels, (N, C, H, W) or (N, C), of which there is at least one number, and no winning indices."""
        every = {m.name: m for m in self.trace}
        return {name: m for name, m in every.items() if m.ndim in (2, 4) and m.data.size and m.dtype.kind == "f" and ":" not in name}

    @cached_property
    def ranges(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """The smallest and the largest number of each channel, over all images and positions; NaN where there is one."""
        with np.errstate(all="ignore"):
            axes = {2: 0, 4: (0, 2, 3)}
            return {name: (m.data.min(axis=axes[m.ndim]), m.data.max(axis=axes[m.ndim])) for name, m in self.maps.items()}

    def sound(self, name: str) -> bool:
        """Whether a map holds channels, and finite numbers only."""
        return name in self.ranges and all(bool(np.isfinite(edge).all()) for edge in self.ranges[name])

    def silent(self, name: str) -> float:
        """The share of channels that say nothing: each the same number at all positions of all images; 0 where that cannot be said."""
        if not self.sound(name) or self.numbers_each(name) < 2:
            return 0.0
        return float(constant(*self.ranges[name]).mean())

    def numbers_each(self, name: str) -> int:
        """How many numbers each channel has: images · positions."""
        shape = self.maps[name].shape
        return self.maps[name].data.size // shape[1]

    def looks(self, name: str) -> int:
        """How many parts of the images a map sees that have no pixel in common: so often was a channel asked independently."""
        field, size = self.facts[name].field, self.input_size
        if size is None or field.size is None or self.maps[name].ndim != 4:
            return self.images
        rows, columns = (max(1, n // ceil(side)) for n, side in zip(size, field.size, strict=True))
        return self.images * rows * columns


def constant(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return which channels are one number, to a few roundings.

    >>> constant(np.array([2.0, 2.0]), np.array([2.0, 2.1]))
    array([ True, False])
    """
    return high - low <= ROUNDINGS * np.maximum(abs(low), abs(high))


def images(number: int) -> str:
    """Return a count of images in words.

    >>> images(1), images(8)
    ('1 image', '8 images')
    """
    return f"{number:,} image" + "s" * (number != 1)


def listed(items, most: int = 6) -> str:
    """Return the first items, and how many more there are.

    >>> listed([3, 5], 2), listed([3, 5, 8, 9], 2)
    ('3, 5', '3, 5 and 2 more')
    """
    items = list(items)
    return ", ".join(map(str, items[:most])) + (f" and {len(items) - most:,} more" if len(items) > most else "")


def floats(numbers) -> tuple[float, ...]:
    """Return whole numbers and fractions as floats.

    >>> from fractions import Fraction
    >>> floats((1, Fraction(1, 2)))
    (1.0, 0.5)
    """
    return tuple(map(float, numbers))


def _plain(value):
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value
