"""Which question: how are channels brought to a common mean and spread on a GPU?

    y[n,c,…] = x[n,c,…]·scale[c] + shift[c],   scale = weight/√(var + eps),  shift = bias - mean·scale

Idea: once trained, a line per channel.  Scale and shift are worked out on the host in float64, rounded once and copied once (`line`); a
thread does four neighbours where 4 divides the positions of a channel, so that they share their line, else one.

Memory traffic per output: 4 bytes read, 4 written; the lines come from the cache.  Arithmetic intensity: 2 flop for 8 bytes.
Occupancy: 100%, 18 registers for sm_90.  What limits it: memory; two divisions of whole numbers a thread beside it.
When it loses: behind a convolution, into whose filters minicnn.fuse puts it.  What it does not do: train.
The product and the sum are one fused multiply-add, rounded once; the host rounds twice.
Source: Ioffe & Szegedy, "Batch Normalization" (2015), algorithm 2.  Next room: pooling.py.
"""

import numpy as np
from numba import cuda

from minicnn.conv.cuda import device
from minicnn.conv.cuda.family import flat
from minicnn.conv.cuda.kernel import kernel
from minicnn.conv.cuda.words import load4, split, store4
from minicnn.functional.cuda.launch import in_fours, spread, target
from minicnn.functional.normalization import scale_and_shift


@kernel("f4[::1], f4[::1], f4[::1], f4[::1], i4, i4, i4, i4")
def on_lines(x, scale, shift, y, channels, positions, size, step):
    """A thread for `step` neighbours of one channel, 4 or 1."""
    i = step * cuda.grid(1)
    if i < size:
        plane, _ = split(i, positions)
        _, channel = split(plane, channels)
        slope, level = scale[channel], shift[channel]
        if step == 4:
            a, b, c, d = load4(x, i)
            store4(y, i, a * slope + level, b * slope + level, c * slope + level, d * slope + level)
        else:
            y[i] = x[i] * slope + level


def line(running_mean, running_var, weight=None, bias=None, eps: float = 1e-5):
    """Return (scale, shift) on the device, from NumPy's arrays of one number per channel."""
    with np.errstate(all="ignore"):
        numbers = scale_and_shift(running_mean, running_var, weight, bias, eps)
        return tuple(device.uploaded(each.astype(np.float32)) for each in numbers)


def batch_norm(x, scale, shift, *, out=None):
    """Return x·scale + shift per channel; x: (N, C, …), scale and shift: (C,), on the device, as `line` gives them.

    >>> one, two = np.ones(1, np.float32), np.full(1, 2, np.float32)
    >>> batch_norm(cuda.to_device(np.array([[[5.0]]], np.float32)), *line(two, one, two, one, eps=0.0)).copy_to_host()  # doctest: +SKIP
    array([[[7.]]], dtype=float32)
    """
    y, channels = target(out, x.shape), x.shape[1]
    positions = x.size // max(1, x.shape[0] * channels)
    step = 4 if positions % 4 == 0 and in_fours(x, y) else 1
    spread(on_lines, x.size // step, flat(x), scale, shift, flat(y), channels, positions, x.size, step)
    return y
