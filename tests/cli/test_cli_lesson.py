"""minicnn lesson: which lessons there are, how one is opened and handed on; marimo itself is not started here."""

import json
import socket
import sys

import pytest

from minicnn.cli import lesson as room
from minicnn.cli.lesson_files import all_of_them, cells, find
from minicnn.cli.lesson_page import Said, _plain_html
from minicnn.errors import FileFormatError

SMALL = '''\
import marimo

app = marimo.App()


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    # 07 · A small lesson

    **About 40 to 50 minutes.** It has $a^2$.
    """)
    return


@app.cell
def _():
    import marimo as mo

    return (mo,)


@app.function
def twice(n):
    return 2 * n


@app.cell
def _(mo):
    # why three
    k = mo.ui.slider(1, 7, value=3, label="kernel <3>")
    k
    return (k,)


@app.cell(hide_code=True)
def _(k, mo):
    print("printed", k.value)
    mo.md(f"k is {k.value}")
    return


if __name__ == "__main__":
    app.run()
'''


@pytest.fixture
def begun(monkeypatch):
    """What would have been handed over to marimo."""
    commands = []
    monkeypatch.setattr(room, "handed_over", lambda command, address=None: commands.append([*command[:-1], str(address), command[-1]]) or 0)
    monkeypatch.setattr(room, "NEEDS", {})
    return commands


@pytest.fixture
def small(tmp_path):
    (tmp_path / "07_small.py").write_text(SMALL, encoding="utf-8")
    return tmp_path


