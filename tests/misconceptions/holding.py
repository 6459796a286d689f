"""The wrong implementations of as_loops/: written as students write, each marked with the misconception that it holds."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "as_loops"


@dataclass(frozen=True)
class Held:
    """A student's wrong function and the name of what its author believes."""

    function: str
    belief: str
    student: Callable


def holds(function: str, belief: str) -> Callable[[Callable], Held]:
    """Mark the wrong implementation below: what it should be, and the misconception that it holds."""
    return lambda student: Held(function, belief, student)


def all_held() -> list[Held]:
    """Return what the files of as_loops/ hold, in the order of their lines."""
    found = []
    for path in sorted(FOLDER.glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"as_loops_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found += [value for value in vars(module).values() if isinstance(value, Held)]
    return found
