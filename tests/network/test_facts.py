"""Published numbers, to the digit: parameters, multiply-adds, receptive fields, sizes of maps."""

import statistics
import time

import numpy as np
import pytest

from minicnn import describe, models, nn
from minicnn.field import Box, ReceptiveField
from minicnn.text import count

IMAGE = (3, 224, 224)
TABLE = {  # what describe says of it, and of its last map before the head, whose name stands first
    "lenet5": ("relu5", 61_706, 416_520, "32 / 4 / 0", (120, 1, 1)),
    "alexnet": ("features.12", 61_100_840, 714_188_480, "195 / 32 / 66", (256, 6, 6)),
    "vgg16": ("features.30", 138_357_544, 15_470_264_320, "212 / 32 / 90", (512, 7, 7)),
    "resnet18": ("layer4.1.relu", 11_689_512, 1_814_073_344, "435 / 32 / 217", (512, 7, 7)),
    "resnet50": ("layer4.2.relu", 25_557_032, 4_089_184_256, "427 / 32 / 213", (2048, 7, 7)),
    "mobilenet_v2": ("features.18.2", 3_504_872, 300_774_272, "491 / 32 / 245", (1280, 7, 7)),
    "efficientnet_lite0": ("head.conv", 4_652_008, 385_187_552, "851 / 32 / 394", (1280, 7, 7)),
}


@pytest.mark.parametrize("model", TABLE)
def test_published_table(model):
    name, parameters, multiply_adds, field, last = TABLE[model]
    facts = describe(models.build(model), models.input_shape(model))
    assert facts.parameters == parameters
    assert facts.multiply_adds == multiply_adds
    assert str(facts.field(name)).split(" (")[0] == field
    assert facts[name].shape == (1, *last)
    assert f"{parameters:,} parameters, {multiply_adds:,} multiply-adds." in str(facts)


@pytest.mark.parametrize("batch", [2, 3])
def test_a_batch_costs_its_size_and_no_parameters(batch):
    net, name = models.resnet18(), "layer4.1.relu"
    facts, one = describe(net, (batch, *IMAGE)), describe(net, IMAGE)
    assert (facts.parameters, facts.multiply_adds, facts.bytes) == (one.parameters, batch * one.multiply_adds, batch * one.bytes)
    assert facts.field(name) == one.field(name)


def test_vgg16_layer_by_layer():
    net = models.vgg16()
    facts = describe(net, IMAGE)
    convolutions, pools = ([node.name for node in net if isinstance(node.layer, kind)] for kind in (nn.Conv2d, nn.MaxPool2d))
    sizes = [facts.field(name).size[0] for name in convolutions]
    assert sizes == [*(3, 5), *(10, 14), *(24, 32, 40), *(60, 76, 92), *(132, 164, 196)]
    assert [facts.field(name).size[0] for name in pools] == [6, 16, 44, 100, 212]
    assert [facts[name].shape[2:] for name in pools] == [(n, n) for n in (112, 56, 28, 14, 7)]


def test_resnet18_after_stem_pool_and_stages():
    facts = describe(models.resnet18(), IMAGE)
    names = ["relu", "maxpool", *(f"layer{stage}.1.relu" for stage in (1, 2, 3, 4))]
    assert [facts.field(name).size for name in names] == [(n, n) for n in (7, 11, 43, 99, 211, 435)]
    assert [facts[name].shape[2:] for name in names] == [(n, n) for n in (112, 56, 56, 28, 14, 7)]


@pytest.mark.parametrize("build", [models.resnet18, models.resnet50, models.mobilenet_v2])
def test_branches_with_symmetric_padding_are_aligned(build):
    assert all(row.field.aligned for row in describe(build(), IMAGE))


def test_branches_with_tensorflows_padding_are_aligned_too():
    """Lite0 adds only where the stride is 1, and there its kernels are odd and its sides equal."""
    facts = describe(models.efficientnet_lite0(), IMAGE)
    assert facts.field("head.conv") == ReceptiveField((851, 851), (32, 32), (-394, -394))
    assert all(row.field.aligned for row in facts)


def test_a_corner_and_the_centre_of_resnet18():
    """435 pixels is more than the image has: the exact box ends at its borders, and in the middle it is all of it."""
    facts, last = describe(models.resnet18(), IMAGE), "layer4.1.relu"
    assert facts.field(last).box(0, 6) == Box(-217, -25, 217, 409)
    assert facts.box(last, 0, 0) == Box(0, 0, 217, 217)
    assert facts.box(last, 3, 3) == Box(0, 0, 223, 223)
    assert facts.box("maxpool", 0, 1) == Box(0, 0, 5, 9)


def test_the_last_output_of_alexnet():
    """The closed form gives 195 rows from 94 on; the image ends at 223."""
    facts = describe(models.alexnet(), IMAGE)
    assert facts.field("features.12").box(5, 5) == Box(94, 94, 288, 288)
    assert facts.box("features.12", 5, 5) == Box(94, 94, 223, 223)
    assert facts.box("classifier.6") == Box(0, 0, 223, 223)


def test_a_map_of_51_megabytes():
    facts = describe(nn.Sequential(nn.ReLU()), (32, 128, 56, 56))
    assert int(np.prod(facts["relu1"].shape)) == 12_845_056
    assert facts["relu1"].bytes == 51_380_224
    assert count(facts["relu1"].bytes, "B") == "51.4 MB"


def test_describing_152_layers_takes_milliseconds():
    """515 nodes: some 9 ms where this was written."""
    net = models.resnet152()
    describe(net, IMAGE)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        facts = describe(net, IMAGE)
        seconds.append(time.perf_counter() - start)
    assert facts.parameters == 60_192_808
    assert facts["layer4.2.relu"].shape == (1, 2048, 7, 7)
    assert statistics.median(seconds) < 0.05
