"""Frames: values cross unchanged, layouts with them; whatever contradicts itself is refused before it costs memory."""

import ast
import json
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minicnn.grade.runner import protocol
from minicnn.grade.runner.protocol import DTYPES, LENGTHS, MOST_HEADER, NoAnswer, NotPlain, decoded, encoded, laid_out, packed, read_frame


def reader(frame: bytes):
    """Return read(n) over bytes, as the pipe's."""
    rest = memoryview(frame)

    def read(size: int) -> bytes:
        nonlocal rest
        part, rest = bytes(rest[:size]), rest[size:]
        assert len(part) == size
        return part

    return read


def across(value, layout=False):
    raw = []
    words = encoded(value, raw, layout=layout)
    header, blob = read_frame(reader(packed({"value": words}, raw)), 1 << 20)
    return decoded(header["value"], blob, layout)


def same(a, b) -> bool:
    if isinstance(a, tuple):
        return type(b) is tuple and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.ndarray):
        return type(b) is np.ndarray and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return type(a) is type(b) and (a == b or a != a and b != b)


def test_a_frame_by_hand():
    frame = packed({"a": [1]}, [b"\x01", b"\x02\x03"])
    assert frame == b"\0\0\0\x0a" + b"\0\0\0\0\0\0\0\x03" + b'{"a": [1]}' + b"\1\2\3"
    assert read_frame(reader(frame), 3) == ({"a": [1]}, b"\1\2\3")


ARRAYS = st.sampled_from(DTYPES).flatmap(lambda name: hnp.arrays(name, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)))
PLAIN = st.none() | st.booleans() | st.integers(-(2**200), 2**200) | st.floats() | st.text(max_size=20) | ARRAYS


@given(PLAIN | st.lists(PLAIN, max_size=3).map(tuple) | st.lists(st.lists(PLAIN, max_size=2).map(tuple), max_size=2).map(tuple))
def test_values_cross_unchanged(value):
    assert same(value, across(value))


@given(ARRAYS.filter(lambda a: a.ndim > 1), st.randoms())
def test_a_layout_crosses_with_its_array(array, random):
    axes = list(range(array.ndim))
    random.shuffle(axes)
    view = array.transpose(axes)[tuple(slice(None, None, random.choice([1, -1, 2, -2])) for _ in axes)]
    result = across(view, layout=True)
    assert same(np.array(view), np.array(result))
    assert view.size < 2 or result.strides == view.strides or view.flags.c_contiguous


def test_a_layout_is_not_taken_from_an_answer():
    assert across(np.arange(6.0).reshape(2, 3).T).strides == (16, 8)
    raw = []
    words = encoded(np.arange(4.0)[::-2], raw, layout=True)
    assert decoded(words, raw[0]).strides == (8,)


def test_laid_out_by_hand():
    result = laid_out(np.array([[1, 2, 3], [4, 5, 6]], np.int16), [-2, 8])
    assert result.strides == (-2, 8)
    np.testing.assert_array_equal(result, [[1, 2, 3], [4, 5, 6]])


def test_numbers_of_numpy_become_plain_ones_and_subclasses_the_array_they_hold():
    assert [type(across(value)) for value in (np.float32(1.5), np.int8(3), np.bool_(True), np.longdouble(2))] == [float, int, bool, float]
    own = np.zeros(2).view(type("Own", (np.ndarray,), {}))
    assert type(across(own)) is np.ndarray
    assert across(np.array([1, 2], ">f4")).dtype == np.dtype("float32")
    assert across(np.arange(3)).flags.writeable


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([1.0], r"the result is a list; return a NumPy array, np\.array\(…\)"),
        ((1, [2]), "item 1 of the result is a list"),
        ({"a": 1}, "the result is a dict; return a NumPy array, a number"),
        (np.array([1j]), r"dtype complex128; return float32 or float64, such as result\.real"),
        (np.array([None]), "dtype object; return float32 or float64"),
        (1j, "the result is a complex"),
        (object(), "the result is a object"),
        (1 << 300, "an integer of 301 bits; no right answer is that large"),
        ("x" * 20_000, "a str of 20000 items"),
        (tuple(range(100)), "a tuple of 100 items"),
        ((((((1,),),),),), "too deep"),
    ],
)
def test_what_is_no_plain_value_is_refused_in_a_sentence(value, says):
    with pytest.raises(NotPlain, match=says):
        encoded(value, [])


