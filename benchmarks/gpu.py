"""How fast is the ladder on a GPU, beside cuDNN and what the device could do?

    python benchmarks/gpu.py [--quick] [--against torch] [--batch 8,64] [--only WORDS] [--rounds N] [--json FILE] [--chart FILE]

The convolutions of VGG16 and ResNet-50 in fp32, every rung that applies and PyTorch's cuDNN (TF32 off for the fair fight, on for information), in
turns, by device events, with inputs that the L2 cache does not hold (gpu_timing.py, gpu_layers.py); then operations that only move memory and a
whole ResNet-50 (gpu_network.py); the device's peak and copy bandwidth are measured in the same process (gpu_kernels.py).  Every candidate is checked
before it is timed; one that fails is named, and the rest goes on.  What is found is written to --json after each layer, so that a run
that is cut short has not been for nothing.  `minicnn bench conv --device cuda` is the same.
"""

import argparse
import gc
import json
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

from gpu_machine import L2_BYTES, ready_torch, size, surroundings
from peers import missing, named
from workers import installed, numbers, progress, settings_of, told

from minicnn.cli.terminal import Terminal, jsonable
from minicnn.conv.cuda import device
from minicnn.errors import UnsupportedError

COMMAND = "bench conv --device cuda"
PEAK_ROUNDS = 500
OPERATIONS, NETWORK = 64, ("resnet50", 64)  # batch sizes of the other parts


@dataclass(frozen=True)
class Settings:
    """What is measured: layers, operations and a network are left out where they are None or empty."""

    layers: list
    rounds: int
    torch: bool
    operations: int | None = OPERATIONS
    network: tuple | None = NETWORK
    l2_bytes: int = L2_BYTES
    multiprocessors: int = 1
    side: int = 112  # of the maps that operations work on
    copied: int = 1 << 28  # numbers, a gigabyte
    peak_rounds: int = PEAK_ROUNDS


def measure(settings: Settings, document: dict, clock, tell, kept=lambda document: None) -> dict:
    """Fill the document, part by part; `kept` is called with it after each."""
    from gpu_kernels import bandwidth, block_of_numbers, peak
    from gpu_network import network_row, operation_rows

    began = time.perf_counter()
    tell("the peak of multiply-adds, the bandwidth of a copy")
    try:
        fastest = peak(clock, settings.multiprocessors, settings.peak_rounds, settings.rounds)
        copy = bandwidth(clock, settings.copied, settings.rounds)
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise UnsupportedError(
            f"{COMMAND}: the simplest kernels must run, but they do not here: {type(error).__name__}: {reason}"
        ) from error
    ceiling = {"peak_gflops": fastest["gflops"], "copy_gb_per_second": copy["gb_per_second"], "peak": fastest, "copy": copy}
    document |= {"ceiling": ceiling, "layers": [], "operations": [], "network": None}
    block = block_of_numbers()
    try:
        for number, layer in enumerate(settings.layers, 1):
            tell(f"batch {layer.batch}: {layer.name} ({number} of {len(settings.layers)})")
            _layer(layer, settings, document, clock, block)
            kept(document)
        if settings.operations:
            common = (block, settings.l2_bytes, settings.torch, settings.rounds, clock, ceiling)
            document["operations"] = (
                _part("operations", document, lambda: operation_rows(settings.operations, *common, side=settings.side, tell=tell), clock)
                or []
            )
            kept(document)
        if settings.network:
            name, batch = settings.network
            tell(f"batch {batch}: {name}, a forward pass")
            found = _part(name, document, lambda: network_row(name, batch, settings.torch, settings.rounds, clock), clock)
            document["network"] = found
    except DeviceLost as lost:
        document["left_out"]["the rest"] = str(lost)
    document["seconds"] = time.perf_counter() - began
    kept(document)
    return document


class DeviceLost(Exception):
    """The device does not answer any more: nothing else can be measured in this process."""


