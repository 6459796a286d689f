"""An archive of very many names is refused while they are counted, not after all of them were read."""

import gzip
import io
import struct
import tarfile
import time
import zipfile

import pytest

from minicnn.grade.containers import MOST_NAMES, NotTakenError, entries

FEW = f"holds more than {MOST_NAMES:,} files"


def test_folders_and_links_in_a_tar_are_counted_too(tmp_path):
    head = tarfile.TarInfo("folder")
    head.type = tarfile.DIRTYPE
    packed = tmp_path / "folders.tgz"
    packed.write_bytes(gzip.compress(head.tobuf() * 190_000, 1))
    start = time.perf_counter()
    with pytest.raises(NotTakenError, match=FEW):
        entries(packed)
    assert time.perf_counter() - start < 3  # 0.3 s here; all of them took 9


def test_a_zip_of_many_names_is_not_opened(tmp_path, monkeypatch):
    """Whatever its last record says of their number: the reader goes by the size of the directory."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for number in range(MOST_NAMES + 1):
            archive.writestr(str(number), "")
    data = bytearray(content.getvalue())
    end = data.rfind(b"PK\x05\x06")
    struct.pack_into("<HH", data, end + 8, 1, 1)
    packed = tmp_path / "names.zip"
    packed.write_bytes(data)
    assert len(zipfile.ZipFile(packed).infolist()) == MOST_NAMES + 1
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(NotTakenError, match=FEW):
        entries(packed)


def test_as_many_names_as_are_allowed_are_taken(tmp_path):
    for name, write in (("names.zip", zipped), ("names.tar", tarred)):
        write(tmp_path / name)
        assert len(entries(tmp_path / name)[1]) == MOST_NAMES


def zipped(path):
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(MOST_NAMES):
            archive.writestr(str(number), "")


def tarred(path):
    with tarfile.open(path, "w") as archive:
        for number in range(MOST_NAMES):
            archive.addfile(tarfile.TarInfo(str(number)))
