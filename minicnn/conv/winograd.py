"""Winograd's minimal filtering: 3×3 convolutions with fewer products.

    y[n, k, tile] = A · [ Σ_c  (G·w[k,c]·Gᵀ) ⊙ (B·x[n,c,tile]·Bᵀ) ] · Aᵀ + b[k]          matrices: winograd_transforms.py

Idea: an m×m tile of outputs comes from (m + 2)² products per channel instead of 9·m²: 16 for 36 where m is 2
(winograd2), 36 for 144 where m is 4 (winograd4).  At each of the (m + 2)² points the sum over channels is a matrix
product of (tiles × C) with (C × K), made of the tiles of jit/tile.py.  The filters are transformed in prepare.
A block takes some rows of tiles through all three steps, so that what lies between them stays in the cache.
Where x is channels_last, so is y, and nothing is turned on the way.

Cost: a quarter (winograd4) or 4/9 (winograd2) of the equation's products, besides about 5 additions a number
for the transforms, which many channels and many filters share; maps are rounded up to tiles.  The transformed weight is
4 times (winograd4) or 16/9 times as large; above BUDGET bytes winograd4 declines.
When it loses: few channels or filters, whose transforms cost more than the products they save; maps of a few
tiles, where reading the larger weight is the whole time.
What it does not do: strides, dilation, groups, other kernels, float64; keep NaN and ∞ of x to the
outputs that see them (they spread over a tile).  An infinite weight is met tap by tap.
Its products are not the equation's, so its rounding is another: contract.py.
Source: Lavin, Gray, "Fast Algorithms for Convolutional Neural Networks" (2015), algorithm 1.
Next room: fft.py, the same idea with other points.
"""

from math import prod

import numpy as np

from minicnn.conv.algorithm import Prepared, at_the_store, finish, float32_only, locked_view, output_shape, plain, scratch, tap_by_tap
from minicnn.conv.jit.machine import COLUMNS, LANES, ROWS
from minicnn.conv.jit.threads import workers_for
from minicnn.conv.layout import bias_in_lanes
from minicnn.conv.memory_format import empty, flat, is_channels_last, pixels
from minicnn.conv.winograd_kernel import all_blocks
from minicnn.conv.winograd_transforms import A, B, G
from minicnn.conv.winograd_weights import bring_filters

TILES = 56  # about, in a block: a multiple of ROWS, and of the widths of maps that were halved from 224
FEW_TILES = 24  # in a block, at the least: fewer would read the weight more often than they multiply
CHUNK = 128  # filters at a time, at the most: their sums at all points stay in the second-level cache
BLOCKS = 2  # at the least, where there are filters to share out: work for as many cores
A_FILTERS_TAP = 64  # one that is brought to the points takes as long as so many products
BUDGET = 64 << 20  # bytes of transformed weight: 512 → 512 filters of VGG16 take 38 MB


def why_not(m: int, x_shape, w_shape, window, dtype) -> str | None:
    """Return why F(m×m, 3×3) does not take this convolution, or None."""
    if window.kernel != (3, 3):
        return f"it is for 3×3 kernels, and this one is {window.kernel[0]}×{window.kernel[1]}"
    if window.stride != (1, 1) or window.dilation != (1, 1):
        return f"it is for stride 1 and dilation 1, and here stride={window.stride}, dilation={window.dilation}"
    if x_shape[1] != w_shape[1]:
        return f"it is for one group, and groups is {x_shape[1] // w_shape[1]}"
    size = transformed_size(m, w_shape) * 4
    if size > BUDGET:
        return f"its transformed weight would take {size / 2**20:.0f} MB, and the budget is {BUDGET >> 20} MB"
    return float32_only(dtype)


