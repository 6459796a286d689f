"""Which question: what can be asked from a command line?

    minicnn tour                   one photo through one trained network, every map, pictures
    minicnn trace MODEL            the table of every map, or one of them in detail
    minicnn explain MODEL          one number: its equation with its own terms, and the way to the pixels
    minicnn report MODEL           one HTML file: every map of a photo, numbers walked back to their pixels
    minicnn step                   a kernel over a small input, step by step with the arrow keys; also over a map of a model
    minicnn describe MODEL         shapes, fields, parameters and cost, nothing computed
    minicnn memory MODEL           bytes alive along a pass, the peak, and what im2col would add
    minicnn doctor MODEL           what is wrong: evidence, likely cause, remedy
    minicnn compare A B            what differs between two networks
    minicnn layout SHAPE           how a map lies in memory, as NCHW or NHWC
    minicnn shape "Conv2d(…) …"    the arithmetic of a row of layers, step by step
    minicnn saliency MODEL         which pixels act most on a class; also grad-cam, occlusion
    minicnn deconvnet MODEL        what one activation goes back to; also effective-field
    minicnn top-patches MODEL      which parts of many photos a channel answers to; also embedding
    minicnn tensorboard MODEL      the maps of a photo for TensorBoard
    minicnn export MODEL FILE      an ONNX file with the weights
    minicnn train lenet5           learn real digits: the curve, the filters, the weights
    minicnn lesson 03              lessons that ask before they tell: list, open, edit, export
    minicnn quiz shapes            questions about shapes and cost; comes back to what went wrong until it is gone
    minicnn assignment list        assignments that grade themselves: start, check, grade a class, make one
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
from minicnn.cli import (
    assignment,
    attribution,
    bench,
    compare,
    describe,
    doctor,
    explain,
    export,
    layout,
    lesson,
    memory,
    patches,
    quiz,
    report,
    shape,
    step,
    tensorboard,
    tour,
    trace,
    train,
)
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


COMMANDS = {  # panel of the help: commands with an example each, in the order in which a reader meets them
    "Look at a network": (
        (tour.tour, "minicnn tour --image photo.jpg --out pictures"),
        (trace.trace, "minicnn trace lenet5 --weights random --node c3"),
        (explain.explain, "minicnn explain lenet5 --node c3 --channel 5 --at 3,8 --back 9"),
        (report.report, "minicnn report lenet5 --image photo.jpg --out report.html --open"),
        (step.step, "minicnn step --input 5x5 --kernel 3x3 --stride 2 --padding 1"),
        (describe.describe, "minicnn describe efficientnet_lite0 --input 3x160x240"),
        (memory.memory, "minicnn memory resnet50 --batch 8 --training --optimizer adam"),
        (doctor.doctor, "minicnn doctor efficientnet_lite0 --image photo.jpg"),
        (shape.shape, 'minicnn shape "Conv2d(3, 64, 7, stride=2, padding=3) ReLU MaxPool2d(3, 2, 1)" --input 3x224x224'),
        (compare.compare, "minicnn compare vgg16 vgg16_bn"),
        (layout.layout, "minicnn layout 3x4x5 --format nhwc"),
    ),
    "Ask what a class or a channel rests on": (
        (attribution.saliency, "minicnn saliency efficientnet_lite0 --image photo.jpg --out saliency.png"),
        (attribution.grad_cam, "minicnn grad-cam efficientnet_lite0 --image photo.jpg --class 652 --out cam.png"),
        (attribution.occlusion, "minicnn occlusion efficientnet_lite0 --image photo.jpg --patch 32 --stride 16 --out hidden.png"),
        (patches.deconvnet, "minicnn deconvnet efficientnet_lite0 --node block2.add --channel 3 --out pattern.png"),
        (patches.effective_field, "minicnn effective-field efficientnet_lite0 --node block4.add --at 14,14 --out field.png"),
        (patches.top_patches, "minicnn top-patches efficientnet_lite0 --image photos --node block4.add --channel 3 --out patches.png"),
        (patches.embedding, "minicnn embedding efficientnet_lite0 --image photos"),
    ),
    "Take it elsewhere, train, measure": (
        (tensorboard.tensorboard, "minicnn tensorboard lenet5 --image photo.jpg --logdir runs"),
        (export.export, "minicnn export lenet5 lenet5.onnx"),
        (train.train, "minicnn train lenet5 --data digits --epochs 30 --out minicnn-train"),
    ),
    "Learn and teach": ((quiz.quiz, "minicnn quiz shapes --level 2"),),
}

for _panel, _commands in COMMANDS.items():
    for _command, _example in _commands:
        app.command(epilog=f"Example: {_example}", rich_help_panel=_panel)(_command)
app.add_typer(bench.app, rich_help_panel="Take it elsewhere, train, measure")
app.add_typer(lesson.app, rich_help_panel="Learn and teach")
app.add_typer(assignment.app, rich_help_panel="Learn and teach")


def main() -> None:
    """Run the command line: the entry point of `minicnn` and of `python -m minicnn`."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a name that the terminal cannot print must not end the program
    app(prog_name="minicnn")
