"""Which question: what will a network do with an input of this shape, before anything is computed?

Idea: the table of `minicnn.describe`, laid out for 80 columns, of a model or of an ONNX file; without either, the list of models.
Cost: some milliseconds.  What it does not do: load weights, but those of an ONNX file.  Next room: trace.py.
"""

import sys
from itertools import groupby
from typing import Annotated

import typer

from minicnn.cli.terminal import Terminal
from minicnn.cli.trace import OnnxOption


def describe(
    model: Annotated[str | None, typer.Argument(help="Name of a model; leave it out for the list.", show_default=False)] = None,
    input: Annotated[
        str | None, typer.Option(help="Shape of the input, such as 3x224x224; the model's own by default.", show_default=False)
    ] = None,
    onnx: OnnxOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")] = False,
) -> None:
    """Show every node of a model: shape, receptive field, parameters, multiply-adds and bytes."""
    import minicnn
    from minicnn.cli.inputs import chosen, parse_shape

    terminal = Terminal()
    if model is None and onnx is None:
        _list_models(terminal, json)
        return
    name, net, own_shape = chosen(model, onnx)
    facts = minicnn.describe(net, parse_shape(input) if input else own_shape)
    if json:
        terminal.json({"model": name, "input_shape": facts[net.inputs[0]].shape, **facts.to_dict()})
        return
    _print(terminal, name, facts)


def _print(terminal: Terminal, model: str, facts) -> None:
    from minicnn.cli.maps import FIELD
    from minicnn.cli.table import firm, grouped, kind_of, one_image
    from minicnn.text import count

    net = facts.net
    terminal.line(f"{model} on {one_image(facts[net.inputs[0]].shape)}: {len(net)} nodes", "bold")
    terminal.line()
    rows = [
        (
            row.name,
            kind_of(row.layer),
            one_image(row.shape),
            row.field.short(),
            *(count(number) for number in (row.parameters, row.multiply_adds)),
            count(row.bytes, "B"),
        )
        for row in facts
    ]
    foot = ("total", "", "", "", count(facts.parameters), count(facts.multiply_adds), count(facts.bytes, "B"))
    for line in grouped(("node", "layer", "shape", "field", "params", "MAdds", "bytes"), rows, terminal.width, foot):
        terminal.line(line)
    terminal.line()
    terminal.fact("cost", f"{facts.parameters:,} parameters, {facts.multiply_adds:,} multiply-adds")
    terminal.fact(
        "memory",
        f"{firm(facts.bytes, 'B')} for all maps, {firm(facts.peak_bytes, 'B')} at the peak of a forward pass, "
        f"{firm(facts.kept_bytes, 'B')} kept for training",
    )
    if facts.prepared_bytes:
        size = firm(facts.prepared_bytes, "B")
        terminal.fact("prepared", f"{size} of weights in the form that kernels read, kept from the first call on")
    terminal.fact("field", FIELD)
    for reason in dict.fromkeys(row.field.reason for row in facts if row.field.reason and not row.field.sees_everything):
        terminal.fact("note", reason)


def _list_models(terminal: Terminal, json: bool) -> None:
    import minicnn
    from minicnn import models

    found = []
    for name in models.MODELS:
        facts = minicnn.describe(models.build(name), models.input_shape(name))
        about = (sys.modules[getattr(models, name).__module__].__doc__ or "").split("\n")[0]
        found.append(
            {
                "name": name,
                "input_shape": models.input_shape(name),
                "parameters": facts.parameters,
                "multiply_adds": facts.multiply_adds,
                "about": about,
            }
        )
    if json:
        terminal.json({"models": found})
        return
    _print_models(terminal, found)


def _print_models(terminal: Terminal, found: list[dict]) -> None:
    """Print a row for each model, under the sentence of its paper, which those of one file share."""
    from minicnn.text import times

    head = ("model", "input", "parameters", "multiply-adds")
    cells = [(row["name"], times(row["input_shape"]), f"{row['parameters']:,}", f"{row['multiply_adds']:,}") for row in found]
    first, *widths = (max(map(len, column)) for column in zip(head, *cells, strict=True))
    lines = [
        f"  {name:<{first}}" + "".join(f"  {cell:>{width}}" for cell, width in zip(rest, widths, strict=True))
        for name, *rest in (head, *cells)
    ]
    terminal.line(lines[0])
    for about, members in groupby(zip(found, lines[1:], strict=True), key=lambda member: member[0]["about"]):
        terminal.line()
        terminal.say(about, "bold")
        for _, line in members:
            terminal.line(line)
    terminal.line()
    terminal.say("One of them in full: minicnn describe MODEL")
