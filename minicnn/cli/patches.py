"""Which question: what does one number, one channel or one layer of a network look at and look for?

    minicnn deconvnet MODEL         what one activation goes back to
    minicnn effective-field MODEL   which pixels one number looks at, and how strongly
    minicnn top-patches MODEL       which parts of many photos make a channel answer most
    minicnn embedding MODEL         photos as rows of numbers, and which are near to each other

Idea: as attribution.py, with a map to be named; several photos are several --image, or a folder.
Cost: a forward pass per photo, and a walk back for the first two.  Next room: answering.py.
"""

from pathlib import Path
from typing import Annotated

import typer

from minicnn.cli.answering import (
    AtOption,
    ChannelOption,
    JsonOption,
    MapOption,
    ModelArgument,
    OutOption,
    begin,
    end,
    place,
    sides,
    span,
    traced,
)
from minicnn.cli.trace import ImageOption, OnnxOption, WeightsOption
from minicnn.errors import ArgumentError

ImagesOption = Annotated[
    list[str] | None, typer.Option("--image", metavar="PATH", help="A photo or a folder of photos; again for more.", show_default=False)
]
BRIEF = 24  # letters of a photo's name in a table
PICTURES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


def deconvnet(
    model: ModelArgument = None,
    image: ImageOption = None,
    weights: WeightsOption = "pretrained",
    onnx: OnnxOption = None,
    node: Annotated[str, typer.Option(metavar="NAME", help="The map.", show_default=False)] = ...,
    channel: Annotated[int, typer.Option(metavar="NUMBER", help="Its channel.", show_default=False)] = ...,
    at: AtOption = None,
    out: OutOption = None,
    json: JsonOption = False,
    whole: MapOption = False,
) -> None:
    """Show what one activation goes back to: unpooled, rectified, filtered, down to the pixels."""
    start = begin(model, onnx, weights, image, out)
    from minicnn import probe

    found = probe.deconvnet(start.net, traced(start, node), node, channel, place(at))
    low, high = float(found.picture.min()), float(found.picture.max())
    facts = {
        "activation": f"{found.value:.4g} in channel {channel} of {node}, place {found.at}",
        "sees": "padding only" if found.box is None else span(found.box),
        "pattern": f"{low:.3g} … {high:.3g}",
    }
    document = {
        "node": node,
        "channel": channel,
        "at": found.at,
        "value": found.value,
        "box": sides(found.box),
        "least": low,
        "largest": high,
    }

    def draw(show):
        title = f"What channel {channel} of {node} answered to"
        below = f"Its activation at place {found.at}, {found.value:.3g}, taken back through switches, ReLUs and filters; grey is 0."
        return show.pattern(start.photo.picture, found, title=title, below=below)

    end(start, facts, document, {"map": found.picture} if whole else {}, out, json, draw)


def effective_field(
    model: ModelArgument = None,
    image: ImageOption = None,
    weights: WeightsOption = "pretrained",
    onnx: OnnxOption = None,
    node: Annotated[str, typer.Option(metavar="NAME", help="The map.", show_default=False)] = ...,
    at: AtOption = None,
    channel: ChannelOption = None,
    out: OutOption = None,
    json: JsonOption = False,
    whole: MapOption = False,
) -> None:
    """Show which pixels one number looks at, and how strongly; without --at the one in the middle."""
    start = begin(model, onnx, weights, image, out)
    from minicnn import probe

    trace = traced(start, node)
    shape = trace.shapes[node]
    middle = (shape[2] // 2, shape[3] // 2) if len(shape) == 4 else (0, 0)
    found = probe.effective_field(start.net, trace, node, place(at) or middle, channel=channel)
    which = "the sum of all channels" if channel is None else f"channel {channel}"
    seen = int(found.theoretical.sum())
    facts = {
        "number": f"{node} at {found.at}, {which}",
        "sees": "padding only" if found.theoretical_box is None else f"{seen:,} pixels: {span(found.theoretical_box)}",
        "looks at": "nothing here" if found.box is None else f"{found.pixels:,} of them, {found.share:.1%}: {span(found.box)}",
        "spread": f"σ {found.deviation[0]:.1f} rows, {found.deviation[1]:.1f} columns around ({found.centre[0]:.0f}, {found.centre[1]:.0f})",
        "zeros": f"{found.zeros:,} pixels that it sees have no gradient on this photo",
    }
    document = {"node": node, "at": found.at, "channel": channel, "seen": seen, "pixels": found.pixels, "share": found.share}
    document |= {"theoretical_box": sides(found.theoretical_box), "box": sides(found.box), "zeros": found.zeros}
    document |= {"centre": found.centre, "deviation": found.deviation}

    def draw(show):
        boxes = ((found.theoretical_box, "sees"), (found.box, "looks at: above 1 - 95.45 % of the largest weight"))
        marks = [(box, f"{words}, {span(box)}") for box, words in boxes if box is not None]
        title, below = (
            f"What one number of {node} looks at",
            f"|∂y/∂x| of {which} at {found.at}, summed over colours, as a share of the largest.",
        )
        heat = found.weight / (found.weight.max() or 1.0)
        return show.overlay(
            start.photo.picture,
            heat,
            title=title,
            below=below,
            label="share of the largest weight",
            marks=marks,
            view=found.theoretical_box,
        )

    end(start, facts, document, {"map": found.weight} if whole else {}, out, json, draw)


def top_patches(
    model: ModelArgument = None,
    image: ImagesOption = None,
    weights: WeightsOption = "pretrained",
    onnx: OnnxOption = None,
    node: Annotated[str, typer.Option(metavar="NAME", help="The map.", show_default=False)] = ...,
    channel: Annotated[int, typer.Option(metavar="NUMBER", help="Its channel.", show_default=False)] = ...,
    k: Annotated[int, typer.Option("--k", metavar="NUMBER", help="How many.")] = 9,
    per_image: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", help="At most so many of one photo; 1 by default, all of a single photo.", show_default=False),
    ] = None,
    out: OutOption = None,
    json: JsonOption = False,
) -> None:
    """Show which parts of many photos make one channel answer most."""
    start, photos = begin_many(model, onnx, weights, image, out)
    from minicnn import probe
    from minicnn.text import table, times

    start.net.node(node)
    most = per_image if per_image is not None else 1 if len(photos) > 1 else None
    with start.terminal.compiling(), start.terminal.progress("photos", len(photos)) as step:
        found = probe.top_patches(start.net, _told(photos, step), node, channel, k, per_image=most)
    rows = [(f"{p.value:.4g}", f"{p.at[0]},{p.at[1]}", "padding only" if p.box is None else span(p.box)) for p in found]
    head = ("value", "place", "sees")
    if len(photos) > 1:
        head, rows = (*head, "photo"), [(*row, _brief(photos[p.image].source)) for row, p in zip(rows, found, strict=True)]
    facts = {"asked": f"channel {channel} of {node}: the {len(found)} strongest in {_counted(photos)}"}
    lines = ["", *(f"  {line}" for line in table(head, rows, align="rrll"[: len(head)]).split("\n"))]
    strongest = [{"photo": photos[p.image].source, "at": p.at, "value": p.value, "box": sides(p.box)} for p in found]
    document = {"node": node, "channel": channel, "images": found.images, "patches": strongest}

    def draw(show):
        names = [p.source for p in photos] if len(photos) > 1 else None
        sizes = {times(p.box.size) for p in found if p.box is not None}
        title, below = (
            f"What makes channel {channel} of {node} answer most",
            f"The strongest first, cut out by what they see: {', '.join(sorted(sizes))} px.",
        )
        return show.patches([p.picture for p in photos], found, title=title, below=below, names=names)

    end(start, facts, document, {}, out, json, draw, lines)


