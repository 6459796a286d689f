"""Where assignments are found: by number, name and folder, in a checkout and in a wheel, and what a folder that cannot be used is told."""

from pathlib import Path

import pytest

from minicnn.errors import ArgumentError, FileFormatError, UnknownNameError
from minicnn.grade import assignments
from minicnn.grade.assignments import all_of_them, find, folder_of_lessons

OWN = """
import numpy as np
from minicnn.grade.task import Assignment, Example, Task
ASSIGNMENT = Assignment("77", "crop", (Task("crop", lambda s, a: {}, None, (), (Example({"x": np.ones(2)}, (np.ones(3),)),)),), 20, "")
"""


@pytest.mark.parametrize("spelling", ["02", "2", 2, "02_conv2d", " 02 "])
def test_a_number_in_every_spelling(spelling):
    assert find(spelling).number == "02"
    assert find(spelling) is find("02")


def test_a_name_and_a_folder():
    assert find("relu_and_pooling").number == "03"
    folder = folder_of_lessons() / "assignments" / "05_conv2d_backward"
    assert find(folder).number == find(str(folder)).number == "05"
    assert find(folder).folder == folder
    assert find("conv2d").number == "02"  # 06 asks for conv2d too, but its name is fast_conv2d


def test_an_own_folder(tmp_path, monkeypatch):
    (tmp_path / "crop").mkdir()
    (tmp_path / "crop" / "checks.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    assert find("crop").title == "crop"  # a folder here comes before the names of ours
    assert find(tmp_path / "crop").folder == tmp_path / "crop"
    assert [path.name for path in (tmp_path / "crop").iterdir()] == ["checks.py"]  # nothing is left behind


def test_examples_are_locked(tmp_path):
    (tmp_path / "checks.py").write_text(OWN)
    (example,) = find(tmp_path).tasks[0].examples
    for array in (example.arguments["x"], example.expected[0]):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5


def test_an_unknown_one_is_told_the_nearest():
    with pytest.raises(UnknownNameError, match=r"^check: there is no assignment '02_conv2'\. Did you mean '02_conv2d'\?$"):
        find("02_conv2", "check")
    with pytest.raises(UnknownNameError, match=r"^find: there is no assignment '09'\. Known: 01_shapes, 02_conv2d, "):
        find(9)


def test_a_folder_without_checks(tmp_path):
    with pytest.raises(UnknownNameError, match=r"the folder of an assignment holds a checks\.py, but .* has none; `minicnn"):
        find(tmp_path)
    with pytest.raises(UnknownNameError, match=r"not_there does not exist; `minicnn assignment make DIR` writes one"):
        find(str(tmp_path / "not_there"))
    (tmp_path / "file.txt").write_text("")
    with pytest.raises(UnknownNameError, match=r"file\.txt is no folder"):
        find(tmp_path / "file.txt")


@pytest.mark.parametrize("wrong", [None, True, 2.0, ["02"]])
def test_what_is_no_name(wrong):
    with pytest.raises(
        ArgumentError, match=r"^find: an assignment is a number such as '02', a name or a folder, but it is .*; use find\('02'\)\.$"
    ):
        find(wrong)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("x = 1\ny = 1 / 0\n", r"must run, but it raised ZeroDivisionError: division by zero \(line 2\); mend it there\."),
        ("x = 1\n\ndef f(:\n", r"must run, but it raised SyntaxError: invalid syntax .*\(line 3\); mend it there\."),
        ("x = 1\n", r"must say ASSIGNMENT = Assignment\(…\), but ASSIGNMENT is None; add it at its end\."),
        ("ASSIGNMENT = 5\n", r"must say ASSIGNMENT = Assignment\(…\), but ASSIGNMENT is 5"),
    ],
)
def test_checks_that_cannot_be_used(tmp_path, source, told):
    (tmp_path / "checks.py").write_text(source)
    with pytest.raises(FileFormatError, match=rf"^find: .*checks\.py {told}"):
        find(tmp_path)


def test_a_wheel_has_them_inside_the_package(tmp_path, monkeypatch):
    inside, beside = tmp_path / "minicnn" / "lessons" / "assignments", tmp_path / "lessons" / "assignments"
    monkeypatch.setattr(assignments, "__file__", str(tmp_path / "minicnn" / "grade" / "assignments.py"))
    with pytest.raises(FileFormatError, match=r"the assignments belong into .*lessons, but they are not there; install again: pip install"):
        all_of_them()
    beside.mkdir(parents=True)
    assert folder_of_lessons() == Path(tmp_path).resolve() / "lessons"
    inside.mkdir(parents=True)
    assert folder_of_lessons() == Path(tmp_path).resolve() / "minicnn" / "lessons"
