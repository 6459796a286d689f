"""How do the figures of many layers become tables that fit a terminal of 80 columns, and a few sentences?

Idea: a table per class and batch, a row per layer; then the geometric means (the mean of ratios: 2 and 1/2 make 1), by
class and over all, and the layers where a peer is furthest ahead.  All of it is read from the document that --json
writes, so nothing is printed that is not in the file.
Cost: none.  Next rooms: chart.py for pictures, conv.py.
"""

from rich.table import Table
from rich.text import Text
from turns import geometric_mean

from minicnn.cli.terminal import Terminal, plain

SHORT = {"torch": "torch", "channels_last": "ch.last", "onnxruntime": "onnx", "im2col-dot": "im2col", "loops": "loops", "scipy": "scipy"}
WORST = 5


def ratio(value: float | None) -> str:
    """Return a ratio in few letters, nothing where a peer was left out.

    >>> ratio(1.234), ratio(12.34), ratio(1234.5), ratio(None)
    ('1.23', '12.3', '1234', '')
    """
    if value is None:
        return ""
    return f"{value:.2f}" if value < 9.995 else f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def milliseconds(value: float) -> str:
    """Return a time of some microseconds up to seconds in four letters or five.

    >>> milliseconds(0.0123), milliseconds(4.567), milliseconds(1234.0)
    ('0.012', '4.57', '1234')
    """
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def candidates(rows: list[dict]) -> list[str]:
    """Return the names of what was timed beside us, in the order of the tables."""
    seen = {name for row in rows for name in row["ratios"]}
    return [name for name in SHORT if name in seen]


def means(rows: list[dict], peers: list[str]) -> dict[str, float]:
    """Return the geometric mean of each peer's ratios over the rows that have one."""
    found = {name: [row["ratios"][name] for row in rows if name in row["ratios"]] for name in peers}
    return {name: geometric_mean(values) for name, values in found.items() if values}


def groups(rows: list[dict]) -> dict[tuple[int, str], list[dict]]:
    """Return the rows by (batch, class), in their order."""
    found: dict[tuple[int, str], list[dict]] = {}
    for row in rows:
        found.setdefault((row["batch"], row["kind"]), []).append(row)
    return found


def worst(rows: list[dict], peer: str, count: int = WORST) -> list[dict]:
    """Return the rows where a peer is furthest ahead."""
    return sorted((row for row in rows if peer in row["ratios"]), key=lambda row: row["ratios"][peer])[:count]


class Sheet:
    """A table without lines, whose cells stay whole in 80 columns and in a terminal that knows ASCII only."""

    def __init__(self, terminal: Terminal, title: str, head: list[str], left: int = 1):
        self.terminal, self.title = terminal, title
        self.table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
        for place, word in enumerate(head):
            self.table.add_column(self._text(word), justify="left" if place < left else "right", no_wrap=True)

    def row(self, *cells: str | Text, style: str = "") -> None:
        self.table.add_row(*(cell if isinstance(cell, Text) else self._text(cell) for cell in cells), style=style)

    def ratio(self, value: float | None) -> Text:
        """Return a ratio as a cell, coloured where a peer is ahead."""
        return self._text(ratio(value), "red" if value is not None and value < 0.9 else "")

    def print(self) -> None:
        self.terminal.line()
        self.terminal.line(self.title, "bold")
        self.terminal.out.print(self.table)

    def _text(self, text: str, style: str = "") -> Text:
        return Text(plain(text, self.terminal.out.encoding), style)


def words(threads: int) -> str:
    return f"{threads} thread{'s' * (threads != 1)}"


def show_layers(document: dict, terminal: Terminal) -> None:
    """Print everything about a document of conv.py."""
    head(document, terminal)
    for run in document["runs"]:
        _show_run(run, terminal)
    terminal.line()
    terminal.fact("ratio", "a peer's time / ours, the median over rounds: above 1 we are faster")
    terminal.fact("%pk, %rf", "of the peak of FMAs, and of the roofline: the lesser of the peak and of what the copy's bandwidth "
                  "allows for the layer's bytes. Operations are the equation's: Winograd does fewer, and maps that stay in the caches "
                  "need no memory, so both may pass 100%")  # fmt: skip


def head(document: dict, terminal: Terminal) -> None:
    terminal.say(", ".join(f"{name} {value}" for name, value in document["facts"].items()))


def _show_run(run: dict, terminal: Terminal) -> None:
    rows = run["rows"]
    peers = candidates(rows)
    terminal.line()
    terminal.line(words(run["threads"]), "bold")
    terminal.fact(
        "peak", f"{run['peak_gflops']:.0f} GFLOP/s (vectors of {run['lanes']} lanes), a copy moves {run['copy_gb_per_second']:.1f} GB/s"
    )
    for (batch, kind), members in groups(rows).items():
        sheet = Sheet(
            terminal,
            f"{kind}, batch {batch}, {words(run['threads'])}",
            ["layer", "algorithm", "ms", *(SHORT[p] for p in peers), "GF/s", "%pk", "%rf"],
            2,
        )
        for row in members:
            shares = (f"{row['gflops']:.0f}", f"{100 * row['of_peak']:.0f}", f"{100 * row['of_roofline']:.0f}")
            own = (row["name"], row["algorithm"], milliseconds(row["milliseconds"]["minicnn"]))
            sheet.row(*own, *(sheet.ratio(row["ratios"].get(peer)) for peer in peers), *shares)
        sheet.print()
    if peers:
        _show_means(run, peers, terminal)
        for peer in peers:
            found = [f"{row['name']} (batch {row['batch']}) {ratio(row['ratios'][peer])}" for row in worst(rows, peer)]
            terminal.fact(f"least {SHORT[peer]}", "; ".join(found))
    for peer, reason in dict.fromkeys(item for row in rows for item in row["left_out"].items()):
        terminal.fact(f"no {peer}", f"on some layers: {reason}")


def _show_means(run: dict, peers: list[str], terminal: Terminal) -> None:
    sheet = Sheet(
        terminal, f"geometric means, {words(run['threads'])}", ["class", "batch", "layers", *(SHORT[peer] for peer in peers), "below 0.9"]
    )
    published = [row for row in run["rows"] if row["kind"] != "course"]  # what "all" means does not depend on who is asked
    by_batch = {batch: [row for row in published if row["batch"] == batch] for batch in dict.fromkeys(row["batch"] for row in published)}
    sets = [(kind, str(batch), members) for (batch, kind), members in groups(run["rows"]).items()]
    sets += [("all", str(batch), members) for batch, members in by_batch.items()] if len(by_batch) > 1 else []
    for kind, batch, members in [*sets, *([("all", "", published)] if published else [])]:
        found = means(members, peers)
        below = sum(min(row["ratios"].values(), default=1) < 0.9 for row in members)
        sheet.row(
            kind,
            batch,
            str(len(members)),
            *(sheet.ratio(found.get(peer)) for peer in peers),
            str(below or ""),
            style="bold" if kind == "all" else "",
        )
    sheet.print()
    terminal.line()
