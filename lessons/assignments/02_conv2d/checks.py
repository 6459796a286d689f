"""Which question: what is right in assignment 02, conv2d, and what is checked?

Idea: the right numbers are the engine's, in float64, by im2col, which its own tests hold against the equation as plain loops.
Parts: the bare sum of products, then strides, then padding, then everything at once.
Cost: at most some 5,000 multiply-adds a case.  What it does not do: dilation and groups (../04_channels).
Source: Goodfellow, Bengio, Courville (2016), equation 9.6.  Next room: ../03_relu_and_pooling/checks.py.
"""

import numpy as np

from minicnn import functional as F
from minicnn.grade import Assignment, Example, Part, Task, accounts, bounds
from minicnn.grade.domains import pair, sliding
from minicnn.misconceptions import MISCONCEPTIONS

COUNTS = {"N": (1, 2), "C": (1, 3), "K": (1, 3)}


def arguments(settings, array):
    """Return conv2d's arguments of these settings, of numbers that `array` makes."""
    N, C, H, W, K, kh, kw = (settings[name] for name in ("N", "C", "H", "W", "K", "kh", "kw"))
    return {
        "x": array(N, C, H, W),
        "weight": array(K, C, kh, kw),
        "bias": array(K),
        "stride": pair(settings, "s"),
        "padding": pair(settings, "p"),
    }


def reference(x, weight, bias, stride, padding):
    return F.conv2d(x, weight, bias, stride, padding, algorithm="im2col")


EXAMPLE = Example(
    {
        "x": np.array([[[[1.0, 2, 0], [3, 1, 2], [0, 2, 1]], [[2.0, 0, 1], [1, 1, 0], [0, 3, 2]]]]),
        "weight": np.array([[[[1.0, 2], [0, -1]], [[3.0, 0], [1, 1]]]]),
        "bias": np.array([0.5]),
        "stride": (1, 2),
        "padding": (0, 1),
    },
    np.array([[[[0.5, 1.5], [6.5, 12.5]]]]),
)

ASSIGNMENT = Assignment(
    number="02",
    title="conv2d",
    minutes=90,
    lesson="03, channels, filters and 1×1",
    tasks=(
        Task(
            name="conv2d",
            arguments=arguments,
            reference=reference,
            parts=(
                Part("stride 1, no padding", 4, sliding(**COUNTS)),
                Part("strides", 2, sliding(stride=3, **COUNTS)),
                Part("padding", 2, sliding(padding=2, **COUNTS)),
                Part("everything at once", 2, sliding(stride=3, padding=2, **COUNTS)),
            ),
            examples=(EXAMPLE,),
            bound=bounds.of_conv2d,
            account=accounts.of_conv2d,
            misconceptions=MISCONCEPTIONS["conv2d"],
        ),
    ),
)
