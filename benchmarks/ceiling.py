"""What could this machine do at the most?  Multiply-adds a second, bytes a second, and the roofline of both.

Idea: the peak is a compiled loop of nothing but vector multiply-adds, twelve sums that do not wait for each other (an
FMA takes four or five cycles, two start in each), with vectors of eight lanes and of sixteen; the better one counts, so
machines with wider registers are held to them.  Bandwidth is np.copyto of 64 MB a thread, read and written bytes
counted once each.  Both with as many threads as the benchmark has, in the same process.

    roofline = min(peak, bandwidth × operations per byte)

An FMA is two operations.  A layer whose maps stay in the caches may stand above its roofline, which only knows memory.
Cost: a second to compile, half a second to measure.
Source: Williams, Waterman, Patterson, "Roofline" (2009); LLVM language reference, "llvm.fmuladd".
Next room: conv.py.
"""

import threading
import time
from collections.abc import Callable

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

SUMS = 12
ROUNDS = 2_000_000  # some 10 ms
REPEATS = 7
COPIED = 16 << 20  # numbers, 64 MB: more than any cache that a thread has to itself


def _loop_of_fmas(lanes: int) -> Callable:
    """Return a kernel (rounds, numbers) that does rounds × SUMS FMAs of so many lanes, and returns one lane of the sums."""
    vector, long = ir.VectorType(ir.FloatType(), lanes), ir.IntType(64)

    @intrinsic
    def loop(typing, rounds, numbers):
        def code(context, builder, signature, arguments):
            array = context.make_array(signature.args[1])(context, builder, arguments[1])
            place = builder.bitcast(array.data, vector.as_pointer())
            a, b = (builder.load(builder.gep(place, [long(k)]), align=4) for k in range(2))
            fma = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector] * 3), f"llvm.fmuladd.v{lanes}f32")
            before, body, after = builder.block, builder.append_basic_block("fmas"), builder.append_basic_block("done")
            builder.branch(body)
            builder.position_at_end(body)
            count, sums = builder.phi(long), [builder.phi(vector) for _ in range(SUMS)]
            count.add_incoming(arguments[0], before)
            left = builder.sub(count, long(1))
            count.add_incoming(left, body)
            for k, total in enumerate(sums):
                total.add_incoming(ir.Constant(vector, [float(k)] * lanes), before)  # different, or they would be one
                total.add_incoming(builder.call(fma, [a, b, total]), body)
            builder.cbranch(builder.icmp_signed(">", left, long(0)), body, after)
            builder.position_at_end(after)
            total = sums[0].incomings[1][0]
            for other in sums[1:]:
                total = builder.fadd(total, other.incomings[1][0])
            return builder.extract_element(total, ir.IntType(32)(0))

        return types.float32(types.int64, numbers), code

    @numba.njit(nogil=True)
    def kernel(rounds, numbers):
        return loop(rounds, numbers)

    return kernel


def _seconds(work: Callable[[int], object], threads: int) -> float:
    """Return the least wall time of work(0) … work(threads - 1) side by side, over some repeats."""
    found = []
    for _ in range(REPEATS):
        gate = threading.Barrier(threads + 1)

        def run(number: int, gate=gate) -> None:
            gate.wait()
            work(number)
            gate.wait()

        for number in range(threads):
            threading.Thread(target=run, args=(number,), daemon=True).start()
        gate.wait()
        began = time.perf_counter()
        gate.wait()
        found.append(time.perf_counter() - began)
    return min(found)


def peak(threads: int, rounds: int = ROUNDS) -> tuple[float, int]:
    """Return the most operations a second (two for each FMA), in GFLOP/s, and the lanes of the vectors that reached it."""
    numbers = np.full(32, 0.25, np.float32)
    found = []
    for lanes in (8, 16):
        kernel = _loop_of_fmas(lanes)
        kernel(1, numbers)
        seconds = _seconds(lambda _, kernel=kernel: kernel(rounds, numbers), threads)
        found.append((2 * lanes * SUMS * rounds * threads / seconds / 1e9, lanes))
    return max(found)


def bandwidth(threads: int, numbers: int = COPIED) -> float:
    """Return how many GB a second are read and written while large arrays are copied."""
    pairs = [(np.ones(numbers, np.float32), np.zeros(numbers, np.float32)) for _ in range(threads)]
    seconds = _seconds(lambda number: np.copyto(pairs[number][1], pairs[number][0]), threads)
    return 8 * numbers * threads / seconds / 1e9


def roofline(peak_gflops: float, gb_per_second: float, operations: float, moved: float) -> float:
    """Return the most GFLOP/s for so many operations on so many bytes.

    >>> roofline(100.0, 10.0, 2e9, 1e9), roofline(100.0, 10.0, 2e9, 1e6)
    (20.0, 100.0)
    """
    return min(peak_gflops, gb_per_second * operations / moved)
