"""Which question: what do the commands have in common that ask a network about a photo?

Idea: each begins with a network, a photo and a file that may be written to, asks one question of minicnn.probe, and ends with the
answer in words, as one JSON document, or as a picture.  Options that mean the same are spelled the same.

Cost: loading the network and the photo.  Next rooms: attribution.py for classes, patches.py for numbers and channels.
"""

from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from minicnn.cli.terminal import Terminal
from minicnn.errors import ArgumentError

ModelArgument = Annotated[str | None, typer.Argument(help="Name of a model; 'minicnn describe' lists them.", show_default=False)]
ClassOption = Annotated[
    int | None, typer.Option("--class", metavar="NUMBER", help="The class; the network's first answer by default.", show_default=False)
]
AtOption = Annotated[str | None, typer.Option("--at", metavar="ROW,COLUMN", help="The place in the map.", show_default=False)]
ChannelOption = Annotated[int | None, typer.Option("--channel", metavar="NUMBER", help="The channel of the map.", show_default=False)]
OutOption = Annotated[str | None, typer.Option("--out", metavar="FILE.png", help="Write a picture.", show_default=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")]
MapOption = Annotated[bool, typer.Option("--map", help="With --json, every number of the answer's map too.")]


class Start(NamedTuple):
    """What every command begins with."""

    terminal: Terminal
    net: object
    photo: object
    head: dict


def begin(model, onnx, weights: str, image, out) -> Start:
    """Return the network and the photo; a file that may not be written is refused before anything runs."""
    from minicnn.cli import inputs

    free(out)
    chosen = inputs.chosen(model, onnx, weights)
    photo = inputs.photo(image, photo_shape(chosen))
    return Start(Terminal(), chosen.net, photo, {"model": chosen.name, **({} if onnx else {"weights": weights}), "photo": photo.source})


def photo_shape(chosen) -> tuple[int, int, int]:
    """Return (channels, rows, columns) of the photo that a network takes."""
    from minicnn.text import times

    shape = chosen.input_shape
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise ArgumentError(
            f"the command feeds a photo of 1 or 3 channels, but {chosen.name} takes {times(shape)}; use minicnn.probe in Python."
        )
    return shape


def free(out: str | None) -> None:
    """Refuse a file that a picture may not be written to."""
    if out is None:
        return
    from minicnn.show.files import is_ours

    if Path(out).suffix.lower() != ".png":
        raise ArgumentError(f"--out: pictures are written as PNG, but the file is called {Path(out).name!r}; call it {Path(out).stem}.png.")
    if Path(out).exists() and not is_ours(out):
        raise ArgumentError(f"--out: only pictures that minicnn wrote are replaced, but {out!r} is not one; name another file.")


def traced(start: Start, node: str | None = None):
    """Return the trace of the photo; a wrong node is told before anything runs."""
    from minicnn import trace

    if node is not None and node not in start.net.inputs:
        start.net.node(node)
    with start.terminal.compiling(), start.terminal.progress("forward", len(start.net)) as step:
        return trace(start.net, start.photo.x, hooks=lambda each, inputs, output: step(each.name))


def end(start: Start, facts: dict, document: dict, maps: dict, out, json: bool, draw, lines=()) -> None:
    """Write the picture and print the answer: facts, then lines as they are, or all as JSON."""
    if out is not None:
        from minicnn import show

        show.save(draw(show), out)
    if json:
        picture = {} if out is None else {"picture": out}
        start.terminal.json({**start.head, **document, **{name: array.tolist() for name, array in maps.items()}, **picture})
        return
    weights = f" ({start.head['weights']})" if "weights" in start.head else ""
    start.terminal.say(f"{start.head['model']}{weights} on {start.photo.source}", "bold")
    for label, text in facts.items():
        start.terminal.fact(label, text)
    for line in lines:
        start.terminal.line(line)
    if out is not None:
        start.terminal.fact("picture", out)


def place(at: str | None) -> tuple[int, int] | None:
    """Return the place that was typed.

    >>> place("3,5"), place("(3, 5)"), place(None)
    ((3, 5), (3, 5), None)
    """
    if at is None:
        return None
    parts = at.strip().strip("()[]").replace("x", ",").replace(" ", ",").split(",")
    parts = [part for part in parts if part]
    if len(parts) != 2 or not all(part.isdecimal() and len(part) < 10 for part in parts):
        raise ArgumentError(f"--at: a place is a row and a column, such as 3,5, but it is {at!r}.")
    return int(parts[0]), int(parts[1])


def class_name(start: Start, index: int) -> str:
    """Return the name of a class, where the network's classes are ImageNet's."""
    from minicnn import describe, models

    last = describe(start.net, start.photo.x.shape)[start.net.outputs[0]].shape
    return models.imagenet_classes()[index] if last[1] == 1000 else f"class {index}"


def classified(found, name: str) -> dict:
    """Return what was asked of a class, as data."""
    return {"class": found.class_index, "name": name, "score": found.score, "probability": found.probability}


def short(name: str) -> str:
    """Return the first of a class's names."""
    return name.split(",")[0]


def sides(box) -> dict | None:
    """Return a box as data."""
    return box and {side: getattr(box, side) for side in ("top", "left", "bottom", "right")}


def span(box) -> str:
    """Return a box in words."""
    return f"rows {box.top}…{box.bottom}, columns {box.left}…{box.right}"
