"""Depthwise convolution: every channel has filters of its own, and channels never mix.

    y[n, k, p, q] = b[k] + Σ_i Σ_j  w[k, 0, i, j] · x[n, floor(k/M), p·stride_h + i·dil_h - top, q·stride_w + j·dil_w - left]

with M = K/C filters per input channel.  Idea: there are only R·S products per output, so the time is that of reading
x and writing y.  Some rows of LANES channels are turned into a strip (strips.py) that stays in the cache, with their padding:
there a vector is one pixel of all those channels, and any kernel, stride and dilation is a table of offsets.
Where x is channels_last nothing is turned, and so is y.
float64, and weights that are not finite (0·∞ is NaN where the law skips the tap), go by plain loops.
Cost: N·K·P·Q·R·S multiply-adds, each with one load; two turns a number; scratch of two strips a thread.
When it loses: not on its own ground; it does nothing else.
Source: Howard et al., "MobileNets" (2017), section 3.1.  Next room: gemm.py.
"""

import functools
from math import prod

import numpy as np

from minicnn.conv.algorithm import Prepared, at_the_store, output_shape, plain, run_loops, scratch
from minicnn.conv.depthwise_kernel import all_blocks, slide_planes
from minicnn.conv.jit.machine import LANES
from minicnn.conv.jit.threads import workers_for
from minicnn.conv.layout import bias_in_lanes, in_lanes, taps_of
from minicnn.conv.memory_format import empty, flat, is_channels_last, pixels

STRIP = 1 << 14  # numbers of x in a strip, about: 64 KB
A_LOAD_EACH = 4  # a product here takes as long as so many in registers


def why_not(x_shape, w_shape, window, dtype) -> str | None:
    if w_shape[1] != 1:
        groups = x_shape[1] // w_shape[1]
        return f"it is for one input channel per group (groups = C = {x_shape[1]}), and groups is {groups}"
    return None


def prepare(weight, window, groups: int = 1) -> Prepared:
    if weight.dtype != np.float32 or not np.isfinite(weight).all():
        return Prepared(plain(weight), weight.shape, window, finite=False)
    return Prepared(in_lanes(weight.reshape(len(weight), -1), 1, LANES), weight.shape, window)


def run(x, prepared, bias=None, activation=None):
    if not prepared.finite:
        return run_loops(slide_planes, x, prepared, bias, activation)
    K, C = prepared.shape[0], x.shape[1]
    if C != K:
        x = np.repeat(x, K // C, axis=1)  # several filters a channel: each with a copy
    shape, last = output_shape(x.shape, prepared.shape, prepared.window), is_channels_last(x)
    y = empty(shape, x.dtype) if last else np.empty(shape, x.dtype)
    bind(x.shape, prepared, bias, activation, last=last)(flat(x), (pixels(y) if last else y).reshape(-1))
    return y


def bind(x_shape, prepared, bias, activation, *, last: bool = True):
    """Return fill(x, y) for inputs of one shape with a filter a channel, flat: what depends on the shape alone is known already."""
    window = prepared.window.resolve(x_shape[2:])
    (N, K, P, Q), ((top, _), (left, _)) = output_shape(x_shape, prepared.shape, window), window.padding
    extent, columns, bands, band = cut(window, (P, Q))
    sizes = (*x_shape[1:], P, Q, extent, *window.stride, top, left, columns, bands, band, known_side(window), int(last))
    offsets = plain(taps_of(1, window, (extent, columns)).reshape(-1) * LANES)
    weight, added, end = prepared.weight, bias_in_lanes(bias, K, 1, LANES), at_the_store(activation)
    blocks, products, share = N * -(-K // LANES) * bands, N * K * P * Q * offsets.size * A_LOAD_EACH, scratch_size(window, (P, Q))

    def fill(x, y):
        workers = workers_for(products)
        kernel = all_blocks if workers > 1 else all_blocks.alone
        kernel(workers, blocks, x, weight, added, y, offsets, scratch(workers, share), sizes, *end)

    return fill


def known_side(window) -> int:
    """Return 3 or 5 for kernels that have a loop of their own, else 0.

    >>> from minicnn.window import Window
    >>> known_side(Window.of(3, stride=2)), known_side(Window.of((3, 5))), known_side(Window.of(3, stride=3))
    (3, 0, 0)
    """
    known = window.kernel in ((3, 3), (5, 5)) and window.stride[1] <= 2 and window.dilation == (1, 1)
    return window.kernel[0] if known else 0


@functools.lru_cache(256)
def cut(window, out_size) -> tuple[int, int, int, int]:
    """Return the rows that a kernel spans, the columns that a strip needs, and how outputs are cut: in how many bands of how many rows.

    >>> from minicnn.window import Window
    >>> cut(Window.of(3, stride=2), (20, 30))[:2]
    (3, 61)
    """
    (extent, across), (stride_h, stride_w) = (d * (k - 1) + 1 for d, k in zip(window.dilation, window.kernel, strict=True)), window.stride
    columns = (out_size[1] - 1) * stride_w + across
    band = max(1, (STRIP // (columns * LANES) - extent) // stride_h + 1)
    bands = -(-out_size[0] // band)
    return extent, columns, bands, -(-out_size[0] // bands)


def scratch_size(window, out_size) -> int:
    """Return how many numbers a worker needs: a strip of inputs, one of outputs, and what four pixels reach past their ends."""
    extent, columns, _, band = cut(window, out_size)
    rows = (band - 1) * window.stride[0] + extent
    return (rows * columns + 4 * window.stride[1] + band * out_size[1] + 4) * LANES


def error_factor(terms: int) -> float:
    """Any order of summing `terms` products and a bias: see contract.py."""
    return terms + 2.0


def prepared_bytes(x_shape, w_shape, window, itemsize: int) -> int:
    """The weight with its filters rounded up to LANES; as it is in float64."""
    return -(-w_shape[0] // LANES) * LANES * prod(w_shape[1:]) * 4 if itemsize == 4 else 0


def workspace_bytes(x_shape, w_shape, window, itemsize: int) -> int:
    """The scratch of as many threads as there are; none in float64."""
    if itemsize != 4:
        return 0
    window, out_size = window.resolve(x_shape[2:]), window.output_size(x_shape[2:])
    workers = workers_for(x_shape[0] * w_shape[0] * prod(out_size) * prod(w_shape[1:]) * A_LOAD_EACH)
    copies = prod(x_shape) * w_shape[0] // x_shape[1] if w_shape[0] != x_shape[1] else 0
    return (workers * scratch_size(window, out_size) + copies) * itemsize
