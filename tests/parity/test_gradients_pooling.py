"""The gradients of pooling and unpooling against torch.autograd: strides, dilations, overlap, ties, NaN, ceil mode, empty batches.

A gradient through a maximum, and through unpooling, is a sum of grad_output's own numbers; both add them in reading order, so that
the bits are equal.  Through a mean it is a sum of m quotients: on either side each is rounded once (twice where PyTorch divides by
rows, then by columns), and every one of the m - 1 additions once, half an eps of the sum of magnitudes each.
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
SEEDS = pytest.mark.parametrize("seed", range(24))


def few(rng, shape, dtype, special=0.0):
    """Few different values, so that ties are common, and NaN and infinities at the rate `special`."""
    x = rng.integers(-2, 3, shape).astype(dtype)
    spoiled = rng.random(shape) < special
    x[spoiled] = rng.choice([NAN, INF, -INF], spoiled.sum())
    return x


def theirs(function, x, grad):
    """Return PyTorch's gradient of Σ grad·function(x) by x."""
    tensor = torch.from_numpy(x.copy()).requires_grad_()
    return torch.autograd.grad(function(tensor), tensor, torch.from_numpy(grad))[0].numpy()


def equal(ours, expected):
    assert ours.dtype == expected.dtype
    assert_array_equal(ours, expected)


def close(ours, expected, bound):
    assert ours.dtype == expected.dtype
    assert ours.shape == expected.shape
    assert (abs(ours - expected) <= bound).all()


def integer(rng, low, high):
    return int(rng.integers(low, high + 1))


def pair(rng, low, high):
    return integer(rng, low, high), integer(rng, low, high)


