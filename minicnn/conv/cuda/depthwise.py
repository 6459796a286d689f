"""Rung 6, depthwise: one channel a group, and no product of matrices at all.

    thread (n, k, strip of rows, q):   y[n,k,p,q] = act(b[k] + Σ_i Σ_j  w[k,i,j] · x[n, k/(K/C), p·s + i - top, q·s + j - left]),   p of 4 rows

Idea: an output has R·S products and shares its weights with its map only, so there is nothing for a tile to share but x: rows that one output reads
are read by the next one below as well.  A thread takes 4 outputs of a column and reads each row once: 6 rows for 4 outputs of 3×3, not 12.  The filter
lies in registers; neighbours in a warp are neighbours in a row.  Kernels are made for 3×3 and 5×5 at strides 1 and 2, whose loops the
compiler writes out; others, and weights that are not finite, are coalesced.py's.

Memory traffic per output: 1 number of x and 1 of y from DRAM; 4.5 loads of x (3×3, stride 1) that L1 answers, instead of 9.
Arithmetic intensity: 18 flop for 8 bytes of DRAM, 2.25 flop/byte: far below what a GPU could multiply.
Occupancy, sm_90: 32 to 40 registers a thread, no shared memory: 12 blocks of 128, 48 warps of 64, or all 64.  What limits it: the memory's speed.
When it loses: maps of few columns, where a warp reads pieces of many rows; maps whose rows 4 does not divide leave part of a strip.
Source: Howard et al., "MobileNets" (2017), section 3.1; Chollet, "Xception" (2017).  Next room: ladder.py, which rung takes what.
"""

from numba import cuda, float32, int32

from minicnn.conv.cuda import coalesced, family
from minicnn.conv.cuda.family import error_factor, flat, workspace_bytes
from minicnn.conv.cuda.finish import finished
from minicnn.conv.cuda.kernel import Kernel, blocks_for, kernel
from minicnn.conv.cuda.words import inside, load1, split

__all__ = ["error_factor", "prepare", "run", "why_not", "workspace_bytes"]

THREADS = 128
ROWS = {(3, 1): 4, (3, 2): 4, (5, 1): 4, (5, 2): 2}  # outputs of a thread, one below the other, by the filter's side and the stride


def column(side: int, step: int) -> Kernel:
    """Return the kernel for side × side filters at this stride, whose loops are written out by the compiler."""
    rows = ROWS[side, step]
    taps, seen = side * side, (rows - 1) * step + side  # rows of x that a thread reads

    @kernel("f4[::1], f4[::1], f4[::1], f4[::1], i4, i4, i4, i4, i4, i4, i4, i4, i4, i4, f4")
    def slide_down(x, weight, bias, y, N, C, H, W, K, P, Q, top, left, kind, cap):
        filter_, sums = cuda.local.array(taps, float32), cuda.local.array(rows, float32)
        strips = int32((P + rows - 1) // rows)
        t = cuda.grid(1)
        if t >= N * K * strips * Q:
            return
        rest, q = split(t, Q)
        rest, strip = split(rest, strips)
        n, k = split(rest, K)
        c, _ = split(k, split(K, C)[0])
        own = int32(k * taps)
        for i in range(taps):
            filter_[i] = load1(weight, own + i)
        for p in range(rows):
            sums[p] = load1(bias, k)
        image = int32((n * C + c) * H * W)
        h0, w0 = int32(strip * (rows * step) - top), int32(q * step - left)
        for down in range(seen):
            row = int32(image + (h0 + down) * W + w0)
            for j in range(side):
                value = float32(0)
                if inside(h0 + down, H) and inside(w0 + j, W):
                    value = load1(x, row + j)
                for p in range(rows):
                    i = down - p * step
                    if i >= 0 and i < side:
                        sums[p] += filter_[i * side + j] * value
        p0 = int32(strip * rows)
        at = int32(((n * K + k) * P + p0) * Q + q)
        for p in range(rows):
            if p0 + p < P:
                y[at + p * Q] = finished(sums[p], kind, cap)

    return slide_down


KERNELS = {(side, step): column(side, step) for side, step in ROWS}


def why_not(x_shape, w_shape, window, dtype) -> str | None:
    if w_shape[1] != 1:
        return f"it is for one input channel per group, and here are {w_shape[1]}"
    return family.why_not(x_shape, w_shape, window, dtype)


def shape_of(prepared) -> tuple[int, int] | None:
    """Return the filter's side and the stride where there is a kernel for them; None where coalesced.py does the work."""
    (R, S), (down, along), dilation = prepared.window.kernel, prepared.window.stride, prepared.window.dilation
    square = R == S and down == along and dilation == (1, 1) and (R, down) in ROWS
    return (R, down) if square and prepared.finite else None


def launch(x, prepared, bias, kind, cap, y) -> None:
    """Run it on device arrays."""
    shape = shape_of(prepared)
    if shape is None:
        return coalesced.launch(x, prepared, bias, kind, cap, y)
    (N, C, H, W), (_, K, P, Q) = x.shape, y.shape
    (top, _), (left, _) = prepared.window.padding
    arrays = flat(x), flat(prepared.weight), bias, flat(y)
    work = N * K * blocks_for(P, ROWS[shape]) * Q
    return KERNELS[shape](blocks_for(work, THREADS), THREADS, *arrays, N, C, H, W, K, P, Q, top, left, kind, cap)


def prepare(weight, window, groups: int = 1):
    return family.as_given(weight, window)


def run(x, prepared, bias=None, activation=None):
    return family.through(x, prepared, bias, activation, launch)
