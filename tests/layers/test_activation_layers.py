"""Activation layers: which map each gradient reads, PyTorch's arguments, the learned slope, and a network of them all."""

import numpy as np
import pytest
from differences import assert_is_derivative, spread

from minicnn import backward, nn, trace
from minicnn.errors import ArgumentError, DTypeError, ShapeError, WeightsError
from minicnn.layers.base import Passage

SHAPE = (2, 3, 4, 5)
PLAIN = [nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.Hardswish, nn.Sigmoid, nn.SiLU, nn.Tanh, nn.ELU, nn.GELU, nn.Softplus, nn.Softmax, nn.LogSoftmax]  # fmt: skip


@pytest.mark.parametrize(
    ("layer", "keeps"),
    [
        *((nn.LeakyReLU(slope), ("output",)) for slope in (0.01, 0.0, 1.5)),
        (nn.LeakyReLU(-0.1), ("input",)),
        (nn.LeakyReLU(0.2).with_(negative_slope=-1.0), ("input",)),
        (nn.LeakyReLU(float("nan")), ("input",)),
    ],
)
def test_the_output_suffices_for_leaky_relu_unless_the_slope_is_negative(layer, keeps):
    assert layer.keeps == keeps
    with pytest.raises(AttributeError, match="is immutable"):
        layer.keeps = ()


@pytest.mark.parametrize("cls", PLAIN)
def test_a_trace_that_keeps_what_gradients_need_is_enough(cls):
    x, g = spread(SHAPE), spread(SHAPE, 1)
    net = nn.Sequential(nn.LeakyReLU(-0.5), cls(), nn.LeakyReLU(0.5))
    kept, all_maps = (trace(net, x, keep=keep) for keep in ("gradient", "all"))
    assert len(kept) < len(all_maps)
    grads, of_parameters = backward(net, kept, g)
    np.testing.assert_array_equal(grads["x"], backward(net, all_maps, g)[0]["x"])
    assert_is_derivative(net, [grads["x"]], [x], [g])
    assert set(of_parameters) == ({"prelu1.weight"} if cls is nn.PReLU else set())


@pytest.mark.parametrize("cls", PLAIN)
def test_all_are_activations_and_cost_no_multiply_adds(cls):
    layer = cls()
    assert layer.is_activation
    assert layer.multiply_adds(SHAPE) == layer.saved_bytes(SHAPE) == 0
    assert layer.output_shape(SHAPE) == SHAPE
    assert trace(layer, spread(SHAPE))[layer.kind + "1"].kind == "activation"


def test_the_way_back_reads_nothing_but_what_is_kept():
    for cls in PLAIN:
        layer = cls()
        x = spread(SHAPE)
        inputs, outputs = ((x,) if "input" in layer.keeps else (None,)), ((layer(x),) if "output" in layer.keeps else (None,))
        grads, _ = layer.backward((np.ones(SHAPE),), Passage(inputs, outputs, (SHAPE,), needs=(True,)))
        assert grads[0].shape == SHAPE


def test_pytorchs_arguments_by_place_and_by_name():
    for layer, shown in (
        (nn.ELU(2.0, True), "ELU(2.0)"),
        (nn.ELU(alpha=1), "ELU()"),
        (nn.GELU("tanh"), "GELU('tanh')"),
        (nn.GELU(approximate="none"), "GELU()"),
        (nn.Softplus(2, 3), "Softplus(2.0, 3.0)"),
        (nn.Softplus(threshold=10), "Softplus(1.0, 10.0)"),
        (nn.Softplus(), "Softplus()"),
        (nn.Hardswish(inplace=True), "Hardswish()"),
        (nn.Tanh(), "Tanh()"),
        (nn.LogSoftmax(dim=-1), "LogSoftmax(dim=-1)"),
        (nn.PReLU(), "PReLU()"),
        (nn.PReLU(3, 0.5), "PReLU(3)"),
        (nn.PReLU(num_parameters=2, init=0), "PReLU(2)"),
    ):
        assert repr(layer) == shown
    assert nn.GELU().with_(approximate="tanh").approximate == "tanh"
    assert nn.Softplus().with_(beta=3).fields() == {"beta": 3.0, "threshold": 20.0}


def test_prelu_holds_a_quarter_or_what_it_is_given():
    np.testing.assert_array_equal(nn.PReLU().weight, np.array([0.25], np.float32))
    np.testing.assert_array_equal(nn.PReLU(3, -1, dtype=np.float64).weight, np.full(3, -1.0))
    slopes = np.array([0.5, 2.0, -1.0], np.float32)
    layer = nn.PReLU.of(slopes)
    assert layer.num_parameters == 3
    assert list(layer.parameters()) == ["weight"]
    x = np.full(SHAPE, -2, np.float32)
    np.testing.assert_array_equal(layer(x)[1, :, 3, 4], [-1, -4, 2])
    np.testing.assert_array_equal(layer.with_(weight=slopes * 2)(x)[1, :, 3, 4], [-2, -8, 4])


