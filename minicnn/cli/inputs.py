"""Which question: what do MODEL, --onnx, --weights, --image and --input mean?

Idea: the words of the command line become what the API takes: a network, a photo as an array of the
size that the network was published for, a shape.  Errors of the API that name Python are given the
words of the command line as well.

Cost: reading the files.  Next room: maps.py.
"""

import re
from pathlib import Path
from typing import NamedTuple

from minicnn.errors import ArgumentError, WeightsError

LARGEST = 1_000_000  # a length beyond this is a slip of the finger
EXAMPLE = "write channels, rows and columns, such as 3x224x224"


class Photo(NamedTuple):
    """A photo, as the network takes it and as a person sees it."""

    source: str
    x: object  # (1, C, H, W)
    picture: object  # (H, W, 3) in [0, 1]


class Chosen(NamedTuple):
    """The network that a command is about."""

    name: str
    net: object
    input_shape: tuple  # (C, H, W), or whole where it is not one image


def parse_shape(text: str) -> tuple[int, ...]:
    """Return the shape that was typed: 3x224x224, "3 224 224", 1x3x224x224 or 3×224×224.

    >>> parse_shape("3x224x224"), parse_shape("(1, 3, 32, 40)"), parse_shape("2×400")
    ((3, 224, 224), (1, 3, 32, 40), (2, 400))
    """
    parts = [part for part in re.split(r"[x×X*,\s]+", text.strip().strip("()[]")) if part]
    if not all(re.fullmatch(r"[0-9]{1,9}", part) for part in parts) or not 2 <= len(parts) <= 4:
        raise ArgumentError(f"--input: a shape has two to four whole numbers, but it is {text!r}; {EXAMPLE}.")
    shape = tuple(map(int, parts))
    if not all(1 <= n <= LARGEST for n in shape):
        raise ArgumentError(f"--input: every length is from 1 to {LARGEST:,}, but it is {text!r}; {EXAMPLE}.")
    return shape


def chosen(model: str | None, onnx: str | None, weights: str | None = None) -> Chosen:
    """Return the network of a name or of an ONNX file; of a name without weights, shapes only."""
    from minicnn import load, models

    if (model is None) == (onnx is None):
        raise ArgumentError(
            "the network is MODEL, a name that 'minicnn describe' lists, or --onnx FILE, one of them, "
            + ("but both were given." if model else "but neither was given.")
        )
    if onnx is None:
        return Chosen(model, models.build(model) if weights is None else network(model, weights), models.input_shape(model))
    net = load.onnx(onnx)
    shapes = [net.input_shapes[name] for name in net.inputs]
    if len(shapes) > 1:
        raise ArgumentError(
            f"--onnx: the network takes {len(shapes)} inputs ({', '.join(net.inputs)}), and the command line feeds one; use Python."
        )
    return Chosen(Path(onnx).name, net, shapes[0][1:] if len(shapes[0]) == 4 else shapes[0])


def network(model: str, weights: str):
    """Return a model with numbers: 'pretrained', 'random' (drawn with seed 0) or those of a file."""
    from minicnn import models

    if weights == "random":
        import numpy as np

        return models.build(model, rng=np.random.default_rng(0))
    try:
        return models.build(model, weights=weights)
    except WeightsError as error:
        raise WeightsError(f"{error}\nOn the command line: --weights FILE, or --weights random for numbers drawn with seed 0.") from None


def photo(path: str | None, shape: tuple[int, int, int]) -> Photo:
    """Return a photo at the size that a network takes; matplotlib's sample photo where no path is given."""
    from minicnn import load

    source = "a photo of Rear Admiral Grace Hopper, matplotlib's sample" if path is None else Path(path).name
    channels, rows, columns = shape
    if shape == (3, 224, 224):
        how, scale = dict(load.IMAGENET), {name: load.IMAGENET[name] for name in ("mean", "std")}
    else:
        how, scale = {"mode": "RGB" if channels == 3 else "L", "resize": max(rows, columns), "crop": (rows, columns)}, {}
    x = load.image(_sample() if path is None else path, **how)
    return Photo(source, x, load.to_hwc(x, **scale))


def _sample() -> str:
    from matplotlib.cbook import get_sample_data

    return str(get_sample_data("grace_hopper.jpg", asfileobj=False))
