"""Which question: what do people believe global average pooling to do?

Right: y[n,c] = the mean of x[n,c] over its H·W pixels: (N, C).

Cost: none.  Source: Lin, Chen, Yan, Network in network (2013), section 3.2.  Next room: conv2d_backward.py.
"""

import numpy as np

from minicnn.misconceptions.misconception import believed


@believed("You return the sum: the mean divides it by H·W.", lesson="06")
def sum_for_mean(x):
    return x.sum(axis=(2, 3))


@believed("You keep the largest pixel: that is global max pooling, here the mean is meant.", lesson="06")
def maximum_for_mean(x):
    return x.max(axis=(2, 3))


@believed("You keep the axes of the pixels: the result is (N, C), and not (N, C, 1, 1).", lesson="06")
def axes_kept(x):
    return x.mean(axis=(2, 3), keepdims=True)


@believed("You average over the images too: every image has its own numbers.", lesson="06")
def over_the_batch_too(x):
    return x.mean(axis=(0, 2, 3))


@believed("You average over the channels too: every channel keeps a number of its own.", lesson="06")
def over_the_channels_too(x):
    return x.mean(axis=(1, 2, 3))


@believed("You average over the channels and keep the pixels: it is the other way round.", lesson="06")
def channels_for_pixels(x):
    return x.mean(axis=1)


@believed("You average over the rows only: the columns are pixels too.", lesson="06")
def rows_only(x):
    return x.mean(axis=2)


@believed("You take the channels to be last: x is (N, C, H, W), so the pixels are axes 2 and 3.", lesson="06")
def channels_believed_last(x):
    return x.mean(axis=(1, 2))


@believed("You divide by H·H: the image need not be square, it has H·W pixels.", lesson="06")
def square_image(x):
    return x.sum(axis=(2, 3)) / x.dtype.type(x.shape[2] ** 2)


@believed("You divide with //, which rounds down: a mean has a fraction, so divide with /.", lesson="06")
def whole_division(x):
    return x.sum(axis=(2, 3)) // (x.shape[2] * x.shape[3])


@believed("You leave pixels that are 0 out of the count: they are pixels too.", lesson="06")
def zeros_not_counted(x):
    return x.sum(axis=(2, 3)) / np.maximum((x != 0).sum(axis=(2, 3)), 1).astype(x.dtype)


@believed("You sum in float16, which has 11 binary digits: add up in the input's dtype or in float64.", lesson="07")
def summed_in_float16(x):
    return x.astype(np.float16).mean(axis=(2, 3), dtype=np.float16).astype(x.dtype)
