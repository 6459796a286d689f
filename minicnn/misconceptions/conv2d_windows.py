"""Which question: where do people believe the windows of a convolution to stand?

Right: as in conv2d.py, whose second half this is: output (p, q) starts at row p·stride_h - padding_h and column q·stride_w - padding_w,
and there are floor((H + 2·padding - kh) / stride) + 1 of them along the rows, likewise along the columns.

Cost: none.  Source: Dumoulin & Visin (2016), chapter 2.  Next room: relu.py.
"""

import numpy as np

from minicnn.misconceptions import pieces
from minicnn.misconceptions.misconception import believed
from minicnn.misconceptions.pieces import convolve, padded, rounded_up


@believed("You swap the strides: stride is (height, width), the first for rows and the second for columns.", lesson="02", function="conv2d")
def strides_swapped(x, weight, bias, stride, padding):
    return convolve(x, weight, bias, stride[::-1], padding)


@believed(
    "You swap the paddings: padding is (height, width), the first for rows and the second for columns.", lesson="02", function="conv2d"
)
def paddings_swapped(x, weight, bias, stride, padding):
    return convolve(x, weight, bias, stride, padding[::-1])


@believed("You use the first stride for both axes: stride[1] is the columns' own.", lesson="02", function="conv2d")
def one_stride_for_both_axes(x, weight, bias, stride, padding):
    return convolve(x, weight, bias, (stride[0], stride[0]), padding)


@believed("You use the first padding for both axes: padding[1] is the columns' own.", lesson="02", function="conv2d")
def one_padding_for_both_axes(x, weight, bias, stride, padding):
    return convolve(x, weight, bias, stride, (padding[0], padding[0]))


@believed("You forget the stride: windows start every stride[0] rows and every stride[1] columns.", lesson="02", function="conv2d")
def stride_forgotten(x, weight, bias, stride, padding):
    return convolve(x, weight, bias, (1, 1), padding)


