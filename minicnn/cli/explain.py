"""Which question: where does one number of a feature map come from, on this photo?

Idea: probe.explain as a command: the equation with the number's own terms, and with --back the way from the number to the pixels, one
line a level.  Without --channel or --at it takes the largest number of the map (of that channel), so that --node is enough to begin with.
Cost: one forward pass.  What it does not do: pictures.  Next rooms: trace.py, probe/explaining.py.
"""

import re
from typing import Annotated

import typer

from minicnn.cli.terminal import Terminal
from minicnn.cli.trace import ImageOption, OnnxOption, WeightsOption


def explain(
    model: Annotated[str | None, typer.Argument(help="Name of a model; 'minicnn describe' lists them.", show_default=False)] = None,
    node: Annotated[str | None, typer.Option(metavar="NAME", help="The map; the network's output by default.", show_default=False)] = None,
    channel: Annotated[
        int | None, typer.Option(metavar="N", help="A channel, or a feature; that of the largest number by default.", show_default=False)
    ] = None,
    at: Annotated[
        str | None, typer.Option(metavar="ROW,COLUMN", help="The position; that of the largest number by default.", show_default=False)
    ] = None,
    image: ImageOption = None,
    weights: WeightsOption = "pretrained",
    onnx: OnnxOption = None,
    back: Annotated[int | None, typer.Option(metavar="N", min=0, help="Follow it N levels towards the pixels.", show_default=False)] = None,
    most: Annotated[int, typer.Option(metavar="N", min=1, help="Rows of a table of channels or cells.")] = 8,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")] = False,
) -> None:
    """Show the equation of one number, with its own terms, and follow it back to the pixels."""
    from minicnn import probe
    from minicnn.cli import answering, inputs

    terminal, place = Terminal(), position(at)
    chosen = inputs.chosen(model, onnx, weights)
    name, net = chosen.name, chosen.net
    node = node or net.outputs[0]
    if node.partition(":")[0] not in net.inputs:
        net.node(node.partition(":")[0])  # a wrong name is told before anything runs
    photo = inputs.photo(image, answering.photo_shape(chosen))
    found = _traced(terminal, net, photo.x)
    if node in found and (channel is None or place is None):
        channel, place = largest(found[node].data, channel, place)
    explanation = probe.explain(net, found, node, 0 if channel is None else channel, place)
    if json:
        levels = [] if back is None else [_level(each) for each in explanation.follow(back)]
        document = {"model": name, "weights": None if onnx else weights, "photo": photo.source, **explanation.to_dict()}
        terminal.json({**document, "levels": levels} if back is not None else document)
        return
    terminal.say(f"{name} on {photo.source}" if onnx else f"{name} ({weights}) on {photo.source}", "bold")
    terminal.line()
    for line in explanation.text(terminal.width, most).split("\n"):
        terminal.line(line)
    if back is not None:
        terminal.line()
        for line in explanation.levels(back, terminal.width).split("\n"):
            terminal.line(line)


def position(text: str | None) -> tuple[int, ...] | None:
    """Return the position that was typed: 4,5 or "(4, 5)".

    >>> position("4,5"), position("(4, 5)"), position(None)
    ((4, 5), (4, 5), None)
    """
    from minicnn.errors import ArgumentError

    if text is None:
        return None
    parts = re.split(r"[,\s]+", text.strip().strip("()[]").strip())
    if not all(re.fullmatch(r"[0-9]{1,9}", part) for part in parts):
        raise ArgumentError(f"--at: a position is whole numbers from 0 on, row and column, but it is {text!r}; write --at 4,5.")
    return tuple(map(int, parts))


def largest(data, channel: int | None, at: tuple[int, ...] | None) -> tuple[int, tuple[int, ...]]:
    """Return channel and position with what was left open filled in: those of the largest number of the first image.

    >>> import numpy as np
    >>> largest(np.array([[[[1.0, 2.0]], [[5.0, 4.0]]]]), None, None), largest(np.array([[[[1.0, 2.0]], [[5.0, 4.0]]]]), 0, None)
    ((1, (0, 0)), (0, (0, 1)))
    """
    import numpy as np

    first = data[0] if data.ndim > 1 else data
    inside = first[channel : channel + 1] if channel is not None and 0 <= channel < len(first) else first
    if at is not None and len(at) == first.ndim - 1 and all(n < size for n, size in zip(at, first.shape[1:], strict=True)):
        inside = inside[(slice(None), *(slice(n, n + 1) for n in at))]
    if not inside.size:
        return channel or 0, at or ()
    numbers = np.where(np.isnan(inside), -np.inf, inside) if inside.dtype.kind == "f" else inside
    where = tuple(map(int, np.unravel_index(numbers.argmax(), inside.shape)))
    return where[0] if channel is None else channel, where[1:] if at is None else at


def _traced(terminal: Terminal, net, x):
    from minicnn import trace

    with terminal.compiling(), terminal.progress("forward", len(net)) as step:
        return trace(net, x, hooks=lambda node, inputs, output: step(node.name))


def _level(explanation) -> dict:
    names = ("node", "channel", "at", "stored", "result", "difference", "allowed", "kind", "equation", "worked")
    return {name: getattr(explanation, name) for name in names}
