"""A report as text: what a student reads, in how many columns, and without anything that steers a terminal."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from sample_reports import RIGHT, X, backward, one_of_each, raised, report, wrong_numbers

from minicnn import conv2d
from minicnn.grade.drawing import results, surrounded, told, windows
from minicnn.grade.outcome import VALUE, Outcome
from minicnn.grade.report import Failure
from minicnn.grade.task import Account
from minicnn.grade.terminal import failure, lines, text

WORKED = """\
conv2d: part 0 failed (whole numbers)
  The number at (0, 0, 0, 0) is wrong.

  What is behind it: flipped kernel
  Your result is what you get when the kernel is flipped: convolution in the
  mathematician's sense; deep learning's is cross-correlation.
  These mistakes give the same answers: transposed kernel.
  To reread: lesson 02.

  The smallest case that fails: 1 image of 1 channel, 3×4; kernel 2×3, stride
  (2, 1), padding (1, 0), float32
  x = np.array([[[[ 1.,  2.,  3.,  4.],
                  [ 5.,  6.,  7.,  8.],
                  [ 9., 10., 11., 12.]]]], dtype=np.float32)
  weight = np.array([[[[ 1.,  0.,  2.],
                       [ 3., -1.,  0.]]]], dtype=np.float32)
  bias = np.array([1.], dtype=np.float32)
  stride = (2, 1)
  padding = (1, 0)

  result[0, 0, 0, 0] should be 2, but it is 6.
  expected: result[0, 0]      received: result[0, 0]
      0   1                       0   1
  0  [2]  4                   0  [6]  9
  1  37  42                   1  45  50

  How the right number comes about
  y[0,0,0,0] = Σ x·weight + bias[0]

  x[0, 0]        factors        products
      0  1  2
  -1 (0)(0)(0)     1   0   2      0   0   0
   0  1  2  3  ·   3  -1   0  =   3  -2   0
  x[0, 0] sums to 1

  bias[0]:  1
  in all  2"""


def told_of(why: Failure) -> str:
    return "\n".join(line for line, _ in failure(report(why).parts[0]))


def test_the_sample_is_right():
    """The numbers of this folder's sample are what the law says."""
    arguments = wrong_numbers().arguments
    np.testing.assert_array_equal(conv2d(arguments["x"], arguments["weight"], arguments["bias"], (2, 1), (1, 0)), RIGHT)


def test_worked_by_hand():
    assert told_of(wrong_numbers()) == WORKED


def test_the_head_and_the_parts():
    assert text(one_of_each()).startswith(
        "Assignment 02, conv2d by loops · ada: 2 of 12 points\n\npart            result  points  cases\n"
        "-------------------------------------\nconv2d: part 0  passed  2 of 2     10\nconv2d: part 1  FAILED  0 of 2     11\n"
    )
    assert str(one_of_each()) == repr(one_of_each()) == text(one_of_each())


def test_what_ran_and_the_advice_are_told_and_the_seed_is_not():
    told_ = text(one_of_each())
    assert "Notes (they cost no points)\n  - line 3 imports os" in told_
    assert "While your code ran\n  - bubblewrap: no network" in told_
    assert "f00d" not in told_


def test_styles_say_nothing_that_words_do_not():
    for line, style in lines(one_of_each()):
        assert "red" not in style or "FAILED" in line or "failed" in line
        assert "green" not in style or "passed" in line


@pytest.mark.parametrize("width", [40, 61, 80, 100])
def test_no_line_is_longer_than_asked(width):
    assert max(cell_len(line) for line in text(one_of_each().with_(title="a title " * 12), width).split("\n")) <= width


@given(st.text(max_size=200), st.integers(40, 100))
def test_whatever_a_student_says_stays_in_its_lines(said, width):
    why = wrong_numbers(says=said, outcome=Outcome("raised", says=said, traceback=said), first=None)
    found = text(report(why, student=said, problem="").with_(advice=(said,)), width)
    assert all(cell_len(line) <= width and (line.isprintable()) for line in found.split("\n"))


def test_letters_that_steer_are_written_out():
    found = told_of(raised()) + told_of(wrong_numbers(says="\x1b[2J \u202e \ud800 \r", arguments={"name": "\x1b[31m"}))
    assert "\x1b" not in found
    assert "\\x1b[2J \\u202e \\ud800 \\r" in found


def test_a_long_traceback_is_cut_in_the_middle():
    found = told_of(Failure("example", "It raised.", outcome=Outcome("raised", traceback="a" * 10**6 + "RecursionError")))
    assert len(found) < 6000
    assert "letters left out" in found
    assert "RecursionError" in found


def test_a_problem_is_told_once_and_not_for_every_part():
    found = text(report(wrong_numbers(says="line 3 is no Python"), raised(), problem="line 3 is no Python"))
    assert found.count("line 3 is no Python") == 1
    assert found.count("FAILED") == 2
    assert "smallest case" not in found


def test_what_stands_above_is_only_named():
    found = text(report(wrong_numbers(), raised(), wrong_numbers(), raised()))
    assert found.count("mathematician's sense") == found.count('File "conv.py", line 12') == 1
    assert "\n  What is behind it: flipped kernel, as above\n" in found
    assert "\n  Your traceback is the one above.\n" in found


def test_planes_stand_below_each_other_without_a_gap():
    found = told_of(wrong_numbers(arguments={"x": np.array([[[1, 2]], [[3, 4]]])}))
    assert "\n  x = np.array([[[1, 2]],\n                [[3, 4]]], dtype=np.int64)\n" in found


def test_a_missing_function_is_not_called():
    missing = Failure("example", "There is no function conv2d.", arguments={"x": X}, outcome=Outcome("missing", says="…"))
    assert told_of(missing) == "conv2d: part 0 failed (the README's example)\n  There is no function conv2d."


