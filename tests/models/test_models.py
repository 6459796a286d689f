"""Every published model: counts, names, numbers that come in and go out again, and what each says to a wrong input.

That torchvision's are torchvision's, name by name and map by map, is tests/parity/test_models_parity.py's.
"""

import importlib
import statistics
import time
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minicnn import describe, fuse, load, models, nn, trace
from minicnn import functional as F
from minicnn.errors import ArgumentError, ShapeError, UnknownNameError, WeightsError

PARAMETERS = {
    "lenet5": 61_706, "alexnet": 61_100_840,
    "vgg11": 132_863_336, "vgg13": 133_047_848, "vgg16": 138_357_544, "vgg19": 143_667_240,
    "vgg11_bn": 132_868_840, "vgg13_bn": 133_053_736, "vgg16_bn": 138_365_992, "vgg19_bn": 143_678_248,
    "squeezenet1_1": 1_235_496, "resnet18": 11_689_512, "resnet34": 21_797_672, "resnet50": 25_557_032,
    "resnet101": 44_549_160, "resnet152": 60_192_808, "mobilenet_v2": 3_504_872, "efficientnet_lite0": 4_652_008,
    "unet": 31_030_658, "fcn_resnet50": 32_957_013, "yolov5n": 1_872_157,
}  # fmt: skip
SMALL = {  # an image that is soon computed, and what comes out; one network of each file, and of each kind of block
    "lenet5": ((1, 32, 32), [(10,)]),
    "alexnet": ((3, 64, 96), [(1000,)]),
    "vgg11_bn": ((3, 32, 48), [(1000,)]),
    "squeezenet1_1": ((3, 40, 48), [(1000,)]),
    "resnet18": ((3, 40, 48), [(1000,)]),
    "resnet50": ((3, 40, 48), [(1000,)]),
    "mobilenet_v2": ((3, 40, 48), [(1000,)]),
    "efficientnet_lite0": ((3, 40, 48), [(1000,)]),
    "unet": ((1, 32, 48), [(2, 32, 48)]),
    "fcn_resnet50": ((3, 40, 48), [(21, 40, 48)]),
    "yolov5n": ((3, 64, 96), [(255, 8, 12), (255, 4, 6), (255, 2, 3)]),
}
NAMES = {  # some of each, as torchvision and YOLOv5 have them: the first, the last, and those that are easily named otherwise
    "alexnet": ["features.0.weight", "features.10.bias", "classifier.1.weight", "classifier.4.bias", "classifier.6.weight"],
    "vgg16": ["features.0.weight", "features.28.bias", "classifier.0.weight", "classifier.3.bias", "classifier.6.weight"],
    "vgg16_bn": ["features.0.bias", "features.1.running_mean", "features.41.weight", "classifier.6.bias"],
    "squeezenet1_1": ["features.0.weight", "features.3.squeeze.weight", "features.12.expand3x3.bias", "classifier.1.weight"],
    "resnet18": ["conv1.weight", "bn1.running_var", "layer2.0.downsample.0.weight", "layer4.1.bn2.bias", "fc.weight"],
    "resnet50": ["layer1.0.conv3.weight", "layer1.0.downsample.1.running_mean", "layer4.2.bn3.weight", "fc.bias"],
    "mobilenet_v2": ["features.0.0.weight", "features.1.conv.0.1.weight", "features.1.conv.2.bias", "features.2.conv.3.weight",
                     "features.18.1.running_var", "classifier.1.bias"],
    "fcn_resnet50": ["backbone.conv1.weight", "backbone.layer3.0.downsample.0.weight", "classifier.0.weight",
                     "classifier.1.running_mean", "classifier.4.bias"],
    "yolov5n": ["model.0.conv.weight", "model.2.cv1.bn.running_mean", "model.4.m.1.cv2.conv.weight", "model.9.cv2.conv.weight",
                "model.24.m.0.weight", "model.24.m.2.bias"],
}  # fmt: skip


def arrays_of(net) -> dict:
    return {**net.parameters(), **net.buffers()}


