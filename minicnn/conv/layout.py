"""Which question: where in memory does a tap of an output lie?

Idea: in an input that holds its padding, output (p, q) starts at p·stride_h·W + q·stride_w, and tap
(c, i, j) lies (c·H + i·dil_h)·W + j·dil_w further on, H×W being the padded size.  The address is the sum
of the two, so two tables of whole numbers are all that a kernel needs to know of stride and dilation.

Cost: one table entry per output position and per tap, and one copy of x where there is padding.
Next room: direct.py.
"""

import numpy as np


def padded(x: np.ndarray, window) -> np.ndarray:
    """Return x (N, C, H, W) with its padding, zeros; x itself, contiguous, where there is none."""
    (top, bottom), (left, right) = window.resolve(x.shape[2:]).padding
    if not (top or bottom or left or right):
        return np.ascontiguousarray(x)
    N, C, H, W = x.shape
    wide = np.zeros((N, C, H + top + bottom, W + left + right), x.dtype)
    wide[:, :, top : top + H, left : left + W] = x
    return wide


def starts_of(window, out_size: tuple[int, int], width: int) -> np.ndarray:
    """Return where each output position starts, (P·Q,), and at least eight of them: the last is repeated.

    >>> from minicnn.window import Window
    >>> starts_of(Window.of(3, stride=2), (2, 2), width=5)
    array([ 0,  2, 10, 12, 12, 12, 12, 12])
    """
    (P, Q), (stride_h, stride_w) = out_size, window.stride
    starts = np.add.outer(np.arange(P) * (stride_h * width), np.arange(Q) * stride_w).reshape(-1)
    return np.pad(starts, (0, max(0, 8 - starts.size)), mode="edge")


def taps_of(channels: int, window, size: tuple[int, int]) -> np.ndarray:
    """Return how far each tap (c, i, j) lies from an output's start, (channels·R·S,), in an input of the padded size.

    >>> from minicnn.window import Window
    >>> taps_of(1, Window.of((2, 3), dilation=(1, 2)), (4, 7))
    array([ 0,  2,  4,  7,  9, 11])
    """
    (R, S), (dilation_h, dilation_w), (height, width) = window.kernel, window.dilation, size
    rows = np.add.outer(np.arange(channels) * height, np.arange(R) * dilation_h) * width
    return np.add.outer(rows, np.arange(S) * dilation_w).reshape(-1)
