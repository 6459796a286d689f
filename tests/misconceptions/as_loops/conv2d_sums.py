"""conv2d wrong in what one window is summed to: loops, slices and np.zeros, as they are handed in."""

import numpy as np
from holding import holds


def pad(x, padding):
    N, C, H, W = x.shape
    ph, pw = padding
    room = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    room[:, :, ph : ph + H, pw : pw + W] = x
    return room


def size(x, weight, stride):
    return (x.shape[2] - weight.shape[2]) // stride[0] + 1, (x.shape[3] - weight.shape[3]) // stride[1] + 1


@holds("conv2d", "kernel flipped")
def flips(x, weight, bias, stride, padding):
    x = pad(x, padding)
    P, Q = size(x, weight, stride)
    K, C, kh, kw = weight.shape
    y = np.zeros((len(x), K, P, Q))
    for n in range(len(x)):
        for k in range(K):
            for p in range(P):
                for q in range(Q):
                    total = 0.0
                    for c in range(C):
                        for i in range(kh):
                            for j in range(kw):
                                total += weight[k, c, kh - 1 - i, kw - 1 - j] * x[n, c, p * stride[0] + i, q * stride[1] + j]
                    y[n, k, p, q] = total + bias[k]
    return y


@holds("conv2d", "taps read column first")
def reads_j_before_i(x, weight, bias, stride, padding):
    x = pad(x, padding)
    P, Q = size(x, weight, stride)
    K, C, kh, kw = weight.shape
    y = np.zeros((len(x), K, P, Q))
    for n in range(len(x)):
        for k in range(K):
            for p in range(P):
                for q in range(Q):
                    y[n, k, p, q] = bias[k]
                    for c in range(C):
                        for i in range(kh):
                            for j in range(kw):
                                y[n, k, p, q] += weight[k, c, j, i] * x[n, c, p * stride[0] + i, q * stride[1] + j]
    return y


@holds("conv2d", "bias at every tap")
def adds_the_bias_inside(x, weight, bias, stride, padding):
    x = pad(x, padding)
    P, Q = size(x, weight, stride)
    K, C, kh, kw = weight.shape
    y = np.zeros((len(x), K, P, Q))
    for n in range(len(x)):
        for k in range(K):
            for p in range(P):
                for q in range(Q):
                    for c in range(C):
                        for i in range(kh):
                            for j in range(kw):
                                y[n, k, p, q] += weight[k, c, i, j] * x[n, c, p * stride[0] + i, q * stride[1] + j] + bias[k]
    return y


@holds("conv2d", "bias for every input channel")
def adds_the_bias_for_each_channel(x, weight, bias, stride, padding):
    x = pad(x, padding)
    P, Q = size(x, weight, stride)
    K, C, kh, kw = weight.shape
    y = np.zeros((len(x), K, P, Q))
    for n in range(len(x)):
        for k in range(K):
            for c in range(C):
                for p in range(P):
                    for q in range(Q):
                        r, s = p * stride[0], q * stride[1]
                        y[n, k, p, q] += np.sum(x[n, c, r : r + kh, s : s + kw] * weight[k, c]) + bias[k]
    return y


@holds("conv2d", "bias twice")
def starts_and_ends_with_the_bias(x, weight, bias, stride, padding):
    x = pad(x, padding)
    P, Q = size(x, weight, stride)
    K, _, kh, kw = weight.shape
    y = np.zeros((len(x), K, P, Q))
    for k in range(K):
        y[:, k] = bias[k]
    for n in range(len(x)):
        for k in range(K):
            for p in range(P):
                for q in range(Q):
                    r, s = p * stride[0], q * stride[1]
                    y[n, k, p, q] += (x[n, :, r : r + kh, s : s + kw] * weight[k]).sum() + bias[k]
    return y


