"""Whole networks on the device against the host's, what is copied and when, and what to_device refuses.

Bound of a network.  With u half of float32's eps, one layer of T products per number is off by at most (T + 2)·eps·(the layer with |w| on
|x|), and what came in with an error e passes on at most (the layer with |w| on e).  Carried from node to node that is `bounds`: the same
network of absolute values beside the errors, for layers that bring no two numbers further apart than 1.1 times (SiLU).  Host and device
each are off by that.
"""

import subprocess
import sys
import threading

import numpy as np
import pytest
from device_marks import needs_device

from minicnn import fuse, models, nn
from minicnn.conv.cuda import device
from minicnn.errors import ArgumentError, DTypeError, ShapeError, UnsupportedError, WeightsError
from minicnn.network.device_plan import Slots
from minicnn.network.node import results_of
from minicnn.network.on_device import refusals, to_device

pytestmark = needs_device

EPS = np.finfo(np.float32).eps
WEIGHTED = (nn.Conv2d, nn.ConvAdd, nn.ConvTranspose2d, nn.Linear)


def numbers(shape, seed=0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def absolute(layer):
    """Return the layer with absolute weights and no activation at its store."""
    changes = {name: None if (array := getattr(layer, name)) is None else np.abs(array) for name in layer.arrays}
    if "activation" in layer.fields():
        changes["activation"] = None
    return layer.with_(**changes)


def bounds(net, *inputs) -> list[np.ndarray]:
    """Return, for each output, how far host and device may be apart: see above; in float64."""
    maps = {name: x.astype(np.float64) for name, x in zip(net.inputs, inputs, strict=True)}
    off = {name: np.zeros(x.shape) for name, x in maps.items()}
    for node in net.nodes:
        xs, errors, layer = [maps[name] for name in node.inputs], [off[name] for name in node.inputs], node.layer
        maps[node.name] = results_of(node, xs, "exact")[node.name]
        if isinstance(layer, WEIGHTED):
            big, terms = (
                absolute(layer),
                layer.weight.size // (layer.weight.shape[1] if isinstance(layer, nn.ConvTranspose2d) else len(layer.weight)),
            )
            size = big(*map(np.abs, xs), accuracy="exact")
            passed = (big.with_(bias=None) if layer.bias is not None else big)(*errors, accuracy="exact")
        elif isinstance(layer, nn.BatchNorm2d):
            slope = (layer.weight / np.sqrt(layer.running_var + layer.eps)).reshape(-1, 1, 1).astype(np.float64)
            level = np.abs(layer.running_mean.reshape(-1, 1, 1) * slope) + np.abs(layer.bias.reshape(-1, 1, 1))
            size, passed, terms = np.abs(xs[0] * slope) + level, errors[0] * np.abs(slope), 1
        elif isinstance(layer, nn.Softmax):  # y moves by at most 2·max|error| of itself
            size, passed, terms = maps[node.name], 2.2 * maps[node.name] * errors[0].max(), xs[0].shape[layer.dim] + 8
        elif isinstance(layer, nn.MaxPool2d):
            size, passed, terms = np.zeros(maps[node.name].shape), layer(errors[0]), 0
        elif isinstance(
            layer,
            (nn.Add, nn.Concat, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.Upsample, nn.Flatten, nn.ChannelsLast, nn.Identity, nn.Dropout),
        ):
            plain = nn.Add() if isinstance(layer, nn.Add) else layer
            size, passed, terms = plain(*map(np.abs, xs)), plain(*errors), 64
        else:
            size, passed, terms = np.abs(maps[node.name]), 1.1 * errors[0], 8
        off[node.name] = 1.01 * (passed + (terms + 2) * EPS * size)
    return [2 * off[name] for name in net.outputs]


def assert_same(net, *inputs) -> None:
    """Assert that the network gives on the device what it gives on the host."""
    ours, theirs = to_device(net)(*inputs), net(*inputs, accuracy="exact")
    ours, theirs = (y if isinstance(y, tuple) else (y,) for y in (ours, theirs))
    assert len(ours) == len(theirs)
    for y, wanted, bound in zip(ours, theirs, bounds(net, *inputs), strict=True):
        assert y.shape == wanted.shape
        assert y.dtype == np.float32
        assert (np.abs(y - wanted) <= bound).all(), np.abs(y - wanted).max()
        assert bound.max() < 1e-2  # or it would bound nothing


def rng():
    return np.random.default_rng(7)


def normalized(channels: int) -> nn.BatchNorm2d:
    one, two, three, four = (numbers((channels,), seed) for seed in range(4))
    return nn.BatchNorm2d.of(one, 0.5 + np.abs(two), three, four, eps=1e-3)


def small() -> nn.Network:
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1, rng=rng()),
        normalized(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(4 * 2 * 3, 5, rng=rng()),
    )


