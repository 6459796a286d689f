"""fuse: what becomes one node, what is left alone, and how far the results may be apart."""

import pickle

import numpy as np
import pytest
from graphs import networks
from hypothesis import given
from hypothesis import strategies as st

from minicnn import Graph, Network, Sequential, backward, describe, fuse, models, nn, trace
from minicnn.errors import ArgumentError, ShapeError, UnsupportedError

RNG = np.random.default_rng(11)


def layers_of(net: Network) -> list[str]:
    return [type(node.layer).__name__ for node in net]


def bn(channels: int, rng=RNG, dtype=np.float32) -> nn.BatchNorm2d:
    mean, var, weight, bias = rng.standard_normal(channels), rng.random(channels) + 0.1, rng.standard_normal(channels), rng.random(channels)
    return nn.BatchNorm2d.of(*(array.astype(dtype) for array in (mean, var, weight, bias)), eps=1e-3)


def conv(*arguments, **settings) -> nn.Conv2d:
    return nn.Conv2d(*arguments, **settings, rng=RNG)


def images(*shape) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


def structure(net: Network) -> list:
    return [(node.name, repr(node.layer), node.inputs) for node in net], net.inputs, net.outputs


def unit(*layers, x) -> float:
    """Half of eps of the coarsest dtype among x and all weights."""
    arrays = [array for layer in layers for array in (*layer.parameters().values(), *layer.buffers().values())]
    return max(float(np.finfo(array.dtype).eps) for array in (x, *arrays)) / 2


def magnitude(layer, x) -> np.ndarray:
    """Return conv(|x|, |w|, |b|) in float64, and the same of a transposed convolution."""
    arrays = {name: np.abs(array.astype(np.float64)) for name, array in layer.parameters().items()}
    return layer.with_(**arrays)(np.abs(x.astype(np.float64)), accuracy="exact")


def allowed(parts: list, fused, inputs) -> np.ndarray | float:
    """Return how far a fused node may be from its parts on the same inputs: the bound in the docstring of fuse."""
    first, *rest = parts
    lines = [layer for layer in rest if isinstance(layer, nn.BatchNorm2d)]
    bound = 0.0
    if lines:
        (x,), count = inputs, int(np.prod(first.weight.shape[1:]))
        if isinstance(first, nn.ConvTranspose2d):
            count = count // first.weight.shape[1] * (first.in_channels // first.groups)
        size = magnitude(first, x)
        for line in lines:
            scale = line.weight.astype(np.float64) / np.sqrt(line.running_var.astype(np.float64) + line.eps)
            shift = line.bias.astype(np.float64) - line.running_mean.astype(np.float64) * scale
            size = np.abs(scale)[:, None, None] * size + np.abs(shift)[:, None, None]
        n, u = 2 * count + 1 + 5 * len(lines), unit(first, *lines, x=x)
        bound = n * u / (1 - n * u) * size + n * float(np.finfo(np.float32).smallest_subnormal)
    if fused.activation == "silu":  # its slope is below 1.1; either side: exp within 4 eps, three roundings of half an eps
        value = np.abs(fused(*inputs, accuracy="exact").astype(np.float64))
        bound = 1.1 * bound + 11 * np.finfo(np.float32).eps * (value + 1.1 * bound)
    return bound


def assert_fused_within_bounds(net: Network, *inputs) -> int:
    """Assert that every node of fuse(net), given the maps of net, computes net's map within the bound; return how many were joined."""
    fused, maps = fuse(net, channels_last=False), trace(net, *inputs)
    joined = 0
    for node in fused:
        before = [maps[name].data for name in node.inputs]
        result = node.layer(*before, accuracy="exact")
        result = result[0] if isinstance(result, tuple) else result
        parts = [net[node.name]]
        if node.layer is not net[node.name]:
            joined += 1
            parts = [layer for layer in chain(net, node) if not isinstance(layer, nn.Identity | nn.Dropout)]
        wanted = maps[node.name].data
        assert (result.dtype, result.shape) == (wanted.dtype, wanted.shape)
        bound = allowed(parts, node.layer, before) if len(parts) > 1 else 0.0
        same = (result == wanted) | (np.isnan(result) & np.isnan(wanted))  # infinities too
        with np.errstate(invalid="ignore"):
            assert (same | (np.abs(result.astype(np.float64) - wanted) <= bound)).all(), node
    return joined