def test_a_tuple_names_its_item():
    assert "result[1][0, 1, 0, 1] should be 7, but it is 8." in told_of(backward())
    assert "0   6  [7]  8                  0   6  [8]  8" in told_of(backward())


@pytest.mark.parametrize(
    ("expected", "value", "first", "sentence"),
    [
        (4, 5, (), ("result should be 4, but it is 5.",)),
        ((1, 2), (1, 3), (1,), ("result[1] should be 2, but it is 3.",)),
        ((1, 2), 7, None, ("expected: (1, 2)", "received: 7")),
        ((1, 2), 7, (0,), ("expected: (1, 2)", "received: 7")),
        (np.zeros((2, 3)), "zeros", (0, 0), ("expected: an array of 2×3, float64", "received: 'zeros'")),
        (np.zeros((2, 3)), np.zeros((3, 2)), (1, 2), ("expected: an array of 2×3, float64", "received: an array of 3×2, float64")),
        (np.array([1.0]), np.array([1 + 1e-12]), (0,), ("result[0] should be 1, but it is 1.000000000001.",)),
        (np.array([1.5]), np.array([np.nan]), (0,), ("result[0] should be 1.5, but it is nan.",)),
    ],
)
def test_two_results_in_words(expected, value, first, sentence):
    assert told(Failure("example", "", expected=expected, outcome=Outcome(VALUE, value), first=first)) == sentence


def test_a_large_result_is_shown_around_its_first_wrong_number():
    right = np.arange(2 * 30 * 40.0).reshape(2, 30, 40)
    wrong = right.copy()
    wrong[1, 29, 20] = -1
    left, other = results(Failure("example", "", expected=right, outcome=Outcome(VALUE, wrong), first=(1, 29, 20)))
    assert left.rows == other.rows == tuple(range(23, 30))
    assert left.columns == tuple(range(17, 24))
    assert left.caption == "expected: result[1] of 30×40"
    assert left.cells[6][3] == ("2380", {"wrong"})
    assert other.cells[6][3] == ("-1", {"wrong"})


def test_another_shape_is_shown_unmarked():
    grids = results(Failure("example", "", expected=np.zeros((2, 3)), outcome=Outcome(VALUE, np.ones((3, 2))), first=(0, 0)))
    assert [grid.caption for grid in grids] == ["expected: result, 2×3", "received: result, 3×2"]
    assert not any(looks for grid in grids for row in grid.cells for _, looks in row)


@pytest.mark.parametrize("stage", ["inputs kept", "speed", "the adjoint identity"])
def test_results_that_agree_are_not_held_side_by_side(stage):
    assert "expected:" not in told_of(wrong_numbers(stage=stage, first=None, outcome=Outcome(VALUE, RIGHT)))


def test_a_strided_window_is_a_window():
    """Rows 0 and 2, columns 1 and 4: what a filter's gradient reads."""
    terms = tuple((f"x[0,1,{i},{j}] · grad_output[0,0,0,0]", float(i), float(j), float(i * j)) for i in (0, 2) for j in (1, 4))
    found, rest = windows(Account("", (*terms, ("bias[0]", 3.0, None, None)), 13.0), {"x": np.arange(60.0).reshape(1, 2, 5, 6)})
    assert [(each.name, each.rows, each.columns, each.products) for each in found] == [("x[0, 1]", (0, 2), (1, 4), 10.0)]
    assert rest == (("bias[0]", 3.0, None, None),)
    plane = surrounded(found[0], "")
    assert (plane.rows, plane.columns) == (tuple(range(5)), tuple(range(6)))
    marked = [(i, j) for i, row in enumerate(plane.cells) for j, (_, looks) in enumerate(row) if looks]
    assert marked == [(0, 1), (0, 4), (2, 1), (2, 4)]
    assert plane.cells[2][4][0] == "46"  # the input's own number


def test_terms_of_no_rectangle_stay_a_list():
    terms = (("x[0,0]", 1.0, 2.0, 2.0), ("x[0,1]", 1.0, 2.0, 2.0), ("x[1,0]", 1.0, 2.0, 2.0), ("in_size", 7, None, None))
    assert windows(Account("", terms, 6.0), None) == ((), terms)
    assert "  x[0,1]:  1 · 2 = 2\n" in told_of(wrong_numbers(account=Account("", terms, 6.0)))


def test_a_mean_and_a_maximum():
    mean = Account("y", tuple((f"x[0,{j}]", 3.0 + j, 0.5, 1.5 + j / 2) for j in range(2)), 3.5)
    assert "x[0, 1]" not in told_of(wrong_numbers(account=mean))
    assert "times 0.5 each" in told_of(wrong_numbers(account=mean))
    largest = Account("y", tuple((f"x[0,0,0,{j}]", 3.0 + j, None, None) for j in range(2)), 4.0)
    found = told_of(wrong_numbers(account=largest))
    assert "products" not in found
    assert found.endswith("  x[0, 0]\n     0  1\n  0  3  4\n\n  in all  4")


def test_a_window_too_wide_tells_what_weighs_most():
    terms = tuple((f"x[0,0,0,{j}]", float(j), 1.0 - j % 2 * 3, j * (1.0 - j % 2 * 3)) for j in range(40))
    found = told_of(wrong_numbers(account=Account("y", terms, -420.0)))
    assert "  x[0,0,0,39]:  39 · -2 = -78\n" in found
    assert "  and 32 more\n" in found


def test_nothing_is_written_into():
    before = X.copy()
    text(one_of_each())
    np.testing.assert_array_equal(X, before)
