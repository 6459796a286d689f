"""Layers of arrays against PyTorch's functions and torch.autograd, and against ONNX's own reference implementation.

Bounds are derived: where both sides round once the same numbers they are equal; exp, log, erf, sin, cos and powers are taken to be
within 4 eps on either side, a sum of m products is off by at most m·eps/2 of the sum of their magnitudes on either side.
"""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minicnn import functional as F
from minicnn import nn
from minicnn.layers.base import Passage

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
TF = torch.nn.functional

NAN, INF = np.nan, np.inf
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
SHAPE = (2, 6, 4, 5)


def autograd(function, grad_output, *arrays):
    """Return PyTorch's value and its gradients by all arrays."""
    leaves = [torch.from_numpy(array.copy()).requires_grad_() for array in arrays]
    y = function(*leaves)
    y.backward(torch.from_numpy(np.broadcast_to(grad_output, y.shape).copy()))
    return y.detach().numpy(), *(leaf.grad.numpy() for leaf in leaves)


def ours(layer, grad_output, *inputs):
    """Return our value and gradients by inputs."""
    y = layer(*inputs)
    passage = Passage(inputs, (y,), tuple(x.shape for x in inputs), None, False, (True,) * len(inputs), bool(layer.parameters()))
    return y, *layer.backward((np.broadcast_to(grad_output, y.shape).copy(),), passage)[0]


