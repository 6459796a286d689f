"""How many bytes does a forward pass allocate, weights excluded?

Idea: each side is asked by its own book-keeper.  Ours: tracemalloc, to which NumPy tells every array; the most that was held at
once above what was held before.  PyTorch: the memory events of its profiler, whose running sum has a largest value,
too.  Both have run before, so weights and what was prepared of them do not count.
What it does not see: scratch of compiled kernels (Numba's own allocator; by the rule of the house it fits in the L2
cache) and oneDNN's scratchpads outside PyTorch's allocator.  ONNX Runtime has no such book.
Source: Python's documentation, "tracemalloc"; PyTorch's documentation, "profiler", profile_memory.
Next room: net.py.
"""

import contextlib
import os
import sys
import tracemalloc
from collections.abc import Callable, Iterator

Call = Callable[[], object]


def allocated(calls: dict[str, Call]) -> dict[str, int]:
    """Return the largest number of bytes that each call held at once, its result included."""
    return {name: (_ours if name == "minicnn" else _torchs)(call) for name, call in calls.items()}


def _ours(call: Call) -> int:
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        call()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def _torchs(call: Call) -> int:
    from torch.profiler import ProfilerActivity, profile

    with _silent(), profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        call()
    held = most = 0
    events = [event for event in seen.profiler.kineto_results.events() if event.name() == "[memory]"]
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        most = max(most, held)
    return most


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep what the profiler's C++ writes to standard error, as it starts and stops, off the terminal."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def sentence(found: dict[str, int]) -> str:
    """Return the figures in words.

    >>> sentence({"minicnn": 10_000_000, "torch": 20_000_000})
    'ours 10.0 MB at the peak; torch 20.0 MB, ours / theirs 0.50'
    """
    own = found["minicnn"]
    others = [f"{name} {size / 1e6:.1f} MB, ours / theirs {own / size:.2f}" for name, size in found.items() if name != "minicnn" and size]
    return "; ".join([f"ours {own / 1e6:.1f} MB at the peak", *others])
