"""Taking one text out of what students hand in: files, folders, archives, notebooks, and everything that is none of these."""

import bz2
import gzip
import io
import json
import lzma
import os
import stat
import tarfile
import zipfile

import pytest

from minicnn.errors import ArgumentError
from minicnn.grade import containers, submission
from minicnn.grade.advice import advice
from minicnn.grade.submission import definitions, take

CODE = "import numpy as np\n\n\ndef relu(x):\n    return np.maximum(x, 0)\n"
OTHER = "def relu(x):\n    return 'another'\n"


def zipped(path, files: dict, **how):
    with zipfile.ZipFile(path, "w", **how) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def tarred(path, files: dict, mode="w"):
    with tarfile.open(path, mode) as archive:
        for name, text in files.items():
            data = text.encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def foldered(path, files: dict):
    for name, text in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    return path


def notebook(*cells):
    return json.dumps({"nbformat": 4, "cells": [{"cell_type": kind, "source": text} for kind, text in cells]})


def test_a_file(tmp_path):
    path = tmp_path / "ada.py"
    path.write_bytes(b"\xef\xbb\xbf" + CODE.replace("\n", "\r\n").encode())
    taken = take(path, "relu")
    assert (taken.file, taken.source, taken.problem, taken.notes) == ("ada.py", CODE, "", ())
    assert definitions(taken.source) == ("relu",)


KEEPERS = {
    "folder": lambda path, files: foldered(path / "ada", files),
    "zip": lambda path, files: zipped(path / "ada.zip", files, compression=zipfile.ZIP_DEFLATED),
    "tar": lambda path, files: tarred(path / "ada.tar", files),
    "tar.gz": lambda path, files: tarred(path / "ada.tgz", files, "w:gz"),
    "tar.bz2": lambda path, files: tarred(path / "ada.tar.bz2", files, "w:bz2"),
}


@pytest.mark.parametrize("keep", KEEPERS.values(), ids=KEEPERS)
class TestOneFileIsTaken:
    def test_by_its_name_among_what_would_take_over_a_grader(self, keep, tmp_path):
        shadows = dict.fromkeys(
            ("conftest.py", "sitecustomize.py", "numpy.py", "hw/numpy/__init__.py", "a.pth", "relu.pyc"), "raise SystemExit"
        )
        taken = take(keep(tmp_path, {**shadows, "hw/relu.py": CODE, "hw/deeper/relu.py": OTHER, "hw/notes.py": OTHER}), "relu")
        assert (taken.file, taken.source, taken.problem) == ("hw/relu.py", CODE, "")
        assert taken.notes[0].startswith("Only hw/relu.py was taken from ada")

    def test_or_because_it_is_the_only_one(self, keep, tmp_path):
        taken = take(
            keep(tmp_path, {"mine-1.py": CODE, "conftest.py": OTHER, "__MACOSX/mine.py": OTHER, ".mine.py": OTHER, "a.txt": "x"}), "relu"
        )
        assert (taken.file, taken.source) == ("mine-1.py", CODE)

    def test_a_module_before_a_notebook(self, keep, tmp_path):
        assert take(keep(tmp_path, {"relu.py": CODE, "relu.ipynb": notebook(("code", OTHER))}), "relu").source == CODE

    def test_none_that_could_be_meant(self, keep, tmp_path):
        where = keep(tmp_path, {"conftest.py": OTHER, "report.pdf": "x"})
        assert "holds no Python file and no notebook (found: conftest.py, report.pdf); hand in relu.py." in take(where, "relu").problem
        assert take(where).problem.endswith("hand in one Python file.")

    def test_several_that_could_be_meant(self, keep, tmp_path):
        taken = take(keep(tmp_path, {"a/relu.py": CODE, "b/relu.py": OTHER}), "relu")
        assert "holds 2 files that could be meant (a/relu.py, b/relu.py); hand in relu.py alone." in taken.problem
        assert taken.source == ""

    def test_too_many_files(self, keep, tmp_path, monkeypatch):
        monkeypatch.setattr(containers, "MOST_NAMES", 3)
        assert "more than 3 files" in take(keep(tmp_path, {f"{n}.py": CODE for n in range(6)}), "relu").problem

    def test_too_long_a_file(self, keep, tmp_path, monkeypatch):
        monkeypatch.setattr(submission, "MOST_SOURCE", 100)
        taken = take(keep(tmp_path, {"relu.py": CODE + "#" * 100}), "relu")
        assert f"relu.py has {len(CODE) + 100} bytes, and at most 100 are read" in taken.problem


