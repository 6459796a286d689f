"""The sum over positions that a weight's gradient is, in registers.

    grad_w[k, t] = Σ_n Σ_(p,q)  grad[n, k, p, q] · x[n, start of (p, q) + offset of tap t]

Idea: as in direct.py a lane is an output channel; here the eight accumulators are eight taps, and the
loop runs over positions.  A map of grad is turned first, so that eight channels of a position lie side
by side; 512 positions at a time, so that what was turned stays in the first-level cache while all taps
read it.
The sum is cut into parts by the shapes alone, and parts are added in order: the bits do not depend on
the number of threads.  Sums start anew for every 512 positions and are added to the part then, so that a long sum's error
grows with its pieces, not with its terms.
Cost: K and the taps rounded up to eights; parts · K · taps numbers of workspace.
Next room: gradient_weight.py, which says when BLAS is better.
"""

import numpy as np

from minicnn.conv.jit import jit, prange
from minicnn.conv.jit.words import broadcast, fma, load, spread, store, transpose


@jit
def turn(grad, row, stride, wanted, count, turned, sums, place):
    """Write turned[8·i + k] = grad[row + k·stride + i] for the wanted filters k, zeros for the others, and add up each filter."""
    zero, one = broadcast(0.0), broadcast(1.0)
    total = zero
    whole = count // 8 * 8
    for i in range(0, whole, 8):
        at = row + i
        r0 = load(grad, at)
        r1 = load(grad, at + stride) if wanted > 1 else zero
        r2 = load(grad, at + 2 * stride) if wanted > 2 else zero
        r3 = load(grad, at + 3 * stride) if wanted > 3 else zero
        r4 = load(grad, at + 4 * stride) if wanted > 4 else zero
        r5 = load(grad, at + 5 * stride) if wanted > 5 else zero
        r6 = load(grad, at + 6 * stride) if wanted > 6 else zero
        r7 = load(grad, at + 7 * stride) if wanted > 7 else zero
        c0, c1, c2, c3, c4, c5, c6, c7 = transpose(r0, r1, r2, r3, r4, r5, r6, r7)
        store(turned, 8 * i, c0)
        store(turned, 8 * i + 8, c1)
        store(turned, 8 * i + 16, c2)
        store(turned, 8 * i + 24, c3)
        store(turned, 8 * i + 32, c4)
        store(turned, 8 * i + 40, c5)
        store(turned, 8 * i + 48, c6)
        store(turned, 8 * i + 56, c7)
    for i in range(whole, count):
        for k in range(8):
            turned[8 * i + k] = grad[row + k * stride + i] if k < wanted else np.float32(0)
    for i in range(count):
        total = fma(one, load(turned, 8 * i), total)
    store(sums, place, fma(one, total, load(sums, place)))


@jit
def eight_taps(x, first, starts, begin, count, taps, t, turned, part, place):
    """Add the products of `count` positions to eight taps of eight filters, part[place …]."""
    o0, o1, o2, o3 = first + taps[t], first + taps[t + 1], first + taps[t + 2], first + taps[t + 3]
    o4, o5, o6, o7 = first + taps[t + 4], first + taps[t + 5], first + taps[t + 6], first + taps[t + 7]
    one, a0 = broadcast(1.0), broadcast(0.0)
    a1, a2, a3, a4, a5, a6, a7 = a0, a0, a0, a0, a0, a0, a0
    for i in range(count):
        g, s = load(turned, 8 * i), starts[begin + i]
        a0 = fma(spread(x, s + o0), g, a0)
        a1 = fma(spread(x, s + o1), g, a1)
        a2 = fma(spread(x, s + o2), g, a2)
        a3 = fma(spread(x, s + o3), g, a3)
        a4 = fma(spread(x, s + o4), g, a4)
        a5 = fma(spread(x, s + o5), g, a5)
        a6 = fma(spread(x, s + o6), g, a6)
        a7 = fma(spread(x, s + o7), g, a7)
    store(part, place, fma(one, a0, load(part, place)))
    store(part, place + 8, fma(one, a1, load(part, place + 8)))
    store(part, place + 16, fma(one, a2, load(part, place + 16)))
    store(part, place + 24, fma(one, a3, load(part, place + 24)))
    store(part, place + 32, fma(one, a4, load(part, place + 32)))
    store(part, place + 40, fma(one, a5, load(part, place + 40)))
    store(part, place + 48, fma(one, a6, load(part, place + 48)))
    store(part, place + 56, fma(one, a7, load(part, place + 56)))


@jit(allocates=True)
def one_part(block, x, grad, parts, sums, count, starts, taps, image, group, filters, positions):
    """Fill one part of eight filters; for the arguments see `sum_over_positions`."""
    T = taps.size
    eights = -(-filters // 8)
    blocks = sums.size // (8 * count)  # groups times eights of filters
    pieces = -(-positions // 512)
    N = grad.size // (blocks // eights * filters * positions)
    part, lanes = block // blocks, block % blocks
    g, k = lanes // eights, lanes % eights * 8
    wanted = min(8, filters - k)
    turned = np.empty(8 * 512, np.float32)
    for work in range(N * pieces * part // count, N * pieces * (part + 1) // count):
        n, begin = work // pieces, work % pieces * 512
        here = min(512, positions - begin)
        row = ((n * (blocks // eights) + g) * filters + k) * positions + begin
        turn(grad, row, positions, wanted, here, turned, sums, 8 * block)
        for t in range(0, T, 8):
            eight_taps(x, n * image + g * group, starts, begin, here, taps, t, turned, parts, 8 * (block * T + t))


@jit(parallel=True)
def sum_over_positions(x, grad, parts, sums, count, starts, taps, image, group, filters, positions):
    """Fill `count` parts of [group, eight filters, tap, filter] and of their sums over grad, both flat and zero before.

    `image` and `group` are the numbers of x per image and per group, `filters` those of a group; the
    number of taps is a multiple of eight.
    """
    for block in prange(sums.size // 8):
        one_part(block, x, grad, parts, sums, count, starts, taps, image, group, filters, positions)
