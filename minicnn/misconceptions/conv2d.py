"""Which question: what do people believe a convolution to be, and where do their loops go wrong?

Right: y[n,k,p,q] = b[k] + Σ_c Σ_i Σ_j w[k,c,i,j] · x[n, c, p·stride_h + i - top, q·stride_w + j - left], with 0 outside x.
This file has what goes wrong with one window and its sum; where the windows stand is in conv2d_windows.py.

Cost: none.  Source: Goodfellow, Bengio, Courville (2016), section 9.1.  Next room: conv2d_windows.py.
"""

import numpy as np

from minicnn.misconceptions.misconception import believed
from minicnn.misconceptions.pieces import convolve


@believed(
    "Your result is what you get when the kernel is flipped: convolution in the mathematician's sense; deep learning's is cross-correlation, which does not flip.",
    lesson="01",
)
def kernel_flipped(x, weight, bias, stride, padding):
    return convolve(x, weight[:, :, ::-1, ::-1], bias, stride, padding)


@believed(
    "Your result is what you get when the kernel is transposed: its axis 2 goes along the rows of x and its axis 3 along the columns.",
    lesson="01",
)
def kernel_transposed(x, weight, bias, stride, padding):
    return convolve(x, weight.swapaxes(2, 3), bias, stride, padding)


@believed("You read weight[k, c, j, i] for row i and column j: it is (K, C, kh, kw), so rows come first, weight[k, c, i, j].", lesson="01")
def taps_read_column_first(x, weight, bias, stride, padding):
    kh, kw = weight.shape[2:]
    weight = weight.swapaxes(2, 3)[:, :, range(kh)][..., range(kw)]  # an IndexError where the kernel is no square
    return convolve(x, weight, bias, stride, padding)


@believed("Your result is transposed: it should be (N, K, P, Q), rows before columns, as in x.", lesson="01")
def result_transposed(x, weight, bias, stride, padding):
    return convolve(x, weight, bias, stride, padding).swapaxes(2, 3)


@believed("You forget the bias: bias[k] is added once to every number of map k.", lesson="03")
def bias_forgotten(x, weight, bias, stride, padding):
    return convolve(x, weight, 0 * bias, stride, padding)


@believed("You add the bias at every tap of the window: it is added once, after the sum.", lesson="03")
def bias_at_every_tap(x, weight, bias, stride, padding):
    return convolve(x, weight, bias * weight[0].size, stride, padding)


@believed("You add the bias twice: either the sum starts at bias[k], or bias[k] is added at its end.", lesson="03")
def bias_twice(x, weight, bias, stride, padding):
    return convolve(x, weight, bias * 2, stride, padding)


@believed("You add the bias once for every input channel: a filter has one bias for the sum over all of them.", lesson="03")
def bias_for_every_input_channel(x, weight, bias, stride, padding):
    return convolve(x, weight, bias * weight.shape[1], stride, padding)


@believed("You add the first filter's bias to every map: map k has bias[k].", lesson="03")
def first_bias_for_all(x, weight, bias, stride, padding):
    return convolve(x, weight, np.full_like(bias, bias[0]), stride, padding)


@believed("You use the first filter for every map: map k is made by weight[k].", lesson="03")
def first_filter_for_all(x, weight, bias, stride, padding):
    return convolve(x, weight[[0] * len(weight)], bias, stride, padding)


@believed(
    "You look at the first channel only: a filter has a slice for every input channel, and the sum runs over all of them.", lesson="03"
)
def only_the_first_channel(x, weight, bias, stride, padding):
    return convolve(x[:, :1], weight[:, :1], bias, stride, padding)


@believed("You keep the last channel's sum only: each channel's products are added to those before, with += and not with =.", lesson="03")
def only_the_last_channel(x, weight, bias, stride, padding):
    return convolve(x[:, -1:], weight[:, -1:], bias, stride, padding)


@believed("You use a filter's first slice for every channel: channel c is multiplied by weight[k, c].", lesson="03")
def first_slice_for_all_channels(x, weight, bias, stride, padding):
    return convolve(x, weight[:, [0] * weight.shape[1]], bias, stride, padding)


@believed("You sum the channels before you multiply: each channel has weights of its own, so multiply first and then sum.", lesson="03")
def channels_summed_before_the_product(x, weight, bias, stride, padding):
    return convolve(x.sum(1, keepdims=True), weight.sum(1, keepdims=True), bias, stride, padding)


