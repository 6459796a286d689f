"""1×1 convolution: no neighbours, so every position is the same small matrix product.

    y[n, k, p, q] = b[k] + Σ_c  w[k, c] · x[n, c, p·stride_h - top, q·stride_w - left]

Idea: with the positions of an image as the columns of a matrix, (K × C) times (C × P·Q) is all there
is; no window is copied.  Strides drop positions first; where padding is, only the bias comes out.
Cost: K·C·P·Q multiply-adds at BLAS speed; workspace only where a stride makes a copy.
When it loses: never for 1×1 kernels, except few channels on tiny maps.
Source: Lin, Chen, Yan, "Network In Network" (2014), section 3.1.  Next room: depthwise.py, its complement.
"""

from math import prod

import numpy as np

from minicnn.conv.algorithm import Prepared, finish, output_shape


def why_not(x_shape, w_shape, window, dtype) -> str | None:
    if not window.is_pointwise:
        return f"it is for 1×1 kernels, and this one is {window.kernel[0]}×{window.kernel[1]}"
    return None


def prepare(weight, window) -> Prepared:
    return Prepared(np.ascontiguousarray(weight.reshape(weight.shape[:2])), weight.shape, window)


def run(x, prepared, bias=None, activation=None):
    window = prepared.window.resolve(x.shape[2:])
    K, channels = prepared.weight.shape
    (N, C), (H, W) = x.shape[:2], x.shape[2:]
    shape = output_shape(x.shape, prepared.shape, window)
    rows, columns = window.axes((H, W))
    (p, h), (q, w) = rows.tap(0, H, shape[2]), columns.tap(0, W, shape[3])
    used = x[:, :, h, w]
    G = C // channels
    weight = prepared.weight.reshape(G, K // G, channels)
    pixels = used.reshape(N, G, channels, used.shape[2] * used.shape[3])  # one column per output position
    y = np.matmul(weight, pixels).reshape(N, K, used.shape[2], used.shape[3])
    if y.shape != shape:  # the outputs that lie on padding hold the bias only
        whole = np.zeros(shape, x.dtype)
        whole[:, :, p, q] = y
        y = whole
    return finish(y, bias, activation)


def error_factor(terms: int) -> float:
    """Any order of summing `terms` products and a bias: see contract.py."""
    return terms + 2.0


def workspace_bytes(x_shape, w_shape, window, itemsize: int) -> int:
    """A copy of the positions that are used, where a stride leaves some out."""
    out = prod(window.output_size(x_shape[2:]))
    return x_shape[0] * x_shape[1] * out * itemsize if window.stride != (1, 1) else 0
