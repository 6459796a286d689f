"""memory: by hand, against what tracemalloc sees NumPy allocate, and its words."""

import json
import tracemalloc
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from minicnn import backward, describe, fuse, models, nn, trace, train
from minicnn.errors import ArgumentError, UnknownNameError
from minicnn.layers import Conv2d
from minicnn.probe import memory

TENTH = 1.1


def small_resnet(rng):
    """Return a stem and three residual blocks, two of which halve the map."""

    def block(x, channels, filters, stride, name):
        y = x.then(f"{name}.conv1", nn.Conv2d(channels, filters, 3, stride, 1, bias=False, rng=rng)).then(
            f"{name}.bn1", nn.BatchNorm2d(filters)
        )
        y = y.then(f"{name}.relu1", nn.ReLU()).then(f"{name}.conv2", nn.Conv2d(filters, filters, 3, 1, 1, bias=False, rng=rng))
        y, skip = y.then(f"{name}.bn2", nn.BatchNorm2d(filters)), x
        if stride > 1:
            skip = x.then(f"{name}.short", nn.Conv2d(channels, filters, 1, stride, bias=False, rng=rng)).then(
                f"{name}.bn3", nn.BatchNorm2d(filters)
            )
        return graph.join(f"{name}.add", nn.Add(), y, skip).then(f"{name}.relu2", nn.ReLU())

    graph = nn.Graph()
    y = graph.input("x").then("stem", nn.Conv2d(3, 32, 7, 2, 3, rng=rng)).then("relu", nn.ReLU()).then("pool", nn.MaxPool2d(3, 2, 1))
    y = block(block(block(y, 32, 32, 1, "one"), 32, 64, 2, "two"), 64, 128, 2, "three")
    return graph.network(y.then("mean", nn.AdaptiveAvgPool2d(1)).then("flat", nn.Flatten()).then("linear", nn.Linear(128, 10, rng=rng)))


# The name: how to build it, and a batch of which maps are a few MB, so that Python's own objects do not count.
NETWORKS = {
    "lenet5": (lambda rng: models.lenet5(rng=rng, padding=2), (64, 1, 28, 28)),
    "efficientnet_lite0": (lambda rng: models.efficientnet_lite0(rng=rng), (2, 3, 96, 88)),
    "resnet": (small_resnet, (8, 3, 64, 88)),
}


@pytest.fixture(scope="module", params=NETWORKS)
def case(request):
    """A network whose kernels are compiled, and a batch."""
    build, shape = NETWORKS[request.param]
    net, x = build(np.random.default_rng(0)), np.random.default_rng(1).random(shape, dtype=np.float32)
    net(x)
    step(net, x)
    return net, x


def step(net, x):
    t = trace(net, x, training=True, keep="gradient", accuracy="fast", rng=np.random.default_rng(0))
    return backward(net, t, np.ones_like(t.outputs[0]))


def allocated(run) -> int:
    """Return the most bytes that were alive at a time while something ran, beyond what was there before."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        kept = run()
        assert kept is not None
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def anew(net):
    """Return a network around copies of all arrays, of which nothing is prepared yet."""
    return net.with_parameters({**net.parameters(), **net.buffers()})


# Against tracemalloc.


def test_a_forward_pass_within_a_tenth(case):
    """The first call and the second one of a shape; the batch is its giver's, and counts."""
    net, x = case
    found = memory(net, x.shape)
    mine = nn.Network(net.nodes, net.inputs, net.outputs)
    for _ in range(2):
        measured = allocated(lambda: mine(x)) + x.nbytes
        assert measured / TENTH <= found.peak_bytes <= TENTH * measured


def test_a_training_step_within_a_tenth(case):
    net, x = case
    measured = allocated(lambda: step(net, x)) + x.nbytes
    assert measured / TENTH <= memory(net, x.shape, training=True).peak_bytes <= TENTH * measured


@pytest.mark.parametrize("training", [False, True])
def test_all_of_it_within_a_tenth(case, training):
    """Parameters, statistics and prepared weights with it: the network is made while we measure, and all is prepared from the second pass on."""
    net, x = case

    def run():
        made = anew(net)
        for _ in range(2):
            left = None  # let go of the first pass's results
            left = step(made, x) if training else made(x)
        return made, left

    measured = allocated(run) + x.nbytes
    assert measured / TENTH <= memory(net, x.shape, training).total_bytes <= TENTH * measured


@pytest.mark.parametrize(
    ("optimizer", "named"), [(train.SGD(1e-3), "SGD"), (train.SGD(1e-3, momentum=0.9), "momentum"), (train.Adam(1e-4), "Adam")]
)
def test_fit_within_a_tenth(optimizer, named):
    build, shape = NETWORKS["resnet"]
    net, rng = build(np.random.default_rng(0)), np.random.default_rng(1)
    data = rng.random((2 * shape[0], *shape[1:]), dtype=np.float32), rng.integers(0, 10, 2 * shape[0])
    options = {"optimizer": optimizer, "batch_size": shape[0], "progress": False}
    train.fit(net, data, epochs=1, **options)  # kernels are compiled, modules imported
    own = sum(array.nbytes for array in {**net.parameters(), **net.buffers()}.values())
    measured = allocated(lambda: train.fit(net, data, epochs=2, **options)) + own
    found = memory(net, shape, training=True, optimizer=named)
    assert measured / TENTH <= found.total_bytes <= TENTH * measured
    assert found.optimizer == named


