"""How fast are the operations that only move memory, and a whole ResNet-50, on a device?

Idea: an operation between convolutions can at best move its inputs and outputs once, so it is held against the copy of the same machine; each
call takes another copy of its arrays, as layers do (gpu_layers.py).  PyTorch's own is timed beside it.  A ResNet-50 is run from
an input on the device to an output on the device, ours fused (minicnn.fuse) and put there by to_device, PyTorch's as the twin of the unfused
network (twins.py) in eager mode; the launches of the host count, since both users wait for them.
What it does not do: torch.compile, CUDA graphs.  Next room: gpu.py.
"""

import functools
import importlib
from collections.abc import Callable
from math import prod

import gpu_layers
import numpy as np
from gpu_kernels import fill
from gpu_layers import CUDNN, TF32, Candidate, as_tensor
from gpu_timing import alternate, rotation_count, spread

from minicnn.conv.cuda import device

OURS, TORCH = "minicnn", "torch"
CHANNELS = 64
Ours = Callable[[list, object], object]


def operations(batch: int, side: int = 112) -> dict[str, tuple[list[tuple], tuple, Ours, Callable]]:
    """Return, by name: shapes of inputs and output, our call (inputs, output) and PyTorch's (inputs)."""
    from minicnn.functional.cuda import activation, add, batch_norm, pooling

    rng = np.random.default_rng(1)
    scales = [rng.uniform(0.5, 1.5, CHANNELS).astype(np.float32) for _ in range(4)]
    line = batch_norm.line(*scales)
    early, half = (batch, CHANNELS, side, side), (batch, CHANNELS, side // 2, side // 2)

    @functools.cache
    def tensors(there):
        import torch

        return [torch.from_numpy(each).to(there) for each in scales]

    def torch_norm(inputs):
        import torch

        return torch.nn.functional.batch_norm(inputs[0], *tensors(inputs[0].device))

    def functional(name: str, *settings) -> Callable:
        return lambda inputs: getattr(importlib.import_module("torch.nn.functional"), name)(*inputs, *settings)

    size = f"{CHANNELS}×{side}×{side}"
    return {
        f"relu, {size}": ([early], early, lambda xs, y: activation.relu(*xs, out=y), functional("relu")),
        f"add, {size}": ([early] * 2, early, lambda xs, y: add.add(*xs, out=y), lambda inputs: inputs[0] + inputs[1]),
        f"batch_norm, {size}": ([early], early, lambda xs, y: batch_norm.batch_norm(*xs, *line, out=y), torch_norm),
        f"max_pool2d 3 s2, {size}": (
            [early],
            half,
            lambda xs, y: pooling.max_pool2d(*xs, 3, 2, 1, out=y),
            functional("max_pool2d", 3, 2, 1),
        ),
        f"max_pool2d 2, {size}": ([early], half, lambda xs, y: pooling.max_pool2d(*xs, 2, out=y), functional("max_pool2d", 2)),
        f"avg_pool2d 2, {size}": ([early], half, lambda xs, y: pooling.avg_pool2d(*xs, 2, out=y), functional("avg_pool2d", 2)),
    }


def operation_rows(batch: int, block, l2_bytes: int, torch_too: bool, rounds: int, clock, ceiling: dict, *, side: int = 112, tell=print):
    """Return a row for every operation."""
    rows = []
    for name, (shapes, out, ours, theirs) in operations(batch, side).items():
        tell(f"batch {batch}: {name}")
        try:
            rows.append(_operation(name, batch, shapes, out, ours, theirs if torch_too else None, block, l2_bytes, rounds, clock, ceiling))
        except Exception as error:
            rows.append({"name": name, "batch": batch, "failed": f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"})
            clock.wait()  # raises where the device is lost
    return rows


def _operation(name, batch, shapes, out, ours, theirs, block, l2_bytes, rounds, clock, ceiling) -> dict:
    nbytes = 4 * (sum(map(prod, shapes)) + prod(out))
    copies = rotation_count(nbytes, l2_bytes)
    xs = [[device.empty(shape) for shape in shapes] for _ in range(copies)]
    for number, inputs in enumerate(xs):
        for place, x in enumerate(inputs):
            fill(x, block, 7919 * number + 104_729 * place)
    ys = [device.empty(out) for _ in range(copies)]
    calls = {OURS: lambda number: ours(xs[number % copies], ys[number % copies])}
    if theirs is not None:
        calls[TORCH] = _theirs(xs, theirs)
        calls[OURS](0)
        _same(name, device.downloaded(ys[0]), calls[TORCH](0).cpu().numpy())
    times = {each: spread(found)._asdict() for each, found in alternate(calls, rounds, clock).items()}
    speed = nbytes / times[OURS]["median"] / 1e6
    share = speed / ceiling["copy_gb_per_second"]
    return {"name": name, "batch": batch, "bytes_moved": nbytes, "milliseconds": times, "gb_per_second": speed, "of_copy": share}


def _theirs(xs: list, theirs: Callable) -> Callable[[int], object]:
    import torch

    tensors = [[as_tensor(x) for x in inputs] for inputs in xs]
    held: list = [None] * len(xs)

    @torch.inference_mode()
    def call(number: int):
        held[number % len(xs)] = theirs(tensors[number % len(xs)])
        return held[number % len(xs)]

    return call


def _same(name: str, own: np.ndarray, other: np.ndarray, allowed: float = 1e-5) -> float:
    """Return the largest difference as a share of the largest number; raise above `allowed`."""
    found = float(np.abs(own - other).max() / np.abs(other).max()) if own.shape == other.shape else np.inf
    if not found <= allowed:
        raise ValueError(f"{name}: minicnn and PyTorch must answer alike, but differ by {found:.3g} of the largest number")
    return found


def network_row(name: str, batch: int, torch_too: bool, rounds: int, clock, *, net=None, shape=None) -> dict:
    """Return the row of a whole network: milliseconds of a forward pass, ours and PyTorch's with TF32 off and allowed."""
    from networks import NETWORKS, build

    from minicnn import fuse
    from minicnn.network.on_device import to_device

    rng = np.random.default_rng(0)
    net = build(name, rng) if net is None else net
    x = rng.standard_normal((batch, *(shape or NETWORKS[name].shape)), np.float32)
    there, there_x = to_device(fuse(net), "cuda"), device.uploaded(x)
    candidates = {OURS: Candidate(lambda _: there(there_x), lambda _: device.downloaded(there(there_x)))}
    if torch_too:
        candidates |= _eager(net, x)
    own = candidates[OURS].answer(0)
    allowed = {CUDNN: 1e-3, TF32: 5e-2}
    differences = {each: _same(name, own, found.answer(0), allowed[each]) for each, found in candidates.items() if each != OURS}
    times = alternate({each: found.call for each, found in candidates.items()}, rounds, clock, host_too=True)
    row = {
        "name": name,
        "batch": batch,
        "differences": differences,
        "milliseconds": {key: spread(each)._asdict() for key, each in times.items()},
    }
    median = {key: each["median"] for key, each in row["milliseconds"].items()}
    return row | {"over_torch": median[CUDNN] / median[OURS] if CUDNN in median else None, "images_per_second": 1000 * batch / median[OURS]}


def _eager(net, x: np.ndarray) -> dict[str, Candidate]:
    import torch
    from twins import torch_twin

    twin, there = torch_twin(net).to(gpu_layers.PLACE), torch.from_numpy(x).to(gpu_layers.PLACE)

    def candidate(tf32: bool) -> Candidate:
        @torch.inference_mode()
        def call(_: int):
            torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = tf32
            return twin(there)

        return Candidate(call, lambda _: call(0).cpu().numpy())

    return {CUDNN: candidate(False), TF32: candidate(True)}
