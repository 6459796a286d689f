"""Which question: how does ONNX say what the layers do that take arrays of any number of axes?

Idea: these layers are ONNX's operators under other names, so most are one word with their settings as inputs.  Where ONNX has
no such setting the numbers are the same by other words: a strip is sliced off before a border is laid on, and channels are
dealt into pixels by two reshapes and a transposition.

Cost: none.  What it does not do: read shapes while the model runs; every one is known.
Source: onnx.ai/onnx/operators.  Next room: drawing.py.
"""

from math import ceil, floor

import numpy as np

from minicnn.axis import ROUNDINGS, Resampled
from minicnn.load.onnx_out.drawing import Here
from minicnn.load.onnx_out.sums import group_norm
from minicnn.load.onnx_out.windows import mixed, picked, weights

UNSURE = 1 / 1000  # of a cell: nearer to a half than this, float32 may round to either side


def arithmetic(here: Here) -> str:
    """The seven operations have ONNX's names; a Python number has the dtype of the map, but as an exponent of whole numbers."""
    layer, operands = here.layer, list(here.inputs)
    if layer.other is not None:
        if not layer.statistics:
            own = here.kind if here.kind.kind == "f" or isinstance(layer.other, int) else np.float64
            other = here.constant("other", layer.other, own)
        else:
            other = here.array("other")
        operands.insert(0 if layer.other_first else 1, other)
    return here(layer.operation.capitalize(), *operands)


def elementwise(here: Here) -> str:
    function = here.layer.function
    if here.kind.kind != "f" and function in ("floor", "ceil", "round"):
        return here("Identity", here.x)  # whole numbers stay as they are
    return here(function.capitalize(), here.x)


def clamp(here: Here) -> str:
    low, high = here.layer.min, here.layer.max
    if here.kind.kind != "f":
        low, high = low if low is None else ceil(low), high if high is None else floor(high)
    if low is None and high is None:
        return here("Identity", here.x)
    return here("Clip", here.x, *("" if end is None else here.constant(word, end) for word, end in (("low", low), ("high", high))))


def hard_sigmoid(here: Here) -> str:
    return here("HardSigmoid", here.x, alpha=float(here.layer.alpha), beta=float(here.layer.beta))


def reshape(here: Here) -> str:
    if here.layer.allowzero:
        here.needs(14, "Reshape with allowzero")
        return here("Reshape", here.x, here.whole("shape", here.layer.shape), allowzero=1)
    return here.reshaped(here.x, *here.layer.shape)


def squeeze(here: Here) -> str:
    dims = here.layer.dims
    if dims is None:  # every axis of length 1, and that of a batch may be one
        here.drawing.fixed = True
        dims = [axis for axis, n in enumerate(here.shape) if n == 1]
    return here("Squeeze", here.x, here.whole("axes", dims))


def unsqueeze(here: Here) -> str:
    return here("Unsqueeze", here.x, here.whole("axes", here.layer.dims))


def permute(here: Here) -> str:
    dims = here.layer.dims
    return here("Transpose", here.x, perm=[axis % len(here.shape) for axis in dims] if dims is not None else range(len(here.shape))[::-1])


def slice_(here: Here) -> str:
    layer = here.layer
    return _cut(here, here.x, layer.starts, layer.ends, layer.dims, layer.steps) if layer.dims else here("Identity", here.x)


def _cut(here: Here, x: str, *settings) -> str:
    words = ("starts", "ends", "axes", "steps")
    return here("Slice", x, *(here.whole(word, numbers) for word, numbers in zip(words, settings, strict=True)))


def take(here: Here) -> str:
    return here("Gather", here.x, here.array("indices"), axis=here.layer.dim)


def pad(here: Here) -> str:
    """Strips go first, so that a border copies what is left."""
    layer, x = here.layer, here.x
    if layer.mode == "wrap":
        here.needs(19, "Pad with mode='wrap'")
    strips = [
        (axis, max(-before, 0), n - max(-after, 0)) for axis, (n, (before, after)) in enumerate(zip(here.shape, layer.pads, strict=True))
    ]
    strips = [strip for strip in strips if strip[1:] != (0, here.shape[strip[0]])]
    if strips:
        axes, starts, ends = zip(*strips, strict=True)
        x = _cut(here, x, starts, ends, axes, [1] * len(axes))
    befores, afters = zip(*layer.pads, strict=True)
    widths = here.whole("pads", np.maximum([*befores, *afters], 0))
    value = [here.constant("value", layer.value)] if layer.mode == "constant" else []
    return here("Pad", x, widths, *value, mode=layer.mode)


def reduce(here: Here) -> str:
    layer = here.layer
    axes = range(len(here.shape)) if layer.dims is None else layer.dims
    if not axes:
        return here("Identity", here.x)
    return here.reduced(f"Reduce{layer.function.capitalize()}", here.x, *axes, keepdims=int(layer.keepdims))


def matmul(here: Here) -> str:
    operands = list(here.inputs)
    if here.layer.other is not None:
        operands.insert(0 if here.layer.other_first else 1, here.array("other"))
    return here("MatMul", *operands)


