"""Which question: what do people believe about groups and dilation?

Right: filter k belongs to group k // (K/G), which sees channels g·C/G … (g + 1)·C/G - 1 and nothing else; taps are `dilation` cells apart.

Cost: none.  Source: Krizhevsky, Sutskever, Hinton (2012), section 3.5; Yu & Koltun (2016).  Next room: global_avg_pool2d.py.
"""

import numpy as np

from minicnn.misconceptions.misconception import believed
from minicnn.misconceptions.pieces import convolve, padded, windows


def grouped(x, weight, bias, stride, padding, dilation, groups):
    """Return each group's convolution, one after the other: what is right."""
    seen, filters = x.shape[1] // groups, len(weight) // groups
    parts = [(x[:, g * seen :][:, :seen], slice(g * filters, (g + 1) * filters)) for g in range(groups)]
    return np.concatenate([convolve(part, weight[k], bias[k], stride, padding, dilation) for part, k in parts], axis=1)


def interleaved(axis: int, array, groups: int):
    """Return the array with every G-th entry of an axis brought together."""
    return np.concatenate([array[(slice(None),) * axis + (slice(g, None, groups),)] for g in range(groups)], axis=axis)


@believed("You deal the channels out in turn, one to each group: group g has C/G neighbours, from channel g·C/G on.", lesson="03")
def input_channels_interleaved(x, weight, bias, stride, padding, dilation, groups):
    return grouped(interleaved(1, x, groups), weight, bias, stride, padding, dilation, groups)


@believed("You deal the filters out in turn, one to each group: filter k belongs to group k // (K/G), and not k % G.", lesson="03")
def filters_interleaved(x, weight, bias, stride, padding, dilation, groups):
    y = [
        convolve(x[:, (k % groups) * weight.shape[1] :][:, : weight.shape[1]], weight[[k]], bias[[k]], stride, padding, dilation)
        for k in range(len(weight))
    ]
    return np.concatenate(y, axis=1)