def test_a_fused_network_within_a_tenth_at_first_and_a_quarter_later():
    build, shape = NETWORKS["efficientnet_lite0"]
    net = fuse(build(np.random.default_rng(0)))
    x = np.random.default_rng(1).random(shape, dtype=np.float32)
    net(x)
    mine, found = nn.Network(net.nodes, net.inputs, net.outputs), memory(net, shape).peak_bytes
    first, later = (allocated(lambda: mine(x)) + x.nbytes for _ in range(2))
    assert first / TENTH <= found <= TENTH * first
    assert found <= TENTH * later
    assert later <= 1.25 * found


# By hand.


@pytest.fixture
def net():
    """Layers whose algorithm keeps nothing beside its maps: bytes by hand."""
    plain = {"algorithm": "reference", "rng": np.random.default_rng(0)}
    return nn.Sequential(nn.Conv2d(2, 3, (3, 2), **plain), nn.ReLU(), nn.Conv2d(3, 4, 1, **plain), nn.Flatten(), nn.Linear(4 * 5 * 5, 6))


def test_the_forward_curve_by_hand(net):
    """x is 2×7×6 and stays with its giver; conv1 and relu1 are 3×5×5, conv2 is 4×5×5, linear1 is 6."""
    x, first, second = 2 * 7 * 6, 3 * 5 * 5, 4 * 5 * 5
    found = memory(net, (2, 7, 6))
    alive = [x + first, x + 2 * first, x + first + second, x + second, x + second + 6]
    assert found.curve == tuple(zip(["conv1", "relu1", "conv2", "flatten1", "linear1"], [4 * n for n in alive], strict=True))
    assert (found.peak, found.peak_bytes) == ("conv2", 4 * (x + first + second))
    wide = memory(net, (3, 2, 7, 6), dtype=np.float64)
    assert [size for _, size in wide.curve] == [3 * 2 * size for _, size in found.curve]


def test_an_input_that_is_read_last_is_not_counted_twice():
    graph = nn.Graph()
    x = graph.input("x")
    net = graph.network(graph.join("add", nn.Add(), x.then("relu", nn.ReLU()), x))
    assert memory(net, (3, 4, 5)).curve == (("relu", 2 * 240), ("add", 3 * 240))
    assert memory(nn.Identity(), (3, 4, 5)).curve == (("identity1", 240),)


def test_the_columns_by_hand(net):
    """2 channels · 3·2 taps for each of 5·5 positions of 4 images; a 1×1 kernel of stride 1 is a view."""
    assert memory(net, (4, 2, 7, 6)).columns == (("conv1", 4 * 2 * 6 * 25 * 4),)
    strided = nn.Conv2d(6, 4, 1, stride=2, rng=np.random.default_rng(0))
    assert memory(strided, (6, 5, 7)).columns == (("conv1", 6 * 3 * 4 * 4),)
    deep = nn.Sequential(nn.Conv2d(6, 6, 3, groups=6), nn.Conv2d(6, 2, 3))
    assert memory(deep, (6, 8, 9)).columns == (("conv1", 6 * 9 * 6 * 7 * 4), ("conv2", 6 * 9 * 4 * 5 * 4))
    assert memory(deep, (6, 8, 9)).largest_columns == ("conv1", 9072)
    assert memory(nn.ReLU(), (6, 8, 9)).largest_columns == ("", 0)


def test_parts_add_up(net):
    parameters = 4 * (3 * 2 * 6 + 3 + 4 * 3 + 4 + 100 * 6 + 6)
    facts = describe(net, (2, 7, 6))
    found = memory(net, (2, 7, 6))
    assert {what: size for what, size, _ in found.parts} == {"parameters": parameters, "at the peak": found.peak_bytes}
    assert found.total_bytes == parameters + found.peak_bytes
    step_ = memory(net, (2, 7, 6), training=True)
    assert step_.curve == tuple(facts.training_curve())
    assert step_.total_bytes == parameters + max(size for _, size in facts.training_curve())
    fitted = memory(net, (2, 7, 6), training=True, optimizer="adam")
    assert {what: size for what, size, _ in fitted.parts} == {
        "parameters": 2 * parameters,
        "optimizer": 4 * parameters,
        "at the peak": fitted.peak_bytes,
    }
    assert fitted.curve[-1] == ("end of the step", 5 * parameters)
    assert fitted.total_bytes == facts.training_bytes(2)
    assert (fitted.optimizer, fitted.parameter_bytes) == ("Adam", parameters)


