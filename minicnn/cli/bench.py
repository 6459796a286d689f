"""Which question: how fast is this engine on this machine, beside the frameworks?

    minicnn bench conv             every distinct convolution of five networks, by class
    minicnn bench conv --device cuda      the ladder of kernels on a GPU, beside cuDNN
    minicnn bench net              whole networks; --operations for pooling, activations, …
    minicnn bench train            the gradients of 3×3 layers; one training step of LeNet-5
    minicnn bench import           what importing costs

Idea: a thin door.  What is measured, and how, stands in the scripts of the folder benchmarks/ beside the package; each runs
in a process of its own, since BLAS, OpenMP and Numba read their number of threads as they are loaded.
Cost: minutes; --quick is under one.  What it does not do: run where there is no checkout; the wheel has no benchmarks.
Source: none.  Next room: benchmarks/README.md.
"""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

Against = Annotated[str | None, typer.Option(metavar="NAMES", help="Peers, separated by commas.", show_default="all that there are")]
Threads = Annotated[
    str | None, typer.Option(metavar="COUNTS", help="Numbers of threads, a process for each: 1,2.", show_default="1 and all cores")
]
Quick = Annotated[bool, typer.Option("--quick", help="A few that stand for all, few rounds: under a minute.")]
Only = Annotated[list[str] | None, typer.Option(metavar="WORDS", help="Those whose name holds these words; may be repeated.")]
Rounds = Annotated[int | None, typer.Option(min=1, help="Turns of each candidate.", show_default="9, with --quick 3")]
KeepMemory = Annotated[bool, typer.Option("--keep-memory", help="Have glibc keep freed memory: nobody meets page faults.")]
Json = Annotated[str | None, typer.Option(metavar="FILE", help="Write all figures to a file.", show_default=False)]

app = typer.Typer(
    name="bench",
    help="Measure this engine beside PyTorch and ONNX Runtime (from a checkout).",
    epilog="Example: minicnn bench conv --quick",
    rich_markup_mode="rich",
    no_args_is_help=True,
)


def _command(name: str, example: str):
    return app.command(name, epilog=f"Example: {example}")


@_command("conv", "minicnn bench conv --quick --against torch,onnxruntime --threads 1,2 --chart conv.png")
def conv(
    against: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Peers, separated by commas: torch, onnxruntime, loops, im2col-dot, scipy; course is the last three. On a GPU: torch.",
            show_default="torch,onnxruntime",
        ),
    ] = None,
    device: Annotated[
        str, typer.Option(metavar="NAME", help="cpu, or cuda: the ladder of kernels on a GPU, beside cuDNN and the roofline.")
    ] = "cpu",
    threads: Threads = None,
    batch: Annotated[
        str | None, typer.Option(metavar="SIZES", help="Batch sizes.", show_default="1,8, with --quick 1; on a GPU 8,64, with --quick 8")
    ] = None,
    class_: Annotated[
        str | None,
        typer.Option("--class", metavar="NAMES", help="3x3, 3x3-strided, 1x1, 1x1-strided, depthwise, stem, tiny.", show_default="all"),
    ] = None,
    only: Only = None,
    quick: Quick = False,
    rounds: Rounds = None,
    keep_memory: KeepMemory = False,
    json: Json = None,
    chart: Annotated[
        str | None, typer.Option(metavar="FILE", help="Draw the ratios, and the roofline, as PNG.", show_default=False)
    ] = None,
) -> None:
    """Time every distinct convolution of VGG16, ResNet-50, MobileNetV2, EfficientNet-Lite0 and LeNet-5."""
    if _on_gpu(device, {"--threads": threads, "--class": class_, "--keep-memory": keep_memory}):
        peers = "torch" if against is None else against
        _run("gpu.py", against=peers, batch=batch, only=only, quick=quick, rounds=rounds, json=json, chart=chart)
        return
    peers = "torch,onnxruntime" if against is None else against
    given = {"against": peers, "threads": threads, "batch": batch, "class": class_, "only": only, "quick": quick, "rounds": rounds}
    _run("conv.py", **given, keep_memory=keep_memory, json=json, chart=chart)


