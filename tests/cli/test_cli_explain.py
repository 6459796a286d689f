"""minicnn explain: the equation of one number, and the way to its pixels."""

import json

import numpy as np
import pytest
from PIL import Image

from minicnn import load, models, nn, trace
from minicnn.cli.inputs import Chosen
from minicnn.network import Network
from minicnn.probe import explain

RANDOM = ("explain", "lenet5", "--weights", "random")


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "small photo.png"
    Image.fromarray(np.random.default_rng(2).integers(0, 256, (40, 56, 3), dtype=np.uint8)).save(path)
    return path


@pytest.fixture(scope="module")
def traced(picture):
    net = models.lenet5(rng=np.random.default_rng(0))
    return net, trace(net, load.image(picture, mode="L", resize=32, crop=(32, 32)))


def test_one_number_and_its_way_back(run, picture, traced):
    result = run(*RANDOM, "--image", str(picture), "--node", "c3", "--channel", "5", "--at", "3,8", "--back", "99")
    assert (result.exit_code, result.stderr) == (0, "")
    e = explain(*traced, "c3", 5, (3, 8))
    title, _, *lines = result.stdout.rstrip("\n").split("\n")
    assert title == "lenet5 (random) on small photo.png"
    assert "\n".join(lines) == f"{e}\n\n{e.levels()}"
    assert max(map(len, lines)) <= 80
    assert lines[-1].split()[1].startswith("x[0,")


def test_json_holds_every_term(run, picture, traced):
    words = (*RANDOM, "--image", str(picture), "--node", "c3", "--channel", "5", "--at", "(3, 8)", "--json")
    document = json.loads(run(*words).stdout)
    e = explain(*traced, "c3", 5, (3, 8))
    assert (document["model"], document["weights"], document["photo"]) == ("lenet5", "random", "small photo.png")
    assert [term["product"] for term in document["terms"]] == [term.product for term in e.terms]
    assert (document["stored"], document["sum"], document["bias"], document["agrees"]) == (e.stored, e.sum, e.bias, True)
    assert (document["box"]["top"], document["pixels"]) == (e.box.top, int(e.pixels().sum()))
    assert "levels" not in document
    levels = json.loads(run(*words, "--back", "2").stdout)["levels"]
    assert [level["node"] for level in levels] == ["c3", "s2", "relu1"]
    assert [level["stored"] for level in levels] == [level.stored for level in e.follow(2)]


def test_what_is_left_open_is_the_largest_number(run, picture, traced):
    _, found = traced
    top = run(*RANDOM, "--image", str(picture)).stdout
    assert f"output, feature {found['output'].data.argmax()}" in top
    channel, row, column = np.unravel_index(found["c3"].data.argmax(), found["c3"].shape)[1:]
    assert f"c3, channel {channel}, row {row}, column {column}" in run(*RANDOM, "--image", str(picture), "--node", "c3").stdout
    row, column = np.unravel_index(found["c3"].data[0, 2].argmax(), found["c3"].shape[2:])
    text = run(*RANDOM, "--image", str(picture), "--node", "c3", "--channel", "2").stdout
    assert f"c3, channel 2, row {row}, column {column}" in text
    text = run(*RANDOM, "--image", str(picture), "--node", "c3", "--at", "4 5").stdout
    assert f"c3, channel {found['c3'].data[0, :, 4, 5].argmax()}, row 4, column 5" in text


def test_the_number_of_rows(run, picture):
    text = run(*RANDOM, "--image", str(picture), "--node", "output", "--most", "3").stdout
    assert "and 81 more cells: sum " in text


def test_a_second_result_and_a_pixel(run, picture, monkeypatch):
    pooled = Network([("pool", nn.MaxPool2d(2, return_indices=True), ["x"])], outputs=("pool",))
    monkeypatch.setattr("minicnn.models.build", lambda name, **options: pooled)
    text = run(*RANDOM, "--image", str(picture), "--node", "pool:indices", "--channel", "0", "--at", "1,2").stdout
    assert "pool:indices, channel 0, row 1, column 2" in text
    assert "where it stands, as row·width + column" in text
    assert "a pixel of the input: " in run(*RANDOM, "--image", str(picture), "--node", "x", "--channel", "0", "--at", "1,2").stdout


def test_an_ascii_terminal(spawn, picture):
    words = (*RANDOM, "--image", str(picture), "--node", "c1", "--channel", "2", "--at", "0,0", "--back", "9")
    done = spawn(*words, PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert "?" not in done.stdout
    assert "y[2, 0, 0] = b[2] + sum w[2, c, i, j] * x[c, 0 + i, 0 + j]" in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--node", "c33"), "network: there is no node 'c33'. Did you mean 'c3'?"),
        (("--node", "c3:indices"), "explain: there is no map 'c3:indices' in this trace."),
        (("--node", "c3", "--channel", "16"), "explain: the map 'c3' has 16 channels, but channel 16 was asked for; use 0 … 15."),
        (("--node", "c3", "--channel", "-1"), "explain: channel must be at least 0, but it is -1."),
        (("--node", "c3", "--at", "10,0"), "explain: the map 'c3' has 10 rows, but row 10 was asked for; use 0 … 9."),
        (("--node", "c3", "--at", "a,b"), "--at: a position is whole numbers from 0 on, row and column, but it is 'a,b'; write --at 4,5."),
        (("--node", "c3", "--at", "3"), "so a number of it has a channel and at=(row, column), such as at=(5, 5), but at is (3,)."),
        (("--node", "output", "--at", "1,1"), "has a feature and no `at`, but at is (1, 1)."),
        (("--onnx", "net.onnx"), "the network is MODEL, a name that 'minicnn describe' lists, or --onnx FILE, one of them, but both were given."),
    ],
)  # fmt: skip
def test_mistakes(mistake, picture, words, message):
    assert message in mistake(*RANDOM, "--image", str(picture), *words)


def test_neither_model_nor_file(mistake):
    assert "but neither was given." in mistake("explain", "--node", "c3")


def test_a_network_that_takes_no_photo(mistake, monkeypatch):
    row = Network([("fc", nn.Linear(4, 2), ["x"])])
    monkeypatch.setattr("minicnn.cli.inputs.chosen", lambda *_: Chosen("row.onnx", row, (1, 4)))
    assert "feeds a photo of 1 or 3 channels, but row.onnx takes 1×4; use minicnn.probe in Python." in mistake(
        "explain", "--onnx", "row.onnx"
    )


def test_a_wrong_node_is_told_before_anything_runs(mistake, monkeypatch):
    monkeypatch.setattr("minicnn.cli.inputs.photo", lambda *_: pytest.fail("it ran"))
    assert "there is no node" in mistake(*RANDOM, "--node", "nothing")
