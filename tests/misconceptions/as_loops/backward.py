"""The gradients of conv2d wrong, as they are handed in."""

import numpy as np
from holding import holds


def places(grad_output, x, weight, stride, padding):
    """Yield (n, k, p, q, c, i, j, h, w) of every product of the forward pass that is not with the padding."""
    for n, k, p, q in np.ndindex(*grad_output.shape):
        for c, i, j in np.ndindex(*weight.shape[1:]):
            h, w = p * stride[0] + i - padding[0], q * stride[1] + j - padding[1]
            if 0 <= h < x.shape[2] and 0 <= w < x.shape[3]:
                yield n, k, p, q, c, i, j, h, w


def bias_of(grad_output):
    grad_b = np.zeros(grad_output.shape[1])
    for n in range(len(grad_output)):
        for k in range(len(grad_b)):
            grad_b[k] += grad_output[n, k].sum()
    return grad_b


@holds("conv2d_backward", "last filter and window only")
def assigns_to_grad_x(grad_output, x, weight, stride, padding):
    grad_x, grad_w = np.zeros(x.shape), np.zeros(weight.shape)
    for n, k, p, q, c, i, j, h, w in places(grad_output, x, weight, stride, padding):
        grad_x[n, c, h, w] = grad_output[n, k, p, q] * weight[k, c, i, j]
        grad_w[k, c, i, j] += grad_output[n, k, p, q] * x[n, c, h, w]
    return grad_x, grad_w, bias_of(grad_output)


def with_windows(grad_output, x, weight, stride, padding, per_window):
    """The way by windows of the padded image: per_window(grad_x, grad_w, n, k, g, rows, columns, room)."""
    (N, C, H, W), (K, _, kh, kw), (ph, pw) = x.shape, weight.shape, padding
    room = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    room[:, :, ph : ph + H, pw : pw + W] = x
    grad_x, grad_w = np.zeros(room.shape), np.zeros(weight.shape)
    for n in range(N):
        for k in range(K):
            for p in range(grad_output.shape[2]):
                for q in range(grad_output.shape[3]):
                    rows, columns = slice(p * stride[0], p * stride[0] + kh), slice(q * stride[1], q * stride[1] + kw)
                    per_window(grad_x, grad_w, n, k, grad_output[n, k, p, q], rows, columns, room)
    return grad_x, grad_w, bias_of(grad_output)


def cut(grad_x, x, padding):
    return grad_x[:, :, padding[0] : padding[0] + x.shape[2], padding[1] : padding[1] + x.shape[3]]


@holds("conv2d_backward", "weight of the last output")
def assigns_to_grad_weight(grad_output, x, weight, stride, padding):
    def step(grad_x, grad_w, n, k, g, rows, columns, room):
        grad_x[n, :, rows, columns] += g * weight[k]
        grad_w[k] = g * room[n, :, rows, columns]

    grad_x, grad_w, grad_b = with_windows(grad_output, x, weight, stride, padding, step)
    return cut(grad_x, x, padding), grad_w, grad_b


def right(weight):
    def step(grad_x, grad_w, n, k, g, rows, columns, room):
        grad_x[n, :, rows, columns] += g * weight[k]
        grad_w[k] += g * room[n, :, rows, columns]

    return step


@holds("conv2d_backward", "padding not cut off")
def returns_the_room(grad_output, x, weight, stride, padding):
    return with_windows(grad_output, x, weight, stride, padding, right(weight))


@holds("conv2d_backward", "minus p where p is 0")
def cuts_to_minus_p(grad_output, x, weight, stride, padding):
    grad_x, grad_w, grad_b = with_windows(grad_output, x, weight, stride, padding, right(weight))
    return grad_x[:, :, padding[0] : -padding[0], padding[1] : -padding[1]], grad_w, grad_b


@holds("conv2d_backward", "averaged over the batch")
def divides_by_n(grad_output, x, weight, stride, padding):
    grad_x, grad_w, grad_b = with_windows(grad_output, x, weight, stride, padding, right(weight))
    return cut(grad_x, x, padding), grad_w / len(x), grad_b / len(x)


@holds("conv2d_backward", "weight flipped")
def flips_the_weight_s(grad_output, x, weight, stride, padding):
    grad_x, grad_w = np.zeros(x.shape), np.zeros(weight.shape)
    for n, k, p, q, c, i, j, h, w in places(grad_output, x, weight, stride, padding):
        grad_x[n, c, h, w] += grad_output[n, k, p, q] * weight[k, c, i, j]
        grad_w[k, c, -1 - i, -1 - j] += grad_output[n, k, p, q] * x[n, c, h, w]
    return grad_x, grad_w, bias_of(grad_output)


@holds("conv2d_backward", "kernel flipped")
def flips_what_goes_back(grad_output, x, weight, stride, padding):
    grad_x, grad_w = np.zeros(x.shape), np.zeros(weight.shape)
    for n, k, p, q, c, i, j, h, w in places(grad_output, x, weight, stride, padding):
        grad_x[n, c, h, w] += grad_output[n, k, p, q] * weight[k, c, -1 - i, -1 - j]
        grad_w[k, c, i, j] += grad_output[n, k, p, q] * x[n, c, h, w]
    return grad_x, grad_w, bias_of(grad_output)


@holds("conv2d_backward", "bias of the last output")
def assigns_to_grad_bias(grad_output, x, weight, stride, padding):
    grad_x, grad_w, _ = with_windows(grad_output, x, weight, stride, padding, right(weight))
    grad_b = np.zeros(len(weight))
    for n, k, p, q in np.ndindex(*grad_output.shape):
        grad_b[k] = grad_output[n, k, p, q]
    return cut(grad_x, x, padding), grad_w, grad_b


@holds("conv2d_backward", "weight of the last image")
def one_grad_weight_an_image(grad_output, x, weight, stride, padding):
    grad_x = np.zeros(x.shape)
    for n in range(len(x)):
        grad_w = np.zeros(weight.shape)
        for _, k, p, q, c, i, j, h, w in places(grad_output[n : n + 1], x[n : n + 1], weight, stride, padding):
            grad_x[n, c, h, w] += grad_output[n, k, p, q] * weight[k, c, i, j]
            grad_w[k, c, i, j] += grad_output[n, k, p, q] * x[n, c, h, w]
    return grad_x, grad_w, bias_of(grad_output)
