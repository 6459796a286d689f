"""Every operation against PyTorch's on random, asymmetric cases: values, indices, shapes, and who refuses what.

Tolerances are derived: a sum of m products in floating point is off by at most m·eps/2 of the sum of
their magnitudes, on either side, so the two differ by at most (m + 2)·eps of it.
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
SEEDS = pytest.mark.parametrize("seed", range(40))


def tensors(*arrays):
    return [None if array is None else torch.from_numpy(np.ascontiguousarray(array)) for array in arrays]


def normal(rng, *shape, dtype=np.float32):
    return rng.normal(size=shape).astype(dtype)


def few(rng, *shape, dtype=np.float32, special=0.0):
    """Few different values, so that ties are common, and NaN and infinities at the rate `special`."""
    x = rng.integers(-2, 3, shape).astype(dtype)
    spoiled = rng.random(shape) < special
    x[spoiled] = rng.choice([NAN, INF, -INF], spoiled.sum())
    return x


def equal(ours, theirs):
    theirs = theirs.numpy()
    assert ours.dtype == theirs.dtype
    assert_array_equal(ours, theirs)


def close(ours, theirs, bound):
    """Within an elementwise bound where finite; elsewhere the same infinity or NaN."""
    theirs = theirs.numpy()
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    finite = np.isfinite(theirs)
    assert_array_equal(ours[~finite], theirs[~finite])
    bound = np.broadcast_to(bound, ours.shape)
    assert (abs(ours[finite] - theirs[finite]) <= bound[finite]).all()


def integer(rng, low, high):
    return int(rng.integers(low, high + 1))


def pair(rng, low, high):
    return integer(rng, low, high), integer(rng, low, high)


PIECEWISE = {
    "relu": (F.relu, TF.relu),
    "relu6": (F.relu6, TF.relu6),
    "leaky_relu": (F.leaky_relu, TF.leaky_relu),
    "leaky_relu 0": (lambda x: F.leaky_relu(x, 0.0), lambda x: TF.leaky_relu(x, 0.0)),
    "leaky_relu -0.3": (lambda x: F.leaky_relu(x, -0.3), lambda x: TF.leaky_relu(x, -0.3)),
}


class TestActivation:
    @DTYPES
    @pytest.mark.parametrize("name", PIECEWISE)
    def test_piecewise_linear(self, name, dtype):
        ours, theirs = PIECEWISE[name]
        x = normal(np.random.default_rng(0), 2, 3, 5, 7, dtype=dtype) * 6
        x[0, 0, 0, :5] = NAN, INF, -INF, 0, -0.0
        equal(ours(x), theirs(*tensors(x)))

    @DTYPES
    @pytest.mark.parametrize("scale", [1, 30, 1000])
    def test_sigmoid_and_silu(self, dtype, scale):
        x = normal(np.random.default_rng(0), 3, 5, 77, dtype=dtype) * dtype(scale)
        x[0, 0, :4] = NAN, INF, -INF, 0
        info = np.finfo(dtype)
        # exp is within 3 eps on either side, a sum and a quotient within half an eps each
        relative = 8 * info.eps
        for ours, theirs in ((F.sigmoid(x), TF.sigmoid(*tensors(x))), (F.silu(x), TF.silu(*tensors(x)))):
            # where e^-x overflows they flush to zero what we keep, below |x|·tiny
            close(ours, theirs, relative * abs(theirs.numpy()) + info.tiny * (1 + np.nan_to_num(abs(x), posinf=0)))

    @DTYPES
    @pytest.mark.parametrize("dim", [0, 1, 2, -1, -3])
    def test_softmax(self, dtype, dim):
        x = normal(np.random.default_rng(0), 3, 5, 7, dtype=dtype) * 20
        x[1, 2, 3], x[0, 0, 0], x[2, 4, 6] = NAN, INF, -INF
        info = np.finfo(dtype)
        theirs = TF.softmax(*tensors(x), dim=dim)
        # both sums have shape[dim] terms; exp, sum and quotient as for sigmoid
        close(F.softmax(x, dim), theirs, (x.shape[dim] + 8) * info.eps * np.nan_to_num(theirs.numpy()) + info.tiny)


class TestMaxPool:
    @SEEDS
    @DTYPES
    @pytest.mark.parametrize("special", [0.0, 0.1])
    def test_random(self, seed, dtype, special):
        rng = np.random.default_rng(seed)
        kernel, stride, dilation = pair(rng, 1, 4), pair(rng, 1, 4), pair(rng, 1, 3)
        padding = tuple(integer(rng, 0, k // 2) for k in kernel)
        size = [max(d * (k - 1) + 1, 2) + integer(rng, 0, 5) for k, d in zip(kernel, dilation, strict=True)]
        x = few(rng, 2, 3, *size, dtype=dtype, special=special)
        for ceil in (False, True):
            arguments = (kernel, stride, padding, dilation, ceil)
            equal(F.max_pool2d(x, *arguments), TF.max_pool2d(*tensors(x), *arguments))
            ours, theirs = (f(y, *arguments, True) for f, y in ((F.max_pool2d, x), (TF.max_pool2d, *tensors(x))))
            equal(ours[0], theirs[0])
            equal(ours[1], theirs[1])

    def test_every_residue_of_ceil_mode(self):
        rng = np.random.default_rng(0)
        for kernel, stride, n, dilation in itertools.product(range(1, 5), range(1, 5), range(1, 12), (1, 2)):
            for padding in range(kernel // 2 + 1):
                if n + 2 * padding < dilation * (kernel - 1) + 1:
                    continue
                x = few(rng, 1, 2, 3, n)
                arguments = ((1, kernel), (1, stride), (0, padding), dilation, True)
                equal(F.max_pool2d(x, *arguments), TF.max_pool2d(*tensors(x), *arguments))

    def test_nothing_but_ties_nan_or_minus_infinity(self):
        for value in (0.0, NAN, -INF, INF):
            x = np.full((1, 2, 6, 7), value)
            ours, theirs = F.max_pool2d(x, 3, 2, 1, return_indices=True), TF.max_pool2d(*tensors(x), 3, 2, 1, return_indices=True)
            equal(ours[0], theirs[0])
            equal(ours[1], theirs[1])


class TestAvgPool:
    @SEEDS
    @DTYPES
    def test_random(self, seed, dtype):
        rng = np.random.default_rng(seed)
        kernel, stride = pair(rng, 1, 4), pair(rng, 1, 4)
        padding = tuple(integer(rng, 0, k // 2) for k in kernel)
        x = normal(rng, 2, 3, *(k + integer(rng, 0, 6) for k in kernel), dtype=dtype)
        if seed % 3 == 0:
            x[1, 2, 0, 0], x[0, 0, -1, -1] = NAN, INF
        for ceil, include, divisor in itertools.product((False, True), (False, True), (None, 1, 7)):
            arguments = (kernel, stride, padding, ceil, include, divisor)
            terms = kernel[0] * kernel[1]
            magnitude = TF.avg_pool2d(*tensors(abs(x)), *arguments).numpy()
            close(F.avg_pool2d(x, *arguments), TF.avg_pool2d(*tensors(x), *arguments), (terms + 2) * np.finfo(dtype).eps * magnitude)

    def test_every_residue_of_ceil_mode(self):
        rng = np.random.default_rng(0)
        for kernel, stride, n, include in itertools.product(range(1, 5), range(1, 5), range(1, 12), (False, True)):
            for padding in range(kernel // 2 + 1):
                if n + 2 * padding < kernel:
                    continue
                x = few(rng, 1, 2, n, 3)  # whole numbers: sums are exact, and one quotient is rounded alike
                arguments = ((kernel, 2), (stride, 1), (padding, 1), True, include)
                equal(F.avg_pool2d(x, *arguments), TF.avg_pool2d(*tensors(x), *arguments))


class TestAdaptive:
    @SEEDS
    @DTYPES
    def test_random(self, seed, dtype):
        rng = np.random.default_rng(seed)
        size, output_size = pair(rng, 1, 13), pair(rng, 1, 9)
        output_size = [(None if rng.random() < 0.2 else o) for o in output_size]
        if seed % 5 == 0:
            output_size = integer(rng, 1, 9)
        x = normal(rng, 2, 3, *size, dtype=dtype)
        magnitude = TF.adaptive_avg_pool2d(*tensors(abs(x)), output_size).numpy()
        bound = (size[0] * size[1] + 2) * np.finfo(dtype).eps * magnitude
        close(F.adaptive_avg_pool2d(x, output_size), TF.adaptive_avg_pool2d(*tensors(x), output_size), bound)
        for special in (0.0, 0.1):
            x = few(rng, 2, 3, *size, dtype=dtype, special=special)
            equal(F.adaptive_max_pool2d(x, output_size), TF.adaptive_max_pool2d(*tensors(x), output_size))
            ours = F.adaptive_max_pool2d(x, output_size, return_indices=True)
            theirs = TF.adaptive_max_pool2d(*tensors(x), output_size, return_indices=True)
            equal(ours[0], theirs[0])
            equal(ours[1], theirs[1])


@DTYPES
@pytest.mark.parametrize("shape", [(5, 4), (3, 4, 6), (3, 4, 6, 2), (2, 4, 3, 2, 5), (0, 4, 3, 2)])
@pytest.mark.parametrize("given", [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize("eps", [1e-5, 1e-3, 0])
def test_batch_norm(dtype, shape, given, eps):
    rng = np.random.default_rng(0)
    x, mean, var = normal(rng, *shape, dtype=dtype), normal(rng, 4, dtype=dtype), rng.uniform(0.1, 3, 4).astype(dtype)
    weight, bias = (normal(rng, 4, dtype=dtype) if there else None for there in given)
    theirs = TF.batch_norm(*tensors(x, mean, var, weight, bias), eps=eps)
    scale = abs(1 / np.sqrt(var + dtype(eps)) * (1 if weight is None else weight))
    column = (-1,) + (1,) * (len(shape) - 2)
    scale, offset, bias_size = (each.reshape(column) for each in (scale, abs(mean) * scale, 0 * scale if bias is None else abs(bias)))
    # At most 4 roundings on the way to scale, one for its product and one for the sum, half an eps each, on either side.
    close(F.batch_norm(x, mean, var, weight, bias, eps=eps), theirs, 6 * np.finfo(dtype).eps * (abs(x) * scale + offset + bias_size))


@DTYPES
@pytest.mark.parametrize("leading", [(), (3,), (2, 3), (2, 1, 4), (0,), (2, 0)])
@pytest.mark.parametrize("biased", [False, True])
def test_linear(dtype, leading, biased):
    rng = np.random.default_rng(0)
    x, weight, bias = normal(rng, *leading, 37, dtype=dtype), normal(rng, 5, 37, dtype=dtype), normal(rng, 5, dtype=dtype)
    bias = bias if biased else None
    magnitude = abs(x) @ abs(weight).T + (0 if bias is None else abs(bias))
    theirs = TF.linear(*tensors(x, weight, bias))
    close(F.linear(x, weight, bias), theirs, (37 + 1 + 2) * np.finfo(dtype).eps * magnitude)


class TestRearrange:
    @pytest.mark.parametrize(("start", "end"), [(0, -1), (1, -1), (1, 2), (2, 2), (-2, -1), (-4, 3)])
    def test_flatten(self, start, end):
        x = normal(np.random.default_rng(0), 2, 3, 4, 5).transpose(0, 3, 1, 2)
        equal(F.flatten(x, start, end), torch.flatten(*tensors(x), start, end))

    @pytest.mark.parametrize("dim", range(-4, 4))
    def test_concat(self, dim):
        rng, shape = np.random.default_rng(0), [2, 3, 4, 5]
        pieces = []
        for length in (2, 0, 3):
            shape[dim] = length
            pieces.append(normal(rng, *shape))
        equal(F.concat(pieces, dim), torch.cat(tensors(*pieces), dim))

    @pytest.mark.parametrize("other", [(2, 3, 4, 5), (2, 3, 1, 1), (1, 3, 1, 1)])
    def test_add(self, other):
        rng = np.random.default_rng(0)
        x, y = few(rng, 2, 3, 4, 5, special=0.2), few(rng, *other, special=0.2)
        equal(F.add(x, y), torch.add(*tensors(x, y)))
        equal(F.add(y, x), torch.add(*tensors(y, x)))

    @SEEDS
    @pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
    def test_pad(self, seed, mode):
        rng = np.random.default_rng(seed)
        height, width = pair(rng, 1, 7)
        most = {"reflect": (width - 1, height - 1), "circular": (width, height)}.get(mode, (9, 9))
        pad = [integer(rng, 0, limit) for limit in np.repeat(most, 2)]
        x = few(rng, *(2, 3)[seed % 2 :], height, width, special=0.1)
        if mode == "constant":
            equal(F.pad(x, pad, value=0.1), TF.pad(*tensors(x), pad, value=0.1))
            equal(F.pad(x, pad[:2]), TF.pad(*tensors(x), pad[:2]))
        equal(F.pad(x, pad, mode), TF.pad(*tensors(x), pad, mode))


FACTORS = [(1.7, 1.7), (0.6, 0.6), (2.5, 2.5), (1.3, 0.7), (1.1, 2.3), (5 / 3, 0.9)]  # some leave or double a size


class TestInterpolate:
    @SEEDS
    @DTYPES
    def test_nearest(self, seed, dtype):
        rng = np.random.default_rng(seed)
        size, out = pair(rng, 1, 12), pair(rng, 1, 30)
        x = few(rng, 2, 3, *size, dtype=dtype, special=0.1)
        equal(F.interpolate(x, out), TF.interpolate(*tensors(x), out))
        equal(F.interpolate(x, scale_factor=2), TF.interpolate(*tensors(x), scale_factor=2))
        for factors in FACTORS:
            if min(n * factor for n, factor in zip(size, factors, strict=True)) >= 1:
                # at these factors and sizes their float32 positions do not fall to the wrong side of a whole number
                equal(F.interpolate(x, scale_factor=factors), TF.interpolate(*tensors(x), scale_factor=factors))

    @SEEDS
    @DTYPES
    @pytest.mark.parametrize("align", [None, False, True])
    def test_bilinear(self, seed, dtype, align):
        rng = np.random.default_rng(seed)
        size, out = pair(rng, 1, 12), pair(rng, 1, 30)
        x = normal(rng, 2, 3, *size, dtype=dtype)
        # Their positions are rounded: scale, product and difference, 3·n·eps/2 at most, which moves weight from one
        # neighbour to the other. Then two products and a sum per axis on either side.
        bound = np.finfo(dtype).eps * abs(x).max() * (3 * sum(size) + 6)
        ways = [{"size": out}, {"scale_factor": 2.0}, {"scale_factor": (1.7, 3), "recompute_scale_factor": True}]
        ways += [{"scale_factor": f} for f in FACTORS if min(n * factor for n, factor in zip(size, f, strict=True)) >= 1]
        for options in ways:
            theirs = TF.interpolate(*tensors(x), **options, mode="bilinear", align_corners=align)
            close(F.interpolate(x, **options, mode="bilinear", align_corners=align), theirs, bound)


@SEEDS
@DTYPES
def test_conv_transpose2d(seed, dtype):
    rng = np.random.default_rng(seed)
    groups, inputs, outputs = integer(rng, 1, 3), integer(rng, 1, 3), integer(rng, 1, 3)
    kernel, stride, dilation = pair(rng, 1, 4), pair(rng, 1, 4), pair(rng, 1, 3)
    # PyTorch wants output_padding below both strides or both dilations; this asks for less on either axis
    extra = tuple(integer(rng, 0, max(s, d) - 1) for s, d in zip(stride, dilation, strict=True))
    size = pair(rng, 2, 6)
    padding = tuple(
        integer(rng, 0, min(3, ((n - 1) * s + d * (k - 1) + e) // 2))
        for n, s, d, k, e in zip(size, stride, dilation, kernel, extra, strict=True)
    )
    x = normal(rng, 2, groups * inputs, *size, dtype=dtype)
    weight = normal(rng, groups * inputs, outputs, *kernel, dtype=dtype)
    bias = normal(rng, groups * outputs, dtype=dtype) if seed % 2 else None
    if seed % 4 == 0:
        x[0, 0, 0, 0], x[1, -1, -1, -1] = NAN, INF
    arguments = (stride, padding, extra, groups, dilation)
    theirs = TF.conv_transpose2d(*tensors(x, weight, bias), *arguments)
    magnitude = TF.conv_transpose2d(*tensors(abs(x), abs(weight), None if bias is None else abs(bias)), *arguments).numpy()
    terms = inputs * kernel[0] * kernel[1] + 1
    close(F.conv_transpose2d(x, weight, bias, *arguments), theirs, (terms + 2) * np.finfo(dtype).eps * magnitude)
    single = F.conv_transpose2d(x[1], weight, bias, *arguments)
    close(single, theirs[1], (terms + 2) * np.finfo(dtype).eps * magnitude[1])


X, SMALL = np.ones((2, 4, 5, 7), np.float32), np.ones((4, 3, 2, 2), np.float32)


@pytest.mark.parametrize("shape", [(0, 4, 5, 7), (4, 5, 7)])
def test_empty_batches_and_single_images_have_the_same_shapes(shape):
    x = np.zeros(shape, np.float32)
    for ours, theirs in (
        (F.max_pool2d(x, 2), TF.max_pool2d(*tensors(x), 2)),
        (F.max_pool2d(x, 2, return_indices=True)[1], TF.max_pool2d(*tensors(x), 2, return_indices=True)[1]),
        (F.avg_pool2d(x, 2), TF.avg_pool2d(*tensors(x), 2)),
        (F.adaptive_avg_pool2d(x, 3), TF.adaptive_avg_pool2d(*tensors(x), 3)),
        (F.adaptive_max_pool2d(x, (3, None)), TF.adaptive_max_pool2d(*tensors(x), (3, None))),
        (F.pad(x, (1, 2, 3, 4), "circular"), TF.pad(*tensors(x), (1, 2, 3, 4), "circular")),
        (F.conv_transpose2d(x, SMALL), TF.conv_transpose2d(*tensors(x, SMALL))),
        (F.relu(x), TF.relu(*tensors(x))),
        (F.softmax(x, 1), TF.softmax(*tensors(x), 1)),
        (F.flatten(x), torch.flatten(*tensors(x), 1)),
    ):
        equal(ours, theirs)


def zeros(*shape):
    return np.zeros(shape, np.float32)


BOTH_REFUSE = {
    "max_pool2d padding over half": (lambda f, x: f.max_pool2d(x, 3, padding=2), X),
    "max_pool2d padding over half a dilated kernel": (lambda f, x: f.max_pool2d(x, 2, padding=2, dilation=3), X),
    "max_pool2d padding over half the taps": (lambda f, x: f.max_pool2d(x, 3, padding=2, dilation=2), X),
    "max_pool2d kernel too large": (lambda f, x: f.max_pool2d(x, 8), X),
    "max_pool2d stride 0": (lambda f, x: f.max_pool2d(x, 2, 0), X),
    "max_pool2d two axes": (lambda f, x: f.max_pool2d(x, 2), zeros(4, 4)),
    "max_pool2d no channels": (lambda f, x: f.max_pool2d(x, 2), zeros(2, 0, 5, 7)),
    "avg_pool2d padding over half": (lambda f, x: f.avg_pool2d(x, 3, padding=2), X),
    "avg_pool2d divisor 0": (lambda f, x: f.avg_pool2d(x, 3, divisor_override=0), X),
    "avg_pool2d kernel too large": (lambda f, x: f.avg_pool2d(x, (6, 2)), X),
    "adaptive_avg_pool2d three sizes": (lambda f, x: f.adaptive_avg_pool2d(x, (1, 2, 3)), X),
    "adaptive_max_pool2d two axes": (lambda f, x: f.adaptive_max_pool2d(x, 1), zeros(4, 4)),
    "batch_norm wrong channels": (lambda f, x, m: f.batch_norm(x, m, m), X, zeros(5)),
    "batch_norm negative eps": (lambda f, x, m: f.batch_norm(x, m, m, eps=-1.0), X, zeros(4)),
    "batch_norm mixed dtypes": (lambda f, x, m: f.batch_norm(x, m, m), X, np.zeros(4)),
    "batch_norm one axis": (lambda f, x, m: f.batch_norm(x, m, m), zeros(4), zeros(4)),
    "linear wrong features": (lambda f, x, w: f.linear(x, w), X, zeros(3, 4)),
    "linear mixed dtypes": (lambda f, x, w: f.linear(x, w), X, np.zeros((3, 7))),
    "pad odd length": (lambda f, x: f.pad(x, (1,)), X),
    "pad reflect too far": (lambda f, x: f.pad(x, (7, 0, 0, 0), "reflect"), X),
    "pad circular too far": (lambda f, x: f.pad(x, (8, 0, 0, 0), "circular"), X),
    "pad value with a mode": (lambda f, x: f.pad(x, (1, 0, 0, 0), "replicate", 1.0), X),
    "pad unknown mode": (lambda f, x: f.pad(x, (1, 0, 0, 0), "edge"), X),
    "interpolate both": (lambda f, x: f.interpolate(x, 2, 2), X),
    "interpolate neither": (lambda f, x: f.interpolate(x), X),
    "interpolate nearest with align_corners": (lambda f, x: f.interpolate(x, 2, align_corners=False), X),
    "interpolate to nothing": (lambda f, x: f.interpolate(x, scale_factor=0.1), X),
    "interpolate recomputed from a size": (lambda f, x: f.interpolate(x, 2, recompute_scale_factor=True), X),
    "unfold kernel too large": (lambda f, x: f.unfold(x, 6), X),
    "unfold two axes": (lambda f, x: f.unfold(x, 2), zeros(4, 4)),
    "unfold stride 0": (lambda f, x: f.unfold(x, 2, stride=0), X),
    "fold wrong number of windows": (lambda f, x: f.fold(x, (4, 5), 2), zeros(1, 8, 11)),
    "fold wrong number of taps": (lambda f, x: f.fold(x, (4, 5), (3, 2)), zeros(1, 8, 8)),
    "fold four axes": (lambda f, x: f.fold(x, (4, 5), 2), zeros(1, 8, 12, 1)),
    "interpolate three sizes": (lambda f, x: f.interpolate(x, (1, 2, 3)), X),
    "conv_transpose2d output_padding": (lambda f, x, w: f.conv_transpose2d(x, w, output_padding=1), X, SMALL),
    "conv_transpose2d output_padding columns": (lambda f, x, w: f.conv_transpose2d(x, w, stride=(3, 1), output_padding=2), X, SMALL),
    "conv_transpose2d too much padding": (lambda f, x, w: f.conv_transpose2d(x, w, padding=4), X, SMALL),
    "conv_transpose2d groups": (lambda f, x, w: f.conv_transpose2d(x, w, groups=3), X, SMALL),
    "conv_transpose2d channels": (lambda f, x, w: f.conv_transpose2d(x, w), X, SMALL[:3]),
    "conv_transpose2d bias": (lambda f, x, w, b: f.conv_transpose2d(x, w, b), X, SMALL, zeros(4)),
    "conv_transpose2d word": (lambda f, x, w: f.conv_transpose2d(x, w, padding="same"), X, SMALL),
    "conv_transpose2d mixed dtypes": (lambda f, x, w: f.conv_transpose2d(x, w), X, SMALL.astype(np.float64)),
    "softmax unknown dim": (lambda f, x: f.softmax(x, 4), X),
}


@pytest.mark.parametrize("name", BOTH_REFUSE)
def test_both_refuse(name):
    call, *arrays = BOTH_REFUSE[name]
    with pytest.raises(MinicnnError):
        call(F, *arrays)
    with pytest.raises((RuntimeError, ValueError, TypeError, IndexError, NotImplementedError)):
        call(TF, *tensors(*arrays))


@pytest.mark.parametrize(
    ("ours", "theirs", "shapes"),
    [
        (lambda x: F.flatten(x, 2, 1), lambda x: torch.flatten(x, 2, 1), [(2, 3, 4)]),
        (lambda x: F.flatten(x, 3), lambda x: torch.flatten(x, 3), [(2, 3, 4)]),
        (lambda *xs: F.concat(xs), lambda *xs: torch.cat(xs, 1), [(2, 3, 4), (2, 3, 5)]),
        (lambda *xs: F.concat(xs), lambda *xs: torch.cat(xs, 1), []),
        (lambda *xs: F.concat(xs, 3), lambda *xs: torch.cat(xs, 3), [(2, 3, 4), (2, 3, 4)]),
        (F.add, torch.add, [(2, 3, 4, 5), (2, 3, 4, 4)]),
    ],
)
def test_both_refuse_outside_torch_nn_functional(ours, theirs, shapes):
    arrays = [zeros(*shape) for shape in shapes]
    with pytest.raises(MinicnnError):
        ours(*arrays)
    with pytest.raises((RuntimeError, ValueError, IndexError)):
        theirs(*tensors(*arrays))


@pytest.mark.parametrize("pool", ["max_pool2d", "avg_pool2d"])
@pytest.mark.parametrize("size", [(2, 5), (5, 1), (1, 2)])
def test_with_ceil_a_kernel_may_hang_out_of_the_input(pool, size):
    x = np.random.default_rng(0).integers(-5, 6, (2, 3, *size)).astype(np.float64)
    for stride in (3, 4):
        np.testing.assert_array_equal(
            getattr(F, pool)(x, 3, stride, ceil_mode=True), getattr(TF, pool)(*tensors(x), 3, stride, ceil_mode=True).numpy()
        )


class TestWhereWeDifferOnPurpose:
    """Each of these is a row of the table of differences; when PyTorch changes, the row is due."""

    def test_indices_of_windows_that_see_nothing_are_refused(self):
        x, arguments = zeros(1, 1, 1, 9), ((2, 1), 1, (1, 0), (2, 1))
        assert TF.max_pool2d(*tensors(x), *arguments, return_indices=True)[1].max() >= 9  # past the plane
        equal(F.max_pool2d(x, *arguments), TF.max_pool2d(*tensors(x), *arguments))
        with pytest.raises(MinicnnError, match="sees none"):
            F.max_pool2d(x, *arguments, return_indices=True)

    def test_a_nan_is_not_multiplied_by_a_weight_of_zero(self):
        x = zeros(1, 1, 3, 4)
        x[0, 0, 1, 1] = NAN
        theirs = TF.interpolate(*tensors(x), (6, 8), mode="bilinear").isnan().numpy()
        ours = np.isnan(F.interpolate(x, (6, 8), mode="bilinear"))
        assert (ours <= theirs).all()
        assert ours.sum() == 16
        assert theirs.sum() == 25

    def test_nearest_uses_exact_positions(self):
        x = np.arange(3, dtype=np.float32).reshape(1, 1, 1, 3)
        ours, theirs = F.interpolate(x, (1, 123)), TF.interpolate(*tensors(x), (1, 123)).numpy()
        assert_array_equal(ours[0, 0, 0], np.arange(123) * 3 // 123)
        assert (ours != theirs).any()

    @pytest.mark.parametrize(
        ("ours", "theirs"),
        [
            (lambda: F.adaptive_avg_pool2d(X, 0), lambda: TF.adaptive_avg_pool2d(*tensors(X), 0)),
            (lambda: F.avg_pool2d(X, 2, divisor_override=-2), lambda: TF.avg_pool2d(*tensors(X), 2, divisor_override=-2)),
            (lambda: F.conv_transpose2d(X, SMALL, padding=3), lambda: TF.conv_transpose2d(*tensors(X, SMALL), padding=3)),  # no rows
            (lambda: F.linear(X, zeros(7)), lambda: TF.linear(*tensors(X, zeros(7)))),
            (lambda: F.linear(X, zeros(3, 7), zeros(1)), lambda: TF.linear(*tensors(X, zeros(3, 7), zeros(1)))),
            (lambda: F.add(X, X[:, :, :1]), lambda: torch.add(*tensors(X, X[:, :, :1]))),
            (lambda: F.add(X, X[0]), lambda: torch.add(*tensors(X, X[0]))),
            (lambda: F.add(X, X.astype(np.float64)), lambda: torch.add(*tensors(X, X.astype(np.float64)))),
            (lambda: F.concat([X, X.astype(np.float64)]), lambda: torch.cat(tensors(X, X.astype(np.float64)))),
            (lambda: F.concat([zeros(0), zeros(1, 2)], 0), lambda: torch.cat(tensors(zeros(0), zeros(1, 2)))),
            (lambda: F.pad(X, (-1, 0)), lambda: TF.pad(*tensors(X), (-1, 0))),
            (lambda: F.pad(X, (0,) * 4 + (1, 1)), lambda: TF.pad(*tensors(X), (0,) * 4 + (1, 1))),
            (lambda: F.pad(X[0, 0], (1, 1)), lambda: TF.pad(*tensors(X[0, 0]), (1, 1))),
            (lambda: F.softmax(np.zeros(()), 0), lambda: TF.softmax(torch.zeros(()), 0)),
        ],
    )
    def test_we_refuse_what_pytorch_takes(self, ours, theirs):
        assert isinstance(theirs(), torch.Tensor)
        with pytest.raises(MinicnnError):
            ours()

    def test_we_take_what_pytorch_refuses(self):
        for call in (
            lambda f, x: f.max_pool2d(x, 3, padding=((1, 0), (0, 1))),
            lambda f, x: f.avg_pool2d(x, 3, 2, padding="same"),
            lambda f, x: f.pad(x, (1, 1), "reflect"),
        ):
            assert call(F, X).shape[:2] == (2, 4)
            with pytest.raises((RuntimeError, TypeError, NotImplementedError)):
                call(TF, *tensors(X))
        assert F.interpolate(X[0], (3, 4), mode="bilinear").shape == (4, 3, 4)  # one image; theirs is (N, C, L) here
        with pytest.raises((NotImplementedError, ValueError)):
            TF.interpolate(*tensors(X[0]), (3, 4), mode="bilinear")
