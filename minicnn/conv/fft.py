"""Convolution as multiplication: transform, multiply, transform back.

    F(y) = F(x) · conj(F(w))          conj, because the kernel is not flipped (correlation)

Idea: on a grid large enough that nothing wraps around, the sum over all taps becomes one product per
frequency; the kernel's size no longer matters.  Dilation spreads the kernel on the grid; strides are
taken at the end, so they save nothing.
Cost: transforms of x and w, O(n log n) each with n the padded grid, and C/G products per frequency;
workspace: the spectra of x and of one filter.  When it loses: small kernels, which is to say most networks.
What it does not do: keep to the equation's own products.  Every output feels every input within
rounding, so an infinity spreads over the map, and inputs that a stride never reads add to the error
(contract.py has its bound).  It is never chosen under accuracy="exact".
Source: Mathieu, Henaff, LeCun, "Fast Training of Convolutional Networks through FFTs" (2014).
"""

import numpy as np

from minicnn.conv.algorithm import Prepared, finish, output_shape


def why_not(x_shape, w_shape, window, dtype) -> str | None:
    return None


def prepare(weight, window, groups: int = 1) -> Prepared:
    return Prepared(np.ascontiguousarray(weight), weight.shape, window)


def grid(in_size, window) -> tuple[int, int]:
    """Return the powers of two that hold the padded input: windows start inside it and end inside it."""
    rows, cols = (n + sum(side) for n, side in zip(in_size, window.resolve(in_size).padding, strict=True))
    return 1 << (rows - 1).bit_length(), 1 << (cols - 1).bit_length()


def run(x, prepared, bias=None, activation=None):
    window = prepared.window.resolve(x.shape[2:])
    (N, C), (K, channels, R, S) = x.shape[:2], prepared.shape
    _, _, P, Q = output_shape(x.shape, prepared.shape, window)
    G, grid_size = C // channels, grid(x.shape[2:], window)
    (dh, dw), (sh, sw) = window.dilation, window.stride

    spread = np.zeros((channels, dh * (R - 1) + 1, dw * (S - 1) + 1), x.dtype)
    y = np.empty((N, K, P, Q), x.dtype)
    fx = np.fft.rfft2(np.pad(x, ((0, 0), (0, 0), *window.padding)), grid_size).reshape(N, G, channels, grid_size[0], -1)
    for k in range(K):  # one filter at a time, so that one filter's spectra are held
        spread[:, ::dh, ::dw] = prepared.weight[k]
        fw = np.fft.rfft2(spread, grid_size)
        fy = (fx[:, k // (K // G)] * np.conj(fw, out=fw)).sum(axis=1)
        y[:, k] = np.fft.irfft2(fy, grid_size)[:, : (P - 1) * sh + 1 : sh, : (Q - 1) * sw + 1 : sw]
    return finish(y, bias, activation)


def error_factor(taps: int, points: int = 2, channels: int = 1) -> float:
    """Two transforms of `points` numbers there and one back, and a sum over channels, against norms: see contract.py."""
    return (6.7 + 3.35 * taps**0.5) * float(np.log2(points)) + channels / 2 + 5.0


def workspace_bytes(x_shape, w_shape, window, itemsize: int) -> int:
    """Complex numbers, half of the columns: the spectrum of x, one filter's (the last one's too, and a transform makes a
    copy), and their product."""
    rows, cols = grid(x_shape[2:], window)
    planes = x_shape[0] * x_shape[1] + (3 + x_shape[0]) * w_shape[1]
    return planes * rows * (cols // 2 + 1) * 2 * itemsize
