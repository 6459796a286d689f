"""ONNX's own tests of operators and models, as cases that load.onnx is held to.

A case is a model, its inputs and its expected outputs, from the package onnx: the node tests of every operator that is
read, PyTorch's converted layers and operators, and the nine light models.  `run` loads the model, computes, and compares
within the case's own tolerance.  onnx_conformance.txt says of each case that it passes, or why it does not.
"""

import os
import warnings
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minicnn import load
from minicnn.load.onnxfile.table import OPERATORS

LIST = Path(__file__).with_name("onnx_conformance.txt")
BOTH_ARE_MAPS = {"Add", "Sub", "Mul", "Div", "Pow", "MatMul", "Concat", "Sum", "Max", "Min"}
FLOATS = (1, 11)  # float32, float64


class Case(NamedTuple):
    name: str
    model: object  # ModelProto
    inputs: list
    outputs: list
    rtol: float
    atol: float


def refuses(reason: str) -> str:
    """Return a refusal without what changes from case to case, to be listed."""
    return " ".join(reason.split())


@cache
def node_cases() -> dict[str, Case]:
    """Return the node tests whose operators are all in our table and whose maps are float32 or float64."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # onnx's own generators divide by zero on purpose
        from onnx.backend.test.case.node import collect_testcases

        collected = collect_testcases(None)
    cases = {}
    for case in collected:
        graph = case.model.graph
        if not {node.op_type for node in graph.node} <= set(OPERATORS) or any(node.domain for node in graph.node) or not graph.input:
            continue
        if not all(info.type.HasField("tensor_type") for info in (*graph.input, *graph.output)):
            continue
        if graph.input[0].type.tensor_type.elem_type not in (*FLOATS, 7):
            continue
        inputs, outputs = case.data_sets[0]
        if not all(isinstance(array, np.ndarray | np.generic) for array in (*inputs, *outputs)):
            continue
        cases[case.name] = Case(case.name, case.model, [*map(np.asarray, inputs)], [*map(np.asarray, outputs)], case.rtol, case.atol)
    return cases


def data_folder() -> Path:
    import onnx

    return Path(onnx.__file__).parent / "backend" / "test" / "data"


@cache
def pytorch_cases() -> dict[str, Case]:
    import onnx
    from onnx import numpy_helper

    cases = {}
    for folder in sorted((*data_folder().glob("pytorch-converted/*"), *data_folder().glob("pytorch-operator/*"))):
        model, data = onnx.load(folder / "model.onnx"), folder / "test_data_set_0"

        def arrays(kind, data=data):
            files = sorted(data.glob(f"{kind}_*.pb"), key=lambda file: int(file.stem.split("_")[1]))
            return [numpy_helper.to_array(onnx.load_tensor(file)) for file in files]

        name = f"{folder.parent.name}/{folder.name}"
        cases[name] = Case(name, model, arrays("input"), arrays("output"), 1e-3, 1e-7)
    return cases


def light_models() -> dict[str, Path]:
    return {f"light/{file.stem}": file for file in sorted(data_folder().glob("light/*.onnx"))}


def light_case(name: str) -> Case:
    import onnx
    from onnx import numpy_helper

    file = light_models()[name]
    model = onnx.load(file)
    held = {tensor.name for tensor in model.graph.initializer}
    info = next(info for info in model.graph.input if info.name not in held)
    shape = [dim.dim_value for dim in info.type.tensor_type.shape.dim]
    x = (np.arange(np.prod(shape)).reshape(shape) / np.prod(shape)).astype(np.float32)
    expected = numpy_helper.to_array(onnx.load_tensor(f"{os.path.splitext(file)[0]}_output_0.pb"))
    return Case(name, model, [x], [expected], 1e-3, 1e-7)


def run(case: Case, folder: Path) -> None:
    """Load a case's model and compare what it computes with what is expected; raises what the loader raises."""
    graph = case.model.graph
    file = folder / "model.onnx"
    file.write_bytes(case.model.SerializeToString())
    held = {tensor.name for tensor in graph.initializer}
    names = [info.name for info in graph.input if info.name not in held]
    given = dict(zip(names, case.inputs, strict=True))
    both = {node.op_type for node in graph.node} <= BOTH_ARE_MAPS
    maps = [name for name, x in given.items() if x.dtype in (np.float32, np.float64)]
    maps = maps if both and len(maps) == len(names) else names[:1]
    net = load.onnx(file, fixed={name: x for name, x in given.items() if name not in maps})
    results = net(*(given[name] for name in net.inputs), accuracy="exact")
    results = results if isinstance(results, tuple) else (results,)
    assert len(results) == len(case.outputs)
    for result, expected in zip(results, case.outputs, strict=True):
        assert result.shape == expected.shape, f"{case.name}: shape {result.shape}, expected {expected.shape}"
        assert result.dtype == expected.dtype, f"{case.name}: {result.dtype}, expected {expected.dtype}"
        np.testing.assert_allclose(result, expected, rtol=case.rtol, atol=case.atol, err_msg=case.name)


def listed() -> tuple[str, set[str], dict[str, str]]:
    """Return the version of onnx that the list was made with, the cases that pass, and the others with their reasons."""
    version, passing, refused = "", set(), {}
    for line in LIST.read_text(encoding="utf-8").splitlines() if LIST.exists() else ():
        word, _, rest = line.partition(" ")
        if word == "onnx":
            version = rest
        elif word == "pass":
            passing.add(rest)
        elif word == "skip":
            name, _, reason = rest.partition(": ")
            refused[name] = reason
    return version, passing, refused
