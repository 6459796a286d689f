"""Which question: how can what a network does with a photo be handed to someone else?

Idea: show.report as a command: one HTML file that opens anywhere, from disk, without a network.
Cost: one forward pass, and half a second to write 4 MB.  What it does not do: the pictures and the words of the tour.
Source: show/report.py.  Next room: browser.py.
"""

import contextlib
import io
from typing import Annotated

import typer

from minicnn.cli.answering import JsonOption, ModelArgument
from minicnn.cli.browser import OpenOption
from minicnn.cli.trace import ImageOption, OnnxOption, WeightsOption


def report(
    model: ModelArgument = None,
    image: ImageOption = None,
    weights: WeightsOption = "pretrained",
    onnx: OnnxOption = None,
    out: Annotated[str, typer.Option(metavar="FILE.html", help="What is written.")] = "report.html",
    full: Annotated[bool, typer.Option("--full", help="Hold every number of every map; the file is as large as they are.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    open: OpenOption = False,
    json: JsonOption = False,
) -> None:
    """Write one HTML file in which every map of a photo can be looked at and numbers walked back to their pixels."""
    from minicnn import show
    from minicnn.cli import answering, browser

    free(out, overwrite)
    start = answering.begin(model, onnx, weights, image, None)
    found = answering.traced(start)
    title = f"{start.head['model']} on {start.photo.source}"
    with contextlib.redirect_stdout(io.StringIO()):  # what it prints of its size is told below
        path = show.report(start.net, found, out, photo=start.photo.picture, title=title, full=full, overwrite=overwrite)
    size = path.stat().st_size
    facts = {"written": f"{path} ({size:,} bytes), {len(found)} maps", "look at it": "open it in any browser; it asks no network"}
    answering.end(start, facts, {"file": str(path), "bytes": size, "maps": len(found), "full": full}, {}, None, json, None)
    if open:
        browser.opened(start.terminal, path)


def free(out: str, overwrite: bool) -> None:
    """Refuse a file that may not be written, before anything runs."""
    from minicnn.errors import ArgumentError
    from minicnn.load.whole import places

    if not out.lower().endswith((".html", ".htm")):
        raise ArgumentError(
            f"--out: a report is written as HTML, but the file is called {out!r}; call it {out.rpartition('.')[0] or out}.html."
        )
    try:
        places(out, overwrite, "--out")
    except ArgumentError as error:
        raise ArgumentError(str(error).replace("pass overwrite=True", "add --overwrite")) from None
