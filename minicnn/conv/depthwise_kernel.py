"""The loops of depthwise.py: LANES channels at a time for float32, and the equation as it stands for the rest."""

from minicnn.conv.jit import jit, prange
from minicnn.conv.jit.machine import LANES
from minicnn.conv.jit.ranges import inside
from minicnn.conv.jit.words import fma, slid, store, wide_broadcast, wide_load
from minicnn.conv.strips import copy_back, copy_in, empty_strip, fill_strip, finished


@jit(allocates=False, inlined=True)
def store_four(y, to, step, sums, kind, limit):
    """Write four pixels, `step` apart, through the activation."""
    a0, a1, a2, a3 = sums
    store(y, to, finished(a0, kind, limit))
    store(y, to + step, finished(a1, kind, limit))
    store(y, to + 2 * step, finished(a2, kind, limit))
    store(y, to + 3 * step, finished(a3, kind, limit))


@jit(allocates=False, inlined=True)
def from_end(q, count):
    """Return where four outputs begin: the last four go back over some that are done, and less than four write past their end."""
    return max(0, min(q, count - 4))


@jit(allocates=False)
def tap_by_tap(strip, at, hop, offsets, weight, w, offset, y, to, step, count, kind, limit):
    """Write count outputs whose windows start `hop` apart, four at a time; offsets are the taps' within a window."""
    for q in range(0, count, 4):
        q = from_end(q, count)
        a0, a1, a2, a3 = offset, offset, offset, offset
        for t in range(offsets.size):
            tap, s = wide_load(weight, w + t * LANES), at + q * hop + offsets[t]
            a0 = fma(tap, wide_load(strip, s), a0)
            a1 = fma(tap, wide_load(strip, s + hop), a1)
            a2 = fma(tap, wide_load(strip, s + 2 * hop), a2)
            a3 = fma(tap, wide_load(strip, s + 3 * hop), a3)
        store_four(y, to + q * step, step, (a0, a1, a2, a3), kind, limit)


@jit(allocates=False)
def three_rows_by_one(strip, at, pitch, weight, w, offset, y, to, step, count, kind, limit):
    """Write count outputs of a 3×3 kernel with stride 1 over the columns, four at a time; rows of the strip are `pitch` apart.

    What several of the four see is loaded once.  (A loop for each stride: a choice inside it would cost the compiler its registers.)
    """
    row = 3 * LANES
    for q in range(0, count, 4):
        q = from_end(q, count)
        sums, s = (offset, offset, offset, offset), at + q * LANES
        sums = slid(sums, strip, s, weight, w, 3, 1)
        sums = slid(sums, strip, s + pitch, weight, w + row, 3, 1)
        sums = slid(sums, strip, s + 2 * pitch, weight, w + 2 * row, 3, 1)
        store_four(y, to + q * step, step, sums, kind, limit)


@jit(allocates=False)
def three_rows_by_two(strip, at, pitch, weight, w, offset, y, to, step, count, kind, limit):
    """The same for 3×3 and stride 2."""
    row = 3 * LANES
    for q in range(0, count, 4):
        q = from_end(q, count)
        sums, s = (offset, offset, offset, offset), at + 2 * q * LANES
        sums = slid(sums, strip, s, weight, w, 3, 2)
        sums = slid(sums, strip, s + pitch, weight, w + row, 3, 2)
        sums = slid(sums, strip, s + 2 * pitch, weight, w + 2 * row, 3, 2)
        store_four(y, to + q * step, step, sums, kind, limit)


@jit(allocates=False)
def five_columns_by_one(strip, at, pitch, rows, weight, w, offset, y, to, step, count, kind, limit):
    """The same for kernels of five columns and any number of rows: not written out, since 25 taps would not fit the registers."""
    for q in range(0, count, 4):
        q = from_end(q, count)
        sums, s = (offset, offset, offset, offset), at + q * LANES
        for i in range(rows):
            sums = slid(sums, strip, s + i * pitch, weight, w + 5 * i * LANES, 5, 1)
        store_four(y, to + q * step, step, sums, kind, limit)


@jit(allocates=False)
def five_columns_by_two(strip, at, pitch, rows, weight, w, offset, y, to, step, count, kind, limit):
    """The same for stride 2."""
    for q in range(0, count, 4):
        q = from_end(q, count)
        sums, s = (offset, offset, offset, offset), at + 2 * q * LANES
        for i in range(rows):
            sums = slid(sums, strip, s + i * pitch, weight, w + 5 * i * LANES, 5, 2)
        store_four(y, to + q * step, step, sums, kind, limit)


