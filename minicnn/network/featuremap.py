"""Which question: what does one feature map say of itself?

Idea: the numbers, locked, with the name of the node they came from; what they look at is asked of the
description that all maps of a trace share, and statistics are computed when they are asked for.
Cost: one pass over the map per asking of a statistic; nothing before.
Next room: trace.py, which hands maps out.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from minicnn.field import Box, ReceptiveField
from minicnn.functional.statistics import Statistics, statistics
from minicnn.network.describe import Description
from minicnn.network.node import Node
from minicnn.text import count


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """One map of a trace: its numbers, where they come from, and what they say of themselves.

    `data` is (N, C, H, W) and locked.  `kind` is 'input', 'pre-activation' (it goes into an
    activation), 'activation' (it comes out of one) or 'other'.

    >>> from minicnn import nn, trace
    >>> m = trace(nn.ReLU(), np.array([[[[-1.0, 3.0]]]]))["relu1"]
    >>> m.shape, m.kind, m.mean(), m.zeros, m.box(0, 1)
    ((1, 1, 1, 2), 'activation', 1.5, 0.5, Box(top=0, left=1, bottom=0, right=1))
    """

    name: str
    node: Node | None  # None for an input of the network
    data: np.ndarray
    kind: str
    describing: Callable[[], Description]  # shared by all maps of a trace, evaluated once, when first asked

    shape = property(lambda self: self.data.shape)
    nbytes = property(lambda self: self.data.nbytes)
    description = property(lambda self: self.describing())

    @property
    def field(self) -> ReceptiveField:
        """The closed form of what its numbers look at in the (first) input."""
        return self.description[self._base].field

    def box(self, i: int = 0, j: int = 0, input: str | None = None) -> Box | None:
        """Return the smallest box of input pixels that holds all that output (i, j) sees."""
        return self.description.box(self._base, i, j, input)

    def pixels(self, i: int = 0, j: int = 0, input: str | None = None) -> np.ndarray:
        """Return which input pixels output (i, j) sees, as a mask (H, W)."""
        return self.description.pixels(self._base, i, j, input)

    @property
    def statistics(self) -> Statistics:
        """Mean, std, min, max, share of zeros and dead channels: one pass, computed at each asking."""
        return statistics(self.data)

    zeros = property(lambda self: self.statistics.zeros)
    dead_channels = property(lambda self: self.statistics.dead_channels)
    dtype = property(lambda self: self.data.dtype)
    ndim = property(lambda self: self.data.ndim)

    def mean(self, axis=None, **options):
        """Return the mean of all numbers, in float64; with an axis or other options, what data.mean returns."""
        return self._measured("mean", axis, options)

    def std(self, axis=None, **options):
        """Return the standard deviation of all numbers (divided by n), in float64; with options, what data.std returns."""
        return self._measured("std", axis, options)

    def min(self, axis=None, **options):
        """Return the smallest number; with an axis or other options, what data.min returns."""
        return self._measured("min", axis, options)

    def max(self, axis=None, **options):
        """Return the largest number; with an axis or other options, what data.max returns."""
        return self._measured("max", axis, options)

    def _measured(self, name: str, axis, options: dict):
        if axis is None and all(value is None for value in options.values()):
            return getattr(self.statistics, name)
        return getattr(self.data, name)(axis=axis, **options)

    def __len__(self) -> int:
        return len(self.data)

    @property
    def _base(self) -> str:
        return self.name.split(":")[0]

    def __array__(self, dtype=None, copy=None):
        return np.array(self.data, dtype=dtype) if copy or dtype not in (None, self.data.dtype) else self.data

    def __getitem__(self, key):
        """Return numbers of the map: feature_map[0, 5] is channel 5 of the first image."""
        return self.data[key]

    def __repr__(self) -> str:
        shape = "×".join(map(str, self.shape))
        head = f"FeatureMap {self.name!r}: {shape} {self.data.dtype}, {count(self.nbytes, 'B')}, {self.kind}"
        return f"{head}\n  field (size / stride / padding): {self.field}\n  {self.statistics}"

    def _repr_html_(self) -> str:
        from minicnn.network.notebook import feature_map_html  # only a notebook pays for it

        return feature_map_html(self)
