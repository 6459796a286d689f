"""Convolutions to draw: asymmetric on purpose, every setting within reach."""

from dataclasses import dataclass, field

import numpy as np
from hypothesis import strategies as st


@dataclass
class Case:
    """One convolution: arrays and conv2d's arguments."""

    x: np.ndarray
    weight: np.ndarray
    bias: np.ndarray | None
    arguments: dict = field(default_factory=dict)

    @property
    def arrays(self):
        return self.x, self.weight, self.bias

    def astype(self, dtype):
        bias = None if self.bias is None else self.bias.astype(dtype)
        return Case(self.x.astype(dtype), self.weight.astype(dtype), bias, self.arguments)


@st.composite
def convolutions(draw, values="normal", dtype=None, padding_modes=("zeros",), kernels=None, groups=None, steps=None):
    """Draw a Case; `values` is 'normal' or 'integer' (small enough that every sum is exact)."""
    small = st.integers(1, 3)
    G = draw(small if groups is None else groups)
    channels, filters = draw(small), draw(small)
    sizes = st.integers(1, 5) if kernels is None else kernels
    kernel = draw(sizes), draw(sizes)
    dilation, stride = (draw(small), draw(small)), (draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    if steps is not None:  # of strides and dilations
        dilation, stride = (draw(steps), draw(steps)), (draw(steps), draw(steps))
    mode = draw(st.sampled_from(padding_modes))
    padding = [(draw(st.integers(0, 4)), draw(st.integers(0, 4))) for _ in "hw"]
    spans = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    size = []
    for (before, after), span in zip(padding, spans, strict=True):
        least = max(span - before - after, 1) if mode == "zeros" else max(span - before - after, before + 1, after + 1, 1)
        size.append(least + draw(st.integers(0, 8)))
    shape = (draw(st.integers(1, 3)), G * channels, *size)
    dtype = draw(st.sampled_from([np.float32, np.float64])) if dtype is None else dtype
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))

    def numbers(shape):
        if values == "integer":
            return rng.integers(-8, 9, shape).astype(dtype)
        return rng.standard_normal(shape).astype(dtype)

    bias = numbers((G * filters,)) if draw(st.booleans()) else None
    arguments = {"stride": stride, "padding": tuple(padding), "dilation": dilation, "groups": G, "padding_mode": mode}
    return Case(numbers(shape), numbers((G * filters, channels, *kernel)), bias, arguments)
