"""Which question: what if two Python threads, or a forked child, reach a parallel kernel?

Idea: Numba's `workqueue` layer aborts the process when two threads enter parallel regions at once,
and GNU OpenMP ends a forked child that enters one after its parent did.  So regions are entered one
at a time, and a child of a process that had entered one runs the kernel's serial twin.  The blocks
of a kernel depend on shapes only, so both twins give the same bits.

GNU OpenMP's threads moreover spin for milliseconds after a region, in case another follows, and starve
NumPy's BLAS meanwhile: a network that alternates between the two ran three times slower.  Threads that
sleep at once must be woken for every region, which takes longer than a small one does.  So they are asked
to spin for a moment (GOMP_SPINCOUNT) and then to sleep, while the layer is loaded, unless the user has
said otherwise; the environment is put back as it was.

Cost: one uncontended lock, below a microsecond a call.
Source: Numba's documentation, "The Threading Layers" (thread and fork safety); libgomp's manual.
"""

import os
import sys
import threading

USERS = {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"}  # where one of them is set, the user has said
SPINS = "30000"  # about half a millisecond: the next layer finds them awake, and a product of BLAS waits no longer


WORTH_WAKING = 1 << 20  # products: one core is done with them before the others are awake


def workers_for(products: int) -> int:
    """Return among how many threads a sum of so many products is shared out: one, or all that Numba may use."""
    if products < WORTH_WAKING:
        return 1
    import numba

    return 1 if numba.config.DISABLE_JIT else numba.get_num_threads()


class _Regions:
    def __init__(self):
        self.lock = threading.RLock()
        self.entered = False  # threads exist in this process
        self.inherited = False  # they existed in our parent when it forked, and not here

    def after_fork(self):
        self.lock = threading.RLock()  # the parent's may be held by a thread that is not here
        numba_threads = getattr(sys.modules.get("numba.np.ufunc.parallel"), "_is_initialized", False)  # of the user's own kernels
        self.inherited = self.inherited or self.entered or bool(numba_threads)
        self.entered = False


_regions = _Regions()
if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(after_in_child=_regions.after_fork)


class parallel_region:
    """Hold the one parallel region of this process; gives whether threads may be used in it."""

    def __enter__(self) -> bool:
        self.lock = _regions.lock
        self.lock.acquire()
        try:
            if not _regions.inherited and not _regions.entered:
                _launch_patient_threads()
                _regions.entered = True
        except BaseException:
            self.lock.release()
            raise
        return not _regions.inherited

    def __exit__(self, *_) -> None:
        self.lock.release()


def _launch_patient_threads() -> None:
    """Load Numba's threading layer, whose OpenMP reads its policy from the environment as it loads."""
    import numba

    if numba.config.DISABLE_JIT:
        return
    ours = {} if USERS.intersection(os.environ) else {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": SPINS}
    os.environ.update(ours)
    try:
        numba.set_num_threads(numba.get_num_threads())  # either of them launches the threads
    finally:
        for name in ours:
            del os.environ[name]
