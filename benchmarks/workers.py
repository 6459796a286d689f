"""How does each number of threads get a process of its own, and what do all these scripts have in common?

Idea: OpenMP, OpenBLAS and Numba read their number of threads from the environment as they are loaded, so a script that is
asked for `--threads 1,2` starts itself twice as a worker, one after the other, each with its environment, and prints what
both hand back.  A request goes in on standard input, the answer comes back in a file, both in JSON; progress goes
to standard error.
What it does not do: pin threads to cores.
Next rooms: conv.py, net.py, which use it.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from machine import facts

from minicnn.cli.terminal import Terminal, jsonable
from minicnn.errors import ArgumentError, MinicnnError

BUSY = 0.7  # cores: above it, what is measured waits for others
KEEP_MEMORY = {"MALLOC_TRIM_THRESHOLD_": str(1 << 40), "MALLOC_MMAP_MAX_": "0", "MALLOC_TOP_PAD_": str(64 << 20)}  # of glibc's malloc
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def parser(description: str, against: str | None, example: str) -> argparse.ArgumentParser:
    """Return the options that conv.py and net.py share."""
    found = argparse.ArgumentParser(description=description, epilog=example, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument(
        "--against", default=against, metavar="NAMES", help=f"peers, separated by commas (default: {against or 'all that there are'})"
    )
    counts = "1" if cores() == 1 else f"1,{cores()}"
    found.add_argument("--threads", default=counts, metavar="COUNTS", help=f"numbers of threads, a process for each (default: {counts})")
    found.add_argument("--quick", action="store_true", help="little is measured, in under a minute")
    found.add_argument("--only", action="append", default=[], metavar="WORDS", help="those whose name holds these words; may be repeated")
    found.add_argument("--rounds", metavar="N", help="turns of each candidate (default: 9, with --quick 3)")
    found.add_argument("--keep-memory", action="store_true", help="have glibc keep freed memory, so that nobody meets page faults")
    found.add_argument("--json", metavar="FILE", help="write all figures to a file")
    found.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    return found


def numbers(text: str, option: str, command: str, most: int, why: str) -> list[int]:
    """Return the whole numbers of a comma separated list, each once.

    >>> numbers("1,2,1", "--batch", "bench conv", 8, "memory")
    [1, 2]

    Raises ArgumentError.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and 1 <= int(part) <= most for part in parts):
        raise ArgumentError(
            f"{command}: {option} takes whole numbers from 1 to {most} ({why}), separated by commas, but it is {text!r}; write 1, or 1,{min(most, 2)}."
        )
    return list(dict.fromkeys(map(int, parts)))


def settings_of(options: argparse.Namespace, command: str) -> tuple[list[int], int]:
    """Return the numbers of threads and of rounds that were asked for, checked; refuse a file that cannot be written."""
    threads = numbers(options.threads, "--threads", command, cores(), "the cores that are here")
    rounds = numbers(options.rounds, "--rounds", command, 1000, "turns")[0] if options.rounds else 3 if options.quick else 9
    for option, path in (("--json", options.json), ("--chart", getattr(options, "chart", None))):
        if path and not Path(path).absolute().parent.is_dir():
            raise ArgumentError(
                f"{command}: {option} names a file in a folder that exists, but {str(Path(path).parent)!r} does not; make it first."
            )
    return threads, rounds


def run(script: str, threads: int, request: dict) -> dict:
    """Return what a worker of the script answers to a request, with so many threads."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        environment = {**os.environ, **dict.fromkeys(VARIABLES, str(threads)), **(KEEP_MEMORY if request["keep_memory"] else {})}
        document = json.dumps({**request, "threads": threads, "answer": str(answer)})
        done = subprocess.run([sys.executable, script, "--worker"], input=document, encoding="utf-8", env=environment, stdout=sys.stderr)
        if done.returncode:
            sys.exit(done.returncode)  # it has said why
        return json.loads(answer.read_text(encoding="utf-8"))


def work(measure: Callable[[dict], dict]) -> None:
    """Be the worker: read the request, measure, answer."""
    request = json.loads(sys.stdin.read())
    Path(request["answer"]).write_text(json.dumps(measure(request)), encoding="utf-8")


def progress(text: str) -> None:
    """Show what is measured now, on one line, where someone looks at a terminal."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def installed(peers: list[str], missing: Callable[[str], str | None], terminal: Terminal) -> tuple[list[str], dict[str, str]]:
    """Return the peers that are here, and of each other one what to do about it, which is also told."""
    reasons = {name: reason for name in peers if (reason := missing(name))}
    for reason in reasons.values():
        terminal.note(reason)
    return [name for name in peers if name not in reasons], reasons


def keep(document: dict, path: str | None, terminal: Terminal) -> None:
    """Write all figures to a file, where one was named."""
    if path:
        Path(path).write_text(json.dumps(jsonable(document), indent=1, allow_nan=False) + "\n", encoding="utf-8")
        terminal.fact("written", path)


def surroundings(peers: list[str], terminal: Terminal) -> dict:
    """Return the machine, the versions and how busy other processes keep it; tell when they take what is measured."""
    load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    if load is not None and load > BUSY:
        terminal.note(f"other processes kept {load:.1f} of {cores()} cores busy in the last minute: figures of a busy machine mean little.")
    return {**facts(), **versions(peers), "load": load}


def versions(peers: list[str]) -> dict[str, str]:
    """Return the versions of the peers that are libraries."""
    from importlib.metadata import version

    return {name: version(name) for name in peers if importlib.util.find_spec(name)}


def told(main: Callable[[], None]) -> None:
    """Run a script's main; a mistake in what was given is one message and exit code 1, Ctrl-C is 130."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")
    try:
        main()
    except MinicnnError as error:
        Terminal().error(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
