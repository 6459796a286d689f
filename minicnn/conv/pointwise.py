"""1×1 convolution: no neighbours, so every position is the same small matrix product.

    y[n, k, p, q] = b[k] + Σ_c  w[k, c] · x[n, c, p·stride_h - top, q·stride_w - left]

Idea: with the positions of an image as the columns of a matrix, (K × C) times (C × P·Q) is all there is: gemm.py
without windows, whose panels are rows of x as they stand.  Strides drop positions first; where padding is, only the bias
comes out.  float64, and weights that are not finite, go to NumPy's matmul.
Cost: K·C·P·Q multiply-adds; a copy of the positions that are used, where a stride leaves some out.
When it loses: never for 1×1 kernels, except few channels on tiny maps.
Source: Lin, Chen, Yan, "Network In Network" (2014), section 3.1.  Next room: depthwise.py, its complement.
"""

from math import prod

import numpy as np

from minicnn.conv import gemm
from minicnn.conv.algorithm import Prepared, finish, output_shape, plain


def why_not(x_shape, w_shape, window, dtype) -> str | None:
    if not window.is_pointwise:
        return f"it is for 1×1 kernels, and this one is {window.kernel[0]}×{window.kernel[1]}"
    return None


def prepare(weight, window, groups: int = 1) -> Prepared:
    if weight.dtype == np.float32 and np.isfinite(weight).all():
        return gemm.prepare(weight, window, groups)
    return Prepared(plain(weight), weight.shape, window, finite=False)


def run(x, prepared, bias=None, activation=None):
    if prepared.finite:
        return gemm.run(x, prepared, bias, activation)
    window = prepared.window.resolve(x.shape[2:])
    K, channels = prepared.shape[:2]
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


def prepared_bytes(x_shape, w_shape, window, itemsize: int) -> int:
    return gemm.prepared_bytes(x_shape, w_shape, window, itemsize) if itemsize == 4 else 0


def workspace_bytes(x_shape, w_shape, window, itemsize: int) -> int:
    """What gemm.py keeps; in float64 a copy of the positions that are used, where a stride leaves some out."""
    if itemsize == 4:
        return gemm.workspace_bytes(x_shape, w_shape, window, itemsize)
    out = prod(window.output_size(x_shape[2:]))
    return x_shape[0] * x_shape[1] * out * itemsize if window.stride != (1, 1) else 0
