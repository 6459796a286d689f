"""Which question: how is a file written so that it is either whole or not there?

Idea: everything is checked before anything is written; the bytes go to a file beside the target,
are flushed to the disk, and then take the target's name at once (os.replace).  Whoever reads the
target meanwhile, or after a crash, sees the old file or the new one.

    bytes ─ check ─► .model.safetensors.3f9a0c12.part ─ flush ─► model.safetensors

Cost: the disk.  Does not do: more than one file at a time; no folders are made.
Source: POSIX rename(2), os.replace.  Next rooms: save.py, onnx_out/, which have bytes to write.
"""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from minicnn.errors import ArgumentError, FileFormatError


def written(path, write: Callable[[BinaryIO], None], *, overwrite: bool, what: str) -> None:
    """Write a file whole or not at all; a file that is there is replaced only where overwrite says so."""
    file, target = Path(path), places(path, overwrite, what)
    with _system_errors(file, what):
        _whole(file, target, overwrite, what, write)


def named_path(path, what: str) -> Path:
    """Return path as a Path."""
    if not isinstance(path, str | os.PathLike):
        raise ArgumentError(f"{what}: a path is a str or a pathlib.Path, but it is a {type(path).__name__}.")
    return Path(path)


def places(path, overwrite: bool, what: str) -> Path:
    """Return the file to write, or where path is a link what it points to; or say why nothing is written there."""
    file = named_path(path, what)
    try:
        target = Path(os.path.realpath(file))  # a link keeps pointing to the file that it points to
        there, folder = file.exists() or file.is_symlink(), file.absolute().parent
        if there and not file.is_file():
            raise FileFormatError(f"{what}: {str(path)!r} is there already and is no file; choose another name.")
        _refuse_existing(file, there, overwrite, what)
        if not folder.is_dir():
            raise FileFormatError(
                f"{what}: the folder {str(folder)!r} does not exist; make it first, Path(path).parent.mkdir(parents=True)."
            )
    except (OSError, ValueError) as error:  # a name that the system refuses to look up
        if isinstance(error, ArgumentError | FileFormatError):
            raise
        raise FileFormatError(f"{what}: {str(path)!r:.80} cannot be a file here ({error}); check the path.") from None
    return target


def _refuse_existing(file: Path, there: bool, overwrite: bool, what: str) -> None:
    if there and not overwrite:
        raise ArgumentError(
            f"{what}: no file is replaced unasked, but {str(file)!r} is there; save under another name, or pass overwrite=True."
        )


def _whole(file: Path, target: Path, overwrite: bool, what: str, write: Callable[[BinaryIO], None]) -> None:
    """Write beside the file and rename; what was written is removed if anything goes wrong on the way."""
    beside = target.with_name(f".{target.name[:100]}.{os.urandom(4).hex()}.part")
    stream = beside.open("xb")
    try:
        with stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        _refuse_existing(file, file.exists(), overwrite, what)  # someone may have been faster
        os.replace(beside, target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _system_errors(file: Path, what: str):
    """Turn the system's refusals into one sentence with a remedy."""
    try:
        yield
    except PermissionError:
        raise FileFormatError(
            f"{what}: {file.name!r} may not be written into {str(file.absolute().parent)!r} by this user; choose another folder."
        ) from None
    except OSError as error:
        raise FileFormatError(
            f"{what}: {file.name!r} could not be written ({error.strerror or error}), and nothing was; free some space, or choose another folder."
        ) from None
