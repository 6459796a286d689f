"""load.save_weights and load.load_weights: what is written is read back bit for bit, whole or not at all."""

import io
import json
import os
import re
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

from minicnn import load, models, nn
from minicnn.errors import ArgumentError, DTypeError, FileFormatError, WeightsError

SUFFIXES = pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
COUNT = np.arange(6, dtype=np.float32).reshape(2, 3)


def net(seed=0):
    rng = np.random.default_rng(seed)
    return nn.Sequential(("c", nn.Conv2d(2, 3, (2, 3), rng=rng)), ("bn", nn.BatchNorm2d(3)), ("r", nn.ReLU()))


# What is written


def test_a_safetensors_file_by_hand(tmp_path):
    path = load.save_weights({"b": np.array([True]), "a": np.array([1, -1], np.int16)}, tmp_path / "w.safetensors", metadata={"k": "é"})
    header = '{"__metadata__":{"k":"é"},"a":{"dtype":"I16","shape":[2],"data_offsets":[0,4]},"b":{"dtype":"BOOL","shape":[1],"data_offsets":[4,5]}}'
    text = header.encode() + b" " * (-len(header.encode()) % 8)
    assert path.read_bytes() == len(text).to_bytes(8, "little") + text + b"\x01\x00\xff\xff\x01"