def _layer(layer, settings: Settings, document: dict, clock, block) -> None:
    """Add the row of a layer, or why there is none."""
    import numpy as np
    from gpu_layers import CUDNN, TF32, cudnn, given, measured, rungs

    def row() -> dict:
        problem = given(layer, block, settings.l2_bytes)
        candidates, left_out = rungs(problem)
        if settings.torch:
            candidates |= {CUDNN: cudnn(problem, False), TF32: cudnn(problem, True)}
        nothing = device.uploaded(np.full(1, np.nan, np.float32))
        return measured(problem, candidates, left_out, nothing, settings.rounds, clock, document["ceiling"])

    found = _part(f"{layer.name}, batch {layer.batch}", document, row, clock)
    document["layers"] += [found] if found else []
    gc.collect()  # arrays of this layer go before the next one's come
    if settings.torch:
        sys.modules["torch"].cuda.empty_cache()


def _part(what: str, document: dict, run, clock):
    """Return what a part of the measurement returns; where it fails, None, and the reason stands in the document."""
    try:
        return run()
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        document["left_out"][what] = reason
    try:
        clock.wait()
    except Exception as error:
        raise DeviceLost(f"the device was lost at {what}: {reason}; {' '.join(str(error).split())[:200]}") from None
    return None


def main() -> None:
    options = _parser().parse_args()
    terminal = Terminal()
    from gpu_layers import layers_of

    _, rounds = settings_of(options, COMMAND)
    peers = named(options.against, COMMAND, ("torch",))
    batches = numbers(options.batch or ("8" if options.quick else "8,64"), "--batch", COMMAND, 1024, "images")
    layers = layers_of(batches, options.only, options.quick)
    _require()
    peers, absent = installed(peers, missing, terminal)
    document = {"facts": surroundings(), "rounds": rounds, "peers": peers, "left_out": dict(absent)}
    from gpu_timing import Events

    with_torch = "torch" in peers and ready_torch(document)
    parts = {"operations": None, "network": None} if options.only else {"network": None} if options.quick else {}
    settings = Settings(layers, rounds, with_torch, **size(), **parts)

    def kept(document: dict) -> None:
        if options.json:
            Path(options.json).write_text(json.dumps(jsonable(document), indent=1, allow_nan=False) + "\n", encoding="utf-8")

    warnings.filterwarnings("ignore", message=".*[Gg]rid size")  # that keeps the device busy with one warp is meant
    measure(settings, document, Events(), _tell, kept)
    progress("")
    _show(document, options, terminal)
    if "the rest" in document["left_out"]:
        sys.exit(1)


def _show(document: dict, options, terminal: Terminal) -> None:
    from gpu_report import show, targets

    document["targets"] = targets(document)
    show(document, terminal)
    if options.json:
        Path(options.json).write_text(json.dumps(jsonable(document), indent=1, allow_nan=False) + "\n", encoding="utf-8")
        terminal.fact("written", options.json)
    if options.chart:
        from gpu_chart import draw

        terminal.fact("written", draw(document, options.chart))


def _require() -> None:
    reason = device.why_none()
    if device.simulated():
        reason = f"{device.SIMULATOR} is set, and a simulator's times say nothing; unset it on a machine with a GPU"
    if reason is not None:
        raise UnsupportedError(f"{COMMAND}: kernels are timed on a GPU, but {reason}.")


def _tell(text: str) -> None:
    """Say what is measured now: on one line in a terminal, on a line of its own in a log."""
    if sys.stderr.isatty():
        progress(text)
    else:
        print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    example = "Example: python benchmarks/gpu.py --quick --json gpu.json --chart gpu.png"
    found = argparse.ArgumentParser(description=__doc__, epilog=example, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--against", default="torch", metavar="NAMES", help="torch, or nothing (default: torch)")
    found.add_argument("--batch", metavar="SIZES", default=None, help="batch sizes (default: 8,64, with --quick 8)")
    found.add_argument("--quick", action="store_true", help="a few layers, few rounds, no network")
    found.add_argument("--only", action="append", default=[], metavar="WORDS", help="layers whose name holds these words; may be repeated")
    found.add_argument("--rounds", metavar="N", help="turns of each candidate (default: 9, with --quick 3)")
    found.add_argument("--json", metavar="FILE", help="write all figures to a file, after each layer")
    found.add_argument("--chart", metavar="FILE", help="draw the ladder under the roofline to a PNG")
    found.set_defaults(threads="1")  # of the host, for settings_of
    return found


if __name__ == "__main__":
    told(main)
