"""Which question: what does @jit add to numba.njit?

Idea: the options are the same for every kernel, the disk cache is ours (cache.py), and a parallel
kernel is wrapped so that regions are entered one at a time and a forked child runs serially
(threads.py).  NUMBA_DISABLE_JIT=1 turns every kernel back into the Python function that it is.

fastmath is off unless a kernel asks: it would let the compiler drop NaNs and reorder sums.
Next room: cache.py.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator

import numba
from numba import prange, types
from numba.core import event

from minicnn.conv.jit.cache import attach_cache
from minicnn.conv.jit.threads import parallel_region

__all__ = ["KERNELS", "compiling", "jit", "prange"]

KERNELS: list[Callable] = []  # every kernel that was defined, for the tests that look into each


def jit(
    function: Callable | None = None,
    *,
    parallel: bool = False,
    worker: Callable | None = None,
    inlined: bool = False,
    allocates: bool = True,
    fastmath: frozenset[str] | set[str] = frozenset(),
):
    """Compile a kernel on its first call, or load it from disk.

    `allocates=False` is for hot kernels that make no arrays: else Numba counts the references to every array, and a
    counter touched in a loop sends all vector registers through memory.
    `worker` is the kernel that a parallel one calls for each worker: kernel(workers, …) does worker(0, workers, …) to
    worker(workers - 1, workers, …).  On one core it is called in its place, which spares compiling the whole a second time.
    `inlined` is for small helpers that take or return vectors: a call would send every register through memory.
    `fastmath` names the liberties that LLVM may take with this kernel alone, and the kernel says why it may.

    >>> @jit
    ... def double(n):
    ...     return 2 * n
    >>> double.py_func(21)
    42
    """
    if function is None:
        return lambda function: jit(function, parallel=parallel, worker=worker, inlined=inlined, allocates=allocates, fastmath=fastmath)
    options = {"inlined": inlined, "allocates": allocates, "fastmath": fastmath}
    kernel = ParallelKernel(function, allocates, worker) if parallel else _dispatcher(function, parallel=False, **options)
    KERNELS.append(kernel)
    return kernel


def _dispatcher(function: Callable, *, parallel: bool, inlined: bool = False, allocates: bool = True, fastmath=frozenset()) -> Callable:
    if numba.config.DISABLE_JIT:
        return _Interpreted(function)
    settings = {"nogil": True, "error_model": "numpy", "boundscheck": False, "forceinline": inlined, "_nrt": allocates or parallel}
    dispatcher = numba.njit(function, parallel=parallel, fastmath=set(fastmath), **settings)
    attach_cache(dispatcher, "parallel" if parallel else "serial")
    return dispatcher


class _Interpreted:
    """A kernel with the JIT off: the Python function, under the same names."""

    def __init__(self, function: Callable):
        self.py_func = function
        self.__name__ = function.__name__
        self.__doc__ = function.__doc__

    def __call__(self, *args):
        return self.py_func(*args)


class ParallelKernel:
    """A kernel with prange: compiled for all cores, and for one where threads cannot be entered."""

    def __init__(self, function: Callable, allocates: bool, worker: Callable | None = None):
        self.py_func = function
        self.__name__ = function.__name__
        self.__doc__ = function.__doc__
        self._parallel = _dispatcher(function, parallel=True)
        self._launched = None if worker is None or numba.config.DISABLE_JIT else _Launched(worker)
        self._worker = worker
        self._serial = _dispatcher(function, parallel=False, allocates=allocates) if worker is None else worker

    def __call__(self, *args):
        with parallel_region() as may_enter:
            if not may_enter:
                return self.alone(*args)
            try:
                return self._parallel(*args) if self._launched is None else self._launched(*args)
            except _OtherTypes:
                return self._parallel(*args)

    def alone(self, *args):
        """Run on this core: for work that is done before the others would be awake (same bits)."""
        if self._worker is None:
            return self._serial(*args)
        for worker in range(args[0]):
            self._worker(worker, *args)
        return None


class _OtherTypes(Exception):
    """A kernel that is launched by its address was called with arguments of other types than the first time."""


@functools.cache
def _loop() -> int:
    """Return the address of the one parallel loop."""
    from minicnn.conv.jit.launch import THREE, address_of, loop

    compiled = numba.njit(loop, parallel=True, nogil=True, error_model="numpy")
    attach_cache(compiled, "loop")
    compiled.compile(THREE)
    _KEPT.append(compiled)
    return address_of(compiled, THREE)


_KEPT: list[Callable] = []  # what machine code that is called by its address belongs to


class _Launched:
    """A worker on all cores by way of its address: launch.py."""

    def __init__(self, worker: Callable):
        from minicnn.conv.jit.launch import start

        self.worker, self.types, self.loop, self.address = worker, None, 0, 0
        self.start = numba.njit(start, nogil=True, error_model="numpy")
        attach_cache(self.start, "start")
        self.compile, self.start.compile = self.start.compile, self._for_these_types_alone

    def __call__(self, workers, *args):
        if self.types is None:
            self._prepare(args)
        self.start(self.loop, self.address, workers, *args)

    def _prepare(self, args) -> None:
        from minicnn.conv.jit import launch

        kinds = types.int64, types.int64, *map(numba.typeof, args)
        self.worker.compile(kinds)
        try:
            self.loop, self.address, self.types = _loop(), launch.address_of(self.worker, kinds), kinds[2:]
            self.start.compile((*launch.THREE, numba.typeof(args)))
        except Exception as error:  # a Numba whose insides have moved: nothing is launched by address from now on
            self.types = ()
            raise _OtherTypes from error

    def _for_these_types_alone(self, signature):
        """Compile the start, which Numba asks for where arguments of these types are met for the first time."""
        if tuple(signature[3]) != self.types:
            raise _OtherTypes
        return self.compile(signature)


@contextlib.contextmanager
def compiling(callback: Callable[[str], None]) -> Iterator[None]:
    """Call `callback(kernel_name)` each time a kernel starts to be compiled inside the block.

    What is on disk already is loaded, not compiled, and is not told of.

    >>> with compiling(lambda name: None):
    ...     pass                       # a first conv2d here would tell of its kernels

    Source: numba.core.event, "numba:compile".
    """

    class Listener(event.Listener):
        def on_start(self, started):
            callback(started.data["dispatcher"].py_func.__name__)

        def on_end(self, ended):
            pass

    with event.install_listener("numba:compile", Listener()):
        yield
