"""No correct implementation is ever rejected: loops, im2col, stride tricks, FFT, float64 sums, views, over many seeds."""

from dataclasses import replace

import pytest
from correct_files import CORRECT
from hypothesis import settings

from minicnn.grade.assignments import all_of_them
from minicnn.grade.checking import grade
from minicnn.grade.in_process import answering

SEEDS = 1000 if settings.get_current_profile_name() == "deep" else 2
BUDGET = 8  # cases a part and seed
TASKS = [(assignment, replace(task, speed=None)) for assignment in all_of_them() for task in assignment.tasks]
PAIRS = [(assignment, task, file, own) for assignment, task in TASKS for file, name, own in CORRECT if name == task.name]


@pytest.mark.parametrize(("assignment", "task", "file", "own"), PAIRS, ids=[f"{a.number}-{t.name}-{file}" for a, t, file, _ in PAIRS])
def test_a_correct_implementation_passes(assignment, task, file, own):
    for seed in range(SEEDS):
        report = grade(replace(assignment, tasks=(task,)), answering({task.name: own}), seed=f"{file}/{seed}", budget=BUDGET)
        for part in report.parts:
            assert part.failure is None, f"seed {seed}, {part.part}: {part.failure.stage}: {part.failure.says} ({part.failure.case})"


def test_every_function_has_several():
    for _, task in TASKS:
        assert sum(name == task.name for _, name, _ in CORRECT) >= 2, task.name
