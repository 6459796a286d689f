"""How does a network of ours become the same network in PyTorch and in ONNX?

Idea: a network is a list of nodes; each layer has a row here that makes its twin, around the same numbers.  In PyTorch
that is a module and a walk over the nodes, in ONNX a graph of the same nodes.  What both are timed against is then one
network, and their outputs are compared before anything is timed.
What it does not do: training, fusing (ONNX Runtime fuses by itself; PyTorch in eager mode does not), layers that the
networks of networks.py do not have: such a layer is named.
Source: PyTorch's nn and ONNX's operators, opset 17.  Next rooms: net.py, peers.py.
"""

from collections.abc import Callable

import numpy as np

from minicnn import describe, nn
from minicnn.errors import UnsupportedError

OPSET, IR = 17, 9


def torch_twin(net: nn.Network, *, channels_last: bool = False):
    """Return a torch.nn.Module in evaluation mode that computes what the network does, in the given memory format."""
    import torch

    class Twin(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.steps = torch.nn.ModuleDict({node.name.replace(".", "/"): _torch_layer(node.layer) for node in net})
            self.plan = [(node.name, self.steps[node.name.replace(".", "/")], node.inputs) for node in net]
            self.last = {name: at for at, (_, _, inputs) in enumerate(self.plan) for name in inputs}

        def forward(self, x):
            maps = {net.inputs[0]: x}
            for at, (name, module, inputs) in enumerate(self.plan):
                maps[name] = module(*(maps[each] for each in inputs))
                for each in {each for each in inputs if self.last[each] == at}:
                    del maps[each]  # let go after its last use, as local variables are
            return maps[net.outputs[0]]

    twin = Twin().eval().requires_grad_(False)
    return twin.to(memory_format=torch.channels_last) if channels_last else twin


def _torch_layer(layer: nn.Layer):
    """Return the module that is one layer's twin."""
    import torch

    t = torch.nn

    class Add(t.Module):
        def forward(self, first, second):
            return first + second

    kind = type(layer)
    if kind is nn.Conv2d:
        return _torch_conv(layer)
    if kind is nn.Linear:
        return _filled(t.Linear(layer.weight.shape[1], layer.weight.shape[0], layer.bias is not None), layer)
    if kind is nn.BatchNorm2d:
        return _filled(t.BatchNorm2d(layer.num_features, layer.eps), layer)
    if kind is nn.MaxPool2d:
        (vertical, _), (horizontal, _) = layer.window.padding
        return t.MaxPool2d(layer.window.kernel, layer.window.stride, (vertical, horizontal), layer.window.dilation)
    if kind is nn.AdaptiveAvgPool2d:
        return t.AdaptiveAvgPool2d(layer.output_size)
    plain = {nn.ReLU: t.ReLU, nn.ReLU6: t.ReLU6, nn.Flatten: t.Flatten, nn.Dropout: t.Dropout, nn.Add: Add}
    if kind in plain:
        return plain[kind]()
    raise _no_twin(layer, "PyTorch")


def _torch_conv(layer: nn.Conv2d):
    """Return the convolution; 'same' with a stride becomes a padding layer that looks at the size, as PyTorch's users write it."""
    import torch

    window = layer.window
    same = window.padding == "same"
    sides = ((0, 0), (0, 0)) if same else window.padding
    own = (layer.in_channels, layer.out_channels, window.kernel, window.stride)
    if same and window.stride == (1, 1):  # it means the same everywhere, and needs no extra step
        sides, same = window.resolve((64, 64)).padding, False
    if any(before != after for before, after in sides):
        raise _no_twin(layer, "PyTorch")
    conv = torch.nn.Conv2d(*own, tuple(before for before, _ in sides), window.dilation, layer.groups, layer.bias is not None)

    class Same(torch.nn.Module):
        def forward(self, x):
            (top, bottom), (left, right) = window.resolve(tuple(x.shape[2:])).padding
            return torch.nn.functional.pad(x, (left, right, top, bottom))

    return torch.nn.Sequential(Same(), _filled(conv, layer)) if same else _filled(conv, layer)


def _filled(module, layer: nn.Layer):
    """Return the module with the layer's numbers in it."""
    import torch

    arrays = {**layer.parameters(), **layer.buffers()}
    state = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
    module.load_state_dict(state, strict=False)
    return module


def onnx_session(net: nn.Network, x_shape, threads: int):
    """Return an onnxruntime.InferenceSession of the network: all of its own optimizations, so many threads within an operator."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(onnx_model(net, x_shape).SerializeToString(), options, providers=["CPUExecutionProvider"])


def onnx_model(net: nn.Network, x_shape):
    """Return the network as an ONNX model for inputs of one shape."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    facts = describe(net, x_shape)
    nodes, constants = [], []
    for node in net:
        operator, arrays, settings = _onnx_layer(node.layer, tuple(facts[node.inputs[0]].shape))
        names = [f"{node.name}.{name}" for name in arrays]
        constants += [numpy_helper.from_array(np.array(array), name) for array, name in zip(arrays.values(), names, strict=True)]
        nodes.append(helper.make_node(operator, [*node.inputs, *names], [node.name], name=node.name, **settings))

    def value(name: str):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(facts[name].shape))

    graph = helper.make_graph(nodes, "minicnn", [value(net.inputs[0])], [value(net.outputs[0])], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    onnx.checker.check_model(model)
    return model


def _onnx_layer(layer: nn.Layer, x_shape) -> tuple[str, dict[str, np.ndarray], dict]:
    """Return (operator, its constant inputs in their order, its settings) of one layer's twin."""
    kind, held = type(layer), {**layer.parameters(), **layer.buffers()}
    if kind is nn.Conv2d:
        return "Conv", held, {**_onnx_window(layer.window, x_shape), "group": layer.groups}
    if kind is nn.Linear:
        return "Gemm", held, {"transB": 1}
    if kind is nn.BatchNorm2d:
        return "BatchNormalization", _in_order(held, "weight", "bias", "running_mean", "running_var"), {"epsilon": layer.eps}
    if kind is nn.MaxPool2d:
        return "MaxPool", {}, {**_onnx_window(layer.window, x_shape), "ceil_mode": int(layer.window.ceil_mode)}
    if kind is nn.AdaptiveAvgPool2d and layer.output_size == (1, 1):
        return "GlobalAveragePool", {}, {}
    if kind is nn.Dropout or kind is nn.AdaptiveAvgPool2d and layer.output_size == x_shape[2:]:  # the mean of one number each
        return "Identity", {}, {}
    if kind is nn.ReLU6:
        return "Clip", {"low": np.float32(0), "high": np.float32(6)}, {}
    plain = {nn.ReLU: "Relu", nn.Flatten: "Flatten", nn.Add: "Add"}
    if kind in plain:
        return plain[kind], {}, {}
    raise _no_twin(layer, "ONNX")


def _onnx_window(window, x_shape) -> dict:
    (top, bottom), (left, right) = window.resolve(x_shape[2:]).padding
    return {
        "kernel_shape": list(window.kernel),
        "strides": list(window.stride),
        "pads": [top, left, bottom, right],
        "dilations": list(window.dilation),
    }


def _in_order(arrays: dict, *names: str) -> dict:
    return {name: arrays[name] for name in names}


def _no_twin(layer: nn.Layer, where: str) -> UnsupportedError:
    return UnsupportedError(
        f"twins: every layer needs a row that makes its twin in {where}, but {layer!r} has none; add one to benchmarks/twins.py."
    )


Call = Callable[[], object]


def calls_of(net: nn.Network, x: np.ndarray, peers: list[str], threads: int) -> dict[str, Call]:
    """Return what is timed of each peer: the whole network, from an input to a new output."""
    calls: dict[str, Call] = {}
    if "torch" in peers:
        import torch

        torch.set_num_threads(threads)
        for name, last in (("torch", False), ("channels_last", True)):
            layout = torch.channels_last if last else torch.contiguous_format
            calls[name] = torch.inference_mode()(
                _bound(torch_twin(net, channels_last=last), torch.from_numpy(x).contiguous(memory_format=layout))
            )
    if "onnxruntime" in peers:
        session = onnx_session(net, x.shape, threads)
        calls["onnxruntime"] = lambda: session.run(None, {net.inputs[0]: x})[0]
    return calls


def _bound(module, x) -> Call:
    return lambda: module(x)
