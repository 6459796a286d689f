"""Which question: how did the input of a network look, and how does it travel in a page?

Idea: the array that the network took is turned back into a picture: as it is where it lies in [0, 1] or 0 … 255, with ImageNet's mean and
deviation where that brings it there, and stretched from its smallest to its largest number otherwise.  A photo that is given is taken as it
is.  Either becomes a PNG inside an address (text.png), so a page needs no second file.

Cost: milliseconds.  What it does not do: guess other means; pass the photo.  Source: load/photo.py, whose inverse this is.
Next room: payload.py.
"""

import numpy as np

from minicnn.errors import ShapeError
from minicnn.load import IMAGENET, to_hwc
from minicnn.network import FeatureMap
from minicnn.text import data_uri, png, times

SLACK = 1e-3  # of rounding


def input_picture(found: FeatureMap, photo=None) -> str | None:
    """Return the picture of an input's first image as a data address, None where it has no rows and columns.

    >>> from minicnn import nn, trace
    >>> input_picture(trace(nn.ReLU(), np.zeros((1, 3, 2, 2), np.float32))["x"])[:22]
    'data:image/png;base64,'

    Raises ShapeError for a photo of another size than the input.
    """
    if found.data.ndim != 4 or not found.data.size:
        if photo is not None:
            raise ShapeError(
                f"show.report: photo is the picture of {found.name!r}, but that is {times(found.shape)} and has no rows and columns; leave it out."
            )
        return None
    pixels = _of_array(found.data[0]) if photo is None else _given(photo, found.data.shape[2:])
    data = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    return data_uri(png(data.tobytes(), data.shape[1], data.shape[0]))


def _given(photo, size) -> np.ndarray:
    pixels = np.asarray(photo)
    if pixels.shape != (*size, 3) or pixels.dtype.kind not in "fu" or (pixels.dtype.kind == "u" and pixels.dtype != np.uint8):
        received = f"{times(pixels.shape)} of {pixels.dtype}" if isinstance(photo, np.ndarray) else f"a {type(photo).__name__}"
        raise ShapeError(
            f"show.report: photo must be what the network saw, {times(size)}×3 in [0, 1] or bytes, since boxes are drawn on it, but it is "
            f"{received}; pass load.to_hwc(x, mean, std), or leave it out."
        )
    return np.nan_to_num(pixels) if pixels.dtype.kind == "f" else pixels / 255


def _of_array(x: np.ndarray) -> np.ndarray:
    """Return (C, H, W) as (H, W, 3) in [0, 1]."""
    if x.dtype.kind != "f":
        x = x.astype(np.float64)
    finite = np.isfinite(x)
    if len(x) not in (1, 3):
        x, finite = np.where(finite, x, 0).mean(axis=0, keepdims=True), finite.all(axis=0, keepdims=True)
    inside = x[finite] if finite.any() else np.zeros(1)
    lo, hi = float(inside.min()), float(inside.max())
    x = np.where(finite, x, x.dtype.type(lo))
    if lo >= -SLACK and hi <= 1 + SLACK:
        pixels = x.transpose(1, 2, 0)
    elif lo >= 0 and 1 < hi <= 255 and (x == np.rint(x)).all():
        pixels = x.transpose(1, 2, 0) / 255
    elif len(x) == 3 and _normalised(x):
        return to_hwc(x, IMAGENET["mean"], IMAGENET["std"])
    else:
        pixels = (x.transpose(1, 2, 0) / 2 - lo / 2) / ((hi / 2 - lo / 2) or 1.0)
    return np.repeat(pixels, 3 // pixels.shape[2], axis=2)


def _normalised(x: np.ndarray) -> bool:
    """Whether ImageNet's mean and deviation bring these numbers into [0, 1]."""
    mean, std = (np.array(IMAGENET[name])[:, None, None] for name in ("mean", "std"))
    pixels = x * std + mean
    return bool(pixels.min() >= -SLACK and pixels.max() <= 1 + SLACK)
