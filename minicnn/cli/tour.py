"""Which question: what happens to one photo on its way through one trained network?

Idea: everything the package can say of a forward pass, on one page: every map with its statistics,
the classes, what shrank and what grew, what it weighs, six pictures, and a page on which every map
can be looked at and numbers walked back to their pixels (show.report).

Cost: one forward pass, two reads of every map, six figures, a page of 4 MB: some seconds, and once per
machine the kernels are compiled.  What it does not do: explain the answer; a strong activation is not importance.
Source: Tan & Le, "EfficientNet" (2019), for the network it starts with.  Next room: story.py, its words.
"""

from typing import Annotated

import typer

from minicnn.cli.browser import OpenOption
from minicnn.cli.terminal import Terminal
from minicnn.cli.trace import ImageOption, WeightsOption

PAGE = "report.html"
CAUTION = "A strong activation is not importance: it says that a pattern is there, not that the answer rests on it."


def tour(
    image: ImageOption = None,
    model: Annotated[str, typer.Option(metavar="NAME", help="Name of a model.")] = "efficientnet_lite0",
    weights: WeightsOption = "pretrained",
    out: Annotated[str, typer.Option(metavar="FOLDER", help="Where the pictures go: a folder of their own.")] = "minicnn-tour",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")] = False,
    pictures: Annotated[bool, typer.Option("--pictures/--no-pictures", help="Write the pictures and the page, or leave them out.")] = True,
    open: OpenOption = False,
) -> None:
    """Follow one photo through one trained network: every map, the classes, the memory, pictures, and a page to step through."""
    from minicnn import models
    from minicnn.cli import browser, inputs, maps, story

    _check_open(open, pictures)
    terminal, watch = Terminal(), maps.Stopwatch()
    net = inputs.network(model, weights)
    photo = inputs.photo(image, models.input_shape(model))
    folder = _folder(out) if pictures else None
    watch.lap("load")
    found, statistics = maps.run(terminal, net, photo.x, watch)
    top = story.classes(found)
    if not json:
        _print_maps(terminal, found, statistics, photo, story.network_line(model, weights, found))
        story.tell(terminal, found, statistics, top)
    drawn = _draw(terminal, found, photo, folder) if folder else []
    watch.lap("pictures")
    page = _page(net, found, photo, f"{model} on {photo.source}", folder) if folder else None
    watch.lap("page")
    if open:
        browser.opened(terminal, page)
    if not json:
        _print_end(terminal, folder, drawn, watch)
        return
    rows = [maps.to_dict(each, statistics[each.name]) for each in found]
    document = {"photo": photo.source, "model": model, "weights": weights, "input_shape": photo.x.shape, "top": top, "maps": rows}
    document |= {**story.numbers(found, statistics), "pictures": [str(path) for path, _ in drawn]}
    document |= {"report": None if page is None else str(page)}
    terminal.json({**document, "caution": CAUTION, "seconds": watch.laps})


def _print_maps(terminal: Terminal, found, statistics, photo, network: str) -> None:
    from minicnn.cli import maps
    from minicnn.cli.table import one_image

    terminal.fact("photo", f"{photo.source}, at {one_image(photo.x.shape)}")
    terminal.fact("network", network)
    terminal.line()
    for line in maps.table(found, statistics, terminal.width):
        terminal.line(line)
    terminal.fact("field", maps.FIELD)


def _print_end(terminal: Terminal, folder, drawn, watch) -> None:
    terminal.line()
    if drawn:
        terminal.line(f"Pictures in {folder}", "bold")
        for path, what in drawn:
            terminal.line(f"  {path.name:<18}  {what}")
        terminal.line(f"  {PAGE:<18}  a page for any browser: every map, numbers step by step")
        earlier = sorted({path.name for path in folder.glob("*.png")} - {path.name for path, _ in drawn})
        if earlier:
            terminal.say(f"  {', '.join(earlier)}: left from an earlier tour")
        terminal.line()
    terminal.say(CAUTION, "italic")
    terminal.fact("time", str(watch))


def _folder(out: str):
    from minicnn import show
    from minicnn.errors import ArgumentError

    try:
        return show.free_folder(out)
    except ArgumentError as error:
        raise ArgumentError(f"{error} On the command line: --out FOLDER, or --no-pictures.") from None


def _check_open(open: bool, pictures: bool) -> None:
    from minicnn.errors import ArgumentError

    if open and not pictures:
        raise ArgumentError(
            "--open: what is opened is the page beside the pictures, which --no-pictures leaves out; leave one of them out."
        )


def _page(net, found, photo, title: str, folder):
    """Write the page; the folder is ours, so an earlier one may go."""
    from minicnn import show

    return show.report(net, found, folder / PAGE, photo=photo.picture, title=title, overwrite=True)


def _draw(terminal: Terminal, found, photo, folder) -> list[tuple[object, str]]:
    """Draw and save the pictures; return their paths and what each shows."""
    from minicnn import show

    plans = [("1-boxes.png", "what one number of each stage looks at", lambda: show.boxes_on_photo(found, photo.picture))]
    for place, (word, name, how) in enumerate(_grids(found), 2):
        plans.append((f"{place}-maps-{word}.png", f"channels of {name}", lambda name=name, how=how: show.map_grid(found[name], **how)))
    plans.append(("5-memory.png", "what is held in memory along the way", lambda: show.memory_curve(found.description)))
    plans.append(("6-growth.png", "resolution, channels and field along the depth", lambda: show.growth(found.description)))
    drawn = []
    with terminal.progress("pictures", len(plans)) as step:
        for name, what, draw in plans:
            drawn.append((show.save(draw(), folder / name), what))
            step(name)
    return drawn


def _grids(found) -> list[tuple[str, str, dict]]:
    """Return which maps to draw, early, middle and late, and how."""
    spatial = [each for each in found if each.data.ndim == 4 and min(each.shape[2:]) > 1 and each.node is not None]
    active = [each for each in spatial if each.kind == "activation"] or spatial
    sizes = list(dict.fromkeys(each.shape[2:] for each in active))
    chosen = {}
    for each in spatial[:1]:
        chosen[each.name] = ("early", each.name, {"scale": "each"})
    for each in [each for each in active if each.shape[2:] == sizes[len(sizes) // 2]][-1:]:
        chosen.setdefault(each.name, ("middle", each.name, {}))
    for each in active[-1:]:
        chosen.setdefault(each.name, ("late", each.name, {"channels": "strongest"}))
    return list(chosen.values())
