"""Which question: how much memory does a network take, and when is it most?

Idea: probe.memory as a command: what stands around a pass, what it adds at its peak, and its curve as bars.
Cost: some milliseconds; nothing is computed.  What it does not do: load weights, but those of an ONNX file.
Next room: probe/memory.py.
"""

from typing import Annotated

import typer

from minicnn.cli.answering import JsonOption, ModelArgument
from minicnn.cli.terminal import Terminal
from minicnn.cli.trace import OnnxOption
from minicnn.errors import ArgumentError


def memory(
    model: ModelArgument = None,
    input: Annotated[
        str | None, typer.Option(help="Shape of the input, such as 3x224x224; the model's own by default.", show_default=False)
    ] = None,
    batch: Annotated[int, typer.Option(metavar="N", min=1, help="Images at a time.")] = 1,
    training: Annotated[bool, typer.Option("--training", help="A training step in place of a forward pass.")] = False,
    optimizer: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="With --training, what train.fit holds: sgd, momentum, adam, or how many arrays.", show_default=False
        ),
    ] = None,
    onnx: OnnxOption = None,
    json: JsonOption = False,
) -> None:
    """Show how many bytes a model takes, moment by moment and in all."""
    from minicnn import probe
    from minicnn.cli.inputs import chosen

    terminal, name_net = Terminal(), chosen(model, onnx)
    if optimizer is not None and not training:
        raise ArgumentError("--optimizer steps in training only; write --training beside it.")
    arrays = int(optimizer) if optimizer is not None and optimizer.isdecimal() else optimizer
    found = probe.memory(name_net.net, _batched(input, batch, name_net.input_shape), training, arrays)
    if json:
        terminal.json({"model": name_net.name, **found.to_dict()})
        return
    terminal.say(name_net.name, "bold")
    terminal.say(found.summary)
    terminal.line()
    for what, size, why in found.facts():
        terminal.fact(what, _told(size, why))
    terminal.line()
    terminal.line(
        "Alive, moment by moment:" if len(found.timeline()) == len(found.curve) else "Alive, each row the fullest of some moments:"
    )
    for line in found.timeline(min(terminal.width, 80)):
        terminal.line(line)


def _batched(input: str | None, batch: int, own: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape with the batch in front of it."""
    from minicnn.cli.inputs import parse_shape

    shape = parse_shape(input) if input else own
    if len(shape) == 3:
        return (batch, *shape)
    if batch > 1:
        raise ArgumentError(
            f"--batch goes in front of channels, rows and columns, but the shape has {len(shape)} axes already; write it into --input."
        )
    return shape


def _told(size: int, why: str) -> str:
    from minicnn.cli.table import firm

    return f"{firm(size, 'B')}: {why}"
