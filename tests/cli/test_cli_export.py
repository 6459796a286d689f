"""minicnn export: a model as an ONNX file."""

import json

import pytest

from minicnn import load, models

onnx = pytest.importorskip("onnx")


def test_the_file_is_save_onnx_s(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("export", "lenet5", "lenet5.onnx")
    assert (result.exit_code, result.stderr) == (0, "")
    expected = load.save_onnx(models.lenet5(weights="pretrained"), tmp_path / "expected.onnx", (1, 32, 32))
    assert (tmp_path / "lenet5.onnx").read_bytes() == expected.read_bytes()
    text = " ".join(result.stdout.split())
    assert f"({expected.stat().st_size:,} bytes), 12 nodes, passed by onnx.checker" in text
    assert "x: N×1×32×32, any batch" in text
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_options(run, tmp_path):
    path = tmp_path / "net.onnx"
    words = ("export", "lenet5", str(path), "--weights", "random", "--fuse", "--opset", "21", "--json")
    document = json.loads(run(*words).stdout)
    assert (document["nodes"], document["file"], document["input_shape"]) == (9, str(path), [1, 32, 32])
    assert document["bytes"] == path.stat().st_size
    assert onnx.load(path).opset_import[0].version == 21
    assert run(*words, "--overwrite").exit_code == 0


def test_what_was_exported_can_be_asked(run, tmp_path):
    path = str(tmp_path / "lenet5.onnx")
    run("export", "lenet5", path)
    described = run("describe", "--onnx", path).stdout
    assert described.replace("lenet5.onnx", "lenet5") == run("describe", "lenet5").stdout
    traced = json.loads(run("trace", "--onnx", path, "--json").stdout)
    expected = json.loads(run("trace", "lenet5", "--json").stdout)
    assert traced["model"] == "lenet5.onnx"
    assert "weights" not in traced
    assert [row["mean"] for row in traced["maps"]] == [row["mean"] for row in expected["maps"]]
    assert run("trace", "--onnx", path).stdout.startswith("lenet5.onnx on a photo")


def test_mistakes(run, mistake, tmp_path):
    path = str(tmp_path / "net.onnx")
    run("export", "lenet5", path)
    assert "net.onnx' is there; save under another name, or add --overwrite." in mistake("export", "lenet5", path)
    assert "an ONNX model is written as .onnx, but the file is called 'net.pb'" in mistake("export", "lenet5", str(tmp_path / "net.pb"))
    assert "opset is one of 13 … 23, but it is 3" in mistake("export", "lenet5", path, "--opset", "3", "--overwrite")
    assert "there is no model 'lenet'" in mistake("export", "lenet", path, "--overwrite")
    assert "or --onnx FILE, one of them, but both were given" in mistake("describe", "lenet5", "--onnx", path)
    assert "or --onnx FILE, one of them, but neither was given" in mistake("trace")
