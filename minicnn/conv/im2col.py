"""The same sum as one matrix product: lay every window out as a column, then multiply.

    cols[c·R·S + i·S + j, p·Q + q] = x padded [c, p·stride_h + i·dil_h, q·stride_w + j·dil_w]
    y[k, p·Q + q] = Σ_r  weight[k, r] · cols[r, p·Q + q]          one BLAS call per image and group

Cost: the same multiply-adds at BLAS speed, and (C/G)·R·S·P·Q numbers of workspace: a 3×3 kernel
copies its input nine times.  When it loses: large maps, where the copies exceed the cache; few
output channels, where the copy costs more than the product; 1×1 kernels, which need no copy.
What it does not do: multiply padding zeros by an infinite weight (0·∞ would be NaN where the law
skips the tap): with such weights it adds tap by tap, where the tap lies inside the input.
Source: Chellapilla, Puri, Simard, "High Performance Convolutional Neural Networks for Document
Processing" (2006), section 2.1.  Next room: direct.py, no copies at all.
"""

from math import prod

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from minicnn.conv.algorithm import Prepared, finish, output_shape, tap_by_tap


def why_not(x_shape, w_shape, window, dtype) -> str | None:
    return None


def prepare(weight, window, groups: int = 1) -> Prepared:
    matrix = np.ascontiguousarray(weight.reshape(weight.shape[0], -1))
    return Prepared(matrix, weight.shape, window, finite=bool(np.isfinite(weight).all()))


def windows_of(image, window, P, Q):
    """Return the windows of one image (C, H, W), padded already, as (C, R, S, P, Q): a view, nothing is copied."""
    (R, S), (sh, sw), (dh, dw) = window.kernel, window.stride, window.dilation
    spans = sliding_window_view(image, (dh * (R - 1) + 1, dw * (S - 1) + 1), axis=(1, 2))
    return spans[:, ::sh, ::sw, ::dh, ::dw][:, :P, :Q].transpose(0, 3, 4, 1, 2)


def run(x, prepared, bias=None, activation=None):
    window = prepared.window.resolve(x.shape[2:])
    (N, C), (K, channels, R, S) = x.shape[:2], prepared.shape
    y = np.empty(output_shape(x.shape, prepared.shape, window), x.dtype)
    _, _, P, Q = y.shape
    G = C // channels
    if not prepared.finite and window.padded(x.shape[2:]):
        return finish(tap_by_tap(x, prepared.weight.reshape(prepared.shape), window, y), bias, activation)
    weight = prepared.weight.reshape(G, K // G, channels * R * S)
    padded = np.pad(x, ((0, 0), (0, 0), *window.padding)) if window.padded(x.shape[2:]) else x
    for n in range(N):
        cols = windows_of(padded[n], window, P, Q).reshape(G, channels * R * S, P * Q)  # one column per output position (copies)
        np.matmul(weight, cols, out=y[n].reshape(G, K // G, P * Q))
    return finish(y, bias, activation)


def error_factor(terms: int) -> float:
    """Any order of summing `terms` products and a bias: see contract.py."""
    return terms + 2.0


def workspace_bytes(x_shape, w_shape, window, itemsize: int) -> int:
    """The columns of one image (all groups), and the padded batch where there is padding."""
    (N, C), in_size = x_shape[:2], x_shape[2:]
    out = prod(window.output_size(in_size))
    rows, cols = (n + sum(side) for n, side in zip(in_size, window.resolve(in_size).padding, strict=True))
    padded = N * C * rows * cols if window.padded(in_size) else 0
    return (C * prod(window.kernel) * out + padded) * itemsize
