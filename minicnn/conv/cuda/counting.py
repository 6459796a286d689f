"""Which question: how often does each thread of a rung read and write memory, and how many transactions does that make?

    count("cuda_naive", x, weight)     conv2d in the simulator, with every access of every kernel written down: an Accesses

Idea: while it counts, kernels are given arrays that note who touches which byte, and cuda.shared.array returns such arrays too; kernels are not
edited.  Numbers in registers (local arrays, scalars) are not memory.  A load of words.load4 is one instruction of four numbers.

What is prepared once per layer (packed weights, tables of taps) is not counted; what reads it is.

Cost: some microseconds for every access of every thread: 10⁵ to 10⁶ of them in a lesson.  What it does not do: measure time; count bank conflicts.
Source: the simulator of Numba, numba/cuda/simulator.  Next rooms: accesses.py; show/memory_traffic.py.
"""

import contextlib
import inspect
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from math import prod

import numpy as np

from minicnn import check
from minicnn.conv.cuda import words
from minicnn.conv.cuda.accesses import FIELDS, Accesses, Array, Launch, linear
from minicnn.conv.cuda.device import SIMULATOR, simulated
from minicnn.errors import UnknownNameError, UnsupportedError, nearest
from minicnn.window import Window

__all__ = ["Accesses", "Launch", "count", "counting"]

VECTORS = ("load4", "store4")  # of words.py


def count(algorithm: str, x, weight, bias=None, stride=1, padding=0, dilation=1, groups: int = 1) -> Accesses:
    """Return what a rung of the ladder reads and writes for one convolution, thread by thread, in the simulator.

    algorithm : 'cuda_naive', … (conv/gallery.py, LADDER)     x, weight, bias, … : as conv2d takes them, NumPy float32, small

    Where no tap lies in the padding, naive reads 2·(C/G)·R·S numbers and the bias for each number of y.

    >>> import numpy as np
    >>> x, weight = np.ones((1, 1, 3, 4), np.float32), np.ones((1, 1, 2, 2), np.float32)
    >>> print(count("cuda_naive", x, weight))  # doctest: +SKIP
    cuda_naive, per output: global reads 9, global writes 1, shared reads 0, shared writes 0; 1.2 sectors a request, 0.2 flop per byte asked, 0.125 per byte moved

    Raises UnsupportedError outside the simulator, and what conv2d raises.  Source: as in the room card.
    """
    if not simulated():
        raise UnsupportedError(
            f"count: accesses are counted where kernels run as Python, in Numba's simulator, but {SIMULATOR} is not set; "
            "set it before Python starts. On a GPU, Nsight Compute counts."
        )
    x, prepared, bias, module = _ready(algorithm, x, weight, bias, stride, padding, dilation, groups)
    with counting() as launches:
        y = module.run(x, prepared, bias)
    return Accesses(algorithm, y, y.size * prod(prepared.shape[1:]), tuple(launches))


def _ready(algorithm: str, x, weight, bias, stride, padding, dilation, groups):
    """Return conv2d's arguments, checked, with the weight prepared: that is done once per layer, and not counted."""
    from minicnn.conv.gallery import LADDER, check_groups, check_weight, load_algorithm, refuse_unfit

    if algorithm not in LADDER:
        raise UnknownNameError(f"count: algorithm is a rung of the ladder, but it is {algorithm!r}.{nearest(str(algorithm), LADDER)}")
    x, _ = check.image_batch(x, "count")
    weight, bias = check_weight(weight, bias, "count")
    check.same_dtype("count", x=x, weight=weight, bias=bias)
    groups = check_groups(groups, weight, "count")
    check.wants_channels("count", x, weight.shape[1] * groups)
    window = Window.of(weight.shape[2:], stride, padding, dilation, what="count")
    refuse_unfit(algorithm, x.shape, weight.shape, window, x.dtype)
    module = load_algorithm(algorithm)
    zeros = np.zeros(len(weight), np.float32)  # or a kernel would run to make them
    return x, module.prepare(weight, window, groups), zeros if bias is None else bias, module


# ── while it counts ──


