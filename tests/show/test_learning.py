"""learning_curve: which numbers stand where, and what a history may be."""

import numpy as np
import pytest

from minicnn import show
from minicnn.errors import ArgumentError

HISTORY = [
    {
        "epoch": 1,
        "loss": 2.0,
        "accuracy": 0.5,
        "held_out_loss": 1.5,
        "held_out_accuracy": 0.625,
        "lr": 0.1,
        "seconds": 2.0,
        "step_losses": [3.0, 2.0, 1.5, 1.5],
    },
    {
        "epoch": 2,
        "loss": 1.0,
        "accuracy": 0.75,
        "held_out_loss": 1.25,
        "held_out_accuracy": 0.7,
        "lr": 0.1,
        "seconds": 1.5,
        "step_losses": [1.0, 1.0],
    },
]


def without(*keys):
    return [{key: value for key, value in row.items() if key not in keys} for row in HISTORY]


def lines(ax):
    return {line.get_label(): (line.get_xdata().tolist(), line.get_ydata().tolist()) for line in map(as_arrays, ax.lines)}


def as_arrays(line):
    line.set_data(np.asarray(line.get_xdata()), np.asarray(line.get_ydata()))
    return line


def test_every_number_stands_where_it_was_measured():
    """Steps at their middle, means of an epoch at its middle, what is held out at its end."""
    left, right = show.learning_curve(HISTORY).axes
    assert lines(left) == {
        "training step": ([0.125, 0.375, 0.625, 0.875, 1.25, 1.75], [3, 2, 1.5, 1.5, 1, 1]),
        "training epoch": ([0.5, 1.5], [2, 1]),
        "held out": ([1, 2], [1.5, 1.25]),
    }
    assert lines(right) == {"training epoch": ([0.5, 1.5], [50, 75]), "held out": ([1, 2], [62.5, 70])}
    assert left.get_xlim() == right.get_xlim() == (0, 2)
    assert left.get_ylim()[0] == 0
    assert right.get_ylim() == (40, 100)


def test_axes_have_units_and_lines_are_told_apart_without_colour():
    figure = show.learning_curve(HISTORY, loss="cross-entropy (nats)", title="LeNet")
    left, right = figure.axes
    assert [ax.get_ylabel() for ax in figure.axes] == ["cross-entropy (nats)", "accuracy (%)"]
    assert {ax.get_xlabel() for ax in figure.axes} == {"epochs of training"}
    for ax in (left, right):
        assert {text.get_text() for text in ax.get_legend().get_texts()} == set(lines(ax))
        looks = {(line.get_marker(), line.get_linestyle(), line.get_linewidth()) for line in ax.lines}
        assert len(looks) == len(ax.lines)
    assert figure.texts[0].get_text() == "LeNet"
    assert figure.texts[1].get_text().startswith("2 epochs, 6 steps, 3.5 s; at the end the loss is 1.\n")


def test_the_last_accuracies_are_written_at_the_lines_ends():
    right = show.learning_curve(HISTORY).axes[1]
    assert [(text.get_text(), text.xy) for text in right.texts] == [("75.0 % training", (2, 75)), ("70.0 % held out", (2, 70))]
    equal = [HISTORY[0] | {"accuracy": 0.9, "held_out_accuracy": 0.9}]
    places = [text.xy[1] for text in show.learning_curve(equal).axes[1].texts]
    assert places == pytest.approx([90 - 0.55, 90 + 0.55])  # apart by 5.5 % of the 20 % that are shown: neither hides the other


def test_what_is_absent_is_not_drawn():
    (only,) = show.learning_curve(without("accuracy", "held_out_accuracy")).axes
    assert only.get_ylabel() == "loss"
    left, right = show.learning_curve(without("held_out_loss", "held_out_accuracy", "step_losses", "seconds")).axes
    assert list(lines(left)) == ["training epoch"]
    assert [text.get_text() for text in right.texts] == ["75.0 % training"]
    assert show.learning_curve([{"epoch": 1, "loss": 2}]).texts[1].get_text().startswith("1 epoch; at the end the loss is 2.")
    some = [HISTORY[0], without("held_out_loss", "held_out_accuracy")[1]]  # held out is measured every other epoch
    assert lines(show.learning_curve(some).axes[0])["held out"] == ([1], [1.5])
    assert lines(show.learning_curve([HISTORY[0] | {"held_out_loss": None}]).axes[0]).keys() == {"training step", "training epoch"}


