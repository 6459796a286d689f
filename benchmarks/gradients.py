"""How fast are the gradients of 3×3 convolutions, by the input (dX) and by the weight (dW), beside PyTorch?

    python benchmarks/gradients.py [--quick] [--threads 1,2] [--batch 1] [--only WORDS] [--rounds N] [--json FILE]

Every 3×3 layer of stride 1 of the published networks; ours is the layer's own backward, as backward(net, trace, …) calls
it, PyTorch's are torch.nn.grad.conv2d_input and conv2d_weight, on the same numbers in NCHW.  Each gradient is compared
first; everyone has turns in one process per number of threads (turns.py).  Part of `minicnn bench train`.
"""

import time

import numpy as np
from layers import Convolution, chosen
from peers import OURS, largest_difference, missing, named, problem
from report import Sheet, head, means, milliseconds, words
from turns import alternate, medians, ratios
from workers import installed, keep, numbers, parser, progress, run, settings_of, surroundings, told, work

from minicnn import nn
from minicnn.cli.terminal import Terminal
from minicnn.layers.base import Passage

COMMAND = "bench train"
GRADIENTS = ("dX", "dW")
QUICK = ("VGG 256→256 k3 @56", "VGG 512→512 k3 @14", "ResNet 64→64 k3 @56")


def measure(request: dict) -> dict:
    """Be a worker: return a row for every layer and gradient, with so many threads."""
    threads, started, rows = request["threads"], time.perf_counter(), []
    for layer in _layers(request):
        for which in GRADIENTS:
            progress(f"{words(threads)}: {which} of {layer.name}")
            rows.append(_row(layer, which, request["peers"], threads, request["rounds"]))
    progress("")
    return {"threads": threads, "rows": rows, "seconds": time.perf_counter() - started}


def _layers(request: dict) -> list[Convolution]:
    return chosen(request["batches"], kinds=("3x3",), only=request["only"] or (QUICK if request["quick"] else ()), command=COMMAND)


def _row(layer: Convolution, which: str, peers: list[str], threads: int, rounds: int) -> dict:
    given = problem(layer)
    grad = np.random.default_rng(2).standard_normal(layer.output_shape, np.float32)
    calls = {OURS: _ours(layer, given, grad, which)}
    if "torch" in peers:
        calls["torch"] = _torchs(layer, given, grad, which, threads)
    differences = largest_difference({name: call() for name, call in calls.items()}, f"{COMMAND}: {which} of {layer.name}")
    times = alternate(calls, rounds)
    row = {"name": layer.name, "batch": layer.batch, "gradient": which, "milliseconds": medians(times), "ratios": ratios(times, OURS)}
    return {**row, "differences": differences, "gflops": 2 * layer.multiply_adds / row["milliseconds"][OURS] / 1e6}


def _ours(layer: Convolution, given, grad: np.ndarray, which: str):
    own = nn.Conv2d.of(given.weight, None, layer.stride, layer.padding, layer.dilation, layer.groups)
    by_x = which == "dX"
    passage = Passage((given.x,), (None,), (layer.x_shape,), needs=(by_x,), needs_parameters=not by_x)

    def run_back():
        (grad_x,), named_gradients = own.backward((grad,), passage)
        return grad_x if by_x else named_gradients["weight"]

    return run_back


def _torchs(layer: Convolution, given, grad: np.ndarray, which: str, threads: int):
    import torch

    torch.set_num_threads(threads)
    x, weight, by_y = (torch.from_numpy(array) for array in (given.x, given.weight, grad))
    settings = (layer.stride, tuple(before for before, _ in layer.padding), layer.dilation, layer.groups)
    if which == "dX":
        return lambda: torch.nn.grad.conv2d_input(x.shape, weight, by_y, *settings)
    return lambda: torch.nn.grad.conv2d_weight(x, weight.shape, by_y, *settings)


def main() -> None:
    options = _parser().parse_args()
    if options.worker:
        work(measure)
        return
    terminal = Terminal()
    threads, rounds = settings_of(options, COMMAND)
    peers, absent = installed(named(options.against, COMMAND, ("torch",)), missing, terminal)
    request = {"batches": numbers(options.batch, "--batch", COMMAND, 64, "images"), "only": options.only, "quick": options.quick,
               "keep_memory": options.keep_memory, "rounds": rounds, "peers": peers}  # fmt: skip
    _layers(request)  # refuses before anything is measured
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
    """Print a table for each number of threads."""
    head(document, terminal)
    for found in document["runs"]:
        sheet = Sheet(
            terminal,
            f"gradients of 3x3 layers, {words(found['threads'])}: milliseconds, and PyTorch's time / ours",
            ["layer", "", "N", "ours", "GF/s", "torch", "torch/us"],
            2,
        )
        for row in found["rows"]:
            theirs = row["milliseconds"].get("torch")
            own = (row["name"], row["gradient"], str(row["batch"]), milliseconds(row["milliseconds"][OURS]), f"{row['gflops']:.0f}")
            sheet.row(*own, "" if theirs is None else milliseconds(theirs), sheet.ratio(row["ratios"].get("torch")))
        for which in GRADIENTS:
            mean = means([row for row in found["rows"] if row["gradient"] == which], ["torch"])
            sheet.row("geometric mean", which, "", "", "", "", sheet.ratio(mean.get("torch")), style="bold")
        sheet.print()


def _parser():
    found = parser(__doc__, "torch", "Example: python benchmarks/gradients.py --quick --threads 1")
    found.add_argument("--batch", metavar="SIZES", default="1", help="batch sizes (default: 1)")
    return found


if __name__ == "__main__":
    told(main)
