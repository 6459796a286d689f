"""Who is measured beside us, and how do their users run them?

    torch            nn.functional.conv2d, inference mode: NCHW, and once more channels_last (input and weight)
    onnxruntime      a session around one Conv, prepared once; run(None, {"x": x}) from NumPy to NumPy
    loops            the seven loops of a lecture in plain Python, on layers of at most 500,000 products
    im2col-dot       windows as columns (as_strided, copied), one np.dot per image and group
    scipy            scipy.signal.correlate, one filter at a time, summed over channels; stride 1, no groups, at most
                     120 million products (seconds a call)

`course` stands for the last three: what a course would otherwise write.  Every peer gets the number of threads that is
asked for, the same input, weight and bias, and returns a new array.  PyTorch has no uneven padding: its users pad first
(TensorFlow's 'same' with a stride), and so it is measured.
What it does not do: tune a peer beyond its documented settings; compile or quantize.
Source: PyTorch's "channels last" tutorial; ONNX Runtime's documentation of SessionOptions.
Next rooms: conv.py; twins.py for whole networks.
"""

import importlib.util
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from layers import Convolution

from minicnn import nn
from minicnn.errors import MinicnnError, UnknownNameError, nearest

OURS = "minicnn"
COURSE = ("loops", "im2col-dot", "scipy")
FEW, MANY = 500_000, 120_000_000  # products that seven Python loops do in a second, and that scipy does in seconds
Call = Callable[[], object]


class Problem(NamedTuple):
    """One convolution with numbers."""

    layer: Convolution
    x: np.ndarray
    weight: np.ndarray
    bias: np.ndarray


class Peer(NamedTuple):
    """A library or a recipe: what it needs, what it cannot do, the calls that are timed."""

    packages: tuple[str, ...]  # what pip installs
    why_not: Callable[[Convolution], str | None]
    calls: Callable[[Problem, int], dict[str, Call]]


def problem(layer: Convolution) -> Problem:
    """Return a layer with normal random numbers, none of them denormal: the same for the same shapes."""
    rng = np.random.default_rng(0)
    weight = rng.standard_normal(layer.weight_shape, np.float32) / np.float32(np.prod(layer.weight_shape[1:]) ** 0.5)
    return Problem(layer, rng.standard_normal(layer.x_shape, np.float32), weight, rng.standard_normal(layer.weight_shape[0], np.float32))


def ours(given: Problem) -> Call:
    """Return a call of our layer as a network calls it; its weight is prepared by the first."""
    own = given.layer
    layer = nn.Conv2d.of(given.weight, given.bias, own.stride, own.padding, own.dilation, own.groups)
    return lambda: layer(given.x)


def _torch(given: Problem, threads: int) -> dict[str, Call]:
    import torch

    torch.set_num_threads(threads)
    own, (rows, columns) = given.layer, given.layer.padding
    even = rows[0] == rows[1] and columns[0] == columns[1]
    padding, around = ((rows[0], columns[0]), None) if even else ((0, 0), (*columns, *rows))

    def call(layout) -> Call:
        x, weight = (torch.from_numpy(array).contiguous(memory_format=layout) for array in (given.x, given.weight))
        bias, convolve = torch.from_numpy(given.bias), torch.nn.functional.conv2d

        @torch.inference_mode()
        def run():
            padded = x if around is None else torch.nn.functional.pad(x, around)
            return convolve(padded, weight, bias, own.stride, padding, own.dilation, own.groups)

        return run

    return {"torch": call(torch.contiguous_format), "channels_last": call(torch.channels_last)}


def _onnxruntime(given: Problem, threads: int) -> dict[str, Call]:
    from twins import onnx_session

    own = given.layer
    net = nn.Sequential(("conv", nn.Conv2d.of(given.weight, given.bias, own.stride, own.padding, own.dilation, own.groups)))
    session = onnx_session(net, own.x_shape, threads)
    return {"onnxruntime": lambda: session.run(None, {"x": given.x})[0]}


def _loops(given: Problem, threads: int) -> dict[str, Call]:
    own = given.layer

    def run():
        (N, K, P, Q), (_, channels, R, S) = own.output_shape, own.weight_shape
        (top, _), (left, _) = own.padding
        H, W = own.x_shape[2:]
        y = np.zeros(own.output_shape, np.float32)
        for n in range(N):
            for k in range(K):
                first = k // (K // own.groups) * channels
                for p in range(P):
                    for q in range(Q):
                        total = given.bias[k]
                        for c in range(channels):
                            for i in range(R):
                                for j in range(S):
                                    h = p * own.stride[0] + i * own.dilation[0] - top
                                    w = q * own.stride[1] + j * own.dilation[1] - left
                                    if 0 <= h < H and 0 <= w < W:
                                        total += given.weight[k, c, i, j] * given.x[n, first + c, h, w]
                        y[n, k, p, q] = total
        return y

    return {"loops": run}


