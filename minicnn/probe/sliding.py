"""Which question: what does a kernel do at each of its places on a small input?

Idea: a network of one convolution is traced, and every place of the kernel is one explanation of one number (explaining.py): the window,
the filter, their products, the sum, the bias and the stored number are the engine's own.  What is added here is the arithmetic of the
place, which says what stride, padding and dilation do:

    row = p·stride - padding + i·dilation,    column = q·stride - padding + j·dilation

Cost: one convolution, and O(C·R·S) for each step that is asked for.  When it loses: on inputs that nobody can follow by eye, so it takes
at most 32×32; a photo has explain.
What it does not do: groups, or padding by anything but zeros.
Source: Dumoulin & Visin, "A guide to convolution arithmetic for deep learning" (2016), whose animations these steps are.
Next rooms: show/sliding.py, which draws them; cli/step.py, which steps by the arrow keys.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from minicnn import check
from minicnn.axis import Slide
from minicnn.errors import ArgumentError, ShapeError
from minicnn.layers import Conv2d
from minicnn.network import Sequential
from minicnn.network.trace import Trace, trace
from minicnn.probe.explaining import explain
from minicnn.probe.explanation import Explanation
from minicnn.probe.terms import PADDING
from minicnn.text import times
from minicnn.window import Window

LARGEST = 32  # rows or columns that can be followed by eye
NAME = "conv"


class Step(NamedTuple):
    """One place of the kernel: what it covers, and the number that comes out."""

    number: int
    filter: int
    at: tuple[int, int]  # of the output
    rows: tuple[int, ...]  # of the input, those in the padding included
    columns: tuple[int, ...]
    cells: np.ndarray  # (C, R, S), 0 in the padding
    padding: np.ndarray  # (R, S): whether a cell lies outside
    weight: np.ndarray  # (C, R, S)
    products: np.ndarray  # (C, R, S)
    bias: float | None
    sum: float  # Σ products + bias, in float64
    stored: float  # the engine's number

    @property
    def sums(self) -> tuple[float, ...]:
        """Σ products of each channel."""
        return tuple(float(channel.sum()) for channel in self.products)


@dataclass(frozen=True, eq=False)
class Sliding:
    """A kernel on its way over a small input; step(number) is one of its places.

    >>> s = sliding(np.arange(20.0).reshape(4, 5), np.array([[1.0, -1.0]]), stride=2)
    >>> len(s), s.step(3).at, s.step(3).cells.tolist(), s.step(3).stored
    (4, (1, 1), [[[12.0, 13.0]]], -1.0)
    """

    layer: Conv2d
    trace: Trace

    x = property(lambda self: self.trace["x"].data[0])  # (C, H, W)
    y = property(lambda self: self.trace[NAME].data[0])  # (K, P, Q)
    size = property(lambda self: self.x.shape[1:])
    out = property(lambda self: self.y.shape[1:])

    @cached_property
    def rules(self) -> tuple[Slide, Slide]:
        """The rule of rows and that of columns."""
        return self.layer.window.axes(self.size)

    @property
    def spans(self) -> tuple[range, range]:
        """The rows and the columns of the padded input: range(-before, n + after)."""
        rows, columns = (range(-rule.before, n + rule.after) for rule, n in zip(self.rules, self.size, strict=True))
        return rows, columns

    @cached_property
    def longest_product(self) -> int:
        """The letters of the longest product that a step may show, so that a drawing of steps stands still."""
        cells, factors = np.unique(self.x.astype(np.float64)), np.unique(self.layer.weight.astype(np.float64))
        with np.errstate(all="ignore"):
            return max(len(short(product)) for product in np.unique(np.outer(cells, factors)))

    def __len__(self) -> int:
        return self.out[0] * self.out[1]

    def number(self, at) -> int:
        """Return which step ends at a place of the output."""
        return at[0] * self.out[1] + at[1]

    def explanation(self, number: int, filter: int = 0) -> Explanation:
        """Return the explanation of the number that a step ends with."""
        return explain(self.trace.net, self.trace, NAME, filter, divmod(number, self.out[1]))

    def step(self, number: int, filter: int = 0) -> Step:
        """Return one step, 0 … len - 1, in the order of reading."""
        at = divmod(check.integer(number, "number", "Sliding.step", 0), self.out[1])
        found = self.explanation(number, filter)
        part = found.parts[0]
        rows, columns = (
            tuple(at_ * rule.stride - rule.before + rule.dilation * tap for tap in range(rule.kernel))
            for at_, rule in zip(at, self.rules, strict=True)
        )
        cells, weight, products = (array.reshape(part.block) for array in (part.values, part.factors, part.products))
        padding = part.marks.reshape(part.block)[0] == PADDING
        return Step(number, filter, at, rows, columns, cells, padding, weight, products, found.bias, found.sum, found.stored)

    def to_dict(self, filter: int = 0) -> dict:
        """Return the setting and every step as plain data, for JSON."""
        window = self.layer.window.resolve(self.size)
        names = ("stride", "padding", "dilation")
        setting = {
            "input": self.x.tolist(),
            "kernel": self.layer.weight[filter].tolist(),
            **{name: getattr(window, name) for name in names},
        }
        steps = []
        for number in range(len(self)):
            step = self.step(number, filter)
            arrays = {name: getattr(step, name).tolist() for name in ("cells", "padding", "products")}
            numbers = {name: getattr(step, name) for name in ("at", "rows", "columns", "bias", "sum", "stored")}
            steps.append({**numbers, **arrays})
        return {**setting, "output": self.y[filter].tolist(), "steps": steps}


def sliding(x, weight, bias=None, stride=1, padding=0, dilation=1, *, what: str = "sliding") -> Sliding:
    """Return a kernel on its way over a small input, every number computed by the engine.

    y[k,p,q] = b[k] + Σ_c Σ_i Σ_j w[k,c,i,j] · x[c, p·stride - top + i·dilation, q·stride - left + j·dilation]

    x is (H, W) or (C, H, W), weight (R, S), (C, R, S) or (K, C, R, S), bias a number or (K,); the others as conv2d takes them.

    >>> s = sliding(np.ones((3, 4)), np.ones((2, 3)), bias=0.5, padding=(0, 1))
    >>> s.y[0].tolist()
    [[4.5, 6.5, 6.5, 4.5], [4.5, 6.5, 6.5, 4.5]]

    Raises ShapeError where the kernel does not fit or the input is larger than 32×32, DTypeError, ArgumentError.
    """
    x, weight = check.float_array(x, "x", what), check.float_array(weight, "weight", what)
    x = _filled(x, 3, "x", "(H, W) or (C, H, W)", what)
    weight = _filled(weight, 4, "weight", "(R, S), (C, R, S) or (K, C, R, S)", what)
    if max(x.shape[1:]) > LARGEST:
        raise ShapeError(
            f"{what}: a kernel is followed by eye on at most {LARGEST}×{LARGEST} positions, but x has {times(x.shape[1:])}; "
            "take a part of x, or ask probe.explain for one number of a large map."
        )
    if bias is not None:
        bias = np.atleast_1d(np.asarray(bias, weight.dtype))
    check.wants_channels(what, (1, *x.shape), weight.shape[1])
    window = Window.of(weight.shape[2:], stride, padding, dilation, what=what).resolve(x.shape[1:])
    window.output_size(x.shape[1:], what)
    dtype = np.result_type(x, weight)
    layer = Conv2d.of(weight.astype(dtype), None if bias is None else bias.astype(dtype), window.stride, window.padding, window.dilation)
    return Sliding(layer, trace(Sequential((NAME, layer)), x.astype(dtype)[None]))


def _filled(array: np.ndarray, axes: int, name: str, shapes: str, what: str) -> np.ndarray:
    """Return the array with axes of length 1 in front."""
    if not 2 <= array.ndim <= axes or 0 in array.shape:
        raise ShapeError(f"{what}: {name} must be {shapes}, none of it empty, but {name}.shape={array.shape}; give it rows and columns.")
    return array.reshape((1,) * (axes - array.ndim) + array.shape)


def checked_filter(found: Sliding, filter: int, what: str) -> int:
    """Return the filter's number when it is there."""
    filter = check.integer(filter, "filter", what, 0)
    if filter >= len(found.y):
        raise ArgumentError(f"{what}: weight has {len(found.y)} filters, but filter {filter} was asked for; use 0 … {len(found.y) - 1}.")
    return filter


