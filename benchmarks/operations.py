"""How fast are the operations beside convolution, against PyTorch in NCHW?

Idea: each row is one operation at a size that published networks have, ours and PyTorch's on the same numbers; outputs are
compared, then both have turns.  They move memory and compute little, so beside the ratio the bytes count: input and
output, each once, in GB a second, to hold against the copy that conv.py measures.
Each call returns a new array.  glibc gives PyTorch's back to the system after many a call, and the next one has its
pages zeroed anew: its users wait for that too, unless they load another allocator.  --keep-memory shows the operations
without it.
What it does not do: channels_last; sizes beyond these.  Next room: net.py.
"""

from collections.abc import Callable

import numpy as np
from peers import OURS, largest_difference
from turns import alternate, medians, ratios
from workers import progress

from minicnn import functional as F
from minicnn import fuse, nn
from minicnn.errors import ArgumentError

Shape = tuple[int, ...]


def _add_relu() -> Callable:
    """Return add and ReLU as a network has them once it is fused: the activation at the store."""
    g = nn.Graph()
    return fuse(g.network(g.join("add", nn.Add(), g.input("x"), g.input("y")).then("relu", nn.ReLU())))


def _torch(name: str) -> Callable:
    """Return one of PyTorch's functions by the words that it has below torch."""
    import torch

    found = torch
    for part in name.split("."):
        found = getattr(found, part)
    return found


Row = tuple[list[Shape], Callable[..., object], Callable[..., object]]
CHANNELS = 64


def _scales() -> list[np.ndarray]:
    """Return mean, variance, weight and bias of a batch norm."""
    rng = np.random.default_rng(1)
    return [rng.uniform(0.5, 1.5, CHANNELS).astype(np.float32) for _ in range(4)]


def rows() -> dict[str, Row]:
    """Return, by name, the shapes of the inputs, our call and PyTorch's (whose arguments are tensors)."""
    scales, add_relu = _scales(), _add_relu()
    early, middle, late = (1, 64, 112, 112), (1, 256, 56, 56), (1, 2048, 7, 7)

    def torch_norm(x):
        return _torch("nn.functional.batch_norm")(x, *map(_torch("from_numpy"), scales))

    f = "nn.functional."
    return {
        "max_pool2d 2, 64×224×224": ([(1, 64, 224, 224)], lambda x: F.max_pool2d(x, 2), lambda x: _torch(f + "max_pool2d")(x, 2)),
        "max_pool2d 2, 512×28×28": ([(1, 512, 28, 28)], lambda x: F.max_pool2d(x, 2), lambda x: _torch(f + "max_pool2d")(x, 2)),
        "max_pool2d 3 s2, 64×112×112": ([early], lambda x: F.max_pool2d(x, 3, 2, 1), lambda x: _torch(f + "max_pool2d")(x, 3, 2, 1)),
        "avg_pool2d 2, 64×112×112": ([early], lambda x: F.avg_pool2d(x, 2), lambda x: _torch(f + "avg_pool2d")(x, 2)),
        "avg_pool2d 3 s2, 64×112×112": ([early], lambda x: F.avg_pool2d(x, 3, 2, 1), lambda x: _torch(f + "avg_pool2d")(x, 3, 2, 1)),
        "global average, 2048×7×7": ([late], lambda x: F.adaptive_avg_pool2d(x, 1), lambda x: _torch(f + "adaptive_avg_pool2d")(x, 1)),
        "relu, 64×112×112": ([early], F.relu, lambda x: _torch("relu")(x)),
        "relu6, 64×112×112": ([early], F.relu6, lambda x: _torch(f + "relu6")(x)),
        "add, 256×56×56": ([middle] * 2, F.add, lambda x, y: x + y),
        "add and relu, 256×56×56": ([middle] * 2, add_relu, lambda x, y: _torch("relu")(x + y)),
        "batch_norm, 64×112×112": ([early], lambda x: F.batch_norm(x, *scales), torch_norm),
        "interpolate nearest ×2, 64×56×56": (
            [(1, 64, 56, 56)],
            lambda x: F.interpolate(x, scale_factor=2),
            lambda x: _torch(f + "interpolate")(x, scale_factor=2),
        ),
        "interpolate bilinear ×2, 64×56×56": (
            [(1, 64, 56, 56)],
            lambda x: F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False),
            lambda x: _torch(f + "interpolate")(x, scale_factor=2, mode="bilinear", align_corners=False),
        ),
        "concat, 2 of 128×28×28": ([(1, 128, 28, 28)] * 2, lambda x, y: F.concat([x, y]), lambda x, y: _torch("cat")([x, y], 1)),
        "softmax, 64 rows of 1000": ([(64, 1000)], lambda x: F.softmax(x, 1), lambda x: _torch("softmax")(x, 1)),
        "softmax over channels, 21×112×112": ([(1, 21, 112, 112)], lambda x: F.softmax(x, 1), lambda x: _torch("softmax")(x, 1)),
    }


def measure_operations(only: list[str], peers: list[str], threads: int, rounds: int) -> list[dict]:
    """Return a row for every operation whose name holds one of the words."""
    wanted = {name: row for name, row in rows().items() if not only or any(word.casefold() in name for word in only)}
    if not wanted:
        raise ArgumentError(
            f"bench net: at least one operation must be left to measure, but none is named like {' or '.join(map(repr, only))}; there are {'; '.join(rows())}."
        )
    return [_measured(name, row, peers, threads, rounds) for name, row in wanted.items()]


def _measured(name: str, row: Row, peers: list[str], threads: int, rounds: int) -> dict:
    shapes, ours, theirs = row
    progress(f"{threads} thread{'s' * (threads > 1)}: {name}")
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape, np.float32) for shape in shapes]
    calls = {OURS: lambda: ours(*arrays)}
    if "torch" in peers:
        import torch

        torch.set_num_threads(threads)
        tensors = [torch.from_numpy(array) for array in arrays]
        calls["torch"] = torch.inference_mode()(lambda: theirs(*tensors))
    results = {other: np.asarray(call()) for other, call in calls.items()}
    moved = sum(array.nbytes for array in arrays) + results[OURS].nbytes
    differences = largest_difference(results, f"bench net: {name}")
    times = alternate(calls, rounds)
    own = medians(times)
    return {"name": name, "batch": shapes[0][0], "differences": differences, "bytes_moved": moved,
            "gb_per_second": moved / own[OURS] / 1e6, "milliseconds": own, "ratios": ratios(times, OURS)}  # fmt: skip
