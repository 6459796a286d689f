"""Which question: is there a file here, and what kind of file is it?

Idea: a path is checked before it is opened (missing, a folder, empty, not readable), and a file is
recognised by its first bytes, not by its name: a download that failed is a web page called
model.pth, and a clone without Git LFS leaves a note of three lines where the weights should be.

Cost: one listing of the folder, only when a name is missing; the first 512 bytes otherwise.
Does not do: no downloads and no search in other folders.
Source: the signatures are those of each format's own documentation.  Next room: photo.py, weightfile.py.
"""

import difflib
import itertools
import os
from pathlib import Path

from minicnn.errors import ArgumentError, FileFormatError

HEAD = 512  # bytes that are enough to tell one kind of file from another
# Expanded, shared and compressed arrays may unpack to more than the file, within reason.
FREE_BYTES, TIMES_THE_FILE = 2**26, 16
HDF5 = "an HDF5 file (Keras writes these)"
STARTS = (
    (b"\x89HDF\r\n\x1a\n", HDF5),
    (b"\x93NUMPY", "a NumPy array (.npy): read it with np.load"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file it points to: run `git lfs pull` in its repository"),
    (b"GGUF", "a GGUF file"),
    (b"\x1f\x8b", "a gzip archive: unpack it first"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
)


def existing_file(path, what: str) -> Path:
    """Return path as a Path to a file that is there and holds something, or say what is wrong with it."""
    if not isinstance(path, str | os.PathLike):
        raise ArgumentError(f"{what}: a path is a str or a pathlib.Path, but it is a {type(path).__name__}.")
    file = Path(path)
    try:
        status = "folder" if file.is_dir() else "file" if file.is_file() else "other" if file.exists() else "missing"
        size = file.stat().st_size if status == "file" else 0
    except (OSError, ValueError) as error:  # a name that the system refuses to look up
        raise FileFormatError(f"{what}: {str(path)!r} cannot be a file here ({error}); check the path.") from None
    if status == "missing":
        raise FileFormatError(f"{what}: {_missing(file, str(path))}")
    if status == "folder":
        raise FileFormatError(f"{what}: {str(file)!r} is a folder; name a file inside it.")
    if status == "other":
        raise FileFormatError(f"{what}: {str(file)!r} is a device or a pipe, not a file; copy its contents into a file first.")
    if size == 0:
        raise FileFormatError(f"{what}: {file.name} is empty (0 bytes); the download or copy did not finish, so fetch it again.")
    return file


def _missing(file: Path, given: str) -> str:
    """Return where we looked, and the nearest name there."""
    if given.startswith(("http:", "https:")):
        return f"{given!r} is a web address, and minicnn downloads nothing; save the file first and pass its path."
    if file.parts[:1] == ("~",):
        return f"no file {given!r}: Python leaves ~ as it is; pass pathlib.Path(path).expanduser()."
    folder = file.absolute().parent
    if not folder.is_dir():
        there = next(parent for parent in folder.parents if parent.is_dir())
        return f"no file {file.name!r}: its folder {str(folder)!r} does not exist, only {str(there)!r} does; check the path."
    names = _names(folder)
    close = difflib.get_close_matches(file.name, names, n=1, cutoff=0.5)
    remedy = f"did you mean {close[0]!r}?" if close else "no name there is like it; check the spelling and the folder."
    return f"no file {file.name!r} in the folder {str(folder)!r}; {remedy}"


def _names(folder: Path) -> list[str]:
    """Return the names in a folder, as many as a user could have meant."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in itertools.islice(entries, 10_000))
    except OSError:  # a folder that this user may enter but not list
        return []


def trusted_bytes(size: int) -> int:
    """Return how many bytes of arrays a file of that size is trusted with."""
    return FREE_BYTES + TIMES_THE_FILE * size


def wants_bytes_within(claimed: int, size: int) -> None:
    """Raise where arrays claim more bytes than a file of that size is trusted with."""
    room = trusted_bytes(size)
    if claimed > room:
        raise FileFormatError(
            f"claims tensors of {claimed:,} bytes, but {size:,} bytes of file are trusted with at most "
            f"{TIMES_THE_FILE}·{size:,} + {FREE_BYTES:,} = {room:,}; it is damaged or hostile."
        )


def kind_of(head: bytes) -> str | None:
    """Return what a file that starts with these bytes is, in words, or None when it is not recognised.

    >>> kind_of(b"<!DOCTYPE html><html>")
    'a web page (HTML), probably the error page of a failed download: open it in a text editor, then fetch the file again'
    >>> kind_of(bytes([64, 0, 0, 0, 0, 0, 0, 0]) + b'{"conv.weight"')
    'a safetensors file'
    """
    for start, words in STARTS:
        if head.startswith(start):
            return words
    if head.lstrip()[:9].lower().startswith((b"<!doctype", b"<html")):
        return "a web page (HTML), probably the error page of a failed download: open it in a text editor, then fetch the file again"
    if head[8:10] in (b'{"', b"{}") and int.from_bytes(head[:8], "little") < 2**32:
        return "a safetensors file"
    if head[4:8] == b"TFL3":
        return "a TensorFlow Lite file"
    if head[257:262] == b"ustar":
        return "a tar archive"
    # ONNX is a protocol buffer without a signature: field 1 (the version, a small number), then another field of a model.
    if head[:1] == b"\x08" and head[1:2] < b"\x20" and head[2:3] in (b"\x12", b"\x1a", b"\x22", b"\x28", b"\x32", b"\x3a", b"\x42"):
        return "an ONNX file"
    return None
