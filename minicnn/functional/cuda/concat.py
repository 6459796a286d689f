"""Which question: how are maps put side by side on a GPU?

    y[o, first + i] = x[o, i]          o runs over the axes before the one that grows, i over it and those behind it

Idea: along its axis each array is one run of memory per image, so joining is copying runs: one launch an array, the same kernel for
every axis.  Runs whose lengths and places 4 divides are copied 16 bytes at a time.

Memory traffic per output: 4 bytes read, 4 written.  Arithmetic intensity: 0.  Occupancy: 100%, 14 registers for sm_90.
What limits it: memory.  When it loses: always, against a network that writes both branches into one map; graphs are not planned so here.
What it does not do: single numbers faster: where 4 divides nothing, 4 bytes at a time.
Source: Huang et al., "DenseNet" (2017).  Next room: batch_norm.py.
"""

from math import prod

from numba import cuda

from minicnn.conv.cuda.family import flat
from minicnn.conv.cuda.kernel import kernel
from minicnn.conv.cuda.words import load4, split, store4
from minicnn.errors import ShapeError
from minicnn.functional import arguments
from minicnn.functional.cuda.launch import in_fours, spread, target


@kernel("f4[::1], f4[::1], i4, i4, i4, i4, i4")
def put(x, y, run, whole, first, size, step):
    """A thread for `step` neighbours, 4 or 1; a run is so many numbers of x and goes to whole·o + first in y."""
    i = step * cuda.grid(1)
    if i < size:
        o, place = split(i, run)
        to = o * whole + first + place
        if step == 4:
            a, b, c, d = load4(x, i)
            store4(y, to, a, b, c, d)
        else:
            y[to] = x[i]


def concat(arrays, dim: int = 1, *, out=None):
    """Return arrays one after the other along an axis.

    Raises ShapeError unless their shapes are equal but for it, ArgumentError for an axis that they do not have.  Source: torch.cat.

    >>> import numpy as np
    >>> x = cuda.to_device(np.array([[1.0, 2.0]], np.float32))                                        # doctest: +SKIP
    >>> concat([x, x]).copy_to_host()                                                                 # doctest: +SKIP
    array([[1., 2., 1., 2.]], dtype=float32)
    """
    shapes = [tuple(x.shape) for x in arrays]
    axis = arguments.axis(dim, shapes[0], "concat", of="arrays[0]")
    if len({(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}) > 1:
        raise ShapeError(
            f"concat: shapes must be equal except along dim={axis}, but they are {shapes}; crop, pad or resize one of them first."
        )
    joined = sum(shape[axis] for shape in shapes)
    y = target(out, (*shapes[0][:axis], joined, *shapes[0][axis + 1 :]))
    after = prod(shapes[0][axis + 1 :])
    whole, first = joined * after, 0
    for x, shape in zip(arrays, shapes, strict=True):
        run = shape[axis] * after
        step = 4 if in_fours(x, y) and run % 4 == whole % 4 == first % 4 == 0 else 1
        spread(put, x.size // step, flat(x), flat(y), run, whole, first, x.size, step)
        first += run
    return y
