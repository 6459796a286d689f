"""Losses and their gradients against PyTorch: every option, values, gradients by autograd, and who refuses what.

Where the bounds come from, eps a number's last digit.  With s = x - max x, a logarithm of a share -log p_c = log Σe^s - s_c is
off by eps·B_c on either side, B_c = |s_c| + K + 10 + 4·log K + |log p_c|: s is rounded, an exponential is good to 4 eps and |s|
times e^s never exceeds 1, the sum has K terms and one logarithm, and the difference is rounded.  A loss Σq·(-log p) then has
K products and a sum over P positions; a gradient p·Σq - q has p = e^(log p), so B_c again, a sum of K and one difference.
"""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minicnn import functional as F
from minicnn.errors import MinicnnError

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
TF = torch.nn.functional

NAN, INF = np.nan, np.inf
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
SHAPES = pytest.mark.parametrize("shape", [(5, 3), (1, 1), (7,), (2, 4, 3), (2, 3, 5, 4), (64, 10), (0, 4), (3, 4, 0)])
X = np.zeros((4, 3), np.float32)
REDUCTIONS = ("mean", "sum", "none")


def both(x, target, weight, grad, **options):
    """Return (loss, gradient) of ours and of theirs."""
    reduction = options["reduction"]
    ours = F.cross_entropy(x, target, weight, **options)
    ours = ours, F.cross_entropy_backward(grad if reduction == "none" else float(grad), x, target, weight, **options)
    leaf = torch.tensor(x, requires_grad=True)
    asked = torch.from_numpy(target if target.dtype.kind == "f" else target.astype(np.int64))
    theirs = TF.cross_entropy(leaf, asked, None if weight is None else torch.from_numpy(weight), **options)
    theirs.backward(torch.from_numpy(np.asarray(grad)))
    return ours, (theirs.detach().numpy(), leaf.grad.numpy())


def close(ours, theirs, bound):
    ours = np.asarray(ours)
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    assert_array_equal(np.isnan(ours), np.isnan(theirs))
    finite = np.isfinite(theirs)
    assert_array_equal(ours[~finite], theirs[~finite])
    assert (abs(ours[finite].astype(float) - theirs[finite]) <= np.broadcast_to(bound, ours.shape)[finite]).all()


def dense(x, target, weight, ignore_index, smoothing):
    """Return q in the docstring's equation, x's shape, and the divisor of the mean, all in float64."""
    axis = min(x.ndim - 1, 1)
    classes = x.shape[axis]
    w = np.ones(classes) if weight is None else weight.astype(float)
    w = w.reshape((-1,) + (1,) * (x.ndim - axis - 1))
    if target.dtype.kind == "f":
        return w * ((1 - smoothing) * target + smoothing / classes), x.size / classes
    hot = np.expand_dims(target, axis) == np.arange(classes).reshape(w.shape)
    kept = np.expand_dims(target != ignore_index, axis)
    own = (hot * w).sum(axis=axis, keepdims=True)
    return ((1 - smoothing) * hot * w + smoothing / classes * w) * kept, (own * kept).sum()


def bounds(x, q, divisor, grad, reduction):
    """Return how far the two losses, and the two gradients, may lie apart."""
    axis, eps, tiny = min(x.ndim - 1, 1), np.finfo(x.dtype).eps, np.finfo(x.dtype).tiny
    classes, positions = x.shape[axis], x.size // x.shape[axis]
    s = x.astype(float) - x.max(axis=axis, keepdims=True) if x.size else x.astype(float)
    logs = np.log(np.exp(s).sum(axis=axis, keepdims=True)) - s
    b = abs(s) + classes + 10 + 4 * np.log(classes) + logs
    losses = 2 * eps * ((q * b).sum(axis=axis) + (classes + 6) * (q * logs).sum(axis=axis)) + tiny
    gradients = 2 * eps * (np.exp(-logs) * q.sum(axis=axis, keepdims=True) * (b + classes + 12) + 8 * q)
    if reduction == "none":
        return losses, np.expand_dims(abs(grad), axis) * gradients + tiny
    total = losses.sum() + 2 * (positions + 6) * eps * (q * logs).sum()
    gradients = abs(float(grad)) * (gradients + 2 * eps * positions * (np.exp(-logs) * q.sum(axis=axis, keepdims=True) + q))
    return (total, gradients + tiny) if reduction == "sum" else (total / divisor if divisor else NAN, gradients / (divisor or NAN) + tiny)