def chain(net: Network, fused_node) -> list:
    """Return the layers of the old nodes that a new one stands for: back from its name to what it reads."""
    node, found = net.node(fused_node.name), []
    while True:
        found.insert(0, node.layer)
        if isinstance(node.layer, nn.Conv2d | nn.ConvTranspose2d | nn.Add) or node.inputs[0] not in net:
            return found
        if set(node.inputs) == set(fused_node.inputs):
            return found
        node = net.node(node.inputs[0])


# By hand.


def test_one_number_by_hand():
    """w = 3, b = 1; mean 2, var 3, eps 1, γ = 4, β = 5: scale 4/√4 = 2, so w = 6 and b = (1 - 2)·2 + 5 = 3."""
    layer = nn.Conv2d.of(np.array([[[[3.0]]]]), np.array([1.0]))
    line = nn.BatchNorm2d.of(np.array([2.0]), np.array([3.0]), np.array([4.0]), np.array([5.0]), eps=1.0)
    net = Sequential(layer, line)
    fused = fuse(net)
    assert repr(fused) == "Network(x → bn1): 1 node, 2 parameters\n  bn1  Conv2d(1, 1, kernel_size=1)  ← x"
    assert (fused["bn1"].weight.item(), fused["bn1"].bias.item()) == (6.0, 3.0)
    x = np.array([[[[10.0, -1.0]]]])
    np.testing.assert_array_equal(fused(x), [[[[63.0, -3.0]]]])  # (3·10 + 1 - 2)·2 + 5 and (-3 + 1 - 2)·2 + 5
    np.testing.assert_array_equal(net(x), fused(x))
    rectified = fuse(Sequential(layer, line, nn.ReLU()))
    np.testing.assert_array_equal(rectified(x), [[[[63.0, 0.0]]]])


def test_a_batch_norm_without_weight_and_a_convolution_without_bias():
    """scale 1/√(3 + 1) = 1/2, shift -2/2."""
    net = Sequential(nn.Conv2d.of(np.array([[[[3.0]]]])), nn.BatchNorm2d.of(np.array([2.0]), np.array([3.0]), eps=1.0))
    fused = fuse(net)["bn1"]
    assert (fused.weight.item(), fused.bias.item()) == (1.5, -1.0)


def test_every_output_channel_has_its_own_line_in_groups_and_transposed():
    """Scales 1 … 6 over whole numbers: exact, so equal to what batch norm makes of it."""
    line = nn.BatchNorm2d.of(np.zeros(6), np.ones(6), np.arange(1.0, 7.0), np.arange(6.0), eps=0.0)
    weight = RNG.integers(-4, 5, (6, 2, 3, 2)).astype(float)
    turned = RNG.integers(-4, 5, (4, 3, 2, 3)).astype(float)
    x = RNG.integers(-4, 5, (2, 4, 5, 7)).astype(float)
    for layer in (
        nn.Conv2d.of(weight, stride=(2, 1), padding=((1, 0), (0, 2)), groups=2),
        nn.Conv2d.of(weight, np.arange(6.0), dilation=(1, 2), padding=2, groups=2, padding_mode="reflect", algorithm="im2col"),
        nn.ConvTranspose2d.of(turned, np.arange(6.0), stride=(2, 3), padding=(0, 1), groups=2),
    ):
        net = Sequential(layer, line)
        fused = fuse(net)
        assert layers_of(fused) == [type(layer).__name__]
        np.testing.assert_array_equal(fused(x), net(x))
        kept = {"weight": layer.weight, "bias": layer.bias}
        assert repr(fused["bn1"].with_(**kept)) == repr(layer)  # all other fields are as they were


def test_rounded_once_from_float64():
    """float32 weights times 0.7/√5, which no float32 holds: the float64 product, rounded; a scale rounded before misses some."""
    weight = RNG.standard_normal((1, 50, 1, 1)).astype(np.float32)
    line = nn.BatchNorm2d.of(*(np.array([v], np.float32) for v in (0, 5, 0.7, 0)), eps=0.0)
    found = fuse(Sequential(nn.Conv2d.of(weight), line))["bn1"].weight
    scale = float(np.float32(0.7)) * (1 / np.sqrt(5.0))
    np.testing.assert_array_equal(found, (weight.astype(np.float64) * scale).astype(np.float32))
    assert (found != weight * np.float32(scale)).any()


