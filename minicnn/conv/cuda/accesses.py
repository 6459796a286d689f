"""Which question: what did the threads of a kernel touch, and what do these accesses add up to?

    launch.per_thread("global_reads")     a number for every thread          accesses.per_output("global_reads")     for every number of y
    launch.requests                       a row for every request            accesses.sectors_per_request            how scattered they are

A request is one instruction of a warp: the k-th access of one array by its 32 threads on one line of the code.  (Threads that skip a tap, at a
border, pass it less often, and are then taken together with their neighbours' next one: exact where a warp does not diverge, else near.)
Each array is taken to begin at a sector.  A request moves the distinct sectors of 32 bytes that its threads touch; caches are not modelled.

Idea: the log is one structured array; all that is said of it is counted from it.  Cost: a sort of the log.
What it does not do: count (counting.py); model caches, bank conflicts or time.
Source: NVIDIA, "CUDA C++ Best Practices Guide", section on coalesced access; Nsight Compute's documentation, "sectors per request".
Next room: counting.py.
"""

import functools
from dataclasses import dataclass
from math import prod

import numpy as np

__all__ = ["FIELDS", "KINDS", "SECTOR", "WARP", "Accesses", "Array", "Launch", "linear"]

SECTOR, WARP = 32, 32  # bytes, threads
KINDS = ("global_reads", "global_writes", "shared_reads", "shared_writes")
FIELDS = [("thread", "i8"), ("array", "i8"), ("write", "?"), ("place", "i8"), ("turn", "i8"), ("offset", "i8"), ("bytes", "i8")]


@dataclass(frozen=True, slots=True)
class Array:
    """An array that a kernel touched: its parameter's name, or the line that made it; whether it is shared; bytes of one number."""

    name: str
    shared: bool
    itemsize: int


@dataclass(frozen=True, eq=False)
class Launch:
    """One kernel that ran: its blocks and threads, and every access in `log`, a structured array (thread, array, write, place, turn, offset, bytes).

    `thread` is numbered through all blocks, x fastest; `place` numbers the lines of code, `turn` says how often that thread had passed there before.
    """

    kernel: str
    blocks: tuple[int, int, int]
    threads: tuple[int, int, int]
    arrays: tuple[Array, ...]
    log: np.ndarray

    def per_thread(self, kind: str, unit: str = "numbers") -> np.ndarray:
        """Return how much each thread touched, (blocks, threads in a block), both numbered with x fastest.

        kind : 'global_reads', 'global_writes', 'shared_reads' or 'shared_writes'     unit : 'numbers', 'bytes' or 'instructions'
        """
        rows = self.log[self._of(kind)]
        sizes = np.array([each.itemsize for each in self.arrays], np.int64)
        weights = {"numbers": rows["bytes"] // sizes[rows["array"]], "bytes": rows["bytes"], "instructions": np.ones(len(rows))}[unit]
        found = np.bincount(rows["thread"], weights, prod(self.blocks) * prod(self.threads)).astype(np.int64)
        return found.reshape(prod(self.blocks), prod(self.threads))

    def of_thread(self, block, thread) -> dict[str, int]:
        """Return the numbers that one thread touched, by kind; block and thread as blockIdx and threadIdx, or as one number."""
        at = linear(block, self.blocks), linear(thread, self.threads)
        return {kind: int(self.per_thread(kind)[at]) for kind in KINDS}

    @functools.cached_property
    def requests(self) -> np.ndarray:
        """The requests of warps to global memory: a structured array (warp, array, write, place, turn, lanes, sectors)."""
        rows = self.log[self._of("global_reads") | self._of("global_writes")]
        key = np.stack([self.warp_of(rows["thread"]), rows["array"], rows["write"], rows["place"], rows["turn"]], 1).astype(np.int64)
        requests, which, lanes = np.unique(key, axis=0, return_inverse=True, return_counts=True)
        pairs = np.unique(np.stack([which.reshape(-1), rows["offset"] // SECTOR], 1), axis=0)  # 16 bytes lie in one sector
        sectors = np.bincount(pairs[:, 0], minlength=len(requests))
        names = ("warp", "array", "write", "place", "turn", "lanes", "sectors")
        return np.rec.fromarrays([*requests.T, lanes, sectors], names=names)

    def warp_of(self, thread: np.ndarray) -> np.ndarray:
        """Return the number of a thread's warp, through all blocks."""
        each = prod(self.threads)
        return thread // each * -(-each // WARP) + thread % each // WARP

    def _of(self, kind: str) -> np.ndarray:
        shared = np.array([each.shared for each in self.arrays], bool)
        return (shared[self.log["array"]] == kind.startswith("shared")) & (self.log["write"] == kind.endswith("writes"))


@dataclass(frozen=True, eq=False)
class Accesses:
    """What a rung touched for one convolution: y, the equation's multiply-adds, and each kernel that ran."""

    algorithm: str
    y: np.ndarray
    multiply_adds: int
    launches: tuple[Launch, ...]

    def total(self, kind: str, unit: str = "numbers") -> int:
        """Return the sum over all threads of all kernels; kind and unit as in Launch.per_thread."""
        return sum(int(launch.per_thread(kind, unit).sum()) for launch in self.launches)

    def per_output(self, kind: str) -> float:
        """Return numbers touched for each number of y."""
        return self.total(kind) / self.y.size

    @property
    def bytes_asked(self) -> int:
        """Bytes that threads read from and write to global memory."""
        return self.total("global_reads", "bytes") + self.total("global_writes", "bytes")

    @property
    def sectors(self) -> int:
        """Sectors of 32 bytes that the requests of all warps need."""
        return sum(int(launch.requests.sectors.sum()) for launch in self.launches)

    @property
    def bytes_moved(self) -> int:
        return SECTOR * self.sectors

    @property
    def sectors_per_request(self) -> float:
        """1 to 4 where neighbours read neighbours (4: 32 different numbers, 16 for 32 vectors of four), 32 where each reads far away."""
        return self.sectors / max(sum(len(launch.requests) for launch in self.launches), 1)

    @property
    def intensity_asked(self) -> float:
        """Operations (two for a multiply-add) for each byte that threads ask for."""
        return 2 * self.multiply_adds / self.bytes_asked

    @property
    def intensity_moved(self) -> float:
        """Operations for each byte that sectors move, without caches."""
        return 2 * self.multiply_adds / self.bytes_moved

    def __str__(self) -> str:
        parts = [f"{kind.replace('_', ' ')} {self.per_output(kind):.4g}" for kind in KINDS]
        return (
            f"{self.algorithm}, per output: {', '.join(parts)}; {self.sectors_per_request:.3g} sectors a request, "
            f"{self.intensity_asked:.3g} flop per byte asked, {self.intensity_moved:.3g} per byte moved"
        )


def linear(index, sizes) -> int:
    """Return the number of an element, the first axis fastest; a number is one already."""
    if not isinstance(index, tuple):
        return int(index)
    found = 0
    for at, size in zip(reversed(index), reversed(sizes[: len(index)]), strict=True):
        found = found * size + int(at)
    return found