def drawn(rng, shape, dtype, scale):
    """Return logits, labels of which some are ignored, probabilities, class weights and what comes back."""
    axis = min(len(shape) - 1, 1)
    places = shape[:axis] + shape[axis + 1 :]
    x = (rng.normal(size=shape) * scale).astype(dtype)
    labels = np.asarray(rng.integers(0, shape[axis], places))
    labels = np.where(rng.random(places) < 0.2, -100, labels)
    shares = rng.random(shape).astype(dtype)
    weight = rng.uniform(0.1, 3, shape[axis]).astype(dtype)
    return x, labels, shares, weight, rng.normal(size=places).astype(dtype)


@DTYPES
@SHAPES
@pytest.mark.parametrize("asked", ["labels", "probabilities"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_cross_entropy(dtype, shape, asked, reduction):
    rng = np.random.default_rng(len(shape))
    for weighted, smoothing, ignore in itertools.product((False, True), (0.0, 0.1, 1.0), (-100, 0)):
        if asked == "probabilities" and ignore == 0:
            continue
        x, labels, shares, weight, grad = drawn(rng, shape, dtype, rng.choice([1, 30]))
        labels[labels == -100] = ignore
        target, weight = labels if asked == "labels" else shares, weight if weighted else None
        grad = grad if reduction == "none" else dtype(1.7)
        options = {"ignore_index": ignore, "reduction": reduction, "label_smoothing": smoothing}
        (loss, grad_x), (their_loss, their_grad_x) = both(x, target, weight, grad, **options)
        q, divisor = dense(x, target, weight, ignore, smoothing)
        for_loss, for_gradient = bounds(x, q, divisor, grad, reduction)
        close(loss, their_loss, for_loss)
        if divisor:
            close(grad_x, their_grad_x, for_gradient)
        else:
            assert_array_equal(grad_x, their_grad_x)  # nobody was asked anything


@DTYPES
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("smoothing", [0.0, 0.25])
def test_infinities_and_nan(dtype, reduction, smoothing):
    x = np.array([[-INF, 1, 2], [0, 1, 2], [INF, 0, 0], [-INF, -INF, -INF], [NAN, 0, 1], [INF, INF, 0], [3e38, -3e38, 0]], dtype)
    shares = np.array([[0.5, 0.5, 0]] * 7, dtype)
    for target in (np.array([1, 1, 0, 1, 2, 0, 1]), np.array([0, 1, 1, 2, 0, 2, 0]), shares):
        for rows in (range(7), *([k] for k in range(7))):
            grad = np.ones(len(rows), dtype) if reduction == "none" else dtype(1)
            ours, theirs = both(x[rows], target[rows], None, grad, reduction=reduction, label_smoothing=smoothing)
            for a, b in zip(ours, theirs, strict=True):
                # -log p of 3e38 - -3e38 overflows in float32; elsewhere at most seven numbers of size 2 and a factor of 1
                close(a, b, np.finfo(dtype).eps * 200 + np.finfo(dtype).eps * 20 * np.where(np.isfinite(b), abs(b), 0))


@pytest.mark.parametrize("smoothing", [0.0, 0.5])
def test_where_no_label_has_a_weight_the_mean_is_no_number(smoothing):
    y, w = np.zeros(4, np.int64), np.array([0, 1, 1], np.float32)
    ours, theirs = both(X, y, w, np.float32(1), reduction="mean", label_smoothing=smoothing)
    for a, b in zip(ours, theirs, strict=True):  # 0/0; with smoothing, where ours is one number over 0 and theirs two, ±∞ for NaN
        assert not np.isfinite(a).any()
        assert not np.isfinite(b).any()


@DTYPES
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [(3, 5), (2, 3, 5, 4), (), (0, 3)])
def test_mse_loss(dtype, reduction, shape):
    rng = np.random.default_rng(0)
    x, target, grad = (np.asarray(rng.normal(size=shape), dtype) for _ in range(3))
    grad = grad if reduction == "none" else dtype(1.7)
    leaves = [torch.tensor(array, requires_grad=True) for array in (x, target)]
    theirs = TF.mse_loss(*leaves, reduction=reduction)
    theirs.backward(torch.from_numpy(np.asarray(grad)))
    eps = np.finfo(dtype).eps
    squares = (x.astype(float) - target) ** 2
    # a difference, a square, a sum of x.size and a quotient, half an eps each on either side (twice for the square)
    bound = {"none": 4 * eps * squares, "sum": (x.size + 4) * eps * squares.sum()}
    bound["mean"] = (x.size + 5) * eps * squares.sum() / max(x.size, 1)
    close(F.mse_loss(x, target, reduction), theirs.detach().numpy(), bound[reduction])
    scale = abs(2.0 * grad) / (max(x.size, 1) if reduction == "mean" else 1)
    for ours, leaf in zip(F.mse_loss_backward(grad, x, target, reduction), leaves, strict=True):
        close(ours, leaf.grad.numpy(), 6 * eps * np.sqrt(squares) * scale)


def tensors(*arrays):
    return [torch.from_numpy(array) for array in arrays]


BOTH_REFUSE = {
    "a label too large": (lambda f, x, y: f.cross_entropy(x, y), X, np.array([0, 1, 2, 3])),
    "a negative label": (lambda f, x, y: f.cross_entropy(x, y), X, np.array([0, 1, 2, -1])),
    "one-hot whole numbers": (lambda f, x, y: f.cross_entropy(x, y), X, np.eye(3, dtype=np.int64)[[0, 1, 2, 0]]),
    "labels as floats": (lambda f, x, y: f.cross_entropy(x, y), X, np.zeros(4, np.float32)),
    "labels with an axis left over": (lambda f, x, y: f.cross_entropy(x, y), X, np.zeros((4, 1), np.int64)),
    "too few labels": (lambda f, x, y: f.cross_entropy(x, y), X, np.zeros(3, np.int64)),
    "classes last": (lambda f, x, y: f.cross_entropy(x, y), np.zeros((2, 5, 4, 3), np.float32), np.zeros((2, 5, 4), np.int64)),
    "too few class weights": (lambda f, x, y, w: f.cross_entropy(x, y, w), X, np.zeros(4, np.int64), np.ones(2, np.float32)),
    "class weights of another dtype": (lambda f, x, y, w: f.cross_entropy(x, y, w), X, np.zeros(4, np.int64), np.ones(3)),
    "smoothing above 1": (lambda f, x, y: f.cross_entropy(x, y, label_smoothing=1.5), X, np.zeros(4, np.int64)),
    "an ignored label among probabilities": (lambda f, x, y: f.cross_entropy(x, y, ignore_index=1), X, X),
    "another reduction": (lambda f, x, y: f.cross_entropy(x, y, reduction="median"), X, np.zeros(4, np.int64)),
    "truth values": (lambda f, x, y: f.cross_entropy(x, y), X, np.zeros(4, bool)),
    "mse of shapes that do not meet": (lambda f, x, y: f.mse_loss(x, y), X, np.zeros((4, 2), np.float32)),
}


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("name", BOTH_REFUSE)
def test_both_refuse(name):
    call, *arrays = BOTH_REFUSE[name]
    with pytest.raises(MinicnnError):
        call(F, *arrays)
    with pytest.raises((RuntimeError, ValueError, IndexError)):
        call(TF, *tensors(*arrays))


class TestWhereWeDifferOnPurpose:
    """Each of these is due when PyTorch changes."""

    def test_labels_of_any_whole_numbers(self):
        y = np.array([0, 1, 2, 1], np.int32)
        with pytest.raises(RuntimeError, match="expected target dtype to be Long or Byte"):
            TF.cross_entropy(*tensors(X, y))
        assert F.cross_entropy(X, y) == TF.cross_entropy(*tensors(X, y.astype(np.int64))).numpy()

    def test_an_ignored_row_of_nan_has_a_gradient_of_zero(self):
        x, y = np.array([[NAN, 1], [0, 0]], np.float32), np.array([-100, 1])
        (_, ours), (_, theirs) = both(x, y, None, np.float32(1), reduction="mean")
        assert_array_equal(ours, [[0, 0], [0.5, -0.5]])
        assert np.isnan(theirs[0]).all()

    @pytest.mark.filterwarnings("ignore:Using a target size")
    def test_nothing_is_broadcast(self):
        x, t = np.zeros((4, 1), np.float32), np.ones(4, np.float32)
        assert TF.mse_loss(*tensors(x, t), reduction="none").shape == (4, 4)
        with pytest.raises(MinicnnError, match=r"target\.reshape\(\(4, 1\)\)"):
            F.mse_loss(x, t)

    def test_dtypes_do_not_mix(self):
        for call in (lambda f, x, y: f.mse_loss(x, y), lambda f, x, y: f.cross_entropy(x, y)):
            assert isinstance(call(TF, *tensors(X, X.astype(np.float64))), torch.Tensor)
            with pytest.raises(MinicnnError):
                call(F, X, X.astype(np.float64))
