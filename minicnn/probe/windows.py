"""Which question: when a patch of the input changes, which numbers of a network need computing again?

Idea: forward, with intervals.  A changed interval of rows changes an interval of rows of the next map: outputs o that see
an input of low … high, by the rule of the layer's axis (axis.Slide),

    ceil((low + before - extent + 1) / stride)  ≤  o  ≤  floor((high + before) / stride),

columns likewise.  Outside of that window a map keeps the numbers that it had.  So a layer is run on a crop: the window and
what it sees around it, laid together from the unchanged map, the changed window of the map before, and the layer's own
padding where the map ends.  Windows grow with depth; from the node on whose window holds most of its map, whole maps go
through the rest of the network.

Cost: what the windows hold of each map, and copying the crops.  When it loses: large patches, networks that see far early.
What it does not do: layers that see everything, resize, or pad by other numbers than a constant end the windows.
Source: Nakandala, Kumar, Papakonstantinou, "Incremental and Approximate Inference for Faster Occlusion-based Deep CNN
Explanations" (2019), section 4; the intervals are Dumoulin & Visin (2016), relationship 6, turned round.
Next room: occlusion.py.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minicnn.axis import POINT, Slide
from minicnn.conv.memory_format import empty, is_channels_last
from minicnn.layers import Add, AvgPool2d, BatchNorm2d, ChannelsLast, Concat, Conv2d, ConvAdd, Dropout, Identity, Layer, MaxPool2d
from minicnn.network import Network, Node, trace

MOST = 0.75  # of a map: a window that holds more is not worth a crop
POSITION_BY_POSITION = (BatchNorm2d, Add, Concat, Identity, Dropout, ChannelsLast)  # beside activations
Spans = tuple[np.ndarray, np.ndarray]  # first and last changed row (or column), for every place of the patch


class Window(NamedTuple):
    """The changed part of a map for several places of the patch: numbers (B, C, h, w), and where each begins."""

    numbers: np.ndarray
    starts: tuple[np.ndarray, np.ndarray]  # of rows, of columns

    def fits(self, starts, size) -> bool:
        """Whether this is the window that begins there and has that size."""
        return self.numbers.shape[2:] == size and all(map(np.array_equal, self.starts, starts))


class Step(NamedTuple):
    """One node that is run on windows: its layer without padding, the rules of its inputs, and the value of its padding."""

    node: Node
    layer: Layer
    rules: tuple[tuple[Slide, Slide], ...]
    padding: float


@dataclass(frozen=True, eq=False)
class Plan:
    """A network for inputs that differ from x by a patch: the steps on windows, and the network of the rest."""

    name: str  # of the input
    steps: tuple[Step, ...]
    rest: Network
    clean: dict[str, np.ndarray]  # the maps of x, as far as they are needed
    spans: dict[str, tuple[Spans, Spans]]  # of each map, per axis

    def run(self, rows, columns, patches: np.ndarray) -> np.ndarray:
        """Return the output for patches (B, C, h, w) of which number b stands at place (rows[b], columns[b])."""
        places = np.asarray(rows), np.asarray(columns)
        found = {self.name: Window(patches, tuple(low[at] for (low, _), at in zip(self.spans[self.name], places, strict=True)))}
        for step in self.steps:
            found[step.node.name] = self._step(step, places, found)
        return self.rest(*(pasted(self.clean[name], found[name]) for name in self.rest.inputs))

    def _step(self, step: Step, places, found) -> Window:
        name = step.node.name
        starts, size = window_at(self.spans[name], places, self.clean[name].shape[2:])
        arguments = []
        for feeder, rules in zip(step.node.inputs, step.rules, strict=True):
            begins = tuple(start * rule.stride - rule.before for start, rule in zip(starts, rules, strict=True))
            seen = tuple((n - 1) * rule.stride + rule.extent for n, rule in zip(size, rules, strict=True))
            arguments.append(crop(self.clean[feeder], found[feeder], begins, seen, step.padding))
        return Window(step.layer(*arguments), starts)


def plan(net: Network, x: np.ndarray, patch: tuple[int, int], tops, lefts) -> Plan:
    """Return how to run a network of one input and one output on x with a patch at any of these rows and columns."""
    clean = {each.name: each.data for each in trace(net, x, accuracy="fast")}
    first = net.inputs[0]
    spans = {first: tuple((np.asarray(at), np.asarray(at) + n - 1) for at, n in zip((tops, lefts), patch, strict=True))}
    steps: list[Step] = []
    for node in net.nodes:
        step = on_windows(node, [clean[name].shape for name in node.inputs])
        if step is None:
            break
        found = _spans(step, spans, clean[node.name].shape[2:])
        if _share(found, clean[node.name].shape[2:]) > MOST:
            break
        spans[node.name] = found
        steps.append(step)
    rest = net.nodes[len(steps) :]
    known = (first, *(step.node.name for step in steps))
    needed = tuple(name for name in known if name in net.outputs or any(name in node.inputs for node in rest))
    kept = {name: clean[name] for name in known}
    return Plan(first, tuple(steps), Network(rest, needed, net.outputs), kept, spans)


def on_windows(node: Node, shapes) -> Step | None:
    """Return the step of a node on crops, or None where its layer needs whole maps."""
    layer = node.layer
    if len(layer.results) > 1 or any(len(shape) != 4 for shape in shapes):
        return None
    rules = layer.axes(*shapes)
    if type(layer) in (Conv2d, ConvAdd) and layer.window.padding_mode == "zeros":
        return Step(node, layer.with_(padding=0, algorithm="auto"), rules, 0.0)  # one that was named may not fit a crop
    if type(layer) is MaxPool2d:
        return Step(node, layer.with_(padding=0, ceil_mode=False), rules, -np.inf)
    if type(layer) is AvgPool2d and layer.window.padding == ((0, 0), (0, 0)) and not layer.window.ceil_mode:
        return Step(node, layer, rules, 0.0)
    alone = layer.is_activation or type(layer) in POSITION_BY_POSITION
    return Step(node, layer, rules, 0.0) if alone and all(rule == POINT for pair in rules for rule in pair) else None


def _spans(step: Step, spans, size) -> tuple[Spans, Spans]:
    """Return which rows and which columns of a node's map may change: all that a change of any input changes."""
    both = []
    for axis, n in enumerate(size):
        parts = [touched(rules[axis], *spans[name][axis], n) for name, rules in zip(step.node.inputs, step.rules, strict=True)]
        both.append((np.min([low for low, _ in parts], axis=0), np.max([high for _, high in parts], axis=0)))
    return both[0], both[1]


