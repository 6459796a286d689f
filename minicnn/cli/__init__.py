"""Which question: what can be asked from a command line?

    minicnn tour                   one photo through one trained network, every map, pictures
    minicnn trace MODEL            the table of every map, or one of them in detail
    minicnn describe MODEL         shapes, fields, parameters and cost, nothing computed
    minicnn shape "Conv2d(…) …"    the arithmetic of a row of layers, step by step
    minicnn train lenet5           learn real digits: the curve, the filters, the weights
    minicnn bench conv             how fast it is beside PyTorch and ONNX Runtime; also net, train, import

Idea: each command is one file that asks the public API and prints; answers go to stdout, everything
else to stderr.  A user's mistake is one message and exit code 1, a wrong option is 2, Ctrl-C 130.

Cost: importing this loads typer and rich; NumPy, Numba and matplotlib wait until a command needs them.
What it does not do: anything that the API does not.
Source: typer's documentation; no-color.org for NO_COLOR.  Next rooms: tour.py, trace.py, describe.py, shape.py.
"""

import contextlib
import sys
import warnings

import typer
from typer.core import TyperGroup

from minicnn import __version__
from minicnn.cli import bench, describe, shape, tour, trace, train
from minicnn.cli.terminal import Terminal
from minicnn.errors import MinicnnError

__all__ = ["app", "main"]


class Reporting(TyperGroup):
    """A group of commands whose mistakes are told in one message, without a traceback."""

    def invoke(self, ctx):
        terminal = Terminal()
        try:
            with _warnings_as_notes(terminal):
                return super().invoke(ctx)
        except BrokenPipeError:
            raise  # the reader went away, as in `minicnn describe … | head`; typer ends quietly
        except MinicnnError as error:
            terminal.error(str(error))
        except OSError as error:
            place = f" {error.filename!r}" if error.filename else ""
            terminal.error(f"{error.strerror or error}{place}; check the path, its permissions and the room on the disk.")
        except KeyboardInterrupt:
            terminal.note("interrupted.")
            raise typer.Exit(130) from None
        raise typer.Exit(1)


@contextlib.contextmanager
def _warnings_as_notes(terminal: Terminal):
    """Show what the package warns of as one line on stderr, without the place in the source."""
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: terminal.note(str(message))
        yield


app = typer.Typer(
    cls=Reporting,
    name="minicnn",
    help="Every feature map, receptive field and cost of a convolutional network.",
    epilog="Example: minicnn tour --image photo.jpg.  Exit codes: 0 done, 1 a mistake in what was given, 2 a wrong option, 130 interrupted.",
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"minicnn {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _start(
    ctx: typer.Context,
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version and leave."),
) -> None:
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


for _command, _example in (
    (tour.tour, "minicnn tour --image photo.jpg --out pictures"),
    (trace.trace, "minicnn trace lenet5 --weights random --node c3"),
    (describe.describe, "minicnn describe efficientnet_lite0 --input 3x160x240"),
    (shape.shape, 'minicnn shape "Conv2d(3, 64, 7, stride=2, padding=3) ReLU MaxPool2d(3, 2, 1)" --input 3x224x224'),
    (train.train, "minicnn train lenet5 --data digits --epochs 30 --out minicnn-train"),
):
    app.command(epilog=f"Example: {_example}")(_command)
app.add_typer(bench.app)


def main() -> None:
    """Run the command line: the entry point of `minicnn` and of `python -m minicnn`."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a name that the terminal cannot print must not end the program
    app(prog_name="minicnn")
