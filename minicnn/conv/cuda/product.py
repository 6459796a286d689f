"""Which question: how does a thread compute 64 outputs with nothing but registers between it and the multipliers?

    block: M filters × N pixels;   thread: GM × GN groups of 4 × 4 outputs, in registers;   8 taps at a time

    acc[a, b] += w[t, a] · X[t, b]           for t of 8, a of 4·GM, b of 4·GN: an outer product a tap

Idea: the product of a column of 8 weights with a row of 8 numbers is 64 multiplications from 16 loads, which are four loads of 16 bytes.
What the threads of a warp read lies so that no two read different words of one bank: its lanes are 4 × 8, and a thread's two groups lie
apart by what the lanes cover (16 filters, 32 pixels), as in CUTLASS.  Shared memory is there twice: while a tile is multiplied, the numbers of
the next are on their way, loaded into registers before the products and stored into the other half after them, so one wait a tile is enough.

With N = 32·GM·GN pixels and 2·M threads, every thread fetches exactly four weights of a tile, one load, and 4·N/M numbers of X.

Cost: T·(1/M + 1/N) numbers read per output from global memory.  What it does not do: know where X comes from; the rung's `fetch` does.
When it loses: few filters or pixels, whose tiles are mostly empty; few blocks, which leave multiprocessors idle (no split of T).
Source: NVIDIA, "CUTLASS: Fast Linear Algebra in CUDA C++" (2017); Volkov, Demmel, "Benchmarking GPUs to tune dense linear algebra" (2008).
Next room: register_tiled.py.
"""

from typing import NamedTuple

from numba import cuda, float32, int32

from minicnn.conv.cuda import implicit
from minicnn.conv.cuda.finish import finished
from minicnn.conv.cuda.implicit import ARRAYS, NUMBERS, corner
from minicnn.conv.cuda.kernel import Kernel, blocks_for, kernel, word
from minicnn.conv.cuda.small import FILTERS, TAPS
from minicnn.conv.cuda.words import inside, load1, load4, split, store4

DEPTH = 8  # taps of a tile


class Tile(NamedTuple):
    """The shape of a block's work."""

    M: int  # filters
    GM: int  # groups of 4 filters a thread
    GN: int  # groups of 4 pixels a thread

    @property
    def N(self) -> int:
        """Pixels."""
        return 32 * self.GM * self.GN

    @property
    def threads(self) -> int:
        return 2 * self.M


LARGE, FLAT, SMALL = Tile(128, 2, 2), Tile(64, 2, 2), Tile(32, 1, 2)
TILES = {LARGE: 1.0, FLAT: 0.9, SMALL: 0.6}  # how fast each is where all are full, by their loads: a guess, to be fitted on a device
RESIDENT = {LARGE: 2, FLAT: 3, SMALL: 8}  # blocks that a multiprocessor is to hold: 128 registers a thread, 168 and 128, and no spills
ENOUGH = 132  # blocks that keep a device busy: the multiprocessors of an H100 or H200


def choose_tile(filters: int, pixels: int, groups: int = 1) -> Tile:
    """Return the tile with the least work, counting what is computed beyond the edges, and multiprocessors without a block.

    filters : of a group; pixels : N·P·Q

    >>> choose_tile(256, 100_000).M, choose_tile(64, 100_000).M, choose_tile(16, 500).M
    (128, 64, 32)
    """

    def work(tile: Tile) -> float:
        blocks = blocks_for(filters, tile.M) * blocks_for(pixels, tile.N) * groups
        return max(blocks, ENOUGH) * tile.M * tile.N / TILES[tile]

    return min(TILES, key=work)


