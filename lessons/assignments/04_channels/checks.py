"""Which question: what is right in assignment 04, channels, and what is checked?

Idea: the right numbers are the engine's, in float64: a 1×1 convolution is conv2d with a kernel of one cell, a grouped one is conv2d with groups.
Parts: one group with the settings that 02 did not have, several groups, one group per channel (depthwise), everything at once.
Cost: at most some 5,000 multiply-adds a case.  What it does not do: pooling over less than the whole map.
Source: Lin, Chen, Yan, Network in Network (2014); Krizhevsky, Sutskever, Hinton (2012), section 3.2, for groups.
Next room: ../05_conv2d_backward/checks.py.
"""

import numpy as np

from minicnn import functional as F
from minicnn.grade import Account, Assignment, Example, Part, Task, accounts, bounds
from minicnn.grade.domains import pair, sizes, sliding
from minicnn.misconceptions import MISCONCEPTIONS


def arguments_of_1x1(settings, array):
    N, C, H, W, K = (settings[name] for name in ("N", "C", "H", "W", "K"))
    return {"x": array(N, C, H, W), "weight": array(K, C), "bias": array(K)}


def conv1x1(x, weight, bias):
    return F.conv2d(x, weight[:, :, None, None], bias, algorithm="im2col")


def bound_of_1x1(arguments):
    return bounds.of_conv2d({**arguments, "weight": arguments["weight"][:, :, None, None], "padding": (0, 0)})


def account_of_1x1(arguments, index):
    x, weight, (n, k, h, w) = arguments["x"], arguments["weight"], index
    terms = [
        (f"{accounts.place('x', n, c, h, w)} · {accounts.place('weight', k, c)}", *map(float, (x[n, c, h, w], f, x[n, c, h, w] * f)))
        for c, f in enumerate(weight[k])
    ]
    bias = accounts.place("bias", k)
    terms.append((bias, float(arguments["bias"][k]), None, None))
    return accounts.total(f"{accounts.place('y', *index)} = Σ over channels x·weight + {bias}", terms)


def groups_of(per_group=2, filters=2, **settings):
    """Return settings with G groups of c channels and f filters each, as the C and K of the call."""
    drawn = sliding(N=(1, 2), groups=(1, 3), c=(1, per_group), f=(1, filters), **settings)
    return drawn.map(lambda s: {**s, "C": s["groups"] * s["c"], "K": s["groups"] * s["f"]})


def grouped_arguments(settings, array):
    N, C, H, W, K, c, kh, kw = (settings[name] for name in ("N", "C", "H", "W", "K", "c", "kh", "kw"))
    arrays = {"x": array(N, C, H, W), "weight": array(K, c, kh, kw), "bias": array(K)}
    words = {"stride": "s", "padding": "p", "dilation": "d"}
    return arrays | {name: pair(settings, letter) for name, letter in words.items()} | {"groups": settings["groups"]}


def grouped_conv2d(x, weight, bias, stride, padding, dilation, groups):
    return F.conv2d(x, weight, bias, stride, padding, dilation, groups, algorithm="im2col")


def global_avg_pool2d(x):
    return x.mean(axis=(2, 3))


def account_of_mean(arguments, index):
    x = arguments["x"]
    whole = {"x": x, "kernel": x.shape[2:], "stride": (1, 1), "padding": (0, 0)}
    account = accounts.of_average(whole, (*index, 0, 0))
    equation = f"{accounts.place('y', *index)} = the sum of all {x.shape[2]}·{x.shape[3]} cells / {len(account.terms)}"
    return Account(equation, account.terms, account.total)


X = np.array([[[[1.0, 2, 3]], [[0.0, -1, 1]]]])

ASSIGNMENT = Assignment(
    number="04",
    title="channels",
    minutes=75,
    lesson="03, channels, filters and 1×1",
    tasks=(
        Task(
            name="conv1x1",
            arguments=arguments_of_1x1,
            reference=conv1x1,
            parts=(Part("every shape", 3, sizes(N=(1, 2), C=(1, 4), H=(1, 4), W=(1, 4), K=(1, 4))),),
            examples=(
                Example(
                    {"x": X, "weight": np.array([[1.0, 2], [3, -1], [0, 4]]), "bias": np.array([0.0, 10, 0.5])},
                    np.array([[[[1.0, 0, 5]], [[13.0, 17, 18]], [[0.5, -3.5, 4.5]]]]),
                ),
            ),
            bound=bound_of_1x1,
            account=account_of_1x1,
            misconceptions=MISCONCEPTIONS["conv1x1"],
        ),
        Task(
            name="grouped_conv2d",
            arguments=grouped_arguments,
            reference=grouped_conv2d,
            parts=(
                Part("several groups", 2, groups_of(dilation=1)),
                Part("a group for each channel", 1, groups_of(per_group=1, dilation=1)),
                Part("everything at once", 2, groups_of(stride=2, padding=2, dilation=2)),
            ),
            examples=(
                Example(
                    {
                        "x": X,
                        "weight": np.array([[[[1.0, 2]]], [[[3.0, -1]]]]),
                        "bias": np.array([0.5, 0]),
                        "stride": (1, 2),
                        "padding": (0, 1),
                        "dilation": (1, 2),
                        "groups": 2,
                    },
                    np.array([[[[4.5, 2.5]], [[1.0, -3.0]]]]),
                ),
            ),
            bound=bounds.of_conv2d,
            account=accounts.of_conv2d,
            misconceptions=MISCONCEPTIONS["grouped_conv2d"],
        ),
        Task(
            name="global_avg_pool2d",
            arguments=lambda settings, array: {"x": array(*(settings[size] for size in "NCHW"))},
            reference=global_avg_pool2d,
            parts=(Part("every shape", 2, sizes(N=(1, 3), C=(1, 4), H=(1, 5), W=(1, 5))),),
            examples=(Example({"x": X}, np.array([[2.0, 0.0]])),),
            bound=lambda arguments: bounds.mean_bound(arguments["x"])[:, :, 0, 0],
            account=account_of_mean,
            misconceptions=MISCONCEPTIONS["global_avg_pool2d"],
        ),
    ),
)
