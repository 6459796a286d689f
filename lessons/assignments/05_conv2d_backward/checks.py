"""Which question: what is right in assignment 05, conv2d's gradients, and what is checked?

Idea: the right gradients are the engine's, in float64.  Two laws hold them to the definition as well: y is linear in x and in the weight, so
that Σ grad_output·conv2d(x, weight) = Σ grad_x·x = Σ grad_weight·weight (adjoint), and the loss L = Σ grad_output·y changes
by exactly grad·h when an input is moved by h (finite differences, exact for any h).
Parts: one image, a batch, strides, padding, everything at once.
Cost: at most some 10,000 multiply-adds a case.  What it does not do: dilation and groups.
Source: Goodfellow, Bengio, Courville (2016), section 9.5.  Next room: ../06_fast_conv2d/checks.py.
"""

import numpy as np

from minicnn import functional as F
from minicnn.grade import Assignment, Example, Law, Part, Task, accounts, bounds
from minicnn.grade.domains import pair, sliding
from minicnn.misconceptions import MISCONCEPTIONS

ITEMS = ("grad_x", "grad_weight", "grad_bias")
ONE, BATCH = ({"N": (1, images), "C": (1, 3), "K": (1, 3)} for images in (1, 3))


def forward(x, weight, bias, stride, padding):
    return F.conv2d(x, weight, bias, stride, padding, algorithm="im2col")


def arguments(settings, array):
    """Return conv2d_backward's arguments of these settings; grad_output has the shape of conv2d's output."""
    N, C, H, W, K, kh, kw = (settings[name] for name in ("N", "C", "H", "W", "K", "kh", "kw"))
    x, weight, stride, padding = array(N, C, H, W), array(K, C, kh, kw), pair(settings, "s"), pair(settings, "p")
    out = [(n + 2 * p - k) // s + 1 for n, k, s, p in zip((H, W), (kh, kw), stride, padding, strict=True)]
    return {"grad_output": array(N, K, *out), "x": x, "weight": weight, "stride": stride, "padding": padding}


def wide(arguments):
    """Return (grad_output, inputs (x, weight, bias 0), settings) in float64."""
    grad, x, weight = (arguments[name].astype(np.float64) for name in ("grad_output", "x", "weight"))
    return grad, (x, weight, np.zeros(len(weight))), (arguments["stride"], arguments["padding"])


def adjoint_broken(arguments, value):
    """Say where Σ grad·input is not Σ grad_output·y, for x and for the weight."""
    grad, inputs, settings = wide(arguments)
    right = float((grad * forward(*inputs, *settings)).sum())
    for name, gradient, of, bound in zip(ITEMS[:2], value, inputs, bounds.of_conv2d_backward(arguments), strict=False):
        left, slack = float((gradient * of).sum(dtype=np.float64)), float((np.abs(of) * bound).sum())
        if not abs(left - right) <= 2 * slack:
            return f"Σ {name}·{name.removeprefix('grad_')} must be Σ grad_output·conv2d(x, weight) = {right:.6g}, but it is {left:.6g}."
    return None


def difference_broken(arguments, value):
    """Say where a step of one input changes L = Σ grad_output·y by anything but grad·step: the first, middle and last of each input."""
    grad, inputs, settings = wide(arguments)
    largest = forward(*map(np.abs, inputs[:2]), inputs[2] + 1, *settings).max() + 1
    rounded = 1e-10 * float(np.abs(grad).sum() * largest)  # L is a sum of numbers of this size, in float64
    for item, (name, gradient, bound) in enumerate(zip(ITEMS, value, bounds.of_conv2d_backward(arguments), strict=True)):
        for flat in sorted({0, inputs[item].size // 2, inputs[item].size - 1}):
            index = tuple(map(int, np.unravel_index(flat, inputs[item].shape)))
            moved = [[array.copy() for array in inputs] for _ in range(2)]
            moved[0][item][index] += 1
            moved[1][item][index] -= 1
            up, down = (float((grad * forward(*each, *settings)).sum()) for each in moved)
            slack = 2 * float(np.broadcast_to(bound, gradient.shape)[index])
            if not abs(gradient[index] - (up - down) / 2) <= slack + rounded:
                return (
                    f"{accounts.place(name, *index)} must be (L(+1) - L(-1)) / 2 = ({up:.6g} - {down:.6g}) / 2 = {(up - down) / 2:.6g}, "
                    f"where L = Σ grad_output·y and that one input is moved by 1, but it is {gradient[index]:.6g}."
                )
    return None


EXAMPLE = Example(
    {
        "grad_output": np.array([[[[1.0, 2]]]]),
        "x": np.array([[[[3.0, 1, 0, 2], [4, 5, -1, 1]]]]),
        "weight": np.array([[[[1.0, 2, 3], [0, -1, 1]]]]),
        "stride": (1, 2),
        "padding": (0, 1),
    },
    (
        np.array([[[[2.0, 5, 4, 6], [-1, 1, -2, 2]]]]),
        np.array([[[[2.0, 3, 5], [10, 2, 7]]]]),
        np.array([3.0]),
    ),
)

ASSIGNMENT = Assignment(
    number="05",
    title="conv2d backward",
    minutes=120,
    lesson="03, channels, filters and 1×1",
    tasks=(
        Task(
            name="conv2d_backward",
            arguments=arguments,
            reference=lambda grad_output, x, weight, stride, padding: F.conv2d_backward(grad_output, x, weight, stride, padding),
            parts=(
                Part("one image, stride 1", 3, sliding(**ONE)),
                Part("a batch", 1, sliding(**BATCH)),
                Part("strides", 2, sliding(stride=3, **BATCH)),
                Part("padding", 2, sliding(padding=2, **BATCH)),
                Part("everything at once", 2, sliding(stride=3, padding=2, **BATCH)),
            ),
            examples=(EXAMPLE,),
            bound=bounds.of_conv2d_backward,
            account=accounts.of_conv2d_backward,
            misconceptions=MISCONCEPTIONS["conv2d_backward"],
            laws=(Law("adjoint", adjoint_broken), Law("finite differences", difference_broken)),
        ),
    ),
)
