"""Which question: where may a figure be written?

Idea: what we write, we sign (a PNG text entry, "Software: minicnn …"; a GIF's comment; a page's generator), and only what is signed may
be replaced.  A file of someone else is never overwritten, and a folder that holds one is refused
before anything is drawn, so that nobody finds our pictures among theirs.

Cost: reading the head of each file in the folder.
What it does not do: delete anything.
Source: PNG (Portable Network Graphics) Specification, section 11.3.4.3, keyword "Software".
"""

import os
from itertools import islice
from pathlib import Path

from minicnn import __version__
from minicnn.errors import ArgumentError
from minicnn.show.style import Picture

SIGNATURE = f"minicnn {__version__}"
GENERATOR = b'<meta name="generator" content="minicnn '
HEAD = 2000  # bytes of a page in which its generator is named
PICTURES = {".png": ("PNG", "Software"), ".gif": ("GIF", "comment")}  # by ending: format, and the entry that is signed
LEFT_BY_SYSTEMS = (".DS_Store", "Thumbs.db", "desktop.ini")  # file managers leave these without being asked


def is_ours(path) -> bool:
    """Return whether a file is a PNG, a GIF or a page that this package wrote."""
    from PIL import Image

    ending = Path(path).suffix.lower()
    if ending not in (*PICTURES, ".html") or not Path(path).is_file():
        return False  # not opened: a pipe would wait for its writer
    try:
        if ending == ".html":
            with Path(path).open("rb") as stream:
                return GENERATOR in stream.read(HEAD)
        kind, entry = PICTURES[ending]
        with Image.open(path) as image:
            signed = image.info.get(entry, "")
            return image.format == kind and (signed.decode("latin-1") if isinstance(signed, bytes) else str(signed)).startswith("minicnn ")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):  # not an image, or not one that can be read
        return False


def save(figure: Picture, path) -> Path:
    """Write a figure as a PNG and return its path; a file that we did not write is not replaced.

    >>> import tempfile
    >>> from minicnn.show.style import picture
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(picture(2, 1, "title"), Path(folder, "figure.png")).name
    'figure.png'

    Raises ArgumentError where the path is no .png, or is a file that someone else made; OSError where it cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise ArgumentError(f"show.save: figures are written as PNG, but the file is called {path.name!r}; call it {path.stem}.png.")
    check_free(path, "show.save")
    return write(path, figure.png(Software=SIGNATURE))


def write(path: Path, data: bytes) -> Path:
    """Write signed bytes to a path that check_free has passed, all or nothing."""
    if not path.exists():
        with path.open("xb") as stream:  # 'x': if someone was faster, theirs stays
            stream.write(data)
        return path
    beside = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        beside.write_bytes(data)
        beside.replace(path)  # at once: a reader sees the old picture or the new one
    finally:
        beside.unlink(missing_ok=True)
    return path


def check_free(path: Path, what: str) -> None:
    """Refuse a path at which someone else's file stands."""
    if path.exists() and not is_ours(path):
        raise ArgumentError(
            f"{what}: only pictures that minicnn wrote are replaced, but {str(path)!r} is not one; save under another name, or move it away."
        )


def free_folder(path) -> Path:
    """Return a folder for pictures, made if it is missing; refuse one that holds files we did not write.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     free_folder(Path(place, "pictures")).is_dir()
    True

    Raises ArgumentError with the names of such files; OSError where the folder cannot be made.
    """
    folder = Path(path)
    if folder.exists() and not folder.is_dir():
        raise ArgumentError(f"show.free_folder: pictures go into a folder, but {str(folder)!r} is a file; name another folder.")
    if folder.is_dir():
        others = (item.name for item in sorted(folder.iterdir()) if item.name not in LEFT_BY_SYSTEMS and not is_ours(item))
        shown = ", ".join(islice(others, 4))
        if shown:
            raise ArgumentError(
                f"show.free_folder: pictures go into a folder of their own, but {str(folder)!r} holds files that minicnn did not "
                f"write, such as {shown}; name another folder."
            )
    folder.mkdir(parents=True, exist_ok=True)
    return folder
