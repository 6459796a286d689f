"""HDF5 files that are hostile or damaged: refused with a reason, nothing else opened, and no crash or hang reaches this process."""

import io
import os
import re
import struct
import subprocess
import sys
import warnings
import zipfile

import numpy as np
import pytest
from keras_files import by_name, by_number, counting, h5py, one_reader, sequential, zipped
from keras_files import hdf5 as written
from numpy.testing import assert_array_equal

from minicnn import load
from minicnn.errors import FileFormatError
from minicnn.load import files, hdf5, hdf5_child

SECRET = b"a secret that is not in the file"
POSIX = pytest.mark.skipif(os.name != "posix", reason="this system has no resource limits")


@pytest.fixture(autouse=True, scope="module")
def one_process():
    with one_reader() as reader:
        yield reader


@pytest.fixture
def write(tmp_path):
    def write(data: bytes, name="model.h5"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def refused(path, *patterns, read=load.weights):
    with pytest.raises(FileFormatError) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith(f"load.{read.__name__}: {path.name} ")
    assert SECRET.decode() not in message
    for pattern in patterns:
        assert re.search(pattern, message), message


def with_array(name="layers/dense/vars/0", **options):
    """A .weights.h5 with one array, made as h5py's create_dataset is told."""
    return lambda file: file.create_dataset(name, **options)


# What points elsewhere


def links(kind: str, target: str):
    def fill(file):
        file["layers/dense/vars/1"] = counting(3)
        elsewhere = {
            "soft": h5py.SoftLink("/layers/dense/vars/1"),
            "dangling": h5py.SoftLink("/nowhere"),
            "external": h5py.ExternalLink(target, "/layers/dense/vars/0"),
        }
        file["layers/dense/vars/0"] = elsewhere[kind]

    return fill


@pytest.mark.parametrize("kind", ["soft", "dangling", "external"])
def test_links_are_not_followed(write, tmp_path, kind):
    other = write(by_number({"layers/dense": [counting(4, 3)]}), "other.h5")
    where = " in another file" if kind == "external" else ""
    refused(
        write(written(links(kind, str(other)))), rf"has a link to another place{where} under 'layers/dense/vars/0', which is not followed"
    )


def test_external_storage_is_not_read(write, tmp_path):
    secret = write(SECRET, "secret.bin")
    fill = with_array(shape=(8,), dtype="f4", external=[(str(secret), 0, 32)])
    refused(write(written(fill)), "keeps the numbers of 'layers/dense/vars/0' in other files, and only this one is read")


def test_virtual_datasets_are_not_read(write, tmp_path):
    other = write(written(with_array("x", data=counting(4))), "other.h5")

    def fill(file):
        layout = h5py.VirtualLayout((4,), "f4")
        layout[:] = h5py.VirtualSource(str(other), "x", (4,))
        file.create_virtual_dataset("layers/dense/vars/0", layout)

    refused(write(written(fill)), "keeps the numbers of 'layers/dense/vars/0' in other files")


@POSIX
def test_the_reading_process_can_open_nothing(write):
    """What the checks would miss, the system refuses: no file, no library, no process."""
    code = (
        "import sys, subprocess; sys.path.insert(0, sys.argv[1])\n"
        "import hdf5_child; hdf5_child.rehearse(); hdf5_child.confine()\n"
        "def attempt(work):\n"
        "    try: work()\n"
        "    except (OSError, ImportError): return True\n"
        "works = [lambda: open(sys.argv[2], 'rb'), lambda: open(sys.argv[2] + '.new', 'wb'), lambda: __import__('sqlite3'),\n"
        "         lambda: subprocess.run(['true'], capture_output=True)]\n"
        "print(*map(attempt, works))"
    )
    command = [sys.executable, "-P", "-c", code, str(hdf5.CHILD.parent), str(write(SECRET, "secret.bin"))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"] * 4


# What is no array of numbers


@pytest.mark.parametrize(
    ("options", "pattern"),
    [
        ({"data": np.array([b"abc"])}, r"holds \|S3 under 'layers/dense/vars/0', and weights are numbers"),
        ({"data": ["abc"], "dtype": h5py.string_dtype()}, "holds object under"),
        ({"shape": (2,), "dtype": h5py.ref_dtype}, "holds object under"),
        ({"shape": (2,), "dtype": h5py.vlen_dtype(np.float32)}, "holds object under"),
        ({"data": np.zeros(2, [("a", "f4")])}, r"holds \[\('a', '<f4'\)\] under"),
        ({"data": np.zeros(2, np.complex64)}, "holds complex64 under"),
        ({"data": np.zeros(2, "V2")}, r"holds \|V2 under"),
        ({"data": h5py.Empty("f4")}, "holds nothing under"),
    ],
)
def test_other_contents_are_refused(write, options, pattern):
    refused(write(written(with_array(**options))), pattern)


def test_a_named_type_is_refused(write):
    refused(write(written(lambda file: file.__setitem__("layers/t", np.dtype("f4")))), "holds a named type under 'layers/t'")


def test_filters_that_would_be_loaded_are_refused(write):
    fill = with_array(data=counting(64), chunks=(16,), compression="lzf")
    refused(write(written(fill)), "packs 'layers/dense/vars/0' by filter 32000, which HDF5 would load as a plugin; save it with gzip")


@pytest.mark.parametrize("value", [np.zeros(3), 7, h5py.Empty("f4")], ids=["numbers", "a number", "nothing"])
def test_attributes_are_text(write, value):
    refused(
        write(written(lambda file: file.attrs.__setitem__("layer_names", value))),
        "damaged|where Keras writes text|neither Keras' layer_names",
    )


def test_references_in_attributes_are_not_followed(write):
    def fill(file):
        file["a"] = counting(3)
        file.attrs["layer_names"] = file["a"].ref

    refused(write(written(fill)), "has an attribute 'layer_names' of 1 times object, where Keras writes text")


# Bombs


def test_claims_beyond_the_file_are_refused(write, monkeypatch):
    """Half a terabyte of zeros that were never written; a megabyte that unpacks to a gigabyte."""
    refused(write(written(with_array(shape=(2**37,), dtype="f4"))), r"claims arrays of more than the [\d,]+ bytes .* is hostile")
    refused(write(written(with_array(shape=(2**37,), dtype="f4", chunks=(2**10,)))), r"claims arrays of more than")

    def many(file):
        for n in range(40):
            file.create_dataset(f"layers/dense/vars/{n}", shape=(2**21,), dtype="f8")

    refused(write(written(many)), r"claims arrays of more than")
    monkeypatch.setattr(files, "FREE_BYTES", 2**20)
    zeros = written(with_array(data=np.zeros(2**20, "f4"), chunks=(2**18,), compression="gzip"))
    refused(write(zeros), r"claims arrays of more than the 1,\d+,\d+ bytes")


def test_a_zip_bomb_in_a_keras_file(write, monkeypatch):
    monkeypatch.setattr(files, "FREE_BYTES", 2**20)
    sound = by_number({"layers/dense": [counting(4, 3)]})
    bomb = zipped(sequential(), sound + bytes(2**24), compression=zipfile.ZIP_DEFLATED)
    refused(write(bomb), r"claims tensors of 16,[\d,]+ bytes, but [\d,]+ bytes of file are trusted with")
    bomb = zipped(" " * 2**24, sound, compression=zipfile.ZIP_DEFLATED)
    refused(write(bomb), r"claims tensors of 16,[\d,]+ bytes")


def test_a_zip_that_lies_about_a_size(write):
    data = bytearray(zipped(sequential(), by_number({"layers/dense": [counting(4, 3)]}), compression=zipfile.ZIP_DEFLATED))
    place = data.rindex(b"model.weights.h5") - 46
    data[place + 24 : place + 28] = struct.pack("<I", 100)
    refused(write(bytes(data)), "damaged or cut short")


def test_a_zip_that_names_a_member_twice(write):
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w") as archive:
        warnings.simplefilter("ignore")
        for name in ("config.json", "model.weights.h5", "model.weights.h5"):
            archive.writestr(name, by_number({"layers/dense": [counting(4, 3)]}))
    refused(write(stream.getvalue()), "names 'model.weights.h5' twice in its zip directory")


def test_groups_without_end(write):
    def loop(file):
        file["layers/dense/vars/0"] = counting(3)
        file["layers/again"] = file["layers"]

    refused(write(written(loop)), "groups 32 deep, far beyond any network; it is hostile")

    def doubling(file):
        group = file.create_group("g")
        for _ in range(24):
            inner = group.create_group("a")
            group["b"] = inner
            group = inner

    refused(write(written(doubling)), "holds more than 50,000 objects")


def test_a_configuration_of_brackets(write):
    refused(write(zipped("[" * 10**6, by_number({"layers/dense": [counting(4, 3)]}))), r"damaged or cut short \(RecursionError")


@pytest.mark.parametrize(
    "config",
    [
        *("", "null", "[]", "{}", '{"config": 3}', '{"config": {"layers": [1]}}'),
        '{"config": {"layers": [{"class_name": "Dense", "config": 5}]}}',
        '{"config": {"layers": [{"class_name": "Conv2D", "config": {"name": "c", "filters": -3}}]}}',
    ],
)
def test_configurations_that_are_none(write, config):
    refused(write(zipped(config, by_number({"layers/dense": [counting(4, 3)]}))), "damaged or cut short")


def test_files_that_are_not_keras(write):
    refused(
        write(written(lambda file: file.create_dataset("a/b", data=counting(3)))), r"neither Keras' layer_names nor its vars \(groups: a\)"
    )
    refused(write(by_name({"pool": {}})), "a file of Keras without a single array")

    def names(file):
        file.attrs["layer_names"] = np.array([b"a"])
        file.create_group("a").attrs["weight_names"] = np.array([b"a/kernel:0"])

    refused(write(written(names)), "names the array 'a/a/kernel:0' and does not hold it")


# Damage


WHOLE = by_name({"c": {"c/kernel:0": counting(2, 1, 2, 3), "c/bias:0": counting(3)}}, libver="latest")


def test_cut_at_any_byte(tmp_path):
    path = tmp_path / "cut.h5"
    for length in range(1, len(WHOLE), 7):
        path.write_bytes(WHOLE[:length])
        for read in (load.weights, load.metadata):
            with pytest.raises(FileFormatError, match=rf"^load.{read.__name__}: cut.h5 "):
                read(path)
    path.write_bytes(WHOLE)
    assert list(load.weights(path)) == ["c.weight", "c.bias"]


def test_a_damaged_chunk_is_named_and_the_next_file_is_read(write):
    data = bytearray(written(with_array(data=np.arange(4000.0), chunks=(1000,), compression="gzip", fletcher32=True)))
    data[-300] ^= 255
    refused(write(bytes(data)), "is damaged or cut short at 'layers/dense/vars/0' .*; fetch or save it again")
    assert_array_equal(load.weights(write(WHOLE))["c.bias"], counting(3))


# A library that crashes, hangs or lies


def child(tmp_path, monkeypatch, body: str, first_word=hdf5_child.FIRST_WORD) -> None:
    """Let another program answer for HDF5, once it has said its first word."""
    program = tmp_path / "child.py"
    program.write_text(f"import os, sys, time\nsys.stdout.buffer.write({first_word!r}); sys.stdout.flush()\n{body}")
    monkeypatch.setattr(hdf5, "CHILD", program)
    monkeypatch.setattr(hdf5, "SECONDS", 1)
    monkeypatch.setattr(hdf5, "Reader", READER)


READER = hdf5.Reader


def listing(shape: str, then=b"\1\0\0") -> bytes:
    return hdf5_child.counted(f'{{"groups": {{"": {{}}}}, "arrays": [["w", "float32", {shape}]]}}'.encode()) + then


REPLIES = {
    "no JSON": (hdf5_child.counted(b"hello"), "JSONDecodeError"),
    "an answer of exabytes": (b"\xff" * 8, "an answer of 18446744073709551615 bytes"),
    "arrays that are not there": (listing("[9]"), "crashed the HDF5 library"),
    "arrays of terabytes": (listing("[1099511627776]"), "arrays of 4398046511104 bytes"),
    "negative sizes": (listing("[-9]"), "arrays of -36 bytes"),
    "sizes that are none": (listing("[2.5]"), "arrays of 10.0 bytes"),
    "an array that failed": (listing("[9]", b"\0" + hdf5_child.counted(b"is odd")), "is odd; fetch or save it again"),
    "nothing": (b"", "crashed the HDF5 library"),
}


@pytest.mark.parametrize(
    ("body", "pattern"),
    [
        (
            "os.kill(os.getpid(), 9)",
            r"crashed the HDF5 library \(exit status -?\d+\); it is damaged or hostile, and .* this one is unharmed",
        ),
        ("sys.stdin.buffer.read(3); os._exit(3)", r"crashed the HDF5 library \(exit status 3\)"),
        ("time.sleep(60)", "kept the HDF5 library busy for more than 1 s"),
        *(
            (f"sys.stdin.buffer.read({16 + len(WHOLE)}); sys.stdout.buffer.write({reply!r})", pattern)
            for reply, pattern in REPLIES.values()
        ),
    ],
    ids=["killed", "gone", "hangs", *REPLIES],
)
def test_the_other_process_is_not_trusted(write, tmp_path, monkeypatch, body, pattern):
    child(tmp_path, monkeypatch, body)
    refused(write(WHOLE), pattern)


def test_an_h5py_that_cannot_be_imported(write, tmp_path, monkeypatch):
    child(tmp_path, monkeypatch, "import no_such_module", first_word=b"")
    refused(write(WHOLE), "the package h5py cannot be imported: pip install --force-reinstall h5py")


def test_one_process_reads_many_files_and_is_started_again_after_a_crash(one_process):
    first = one_process.read(io.BytesIO(WHOLE), len(WHOLE))
    process = one_process.process
    with pytest.raises(FileFormatError):
        one_process.read(io.BytesIO(WHOLE[:50]), 50)
    assert_array_equal(one_process.read(io.BytesIO(WHOLE), len(WHOLE)).arrays["c/c/bias:0"], first.arrays["c/c/bias:0"])
    assert one_process.process is process
    process.kill()
    with pytest.raises(FileFormatError, match="crashed the HDF5 library"):
        one_process.read(io.BytesIO(WHOLE), len(WHOLE))
    assert_array_equal(one_process.read(io.BytesIO(WHOLE), len(WHOLE)).arrays["c/c/bias:0"], counting(3))


def test_without_a_reader_at_hand_a_process_is_started_and_ended(write, monkeypatch):
    monkeypatch.setattr(hdf5, "Reader", READER)
    started = []
    monkeypatch.setattr(subprocess, "Popen", lambda *a, popen=subprocess.Popen, **o: started.append(popen(*a, **o)) or started[-1])
    assert_array_equal(load.weights(write(WHOLE))["c.bias"], counting(3))
    assert len(started) == 1
    assert started[0].returncode is not None
