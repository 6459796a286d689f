"""Which question: where in a PyTorch file are the pickle and the bytes of each storage?

Idea: two layouts hold the same pickle.

    since 1.6 (zip)     name/data.pkl, name/data/0, name/data/1, …, name/byteorder
    before (stream)     magic · 1001 · facts about the machine · the pickle · keys · (count, bytes) for each key

`read_zip` and `read_stream` both return the pickle's value and a function that fetches the bytes of
one storage; a storage is fetched only when it has exactly the size that the pickle claims.

Cost: a zip is read one storage at a time, a stream is read into memory whole.
Does not do: the tar files of PyTorch before 0.1.10, TorchScript, encrypted zips.
Source: torch/serialization.py (_save, _legacy_save); zip bombs: D. Fifield, "A better zip bomb" (2019).
Next room: weightfile.py.
"""

import io
import struct
import zipfile
from collections import Counter
from collections.abc import Callable
from typing import BinaryIO, NamedTuple

from minicnn.errors import FileFormatError
from minicnn.load.pickles import read_pickle
from minicnn.load.tensors import RESAVE, Storage, find, storage_claim

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
LARGEST_PICKLE = 2**26
MOST_EXPANSION = 100  # torch stores without compressing; a file that was zipped again still stays far below this


class Contents(NamedTuple):
    """What a file holds: the pickle's value, `fetch(storage)` for the bytes, and their order ('<' or '>')."""

    value: object
    fetch: Callable[[Storage], bytes | memoryview]
    order: str


def is_stream(head: bytes) -> bool:
    """Return whether a file that starts with these bytes has the layout of PyTorch before 1.6."""
    return head[:1] == b"\x80" and MAGIC.to_bytes(10, "little") in head[:32]


class Claims:
    """Every storage that the pickle mentions; one key may not mean two sizes."""

    def __init__(self):
        self.seen: dict[str, Storage] = {}

    def __call__(self, identity) -> Storage:
        storage = storage_claim(identity)
        first = self.seen.setdefault(storage.key, storage)
        if first.nbytes != storage.nbytes:
            raise FileFormatError(
                f"claims storage {storage.label} to have {first.nbytes} bytes and {storage.nbytes} bytes; it is damaged or hostile."
            )
        return storage


def wants_bytes(storage: Storage, have: int) -> None:
    if have != storage.nbytes:
        raise FileFormatError(f"claims {storage.nbytes} bytes for storage {storage.label} but holds {have}; it is damaged or cut short.")


def read_zip(stream: BinaryIO, file_size: int) -> Contents:
    """Return the contents of the zip layout; the stream must stay open while storages are fetched."""
    archive = zipfile.ZipFile(stream)
    entries = {entry.filename: entry for entry in archive.infolist()}
    _check_zip(archive.infolist(), file_size)
    folder = _folder(entries)
    pickle_size = entries[f"{folder}/data.pkl"].file_size
    if pickle_size > LARGEST_PICKLE:
        raise FileFormatError(f"has a pickle of {pickle_size:,} bytes, and {LARGEST_PICKLE:,} are plenty for any network.")
    value = read_pickle(io.BytesIO(archive.read(f"{folder}/data.pkl")), find, Claims())

    def fetch(storage: Storage) -> bytes:
        entry = entries.get(f"{folder}/data/{storage.key}")
        if entry is None:
            raise FileFormatError(f"lacks the storage {storage.label} that its tensors name; it is damaged or cut short.")
        wants_bytes(storage, entry.file_size)
        return archive.read(entry)

    byteorder = archive.read(f"{folder}/byteorder") if f"{folder}/byteorder" in entries else b"little"
    if byteorder not in (b"little", b"big"):
        raise FileFormatError(f"says its byte order is {byteorder[:20]!r}, which must be 'little' or 'big'; it is damaged.")
    return Contents(value, fetch, "<" if byteorder == b"little" else ">")


def refuse_repeated_names(listed: list[zipfile.ZipInfo]) -> None:
    """Raise where a zip directory names two entries alike."""
    twice, times = Counter(entry.filename for entry in listed).most_common(1)[0]
    if times > 1:
        raise FileFormatError(
            f"names {twice[:80]!r} twice in its zip directory, so it is not clear which is meant; it is damaged or hostile."
        )


def _check_zip(listed: list[zipfile.ZipInfo], file_size: int) -> None:
    """Refuse a zip whose names repeat or whose entries unpack to far more than the file."""
    refuse_repeated_names(listed)
    total = sum(entry.file_size for entry in listed)
    most = MOST_EXPANSION * file_size
    if total > most:
        raise FileFormatError(
            f"unpacks to {total:,} bytes from {file_size:,}, more than {MOST_EXPANSION} times its size ({most:,}); "
            f"PyTorch stores weights without compressing them, so this looks like a zip bomb."
        )


def _folder(entries: dict) -> str:
    """Return the one folder of a PyTorch zip, or say what kind of zip this is instead."""
    folders = [name.removesuffix("/data.pkl") for name in entries if name.count("/") == 1 and name.endswith("/data.pkl")]
    if any(name.endswith("/constants.pkl") or "/code/" in name for name in entries):
        raise FileFormatError(f"is a TorchScript archive, which holds code; {RESAVE}, from torch.jit.load(path).")
    if len(folders) == 1:
        return folders[0]
    raise FileFormatError(
        f"is a zip archive with {len(folders)} data.pkl where PyTorch writes one, and no NumPy archive (.npz); "
        f"only PyTorch (torch.save), safetensors, Keras and .npz files are read."
    )


def read_stream(data: bytes) -> Contents:
    """Return the contents of the older layout, whose storages follow the pickle in the order of a list of keys."""
    stream, claims = io.BytesIO(data), Claims()
    magic, protocol = (read_pickle(stream, find, claims) for _ in range(2))
    if magic != MAGIC or protocol != PROTOCOL:
        raise FileFormatError(f"does not begin with the two numbers of PyTorch's older layout (protocol {PROTOCOL}); it is damaged.")
    read_pickle(stream, find, claims)  # sizes of C types on the machine that saved it; the data is little-endian on all
    value = read_pickle(stream, find, claims)
    keys = read_pickle(stream, find, claims)
    blocks: dict[str, memoryview] = {}
    place = stream.tell()
    for key in keys:
        storage = claims.seen[key]
        if key in blocks:
            raise FileFormatError(f"lists storage {storage.label} twice; it is damaged or hostile.")
        (count,) = struct.unpack_from("<q", data, place)
        wants_bytes(storage, count * storage.kind.itemsize)
        blocks[key] = memoryview(data)[place + 8 : place + 8 + storage.nbytes]
        wants_bytes(storage, len(blocks[key]))
        place += 8 + storage.nbytes
    return Contents(value, lambda storage: blocks[storage.key], "<")
