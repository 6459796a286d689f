"""The report: one file that names no other, runs nothing of others, and holds what it says."""

import base64
import hashlib
import html
import json
import re
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from nets import branching, crooked, one_node, shifted

sys.path[:0] = [str(Path(__file__).parents[1] / "layers")]
from samples import cases, drawn  # noqa: E402

from minicnn import Network, load, models, nn, show, trace  # noqa: E402
from minicnn.errors import ArgumentError, FileFormatError, ShapeError, UnknownNameError  # noqa: E402
from minicnn.probe import explain  # noqa: E402
from minicnn.show import bundle  # noqa: E402
from minicnn.show.encoded import jsonable  # noqa: E402
from minicnn.show.payload import payload  # noqa: E402

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node.js is not installed; it runs the page's JavaScript outside a browser")
PAYLOAD = re.compile(r'<script type="text/plain" id="minicnn-payload">([A-Za-z0-9+/=]*)</script>')


def held_in(text):
    """Return what a page holds, read as the page reads it."""
    return json.loads(zlib.decompress(base64.b64decode(PAYLOAD.search(text)[1])))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    net, found = crooked()
    assert show.report(net, found, path, title="A <b>title</b> & more") == path
    return path


@pytest.fixture(scope="module")
def text(written):
    return written.read_text(encoding="utf-8")


def test_it_holds_the_payload(text):
    net, found = crooked()
    again = payload(net, found, title="A <b>title</b> & more")
    assert held_in(text)["nodes"][1]["name"] == "wide.conv"
    assert held_in(text) == json.loads(json.dumps(again))


def test_it_asks_no_other_file_and_no_host(text):
    page = PAYLOAD.sub("", text)
    addresses = set(re.findall(r"https?://[^\s\"'`<)]+", page))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # a name, not an address
    assert not re.search(r"<(link|script|img|iframe)[^>]*\b(src|href)=\"(?!data:)", page)
    assert not re.search(r"\bfetch\(|XMLHttpRequest|WebSocket|sendBeacon|importScripts|\bimport\(", page)


def test_its_policy_allows_its_own_script_and_style_and_nothing_else(text):
    policy = html.unescape(re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1])
    rules = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["img-src"] == "data:"
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert rules[rule] == f"'sha256-{base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()}'"
    assert "unsafe-eval" not in policy
    assert text.index("Content-Security-Policy") < text.index("<style>") < text.index("<script>")


def test_words_from_outside_are_text(text, tmp_path):
    assert "<b>title</b>" not in PAYLOAD.sub("", text)
    assert "<title>A &lt;b&gt;title&lt;/b&gt; &amp; more</title>" in text
    bad = '</script><img src=x onerror="alert(1)">'
    net = nn.Sequential((f"conv{bad}", nn.ReLU()))
    path = show.report(net, trace(net, np.ones((1, 1, 2, 2), np.float32)), tmp_path / "bad.html", title=f"photo{bad}.jpg")
    page = path.read_text(encoding="utf-8")
    assert bad not in page
    assert "onerror=&quot;" in page
    assert page.count("</script>") == 2
    assert held_in(page)["nodes"][1]["name"] == f"conv{bad}"


def test_it_says_what_it_holds_and_that_we_wrote_it(text, written):
    from minicnn.show.files import is_ours

    assert re.search(r"<p>This page holds .* at most [\d.e-]+ away from the stored number \(in [\w.]+\)", text)
    assert is_ours(written)


def test_efficientnet_fits(tmp_path):
    net = models.efficientnet_lite0(rng=np.random.default_rng(0))
    found = trace(net, np.random.default_rng(1).standard_normal((1, 3, 224, 224), np.float32))
    path = show.report(net, found, tmp_path / "lite0.html")
    assert path.stat().st_size < 4_000_000
    page = held_in(path.read_text(encoding="utf-8"))
    assert len(page["nodes"]) == 144
    assert sum(bool(node["maps"]) for node in page["nodes"]) == 12
    assert all(
        len(node["explained"]) in (3, 4) or node["name"] == "x" or len(node["shape"]) == 2
        for node in page["nodes"]
        if node["shape"][2:] != [1, 1]
    )


def test_full_holds_everything_and_prints_its_size(tmp_path, capsys):
    net, found = crooked()
    path = show.report(net, found, tmp_path / "full.html", full=True)
    said = capsys.readouterr().out
    assert said.startswith("full.html: ")
    assert said.endswith(" kB, every number of 11 maps\n")
    assert all(node["maps"]["data"]["dtype"] == "f4" for node in held_in(path.read_text(encoding="utf-8"))["nodes"])