def local_response_norm(here: Here) -> str:
    """LRN where the window has a middle, which is all that runtimes take; an even one is a mean over a column of channels."""
    layer, (_, channels, *rest) = here.layer, here.shape
    if len(here.shape) == 4 and layer.size % 2:
        return here("LRN", here.x, size=layer.size, alpha=layer.alpha, beta=layer.beta, bias=layer.k)
    less, more = (layer.size - 1) // 2, layer.size // 2
    pads = [less, 0, more, 0] if layer.longer == "above" else [more, 0, less, 0]
    columns = here.reshaped(here("Mul", here.x, here.x), 0, 1, channels, -1)
    means = here("AveragePool", columns, kernel_shape=[layer.size, 1], pads=pads, count_include_pad=1)
    means = here.reshaped(means, 0, channels, *rest)
    inside = here("Add", here("Mul", means, here.constant("alpha", layer.alpha)), here.constant("k", layer.k))
    return here("Div", here.x, here("Pow", inside, here.constant("beta", layer.beta)))


def instance_norm(here: Here) -> str:
    if len(here.shape) < 3:
        return group_norm(here)
    channels = here.layer.num_features
    scale = here.array("weight") or here.constant("scale", np.ones(channels))
    shift = here.array("bias") or here.constant("shift", np.zeros(channels))
    return here("InstanceNormalization", here.x, scale, shift, epsilon=float(here.layer.eps))


def pixel_shuffle(here: Here) -> str:
    return here("DepthToSpace", here.x, blocksize=here.layer.upscale_factor, mode=here.layer.mode)


def pixel_unshuffle(here: Here) -> str:
    """ONNX's word has the order DCR; the other is (C, rows, r, columns, r) with its axes exchanged."""
    r, (_, channels, rows, columns) = here.layer.downscale_factor, here.shape
    if here.layer.mode == "DCR":
        return here("SpaceToDepth", here.x, blocksize=r)
    blocks = here.reshaped(here.x, 0, channels, rows // r, r, columns // r, r)
    return here.reshaped(here("Transpose", blocks, perm=(0, 1, 3, 5, 2, 4)), 0, channels * r * r, rows // r, columns // r)


def constant(here: Here) -> str:
    value = here.layer.value
    here.drawing.kinds[here.node.name] = here.kind if value.dtype == np.float32 and here.kind == np.float64 else value.dtype
    return here("Identity", here.array("value"))


def cast(here: Here) -> str:
    from onnx import helper

    here.drawing.kinds[here.node.name] = here.layer.dtype
    return here("Cast", here.x, to=helper.np_dtype_to_tensor_dtype(here.layer.dtype))


def resample(here: Here) -> str:
    layer, rules, sizes = here.layer, here.layer.axes(here.shape)[0], here.shape[2:]
    scales = [_scale(rule, n) for rule, n in zip(rules, sizes, strict=True)]
    if None in scales:
        return (
            picked(here, rules)
            if layer.mode == "nearest"
            else mixed(here, *(weights(rule, n) for rule, n in zip(rules, sizes, strict=True)))
        )
    if layer.coordinates == "half_pixel_symmetric":
        here.needs(19, "Resize with half_pixel_symmetric")
    how = {"mode": layer.mode, "coordinate_transformation_mode": layer.coordinates}
    how |= {"nearest_mode": layer.rounding} if layer.mode == "nearest" else {}
    return here("Resize", here.x, "", here.constant("scales", [1, 1, *scales], np.float32), **how)


def _scale(rule: Resampled, n: int) -> np.float32 | None:
    """Return the float32 with which every runtime comes to this axis, None where they may not agree.

    >>> from fractions import Fraction
    >>> _scale(Resampled(4), 2), _scale(Resampled(12, "linear", scale=Fraction(7, 5)), 9)
    (np.float32(2.0), np.float32(1.4))
    >>> _scale(Resampled(4, "nearest", "asymmetric", "floor"), 14) is None      # 2 · 14/4 = 7 or a little less
    True
    """
    exact = rule.out / n if rule.scale is None else rule.scale
    whole = rule.scale is None or rule.scale * n == rule.out
    if rule.coordinates == "tf_half_pixel_for_nn" or (rule.coordinates in ("align_corners", "half_pixel_symmetric") and not whole):
        return None  # a word that ONNX has dropped, and two that runtimes work out from the size
    for scale in (np.float32(exact), np.nextafter(np.float32(exact), np.float32(np.inf))):
        sized = floor(np.float32(n) * scale) == floor(n * float(scale)) == rule.out
        if sized and (rule.mode != "nearest" or all(_is_sure(rule, i, n) for i in range(rule.out))):
            return scale
    return None


def _is_sure(rule: Resampled, i: int, n: int) -> bool:
    """Whether a place that is a little off is rounded to the same cell, or is one that float32 holds as it is."""
    source, rounding = rule.source(i, n), ROUNDINGS[rule.rounding]
    ends = {min(max(rounding(source + off), 0), n - 1) for off in (-UNSURE, UNSURE)}
    step = rule.source(1, n) - rule.source(0, n)  # one of 2, 1/2, 1/4, … is exact from beginning to end
    return len(ends) == 1 or all(part & (part - 1) == 0 for part in step.as_integer_ratio())