SMALL_INPUT = (2, 2, 4, 6)


def branching() -> nn.Network:
    """Every layer that has a row in FILLS, with two inputs and three outputs."""
    graph = nn.Graph()
    x, other = graph.input("x"), graph.input("other")
    stem = (
        x.then("conv", nn.Conv2d(3, 4, (3, 2), stride=(1, 2), padding="same", rng=rng())).then("bn", normalized(4)).then("silu", nn.SiLU())
    )
    left = stem.then("left", nn.Conv2d(4, 4, 1, groups=2, bias=False, rng=rng())).then("relu6", nn.ReLU6())
    left = left.then("leaky", nn.LeakyReLU(0.2)).then("hardswish", nn.Hardswish())
    joined = graph.join("add", nn.Add(), left, stem, other).then("relu", nn.ReLU())
    pooled = joined.then("max", nn.MaxPool2d(2, 2, ceil_mode=True))
    means = joined.then("mean", nn.AvgPool2d((3, 2), 2, (1, 0), ceil_mode=True))
    deep = graph.join("cat", nn.Concat(), pooled, means).then("drop", nn.Dropout())
    up = deep.then("up", nn.ConvTranspose2d(8, 2, 2, 2, rng=rng())).then("sigmoid", nn.Sigmoid())
    large = up.then("large", nn.Upsample(scale_factor=2)).then("larger", nn.Upsample((7, 9), mode="bilinear"))
    head = deep.then("global", nn.AdaptiveAvgPool2d(1)).then("flatten", nn.Flatten())
    head = head.then("fc", nn.Linear(8, 3, rng=rng())).then("softmax", nn.Softmax(1))
    return graph.network(head, large, joined.then("name", nn.Identity()))


BRANCHING_INPUTS = (numbers((2, 3, 5, 6)), numbers((2, 4, 5, 3), 1))


# ── the same numbers ──


def test_a_small_network():
    assert_same(small(), numbers(SMALL_INPUT))


def test_a_network_of_every_layer_with_several_inputs_and_outputs():
    assert_same(branching(), *BRANCHING_INPUTS)


def test_that_network_has_every_row():
    from minicnn.network.device_layers import FILLS, VIEWS

    there = {type(node.layer) for node in branching().nodes} | {nn.ConvAdd, nn.ChannelsLast}
    assert there == {*FILLS, *VIEWS}


@pytest.mark.parametrize("channels_last", [False, True])
def test_fused_networks(channels_last):
    graph = nn.Graph()
    x = graph.input("x")
    stem = x.then("conv", nn.Conv2d(3, 4, 3, padding=1, rng=rng())).then("bn", normalized(4)).then("relu", nn.ReLU())
    inner = stem.then("conv2", nn.Conv2d(4, 4, 1, bias=False, rng=rng())).then("bn2", normalized(4))
    last = graph.join("add", nn.Add(), inner, stem).then("relu2", nn.ReLU())
    net = fuse(graph.network(last.then("conv3", nn.Conv2d(4, 2, 1, rng=rng())).then("silu", nn.SiLU())), channels_last=channels_last)
    assert (nn.ConvAdd in {type(node.layer) for node in net.nodes}) == channels_last
    assert_same(net, numbers((2, 3, 3, 5)))


def test_the_head_of_lenet_with_its_own_weights():
    net = models.build("lenet5", weights="pretrained")
    head = nn.Sequential(*[(node.name, node.layer) for node in net.nodes[8:]])
    assert_same(head, numbers((2, 120, 1, 1)))


def test_a_sum_of_three_is_bent_once():
    net = nn.Network([("flip", nn.LeakyReLU(-1.0), ["x"]), ("sum", nn.Add(activation="relu"), ["x", "x", "flip"])])
    x = np.array([[-3.0, 1.0, -0.5]], np.float32)
    np.testing.assert_array_equal(to_device(net)(x), [[0.0, 3.0, 0.0]])
    net = nn.Network([("one", nn.Add(activation="relu"), ["x"]), ("many", nn.Add(), ["x", "x", "x"])], outputs=["one", "many"])
    for y, wanted in zip(to_device(net)(x), net(x), strict=True):
        np.testing.assert_array_equal(y, wanted)


def test_one_image_comes_out_without_its_batch_axis():
    x = numbers(SMALL_INPUT)
    there = to_device(small())
    assert there(x[0]).shape == (5,)
    np.testing.assert_array_equal(there(x[0]), there(x[:1])[0])
    assert there(device.uploaded(x[0])).shape == (5,)