# What is joined, and under which name.


def test_names_are_those_of_the_last_part():
    net = Sequential(
        conv(2, 3, 3), bn(3), nn.ReLU6(), nn.Dropout(), nn.MaxPool2d(2), nn.Identity(), conv(3, 4, 1), nn.SiLU(), nn.Identity()
    )
    fused = fuse(net)
    assert [(node.name, type(node.layer).__name__, node.inputs) for node in fused] == [
        ("relu61", "Conv2d", ("x",)),
        ("pool1", "MaxPool2d", ("relu61",)),
        ("identity2", "Conv2d", ("pool1",)),  # the output keeps its name
    ]
    assert [fused[name].activation for name in ("relu61", "identity2")] == ["relu6", "silu"]
    assert fused.outputs == net.outputs
    assert fuse(Sequential(nn.Flatten(), nn.Dropout())).node("dropout1").layer.kind == "flatten"


def test_residual_block():
    g = Graph()
    x = g.input("image")
    trunk = x.then("conv1", conv(3, 4, 3, padding=1, bias=False)).then("bn1", bn(4)).then("relu1", nn.ReLU())
    left = trunk.then("conv2", conv(4, 4, 3, padding=1)).then("bn2", bn(4))
    net = g.network(g.join("add", nn.Add(), left, trunk).then("relu2", nn.ReLU()))
    fused = fuse(net)
    assert structure(fused)[0] == [
        ("relu1", "Conv2d(3, 4, kernel_size=3, padding=1, activation='relu')", ("image",)),
        ("bn2", "Conv2d(4, 4, kernel_size=3, padding=1)", ("relu1",)),
        ("relu2", "Add(activation='relu')", ("bn2", "relu1")),
    ]
    assert_fused_within_bounds(net, images(2, 3, 6, 7))


def test_the_old_network_is_untouched_and_what_nothing_is_joined_to_is_the_same_object():
    net = Sequential(conv(2, 3, 3), nn.MaxPool2d(2), conv(3, 4, 1), bn(4), nn.Flatten())
    before, weight = structure(net), net["conv2"].weight.copy()
    fused = fuse(net)
    assert structure(net) == before
    np.testing.assert_array_equal(net["conv2"].weight, weight)
    assert fused is not net
    assert fused["conv1"] is net["conv1"]
    assert fused["pool1"] is net["pool1"]
    rectified = fuse(Sequential(net["conv1"], nn.ReLU()))["relu1"]
    assert np.shares_memory(rectified.weight, net["conv1"].weight)  # no second copy of weights that are the same
    assert not rectified.weight.flags.writeable


def test_a_chain_of_lines_folds_line_by_line():
    net = Sequential(
        nn.Conv2d.of(np.ones((2, 1, 1, 1))), *[nn.BatchNorm2d.of(np.full(2, n), np.ones(2), eps=0.0) for n in (1.0, 2.0)], nn.ReLU()
    )
    fused = fuse(net)
    assert len(fused) == 1
    np.testing.assert_array_equal(fused(np.full((1, 1, 1, 2), 5.0)), np.full((1, 2, 1, 2), 2.0))


# What is left alone.


def nets_to_leave():
    g = Graph()
    between = g.input("x").then("conv", conv(2, 3, 1))
    yield "an output of its own", g.network(between.then("bn", bn(3)), between)
    g = Graph()
    between = g.input("x").then("conv", conv(2, 3, 1))
    yield "two readers", g.network(g.join("cat", nn.Concat(), between.then("bn", bn(3)), between.then("relu", nn.ReLU())))
    g = Graph()
    between = g.input("x").then("conv", conv(2, 3, 1))
    yield "one reader twice", g.network(g.join("add", nn.Add(), between, between))
    yield "normalization before the convolution", Sequential(bn(2), conv(2, 3, 3, padding=1))
    yield "activation before normalization", Sequential(nn.Conv2d(2, 3, 1, activation="relu", rng=RNG), bn(3), nn.ReLU())
    yield "activations that no store knows", Sequential(conv(2, 3, 1), nn.Hardswish(), conv(3, 2, 1), nn.LeakyReLU())
    yield "a transposed convolution's activation", Sequential(nn.ConvTranspose2d(2, 3, 2, rng=RNG), nn.ReLU())
    yield "six after a sum", Network([("add", nn.Add(), ("x", "x")), ("relu6", nn.ReLU6(), ("add",))])
    yield "only an input", Network([("keep", nn.Identity(), ("x",))])
    yield "nothing", Network([])
    yield (
        "a port",
        Network(
            [("pool", nn.MaxPool2d(2, return_indices=True), ("x",)), ("same", nn.Identity(), ("pool",))], outputs=("same", "pool:indices")
        ),
    )


