"""Losses: cross_entropy and mse_loss with their gradients, worked by hand, by differences, and by what they must not do."""

import math

import numpy as np
import pytest
from differences import assert_is_derivative, spread
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from minicnn import functional as F
from minicnn.errors import ArgumentError, DTypeError, ShapeError

LOG = np.log(np.array([[1.0, 2.0, 5.0], [2.0, 2.0, 4.0], [6.0, 1.0, 1.0]]))  # shares in eighths
SHARES = np.array([[1, 2, 5], [2, 2, 4], [6, 1, 1]]) / 8
LABELS = np.array([1, 2, 0])
FACTORS = np.array([4.0, 2.0, 1.0])
ASKED = np.array([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0], [0.25, 0.25, 0.5]])
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
EPS = np.finfo(float).eps


def nearly(ours, expected):
    """Within a few roundings of numbers of size 1; the logarithms above are rounded themselves."""
    np.testing.assert_allclose(ours, expected, rtol=0, atol=32 * EPS * max(1, np.max(np.abs(expected))))


class TestCrossEntropyByHand:
    def test_labels(self):
        losses = np.log([4, 2, 8 / 6])
        nearly(F.cross_entropy(LOG, LABELS, reduction="none"), losses)
        nearly(F.cross_entropy(LOG, LABELS, reduction="sum"), losses.sum())
        nearly(F.cross_entropy(LOG, LABELS), losses.sum() / 3)

    def test_class_weights_are_the_divisor_of_the_mean(self):
        losses = np.log([4, 2, 8 / 6]) * [2, 1, 4]
        nearly(F.cross_entropy(LOG, LABELS, FACTORS, reduction="none"), losses)
        nearly(F.cross_entropy(LOG, LABELS, FACTORS), losses.sum() / 7)

    def test_ignored_positions_are_in_neither_sum_nor_divisor(self):
        labels = np.array([1, -100, 0])
        losses = np.log([4, 1, 8 / 6])
        nearly(F.cross_entropy(LOG, labels, reduction="none"), losses)
        nearly(F.cross_entropy(LOG, labels), losses.sum() / 2)
        nearly(F.cross_entropy(LOG, labels, FACTORS), (losses * [2, 0, 4]).sum() / 6)
        nearly(F.cross_entropy(LOG, LABELS, ignore_index=2), losses.sum() / 2)  # a class may be ignored, too

    def test_smoothing_spreads_a_share_over_all_classes(self):
        logs = -np.log(SHARES)
        expected = 0.25 * logs[np.arange(3), LABELS] + 0.75 * logs.mean(axis=1)
        nearly(F.cross_entropy(LOG, LABELS, reduction="none", label_smoothing=0.75), expected)
        weighted = 0.25 * logs[np.arange(3), LABELS] * [2, 1, 4] + 0.75 / 3 * (logs * FACTORS).sum(axis=1)
        nearly(F.cross_entropy(LOG, LABELS, FACTORS, label_smoothing=0.75), weighted.sum() / 7)

    def test_probabilities(self):
        losses = -(np.log(SHARES) * ASKED).sum(axis=1)
        nearly(F.cross_entropy(LOG, ASKED, reduction="none"), losses)
        nearly(F.cross_entropy(LOG, ASKED), losses.sum() / 3)
        weighted = -(np.log(SHARES) * ASKED * FACTORS).sum(axis=1)
        nearly(F.cross_entropy(LOG, ASKED, FACTORS), weighted.sum() / 3)  # divided by positions: PyTorch's choice

    def test_one_hot_probabilities_are_labels(self):
        hot = np.eye(3)[LABELS]
        for smoothing in (0, 0.25):
            ours = [F.cross_entropy(LOG, t, FACTORS, reduction="none", label_smoothing=smoothing) for t in (LABELS, hot)]
            if smoothing == 0:
                nearly(*ours)
            assert ours[0].shape == ours[1].shape == (3,)
        nearly(F.cross_entropy(LOG, hot, label_smoothing=0.25), F.cross_entropy(LOG, LABELS, label_smoothing=0.25))

    @DTYPES
    def test_even_logits_are_exact(self, dtype):
        """Powers of two: every share is 1/4, so that the gradient has no rounding at all."""
        x = np.full((2, 4), 7, dtype)
        expected = (np.full((2, 4), 0.25) - np.eye(4)[[1, 3]]) / 2
        found = F.cross_entropy_backward(1.0, x, np.array([1, 3]))
        assert found.dtype == dtype
        assert_array_equal(found, expected)
        assert F.cross_entropy(x, np.array([1, 3])) == np.log(dtype(4))
        assert_array_equal(F.cross_entropy_backward(dtype(8), x, np.array([1, 3]), reduction="sum"), 16 * expected)
        per_image = F.cross_entropy_backward(np.array([2, 4], dtype), x, np.array([1, 3]), reduction="none")
        assert_array_equal(per_image, expected * [[4], [8]])

    @DTYPES
    def test_the_gradient_of_every_option_is_exact_on_even_logits(self, dtype):
        x, labels, w = np.zeros((2, 4), dtype), np.array([1, 3], np.uint8), np.array([1, 2, 4, 6], dtype)
        p, hot = np.full((2, 4), 0.25), np.eye(4)[[1, 3]]
        assert_array_equal(F.cross_entropy_backward(1.0, x, labels, w), (p - hot) * [[2], [6]] / 8)
        assert_array_equal(F.cross_entropy_backward(1.0, x, labels, ignore_index=3), (p - hot) * [[1], [0]])
        assert_array_equal(F.cross_entropy_backward(1.0, x, labels, label_smoothing=0.5), (p - hot / 2 - 0.125) / 2)
        q = np.array([[0.5, 0, 0.25, 0.5], [0, 0, 0, 1]])  # the first does not sum to 1
        found = F.cross_entropy_backward(1.0, x, q.astype(dtype), w)
        assert_array_equal(found, (p * (q * w).sum(axis=1, keepdims=True) - q * w) / 2)