@SEEDS
@DTYPES
@pytest.mark.parametrize("special", [0.0, 0.1])
def test_max_pool2d(seed, dtype, special):
    rng = np.random.default_rng(seed)
    kernel, stride, dilation = pair(rng, 1, 4), pair(rng, 1, 4), pair(rng, 1, 3)
    padding = tuple(integer(rng, 0, k // 2) for k in kernel)
    size = [max(d * (k - 1) + 1, 2) + integer(rng, 0, 5) for k, d in zip(kernel, dilation, strict=True)]
    x = few(rng, (2, 3, *size), dtype, special)
    for ceil in (False, True):
        arguments = (kernel, stride, padding, dilation, ceil)
        y, places = F.max_pool2d(x, *arguments, return_indices=True)
        grad = rng.normal(size=y.shape).astype(dtype)
        if special:
            grad[0, 0, 0, 0] = INF
        expected = theirs(lambda x, arguments=arguments: TF.max_pool2d(x, *arguments), x, grad)
        equal(F.max_pool2d_backward(grad, x, *arguments), expected)
        equal(F.max_pool2d_backward(grad, x.shape, *arguments, indices=places), expected)


def test_max_pool2d_every_residue_of_ceil_mode():
    rng = np.random.default_rng(0)
    for kernel, stride, n, dilation in itertools.product(range(1, 4), range(1, 4), (3, 4, 5, 7), (1, 2)):
        for padding in range(kernel // 2 + 1):
            if n + 2 * padding < dilation * (kernel - 1) + 1:
                continue
            x = few(rng, (1, 2, 3, n), np.float32)
            arguments = ((1, kernel), (1, stride), (0, padding), dilation, True)
            grad = rng.normal(size=F.max_pool2d(x, *arguments).shape).astype(np.float32)
            equal(F.max_pool2d_backward(grad, x, *arguments), theirs(lambda x, arguments=arguments: TF.max_pool2d(x, *arguments), x, grad))


@pytest.mark.parametrize("value", [0.0, NAN, -INF, INF])
def test_nothing_but_ties_nan_or_minus_infinity(value):
    x = np.full((1, 2, 6, 7), value)
    grad = np.random.default_rng(0).normal(size=(1, 2, 3, 4))
    equal(F.max_pool2d_backward(grad, x, 3, 2, 1), theirs(lambda x: TF.max_pool2d(x, 3, 2, 1), x, grad))
    equal(F.adaptive_max_pool2d_backward(grad, x, (3, 4)), theirs(lambda x: TF.adaptive_max_pool2d(x, (3, 4)), x, grad))


def test_unequal_padding_is_pytorchs_of_a_padded_map():
    x = np.random.default_rng(0).normal(size=(2, 3, 7, 6))
    grad = np.random.default_rng(1).normal(size=F.max_pool2d(x, 4, (2, 3), ((1, 2), (2, 0))).shape)
    expected = theirs(lambda x: TF.max_pool2d(TF.pad(x, (2, 0, 1, 2), value=-INF), 4, (2, 3)), x, grad)
    equal(F.max_pool2d_backward(grad, x, 4, (2, 3), ((1, 2), (2, 0))), expected)
    expected = theirs(lambda x: TF.avg_pool2d(TF.pad(x, (2, 0, 1, 2)), 4, (2, 3)), x, grad)
    assert F.avg_pool2d(x, 4, (2, 3), ((1, 2), (2, 0))).shape == grad.shape
    close(F.avg_pool2d_backward(grad, x, 4, (2, 3), ((1, 2), (2, 0))), expected, avg_bound(4 * 4, grad, 4 * 4))


def avg_bound(terms, grad, divisor):
    """A sum of at most `terms` quotients, each rounded up to twice on either side: (terms + 2) eps of the magnitudes."""
    return (terms + 2) * np.finfo(grad.dtype).eps * terms * abs(grad).max() / divisor


@SEEDS
@DTYPES
def test_avg_pool2d(seed, dtype):
    rng = np.random.default_rng(seed)
    kernel, stride = pair(rng, 1, 4), pair(rng, 1, 4)
    padding = tuple(integer(rng, 0, k // 2) for k in kernel)
    x = rng.normal(size=(2, 3, *(k + integer(rng, 0, 6) for k in kernel))).astype(dtype)
    for ceil, include, divisor in itertools.product((False, True), (False, True), (None, 1, 7)):
        arguments = (kernel, stride, padding, ceil, include, divisor)
        grad = rng.normal(size=F.avg_pool2d(x, *arguments).shape).astype(dtype)
        magnitude = theirs(lambda x, arguments=arguments: TF.avg_pool2d(x, *arguments), x, abs(grad))
        bound = (kernel[0] * kernel[1] + 2) * np.finfo(dtype).eps * magnitude
        expected = theirs(lambda x, arguments=arguments: TF.avg_pool2d(x, *arguments), x, grad)
        close(F.avg_pool2d_backward(grad, x.shape, *arguments), expected, bound)
        whole = rng.integers(-9, 10, grad.shape).astype(dtype)  # where the divisor is a power of two, everything is exact
        if divisor == 1:
            equal(
                F.avg_pool2d_backward(whole, x, *arguments),
                theirs(lambda x, arguments=arguments: TF.avg_pool2d(x, *arguments), x, whole),
            )


@SEEDS
@DTYPES
def test_adaptive(seed, dtype):
    rng = np.random.default_rng(seed)
    size, output_size = pair(rng, 1, 13), pair(rng, 1, 9)
    output_size = [(None if rng.random() < 0.2 else o) for o in output_size]
    x = rng.normal(size=(2, 3, *size)).astype(dtype)
    grad = rng.normal(size=F.adaptive_avg_pool2d(x, output_size).shape).astype(dtype)
    magnitude = theirs(lambda x: TF.adaptive_avg_pool2d(x, output_size), x, abs(grad))
    # an input is in at most as many windows as there are; two quotients there, one here, and the additions
    bound = (grad.shape[2] * grad.shape[3] + 3) * np.finfo(dtype).eps * magnitude
    close(F.adaptive_avg_pool2d_backward(grad, x, output_size), theirs(lambda x: TF.adaptive_avg_pool2d(x, output_size), x, grad), bound)
    for special in (0.0, 0.1):
        x = few(rng, x.shape, dtype, special)
        expected = theirs(lambda x: TF.adaptive_max_pool2d(x, output_size), x, grad)
        equal(F.adaptive_max_pool2d_backward(grad, x, output_size), expected)
        places = F.adaptive_max_pool2d(x, output_size, return_indices=True)[1]
        equal(F.adaptive_max_pool2d_backward(grad, x.shape, output_size, indices=places), expected)


@SEEDS
@DTYPES
def test_max_unpool2d(seed, dtype):
    rng = np.random.default_rng(seed)
    kernel, stride = pair(rng, 1, 4), pair(rng, 1, 4)
    padding = tuple(integer(rng, 0, (k - 1) // 2) for k in kernel)
    x = rng.normal(size=(2, 3, *pair(rng, 2, 5))).astype(dtype)
    default = [(n - 1) * s - 2 * p + k for n, s, p, k in zip(x.shape[2:], stride, padding, kernel, strict=True)]
    extra = [integer(rng, 1 - s, s - 1) for s in stride]
    for size in (None, [max(d + e, 1) for d, e in zip(default, extra, strict=True)]):
        height, width = size or default
        if height * width < x.shape[2] * x.shape[3]:
            continue
        indices = np.argsort(rng.random((2, 3, height * width)), axis=2)[..., : x.shape[2] * x.shape[3]].reshape(x.shape)
        arguments = (kernel, stride, padding, size)
        there = torch.from_numpy(indices)
        expected = TF.max_unpool2d(torch.from_numpy(x), there, *arguments).numpy()
        equal(F.max_unpool2d(x, indices, *arguments), expected)
        grad = rng.normal(size=expected.shape).astype(dtype)
        gradient = theirs(lambda x, there=there, arguments=arguments: TF.max_unpool2d(x, there, *arguments), x, grad)
        equal(F.max_unpool2d_backward(grad, x, indices, *arguments), gradient)


def test_unpooling_as_segnet_does():
    x = np.random.default_rng(0).normal(size=(2, 3, 9, 7)).astype(np.float32)
    y, indices = F.max_pool2d(x, 2, return_indices=True)
    expected = TF.max_unpool2d(*TF.max_pool2d(torch.from_numpy(x), 2, return_indices=True), 2, output_size=(9, 7)).numpy()
    equal(F.max_unpool2d(y, indices, 2, output_size=(9, 7)), expected)


@pytest.mark.parametrize("shape", [(0, 4, 5, 7), (4, 5, 7)])
def test_empty_batches_and_single_images(shape):
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    for ours, back, their in (
        (lambda x: F.max_pool2d(x, 2), lambda g, x: F.max_pool2d_backward(g, x, 2), lambda x: TF.max_pool2d(x, 2)),
        (lambda x: F.avg_pool2d(x, 2), lambda g, x: F.avg_pool2d_backward(g, x, 2), lambda x: TF.avg_pool2d(x, 2)),
        (
            lambda x: F.adaptive_max_pool2d(x, 2),
            lambda g, x: F.adaptive_max_pool2d_backward(g, x, 2),
            lambda x: TF.adaptive_max_pool2d(x, 2),
        ),
    ):
        grad = np.ones_like(ours(x))
        equal(back(grad, x), theirs(their, x, grad))


X, PLACES = np.ones((1, 2, 3, 4), np.float32), np.arange(24).reshape(1, 2, 3, 4)


@pytest.mark.parametrize(
    "call",
    [
        lambda f, x, i: f.max_unpool2d(x, i + 100, 2),
        lambda f, x, i: f.max_unpool2d(x, i - 1, 2),
        lambda f, x, i: f.max_unpool2d(x, i[0], 2),
        lambda f, x, i: f.max_unpool2d(x, i, 2, output_size=(8, 8)),
        lambda f, x, i: f.max_unpool2d(x, i, 2, output_size=(6, 10)),
        lambda f, x, i: f.max_unpool2d(x, i, 2, output_size=(3, 6, 8)),
    ],
)
def test_both_refuse(call):
    with pytest.raises(MinicnnError):
        call(F, X, PLACES)
    with pytest.raises((RuntimeError, ValueError)):
        call(TF, torch.from_numpy(X), torch.from_numpy(PLACES))


class TestWhereWeDifferOnPurpose:
    """A row of the table of differences; when PyTorch changes, the row is due."""

    def test_a_number_that_was_written_over_has_no_gradient(self):
        x, indices = np.array([[[1.0, 2.0]]]), np.array([[[3, 3]]])
        grad = np.full((1, 2, 4), 5.0)
        assert_array_equal(F.max_unpool2d_backward(grad, x, indices, 2), [[[0, 5]]])
        expected = theirs(lambda x: TF.max_unpool2d(x, torch.from_numpy(indices), 2), x, grad)
        assert_array_equal(expected, [[[5, 5]]])  # not the derivative: moving the first number moves nothing
