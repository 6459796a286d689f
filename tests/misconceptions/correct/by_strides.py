"""Windows as a view by as_strided, sums by tensordot or einsum."""

import numpy as np
from numpy.lib.stride_tricks import as_strided


def _view(x, kernel, stride, dilation=(1, 1)):
    N, C, H, W = x.shape
    a, b, r, c = x.strides
    P, Q = ((n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip((H, W), kernel, stride, dilation, strict=True))
    steps = (a, b, r * stride[0], c * stride[1], r * dilation[0], c * dilation[1])
    return as_strided(x, (N, C, P, Q, *kernel), steps, writeable=False)


def _padded(x, padding, value=0):
    return np.pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2), constant_values=value)


def conv2d(x, weight, bias, stride, padding):
    view = _view(_padded(x, padding), weight.shape[2:], stride)
    return np.moveaxis(np.tensordot(view, weight, ((1, 4, 5), (1, 2, 3))), 3, 1) + bias.reshape(1, -1, 1, 1)


def grouped_conv2d(x, weight, bias, stride, padding, dilation, groups):
    view = _view(_padded(x, padding), weight.shape[2:], stride, dilation)
    view = view.reshape(len(x), groups, -1, *view.shape[2:])
    filters = weight.reshape(groups, -1, *weight.shape[1:])
    y = np.einsum("ngcpqij,gkcij->ngkpq", view, filters, optimize=True)
    return y.reshape(len(x), len(weight), *y.shape[3:]) + bias.reshape(-1, 1, 1)


def max_pool2d(x, kernel, stride, padding):
    view = _view(_padded(x, padding, -np.inf), kernel, stride)
    return view.reshape(*view.shape[:4], -1).max(axis=-1)


def avg_pool2d(x, kernel, stride, padding):
    there = _padded(np.ones((1, 1, *x.shape[2:])), padding)
    sums, counts = (_view(array, kernel, stride).sum(axis=(4, 5)) for array in (_padded(x, padding), there))
    return sums / counts  # float64, whatever x is


def conv1x1(x, weight, bias):
    return np.tensordot(weight, x, (1, 1)).swapaxes(0, 1) + bias[None, :, None, None]


def global_avg_pool2d(x):
    return x.reshape(*x.shape[:2], -1).mean(-1)


def relu(x):
    return np.maximum(x, 0)


def relu_backward(grad_output, x):
    return np.where(x > 0, grad_output, np.zeros_like(grad_output))


def conv2d_backward(grad_output, x, weight, stride, padding):
    room = np.zeros(_padded(x, padding).shape, x.dtype)
    (kh, kw), (P, Q), (H, W) = weight.shape[2:], grad_output.shape[2:], x.shape[2:]
    for i in range(kh):
        for j in range(kw):
            there = room[:, :, i : i + stride[0] * (P - 1) + 1 : stride[0], j : j + stride[1] * (Q - 1) + 1 : stride[1]]
            there += np.einsum("nkpq,kc->ncpq", grad_output, weight[:, :, i, j])
    view = _view(_padded(x, padding), (kh, kw), stride)
    grad_w = np.tensordot(grad_output, view, ((0, 2, 3), (0, 2, 3)))
    return room[:, :, padding[0] : padding[0] + H, padding[1] : padding[1] + W], grad_w, grad_output.sum(axis=(0, 2, 3))


def output_size(in_size, kernel, stride, padding, dilation):
    return len(range(0, in_size + 2 * padding - dilation * (kernel - 1), stride))


def same_padding(kernel, dilation):
    total = (kernel - 1) * dilation
    return (total // 2, (total + 1) // 2)


def receptive_field(layers):
    seen = np.array([0])
    corner = 0
    jump = 1
    for kernel, stride, padding, dilation in layers:
        seen = np.unique(seen[:, None] + jump * dilation * np.arange(kernel))
        corner -= jump * padding
        jump *= stride
    return int(seen[-1] - seen[0] + 1), jump, corner