def short(value: float) -> str:
    """Return a number in few letters.

    >>> short(3.0), short(-0.0), short(0.12345), short(float("nan")), short(-1234567.5)
    ('3', '0', '0.123', 'nan', '-1.23e+06')
    """
    value = float(value)
    return f"{value + 0:.0f}" if value == np.rint(value) and abs(value) < 1e5 else f"{value:.3g}"


def place(rule: Slide, at: int, axis: str) -> str:
    """Return the arithmetic of one axis: which rows ('row') or columns the kernel covers at an output.

    >>> place(Slide(3, stride=2, before=1), 2, "row"), place(Slide(4, dilation=2), 1, "column")
    ('p·stride - padding + i·dilation = 2·2 - 1 + (0…2)·1 = 3, 4, 5', 'q·stride - padding + j·dilation = 1·1 - 0 + (0…3)·2 = 1, 3, 5, 7')
    """
    out, tap = ("p", "i") if axis == "row" else ("q", "j")
    first, last = at * rule.stride - rule.before, at * rule.stride - rule.before + rule.extent - 1
    taps = range(first, last + 1, rule.dilation)
    found = ", ".join(map(str, taps)) if len(taps) <= 4 else f"{first}, {first + rule.dilation}, … {last}"
    which = "0" if rule.kernel == 1 else f"(0…{rule.kernel - 1})"
    return f"{out}·stride - padding + {tap}·dilation = {at}·{rule.stride} - {rule.before} + {which}·{rule.dilation} = {found}"


def added(step: Step, channel: int) -> str:
    """Return the sum of one channel with its numbers; what lies in the padding adds nothing and is left out.

    >>> s = sliding(np.array([[2.0, -3.0]]), np.array([[4.0, 5.0, -1.0]]), padding=(0, 1))
    >>> added(s.step(0), 0), added(s.step(1), 0)
    ('2·5 + (-3)·(-1) = 13', '2·4 + (-3)·5 = -7')
    """
    inside = ~step.padding
    pairs = zip(step.cells[channel][inside], step.weight[channel][inside], strict=True)
    terms = " + ".join(f"{_bracketed(cell)}·{_bracketed(factor)}" for cell, factor in pairs)
    return f"{terms or 'padding only'} = {short(step.sums[channel])}"


def finished(step: Step) -> str:
    """Return how the sums of channels and the bias become the stored number.

    >>> s = sliding(np.array([[2.0, -3.0]]), np.array([[4.0, 5.0]]), bias=1.0)
    >>> finished(s.step(0))
    'y[0, 0, 0] = -7 + bias 1 = -6'
    """
    first, *others = step.sums
    sides = " + ".join([short(first), *map(_bracketed, others)]) + ("" if step.bias is None else f" + bias {short(step.bias)}")
    name = f"y[{step.filter}, {step.at[0]}, {step.at[1]}]"
    return f"{name} = {sides}" + (f" = {short(step.stored)}" if others or step.bias is not None else "")


def _bracketed(value: float) -> str:
    text = short(value)
    return f"({text})" if text.startswith("-") else text