# what the page reads out of it

ANSWERS = """
import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";
import { reportSource } from "./source.js";
const words = (key, x) => (typeof x === "number" && !Number.isFinite(x) ? String(x) : x instanceof Float32Array ? [...x] : x);
const { pages, asked } = JSON.parse(readFileSync("questions.json", "utf-8"));
const sources = pages.map((page) => reportSource(page));
for (const [page, question] of asked) {
  console.log(JSON.stringify(await sources[page].ask(question).catch((error) => ({ error: error.message })), words));
}
"""


class Asker:
    """Asks a report's source (viewer/source.js) questions about payloads; one process answers all."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("dom.js", "source.js"):
            (folder / name).write_text(bundle.viewer(name), encoding="utf-8")
        (folder / "package.json").write_text('{"type": "module"}')
        (folder / "answers.js").write_text(ANSWERS)

    def __call__(self, page, questions):
        return self.each([page] * len(questions), questions)

    def each(self, pages, questions):
        """Return the answer to each question about its own page."""
        own = list({id(page): page for page in pages}.values())
        places = {id(page): place for place, page in enumerate(own)}
        asked = [(places[id(page)], question) for page, question in zip(pages, questions, strict=True)]
        (self.folder / "questions.json").write_text(json.dumps({"pages": own, "asked": asked}), encoding="utf-8")
        done = subprocess.run([NODE, "answers.js"], cwd=self.folder, capture_output=True, encoding="utf-8")
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    return Asker(tmp_path_factory.mktemp("source"))


def as_page(plain):
    """Return plain data as JavaScript writes it: -0 as 0, 1.0 as 1."""
    return json.loads(json.dumps(jsonable(plain)))


def explained_by(ask, net, found):
    """Check that every explanation that a page holds is probe.explain's."""
    page = payload(net, found)
    questions = []
    for node in page["nodes"]:
        for key in node["explained"]:
            channel, *at = map(int, key.split(","))
            questions.append({"kind": "explain", "node": node["name"], "channel": channel, "at": at or None})
    for question, answer in zip(questions, ask(page, questions), strict=True):
        wanted = explain(net, found, question["node"], question["channel"], question["at"]).to_dict()
        assert answer == as_page(wanted), question
    return len(questions)


@needs_node
@pytest.mark.parametrize("built", [crooked(), branching(), shifted()], ids=["crooked", "branching", "shifted"])
def test_the_page_explains_as_probe_does(ask, built):
    assert explained_by(ask, *built) >= 7


@needs_node
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_page_explains_every_layer(ask, dtype):
    pages, questions, wanted = [], [], []
    for _, layer, shapes in cases():
        names = [f"in{number}" for number in range(len(shapes))]
        net = Network([("node", layer, names)], inputs=names, input_shapes=dict(zip(names, shapes, strict=True)))
        found = trace(net, *drawn(layer, shapes, dtype))
        page = payload(net, found)
        for node in page["nodes"]:
            for key in node["explained"]:
                channel, *at = map(int, key.split(","))
                pages.append(page)
                questions.append({"kind": "explain", "node": node["name"], "channel": channel, "at": at or None})
                wanted.append(as_page(explain(net, found, node["name"], channel, at).to_dict()))
    assert len(questions) > 200
    for question, answer, own in zip(questions, ask.each(pages, questions), wanted, strict=True):
        assert answer == own, question


@needs_node
def test_numbers_that_are_not_finite_are_explained(ask):
    x = np.array([[[[np.nan, np.inf, 1.0], [-np.inf, 2.0, -0.0]]]], np.float32)
    net = nn.Sequential(nn.Conv2d.of(np.ones((1, 1, 2, 2), np.float32), padding=1), nn.MaxPool2d(2))
    explained_by(ask, net, trace(net, x))
    endless = nn.Sequential(nn.Conv2d.of(np.full((1, 1, 2, 2), np.inf, np.float32), padding=1))  # padding is skipped: ∞·0 would be NaN
    explained_by(ask, endless, trace(endless, np.ones((1, 1, 2, 3), np.float32)))