def test_names_that_leave_the_archive_are_passed_over(tmp_path):
    evil = ("../relu.py", "/relu.py", "C:relu.py", "a\\..\\..\\relu.py", "a/../../relu.py")
    for where in (zipped(tmp_path / "a.zip", dict.fromkeys(evil, OTHER)), tarred(tmp_path / "a.tar", dict.fromkeys(evil, OTHER))):
        assert "holds no Python file" in take(where, "relu").problem
    assert list(tmp_path.parent.glob("relu.py")) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="links and pipes are POSIX")
class TestLinksAndDevices:
    def test_the_submission_is_a_link(self, tmp_path):
        (tmp_path / "secret.py").write_text(CODE)
        (tmp_path / "ada.py").symlink_to(tmp_path / "secret.py")
        assert take(tmp_path / "ada.py").problem == "ada.py is a link to another file, and links are not followed; hand in the file itself."

    def test_in_a_folder(self, tmp_path):
        (tmp_path / "outside").mkdir()
        (tmp_path / "outside/relu.py").write_text(CODE)
        (tmp_path / "ada").mkdir()
        (tmp_path / "ada/relu.py").symlink_to(tmp_path / "outside/relu.py")
        (tmp_path / "ada/deeper").symlink_to(tmp_path / "outside")
        os.mkfifo(tmp_path / "ada/pipe.py")
        assert "holds no Python file" in take(tmp_path / "ada", "relu").problem

    def test_a_pipe_and_a_device(self, tmp_path):
        os.mkfifo(tmp_path / "ada.py")
        assert take(tmp_path / "ada.py").problem == "ada.py is no ordinary file; hand in one Python file."
        assert "is no ordinary file" in take("/dev/zero").problem

    def test_a_link_that_takes_the_place_of_a_file_later(self, tmp_path):
        (tmp_path / "relu.py").symlink_to("/etc/passwd")
        with pytest.raises(containers.NotTakenError, match=r"relu\.py could not be opened"):
            containers._read(tmp_path / "relu.py", 10)

    def test_in_archives(self, tmp_path):
        link = zipfile.ZipInfo("relu.py")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        zipped(tmp_path / "a.zip", {link: "/etc/passwd"})
        with tarfile.open(tmp_path / "a.tar", "w") as archive:
            for kind, name in (
                (tarfile.SYMTYPE, "relu.py"),
                (tarfile.LNKTYPE, "b.py"),
                (tarfile.CHRTYPE, "c.py"),
                (tarfile.FIFOTYPE, "d.py"),
            ):
                info = tarfile.TarInfo(name)
                info.type, info.linkname = kind, "/etc/passwd"
                archive.addfile(info)
        for name in ("a.zip", "a.tar"):
            assert "holds no Python file" in take(tmp_path / name, "relu").problem

    def test_a_file_that_may_not_be_read(self, tmp_path, monkeypatch):
        (tmp_path / "relu.py").write_text(CODE)
        monkeypatch.setattr(os, "open", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
        assert take(tmp_path / "relu.py").problem == "relu.py could not be opened (Permission denied); hand it in again."


class TestBombs:
    def test_2_gigabytes(self, tmp_path):
        with (tmp_path / "relu.py").open("wb") as stream:
            stream.truncate(2 * 2**30)  # a hole: it takes no room
        assert take(tmp_path / "relu.py").problem.startswith(
            "relu.py has 2,147,483,648 bytes, and at most 1,048,576 are read; hand in the code alone"
        )
        (tmp_path / "relu.py").rename(tmp_path / "ada.ipynb")
        assert "clear its outputs and save it again" in take(tmp_path / "ada.ipynb").problem

    def test_a_zip_that_unpacks_to_far_more(self, tmp_path):
        path = zipped(tmp_path / "a.zip", {"relu.py": "#" * 2**26}, compression=zipfile.ZIP_DEFLATED)
        assert path.stat().st_size < 2**17
        assert "relu.py has 67,108,864 bytes" in take(path, "relu").problem

    def test_a_zip_that_lies_about_it(self, tmp_path):
        path = zipped(tmp_path / "a.zip", {"relu.py": "#" * 2**22}, compression=zipfile.ZIP_DEFLATED)
        data = path.read_bytes()
        path.write_bytes(data.replace((2**22).to_bytes(4, "little"), (100).to_bytes(4, "little")))
        assert take(path, "relu").problem == "relu.py in a.zip is damaged (BadZipFile); pack it again."

    def test_a_tar_that_unpacks_to_far_more(self, tmp_path, monkeypatch):
        monkeypatch.setattr(containers, "MOST_UNPACKED", 2**20)
        for opener, name in ((gzip.open, "a.tgz"), (bz2.open, "a.tbz2")):
            with opener(tmp_path / name, "wb") as stream:
                stream.write(b"\0" * 2**22)
            assert f"{name} unpacks to more than 1,048,576 bytes" in take(tmp_path / name).problem

    def test_an_archive_that_is_too_large_itself(self, tmp_path, monkeypatch):
        monkeypatch.setattr(containers, "MOST_ARCHIVE", 1000)
        zipped(tmp_path / "a.zip", {"relu.py": CODE * 100})
        assert "and at most 1,000 are unpacked" in take(tmp_path / "a.zip").problem

    def test_a_tar_whose_sizes_lead_backwards(self, tmp_path):
        path = tarred(tmp_path / "a.tar", {"a.py": CODE, "relu.py": CODE})
        data = bytearray(path.read_bytes())
        second = 1024  # the second header; a size of -512 in base 256: the next header is this one
        data[second + 124 : second + 136] = b"\xff" * 10 + b"\xfe\x00"
        data[second + 148 : second + 156] = b" " * 8
        data[second + 148 : second + 156] = f"{sum(data[second : second + 512]):06o}\0 ".encode()
        path.write_bytes(data)
        assert take(path, "relu").problem == "a.tar is a damaged tar archive; pack it again."

    @pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tgz", "a.tar.bz2"])
    def test_damaged_archives(self, name, tmp_path):
        mode = {"a.tar": "w", "a.tgz": "w:gz", "a.tar.bz2": "w:bz2"}.get(name)
        path = tarred(tmp_path / name, {"relu.py": CODE * 50}, mode) if mode else zipped(tmp_path / name, {"relu.py": CODE * 50})
        data = path.read_bytes()
        for end in (5, 100, 300, 513, len(data) // 2, len(data) - 3):
            path.write_bytes(data[:end])
            taken = take(path, "relu")
            assert taken.problem or taken.source == CODE * 50
            assert "\n" not in taken.problem

    def test_archives_that_are_not_unpacked(self, tmp_path):
        (tmp_path / "a.tar.xz").write_bytes(lzma.compress(b"x" * 100))
        (tmp_path / "a.7z").write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(30))
        assert "a.tar.xz is a xz archive, which is not unpacked here" in take(tmp_path / "a.tar.xz").problem
        assert "is a 7z archive" in take(tmp_path / "a.7z").problem
        zipped(tmp_path / "a.zip", {"relu.py": CODE}, compression=zipfile.ZIP_LZMA)
        assert "relu.py in a.zip is packed in an unusual way" in take(tmp_path / "a.zip").problem

    def test_an_encrypted_zip(self, tmp_path):
        path = zipped(tmp_path / "a.zip", {"relu.py": CODE})
        data = bytearray(path.read_bytes())
        data[6] |= 1
        data[data.index(b"PK\x01\x02") + 8] |= 1
        path.write_bytes(data)
        assert take(path).problem == "relu.py in a.zip is encrypted; pack it again without a password."


def test_folders_between_backslashes_as_some_windows_programs_write_them(tmp_path):
    assert take(zipped(tmp_path / "a.zip", {"hw2\\relu.py": CODE}), "relu").source == CODE


class TestNotebooks:
    @pytest.mark.parametrize("cell", [f"%%time\n{CODE}", f"%%capture out\n{CODE}", f"?np.pad\n{CODE}", f"files = !ls\n{CODE}"])
    def test_a_function_beside_a_magic_is_taken(self, cell, tmp_path):
        (tmp_path / "a.ipynb").write_text(notebook(("code", cell)))
        taken = take(tmp_path / "a.ipynb")
        assert (taken.problem, submission.definitions(taken.source)[-1]) == ("", "relu")

    def test_what_only_shows_something_or_needs_more_than_numpy_is_left_out(self, tmp_path):
        demo = "import matplotlib.pyplot as plt\nimage = plt.imread('x')\nsize = 3\nplt.imshow(image)\nassert relu(1) == 1\nrelu(\n  size)"
        (tmp_path / "a.ipynb").write_text(notebook(("code", CODE), ("code", demo)))
        taken = take(tmp_path / "a.ipynb")
        kept = [line for line in taken.source.split("\n") if line and not line.startswith("#")]
        assert kept == [*filter(None, CODE.split("\n")), "size = 3"]
        assert (
            "Left out, since they only show or test something, or need more than NumPy: import matplotlib.pyplot as plt, image = "
            in taken.notes[0]
        )
        assert taken.source.split("\n").index("size = 3") == taken.source.split("\n").index("# cell 2") + 3  # lines stay where they are

    def test_code_cells_are_taken_and_it_is_said(self, tmp_path):
        path = tmp_path / "ada.ipynb"
        path.write_text(
            notebook(
                ("markdown", "# Ada"), ("code", ["import numpy as np\n", "%matplotlib inline"]), ("code", "def relu(x):\n    return x")
            )
        )
        taken = take(path, "relu")
        assert taken.source == "# cell 2\nimport numpy as np\npass  # %matplotlib inline\n\n# cell 3\ndef relu(x):\n    return x\n"
        assert taken.notes == (
            "ada.ipynb is a notebook: its 2 code cells were taken as one file, from top to bottom, outputs and text left out.",
        )

    @pytest.mark.parametrize("cell", ["!pip install numpy", "%%timeit\nrelu(3", "np.pad?", "if True:\n    %timeit f()", "a = 7\n!ls {a}"])
    def test_what_only_a_notebook_understands_is_left_out(self, cell, tmp_path):
        (tmp_path / "a.ipynb").write_text(notebook(("code", cell), ("code", CODE)))
        taken = take(tmp_path / "a.ipynb")
        assert taken.problem == ""
        assert CODE in taken.source

    def test_a_line_that_begins_with_a_percent_sign_as_python(self, tmp_path):
        cell = "a = (7\n     % 4)\n"
        (tmp_path / "a.ipynb").write_text(notebook(("code", cell)))
        assert cell in take(tmp_path / "a.ipynb").source

    def test_a_mistake_is_placed_in_its_cell(self, tmp_path):
        (tmp_path / "a.ipynb").write_text(notebook(("code", CODE), ("markdown", "x"), ("code", "a = 1\nb = = 2\n")))
        assert take(tmp_path / "a.ipynb").problem.startswith("a.ipynb, cell 3, line 2: Python cannot read `b = = 2`")

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"cells": 3}', '{"cells": [{"cell_type": "code"}]}', "[" * 100_000])
    def test_what_is_no_notebook(self, text, tmp_path):
        (tmp_path / "a.ipynb").write_text(text)
        assert take(tmp_path / "a.ipynb").problem == (
            "a.ipynb is no notebook that can be read; save it again in Jupyter, or hand in a .py file."
        )


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"def relu(x:\n    return x\n", "relu.py, line 1: Python cannot read `def relu(x:` "),
        (b"def relu(x):\nreturn x\n", "relu.py, line 2: Python cannot read `return x` (expected an indented block"),
        (b"", "relu.py is empty: it holds no code; hand in the file that you wrote, saved."),
        (b'"""Only words."""\n# and a comment\n', "relu.py is empty"),
        (b"x = 1\0", "relu.py holds zero bytes"),
        ("x = 'ä'".encode("latin-1"), "relu.py is no UTF-8 text (byte 5); save it as UTF-8 in your editor."),
        ("x = 1".encode("utf-16"), "relu.py is no UTF-8 text (byte 0)"),
        (b"(" * 100_000, "relu.py, line 1: Python cannot read"),
        (b"-" * 500_000 + b"1", "relu.py is nested too deeply"),
        (b"a+" * 100_000 + b"a", "relu.py is nested too deeply"),
    ],
)
def test_texts_that_cannot_be_run(data, problem, tmp_path):
    (tmp_path / "relu.py").write_bytes(data)
    taken = take(tmp_path / "relu.py")
    assert taken.problem.startswith(problem)
    assert taken.source == ""
    assert "\n" not in taken.problem


