"""minicnn assignment: list, start, check, grade, make, solutions, make-gradescope."""

import json
import os
import shlex

import pytest

CONV = """
import numpy as np


def conv2d(x, weight, bias, stride, padding):
    (sh, sw), (ph, pw), (K, _, kh, kw) = stride, padding, weight.shape
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    y = np.empty((len(x), K, (x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1), x.dtype)
    for n, k, p, q in np.ndindex(y.shape):
        y[n, k, p, q] = (x[n, :, p * sh : p * sh + kh, q * sw : q * sw + kw] * weight[k]).sum() + bias[k]
    return y
"""
FLIPPED = CONV.replace("* weight[k]", "* weight[k, :, ::-1, ::-1]")
QUICK = ("--budget", "12", "--sandbox", "plain")


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("command", ["list", "start", "check", "grade", "make", "solutions", "make-gradescope", None])
def test_help_has_an_example_and_fits(run, command):
    result = run("assignment", *filter(None, [command]), "--help")
    assert result.exit_code == 0
    assert f"Example: minicnn assignment {command or 'start'}" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_list(run):
    result = run("assignment", "list")
    assert result.exit_code == 0
    for words in ("02   conv2d", "conv2d_backward", "grouped_conv2d", "To begin: minicnn assignment start 01"):
        assert words in result.stdout
    document = json.loads(run("assignment", "list", "--json").stdout)
    assert [each["number"] for each in document] == ["01", "02", "03", "04", "05", "06"]
    assert document[1] == {
        "number": "02",
        "title": "conv2d",
        "points": 10,
        "minutes": 90,
        "lesson": document[1]["lesson"],
        "functions": ["conv2d"],
    }


class TestStart:
    def test_writes_what_there_is_to_read_and_to_write(self, run, tmp_path):
        result = run("assignment", "start", "03")
        assert (result.exit_code, result.stderr) == (0, "")
        folder = tmp_path / "03_relu_and_pooling"
        assert sorted(path.name for path in folder.iterdir()) == ["README.md", "relu_and_pooling.py"]
        assert "raise NotImplementedError" in (folder / "relu_and_pooling.py").read_text()
        command = result.stdout[result.stdout.index("check ") :].split(None, 1)[1]
        assert " ".join(command.split()) == f"minicnn assignment check {os.path.join('03_relu_and_pooling', 'relu_and_pooling.py')}"

    def test_into_a_folder_that_is_named(self, run, tmp_path):
        (tmp_path / "week2").mkdir()
        (tmp_path / "week2" / "notes.md").write_text("mine")
        assert run("assignment", "start", "2", "week2").exit_code == 0
        assert sorted(path.name for path in (tmp_path / "week2").iterdir()) == ["README.md", "conv2d.py", "notes.md"]

    def test_replaces_nothing(self, mistake, tmp_path):
        (tmp_path / "week2").mkdir()
        (tmp_path / "week2/conv2d.py").write_text("mine")
        assert "no file is replaced unasked" in mistake("assignment", "start", "02", "week2")
        assert [path.name for path in (tmp_path / "week2").iterdir()] == ["conv2d.py"]
        assert (tmp_path / "week2/conv2d.py").read_text() == "mine"

    def test_no_such_assignment(self, mistake):
        assert "there is no assignment '09'" in mistake("assignment", "start", "09")


class TestCheck:
    def test_a_right_file_passes(self, run, tmp_path):
        (tmp_path / "mine.py").write_text(CONV)
        result = run("assignment", "check", "mine.py", "--assignment", "02", *QUICK)
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout.startswith("Assignment 02, conv2d: 10 of 10 points\n")

    def test_a_wrong_one_does_not_and_is_told_why(self, run, tmp_path):
        (tmp_path / "mine.py").write_text(FLIPPED)
        result = run("assignment", "check", "mine.py", "--assignment", "02", "--html", "mine.html", *QUICK)
        assert (result.exit_code, result.stderr) == (1, "")
        assert "Assignment 02, conv2d: 0 of 10 points" in result.stdout
        assert "kernel flipped" in result.stdout
        assert max(map(len, result.stdout.splitlines())) <= 80
        assert "kernel flipped" in (tmp_path / "mine.html").read_text(encoding="utf-8")

    def test_the_functions_say_which_assignment(self, run, tmp_path):
        (tmp_path / "shapes.py").write_text("def output_size(in_size, kernel, stride, padding, dilation):\n    return 1\n")
        document = json.loads(run("assignment", "check", "shapes.py", "--json", *QUICK).stdout)
        assert (document["assignment"], document["passed"]) == ("01", False)

    def test_what_cannot_be_run_is_a_report(self, run, tmp_path):
        (tmp_path / "conv2d.py").write_text("def conv2d(:")
        result = run("assignment", "check", "conv2d.py", *QUICK)
        assert (result.exit_code, result.stderr) == (1, "")
        assert "conv2d.py, line 1: Python cannot read" in result.stdout

    def test_a_notebook(self, run, tmp_path):
        cells = [{"cell_type": "code", "source": CONV}, {"cell_type": "code", "source": "%timeit 3"}]
        (tmp_path / "conv2d.ipynb").write_text(json.dumps({"cells": cells}))
        result = run("assignment", "check", "conv2d.ipynb", "--assignment", "02", *QUICK)
        assert result.exit_code == 0
        assert "is a notebook: its 2 code cells were taken" in " ".join(result.stdout.split())

    @pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
    def test_ones_own_link_is_followed(self, run, tmp_path):
        (tmp_path / "real.py").write_text(CONV)
        (tmp_path / "mine.py").symlink_to(tmp_path / "real.py")
        assert run("assignment", "check", "mine.py", "--assignment", "02", *QUICK).exit_code == 0

    def test_mistakes(self, mistake, tmp_path):
        (tmp_path / "mine.py").write_text(CONV)
        (tmp_path / "mine.html").write_text("mine")
        assert "mine.py defines conv2d, which 02 (conv2d) and 06 (fast conv2d) ask for" in mistake("assignment", "check", "mine.py")
        assert "there is nothing at 'nothing.py'" in mistake("assignment", "check", "nothing.py")
        assert "add --overwrite" in mistake("assignment", "check", "mine.py", "--assignment", "02", "--html", "mine.html")
        assert (tmp_path / "mine.html").read_text() == "mine"
        assert "sandbox" in mistake("assignment", "check", "mine.py", "--assignment", "02", "--sandbox", "magic")


