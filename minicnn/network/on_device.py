"""Which question: how does a whole network run on a GPU, and what is copied when?

    there = to_device(net, "cuda")      every weight is copied to the device, once
    there(x)                            NumPy's x goes up once, every node runs there, the output comes down once
    there(x_on_the_device)              nothing is copied; what comes out is of the kind that went in (Numba, CuPy, PyTorch)

Idea: a copy over the bus costs more than the work of most layers, so copies stand at the ends of a network only.  Shapes are asked when an
input of a new shape comes, and places for maps are found then (device_plan.py).  Kernels run in the order in which they are launched, so
nobody waits until something comes down.

Cost: memory for the maps that are alive at once, kept for the shape that came last, so that a call allocates its outputs only.
When it loses: maps so small that a launch, some microseconds a node, is longer than the work.
What it does not do: traces and training, which hand out every map; several devices; several streams.
Source: CUDA C++ Best Practices Guide, section on data transfer.  Next room: device_plan.py.
"""

import re
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from minicnn.conv.cuda import device as gpu
from minicnn.errors import ArgumentError, DTypeError, UnsupportedError
from minicnn.network.device_plan import Plan, Shapes, plan_of
from minicnn.network.graph import Network, as_network, bind_inputs
from minicnn.network.node import named
from minicnn.text import plural


@dataclass(frozen=True, eq=False, repr=False)
class DeviceNetwork:
    """A network whose weights are on a GPU; to_device makes it, calling it runs it.

    x is what the network takes on the host: (N, C, H, W) or one image, float32.  NumPy's arrays go up, and the outputs come down;
    for device arrays (Numba, CuPy, PyTorch) nothing is copied, and outputs are of the kind of the first input.  Outputs are new arrays.

    Raises what the network raises for wrong inputs; DTypeError for float64; ArgumentError for arrays of both kinds at once;
    UnsupportedError where the device's memory does not suffice.
    """

    net: Network
    fills: Mapping[str, Callable | None]  # by node; None for a view

    def __call__(self, *inputs):
        there = _are_there(inputs)
        arrays = [gpu.taken(x, name, "network") for x, name in zip(inputs, _names(self.net, inputs), strict=True)] if there else inputs
        bound, unbatched = bind_inputs(self.net, [_stand_in(x) for x in arrays] if there else arrays)
        _check_float32(bound)
        plan = _planned(self, {name: x.shape for name, x in bound.items()}, unbatched)
        if there:
            bound = {name: x.reshape(plan.given[name]) for name, x in zip(bound, arrays, strict=True)}
        elif plan.numbers:
            bound = {name: gpu.uploaded(x) for name, x in bound.items()}
        outputs = plan.run(bound)
        if unbatched:
            outputs = [y.reshape(y.shape[1:]) for y in outputs]
        outputs = [gpu.handed_back(y, inputs[0]) if there else gpu.downloaded(y) for y in outputs]
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def __repr__(self) -> str:
        numbers = sum(array.size for array in self.net.parameters().values())
        ends = f"{', '.join(self.net.inputs)} → {', '.join(self.net.outputs)}"
        return f"DeviceNetwork({ends}, on cuda): {plural(len(self.net), 'node')}, {numbers:,} parameters"


