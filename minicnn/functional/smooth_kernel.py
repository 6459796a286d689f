"""The kernels of the curves that are made of one exponential: each reads a number once and writes one.

    sigmoid_all, silu_all       the functions of smooth.py
    shares_along                softmax of lines whose numbers lie side by side
    shares_across               softmax of lines that lie side by side: along an axis that is not the last

The exponential is only ever taken of numbers that are not positive.  Softmax is given the maximum of every line.
Sums along a line: planes_kernel.sum_of, in an order that the length alone and the machine decide; across, number by
number, so that many lines are summed at once.
Cost: the time of the exponential, about a quarter of a nanosecond a float32.  Next room: smooth.py and softmax.py.
"""

import numpy as np

from minicnn.conv.jit import jit, prange
from minicnn.functional.exponential_kernel import exponential
from minicnn.functional.planes_kernel import sum_of


@jit
def sigmoid(x, y):
    zero, one = x.dtype.type(0), x.dtype.type(1)
    for i in range(x.shape[0]):
        e = exponential(-abs(x[i]))
        y[i] = (one if x[i] >= zero else e) / (one + e)


@jit(parallel=True)
def sigmoid_all(x, y, block):
    for b in prange((x.shape[0] + block - 1) // block):
        sigmoid(x[b * block : (b + 1) * block], y[b * block : (b + 1) * block])


@jit
def silu(x, y):
    zero, one = x.dtype.type(0), x.dtype.type(1)
    for i in range(x.shape[0]):
        e = exponential(-abs(x[i]))
        y[i] = (one if x[i] >= zero else e) / (one + e) * x[i]


@jit(parallel=True)
def silu_all(x, y, block):
    for b in prange((x.shape[0] + block - 1) // block):
        silu(x[b * block : (b + 1) * block], y[b * block : (b + 1) * block])


@jit
def share_along(x, top, y):
    for i in range(x.shape[0]):
        y[i] = exponential(x[i] - top)
    total = sum_of(y)
    for i in range(x.shape[0]):
        y[i] /= total


@jit(parallel=True)
def shares_along(x, tops, y):
    """Fill y[l] with e^(x[l] - tops[l]), divided by its sum."""
    for line in prange(x.shape[0]):
        share_along(x[line], tops[line], y[line])


@jit(allocates=True)
def share_across(x, tops, y, first, last):
    totals = np.zeros(last - first, x.dtype)
    top = tops[first:last]
    for k in range(x.shape[0]):
        row, out = x[k, first:last], y[k, first:last]
        for i in range(row.shape[0]):
            out[i] = exponential(row[i] - top[i])
        for i in range(row.shape[0]):
            totals[i] += out[i]
    for k in range(x.shape[0]):
        out = y[k, first:last]
        for i in range(out.shape[0]):
            out[i] /= totals[i]


@jit(parallel=True)
def shares_across(x, tops, y, columns):
    """Fill y[a, :, i] with e^(x[a, :, i] - tops[a, i]), divided by its sum; a thread takes some columns of one a."""
    pieces = (x.shape[2] + columns - 1) // columns
    for block in prange(x.shape[0] * pieces):
        a, first = block // pieces, block % pieces * columns
        share_across(x[a], tops[a], y[a], first, min(x.shape[2], first + columns))
