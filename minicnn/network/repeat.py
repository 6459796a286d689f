"""Which question: what need not be asked again when a network is given a second input of the same shape?

Idea: shapes decide which algorithm runs, how its work is cut, how large each map is and when it is let go.  So the
first run of a shape writes a list of steps, one a node: fill(inputs, output), with everything known that the
shape alone says, and a place for the output in one piece of memory in which maps that are not alive at the same time
share places.  Every later run takes that memory once and walks the list.

    first run      check, choose, run, node by node          graph.py; each step is written down on the way
    later runs     for step in steps: step.run(maps)         the same kernels on the same numbers, so the same bits

A layer that has a form without questions says so (Layer.bound); any other is called as ever.  Nothing is remembered of
what flowed through, only of the shapes; steps are held weakly by the network and go when it goes.

Cost: the steps of the last few shapes; about 3 µs a node in place of 20, and of 40 where the kernels have pushed Python out of the caches.
When it loses: shapes that never come back.  What it does not do: traces and training, which hand out every map; float64; several
results of a node.
Source: the memory plans of compiled networks: Chen et al., "TVM" (2018), section 3; Pisarchyk, Lee, "Efficient Memory Management for
Deep Neural Net Inference" (2020), greedy placement.  Next room: conv/memory_format.py.
"""

import weakref
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from minicnn.conv.algorithm import LINE, scratch
from minicnn.conv.memory_format import flat, is_channels_last, shaped
from minicnn.network.node import Node, named

SHAPES = 4  # for which steps are kept
ENOUGH = 0.5  # of the nodes have a form without questions; fewer are not worth a list


class Map(NamedTuple):
    """Where a map is found among the maps of a run, and how its numbers lie."""

    at: int
    shape: tuple[int, ...]
    last: bool


class Step(NamedTuple):
    """One node: what it does to the list of maps, and which of them nobody needs afterwards."""

    run: Callable[[list, np.ndarray, np.ndarray], None]
    done: tuple[int, ...]


class Steps(NamedTuple):
    """A network for inputs of one shape."""

    steps: tuple[Step, ...]
    numbers: int  # of the memory that all its maps share
    maps: int
    outputs: tuple[Map, ...]


_known: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()  # network: {key: Steps, or None where there are none}


def key_of(inputs) -> tuple | None:
    """Return what steps depend on, or None for inputs that have none."""
    if not all(x.dtype == np.float32 and x.dtype.isnative and x.size and type(x) is np.ndarray for x in inputs):
        return None
    return tuple((x.shape, is_channels_last(x)) for x in inputs)


def steps_of(net, key) -> Steps | None:
    """Return the steps for such inputs where they are written down."""
    return _known.get(net, {}).get(key)


def seen(net, key) -> bool:
    """Whether a run of such inputs was written down, or found not to be worth it."""
    return key in _known.get(net, {})


def keep(net, key, steps: Steps | None) -> None:
    """Keep the steps, and let go of those of the shape that was met first."""
    kept = _known.setdefault(net, {})
    while len(kept) >= SHAPES:
        kept.pop(next(iter(kept)), None)
    kept[key] = steps


def walk(found: Steps, inputs) -> list[np.ndarray]:
    """Return the outputs for inputs of the shape that the steps were written for."""
    memory = scratch(1, found.numbers)
    locked = memory.view()
    locked.flags.writeable = False
    maps = [flat(x) for x in inputs] + [None] * (found.maps - len(inputs))
    for run, done in found.steps:
        run(maps, memory, locked)
        for at in done:
            maps[at] = None
    return [shaped(_handed_out(maps[place.at], place.at < len(inputs)), place.shape, place.last) for place in found.outputs]


def _handed_out(numbers: np.ndarray, given: bool) -> np.ndarray:
    """Return an output, which its receiver may write into: kernels had it locked, as they take all their inputs."""
    if given:
        return numbers.copy()
    try:
        numbers.flags.writeable = True
    except ValueError:  # a layer handed out something locked of its own
        return numbers.copy()
    return numbers


