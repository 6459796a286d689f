"""The kernels that treat every plane of a map, one image's one channel, as a line: batch_norm's and global pooling's.

    scale_planes    one line, x·scale + shift, per channel, in one pass
    sum_planes      the sum of each plane

Sums: one addition after the other waits for the last; in lanes, many go at once.  So `sum_of` lets the compiler
reorder them (reassoc, and no other liberty).  Any order is within the bound of n additions; this one depends on the
size of a plane and the machine, never on the number of threads.

A thread takes some planes at a time, as many as the sizes alone say.
Cost: the time of reading x.  Next room: normalization.py and adaptive.py.
"""

from minicnn.conv.jit import jit, prange


@jit
def scale_some(x, scale, shift, y, first):
    """Fill planes of y, x being from plane `first` on of (N·C, L)."""
    for b in range(x.shape[0]):
        c = (first + b) % scale.shape[0]
        line, out, slope, offset = x[b], y[b], scale[c], shift[c]
        for i in range(line.shape[0]):
            out[i] = line[i] * slope + offset


@jit(parallel=True)
def scale_planes(x, scale, shift, y, each):
    """Fill y[b, i] with x[b, i]·scale[c] + shift[c], each step rounded; b counts images and in them channels c."""
    for block in prange((x.shape[0] + each - 1) // each):
        first, last = block * each, (block + 1) * each
        scale_some(x[first:last], scale, shift, y[first:last], first)


@jit(fastmath={"reassoc"})
def sum_of(line):
    total = line.dtype.type(0)
    for i in range(line.shape[0]):
        total += line[i]
    return total


@jit
def sum_some(x, y):
    for b in range(x.shape[0]):
        y[b] = sum_of(x[b])


@jit(parallel=True)
def sum_planes(x, y, each):
    """Fill y[b] with the sum of x[b]."""
    for block in prange((x.shape[0] + each - 1) // each):
        first, last = block * each, (block + 1) * each
        sum_some(x[first:last], y[first:last])
