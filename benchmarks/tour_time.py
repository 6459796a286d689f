"""How long does the tour take, and what does a trace add to a forward pass?

    python benchmarks/tour_time.py [--check] [--json]

Claims, on 2 cores: `minicnn tour` takes at most 6 s warm and 25 s with an empty kernel cache (whole
processes); tracing EfficientNet-Lite0 takes at most 5 ms more than the plain forward without statistics and 15 ms more with
them, which is a pass over 80 MB of maps (same process, interleaved, medians); describing it takes milliseconds.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

from machine import print_facts, slack

MOST_MORE = {"trace": 5, "statistics": 15}  # milliseconds beside the forward pass


def tour_seconds(cache: str | None) -> float:
    """Return the wall time of one whole `minicnn tour`, with its kernels in the given folder."""
    env = {**os.environ, **({"NUMBA_CACHE_DIR": cache} if cache else {})}
    with tempfile.TemporaryDirectory() as out:
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "minicnn", "tour", "--out", os.path.join(out, "tour")], check=True, capture_output=True, env=env
        )
        return time.perf_counter() - began


def trace_ratios(rounds: int = 15) -> dict[str, float]:
    """Return medians of trace / forward, without and with statistics, and the forward's milliseconds."""
    import numpy as np

    from minicnn import describe, models, trace

    net = models.efficientnet_lite0(rng=np.random.default_rng(0))
    x = np.random.default_rng(1).standard_normal((1, 3, 224, 224), np.float32)

    def forward():
        return net(x, accuracy="exact")

    def traced():
        return trace(net, x)

    def traced_with_statistics():
        return [m.statistics for m in trace(net, x)]

    ways = {"forward": forward, "trace": traced, "statistics": traced_with_statistics, "describe": lambda: describe(net, (3, 224, 224))}
    times: dict[str, list[float]] = {name: [] for name in ways}
    for round_ in range(rounds + 3):
        for name, way in ways.items():
            began = time.perf_counter()
            result = way()
            if round_ >= 3:
                times[name].append(time.perf_counter() - began)
            del result
    ratios = {
        name: statistics.median(t / f for t, f in zip(times[name], times["forward"], strict=True)) for name in ("trace", "statistics")
    }
    more = {
        f"{name}_more_ms": 1000 * statistics.median(t - f for t, f in zip(times[name], times["forward"], strict=True))
        for name in ("trace", "statistics")
    }
    milliseconds = {f"{name}_ms": 1000 * statistics.median(times[name]) for name in ("forward", "describe")}
    return {**ratios, **more, **milliseconds}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="exit with 1 where a claim does not hold")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    machine = {} if options.json else print_facts()
    with tempfile.TemporaryDirectory() as cache:
        cold = tour_seconds(cache)
        warm = statistics.median(tour_seconds(cache) for _ in range(3))
    found = {"tour_cold_s": cold, "tour_warm_s": warm, **trace_ratios()}
    if options.json:
        print(json.dumps({**machine, **found}))
    else:
        print(f"tour, empty kernel cache  {cold:5.1f} s (at most 25)")
        print(f"tour, warm                {warm:5.1f} s (at most 6)")
        print(f"forward                   {found['forward_ms']:5.0f} ms; describe {found['describe_ms']:.1f} ms")
        for name in ("trace", "statistics"):
            most = MOST_MORE[name]
            print(f"{name:10} {found[f'{name}_more_ms']:5.1f} ms more (at most {most}), {found[name]:.2f} times the forward pass")
    late = cold > 25 * slack() or warm > 6 * slack() or any(found[f"{name}_more_ms"] > most * slack() for name, most in MOST_MORE.items())
    if options.check and late:
        sys.exit("tour_time: a claim does not hold")


if __name__ == "__main__":
    main()
