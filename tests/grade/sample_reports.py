"""Reports to draw: one of each kind of failure, with numbers that can be checked by hand."""

import numpy as np

from minicnn.grade.outcome import DIED, RAISED, VALUE, Outcome
from minicnn.grade.report import Failure, GradeReport, PartResult
from minicnn.grade.task import Account
from minicnn.misconceptions.misconception import Misconception

FLIPPED = Misconception(
    "flipped kernel",
    "conv2d",
    "Your result is what you get when the kernel is flipped: convolution in the mathematician's sense; deep learning's is cross-correlation.",
    "02",
    wrong=lambda **arguments: None,
)

# One image, one channel, 3×4; a 2×3 kernel, stride (2, 1), padding (1, 0): y is 2×2.
X = np.array([[[[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]]], np.float32)
WEIGHT = np.array([[[[1, 0, 2], [3, -1, 0]]]], np.float32)
RIGHT = 1.0 + np.array([[[[1 * 3 - 2, 2 * 3 - 3], [5 + 2 * 7 + 27 - 10, 6 + 2 * 8 + 30 - 11]]]])  # [[2, 4], [37, 42]]
WRONG = 1.0 + np.array([[[[2 * 1 + 3, 2 * 2 + 4], [-6 + 3 * 7 + 18 + 11, -7 + 3 * 8 + 20 + 12]]]])  # the kernel flipped: [[6, 9], [45, 50]]


def conv2d_account() -> Account:
    """y[0,0,0,0], whose window begins in the padding."""
    terms = []
    for i in range(2):
        for j in range(3):
            value = 0.0 if i == 0 else float(X[0, 0, 0, j])
            factor, where = float(WEIGHT[0, 0, i, j]), f"x[0,0,{i - 1},{j}]"
            terms.append((f"{where} is padding" if i == 0 else f"{where} · weight[0,0,{i},{j}]", value, factor, value * factor))
    return Account("y[0,0,0,0] = Σ x·weight + bias[0]", (*terms, ("bias[0]", 1.0, None, None)), 2.0)


def wrong_numbers(**changes) -> Failure:
    facts = {
        "stage": "whole numbers",
        "says": "The number at (0, 0, 0, 0) is wrong.",
        "case": "1 image of 1 channel, 3×4; kernel 2×3, stride (2, 1), padding (1, 0), float32",
        "arguments": {"x": X, "weight": WEIGHT, "bias": np.array([1], np.float32), "stride": (2, 1), "padding": (1, 0)},
        "expected": RIGHT,
        "outcome": Outcome(VALUE, WRONG, seconds=0.01),
        "first": (0, 0, 0, 0),
        "account": conv2d_account(),
        "misconception": FLIPPED,
        "alike": ("transposed kernel",),
    }
    return Failure(**(facts | changes))


def raised() -> Failure:
    says, lines = (
        "Your function raised IndexError: index 4 is out of bounds.",
        'Traceback\n  File "conv.py", line 12, in conv2d\n    y[n, k, p, q] = 1',
    )
    return Failure("example", says, outcome=Outcome(RAISED, says=says, traceback=f"{lines}\nIndexError: index 4"), arguments={"x": X})


def backward() -> Failure:
    """A tuple of results, whose second is wrong."""
    right = (np.zeros((1, 2, 3, 4)), np.arange(12.0).reshape(1, 2, 2, 3), np.array([5.0]))
    wrong = (right[0], right[1] + (np.arange(12).reshape(1, 2, 2, 3) == 7), right[2])
    return Failure("any numbers", "grad_weight is wrong.", "a case", {"x": X}, right, Outcome(VALUE, wrong), first=(1, 0, 1, 0, 1))


def report(*failures: Failure | None, **changes) -> GradeReport:
    """A report with one part of 2 points for each failure; None is a part that passed."""
    parts = tuple(PartResult("conv2d", f"part {at}", 2.0, 10 + at, 0.25, failure) for at, failure in enumerate(failures))
    facts = {"title": "conv2d by loops", "parts": parts, "student": "ada", "in_force": ("bubblewrap: no network",), "seed": "f00d"}
    return GradeReport("02", **(facts | changes))


def one_of_each() -> GradeReport:
    died = Failure("any numbers", "The process ended while it answered.", outcome=Outcome(DIED, says="The process ended."))
    shape = wrong_numbers(
        says="The shape is wrong.", outcome=Outcome(VALUE, WRONG[0]), first=None, account=None, misconception=None, alike=()
    )
    advice = ("line 3 imports os, which no assignment needs",)
    return report(None, wrong_numbers(), raised(), backward(), died, shape, advice=advice)