@believed(
    "You use the stride for the output's size only: output (p, q) also starts at row p·stride[0] and column q·stride[1].",
    lesson="02",
    function="conv2d",
)
def stride_for_the_size_only(x, weight, bias, stride, padding):
    y = convolve(x, weight, bias, (1, 1), padding)
    return y[:, :, : -(-y.shape[2] // stride[0]), : -(-y.shape[3] // stride[1])]


@believed(
    "You write to y[…, p, q] while p and q step by the stride: they are places in x, the place in y is p // stride.",
    lesson="02",
    function="conv2d",
)
def written_where_the_window_stands(x, weight, bias, stride, padding):
    y = convolve(x, weight, bias, stride, padding)
    for size, s in zip(y.shape[2:], stride, strict=True):
        range(size)[(size - 1) * s]  # an IndexError where the last place lies outside y
    return y


@believed(
    "You use the stride inside the window: it moves windows apart, and dilation is what moves taps apart.", lesson="02", function="conv2d"
)
def stride_as_dilation(x, weight, bias, stride, padding):
    return convolve(x, weight, bias, (1, 1), padding, dilation=stride)


@believed("You forget the padding: put padding[0] rows and padding[1] columns of zeros on each side first.", lesson="02", function="conv2d")
def padding_forgotten(x, weight, bias, stride, padding):
    return convolve(x, weight, bias, stride)


@believed("You pad above and on the left only: the zeros go on all four sides.", lesson="02", function="conv2d")
def padded_before_only(x, weight, bias, stride, padding):
    return convolve(padded(x, (padding[0], 0), (padding[1], 0)), weight, bias, stride)


@believed("You pad below and on the right only: the zeros go on all four sides.", lesson="02", function="conv2d")
def padded_after_only(x, weight, bias, stride, padding):
    return convolve(padded(x, (0, padding[0]), (0, padding[1])), weight, bias, stride)


@believed(
    "You let indices go below 0: in Python x[-1] is the last row and no padding, so leave out h < 0 and w < 0 as well.",
    lesson="02",
    function="conv2d",
)
def negative_index_wraps(x, weight, bias, stride, padding):
    rows, columns = (range(-p, n) for n, p in zip(x.shape[2:], padding, strict=True))  # an IndexError where p > n
    return convolve(padded(x[:, :, rows][..., columns], (0, padding[0]), (0, padding[1])), weight, bias, stride)


@believed("You pad with the border's own numbers: this padding is of zeros.", lesson="02", function="conv2d")
def border_repeated(x, weight, bias, stride, padding):
    return convolve(np.pad(x, ((0, 0), (0, 0), *((p, p) for p in padding)), mode="edge"), weight, bias, stride)


@believed(
    "You pad the result: the zeros go around the input, so that windows at its edge have something to look at.",
    lesson="02",
    function="conv2d",
)
def result_padded(x, weight, bias, stride, padding):
    P, Q = ((n - k) // s + 1 for n, k, s in zip(x.shape[2:], weight.shape[2:], stride, strict=True))
    y = np.zeros((len(x), len(weight), P, Q), x.dtype)
    if y.size:  # without padding it may be that no window fits: loops are silent then
        y[...] = convolve(x, weight, bias, stride)
    return padded(y, *((p, p) for p in padding))


@believed("You fill the middle with room[…, p:-p, p:-p], which is empty where p = 0: write p:p+H.", lesson="02", function="conv2d")
def minus_p_where_p_is_0(x, weight, bias, stride, padding):
    return convolve(pieces.filled_from_p_to_minus_p(x, padding), weight, bias, stride)


@believed("You always keep the size, with padding (k - 1) / 2: how much to pad is given.", lesson="02", function="conv2d")
def always_same(x, weight, bias, stride, padding):
    sides = (((k - 1) // 2, k // 2) for k in weight.shape[2:])
    return convolve(padded(x, *sides), weight, bias, stride)


@believed("You round the output size up: a last window that would reach over the edge is left out.", lesson="02", function="conv2d")
def ceil_for_floor(x, weight, bias, stride, padding):
    return convolve(rounded_up(x, weight.shape[2:], stride, padding), weight, bias, stride)


@believed("You leave out the + 1 of the output's size: the first window is there before any step is taken.", lesson="02", function="conv2d")
def first_window_not_counted(x, weight, bias, stride, padding):
    return convolve(x, weight, bias, stride, padding)[:, :, :-1, :-1]


@believed(
    "You stop one window too early: range(H - kh) leaves the last one out, there are H - kh + 1 places.", lesson="02", function="conv2d"
)
def one_window_short(x, weight, bias, stride, padding):
    kh, kw = weight.shape[2:]
    x = padded(x, *((p, p) for p in padding))
    return convolve(x, weight, bias, (1, 1))[:, :, : x.shape[2] - kh : stride[0], : x.shape[3] - kw : stride[1]]


@believed(
    "Your last row and column stay 0: the loops over the output end one too early, range(P) ends at P - 1 already.",
    lesson="02",
    function="conv2d",
)
def last_window_left_zero(x, weight, bias, stride, padding):
    y = convolve(x, weight, bias, stride, padding)
    y[:, :, -1], y[:, :, :, -1] = 0, 0
    return y


@believed(
    "You refuse sizes that the stride does not divide: the cells left over at the end are in no window, and that is allowed.",
    lesson="02",
    function="conv2d",
)
def stride_must_divide(x, weight, bias, stride, padding):
    pieces.divides(x, weight.shape[2:], stride, padding)
    return convolve(x, weight, bias, stride, padding)


@believed("You take the image for a square: the columns have a size of their own, x.shape[3].", lesson="02", function="conv2d")
def square_image(x, weight, bias, stride, padding):
    y = convolve(x, weight, bias, stride, padding)
    rows = (x.shape[2] + 2 * padding[1] - weight.shape[3]) // stride[1] + 1  # as many columns as a square would have
    return y[:, :, :, range(rows)]  # an IndexError where there are fewer


@believed("You take the padded image for a square: its columns are x.shape[3] + 2·padding[1].", lesson="02", function="conv2d")
def square_padded_image(x, weight, bias, stride, padding):
    y = convolve(x, weight, bias, stride, padding)
    rows = (x.shape[2] + 2 * padding[0] - weight.shape[3]) // stride[1] + 1  # as many columns as a square would have
    return y[:, :, :, range(rows)]  # an IndexError where there are fewer


@believed(
    "You take the padded image for a square: beyond its last column x[…, s:s+kw] is cut short or empty, and NumPy may say nothing.",
    lesson="02",
    function="conv2d",
)
def square_padded_image_in_slices(x, weight, bias, stride, padding):
    x, (kh, kw) = padded(x, *((p, p) for p in padding)), weight.shape[2:]
    P, Q = ((x.shape[2] - k) // s + 1 for k, s in zip((kh, kw), stride, strict=True))
    y = np.zeros((len(x), len(weight), P, Q), x.dtype)
    for p, q in np.ndindex(P, Q):
        window = x[:, None, :, p * stride[0] :, q * stride[1] :][..., :kh, :kw]
        y[:, :, p, q] = (window * weight).sum(axis=(2, 3, 4)) + bias
    return y


@believed(
    "You take the kernel for a square: it has weight.shape[3] columns, which may differ from its rows.", lesson="02", function="conv2d"
)
def square_kernel(x, weight, bias, stride, padding):
    side = weight.shape[2]
    return convolve(x, weight[:, :, :, range(side)], bias, stride, padding)


@believed(
    "You slice square windows: their height is weight.shape[2] and their width weight.shape[3], x[…, r:r+kh, s:s+kw].",
    lesson="02",
    function="conv2d",
)
def square_kernel_in_slices(x, weight, bias, stride, padding):
    side = weight.shape[2]
    return pieces.sums(pieces.windows(x, (side, side), stride, padding), weight) + bias[:, None, None]


@believed(
    "You write range(3) for the kernel's rows and columns: there are weight.shape[2] and weight.shape[3] of them.",
    lesson="02",
    function="conv2d",
)
def kernel_of_three_in_loops(x, weight, bias, stride, padding):
    return convolve(x, weight[:, :, range(3)][..., range(3)], bias, stride, padding)


@believed("You write 3 for the kernel's size: read it from weight.shape[2] and weight.shape[3].", lesson="02", function="conv2d")
def kernel_of_three(x, weight, bias, stride, padding):
    return pieces.sums(pieces.windows(x, (3, 3), stride, padding), weight) + bias[:, None, None]
