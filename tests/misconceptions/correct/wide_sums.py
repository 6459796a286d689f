"""Sums in float64, rounded once at the end or not at all; results that are views, reversed, or in Fortran's order."""

import numpy as np


def conv2d(x, weight, bias, stride, padding):
    x64, w64 = np.asarray(x, np.float64), np.asarray(weight, np.float64)
    (N, C, H, W), (K, _, kh, kw) = x.shape, weight.shape
    P, Q = (H + 2 * padding[0] - kh) // stride[0] + 1, (W + 2 * padding[1] - kw) // stride[1] + 1
    room = np.zeros((N, C, H + 2 * padding[0], W + 2 * padding[1]))
    room[:, :, padding[0] : padding[0] + H, padding[1] : padding[1] + W] = x64
    y = np.zeros((K, Q, P, N)) + bias[:, None, None, None].astype(np.float64)
    for i in range(kh):
        for j in range(kw):
            tap = room[:, :, i : i + (P - 1) * stride[0] + 1 : stride[0], j : j + (Q - 1) * stride[1] + 1 : stride[1]]
            y += np.einsum("ncpq,kc->kqpn", tap, w64[:, :, i, j])
    return y.transpose(3, 0, 2, 1).astype(x.dtype)


def grouped_conv2d(x, weight, bias, stride, padding, dilation, groups):
    """One large filter bank that is 0 outside its group, and the taps in between 0 as well."""
    K, c, kh, kw = weight.shape
    bank = np.zeros((K, x.shape[1], dilation[0] * (kh - 1) + 1, dilation[1] * (kw - 1) + 1))
    for k in range(K):
        g = k // (K // groups)
        bank[k, g * c : (g + 1) * c, :: dilation[0], :: dilation[1]] = weight[k]
    return conv2d(x.astype(np.float64), bank, bias, stride, padding)


def relu(x):
    return ((x + np.abs(x)) / 2)[::-1][::-1]


def relu_backward(grad_output, x):
    return np.asfortranarray(grad_output * np.heaviside(x, 0))


def max_pool2d(x, kernel, stride, padding):
    """Rows first, then columns, by running maxima of shifted copies."""
    for axis, (k, s, p) in enumerate(zip(kernel, stride, padding, strict=True), start=2):
        sides = [(0, 0)] * 4
        sides[axis] = (p, p)
        room = np.moveaxis(np.pad(x, sides, constant_values=np.finfo(x.dtype).min), axis, 0)
        count = (len(room) - k) // s + 1
        best = room[: (count - 1) * s + 1 : s]
        for t in range(1, k):
            best = np.maximum(best, room[t : t + (count - 1) * s + 1 : s])
        x = np.moveaxis(best, 0, axis)
    return x


def avg_pool2d(x, kernel, stride, padding):
    """A table of running sums: each window is four corners."""
    table = np.zeros((*x.shape[:2], x.shape[2] + 1, x.shape[3] + 1))
    table[:, :, 1:, 1:] = x.astype(np.float64).cumsum(2).cumsum(3)
    ends = []
    for n, k, s, p in zip(x.shape[2:], kernel, stride, padding, strict=True):
        first = np.arange((n + 2 * p - k) // s + 1) * s - p
        ends.append((np.clip(first, 0, n), np.clip(first + k, 0, n)))
    (top, bottom), (left, right) = ends
    corner = lambda rows, columns: table[:, :, rows[:, None], columns[None, :]]  # noqa: E731
    total = corner(bottom, right) - corner(top, right) - corner(bottom, left) + corner(top, left)
    return total / np.outer(bottom - top, right - left)


def conv1x1(x, weight, bias):
    return (weight.astype(np.float64) @ x.reshape(*x.shape[:2], -1) + bias[:, None]).reshape(len(x), len(weight), *x.shape[2:])


def global_avg_pool2d(x):
    return np.mean(np.mean(x, axis=3, dtype=np.float64), axis=2).astype(x.dtype)


def conv2d_backward(grad_output, x, weight, stride, padding):
    """The Jacobian of the forward pass, one unit at a time: y is linear in x, in the weight and in the bias."""
    g = grad_output.astype(np.float64)
    none = np.zeros(len(weight))
    grads = [np.zeros(x.shape), np.zeros(weight.shape)]
    for index in np.ndindex(*x.shape[1:]):
        unit = np.zeros((1, *x.shape[1:]))
        unit[(0, *index)] = 1
        grads[0][(slice(None), *index)] = (g * conv2d(unit, weight, none, stride, padding)).sum((1, 2, 3))
    for index in np.ndindex(*weight.shape[1:]):
        unit = np.zeros((1, *weight.shape[1:]))
        unit[(0, *index)] = 1
        grads[1][(slice(None), *index)] = (g * conv2d(x.astype(np.float64), unit, none[:1], stride, padding)).sum((0, 2, 3))
    return grads[0], grads[1], np.einsum("nkpq->k", g)