def test_a_training_that_went_on_keeps_its_epochs():
    later = [{"epoch": 6, "loss": 1.0}, {"epoch": 8, "loss": 0.5}]
    (ax,) = show.learning_curve(later).axes
    assert ax.get_xlim() == (5, 8)
    assert lines(ax)["training epoch"] == ([5.5, 7.5], [1.0, 0.5])


def test_many_epochs_have_few_markers_and_one_at_the_end():
    line = show.learning_curve([{"epoch": e, "loss": 1 / e} for e in range(1, 101)]).axes[0].lines[0]
    start, every = line.get_markevery()
    marked = list(range(start, 100, every))
    assert len(marked) == 25
    assert marked[-1] == 99


def test_a_loss_that_is_no_number_is_a_gap_and_is_said():
    broken = [HISTORY[0], HISTORY[1] | {"loss": np.nan, "held_out_loss": np.inf, "step_losses": [1.0, np.inf]}]
    figure = show.learning_curve(broken)
    found = lines(figure.axes[0])
    assert found["training epoch"] == ([0.5], [2])
    np.testing.assert_array_equal(found["training step"][1], [3, 2, 1.5, 1.5, 1, np.nan])
    said = figure.texts[1].get_text()
    assert said == "2 epochs, 6 steps, 3.5 s.\nFrom epoch 2 on, losses are NaN or infinite and cannot be drawn: lower the learning rate."
    assert show.learning_curve([{"epoch": 1, "loss": np.nan, "accuracy": np.nan, "step_losses": [np.nan]}]).png()


def test_losses_below_zero_are_not_cut():
    (ax,) = show.learning_curve([{"epoch": 1, "loss": -2.0}, {"epoch": 2, "loss": -3.0}]).axes
    assert ax.get_ylim()[0] < -3


def test_the_history_is_left_as_it_is():
    steps = np.array([1.0, np.nan])
    history = [{"epoch": 1, "loss": np.float32(1), "step_losses": steps}]
    show.learning_curve(history)
    np.testing.assert_array_equal(steps, [1, np.nan])
    assert list(history[0]) == ["epoch", "loss", "step_losses"]


@pytest.mark.parametrize(
    ("history", "pattern"),
    [
        ([], "history is a list of dicts, one per epoch, but it is empty; train for at least one epoch"),
        ({"epoch": 1, "loss": 2}, "history is a list of dicts, one per epoch, but it is a dict"),
        ([2.0], r"each epoch is a dict with at least 'epoch' and 'loss', but history\[0\] is a float"),
        ([{"epoch": 1, "loss": 1}, {"epoch": 2, "lr": 1}], r"but history\[1\] has the keys 'epoch', 'lr'"),
        ([{}], r"but history\[0\] has the keys of an empty dict"),
        ([{"epoch": 0, "loss": 1}], r"history\[0\]\['epoch'\] must be at least 1, but it is 0"),
        ([{"epoch": 1.5, "loss": 1}], r"history\[0\]\['epoch'\] must be a whole number, but it is 1.5"),
        ([{"epoch": 2, "loss": 1}, {"epoch": 2, "loss": 1}], "epochs must grow, but epoch 2 comes after epoch 2; sort the history"),
        ([{"epoch": 1, "loss": "low"}], "loss is one number, but in epoch 1 it is 'low'"),
        ([{"epoch": 1, "loss": [1, 2]}], r"loss is one number, but in epoch 1 it is \[1, 2\]"),
        ([{"epoch": 1, "loss": 1, "step_losses": 3}], "step_losses is a list of numbers, one per step, but in epoch 1 it is 3"),
        ([{"epoch": 1, "loss": 1, "accuracy": 84}], "accuracy is a share from 0 to 1, but in epoch 1 it is 84; divide percents by 100"),
        ([{"epoch": 3, "loss": 1, "held_out_accuracy": -0.1}], "held_out_accuracy is a share from 0 to 1, but in epoch 3 it is -0.1"),
    ],
)
def test_histories_that_are_none(history, pattern):
    with pytest.raises(ArgumentError, match=f"show.learning_curve: .*{pattern}"):
        show.learning_curve(history)
