"""Which question: which of these weights fit this network?

Idea: two lists of names and shapes, laid side by side.  A name that the network wants and the file lacks is
missing; one that it does not want is left over; one that both have may be of another shape; the rest fits.

Cost: a look at each name.
Does not do: load; guess which left-over array a missing one could be.
Source: PyTorch's load_state_dict, its missing_keys and unexpected_keys.  Next room: into.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from minicnn.layers import ShapeOnly
from minicnn.network import Network

MOST_LINES = 30
Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What fits a network: names and shapes, in the network's order and then in the file's.

    loaded, missing, left_over : {name: shape}
    other_shape : {name: (the file's shape, the network's)}
    kept : buffers that the file lacks and the network has numbers for; they stay
    empty : names of `missing` and `other_shape` for which the network has no numbers either
    settings : sentences about settings that make other numbers than the file's (a BatchNorm2d's eps)

    >>> LoadReport("w.npz", {"w": (3,)}, {}, {"b": (3,)}, {}, {}, (), ())
    w.npz fits 1 of the network's 1 arrays: 0 missing, 1 left over, 0 of another shape
      left over      b  (3,)
    """

    source: str
    loaded: Shapes
    missing: Shapes
    left_over: Shapes
    other_shape: dict[str, tuple[tuple[int, ...], tuple[int, ...]]]
    kept: Shapes
    empty: tuple[str, ...]
    settings: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether load_weights with strict=True would take these weights."""
        return not (self.missing or self.left_over or self.other_shape or self.settings)

    def __repr__(self) -> str:
        wanted = len(self.loaded) + len(self.missing) + len(self.other_shape) + len(self.kept)
        head = (
            f"{self.source} fits {len(self.loaded)} of the network's {wanted} arrays: {len(self.missing)} missing, "
            f"{len(self.left_over)} left over, {len(self.other_shape)} of another shape"
        )
        rows = [
            *(("another shape", name, str(mine), f"the network wants {its}") for name, (mine, its) in self.other_shape.items()),
            *(("missing", name, str(shape), "") for name, shape in self.missing.items()),
            *(("left over", name, str(shape), "") for name, shape in self.left_over.items()),
            *(("kept", name, str(shape), "") for name, shape in self.kept.items()),
        ]
        rows = [(*row[:3], "; ".join(filter(None, (row[3], "still without numbers" * (row[1] in self.empty))))) for row in rows]
        widths = [max((len(row[column]) for row in rows), default=0) for column in (1, 2)]
        lines = [f"  {word:13}  {name:{widths[0]}}  {shape:{widths[1]}}  {note}".rstrip() for word, name, shape, note in rows]
        lines = lines[:MOST_LINES] + ([f"  … and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else [])
        return "\n".join([head, *lines, *(f"  setting        {line}" for line in self.settings)])


def compared(net: Network, arrays: Mapping[str, np.ndarray], source: str, settings=()) -> LoadReport:
    """Return which arrays fit the network, by the names of its parameters and buffers; PyTorch's counters do not count."""
    buffers = net.buffers()
    wanted = {**net.parameters(), **buffers}
    given = {name: tuple(np.shape(array)) for name, array in arrays.items() if not str(name).endswith("num_batches_tracked")}
    shapes = {name: tuple(array.shape) for name, array in wanted.items()}
    kept = {name for name, array in buffers.items() if name not in given and not isinstance(array, ShapeOnly)}
    other = {name: (given[name], shape) for name, shape in shapes.items() if name in given and given[name] != shape}
    missing = {name: shape for name, shape in shapes.items() if name not in given and name not in kept}
    return LoadReport(
        source,
        loaded={name: shape for name, shape in shapes.items() if given.get(name) == shape},
        missing=missing,
        left_over={name: shape for name, shape in given.items() if name not in shapes},
        other_shape=other,
        kept={name: shapes[name] for name in shapes if name in kept},
        empty=tuple(name for name in (*missing, *other) if isinstance(wanted[name], ShapeOnly)),
        settings=tuple(settings),
    )
