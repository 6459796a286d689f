"""Is one training step of LeNet-5 as fast as PyTorch's?

    python benchmarks/train_step.py [--check] [--json] [--rounds N]

Claim, on 2 cores: a step (batch 64 of 28×28: forward, loss, gradients, SGD with momentum) takes at most as
long as PyTorch eager's on as many threads. Each engine lives in a process of its own, so that neither's
spinning threads are in the other's way; they take turns, twenty steps at a time, and the medians of the
turns are compared.
"""

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import time

from machine import print_facts, slack

STEPS = 20


def ours():
    """Return a function that takes one step."""
    import numpy as np

    from minicnn import models, train

    rng = np.random.default_rng(0)
    images, labels = rng.standard_normal((64, 1, 28, 28), np.float32), rng.integers(0, 10, 64)
    net, sgd = models.lenet5(rng=rng, padding=2), train.SGD(0.01, momentum=0.9)
    now = {"net": net, "state": sgd.init(net.parameters())}

    def step():
        done = train.step(now["net"], now["state"], images, labels, optimizer=sgd)
        now.update(net=done.net, state=done.state)

    return step


def torchs():
    """Return a function that takes the same step in PyTorch."""
    import torch

    n = torch.nn
    torch.manual_seed(0)
    net = n.Sequential(
        *(n.Conv2d(1, 6, 5, padding=2), n.ReLU(), n.MaxPool2d(2), n.Conv2d(6, 16, 5), n.ReLU(), n.MaxPool2d(2)),
        *(n.Conv2d(16, 120, 5), n.ReLU(), n.Flatten(), n.Linear(120, 84), n.ReLU(), n.Linear(84, 10)),
    )
    sgd, loss = torch.optim.SGD(net.parameters(), 0.01, momentum=0.9), n.CrossEntropyLoss()
    images, labels = torch.randn(64, 1, 28, 28), torch.randint(0, 10, (64,))

    def step():
        sgd.zero_grad()
        loss(net(images), labels).backward()
        sgd.step()

    return step


ENGINES = {"minicnn": ours, "torch": torchs}


def work(engine: str) -> None:
    """Wait for a line, take some steps, answer with their median in milliseconds; until there is no line."""
    step = ENGINES[engine]()
    for _ in range(30):
        step()
    for _ in sys.stdin:
        times = []
        for _ in range(STEPS + 2):  # the first two wake the machine
            began = time.perf_counter()
            step()
            times.append(time.perf_counter() - began)
        print(1000 * statistics.median(times[2:]), flush=True)


def measure(rounds: int) -> dict[str, list[float]]:
    """Return the milliseconds of each turn of each engine."""
    workers = {
        name: subprocess.Popen([sys.executable, __file__, "--work", name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in ENGINES
    }
    turns: dict[str, list[float]] = {name: [] for name in ENGINES}
    for _ in range(rounds):
        for name, worker in workers.items():
            worker.stdin.write("go\n")
            worker.stdin.flush()
            turns[name].append(float(worker.stdout.readline()))
    for worker in workers.values():
        worker.stdin.close()
        worker.wait()
    return turns


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="exit with 1 where a claim does not hold")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--rounds", type=int, default=25, help="turns of each engine")
    parser.add_argument("--work", choices=tuple(ENGINES), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.work)
        return
    if importlib.util.find_spec("torch") is None:
        sys.exit("train_step: a step is timed beside PyTorch's, and it is not installed: pip install torch")
    facts = None if options.json else print_facts()
    turns = measure(options.rounds)
    medians = {name: statistics.median(times) for name, times in turns.items()}
    ratio = statistics.median(theirs / ours for ours, theirs in zip(turns["minicnn"], turns["torch"], strict=True))
    if options.json:
        print(json.dumps({"facts": facts, "milliseconds": medians, "torch_over_ours": ratio}))
    else:
        print(f"one step of LeNet-5, batch 64: minicnn {medians['minicnn']:.2f} ms, torch {medians['torch']:.2f} ms")
        print(f"torch time / our time {ratio:.2f}, median of {options.rounds} pairs of turns (asked for: 1)")
    if options.check and ratio < 1 / slack():
        sys.exit("a step takes longer than PyTorch's")


if __name__ == "__main__":
    main()
