"""Which convolutions are measured, and in which networks: against published counts."""

from collections import Counter

import numpy as np
import pytest
from layers import CLASSES, QUICK, chosen, every
from networks import NETWORKS, build

from minicnn import describe, trace
from minicnn.errors import ArgumentError, UnknownNameError

PARAMETERS = {"vgg16": 138_357_544, "resnet50": 25_557_032, "mobilenet_v2": 3_504_872, "efficientnet_lite0": 4_652_008, "lenet5": 61_706}
LAYERS = {layer.name: layer for layer in every((1,))}


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_have_the_published_numbers_of_parameters(name):
    assert describe(build(name), NETWORKS[name].shape).parameters == PARAMETERS[name]


def test_multiply_adds_of_resnet_50():
    assert describe(build("resnet50"), (3, 224, 224)).multiply_adds == 4_089_184_256  # 4.09 G, with the stride in the 3×3


def test_the_distinct_convolutions_are_counted_by_hand():
    """VGG16 has 9 kinds of layer; a ResNet-50 the stem, 4 kinds a stage and 3 more where the next begins."""
    assert Counter(layer.network for layer in LAYERS.values())["vgg16"] == 9
    assert Counter(layer.network for layer in LAYERS.values())["resnet50"] == 1 + 4 + 3 * 6 == 23
    assert Counter(layer.kind for layer in LAYERS.values()) == {
        "3x3": 12, "3x3-strided": 3, "1x1": 44, "1x1-strided": 3, "depthwise": 20, "stem": 4, "tiny": 3,
    }  # fmt: skip


def test_known_members():
    stem = LAYERS["ResNet 3→64 k7 s2 @224"]
    assert (stem.x_shape, stem.weight_shape, stem.stride, stem.padding) == ((1, 3, 224, 224), (64, 3, 7, 7), (2, 2), ((3, 3), (3, 3)))
    assert (stem.output_shape, stem.kind, stem.multiply_adds) == ((1, 64, 112, 112), "stem", 64 * 112 * 112 * 3 * 49)
    assert stem.bytes == 4 * (3 * 224 * 224 + 64 * 3 * 49 + 64 * 112 * 112)
    same = LAYERS["Lite0 144→144 k5 s2 dw @56"]
    assert (same.padding, same.groups, same.weight_shape, same.kind) == (((1, 2), (1, 2)), 144, (144, 1, 5, 5), "depthwise")
    tiny = LAYERS["LeNet 6→16 k5 @14"]
    assert (tiny.batch, tiny.output_shape, tiny.kind) == (64, (64, 16, 10, 10), "tiny")


def test_the_first_class_is_the_3x3_of_64_channels_and_more():
    assert all(layer.weight_shape[1] >= 64 and layer.stride == (1, 1) for layer in LAYERS.values() if layer.kind == "3x3")


def test_no_two_layers_are_one_and_names_tell_them_apart():
    layers = every((1, 8))
    assert len(layers) == 2 * 86 + 3
    shapes = {(layer.x_shape, layer.weight_shape, layer.stride, layer.padding, layer.groups) for layer in layers}
    assert len(shapes) == len(layers) == len({(layer.name, layer.batch) for layer in layers})
    assert list(LAYERS.values()) == sorted(LAYERS.values(), key=lambda layer: (layer.batch, CLASSES.index(layer.kind)))


def test_batches():
    assert {layer.batch for layer in every((8,)) if layer.kind != "tiny"} == {8}
    assert {layer.output_shape[0] for layer in every((8,)) if layer.kind == "tiny"} == {64}


def test_a_dozen_stand_for_all():
    assert len(QUICK) == 12
    assert {layer.name for layer in chosen((1,), quick=True)} == set(QUICK)
    assert {layer.kind for layer in chosen((1,), quick=True)} == set(CLASSES) - {"course"}


def test_the_layer_that_loops_finish_comes_with_a_course():
    assert [layer.x_shape for layer in chosen((1,), kinds=("course",), course=True)] == [(1, 1, 28, 28)]
    assert "course" not in {layer.kind for layer in every()}
    assert sum(layer.kind == "course" for layer in chosen((1,), quick=True, course=True)) == 1


def test_filters():
    assert {layer.kind for layer in chosen((1,), kinds=("stem", "depthwise"))} == {"stem", "depthwise"}
    assert [layer.name for layer in chosen((1,), only=("vgg 512->512 K3 @14",))] == ["VGG 512→512 k3 @14"]
    with pytest.raises(
        UnknownNameError, match=r"bench conv: --class names classes of layers, but one of them is '3×3'\. Did you mean '3x3'"
    ):
        chosen((1,), kinds=("3×3",))
    with pytest.raises(ArgumentError, match=r"none of 89 is of class stem named like '@7'; names read like 'VGG 64→64 k3 @224'"):
        chosen((1,), kinds=("stem",), only=("@7",))


@pytest.mark.parametrize("name", ["resnet50", "lenet5"])
def test_random_numbers_keep_maps_near_size_1(name):
    rng = np.random.default_rng(0)
    net, (channels, *_) = build(name, rng), NETWORKS[name].shape
    assert not any(node.layer.is_shape_only for node in net)
    x = rng.standard_normal((1, channels, 32, 32), np.float32)
    y = net(x)
    assert np.isfinite(y).all()
    assert 0.01 < y.std() < 100
    again = build(name, np.random.default_rng(0))
    assert all(np.array_equal(array, again.parameters()[key]) for key, array in net.parameters().items())


def test_normalized_maps_have_the_size_of_their_scale():
    rng = np.random.default_rng(0)
    net = build("mobilenet_v2", rng)
    maps = trace(net, rng.standard_normal((2, 3, 112, 112), np.float32))
    for name in ("features.0.1", "features.2.conv.0.1", "features.4.conv.1.1"):
        sizes = maps[name].data.std(axis=(0, 2, 3)) / net[name].weight  # 1 where the statistics were measured, not drawn
        assert np.median(np.abs(sizes - 1)) < 0.15
