"""Direct: eight output channels side by side, eight output positions at a time, all sums in registers.

    for a block (image n, eight filters k…k+7), and for every eight output positions:
        a0 … a7 = b[k…k+7]                              one vector of channels per position
        for each tap t = (c, i, j):
            w = weight[t, k…k+7]
            aᵢ += x[start of position i + offset of t] · w     for the eight positions
        y[n, k…k+7, positions] = transpose(a0 … a7)

Idea: a lane is an output channel, so a number of x meets eight filters in one instruction, whatever the
stride and the dilation; two tables turn them into sums of two whole numbers, start + offset.  The loop
over taps touches memory only to read: one vector of weights and eight numbers of x for eight
multiply-adds of vectors.
Cost: K rounded up to eights; one padded copy of x, no other workspace.  It is bound by loads, two a
cycle, so it reaches about half of what the machine multiplies; the packed weights must stay in the
first-level cache, so it wins for few taps: C/G·R·S up to about 400.
When it loses: many channels, where BLAS (im2col.py) reuses what it loads more often.
What it does not do: float64; multiply padding zeros by an infinite weight (0·∞ is NaN where the law skips
the tap): with such weights taps are added one by one.
Source: Zhang, Franchetti, Low, "High Performance Zero-Memory Overhead Direct Convolutions" (2018).
Next room: pointwise.py, where nothing slides.
"""

import numpy as np

from minicnn.conv.algorithm import Prepared, activate, finish, output_shape, plain, tap_by_tap
from minicnn.conv.jit import jit, prange
from minicnn.conv.jit.words import broadcast, fma, load, store, transpose
from minicnn.conv.layout import padded, starts_of, taps_of


@jit
def eight_positions(x, first, starts, at, taps, weight, packed, bias, place, rows):
    """Sum eight positions, from starts[at] on, under the eight filters of bias[place …]; fill rows, 8 filters × 8 positions."""
    a0 = load(bias, place)
    s0, s1, s2, s3 = first + starts[at], first + starts[at + 1], first + starts[at + 2], first + starts[at + 3]
    s4, s5, s6, s7 = first + starts[at + 4], first + starts[at + 5], first + starts[at + 6], first + starts[at + 7]
    a1, a2, a3, a4, a5, a6, a7 = a0, a0, a0, a0, a0, a0, a0
    for t in range(taps.size):
        w, o = load(weight, packed + 8 * t), taps[t]
        a0 = fma(broadcast(x[s0 + o]), w, a0)
        a1 = fma(broadcast(x[s1 + o]), w, a1)
        a2 = fma(broadcast(x[s2 + o]), w, a2)
        a3 = fma(broadcast(x[s3 + o]), w, a3)
        a4 = fma(broadcast(x[s4 + o]), w, a4)
        a5 = fma(broadcast(x[s5 + o]), w, a5)
        a6 = fma(broadcast(x[s6 + o]), w, a6)
        a7 = fma(broadcast(x[s7 + o]), w, a7)
    c0, c1, c2, c3, c4, c5, c6, c7 = transpose(a0, a1, a2, a3, a4, a5, a6, a7)
    store(rows, 0, c0)
    store(rows, 8, c1)
    store(rows, 16, c2)
    store(rows, 24, c3)
    store(rows, 32, c4)
    store(rows, 40, c5)
    store(rows, 48, c6)
    store(rows, 56, c7)


@jit(parallel=True)
def slide(x, weight, bias, y, starts, taps, image, group, filters, positions):
    """Fill y (N, K, positions), flat.

    `image` and `group` are the numbers of x per image and per group, `filters` those of a group;
    weight is [group, eight filters, tap, filter], bias likewise without taps.
    """
    T = taps.size
    eights = -(-filters // 8)
    G = bias.size // (8 * eights)
    N = y.size // (G * filters * positions)
    pieces = -(-positions // 512)  # of an output map, so that one image keeps all cores busy
    for block in prange(N * G * eights * pieces):
        piece, of = block % pieces, block // pieces
        n, lanes = of // (G * eights), of % (G * eights)
        g, k = lanes // eights, lanes % eights * 8
        rows = np.empty(64, np.float32)
        first_row = (n * G + g) * filters + k
        wanted = min(8, filters - k)
        end = min(positions, 512 * (piece + 1))
        for begin in range(512 * piece, end, 8):
            at = max(0, min(begin, positions - 8))  # the last eight go back over some that are done
            eight_positions(x, n * image + g * group, starts, at, taps, weight, 8 * T * lanes, bias, 8 * lanes, rows)
            for row in range(wanted):
                place = (first_row + row) * positions + at
                if positions >= 8:
                    store(y, place, load(rows, 8 * row))
                else:
                    for i in range(positions):
                        y[place + i] = rows[8 * row + i]


def why_not(x_shape, w_shape, window, dtype) -> str | None:
    if dtype != np.float32:
        return f"its vectors hold float32, and x is {np.dtype(dtype)}"
    return None


def prepare(weight, window) -> Prepared:
    return Prepared(plain(weight), weight.shape, window, finite=bool(np.isfinite(weight).all()))


def in_eights(array, groups: int) -> np.ndarray:
    """Return (K, …) as (G, eights of filters, …, 8), flat: the numbers of eight filters side by side, zeros where K/G ends."""
    K, *rest = array.shape
    filters = K // groups
    eights = -(-filters // 8)
    packed = np.zeros((groups, eights * 8, *rest), array.dtype)
    packed[:, :filters] = array.reshape(groups, filters, *rest)
    packed = packed.reshape(groups, eights, 8, *rest)
    return plain(np.moveaxis(packed, 2, -1).reshape(-1))


def run(x, prepared, bias=None, activation=None):
    window = prepared.window.resolve(x.shape[2:])
    C, (K, channels, R, S) = x.shape[1], prepared.shape
    y = np.empty(output_shape(x.shape, prepared.shape, window), x.dtype)
    if not prepared.finite and window.padded(x.shape[2:]):
        return finish(tap_by_tap(x, prepared.weight, window, y), bias, activation)
    G, (P, Q) = C // channels, y.shape[2:]
    wide = padded(x, window)
    area = wide.shape[2] * wide.shape[3]
    weight = in_eights(prepared.weight.reshape(K, channels * R * S), G)
    offsets = in_eights(np.zeros(K, np.float32) if bias is None else bias, G)
    starts, taps = starts_of(window, (P, Q), wide.shape[3]), taps_of(channels, window, wide.shape[2:])
    slide(plain(wide.reshape(-1)), weight, offsets, y.reshape(-1), starts, taps, C * area, channels * area, K // G, P * Q)
    return activate(y, activation)


def error_factor(terms: int) -> float:
    """Any order of summing `terms` products and a bias: see contract.py."""
    return terms + 2.0


def workspace_bytes(x_shape, w_shape, window, itemsize: int) -> int:
    """The padded copy of x."""
    if not window.padded(x_shape[2:]):
        return 0
    rows, columns = (n + sum(side) for n, side in zip(x_shape[2:], window.resolve(x_shape[2:]).padding, strict=True))
    return x_shape[0] * x_shape[1] * rows * columns * itemsize
