"""Which question: how are ONNX's products of matrices, normalizations and softmax ours?

Idea: Gemm with a known second matrix is our Linear, MatMul too; BatchNormalization of a map is BatchNorm2d.  Softmax
before opset 13 took everything from `axis` on together, which is a reshape there and back.

    Gemm: alpha · A'·B' + beta · C,   A' is A or its transpose

Source: ONNX's documents of each operator.  Next room: moving.py.
"""

from math import prod

import numpy as np

from minicnn.layers import (
    Arithmetic,
    BatchNorm2d,
    GroupNorm,
    InstanceNorm2d,
    LayerNorm,
    Linear,
    LocalResponseNorm,
    LogSoftmax,
    MatMul,
    Permute,
    Softmax,
)
from minicnn.load.onnxfile.building import Operator, Value, reshaped


def gemm(op: Operator) -> Value:
    a, b = op.map(0), op.map(1)
    c = op.map(2) if op.has(2) else None
    alpha, beta = op.attribute("alpha", 1.0), op.attribute("beta", 1.0)
    if op.attribute("transA", 0):
        a = op.hang(Permute((1, 0)), a, part="transposed")
    transposed = bool(op.attribute("transB", 0))
    if b.is_known and not a.is_known and b.array.ndim == 2 and (c is None or c.is_known):
        weight = b.array if transposed else b.array.T
        weight = weight if alpha == 1 else (weight * np.array(alpha, weight.dtype))
        if c is None or _is_row(c.shape, len(weight)):
            return op.hang(Linear.of(weight, None if c is None else _row(c.array, beta, len(weight))), a)
    if transposed:
        b = op.hang(Permute((1, 0)), b, part="transposed")
    product = _product(op, a, b, part="" if c is None and alpha == 1 else "product")
    if alpha != 1:
        product = op.hang(Arithmetic("mul", np.array(alpha, product.dtype)), product, part="" if c is None else "alpha")
    if c is None:
        return product
    if beta != 1:
        c = op.hang(Arithmetic("mul", np.array(beta, c.dtype)), c, part="beta")
    return op.hang(Arithmetic("add", c.array), product) if c.is_known else op.hang(Arithmetic("add"), product, c)


def _is_row(shape: tuple[int, ...], features: int) -> bool:
    return prod(shape) == 1 or shape in ((features,), (1, features))


def _row(c: np.ndarray, beta: float, features: int) -> np.ndarray:
    row = np.broadcast_to(c.reshape(-1), (features,))
    return row if beta == 1 else row * np.array(beta, row.dtype)


def matmul(op: Operator) -> Value:
    a, b = op.map(0), op.map(1)
    if b.is_known and not a.is_known and b.array.ndim == 2 and len(a.shape) > 1:
        return op.hang(Linear.of(b.array.T), a)
    return _product(op, a, b)


def _product(op: Operator, a: Value, b: Value, part: str = "") -> Value:
    if a.is_known == b.is_known:
        return op.hang(MatMul(), a, b, part=part)
    if b.is_known:
        return op.hang(MatMul(b.array), a, part=part)
    return op.hang(MatMul(a.array, other_first=True), b, part=part)


def batch_normalization(op: Operator) -> Value:
    if op.attribute("training_mode", 0) or op.opset >= 14 and op.outputs > 1:
        op.refuse("it normalizes by the batch's own statistics (training_mode=1); export the network for inference: model.eval().")
    names = ("scale", "bias", "mean", "variance")
    scale, bias, mean, var = (op.known(place, name) for place, name in enumerate(names, 1))
    if op.attribute("spatial", 1) == 0:
        op.refuse("it keeps one mean for each position (spatial=0), which opset 9 has given up; convert it with onnx.version_converter.")
    layer = BatchNorm2d.of(mean, var, scale, bias, op.attribute("epsilon", 1e-5))
    return op.in_four_axes(op.map(0), lambda x: op.hang(layer, x))


def instance_normalization(op: Operator) -> Value:
    scale, bias = op.known(1, "scale"), op.known(2, "bias")
    layer = InstanceNorm2d.of(len(scale), scale, bias, op.attribute("epsilon", 1e-5))
    return op.in_four_axes(op.map(0), lambda x: op.hang(layer, x))


def group_normalization(op: Operator) -> Value:
    x, groups = op.map(0), op.attribute("num_groups")
    scale, bias = op.known(1, "scale"), op.known(2, "bias")
    if op.opset < 21:  # one number a group
        scale, bias = (np.repeat(array, x.shape[1] // groups) for array in (scale, bias))
    return op.hang(GroupNorm.of(groups, x.shape[1], scale, bias, op.attribute("epsilon", 1e-5)), x)


def layer_normalization(op: Operator) -> Value:
    x = op.map(0)
    over = x.shape[op.attribute("axis", -1) % len(x.shape) :]
    scale, bias = op.known(1, "scale"), op.known(2, "bias", None)
    scale, bias = (None if array is None else np.broadcast_to(array, over) for array in (scale, bias))
    return op.hang(LayerNorm.of(over, scale, bias, op.attribute("epsilon", 1e-5)), x)


def lrn(op: Operator) -> Value:
    settings = [op.attribute(name, default) for name, default in (("alpha", 1e-4), ("beta", 0.75), ("bias", 1.0))]
    return op.hang(LocalResponseNorm(op.attribute("size"), *settings, longer="above"), op.map(0))


def softmax(op: Operator) -> Value:
    return _along(op, Softmax)


def log_softmax(op: Operator) -> Value:
    return _along(op, LogSoftmax)


def _along(op: Operator, layer: type) -> Value:
    x = op.map(0)
    axis = op.attribute("axis", -1 if op.opset >= 13 else 1)
    if not -len(x.shape) <= axis < max(1, len(x.shape)):
        op.refuse(f"its axis {axis} does not fit a map of {len(x.shape)} axes.")
    axis %= len(x.shape)
    if op.opset >= 13 or prod(x.shape[axis + 1 :]) == 1:
        return op.hang(layer(axis), x)
    flat = reshaped(op, x, (prod(x.shape[:axis]), prod(x.shape[axis:])), part="together")
    return reshaped(op, op.hang(layer(1), flat), x.shape, part="apart")
