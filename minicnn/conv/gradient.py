"""Which question: how does the output of a convolution change with its input, its weight and its bias?

With grad[n,k,p,q] the derivative of a number L by y[n,k,p,q], the chain rule over the equation gives

    ∂L/∂x[n,c,h,w]   = Σ_k Σ_i Σ_j Σ_(p,q)  grad[n,k,p,q] · w[k,c,i,j]      where p·stride_h + i·dil_h - top = h, likewise w
    ∂L/∂w[k,c,i,j]   = Σ_n Σ_(p,q)          grad[n,k,p,q] · x[n,c, p·stride_h + i·dil_h - top, q·stride_w + j·dil_w - left]
    ∂L/∂b[k]         = Σ_n Σ_(p,q)          grad[n,k,p,q]

By the input it is again a convolution (gradient_input.py); by the weight a sum over all positions
(gradient_weight.py).  reference.py has the three as plain loops.

Rows that a stride never reads have gradient zero.  Cost: about twice the forward pass.
Source: Goodfellow, Bengio, Courville (2016), section 9.5; Dumoulin & Visin (2016), chapter 4.
Next room: functional/, whose operations have their gradients beside them.
"""

import numpy as np

from minicnn import check
from minicnn.conv.border import collected
from minicnn.conv.dispatch import pad_by_mode
from minicnn.conv.gallery import check_groups, check_weight
from minicnn.conv.gradient_input import input_gradient, input_gradient_bytes
from minicnn.conv.gradient_weight import weight_and_bias_gradients, weight_gradient_bytes
from minicnn.errors import ShapeError
from minicnn.window import Window

ALGORITHMS = ("auto", "reference")
ALL = (True, True, True)


def conv2d_backward(
    grad_output: np.ndarray,
    x: np.ndarray,
    weight: np.ndarray,
    stride=1,
    padding=0,
    dilation=1,
    groups: int = 1,
    *,
    padding_mode: str = "zeros",
    algorithm: str = "auto",
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (grad_x, grad_weight, grad_bias), the gradients of Σ grad_output · conv2d(x, weight, bias, …).

    grad_x[n,c,h,w] = Σ grad_output[n,k,p,q]·weight[k,c,i,j] over all k, p, q, i, j whose tap is (h, w);
    grad_weight[k,c,i,j] = Σ_n,p,q grad_output[n,k,p,q]·x[n,c,tap (i,j) of (p,q)];  grad_bias[k] = Σ_n,p,q grad_output[n,k,p,q].

    Parameters
    ----------
    grad_output : (N, K, P, Q) or (K, P, Q), the shape of conv2d's output
    x, weight, stride, padding, dilation, groups, padding_mode : conv2d's; no gradient depends on the bias
    algorithm : 'auto', or 'reference' for the equations as plain loops in float64, rounded once

    Returns
    -------
    arrays of the shapes of x, weight and (K,), in x's dtype

    Raises
    ------
    ShapeError, DTypeError, ArgumentError

    Examples
    --------
    >>> x = np.arange(6.0).reshape(1, 1, 2, 3)
    >>> edge = np.array([[[[-1.0, 1.0]]]])
    >>> grad_x, grad_weight, grad_bias = conv2d_backward(np.ones((1, 1, 2, 2)), x, edge)
    >>> grad_x[0, 0]
    array([[-1.,  0.,  1.],
           [-1.,  0.,  1.]])
    >>> grad_weight[0, 0], grad_bias
    (array([[ 8., 12.]]), array([4.]))

    Source: Goodfellow, Bengio, Courville (2016), section 9.5; torch.nn.grad.
    """
    what = "conv2d_backward"
    batch, unbatched = check.image_batch(x, what)
    weight, _ = check_weight(weight, None, what)
    grad = check.float_array(grad_output, "grad_output", what)
    check.same_dtype(what, x=batch, weight=weight, grad_output=grad)
    groups = check_groups(groups, weight, what)
    check.wants_channels(what, batch, weight.shape[1] * groups, unbatched=unbatched)
    window = Window.of(weight.shape[2:], stride, padding, dilation, padding_mode=padding_mode, what=what)
    check.one_of(algorithm, "algorithm", what, ALGORITHMS)
    shape = (batch.shape[0], weight.shape[0], *window.output_size(batch.shape[2:], what))
    _fits(grad, shape[1:] if unbatched else shape, what)
    grads = convolve_backward(grad[None] if unbatched else grad, batch, weight, window, algorithm=algorithm)
    return (grads[0][0] if unbatched else grads[0], *grads[1:])


def _fits(grad, shape, what: str) -> None:
    if grad.shape != shape:
        raise ShapeError(
            f"{what}: grad_output must have the output's shape, conv2d returns {shape} here, but grad_output.shape={grad.shape}; "
            "use the gradient of a loss by that output, and the same stride, padding and dilation as forward."
        )


def convolve_backward(grad, x, weight, window: Window, *, needs=ALL, algorithm: str = "auto", accuracy: str = "exact"):
    """Run checked arguments; `needs` says which of the gradients by x, weight and bias are wanted, None comes for the others."""
    padded_x, inner = pad_by_mode(x, window)
    if algorithm == "reference":
        from minicnn.conv.reference import run_backward

        grad_x, grad_weight, grad_bias = run_backward(grad, padded_x, weight, inner)
    else:
        with np.errstate(all="ignore"):  # numbers that are not finite pass as in the law, without NumPy's warnings
            grad_weight = grad_bias = None
            if needs[1]:
                grad_weight, grad_bias = weight_and_bias_gradients(grad, padded_x, inner, weight.shape, accuracy)
            elif needs[2]:
                grad_bias = grad.sum(axis=(0, 2, 3))
            grad_x = input_gradient(grad, weight, inner, padded_x.shape, accuracy) if needs[0] else None
    if grad_x is not None and padded_x is not x:
        border = Window.of(1, padding=window.resolve(x.shape[2:]).padding, padding_mode=window.padding_mode)
        for axis, (rule, n) in enumerate(zip(border.axes(x.shape[2:]), x.shape[2:], strict=True), start=2):
            grad_x = collected(grad_x, rule, n, axis)
    return grad_x, grad_weight, grad_bias


def workspace_bytes(x_shape, weight_shape, window: Window, itemsize: int) -> int:
    """Return about how many bytes the gradients by weight and input hold beside their arguments and results: the larger of the two.

    >>> workspace_bytes((2, 4, 9, 7), (6, 4, 3, 3), Window.of(3, padding=1), 4) >= 4 * 2 * 4 * 11 * 9      # x with its padding
    True
    """
    window, out_size = window.resolve(x_shape[2:]), window.output_size(x_shape[2:])
    arguments = x_shape, weight_shape, window, out_size, itemsize
    return max(weight_gradient_bytes(*arguments), input_gradient_bytes(*arguments))
