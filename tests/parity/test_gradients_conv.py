"""Gradients of the two convolutions against torch.autograd, values and bounds derived as in contract.py."""

import numpy as np
import pytest

from minicnn import functional as F

torch = pytest.importorskip("torch", reason="parity needs PyTorch")
TF = torch.nn.functional
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
WORDS = {"reflect": "reflect", "replicate": "replicate", "circular": "circular"}


def theirs(function, grad, *arrays):
    """Return PyTorch's gradients of Σ grad · function(*arrays)."""
    leaves = [torch.tensor(array, requires_grad=True) for array in arrays]
    function(*leaves).backward(torch.tensor(grad))
    return [leaf.grad.numpy() for leaf in leaves]


def settings(seed):
    rng = np.random.default_rng(seed)
    draw = lambda low, high: int(rng.integers(low, high + 1))  # noqa: E731
    groups, inputs, outputs = draw(1, 3), draw(1, 3), draw(1, 5)
    kernel, stride, dilation = ((draw(1, top), draw(1, top)) for top in (4, 4, 3))
    padding = draw(0, 3), draw(0, 3)
    size = [max(1, d * (k - 1) + 1 - 2 * p) + draw(0, 7) for k, d, p in zip(kernel, dilation, padding, strict=True)]
    return rng, groups, inputs, outputs, kernel, stride, dilation, padding, size


def compare(ours, expected, sizes, terms, dtype):
    """Both sides sum the same `terms` products, each in an order of its own: (terms + 2)·eps·Σ|products| on either side."""
    for found, other, size, count in zip(ours, expected, sizes, terms, strict=True):
        assert found.dtype == other.dtype == dtype
        assert found.shape == other.shape
        assert (np.abs(found - other) <= 2 * (count + 2) * np.finfo(dtype).eps * size).all()


@DTYPES
@pytest.mark.parametrize("seed", range(40))
def test_conv2d(seed, dtype):
    rng, groups, inputs, outputs, kernel, stride, dilation, padding, size = settings(seed)
    mode = ("zeros", "zeros", *WORDS)[seed % 5]
    if mode != "zeros":
        size = [max(n, p + 1) for n, p in zip(size, padding, strict=True)]
    x = rng.standard_normal((3, groups * inputs, *size)).astype(dtype)
    weight = rng.standard_normal((groups * outputs, inputs, *kernel)).astype(dtype)
    bias = np.zeros(groups * outputs, dtype)

    def torchs(x, w, b):
        if mode != "zeros":
            x = TF.pad(x, (padding[1], padding[1], padding[0], padding[0]), mode=WORDS[mode])
        return TF.conv2d(x, w, b, stride, padding if mode == "zeros" else 0, dilation, groups)

    arguments = (stride, padding, dilation, groups)
    grad = rng.standard_normal(F.conv2d(x, weight, bias, *arguments, padding_mode=mode).shape).astype(dtype)
    ours = F.conv2d_backward(grad, x, weight, *arguments, padding_mode=mode)
    sizes = F.conv2d_backward(*(np.abs(a) for a in (grad, x, weight)), *arguments, padding_mode=mode)
    # a number that the border repeats collects the products of all its copies, four at the most on each axis
    copies = 1 if mode == "zeros" else (1 + max(padding)) ** 2
    terms = outputs * kernel[0] * kernel[1] * copies, grad[:, 0].size, grad[:, 0].size
    compare(ours, theirs(torchs, grad, x, weight, bias), sizes, terms, dtype)


@DTYPES
@pytest.mark.parametrize("seed", range(40))
def test_conv_transpose2d(seed, dtype):
    rng, groups, inputs, outputs, kernel, stride, dilation, padding, _ = settings(seed)
    extra = tuple(int(rng.integers(0, max(s, d))) for s, d in zip(stride, dilation, strict=True))
    size = [int(rng.integers(2, 7)) for _ in "hw"]
    whole = [(n - 1) * s + d * (k - 1) + e + 1 for n, s, d, k, e in zip(size, stride, dilation, kernel, extra, strict=True)]
    padding = tuple(min(p, (n - 1) // 2) for p, n in zip(padding, whole, strict=True))
    x = rng.standard_normal((3, groups * inputs, *size)).astype(dtype)
    weight, bias = rng.standard_normal((groups * inputs, outputs, *kernel)).astype(dtype), np.zeros(groups * outputs, dtype)
    arguments = (stride, padding, extra, groups, dilation)
    grad = rng.standard_normal(F.conv_transpose2d(x, weight, bias, *arguments).shape).astype(dtype)
    ours = F.conv_transpose2d_backward(grad, x, weight, *arguments)
    sizes = F.conv_transpose2d_backward(*(np.abs(a) for a in (grad, x, weight)), *arguments)
    terms = outputs * kernel[0] * kernel[1], x[:, 0].size, grad[:, 0].size
    compare(ours, theirs(lambda x, w, b: TF.conv_transpose2d(x, w, b, *arguments), grad, x, weight, bias), sizes, terms, dtype)


@pytest.mark.filterwarnings("ignore:Using padding=.same.:UserWarning")
def test_same_padding():
    rng = np.random.default_rng(0)
    x, weight = rng.standard_normal((2, 3, 8, 5)), rng.standard_normal((4, 3, 2, 4))
    grad = rng.standard_normal((2, 4, 8, 5))
    expected = theirs(lambda x, w: TF.conv2d(x, w, padding="same"), grad, x, weight)
    for found, other in zip(F.conv2d_backward(grad, x, weight, padding="same"), expected, strict=False):
        np.testing.assert_allclose(found, other, rtol=0, atol=200 * np.finfo(float).eps * np.abs(other).max())
