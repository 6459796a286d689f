"""How are several candidates timed fairly in one process?  In turns.

Idea: the threads of OpenMP, of a BLAS and of ONNX Runtime go on spinning after their work, and starve whoever comes next:
calls in strict alternation measure each other's threads.  So each candidate has a turn: a call that is not counted, which
wakes its threads and fills the caches, then calls until 5 ms and at least 3 calls have passed; its median counts.  Then
all wait until the process uses no processor any more, so that the next one starts on an idle machine.  (On two cores
ONNX Runtime's threads spin for about 50 ms; a network of ours that began 10 ms after them took 14 ms instead of 7.)
A round is one turn of each, begun by another candidate every time; what is compared are ratios within a round, so that a
slower minute of the machine meets all alike.  A result is let go after the clock has stopped, and each call returns a new
one.  A call that takes longer than a second is a turn by itself: it has no need of a warm-up.

Cost: rounds × candidates × (10 ms, or as long as threads spin, + the larger of 5 ms and 4 calls).
What it does not do: tell why.  Next rooms: peers.py, conv.py.
"""

import statistics
import time
from collections.abc import Callable, Mapping

TURN, LEAST, SLOW = 0.005, 3, 1.0  # seconds, calls, seconds
PAUSE, IDLE, PATIENCE = 0.010, 0.1, 0.5  # seconds, the share of them that an idle process may use, seconds
Times = dict[str, list[float]]  # the median seconds of each turn of each candidate


def alternate(candidates: Mapping[str, Callable[[], object]], rounds: int) -> Times:
    """Return the median seconds of every turn, one turn of each candidate per round, after a round of warm-up."""
    names = list(candidates)
    for name in names:  # compiles, prepares weights, makes plans
        candidates[name]()
    times: Times = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            fall_asleep()
            times[name].append(_turn(candidates[name]))
    return times


def fall_asleep() -> None:
    """Wait until no thread of this process spins any more: the processor's time that a pause has used says so."""
    for _ in range(round(PATIENCE / PAUSE)):
        used = time.process_time()
        time.sleep(PAUSE)
        if time.process_time() - used < IDLE * PAUSE:
            return


def _turn(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    first = time.perf_counter() - began
    if first > SLOW:
        return first
    seconds: list[float] = []
    until = time.perf_counter() + TURN
    while len(seconds) < LEAST or time.perf_counter() < until:
        began = time.perf_counter()
        result = call()
        seconds.append(time.perf_counter() - began)
        del result
    return statistics.median(seconds)


def ratios(times: Times, ours: str) -> dict[str, float]:
    """Return the median over rounds of another's time / our time, by the other's name.

    >>> ratios({"a": [1.0, 2.0, 1.0], "b": [3.0, 4.0, 2.0]}, "a")
    {'b': 2.0}
    """
    return {
        name: statistics.median(theirs / own for theirs, own in zip(seconds, times[ours], strict=True))
        for name, seconds in times.items()
        if name != ours
    }


def medians(times: Times) -> dict[str, float]:
    """Return the median of each candidate's turns, in milliseconds."""
    return {name: 1000 * statistics.median(seconds) for name, seconds in times.items()}


def geometric_mean(values) -> float:
    """Return the mean that ratios have.

    >>> geometric_mean([0.5, 2.0]), geometric_mean([4.0])
    (1.0, 4.0)
    """
    return statistics.geometric_mean(values)
