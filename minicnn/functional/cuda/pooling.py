"""Which question: what are the largest number and the mean of each window, on a GPU?

    thread (n, c, p, q):  y[n,c,p,q] = max or mean over i, j of x[n, c, p·stride_h + i·dil_h - top, q·stride_w + j·dil_w - left], inside x

Idea: a thread for every output, columns fastest: neighbours in a warp read neighbouring windows and write neighbouring numbers.
Windows overlap, and what one thread read another finds in the cache, so a number comes from memory about once.

Memory traffic per output: stride_h·stride_w numbers read, 1 written, and kernel_h·kernel_w reads of the cache.  Arithmetic intensity:
below 1 flop/byte.  Occupancy for sm_90: 100% (32 registers) for the maximum, 50% (53) for the mean.  What limits it: memory; for 3×3
windows and larger the cache's loads.
NaN wins, padding never; a window that sees nothing has -∞, or as a mean 0/0.
When it loses: to pooling_down.py, for the windows that networks mostly have, which max_pool2d hands on there.
What it does not do: say where the largest stood.
Source: minicnn/functional/pooling.py and average.py, whose equations these are.  Next room: pooling_down.py.
"""

import math

from numba import cuda, float32

from minicnn import check
from minicnn.conv.cuda.family import flat
from minicnn.conv.cuda.kernel import kernel
from minicnn.conv.cuda.words import split
from minicnn.functional.cuda import pooling_down
from minicnn.functional.cuda.launch import larger, spread, target
from minicnn.functional.pooling import Rules, window_rules


@kernel("f4[::1], f4[::1], i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, i4")
def largest(x, y, H, W, P, Q, R, S, stride_h, stride_w, dil_h, dil_w, top, left, size):
    """A thread for every output, columns fastest."""
    t = cuda.grid(1)
    if t < size:
        line, q = split(t, Q)
        plane, p = split(line, P)
        h0, w0 = p * stride_h - top, q * stride_w - left
        best = float32(-math.inf)
        for i in range(R):
            h = h0 + i * dil_h
            if h >= 0 and h < H:
                for j in range(S):
                    w = w0 + j * dil_w
                    if w >= 0 and w < W:
                        best = larger(best, x[(plane * H + h) * W + w])
        y[t] = best


@kernel("f4[::1], f4[::1], i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, i4")
def mean(x, y, H, W, P, Q, R, S, stride_h, stride_w, top, bottom, left, right, padding, override, size):
    """A thread for every output; it divides by `override`, or where that is 0 by what it covers, with `padding` or without."""
    t = cuda.grid(1)
    if t < size:
        line, q = split(t, Q)
        plane, p = split(line, P)
        h0, w0 = p * stride_h - top, q * stride_w - left
        first_h, last_h, first_w, last_w = max(h0, 0), min(h0 + R, H), max(w0, 0), min(w0 + S, W)
        total = float32(0)
        for h in range(first_h, last_h):
            for w in range(first_w, last_w):
                total += x[(plane * H + h) * W + w]
        covered = max(last_h - first_h, 0) * max(last_w - first_w, 0)
        if padding:
            covered = (min(h0 + R, H + bottom) - h0) * (min(w0 + S, W + right) - w0)
        y[t] = total / float32(override if override else covered)


def max_pool2d(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode: bool = False, *, out=None):
    """Return the largest number of each window; arguments and errors are functional.max_pool2d's, x is (N, C, H, W).

    >>> import numpy as np
    >>> max_pool2d(cuda.to_device(np.arange(20, dtype=np.float32).reshape(1, 1, 4, 5)), 2).copy_to_host()      # doctest: +SKIP
    array([[[[ 6.,  8.],
             [16., 18.]]]], dtype=float32)
    """
    rules = window_rules("max_pool2d", x.shape[2:], kernel_size, stride, padding, dilation, ceil_mode)
    y, shapes = _output(x, rules, out)
    written_out = pooling_down.kernel_for(*rules)
    if written_out is not None:
        pooling_down.fill(written_out, x, y, *rules)
        return y
    settings = [getattr(rule, name) for name in ("kernel", "stride", "dilation", "before") for rule in rules]
    spread(largest, y.size, flat(x), flat(y), *shapes, *settings, y.size)
    return y


def avg_pool2d(
    x, kernel_size, stride=None, padding=0, ceil_mode: bool = False, count_include_pad: bool = True, divisor_override=None, *, out=None
):
    """Return the mean of what each window covers; arguments and errors are functional.avg_pool2d's, x is (N, C, H, W).

    >>> import numpy as np
    >>> avg_pool2d(cuda.to_device(np.arange(20, dtype=np.float32).reshape(1, 1, 4, 5)), 2).copy_to_host()      # doctest: +SKIP
    array([[[[ 3.,  5.],
             [13., 15.]]]], dtype=float32)
    """
    override = 0 if divisor_override is None else check.integer(divisor_override, "divisor_override", "avg_pool2d", 1)
    rows, columns = rules = window_rules("avg_pool2d", x.shape[2:], kernel_size, stride, padding, 1, ceil_mode)
    y, shapes = _output(x, rules, out)
    settings = [getattr(rule, name) for name in ("kernel", "stride") for rule in rules]
    sides = rows.before, rows.after, columns.before, columns.after
    spread(mean, y.size, flat(x), flat(y), *shapes, *settings, *sides, int(bool(count_include_pad)), override, y.size)
    return y


def _output(x, rules: Rules, out):
    """Return the array to fill, and H, W, P, Q."""
    N, C, H, W = x.shape
    P, Q = rules[0].out_size(H), rules[1].out_size(W)
    return target(out, (N, C, P, Q)), (H, W, P, Q)
