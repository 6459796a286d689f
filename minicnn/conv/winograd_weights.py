"""The filters' side of winograd.py: brought to the points, G·w·Gᵀ.

A few sums for each filter, but a layer of 512 channels has 262,144 filters, and training brings them anew at every step.
"""

import numpy as np

from minicnn.conv.jit import jit, prange
from minicnn.conv.jit.machine import COLUMNS, LANES
from minicnn.conv.winograd_transforms import give_2, give_4


@jit(allocates=False)
def gather(weight, k, c, taps, own):
    """Write the nine taps of LANES filters, a vector each; zeros for filters that are not there."""
    count = min(LANES, weight.shape[0] - k)
    for i in range(3):
        for j in range(3):
            at = own + (3 * i + j) * LANES
            for lane in range(count):
                taps[at + lane] = weight[k + lane, c, i, j]
            for lane in range(max(0, count), LANES):
                taps[at + lane] = np.float32(0)


@jit(allocates=False)
def bring_panel(weight, packed, panel, panels, m, taps, own):
    """Write COLUMNS filters at all points; taps[own …] is room for a few vectors."""
    C = weight.shape[1]
    for c in range(C):
        for k in range(0, COLUMNS, LANES):
            gather(weight, panel * COLUMNS + k, c, taps, own)
            place, far, spare = (panel * C + c) * COLUMNS + k, panels * C * COLUMNS + LANES, own + 9 * LANES
            if m == 4:
                give_4(taps, own, packed, place, far, spare)
            else:
                give_2(taps, own, packed, place, far, spare)


@jit(allocates=False)
def some_panels(worker, workers, panels, weight, packed, m, taps):
    """This worker's share of the panels."""
    own = worker * (taps.size // workers)
    for panel in range(panels * worker // workers, panels * (worker + 1) // workers):
        bring_panel(weight, packed, panel, panels, m, taps, own)


@jit(parallel=True, worker=some_panels, allocates=False)
def bring_filters(workers, panels, weight, packed, m, taps):
    """Write G·w·Gᵀ of weight (K, C, 3, 3), in any memory layout, as packed [point, panel, channel, filter], flat; taps is room."""
    for worker in prange(workers):
        some_panels(worker, workers, panels, weight, packed, m, taps)
