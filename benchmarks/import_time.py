"""What does importing cost?  Whole processes, medians, against `import numpy` in the same run.

    python benchmarks/import_time.py [--check] [--json]

Claims: `import minicnn` takes at most 1.3× `import numpy`; `from minicnn import nn` at most 150 ms;
neither loads Numba.  Processes are interleaved, so that drift of the machine meets all alike.
"""

import argparse
import json
import statistics
import subprocess
import sys

from machine import print_facts, process_seconds, slack

STATEMENTS = {"nothing": "pass", "numpy": "import numpy", "minicnn": "import minicnn", "nn": "from minicnn import nn"}


def measure(rounds: int = 9) -> dict[str, float]:
    """Return the median seconds of each statement, one process of each per round."""
    times: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for statement in STATEMENTS.values():  # once before anything counts: bytecode is written, files are cached
        process_seconds(statement, runs=1)
    for _ in range(rounds):
        for name, statement in STATEMENTS.items():
            times[name].append(process_seconds(statement, runs=1))
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def numba_loaded() -> bool:
    code = "import minicnn; from minicnn import nn; nn.Conv2d(1, 1, 1); import sys; print('numba' in sys.modules)"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "True"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="exit with 1 where a claim does not hold")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    found = {} if options.json else print_facts()
    seconds, loaded = measure(), numba_loaded()
    ratio = seconds["minicnn"] / seconds["numpy"]
    if options.json:
        print(json.dumps({**found, "seconds": seconds, "minicnn_over_numpy": ratio, "numba_loaded": loaded}))
    else:
        for name, value in seconds.items():
            print(f"{STATEMENTS[name]:24} {value * 1000:6.0f} ms")
        print(
            f"import minicnn / import numpy = {ratio:.2f} (at most 1.3); from minicnn import nn: {seconds['nn'] * 1000:.0f} ms (at most 150)"
        )
        print(f"numba loaded: {loaded}")
    if options.check and (ratio > 1.3 * slack() or seconds["nn"] > 0.150 * slack() or loaded):
        sys.exit("import_time: a claim does not hold")


if __name__ == "__main__":
    main()