def _on_gpu(device: str, of_the_cpu: dict) -> bool:
    """Whether a GPU is asked for; refuse other words, and options that mean nothing there."""
    from minicnn.errors import ArgumentError, UnknownNameError, nearest

    if device == "cpu":
        return False
    if device != "cuda":
        raise UnknownNameError(
            f"bench conv: --device is where it runs, cpu or cuda, but it is {device!r}.{nearest(device, ('cpu', 'cuda'))}"
        )
    for option, value in of_the_cpu.items():
        if value:
            raise ArgumentError(
                f"bench conv: {option} is about the CPU's benchmark, but --device cuda is asked for; leave one of the two out."
            )
    return True


@_command("net", "minicnn bench net --quick --against torch --threads 1")
def net(
    against: Against = None,
    threads: Threads = None,
    batch: Annotated[str, typer.Option(metavar="SIZES", help="Batch sizes; LeNet-5's is always 64.")] = "1",
    operations: Annotated[bool, typer.Option("--operations", help="Pooling, activations, normalization … in place of networks.")] = False,
    only: Only = None,
    quick: Quick = False,
    rounds: Rounds = None,
    keep_memory: KeepMemory = False,
    json: Json = None,
) -> None:
    """Time VGG16, ResNet-50, EfficientNet-Lite0 and LeNet-5, or single operations."""
    given = {"against": against, "threads": threads, "batch": batch, "operations": operations, "only": only, "quick": quick}
    _run("net.py", **given, rounds=rounds, keep_memory=keep_memory, json=json)


@_command("train", "minicnn bench train --quick --threads 1")
def train(
    threads: Threads = None,
    batch: Annotated[str, typer.Option(metavar="SIZES", help="Batch sizes of the gradients.")] = "1",
    only: Only = None,
    quick: Quick = False,
    rounds: Rounds = None,
    keep_memory: KeepMemory = False,
    json: Json = None,
    step: Annotated[bool, typer.Option("--step/--no-step", help="Time a training step of LeNet-5 as well, or leave it out.")] = True,
) -> None:
    """Time the gradients of 3×3 layers and one training step of LeNet-5, beside PyTorch."""
    given = {"threads": threads, "batch": batch, "only": only, "quick": quick, "rounds": rounds}
    _run("gradients.py", **given, keep_memory=keep_memory, json=json)
    if step:
        _run("train_step.py", rounds=5 if quick else None)


@_command("import", "minicnn bench import --check")
def import_(
    check: Annotated[bool, typer.Option("--check", help="Exit with 1 where a claim does not hold.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Time whole processes that import minicnn, beside one that imports NumPy."""
    _run("import_time.py", check=check, json=json)


def _run(script: str, **options) -> None:
    """Run a script of benchmarks/ with these options; leave with its exit code where that is not 0."""
    path = folder() / script
    words = [word for name, value in options.items() for word in _spelled(f"--{name.replace('_', '-')}", value)]
    sys.stdout.flush()
    done = subprocess.run([sys.executable, str(path), *words])
    if done.returncode:
        raise typer.Exit(done.returncode)


def _spelled(option: str, value) -> list[str]:
    """Return an option as it is typed.

    >>> _spelled("--quick", True), _spelled("--only", ["a", "b"]), _spelled("--rounds", 3), _spelled("--json", None)
    (['--quick'], ['--only=a', '--only=b'], ['--rounds=3'], [])
    """
    if value is None or isinstance(value, bool):
        return [option] if value else []
    return [f"{option}={word}" for word in (value if isinstance(value, list) else [value])]


def folder() -> Path:
    """Return the folder benchmarks/ of the checkout that this package stands in, or say where to get one."""
    from minicnn.errors import UnsupportedError

    package = Path(__file__).resolve().parents[1]
    found = package.parent / "benchmarks"
    if not (found / "workers.py").is_file():
        raise UnsupportedError(
            "bench: the benchmarks are scripts of the repository, which an installed package does not hold, and there is no folder benchmarks/ beside "
            "this one; get the sources, and there: pip install -e . and minicnn bench conv --quick"
        )
    return found
