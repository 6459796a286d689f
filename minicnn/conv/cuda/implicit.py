"""Which question: how is a convolution a product of matrices, without anyone building the second matrix?

    y[k, m] = Σ_t  w[k, t] · X[t, m],      X[t, m] = x[n, g·C/G + c, h, w],   h = p·stride_h - top + i·dil_h,   w likewise

    m = (n, p, q), a pixel of the output;   t = (c, i, j), a tap

Idea: im2col (conv/im2col.py) writes X out, R·S times as large as x.  Here each number of X is looked up when a tile needs it: the pixel's corner
(`corner`) is worked out once per thread, the tap comes from a table made once per layer (small.py), and their sum is the place.

Cost: two additions, two multiplications and two comparisons a number looked up, which a tile then uses as often as it has filters.
When it loses: groups of one channel, whose products have one row.
Source: Chetlur et al., "cuDNN: Efficient Primitives for Deep Learning" (2014), section 3.1.  Next room: product.py.
"""

from dataclasses import dataclass, replace

from numba import float32, int32

from minicnn.conv.algorithm import Prepared
from minicnn.conv.cuda import coalesced, family, small
from minicnn.conv.cuda.family import flat
from minicnn.conv.cuda.kernel import word
from minicnn.conv.cuda.words import inside, load1, load4, split

MOST_GROUPS = 65535  # blocks along the third axis of a grid
NOWHERE = -(1 << 30)  # a row from which no tap leads into an image, small.FAR included
ARRAYS = "f4[::1], f4[::1], i4[::1], f4[::1], f4[::1]"
NUMBERS = ", ".join(["i4"] * 15)  # N C H W K P Q G filters channels terms stride_h stride_w top left


@dataclass(frozen=True, slots=True, eq=False)
class Tapped(Prepared):
    """A weight on the device, and where its taps look."""

    taps: object = None  # 4 whole numbers a tap; None where the weight is not finite and goes to coalesced.py

    @property
    def nbytes(self) -> int:
        return self.weight.nbytes + (0 if self.taps is None else self.taps.nbytes)


def prepare(weight, window, groups: int, *, packed: bool) -> Prepared:
    """Return the weight on the device, as it is or packed (small.py), with its table of taps."""
    given = family.as_given(weight, window)
    if not given.finite or groups > MOST_GROUPS:
        return replace(given, finite=False)  # coalesced.py's
    ready = small.packed(given.weight, groups) if packed else given.weight
    return Tapped(ready, given.shape, window, True, small.taps(given.shape, window.dilation))


def run(x, prepared, bias, activation, launch):
    """Run a rung that multiplies padding as zeros; a weight that is not finite takes coalesced.py."""
    return family.through(x, prepared, bias, activation, launch if prepared.finite else coalesced.launch)


def arguments(x, prepared, bias, y) -> tuple:
    """Return the arrays and whole numbers that every kernel of a product takes, in their order."""
    (_, C, H, W), (N, K, P, Q), (_, channels, R, S) = x.shape, y.shape, prepared.shape
    (top, _), (left, _) = prepared.window.padding
    groups = C // channels
    arrays = flat(x), flat(prepared.weight), prepared.taps, bias, flat(y)
    sizes = N, C, H, W, K, P, Q, groups, K // groups, channels, channels * R * S
    return *arrays, *sizes, *prepared.window.stride, top, left


@word
def corner(m, pixels, P, Q, image, stride_h, stride_w, top, left):
    """Return where pixel m's window begins: the offset of its image (`image` numbers each), its row and its column.

    A tile may reach beyond 2³¹ pixels, where m is below 0 in 32 bits: `inside` compares without a sign.
    """
    if not inside(m, pixels):
        return int32(0), int32(NOWHERE), int32(0)
    rest, q = split(m, Q)
    n, p = split(rest, P)
    return int32(n * image), int32(p * stride_h - top), int32(q * stride_w - left)


@word
def seen(x, taps, t, first, h0, w0, H, W):
    """Return what the window with this corner sees at tap t, 0 outside the image."""
    c, i, j, _ = load4(taps, 4 * t)
    h, w = int32(h0 + i), int32(w0 + j)
    if inside(h, H) and inside(w, W):
        return load1(x, int32(first + (c * H + h) * W + w))
    return float32(0)