class TestShapes:
    @pytest.mark.parametrize("labels", [np.int8, np.uint8, np.int32, np.int64, np.uint64, ">i2"])
    def test_positions_are_rows_whatever_the_axes(self, labels):
        rng = np.random.default_rng(0)
        x, y = rng.normal(size=(2, 3, 5, 4)), rng.integers(0, 3, (2, 5, 4)).astype(labels)
        rows, flat = x.transpose(0, 2, 3, 1).reshape(40, 3), y.reshape(40)
        assert_array_equal(F.cross_entropy(x, y, reduction="none"), F.cross_entropy(rows, flat, reduction="none").reshape(2, 5, 4))
        back = F.cross_entropy_backward(1.0, rows, flat).reshape(2, 5, 4, 3).transpose(0, 3, 1, 2)
        found = F.cross_entropy_backward(1.0, x, y)
        assert_array_equal(found, back)
        assert found.flags.c_contiguous

    @DTYPES
    def test_one_image_of_no_batch(self, dtype):
        x = LOG[0].astype(dtype)
        expected = F.cross_entropy(x[None], np.array([1]))
        for label in (1, np.int8(1), np.array(1)):
            found = F.cross_entropy(x, label)
            assert type(found) is dtype
            assert found == expected
        assert_array_equal(F.cross_entropy_backward(1.0, x, 1), F.cross_entropy_backward(1.0, x[None], np.array([1]))[0])
        none = F.cross_entropy(x, 1, reduction="none")
        assert isinstance(none, np.ndarray)
        assert none.shape == ()
        assert_array_equal(F.cross_entropy_backward(none, x, 1, reduction="none"), F.cross_entropy_backward(float(none), x, 1))
        assert_array_equal(F.cross_entropy_backward(2.0, x, 1, reduction="none"), F.cross_entropy_backward(2.0, x, 1))
        probabilities = np.array([0.5, 0.5, 0], dtype)
        assert F.cross_entropy(x, probabilities) == F.cross_entropy(x[None], probabilities[None])

    @DTYPES
    def test_a_loss_is_one_number_of_the_dtype_of_x(self, dtype):
        x = LOG.astype(dtype)
        for reduction in ("mean", "sum"):
            assert type(F.cross_entropy(x, LABELS, reduction=reduction)) is dtype
            assert type(F.cross_entropy(x, ASKED.astype(dtype), reduction=reduction)) is dtype
            assert type(F.mse_loss(x, x, reduction)) is dtype

    def test_no_position_has_no_mean(self):
        x = np.zeros((0, 3), np.float32)
        for target in (np.zeros(0, int), x):
            assert np.isnan(F.cross_entropy(x, target))
            assert F.cross_entropy(x, target, reduction="sum") == 0
            assert F.cross_entropy(x, target, reduction="none").shape == (0,)
            assert F.cross_entropy_backward(1.0, x, target).shape == (0, 3)
        assert np.isnan(F.mse_loss(x, x))
        assert F.mse_loss_backward(1.0, x, x)[1].shape == (0, 3)

    def test_all_ignored_has_no_mean_and_no_gradient(self):
        nobody = np.full(3, -100)
        for options in ({}, {"weight": FACTORS}, {"label_smoothing": 0.5}):
            assert np.isnan(F.cross_entropy(LOG, nobody, **options))
            assert F.cross_entropy(LOG, nobody, reduction="sum", **options) == 0
            assert_array_equal(F.cross_entropy_backward(1.0, LOG, nobody, **options), np.zeros((3, 3)))