@pytest.mark.parametrize(("net"), [pytest.param(net, id=name) for name, net in nets_to_leave()])
def test_left_alone(net):
    fused = fuse(net)
    assert structure(fused) == structure(net)
    assert all(new.layer is old.layer for new, old in zip(fused, net, strict=True))


def test_two_readers_through_a_node_that_goes():
    """Identity goes first: what it was read by then reads the convolution, which has two readers."""
    x = ("x",)
    net = Network(
        [
            ("conv", conv(2, 3, 1), x),
            ("same", nn.Identity(), ("conv",)),
            ("bn", bn(3), ("same",)),
            ("relu", nn.ReLU(), ("same",)),
            ("out", nn.Concat(), ("bn", "relu")),
        ]
    )
    assert [node.name for node in fuse(net)] == ["conv", "bn", "relu", "out"]
    late = Network(  # the output's node may not take over a name that another reader still uses
        [("conv", conv(2, 3, 1), x), ("same", nn.Identity(), ("conv",)), ("out", nn.Dropout(), ("same",)), ("relu", nn.ReLU(), ("same",))],
        outputs=("out", "relu"),
    )
    assert [(node.name, node.inputs) for node in fuse(late)] == [("conv", x), ("out", ("conv",)), ("relu", ("conv",))]
    dead = Network([("conv", conv(2, 3, 1), x), ("lost", nn.Dropout(), ("conv",)), ("relu", nn.ReLU(), ("conv",))])
    assert [node.name for node in fuse(dead)] == ["relu"]  # what nobody reads reads nothing


def test_an_output_that_only_passes_on_a_port_or_a_shared_map_stays():
    net = Network([("conv", conv(2, 3, 1), ("x",)), ("a", nn.Identity(), ("conv",)), ("b", nn.Dropout(), ("conv",))], outputs=("a", "b"))
    fused = fuse(net)
    assert structure(fused) == structure(net)
    first, second = fused(images(1, 2, 3, 4))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("spoil", [np.nan, np.inf])
def test_a_normalization_that_is_not_finite_is_left(spoil):
    line = bn(3)
    mean = line.running_mean.copy()
    mean[1] = spoil
    net = Sequential(conv(2, 3, 1), line.with_(running_mean=mean))
    assert structure(fuse(net)) == structure(net)
    flat = line.with_(running_var=np.zeros(3, np.float32), eps=0.0)
    assert len(fuse(Sequential(conv(2, 3, 1), flat))) == 2


def test_channels_that_do_not_fit_are_told_by_the_network():
    net = fuse(Sequential(conv(2, 3, 1), bn(4)))
    with pytest.raises(ShapeError, match=r"node 'bn1': BatchNorm2d: running_mean expects 4 input channels but x has 3"):
        net(images(1, 2, 3, 4))


# Layers in several nodes.


def twice(layer, first_tail, second_tail):
    g = Graph()
    value = g.input("x").then("a", layer)
    for number, tail in enumerate(first_tail):
        value = value.then(f"a{number}", tail)
    value = value.then("b", layer)
    for number, tail in enumerate(second_tail):
        value = value.then(f"b{number}", tail)
    return g.network(value)


