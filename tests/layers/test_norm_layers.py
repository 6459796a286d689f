"""Batch, layer and group norm and dropout as layers: constructors, what they save and hand on, positions, and traces in training."""

import numpy as np
import pytest
from differences import spread
from numpy.testing import assert_array_equal

from minicnn import backward, describe, nn, trace
from minicnn import functional as F
from minicnn.errors import ArgumentError, DTypeError, ShapeError, WeightsError
from minicnn.layers.base import Passage


def rng(seed=0):
    return np.random.default_rng(seed)


def batch_norm(**options):
    numbers = rng(3).uniform(0.5, 2, (4, 3)).astype(np.float32)
    return nn.BatchNorm2d.of(*numbers, **options)


# Batch norm.


def test_the_constructor_is_in_pytorchs_order():
    layer = nn.BatchNorm2d(3, 1e-3, 0.25, False)
    assert (layer.eps, layer.momentum, layer.weight) == (1e-3, 0.25, None)
    assert repr(layer) == "BatchNorm2d(3, eps=0.001, momentum=0.25, affine=False)"
    assert repr(nn.BatchNorm2d(3)) == "BatchNorm2d(3)"
    assert nn.BatchNorm2d(3).momentum == 0.1
    assert repr(layer.with_(momentum=0.5)) == "BatchNorm2d(3, eps=0.001, momentum=0.5, affine=False)"


