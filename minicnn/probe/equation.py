"""Which question: how does an equation of thousands of terms read on 80 columns?

Idea: a window stands as a patch beside its filter and their products, as in the lecture, as long as there are three channels at the most;
of more channels the strongest stands so, and the others are rows of a table, largest sum first, with one line for the rest.  Single
cells are rows of a table.  Below stand the sum, the bias, what is applied to it, and the stored number.

Cost: O(what is printed).  What it does not do: round anything that Explanation holds.
Source: none.  Next room: blocks.py, which draws them.
"""

import textwrap

import numpy as np

from minicnn.field import hull
from minicnn.probe.blocks import CELL, beside, drawn, span
from minicnn.probe.terms import BORDER, Part, Term, label
from minicnn.text import table

IN_FULL = 3  # channels that are all shown as blocks,
LONGEST = 48  # where that takes no more lines
TALLEST = 14  # rows of a block


def told(e, width: int, most: int) -> str:
    """Return the printed answer of an Explanation."""
    image = f", image {e.image}" if e.trace.shapes[e.node][:1] != (1,) and len(e.trace.shapes[e.node]) > 1 else ""
    lines = _wrapped(f"{e.node}, {_words(e.at, e.channel, len(e.trace.shapes[e.node]))}{image}", width)
    if e.layer is None:
        return "\n".join([*lines, f"{e.equation}: {_number(e.stored)}"])
    node = e.net.node(e.node.split(":")[0])
    lines += _wrapped(f"{e.layer!r} of {', '.join(node.inputs)}", width)
    lines += _wrapped(e.equation, width)
    if e.worked:
        lines += _wrapped(f"  = {e.worked}", width)
    body = _body(e, width, most)
    lines += ["", *body] if body else []
    lines += ["", *_totals(e)]
    lines += [line for note in e.notes for line in _wrapped(f"  {note}", width)]
    if len(e) > 1 and (place := e.strongest):
        lines.append(f"used most: {label(place.node, (place.channel, *place.at))}")
    return "\n".join([*lines, *(line for seen in _seen(e) for line in _wrapped(seen, width))])


def _words(at, channel: int, axes: int) -> str:
    """Return a place as it is read aloud."""
    if axes == 2:
        return f"feature {channel}"
    if len(at) == 2:
        return f"channel {channel}, row {at[0]}, column {at[1]}"
    return ", ".join([f"channel {channel}", *(f"place {n}" for n in at)])


def _wrapped(text: str, width: int) -> list[str]:
    indent = "  " if text.startswith("  ") else ""
    whole = {"break_long_words": False, "break_on_hyphens": False}
    return textwrap.wrap(text.strip(), width, initial_indent=indent, subsequent_indent=indent + "  ", **whole)


def _number(value: float) -> str:
    return f"{value:.6g}"


def _short(value: float) -> str:
    return f"{value:.3g}"


def _seen(e) -> list[str]:
    """Return which pixels the number looks at, a line for each input that has any."""
    lines = []
    for name in e.net.inputs:
        if len(e.trace.shapes[name]) != 4:
            continue
        seen = e.seen if name == e.net.inputs[0] else e.pixels(name)
        box, count = hull(seen), int(seen.sum())
        if box is not None:
            every = " (all)" if count == seen.size and count > 1 else ""
            rows, columns = span("row", range(box.top, box.bottom + 1)), span("column", range(box.left, box.right + 1))
            lines.append(f"looks at {rows}, {columns} of {name}: {count:,} pixel{'s' * (count != 1)}{every}")
        elif len(e.net.inputs) == 1:
            lines.append(f"looks at no pixel of {name}")
    return lines


def _body(e, width: int, most: int) -> list[str]:
    """Return the terms: blocks where they are windows, rows of a table where they are single cells."""
    if e.kind in ("function", "normalization") or not len(e):
        return []
    lines: list[str] = []
    singles = [part for part in e.parts if not _is_block(part, width)]
    for part in e.parts:
        if _is_block(part, width):
            lines += ([""] if lines else []) + _windows(e, part, width, most)
    if singles:
        lines += ([""] if lines else []) + _rows(e, singles, width, most)
    return lines


def _is_block(part: Part, width: int) -> bool:
    if part.block is None:
        return False
    _, rows, columns = part.block
    return rows * columns > 1 and rows <= TALLEST and columns * CELL + 2 <= width


