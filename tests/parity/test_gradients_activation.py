"""Activations and their gradients against PyTorch's and torch.autograd: values, kinks, NaN and infinities, who refuses what.

Bounds are derived.  Of exp, expm1, log1p and tanh either side is taken to be within 3 eps, of our erfc within the 8 (float64)
or 12 (float32) units of its card, of one rounding within eps/2; each bound adds up what both sides may lose that way.
"""

import math

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minicnn import functional as F
from minicnn import nn
from minicnn.errors import MinicnnError

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
TF = torch.nn.functional

NAN, INF = np.nan, np.inf
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
SHAPE = (2, 4, 9, 7)


def autograd(function, grad_output, *arrays):
    """Return PyTorch's value and its gradients by all arrays."""
    leaves = [torch.from_numpy(np.ascontiguousarray(array)).requires_grad_() for array in arrays]
    y = function(*leaves)
    y.backward(torch.from_numpy(np.ascontiguousarray(grad_output)))
    return y.detach().numpy(), *(leaf.grad.numpy() for leaf in leaves)


def inputs(dtype, scale=3.0, seed=0, shape=SHAPE):
    """x with every kink of every function in it, and a gradient; NaN stands early, where PyTorch works on vectors."""
    rng = np.random.default_rng(seed)
    x, g = rng.normal(scale=scale, size=shape).astype(dtype), rng.normal(size=shape).astype(dtype)
    special = [NAN, INF, -INF, 0, -0.0, 3, -3, 6, 1e4, -1e4, 1e-30, -1e-30]
    x.reshape(-1)[: len(special)] = special
    return x, g


def equal(ours, theirs):
    assert ours.dtype == theirs.dtype
    assert_array_equal(ours, theirs)


def close(ours, theirs, bound):
    """Within an elementwise bound where finite; elsewhere the same infinity or NaN."""
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    finite = np.isfinite(theirs)
    assert_array_equal(ours[~finite], theirs[~finite])
    bound = np.broadcast_to(bound, ours.shape)
    assert (abs(ours[finite] - theirs[finite]) <= bound[finite]).all()


PIECEWISE = {
    "relu": (F.relu, F.relu_backward, TF.relu),
    "relu6": (F.relu6, F.relu6_backward, TF.relu6),
    "leaky_relu": (F.leaky_relu, F.leaky_relu_backward, TF.leaky_relu),
    "leaky_relu 0": (lambda x: F.leaky_relu(x, 0.0), lambda g, x: F.leaky_relu_backward(g, x, 0.0), lambda x: TF.leaky_relu(x, 0.0)),
    "leaky_relu -0.3": (lambda x: F.leaky_relu(x, -0.3), lambda g, x: F.leaky_relu_backward(g, x, -0.3), lambda x: TF.leaky_relu(x, -0.3)),
}


@DTYPES
@pytest.mark.parametrize("name", PIECEWISE)
@pytest.mark.parametrize("came", [None, NAN, INF, -INF, 0.0])
def test_piecewise_linear(name, came, dtype):
    function, gradient, torchs = PIECEWISE[name]
    x, g = inputs(dtype)
    if came is not None:
        g[...] = came
    y, grad_x = autograd(torchs, g, x)
    equal(function(x), y)
    equal(gradient(g, x), grad_x)


