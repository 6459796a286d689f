"""Which question: does one misconception explain what a task's parts failed on?

Idea: hold all that a submission answered against the misconceptions at once.  Where none explains everything, two mistakes may be at work,
and each part that failed is looked at beside those that passed, without the other failures.

Cost: the diagnosis, once for a task that fails, at most once more for each of its parts.  What it does not do: diagnose (diagnosis.py).
Source: none.  Next room: diagnosis.py.
"""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

import numpy as np

from minicnn.grade.diagnosis import diagnose
from minicnn.grade.outcome import RAISED, VALUE
from minicnn.grade.report import PartResult

__all__ = ["explained"]


def explained(asked, results: Sequence[PartResult], spans: Sequence[slice], seed: str) -> list[PartResult]:
    """Return the results, those that failed with the misconception behind them; `spans` are the parts' own answers in asked.evidence."""
    failed = [number for number, result in enumerate(results) if result.failure and _tells(result.failure.outcome)]
    if not failed:
        return list(results)
    of_all = _diagnosis(asked, asked.task, asked.evidence, seed)
    if of_all[0] is not None or len(failed) == 1:
        return _named(results, dict.fromkeys(failed, of_all))
    found = {}
    for number in failed:
        beside = [span for other, span in enumerate(spans) if other == number or other not in failed]
        alone = replace(asked.task, parts=(asked.task.parts[number],))  # asked on in its own corner, where the other mistakes are not
        found[number] = _diagnosis(asked, alone, [pair for span in beside for pair in asked.evidence[span]], seed)
    return _named(results, found)


def _diagnosis(asked, task, evidence, seed: str):
    """Return (misconception, those alike) of the calls that say anything about a belief: a process that died does not."""
    telling = [(arguments, outcome) for arguments, outcome in evidence if _tells(outcome)]
    rng = np.random.default_rng(int.from_bytes(sha256(seed.encode()).digest()[:8]))
    return diagnose(task, asked.reply, telling, rng=rng) if telling else (None, ())


def _tells(outcome) -> bool:
    return outcome.kind in (VALUE, RAISED)


def _named(results: Sequence[PartResult], found: dict) -> list[PartResult]:
    return [
        replace(result, failure=replace(result.failure, misconception=found[number][0], alike=found[number][1]))
        if number in found
        else result
        for number, result in enumerate(results)
    ]
