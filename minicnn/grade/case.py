"""Which question: which call puts a task to the test?

Idea: a case is a handful of whole numbers: sizes and strides, and where the arrays' numbers begin.  A string of bytes spells one, through
the part's Hypothesis strategy; lower bytes spell smaller sizes.  So cases are drawn by drawing bytes from a seed, the same on every
machine, and a case that fails is made small by lowering its bytes for as long as it fails.

Cost: 0.2 ms a case.  What it does not do: ask or compare (checking.py).
Source: MacIver & Donaldson, Test-case reduction via test-case generation (ECOOP 2020); Hypothesis's documentation of fuzz_one_input.
Next room: comparing.py.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from random import Random
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

__all__ = ["LAYOUTS", "LENGTH", "Case", "cases", "drawing", "in_layout", "shrunk", "spellings"]

LAYOUTS = {"plain": "", "strided": "every other number", "transposed": "transposed in memory", "reversed": "backwards in memory"}
LENGTH = 128  # bytes that spell a case; a dozen whole numbers need some thirty


@dataclass(frozen=True, eq=False)
class Case:
    """One call of a task: what its sizes are and what its arrays hold.

    numbers : 'whole' (from -4 to 4) or 'any' (normal)     dtype : of the arrays     layout : 'plain' or not contiguous (LAYOUTS)
    seed : where the numbers begin; 0 counts 1, 2, … 9, 1, …, which is easier to follow with a pencil

    >>> Case({}, numbers="whole").array(2, 3)
    array([[1., 2., 3.],
           [4., 5., 6.]])
    """

    settings: Mapping[str, int]
    numbers: str = "any"
    dtype: str = "float64"
    layout: str = "plain"
    seed: int = 0

    @property
    def key(self) -> tuple:
        """What makes two cases the same."""
        return tuple(sorted(self.settings.items())), self.numbers, self.dtype, self.layout, self.seed

    def arguments(self, task) -> Mapping[str, Any]:
        """Return the call's arguments by name: new arrays at every call, the same numbers."""
        rng = np.random.default_rng(self.seed)
        return task.arguments(self.settings, lambda *shape: self.array(*shape, rng=rng))

    def array(self, *shape: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Return a new array of this case's kind."""
        if not self.seed or rng is None:
            values = (np.arange(np.prod(shape, dtype=int)).reshape(shape) % 9 + 1) / (1 if self.numbers == "whole" else 10)
        else:
            values = rng.integers(-4, 5, shape) if self.numbers == "whole" else rng.standard_normal(shape)
        return in_layout(values.astype(self.dtype), self.layout)

    def words(self, task) -> str:
        """Return the case as a reader wants it: the shape of every array, then the settings, then what is unusual about the arrays."""
        arguments = self.arguments(task)
        arrays = [f"{name} {'×'.join(map(str, value.shape))}" for name, value in arguments.items() if isinstance(value, np.ndarray)]
        others = [f"{name} {value}" for name, value in arguments.items() if not isinstance(value, np.ndarray)]
        if not arrays:
            return ", ".join(others)
        kind = ["whole numbers" if self.numbers == "whole" else self.dtype]
        kind += [f"not contiguous ({LAYOUTS[self.layout]})"] if LAYOUTS[self.layout] else []
        return "; ".join(", ".join(words) for words in (arrays, others, kind) if words)


def in_layout(values: np.ndarray, layout: str) -> np.ndarray:
    """Return the same numbers in memory of another order.

    >>> in_layout(np.arange(3.0), "strided").strides, in_layout(np.arange(3.0), "reversed").strides
    ((16,), (-8,))
    """
    if layout == "strided" and values.ndim:
        room = np.full((*values.shape[:-1], 2 * values.shape[-1]), np.nan, values.dtype)  # who reads past the stride meets NaN
        room[..., ::2] = values
        return room[..., ::2]
    if layout == "transposed":
        return values.T.copy().T
    if layout == "reversed":
        backwards = (slice(None, None, -1),) * values.ndim
        return values[backwards].copy()[backwards]
    return values.copy()


def cases(sizes, numbers: str):
    """Return the strategy of a part's cases: `sizes` is its strategy of settings.

    Whole numbers come in plain float64 arrays, so that a wrong answer there is about the equation and nothing else.

    >>> drawing(cases(st.fixed_dictionaries({"kernel": st.integers(1, 3)}), "whole"))(bytes(LENGTH))
    Case(settings={'kernel': 1}, numbers='whole', dtype='float64', layout='plain', seed=0)
    """
    if numbers == "whole":
        return st.builds(Case, sizes, numbers=st.just("whole"), seed=st.integers(0, 2**16 - 1))
    kinds = {"dtype": st.sampled_from(["float64", "float32"]), "layout": st.sampled_from(list(LAYOUTS))}
    return st.builds(Case, sizes, numbers=st.just("any"), seed=st.integers(0, 2**16 - 1), **kinds)


def drawing(strategy) -> Callable[[bytes], Any]:
    """Return the function that reads bytes as a value of the strategy; None where they spell none.

    >>> read = drawing(st.tuples(st.integers(1, 8), st.integers(1, 8)))
    >>> read(bytes([0, 7])), read(b"")
    ((1, 8), None)
    """
    found = []

    @settings(database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def keep(value):
        found.append(value)

    def read(spelling: bytes):
        found.clear()
        keep.hypothesis.fuzz_one_input(spelling)
        return found[0] if found else None

    return read


def spellings(seed: str, count: int) -> Iterator[bytes]:
    """Yield bytes for `count` cases: the simplest first, the others from the seed, the same on every machine.

    >>> [spelling[:2] for spelling in spellings("02/conv2d", 3)]
    [b'\\x00\\x00', b'\\xaeM', b'\\xe8\\xaf']
    """
    source = Random(int.from_bytes(sha256(seed.encode()).digest()))
    yield bytes(LENGTH)
    yield from (source.randbytes(LENGTH) for _ in range(count - 1))


def shrunk(spelling: bytes, fails: Callable[[bytes], bool]) -> bytes:
    """Return a simpler spelling that still fails: stretches set to 0, long ones first, then single bytes lowered, until nothing helps.

    >>> list(shrunk(bytes([7, 206, 9]), lambda spelling: spelling[1] % 8 > 2))
    [0, 3, 0]
    """
    stretches = [slice(start, start + length) for length in (64, 16, 4, 1) for start in range(0, len(spelling), length)]
    before = b""
    while before != spelling:
        before = spelling
        for stretch in stretches:
            own = spelling[stretch]
            for lower in (bytes(len(own)), *(_lower(own[0]) if len(own) == 1 else ())):
                candidate = spelling[: stretch.start] + lower + spelling[stretch.start + len(own) :]
                if lower != own and fails(candidate):
                    spelling = candidate
                    break
    return spelling


def _lower(byte: int) -> list[bytes]:
    """Return smaller bytes: without the high bits, which a strategy may not look at, then one less."""
    return [bytes([lower]) for lower in sorted({byte & 1, byte & 3, byte & 7, byte & 15, max(byte - 1, 0)} - {byte})]
