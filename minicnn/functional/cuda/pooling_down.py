"""Which question: what is gained where a thread knows its window before it runs, and does four of them?

    thread (n, c, strip, q):  the largest of the windows p = 4·strip … 4·strip + 3 at column q

Idea: a pooling window has a handful of numbers, so most of what pooling.py's thread does is finding out where it is: two divisions, and a
question for every tap.  Here the window's side and stride are known to the compiler, which writes the loops out, and a thread does four
outputs, one below the other, with one such search.  Each row of x that it meets is read once, and its maximum goes to all the windows that
hold that row.

Memory traffic per output: stride² numbers read, 1 written, as in pooling.py; reads of the cache: side·(3·stride + side)/4 in place of
side².
Arithmetic intensity: below 1 flop/byte.  Occupancy: 100% for sm_90, 24 to 27 registers.  What limits it: memory.
When it loses: maps of few rows, whose last strip is mostly empty.  What it does not do: other windows than those in KERNELS.
Source: Volkov, "Better Performance at Lower Occupancy" (GTC 2010): more outputs a thread.  Next room: adaptive.py.
"""

import math

from numba import cuda, float32, int32

from minicnn.conv.cuda.family import flat
from minicnn.conv.cuda.kernel import Kernel, blocks_for, kernel
from minicnn.conv.cuda.words import inside, load1, split
from minicnn.functional.cuda.launch import larger, spread

ROWS = 4  # outputs of a thread


def column(side: int, step: int) -> Kernel:
    """Return the kernel for side × side windows at this stride."""
    seen = (ROWS - 1) * step + side  # rows of x that a thread meets

    @kernel("f4[::1], f4[::1], i4, i4, i4, i4, i4, i4, i4")
    def largest_down(x, y, H, W, P, Q, top, left, work):
        t = cuda.grid(1)
        if t >= work:
            return
        best = cuda.local.array(ROWS, float32)
        rest, q = split(t, Q)
        plane, strip = split(rest, (P + ROWS - 1) // ROWS)
        p0 = int32(strip * ROWS)
        h0, w0 = int32(p0 * step - top), int32(q * step - left)
        for p in range(ROWS):
            best[p] = float32(-math.inf)
        for down in range(seen):
            h = int32(h0 + down)
            widest = float32(-math.inf)
            if inside(h, H):
                line = int32((plane * H + h) * W + w0)
                for j in range(side):
                    if inside(int32(w0 + j), W):
                        widest = larger(widest, load1(x, int32(line + j)))
            for p in range(ROWS):
                i = down - p * step
                if i >= 0 and i < side:
                    best[p] = larger(best[p], widest)
        at = int32((plane * P + p0) * Q + q)
        for p in range(ROWS):
            if p0 + p < P:
                y[at + p * Q] = best[p]

    return largest_down


KERNELS = {(side, step): column(side, step) for side, step in ((2, 2), (3, 1), (3, 2), (5, 1))}


def kernel_for(rows, columns) -> Kernel | None:
    """Return the kernel for windows that follow these two rules of axis.py, or None."""
    square = (rows.kernel, rows.stride) == (columns.kernel, columns.stride) and rows.dilation == columns.dilation == 1
    return KERNELS.get((rows.kernel, rows.stride)) if square else None


def fill(found: Kernel, x, y, rows, columns) -> None:
    """Run it: y[n,c,p,q] is the largest number of its window in x."""
    (N, C, H, W), (_, _, P, Q) = x.shape, y.shape
    work = N * C * blocks_for(P, ROWS) * Q
    spread(found, work, flat(x), flat(y), H, W, P, Q, rows.before, columns.before, work)
