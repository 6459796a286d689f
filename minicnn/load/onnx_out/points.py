"""Which question: how does ONNX say what happens to each number by itself: activations, and layers that change nothing?

Idea: one word where ONNX has one (Relu, Elu, Softmax), the equation written out where it has none at this opset: SiLU is
x · Sigmoid(x), GELU before opset 20 is x/2 · (1 + Erf(x/√2)).

Cost: an operator for each part of an equation; runtimes join them again.
When it loses: far below 0 the written-out GELU subtracts two numbers near 1, so |x|·2⁻²³ is all that it promises.
Source: onnx.ai/onnx/operators.  Next room: windows.py.
"""

from math import sqrt

import numpy as np

from minicnn.load.onnx_out.drawing import Here

AT_THE_STORE = {"relu": lambda here, x: here("Relu", x), "relu6": lambda here, x: _clip6(here, x), "silu": lambda here, x: _silu(here, x)}
FAR = 17.0  # log1p(exp(-17)) = 4.1e-8, and half of float32's step at 17 is 9.5e-7: Softplus is x itself


def plain(operator: str):
    """Return the emitter of a layer that is one operator without settings."""
    return lambda here: here(operator, here.x)


def activated(here: Here, x: str) -> str:
    """Return x behind the activation that the layer applies as it stores its output."""
    return AT_THE_STORE[here.layer.activation](here, x) if here.layer.activation else x


def _clip6(here: Here, x: str) -> str:
    return here("Clip", x, here.constant("low", 0), here.constant("high", 6))


def _silu(here: Here, x: str) -> str:
    return here("Mul", x, here("Sigmoid", x))


def relu6(here: Here) -> str:
    return _clip6(here, here.x)


def silu(here: Here) -> str:
    return _silu(here, here.x)


def hardswish(here: Here) -> str:
    here.needs(14, "HardSwish")
    return here("HardSwish", here.x)


def leaky_relu(here: Here) -> str:
    return here("LeakyRelu", here.x, alpha=float(here.layer.negative_slope))


def prelu(here: Here) -> str:
    slope, behind = here.array("weight"), list(range(1, len(here.shape) - 1))
    if here.layer.num_parameters > 1 and behind:  # one slope per channel stands over (N, C, …) as (C, 1, …)
        slope = here("Unsqueeze", slope, here.whole("axes", behind))
    return here("PRelu", here.x, slope)


def elu(here: Here) -> str:
    return here("Elu", here.x, alpha=float(here.layer.alpha))


def gelu(here: Here) -> str:
    if here.drawing.opset >= 20:
        return here("Gelu", here.x, approximate=here.layer.approximate)
    if here.layer.approximate == "none":
        bend = here("Erf", here("Mul", here.x, here.constant("root", sqrt(0.5))))
    else:
        square = here("Mul", here.x, here.x)
        factor = here("Add", here("Mul", square, here.constant("cubic", 0.044715)), here.constant("one", 1))
        bend = here("Tanh", here("Mul", here("Mul", here.x, factor), here.constant("root", sqrt(2 / np.pi))))
    half = here("Mul", here.x, here.constant("half", 0.5))
    return here("Mul", half, here("Add", bend, here.constant("above", 1)))


def softplus(here: Here) -> str:
    """ONNX's Softplus has neither beta nor threshold."""
    beta, threshold = here.layer.beta, here.layer.threshold
    scaled = here.x if beta == 1 else here("Mul", here.x, here.constant("beta", beta))
    y = here("Softplus", scaled)
    y = y if beta == 1 else here("Div", y, here.constant("beta", beta))
    if here.kind == np.float32 and threshold >= FAR and beta > 0:
        return y
    return here("Where", here("Greater", scaled, here.constant("threshold", threshold)), here.x, y)


def softmax(here: Here) -> str:
    return here(type(here.layer).__name__, here.x, axis=here.layer.dim)
