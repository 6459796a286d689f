"""minicnn deconvnet, effective-field, top-patches, embedding."""

import json

import numpy as np
import pytest
from PIL import Image

from minicnn import load, models, probe, trace
from minicnn.cli.answering import place
from minicnn.errors import ArgumentError

RANDOM = ("lenet5", "--weights", "random")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("photos")
    for number in range(4):
        pixels = np.random.default_rng(number).integers(0, 256, (36, 34 + number, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path / f"photo {number}, of which the name is long.png")
    (path / "notes.txt").write_text("no photo")
    return path


def width(path):
    with Image.open(path) as image:
        return image.size[0]


@pytest.fixture(scope="module")
def photos(folder):
    return [load.image(path, mode="L", resize=32, crop=(32, 32)) for path in sorted(folder.glob("*.png"))]


@pytest.fixture(scope="module")
def net():
    return models.lenet5(rng=np.random.default_rng(0))


@pytest.fixture
def first(folder):
    return ("--image", str(min(folder.glob("*.png"))))


def test_deconvnet(run, first, photos, net, tmp_path):
    found = probe.deconvnet(net, trace(net, photos[0]), "s4", 2)
    out = str(tmp_path / "pattern.png")
    words = ("deconvnet", *RANDOM, *first, "--node", "s4", "--channel", "2", "--out", out)
    document = json.loads(run(*words, "--json", "--map").stdout)
    assert (document["at"], document["value"], document["picture"]) == (list(found.at), found.value, out)
    assert document["box"]["bottom"] == found.box.bottom
    np.testing.assert_allclose(document["map"], found.picture, rtol=1e-6)
    text = " ".join(run(*words).stdout.split())
    assert f"activation {found.value:.4g} in channel 2 of s4, place {found.at}" in text
    assert width(out) > 1000


def test_effective_field(run, first, photos, net, tmp_path):
    found = probe.effective_field(net, trace(net, photos[0]), "c3", (3, 5), channel=4)
    out = str(tmp_path / "field.png")
    words = ("effective-field", *RANDOM, *first, "--node", "c3", "--at", "3,5", "--channel", "4")
    document = json.loads(run(*words, "--json", "--map", "--out", out).stdout)
    assert (document["seen"], document["pixels"], document["share"]) == (196, found.pixels, found.share)
    np.testing.assert_allclose(document["map"], found.weight, rtol=1e-6)
    assert width(out) > 1000
    middle = run("effective-field", *RANDOM, *first, "--node", "c3").stdout
    assert "c3 at (5, 5), the sum of all channels" in middle
    assert max(map(len, middle.splitlines())) <= 80


def test_top_patches(run, folder, photos, net, tmp_path):
    found = probe.top_patches(net, photos, "relu3", 1, 3)
    out = str(tmp_path / "patches.png")
    words = ("top-patches", *RANDOM, "--image", str(folder), "--node", "relu3", "--channel", "1", "--k", "3")
    document = json.loads(run(*words, "--json", "--out", out).stdout)
    assert document["images"] == 4
    assert [(row["at"], row["value"]) for row in document["patches"]] == [(list(p.at), p.value) for p in found]
    assert document["patches"][0]["photo"].startswith(f"photo {found[0].image}")
    text = run(*words).stdout
    assert "the 3 strongest in 4 photos" in text
    assert max(map(len, text.splitlines())) <= 80
    assert width(out) > 500


def test_one_photo_gives_all_its_places(run, first, photos, net):
    document = json.loads(run("top-patches", *RANDOM, *first, "--node", "relu3", "--channel", "1", "--json").stdout)
    found = probe.top_patches(net, photos[0], "relu3", 1, 9, per_image=None)
    assert [row["value"] for row in document["patches"]] == [p.value for p in found]
    assert len(document["patches"]) == 9


def test_embedding(run, folder, photos, net):
    rows = probe.embedding(net, photos)
    near = probe.neighbours(rows, rows, 3)
    document = json.loads(run("embedding", *RANDOM, "--image", str(folder), "--k", "2", "--json", "--map").stdout)
    np.testing.assert_allclose(document["rows"], rows.rows, rtol=1e-6)
    assert (document["node"], document["features"], len(document["photos"])) == (rows.node, rows.rows.shape[1], 4)
    for number, row in enumerate(document["neighbours"]):
        assert [each["photo"] for each in row] == [document["photos"][i] for i in near.indices[number, 1:]]
    text = run("embedding", *RANDOM, "--image", str(folder)).stdout
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("…") == 4 + 4 * 3 + 1  # a name and three neighbours each; and the range of numbers


def test_places():
    assert place("3,5") == place("(3, 5)") == place("3 5") == place("3x5") == (3, 5)
    assert place(None) is None
    for wrong in ("3", "3,5,6", "a,b", "-1,2", ""):
        with pytest.raises(ArgumentError, match=r"--at: a place is a row and a column, such as 3,5, but it is"):
            place(wrong)


def test_mistakes(mistake, run, folder, first, tmp_path):
    assert "there is no node 's44'. Did you mean 's4'?" in mistake("deconvnet", *RANDOM, *first, "--node", "s44", "--channel", "0")
    assert "'s4' has channels 0 … 15, but channel 16" in mistake("deconvnet", *RANDOM, *first, "--node", "s4", "--channel", "16")
    assert "--at: a place is a row and a column" in mistake("effective-field", *RANDOM, *first, "--node", "s4", "--at", "1")
    assert "place (9, 9) was asked for" in mistake("effective-field", *RANDOM, *first, "--node", "s4", "--at", "9,9")
    assert "but 'flatten' is 1×120" in mistake("effective-field", *RANDOM, *first, "--node", "flatten")
    assert "--image: a folder holds photos" in mistake("embedding", *RANDOM, "--image", str(tmp_path))
    assert "there is no node 'c9'" in mistake("top-patches", *RANDOM, *first, "--node", "c9", "--channel", "0")
    assert run("deconvnet", *RANDOM, "--channel", "0").exit_code == 2  # --node is missing