def test_statistics_and_prepared_weights_are_parts():
    net = nn.Sequential(nn.Conv2d(3, 20, 3), nn.BatchNorm2d(20))
    prepared = describe(net, (3, 9, 11)).prepared_bytes
    assert prepared > 0
    parts = {what: size for what, size, _ in memory(net, (3, 9, 11)).parts}
    assert (parts["statistics"], parts["prepared"]) == (2 * 20 * 4, prepared)
    fitted = memory(net, (3, 9, 11), training=True, optimizer=0)
    assert {what: size for what, size, _ in fitted.parts}["prepared"] == 2 * prepared
    assert fitted.total_bytes == describe(net, (3, 9, 11)).training_bytes(0) + 160
    assert "optimizer" not in {what for what, _, _ in fitted.parts}
    assert fitted.optimizer == "one of 0 arrays"


def test_a_fast_algorithm_and_its_workspace_are_counted():
    """net(x) may take Winograd's, of whose workspace an exact pass knows nothing."""
    net = nn.Sequential(nn.Conv2d(32, 32, 3, padding=1, rng=np.random.default_rng(0)))
    layer, maps = net["conv1"], 2 * 32 * 24 * 40 * 4
    exact = layer.workspace_bytes((1, 32, 24, 40))
    assert memory(net, (32, 24, 40)).peak_bytes - maps != exact
    pinned = nn.Sequential(Conv2d.of(layer.weight, layer.bias, padding=1, algorithm="gemm"))
    assert memory(pinned, (32, 24, 40)).peak_bytes - maps == pinned["conv1"].workspace_bytes((1, 32, 24, 40))


# Its words.


def test_print(net):
    text = str(memory(net, (2, 7, 6)))
    assert text.startswith("Memory of a forward pass on 1×2×7×6 float32: ")
    assert "parameters   2.64 kB  661 numbers" in text
    assert "the input, maps in use and workspace, at conv2" in text
    assert "more, for the columns of conv1" in text
    bars = {line.split()[0]: line for line in text.split("moment by moment:\n")[1].splitlines()}
    assert set(bars) == {"conv1", "relu1", "conv2", "flatten1", "linear1"}
    assert [name for name, line in bars.items() if line.endswith("  peak")] == ["conv2"]
    counts = {name: line.count("█") for name, line in bars.items()}
    assert counts["relu1"] == round(counts["conv2"] * (84 + 150) / (84 + 175))
    assert memory(net, (2, 7, 6), True).summary.startswith("Memory of a training step on 1×2×7×6 float32: ")
    assert memory(net, (2, 7, 6), True, 1).summary.startswith("Memory of train.fit on")


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", list(models.MODELS))
def test_long_networks_are_drawn_in_twenty_rows_of_80_columns(name, training):
    found = memory(models.build(name), models.input_shape(name), training)
    assert 5 < len(found.timeline()) <= 20
    assert sum(line.endswith("  peak") for line in found.timeline()) == 1
    assert max(map(len, str(found).splitlines())) <= 80
    assert max(map(len, found.timeline(60))) <= 60
    peak = next(line for line in found.timeline() if line.endswith("  peak"))
    assert found.peak[-20:] in peak
    assert peak.count("█") == max(line.count("█") for line in found.timeline())


def test_json(net):
    found = memory(net, (2, 7, 6), True, "momentum")
    document = json.loads(json.dumps(found.to_dict()))
    assert document["total_bytes"] == sum(part["bytes"] for part in document["parts"])
    assert document["peak"] == {"moment": found.peak, "bytes": found.peak_bytes}
    assert document["curve"][-1] == {"moment": "end of the step", "bytes": 4 * found.parameter_bytes}
    assert (document["optimizer"], document["training"], document["input_shape"]) == ("momentum", True, [1, 2, 7, 6])
    assert document["columns"] == [{"node": "conv1", "bytes": 2 * 6 * 25 * 4}]


def test_it_is_frozen_and_needs_no_numbers():
    found = memory(models.lenet5(), (1, 32, 32))
    with pytest.raises(FrozenInstanceError):
        found.training = True
    assert found == memory(models.lenet5(rng=np.random.default_rng(0)), (1, 32, 32))


def test_mistakes(net):
    with pytest.raises(ArgumentError, match=r"memory: an optimizer steps in training only; write training=True beside optimizer='Adam'"):
        memory(net, (2, 7, 6), optimizer="Adam")
    with pytest.raises(UnknownNameError, match=r"memory: optimizer is a name or how many arrays .* it is 'Adan'\. Did you mean 'Adam'\?"):
        memory(net, (2, 7, 6), True, "Adan")
    with pytest.raises(ArgumentError, match=r"memory: optimizer must be at least 0, but it is -1"):
        memory(net, (2, 7, 6), True, -1)
    with pytest.raises(ArgumentError, match=r"memory: optimizer must be a whole number, but it is 1\.5"):
        memory(net, (2, 7, 6), True, 1.5)
    with pytest.raises(ArgumentError, match=r"memory: training is True or False, but it is 'yes'"):
        memory(net, (2, 7, 6), "yes")
    with pytest.raises(ArgumentError, match=r"memory: the first argument is a network or a layer, but it is a list"):
        memory([], (2, 7, 6))
