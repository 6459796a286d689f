"""Naming a mistake from answers: who is named, who is not, and at what cost."""

from dataclasses import replace

import numpy as np
import pytest

from minicnn.grade.assignments import find
from minicnn.grade.diagnosis import diagnose
from minicnn.grade.in_process import answering
from minicnn.grade.outcome import LATE, Outcome
from minicnn.misconceptions import Misconception

CONV = find("02").tasks[0]
RELU = find("03").tasks[0]


def loops(x, weight, bias, stride, padding, at=lambda kh, kw, i, j: (i, j), dtype=np.float64):
    """conv2d as a student writes it: `at` is which weight meets tap (i, j), dtype what the sum is kept in."""
    x = np.pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))
    (N, C, H, W), (K, _, kh, kw) = x.shape, weight.shape
    y = np.zeros((N, K, (H - kh) // stride[0] + 1, (W - kw) // stride[1] + 1))
    for n, k, p, q in np.ndindex(*y.shape):
        total = dtype(bias[k])
        for j, i, c in np.ndindex(kw, kh, C):
            total = dtype(total + dtype(x[n, c, p * stride[0] + i, q * stride[1] + j]) * dtype(weight[k, c][at(kh, kw, i, j)]))
        y[n, k, p, q] = total
    return y


def flipped(kh, kw, i, j):
    return kh - 1 - i, kw - 1 - j


def student(biased=1, **options):
    """Return a conv2d by these loops, under the arguments that the task has."""

    def conv2d(x, weight, bias, stride, padding):
        return loops(x, weight, biased * bias, stride, padding, **options)

    return conv2d


def named(function, task=CONV, **changes):
    """Return what a student's function is called after one tiny failing case."""
    answer = answering({task.name: function})
    arguments = {**task.examples[0].arguments, **changes}
    found, alike = diagnose(task, answer, [(arguments, answer(task.name, arguments))])
    return found and found.name, alike


def test_the_same_belief_in_other_words_has_the_same_name():
    assert named(student(at=flipped)) == ("kernel flipped", ())
    assert named(student(biased=0)) == ("bias forgotten", ())


def test_a_sum_in_float16_is_known_in_any_order():
    """Its digits depend on the order of the sum; that there are so few of them does not."""
    rng = np.random.default_rng(3)
    arrays = {name: rng.standard_normal(CONV.examples[0].arguments[name].shape) for name in ("x", "weight", "bias")}
    assert named(student(dtype=np.float16), **arrays) == ("summed in float16", ())


def test_two_mistakes_at_once_have_no_name():
    assert named(student(biased=0, at=flipped)) == (None, ())


@pytest.mark.parametrize(
    "function",
    [
        lambda x, weight, bias, stride, padding: np.zeros((1, 1, 1, 1)),
        lambda x, weight, bias, stride, padding: 1 / 0,
        lambda x, weight, bias, stride, padding: None,
        lambda x, weight, bias, stride, padding: "y",
        lambda x, weight, bias, stride, padding: (x, weight),
        lambda x, weight, bias, stride, padding: x,
        lambda x, weight, bias, stride, padding: np.full((1, 1, 1, 2), np.nan),
        lambda x, weight, bias, stride, padding: np.zeros((0, 3)),
    ],
)
def test_nonsense_has_no_name(function):
    """A tiny case that some belief explains by chance is not enough."""
    assert named(function) == (None, ())


def test_who_raises_is_asked_until_an_answer_shows_why():
    three = next(m.wrong for m in CONV.misconceptions if m.name == "kernel of three")
    assert named(three) == ("kernel of three", ())  # the example's kernel is 2×2, and raises


def test_who_always_raises_believes_nothing_that_is_known():
    always = Misconception("always raises", "conv2d", "You raise.", "01", lambda **arguments: 1 / 0)
    assert named(lambda x, weight, bias, stride, padding: 1 / 0, replace(CONV, misconceptions=(always,))) == (None, ())


def test_a_changed_argument_tells_beliefs_apart():
    def in_place(x):
        np.maximum(x, 0, out=x)
        return x

    assert named(in_place, RELU) == ("in place", ())
    x = np.array([[[[-1.0, 2.0]]]])
    seen = Outcome("value", np.maximum(x, 0), after={"x": x})  # the right answer, its argument left alone
    assert diagnose(RELU, answering({"relu": in_place}), [({"x": x}, seen)]) == (None, ())


def test_all_evidence_counts():
    """Right answers are evidence too: who flips the kernel has no right answer where it is not symmetric."""
    answer = answering({"conv2d": student(at=flipped)})
    arguments = dict(CONV.examples[0].arguments)
    wrong, right = answer("conv2d", arguments), Outcome("value", CONV.examples[0].expected)
    assert diagnose(CONV, answer, [(arguments, wrong)])[0].name == "kernel flipped"
    assert diagnose(CONV, answer, [(arguments, wrong), (arguments, right)]) == (None, ())


def test_without_evidence_nobody_is_named():
    def never(name, arguments):
        raise AssertionError("there is nothing to ask about")

    assert diagnose(CONV, never, []) == (None, ())


def test_who_never_comes_back_is_asked_once():
    calls = []

    def late(name, arguments):
        calls.append(name)
        return Outcome(LATE, says="over the time")

    wrong = answering({"conv2d": student(at=flipped)})
    arguments = dict(CONV.examples[0].arguments)
    assert diagnose(CONV, late, [(arguments, wrong("conv2d", arguments))]) == (None, ())
    assert len(calls) == 1


def test_what_no_input_tells_apart_is_said():
    twin = Misconception(
        "flipped twice", "conv2d", "You flip.", "01", next(m for m in CONV.misconceptions if m.name == "kernel flipped").wrong
    )
    task = replace(CONV, misconceptions=(*CONV.misconceptions, twin))
    assert named(student(at=flipped), task) == ("kernel flipped", ("flipped twice",))


def test_it_costs_a_bounded_number_of_calls_and_changes_no_evidence():
    calls = []
    mine = answering({"conv2d": student(at=flipped)})

    def counting(name, arguments):
        calls.append(name)
        return mine(name, arguments)

    # One pixel and one weight: nearly every belief agrees.
    arguments = {name: np.ones((1, 1, 1, 1)) for name in ("x", "weight")} | {"bias": np.zeros(1), "stride": (1, 1), "padding": (0, 0)}
    before = {name: np.copy(value) for name, value in arguments.items()}
    found, alike = diagnose(CONV, counting, [(arguments, mine("conv2d", arguments))])
    assert (found.name, alike) == ("kernel flipped", ())
    assert len(calls) <= 24
    assert all(np.array_equal(value, arguments[name]) for name, value in before.items())


def test_the_same_generator_asks_the_same_cases():
    asked = []

    def listening(name, arguments):
        asked.append([np.asarray(value).tolist() for value in arguments.values()])
        return answering({"conv2d": student(at=flipped)})(name, arguments)

    arguments = dict(CONV.examples[0].arguments)
    evidence = [(arguments, listening("conv2d", arguments))]
    runs = []
    for seed in (1, 1, 2):
        asked.clear()
        diagnose(CONV, listening, evidence, np.random.default_rng(seed))
        runs.append(list(asked))
    assert runs[0] == runs[1] != runs[2]
