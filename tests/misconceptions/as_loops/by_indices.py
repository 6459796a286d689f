"""Wrong once more, cell by cell: every index is computed, and left out where it lies outside x."""

import numpy as np
from holding import holds


def conv(x, weight, bias, shape, row, column):
    """row(p, i) and column(q, j) say which cell of x tap (i, j) of output (p, q) reads."""
    N, C, H, W = x.shape
    K, _, kh, kw = weight.shape
    y = np.zeros((N, K, *shape))
    for n, k, p, q in np.ndindex(*y.shape):
        for c, i, j in np.ndindex(C, kh, kw):
            h, w = row(p, i), column(q, j)
            if 0 <= h < H and 0 <= w < W:
                y[n, k, p, q] += x[n, c, h, w] * weight[k, c, i, j]
        y[n, k, p, q] += bias[k]
    return y


def floor_sizes(x, kernel, stride, padding):
    return [(n + 2 * p - k) // s + 1 for n, k, s, p in zip(x.shape[2:], kernel, stride, padding, strict=True)]


@holds("conv2d", "ceil for floor")
def rounds_up(x, weight, bias, stride, padding):
    (sh, sw), (ph, pw) = stride, padding
    shape = [-((n + 2 * p - k) // -s) + 1 for n, k, s, p in zip(x.shape[2:], weight.shape[2:], stride, padding, strict=True)]
    return conv(x, weight, bias, shape, lambda p, i: p * sh + i - ph, lambda q, j: q * sw + j - pw)


@holds("conv2d", "border repeated")
def clamps(x, weight, bias, stride, padding):
    (sh, sw), (ph, pw), (H, W) = stride, padding, x.shape[2:]
    shape = floor_sizes(x, weight.shape[2:], stride, padding)
    rows, columns = lambda p, i: min(max(p * sh + i - ph, 0), H - 1), lambda q, j: min(max(q * sw + j - pw, 0), W - 1)
    return conv(x, weight, bias, shape, rows, columns)


@holds("conv2d", "stride as dilation")
def steps_inside_the_window(x, weight, bias, stride, padding):
    (sh, sw), (ph, pw) = stride, padding
    shape = [n + 2 * p - s * (k - 1) for n, k, s, p in zip(x.shape[2:], weight.shape[2:], stride, padding, strict=True)]
    return conv(x, weight, bias, shape, lambda p, i: p + i * sh - ph, lambda q, j: q + j * sw - pw)


@holds("conv2d", "padded after only")
def starts_at_zero(x, weight, bias, stride, padding):
    (sh, sw) = stride
    shape = [(n + p - k) // s + 1 for n, k, s, p in zip(x.shape[2:], weight.shape[2:], stride, padding, strict=True)]
    return conv(x, weight, bias, shape, lambda p, i: p * sh + i, lambda q, j: q * sw + j)


@holds("conv2d", "channels summed before the product")
def grey_first(x, weight, bias, stride, padding):
    (sh, sw), (ph, pw) = stride, padding
    grey, one = np.zeros((len(x), 1, *x.shape[2:])), np.zeros((len(weight), 1, *weight.shape[2:]))
    for c in range(x.shape[1]):
        grey[:, 0] += x[:, c]
        one[:, 0] += weight[:, c]
    shape = floor_sizes(x, weight.shape[2:], stride, padding)
    return conv(grey, one, bias, shape, lambda p, i: p * sh + i - ph, lambda q, j: q * sw + j - pw)


def pool(x, kernel, stride, padding, shape, reduce):
    y = np.zeros((*x.shape[:2], *shape))
    for n, c, p, q in np.ndindex(*y.shape):
        rows = [p * stride[0] + i - padding[0] for i in range(kernel[0])]
        columns = [q * stride[1] + j - padding[1] for j in range(kernel[1])]
        y[n, c, p, q] = reduce([x[n, c, h, w] for h in rows for w in columns if 0 <= h < x.shape[2] and 0 <= w < x.shape[3]])
    return y


def ceil_sizes(x, kernel, stride, padding):
    return [-((n + 2 * p - k) // -s) + 1 for n, k, s, p in zip(x.shape[2:], kernel, stride, padding, strict=True)]


@holds("max_pool2d", "ceil for floor")
def one_more_maximum(x, kernel, stride, padding):
    return pool(x, kernel, stride, padding, ceil_sizes(x, kernel, stride, padding), max)


@holds("avg_pool2d", "ceil for floor")
def one_more_mean(x, kernel, stride, padding):
    shape = ceil_sizes(x, kernel, stride, padding)
    return pool(x, kernel, stride, padding, shape, lambda inside: sum(inside) / len(inside) if inside else 0.0)


@holds("avg_pool2d", "kernel swapped")
def averages_width_first(x, kernel, stride, padding):
    shape = floor_sizes(x, kernel[::-1], stride, padding)
    return pool(x, kernel[::-1], stride, padding, shape, lambda inside: sum(inside) / len(inside))


@holds("avg_pool2d", "padding forgotten")
def averages_inside_only(x, kernel, stride, padding):
    return pool(x, kernel, stride, (0, 0), floor_sizes(x, kernel, stride, (0, 0)), np.mean)


@holds("max_pool2d", "square kernel")
def one_kernel_size(x, kernel, stride, padding):
    square = (kernel[0], kernel[0])
    return pool(x, square, stride, padding, floor_sizes(x, square, stride, padding), max)


def backward(grad_output, x, weight, stride, padding, row, column, room=None):
    """grad_x from row and column, the other two right."""
    grad_x, grad_w, grad_b = np.zeros(room or x.shape), np.zeros(weight.shape), np.zeros(len(weight))
    for n, k, p, q in np.ndindex(*grad_output.shape):
        g = grad_output[n, k, p, q]
        grad_b[k] += g
        for c, i, j in np.ndindex(*weight.shape[1:]):
            h, w = p * stride[0] + i - padding[0], q * stride[1] + j - padding[1]
            if 0 <= h < x.shape[2] and 0 <= w < x.shape[3]:
                grad_w[k, c, i, j] += g * x[n, c, h, w]
            h, w = row(p, i), column(q, j)
            if 0 <= h < grad_x.shape[2] and 0 <= w < grad_x.shape[3]:
                grad_x[n, c, h, w] += g * weight[k, c, i, j]
    return grad_x, grad_w, grad_b


@holds("conv2d_backward", "stride forgotten for x")
def goes_back_to_p(grad_output, x, weight, stride, padding):
    ph, pw = padding
    return backward(grad_output, x, weight, stride, padding, lambda p, i: p + i - ph, lambda q, j: q + j - pw)


@holds("conv2d_backward", "cut at the end only")
def never_takes_the_padding_off(grad_output, x, weight, stride, padding):
    sh, sw = stride
    return backward(grad_output, x, weight, stride, padding, lambda p, i: p * sh + i, lambda q, j: q * sw + j)
