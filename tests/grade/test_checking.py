"""The engine: what is right passes, what is wrong fails in the stage that it should, small and with a sentence."""

import re
import sys
import time
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from minicnn.errors import ArgumentError, UnknownNameError, UnsupportedError
from minicnn.grade.assignments import find
from minicnn.grade.case import LENGTH
from minicnn.grade.checking import SLOW, grade
from minicnn.grade.in_process import answering
from minicnn.grade.outcome import LATE, VALUE, Outcome
from minicnn.grade.practice import check
from minicnn.grade.runner import Runner
from minicnn.grade.task import Account, Assignment, Example, Law, Part, Speed, Task
from minicnn.misconceptions.misconception import Misconception

SIZES = st.fixed_dictionaries({"H": st.integers(1, 5), "W": st.integers(1, 6)})
ONE_ROW = st.fixed_dictionaries({"H": st.just(1), "W": st.integers(1, 6)})
X = np.array([[1.0, -2, 3], [0, 4, 5]])


def running(x):
    """Sums along each row: what the task below asks for."""
    return x.cumsum(axis=1)


FORGOT = Misconception("sums down", "running", "You sum down the columns.", "01", lambda x: x.cumsum(axis=0))


def assignment(**changes) -> Assignment:
    task = {
        "name": "running",
        "arguments": lambda settings, array: {"x": array(settings["H"], settings["W"])},
        "reference": running,
        "parts": (Part("one row", 2, ONE_ROW), Part("rows", 3, SIZES)),
        "examples": (Example({"x": X}, np.array([[1.0, -1, 2], [0, 4, 9]])),),
        "bound": lambda arguments: 20 * np.finfo(arguments["x"].dtype).eps * np.abs(arguments["x"]).sum(),
        "account": lambda arguments, index: Account("y = Σ x", (("x", 1.0, None, None),), 1.0),
        "misconceptions": (FORGOT,),
    }
    return Assignment("00", "sums", (Task(**(task | changes)),), 5, "01")


def graded(function, budget=60, seed=0, **changes):
    return grade(assignment(**changes), answering({"running": function}), budget=budget, seed=seed)


# ── stages ──


def stages(report):
    return [part.failure and part.failure.stage for part in report.parts]


@pytest.mark.parametrize("dtype", ["as it comes", np.float64])
def test_what_is_right_passes_every_stage(dtype):
    report = graded(lambda x: running(x) if dtype == "as it comes" else running(x.astype(dtype)))
    assert (report.passed, report.earned, stages(report)) == (True, 5, [None, None])
    assert all(30 < part.cases <= 60 for part in report.parts)


def test_a_wrong_function_fails_small_with_its_misconception_and_account():
    failure = graded(lambda x: x.cumsum(axis=0)).parts[1].failure
    assert (failure.stage, failure.case) == ("whole numbers", "x 2×1; whole numbers")
    assert_array_equal(failure.arguments["x"], [[1], [2]])
    assert_array_equal(failure.expected, [[1], [2]])
    assert_array_equal(failure.outcome.value, [[1], [3]])
    assert (failure.first, failure.account.equation, failure.misconception.name) == ((1, 0), "y = Σ x", "sums down")


def test_a_failed_example_leaves_the_points_of_the_parts_that_hold():
    report = graded(lambda x: running(x) if len(x) == 1 else 0 * x)
    assert (report.earned, stages(report)) == (2, [None, "example"])
    assert stages(graded(lambda x: 0 * x if np.array_equal(x, X) else running(x))) == ["example", "example"]


def several_errors(x):
    raise ExceptionGroup("rows", [ValueError("one"), ValueError("two")])


