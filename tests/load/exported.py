"""How the tests of save_onnx run what was written, and how far a runtime may lie from the law.

u = eps/2, γ(n) = n·u / (1 - n·u) (Higham 2002, chapter 3).  The law is the layer in float64, so all that counts is what the runtime
rounds in float32: a number that passes n roundings is off by γ(n) of the sum of absolute values that it went through, which is
the layer with absolute weights on absolute inputs.  n counts its products, and eight for what comes before and behind a sum.
"""

from math import prod

import numpy as np

from minicnn import nn

U = float(np.finfo(np.float32).eps) / 2
EXACT = (
    *(nn.ReLU, nn.ReLU6, nn.MaxPool2d, nn.AdaptiveMaxPool2d, nn.MaxUnpool2d, nn.ZeroPad2d, nn.ReflectionPad2d, nn.ReplicationPad2d),
    *(nn.Clamp, nn.Reshape, nn.Squeeze, nn.Unsqueeze, nn.Permute, nn.Slice, nn.Take, nn.Pad, nn.PixelShuffle, nn.PixelUnshuffle),
    *(nn.Constant, nn.Cast),
    *(nn.CircularPad2d, nn.Flatten, nn.Concat, nn.Identity, nn.ChannelsLast, nn.Dropout, nn.Unfold),
)  # no number is rounded


def session(path):
    """Return an onnxruntime session that uses one thread, its optimizations as ever."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run(path, **inputs):
    return session(path).run(None, inputs)


def gamma(n: int) -> float:
    return n * U / (1 - n * U)


def absolute(layer: nn.Layer) -> nn.Layer:
    """Return a layer with absolute weights, and without its activation."""
    layer = layer.with_arrays({name: np.abs(array) for name, array in layer.parameters().items()})
    if layer.activation is not None:
        layer._set(activation=None)
    return layer


def products(layer: nn.Layer, shape) -> int:
    """Return how many numbers one output of the layer sums at the most."""
    if isinstance(layer, nn.Conv2d):
        return prod(layer.weight.shape[1:])
    if isinstance(layer, nn.ConvTranspose2d):
        return layer.weight.shape[0] * prod(layer.weight.shape[2:])
    if isinstance(layer, nn.Linear):
        return layer.in_features
    if isinstance(layer, nn.AvgPool2d):
        return prod(layer.window.kernel)
    if isinstance(layer, nn.AdaptiveAvgPool2d | nn.Upsample):
        return prod(shape[2:])
    return prod(layer.kernel_size) if isinstance(layer, nn.Fold) else 4


def allowed(layer: nn.Layer, xs) -> float | np.ndarray:
    """Return how far a runtime may be from the layer on these float64 inputs."""
    x = np.abs(xs[0])
    if isinstance(layer, EXACT):
        return 0.0
    if isinstance(layer, nn.BatchNorm2d):
        per = {name: value.reshape(1, -1, 1, 1).astype(np.float64) for name, value in {**layer.parameters(), **layer.buffers()}.items()}
        scale = np.abs(per.get("weight", 1)) / np.sqrt(per["running_var"] + layer.eps)
        return gamma(12) * ((x + np.abs(per["running_mean"])) * scale + np.abs(per.get("bias", 0)))
    if isinstance(layer, nn.LayerNorm | nn.GroupNorm):
        return _measured(layer, xs[0])
    if isinstance(layer, nn.Arithmetic | nn.Elementwise | nn.LocalResponseNorm):
        return _relative(layer, xs)
    if isinstance(layer, nn.Reduce | nn.MatMul):
        return _summed(layer, xs)
    if isinstance(layer, nn.Upsample | nn.Resample):  # a position is off by 4·u of itself, and a weight by as much
        return 0.0 if layer.mode == "nearest" else 2 * gamma(8 * max(xs[0].shape[2:])) * x.max()
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.AvgPool2d | nn.AdaptiveAvgPool2d | nn.Fold | nn.Add):
        sums = absolute(layer)(*map(np.abs, xs))
        return 1.1 * gamma(products(layer, xs[0].shape) + 8) * sums + (curve(sums) if layer.activation == "silu" else 0)
    return curve(2 * x.max() if isinstance(layer, nn.Softmax) else x)  # an activation; a softmax subtracts the largest


def _relative(layer, xs) -> np.ndarray:
    """Four operations and a square root are rounded once; a power, whose base is off by γ(size + 4) in a norm, and curves by eight units."""
    y = np.abs(layer(*xs))
    if isinstance(layer, nn.LocalResponseNorm):
        return gamma(8 * (layer.size + 4)) * y
    if isinstance(layer, nn.Arithmetic):
        return gamma(16 if layer.operation == "pow" else 2) * y
    return gamma(8) * ((1 + np.abs(xs[0])) * np.maximum(y, 1) if layer.function in ("exp", "sin", "cos", "erf") else y)


def _summed(layer, xs) -> np.ndarray:
    """A sum or a product of m numbers passes m roundings; the largest and the smallest pass none."""
    positive = [np.abs(x) for x in xs]
    if isinstance(layer, nn.Reduce):
        along = xs[0].size // max(layer(xs[0]).size, 1)
        return 0.0 if layer.function in ("max", "min") else gamma(along + 2) * layer(*positive)
    held = layer if layer.other is None else nn.MatMul(np.abs(layer.other), other_first=layer.other_first)
    return gamma(max(xs[0].shape[-2:]) + 2) * held(*positive)


def _measured(layer, x) -> np.ndarray:
    """A mean of m numbers is off by γ(m) of their mean size, a variance by as much of their mean square: by `kappa` times itself."""
    axes = tuple(range(x.ndim - len(layer.normalized_shape), x.ndim)) if isinstance(layer, nn.LayerNorm) else (2,)
    dealt = x if isinstance(layer, nn.LayerNorm) else x.reshape(len(x), layer.num_groups, -1)
    var, m = dealt.var(axis=axes, keepdims=True), prod(dealt.shape[axis] for axis in axes)
    kappa = (np.square(dealt).mean(axis=axes, keepdims=True) + layer.eps) / (var + layer.eps)
    size = kappa * (np.abs(dealt) + np.abs(dealt).mean(axis=axes, keepdims=True)) / np.sqrt(var + layer.eps)
    arrays = {name: np.abs(array).max() for name, array in layer.parameters().items()}
    return 2 * gamma(2 * m + 12) * (size.reshape(x.shape) * arrays.get("weight", 1) + arrays.get("bias", 0))


def curve(x) -> np.ndarray:
    """Exponentials, tanh and erf are the runtime's own approximations, of which it promises nothing: eight units of 1 + |x| are granted."""
    return gamma(8) * (1 + np.abs(x))


