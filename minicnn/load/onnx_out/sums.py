"""Which question: how does ONNX say what a layer does that sums: convolutions, linear layers, normalizations, sums and joins?

Idea: one function per layer class, from its node to its steps.  ONNX's padding is all begins, then all ends, and never
'same' here: the sizes of maps are known, so the sides are.  A padding that is not of zeros is a Pad in front of the Conv.

Cost: none.  What it does not do: any rounding but the order of sums, which is the runtime's own.
Source: onnx.ai/onnx/operators.  Next rooms: windows.py, points.py.
"""

import numpy as np

from minicnn.load.onnx_out.drawing import Here
from minicnn.load.onnx_out.points import activated
from minicnn.load.onnx_out.windows import bordered, pads_of


def _given(*names: str | None) -> list[str]:
    """Return inputs up to the last one that is there."""
    found = [name or "" for name in names]
    while found and not found[-1]:
        found.pop()
    return found


def conv(here: Here) -> str:
    return activated(here, convolved(here))


def convolved(here: Here) -> str:
    """Return a convolution without its activation."""
    layer, x = here.layer, here.x
    window = layer.window.resolve(here.shape[2:])
    padding = window.padding
    if window.padding_mode != "zeros" and any(map(any, padding)):
        x, padding = bordered(here, x, padding, window.padding_mode), ((0, 0), (0, 0))
    return here(
        "Conv",
        *_given(x, here.array("weight"), here.array("bias")),
        kernel_shape=window.kernel,
        strides=window.stride,
        pads=pads_of(padding),
        dilations=window.dilation,
        group=layer.groups,
    )


def conv_add(here: Here) -> str:
    return activated(here, here("Add", convolved(here), here.inputs[1]))


def conv_transpose(here: Here) -> str:
    """Output padding of a stride or more, which a dilation allows, is unknown to runtimes: it cancels padding at the end, or is a border of zeros."""
    layer, bias = here.layer, here.array("bias")
    padding, extra, beyond = layer.padding, layer.output_padding, (0, 0)
    if any(more >= step for more, step in zip(extra, layer.stride, strict=True)):
        beyond = [max(more - after, 0) for (_, after), more in zip(padding, extra, strict=True)]
        padding = [(before, max(after - more, 0)) for (before, after), more in zip(padding, extra, strict=True)]
        extra = (0, 0)
    y = here(
        "ConvTranspose",
        *_given(here.x, here.array("weight"), None if any(beyond) else bias),
        kernel_shape=layer.weight.shape[2:],
        strides=layer.stride,
        pads=pads_of(padding),
        output_padding=extra,
        dilations=layer.dilation,
        group=layer.groups,
    )
    if not any(beyond):
        return y
    y = bordered(here, y, ((0, beyond[0]), (0, beyond[1])), "zeros")
    return y if bias is None else here("Add", y, per_channel(here, bias, 4))


def linear(here: Here) -> str:
    """Gemm is for rows of features; over the last axis of anything else it is MatMul and Add."""
    weight, bias = here.array("weight"), here.array("bias")
    if len(here.shape) == 2:
        return here("Gemm", *_given(here.x, weight, bias), transB=1)
    product = here("MatMul", here.x, here("Transpose", weight, perm=(1, 0)))
    return product if bias is None else here("Add", product, bias)


def batch_norm(here: Here) -> str:
    channels = here.layer.num_features
    scale = here.array("weight") or here.constant("scale", np.ones(channels))
    shift = here.array("bias") or here.constant("shift", np.zeros(channels))
    measured = here.array("running_mean"), here.array("running_var")
    return here("BatchNormalization", here.x, scale, shift, *measured, epsilon=float(here.layer.eps))


def layer_norm(here: Here) -> str:
    here.needs(17, "LayerNormalization")
    sizes = here.layer.normalized_shape
    scale = here.array("weight") or here.constant("scale", np.ones(sizes))
    return here("LayerNormalization", *_given(here.x, scale, here.array("bias")), axis=-len(sizes), epsilon=float(here.layer.eps))


def group_norm(here: Here) -> str:
    """A group is one channel of (N, groups, everything else), which InstanceNormalization takes by itself."""
    groups, (_, channels, *rest) = here.layer.num_groups, here.shape
    plain = here.constant("scale", np.ones(groups)), here.constant("shift", np.zeros(groups))
    by_group = here("InstanceNormalization", here.reshaped(here.x, 0, groups, -1), *plain, epsilon=float(here.layer.eps))
    y = here.reshaped(by_group, 0, channels, *rest)
    for operator, name in (("Mul", "weight"), ("Add", "bias")):
        if here.array(name) is not None:
            y = here(operator, y, per_channel(here, here.array(name), len(here.shape)))
    return y


def per_channel(here: Here, array: str, axes: int) -> str:
    """Return an array of one number per channel so that it stands over (N, C, …): (C, 1, …)."""
    behind = list(range(1, axes - 1))
    return here("Unsqueeze", array, here.whole("axes", behind)) if behind else array


def add(here: Here) -> str:
    """ONNX adds two at a time; the sum of one map is the map."""
    first, *others = here.inputs
    total = first if others else here("Identity", first)
    for other in others:
        total = here("Add", total, other)
    return activated(here, total)


def concat(here: Here) -> str:
    return here("Concat", *here.inputs, axis=here.layer.dim)