def _windows(e, part: Part, width: int, most: int) -> list[str]:
    """Return a block per channel where they are few, else that of the strongest and a table."""
    channels = part.block[0]
    sums = part.products.reshape(channels, -1).sum(1)
    if channels == 1 or (channels <= IN_FULL and channels * len(_block(e, part, 0, width, None)) <= LONGEST):
        lines, running = [], 0.0
        for c in range(channels):
            running += sums[c]
            lines += ([""] if lines else []) + _block(e, part, c, width, running if c else None)
        return lines
    order = np.argsort(-np.abs(np.where(np.isnan(sums), np.inf, sums)), kind="stable")
    lines = [f"the channel that weighs most, of {channels}:", *_block(e, part, int(order[0]), width, None), ""]
    return lines + _channel_table(part, sums, order, most)


def _channel_table(part: Part, sums, order, most: int) -> list[str]:
    size, rows, running = part.products.size // len(sums), [], 0.0
    for c in order[:most]:
        running += sums[c]
        strongest = c * size + int(np.abs(np.nan_to_num(part.products[c * size : (c + 1) * size], nan=np.inf)).argmax())
        term = part.term(int(strongest))
        how = "" if term.factor is None else f"{_short(term.value)} · {_short(term.factor)} = {_short(term.product)}"
        rows.append((str(term.channel), _number(sums[c]), _number(running), how, f"({', '.join(map(str, term.at))})"))
    lines = table(("channel", "sum", "running sum", "largest product in it", "at"), rows, align="rrrll").split("\n")
    left = len(sums) - len(rows)
    if left > 0:
        lines.append(f"and {left} more channel{'s' * (left > 1)}: sum {_number(float(sums[order[most:]].sum()))}")
    return lines


def _block(e, part: Part, c: int, width: int, running: float | None) -> list[str]:
    """Return the patch of one channel beside its filter and products, as far as they fit beside each other."""
    _, rows, columns = part.block
    here = slice(c * rows * columns, (c + 1) * rows * columns)
    shape = (rows, columns)
    marks = (part.marks[here] if part.marks is not None else np.zeros(rows * columns, int)).reshape(shape)
    values, products = part.values[here].reshape(shape), part.products[here].reshape(shape)
    winner = e.main - here.start if e.kind == "winner" and e.main is not None and here.start <= e.main < here.stop else None
    blocks = [drawn("patch", values, marks, winner)]
    if part.factors is not None and _has_filter(e):
        blocks += [drawn(_filter_word(e), part.factors[here].reshape(shape)), drawn("products", products, marks)]
    heading, lines = _wrapped(_heading(part, c), width), beside(blocks, columns, width)
    if e.kind == "winner" or len(blocks) == 1:
        return heading + lines
    end = f"sum {_number(float(products.sum()))}" + ("" if running is None else f", running sum {_number(running)}")
    return [*heading, *lines, f"{end:>{max(map(len, lines))}}"]


def _has_filter(e) -> bool:
    return getattr(e.layer, "weight", None) is not None or type(e.layer).__name__ == "Upsample"


def _filter_word(e) -> str:
    return "filter" if getattr(e.layer, "weight", None) is not None else "weights"


def _heading(part: Part, c: int) -> str:
    size = part.block[1] * part.block[2]
    index = part.index[c * size : (c + 1) * size].reshape(*part.block[1:], -1)
    rows, columns = span("row", index[:, 0, -2]), span("column", index[0, :, -1])
    border = " (the border repeats cells)" if part.marks is not None and (part.marks == BORDER).any() else ""
    return f"channel {int(part.channels[c * size])} of {part.map}: {rows}, {columns}{border}"


def _rows(e, parts: list[Part], width: int, most: int) -> list[str]:
    """Return single cells as rows of a table: all where they are few, else the strongest and one line for the rest."""
    chosen, offset = [], 0
    for part in e.parts:
        if any(part is one for one in parts):
            chosen += range(offset, offset + len(part))
        offset += len(part)
    if len(chosen) > most:
        among = set(chosen)
        shown = [int(place) for place in e.ranked() if place in among][:most]
    else:
        shown = chosen
    if not shown:
        return [f"all {len(chosen):,} cells are padding"]
    terms = [e.term(place) for place in shown]
    one = len({part.map for part in e.parts if len(part)}) == 1
    lines = _term_table(e, terms, one, width)
    left = len(chosen) - len(shown)
    if left > 0 and e.kind == "winner":
        lines.append(f"and {left:,} more cell{'s' * (left > 1)}")
    elif left > 0:
        rest = float(np.delete(e.products[chosen], [chosen.index(place) for place in shown]).sum())
        what = "sum of their slope · value" if e.kind == "cells" else "sum"
        lines.append(f"and {left:,} more cell{'s' * (left > 1)}: {what} {_number(rest)}")
    return lines


