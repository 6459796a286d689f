"""Which question: what do people believe about the gradient of ReLU?

Right: grad_output where x > 0, and 0 where x ≤ 0: the slope of max(x, 0), with 0 chosen at the corner.

Cost: none.  Source: Springenberg et al., Striving for simplicity (2014), figure 1, shows three of these side by side.
Next room: max_pool2d.py.
"""

import numpy as np

from minicnn.misconceptions.misconception import believed


@believed("You let the gradient through where x is 0: by agreement the slope there is 0, as in PyTorch, so write x > 0.", lesson="04")
def passes_at_zero(grad_output, x):
    return grad_output * (x >= 0)


@believed(
    "You let half of the gradient through where x is 0: any slope from 0 to 1 could be chosen there, and the agreement is 0.", lesson="04"
)
def half_at_zero(grad_output, x):
    return grad_output * np.heaviside(x, x.dtype.type(0.5))


@believed("You let the whole gradient through: where x ≤ 0, y stays 0 whatever x does, so nothing comes back.", lesson="04")
def passes_everywhere(grad_output, x):
    return grad_output.copy()


@believed("You look at the sign of the gradient: whether it passes depends on x, the input of the forward pass.", lesson="04")
def rectifies_the_gradient(grad_output, x):
    return np.maximum(grad_output, 0)


@believed(
    "You stop negative gradients as well: that is guided backpropagation, a way to draw pictures, and not the derivative.", lesson="04"
)
def guided(grad_output, x):
    return np.maximum(grad_output, 0) * (x > 0)


@believed("You return the slope alone: by the chain rule it is multiplied by grad_output.", lesson="04")
def slope_alone(grad_output, x):
    return (x > 0).astype(x.dtype)


@believed("You multiply by max(x, 0): the derivative of max(x, 0) is 1 or 0, and not the value.", lesson="04")
def multiplied_by_the_value(grad_output, x):
    return grad_output * np.maximum(x, 0)


@believed("You let the gradient through on the negative side: it passes where x > 0.", lesson="04")
def wrong_side(grad_output, x):
    return grad_output * (x < 0)


@believed("You multiply by the sign of x: that is the derivative of |x|, ReLU's is 0 on the negative side.", lesson="04")
def sign_for_slope(grad_output, x):
    return grad_output * np.sign(x)


@believed("You let a hundredth through where x is negative: that is leaky ReLU's gradient.", lesson="04")
def leaky(grad_output, x):
    return (grad_output * np.where(x > 0, 1, 0.01)).astype(x.dtype)


@believed("You write into grad_output: the caller may need it for another branch, so return a new array.", lesson="04")
def in_place(grad_output, x):
    grad_output[x <= 0] = 0
    return grad_output
