"""Memory between guards: a read or a write past an array's end, or before its begin, ends the process.

    python protected_memory.py gemm        runs gemm with every array that NumPy makes against a page that may not be touched

Each array is placed twice: so that its last number lies before such a page, and so that its first lies behind one.  What
np.empty hands out is filled with NaN, since nobody may read it before it is written.  test_memory.py runs this
file in a process of its own, which prints each case before it runs it.  (Numba's own arrays are not NumPy's: kernels make none.)
"""

import ctypes
import mmap
import os
import sys

import numpy as np

PAGE = mmap.PAGESIZE


def supported() -> bool:
    return sys.platform.startswith(("linux", "darwin"))


def protect(address: int) -> None:
    """Forbid one page."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    if libc.mprotect(address, PAGE, 0):  # PROT_NONE
        raise OSError(ctypes.get_errno(), "mprotect")


def guarded(shape, dtype, side: str) -> np.ndarray:
    """Return an array that ends before a protected page (side 'end') or starts behind one ('begin'); it is filled with NaN."""
    dtype = np.dtype(dtype)
    nbytes = int(np.prod(shape)) * dtype.itemsize
    pages = -(-max(nbytes, 1) // PAGE)
    memory = mmap.mmap(-1, (pages + 2) * PAGE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    protect(start)
    protect(start + (pages + 1) * PAGE)
    room = np.frombuffer(memory, np.uint8)[PAGE : PAGE + pages * PAGE]
    room = room[-nbytes:] if side == "end" and nbytes else room[:nbytes]
    array = room.view(dtype).reshape(shape)
    array[...] = np.nan if dtype.kind == "f" else np.iinfo(dtype).max
    return array


def copied(array, side: str):
    if array is None:
        return None
    copy = guarded(array.shape, array.dtype, side)
    copy[...] = array
    return copy


def run_guarded(name: str, case, activation, side: str) -> np.ndarray:
    """Run a case with guards around x, weight, bias and every array that the algorithm makes."""
    from wide_shapes import Case, computed

    import minicnn.conv.algorithm as algorithm

    empty, zeros, scratch = np.empty, np.zeros, algorithm.scratch
    modules = [module for module in sys.modules.values() if getattr(module, "scratch", None) is scratch]

    def guarded_zeros(shape, dtype=float):
        array = guarded(shape, dtype, side)
        array[...] = 0
        return array

    np.empty, np.zeros = (lambda shape, dtype=float: guarded(shape, dtype, side)), guarded_zeros
    for module in modules:  # no number more than was asked for
        module.scratch = lambda workers, numbers: guarded(workers * numbers, np.float32, side)
    try:
        guarded_case = Case(*(copied(array, side) for array in case.arrays), case.arguments)
        return computed(name, guarded_case, activation).copy()
    finally:
        np.empty, np.zeros = empty, zeros
        for module in modules:
            module.scratch = scratch


def main(name: str) -> None:
    from wide_shapes import computed, ragged

    for case in ragged(name):
        for activation in (None, "relu6"):
            expected = computed(name, case, activation)  # and compiled, since Numba must not meet another np.empty
            for side in ("end", "begin"):
                print(f"{side} of {case.x.shape} under {case.weight.shape}, {case.arguments}, {activation}", flush=True)
                y = run_guarded(name, case, activation, side)
                if not np.array_equal(y, expected):
                    print("differs:", np.argwhere(y != expected)[0], y[y != expected][:4], "for", expected[y != expected][:4], flush=True)
                    os._exit(1)
    print("sound", flush=True)
    os._exit(0)  # the arrays' pages are let go with the process


if __name__ == "__main__":
    main(sys.argv[1])
