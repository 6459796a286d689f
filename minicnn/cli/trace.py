"""Which question: what is in every map of a network on this photo, or in one of them?

Idea: the trace of the API, as a table of statistics; with --node one map in detail, with the pixels
that its centre and its largest number look at.
Cost: one forward pass and one read of every map.  What it does not do: pictures.  Next room: tour.py.
"""

from typing import Annotated

import typer

from minicnn.cli.terminal import Terminal

ImageOption = Annotated[
    str | None, typer.Option("--image", metavar="PATH", help="A photo; matplotlib's sample photo by default.", show_default=False)
]
OnnxOption = Annotated[str | None, typer.Option("--onnx", metavar="FILE", help="An ONNX file in place of MODEL.", show_default=False)]
WeightsOption = Annotated[
    str, typer.Option("--weights", metavar="FILE", help="A weights file (.pth, .safetensors, .npz), 'pretrained', or 'random' (seed 0).")
]


def trace(
    model: Annotated[str | None, typer.Argument(help="Name of a model; 'minicnn describe' lists them.", show_default=False)] = None,
    image: ImageOption = None,
    weights: WeightsOption = "pretrained",
    onnx: OnnxOption = None,
    node: Annotated[str | None, typer.Option(metavar="NAME", help="One map, in detail.", show_default=False)] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")] = False,
) -> None:
    """Run a model on a photo and show the statistics of every feature map."""
    from minicnn.cli import answering, inputs, maps

    terminal, watch = Terminal(), maps.Stopwatch()
    chosen = inputs.chosen(model, onnx, weights)
    net = chosen.net
    if node is not None and node not in net.inputs:
        net.node(node)  # a wrong name is told before anything runs
    photo = inputs.photo(image, answering.photo_shape(chosen))
    watch.lap("load")
    found, statistics = maps.run(terminal, net, photo.x, watch)
    head = {"model": chosen.name, **({} if onnx else {"weights": weights}), "photo": photo.source}
    if node is not None:
        detail = _detail(found[node], statistics[node])
        terminal.json({**head, **detail}) if json else _print_one(terminal, found[node], detail)
    elif json:
        rows = [maps.to_dict(each, statistics[each.name]) for each in found]
        terminal.json({**head, "maps": rows, "bytes": found.nbytes, "seconds": watch.laps})
    else:
        terminal.say(f"{chosen.name}{'' if onnx else f' ({weights})'} on {photo.source}", "bold")
        terminal.line()
        for line in maps.table(found, statistics, terminal.width):
            terminal.line(line)
        terminal.line()
        terminal.fact("field", maps.FIELD)
        terminal.fact("time", str(watch))


def _detail(each, seen) -> dict:
    """Return one map as plain data, with two of its units."""
    import numpy as np

    from minicnn.cli import maps

    detail = maps.to_dict(each, seen)
    if each.data.ndim != 4:
        return detail
    rows, columns = each.shape[2:]
    detail["centre_unit"] = _unit(each, rows // 2, columns // 2)
    if np.isfinite(each.data).all():
        image, channel, row, column = map(int, np.unravel_index(each.data.argmax(), each.shape))
        detail["largest"] = {"image": image, "channel": channel, "value": float(each.data.max()), **_unit(each, row, column)}
    return detail


def _unit(each, row: int, column: int) -> dict:
    first = each.description.net.inputs[0]
    exact, closed = each.box(row, column, first), each.field.box(row, column)
    sides = ("top", "left", "bottom", "right")
    return {
        "row": row,
        "column": column,
        "box": exact and {side: getattr(exact, side) for side in sides},
        "closed_form": closed and {side: getattr(closed, side) for side in sides},
        "pixels": int(each.pixels(row, column, first).sum()),
    }


def _print_one(terminal: Terminal, each, detail: dict) -> None:
    title, *rest = repr(each).split("\n")
    terminal.say(title, "bold")
    terminal.fact("layer", detail["layer"] + (f" of {', '.join(each.node.inputs)}" if each.node else ""))
    for line in rest:
        label, _, text = line.strip().partition(": ") if line.strip().startswith("field") else ("numbers", "", line.strip())
        terminal.fact(label.split(" ")[0], f"{text} (size / stride / padding)" if label.startswith("field") and each.field.size else text)
    if "centre_unit" in detail:
        terminal.fact("centre unit", _words(detail["centre_unit"]))
    if "largest" in detail:
        largest = detail["largest"]
        terminal.fact("largest", f"{largest['value']:.4g} in channel {largest['channel']}: {_words(largest)}")


def _words(unit: dict) -> str:
    text = f"({unit['row']}, {unit['column']}) "
    if unit["box"] is None:
        return text + "sees padding only"
    return (
        text
        + f"sees {unit['pixels']:,} pixels, {_span(unit['box'])}"
        + (
            f"; closed form {_span(unit['closed_form'])}"
            if unit["closed_form"] not in (None, unit["box"])
            else ", as the closed form says"
            if unit["closed_form"]
            else ""
        )
    )


def _span(box: dict) -> str:
    return f"rows {box['top']}…{box['bottom']}, columns {box['left']}…{box['right']}"
