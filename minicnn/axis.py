"""Which question: along one axis, what size comes out of a step, and which inputs does an output see?

Idea: everything is written once for one axis, as a small frozen rule with three answers from integers
alone, and applied to rows and columns alike:

    out_size(n)   how many outputs an axis of n inputs has
    sees(i, n)    the input positions that output i is computed from, in order, inside 0 … n-1
    reach(n)      the closed form: output i sees at most start + i·stride … start + i·stride + size - 1

`Slide` is convolution and pooling; `Transposed`, `Adaptive`, `Resize`, `Resampled` and `Whole` follow them.  Layers that move
numbers and change none of them have `Pick`, `Broadcast` and `Nothing`.

Cost: sees() is O(kernel).  What it does not do: channels (every rule here is about positions).
Source: Dumoulin & Visin, "A guide to convolution arithmetic for deep learning" (2016), sections 2-5;
PyTorch's documentation for ceil_mode and output_padding; ONNX's operator Resize.
Next rooms: window.py, which gives both axes their rule; field.py.
"""

from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from math import ceil, floor, gcd
from typing import NamedTuple

from minicnn.errors import ShapeError

EVERYTHING = "sees everything: "  # how a rule without a closed form begins its reason
NOTHING = "does not look at "  # and how one that sees no input does


class Reach(NamedTuple):
    """Output i sees no input outside start + i·stride … start + i·stride + size - 1 (in input cells)."""

    size: int | Fraction
    stride: int | Fraction
    start: int | Fraction


def whole(number: int | Fraction) -> int | Fraction:
    """Return a Fraction that is a whole number as an int, so that it prints and compares as one."""
    return int(number) if isinstance(number, Fraction) and number.denominator == 1 else number


