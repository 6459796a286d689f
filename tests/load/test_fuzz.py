"""Whatever bytes a reader of weights is given: arrays of their own or a documented error, nothing run, no other file opened.

Each row of READERS is a format: sound files, as the part that is altered and what is built around it (so that a
checksum does not hide what lies inside), and the first bytes that lead to its reader.  1,000 inputs a reader in
the profile `ci`, 10,000 in `deep`.
"""

import contextlib
import importlib.util
import io
import json
import os
import struct
import sys
import warnings
import zipfile
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicnn import load
from minicnn.errors import MinicnnError
from minicnn.load import archives, hdf5

COUNT = np.arange(12, dtype="<f4").reshape(3, 4)


class Sample(NamedTuple):
    """A sound file: the bytes that are altered, and what makes a file of them."""

    part: bytes
    around: Callable[[bytes], bytes] = lambda part: part


class Format(NamedTuple):
    """One reader: sound files, the first bytes that lead to it, and what reads."""

    samples: Callable[[], list[Sample]]
    start: bytes
    reads: tuple[Callable, ...] = (load.weights,)
    needs: str | None = None


# Sound files


def zip_around(members: dict[str, bytes], altered: str) -> Callable[[bytes], bytes]:
    def around(part: bytes) -> bytes:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            for name, data in members.items():
                archive.writestr(name, part if name == altered else data)
        return stream.getvalue()

    return around


def safetensors() -> list[Sample]:
    stream = io.BytesIO()
    load.safetensorsfile.write(stream, {"a.weight": COUNT, "b": np.array([True]), "é": np.zeros((0, 3), "i8")}, {"epoch": "3"})
    data = stream.getvalue()
    (length,) = struct.unpack("<Q", data[:8])
    header = data[8 : 8 + length]
    return [Sample(data), Sample(header, lambda part: struct.pack("<Q", len(part)) + part + data[8 + length :])]


def npz() -> list[Sample]:
    stream = io.BytesIO()
    np.savez(stream, w=COUNT, f=np.asfortranarray(COUNT.astype("f2")), b=np.array([True, False]))
    member = io.BytesIO()
    np.save(member, COUNT)
    notes = io.BytesIO()
    np.save(notes, np.frombuffer(b'{"a":"b"}', np.uint8))
    members = {"w.npy": member.getvalue(), "__metadata__.npy": notes.getvalue()}
    return [Sample(stream.getvalue()), *(Sample(data, zip_around(members, name)) for name, data in members.items())]


def program(stream_layout: bool) -> bytes:
    """The pickle of {"epoch": 3, "state_dict": {"w": a tensor of 3·4 float32}}, written by hand."""

    def text(value: str) -> bytes:
        return b"X" + struct.pack("<I", len(value)) + value.encode()

    storage = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("0") + text("cpu") + b"K\x0c" + (b"N" * stream_layout) + b"tQ"
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\x00K\x03K\x04\x86K\x04K\x01\x86\x89ccollections\nOrderedDict\n)RtR"
    return b"\x80\x02}(" + text("epoch") + b"K\x03" + text("state_dict") + b"}" + text("w") + tensor + b"su."


def torch_zip() -> list[Sample]:
    members = {"m/data.pkl": program(False), "m/byteorder": b"little", "m/data/0": COUNT.tobytes(), "m/version": b"3\n"}
    whole = zip_around(members, "")(b"")
    return [Sample(whole), Sample(members["m/data.pkl"], zip_around(members, "m/data.pkl"))]


def torch_stream() -> list[Sample]:
    head = b"\x80\x02\x8a\x0a" + archives.MAGIC.to_bytes(10, "little") + b"." + b"\x80\x02M\xe9\x03." + b"\x80\x02}."
    tail = b"\x80\x02]X\x01\x00\x00\x000a." + struct.pack("<q", 12) + COUNT.tobytes()
    return [Sample(head + program(True) + tail), Sample(program(True), lambda part: head + part + tail)]


def keras_h5() -> list[Sample]:
    from keras_files import by_name, by_number, hdf5, layer, sequential

    config = sequential(layer("InputLayer", "x", batch_shape=[None, 1, 4, 3]), layer("Flatten", "f"), layer("Dense", "fc", units=2))
    classic = {"c": {"c_W_1:0": COUNT.reshape(1, 2, 2, 3), "c_b_1:0": COUNT[0, :3]}, "pool": {}}
    packed = hdf5(lambda file: file.create_dataset("layers/dense/vars/0", data=COUNT, chunks=(2, 3), compression="gzip", shuffle=True))
    return [
        Sample(by_name(classic)),
        Sample(by_name({"fc": {"fc/kernel:0": COUNT.reshape(-1, 1).repeat(2, 1)}}, config, libver="latest")),
        Sample(by_number({"layers/conv2d": [COUNT.reshape(1, 2, 2, 3), COUNT[0, :3]]}, {"layers/conv2d": "c"})),
        Sample(packed),
    ]


