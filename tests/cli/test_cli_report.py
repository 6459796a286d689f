"""minicnn report: a page as a file."""

import json

import pytest

from minicnn.show.files import is_ours

LENET = ("report", "lenet5", "--weights", "random")


def test_it_is_written(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*LENET)
    assert (result.exit_code, result.stderr) == (0, "")
    file = tmp_path / "report.html"
    assert is_ours(file)
    text = " ".join(result.stdout.split())
    assert text.startswith("lenet5 (random) on a photo of Rear Admiral Grace Hopper")
    assert f"written report.html ({file.stat().st_size:,} bytes), 13 maps" in text
    assert "open it in any browser; it asks no network" in text
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "lenet5 on a photo of Rear Admiral Grace Hopper, matplotlib&#x27;s sample" in file.read_text(encoding="utf-8")


def test_full_and_json(run, tmp_path):
    small, full = (tmp_path / name for name in ("small.html", "full.html"))
    run(*LENET, "--out", str(small))
    document = json.loads(run(*LENET, "--out", str(full), "--full", "--json").stdout)
    assert document == {
        "model": "lenet5",
        "weights": "random",
        "photo": "a photo of Rear Admiral Grace Hopper, matplotlib's sample",
        "file": str(full),
        "bytes": full.stat().st_size,
        "maps": 13,
        "full": True,
    }
    assert full.stat().st_size > small.stat().st_size


def test_a_photo_with_markup_in_its_name(run, tmp_path):
    from PIL import Image

    path = tmp_path / "<b>&amp;.png"
    try:
        Image.new("L", (40, 30)).save(path)
    except OSError:
        pytest.skip("this system takes no such name")
    assert run(*LENET, "--image", str(path), "--out", str(tmp_path / "report.html")).exit_code == 0
    assert "lenet5 on &lt;b&gt;&amp;amp;.png</h1>" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_open(run, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("webbrowser.open", lambda address: asked.append(address) or True)
    monkeypatch.setenv("BROWSER", "any")
    run(*LENET, "--out", str(tmp_path / "report.html"), "--open")
    assert asked == [(tmp_path / "report.html").as_uri()]


def test_mistakes(run, mistake, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.html").write_text("mine")
    assert "--out: no file is replaced unasked, but 'mine.html' is there; save under another name, or add --overwrite." in mistake(
        *LENET, "--out", "mine.html"
    )
    assert (tmp_path / "mine.html").read_text() == "mine"
    assert run(*LENET, "--out", "mine.html", "--overwrite").exit_code == 0
    assert "a report is written as HTML, but the file is called 'page.pdf'; call it page.html." in mistake(*LENET, "--out", "page.pdf")
    assert "there is no model 'lenet'" in mistake("report", "lenet")
    assert "the folder" in mistake(*LENET, "--out", "no/page.html")
