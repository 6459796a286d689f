"""Which question: what do the shapes of its inputs say about a network on a GPU, before any number is there?

    plan_of(net, fills, {"x": (8, 3, 224, 224)}, …)   →   steps, one a node, and a place in memory for every map

Idea: a map is there from its own node to the last one that reads it.  Maps whose times do not overlap may lie in the same memory: once the
last reader has run, the place is free, and the next map takes the smallest free one that it fits into.  Outputs, which outlive the run,
get memory of their own in each; views (Flatten) and their maps are one place.

Cost: the maps that are alive at once, once; in every run an allocation an output.
When it loses: shapes that change with every call, each of which allocates anew.  What it does not do: put a sum where its summand was.
Source: Pisarchyk, Lee, "Efficient Memory Management for Deep Neural Net Inference" (2020), shared objects.  Next room: device_layers.py.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

import numpy as np

from minicnn import check
from minicnn.conv.cuda import device as gpu
from minicnn.network.graph import Network
from minicnn.network.node import one_image, result_shapes

Shape = tuple[int, ...]
Shapes = dict[str, Shape]


class Step(NamedTuple):
    """One node: its function, None for a view, the names of its maps, and the shape that comes out."""

    fill: Callable | None
    inputs: tuple[str, ...]
    output: str
    shape: Shape


@dataclass(frozen=True, eq=False)
class Plan:
    """A network for inputs of one shape, with memory for its maps."""

    given: Shapes
    steps: tuple[Step, ...]
    places: dict[str, object]  # of maps that nobody sees: device arrays
    fresh: Shapes  # of maps that are handed out, and get memory of their own in each run
    copied: tuple[str, ...]  # outputs that are an input's memory
    outputs: tuple[tuple[str, Shape], ...]
    lock: threading.Lock  # two threads share the places, so one launches its kernels before the other does

    numbers = property(lambda self: min((prod(shape) for shape in self.given.values()), default=0))

    def run(self, inputs: dict) -> list:
        """Return the outputs for inputs on the device; none are looked at where there is nothing to compute."""
        if not self.numbers:
            return [gpu.empty(shape) for _, shape in self.outputs]
        maps = {**self.places, **inputs, **{name: gpu.empty(shape) for name, shape in self.fresh.items()}}
        with self.lock:
            for fill, names, output, shape in self.steps:
                if fill is None:
                    maps[output] = maps[names[0]].reshape(shape)
                else:
                    fill(*[maps[name] for name in names], out=maps[output])
        for name in self.copied:
            maps[name], given = gpu.empty(maps[name].shape), maps[name]
            maps[name].copy_to_device(given)
        return [maps[name] for name, _ in self.outputs]


def plan_of(net: Network, fills: Mapping[str, Callable | None], given: Shapes, unbatched: bool) -> Plan:
    """Return the plan of a network for inputs of such shapes; raises what the network says of wrong ones."""
    shapes = dict(given)
    for name, shape in given.items():
        if len(shape) == 4:
            check.image_batch(np.broadcast_to(np.float32(0), shape), "network", name)
    with one_image(unbatched):
        for node in net.nodes:
            shapes.update(result_shapes(node, [shapes[name] for name in node.inputs]))
    for name, shape in shapes.items():
        gpu.check_size(shape, "network", name)
    steps = tuple(Step(fills[node.name], node.inputs, node.name, shapes[node.name]) for node in net.nodes)
    memory = _owners(net, steps)
    handed_out = {memory[name] for name in net.outputs}
    fresh = {name: shapes[name] for name in handed_out if name not in given}
    copied = tuple(dict.fromkeys(name for name in net.outputs if memory[name] in given))
    outputs = tuple((name, shapes[name]) for name in net.outputs)
    places = _places(steps, memory, {*fresh, *given}, shapes) if all(map(prod, given.values())) else {}
    return Plan(given, steps, places, fresh, copied, outputs, threading.Lock())


def _owners(net: Network, steps) -> dict[str, str]:
    """Return whose memory each map is: its own, or for a view that of the map that it shows."""
    memory = {name: name for name in net.inputs}
    for step in steps:
        memory[step.output] = memory[step.inputs[0]] if step.fill is None else step.output
    return memory


def _places(steps, memory: dict[str, str], elsewhere: set[str], shapes: Shapes) -> dict[str, object]:
    """Return a device array for every map that is not elsewhere; those that are not alive at once share memory."""
    last = {memory[name]: step.output for step in steps for name in (step.output, *step.inputs)}
    slots, taken = Slots(), {}
    for step in steps:
        if step.fill is not None and step.output not in elsewhere:
            taken[step.output] = slots.take(step.shape)
        for owner in {memory[name] for name in (step.output, *step.inputs)}:
            if owner in taken and last[owner] == step.output:
                slots.give(taken[owner])
    pieces = [gpu.empty(shape).reshape(-1) for shape in slots.shapes]
    return {name: pieces[slot][: prod(shapes[name])].reshape(shapes[name]) for name, slot in taken.items()}


class Slots:
    """Pieces of memory that maps take and give back: the smallest free one that fits, else the largest free one, made larger.

    >>> slots = Slots()
    >>> slots.take((2, 8)), slots.take((2, 3)), slots.give(0), slots.take((5,)), slots.give(1), slots.take((7,)), slots.shapes
    (0, 1, None, 0, None, 1, [(2, 8), (7,)])
    """

    def __init__(self):
        self.shapes: list[Shape] = []  # of the largest map of each
        self.free: set[int] = set()

    def take(self, shape: Shape) -> int:
        """Return the piece that a map of this shape goes into."""
        fitting = [slot for slot in self.free if prod(self.shapes[slot]) >= prod(shape)]
        if fitting:
            slot = min(fitting, key=lambda slot: prod(self.shapes[slot]))
        elif self.free:
            slot = max(self.free, key=lambda slot: prod(self.shapes[slot]))
            self.shapes[slot] = shape
        else:
            slot = len(self.shapes)
            self.shapes.append(shape)
        self.free.discard(slot)
        return slot

    def give(self, slot: int) -> None:
        """Let the next map have it."""
        self.free.add(slot)
