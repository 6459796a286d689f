"""How are kernels timed on a device, fairly and without the host in the way?

Idea: CUDA events on the default stream, which Numba and PyTorch share, before and after a turn of several calls.  While the device is kept
busy by a kernel of known length, the host launches the whole turn; then the device runs it without waiting for the host, so that what is
measured is the device's time.  (A launch from Python takes longer than many a kernel.)  The i-th call takes the i-th copy of its arrays, of which there
are so many that their bytes exceed twice the L2 cache: nobody finds an input there.  A round is a turn of each candidate, begun by another
one every time; medians and quartiles are those of rounds.

Cost: rounds × candidates × (twice the host's time for a turn + 5 ms).
What it does not do: fix the clocks of the device; tell why.
Source: CUDA C++ Best Practices Guide, section on timing; turns.py, which does the same for the CPU.  Next room: gpu.py.
"""

import math
import statistics
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

TURN, MOST, SLACK = 0.005, 100, 0.0005  # seconds and calls of a turn, seconds by which the host is ahead
Call = Callable[[int], object]  # launches the work on the i-th copy of its arrays


class Spread(NamedTuple):
    """The median of rounds in milliseconds, and the quartiles around it."""

    low: float
    median: float
    high: float


def rotation_count(nbytes: int, l2_bytes: int) -> int:
    """Return how many copies of arrays of so many bytes exceed twice the L2 cache.

    >>> rotation_count(10, 50), rotation_count(101, 50), rotation_count(33, 50)
    (11, 1, 4)
    """
    return 2 * l2_bytes // max(nbytes, 1) + 1


def spread(milliseconds: list[float]) -> Spread:
    """Return median and quartiles; of one number, that number.

    >>> spread([4.0, 1.0, 2.0, 3.0, 5.0])
    Spread(low=2.0, median=3.0, high=4.0)
    """
    if len(milliseconds) == 1:
        return Spread(*milliseconds * 3)
    return Spread(*statistics.quantiles(milliseconds, n=4, method="inclusive"))


class Events:
    """The device's clock: seconds(call, first, calls, ahead) runs call(first), call(first + 1), … and returns how long the device took."""

    def __init__(self):
        from gpu_kernels import busy
        from numba import cuda

        self.cuda, self.busy = cuda, busy
        self.begin, self.end = cuda.event(timing=True), cuda.event(timing=True)
        self.rounds = 1000  # of the busy kernel, for a millisecond
        for _ in range(3):  # the first compiles, and wakes the clocks
            taken = self.seconds(lambda _: self.busy(self.rounds), 0, 1, 0.0)
            self.rounds = max(1000, round(self.rounds * 1e-3 / max(taken, 1e-6)))

    def seconds(self, call: Call, first: int, calls: int, ahead: float) -> float:
        """Return the device's seconds for so many calls; it is kept busy for `ahead` seconds while the host launches them."""
        if ahead > 0:
            self.busy(max(1, round(self.rounds * ahead / 1e-3)))
        self.begin.record()
        for number in range(first, first + calls):
            call(number)
        self.end.record()
        self.end.synchronize()
        return self.cuda.event_elapsed_time(self.begin, self.end) / 1000

    def wait(self) -> None:
        self.cuda.synchronize()


class Turn(NamedTuple):
    """How a candidate's turns are made: calls in each, and how long the host takes to launch them."""

    calls: int
    ahead: float


def turn_of(call: Call, clock) -> Turn:
    """Return how many calls make a turn of some 5 ms, and the seconds that the host needs for them, found by trying."""
    call(0)  # compiles, chooses an algorithm
    clock.wait()
    taken = clock.seconds(call, 0, 1, 0.0)
    calls = min(MOST, max(1, math.ceil(TURN / max(taken, 1e-9))))
    few = min(calls, 5)
    clock.wait()
    began = time.perf_counter()
    for number in range(few):
        call(number)
    host = (time.perf_counter() - began) / few
    clock.wait()
    ahead = min(1.5 * host * calls + SLACK, 0.5) if taken < 0.05 else 0.0  # of a slow call the host's share is nothing
    calls = min(MOST, max(1, math.ceil(TURN / max(clock.seconds(call, 0, few, ahead) / few, 1e-9))))
    return Turn(calls, min(1.5 * host * calls + SLACK, 0.5) if ahead else 0.0)


def alternate(candidates: Mapping[str, Call], rounds: int, clock, host_too: bool = False) -> dict[str, list[float]]:
    """Return the milliseconds of a call of each candidate in each round; turns go through the copies, each where its last one ended.

    With host_too the device is not kept busy: what is measured is what a user waits for, with the launches.
    """
    names = list(candidates)
    turns = {name: turn_of(candidates[name], clock) for name in names}
    found: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        begin = number % len(names)
        for name in names[begin:] + names[:begin]:
            calls, ahead = turns[name]
            taken = clock.seconds(candidates[name], number * calls, calls, 0.0 if host_too else ahead)
            found[name].append(1000 * taken / calls)
    return found