def transformed_size(m: int, w_shape) -> int:
    """Return how many numbers the transformed weight has."""
    return (m + 2) ** 2 * (-(-w_shape[0] // COLUMNS) * COLUMNS * w_shape[1] + LANES)


def prepare(m: int, weight, window) -> Prepared:
    """Return G·w·Gᵀ as [point, COLUMNS filters, channel, filter]."""
    if not np.isfinite(weight).all():
        return Prepared(plain(weight), weight.shape, window, finite=False)
    panels = -(-weight.shape[0] // COLUMNS)
    packed = scratch(1, transformed_size(m, weight.shape))[: transformed_size(m, weight.shape)]
    workers = min(panels, workers_for(weight.size * A_FILTERS_TAP))
    kernel = bring_filters if workers > 1 else bring_filters.alone
    kernel(workers, panels, locked_view(weight), packed, m, scratch(workers, (9 + 3 * (m + 2)) * LANES))
    return Prepared(plain(packed), weight.shape, window)


def run(m: int, x, prepared, bias, activation):
    """Return the convolution by tiles of m×m outputs."""
    shape, last = output_shape(x.shape, prepared.shape, prepared.window), is_channels_last(x)
    y = empty(shape, x.dtype) if last else np.empty(shape, x.dtype)
    if not prepared.finite:
        return finish(tap_by_tap(x, prepared.weight, prepared.window.resolve(x.shape[2:]), y), bias, activation)
    bind(m, x.shape, prepared, bias, activation, last=last)(flat(x), (pixels(y) if last else y).reshape(-1))
    return y


def bind(m: int, x_shape, prepared, bias, activation, *, last: bool = True):
    """Return fill(x, y) for inputs of one shape, flat: what depends on the shape alone is known already."""
    window, (N, C, H, W) = prepared.window.resolve(x_shape[2:]), x_shape
    (_, K, P, Q), ((top, _), (left, _)) = output_shape(x_shape, prepared.shape, window), window.padding
    tile_rows, pieces, shares, chunk = cut(m, N, K, (P, Q))
    sizes = (C, H, W, K, P, Q, top, left, m, -(-P // m), -(-Q // m), pieces, shares, chunk, int(last))
    weight, offsets, end = prepared.weight, bias_in_lanes(bias, K, 1, LANES), at_the_store(activation)
    products, share, blocks = N * K * P * Q * C * 9, scratch_size(m, C, Q, tile_rows, pieces, chunk), pieces * shares

    def fill(x, y):
        workers = workers_for(products)
        kernel = all_blocks if workers > 1 else all_blocks.alone
        kernel(workers, blocks, x, weight, offsets, y, scratch(workers, share), tile_rows, sizes, *end)

    return fill


def cut(m: int, images: int, filters: int, out_size) -> tuple[int, int, int, int]:
    """Return how many rows of tiles there are, into how many pieces they are cut, in how many shares the filters, and how
    many panels of filters go at a time.

    From shapes alone, so that the bits do not depend on the number of threads.

    >>> cut(4, 1, 64, (56, 56))[:3]                 # 14 rows of 14 tiles, in fours and threes
    (14, 4, 1)
    """
    tile_rows, wide = images * -(-out_size[0] // m), -(-out_size[1] // m)
    pieces = -(-tile_rows * wide // TILES)
    if pieces == 1 and tile_rows * wide >= 2 * FEW_TILES:
        pieces = 2
    pieces = min(tile_rows, pieces if pieces == 1 else -(-pieces // 2) * 2)  # in even numbers, since so are cores
    panels = -(-filters // COLUMNS)
    shares = min(panels, max(1, BLOCKS // pieces))
    return tile_rows, pieces, shares, min(-(-panels // shares), max(1, CHUNK // COLUMNS))


def scratch_size(m: int, channels: int, width: int, tile_rows: int, pieces: int, chunk: int) -> int:
    """Return how many numbers a worker needs: V, S, a strip and one tile's transform (winograd_kernel.py)."""
    points, wide = (m + 2) ** 2, -(-width // m)
    tiles = -(-(-(-tile_rows // pieces) * wide) // ROWS) * ROWS
    deep = -(-channels // LANES) * LANES
    return points * (tiles * (deep + chunk * COLUMNS) + 2 * LANES) + (m + 2) * (wide * m + 2) * LANES + points * LANES


def workspace_bytes(m: int, x_shape, w_shape, window, itemsize: int) -> int:
    """The scratch of as many threads as there are."""
    out_size = window.output_size(x_shape[2:])
    tile_rows, pieces, _, chunk = cut(m, x_shape[0], w_shape[0], out_size)
    workers = workers_for(x_shape[0] * prod(out_size) * prod(w_shape))
    return workers * scratch_size(m, w_shape[1], out_size[1], tile_rows, pieces, chunk) * itemsize


def error_factor(m: int, channels: int) -> float:
    """Return how many roundings a number passes at the most: see contract.py.

    Each of B·d·Bᵀ, G·w·Gᵀ and A·s·Aᵀ passes, along both axes, as many as its longest row has entries, and one more where an entry is
    itself rounded, as those of G are; then come a product, a sum over the channels, and the bias.
    """
    longest = sum(int((matrix[m] != 0).sum(axis=1).max()) for matrix in (A, B, G))
    return 2.0 * (longest + 1) + 1 + channels + 1


def error_scale(m: int, x: np.ndarray, weight: np.ndarray, window) -> np.ndarray:
    """Return Σ_c |A|·[(|G|·|w|·|Gᵀ|) ⊙ (|B|·|x|·|Bᵀ|)]·|Aᵀ| for every output: what its roundings are relative to.

    x and weight are absolute values in float64; the tiles are those of `run`.
    """
    window = window.resolve(x.shape[2:])
    (top, _), (left, _) = window.padding
    P, Q = window.output_size(x.shape[2:])
    high, wide = -(-P // m), -(-Q // m)
    N, C, H, W = x.shape
    room = np.zeros((N, C, max(high * m + 2, top + H), max(wide * m + 2, left + W)))
    room[:, :, top : top + H, left : left + W] = x
    points = np.lib.stride_tricks.sliding_window_view(room, (m + 2, m + 2), axis=(2, 3))[:, :, ::m, ::m][:, :, :high, :wide]
    a, b, g = np.abs(A[m]), np.abs(B[m]), np.abs(G[m])
    brought = b @ points @ b.T  # (N, C, high, wide, m + 2, m + 2)
    sums = np.einsum("ncyxij,kcij->nkyxij", brought, g @ weight @ g.T)
    taken = a @ sums @ a.T
    return taken.transpose(0, 1, 2, 4, 3, 5).reshape(N, len(weight), high * m, wide * m)[:, :, :P, :Q]


def lost_to_underflow(m: int, x: np.ndarray, weight: np.ndarray) -> float:
    """Return how many of the smallest numbers an output may lose, where sums or products of the three steps underflow.

    A loss in B·x·Bᵀ meets the largest transformed weight of each channel, one in G·w·Gᵀ the largest input; each of a tile's points
    reaches an output by A's entries.
    """
    a, b, g = (np.abs(matrix[m]) for matrix in (A, B, G))
    reach, channels = a.sum(axis=1).max() ** 2, weight.shape[1]
    in_x, in_w = x.max(initial=0) * b.sum(axis=1).max() ** 2, weight.max(initial=0) * g.sum(axis=1).max() ** 2
    return float(reach * channels * (2 + 10 * in_w + in_x) + 10)