def keras_zip() -> list[Sample]:
    from keras_files import by_number, layer, sequential

    config = sequential(
        layer("InputLayer", "x", batch_shape=[None, 2, 2, 3]),
        layer("Conv2D", "c", filters=3, use_bias=True),
        layer("BatchNormalization", "n", epsilon=1e-3, momentum=0.99),
        layer("Flatten", "f"),
        layer("Dense", "fc", units=1),
    )
    numbers = {"layers/conv2d": [COUNT[:, :3].reshape(1, 1, 3, 3), COUNT[0, :3]], "layers/dense": [COUNT.reshape(12, 1)]}
    members = {"config.json": json.dumps(config).encode(), "model.weights.h5": by_number(numbers)}
    return [Sample(zip_around(members, "")(b"")), *(Sample(data, zip_around(members, name)) for name, data in members.items())]


def onnx_graph() -> list[Sample]:
    from onnx import TensorProto, helper, numpy_helper

    def value(name, *shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    nodes = [
        helper.make_node("Conv", ["x", "c.weight"], ["c"], name="/c/Conv", pads=[1, 0, 0, 1], strides=[2, 1], auto_pad="NOTSET"),
        helper.make_node("MaxPool", ["c"], ["p", "places"], kernel_shape=[2, 2], ceil_mode=1),
        helper.make_node("Shape", ["p"], ["s"]),
        helper.make_node("Gather", ["s", "first"], ["n"], axis=0),
        helper.make_node("ConstantOfShape", ["n"], ["zeros"], value=numpy_helper.from_array(np.array([0], "i8"))),
        helper.make_node("Concat", ["n", "rest"], ["target"], axis=0),
        helper.make_node("Reshape", ["p", "target"], ["r"]),
        helper.make_node("Gemm", ["r", "fc.weight"], ["g"], alpha=0.5, transB=1),
        helper.make_node("Softmax", ["g"], ["y"], axis=1),
    ]
    weights = {"c.weight": COUNT.reshape(2, 1, 2, 3), "first": np.array([0]), "rest": np.array([-1]), "fc.weight": np.ones((3, 18), "f4")}
    graph = helper.make_graph(
        nodes, "g", [value("x", 1, 1, 7, 5)], [value("y", 1, 3)], [numpy_helper.from_array(a, n) for n, a in weights.items()]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    beside = type(model)()
    beside.CopyFrom(model)
    tensor = beside.graph.initializer[3]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="fuzz.bin")  # its own bytes, the one file that it may read
    turned = type(model)()  # an input that is turned at once
    turned.CopyFrom(model)
    turned.graph.node[0].input[0] = "t"
    turned.graph.node.insert(0, helper.make_node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]))
    turned.graph.input[0].CopyFrom(value("x", 1, 7, 5, 1))
    return [Sample(each.SerializeToString()) for each in (model, beside, turned)]


def onnx(path) -> dict[str, str]:
    """What load.onnx makes of a file, as texts."""
    return {name: str(shape) for name, shape in load.onnx(path).input_shapes.items()}


READERS = {
    "safetensors": Format(safetensors, b"\x40\0\0\0\0\0\0\0{}", (load.weights, load.metadata)),
    "npz": Format(npz, b"PK\x03\x04", (load.weights, load.metadata)),
    "PyTorch's zip": Format(torch_zip, b"PK\x03\x04"),
    "PyTorch's stream": Format(torch_stream, b"\x80\x02\x8a\x0a" + archives.MAGIC.to_bytes(10, "little") + b"."),
    "Keras' HDF5": Format(keras_h5, b"\x89HDF\r\n\x1a\n", needs="h5py"),
    "Keras' zip": Format(keras_zip, b"PK\x03\x04", needs="h5py"),
    "ONNX": Format(onnx_graph, b"\x08\x0a:", (onnx,), needs="onnx"),
}


# Alterations

PLACE, BYTE = st.integers(0, 2**16), st.sampled_from([0, 1, 127, 128, 255]) | st.integers(0, 255)
ALTERATION = (
    st.tuples(st.just("set"), PLACE, BYTE)
    | st.tuples(st.just("flip"), PLACE, st.integers(0, 7))
    | st.tuples(st.just("cut"), PLACE, st.integers(1, 64))
    | st.tuples(st.just("insert"), PLACE, st.binary(min_size=1, max_size=12))
    | st.tuples(st.just("swap"), PLACE, PLACE)
    | st.tuples(st.just("end"), PLACE, st.none())
)


