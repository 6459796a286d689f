"""load.onnx against ONNX's own tests: what passes is listed, and the list may only grow.

A case that is listed must pass.  One that is not must be refused with the reason that is listed, never computed wrongly;
of a version of onnx with other cases, each must pass or be refused.  `python tests/load/test_onnx_conformance.py` writes
the list anew.
"""

import re
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from onnx_cases import LIST, Case, light_case, light_models, listed, node_cases, pytorch_cases, refuses, run

from minicnn import load
from minicnn.errors import MinicnnError

onnx = pytest.importorskip("onnx", reason="ONNX's own tests come with the package onnx: pip install 'minicnn-engine[onnx]'")
LEAST_PASSING = 548  # node tests, PyTorch's and light models together; only ever raised


def every_case() -> dict[str, "Case | None"]:
    """Return all cases by name; None for light models, which are read one at a time."""
    return {**node_cases(), **pytorch_cases(), **dict.fromkeys(light_models())}


def outcome(name: str, case: "Case | None", folder: Path) -> str | None:
    """Return None where a case passes, or why it is refused."""
    try:
        run(case or light_case(name), folder)
    except MinicnnError as error:
        return refuses(re.sub(r"^.*?model\.onnx ", "", str(error)))
    return None


VERSION, PASSING, REFUSED = listed()


@pytest.mark.parametrize("name", sorted(every_case()))
def test_case(name, tmp_path):
    why = outcome(name, every_case()[name], tmp_path)
    if name in PASSING:
        assert why is None, f"{name} passed once, and is refused now: {why}"
    elif name in REFUSED:
        assert why is not None, f"{name} passes now: write the list anew, python tests/load/test_onnx_conformance.py"
        assert why.startswith(REFUSED[name]), f"{name} is refused for another reason than the listed one: {why}"
    else:
        assert onnx.__version__ != VERSION, f"{name} is not listed ({why or 'it passes'}); write the list anew"


def test_the_list_only_grows():
    assert len(PASSING) >= LEAST_PASSING
    assert all(len(reason) > 20 for reason in REFUSED.values())  # every skip has a reason
    assert not PASSING & set(REFUSED)
    if onnx.__version__ == VERSION:
        assert set(every_case()) == PASSING | set(REFUSED)


@pytest.mark.parametrize(
    "name",
    ["light/light_squeezenet", "light/light_shufflenet", "light/light_inception_v2", "light/light_resnet50", "light/light_densenet121"],
)
def test_light_models_with_drawn_weights_beside_onnxruntime(name, tmp_path):
    """The light models hold one number over and over; drawn ones show a wrong channel or a wrong axis."""
    runtime = pytest.importorskip("onnxruntime", reason="the peer is ONNX Runtime: pip install 'minicnn-engine[test]'")
    case, rng = light_case(name), np.random.default_rng(5)
    _draw_weights(case.model, rng)
    file = tmp_path / "drawn.onnx"
    file.write_bytes(case.model.SerializeToString())
    x = rng.standard_normal(case.inputs[0].shape).astype(np.float32)
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    expected = session.run(None, {session.get_inputs()[0].name: x})[0]
    result = load.onnx(file)(x, accuracy="exact")
    assert result.shape == expected.shape
    assert expected.max() > 1.5 * expected.mean()  # it depends on its input, or the comparison would say nothing
    # Rounding grows by a factor of at most a few from layer to layer of unit scale; of thousands of eps, classes would change places.
    np.testing.assert_allclose(result, expected, rtol=0, atol=4096 * np.finfo(np.float32).eps * float(np.abs(expected).max()))


def _draw_weights(model, rng) -> None:
    """Put drawn weights of unit gain in the place of every ConstantOfShape."""
    from onnx import numpy_helper

    graph, shapes = model.graph, {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    variances = {node.input[4] for node in graph.node if node.op_type == "BatchNormalization"}
    for node in [node for node in graph.node if node.op_type == "ConstantOfShape"]:
        shape = tuple(int(n) for n in shapes[node.input[0]])
        fan_in = int(np.prod(shape[1:])) if len(shape) > 1 else 1
        values = rng.standard_normal(shape) * (2 / fan_in) ** 0.5 if fan_in > 1 else rng.random(shape) * 0.2
        values = rng.random(shape) + 0.5 if node.output[0] in variances else values
        graph.initializer.append(numpy_helper.from_array(values.astype(np.float32), node.output[0]))
        graph.node.remove(node)


def write_the_list() -> None:
    lines = [
        "# Which of ONNX's own tests load.onnx passes, and why it refuses the others; test_onnx_conformance.py reads and writes this.",
        f"onnx {onnx.__version__}",
    ]
    with tempfile.TemporaryDirectory() as folder:
        for name, case in sorted(every_case().items()):
            why = outcome(name, case, Path(folder))
            lines.append(f"pass {name}" if why is None else f"skip {name}: {why[:160].strip()}")
    LIST.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{sum(line.startswith('pass') for line in lines)} pass, {sum(line.startswith('skip') for line in lines)} are refused.")


if __name__ == "__main__":
    sys.exit(write_the_list())