def outputs_of(y) -> tuple:
    return y if isinstance(y, tuple) else (y,)


def lively(net, rng):
    """Return the network with numbers that keep maps near size 1."""
    arrays = {}
    for name, array in arrays_of(net).items():
        if len(array.shape) > 1:
            arrays[name] = rng.standard_normal(array.shape, np.float32) * np.float32((2 / np.prod(array.shape[1:])) ** 0.5)
        else:
            low, high = (-0.1, 0.1) if name.endswith(("bias", "running_mean")) else (0.5, 1.5)
            arrays[name] = rng.uniform(low, high, array.shape).astype(np.float32)
    return net.with_parameters(arrays)


# What describe says, without a number.


@pytest.mark.parametrize("name", models.MODELS)
def test_shapes_are_known_without_numbers_and_soon(name):
    net = models.build(name)
    assert all(isinstance(array, nn.ShapeOnly) for array in arrays_of(net).values())
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        facts = describe(net, models.input_shape(name))
        seconds.append(time.perf_counter() - start)
    assert statistics.median(seconds) < 0.05
    assert facts.parameters == PARAMETERS[name]


def test_every_model_is_counted():
    assert list(PARAMETERS) == list(models.MODELS)


def test_parameters_of_the_u_net_by_hand():
    """Levels of 9·(in·out + out·out) + 2·out, up-convolutions of 4·in·out + out, and 64·2 + 2 at the end."""
    pair = lambda before, out: 9 * (before * out + out * out) + 2 * out  # noqa: E731
    widths = (1, 64, 128, 256, 512, 1024)
    down = sum(pair(before, out) for before, out in pairwise(widths))
    up = sum(4 * 2 * width * width + width + pair(2 * width, width) for width in widths[1:-1])
    assert PARAMETERS["unet"] == down + up + 64 * 2 + 2


def test_yolov5n_counts_as_published_once_fused_too():
    """Ultralytics print 1,872,157 parameters, and 1,867,405 once batch normalization is in the filters."""
    assert describe(fuse(models.yolov5n()), (3, 64, 64)).parameters == 1_867_405


@pytest.mark.parametrize("name", NAMES)
def test_names(name):
    arrays = arrays_of(models.build(name))
    assert set(NAMES[name]) <= set(arrays)
    assert next(iter(arrays)) == NAMES[name][0] or name not in ("alexnet", "vgg16", "squeezenet1_1", "resnet18", "mobilenet_v2")


def test_nodes_of_a_block_read_in_its_order():
    names = [node.name for node in models.resnet50()]
    start = names.index("maxpool") + 1
    block = ["conv1", "bn1", "relu1", "conv2", "bn2", "relu2", "conv3", "bn3", "downsample.0", "downsample.1", "add", "relu"]
    assert names[start : start + 12] == [f"layer1.0.{part}" for part in block]
    assert names[:4] == ["conv1", "bn1", "relu", "maxpool"]
    assert names[-3:] == ["avgpool", "flatten", "fc"]


def test_the_stride_is_on_the_3x3_and_dilation_takes_its_place_in_the_fcn():
    net, fcn = models.resnet50(), models.fcn_resnet50()
    strides = [(net[f"layer3.0.conv{n}"].window.stride, fcn[f"backbone.layer3.0.conv{n}"].window.stride) for n in (1, 2, 3)]
    assert strides == [((1, 1), (1, 1)), ((2, 2), (1, 1)), ((1, 1), (1, 1))]
    spread = [fcn[f"backbone.layer{stage}.{block}.conv2"].window.dilation[0] for stage in (2, 3, 4) for block in (0, 1, 2)]
    assert spread == [1, 1, 1, 1, 2, 2, 2, 4, 4]


# Numbers.


