"""Which question: how does a convolution run backwards, from a small map to a large one?

Idea: where a convolution's output reads its inputs, a transposed convolution's input writes to the same
positions: every input is multiplied by the whole kernel and laid down, stride apart, and what overlaps is
summed. That is what the gradient of a convolution by its input does, so conv/gradient.py computes it: the
stride splits the output into phases, each of which is a small convolution.

And its own gradient by x is that convolution again; by the weight it is the convolution's, with the
two maps in each other's place.

Cost: N·C_in·K/G·kh·kw·H·W multiply-adds.  When it loses: few channels and large strides, where the phases are
many and small.  What it does not do: padding_mode.
Source: Dumoulin & Visin (2016), section 4; Odena, Dumoulin & Olah (2016), "Deconvolution and checkerboard artifacts".
Next room: minicnn/layers.
"""

import numpy as np

from minicnn import check
from minicnn.axis import Transposed
from minicnn.conv.dispatch import convolve
from minicnn.conv.gradient_input import input_gradient
from minicnn.conv.gradient_weight import weight_and_bias_gradients
from minicnn.errors import ArgumentError, ShapeError
from minicnn.functional import arguments
from minicnn.window import Window, sides

__all__ = ["conv_transpose2d", "conv_transpose2d_backward"]


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
    batch, weight, bias, groups, unbatched = _checked(what, x, weight, bias, groups)
    rules = transposed_rules(weight.shape[2:], stride, padding, output_padding, dilation, what)
    shape = (batch.shape[0], weight.shape[1] * groups, *_output_size(batch.shape[2:], rules))
    with np.errstate(all="ignore"):
        y = input_gradient(batch, weight, convolution_of(rules), shape)
        if bias is not None:
            y = y + bias.reshape(-1, 1, 1)
    return y[0] if unbatched else y


def conv_transpose2d_backward(
    grad_output, x, weight, stride=1, padding=0, output_padding=0, groups=1, dilation=1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (grad_x, grad_weight, grad_bias) of Σ grad_output · conv_transpose2d(x, weight, bias, …).

    grad_x = conv2d(grad_output, weight, …): what an input wrote to, it reads back;
    grad_weight[c,k,i,j] = Σ_n,h,w x[n,c,h,w]·grad_output[n,k, h·stride_h + i·dil_h - top, w·stride_w + j·dil_w - left];
    grad_bias[k] = Σ_n,p,q grad_output[n,k,p,q].
    grad_output: the shape of the output; the other arguments are conv_transpose2d's.

    Raises ShapeError, DTypeError, ArgumentError.  Source: torch.autograd of torch.nn.functional.conv_transpose2d.

    >>> grads = conv_transpose2d_backward(np.ones((1, 1, 5)), np.array([[[1.0, 10.0]]]), np.array([[[[1.0, 2.0, 3.0]]]]), stride=(1, 2))
    >>> grads[0], grads[1], grads[2]
    (array([[[6., 6.]]]), array([[[[11., 11., 11.]]]]), array([5.]))
    """
    what = "conv_transpose2d_backward"
    batch, weight, _, groups, unbatched = _checked(what, x, weight, None, groups)
    rules = transposed_rules(weight.shape[2:], stride, padding, output_padding, dilation, what)
    shape = (batch.shape[0], weight.shape[1] * groups, *_output_size(batch.shape[2:], rules))
    grad = arguments.gradient(grad_output, shape[1:] if unbatched else shape, what, x=batch)
    grads = transposed_gradients(grad[None] if unbatched else grad, batch, weight, rules)
    return (grads[0][0] if unbatched else grads[0], *grads[1:])


def transposed_gradients(grad, x, weight, rules, needs=(True, True, True), accuracy: str = "exact"):
    """Run checked arguments; `needs` says which of the gradients by x, weight and bias are wanted."""
    window, (H, W) = convolution_of(rules), x.shape[2:]
    with np.errstate(all="ignore"):
        # Where output_padding reaches a stride, the convolution has outputs beyond x, that nothing wrote from.
        grad_x = convolve(grad, weight, None, window, accuracy=accuracy)[:, :, :H, :W] if needs[0] else None
        grad_weight = weight_and_bias_gradients(x, grad, window, weight.shape)[0] if needs[1] else None
        grad_bias = grad.sum(axis=(0, 2, 3)) if needs[2] else None
    return grad_x, grad_weight, grad_bias


def convolution_of(rules: tuple[Transposed, Transposed]) -> Window:
    """Return the window of the convolution that is transposed."""
    kernel, stride, dilation = (tuple(getattr(rule, name) for rule in rules) for name in ("kernel", "stride", "dilation"))
    return Window(kernel, stride, tuple((rule.before, rule.after) for rule in rules), dilation)


def _checked(what: str, x, weight, bias, groups):
    batch, unbatched = check.image_batch(x, what)
    weight = check.float_array(weight, "weight", what)
    bias = None if bias is None else check.float_array(bias, "bias", what)
    check.same_dtype(what, x=batch, weight=weight, bias=bias)
    groups = check.integer(groups, "groups", what, 1)
    _channels_meet(what, batch, weight, bias, groups, unbatched)
    return batch, weight, bias, groups, unbatched


def _channels_meet(what: str, batch: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, groups: int, unbatched: bool) -> None:
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