def test_the_bytes_are_those_of_the_formats_own_package(tmp_path):
    """With one text at most, whose order is then no question."""
    package = pytest.importorskip("safetensors.numpy")
    kinds = ("f4", "f8", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?")
    arrays = {f'{kind} " \\ {number}'.replace("\\", "ü"): np.ones((number, 3), kind) for number, kind in enumerate(kinds)}
    arrays |= {"twin": np.ones((2, 2), "f4"), "scalar": np.array(3.0)}
    for notes in ({}, {'quote " \\ \n\x1f\x7f': "ü\t"}):
        path = load.save_weights(arrays, tmp_path / "w.safetensors", metadata=notes, overwrite=True)
        assert path.read_bytes() == package.save(arrays, notes or None)


def test_numpy_reads_the_npz_by_itself(tmp_path):
    path = load.save_weights({"c.weight": COUNT, "n": np.array(3)}, tmp_path / "w.npz", metadata={"epoch": "3"})
    with np.load(path, allow_pickle=False) as found:
        assert found.files == ["__metadata__", "c.weight", "n"]
        assert_array_equal(found["c.weight"], COUNT, strict=True)
        assert json.loads(found["__metadata__"].tobytes()) == {"epoch": "3"}


names = st.text(st.characters(exclude_characters="\\", exclude_categories=["C", "Z"]), min_size=1, max_size=12) | st.sampled_from(
    ["conv1.weight", "a/b", "../x", "w.npy", "weight ü 层", "data.pkl"]
)
names = names.filter(lambda name: name != "__metadata__" and name.isprintable())
shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
kinds = st.sampled_from(["<f4", ">f4", "<f8", ">f8", "<i8", ">i4", "u1", "?"])
arrays = kinds.flatmap(lambda kind: hnp.arrays(kind, shapes))


@settings(deadline=None)
@given(
    st.dictionaries(names, arrays, min_size=1, max_size=4),
    st.dictionaries(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")), max_size=3),
    st.sampled_from([".safetensors", ".npz"]),
    st.booleans(),
)
def test_round_trip(scratch, weights, notes, suffix, turned):
    if turned:  # not contiguous, and locked
        weights = {name: array.T[..., ::-1] if array.ndim else array for name, array in weights.items()}
        for array in weights.values():
            array.setflags(write=False)
    before = {name: (array.tobytes(), array.dtype, array.shape) for name, array in weights.items()}
    path = scratch / f"w{suffix}"
    assert load.save_weights(weights, path, metadata=notes, overwrite=True) == path
    first = path.read_bytes()
    again = dict(reversed(weights.items())) if suffix == ".safetensors" else weights
    load.save_weights(again, path, metadata=dict(reversed(notes.items())), overwrite=True)
    assert path.read_bytes() == first
    got = load.weights(path)
    assert load.metadata(path) == notes
    assert list(got) == (sorted(weights) if suffix == ".safetensors" else list(weights))
    for name, array in weights.items():
        assert got[name].shape == array.shape
        assert got[name].dtype == array.dtype.newbyteorder("=")
        assert got[name].tobytes() == array.astype(array.dtype.newbyteorder("=")).tobytes()  # NaN and -0 too
        assert (array.tobytes(), array.dtype, array.shape) == before[name]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("weights")


@SUFFIXES
def test_a_network_and_back(tmp_path, suffix):
    first, other = net(1), net(2)
    path = load.save_weights(first, tmp_path / f"w{suffix}")
    assert set(load.weights(path)) == {*first.parameters(), *first.buffers()}
    for weights in (path, str(path), load.weights(path)):
        found = load.load_weights(other, weights)
        for name, array in {**first.parameters(), **first.buffers()}.items():
            assert_array_equal({**found.parameters(), **found.buffers()}[name], array, strict=True)
    x = np.random.default_rng(3).standard_normal((1, 2, 5, 7)).astype(np.float32)
    assert_array_equal(load.load_weights(other, path)(x), first(x))
    assert not np.array_equal(other(x), first(x))  # the network that was given is as it was


@SUFFIXES
def test_halves_are_written_as_they_are_and_widened_when_read(tmp_path, suffix):
    path = load.save_weights({"w": np.array([1.5, -2], np.float16)}, tmp_path / f"w{suffix}")
    with pytest.warns(load.WeightsNotice, match=r"load.weights: w\.\w+ has 1 float16 of 1 tensors"):
        assert_array_equal(load.weights(path)["w"], np.array([1.5, -2], np.float32), strict=True)
    small = nn.Sequential(("f", nn.Linear(2, 1, bias=False)))
    load.save_weights({"f.weight": np.array([[1.5, -2]], np.float16)}, path, overwrite=True)
    with pytest.warns(load.WeightsNotice, match=r"load.load_weights: w\.\w+ has 1 float16") as caught:
        load.load_weights(small, path)
    assert caught[0].filename == __file__


# Whole or not at all


@SUFFIXES
def test_no_file_is_replaced_unasked(tmp_path, suffix):
    path = tmp_path / f"w{suffix}"
    path.write_bytes(b"mine")
    with pytest.raises(
        ArgumentError,
        match=rf"load.save_weights: no file is replaced unasked, but '.*w{suffix}' is there; save under another name, or pass",
    ):
        load.save_weights({"w": COUNT}, path)
    assert path.read_bytes() == b"mine"
    load.save_weights({"w": COUNT}, path, overwrite=True)
    assert_array_equal(load.weights(path)["w"], COUNT)
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


def test_someone_who_was_faster_keeps_the_file(tmp_path, monkeypatch):
    path = tmp_path / "w.npz"

    def slow(descriptor):
        path.write_bytes(b"theirs")

    monkeypatch.setattr(os, "fsync", slow)
    with pytest.raises(ArgumentError, match="no file is replaced unasked"):
        load.save_weights({"w": COUNT}, path)
    assert path.read_bytes() == b"theirs"
    assert [item.name for item in tmp_path.iterdir()] == ["w.npz"]


@SUFFIXES
@pytest.mark.parametrize(
    ("step", "error", "pattern"),
    [
        (
            "fsync",
            OSError(28, "No space left on device"),
            r"could not be written \(No space left on device\), and nothing was; free some space",
        ),
        ("replace", PermissionError(13, "Permission denied"), r"may not be written into '.*' by this user; choose another folder"),
        ("replace", OSError("odd"), r"could not be written \(odd\)"),
    ],
)
def test_a_failed_save_leaves_the_old_file_and_no_rest(tmp_path, monkeypatch, suffix, step, error, pattern):
    path = load.save_weights({"w": COUNT}, tmp_path / f"w{suffix}")
    before = path.read_bytes()

    def fails(*_):
        raise error

    monkeypatch.setattr(os, step, fails)
    with pytest.raises(FileFormatError, match=rf"load.save_weights: 'w{re.escape(suffix)}' {pattern}"):
        load.save_weights({"w": COUNT + 1}, path, overwrite=True)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


def test_an_interrupt_leaves_no_rest(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load.save_weights({"w": COUNT}, tmp_path / "w.npz")
    assert list(tmp_path.iterdir()) == []


def test_the_target_is_never_seen_half_written(tmp_path, monkeypatch):
    path = load.save_weights({"w": COUNT}, tmp_path / "w.safetensors")
    seen = []
    sync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (seen.append(load.weights(path)["w"].copy()), sync(descriptor)))
    load.save_weights({"w": COUNT + 1}, path, overwrite=True)
    assert_array_equal(seen[0], COUNT)
    assert_array_equal(load.weights(path)["w"], COUNT + 1)


@pytest.mark.skipif(not hasattr(os, "symlink") or os.name == "nt", reason="making links needs rights on this system")
def test_a_link_stays_a_link(tmp_path):
    target = load.save_weights({"w": COUNT}, tmp_path / "w.npz")
    link = tmp_path / "best.npz"
    link.symlink_to(target)
    load.save_weights({"w": COUNT + 1}, link, overwrite=True)
    assert link.is_symlink()
    assert_array_equal(load.weights(target)["w"], COUNT + 1)
    target.unlink()
    with pytest.raises(FileFormatError, match="is there already and is no file"):
        load.save_weights({"w": COUNT}, link, overwrite=True)


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_a_new_file_may_be_read_by_others(tmp_path):
    path = load.save_weights({"w": COUNT}, tmp_path / "w.npz")
    mask = os.umask(0)
    os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~mask


# What is refused


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("w.pth", "weights are written as .safetensors or .npz, but the file is called 'w.pth'; PyTorch reads .safetensors too"),
        ("w.h5", "the file is called 'w.h5'; call it w.safetensors"),
        ("weights", "the file is called 'weights'; call it weights.safetensors"),
        (3, "a path is a str or a pathlib.Path, but it is a int"),
    ],
)
def test_other_suffixes(name, pattern):
    with pytest.raises(ArgumentError, match=f"load.save_weights: .*{pattern}"):
        load.save_weights({"w": COUNT}, name)