@dataclass(frozen=True, slots=True)
class Slide:
    """One axis of a convolution or pooling: out = floor((n + before + after - extent) / stride) + 1.

    `extent` = dilation·(kernel - 1) + 1 is the length that the dilated kernel spans.

    >>> Slide(kernel=3, stride=2, before=1, after=1).out_size(7)
    4
    >>> list(Slide(kernel=3, stride=2, before=1, after=1).sees(0, 7))
    [0, 1]
    >>> list(Slide(kernel=2, dilation=3).sees(1, 7))
    [1, 4]
    """

    kernel: int
    stride: int = 1
    before: int = 0
    after: int = 0
    dilation: int = 1
    ceil: bool = False
    mode: str = "zeros"

    @property
    def extent(self) -> int:
        return self.dilation * (self.kernel - 1) + 1

    def out_size(self, n: int) -> int:
        room = n + self.before + self.after - self.extent
        steps = -(-room // self.stride) if self.ceil else room // self.stride
        if steps < 0:
            raise ShapeError(
                f"a kernel of {self.kernel} with dilation {self.dilation} spans {self.extent}, "
                f"but the padded input has {n} + {self.before} + {self.after} = {n + self.before + self.after}."
            )
        # PyTorch's rule for ceil: the last window must start inside the input or the padding before it.
        return steps if self.ceil and steps * self.stride >= n + self.before else steps + 1

    def sees(self, i: int, n: int) -> tuple[int, ...]:
        first = i * self.stride - self.before
        taps = range(first, first + self.extent, self.dilation)
        if self.mode == "zeros":
            return tuple(t for t in taps if 0 <= t < n)
        return tuple(sorted({reflected(t, n, self.mode) for t in taps}))

    def tap(self, t: int, n: int, outputs: int) -> tuple[slice, slice]:
        """Return which outputs find tap t inside the n inputs, and the inputs that they find there: `sees` turned round.

        >>> Slide(kernel=3, stride=2, before=1).tap(0, n=5, outputs=3)      # positions -1, 1, 3
        (slice(1, 3, None), slice(1, 4, 2))
        """
        shift = t * self.dilation - self.before  # output i finds it at i·stride + shift
        first = max(0, -(shift // self.stride))  # ceil(-shift / stride)
        end = min(outputs, (n - 1 - shift) // self.stride + 1)
        if end <= first:
            return slice(0, 0), slice(0, 0)
        return slice(first, end), slice(first * self.stride + shift, (end - 1) * self.stride + shift + 1, self.stride)

    def reach(self, n: int) -> Reach | str:
        padding = max(self.before, self.after)
        if self.mode == "circular" and padding:
            return "circular padding wraps to the opposite border"
        if self.mode == "reflect" and 2 * padding > self.extent - 1 or self.mode == "replicate" and padding > self.extent - 1:
            return f"{self.mode} padding of {padding} reaches past a kernel that spans {self.extent}"
        return Reach(self.extent, self.stride, -self.before)

    def derivation(self, n: int) -> str:
        """Return the arithmetic of out_size with this axis's numbers."""
        brackets = ("ceil(", ")") if self.ceil else ("floor(", ")")
        out, room = self.out_size(n), n + self.before + self.after - self.extent
        dropped = self.ceil and -(-room // self.stride) + 1 != out
        return (
            f"{brackets[0]}({n} + {self.before} + {self.after} - {self.dilation}·({self.kernel} - 1) - 1) / {self.stride}{brackets[1]}"
            f" + 1{' - 1' if dropped else ''} = {out}{' (the last window would start outside)' if dropped else ''}"
        )


def reflected(t: int, n: int, mode: str) -> int:
    """Return the input position that a padded position t stands for (n inputs; not for 'zeros')."""
    if mode == "circular":
        return t % n
    if mode == "replicate":
        return min(max(t, 0), n - 1)
    return -t if t < 0 else 2 * (n - 1) - t if t >= n else t


@dataclass(frozen=True, slots=True)
class Transposed:
    """One axis of a transposed convolution: out = (n-1)·stride - before - after + dilation·(kernel-1) + output_padding + 1.

    Output i sees input q where i + before = q·stride + t·dilation for some tap t: with kernel 3 and
    stride 2 that is one input or two, in turn, which is what draws checkerboards.

    >>> up = Transposed(kernel=3, stride=2, before=1, after=1, output_padding=1)
    >>> up.out_size(4), [up.sees(i, 4) for i in range(4)]
    (8, [(0,), (0, 1), (1,), (1, 2)])
    """

    kernel: int
    stride: int = 1
    before: int = 0
    after: int = 0
    dilation: int = 1
    output_padding: int = 0

    @property
    def extent(self) -> int:
        return self.dilation * (self.kernel - 1) + 1

    def out_size(self, n: int) -> int:
        out = (n - 1) * self.stride - self.before - self.after + self.extent + self.output_padding
        if out < 1:
            raise ShapeError(
                f"({n} - 1)·{self.stride} - {self.before} - {self.after} + {self.dilation}·({self.kernel} - 1)"
                f" + {self.output_padding} + 1 = {out}, but an output needs at least 1; use less padding."
            )
        return out

    def sees(self, i: int, n: int) -> tuple[int, ...]:
        shifted = (i + self.before - t * self.dilation for t in range(self.kernel))
        return tuple(sorted({s // self.stride for s in shifted if s % self.stride == 0 and 0 <= s < n * self.stride}))

    def reach(self, n: int) -> Reach:
        span = self.extent - 1
        return Reach(
            whole(Fraction(span, self.stride) + 1), whole(Fraction(1, self.stride)), whole(Fraction(self.before - span, self.stride))
        )

    def derivation(self, n: int) -> str:
        return (
            f"({n} - 1)·{self.stride} - {self.before} - {self.after} + {self.dilation}·({self.kernel} - 1)"
            f" + {self.output_padding} + 1 = {self.out_size(n)}"
        )


@dataclass(frozen=True, slots=True)
class Adaptive:
    """One axis of adaptive pooling: output i sees floor(i·n/out) … ceil((i+1)·n/out) - 1.

    >>> [len(Adaptive(5).sees(i, 7)) for i in range(5)]
    [2, 2, 3, 2, 2]
    """

    out: int | None  # None keeps the size

    def out_size(self, n: int) -> int:
        return n if self.out is None else self.out

    def sees(self, i: int, n: int) -> tuple[int, ...]:
        out = self.out_size(n)
        return tuple(range(i * n // out, -(-(i + 1) * n // out)))

    def reach(self, n: int) -> Reach | str:
        out = self.out_size(n)
        if out == 1 and n > 1:
            return EVERYTHING + "global pooling"
        slack = Fraction(out - gcd(n, out), out)  # the largest fraction that floor or ceil rounds away
        return Reach(whole(Fraction(n, out) + 2 * slack), whole(Fraction(n, out)), whole(-slack))

    def derivation(self, n: int) -> str:
        out = self.out_size(n)
        # a share is ceil(fraction + n/out) long, and the fractions are the multiples of gcd/out below 1
        shortest, longest = -(-n // out), -(-(n + out - gcd(n, out)) // out)
        return f"{n} cells shared among {out}, {' or '.join(map(str, range(shortest, longest + 1)))} each = {out}"


@dataclass(frozen=True, slots=True)
class Resize:
    """One axis of interpolation: 'nearest' or 'bilinear', with or without align_corners.

    nearest                     source = floor(i·step)
    bilinear                    source = max((2i+1)·step/2 - 1/2, 0)
    bilinear, align_corners     source = i·(n-1)/(out-1)

    `step` is n/out, or 1/scale where the size came from a scale.  Where it did but the size stayed (for 'nearest'
    also where it doubled) it is n/out again: PyTorch has these exceptions, and so do we.
    `taps(i, n)` gives the one or two inputs and their exact weights; a tap of weight 0 is not seen.

    >>> Resize(6).taps(1, 3)
    ((0, 1),)
    >>> Resize(6, mode="bilinear").taps(1, 3)
    ((0, Fraction(3, 4)), (1, Fraction(1, 4)))
    >>> Resize(8).sees(5, 5), Resize(8, scale=ratio(1.7)).sees(5, 5)      # 8 = floor(5·1.7): 5·5/8 = 3.1 and 5/1.7 = 2.9
    ((3,), (2,))
    """

    out: int
    mode: str = "nearest"
    align_corners: bool = False
    scale: Fraction | None = None  # what the size was computed with, where positions follow it

    def out_size(self, n: int) -> int:
        return self.out

    def step(self, n: int) -> Fraction:
        """Return how far apart two neighbouring outputs lie, in input cells (not for align_corners)."""
        by_size = self.scale is None or self.out == n or (self.mode == "nearest" and self.out == 2 * n)
        return Fraction(n, self.out) if by_size else 1 / self.scale

    def source(self, i: int, n: int) -> Fraction:
        if self.align_corners:
            return Fraction(i * (n - 1), self.out - 1) if self.out > 1 else Fraction(0)
        step = self.step(n)
        if self.mode == "nearest":
            return Fraction(i * step.numerator // step.denominator)
        return max(Fraction((2 * i + 1) * step.numerator - step.denominator, 2 * step.denominator), Fraction(0))

    def taps(self, i: int, n: int) -> tuple[tuple[int, int | Fraction], ...]:
        source = self.source(i, n)
        low = min(source.numerator // source.denominator, n - 1)
        weight = source - low
        if weight == 0 or low == n - 1:
            return ((low, 1),)
        return ((low, 1 - weight), (low + 1, weight))

    def sees(self, i: int, n: int) -> tuple[int, ...]:
        return tuple(index for index, _ in self.taps(i, n))

    def reach(self, n: int) -> Reach:
        if self.align_corners:
            steps = max(self.out - 1, 1)
            slack = Fraction(steps - 1, steps)
            return Reach(whole(1 + 2 * slack), whole(Fraction(n - 1, steps)), whole(-slack))
        step = self.step(n)
        if self.mode == "nearest":
            slack = Fraction(step.denominator - 1, step.denominator)
            return Reach(whole(1 + slack), whole(step), whole(-slack))
        slack = Fraction(2 * step.denominator - 1, 2 * step.denominator)  # at least 1/2, which holds the ends that are moved inside too
        return Reach(whole(1 + 2 * slack), whole(step), whole((step - 1) / 2 - slack))

    def derivation(self, n: int) -> str:
        return f"{self.mode} from {n} to {self.out} = {self.out}"


def ratio(scale: float) -> Fraction:
    """Return the simple fraction that a float stands for: it rounds to just this float.

    >>> ratio(1.1), ratio(5 / 3), ratio(2.0)
    (Fraction(11, 10), Fraction(5, 3), Fraction(2, 1))
    """
    exact = Fraction(scale)
    return next(simple for digits in count() if float(simple := exact.limit_denominator(10**digits)) == scale)


@dataclass(frozen=True, slots=True)
class Whole:
    """One axis on which every output sees every input: linear layers, flattening, layer and group norm."""

    why: str
    out: int | None = 1  # None keeps the size

    def out_size(self, n: int) -> int:
        return n if self.out is None else self.out

    def sees(self, i: int, n: int) -> tuple[int, ...]:
        return tuple(range(n))

    def reach(self, n: int) -> str:
        return EVERYTHING + self.why

    def derivation(self, n: int) -> str:
        return f"{self.why} folds {n} into {self.out_size(n)}"


HALF = Fraction(1, 2)
ROUNDINGS = {  # a place among the inputs: the input that stands for it
    "round_prefer_floor": lambda source: ceil(source - HALF),
    "round_prefer_ceil": lambda source: floor(source + HALF),
    "floor": floor,
    "ceil": ceil,
}


@dataclass(frozen=True, slots=True)
class Resampled:
    """One axis of ONNX's Resize, 'nearest' or 'linear': where output i lies among the n inputs, and which of them it takes.

    asymmetric              source = i/scale
    half_pixel              source = (i + 1/2)/scale - 1/2            pytorch_half_pixel: 0 where one output is all
    half_pixel_symmetric    the same, with the middle of the outputs moved onto the middle of the inputs
    align_corners           source = i·(n-1)/(n·scale - 1)
    tf_half_pixel_for_nn    source = (i + 1/2)/scale

    `scale` is what the size was computed with, or None: out/n.  'nearest' rounds the source to an input as `rounding` says,
    'linear' mixes the two on either side by distance, and a place outside 0 … n-1 stands for the nearest input.

    >>> Resampled(4, "nearest", "asymmetric", "floor").sees(3, 2), Resampled(4, "linear", "half_pixel").taps(1, 2)
    ((1,), ((0, Fraction(3, 4)), (1, Fraction(1, 4))))
    """

    out: int
    mode: str = "nearest"
    coordinates: str = "half_pixel"
    rounding: str = "round_prefer_floor"
    scale: Fraction | None = None

    def out_size(self, n: int) -> int:
        return self.out

    def source(self, i: int, n: int) -> Fraction:
        """Return the place of output i in input cells, not yet rounded and perhaps outside."""
        scale = Fraction(self.out, n) if self.scale is None else self.scale
        if self.coordinates == "asymmetric":
            return i / scale
        if self.coordinates == "align_corners":
            return Fraction(0) if n * scale == 1 else i * (n - 1) / (n * scale - 1)
        if self.coordinates == "pytorch_half_pixel" and self.out == 1:
            return Fraction(0)
        middle = (i + HALF) / scale
        if self.coordinates == "tf_half_pixel_for_nn":
            return middle
        moved = Fraction(n, 2) * (1 - self.out / (n * scale)) if self.coordinates == "half_pixel_symmetric" else 0
        return middle - HALF + moved

    def taps(self, i: int, n: int) -> tuple[tuple[int, int | Fraction], ...]:
        """Return the one or two inputs that output i takes, and their exact weights; a tap of weight 0 is not seen."""
        source, last = self.source(i, n), n - 1
        if self.mode == "nearest":
            return ((min(max(ROUNDINGS[self.rounding](source), 0), last), 1),)
        source = min(max(source, Fraction(0)), Fraction(last))
        low = floor(source)
        weight = source - low
        return ((low, 1),) if weight == 0 else ((low, 1 - weight), (low + 1, weight))

    def sees(self, i: int, n: int) -> tuple[int, ...]:
        return tuple(index for index, _ in self.taps(i, n))

    def reach(self, n: int) -> Reach:
        if self.out == 1:
            seen = self.sees(0, n)
            return Reach(len(seen), whole(n if self.scale is None else 1 / self.scale), seen[0])
        stride = self.source(1, n) - self.source(0, n)
        seen = [self.sees(i, n) for i in range(self.out)]
        start = min(taps[0] - i * stride for i, taps in enumerate(seen))
        return Reach(whole(max(taps[-1] - i * stride for i, taps in enumerate(seen)) - start + 1), whole(stride), whole(start))

    def derivation(self, n: int) -> str:
        return f"{self.mode} from {n} to {self.out} = {self.out}"


@dataclass(frozen=True, slots=True)
class Pick:
    """One axis of slicing, gathering and copying borders: output i is input sources[i], or none (None).

    >>> Pick((4, 2, 0)).sees(1, 5), Pick((None, 0, 1)).sees(0, 2), Pick((1, 3, 5)).reach(6)
    ((2,), (), Reach(size=1, stride=2, start=1))
    """

    sources: tuple[int | None, ...]

    def out_size(self, n: int) -> int:
        return len(self.sources)

    def sees(self, i: int, n: int) -> tuple[int, ...]:
        source = self.sources[i]
        return () if source is None else (source,)

    def reach(self, n: int) -> Reach | str:
        if len(self.sources) < 2 or None in self.sources:
            first = next((source - i for i, source in enumerate(self.sources) if source is not None), 0)
            step = 1
        else:
            first, step = self.sources[0], self.sources[1] - self.sources[0]
        if step > 0 and all(source in (None, first + i * step) for i, source in enumerate(self.sources)):
            return Reach(1, step, first)
        return "positions are picked, not in steps of one length forwards"

    def derivation(self, n: int) -> str:
        return f"{len(self.sources)} picked from {n} = {len(self.sources)}"


@dataclass(frozen=True, slots=True)
class Broadcast:
    """One axis on which a single position is laid over `out` of them.

    >>> Broadcast(3).out_size(1), Broadcast(3).sees(2, 1)
    (3, (0,))
    """

    out: int

    def out_size(self, n: int) -> int:
        return self.out

    def sees(self, i: int, n: int) -> tuple[int, ...]:
        return (0,)

    def reach(self, n: int) -> Reach | str:
        return Reach(1, 1, 0) if self.out == 1 else "one position is laid over all of them, so there is no stride"

    def derivation(self, n: int) -> str:
        return f"1 position laid over {self.out} = {self.out}"


@dataclass(frozen=True, slots=True)
class Nothing:
    """One axis of a constant: `out` positions that look at no input.

    >>> Nothing(3).sees(0, 7)
    ()
    """

    out: int

    def out_size(self, n: int) -> int:
        return self.out

    def sees(self, i: int, n: int) -> tuple[int, ...]:
        return ()

    def reach(self, n: int) -> str:
        return NOTHING + "its input, since it is a constant"

    def derivation(self, n: int) -> str:
        return f"a constant of {self.out} = {self.out}"


Axis = Slide | Transposed | Adaptive | Resize | Resampled | Whole | Pick | Broadcast | Nothing
POINT = Slide(1)  # the rule of every layer that leaves positions alone
