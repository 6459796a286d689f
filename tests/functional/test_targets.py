"""What may be asked of a classifier: every mistake with a target has a message of its own."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minicnn import functional as F
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.functional.targets import asked

X = np.zeros((4, 3), np.float32)
MAPS = np.zeros((2, 3, 5, 4), np.float32)


def refused(error, message, x, target, **options):
    """Both the loss and its gradient say it, each under its own name."""
    with pytest.raises(error, match=rf"^cross_entropy: {message}"):
        F.cross_entropy(x, target, **options)
    with pytest.raises(error, match=rf"^cross_entropy_backward: {message}"):
        F.cross_entropy_backward(1.0, x, target, **options)


class TestLabels:
    def test_the_first_one_out_of_range_is_named_with_its_place(self):
        refused(
            ArgumentError,
            r"labels must be 0 … 2 for the 3 classes of x, but target\[2\] is 7\. The largest label is 9: x would need 10 classes\.$",
            X,
            np.array([0, 1, 7, 9]),
        )
        labels = np.zeros((2, 5, 4), np.uint8)
        labels[1, 3, 2] = labels[1, 4, 0] = 3
        refused(
            ArgumentError, r"labels must be .*, but target\[1, 3, 2\] is 3\. The largest label is 3: x would need 4 classes", MAPS, labels
        )
        refused(ArgumentError, r"labels must be 0 … 2 for the 3 classes of x, but target is 3\. ", np.zeros(3), 3)

    def test_labels_that_start_at_one(self):
        message = r"labels must be 0 … 2 .*target\[1\] is 3\. They run from 1 to 3 and seem to start at 1: pass target - 1\.$"
        refused(ArgumentError, message, X, np.array([1, 3, 2, 1]))
        refused(ArgumentError, r"labels must .*The largest label is 7: x would", X, np.array([1, 7, 2, 1]))  # not every start at 1 is that
        refused(ArgumentError, message, X, np.array([-100, 3, 2, 1]))  # what is ignored does not hide it

    def test_a_negative_label_may_mean_to_be_left_out(self):
        refused(
            ArgumentError,
            r"labels .*target\[3\] is -1\. If it marks positions to leave out, pass ignore_index=-1\.$",
            X,
            np.array([0, 1, 2, -1]),
        )
        assert np.isfinite(F.cross_entropy(X, np.array([0, 1, 2, -1]), ignore_index=-1))

    @pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint64])
    def test_the_void_of_a_segmentation(self, dtype):
        labels = np.array([0, 255, 2, 255], dtype)
        case = asked("loss", X, labels, None, 255, 0.0)
        assert_array_equal(case.ignored, [False, True, False, True])
        assert_array_equal(case.labels, [0, 0, 2, 0])
        refused(ArgumentError, r"labels .*target\[1\] is 255\.", X, labels)

    def test_a_huge_label_is_not_taken_for_a_negative_one(self):
        refused(ArgumentError, rf"labels .*target\[1\] is {2**64 - 100}\.", X, np.array([0, 2**64 - 100, 1, 1], np.uint64))

    def test_truth_values_are_no_labels(self):
        refused(
            DTypeError, r"target must be whole numbers .*, but its dtype is bool; .*target\.astype\(np\.int64\)\.$", X, np.zeros(4, bool)
        )

    def test_floats_of_the_shape_of_labels(self):
        refused(
            DTypeError,
            r"class indices are whole numbers, but target is float32 of the labels' shape \(4,\); pass target\.astype\(np\.int64\), "
            r"or class probabilities of x's shape \(4, 3\)\.$",
            X,
            np.zeros(4, np.float32),
        )

    def test_one_hot_labels(self):
        refused(
            DTypeError,
            r"class indices have x's shape without its 3 classes, \(4,\), but target is int64 of x's shape \(4, 3\), as one-hot labels are; "
            r"pass target\.argmax\(axis=1\), or as probabilities target\.astype\(np\.float32\)\.$",
            X,
            np.eye(3, dtype=np.int64)[[0, 1, 2, 0]],
        )
        refused(DTypeError, r"class indices .*pass target\.argmax\(axis=0\)", np.zeros(3), np.array([0, 1, 0]))

    @pytest.mark.parametrize(
        ("target", "message"),
        [
            ([0, 1, 2, 0], r"but it is a list; pass np\.asarray\(target\)\.$"),
            (None, r"but it is a NoneType"),
            (
                np.ma.masked_array([0, 1, 2, 0], [0, 1, 0, 0]),
                r"but it is a MaskedArray; fill it first, .*target\.filled\(ignore_index\)\.$",
            ),
            (2, r"but it is a int"),
        ],
    )
    def test_what_is_no_array(self, target, message):
        refused(DTypeError, rf"target must be a NumPy array of whole numbers .*{message}", X, target)


class TestShapes:
    def test_the_arithmetic_is_given(self):
        refused(
            ShapeError,
            r"class indices have x's shape without its 3 classes \(axis 1\), \(4,\), but x\.shape=\(4, 3\) and target\.shape=\(5,\); "
            r"x has 4 positions and target 5 numbers: give one label for each position\.$",
            X,
            np.zeros(5, int),
        )
        refused(
            ShapeError, r"class indices .*as many numbers as x has positions, 4: target\.reshape\(\(4,\)\)\.$", X, np.zeros((4, 1), int)
        )

    def test_classes_last(self):
        refused(
            ShapeError,
            r"class indices .*\(2, 4, 3\), but x\.shape=\(2, 5, 4, 3\) and target\.shape=\(2, 5, 4\); .*np\.moveaxis\(x, -1, 1\)\.$",
            MAPS.transpose(0, 2, 3, 1),
            np.zeros((2, 5, 4), int),
        )

    def test_probabilities_of_another_shape(self):
        refused(ShapeError, r"class probabilities have x's shape, \(4, 3\), and class indices have .*target\.shape=\(4, 2\)", X, X[:, :2])

    def test_probabilities_of_another_kind_of_float(self):
        refused(
            DTypeError,
            r"class probabilities must be float32 as x is, but target is float16; \.astype\(np\.float32\)\.$",
            X,
            X.astype(np.float16),
        )

    def test_logits(self):
        refused(ShapeError, r"x must be logits \(N, K\), \(K,\) or \(N, K, d1, …\), but x\.shape=\(\)", np.zeros(()), np.array(0))
        refused(ShapeError, r"there must be at least one class, but x\.shape=\(4, 0\) has none in axis 1\.$", X[:, :0], np.zeros(4, int))
        refused(DTypeError, r"x must be a NumPy array, but it is a list", X.tolist(), np.zeros(4, int))


class TestOptions:
    def test_class_weights(self):
        labels = np.zeros(4, int)
        refused(
            ShapeError,
            r"weight must have one number per class, \(3,\) for x\.shape=\(4, 3\), but weight\.shape=\(2,\); its 3 numbers are the factors of class 0 … 2",
            X,
            labels,
            weight=np.ones(2, np.float32),
        )
        refused(
            ShapeError,
            r"weight .*\(4,\); factors of the images go on the losses of reduction='none'",
            X,
            labels,
            weight=np.ones(4, np.float32),
        )

    @pytest.mark.parametrize("share", [-0.1, 1.5, np.nan])
    def test_smoothing_is_a_share(self, share):
        refused(
            ArgumentError,
            r"label_smoothing is the share that is spread over all classes, 0 … 1, but it is",
            X,
            np.zeros(4, int),
            label_smoothing=share,
        )

    def test_settings_of_another_kind(self):
        refused(ArgumentError, r"label_smoothing must be a real number, but it is None", X, np.zeros(4, int), label_smoothing=None)
        refused(ArgumentError, r"ignore_index must be a whole number, .* but it is None\.$", X, np.zeros(4, int), ignore_index=None)
        refused(ArgumentError, r"ignore_index=1 is a label, but target holds class probabilities \(float32\)", X, X, ignore_index=1)


def test_what_is_asked_of_each_class():
    """q, by hand: smoothing spreads half of each question over four classes."""
    x, weight = np.zeros((3, 4)), np.array([1.0, 2.0, 4.0, 8.0])
    case = asked("loss", x, np.array([3, -100, 0]), weight, -100, 0.5)
    assert_array_equal(case.wanted(), [[0.125, 0.25, 0.5, 5], [0, 0, 0, 0], [0.625, 0.25, 0.5, 1]])
    assert case.divisor() == 9
    case = asked("loss", x, np.full((3, 4), 0.5), weight, -100, 0.5)
    assert_array_equal(case.wanted(), np.full((3, 4), 0.375) * weight)
    assert case.divisor() == 3
