"""Which question: what may be done with an untrusted HDF5 file, by whom, and with what at hand?

Idea: the HDF5 library is C, and a damaged file can make it crash or never come back (of 4,000 small files
with a few altered bytes, two crashed HDF5 2.0.0 and seven kept it busy).  So this file is a program of its own: hdf5.py
starts it, it gives up the right to open anything, and then answers requests until its input ends.

    request   length of the file (8 bytes) · bytes trusted to it (8) · the file
    answer    length (8) · JSON {"groups": {path: attributes}, "arrays": [[path, kind, shape]]} or {"refused": why}
              then for each array one byte: 1 and its numbers, or 0, a length (8) and why not

Numbers are read from the file itself alone.  A link to another place, external or virtual storage,
references, text, fields, and filters that HDF5 would load as a plugin are refused before any is followed.

Cost: a fifth of a second to start; the file in memory, and one array at a time.
Does not do: import minicnn, write files.  Where the system has no resource limits (Windows) the checks
here still stand, but nothing takes the right to open files away.
Source: The HDF5 File Format Specification; h5py's low-level API; setrlimit(2).  Next room: hdf5.py.
"""

import contextlib
import io
import json
import re
import struct
import sys

FIRST_WORD = b"minicnn reads HDF5"
MOST_OBJECTS, DEEPEST = 50_000, 32
MOST_TEXT = 2**24  # bytes of one attribute; the config of a network of a thousand layers has one million
FILTERS = (1, 2, 3)  # gzip, shuffle and checksums are in the library; others would be loaded from disk
TEXTS = re.compile(r"(layer_names|weight_names|model_config)\d{0,4}|name|dtype|keras_version|backend")
KINDS = (
    *("float16", "float32", "float64", "bool"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
)


class Refused(Exception):
    """What the file asks for, and why it does not get it: the rest of a sentence about the file."""


def confine() -> None:
    """Give up, for good, the right to open files: links, plugins and libraries are then out of reach, whatever a file says."""
    with contextlib.suppress(ImportError):
        import resource

        for limit, most in (("RLIMIT_CORE", 0), ("RLIMIT_FSIZE", 0), ("RLIMIT_NOFILE", 0)):
            with contextlib.suppress(AttributeError, ValueError, OSError):
                resource.setrlimit(getattr(resource, limit), (most, most))


def limit_memory(most: int) -> None:
    with contextlib.suppress(ImportError, AttributeError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))


def tree(file, room: int) -> tuple[dict, list]:
    """Return the texts of each group by path, and the datasets, all of them checked and none of them read."""
    groups, datasets, waiting, seen, claimed = {}, [], [("", file, 0)], 0, 0
    while waiting:
        path, group, depth = waiting.pop()
        groups[path] = texts(group, path)
        seen += len(group)
        if seen > MOST_OBJECTS or depth > DEEPEST:
            raise Refused(f"holds more than {MOST_OBJECTS:,} objects or groups {DEEPEST} deep, far beyond any network; it is hostile.")
        inner = []
        for name in group:
            where = f"{path}/{name}" if path else name
            if path == "" and name in ("optimizer", "optimizer_weights"):
                continue
            item = opened(group, name, where)
            if hasattr(item, "keys"):
                inner.append((where, item, depth + 1))
            else:
                datasets.append((where, item, kind_of(item, where)))
                claimed += max(item.size, 1) * item.dtype.itemsize
                if claimed > room:
                    raise Refused(f"claims arrays of more than the {room:,} bytes that a file of its size is trusted with; it is hostile.")
        waiting += reversed(inner)
    return groups, datasets


def opened(group, name: str, where: str):
    """Return the group or dataset of that name, if it is one and lies in this file."""
    import h5py

    link = group.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink):
        other = " in another file" if isinstance(link, h5py.ExternalLink) else ""
        raise Refused(f"has a link to another place{other} under {where[:80]!r}, which is not followed; save the numbers themselves.")
    item = group[name]
    if not isinstance(item, h5py.Group | h5py.Dataset):
        raise Refused(f"holds a named type under {where[:80]!r}, and weights are arrays; leave it out before saving.")
    return item


