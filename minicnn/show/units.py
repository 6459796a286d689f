"""Which question: which numbers does a page explain, and how does an explanation fit into few bytes?

Idea: three numbers of every map are explained with their own terms (probe.explain): those that the explained numbers of later maps
used most, so that a number can be followed down to its pixel, then the largest, one whose window reaches over the border, and a
typical one, in the middle of the channel whose middle is the median.  The terms travel as columns: values and factors in four bytes each where
that is exact, the cells of a window as its channels × rows × columns.  The page's source.js makes the terms again, the same
numbers as probe.explain(...).to_dict().  Where all that does not fit, as of ResNet-50, the maps with the longest sums keep fewer, one at least.

Cost: 0.1 ms a number, but where a layer looks at whole maps.  What it does not do: explain numbers with more than MOST terms.
Source: none.  Next rooms: probe/explaining.py, viewer/source.js.
"""

from collections import defaultdict

import numpy as np

from minicnn.axis import Whole
from minicnn.network import Description, FeatureMap, Network, Trace
from minicnn.network.thumbnail import planes
from minicnn.probe import Explanation, explain
from minicnn.probe.terms import Part
from minicnn.show.encoded import encoded_exactly, jsonable
from minicnn.show.held import EXPLAINED, fair
from minicnn.show.positions import Sight, reach, rules_of

NUMBERS = 3  # of a map that are explained, and a fourth where none of them is at the border
MOST = 30_000  # terms of one number
MOST_READ = 1 << 20  # numbers of an input that a layer sees all of: explaining one of its outputs reads every one
GRID = 5  # rows and columns of numbers that a full page explains beside


def explained(net: Network, trace: Trace, sight: Sight, full: bool = False) -> dict[str, dict]:
    """Return the explanations that a page holds, by map and then by "channel,row,column".

    From the last map to the first, so that the number that another one used most is held too: a page without
    Python can follow it, level by level, down to a pixel.

    >>> from minicnn import nn, trace
    >>> net = nn.Sequential(nn.ReLU(), nn.MaxPool2d(2))
    >>> t = trace(net, np.arange(12.0).reshape(1, 1, 2, 6))
    >>> {name: list(units) for name, units in explained(net, t, Sight(t.description)).items()}
    {'x': [], 'relu1': ['0,1,5', '0,1,1', '0,1,3', '0,0,0'], 'pool1': ['0,0,2', '0,0,0', '0,0,1']}
    """
    used: dict[str, list] = defaultdict(list)
    held: dict[str, dict] = {}
    for found in reversed(list(trace)):
        held[found.name] = {}
        if found.node is None or not found.data.size or _reads_much(found, trace.description):
            continue
        own = chosen(found, trace.description, full)
        followed = list(dict.fromkeys(used[found.name]))[:NUMBERS]
        rest = own if full else own[: NUMBERS - len(followed)]
        for channel, at in dict.fromkeys([*followed, *rest, *own[1:2]]):  # the one at the border in any case
            explanation = explain(net, trace, found.name, channel, at)
            if len(explanation) <= MOST:
                held[found.name][key(channel, at)] = compact(explanation, sight)
                strongest = explanation.strongest
                if strongest is not None:
                    used[strongest.node].append((strongest.channel, strongest.at))
    units = {each.name: held[each.name] for each in trace}
    return units if full else fitting(units)


def fitting(units: dict[str, dict], total: int = EXPLAINED) -> dict[str, dict]:
    """Return as many of each map's explanations as its fair share of bytes has room for, the first in any case.

    >>> own = {"values": encoded_exactly(np.zeros(100)), "factors": None, "products": None}
    >>> [len(kept) for kept in fitting({"a": {"0": {"parts": []}}, "b": dict.fromkeys("123", {"parts": [own]})}, total=900).values()]
    [1, 2]
    """
    sizes = {name: [_bytes(unit) for unit in of.values()] for name, of in units.items()}
    shares = fair([sum(each) for each in sizes.values()], total, 0)
    kept = {}
    for (name, of), share in zip(units.items(), shares, strict=True):
        room = np.cumsum(sizes[name]) <= share
        kept[name] = dict(list(of.items())[: max(1, int(room.sum()))])
    return kept


