"""Which question: how does a network leave for other programs?

Idea: every layer is an emitter's few ONNX operators; a table says which emitter.  Names stay: a map is called in the file what it is
called in the network, an array what net.parameters() calls it.  The sizes of maps are known, so nothing is left to be worked out.

    net + input shape ─ emitters ─► nodes, initializers ─ onnx.checker ─► bytes ─ whole or not at all ─► model.onnx

Cost: two copies of the weights while it is written.
What it does not do: files of 2 GiB and more, whose arrays would lie beside them; layers as they are in training.
Source: onnx.ai/onnx/repo-docs/IR.md and operators.  Next rooms: drawing.py, then sums.py, points.py, windows.py, arrays.py.
"""

from pathlib import Path

import numpy as np

from minicnn import check, layers
from minicnn.errors import ArgumentError, MinicnnError, UnsupportedError, WeightsError
from minicnn.load.onnx_out import arrays, points, sums, windows
from minicnn.load.onnx_out.drawing import Drawing, Here, Shapes
from minicnn.load.onnx_out.model import batch_is_free, model_bytes
from minicnn.load.whole import named_path, places, written
from minicnn.network import Network
from minicnn.network.graph import as_network
from minicnn.network.node import first_nodes, named
from minicnn.network.shapes import shapes_of

WHAT = "load.save_onnx"
OPSET, OLDEST, NEWEST = 17, 13, 23  # what is written unless more is needed; what the emitters know
LARGEST = 2**31 - 2**20  # bytes of arrays: a protocol buffer ends at 2 GiB

EMITTERS = {
    layers.Conv2d: sums.conv,
    layers.ConvAdd: sums.conv_add,
    layers.ConvTranspose2d: sums.conv_transpose,
    layers.Linear: sums.linear,
    layers.BatchNorm2d: sums.batch_norm,
    layers.LayerNorm: sums.layer_norm,
    layers.GroupNorm: sums.group_norm,
    layers.Add: sums.add,
    layers.Concat: sums.concat,
    layers.ReLU: points.plain("Relu"),
    layers.ReLU6: points.relu6,
    layers.LeakyReLU: points.leaky_relu,
    layers.PReLU: points.prelu,
    layers.Hardswish: points.hardswish,
    layers.Sigmoid: points.plain("Sigmoid"),
    layers.SiLU: points.silu,
    layers.Tanh: points.plain("Tanh"),
    layers.ELU: points.elu,
    layers.GELU: points.gelu,
    layers.Softplus: points.softplus,
    layers.Softmax: points.softmax,
    layers.LogSoftmax: points.softmax,
    layers.Dropout: points.plain("Identity"),
    layers.Identity: points.plain("Identity"),
    layers.ChannelsLast: points.plain("Identity"),
    layers.MaxPool2d: windows.max_pool,
    layers.AvgPool2d: windows.avg_pool,
    layers.AdaptiveAvgPool2d: windows.adaptive_avg,
    layers.AdaptiveMaxPool2d: windows.adaptive_max,
    layers.MaxUnpool2d: windows.max_unpool,
    layers.Upsample: windows.upsample,
    layers.ZeroPad2d: windows.pad,
    layers.ReflectionPad2d: windows.pad,
    layers.ReplicationPad2d: windows.pad,
    layers.CircularPad2d: windows.pad,
    layers.Unfold: windows.unfold,
    layers.Fold: windows.fold,
    layers.Flatten: windows.flatten,
    layers.Resample: arrays.resample,
    layers.PixelShuffle: arrays.pixel_shuffle,
    layers.PixelUnshuffle: arrays.pixel_unshuffle,
    layers.InstanceNorm2d: arrays.instance_norm,
    layers.LocalResponseNorm: arrays.local_response_norm,
    layers.Clamp: arrays.clamp,
    layers.Hardsigmoid: arrays.hard_sigmoid,
    layers.Arithmetic: arrays.arithmetic,
    layers.Elementwise: arrays.elementwise,
    layers.Reduce: arrays.reduce,
    layers.MatMul: arrays.matmul,
    layers.Constant: arrays.constant,
    layers.Cast: arrays.cast,
    layers.Reshape: arrays.reshape,
    layers.Squeeze: arrays.squeeze,
    layers.Unsqueeze: arrays.unsqueeze,
    layers.Permute: arrays.permute,
    layers.Slice: arrays.slice_,
    layers.Take: arrays.take,
    layers.Pad: arrays.pad,
}  # a new layer is one row here
IMAGES = (
    *(sums.conv, sums.conv_add, sums.conv_transpose, windows.max_pool, windows.avg_pool, windows.adaptive_avg, windows.adaptive_max),
    *(windows.max_unpool, windows.upsample, windows.pad, windows.unfold),
    *(arrays.resample, arrays.pixel_shuffle, arrays.pixel_unshuffle),
)  # the emitters for (N, C, H, W) alone