def test_in_training_the_layer_is_the_function_and_stays_as_it_was():
    layer, x = batch_norm(momentum=0.25), spread((2, 3, 4, 5)).astype(np.float32)
    y, saved, updates = layer.forward_saving(x, accuracy="exact", training=True, rng=None)
    expected = F.batch_norm(x, layer.running_mean, layer.running_var, layer.weight, layer.bias, True, 0.25)
    for ours, theirs in zip((y, *updates.values()), expected, strict=True):
        assert_array_equal(ours, theirs)
    assert list(updates) == ["running_mean", "running_var"]
    np.testing.assert_allclose(saved[0], x.astype(float).mean(axis=(0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(saved[1], (x.astype(float).var(axis=(0, 2, 3)) + 1e-5) ** -0.5, rtol=1e-6)
    assert_array_equal(layer.running_mean, batch_norm().running_mean)


def test_evaluation_saves_and_updates_nothing():
    layer, x = batch_norm(), spread((2, 3, 4, 5)).astype(np.float32)
    y, saved, updates = layer.forward_saving(x, accuracy="exact", training=False, rng=None)
    assert saved is None
    assert updates == {}
    assert_array_equal(y, layer(x))


def test_updates_keep_the_layers_dtype_under_a_wider_input():
    layer, x = batch_norm(), spread((2, 3, 4, 5))
    y, _, updates = layer.forward_saving(x, accuracy="exact", training=True, rng=None)
    assert y.dtype == np.float64
    assert {array.dtype for array in updates.values()} == {np.dtype(np.float32)}
    layer.with_(**updates)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("saving", [False, True])
def test_batch_norm_backward_is_the_function(training, saving):
    layer, x, g = batch_norm(), spread((2, 3, 4, 5)).astype(np.float32), spread((2, 3, 4, 5), 1).astype(np.float32)
    saved = layer.forward_saving(x, accuracy="exact", training=training, rng=None)[1] if saving else None
    expected = F.batch_norm_backward(g, x, layer.running_mean, layer.running_var, layer.weight, training)
    for needs_x, needs_parameters in ((True, True), (True, False), (False, True)):
        passage = Passage((x,), (None,), (x.shape,), saved, training, (needs_x,), needs_parameters)
        (by_x,), by_name = layer.backward((g,), passage)
        assert (by_x is not None) == needs_x
        assert list(by_name) == (["weight", "bias"] if needs_parameters else [])
        for ours, theirs in zip((by_x, by_name.get("weight"), by_name.get("bias")), expected, strict=True):
            if ours is not None:
                assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "layer", [nn.BatchNorm2d(3, affine=False), nn.LayerNorm(5, elementwise_affine=False), nn.GroupNorm(3, 3, affine=False)]
)
def test_without_parameters_there_are_no_gradients_by_them(layer):
    x = spread((2, 3, 4, 5))
    t = trace(layer, x, training=True)
    assert t.net.parameters() == {}
    assert backward(t.net, t, np.ones_like(x))[1] == {}


def test_half_affine_layers_have_the_gradients_of_what_they_hold():
    x = spread((2, 3, 4, 5))
    t = trace(nn.LayerNorm(5, bias=False, dtype=np.float64), x)
    assert list(backward(t.net, t, np.ones_like(x))[1]) == ["layernorm1.weight"]
    t = trace(nn.BatchNorm2d.of(np.zeros(3), np.ones(3), None, np.ones(3)), x)
    by_parameters = backward(t.net, t, np.ones_like(x))[1]
    assert list(by_parameters) == ["bn1.bias"]
    assert_array_equal(by_parameters["bn1.bias"], [40, 40, 40])


# Training is function composition: statistics in, statistics out.


def test_new_statistics_go_into_the_next_network():
    net = nn.Sequential(nn.BatchNorm2d.of(np.zeros(2), np.ones(2), momentum=0.5), nn.ReLU())
    x = np.array([[[[1.0, 3.0]], [[10.0, 30.0]]]])
    for mean, var in (([1, 10], [1.5, 100.5]), ([1.5, 15], [1.75, 150.25])):  # half of 0, 1 and 2, 20; then half of that
        t = trace(net, x, training=True)
        assert_array_equal(t.updates["bn1.running_mean"], mean)
        assert_array_equal(t.updates["bn1.running_var"], var)
        np.testing.assert_allclose(t["bn1"].data.ravel(), [-1, 1, -1, 1], rtol=1e-5)
        net = net.with_parameters({**net.parameters(), **t.updates})
    assert trace(net, x).updates == {}


def test_a_shared_layer_goes_on_from_its_first_use():
    shared = nn.BatchNorm2d.of(np.zeros(1), np.ones(1), momentum=0.5)
    net = nn.Network([("a", shared, ["x"]), ("twice", nn.Add(), ["x", "x"]), ("b", shared, ["twice"])], ["x"])
    t = trace(net, np.array([[[[1.0, 3.0]]]]), training=True)
    # first 2 and its variance 2, then of 2x: 4 and 8
    assert_array_equal(t.updates["a.running_mean"], [2.5])  # (0 + 2)/2 = 1, (1 + 4)/2
    assert_array_equal(t.updates["a.running_var"], [4.75])  # (1 + 2)/2 = 1.5, (1.5 + 8)/2
    assert list(t.updates) == ["a.running_mean", "a.running_var"]
    assert_array_equal(t.saved["a"][0], [2])
    assert_array_equal(t.saved["b"][0], [4])


# Layer and group norm.


def test_layer_and_group_norm_are_their_functions():
    x, (weight, bias) = spread((2, 4, 3, 5)), rng().normal(size=(2, 4))
    assert_array_equal(nn.GroupNorm.of(2, 4, weight, bias, 1e-3)(x), F.group_norm(x, 2, weight, bias, 1e-3))
    weight, bias = rng().normal(size=(2, 3, 5))
    layer = nn.LayerNorm.of((3, 5), weight, bias, 1e-3)
    assert_array_equal(layer(x), F.layer_norm(x, (3, 5), weight, bias, 1e-3))
    assert_array_equal(trace(layer, x, training=True).outputs[0], layer(x))  # training changes nothing
    assert_array_equal(nn.LayerNorm(5, dtype=np.float64)(x), F.layer_norm(x, 5))


@pytest.mark.parametrize("saving", [False, True])
def test_layer_and_group_norm_backward_are_their_functions(saving):
    x, g = spread((2, 4, 3, 5)).astype(np.float32), spread((2, 4, 3, 5), 1).astype(np.float32)
    line, channels = rng().normal(size=(2, 5)).astype(np.float32), rng().normal(size=(2, 4)).astype(np.float32)
    for layer, expected in (
        (nn.LayerNorm.of(5, *line, 0.5), F.layer_norm_backward(g, x, 5, line[0], 0.5)),
        (nn.GroupNorm.of(2, 4, *channels, 0.5), F.group_norm_backward(g, x, 2, channels[0], 0.5)),
    ):
        saved = layer.forward_saving(x, accuracy="exact", training=False, rng=None)[1] if saving else None
        for needs_x, needs_parameters in ((True, True), (True, False), (False, True)):
            (by_x,), by_name = layer.backward((g,), Passage((x,), (None,), (x.shape,), saved, False, (needs_x,), needs_parameters))
            assert (by_x is not None) == needs_x
            assert list(by_name) == (["weight", "bias"] if needs_parameters else [])
            for ours, theirs in zip((by_x, by_name.get("weight"), by_name.get("bias")), expected, strict=True):
                if ours is not None:
                    assert_array_equal(ours, theirs)


def test_reprs():
    assert repr(nn.LayerNorm(5)) == "LayerNorm(5)"
    assert repr(nn.LayerNorm((4, 5), 1e-3, bias=False)) == "LayerNorm((4, 5), eps=0.001, bias=False)"
    assert repr(nn.LayerNorm([5], elementwise_affine=False)) == "LayerNorm(5, elementwise_affine=False)"
    assert repr(nn.GroupNorm(2, 4, 1e-3, False)) == "GroupNorm(2, 4, eps=0.001, affine=False)"
    assert repr(nn.Dropout(0.25, inplace=True)) == "Dropout(0.25)"


@pytest.mark.parametrize(
    ("layer", "bytes_by_hand"),
    [
        (nn.BatchNorm2d(4), 2 * 4 * 8),
        (nn.LayerNorm((9, 7)), 2 * (2 * 4) * 8),
        (nn.LayerNorm(7), 2 * (2 * 4 * 9) * 8),
        (nn.GroupNorm(2, 4), 2 * (2 * 2) * 8),
        (nn.Dropout(), 2 * 4 * 9 * 7),
    ],
    ids=repr,
)
@pytest.mark.parametrize("itemsize", [4, 8])
def test_saved_bytes_are_those_that_are_saved(layer, bytes_by_hand, itemsize):
    x = np.ones((2, 4, 9, 7), f"f{itemsize}")
    saved = trace(layer, x, training=True, rng=rng()).saved[f"{layer.kind}1"]
    assert sum(array.nbytes for array in (saved if isinstance(saved, tuple) else (saved,))) == bytes_by_hand
    assert layer.saved_bytes(x.shape, itemsize=itemsize) == bytes_by_hand


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (nn.LayerNorm((3, 4, 5)), "sees everything: layer norm over this axis"),
        (nn.LayerNorm((4, 5)), "sees everything: layer norm over this axis"),
        (nn.LayerNorm(5), "sees everything: layer norm over this axis"),
        (nn.GroupNorm(1, 3), "sees everything: group norm over the map"),
    ],
    ids=repr,
)
def test_what_an_output_sees_is_what_a_nan_reaches(layer, reason):
    net = nn.Sequential(("norm", layer), ("relu", nn.ReLU()))
    facts = describe(net, (3, 4, 5))
    assert facts.field("norm").reason == reason
    x = np.repeat(rng().uniform(1, 2, (1, 3, 4, 5)), 20, axis=0)
    for pixel in range(20):
        x[pixel, :, pixel // 5, pixel % 5] = np.nan
    reached = np.isnan(net(x)).any(axis=1)  # which outputs, by the pixel that was spoiled
    for i, j in ((0, 0), (3, 4), (1, 2)):
        assert_array_equal(facts.pixels("relu", i, j), reached[:, i, j].reshape(4, 5))


def test_rows_of_features_have_no_positions():
    facts = describe(nn.Sequential(nn.Flatten(), nn.LayerNorm(60), nn.GroupNorm(4, 60)), (3, 4, 5))
    assert facts["groupnorm1"].shape == (1, 60)
    assert facts.parameters == 4 * 60


def test_shape_only_layers_say_what_to_pass():
    for layer in (nn.LayerNorm((3, 5), rng=nn.SHAPE_ONLY), nn.GroupNorm(1, 4, rng=nn.SHAPE_ONLY), nn.BatchNorm2d(4, rng=nn.SHAPE_ONLY)):
        assert layer.is_shape_only
        with pytest.raises(WeightsError, match="is shape-only"):
            layer(np.zeros((2, 4, 3, 5), np.float32))
    with pytest.raises(WeightsError, match="is shape-only"):
        trace(nn.BatchNorm2d(4, rng=nn.SHAPE_ONLY), np.zeros((2, 4, 3, 5), np.float32), training=True)


def test_float64_arrays_do_not_take_a_float32_input():
    for layer in (nn.LayerNorm(5, dtype=np.float64), nn.GroupNorm(1, 3, dtype=np.float64)):
        with pytest.raises(DTypeError, match=r"weight is float64 and x is float32"):
            layer(np.zeros((2, 3, 4, 5), np.float32))


# Dropout.


def test_dropout_draws_from_the_traces_rng():
    x = np.ones((3, 200), np.float32)
    net = nn.Sequential(nn.Dropout(0.25), nn.Dropout(0.25))
    first, again, other = (trace(net, x, training=True, rng=rng(seed)) for seed in (1, 1, 2))
    assert_array_equal(first.outputs[0], again.outputs[0])
    assert (first.outputs[0] != other.outputs[0]).any()
    assert (first.saved["dropout1"] != first.saved["dropout2"]).any()  # one generator, drawn from in order
    assert_array_equal(first["dropout1"].data, first.saved["dropout1"] * np.float32(4 / 3))
    assert_array_equal(net(x), x)
    assert_array_equal(trace(net, x, rng=rng()).outputs[0], x)


@pytest.mark.parametrize("keep", ["all", "gradient"])
def test_the_gradient_of_a_trace_goes_through_its_masks(keep):
    x, g = spread((3, 7)), spread((3, 7), 1)
    net = nn.Sequential(nn.Dropout(0.5), nn.Dropout(0.75))
    t = trace(net, x, training=True, rng=rng(), keep=keep)
    by_input, _ = backward(net, t, g)
    assert_array_equal(by_input["x"], g * t.saved["dropout1"] * t.saved["dropout2"] * 8)
    by_input, _ = backward(net, trace(net, x), g)
    assert_array_equal(by_input["x"], g)


def test_dropout_has_memory_of_its_own():
    """So the bytes that describe promises are the same in training and after it."""
    x = np.ones((2, 3), np.float32)
    assert not np.shares_memory(nn.Dropout()(x), x)
    facts = describe(nn.Sequential(nn.ReLU(), nn.Dropout()), (2, 3))
    assert [live for _, live in facts.memory_curve()] == [48, 48]
    assert facts.kept_bytes == 24 + 6  # ReLU's output and a mask of bytes


# Errors.


@pytest.mark.parametrize(
    ("error", "match", "build"),
    [
        (ArgumentError, r"^BatchNorm2d: momentum must be a number, but it is None, .* momentum=1/k", lambda: nn.BatchNorm2d(3, momentum=None)),
        (ArgumentError, r"^BatchNorm2d: momentum is the share of the new batch, between 0 and 1, but it is -0\.1", lambda: nn.BatchNorm2d(3, momentum=-0.1)),
        (ArgumentError, r"^BatchNorm2d: momentum must be a real number, but it is False", lambda: nn.BatchNorm2d(3, 1e-5, False)),
        (ArgumentError, r"^BatchNorm2d: affine is True or False, but it is 1; give arrays through nn\.BatchNorm2d\.of", lambda: nn.BatchNorm2d(3, 1e-5, 0.1, 1)),
        (ArgumentError, r"^LayerNorm: elementwise_affine is True or False, .* give arrays through nn\.LayerNorm\.of", lambda: nn.LayerNorm(3, 1e-5, np.ones(3))),
        (ArgumentError, r"^LayerNorm: bias is True or False", lambda: nn.LayerNorm(3, bias=None)),
        (ArgumentError, r"^LayerNorm: eps must not be negative", lambda: nn.LayerNorm(3, -1)),
        (ArgumentError, r"^LayerNorm: normalized_shape must be at least 1, but it is 0", lambda: nn.LayerNorm(0)),
        (ShapeError, r"^LayerNorm: normalized_shape must name at least one axis", lambda: nn.LayerNorm(())),
        (ShapeError, r"^LayerNorm: weight must have the shape \(4, 5\) of normalized_shape, but weight\.shape=\(5,\)", lambda: nn.LayerNorm.of((4, 5), np.ones(5))),
        (DTypeError, r"^LayerNorm: all arrays must have one dtype", lambda: nn.LayerNorm.of(2, np.ones(2), np.ones(2, np.float32))),
        (ArgumentError, r"^GroupNorm: num_groups must divide num_channels, but 4 / 3 leaves 1; 4 channels can be dealt into 1, 2, 4", lambda: nn.GroupNorm(3, 4)),
        (ArgumentError, r"^GroupNorm: num_channels must be at least 1", lambda: nn.GroupNorm(1, 0)),
        (ArgumentError, r"^GroupNorm: affine is True or False", lambda: nn.GroupNorm(1, 2, 1e-5, "yes")),
        (ShapeError, r"^GroupNorm: bias must have the shape \(4,\) of num_channels, but bias\.shape=\(3,\)", lambda: nn.GroupNorm.of(2, 4, None, np.ones(3))),
        (ArgumentError, r"^Dropout: p is the probability of being dropped, .* 20 percent is p=0\.2", lambda: nn.Dropout(20)),
        (ArgumentError, r"^Dropout: p must be a real number", lambda: nn.Dropout(np.ones(3))),
        (ArgumentError, r"^Dropout: inplace is True or False, .* nn\.Dropout\(\)\(x\)", lambda: nn.Dropout(0.5, np.ones(3))),
    ],
)  # fmt: skip
def test_constructor_errors(error, match, build):
    with pytest.raises(error, match=match):
        build()


@pytest.mark.parametrize(
    ("match", "layer", "shape"),
    [
        (r"^LayerNorm: normalized_shape must be the last axes of x, but it is \(7,\) and x\.shape=\(2, 5\) ends in \(5,\); use normalized_shape=\(5,\)", nn.LayerNorm(7), (2, 5)),
        (r"the channels of \(N, C, H, W\) are not its last axis: use group_norm\(x, 1\)", nn.LayerNorm(4), (2, 4, 3, 5)),
        (r"^GroupNorm: num_channels expects 4 input channels but x has 3 .* looks like NHWC", nn.GroupNorm(2, 4), (2, 3, 5, 4)),
        (r"^GroupNorm: x must be \(N, 4, …\), but x\.shape=\(2, 3\) has 3 channels", nn.GroupNorm(2, 4), (2, 3)),
        (r"^GroupNorm: x must be \(N, 4, …\), but x\.shape=\(4,\) has no channel axis", nn.GroupNorm(2, 4), (4,)),
    ],
)  # fmt: skip
def test_shape_errors(match, layer, shape):
    with pytest.raises(ShapeError, match=match):
        layer.output_shape(shape)
    with pytest.raises(ShapeError, match=match):
        layer(np.zeros(shape, np.float32))


def test_errors_in_training_name_the_node():
    net = nn.Sequential(nn.BatchNorm2d(3), nn.Dropout())
    with pytest.raises(ShapeError, match=r"^node 'bn1': batch_norm: training=True measures a variance, .*\(1, 3, 1, 1\) has 1·1·1 = 1"):
        trace(net, np.ones((1, 3, 1, 1), np.float32), training=True)
    with pytest.raises(ArgumentError, match=r"^node 'dropout1': dropout: training=True draws .* pass rng=np\.random\.default_rng\(0\)"):
        trace(net, np.ones((2, 3, 1, 1), np.float32), training=True)