def blocks(tile: Tile, y_shape, groups: int) -> tuple[int, int, int]:
    """Return how many tiles cover the output: of pixels, of filters, of groups.  Only the first may be more than 65,535."""
    N, K, P, Q = y_shape
    return blocks_for(N * P * Q, tile.N), blocks_for(K // groups, tile.M), groups


def outer_product(tile: Tile):
    """Return the word that adds what one tap contributes: 64 multiplications for four loads, where a thread has 8 × 8 outputs."""
    M, GM, GN, N = *tile, tile.N
    A, B = 4 * GM, 4 * GN

    @word
    def outer(ours, theirs, at_a, at_b, acc, a, b):
        for i in range(GM):
            a[4 * i], a[4 * i + 1], a[4 * i + 2], a[4 * i + 3] = load4(ours, at_a + 16 * i)
        for j in range(GN):
            b[4 * j], b[4 * j + 1], b[4 * j + 2], b[4 * j + 3] = load4(theirs, at_b + 32 * j)
        for i in range(A):
            for j in range(B):
                acc[i, j] += a[i] * b[j]

    @word
    def taps(ours, theirs, at_a, at_b, acc, a, b):  # DEPTH of them, written out: the compiler leaves a loop of so many numbers a loop,
        outer(ours, theirs, at_a, at_b, acc, a, b)  # and then cannot load for one tap while it multiplies for another
        outer(ours, theirs, at_a + M, at_b + N, acc, a, b)
        outer(ours, theirs, at_a + 2 * M, at_b + 2 * N, acc, a, b)
        outer(ours, theirs, at_a + 3 * M, at_b + 3 * N, acc, a, b)
        outer(ours, theirs, at_a + 4 * M, at_b + 4 * N, acc, a, b)
        outer(ours, theirs, at_a + 5 * M, at_b + 5 * N, acc, a, b)
        outer(ours, theirs, at_a + 6 * M, at_b + 6 * N, acc, a, b)
        outer(ours, theirs, at_a + 7 * M, at_b + 7 * N, acc, a, b)

    return taps


def storing(tile: Tile):
    """Return the word that adds the bias to a thread's sums, bends them and stores them."""
    A, B, GN = 4 * tile.GM, 4 * tile.GN, tile.GN

    @word
    def store(y, bias, acc, four, first, m0, g, filters, K, size, pixels, kind, cap):
        for i in range(A):  # row 0 is stored, the others move up: an index that is known now keeps them in registers
            k = int32(first + i // 4 * 16 + i % 4)
            if k < filters:
                k = int32(g * filters + k)
                start = load1(bias, k)
                for j in range(GN):
                    m = int32(m0 + 32 * j)
                    for e in range(4):
                        four[e] = finished(acc[0, 4 * j + e] + start, kind, cap)
                    if size % 4 == 0:  # then four pixels lie in one image, side by side
                        if inside(m, pixels):
                            n, pixel = split(m, size)
                            store4(y, int32((n * K + k) * size + pixel), four[0], four[1], four[2], four[3])
                    else:
                        for e in range(4):
                            if inside(m + e, pixels):
                                n, pixel = split(m + e, size)
                                y[int32((n * K + k) * size + pixel)] = four[e]
            for up in range(A - 1):
                for j in range(B):
                    acc[up, j] = acc[up + 1, j]

    return store


def multiply(tile: Tile, fetch, wide: int) -> Kernel:
    """Return the kernel of one tile.

    fetch(x, taps, t, terms, first, h0, w0, H, W, numbers, at) leaves what the thread's pixel sees at tap t in numbers[at:at + wide];
    wide : 1, or 4 where four pixels are fetched by one load
    """
    M, GM, GN, N, threads = *tile, tile.N, tile.threads
    columns = N // wide  # threads that fetch one tap
    taps_at_once = threads // columns
    fetches = DEPTH // taps_at_once
    both_ours, both_theirs, numbers_size, A, B = 2 * DEPTH * M, 2 * DEPTH * N, fetches * wide, 4 * GM, 4 * GN
    multiply_taps, store = outer_product(tile), storing(tile)

    @kernel(f"{ARRAYS}, {NUMBERS}, i4, f4", bounds=(threads, RESIDENT[tile]))
    def tiles(x, weight, taps, bias, y, batch, C, H, W, K, P, Q, G, filters, channels, terms, stride_h, stride_w, top, left, kind, cap):
        ours = cuda.shared.array(both_ours, float32)
        theirs = cuda.shared.array(both_theirs, float32)  # on a line of its own: the simulator tells arrays apart by their lines
        acc = cuda.local.array((A, B), float32)
        a, b, numbers = cuda.local.array(A, float32), cuda.local.array(B, float32), cuda.local.array(numbers_size, float32)
        thread = int32(cuda.threadIdx.x)
        place, part, g = int32(cuda.blockIdx.x), int32(cuda.blockIdx.y), int32(cuda.blockIdx.z)
        pixels, size = int32(batch * P * Q), int32(P * Q)

        # What the thread fetches: four weights of one tap, and the numbers that one pixel (or four) sees at some taps.
        padded = int32((filters + FILTERS - 1) // FILTERS * FILTERS)
        rows, last = int32((terms + TAPS - 1) // TAPS * TAPS), int32((terms - 1) // DEPTH * DEPTH)
        ours_from = int32((g * rows + thread // (M // 4)) * padded + part * M + thread % (M // 4) * 4)
        tap, column = thread // columns, thread % columns * wide
        first, h0, w0 = corner(int32(place * N + column), pixels, P, Q, C * H * W, stride_h, stride_w, top, left)
        first = int32(first + g * channels * H * W)

        # What it multiplies: lanes are 4 × 8, warps M / (16·GM) × GM.
        warp, lane = thread // 32, thread % 32
        row, col = int32(warp // GM * (16 * GM) + lane // 8 * 4), int32(warp % GM * (32 * GN) + lane % 8 * 4)
        for i in range(A):
            for j in range(B):
                acc[i, j] = float32(0)

        u0, u1, u2, u3 = load4(weight, ours_from)
        for f in range(fetches):
            fetch(x, taps, tap + f * taps_at_once, terms, first, h0, w0, H, W, numbers, f * wide)
        t0 = int32(0)
        while t0 <= last:
            half = int32(t0 & DEPTH)  # 0 or 8: which half of shared memory holds this tile
            store4(ours, half * M + thread * 4, u0, u1, u2, u3)
            for f in range(fetches):
                at = int32(half * N + (tap + f * taps_at_once) * N + column)
                if wide == 4:
                    store4(theirs, at, numbers[4 * f], numbers[4 * f + 1], numbers[4 * f + 2], numbers[4 * f + 3])
                else:
                    theirs[at] = numbers[f]
            cuda.syncthreads()
            t0 = int32(t0 + DEPTH)
            ahead = int32(min(t0, last))  # the next tile sets out before this one is multiplied; after the last, it once more: no branch
            u0, u1, u2, u3 = load4(weight, int32(ours_from + ahead * padded))
            for f in range(fetches):
                fetch(x, taps, ahead + tap + f * taps_at_once, terms, first, h0, w0, H, W, numbers, f * wide)
            multiply_taps(ours, theirs, int32(half * M + row), int32(half * N + col), acc, a, b)

        store(y, bias, acc, a, int32(part * M + row), int32(place * N + col), g, filters, K, size, pixels, kind, cap)

    return tiles


def launch(kernels: dict, x, prepared, bias, kind, cap, y, tile: Tile | None = None) -> None:
    """Run the kernel of the tile that is chosen for the shape, or of the one that is asked for."""
    (N, K, P, Q), groups = y.shape, x.shape[1] // prepared.shape[1]
    tile = tile or choose_tile(K // groups, N * P * Q, groups)
    kernels[tile](blocks(tile, y.shape, groups), tile.threads, *implicit.arguments(x, prepared, bias, y), kind, cap)