class Recorder:
    """What is written down while a network runs node by node."""

    def __init__(self, net, inputs: dict[str, np.ndarray]):
        self.net, self.places = net, Places()
        self.last_use = {name: node.name for node in net.nodes for name in node.inputs}
        self.maps = {name: Map(at, x.shape, is_channels_last(x)) for at, (name, x) in enumerate(inputs.items())}
        self.steps: list[Step] = []
        self.bound, self.possible = 0, True

    def add(self, node: Node, arguments, result, accuracy: str) -> None:
        """Write down a node that was given these arguments and gave this result."""
        if not self.possible or len(node.layer.results) > 1 or result.dtype != np.float32 or not _lies_in_order(result):
            self.possible = False
            return
        inputs = tuple(self.maps[name] for name in node.inputs)
        made = self.maps[node.name] = Map(len(self.maps), result.shape, is_channels_last(result))
        fill = node.layer.bound(*arguments, accuracy=accuracy) if all(x.dtype == np.float32 for x in arguments) else None
        self.bound += fill is not None
        if fill is None:
            run = _called(node, inputs, made, accuracy)
        elif node.name in self.net.outputs:
            run = _filled_by_itself(fill, inputs, made, result.size)
        else:
            run = _filled(fill, inputs, made, self.places.take(node.name, result.size))
        gone = [
            name for name in {*node.inputs, node.name} if self.last_use.get(name, node.name) == node.name and name not in self.net.outputs
        ]
        for name in gone:
            self.places.give(name)
        self.steps.append(Step(run, tuple(self.maps[name].at for name in gone)))

    def steps_or_none(self) -> Steps | None:
        """Return what was written down, or None where it is not worth it."""
        if not self.possible or self.bound < ENOUGH * len(self.steps):
            return None
        return Steps(tuple(self.steps), self.places.most, len(self.maps), tuple(self.maps[name] for name in self.net.outputs))


def _lies_in_order(result: np.ndarray) -> bool:
    return result.flags.c_contiguous or is_channels_last(result)


def _filled(fill, inputs, made: Map, first: int):
    """Return a step that fills a place of the shared memory."""
    sources, at, stop = tuple(place.at for place in inputs), made.at, first + int(np.prod(made.shape))

    def run(maps, memory, locked):
        fill(*[maps[source] for source in sources], memory[first:stop])
        maps[at] = locked[first:stop]

    return run


def _filled_by_itself(fill, inputs, made: Map, size: int):
    """Return a step that fills memory of its own: an output, which outlives the run."""
    sources, at = tuple(place.at for place in inputs), made.at

    def run(maps, memory, locked):
        y = scratch(1, size)[:size]
        fill(*[maps[source] for source in sources], y)
        y.flags.writeable = False
        maps[at] = y

    return run


def _called(node: Node, inputs, made: Map, accuracy: str):
    """Return a step that calls the layer as ever; what it gives is copied where it may lie in memory that will be used again."""

    def run(maps, memory, locked):
        with named(node):
            result = node.layer(*(shaped(maps[place.at], place.shape, place.last) for place in inputs), accuracy=accuracy)
        owned = result.base is None and result.flags.owndata
        result = result if owned or not any(np.may_share_memory(result, maps[place.at]) for place in inputs) else result.copy(order="K")
        maps[made.at] = (result.transpose(0, 2, 3, 1) if made.last else result).reshape(-1)
        maps[made.at].flags.writeable = False  # of this view

    return run


class Places:
    """Which places of one piece of memory are taken: the first gap that is large enough is the next one's.

    >>> places = Places()
    >>> places.take("a", 32), places.take("b", 10), places.give("a"), places.take("c", 16), places.most
    (0, 48, None, 0, 80)
    """

    def __init__(self):
        self.taken: dict[str, tuple[int, int]] = {}
        self.most = 0

    def take(self, name: str, numbers: int) -> int:
        """Return where so many numbers may lie, from the start of a cache line on, with a line between neighbours."""
        size, first = (-(-numbers // LINE) + 1) * LINE, 0
        for start, stop in sorted(self.taken.values()):
            if first + size <= start:
                break
            first = max(first, stop)
        self.taken[name] = first, first + size
        self.most = max(self.most, first + size)
        return first

    def give(self, name: str) -> None:
        """Let a place be used again."""
        self.taken.pop(name, None)