def _im2col_dot(given: Problem, threads: int) -> dict[str, Call]:
    own = given.layer

    def run():
        (N, K, P, Q), (_, channels, R, S), G = own.output_shape, own.weight_shape, own.groups
        x = np.pad(given.x, ((0, 0), (0, 0), *own.padding))
        n, c, h, w = x.strides
        strides = (n, c, own.dilation[0] * h, own.dilation[1] * w, own.stride[0] * h, own.stride[1] * w)
        windows = np.lib.stride_tricks.as_strided(x, (N, own.x_shape[1], R, S, P, Q), strides)
        y = np.empty((N, K, P, Q), np.float32)
        for image in range(N):
            for g in range(G):
                cols = windows[image, g * channels : (g + 1) * channels].reshape(channels * R * S, P * Q)  # copies
                filters = slice(g * (K // G), (g + 1) * (K // G))
                product = np.dot(given.weight[filters].reshape(K // G, -1), cols)
                y[image, filters] = (product + given.bias[filters, None]).reshape(K // G, P, Q)
        return y

    return {"im2col-dot": run}


def _scipy(given: Problem, threads: int) -> dict[str, Call]:
    from scipy.signal import correlate

    own = given.layer

    def run():
        x = np.pad(given.x, ((0, 0), (0, 0), *own.padding))
        filters = [[correlate(image, one, mode="valid")[0] + b for one, b in zip(given.weight, given.bias, strict=True)] for image in x]
        return np.array(filters, np.float32)

    return {"scipy": run}


def _few_products(layer: Convolution) -> str | None:
    return None if layer.multiply_adds <= FEW else f"only layers of at most {FEW:,} products"


def _plain_steps(layer: Convolution) -> str | None:
    if layer.groups > 1 or layer.stride != (1, 1) or layer.dilation != (1, 1):
        return "scipy.signal.correlate has neither strides nor groups"
    return None if layer.multiply_adds <= MANY else f"only layers of at most {MANY:,} products"


def _anything(layer: Convolution) -> str | None:
    return None


PEERS = {
    "torch": Peer(("torch",), _anything, _torch),
    "onnxruntime": Peer(("onnxruntime", "onnx"), _anything, _onnxruntime),
    "loops": Peer((), _few_products, _loops),
    "im2col-dot": Peer((), _anything, _im2col_dot),
    "scipy": Peer(("scipy",), _plain_steps, _scipy),
}


def named(words: str, command: str, known=tuple(PEERS)) -> list[str]:
    """Return the peers that a comma separated list names; 'course' stands for three of them.

    >>> named("torch,course", "bench conv")
    ['torch', 'loops', 'im2col-dot', 'scipy']

    Raises UnknownNameError.
    """
    found: list[str] = []
    for word in filter(None, (part.strip() for part in words.split(","))):
        names = COURSE if word == "course" else (word,)
        for name in names:
            if name not in known:
                shown = [*known, "course"] if "loops" in known else known
                raise UnknownNameError(f"{command}: --against names peers, but one of them is {word!r}.{nearest(word, shown)}")
            found += [name] if name not in found else []
    return found


def missing(name: str) -> str | None:
    """Return what to do about a peer that is not installed, None where it is."""
    absent = [package for package in PEERS[name].packages if importlib.util.find_spec(package) is None]
    return f"{name} is left out, since it is not installed: pip install {' '.join(PEERS[name].packages)}" if absent else None


class Mismatch(MinicnnError, ValueError):
    """Two candidates that should answer alike do not: nothing is timed."""


def largest_difference(results: dict[str, object], what: str, allowed: float = 1e-3) -> dict[str, float]:
    """Return the largest difference to our result, as a share of our largest number, by peer; raise Mismatch above `allowed`.

    Winograd's transforms cost two or three of float32's seven digits; a wrong padding or stride is off by far more.
    """
    own = np.asarray(results[OURS])
    found = {}
    for name, result in results.items():
        other = np.asarray(result)
        if other.shape != own.shape:
            raise Mismatch(f"{what}: {name} answers with shape {other.shape}, minicnn with {own.shape}; they must compute the same.")
        found[name] = float(np.abs(other - own).max() / np.abs(own).max())
        if not found[name] <= allowed:
            raise Mismatch(
                f"{what}: {name} and minicnn must answer alike, but differ by {found[name]:.2g} of the largest number, more than "
                f"{allowed:g}; nothing was timed."
            )
    return {name: difference for name, difference in found.items() if name != OURS}
