"""Which algorithm is taken: a pure function of shapes, right for whole networks; and who asks for speed, and who for the equation's own sums."""

import itertools

import numpy as np
import pytest
from wide_shapes import WINOGRAD

from minicnn import describe, nn, trace
from minicnn.conv import dispatch
from minicnn.conv.contract import allowed_error
from minicnn.conv.dispatch import choose_algorithm, conv2d
from minicnn.conv.gallery import load_algorithm
from minicnn.layers import Conv2d
from minicnn.models import efficientnet_lite0
from minicnn.window import Window

VGG16 = [(3, 64, 224), (64, 64, 224), (64, 128, 112), (128, 128, 112), (128, 256, 56), (256, 256, 56), (256, 512, 28), (512, 512, 28), (512, 512, 14)]  # fmt: skip


def convolutions_of_networks():
    """Yield (x shape, weight shape, window) of every convolution of VGG16 and EfficientNet-Lite0, one image and eight."""
    for images in (1, 8):
        for channels, filters, size in VGG16:
            yield (images, channels, size, size), (filters, channels, 3, 3), Window.of(3, padding=1)
        net = efficientnet_lite0()
        shapes = describe(net, (images, 3, 224, 224)).shapes
        for node in net:
            if isinstance(node.layer, Conv2d):
                yield shapes[node.inputs[0]], tuple(node.layer.weight.shape), node.layer.window


def test_every_convolution_of_the_networks_gets_what_applies():
    found = {"exact": set(), "fast": set()}
    for x, w, window in convolutions_of_networks():
        for accuracy, dtype in itertools.product(found, (np.float32, np.float64)):
            name = choose_algorithm(x, w, window, dtype, accuracy)
            assert load_algorithm(name).why_not(x, w, window, np.dtype(dtype)) is None, (name, x, w)
            assert name == choose_algorithm(x, w, window, dtype, accuracy)  # the same answer twice
            assert accuracy == "fast" or name not in (*WINOGRAD, "fft"), (name, x, w)
            found[accuracy].add(name)
    assert found["fast"] & set(WINOGRAD)


def test_choosing_takes_numbers_only_and_makes_no_array(monkeypatch):
    for maker in ("empty", "zeros", "ones", "arange", "array", "pad"):
        monkeypatch.setattr(np, maker, None)
    for x, w, window in convolutions_of_networks():
        assert choose_algorithm(list(x), tuple(w), window, np.float32, "fast") == choose_algorithm(
            x, w, window, np.dtype("float32"), "fast"
        )


def test_exact_never_takes_winograd():
    """Over all that a 3×3 convolution may be: channels, filters, sizes, images."""
    window = Window.of(3, padding=1)
    for images, channels, filters, size in itertools.product((1, 2, 64), (1, 3, 16, 64, 512), (1, 8, 16, 64, 2048), (3, 7, 14, 56, 300)):
        shapes = (images, channels, size, size + 1), (filters, channels, 3, 3)
        assert choose_algorithm(*shapes, window, np.float32, "exact") not in (*WINOGRAD, "fft")
        fast = choose_algorithm(*shapes, window, np.float32, "fast")
        assert load_algorithm(fast).why_not(*shapes, window, np.dtype(np.float32)) is None


@pytest.mark.parametrize("shape", [(1, 40, 9, 11), (2, 33, 21, 30)])
def test_fast_keeps_the_contract_of_what_it_chose(shape):
    rng = np.random.default_rng(0)
    x, w, b = (
        rng.standard_normal(shape, np.float32),
        rng.standard_normal((37, shape[1], 3, 3), np.float32),
        rng.standard_normal(37, np.float32),
    )
    law = conv2d(x, w, b, padding=1, algorithm="reference")
    for accuracy in ("fast", "exact"):
        name = choose_algorithm(x.shape, w.shape, Window.of(3, padding=1), x.dtype, accuracy)
        y = conv2d(x, w, b, padding=1, accuracy=accuracy)
        np.testing.assert_array_equal(y, conv2d(x, w, b, padding=1, algorithm=name))
        assert (np.abs(y.astype(np.float64) - law) <= allowed_error(name, x, w, b, padding=1)).all()


def test_a_network_is_fast_and_its_trace_is_exact(monkeypatch):
    """net(x) asks for speed, trace for sums of the equation's own products."""
    rng = np.random.default_rng(2)
    net = nn.Sequential(nn.Conv2d(18, 20, 3, padding=1, rng=rng), nn.ReLU(), nn.Conv2d(20, 17, 3, rng=rng))
    x = rng.standard_normal((1, 18, 24, 22), np.float32)
    asked, choose = [], dispatch.choose_algorithm

    def recording(x_shape, weight_shape, window, dtype, accuracy="exact", **format_):
        asked.append((accuracy, choose(x_shape, weight_shape, window, dtype, accuracy, **format_)))
        return asked[-1][1]

    monkeypatch.setattr(dispatch, "choose_algorithm", recording)
    fast = net(x)
    assert [accuracy for accuracy, _ in asked] == ["fast", "fast"]
    assert all(name in WINOGRAD for _, name in asked)
    asked.clear()
    traced = trace(net, x)
    assert [accuracy for accuracy, _ in asked] == ["exact", "exact"]
    assert not any(name in WINOGRAD for _, name in asked)
    exact = traced.outputs[0]
    np.testing.assert_array_equal(net(x, accuracy="exact"), exact)
    assert not np.array_equal(fast, exact)
    asked.clear()
    conv2d(x, net[0].weight)
    assert asked[0][0] == "exact"  # the function, which has no layer behind it
