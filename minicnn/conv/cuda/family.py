"""Which question: what do all rungs of the ladder share?

    as_given(weight, window)       the weight on the device, once per layer, in the order that it came in
    through(x, prepared, bias, activation, launch)      upload what is NumPy's, launch, download; what is on a device stays

Idea: a rung is its kernel and how it is launched: launch(x, prepared, bias, kind, cap, y) with device arrays.  Weights that are not finite take
the rungs that skip the padding: 0·∞ is NaN, and the law multiplies nothing there.

Cost: a copy each way for NumPy's arrays.  For a weight that is on the device already, under padding, one pass over it and four bytes back
to the host, which say whether it is finite.  What it does not do: choose a rung (ladder.py does).
Source: none.  Next room: naive.py.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from minicnn.conv.algorithm import Prepared, at_the_store, output_shape
from minicnn.conv.cuda import device
from minicnn.window import Window

NO_PADDING = ((0, 0), (0, 0))


def why_not(x_shape, w_shape, window, dtype) -> str | None:
    """Return why no rung applies: no device, or numbers that are not float32."""
    if dtype != np.float32:
        return f"kernels for the GPU hold float32, and x is {np.dtype(dtype)}; float64 is im2col's"
    return device.why_none()


def prepared(packed: np.ndarray, weight: np.ndarray, window) -> Prepared:
    """Return a packed weight, copied to the device."""
    return Prepared(device.uploaded(packed), weight.shape, window, finite=bool(np.isfinite(weight).all()))


def as_given(weight, window) -> Prepared:
    """Return a weight on the device as it is: NumPy's is copied there."""
    return Prepared(on_device(weight), tuple(map(int, weight.shape)), window, is_harmless(weight, window))


def on_device(array):
    """Return an array on the device: copied if it is NumPy's."""
    return device.uploaded(array) if isinstance(array, np.ndarray) else array


def is_harmless(weight, window: Window) -> bool:
    """Whether padding may be multiplied as zeros: there is none, or every weight is finite."""
    if window.padding == NO_PADDING:
        return True
    if isinstance(weight, np.ndarray):
        return bool(np.isfinite(weight).all())
    from minicnn.conv.cuda.small import all_finite

    return all_finite(weight)


def through(x, prepared: Prepared, bias, activation, launch: Callable):
    """Return launch's result for x, in the kind that x is: NumPy's in and out, or the device's."""
    device.require("conv2d")
    window = prepared.window.resolve(tuple(map(int, x.shape[2:])))
    shape = output_shape(tuple(map(int, x.shape)), prepared.shape, window)
    for name, size in (("x", x.shape), ("y", shape)):
        device.check_size(size, "conv2d", name)
    kind, cap = at_the_store(activation)
    here = on_device(x)
    y = device.empty(shape)
    if 0 not in shape:
        launch(here, dataclasses.replace(prepared, window=window), bias_on_device(bias, shape[1]), kind, cap, y)
    return device.downloaded(y) if isinstance(x, np.ndarray) else y


def bias_on_device(bias, channels: int):
    """Return the bias as kernels take it, zeros where there is none."""
    if bias is not None:
        return on_device(bias)
    from minicnn.conv.cuda.small import zeros

    return zeros(channels)


def a_thread_each(kernel, threads: int, x, prepared: Prepared, bias, kind: int, cap, y) -> None:
    """Run a kernel with a thread for every output: the first two rungs, which differ in how they number their threads."""
    (N, C, H, W), (_, K, P, Q), (_, channels, R, S) = x.shape, y.shape, prepared.shape
    (top, _), (left, _) = prepared.window.padding
    steps = (*prepared.window.stride, *prepared.window.dilation, top, left)
    arrays = (flat(x), flat(prepared.weight), bias, flat(y))
    kernel(-(-N * K * P * Q // threads), threads, *arrays, N, C, H, W, K, channels, R, S, P, Q, *steps, C // channels, kind, cap)


def flat(x):
    """Return a device array as kernels take it: its numbers in a row."""
    return x.reshape(-1)


def error_factor(terms: int) -> float:
    """Any order of summing `terms` products and a bias: see contract.py."""
    return terms + 2.0


def workspace_bytes(x_shape, w_shape, window, itemsize: int) -> int:
    """No rung keeps anything on the device beside x, the weight and y."""
    return 0