def embedding(
    model: ModelArgument = None,
    image: ImagesOption = None,
    weights: WeightsOption = "pretrained",
    onnx: OnnxOption = None,
    node: Annotated[
        str | None, typer.Option(metavar="NAME", help="The map; the input of the last Linear by default.", show_default=False)
    ] = None,
    k: Annotated[int, typer.Option("--k", min=1, metavar="NUMBER", help="How many neighbours of each photo.")] = 5,
    json: JsonOption = False,
    whole: MapOption = False,
) -> None:
    """Show photos as rows of numbers, and which photos are near to each other."""
    start, photos = begin_many(model, onnx, weights, image, None)
    from minicnn import probe

    with start.terminal.compiling(), start.terminal.progress("photos", len(photos)) as step:
        found = probe.embedding(start.net, _told(photos, step), node)
    rows = found.rows
    facts = {"at": f"{found.node}: {rows.shape[1]:,} numbers for {_counted(photos)}"}
    facts["numbers"] = f"{rows.min():.3g} … {rows.max():.3g}, mean {rows.mean():.3g}, {(rows == 0).mean():.0%} zeros"
    document = {"node": found.node, "features": rows.shape[1], "photos": [photo.source for photo in photos], "neighbours": []}
    document |= {"least": float(rows.min()), "largest": float(rows.max()), "mean": float(rows.mean()), "zeros": float((rows == 0).mean())}
    lines = []
    if len(photos) > 1:
        near = probe.neighbours(found, found, min(k, len(photos) - 1) + 1)
        for number, photo in enumerate(photos):
            pairs = [(int(i), float(c)) for i, c in zip(near.indices[number], near.cosines[number], strict=True) if i != number][:k]
            lines += ["", f"  {_brief(photo.source)}", *(f"    {cosine:6.3f}  {_brief(photos[i].source)}" for i, cosine in pairs)]
            document["neighbours"].append([{"photo": photos[i].source, "cosine": cosine} for i, cosine in pairs])
    end(start, facts, document, {"rows": rows} if whole else {}, None, json, None, lines)


def _counted(photos) -> str:
    return f"{len(photos)} photo{'s' * (len(photos) != 1)}"


def _brief(name: str) -> str:
    """Return the end of a long name."""
    return name if len(name) <= BRIEF else "…" + name[1 - BRIEF :]


def begin_many(model, onnx, weights: str, images, out):
    """Return the network, as begin does, and all photos, at the size that the network takes."""
    from minicnn.cli import inputs

    paths = listed(images)
    start = begin(model, onnx, weights, paths[0], out)
    shape = start.photo.x.shape[1:]
    photos = [start.photo, *(inputs.photo(path, shape) for path in paths[1:])]
    start.head["photo"] = start.photo.source if len(photos) == 1 else f"{len(photos)} photos"
    return start._replace(photo=start.photo._replace(source=start.head["photo"])), photos


def listed(images: list[str] | None) -> list[str | None]:
    """Return the paths of photos, folders opened; None for the sample photo."""
    if not images:
        return [None]
    found: list[str | None] = []
    for given in images:
        if not Path(given).is_dir():
            found.append(given)
            continue
        inside = sorted(str(path) for path in Path(given).iterdir() if path.suffix.lower() in PICTURES and not path.name.startswith("."))
        if not inside:
            raise ArgumentError(f"--image: a folder holds photos ({', '.join(PICTURES)}), but {given!r} holds none.")
        found += inside
    return found


def _told(photos, step):
    """Hand out the photos, and tell each."""
    for photo in photos:
        yield photo.x
        step(photo.source)
