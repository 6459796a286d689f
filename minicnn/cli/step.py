"""Which question: how does one number after the other come out of a kernel, or of a layer of a network?

Idea: a small input and a kernel of small whole numbers (--input, --kernel), or a map of a network on a photo (--model, --node), and the
arrow keys.  Without a terminal, or without the package that reads keys there, the steps are printed one after the other.
Cost: a convolution of a few numbers; one forward pass for a model.
What it does not do: keep what it shows, but by --save.  Next rooms: step_text.py, step_app.py, probe/sliding.py.
"""

import re
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from minicnn.cli.answering import AtOption, ChannelOption, JsonOption
from minicnn.cli.terminal import Terminal
from minicnn.cli.trace import ImageOption, OnnxOption
from minicnn.errors import ArgumentError

KEYS = 'the arrow keys need the package textual, which is not installed: pip install "minicnn-engine[step]"; so the steps are printed.'
DIGITS, TAPS, OFFSETS = (0, 10), (-2, 3), (-3, 4)  # what is drawn: inputs, weights, the bias
CHANNELS = 8


def step(
    input: Annotated[
        str | None, typer.Option(metavar="5x5", help="Size of the input, or its numbers: '3 0 7; 2 9 1'.", show_default=False)
    ] = None,
    kernel: Annotated[
        str | None, typer.Option(metavar="3x3", help="Size of the kernel, or its numbers: '1 0 -1; 2 0 -2'.", show_default=False)
    ] = None,
    stride: Annotated[
        str | None, typer.Option(metavar="N", help="How far the kernel moves; 2x1 for rows x columns.", show_default=False)
    ] = None,
    padding: Annotated[str | None, typer.Option(metavar="N", help="Zeros around the input; 1x2, or same.", show_default=False)] = None,
    dilation: Annotated[str | None, typer.Option(metavar="N", help="How far the kernel's cells stand apart.", show_default=False)] = None,
    channels: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=CHANNELS, help="Channels of the input.", show_default=False)
    ] = None,
    bias: Annotated[float | None, typer.Option(metavar="NUMBER", help="What is added to the sum.", show_default=False)] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", min=0, help="Draws other numbers.", show_default=False)] = None,
    model: Annotated[str | None, typer.Option(metavar="NAME", help="A model in place of a kernel.", show_default=False)] = None,
    node: Annotated[str | None, typer.Option(metavar="NAME", help="Its map; the output by default.", show_default=False)] = None,
    channel: ChannelOption = None,
    at: AtOption = None,
    image: ImageOption = None,
    weights: Annotated[
        str | None, typer.Option(metavar="FILE", help="A model's weights: 'pretrained', 'random' or a file.", show_default=False)
    ] = None,
    onnx: OnnxOption = None,
    save: Annotated[str | None, typer.Option(metavar="FILE", help="Write the steps: a .gif, or a page .html.", show_default=False)] = None,
    json: JsonOption = False,
) -> None:
    """Step through a kernel, or a map of a network, number by number: arrow keys, space, q."""
    terminal = Terminal()
    setting = {"input": input, "kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    small = {**setting, "channels": channels, "bias": bias, "seed": seed, "save": save}
    large = {"node": node, "channel": channel, "weights": weights}
    if model is None and onnx is None:
        _refuse(large, "a model", "write --model NAME beside it, or leave it out")
        _kernel(terminal, setting, channels or 1, bias, seed or 0, image, at, save, json)
    else:
        _refuse(small, "a kernel over a small input", "leave it out, or leave out --model and --onnx")
        _model(terminal, model, onnx, weights or "pretrained", node, channel, at, image, json)


def _refuse(given: dict, what: str, remedy: str) -> None:
    for name, value in given.items():
        if value is not None:
            raise ArgumentError(f"step: --{name} is for {what}; {remedy}.")


def _kernel(terminal: Terminal, setting: dict, channels: int, bias, seed: int, image, at, save, json: bool) -> None:
    from minicnn.cli.step_walk import KernelWalk

    found = made(setting, channels, bias, seed, image)
    start = None if at is None else _start(found, at)
    if save is not None:
        _saved(terminal, found, save, json)
    elif json:
        terminal.json(found.to_dict())
    elif interactive(terminal):
        _run(KernelWalk(found), start or (0, 0))
    else:
        from minicnn.cli.step_text import LEGEND, drawn

        for number in range(len(found)) if start is None else [found.number(start)]:
            for line in drawn(found, found.step(number), terminal.width):
                terminal.line(line.plain.rstrip())
            terminal.line()
        terminal.line(LEGEND)


def made(setting: dict, channels: int, bias, seed: int, image: str | None):
    """Return the kernel and its input, with numbers drawn where only sizes were given.

    >>> found = made({"input": "2x3", "kernel": "1 -1", "stride": "1", "padding": "0x1", "dilation": None}, 1, None, 0, None)
    >>> found.x.shape, found.y.shape, found.layer.weight.ravel().tolist()
    ((1, 2, 3), (1, 2, 4), [1.0, -1.0])
    """
    import numpy as np

    from minicnn.probe.sliding import sliding

    rng = np.random.default_rng(seed)
    sizes = {"input": "5x5", "kernel": "3x3"}
    x, weight = (values(size if setting[name] is None else setting[name], name) for name, size in sizes.items())
    if image is not None:
        if not isinstance(x, tuple):
            raise ArgumentError("step: the input is --image or the numbers of --input, but both were given; write its size: --input 5x5.")
        x = _photo(image, channels, x)
    x = rng.integers(*DIGITS, (channels, *x)).astype(float) if isinstance(x, tuple) else np.asarray(x, float)
    weight = rng.integers(*TAPS, (channels, *weight)).astype(float) if isinstance(weight, tuple) else np.asarray(weight, float)
    x, weight = (array if array.ndim == 3 else np.repeat(array[None], channels, axis=0) for array in (x, weight))
    bias = float(rng.integers(*OFFSETS)) if bias is None else bias
    windows = {name: pair(setting[name], name) for name in ("stride", "padding", "dilation") if setting[name] is not None}
    return sliding(x, weight, bias, what="step", **windows)


def _photo(image: str, channels: int, size):
    from minicnn.cli import inputs

    if channels not in (1, 3):
        raise ArgumentError(f"step: a photo has 1 or 3 channels, but --channels is {channels}; write --channels 3.")
    return inputs.photo(image, (channels, *size)).x[0].astype(float)


def values(text: str, name: str):
    """Return (rows, columns) of a size, or the rows of numbers that were typed.

    >>> values("5x4", "input"), values("3", "kernel"), values("1 0; -2 .5", "kernel")
    ((5, 4), (3, 3), [[1.0, 0.0], [-2.0, 0.5]])
    """
    if re.fullmatch(r"\s*[0-9]{1,4}(\s*[x×X]\s*[0-9]{1,4})?\s*", text):
        sizes = [int(part) for part in re.findall("[0-9]+", text)]
        if min(sizes) < 1:
            raise ArgumentError(f"step: --{name} has at least one row and one column, but it is {text!r}; write --{name} 3x3.")
        return (sizes[0], sizes[-1])
    rows = [[part for part in re.split(r"[,\s]+", row.strip()) if part] for row in text.strip().strip(";").split(";")]
    try:
        numbers = [[float(part) for part in row] for row in rows]
    except ValueError:
        numbers = []
    if not numbers or not numbers[0] or len({len(row) for row in numbers}) != 1:
        raise ArgumentError(
            f"step: --{name} is a size, such as 5x5, or rows of as many numbers each, such as '1 0 -1; 2 0 -2', but it is {text!r}."
        )
    return numbers


def pair(text: str, name: str):
    """Return a setting of rows and columns: 2, 2x1, or 'same' for padding.

    >>> pair("2", "stride"), pair("2x1", "stride"), pair("same", "padding")
    ((2, 2), (2, 1), 'same')
    """
    if name == "padding" and text in ("same", "valid"):
        return text
    if not re.fullmatch(r"[0-9]{1,4}([x×X,][0-9]{1,4})?", text):
        raise ArgumentError(f"step: --{name} is a whole number, or rows x columns, but it is {text!r}; write --{name} 2 or --{name} 2x1.")
    sizes = [int(part) for part in re.findall("[0-9]+", text)]
    return sizes[0], sizes[-1]


def _start(found, at: str) -> tuple[int, int]:
    """Return where to begin, when the output has it."""
    from minicnn.cli.answering import place
    from minicnn.text import times

    start = place(at)
    if any(n >= size for n, size in zip(start, found.out, strict=True)):
        raise ArgumentError(
            f"step: --at is a place of the output, {times(found.out)}, so rows 0 … {found.out[0] - 1} and columns 0 … {found.out[1] - 1}, "
            f"but it is {at!r}."
        )
    return start


def _saved(terminal: Terminal, found, save: str, json: bool) -> None:
    from minicnn import show

    window, layer = found.layer.window, found.layer
    try:
        path = show.sliding_kernel(found.x, layer.weight, layer.bias, window.stride, window.padding, window.dilation, path=save)
    except ArgumentError as error:
        raise ArgumentError(f"{error} On the command line: --save FILE.") from None
    size = Path(path).stat().st_size
    if json:
        terminal.json({"file": str(path), "bytes": size, "steps": len(found)})
        return
    terminal.fact("written", f"{path} ({size:,} bytes), {len(found)} steps")


def _model(terminal: Terminal, model, onnx, weights: str, node, channel, at, image, json: bool) -> None:
    from minicnn import probe
    from minicnn.cli import explain
    from minicnn.cli.answering import begin, traced
    from minicnn.cli.step_walk import MapWalk, Spot

    where = explain.position(at)
    start = begin(model, onnx, weights, image, None)
    node = node or start.net.outputs[0]
    found = traced(start, node.partition(":")[0])
    if node in found and (channel is None or where is None):
        channel, where = explain.largest(found[node].data, channel, where)
    spot = Spot(node, 0 if channel is None else channel, where or ())
    first = probe.explain(start.net, found, *spot)  # a wrong place is told before the screen is taken
    if json:
        terminal.json({**start.head, **first.to_dict()})
    elif interactive(terminal):
        _run(MapWalk(start.net, found), spot)
    else:
        terminal.say(f"{start.head['model']} on {start.photo.source}", "bold")
        for line in MapWalk(start.net, found).lines(spot, terminal.width):
            terminal.line(line.plain.rstrip())


def interactive(terminal: Terminal) -> bool:
    """Return whether keys can be read: a terminal on both sides, and the package for it."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or terminal.out.is_dumb_terminal:
        return False
    if find_spec("textual") is None:
        terminal.note(KEYS)
        return False
    return True


def _run(walk, start) -> None:
    from minicnn.cli.step_app import Stepper

    Stepper(walk, start).run()
