"""Which question: at which address does which number of a map lie?

Idea: an array is one row of cells in memory, and a stride per axis says how far one step goes:

    address(n, c, h, w) = start + n·stride_n + c·stride_c + h·stride_h + w·stride_w

NCHW and NHWC are the same numbers with other strides; a slice, a flip and a broadcast are too, without a copy.  The drawing
goes through memory from the lowest cell on, and writes into each cell the indices that lie there.

Cost: the drawing of a few lines; no number is read.  What it does not do: say which order is faster (conv/memory_format.py does).
Source: NumPy's "Internal organization of NumPy arrays"; PyTorch's "channels last" tutorial.  Next room: layout_drawing.py.
"""

import textwrap
from dataclasses import dataclass, field
from math import prod

import numpy as np

from minicnn import check
from minicnn.conv.memory_format import is_channels_last
from minicnn.errors import DTypeError
from minicnn.network import FeatureMap
from minicnn.probe.layout_drawing import WIDTH, Cell, drawn, lines_of
from minicnn.text import count, table, times

WHAT = "layout"
AXES = {4: "nchw", 3: "chw", 2: "ij", 1: "i"}
CACHE_LINE = 64  # bytes that come from memory together


@dataclass(frozen=True, eq=False)
class Layout:
    """How an array lies in memory: print it, or take its fields.

    `strides` are in bytes and `steps` in numbers; `start` is how many bytes behind the beginning of the memory that it is a part of the
    first number lies.  `lines` are the first cells of memory, lowest address first; a cell holds its address, counted in
    numbers from the lowest one, and the indices that lie there, None where none of this array's does.

    >>> turned = layout(np.zeros((2, 3), np.float32).T)
    >>> turned.order, turned.steps, [str(cell) for cell in turned.lines[0]]
    ('F-contiguous: the first axis lies side by side', (1, 3), ['0,0', '1,0', '2,0'])
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    strides: tuple[int, ...]
    axes: str | tuple[str, ...]
    order: str  # in words: C-contiguous, channels_last, …
    view: tuple[str, ...]  # what makes it a view, in words
    start: int
    owned_bytes: int  # of the memory that it is a part of
    copied_bytes: int  # by np.ascontiguousarray
    lines: tuple[tuple[Cell, ...], ...]
    line_count: int = field(repr=False)  # of all lines that could be drawn

    @property
    def steps(self) -> tuple[float, ...]:
        """How far a step along each axis goes, in numbers."""
        return tuple(stride // size if stride % size == 0 else stride / size for stride in self.strides for size in [self.dtype.itemsize])

    @property
    def nbytes(self) -> int:
        """The bytes of all its numbers, each counted, whether or not they lie in one place."""
        return prod(self.shape) * self.dtype.itemsize

    def to_dict(self) -> dict:
        """Return the layout as plain data, for JSON."""
        names = ("shape", "strides", "steps", "order", "view", "start", "nbytes", "owned_bytes", "copied_bytes")
        plain = {name: getattr(self, name) for name in names}
        cells = [[{"address": cell.address, "indices": cell.indices} for cell in line] for line in self.lines]
        return {**plain, "dtype": str(self.dtype), "axes": list(self.axes), "memory": cells}

    def __str__(self) -> str:
        rows = [(axis, f"{n:,}", f"{step:,}", f"{stride:,}") for axis, n, step, stride in self._by_axis()]
        head = f"{times(self.shape) or 'one'} {self.dtype}, {count(self.nbytes, 'B')}: {self.order}"
        head = textwrap.fill(head, WIDTH)
        parts = [head, "", table(("axis", "length", "a step, in numbers", "in bytes"), rows, align="lrrr")] if rows else [head]
        if self.lines:
            parts += ["", f"Memory, {self.dtype.itemsize} bytes a cell, in each the index ({','.join(self.axes)}) that lies there:"]
            parts += drawn(self.lines, self.line_count)
            if any(cell.indices and len(cell.indices) > 1 for line in self.lines for cell in line):
                parts.append("A +1 says that one index more lies in the same cell.")
        return "\n".join(
            [*parts, "", *(textwrap.fill(f"{line}.", WIDTH) for line in (*self.view, self._line_of_cache(), self._copy()) if line)]
        )

    __repr__ = __str__

    def _by_axis(self):
        return zip(self.axes, self.shape, self.steps, self.strides, strict=True)

    def _line_of_cache(self) -> str:
        """Say what a step along each axis costs where it matters: what else comes along from memory."""
        near = [(abs(step), axis, n) for axis, n, step, _ in self._by_axis() if n > 1 and step]
        cells = CACHE_LINE // self.dtype.itemsize
        if not near or prod(self.shape) <= cells:
            return ""
        step, axis, n = min(near)
        together = min(max(int(cells // max(step, 1)), 1), n)
        return f"A cache line of {CACHE_LINE} bytes holds {cells} cells: " + (
            f"{together} neighbours along {axis}" if together > 1 else f"one number of this array, {axis}'s next is in another"
        )

    def _copy(self) -> str:
        if not self.copied_bytes:
            return "np.ascontiguousarray would copy nothing"
        return f"np.ascontiguousarray would copy {prod(self.shape):,} numbers, {self.copied_bytes:,} bytes"


def layout(array, *, lines: int = 6) -> Layout:
    """Return how an array lies in memory: its order, its strides, and a drawing of the first lines of cells.

    address(n, c, h, w) = start + n·stride_n + c·stride_c + h·stride_h + w·stride_w, in bytes

    array: of numbers, any shape, or a FeatureMap of a trace; axes are called n, c, h, w where there are four.  A line of the
    drawing is one walk along the axis whose steps are shortest.

    >>> x = np.zeros((1, 2, 2, 3), np.float32)
    >>> layout(x)
    1×2×2×3 float32, 48 B: C-contiguous, NCHW: a row of the map lies side by side
    <BLANKLINE>
    axis  length  a step, in numbers  in bytes
    ------------------------------------------
    n          1                  12        48
    c          2                   6        24
    h          2                   3        12
    w          3                   1         4
    <BLANKLINE>
    Memory, 4 bytes a cell, in each the index (n,c,h,w) that lies there:
       0  0,0,0,0  0,0,0,1  0,0,0,2
       3  0,0,1,0  0,0,1,1  0,0,1,2
       6  0,1,0,0  0,1,0,1  0,1,0,2
       9  0,1,1,0  0,1,1,1  0,1,1,2
    <BLANKLINE>
    np.ascontiguousarray would copy nothing.
    >>> layout(x[:, :, ::-1, 1:]).view
    ('A view: it begins 16 bytes (4 numbers) behind the start of 48 bytes', 'A step along h goes backwards', 'It holds 8 of the 11 cells between its ends')

    Raises DTypeError for what is no array of numbers, ArgumentError.  Source: NumPy's "Internal organization of NumPy arrays".
    """
    array = array.data if isinstance(array, FeatureMap) else array
    if not isinstance(array, np.ndarray):
        remedy = "pass its .numpy()" if hasattr(array, "numpy") else "pass np.asarray(…)"
        raise DTypeError(f"{WHAT}: array must be a NumPy array or a feature map, but it is a {type(array).__name__}; {remedy}.")
    if array.dtype.kind not in "biufc":
        raise DTypeError(f"{WHAT}: array must hold numbers, but its dtype is {array.dtype}; a field of a record is one: array['name'].")
    lines = check.integer(lines, "lines", WHAT, 0)
    axes = AXES.get(array.ndim, tuple(map(str, range(array.ndim))))
    owner = owner_of(array)
    start = array.__array_interface__["data"][0] - np.lib.array_utils.byte_bounds(owner)[0]
    copied = 0 if array.flags.c_contiguous else array.nbytes
    found, total = lines_of(array.shape, array.strides, array.itemsize, lines) if array.size else ((), 0)
    settings = axes, _order(array, axes), _view(array, axes, owner, start), start, owner.nbytes, copied
    return Layout(array.shape, array.dtype, array.strides, *settings, found, total)


def owner_of(array: np.ndarray) -> np.ndarray:
    """Return the array that an array is a view of, at the end of the chain of bases; itself where it owns its memory.

    >>> x = np.zeros((3, 4))
    >>> owner_of(x[1:].T) is x
    True
    """
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _order(array: np.ndarray, axes) -> str:
    """Return the order in which the axes lie, in the field's words."""
    if array.ndim == 0:
        return "one cell"
    last = is_channels_last(array)
    if array.flags.c_contiguous:
        text = "C-contiguous"
        if array.ndim == 4:
            one = "; NHWC is the same here" if array.shape[1] == 1 or array.shape[2:] == (1, 1) else ""
            text += f", NCHW: a row of the map lies side by side{one}"
        return text
    if last:
        return "channels_last, NHWC: the channels of a pixel lie side by side"
    if array.flags.f_contiguous:
        return "F-contiguous: the first axis lies side by side"
    if array.ndim == 1:
        return "not contiguous"
    order = sorted(range(array.ndim), key=lambda k: -abs(array.strides[k]))
    return f"not contiguous; from the longest step to the shortest: {' '.join(axes[k] for k in order)}"


