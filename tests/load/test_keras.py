"""Keras' files: every layout turned exactly, every kind of file, which layer becomes which node, and what is said about it."""

import io
import re
import warnings

import numpy as np
import pytest
from keras_files import by_name, by_number, counting, functional, hdf5, layer, one_reader, sequential, zipped
from numpy.testing import assert_array_equal

from minicnn import load, nn
from minicnn.errors import ArgumentError, FileFormatError, WeightsError
from minicnn.load import hdf5 as reading


@pytest.fixture(autouse=True, scope="module")
def one_process():
    with one_reader():
        yield


READER = reading.Reader


@pytest.fixture
def write(tmp_path):
    def write(data: bytes, name="model.h5"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def quietly(work, *arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", load.WeightsNotice)
        return work(*arguments, **options)


def noticed(work, *arguments, **options) -> tuple[object, list[str]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = work(*arguments, **options)
    assert all(notice.category is load.WeightsNotice and notice.filename == __file__ for notice in caught)
    return result, [str(notice.message) for notice in caught]


# Keras' layers by their definitions, on (H, W, C) maps


def conv(x, kernel, bias, stride=(1, 1)):
    rows, columns, _, out = kernel.shape
    size = [(n - k) // s + 1 for n, k, s in zip(x.shape, (rows, columns), stride, strict=False)]
    y = np.zeros((*size, out), x.dtype)
    for p, q in np.ndindex(*size):
        window = x[p * stride[0] : p * stride[0] + rows, q * stride[1] : q * stride[1] + columns]
        y[p, q] = np.einsum("ijc,ijco->o", window, kernel) + bias
    return y


def depthwise(x, kernel, bias):
    rows, columns, channels, each = kernel.shape
    y = np.zeros((x.shape[0] - rows + 1, x.shape[1] - columns + 1, channels * each), x.dtype)
    for p, q in np.ndindex(*y.shape[:2]):
        y[p, q] = np.einsum("ijc,ijcm->cm", x[p : p + rows, q : q + columns], kernel).reshape(-1) + bias
    return y


def transposed(x, kernel, bias, stride):
    rows, columns, out, _ = kernel.shape
    y = np.zeros(((x.shape[0] - 1) * stride + rows, (x.shape[1] - 1) * stride + columns, out), x.dtype)
    for p, q in np.ndindex(*x.shape[:2]):
        y[p * stride : p * stride + rows, q * stride : q * stride + columns] += np.einsum("c,ijoc->ijo", x[p, q], kernel)
    return y + bias


def first(x: np.ndarray) -> np.ndarray:
    """(H, W, C) → (1, C, H, W)."""
    return np.ascontiguousarray(x.transpose(2, 0, 1))[None]


IMAGE = counting(6, 5, 3, start=4)


class TestLayouts:
    """Small whole numbers, so that both sides are exact."""

    @staticmethod
    def assert_same(write, weights, net, expected, name="layer"):
        path = write(by_name({name: {f"{name}/{field}:0": array for field, array in weights.items()}}))
        got = quietly(load.load_weights, net, path)(first(IMAGE))
        assert_array_equal(got, first(expected) if expected.ndim == 3 else expected[None])

    def test_conv(self, write):
        kernel, bias = counting(3, 2, 3, 4), counting(4)
        net = nn.Sequential(nn.Conv2d(3, 4, (3, 2), (2, 1)))
        self.assert_same(write, {"kernel": kernel, "bias": bias}, net, conv(IMAGE, kernel, bias, (2, 1)))

    def test_conv_by_groups(self, write):
        kernel = counting(3, 2, 1, 6)
        expected = np.concatenate([conv(IMAGE[:, :, [g]], kernel[:, :, :, 2 * g : 2 * g + 2], 0) for g in range(3)], axis=2)
        self.assert_same(write, {"kernel": kernel}, nn.Sequential(("layer", nn.Conv2d(3, 6, (3, 2), groups=3, bias=False))), expected)

    @pytest.mark.parametrize("field", ["kernel", "depthwise_kernel"])  # Keras 3 and 2
    def test_depthwise(self, write, field):
        kernel, bias = counting(2, 3, 3, 2), counting(6)
        net = nn.Sequential(nn.Conv2d(3, 6, (2, 3), groups=3))
        self.assert_same(write, {field: kernel, "bias": bias}, net, depthwise(IMAGE, kernel, bias))

    def test_transposed(self, write):
        kernel, bias = counting(3, 2, 4, 3), counting(4)
        net = nn.Sequential(nn.ConvTranspose2d(3, 4, (3, 2), 2))
        self.assert_same(write, {"kernel": kernel, "bias": bias}, net, transposed(IMAGE, kernel, bias, 2))

    def test_dense_behind_a_flatten(self, write):
        kernel, bias = counting(6 * 5 * 3, 4), counting(4)
        path = write(by_number({"layers/dense": [kernel, bias]}))
        net = nn.Sequential(nn.Identity(), nn.Flatten(), nn.ReLU(), nn.Linear(90, 4))
        shapes = nn.Network(net.nodes, input_shapes={"x": (1, 3, 6, 5)})  # nothing else tells how many channels the image has
        got = quietly(load.load_weights, shapes, path)(first(np.abs(IMAGE)))
        assert_array_equal(got, (np.abs(IMAGE).reshape(-1) @ kernel + bias)[None])

    def test_batch_normalization(self, write):
        numbers = {"gamma": counting(3), "beta": counting(3, start=2), "moving_mean": counting(3, start=3)}
        numbers["moving_variance"] = np.array([4, 0.25, 1], np.float32)
        got = load.weights(write(by_name({"bn": {f"bn/{name}:0": array for name, array in numbers.items()}})))
        assert list(got) == ["bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"]
        for mine, theirs in zip(got.values(), numbers.values(), strict=True):
            assert_array_equal(mine, theirs, strict=True)

    @pytest.mark.parametrize(("absent", "name", "value"), [("gamma", "weight", 1), ("beta", "bias", 0)])
    def test_what_batch_normalization_left_out_changes_nothing(self, write, absent, name, value):
        fields = [field for field in ("gamma", "beta", "moving_mean", "moving_variance") if field != absent]
        got = load.weights(write(by_name({"bn": {f"bn/{field}": counting(3, start=k) for k, field in enumerate(fields)}})))
        assert_array_equal(got[f"bn.{name}"], np.full(3, value, np.float32), strict=True)
        assert set(got) == {"bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"}

    def test_separable_is_two_layers(self, write):
        first_kernel, second, bias = counting(3, 2, 3, 2), counting(1, 1, 6, 4), counting(4)
        path = write(by_name({"s": {"s/depthwise_kernel:0": first_kernel, "s/pointwise_kernel:0": second, "s/bias:0": bias}}))
        assert [(name, array.shape) for name, array in load.weights(path).items()] == [
            ("s.depthwise.weight", (6, 1, 3, 2)),
            ("s.pointwise.weight", (4, 6, 1, 1)),
            ("s.pointwise.bias", (4,)),
        ]
        net = nn.Sequential(nn.Conv2d(3, 6, (3, 2), groups=3, bias=False), nn.Conv2d(6, 4, 1))
        got = load.load_weights(net, path)(first(IMAGE))
        assert_array_equal(got, first(conv(depthwise(IMAGE, first_kernel, 0), second, bias)))

    def test_prelu_and_norms(self, write):
        weights = {"a": {"a/alpha:0": counting(1, 1, 4)}, "n": {"n/gamma:0": counting(4), "n/beta:0": counting(4, start=2)}}
        got = load.weights(write(by_name(weights)))
        assert {name: array.shape for name, array in got.items()} == {"a.weight": (4,), "n.weight": (4,), "n.bias": (4,)}

    def test_halves_are_widened_and_said(self, write):
        path = write(by_name({"fc": {"fc/kernel:0": counting(4, 3, dtype=np.float16), "fc/bias:0": counting(3)}}))
        got, notices = noticed(load.weights, path)
        assert notices == ["load.weights: model.h5 has 1 float16 of 2 tensors, now float32 (exactly)."]
        assert_array_equal(got["fc.weight"], counting(4, 3).T, strict=True)

    def test_bfloat16_as_keras_3_stores_it(self, write):
        def fill(file):
            numbers = np.array([0x3FC0, 0xC000], "<u2").view("V2")  # 1.5 and -2
            file.create_dataset("layers/dense/vars/0", data=counting(1, 2))
            file.create_dataset("layers/dense/vars/1", data=numbers).attrs["dtype"] = "bfloat16"

        got = quietly(load.weights, write(hdf5(fill)))
        assert_array_equal(got["dense.bias"], np.array([1.5, -2], np.float32), strict=True)


# The classic VGG16, a little narrower

BLOCKS = ((1, 2, 3), (2, 2, 4), (3, 3, 5), (4, 3, 5), (5, 3, 6))  # block, convolutions, channels
TOP = ((2 * 1 * 6, 8), (8, 8), (8, 10))


def vgg_weights(spelling: str) -> dict:
    """Names as in vgg16_weights_tf_dim_ordering_tf_kernels.h5, of Keras 1 (`_W_1:0`) or later (`/kernel:0`)."""
    kernel, bias = ("{0}_W_1:0", "{0}_b_1:0") if spelling == "old" else ("{0}/kernel:0", "{0}/bias:0")
    layers, channels = {}, 3
    for block, count, out in BLOCKS:
        for number in range(1, count + 1):
            name = f"block{block}_conv{number}"
            layers[name] = {kernel.format(name): counting(3, 3, channels, out) / 64, bias.format(name): counting(out) / 8}
            channels = out
        layers[f"block{block}_pool"] = {}
    layers["flatten"] = {}
    for name, shape in zip(("fc1", "fc2", "predictions"), TOP, strict=True):
        layers[name] = {kernel.format(name): counting(*shape) / 32, bias.format(name): counting(shape[1]) / 8}
    return layers


def vgg(names: bool) -> nn.Network:
    """The network, its nodes named as Keras' layers or by Sequential."""
    layers, channels = [], 3
    for block, count, out in BLOCKS:
        for number in range(1, count + 1):
            layers.append((f"block{block}_conv{number}", nn.Conv2d(channels, out, 3, padding=1)))
            layers.append((f"relu{block}_{number}", nn.ReLU()))
            channels = out
        layers.append((f"block{block}_pool", nn.MaxPool2d(2)))
    layers.append(("flatten", nn.Flatten()))
    for name, shape in zip(("fc1", "fc2", "predictions"), TOP, strict=True):
        layers += [(name, nn.Linear(*shape)), *([] if name == "predictions" else [(f"{name}_relu", nn.ReLU())])]
    return nn.Sequential(*(layers if names else [layer for _, layer in layers]))


def keras_vgg(layers: dict, x: np.ndarray) -> np.ndarray:
    """VGG16 on one (H, W, C) image, in float64."""
    for name, weights in layers.items():
        kernel, bias = [array.astype(np.float64) for array in weights.values()] or (None, None)
        if "conv" in name:
            x = np.maximum(conv(np.pad(x, ((1, 1), (1, 1), (0, 0))), kernel, bias), 0)
        elif "pool" in name:
            x = x.reshape(x.shape[0] // 2, 2, x.shape[1] // 2, 2, -1).max((1, 3))
        elif name == "flatten":
            x = x.reshape(-1)
        else:
            x = x @ kernel + bias
            x = x if name == "predictions" else np.maximum(x, 0)
    return x


@pytest.mark.parametrize("spelling", ["old", "new"])
@pytest.mark.parametrize("names", [True, False])
def test_the_classic_vgg16_file(write, spelling, names):
    layers = vgg_weights(spelling)
    path, image = write(by_name(layers)), counting(64, 32, 3) / 8
    net = load.load_weights(vgg(names), path)
    got, expected = net(first(image).astype(np.float64)), keras_vgg(layers, image.astype(np.float64))
    assert abs(expected).max() > 0.1  # the signal has come through
    np.testing.assert_allclose(got, expected[None], rtol=1e-12)


def test_without_a_network_the_classic_file_leaves_fc1_in_keras_order(write):
    layers = vgg_weights("new")
    got, notices = noticed(load.weights, write(by_name(layers)))
    assert_array_equal(got["fc1.weight"], layers["fc1"]["fc1/kernel:0"].T)
    assert len(notices) == 1
    assert re.search(r"does not tell how many channels a Flatten before fc1 folds.*load.load_weights\(net, path\)", notices[0])


# A configuration


CHAIN = sequential(
    layer("InputLayer", "image", batch_shape=[None, 6, 5, 3]),
    layer("Conv2D", "c", filters=4),
    layer("BatchNormalization", "n", epsilon=0.001, momentum=0.99),
    layer("Activation", "a"),
    layer("Flatten", "f"),
    layer("Dropout", "d"),
    layer("Dense", "fc", units=5),
)
NUMBERS = {
    "c": [counting(3, 2, 3, 4), counting(4)],
    "n": [counting(4), counting(4, start=2), counting(4, start=3), np.array([1, 4, 0.25, 1], np.float32)],
    "fc": [counting(4 * 4 * 4, 5), counting(5)],
}
FIELDS = {"c": ("kernel", "bias"), "n": ("gamma", "beta", "moving_mean", "moving_variance"), "fc": ("kernel", "bias")}
NAMED = {name: {f"{name}/{field}:0": array for field, array in zip(FIELDS[name], NUMBERS[name], strict=True)} for name in NUMBERS}
PATHS = {"layers/conv2d": NUMBERS["c"], "layers/batch_normalization": NUMBERS["n"], "layers/dense": NUMBERS["fc"]}
FILES = {"whole .h5": by_name(NAMED, CHAIN), ".keras": zipped(CHAIN, by_number(PATHS))}


def chain(eps=1e-3, momentum=0.01) -> nn.Network:
    return nn.Sequential(nn.Conv2d(3, 4, (3, 2)), nn.BatchNorm2d(4, eps, momentum), nn.ReLU(), nn.Flatten(), nn.Dropout(), nn.Linear(64, 5))


def chain_expected() -> np.ndarray:
    mean, var = NUMBERS["n"][2].astype(float), NUMBERS["n"][3].astype(float)
    y = conv(IMAGE.astype(float), *NUMBERS["c"])
    y = np.maximum((y - mean) / np.sqrt(var + 1e-3) * NUMBERS["n"][0] + NUMBERS["n"][1], 0)
    return (y.reshape(-1) @ NUMBERS["fc"][0] + NUMBERS["fc"][1])[None]


@pytest.mark.parametrize("data", FILES.values(), ids=FILES)
def test_a_whole_model(write, data):
    net, notices = noticed(load.load_weights, chain(), write(data))
    assert notices == []
    np.testing.assert_allclose(net(first(IMAGE).astype(np.float64)), chain_expected(), rtol=1e-12)
    arrays, notices = noticed(load.weights, write(data))  # the configuration alone tells how the Flatten folds
    assert notices == []
    assert_array_equal(arrays["fc.weight"], net["linear1"].weight)
    assert list(arrays) == [
        *("c.weight", "c.bias", "n.weight", "n.bias", "n.running_mean", "n.running_var"),
        *("fc.weight", "fc.bias"),
    ]
    assert load.metadata(write(data)) == {}


@pytest.mark.parametrize("data", FILES.values(), ids=FILES)
def test_another_eps_is_an_error_and_another_momentum_a_notice(write, data):
    message = r"load.load_weights: model.h5: its settings must make the file's numbers, but 1 differ; .*\n  eps: bn1 has 1e-05, .* n 0.001"
    with pytest.raises(WeightsError, match=message):
        load.load_weights(chain(eps=1e-5), write(data))
    net, notices = noticed(load.load_weights, chain(momentum=0.1), write(data))
    assert net["bn1"].momentum == 0.1
    assert len(notices) == 1
    assert "momentum 0.99 of Keras' n is the share that stays, so it is 0.01 here, and bn1 has 0.1; only training" in notices[0]
    net, notices = noticed(load.load_weights, chain(eps=1e-5), write(data), strict=False)
    assert "  setting        eps: bn1 has 1e-05, the file's n 0.001" in notices[0]
    assert net["bn1"].eps == 1e-5


def test_weights_alone_do_not_say_their_eps(write):
    path = write(by_number(PATHS))
    assert noticed(load.load_weights, chain(), path)[1] == []
    _, notices = noticed(load.load_weights, chain(eps=1e-5), path)
    assert re.search(r"does not say the eps of its normalizations, which is 0.001 in Keras unless set otherwise, and bn1", notices[0])


def test_nothing_of_a_configuration_is_built(write, tmp_path):
    """A Lambda's code, a class of the author's own and a module to import are words."""
    marker = tmp_path / "ran"
    code = f"__import__('os').mkdir({str(marker)!r})"
    strange = sequential(
        layer("InputLayer", "image", batch_shape=[None, 6, 5, 3]),
        layer("Lambda", "l", function={"class_name": "__lambda__", "config": {"code": code}}, module="os"),
        {"class_name": "Mine", "module": "antigravity", "registered_name": "os>system", "config": {"name": "m", "function": code}},
        *CHAIN["config"]["layers"][1:],
    )
    got = load.weights(write(zipped(strange, by_number(PATHS))))
    assert_array_equal(got["c.weight"], NUMBERS["c"][0].transpose(3, 2, 0, 1))
    assert not marker.exists()


def branches(first_name="left", second_name="right"):
    return functional(
        layer("InputLayer", "image", batch_shape=[None, 6, 5, 3]),
        layer("Conv2D", first_name, "image", filters=2),
        layer("Conv2D", second_name, "image", filters=4),
        layer("Concatenate", "both", first_name, second_name),
        layer("MaxPooling2D", "pool", "both"),
        layer("Flatten", "flat", "pool"),
        layer("Dense", "fc", "flat", units=2),
        outputs=[["fc", 0, 0]],
    )


def test_channels_are_followed_through_branches(write):
    """2 + 4 channels of 3·2 pixels: column (pixel, channel) becomes (channel, pixel)."""
    numbers = {"layers/conv2d": [counting(1, 1, 3, 2)], "layers/conv2d_1": [counting(1, 1, 3, 4)], "layers/dense": [counting(36, 2)]}
    got = load.weights(write(zipped(branches(), by_number(numbers))))
    assert_array_equal(got["fc.weight"], counting(36, 2).T.reshape(2, 6, 6).transpose(0, 2, 1).reshape(2, 36))
    assert_array_equal(got["right.weight"], counting(1, 1, 3, 4).transpose(3, 2, 0, 1))


def test_nested_models(write):
    inner = {"class_name": "Sequential", "config": {"name": "inner", "layers": [layer("Conv2D", "c", filters=2)]}}
    config = sequential(
        layer("InputLayer", "image", batch_shape=[None, 6, 5, 3]),
        layer("Conv2D", "c", filters=3),
        inner,
        layer("Flatten", "f"),
        layer("Dense", "fc", units=2),
    )
    paths = {"layers/conv2d": [counting(1, 1, 3, 3)], "layers/sequential/layers/conv2d": [counting(1, 1, 3, 2)]}
    paths["layers/dense"] = [counting(60, 2)]
    got = load.weights(write(zipped(config, by_number(paths))))
    assert list(got) == ["conv2d.weight", "sequential.conv2d.weight", "fc.weight"]  # two are called c: their paths tell them apart
    assert_array_equal(got["fc.weight"], counting(60, 2).T.reshape(2, 30, 2).transpose(0, 2, 1).reshape(2, 60))
    net = nn.Sequential(nn.Conv2d(3, 3, 1, bias=False), nn.Conv2d(3, 2, 1, bias=False), nn.Flatten(), nn.Linear(60, 2, bias=False))
    assert_array_equal(load.load_weights(net, write(zipped(config, by_number(paths))))["conv2"].weight, got["sequential.conv2d.weight"])
    named = {"c": {"c/kernel": counting(1, 1, 3, 3)}, "inner": {"inner/d/kernel": counting(1, 1, 3, 2), "inner/e/kernel": counting(2, 5)}}
    assert list(quietly(load.weights, write(by_name(named)))) == ["c.weight", "d.weight", "e.weight"]


@pytest.mark.parametrize(
    ("middle", "form"),
    [
        ([layer("GlobalAveragePooling2D", "g")], "plain"),
        ([layer("Flatten", "f"), layer("BatchNormalization", "b")], "row"),
        ([layer("DepthwiseConv2D", "w", depth_multiplier=2), layer("Flatten", "f")], "row of 8"),
        ([layer("Permute", "p"), layer("Flatten", "f")], "unknown"),
        ([layer("Reshape", "r", target_shape=[2, 4, 8]), layer("Flatten", "f")], "unknown"),
        ([layer("Reshape", "r", target_shape=[64])], "row"),
        ([layer("Flatten", "f", data_format="channels_last")], "row"),
    ],
)
def test_what_a_dense_is_given(write, middle, form):
    config = sequential(*CHAIN["config"]["layers"][:2], *middle, layer("Dense", "fc", units=5))
    got, notices = noticed(load.weights, write(zipped(config, by_number({k: v for k, v in PATHS.items() if "batch" not in k}))))
    channels = {"row": 4, "row of 8": 8}.get(form, 64)
    expected = NUMBERS["fc"][0].T.reshape(5, -1, channels).transpose(0, 2, 1).reshape(5, 64)
    assert_array_equal(got["fc.weight"], expected)
    assert ["does not tell how many channels a Flatten before fc folds" in notice for notice in notices] == [True] * (form == "unknown")


def test_outputs_that_become_a_map_are_said(write):
    config = sequential(
        layer("InputLayer", "z", batch_shape=[None, 3]),
        layer("Dense", "fc", units=8),
        layer("Reshape", "r", target_shape=[2, 2, 2]),
        layer("Flatten", "f"),
        layer("Dense", "out", units=1),
    )
    weights = by_number({"layers/dense": [counting(3, 8)], "layers/dense_1": [np.arange(8, dtype=np.float32)[:, None]]})
    got, notices = noticed(load.weights, write(zipped(config, weights)))
    assert len(notices) == 1
    assert "the outputs of fc are cut into a map and stay in Keras' order" in notices[0]
    assert_array_equal(got["out.weight"], [[0, 2, 4, 6, 1, 3, 5, 7]])


def test_channels_first(write):
    """Keras keeps the kernels as they are and flattens with channels last."""
    entries = [dict(entry) for entry in CHAIN["config"]["layers"]]
    entries[0] = layer("InputLayer", "image", batch_shape=[None, 3, 6, 5])
    entries[1] = layer("Conv2D", "c", filters=4, data_format="channels_first")
    entries[4] = layer("Flatten", "f", data_format="channels_first")
    got = load.weights(write(zipped(sequential(*entries), by_number(PATHS))))
    assert_array_equal(got["fc.weight"], NUMBERS["fc"][0].T.reshape(5, 16, 4).transpose(0, 2, 1).reshape(5, 64))
    entries[4] = layer("Flatten", "f", data_format="channels_last")  # of a channels-first map: nothing to turn
    assert_array_equal(load.weights(write(zipped(sequential(*entries), by_number(PATHS))))["fc.weight"], NUMBERS["fc"][0].T)


def test_a_configuration_of_keras_2(write):
    """Inputs as [[name, node, tensor, {}]], the shape as batch_input_shape."""
    config = branches()
    for entry in config["config"]["layers"]:
        if "inbound_nodes" in entry:
            sources = {"both": ["left", "right"], "pool": ["both"], "flat": ["pool"], "fc": ["flat"]}
            entry["inbound_nodes"] = [[[source, 0, 0, {}] for source in sources.get(entry["config"]["name"], ["image"])]]
    config["config"]["layers"][0] = layer("InputLayer", "image", batch_input_shape=[None, 6, 5, 3])
    weights = {"left": {"left/kernel:0": counting(1, 1, 3, 2)}, "right": {"right/kernel:0": counting(1, 1, 3, 4)}}
    got = load.weights(write(by_name({**weights, "fc": {"fc/kernel:0": counting(36, 2)}}, config)))
    assert_array_equal(got["fc.weight"], counting(36, 2).T.reshape(2, 6, 6).transpose(0, 2, 1).reshape(2, 36))


# Which layer becomes which node


def two_branches(**names) -> nn.Network:
    graph = nn.Graph()
    x = graph.input("x")
    left = x.then(names.get("left", "a"), nn.Conv2d(3, 2, 1, bias=False))
    right = x.then(names.get("right", "b"), nn.Conv2d(3, 2, 1, bias=False))
    return graph.network(graph.join("both", nn.Concat(), left, right))


PAIR = {"left": {"left/kernel:0": counting(1, 1, 3, 2)}, "right": {"right/kernel:0": counting(1, 1, 3, 2, start=5)}}


def test_names_decide_before_order(write):
    net, notices = noticed(load.load_weights, two_branches(left="right", right="left"), write(by_name(PAIR)))
    assert notices == []
    assert_array_equal(net["left"].weight, PAIR["left"]["left/kernel:0"].transpose(3, 2, 0, 1))
    net, notices = noticed(load.load_weights, two_branches(), write(by_name(PAIR)))
    assert_array_equal(net["a"].weight, PAIR["left"]["left/kernel:0"].transpose(3, 2, 0, 1))
    assert "2 layers were taken in the file's order (left as a, right as b), and the network has branches" in notices[0]


def test_another_number_of_layers_is_not_matched_by_order(write):
    net = nn.Sequential(nn.Conv2d(3, 2, 1, bias=False))
    with pytest.raises(WeightsError, match=r"1 are missing and 2 are left over.*\n  missing: conv1.weight.*\n  left over: left.weight"):
        load.load_weights(net, write(by_name(PAIR)))
    got, notices = noticed(load.load_weights, nn.Sequential(("left", net["conv1"])), write(by_name(PAIR)), strict=False)
    assert_array_equal(got["left"].weight, PAIR["left"]["left/kernel:0"].transpose(3, 2, 0, 1))
    assert notices[0].startswith("load.load_weights: model.h5 fits 1 of the network's 1 arrays: 0 missing, 1 left over, 0 of another shape")


def test_names_that_contradict_the_order_win(write):
    """left, right in the file; right, other in the network: the second is not the first."""
    with pytest.raises(WeightsError, match=r"missing: other.weight .*\n  left over: left.weight"):
        load.load_weights(two_branches(left="right", right="other"), write(by_name(PAIR)))
    net = quietly(load.load_weights, two_branches(left="left", right="other"), write(by_name(PAIR)))
    assert_array_equal(net["other"].weight, PAIR["right"]["right/kernel:0"].transpose(3, 2, 0, 1))


def test_attributes_of_a_class_have_no_order(write):
    """A subclassed model's groups are its attributes, in the order of the alphabet."""
    net = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    with pytest.raises(WeightsError, match="2 are missing and 2 are left over"):
        load.load_weights(net, write(by_number({"out": [counting(2, 2)], "hidden": [counting(2, 2)]})))


def test_a_layer_named_twice(write):
    def fill(file):
        file.attrs["layer_names"] = np.array([b"a", b"a"])
        group = file.create_group("a")
        group.attrs["weight_names"] = np.array([b"a/kernel:0"])
        group.create_dataset("a/kernel:0", data=counting(2, 3))

    with pytest.raises(FileFormatError, match=r"names the layer 'a' twice"):
        load.weights(write(hdf5(fill)))


def test_the_network_does_not_always_tell_what_a_linear_is_given(write):
    kernel = counting(12, 2)
    path = write(by_number({"layers/conv2d": [counting(1, 1, 3, 2)], "layers/dense": [kernel]}))
    for between in ([nn.Permute((0, 2, 3, 1)), nn.Flatten()], [nn.Reshape((0, 12))], [nn.Unfold(1), nn.Flatten()]):
        net = nn.Sequential(nn.Conv2d(3, 2, 1, bias=False), *between, nn.Linear(12, 2, bias=False))
        got, notices = noticed(load.load_weights, net, path)
        assert_array_equal(got["linear1"].weight, kernel.T)
        assert "the network does not tell how many channels are folded before linear1" in notices[0]


def test_a_file_without_an_order_wants_names(write):
    """A nested model's layers and the outer ones lie side by side in a .weights.h5: which came first is not told."""
    paths = {"layers/conv2d": [counting(1, 1, 3, 2)], "layers/functional/layers/conv2d": [counting(1, 1, 3, 2, start=5)]}
    net = nn.Sequential(nn.Conv2d(3, 2, 1, bias=False), nn.Conv2d(2, 2, 1, bias=False))
    with pytest.raises(WeightsError, match="2 are missing and 2 are left over"):
        load.load_weights(net, write(by_number(paths)))
    names = {"layers/conv2d": "outer", "layers/functional/layers/conv2d": "inner"}
    got = quietly(load.load_weights, two_branches(left="inner", right="outer"), write(by_number(paths, names)))
    assert_array_equal(got["outer"].weight, counting(1, 1, 3, 2).transpose(3, 2, 0, 1))


def test_numbers_of_paths_count_like_numbers(write):
    paths = {f"layers/dense_{n}" if n else "layers/dense": [counting(2, 2, start=n)] for n in range(12)}
    net = nn.Sequential(*[nn.Linear(2, 2, bias=False) for _ in range(12)])
    got = load.load_weights(net, write(by_number(paths)))
    for n in range(12):
        assert_array_equal(got[f"linear{n + 1}"].weight, counting(2, 2, start=n).T)


def test_kinds_are_not_mixed(write):
    """As many numbers, of the same shape, and another operation."""
    config = sequential(layer("Conv2DTranspose", "up", filters=3))
    path = write(zipped(config, by_number({"layers/conv2d_transpose": [counting(3, 3, 3, 3)]})))
    with pytest.raises(WeightsError, match=r"missing: conv1.weight \(3, 3, 3, 3\)\n  left over: up.weight \(3, 3, 3, 3\)"):
        load.load_weights(nn.Sequential(nn.Conv2d(3, 3, 3, bias=False)), path)
    got = load.load_weights(nn.Sequential(nn.ConvTranspose2d(3, 3, 3, bias=False)), path)
    assert_array_equal(got["convT1"].weight, counting(3, 3, 3, 3).transpose(3, 2, 0, 1))


def test_a_name_does_not_make_a_transposed_convolution_a_plain_one(write):
    path = write(by_number({"layers/conv2d_transpose": [counting(3, 3, 3, 3)], "mine": [counting(1, 1, 3, 2)]}))
    net = nn.Sequential(("conv2d_transpose", nn.Conv2d(3, 3, 3, bias=False)), ("mine", nn.Conv2d(3, 2, 1, bias=False)))
    got, notices = noticed(load.load_weights, net, path, strict=False)
    assert_array_equal(got["mine"].weight, counting(1, 1, 3, 2).transpose(3, 2, 0, 1))
    assert_array_equal(got["conv2d_transpose"].weight, net["conv2d_transpose"].weight)
    assert "left over      conv2d_transpose (transposed).weight  (3, 3, 3, 3)" in notices[-1]


def test_three_numbered_arrays_of_a_norm_are_not_guessed(write):
    path = write(by_number({"layers/batch_normalization": [counting(4, start=n) for n in range(3)]}))
    got, notices = noticed(load.weights, path)
    assert list(got) == ["batch_normalization.0", "batch_normalization.1", "batch_normalization.2"]
    assert "not of a layer that is converted, or of one that a .weights.h5 does not tell enough about (a .keras does)" in notices[0]
    with pytest.raises(
        WeightsError, match=r"left over: batch_normalization.0 \(4,\)(.|\n)*about the file: the arrays of batch_normalization"
    ):
        load.load_weights(nn.Sequential(nn.BatchNorm2d(4)), path)
    config = sequential(layer("BatchNormalization", "n", scale=False, epsilon=1e-3))
    data = zipped(config, by_number({"layers/batch_normalization": [counting(4, start=n) for n in range(3)]}))
    assert_array_equal(load.weights(write(data))["n.bias"], counting(4, start=0))


def test_other_layers_keep_their_arrays(write):
    got, notices = noticed(
        load.weights, write(by_name({"lstm": {"lstm/kernel:0": counting(3, 8), "lstm/recurrent_kernel:0": counting(2, 8)}}))
    )
    assert_array_equal(got["lstm.recurrent_kernel"], counting(2, 8))
    assert len(notices) == 1


def test_long_lists_of_names_are_cut(write):
    def fill(file):
        file.attrs["layer_names0"], file.attrs["layer_names1"] = np.array([b"a"]), np.array([b"b"])
        for name in ("a", "b"):
            group = file.create_group(name)
            group.attrs["weight_names0"] = np.array([f"{name}/kernel:0".encode()])
            group.create_dataset(f"{name}/kernel:0", data=counting(2, 3))

    assert list(quietly(load.weights, write(hdf5(fill)))) == ["a.weight", "b.weight"]


def test_files_of_the_newer_hdf5_layout_and_packed_ones(write):
    assert_array_equal(quietly(load.weights, write(by_name(NAMED, libver="latest")))["c.bias"], NUMBERS["c"][1])

    def fill(file):
        file.create_dataset("layers/dense/vars/0", data=counting(20, 3), chunks=(3, 2), compression="gzip", shuffle=True, fletcher32=True)

    assert_array_equal(quietly(load.weights, write(hdf5(fill)))["dense.weight"], counting(20, 3).T)


@pytest.mark.parametrize("form", ["w.safetensors", "w.npz"])
def test_what_was_loaded_can_be_saved_and_loaded(write, tmp_path, form):
    net = load.load_weights(chain(), write(FILES[".keras"]))
    saved = load.save_weights(net, tmp_path / form)
    again = load.load_weights(chain(), saved)
    assert_array_equal(again(first(IMAGE)), net(first(IMAGE)))
    arrays = load.weights(write(FILES[".keras"]))
    found = load.weights(load.save_weights(arrays, tmp_path / f"other-{form}"))
    assert {name: array.tobytes() for name, array in found.items()} == {name: array.tobytes() for name, array in arrays.items()}


def test_arrays_are_copies_of_their_own(write):
    for data in FILES.values():
        for array in load.weights(write(data)).values():
            assert array.flags.c_contiguous
            assert array.flags.writeable
            assert array.dtype.isnative


def test_a_key_is_for_checkpoints(write):
    with pytest.raises(ArgumentError, match=r"model.h5 has no entries to choose from, only arrays; key='ema'"):
        load.weights(write(FILES["whole .h5"]), key="ema")


def test_h5py_is_asked_for_when_it_is_missing(write, monkeypatch):
    monkeypatch.setattr("minicnn.load.hdf5.Reader", READER)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for data in FILES.values():
        with pytest.raises(FileFormatError, match=r'model.h5 holds HDF5, .* not installed: pip install "minicnn-engine\[keras\]"'):
            load.weights(write(data))


def test_a_path_of_no_file(tmp_path):
    with pytest.raises(FileFormatError, match=r"load.load_weights: no file 'w.h5'"):
        load.load_weights(chain(), tmp_path / "w.h5")
    with pytest.raises(ArgumentError, match="weights is a path or a mapping from names to arrays, but it is a BytesIO"):
        load.load_weights(chain(), io.BytesIO())
