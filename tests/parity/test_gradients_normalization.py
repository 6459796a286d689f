"""Batch, layer and group norm and dropout against PyTorch: values in training, new statistics, gradients, and who refuses what.

Bounds: on either side every sum of m terms is off by at most m·eps of the sum of their magnitudes, counted by e = (terms + 8)·eps with
the few roundings around it.  What is taken off the mean cancels, so the magnitude of x̂ is A = (|x| + mean|x|)·r; the variance is off by
2e·mean(|x̂|·A)·(var + eps), relative to itself, and its root by half of that.  With κ = 1 + mean(|x̂|·A), x̂ is then off by at most e·κ·A,
and grad_x = r·(h - mean h - x̂·mean(h·x̂)) by 3e·κ·r·(|h| + mean|h| + κA·mean(|h|·κA)).  Both sides together: twice that.
"""

import math

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minicnn import functional as F
from minicnn.errors import MinicnnError

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
TF = torch.nn.functional

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
EPS = pytest.mark.parametrize("eps", [1e-5, 1e-2])
AFFINE = pytest.mark.parametrize("affine", [(False, False), (True, False), (True, True)], ids=["plain", "weight", "both"])


def tensors(*arrays, grad=False):
    made = [None if array is None else torch.from_numpy(np.ascontiguousarray(array)) for array in arrays]
    return [t if t is None else t.requires_grad_() for t in made] if grad else made


def drawn(shape, affine_shape, affine, dtype):
    rng = np.random.default_rng(0)
    x, g = (rng.normal(size=(2, *shape)) + np.array([1.5, 0]).reshape(2, *(1,) * len(shape))).astype(dtype)
    weight, bias = (
        array.astype(dtype) if there else None for array, there in zip(rng.normal(size=(2, *affine_shape)), affine, strict=True)
    )
    return x, g, weight, bias


def bounds(x, g, weight, bias, axes, outer, eps):
    """Bounds of y, grad_x, grad_weight and grad_bias; means over `axes`, sums for the parameters over `outer`; weight and bias broadcast."""
    unit = np.finfo(x.dtype).eps
    x, g, weight, bias = (np.asarray(array, np.float64) for array in (x, g, weight, bias))

    def mean(array):
        return array.mean(axis=axes, keepdims=True) if x.size else array.sum(axis=axes, keepdims=True)

    n, terms = math.prod(x.shape[a] for a in axes), math.prod(x.shape[a] for a in outer)
    deviations = x - mean(x)
    r = 1 / np.sqrt(mean(deviations**2) + eps)
    size, e = (abs(x) + mean(abs(x))) * r, (n + 8) * unit
    kappa = 1 + mean(abs(deviations) * r * size)
    h, sure = abs(g * weight), kappa * size
    by_x = r * (h + mean(h) + sure * mean(h * sure))
    return (
        2 * e * (sure * abs(weight) + abs(bias)),
        6 * e * kappa * by_x,
        2 * (e + terms * unit) * (abs(g) * sure).sum(axis=outer),
        2 * terms * unit * abs(g).sum(axis=outer),
    )


def assert_close(ours, theirs, allowed):
    for mine, other, bound in zip(ours, theirs, allowed, strict=False):
        if other is None:
            continue
        other = other.detach().numpy()
        assert mine.dtype == other.dtype
        assert mine.shape == other.shape
        assert np.isfinite(other).all()
        assert (abs(mine - other) <= bound.reshape(mine.shape)).all()


def backward(y, g, *leaves):
    y.backward(*tensors(g))
    return [None if leaf is None else leaf.grad for leaf in leaves]


@DTYPES
@EPS
@AFFINE
@pytest.mark.parametrize("shape", [(5, 3), (3, 3, 6), (2, 3, 4, 5), (1, 3, 2, 1), (2, 3, 2, 1, 4)])
@pytest.mark.parametrize("momentum", [0.1, 0.7])
def test_batch_norm_in_training(shape, affine, eps, momentum, dtype):
    x, g, weight, bias = drawn(shape, (3,), affine, dtype)
    rng, axes = np.random.default_rng(1), (0, *range(2, len(shape)))
    mean, var = rng.normal(size=3).astype(dtype), rng.uniform(0.1, 3, 3).astype(dtype)
    leaves, statistics = tensors(x, weight, bias, grad=True), [t.clone() for t in tensors(mean, var)]
    theirs = TF.batch_norm(leaves[0], *statistics, *leaves[1:], True, momentum, eps)
    column = (-1,) + (1,) * (len(shape) - 2)
    weight_bias = (np.ones((3, *column[1:])) if a is None else a.reshape(column) for a in (weight, bias))
    y_bound, *grad_bounds = bounds(x, g, *weight_bias, axes, axes, eps)
    y, *new = F.batch_norm(x, mean, var, weight, bias, True, momentum, eps)
    assert_close([y], [theirs], [y_bound])
    found = F.batch_norm_backward(g, x, mean, var, weight, True, eps)
    assert_close(found, backward(theirs, g, *leaves), grad_bounds)
    n, unit = x.size // 3, np.finfo(dtype).eps
    wide = x.astype(np.float64)
    second = ((abs(wide) + abs(wide).mean(axis=axes, keepdims=True)) ** 2).mean(axis=axes) * n / (n - 1)
    allowed = [2 * (n + 8) * unit * (abs(old) + size) for old, size in ((mean, abs(wide).mean(axis=axes)), (var, second))]
    assert_close(new, statistics, allowed)