@pytest.mark.parametrize("name", SMALL)
def test_it_runs_and_fused_it_is_the_same(name):
    """Of largest numbers, not of each: rounding grows over a hundred layers, and a wrong join changes all of it."""
    shape, expected = SMALL[name]
    rng = np.random.default_rng(0)
    net = models.build(name, rng=rng)
    assert not any(isinstance(array, nn.ShapeOnly) for array in arrays_of(net).values())
    net = net if name in ("alexnet", "vgg11_bn") else lively(net, rng)
    x = rng.standard_normal((2, *shape), np.float32)
    plain, fused = outputs_of(net(x)), outputs_of(fuse(net)(x))
    assert [y.shape for y in plain] == [(2, *each) for each in expected]
    for before, after in zip(plain, fused, strict=True):
        assert np.isfinite(before).all()
        assert before.std() > 0
        assert np.abs(after - before).max() <= 1e-4 * np.abs(before).max()


def test_seeds():
    first, again, other = (models.squeezenet1_1(rng=np.random.default_rng(seed)) for seed in (3, 3, 4))
    for name, array in first.parameters().items():
        assert_array_equal(array, again.parameters()[name])
    assert (first["features.0"].weight != other["features.0"].weight).any()


@pytest.mark.parametrize("name", ["lenet5", "squeezenet1_1", "resnet18", "mobilenet_v2", "efficientnet_lite0", "yolov5n"])
@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
def test_weights_go_into_a_file_and_come_back(name, suffix, tmp_path):
    net = lively(models.build(name), np.random.default_rng(1))
    path = load.save_weights(net, tmp_path / f"model{suffix}")
    if name == "efficientnet_lite0":  # whose files have other names: see efficientnet_lite.py
        again = load.load_weights(models.build(name), path)
    else:
        again = models.build(name, weights=path)
    for key, array in arrays_of(net).items():
        assert_array_equal(arrays_of(again)[key], array, strict=True)


@pytest.mark.parametrize("name", ["unet", "fcn_resnet50"])
def test_weights_are_taken_from_a_mapping(name):
    net = lively(models.build(name), np.random.default_rng(1))
    again = models.build(name, weights={**arrays_of(net)})
    for key, array in arrays_of(net).items():
        assert_array_equal(arrays_of(again)[key], array, strict=True)


def test_what_others_keep_beside_their_weights_is_left_out():
    net = lively(models.yolov5n(), np.random.default_rng(1))
    beside = {"model.24.anchors": np.ones((3, 3, 2), np.float32), "model.0.bn.num_batches_tracked": np.array(7)}
    again = models.yolov5n(weights={**arrays_of(net), **beside})
    assert_array_equal(again["model.24.m.2"].weight, net["model.24.m.2"].weight)


@pytest.mark.parametrize("name", [name for name in models.MODELS if name not in ("lenet5", "efficientnet_lite0")])
def test_every_model_takes_weights(name):
    wanted = len(arrays_of(models.build(name)))
    with pytest.raises(WeightsError, match=f"fit its {wanted} arrays, but 0 have another shape, {wanted} are missing"):
        models.build(name, weights={})
    with pytest.raises(WeightsError, match=f"{name}: there are no pretrained weights for it; pass a path"):
        models.build(name, weights="pretrained")
    with pytest.raises(WeightsError, match=f"{name}: weights is 'pretrained', a path or a mapping of arrays, but it is a list"):
        models.build(name, weights=[])


# Classes.


@pytest.mark.parametrize("name", [name for name in models.MODELS if name not in ("lenet5", "efficientnet_lite0")])
def test_classes(name):
    net, per_class = getattr(models, name)(classes=7), 3 * (5 + 7) if name == "yolov5n" else 7
    facts = describe(net, models.input_shape(name))
    assert {facts[output].shape[1] for output in net.outputs} == {per_class}
    with pytest.raises(ArgumentError, match=r"(out_features|out_channels) must be (at least 1|a whole number), but it is"):
        getattr(models, name)(classes=-5 if name == "yolov5n" else 0)


def test_the_21_classes_of_voc():
    assert len(models.VOC_CLASSES) == 21
    assert [models.VOC_CLASSES[index] for index in (0, 1, 15, 20)] == ["background", "aeroplane", "person", "tvmonitor"]


# What joins hold.


