"""Which question: how is a map drawn at another size on a GPU?

    thread (n, c, p, q):  y[n,c,p,q] = x at rows source(p), columns source(q),  source(i) = max(i·a + b, 0) / d

Idea: where an output lies is a fraction of whole numbers (axis.Resize), so a thread finds its inputs by exact arithmetic instead of a
table: the quotient is the input before it, the remainder over d the weight of the one behind it.  nearest takes the quotient alone;
bilinear mixes rows, then columns, and does not multiply where the weight is 0, so that 0·∞ spoils nothing.

Memory traffic per output: up to 4 reads, most from the cache, 1 write.  Arithmetic intensity: 6 flop for some 5 bytes.
Occupancy: 100%, 30 registers for sm_90.  What limits it: memory, and four divisions of whole numbers a thread.
When it loses: small factors of few columns.  What it does not do: ONNX's other rules.
Source: torch.nn.functional.interpolate, as in functional/resize.py.  Next room: network/on_device.py.
"""

from numba import cuda, float32

from minicnn.axis import Resize
from minicnn.conv.cuda import device
from minicnn.conv.cuda.family import flat
from minicnn.conv.cuda.kernel import kernel, word
from minicnn.conv.cuda.words import split
from minicnn.errors import UnsupportedError
from minicnn.functional.cuda.launch import spread, target


@word
def place(i, a, b, d, n):
    """Return the input before output i, and how much of the one behind it counts: 0 where there is none."""
    source = max(i * a + b, 0)
    low = min(source // d, n - 1)
    return low, float32(0) if low == n - 1 else float32(source - low * d) / float32(d)


@word
def mixed(here, there, share):
    """Return (1 - share)·here + share·there; what has no share is not multiplied."""
    return here if share == float32(0) else here * (float32(1) - share) + there * share


@kernel("f4[::1], f4[::1], i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, i4")
def resize(x, y, H, W, P, Q, a_h, b_h, d_h, a_w, b_w, d_w, mixes, size):
    """A thread for every output, columns fastest."""
    t = cuda.grid(1)
    if t < size:
        line, q = split(t, Q)
        plane, p = split(line, P)
        h, down = place(p, a_h, b_h, d_h, H)
        w, across = place(q, a_w, b_w, d_w, W)
        first = (plane * H + h) * W + w
        if not mixes:
            down = across = float32(0)
        below = W if down != float32(0) else 0
        behind = 1 if across != float32(0) else 0
        left = mixed(x[first], x[first + below], down)
        right = mixed(x[first + behind], x[first + below + behind], down)
        y[t] = mixed(left, right, across)


def upsample(x, rows: Resize, columns: Resize, *, out=None):
    """Return x, (N, C, H, W), at the size that two rules of axis.py say; raises UnsupportedError for steps beyond 32 bits.

    >>> import numpy as np
    >>> x = cuda.to_device(np.array([[[[0, 4]]]], np.float32))                                        # doctest: +SKIP
    >>> upsample(x, Resize(1, "bilinear"), Resize(4, "bilinear")).copy_to_host()                      # doctest: +SKIP
    array([[[[0., 1., 3., 4.]]]], dtype=float32)
    """
    N, C, H, W = x.shape
    P, Q = rows.out, columns.out
    y = target(out, (N, C, P, Q))
    steps = (*fraction(rows, H), *fraction(columns, W))
    spread(resize, y.size, flat(x), flat(y), H, W, P, Q, *steps, int("bilinear" in (rows.mode, columns.mode)), y.size)
    return y


def fraction(rule: Resize, n: int) -> tuple[int, int, int]:
    """Return (a, b, d): output i lies at max(i·a + b, 0) / d of the n inputs.

    >>> fraction(Resize(6), 3), fraction(Resize(6, "bilinear"), 3), fraction(Resize(5, "bilinear", True), 3)
    ((1, 0, 2), (2, -1, 4), (2, 0, 4))
    """
    if rule.align_corners:
        found = (n - 1, 0, rule.out - 1) if rule.out > 1 else (0, 0, 1)
    else:
        step = rule.step(n)
        a, d = step.numerator, step.denominator
        found = (a, 0, d) if rule.mode == "nearest" else (2 * a, a - d, 2 * d)
    if max(map(abs, found)) > device.LARGEST:
        raise UnsupportedError(
            f"upsample: kernels count in 32 bits, but outputs {found[0]}/{found[2]} of a cell apart need more; "
            "give size in place of scale_factor, or a scale_factor of fewer digits."
        )
    return found
