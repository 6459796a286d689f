"""Which question: what does each layer do on a GPU?

    FILLS[type of layer](layer)  →  fill(*arrays, out)        its arrays are copied to the device now, once
    VIEWS                        layers that move nothing: on a device their output is their input's memory

Idea: a layer stays what it is, a value on the host; beside it stands a function that fills an array on the device.  A new layer is one row
of FILLS.  A convolution packs its weight for the rung that it takes (conv/cuda/ladder.py), and keeps the packed one alone.

Cost: the weights, on the device.  What it does not do: train; layers that no model of the zoo has.
Source: none.  Next room: on_device.py.
"""

import dataclasses
from collections.abc import Callable
from functools import partial

import numpy as np

from minicnn.conv.algorithm import at_the_store
from minicnn.conv.cuda import device
from minicnn.conv.cuda.family import bias_on_device
from minicnn.conv.cuda.ladder import choose_rung
from minicnn.conv.gallery import LADDER, load_algorithm
from minicnn.functional.cuda.activation import hardswish, leaky_relu, relu, relu6, sigmoid, silu
from minicnn.functional.cuda.adaptive import adaptive_avg_pool2d
from minicnn.functional.cuda.add import add
from minicnn.functional.cuda.batch_norm import batch_norm, line
from minicnn.functional.cuda.concat import concat
from minicnn.functional.cuda.conv_transpose import conv_transpose2d
from minicnn.functional.cuda.linear import linear
from minicnn.functional.cuda.pooling import avg_pool2d, max_pool2d
from minicnn.functional.cuda.softmax import softmax
from minicnn.functional.cuda.upsample import upsample
from minicnn.layers import (
    AdaptiveAvgPool2d,
    Add,
    AvgPool2d,
    BatchNorm2d,
    ChannelsLast,
    Concat,
    Conv2d,
    ConvAdd,
    ConvTranspose2d,
    Dropout,
    Flatten,
    Hardswish,
    Identity,
    Layer,
    LeakyReLU,
    Linear,
    MaxPool2d,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Upsample,
)

Fill = Callable  # of device arrays, and out=, the one to fill


def refusal(layer: Layer) -> str | None:
    """Return why a layer cannot be on the device and what can be done, or None."""
    if type(layer) not in FILLS and type(layer) not in VIEWS:
        known = ", ".join(sorted(kind.__name__ for kind in (*FILLS, *VIEWS)))
        return f"there is no kernel for {type(layer).__name__}; run this network on the host, net(x), or build it of {known}"
    if type(layer) in (Conv2d, ConvAdd) and layer.window.padding_mode != "zeros":
        return f"kernels pad with zeros, but its padding_mode is {layer.window.padding_mode!r}; run this network on the host, net(x)"
    if type(layer) is MaxPool2d and layer.return_indices:
        return "kernels do not say where a maximum stood; run this network on the host, net(x), or build it with return_indices=False"
    return None


def rung_for(x_shape, layer: Conv2d) -> str:
    """Return the name of the ladder's rung for a convolution of such an input: the layer's own where it names one."""
    return layer.algorithm if layer.algorithm in LADDER else choose_rung(x_shape, layer.weight.shape)


def _convolution(layer: Conv2d) -> Fill:
    bias = bias_on_device(layer.bias, layer.out_channels)
    kind, cap = at_the_store(None if type(layer) is ConvAdd else layer.activation)
    packed, ready = {}, {}  # by rung; by shape of input

    def of_rung(shape):
        name = rung_for(shape, layer)
        if name not in packed:
            packed[name] = load_algorithm(name).prepare(layer.weight, layer.window, layer.groups)
        return name if packed[name].finite else "cuda_coalesced", packed[name]  # 0·∞ is NaN: there padding is skipped

    def fill(x, *, out):
        shape = tuple(x.shape)
        if shape not in ready:
            name, found = of_rung(shape)
            ready[shape] = load_algorithm(name).launch, dataclasses.replace(found, window=layer.window.resolve(shape[2:]))
        launch, held = ready[shape]
        launch(x, held, bias, kind, cap, out)

    of_rung(
        (1, layer.in_channels, *layer.window.kernel)
    )  # the rule asks for channels and filters alone, as yet: so all shapes find it done
    return fill


def _convolution_and_sum(layer: ConvAdd) -> Fill:
    convolve = _convolution(layer)

    def fill(x, other, *, out):
        convolve(x, out=out)
        add(out, other, activation=layer.activation, out=out)

    return fill


def _transposed(layer: ConvTranspose2d) -> Fill:
    weight, bias = device.uploaded(layer.weight), bias_on_device(layer.bias, layer.out_channels)
    settings = {name: getattr(layer, name) for name in ("stride", "padding", "groups", "dilation")}
    return lambda x, *, out: conv_transpose2d(x, weight, bias, **settings, out=out)


def _linear(layer: Linear) -> Fill:
    weight, bias = device.uploaded(layer.weight), bias_on_device(layer.bias, layer.out_features)
    return lambda x, *, out: linear(x, weight, bias, out=out)


def _batch_norm(layer: BatchNorm2d) -> Fill:
    scale, shift = line(layer.running_mean, layer.running_var, layer.weight, layer.bias, layer.eps)
    return lambda x, *, out: batch_norm(x, scale, shift, out=out)


def _add(layer: Add) -> Fill:
    def fill(first, *others, out):
        if not others:
            concat((first,), out=out)  # a copy
        total = first
        for place, other in enumerate(others, 1):
            total = add(total, other, activation=layer.activation if place == len(others) else None, out=out)
        if layer.activation is not None and not others:
            relu(out, out=out)

    return fill


def _upsample(layer: Upsample) -> Fill:
    return lambda x, *, out: upsample(x, *layer.axes(x.shape)[0], out=out)


def _settled(function: Callable, *names: str) -> Callable[[Layer], Fill]:
    """Return the row of an operation that takes fields of its layer by their names."""
    return lambda layer: partial(function, **{name: getattr(layer, name) for name in names})


def _pooled(function: Callable) -> Callable[[Layer], Fill]:
    return lambda layer: partial(function, **{name: value for name, value in layer.fields().items() if name != "return_indices"})


FILLS: dict[type[Layer], Callable[[Layer], Fill]] = {
    Conv2d: _convolution,
    ConvAdd: _convolution_and_sum,
    ConvTranspose2d: _transposed,
    Linear: _linear,
    BatchNorm2d: _batch_norm,
    ReLU: _settled(relu),
    ReLU6: _settled(relu6),
    LeakyReLU: _settled(leaky_relu, "negative_slope"),
    SiLU: _settled(silu),
    Sigmoid: _settled(sigmoid),
    Hardswish: _settled(hardswish),
    Softmax: _settled(softmax, "dim"),
    MaxPool2d: _pooled(max_pool2d),
    AvgPool2d: _pooled(avg_pool2d),
    AdaptiveAvgPool2d: _pooled(adaptive_avg_pool2d),
    Add: _add,
    Concat: lambda layer: lambda *arrays, out: concat(arrays, layer.dim, out=out),
    Upsample: _upsample,
}
VIEWS = (Flatten, Identity, Dropout, ChannelsLast)  # outside of training Dropout changes nothing, and device maps have one order


def made(layer: Layer) -> Fill | None:
    """Return the layer's function, its arrays copied to the device; None for a view.  Raises WeightsError for a layer without numbers."""
    for name in (*layer.arrays, *layer.statistics):
        layer.weights_for(np.empty(0, np.float32), name)
    return None if type(layer) in VIEWS else FILLS[type(layer)](layer)
