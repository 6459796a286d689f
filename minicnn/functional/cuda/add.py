"""Which question: how do two branches of a network come together on a GPU?

    thread t:  z[4t … 4t + 3] = f(x[…] + y[…]),  f = relu or nothing

Idea: activation.py's kernel with two inputs.  What comes after a sum in a residual network is applied while the sum is in a register, which
spares a pass of its own.  z may be x or y: every thread reads its numbers before it writes them.

Memory traffic per output: 8 bytes read, 4 written.  Arithmetic intensity: 1 flop for 12 bytes.  Occupancy: 100%, 25 registers for sm_90.
What limits it: memory.  When it loses: against a convolution that adds the other map to its sums before it stores them.
What it does not do: broadcast.
Source: He et al., "Deep Residual Learning" (2016), section 3.2.  Next room: concat.py.
"""

from numba import cuda

from minicnn.conv.algorithm import at_the_store
from minicnn.conv.cuda.family import flat
from minicnn.conv.cuda.finish import finished
from minicnn.conv.cuda.kernel import blocks_for, kernel
from minicnn.conv.cuda.words import load4, store4
from minicnn.errors import ShapeError
from minicnn.functional.cuda.launch import in_fours, spread, target


@kernel("f4[::1], f4[::1], f4[::1], i4, f4, i4, i4")
def add_all(x, y, z, kind, cap, size, fours):
    """A thread for four neighbours."""
    i = 4 * cuda.grid(1)
    if fours and i + 3 < size:
        a, b, c, d = load4(x, i)
        e, f, g, h = load4(y, i)
        store4(z, i, finished(a + e, kind, cap), finished(b + f, kind, cap), finished(c + g, kind, cap), finished(d + h, kind, cap))
    else:
        for j in range(i, min(i + 4, size)):
            z[j] = finished(x[j] + y[j], kind, cap)


def add(x, y, *, activation: str | None = None, out=None):
    """Return x + y of one shape, bent by `activation` (None, 'relu', 'relu6' or 'silu'); `out` may be x or y.

    Raises ShapeError for two shapes, ArgumentError for another activation.  Source: torch.add.

    >>> import numpy as np
    >>> x = cuda.to_device(np.array([1.0, -2.0], np.float32))                                         # doctest: +SKIP
    >>> add(x, x, activation="relu").copy_to_host()                                                   # doctest: +SKIP
    array([2., 0.], dtype=float32)
    """
    if tuple(x.shape) != tuple(y.shape):
        raise ShapeError(
            f"add: on a device x and y must have one shape, but x.shape={tuple(x.shape)} and y.shape={tuple(y.shape)}; "
            "functional.add on the host also takes one number per channel."
        )
    z = target(out, x.shape)
    spread(add_all, blocks_for(x.size, 4), flat(x), flat(y), flat(z), *at_the_store(activation), x.size, int(in_fours(x, y, z)))
    return z
