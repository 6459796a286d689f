"""Which question: how does a convolution run backwards, from a small map to a large one?

Idea: where a convolution's output reads its inputs, a transposed convolution's input writes to the same
positions: every input is multiplied by the whole kernel and laid down, stride apart, and what overlaps is
summed. Tap by tap: one matrix product over channels gives that tap's share of all inputs, which is added to
a strided slice of the output. It is the convolution's gradient with respect to its input.

Cost: N·C_in·K/G·kh·kw·H·W multiply-adds, each of the inputs once per tap, and one temporary of K·H·W per image.
When it loses: few channels, where the matrix products are thin.  What it does not do: choose among
algorithms, gradients, padding_mode.
Source: Dumoulin & Visin (2016), section 4; Odena, Dumoulin & Olah (2016), "Deconvolution and checkerboard artifacts".
Next room: minicnn/nn.
"""

from collections.abc import Iterator

import numpy as np

from minicnn import check
from minicnn.axis import Slide, Transposed
from minicnn.errors import ArgumentError, ShapeError
from minicnn.functional.taps import taps
from minicnn.window import sides

__all__ = ["conv_transpose2d"]


def conv_transpose2d(x, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1) -> np.ndarray:
    """Return the transposed convolution of x, as large as the input of the convolution that it transposes.

    y[n, g·K/G + k, h·stride_h + i·dil_h - top, w·stride_w + j·dil_w - left] += weight[g·C/G + c, k, i, j]·x[n, g·C/G + c, h, w]
    over all h, w, i, j and the channels c of group g, from y = bias; what falls outside y is dropped.
    x: (N, C, H, W) or (C, H, W), float32 or float64, the same out and summed in it; weight: (C, K/groups, kh, kw);
    bias: (K,) or None; y: (N, K, P, Q) with P = (H-1)·stride - top - bottom + dilation·(kh-1) + output_padding + 1.

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.nn.functional.conv_transpose2d.

    >>> conv_transpose2d(np.array([[[1.0, 10.0]]]), np.array([[[[1.0, 2.0, 3.0]]]]), stride=(1, 2))
    array([[[ 1.,  2., 13., 20., 30.]]])
    """
    what = "conv_transpose2d"
    batch, unbatched = check.image_batch(x, what)
    weight = check.float_array(weight, "weight", what)
    bias = None if bias is None else check.float_array(bias, "bias", what)
    check.same_dtype(what, x=batch, weight=weight, bias=bias)
    groups = check.integer(groups, "groups", what, 1)
    _channels_meet(batch, weight, bias, groups, unbatched)
    rules = transposed_rules(weight.shape[2:], stride, padding, output_padding, dilation, "conv_transpose2d")
    y = _scatter(batch, weight, groups, rules, _output_size(batch.shape[2:], rules))
    if bias is not None:
        with np.errstate(all="ignore"):
            y += bias.reshape(-1, 1, 1)
    return y[0] if unbatched else y


def _channels_meet(batch: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, groups: int, unbatched: bool) -> None:
    what = "conv_transpose2d"
    if weight.ndim != 4 or 0 in weight.shape:
        raise ShapeError(
            f"{what}: weight must be (in_channels, out_channels / groups, kernel rows, kernel columns), none of them 0, "
            f"but weight.shape={weight.shape}; a convolution's weight has its first two axes the other way round: weight.swapaxes(0, 1)."
        )
    check.wants_channels(what, batch, weight.shape[0], unbatched=unbatched)
    if weight.shape[0] % groups:
        raise ShapeError(
            f"{what}: groups must divide the input channels, but {weight.shape[0]} / {groups} leaves {weight.shape[0] % groups} over "
            f"(weight.shape={weight.shape}); use groups that divide {weight.shape[0]}."
        )
    outputs = weight.shape[1] * groups
    if bias is not None and bias.shape != (outputs,):
        raise ShapeError(
            f"{what}: bias must have one number per output channel, weight.shape[1]·groups = {weight.shape[1]}·{groups} = {outputs}, "
            f"but bias.shape={bias.shape}; give it {outputs} numbers."
        )


def transposed_rules(kernel, stride, padding, output_padding, dilation, what: str) -> tuple[Transposed, Transposed]:
    """Return the rule for rows and the rule for columns, with the settings checked."""
    if isinstance(padding, str):
        raise ArgumentError(f"{what}: padding must be a number, a pair or two pairs, but it is {padding!r}; a word has no meaning here.")
    strides, dilations = check.pair(stride, "stride", what, 1), check.pair(dilation, "dilation", what, 1)
    extras = check.pair(output_padding, "output_padding", what, 0)
    for extra, step, gap, word in zip(extras, strides, dilations, ("rows", "columns"), strict=True):
        if extra >= max(step, gap):
            raise ArgumentError(
                f"{what}: output_padding must be smaller than the stride or the dilation, since it only tells apart the sizes that a "
                f"stride rounds to one, but over the {word} it is {extra}, with stride {step} and dilation {gap}; use at most {max(step, gap) - 1}."
            )
    rows, columns = (
        Transposed(k, s, before, after, d, extra)
        for k, s, (before, after), d, extra in zip(kernel, strides, sides(padding, what), dilations, extras, strict=True)
    )
    return rows, columns


def _output_size(in_size: tuple[int, int], rules: tuple[Transposed, Transposed]) -> tuple[int, int]:
    sizes = []
    for n, rule, word in zip(in_size, rules, ("rows", "columns"), strict=True):
        try:
            sizes.append(rule.out_size(n))
        except ShapeError as error:
            raise ShapeError(f"conv_transpose2d: nothing is left of the output: over the {word} {error}") from None
    return sizes[0], sizes[1]


def _scatter(x: np.ndarray, weight: np.ndarray, groups: int, rules: tuple[Transposed, Transposed], out_size: tuple[int, int]) -> np.ndarray:
    """Return the sum over taps of each tap's matrix product, laid down where its inputs write."""
    n, channels, height, width = x.shape
    outputs = weight.shape[1]  # per group
    maps = np.ascontiguousarray(x).reshape(n, groups, channels // groups, height * width)
    kernels = weight.reshape(groups, channels // groups, outputs, *weight.shape[2:])
    kernels = np.ascontiguousarray(kernels.transpose(3, 4, 0, 2, 1))  # (kh, kw, G, K/G, C/G): one matrix per tap and group
    y = np.zeros((n, groups * outputs, *out_size), x.dtype)
    share = np.empty((n, groups, outputs, height * width), x.dtype)
    planes = share.reshape(n, groups * outputs, height, width)
    row_taps, column_taps = (list(_writes(rule, inputs, size)) for rule, inputs, size in zip(rules, (height, width), out_size, strict=True))
    with np.errstate(all="ignore"):
        for i, from_rows, to_rows in row_taps:
            for j, from_columns, to_columns in column_taps:
                np.matmul(kernels[i, j], maps, out=share)
                y[:, :, to_rows, to_columns] += planes[:, :, from_rows, from_columns]
    return y


def _writes(rule: Transposed, inputs: int, outputs: int) -> Iterator[tuple[int, slice, slice]]:
    """Yield for each tap its number, the inputs that write through it and the outputs they write to."""
    convolution = Slide(rule.kernel, rule.stride, rule.before, rule.after, rule.dilation)  # the one that is transposed
    return taps(convolution, outputs, inputs)
