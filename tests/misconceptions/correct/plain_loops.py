"""Every function as the loops of its equation: right, slow, and written without a look at the engine."""

import math

import numpy as np


def output_size(in_size, kernel, stride, padding, dilation):
    count = 0
    start = -padding
    while start + dilation * (kernel - 1) < in_size + padding:
        count += 1
        start += stride
    return count


def same_padding(kernel, dilation):
    before = after = 0
    for cell in range(dilation * (kernel - 1)):
        if cell % 2:
            before += 1
        else:
            after += 1
    return before, after


def receptive_field(layers):
    first, last, second = 0, 0, 1  # walk outputs 0 and 1 back through the layers
    for kernel, stride, padding, dilation in reversed(layers):
        first, second = first * stride - padding, second * stride - padding
        last = last * stride - padding + dilation * (kernel - 1)
    return last - first + 1, second - first, first


def conv2d(x, weight, bias, stride, padding):
    return grouped_conv2d(x, weight, bias, stride, padding, (1, 1), 1)


def grouped_conv2d(x, weight, bias, stride, padding, dilation, groups):
    N, _, H, W = x.shape
    K, c_in, kh, kw = weight.shape
    P = output_size(H, kh, stride[0], padding[0], dilation[0])
    Q = output_size(W, kw, stride[1], padding[1], dilation[1])
    y = np.zeros((N, K, P, Q), dtype=x.dtype)
    for n in range(N):
        for k in range(K):
            first = (k * groups // K) * c_in
            for p in range(P):
                for q in range(Q):
                    acc = bias[k]
                    for c in range(c_in):
                        for i in range(kh):
                            for j in range(kw):
                                h, w = p * stride[0] + i * dilation[0] - padding[0], q * stride[1] + j * dilation[1] - padding[1]
                                if 0 <= h < H and 0 <= w < W:
                                    acc = acc + x[n, first + c, h, w] * weight[k, c, i, j]
                    y[n, k, p, q] = acc
    return y


def relu(x):
    y = np.empty_like(x)
    for index, value in np.ndenumerate(x):
        y[index] = value if value > 0 else 0
    return y


def relu_backward(grad_output, x):
    grad = np.zeros(x.shape, x.dtype)
    for index, value in np.ndenumerate(x):
        if value > 0:
            grad[index] = grad_output[index]
    return grad


def _pool(x, kernel, stride, padding, reduce):
    N, C, H, W = x.shape
    P, Q = ((n + 2 * p - k) // s + 1 for n, k, s, p in zip((H, W), kernel, stride, padding, strict=True))
    y = np.empty((N, C, P, Q), x.dtype)
    for n, c, p, q in np.ndindex(N, C, P, Q):
        cells = []
        for h in range(p * stride[0] - padding[0], p * stride[0] - padding[0] + kernel[0]):
            for w in range(q * stride[1] - padding[1], q * stride[1] - padding[1] + kernel[1]):
                if 0 <= h < H and 0 <= w < W:
                    cells.append(x[n, c, h, w])
        y[n, c, p, q] = reduce(cells)
    return y


def max_pool2d(x, kernel, stride, padding):
    return _pool(x, kernel, stride, padding, max)


def avg_pool2d(x, kernel, stride, padding):
    return _pool(x, kernel, stride, padding, lambda cells: math.fsum(cells) / len(cells))


def conv1x1(x, weight, bias):
    N, C, H, W = x.shape
    y = np.zeros((N, len(weight), H, W), x.dtype)
    for n, k, h, w in np.ndindex(*y.shape):
        for c in range(C):
            y[n, k, h, w] += weight[k, c] * x[n, c, h, w]
        y[n, k, h, w] += bias[k]
    return y


def global_avg_pool2d(x):
    N, C, H, W = x.shape
    y = np.zeros((N, C), x.dtype)
    for n, c, h, w in np.ndindex(*x.shape):
        y[n, c] += x[n, c, h, w]
    return y / (H * W)


def conv2d_backward(grad_output, x, weight, stride, padding):
    H, W = x.shape[2:]
    grad_x, grad_w, grad_b = np.zeros_like(x), np.zeros_like(weight), np.zeros(len(weight), x.dtype)
    for n, k, p, q in np.ndindex(*grad_output.shape):
        g = grad_output[n, k, p, q]
        grad_b[k] += g
        for c, i, j in np.ndindex(*weight.shape[1:]):
            h, w = p * stride[0] + i - padding[0], q * stride[1] + j - padding[1]
            if 0 <= h < H and 0 <= w < W:
                grad_x[n, c, h, w] += g * weight[k, c, i, j]
                grad_w[k, c, i, j] += g * x[n, c, h, w]
    return grad_x, grad_w, grad_b