def test_a_shared_layer_is_joined_where_all_its_nodes_are_joined_alike_and_stays_shared():
    layer, line = conv(3, 3, 3, padding=1), bn(3)
    fused = fuse(twice(layer, [line, nn.ReLU()], [line, nn.ReLU()]))
    assert [node.name for node in fused] == ["a1", "b1"]
    assert fused["a1"] is fused["b1"]
    net = twice(layer, [line, nn.ReLU()], [line])
    assert [(node.name, node.layer.kind) for node in fuse(net)] == [("a0", "conv"), ("a1", "relu"), ("b0", "conv")]
    half = fuse(net)
    assert half["a0"] is half["b0"]
    for tails in (([line], []), ([line], [bn(3)]), ([nn.ReLU()], [nn.SiLU()]), ([line], [nn.ReLU()])):
        net = twice(layer, *tails)
        assert structure(fuse(net)) == structure(net)
        assert fuse(net)["a"] is layer


def test_one_normalization_and_one_activation_behind_several_layers():
    line, relu = bn(3), nn.ReLU()
    net = Sequential(conv(2, 3, 1), line, relu, conv(3, 3, 3), line, relu)
    assert layers_of(fuse(net)) == ["Conv2d", "Conv2d"]
    assert_fused_within_bounds(net, images(2, 2, 5, 6))


def test_one_sum_in_two_nodes_holds_nothing_to_share():
    add = nn.Add()
    net = Network([("a", add, ("x", "x")), ("relu", nn.ReLU(), ("a",)), ("b", add, ("relu", "x"))])
    fused = fuse(net)
    assert [(node.name, repr(node.layer)) for node in fused] == [("relu", "Add(activation='relu')"), ("b", "Add()")]


# The numbers.