def test_prelu_knows_its_shape_without_numbers():
    layer = nn.PReLU(3, rng=nn.SHAPE_ONLY)
    assert layer.is_shape_only
    assert repr(layer) == "PReLU(3)"
    assert layer.output_shape(SHAPE) == SHAPE
    with pytest.raises(WeightsError, match=r"is shape-only: it knows that its weight is \(3,\) but holds no numbers"):
        layer(np.zeros(SHAPE, np.float32))


def test_prelus_gradient_follows_x_and_leaves_out_what_is_not_asked():
    layer, x = nn.PReLU(3), spread(SHAPE)
    wide = layer.with_(weight=layer.weight.astype(np.float64))
    g = spread(SHAPE, 1)
    for needs, needs_parameters in ((True, True), (True, False), (False, True), (False, False)):
        passage = Passage((x,), (None,), (SHAPE,), None, False, (needs,), needs_parameters)
        (grad_x,), own = layer.backward((g,), passage)
        (same,), same_own = wide.backward((g,), passage)
        assert (grad_x is None) == (not needs)
        assert set(own) == ({"weight"} if needs_parameters else set())
        if needs:
            np.testing.assert_array_equal(grad_x, same)  # 0.25 is exact in float32
        if needs_parameters:
            assert own["weight"].dtype == np.float64
            np.testing.assert_array_equal(own["weight"], same_own["weight"])


def test_prelu_in_two_places_has_one_gradient():
    shared = nn.PReLU.of(np.array([0.25, 0.5, -1.0]))
    x, g = spread(SHAPE), spread(SHAPE, 1)
    net = nn.Sequential(shared, nn.LeakyReLU(-2.0), shared)
    grads, own = backward(net, trace(net, x), g)
    assert list(own) == ["prelu1.weight"]

    def with_slopes(slopes):
        return net.with_parameters({"prelu1.weight": slopes})(x)

    assert_is_derivative(net, [grads["x"]], [x], [g])
    assert_is_derivative(with_slopes, [own["prelu1.weight"]], [shared.weight], [g])


@pytest.mark.parametrize(
    ("error", "match", "build"),
    [
        (ArgumentError, r"PReLU: num_parameters must be at least 1, but it is 0", lambda: nn.PReLU(0)),
        (ArgumentError, r"PReLU: num_parameters must be a whole number, but it is 0\.25", lambda: nn.PReLU(0.25)),
        (ArgumentError, r"PReLU: init must be a real number, but it is 'x'", lambda: nn.PReLU(1, "x")),
        (ArgumentError, r"PReLU: weight must be an array of one slope, \(1,\), or one per channel, \(C,\), but it is None", lambda: nn.PReLU.of(None)),
        (ShapeError, r"PReLU: weight holds one slope .* but weight.shape=\(2, 3\); use weight.reshape\(-1\)", lambda: nn.PReLU.of(np.ones((2, 3)))),
        (DTypeError, r"PReLU: weight must be a NumPy array, but it is a list", lambda: nn.PReLU.of([0.25])),
        (DTypeError, r"PReLU: dtype must be np.float32 or np.float64", lambda: nn.PReLU(dtype=int)),
        (ArgumentError, r"ELU: alpha must be a real number, but it is 'x'", lambda: nn.ELU("x")),
        (ArgumentError, r"ELU: inplace is True or False, but it is 2; data goes into the layer.* nn.ELU\(\)\(x\)", lambda: nn.ELU(1.0, 2)),
        (ArgumentError, r"GELU: approximate must be one of 'none', 'tanh', but it is True", lambda: nn.GELU(True)),
        (ArgumentError, r"Softplus: beta must be a finite number other than 0", lambda: nn.Softplus(0)),
        (ArgumentError, r"Softplus: threshold must be a real number, but it is None", lambda: nn.Softplus(1, None)),
        (ArgumentError, r"Tanh: inplace is True or False, but it is an array of shape \(2,\); .* nn.Tanh\(\)\(x\)", lambda: nn.Tanh(np.ones(2))),
        (ArgumentError, r"LogSoftmax: dim must be a whole number, but it is None", lambda: nn.LogSoftmax(None)),
        (ShapeError, r"LogSoftmax: dim 3 is not an axis of x.shape=\(2, 5\); use -2 … 1", lambda: nn.LogSoftmax(3).output_shape((2, 5))),
        (ShapeError, r"PReLU: weight expects 3 input channels but x has 5 .*looks like NHWC", lambda: nn.PReLU(3).output_shape((2, 5, 7, 3))),
        (ShapeError, r"PReLU: weight has 3 slopes, .* but x.shape=\(3,\) has no axis 1", lambda: nn.PReLU(3).output_shape((3,))),
    ],
)  # fmt: skip
def test_errors(error, match, build):
    with pytest.raises(error, match=match):
        build()
