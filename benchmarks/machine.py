"""What every benchmark prints first: the machine, the versions, the date."""

import datetime
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path


def facts() -> dict:
    """Return machine, core count, versions and date as plain data."""
    from importlib.metadata import version

    return {
        "date": datetime.date.today().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {_processor()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        **{name: version(name) for name in ("numpy", "numba", "minicnn-engine")},
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown processor"


def print_facts() -> dict:
    found = facts()
    print(", ".join(f"{name} {value}" for name, value in found.items()))
    return found


def process_seconds(statement: str, runs: int = 9, env: dict | None = None) -> float:
    """Return the median wall time of a whole process that runs one statement, after one warm-up.

    The processes may keep their bytecode, as a user's do, even where this one may not: compiling
    70 sources anew in each would be most of what an import costs.
    """
    env = {**(os.environ if env is None else env)}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    times = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", statement], check=True, capture_output=True, env=env)
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


def slack() -> float:
    """Return by what factor a --check may exceed its bound: 1, unless a shared machine says otherwise."""
    return float(os.environ.get("MINICNN_BENCHMARK_SLACK", "1"))