@pytest.fixture
def busy():
    """A port that somebody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


def test_the_lessons_are_listed(run):
    result = run("lesson", "list")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert [line[:2] for line in lines[2:-1]] == [lesson.number for lesson in all_of_them()]
    assert max(map(len, lines)) <= 80
    assert all(line.split()[-1].isdigit() for line in lines[2:-1])
    document = json.loads(run("lesson", "list", "--json").stdout)
    assert [each["number"] for each in document] == [f"{n:02}" for n in range(1, 9)]
    assert all(each["title"] and each["minutes"] for each in document)


@pytest.mark.parametrize("word", ["03", "3", "03_channels", "channels"])
def test_a_lesson_is_opened_by_number_or_name(run, begun, word):
    result = run("lesson", word)
    assert result.exit_code == 0
    assert begun[0][:6] == [sys.executable, "-m", "marimo", "-y", "-q", "run"]
    assert begun[0][-1].endswith("03_channels.py")
    assert "address       http://127.0.0.1:" in result.stdout
    assert "--include-code" in begun[0]
    assert begun[0][-2].endswith("/?show-code=true")  # opened by us: marimo opens its app without the code


def test_a_port_in_use_is_passed_over_or_refused(run, begun, mistake, busy, monkeypatch):
    message = mistake("lesson", "03", "--port", str(busy))
    assert message == f"error: --port: a port that is free is needed, but {busy} is in use; leave --port out, or name another."
    monkeypatch.setattr(room, "PORT", busy)
    result = run("lesson", "03", "--no-browser")
    taken = int(next(word for word in begun[0] if word.startswith("--port=")).removeprefix("--port="))
    assert taken > busy
    assert f"port {busy} is in use; this lesson is on port {taken}." in result.stderr
    assert "--headless" in begun[0]
    assert run("lesson", "03", "--port", "0").exit_code == 2


def test_no_port_is_free(mistake, begun, busy, monkeypatch):
    monkeypatch.setattr(room, "PORT", busy)
    monkeypatch.setattr(room, "TRIED", 1)
    assert f"but {busy} to {busy} are in use" in mistake("lesson", "03")


def test_one_s_own_copy_is_edited_and_never_replaced(run, begun, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("lesson", "03", "--edit").exit_code == 0
    own = tmp_path / "03_channels.py"
    assert own.read_bytes() == find("03").path.read_bytes()
    assert begun[0][5:7] == ["edit", "--skip-update-check"]
    assert begun[0][-1] == "03_channels.py"
    own.write_text("mine")
    result = run("lesson", "03", "--edit")
    assert "03_channels.py is there already and is opened as it is." in result.stderr
    assert own.read_text() == "mine"


def test_what_is_missing_is_named(mistake, monkeypatch):
    monkeypatch.setattr(room, "NEEDS", {"no_such_module": "marimo", "json": "json"})
    message = mistake("lesson", "03")
    assert message == 'error: lesson: lesson 03 needs marimo, which is not installed: pip install "minicnn-engine[lessons]".'
    monkeypatch.setattr(room, "NEEDS", {"no_such_module": "marimo", "nor_this": "anywidget"})
    assert "needs marimo and anywidget, which are not installed" in mistake("lesson", "export", "03", "--to", "html")


def test_mistakes(run, mistake, tmp_path):
    assert "lesson: there is no lesson 'chanels'. Did you mean '03_channels'? `minicnn lesson list` shows all." in mistake(
        "lesson", "chanels"
    )
    assert "--out: --to ipynb writes a file that ends in .ipynb, but it is called 'a.txt'; call it a.ipynb." in mistake(
        "lesson", "export", "03", "--out", "a.txt"
    )
    there = tmp_path / "a.ipynb"
    there.write_text("mine")
    assert "add --overwrite" in mistake("lesson", "export", "03", "--out", str(there))
    assert there.read_text() == "mine"
    assert run("lesson", "export", "03", "--to", "pdf").exit_code == 2
    broken = tmp_path / "01_broken.py"
    broken.write_text("def (")
    with pytest.raises(FileFormatError, match=r"lesson: a lesson is Python, but .* has an error in line 1"):
        cells(broken)


def test_a_notebook_is_written(run, tmp_path):
    out = tmp_path / "a.ipynb"
    result = run("lesson", "export", "03", "--out", str(out))
    assert result.exit_code == 0
    assert json.loads(out.read_text(encoding="utf-8"))["nbformat"] == 4
    assert run("lesson", "export", "03", "--out", str(out), "--overwrite").exit_code == 0


def test_cells_are_read_from_the_file(small):
    (lesson,) = all_of_them(small)
    assert (lesson.number, lesson.title, lesson.minutes) == ("07", "A small lesson", "40 to 50")
    own = cells(lesson.path)
    assert [cell.text is not None for cell in own] == [True, False, False, False, False]
    assert (own[2].code, own[2].gives) == ("def twice(n):\n    return 2 * n", ("twice",))
    assert (own[4].needs, own[1].gives) == (("k", "mo"), ("mo",))
    assert own[0].text.startswith("# 07 · A small lesson\n\n**About")
    assert own[3].code == '# why three\nk = mo.ui.slider(1, 7, value=3, label="kernel <3>")\nk'
    assert [cell.hidden for cell in own] == [True, False, False, False, True]


def test_a_page_has_what_each_cell_prints_and_shows(small):
    pytest.importorskip("marimo")
    from minicnn.cli.lesson_page import page

    text = page(all_of_them(small)[0])
    assert "<title>07 A small lesson</title>" in text
    assert '<span class="tex">a^2</span>' in text
    assert '<p class="still"><span>kernel' in text
    assert "<b>3</b></p>" in text
    assert "<pre tabindex='0'>printed 3</pre>" in text
    assert "print(" not in text.partition("<script type")[0].partition("<main")[2]  # hidden code stays out
    assert "renderToString" in text
    assert "const quiz" not in text
    assert "const viewers" not in text
    assert not list(small.glob("__pycache__"))


def test_marimo_s_elements_become_plain_ones():
    assert _plain_html("<marimo-tex class='x'>||[\nb_1\n||]</marimo-tex>") == '<span class="tex" data-display="1" tabindex="0">b_1</span>'
    slider = "<marimo-ui-element object-id='1'><marimo-slider data-initial-value='3' data-label='&quot;&#92;u003cb&#92;u003ek&#92;u003c/b&#92;u003e&quot;'></marimo-slider></marimo-ui-element>"
    assert _plain_html(slider) == '<p class="still"><span>k</span> <b>3</b></p>'


def test_what_is_printed_outside_a_cell_is_let_go():
    said = Said()
    said.write("nobody's")
    assert said.by_cell == {}


def test_an_interrupted_lesson_lets_marimo_end(monkeypatch):
    waited = []

    class Process:
        def __init__(self, command):
            pass

        def wait(self, seconds=None):
            waited.append(seconds)
            if seconds is None:
                raise KeyboardInterrupt
            return 0

    monkeypatch.setattr(room.subprocess, "Popen", Process)
    with pytest.raises(KeyboardInterrupt):
        room.handed_over(["marimo"])
    assert waited == [None, 10]
