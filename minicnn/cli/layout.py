"""Which question: how does a map of this shape lie in memory?

Idea: probe.layout of an empty array, as NCHW or as NHWC: a shape and strides are all that counts.
Cost: none; memory that nobody writes to is not taken.  Next room: probe/layout.py.
"""

from enum import StrEnum
from math import prod
from typing import Annotated

import typer

from minicnn.cli.answering import JsonOption
from minicnn.cli.terminal import Terminal

MOST = 10**9  # numbers


class Format(StrEnum):
    """The order of the axes in memory."""

    nchw = "nchw"
    nhwc = "nhwc"


def layout(
    shape: Annotated[str, typer.Argument(help="Shape of a map, such as 3x224x224 or 2x64x56x56.", show_default=False)],
    format: Annotated[Format, typer.Option(help="Which axes lie side by side: columns (nchw) or channels (nhwc).")] = Format.nchw,
    json: JsonOption = False,
) -> None:
    """Draw how a float32 map lies in memory: strides, cells and the indices in them."""
    from minicnn import probe

    terminal = Terminal()
    found = probe.layout(_empty(shape, format))
    if json:
        terminal.json(found.to_dict())
        return
    for line in str(found).split("\n"):
        terminal.line(line)


def _empty(text: str, format: Format):
    """Return an array of the shape that was typed, a single image as a batch of one."""
    import numpy as np

    from minicnn.cli.inputs import parse_shape
    from minicnn.errors import ArgumentError

    try:
        shape = parse_shape(text)
    except ArgumentError as error:
        raise ArgumentError(str(error).replace("--input", "SHAPE")) from None
    if prod(shape) > MOST:
        raise ArgumentError(f"SHAPE: {text} has {prod(shape):,} numbers, and a drawing is made of at most {MOST:,}; give a smaller one.")
    if format is Format.nchw:
        return np.empty(shape if len(shape) != 3 else (1, *shape), np.float32)
    if len(shape) < 3:
        raise ArgumentError(f"--format nhwc: a map has channels, rows and columns, but the shape is {text!r}; write 3x224x224.")
    n, c, h, w = shape if len(shape) == 4 else (1, *shape)
    return np.empty((n, h, w, c), np.float32).transpose(0, 3, 1, 2)
