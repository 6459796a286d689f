"""Which question: how much memory does a network take, when is it most, and what of it are parameters, maps, or columns?

Idea: every array that a pass makes has a shape that is known before anything is computed, so the bytes alive at each moment are a walk
over integers: the input, the maps that are still needed, and what an algorithm keeps beside them while it runs; on the way back what was
kept, and gradients.  Around that stand parameters, running statistics, prepared weights and an optimizer's arrays.

    in all = parameters + statistics + prepared weights + optimizer + the most that is alive at a moment

Promised is what NumPy allocates, to a tenth (tests/probe/test_memory_probe.py, by tracemalloc, on networks of a few MB): net(x) node by
node, as the first call of a shape runs, and every call of a network that is not fused; training=True: a training step's trace and
backward; with an optimizer: train.fit.
When it loses: a fused network, from its second call of a shape on, lays its maps into one piece of memory (network/repeat.py), whose gaps
took up to 15% more.  A trace with keep="all" holds every map (Description.bytes).
What it does not do: count compiled code, Python's own objects (0.7 kB a node), the data set.
Source: Chen, Xu, Zhang, Guestrin, "Training Deep Nets with Sublinear Memory Cost" (2016), section 3; Chellapilla, Puri, Simard (2006) for
im2col.  Next rooms: network/describe.py, network/memory.py.
"""

from dataclasses import dataclass
from math import prod

import numpy as np

from minicnn import check
from minicnn.conv.cost import workspace_bytes
from minicnn.conv.dispatch import choose_algorithm
from minicnn.errors import ArgumentError, UnknownNameError, nearest
from minicnn.layers import ChannelsLast, Conv2d
from minicnn.network import Description, Network, describe
from minicnn.network.graph import as_network
from minicnn.network.node import owners
from minicnn.text import count, times

OPTIMIZERS = {"SGD": 0, "momentum": 1, "Adam": 2, "AdamW": 2}  # arrays that each holds per parameter
ROWS, NAME = 20, 30  # of the drawing: rows, and columns for a node's name


