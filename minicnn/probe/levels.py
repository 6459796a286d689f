"""Which question: by which way did a number come from the pixels, told in one line a level?

Idea: an explanation names the number that it used most; that one's explanation is the next line.  What is said of a line is the longest
that fits.
Cost: that of printing.  What it does not do: add up other ways.  Source: none.  Next room: equation.py.
"""

from minicnn.probe.terms import label
from minicnn.text import table

LEAST = 16  # columns for how a number came about; with less it stands on a line of its own


def path(levels, width: int) -> str:
    """Return a path to the pixels, one line a level: the number, its value, and how it came about."""
    facts = [(str(number), label(e.node, (e.channel, *e.at)), short(e.stored)) for number, e in enumerate(levels)]
    used = sum(max(map(len, column)) + 2 for column in zip(("level", "number", "value"), *facts, strict=True))
    beside = width - used >= LEAST
    room = width - used if beside else width - 4 - max(len(value) + 4 for _, _, value in facts)
    hows = [next((how for how in made(e) if len(how) <= room), made(e)[-1]) for e in levels]
    if beside:
        rows = [(*fact, how) for fact, how in zip(facts, hows, strict=True)]
        return table(("level", "number", "value", "how"), rows, align="rlrl")
    lines = ((f"{number}  {name}", f"    = {value}  {how}") for (number, name, value), how in zip(facts, hows, strict=True))
    return "\n".join(line for pair in lines for line in pair)


def made(e) -> tuple[str, ...]:
    """Return how a number came about, in fewer and fewer words."""
    name = type(e.layer).__name__
    if e.kind == "input":
        return (e.equation, "input")
    if e.kind == "function":
        return (e.worked, f"{name} of {' and '.join(short(t.value) for t in e.terms)}", name)
    if e.kind == "normalization":
        t = e.term(0)
        return (f"{short(t.value)} · {short(t.factor)} {'+' if e.bias >= 0 else '-'} {short(abs(e.bias))}", name)
    order = e.ranked()
    if not len(order):
        return (f"from no number: {e.notes[0] if e.notes else 'a constant'}", "from no number")
    if e.kind in ("winner", "softmax"):
        of = "exponentials: a share of them" if e.kind == "softmax" else "cells, the winner"
        return (f"1 of {len(order)} {of}", f"1 of {len(order)}")
    return _largest(e, e.term(int(order[0])))


def _largest(e, t) -> tuple[str, ...]:
    """Return the largest product, and of how many it is that."""
    factor = 1.0 if t.factor is None else t.factor
    if len(e) == 1 and e.bias is None:
        return ("handed on",) if factor == 1 else (f"{short(t.value)} · {short(factor)}", "one product")
    if e.kind == "cells":
        return (f"{len(e):,} cells count; slope {short(factor)}", f"{len(e):,} cells")
    many, product = f"1 of {len(e):,}", f"{short(t.value)} · {short(factor)}"
    if factor == 1:
        return (f"{many} summed: {short(t.value)}", many)
    return (f"{many} products: {product} = {short(t.product)}", f"{many}: {product} = {short(t.product)}", f"{many}: {product}", many)


def short(value: float) -> str:
    """Return a number in few letters."""
    return f"{value:.3g}"
