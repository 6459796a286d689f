"""minicnn trace: statistics of every map, and one map in detail."""

import json
import warnings

import numpy as np
import pytest
from PIL import Image

from minicnn import load, models, trace

RANDOM = ("trace", "lenet5", "--weights", "random")


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "small photo.png"
    Image.fromarray(np.random.default_rng(2).integers(0, 256, (40, 56, 3), dtype=np.uint8)).save(path)
    return path


@pytest.fixture(scope="module")
def traced(picture):
    x = load.image(picture, mode="L", resize=32, crop=(32, 32))
    return trace(models.lenet5(rng=np.random.default_rng(0)), x)


def test_the_table(run, picture, traced):
    result = run(*RANDOM, "--image", str(picture))
    assert (result.exit_code, result.stderr) == (0, "")
    assert "lenet5 (random) on small photo.png" in result.stdout
    lines = result.stdout.splitlines()
    row = next(line for line in lines if line.startswith("relu3")).split()
    seen = traced["relu3"].statistics
    assert row[:4] == ["relu3", "ReLU", "16×10×10", "14/2"]
    assert row[4:7] == [f"{seen.mean:.3f}", f"{seen.std:.3f}", f"{seen.zeros:.0%}"]
    assert {each.name for each in traced} <= {line.split()[0] for line in lines if line}
    assert max(map(len, lines)) <= 80


def test_json_holds_every_number(run, picture, traced):
    document = json.loads(run(*RANDOM, "--image", str(picture), "--json").stdout)
    assert [row["name"] for row in document["maps"]] == [each.name for each in traced]
    for row in document["maps"]:
        seen = traced[row["name"]].statistics
        assert row["shape"] == list(traced[row["name"]].shape)
        assert (row["mean"], row["std"], row["min"], row["max"], row["zeros"]) == (seen.mean, seen.std, seen.min, seen.max, seen.zeros)
        assert row["dead_channels"] == list(seen.dead_channels)
    assert document["bytes"] == traced.nbytes
    assert set(document["seconds"]) == {"load", "forward", "statistics"}


def test_one_map_in_detail(run, picture, traced):
    text = run(*RANDOM, "--image", str(picture), "--node", "s4").stdout
    assert "FeatureMap 's4': 1×16×5×5 float32, 1.60 kB, other" in text
    assert "MaxPool2d(kernel_size=2, stride=2) of relu3" in text
    assert "16 / 4 / 0 (size / stride / padding)" in text
    box = traced["s4"].box(2, 2)
    assert f"(2, 2) sees 256 pixels, rows {box.top}…{box.bottom}, columns {box.left}…{box.right}" in text
    largest = np.unravel_index(traced["s4"].data.argmax(), traced["s4"].shape)
    assert f"{traced['s4'].data.max():.4g} in channel {largest[1]}: ({largest[2]}, {largest[3]}) sees" in text
    assert max(map(len, text.splitlines())) <= 80


def test_one_map_as_json(run, picture, traced):
    document = json.loads(run(*RANDOM, "--image", str(picture), "--node", "c3", "--json").stdout)
    box = traced["c3"].box(5, 5)
    assert document["centre_unit"]["box"] == {"top": box.top, "left": box.left, "bottom": box.bottom, "right": box.right}
    assert document["centre_unit"]["pixels"] == 14 * 14
    assert document["largest"]["value"] == traced["c3"].data.max()
    assert document["layer"] == "Conv2d(6, 16, kernel_size=5)"


def test_a_row_of_features_and_the_input(run, picture):
    text = run(*RANDOM, "--image", str(picture), "--node", "flatten").stdout
    assert "sees everything: flatten" in text
    assert "centre unit" not in text
    assert "FeatureMap 'x': 1×1×32×32" in run(*RANDOM, "--image", str(picture), "--node", "x").stdout


def test_mistakes(mistake, picture, tmp_path):
    net_of_another = load.save_weights({"c1.weight": np.zeros((6, 1, 3, 3), np.float32)}, tmp_path / "other.npz")
    assert "On the command line: --weights FILE, or --weights random" in mistake("trace", "lenet5", "--weights", str(net_of_another))
    assert "network: there is no node 'c33'. Did you mean 'c3'?" in mistake(*RANDOM, "--node", "c33")
    assert "load.image: no file 'nothing.png'" in mistake(*RANDOM, "--image", str(tmp_path / "nothing.png"))
    assert "is not a picture" in mistake(*RANDOM, "--image", __file__)
    assert "load.weights: no file 'nothing.pth'" in mistake("trace", "lenet5", "--weights", str(tmp_path / "nothing.pth"))
    assert "load.weights: small photo.png is a PNG image" in mistake("trace", "lenet5", "--weights", str(picture))


def test_an_unknown_node_is_told_before_anything_runs(mistake, monkeypatch):
    monkeypatch.setattr("minicnn.cli.maps.run", lambda *_: pytest.fail("it ran"))
    assert "there is no node" in mistake(*RANDOM, "--node", "nothing")


def test_warnings_become_notes_on_stderr(run, picture, monkeypatch):
    original = models.build

    def build(*words, **options):
        warnings.warn("something worth knowing", UserWarning, stacklevel=2)
        return original(*words, **options)

    monkeypatch.setattr("minicnn.models.build", build)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        result = run(*RANDOM, "--image", str(picture), "--json")
    assert result.stderr == "something worth knowing\n"
    assert json.loads(result.stdout)


def test_the_first_compilation_is_announced_once(spawn, picture, tmp_path):
    done = spawn(*RANDOM, "--image", str(picture), "--json", NUMBA_CACHE_DIR=str(tmp_path), NUMBA_DISABLE_JIT="0")
    assert done.stderr == "compiling kernels for this machine, once (about 10 s) …\n"
    assert json.loads(done.stdout)["model"] == "lenet5"
    again = spawn(*RANDOM, "--image", str(picture), "--json", NUMBA_CACHE_DIR=str(tmp_path), NUMBA_DISABLE_JIT="0")
    assert again.stderr == ""