@holds("conv2d", "bias forgotten")
def no_bias(x, weight, bias, stride, padding):
    x = pad(x, padding)
    P, Q = size(x, weight, stride)
    y = np.zeros((len(x), len(weight), P, Q))
    for n, image in enumerate(x):
        for k, filt in enumerate(weight):
            for p in range(P):
                for q in range(Q):
                    r, s = p * stride[0], q * stride[1]
                    window = image[:, r : r + filt.shape[1], s : s + filt.shape[2]]
                    y[n, k, p, q] = np.sum(window * filt)
    return y


@holds("conv2d", "only the last channel")
def overwrites_the_channels(x, weight, bias, stride, padding):
    x = pad(x, padding)
    P, Q = size(x, weight, stride)
    K, C, kh, kw = weight.shape
    y = np.zeros((len(x), K, P, Q))
    for n in range(len(x)):
        for k in range(K):
            for p in range(P):
                for q in range(Q):
                    for c in range(C):
                        r, s = p * stride[0], q * stride[1]
                        y[n, k, p, q] = np.sum(x[n, c, r : r + kh, s : s + kw] * weight[k, c]) + bias[k]
    return y


@holds("conv2d", "averaged over the window")
def takes_the_mean(x, weight, bias, stride, padding):
    x = pad(x, padding)
    P, Q = size(x, weight, stride)
    K, _, kh, kw = weight.shape
    y = np.zeros((len(x), K, P, Q))
    for n in range(len(x)):
        for k in range(K):
            for p in range(P):
                for q in range(Q):
                    r, s = p * stride[0], q * stride[1]
                    y[n, k, p, q] = np.mean(x[n, :, r : r + kh, s : s + kw] * weight[k]) + bias[k]
    return y


def running(x, weight, bias, stride, padding, reset):
    """One total for many outputs: `reset` says before which loop it becomes 0 again."""
    x = pad(x, padding)
    P, Q = size(x, weight, stride)
    K, C, kh, kw = weight.shape
    y = np.zeros((len(x), K, P, Q))
    total = 0.0
    for n in range(len(x)):
        for k in range(K):
            total = 0.0 if reset == "map" else total
            for p in range(P):
                total = 0.0 if reset == "row" else total
                for q in range(Q):
                    for c in range(C):
                        for i in range(kh):
                            for j in range(kw):
                                total += x[n, c, p * stride[0] + i, q * stride[1] + j] * weight[k, c, i, j]
                    y[n, k, p, q] = total + bias[k]
    return y


@holds("conv2d", "sum never reset")
def total_at_the_top(x, weight, bias, stride, padding):
    return running(x, weight, bias, stride, padding, None)


@holds("conv2d", "sum reset for every map only")
def total_before_the_rows(x, weight, bias, stride, padding):
    return running(x, weight, bias, stride, padding, "map")


@holds("conv2d", "sum reset for every row only")
def total_before_the_columns(x, weight, bias, stride, padding):
    return running(x, weight, bias, stride, padding, "row")


@holds("conv2d", "products written into the input")
def multiplies_in_the_window(x, weight, bias, stride, padding):
    if padding != (0, 0):
        x = pad(x, padding)
    P, Q = size(x, weight, stride)
    K, _, kh, kw = weight.shape
    y = np.zeros((len(x), K, P, Q))
    for n in range(len(x)):
        for k in range(K):
            for p in range(P):
                for q in range(Q):
                    r, s = p * stride[0], q * stride[1]
                    window = x[n, :, r : r + kh, s : s + kw]
                    window *= weight[k]
                    y[n, k, p, q] = np.sum(window) + bias[k]
    return y


@holds("conv2d", "stored as whole numbers")
def fills_an_int_array(x, weight, bias, stride, padding):
    x = pad(x, padding)
    P, Q = size(x, weight, stride)
    K, _, kh, kw = weight.shape
    y = np.zeros((len(x), K, P, Q), dtype=int)
    for n in range(len(x)):
        for k in range(K):
            for p in range(P):
                for q in range(Q):
                    r, s = p * stride[0], q * stride[1]
                    y[n, k, p, q] = np.sum(x[n, :, r : r + kh, s : s + kw] * weight[k]) + bias[k]
    return y