@DTYPES
@EPS
@AFFINE
@pytest.mark.parametrize("shape", [(5, 3), (3, 3, 6), (2, 3, 4, 5), (0, 3, 4, 5)])
def test_batch_norm_with_frozen_statistics(shape, affine, eps, dtype):
    x, g, weight, bias = drawn(shape, (3,), affine, dtype)
    rng, axes = np.random.default_rng(1), (0, *range(2, len(shape)))
    mean, var = rng.normal(size=3).astype(dtype), rng.uniform(0.1, 3, 3).astype(dtype)
    leaves = tensors(x, weight, bias, grad=True)
    theirs = backward(TF.batch_norm(leaves[0], *tensors(mean, var), *leaves[1:], False, 0.1, eps), g, *leaves)
    column, unit, terms = (-1,) + (1,) * (len(shape) - 2), np.finfo(dtype).eps, x.size // 3
    r = (1 / np.sqrt(var.astype(np.float64) + eps)).reshape(column)
    size = (abs(x) + abs(mean.reshape(column))) * r
    scale = r if weight is None else r * abs(weight.reshape(column))
    # the scale: 4 roundings; its product: one; sums of `terms` products: as above
    allowed = (
        10 * unit * abs(g) * scale,
        2 * (terms + 8) * unit * (abs(g) * size).sum(axis=axes),
        2 * terms * unit * abs(g).sum(axis=axes),
    )
    assert_close(F.batch_norm_backward(g, x, mean, var, weight, False, eps), theirs, allowed)


@DTYPES
@EPS
@AFFINE
@pytest.mark.parametrize(
    ("shape", "sizes"), [((6,), (6,)), ((3, 5), (5,)), ((2, 3, 4, 5), (5,)), ((2, 3, 4, 5), (3, 4, 5)), ((0, 3), (3,))]
)
def test_layer_norm(shape, sizes, affine, eps, dtype):
    x, g, weight, bias = drawn(shape, sizes, affine, dtype)
    leaves = tensors(x, weight, bias, grad=True)
    theirs = TF.layer_norm(leaves[0], sizes, *leaves[1:], eps)
    axes, outer = tuple(range(len(shape) - len(sizes), len(shape))), tuple(range(len(shape) - len(sizes)))
    weight_bias = (np.ones(sizes) if a is None else a for a in (weight, bias))
    y_bound, *grad_bounds = bounds(x, g, *weight_bias, axes, outer, eps)
    assert_close([F.layer_norm(x, sizes, weight, bias, eps)], [theirs], [y_bound])
    assert_close(F.layer_norm_backward(g, x, sizes, weight, eps), backward(theirs, g, *leaves), grad_bounds)


