"""Which question: what if two Python threads, or a forked child, reach a parallel kernel?

Idea: Numba's `workqueue` layer aborts the process when two threads enter parallel regions at once,
and GNU OpenMP ends a forked child that enters one after its parent did.  So regions are entered one
at a time, and a child of a process that had entered one runs the kernel's serial twin.  The blocks
of a kernel depend on shapes only, so both twins give the same bits.

GNU OpenMP's threads moreover spin for milliseconds after a region, in case another follows, and starve
NumPy's BLAS meanwhile: a network that alternates between the two ran three times slower.  They are
asked to sleep (OMP_WAIT_POLICY=passive) while the layer is loaded, unless the user has said otherwise;
the environment is put back as it was.

Cost: one uncontended lock, about 0.2 µs a call.
Source: Numba's documentation, "The Threading Layers" (thread and fork safety); libgomp's manual.
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
        if not _regions.inherited and not _regions.entered:
            _launch_patient_threads()
            _regions.entered = True
        yield not _regions.inherited


def _launch_patient_threads() -> None:
    """Load Numba's threading layer, whose OpenMP reads its policy from the environment as it loads."""
    import numba

    if numba.config.DISABLE_JIT:
        return
    chosen = os.environ.get("OMP_WAIT_POLICY")
    os.environ["OMP_WAIT_POLICY"] = chosen or "passive"
    try:
        numba.set_num_threads(numba.get_num_threads())  # either of them launches the threads
    finally:
        if chosen is None:
            del os.environ["OMP_WAIT_POLICY"]
