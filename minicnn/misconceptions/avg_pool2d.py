"""Which question: what do people believe average pooling to do?

Right: y[n,c,p,q] = the mean of the x in the window; cells outside x do not exist, so they are neither summed nor counted.

Cost: none.  Source: torch.nn.functional.avg_pool2d with count_include_pad=False.  Next room: conv1x1.py.
"""

import numpy as np

from minicnn.misconceptions import pieces
from minicnn.misconceptions.misconception import believed
from minicnn.misconceptions.pieces import padded, rounded_up, windows


def mean(x, kernel, stride, padding=(0, 0)):
    """Return the mean over the cells of every window that are in x."""
    return total(x, kernel, stride, padding) / total(np.ones_like(x), kernel, stride, padding)


def total(x, kernel, stride, padding=(0, 0)):
    """Return the sum over every window, with zeros around x."""
    return windows(x, kernel, stride, padding).sum(axis=(4, 5))


@believed("You count the padding: divide by how many cells of the window are in x, and not by the kernel's size.", lesson="04")
def padding_counted(x, kernel, stride, padding):
    return total(x, kernel, stride, padding) / (kernel[0] * kernel[1])


@believed("You leave every 0 out of the count: zeros of x itself are numbers too, only cells outside x are not counted.", lesson="04")
def zeros_not_counted(x, kernel, stride, padding):
    return total(x, kernel, stride, padding) / np.maximum(total((x != 0).astype(x.dtype), kernel, stride, padding), 1)


@believed("You return the sum: the mean divides it by how many cells were summed.", lesson="04")
def sum_for_mean(x, kernel, stride, padding):
    return total(x, kernel, stride, padding)


@believed("You keep the largest number: average pooling returns the mean of each window.", lesson="04")
def maximum_for_mean(x, kernel, stride, padding):
    return windows(x, kernel, stride, padding, fill=-np.inf).max(axis=(4, 5))


@believed("You divide by the kernel's height twice: a window of kh·kw cells has kh·kw of them.", lesson="04")
def divided_by_the_height_twice(x, kernel, stride, padding):
    return mean(x, kernel, stride, padding) * x.dtype.type(kernel[1] / kernel[0])


@believed("You divide with //, which rounds down: a mean has a fraction, so divide with /.", lesson="04")
def whole_division(x, kernel, stride, padding):
    return total(x, kernel, stride, padding) // total(np.ones_like(x), kernel, stride, padding)


@believed("You average over the channels too: every channel is pooled on its own.", lesson="04")
def over_the_channels_too(x, kernel, stride, padding):
    return mean(x, kernel, stride, padding).mean(axis=1, keepdims=True)


@believed("You step by the kernel's size: the stride is given, and may be smaller or larger.", lesson="04")
def kernel_for_stride(x, kernel, stride, padding):
    return mean(x, kernel, kernel, padding)


@believed("You forget the stride: windows start every stride[0] rows and every stride[1] columns.", lesson="04")
def stride_forgotten(x, kernel, stride, padding):
    return mean(x, kernel, (1, 1), padding)


@believed("You use the first stride for both axes: stride[1] is the columns' own.", lesson="02")
def one_stride_for_both_axes(x, kernel, stride, padding):
    return mean(x, kernel, (stride[0], stride[0]), padding)


@believed("You swap the kernel's sides: kernel is (height, width), rows before columns.", lesson="02")
def kernel_swapped(x, kernel, stride, padding):
    return mean(x, kernel[::-1], stride, padding)


@believed("You forget the padding: windows start padding[0] rows above x and padding[1] columns to the left.", lesson="04")
def padding_forgotten(x, kernel, stride, padding):
    return mean(x, kernel, stride)


@believed("You pad above and on the left only: padding goes on all four sides.", lesson="02")
def padded_before_only(x, kernel, stride, padding):
    x, inside = (padded(a, (padding[0], 0), (padding[1], 0)) for a in (x, np.ones_like(x)))
    return total(x, kernel, stride) / total(inside, kernel, stride)


@believed("You fill the middle with room[…, p:-p, p:-p], which is empty where p = 0: write p:p+H.", lesson="02")
def minus_p_where_p_is_0(x, kernel, stride, padding):
    x, inside = (pieces.filled_from_p_to_minus_p(a, padding) for a in (x, np.ones_like(x)))
    return total(x, kernel, stride) / total(inside, kernel, stride)


@believed("You round the output size up (ceil mode): a last window that would reach over the edge is left out.", lesson="02")
def ceil_for_floor(x, kernel, stride, padding):
    x, inside = (rounded_up(a, kernel, stride, padding) for a in (x, np.ones_like(x)))
    return total(x, kernel, stride) / np.maximum(total(inside, kernel, stride), 1)


@believed("Your last row and column stay 0: the loops over the output end one too early, range(P) ends at P - 1 already.", lesson="02")
def last_window_left_zero(x, kernel, stride, padding):
    y = mean(x, kernel, stride, padding)
    y[:, :, -1], y[:, :, :, -1] = 0, 0
    return y
