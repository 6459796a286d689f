"""A right function that also changes an argument is told just that, and is given the name of no belief about its numbers."""

from dataclasses import replace

import numpy as np
import pytest

from minicnn.grade import diagnosis
from minicnn.grade.assignments import find
from minicnn.grade.checking import grade
from minicnn.grade.in_process import answering
from minicnn.grade.outcome import VALUE, Outcome


def spoils(x):
    x -= 0.5


def clears(x):
    x[...] = 0


def doubles(x):
    x *= 2


def spoiling(task, argument, how):
    """Return the reference, which also changes an argument when it has computed."""

    def student(**arguments):
        right = task.reference(**arguments)
        how(arguments[argument])
        return right

    return student


def failures(number, name, argument, how):
    assignment = find(number)
    task = next(replace(task, speed=None) for task in assignment.tasks if task.name == name)
    student = spoiling(task, argument, how)
    report = grade(replace(assignment, tasks=(task,)), answering({name: student}), seed="spoiled", budget=30)
    return [part.failure for part in report.parts]


@pytest.mark.parametrize("how", [spoils, clears, doubles])
@pytest.mark.parametrize(
    ("number", "name", "argument"),
    [
        ("02", "conv2d", "x"),
        ("02", "conv2d", "weight"),
        ("04", "grouped_conv2d", "x"),
        ("03", "max_pool2d", "x"),
        ("03", "relu", "x"),
        ("05", "conv2d_backward", "grad_output"),
    ],
)
def test_it_is_told_that_inputs_are_kept_and_nothing_else(number, name, argument, how):
    found = failures(number, name, argument, how)
    assert all(found)
    for failure in found:
        assert failure.stage in ("inputs kept", "example")
        assert f"the call changed {argument}" in failure.says
        assert failure.misconception is None, (failure.stage, failure.misconception)
        assert failure.alike == ()


def test_changes_that_were_not_foretold_do_not_agree():
    """Right numbers without a stride are what 'stride forgotten' foretells; an x that was spent is not."""
    task = find("02").tasks[0]
    arguments = {name: np.ones((1, 1, 2, 3)) for name in ("x", "weight")} | {"bias": np.zeros(1), "stride": (1, 1), "padding": (0, 0)}
    told = Outcome(VALUE, np.full((1, 1, 1, 1), 6.0))
    kept, spent = (Outcome(VALUE, told.value, after={"x": x}) for x in (arguments["x"], arguments["x"] - 0.5))
    assert diagnosis._agree(task, arguments, told, kept)
    assert not diagnosis._agree(task, arguments, told, spent)
    foreseen = replace(told, after={"x": arguments["x"] - 0.5})
    assert diagnosis._agree(task, arguments, foreseen, spent)
    assert not diagnosis._agree(task, arguments, foreseen, kept)
