"""Which question: what is right in assignment 06, fast conv2d, and what is fast?

Idea: conv2d as in 02, the right numbers by im2col in float64, and a race against the loops of 02, one np.sum for each output,
which run in a runner of the same kind.
With 4 filters on a map of 170×214 they make 143,480 steps of Python, some 0.4 s on a machine of 2024.  One matrix product takes a hundredth
of that; a loop over the positions, with the filters at once, still a sixth to a third, which is not enough.
Parts: right without padding and strides, right with them, ten times as fast.
Cost: the race is 3.4 million multiply-adds.  What it does not do: compiled code (the runner has NumPy alone).
Source: Chellapilla, Puri, Simard (2006), section 2.1.  Next room: the gallery, minicnn/conv.
"""

import numpy as np

from minicnn import functional as F
from minicnn.grade import Assignment, Example, Part, Speed, Task, accounts, bounds
from minicnn.grade.domains import pair, sliding
from minicnn.misconceptions import MISCONCEPTIONS

COUNTS = {"N": (1, 2), "C": (1, 3), "K": (1, 3)}

LOOPS = """
import numpy as np


def conv2d(x, weight, bias, stride, padding):
    x = np.pad(x, ((0, 0), (0, 0), (padding[0], padding[0]), (padding[1], padding[1])))
    (N, C, H, W), (K, _, kh, kw) = x.shape, weight.shape
    P, Q = (H - kh) // stride[0] + 1, (W - kw) // stride[1] + 1
    y = np.empty((N, K, P, Q), x.dtype)
    for n in range(N):
        for k in range(K):
            for p in range(P):
                for q in range(Q):
                    top, left = p * stride[0], q * stride[1]
                    window = x[n, :, top : top + kh, left : left + kw]
                    y[n, k, p, q] = np.sum(window * weight[k]) + bias[k]
    return y
"""


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
        "x": np.array([[[[1.0, 0, 2, 3], [4, 1, -1, 0]]], [[[2.0, 2, 0, 1], [0, 3, 1, 1]]]]),
        "weight": np.array([[[[1.0, -1]]], [[[2.0, 1]]]]),
        "bias": np.array([0.0, 10]),
        "stride": (1, 2),
        "padding": (0, 0),
    },
    np.array([[[[1.0, -1], [3, -1]], [[12.0, 17], [19, 8]]], [[[0.0, -1], [-3, 0]], [[16.0, 11], [13, 13]]]]),
)

ASSIGNMENT = Assignment(
    number="06",
    title="fast conv2d",
    minutes=90,
    lesson="08, five ways to compute one equation",
    tasks=(
        Task(
            name="conv2d",
            arguments=arguments,
            reference=reference,
            parts=(
                Part("right: stride 1, no padding", 2, sliding(**COUNTS)),
                Part("right: strides and padding", 2, sliding(stride=3, padding=2, **COUNTS)),
            ),
            examples=(EXAMPLE,),
            bound=bounds.of_conv2d,
            account=accounts.of_conv2d,
            misconceptions=MISCONCEPTIONS["conv2d"],
            speed=Speed(
                name="ten times as fast as loops",
                points=6,
                settings={"N": 1, "C": 2, "H": 170, "W": 214, "K": 4, "kh": 3, "kw": 4, "sh": 1, "sw": 1, "ph": 1, "pw": 0},
                times=10,
                loops=LOOPS,
            ),
        ),
    ),
)
