"""Which question: how do a feature map, a trace and a network look in a notebook?

Idea: the table that print() shows, as HTML with every name escaped, and thumbnails as PNGs that the page holds itself (thumbnail.py).
Notebooks are saved with what their cells showed, so each answer stays under 50 KB: long tables are cut in the middle, and say so.

Cost: one pass over the maps for their statistics, as in print().  What it does not do: anything that moves; show.stepper does.
Source: IPython's documentation of rich display (_repr_html_).  Next rooms: trace.py, graph.py, which show this.
"""

import numpy as np

from minicnn.network.thumbnail import picture, planes, shrunk, small_size
from minicnn.text import Markup, count, data_uri, html_table, markup, plural, png, times

MOST_BYTES = 50_000
ROWS, LAST = (180, 150, 90, 40), 20  # at most, of which so many from the end: the first number that keeps below MOST_BYTES
MOST_NAME = 48  # letters
MOST_CHANNELS, ACROSS = 24, 12  # of one map
MOST_PICTURES = 8  # of a trace
MOST_FILTERS = 64
# Notebooks have styles of their own for tables: marimo's leaves no room between columns, JupyterLab's sets words to the right.
STYLE = "div.minicnn-shown table :is(td,th){padding:1px 8px;text-align:left}div.minicnn-shown table [align=right]{text-align:right}"
PIXELATED = "image-rendering:pixelated;vertical-align:middle"


def feature_map_html(found) -> str:
    """Return a feature map as HTML: what it is, its statistics, and the channels that vary most.

    >>> from minicnn import nn, trace
    >>> feature_map_html(trace(nn.ReLU(), np.ones((1, 2, 3, 4), np.float32))["relu1"]).count("<img")
    1
    """
    s = found.statistics
    numbers = [f"{value:.4g}" for value in (s.mean, s.std, s.min, s.max)]
    head = ("map", "kind", "shape", "mean", "std", "min", "max", "zeros", "dead", "field (size / stride / padding)")
    row = (short(found.name), found.kind, times(found.shape), *numbers, f"{s.zeros:.0%}", len(s.dead_channels) or "", str(found.field))
    table = html_table(head, [row], align="lllrrrrrrl")
    chosen = _varied(found.data, MOST_CHANNELS)
    if chosen is None:
        return _framed(table)
    tiles, channels, of = chosen
    those = f"all {of}" if len(channels) == of else f"the {len(channels)} of {of} that vary most: {', '.join(map(str, channels))}"
    scale = "one colour scale, white is 0" if s.min < 0 else "one colour scale"
    image = _image(picture(tiles, ACROSS, bool(s.min < 0)), f"channels of {found.name}", width=_wide(tiles))
    return _framed(f"{table}{image}<div>channels: {those}; {scale}</div>")


def trace_html(trace) -> str:
    """Return a trace as HTML: a row for every map, and for some of them the channel that varies most.

    >>> from minicnn import nn, trace
    >>> trace_html(trace(nn.ReLU(), np.ones((1, 2, 3, 4), np.float32))).count("<tr>")
    3
    """
    return _short_enough(lambda most: _trace_html(trace, most))


def _trace_html(trace, most: int) -> str:
    maps = list(trace)
    drawn = [each.name for each in maps if each.ndim == 4 and each.data.size and min(each.shape[2:]) > 1]
    drawn = {drawn[at] for at in _spread(len(drawn), MOST_PICTURES)}
    rows = []
    for each in _ends(maps, most):
        s = each.statistics
        tiles = _varied(each.data, 1) if each.name in drawn else None
        look = "" if tiles is None else _image(picture(tiles[0], 1, bool(s.min < 0)), f"channel {tiles[1][0]} of {each.name}", height=56)
        numbers = [f"{value:.3g}" for value in (s.mean, s.std, s.min, s.max)]
        rows.append((short(each.name), each.kind, times(each.shape), *numbers, f"{s.zeros:.0%}", len(s.dead_channels) or "", look))
    head = ("map", "kind", "shape", "mean", "std", "min", "max", "zeros", "dead", "the channel that varies most")
    table = html_table(head, _with_gap(rows, len(maps), most), align="lllrrrrrrl")
    return _framed(f"{table}<div>{len(maps)} maps, {count(trace.nbytes, 'B')}</div>")


def network_html(net) -> str:
    """Return a network as HTML: a row for every node, and the filters of its first convolution where it has numbers.

    >>> from minicnn import nn
    >>> network_html(nn.Sequential(nn.Conv2d(3, 4, 5))).count("<img")
    1
    """
    return _short_enough(lambda most: _network_html(net, most))


def _network_html(net, most: int) -> str:
    counted: set[int] = set()
    learned = []
    for node in net.nodes:
        learned.append(0 if id(node.layer) in counted else sum(array.size for array in node.layer.parameters().values()))
        counted.add(id(node.layer))
    listed = list(zip(net.nodes, learned, strict=True))
    rows = [
        (short(n.name), short(repr(n.layer), 2 * MOST_NAME), short(", ".join(n.inputs), 2 * MOST_NAME), f"{size:,}" if size else "")
        for n, size in _ends(listed, most)
    ]
    table = html_table(("node", "layer", "inputs", "parameters"), _with_gap(rows, len(listed), most), align="lllr")
    ways = f"{', '.join(net.inputs)} → {', '.join(net.outputs)}"
    return _framed(f"{table}<div>{markup(short(ways, 200))}: {plural(len(net), 'node')}, {sum(learned):,} parameters</div>{_filters(net)}")


