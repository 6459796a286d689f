"""Which question: how does a Python function become a kernel, and what does it cost in registers?

    @kernel("f4[::1], f4[::1], i4")
    def double(x, y, numbers): …

    double(blocks, threads, x, y, n)     run it: compiled for the device at hand when it is first called
    double.ptx((9, 0))                   its PTX for a compute capability; no GPU is needed, only the toolkit

Idea: types stand beside the function, so that what is compiled is known before anything runs: one compilation, and whole numbers of 32 bits
on the way in.  A kernel is a plain Python function of flat arrays; `kernel.function` is what Numba's simulator runs.

Cost: about a second a kernel for the first call.  When it loses: other types than those named are an error, which is meant.
Source: CUDA C++ Programming Guide, sections on the execution model; NVIDIA, "PTX ISA".  Next room: words.py.
"""

import functools
import warnings
from collections.abc import Callable, Sequence
from types import SimpleNamespace

import numpy as np

from minicnn.conv.cuda.device import is_old_driver, is_plain, old_driver, simulated
from minicnn.errors import UnsupportedError

CAPABILITIES = ((7, 5), (8, 0), (9, 0))  # Turing, Ampere, Hopper: what every kernel must compile for


class Kernel:
    """A kernel and the types of its arguments."""

    def __init__(self, function: Callable, types: str, bounds: tuple[int, int] | None = None):
        functools.update_wrapper(self, function)
        self.function, self.types, self.bounds = function, types, bounds

    def __call__(self, blocks: int | tuple, threads: int | tuple, *arguments) -> None:
        """Run it on so many blocks of so many threads; whole numbers travel as 32 bits, others as float32."""
        if not simulated():
            return self._launch(blocks, threads)(*map(_narrow, arguments))
        with warnings.catch_warnings():  # in the simulator ∞ - ∞ is NumPy's, which would warn; a device does not
            warnings.filterwarnings("ignore", ".*invalid value encountered", RuntimeWarning)
            return self._compiled[blocks, threads](*map(_narrow, arguments))

    @functools.lru_cache(256)  # noqa: B019  kernels live as long as their files
    def _launch(self, blocks, threads):
        """Return what runs it on so many blocks and threads; that few blocks leave a device idle, Numba need not tell who asks for a small map."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*GPU under-utilization")
            return self._compiled[blocks, threads]

    @functools.cached_property
    def _compiled(self):
        from numba import cuda

        bounds = {} if self.bounds is None or simulated() else {"launch_bounds": self.bounds}
        try:
            return cuda.jit(self.signature, **bounds)(self.function)
        except Exception as error:  # a driver that does not know this PTX says so only now
            if is_old_driver(str(error)):
                raise UnsupportedError(f"cuda: {old_driver(str(error))}.") from None
            raise

    def ptx(self, capability: tuple[int, int]) -> str:
        """Return the kernel's PTX for a compute capability, such as (9, 0)."""
        from unittest import mock

        from numba import cuda
        from numba.cuda import dispatcher

        asked = SimpleNamespace(compute_capability=capability)  # words are compiled for the device at hand, and there may be none
        with mock.patch.object(dispatcher, "get_current_device", return_value=asked):
            return cuda.compile_ptx(self.function, self.signature, cc=capability, launch_bounds=self.bounds)[0]

    @property
    def signature(self) -> Sequence:
        """The types of the arguments, as Numba's."""
        from numba import float32, int32

        known = {"f4": float32, "i4": int32, "f4[::1]": float32[::1], "i4[::1]": int32[::1]}
        return tuple(known[name.strip()] for name in self.types.split(","))


def kernel(types: str, bounds: tuple[int, int] | None = None) -> Callable[[Callable], Kernel]:
    """Make a kernel of a function; types : 'f4[::1]', 'i4[::1]', 'f4' or 'i4' for each argument.

    bounds : threads of a block at the most, and blocks that a multiprocessor is to hold: the compiler then uses no more registers than
    that allows (CUDA's __launch_bounds__).
    """
    return lambda function: Kernel(function, types, bounds)


def _narrow(value):
    if isinstance(value, int | np.integer):
        return np.int32(value)
    return np.float32(value) if isinstance(value, float | np.floating) else value


def word(function: Callable) -> Callable:
    """Make a function one that kernels may call: compiled into each of them, and a plain function in the simulator."""
    if is_plain():
        return function
    from numba.cuda.extending import register_jitable

    return register_jitable(function)


def blocks_for(work: int, threads: int) -> int:
    """Return how many blocks of so many threads cover the work.

    >>> blocks_for(1000, 256)
    4
    """
    return -(-work // threads)
