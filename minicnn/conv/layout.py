"""Which question: where in memory does a tap of an output lie?

Idea: in an input that holds its padding, output (p, q) starts at p·stride_h·W + q·stride_w, and tap
(c, i, j) lies (c·H + i·dil_h)·W + j·dil_w further on, H×W being the padded size.  The address is the sum
of the two, so two tables of whole numbers are all that a kernel needs to know of stride and dilation.

Cost: one table entry per output position and per tap, and one copy of x where there is padding.  The last 128
small tables of each kind are kept, locked (4 MB a kind at the most): they depend on whole numbers alone, and
training asks for the same ones at every step.
Next room: direct.py.
"""

import functools

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from minicnn.conv.algorithm import lined_up, plain

WORTH_A_KERNEL = 1 << 14  # numbers; NumPy copies row by row
WORTH_WAKING = 1 << 17  # one core copies them before the others are awake
WORTH_KEEPING = 1 << 12  # entries: the table of a map of 64×64; a larger one costs little beside its convolution


def locked(table: np.ndarray) -> np.ndarray:
    """Return a view of a table that nobody can unlock."""
    table = table.copy()  # its own memory, so that there is no other way to it
    table.flags.writeable = False
    return table.view()


def kept(entries):
    """Keep the last 128 small tables that a pure function of whole numbers returned; `entries` says how many a key has."""

    def decorated(make):
        cached = functools.lru_cache(128)(make)

        @functools.wraps(make)
        def table(*key):
            return (cached if entries(*key) <= WORTH_KEEPING else make)(*key)

        return table

    return decorated


def padded(x: np.ndarray, window) -> np.ndarray:
    """Return x (N, C, H, W) with its padding, zeros; x itself, contiguous, where there is none."""
    (top, bottom), (left, right) = window.resolve(x.shape[2:]).padding
    if not (top or bottom or left or right):
        return np.ascontiguousarray(x)
    N, C, H, W = x.shape
    wide = np.empty((N, C, H + top + bottom, W + left + right), x.dtype)
    if wide.size < WORTH_A_KERNEL:
        wide[...] = 0
        wide[:, :, top : top + H, left : left + W] = x
    else:
        from minicnn.conv.layout_kernel import lay_in

        kernel = lay_in.alone if wide.size < WORTH_WAKING else lay_in
        kernel(plain(x.reshape(N * C, H, W)), wide.reshape(N * C, *wide.shape[2:]), top, left)
    return wide


def in_lanes(array: np.ndarray, groups: int, lanes: int) -> np.ndarray:
    """Return (K,) or (K, T) as (G, blocks of filters, T, lanes), flat: filters side by side, zeros where K/G ends.

    >>> in_lanes(np.array([[1, 2], [3, 4], [5, 6]], np.float32), 1, 2)
    array([1., 3., 2., 4., 5., 0., 6., 0.], dtype=float32)
    """
    K, *rest = array.shape
    filters = K // groups
    blocks = -(-filters // lanes)
    whole = array
    if filters % lanes:
        whole = np.zeros((groups, blocks * lanes, *rest), array.dtype)
        whole[:, :filters] = array.reshape(groups, filters, *rest)
    packed = whole.reshape(groups * blocks, lanes, *rest)
    return lined_up(packed.swapaxes(1, 2) if rest else packed)


def bias_in_lanes(bias: np.ndarray | None, filters: int, groups: int, lanes: int) -> np.ndarray:
    """Return a bias (filters,) as in_lanes does, zeros where there is none."""
    of_group = filters // groups
    if bias is None:
        return plain(np.zeros(-(-of_group // lanes) * lanes * groups, np.float32))
    return plain(bias) if of_group % lanes == 0 else in_lanes(bias, groups, lanes)


@kept(lambda window, out_size, width: out_size[0] * out_size[1])
def starts_of(window, out_size: tuple[int, int], width: int) -> np.ndarray:
    """Return where each output position starts, (P·Q,), and at least eight of them: the last is repeated.

    >>> from minicnn.window import Window
    >>> starts_of(Window.of(3, stride=2), (2, 2), 5)
    array([ 0,  2, 10, 12, 12, 12, 12, 12])
    """
    (P, Q), (stride_h, stride_w) = out_size, window.stride
    return locked(eight_or_more(np.add.outer(np.arange(P) * (stride_h * width), np.arange(Q) * stride_w).reshape(-1)))


def eight_or_more(starts: np.ndarray) -> np.ndarray:
    """Return starts with the last one repeated up to eight of them, which is what a vector reads.

    >>> eight_or_more(np.array([0, 5]))
    array([0, 5, 5, 5, 5, 5, 5, 5])
    """
    return starts if len(starts) >= 8 else np.append(starts, [starts[-1]] * (8 - len(starts)))


@kept(lambda channels, window, size: channels * window.kernel[0] * window.kernel[1])
def taps_of(channels: int, window, size: tuple[int, int]) -> np.ndarray:
    """Return how far each tap lies from an output's start, (channels, R, S), in an input of the padded size.

    >>> from minicnn.window import Window
    >>> taps_of(1, Window.of((2, 3), dilation=(1, 2)), (4, 7))
    array([[[ 0,  2,  4],
            [ 7,  9, 11]]])
    """
    (R, S), (dilation_h, dilation_w), (height, width) = window.kernel, window.dilation, size
    rows = np.add.outer(np.arange(channels) * height, np.arange(R) * dilation_h) * width
    return locked(np.add.outer(rows, np.arange(S) * dilation_w))


@kept(lambda window, in_rows, out_size: out_size[0] * out_size[1] // 4)
def kernel_rows(window, in_rows: int, out_size: tuple[int, int]) -> np.ndarray:
    """Return which kernel rows meet the input, (blocks, 2): the first and the one after the last, for every eight output positions.

    The rest lie in the padding above or below for all eight.  The last eight may go back over some of the block before.

    >>> from minicnn.window import Window
    >>> kernel_rows(Window.of(3, padding=1), 4, (4, 4))            # rows 0-1 of the output, then rows 2-3
    array([[0, 3],
           [0, 3]])
    >>> kernel_rows(Window.of((3, 1), padding=((2, 2), (0, 0))), 4, (6, 8))[:, 0]
    array([2, 1, 0, 0, 0, 0])
    """
    (P, Q), stride, dilation = out_size, window.stride[0], window.dilation[0]
    begin = np.minimum(np.arange(0, P * Q, 8), max(0, P * Q - 8))
    above = window.padding[0][0] - begin // Q * stride  # rows of padding above the first of the eight, below for the last
    below = window.padding[0][0] - np.minimum(begin + 7, P * Q - 1) // Q * stride
    first = np.clip(-(-below // dilation), 0, window.kernel[0])
    last = np.clip((in_rows - 1 + above) // dilation + 1, 0, window.kernel[0])
    return locked(np.stack([first, np.maximum(first, last)], axis=1))


def windows_of_batch(wide, window, out_size, *, writeable: bool = False) -> np.ndarray:
    """Return every window of a padded batch, (N, C, P, Q, R, S): a view."""
    (R, S), (sh, sw), (dh, dw) = window.kernel, window.stride, window.dilation
    spans = sliding_window_view(wide, (dh * (R - 1) + 1, dw * (S - 1) + 1), axis=(2, 3), writeable=writeable)
    return spans[:, :, ::sh, ::sw, ::dh, ::dw][:, :, : out_size[0], : out_size[1]]
