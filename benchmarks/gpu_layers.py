"""How fast is one convolution on a device: every rung that applies, and cuDNN by way of PyTorch?

Idea: all candidates read the same arrays on the device and have their weight prepared beforehand; ours fill arrays that are there already,
PyTorch takes its results from its own pool, and they are held as long as ours, so that both write to memory and not to a cache.
cuDNN chooses by trying (torch.backends.cudnn.benchmark), once in fp32 (TF32 off: the fair fight), once with TF32 allowed, for information.

Each candidate is checked before it is timed: the first and the last image against float64 on the CPU.  A rung may be off by the
contract's bound (conv/contract.py), cuDNN in fp32 by 10⁻³ of the largest number (Winograd), with TF32 by 10⁻² (11 bits).  One that fails
is named and not timed.
What it does not do: count the launches of the host (gpu_timing.py).  Next room: gpu.py.
"""

import dataclasses
from collections.abc import Callable
from math import prod
from typing import NamedTuple

import numpy as np
from gpu_kernels import fill
from gpu_timing import Call, alternate, rotation_count, spread
from layers import Convolution, chosen

from minicnn import Window, conv2d
from minicnn.conv.cuda import device
from minicnn.conv.gallery import LADDER, load_algorithm

NETWORKS = ("vgg16", "resnet50")  # those of the targets
DEPTHWISE = ("MBv2 96→96 k3 s2 dw @112", "Lite0 672→672 k5 dw @14")  # for the rung that has no layer there
CUDNN, TF32 = "cudnn", "cudnn_tf32"
PLACE = "cuda"  # where PyTorch's tensors are; tests of the simulator say cpu
PEERS_MAY_DIFFER = {CUDNN: 1e-3, TF32: 1e-2}  # of the largest number


class Candidate(NamedTuple):
    """What is timed, and what it answered for an image of its first call."""

    call: Call
    answer: Callable[[int], np.ndarray]


class Given(NamedTuple):
    """A layer with numbers: the weight on the host, inputs and outputs on the device, so many copies of each."""

    layer: Convolution
    window: Window
    weight: np.ndarray
    bias: np.ndarray
    xs: list
    ys: list


def layers_of(batches, only=(), quick: bool = False) -> list[Convolution]:
    """Return the layers of VGG16 and ResNet-50 and two depthwise ones; with words, any layer whose name holds them."""
    found = chosen(batches, only=only, quick=quick)
    return found if only else [layer for layer in found if layer.network in NETWORKS or layer.name in DEPTHWISE]


def given(layer: Convolution, block, l2_bytes: int) -> Given:
    """Return a layer with random numbers, in so many copies that they do not fit into the L2 cache."""
    rng = np.random.default_rng(0)
    weight = rng.standard_normal(layer.weight_shape, np.float32) / np.float32(prod(layer.weight_shape[1:]) ** 0.5)
    bias = rng.standard_normal(layer.weight_shape[0], np.float32)
    copies = rotation_count(4 * (prod(layer.x_shape) + prod(layer.output_shape)), l2_bytes)
    xs, ys = [device.empty(layer.x_shape) for _ in range(copies)], [device.empty(layer.output_shape) for _ in range(copies)]
    for number, x in enumerate(xs):
        fill(x, block, 7919 * number)
    window = Window.of(layer.weight_shape[2:], layer.stride, layer.padding, layer.dilation)
    return Given(layer, window, weight, bias, xs, ys)


def rungs(problem: Given) -> tuple[dict[str, Candidate], dict[str, str]]:
    """Return the rungs that apply, by name, and why each other one does not."""
    found, left_out = {}, {}
    for name in LADDER:
        try:
            reason = load_algorithm(name).why_not(problem.layer.x_shape, problem.layer.weight_shape, problem.window, np.dtype(np.float32))
            if reason is None:
                found[name] = _rung(name, problem)
            else:
                left_out[name] = reason
        except Exception as error:  # a rung that does not compile must not keep the others from being measured
            left_out[name] = f"failed: {_told(error)}"
    return found, left_out


def _rung(name: str, problem: Given) -> Candidate:
    module, layer = load_algorithm(name), problem.layer
    prepared = module.prepare(problem.weight, problem.window, layer.groups)
    ready = dataclasses.replace(prepared, window=problem.window.resolve(layer.x_shape[2:]))
    bias, (xs, ys) = device.uploaded(problem.bias), (problem.xs, problem.ys)

    def call(number: int) -> None:
        at = number % len(xs)
        module.launch(xs[at], ready, bias, 0, np.float32(np.inf), ys[at])

    return Candidate(call, lambda image: device.downloaded(ys[0][image]))


