"""Which question: what does conv2d do with arrays that live on a device?

    conv2d(x, weight, bias, …)         device arrays of Numba, CuPy or PyTorch in, the same kind out; nothing is copied to the host

Idea: the checks of conv2d, on shapes alone, then a rung of the ladder.  What is computed stays where it is: the result is handed back by
__cuda_array_interface__, as PyTorch's tensor where x is one.

Cost: preparing the weight, at every call, on the device: a packed copy of it, and, under padding, one pass that says whether it is finite, for
which the host waits.  A network on a device prepares once (network/on_device.py).  What it does not do: gradients; padding by other than zeros.
When it loses: many small calls, whose launches cost more than their work.
Source: Numba's documentation of __cuda_array_interface__, version 3.  Next room: network/on_device.py.
"""

import numpy as np

from minicnn import check
from minicnn.conv.cuda import device
from minicnn.conv.cuda.ladder import choose_rung
from minicnn.conv.gallery import ALGORITHMS, LADDER, check_groups, load_algorithm
from minicnn.errors import ArgumentError, ShapeError, UnknownNameError, UnsupportedError, nearest
from minicnn.window import PADDING_MODES, Window

TO_DEVICE = "torch.as_tensor(a, device='cuda'), cupy.asarray(a) or numba.cuda.to_device(a)"
TO_HOST = "x.cpu().numpy() (PyTorch), x.get() (CuPy) or x.copy_to_host() (Numba)"


def conv2d(
    x, weight, bias=None, stride=1, padding=0, dilation=1, groups: int = 1, *, padding_mode="zeros", algorithm="auto", accuracy="exact"
):
    """Return conv2d of device arrays, on the device, in x's kind.

    y[n,k,p,q] = b[k] + Σ_c Σ_i Σ_j w[k,c,i,j] · x[n, g·C/G + c, p·stride_h + i·dil_h - top, q·stride_w + j·dil_w - left]

    Shapes as conv2d's, which calls it; float32.  algorithm : 'auto' (ladder.choose_rung) or a rung's name, 'cuda_naive', …

    Raises ArgumentError where arrays of host and device are mixed, or lie on two devices; DTypeError unless they are float32; ShapeError;
    UnsupportedError for arrays with gaps, other padding than zeros, and algorithms that run on the host.

    On a machine with a GPU, conv2d(tensor, weight) of PyTorch's tensors returns a tensor on their device.  Source: conv/reference.py.
    """
    _all_on_device(x=x, weight=weight, bias=bias)
    device.require("conv2d")
    named = {"x": x, "weight": weight, "bias": bias}
    found = {name: None if array is None else device.taken(array, name, "conv2d") for name, array in named.items()}
    batch, unbatched = _batch(found["x"])
    _check_weight(found["weight"], found["bias"])
    shape = tuple(map(int, found["weight"].shape))
    groups = check_groups(groups, found["weight"], "conv2d")
    check.wants_channels("conv2d", batch.shape, shape[1] * groups, unbatched=unbatched)
    window = Window.of(shape[2:], stride, padding, dilation, padding_mode=_zeros_only(padding_mode), what="conv2d")
    window.output_size(tuple(map(int, batch.shape[2:])), "conv2d")
    check.one_of(accuracy, "accuracy", "conv2d", ("exact", "fast"))
    module = load_algorithm(_rung(algorithm, batch.shape, shape, window))
    y = module.run(batch, module.prepare(found["weight"], window, groups), found["bias"])
    return device.handed_back(y.reshape(y.shape[1:]) if unbatched else y, x)


def _all_on_device(**arrays) -> None:
    here = [name for name, array in arrays.items() if array is not None and not device.is_on_device(array)]
    if here:
        there = [name for name, array in arrays.items() if device.is_on_device(array)]
        raise ArgumentError(
            f"conv2d: all arrays live on one device, or none does, but {_listed(there)} on a device and {_listed(here)} on the host; "
            f"copy what is on the host to the device: {TO_DEVICE}; or the others to the host: {TO_HOST}."
        )


def _listed(names: list[str]) -> str:
    return f"{names[0]} is" if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]} are"


def _batch(x):
    """Return x as (N, C, H, W), and whether it came as (C, H, W)."""
    shape = tuple(map(int, x.shape))
    if len(shape) not in (3, 4):
        raise ShapeError(f"conv2d: x must be (N, C, H, W) or (C, H, W), but x.shape={shape} has {len(shape)} axes.")
    unbatched = len(shape) == 3
    batch = (1, *shape) if unbatched else shape
    if 0 in batch[1:]:
        raise ShapeError(f"conv2d: only the batch may be empty, but x.shape={shape} has an empty channel, row or column axis.")
    return (x.reshape(batch) if unbatched else x), unbatched


def _check_weight(weight, bias) -> None:
    shape = tuple(map(int, weight.shape))
    if len(shape) != 4 or 0 in shape:
        raise ShapeError(f"conv2d: weight must be (K, C/groups, kernel rows, kernel columns), none of them 0, but weight.shape={shape}.")
    if bias is not None and tuple(bias.shape) != shape[:1]:
        raise ShapeError(
            f"conv2d: bias holds one number per output channel, ({shape[0]},) for weight.shape={shape}, but bias.shape={tuple(bias.shape)}; "
            f"make them agree."
        )


def _zeros_only(padding_mode) -> str:
    check.one_of(padding_mode, "padding_mode", "conv2d", PADDING_MODES)
    if padding_mode != "zeros":
        raise UnsupportedError(
            f"conv2d: kernels for the GPU pad with zeros, but padding_mode is {padding_mode!r}; pad on the device first "
            f"(torch.nn.functional.pad, cupy.pad) and give padding=0, or copy the arrays to the host: {TO_HOST}."
        )
    return padding_mode


def _rung(algorithm, x_shape, w_shape, window) -> str:
    """Return the rung's name: the one that is asked for, if it applies, or the one that suits the shape."""
    if isinstance(algorithm, str) and algorithm == "auto":
        return choose_rung(x_shape, w_shape)
    if isinstance(algorithm, str) and algorithm in ALGORITHMS:
        raise UnsupportedError(
            f"conv2d: x lives on a device, where the algorithms are 'auto' and {', '.join(map(repr, LADDER))}, but {algorithm!r} runs on the "
            f"host; take one of those, or copy the arrays to the host: {TO_HOST}."
        )
    if not isinstance(algorithm, str) or algorithm not in LADDER:
        raise UnknownNameError(
            f"conv2d: for arrays on a device algorithm is 'auto' or one of {', '.join(map(repr, LADDER))}, but it is {algorithm!r}."
            f"{nearest(str(algorithm), list(LADDER))}"
        )
    reason = load_algorithm(algorithm).why_not(x_shape, w_shape, window, np.float32)
    if reason is not None:
        raise UnsupportedError(
            f"conv2d: algorithm {algorithm!r} does not apply here: {reason}. Use 'auto', which is {choose_rung(x_shape, w_shape)!r} here."
        )
    return algorithm
