"""Which question: what do people believe about the gradients of a convolution?

Right: every product w·x of the forward sum passes grad_output on to both of its factors, and what comes together is added.
This file has what goes wrong with grad_weight and grad_bias, and with all three; conv2d_backward_input.py has grad_x.

Cost: none.  Source: Goodfellow, Bengio, Courville (2016), section 9.5.  Next room: conv2d_backward_input.py.
"""

import numpy as np

from minicnn.misconceptions.misconception import believed
from minicnn.misconceptions.pieces import windows


def gradients(grad_output, x, weight, stride, padding):
    """Return (grad_x, grad_weight, grad_bias): what is right."""
    return to_x(grad_output, x, weight, stride, padding), to_weight(grad_output, x, weight, stride, padding), grad_output.sum((0, 2, 3))


def to_weight(grad_output, x, weight, stride, padding):
    """Return Σ over images and positions of gradient times window."""
    rows, columns = grad_output.shape[2:]
    return np.einsum("ncpqij,nkpq->kcij", windows(x, weight.shape[2:], stride, padding)[:, :, :rows, :columns], grad_output)


def to_x(grad_output, x, weight, stride, padding):
    """Return what all windows pass back, with the padding cut off."""
    (H, W), (top, left) = x.shape[2:], padding
    return spread(grad_output, x, weight, stride, padding)[:, :, top : top + H, left : left + W]


def spread(grad_output, x, weight, stride, padding):
    """Return what all windows pass back to the padded input, (N, C, H + 2·padding, W + 2·padding)."""
    room = np.zeros((*x.shape[:2], *(n + 2 * p for n, p in zip(x.shape[2:], padding, strict=True))), x.dtype)
    back = windows_of(room, weight, stride)
    for (i, j), _ in np.ndenumerate(weight[0, 0]):
        back[..., i, j] += np.einsum("nkpq,kc->ncpq", grad_output, weight[:, :, i, j])
    return room


def windows_of(room, weight, stride):
    """Return every window of room as a view that can be written to."""
    (kh, kw), (sh, sw) = weight.shape[2:], stride
    views = np.lib.stride_tricks.sliding_window_view(room, (kh, kw), axis=(2, 3), writeable=True)
    return views[:, :, ::sh, ::sw]


@believed("Your grad_weight is of the last image only: every image used the weight, so their gradients are added with +=.", lesson="03")
def weight_of_the_last_image(grad_output, x, weight, stride, padding):
    grad_x, _, grad_bias = gradients(grad_output, x, weight, stride, padding)
    return grad_x, to_weight(grad_output[-1:], x[-1:], weight, stride, padding), grad_bias


@believed("You assign to grad_weight at every output: each of them used the weight, so their gradients are added with +=.", lesson="03")
def weight_of_the_last_output(grad_output, x, weight, stride, padding):
    grad_x, _, grad_bias = gradients(grad_output, x, weight, stride, padding)
    last = np.zeros_like(grad_output)
    last[-1, :, -1, -1] = grad_output[-1, :, -1, -1]
    return grad_x, to_weight(last, x, weight, stride, padding), grad_bias


@believed("You keep a grad_weight for every image: it has the shape of weight, and sums over the batch.", lesson="03")
def weight_not_summed_over_the_batch(grad_output, x, weight, stride, padding):
    grad_x, _, grad_bias = gradients(grad_output, x, weight, stride, padding)
    return (
        grad_x,
        np.stack([to_weight(g[None], image[None], weight, stride, padding) for g, image in zip(grad_output, x, strict=True)]),
        grad_bias,
    )


@believed("You average grad_weight over the batch: it is a sum, and if the loss is a mean, grad_output is divided already.", lesson="03")
def weight_averaged_over_the_batch(grad_output, x, weight, stride, padding):
    grad_x, grad_weight, grad_bias = gradients(grad_output, x, weight, stride, padding)
    return grad_x, grad_weight / x.dtype.type(len(x)), grad_bias


