"""Which question: in what order do the numbers of a map lie in memory?

    contiguous        x[n, c, h, w] at ((n·C + c)·H + h)·W + w          a channel is a plane: NumPy's order
    channels_last     x[n, c, h, w] at ((n·H + h)·W + w)·C + c          a pixel is a row of channels

The shape is (N, C, H, W) either way, and so is every number: only the strides tell.  Idea: a convolution sums
over the channels of a pixel.  Where they lie side by side a vector holds them, and neither columns (im2col.py), nor
panels (gemm.py), nor strips (strips.py) have to be laid out first.  An operation that is given channels_last and
knows it gives channels_last, so the format of a network's first map runs through all of it; what does not know it
reads a copy, and is as right.

Cost: one copy of a network's input.  When it loses: few channels, which fill no vector.
Source: PyTorch's "channels last" tutorial; cuDNN's NHWC tensors.  Next room: channels_last.py.
"""

from math import prod

import numpy as np

from minicnn.conv.algorithm import plain, scratch

A_MOVE = 16  # a number that is copied takes as long as so many products


def is_channels_last(x: np.ndarray) -> bool:
    """Whether the channels of a pixel lie side by side in memory, where that is another order than NumPy's.

    >>> x = np.zeros((2, 3, 4, 5), np.float32)
    >>> is_channels_last(x), is_channels_last(channels_last(x)), is_channels_last(x[:, :1])
    (False, True, False)
    """
    if x.ndim != 4 or x.flags.c_contiguous:
        return False
    return x.transpose(0, 2, 3, 1).flags.c_contiguous


def channels_last(x: np.ndarray) -> np.ndarray:
    """Return x (N, C, H, W), the same numbers in the same places, with the channels of a pixel side by side in memory.

    >>> x = np.arange(6.0).reshape(1, 2, 1, 3)
    >>> y = channels_last(x)
    >>> bool((x == y).all()), y.strides, y.ravel(order="K")
    (True, (48, 8, 48, 16), array([0., 3., 1., 4., 2., 5.]))
    """
    if is_channels_last(x) or x.shape[1] == 1:
        return x
    y = empty(x.shape, x.dtype)
    if x.dtype == np.float32:
        lay_out(plain(x).reshape(-1), pixels(y).reshape(-1), x.shape)
    else:
        y[...] = x
    return y


def lay_out(x: np.ndarray, y: np.ndarray, shape) -> None:
    """Fill y with x channels_last, both flat; x is contiguous (N, C, H, W)."""
    N, C, H, W = shape
    _turn(x, y, N, C, H * W)


def contiguous(x: np.ndarray) -> np.ndarray:
    """Return a channels_last array in NumPy's order: the way back from `channels_last`.

    >>> x = np.arange(6.0, dtype=np.float32).reshape(1, 2, 1, 3)
    >>> contiguous(channels_last(x)).ravel(order="K")
    array([0., 1., 2., 3., 4., 5.], dtype=float32)
    """
    if not is_channels_last(x) or x.dtype != np.float32:
        return np.ascontiguousarray(x)
    y, (N, C, H, W) = np.empty(x.shape, x.dtype), x.shape
    _turn(flat(x), y.reshape(-1), N, H * W, C)
    return y


def _turn(x: np.ndarray, y: np.ndarray, matrices: int, rows: int, columns: int) -> None:
    from minicnn.conv.jit.threads import workers_for  # Numba loads here, not with the package
    from minicnn.conv.memory_format_kernel import turn_matrices

    workers = workers_for(y.size * A_MOVE)
    (turn_matrices if workers > 1 else turn_matrices.alone)(workers, matrices, x, y, rows, columns)


def laid_around(x: np.ndarray, shape, padding) -> np.ndarray:
    """Return channels_last numbers, flat, with rows and columns of zeros around each image: ((top, bottom), (left, right)) of them.

    >>> laid_around(np.ones(4, np.float32), (1, 2, 1, 2), ((0, 0), (1, 0)))
    array([0., 0., 1., 1., 1., 1.], dtype=float32)
    """
    from minicnn.conv.jit.threads import workers_for
    from minicnn.conv.memory_format_kernel import lay_rows

    ((top, bottom), (left, right)), (N, C, H, W) = padding, shape
    rows = N * (top + H + bottom)
    wide = np.empty(rows * (left + W + right) * C, np.float32)
    workers = workers_for(wide.size * A_MOVE)
    (lay_rows if workers > 1 else lay_rows.alone)(workers, rows, plain(x), wide, C, H, W, top, bottom, left, right)
    wide.flags.writeable = False
    return wide


def empty(shape, dtype) -> np.ndarray:
    """Return a channels_last array of this shape, for nobody to read before it is written; float32 starts a cache line."""
    N, C, H, W = shape
    flat = scratch(1, prod(shape))[: prod(shape)] if dtype == np.float32 else np.empty(prod(shape), dtype)
    return flat.reshape(N, H, W, C).transpose(0, 3, 1, 2)


def empty_like(x: np.ndarray) -> np.ndarray:
    """Return an array of x's shape and dtype, channels_last where x is, else contiguous.

    >>> empty_like(np.zeros((3, 2)).T).strides, is_channels_last(empty_like(channels_last(np.zeros((2, 3, 4, 5)))))
    ((24, 8), True)
    """
    return empty(x.shape, x.dtype) if is_channels_last(x) else np.empty(x.shape, x.dtype)


def flat(x: np.ndarray) -> np.ndarray:
    """Return the numbers of a map in the order in which they lie in memory, locked; those of any other order as NumPy's.

    >>> flat(channels_last(np.arange(6.0).reshape(1, 2, 1, 3)))
    array([0., 3., 1., 4., 2., 5.])
    """
    return plain(pixels(x) if is_channels_last(x) else x).reshape(-1)


def shaped(numbers: np.ndarray, shape, last: bool) -> np.ndarray:
    """Return a map of this shape around flat numbers, channels_last or contiguous: the way back from `flat`.

    >>> shaped(np.array([0.0, 3.0, 1.0, 4.0, 2.0, 5.0]), (1, 2, 1, 3), True).tolist()
    [[[[0.0, 1.0, 2.0]], [[3.0, 4.0, 5.0]]]]
    """
    if not last:
        return numbers.reshape(shape)
    N, C, H, W = shape
    return numbers.reshape(N, H, W, C).transpose(0, 3, 1, 2)


def pixels(x: np.ndarray) -> np.ndarray:
    """Return a channels_last array as the (N, H, W, C) that lies in memory."""
    return x.transpose(0, 2, 3, 1)
