"""What could this GPU do at the most?  FMAs a second, and bytes a second of a copy.

Idea: the peak is a kernel of nothing but multiply-adds, eight sums a thread that do not wait for each other, 256 of them for each turn of the
loop, with enough threads to fill every multiprocessor.  The bandwidth is the better of a copy kernel that moves 16 bytes a thread and of the
driver's own copy, over arrays of several times the L2 cache; read and written bytes count once each.

    roofline = min(peak, bandwidth × operations per byte)          an FMA is two operations

Beside them: `fill`, which draws an array on the device from a block of numbers (uploading gigabytes would take minutes), and `busy`.
Cost: two seconds to compile, half a second to measure.  What it does not do: tensor cores.
Source: Williams, Waterman, Patterson, "Roofline" (2009); McCalpin, STREAM (1995).  Next room: gpu_timing.py.
"""

import functools

import numpy as np
from gpu_timing import alternate, spread
from numba import cuda, float32

from minicnn.conv.cuda import device
from minicnn.conv.cuda.kernel import blocks_for, kernel
from minicnn.conv.cuda.words import load4, store4

SUMS, STEPS, THREADS = 8, 32, 256
PERIOD = 1_048_573  # numbers of the block that fills arrays: a prime, so that no two rows of an image are alike


@kernel("f4[::1], f4, f4, i4")
def multiply_add(y, b, c, rounds):
    """rounds × STEPS × SUMS multiply-adds a thread."""
    t = cuda.grid(1)
    s0, s1, s2, s3 = float32(0), float32(1), float32(2), float32(3)
    s4, s5, s6, s7 = float32(4), float32(5), float32(6), float32(7)
    for _ in range(rounds):
        for _ in range(STEPS):  # unrolled: the loop's own instructions would take a share
            s0, s1, s2, s3 = cuda.fma(s0, b, c), cuda.fma(s1, b, c), cuda.fma(s2, b, c), cuda.fma(s3, b, c)
            s4, s5, s6, s7 = cuda.fma(s4, b, c), cuda.fma(s5, b, c), cuda.fma(s6, b, c), cuda.fma(s7, b, c)
    y[t] = s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7


@kernel("f4[::1], f4[::1], i4")
def copy_fours(x, y, fours):
    t = cuda.grid(1)
    if t < fours:
        a, b, c, d = load4(x, 4 * t)
        store4(y, 4 * t, a, b, c, d)


@kernel("f4[::1], f4[::1], i4, i4, i4")
def repeat(x, block, numbers, period, first):
    """x[i] = block[(first + i) % period]"""
    for i in range(cuda.grid(1), numbers, cuda.gridsize(1)):
        x[i] = block[(first + i) % period]


@functools.cache
def _sink(numbers: int):
    return device.empty((numbers,))


def busy(rounds: int) -> None:
    """Keep the device busy, by one warp."""
    multiply_add(1, 32, _sink(32), 0.5, 0.25, rounds)


def fill(x, block, first: int = 0) -> None:
    """Fill a device array from a block of numbers on the device, from its `first` on."""
    repeat(min(blocks_for(x.size, THREADS), 4096), THREADS, x.reshape(-1), block, x.size, block.size, first % block.size)


def block_of_numbers(numbers: int = PERIOD):
    """Return normal random numbers on the device, for fill."""
    return device.uploaded(np.random.default_rng(0).standard_normal(numbers, np.float32))


def peak(clock, multiprocessors: int, rounds: int, turns: int) -> dict:
    """Return the most operations a second that multiply-adds reach, in GFLOP/s, and the quartiles over turns."""
    blocks = 32 * multiprocessors
    y = _sink(blocks * THREADS)
    operations = 2.0 * SUMS * STEPS * rounds * blocks * THREADS
    times = alternate({"fma": lambda _: multiply_add(blocks, THREADS, y, 0.5, 0.25, rounds)}, turns, clock)["fma"]
    return {"gflops": operations / min(times) / 1e6, "milliseconds": spread(times)._asdict()}


def bandwidth(clock, numbers: int, turns: int) -> dict:
    """Return GB read and written a second while `numbers` (a multiple of 4) float32 are copied: the better of a kernel and the driver."""
    x, y = device.empty((numbers,)), device.empty((numbers,))
    fill(x, block_of_numbers(min(PERIOD, numbers)))
    calls = {
        "kernel": lambda _: copy_fours(blocks_for(numbers // 4, THREADS), THREADS, x, y, numbers // 4),
        "driver": lambda _: y.copy_to_device(x),
    }
    times = alternate(calls, turns, clock)
    found = {name: 8 * numbers / spread(each).median / 1e6 for name, each in times.items()}
    return {"gb_per_second": max(found.values()), **found, "bytes": 4 * numbers}
