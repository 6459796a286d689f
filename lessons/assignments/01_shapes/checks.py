"""Which question: what is right in assignment 01, shapes, and what is checked?

Idea: whole numbers only, along one axis.  The right sizes come from Window and ReceptiveField, the engine's own geometry.
Parts: without strides, with them, with dilation; odd kernels, then even ones; stacks of plain steps, then with padding and dilation.
Cost: next to nothing a case.  What it does not do: two axes at once.
Source: Dumoulin & Visin (2016), relationship 14; Araujo, Norris, Sim (2019).  Next room: ../02_conv2d/checks.py.
"""

from hypothesis import strategies as st

from minicnn import ReceptiveField, Window
from minicnn.grade import Account, Assignment, Example, Part, Task
from minicnn.grade.domains import sizes
from minicnn.misconceptions import MISCONCEPTIONS

SETTINGS = ("kernel", "stride", "padding", "dilation")  # of one step
LONG = 1000  # an axis on which every window of a stack fits


def rule(*step):
    """Return the engine's rule for one axis of a step (kernel, stride, padding, dilation)."""
    return Window.of(*step).axes((LONG, LONG))[0]


def output_size(in_size, kernel, stride, padding, dilation):
    return rule(kernel, stride, padding, dilation).out_size(in_size)


def same_padding(kernel, dilation):
    return Window.of(kernel, padding="same", dilation=dilation).resolve((LONG, LONG)).padding[0]


def receptive_field(layers):
    field = ReceptiveField()
    for step in layers:
        reach = rule(*step).reach(LONG)
        field = field.through((reach, reach))
    return field.size[0], field.stride[0], field.start[0]


@st.composite
def one_step(draw, stride=1, padding=0, dilation=1):
    """An axis of one step: the settings up to the given ones, then an input that the kernel fits, up to 12 more."""
    settings = draw(sizes(kernel=(1, 5), stride=(1, stride), padding=(0, padding), dilation=(1, dilation)))
    least = max(1, settings["dilation"] * (settings["kernel"] - 1) + 1 - 2 * settings["padding"])
    return {"in_size": draw(st.integers(least, least + 12)), **settings}


@st.composite
def stack(draw, stride=1, padding=0, dilation=1):
    """Up to four layers, as flat settings kernel_1, stride_1, …"""
    settings = {"layers": draw(st.integers(1, 4))}
    for number in range(1, settings["layers"] + 1):
        step = draw(sizes(kernel=(1, 4), stride=(1, stride), padding=(0, padding), dilation=(1, dilation)))
        settings |= {f"{name}_{number}": value for name, value in step.items()}
    return settings


def layers_of(settings, _):
    return {"layers": tuple(tuple(settings[f"{name}_{i}"] for name in SETTINGS) for i in range(1, settings["layers"] + 1))}


def account_of_size(arguments, _):
    n, k, s, p, d = (arguments[name] for name in ("in_size", *SETTINGS))
    spans, steps = d * (k - 1) + 1, (n + 2 * p - d * (k - 1) - 1) // s
    terms = (("padded input", n + 2 * p), ("the kernel spans", spans), ("room to move", n + 2 * p - spans), ("whole steps", steps))
    equation = f"floor(({n} + 2·{p} - {d}·({k} - 1) - 1) / {s}) + 1 = {steps} + 1"
    return Account(equation, tuple((place, value, None, None) for place, value in terms), steps + 1)


def account_of_padding(arguments, index):
    k, d = arguments["kernel"], arguments["dilation"]
    both = d * (k - 1)
    side = (both // 2, both - both // 2)[index[0]]
    return Account(f"{d}·({k} - 1) = {both} in all, split into {both // 2} before and {both - both // 2} after", (), side)


def account_of_field(arguments, index):
    """Layer by layer: size += d·(k - 1)·stride, start -= p·stride, stride *= s."""
    terms, before = [], (1, 1, 0)
    for number in range(1, len(arguments["layers"]) + 1):
        after = receptive_field(arguments["layers"][:number])
        k, s, p, d = arguments["layers"][number - 1]
        steps = (f"{before[0]} + {d}·({k} - 1)·{before[1]}", f"{before[1]}·{s}", f"{before[2]} - {p}·{before[1]}")
        terms.append((f"layer {number}: {('size', 'stride', 'start')[index[0]]} = {steps[index[0]]}", after[index[0]], None, None))
        before = after
    return Account(f"the {('size', 'stride', 'start')[index[0]]}, layer by layer", tuple(terms), before[index[0]])


ASSIGNMENT = Assignment(
    number="01",
    title="shapes",
    minutes=60,
    lesson="02, shapes",
    tasks=(
        Task(
            name="output_size",
            arguments=lambda settings, _: dict(settings),
            reference=output_size,
            parts=(
                Part("stride 1", 1, one_step(padding=3)),
                Part("strides", 1, one_step(stride=4, padding=3)),
                Part("dilation too", 1, one_step(stride=4, padding=3, dilation=3)),
            ),
            examples=(Example({"in_size": 8, "kernel": 3, "stride": 2, "padding": 1, "dilation": 2}, 3),),
            account=account_of_size,
            misconceptions=MISCONCEPTIONS["output_size"],
        ),
        Task(
            name="same_padding",
            arguments=lambda settings, _: dict(settings),
            reference=same_padding,
            parts=(
                Part("odd kernels", 1, sizes(half=(0, 4)).map(lambda s: {"kernel": 2 * s["half"] + 1, "dilation": 1})),
                Part("every kernel", 2, sizes(kernel=(1, 9), dilation=(1, 4))),
            ),
            examples=(Example({"kernel": 4, "dilation": 3}, (4, 5)),),
            account=account_of_padding,
            misconceptions=MISCONCEPTIONS["same_padding"],
        ),
        Task(
            name="receptive_field",
            arguments=layers_of,
            reference=receptive_field,
            parts=(
                Part("stride 1", 1, stack(padding=2)),
                Part("strides", 2, stack(stride=3, padding=2)),
                Part("dilation too", 1, stack(stride=3, padding=2, dilation=3)),
            ),
            examples=(Example({"layers": ((3, 1, 1, 1), (2, 2, 0, 1), (3, 1, 1, 2))}, (12, 2, -3)),),
            account=account_of_field,
            misconceptions=MISCONCEPTIONS["receptive_field"],
        ),
    ),
)
