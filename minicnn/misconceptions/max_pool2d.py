"""Which question: what do people believe max pooling to do?

Right: y[n,c,p,q] = the largest x in the window, and cells outside x do not exist, so that padding never wins.

Cost: none.  Source: torch.nn.functional.max_pool2d.  Next room: avg_pool2d.py.
"""

import numpy as np

from minicnn.misconceptions import pieces
from minicnn.misconceptions.misconception import believed
from minicnn.misconceptions.pieces import padded, rounded_up, windows


def largest(x, kernel, stride, padding=(0, 0)):
    """Return the largest number of every window, with -inf around x."""
    return windows(x, kernel, stride, padding, fill=-np.inf).max(axis=(4, 5))


@believed("You pad with 0, which wins against negative numbers: pad with -inf, or leave out what lies outside.", lesson="04")
def padded_with_zero(x, kernel, stride, padding):
    return windows(x, kernel, stride, padding).max(axis=(4, 5))


@believed("Your search starts at 0, so that negative numbers never win: start at the window's first number, or at -inf.", lesson="04")
def search_starts_at_zero(x, kernel, stride, padding):
    return np.maximum(largest(x, kernel, stride, padding), 0)


@believed("You average: max pooling keeps the largest number of each window.", lesson="04")
def mean_for_maximum(x, kernel, stride, padding):
    seen = windows(x, kernel, stride, padding, fill=np.nan)
    return np.nanmean(seen, axis=(4, 5)).astype(x.dtype)


@believed("You keep the smallest number of each window: max pooling keeps the largest.", lesson="04")
def smallest(x, kernel, stride, padding):
    return windows(x, kernel, stride, padding, fill=np.inf).min(axis=(4, 5))


@believed("You keep the number farthest from 0: the largest is meant with its sign, so that 1 wins against -5.", lesson="04")
def farthest_from_zero(x, kernel, stride, padding):
    seen = windows(x, kernel, stride, padding)
    seen = seen.reshape(*seen.shape[:4], -1)
    return np.take_along_axis(seen, np.abs(seen).argmax(axis=-1, keepdims=True), axis=-1)[..., 0]  # the first of several


@believed("You return where in the window the largest number stands: max pooling returns the number.", lesson="04")
def place_for_value(x, kernel, stride, padding):
    seen = windows(x, kernel, stride, padding, fill=-np.inf)
    return seen.reshape(*seen.shape[:4], -1).argmax(axis=-1)


@believed("You take the largest over all channels: every channel is pooled on its own.", lesson="04")
def over_the_channels_too(x, kernel, stride, padding):
    return largest(x, kernel, stride, padding).max(axis=1, keepdims=True)


@believed("You pool the first channel only: every channel is pooled on its own.", lesson="04")
def only_the_first_channel(x, kernel, stride, padding):
    y = largest(x, kernel, stride, padding)
    y[:, 1:] = 0
    return y


@believed("You step by the kernel's size: the stride is given, and may be smaller or larger.", lesson="04")
def kernel_for_stride(x, kernel, stride, padding):
    return largest(x, kernel, kernel, padding)


@believed("You forget the stride: windows start every stride[0] rows and every stride[1] columns.", lesson="04")
def stride_forgotten(x, kernel, stride, padding):
    return largest(x, kernel, (1, 1), padding)


@believed("You use the first stride for both axes: stride[1] is the columns' own.", lesson="02")
def one_stride_for_both_axes(x, kernel, stride, padding):
    return largest(x, kernel, (stride[0], stride[0]), padding)


@believed("You use the kernel's height for both axes: kernel[1] is its width.", lesson="02")
def square_kernel(x, kernel, stride, padding):
    return largest(x, (kernel[0], kernel[0]), stride, padding)


@believed("You swap the kernel's sides: kernel is (height, width), rows before columns.", lesson="02")
def kernel_swapped(x, kernel, stride, padding):
    return largest(x, kernel[::-1], stride, padding)


@believed("You write 2 for the kernel's size: it is given, as (height, width).", lesson="04")
def kernel_of_two(x, kernel, stride, padding):
    return largest(x, (2, 2), stride, padding)


@believed("You forget the padding: windows start padding[0] rows above x and padding[1] columns to the left.", lesson="04")
def padding_forgotten(x, kernel, stride, padding):
    return largest(x, kernel, stride)


@believed("You pad above and on the left only: padding goes on all four sides.", lesson="02")
def padded_before_only(x, kernel, stride, padding):
    return largest(padded(x, (padding[0], 0), (padding[1], 0), fill=-np.inf), kernel, stride)


@believed("You fill the middle with room[…, p:-p, p:-p], which is empty where p = 0: write p:p+H.", lesson="02")
def minus_p_where_p_is_0(x, kernel, stride, padding):
    return largest(pieces.filled_from_p_to_minus_p(x, padding, -np.inf), kernel, stride)


@believed("You round the output size up (ceil mode): a last window that would reach over the edge is left out.", lesson="02")
def ceil_for_floor(x, kernel, stride, padding):
    return largest(rounded_up(x, kernel, stride, padding, -np.inf), kernel, stride)


@believed("Your last row and column stay 0: the loops over the output end one too early, range(P) ends at P - 1 already.", lesson="02")
def last_window_left_zero(x, kernel, stride, padding):
    y = largest(x, kernel, stride, padding)
    y[:, :, -1], y[:, :, :, -1] = 0, 0
    return y


@believed(
    "You refuse sizes that the stride does not divide: the cells left over at the end are in no window, and that is allowed.", lesson="02"
)
def stride_must_divide(x, kernel, stride, padding):
    pieces.divides(x, kernel, stride, padding)
    return largest(x, kernel, stride, padding)
