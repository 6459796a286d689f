"""Which question: what does each layer of a row do to the shape, step by step, with its numbers?

Idea: the same rules that run the package are asked for their arithmetic: sizes (Slide.derivation),
the receptive field (ReceptiveField.through), parameters and multiply-adds.  No numbers are drawn.

Counting: parameters are learned numbers; multiply-adds are those of convolutions and linear layers,
padding counted, bias, normalization and activations not.
Cost: none.  What it does not do: branches; describe a nn.Graph for those.
Source: Dumoulin & Visin (2016); Araujo, Norris, Sim (2019).  Next room: calls.py, which reads the text.
"""

from dataclasses import asdict, dataclass
from math import prod
from typing import Annotated

import typer

from minicnn.cli.terminal import Terminal


@dataclass(frozen=True)
class Step:
    """What one layer does: its facts, and the arithmetic in words."""

    layer: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    size: dict[str, str]
    field: dict
    field_arithmetic: dict[str, str]
    parameters: int
    parameters_arithmetic: str
    multiply_adds: int
    multiply_adds_arithmetic: str


def shape(
    layers: Annotated[list[str], typer.Argument(help='Layers in a row, quoted: "Conv2d(3, 64, 7, stride=2) ReLU".', show_default=False)],
    input: Annotated[str, typer.Option(help="Shape of the input: channels, rows, columns.")] = "3x224x224",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")] = False,
) -> None:
    """Show how each layer of a row changes shape and receptive field, and what it costs."""
    from minicnn.cli.calls import read_layers
    from minicnn.cli.inputs import parse_shape
    from minicnn.cli.table import one_image

    terminal = Terminal()
    given = parse_shape(input)
    first = (1, *given) if len(given) == 3 else given
    steps, field = steps_of(read_layers(" ".join(layers)), first)
    total = {"output_shape": steps[-1].output_shape, "field": field.to_dict()}
    total |= {name: sum(getattr(step, name) for step in steps) for name in ("parameters", "multiply_adds")}
    if json:
        terminal.json({"input_shape": first, "layers": [asdict(step) for step in steps], "total": total})
        return
    terminal.fact("input", one_image(first))
    for place, step in enumerate(steps, 1):
        _print(terminal, place, step)
    terminal.line()
    terminal.fact("total", f"{one_image(first)} → {one_image(steps[-1].output_shape)}")
    if len(first) == 4:
        terminal.fact("", f"field {_field_words(field)}")
    terminal.fact("", f"{total['parameters']:,} parameters, {total['multiply_adds']:,} multiply-adds")


def steps_of(layers, shape):
    """Return what each layer does to a shape, and the receptive field behind the last.

    >>> from minicnn.cli.calls import read_layers
    >>> steps, field = steps_of(read_layers("Conv2d(3, 64, 7, stride=2, padding=3)"), (1, 3, 224, 224))
    >>> steps[0].size["size"], steps[0].parameters_arithmetic
    ('floor((224 + 3 + 3 - 1·(7 - 1) - 1) / 2) + 1 = 112', '64·3·7·7 + 64 = 9,472')
    """
    from minicnn import ReceptiveField

    field, steps = ReceptiveField(), []
    for place, layer in enumerate(layers, 1):
        step, field = _step(layer, shape, field, place)
        steps.append(step)
        shape = step.output_shape
    return steps, field


def _step(layer, shape, field, place: int):
    from minicnn.errors import ArgumentError, MinicnnError

    try:
        result = layer.output_shape(shape)
        rows, columns = layer.axes(shape)[0]
    except MinicnnError as error:
        raise type(error)(f"shape: layer {place}, {layer!r}: {error}") from None
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise ArgumentError(
            f"shape: layer {place}, {layer!r}, does not fit an input of shape {shape} ({error}); check its arguments."
        ) from None
    out = result[0] if len(layer.results) > 1 else result  # pooling with return_indices has two results of one shape
    sizes = shape[2:] if len(shape) == 4 else (1, 1)
    reaches = tuple(rule.reach(n) for rule, n in zip((rows, columns), sizes, strict=True))
    behind = field.through(reaches)
    step = Step(
        repr(layer),
        shape,
        out,
        _size_arithmetic(layer, (rows, columns), shape, out),
        behind.to_dict(),
        _field_arithmetic(field, reaches, behind) if len(shape) == 4 else {},  # rows of features have no positions
        *_parameters(layer),
        *_multiply_adds(layer, shape, out),
    )
    return step, behind