@DTYPES
@pytest.mark.parametrize("slopes", [[0.25], [0.0], [0.25, -1.5, 0.0, 3.0]])
@pytest.mark.parametrize("shape", [SHAPE, (3, 4), (5, 4, 6), (0, 4, 3), (2, 4, 3, 2, 5)])
def test_prelu(slopes, shape, dtype):
    rng = np.random.default_rng(1)
    x, g, weight = rng.integers(-3, 4, shape).astype(dtype), rng.normal(size=shape).astype(dtype), np.array(slopes, dtype)
    y, grad_x, grad_weight = autograd(TF.prelu, g, x, weight)
    equal(F.prelu(x, weight), y)
    ours_x, ours_weight = F.prelu_backward(g, x, weight)
    equal(ours_x, grad_x)
    size = np.abs(g * x)
    others = tuple(axis for axis in range(x.ndim) if axis != 1)
    terms, size = (x.size, size.sum()) if len(slopes) == 1 else (x.size // 4, size.sum(axis=others))
    close(ours_weight, grad_weight, (terms + 2) * np.finfo(dtype).eps * size)


@pytest.mark.parametrize("value", [NAN, INF, -INF, 0.0])
def test_prelus_slope_at_the_ends(value):
    for came in (2.0, INF, NAN):
        x, g, weight = np.full((1, 1), value), np.full((1, 1), came), np.array([0.0])
        y, grad_x, grad_weight = autograd(TF.prelu, g, x, weight)
        equal(F.prelu(x, weight), y)
        ours = F.prelu_backward(g, x, weight)
        equal(ours[0], grad_x)
        equal(ours[1], grad_weight)


def sigmoid(x):
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x.astype(np.float64)))


def at_most(x, most):
    return np.minimum(np.abs(x), most)


def gelu_tanh_bound(x):
    """1 - tanh² is off by 8 eps on either side, and is multiplied by x·u′/2; it is 0 exactly from |x| = 10 on."""
    size = at_most(x, 10)
    return 12 + 2 * 8 * size * 0.4 * (1 + 0.135 * size**2)


# name: (ours, our gradient, PyTorch's, eps of the value, eps of the gradient per |grad_output|)
CURVES = {
    # y is off by 4 eps·y, which y·(1 - y) hands on, and 1.5 roundings: twice.
    "sigmoid": (F.sigmoid, F.sigmoid_backward, TF.sigmoid, lambda x, y: 8 * y, lambda x: 11 * sigmoid(x)),
    # σ is off by 4 eps, (1 + x·(1 - σ))·σ hands on 1 + |x| times that, and has 2.5 roundings of its own: twice.
    "silu": (F.silu, F.silu_backward, TF.silu, lambda x, y: 8 * abs(y), lambda x: 13 * sigmoid(x) * (1 + abs(x))),
    # 1 - y² hands on 2·3 eps and has 1.5 roundings: twice.
    "tanh": (F.tanh, F.tanh_backward, TF.tanh, lambda x, y: 6 * abs(y), lambda x: 15.0),
    "elu": (F.elu, F.elu_backward, TF.elu, lambda x, y: 8 * abs(y), lambda x: 8.0),
    "elu 0": (lambda x: F.elu(x, 0), lambda g, x: F.elu_backward(g, x, 0), lambda x: TF.elu(x, 0.0), lambda x, y: 0, lambda x: 0),
    "elu -1.5": (lambda x: F.elu(x, -1.5), lambda g, x: F.elu_backward(g, x, -1.5), lambda x: TF.elu(x, -1.5), lambda x, y: 8 * abs(y), lambda x: 12.0),
    # (1 + erf)/2 is off by 3 eps there and erfc/2 by 12 + 1 here; the bell curve, at most 0.4 and |x|·0.25, by 2.
    "gelu": (F.gelu, F.gelu_backward, TF.gelu, lambda x, y: 17 * abs(x), lambda x: 20.0),
    "gelu tanh": (
        lambda x: F.gelu(x, "tanh"), lambda g, x: F.gelu_backward(g, x, "tanh"), lambda x: TF.gelu(x, approximate="tanh"),
        lambda x, y: 11 * abs(x), gelu_tanh_bound,
    ),
    # x + 3 is rounded alike; then three roundings at most, twice.  x/3 + 1/2 is at most 3/2.
    "hardswish": (F.hardswish, F.hardswish_backward, TF.hardswish, lambda x, y: 3 * abs(y), lambda x: 4.0),
    # exp, log1p and a quotient; z = beta·x is rounded, which moves y by |x|·eps/2 at most.
    "softplus": (F.softplus, F.softplus_backward, TF.softplus, lambda x, y: 14 * abs(y) + 2 * abs(x), lambda x: 12 * sigmoid(x)),
    "softplus 2.5, 3": (
        lambda x: F.softplus(x, 2.5, 3), lambda g, x: F.softplus_backward(g, x, 2.5, 3), lambda x: TF.softplus(x, 2.5, 3),
        lambda x, y: 14 * abs(y) + 2 * abs(x), lambda x: (12 + 2 * at_most(2.5 * x, 800)) * sigmoid(2.5 * x),
    ),
    "softplus -0.5": (
        lambda x: F.softplus(x, -0.5), lambda g, x: F.softplus_backward(g, x, -0.5), lambda x: TF.softplus(x, -0.5),
        lambda x, y: 14 * abs(y) + 2 * abs(x), lambda x: (12 + 2 * at_most(0.5 * x, 800)) * sigmoid(-0.5 * x),
    ),
}  # fmt: skip


