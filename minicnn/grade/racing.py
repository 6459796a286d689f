"""Which question: is a submission as fast as it is asked to be?

Idea: time it against plain loops of our own, which run in a runner of the same kind on the same machine, so that a slow machine is slow for
both.  Each run gets new numbers, drawn from the submission's own seed, and its result is compared: a fast
wrong answer, or one remembered or worked out beforehand, is no answer.  A machine has bad
moments, so the best of several runs counts, on both sides.

Cost: two runs of the loops, some 0.5 s each, and at most five of the submission.
What it does not do: start runners; `answer.another(source)` does, and without it the loops run in this process.
Source: Chen & Revels, Robust benchmarking in noisy environments (2016): the minimum is the best estimate.  Next room: in_process.py.
"""

from contextlib import nullcontext
from dataclasses import replace
from hashlib import sha256

from minicnn.errors import UnsupportedError
from minicnn.grade.case import Case
from minicnn.grade.in_process import loops_of
from minicnn.grade.outcome import VALUE

LOOPS, RUNS = 2, 5
HOPELESS = 2  # times too slow, where further runs would be a waste


def race(asked, seed: str):
    """Return None where the submission is fast enough, else a run of it, whose `wrong` says why it is not."""
    speed = asked.task.speed
    due = _seconds_of_loops(asked, seed) / speed.times
    best, tried = float("inf"), None
    for run in range(1, RUNS + 1):
        case = _case(speed, seed, run)
        tried = asked.call(case.arguments(asked.task), case=case)
        if tried.wrong:
            return tried
        best = min(best, tried.outcome.seconds)
        if best <= due:
            return None
        if best > HOPELESS * due and run > 1:
            break
    loops = due * speed.times
    says = (
        f"The loops take {loops:.3g} s, so at most {loops:.3g} / {speed.times:g} = {due:.3g} s are wanted, "
        f"but your best run took {best:.3g} s ({loops / best:.3g} times as fast as the loops). Let NumPy do the inner loops: "
        "one matrix product over all windows."
    )
    return replace(tried, wrong=(says, None))


def _case(speed, seed: str, run: int) -> Case:
    """Return a run's case: its numbers are known to whoever knows the seed, and to nobody else."""
    return Case(speed.settings, "any", seed=int.from_bytes(sha256(f"{seed}/race/{run}".encode()).digest()))


def _seconds_of_loops(asked, seed: str) -> float:
    """Return the shortest time that the assignment's loops take in a runner like the submission's."""
    speed, another = asked.task.speed, getattr(asked.answer, "another", None)
    best = float("inf")
    with another(speed.loops) if another else nullcontext(loops_of(speed.loops)) as rival:
        for run in range(1, LOOPS + 1):
            outcome = rival(asked.task.name, _case(speed, seed, run).arguments(asked.task))
            if outcome.kind != VALUE:
                raise UnsupportedError(
                    f"grade: the loops that {asked.task.name} is raced against must run, but: {outcome.says} Mend Speed(loops=…) in checks.py."
                )
            best = min(best, outcome.seconds)
    return best
