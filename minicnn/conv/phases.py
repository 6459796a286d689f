"""Which question: how does every tap of a strided, dilated convolution become a plain shift?

    wide[n, c, a, b, r, s] = x[n, c, r·stride_h + a - top, s·stride_w + b - left]      zeros outside x

Idea: sort the rows and the columns of the padded input by their remainder under the stride.  Tap (i, j) of output
(p, q) then lies in one phase, at row p + ⌊i·dil_h / stride_h⌋ and column q + ⌊j·dil_w / stride_w⌋ of it: outputs
side by side read numbers side by side, whatever the stride, and a vector loads them.
A stride of 1 has one phase, which is the padded input; without padding it is x itself, and nothing is copied.

Cost: one copy of x where there is padding or a stride; the tables are kept for the last 128 shapes (layout.py).
Source: the polyphase representation of signal processing: Vaidyanathan, "Multirate Systems and Filter Banks"
(1993), section 4.3.  Next room: gemm.py.
"""

import functools
from typing import NamedTuple

import numpy as np

from minicnn.conv.algorithm import plain
from minicnn.conv.jit.machine import LANES
from minicnn.conv.layout import kept, locked

WORTH_WAKING = 1 << 17  # numbers; one core copies them before the others are awake


class Phases(NamedTuple):
    """The numbers of phases over rows and columns that taps lie in, and the size of each."""

    count: tuple[int, int]
    size: tuple[int, int]


@functools.lru_cache(256)
def phases_of(window, out_size) -> Phases:
    """Return how an input is split for a window that gives out_size.

    >>> from minicnn.window import Window
    >>> phases_of(Window.of(3, stride=2, padding=1), (4, 5))
    Phases(count=(2, 2), size=(5, 6))
    """
    extents = [d * (k - 1) + 1 for d, k in zip(window.dilation, window.kernel, strict=True)]
    count = tuple(min(s, e) for s, e in zip(window.stride, extents, strict=True))
    size = tuple(n + (e - 1) // s for n, e, s in zip(out_size, extents, window.stride, strict=True))
    return Phases(count, size)


def split(x: np.ndarray, window, out_size) -> np.ndarray:
    """Return x (N, C, H, W) as (N, C, phases, phases, rows, columns), flat, plane_distance apart; x itself, flat, where that is the same.

    >>> from minicnn.window import Window
    >>> split(np.arange(8, dtype=np.float32).reshape(1, 1, 2, 4), Window.of((1, 2), stride=(1, 2)), (2, 2))[:8]
    array([0., 2., 4., 6., 1., 3., 5., 7.], dtype=float32)
    """
    phases = phases_of(window, out_size)
    if as_it_is(x.shape, window, phases):
        return plain(x).reshape(-1)
    from minicnn.conv.phases_kernel import sort_planes

    (top, _), (left, _) = window.resolve(x.shape[2:]).padding
    N, C, H, W = x.shape
    wide = np.empty(N * C * plane_size(phases), x.dtype)
    kernel = sort_planes.alone if wide.size < WORTH_WAKING else sort_planes
    kernel(plain(x).reshape(-1), wide, N * C, H, W, *phases.count, *phases.size, *window.stride, top, left)
    return plain(wide)


def plane_size(phases: Phases) -> int:
    """Return how many numbers there are from one plane to the next: a plane, and room for the end of a vector."""
    return phases.count[0] * phases.count[1] * phases.size[0] * phases.size[1] + LANES


@kept(lambda channels, window, out_size, distance: channels * window.kernel[0] * window.kernel[1])
def shifts_of(channels: int, window, out_size, distance: int) -> np.ndarray:
    """Return how far each tap (c, i, j) lies from output (0, 0)'s place, (channels·R·S,), in a split input whose planes are `distance` apart.

    >>> from minicnn.window import Window
    >>> shifts_of(1, Window.of((1, 4), stride=(1, 2)), (2, 2), 12)          # two phases of 2 rows and 3 columns
    array([0, 6, 1, 7])
    """
    (_, columns), (height, width) = phases_of(window, out_size)
    down, across = (
        (np.arange(k) * d % s, np.arange(k) * d // s) for k, d, s in zip(window.kernel, window.dilation, window.stride, strict=True)
    )
    area = height * width
    vertical = down[0] * columns * area + down[1] * width
    horizontal = across[0] * area + across[1]
    per_channel = np.add.outer(vertical, horizontal)
    return locked(np.add.outer(np.arange(channels) * distance, per_channel).reshape(-1))


def as_it_is(x_shape, window, phases: Phases) -> bool:
    """Whether x is its own split form: one phase, and no padding."""
    return phases.count == (1, 1) and phases.size == tuple(x_shape[2:]) and not window.padded(x_shape[2:])


def plane_distance(x_shape, window, phases: Phases) -> int:
    """Return how many numbers lie from one channel to the next in what split returns."""
    return x_shape[2] * x_shape[3] if as_it_is(x_shape, window, phases) else plane_size(phases)


def split_bytes(x_shape, window, itemsize: int) -> int:
    """Return the bytes of the copy that split makes, 0 where it makes none."""
    phases = phases_of(window, window.output_size(x_shape[2:]))
    return 0 if as_it_is(x_shape, window, phases) else x_shape[0] * x_shape[1] * plane_size(phases) * itemsize