@DTYPES
@pytest.mark.parametrize("scale", [1, 5, 60])
@pytest.mark.parametrize("name", CURVES)
def test_curves(name, scale, dtype):
    ours, gradient, torchs, of_value, of_gradient = CURVES[name]
    x, g = inputs(dtype, scale)
    if name == "gelu":
        x[np.isposinf(x)] = 100  # see test_where_pytorch_loses_a_number_that_we_keep
    y, grad_x = autograd(torchs, g, x)
    info, finite = np.finfo(dtype), np.nan_to_num(x.astype(np.float64), nan=0, posinf=0, neginf=0)
    flushed = info.tiny * (1 + abs(finite))  # what is below the normal numbers may be zero on either side
    close(ours(x), y, of_value(finite, np.nan_to_num(abs(y), posinf=0)) * info.eps + flushed)
    close(gradient(g, x), grad_x, (of_gradient(finite) * info.eps + flushed) * abs(g))


@DTYPES
@pytest.mark.parametrize("name", CURVES)
def test_curves_of_nothing_and_of_infinite_gradients(name, dtype):
    ours, gradient, torchs, *_ = CURVES[name]
    empty = np.zeros((0, 4, 3), dtype)
    for mine, theirs in zip((ours(empty), gradient(empty, empty)), autograd(torchs, empty, empty), strict=True):
        equal(mine, theirs)
    x = np.array([-0.6, 0, 0.7, 2.9, -2.8] * 8, dtype)
    for came in (INF, NAN, -INF):
        g = np.full(x.shape, came, dtype)
        equal(gradient(g, x), autograd(torchs, g, x)[1])


@DTYPES
@pytest.mark.parametrize("dim", [0, 1, 2, -1, -3])
def test_softmax_and_its_logarithm(dim, dtype):
    rng = np.random.default_rng(0)
    x, g = (rng.normal(size=(3, 5, 7)) * 10).astype(dtype), rng.normal(size=(3, 5, 7)).astype(dtype)
    x[1, 2, 3], x[0, 0, 0], x[2, 4, 6] = NAN, INF, -INF
    info, n = np.finfo(dtype), x.shape[dim]
    with np.errstate(invalid="ignore"):
        _, grad_x = autograd(lambda t: TF.softmax(t, dim), g, x)
        y = F.softmax(x, dim)
        share = (abs(g) * y).sum(dim, keepdims=True)
        # y is off by (n + 8)·eps on either side together; the sum of g·y by that and n products and sums; then three roundings.
        close(F.softmax_backward(g, x, dim), grad_x, np.nan_to_num((3 * n + 24) * info.eps * y * (abs(g) + share)) + info.tiny)

        log_y, grad_x = autograd(lambda t: TF.log_softmax(t, dim), g, x)
        apart = np.nan_to_num(x - x.max(dim, keepdims=True), neginf=0)
        # x - m and the result are rounded; the sum of n exponentials is off by n + 8 on both sides, which log makes absolute.
        off = (2 * abs(np.nan_to_num(log_y, neginf=0)) + abs(apart) + n + 10) * info.eps
        close(F.log_softmax(x, dim), log_y, off)
        common = np.nan_to_num(np.exp(log_y)) * abs(g).sum(dim, keepdims=True)
        close(F.log_softmax_backward(g, x, dim), grad_x, 2 * info.eps * abs(g) + common * ((n + 10) * info.eps + off))