@pytest.mark.parametrize(
    ("function", "stage", "says"),
    [
        (lambda x: np.float32(running(x)), "any numbers", "float32's rounding"),
        (lambda x: running(x) if x.flags.c_contiguous else x, "any numbers", "wrong number"),
        (lambda x: running(x) if x.dtype == np.float64 else x, "any numbers", "wrong number"),
        (lambda x: np.cumsum(x, axis=1, out=x), "inputs kept", "the call changed x: at .* Work on a copy"),
        (lambda x: running(x) + (x.shape == (2, 2)), "whole numbers", "off by the same"),
        (lambda x: [1, 2], "whole numbers", "a list"),
        (lambda y: y, "whole numbers", "your definition does not take that"),
        (lambda x: 1 / 0, "whole numbers", "it raised ZeroDivisionError"),
        (lambda x: sys.exit(0), "whole numbers", "it raised SystemExit"),
        (lambda x: np.zeros((1 << 14, 1 << 13)), "whole numbers", r"16384×8192, which is 1,073,741,824 bytes of float64; the right result"),
        (several_errors, "whole numbers", r"it raised ExceptionGroup: rows \(2 sub-exceptions\)"),
    ],
)
def test_each_mistake_fails_in_its_stage(function, stage, says):
    failure = graded(function, examples=()).parts[1].failure
    assert failure.stage == stage
    assert re.search(says, failure.says), failure.says


def test_a_second_call_must_answer_the_same():
    seen = set()

    def forgetful(x):
        again = x.tobytes() in seen
        seen.add(x.tobytes())
        return running(x) + again

    report = graded(forgetful, examples=(), parts=(Part("rows", 3, SIZES),))
    assert stages(report) == ["same again"]
    assert "the second is not" in report.parts[0].failure.says


def test_a_law_is_the_last_thing_that_is_asked():
    law = Law("total", lambda arguments, value: "The last sums must be the total." if arguments["x"].shape[1] > 2 else None)
    report = graded(running, laws=(law,))
    assert stages(report) == ["total", "total"]
    assert report.parts[0].failure.says == "The last sums must be the total."
    assert report.parts[0].failure.case.startswith("x 1×3;")


def test_two_mistakes_are_looked_at_apart():
    one = Misconception("zeros", "running", "…", "01", lambda x: 0 * x if len(x) == 1 else running(x))
    other = Misconception("ones", "running", "…", "01", lambda x: np.ones_like(x) if len(x) > 1 else running(x))
    parts = (Part("one row", 2, ONE_ROW), Part("more", 3, st.fixed_dictionaries({"H": st.integers(2, 4), "W": st.integers(1, 4)})))
    named = []
    for function in (one, other, lambda x: one(x) if len(x) == 1 else other(x)):
        report = graded(function, parts=parts, misconceptions=(one, other), examples=())
        named.append([part.failure and part.failure.misconception and part.failure.misconception.name for part in report.parts])
    assert named == [["zeros", None], [None, "ones"], ["zeros", "ones"]]


def test_what_is_still_to_be_written_is_no_misconception():
    raises = Misconception("raises", "running", "…", "01", lambda x: 1 / 0)

    def later(x):
        raise NotImplementedError

    failure = graded(later, misconceptions=(raises,)).parts[0].failure
    assert "still to be written" in failure.says
    assert failure.misconception is None


def test_who_hangs_is_asked_twice_and_who_is_missing_is_not_made_smaller():
    asked = []

    def late(function, arguments):
        asked.append(function)
        return Outcome(LATE, says="Too late.")

    wide = st.fixed_dictionaries({"H": st.just(1), "W": st.integers(2, 3)})
    report = grade(assignment(parts=(Part("a", 1, SIZES), Part("b", 1, wide))), late)
    assert (len(asked), report.earned) == (SLOW, 0)
    assert "asked no more" in report.parts[1].failure.says
    assert "no such function" in grade(assignment(), answering({})).parts[0].failure.says


def test_the_same_seed_gives_the_same_report_and_arguments_stay_as_they_were():
    once, again, other = (graded(lambda x: running(x) + (x > 3.4), seed=seed) for seed in ("a", "a", "b"))
    assert [part.failure and part.failure.case for part in once.parts] == [part.failure and part.failure.case for part in again.parts]
    assert (once.seed, other.seed) == ("a", "b")
    assert_array_equal(X, [[1.0, -2, 3], [0, 4, 5]])


