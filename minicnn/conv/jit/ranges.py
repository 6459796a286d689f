"""Which question: for which outputs does a tap lie inside the input?

The kernel form of `Slide.tap`: computed once per tap, so that inner loops need not ask at every step.
"""

from minicnn.conv.jit.compile import jit


@jit
def inside(tap, stride, n, out):
    """Return the first output whose tap lies in 0 … n-1, and the first after it whose tap does not.

    `tap` is the input position of this tap for output 0; output p reads tap + p·stride.
    """
    first = max(0, -(tap // stride))  # ceil(-tap / stride)
    end = min(out, (n - 1 - tap) // stride + 1)
    return first, max(first, end)
