"""Which question: where is one, where do the keys lead from there, and what is to be seen?

Idea: a walk is a value with functions from a place to a place and from a place to lines; the screen (step_app.py) remembers the one place
and nothing else.  `KernelWalk` goes over the outputs of a kernel, `MapWalk` over the numbers of a network's maps, and by enter from a number
to the one that it used most, down to the pixels.

Cost: what is shown.  What it does not do: read keys or draw on a screen.  Source: none.  Next room: step_app.py.
"""

from typing import NamedTuple

from rich.text import Text

from minicnn.cli.step_text import LEGEND, NOW, block, drawn, part
from minicnn.probe.explaining import explain
from minicnn.probe.sliding import Sliding, short

MOVES = {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}
AROUND = 3, 7  # rows and columns of the map around a number


class Spot(NamedTuple):
    """A number of a map."""

    node: str
    channel: int
    at: tuple[int, ...]


def moved(key: str, at: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """Return where a key leads: left and right go on in the next row, as one reads; at the ends they stay.

    >>> moved("right", (0, 2), (2, 3)), moved("left", (1, 0), (2, 3)), moved("up", (0, 1), (2, 3)), moved("end", (0, 0), (2, 3))
    ((1, 0), (0, 2), (0, 1), (1, 2))
    """
    rows, columns = size
    if key in ("home", "end"):
        return (0, 0) if key == "home" else (rows - 1, columns - 1)
    down, right = MOVES[key]
    number = at[0] * columns + at[1] + right
    if not 0 <= number < rows * columns or not 0 <= at[0] + down < rows:
        return at
    return divmod(number + down * columns, columns)


class KernelWalk:
    """Over the outputs of a kernel; a place is (row, column)."""

    keys = "← → output  ↑ ↓ row  home end  space play  pgup pgdn scroll  q quit"

    def __init__(self, found: Sliding):
        self.found = found
        self.legend = LEGEND

    def go(self, key: str, at):
        """Return where a key leads."""
        return moved(key, at, self.found.out) if key in MOVES or key in ("home", "end") else at

    def lines(self, at, width: int) -> list[Text]:
        """Return what is to be seen at a place."""
        return drawn(self.found, self.found.step(self.found.number(at)), width)


class MapWalk:
    """Over the numbers of a network's maps; a place is a Spot."""

    keys = "← → ↑ ↓ move  [ ] channel  enter follow  backspace return  space play  q quit"

    def __init__(self, net, trace):
        self.net, self.trace = net, trace
        self.legend = "[ ] the number explained; enter follows the one it used most   pgup pgdn scroll"

    def go(self, key: str, spot: Spot) -> Spot:
        """Return where a key leads."""
        if key == "enter":
            place = explain(self.net, self.trace, *spot).strongest
            return spot if place is None else Spot(*place)
        shape = self.trace.shapes[spot.node]
        if len(shape) == 4:
            size, at = shape[2:], spot.at
            if key in ("[", "]"):
                return spot._replace(channel=min(max(spot.channel + (1 if key == "]" else -1), 0), shape[1] - 1))
            return spot._replace(at=moved(key, at, size)) if key in MOVES or key in ("home", "end") else spot
        if len(shape) == 2 and (key in MOVES or key in ("home", "end")):
            return spot._replace(channel=moved(key, (0, spot.channel), (1, shape[1]))[1])
        return spot

    def lines(self, spot: Spot, width: int) -> list[Text]:
        """Return what is to be seen at a place: the neighbours, and where the number comes from."""
        told = explain(self.net, self.trace, *spot).text(width)
        return [*self._neighbours(spot), Text(), *map(Text, told.split("\n"))]

    def _neighbours(self, spot: Spot) -> list[Text]:
        shape = self.trace.shapes[spot.node]
        data = self.trace[spot.node].data
        if len(shape) == 4:
            numbers, at, title = data[0, spot.channel], spot.at, f"{spot.node}, channel {spot.channel} of {shape[1]}: "
        elif len(shape) == 2:
            numbers, at, title = data[:1], (0, spot.channel), f"{spot.node}: "
        else:
            return []
        spans = [part(range(n), here, here, room) for n, here, room in zip(numbers.shape, at, AROUND, strict=True)]
        cells = [[(short(numbers[i, j]), NOW if (i, j) == tuple(at) else "") for j in spans[1]] for i in spans[0]]
        rows, columns = (f"{span.start}…{span.stop - 1}" for span in spans)
        where = f"rows {rows}, columns {columns}" if len(shape) == 4 else f"features {columns}"
        return block(f"{title}{where} of {'×'.join(map(str, numbers.shape))}", cells)