@believed("You interleave the groups' results: the maps of group 0 come first, then those of group 1, and so on.", lesson="03")
def results_interleaved(x, weight, bias, stride, padding, dilation, groups):
    return interleaved(1, grouped(x, weight, bias, stride, padding, dilation, groups), len(weight) // groups)


@believed("You show every group the first C/G channels: each group has channels of its own.", lesson="03")
def first_channels_for_every_group(x, weight, bias, stride, padding, dilation, groups):
    return convolve(x[:, : weight.shape[1]], weight, bias, stride, padding, dilation)


@believed("You use the first group's filters for every group: weight has K/G filters for each.", lesson="03")
def first_filters_for_every_group(x, weight, bias, stride, padding, dilation, groups):
    weight = np.concatenate([weight[: len(weight) // groups]] * groups)
    return grouped(x, weight, bias, stride, padding, dilation, groups)


@believed("You use the first group's biases for every group: bias has one number for each of the K maps.", lesson="03")
def first_biases_for_every_group(x, weight, bias, stride, padding, dilation, groups):
    bias = np.concatenate([bias[: len(bias) // groups]] * groups)
    return grouped(x, weight, bias, stride, padding, dilation, groups)


@believed("You add the groups' results up: they stand one after the other, K maps in all.", lesson="03")
def groups_added_up(x, weight, bias, stride, padding, dilation, groups):
    y = grouped(x, weight, bias, stride, padding, dilation, groups)
    return y.reshape(len(y), groups, -1, *y.shape[2:]).sum(axis=1)


@believed("You ignore the groups and let each filter see all channels: it has weights for C/G of them.", lesson="03")
def groups_forgotten(x, weight, bias, stride, padding, dilation, groups):
    return convolve(x, weight, bias, stride, padding, dilation)


@believed("You forget the bias: bias[k] is added once to every number of map k.", lesson="03")
def bias_forgotten(x, weight, bias, stride, padding, dilation, groups):
    return grouped(x, weight, 0 * bias, stride, padding, dilation, groups)


@believed("You forget the dilation: tap (i, j) lies i·dilation[0] rows and j·dilation[1] columns from the window's corner.", lesson="02")
def dilation_forgotten(x, weight, bias, stride, padding, dilation, groups):
    return grouped(x, weight, bias, stride, padding, (1, 1), groups)


@believed("You use the dilation as stride: it moves the taps of one window apart, and stride moves the windows.", lesson="02")
def dilation_as_stride(x, weight, bias, stride, padding, dilation, groups):
    steps = stride[0] * dilation[0], stride[1] * dilation[1]
    return grouped(x, weight, bias, steps, padding, (1, 1), groups)


@believed("You swap stride and dilation: stride moves the windows apart, dilation the taps of one window.", lesson="02")
def stride_and_dilation_swapped(x, weight, bias, stride, padding, dilation, groups):
    return grouped(x, weight, bias, dilation, padding, stride, groups)


@believed("You use the first dilation for both axes: dilation[1] is the columns' own.", lesson="02")
def one_dilation_for_both_axes(x, weight, bias, stride, padding, dilation, groups):
    return grouped(x, weight, bias, stride, padding, (dilation[0], dilation[0]), groups)


@believed("You swap the dilations: dilation is (height, width), the first for rows and the second for columns.", lesson="02")
def dilations_swapped(x, weight, bias, stride, padding, dilation, groups):
    return grouped(x, weight, bias, stride, padding, dilation[::-1], groups)


@believed(
    "You put `dilation` cells between taps: they are `dilation` cells apart, with dilation - 1 between, so that 1 is no dilation.",
    lesson="02",
)
def dilation_counts_gaps(x, weight, bias, stride, padding, dilation, groups):
    return grouped(x, weight, bias, stride, padding, (dilation[0] + 1, dilation[1] + 1), groups)


@believed(
    "You take the dilated kernel to span dilation·kernel cells: it spans dilation·(kernel - 1) + 1, so more windows fit.", lesson="02"
)
def gap_after_the_last_tap(x, weight, bias, stride, padding, dilation, groups):
    y = grouped(x, weight, bias, stride, padding, dilation, groups)
    spans = [d * k for d, k in zip(dilation, weight.shape[2:], strict=True)]
    rows, columns = windows(x, spans, stride, padding).shape[2:4]
    return y[:, :, :rows, :columns]


@believed("You dilate the padding as well: it is given in cells.", lesson="02")
def padding_dilated(x, weight, bias, stride, padding, dilation, groups):
    more = padding[0] * dilation[0], padding[1] * dilation[1]
    return grouped(x, weight, bias, stride, more, dilation, groups)


@believed("You forget the padding: put padding[0] rows and padding[1] columns of zeros on each side first.", lesson="02")
def padding_forgotten(x, weight, bias, stride, padding, dilation, groups):
    return grouped(x, weight, bias, stride, (0, 0), dilation, groups)


@believed("You pad above and on the left only: the zeros go on all four sides.", lesson="02")
def padded_before_only(x, weight, bias, stride, padding, dilation, groups):
    return grouped(padded(x, (padding[0], 0), (padding[1], 0)), weight, bias, stride, (0, 0), dilation, groups)


@believed("You forget the stride: windows start every stride[0] rows and every stride[1] columns.", lesson="02")
def stride_forgotten(x, weight, bias, stride, padding, dilation, groups):
    return grouped(x, weight, bias, (1, 1), padding, dilation, groups)


@believed("You swap the strides: stride is (height, width), the first for rows and the second for columns.", lesson="02")
def strides_swapped(x, weight, bias, stride, padding, dilation, groups):
    return grouped(x, weight, bias, stride[::-1], padding, dilation, groups)


@believed(
    "Your kernel is flipped: convolution in the mathematician's sense; deep learning's is cross-correlation, which does not flip.",
    lesson="01",
)
def kernel_flipped(x, weight, bias, stride, padding, dilation, groups):
    return grouped(x, weight[:, :, ::-1, ::-1], bias, stride, padding, dilation, groups)