def save_onnx(net: Network, path, input_shape=None, *, opset: int | None = None, overwrite: bool = False) -> Path:
    """Write a network as an ONNX model, as it is at inference, and return the path.

    y = net(x) for x of input_shape, (C, H, W), (N, C, H, W) or a mapping from input names to such; None takes net.input_shapes.
    The axis of the batch is called N and takes any size, unless a layer fixes it.  Maps keep their names, and arrays those
    of net.parameters() and net.buffers(), once for a layer that stands in several nodes.  The model is float64 where an array is.

    opset is 17, or a newer one where a layer needs it (19 for circular padding); 13 to 23 may be asked for.  onnx.checker has
    passed the model before a byte is written; the file is written whole or not at all.  One that is there is replaced only
    with overwrite=True.

    Raises UnsupportedError for a layer that ONNX has no words for, with the node's name and what can be written, for arrays of
    2 GiB and more, and where the extra `onnx` is missing; WeightsError for a network without numbers; ArgumentError for a file
    that is there, another suffix, another opset; ShapeError for an input that does not fit; FileFormatError where the system refuses.
    Source: onnx.ai/onnx/repo-docs/IR.md.

    >>> import tempfile
    >>> from minicnn import nn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = save_onnx(nn.Sequential(nn.Conv2d(1, 2, (3, 5)), nn.SiLU()), Path(folder, "model.onnx"), (1, 8, 9))
    ...     import onnx
    ...     [(node.op_type, *node.input) for node in onnx.load(path).graph.node]
    [('Conv', 'x', 'conv1.weight', 'conv1.bias'), ('Sigmoid', 'conv1'), ('Mul', 'conv1', 'silu1/Sigmoid')]
    """
    check.flag(overwrite, "overwrite", WHAT)
    net, file, opset = as_network(net, WHAT), _file(path, overwrite), _opset(opset)
    dtype, shapes = _dtype(net), _shapes(net, input_shape)
    _find_onnx()
    drawing = _drawn(net, shapes, dtype, opset or OPSET, raises=opset is None)
    data = model_bytes(net, drawing, not drawing.fixed and batch_is_free(net, shapes), WHAT)
    written(file, lambda stream: stream.write(data), overwrite=overwrite, what=WHAT)
    return file


def _file(path, overwrite: bool) -> Path:
    """Return the file to write, or say why nothing is written there."""
    file = named_path(path, WHAT)
    if file.suffix.lower() != ".onnx":
        raise ArgumentError(
            f"{WHAT}: an ONNX model is written as .onnx, but the file is called {file.name!r}; call it {file.stem or 'model'}.onnx."
        )
    places(path, overwrite, WHAT)
    return file


def _opset(opset) -> int | None:
    if opset is None:
        return None
    opset = check.integer(opset, "opset", WHAT, 1)
    if not OLDEST <= opset <= NEWEST:
        raise ArgumentError(
            f"{WHAT}: opset is one of {OLDEST} … {NEWEST}, but it is {opset}; leave it out for {OPSET}, which is read widely."
        )
    return opset


def _find_onnx() -> None:
    try:
        import onnx  # noqa: F401
    except ImportError:
        raise UnsupportedError(
            f'{WHAT}: writing ONNX needs the package onnx, which is not installed: pip install "minicnn-engine[onnx]".'
        ) from None


def _dtype(net: Network) -> np.dtype:
    """Return the dtype of the model, when the network has numbers and not too many."""
    numbers = [*net.parameters().values(), *net.buffers().values()]
    if any(isinstance(array, layers.ShapeOnly) for array in numbers):
        raise WeightsError(f"{WHAT}: the network is shape-only, so it has no numbers to save; build it with rng=, or load weights first.")
    wide = any(array.dtype == np.float64 for array in numbers)
    size = sum(array.size for array in numbers) * (8 if wide else 4)
    if size > LARGEST:
        raise UnsupportedError(
            f"{WHAT}: one ONNX file holds less than 2 GiB, but the arrays take {size:,} bytes, and none are written beside it; "
            "save them with load.save_weights, or export the network in parts."
        )
    return np.dtype(np.float64 if wide else np.float32)


def _shapes(net: Network, input_shape) -> Shapes:
    try:
        return shapes_of(net, input_shape)
    except MinicnnError as error:
        raise type(error)(f"{WHAT}: {str(error).removeprefix('describe: ').removeprefix('network: ')}") from None


def _drawn(net: Network, shapes: Shapes, dtype: np.dtype, opset: int, raises: bool) -> Drawing:
    """Return the graph of the network, all of it in the words of the newest opset that one of its layers needs."""
    drawing = Drawing(shapes, dtype, opset, raises, set(shapes), first_nodes(net))
    for node in net.nodes:
        _draw(drawing, node)
    return drawing if drawing.opset == opset else _drawn(net, shapes, dtype, drawing.opset, raises)


def _draw(drawing: Drawing, node) -> None:
    """Add a node of the network to the graph."""
    emit = EMITTERS.get(type(node.layer))
    try:
        with named(node):
            if emit is None:
                raise UnsupportedError(
                    f"ONNX has no words for {node.layer!r} here; what can be written: {', '.join(sorted(row.__name__ for row in EMITTERS))}."
                )
            here = Here(drawing, node)
            if emit in IMAGES and len(here.shape) != 4:
                raise UnsupportedError(
                    f"{type(node.layer).__name__} is written for maps (N, C, H, W), but {here.x} is {here.shape}; give it a batch axis."
                )
            here.close(emit(here))
    except MinicnnError as error:
        raise type(error)(f"{WHAT}: {error}") from None