def altered(data: bytes, alterations) -> bytes:
    out = bytearray(data)
    for how, place, value in alterations:
        place %= max(len(out), 1)
        if how == "insert":
            out[place:place] = value
        elif how == "cut":
            del out[place : place + value]
        elif how == "end":
            del out[place:]
        elif not out:
            continue
        elif how == "set":
            out[place] = value
        elif how == "flip":
            out[place] ^= 1 << value
        else:  # blocks of 16 change places
            first, second = sorted((place, value % len(out)))
            if second - first >= 16 and second + 16 <= len(out):
                out[first : first + 16], out[second : second + 16] = out[second : second + 16], out[first : first + 16]
    return bytes(out)


@st.composite
def inputs(draw, samples: list[Sample], start: bytes) -> bytes:
    if draw(st.integers(0, 9)) == 0:
        return start[: draw(st.integers(0, len(start)))] + draw(st.binary(max_size=200))
    sample = draw(st.sampled_from(samples))
    return sample.around(altered(sample.part, draw(st.lists(ALTERATION, min_size=1, max_size=4))))


# Who opens what: Python tells an audit hook, which stays for good and is asked only inside `watched`

WATCHED: list = []
STARTS = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "os.startfile", "subprocess.Popen", "socket.connect", "pickle.find_class")


def _audit(event: str, arguments) -> None:
    if WATCHED and (event == "open" or event in STARTS):
        WATCHED.append((event, arguments[0] if arguments else None))


sys.addaudithook(_audit)


@contextlib.contextmanager
def watched(path):
    """Fail where anything but this file is opened, or anything but the reader of HDF5 is started."""
    WATCHED.append("now")
    try:
        yield
    finally:
        seen, WATCHED[:] = WATCHED[1:], []
    for event, what in seen:
        own = event == "open" and (isinstance(what, int) or os.fspath(what) in (str(path), os.devnull))
        assert own or (event, what) == ("subprocess.Popen", sys.executable), f"{event} of {what!r}"


def read_or_refuse(read: Callable, path, data: bytes) -> None:
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", load.WeightsNotice)
        warnings.simplefilter("ignore", DeprecationWarning)  # pickletools reads a backslash in a name as an escape
        try:
            with watched(path):
                found = read(path)
        except MinicnnError as error:
            assert str(error).startswith(f"load.{read.__name__}: ")  # noqa: PT017
            return
    assert isinstance(found, dict)
    for name, value in found.items():
        assert isinstance(name, str)
        assert isinstance(value, np.ndarray if read is load.weights else str)
        if isinstance(value, np.ndarray):
            value[...] = 0  # an array of its own: writing into it leaves the file as it was
    assert path.read_bytes() == data


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """A file to write to, one process for all HDF5, and a second for each; what is loaded late has been loaded."""
    path = tmp_path_factory.mktemp("fuzz") / "fuzz.bin"
    with contextlib.ExitStack() as undo:
        undo.callback(setattr, hdf5, "SECONDS", hdf5.SECONDS)
        hdf5.SECONDS = 1
        if importlib.util.find_spec("h5py"):
            from keras_files import one_reader

            undo.enter_context(one_reader())
        for form in READERS.values():
            if form.needs is None or importlib.util.find_spec(form.needs):
                path.write_bytes(form.samples()[0].around(form.samples()[0].part))
                for read in form.reads:
                    with contextlib.suppress(MinicnnError), warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        read(path)
        yield path


@pytest.mark.parametrize("name", READERS)
def test_any_bytes_are_read_or_refused(scratch, name):
    form = READERS[name]
    if form.needs is not None:
        pytest.importorskip(form.needs, reason=f"{form.needs} is not installed")
    samples = form.samples()
    for sample in samples:  # what is altered below is sound as it stands
        scratch.write_bytes(sample.around(sample.part))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", load.WeightsNotice)
            for read in form.reads:
                read(scratch)

    @settings(max_examples=5 * settings.default.max_examples)
    @given(inputs(samples, form.start))
    def check(data):
        for read in form.reads:
            read_or_refuse(read, scratch, data)

    check()


# The watch itself


def test_the_watch_sees_another_file_and_a_command(scratch, tmp_path):
    other = tmp_path / "other.bin"
    other.write_bytes(b"x")
    with pytest.raises(AssertionError, match=r"open of .*other\.bin"), watched(scratch):
        other.read_bytes()
    with pytest.raises(AssertionError, match=r"os\.system of"), watched(scratch):
        os.system("exit 0")
    with watched(scratch):
        scratch.read_bytes()