@pytest.mark.parametrize("activation", [None, nn.ReLU(), nn.ReLU6(), nn.SiLU()], ids=["none", "relu", "relu6", "silu"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_within_the_bound(activation, dtype):
    rng = np.random.default_rng(5)
    for layer in (
        nn.Conv2d(6, 5, (3, 2), (2, 1), 1, rng=rng),
        nn.Conv2d(6, 6, 3, padding="same", groups=6, bias=False, rng=rng),
        nn.Conv2d(6, 40, 1, rng=rng),
        nn.Conv2d(6, 8, 3, padding=2, dilation=2, groups=2, padding_mode="circular", rng=rng),
        nn.ConvTranspose2d(6, 4, 3, 2, groups=2, rng=rng),
    ):
        net = Sequential(layer, bn(layer.out_channels, rng), *([activation] if activation else []))
        for _ in range(4):
            assert assert_fused_within_bounds(net, (10 * rng.standard_normal((2, 6, 9, 7))).astype(dtype)) == 1


def test_the_bound_is_no_wider_than_it_must_be():
    """Some output comes within a twentieth of it, so it tells a sound fold from one that loses five bits."""
    rng = np.random.default_rng(6)
    layer, line = nn.Conv2d(2, 3, 1, rng=rng), bn(3, rng)
    x = rng.standard_normal((4, 2, 31, 37)).astype(np.float32)
    net = Sequential(layer, line)
    apart = np.abs(fuse(net)(x, accuracy="exact").astype(np.float64) - net(x, accuracy="exact"))
    bound = allowed([layer, line], fuse(net)["bn1"], (x,))
    assert 0.05 < (apart / bound).max() <= 1


def test_nan_stays_nan_and_infinities_pass():
    net = Sequential(nn.Conv2d.of(np.ones((1, 1, 1, 1), np.float32)), nn.ReLU())
    x = np.array([[[[np.nan, np.inf, -np.inf, -1.0, 0.0, -0.0]]]], np.float32)
    np.testing.assert_array_equal(fuse(net)(x), [[[[np.nan, np.inf, 0.0, 0.0, 0.0, 0.0]]]])
    add = fuse(Network([("add", nn.Add(), ("x", "x")), ("relu", nn.ReLU(), ("add",))]))
    np.testing.assert_array_equal(add(x), [[[[np.nan, np.inf, 0.0, 0.0, 0.0, 0.0]]]])


def test_an_empty_batch_and_one_image():
    net = Sequential(conv(2, 3, 3), bn(3), nn.ReLU())
    assert fuse(net)(np.zeros((0, 2, 5, 6), np.float32)).shape == (0, 3, 3, 4)
    assert fuse(net)(images(2, 5, 6)).shape == (3, 3, 4)


# Whole networks.


def normalized(net: Network) -> Network:
    """Return the network with statistics that were not just made up: other than mean 0 and variance 1."""
    rng = np.random.default_rng(8)
    lines = {node.name: node.layer for node in net if isinstance(node.layer, nn.BatchNorm2d)}
    fresh = {name: bn(line.num_features, rng).with_(eps=line.eps) for name, line in lines.items()}
    fresh = {name: line.with_(weight=np.abs(line.weight) + np.float32(0.5)) for name, line in fresh.items()}
    return net.with_layers(fresh)


def test_efficientnet():
    net = normalized(models.efficientnet_lite0(rng=np.random.default_rng(0)))
    fused = fuse(net)
    assert "BatchNorm2d" not in layers_of(fused)
    assert "ReLU6" not in layers_of(fused)
    assert layers_of(fused).count("Conv2d") + layers_of(fused).count("ConvAdd") == layers_of(net).count("Conv2d")
    assert len(net) - len(fused) == 49 + 33 + 9 - 1  # 49 normalizations, 33 activations, 9 sums; ChannelsLast comes
    assert describe(fused, (3, 32, 32)).multiply_adds == describe(net, (3, 32, 32)).multiply_adds
    assert assert_fused_within_bounds(net, images(1, 3, 32, 48)) == 49
    wide = images(1, 3, 32, 48).astype(np.float64)
    logits = net(wide)
    assert fused(wide).argmax() == logits.argmax()


def test_a_sum_behind_a_convolution_is_part_of_it():
    """Of two convolutions that meet, the later one takes the sum; one that others read, that bends its output or has neighbours takes none."""
    x = ("x",)
    net = Network(
        [
            ("a", conv(16, 24, 1), x), ("skip", conv(16, 24, 1), x), ("both", nn.Add(), ("a", "skip")), ("relu", nn.ReLU(), ("both",)),
            ("b", conv(24, 24, 1), ("relu",)), ("sum", nn.Add(), ("b", "relu")), ("c", conv(24, 24, 3, padding=1), ("sum",)),
            ("three", nn.Add(), ("c", "sum")), ("d", conv(24, 24, 1), ("three",)), ("twice", nn.Add(), ("d", "d")),
        ]
    )  # fmt: skip
    fused = fuse(net)
    assert layers_of(fused) == ["ChannelsLast", "Conv2d", "ConvAdd", "ConvAdd", "Conv2d", "Add", "Conv2d", "Add"]
    assert [(node.name, node.inputs) for node in fused.nodes[2:4]] == [("relu", ("channels_last", "a")), ("sum", ("relu", "relu"))]
    assert fused["relu"].activation == "relu"
    assert fused["sum"].activation is None
    pictures = images(2, 16, 9, 8)
    plain = fuse(net, channels_last=False)
    exact = fused(pictures, accuracy="exact")
    np.testing.assert_array_equal(exact, fused.with_layers({})(pictures, accuracy="exact"))
    np.testing.assert_allclose(exact, plain(pictures, accuracy="exact"), rtol=1e-4, atol=1e-4)
    first, second = fused(pictures), fused(pictures)
    np.testing.assert_array_equal(first, second)


def test_lenet_keeps_its_bits():
    net = models.lenet5(weights="pretrained", padding=2)
    fused = fuse(net)
    assert [node.name for node in fused] == ["relu1", "s2", "relu3", "s4", "relu5", "flatten", "f6", "relu6", "output"]
    digits = images(3, 1, 28, 28)
    np.testing.assert_array_equal(fused(digits), net(digits))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fused))(digits), net(digits))


LAST = {  # the last map before the head
    "alexnet": "features.12", "vgg16_bn": "features.43", "resnet18": "layer4.1.relu", "resnet50": "layer4.2.relu",
    "squeezenet1_1": "features.12.cat", "mobilenet_v2": "features.18.2",
}  # fmt: skip


