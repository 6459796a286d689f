"""Which question: is this an ONNX file that we can read, and what does it hold?

Idea: the file is a protocol buffer, decoded by the package onnx; then everything that we do not read is named
before anything is built: functions of its own, operators of other domains, an opset that is too old.

Cost: one read.  Files beside the model are read by tensors.py, tensor by tensor.
Does not do: check the graph against ONNX's own checker, which trusts file paths; what we use is checked where it is used.
Source: onnx.proto.  Next room: __init__.py.
"""

from pathlib import Path

import numpy as np

from minicnn.errors import FileFormatError, UnsupportedError
from minicnn.load.files import HEAD, kind_of

OLDEST = 6  # opset 7 brought NumPy's broadcasting; what opset 6 had instead is read too
FLOATS = {name: np.dtype(wide) for name, wide in {"float16": "f4", "bfloat16": "f4", "float32": "f4", "float64": "f8"}.items()}
LARGEST = 2**31  # bytes: what a protocol buffer may have


def read_model(file: Path):
    """Return the ModelProto of a file, or say what else it is."""
    with file.open("rb") as stream:
        head = stream.read(HEAD)
    kind = kind_of(head)
    if kind not in (None, "an ONNX file"):
        raise FileFormatError(f"is {kind}, not an ONNX file.")
    if file.stat().st_size >= LARGEST:
        raise FileFormatError(
            f"has {file.stat().st_size:,} bytes, and a protocol buffer has less than {LARGEST:,}; save it with external data."
        )
    try:
        from google.protobuf.message import DecodeError
        from onnx import ModelProto
    except ImportError:
        raise UnsupportedError('needs the package onnx, which is not installed: pip install "minicnn-engine[onnx]".') from None
    model = ModelProto()
    try:
        model.ParseFromString(file.read_bytes())
    except (DecodeError, ValueError, RuntimeError) as error:
        raise FileFormatError(f"is no ONNX file, or one that is cut short ({str(error)[:80]}); fetch it again.") from None
    return model


def graph_of(model):
    """Return the model's graph, when all of it is of a kind that we read."""
    if not model.HasField("graph") or not (model.graph.node or model.graph.output):
        raise FileFormatError("is no ONNX file, or one without a graph; fetch it again.")
    if model.functions:
        names = ", ".join(function.name for function in model.functions[:3])
        raise UnsupportedError(
            f"defines functions of its own ({names}); export it with them written out (onnx.inliner.inline_local_functions)."
        )
    if model.graph.sparse_initializer:
        raise UnsupportedError("holds sparse weights, which are not read; export it with dense ones.")
    _check_names(model.graph)
    return model.graph


def _check_names(graph) -> None:
    """Refuse names whose bytes are no text, which the decoder hands out as bytes."""
    for node in graph.node:
        names = (node.name, node.op_type, node.domain, *node.input, *node.output, *(attribute.name for attribute in node.attribute))
        if not all(isinstance(name, str) for name in names):
            raise FileFormatError(f"holds a node with a name that is no text, {names!r:.80}; it is damaged.")
    for thing in (*graph.initializer, *graph.input, *graph.output):
        if not isinstance(thing.name, str):
            raise FileFormatError(f"holds a name that is no text, {thing.name!r:.80}; it is damaged.")


def opset_of(model) -> int:
    """Return the version of ONNX's operators that the file uses."""
    versions = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    version = max(versions, default=1)
    if version < OLDEST:
        raise UnsupportedError(
            f"uses opset {version}, and {OLDEST} and newer are read; convert it with onnx.version_converter.convert_version(model, 17)."
        )
    return version
