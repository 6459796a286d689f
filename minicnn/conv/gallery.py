"""Which question: which algorithms are there, and why does one not apply?

    ALGORITHMS     for arrays on the host        LADDER     for a GPU (conv/cuda/), taken only by name, or for arrays that are on a device

Idea: a name maps to a module, and nothing is imported until it is used, so that importing this file costs NumPy only.  A new algorithm is
one file and one line.  What conv2d asks of its weight stands here too, since arrays on the host and on a device are asked alike.

Cost: none.  What it does not do: choose or run (dispatch.py).
Source: none.  Next room: dispatch.py.
"""

import functools
import importlib
from types import ModuleType

from minicnn import check
from minicnn.conv.cuda.device import why_none
from minicnn.errors import ArgumentError, ShapeError, UnknownNameError, UnsupportedError, nearest
from minicnn.window import Window

ALGORITHMS = {
    "reference": "minicnn.conv.reference",
    "im2col": "minicnn.conv.im2col",
    "direct": "minicnn.conv.direct",
    "gemm": "minicnn.conv.gemm",
    "channels_last": "minicnn.conv.channels_last",
    "winograd2": "minicnn.conv.winograd2",
    "winograd4": "minicnn.conv.winograd4",
    "pointwise": "minicnn.conv.pointwise",
    "depthwise": "minicnn.conv.depthwise",
    "fft": "minicnn.conv.fft",
}
LADDER = {  # for a GPU: conv/cuda/; each is taken only where it is asked for by name, or where the arrays are on a device
    "cuda_naive": "minicnn.conv.cuda.naive",
    "cuda_coalesced": "minicnn.conv.cuda.coalesced",
    "cuda_tiled": "minicnn.conv.cuda.tiled",
    "cuda_register_tiled": "minicnn.conv.cuda.register_tiled",
    "cuda_pointwise": "minicnn.conv.cuda.pointwise",
    "cuda_depthwise": "minicnn.conv.cuda.depthwise",
}


def check_weight(weight, bias, what: str):
    """Return weight (4-D) and bias (one number per filter or None) as plain arrays."""
    weight = check.float_array(weight, "weight", what)
    if weight.ndim != 4 or 0 in weight.shape:
        raise ShapeError(
            f"{what}: weight must be (K, C/groups, kernel rows, kernel columns), none of them 0, but weight.shape={weight.shape}."
        )
    if bias is None:
        return weight, None
    bias = check.float_array(bias, "bias", what)
    if bias.shape != weight.shape[:1]:
        raise ShapeError(
            f"{what}: bias holds one number per output channel, ({weight.shape[0]},) for weight.shape={weight.shape}, "
            f"but bias.shape={bias.shape}; {f'use bias.reshape({weight.shape[0]})' if bias.size == weight.shape[0] else 'make them agree'}."
        )
    return weight, bias


def check_groups(groups, weight, what: str) -> int:
    """Return groups as an int that divides the output channels."""
    groups = check.integer(groups, "groups", what, 1)
    if weight.shape[0] % groups:
        raise ArgumentError(
            f"{what}: groups must divide the output channels, but {weight.shape[0]} / {groups} leaves {weight.shape[0] % groups} "
            f"(weight.shape={weight.shape}); use {groups * -(-weight.shape[0] // groups)} filters, or other groups."
        )
    return groups


def check_algorithm(algorithm) -> str:
    """Return the name when it is 'auto' or one of the gallery's."""
    if algorithm == "auto" or (isinstance(algorithm, str) and algorithm in (*ALGORITHMS, *LADDER)):
        return algorithm
    raise UnknownNameError(
        f"conv2d: algorithm must be 'auto' or a name of the gallery, but it is {algorithm!r}.{nearest(str(algorithm), [*ALGORITHMS, *LADDER])}"
    )


def refuse_unfit(algorithm: str, x_shape, weight_shape, window: Window, dtype) -> None:
    """Raise when an algorithm is unknown or does not apply, with what is known of each other one."""
    reason = None
    if isinstance(algorithm, str) and algorithm in (*ALGORITHMS, *LADDER):
        reason = _no_device(algorithm) or load_algorithm(algorithm).why_not(x_shape, weight_shape, window, dtype)
        if reason is None:
            return
    lines = []
    for name in _worth_listing(algorithm):
        other = load_algorithm(name).why_not(x_shape, weight_shape, window, dtype)
        lines.append(f"  {name}: {'applies' if other is None else 'does not apply: ' + other}")
    others = "\n".join(lines)
    if reason is None:
        raise UnknownNameError(f"conv2d: algorithm must be 'auto' or one of these, but it is {algorithm!r}:\n{others}")
    raise UnsupportedError(f"conv2d: algorithm {algorithm!r} does not apply here: {reason}. Use 'auto', or one that applies:\n{others}")


def _worth_listing(algorithm) -> list[str]:
    """Return the names that an error lists: the ladder's where a rung was asked for on a machine with a device."""
    asked = isinstance(algorithm, str) and algorithm.startswith("cuda")
    return [*ALGORITHMS, *LADDER] if asked and why_none() is None else [*ALGORITHMS]


def _no_device(algorithm: str) -> str | None:
    """Return why there is no GPU for a rung of the ladder; its file needs one even to be imported."""
    return why_none() if algorithm in LADDER else None


def load_algorithm(name: str) -> ModuleType:
    """Import and return the module of one algorithm."""
    if name not in ALGORITHMS and name not in LADDER:
        raise UnknownNameError(f"conv2d: there is no algorithm {name!r}; known: {', '.join([*ALGORITHMS, *LADDER])}.")
    return _module((ALGORITHMS | LADDER)[name])


_module = functools.cache(importlib.import_module)
