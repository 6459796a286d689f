"""load.weights and load.metadata of safetensors and .npz files, sound and hostile, most of them written byte by byte."""

import io
import json
import re
import struct
import subprocess
import sys
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from minicnn import load
from minicnn.errors import ArgumentError, FileFormatError
from minicnn.load import files

COUNT = np.arange(6, dtype="<f4").reshape(2, 3)


def safetensors_file(header: dict | bytes, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(dtype: str, shape: list, start: int, stop: int) -> dict:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, stop]}


def npy(shape, descr="<f4", data: bytes = b"", fortran=False, version=(1, 0)) -> bytes:
    """A .npy member that claims whatever is asked for."""
    text = f"{{'descr': {descr!r}, 'fortran_order': {fortran}, 'shape': {shape!r}, }}".encode().ljust(117) + b"\n"
    size = struct.pack("<H" if version == (1, 0) else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + size + text + data


def npz_file(members: dict[str, bytes], **options) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", **options) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def saved(**arrays) -> bytes:
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


@pytest.fixture
def write(tmp_path):
    def write(data: bytes, name="model.bin"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def refused(path, *patterns, read=load.weights):
    with pytest.raises(FileFormatError) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith(f"load.{read.__name__}: {path.name} ")
    for pattern in patterns:
        assert re.search(pattern, message), message


# Sound files


def test_a_safetensors_file_by_hand(write):
    header = {"__metadata__": {"format": "pt"}, "w": entry("F32", [2, 3], 0, 24), "b": entry("I64", [], 24, 32)}
    path = write(safetensors_file(header, COUNT.tobytes() + struct.pack("<q", -7)))
    got = load.weights(path)
    assert list(got) == ["b", "w"]  # by name: the format does not keep an order
    assert_array_equal(got["w"], COUNT.astype(np.float32), strict=True)
    assert_array_equal(got["b"], np.array(-7, np.int64), strict=True)
    assert load.metadata(path) == {"format": "pt"}


def test_an_npz_of_numpy(write):
    arrays = {
        "z": COUNT,
        "turned": np.asfortranarray(COUNT),
        "big": COUNT.astype(">f8"),
        "one": np.array(2.5),
        "none": np.zeros((0, 3), np.int16),
        "a": np.array([True, False]),
    }
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)
    for data in (saved(**arrays), out.getvalue()):
        got = load.weights(write(data))
        assert list(got) == list(arrays)
        for name, array in arrays.items():
            assert_array_equal(got[name], array.astype(array.dtype.newbyteorder("=")), strict=True)
    assert load.metadata(write(saved(w=COUNT))) == {}


FORMATS = pytest.mark.parametrize("form", ["safetensors", "npz"])
CODES = {
    "F64": "f8", "F32": "f4", "F16": "f2", "I64": "i8", "I32": "i4", "I16": "i2", "I8": "i1",
    "U64": "u8", "U32": "u4", "U16": "u2", "U8": "u1", "BOOL": "?", "C64": "c8",
}  # fmt: skip


@FORMATS
@pytest.mark.parametrize("code", CODES)
def test_dtypes_are_kept_and_halves_widened(write, form, code):
    if (form, code) == ("safetensors", "C64"):
        pytest.importorskip("safetensors", minversion="0.6.3", reason="an older safetensors does not know complex numbers")
    array = np.array([[1, 0, 3], [0, 5, 100]]).astype("<" + CODES[code])
    data = safetensors_file({"w": entry(code, [2, 3], 0, array.nbytes)}, array.tobytes()) if form == "safetensors" else saved(w=array)
    expected = array.astype(np.float32) if code == "F16" else array
    if code == "F16":
        with pytest.warns(
            load.WeightsNotice, match=r"load.weights: model.bin has 1 float16 of 1 tensors, now float32 \(exactly\)"
        ) as caught:
            got = load.weights(write(data))["w"]
        assert caught[0].filename == __file__  # the notice points at the caller's line
    else:
        got = load.weights(write(data))["w"]
    assert_array_equal(got, expected.astype(expected.dtype.newbyteorder("=")), strict=True)
    assert got.flags.owndata
    assert got.flags.c_contiguous
    assert got.flags.writeable


def test_every_bfloat16_is_widened_exactly(write):
    upper = np.arange(2**16, dtype="<u2").reshape(4, 128, 128)
    path = write(safetensors_file({"w": entry("BF16", [4, 128, 128], 0, 2**17)}, upper.tobytes()))
    with pytest.warns(load.WeightsNotice, match="1 bfloat16 of 1 tensors"):
        got = load.weights(path)["w"]
    assert got.dtype == np.float32
    assert_array_equal(got.view(np.uint32), upper.astype(np.uint32) << 16)


@FORMATS
def test_a_byte_of_two_is_true(write, form):
    header = safetensors_file({"w": entry("BOOL", [3], 0, 3)}, bytes([0, 1, 2]))
    got = load.weights(write(header if form == "safetensors" else npz_file({"w.npy": npy((3,), "|b1", bytes([0, 1, 2]))})))["w"]
    assert_array_equal(got, np.array([False, True, True]), strict=True)
    assert got.view(np.uint8).max() == 1


def test_kinds_are_told_by_content_and_not_by_name(write):
    assert_array_equal(load.weights(write(saved(w=COUNT), "model.safetensors"))["w"], COUNT)
    assert_array_equal(load.weights(write(safetensors_file({"w": entry("F32", [6], 0, 24)}, COUNT.tobytes()), "m.pth"))["w"], COUNT.ravel())


@FORMATS
def test_a_key_is_for_checkpoints(write, form):
    path = write(safetensors_file({"w": entry("F32", [6], 0, 24)}, COUNT.tobytes()) if form == "safetensors" else saved(w=COUNT))
    with pytest.raises(
        ArgumentError, match=r"model.bin has no entries to choose from, only arrays; key='ema' is for checkpoints of torch.save"
    ):
        load.weights(path, key="ema")


def test_safetensors_is_imported_when_a_file_needs_it(write):
    code = "import sys; from minicnn import load; load.weights(sys.argv[1]); print('safetensors' in sys.modules)"
    for data, needed in ((saved(w=COUNT), "False"), (safetensors_file({"w": entry("F32", [6], 0, 24)}, COUNT.tobytes()), "True")):
        done = subprocess.run([sys.executable, "-c", code, str(write(data))], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == needed


# Claims that the bytes do not bear out


@pytest.mark.parametrize(
    ("header", "data", "pattern"),
    [
        ({"w": entry("F32", [7], 0, 24)}, bytes(24), "damaged or cut short"),
        ({"w": entry("F32", [6], 0, 24)}, bytes(23), "damaged or cut short"),
        ({"w": entry("F32", [6], 0, 24)}, bytes(25), "damaged or cut short"),
        ({"w": entry("F32", [2**40], 0, 2**42)}, bytes(24), "damaged or cut short"),
        ({"w": entry("F32", [2**62, 4], 0, 0)}, b"", "damaged or cut short"),
        ({"w": entry("F32", [2**40, 0, 2**40], 0, 0)}, b"", "damaged or cut short"),
        ({"w": entry("F32", [-6], 0, 24)}, bytes(24), "damaged or cut short"),
        ({"a": entry("F32", [3], 0, 12), "b": entry("F32", [3], 8, 20)}, bytes(20), "damaged or cut short"),
        ({"a": entry("F32", [1], 4, 8)}, bytes(8), "damaged or cut short"),
        ({"w": entry("F99", [4], 0, 4)}, bytes(4), "damaged or cut short"),
        ({"__metadata__": {"epoch": 3}, "w": entry("F32", [1], 0, 4)}, bytes(4), "damaged or cut short"),
        (b'{"w":' + b"[" * 100_000, b"", "damaged or cut short"),
        (b'{"\xff": 0}', b"", "damaged or cut short"),
    ],
)
def test_what_a_safetensors_header_may_not_claim(write, header, data, pattern):
    refused(write(safetensors_file(header, data)), pattern)


@pytest.mark.parametrize("claimed", [2**20, 4 * 2**30 - 1, 4 * 2**30, 2**63, 2**64 - 1])
def test_a_header_of_gigabytes_is_refused_before_memory_is_taken(write, claimed):
    tracemalloc.start()
    try:
        refused(write(struct.pack("<Q", claimed) + b'{"w":' + bytes(100)), "damaged or cut short|is not a PyTorch, safetensors")
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_numbers_that_numpy_lacks(write):
    pytest.importorskip("safetensors", minversion="0.5", reason="an older safetensors does not know 8-bit floats itself")
    path = write(safetensors_file({"w": entry("F8_E4M3", [4], 0, 4)}, bytes(4)))
    refused(path, r"numbers of the type F8_E4M3 under 'w', which NumPy does not have; convert them with .float\(\) before saving")


ZEROS = np.zeros(2**21, "<f4").tobytes()
OBJECTS = saved(w=np.array([{"a": 1}, None], dtype=object))
NPZ = {
    "more than there is": (
        npz_file({"w.npy": npy((7,), data=bytes(24))}),
        "claims 28 bytes for 'w' but holds 24; it is damaged or cut short",
    ),
    "less than there is": (npz_file({"w.npy": npy((5,), data=bytes(24))}), "claims 20 bytes for 'w' but holds 24"),
    "a terabyte": (npz_file({"w.npy": npy((2**38,), data=bytes(24))}), "claims 1,099,511,627,776 bytes for 'w' but holds 24"),
    "an empty giant": (npz_file({"w.npy": npy((2**40, 0, 2**40))}), "damaged or cut short"),
    "a negative axis": (npz_file({"w.npy": npy((-2, -3), data=bytes(24))}), "damaged or cut short"),
    "no integers": (npz_file({"w.npy": npy((2.0, 3), data=bytes(24))}), "damaged or cut short"),
    "no header": (npz_file({"w.npy": b"x" * 100}), "damaged or cut short"),
    "half a header": (npz_file({"w.npy": npy((6,))[:40]}), "damaged or cut short"),
    "code as a header": (npz_file({"w.npy": npy((6,), "__import__('os')", bytes(24))}), "damaged or cut short"),
    "objects": (OBJECTS, "holds Python objects under 'w', which are never unpickled here; save arrays of numbers"),
    "text": (saved(w=np.array(["a", "bc"])), "holds an array of <U2 under 'w', and weights are numbers"),
    "dates": (saved(w=np.array(["2020-01-01"], "M8[D]")), r"holds an array of datetime64\[D\] under 'w'"),
    "fields": (saved(w=np.zeros(3, [("a", "f4")])), r"holds an array of \[\('a', '<f4'\)\] under 'w'"),
    "subarrays": (npz_file({"w.npy": npy((2,), ("<f4", (3,)), bytes(24))}), "damaged or cut short|holds an array of"),
    "version 3": (npz_file({"w.npy": npy((6,), data=bytes(24), version=(3, 0))}), r"has version 3.0 of the .npy format under 'w'"),
    "other members": (npz_file({"w.npy": npy((6,), data=bytes(24)), "read.me": b""}), "holds 'read.me' among its arrays"),
    "a folder": (npz_file({"w.npy": npy((6,), data=bytes(24)), "more/": b""}), "holds 'more/' among its arrays"),
}


@pytest.mark.parametrize(("data", "pattern"), NPZ.values(), ids=NPZ)
def test_what_an_npz_may_not_claim(write, data, pattern):
    refused(write(data), pattern)


def test_version_2_of_npy_is_read(write):
    got = load.weights(write(npz_file({"w.npy": npy((2, 3), data=COUNT.tobytes(), version=(2, 0))})))["w"]
    assert_array_equal(got, COUNT)


def test_objects_are_not_unpickled(write, tmp_path):
    marker = tmp_path / "ran"

    class Hostile:
        def __reduce__(self):
            return type(marker).mkdir, (marker,)

    data = saved(w=np.array([Hostile()], dtype=object))
    refused(write(data), "holds Python objects under 'w'")
    assert not marker.exists()
    np.load(io.BytesIO(data), allow_pickle=True)["w"]  # the same bytes do run where pickle is trusted
    assert marker.exists()


def test_zip_bombs_and_repeated_names(write, monkeypatch):
    packed = npz_file({"w.npy": npy((2**21,), data=ZEROS)}, compression=zipfile.ZIP_DEFLATED)
    assert load.weights(write(packed))["w"].shape == (2**21,)  # 8 MB of zeros are allowed
    monkeypatch.setattr(files, "FREE_BYTES", 2**20)
    refused(write(packed), r"claims tensors of 8,388,736 bytes, but [\d,]+ bytes of file are trusted with at most 16·[\d,]+ \+ 1,048,576")
    monkeypatch.undo()
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w") as archive:
        warnings.simplefilter("ignore")
        for _ in range(2):
            archive.writestr("w.npy", npy((6,), data=bytes(24)))
    refused(write(out.getvalue()), "names 'w.npy' twice in its zip directory")


def test_a_member_that_lies_about_its_size(write):
    """The directory says 200 bytes, so 200 are unpacked of the 8 million, and the header is found out."""
    data = bytearray(npz_file({"w.npy": npy((2**21,), data=ZEROS)}, compression=zipfile.ZIP_DEFLATED))
    place = data.rindex(b"w.npy") - 46
    data[place + 24 : place + 28] = struct.pack("<I", 200)
    refused(write(bytes(data)), "claims 8,388,608 bytes for 'w' but holds 72|damaged or cut short")


# Text beside the arrays


def test_texts_of_others(write):
    sound = npy((2,), "|u1", b"{}")
    assert load.metadata(write(npz_file({"__metadata__.npy": sound, "w.npy": npy((6,), data=bytes(24))}))) == {}
    path = write(npz_file({"w.npy": npy((6,), data=bytes(24)), "__metadata__.npy": npy((2,), "|u1", b'"a')}))
    assert list(load.weights(path)) == ["w"]  # hidden, whatever it holds
    not_ours = "has a member '__metadata__' that is not JSON of names and texts; save it with load.save_weights"
    refused(path, not_ours, read=load.metadata)
    for member in (npy((1,), "<f4", bytes(4)), npy((7,), "|u1", b'{"a":1}'), npy((2,), "|u1", b"[]"), npy((1,), "|u1", b"\xff")):
        refused(write(npz_file({"__metadata__.npy": member})), not_ours, read=load.metadata)
    deep = b"[" * 100_000
    refused(write(npz_file({"__metadata__.npy": npy((len(deep),), "|u1", deep)})), "damaged or cut short", read=load.metadata)


def test_texts_of_other_files(write, tmp_path):
    refused(write(b"\x89PNG\r\n\x1a\n" + bytes(20), "photo.png"), "photo.png is a PNG image, and only", read=load.metadata)
    with pytest.raises(FileFormatError, match=r"load.metadata: no file 'w.npz' in the folder"):
        load.metadata(tmp_path / "w.npz")
    refused(write(safetensors_file({"w": entry("F32", [6], 0, 24)}, bytes(23))), "damaged or cut short", read=load.metadata)
    assert load.metadata(write(safetensors_file({"w": entry("F32", [6], 0, 24)}, bytes(24)))) == {}


# Damage

SAFE = safetensors_file({"__metadata__": {"a": "b"}, "w": entry("F32", [2, 3], 0, 24), "é": entry("I8", [3], 24, 27)}, bytes(27))
NUMPY = npz_file({"w.npy": npy((2, 3), data=COUNT.tobytes()), "__metadata__.npy": npy((9,), "|u1", b'{"a":"b"}')})


@pytest.mark.parametrize("data", [SAFE, NUMPY], ids=["safetensors", "npz"])
def test_cut_at_any_byte_and_nothing_is_read(tmp_path, data):
    path = tmp_path / "cut.bin"
    for length in range(len(data)):
        path.write_bytes(data[:length])
        for read in (load.weights, load.metadata):
            with pytest.raises(FileFormatError, match=rf"^load.{read.__name__}: cut.bin "):
                read(path)
    path.write_bytes(data)
    assert load.weights(path)["w"].shape == (2, 3)
    assert load.metadata(path) == {"a": "b"}


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "fuzz.bin"


damage = st.lists(st.tuples(st.integers(0, 2**16), st.integers(1, 255)), min_size=1, max_size=4)


@settings(derandomize=True, deadline=None)
@given(st.sampled_from([SAFE, NUMPY]), damage)
def test_damage_is_read_or_refused(scratch, data, flips):
    out = bytearray(data)
    for place, bits in flips:
        out[place % len(out)] ^= bits
    scratch.write_bytes(bytes(out))
    for read in (load.weights, load.metadata):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", load.WeightsNotice)
            try:
                assert isinstance(read(scratch), dict)
            except FileFormatError as error:
                assert str(error).startswith(f"load.{read.__name__}: ")  # noqa: PT017
