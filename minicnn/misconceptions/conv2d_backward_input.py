"""Which question: what do people believe comes back to the input of a convolution?

Right: as in conv2d_backward.py, whose second half this is: grad_x[n,c,h,w] = Σ grad_output[n,k,p,q] · w[k,c,i,j] over all k, p, q, i, j
with p·stride_h + i - padding_h = h, likewise w.

Cost: none.  Source: Dumoulin & Visin (2016), chapter 4.  Next room: grade/diagnosis.py.
"""

import numpy as np

from minicnn.misconceptions.conv2d_backward import gradients, spread, to_weight, to_x, windows_of
from minicnn.misconceptions.misconception import believed
from minicnn.misconceptions.pieces import middle


def with_x(grad_x, grad_output, x, weight, stride, padding):
    """Return (grad_x, grad_weight, grad_bias), the last two right."""
    return grad_x, to_weight(grad_output, x, weight, stride, padding), grad_output.sum((0, 2, 3))


@believed(
    "Your grad_x uses the kernel flipped: what tap (i, j) took from x goes back by weight[…, i, j].",
    lesson="01",
    function="conv2d_backward",
)
def kernel_flipped(grad_output, x, weight, stride, padding):
    grad_x = to_x(grad_output, x, weight[:, :, ::-1, ::-1], stride, padding)
    return with_x(grad_x, grad_output, x, weight, stride, padding)


@believed(
    "You assign to grad_x where windows overlap: what they pass back is added, with += and not with =.",
    lesson="03",
    function="conv2d_backward",
)
def overwritten_where_windows_overlap(grad_output, x, weight, stride, padding):
    room = 0 * spread(grad_output, x, weight, stride, padding)
    back = windows_of(room, weight, stride)
    for p, q in np.ndindex(*grad_output.shape[2:]):
        back[:, :, p, q] = np.einsum("nk,kcij->ncij", grad_output[:, :, p, q], weight)
    (H, W), (top, left) = x.shape[2:], padding
    return with_x(room[:, :, top : top + H, left : left + W], grad_output, x, weight, stride, padding)


@believed(
    "You assign to every number of grad_x: each filter and each window that saw it passes something back, so add with +=.",
    lesson="03",
    function="conv2d_backward",
)
def last_filter_and_window_only(grad_output, x, weight, stride, padding):
    room = 0 * spread(grad_output, x, weight, stride, padding)
    back = windows_of(room, weight, stride)
    for p, q in np.ndindex(*grad_output.shape[2:]):
        back[:, :, p, q] = grad_output[:, -1, p, q][:, None, None, None] * weight[-1]
    (H, W), (top, left) = x.shape[2:], padding
    return with_x(room[:, :, top : top + H, left : left + W], grad_output, x, weight, stride, padding)


@believed(
    "Your grad_x comes from the last filter only: every filter looked at x, so their gradients are added.",
    lesson="03",
    function="conv2d_backward",
)
def last_filter_only(grad_output, x, weight, stride, padding):
    grad_x = to_x(grad_output[:, -1:], x, weight[-1:], stride, padding)
    return with_x(grad_x, grad_output, x, weight, stride, padding)


@believed(
    "You forget the stride in grad_x: output p goes back to row p·stride, with gaps between.", lesson="02", function="conv2d_backward"
)
def stride_forgotten_for_x(grad_output, x, weight, stride, padding):
    room = 0 * spread(grad_output, x, weight, stride, padding)
    back = windows_of(room, weight, (1, 1))[:, :, : grad_output.shape[2], : grad_output.shape[3]]
    for (i, j), _ in np.ndenumerate(weight[0, 0]):
        back[..., i, j] += np.einsum("nkpq,kc->ncpq", grad_output, weight[:, :, i, j])
    (H, W), (top, left) = x.shape[2:], padding
    return with_x(room[:, :, top : top + H, left : left + W], grad_output, x, weight, stride, padding)


@believed("You return grad_x with its padding: cut it off, x has no such cells.", lesson="02", function="conv2d_backward")
def padding_not_cut_off(grad_output, x, weight, stride, padding):
    return with_x(spread(grad_output, x, weight, stride, padding), grad_output, x, weight, stride, padding)


@believed("You cut grad_x at its end only: the padding lies before x as well, so take p:p+H.", lesson="02", function="conv2d_backward")
def cut_at_the_end_only(grad_output, x, weight, stride, padding):
    grad_x = spread(grad_output, x, weight, stride, padding)[:, :, : x.shape[2], : x.shape[3]]
    return with_x(grad_x, grad_output, x, weight, stride, padding)


@believed(
    "You cut the padding off with grad_x[…, p:-p, p:-p], which is empty where p = 0: write p:p+H.", lesson="02", function="conv2d_backward"
)
def minus_p_where_p_is_0(grad_output, x, weight, stride, padding):
    grad_x = middle(spread(grad_output, x, weight, stride, padding), padding)
    return with_x(grad_x, grad_output, x, weight, stride, padding)


@believed(
    "Your grad_x ends where the last window ends: cells that the stride never reads have gradient 0, and x has them too.",
    lesson="02",
    function="conv2d_backward",
)
def unread_cells_left_out(grad_output, x, weight, stride, padding):
    (kh, kw), (P, Q) = weight.shape[2:], grad_output.shape[2:]
    read = spread(grad_output, x, weight, stride, padding)[:, :, : (P - 1) * stride[0] + kh, : (Q - 1) * stride[1] + kw]
    grad_x = read[:, :, padding[0] :, padding[1] :][:, :, : x.shape[2], : x.shape[3]]
    return with_x(grad_x, grad_output, x, weight, stride, padding)


@believed("You multiply grad_x by x: the derivative of w·x by x is w.", lesson="03", function="conv2d_backward")
def multiplied_by_x(grad_output, x, weight, stride, padding):
    grad_x, grad_weight, grad_bias = gradients(grad_output, x, weight, stride, padding)
    return grad_x * x, grad_weight, grad_bias


@believed(
    "You add grad_x up inside x: the caller still needs x, so collect in a new array of zeros.", lesson="03", function="conv2d_backward"
)
def collected_inside_x(grad_output, x, weight, stride, padding):
    grad_x, grad_weight, grad_bias = gradients(grad_output, x, weight, stride, padding)
    x[...] = grad_x
    return x, grad_weight, grad_bias