class TestOnesOwn:
    def test_made_started_checked(self, run, tmp_path):
        result = run("assignment", "make", "crops")
        assert (result.exit_code, result.stderr) == (0, "")
        assert "rows and columns swapped: caught" in " ".join(result.stdout.split())
        assert run("assignment", "start", "crops", "mine").stdout.endswith("--assignment crops\n")
        assert run("assignment", "check", "mine/crops.py", "--assignment", "crops", *QUICK).exit_code == 1
        (tmp_path / "mine/crops.py").write_text(
            "from numpy import s_\ndef center_crop(x, size):\n    return x[:, :, : size[0], : size[1]]\n"
        )
        result = run("assignment", "check", "mine/crops.py", "--assignment", "crops", *QUICK)
        assert "from the corner" in result.stdout

    def test_a_mutant_that_no_case_tells_apart_is_told(self, run, tmp_path):
        (tmp_path / "mine.py").write_text(
            "DOMAIN = {'n': (1, 3)}\n\ndef arguments(settings, array):\n    return {'x': array(settings['n'])}\n\n"
            "def twice(x):\n    return 2 * x\n\ndef also_twice(x):\n    'Your result is …'\n    return x + x\n"
        )
        result = run("assignment", "make", "twice", "--reference", "mine.py")
        assert result.exit_code == 1
        assert "also twice: passes" in result.stdout
        assert "widen DOMAIN in checks.py" in " ".join(result.stderr.split())

    def test_nothing_is_replaced(self, run, mistake):
        run("assignment", "make", "crops")
        assert "no file is replaced unasked" in mistake("assignment", "make", "crops")


class TestGrade:
    def test_a_class(self, run, mistake, tmp_path):
        (tmp_path / "handed_in").mkdir()
        for name, text in (("ada", CONV), ("bob", FLIPPED), ("carl", "")):
            (tmp_path / f"handed_in/{name}.py").write_text(text)
        words = ("assignment", "grade", "handed_in", "--assignment", "02", "--jobs", "1", *QUICK)
        result = run(*words)
        assert (result.exit_code, result.stderr) == (0, "")
        text = " ".join(result.stdout.split())
        assert "3 submissions, mean 3.33 of 10 points" in text
        assert "1 kernel flipped" in text
        assert sorted(path.name for path in (tmp_path / "grades").iterdir()) == [
            "class.csv",
            "items.csv",
            "items.json",
            "secret.key",
            "students",
        ]
        assert sorted(path.name for path in (tmp_path / "grades/students").iterdir()) == [
            f"{name}.{kind}" for name in ("ada", "bob", "carl") for kind in ("html", "json")
        ]
        before = (tmp_path / "grades/students/ada.json").stat().st_mtime_ns
        assert json.loads(run(*words, "--only", "bob", "--json").stdout)["submissions"] == 3
        assert (tmp_path / "grades/students/ada.json").stat().st_mtime_ns == before
        assert "there is no student 'eve'" in mistake(*words, "--only", "eve")

    def test_mistakes(self, mistake, tmp_path):
        (tmp_path / "handed_in").mkdir()
        assert "is empty" in mistake("assignment", "grade", "handed_in")
        (tmp_path / "handed_in/ada.py").write_text("x = 1\n")
        assert "say it: --assignment 02" in mistake("assignment", "grade", "handed_in")
        assert "there is no file 'no.key'" in mistake("assignment", "grade", "handed_in", "--assignment", "02", "--secret", "no.key")
        assert "Traceback" not in mistake(
            "assignment", "grade", "handed_in", "--assignment", "02", "--sandbox", "plain", "--require-sandbox"
        )


def test_solutions(run, mistake, tmp_path):
    pytest.importorskip("cryptography", reason='needs the extra: pip install "minicnn-engine[instructor]"')
    (tmp_path / "solved").mkdir()
    (tmp_path / "solved/02_conv2d.py").write_text(FLIPPED)
    assert "only solutions that pass are sealed" in mistake("assignment", "solutions", "solved", "--assignment", "02")
    (tmp_path / "solved/02_conv2d.py").write_text(CONV)
    result = run("assignment", "solutions", "solved", "--assignment", "02", "--key", "k", "--out", "s")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "passed 02" in result.stdout
    assert run("assignment", "solutions", "--open", "s", "--key", "k", "--to", "opened").exit_code == 0
    assert (tmp_path / "opened/02_conv2d.py").read_text() == CONV
    assert "name a FOLDER to encrypt, or an archive by --open" in mistake("assignment", "solutions")


def test_make_gradescope(run, mistake, tmp_path):
    result = run(*shlex.split("assignment make-gradescope 02 gs"))
    assert (result.exit_code, result.stderr) == (0, "")
    assert sorted(path.name for path in (tmp_path / "gs").iterdir()) == ["run_autograder", "secret.key", "setup.sh"]
    assert "no file is replaced unasked" in mistake(*shlex.split("assignment make-gradescope 02 gs"))