def test_places_where_no_file_can_be(tmp_path):
    with pytest.raises(
        FileFormatError, match=r"the folder '.*no' does not exist; make it first, Path\(path\).parent.mkdir\(parents=True\)"
    ):
        load.save_weights({"w": COUNT}, tmp_path / "no" / "w.npz")
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(FileFormatError, match=r"'.*folder.npz' is there already and is no file; choose another name"):
        load.save_weights({"w": COUNT}, tmp_path / "folder.npz", overwrite=True)
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(FileFormatError, match=r"load.save_weights: "):
        load.save_weights({"w": COUNT}, tmp_path / "file" / "w.npz")
    for odd in ("a\0b.npz", "x" * 5000 + ".npz"):
        with pytest.raises(FileFormatError, match=r"load.save_weights: '.*(cannot be a file here|could not be written)"):
            load.save_weights({"w": COUNT}, odd)


@pytest.mark.parametrize("name", ["", "__metadata__", "a\nb", "a\\b", "\ud800", "x" * 1001, 3, None])
def test_names_that_are_none(tmp_path, name):
    with pytest.raises(
        ArgumentError,
        match=r"the name of an array is a printable str of 1 to 1,000 characters without a backslash.*but it is .*; rename it",
    ):
        load.save_weights({name: COUNT}, tmp_path / "w.npz")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("value", "pattern"),
    [
        ([1.0, 2.0], r"'w' must be a NumPy array, but it is a list; pass np.asarray\(value\)"),
        (
            np.zeros(2, complex),
            "must hold integers, bools or floats of up to 64 bits, but its dtype is complex128; save its .real and .imag",
        ),
        (np.array(["a"]), r"its dtype is <U1; convert it with .astype\(np.float64\), or leave it out"),
        (np.array([None]), "its dtype is object"),
        (np.zeros(2, np.longdouble), "its dtype is (float128|longdouble)"),
        (np.ma.masked_array([1.0]), r"is a masked array, whose mask would be lost; fill it first, with .filled\(0\)"),
    ],
)
def test_arrays_of_something_else(tmp_path, value, pattern):
    if isinstance(value, np.ndarray) and value.dtype == np.float64 and not isinstance(value, np.ma.MaskedArray):
        pytest.skip("long double is double here")
    with pytest.raises(DTypeError, match=f"load.save_weights: .*{pattern}"):
        load.save_weights({"w": value}, tmp_path / "w.npz")


