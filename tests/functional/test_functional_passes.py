"""Operations in one pass over memory: each kernel against the NumPy expression that it stands for, on maps large enough to meet it."""

import hashlib
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from minicnn import functional as F
from minicnn.axis import Resize, Slide
from minicnn.conv.algorithm import plain
from minicnn.errors import ArgumentError
from minicnn.functional import passes
from minicnn.functional.pooling import rows_met
from minicnn.functional.select import copy_where

NAN, INF = np.nan, np.inf
BOTH = pytest.mark.parametrize("dtype", [np.float32, np.float64])
SIZES = pytest.mark.parametrize("size", [passes.WORTH_A_KERNEL, passes.WORTH_A_KERNEL + 13, passes.WORTH_WAKING + 5])
SPECIAL = [NAN, INF, -INF, 0.0, -0.0, 6, 3, -3, 1e-40, -1e-40, 3e38, -3e38]


def numbers(size, dtype, seed=0):
    x = (np.random.default_rng(seed).normal(size=size) * 5).astype(dtype)
    x[:12] = x[-12:] = SPECIAL
    return x


def assert_same_bits(found, expected):
    """Also of zeros' signs; a NaN is a NaN."""
    assert found.dtype == expected.dtype
    assert_array_equal(found, expected)
    assert_array_equal(np.signbit(found)[~np.isnan(found)], np.signbit(expected)[~np.isnan(expected)])


def by_sign(x, slope):
    return copy_where(np.multiply(x, slope, out=np.empty_like(x)), x, x > 0)


# name: (operation, the NumPy expression that it was before it had a kernel)
FORMER = {
    "relu": (F.relu, lambda x: np.maximum(x, 0)),
    "relu6": (F.relu6, lambda x: np.clip(x, 0, 6)),
    "leaky_relu": (lambda x: F.leaky_relu(x, 0.2), lambda x: by_sign(x, 0.2)),
    "leaky_relu -1": (lambda x: F.leaky_relu(x, -1), lambda x: by_sign(x, -1)),
    "leaky_relu huge": (lambda x: F.leaky_relu(x, 1e300), lambda x: by_sign(x, 1e300)),
    "leaky_relu_backward": (
        lambda x: F.leaky_relu_backward(x[::-1], x, 0.2),
        lambda x: np.where(x > 0, x[::-1], x.dtype.type(0.2) * x[::-1]),
    ),
    "prelu": (lambda x: F.prelu(x, np.array([0.2], x.dtype)), lambda x: by_sign(x, 0.2)),
    "hardswish": (F.hardswish, lambda x: np.clip(x + x.dtype.type(3), 0, 6) / 6 * x),
    "add": (lambda x: F.add(x, x[::-1]), lambda x: x + x[::-1]),
    "add relu of -0": (lambda x: F.add(x, x, activation="relu"), lambda x: np.maximum(x + x, 0)),
    "add relu": (lambda x: F.add(x, x[::-1], activation="relu"), lambda x: np.maximum(x + x[::-1], 0)),
}


@BOTH
@SIZES
@pytest.mark.parametrize("name", FORMER)
def test_to_the_bit_what_numpy_made_of_it(name, size, dtype):
    operation, former = FORMER[name]
    x = numbers(size, dtype)
    kept = x.copy()
    with np.errstate(all="ignore"):
        expected = former(x)
    with np.errstate(all="raise"):
        found = operation(x)
    assert_same_bits(found, expected)
    assert_same_bits(x, kept)
    assert not np.shares_memory(found, x)


def test_relu_hand_worked_where_a_kernel_does_it():
    x = np.zeros((2, 100, 100), np.float32)
    x[1, 99, 96:] = -2, 0.5, NAN, INF
    assert_array_equal(F.relu(x)[1, 99, 95:], [0, 0, 0.5, NAN, INF])
    assert_array_equal(F.relu6(x * 20)[1, 99, 95:], [0, 0, 6, NAN, 6])
    assert_array_equal(F.add(x, x - 1, activation="relu")[1, 99, 95:], [0, 0, 0, NAN, INF])


