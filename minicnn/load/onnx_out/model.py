"""Which question: how does a drawn graph become the bytes of a model?

Idea: every map's shape is known and written beside it, so onnx.checker, which works shapes out for itself, finds any that is
wrong.  The batch is free where another batch changes nothing but the first axis of maps.

Cost: one copy of the weights in protocol buffers, one in bytes.  What it does not do: decide operators.
Source: onnx.ai/onnx/repo-docs/IR.md.  Next room: ../whole.py, which writes the bytes.
"""

import numpy as np

from minicnn import __version__
from minicnn.errors import MinicnnError, UnsupportedError
from minicnn.load.onnx_out.drawing import Drawing, Shapes
from minicnn.network.shapes import shapes_of

BATCH = "N"


def batch_is_free(net, shapes: Shapes) -> bool:
    """Whether the network takes batches of any size: one image more changes first axes only.

    >>> from minicnn import nn
    >>> net = nn.Sequential(nn.ReLU(), nn.Flatten(0))
    >>> batch_is_free(nn.Sequential(nn.ReLU()), {"x": (1, 2, 3, 4), "relu1": (1, 2, 3, 4)})
    True
    """
    if not all(shapes[name] for name in net.inputs):
        return False
    try:
        more = shapes_of(net, {name: (shapes[name][0] + 1, *shapes[name][1:]) for name in net.inputs})
    except MinicnnError:
        return False
    return all(more[name][1:] == shape[1:] for name, shape in shapes.items())


def model_bytes(net, drawing: Drawing, free: bool, what: str) -> bytes:
    """Return the model, when onnx.checker passes it."""
    import onnx
    from onnx import helper, numpy_helper

    more = shapes_of(net, {name: (drawing.shapes[name][0] + 1, *drawing.shapes[name][1:]) for name in net.inputs}) if free else {}
    values = {name: _value(drawing, name, more.get(name)) for name in drawing.shapes}
    outputs = _own_names(net, drawing)
    between = [values[name] for name in drawing.shapes if name not in {*net.inputs, *outputs}]
    arrays = [numpy_helper.from_array(np.asarray(array, order="C"), name) for name, array in drawing.arrays.items()]
    ends = [_value(drawing, name, more.get(name), called) for called, name in outputs.items()]
    graph = helper.make_graph(drawing.nodes, "minicnn", [values[name] for name in net.inputs], ends, arrays, value_info=between)
    opsets = [helper.make_opsetid("", drawing.opset)]
    made_by = {"producer_name": "minicnn", "producer_version": __version__}
    model = helper.make_model(graph, opset_imports=opsets, ir_version=helper.find_min_ir_version_for(opsets), **made_by)
    data = model.SerializeToString()
    try:
        onnx.checker.check_model(data, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise UnsupportedError(f"{what}: onnx.checker refuses the model, so nothing was written: {str(error).strip()[:300]}") from None
    return data


def _value(drawing: Drawing, name: str, more, called: str = ""):
    """Return the type and shape of a map; the axis of the batch has a name in place of a length."""
    from onnx import helper

    shape = drawing.shapes[name]
    if more is not None and more != shape:
        shape = (BATCH if more[0] == shape[0] + 1 else None, *shape[1:])
    kind = np.dtype(drawing.kinds.get(name, np.int64 if ":" in name else drawing.dtype))
    return helper.make_tensor_value_info(called or name, helper.np_dtype_to_tensor_dtype(kind), shape)


def _own_names(net, drawing: Drawing) -> dict[str, str]:
    """Return the network's outputs by a name of their own: one that is an input, or handed out twice, is an Identity more."""
    from onnx import helper

    found: dict[str, str] = {}
    for name in net.outputs:
        called = name
        if name in found or name in net.inputs:
            called = drawing.free(f"{name}/output")
            drawing.nodes.append(helper.make_node("Identity", [name], [called], name=called))
        found[called] = name
    return found