@jit(allocates=False)
def fill_row(strip, at, pitch, stride, offsets, weight, w, offset, y, to, step, count, side, kind, limit):
    """Write count outputs of one row, `step` apart: fewer than four are written as four; side is 3 or 5 where that has a loop of its own."""
    if side == 3 and stride == 1:
        three_rows_by_one(strip, at, pitch, weight, w, offset, y, to, step, count, kind, limit)
    elif side == 3:
        three_rows_by_two(strip, at, pitch, weight, w, offset, y, to, step, count, kind, limit)
    elif side == 5 and stride == 1:
        five_columns_by_one(strip, at, pitch, offsets.size // 5, weight, w, offset, y, to, step, count, kind, limit)
    elif side == 5:
        five_columns_by_two(strip, at, pitch, offsets.size // 5, weight, w, offset, y, to, step, count, kind, limit)
    else:
        tap_by_tap(strip, at, stride * LANES, offsets, weight, w, offset, y, to, step, count, kind, limit)


@jit(allocates=False)
def one_block(block, x, weight, bias, y, offsets, scratch, own, sizes, kind, most):
    """Fill some rows of LANES planes of y: a strip of inputs, and where outputs have to be turned, a strip of outputs."""
    C, H, W, P, Q, extent, stride_h, stride_w, top, left, columns, bands, band, side, last = sizes
    eighths = -(-C // LANES)
    piece, rest = block % bands, block // bands
    group, n = rest % eighths, rest // eighths
    c = group * LANES
    channels = min(LANES, C - c)
    first = piece * band
    rows = min(band, P - first)
    out = own + ((band - 1) * stride_h + extent) * columns * LANES + 4 * stride_w * LANES
    above, seen = first * stride_h - top, (rows - 1) * stride_h + extent
    if last:
        copy_in(x, n * H * W * C, C, c, H, W, above, left, seen, columns, scratch, own)
    else:
        fill_strip(x, (n * C + c) * H * W, channels, H, W, above, left, seen, columns, scratch, own)
    offset, w, limit = wide_load(bias, c), group * offsets.size * LANES, wide_broadcast(most)
    pitch = columns * LANES
    straight = last and channels == LANES and Q >= 4
    for r in range(rows):
        at, to = own + r * stride_h * pitch, out + r * Q * LANES
        if straight:
            place = ((n * P + first + r) * Q) * C + c
            fill_row(scratch, at, pitch, stride_w, offsets, weight, w, offset, y, place, C, Q, side, kind, limit)
        else:
            fill_row(scratch, at, pitch, stride_w, offsets, weight, w, offset, scratch, to, LANES, Q, side, kind, limit)
    if last and not straight:
        copy_back(scratch, out, Q, y, n * P * Q * C, C, c, channels, P, Q, first, rows, 0, most)
    elif not last:
        empty_strip(scratch, out, Q, y, (n * C + c) * P * Q, channels, P, Q, first, rows)


@jit(allocates=False)
def some_blocks(worker, workers, blocks, x, weight, bias, y, offsets, scratch, sizes, kind, most):
    """This worker's share of the blocks, in scratch of its own."""
    own = worker * (scratch.size // workers)
    for block in range(blocks * worker // workers, blocks * (worker + 1) // workers):
        one_block(block, x, weight, bias, y, offsets, scratch, own, sizes, kind, most)


@jit(parallel=True, worker=some_blocks, allocates=False)
def all_blocks(workers, blocks, x, weight, bias, y, offsets, scratch, sizes, kind, most):
    """Fill y (N, C, P, Q), flat, or where `last` is set (N, P, Q, C), as x then is; weight is [LANES channels, tap, channel], bias without taps.

    `sizes` are C, H, W, P, Q, the rows that a kernel spans, the strides, the padding above and to the left, the columns of a strip, and
    in how many bands of how many rows outputs are cut, the side of a kernel that has a loop of its own, and `last`.
    """
    for worker in prange(workers):
        some_blocks(worker, workers, blocks, x, weight, bias, y, offsets, scratch, sizes, kind, most)


@jit(parallel=True, allocates=False)
def slide_planes(x, weight, bias, y, stride_h, stride_w, dilation_h, dilation_w, top, left):
    """Fill y (N, K, P, Q), a row at a time, each tap where it lies inside the input."""
    N, C, H, W = x.shape
    K, _, R, S = weight.shape
    P, Q = y.shape[2], y.shape[3]
    for block in prange(N * K):
        n = block // K
        k = block % K
        c = k // (K // C)
        for p in range(P):
            for q in range(Q):
                y[n, k, p, q] = bias[k]
            for i in range(R):
                h = p * stride_h + i * dilation_h - top
                if 0 <= h < H:
                    for j in range(S):
                        tap = j * dilation_w - left
                        q0, q1 = inside(tap, stride_w, W, Q)
                        w = weight[k, 0, i, j]
                        for q in range(q0, q1):
                            y[n, k, p, q] += w * x[n, c, h, q * stride_w + tap]