def test_a_budget_or_a_domain_that_asks_nothing_is_refused():
    with pytest.raises(ArgumentError, match="grade: budget must be at least 0"):
        graded(running, budget=-1)
    wide = Part("wide", 1, st.fixed_dictionaries({f"{n}": st.integers(0, 200) for n in range(2 * LENGTH)}))
    with pytest.raises(ArgumentError, match=r"grade: the settings of running's part 'wide' must be drawn from 128 bytes"):
        graded(running, parts=(wide,))


# ── the race ──

LOOPS = "import time\ndef running(x):\n    time.sleep(0.02)\n    return x.cumsum(axis=1)"
RACE = Speed("fast", 4, {"H": 3, "W": 4}, 10, LOOPS)


def test_a_race_is_won_by_the_fast_and_right_only():
    assert stages(graded(running, speed=RACE)) == [None, None, None]
    slow = graded(lambda x: (time.sleep(0.02 * (x.shape == (3, 4))), running(x))[1], speed=RACE).parts[2]
    assert (slow.failure.stage, slow.earned) == ("speed", 0)
    assert re.search(r"loops take 0\.02\d* s, so at most .* / 10 = 0\.002", slow.failure.says)
    wrong = graded(lambda x: x, speed=RACE).parts[2].failure
    assert "was not timed: only right answers count" in wrong.says
    with pytest.raises(UnsupportedError, match="the loops that running is raced against must run"):
        graded(running, speed=Speed("fast", 4, {"H": 3, "W": 4}, 10, "running = 3"))


def test_the_loops_run_beside_the_submission_where_it_has_another():
    sources = []

    class Kind:
        def __init__(self, answer):
            self.answer = answer

        def __call__(self, function, arguments):
            return self.answer(function, arguments)

        @contextmanager
        def another(self, source):
            sources.append(source)
            yield lambda function, arguments: Outcome(VALUE, None, seconds=5.0)

    assert grade(assignment(speed=RACE), Kind(answering({"running": running})), budget=10).passed
    assert sources == [LOOPS]


# ── together ──

CONV2D = """
import numpy as np

def conv2d(x, weight, bias, stride, padding):
    x = np.pad(x, [(0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2])
    seen = np.lib.stride_tricks.sliding_window_view(x, weight.shape[2:], axis=(2, 3))[:, :, ::stride[0], ::stride[1]]
    return np.einsum("ncpqij,kcij->nkpq", seen, weight) + bias[:, None, None]
"""


def test_a_file_in_a_runner_is_graded_and_its_mistake_is_named():
    with Runner(CONV2D, sandbox="plain") as answer:
        assert grade(find("02"), answer, budget=30).passed
    with Runner(CONV2D.replace("weight) +", "weight[:, :, ::-1, ::-1]) +"), sandbox="plain") as answer:
        report = grade(find("02"), answer, budget=30)
    assert report.earned == 0
    assert {part.failure.misconception.name for part in report.parts} == {"kernel flipped"}


def test_practice_takes_functions_by_name_and_says_what_it_is():
    def relu(x):
        return np.maximum(x, 0)

    for functions in (relu, [relu], {"relu": relu, "np": np, "_": None}):
        report = check(functions, "03", budget=20)
        assert {part.task for part in report.parts if part.failure is None} == {"relu"}
        assert "for practice" in report.advice[-1]
    assert check(lambda x: running(x), assignment(), budget=10).passed
    with pytest.raises(UnknownNameError, match=r"check: assignment 03 asks for relu, .* but rely was given. Did you mean 'relu'"):
        check({"rely": relu}, "03")
    with pytest.raises(ArgumentError, match="check: give a function, a list of functions"):
        check([3], "03")
