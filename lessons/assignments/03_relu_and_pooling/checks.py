"""Which question: what is right in assignment 03, ReLU and pooling, and what is checked?

Idea: the right numbers are the engine's, in float64.  ReLU, its gradient and maxima are copies of numbers, so they are exact; a mean may be
summed in any order.  Padding is at most half a kernel, so that every window sees a cell.
Parts: pooling without padding, then with it.
Cost: a few hundred numbers a case.  What it does not do: dilation, ceil_mode, the gradients of pooling.
Source: PyTorch's documentation of max_pool2d and avg_pool2d.  Next room: ../04_channels/checks.py.
"""

import numpy as np

from minicnn import functional as F
from minicnn.grade import Account, Assignment, Example, Part, Task, accounts, bounds
from minicnn.grade.domains import pair, pooling, sizes
from minicnn.misconceptions import MISCONCEPTIONS

MAPS = sizes(N=(1, 2), C=(1, 3), H=(1, 4), W=(1, 4))


def maps(settings, array, *names):
    return {name: array(*(settings[size] for size in "NCHW")) for name in names}


def pooled(settings, array):
    return maps(settings, array, "x") | {"kernel": pair(settings, "k"), "stride": pair(settings, "s"), "padding": pair(settings, "p")}


def max_pool2d(x, kernel, stride, padding):
    return F.max_pool2d(x, kernel, stride, padding)


def avg_pool2d(x, kernel, stride, padding):
    return F.avg_pool2d(x, kernel, stride, padding, count_include_pad=False)


def account_of_relu(arguments, index):
    place, value = accounts.place("x", *index), float(arguments["x"][index])
    return Account(f"{accounts.place('y', *index)} = max({place}, 0)", ((place, value, None, None),), max(value, 0.0))


def account_of_gradient(arguments, index):
    place, value = accounts.place("x", *index), float(arguments["x"][index])
    grad, passes = float(arguments["grad_output"][index]), float(value > 0)
    sign = ">" if passes else "≤"
    terms = ((f"{accounts.place('grad_output', *index)} · 1 where x > 0", grad, passes, grad * passes),)
    return Account(f"{accounts.place('grad_x', *index)}: {place} = {value:g} {sign} 0", terms, grad * passes)


X = np.array([[[[-2.0, 0, 3], [1, -5, 4]]]])
GRAD = np.array([[[[7.0, 6, 5], [-4, 3, 2]]]])
SLIDING = {"x": np.array([[[[-2.0, -1, 3], [1, -5, 4]]]]), "kernel": (2, 3), "stride": (1, 2), "padding": (1, 1)}

ASSIGNMENT = Assignment(
    number="03",
    title="ReLU and pooling",
    minutes=75,
    lesson="04, ReLU, pooling and striding",
    tasks=(
        Task(
            name="relu",
            arguments=lambda settings, array: maps(settings, array, "x"),
            reference=F.relu,
            parts=(Part("every sign", 1, MAPS),),
            examples=(Example({"x": X}, np.array([[[[0.0, 0, 3], [1, 0, 4]]]])),),
            bound=lambda arguments: 0.0,
            account=account_of_relu,
            misconceptions=MISCONCEPTIONS["relu"],
        ),
        Task(
            name="relu_backward",
            arguments=lambda settings, array: maps(settings, array, "grad_output", "x"),
            reference=F.relu_backward,
            parts=(Part("every sign", 2, MAPS),),
            examples=(Example({"grad_output": GRAD, "x": X}, np.array([[[[0.0, 0, 5], [-4, 0, 2]]]])),),
            bound=lambda arguments: 0.0,
            account=account_of_gradient,
            misconceptions=MISCONCEPTIONS["relu_backward"],
        ),
        Task(
            name="max_pool2d",
            arguments=pooled,
            reference=max_pool2d,
            parts=(Part("no padding", 2, pooling()), Part("padding", 2, pooling(padding=1))),
            examples=(Example(SLIDING, np.array([[[[-1.0, 3], [1, 4], [1, 4]]]])),),
            bound=lambda arguments: 0.0,
            account=accounts.of_maximum,
            misconceptions=MISCONCEPTIONS["max_pool2d"],
        ),
        Task(
            name="avg_pool2d",
            arguments=pooled,
            reference=avg_pool2d,
            parts=(Part("no padding", 1, pooling()), Part("padding", 2, pooling(padding=1))),
            examples=(Example(SLIDING, np.array([[[[-1.5, 1], [-1.75, 0.25], [-2, -0.5]]]])),),
            bound=lambda arguments: bounds.mean_bound(arguments["x"]),
            account=accounts.of_average,
            misconceptions=MISCONCEPTIONS["avg_pool2d"],
        ),
    ),
)