def close(found, theirs, eps_count, dtype, sizes=None):
    """Within eps_count·eps of the numbers' size, and the same NaN and infinities."""
    for a, b in zip(found, theirs, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        finite = np.isfinite(b)
        assert_array_equal(a[~finite], b[~finite])
        size = np.broadcast_to(np.abs(b) if sizes is None else sizes, b.shape)[finite]
        assert (np.abs(a[finite] - b[finite]) <= eps_count * np.finfo(dtype).eps * size + np.finfo(dtype).tiny).all()


def normal(seed, shape, dtype, scale=3.0):
    return np.random.default_rng(seed).normal(scale=scale, size=shape).astype(dtype)


def few(seed, shape, dtype):
    """Few different values, so that ties are common; 0 among them."""
    return np.random.default_rng(seed).integers(-2, 3, shape).astype(dtype)


@DTYPES
@pytest.mark.parametrize("other", [(2, 6, 4, 5), (6, 1, 1), (2, 1, 4, 1), (5,)])
@pytest.mark.parametrize(
    ("operation", "function"),
    [("add", torch.add), ("sub", torch.sub), ("mul", torch.mul), ("div", torch.div), ("max", torch.maximum), ("min", torch.minimum)],
)
def test_arithmetic(operation, function, other, dtype):
    for x, y in ((few(0, SHAPE, dtype), few(1, other, dtype)), (normal(0, SHAPE, dtype), normal(1, other, dtype))):
        if operation == "div":
            y = np.where(y == 0, dtype(0.75), y)
        g = normal(2, SHAPE, dtype)
        found, theirs = ours(nn.Arithmetic(operation), g, x, y), autograd(function, g, x, y)
        assert_array_equal(found[0], theirs[0])
        close(found[1:2], theirs[1:2], 3, dtype)
        # what comes back to y is a sum over where it was laid: up to 240 terms, each off by 3 eps
        terms = np.abs(g * (np.abs(x) + 1) * (np.abs(y) + 1 / np.maximum(np.abs(y), 1e-3) ** 2)).sum()
        close(found[2:], theirs[2:], 240, dtype, sizes=float(terms))
        (constant,) = ours(nn.Arithmetic(operation, y), g, x)[1:]
        assert_array_equal(constant, found[1])


@DTYPES
def test_power(dtype):
    x, y, g = np.abs(normal(0, SHAPE, dtype)), normal(1, SHAPE, dtype, 1.5), normal(2, SHAPE, dtype)
    x.reshape(-1)[:6], y.reshape(-1)[:6] = [0, 0, 0, 1, 2, 3], [0, 1, 2, 0, 0, 0]
    found, theirs = ours(nn.Arithmetic("pow"), g, x, y), autograd(torch.pow, g, x, y)
    # x^y is within 4 eps on either side, its derivatives have one power, one logarithm and two products each
    close(found, theirs, 20, dtype)
    for exponent in (2, 3, -1, 0.5, 0):
        close(ours(nn.Arithmetic("pow", exponent), g, x + 1), autograd(lambda t, e=exponent: torch.pow(t, e), g, x + 1), 20, dtype)


@DTYPES
@pytest.mark.parametrize("name", ["sqrt", "exp", "log", "sin", "cos", "erf", "reciprocal", "neg", "abs", "floor", "ceil", "round", "sign"])
def test_elementwise(name, dtype):
    x, g = normal(0, SHAPE, dtype), normal(1, SHAPE, dtype)
    x.reshape(-1)[:8] = [0, 0.5, 1.5, 2.5, -0.5, -1.5, 1, -1]
    x = np.abs(x) + dtype(0.01) if name in ("sqrt", "log") else x
    found, theirs = ours(nn.Elementwise(name), g, x), autograd(getattr(torch, name), g, x)
    if name in ("neg", "abs", "floor", "ceil", "round", "sign"):
        assert_array_equal(found, theirs)
    elif name in ("sin", "cos"):  # off by eps of the angle too, which is at most 16
        close(found, theirs, 40, dtype, sizes=np.abs(g) + 1)
    else:  # erf's gradient takes exp(-x²): x² is rounded, which moves exp by x²·eps/2 ≤ 64 eps on either side
        close(found, theirs, 16 if name != "erf" else 160, dtype)


@DTYPES
@pytest.mark.parametrize("bounds", [(-1.0, 2.0), (None, 0.0), (0.0, None), (2.0, -1.0)])
def test_clamp(bounds, dtype):
    for x in (normal(0, SHAPE, dtype), few(0, SHAPE, dtype)):
        x.reshape(-1)[:3] = NAN, INF, -INF
        g = normal(1, SHAPE, dtype)
        assert_array_equal(ours(nn.Clamp(*bounds), g, x), autograd(lambda t: torch.clamp(t, *bounds), g, x))


@DTYPES
def test_hardsigmoid(dtype):
    x, g = normal(0, SHAPE, dtype), normal(1, SHAPE, dtype)
    x.reshape(-1)[:5] = NAN, 3, -3, INF, -INF
    # x/6 + 1/2 against (x + 3)/6: two roundings of numbers up to 1 on either side
    found, theirs = ours(nn.Hardsigmoid(), g, x), autograd(TF.hardsigmoid, g, x)
    close(found[:1], theirs[:1], 3, dtype, sizes=1)
    close(found[1:], theirs[1:], 1, np.float32, sizes=np.abs(g))  # PyTorch's slope is float32's 1/6 in float64 too


@DTYPES
@pytest.mark.parametrize("dims", [(2, 3), (1,), (0, 2), (0, 1, 2, 3)])
@pytest.mark.parametrize("keepdims", [True, False])
@pytest.mark.parametrize(("name", "function"), [("mean", torch.mean), ("sum", torch.sum), ("max", torch.amax), ("min", torch.amin)])
def test_reduce(name, function, dims, keepdims, dtype):
    for x in (few(0, SHAPE, dtype), normal(0, SHAPE, dtype)):
        layer = nn.Reduce(name, dims, keepdims)
        g = normal(1, layer.output_shape(SHAPE), dtype)
        found, theirs = ours(layer, g, x), autograd(lambda t: function(t, dims, keepdim=keepdims), g, x)
        close(found[:1], theirs[:1], 240 if name in ("mean", "sum") else 0, dtype, sizes=float(np.abs(x).sum()))
        close(found[1:], theirs[1:], 2, dtype)


@DTYPES
def test_product(dtype):
    x, g = few(0, SHAPE, dtype) + dtype(0.5), normal(1, (2, 6, 4), dtype)
    x[0, 0, 0, 1] = x[1, 2, 1, 0] = x[1, 2, 1, 3] = 0
    close(ours(nn.Reduce("prod", 3, False), g, x), autograd(lambda t: torch.prod(t, 3), g, x), 8, dtype)


@DTYPES
@pytest.mark.parametrize(("x", "y"), [((2, 3, 4, 5), (5, 6)), ((2, 1, 4, 5), (3, 5, 6)), ((5,), (2, 5, 6)), ((3, 5), (5,)), ((5,), (5,))])
def test_matmul(x, y, dtype):
    x, y = normal(0, x, dtype, 1.0), normal(1, y, dtype, 1.0)
    g = normal(2, F.matmul(x, y).shape, dtype, 1.0)
    found, theirs = ours(nn.MatMul(), g, x, y), autograd(torch.matmul, g, x, y)
    # sums of at most 2·3·4·6 products
    close(
        found,
        theirs,
        144,
        dtype,
        sizes=float(np.abs(g).sum() * max(np.abs(x).max(), np.abs(y).max(), 1) + np.abs(x).sum() * np.abs(y).max()),
    )


@DTYPES
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6])
def test_local_response_norm(size, dtype):
    x, g = normal(0, SHAPE, dtype), normal(1, SHAPE, dtype)
    found = ours(nn.LocalResponseNorm(size, 0.5, 0.75, 2.0), g, x)
    theirs = autograd(lambda t: TF.local_response_norm(t, size, 0.5, 0.75, 2.0), g, x)
    # D is a sum of size squares, its power within 4 eps more; the gradient has two such powers and a sum of size terms of size |g·x|/D
    close(found[:1], theirs[:1], size + 16, dtype)
    close(found[1:], theirs[1:], 4 * size + 60, dtype, sizes=float(np.abs(g).max() * (1 + np.abs(x).max() ** 2)))


