"""Solutions, encrypted: who passes is sealed, who has the key opens, and nobody else learns or changes anything."""

import os
import sys

import pytest
from handed import CORNER, RIGHT, own_assignment

from minicnn.errors import ArgumentError, FileFormatError, UnsupportedError
from minicnn.grade import sealed
from minicnn.grade.handed_in import Manner

fernet = pytest.importorskip("cryptography.fernet", reason='needs the extra: pip install "minicnn-engine[instructor]"')
SHAPES = """
def output_size(in_size, kernel, stride, padding, dilation):
    return (in_size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def same_padding(kernel, dilation):
    total = dilation * (kernel - 1)
    return total // 2, total - total // 2


def receptive_field(layers):
    size, jump, start = 1, 1, 0
    for kernel, stride, padding, dilation in layers:
        size += (kernel - 1) * dilation * jump
        start -= padding * jump
        jump *= stride
    return size, jump, start
"""
QUICK = Manner(budget=8, sandbox="plain")


@pytest.fixture
def solutions(tmp_path):
    folder = tmp_path / "solutions"
    (folder / "01_shapes").mkdir(parents=True)
    (folder / "01_shapes" / "solution.py").write_text(SHAPES)
    return folder


def seal(folder, tmp_path, **how):
    return sealed.seal(folder, tmp_path / "course.key", tmp_path / "all.sealed", manner=QUICK, **how)


def test_sealed_and_opened(solutions, tmp_path):
    assert seal(solutions, tmp_path) == {"01_shapes/solution.py": "01"}
    assert sealed.unseal(tmp_path / "all.sealed", tmp_path / "course.key", tmp_path / "opened") == (
        tmp_path / "opened/01_shapes/solution.py",
    )
    assert (tmp_path / "opened/01_shapes/solution.py").read_text() == SHAPES


def test_the_archive_tells_nothing_without_the_key(solutions, tmp_path):
    seal(solutions, tmp_path)
    data = (tmp_path / "all.sealed").read_bytes()
    assert fernet.Fernet((tmp_path / "course.key").read_bytes().strip()).decrypt(data).startswith(b"PK")
    assert not any(word in data for word in (b"output_size", b"solution.py", b"PK\x03\x04"))
    if os.name != "nt":
        assert (tmp_path / "course.key").stat().st_mode & 0o777 == 0o600


def test_a_key_that_is_there_is_used(solutions, tmp_path):
    (tmp_path / "course.key").write_bytes(fernet.Fernet.generate_key())
    before = (tmp_path / "course.key").read_bytes()
    seal(solutions, tmp_path)
    assert (tmp_path / "course.key").read_bytes() == before
    assert sealed.unseal(tmp_path / "all.sealed", tmp_path / "course.key", tmp_path / "opened")


def test_ones_own_assignment(tmp_path):
    own = own_assignment(tmp_path)
    folder = tmp_path / "solutions"
    folder.mkdir()
    (folder / "mine.py").write_text(RIGHT)
    assert seal(folder, tmp_path, assignment=str(own)) == {"mine.py": "center_crop"}


