"""How often does choose_algorithm err, and what does it cost?

    python benchmarks/algorithms.py [--batch 1,8] [--only WORDS] [--rounds N] [--json FILE]

Every algorithm that applies (not the law, not the FFT) is timed as a layer has it, its weight prepared, on every distinct convolution
of the networks of layers.py and on some of courses, in turns (turns.py).  The choice of accuracy="fast" errs where
another one was faster by more than a tenth.  Run it with OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 for one thread.
"""

import argparse
import json
import statistics
from pathlib import Path

import numpy as np
from layers import Convolution, chosen
from machine import print_facts
from peers import problem
from turns import alternate, geometric_mean, medians

from minicnn import ALGORITHMS, Window, choose_algorithm, nn

# name: N, C, H, W, K, kernel, stride, padding, groups
OF_COURSES = {
    "ResNeXt 128→128 k3 g32 @56": (1, 128, 56, 56, 128, 3, 1, 1, 32),
    "course 3→16 k3 @32, 8 images": (8, 3, 32, 32, 16, 3, 1, 1, 1),
    "course 16→16 k3 @16": (1, 16, 16, 16, 16, 3, 1, 1, 1),
    "course 8→8 k3 @28, 32 images": (32, 8, 28, 28, 8, 3, 1, 1, 1),
    "edge filter 1→1 k3 @512": (1, 1, 512, 512, 1, 3, 1, 1, 1),
}


def layers_of_courses() -> dict[str, Convolution]:
    found = {}
    for name, (N, C, H, W, K, kernel, stride, padding, groups) in OF_COURSES.items():
        window = Window.of(kernel, stride, padding)
        out = (N, K, *window.output_size((H, W)))
        shapes = (N, C, H, W), (K, C // groups, kernel, kernel), window.stride, window.padding, window.dilation
        found[name] = Convolution("lenet5", name, *shapes, groups, out, "course")
    return found


def measure(layer: Convolution, rounds: int) -> tuple[str, dict[str, float]]:
    """Return the algorithm that is chosen, and the median milliseconds of every one that applies."""
    given = problem(layer)
    arguments = layer.stride, layer.padding, layer.dilation, layer.groups
    calls = {}
    for name in ALGORITHMS:
        if name in ("reference", "fft"):
            continue
        own = nn.Conv2d.of(given.weight, given.bias, *arguments, algorithm=name)
        try:
            own(given.x)
        except ValueError:
            continue  # it does not apply
        calls[name] = lambda own=own: own(given.x)
    window = Window.of(layer.weight_shape[2:], layer.stride, layer.padding, layer.dilation)
    return choose_algorithm(layer.x_shape, layer.weight_shape, window, np.float32, "fast"), medians(alternate(calls, rounds))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", default="1", help="batch sizes, such as 1,8")
    parser.add_argument("--only", action="append", default=[], help="layers whose names hold these words")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", help="write the figures to this file")
    options = parser.parse_args()
    print_facts()
    layers = {f"{layer.name}, {layer.batch}": layer for layer in chosen(tuple(map(int, options.batch.split(","))), only=options.only)}
    layers.update({} if options.only else layers_of_courses())
    found = {}
    for name, layer in layers.items():
        name_of_choice, times = found[name] = measure(layer, options.rounds)
        loss = times[name_of_choice] / min(times.values())
        row = ", ".join(f"{other} {ms:.2f}" for other, ms in sorted(times.items(), key=lambda item: item[1]))
        print(f"{name:32} {'errs ' if loss > 1.1 else '     '} {name_of_choice:9}  ms: {row}", flush=True)
    losses = [times[choice] / min(times.values()) for choice, times in found.values()]
    errs = sum(loss > 1.1 for loss in losses)
    print(
        f"errs on {errs} of {len(losses)} layers; at worst {max(losses):.2f}× the fastest, {geometric_mean(losses):.3f}× in the "
        f"geometric mean, {statistics.median(losses):.2f}× in the median"
    )
    if options.json:
        rows = {name: {"chosen": choice, "milliseconds": times} for name, (choice, times) in found.items()}
        Path(options.json).write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
