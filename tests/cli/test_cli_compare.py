"""minicnn compare: what differs between two networks."""

import json

import pytest

from minicnn import load, models, probe


def test_the_answer_is_the_api_s_in_80_columns(run):
    result = run("compare", "vgg16", "vgg16_bn")
    assert (result.exit_code, result.stderr) == (0, "")
    head, *lines = result.stdout.splitlines()
    assert head == "a = vgg16, b = vgg16_bn"
    assert lines == str(probe.compare(models.vgg16(), models.vgg16_bn(), (3, 224, 224))).splitlines()
    assert max(map(len, lines)) <= 80


def test_each_network_has_its_own_input(run):
    document = json.loads(run("compare", "lenet5", "efficientnet_lite0", "--json").stdout)
    assert document["input_shape"] == {"a": [1, 1, 32, 32], "b": [1, 3, 224, 224]}
    assert document["totals"]["parameters"] == {"a": 61_706, "b": 4_652_008}


def test_one_input_for_both(run):
    document = json.loads(run("compare", "resnet18", "resnet34", "--input", "3x64x96", "--json").stdout)
    assert document["input_shape"] == {"a": [1, 3, 64, 96], "b": [1, 3, 64, 96]}
    assert {row["change"] for row in document["changes"]} == {"added", "changed"}


def test_an_onnx_file(run, tmp_path):
    pytest.importorskip("onnx")
    path = load.save_onnx(models.lenet5(weights="pretrained"), tmp_path / "copy.onnx", (1, 32, 32))
    text = run("compare", "lenet5", str(path)).stdout
    assert text.startswith("a = lenet5, b = copy.onnx\na: 12 nodes, b: 12 nodes; nothing changed, 12 alike\n")


def test_mistakes(mistake, tmp_path):
    assert "models: there is no model 'lenet6'. Did you mean 'lenet5'?" in mistake("compare", "lenet5", "lenet6")
    assert "no file 'no.onnx'" in mistake("compare", "lenet5", str(tmp_path / "no.onnx"))
    assert "compare: the first network: node 'f6'" in mistake("compare", "lenet5", "lenet5", "--input", "1x32x48")
    assert "--input: a shape has two to four whole numbers" in mistake("compare", "lenet5", "lenet5", "--input", "big")