@believed("You average over the channels: their products are summed, and not divided by how many there are.", lesson="03")
def channels_averaged(x, weight, bias, stride, padding):
    return convolve(x, weight / weight.shape[1], bias, stride, padding)


@believed("You divide by the number of taps: a convolution is a sum of products, the weights say how much of each.", lesson="01")
def divided_by_the_number_of_taps(x, weight, bias, stride, padding):
    return convolve(x, weight / (weight.shape[2] * weight.shape[3]), bias, stride, padding)


@believed("You average over the whole window, channels included: a convolution is the sum of the products.", lesson="03")
def averaged_over_the_window(x, weight, bias, stride, padding):
    return convolve(x, weight / weight[0].size, bias, stride, padding)


@believed("You never set the sum back to 0: every output starts a new one, so put `total = 0` inside all four loops.", lesson="01")
def sum_never_reset(x, weight, bias, stride, padding):
    y = convolve(x, weight, 0 * bias, stride, padding)
    return y.cumsum().reshape(y.shape) + bias[:, None, None]


@believed(
    "You set the sum back to 0 once for every map: every output starts a new one, inside the loops over rows and columns.", lesson="01"
)
def sum_reset_for_every_map_only(x, weight, bias, stride, padding):
    y = convolve(x, weight, 0 * bias, stride, padding)
    return y.reshape(*y.shape[:2], -1).cumsum(axis=2).reshape(y.shape) + bias[:, None, None]


@believed("You set the sum back to 0 once for every row: every output starts a new one, inside the loop over columns.", lesson="01")
def sum_reset_for_every_row_only(x, weight, bias, stride, padding):
    return convolve(x, weight, 0 * bias, stride, padding).cumsum(axis=3) + bias[:, None, None]


@believed("You cut off what is negative: a convolution keeps its sign, ReLU is a step of its own.", lesson="04")
def rectified(x, weight, bias, stride, padding):
    return np.maximum(convolve(x, weight, bias, stride, padding), 0)


@believed("You fill the first image of the batch only: every image has its own result.", lesson="01")
def only_the_first_image(x, weight, bias, stride, padding):
    y = convolve(x, weight, bias, stride, padding)
    y[1:] = 0
    return y


@believed(
    "You unroll windows and filters in different orders: if a row of columns runs through (kh, kw, C), weight[k] must too.", lesson="08"
)
def unrolled_in_another_order(x, weight, bias, stride, padding):
    K, C, kh, kw = weight.shape
    return convolve(x, weight.reshape(K, kh, kw, C).transpose(0, 3, 1, 2), bias, stride, padding)


@believed(
    "You reshape where axes should move: a product with one row per window, (N·P·Q, K), is (N, P, Q, K) first, and then transposed.",
    lesson="08",
)
def reshaped_where_axes_should_move(x, weight, bias, stride, padding):
    y = convolve(x, weight, bias, stride, padding)
    return y.transpose(0, 2, 3, 1).reshape(y.shape)


@believed(
    "You multiply inside a view of x: `window = x[…]` is no copy, so `window *= weight` writes into x and spoils the next window.",
    lesson="01",
)
def products_written_into_the_input(x, weight, bias, stride, padding):
    x = np.pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2)) if any(padding) else x
    y = np.zeros_like(convolve(x, weight, bias, stride))
    for n, k, p, q in np.ndindex(y.shape):
        top, left = p * stride[0], q * stride[1]
        window = x[n, :, top : top + weight.shape[2], left : left + weight.shape[3]]
        window *= weight[k]
        y[n, k, p, q] = window.sum() + bias[k]
    return y


@believed("You sum in float16, which has 11 binary digits: add the products up in the input's dtype or in float64.", lesson="07")
def summed_in_float16(x, weight, bias, stride, padding):
    return convolve(*(array.astype(np.float16) for array in (x, weight, bias)), stride, padding).astype(x.dtype)


@believed("You store the result as float32 where the input is float64: make it with x.dtype.", lesson="07")
def stored_as_float32(x, weight, bias, stride, padding):
    return convolve(x, weight, bias, stride, padding).astype(np.float32)


@believed("You store the result as whole numbers: np.zeros(shape, dtype=int) cuts off every fraction that is put into it.", lesson="07")
def stored_as_whole_numbers(x, weight, bias, stride, padding):
    return convolve(x, weight, bias, stride, padding).astype(int)
