"""A network's twins in PyTorch and ONNX compute what it does; the peers of single layers too.

Bounds: two sums of T products in float32 differ by at most 2·(T + 2)·eps of the sum of magnitudes (conv/contract.py);
over a network that grows layer by layer, so whole networks are held to 1e-4 of the largest number, as the benchmark's 1e-3
is far below what a wrong stride or padding does.
"""

import sys
from pathlib import Path

import numpy as np
import pytest

from minicnn import allowed_error, conv2d, nn

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

import gradients  # noqa: E402
from layers import Convolution, chosen  # noqa: E402
from networks import build  # noqa: E402
from operations import rows  # noqa: E402
from peers import PEERS, largest_difference, missing, problem  # noqa: E402
from twins import calls_of, onnx_model, torch_twin  # noqa: E402

from minicnn.errors import UnsupportedError  # noqa: E402

HERE = [name for name in ("torch", "onnxruntime") if missing(name) is None]
SIZES = {"lenet5": (3, 1, 32, 32), "efficientnet_lite0": (1, 3, 75, 64), "resnet50": (1, 3, 64, 75), "mobilenet_v2": (2, 3, 33, 64)}


@pytest.mark.parametrize("name", SIZES)
def test_twins_answer_alike(name):
    rng = np.random.default_rng(0)
    net, x = build(name, rng), rng.standard_normal(SIZES[name], np.float32)
    expected = net(x, accuracy="exact")
    calls = calls_of(net, x, HERE, 1)
    assert {"torch", "channels_last"} <= set(calls)
    for peer, call in calls.items():
        result = np.asarray(call())
        assert result.shape == expected.shape
        assert np.abs(result - expected).max() <= 1e-4 * np.abs(expected).max(), peer


@pytest.mark.parametrize("peer", HERE)
@pytest.mark.parametrize(
    "layer", chosen((1,), only=("Lite0 3→32 k3 s2", "Lite0 672→672 k5 s2", "ResNet 1024→512", "LeNet 6→16")), ids=lambda layer: layer.name
)
def test_peers_of_a_layer_answer_alike(peer, layer):
    given = problem(layer)
    settings = {"stride": layer.stride, "padding": layer.padding, "dilation": layer.dilation, "groups": layer.groups}
    expected = conv2d(given.x, given.weight, given.bias, **settings, algorithm="im2col")
    allowed = 2 * allowed_error("im2col", given.x, given.weight, given.bias, **settings)
    for name, call in PEERS[peer].calls(given, 1).items():
        assert (np.abs(np.asarray(call()) - expected) <= allowed).all(), name


def test_uneven_padding_is_padded_first():
    layer = Convolution("lenet5", "c", (1, 2, 5, 7), (3, 2, 3, 2), (2, 1), ((0, 1), (2, 0)), (1, 1), 1, (1, 3, 2, 8), "tiny")
    given = problem(layer)
    for call in PEERS["torch"].calls(given, 1).values():
        assert tuple(call().shape) == layer.output_shape
        assert call() is not call()


def test_memory_formats():
    net = nn.Sequential(nn.Conv2d(3, 5, 3), nn.MaxPool2d(2))
    x = torch.zeros(2, 3, 9, 11).contiguous(memory_format=torch.channels_last)
    twin = torch_twin(net, channels_last=True)
    assert twin(x).is_contiguous(memory_format=torch.channels_last)
    assert not twin.training
    assert all(not parameter.requires_grad for parameter in twin.parameters())


def test_maps_are_let_go_after_their_last_use():
    g = nn.Graph()
    x = g.input("x")
    first = x.then("a.relu", nn.ReLU())
    net = g.network(g.join("add", nn.Add(), first, first.then("b", nn.ReLU6())))
    values = np.linspace(-2, 8, 24, dtype=np.float32).reshape(1, 2, 3, 4)
    np.testing.assert_array_equal(torch_twin(net)(torch.from_numpy(values)).numpy(), net(values))


def test_layers_that_change_nothing():
    """VGG16's at 224×224: a mean of one number each, and dropout outside of training."""
    rng = np.random.default_rng(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3, rng=rng), nn.AdaptiveAvgPool2d((3, 5)), nn.Dropout(), nn.Flatten())
    x = rng.standard_normal((2, 3, 5, 7), np.float32)
    for peer, call in calls_of(net, x, HERE, 1).items():
        np.testing.assert_allclose(np.asarray(call()), net(x, accuracy="exact"), atol=1e-5, err_msg=peer)


def test_a_layer_without_a_twin_is_named():
    with pytest.raises(UnsupportedError, match=r"twins: every layer needs a row that makes its twin in PyTorch, but GELU\(\) has none"):
        torch_twin(nn.Sequential(nn.GELU()))
    pytest.importorskip("onnx")
    with pytest.raises(UnsupportedError, match=r"makes its twin in ONNX, but GELU\(\) has none"):
        onnx_model(nn.Sequential(nn.GELU()), (1, 2, 3, 4))


@pytest.mark.parametrize("which", gradients.GRADIENTS)
def test_gradients_that_are_timed_are_the_same(which):
    layer = Convolution("vgg16", "c", (2, 5, 9, 7), (6, 5, 3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 1, (2, 6, 9, 7), "3x3")
    given, grad = problem(layer), np.random.default_rng(1).standard_normal((2, 6, 9, 7), np.float32)
    own = gradients._ours(layer, given, grad, which)()
    theirs = gradients._torchs(layer, given, grad, which, 1)()
    assert own.shape == ((2, 5, 9, 7) if which == "dX" else (6, 5, 3, 3))
    assert largest_difference({"minicnn": own, "torch": theirs}, which)["torch"] < 1e-5


@pytest.mark.parametrize("name", rows())
def test_operations_that_are_timed_are_the_same(name):
    shapes, ours, theirs = rows()[name]
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape, np.float32) for shape in shapes]
    results = {"minicnn": ours(*arrays), "torch": theirs(*map(torch.from_numpy, arrays))}
    assert largest_difference(results, name)["torch"] < 1e-5
