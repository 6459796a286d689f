"""Which question: what is there to say of every map of a trace?

Idea: the network runs once, its statistics are taken once, both under one progress bar, and what
was found is kept as rows that print as a table or become JSON.

Cost: the forward pass and one read of every map.  Next rooms: trace.py, tour.py.
"""

import time
from dataclasses import dataclass, field

from minicnn.cli.table import grouped, kind_of, number, one_image
from minicnn.cli.terminal import Terminal
from minicnn.text import count

FIELD = "size/stride in pixels of the input; all: sees everything; none: no single field exists"
HEAD = ("map", "layer", "shape", "field", "mean", "std", "zeros", "bytes")


@dataclass
class Stopwatch:
    """Wall time in seconds, split into laps."""

    laps: dict[str, float] = field(default_factory=dict)
    started: float = field(default_factory=time.perf_counter)

    def lap(self, name: str) -> None:
        """End a lap: the time since the last one ended belongs to `name`."""
        self.laps[name] = time.perf_counter() - self.started - sum(self.laps.values())

    def __str__(self) -> str:
        # On one line of a terminal, even where kernels take 10 s to compile: so the unit is named once.
        laps = ", ".join(f"{name} {seconds:.1f}" for name, seconds in self.laps.items())
        return f"{sum(self.laps.values()):.1f} s: {laps}"


def run(terminal: Terminal, net, x, watch: Stopwatch):
    """Return a trace of the network on x, and the statistics of each of its maps by name."""
    from minicnn import trace

    with terminal.compiling():
        with terminal.progress("forward", len(net)) as step:
            found = trace(net, x, hooks=lambda node, inputs, output: step(node.name))
        watch.lap("forward")
        statistics = {}
        with terminal.progress("statistics", len(found)) as step:
            for each in found:
                statistics[each.name] = each.statistics
                step(each.name)
        watch.lap("statistics")
    return found, statistics


def table(found, statistics, width: int) -> list[str]:
    """Return the lines of the table of every map."""
    rows = [_cells(each, statistics[each.name]) for each in found]
    foot = ("total", "", f"{len(rows)} maps", "", "", "", "", count(found.nbytes, "B"))
    return grouped(HEAD, rows, width, foot)


def _cells(each, seen) -> tuple[str, ...]:
    layer = each.node.layer if each.node else None
    numbers = (number(seen.mean), number(seen.std), f"{seen.zeros:.0%}", count(each.nbytes, "B"))
    return each.name, kind_of(layer), one_image(each.shape), each.field.short(), *numbers


def to_dict(each, seen) -> dict:
    """Return one map as plain data."""
    return {
        "name": each.name,
        "layer": repr(each.node.layer) if each.node else "input",
        "kind": each.kind,
        "shape": each.shape,
        "field": each.field.to_dict(),
        **{name: getattr(seen, name) for name in ("mean", "std", "min", "max", "zeros", "dead_channels")},
        "bytes": each.nbytes,
    }