class TestAdd:
    @BOTH
    @pytest.mark.parametrize("other", [(2, 3, 40, 70), (2, 3, 1, 1), (1, 3, 1, 1)])
    def test_relu_of_a_sum(self, other, dtype):
        rng = np.random.default_rng(0)
        x, y = rng.integers(-4, 5, (2, 3, 40, 70)).astype(dtype), rng.integers(-4, 5, other).astype(dtype)
        x[0, 0, 0, :2] = NAN, -INF
        for a, b in ((x, y), (y, x), (x[:, :, :2, :3], y[:, :, :2, :3])):
            assert_array_equal(F.add(a, b, activation="relu"), F.relu(F.add(a, b)))
            assert_array_equal(F.add(a, b, activation=None), F.add(a, b))

    @pytest.mark.parametrize("activation", ["relu6", "silu", 1, "ReLU", np.zeros(2)])
    def test_another_activation(self, activation):
        with pytest.raises(
            ArgumentError, match=r"^add: activation must be None or 'relu', but it is .*; apply others to the sum, relu6\(add"
        ):
            F.add(np.zeros(3), np.zeros(3), activation=activation)


class TestPlanes:
    @BOTH
    @pytest.mark.parametrize("shape", [(3, 5, 33, 47), (2, 700, 4, 4), (90, 40, 16), (1100, 16), (2, 3, 5, 7, 96)])
    def test_batch_norm_rounds_its_two_steps_as_before(self, shape, dtype):
        x = numbers(math.prod(shape), dtype).reshape(shape)
        mean, var, weight, bias = (np.random.default_rng(i).uniform(0.5, 2, shape[1]).astype(dtype) for i in range(4))
        var[0], weight[-1] = INF, NAN
        scale = weight.astype(np.float64) * (1 / np.sqrt(var.astype(np.float64) + 1e-3))
        shift = bias.astype(np.float64) - mean.astype(np.float64) * scale
        column = (-1,) + (1,) * (len(shape) - 2)
        with np.errstate(all="ignore"):
            expected = x * scale.astype(dtype).reshape(column) + shift.astype(dtype).reshape(column)
        with np.errstate(all="raise"):
            assert_same_bits(F.batch_norm(x, mean, var, weight, bias, eps=1e-3), expected)

    @BOTH
    @pytest.mark.parametrize("shape", [(3, 5, 33, 47), (8, 300, 7, 7), (1, 20000, 1, 1), (1, 1, 400, 401)])
    def test_global_means(self, shape, dtype):
        x = np.random.default_rng(0).integers(-9, 10, shape).astype(dtype)  # sums are exact, and one quotient is rounded
        assert_array_equal(
            F.adaptive_avg_pool2d(x, 1), (x.sum(axis=(2, 3), dtype=np.float64) / dtype(shape[2] * shape[3])).astype(dtype)[..., None, None]
        )
        x[0, 0, 0, 0], x[-1, -1, -1, -1] = NAN, INF
        found = F.adaptive_avg_pool2d(x, 1)
        assert_array_equal(np.isfinite(found).sum(), found.size - len({(0, 0), (shape[0] - 1, shape[1] - 1)}))
        assert np.isnan(found[0, 0, 0, 0])

    @BOTH
    def test_global_means_are_within_the_error_of_a_sum(self, dtype):
        x = np.random.default_rng(1).normal(size=(2, 9, 61, 67)).astype(dtype)
        error = np.abs(F.adaptive_avg_pool2d(x, 1).astype(np.longdouble) - x.astype(np.longdouble).mean(axis=(2, 3), keepdims=True))
        n = 61 * 67
        assert (error <= (n / 2 + 1) * np.finfo(dtype).eps * np.abs(x).mean(axis=(2, 3), keepdims=True)).all()

    @BOTH
    @pytest.mark.parametrize("out", [(3, 4), (6, 1), (1, 8), (6, 8), (4, 5)])
    def test_sizes_that_divide_are_windows_side_by_side(self, out, dtype):
        x = np.random.default_rng(0).integers(-9, 10, (2, 3, 6, 8)).astype(dtype)
        expected = np.empty((2, 3, *out), dtype)
        for p, q in np.ndindex(out):
            rows, columns = (slice(i * n // o, -(-(i + 1) * n // o)) for i, n, o in ((p, 6, out[0]), (q, 8, out[1])))
            cells = x[:, :, rows, columns]
            expected[..., p, q] = cells.sum(axis=(2, 3)) / dtype(cells.shape[2] * cells.shape[3])
        assert_array_equal(F.adaptive_avg_pool2d(x, out), expected)


class TestMaxPool:
    """The kernel of eight lanes against the plain loops, which float64 takes."""

    @settings(deadline=None, max_examples=80)
    @given(st.data())
    def test_against_the_plain_loops(self, data):
        draw = lambda low, high: data.draw(st.integers(low, high))  # noqa: E731
        kernel, stride, dilation = (draw(1, 5), draw(1, 5)), (draw(1, 3), draw(1, 3)), (draw(1, 3), draw(1, 2))
        padding = tuple((draw(0, k // 2), draw(0, k // 2)) for k in kernel)
        least = [max(1, d * (k - 1) + 1 - sum(p)) for k, d, p in zip(kernel, dilation, padding, strict=True)]
        size = least[0] + draw(0, 9), max(8, least[1]) + draw(0, 25)
        rng = np.random.default_rng(draw(0, 99))
        x = rng.integers(-3, 4, (draw(1, 2), draw(1, 7), *size)).astype(np.float32)
        x[rng.random(x.shape) < data.draw(st.sampled_from([0.0, 0.1]))] = data.draw(st.sampled_from([NAN, -INF, INF]))
        arguments = (kernel, stride, padding, dilation, data.draw(st.booleans()))
        found = F.max_pool2d(x, *arguments)
        assert_same_bits(found.astype(np.float64), F.max_pool2d(x.astype(np.float64), *arguments))

    def test_a_nan_wins_from_every_place_and_in_every_lane(self):
        for column in range(20):
            x = np.full((1, 1, 6, 20), 5, np.float32)
            x[0, 0, 2, column] = NAN
            expected = np.zeros((6, 20), bool)
            expected[1:4, max(0, column - 1) : column + 2] = True
            assert_array_equal(np.isnan(F.max_pool2d(x, 3, 1, 1))[0, 0], expected)
            assert_array_equal(np.isnan(F.max_pool2d(x, 3, 2, 1))[0, 0], expected[::2, ::2])

    @pytest.mark.parametrize("width", range(8, 35))
    @pytest.mark.parametrize("stride", [1, 2])
    def test_nothing_is_written_outside_or_left_unwritten(self, width, stride):
        from minicnn.functional.pooling_lanes import largest_in_lanes

        rows, columns = Slide(3, stride, 1, 1), Slide(3, stride, 1, 1)
        P, Q = rows.out_size(5), columns.out_size(width)
        x = np.random.default_rng(width).integers(-9, 10, (3, 5, width)).astype(np.float32)
        memory = np.full(3 * P * Q + 64, -77, np.float32)
        y = memory[32:-32].reshape(3, P, Q)
        y[:] = NAN
        for kernel in (largest_in_lanes, largest_in_lanes.alone):
            kernel(plain(x), y, *rows_met(rows, 5, width), width, 3, stride, 1, 1)
            assert_array_equal(y, F.max_pool2d(x.astype(np.float64), 3, stride, 1))
            assert (memory[:32] == -77).all()
            assert (memory[-32:] == -77).all()

    def test_rows_that_a_window_meets(self):
        for rule, n in ((Slide(3, 2, 1, 1), 5), (Slide(4, 1, 2, 2, 3), 9), (Slide(2, 1, 1, 1, 2), 1), (Slide(5, 3, 2, 0, 1, True), 11)):
            starts, counts = rows_met(rule, n, 10)
            for i, (start, count) in enumerate(zip(starts, counts, strict=True)):
                assert_array_equal(start // 10 + rule.dilation * np.arange(count), rule.sees(i, n))
            with pytest.raises(ValueError, match="read-only"):
                starts[0] = 1


def one_axis(x, rule, axis):
    """What interpolate did before it had a kernel: take both neighbours, weigh, add; a weight of 0 is not multiplied."""
    taps = [rule.taps(i, x.shape[axis]) for i in range(rule.out)]
    y = x.take([inputs[0][0] for inputs in taps], axis=axis)
    shape = (-1,) + (1,) * (x.ndim - axis - 1)
    mixed = [i for i, inputs in enumerate(taps) if len(inputs) == 2]
    with np.errstate(all="ignore"):
        if mixed:
            y = y * np.array([float(inputs[0][1]) for inputs in taps], x.dtype).reshape(shape)
            there = x.take([taps[i][1][0] for i in mixed], axis=axis) * np.array([float(taps[i][1][1]) for i in mixed], x.dtype).reshape(
                shape
            )
            y[(slice(None),) * axis + (mixed,)] += there
    return y


class TestInterpolate:
    @BOTH
    @settings(deadline=None, max_examples=40)
    @given(
        st.sampled_from([("nearest", None), ("bilinear", None), ("bilinear", True)]),
        st.tuples(st.integers(1, 12), st.integers(1, 40)),
        st.tuples(st.integers(1, 25), st.integers(1, 60)),
        st.sampled_from([0.0, 0.1]),
    )
    def test_to_the_bit_what_numpy_made_of_it(self, dtype, way, size, out, special):
        mode, align = way
        rng = np.random.default_rng(0)
        x = rng.normal(size=(2, 3, *size)).astype(dtype)
        x[rng.random(x.shape) < special] = INF
        expected = x
        for axis, o in zip((2, 3), out, strict=True):
            expected = one_axis(expected, Resize(o, mode, bool(align)), axis)
        assert_same_bits(F.interpolate(x, out, None, mode, align), expected)

    def test_a_size_whose_table_is_not_kept(self):
        x = np.array([[[0.0, 4.0]]])
        assert_array_equal(F.interpolate(x, (1, 10_000)), np.repeat(x, 5000, axis=2))
        assert F.interpolate(x, (1, 10_000), mode="bilinear")[0, 0, 5000] == 4 * 0.5001  # at 5000.5·2/10000 - 1/2


class TestCurves:
    @BOTH
    def test_the_exponential_is_within_a_unit_in_the_last_place(self, dtype):
        from minicnn.functional import exponential_kernel

        exp = exponential_kernel.exp32 if dtype == np.float32 else exponential_kernel.exp64
        deepest = -87 if dtype == np.float32 else -708  # from there on results are subnormal
        x = np.concatenate([np.linspace(deepest, 0, 4001), -np.logspace(-12, 0, 500)]).astype(dtype)
        found = np.array([exp(number) for number in x])
        expected = np.exp(x.astype(np.longdouble))
        assert np.abs(found - expected).max() <= np.finfo(dtype).eps
        assert (np.abs(found - expected) <= 1.1 * np.spacing(expected.astype(dtype))).all()
        below = np.linspace(1.05 * deepest, deepest, 100).astype(dtype)
        assert (
            np.abs(np.array([exp(number) for number in below]) - np.exp(below.astype(np.longdouble)))
            <= 2 * np.finfo(dtype).smallest_subnormal
        ).all()
        with np.errstate(all="ignore"):
            assert [float(exp(dtype(number))) for number in (0.0, -0.0, -INF, -1e30, NAN)] == pytest.approx([1, 1, 0, 0, NAN], nan_ok=True)

    @BOTH
    @SIZES
    def test_sigmoid_and_silu(self, size, dtype):
        x = numbers(size, dtype)
        x[12:-12] *= 10
        with np.errstate(all="ignore"):
            e = np.exp(-np.abs(x.astype(np.longdouble)))
            expected = np.where(x >= 0, 1, e) / (1 + e)
            weighted = expected * x
        with np.errstate(all="raise"):
            pairs = (F.sigmoid(x), expected), (F.silu(x), weighted)
        for found, right in pairs:
            tiny = np.finfo(dtype).smallest_subnormal
            assert_array_equal(np.isnan(found), np.isnan(right))
            there = np.isfinite(right) & ~np.isnan(right)
            # the exponential is within 1.1 eps, a sum, a quotient and a product within half an eps each
            bound = 3 * np.finfo(dtype).eps * np.abs(right[there]) + 2 * tiny * (1 + np.abs(x[there]))
            assert (np.abs(found[there] - right[there]) <= bound).all()
            assert_array_equal(found[np.isinf(right)], right[np.isinf(right)])

    @BOTH
    @SIZES
    def test_gelu(self, size, dtype):
        x = numbers(size, dtype)
        x[20:2020] = np.linspace(-13, 13, 2000)
        with np.errstate(all="raise"):
            found = F.gelu(x)
        t = x * dtype(-math.sqrt(0.5))
        former = np.concatenate([F.gelu(x[i : i + 4096]) for i in range(0, size, 4096)])  # NumPy's passes
        assert_array_equal(np.isnan(found), np.isnan(former))
        fine = np.isfinite(former) & (np.abs(t) < 9)
        right = np.array([float(v) * math.erfc(float(u)) / 2 for v, u in zip(x[fine][:4000], t[fine][:4000], strict=True)])
        near = found[fine][:4000].astype(np.float64)
        # erfc as the card of erf.py states, 12 eps, a product by 1/2 and one by x
        assert (np.abs(near - right) <= 13 * np.finfo(dtype).eps * np.abs(right) + 4 * np.finfo(dtype).tiny).all()
        assert_array_equal(np.isinf(found), np.isinf(former))
        # where the two differ it is by the roundings of both
        assert (np.abs(found[fine] - former[fine]) <= 26 * np.finfo(dtype).eps * np.abs(former[fine]) + 8 * np.finfo(dtype).tiny).all()

    @BOTH
    @pytest.mark.parametrize(
        ("shape", "dim"), [((170, 100), 1), ((100, 170), 0), ((3, 21, 300), 1), ((2, 3, 70, 50), 2), ((1, 20000), 1), ((20000, 1), 1)]
    )
    def test_softmax(self, shape, dim, dtype):
        x = numbers(math.prod(shape), dtype).reshape(shape)
        x.reshape(-1)[[0, 1, -1]] = 300, -300, NAN
        with np.errstate(all="ignore"):
            e = np.exp(x.astype(np.longdouble) - x.max(axis=dim, keepdims=True))
            expected = e / e.sum(axis=dim, keepdims=True)
        with np.errstate(all="raise"):
            found = F.softmax(x, dim)
        assert found.dtype == dtype
        assert_array_equal(np.isnan(found), np.isnan(expected))
        fine = ~np.isnan(expected)
        # x - max is rounded by half an eps of 320 at most; exp, n sums and a quotient
        bound = (320 + shape[dim] + 4) * np.finfo(dtype).eps * expected[fine] + np.finfo(dtype).tiny
        assert (np.abs(found[fine] - expected[fine]) <= bound).all()


CALLS = """
import hashlib, sys, numpy as np
from minicnn import functional as F
rng = np.random.default_rng(0)
a, b = (rng.standard_normal((2, 9, 93, 95)).astype(np.float32) for _ in range(2))
c = np.abs(b[0, :, 0, 0])
results = [F.relu(a), F.relu6(a), F.leaky_relu(a), F.hardswish(a), F.sigmoid(a), F.silu(a), F.add(a, b), F.add(a, b, activation="relu"),
    F.batch_norm(a, c, c), F.adaptive_avg_pool2d(a, 1), F.max_pool2d(a, 3, 2, 1), F.max_pool2d(a, 2), F.interpolate(a, (130, 77)),
    F.interpolate(a, (130, 77), mode="bilinear"), F.softmax(a, 1), F.softmax(a, 3), F.gelu(a)]
print(*(hashlib.sha256(y.tobytes()).hexdigest()[:12] for y in results))
"""


def test_bits_do_not_change_with_the_thread_count():
    found = {
        subprocess.run(
            [sys.executable, "-c", CALLS], capture_output=True, text=True, check=True, env={**os.environ, "NUMBA_NUM_THREADS": threads}
        ).stdout
        for threads in ("1", "2")
    }
    assert len(found) == 1
    assert len(found.pop().split()) == 17


def test_alone_gives_the_same_bits(monkeypatch):
    a = numbers(2 * 9 * 93 * 95, np.float32).reshape(2, 9, 93, 95)
    calls = [
        F.relu,
        F.hardswish,
        F.silu,
        lambda x: F.adaptive_avg_pool2d(x, 1),
        lambda x: F.batch_norm(x, x[0, :, 50, 0], x[0, :, 51, 0] ** 2),
    ]
    together = [hashlib.sha256(call(a).tobytes()).digest() for call in calls]
    monkeypatch.setattr(passes, "WORTH_WAKING", 1 << 40)
    assert [hashlib.sha256(call(a).tobytes()).digest() for call in calls] == together


@BOTH
def test_large_maps_in_any_layout_locked_or_empty(dtype):
    a = np.random.default_rng(0).standard_normal((2, 5, 60, 70)).astype(dtype)
    c = np.abs(a[0, :, 0, 0]).copy()
    calls = [
        F.relu, F.relu6, F.leaky_relu, F.hardswish, F.sigmoid, F.silu, lambda x: F.add(x, x, activation="relu"), lambda x: F.softmax(x, 1),
        lambda x: F.batch_norm(x, c, c), lambda x: F.adaptive_avg_pool2d(x, 1), lambda x: F.max_pool2d(x, 3, 2, 1),
        lambda x: F.interpolate(x, (50, 90), mode="bilinear"), lambda x: F.interpolate(x, scale_factor=2),
    ]  # fmt: skip
    turned = np.ascontiguousarray(a.transpose(3, 1, 0, 2)).transpose(2, 1, 3, 0)
    locked = a.copy()
    locked.flags.writeable = False
    for call in calls:
        expected = call(a)
        for x in (turned, locked, np.ascontiguousarray(a[..., ::-1])[..., ::-1]):
            assert_same_bits(call(x), expected)
        assert call(a[:0]).shape == (0, *expected.shape[1:])