def as_tensor(x):
    """Return a device array as PyTorch sees it, without a copy."""
    import torch

    return torch.as_tensor(x, device=PLACE) if PLACE == "cuda" else torch.from_numpy(x.copy_to_host())


def cudnn(problem: Given, tf32: bool) -> Candidate:
    """Return PyTorch's convolution on the same arrays; uneven padding is padded first, as its users must."""
    import torch

    layer, ((top, bottom), (left, right)) = problem.layer, problem.window.resolve(problem.layer.x_shape[2:]).padding
    xs = [as_tensor(x) for x in problem.xs]
    weight, bias = (torch.from_numpy(array).to(PLACE) for array in (problem.weight, problem.bias))
    even = top == bottom and left == right
    held: list = [None] * len(xs)

    @torch.inference_mode()
    def call(number: int) -> None:
        torch.backends.cudnn.allow_tf32 = tf32
        at = number % len(xs)
        x = xs[at] if even else torch.nn.functional.pad(xs[at], (left, right, top, bottom))
        sides = (top, left) if even else (0, 0)
        held[at] = torch.nn.functional.conv2d(x, weight, bias, layer.stride, sides, layer.dilation, layer.groups)

    return Candidate(call, lambda image: held[0][image].cpu().numpy())


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def measured(problem: Given, candidates: dict[str, Candidate], left_out: dict, nothing, rounds: int, clock, ceiling: dict) -> dict:
    """Return the row of a layer: what every candidate that answers rightly took, and what that is of the ceilings.

    nothing : a block of NaN on the device, with which outputs are filled before they are checked
    """
    failed = {name: reason for name, reason in left_out.items() if reason.startswith("failed: ")}
    right, differences = {}, {}
    law = Law(problem)
    for name, candidate in candidates.items():
        try:
            fill(problem.ys[0], nothing)
            candidate.call(0)
            clock.wait()
            differences[name] = law.difference(name, candidate.answer)
            right[name] = candidate.call
        except Exception as error:  # what else is measured is worth having
            failed[name] = f"failed: {_told(error)}"
            clock.wait()  # raises where the device is lost
    times = {name: spread(each)._asdict() for name, each in (alternate(right, rounds, clock) if right else {}).items()}
    return row_of(problem.layer, times, ceiling) | {
        "copies": len(problem.xs),
        "differences": differences,
        "failed": failed,
        "left_out": {name: reason for name, reason in left_out.items() if name not in failed},
    }


def row_of(layer: Convolution, times: dict[str, dict], ceiling: dict) -> dict:
    """Return what follows from the times of a layer: the best rung, speeds, shares of peak and of the roofline."""
    operations = 2 * layer.multiply_adds
    gflops = {name: operations / each["median"] / 1e6 for name, each in times.items()}
    own = {name: each["median"] for name, each in times.items() if name in LADDER}
    most = min(ceiling["peak_gflops"], ceiling["copy_gb_per_second"] * operations / layer.bytes)
    best = min(own, key=own.get) if own else None
    return {
        **layer.to_dict(),
        "milliseconds": times,
        "gflops": gflops,
        "best": best,
        "of_peak": gflops[best] / ceiling["peak_gflops"] if best else None,
        "of_roofline": gflops[best] / most if best else None,
        "over_cudnn": times[CUDNN]["median"] / own[best] if best and CUDNN in times else None,
    }


class Law:
    """What the first and the last image come to, in float64 on the CPU, and how far a rung may be off."""

    def __init__(self, problem: Given):
        layer = problem.layer
        self.images = sorted({0, layer.batch - 1})
        settings = {"stride": layer.stride, "padding": layer.padding, "dilation": layer.dilation, "groups": layer.groups}
        x = np.stack([device.downloaded(problem.xs[0][image]) for image in self.images]).astype(np.float64)
        weight, bias = problem.weight.astype(np.float64), problem.bias.astype(np.float64)
        self.y = conv2d(x, weight, bias, **settings)
        sums = conv2d(np.abs(x), np.abs(weight), np.abs(bias), **settings)
        self.bound = (prod(layer.weight_shape[1:]) + 3) * np.finfo(np.float32).eps * sums  # the contract's, and the law's own float64

    def difference(self, name: str, answer: Callable[[int], np.ndarray]) -> float:
        """Return the largest difference as a share of what is allowed; raise where it is more, or not a number."""
        y = np.stack([answer(image) for image in self.images])
        if y.shape != self.y.shape:
            raise ValueError(f"answers with shape {y.shape[1:]} an image, not {self.y.shape[1:]}")
        allowed = PEERS_MAY_DIFFER[name] * np.abs(self.y).max() if name in PEERS_MAY_DIFFER else self.bound
        found = float((np.abs(y - self.y) / allowed).max())
        if not found <= 1:
            raise ValueError(f"answers {found:.3g} times as far off as it may")
        return found