@dataclass(frozen=True)
class Memory:
    """The bytes of one pass: print it, or take its parts.

    `curve` holds (moment, bytes alive) in order, a node's name, or with " back" behind it its gradient; `parts` (what, bytes, why), whose
    sum is `total_bytes`; `columns` (node, bytes) of the matrix that im2col would make of a convolution's input.

    >>> from minicnn import nn
    >>> found = memory(nn.Sequential(nn.Conv2d(1, 2, 3, algorithm="reference"), nn.ReLU()), (1, 5, 6))
    >>> found.curve, found.peak, found.columns
    ((('conv1', 216), ('relu1', 312)), 'relu1', (('conv1', 432),))
    """

    input_shape: tuple[int, ...]
    dtype: str
    training: bool
    optimizer: str | None
    curve: tuple[tuple[str, int], ...]
    parts: tuple[tuple[str, int, str], ...]
    columns: tuple[tuple[str, int], ...]
    parameter_bytes: int

    total_bytes = property(lambda self: sum(size for _, size, _ in self.parts))
    peak_bytes = property(lambda self: max((size for _, size in self.curve), default=0))

    @property
    def peak(self) -> str:
        """The moment at which most is alive."""
        return max(self.curve, key=lambda moment: moment[1], default=("", 0))[0]

    @property
    def largest_columns(self) -> tuple[str, int]:
        """The convolution whose column matrix is the largest, and its bytes."""
        return max(self.columns, key=lambda row: row[1], default=("", 0))

    def to_dict(self) -> dict:
        """Return everything as plain data, for JSON."""
        return {
            "input_shape": list(self.input_shape),
            "dtype": self.dtype,
            "training": self.training,
            "optimizer": self.optimizer,
            "parts": [{"what": what, "bytes": size, "why": why} for what, size, why in self.parts],
            "total_bytes": self.total_bytes,
            "parameter_bytes": self.parameter_bytes,
            "peak": {"moment": self.peak, "bytes": self.peak_bytes},
            "curve": [{"moment": name, "bytes": size} for name, size in self.curve],
            "columns": [{"node": name, "bytes": size} for name, size in self.columns],
        }

    @property
    def summary(self) -> str:
        """What was asked, and the sum, in a sentence."""
        what = "train.fit" if self.optimizer else "a training step" if self.training else "a forward pass"
        return f"Memory of {what} on {times(self.input_shape)} {self.dtype}: {count(self.total_bytes, 'B')}."

    def facts(self) -> list[tuple[str, int, str]]:
        """Return (what, bytes, why) of every part, and of what im2col would add to them."""
        name, largest = self.largest_columns
        together = count(sum(size for _, size in self.columns), "B")
        why = f"more, for the columns of {name}" + (
            f", the largest; {together} for all {len(self.columns)}" if len(self.columns) > 1 else ""
        )
        return [*self.parts, *([("im2col", largest, why)] if largest else [])]

    def timeline(self, width: int = 80) -> list[str]:
        """Return the curve as bars, in at most 20 rows: each the fullest of some moments in a row; the peak is marked."""
        per = max(1, -(-len(self.curve) // ROWS))
        rows = [max(self.curve[first : first + per], key=lambda moment: moment[1]) for first in range(0, len(self.curve), per)]
        names = [name if len(name) <= NAME else "…" + name[1 - NAME :] for name, _ in rows]
        wide = max(map(len, names), default=0)
        mark, most = "  peak", max(self.peak_bytes, 1)
        room = max(8, width - wide - len("  1.77 MB  ") - len(mark))
        peak = next((at for at, row in enumerate(rows) if row[0] == self.peak), None)
        return [
            f"{label:<{wide}}  {count(size, 'B'):>7}  {'█' * max(1, round(room * size / most))}{mark if at == peak else ''}"
            for at, (label, (_, size)) in enumerate(zip(names, rows, strict=True))
        ]

    def __str__(self) -> str:
        import textwrap

        lines = [self.summary, ""]
        for what, size, why in self.facts():
            head = f"{what:<12} {count(size, 'B'):>7}  "
            lines += textwrap.wrap(why, 80, initial_indent=head, subsequent_indent=" " * len(head), break_on_hyphens=False)
        per = -(-len(self.curve) // ROWS)
        told = f"Alive, moment by moment (each row the fullest of {per}):" if per > 1 else "Alive, moment by moment:"
        return "\n".join([*lines, "", told, *self.timeline()])

    __repr__ = __str__


def memory(net: Network, input_shape=None, training: bool = False, optimizer: str | int | None = None, *, dtype=np.float32) -> Memory:
    """Return the bytes that a pass of a network takes, moment by moment and in all, nothing computed.

    Parameters
    ----------
    input_shape : as describe takes it: (C, H, W), (N, C, H, W), or a mapping; a batch counts as it is
    training : False: net(x).  True: a training step, trace(net, x, training=True, keep="gradient") and backward
    optimizer : 'SGD', 'momentum', 'Adam' or 'AdamW', or how many arrays it holds per parameter: then what train.fit holds, with
        the network of the last finished epoch, which Ctrl-C keeps; the data set is not counted

    >>> from minicnn import nn
    >>> net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 16 * 20, 10))
    >>> memory(net, (3, 16, 20)).peak, memory(net, (3, 16, 20), training=True).peak
    ('conv1', 'conv1 back')
    >>> memory(net, (3, 16, 20), training=True, optimizer="Adam").total_bytes == describe(net, (3, 16, 20)).training_bytes(2)
    True

    Raises ArgumentError, UnknownNameError, and what describe raises.  Source: Chen et al. (2016), section 3.
    """
    net, training = as_network(net, "memory"), check.flag(training, "training", "memory")
    arrays = _arrays_of(optimizer, training)
    facts = describe(net, input_shape, dtype=dtype)
    once = sum(array.nbytes for array in net.parameters().values())
    curve = facts.training_curve() if training else _forward_curve(facts)
    if arrays is not None:
        curve = [*curve, ("end of the step", (3 + arrays) * once)]  # gradients, the next parameters and arrays, the layers' copy
    columns = tuple((node.name, size) for node in net if isinstance(node.layer, Conv2d) and (size := _columns(node, facts)))
    shape = facts.shapes[net.inputs[0]]
    name = None if arrays is None else _named(optimizer)
    return Memory(shape, str(np.dtype(dtype)), training, name, tuple(curve), _parts(facts, once, curve, training, arrays), columns, once)


def _arrays_of(optimizer, training: bool) -> int | None:
    """Return how many arrays the optimizer holds per parameter, None where there is none."""
    if optimizer is None:
        return None
    if not training:
        raise ArgumentError(f"memory: an optimizer steps in training only; write training=True beside optimizer={optimizer!r}.")
    if not isinstance(optimizer, str):
        return check.integer(optimizer, "optimizer", "memory", 0)
    known = {name.lower(): arrays for name, arrays in OPTIMIZERS.items()}
    if optimizer.lower() not in known:
        raise UnknownNameError(
            f"memory: optimizer is a name or how many arrays it holds per parameter, but it is {optimizer!r}.{nearest(optimizer, OPTIMIZERS)}"
        )
    return known[optimizer.lower()]


def _named(optimizer: str | int) -> str:
    """Return the optimizer's name as its class is written."""
    names = {name.lower(): name for name in OPTIMIZERS}
    return names[optimizer.lower()] if isinstance(optimizer, str) else f"one of {optimizer} arrays"


def _forward_curve(facts: Description) -> list[tuple[str, int]]:
    """Return (node, bytes) of net(x): what describe's curve has, inputs that their giver still holds, and the workspace."""
    net, memory_of = facts.net, owners(facts.net)
    last = {memory_of[name]: at for at, node in enumerate(net) for name in node.inputs}
    kept = {memory_of[name] for name in net.outputs}
    last_format = any(isinstance(node.layer, ChannelsLast) for node in net)
    curve = []
    for at, (name, alive) in enumerate(facts.memory_curve()):
        let_go = [x for x in net.inputs if last.get(x, -1) < at and x not in kept]
        held = sum(prod(facts.shapes[x]) * facts.itemsize for x in let_go)
        curve.append((name, alive + held + _workspace(net.node(name), facts, last_format)))
    return curve


def _workspace(node, facts: Description, channels_last: bool) -> int:
    """Return the bytes that a node keeps beside its maps while net(x) computes it, with the algorithm that "fast" takes."""
    shapes, layer = [facts.shapes[name] for name in node.inputs], node.layer
    if not isinstance(layer, Conv2d) or layer.algorithm != "auto":
        return layer.workspace_bytes(*shapes, itemsize=facts.itemsize)
    about = shapes[0], layer.weight.shape, layer.window
    dtype = np.float32 if facts.itemsize == 4 else np.float64
    return workspace_bytes(choose_algorithm(*about, dtype, "fast", channels_last=channels_last), *about, facts.itemsize)


def _columns(node, facts: Description) -> int:
    """Return the bytes of the matrix with a column for each output position of the batch: C·R·S × N·P·Q; 0 for a 1×1 kernel, a view."""
    layer, shape = node.layer, facts.shapes[node.inputs[0]]
    if layer.window.is_pointwise and layer.window.stride == (1, 1) and not layer.window.padded(shape[2:]):
        return 0
    out = layer.window.output_size(shape[2:])
    return prod(shape[:2]) * prod(layer.window.kernel) * prod(out) * facts.itemsize


def _parts(facts: Description, once: int, curve, training: bool, arrays: int | None) -> tuple[tuple[str, int, str], ...]:
    """Return what stands around the pass, and the most that is alive at a moment of it."""
    times_held = 1 if arrays is None else 2
    twice = "" if arrays is None else f"; {count(once, 'B')} each for the step and the last finished epoch"
    statistics = sum(array.nbytes for array in facts.net.buffers().values())
    peak, alive = max(curve, key=lambda moment: moment[1], default=("", 0))
    what = "maps kept and in use, gradients and workspace" if training else "the input, maps in use and workspace"
    parts = [
        ("parameters", times_held * once, f"{facts.parameters:,} numbers{twice}"),
        ("statistics", statistics, "running means and variances of normalization"),
        ("prepared", times_held * facts.prepared_bytes, "weights in the form that kernels read, from the first call on"),
        ("optimizer", 2 * (arrays or 0) * once, f"{arrays} arrays per parameter, of the step and of the last finished epoch"),
        ("at the peak", alive, f"{what}, at {peak}"),
    ]
    return tuple(part for part in parts if part[1])