def array(name="float32", shape=(2,), strides=None):
    return {"array": [name, list(shape) if isinstance(shape, tuple) else shape, strides]}


@pytest.mark.parametrize(
    ("words", "raw", "says"),
    [
        (array("object"), b"x" * 16, "dtype or shape"),
        (array(["float32"]), b"x" * 8, "dtype or shape"),
        (array("float32", (-1,)), b"", "dtype or shape"),
        (array("float32", (True, 2)), b"x" * 8, "dtype or shape"),
        (array("float32", (2**50,)), b"", "dtype or shape"),
        (array("float32", (1,) * 40), b"x" * 4, "dtype or shape"),
        (array("float32", 2), b"x" * 8, "dtype or shape"),
        (array(), b"x" * 7, "more bytes than came"),
        (array("float64", (2**39,)), b"x" * 8, "more bytes than came"),
        (array(), b"x" * 9, "belong to no array"),
        (None, b"x", "belong to no array"),
        (array("float64", (0, 2**39, 2**39)), b"", "no memory holds"),
        (array("bool", (2,)), b"\x01\x02", "neither 0 nor 1"),
        ([1], b"", "no value"),
        ({"array": [1]}, b"", "no value"),
        ({"tuple": 3}, b"", "no value"),
        ({"tuple": [], "array": []}, b"", "no value"),
        ({"pickle": "gASV"}, b"", "no value"),
        (1 << 300, b"", "no value"),
        ("x" * 20_000, b"", "no value"),
        ({"tuple": [{"tuple": [{"tuple": [{"tuple": [{"tuple": [{"tuple": []}]}]}]}]}]}, b"", "no value"),
    ],
)
def test_words_that_contradict_their_bytes_are_no_answer(words, raw, says):
    with pytest.raises(NoAnswer, match=says):
        decoded(words, raw)


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (LENGTHS.pack(MOST_HEADER + 1, 0), "are allowed"),
        (LENGTHS.pack(2, 101) + b"{}", r"2 \+ 101 bytes, where 1048576 \+ 100 are allowed"),
        (LENGTHS.pack(2, 0) + b"{x", "no JSON"),
        (LENGTHS.pack(2, 0) + b"\xff\xfe", "no JSON"),
        (LENGTHS.pack(2, 0) + b"[]", "no JSON object"),
        (LENGTHS.pack(100_000, 0) + b"[" * 100_000, "no JSON"),
        (LENGTHS.pack(5000, 0) + b"1" * 5000, "no JSON"),
    ],
)
def test_a_frame_that_is_none(frame, says):
    with pytest.raises(NoAnswer, match=says):
        read_frame(reader(frame), 100)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(DTYPES),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["array", "tuple", "x"]), inner, max_size=2)
        | st.tuples(st.sampled_from(DTYPES), st.lists(st.integers(-1, 2**41), max_size=3), inner).map(lambda each: {"array": list(each)})
    ),
    max_leaves=12,
)


@given(JSON, st.binary(max_size=40))
def test_no_words_make_the_reader_stumble(words, raw):
    try:
        value = decoded(json.loads(json.dumps(words)), raw)
    except NoAnswer:
        return
    assert same(value, across(value))


@given(st.binary(max_size=60))
def test_no_bytes_make_the_reader_stumble(content):
    frame = struct.pack(">IQ", len(content), 0) + content
    try:
        header, _ = read_frame(reader(frame), 0)
    except NoAnswer:
        return
    assert type(header) is dict


@pytest.mark.parametrize("name", ["child.py", "protocol.py", "seal.py"])
def test_the_other_side_needs_the_standard_library_and_numpy_only(name):
    tree = list(ast.walk(ast.parse(Path(protocol.__file__).with_name(name).read_text(encoding="utf-8"))))
    used = {alias.name for node in tree if isinstance(node, ast.Import) for alias in node.names}
    assert used - sys.stdlib_module_names <= {"numpy", "protocol", "seal"}
    assert "minicnn" not in " ".join(used)
    assert not [node for node in tree if isinstance(node, ast.ImportFrom)]
