"""1×1 and grouped convolutions and the global mean wrong, as they are handed in."""

import numpy as np
from holding import holds


@holds("conv1x1", "only the first channel")
def looks_at_channel_0(x, weight, bias):
    y = np.zeros((len(x), len(weight), *x.shape[2:]))
    for n in range(len(x)):
        for k in range(len(weight)):
            y[n, k] = x[n, 0] * weight[k, 0] + bias[k]
    return y


@holds("conv1x1", "bias for every input channel")
def adds_the_bias_each_time(x, weight, bias):
    y = np.zeros((len(x), len(weight), *x.shape[2:]))
    for n in range(len(x)):
        for k in range(len(weight)):
            for c in range(x.shape[1]):
                y[n, k] += x[n, c] * weight[k, c] + bias[k]
    return y


@holds("conv1x1", "channels averaged")
def takes_the_mean(x, weight, bias):
    y = np.zeros((len(x), len(weight), *x.shape[2:]))
    for n in range(len(x)):
        for k in range(len(weight)):
            for h in range(x.shape[2]):
                for w in range(x.shape[3]):
                    y[n, k, h, w] = np.mean(x[n, :, h, w] * weight[k]) + bias[k]
    return y


@holds("conv1x1", "image reshaped where axes should move")
def reshapes_the_image(x, weight, bias):
    N, C, H, W = x.shape
    rows = x.reshape(-1, C)
    y = np.zeros((N * H * W, len(weight)))
    for row in range(len(rows)):
        for k in range(len(weight)):
            y[row, k] = sum(rows[row, c] * weight[k, c] for c in range(C)) + bias[k]
    return y.reshape(N, H, W, len(weight)).transpose(0, 3, 1, 2)


@holds("conv1x1", "reshaped both ways")
def reshapes_there_and_back(x, weight, bias):
    N, C, H, W = x.shape
    y = np.dot(x.reshape(-1, C), weight.T) + bias
    return y.reshape((N, len(weight), H, W))


@holds("conv1x1", "channels left last")
def leaves_channels_last(x, weight, bias):
    N, _, H, W = x.shape
    y = np.zeros((N, H, W, len(weight)))
    for n in range(N):
        for h in range(H):
            for w in range(W):
                y[n, h, w] = weight @ x[n, :, h, w] + bias
    return y


def slide(x, weight, bias, stride, padding, dilation, channels_of, kernel_of=lambda k: k):
    """Filter k over the channels that channels_of(k) lists."""
    N, _, H, W = x.shape
    K, _, kh, kw = weight.shape
    P = (H + 2 * padding[0] - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    Q = (W + 2 * padding[1] - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    y = np.zeros((N, K, P, Q))
    for n in range(N):
        for k in range(K):
            for p in range(P):
                for q in range(Q):
                    total = bias[k]
                    for own, channel in enumerate(channels_of(k)):
                        for i in range(kh):
                            for j in range(kw):
                                h = p * stride[0] + i * dilation[0] - padding[0]
                                w = q * stride[1] + j * dilation[1] - padding[1]
                                if 0 <= h < H and 0 <= w < W:
                                    total += x[n, channel, h, w] * weight[kernel_of(k), own, i, j]
                    y[n, k, p, q] = total
    return y


@holds("grouped_conv2d", "filters interleaved")
def group_is_k_modulo(x, weight, bias, stride, padding, dilation, groups):
    c = weight.shape[1]
    return slide(x, weight, bias, stride, padding, dilation, lambda k: [k % groups * c + i for i in range(c)])


@holds("grouped_conv2d", "input channels interleaved")
def every_third_channel(x, weight, bias, stride, padding, dilation, groups):
    each = len(weight) // groups
    return slide(x, weight, bias, stride, padding, dilation, lambda k: range(k // each, x.shape[1], groups))


@holds("grouped_conv2d", "first channels for every group")
def always_from_channel_0(x, weight, bias, stride, padding, dilation, groups):
    return slide(x, weight, bias, stride, padding, dilation, lambda k: range(weight.shape[1]))


@holds("grouped_conv2d", "first filters for every group")
def counts_filters_in_the_group(x, weight, bias, stride, padding, dilation, groups):
    each, c = len(weight) // groups, weight.shape[1]
    return slide(x, weight, bias, stride, padding, dilation, lambda k: [k // each * c + i for i in range(c)], lambda k: k % each)


def right_groups(weight, groups):
    each, c = len(weight) // groups, weight.shape[1]
    return lambda k: [k // each * c + i for i in range(c)]


@holds("grouped_conv2d", "dilations swapped")
def dilates_width_first(x, weight, bias, stride, padding, dilation, groups):
    dw, dh = dilation
    return slide(x, weight, bias, stride, padding, (dh, dw), right_groups(weight, groups))


@holds("grouped_conv2d", "dilation forgotten")
def never_dilates(x, weight, bias, stride, padding, dilation, groups):
    return slide(x, weight, bias, stride, padding, (1, 1), right_groups(weight, groups))


@holds("grouped_conv2d", "dilation counts gaps")
def puts_cells_between(x, weight, bias, stride, padding, dilation, groups):
    return slide(x, weight, bias, stride, padding, (dilation[0] + 1, dilation[1] + 1), right_groups(weight, groups))


@holds("global_avg_pool2d", "axes kept")
def keeps_one_pixel(x):
    y = np.zeros((*x.shape[:2], 1, 1))
    for n in range(len(x)):
        for c in range(x.shape[1]):
            y[n, c, 0, 0] = x[n, c].mean()
    return y


@holds("global_avg_pool2d", "square image")
def divides_by_the_height_twice(x):
    N, C, H, W = x.shape
    y = np.zeros((N, C))
    for n in range(N):
        for c in range(C):
            for h in range(H):
                for w in range(W):
                    y[n, c] += x[n, c, h, w]
    return y / (H * H)