def test_an_empty_batch_comes_out_empty():
    there, x = to_device(small()), np.empty((0, 2, 4, 6), np.float32)
    assert there(x).shape == there(device.empty(x.shape)).shape == (0, 5)
    assert there(x).dtype == np.float32


def test_a_channels_last_map_of_the_host_is_the_same_map():
    x = numbers(SMALL_INPUT)
    there = to_device(small())
    np.testing.assert_array_equal(there(nn.ChannelsLast()(x)), there(x))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # the simulator's threads are NumPy's scalars
def test_what_is_not_finite_stays_in_its_own_image():
    x = numbers(SMALL_INPUT)
    x[0, 0, 0, 0] = np.nan
    y = to_device(small())(x)
    assert np.isnan(y[0]).all()
    assert np.isfinite(y[1]).all()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("algorithm", ["auto", "cuda_tiled"])  # which multiplies the padding where it may
def test_weights_that_are_not_finite_do_not_meet_the_padding(algorithm):
    weight = np.ones((1, 1, 3, 3), np.float32)
    weight[0, 0, 0, 0] = np.inf
    x = np.ones((1, 1, 3, 3), np.float32)
    there = to_device(nn.Conv2d.of(weight, padding=1, algorithm=algorithm))
    np.testing.assert_array_equal(there(x), nn.Conv2d.of(weight, padding=1)(x, accuracy="exact"))


@pytest.mark.parametrize(
    ("algorithm", "rung"), [("auto", "cuda_register_tiled"), ("im2col", "cuda_register_tiled"), ("cuda_naive", "cuda_naive")]
)
def test_a_convolution_takes_the_rung_that_it_names_or_the_one_that_suits_it(algorithm, rung):
    from minicnn.network.device_layers import rung_for

    assert rung_for((1, 16, 9, 9), nn.Conv2d(16, 32, 3, algorithm=algorithm)) == rung


def test_inputs_and_earlier_outputs_stay_as_they_were():
    there, x = to_device(small()), device.uploaded(numbers(SMALL_INPUT))
    first = there(x)
    before = device.downloaded(first)
    there(device.uploaded(numbers(SMALL_INPUT, 1)))
    np.testing.assert_array_equal(device.downloaded(first), before)
    np.testing.assert_array_equal(device.downloaded(x), numbers(SMALL_INPUT))


@pytest.mark.parametrize("layer", [nn.Identity(), nn.Flatten(), nn.Dropout()])
def test_an_output_is_never_the_input(layer):
    x = device.uploaded(numbers((2, 3, 4, 5)))
    y = to_device(layer)(x)
    y[:] = 0
    np.testing.assert_array_equal(device.downloaded(x), numbers((2, 3, 4, 5)))


def test_an_input_and_a_map_twice_may_be_outputs():
    net = nn.Network([("flat", nn.Flatten(), ["x"]), ("relu", nn.ReLU(), ["x"])], outputs=["x", "flat", "relu", "relu"])
    x = numbers((2, 3, 1, 2))
    for y, wanted in zip(to_device(net)(x), net(x), strict=True):
        np.testing.assert_array_equal(y, wanted)


def test_threads_share_a_network():
    there, xs = to_device(small()), [numbers(SMALL_INPUT, seed) for seed in range(2)]
    alone, found = [there(x) for x in xs], {}
    threads = [threading.Thread(target=lambda k=k: found.update({k: there(xs[k])})) for k in range(2)]
    if not device.simulated():  # whose kernels are no two threads' at once
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for k in range(2):
            np.testing.assert_array_equal(found[k], alone[k])


# ── copies ──


@pytest.fixture
def copies(monkeypatch):
    """Count what goes up and what comes down."""
    counted = {"up": 0, "down": 0}
    up, down = device.uploaded, device.downloaded
    monkeypatch.setattr(device, "uploaded", lambda x: (counted.update(up=counted["up"] + 1), up(x))[1])
    monkeypatch.setattr(device, "downloaded", lambda x: (counted.update(down=counted["down"] + 1), down(x))[1])
    return counted


def taken_since(copies, before) -> tuple[int, int]:
    return copies["up"] - before["up"], copies["down"] - before["down"]


def test_one_copy_at_each_end_of_a_network_and_none_within(copies):
    there, x = to_device(small()), numbers(SMALL_INPUT)
    on_device = device.uploaded(x)
    before = dict(copies)
    there(x)
    assert taken_since(copies, before) == (1, 1)
    before = dict(copies)
    y = there(there_again := on_device)
    assert taken_since(copies, before) == (0, 0)
    assert device.is_on_device(y)
    assert type(y) is type(there_again)