class TestNumbers:
    @DTYPES
    def test_large_logits_neither_overflow_nor_vanish(self, dtype):
        x = np.array([[1e4, 0.0], [0.0, 1e4], [-1e30, -1e30]], dtype)
        assert_array_equal(F.cross_entropy(x, np.array([1, 1, 0]), reduction="none"), np.array([1e4, 0, np.log(dtype(2))], dtype))
        assert_array_equal(F.cross_entropy_backward(1.0, x, np.array([1, 1, 0]), reduction="sum"), [[1, -1], [0, 0], [-0.5, 0.5]])

    def test_a_small_share_keeps_its_digits(self):
        """-log of a share of e⁻²⁰⁰, which is 0 in float32, is 200."""
        assert F.cross_entropy(np.array([[0, 200]], np.float32), np.array([0])) == 200

    def test_the_mean_is_summed_in_float64(self):
        x = np.random.default_rng(0).normal(size=(100_001, 2)).astype(np.float32)
        labels = np.zeros(len(x), np.uint8)
        total = math.fsum(F.cross_entropy(x, labels, reduction="none").tolist())
        assert F.cross_entropy(x, labels, reduction="sum") == np.float32(total)
        assert F.cross_entropy(x, labels) == np.float32(total / len(x))
        squares = math.fsum(F.mse_loss(x, -x, "none").ravel().tolist())
        assert F.mse_loss(x, -x, "sum") == np.float32(squares)

    def test_a_nan_stays_on_its_row_and_an_ignored_row_asks_nothing(self):
        x = LOG.copy()
        x[1, 0] = np.nan
        assert_array_equal(np.isnan(F.cross_entropy(x, LABELS, reduction="none")), [False, True, False])
        assert_array_equal(np.isnan(F.cross_entropy_backward(1.0, x, LABELS)).all(axis=1), [False, True, False])
        for smoothing in (0, 0.5):
            ignored = {"target": np.array([1, -100, 0]), "label_smoothing": smoothing}
            assert np.isfinite(F.cross_entropy(x, **ignored))
            assert_array_equal(F.cross_entropy_backward(1.0, x, **ignored)[1], np.zeros(3))

    def test_a_class_that_is_ruled_out(self):
        x = np.array([[-np.inf, 0.0, 0.0]])
        assert F.cross_entropy(x, np.array([1])) == np.log(2)
        assert F.cross_entropy(x, np.array([0])) == np.inf
        assert_array_equal(F.cross_entropy_backward(1.0, x, np.array([1])), [[0, -0.5, 0.5]])

    @settings(max_examples=15)
    @given(st.integers(1, 6), st.integers(1, 7), st.floats(-100, 100), st.integers(0, 2**32 - 1))
    def test_shifting_all_logits_changes_nothing_and_gradients_sum_to_zero(self, count, classes, shift, seed):
        rng = np.random.default_rng(seed)
        x, labels = rng.normal(size=(count, classes)), rng.integers(0, classes, count)
        bound = (2 * abs(shift) + 4 * classes + 20) * EPS  # x + shift is rounded, every logit and its maximum
        assert abs(F.cross_entropy(x + shift, labels) - F.cross_entropy(x, labels)) <= bound
        assert np.abs(F.cross_entropy_backward(1.0, x, labels).sum(axis=1)).max() <= 4 * (classes + 4) * EPS
        assert F.cross_entropy(x, labels) >= 0


