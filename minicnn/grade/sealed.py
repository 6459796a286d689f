"""Which question: how do solutions travel to instructors and to nobody else?

Idea: solutions that pass their assignment are packed into one file, encrypted under a key that stands in a file of its own.  Who has
both has the solutions; who has the archive alone has noise of the same length, and cannot change it unseen.

Cost: grading each solution once.  What it does not do: keep the key; a key in a repository is a published solution, so none is made there.
Source: the Fernet specification (AES-128 in CBC mode, HMAC-SHA256); the documentation of cryptography.  Next room: making.py.
"""

import io
import os
import zipfile
from pathlib import Path

from minicnn.errors import ArgumentError, FileFormatError, UnsupportedError
from minicnn.grade.assignments import find
from minicnn.grade.handed_in import USUAL, Manner, asked_by, grade_submission
from minicnn.grade.submission import take
from minicnn.load.whole import places, written

MOST = 16 * 2**20  # bytes of an archive


def seal(folder, key_file, archive, *, assignment: str | None = None, manner: Manner = USUAL) -> dict[str, str]:
    """Encrypt the solutions in a folder into one file, and return {name: the assignment that it solves}.

    key_file : made where there is none, readable by its owner only, and not inside a git repository
    assignment : what all files solve; by default each file's functions and name say it
    Raises ArgumentError where a solution does not pass, or a file may not be written.  Source: the Fernet specification.
    """
    fernet = _fernet()
    places(archive, False, "seal")
    solutions = _solutions(Path(folder), assignment, manner)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as whole:
        for name, (source, _) in solutions.items():
            whole.writestr(zipfile.ZipInfo(name), source)  # without times and owners
    token = fernet.Fernet(_key(Path(key_file), fernet, make=True)).encrypt(packed.getvalue())
    written(archive, lambda stream: stream.write(token), overwrite=False, what="seal")
    return {name: number for name, (_, number) in solutions.items()}


def unseal(archive, key_file, to) -> tuple[Path, ...]:
    """Write the solutions of an archive into a folder, and return their paths; nothing is overwritten.

    Raises FileFormatError where the key is not the archive's, ArgumentError where a file is there already.
    """
    fernet = _fernet()
    archive, to = Path(archive), Path(to)
    if not archive.is_file():
        raise FileFormatError(f"unseal: there is no archive {str(archive)!r}; check the path.")
    with archive.open("rb") as stream:
        token = stream.read(MOST + 1)
    try:
        data = fernet.Fernet(_key(Path(key_file), fernet, make=False)).decrypt(token)
    except fernet.InvalidToken:
        raise FileFormatError(
            f"unseal: {archive.name} cannot be opened with the key in {Path(key_file).name}: it is another key's, or the archive was changed or cut short; "
            f"use the key that `minicnn assignment solutions` wrote beside it."
        ) from None
    with zipfile.ZipFile(io.BytesIO(data)) as whole:  # made by seal: whoever could change it has the key
        contents = {to.joinpath(*name.split("/")): whole.read(name) for name in whole.namelist()}
    if outside := [path for path in contents if not path.resolve().is_relative_to(to.resolve())]:
        raise FileFormatError(f"unseal: {archive.name} names a file outside the folder ({outside[0]}); it is not written.")
    if there := [path for path in contents if os.path.lexists(path)]:
        raise ArgumentError(f"unseal: no file is replaced unasked, but {str(there[0])!r} is there; open the archive into an empty folder.")
    for path, text in contents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        written(path, lambda stream, text=text: stream.write(text), overwrite=False, what="unseal")
    return tuple(contents)


def _solutions(folder: Path, assignment: str | None, manner: Manner) -> dict[str, tuple[str, str]]:
    """Return {name: (source, assignment's number)} of the Python files in a folder, each of which has passed."""
    if not folder.is_dir():
        raise ArgumentError(f"seal: solutions stand in a folder, but there is none at {str(folder)!r}; check the path.")
    paths = sorted(
        path for path in folder.rglob("*.py") if not any(part.startswith((".", "__")) for part in path.relative_to(folder).parts)
    )
    if not paths:
        raise ArgumentError(f"seal: {str(folder)!r} holds no Python file; put the solutions there, one file an assignment.")
    found = {}
    for path in paths:
        handed_in, name = take(path), path.relative_to(folder).as_posix()
        chosen = find(assignment) if assignment else asked_by(handed_in, path)
        report = grade_submission(chosen, handed_in, manner=manner)
        if not report.passed:
            failure = next(part.failure for part in report.parts if part.failure)
            raise ArgumentError(
                f"seal: only solutions that pass are sealed, but {name} earns {report.earned:g} of {report.points:g} points of assignment {chosen.number}: "
                f"{report.problem or failure.says} Mend it; minicnn assignment check {name} shows all of it."
            )
        found[name] = (handed_in.source, chosen.number)
    return found


def _key(file: Path, fernet, *, make: bool) -> bytes:
    """Return the key that a file holds; make one where there is none and that is asked."""
    if make and not os.path.lexists(file):
        repository = next((folder for folder in file.absolute().parents if (folder / ".git").exists()), None)
        if repository:
            raise ArgumentError(
                f"seal: a key does not belong into a repository, where everybody finds it, but {str(file)!r} would lie in {str(repository)!r}; choose a place outside."
            )
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(fernet.Fernet.generate_key() + b"\n")
    if not file.is_file():
        raise FileFormatError(f"unseal: there is no key file {str(file)!r}; name the one that was written when the archive was made.")
    key = file.read_bytes()[:100].strip()
    try:
        fernet.Fernet(key)
    except ValueError:
        raise FileFormatError(
            f"seal: {str(file)!r} holds no key, which is 44 letters of base64; name a file that is not there, and one is made."
        ) from None
    return key


def _fernet():
    try:
        from cryptography import fernet
    except ImportError:
        raise UnsupportedError(
            'seal: solutions are encrypted with the library cryptography, which is not installed; pip install "minicnn-engine[instructor]".'
        ) from None
    return fernet
