"""Which question: is anything wrong with this network on this photo?

Idea: probe.doctor as a command: what was seen, what is likely behind it, what to do.  With --shapes only what strides, kernels and
fields say, which needs neither weights nor a photo, and takes an --input of any size.

Exit code 0 with findings too, since a finding is an answer and no mistake; with --strict it is 1, for scripts.
Cost: one forward pass and a few reads of every map.  What it does not do: mend.  Next room: probe/doctor.py.
"""

from typing import Annotated

import typer

from minicnn.cli.answering import JsonOption, ModelArgument, photo_shape
from minicnn.cli.terminal import Terminal
from minicnn.cli.trace import ImageOption, OnnxOption, WeightsOption
from minicnn.errors import ArgumentError


def doctor(
    model: ModelArgument = None,
    image: ImageOption = None,
    weights: WeightsOption = "pretrained",
    onnx: OnnxOption = None,
    shapes: Annotated[bool, typer.Option("--shapes", help="Ask only what shapes tell: no weights, no photo.")] = False,
    input: Annotated[
        str | None, typer.Option(help="With --shapes, the input's shape, such as 3x64x64; the model's own by default.", show_default=False)
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 where there are findings.")] = False,
    json: JsonOption = False,
) -> None:
    """Look for what is wrong with a model: dead channels, NaN, scale, strides, fields; with cause and remedy."""
    from minicnn import probe
    from minicnn.cli import inputs

    terminal = Terminal()
    _only_together(shapes, image, input)
    chosen = inputs.chosen(model, onnx, None if shapes else weights)
    if shapes:
        source, found = None, probe.doctor(chosen.net, input_shape=inputs.parse_shape(input) if input else chosen.input_shape)
    else:
        photo = inputs.photo(image, photo_shape(chosen))
        source, found = photo.source, probe.doctor(chosen.net, _traced(terminal, chosen.net, photo.x))
    given = None if shapes or onnx else weights
    if json:
        terminal.json({"model": chosen.name, "weights": given, "photo": source, **found.to_dict()})
    else:
        title = chosen.name + (f" ({given})" if given else "") + (f" on {source}" if source else "")
        _print(terminal, title, found)
    if strict and found.findings:
        raise typer.Exit(1)


def _only_together(shapes: bool, image, input) -> None:
    if shapes and image is not None:
        raise ArgumentError("--shapes looks at no photo, but --image names one; leave one of them out.")
    if input is not None and not shapes:
        raise ArgumentError("--input gives a shape, and without --shapes the photo has its own; write --shapes beside it.")


def _traced(terminal: Terminal, net, x):
    from minicnn import trace

    with terminal.compiling(), terminal.progress("forward", len(net)) as step:
        return trace(net, x, hooks=lambda node, inputs, output: step(node.name))


def _print(terminal: Terminal, title: str, found) -> None:
    terminal.say(title, "bold")
    terminal.say(found.summary)
    for finding in found:
        terminal.line()
        terminal.line(f"{finding.kind}: {finding.node}", "bold")
        for word, text in finding.lines():
            terminal.fact(f"  {word}", text)
    terminal.line()
    terminal.fact("asked for", ", ".join(found.checks))