def to_device(net: Network, device: str = "cuda") -> DeviceNetwork:
    """Return a network whose weights are on the GPU: there(x) is net(x), computed there.

    y = net(x) up to the order of sums: each node sums the products of its own equation in float32, as net(x, accuracy="exact") does.
    net: a Network or a Layer, float32, with numbers; minicnn.fuse(net) spares the passes over memory between its nodes.
    device: "cuda", the device that numba.cuda has selected.

    Raises ArgumentError for another device; UnsupportedError where there is no GPU, and for a layer that has no kernel, with its node's
    name; DTypeError for float64 weights; WeightsError for a network without numbers.  Source: PyTorch's Module.to.

    >>> from minicnn import nn
    >>> there = to_device(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), "cuda")      # doctest: +SKIP
    >>> there(np.ones((2, 3, 6, 8), np.float32)).shape                               # doctest: +SKIP
    (2, 8, 4, 6)
    """
    _check_word(device)
    net = as_network(net, "to_device")
    gpu.require("to_device")
    from minicnn.network.device_layers import made  # kernels: a GPU's part of Numba loads here, not with the package

    for name, reason in refusals(net).items():
        raise UnsupportedError(f"to_device: node {name!r}, {net[name]!r}: {reason}.")
    _refuse_float64(net)
    fills: dict[int, Callable | None] = {}
    for node in net.nodes:
        if id(node.layer) not in fills:  # a layer that stands in two nodes is copied once
            with named(node):
                fills[id(node.layer)] = made(node.layer)
    return DeviceNetwork(net, {node.name: fills[id(node.layer)] for node in net.nodes})


def refusals(net: Network) -> dict[str, str]:
    """Return, by node, why it cannot be on a device; nothing is copied, and the network need hold no numbers."""
    from minicnn.network.device_layers import refusal

    found = {node.name: refusal(node.layer) for node in net.nodes}
    return {name: reason for name, reason in found.items() if reason is not None}


def _check_word(word) -> None:
    if word == "cuda":
        return
    remedy = "write to_device(net, 'cuda')"
    if isinstance(word, str) and re.fullmatch(r"cuda:\d+", word):
        remedy = f"choose it first with numba.cuda.select_device({word[5:]}), then {remedy}"
    elif word == "cpu":
        remedy = "on the CPU a network runs as it is: net(x)"
    raise ArgumentError(f"to_device: the device is 'cuda', the one that numba.cuda has selected, but it is {word!r}; {remedy}.")


def _refuse_float64(net: Network) -> None:
    for name, array in {**net.parameters(), **net.buffers()}.items():
        if array.dtype != np.float32:
            raise DTypeError(
                f"to_device: kernels hold float32, but {name} is {array.dtype}; convert the network first: "
                "net.with_parameters({name: array.astype('float32') for name, array in {**net.parameters(), **net.buffers()}.items()})."
            )


# ── inputs ──


def _are_there(inputs) -> bool:
    """Whether the inputs are device arrays: all of them, or none."""
    there = [gpu.is_on_device(x) for x in inputs]
    if any(there) and not all(there):
        kinds = ", ".join(f"{type(x).__name__} on the {'device' if on else 'host'}" for x, on in zip(inputs, there, strict=True))
        raise ArgumentError(
            f"network: either all inputs are on the device or none is, but they are {kinds}; copy one with numba.cuda.to_device(x)."
        )
    return any(there)


def _names(net: Network, inputs) -> list[str]:
    """Return a name for each input; more than the network takes are refused later, with the network's message."""
    return [*net.inputs, *(f"input {place}" for place in range(len(net.inputs), len(inputs)))][: len(inputs)]


def _stand_in(x) -> np.ndarray:
    """Return an array of a device array's shape that holds one number, for those who ask for shapes only."""
    return np.broadcast_to(np.float32(0), tuple(map(int, x.shape)))


def _check_float32(bound: Mapping[str, np.ndarray]) -> None:
    for name, x in bound.items():
        if x.dtype != np.float32:
            raise DTypeError(f"network: on a device {name} must be float32, but it is {x.dtype}; give {name}.astype('float32').")


# ── the plan of the shape that came last ──

_plans: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()  # DeviceNetwork: Plan


def _planned(there: DeviceNetwork, given: Shapes, unbatched: bool) -> Plan:
    """Return what the shapes alone say; what was known of another shape is let go, its memory with it."""
    found = _plans.get(there)
    if found is None or found.given != given:
        del found
        _plans.pop(there, None)  # before the next plan asks for memory
        found = _plans[there] = plan_of(there.net, there.fills, given, unbatched)
    return found
