"""How often does choose_algorithm err, and what does it cost?

    python benchmarks/algorithms.py [--json] [--quick]

Every algorithm that applies and sums the equation's own products (not the law, not the FFT) is timed on
layers of published networks and of courses, interleaved in one process, medians after a warm-up. The
choice errs where another one was faster by more than a tenth.
"""

import argparse
import json
import statistics
import time

import numpy as np
from machine import print_facts

from minicnn import ALGORITHMS, Window, choose_algorithm, conv2d

# N, C, H, W, K, kernel, stride, padding, groups
LAYERS = {
    "VGG16 3→64 k3 @224": (1, 3, 224, 224, 64, 3, 1, 1, 1),
    "VGG16 64→64 k3 @224": (1, 64, 224, 224, 64, 3, 1, 1, 1),
    "VGG16 256→256 k3 @56": (1, 256, 56, 56, 256, 3, 1, 1, 1),
    "VGG16 512→512 k3 @14": (1, 512, 14, 14, 512, 3, 1, 1, 1),
    "ResNet stem 3→64 k7 s2": (1, 3, 224, 224, 64, 7, 2, 3, 1),
    "ResNet 64→64 k3 @56": (1, 64, 56, 56, 64, 3, 1, 1, 1),
    "ResNet 512→512 k3 @7": (1, 512, 7, 7, 512, 3, 1, 1, 1),
    "ResNet 256→64 k1 @56": (1, 256, 56, 56, 64, 1, 1, 0, 1),
    "ResNet 256→512 k1 s2 @56": (1, 256, 56, 56, 512, 1, 2, 0, 1),
    "Lite0 stem 3→32 k3 s2": (1, 3, 224, 224, 32, 3, 2, 1, 1),
    "Lite0 dw 96 k3 s2 @112": (1, 96, 112, 112, 96, 3, 2, 1, 96),
    "Lite0 dw 240 k5 @28": (1, 240, 28, 28, 240, 5, 1, 2, 240),
    "Lite0 dw 1152 k5 @7": (1, 1152, 7, 7, 1152, 5, 1, 2, 1152),
    "ResNeXt 128→128 k3 g32 @56": (1, 128, 56, 56, 128, 3, 1, 1, 32),
    "LeNet 1→6 k5 @28, 64 images": (64, 1, 28, 28, 6, 5, 1, 2, 1),
    "LeNet 6→16 k5 @14, 64 images": (64, 6, 14, 14, 16, 5, 1, 0, 1),
    "course 3→16 k3 @32, 8 images": (8, 3, 32, 32, 16, 3, 1, 1, 1),
    "edge filter 1→1 k3 @512": (1, 1, 512, 512, 1, 3, 1, 1, 1),
    "16→16 k3 @16": (1, 16, 16, 16, 16, 3, 1, 1, 1),
}


def measure(layer, rounds: int) -> tuple[str, dict[str, float]]:
    """Return the algorithm that is chosen, and the median milliseconds of every one that applies."""
    N, C, H, W, K, kernel, stride, padding, groups = layer
    rng = np.random.default_rng(0)
    x, weight = rng.standard_normal((N, C, H, W), np.float32), rng.standard_normal((K, C // groups, kernel, kernel), np.float32)
    arguments = {"stride": stride, "padding": padding, "groups": groups}
    window = Window.of(kernel, stride, padding)
    times: dict[str, list[float]] = {}
    for name in ALGORITHMS:
        if name in ("reference", "fft"):
            continue
        try:
            conv2d(x, weight, **arguments, algorithm=name)
        except ValueError:
            continue  # it does not apply
        times[name] = []
    for _ in range(rounds):
        for name, seconds in times.items():
            began = time.perf_counter()
            conv2d(x, weight, **arguments, algorithm=name)
            seconds.append(time.perf_counter() - began)
    chosen = choose_algorithm(x.shape, weight.shape, window, x.dtype)
    return chosen, {name: 1000 * statistics.median(seconds) for name, seconds in times.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--quick", action="store_true", help="3 rounds in place of 9")
    options = parser.parse_args()
    if not options.json:
        print_facts()
    found = {label: measure(layer, 3 if options.quick else 9) for label, layer in LAYERS.items()}
    losses = {label: times[chosen] / min(times.values()) for label, (chosen, times) in found.items()}
    if options.json:
        print(json.dumps({label: {"chosen": chosen, "ms": times, "loss": losses[label]} for label, (chosen, times) in found.items()}))
        return
    for label, (chosen, times) in found.items():
        row = ", ".join(f"{name} {ms:.2f}" for name, ms in sorted(times.items(), key=lambda item: item[1]))
        print(f"{label:28} {'errs ' if losses[label] > 1.1 else '     '} chosen {chosen:9}  ms: {row}")
    errs = [loss for loss in losses.values() if loss > 1.1]
    mean = float(np.exp(np.mean(np.log(list(losses.values())))))
    print(
        f"errs on {len(errs)} of {len(losses)} layers; at worst {max(losses.values()):.2f}× the fastest, {mean:.2f}× in the geometric mean"
    )


if __name__ == "__main__":
    main()
