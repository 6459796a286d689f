"""The kernels of the straight-lined activations and of addition: each reads a number once and writes one.

    relu_all, relu6_all, hardswish_all      the functions of activation.py
    sloped_all                              one of two lines, by the sign: leaky_relu and its gradient
    add_all, add_relu_all                   the sum of two maps, and what relu leaves of it

Idea: a choice between two numbers that are both at hand is a select, for which the processor need not guess, and which the
compiler does for a whole register.  Each is asked so that a NaN takes the branch that keeps it, and
-0 becomes what NumPy's maximum and clip make of it: a comparison with NaN is always false.

Cost: the time of memory.  Next room: activation.py and combine.py, which check everything before.
"""

from minicnn.conv.jit import jit, prange


@jit
def relu(x, y):
    zero = x.dtype.type(0)
    for i in range(x.shape[0]):
        y[i] = zero if x[i] <= zero else x[i]


@jit(parallel=True)
def relu_all(x, y, block):
    for b in prange((x.shape[0] + block - 1) // block):
        relu(x[b * block : (b + 1) * block], y[b * block : (b + 1) * block])


@jit
def relu6(x, y):
    zero, six = x.dtype.type(0), x.dtype.type(6)
    for i in range(x.shape[0]):
        above = zero if x[i] < zero else x[i]
        y[i] = six if above > six else above


@jit(parallel=True)
def relu6_all(x, y, block):
    for b in prange((x.shape[0] + block - 1) // block):
        relu6(x[b * block : (b + 1) * block], y[b * block : (b + 1) * block])


@jit
def hardswish(x, y):
    zero, three, six = x.dtype.type(0), x.dtype.type(3), x.dtype.type(6)
    for i in range(x.shape[0]):
        share = x[i] + three
        share = zero if share < zero else share
        y[i] = (six if share > six else share) / six * x[i]


@jit(parallel=True)
def hardswish_all(x, y, block):
    for b in prange((x.shape[0] + block - 1) // block):
        hardswish(x[b * block : (b + 1) * block], y[b * block : (b + 1) * block])


@jit
def sloped(values, x, slope, y):
    zero = x.dtype.type(0)
    for i in range(x.shape[0]):
        y[i] = values[i] if x[i] > zero else slope * values[i]


@jit(parallel=True)
def sloped_all(values, x, slope, y, block):
    for b in prange((x.shape[0] + block - 1) // block):
        first, last = b * block, (b + 1) * block
        sloped(values[first:last], x[first:last], slope, y[first:last])


@jit
def add(x, y, z):
    for i in range(x.shape[0]):
        z[i] = x[i] + y[i]


@jit(parallel=True)
def add_all(x, y, z, block):
    for b in prange((x.shape[0] + block - 1) // block):
        first, last = b * block, (b + 1) * block
        add(x[first:last], y[first:last], z[first:last])


@jit
def add_relu(x, y, z):
    zero = x.dtype.type(0)
    for i in range(x.shape[0]):
        total = x[i] + y[i]
        z[i] = zero if total <= zero else total


@jit(parallel=True)
def add_relu_all(x, y, z, block):
    for b in prange((x.shape[0] + block - 1) // block):
        first, last = b * block, (b + 1) * block
        add_relu(x[first:last], y[first:last], z[first:last])