def _term_table(e, terms: list[Term], one: bool, width: int) -> list[str]:
    head, bodies, running = _columns(e), [], 0.0
    for t in terms:
        running += t.product
        value = t.mark if t.mark == "padding" else _number(t.value)
        factor = "" if t.factor is None else _number(t.factor)
        cells = {"value": value, "factor": factor, "product": _number(t.product), "running": _number(running), "mark": t.mark}
        bodies.append((label("" if one else t.map, (t.channel, *t.at)), *(cells[key] for key, _ in head)))
    titles = (f"cell of {terms[0].map}" if one else "cell", *(title for _, title in head))
    lines = table(titles, bodies, align="l" + "r" * len(head)).split("\n")
    if max(map(len, lines)) <= width:
        return lines
    found = []  # a name that does not fit stands on a line of its own
    for row in bodies:
        found += [row[0], "    " + "  ".join(f"{cell:>12}" for cell in row[1:])]
    return ["cell", "    " + "  ".join(f"{title:>12}" for _, title in head), *found]


def _columns(e) -> list[tuple[str, str]]:
    if e.kind == "cells":
        return [("value", "value"), ("factor", "slope dy/dx"), ("product", "slope · value")]
    if e.kind == "softmax":
        return [("value", "x"), ("product", "exp(x - max)")]
    if e.kind == "winner":
        return [("value", "value"), ("mark", "")]
    if len(e) == 1 and e.products[0] == e.terms[0].value:
        return [("value", "value")]
    weight = "weight" if getattr(e.layer, "weight", None) is not None else "factor"
    plain = all(part.factors is None or (part.factors == 1).all() for part in e.parts)
    columns = [("value", "value"), *([] if plain else [("factor", weight), ("product", "product")])]
    return columns + ([("running", "running sum")] if len(e) > 1 else [])


def _totals(e) -> list[str]:
    """Return the lines from the sum of the products to the stored number."""
    rows = []
    if _is_mean(e):
        cells = float(sum(part.values.sum() for part in e.parts))
        rows += [(f"sum of {len(e):,} cells", cells), (f"times 1/{1 / e.parts[0].factors[0]:.0f}", e.sum)]
    elif e.kind == "products" and not len(e) and e.bias is not None:
        rows.append(("bias" if getattr(e.layer, "bias", None) is not None else "constant", e.bias))
    elif e.kind == "products" and (len(e) > 1 or e.bias is not None or e.activation):
        rows.append((f"sum of {len(e):,} product{'s' * (len(e) != 1)}", float(e.products.sum())))
        if e.bias is not None:
            rows += [("+ bias", e.bias), ("= sum", e.sum)]
        if e.activation:
            rows.append((f"{e.activation} at the store", e.result))
    if e.kind == "softmax":
        rows.append((f"sum of {len(e):,} exponentials", e.sum))
    if e.kind in ("softmax", "cells", "normalization", "function") and not e.worked:
        rows.append(("forward, run again", e.result))
    rows.append(("stored", e.stored))
    wide = max(len(name) for name, _ in rows)
    lines = [f"  {name:<{wide}}  {_number(value):>12}" for name, value in rows]
    return [*lines[:-1], f"{lines[-1]}   ({e.trace[e.node].data.dtype}), {_kept(e)}"]


def _is_mean(e) -> bool:
    return type(e.layer).__name__ in ("AvgPool2d", "AdaptiveAvgPool2d") and len(e) > 0


def _kept(e) -> str:
    """Return how far the stored number lies from the equation."""
    if e.difference == 0:
        return "exactly"
    if e.agrees:
        return f"{e.difference:.1e} off, {e.allowed:.1e} allowed"
    return f"{e.difference:.1e} off, MORE than the {e.allowed:.1e} allowed"
