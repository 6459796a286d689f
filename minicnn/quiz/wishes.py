"""Which question: which settings are there to try, and does one of them meet what was wished?

Idea: a wish is a size, a least field, or the values that a setting may take; whatever is not wished keeps to bounds that are stated here.
A setting is tried by the rule that convolution itself uses (axis.py), on rows and columns alike.

Cost: the settings times the layers.  What it does not do: choose among them (solving.py).
Source: Dumoulin & Visin (2016), relationship 14.  Next rooms: solving.py, minicnn/axis.py, minicnn/field.py.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple

from minicnn import check
from minicnn.axis import Slide
from minicnn.errors import ArgumentError, ShapeError
from minicnn.field import ReceptiveField
from minicnn.text import times

KERNELS, STRIDES, DILATIONS = range(1, 12), range(1, 5), range(1, 5)
MOST = 200_000  # settings, a second or two
LARGEST = 1_000_000  # cells along an axis
MOST_LAYERS = 100
SETTINGS = ("kernel", "stride", "padding", "dilation")


class Setting(NamedTuple):
    """Kernel, stride, padding on either side and dilation, along each axis."""

    kernel: int
    stride: int
    padding: int
    dilation: int


class Found(NamedTuple):
    """A setting, the sizes that come out of all layers, and how many input cells an output sees along an axis."""

    setting: Setting
    out_size: tuple[int, ...]
    field: int


@dataclass(frozen=True)
class Wishes:
    """What was wished; None where nothing was.  Sizes have one number, or one for rows and one for columns."""

    in_size: tuple[int, ...]
    out_size: tuple[int, ...] | None = None
    kernel: tuple[int, ...] | None = None
    stride: tuple[int, ...] | None = None
    padding: tuple[int, ...] | None = None
    dilation: tuple[int, ...] | None = None
    min_field: int | None = None
    layers: int = 1

    @property
    def made(self) -> tuple[str, ...]:
        """The names of the wishes that could be given up."""
        return tuple(name for name in ("out_size", *SETTINGS, "min_field") if getattr(self, name) is not None)

    def without(self, names: Iterable[str]) -> "Wishes":
        return replace(self, **dict.fromkeys(names))

    def __str__(self) -> str:
        layers = [f"layers={self.layers}"] * (self.layers > 1)
        return ", ".join([f"in_size={times(self.in_size)}", *map(self.told, self.made), *layers])

    def told(self, name: str) -> str:
        """Return a wish as it was written."""
        value = getattr(self, name)
        if name == "out_size":
            return f"out_size={times(value)}"
        if isinstance(value, int) or len(value) == 1:
            return f"{name}={value if isinstance(value, int) else value[0]}"
        whole_range = len(value) > 2 and value[-1] - value[0] == len(value) - 1
        return f"{name}={f'{value[0]}…{value[-1]}' if whole_range else value}"

    @property
    def count(self) -> int:
        """How many settings there are to try, times the layers."""
        kernels, dilations = self.kernel or KERNELS, self.dilation or DILATIONS
        each = (
            len(self.padding) * len(kernels) * len(dilations)
            if self.padding
            else sum(d * (k - 1) // 2 + 1 for k in kernels for d in dilations)
        )
        return each * len(self.stride or STRIDES) * self.layers

    def tried(self) -> Iterator[Found]:
        """Yield every setting within the wishes and bounds that fits into the input, the plainest first."""
        for dilation in self.dilation or DILATIONS:
            for kernel in self.kernel or KERNELS:
                if kernel == 1 and dilation > 1 and self.dilation is None:
                    continue  # one tap has no gaps: the same layer again
                for stride in self.stride or STRIDES:
                    for padding in self.padding or range(dilation * (kernel - 1) // 2 + 1):
                        found = tried(Setting(kernel, stride, padding, dilation), self.in_size, self.layers)
                        if found:
                            yield found

    def meets(self, found: Found) -> bool:
        """Return whether the sizes that come out, and the field, are as wished."""
        return self.out_size in (None, found.out_size) and found.field >= (self.min_field or 1)

    def misses(self, found: Found, names: Iterable[str]) -> list[int]:
        """Return how far a setting is from each of these wishes."""
        return [self._misses(found, name) for name in names]

    def _misses(self, found: Found, name: str) -> int:
        if name == "out_size":
            return sum(abs(a - b) for a, b in zip(self.out_size, found.out_size, strict=True))
        if name == "min_field":
            return max(self.min_field - found.field, 0)
        return min(abs(getattr(found.setting, name) - wished) for wished in getattr(self, name))


def tried(setting: Setting, in_size: tuple[int, ...], layers: int) -> Found | None:
    """Return what comes out of `layers` equal layers, or None where the kernel does not fit.

    >>> tried(Setting(3, 2, 1, 1), (32, 48), 2)
    Found(setting=Setting(kernel=3, stride=2, padding=1, dilation=1), out_size=(8, 12), field=7)
    """
    kernel, stride, padding, dilation = setting
    rule, field, sizes = Slide(kernel, stride, padding, padding, dilation), ReceptiveField(), in_size
    for _ in range(layers):
        try:
            sizes, field = tuple(map(rule.out_size, sizes)), field.through((rule.reach(0), rule.reach(0)))
        except ShapeError:
            return None
    return Found(setting, sizes, field.size[0])


def wishes_of(in_size, out_size, kernel, stride, padding, dilation, min_field, layers) -> Wishes:
    """Return the wishes in their plain form, or say what is wrong with one of them."""
    read = {
        name: _values(value, name, name != "padding") for name, value in zip(SETTINGS, (kernel, stride, padding, dilation), strict=True)
    }
    least = None if min_field is None else check.integer(min_field, "min_field", "solve", 1)
    out = None if out_size is None else _size(out_size, "out_size")
    wishes = Wishes(_size(in_size, "in_size"), out, **read, min_field=least, layers=check.integer(layers, "layers", "solve", 1))
    if wishes.layers > MOST_LAYERS:
        raise ArgumentError(f"solve: at most {MOST_LAYERS} equal layers are tried, but layers is {wishes.layers}.")
    if out is not None and len(out) != len(wishes.in_size):
        raise ArgumentError(
            f"solve: in_size and out_size are one number each, or (rows, columns) each, but they are {in_size!r} and {out_size!r}."
        )
    if wishes.count > MOST:
        raise ArgumentError(
            f"solve: at most {MOST:,} settings, times the layers, are tried, but these wishes leave {wishes.count:,}; "
            f"name fewer kernels, strides, paddings or dilations to choose from."
        )
    return wishes


def _size(value, name: str) -> tuple[int, ...]:
    sizes = check.pair(value, name, "solve", 1) if isinstance(value, list | tuple) else (check.integer(value, name, "solve", 1),)
    if max(sizes) > LARGEST:
        raise ArgumentError(f"solve: {name} is at most {LARGEST:,} cells, but it is {value!r}.")
    return sizes


def _values(value, name: str, least: int) -> tuple[int, ...] | None:
    """Return the values that a setting may take, in order; None where nothing was wished."""
    if value is None:
        return None
    if isinstance(value, str) or not isinstance(value, Iterable):
        return (_value(value, name, least),)
    values = sorted({_value(each, f"a value of {name}", least) for each in islice(value, MOST + 1)})
    if not values:
        raise ArgumentError(
            f"solve: {name} is a number or several to choose from, but it is empty; leave it out to try all that are usual."
        )
    return tuple(values)


def _value(value, name: str, least: int) -> int:
    number = check.integer(value, name, "solve", int(least))
    if number > LARGEST:
        raise ArgumentError(f"solve: {name} is at most {LARGEST:,}, but it is {number:,}.")
    return number
