"""Which question: which kernel, stride, padding and dilation do what I wish, and if none do, which wish is one too many?

    solve(in_size=32, out_size=15, kernel=3)                every stride, padding and dilation that turn 32 into 15
    solve(in_size=32, out_size=15, min_field=20, layers=2)  … in two equal layers whose outputs see 20 inputs or more

Idea: the settings are few, so all of them are tried with the engine's own geometry.  Where none is left, wishes are given up, as few
as will do, and the setting that comes nearest to them is shown.

Cost: at most 200,000 settings.  What it does not do: layers that differ, padding that differs between two sides, transposed convolution.
Source: Dumoulin & Visin (2016), relationship 14; Araujo, Norris, Sim (2019).  Next rooms: wishes.py, topics/all_settings.py.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

from minicnn.quiz.wishes import MOST, Found, Setting, Wishes, wishes_of
from minicnn.text import table, times

__all__ = ["Instead", "Solutions", "solve"]

SHOWN = 12  # settings of a repr


class Instead(NamedTuple):
    """Wishes that would have to be given up together, and the setting that meets all others and comes nearest to these."""

    wishes: tuple[str, ...]
    nearest: Found


@dataclass(frozen=True)
class Solutions:
    """What `solve` found: `settings`, each (kernel, stride, padding, dilation); if there are none, `failing` says which wishes to give up."""

    wishes: Wishes
    found: tuple[Found, ...]
    failing: tuple[Instead, ...] = ()

    @property
    def settings(self) -> tuple[Setting, ...]:
        return tuple(each.setting for each in self.found)

    def __len__(self) -> int:
        return len(self.found)

    def __iter__(self) -> Iterator[Setting]:
        return iter(self.settings)

    def __str__(self) -> str:
        if not self.found:
            return "\n".join([f"No setting meets {self.wishes}.", *(_without(each, self.wishes) for each in self.failing)])
        rows = [(*each.setting, times(each.out_size), each.field) for each in self.found[:SHOWN]]
        lines = table(("kernel", "stride", "padding", "dilation", "comes out", "field"), rows, align="rrrrrr").splitlines()
        more = [f"… and {len(self) - SHOWN} more; .settings has them all."] if len(self) > SHOWN else []
        return "\n".join([f"{len(self)} setting{'s' * (len(self) != 1)} for {self.wishes}:", *lines, *more])

    def __repr__(self) -> str:
        return str(self)


def solve(
    *,
    in_size: int | tuple[int, int],
    out_size: int | tuple[int, int] | None = None,
    kernel: int | Iterable[int] | None = None,
    stride: int | Iterable[int] | None = None,
    padding: int | Iterable[int] | None = None,
    dilation: int | Iterable[int] | None = None,
    min_field: int | None = None,
    layers: int = 1,
) -> Solutions:
    """Return every setting that meets all the wishes, the plainest first, or which wishes to give up.

    out = floor((in + 2·padding - dilation·(kernel - 1) - 1) / stride) + 1,  `layers` times;  field = 1 + dilation·(kernel - 1)·(1 + stride + stride² …)
    in_size, out_size : cells, or (rows, columns), for which one setting serves     min_field : input cells that an output sees along an axis
    kernel, stride, padding, dilation : one number, or those to choose from; None tries kernels 1 to 11, strides 1 to 4, dilations 1 to 4 and
    paddings up to half the dilated kernel, so that the middle of every window may lie inside
    Raises ArgumentError for sizes or settings outside their range.  Source: Dumoulin & Visin (2016), relationship 14.

    >>> solve(in_size=224, out_size=112, kernel=(3, 7), stride=2, dilation=1).settings
    (Setting(kernel=3, stride=2, padding=1, dilation=1), Setting(kernel=7, stride=2, padding=3, dilation=1))
    >>> solve(in_size=32, out_size=15, kernel=3, stride=2, padding=1, dilation=1)
    No setting meets in_size=32, out_size=15, kernel=3, stride=2, padding=1, dilation=1.
    Without out_size=15 the nearest is kernel 3, stride 2, padding 1, dilation 1: 32 → 16, field 3.
    Without kernel=3 the nearest is kernel 5, stride 2, padding 1, dilation 1: 32 → 15, field 5.
    Without padding=1 the nearest is kernel 3, stride 2, padding 0, dilation 1: 32 → 15, field 3.
    Without dilation=1 the nearest is kernel 3, stride 2, padding 1, dilation 2: 32 → 15, field 5.
    """
    wishes = wishes_of(in_size, out_size, kernel, stride, padding, dilation, min_field, layers)
    found = tuple(each for each in wishes.tried() if wishes.meets(each))
    return Solutions(wishes, found) if found else Solutions(wishes, (), _instead(wishes))


def _instead(wishes: Wishes) -> tuple[Instead, ...]:
    """Return the smallest sets of wishes without which the others can be met, each with the setting that comes nearest."""
    for count in range(1, len(wishes.made) + 1):
        found = []
        for names in combinations(wishes.made, count):
            others = wishes.without(names)
            if others.count > MOST:  # so many values of one setting were wished that the rest cannot be tried as well
                continue
            nearest = min(
                (each for each in others.tried() if others.meets(each)), key=lambda each: wishes.misses(each, names), default=None
            )
            if nearest is not None:
                found.append(Instead(names, nearest))
        if found:
            return tuple(found)
    return ()


def _without(instead: Instead, wishes: Wishes) -> str:
    """Return one line on what would have to be given up, and what there is then."""
    setting, out, field = instead.nearest
    values = ", ".join(f"{name} {value}" for name, value in setting._asdict().items())
    given_up = " and ".join(map(wishes.told, instead.wishes))
    return f"Without {given_up} the nearest is {values}: {times(wishes.in_size)} → {times(out)}, field {field}."
