"""Which question: how does a comparison read in 80 columns?

Idea: a line begins with what became of the node, as in a diff: + came, - went, > stands elsewhere, ~ anything else.  Below it
one line for each thing that differs, a → b, with the ratio of counts; two values too long for one line take two.
Cost: none.  Next room: compare.py.
"""

from minicnn.text import table, times

MARKS = {"added": "+", "removed": "-", "moved": ">"}
WIDEST = 22  # letters of a value in a column; a longer one gets lines of its own
WORDS = {
    "multiply_adds": "multiply-adds",
    "bytes": "bytes of maps",
    "peak_bytes": "peak of a forward pass",
    "kept_bytes": "kept for training",
}


def told(comparison) -> str:
    """Return a comparison as text: its count of changes, every change, and the totals."""
    a, b, changes = comparison.a, comparison.b, comparison.changes
    kinds = [change.kind for change in changes]
    counted = [f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds)] or ["nothing changed"]
    head = f"a: {len(a.net)} nodes, b: {len(b.net)} nodes; {', '.join(counted)}, {comparison.same} alike"
    totals = [(WORDS.get(d.what, d.what), d.a, d.b, d.ratio) for d in comparison.totals]
    widths = _widths(changes)
    lines = [line for change in changes for line in _lines(change, widths)]
    return "\n".join([head, "", *lines, *([""] if lines else []), table(("total", "a", "b", "b / a"), totals, align="lrrr")])


def _widths(changes) -> tuple[int, int, int]:
    """Return how wide the columns are: what differs, a, b."""
    found = [d for change in changes for d in change.differences]
    columns = [[len(d.what) for d in found], *([len(getattr(d, side)) for d in found] for side in ("a", "b"))]
    return tuple(max([1, *(n for n in column if n <= WIDEST)]) for column in columns)


def _lines(change, widths):
    """Yield the lines of one change."""
    if change.kind in ("added", "removed"):
        facts = change.a or change.b
        kind = type(facts.layer).__name__ if facts.layer else "input"
        yield f"{MARKS[change.kind]} {change.name}  {kind} {one_image(facts.shape)}"
        return
    yield f"{MARKS.get(change.kind, '~')} {change.name}"
    what, wide_a, wide_b = widths
    for d in change.differences:
        start = f"    {d.what:<{what}}  "
        if max(len(d.a), len(d.b)) > WIDEST:
            yield f"{start}{d.a}"
            yield f"{'':<{len(start)}}→ {d.b}"
        else:
            yield f"{start}{d.a:<{wide_a}} → {d.b:<{wide_b}}  {d.ratio}".rstrip()


def one_image(shape) -> str:
    """Return a shape, the batch left out where it is one image.

    >>> one_image((1, 3, 5, 7)), one_image((2, 10)), one_image((1, 10))
    ('3×5×7', '2×10', '10')
    """
    return times(shape[1:] if len(shape) > 1 and shape[0] == 1 else shape)


def times_as_much(a: int, b: int) -> str:
    """Return b / a in three figures.

    >>> times_as_much(4, 1), times_as_much(3, 1000), times_as_much(0, 5), times_as_much(0, 0), times_as_much(1000000, 1000001)
    ('×0.250', '×333', 'from 0', '×1.00', '×1.00')
    """
    if not a:
        return "from 0" if b else "×1.00"
    ratio = b / a
    return (
        f"×{ratio:.0f}" if ratio >= 99.95 else f"×{ratio:.1f}" if ratio >= 9.995 else f"×{ratio:.2f}" if ratio >= 0.995 else f"×{ratio:.3f}"
    )