def test_as_many_copies_as_inputs_and_outputs(copies):
    there = to_device(branching())
    before = dict(copies)
    there(*BRANCHING_INPUTS)
    assert taken_since(copies, before) == (2, 3)


def test_weights_are_copied_once(copies):
    there = to_device(small())
    made = copies["up"]
    assert made == 6  # weight and bias twice, scale and shift
    for seed in range(3):
        there(device.empty(SMALL_INPUT) if seed == 2 else numbers(SMALL_INPUT, seed))
    assert copies["up"] == made + 2  # the two inputs that were on the host


def test_a_layer_that_stands_twice_is_copied_once(copies):
    conv = nn.Conv2d(2, 2, 1, rng=rng())
    assert_same(nn.Sequential(("one", conv), ("two", conv)), numbers((1, 2, 3, 4)))
    before = dict(copies)
    to_device(nn.Sequential(("one", conv), ("two", conv)))
    assert taken_since(copies, before) == (2, 0)


# ── memory ──


def test_maps_share_places_once_nobody_reads_them(monkeypatch):
    asked = []
    real = device.empty
    monkeypatch.setattr(device, "empty", lambda shape, *rest: (asked.append(int(np.prod(shape))), real(shape, *rest))[1])
    layers = [nn.ReLU() for _ in range(10)]
    there, x = to_device(nn.Sequential(*layers)), numbers((2, 3, 4, 5))
    asked.clear()
    there(x)
    assert asked == [120, 120, 120]  # two places in turn, and the output
    asked.clear()
    there(x)
    assert asked == [120]


def test_a_map_lives_until_its_last_reader():
    net = nn.Network(
        [
            ("a", nn.ReLU(), ["x"]),
            ("b", nn.LeakyReLU(0.5), ["a"]),
            ("c", nn.LeakyReLU(0.5), ["b"]),
            ("d", nn.Add(), ["a", "c"]),
            ("e", nn.Add(), ["d", "d"]),
        ]
    )
    x = numbers((1, 2, 3, 4))
    np.testing.assert_array_equal(to_device(net)(x), net(x))


def test_a_view_keeps_its_map_alive():
    net = nn.Network(
        [
            ("a", nn.ReLU(), ["x"]),
            ("flat", nn.Flatten(), ["a"]),
            ("b", nn.Sigmoid(), ["x"]),
            ("c", nn.Sigmoid(), ["b"]),
            ("again", nn.ReLU(), ["flat"]),
        ],
        outputs=["again", "c"],
    )
    x = numbers((1, 2, 3, 4))
    np.testing.assert_array_equal(to_device(net)(x)[0], net(x)[0])


def test_places_are_taken_by_size():
    slots = Slots()
    assert [slots.take((10,)), slots.take((4,))] == [0, 1]
    slots.give(0)
    slots.give(1)
    assert slots.take((3,)) == 1  # the smallest that fits
    assert slots.take((20,)) == 0  # none fits: the largest, made larger
    assert slots.shapes == [(20,), (4,)]


def test_no_room_says_how_many_images_would_fit(monkeypatch):
    there, x = to_device(small()), device.uploaded(numbers(SMALL_INPUT))

    class Full(device._room):
        def __init__(self, nbytes, shape):
            if len(shape) == 4:
                raise UnsupportedError(f"cuda: no room for {tuple(shape)}")
            super().__init__(nbytes, shape)

    with monkeypatch.context() as patch:
        patch.setattr(device, "_room", Full)
        with pytest.raises(UnsupportedError, match=r"cuda: no room for \(2, 4, 4, 6\)"):
            there(x)
    assert there(numbers(SMALL_INPUT)).shape == (2, 5)  # the device stays usable


# ── what is refused ──


@pytest.mark.parametrize(
    ("word", "remedy"),
    [("cuda:1", r"select_device\(1\)"), ("cpu", r"net\(x\)"), ("gpu", "to_device"), (0, "to_device"), ("CUDA", "to_device")],
)
def test_other_devices_are_refused(word, remedy):
    with pytest.raises(ArgumentError, match=rf"to_device: the device is 'cuda'.*but it is {word!r}; .*{remedy}"):
        to_device(small(), word)


def test_a_layer_without_a_kernel_is_refused_at_once_with_its_name(copies):
    net = nn.Sequential(nn.Conv2d(2, 2, 1, rng=rng()), ("bend", nn.GELU()))
    with pytest.raises(
        UnsupportedError,
        match=r"to_device: node 'bend', GELU\(\): there is no kernel for GELU; run .* on the host, .* build it of AdaptiveAvgPool2d",
    ):
        to_device(net)
    assert copies == {"up": 0, "down": 0}


