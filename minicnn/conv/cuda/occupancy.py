"""Which question: how many threads does a multiprocessor hold at once?

    warps in flight = (blocks that fit) · (warps of a block)
    blocks that fit = min(by registers, by shared memory, by warps, by blocks)

Idea: a multiprocessor hides the wait for memory by switching to another warp, so it wants many; registers and shared memory that one block takes
are not there for the next.  What limits a kernel is the smallest of four quotients, each rounded as the hardware hands things out: registers
per warp in steps of 256, and from a quarter of the file each (there are four schedulers).

Cost: whole numbers.  What it does not do: say how fast a kernel is.  A kernel with eight independent sums a thread hides the wait by itself and
is fast at a quarter of full occupancy (Volkov 2010).
Source: NVIDIA, "CUDA C++ Programming Guide", table of technical specifications per compute capability; cuda_occupancy.h of the CUDA toolkit.
Volkov, "Better Performance at Lower Occupancy" (GTC 2010).  Next room: register_tiled.py.
"""

from typing import NamedTuple

from minicnn.errors import ArgumentError


class Limits(NamedTuple):
    """What one multiprocessor has, by compute capability."""

    warps: int
    blocks: int
    shared: int  # bytes
    reserved: int  # bytes of shared memory that the system takes from each block
    step: int  # bytes in which shared memory is handed out


LIMITS = {
    (7, 5): Limits(32, 16, 64 << 10, 0, 256),
    (8, 0): Limits(64, 32, 164 << 10, 1 << 10, 128),
    (9, 0): Limits(64, 32, 228 << 10, 1 << 10, 128),
}
REGISTERS = 1 << 16  # of a multiprocessor, 32 bits each, in all three
SCHEDULERS = 4
REGISTER_STEP = 256  # per warp


class Occupancy(NamedTuple):
    """Blocks and warps that one multiprocessor holds, the share of the warps it could hold, and what is used up first."""

    blocks: int
    warps: int
    share: float
    limit: str


def occupancy(registers: int, shared_bytes: int, threads: int, capability: tuple[int, int] = (9, 0)) -> Occupancy:
    """Return how many blocks and warps of a kernel one multiprocessor holds.

    registers : per thread, as ptxas says; shared_bytes : per block; threads : per block
    capability : (7, 5), (8, 0) or (9, 0)

    128 registers are 4096 for a warp; a scheduler's 16384 hold 4 such warps, four schedulers 16, which is 2 blocks of 8:

    >>> occupancy(128, 16384, 256, (9, 0))
    Occupancy(blocks=2, warps=16, share=0.25, limit='registers')

    Raises ArgumentError for a capability without a row in the table.
    Source: "CUDA C++ Programming Guide", technical specifications; cuda_occupancy.h.
    """
    if capability not in LIMITS:
        raise ArgumentError(f"occupancy: capability must be one of {', '.join(map(str, LIMITS))}, but it is {capability!r}.")
    limits, warps = LIMITS[capability], -(-threads // 32)
    of_a_warp = _up(max(registers, 1) * 32, REGISTER_STEP)
    fit = {
        "registers": REGISTERS // SCHEDULERS // of_a_warp * SCHEDULERS // warps,
        "shared memory": limits.shared // max(_up(shared_bytes + limits.reserved, limits.step), 1),
        "warps": limits.warps // warps,
        "blocks": limits.blocks,
    }
    limit = min(fit, key=fit.get)
    return Occupancy(fit[limit], fit[limit] * warps, fit[limit] * warps / limits.warps, limit)


def _up(number: int, step: int) -> int:
    return -(-number // step) * step