def touched(rule: Slide, low: np.ndarray, high: np.ndarray, n: int) -> Spans:
    """Return the first and the last of n outputs that see any input of low … high; one output where none does.

    >>> touched(Slide(3, stride=2, before=1), np.array([4, 5]), np.array([6, 5]), 8)
    (array([2, 2]), array([3, 3]))
    """
    first = np.clip(-((rule.extent - 1 - rule.before - low) // rule.stride), 0, n - 1)
    return first, np.maximum(np.clip((high + rule.before) // rule.stride, 0, n - 1), first)


def _share(spans, size) -> float:
    """Return how much of a map its windows hold, on average over the places of the patch."""
    rows, columns = (float(np.mean(high - low + 1)) / n for (low, high), n in zip(spans, size, strict=True))
    return rows * columns


def window_at(spans, places, size) -> tuple[tuple, tuple[int, int]]:
    """Return where the windows of these places begin, and their size, one for all: the largest, moved inside the map."""
    starts, sizes = [], []
    for (low, high), at, n in zip(spans, places, size, strict=True):
        sizes.append(int((high[at] - low[at]).max()) + 1)
        starts.append(np.minimum(low[at], n - sizes[-1]))
    return tuple(starts), (sizes[0], sizes[1])


def crop(clean: np.ndarray, window: Window, begins, size: tuple[int, int], padding: float) -> np.ndarray:
    """Return crops (B, C, *size) of a map (1, C, H, W) whose window has changed; `padding` stands outside of the map.

    >>> window = Window(np.array([[[[5.0]]]]), (np.array([0]), np.array([1])))
    >>> crop(np.array([[[[1.0, 2.0, 3.0]]]]), window, (np.array([-1]), np.array([1])), (2, 2), 0.0)
    array([[[[0., 0.],
             [5., 3.]]]])
    """
    if window.fits(begins, size):
        return window.numbers
    shape = len(window.numbers), clean.shape[1], *size
    crops = empty(shape, clean.dtype) if is_channels_last(clean) else np.empty(shape, clean.dtype)
    inside = all(start.min() >= 0 and start.max() + n <= whole for start, n, whole in zip(begins, size, clean.shape[2:], strict=True))
    if not inside:
        crops[...] = padding
    changed = window.numbers.shape[2:]
    for number, (y, x, top, left) in enumerate(zip(*(each.tolist() for each in (*begins, *window.starts)), strict=True)):
        _copy(crops[number], (y, x), clean[0], (0, 0), clean.shape[2:], size)
        _copy(crops[number], (y, x), window.numbers[number], (top, left), changed, size)
    return crops


def _copy(into: np.ndarray, begin, source: np.ndarray, at, source_size, size) -> None:
    """Copy what a part of a map that begins `at` has in common with a crop that begins at `begin`."""
    (y, x), (top, left) = begin, at
    y0, y1 = max(y, top), min(y + size[0], top + source_size[0])
    x0, x1 = max(x, left), min(x + size[1], left + source_size[1])
    if y0 < y1 and x0 < x1:
        into[:, y0 - y : y1 - y, x0 - x : x1 - x] = source[:, y0 - top : y1 - top, x0 - left : x1 - left]


def pasted(clean: np.ndarray, window: Window) -> np.ndarray:
    """Return whole maps (B, C, H, W): the clean one, each with its window in its place."""
    shape = len(window.numbers), *clean.shape[1:]
    whole = empty(shape, clean.dtype) if is_channels_last(clean) else np.empty(shape, clean.dtype)
    whole[...] = clean
    rows, columns = window.numbers.shape[2:]
    for image, numbers, top, left in zip(whole, window.numbers, *(start.tolist() for start in window.starts), strict=True):
        image[:, top : top + rows, left : left + columns] = numbers
    return whole