@pytest.mark.parametrize(
    ("layer", "why"),
    [
        (
            nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect", rng=np.random.default_rng(0)),
            "pad with zeros, but its padding_mode is 'reflect'",
        ),
        (nn.MaxPool2d(2, return_indices=True), "where a maximum stood"),
    ],
)
def test_settings_without_a_kernel_are_refused(layer, why):
    with pytest.raises(UnsupportedError, match=why):
        to_device(layer)


def test_float64_is_refused_with_what_to_do():
    net = nn.Sequential(nn.Conv2d(2, 2, 1, rng=rng(), dtype=np.float64))
    with pytest.raises(DTypeError, match=r"to_device: kernels hold float32, but conv1.weight is float64; .*net.with_parameters"):
        to_device(net)
    to_device(net.with_parameters({name: array.astype("float32") for name, array in {**net.parameters(), **net.buffers()}.items()}))
    with pytest.raises(DTypeError, match=r"network: on a device x must be float32, but it is float64"):
        to_device(small())(numbers(SMALL_INPUT).astype(np.float64))


def test_no_numbers_is_refused():
    with pytest.raises(WeightsError, match=r"node 'c1': .*is shape-only"):
        to_device(models.build("lenet5"))


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((2, 3, 4, 6), r"node 'conv1': Conv2d: weight expects 2 input channels but x has 3 \(x.shape=\(2, 3, 4, 6\)\)"),
        ((3, 4, 6), r"node 'conv1': Conv2d: weight expects 2 input channels but x has 3 \(x.shape="),
        ((2, 2, 4, 5), r"node 'linear1': Linear: the last axis of x must hold in_features = 24 numbers, but x.shape=\(2, 16\)"),
        ((4, 6), r"node 'conv1': Conv2d: x must be \(N, C, H, W\) or \(C, H, W\), but x.shape=\(4, 6\) has 2 axes"),
        ((2, 2, 0, 6), r"network: only the batch may be empty, but x.shape=\(2, 2, 0, 6\)"),
    ],
)
def test_wrong_inputs_get_the_messages_of_the_network(shape, message):
    there = to_device(small())
    for x in (numbers(shape), device.uploaded(numbers(shape))):
        with pytest.raises(ShapeError, match=message):
            there(x)
    assert there(numbers(SMALL_INPUT)).shape == (2, 5)


def test_wrong_numbers_of_inputs_and_kinds_get_the_messages_of_the_network():
    there = to_device(small())
    with pytest.raises(ArgumentError, match=r"network: it takes 1 input \(x\), but received 2"):
        there(*[device.uploaded(numbers(SMALL_INPUT))] * 2)
    with pytest.raises(ArgumentError, match=r"network: it takes 2 inputs"):
        to_device(branching())(numbers((2, 3, 5, 6)))
    with pytest.raises(DTypeError, match="must be a NumPy array"):
        there([[1.0]])
    assert there(numbers(SMALL_INPUT)).shape == (2, 5)


def test_inputs_of_both_kinds_are_refused():
    x, other = BRANCHING_INPUTS
    with pytest.raises(
        ArgumentError, match=r"either all inputs are on the device or none is, but they are ndarray on the host, .* on the device"
    ):
        to_device(branching())(x, device.uploaded(other))


def test_no_network_is_refused():
    with pytest.raises(ArgumentError, match="to_device: the first argument is a network or a layer"):
        to_device([nn.ReLU()])


def test_it_is_a_value_and_says_what_it_is():
    there = to_device(small())
    assert repr(there) == "DeviceNetwork(x → linear1, on cuda): 6 nodes, 209 parameters"
    with pytest.raises(AttributeError):
        there.net = None


def test_without_a_device_it_says_what_is_missing(monkeypatch):
    monkeypatch.setattr(device, "why_none", lambda: f"numba-cuda is not installed: {device.INSTALL}")
    with pytest.raises(UnsupportedError, match=r"to_device: a GPU is asked for, but numba-cuda is not installed: pip install"):
        to_device(small())


def test_kernels_load_only_when_a_network_goes_there():
    program = "import sys, minicnn, minicnn.network.on_device; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


# ── the zoo ──


@pytest.mark.parametrize("name", models.MODELS)
def test_every_model_has_a_function_for_every_node(name):
    net = models.build(name)
    assert refusals(net) == {}
    assert refusals(fuse(net)) == {}
