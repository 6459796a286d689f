"""Gradients of the linear operations against torch.autograd, and unfold and fold with theirs.

Tolerances are derived as in test_functional_parity.py: a sum of m products is off by at most m·eps/2 of the sum of
their magnitudes on either side, so two of them differ by at most (m + 2)·eps of it.  What is only moved is equal.
"""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minicnn import functional as F
from minicnn import nn

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
TF = torch.nn.functional

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
SEEDS = pytest.mark.parametrize("seed", range(12))
FACTORS = [(2, 3), (1.7, 1.7), (0.6, 0.6), (2.5, 2.5), (1.3, 0.7), (1.1, 2.3), (5 / 3, 0.9)]


def normal(rng, *shape, dtype=np.float32):
    return rng.normal(size=shape).astype(dtype)


def whole(rng, *shape, dtype=np.float32):
    """Whole numbers: their sums are exact in any order."""
    return rng.integers(-4, 5, shape).astype(dtype)


def pair(rng, low, high):
    return tuple(int(n) for n in rng.integers(low, high + 1, 2))


def tensors(*arrays):
    return [torch.from_numpy(np.ascontiguousarray(array)) for array in arrays]


def autograd(operation, grad, *arrays):
    """Return PyTorch's gradients of Σ grad·operation(*arrays) by each array."""
    leaves = [tensor.requires_grad_() for tensor in tensors(*arrays)]
    operation(*leaves).backward(*tensors(grad))
    return [leaf.grad.numpy() for leaf in leaves]


def equal(ours, theirs):
    assert ours.dtype == theirs.dtype
    assert_array_equal(ours, theirs)


def close(ours, theirs, bound):
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    assert (abs(ours - theirs) <= bound).all()


@DTYPES
@pytest.mark.parametrize("leading", [(), (3,), (2, 3), (2, 1, 4), (0,), (2, 0)])
def test_linear(dtype, leading):
    rng = np.random.default_rng(0)
    x, weight, bias = normal(rng, *leading, 37, dtype=dtype), normal(rng, 5, 37, dtype=dtype), normal(rng, 5, dtype=dtype)
    g = normal(rng, *leading, 5, dtype=dtype)
    magnitudes = F.linear_backward(abs(g), abs(x), abs(weight))
    rows = int(np.prod(leading))
    for ours, theirs, terms, magnitude in zip(
        F.linear_backward(g, x, weight), autograd(TF.linear, g, x, weight, bias), (5, rows, rows), magnitudes, strict=True
    ):
        close(ours, theirs, (terms + 2) * np.finfo(dtype).eps * magnitude)


@DTYPES
@pytest.mark.parametrize("other", [(2, 3, 4, 5), (2, 3, 1, 1), (1, 3, 1, 1)])
def test_add(dtype, other):
    rng = np.random.default_rng(0)
    x, y, g = (normal(rng, *shape, dtype=dtype) for shape in ((2, 3, 4, 5), other, (2, 3, 4, 5)))
    terms = x.size // y.size
    for first, second in ((x, y), (y, x)):
        for part, ours, theirs in zip(
            (first, second), F.add_backward(g, first, second), autograd(torch.add, g, first, second), strict=True
        ):
            if part.shape == g.shape:
                equal(ours, theirs)
            else:
                close(ours, theirs, (terms + 2) * np.finfo(dtype).eps * F.add_backward(abs(g), x, y)[1])


@pytest.mark.parametrize("dim", range(-4, 4))
def test_concat(dim):
    rng, shape, pieces = np.random.default_rng(0), [2, 3, 4, 5], []
    for length in (2, 0, 3):
        shape[dim] = length
        pieces.append(normal(rng, *shape))
    g = normal(rng, *F.concat(pieces, dim).shape)
    for ours, theirs in zip(F.concat_backward(g, pieces, dim), autograd(lambda *p: torch.cat(p, dim), g, *pieces), strict=True):
        equal(ours, theirs)


@pytest.mark.parametrize(("start", "end"), [(0, -1), (1, -1), (1, 2), (2, 2), (-2, -1), (-4, 3)])
def test_flatten(start, end):
    rng = np.random.default_rng(0)
    x = normal(rng, 2, 3, 4, 5)
    g = normal(rng, *F.flatten(x, start, end).shape)
    equal(F.flatten_backward(g, x, start, end), autograd(lambda x: torch.flatten(x, start, end), g, x)[0])


@SEEDS
@DTYPES
@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
def test_pad(seed, dtype, mode):
    rng = np.random.default_rng(seed)
    height, width = pair(rng, 1, 7)
    most = {"reflect": (width - 1, height - 1), "circular": (width, height)}.get(mode, (5, 5))
    pad = [int(rng.integers(0, limit + 1)) for limit in np.repeat(most, 2)]
    x = whole(rng, *(2, 3)[seed % 2 :], height, width, dtype=dtype)
    g = whole(rng, *F.pad(x, pad, mode).shape, dtype=dtype)
    equal(F.pad_backward(g, x, pad, mode), autograd(lambda x: TF.pad(x, pad, mode), g, x)[0])


