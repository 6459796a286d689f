"""Which question: what shrank, what grew, what does it weigh, and what did the network answer?

Idea: a trace holds all the numbers; here they become a few sentences, and the same numbers as data.
Cost: none beside the trace.  Next room: table.py.
"""

from itertools import pairwise
from math import prod

from minicnn.cli.table import firm
from minicnn.cli.terminal import Terminal
from minicnn.text import times

TOP = 5
BAR = 30  # letters for a probability of 100 %
EIGHTHS = " ▏▎▍▌▋▊▉"


def network_line(model: str, weights: str, found) -> str:
    """Return what network this is, in one line of facts."""
    facts = found.description
    known = "random weights, so the answer means nothing" if weights == "random" else weights
    return f"{model} ({known}): {len(found.net)} nodes, {facts.parameters:,} parameters, {facts.multiply_adds:,} multiply-adds"


def classes(found) -> list[dict]:
    """Return the classes of largest probability, [] where the output is no row of scores."""
    import numpy as np

    from minicnn import functional, models

    scores = found.outputs[0]
    if scores.ndim != 2 or not np.isfinite(scores).all():
        return []
    shares = functional.softmax(scores, 1)[0]
    names = models.imagenet_classes() if len(shares) == 1000 else [f"class {index}" for index in range(len(shares))]
    best = np.argsort(-shares, kind="stable")[:TOP]
    return [{"index": int(i), "name": names[i], "probability": float(shares[i])} for i in best]


def numbers(found, statistics) -> dict:
    """Return what shrank, what grew and what it weighs, as data."""
    facts = found.description
    rows = list(facts)
    spatial = [row for row in rows if len(row.shape) == 4]
    known = [row for row in rows if row.field.size is not None]
    largest, widest = max(rows, key=lambda row: prod(row.shape)), max(rows, key=lambda row: row.shape[1])
    deepest = max(known, key=lambda row: max(row.field.size))  # the first of equals
    changes = [row for before, row in pairwise(spatial) if before.shape[2:] != row.shape[2:]]
    peak_node, peak_bytes = max(facts.memory_curve(), key=lambda point: point[1])
    active = [each for each in found if each.kind == "activation"]
    return {
        "resolution": [{"node": row.name, "size": row.shape[2:]} for row in [*spatial[:1], *changes]],
        "channels": {"first": rows[0].shape[1], "most": widest.shape[1], "node": widest.name},
        "numbers_per_map": {
            "first": prod(rows[0].shape),
            "most": prod(largest.shape),
            "node": largest.name,
            "last": prod(rows[-1].shape),
        },
        "field": {"first": rows[0].field.size, "largest": deepest.field.size, "node": deepest.name},
        "zeros": [{"node": each.name, "share": statistics[each.name].zeros} for each in (active[:1] + active[-1:])],
        "memory": {"all_maps_bytes": found.nbytes, "peak_bytes": peak_bytes, "peak_node": peak_node},
        "parameters": facts.parameters,
        "multiply_adds": facts.multiply_adds,
    }


def tell(terminal: Terminal, found, statistics, top: list[dict]) -> None:
    """Print the classes, then what shrank, what grew and what it weighs."""
    if top:
        terminal.line()
        terminal.line("The answer", "bold")
        _bars(terminal, top)
    told = numbers(found, statistics)
    terminal.line()
    terminal.line("What shrank", "bold")
    sizes = told["resolution"]
    terminal.fact("rows, columns", " → ".join(times(step["size"]) for step in sizes) + f", at {', '.join(s['node'] for s in sizes[1:])}")
    per_map = told["numbers_per_map"]
    terminal.fact(
        "numbers",
        f"{per_map['first']:,} in the photo, {per_map['most']:,} at most (in {per_map['node']}), {per_map['last']:,} in the answer",
    )
    terminal.line("What grew", "bold")
    channels, field = told["channels"], told["field"]
    terminal.fact("channels", f"{channels['first']} → {channels['most']:,} (at {channels['node']})")
    terminal.fact("field", _field_sentence(field, found))
    if told["zeros"]:
        shares = [f"{step['share']:.0%} of {step['node']}" for step in told["zeros"]]
        terminal.fact("zeros", ", ".join(shares) + " (the first and the last activation)")
    terminal.line("What it weighs", "bold")
    memory = told["memory"]
    terminal.fact(
        "bytes",
        f"{firm(memory['all_maps_bytes'], 'B')} for all {len(found)} maps, which a trace keeps; a plain forward pass holds "
        f"{firm(memory['peak_bytes'], 'B')} at most, while {memory['peak_node']} is computed",
    )


def _field_sentence(field: dict, found) -> str:
    photo = found.description[found.net.inputs[0]].shape[2:]
    size = field["largest"]
    first, last = (str(pair[0]) if pair[0] == pair[1] else times(pair) for pair in (field["first"], size))
    words = f"{first} → {last} px (from {field['node']} on), on a photo of {times(photo)}"
    return words + ("; what lies beyond it is padding" if any(a > b for a, b in zip(size, photo, strict=True)) else "")


def _bars(terminal: Terminal, top: list[dict]) -> None:
    names = [row["name"].split(",")[0] for row in top]
    room = max(map(len, names))
    for row, name in zip(top, names, strict=True):
        whole, part = divmod(round(row["probability"] * BAR * 8), 8)
        bar = "█" * whole + EIGHTHS[part].strip()
        terminal.line(f"  {row['index']:>4}  {name:<{room}}  {row['probability']:6.1%}  {bar}")
