"""Which question: how is a long list of orders worked off on all cores, without one of them taking the others along?

Idea: a few processes take one order after the other.  One that dies loses its order and those that stood in line, which are handed
back; Ctrl-C lets those in hand be finished; processes whose parent is gone end by themselves.

Cost: a second or two for each process's imports.  What it does not do: say why one died; try again (classroom.py).
Source: the documentation of concurrent.futures and multiprocessing.  Next room: classroom.py.
"""

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMBA_NUM_THREADS")
FOLDERS = ("TMPDIR", "TEMP", "TMP")


def in_processes(work: Callable, orders: Sequence, workers: int, done: Callable) -> list:
    """Call work(order) in one of `workers` processes and then done(order) in this one; return the orders lost with a process, in line.

    Raises what `work` raises, when those in hand are finished.
    """
    lost = set()
    spawn = multiprocessing.get_context("spawn")  # a fork would copy the threads of the progress bar
    with _surroundings(), ProcessPoolExecutor(workers, mp_context=spawn, initializer=_settle) as pool:
        futures = {pool.submit(work, order): place for place, order in enumerate(orders)}
        try:
            for future in as_completed(futures):
                try:
                    future.result()
                    done(orders[futures[future]])
                except BrokenProcessPool:
                    lost.add(futures[future])
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return [order for place, order in enumerate(orders) if place in lost]


def _settle() -> None:
    """In a new process: leave Ctrl-C to the parent, and end when it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def follow() -> None:
        multiprocessing.connection.wait([parent.sentinel])
        shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)  # _surroundings made it, and cannot take it away any more
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


@contextlib.contextmanager
def _surroundings() -> Iterator[None]:
    """Give the processes that are started meanwhile one thread each, and a temporary folder that goes when they go, however they end."""
    folder = tempfile.mkdtemp(prefix="minicnn-class-")
    os.chmod(folder, 0o711)  # a runner's user passes through
    changes = dict.fromkeys(THREADS, "1") | dict.fromkeys(FOLDERS, folder)
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            os.environ.update({} if value is None else {name: value})
        shutil.rmtree(folder, ignore_errors=True)
