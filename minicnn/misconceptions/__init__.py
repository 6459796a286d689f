"""Which question: which wrong ideas about these operations are known, and which of them is this one?

Idea: one file for each function that is learned; in it, wrong implementations, each under `@believed` with one sentence to its author.
`MISCONCEPTIONS` is read from the files, so that a new one is a decorated function and nothing else.

Cost: NumPy; nothing is compiled.  What it does not do: compare answers with them (grade/diagnosis.py).
Source: Brown & Burton (1978), see misconception.py.  Next rooms: misconception.py, pieces.py, then conv2d.py and its neighbours.

>>> sorted(MISCONCEPTIONS)[:3], MISCONCEPTIONS["conv2d"][0]
(['avg_pool2d', 'conv1x1', 'conv2d'], Misconception(conv2d: kernel flipped))
"""

import importlib
import pkgutil

from minicnn.misconceptions.misconception import Misconception, believed

__all__ = ["MISCONCEPTIONS", "Misconception", "believed"]


def _from_the_files() -> dict[str, tuple[Misconception, ...]]:
    """Return every misconception of every file of this folder, by the function that it is about, in the order of the files' lines."""
    found: dict[str, tuple[Misconception, ...]] = {}
    for file in pkgutil.iter_modules(__path__):
        for value in vars(importlib.import_module(f"{__name__}.{file.name}")).values():
            if isinstance(value, Misconception):
                found[value.function] = (*found.get(value.function, ()), value)
    return found


MISCONCEPTIONS = _from_the_files()
