"""Windows gathered by fancy indices into a matrix, one product, and back with np.add.at."""

import numpy as np


def _indices(size, kernel, stride, padding):
    """Row or column of every (output, tap), in the padded input."""
    outputs = (size + 2 * padding - kernel) // stride + 1
    return stride * np.arange(outputs)[:, None] + np.arange(kernel)


def _columns(x, kernel, stride, padding):
    rows, columns = (_indices(n, k, s, p) for n, k, s, p in zip(x.shape[2:], kernel, stride, padding, strict=True))
    room = np.pad(x, ((0, 0), (0, 0), (padding[0], padding[0]), (padding[1], padding[1])))
    gathered = room[:, :, rows[:, None, :, None], columns[None, :, None, :]]  # N C P Q kh kw
    N, C, P, Q, kh, kw = gathered.shape
    return gathered.transpose(0, 2, 3, 1, 4, 5).reshape(N * P * Q, C * kh * kw), (P, Q), (room.shape, rows, columns)


def conv2d(x, weight, bias, stride, padding):
    matrix, (P, Q), _ = _columns(x, weight.shape[2:], stride, padding)
    y = matrix @ weight.reshape(len(weight), -1).T + bias
    return y.reshape(len(x), P, Q, len(weight)).transpose(0, 3, 1, 2)  # not contiguous


def conv1x1(x, weight, bias):
    pixels = x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1])
    y = pixels @ weight.T + bias
    return y.reshape(len(x), *x.shape[2:], len(weight)).transpose(0, 3, 1, 2)


def conv2d_backward(grad_output, x, weight, stride, padding):
    matrix, (P, Q), (shape, rows, columns) = _columns(x, weight.shape[2:], stride, padding)
    K, C, kh, kw = weight.shape
    grad = grad_output.transpose(0, 2, 3, 1).reshape(-1, K)
    back = (grad @ weight.reshape(K, -1)).reshape(len(x), P, Q, C, kh, kw).transpose(0, 3, 1, 2, 4, 5)
    room = np.zeros(shape, x.dtype)
    np.add.at(room, (slice(None), slice(None), rows[:, None, :, None], columns[None, :, None, :]), back)
    (H, W), (top, left) = x.shape[2:], padding
    return room[:, :, top : top + H, left : left + W], (grad.T @ matrix).reshape(weight.shape), grad.sum(axis=0)


def _pooled(x, kernel, stride, padding, outside, reduce):
    """Windows one channel at a time; outside is what stands around x."""
    room = np.full((x.shape[0], x.shape[1], x.shape[2] + 2 * padding[0], x.shape[3] + 2 * padding[1]), outside, x.dtype)
    room[:, :, padding[0] : padding[0] + x.shape[2], padding[1] : padding[1] + x.shape[3]] = x
    rows, columns = (_indices(n, k, s, p) for n, k, s, p in zip(x.shape[2:], kernel, stride, padding, strict=True))
    return reduce(room[:, :, rows[:, None, :, None], columns[None, :, None, :]], axis=(-2, -1))


def max_pool2d(x, kernel, stride, padding):
    return _pooled(x, kernel, stride, padding, -np.inf, np.max)


def avg_pool2d(x, kernel, stride, padding):
    return _pooled(x, kernel, stride, padding, np.nan, np.nanmean)
