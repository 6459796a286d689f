"""Layers that compute with arrays of any number of axes: worked by hand, whole numbers, dtypes, what a mistake gets."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minicnn import Network, backward, nn, trace
from minicnn.errors import ArgumentError, DTypeError, ShapeError, UnsupportedError, WeightsError
from minicnn.layers.base import Passage

NAN, INF = np.nan, np.inf


def back(layer, grad, *inputs):
    """Return the gradients by inputs and by parameters of one call."""
    y = layer(*inputs)
    passage = Passage(inputs, (y,), tuple(x.shape for x in inputs), None, False, (True,) * len(inputs), bool(layer.parameters()))
    return layer.backward((np.asarray(grad, y.dtype),), passage)


class TestArithmetic:
    def test_hand_worked(self):
        x, y = np.array([[6.0, -7.0]]), np.array([[2.0], [4.0]])
        expected = {
            "add": [[8, -5], [10, -3]],
            "sub": [[4, -9], [2, -11]],
            "mul": [[12, -14], [24, -28]],
            "div": [[3, -3.5], [1.5, -1.75]],
            "pow": [[36, 49], [1296, 2401]],
            "max": [[6, 2], [6, 4]],
            "min": [[2, -7], [4, -7]],
        }
        for operation, values in expected.items():
            assert_array_equal(nn.Arithmetic(operation)(x, y), values)
            assert_array_equal(nn.Arithmetic(operation, y)(x), values)
            assert_array_equal(nn.Arithmetic(operation, x, other_first=True)(y), values)

    def test_whole_numbers_stay_whole_and_quotients_are_cut_off(self):
        x, y = np.array([7, -7, 7, -7, 6]), np.array([2, 2, -2, -2, -3])
        assert_array_equal(nn.Arithmetic("div")(x, y), [3, -3, -3, 3, -2])
        assert_array_equal(nn.Arithmetic("add", 3)(x), x + 3)
        assert nn.Arithmetic("mul", np.array([2, 2, 2, 2, 2]))(x).dtype == np.int64
        assert_array_equal(nn.Arithmetic("pow", 2)(x), x * x)
        assert_array_equal(nn.Arithmetic("max", 0)(x), [7, 0, 7, 0, 6])

    def test_a_power_keeps_the_dtype_of_its_base(self):
        x = np.array([4.0, 9.0], np.float32)
        for exponent in (0.5, np.array([0.5]), np.float32(0.5)):
            y = nn.Arithmetic("pow", exponent)(x)
            assert y.dtype == np.float32
            assert_array_equal(y, [2, 3])
        assert_array_equal(nn.Arithmetic("pow")(x, np.array([2, 1])), np.array([16, 9], np.float32))
        assert_array_equal(nn.Arithmetic("pow")(np.array([2, 3]), np.array([0.0, 2.0])), [1, 9])
        assert_array_equal(nn.Arithmetic("pow", 2, other_first=True)(np.array([3, 0])), [8, 1])

    def test_gradients_by_hand(self):
        x, y, g = np.array([[6.0, -7.0]]), np.array([[2.0], [4.0]]), np.array([[1.0, 10.0], [100.0, 1000.0]])
        for operation, by_x, by_y in (
            ("add", [[101, 1010]], [[11], [1100]]),
            ("sub", [[101, 1010]], [[-11], [-1100]]),
            ("mul", [[402, 4020]], [[6 - 70], [600 - 7000]]),
            ("div", [[0.5 + 25, 5 + 250]], [[-1.5 + 17.5], [-600 / 16 + 7000 / 16]]),
            ("max", [[101, 0]], [[10], [1000]]),
            ("min", [[0, 1010]], [[1], [100]]),
        ):
            (found_x, found_y), none = back(nn.Arithmetic(operation), g, x, y)
            assert_array_equal(found_x, by_x, operation)
            assert_array_equal(found_y, by_y, operation)
            assert none == {}
            (only,), _ = back(nn.Arithmetic(operation, y), g, x)
            assert_array_equal(only, by_x, operation)
            (only,), _ = back(nn.Arithmetic(operation, x, other_first=True), g, y)
            assert_array_equal(only, by_y, operation)
        (by_x, by_y), _ = back(nn.Arithmetic("pow"), np.ones(4), np.array([3.0, 0.0, 0.0, 2.0]), np.array([2.0, 2.0, 0.0, 0.0]))
        assert_array_equal(by_x, [6, 0, 0, 0])
        assert_array_equal(by_y, [9 * np.log(3.0), 0, 0, np.log(2.0)])

    def test_a_tie_is_shared(self):
        x = np.array([1.0, 2.0])
        for operation in ("max", "min"):
            (by_x, by_y), _ = back(nn.Arithmetic(operation), [8.0, 8.0], x, x.copy())
            assert_array_equal(by_x, [4, 4])
            assert_array_equal(by_y, [4, 4])

    def test_whole_numbers_have_no_gradient(self):
        (by_x, by_y), _ = back(nn.Arithmetic("pow"), np.ones(1), np.array([3.0]), np.array([2]))
        assert_array_equal(by_x, [6])
        assert by_y is None

    def test_what_is_kept(self):
        keeps = {"add": (), "sub": (), "mul": (), "div": (), "pow": ("input",), "max": ("input",), "min": ("input",)}
        for operation, kept in keeps.items():
            assert nn.Arithmetic(operation, 2.0).keeps == kept
            two = () if operation in ("add", "sub") else ("input",)
            assert nn.Arithmetic(operation).keeps == two
        assert nn.Arithmetic("div", 2.0, other_first=True).keeps == ("input",)
        assert nn.Arithmetic("mul", 2.0, other_first=True).keeps == ()

    def test_a_constant_array_is_a_buffer_and_a_number_is_not(self):
        other = np.ones((3, 1, 1), np.float32)
        net = nn.Sequential(nn.Arithmetic("add", other), nn.Arithmetic("mul", 0.5))
        assert list(net.buffers()) == ["arithmetic1.other"]
        assert not net.parameters()
        assert_array_equal(
            net.with_parameters({"arithmetic1.other": other * 3})(np.ones((1, 3, 2, 2), np.float32)), np.full((1, 3, 2, 2), 2)
        )
        assert repr(net["arithmetic1"]) == "Arithmetic('add', nn.ShapeOnly((3, 1, 1), 'float32'))"
        assert repr(nn.Arithmetic("div", 1, other_first=True)) == "Arithmetic('div', 1, other_first=True)"

    def test_a_float32_constant_follows_a_float64_input_and_never_the_other_way(self):
        small = np.array([0.1], np.float32)
        assert nn.Arithmetic("add", small)(np.zeros(2)).dtype == np.float64
        assert_array_equal(nn.Arithmetic("add", 0.1)(np.zeros(1)), [0.1])
        with pytest.raises(DTypeError, match="other is float64 and x is float32"):
            nn.Arithmetic("add", np.array([0.1]))(np.zeros(2, np.float32))

    def test_in_a_network_the_gate_gets_its_sum(self):
        net = Network([("gate", nn.Reduce("mean", (2, 3)), ["x"]), ("out", nn.Arithmetic("mul"), ["x", "gate"])])
        x = np.arange(1.0, 7.0).reshape(1, 1, 2, 3)
        grad_inputs, _ = backward(net, trace(net, x), np.ones((1, 1, 2, 3)))
        assert_array_equal(grad_inputs["x"], np.full((1, 1, 2, 3), 3.5 + 21 / 6))  # Σ x·mean(x) = mean(x)·Σx

    @pytest.mark.parametrize(
        ("error", "match", "call"),
        [
            (ArgumentError, r"operation must be one of 'add', 'sub', .* but it is 'mod'", lambda: nn.Arithmetic("mod")),
            (ArgumentError, r"other_first says where other stands, but there is none", lambda: nn.Arithmetic("sub", other_first=True)),
            (DTypeError, r"other must be float32, float64 or int64, but its dtype is uint8", lambda: nn.Arithmetic("add", np.ones(2, np.uint8))),
            (DTypeError, r"x must be float32, float64 or int64, but its dtype is bool", lambda: nn.Arithmetic("add")(np.ones(2, bool), np.ones(2, bool))),
            (DTypeError, r"x must be a NumPy array, but it is a list", lambda: nn.Arithmetic("add", 1)([1.0])),
            (DTypeError, r"one dtype, but x is float32 and y is int64; convert one, such as y.astype\(np.float32\)", lambda: nn.Arithmetic("add")(np.ones(2, np.float32), np.ones(2, int))),
            (DTypeError, r"one dtype, but other is float64 and x is int64", lambda: nn.Arithmetic("add", 0.5, other_first=True)(np.ones(2, int))),
            (ShapeError, r"x.shape=\(2, 3\) and other.shape=\(4, 1, 2\) have 3 and 2 at axis -1; reshape", lambda: nn.Arithmetic("add", np.ones((4, 1, 2))).output_shape((2, 3))),
            (ShapeError, r"x.shape=\(2, 3\) and y.shape=\(3, 3\) have 2 and 3 at axis -2", lambda: nn.Arithmetic("add")(np.ones((2, 3)), np.ones((3, 3)))),
            (ArgumentError, r"a whole number cannot be divided by 0", lambda: nn.Arithmetic("div")(np.ones(2, int), np.zeros(2, int))),
            (ArgumentError, r"no negative power among whole numbers, but y holds -1", lambda: nn.Arithmetic("pow", -1)(np.ones(2, int))),
            (WeightsError, r"is shape-only: it knows that its other is \(3,\) but holds no numbers", lambda: nn.Arithmetic("add", nn.ShapeOnly((3,), "float32"))(np.ones(3, np.float32))),
            (ArgumentError, r"takes 2 inputs, but received 1", lambda: nn.Arithmetic("add")(np.ones(2))),
        ],
    )  # fmt: skip
    def test_mistakes(self, error, match, call):
        with pytest.raises(error, match=match):
            call()


class TestElementwise:
    def test_hand_worked(self):
        x = np.array([-1.5, -0.5, 0.5, 1.5, 2.5, 4.0])
        for name, values in {
            "neg": -x,
            "abs": [1.5, 0.5, 0.5, 1.5, 2.5, 4],
            "floor": [-2, -1, 0, 1, 2, 4],
            "ceil": [-1, -0.0, 1, 2, 3, 4],
            "round": [-2, -0.0, 0, 2, 2, 4],
            "sign": [-1, -1, 1, 1, 1, 1],
            "sqrt": [NAN, NAN, 0.5**0.5, 1.5**0.5, 2.5**0.5, 2],
            "reciprocal": [1 / -1.5, -2, 2, 1 / 1.5, 0.4, 0.25],
        }.items():
            assert_array_equal(nn.Elementwise(name)(x), values, name)
        assert_array_equal(nn.Elementwise("exp")(np.zeros(1)), [1])
        assert_array_equal(nn.Elementwise("log")(np.array([1.0, 0.0])), [0, -INF])
        assert_array_equal(nn.Elementwise("reciprocal")(np.array([0.0])), [INF])

    def test_gradients_by_hand(self):
        for name, x, slope in (
            ("sqrt", 4.0, 0.25),
            ("log", 4.0, 0.25),
            ("reciprocal", 4.0, -0.0625),
            ("abs", -3.0, -1),
            ("abs", 0.0, 0),
            ("neg", 3.0, -1),
        ):
            (grad,), _ = back(nn.Elementwise(name), [8.0], np.array([x]))
            assert_array_equal(grad, [8 * slope], name)
        for name in ("floor", "ceil", "round", "sign"):
            (grad,), _ = back(nn.Elementwise(name), [8.0], np.array([2.5]))
            assert_array_equal(grad, [0])

    def test_whole_numbers(self):
        x = np.array([-3, 0, 2])
        for name, values in {"neg": [3, 0, -2], "abs": [3, 0, 2], "sign": [-1, 0, 1], "floor": x, "ceil": x, "round": x}.items():
            y = nn.Elementwise(name)(x)
            assert y.dtype == np.int64
            assert_array_equal(y, values)
        with pytest.raises(DTypeError, match=r"Elementwise\('sqrt'\): x must be float32 or float64, but its dtype is int64; convert it"):
            nn.Elementwise("sqrt")(x)
        with pytest.raises(ArgumentError, match="function must be one of 'sqrt', 'exp'"):
            nn.Elementwise("not")


class TestClampAndHardsigmoid:
    def test_hand_worked(self):
        x = np.array([-INF, -2.0, 0.0, 3.0, 6.0, 9.0, NAN])
        assert_array_equal(nn.Clamp(0, 6)(x), [0, 0, 0, 3, 6, 6, NAN])
        assert_array_equal(nn.Clamp(min=2)(x), [2, 2, 2, 3, 6, 9, NAN])
        assert_array_equal(nn.Clamp(5, 1)(x), [1, 1, 1, 1, 1, 1, NAN])
        (grad,), _ = back(nn.Clamp(0, 6), np.full(7, 2.0), x)
        assert_array_equal(grad, [0, 0, 2, 2, 2, 0, 0])
        assert_array_equal(nn.Hardsigmoid()(np.array([-3.0, 0.0, 3.0])), [0, 0.5, 1])
        (grad,), _ = back(nn.Hardsigmoid(0.25), np.full(4, 2.0), np.array([-2.0, 0.0, 1.0, 2.0]))
        assert_array_equal(grad, [0, 0.5, 0.5, 0])

    def test_whole_numbers_are_held_between_whole_numbers(self):
        x = np.array([-5, 0, 1, 2, 7])
        y = nn.Clamp(0.5, 6.5)(x)
        assert y.dtype == np.int64
        assert_array_equal(y, [1, 1, 1, 2, 6])
        assert_array_equal(nn.Clamp(-INF, 1e300)(x), x)
        assert nn.Clamp()(x) is not x

    def test_mistakes(self):
        with pytest.raises(ArgumentError, match="Clamp: min must be a real number, but it is 'a'"):
            nn.Clamp("a")
        with pytest.raises(DTypeError, match="Clamp: x must be float32, float64 or int64, but its dtype is bool"):
            nn.Clamp(0)(np.ones(2, bool))
        with pytest.raises(ArgumentError, match="Hardsigmoid: alpha must be a real number"):
            nn.Hardsigmoid("a")
        with pytest.raises(ArgumentError, match="inplace is True or False, but it is an array"):
            nn.Hardsigmoid(inplace=np.ones(2))


class TestReduce:
    def test_hand_worked(self):
        x = np.array([[1.0, 5.0, 5.0], [-2.0, 0.0, 2.0]])
        for function, values, slopes in (
            ("mean", [[11 / 3], [0]], np.full((2, 3), 2.0)),
            ("sum", [[11], [0]], np.full((2, 3), 6.0)),
            ("max", [[5], [2]], [[0, 3, 3], [0, 0, 6]]),
            ("min", [[1], [-2]], [[6, 0, 0], [6, 0, 0]]),
            ("prod", [[25], [0]], [[150, 30, 30], [0, -24, 0]]),
        ):
            layer = nn.Reduce(function, 1)
            assert_array_equal(layer(x), values)
            assert_array_equal(layer.with_(keepdims=False)(x), np.ravel(values))
            (grad,), _ = back(layer, [[6.0], [6.0]], x)
            assert_array_equal(grad, slopes, function)
            (grad,), _ = back(layer.with_(keepdims=False), [6.0, 6.0], x)
            assert_array_equal(grad, slopes, function)

    def test_all_axes_and_none(self):
        x = np.arange(6.0).reshape(1, 2, 3)
        assert_array_equal(nn.Reduce("sum")(x), [[[15]]])
        assert_array_equal(nn.Reduce("sum", keepdims=False)(x), 15)
        y = nn.Reduce("sum", ())(x)
        assert_array_equal(y, x)
        assert not np.shares_memory(x, y)

    def test_whole_numbers(self):
        x = np.array([[2, 3], [4, 5]])
        for function, values in (("sum", [5, 9]), ("prod", [6, 20]), ("max", [3, 5]), ("min", [2, 4])):
            y = nn.Reduce(function, -1, keepdims=False)(x)
            assert y.dtype == np.int64
            assert_array_equal(y, values)

    def test_nothing_to_reduce(self):
        empty = np.ones((0, 3))
        assert_array_equal(nn.Reduce("sum", 0)(empty), np.zeros((1, 3)))
        assert_array_equal(nn.Reduce("prod", 0)(empty), np.ones((1, 3)))
        assert nn.Reduce("max", 1)(empty).shape == (0, 1)
        for function in ("mean", "max", "min"):
            with pytest.raises(ShapeError, match=rf"there is no {function} of no numbers, but x.shape=\(0, 3\) has none along \(0,\)"):
                nn.Reduce(function, 0)(empty)

    def test_mistakes(self):
        with pytest.raises(DTypeError, match=r"Reduce\('mean'\): x must be float32 or float64, but its dtype is int64"):
            nn.Reduce("mean")(np.ones(2, int))
        with pytest.raises(ArgumentError, match=r"Reduce: 2 is not an axis of x, which has 2; use -2 … 1"):
            nn.Reduce("sum", 2).output_shape((3, 4))
        with pytest.raises(ArgumentError, match=r"every axis is named once, but \(1, -1\) are the axes \(1, 1\) of the 2 of x"):
            nn.Reduce("sum", (1, -1)).output_shape((3, 4))
        with pytest.raises(ArgumentError, match="function must be one of 'mean', 'sum'"):
            nn.Reduce("median")
        with pytest.raises(ArgumentError, match=r"dims\[1\] must be a whole number"):
            nn.Reduce("sum", (0, 1.5))


class TestMatMul:
    def test_hand_worked(self):
        x, w = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0, 1.0], [0.0, 10.0, 1.0]])
        assert_array_equal(nn.MatMul()(x, w), [[1, 20, 3], [3, 40, 7]])
        assert_array_equal(nn.MatMul(w)(x), [[1, 20, 3], [3, 40, 7]])
        assert_array_equal(nn.MatMul(x, other_first=True)(w), [[1, 20, 3], [3, 40, 7]])
        assert_array_equal(nn.MatMul()(np.array([[2, 3]]), np.array([[4], [5]])), [[23]])

    def test_the_constant_is_learned(self):
        layer = nn.MatMul(np.eye(3, dtype=np.float32)[:2], other_first=True)
        assert list(layer.parameters()) == ["other"]
        assert repr(layer) == "MatMul(nn.ShapeOnly((2, 3), 'float32'), other_first=True)"
        (by_x,), by_name = back(layer, [[1.0], [10.0]], np.array([[2.0], [3.0], [4.0]], np.float32))
        assert_array_equal(by_x, [[1], [10], [0]])
        assert_array_equal(by_name["other"], [[2, 3, 4], [20, 30, 40]])

    def test_what_is_not_needed_is_not_computed(self):
        x, y = np.ones((2, 3)), np.ones((3, 4))
        passage = Passage((x, y), (None,), (x.shape, y.shape), None, False, (False, True), False)
        by_inputs, _ = nn.MatMul().backward((np.ones((2, 4)),), passage)
        assert by_inputs[0] is None
        assert by_inputs[1].shape == (3, 4)

    def test_products_are_counted(self):
        assert nn.MatMul().multiply_adds((2, 3, 4, 5), (5, 6)) == 2 * 3 * 4 * 6 * 5
        assert nn.MatMul(np.ones((7, 4)), other_first=True).multiply_adds((2, 4, 5)) == 2 * 7 * 5 * 4

    def test_mistakes(self):
        with pytest.raises(
            ShapeError, match=r"last axis of x and the second last axis of other .* 3 and 2 .* Turn other over: its last axis has 3"
        ):
            nn.MatMul(np.ones((2, 3))).output_shape((4, 3))
        with pytest.raises(ShapeError, match=r"before the last two: axes meet .* x.shape=\(2,\) and y.shape=\(3,\) have 2 and 3"):
            nn.MatMul()(np.ones((2, 4, 5)), np.ones((3, 5, 6)))
        with pytest.raises(ShapeError, match="both need at least one axis"):
            nn.MatMul()(np.ones(()), np.ones(2))
        with pytest.raises(ArgumentError, match="MatMul: other_first says where other stands"):
            nn.MatMul(other_first=True)
        with pytest.raises(DTypeError, match="y must be float32 or float64"):
            nn.MatMul()(np.ones((2, 2)), np.ones((2, 2), int))


class TestConstantAndCast:
    def test_a_constant_looks_at_nothing(self):
        value = np.arange(3)
        layer = nn.Constant(value)
        assert_array_equal(layer(np.full((1, 2, 3, 4), NAN)), value)
        (grad,), _ = layer.backward((None,), Passage((None,), (None,), ((2, 2),), None, False, (True,), False))
        assert_array_equal(grad, np.zeros((2, 2)))
        assert list(layer.buffers()) == ["value"]
        assert nn.Constant(np.ones(2, np.float32))(np.ones(1)).dtype == np.float64
        assert nn.Constant(np.ones(2))(np.ones(1, np.float32)).dtype == np.float64
        assert nn.Constant(True)(np.ones(1)).dtype == bool
        with pytest.raises(WeightsError, match="is shape-only: it knows that its value is"):
            nn.Constant(nn.ShapeOnly((2,), "float32"))(np.ones(1))
        with pytest.raises(DTypeError, match="value must be float32, float64, int64 or bool, but its dtype is complex128"):
            nn.Constant(np.ones(2, complex))

    def test_cast(self):
        x = np.array([1.9, -1.9, 0.0, 1e30])
        assert_array_equal(nn.Cast("int64")(x)[:3], [1, -1, 0])
        assert_array_equal(nn.Cast(bool)(x), [True, True, False, True])
        assert_array_equal(nn.Cast(np.float32)(np.array([3, 4], np.int32)), np.array([3, 4], np.float32))
        assert repr(nn.Cast(np.float32)) == "Cast('float32')"
        for wrong in (np.float16, None, "nonsense", np.int32):
            with pytest.raises(DTypeError, match="Cast: dtype must be float32, float64, int64 or bool, but it is"):
                nn.Cast(wrong)
        with pytest.raises(DTypeError, match="Cast: x must be a NumPy array"):
            nn.Cast("int64")([1.0])

    def test_the_gradient_of_a_cast_between_floats_goes_through_in_the_dtype_of_x(self):
        x = np.ones(2)
        layer = nn.Cast(np.float32)
        y, saved, _ = layer.forward_saving(x, accuracy="exact", training=True, rng=None)
        for passage in (Passage((x,), (y,), ((2,),), None, False, (True,)), Passage((None,), (None,), ((2,),), saved, False, (True,))):
            (grad,), _ = layer.backward((np.array([2, 3], np.float32),), passage)
            assert grad.dtype == np.float64
            assert_array_equal(grad, [2, 3])
        assert nn.Cast(np.float64).backward((x,), Passage((np.ones(2, int),), (None,), ((2,),), None, False, (True,)))[0] == (None,)


class TestInstanceNorm:
    def test_hand_worked(self):
        x = np.array([[[[1.0, 3.0]], [[10.0, 10.0]]]])
        assert_array_equal(nn.InstanceNorm2d(2, eps=0.0)(x)[0, 0], [[-1, 1]])
        layer = nn.InstanceNorm2d.of(2, np.array([2.0, 5.0]), np.array([1.0, 7.0]), 1e-5)
        assert_array_equal(layer(x)[0, 1], [[7, 7]])
        np.testing.assert_allclose(layer(x)[0, 0], [[-1, 3]], rtol=1e-5)

    def test_it_is_group_norm_with_a_group_for_every_channel(self):
        x = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
        assert_array_equal(nn.InstanceNorm2d(3, 1e-3, affine=True)(x), nn.GroupNorm(3, 3, 1e-3)(x))

    def test_arguments_are_pytorchs(self):
        layer = nn.InstanceNorm2d(3, 1e-3, None, True)
        assert repr(layer) == "InstanceNorm2d(3, eps=0.001, affine=True)"
        assert list(layer.parameters()) == ["weight", "bias"]
        assert not nn.InstanceNorm2d(3).parameters()
        assert nn.InstanceNorm2d(3, affine=True, rng=nn.SHAPE_ONLY).is_shape_only
        with pytest.raises(
            UnsupportedError, match=r"no running statistics, but track_running_stats is True; leave it out, or use nn.BatchNorm2d"
        ):
            nn.InstanceNorm2d(3, track_running_stats=True)
        with pytest.raises(ShapeError, match="InstanceNorm2d: num_features expects 3 input channels but x has 4"):
            nn.InstanceNorm2d(3)(np.ones((1, 4, 5, 6)))
        with pytest.raises(ShapeError, match=r"InstanceNorm2d: weight must have the shape \(3,\) of num_features, but weight.shape=\(4,\)"):
            nn.InstanceNorm2d.of(3, np.ones(4))
        with pytest.raises(ArgumentError, match="InstanceNorm2d: eps must not be negative"):
            nn.InstanceNorm2d(3, -1.0)
