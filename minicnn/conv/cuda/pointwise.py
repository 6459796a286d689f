"""Rung 5, pointwise: 1×1 kernels, the same product without windows.

    y[k, m] = act(b[k] + Σ_c  w[k, c] · x[n, g·C/G + c, m])          m a pixel of the map, which is one row: nothing has neighbours here

Idea: where every output sees one pixel, X is x as it stands: taps are channels, and four pixels next to each other are one load of 16 bytes
instead of four looked up one by one.  That holds for stride 1, no padding, maps of H·W divisible by 4, so that every channel begins at
a multiple of 16 bytes, and channels (of a group) divisible by 8, so that no tile has taps that are not there; the rest is register_tiled.py's, whose numbers are packed in the same way.

Memory traffic per output: C/G·(1/128 + 1/128) numbers, as register_tiled.py, with a quarter of the loads for x and no table of taps.
Arithmetic intensity: 32 flop/byte where there are 128 filters; but a 1×1 layer has few taps, and the outputs are written as well.
Occupancy, sm_90: 128 registers a thread and 16 KiB: 2 blocks of 256, 16 warps of 64; 133 and 12 KiB, 12 warps; 95 and 6 KiB, 20 warps.
What limits it: of some 580 instructions in the loop 512 multiply, 0.88 of the peak at best; below some 64 channels, the memory's speed.
When it loses: maps of 7×7 pixels, which four does not divide, and strides: looked up one by one.
Source: Lin, Chen, Yan, "Network In Network" (2014), section 3.1; CUTLASS (2017).  Next room: depthwise.py.
"""

from numba import int32

from minicnn.conv.cuda import family, implicit, product, register_tiled
from minicnn.conv.cuda.device import is_aligned
from minicnn.conv.cuda.family import error_factor, workspace_bytes
from minicnn.conv.cuda.kernel import word
from minicnn.conv.cuda.product import DEPTH, TILES, multiply
from minicnn.conv.cuda.words import load4

__all__ = ["error_factor", "prepare", "run", "why_not", "workspace_bytes"]


@word
def read_four(x, taps, t, terms, first, h0, w0, H, W, numbers, at):
    """Fetch four neighbours of channel t: a pixel is where it is in memory, and taps are channels; beyond the last pixel, the first four."""
    numbers[at], numbers[at + 1], numbers[at + 2], numbers[at + 3] = load4(x, int32(first + t * W + w0))


KERNELS = {tile: multiply(tile, read_four, 4) for tile in TILES}


def why_not(x_shape, w_shape, window, dtype) -> str | None:
    if not window.is_pointwise:
        return f"it is for 1×1 kernels, and this one is {window.kernel[0]}×{window.kernel[1]}"
    return family.why_not(x_shape, w_shape, window, dtype)


def by_fours(x, prepared) -> bool:
    """Whether four pixels next to each other are one load of 16 bytes."""
    whole = prepared.window.stride == (1, 1) and prepared.window.padding == family.NO_PADDING
    return whole and x.shape[2] * x.shape[3] % 4 == 0 and prepared.shape[1] % DEPTH == 0 and is_aligned(x)


def launch(x, prepared, bias, kind, cap, y, tile=None) -> None:
    """Run it on device arrays."""
    if not by_fours(x, prepared):
        return register_tiled.launch(x, prepared, bias, kind, cap, y, tile)
    N, C, H, W = x.shape
    x, y = x.reshape(N, C, 1, H * W), y.reshape(N, y.shape[1], 1, H * W)  # a map is one row: four pixels may lie across its ends
    return product.launch(KERNELS, x, prepared, bias, kind, cap, y, tile)


def prepare(weight, window, groups: int = 1):
    return implicit.prepare(weight, window, groups, packed=True)


def run(x, prepared, bias=None, activation=None):
    return implicit.run(x, prepared, bias, activation, launch)
