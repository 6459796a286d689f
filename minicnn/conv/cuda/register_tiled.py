"""Rung 4, register_tiled: the product of matrices that the GPU is built for.

    block: 128 filters × 128 pixels (or 64 × 128, 32 × 64), 8 taps at a time;   thread: 8 × 8 outputs in registers (or 4 × 8)

Idea: the tiled rung waits for shared memory, two loads for every multiplication.  A thread that has 64 outputs loads 8 weights and 8 numbers of X,
four by four, and multiplies each by each: 4 loads for 64 multiplications.  The kernel is product.py's; this file says where X comes from: each
thread looks up what one pixel sees (implicit.py), so that the threads of a warp read neighbours.

Memory traffic per output: T·(1/128 + 1/128) numbers from global memory, T = C/G·R·S, an eighth of the tiled rung's; T/4 from shared memory.
Arithmetic intensity: 2 flop for 4/64 bytes, 32 flop/byte of global memory, where an H100 wants about 20 of fp32; 2 flop/byte of shared memory.
Occupancy, sm_90: 127 registers a thread and 16 KiB a block of 256: 2 blocks, 16 warps of 64, a quarter; 157 and 12 KiB for the tile of 64 × 128: 12
warps; 96 and 6 KiB for that of 32 × 64: 20.  A quarter is enough: each thread has 64 sums that do not wait for each other (Volkov 2010).
What limits it: the instructions beside the multiplications.  Of some 640 in the loop over the taps 512 multiply, 32 load from shared memory; looking
up four numbers costs most of the others.  That is at best 0.8 of the peak, 0.7 for the tile of 64 × 128.
When it loses: few filters a group; fewer blocks than multiprocessors (small maps of small batches: T is not split among blocks); 1×1 kernels,
whose numbers lie side by side and need no looking up (pointwise.py).
Source: NVIDIA, "CUTLASS: Fast Linear Algebra in CUDA C++" (2017); Chetlur et al., "cuDNN" (2014), section 3.  Next room: pointwise.py.
"""

from minicnn.conv.cuda import implicit, product
from minicnn.conv.cuda.family import error_factor, why_not, workspace_bytes
from minicnn.conv.cuda.implicit import seen
from minicnn.conv.cuda.kernel import word
from minicnn.conv.cuda.product import TILES, multiply

__all__ = ["error_factor", "prepare", "run", "why_not", "workspace_bytes"]


@word
def look_up(x, taps, t, terms, first, h0, w0, H, W, numbers, at):
    """Fetch what the thread's pixel sees at tap t."""
    numbers[at] = seen(x, taps, t, first, h0, w0, H, W)


KERNELS = {tile: multiply(tile, look_up, 1) for tile in TILES}


def launch(x, prepared, bias, kind, cap, y, tile=None) -> None:
    """Run it on device arrays."""
    product.launch(KERNELS, x, prepared, bias, kind, cap, y, tile)


def prepare(weight, window, groups: int = 1):
    return implicit.prepare(weight, window, groups, packed=True)


def run(x, prepared, bias=None, activation=None):
    return implicit.run(x, prepared, bias, activation, launch)
