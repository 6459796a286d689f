"""Which question: how does a Python loop become machine code, and stay safe where students run it?

    @jit                  a kernel, also callable from other kernels
    @jit(parallel=True)   a kernel whose prange runs on all cores; callable from Python only
    compiling(callback)   tells when a kernel is being compiled (once per machine, then it is on disk)

A kernel is a module-level function of plain, contiguous arrays and ints, inputs locked and outputs
fresh, without checks and without globals that can change; `kernel.py_func` is the same function uncompiled.
Next rooms: cache.py (the disk), threads.py (regions and forks).
"""

from minicnn.conv.jit.cache import kernel_stamp
from minicnn.conv.jit.compile import KERNELS, compiling, jit, prange

__all__ = ["KERNELS", "compiling", "jit", "kernel_stamp", "prange"]