@DTYPES
@EPS
@AFFINE
@pytest.mark.parametrize("shape", [(5, 6), (3, 6, 5), (2, 6, 4, 3), (1, 6, 2, 2, 3), (0, 6, 4)])
@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_group_norm(shape, groups, affine, eps, dtype):
    x, g, weight, bias = drawn(shape, (6,), affine, dtype)
    leaves = tensors(x, weight, bias, grad=True)
    theirs = TF.group_norm(leaves[0], groups, *leaves[1:], eps)
    grouped = (shape[0], groups, 6 // groups, math.prod(shape[2:]))
    weight_bias = (np.ones((groups, 6 // groups, 1)) if a is None else a.reshape(groups, -1, 1) for a in (weight, bias))
    y_bound, *grad_bounds = bounds(x.reshape(grouped), g.reshape(grouped), *weight_bias, (2, 3), (0, 3), eps)
    assert_close([F.group_norm(x, groups, weight, bias, eps)], [theirs], [y_bound])
    assert_close(F.group_norm_backward(g, x, groups, weight, eps), backward(theirs, g, *leaves), grad_bounds)


class TestDropout:
    @DTYPES
    @pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
    def test_through_pytorchs_mask(self, p, dtype):
        """The draws differ; what is done with a mask does not, NaN and infinities included."""
        rng = np.random.default_rng(0)
        x, g = rng.normal(size=(2, 3, 5, 7)).astype(dtype)
        x[0, 0, :3], x[1, 2, :3] = (np.nan, np.inf, -np.inf), (0, -0.0, 3e38)
        y, mask = torch.native_dropout(*tensors(x), p, True)
        theirs = torch.ops.aten.native_dropout_backward(*tensors(g), mask, 1 / (1 - p)).numpy()
        for ours, other in ((F.dropout_backward(x, mask.numpy(), p), y.numpy()), (F.dropout_backward(g, mask.numpy(), p), theirs)):
            np.testing.assert_allclose(ours, other, rtol=2 * np.finfo(dtype).eps)  # 1/(1 - p) is rounded, and the product

    @DTYPES
    def test_nothing_everything_and_evaluation(self, dtype):
        x = np.array([np.nan, np.inf, -np.inf, 0.0, -2.0, 5.0], dtype)
        for p, training in ((0.0, True), (1.0, True), (0.5, False)):
            ours = F.dropout(x, p, training, rng=np.random.default_rng(0))
            assert_array_equal(ours, TF.dropout(*tensors(x), p, training).numpy())


X, ONE = np.ones((2, 4, 3, 5), np.float32), np.ones(4, np.float32)

BOTH_REFUSE = {
    "one number per channel": (lambda f, x, m: f.batch_norm(x[:1, :, :1, :1], m, m, training=True), X, ONE),
    "one image of features": (lambda f, x, m: f.batch_norm(x[:1, :, 0, 0], m, m, training=True), X, ONE),
    "one statistic of two": (lambda f, x, m: f.batch_norm(x, m, None, training=True), X, ONE),
    "no statistics in evaluation": (lambda f, x: f.batch_norm(x, None, None), X),
    "batch_norm momentum None": (lambda f, x, m: f.batch_norm(x, m, m, training=True, momentum=None), X, ONE),
    "batch_norm weight of another length in training": (lambda f, x, m: f.batch_norm(x, None, None, m[:3], training=True), X, ONE),
    "layer_norm other size": (lambda f, x: f.layer_norm(x, (4,)), X),
    "layer_norm no axes": (lambda f, x: f.layer_norm(x, ()), X),
    "layer_norm weight": (lambda f, x, m: f.layer_norm(x, (5,), m), X, ONE),
    "group_norm groups": (lambda f, x: f.group_norm(x, 3), X),
    "group_norm no groups": (lambda f, x: f.group_norm(x, 0), X),
    "group_norm weight": (lambda f, x, m: f.group_norm(x, 2, m[:2]), X, ONE),
    "group_norm one axis": (lambda f, x: f.group_norm(x[0, :, 0, 0], 2), X),
    "dropout p above 1": (lambda f, x: f.dropout(x, 1.5), X),
    "dropout p below 0": (lambda f, x: f.dropout(x, -0.5), X),
}


@pytest.mark.parametrize("name", BOTH_REFUSE)
def test_both_refuse(name):
    call, *arrays = BOTH_REFUSE[name]
    with pytest.raises(MinicnnError):
        call(F, *arrays)
    with pytest.raises((RuntimeError, ValueError, TypeError, ZeroDivisionError)):
        call(TF, *tensors(*arrays))


class TestWhereWeDifferOnPurpose:
    """Each of these is in the table of differences, or refuses what can only be a mistake."""

    def test_new_statistics_are_returned_not_written(self):
        mean, var = ONE.copy(), ONE.copy()
        assert len(F.batch_norm(X, mean, var, training=True)) == 3
        assert_array_equal(mean, ONE)
        theirs = tensors(mean, var)
        assert isinstance(TF.batch_norm(*tensors(X), *theirs, training=True), torch.Tensor)
        assert (theirs[1].numpy() != 1).all()

    @pytest.mark.parametrize(
        "call",
        [
            lambda f, x, m: f.batch_norm(x[:0], m, m, training=True),  # no numbers to measure
            lambda f, x, m: f.batch_norm(x, m, m, training=True, momentum=1.5),
            lambda f, x, m: f.layer_norm(x, (5,), eps=-1.0),
            lambda f, x, m: f.group_norm(x[:, :, :0], 2),
            lambda f, x, m: f.dropout(x, 0.5),  # theirs draws from a hidden generator
        ],
    )
    def test_we_refuse_what_pytorch_takes(self, call):
        assert isinstance(call(TF, *tensors(X, ONE.copy())), torch.Tensor)
        with pytest.raises(MinicnnError):
            call(F, X, ONE)

    def test_we_take_what_pytorch_refuses(self):
        for call in (
            lambda f, x, m: f.batch_norm(x, m, m, training=True, eps=0.0),
            lambda f, x, m: f.group_norm(x[:1, :, 0, 0], 4),
            lambda f, x, m: f.layer_norm(x, 5),  # theirs wants a tuple
        ):
            call(F, X + np.arange(5, dtype=np.float32), ONE)
            with pytest.raises((RuntimeError, ValueError, TypeError)):
                call(TF, *tensors(X, ONE.copy()))