def _view(array: np.ndarray, axes, owner: np.ndarray, start: int) -> tuple[str, ...]:
    """Return what makes the array a view, in words; nothing for one that is all of its memory in its order."""
    if array.size == 0:
        return ("It holds no numbers, since an axis has length 0",)
    found, item = [], array.itemsize
    if start or owner.nbytes != array.nbytes:
        away = f"{start:,} bytes ({start / item:g} numbers) behind" if start else "at"
        found.append(f"A view: it begins {away} the start of {owner.nbytes:,} bytes")
    elif owner is not array and not array.flags.c_contiguous:
        found.append(f"A view of all {owner.nbytes:,} bytes of another array, in another order")
    for axis, n, stride in zip(axes, array.shape, array.strides, strict=True):
        if n > 1 and stride < 0:
            found.append(f"A step along {axis} goes backwards")
        if n > 1 and stride == 0:
            found.append(f"A step along {axis} goes nowhere: {n:,} indices share each cell (broadcast)")
    if any(stride % item for stride in array.strides):
        return (*found, "Its steps are no whole numbers of cells, as those of a field of records")
    return (*found, *_gaps(array))


def _gaps(array: np.ndarray) -> tuple[str, ...]:
    """Say how many of the cells between the array's ends are its own, and whether some are several numbers' at once."""
    low, high = np.lib.array_utils.byte_bounds(array)
    cells, moving = (high - low) // array.itemsize, [n for n, stride in zip(array.shape, array.strides, strict=True) if stride]
    if prod(moving) > cells:
        return (f"Cells overlap: {prod(moving):,} indices lie in {cells:,} cells (sliding windows)",)
    return (f"It holds {prod(moving):,} of the {cells:,} cells between its ends",) if prod(moving) < cells else ()
