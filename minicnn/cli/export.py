"""Which question: how does a model become an ONNX file?

Idea: load.save_onnx as a command.  Cost: reading the weights, and writing them.  Next room: load/onnx_out.
"""

from typing import Annotated

import typer

from minicnn.cli.answering import JsonOption
from minicnn.cli.terminal import Terminal
from minicnn.cli.trace import WeightsOption


def export(
    model: Annotated[str, typer.Argument(help="Name of a model; 'minicnn describe' lists them.", show_default=False)],
    file: Annotated[str, typer.Argument(metavar="FILE.onnx", help="What is written.", show_default=False)],
    weights: WeightsOption = "pretrained",
    input: Annotated[
        str | None, typer.Option(help="Shape of the input, such as 3x224x224; the model's own by default.", show_default=False)
    ] = None,
    opset: Annotated[int | None, typer.Option(metavar="N", help="ONNX's opset; 17, or what a layer needs.", show_default=False)] = None,
    fuse: Annotated[bool, typer.Option("--fuse", help="Join normalizations and activations to their convolutions first.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    json: JsonOption = False,
) -> None:
    """Write a model with its weights as an ONNX file, checked by onnx.checker."""
    import minicnn
    from minicnn import load, models
    from minicnn.cli.inputs import network, parse_shape

    terminal = Terminal()
    net = network(model, weights)
    net = minicnn.fuse(net, channels_last=False) if fuse else net
    shape = parse_shape(input) if input else models.input_shape(model)
    try:
        path = load.save_onnx(net, file, shape, opset=opset, overwrite=overwrite)
    except minicnn.errors.ArgumentError as error:
        raise minicnn.errors.ArgumentError(str(error).replace("pass overwrite=True", "add --overwrite")) from None
    size = path.stat().st_size
    if json:
        terminal.json({"model": model, "weights": weights, "file": str(path), "bytes": size, "nodes": len(net), "input_shape": shape})
        return
    terminal.say(f"{model} ({weights}) as ONNX", "bold")
    terminal.fact("written", f"{path} ({size:,} bytes), {len(net)} nodes, passed by onnx.checker")
    terminal.fact("input", f"{net.inputs[0]}: N×{minicnn.text.times(shape[-3:])}, any batch")