def test_layers_take_pytorchs_constructor_arguments():
    x = np.linspace(-7, 7, 210).reshape(2, 3, 5, 7)
    for name, arguments in (
        ("ReLU", (True,)), ("ReLU6", (True,)), ("LeakyReLU", (0.2, True)), ("Hardswish", (True,)), ("Sigmoid", ()), ("SiLU", (True,)),
        ("Tanh", ()), ("ELU", (0.5, True)), ("GELU", ("tanh",)), ("Softplus", (2, 5)), ("Softmax", (1,)), ("LogSoftmax", (2,)), ("PReLU", (3, 0.75)),
    ):  # fmt: skip
        layer, module = getattr(nn, name)(*arguments), getattr(torch.nn, name)(*arguments).double()
        np.testing.assert_allclose(layer(x), module(torch.from_numpy(x.copy())).detach().numpy(), rtol=1e-12, atol=1e-14)
        assert {name: array.shape for name, array in layer.parameters().items()} == {
            name: tuple(tensor.shape) for name, tensor in module.named_parameters()
        }


X = np.ones((2, 4, 5, 7), np.float32)
BOTH_REFUSE = {
    "prelu slopes": (lambda f, x, w: f.prelu(x, w), X, np.ones(3, np.float32)),
    "prelu no slopes": (lambda f, x, w: f.prelu(x, w), X, np.ones(0, np.float32)),
    "prelu two axes": (lambda f, x, w: f.prelu(x, w), X, np.ones((1, 4), np.float32)),
    "prelu no channel axis": (lambda f, x, w: f.prelu(x, w), np.ones(4), np.ones(4)),
    "prelu mixed dtypes": (lambda f, x, w: f.prelu(x, w), X, np.ones(4)),
    "gelu unknown word": (lambda f, x: f.gelu(x, approximate="erf"), X),
    "elu alpha": (lambda f, x: f.elu(x, "1"), X),
    "log_softmax unknown dim": (lambda f, x: f.log_softmax(x, 4), X),
}


@pytest.mark.parametrize("name", BOTH_REFUSE)
def test_both_refuse(name):
    call, *arrays = BOTH_REFUSE[name]
    with pytest.raises(MinicnnError):
        call(F, *arrays)
    with pytest.raises((RuntimeError, ValueError, TypeError, IndexError)):
        call(TF, *map(torch.from_numpy, arrays))


@pytest.mark.parametrize(
    ("call", "arrays"),
    [
        (lambda f, x: f.softplus(x, 0), (X,)),  # y would be divided by 0
        (lambda f, x, w: f.prelu(x, w), (X, np.array(0.25, np.float32))),  # a weight without an axis
        (lambda f, x: f.log_softmax(x, 0), (np.zeros(()),)),
    ],
)
def test_we_refuse_what_pytorch_takes(call, arrays):
    assert isinstance(call(TF, *map(torch.from_numpy, arrays)), torch.Tensor)
    with pytest.raises(MinicnnError):
        call(F, *arrays)


def test_where_pytorch_loses_a_number_that_we_keep():
    """x·6 overflows before the quotient there; 1 + erf(x/√2) has no digits left at x = -9; their erf of ∞ may be NaN."""
    large = np.full(16, 3e38, np.float32)
    assert np.isinf(TF.hardswish(torch.from_numpy(large)).numpy()).all()
    equal(F.hardswish(large), large)
    small = np.full(16, -9.0)
    assert (TF.gelu(torch.from_numpy(small)).numpy() == 0).all()
    infinite = np.full(16, INF, np.float32)
    assert np.isinf(TF.gelu(torch.from_numpy(infinite.astype(np.float64))).numpy()).all()  # and NaN in float32, on some processors
    equal(F.gelu(infinite), infinite)
    np.testing.assert_allclose(F.gelu(small), -9 * math.erfc(9 * math.sqrt(0.5)) / 2, rtol=1e-13)
