"""Pooling and ReLU wrong, as they are handed in."""

import numpy as np
from holding import holds


def slide(x, kernel, stride, padding, reduce, step=None):
    """Give reduce the numbers of each window that are in x."""
    N, C, H, W = x.shape
    P, Q = (H + 2 * padding[0] - kernel[0]) // stride[0] + 1, (W + 2 * padding[1] - kernel[1]) // stride[1] + 1
    y = np.zeros((N, C, P, Q))
    for n in range(N):
        for c in range(C):
            for p in range(P):
                for q in range(Q):
                    inside = []
                    for i in range(kernel[0]):
                        for j in range(kernel[1]):
                            h, w = p * stride[0] + i - padding[0], q * stride[1] + j - padding[1]
                            if 0 <= h < H and 0 <= w < W:
                                inside.append(x[n, c, h, w])
                    y[n, c, p, q] = reduce(inside)
    return y


@holds("max_pool2d", "search starts at zero")
def best_is_zero(x, kernel, stride, padding):
    def largest(inside):
        best = 0
        for value in inside:
            if value > best:
                best = value
        return best

    return slide(x, kernel, stride, padding, largest)


@holds("max_pool2d", "padded with zero")
def room_of_zeros(x, kernel, stride, padding):
    N, C, H, W = x.shape
    room = np.zeros((N, C, H + 2 * padding[0], W + 2 * padding[1]))
    room[:, :, padding[0] : padding[0] + H, padding[1] : padding[1] + W] = x
    return slide(room, kernel, stride, (0, 0), max)


@holds("max_pool2d", "farthest from zero")
def largest_without_sign(x, kernel, stride, padding):
    def farthest(inside):
        best = inside[0]
        for value in inside:
            if abs(value) > abs(best):
                best = value
        return best

    return slide(x, kernel, stride, padding, farthest)


@holds("max_pool2d", "kernel for stride")
def steps_by_the_kernel(x, kernel, stride, padding):
    return slide(x, kernel, kernel, padding, max)


@holds("max_pool2d", "kernel swapped")
def width_before_height(x, kernel, stride, padding):
    kw, kh = kernel
    return slide(x, (kh, kw), stride, padding, max)


@holds("max_pool2d", "last window left zero")
def loops_end_early(x, kernel, stride, padding):
    y = slide(x, kernel, stride, padding, max)
    result = np.zeros(y.shape)
    for p in range(y.shape[2] - 1):
        for q in range(y.shape[3] - 1):
            result[:, :, p, q] = y[:, :, p, q]
    return result


@holds("avg_pool2d", "padding counted")
def divides_by_the_kernel(x, kernel, stride, padding):
    return slide(x, kernel, stride, padding, lambda inside: sum(inside) / (kernel[0] * kernel[1]))


@holds("avg_pool2d", "zeros not counted")
def counts_what_is_there(x, kernel, stride, padding):
    def mean(inside):
        total = count = 0
        for value in inside:
            if value != 0:
                total += value
                count += 1
        return total / count if count else 0

    return slide(x, kernel, stride, padding, mean)


@holds("avg_pool2d", "whole division")
def divides_down(x, kernel, stride, padding):
    return slide(x, kernel, stride, padding, lambda inside: sum(inside) // len(inside))


@holds("avg_pool2d", "sum for mean")
def only_sums(x, kernel, stride, padding):
    return slide(x, kernel, stride, padding, sum)


@holds("avg_pool2d", "stride forgotten")
def steps_by_one(x, kernel, stride, padding):
    return slide(x, kernel, (1, 1), padding, np.mean)


@holds("relu", "in place")
def clears_the_caller_s(x):
    for index in np.ndindex(*x.shape):
        if x[index] < 0:
            x[index] = 0
    return x


@holds("relu", "leaky")
def lets_some_through(x):
    y = np.zeros(x.shape)
    for index in np.ndindex(*x.shape):
        y[index] = x[index] if x[index] > 0 else 0.01 * x[index]
    return y


@holds("relu", "stored as whole numbers")
def fills_an_int_array(x):
    y = np.zeros(x.shape, dtype=int)
    for index in np.ndindex(*x.shape):
        if x[index] > 0:
            y[index] = x[index]
    return y


@holds("relu_backward", "passes at zero")
def not_below_zero(grad_output, x):
    grad = np.zeros(x.shape)
    for index in np.ndindex(*x.shape):
        if not x[index] < 0:
            grad[index] = grad_output[index]
    return grad


@holds("relu_backward", "rectifies the gradient")
def looks_at_the_gradient(grad_output, x):
    grad = np.zeros(x.shape)
    for index in np.ndindex(*x.shape):
        if grad_output[index] > 0:
            grad[index] = grad_output[index]
    return grad


@holds("relu_backward", "in place")
def clears_the_gradient(grad_output, x):
    for index in np.ndindex(*x.shape):
        if x[index] <= 0:
            grad_output[index] = 0
    return grad_output
