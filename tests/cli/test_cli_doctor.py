"""minicnn doctor: findings of a photo, of shapes alone, and what a script gets."""

import json

import numpy as np
import pytest
from PIL import Image

from minicnn import load, models, trace
from minicnn.probe import CHECKS, doctor

RANDOM = ("doctor", "lenet5", "--weights", "random")


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "small photo.png"
    Image.fromarray(np.random.default_rng(2).integers(0, 256, (40, 56, 3), dtype=np.uint8)).save(path)
    return path


@pytest.fixture(scope="module")
def dead(tmp_path_factory):
    """Weights of LeNet-5 whose first layer lies far below zero."""
    net = models.lenet5(rng=np.random.default_rng(0))
    arrays = {**net.parameters(), "c1.bias": np.full(6, -50, np.float32)}
    return load.save_weights(arrays, tmp_path_factory.mktemp("weights") / "dead.npz")


def test_nothing_found(run, picture):
    result = run(*RANDOM, "--image", str(picture), "--strict")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0] == "lenet5 (random) on small photo.png"
    assert lines[1] == "12 nodes, 15 checks on 1 image of 1×32×32: nothing found."
    asked = " ".join(" ".join(lines[3:]).split())
    assert asked == "asked for " + ", ".join(CHECKS)


def test_a_finding_and_its_exit_codes(run, picture, dead):
    words = ("doctor", "lenet5", "--weights", str(dead), "--image", str(picture))
    result = run(*words)
    assert (result.exit_code, result.stderr) == (0, "")
    text = " ".join(result.stdout.split())
    assert "1 finding. dead channels: relu1 seen 6 of 6 channels (100%) are zero at all 784 places of 1 image" in text
    assert " likely a step too large" in text
    assert " remedy a smaller learning rate" in text
    assert max(map(len, result.stdout.splitlines())) <= 80
    strict = run(*words, "--strict")
    assert (strict.exit_code, strict.stdout) == (1, result.stdout)


def test_json_is_the_diagnosis(run, picture, dead):
    words = ("doctor", "lenet5", "--weights", str(dead), "--image", str(picture), "--json")
    net = models.lenet5(weights=dead)
    found = doctor(net, trace(net, load.image(picture, mode="L", resize=32, crop=(32, 32))))
    head = {"model": "lenet5", "weights": str(dead), "photo": "small photo.png"}
    assert json.loads(run(*words).stdout) == {**head, **json.loads(json.dumps(found.to_dict()))}


def test_shapes_alone_need_no_weights_and_no_photo(run):
    text = run("doctor", "lenet5", "--shapes").stdout
    assert text.startswith("lenet5\n12 nodes, 7 checks on shapes alone, for 1×32×32: nothing found.")
    text = run("doctor", "efficientnet_lite0", "--shapes", "--input", "3x32x32").stdout
    assert "collapsed maps: block" in text
    assert max(map(len, text.splitlines())) <= 80
    document = json.loads(run("doctor", "lenet5", "--shapes", "--json").stdout)
    assert (document["weights"], document["photo"], document["images"], document["findings"]) == (None, None, 0, [])


def test_an_onnx_file(run, picture, tmp_path):
    pytest.importorskip("onnx", reason="the reader of ONNX files is not installed: pip install onnx")
    if not hasattr(load, "onnx") or not hasattr(load, "save_onnx"):
        pytest.skip("there is no ONNX reader")
    net = models.lenet5(rng=np.random.default_rng(0))
    load.save_onnx(net, tmp_path / "lenet.onnx", (1, 32, 32))
    result = run("doctor", "--onnx", str(tmp_path / "lenet.onnx"), "--image", str(picture))
    assert result.stdout.startswith("lenet.onnx on small photo.png\n")
    assert "15 checks on 1 image of 1×32×32: nothing found." in result.stdout


def test_help_has_an_example(run):
    text = run("doctor", "--help").stdout
    assert "Example: minicnn doctor efficientnet_lite0 --image photo.jpg" in text
    assert "--strict" in text
    assert max(map(len, text.splitlines())) <= 80


def test_mistakes(mistake, picture):
    assert "the network is MODEL, a name that 'minicnn describe' lists, or --onnx FILE" in mistake("doctor")
    assert "Did you mean 'lenet5'?" in mistake("doctor", "lenet")
    assert "--shapes looks at no photo, but --image names one" in mistake("doctor", "lenet5", "--shapes", "--image", str(picture))
    assert "write --shapes beside it" in mistake("doctor", "lenet5", "--input", "1x28x28")
    assert "node 'c1': Conv2d: weight expects 1 input channels but x has 3" in mistake("doctor", "lenet5", "--shapes", "--input", "3x32x32")
    assert "load.image: no file 'nothing.png'" in mistake(*RANDOM, "--image", "nothing.png")