def test_a_tensor_is_told_to_become_an_array(tmp_path):
    class Tensor:
        def numpy(self):
            return COUNT

    with pytest.raises(DTypeError, match=r"it is a Tensor; pass its \.numpy\(\)"):
        load.save_weights({"w": Tensor()}, tmp_path / "w.npz")


@pytest.mark.parametrize(
    ("notes", "pattern"),
    [
        ({"epoch": 3}, r"metadata is text by name, but it has 3 under 'epoch'; write numbers as str\(value\), anything else as json.dumps"),
        ({3: "epoch"}, "it has 'epoch' under 3"),
        (["epoch"], "metadata is a mapping from names to texts, but it is a list"),
        ({"a": "\ud800"}, "metadata must be text that UTF-8 can write, but 'a' has a lone surrogate; remove it"),
    ],
)
def test_texts_that_are_none(tmp_path, notes, pattern):
    with pytest.raises(ArgumentError, match=f"load.save_weights: .*{pattern}"):
        load.save_weights({"w": COUNT}, tmp_path / "w.npz", metadata=notes)


def test_weights_that_are_none(tmp_path):
    path = tmp_path / "w.npz"
    with pytest.raises(ArgumentError, match=r"weights is a network or a mapping from names to arrays, but it is a list"):
        load.save_weights([COUNT], path)
    with pytest.raises(ArgumentError, match="there must be at least one array to save, but there is none"):
        load.save_weights(nn.Sequential(nn.ReLU()), path)
    with pytest.raises(
        WeightsError, match="the network is shape-only, so it has no numbers to save; build it with rng=, or load weights first"
    ):
        load.save_weights(models.lenet5(), path)
    with pytest.raises(ArgumentError, match="overwrite is True or False, but it is 'yes'"):
        load.save_weights({"w": COUNT}, path, overwrite="yes")
    assert not path.exists()


# Into a network


def test_what_does_not_fit_is_listed_with_the_files_name(tmp_path):
    wide = nn.Sequential(("c", nn.Conv2d(2, 4, (2, 3))), ("d", nn.Conv2d(4, 1, 1, bias=False)))
    path = load.save_weights(net(), tmp_path / "net.safetensors")
    with pytest.raises(WeightsError) as caught:
        load.load_weights(wide, path)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith(
        "load.load_weights: net.safetensors: the weights must fit its 3 arrays, but 2 have another shape, 1 are missing and 4 are"
    )
    assert "  another shape: c.weight is (3, 2, 2, 3), the network wants (4, 2, 2, 3)" in lines
    assert "  missing: d.weight (1, 4, 1, 1)" in lines
    assert "  left over: bn.running_var (3,)" in lines
    with pytest.raises(WeightsError, match=r"load.load_weights: the mapping: the weights must fit its 3 arrays"):
        load.load_weights(wide, {"c.weight": COUNT})


def test_load_weights_of_something_else(tmp_path):
    with pytest.raises(
        ArgumentError, match=r"load.load_weights: net is a network, but it is a str; the network comes first, then the weights"
    ):
        load.load_weights("w.npz", net())
    with pytest.raises(ArgumentError, match=r"load.load_weights: weights is a path or a mapping from names to arrays, but it is a BytesIO"):
        load.load_weights(net(), io.BytesIO())
    with pytest.raises(FileFormatError, match=r"load.load_weights: no file 'w.npz' in the folder"):
        load.load_weights(net(), tmp_path / "w.npz")
    (tmp_path / "w.npz").write_bytes(b"hello")
    with pytest.raises(FileFormatError, match=r"load.load_weights: w.npz is not a PyTorch, safetensors, Keras or .npz file"):
        load.load_weights(net(), tmp_path / "w.npz")


def test_an_npz_notes_no_date_and_no_system(tmp_path):
    path = load.save_weights({"w": COUNT}, tmp_path / "w.npz", metadata={"a": "b"})
    with zipfile.ZipFile(path) as archive:
        assert {(item.date_time, item.create_system) for item in archive.infolist()} == {((1980, 1, 1, 0, 0, 0), 3)}
