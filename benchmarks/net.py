"""How fast are whole networks, and single operations beside convolution, against PyTorch and ONNX Runtime?

    python benchmarks/net.py [--quick] [--against torch,onnxruntime] [--threads 1,2] [--batch 1]
                             [--only WORDS] [--operations] [--rounds N] [--json FILE]

VGG16, ResNet-50, EfficientNet-Lite0 and, at batch 64, LeNet-5, with random numbers (networks.py): ours fused by minicnn.fuse, the
others as twins of the very same network (twins.py), PyTorch in evaluation and inference mode, NCHW and channels_last,
ONNX Runtime with its own optimizations.  Outputs are compared first; a mismatch stops.  Everyone has turns in one process
per number of threads (turns.py).  With --operations: pooling, activations, normalization and the like, against
PyTorch in NCHW.  Of VGG16 also the bytes that a forward pass allocates (memory.py).  `minicnn bench net` is the same.
"""

import time

import numpy as np
from networks import NETWORKS, build
from operations import measure_operations
from peers import OURS, largest_difference, missing, named
from report import SHORT, Sheet, candidates, head, means, milliseconds, words
from turns import alternate, medians, ratios
from twins import calls_of
from workers import installed, keep, numbers, parser, progress, run, settings_of, surroundings, told, work

from minicnn import fuse, nn
from minicnn.cli.terminal import Terminal
from minicnn.errors import ArgumentError

COMMAND = "bench net"
MEASURED = {"vgg16": None, "resnet50": None, "efficientnet_lite0": None, "lenet5": 64}  # the batch, where it is always the same
QUICK = ("lenet5", "efficientnet_lite0")
WITH_BYTES = "vgg16"


def measure(request: dict) -> dict:
    """Be a worker: return a row for every network, or every operation, with so many threads."""
    threads, started = request["threads"], time.perf_counter()
    if request["operations"]:
        rows = measure_operations(request["only"], request["peers"], threads, request["rounds"])
    else:
        rows = [_row(name, batch, request["peers"], threads, request["rounds"]) for name, batch in _chosen(request)]
    progress("")
    return {"threads": threads, "rows": rows, "seconds": time.perf_counter() - started}


def _chosen(request: dict) -> list[tuple[str, int]]:
    """Return (network, batch) of what is to be measured."""
    only = [word.casefold() for word in request["only"]]
    names = [
        name
        for name in MEASURED
        if (
            any(word in name or word in NETWORKS[name].title.casefold() for word in only) if only else not request["quick"] or name in QUICK
        )
    ]
    if not names:
        raise ArgumentError(
            f"{COMMAND}: at least one network must be left to measure, but none is named like {' or '.join(map(repr, only))}; there are {', '.join(MEASURED)}."
        )
    return list(dict.fromkeys((name, MEASURED[name] or batch) for name in names for batch in request["batches"]))


def _row(name: str, batch: int, peers: list[str], threads: int, rounds: int) -> dict:
    """Return what is known of one network once everyone has had their turns."""
    published, rng = NETWORKS[name], np.random.default_rng(0)
    progress(f"{words(threads)}: {published.title}")
    net = build(name, rng)
    x = rng.standard_normal((batch, *published.shape), np.float32)
    calls = {OURS: _ours(net, x), **calls_of(net, x, peers, threads)}
    differences = largest_difference({other: call() for other, call in calls.items()}, f"{COMMAND}: {published.title}")
    times = alternate(calls, rounds)
    row = {"name": published.title, "network": name, "batch": batch, "x_shape": x.shape, "differences": differences}
    row |= {"milliseconds": medians(times), "ratios": ratios(times, OURS)}
    if name == WITH_BYTES:
        from memory import allocated

        row["bytes"] = allocated({key: call for key, call in calls.items() if key != "onnxruntime"})
    return row


def _ours(net: nn.Network, x: np.ndarray):
    fused = fuse(net)
    return lambda: fused(x)


def main() -> None:
    options = _parser().parse_args()
    if options.worker:
        work(measure)
        return
    terminal = Terminal()
    threads, rounds = settings_of(options, COMMAND)
    batches = numbers(options.batch, "--batch", COMMAND, 64, "images")
    known = ("torch",) if options.operations else ("torch", "onnxruntime")
    against = ",".join(known) if options.against is None else options.against
    peers, absent = installed(named(against, COMMAND, known), missing, terminal)
    request = {
        "batches": batches,
        "only": options.only,
        "quick": options.quick,
        "keep_memory": options.keep_memory,
        "rounds": rounds,
        "peers": peers,
        "operations": options.operations,
    }
    if not options.operations:
        _chosen(request)  # refuses before anything is measured
    document = {
        "facts": surroundings(peers, terminal),
        "rounds": rounds,
        "keep_memory": options.keep_memory,
        "peers": peers,
        "left_out": absent,
    }
    document["runs"] = [run(__file__, count, request) for count in threads]
    show(document, terminal)
    keep(document, options.json, terminal)


def show(document: dict, terminal: Terminal) -> None:
    """Print everything about a document of this script."""
    head(document, terminal)
    for found in document["runs"]:
        rows = found["rows"]
        peers = candidates(rows)
        shown = [*(SHORT[peer] for peer in peers), *(f"{SHORT[peer]}/us" for peer in peers)]
        sheet = Sheet(terminal, f"{words(found['threads'])}: milliseconds, and a peer's time / ours", ["", "N", "ours", *shown])
        for row in rows:
            own = (row["name"], str(row["batch"]), milliseconds(row["milliseconds"][OURS]))
            theirs = (milliseconds(row["milliseconds"][peer]) if peer in row["milliseconds"] else "" for peer in peers)
            sheet.row(*own, *theirs, *(sheet.ratio(row["ratios"].get(peer)) for peer in peers))
        if len(rows) > 1 and peers:
            mean = means(rows, peers)
            sheet.row("geometric mean", "", "", *("" for _ in peers), *(sheet.ratio(mean.get(peer)) for peer in peers), style="bold")
        sheet.print()
        for row in rows:
            _tell(row, terminal)
    terminal.line()
    terminal.fact("torch/us", "a peer's time / ours, the median over rounds: above 1 we are faster")


def _tell(row: dict, terminal: Terminal) -> None:
    """Print of one row how far the outputs are apart, and its bytes."""
    if "network" in row and row["differences"]:
        apart = ", ".join(f"{SHORT[peer]} {value:.1e}" for peer, value in row["differences"].items())
        terminal.fact("apart", f"{row['name']}: {apart} of the largest number")
    if "bytes" in row:
        from memory import sentence

        terminal.fact("bytes", f"{row['name']}, a forward pass: {sentence(row['bytes'])}")


def _parser():
    found = parser(__doc__, None, "Example: python benchmarks/net.py --quick --threads 1 --against torch")
    found.add_argument("--batch", metavar="SIZES", default="1", help="batch sizes (default: 1); LeNet-5's is always 64")
    found.add_argument("--operations", action="store_true", help="pooling, activations, normalization … instead of networks")
    return found


if __name__ == "__main__":
    told(main)
