"""Which question: how do the maps of a photo come into TensorBoard?

Idea: probe.tensorboard as a command.  Cost: one forward pass, three passes over every map.  Next room: probe/tensorboard.py.
"""

from typing import Annotated

import typer

from minicnn.cli.answering import JsonOption, ModelArgument
from minicnn.cli.trace import ImageOption, OnnxOption, WeightsOption


def tensorboard(
    model: ModelArgument = None,
    logdir: Annotated[str, typer.Option(metavar="DIR", help="The folder; a new file is put into it.")] = "runs",
    image: ImageOption = None,
    weights: WeightsOption = "pretrained",
    onnx: OnnxOption = None,
    step: Annotated[int, typer.Option(min=0, help="Where on the axis of steps.")] = 0,
    json: JsonOption = False,
) -> None:
    """Write the maps of a photo for TensorBoard: statistics, histograms and pictures of channels."""
    from minicnn import probe
    from minicnn.cli import answering

    start = answering.begin(model, onnx, weights, image, None)
    found = answering.traced(start)
    with start.terminal.progress("maps", len(found)) as tell:
        path = probe.tensorboard(found, logdir, step=step, progress=lambda done, total: tell(f"{done} of {total}"))
    facts = {"written": f"{path} ({path.stat().st_size:,} bytes)", "look at it": f"tensorboard --logdir {logdir}"}
    answering.end(start, facts, {"file": str(path), "step": step}, {}, None, json, None)