@needs_node
def test_maps_come_from_what_is_held(ask):
    net, found = crooked()
    page = payload(net, found)
    whole, exact, small = ask(page, [{"kind": "map", "node": name, "channel": 2} for name in ("pool", "x", "deep.conv")])
    stored = found["pool"].data[0, 2]
    assert (whole["rows"], whole["columns"], whole["exact"]) == (*stored.shape, False)
    maps = next(node["maps"] for node in page["nodes"] if node["name"] == "pool")
    np.testing.assert_allclose(whole["values"], stored.ravel(), atol=0.51 * (maps["hi"] - maps["lo"]) / 252)
    assert exact["exact"]
    np.testing.assert_array_equal(np.float32(exact["values"]), found["x"].data[0, 2].ravel())
    assert (small["rows"], small["columns"], small["exact"]) == (*found["deep.conv"].shape[2:], False)
    (full,) = ask(payload(net, found, full=True), [{"kind": "map", "node": "deep.conv", "channel": 6}])
    assert full["exact"]
    np.testing.assert_array_equal(np.float32(full["values"]), found["deep.conv"].data[0, 6].ravel())


@needs_node
def test_what_is_not_held_is_refused_with_what_is(ask):
    net, found = one_node(np.random.default_rng(0).random((1, 2048, 56, 56), np.float32))
    page = payload(net, found)
    channels = page["nodes"][1]["thumbnails"]["channels"]
    missing = min(set(range(2048)) - set(channels))
    questions = [
        {"kind": "map", "node": "relu1", "channel": missing},
        {"kind": "explain", "node": "relu1", "channel": 5, "at": [1, 2]},
        {"kind": "explain", "node": "x", "channel": 0, "at": [0, 0]},
        {"kind": "map", "node": "relu7", "channel": 0},
    ]
    errors = [answer["error"] for answer in ask(page, questions)]
    assert (
        errors[0]
        == f"This page holds {len(channels)} of the channels of relu1, not channel {missing}. show.report(…, full=True) holds every map."
    )
    assert re.match(
        r"This page explains \(\d+, \d+, \d+\), .* of relu1, not \(5, 1, 2\)\. show\.stepper\(net, trace\) in a notebook", errors[1]
    )
    assert errors[2] == "x is what went in: channel 0 at (0, 0) is no sum of anything."
    assert errors[3] == "There is no map “relu7” on this page."


# files


def test_no_file_is_replaced_unasked(tmp_path):
    net, found = one_node()
    path = tmp_path / "report.html"
    path.write_text("mine")
    with pytest.raises(
        ArgumentError, match=r"show\.report: no file is replaced unasked, but .*report\.html' is there; save under another name"
    ):
        show.report(net, found, path)
    assert path.read_text() == "mine"
    show.report(net, found, path, overwrite=True)
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]


def test_whole_or_not_at_all(tmp_path, monkeypatch):
    net, found = one_node()
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(FileFormatError, match=r"could not be written \(No space left on device\), and nothing was"):
        show.report(net, found, tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_mistakes(tmp_path):
    net, found = one_node()
    with pytest.raises(ArgumentError, match=r"a report is written as HTML, but the file is called 'report\.pdf'; call it report\.html"):
        show.report(net, found, tmp_path / "report.pdf")
    with pytest.raises(ArgumentError, match="title is text, but it is a int"):
        show.report(net, found, tmp_path / "report.html", title=3)
    with pytest.raises(ArgumentError, match="full is True or False, but it is 1"):
        show.report(net, found, tmp_path / "report.html", full=1)
    with pytest.raises(ArgumentError, match=r"show\.report: the second argument is what trace"):
        show.report(net, net, tmp_path / "report.html")
    with pytest.raises(ArgumentError, match=r"show\.report: the trace must be of this network"):
        show.report(crooked()[0], found, tmp_path / "report.html")
    with pytest.raises(ShapeError, match="photo must be what the network saw"):
        show.report(net, found, tmp_path / "report.html", photo=np.zeros((4, 4, 3)))
    with pytest.raises(FileFormatError, match="does not exist; make it first"):
        show.report(net, found, tmp_path / "no" / "report.html")
    pair = nn.Sequential(nn.ReLU(), nn.Tanh(), nn.Tanh())
    with pytest.raises(UnknownNameError, match="were let go"):
        show.report(pair, trace(pair, np.zeros((1, 1, 2, 2)), keep="gradient"), tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_an_image_loaded_by_load_image_is_shown_as_it_was(tmp_path):
    from test_payload import png_of

    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    x = load.image(pixels, mean=load.IMAGENET["mean"], std=load.IMAGENET["std"])
    net = nn.Sequential(nn.Conv2d(3, 2, 3))
    page = held_in(show.report(net, trace(net, x), tmp_path / "report.html").read_text(encoding="utf-8"))
    np.testing.assert_array_equal(png_of(page["inputs"][0]["picture"]), pixels)
