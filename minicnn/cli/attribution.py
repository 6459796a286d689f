"""Which question: which parts of a photo does a network's answer come from?

    minicnn saliency MODEL      the gradient of a class's score
    minicnn grad-cam MODEL      where a late map speaks for a class
    minicnn occlusion MODEL     how far a class falls where the photo is hidden

Idea: one photo and one question of minicnn.probe; the answer in words, as JSON, or laid over the photo (--out).
Cost: a forward pass and a walk back; occlusion some seconds.  What it does not do: networks without classes.  Next room: patches.py.
"""

from typing import Annotated

import typer

from minicnn.cli.answering import (
    ClassOption,
    JsonOption,
    MapOption,
    ModelArgument,
    OutOption,
    begin,
    class_name,
    classified,
    end,
    short,
    sides,
    traced,
)
from minicnn.cli.trace import ImageOption, OnnxOption, WeightsOption

BRIGHT = 0.99  # of the pixels: a few gradients are far larger than all others


def saliency(
    model: ModelArgument = None,
    image: ImageOption = None,
    weights: WeightsOption = "pretrained",
    onnx: OnnxOption = None,
    class_index: ClassOption = None,
    guided: Annotated[bool, typer.Option("--guided", help="Guided backpropagation: positive gradients only, at each ReLU.")] = False,
    out: OutOption = None,
    json: JsonOption = False,
    whole: MapOption = False,
) -> None:
    """Show which pixels act most on the score of a class."""
    start = begin(model, onnx, weights, image, out)
    from minicnn import probe

    found = probe.saliency(start.net, traced(start), class_index, guided=guided)
    how = "guided backpropagation" if guided else "the gradient"
    name = class_name(start, found.class_index)
    facts = {
        "class": f"{found.class_index}, {name}: {found.probability:.1%}, score {found.score:.4g}",
        "strongest": f"pixel {found.strongest}: {found.map.max():.3g}; the mean is {found.map.mean():.3g}",
        "how": f"max over colours of |∂score/∂x|, by {how}",
    }
    document = {**classified(found, name), "guided": guided, "strongest": found.strongest, "largest": float(found.map.max())}
    document["mean"] = float(found.map.mean())

    def draw(show):
        import numpy as np

        title, top = f"What acts on “{short(name)}”", float(np.quantile(found.map, BRIGHT)) or None
        below = f"|∂score/∂x|, the strongest colour of each pixel, by {how}; the strongest 1 % of pixels share one colour."
        return show.overlay(start.photo.picture, found.map, title=title, below=below, label="|∂score/∂x|", top=top)

    end(start, facts, document, {"map": found.map} if whole else {}, out, json, draw)


def grad_cam(
    model: ModelArgument = None,
    image: ImageOption = None,
    weights: WeightsOption = "pretrained",
    onnx: OnnxOption = None,
    node: Annotated[
        str | None, typer.Option(metavar="NAME", help="The map; the last before the head by default.", show_default=False)
    ] = None,
    class_index: ClassOption = None,
    out: OutOption = None,
    json: JsonOption = False,
    whole: MapOption = False,
) -> None:
    """Show where a late map speaks for a class."""
    start = begin(model, onnx, weights, image, out)
    from minicnn import probe
    from minicnn.text import times

    found = probe.grad_cam(start.net, traced(start), node, class_index)
    name, size = class_name(start, found.class_index), times(found.map.shape)
    facts = {
        "class": f"{found.class_index}, {name}: {found.probability:.1%}, score {found.score:.4g}",
        "map": f"{found.node}, {len(found.weights)} channels of {size} places",
        "strongest": f"place {found.strongest}; {int((found.map > 0).sum())} of {found.map.size} places speak for the class",
    }
    document = {**classified(found, name), "node": found.node, "places": found.map.shape, "strongest": found.strongest}
    document |= {"largest": float(found.map.max()), "places_for": int((found.map > 0).sum())}

    def draw(show):
        below = f"Grad-CAM at {found.node}: {size} numbers, made larger; 0 is where nothing speaks for the class."
        title = f"Where it speaks for “{short(name)}”"
        return show.overlay(start.photo.picture, found.resized, title=title, below=below, label="Σ α·A, rectified")

    end(start, facts, document, {"map": found.map, "weights": found.weights} if whole else {}, out, json, draw)


def occlusion(
    model: ModelArgument = None,
    image: ImageOption = None,
    weights: WeightsOption = "pretrained",
    onnx: OnnxOption = None,
    class_index: ClassOption = None,
    patch: Annotated[int, typer.Option(metavar="PIXELS", help="Rows and columns of the patch that hides.")] = 16,
    stride: Annotated[int, typer.Option(metavar="PIXELS", help="From one place of the patch to the next.")] = 8,
    value: Annotated[float, typer.Option(metavar="NUMBER", help="What hides, in the network's units; 0 is a mean grey.")] = 0.0,
    out: OutOption = None,
    json: JsonOption = False,
    whole: MapOption = False,
) -> None:
    """Show how far a class falls where a patch hides the photo."""
    start = begin(model, onnx, weights, image, out)
    from minicnn import probe

    places = [max((n - patch) // max(stride, 1) + 1, 0) for n in start.photo.x.shape[2:]]
    with start.terminal.compiling(), start.terminal.progress("occlusion", places[0] * places[1]) as step:
        told = [0]

        def progress(done: int, total: int) -> None:
            for _ in range(done - told[0]):
                step(f"{done} of {total}")
            told[0] = done

        settings = {"patch": patch, "stride": stride, "value": value, "progress": progress}
        found = probe.occlusion(start.net, start.photo.x, class_index, **settings)
    name, box = class_name(start, found.class_index), found.box(*found.strongest)
    least = float(found.hidden[found.strongest])
    facts = {
        "class": f"{found.class_index}, {name}: {found.clean:.1%}",
        "falls to": f"{least:.1%} where rows {box.top}…{box.bottom}, columns {box.left}…{box.right} are hidden",
        "places": f"{found.drop.size} of a {patch}×{patch} patch; it falls at {(found.drop > 0).sum()}, rises at {(found.drop < 0).sum()}",
    }
    document = {"class": found.class_index, "name": name, "probability": found.clean, "least": least, "box": sides(box)}
    document |= {"patch": found.patch, "stride": found.stride, "places": found.drop.shape, "falls": int((found.drop > 0).sum())}

    def draw(show):
        below = (
            "How far its probability falls where a patch hides the photo, on average over the patches that hide a pixel; blue: it rises."
        )
        marks = [(box, f"hiding this patch: {found.clean:.1%} → {least:.1%}")]
        title = f"What “{short(name)}” rests on"
        return show.overlay(start.photo.picture, found.heat, title=title, below=below, label="fall of the probability", marks=marks)

    end(start, facts, document, {"map": found.drop} if whole else {}, out, json, draw)