@pytest.mark.parametrize("model", LAST)
def test_published_networks_shape_only(model):
    net, last = models.build(model), LAST[model]
    fused = fuse(net)
    assert not {"BatchNorm2d", "ReLU6", "Dropout"} & set(layers_of(fused))
    behind_linear = [node for node in net if node.layer.kind == "relu" and isinstance(net[node.inputs[0]], nn.Linear)]
    assert layers_of(fused).count("ReLU") == len(behind_linear) == (2 if model in ("alexnet", "vgg16_bn") else 0)
    before, after = describe(net, (3, 224, 224)), describe(fused, (3, 224, 224))
    assert after.multiply_adds == before.multiply_adds
    assert all(node.layer.is_shape_only for node in fused if isinstance(node.layer, nn.Conv2d))
    assert (fused.nodes[0].name, after["channels_last"].shape) == ("channels_last", (1, 3, 224, 224))
    for node in fused.nodes[1:]:
        assert after[node.name].shape == before[node.name].shape
    assert (fused.outputs, last in fused) == (net.outputs, True)
    lines = [node for node in net if isinstance(node.layer, nn.BatchNorm2d)]  # γ, β become one bias, which VGG's convolutions have
    lost = sum(node.layer.num_features * (1 if net[node.inputs[0]].bias is None else 2) for node in lines)
    assert after.parameters == before.parameters - lost


@pytest.mark.parametrize(
    ("model", "shape", "joined"),
    [
        ("resnet18", (3, 32, 48), 20 + 8),  # convolutions and sums
        ("squeezenet1_1", (3, 32, 48), 26),
        ("mobilenet_v2", (3, 32, 48), 52),
        ("unet", (1, 16, 32), 18),
        ("fcn_resnet50", (3, 16, 24), 54 + 16),
        ("yolov5n", (3, 32, 64), 57),
    ],
)
def test_published_networks_with_numbers(model, shape, joined):
    net = normalized(models.build(model, rng=np.random.default_rng(0)))
    assert assert_fused_within_bounds(net, images(1, *shape)) == joined


def test_a_u_net():
    g = Graph()
    x = g.input("x")
    down = x.then("down.conv", conv(2, 4, 3, padding=1)).then("down.bn", bn(4)).then("down.relu", nn.ReLU())
    deep = down.then("pool", nn.MaxPool2d(2)).then("deep", Sequential(conv(4, 6, 3, padding=1), bn(6), nn.SiLU(), nn.Dropout()))
    up = deep.then("up.conv", nn.ConvTranspose2d(6, 4, 2, 2, rng=RNG)).then("up.bn", bn(4)).then("up.relu", nn.ReLU())
    net = g.network(g.join("cat", nn.Concat(), up, down).then("head", conv(8, 3, 1)))
    fused = fuse(net)
    assert [node.name for node in fused] == ["down.relu", "pool", "deep.silu1", "up.bn", "up.relu", "cat", "head"]
    assert assert_fused_within_bounds(net, images(2, 2, 8, 6)) == 3


@st.composite
def foldable(draw):
    """Draw (network, input shape): chains of what can be joined, with readers and outputs anywhere."""
    nodes, names, shared = [], ["x"], conv(3, 3, 3, padding=1)
    kinds = (lambda: conv(3, 3, 1), lambda: shared, lambda: bn(3), nn.ReLU, nn.ReLU6, nn.SiLU, nn.Identity, nn.Dropout)
    for number in range(draw(st.integers(1, 9))):
        last = draw(st.sampled_from(names[-1:] * 5 + names))
        if draw(st.integers(0, 5)) == 0:
            nodes.append((f"n{number}", nn.Add(), (last, draw(st.sampled_from(names)))))
        else:
            nodes.append((f"n{number}", draw(st.sampled_from(kinds))(), (last,)))
        names.append(f"n{number}")
    outputs = draw(st.lists(st.sampled_from(names), max_size=2))
    return Network(nodes, outputs=(*outputs, names[-1])), (3, 4, 5)


@given(st.one_of(networks(), foldable()))
def test_random_networks(drawn):
    net, shape = drawn
    x = RNG.standard_normal((2, *shape)).astype(np.float32)
    fused = fuse(net)
    assert structure(fuse(fused)) == structure(fused)
    assert (fused.inputs, fused.outputs) == (net.inputs, net.outputs)
    assert {node.name for node in fused} <= {node.name for node in net}
    ours, theirs = fused(x), net(x)
    for one, other in zip(*(y if isinstance(y, tuple) else (y,) for y in (ours, theirs)), strict=True):
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
    held = {id(node.layer) for node in net if node.layer.parameters()}
    assert len({id(node.layer) for node in fused if node.layer.parameters()}) <= len(held)  # what was shared stays so
    assert_fused_within_bounds(net, x)