def scales_that_fit(size):
    return [{"scale_factor": f} for f in FACTORS if min(n * factor for n, factor in zip(size, f, strict=True)) >= 1]


@SEEDS
@DTYPES
def test_interpolate_nearest(seed, dtype):
    rng = np.random.default_rng(seed)
    size, out = pair(rng, 1, 12), pair(rng, 1, 30)
    x = whole(rng, 2, 3, *size, dtype=dtype)
    for options in ({"size": out}, {"scale_factor": (1.7, 3), "recompute_scale_factor": True}, *scales_that_fit(size)):
        g = whole(rng, *F.interpolate(x, **options).shape, dtype=dtype)
        equal(F.interpolate_backward(g, x, **options), autograd(lambda x, options=options: TF.interpolate(x, **options), g, x)[0])


@SEEDS
@DTYPES
@pytest.mark.parametrize("align", [None, False, True])
def test_interpolate_bilinear(seed, dtype, align):
    rng = np.random.default_rng(seed)
    size, out = pair(rng, 1, 12), pair(rng, 1, 30)
    x = normal(rng, 2, 3, *size, dtype=dtype)
    for options in ({"size": out}, {"scale_factor": (1.7, 3), "recompute_scale_factor": True}, *scales_that_fit(size)):
        settings = {"mode": "bilinear", "align_corners": align, **options}
        g = normal(rng, *F.interpolate(x, **settings).shape, dtype=dtype)
        # An input collects from at most m outputs. Each weight is off by the rounding of their position, 3·n·eps/2 per axis
        # (see the forward test), and by its product; then a sum of m terms.
        most = 1
        for rule, n in zip(nn.Upsample(**settings).axes(x.shape)[0], size, strict=True):
            seen = [rule.sees(i, n) for i in range(rule.out)]
            most *= max(sum(q in cells for cells in seen) for q in range(n)) + 2  # and two that their rounding moves across a cell
        bound = np.finfo(dtype).eps * abs(g).max() * most * (3 * sum(size) + 6 + most)
        theirs = autograd(lambda x, settings=settings: TF.interpolate(x, **settings), g, x)[0]
        close(F.interpolate_backward(g, x, **settings), theirs, bound)


@SEEDS
@DTYPES
def test_unfold_and_fold(seed, dtype):
    rng = np.random.default_rng(seed)
    kernel, dilation, padding, stride = pair(rng, 1, 3), pair(rng, 1, 2), pair(rng, 0, 2), pair(rng, 1, 3)
    size = tuple(max(d * (k - 1) + 1 - 2 * p, 1) + int(rng.integers(0, 5)) for k, d, p in zip(kernel, dilation, padding, strict=True))
    settings = (kernel, dilation, padding, stride)
    x = whole(rng, *(2, 3)[seed % 2 :], *size, dtype=dtype)
    equal(F.unfold(x, *settings), TF.unfold(*tensors(x), *settings).numpy())
    columns = whole(rng, *F.unfold(x, *settings).shape, dtype=dtype)
    equal(F.fold(columns, size, *settings), TF.fold(*tensors(columns), size, *settings).numpy())
    equal(F.unfold_backward(columns, x, *settings), autograd(lambda x: TF.unfold(x, *settings), columns, x)[0])
    equal(F.fold_backward(x, columns, size, *settings), autograd(lambda c: TF.fold(c, size, *settings), x, columns)[0])


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (nn.Unfold((3, 2), 2, (1, 0), (2, 1)), torch.nn.Unfold((3, 2), 2, (1, 0), (2, 1))),
        (nn.Upsample(scale_factor=(1.7, 0.6)), torch.nn.Upsample(scale_factor=(1.7, 0.6))),
        (nn.Upsample(None, (1.5, 0.5), "bilinear", False, True), torch.nn.Upsample(None, (1.5, 0.5), "bilinear", False, True)),
        (nn.ReflectionPad2d((1, 2, 0, 3)), torch.nn.ReflectionPad2d((1, 2, 0, 3))),
    ],
)
def test_layers_take_their_arguments_in_pytorchs_order(ours, theirs):
    x = (np.random.default_rng(0).integers(-4, 5, (2, 3, 6, 9)) * 4).astype(np.float32)
    expected = theirs(*tensors(x)).numpy()
    close(ours(x), expected, np.finfo(np.float32).eps * abs(x).max() * (3 * (6 + 9) + 6))  # as in the forward test


def test_fold_layer_takes_its_arguments_in_pytorchs_order():
    columns = whole(np.random.default_rng(0), 2, 12, 6)
    equal(nn.Fold((4, 5), 2, 1, 0, (1, 3))(columns), torch.nn.Fold((4, 5), 2, 1, 0, (1, 3))(*tensors(columns)).numpy())
