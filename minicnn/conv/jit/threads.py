"""Which question: what if two Python threads, or a forked child, reach a parallel kernel?

Idea: Numba's `workqueue` layer aborts the process when two threads enter parallel regions at once,
and GNU OpenMP ends a forked child that enters one after its parent did.  So regions are entered one
at a time, and a child of a process that had entered one runs the kernel's serial twin.  The blocks
of a kernel depend on shapes only, so both twins give the same bits.

Cost: one uncontended lock, about 0.2 µs a call.
Source: Numba's documentation, "The Threading Layers" (thread and fork safety).
"""

import contextlib
import os
import threading
from collections.abc import Iterator


class _Regions:
    def __init__(self):
        self.lock = threading.RLock()
        self.entered = False  # threads exist in this process
        self.inherited = False  # they existed in our parent when it forked, and not here

    def after_fork(self):
        self.lock = threading.RLock()  # the parent's may be held by a thread that is not here
        self.inherited = self.inherited or self.entered
        self.entered = False


_regions = _Regions()
if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(after_in_child=_regions.after_fork)


@contextlib.contextmanager
def parallel_region() -> Iterator[bool]:
    """Hold the one parallel region of this process; yields whether threads may be used in it."""
    with _regions.lock:
        if not _regions.inherited:
            _regions.entered = True
        yield not _regions.inherited
