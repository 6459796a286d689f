"""Which question: what does a layer answer that applies one function to every number?

`Elementwise` takes the function from a table (functional/elementwise.py): square root, exponential, rounding and so on, which
files of other frameworks spell out as single steps.  Positions stay, nothing is held, no multiply-adds are counted.
Source: ONNX's Sqrt, Exp, Log, Neg, Abs, Reciprocal, Floor, Ceil, Round, Sign, Sin, Cos, Erf.  Next room: shape.py.
"""

import numpy as np

from minicnn import check
from minicnn.functional.elementwise import FUNCTIONS
from minicnn.layers.arrays import NUMBERS, numbers
from minicnn.layers.base import Layer


class Elementwise(Layer):
    """One function of every number: "sqrt", "exp", "log", "sin", "cos", "erf", "reciprocal", "neg", "abs", "floor", "ceil", "round", "sign".

    Any shape, float32 or float64, the same out; neg, abs, sign and the roundings also take int64.  round takes halves to
    the even neighbour.  The gradient of steps is 0, and so is that of abs at 0, as in PyTorch.

    >>> Elementwise("sqrt")(np.array([4.0, 9.0])).tolist(), Elementwise("round")(np.array([0.5, 1.5])).tolist()
    ([2.0, 3.0], [0.0, 2.0])

    Raises DTypeError, ArgumentError.  Source: ONNX's operators of these names; PyTorch's torch.sqrt, torch.exp, ….
    """

    kind = "elementwise"

    def __init__(self, function: str):
        self._set(function=check.one_of(function, "function", "Elementwise", tuple(FUNCTIONS)))

    def fields(self) -> dict:
        return {"function": self.function}

    @property
    def keeps(self) -> tuple[str, ...]:
        """The map that the derivative is read off, if there is one."""
        reads = FUNCTIONS[self.function].reads
        return (reads,) if reads else ()

    def forward(self, x, *, accuracy: str = "fast"):
        row = FUNCTIONS[self.function]
        x = numbers(x, f"Elementwise({self.function!r})", NUMBERS if row.of_whole_numbers else check.FLOATS)
        with np.errstate(all="ignore"):
            return np.asarray(row.value(x))

    def backward(self, grads, passage):
        row = FUNCTIONS[self.function]
        kept = {"input": passage.x, "output": passage.y, "": None}[row.reads]
        with np.errstate(all="ignore"):
            return (np.asarray(row.back(grads[0], kept)),), {}

    def describe_arguments(self) -> str:
        return f"{self.function!r}"
