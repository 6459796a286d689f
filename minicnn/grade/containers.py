"""Which question: which files does a folder, a zip or a tar hold, and how is one of them read without trusting any?

Idea: names are listed, nothing is unpacked, and one regular file is read up to a bound.  Links, devices, names with `..` or a
drive are passed over.  How many bytes come out is counted while they come, since what an archive says of itself may be a lie.

Cost: a list of names; a packed tar is unpacked in memory, at most MOST_UNPACKED.
What it does not do: 7z, rar, xz (whose dictionary alone may ask for gigabytes), encrypted zips, archives in archives.
Source: D. Fifield, A better zip bomb (2019); the documentation of zipfile and tarfile.  Next room: submission.py.
"""

import bz2
import gzip
import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

MOST_ARCHIVE = 50 * 2**20
MOST_UNPACKED = 100 * 2**20
MOST_NAMES = 5_000
PLAIN_ZIP = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
OTHER_ARCHIVES = {b"7z\xbc\xaf": "7z", b"Rar!": "rar", b"\xfd7zX": "xz", b"\x28\xb5\x2f\xfd": "zstd"}


class NotTakenError(Exception):
    """Why a submission cannot be taken: one sentence for its author."""


class Entry(NamedTuple):
    """A regular file: its name inside what was handed in, its size as stated, and `read(most)`, which returns at most `most` bytes."""

    name: str
    size: int
    read: Callable[[int], bytes]


def entries(path: Path) -> tuple[str, list[Entry]]:
    """Return what path is ('file', 'folder', 'zip', 'tar') and the regular files in it, or raise NotTakenError."""
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        raise NotTakenError(f"{path.name} is a link to another file, and links are not followed; hand in the file itself.")
    if stat.S_ISDIR(status.st_mode):
        return "folder", _in_folder(path)
    if not stat.S_ISREG(status.st_mode):
        raise NotTakenError(f"{path.name} is no ordinary file; hand in one Python file.")
    head = _read(path, 512)
    for magic, kind in OTHER_ARCHIVES.items():
        if head.startswith(magic):
            raise NotTakenError(
                f"{path.name} is a {kind} archive, which is not unpacked here; hand in the Python file itself, or a zip of it."
            )
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip", _archive(path, status.st_size, "zip", _in_zip)
    if head.startswith((b"\x1f\x8b", b"BZh")) or head[257:262] == b"ustar":
        return "tar", _archive(path, status.st_size, "tar", _in_tar)
    return "file", [Entry(path.name, status.st_size, lambda most: _read(path, most))]


def _read(path: Path, most: int) -> bytes:
    """Return the first bytes of a regular file; a link or a pipe that took its place meanwhile is refused."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        raise NotTakenError(f"{path.name} could not be opened ({error.strerror}); hand it in again.") from None
    with open(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotTakenError(f"{path.name} is no ordinary file; hand in one Python file.")
        return stream.read(most)


def _in_folder(folder: Path) -> list[Entry]:
    found, seen = [], 0
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not (Path(place) / name).is_symlink())
        seen += len(folders) + len(names)
        _few(seen, folder.name)
        for path in (Path(place) / name for name in sorted(names)):
            status = path.lstat()
            if stat.S_ISREG(status.st_mode):
                found.append(Entry(path.relative_to(folder).as_posix(), status.st_size, lambda most, path=path: _read(path, most)))
    return found


def _few(count: int, name: str) -> None:
    if count > MOST_NAMES:
        raise NotTakenError(f"{name} holds more than {MOST_NAMES:,} files; hand in the one Python file that was asked for.")


def _archive(path: Path, size: int, kind: str, entries_of: Callable[[Path], list[Entry]]) -> list[Entry]:
    """Return the files of an archive; whatever a damaged or hostile one does to its reader becomes one sentence."""
    if size > MOST_ARCHIVE:
        raise NotTakenError(
            f"{path.name} has {size:,} bytes, and at most {MOST_ARCHIVE:,} are unpacked; hand in the one Python file that was asked for."
        )
    try:
        found = entries_of(path)
    except NotTakenError:
        raise
    except Exception as error:  # zipfile and tarfile raise a dozen kinds for what is damaged, struct.error and RecursionError among them
        raise NotTakenError(f"{path.name} cannot be read as a {kind} archive ({type(error).__name__}); pack it again.") from None
    return [entry for entry in found if _plain_name(entry.name)]


def _plain_name(name: str) -> bool:
    """Return whether a name stays inside its archive.

    >>> [_plain_name(name) for name in ("hw/conv2d.py", "../conv2d.py", "/conv2d.py", "C:conv2d.py", "hw\\\\conv2d.py")]
    [True, False, False, False, False]
    """
    return bool(name) and not name.startswith("/") and ".." not in name.split("/") and not set(name) & set("\\:\0")


def _in_zip(path: Path) -> list[Entry]:
    _few(_read(path, MOST_ARCHIVE).count(b"PK\x01\x02"), path.name)  # the mark of every name: zipfile reads all names as it opens
    with zipfile.ZipFile(path) as archive:
        listed = archive.infolist()
    # Some Windows programs write backslashes between folders; nothing is unpacked, so a name only has to be plain.
    return [Entry(info.filename.replace("\\", "/"), info.file_size, _from_zip(path, info)) for info in listed if _regular(info)]


def _regular(info: zipfile.ZipInfo) -> bool:
    mode = info.external_attr >> 16  # 0 where the archive comes from a system without modes
    return not info.is_dir() and stat.S_IFMT(mode) in (0, stat.S_IFREG)


def _from_zip(path: Path, info: zipfile.ZipInfo) -> Callable[[int], bytes]:
    def read(most: int) -> bytes:
        if info.flag_bits & 1:
            raise NotTakenError(f"{info.filename} in {path.name} is encrypted; pack it again without a password.")
        if info.compress_type not in PLAIN_ZIP:
            raise NotTakenError(f"{info.filename} in {path.name} is packed in an unusual way; pack it again as an ordinary zip.")
        try:
            with zipfile.ZipFile(path) as archive, archive.open(info) as stream:
                return stream.read(most)
        except Exception as error:  # zlib.error, BadZipFile, EOFError, struct.error, …
            raise NotTakenError(f"{info.filename} in {path.name} is damaged ({type(error).__name__}); pack it again.") from None

    return read


def _in_tar(path: Path) -> list[Entry]:
    data = _unpacked(path)
    found, place, seen = [], -1, 0
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        while (member := archive.next()) is not None:
            if member.offset <= place or member.size < 0:  # a negative size leads back to where the reader was already
                raise NotTakenError(f"{path.name} is a damaged tar archive; pack it again.")
            place, seen = member.offset, seen + 1
            _few(seen, path.name)
            if member.type in (tarfile.REGTYPE, tarfile.AREGTYPE):
                start, size = member.offset_data, member.size
                found.append(Entry(member.name, size, lambda most, start=start, size=size: data[start : start + min(size, most)]))
    return found


def _unpacked(path: Path) -> bytes:
    """Return the bytes of a tar, unpacked where it is packed, counted while they come."""
    data = _read(path, MOST_ARCHIVE + 1)
    opener = gzip.open if data.startswith(b"\x1f\x8b") else bz2.open if data.startswith(b"BZh") else None
    if opener is None:
        return data
    with opener(io.BytesIO(data)) as stream:
        data = stream.read(MOST_UNPACKED + 1)
    if len(data) > MOST_UNPACKED:
        raise NotTakenError(f"{path.name} unpacks to more than {MOST_UNPACKED:,} bytes; hand in the one Python file that was asked for.")
    return data