def _filters(net) -> str:
    """Return the filters of the first convolution as a picture: in colour where they look at three channels, else the first of their own."""
    weight, name = next(
        ((node.layer.weight, node.name) for node in net.nodes if len(getattr(getattr(node.layer, "weight", None), "shape", ())) == 4),
        (None, ""),
    )
    if not isinstance(weight, np.ndarray) or not weight.size or max(weight.shape[2:]) < 2:
        return ""
    shown = weight[:MOST_FILTERS]
    shown = shown if max(shown.shape[2:]) <= 16 else shrunk(shown, small_size(*shown.shape[2:], 16))
    across = min(16, len(shown))
    if shown.shape[1] != 3:
        data = picture(shown[:, 0], across, signed=True)
    else:
        top = np.abs(shown[np.isfinite(shown)]).max(initial=0) or 1.0
        tiles = (
            np.nan_to_num(shown.transpose(0, 2, 3, 1) / top * 127.5 + 127.5, nan=255, posinf=255, neginf=0).clip(0, 255).astype(np.uint8)
        )
        data = _coloured(tiles, across)
    those = f"{len(shown)} of {len(weight)}" if len(shown) < len(weight) else "all"
    colour = "three input channels as red, green and blue, grey is 0" if shown.shape[1] == 3 else "their first input channel, white is 0"
    image = _image(data, f"filters of {name}", width=(shown.shape[3] + 1) * across * max(1, 20 // shown.shape[3]))
    return f"{image}<div>filters of {markup(short(name))}: {those}; {colour}</div>"


def _coloured(tiles: np.ndarray, across: int) -> bytes:
    """Return (tiles, rows, columns, 3) of bytes as one PNG."""
    number, rows, columns, _ = tiles.shape
    canvas = np.full((-(-number // across) * (rows + 1) - 1, across * (columns + 1) - 1, 3), 255, np.uint8)
    for place, tile in enumerate(tiles):
        top, left = place // across * (rows + 1), place % across * (columns + 1)
        canvas[top : top + rows, left : left + columns] = tile
    return png(canvas.tobytes(), canvas.shape[1], canvas.shape[0])


def _varied(data: np.ndarray, most: int):
    """Return thumbnails of the channels of the first image that vary most, their numbers, and how many there are."""
    if data.ndim < 3 or not data.size:
        return None
    own = planes(data)
    channels = varied(own, most)
    return shrunk(own[channels], small_size(*own.shape[1:])), channels.tolist(), len(own)


def varied(own: np.ndarray, most: int) -> np.ndarray:
    """Return the numbers of the channels (C, rows, columns) that vary most, in order; one that holds NaN or ∞ counts as varying.

    >>> varied(np.array([[[1.0, 1.0]], [[0.0, 9.0]], [[2.0, 3.0]]]), 2)
    array([1, 2])
    """
    if len(own) <= most:
        return np.arange(len(own))
    with np.errstate(all="ignore"):
        spread = own.std(axis=(1, 2), dtype=np.float64)
    spread[np.isnan(spread)] = np.inf
    return np.sort(np.argsort(-spread, kind="stable")[:most])


def short(name: str, most: int = MOST_NAME) -> str:
    """Return a name, cut in the middle where it is long.

    >>> short("conv1"), short("abcdefghij", 5)
    ('conv1', 'ab…ij')
    """
    half = (most - 1) // 2
    return name if len(name) <= most else f"{name[:half]}…{name[-half:]}"


def _spread(n: int, most: int) -> list[int]:
    """Return so many places out of n, evenly spread."""
    return sorted({round(at * (n - 1) / max(most - 1, 1)) for at in range(min(n, most))}) if n > most else list(range(n))


def _short_enough(told) -> str:
    """Return what told(rows) says with as many rows as there is room for."""
    for most in ROWS:
        text = told(most)
        if len(text.encode()) < MOST_BYTES:
            break
    return text


def _ends(items: list, most: int) -> list:
    """Return the first and the last of many."""
    return items if len(items) <= most else items[: most - LAST] + items[-LAST:]


def _with_gap(rows: list, of: int, most: int) -> list:
    """Return the rows with one in between that says how many are left out."""
    if len(rows) == of:
        return rows
    note = (f"… {of - len(rows):,} more …", *[""] * (len(rows[0]) - 1))
    return [*rows[: most - LAST], note, *rows[most - LAST :]]


def _wide(tiles: np.ndarray) -> int:
    """Return how wide a mosaic is shown: small cells are enlarged."""
    columns = tiles.shape[2]
    across = min(ACROSS, len(tiles))
    return across * (columns + 1) * max(1, round(56 / max(columns, tiles.shape[1])))


def _image(data: bytes, words: str, **size: int) -> Markup:
    wanted = "".join(f' {side}="{value}"' for side, value in size.items())
    return Markup(f'<img src="{data_uri(data)}" alt="{markup(short(words, 80))}"{wanted} style="{PIXELATED}">')


def _framed(inside: str) -> str:
    return f'<style>{STYLE}</style><div class="minicnn-shown" style="overflow-x:auto">{inside}</div>'
