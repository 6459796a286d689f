"""Kernels that all cores run by their address: the same numbers as alone, for any number of workers, and never for other types."""

import numba
import numpy as np
import pytest

from minicnn.conv.jit import jit, launch, prange
from minicnn.conv.jit.compile import ParallelKernel

pytestmark = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="the JIT is off: there are no addresses")


@jit(allocates=False)
def some(worker, workers, x, y, sizes, factor):
    first, step = sizes
    for i in range(first + worker, x.size, workers):
        y[i] = x[i] * factor + step


@jit(parallel=True, worker=some, allocates=False)
def every(workers, x, y, sizes, factor):
    for worker in prange(workers):
        some(worker, workers, x, y, sizes, factor)


def wanted(x, sizes, factor):
    y = np.zeros_like(x)
    y[sizes[0] :] = x[sizes[0] :] * factor + sizes[1]
    return y


@pytest.mark.parametrize("workers", [1, 2, 3, 7])
def test_every_worker_runs_once(workers):
    x = np.arange(101, dtype=np.float32)
    for kernel in (every, every.alone, every.py_func):
        y = np.zeros_like(x)
        kernel(workers, x, y, (3, 5), np.float32(2))
        np.testing.assert_array_equal(y, wanted(x, (3, 5), 2))


def test_arguments_are_those_of_the_call():
    """Nothing of one call is left for the next: other arrays, other numbers."""
    for size in (5, 1000, 17):
        for factor in (1, -3):
            x = np.random.default_rng(size).integers(-9, 10, size).astype(np.float32)
            y = np.zeros_like(x)
            every(2, x, y, (1, size), np.float32(factor))
            np.testing.assert_array_equal(y, wanted(x, (1, size), factor))


def test_other_types_are_compiled_as_a_whole():
    """The address is of float32's machine code: float64, another tuple or a locked array must not reach it."""
    x = np.arange(40, dtype=np.float32)
    every(2, x, np.zeros_like(x), (0, 1), np.float32(2))
    assert isinstance(every, ParallelKernel)
    assert every._launched.types is not None
    locked = x.view()
    locked.flags.writeable = False
    for array, factor in ((x.astype(np.float64), 2.0), (locked, np.float32(2)), (x, 2.0), (x, 2)):
        for _ in range(2):
            y = np.zeros(x.size, array.dtype)
            every(2, array, y, (2, 1), factor)
            np.testing.assert_array_equal(y, wanted(x, (2, 1), 2))


def test_a_numba_whose_insides_have_moved_compiles_the_whole(monkeypatch):
    @jit(allocates=False)
    def one(worker, workers, x, y):
        for i in range(worker, x.size, workers):
            y[i] = 3 * x[i]

    @jit(parallel=True, worker=one, allocates=False)
    def all_of_them(workers, x, y):
        for worker in prange(workers):
            one(worker, workers, x, y)

    def moved(kernel, signature):
        raise AttributeError("no such attribute")

    x = np.arange(9, dtype=np.float32)
    with monkeypatch.context() as patch:
        patch.setattr(launch, "address_of", moved)
        for _ in range(2):
            y = np.zeros_like(x)
            all_of_them(2, x, y)
            np.testing.assert_array_equal(y, 3 * x)
    assert all_of_them._launched.types == ()  # it is not tried again
    assert len(all_of_them._parallel.overloads) == 1
