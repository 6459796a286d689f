"""Which question: what do people believe ReLU to do?

Right: y = max(x, 0), number by number, in a new array.

Cost: none.  Source: Nair & Hinton, Rectified linear units improve restricted Boltzmann machines (2010).  Next room: relu_backward.py.
"""

import numpy as np

from minicnn.misconceptions.misconception import believed


@believed("You write into x: x[x < 0] = 0 changes the caller's array, so return a new one, such as np.maximum(x, 0).", lesson="04")
def in_place(x):
    x[x < 0] = 0
    return x


@believed("You take the absolute value: what is negative becomes 0, and not positive.", lesson="04")
def absolute_value(x):
    return np.abs(x)


@believed("You keep the negative side: ReLU keeps what is positive.", lesson="04")
def wrong_side(x):
    return np.minimum(x, 0)


@believed("You return where x is positive, as 1 and 0: ReLU returns the positive numbers themselves.", lesson="04")
def mask_for_values(x):
    return (x > 0).astype(x.dtype)


@believed("You let a hundredth of the negative numbers through: that is leaky ReLU, ReLU has 0 there.", lesson="04")
def leaky(x):
    return np.where(x > 0, x, 0.01 * x).astype(x.dtype)


@believed("You cut off above 1 as well: ReLU has no ceiling.", lesson="04")
def ceiling_of_1(x):
    return np.clip(x, 0, 1)


@believed("You compute log(1 + exp(x)): that is softplus, a smooth neighbour of ReLU.", lesson="04")
def softplus(x):
    return np.log1p(np.exp(x))


@believed(
    "You use Python's max(0, x), which asks for one decision about the whole array: np.maximum decides number by number.", lesson="04"
)
def max_of_python(x):
    return max(0, x)


@believed("You decide for the whole array at once: every number is compared with 0 on its own.", lesson="04")
def one_decision_for_all(x):
    return x.copy() if x.sum() > 0 else np.zeros_like(x)


@believed("You remove the negative numbers: they become 0 and keep their places, so that the shape stays.", lesson="04")
def negative_numbers_removed(x):
    return x[x > 0]


@believed("You store the result as whole numbers: that cuts off every fraction, so make it with x.dtype.", lesson="07")
def stored_as_whole_numbers(x):
    return np.maximum(x, 0).astype(int)
