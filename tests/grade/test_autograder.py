"""What Gradescope runs: the files that are uploaded, and a results.json whatever was handed in."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from handed import CORNER, RIGHT, own_assignment

from minicnn import __version__
from minicnn.errors import ArgumentError
from minicnn.grade import autograder


@pytest.fixture
def root(tmp_path):
    """A container as Gradescope makes it, for an assignment of one's own."""
    root = tmp_path / "autograder"
    autograder.make_gradescope(str(own_assignment(tmp_path)), root / "source")
    (root / "submission").mkdir()
    (root / "submission_metadata.json").write_text(json.dumps({"users": [{"id": 31, "name": "Ada"}, {"id": 7, "name": "Bob"}]}))
    return root


def graded(root, submission: str, name="center_crop.py"):
    (root / "submission" / name).write_text(submission)
    code = autograder.run(str(root / "source/center_crop"), root)
    return code, json.loads((root / "results/results.json").read_text())


def test_files(tmp_path):
    names = [path.name for path in autograder.make_gradescope("02", tmp_path / "autograder")]
    assert names == ["setup.sh", "run_autograder", "secret.key"]
    setup, run = ((tmp_path / "autograder" / name).read_bytes() for name in names[:2])
    assert f"${{wheel:-minicnn-engine=={__version__}}}".encode() in setup
    assert run.endswith(b"-m minicnn.grade.autograder 02\n")
    assert b"\r" not in setup + run
    assert setup.startswith(b"#!/usr/bin/env bash\n")
    if os.name != "nt":
        assert os.access(tmp_path / "autograder/run_autograder", os.X_OK)


def test_nothing_is_replaced(tmp_path):
    (tmp_path / "run_autograder").write_text("mine")
    with pytest.raises(ArgumentError, match=r"make-gradescope: no file is replaced unasked, but .*run_autograder' is there"):
        autograder.make_gradescope("02", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["run_autograder"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="the scripts are bash's")
def test_the_scripts_are_bash(tmp_path):
    for path in autograder.make_gradescope("02", tmp_path)[:2]:
        subprocess.run(["bash", "-n", str(path)], check=True)


@pytest.mark.skipif(os.name == "nt", reason="Gradescope's containers are Linux")
def test_run_autograder_as_it_is(root):
    script = root / "run_autograder"  # where Gradescope copies it to
    script.write_text((root / "source/run_autograder").read_text().replace("/opt/minicnn/bin/python", sys.executable))
    script.chmod(0o755)
    (root / "submission/center_crop.py").write_text(RIGHT)
    subprocess.run([str(script)], check=True, cwd=root)
    assert json.loads((root / "results/results.json").read_text())["score"] == 10


def test_right_and_wrong(root):
    code, results = graded(root, RIGHT)
    assert (code, results["score"]) == (0, 10)
    code, results = graded(root, CORNER)
    assert (code, results["score"], results["tests"][0]["extra_data"]["misconception"]) == (0, 0, "from the corner")


@pytest.mark.parametrize(
    ("submission", "name", "says"),
    [
        ("def center_crop(:", "center_crop.py", "Python cannot read"),
        ("", "center_crop.py", "is empty"),
        ("x", "notes.txt", "submission holds no Python file and no notebook (found: notes.txt); hand in center_crop.py."),
        ("raise SystemExit(3)", "center_crop.py", "SystemExit"),
    ],
)
def test_what_cannot_be_asked_gives_a_result_too(submission, name, says, root):
    code, results = graded(root, submission, name)
    assert (code, results["score"], results["tests"][0]["max_score"]) == (0, 0, 10)
    assert says in results["output"]


def test_a_defect_of_the_grader_gives_a_result_and_is_told(root):
    (root / "submission_metadata.json").unlink()
    code, results = graded(root, RIGHT)
    assert (code, results["score"]) == (1, 0)
    assert "the grader failed (FileNotFoundError" in results["output"]


def test_a_group_has_one_seed_whatever_the_order(root, monkeypatch):
    seen = []
    monkeypatch.setattr(autograder, "seed_of", lambda secret, student, assignment: seen.append(student) or 0)
    graded(root, RIGHT)
    assert seen == ["31,7"]
