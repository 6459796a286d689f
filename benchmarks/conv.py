"""How fast is each convolution of five published networks, beside PyTorch, ONNX Runtime and what a course would write?

    python benchmarks/conv.py [--quick] [--against torch,onnxruntime,course] [--threads 1,2] [--batch 1,8]
                              [--class 3x3,depthwise] [--only WORDS] [--rounds N] [--json FILE] [--chart FILE]

A ratio is a peer's time / our time: above 1 we are faster.  Every candidate is run in turns in one process per number of
threads (turns.py), as its users run it (peers.py); outputs are compared first.  The peak of the machine and the bandwidth of
a copy are measured in the same process (ceiling.py).  `minicnn bench conv` is the same.
"""

import sys
import time

import numpy as np
from ceiling import bandwidth, peak, roofline
from layers import Convolution, chosen
from machine import slack
from peers import OURS, PEERS, largest_difference, missing, named, ours, problem
from report import means, show_layers
from turns import alternate, medians, ratios
from workers import installed, keep, numbers, parser, progress, run, settings_of, surroundings, told, work

from minicnn import Window, choose_algorithm
from minicnn.cli.terminal import Terminal

COMMAND = "bench conv"


def measure(request: dict) -> dict:
    """Be a worker: return the machine's ceilings and a row for every layer, with so many threads."""
    threads, started = request["threads"], time.perf_counter()
    layers = _layers(request)
    gflops, lanes = peak(threads)
    ceiling = {"peak_gflops": gflops, "lanes": lanes, "copy_gb_per_second": bandwidth(threads)}
    rows = []
    for number, layer in enumerate(layers, 1):
        progress(f"{threads} thread{'s' * (threads > 1)}, batch {layer.batch}: {layer.name} ({number} of {len(layers)})")
        rows.append(_row(layer, request["peers"], threads, request["rounds"], ceiling))
    progress("")
    return {"threads": threads, **ceiling, "rows": rows, "seconds": time.perf_counter() - started}


def _layers(request: dict) -> list[Convolution]:
    asked = {name: request[name] for name in ("kinds", "only", "quick")}
    return chosen(request["batches"], **asked, course="loops" in request["peers"])


def _row(layer: Convolution, peers: list[str], threads: int, rounds: int, ceiling: dict) -> dict:
    """Return what is known of one layer once every candidate has had its turns."""
    given = problem(layer)
    calls = {OURS: ours(given)}
    left_out = {name: reason for name in peers if (reason := PEERS[name].why_not(layer))}
    for name in peers:
        calls.update({} if name in left_out else PEERS[name].calls(given, threads))
    differences = largest_difference({name: call() for name, call in calls.items()}, f"{COMMAND}: {layer.name}")
    times = alternate(calls, rounds)
    milliseconds = medians(times)
    operations = 2 * layer.multiply_adds
    reached = operations / milliseconds[OURS] / 1e6
    most = roofline(ceiling["peak_gflops"], ceiling["copy_gb_per_second"], operations, layer.bytes)
    return {
        **layer.to_dict(),
        "algorithm": _algorithm(layer),
        "milliseconds": milliseconds,
        "ratios": ratios(times, OURS),
        "differences": differences,
        "left_out": left_out,
        "gflops": reached,
        "of_peak": reached / ceiling["peak_gflops"],
        "of_roofline": reached / most,
    }


def _algorithm(layer: Convolution) -> str:
    """Return what a layer picks when a network is run: the choice for accuracy 'fast'."""
    window = Window.of(layer.weight_shape[2:], layer.stride, layer.padding, layer.dilation)
    return choose_algorithm(layer.x_shape, layer.weight_shape, window, np.float32, "fast")


def main() -> None:
    options = _parser().parse_args()
    if options.worker:
        work(measure)
        return
    terminal = Terminal()
    threads, rounds = settings_of(options, COMMAND)
    request = {
        "batches": numbers(options.batch or ("1" if options.quick else "1,8"), "--batch", COMMAND, 64, "images"),
        "kinds": [kind.strip() for kind in options.kinds.split(",") if kind.strip()],
        "only": options.only,
        "quick": options.quick,
        "keep_memory": options.keep_memory,
        "rounds": rounds,
    }
    peers, absent = installed(named(options.against, COMMAND), missing, terminal)
    request["peers"] = peers
    _layers(request)  # refuses before anything is measured
    document = {
        "facts": surroundings(peers, terminal),
        "rounds": rounds,
        "keep_memory": options.keep_memory,
        "peers": peers,
        "left_out": absent,
    }
    document["runs"] = [run(__file__, count, request) for count in threads]
    show_layers(document, terminal)
    keep(document, options.json, terminal)
    if options.chart:
        from chart import draw

        for path in draw(document, options.chart):
            terminal.fact("written", path)
    if options.at_least:
        _hold(document, options.at_least)


def _hold(document: dict, at_least: float) -> None:
    """Exit with 1 where the geometric mean of a run is less, a busy machine granted its slack (machine.py)."""
    for measured in document["runs"]:
        for peer, mean in means(measured["rows"], ["torch"]).items():
            if mean < at_least / slack():
                sys.exit(f"{COMMAND}: {peer}'s time / ours is {mean:.2f} in the geometric mean, and at least {at_least} was asked for")


def _parser():
    found = parser(__doc__, "torch,onnxruntime", "Example: python benchmarks/conv.py --quick --threads 1 --class 3x3,depthwise")
    found.add_argument("--batch", metavar="SIZES", default=None, help="batch sizes (default: 1,8, with --quick 1); LeNet-5's is always 64")
    found.add_argument(
        "--class", dest="kinds", default="", metavar="NAMES", help="3x3, 3x3-strided, 1x1, 1x1-strided, depthwise, stem, tiny"
    )
    found.add_argument(
        "--at-least", metavar="RATIO", type=float, help="exit with 1 where PyTorch's time / ours is less, in the geometric mean"
    )
    found.add_argument("--chart", metavar="FILE", help="draw the ratios to a PNG, and the roofline beside it")
    return found


if __name__ == "__main__":
    told(main)
