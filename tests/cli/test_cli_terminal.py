"""The command line as a whole: help, exit codes, widths, colours, encodings."""

import os
import re
import shlex
import subprocess
import sys

import pytest

from minicnn import __version__
from minicnn.cli.maps import Stopwatch
from minicnn.cli.table import count, number
from minicnn.cli.terminal import FIRM, Terminal, jsonable, plain, wrapped

COMMANDS = ("tour", "trace", "describe", "shape")


def test_version_in_both_ways(run, spawn):
    assert run("--version").stdout == f"minicnn {__version__}\n"
    for module in ("minicnn", "minicnn.cli"):
        assert spawn("--version", module=module).stdout == f"minicnn {__version__}\n"


def test_help_lists_the_commands_and_is_the_answer_to_nothing(run):
    assert run("--help").exit_code == run().exit_code == 0
    for text in (run("--help").stdout, run().stdout):
        assert all(command in text for command in COMMANDS)
        assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("command", COMMANDS)
def test_the_example_in_each_help_works(run, command, tmp_path, monkeypatch):
    from PIL import Image

    text = run(command, "--help").stdout
    assert max(map(len, text.splitlines())) <= 80
    example = " ".join(text[text.index("Example:") :].split()).removeprefix("Example: minicnn ")
    if command == "tour":  # the same, with a network that takes no time
        example += " --model lenet5 --weights random"
    Image.new("RGB", (60, 40), "teal").save(tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    result = run(*shlex.split(example))
    assert result.exit_code == 0, result.stderr
    assert result.stdout


@pytest.mark.parametrize("words", [("frob",), ("tour", "--frob"), ("shape",), ("compare", "a"), ("describe", "a", "b")])
def test_wrong_usage_is_2(run, words):
    result = run(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Usage: minicnn" in result.stderr


def test_what_the_system_refuses_is_1(mistake, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device", "disk")

    monkeypatch.setattr("minicnn.models.build", full)
    message = mistake("describe", "lenet5")
    assert message == "error: No space left on device 'disk'; check the path, its permissions and the room on the disk."


def test_an_interruption_is_130(run, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("minicnn.models.build", interrupted)
    result = run("describe", "lenet5")
    assert (result.exit_code, result.stdout, result.stderr) == (130, "", "interrupted.\n")


def test_a_defect_of_ours_is_not_hidden(run, monkeypatch):
    monkeypatch.setattr("minicnn.models.build", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run("describe", "lenet5")


def test_a_mistake_in_a_process_has_no_traceback(spawn):
    done = spawn("describe", "lenet")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: models: there is no model 'lenet'. Did you mean 'lenet5'?\n"


@pytest.mark.parametrize("words", [("describe", "efficientnet_lite0"), ("describe", "efficientnet_lite0", "--json")])
def test_a_reader_that_leaves_early_is_no_error(words):
    code = [sys.executable, "-m", "minicnn", *words]
    with subprocess.Popen(code, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        running.stdout.readline()
        running.stdout.close()
        assert running.stderr.read() == ""


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
def test_help_tables_and_errors_in_old_encodings(spawn, encoding):
    for words in (("--help",), ("describe", "lenet5"), ("shape", "Conv2d(3, ä"), ("shape", "Ümläut → ReLU")):
        done = spawn(*words, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
        assert "Traceback" not in done.stderr
        assert done.stdout or done.returncode == 1


def test_no_colour_where_nobody_looks(run, spawn):
    assert "\x1b" not in run("describe", "lenet5").stdout
    assert "\x1b" not in spawn("describe", "lenet5").stdout


def test_colour_is_switched_off_by_no_color():
    pytest.importorskip("pty", reason="pseudo-terminals are POSIX")
    script = "import pty, sys; sys.exit(pty.spawn([sys.executable, '-m', 'minicnn', 'frob']) >> 8)"
    for colour, expected in ((None, True), ("1", False)):
        environment = {**os.environ, "COLUMNS": "80", "TERM": "xterm-256color"}
        environment.pop("NO_COLOR", None)
        environment |= {"NO_COLOR": colour} if colour else {}
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, env=environment, stdin=subprocess.DEVNULL)
        assert bool(re.search(rb"\x1b\[[0-9;]*3[0-7]", done.stdout)) is expected


@pytest.mark.parametrize("columns", ["80", "120", "60"])
def test_prose_follows_the_width(monkeypatch, columns, capsys):
    monkeypatch.setenv("COLUMNS", columns)
    Terminal().fact("word", "some words and more of them " * 12)
    Terminal().error("some words and more of them " * 12)
    printed = capsys.readouterr()
    for text in (printed.out, printed.err):
        assert max(map(len, text.splitlines())) <= min(int(columns), 100)
        assert len(text.splitlines()) > 3


def test_drawn_lines_are_not_wrapped():
    assert wrapped("a message:\n    a drawing that is longer than the line\n    ^", 12) == [
        "a message:",
        "    a drawing that is longer than the line",
        "    ^",
    ]


def test_a_number_stays_with_its_unit():
    assert wrapped(f"aaaa 1{FIRM}MB", 8) == ["aaaa", "1 MB"]
    assert wrapped(plain(f"ä 1{FIRM}MB", "ascii"), 80) == ["? 1 MB"]


def test_what_an_encoding_lacks():
    assert plain("3×3 → ½ ≤ Ω", "ascii") == "3x3 -> 1/2 <= ?"
    assert plain("3×3 → ½", "cp1252") == "3×3 -> ½"
    assert plain("3×3 → Ω", "utf-8") == "3×3 → Ω"


def test_json_keeps_what_it_can():
    assert jsonable({1: [float("nan"), float("inf"), 2.5, True, None, "a"], "b": (3,)}) == {
        "1": [None, "inf", 2.5, True, None, "a"],
        "b": [3],
    }


def test_numbers_in_few_letters():
    assert [number(value) for value in (0.0, 1.0, -9.9994, 123.456, -0.0004, 98765.0, float("inf"))] == [
        *("0", "1.000", "-9.999", "123.5", "-4.0e-04", "9.9e+04", "inf")
    ]
    assert [count(value, "B") for value in (0, 999, 1000, 99949, 99951, 10**9)] == [
        "0 B",
        "999 B",
        "1.00 kB",
        "99.9 kB",
        "100 kB",
        "1.00 GB",
    ]


def test_laps_add_up():
    watch = Stopwatch()
    watch.lap("a")
    watch.lap("b")
    assert list(watch.laps) == ["a", "b"]
    assert all(seconds >= 0 for seconds in watch.laps.values())
    assert re.fullmatch(r"0\.\d s: a 0\.\d, b 0\.\d", str(watch))
