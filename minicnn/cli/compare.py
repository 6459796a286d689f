"""Which question: what differs between two networks?

Idea: probe.compare as a command; a network is a model's name or an ONNX file.  Cost: two descriptions.
What it does not do: load weights.  Next room: probe/compare.py.
"""

from typing import Annotated

import typer

from minicnn.cli.answering import JsonOption
from minicnn.cli.terminal import Terminal


def compare(
    model_a: Annotated[str, typer.Argument(metavar="MODEL_A", help="Name of a model, or an ONNX file.", show_default=False)],
    model_b: Annotated[str, typer.Argument(metavar="MODEL_B", help="Name of a model, or an ONNX file.", show_default=False)],
    input: Annotated[
        str | None, typer.Option(help="Shape of the input of both, such as 3x224x224; each one's own by default.", show_default=False)
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show what differs between two networks: shapes, fields, parameters, multiply-adds and bytes."""
    from minicnn import probe
    from minicnn.cli.inputs import chosen, parse_shape

    terminal = Terminal()
    a, b = (chosen(None, word) if word.lower().endswith(".onnx") else chosen(word, None) for word in (model_a, model_b))
    shapes = [parse_shape(input) if input else each.input_shape for each in (a, b)]
    found = probe.compare(a.net, b.net, shapes[0], input_shape_b=shapes[1])
    if json:
        inputs = {side: facts[facts.net.inputs[0]].shape for side, facts in (("a", found.a), ("b", found.b))}
        terminal.json({"a": a.name, "b": b.name, "input_shape": inputs, **found.to_dict()})
        return
    terminal.line(f"a = {a.name}, b = {b.name}", "bold")
    for line in str(found).split("\n"):
        terminal.line(line)
