"""minicnn memory: what a pass takes, its curve, and its JSON."""

import json

import numpy as np
import pytest

from minicnn import load, models
from minicnn.probe import memory


def test_a_forward_pass(run):
    result = run("memory", "efficientnet_lite0")
    assert (result.exit_code, result.stderr) == (0, "")
    lines, found = result.stdout.splitlines(), memory(models.efficientnet_lite0(), (3, 224, 224))
    assert lines[:2] == ["efficientnet_lite0", found.summary]
    text = " ".join(result.stdout.split())
    for what, size, why in found.facts():
        assert f"{what} " in text
        assert why in text
        assert size > 0
    assert lines[-18:] == found.timeline()
    assert "each row the fullest of some moments:" in result.stdout
    assert max(map(len, lines)) <= 80


def test_training_a_batch(run):
    result = run("memory", "lenet5", "--batch", "16", "--training", "--optimizer", "ADAM")
    found = memory(models.lenet5(), (16, 1, 32, 32), True, "Adam")
    assert found.summary in result.stdout
    assert "Memory of train.fit on 16×1×32×32 float32" in result.stdout
    assert "2 arrays per parameter" in " ".join(result.stdout.split())
    assert "\nend of the step" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "momentum" not in run("memory", "lenet5", "--training", "--optimizer", "3").stdout


def test_the_moments_of_a_short_network(run):
    text = run("memory", "lenet5").stdout
    assert "Alive, moment by moment:\n" in text
    assert sum(line.endswith("  peak") for line in text.splitlines()) == 1


def test_json(run):
    document = json.loads(run("memory", "lenet5", "--input", "1x34x35", "--batch", "2", "--json").stdout)
    found = memory(models.lenet5(), (2, 1, 34, 35))
    assert document == {"model": "lenet5", **json.loads(json.dumps(found.to_dict()))}
    assert document["input_shape"] == [2, 1, 34, 35]


def test_an_onnx_file(run, tmp_path):
    pytest.importorskip("onnx", reason="the reader of ONNX files is not installed: pip install onnx")
    if not hasattr(load, "onnx") or not hasattr(load, "save_onnx"):
        pytest.skip("there is no ONNX reader")
    load.save_onnx(models.lenet5(rng=np.random.default_rng(0)), tmp_path / "lenet.onnx", (1, 32, 32))
    text = run("memory", "--onnx", str(tmp_path / "lenet.onnx")).stdout
    assert text.startswith("lenet.onnx\nMemory of a forward pass on 1×1×32×32 float32: ")


def test_help_has_an_example(run):
    text = run("memory", "--help").stdout
    assert "Example: minicnn memory resnet50 --batch 8 --training --optimizer adam" in text
    assert max(map(len, text.splitlines())) <= 80


def test_mistakes(mistake):
    assert "the network is MODEL, a name that 'minicnn describe' lists, or --onnx FILE" in mistake("memory")
    assert "Did you mean 'lenet5'?" in mistake("memory", "lenet")
    assert "--optimizer steps in training only; write --training beside it" in mistake("memory", "lenet5", "--optimizer", "adam")
    assert "it is 'adan'. Known: SGD, momentum, Adam, AdamW." in mistake("memory", "lenet5", "--training", "--optimizer", "adan")
    assert "but the shape has 4 axes already; write it into --input" in mistake("memory", "lenet5", "--input", "2x1x32x32", "--batch", "3")
    assert "such as 3x224x224" in mistake("memory", "lenet5", "--input", "32")
    mistake_of_option = mistake("memory", "lenet5", "--optimizer", "-1", "--training")
    assert "optimizer" in mistake_of_option