# What others see.


def test_trace_says_that_a_fused_map_comes_out_of_an_activation():
    net = Sequential(conv(2, 3, 3), nn.ReLU(), nn.AvgPool2d(2), conv(3, 2, 1), nn.ReLU(), conv(2, 2, 1))
    kinds = {m.name: m.kind for m in trace(fuse(net), images(1, 2, 6, 7))}
    assert kinds == {"x": "input", "relu1": "activation", "pool1": "other", "relu2": "activation", "conv3": "other"}


def test_a_fused_network_has_no_gradient_and_says_what_to_do():
    net = fuse(Sequential(conv(2, 3, 3), bn(3), nn.ReLU()))
    x = images(1, 2, 5, 6)
    with pytest.raises(
        UnsupportedError, match=r"node 'relu1': Conv2d: a gradient needs the map in front of an activation.*fuse it afterwards"
    ):
        backward(net, trace(net, x, training=True), np.ones((1, 3, 3, 4), np.float32))
    folded = fuse(Sequential(conv(2, 3, 3), bn(3)))  # without an activation there is one
    grads, _ = backward(folded, trace(folded, x), np.ones((1, 3, 3, 4), np.float32))
    assert grads["x"].shape == x.shape


def test_parameters_go_by_the_new_names():
    net = fuse(Sequential(conv(2, 3, 3), bn(3), nn.ReLU()))
    assert list(net.parameters()) == ["relu1.weight", "relu1.bias"]
    moved = net.with_parameters({name: array + 1 for name, array in net.parameters().items()})
    assert moved["relu1"].activation == "relu"


def test_a_layer_is_a_network_of_one_node():
    assert structure(fuse(nn.ReLU())) == structure(Sequential(nn.ReLU()))


@pytest.mark.parametrize(
    ("value", "match"),
    [
        ([nn.ReLU()], r"fuse: the first argument is a network or a layer, but it is a list; write nn.Sequential\(\*layers\)"),
        (np.zeros((1, 2, 3, 4)), r"fuse: the first argument is a network or a layer, but it is a ndarray"),
    ],
)
def test_no_network(value, match):
    with pytest.raises(ArgumentError, match=match):
        fuse(value)


# Prepared bytes.


def kept_beside(layer, net, x) -> int:
    """Return the bytes that a first call left behind for a layer, beside the layer's own weight."""
    from minicnn.conv.dispatch import _prepared

    net(x)
    return sum(p.nbytes for p in _prepared[layer].values() if not np.shares_memory(p.weight, layer.weight))


@pytest.mark.parametrize(
    "layer",
    [conv(2, 3, 3), conv(2, 20, 1), conv(2, 2, 3, groups=2), conv(2, 32, 3, algorithm="im2col")],
    ids=["direct", "1x1", "depthwise", "im2col"],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_prepared_bytes_are_what_the_first_call_leaves_behind(layer, dtype):
    layer, x = layer.with_(), np.zeros((1, 2, 9, 8), dtype)
    net = Sequential(layer)
    assert describe(net, (2, 9, 8), dtype=dtype)["conv1"].prepared_bytes == kept_beside(layer, net, x)


def test_prepared_bytes_in_the_totals(monkeypatch):
    """A shared layer is prepared once; what keeps nothing is not mentioned."""
    import minicnn.layers.conv

    monkeypatch.setattr(minicnn.layers.conv, "prepared_bytes", lambda name, *shapes_and_size: 1000)
    layer = conv(2, 2, 3)
    facts = describe(Sequential(layer, layer, nn.ReLU(), conv(2, 3, 1)), (2, 9, 8))
    assert [row.prepared_bytes for row in facts] == [0, 1000, 0, 0, 1000]
    assert facts.prepared_bytes == facts.to_dict()["total"]["prepared_bytes"] == 2000
    assert [row["prepared_bytes"] for row in facts.to_dict()["nodes"]] == [0, 1000, 0, 0, 1000]
    assert "Prepared weights: 2.00 kB beside the parameters, from the first call on." in str(facts)
    assert "Prepared" not in str(describe(nn.ReLU(), (2, 9, 8)))