class TestWhatIsRefused:
    def test_solutions_that_do_not_pass(self, tmp_path):
        folder = tmp_path / "solutions"
        folder.mkdir()
        (folder / "mine.py").write_text(CORNER)
        with pytest.raises(
            ArgumentError, match=r"seal: only solutions that pass are sealed, but mine\.py earns 0 of 10 points of assignment center_crop: "
        ):
            seal(folder, tmp_path, assignment=str(own_assignment(tmp_path)))
        assert not (tmp_path / "all.sealed").exists()
        assert not (tmp_path / "course.key").exists()

    def test_solutions_that_cannot_be_run(self, solutions, tmp_path):
        (solutions / "02_conv2d.py").write_text("def conv2d(:")
        with pytest.raises(ArgumentError, match=r"02_conv2d\.py, line 1: Python cannot read"):
            seal(solutions, tmp_path)

    def test_folders_without_solutions(self, tmp_path):
        (tmp_path / "empty").mkdir()
        with pytest.raises(ArgumentError, match=r"seal: .*empty' holds no Python file; put the solutions there"):
            seal(tmp_path / "empty", tmp_path)
        with pytest.raises(ArgumentError, match=r"seal: solutions stand in a folder, but there is none at .*nothing"):
            seal(tmp_path / "nothing", tmp_path)

    def test_a_key_inside_a_repository(self, solutions, tmp_path):
        (tmp_path / "course" / ".git").mkdir(parents=True)
        (tmp_path / "course" / "keys").mkdir()
        with pytest.raises(
            ArgumentError, match=r"seal: a key does not belong into a repository, .*but .* would lie in .*course'; choose a place outside\."
        ):
            sealed.seal(solutions, tmp_path / "course/keys/k", tmp_path / "all.sealed", manner=QUICK)
        assert list((tmp_path / "course/keys").iterdir()) == []

    def test_an_archive_that_is_there(self, solutions, tmp_path):
        (tmp_path / "all.sealed").write_text("mine")
        with pytest.raises(ArgumentError, match=r"no file is replaced unasked"):
            seal(solutions, tmp_path)
        assert (tmp_path / "all.sealed").read_text() == "mine"

    def test_another_key_a_changed_and_a_cut_archive(self, solutions, tmp_path):
        seal(solutions, tmp_path)
        archive, data = tmp_path / "all.sealed", (tmp_path / "all.sealed").read_bytes()
        other = tmp_path / "other.key"
        other.write_bytes(fernet.Fernet.generate_key())
        swapped = bytes([data[200] ^ 1])
        for text, key in (
            (data, other),
            (data[:200] + swapped + data[201:], tmp_path / "course.key"),
            (data[:-4], tmp_path / "course.key"),
        ):
            archive.write_bytes(text)
            with pytest.raises(
                FileFormatError,
                match=r"unseal: all\.sealed cannot be opened with the key in .*: it is another key's, or the archive was changed",
            ):
                sealed.unseal(archive, key, tmp_path / "opened")
        assert not (tmp_path / "opened").exists()

    def test_keys_and_archives_that_are_none(self, solutions, tmp_path):
        seal(solutions, tmp_path)
        (tmp_path / "bad.key").write_text("hello")
        with pytest.raises(FileFormatError, match=r"holds no key, which is 44 letters of base64"):
            sealed.unseal(tmp_path / "all.sealed", tmp_path / "bad.key", tmp_path / "opened")
        with pytest.raises(FileFormatError, match=r"unseal: there is no key file .*nothing"):
            sealed.unseal(tmp_path / "all.sealed", tmp_path / "nothing", tmp_path / "opened")
        with pytest.raises(FileFormatError, match=r"unseal: there is no archive .*nothing"):
            sealed.unseal(tmp_path / "nothing", tmp_path / "course.key", tmp_path / "opened")

    def test_files_that_are_there_stay(self, solutions, tmp_path):
        seal(solutions, tmp_path)
        there = tmp_path / "opened/01_shapes/solution.py"
        there.parent.mkdir(parents=True)
        there.write_text("mine")
        with pytest.raises(ArgumentError, match=r"unseal: no file is replaced unasked, but .*solution\.py' is there"):
            sealed.unseal(tmp_path / "all.sealed", tmp_path / "course.key", tmp_path / "opened")
        assert there.read_text() == "mine"

    def test_names_that_leave_the_folder(self, tmp_path):
        import io
        import zipfile

        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as whole:
            whole.writestr("../evil.py", "x")
        key = fernet.Fernet.generate_key()
        (tmp_path / "k").write_bytes(key)
        (tmp_path / "a").write_bytes(fernet.Fernet(key).encrypt(packed.getvalue()))
        with pytest.raises(FileFormatError, match="names a file outside the folder"):
            sealed.unseal(tmp_path / "a", tmp_path / "k", tmp_path / "opened")

    def test_without_the_library(self, monkeypatch, tmp_path):
        monkeypatch.setitem(sys.modules, "cryptography", None)
        with pytest.raises(UnsupportedError, match=r'not installed; pip install "minicnn-engine\[instructor\]"\.'):
            sealed.unseal(tmp_path / "a", tmp_path / "k", tmp_path)