@contextlib.contextmanager
def counting() -> Iterator[list[Launch]]:
    """Have the simulator's kernels hold arrays that count, and put everything back whatever happens; yields the launches so far."""
    from numba.cuda.simulator import kernel, kernelapi

    launches: list[Launch] = []
    called, shared, given = kernel.FakeCUDAKernel.__call__, kernelapi.FakeCUDAShared.array, kernel.FakeWithinKernelCUDAArray
    current: list[_Notes] = []

    def call(fake, *arguments):
        if fake._device:
            return called(fake, *arguments)
        notes = _Notes(fake.fn, fake.grid_dim, fake.block_dim, arguments)
        current[:] = [notes]
        called(fake, *arguments)
        launches.append(notes.launch())

    def array(fake, shape, dtype):
        frame = sys._getframe(1)
        place = (frame.f_code.co_filename, frame.f_lineno)  # as the simulator tells them apart, without reading the source each time
        found = fake._allocations.get(place)
        if found is None:
            fresh = current[0].counted(np.empty(shape, _numpy_type(dtype)), f"shared, line {frame.f_lineno}", shared=True)
            found = fake._allocations.setdefault(place, fresh)
        return found

    kernel.FakeCUDAKernel.__call__, kernelapi.FakeCUDAShared.array = call, array
    kernel.FakeWithinKernelCUDAArray = lambda fake: current[0].argument(fake._ary)
    try:
        yield launches
    finally:
        kernel.FakeCUDAKernel.__call__, kernelapi.FakeCUDAShared.array = called, shared
        kernel.FakeWithinKernelCUDAArray = given


def _numpy_type(dtype):
    from numba.core import types
    from numba.np import numpy_support

    return numpy_support.as_dtype(dtype) if isinstance(dtype, types.Type) else dtype


class _Notes:
    """What the threads of one kernel touched so far; each thread writes to a list of its own."""

    def __init__(self, function, blocks, threads, arguments):
        self.kernel, self.blocks, self.threads = function.__name__, _three(blocks), _three(threads)
        names = inspect.signature(function).parameters
        self.names = iter([name for name, given in zip(names, arguments, strict=True) if getattr(given, "ndim", 0)])
        self.arrays: list[Array] = []
        self.lists: list[tuple[int, list]] = []

    def argument(self, data: np.ndarray) -> "_Counted":
        return self.counted(data, next(self.names), shared=False)

    def counted(self, data: np.ndarray, name: str, shared: bool) -> "_Counted":
        self.arrays.append(Array(name, shared, data.itemsize))
        return _Counted(data, len(self.arrays) - 1, self)

    def mine(self) -> list:
        """Return the list of the thread that asks."""
        thread = threading.current_thread()
        found = thread.__dict__.get("accesses")
        if found is None:
            found = thread.accesses = []
            self.lists.append((linear(tuple(thread.blockIdx), self.blocks) * prod(self.threads) + thread.thread_id, found))
        return found

    def launch(self) -> Launch:
        places: dict[tuple, int] = {}
        rows = []
        for number, accesses in sorted(self.lists, key=lambda each: each[0]):
            turns: Counter = Counter()
            for array, write, place, offset, size in accesses:
                key = (array, write, place)
                rows.append((number, array, write, places.setdefault(place, len(places)), turns[key], offset, size))
                turns[key] += 1
        return Launch(self.kernel, self.blocks, self.threads, tuple(self.arrays), np.array(rows, FIELDS))


class _Counted:
    """An array as kernels use it, number by number, that notes who does."""

    def __init__(self, data: np.ndarray, number: int, notes: _Notes):
        self.data, self.number, self.notes = data, number, notes
        self.shape, self.size, self.ndim, self.dtype = data.shape, data.size, data.ndim, data.dtype

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index):
        self._note(index, False)
        return self.data[index]

    def __setitem__(self, index, value) -> None:
        self._note(index, True)
        self.data[index] = value

    def _note(self, index, write: bool) -> None:
        frame, numbers = sys._getframe(2), 1
        if frame.f_code.co_filename == words.__file__:  # a word of the language: the place is where it stands
            if frame.f_code.co_name in VECTORS:
                if index != frame.f_locals["i"]:
                    return  # the other three came with the first
                numbers = 4
            frame = frame.f_back
        offset = linear(index[::-1], self.shape[::-1]) if isinstance(index, tuple) else int(index)
        size = self.data.itemsize
        self.notes.mine().append((self.number, write, (frame.f_code, frame.f_lineno), offset * size, numbers * size))


def _three(sizes) -> tuple[int, int, int]:
    return (*sizes, 1, 1)[:3]