def positive_bound(net: nn.Network, x) -> tuple[np.ndarray, ...]:
    """Return how far a runtime may be from a network of positive weights on a positive input, by output.

    Nothing cancels but in batch norm, whose mean is added here; what is read around a blended position is the largest neighbour.
    So every number is off by γ(n) of this network's, n being the roundings of all nodes together.
    """
    nodes, roundings, shapes = [], 0, {"x": x.shape}
    for node in net.nodes:
        layer, inputs = node.layer, node.inputs
        in_shapes = [shapes[name] for name in inputs]
        shapes[node.name] = layer.output_shape(*in_shapes)
        roundings += products(layer, in_shapes[0]) + 8
        if isinstance(layer, nn.BatchNorm2d):
            layer = layer.with_(running_mean=-layer.running_mean)
        if isinstance(layer, nn.Upsample) and layer.mode != "nearest":
            nodes.append((f"{node.name}.near", nn.MaxPool2d(3, 1, 1), inputs))
            inputs, roundings = (f"{node.name}.near",), roundings + 8 * max(in_shapes[0][2:])
        nodes.append((node.name, layer, inputs))
    bound = nn.Network(nodes, net.inputs, net.outputs)(x, accuracy="exact")
    return tuple(2 * gamma(roundings) * y for y in (bound if isinstance(bound, tuple) else (bound,)))
