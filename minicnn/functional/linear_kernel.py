"""The product of a few rows with a weight as it lies in memory: y[n, k] = bias[k] + Σ_c x[n, c]·weight[k, c].

Idea: with few rows every number of the weight is used a few times only, so the time is that of reading it once.  Four rows of the
weight go by side by side, in vectors along the features; lanes are added up at the end.  Nothing is packed.
It spares BLAS, whose threads go on spinning for 20 ms after a product and keep ours from their cores.
Cost: the weight, read once; it is bound by memory.  When it loses: many rows, where BLAS reuses what it loads.
What it does not do: float64.  Source: Goto, van de Geijn (2008), on matrix-vector products.
"""

import numpy as np

from minicnn.conv.jit import jit, prange
from minicnn.conv.jit.machine import LANES
from minicnn.conv.jit.words import add, fma, store, wide_broadcast, wide_load


@jit(allocates=False)
def added_up(array, at):
    """Return the sum of LANES numbers."""
    total = np.float32(0)
    for lane in range(LANES):
        total += array[at + lane]
    return total


@jit(allocates=False)
def four_sums(x, i, weight, j, step, features, bias, k, y, out, spare, own):
    """Write y[out …] for four rows of the weight, `step` apart, and one row of x."""
    a0 = wide_broadcast(np.float32(0))
    a1, a2, a3, b0, b1, b2, b3 = a0, a0, a0, a0, a0, a0, a0
    c = 0
    while c + 2 * LANES <= features:
        u, v, w = wide_load(x, i + c), wide_load(x, i + c + LANES), j + c
        a0, b0 = fma(u, wide_load(weight, w), a0), fma(v, wide_load(weight, w + LANES), b0)
        w += step
        a1, b1 = fma(u, wide_load(weight, w), a1), fma(v, wide_load(weight, w + LANES), b1)
        w += step
        a2, b2 = fma(u, wide_load(weight, w), a2), fma(v, wide_load(weight, w + LANES), b2)
        w += step
        a3, b3 = fma(u, wide_load(weight, w), a3), fma(v, wide_load(weight, w + LANES), b3)
        c += 2 * LANES
    store(spare, own, add(a0, b0))
    store(spare, own + LANES, add(a1, b1))
    store(spare, own + 2 * LANES, add(a2, b2))
    store(spare, own + 3 * LANES, add(a3, b3))
    for r in range(4):
        total = added_up(spare, own + r * LANES) + bias[k + r]
        for t in range(c, features):
            total += x[i + t] * weight[j + r * step + t]
        y[out + r] = total


@jit(allocates=False)
def some_rows(worker, workers, blocks, x, weight, bias, y, features, outputs, spare):
    """This worker's share of the outputs, by fours; the last four of all begin earlier, and are the last worker's alone."""
    own, rest = worker * 4 * LANES, blocks * (worker + 1) // workers
    for block in range(blocks * worker // workers, rest):
        k = min(4 * block, outputs - 4)
        for n in range(x.size // features):
            four_sums(x, n * features, weight, k * features, features, features, bias, k, y, n * outputs + k, spare, own)


@jit(parallel=True, worker=some_rows, allocates=False)
def rows_times_weight(workers, blocks, x, weight, bias, y, features, outputs, spare):
    """Fill y (rows, outputs), flat, from x (rows, features) and weight (outputs, features), flat; at least four outputs."""
    for worker in prange(workers):
        some_rows(worker, workers, blocks, x, weight, bias, y, features, outputs, spare)