@DTYPES
@pytest.mark.parametrize("affine", [True, False])
def test_instance_norm(affine, dtype):
    x, g = normal(0, SHAPE, dtype), normal(1, SHAPE, dtype)
    weight, bias = (normal(k, (6,), dtype, 1.0) for k in (2, 3)) if affine else (None, None)
    layer = nn.InstanceNorm2d.of(6, weight, bias, 1e-3)
    theirs = torch.nn.InstanceNorm2d(6, 1e-3, affine=affine, dtype=torch.float32 if dtype == np.float32 else torch.float64)
    if affine:
        theirs.load_state_dict({"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)})
    # 20 numbers a channel: mean, variance and three sums of 20 terms, each within 20 eps on PyTorch's side
    close(ours(layer, g, x), autograd(theirs, g, x), 120, dtype, sizes=float(10 * (np.abs(g).max() + np.abs(x).max())))


@DTYPES
@pytest.mark.parametrize("r", [1, 2, 3])
def test_pixel_shuffle(r, dtype):
    x = normal(0, (2, 2 * r * r, 3, 4), dtype)
    g = normal(1, (2, 2, 3 * r, 4 * r), dtype)
    assert all(map(np.array_equal, ours(nn.PixelShuffle(r), g, x), autograd(lambda t: TF.pixel_shuffle(t, r), g, x)))
    assert all(map(np.array_equal, ours(nn.PixelUnshuffle(r), x, g), autograd(lambda t: TF.pixel_unshuffle(t, r), x, g)))


MOVES = {
    "reshape": (nn.Reshape((4, -1)), lambda t: t.reshape(4, -1)),
    "squeeze": (nn.Squeeze(), torch.squeeze),
    "unsqueeze": (nn.Unsqueeze(2), lambda t: t.unsqueeze(2)),
    "permute": (nn.Permute((3, 1, 0, 2)), lambda t: t.permute(3, 1, 0, 2)),
    "slice": (nn.Slice((1, -3), (5, 99), (1, 3), (2, 1)), lambda t: t[:, 1:5:2, :, -3:]),
    "take": (nn.Take([3, 0, 3, 3], 2), lambda t: t.index_select(2, torch.tensor([3, 0, 3, 3]))),
    "take one": (nn.Take(-2, 1), lambda t: t[:, -2]),
    "pad": (nn.Pad(((0, 0), (1, 0), (2, -1), (0, 3)), value=0.5), lambda t: TF.pad(t, (0, 3, 2, -1, 1, 0), value=0.5)),
    "pad reflect": (nn.Pad(((0, 0), (0, 0), (2, 1), (0, 3)), "reflect"), lambda t: TF.pad(t, (0, 3, 2, 1), mode="reflect")),
    "pad edge": (nn.Pad(((0, 0), (0, 0), (2, 1), (0, 3)), "edge"), lambda t: TF.pad(t, (0, 3, 2, 1), mode="replicate")),
    "pad wrap": (nn.Pad(((0, 0), (0, 0), (2, 1), (0, 3)), "wrap"), lambda t: TF.pad(t, (0, 3, 2, 1), mode="circular")),
}


@DTYPES
@pytest.mark.parametrize("name", MOVES)
def test_moves(name, dtype):
    """Whole numbers, so that what is summed on the way back is exact in any order."""
    layer, function = MOVES[name]
    x = few(0, SHAPE, dtype)
    g = few(1, layer.output_shape(SHAPE), dtype)
    for a, b in zip(ours(layer, g, x), autograd(function, g, x), strict=True):
        assert_array_equal(a, b)


class TestAgainstONNX:
    """The reference implementation that ONNX's node tests are made with."""

    def run(self, kind, inputs, **attributes):
        onnx = pytest.importorskip("onnx", reason="ONNX is not installed: pip install onnx")
        from onnx.reference import ReferenceEvaluator

        names = [f"i{place}" if array is not None else "" for place, array in enumerate(inputs)]
        node = onnx.helper.make_node(kind, names, ["y"], **attributes)
        kinds = {name: onnx.helper.np_dtype_to_tensor_dtype(array.dtype) for name, array in zip(names, inputs, strict=True) if name}
        given = [onnx.helper.make_tensor_value_info(name, kind, None) for name, kind in kinds.items()]
        graph = onnx.helper.make_graph([node], "g", given, [onnx.helper.make_tensor_value_info("y", 0, None)])
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 19)])
        return ReferenceEvaluator(model).run(None, {name: array for name, array in zip(names, inputs, strict=True) if name})[0]

    @pytest.mark.parametrize("mode", ["nearest", "linear"])
    @pytest.mark.parametrize("coordinates", ["half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric"])
    def test_resize(self, mode, coordinates):
        x = normal(0, (1, 2, 4, 5), np.float32)
        roundings = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil") if mode == "nearest" else ("round_prefer_floor",)
        sizes = [((8, 3), None), ((1, 9), None), (None, (2.0, 1.5)), (None, (0.5, 2.5))]
        for rounding, (out, scales) in itertools.product(roundings, sizes):
            given = [x, None, np.array([1, 1, *scales], np.float32)] if scales else [x, None, None, np.array([1, 2, *out])]
            wanted = self.run("Resize", given, mode=mode, coordinate_transformation_mode=coordinates, nearest_mode=rounding)
            y = F.resample(x, out, mode, coordinates, rounding, scales)
            assert y.shape == wanted.shape
            # two axes: weights, products and a sum are rounded on either side
            assert (np.abs(y - wanted) <= (0 if mode == "nearest" else 12) * np.finfo(np.float32).eps * np.abs(x).max()).all(), (
                rounding,
                out,
                scales,
            )

    @pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
    def test_lrn_has_the_longer_side_above(self, size):
        x = normal(0, (6, 6, 4, 5), np.float32)  # as many images as channels: the reference walks over the wrong one of the two
        wanted = self.run("LRN", [x], size=size, alpha=0.5, beta=0.75, bias=2.0)
        close([nn.LocalResponseNorm(size, 0.5, 0.75, 2.0, longer="above")(x)], [wanted], size + 16, np.float32)

    def test_depth_to_space(self):
        x = normal(0, (2, 8, 3, 5), np.float32)
        for mode in ("CRD", "DCR"):
            assert_array_equal(nn.PixelShuffle(2, mode)(x), self.run("DepthToSpace", [x], blocksize=2, mode=mode))
        x = normal(0, (2, 3, 4, 6), np.float32)
        assert_array_equal(nn.PixelUnshuffle(2, "DCR")(x), self.run("SpaceToDepth", [x], blocksize=2))

    def test_whole_numbers(self):
        x, y = np.array([7, -7, 7, -7, 6]), np.array([2, 2, -2, -2, 3])
        for operation, kind in (("add", "Add"), ("sub", "Sub"), ("mul", "Mul"), ("max", "Max"), ("min", "Min")):
            assert_array_equal(nn.Arithmetic(operation)(x, y), self.run(kind, [x, y]))
        assert_array_equal(nn.Take(np.array([[0, -1], [2, 1]]), 0)(x), self.run("Gather", [x, np.array([[0, -1], [2, 1]])]))
        assert_array_equal(nn.Slice(-1, -99, 0, -2)(x), self.run("Slice", [x, *(np.array([v]) for v in (-1, -99, 0, -2))]))
        for mode in ("reflect", "edge", "wrap"):
            assert_array_equal(nn.Pad(((3, 2),), mode)(x), self.run("Pad", [x, np.array([3, 2])], mode=mode))