def _size_arithmetic(layer, rules, shape, out) -> dict[str, str]:
    from minicnn import nn

    if isinstance(layer, nn.Flatten):
        return {"features": f"{'·'.join(map(str, shape[1:]))} = {prod(shape[1:]):,}"} if len(out) == 2 else {}
    if isinstance(layer, nn.Unfold):
        return {"columns": f"{out[2]:,} windows of {shape[1]}·{'·'.join(map(str, layer.kernel_size))} = {out[1]:,} numbers"}
    if isinstance(layer, nn.Fold):
        return {"size": f"{out[2]}×{out[3]}, chosen by output_size"}
    if not out or not shape:
        return {"size": "one number, without axes" if not out else f"{'×'.join(map(str, out))}, of one number"}
    if len(shape) != 4:
        chosen = isinstance(layer, nn.Linear)
        return {"features": f"{shape[-1]} → {out[-1]}, chosen by out_features" if chosen else f"{out[-1]}, as they came in"}
    if all(rule.reach(n) == (1, 1, 0) and rule.out_size(n) == n for rule, n in zip(rules, shape[2:], strict=True)) and not isinstance(
        layer, nn.Conv2d
    ):
        return {"size": f"{out[2]}×{out[3]}, as it came in"}
    rows, columns = (rule.derivation(n) for rule, n in zip(rules, shape[2:], strict=True))
    return {"size": rows} if rows == columns else {"rows": rows, "columns": columns}


def _field_arithmetic(before, reaches, behind) -> dict[str, str]:
    """Return size + (size_l - 1)·stride, stride·stride_l and start + stride·start_l with their numbers."""
    if before.size is None or behind.size is None:
        return {"both": behind.reason}
    if before == behind:
        return {"both": f"{_field_words(behind)}, as it came in"}
    rows, columns = (
        f"size {size} + ({reach.size} - 1)·{_bracketed(stride)} = {new_size}, stride {_bracketed(stride)}·{_bracketed(reach.stride)} = "
        f"{new_stride}, start {start} + {_bracketed(stride)}·{_bracketed(reach.start)} = {new_start}"
        for size, stride, start, reach, new_size, new_stride, new_start in zip(
            before.size, before.stride, before.start, reaches, behind.size, behind.stride, behind.start, strict=True
        )
    )
    return {"both": rows} if rows == columns else {"rows": rows, "columns": columns}


def _bracketed(number) -> str:
    return f"({number})" if number < 0 or "/" in str(number) else str(number)


def _parameters(layer) -> tuple[int, str]:
    shapes = [array.shape for array in layer.parameters().values()]
    total = sum(map(prod, shapes))
    if not shapes:
        return 0, "none"
    text = " + ".join("·".join(map(str, shape)) for shape in shapes) + f" = {total:,}"
    measured = sum(array.size for array in layer.buffers().values())
    return total, text + (f", and {measured:,} measured numbers that are not learned" if measured else "")


def _multiply_adds(layer, shape, out) -> tuple[int, str]:
    from minicnn import nn

    total = layer.multiply_adds(shape)
    if isinstance(layer, nn.Conv2d):
        return total, f"{_positions(out)} outputs × {'·'.join(map(str, layer.weight.shape[1:]))} each = {total:,}"
    if isinstance(layer, nn.ConvTranspose2d):
        return total, f"{_positions(shape)} inputs × {'·'.join(map(str, layer.weight.shape[1:]))} each = {total:,}"
    if isinstance(layer, nn.Linear):
        return total, f"{_positions(out)} outputs × {layer.in_features} each = {total:,}"
    return total, "none counted" if not total else f"{total:,}"


def _positions(shape) -> str:
    return "·".join(map(str, shape[1:] if shape[:1] == (1,) else shape))


def _field_words(field) -> str:
    from minicnn.text import times

    if field.size is None:
        return field.reason
    size, stride = (str(a) if a == b else times((a, b)) for a, b in (field.size, field.stride))
    start = str(field.start[0]) if field.start[0] == field.start[1] else f"({field.start[0]}, {field.start[1]})"
    return f"{size} px, one step {stride} px, from {start}"


def _print(terminal: Terminal, place: int, step: Step) -> None:
    from minicnn.cli.table import one_image

    terminal.line()
    terminal.say(f"{place}  {step.layer}", "bold")
    terminal.fact("   shape", f"{one_image(step.input_shape)} → {one_image(step.output_shape)}")
    for label, text in step.size.items():
        terminal.fact(f"   {label}", text)
    for axis, text in step.field_arithmetic.items():
        terminal.fact("   field" if axis != "columns" else "", text if axis == "both" else f"{axis}: {text}")
    if step.parameters or step.multiply_adds:
        terminal.fact("   parameters", step.parameters_arithmetic)
        terminal.fact("   mult-adds", step.multiply_adds_arithmetic)
    else:
        terminal.fact("   cost", "nothing to learn, no multiply-adds counted")
