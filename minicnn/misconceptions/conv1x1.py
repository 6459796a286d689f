"""Which question: what do people believe a 1×1 convolution to be?

Right: y[n,k,h,w] = b[k] + Σ_c w[k,c] · x[n,c,h,w]: one matrix product for every pixel, over its channels.

Cost: none.  Source: Lin, Chen, Yan, Network in network (2013).  Next room: grouped_conv2d.py.
"""

import numpy as np

from minicnn.misconceptions.misconception import believed


def mix(x, weight, bias):
    """Return the channels of every pixel, mixed."""
    return np.einsum("nchw,kc->nkhw", x, weight) + bias[:, None, None]


@believed("You use the weight transposed: it is (K, C), and weight[k] has a factor for every input channel.", lesson="03")
def weight_transposed(x, weight, bias):
    return mix(x, weight.T, bias[: x.shape[1]])


@believed("You forget the bias: bias[k] is added once to every number of map k.", lesson="03")
def bias_forgotten(x, weight, bias):
    return mix(x, weight, 0 * bias)


@believed("You add the bias once for every input channel: a filter has one bias for the sum over all of them.", lesson="03")
def bias_for_every_input_channel(x, weight, bias):
    return mix(x, weight, bias * weight.shape[1])


@believed("You look at the first channel only: the sum runs over all of them.", lesson="03")
def only_the_first_channel(x, weight, bias):
    return mix(x[:, :1], weight[:, :1], bias)


@believed("You use the first filter for every map: map k is made by weight[k].", lesson="03")
def first_filter_for_all(x, weight, bias):
    return mix(x, weight[[0] * len(weight)], bias)


@believed("You sum the channels before you multiply: each channel has a weight of its own, so multiply first and then sum.", lesson="03")
def channels_summed_before_the_product(x, weight, bias):
    return mix(x.sum(1, keepdims=True), weight.sum(1, keepdims=True), bias)


@believed("You average over the channels: their products are summed, and not divided by how many there are.", lesson="03")
def channels_averaged(x, weight, bias):
    return mix(x, weight / weight.shape[1], bias)


@believed("You leave the channels last: the product is (N, H, W, K), and the result (N, K, H, W).", lesson="03")
def channels_left_last(x, weight, bias):
    return mix(x, weight, bias).transpose(0, 2, 3, 1)


@believed("You reshape where axes should move: the product (N·H·W, K) is (N, H, W, K) first, and then transposed.", lesson="08")
def result_reshaped_where_axes_should_move(x, weight, bias):
    y = mix(x, weight, bias)
    return y.transpose(0, 2, 3, 1).reshape(y.shape)


@believed("You reshape x to (N·H·W, C) as it lies: its channels are axis 1, so move them to the end first.", lesson="08")
def image_reshaped_where_axes_should_move(x, weight, bias):
    N, C, H, W = x.shape
    return mix(x.reshape(N, H, W, C).transpose(0, 3, 1, 2), weight, bias)


@believed("You reshape to (N·H·W, C) and back as it lies: move the channels to the end before the product, and back after it.", lesson="08")
def reshaped_both_ways(x, weight, bias):
    N, C, H, W = x.shape
    return (x.reshape(-1, C) @ weight.T + bias).reshape(N, len(weight), H, W)


@believed("Your result has rows and columns exchanged: it should be (N, K, H, W).", lesson="01")
def result_transposed(x, weight, bias):
    return mix(x, weight, bias).swapaxes(2, 3)


@believed(
    "You multiply inside a view of x: `pixel = x[…]` is no copy, so `pixel *= weight[k]` writes into x and spoils the next filter.",
    lesson="03",
)
def products_written_into_the_input(x, weight, bias):
    y = np.empty_like(mix(x, weight, bias))
    for k, factors in enumerate(weight):
        x *= factors[:, None, None]
        y[:, k] = x.sum(axis=1) + bias[k]
    return y