def kind_of(dataset, where: str) -> str:
    """Return the kind of a dataset's numbers, if all of them lie in this file and need nothing loaded to be read."""
    import h5py

    made = dataset.id.get_create_plist()
    if made.get_layout() == h5py.h5d.VIRTUAL or made.get_external_count():
        raise Refused(f"keeps the numbers of {where[:80]!r} in other files, and only this one is read; save them in it.")
    foreign = [made.get_filter(i)[0] for i in range(made.get_nfilters()) if made.get_filter(i)[0] not in FILTERS]
    if foreign:
        raise Refused(
            f"packs {where[:80]!r} by filter {foreign[0]}, which HDF5 would load as a plugin; save it with gzip or without a filter."
        )
    if dataset.shape is None or dataset.dtype.name not in KINDS:
        if dataset.shape is not None and dataset.dtype.itemsize == 2 and text_of(dataset, "dtype") == "bfloat16":
            return "bfloat16"
        what = "nothing" if dataset.shape is None else f"{dataset.dtype}"[:60]
        raise Refused(f"holds {what} under {where[:80]!r}, and weights are numbers; leave it out before saving.")
    return dataset.dtype.name


def texts(item, where: str) -> dict:
    """Return the attributes that Keras writes, as texts and lists of texts."""
    return {name: text_of(item, name) for name in item.attrs if TEXTS.fullmatch(name)}


def text_of(item, name: str):
    """Return one attribute as a text or a list of texts; [] for the empty array that Keras writes for "none"."""
    import h5py
    import numpy as np

    if name not in item.attrs:
        return ""
    found = item.attrs.get_id(name)
    size = int(np.prod(found.shape, dtype=object)) if found.shape else 1
    if size == 0:
        return []
    if h5py.check_string_dtype(found.dtype) is None or max(size * found.dtype.itemsize, found.get_storage_size()) > MOST_TEXT:
        raise Refused(f"has an attribute {name!r} of {size:,} times {found.dtype}, where Keras writes text; it is damaged or hostile.")
    value = item.attrs[name]
    items = [part.decode("utf-8") if isinstance(part, bytes) else str(part) for part in np.ravel(value)]
    if sum(map(len, items)) > MOST_TEXT:  # long texts may share their bytes in the file
        raise Refused(f"has an attribute {name!r} of more than {MOST_TEXT:,} characters; it is hostile.")
    return items if found.shape else items[0]


def little(array, kind: str):
    """Return the array's numbers as they go over the pipe."""
    import numpy as np

    array = array.view("<u2") if kind == "bfloat16" else array
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()


def counted(data: bytes) -> bytes:
    return struct.pack("<Q", len(data)) + data


def answer(data: bytes, room: int, write) -> None:
    """Write what the HDF5 file in `data` holds, or why it is refused."""
    import h5py

    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            groups, datasets = tree(file, room)
            listed = [[where, kind, item.shape] for where, item, kind in datasets]
            write(counted(json.dumps({"groups": groups, "arrays": listed}).encode()))
            for where, item, kind in datasets:
                try:
                    numbers = little(item[()], kind)
                except Exception as error:
                    write(b"\0" + counted(f"is damaged or cut short at {where[:80]!r} ({type(error).__name__})".encode()))
                else:
                    write(b"\1" + numbers)
    except Refused as error:
        write(counted(json.dumps({"refused": str(error)}).encode()))
    except Exception as error:  # whatever the library makes of a damaged file
        write(counted(json.dumps({"refused": f"is damaged or cut short ({type(error).__name__}: {str(error)[:200]})."}).encode()))


def rehearse() -> None:
    """Read a file of every kind and one that is none, so that whatever Python and h5py load late is loaded."""
    import h5py
    import numpy as np

    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.attrs["name"] = "résumé"
        file.attrs["layer_names"] = np.array([b"a"])
        file.attrs["weight_names"] = ["a"]
        for kind in KINDS:
            file.create_dataset(f"a/{kind}", data=np.zeros(3, kind), chunks=(2,), compression="gzip", shuffle=True, fletcher32=True)
    for data in (stream.getvalue(), stream.getvalue()[:-9], b""):
        answer(data, 2**20, lambda _: None)


def main() -> None:
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    rehearse()
    confine()
    answers.write(FIRST_WORD)
    answers.flush()
    while len(head := requests.read(16)) == 16:
        size, room = struct.unpack("<QQ", head)
        limit_memory(2**31 + 4 * (size + room))
        answer(requests.read(size), room, answers.write)
        answers.flush()


if __name__ == "__main__":
    main()
