"""Which question: which indices lie in the first cells of memory?

Idea: an address is a sum of one multiple of each stride, so the cells of an array, lowest first, are the smallest such sums.
A heap hands them out in order: behind each cell come those one step further along some axis.  A line ends where the walk
along the axis of the shortest steps ends; cells between that no index reaches are a dot.

Cost: a heap of some hundred entries.  What it does not do: read a number.
Source: the k smallest sums, as in Dijkstra's algorithm.  Next room: layout.py.
"""

import heapq
from dataclasses import dataclass
from math import prod

WIDTH = 80
LONGEST = 4096  # cells that are walked over in search of a line's end


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of memory: its address, in numbers from the lowest, and the indices of the array that lie there.

    An axis of stride 0 has a * for its index; indices are None where nothing of the array lies in the next `length` cells.
    """

    address: int
    indices: tuple[str, ...] | None
    length: int = 1

    def __str__(self) -> str:
        if self.indices is None:
            return "·" if self.length == 1 else f"·×{self.length}"
        return self.indices[0] + (f" +{len(self.indices) - 1}" if len(self.indices) > 1 else "")


def lines_of(shape, strides, itemsize: int, most: int) -> tuple[tuple[tuple[Cell, ...], ...], int]:
    """Return the first lines of cells of an array, and how many lines there are; none where a stride is no whole number of cells.

    >>> lines, total = lines_of((2, 3), (24, 4), 4, 1)
    >>> [str(cell) for cell in lines[0]], total
    (['0,0', '0,1', '0,2'], 2)
    >>> [str(cell) for cell in lines_of((2, 2), (8, -16), 8, 2)[0][0]]      # 0,1 lies two cells before 0,0
    ['0,1', '1,1']
    """
    if not shape or any(stride % itemsize for stride in strides):
        return (), 0
    steps = [stride // itemsize for stride in strides]
    moving = [k for k, (n, step) in enumerate(zip(shape, steps, strict=True)) if n > 1 and step]
    shortest = min(moving, key=lambda k: abs(steps[k]), default=None)
    run = 1 if shortest is None else shape[shortest]
    overlapping = _overlapping([(abs(steps[k]), shape[k]) for k in moving])
    total = 1 if overlapping else prod(shape[k] for k in moving) // run
    if not overlapping and run > LONGEST:
        return tuple(_long_lines(shape, steps, moving, shortest, min(most, total))), total
    cells = _cells(shape, steps, moving, min(run * most, LONGEST))
    if overlapping:
        return ((tuple(cells),) if most else ()), 1
    return tuple(_split(cells, run))[:most], total


def _overlapping(axes: list[tuple[int, int]]) -> bool:
    """Whether two indices may lie in one cell, or walks along one axis reach into each other."""
    end = 0
    for step, n in sorted(axes):
        if step <= end:
            return True
        end += step * (n - 1)
    return False


def _cells(shape, steps, moving, most: int) -> list[Cell]:
    """Return the `most` lowest cells that hold an index, in order, dots between them."""
    start = tuple(0 for _ in moving)
    heap, seen, found = [(0, start)], {start}, []
    while heap and (len(found) < most or heap[0][0] == found[-1][0]):
        address, place = heapq.heappop(heap)
        label = _label(shape, steps, moving, place)
        if found and found[-1][0] == address:
            found[-1][1].append(label)
        else:
            found.append((address, [label]))
        for axis, k in enumerate(moving):
            after = (*place[:axis], place[axis] + 1, *place[axis + 1 :])
            if after[axis] < shape[k] and after not in seen:
                seen.add(after)
                heapq.heappush(heap, (address + abs(steps[k]), after))
    return _with_dots([Cell(address, tuple(sorted(labels))) for address, labels in found])


def _label(shape, steps, moving, place) -> str:
    """Return the index of a place that counts from the lowest cell, each axis in the direction of its step."""
    index = ["*" if n > 1 and not step else "0" for n, step in zip(shape, steps, strict=True)]
    for k, along in zip(moving, place, strict=True):
        index[k] = str(along if steps[k] > 0 else shape[k] - 1 - along)
    return ",".join(index)


def _with_dots(cells: list[Cell]) -> list[Cell]:
    found: list[Cell] = []
    for cell in cells:
        if found and cell.address > (end := found[-1].address + 1):
            found.append(Cell(end, None, cell.address - end))
        found.append(cell)
    return found


def _split(cells: list[Cell], run: int):
    """Yield lines of `run` cells of the array each; the dots between two lines are nobody's."""
    line: list[Cell] = []
    held = 0
    for cell in cells:
        if cell.indices is None and not held:
            continue
        line.append(cell)
        held += cell.indices is not None
        if held == run:
            yield tuple(line)
            line, held = [], 0


def _long_lines(shape, steps, moving, shortest: int, most: int):
    """Yield lines too long to walk: their first cells, and the last."""
    others = [k for k in moving if k != shortest]
    for line in _cells(shape, steps, others, most):
        if line.indices is None:
            continue
        where = [int(part) if part != "*" else part for part in line.indices[0].split(",")]
        cells = []
        for along in (*range(WIDTH), shape[shortest] - 1):
            where[shortest] = along if steps[shortest] > 0 else shape[shortest] - 1 - along
            cells.append(Cell(line.address + along * abs(steps[shortest]), (",".join(map(str, where)),)))
        yield (*_with_dots(cells[:-1]), cells[-1])


def drawn(lines: tuple[tuple[Cell, ...], ...], total: int, width: int = WIDTH) -> list[str]:
    """Return the lines as text, each from its address on; what does not fit is three dots before its last cell."""
    texts = [[str(cell) for cell in line] for line in lines]
    cell = max((len(text) for line in texts for text in line), default=1)
    edge = max(len(f"{line[0].address:,}") for line in lines) + 3
    most = max((width - edge - 2) // (cell + 2), 3)
    found = []
    for line, words in zip(lines, texts, strict=True):
        shown = words if len(words) <= most else [*words[: most - 2], "…", words[-1]]
        found.append(f"{line[0].address:>{edge},}  " + "  ".join(f"{word:<{cell}}" for word in shown).rstrip())
    more = total - len(lines)
    return [*found, f"{'…':>{edge}}  {more:,} line{'s' * (more > 1)} more"] if more > 0 else found