CASES = {
    "labels": {"target": np.array([[1, 3], [0, 2], [3, 3]])},
    "weights": {"target": np.array([[1, 3], [0, 2], [3, 3]]), "weight": np.array([0.5, 2.0, 0.0, 3.0])},
    "ignored": {"target": np.array([[1, 9], [0, 2], [9, 3]]), "ignore_index": 9},
    "smoothed": {"target": np.array([[1, 3], [0, 2], [3, 3]]), "label_smoothing": 0.3},
    "all of it": {
        "target": np.array([[1, -7], [0, 2], [3, 3]]),
        "ignore_index": -7,
        "weight": np.array([0.5, 2.0, 0.0, 3.0]),
        "label_smoothing": 0.3,
    },
    "probabilities": {"target": np.abs(spread((3, 4, 2), seed=4)) / 8},
    "probabilities, all of it": {
        "target": np.abs(spread((3, 4, 2), seed=4)) / 8,
        "weight": np.array([0.5, 2.0, 0.0, 3.0]),
        "label_smoothing": 0.3,
    },
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_the_gradient_is_the_derivative(case, reduction):
    x, options = spread((3, 4, 2), seed=1, least=-3, most=3), {**CASES[case], "reduction": reduction}
    grad = spread((3, 2), seed=2) if reduction == "none" else np.array(1.7)
    found = F.cross_entropy_backward(grad, x, **options)
    assert_is_derivative(lambda moved: np.asarray(F.cross_entropy(moved, **options)), [found], [x], [grad])


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", [(3, 4, 2), (5,)])
def test_the_gradients_of_mse_are_the_derivatives(reduction, shape):
    x, target = spread(shape, seed=1), spread(shape, seed=3) / 2
    grad = spread(shape, seed=2) if reduction == "none" else np.array(1.7)
    found = F.mse_loss_backward(grad, x, target, reduction)
    assert_is_derivative(lambda *moved: np.asarray(F.mse_loss(*moved, reduction)), found, [x, target], [grad])


class TestMeanSquares:
    @DTYPES
    def test_by_hand(self, dtype):
        x, t = np.array([[1, 2, 4], [0, -3, 1]], dtype), np.array([[1, 0, 5], [0, 1, 0]], dtype)
        assert F.mse_loss(x, t, "sum") == 0 + 4 + 1 + 0 + 16 + 1
        assert F.mse_loss(x, t) == dtype(22 / 6)
        assert_array_equal(F.mse_loss(x, t, reduction="none"), [[0, 4, 1], [0, 16, 1]])
        grad_x, grad_target = F.mse_loss_backward(dtype(3), x, t)
        assert_array_equal(grad_x, np.array([[0, 2, -1], [0, -4, 1]], dtype))
        assert_array_equal(grad_target, -grad_x)
        each = F.mse_loss_backward(t, x, t, "none")[0]
        assert_array_equal(each, [[0, 0, -10], [0, -8, 0]])
        assert {array.dtype for array in (grad_x, grad_target, each)} == {np.dtype(dtype)}

    def test_one_number(self):
        x, t = np.array(3.0), np.array(1.0)
        for reduction in ("mean", "sum", "none"):
            assert F.mse_loss(x, t, reduction) == 4
            grad_x, grad_target = F.mse_loss_backward(np.array(2.0), x, t, reduction)
            assert (grad_x.shape, grad_x, grad_target) == ((), 8, -8)

    def test_nothing_is_broadcast(self):
        x = np.zeros((64, 1))
        message = r"^mse_loss: x and target must have one shape, but x\.shape=\(64, 1\) and target\.shape=\(64,\); "
        with pytest.raises(ShapeError, match=message + r"both hold 64 numbers: target\.reshape\(\(64, 1\)\)\.$"):
            F.mse_loss(x, np.zeros(64))
        with pytest.raises(ShapeError, match=r"^mse_loss_backward: .*say so: np\.broadcast_to\(target, \(64, 1\)\)\.$"):
            F.mse_loss_backward(1.0, x, np.zeros((1, 1)))
        for other in ((64, 3), (7,)):
            with pytest.raises(ShapeError, match=r"give one target for every number of x\.$"):
                F.mse_loss(x, np.zeros(other))


class TestWhatIsRefused:
    def test_reductions(self):
        with pytest.raises(ArgumentError, match=r"^cross_entropy: reduction must be one of 'mean', 'sum', 'none', but it is 'average'\.$"):
            F.cross_entropy(LOG, LABELS, reduction="average")
        with pytest.raises(ArgumentError, match=r"^mse_loss_backward: reduction must be one of 'mean', 'sum', 'none', but it is None\.$"):
            F.mse_loss_backward(1.0, LOG, LOG, None)

    @pytest.mark.parametrize("reduction", ["mean", "sum"])
    def test_the_gradient_of_one_number_is_one_number(self, reduction):
        message = rf"^cross_entropy_backward: with reduction='{reduction}' the loss is one number, .*grad_output\.shape=\(3,\); pass 1\.0"
        with pytest.raises(ShapeError, match=message):
            F.cross_entropy_backward(np.ones(3), LOG, LABELS, reduction=reduction)
        with pytest.raises(
            ShapeError, match=rf"^mse_loss_backward: with reduction='{reduction}' .*reduction='none' for one number per loss"
        ):
            F.mse_loss_backward(np.ones((3, 3)), LOG, LOG, reduction)
        with pytest.raises(ArgumentError, match=r"^cross_entropy_backward: grad_output must be a real number, but it is None"):
            F.cross_entropy_backward(None, LOG, LABELS, reduction=reduction)
        with pytest.raises(DTypeError, match=r"^mse_loss_backward: grad_output must be float32 or float64, but its dtype is int64"):
            F.mse_loss_backward(np.array(1), LOG, LOG, reduction)

    def test_the_gradient_of_many_has_their_shape(self):
        with pytest.raises(
            ShapeError, match=r"^cross_entropy_backward: grad_output must have the output's shape, .*\(3,\).*shape=\(3, 3\)"
        ):
            F.cross_entropy_backward(LOG, LOG, LABELS, reduction="none")
        with pytest.raises(DTypeError, match=r"^cross_entropy_backward: grad_output must be a NumPy array, but it is a float"):
            F.cross_entropy_backward(1.0, LOG, LABELS, reduction="none")

    def test_dtypes_do_not_mix(self):
        with pytest.raises(DTypeError, match=r"^mse_loss: all arrays must have one dtype, but x is float64 and target is float32"):
            F.mse_loss(LOG, LOG.astype(np.float32))
        with pytest.raises(DTypeError, match=r"^cross_entropy: all arrays must have one dtype, but x is float64 and target is float32"):
            F.cross_entropy(LOG, ASKED.astype(np.float32))
        with pytest.raises(DTypeError, match=r"^cross_entropy: all arrays must have one dtype, but x is float64 and weight is float32"):
            F.cross_entropy(LOG, LABELS, FACTORS.astype(np.float32))


def test_labels_and_logits_are_untouched():
    labels, logits, factors = np.array([1, -100, 0], np.int64), LOG.copy(), FACTORS.copy()
    for array in (labels, logits, factors):
        array.flags.writeable = False
    for reduction, grad in (("mean", 1.0), ("none", np.ones(3))):
        F.cross_entropy(logits, labels, factors, reduction=reduction, label_smoothing=0.25)
        F.cross_entropy_backward(grad, logits, labels, factors, reduction=reduction, label_smoothing=0.25)
    assert_array_equal(labels, [1, -100, 0])
    assert_array_equal(logits, LOG)