def _bytes(unit: dict) -> int:
    """Return the bytes of an explanation's numbers."""
    arrays = [part[name] for part in unit["parts"] for name in ("values", "factors", "products")]
    return sum(len(array["data"]) * 3 // 4 for array in arrays if array)


def key(channel: int, at) -> str:
    """Return the name of a unit among those of its map.

    >>> key(3, (4, 5)), key(3, ())
    ('3,4,5', '3')
    """
    return ",".join(map(str, (channel, *at)))


def _reads_much(found: FeatureMap, description: Description) -> bool:
    shapes = description.shapes
    pairs = zip(found.node.inputs, rules_of(found.node, shapes), strict=True)
    return any(any(isinstance(rule, Whole) for rule in rules) and np.prod(shapes[feeder]) > MOST_READ for feeder, rules in pairs)


def chosen(found: FeatureMap, description: Description, full: bool = False) -> list[tuple[int, tuple[int, ...]]]:
    """Return (channel, place) of the largest number, of one at the border, and of a typical one; a full page adds a grid of places."""
    own = planes(found.data)
    numbers = np.where(np.isnan(own), -np.inf, own)
    top = _at(numbers.argmax(), own.shape)
    middle = own.shape[1] // 2, own.shape[2] // 2
    edge = _edge(found, description, *own.shape[1:])
    border = (top[0], *edge) if edge else _at(numbers.argmin(), own.shape)
    order = np.argsort(numbers[:, *middle], kind="stable")
    units = [top, border, (int(order[len(order) // 2]), *middle)]
    if full:
        rows, columns = (sorted({round(at * (n - 1) / (GRID - 1)) for at in range(GRID)}) for n in own.shape[1:])
        units += [(top[0], i, j) for i in rows for j in columns]
    return [(channel, _place(found.data.shape, i, j)) for channel, i, j in dict.fromkeys(units)]


def _at(flat, shape) -> tuple[int, int, int]:
    channel, i, j = map(int, np.unravel_index(flat, shape))
    return channel, i, j


def _place(shape: tuple[int, ...], i: int, j: int) -> tuple[int, ...]:
    """Return the place within a channel that is row i and column j of its plane."""
    if len(shape) < 3:
        return ()
    return (*map(int, np.unravel_index(i, shape[2:-1])), j) if len(shape) > 3 else (j,)


def _edge(found: FeatureMap, description: Description, rows: int, columns: int) -> tuple[int, int] | None:
    """Return a place whose window reaches outside of the first input, None where none does."""
    outside = reach(found.node, description.shapes, found.name) if found.data.ndim == 4 else None
    if outside is None:
        return None
    row = 0 if outside["top"] else rows - 1 if outside["bottom"] else rows // 2
    return row, 0 if outside["left"] else columns - 1 if outside["right"] else columns // 2


def compact(own: Explanation, sight: Sight) -> dict:
    """Return an explanation as plain data, its terms as columns."""
    names = ("channel", "at", "image", "kind", "equation", "worked", "bias", "activation", "sum", "result", "stored", "difference")
    box, pixels = sight.pixels(own.node, *(own.at if len(own.at) == 2 else (0, 0)))
    facts = {name: getattr(own, name) for name in (*names, "allowed", "agrees", "notes", "main")}
    strongest = own.strongest
    return {
        **jsonable(facts),
        "strongest": strongest and jsonable(strongest._asdict()),
        "box": box and {side: getattr(box, side) for side in ("top", "left", "bottom", "right")},
        "pixels": pixels,
        "parts": [_packed(part) for part in own.parts],
    }


def _packed(part: Part) -> dict:
    """Return the terms of one input map: value, factor and product of each, and where the cells lie."""
    with np.errstate(all="ignore"):
        implied = part.values if part.factors is None else part.values * part.factors
    if part.marks is not None:
        implied = np.where(part.marks == 1, 0.0, implied)
    derived = np.array_equal(implied, part.products, equal_nan=True)
    marks = None if part.marks is None or not part.marks.any() else part.marks.tolist()
    return {
        "map": part.map,
        **_cells(part),
        "values": encoded_exactly(part.values),
        "factors": None if part.factors is None else encoded_exactly(np.ascontiguousarray(part.factors)),
        "products": None if derived else encoded_exactly(part.products),
        "marks": marks,
    }


def _cells(part: Part) -> dict:
    """Return where the cells lie: of a window its axes, of others every index, axis by axis; runs of even steps as [first, step, count]."""
    axes = part.index.shape[1]
    if part.block is None or not len(part):
        return {"block": None, "index": [_run(part.index[:, axis]) for axis in range(axes)]}
    grid = part.index.reshape(*part.block, axes)
    lead = [int(n) for n in grid[0, 0, 0, : axes - 3]]
    own = grid[:, 0, 0, axes - 3], grid[0, :, 0, axes - 2], grid[0, 0, :, axes - 1]
    return {"block": list(part.block), "index": [*([n] for n in lead), *map(_run, own)]}


def _run(numbers: np.ndarray) -> list | dict:
    """Return whole numbers as a list, or as the run that they are.

    >>> _run(np.array([4, 6, 8])), _run(np.array([1, 0, 1]))
    ({'first': 4, 'step': 2, 'count': 3}, [1, 0, 1])
    """
    if len(numbers) > 2 and (np.diff(numbers) == numbers[1] - numbers[0]).all():
        return {"first": int(numbers[0]), "step": int(numbers[1] - numbers[0]), "count": len(numbers)}
    return numbers.tolist()