def test_other_mistakes(tmp_path):
    with pytest.raises(ArgumentError, match=r"take: a submission is a file, folder, zip or tar, but there is nothing at .*nothing\.py"):
        take(tmp_path / "nothing.py")
    (tmp_path / "ada.pdf").write_bytes(b"%PDF-1.7")
    assert take(tmp_path / "ada.pdf").problem == "ada.pdf is no Python file (.py), notebook (.ipynb), zip or tar; hand in one Python file."


def test_a_warning_of_the_students_code_is_no_problem(tmp_path):
    (tmp_path / "relu.py").write_text("x = '\\d'\n")
    assert take(tmp_path / "relu.py").problem == ""


def test_the_digest_is_of_what_a_grade_depends_on(tmp_path):
    (tmp_path / "relu.py").write_text(CODE)
    first = take(tmp_path / "relu.py").digest
    os.utime(tmp_path / "relu.py", (0, 0))
    assert take(tmp_path / "relu.py").digest == first
    (tmp_path / "relu.py").write_text(CODE + "\n")
    assert take(tmp_path / "relu.py").digest != first


class TestAdvice:
    def test_what_is_out_of_place_is_told_with_its_line(self):
        source = "import os.path as p, math\nfrom torch import nn\nfrom .mine import f\n\n\ndef relu(x):\n    open('a')\n    return ().__class__.__subclasses__()\n"
        assert [sentence.partition(":")[0].partition(",")[0] for sentence in advice(source)] == [
            "Line 1 imports os.path",
            "Line 2 imports torch",
            "Line 3 imports .mine",
            "Line 7 calls open",
            "Line 8 reads .__subclasses__",
        ]
        assert "is to be written, not called" in advice(source)[1]

    def test_sound_code_and_what_runs_as_a_script_gets_none(self):
        assert advice(CODE + "\nif __name__ == '__main__':\n    import sys\n    exit(relu(open(sys.argv[1])))\n") == ()

    def test_many_are_counted(self):
        assert advice("import os\n" * 20)[-1] == "… and 12 more of the kind."
