"""Which question: how do maps meet, and how do they end?

Add and Concat join branches; Flatten folds a map into one row of features; Identity names a place.
None of them holds an array, and their gradients need shapes only.  Source: PyTorch's torch.add, torch.cat, Flatten and Identity.
"""

import functools
from math import prod

import numpy as np

from minicnn import check
from minicnn import functional as F
from minicnn.axis import POINT, Pick, Whole
from minicnn.conv.memory_format import is_channels_last, shaped
from minicnn.errors import ShapeError
from minicnn.functional.combine import bind_add
from minicnn.layers.base import Layer, spelled
from minicnn.layers.store import checked_activation, refuse_gradient


class Add(Layer):
    """The sum of maps of one shape: a residual connection (functional.add also takes one number per channel).

    `activation` ('relu') is applied to the sum as it is stored; such a layer computes, and has no gradient
    (minicnn.fuse makes it from one that has).

    >>> Add()(np.ones((1, 2, 3, 4)), np.ones((1, 2, 3, 4))).max().item()
    2.0

    Raises ShapeError, DTypeError, ArgumentError; UnsupportedError for a gradient through an activation.
    Source: He et al., "Deep Residual Learning" (2016), section 3.2.
    """

    kind, inputs, passes_gradient_on = "add", None, True

    def __init__(self, *, activation: str | None = None):
        self._set(activation=checked_activation(activation, ("relu",), "Add"))

    def fields(self) -> dict:
        return {"activation": self.activation}

    def forward(self, *inputs, accuracy: str = "fast"):
        self.output_shape(*(np.shape(x) for x in inputs))
        *first, last = inputs if len(inputs) > 1 else (inputs[0], np.zeros_like(inputs[0]))
        return F.add(functools.reduce(F.add, first), last, activation=self.activation)

    def bound(self, *inputs, accuracy: str):
        if len(inputs) != 2 or len({is_channels_last(x) for x in inputs}) > 1:
            return None
        return bind_add(inputs[0].size, self.activation)

    def backward(self, grads, passage):
        refuse_gradient(self)
        return (grads[0],) * len(passage.shapes), {}  # the same array for all: whoever adds to it makes another

    def output_shape(self, *shapes):
        if len(set(map(tuple, shapes))) != 1:
            raise ShapeError(f"Add: all inputs must have one shape, but they have {', '.join(map(str, map(tuple, shapes)))}.")
        return tuple(shapes[0])

    def describe_arguments(self) -> str:
        return spelled(activation=self.activation)


class Concat(Layer):
    """Maps one after the other along one axis, channels by default.

    >>> Concat()(np.ones((1, 2, 3, 4)), np.ones((1, 5, 3, 4))).shape
    (1, 7, 3, 4)

    Raises ShapeError, DTypeError.  Source: PyTorch's torch.cat; Huang et al., "DenseNet" (2017).
    """

    kind, inputs = "concat", None

    def __init__(self, dim: int = 1):
        self._set(dim=check.integer(dim, "dim", "Concat", -32))

    def fields(self) -> dict:
        return {"dim": self.dim}

    def forward(self, *inputs, accuracy: str = "fast"):
        return F.concat(inputs, self.dim)

    def backward(self, grads, passage):
        return F.concat_backward(grads[0], passage.shapes, self.dim), {}

    def _axis(self, shape) -> int:
        if not -len(shape) <= self.dim < len(shape):
            raise ShapeError(
                f"Concat: dim {self.dim} does not fit maps of {len(shape)} axes, shape {tuple(shape)}; use {-len(shape)} … {len(shape) - 1}."
            )
        return self.dim % len(shape)

    def output_shape(self, *shapes):
        first = tuple(shapes[0])
        joined = self._axis(first)
        for shape in shapes[1:]:
            if len(shape) != len(first) or any(a != b for axis, (a, b) in enumerate(zip(shape, first, strict=True)) if axis != joined):
                where = "channels" if (joined, len(first)) == (1, 4) else f"axis {joined}"
                raise ShapeError(
                    f"Concat: inputs may differ in {where} only, but they have {', '.join(map(str, map(tuple, shapes)))}; "
                    "crop or pad one of them, or feed an image whose sides every stride divides."
                )
        return (*first[:joined], sum(shape[joined] for shape in shapes), *first[joined + 1 :])

    def axes(self, *shapes):
        joined = self._axis(shapes[0])
        if len(shapes[0]) != 4 or joined < 2:
            return ((POINT, POINT),) * len(shapes)
        sizes, rules = [shape[joined] for shape in shapes], []
        for place, size in enumerate(sizes):
            own = Pick((*(None,) * sum(sizes[:place]), *range(size), *(None,) * sum(sizes[place + 1 :])))
            rules.append((own, POINT) if joined == 2 else (POINT, own))
        return tuple(rules)

    def describe_arguments(self) -> str:
        return "" if self.dim == 1 else f"{self.dim}"


class Flatten(Layer):
    """All axes from start_dim on as one: (N, C, H, W) → (N, C·H·W).

    >>> Flatten()(np.ones((2, 3, 4, 5))).shape
    (2, 60)

    Raises ShapeError, DTypeError, ArgumentError.  Source: PyTorch's Flatten.
    """

    kind, is_view = "flatten", True

    def __init__(self, start_dim: int = 1, end_dim: int = -1):
        self._set(
            start_dim=check.integer(start_dim, "start_dim", "Flatten", -32), end_dim=check.integer(end_dim, "end_dim", "Flatten", -32)
        )

    def fields(self) -> dict:
        return {"start_dim": self.start_dim, "end_dim": self.end_dim}

    def forward(self, x, *, accuracy: str = "fast"):
        return F.flatten(x, self.start_dim, self.end_dim)

    def bound(self, x, *, accuracy: str):
        last, shape = is_channels_last(x), x.shape
        return lambda x_, y: np.copyto(y.reshape(shape), shaped(x_, shape, last))

    def backward(self, grads, passage):
        return (F.flatten_backward(grads[0], passage.shapes[0], self.start_dim, self.end_dim),), {}

    def output_shape(self, shape):
        if not shape:
            raise ShapeError("Flatten: x must have at least one axis, but x.shape=() is a single number.")
        start, end = self.start_dim % len(shape), self.end_dim % len(shape)
        if not (-len(shape) <= self.start_dim < len(shape) and -len(shape) <= self.end_dim < len(shape) and start <= end):
            raise ShapeError(f"Flatten: start_dim {self.start_dim} to end_dim {self.end_dim} does not fit x.shape={tuple(shape)}.")
        return (*shape[:start], prod(shape[start : end + 1]), *shape[end + 1 :])

    def axes(self, shape):
        fold = Whole("flatten")
        nothing = len(shape) != 4 or self.output_shape(shape) == tuple(shape)
        return ((POINT, POINT) if nothing else (fold, fold),)

    def describe_arguments(self) -> str:
        return "" if (self.start_dim, self.end_dim) == (1, -1) else f"{self.start_dim}, {self.end_dim}"


class Identity(Layer):
    """x itself: a place with a name.

    >>> Identity()(np.ones((1, 2))).shape
    (1, 2)

    Raises nothing of its own.  Source: PyTorch's Identity.
    """

    kind, is_view = "identity", True

    def forward(self, x, *, accuracy: str = "fast"):
        return x

    def backward(self, grads, passage):
        return (grads[0],), {}
