"""What every misconception has: a name, one sentence that teaches, a lesson, the arguments of its function."""

import inspect
import re

import numpy as np
import pytest

from minicnn.grade.assignments import all_of_them
from minicnn.misconceptions import MISCONCEPTIONS, believed, pieces

ALL = [each for group in MISCONCEPTIONS.values() for each in group]
TASKS = {task.name: task for assignment in all_of_them() for task in assignment.tasks}

# What issue and literature name, by function; each must be there under such a name.
ASKED_FOR = {
    "conv2d": (
        "kernel flipped", "kernel transposed", "strides swapped", "paddings swapped", "one stride for both axes", "ceil for floor",
        "padded before only", "minus p where p is 0", "bias forgotten", "bias at every tap", "only the first channel",
        "channels summed before the product", "stride as dilation", "summed in float16", "last window left zero", "one window short",
        "products written into the input", "stride must divide", "kernel of three", "square image",
    ),
    "grouped_conv2d": ("input channels interleaved", "filters interleaved", "results interleaved", "dilation as stride"),
    "max_pool2d": ("padded with zero",),
    "avg_pool2d": ("padding counted",),
    "relu": ("in place",),
    "relu_backward": ("passes at zero",),
    "conv2d_backward": ("weight not summed over the batch", "minus p where p is 0", "collected inside x"),
    "output_size": ("ceil for floor", "dilation as stride"),
}  # fmt: skip


def test_they_are_found_from_the_files():
    assert set(MISCONCEPTIONS) == set(TASKS)
    assert all(len(group) >= 11 and all(each.function == function for each in group) for function, group in MISCONCEPTIONS.items())


def test_the_issue_s_list_is_there():
    for function, names in ASKED_FOR.items():
        assert set(names) <= {each.name for each in MISCONCEPTIONS[function]}, function


@pytest.mark.parametrize("each", ALL, ids=repr)
def test_each_says_one_sentence_and_takes_its_function_s_arguments(each):
    assert re.fullmatch(r"You[^\n]{30,165}\.", each.says), "one sentence, to its author"
    assert ". " not in each.says
    assert each.lesson in {f"{number:02}" for number in range(1, 9)}
    assert list(inspect.signature(each.wrong).parameters) == list(TASKS[each.function].examples[0].arguments)
    source = inspect.getsource(each.wrong).split("\n    ", 1)[1]
    assert source.strip().count("\n") < 12, "short enough to be read at a glance"


def test_names_are_unique_within_a_function():
    for function, group in MISCONCEPTIONS.items():
        names = [each.name for each in group]
        assert len(names) == len(set(names)), function


def test_a_new_one_is_a_decorated_function():
    @believed("You keep the sign.", lesson="04", function="relu")
    def sign_kept(x):
        return abs(x)

    assert (sign_kept.name, sign_kept.function, sign_kept(-2)) == ("sign kept", "relu", 2)
    assert repr(sign_kept) == "Misconception(relu: sign kept)"


def test_the_pieces_are_right():
    """What wrong implementations are built from is right: put together rightly, it is the reference."""
    rng = np.random.default_rng(5)
    x, weight, bias = (rng.integers(-4, 5, shape).astype(float) for shape in ((2, 3, 7, 6), (4, 3, 2, 3), (4,)))
    settings = {"stride": (2, 3), "padding": (1, 2)}
    np.testing.assert_array_equal(pieces.convolve(x, weight, bias, **settings), TASKS["conv2d"].reference(x, weight, bias, **settings))
    assert pieces.rounded_up(x, (2, 3), (2, 3), (1, 2)).shape == (2, 3, 10, 12)  # (9 - 2) + 1 for the last stride, (10 - 3) + 2


def test_half_of_the_conv2d_of_a_group_is_right_without_groups():
    from minicnn.misconceptions.conv2d_backward import gradients
    from minicnn.misconceptions.grouped_conv2d import grouped

    rng = np.random.default_rng(6)
    x, weight, bias = (rng.integers(-4, 5, shape).astype(float) for shape in ((2, 6, 7, 6), (4, 3, 2, 3), (4,)))
    settings = {"stride": (2, 1), "padding": (1, 2), "dilation": (2, 1), "groups": 2}
    np.testing.assert_array_equal(grouped(x, weight, bias, **settings), TASKS["grouped_conv2d"].reference(x, weight, bias, **settings))
    weight, settings = rng.integers(-4, 5, (4, 6, 2, 3)).astype(float), {"stride": (2, 1), "padding": (1, 2)}
    grad = rng.integers(-4, 5, (2, 4, 4, 8)).astype(float)
    for own, right in zip(
        gradients(grad, x, weight, **settings), TASKS["conv2d_backward"].reference(grad, x, weight, **settings), strict=True
    ):
        np.testing.assert_array_equal(own, right)