def test_joins_of_the_u_net():
    """What went down first, then what comes up."""
    net = models.unet(rng=np.random.default_rng(0), channels=3, classes=5)
    maps = trace(net, np.random.default_rng(1).standard_normal((1, 3, 16, 48), np.float32))
    for level, width in enumerate((64, 128, 256, 512), 1):
        joined = maps[f"up{level}.cat"].data
        assert_array_equal(joined[:, :width], maps[f"down{level}.relu2"].data)
        assert_array_equal(joined[:, width:], maps[f"up{level}.up"].data)
    assert maps["head"].data.shape == (1, 5, 16, 48)


def test_joins_of_the_detector():
    net = lively(models.yolov5n(), np.random.default_rng(0))
    maps = trace(net, np.random.default_rng(1).standard_normal((1, 3, 64, 96), np.float32))
    data = {m.name: m.data for m in maps}
    twice = lambda x: x.repeat(2, axis=2).repeat(2, axis=3)  # noqa: E731
    joins = {
        "model.2.cat": (data["model.2.m.0.add"], data["model.2.cv2.act"]),
        "model.12": (twice(data["model.10.act"]), data["model.6.cv3.act"]),
        "model.16": (twice(data["model.14.act"]), data["model.4.cv3.act"]),
        "model.19": (data["model.18.act"], data["model.14.act"]),
        "model.22": (data["model.21.act"], data["model.10.act"]),
    }
    for name, parts in joins.items():
        assert_array_equal(data[name], np.concatenate(parts, axis=1))
    assert "model.13.m.0.add" not in net  # blocks of the neck have no short cut inside
    for scale, number in enumerate((17, 20, 23)):
        assert net.node(f"model.24.m.{scale}").inputs == (f"model.{number}.cv3.act",)


def test_three_small_poolings_in_a_row_are_three_large_ones_side_by_side():
    net = lively(models.yolov5n(), np.random.default_rng(0))
    maps = trace(net, np.random.default_rng(1).standard_normal((1, 3, 256, 320), np.float32))
    x = maps["model.9.cv1.act"].data
    wide = [F.max_pool2d(x, kernel, 1, kernel // 2) for kernel in (5, 9)]
    wide.append(F.max_pool2d(F.max_pool2d(x, (13, 1), 1, (6, 0)), (1, 13), 1, (0, 6)))
    assert_array_equal(maps["model.9.cat"].data, np.concatenate([x, *wide], axis=1))


def test_normalization_of_the_detector():
    lines = [node.layer for node in models.yolov5n() if isinstance(node.layer, nn.BatchNorm2d)]
    assert {(line.eps, line.momentum) for line in lines} == {(1e-3, 0.03)}
    assert len(lines) == 57


# What else there is to say.


def test_a_model_is_not_hidden_behind_the_file_of_its_name():
    for name, (make, _) in models.MODELS.items():
        importlib.import_module(make.__module__)
        assert getattr(models, name) is make
        assert make.__name__ == name


def test_an_unknown_model():
    with pytest.raises(UnknownNameError, match=r"models: there is no model 'resnet51'\. Did you mean 'resnet\d+'\?"):
        models.build("resnet51")


@pytest.mark.parametrize(
    ("name", "shape", "match"),
    [
        ("unet", (1, 24, 48), "node 'up4.cat': Concat: "),
        ("yolov5n", (3, 64, 80), "node 'model.12': Concat: "),
        ("alexnet", (3, 62, 96), "node 'features.12': MaxPool2d: the kernel must fit into the padded input"),
        ("resnet18", (1, 64, 96), "node 'conv1': Conv2d: weight expects 3 input channels but x has 1"),
    ],
)
def test_images_that_do_not_fit(name, shape, match):
    with pytest.raises(ShapeError, match=match):
        describe(models.build(name), shape)


def test_the_fcn_gives_the_size_that_was_asked_for():
    assert describe(models.fcn_resnet50(), (3, 45, 60))["upsample"].shape == (1, 21, 48, 64)  # the next multiples of 8
    assert describe(models.fcn_resnet50(size=(45, 60)), (3, 45, 60))["upsample"].shape == (1, 21, 45, 60)