@believed("You divide grad_weight and grad_bias by N: if the loss is a mean over the batch, grad_output is divided already.", lesson="03")
def averaged_over_the_batch(grad_output, x, weight, stride, padding):
    grad_x, grad_weight, grad_bias = gradients(grad_output, x, weight, stride, padding)
    return grad_x, grad_weight / x.dtype.type(len(x)), grad_bias / x.dtype.type(len(x))


@believed("Your grad_weight is flipped: tap (i, j) collects what it saw itself, in the order of the forward pass.", lesson="01")
def weight_flipped(grad_output, x, weight, stride, padding):
    grad_x, grad_weight, grad_bias = gradients(grad_output, x, weight, stride, padding)
    return grad_x, grad_weight[:, :, ::-1, ::-1], grad_bias


@believed("You forget the stride in grad_weight: output p saw x from row p·stride on.", lesson="02")
def stride_forgotten_for_weight(grad_output, x, weight, stride, padding):
    return to_x(grad_output, x, weight, stride, padding), to_weight(grad_output, x, weight, (1, 1), padding), grad_output.sum((0, 2, 3))


@believed("You forget the padding in grad_weight: the windows of the forward pass stood on the padded input.", lesson="02")
def padding_forgotten_for_weight(grad_output, x, weight, stride, padding):
    grad_x, _, grad_bias = gradients(grad_output, x, weight, stride, padding)
    return grad_x, to_weight(grad_output, x, weight, stride, (0, 0)), grad_bias


@believed(
    "You sum grad_bias over the images only: the same bias was added at every position, so sum over rows and columns too.", lesson="03"
)
def bias_summed_over_images_only(grad_output, x, weight, stride, padding):
    return *gradients(grad_output, x, weight, stride, padding)[:2], grad_output.sum(axis=0)


@believed(
    "You assign to grad_bias at every output: the same bias was added to each of them, so their gradients are added with +=.", lesson="03"
)
def bias_of_the_last_output(grad_output, x, weight, stride, padding):
    return *gradients(grad_output, x, weight, stride, padding)[:2], grad_output[-1, :, -1, -1].copy()


@believed("You average grad_bias over the positions: the same bias was added at each of them, so their gradients are summed.", lesson="03")
def bias_averaged(grad_output, x, weight, stride, padding):
    return *gradients(grad_output, x, weight, stride, padding)[:2], grad_output.mean(axis=(0, 2, 3))


@believed(
    "You sum grad_bias over the maps and keep the images: it has one number for every filter, so sum over all axes but 1.", lesson="03"
)
def bias_for_every_image(grad_output, x, weight, stride, padding):
    return *gradients(grad_output, x, weight, stride, padding)[:2], grad_output.sum(axis=(1, 2, 3))


@believed("You leave grad_bias out: return (grad_x, grad_weight, grad_bias).", lesson="03")
def bias_left_out(grad_output, x, weight, stride, padding):
    return gradients(grad_output, x, weight, stride, padding)[:2]


@believed("You return the gradients in another order: it is (grad_x, grad_weight, grad_bias).", lesson="03")
def weight_before_x(grad_output, x, weight, stride, padding):
    grad_x, grad_weight, grad_bias = gradients(grad_output, x, weight, stride, padding)
    return grad_weight, grad_x, grad_bias


@believed(
    "You take grad_output to be 1 everywhere: by the chain rule every product is multiplied by the gradient of its output.", lesson="03"
)
def grad_output_forgotten(grad_output, x, weight, stride, padding):
    return gradients(np.ones_like(grad_output), x, weight, stride, padding)


@believed("You swap the strides: stride is (height, width), the first for rows and the second for columns.", lesson="02")
def strides_swapped(grad_output, x, weight, stride, padding):
    return gradients(grad_output, x, weight, stride[::-1], padding)
