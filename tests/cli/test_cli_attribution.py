"""minicnn saliency, grad-cam, occlusion: the API's answers in words, as JSON, and as pictures that replace nothing of others."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minicnn import load, models, probe, trace

RANDOM = ("lenet5", "--weights", "random")
COMMANDS = ("saliency", "grad-cam", "occlusion")


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "small photo.png"
    Image.fromarray(np.random.default_rng(2).integers(0, 256, (40, 56, 3), dtype=np.uint8)).save(path)
    return str(path)


@pytest.fixture(scope="module")
def photo(picture):
    return load.image(picture, mode="L", resize=32, crop=(32, 32))


@pytest.fixture(scope="module")
def net():
    return models.lenet5(rng=np.random.default_rng(0))


def test_saliency(run, picture, photo, net):
    found = probe.saliency(net, trace(net, photo), 3)
    document = json.loads(run("saliency", *RANDOM, "--image", picture, "--class", "3", "--json", "--map").stdout)
    assert (document["model"], document["weights"], document["photo"]) == ("lenet5", "random", "small photo.png")
    assert (document["class"], document["name"], document["score"]) == (3, "class 3", found.score)
    assert document["strongest"] == list(found.strongest)
    np.testing.assert_allclose(document["map"], found.map, rtol=1e-6)
    guided = json.loads(run("saliency", *RANDOM, "--image", picture, "--class", "3", "--json", "--guided").stdout)
    assert guided["guided"]
    assert "map" not in guided
    assert guided["largest"] == float(probe.saliency(net, trace(net, photo), 3, guided=True).map.max())


def test_grad_cam(run, picture, photo, net):
    found = probe.grad_cam(net, trace(net, photo), "relu3")
    document = json.loads(run("grad-cam", *RANDOM, "--image", picture, "--node", "relu3", "--json", "--map").stdout)
    assert (document["node"], document["class"], document["places"]) == ("relu3", found.class_index, [10, 10])
    np.testing.assert_allclose(document["map"], found.map, rtol=1e-6)
    np.testing.assert_allclose(document["weights"], found.weights, rtol=1e-6)


def test_occlusion(run, picture, photo, net):
    settings = ("--patch", "8", "--stride", "6", "--value", "0.5")
    found = probe.occlusion(net, photo, patch=8, stride=6, value=0.5)
    document = json.loads(run("occlusion", *RANDOM, "--image", picture, *settings, "--json", "--map").stdout)
    assert (document["class"], document["places"], document["probability"]) == (found.class_index, [5, 5], found.clean)
    np.testing.assert_allclose(document["map"], found.drop, rtol=1e-12)
    box = found.box(*found.strongest)
    assert document["box"] == {"top": box.top, "left": box.left, "bottom": box.bottom, "right": box.right}
    text = run("occlusion", *RANDOM, "--image", picture, *settings).stdout
    assert f"{document['least']:.1%} where rows {box.top}…{box.bottom}, columns {box.left}…{box.right}" in " ".join(text.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_words_fit_and_pictures_are_ours(run, mistake, picture, tmp_path, command):
    out = str(tmp_path / "answer.png")
    for _ in range(2):  # what we wrote we may replace
        result = run(command, *RANDOM, "--image", picture, "--out", out)
        assert (result.exit_code, result.stderr) == (0, "")
        assert max(map(len, result.stdout.splitlines()[:-1])) <= 80
        assert result.stdout.startswith("lenet5 (random) on small photo.png\nclass")
        with Image.open(out) as image:
            assert image.size[0] > 1000
            assert image.info["Software"].startswith("minicnn ")
    before = Path(picture).read_bytes()
    assert "--out: only pictures that minicnn wrote are replaced" in mistake(command, *RANDOM, "--image", picture, "--out", picture)
    assert Path(picture).read_bytes() == before
    assert "is called 'answer.jpg'; call it answer.png" in mistake(command, *RANDOM, "--out", "answer.jpg")


@pytest.mark.parametrize("command", COMMANDS)
def test_mistakes(mistake, picture, command):
    words = (command, *RANDOM, "--image", picture)
    assert "the network has classes 0 … 9, but class 10 was asked for" in mistake(*words, "--class", "10")
    assert "there is no model 'lenet6'. Did you mean 'lenet5'?" in mistake(command, "lenet6")
    assert "MODEL, a name that 'minicnn describe' lists, or --onnx FILE, one of them, but neither was given" in mistake(command)
    assert "but both were given" in mistake(command, "lenet5", "--onnx", "net.onnx")


def test_more_mistakes(mistake, picture):
    words = (*RANDOM, "--image", picture)
    assert "there is no map 'relu9'" in mistake("grad-cam", *words, "--node", "relu9")
    assert "the patch must fit on the photo, but it has 64 rows and the photo 32" in mistake("occlusion", *words, "--patch", "64")
    assert "stride must be at least 1, but it is 0" in mistake("occlusion", *words, "--stride", "0")


@pytest.mark.parametrize("command", [*COMMANDS, "deconvnet", "effective-field", "top-patches", "embedding"])
def test_help_has_an_example(run, command):
    text = run(command, "--help").stdout
    assert f"Example: minicnn {command} efficientnet_lite0" in " ".join(text.split())
    assert all(word in text for word in ("--image", "--weights", "--onnx", "--json"))
